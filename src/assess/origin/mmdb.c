/* SPDX-License-Identifier: Apache-2.0
 * MaxMind's form, through libmaxminddb: country, AS and network traits, nested or flat. */
#include <maxminddb.h>

#include "assess/origin/origin_priv.h"

enum { METADATA_MAX = 128 << 10 }; /* bytes from the end in which the marker must stand (spec) */

static bool mmdb_is(struct slice bytes)
{
	size_t from = bytes.len > METADATA_MAX ? bytes.len - METADATA_MAX : 0;

	return slice_find(slice_from(bytes, from), SLICE("\xab\xcd\xefMaxMind.com")) != SIZE_MAX;
}

static enum status mmdb_open(struct origin_table *t, const char *path, struct slice bytes,
			     struct arena *a, struct fail *why)
{
	MMDB_s *m = ARENA_NEW(a, MMDB_s);
	int rc;

	if (m == NULL)
		return fail_set(why, ST_NOMEM, "%.*s: the memory budget is spent",
				SLICE_ARG(t->name));
	if (path == NULL)
		return fail_set(why, ST_INVALID, "%.*s: a MaxMind file is opened by its path",
				SLICE_ARG(t->name));
	rc = MMDB_open(path, MMDB_MODE_MMAP, m);
	if (rc != MMDB_SUCCESS)
		return fail_set(why, ST_INVALID, "%.*s: %s", SLICE_ARG(t->name), MMDB_strerror(rc));
	/* What answers must be what was hashed. */
	if (!slice_equal(bytes, (struct slice){m->file_content, (size_t)m->file_size})) {
		MMDB_close(m);
		return fail_set(why, ST_INVALID, "%.*s: the file changed while it was opened",
				SLICE_ARG(t->name));
	}
	t->state = m;
	t->edition = origin_date(m->metadata.build_epoch, a);
	return ST_OK;
}

/* The value at a path of keys in the entry; its type is 0 if there is none. */
static MMDB_entry_data_s value_at(MMDB_entry_s *entry, const char *const *path)
{
	MMDB_entry_data_s v;

	if (MMDB_aget_value(entry, &v, path) != MMDB_SUCCESS || !v.has_data)
		return (MMDB_entry_data_s){0};
	return v;
}

/* The first of some paths that leads to a text. */
static struct slice text_at(MMDB_entry_s *entry, const char *const (*paths)[3], size_t n,
			    struct arena *a)
{
	for (size_t i = 0; i < n; i++) {
		MMDB_entry_data_s v = value_at(entry, paths[i]);

		if (v.type == MMDB_DATA_TYPE_UTF8_STRING)
			return arena_copy(
				a, (struct slice){(const uint8_t *)v.utf8_string, v.data_size});
	}
	return (struct slice){NULL, 0};
}

static bool any_true(MMDB_entry_s *entry, const char *const (*paths)[3], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		MMDB_entry_data_s v = value_at(entry, paths[i]);

		if (v.type == MMDB_DATA_TYPE_BOOLEAN && v.boolean)
			return true;
	}
	return false;
}

static bool mmdb_ask(const struct origin_table *t, const struct addr *address, struct arena *a,
		     struct record_location *out)
{
	static const char *const code[][3] = {{"country", "iso_code"}, {"country_code"}};
	static const char *const number[] = {"autonomous_system_number", NULL};
	static const char *const holder[][3] = {{"autonomous_system_organization"}};
	static const char *const proxy[][3] = {{"traits", "is_anonymous_proxy"},
					       {"traits", "is_anonymous"},
					       {"traits", "is_tor_exit_node"},
					       {"is_anonymous"},
					       {"is_anonymous_vpn"},
					       {"is_public_proxy"},
					       {"is_tor_exit_node"}};
	static const char *const hosting[][3] = {{"traits", "is_hosting_provider"},
						 {"is_hosting_provider"}};
	static const char *const anycast[][3] = {{"traits", "is_anycast"}};
	static const char *const satellite[][3] = {{"traits", "is_satellite_provider"}};
	const MMDB_s *m = t->state;
	unsigned top = address->family == 4 && m->metadata.ip_version == 6 ? 96 : 0;
	char z[ADDR_TEXT_MAX];
	MMDB_lookup_result_s got;
	MMDB_entry_data_s v;
	int gai = 0, rc = MMDB_SUCCESS;

	(void)addr_format(address, z); /* for its NUL-terminated text */
	got = MMDB_lookup_string(m, z, &gai, &rc);
	if (gai != 0 || rc != MMDB_SUCCESS || !got.found_entry)
		return false;
#define COUNT(paths) (sizeof(paths) / sizeof((paths)[0]))
	if (!any_true(&got.entry, satellite, COUNT(satellite)))
		origin_code_apply(text_at(&got.entry, code, COUNT(code), a), out);
	v = value_at(&got.entry, number);
	out->asn = v.type == MMDB_DATA_TYPE_UINT32 ? v.uint32 : 0;
	out->as_name = text_at(&got.entry, holder, COUNT(holder), a);
	out->proxy = out->proxy || any_true(&got.entry, proxy, COUNT(proxy));
	out->hosting = any_true(&got.entry, hosting, COUNT(hosting));
	out->anycast = out->anycast || any_true(&got.entry, anycast, COUNT(anycast));
#undef COUNT
	if (got.netmask >= top)
		out->net = origin_prefix(address, got.netmask - top);
	return out->asn != 0 || out->territory.len != 0 || out->proxy || out->hosting ||
	       out->anycast;
}

static void mmdb_close(struct origin_table *t)
{
	MMDB_close(t->state);
}

const struct origin_form origin_form_mmdb = {
	.name = "MaxMind", .is = mmdb_is, .open = mmdb_open, .ask = mmdb_ask, .close = mmdb_close};
