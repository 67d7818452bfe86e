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
	const struct app_protocol *p;

	return detect_keyword_find(name) != NULL || app_field_find(name, &p) != NULL;
}
