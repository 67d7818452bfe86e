/* SPDX-License-Identifier: Apache-2.0
 * MaxMind's form, through libmaxminddb: country, AS and network traits, nested or flat. */
#include <maxminddb.h>

#include "assess/origin/origin_priv.h"

enum { SAID = 4096 };		   /* entries remembered */
enum { METADATA_MAX = 128 << 10 }; /* bytes from the end in which the marker must stand (spec) */

static bool mmdb_is(struct slice bytes)
{
	size_t from = bytes.len > METADATA_MAX ? bytes.len - METADATA_MAX : 0;

	return slice_find(slice_from(bytes, from), SLICE("\xab\xcd\xefMaxMind.com")) != SIZE_MAX;
}

struct mmdb {
	MMDB_s file;
	struct said { /* of an entry, by its place: many networks share one */
		uint32_t offset_plus_1;
		bool proxy, hosting, anycast;
		uint32_t asn;
		struct slice code, name; /* in the file */
	} said[SAID];
};

static enum status mmdb_open(struct origin_table *t, const char *path, struct slice bytes,
			     struct arena *a, struct fail *why)
{
	struct mmdb *kept = ARENA_NEW(a, struct mmdb);
	MMDB_s *m = &kept->file;
	int rc;

	if (kept == NULL)
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
	t->state = kept;
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
static struct slice text_at(MMDB_entry_s *entry, const char *const (*paths)[3], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		MMDB_entry_data_s v = value_at(entry, paths[i]);

		if (v.type == MMDB_DATA_TYPE_UTF8_STRING)
			return (struct slice){(const uint8_t *)v.utf8_string, v.data_size};
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

/* What the entry says. */
static struct said hear(MMDB_entry_s *entry)
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
	struct said s = {.offset_plus_1 = entry->offset + 1};
	MMDB_entry_data_s v = value_at(entry, number);

#define COUNT(paths) (sizeof(paths) / sizeof((paths)[0]))
	if (!any_true(entry, satellite, COUNT(satellite)))
		s.code = text_at(entry, code, COUNT(code));
	s.asn = v.type == MMDB_DATA_TYPE_UINT32 ? v.uint32 : 0;
	s.name = text_at(entry, holder, COUNT(holder));
	s.proxy = any_true(entry, proxy, COUNT(proxy));
	s.hosting = any_true(entry, hosting, COUNT(hosting));
	s.anycast = any_true(entry, anycast, COUNT(anycast));
#undef COUNT
	return s;
}

/* The library's own way from text to address is a resolver's; this is the address itself. */
static MMDB_lookup_result_s lookup(const MMDB_s *m, const struct addr *address, int *rc)
{
	struct sockaddr_in6 six = {.sin6_family = AF_INET6};
	struct sockaddr_in four = {.sin_family = AF_INET};

	if (address->family == 4) {
		memcpy(&four.sin_addr, address->b, sizeof four.sin_addr);
		return MMDB_lookup_sockaddr(m, (const struct sockaddr *)&four, rc);
	}
	memcpy(&six.sin6_addr, address->b, sizeof six.sin6_addr);
	return MMDB_lookup_sockaddr(m, (const struct sockaddr *)&six, rc);
}

static bool mmdb_ask(const struct origin_table *t, const struct addr *address, struct arena *a,
		     struct record_location *out)
{
	struct mmdb *m = t->state; /* what entries say is remembered */
	unsigned top = address->family == 4 && m->file.metadata.ip_version == 6 ? 96 : 0;
	int rc = MMDB_SUCCESS;
	MMDB_lookup_result_s got = lookup(&m->file, address, &rc);
	struct said *s;

	if (rc != MMDB_SUCCESS || !got.found_entry)
		return false;
	s = &m->said[got.entry.offset % SAID];
	if (s->offset_plus_1 != got.entry.offset + 1)
		*s = hear(&got.entry);
	origin_code_apply(arena_copy(a, s->code), out);
	out->asn = s->asn;
	out->as_name = arena_copy(a, s->name);
	out->proxy = out->proxy || s->proxy;
	out->hosting = s->hosting;
	out->anycast = out->anycast || s->anycast;
	/* a damaged tree may end before IPv4 begins: then it is said of all of it */
	out->net = origin_prefix(address, got.netmask > top ? got.netmask - top : 0);
	return out->asn != 0 || out->territory.len != 0 || out->proxy || out->hosting ||
	       out->anycast;
}

static void mmdb_close(struct origin_table *t)
{
	struct mmdb *m = t->state;

	MMDB_close(&m->file);
}

const struct origin_form origin_form_mmdb = {
	.name = "MaxMind", .is = mmdb_is, .open = mmdb_open, .ask = mmdb_ask, .close = mmdb_close};
