/* SPDX-License-Identifier: Apache-2.0
 *
 * Fragments wait in trackers, one for each packet (RFC 791 3.2: addresses, protocol, id; RFC 8200
 * 4.5: addresses, id) until all bytes are there.
 *
 * A tracker holds 8-byte units in pages made when first touched, so its memory is bounded by what a
 * packet can be, however often pieces are sent again. Who gets a unit that two pieces have is the
 * receiver's affair: Novak, "Target-Based Fragmentation Reassembly", 2005. It is decided for each
 * unit by where the two pieces began and ended when they came.
 *
 * 1. units[u].fill is 0 if nobody has unit u, else the bytes of it that are known.
 * 2. have = the number of units that are full, or the last one filled to the end. No piece passes
 *    the end once it is known, nor is an end believed that a piece has passed: so have = units of
 *    the end means whole.
 * 3. Trackers are in one list, by the (clamped) time of their last piece: the oldest is first.
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
	LINK_HEADER_MAX = 256, /* bytes before the IP header that a rebuilt packet repeats */
};

enum defrag_policy {
	DEFRAG_BSD,
	DEFRAG_BSD_RIGHT,
	DEFRAG_LINUX,
	DEFRAG_WINDOWS,
	DEFRAG_SOLARIS,
	DEFRAG_FIRST,
	DEFRAG_LAST,
};

/* Of a unit: the piece that owns it, in units as it came, and the bytes known of it. */
struct unit {
	uint16_t start, end;
	uint8_t fill;
};

struct page {
	uint8_t bytes[PAGE_BYTES];
	struct unit units[PAGE_UNITS];
};

struct tracker {
	struct arena arena;
	struct tracker *hash_next, *old_prev, *old_next;
	struct wall_ns last; /* of its pieces */
	int64_t timeout_ns;
	struct addr src, dst;
	uint32_t id, hash;
	uint16_t vlan[PACKET_VLANS_MAX];
	uint8_t vlans, depth, proto;
	uint8_t next_header;
	enum defrag_policy policy;
	uint32_t pieces;
	size_t next_header_at;
	struct slice link, unfragmented; /* of the piece at offset 0 */
	bool has_end;
	uint32_t end;  /* bytes of the whole; valid if has_end */
	uint32_t most; /* where the furthest piece so far ends */
	uint32_t have;
	struct page *pages[PAGES];
};

struct defrag {
	struct defrag_options options; /* no zeroes */
	struct arena_pool *pool;
	struct tracker *buckets[BUCKETS];
	struct tracker *oldest, *newest;
	struct wall_ns now;
	uint32_t count, pieces;
	size_t bytes;
};

struct defrag *defrag_new(const struct defrag_options *o, struct arena *process,
			  struct arena_pool *pool)
{
	struct defrag *d = ARENA_NEW(process, struct defrag);

	if (d == NULL)
		return NULL;
	d->pool = pool;
	d->options = *o;
	if (o->timeout_s == 0)
		d->options.timeout_s = DEFRAG_TIMEOUT_S;
	if (o->trackers == 0)
		d->options.trackers = DEFRAG_TRACKERS_MAX;
	if (o->pieces_max == 0)
		d->options.pieces_max = DEFRAG_PIECES_MAX;
	if (o->bytes_max == 0)
		d->options.bytes_max = DEFRAG_BYTES_MAX;
	return d;
}

static enum defrag_policy policy_of(uint32_t os)
{
	static const enum defrag_policy policies[DECODE_OSES] = {
		[DECODE_OS_BSD] = DEFRAG_BSD,
		[DECODE_OS_BSD_RIGHT] = DEFRAG_BSD_RIGHT,
		[DECODE_OS_OLD_LINUX] = DEFRAG_LINUX,
		[DECODE_OS_LINUX] = DEFRAG_LINUX,
		[DECODE_OS_OLD_SOLARIS] = DEFRAG_FIRST,
		[DECODE_OS_SOLARIS] = DEFRAG_SOLARIS,
		[DECODE_OS_HPUX10] = DEFRAG_BSD,
		[DECODE_OS_HPUX11] = DEFRAG_FIRST,
		[DECODE_OS_IRIX] = DEFRAG_BSD,
		[DECODE_OS_MACOS] = DEFRAG_FIRST,
		[DECODE_OS_WINDOWS] = DEFRAG_WINDOWS,
		[DECODE_OS_VISTA] = DEFRAG_WINDOWS,
		[DECODE_OS_WINDOWS2K3] = DEFRAG_WINDOWS,
		[DECODE_OS_FIRST] = DEFRAG_FIRST,
		[DECODE_OS_LAST] = DEFRAG_LAST,
	};

