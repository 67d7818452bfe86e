/* SPDX-License-Identifier: Apache-2.0
 *
 * Fragments wait in trackers, one for each packet (RFC 791 3.2: addresses, protocol, id; RFC 8200
 * 4.5: addresses, id) until all bytes are there.
 *
 * A tracker holds 8-byte units in pages made when first touched, so its memory is bounded by what a
 * packet can be, however often pieces are sent again. Overlaps go the BSD way, as Suricata's
 * default: a piece keeps what a later one repeats, unless the later one begins before it.
 *
 * 1. starts[u] is 1 + the unit where the piece that owns unit u begins, 0 if nobody does.
 * 2. have = the number of units u with starts[u] != 0. No piece passes the end once it is known,
 * nor is an end believed that a piece has passed: so have = units of the end means whole.
 * 3. Trackers are in one list, by the (clamped) time of their first piece: the oldest is first.
 * 4. Memory of a tracker is its arena's; `bytes` sums what they hold, as the pool counts it.
 */
#include "sensor/decode/decode_priv.h"

enum {
	UNIT = 8,
	UNITS = 65536 / UNIT,
	PAGE_UNITS = 128,
	PAGE_BYTES = PAGE_UNITS * UNIT,
	PAGES = UNITS / PAGE_UNITS,
	BUCKETS = 1024, /* a power of two */
	PACKET_MOST = 65535,
	REBUILT_MOST = PACKET_MOST + 40, /* IPv6's payload length does not count its header */
};

struct page {
	uint8_t bytes[PAGE_BYTES];
	uint16_t starts[PAGE_UNITS];
};

struct tracker {
	struct arena arena;
	struct tracker *hash_next, *old_prev, *old_next;
	struct wall_ns first;
	struct addr src, dst;
	uint32_t id, hash;
	uint16_t vlan[PACKET_VLANS_MAX];
	uint8_t vlans, proto;
	uint8_t next_header;
	size_t next_header_at;
	struct slice unfragmented; /* of the piece at offset 0 */
	bool has_end;
	uint32_t end;  /* bytes of the whole; valid if has_end */
	uint32_t most; /* where the furthest piece so far ends */
	uint32_t have;
	struct page *pages[PAGES];
};

struct defrag {
	struct decode_index index;
	struct arena_pool *pool;
	struct tracker *buckets[BUCKETS];
	struct tracker *oldest, *newest;
	struct wall_ns now;
	uint32_t count;
	size_t bytes;
	uint8_t rebuilt[REBUILT_MOST];
};

struct defrag *defrag_new(struct arena *process, struct arena_pool *pool)
{
	struct defrag *d = ARENA_NEW(process, struct defrag);

	if (d == NULL)
		return NULL;
	d->pool = pool;
	decode_index_init(&d->index);
	return d;
}

struct decode_index *defrag_index(struct defrag *d)
{
	return &d->index;
}

static void tracker_free(struct defrag *d, struct tracker *t)
{
	struct tracker **at = &d->buckets[t->hash % BUCKETS];
	struct arena arena = t->arena; /* t lives in it */
	size_t before = d->pool->out;

	while (*at != t)
		at = &(*at)->hash_next;
	*at = t->hash_next;
	*(t->old_prev ? &t->old_prev->old_next : &d->oldest) = t->old_next;
	*(t->old_next ? &t->old_next->old_prev : &d->newest) = t->old_prev;
	d->count--;
	arena_reset(&arena);
	d->bytes -= before - d->pool->out;
}

void defrag_free(struct defrag *d)
{
	while (d != NULL && d->oldest != NULL)
		tracker_free(d, d->oldest);
}

static uint32_t hash_of(const struct packet *p, uint32_t id)
{
	uint64_t h = id;

	for (size_t i = 0; i < 16; i++)
		h = (h ^ p->src.b[i] ^ (uint64_t)p->dst.b[i] << 8) * UINT64_C(0x9e3779b97f4a7c15);
	return (uint32_t)(h >> 32);
}

static bool is_of(const struct tracker *t, const struct packet *p, uint32_t id)
{
	return t->id == id && addr_equal(&t->src, &p->src) && addr_equal(&t->dst, &p->dst) &&
	       (p->ip_version == 6 || t->proto == p->proto) && t->vlans == p->vlans &&
	       memcmp(t->vlan, p->vlan, sizeof t->vlan) == 0;
}

