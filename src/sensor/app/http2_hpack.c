/* SPDX-License-Identifier: Apache-2.0
 *
 * HPACK, RFC 7541: the header fields of HTTP/2, decoded.
 *
 * Invariants of a table:
 *  1. Live entries are entries[first .. first + count), oldest first; their bytes lie in the same
 *     order in bytes[entries[first].at .. end).
 *  2. size is the sum of their cost (RFC 7541 4.1), and at most most.
 *  3. What leaves a table is copied first, so that making room never moves what a caller reads.
 */
#include "sensor/app/http2_priv.h"

enum { STATIC_COUNT = 61, ENTRY_COST = 32, FIRST_BYTES = 512, FIRST_ENTRIES = 16 };

#define E(name, value)                                                                             \
	{                                                                                          \
		{(const uint8_t *)(name), sizeof(name) - 1},                                       \
		{                                                                                  \
			(const uint8_t *)(value), sizeof(value) - 1                                \
		}                                                                                  \
	}

/* RFC 7541 appendix A; number 1 stands first. */
static const struct hpack_field fixed[STATIC_COUNT] = {
	E(":authority", ""),
	E(":method", "GET"),
	E(":method", "POST"),
	E(":path", "/"),
	E(":path", "/index.html"),
	E(":scheme", "http"),
	E(":scheme", "https"),
	E(":status", "200"),
	E(":status", "204"),
	E(":status", "206"),
	E(":status", "304"),
	E(":status", "400"),
	E(":status", "404"),
	E(":status", "500"),
	E("accept-charset", ""),
	E("accept-encoding", "gzip, deflate"),
	E("accept-language", ""),
	E("accept-ranges", ""),
	E("accept", ""),
	E("access-control-allow-origin", ""),
	E("age", ""),
	E("allow", ""),
	E("authorization", ""),
	E("cache-control", ""),
	E("content-disposition", ""),
	E("content-encoding", ""),
	E("content-language", ""),
	E("content-length", ""),
	E("content-location", ""),
	E("content-range", ""),
	E("content-type", ""),
	E("cookie", ""),
	E("date", ""),
	E("etag", ""),
	E("expect", ""),
	E("expires", ""),
	E("from", ""),
	E("host", ""),
	E("if-match", ""),
	E("if-modified-since", ""),
	E("if-none-match", ""),
	E("if-range", ""),
	E("if-unmodified-since", ""),
	E("last-modified", ""),
	E("link", ""),
	E("location", ""),
	E("max-forwards", ""),
	E("proxy-authenticate", ""),
	E("proxy-authorization", ""),
	E("range", ""),
	E("referer", ""),
	E("refresh", ""),
	E("retry-after", ""),
	E("server", ""),
	E("set-cookie", ""),
	E("strict-transport-security", ""),
	E("transfer-encoding", ""),
	E("user-agent", ""),
	E("vary", ""),
	E("via", ""),
	E("www-authenticate", ""),
};
#undef E

/* RFC 7541 appendix B. The code is canonical: all codes of one length follow each other, so that a
 * length needs only its first code, and the symbols stand in the order of their codes. The end of
 * string has the last code. */
static const struct length {
	uint8_t bits, first, count; /* first: index into symbols */
	uint32_t code;
} lengths[] = {{5, 0, 10, 0x0},		 {6, 10, 26, 0x14},	   {7, 36, 32, 0x5c},
	       {8, 68, 6, 0xf8},	 {10, 74, 5, 0x3f8},	   {11, 79, 3, 0x7fa},
	       {12, 82, 2, 0xffa},	 {13, 84, 6, 0x1ff8},	   {14, 90, 2, 0x3ffc},
	       {15, 92, 3, 0x7ffc},	 {19, 95, 3, 0x7fff0},	   {20, 98, 8, 0xfffe6},
	       {21, 106, 13, 0x1fffdc},	 {22, 119, 26, 0x3fffd2},  {23, 145, 29, 0x7fffd8},
	       {24, 174, 12, 0xffffea},	 {25, 186, 4, 0x1ffffec},  {26, 190, 15, 0x3ffffe0},
	       {27, 205, 19, 0x7ffffde}, {28, 224, 29, 0xfffffe2}, {30, 253, 4, 0x3ffffffc}};

