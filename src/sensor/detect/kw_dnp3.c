/* SPDX-License-Identifier: Apache-2.0
 * dnp3_obj: group,variation of an object of the fragment. */
#include "base/text.h"
#include "sensor/detect/detect_priv.h"

static bool dnp3_obj(const void *operand, struct detect_inspect *in)
{
	uint64_t want = *(const uint64_t *)operand, have;

	for (size_t at = 0; at + sizeof have <= in->bytes.len; at += sizeof have) {
		memcpy(&have, in->bytes.ptr + at, sizeof have);
		if (have == want)
			return true;
	}
	return false;
}

static enum status compile(struct detect_compiler *c, const struct detect_keyword *kw,
			   struct slice value, struct fail *why)
{
	uint64_t *o = ARENA_NEW(c->arena, uint64_t), group, variation;
	struct detect_draft_list *keep = c->current;
	struct slice rest = value, first = slice_trim(slice_split(&rest, ','));
	enum status st;

	if (o == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %s", kw->name);
	if (!text_u64(first, 0, UINT8_MAX, &group) ||
	    !text_u64(slice_trim(rest), 0, UINT8_MAX, &variation))
		return fail_set(why, ST_INVALID, "%s wants group,variation, not \"%.*s\"", kw->name,
				SLICE_ARG(value));
	*o = group << 8 | variation;
	st = detect_list_for(c, SLICE("dnp3.objects"), &c->current, why);
	if (st == ST_OK)
		st = detect_add_step(c, kw, o, false, why);
	c->current = keep;
	return st;
}

KEYWORD(dnp3) = {
	{.name = "dnp3_obj",
	 .compile = compile,
	 .step = dnp3_obj,
	 .cost = 1,
	 .doc = "group,variation of an object"},
	{0},
};