/* An arena's memory, counted as this defragmenter's. */
static void *take(struct defrag *d, struct arena *a, size_t bytes, size_t align)
{
	size_t before = d->pool->out;
	void *p = arena_alloc(a, bytes, align, 1);

	d->bytes += d->pool->out - before;
	return p;
}

static struct tracker *tracker_new(struct defrag *d, const struct packet *p, uint32_t id,
				   uint32_t hash)
{
	struct arena arena = {.pool = d->pool};
	struct tracker *t;

	while (d->oldest != NULL &&
	       (d->count >= DEFRAG_TRACKERS_MAX || d->bytes >= DEFRAG_BYTES_MAX))
		tracker_free(d, d->oldest);
	t = take(d, &arena, sizeof *t, _Alignof(struct tracker));
	if (t == NULL)
		return NULL;
	*t = (struct tracker){.arena = arena,
			      .hash_next = d->buckets[hash % BUCKETS],
			      .old_prev = d->newest,
			      .first = d->now,
			      .src = p->src,
			      .dst = p->dst,
			      .id = id,
			      .hash = hash,
			      .vlans = p->vlans,
			      .proto = p->proto};
	memcpy(t->vlan, p->vlan, sizeof t->vlan);
	d->buckets[hash % BUCKETS] = t;
	*(d->newest ? &d->newest->old_next : &d->oldest) = t;
	d->newest = t;
	d->count++;
	return t;
}

static struct tracker *tracker_of(struct defrag *d, const struct packet *p, uint32_t id)
{
	uint32_t hash = hash_of(p, id);

	for (struct tracker *t = d->buckets[hash % BUCKETS]; t != NULL; t = t->hash_next)
		if (t->hash == hash && is_of(t, p, id))
			return t;
	return tracker_new(d, p, id, hash);
}

/* Where the piece that owns a unit begins, plus 1; 0 if nobody does. */
static uint16_t start_of(const struct tracker *t, uint32_t unit)
{
	const struct page *g = t->pages[unit / PAGE_UNITS];

	return g == NULL ? 0 : g->starts[unit % PAGE_UNITS];
}

/* Pages for units [from, to). False if the budget is spent: then nothing was written. */
static bool pages_make(struct defrag *d, struct tracker *t, uint32_t from, uint32_t to)
{
	for (uint32_t i = from / PAGE_UNITS; i <= (to - 1) / PAGE_UNITS; i++)
		if (t->pages[i] == NULL) {
			if (d->bytes >= DEFRAG_BYTES_MAX)
				return false;
			t->pages[i] =
				take(d, &t->arena, sizeof(struct page), _Alignof(struct page));
			if (t->pages[i] == NULL)
				return false;
		}
	return true;
}

/* Writes data at its units by the BSD rule; true if it met another piece. The pages are there. */
static bool units_write(struct tracker *t, uint32_t from, struct slice data)
{
	uint32_t to = from + (uint32_t)((data.len + UNIT - 1) / UNIT), begin = from;
	bool overlap = false;
	uint16_t cut = 0;

	/* Left: a piece that began here or before keeps what it has. */
	while (begin < to && start_of(t, begin) != 0 && start_of(t, begin) <= from + 1) {
		overlap = true;
		begin++;
	}
	for (uint32_t u = begin; u < to; u++) {
		struct page *g = t->pages[u / PAGE_UNITS];
		struct slice bytes = slice_part(data, (size_t)(u - from) * UNIT, UNIT);

		ASSERT(g != NULL);
		cut = start_of(t, u);
		overlap = overlap || cut != 0;
		t->have += cut == 0;
		g->starts[u % PAGE_UNITS] = (uint16_t)(begin + 1);
		memcpy(g->bytes + (size_t)(u % PAGE_UNITS) * UNIT, bytes.ptr, bytes.len);
	}
	/* Right: what is left of a piece that lost its head begins later now. */
	for (uint32_t u = to; cut != 0 && u < UNITS && start_of(t, u) == cut; u++)
		t->pages[u / PAGE_UNITS]->starts[u % PAGE_UNITS] = (uint16_t)(to + 1);
	return overlap;
}

/* The whole packet in d->rebuilt. The piece at offset 0 is among them, so is its header. */
static struct slice rebuild(struct defrag *d, struct tracker *t, bool v6)
{
	size_t head = t->unfragmented.len, whole = head + t->end;
	size_t claimed = v6 ? whole - 40 : whole;

