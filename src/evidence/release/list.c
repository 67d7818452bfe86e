/* SPDX-License-Identifier: Apache-2.0
 *
 * The list of what leaves:
 *
 *	dewline-release/1
 *	log <origin>
 *	to <who gets it>
 *	ground <why>					may be absent
 *	thing <kind> <SHA-256, or -> <name>
 *	field <told> <how often> <name> <leaves, or ->[ <why it tells that>]
 *	address <address>
 *	pseudonym <pseudonym>				where an address would stand
 *	sum nothing 12, place 3, rule 4, method 5, addresses 2[, pseudonyms 3]
 *
 * Things, fields and addresses are sorted by their names, so the order they were added in says
 * nothing, and the same release made again is the same text.
 */
#include "evidence/release/release.h"

#include <stdlib.h>

#include "base/text.h"

#define FORMAT SLICE("dewline-release/1")

struct run { /* of leaves, both ends in it */
	uint64_t from, to;
};

struct release_field {
	struct slice name;
	enum disclose_told told;
	const char *why;
	uint64_t count;
	struct run *runs;
	size_t run_count, run_room;
};

/* One line of text, without what would act on a terminal. */
static bool is_line(struct slice s)
{
	if (s.len > RELEASE_TEXT_MAX || !text_is_utf8(s))
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] < ' ' || s.ptr[i] == 0x7f)
			return false;
	return true;
}

static bool is_word(struct slice s)
{
	return s.len != 0 && is_line(s) && slice_find(s, SLICE(" ")) == SIZE_MAX;
}

enum status release_begin(struct release *r, struct slice log, struct slice to, struct slice ground,
			  struct arena *a, struct fail *why)
{
	if (!is_word(log) || !is_line(to) || to.len == 0 || !is_line(ground))
		return fail_set(why, ST_INVALID,
				"a release says to whom, and perhaps why: each one line of at most "
				"%d bytes, without control characters",
				RELEASE_TEXT_MAX);
	*r = (struct release){.arena = a, .log = log, .to = to, .ground = ground};
	return ST_OK;
}

static void failed(struct release *r, enum status st)
{
	if (r->failed == ST_OK)
		r->failed = st;
}

void release_add_thing(struct release *r, const char *kind, struct slice name,
		       const struct slice *bytes)
{
	struct release_thing t = {.kind = slice_of(kind), .name = name};

	if (!is_line(name) || name.len == 0) {
		failed(r, ST_INVALID);
		return;
	}
	if (bytes != NULL) {
		t.has_hash = true;
		crypto_sha256_of(*bytes, t.sha256);
	}
	if (!ARENA_PUSH(r->arena, r->things, r->thing_count, r->thing_room, t))
		failed(r, ST_NOMEM);
}

/* Fields come in one order again and again: the next one is where it was the last time. */
static struct release_field *field_find(struct release *r, struct slice name)
{
	for (size_t i = 0; i < r->field_count; i++) {
		size_t at = (r->last + 1 + i) % r->field_count;

		if (slice_equal(r->fields[at].name, name)) {
			r->last = at;
			return &r->fields[at];
		}
	}
	return NULL;
}

static struct release_field *field_make(struct release *r, struct slice name,
					enum disclose_told told, const char *why)
{
	struct release_field f = {.name = arena_copy(r->arena, name), .told = told, .why = why};

	if (!is_word(name)) {
		failed(r, ST_INVALID);
		return NULL;
	}
	if (r->field_count == RELEASE_FIELDS_MAX) {
		failed(r, ST_LIMIT);
		return NULL;
	}
	if (f.name.ptr == NULL ||
	    !ARENA_PUSH(r->arena, r->fields, r->field_count, r->field_room, f)) {
		failed(r, ST_NOMEM);
		return NULL;
	}
	r->last = r->field_count - 1;
	return &r->fields[r->last];
}

void release_add_field(struct release *r, struct slice name, uint64_t leaf, enum disclose_told told,
		       const char *why)
{
	struct release_field *f = field_find(r, name);
	struct run run = {leaf, leaf}, *last;

	if (f == NULL)
		f = field_make(r, name, told, why);
	if (f == NULL)
		return;
	f->count++;
	last = f->run_count != 0 ? &f->runs[f->run_count - 1] : NULL;
	if (leaf == RELEASE_NO_LEAF || (last != NULL && last->to == leaf))
		return;
	ASSERT(last == NULL || last->to < leaf);
	if (last != NULL && last->to + 1 == leaf)
		last->to = leaf;
	else if (!ARENA_PUSH(r->arena, f->runs, f->run_count, f->run_room, run))
		failed(r, ST_NOMEM);
}

