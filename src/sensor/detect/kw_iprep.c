/* SPDX-License-Identifier: Apache-2.0
 * iprep: what lists say about an address. Follows
 * docs.suricata.io/en/suricata-8.0.6/reputation/ipreputation/: reputation-categories-file has lines
 * "id,name,description", the reputation-files have lines "address[/bits],id,score".
 *
 * The lists become one array, sorted by prefix length (longest first), prefix and category; an
 * address is looked up once for each length that occurs. A line about the address itself counts
 * before one about a network, and a longer prefix before a shorter one. */
#include <stdlib.h>

#include "base/text.h"
#include "sensor/config/config.h"
#include "sensor/detect/detect_priv.h"

enum {
	CATEGORIES_MAX = 60, /* ids 1 to 59 */
	SCORE_MAX = 127,
	ENTRIES_MAX = 1 << 24,
};

struct entry {
	struct addr_prefix net;
	uint8_t category, score;
	uint32_t line; /* of all files: a later line about the same counts */
};

struct detect_reputation {
	struct slice names[CATEGORIES_MAX];
	struct entry *entries;
	size_t count, room;
	bool lengths[2][129]; /* IPv4, IPv6: some prefix has that length */
};

struct iprep {
	const struct detect_reputation *lists;
	enum detect_sides sides;
	uint8_t category;
	enum { ASK_SCORE, ASK_SET, ASK_NOT_SET } ask;
	struct detect_range range;
};

/* ---- the lists ---- */

static int entry_compare(const void *pa, const void *pb)
{
	const struct entry *a = pa, *b = pb;
	int d = addr_compare(&a->net.addr, &b->net.addr);

	if (a->net.bits != b->net.bits)
		return a->net.bits > b->net.bits ? -1 : 1;
	if (d != 0)
		return d;
	if (a->category != b->category)
		return a->category < b->category ? -1 : 1;
	return a->line < b->line ? -1 : a->line > b->line;
}

/* Score of the network in the category; -1: no line is about it. */
static int find(const struct detect_reputation *r, const struct addr_prefix *net, uint8_t category)
{
	const struct entry want = {.net = *net, .category = category, .line = UINT32_MAX};
	size_t lo = 0, hi = r->count; /* the first entry behind all lines about it */

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (entry_compare(&r->entries[mid], &want) <= 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == 0 || r->entries[lo - 1].net.bits != net->bits ||
	    r->entries[lo - 1].category != category ||
	    !addr_equal(&r->entries[lo - 1].net.addr, &net->addr))
		return -1;
	return r->entries[lo - 1].score;
}

static int score_of(const struct detect_reputation *r, const struct addr *a, uint8_t category)
{
	struct addr_prefix net;
	unsigned bits;

	if (a == NULL || a->family == 0)
		return -1;
	net.addr = *a;
	for (bits = (unsigned)addr_bytes(a) * 8;; bits--) {
		net.bits = (uint8_t)bits;
		if (r->lengths[a->family == 6][bits]) {
			int score = find(r, &net, category);

			if (score >= 0)
				return score;
		}
		if (bits == 0)
			return -1;
		net.addr.b[(bits - 1) / 8] &= (uint8_t) ~(0x80U >> (bits - 1) % 8);
	}
}

static bool line_take(struct slice *rest, struct slice *out)
{
	while (rest->len != 0) {
		*out = slice_trim(slice_split(rest, '\n'));
		if (out->len != 0 && out->ptr[0] != '#')
			return true;
	}
	return false;
}

static enum status categories_read(struct detect_reputation *r, struct slice text, struct fail *why)
{
	struct slice line;

	while (line_take(&text, &line)) {
		struct slice rest = line;
		uint64_t id;

		if (!text_u64(slice_trim(slice_split(&rest, ',')), 1, CATEGORIES_MAX - 1, &id))
			return fail_set(why, ST_INVALID,
					"a reputation category is \"id,name,description\" with an "
					"id of 1 to %d, not \"%.*s\"",
					CATEGORIES_MAX - 1, SLICE_ARG(slice_part(line, 0, 60)));
		r->names[id] = slice_trim(slice_split(&rest, ','));
	}
	return ST_OK;
}

static bool entry_read(struct slice line, struct entry *e)
{
	uint64_t category, score;

	if (!addr_prefix_parse(slice_trim(slice_split(&line, ',')), &e->net) ||
	    !text_u64(slice_trim(slice_split(&line, ',')), 1, CATEGORIES_MAX - 1, &category) ||
	    !text_u64(slice_trim(line), 0, SCORE_MAX, &score))
		return false;
	e->category = (uint8_t)category;
	e->score = (uint8_t)score;
	return true;
}

/* A line that cannot be read is left out, as in Suricata; how many is told. */
static enum status entries_read(struct detect_reputation *r, struct slice text, struct config *n,
				struct arena *a, struct fail *why)
{
	struct slice line;
	size_t bad = 0;

	while (line_take(&text, &line)) {
		struct entry e = {.line = (uint32_t)r->count};

		if (!entry_read(line, &e)) {
			bad++;
			continue;
		}
		if (r->count == ENTRIES_MAX || !ARENA_PUSH(a, r->entries, r->count, r->room, e))
			return fail_set(why, ST_NOMEM, "no memory for reputation lists");
		r->lengths[e.net.addr.family == 6][e.net.bits] = true;
	}
	if (bad != 0)
		config_problem(n, "%zu lines are no \"address,category,score\"", bad);
	return ST_OK;
}

static enum status file_read(const struct detect_compiler *c, struct slice folder,
			     struct slice name, struct slice *out, struct fail *why)
{
	const struct detect_options *o = c->options;

