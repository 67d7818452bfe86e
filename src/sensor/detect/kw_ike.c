/* SPDX-License-Identifier: Apache-2.0
 * ike.chosen_sa_attribute: an attribute of the association that the responder chose. */
#include "base/text.h"
#include "sensor/detect/detect_priv.h"

struct attribute_operand {
	uint64_t type, value;
};

static bool chosen(const void *operand, struct detect_inspect *in)
{
	const struct attribute_operand *o = operand;
	uint64_t pair[2];

	for (size_t at = 0; at + sizeof pair <= in->bytes.len; at += sizeof pair) {
		memcpy(pair, in->bytes.ptr + at, sizeof pair);
		if (pair[0] == o->type && pair[1] == o->value)
			return true;
	}
	return false;
}

/* "alg_hash=2" */
static enum status compile(struct detect_compiler *c, const struct detect_keyword *kw,
			   struct slice value, struct fail *why)
{
	static const struct app_word types[] = {
		{"alg_enc", 1},
		{"alg_hash", 2},
		{"alg_auth", 3},
		{"alg_dh", 4},
		{"sa_group_type", 5},
		{"sa_life_type", 11},
		{"sa_life_duration", 12},
		{"alg_prf", 13},
		{"sa_key_length", 14},
		{"sa_field_size", 15},
		{0},
	};
	struct attribute_operand *o = ARENA_NEW(c->arena, struct attribute_operand);
	struct detect_draft_list *keep = c->current;
	struct slice rest = value, name = slice_trim(slice_split(&rest, '='));
	enum status st;

	if (o == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %s", kw->name);
	for (const struct app_word *w = types; w->name != NULL; w++)
		if (slice_equal(name, slice_of(w->name)))
			o->type = w->value;
	if (o->type == 0 || !text_u64(slice_trim(rest), 0, UINT32_MAX, &o->value))
		return fail_set(why, ST_INVALID, "%s wants attribute=number, not \"%.*s\"",
				kw->name, SLICE_ARG(value));
	st = detect_list_for(c, SLICE("ike.chosen"), &c->current, why);
	if (st == ST_OK)
		st = detect_add_step(c, kw, o, false, why);
	c->current = keep;
	return st;
}

KEYWORD(ike) = {
	{.name = "ike.chosen_sa_attribute",
	 .compile = compile,
	 .step = chosen,
	 .cost = 1,
	 .doc = "an attribute of the association chosen, alg_enc=7"},
	{0},
};