	return policies[os < DECODE_OSES ? os : DECODE_OS_BSD];
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
	       (p->ip_version == 6 || t->proto == p->proto) && t->depth == p->depth &&
	       t->vlans == p->vlans && memcmp(t->vlan, p->vlan, sizeof t->vlan) == 0;
}

/* An arena's memory, counted as this defragmenter's. */
static void *take(struct defrag *d, struct arena *a, size_t bytes, size_t align)
{
	size_t before = d->pool->out;
	void *p = arena_alloc(a, bytes, align, 1);

	d->bytes += d->pool->out - before;
	return p;
}

static void list_out(struct defrag *d, struct tracker *t)
{
	*(t->old_prev ? &t->old_prev->old_next : &d->oldest) = t->old_next;
	*(t->old_next ? &t->old_next->old_prev : &d->newest) = t->old_prev;
}

static void list_in(struct defrag *d, struct tracker *t)
{
	t->old_prev = d->newest;
	t->old_next = NULL;
	*(d->newest ? &d->newest->old_next : &d->oldest) = t;
	d->newest = t;
}

static void tracker_free(struct defrag *d, struct tracker *t)
{
	struct tracker **at = &d->buckets[t->hash % BUCKETS];
	struct arena arena = t->arena; /* t lives in it */
	size_t before = d->pool->out;

	while (*at != t)
		at = &(*at)->hash_next;
	*at = t->hash_next;
	list_out(d, t);
	d->count--;
	d->pieces -= t->pieces;
	arena_reset(&arena);
	d->bytes -= before - d->pool->out;
}

static struct tracker *tracker_new(struct defrag *d, struct packet *p, uint32_t id, uint32_t hash)
{
	const struct defrag_options *o = &d->options;
	struct arena arena = {.pool = d->pool};
	struct tracker *t;

	while (d->oldest != NULL && (d->count >= o->trackers || d->bytes >= o->bytes_max)) {
		tracker_free(d, d->oldest);
		p->given_up++;
	}
	t = take(d, &arena, sizeof *t, _Alignof(struct tracker));
	if (t == NULL)
		return NULL;
	*t = (struct tracker){
		.arena = arena,
		.hash_next = d->buckets[hash % BUCKETS],
		.last = d->now,
		.timeout_ns =
			TIME_NS_PER_S * decode_hosts_find(&o->timeouts, &p->dst, o->timeout_s),
		.policy = policy_of(decode_hosts_find(&o->os, &p->dst, DECODE_OS_BSD)),
		.src = p->src,
		.dst = p->dst,
		.id = id,
		.hash = hash,
		.vlans = p->vlans,
		.depth = p->depth,
		.proto = p->proto,
	};
	memcpy(t->vlan, p->vlan, sizeof t->vlan);
	d->buckets[hash % BUCKETS] = t;
	list_in(d, t);
	d->count++;
	return t;
}

static bool timed_out(const struct defrag *d, const struct tracker *t)
{
	return d->now.ns - t->last.ns >= t->timeout_ns;
}

static struct tracker *tracker_of(struct defrag *d, struct packet *p, uint32_t id)
{
	uint32_t hash = hash_of(p, id);

	for (struct tracker *t = d->buckets[hash % BUCKETS]; t != NULL; t = t->hash_next)
		if (t->hash == hash && is_of(t, p, id)) {
			if (timed_out(d, t)) { /* a host whose time is shorter than others' */
				tracker_free(d, t);
				break;
			}
			list_out(d, t);
			list_in(d, t);
			t->last = d->now;
			return t;
		}
	return tracker_new(d, p, id, hash);
}

void defrag_free(struct defrag *d)
{
	while (d != NULL && d->oldest != NULL)
		tracker_free(d, d->oldest);
}

/* NULL if its page was never touched. */
static struct unit *unit_of(const struct tracker *t, uint32_t unit)
{
	struct page *g = t->pages[unit / PAGE_UNITS];

	return g == NULL ? NULL : &g->units[unit % PAGE_UNITS];
}

