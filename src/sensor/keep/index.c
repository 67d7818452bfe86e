/* SPDX-License-Identifier: Apache-2.0
 *
 * Which packets of a segment are whose.
 *
 *	"dewkeep1" | section 16 | bytes 8 | first 8 | last 8 | packets 4 | rows 4 | offsets 4 |
 *	interfaces 4 | interface offsets 4 each | rows 56 each | offsets 4 each | CRC-32 4
 *
 * all little-endian. docs/formats/packets.md.
 *
 * 1. Counts are checked against the file's length before memory is taken for them.
 * 2. Rows of a decoded index lie within its offsets; offsets are only ever given to
 *    keep_reader_get(), which looks at what lies there. */
#include <zlib.h>

#include "sensor/keep/keep_priv.h"

enum {
	HEAD = 64,
	ROW = 56,
	TAIL = 4,
	SLOTS_FIRST = 1 << 10,
};

#define MAGIC "dewkeep1"

/* --- making one --- */

struct entry {
	uint32_t row, offset;
};

struct building {
	struct arena *arena;
	uint64_t seed;
	struct keep_row *rows;
	size_t row_count, row_room;
	struct entry *entries;
	size_t entry_count, entry_room;
	uint32_t *slots; /* row + 1; 0: free. At most half of them are taken. */
	size_t slot_count;
};

