/* SPDX-License-Identifier: Apache-2.0
 *
 * A database of addresses: tree, sixteen zero bytes, data, and behind the marker what it is.
 *
 * 1. Pointers of the data section lead to values that are no pointers; following one counts as a
 *    step, so that loops end.
 * 2. A value that lies about its length makes the cursor fail, and there is no country.
 */
#include "sensor/detect/geo.h"

#include "base/cursor.h"

#include <string.h>

enum geo_type {
	GEO_EXTENDED = 0,
	GEO_POINTER = 1,
	GEO_STRING = 2,
	GEO_DOUBLE = 3,
	GEO_UINT16 = 5,
	GEO_UINT32 = 6,
	GEO_MAP = 7,
	GEO_UINT64 = 9,
	GEO_ARRAY = 11,
	GEO_BOOLEAN = 14,
};

enum {
	GEO_SEPARATOR = 16,	   /* zero bytes between tree and data */
	GEO_ABOUT_MAX = 128 << 10, /* how far from the end the marker may be */
};

static const uint8_t marker[] = "\xab\xcd\xefMaxMind.com";

struct geo_value {
	enum geo_type type;
	uint32_t size; /* bytes; of a map, its pairs; of an array, its values */
	struct slice bytes;
};

struct geo_reader {
	struct slice section;
	struct cursor c;
	unsigned steps;
	bool bad;
};

static struct geo_reader reader_at(struct slice section, size_t at)
{
	return (struct geo_reader){.section = section,
				   .c = cursor_of(slice_from(section, at)),
				   .bad = at >= section.len};
}

static size_t pointer_of(struct cursor *c, uint8_t control)
{
	unsigned bytes = (control >> 3 & 3U) + 1;
	size_t high = control & 7U, v = (size_t)cursor_be(c, bytes);

	switch (bytes) {
	case 1:
		return high << 8 | v;
	case 2:
		return (high << 16 | v) + 2048;
	case 3:
		return (high << 24 | v) + 526336;
	default:
		return v;
	}
}

static uint32_t size_of(struct cursor *c, uint8_t control)
{
	uint32_t n = control & 31U;

	if (n < 29)
		return n;
	if (n == 29)
		return 29 + (uint32_t)cursor_u8(c);
	if (n == 30)
		return 285 + (uint32_t)cursor_be16(c);
	return 65821 + (uint32_t)cursor_be(c, 3);
}

/* The next value's head; of what has bytes, those too. */
static struct geo_value value_take(struct geo_reader *r)
{
	uint8_t control = cursor_u8(&r->c);
	struct geo_value v = {.type = (enum geo_type)(control >> 5)};

	if (++r->steps > DETECT_GEO_STEPS_MAX)
		r->bad = true;
	if (v.type == GEO_POINTER) {
		v.size = (uint32_t)pointer_of(&r->c, control);
		return v;
	}
	if (v.type == GEO_EXTENDED)
		v.type = (enum geo_type)(7U + cursor_u8(&r->c));
	v.size = size_of(&r->c, control);
	if (v.type != GEO_MAP && v.type != GEO_ARRAY && v.type != GEO_BOOLEAN)
		v.bytes = cursor_take(&r->c, v.size);
	r->bad |= !cursor_ok(&r->c);
	return v;
}

/* The same, and what a pointer points at, if it is one. *r goes on behind the pointer. */
static struct geo_value value_read(struct geo_reader *r, struct geo_reader *inside)
{
	struct geo_value v = value_take(r);

	*inside = *r;
	if (v.type != GEO_POINTER)
		return v;
	*inside = reader_at(r->section, v.size);
	inside->steps = r->steps;
	v = value_take(inside);
	r->steps = inside->steps;
	r->bad |= inside->bad || v.type == GEO_POINTER;
	return v;
}

/* Passes over a value and all in it. */
static void value_skip(struct geo_reader *r)
{
	uint64_t left = 1;

	while (left != 0 && !r->bad) {
		struct geo_value v = value_take(r);

		left--;
		if (v.type == GEO_MAP)
			left += 2 * (uint64_t)v.size;
		else if (v.type == GEO_ARRAY)
			left += v.size;
	}
}

/* The value of that key in the map at *r; false: there is none, or no map. */
static bool map_find(struct geo_reader *r, struct slice key, struct geo_reader *out)
{
	struct geo_reader pairs;
	struct geo_value map = value_read(r, &pairs);

	if (r->bad || map.type != GEO_MAP)
		return false;
	for (uint32_t i = 0; i < map.size && !pairs.bad; i++) {
		struct geo_reader inside;
		struct geo_value k = value_read(&pairs, &inside);

		if (!pairs.bad && k.type == GEO_STRING && slice_equal(k.bytes, key)) {
			*out = pairs;
			return true;
		}
		value_skip(&pairs);
	}
	return false;
}

