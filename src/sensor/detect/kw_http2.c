/* SPDX-License-Identifier: Apache-2.0
 * http2.settings: NAME COMPARE, e.g. SETTINGS_ENABLE_PUSH=0, SETTINGS_MAX_FRAME_SIZE>20000. */
#include "base/text.h"
#include "sensor/detect/detect_priv.h"

struct settings_operand {
	uint64_t id;
	bool any; /* only the name was given */
	struct detect_range compare;
};

static bool settings(const void *operand, struct detect_inspect *in)
{
	const struct settings_operand *o = operand;
	uint64_t pair[2];

	for (size_t at = 0; at + sizeof pair <= in->bytes.len; at += sizeof pair) {
		memcpy(pair, in->bytes.ptr + at, sizeof pair);
		if (pair[0] == o->id && (o->any || detect_range_holds(&o->compare, pair[1])))
			return true;
	}
	return false;
}

static bool parse(struct slice value, struct settings_operand *o)
{
	static const char *const names[] = {
		"SETTINGS_HEADER_TABLE_SIZE",	   "SETTINGS_ENABLE_PUSH",
		"SETTINGS_MAX_CONCURRENT_STREAMS", "SETTINGS_INITIAL_WINDOW_SIZE",
		"SETTINGS_MAX_FRAME_SIZE",	   "SETTINGS_MAX_HEADER_LIST_SIZE"};

	value = slice_trim(value);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct slice name = slice_of(names[i]), rest;

		if (!slice_equal_nocase(slice_part(value, 0, name.len), name))
			continue;
		rest = slice_trim(slice_from(value, name.len));
		o->id = i + 1;
		o->any = rest.len == 0;
		if (rest.len != 0 && rest.ptr[0] == '=')
			rest = slice_from(rest, 1);
		return o->any || detect_range_parse(slice_trim(rest), UINT32_MAX, &o->compare);
	}
	return false;
}

static enum status compile(struct detect_compiler *c, const struct detect_keyword *kw,
			   struct slice value, struct fail *why)
{
	struct settings_operand *o = ARENA_NEW(c->arena, struct settings_operand);
	struct detect_draft_list *keep = c->current;
	enum status st;

	if (o == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %s", kw->name);
	if (!parse(value, o))
		return fail_set(why, ST_INVALID, "%s wants SETTINGS_NAME and a comparison",
				kw->name);
	st = detect_list_for(c, SLICE("http2.settings.pairs"), &c->current, why);
	if (st == ST_OK)
		st = detect_add_step(c, kw, o, false, why);
	c->current = keep;
	return st;
}

KEYWORD(http2) = {
	{.name = "http2.settings",
	 .compile = compile,
	 .step = settings,
	 .cost = 1,
	 .doc = "a setting of HTTP/2, and its value"},
	{0},
};