enum { END_OF_STRING = 256, SHORTEST_CODE = 5 };

static const uint8_t symbols[END_OF_STRING] = {
	48,  49,  50,  97,  99,	 101, 105, 111, 115, 116, 32,  37,  45,	 46,  47,  51,	52,  53,
	54,  55,  56,  57,  61,	 65,  95,  98,	100, 102, 103, 104, 108, 109, 110, 112, 114, 117,
	58,  66,  67,  68,  69,	 70,  71,  72,	73,  74,  75,  76,  77,	 78,  79,  80,	81,  82,
	83,  84,  85,  86,  87,	 89,  106, 107, 113, 118, 119, 120, 121, 122, 38,  42,	44,  59,
	88,  90,  33,  34,  40,	 41,  63,  39,	43,  124, 35,  62,  0,	 36,  64,  91,	93,  126,
	94,  125, 60,  96,  123, 92,  195, 208, 128, 130, 131, 162, 184, 194, 224, 226, 153, 161,
	167, 172, 176, 177, 179, 209, 216, 217, 227, 229, 230, 129, 132, 133, 134, 136, 146, 154,
	156, 160, 163, 164, 169, 170, 173, 178, 181, 185, 186, 187, 189, 190, 196, 198, 228, 232,
	233, 1,	  135, 137, 138, 139, 140, 141, 143, 147, 149, 150, 151, 152, 155, 157, 158, 165,
	166, 168, 174, 175, 180, 182, 183, 188, 191, 197, 231, 239, 9,	 142, 144, 145, 148, 159,
	171, 206, 215, 225, 236, 237, 199, 207, 234, 235, 192, 193, 200, 201, 202, 205, 210, 213,
	218, 219, 238, 240, 242, 243, 255, 203, 204, 211, 212, 214, 221, 222, 223, 241, 244, 245,
	246, 247, 248, 250, 251, 252, 253, 254, 2,   3,	  4,   5,   6,	 7,   8,   11,	12,  14,
	15,  16,  17,  18,  19,	 20,  21,  23,	24,  25,  26,  27,  28,	 29,  30,  31,	127, 220,
	249, 10,  13,  22};

static enum hpack_result huffman(struct slice in, struct arena *scratch, struct slice *out)
{
	/* the shortest code has 5 bits: at most 8 symbols out of 5 bytes */
	uint8_t *text = ARENA_ARRAY(scratch, uint8_t, in.len * 8 / SHORTEST_CODE + 1);
	uint64_t held = 0; /* its last `bits` bits are not decoded yet */
	unsigned bits = 0;
	size_t n = 0, l;

	if (text == NULL)
		return HPACK_NOMEM;
	for (size_t i = 0; i < in.len; i++) {
		held = held << 8 | in.ptr[i];
		bits += 8;
		for (l = 0; l < sizeof lengths / sizeof lengths[0] && bits >= lengths[l].bits;) {
			uint64_t code = held >> (bits - lengths[l].bits);

			code = (code & ((UINT64_C(1) << lengths[l].bits) - 1)) - lengths[l].code;
			if (code >= lengths[l].count) { /* below the first code wraps around */
				l++;
				continue;
			}
			if (lengths[l].first + code == END_OF_STRING)
				return HPACK_INVALID;
			text[n++] = symbols[lengths[l].first + code];
			bits -= lengths[l].bits;
			l = 0;
		}
	}
	/* RFC 7541 5.2: padded with the first bits of the end of string, all ones
	 */
	held &= (UINT64_C(1) << bits) - 1;
	if (bits >= 8 || held != (UINT64_C(1) << bits) - 1)
		return HPACK_INVALID;
	*out = (struct slice){text, n};
	return HPACK_FIELD;
}