/* Pages for units [from, to). False if the budget is spent: then nothing was written. */
static bool pages_make(struct defrag *d, struct tracker *t, uint32_t from, uint32_t to)
{
	for (uint32_t i = from / PAGE_UNITS; i <= (to - 1) / PAGE_UNITS; i++)
		if (t->pages[i] == NULL) {
			if (d->bytes >= d->options.bytes_max)
				return false;
			t->pages[i] =
				take(d, &t->arena, sizeof(struct page), _Alignof(struct page));
			if (t->pages[i] == NULL)
				return false;
		}
	return true;
}

/* True if the piece [from, to) gets a unit that `owner` has. */
static bool takes(enum defrag_policy policy, const struct unit *owner, uint32_t from, uint32_t to)
{
	switch (policy) {
	case DEFRAG_BSD:
		return from < owner->start;
	case DEFRAG_BSD_RIGHT:
		return from >= owner->start;
	case DEFRAG_LINUX:
		return from <= owner->start;
	case DEFRAG_WINDOWS:
		return from < owner->start && to > owner->end;
	case DEFRAG_SOLARIS:
		return from < owner->start && to >= owner->end;
	case DEFRAG_FIRST:
		return false;
	case DEFRAG_LAST:
		return true;
	}
	return false;
}

/* Writes data at its units by the policy; true if it met another piece. The pages are there. */
static bool units_write(struct tracker *t, uint32_t from, struct slice data)
{
	uint32_t to = from + (uint32_t)((data.len + UNIT - 1) / UNIT);
	bool overlap = false;

	for (uint32_t u = from; u < to; u++) {
		struct slice bytes = slice_part(data, (size_t)(u - from) * UNIT, UNIT);
		struct unit *owner = unit_of(t, u);
		uint8_t *at;
		size_t keep = 0; /* bytes of the unit that stay */

		ASSERT(owner != NULL);
		if (owner->fill != 0) {
			overlap = true;
			if (!takes(t->policy, owner, from, to))
				keep = owner->fill;
		}
		if (keep >= bytes.len)
			continue;
		at = t->pages[u / PAGE_UNITS]->bytes + (size_t)(u % PAGE_UNITS) * UNIT;
		memcpy(at + keep, bytes.ptr + keep, bytes.len - keep);
		t->have += owner->fill < UNIT && bytes.len == UNIT;
		owner->fill = owner->fill > bytes.len ? owner->fill : (uint8_t)bytes.len;
		if (keep == 0) {
			owner->start = (uint16_t)from;
			owner->end = (uint16_t)to; /* <= UNITS */
		}
	}
	return overlap;
}

static bool is_whole(const struct tracker *t)
{
	uint32_t full = t->end / UNIT;
	const struct unit *last;

	if (!t->has_end || t->unfragmented.len == 0)
		return false;
	last = t->end % UNIT != 0 ? unit_of(t, full) : NULL;
	if (t->end % UNIT != 0 && (last == NULL || last->fill < t->end % UNIT))
		return false;
	return t->have - (last != NULL && last->fill == UNIT) == full;
}

/* The whole packet with its link header, in `memory`; the empty slice if it is too large, or there
 * is no memory. The piece at offset 0 is there, so is its header. */
static struct slice rebuild(const struct tracker *t, bool v6, struct arena *memory)
{
	size_t link = t->link.len, head = t->unfragmented.len, whole = head + t->end;
	size_t claimed = v6 ? whole - 40 : whole;
	uint8_t *ip, *out;

	if (claimed > PACKET_MOST)
		return (struct slice){NULL, 0};
	out = arena_alloc(memory, link + whole, 1, 1);
	if (out == NULL)
		return (struct slice){NULL, 0};
	if (link != 0)
		memcpy(out, t->link.ptr, link);
	ip = out + link;
	memcpy(ip, t->unfragmented.ptr, head);
	for (size_t at = 0; at < t->end; at += PAGE_BYTES)
		memcpy(ip + head + at, t->pages[at / PAGE_BYTES]->bytes,
		       t->end - at < PAGE_BYTES ? t->end - at : PAGE_BYTES);
	ip[v6 ? 4 : 2] = (uint8_t)(claimed >> 8);
	ip[v6 ? 5 : 3] = (uint8_t)claimed;
	if (v6)
		ip[t->next_header_at] = t->next_header;
	else
		packet_checksum_restart(ip, head); /* DF and the reserved bit go, as in Suricata */
	return (struct slice){out, link + whole};
}

static uint32_t end_of(const struct defrag_piece *piece)
{
	return piece->offset + (uint32_t)piece->data.len; /* <= PACKET_MOST: checked first */
}