static uint64_t mix(uint64_t h, uint64_t v)
{
	unsigned __int128 m = (unsigned __int128)(h ^ v) * UINT64_C(0x9e3779b97f4a7c15);

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static uint64_t hash_of(uint64_t seed, uint64_t flow, const struct keep_tuple *t)
{
	uint64_t words[4];
	uint64_t h = mix(seed, flow);

	memcpy(&words[0], t->src.b, 16);
	memcpy(&words[2], t->dst.b, 16);
	for (size_t i = 0; i < 4; i++)
		h = mix(h, words[i]);
	return mix(h, (uint64_t)t->sport << 48 | (uint64_t)t->dport << 32 |
			      (uint64_t)t->proto << 16 | (uint64_t)t->src.family << 8 |
			      t->fragment);
}

static bool tuple_equal(const struct keep_tuple *a, const struct keep_tuple *b)
{
	return addr_equal(&a->src, &b->src) && addr_equal(&a->dst, &b->dst) &&
	       a->sport == b->sport && a->dport == b->dport && a->proto == b->proto &&
	       a->fragment == b->fragment;
}

/* Both directions of a flow are one row. */
static struct keep_tuple ordered(struct keep_tuple t)
{
	int order = addr_compare(&t.src, &t.dst);

	if (order < 0 || (order == 0 && t.sport <= t.dport))
		return t;
	return (struct keep_tuple){t.dst, t.src, t.dport, t.sport, t.proto, t.fragment};
}

static bool grow(struct building *b)
{
	size_t n = b->slot_count == 0 ? SLOTS_FIRST : 2 * b->slot_count;
	uint32_t *slots = ARENA_ARRAY(b->arena, uint32_t, n);

	if (slots == NULL)
		return false;
	for (size_t i = 0; i < b->row_count; i++) {
		size_t k = hash_of(b->seed, b->rows[i].flow, &b->rows[i].ends) & (n - 1);

		while (slots[k] != 0)
			k = (k + 1) & (n - 1);
		slots[k] = (uint32_t)i + 1;
	}
	b->slots = slots;
	b->slot_count = n;
	return true;
}

static bool add(struct building *b, uint64_t flow, const struct keep_tuple *t, uint32_t offset)
{
	struct keep_row row = {.flow = flow, .ends = *t};
	size_t k;

	if (2 * b->row_count >= b->slot_count && !grow(b))
		return false;
	k = hash_of(b->seed, flow, t) & (b->slot_count - 1);
	while (b->slots[k] != 0 && (b->rows[b->slots[k] - 1].flow != flow ||
				    !tuple_equal(&b->rows[b->slots[k] - 1].ends, t)))
		k = (k + 1) & (b->slot_count - 1);
	if (b->slots[k] == 0) {
		if (!ARENA_PUSH(b->arena, b->rows, b->row_count, b->row_room, row))
			return false;
		b->slots[k] = (uint32_t)b->row_count;
	}
	return ARENA_PUSH(b->arena, b->entries, b->entry_count, b->entry_room,
			  ((struct entry){b->slots[k] - 1, offset}));
}

/* A packet in each of its rows: with all its flows, and by all its ends. */
static bool add_packet(struct building *b, struct keep_matcher *m, const struct keep_reader *r,
		       const struct keep_packet *p, size_t at)
{
	struct keep_tuple tuples[KEEP_TUPLES_MAX] = {0};
	size_t n = keep_matcher_tuples(m, p, r->interfaces[p->interface].linktype, tuples);
	size_t most = n > p->flow_count ? n : p->flow_count;

	if (most == 0)
		most = 1; /* nothing is known of it but its time */
	for (size_t i = 0; i < most; i++) {
		struct keep_tuple t = ordered(n == 0 ? tuples[0] : tuples[i < n ? i : n - 1]);

		if (!add(b, i < p->flow_count ? p->flows[i] : 0, &t, (uint32_t)at))
			return false;
	}
	return true;
}

/* Entries, which lie in the order of packets, to runs of offsets by row. */
static bool gather(struct building *b, struct keep_index *x)
{
	uint32_t *offsets = ARENA_ARRAY(b->arena, uint32_t, b->entry_count);
	uint32_t begin = 0;

	if (offsets == NULL && b->entry_count != 0)
		return false;
	for (size_t i = 0; i < b->entry_count; i++)
		b->rows[b->entries[i].row].count++;
	for (size_t i = 0; i < b->row_count; i++) {
		b->rows[i].begin = begin;
		begin += b->rows[i].count;
		b->rows[i].count = 0;
	}
	for (size_t i = 0; i < b->entry_count; i++) {
		struct keep_row *row = &b->rows[b->entries[i].row];

		offsets[row->begin + row->count++] = b->entries[i].offset;
	}
	x->rows = b->rows;
	x->row_count = (uint32_t)b->row_count;
	x->offsets = offsets;
	x->offset_count = (uint32_t)b->entry_count;
	return true;
}

enum status keep_index_build(struct keep_reader *r, struct keep_matcher *m, uint64_t seed,
			     struct arena *a, struct keep_index *out, struct fail *why)
{
	struct building b = {.arena = a, .seed = seed};
	struct keep_index x = {0};
	struct keep_packet p;
	struct fail damage;
	uint32_t *at;
	size_t offset;

	memcpy(x.section, r->section, sizeof x.section);
	while (x.packets < KEEP_PACKETS_MAX && keep_reader_next(r, &p, &offset, &damage) == ST_OK) {
		if (!add_packet(&b, m, r, &p, offset))
			return fail_set(why, ST_NOMEM, "no memory for an index");
		if (x.packets == 0 || p.at.ns < x.first.ns)
			x.first = p.at;
		if (x.packets == 0 || p.at.ns > x.last.ns)
			x.last = p.at;
		x.packets++;
	}
	x.bytes = r->at;
	at = ARENA_ARRAY(a, uint32_t, r->interface_count + 1);
	if (at == NULL || !gather(&b, &x))
		return fail_set(why, ST_NOMEM, "no memory for an index");
	memcpy(at, r->interface_at, r->interface_count * sizeof *at);
	x.interface_at = at;
	x.interface_count = r->interface_count;
	*out = x;
	return ST_OK;
}

/* --- its bytes --- */

static void put32(uint8_t **at, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		*(*at)++ = (uint8_t)(v >> 8 * i);
}

static void put64(uint8_t **at, uint64_t v)
{
	put32(at, (uint32_t)v);
	put32(at, (uint32_t)(v >> 32));
}

static void put_row(uint8_t **at, const struct keep_row *r)
{
	const struct keep_tuple *t = &r->ends;

	put64(at, r->flow);
	put32(at, (uint32_t)t->sport | (uint32_t)t->dport << 16);
	*(*at)++ = t->proto;
	*(*at)++ = t->src.family;
	*(*at)++ = t->dst.family;
	*(*at)++ = t->fragment;
	memcpy(*at, t->src.b, 16);
	memcpy(*at + 16, t->dst.b, 16);
	*at += 32;
	put32(at, r->begin);
	put32(at, r->count);
}

enum status keep_index_encode(const struct keep_index *x, struct arena *a, struct slice *out,
			      struct fail *why)
{
	size_t n = HEAD + TAIL + 4 * (size_t)x->interface_count + ROW * (size_t)x->row_count +
		   4 * (size_t)x->offset_count;
	uint8_t *bytes = arena_bytes(a, n), *at = bytes;

	if (bytes == NULL)
		return fail_set(why, ST_NOMEM, "no memory for an index");
	memcpy(at, MAGIC, 8);
	memcpy(at + 8, x->section, KEEP_SECTION_BYTES);
	at += 8 + KEEP_SECTION_BYTES;
	put64(&at, x->bytes);
	put64(&at, (uint64_t)x->first.ns);
	put64(&at, (uint64_t)x->last.ns);
	put32(&at, x->packets);
	put32(&at, x->row_count);
	put32(&at, x->offset_count);
	put32(&at, x->interface_count);
	for (uint32_t i = 0; i < x->interface_count; i++)
		put32(&at, x->interface_at[i]);
	for (uint32_t i = 0; i < x->row_count; i++)
		put_row(&at, &x->rows[i]);
	for (uint32_t i = 0; i < x->offset_count; i++)
		put32(&at, x->offsets[i]);
	put32(&at, (uint32_t)crc32_z(0, bytes, n - TAIL));
	ASSERT((size_t)(at - bytes) == n);
	*out = (struct slice){bytes, n};
	return ST_OK;
}

enum status keep_index_peek(struct slice bytes, struct keep_index *out, struct fail *why)
{
	struct cursor c = cursor_of(bytes);
	struct slice magic = cursor_take(&c, 8), section = cursor_take(&c, KEEP_SECTION_BYTES);
	struct keep_index x = {0};

	x.bytes = cursor_le64(&c);
	x.first.ns = (int64_t)cursor_le64(&c);
	x.last.ns = (int64_t)cursor_le64(&c);
	x.packets = cursor_le32(&c);
	x.row_count = cursor_le32(&c);
	x.offset_count = cursor_le32(&c);
	x.interface_count = cursor_le32(&c);
	if (!cursor_ok(&c) || !slice_equal(magic, SLICE(MAGIC)))
		return fail_set(why, ST_CORRUPT, "it is no index of packets");
	memcpy(x.section, section.ptr, KEEP_SECTION_BYTES);
	*out = x;
	return ST_OK;
}

static bool row_read(struct cursor *c, uint32_t offsets, struct keep_row *r)
{
	struct keep_tuple *t = &r->ends;
	struct slice src, dst;
	uint8_t fragment;

	r->flow = cursor_le64(c);
	t->sport = cursor_le16(c);
	t->dport = cursor_le16(c);
	t->proto = cursor_u8(c);
	t->src.family = cursor_u8(c);
	t->dst.family = cursor_u8(c);
	fragment = cursor_u8(c);
	src = cursor_take(c, 16);
	dst = cursor_take(c, 16);
	r->begin = cursor_le32(c);
	r->count = cursor_le32(c);
	if (!cursor_ok(c) || fragment > 1 || r->begin > offsets || r->count > offsets - r->begin ||
	    (t->src.family != 0 && t->src.family != 4 && t->src.family != 6) ||
	    (t->dst.family != 0 && t->dst.family != 4 && t->dst.family != 6))
		return false;
	t->fragment = fragment == 1;
	memcpy(t->src.b, src.ptr, 16);
	memcpy(t->dst.b, dst.ptr, 16);
	return true;
}

enum status keep_index_decode(struct slice bytes, struct arena *a, struct keep_index *out,
			      struct fail *why)
{
	struct keep_index x;
	struct keep_row *rows;
	uint32_t *offsets, *interfaces;
	struct cursor c = cursor_of(slice_from(bytes, HEAD)), end;
	enum status st = keep_index_peek(bytes, &x, why);
	uint64_t want;
	bool good = true;

	if (st != ST_OK)
		return st;
	want = HEAD + TAIL + 4 * (uint64_t)x.interface_count + ROW * (uint64_t)x.row_count +
	       4 * (uint64_t)x.offset_count;
	if (x.interface_count > KEEP_INTERFACES_MAX || bytes.len != want) /* invariant 1 */
		return fail_set(why, ST_CORRUPT, "an index of %zu bytes says that it has %llu",
				bytes.len, (unsigned long long)want);
	end = cursor_of(slice_from(bytes, bytes.len - TAIL));
	if (cursor_le32(&end) != (uint32_t)crc32_z(0, bytes.ptr, bytes.len - TAIL))
		return fail_set(why, ST_CORRUPT, "an index is not as it was written");
	interfaces = ARENA_ARRAY(a, uint32_t, x.interface_count + 1);
	rows = ARENA_ARRAY(a, struct keep_row, (size_t)x.row_count + 1);
	offsets = ARENA_ARRAY(a, uint32_t, (size_t)x.offset_count + 1);
	if (interfaces == NULL || rows == NULL || offsets == NULL)
		return fail_set(why, ST_NOMEM, "no memory for an index");
	for (uint32_t i = 0; i < x.interface_count; i++)
		interfaces[i] = cursor_le32(&c);
	for (uint32_t i = 0; good && i < x.row_count; i++)
		good = row_read(&c, x.offset_count, &rows[i]);
	for (uint32_t i = 0; good && i < x.offset_count; i++)
		offsets[i] = cursor_le32(&c);
	if (!good)
		return fail_set(why, ST_CORRUPT, "a row of an index makes no sense");
	x.interface_at = interfaces;
	x.rows = rows;
	x.offsets = offsets;
	*out = x;
	return ST_OK;
}