/* RFC 7541 5.1: the low bits of `first`, and if they are all ones, what follows. */
static enum hpack_result number(struct cursor *c, uint8_t first, unsigned prefix, uint32_t *out)
{
	uint32_t full = (UINT32_C(1) << prefix) - 1;
	uint64_t n = first & full;
	unsigned shift = 0;
	uint8_t b = 0x80;

	for (; n >= full && (b & 0x80) != 0; shift += 7) {
		b = cursor_u8(c);
		if (!cursor_ok(c))
			return HPACK_INVALID;
		if (shift > 28)
			return HPACK_OVERFLOW;
		n += (uint64_t)(b & 0x7f) << shift;
	}
	if (n > UINT32_MAX)
		return HPACK_OVERFLOW;
	*out = (uint32_t)n;
	return HPACK_FIELD;
}

static enum hpack_result string(struct cursor *c, struct arena *scratch, struct slice *out)
{
	uint8_t first = cursor_u8(c);
	uint32_t bytes;
	enum hpack_result r = number(c, first, 7, &bytes);
	struct slice raw;

	if (r != HPACK_FIELD)
		return r;
	raw = cursor_take(c, bytes);
	if (!cursor_ok(c))
		return HPACK_INVALID;
	if ((first & 0x80) != 0)
		return huffman(raw, scratch, out);
	*out = arena_copy(scratch, raw);
	return out->ptr != NULL || raw.len == 0 ? HPACK_FIELD : HPACK_NOMEM;
}

/* --- the table --- */

static uint64_t cost(size_t name, size_t value)
{
	return (uint64_t)name + value + ENTRY_COST;
}

static void evict(struct hpack_table *t, uint64_t room)
{
	while (t->count != 0 && t->size + room > t->most) {
		const struct hpack_entry *e = &t->entries[t->first++];

		t->size -= (uint32_t)cost(e->name_bytes, e->value_bytes);
		t->count--;
	}
	if (t->count == 0)
		t->first = t->end = 0;
}

/* Moves what is live to the front of where it shall be: the same place, or a larger one. */
static void move(struct hpack_table *t, uint8_t *bytes, struct hpack_entry *entries)
{
	uint32_t begin = t->count != 0 ? t->entries[t->first].at : t->end;

	if (t->end != begin)
		memmove(bytes, t->bytes + begin, t->end - begin);
	if (t->count != 0)
		memmove(entries, t->entries + t->first, t->count * sizeof *entries);
	for (uint32_t i = 0; i < t->count; i++)
		entries[i].at -= begin;
	t->bytes = bytes;
	t->entries = entries;
	t->end -= begin;
	t->first = 0;
}

/* Room behind the newest. Rooms are kept half empty, so that moving is paid for by adding. */
static bool room_make(struct hpack_table *t, struct arena *flow, uint32_t need)
{
	uint32_t live = t->count != 0 ? t->end - t->entries[t->first].at : 0;
	uint32_t byte_room = t->byte_room != 0 ? t->byte_room : FIRST_BYTES;
	uint32_t entry_room = t->entry_room != 0 ? t->entry_room : FIRST_ENTRIES;
	uint8_t *bytes = t->bytes;
	struct hpack_entry *entries = t->entries;

	if (t->end + need <= t->byte_room && t->first + t->count < t->entry_room)
		return true;
	while (byte_room / 2 < live + need) /* both at most HPACK_TABLE_MAX */
		byte_room *= 2;
	while (entry_room / 2 < t->count + 1)
		entry_room *= 2;
	if (byte_room != t->byte_room)
		bytes = ARENA_ARRAY(flow, uint8_t, byte_room);
	if (entry_room != t->entry_room)
		entries = ARENA_ARRAY(flow, struct hpack_entry, entry_room);
	if (bytes == NULL || entries == NULL)
		return false;
	move(t, bytes, entries);
	t->byte_room = byte_room;
	t->entry_room = entry_room;
	return true;
}

