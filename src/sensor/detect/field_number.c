/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers of transactions: any field that is not APP_BYTES is a keyword with a value. Grammar
 * (docs.suricata.io, rules/integer-keywords):
 *
 *	KEYWORD  = VALUE ["," INDEX ["," FROM ":" TO]] | "count" COMPARE
 *	VALUE    = COMPARE | ["!"] word | "&" MASK ("=" | "!=") n
 *	COMPARE  = n, !n, <n, <=n, >n, >=n, a-b, a<>b (both without their ends), !a-b
 *	INDEX    = any | all | all1 | all_or_absent | or_absent | nb COMPARE | n | oob_or n
 *	flags    = ["!"] word *("," ["!"] word)
 */
#include "base/text.h"
#include "sensor/detect/detect_priv.h"

/* Index i of n, from the end if negative; false: outside. */
static bool index_of(int64_t i, size_t n, size_t *out)
{
	if (i < 0)
		i += (int64_t)n;
	if (i < 0 || (uint64_t)i > n)
		return false;
	*out = (size_t)i;
	return true;
}

bool detect_number_holds(const struct detect_number *o, struct slice values)
{
	size_t n = values.len / sizeof(uint64_t), from = 0, to = n, hits = 0, at;
	uint64_t v;

	if (o->cut && (!index_of(o->from, n, &from) || !index_of(o->to, n, &to) || from > to))
		from = to = 0;
	if (o->index == INDEX_COUNT)
		return detect_range_holds(&o->compare, n);
	if (o->index == INDEX_AT) {
		if (!index_of(o->at, to - from, &at) || at == to - from)
			return o->outside;
		memcpy(&v, values.ptr + (from + at) * sizeof v, sizeof v);
		return detect_range_holds(&o->compare, v);
	}
	for (size_t i = from; i < to; i++) {
		memcpy(&v, values.ptr + i * sizeof v, sizeof v);
		hits += detect_range_holds(&o->compare, v);
	}
	switch (o->index) {
	case INDEX_ALL:
		return to > from && hits == to - from;
	case INDEX_TIMES:
		return detect_range_holds(&o->times, hits);
	default:
		return hits != 0;
	}
}

static bool number_step(const void *operand, struct detect_inspect *in)
{
	return detect_number_holds(operand, in->bytes);
}

static const struct detect_keyword number_row = {
	.name = "number", .doc = "a number of a transaction", .cost = 1, .step = number_step};

static bool word_find(const struct app_word *words, struct slice s, uint64_t *out)
{
	for (; words != NULL && words->name != NULL; words++)
		if (slice_equal_nocase(s, slice_of(words->name))) {
			*out = words->value;
			return true;
		}
	return false;
}

static bool compare_parse(struct slice s, uint64_t most, const struct app_word *words,
			  struct detect_range *out)
{
	uint64_t v;
	bool not ;

	s = slice_trim(s);
	not = slice_starts(s, SLICE("!"));
	if (!word_find(words, slice_trim(slice_from(s, not ? 1 : 0)), &v))
		return detect_range_parse(s, most, out);
	*out = (struct detect_range){.op = not ? CMP_NE : CMP_EQ, .a = v};
	return true;
}

static bool flags_parse(struct slice rest, const struct app_word *words, struct detect_range *out)
{
	struct detect_range r = {.op = CMP_MASK};

	if (detect_range_parse(rest, UINT64_MAX, out))
		return true;
	while (rest.ptr != NULL) {
		struct slice s = slice_trim(slice_split(&rest, ','));
		bool not = slice_starts(s, SLICE("!"));
		uint64_t bit;

		if (!word_find(words, slice_trim(slice_from(s, not ? 1 : 0)), &bit))
			return false;
		r.a |= bit;
		r.b |= not ? 0 : bit;
	}
	*out = r;
	return true;
}

static bool index_parse(struct slice s, struct detect_number *o)
{
	struct slice number = s;

	o->absent = slice_equal(s, SLICE("all_or_absent")) || slice_equal(s, SLICE("or_absent"));
	if (slice_equal(s, SLICE("any")) || slice_equal(s, SLICE("or_absent"))) {
		o->index = INDEX_ANY;
		return true;
	}
	if (slice_equal(s, SLICE("all")) || slice_equal(s, SLICE("all1")) ||
	    slice_equal(s, SLICE("all_or_absent"))) {
		o->index = INDEX_ALL;
		return true;
	}
	if (slice_starts(s, SLICE("nb"))) {
		o->index = INDEX_TIMES;
		return compare_parse(slice_from(s, 2), UINT32_MAX, NULL, &o->times);
	}
	o->index = INDEX_AT;
	o->outside = slice_starts(s, SLICE("oob_or"));
	if (o->outside)
		number = slice_trim(slice_from(s, strlen("oob_or")));
	o->absent = o->outside;
	return text_i64(number, INT32_MIN, INT32_MAX, &o->at);
}

static bool cut_parse(struct slice s, struct detect_number *o)
{
	struct slice from = slice_split(&s, ':');

	o->cut = true;
	return text_i64(slice_trim(from), INT32_MIN, INT32_MAX, &o->from) &&
	       text_i64(slice_trim(s), INT32_MIN, INT32_MAX, &o->to);
}

bool detect_number_parse(struct slice value, uint64_t most, const struct app_word *words,
			 struct detect_number *o)
{
	struct slice rest = value, first = slice_trim(slice_split(&rest, ','));

	*o = (struct detect_number){0};
	if (slice_starts(first, SLICE("count"))) {
		o->index = INDEX_COUNT;
		if (rest.ptr != NULL ||
		    !compare_parse(slice_from(first, 5), UINT32_MAX, NULL, &o->compare))
			return false;
		/* none are 0 of them */
		o->absent = detect_range_holds(&o->compare, 0);
		return true;
	}
	if (!compare_parse(first, most, words, &o->compare))
		return false;
	if (rest.ptr != NULL && !index_parse(slice_trim(slice_split(&rest, ',')), o))
		return false;
	return rest.ptr == NULL || cut_parse(slice_trim(rest), o);
}

enum status detect_number_add(struct detect_compiler *c, const struct app_field *f,
			      struct slice value, struct fail *why)
{
	struct detect_number *o = ARENA_NEW(c->arena, struct detect_number);
	struct detect_draft_list *keep = c->current;
	enum status st;
	bool known;

	if (o == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %s", f->name);
	if (f->with_ends && detect_range_with_ends(value, &o->compare))
		known = true;
	else
		known = f->kind == APP_FLAGS ? flags_parse(value, f->words, &o->compare)
					     : detect_number_parse(value, UINT64_MAX, f->words, o);
	if (!known)
		return fail_set(why, ST_INVALID, "%s does not take \"%.*s\"", f->name,
				SLICE_ARG(value));
	st = detect_list_for(c, slice_of(f->name), &c->current, why);
	if (st == ST_OK) {
		c->current->absent |= o->absent;
		st = detect_add_step(c, &number_row, o, false, why);
	}
	c->current = keep;
	return st;
}