static bool overlaps(const struct tracker *t, uint32_t from, uint32_t end)
{
	for (uint32_t u = from / UNIT; u < (end + UNIT - 1) / UNIT; u++) {
		const struct unit *owner = unit_of(t, u);

		if (owner != NULL && owner->fill != 0)
			return true;
	}
	return false;
}

/* Checks a piece against what is known of its packet. False: it is ignored, and the anomaly is set.
 */
static bool piece_fits(struct packet *p, const struct tracker *t, const struct defrag_piece *piece)
{
	bool v6 = p->ip_version == 6;
	uint32_t end = end_of(piece);

	if (piece->data.len != 0 && (!t->has_end || end <= t->end) &&
	    (piece->more || (end >= t->most && (!t->has_end || end == t->end))))
		return true;
	packet_anomaly(p, v6 ? IPV6_FRAG_IGNORED : IPV4_FRAG_IGNORED);
	if (overlaps(t, piece->offset, end))
		packet_anomaly(p, v6 ? IPV6_FRAG_OVERLAP : IPV4_FRAG_OVERLAP);
	return false;
}

static void expire(struct defrag *d, struct wall_ns at)
{
	if (at.ns > d->now.ns)
		d->now = at;
	while (d->oldest != NULL && timed_out(d, d->oldest))
		tracker_free(d, d->oldest);
}

/* Keeps the headers of the piece at offset 0. */
static bool headers_keep(struct defrag *d, struct tracker *t, const struct packet *p,
			 const struct defrag_piece *piece)
{
	size_t link = (size_t)(piece->unfragmented.ptr - p->frame.ptr);
	size_t head = piece->unfragmented.len;
	uint8_t *copy;

	if (link > LINK_HEADER_MAX)
		link = 0;
	copy = take(d, &t->arena, link + head, 1);
	if (copy == NULL)
		return false;
	memcpy(copy, piece->unfragmented.ptr - link, link + head);
	t->link = (struct slice){copy, link};
	t->unfragmented = (struct slice){copy + link, head};
	t->next_header_at = piece->next_header_at;
	t->next_header = piece->next_header;
	return true;
}

/* Puts a piece that fits into its tracker. False: no memory. */
static bool piece_keep(struct defrag *d, struct tracker *t, struct packet *p,
		       const struct defrag_piece *piece)
{
	uint32_t from = piece->offset / UNIT;
	uint32_t units = (uint32_t)((piece->data.len + UNIT - 1) / UNIT);

	if (d->pieces >= d->options.pieces_max || !pages_make(d, t, from, from + units))
		return false;
	if (piece->offset == 0 && t->unfragmented.len == 0 && !headers_keep(d, t, p, piece))
		return false;
	if (units_write(t, from, piece->data))
		packet_anomaly(p, p->ip_version == 6 ? IPV6_FRAG_OVERLAP : IPV4_FRAG_OVERLAP);
	t->pieces++;
	d->pieces++;
	if (!piece->more && !t->has_end) {
		t->has_end = true;
		t->end = end_of(piece);
	}
	if (end_of(piece) > t->most)
		t->most = end_of(piece);
	return true;
}

struct slice defrag_add(struct defrag *d, struct packet *p, const struct defrag_piece *piece,
			struct arena *memory, size_t *out_ip_at)
{
	bool v6 = p->ip_version == 6;
	struct slice whole = {NULL, 0};
	struct tracker *t;

	expire(d, p->at);
	if (piece->offset + piece->data.len + (v6 ? 0 : 20) > PACKET_MOST) {
		packet_anomaly(p, v6 ? IPV6_FRAG_PKT_TOO_LARGE : IPV4_FRAG_PKT_TOO_LARGE);
		return whole;
	}
	t = tracker_of(d, p, piece->id);
	if (t != NULL && !piece_fits(p, t, piece))
		return whole;
	if (t == NULL || !piece_keep(d, t, p, piece)) {
		p->no_room = true;
		packet_anomaly(p, v6 ? IPV6_FRAG_IGNORED : IPV4_FRAG_IGNORED);
		if (t != NULL)
			tracker_free(d, t); /* it cannot become whole */
		return whole;
	}
	if (is_whole(t)) {
		whole = rebuild(t, v6, memory);
		*out_ip_at = t->link.len;
		if (whole.len == 0)
			packet_anomaly(p, v6 ? IPV6_FRAG_PKT_TOO_LARGE : IPV4_FRAG_PKT_TOO_LARGE);
		tracker_free(d, t);
	}
	return whole;
}
