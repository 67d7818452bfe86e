/* SPDX-License-Identifier: Apache-2.0
 *
 * Rule files: lines to rules, and the rules of one sid to one rule.
 * 1. A rule's place in s->rules never changes; a higher rev takes the place of the lower. */
#include <stdlib.h>

#include "sensor/rule/rule.h"

#include <stdarg.h>

#include "base/buf.h"
#include "sensor/rule/rule_priv.h"

/* Where the rule with this gid and sid is; the first two members are the key in the table. */
struct rule_id {
	uint64_t gid, sid;
	size_t at;
};

static struct slice id_key(const struct rule_id *id)
{
	return (struct slice){(const uint8_t *)id, offsetof(struct rule_id, at)};
}

enum status rule_set_init(struct rule_set *s, struct arena *arena, struct fail *why)
{
	*s = (struct rule_set){
		.vars = ARENA_NEW(arena, struct rule_vars),
		.classes = ARENA_NEW(arena, struct rule_classes),
		.references = ARENA_NEW(arena, struct rule_references),
		.index = ARENA_NEW(arena, struct rule_index),
		.arena = arena,
	};
	if (s->vars == NULL || s->classes == NULL || s->index == NULL || s->references == NULL ||
	    !rule_vars_init(s->vars, arena) || !rule_classes_init(s->classes, arena) ||
	    !rule_references_init(s->references, arena))
		return fail_set(why, ST_NOMEM, "no memory for rules");
	return ST_OK;
}

PRINTF_LIKE(3, 0)
static void problem_push(struct rule_set *s, const struct rule_problem *where, const char *fmt,
			 va_list ap)
{
	struct rule_problem p = *where;
	struct buf text = buf_in(s->arena);

	s->warning_count += p.warning;

	buf_add_vfmt(&text, fmt, ap);
	p.text = buf_slice(&text);
	if (!text.full && !ARENA_PUSH(s->arena, s->problems, s->problem_count, s->problem_room, p))
		ASSERT(s->arena->exhausted);
}

void rule_problem_add(struct rule_set *s, const struct rule_problem *where, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	problem_push(s, where, fmt, ap);
	va_end(ap);
}

void rule_set_warn(struct rule_set *s, struct slice file, uint32_t line, const char *fmt, ...)
{
	struct rule_problem where = {
		.file = arena_copy(s->arena, file), .line = line, .warning = true};
	va_list ap;

	va_start(ap, fmt);
	problem_push(s, &where, fmt, ap);
	va_end(ap);
}

void rule_set_trouble(struct rule_set *s, struct slice file, uint32_t line, const char *fmt, ...)
{
	struct rule_problem where = {.file = arena_copy(s->arena, file), .line = line};
	va_list ap;

	va_start(ap, fmt);
	problem_push(s, &where, fmt, ap);
	va_end(ap);
}

void rule_set_problem(struct rule_set *s, const struct rule *r, bool warning, struct slice keyword,
		      const char *fmt, ...)
{
	struct rule_problem where = {.file = r->file,
				     .line = r->line,
				     .sid = r->sid,
				     .keyword = keyword,
				     .warning = warning};
	va_list ap;

	va_start(ap, fmt);
	problem_push(s, &where, fmt, ap);
	va_end(ap);
}

struct slice rule_text_line(struct slice *rest)
{
	struct slice line = slice_split(rest, '\n');

	if (slice_ends(line, SLICE("\r")))
		line.len--;
	return line;
}

struct slice rule_line_take(struct rule_set *s, struct slice *rest, uint32_t *lines)
{
	struct slice line = rule_text_line(rest);
	struct buf all = buf_in(s->arena);

	(*lines)++;
	if (!slice_ends(line, SLICE("\\")))
		return line;
	while (slice_ends(line, SLICE("\\")) && rest->len > 0) {
		buf_add(&all, slice_part(line, 0, line.len - 1));
		line = rule_text_line(rest);
		(*lines)++;
	}
	buf_add(&all, slice_ends(line, SLICE("\\")) ? slice_part(line, 0, line.len - 1) : line);
	return buf_slice(&all);
}

static int problem_compare(const void *pa, const void *pb)
{
	const struct rule_problem *a = pa, *b = pb;
	int d = slice_compare(a->file, b->file);

	if (d != 0 || a->line != b->line)
		return d != 0 ? d : a->line < b->line ? -1 : 1;
	return slice_compare(a->text, b->text);
}

void rule_set_problems_sort(struct rule_set *s)
{
	if (s->problem_count > 1)
		qsort(s->problems, s->problem_count, sizeof s->problems[0], problem_compare);
}

