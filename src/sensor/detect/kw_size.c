/* SPDX-License-Identifier: Apache-2.0
 * How long a buffer is: bsize, urilen; and what kind of absence is wanted: absent. */
#include "sensor/detect/detect_priv.h"

static bool size(const void *operand, struct detect_inspect *in)
{
	return detect_range_holds(operand, in->bytes.len);
}

static bool never(const void *operand, struct detect_inspect *in)
{
	return false;
}

static bool always(const void *operand, struct detect_inspect *in)
{
	return true;
}

static enum status compile_bsize(struct detect_compiler *c, const struct detect_keyword *kw,
				 struct slice value, struct fail *why)
{
	struct detect_range *o = ARENA_NEW(c->arena, struct detect_range);

	if (o == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %s", kw->name);
	if (!c->sticky)
		return fail_set(why, ST_INVALID, "bsize needs a buffer before it");
	if (!detect_range_parse(value, UINT64_MAX, o))
		return fail_set(why, ST_INVALID, "bsize wants a number or a range, not \"%.*s\"",
				SLICE_ARG(value));
	return detect_add_step(c, kw, o, false, why);
}

/* urilen:<range>[,norm|raw] */
static enum status compile_urilen(struct detect_compiler *c, const struct detect_keyword *kw,
				  struct slice value, struct fail *why)
{
	struct detect_range *o = ARENA_NEW(c->arena, struct detect_range);
	struct detect_draft_list *keep = c->current;
	struct slice rest = value, range = slice_split(&rest, ',');
	enum status st;
	bool raw;

	if (o == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %s", kw->name);
	rest = slice_trim(rest);
	raw = slice_equal(rest, SLICE("raw"));
	if (!detect_range_parse(range, UINT16_MAX, o) ||
	    !(rest.len == 0 || raw || slice_equal(rest, SLICE("norm"))))
		return fail_set(why, ST_INVALID, "urilen wants a range, then norm or raw");
	st = detect_list_for(c, raw ? SLICE("http.uri.raw") : SLICE("http.uri"), &c->current, why);
	if (st == ST_OK)
		st = detect_add_step(c, kw, o, false, why);
	c->current = keep;
	return st;
}

static enum status compile_absent(struct detect_compiler *c, const struct detect_keyword *kw,
				  struct slice value, struct fail *why)
{
	if (!c->sticky || c->current->count != 0)
		return fail_set(why, ST_INVALID, "absent stands right behind its buffer");
	if (value.len != 0 && !slice_equal(value, SLICE("or_else")))
		return fail_set(why, ST_INVALID, "absent knows only or_else");
	c->current->absent = true;
	return detect_add_step(c, &kw[value.len == 0 ? 0 : 1], NULL, false, why);
}

KEYWORD(size) = {
	{.name = "bsize",
	 .limits_size = true,
	 .compile = compile_bsize,
	 .step = size,
	 .doc = "how long the buffer is"},
	{.name = "urilen",
	 .limits_size = true,
	 .compile = compile_urilen,
	 .step = size,
	 .doc = "how long the URI is"},
	{.name = "absent",
	 .compile = compile_absent,
	 .step = never,
	 .doc = "the buffer does not exist"},
	{.name = "absent:or_else",
	 .compile = compile_absent,
	 .step = always,
	 .doc = "the buffer does not exist, or the rest holds"},
	{0},
};