	if (claimed > PACKET_MOST)
		return (struct slice){NULL, 0};
	memcpy(d->rebuilt, t->unfragmented.ptr, head);
	for (size_t at = 0; at < t->end; at += PAGE_BYTES)
		memcpy(d->rebuilt + head + at, t->pages[at / PAGE_BYTES]->bytes,
		       t->end - at < PAGE_BYTES ? t->end - at : PAGE_BYTES);
	d->rebuilt[v6 ? 4 : 2] = (uint8_t)(claimed >> 8);
	d->rebuilt[v6 ? 5 : 3] = (uint8_t)claimed;
	if (v6) {
		d->rebuilt[t->next_header_at] = t->next_header;
	} else {
		d->rebuilt[6] &= 0xc0; /* offset and MF cleared; DF and the reserved bit stay */
		d->rebuilt[7] = 0;
	}
	return (struct slice){d->rebuilt, whole};
}

static uint32_t end_of(const struct defrag_piece *piece)
{
	return piece->offset + (uint32_t)piece->data.len; /* <= PACKET_MOST: checked first */
}

/* Checks a piece against what is known of its packet. False: it is ignored, and the anomaly is set.
 */
static bool piece_fits(struct packet *p, const struct tracker *t, const struct defrag_piece *piece)
{
	bool v6 = p->ip_version == 6;
	uint32_t end = end_of(piece);

	if (piece->data.len == 0 || (t->has_end && end > t->end) ||
	    (!piece->more && (end < t->most || (t->has_end && end != t->end)))) {
		packet_anomaly(p, v6 ? IPV6_FRAG_IGNORED : IPV4_FRAG_IGNORED);
		return false;
	}
	return true;
}

static void expire(struct defrag *d, struct wall_ns at)
{
	if (at.ns > d->now.ns)
		d->now = at;
	while (d->oldest != NULL &&
	       d->now.ns - d->oldest->first.ns >= DEFRAG_TIMEOUT_S * TIME_NS_PER_S)
		tracker_free(d, d->oldest);
}

struct slice defrag_add(struct decode_state *s, const struct defrag_piece *piece)
{
	struct defrag *d = s->d;
	struct packet *p = s->p;
	bool v6 = p->ip_version == 6;
	uint32_t units = (uint32_t)((piece->data.len + UNIT - 1) / UNIT);
	struct slice whole = {NULL, 0};
	struct tracker *t;

	expire(d, p->at);
	if (piece->more && piece->data.len % UNIT != 0) {
		packet_anomaly(p, v6 ? IPV6_FRAG_INVALID_LENGTH : IPV4_FRAG_IGNORED);
		return whole;
	}
	if (piece->offset + piece->data.len > PACKET_MOST) {
		packet_anomaly(p, v6 ? IPV6_FRAG_PKT_TOO_LARGE : IPV4_FRAG_PKT_TOO_LARGE);
		return whole;
	}
	t = tracker_of(d, p, piece->id);
	if (t == NULL || !piece_fits(p, t, piece))
		return whole;
	if (!pages_make(d, t, piece->offset / UNIT, piece->offset / UNIT + units)) {
		tracker_free(d, t); /* it cannot become whole */
		return whole;
	}
	if (units_write(t, piece->offset / UNIT, piece->data))
		packet_anomaly(p, v6 ? IPV6_FRAG_OVERLAP : IPV4_FRAG_OVERLAP);
	if (piece->offset == 0 && t->unfragmented.len == 0) {
		uint8_t *copy = take(d, &t->arena, piece->unfragmented.len, 1);

		if (copy == NULL) {
			tracker_free(d, t);
			return whole;
		}
		memcpy(copy, piece->unfragmented.ptr, piece->unfragmented.len);
		t->unfragmented = (struct slice){copy, piece->unfragmented.len};
		t->next_header_at = piece->next_header_at;
		t->next_header = piece->next_header;
	}
	if (!piece->more && !t->has_end) {
		t->has_end = true;
		t->end = end_of(piece);
	}
	if (end_of(piece) > t->most)
		t->most = end_of(piece);
	if (t->has_end && t->have == (t->end + UNIT - 1) / UNIT) {
		whole = rebuild(d, t, v6);
		if (whole.len == 0)
			packet_anomaly(p, v6 ? IPV6_FRAG_PKT_TOO_LARGE : IPV4_FRAG_PKT_TOO_LARGE);
		tracker_free(d, t);
	}
	return whole;
}