/* Adds r, or keeps what is there. */
static enum status rule_add(struct rule_set *s, const struct rule *r, struct fail *why)
{
	const struct rule_id key = {r->gid, r->sid, 0};
	struct rule_id *id = rule_table_find(&s->index->ids, id_key(&key));
	struct rule *old;

	if (id != NULL) {
		bool newer;

		old = &s->rules[id->at];
		newer = r->rev > old->rev;
		rule_set_problem(s, newer ? old : r, false, (struct slice){NULL, 0},
				 "sid %llu is also in %.*s:%u, and rev %llu there is %s than rev "
				 "%llu here: this rule is left out",
				 (unsigned long long)r->sid, RULE_SHOW(newer ? r->file : old->file),
				 newer ? r->line : old->line,
				 (unsigned long long)(newer ? r->rev : old->rev),
				 r->rev == old->rev ? "not lower" : "higher",
				 (unsigned long long)(newer ? old->rev : r->rev));
		if (newer)
			*old = *r;
		return ST_OK;
	}
	id = ARENA_NEW(s->arena, struct rule_id);
	if (id == NULL || !ARENA_PUSH(s->arena, s->rules, s->count, s->room, *r))
		return fail_set(why, ST_NOMEM, "no memory for rules");
	*id = (struct rule_id){r->gid, r->sid, s->count - 1};
	if (!rule_table_put(&s->index->ids, s->arena, id_key(id), id)) {
		s->count--;
		return fail_set(why, ST_NOMEM, "no memory for rules");
	}
	return ST_OK;
}

/* False: a requirement says that the rule is not for this engine, whatever else it says. */
static enum status meant_for_us(const struct rule_set *s, const struct rule *r, bool *out,
				struct fail *why)
{
	enum status st = ST_OK;

	*out = true;
	for (size_t i = 0; st == ST_OK && *out && i < r->option_count; i++)
		if (slice_equal(r->options[i].keyword, SLICE("requires")))
			st = rule_requires_check(s, r->options[i].value, out, why);
	return st;
}

static enum status line_load(struct rule_set *s, struct slice file, uint32_t line,
			     struct slice text, struct fail *why)
{
	struct rule r = {.file = file, .line = line, .text = slice_trim(text)};
	struct slice unsupported = {NULL, 0};
	struct fail why_requires;
	enum status st, requires;
	bool ours;

	if (r.text.len == 0 || r.text.ptr[0] == '#')
		return ST_OK;
	st = rule_line_parse(s, &r, &unsupported, why);
	requires = meant_for_us(s, &r, &ours, &why_requires);
	if (st != ST_NOMEM && requires == ST_OK && !ours) {
		s->skipped++;
		return ST_OK;
	}
	if (st == ST_OK && requires != ST_OK) {
		st = requires;
		*why = why_requires;
	}
	if (st == ST_OK)
		return rule_add(s, &r, why);
	if (st == ST_NOMEM)
		return st;
	rule_set_problem(s, &r, false, unsupported, "%s", why->text);
	return ST_OK;
}

static struct slice base_name(struct slice path)
{
	struct slice rest = path, name = path;

	while (rest.ptr != NULL)
		name = slice_split(&rest, '/');
	return name;
}

enum status rule_set_load(struct rule_set *s, struct slice file, struct slice text,
			  struct fail *why)
{
	struct slice name = arena_copy(s->arena, base_name(file));
	struct slice rest = arena_copy(s->arena, text);
	enum status st = ST_OK;
	uint32_t lines = 0;

	while (st == ST_OK && rest.len > 0 && !s->arena->exhausted) {
		uint32_t first = lines + 1;
		struct slice line = rule_line_take(s, &rest, &lines);

		if (!s->arena->exhausted)
			st = line_load(s, name, first, line, why);
	}
	s->lines += lines;
	if (st == ST_OK && s->arena->exhausted)
		st = fail_set(why, ST_NOMEM, "no memory for rules");
	return st == ST_OK ? st : fail_wrap(why, "%.*s:%u", RULE_SHOW(name), lines);
}

int rule_id_compare(const struct rule *a, const struct rule *b)
{
	if (a->gid != b->gid)
		return a->gid < b->gid ? -1 : 1;
	return a->sid < b->sid ? -1 : a->sid > b->sid;
}

static int compare_in_set(const void *pa, const void *pb)
{
	return rule_id_compare(*(const struct rule *const *)pa, *(const struct rule *const *)pb);
}

const struct rule **rule_set_sorted(const struct rule_set *s, struct arena *a)
{
	const struct rule **all = ARENA_ARRAY(a, const struct rule *, s->count + 1);

	for (size_t i = 0; all != NULL && i < s->count; i++)
		all[i] = &s->rules[i];
	if (all != NULL && s->count != 0)
		qsort(all, s->count, sizeof all[0], compare_in_set);
	return all;
}