	if (folder.len != 0 && name.len != 0 && name.ptr[0] != '/')
		name = buf_text(c->arena, "%.*s/%.*s", SLICE_ARG(folder), SLICE_ARG(name));
	return o->read(o->read_ctx, NULL, name, c->arena, out, why);
}

static enum status lists_read(struct detect_compiler *c, struct detect_reputation *r,
			      struct fail *why)
{
	struct config *config = c->options->config;
	struct slice folder = config_text(config, "default-reputation-path", NULL), text;
	struct slice categories = config_text(config, "reputation-categories-file", NULL);
	struct config *files = config_at(config, "reputation-files");
	enum status st;

	if (categories.len == 0)
		return fail_set(why, ST_INVALID, "iprep wants reputation-categories-file");
	st = file_read(c, (struct slice){NULL, 0}, categories, &text, why);
	if (st == ST_OK)
		st = categories_read(r, text, why);
	for (struct config *n = config_first(files); st == ST_OK && n != NULL; n = config_next(n)) {
		st = file_read(c, folder, n->value, &text, why);
		if (st == ST_OK)
			st = entries_read(r, text, n, c->arena, why);
	}
	if (st == ST_OK && r->count != 0)
		qsort(r->entries, r->count, sizeof r->entries[0], entry_compare);
	return st;
}

/* The lists, read when the first rule asks for them. */
static enum status lists_get(struct detect_compiler *c, struct fail *why)
{
	struct detect_reputation *r;
	enum status st;

	if (c->rules->reputation != NULL)
		return ST_OK;
	if (c->options == NULL || c->options->read == NULL)
		return fail_set(why, ST_INVALID, "iprep has no lists here");
	r = ARENA_NEW(c->arena, struct detect_reputation);
	if (r == NULL)
		return fail_set(why, ST_NOMEM, "no memory for reputation lists");
	st = lists_read(c, r, why);
	if (st == ST_OK)
		c->rules->reputation = r;
	return st;
}

/* ---- whose address ---- */

bool detect_sides_parse(struct slice word, enum detect_sides *out)
{
	static const char *const words[] = {"any", "src", "dst", "both"};

	for (unsigned i = 0; i < sizeof words / sizeof words[0]; i++)
		if (slice_equal(word, slice_of(words[i]))) {
			*out = SIDES_ANY + i;
			return true;
		}
	return false;
}

bool detect_sides_hold(enum detect_sides sides, const struct detect_view *v,
		       detect_address_fn *holds, const void *operand)
{
	switch (sides) {
	case SIDES_SRC:
		return holds(operand, v->src);
	case SIDES_DST:
		return holds(operand, v->dst);
	case SIDES_BOTH:
		return holds(operand, v->src) && holds(operand, v->dst);
	case SIDES_ANY:
		break;
	}
	return holds(operand, v->src) || holds(operand, v->dst);
}

/* ---- the keyword ---- */

static bool holds(const void *operand, const struct addr *a)
{
	const struct iprep *o = operand;
	int score = score_of(o->lists, a, o->category);

	if (o->ask != ASK_SCORE)
		return (score >= 0) == (o->ask == ASK_SET);
	return score >= 0 && detect_range_holds(&o->range, (uint64_t)score);
}

static bool test(const void *operand, const struct detect_view *v)
{
	const struct iprep *o = operand;

	return v->src != NULL && detect_sides_hold(o->sides, v, holds, o);
}

/* "<" and so on with the score behind it; "<0" is as odd here as anywhere, but allowed. */
static bool range_read(struct slice op, struct slice value, struct detect_range *out)
{
	static const struct {
		const char *text;
		enum detect_cmp op;
	} ops[] = {{"<", CMP_LT},  {">", CMP_GT},  {"=", CMP_EQ},
		   {"<=", CMP_LE}, {">=", CMP_GE}, {"!=", CMP_NE}};

	for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++)
		if (slice_equal(op, slice_of(ops[i].text))) {
			out->op = ops[i].op;
			return text_u64(value, 0, SCORE_MAX, &out->a);
		}
	return false;
}

static enum status compile(struct detect_compiler *c, const struct detect_keyword *kw,
			   struct slice value, struct fail *why)
{
	struct iprep *o = ARENA_NEW(c->arena, struct iprep);
	struct slice side = slice_trim(slice_split(&value, ','));
	struct slice name = slice_trim(slice_split(&value, ','));
	struct slice op = slice_trim(slice_split(&value, ','));
	enum status st;

	if (o == NULL)
		return fail_set(why, ST_NOMEM, "no memory for iprep");
	o->ask = slice_equal(op, SLICE("isset"))      ? ASK_SET
		 : slice_equal(op, SLICE("isnotset")) ? ASK_NOT_SET
						      : ASK_SCORE;
	if (!detect_sides_parse(side, &o->sides) ||
	    (o->ask == ASK_SCORE ? !range_read(op, slice_trim(value), &o->range)
				 : value.ptr != NULL))
		return fail_set(why, ST_INVALID,
				"iprep is any|src|dst|both, a category, and an operator with a "
				"score of 0 to %d, isset or isnotset",
				SCORE_MAX);
	st = lists_get(c, why);
	if (st != ST_OK)
		return st;
	o->lists = c->rules->reputation;
	for (uint8_t k = 1; k < CATEGORIES_MAX && o->category == 0; k++)
		if (o->lists->names[k].len != 0 && slice_equal(o->lists->names[k], name))
			o->category = k;
	if (o->category == 0)
		return fail_set(why, ST_INVALID, "there is no reputation category \"%.*s\"",
				SLICE_ARG(slice_part(name, 0, 40)));
	return detect_add_test(c, kw, o, why);
}

KEYWORD(iprep) = {
	{.name = "iprep",
	 .cost = 5,
	 .compile = compile,
	 .test = test,
	 .doc = "the score that reputation lists give an address"},
	{0},
};
