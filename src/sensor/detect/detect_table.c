/* SPDX-License-Identifier: Apache-2.0
 * The one list of keywords, written by meson from `keywords` in meson.build. */
#include "sensor/detect/detect_priv.h"

#define X(name) extern const struct detect_keyword detect_kw_##name[];
#include "detect_table.inc"
#undef X

const struct detect_keyword *const detect_keywords[] = {
#define X(name) detect_kw_##name,
#include "detect_table.inc"
#undef X
	NULL,
};

const struct detect_keyword *detect_keyword_find(struct slice name)
{
	for (size_t i = 0; detect_keywords[i] != NULL; i++)
		for (const struct detect_keyword *k = detect_keywords[i]; k->name != NULL; k++)
			if (slice_equal(name, slice_of(k->name)))
				return k;
	return NULL;
}

bool detect_knows_keyword(struct slice name)
{
	const struct detect_keyword *k = detect_keyword_find(name);
	const struct app_protocol *p;

	return (k != NULL && !k->refused) || app_field_find(name, &p) != NULL;
}

/* In one or two words, for whoever writes rules. */
static const char *kind_of(const struct detect_keyword *k)
{
	static const char *const kinds[] = {
		[KIND_BUFFER] = "buffer",     [KIND_TRANSFORM] = "transform",
		[KIND_MODIFIER] = "modifier", [KIND_STEP] = "step",
		[KIND_TEST] = "test",	      [KIND_EFFECT] = "effect"};

	if (k->refused)
		return "refused";
	if (k->kind != KIND_BY_ROW)
		return kinds[k->kind];
	if (k->test != NULL)
		return k->after != NULL ? "test, effect" : "test";
	return k->after != NULL ? "effect" : k->step != NULL ? "step" : "rule";
}

bool detect_keyword_at(size_t n, struct detect_keyword_info *out)
{
	for (size_t i = 0; detect_keywords[i] != NULL; i++)
		for (const struct detect_keyword *k = detect_keywords[i]; k->name != NULL; k++)
			if (n-- == 0) {
				*out = (struct detect_keyword_info){k->name, kind_of(k), k->doc};
				return true;
			}
	return false;
}