/* Kept sorted, so that one that is there is found quickly. */
static void add_sorted(struct release *r, struct slice **list, size_t *count, size_t *room,
		       struct slice text)
{
	size_t low = 0, high = *count;
	struct slice copy;

	while (low < high) { /* the first that is not before it */
		size_t mid = low + (high - low) / 2;

		if (slice_compare((*list)[mid], text) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	if (low < *count && slice_equal((*list)[low], text))
		return;
	if (!is_word(text)) {
		failed(r, ST_INVALID);
		return;
	}
	copy = arena_copy(r->arena, text);
	if (copy.ptr == NULL || !ARENA_PUSH(r->arena, *list, *count, *room, copy)) {
		failed(r, ST_NOMEM);
		return;
	}
	memmove(&(*list)[low + 1], &(*list)[low], (*count - 1 - low) * sizeof **list);
	(*list)[low] = copy;
}

void release_add_address(struct release *r, struct slice address)
{
	add_sorted(r, &r->addresses, &r->address_count, &r->address_room, address);
}

void release_add_pseudonym(struct release *r, struct slice pseudonym)
{
	add_sorted(r, &r->pseudonyms, &r->pseudonym_count, &r->pseudonym_room, pseudonym);
}

void release_hide(struct release *r, const struct addr_prefix *nets, size_t n)
{
	r->hidden = nets;
	r->hidden_count = n;
}

struct release_sum release_sum_of(const struct release *r)
{
	struct release_sum s = {.addresses = r->address_count, .pseudonyms = r->pseudonym_count};

	for (size_t i = 0; i < r->field_count; i++)
		s.told[r->fields[i].told] += r->fields[i].count;
	return s;
}

/* ---- as text ---- */

static int by_thing(const void *a, const void *b)
{
	const struct release_thing *x = a, *y = b;
	int order = slice_compare(x->kind, y->kind);

	return order != 0 ? order : slice_compare(x->name, y->name);
}

static int by_name(const void *a, const void *b)
{
	const struct release_field *x = a, *y = b;

	return slice_compare(x->name, y->name);
}

/* Sorted copies: the list can go on to grow, and the originals keep their places. */
static void *sorted(struct arena *a, const void *from, size_t n, size_t size,
		    int (*order)(const void *, const void *))
{
	void *copy = arena_alloc(a, size, _Alignof(max_align_t), n + 1);

	if (copy != NULL && n != 0) {
		memcpy(copy, from, n * size);
		qsort(copy, n, size, order);
	}
	return copy;
}

static void add_field(const struct release_field *f, struct buf *out)
{
	buf_add_fmt(out, "field %s %llu ", disclose_told_names[f->told],
		    (unsigned long long)f->count);
	buf_add(out, f->name);
	buf_add_byte(out, ' ');
	for (size_t i = 0; i < f->run_count; i++) {
		if (i != 0)
			buf_add_byte(out, ',');
		buf_add_u64(out, f->runs[i].from);
		if (f->runs[i].to != f->runs[i].from) {
			buf_add_byte(out, '-');
			buf_add_u64(out, f->runs[i].to);
		}
	}
	if (f->run_count == 0)
		buf_add_byte(out, '-');
	if (f->why[0] != 0) {
		buf_add_byte(out, ' ');
		buf_add_z(out, f->why);
	}
	buf_add_byte(out, '\n');
}

static void add_thing(const struct release_thing *t, struct buf *out)
{
	buf_add_z(out, "thing ");
	buf_add(out, t->kind);
	buf_add_byte(out, ' ');
	if (t->has_hash)
		crypto_hex_add((struct slice){t->sha256, sizeof t->sha256}, out);
	else
		buf_add_byte(out, '-');
	buf_add_byte(out, ' ');
	buf_add(out, t->name);
	buf_add_byte(out, '\n');
}

static void add_line(const char *word, struct slice text, struct buf *out)
{
	buf_add_z(out, word);
	buf_add(out, text);
	buf_add_byte(out, '\n');
}

static void add_sum(const struct release *r, struct buf *out)
{
	struct release_sum s = release_sum_of(r);

	buf_add_z(out, "sum");
	for (unsigned i = 0; i < DISCLOSE_TOLD; i++)
		buf_add_fmt(out, " %s %llu,", disclose_told_names[i],
			    (unsigned long long)s.told[i]);
	buf_add_fmt(out, " addresses %zu", s.addresses);
	if (s.pseudonyms != 0)
		buf_add_fmt(out, ", pseudonyms %zu", s.pseudonyms);
	buf_add_byte(out, '\n');
}

enum status release_encode(const struct release *r, struct slice *out_text,
			   uint8_t out_id[CRYPTO_SHA256_BYTES], struct fail *why)
{
	struct arena *a = r->arena;
	struct release_thing *things =
		sorted(a, r->things, r->thing_count, sizeof *things, by_thing);
	struct release_field *fields =
		sorted(a, r->fields, r->field_count, sizeof *fields, by_name);
	struct buf out = {.arena = a, .most = RELEASE_LIST_MAX};

	if (r->failed == ST_INVALID)
		return fail_set(why, ST_INVALID, "a name of what leaves is no line of text");
	if (r->failed == ST_LIMIT)
		return fail_set(why, ST_LIMIT, "more than %d different fields leave",
				RELEASE_FIELDS_MAX);
	if (r->failed != ST_OK || things == NULL || fields == NULL)
		return fail_set(why, ST_NOMEM, "no memory for the list of what leaves");
	add_line("", FORMAT, &out);
	add_line("log ", r->log, &out);
	add_line("to ", r->to, &out);
	if (r->ground.len != 0)
		add_line("ground ", r->ground, &out);
	for (size_t i = 0; i < r->thing_count; i++)
		add_thing(&things[i], &out);
	for (size_t i = 0; i < r->field_count; i++)
		add_field(&fields[i], &out);
	for (size_t i = 0; i < r->address_count; i++)
		add_line("address ", r->addresses[i], &out);
	for (size_t i = 0; i < r->pseudonym_count; i++)
		add_line("pseudonym ", r->pseudonyms[i], &out);
	add_sum(r, &out);
	if (out.full)
		return fail_set(why, ST_LIMIT, "the list of what leaves is too long");
	*out_text = buf_slice(&out);
	crypto_sha256_of(*out_text, out_id);
	return ST_OK;
}

/* ---- read back ---- */

/* Lines, in the order that they come in. */
enum {
	LINE_LOG,
	LINE_TO,
	LINE_GROUND,
	LINE_THING,
	LINE_FIELD,
	LINE_ADDRESS,
	LINE_PSEUDONYM,
	LINE_SUM,
	LINES
};

static unsigned kind_of(struct slice line)
{
	static const char *const words[LINES] = {"log ",   "to ",      "ground ",    "thing ",
						 "field ", "address ", "pseudonym ", "sum "};
	unsigned k = 0;

	while (k < LINES && !slice_starts(line, slice_of(words[k])))
		k++;
	return k;
}

static bool is_clean(struct slice line)
{
	for (size_t i = 0; i < line.len; i++)
		if (line.ptr[i] < ' ' || line.ptr[i] == 0x7f)
			return false;
	return text_is_utf8(line);
}

enum status release_list_parse(struct slice text, struct release_list *out, struct fail *why)
{
	size_t seen[LINES] = {0}, number = 1;
	struct slice rest = text, value[LINES] = {{NULL, 0}};
	unsigned last = LINE_LOG;

	if (text.len > RELEASE_LIST_MAX)
		return fail_set(why, ST_LIMIT, "a list of more than %d bytes", RELEASE_LIST_MAX);
	if (!slice_ends(text, SLICE("\n")) || !slice_equal(slice_split(&rest, '\n'), FORMAT))
		return fail_set(why, ST_INVALID, "the first line is not \"%.*s\"",
				SLICE_ARG(FORMAT));
	while (rest.len != 0) {
		struct slice line = slice_split(&rest, '\n');
		unsigned kind = kind_of(line);
		bool once = kind < LINE_THING || kind == LINE_SUM;

		number++;
		if (kind == LINES || kind < last || (once && seen[kind] != 0) || !is_clean(line))
			return fail_set(why, ST_INVALID, "line %zu is none of a list, or not here",
					number);
		seen[kind]++;
		value[kind] = slice_from(line, slice_find(line, SLICE(" ")) + 1);
		last = kind;
	}
	if (value[LINE_LOG].len == 0 || value[LINE_TO].len == 0 || value[LINE_SUM].len == 0)
		return fail_set(why, ST_INVALID, "a list has a log, a reader and a sum");
	*out = (struct release_list){.log = value[LINE_LOG],
				     .to = value[LINE_TO],
				     .ground = value[LINE_GROUND],
				     .sum = value[LINE_SUM]};
	crypto_sha256_of(text, out->id);
	return ST_OK;
}