static enum hpack_result add(struct hpack_table *t, struct arena *flow, const struct hpack_field *f)
{
	uint64_t takes = cost(f->name.len, f->value.len);
	struct hpack_entry *e;
	uint32_t bytes;

	evict(t, takes);
	if (takes > t->most)
		return HPACK_FIELD; /* RFC 7541 4.4: that empties the table and is no error */
	bytes = (uint32_t)(takes - ENTRY_COST);
	if (!room_make(t, flow, bytes))
		return HPACK_NOMEM;
	e = &t->entries[t->first + t->count++];
	*e = (struct hpack_entry){t->end, (uint32_t)f->name.len, (uint32_t)f->value.len};
	if (f->name.len != 0)
		memcpy(t->bytes + t->end, f->name.ptr, f->name.len);
	if (f->value.len != 0)
		memcpy(t->bytes + t->end + f->name.len, f->value.ptr, f->value.len);
	t->end += bytes;
	t->size += (uint32_t)takes;
	return HPACK_FIELD;
}

/* RFC 7541 2.3.3: one list, the fixed part first, then the newest. */
static enum hpack_result look_up(const struct hpack_table *t, uint32_t index, struct arena *scratch,
				 struct hpack_field *out)
{
	const struct hpack_entry *e;
	struct slice both;

	if (index == 0 || index > STATIC_COUNT + t->count)
		return HPACK_INVALID;
	if (index <= STATIC_COUNT) {
		*out = fixed[index - 1];
		return HPACK_FIELD;
	}
	e = &t->entries[t->first + t->count - (index - STATIC_COUNT)];
	both = (struct slice){t->bytes + e->at, (size_t)e->name_bytes + e->value_bytes};
	both = arena_copy(scratch, both);
	if (both.ptr == NULL && e->name_bytes + e->value_bytes != 0)
		return HPACK_NOMEM;
	*out = (struct hpack_field){slice_part(both, 0, e->name_bytes),
				    slice_from(both, e->name_bytes)};
	return HPACK_FIELD;
}

/* A literal: its name stands in the table (number not 0) or here. */
static enum hpack_result literal(struct hpack_table *t, struct cursor *c, uint32_t index,
				 struct arena *scratch, struct hpack_field *out)
{
	enum hpack_result r =
		index != 0 ? look_up(t, index, scratch, out) : string(c, scratch, &out->name);

	return r == HPACK_FIELD ? string(c, scratch, &out->value) : r;
}

enum hpack_result app_hpack_next(struct hpack_table *t, struct cursor *block, struct arena *flow,
				 struct arena *scratch, struct hpack_field *out)
{
	enum hpack_result r = HPACK_FIELD;
	uint32_t n;

	if (!t->sized) {
		t->sized = true;
		t->most = HPACK_TABLE_FIRST;
	}
	while (cursor_left(block) != 0) {
		uint8_t first = cursor_u8(block);
		unsigned prefix = first & 0x80 ? 7 : first & 0x40 ? 6 : first & 0x20 ? 5 : 4;

		r = number(block, first, prefix, &n);
		if (r != HPACK_FIELD)
			return r;
		switch (prefix) {
		case 7: /* indexed, 6.1 */
			return look_up(t, n, scratch, out);
		case 6: /* literal, and into the table, 6.2.1 */
			r = literal(t, block, n, scratch, out);
			return r == HPACK_FIELD ? add(t, flow, out) : r;
		case 5: /* the table's size, 6.3 */
			if (n > HPACK_TABLE_MAX)
				return HPACK_OVERFLOW;
			t->most = n;
			evict(t, 0);
			break;
		default: /* literal, not into the table, 6.2.2 and 6.2.3 */
			return literal(t, block, n, scratch, out);
		}
	}
	return HPACK_END;
}
