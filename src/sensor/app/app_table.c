/* SPDX-License-Identifier: Apache-2.0
 * The one list of protocols, written by meson from app_protocols in meson.build, and what is looked
 * up in tables. */
#include "sensor/app/app.h"

#define X(name) extern const struct app_protocol app_##name;
#include "app_table.inc"
#undef X

const struct app_protocol *const app_protocols[] = {
#define X(name) &app_##name,
#include "app_table.inc"
#undef X
	NULL,
};

const char *app_word_name(const struct app_word *words, uint64_t value)
{
	for (; words->name != NULL; words++)
		if (words->value == value)
			return words->name;
	return NULL;
}

unsigned app_protocol_index(const struct app_protocol *p)
{
	for (unsigned i = 0; app_protocols[i] != NULL; i++)
		if (app_protocols[i] == p)
			return i;
	return APP_PROTOCOLS_MAX;
}

const struct app_protocol *app_find(struct slice name)
{
	for (size_t i = 0; app_protocols[i] != NULL; i++)
		if (slice_equal(name, slice_of(app_protocols[i]->name)))
			return app_protocols[i];
	return NULL;
}

const struct app_field *app_field_find(struct slice name, const struct app_protocol **out_protocol)
{
	for (size_t i = 0; app_protocols[i] != NULL; i++) {
		const struct app_field *f = app_protocols[i]->fields;

		for (; f != NULL && f->name != NULL; f++)
			if (slice_equal(name, slice_of(f->name))) {
				*out_protocol = app_protocols[i];
				return f;
			}
	}
	for (const struct app_field *f = app_file_fields; f->name != NULL; f++)
		if (slice_equal(name, slice_of(f->name))) {
			*out_protocol = NULL;
			return f;
		}
	return NULL;
}