static bool number_find(struct slice about, const char *key, uint64_t most, uint64_t *out)
{
	struct geo_reader r = reader_at(about, 0), at, inside;
	struct geo_value v;
	struct cursor c;

	if (!map_find(&r, slice_of(key), &at))
		return false;
	v = value_read(&at, &inside);
	if (at.bad || v.bytes.len > 8 ||
	    (v.type != GEO_UINT16 && v.type != GEO_UINT32 && v.type != GEO_UINT64))
		return false;
	c = cursor_of(v.bytes);
	*out = cursor_be(&c, v.bytes.len);
	return *out <= most;
}

/* What stands behind the last marker. */
static struct slice about_of(struct slice bytes)
{
	struct slice mark = {marker, sizeof marker - 1};
	size_t from = bytes.len > GEO_ABOUT_MAX ? bytes.len - GEO_ABOUT_MAX : 0;
	struct slice about = {NULL, 0}, rest = slice_from(bytes, from);

	for (size_t at; (at = slice_find(rest, mark)) != SIZE_MAX;)
		rest = about = slice_from(rest, at + mark.len);
	return about;
}

static uint32_t child(const struct detect_geo *g, uint32_t node, bool right)
{
	size_t bytes = g->record_bits / 4U;
	struct cursor c = cursor_of(slice_part(g->tree, node * bytes, bytes));
	uint32_t left, middle, other;

	if (g->record_bits != 28) {
		if (right)
			(void)cursor_take(&c, bytes / 2);
		return (uint32_t)cursor_be(&c, bytes / 2);
	}
	left = (uint32_t)cursor_be(&c, 3);
	middle = cursor_u8(&c); /* the upper four bits of each */
	other = (uint32_t)cursor_be(&c, 3);
	return right ? (middle & 15U) << 24 | other : (middle >> 4) << 24 | left;
}

enum status detect_geo_open(struct slice bytes, struct detect_geo *out, struct fail *why)
{
	struct slice about = about_of(bytes);
	uint64_t nodes, bits, version, major, tree;
	struct detect_geo g;

	if (about.ptr == NULL)
		return fail_set(why, ST_INVALID, "no MaxMind database: its marker is not there");
	if (!number_find(about, "binary_format_major_version", 2, &major) || major != 2)
		return fail_set(why, ST_INVALID, "a MaxMind database of an unknown version");
	if (!number_find(about, "node_count", UINT32_MAX / 2, &nodes) ||
	    !number_find(about, "record_size", 32, &bits) ||
	    !number_find(about, "ip_version", 6, &version) ||
	    (bits != 24 && bits != 28 && bits != 32) || (version != 4 && version != 6))
		return fail_set(why, ST_INVALID, "a MaxMind database that does not say its sizes");
	tree = nodes * (bits / 4);
	if (tree + GEO_SEPARATOR > bytes.len - about.len)
		return fail_set(why, ST_INVALID, "a MaxMind database that is cut short");
	g = (struct detect_geo){.tree = slice_part(bytes, 0, (size_t)tree),
				.data = slice_from(bytes, (size_t)tree + GEO_SEPARATOR),
				.nodes = (uint32_t)nodes,
				.record_bits = (uint8_t)bits,
				.ip_version = (uint8_t)version};
	for (unsigned i = 0; version == 6 && i < 96 && g.start < g.nodes; i++)
		g.start = child(&g, g.start, false);
	*out = g;
	return ST_OK;
}

struct slice detect_geo_country(const struct detect_geo *g, const struct addr *a)
{
	const struct slice none = {NULL, 0};
	uint32_t node = a->family == 4 ? g->start : 0;
	struct geo_reader r, country, code, inside;
	struct geo_value v;

	if (a->family == 6 && g->ip_version != 6)
		return none;
	for (size_t i = 0; i < 8 * addr_bytes(a) && node < g->nodes; i++)
		node = child(g, node, (a->b[i / 8] >> (7 - i % 8) & 1) != 0);
	if (node < g->nodes + GEO_SEPARATOR) /* a node still, or g->nodes: not known */
		return none;
	r = reader_at(g->data, node - g->nodes - GEO_SEPARATOR);
	if (r.bad || !map_find(&r, SLICE("country"), &country) ||
	    !map_find(&country, SLICE("iso_code"), &code))
		return none;
	v = value_read(&code, &inside);
	return code.bad || v.type != GEO_STRING ? none : v.bytes;
}
