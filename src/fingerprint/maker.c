/* SPDX-License-Identifier: Apache-2.0
 *
 * Packets into events. Invariants, between any two calls:
 *
 *   1. Events are in the order of their format: by bin, then direction; two of one bin differ in
 *      direction.
 *   2. Those of one direction do not begin within JOIN bins of each other, and none begins before
 *      the last bin of the one before it. So there are at most two in four bins, and from 2^3 on
 *      bins are so wide that there are never more than EVENTS_MAX.
 *   3. last[d] - 1 is the newest event of direction d.
 *   4. now is the bin of the latest packet, and no event ends behind it.
 */
#include "fingerprint/fingerprint.h"

enum { ROOM_LEAST = 8 }; /* = what is needed at most where bins are 2^7 times as wide */

_Static_assert((1 << (FINGERPRINT_SEGMENT_LOG2 - FINGERPRINT_BIN_LOG2 - FINGERPRINT_COARSER_MAX)) /
			       FINGERPRINT_JOIN * 2 <=
		       ROOM_LEAST,
	       "the coarsest bins fit into the least room");
_Static_assert(FINGERPRINT_EVENTS_MAX < UINT8_MAX, "an index fits into last[]");

static uint32_t sum(uint32_t a, uint32_t b)
{
	return a > UINT32_MAX - b ? UINT32_MAX : a + b;
}

static uint32_t last_bin(const struct fingerprint_event *e)
{
	return (uint32_t)e->bin + e->bins - 1;
}

/* Do bins [first, last] go on with what e is? e is of the same direction and began no later. */
static bool joins(const struct fingerprint_event *e, uint32_t first, uint32_t last)
{
	return first < last_bin(e) + FINGERPRINT_JOIN &&
	       last < e->bin + (uint32_t)FINGERPRINT_RUN_MAX;
}

/* Puts e, which began no earlier than the newest event, where it belongs. */
static void insert(struct fingerprint_maker *m, struct fingerprint_event e)
{
	struct fingerprint_event *at = m->events + m->count;

	if (m->count != 0 && at[-1].bin == e.bin && at[-1].dir > e.dir) {
		at[0] = at[-1];
		m->last[at[0].dir] = (uint8_t)(m->count + 1);
		at--;
	}
	*at = e;
	m->count++;
	m->last[e.dir] = (uint8_t)(at - m->events + 1);
}

static void extend(struct fingerprint_event *e, uint32_t last, uint32_t pkts, uint32_t bytes)
{
	if (last > last_bin(e))
		e->bins = (uint8_t)(last - e->bin + 1);
	e->pkts = sum(e->pkts, pkts);
	e->bytes = sum(e->bytes, bytes);
}

/* Bins become twice as wide. Each event is read before anything is written over it, because what
 * was written is never more than what was read. */
static void coarsen(struct fingerprint_maker *m)
{
	uint16_t n = m->count;

	m->coarser++;
	m->now >>= 1;
	m->count = 0;
	m->last[0] = m->last[1] = 0;
	for (uint16_t i = 0; i < n; i++) {
		struct fingerprint_event e = m->events[i];
		uint32_t first = e.bin >> 1, last = last_bin(&e) >> 1;
		struct fingerprint_event *before =
			m->last[e.dir] != 0 ? &m->events[m->last[e.dir] - 1] : NULL;

		if (before != NULL && joins(before, first, last)) {
			extend(before, last, e.pkts, e.bytes);
			continue;
		}
		e.bin = (uint16_t)first;
		e.bins = (uint8_t)(last - first + 1);
		insert(m, e);
	}
}

/* More memory for events. Without it nothing changes. */
static bool grow(struct fingerprint_maker *m, struct arena *a)
{
	uint16_t room = m->room == 0 ? ROOM_LEAST : (uint16_t)(m->room * 2);
	struct fingerprint_event *more;

	if (room > FINGERPRINT_EVENTS_MAX)
		return false;
	more = ARENA_ARRAY(a, struct fingerprint_event, room);
	if (more == NULL)
		return false;
	if (m->count != 0)
		memcpy(more, m->events, m->count * sizeof *more);
	m->events = more;
	m->room = room;
	return true;
}

void fingerprint_maker_end(struct fingerprint_maker *m, const struct fingerprint_sink *sink)
{
	struct fingerprint f = {m->segment, m->proto, m->coarser, m->count, m->events};

	if (m->count != 0)
		sink->made(sink->ctx, &f);
	m->count = m->now = 0;
	m->coarser = m->last[0] = m->last[1] = 0;
}

/* Bin of a packet, in a segment that is begun for it if needed. */
static void move_to(struct fingerprint_maker *m, struct wall_ns at,
		    const struct fingerprint_sink *sink)
{
	uint64_t ns = at.ns > 0 ? (uint64_t)at.ns : 0;
	uint32_t segment = (uint32_t)(ns >> FINGERPRINT_SEGMENT_LOG2);
	uint16_t bin;

	if (m->count != 0 && segment != m->segment && segment + 1 != m->segment)
		fingerprint_maker_end(m, sink);
	if (m->count == 0)
		m->segment = segment;
	if (segment != m->segment)
		return; /* a moment too late: as of the latest */
	bin = (uint16_t)(ns >> (FINGERPRINT_BIN_LOG2 + m->coarser) &
			 (fingerprint_bins(m->coarser) - 1));
	if (bin > m->now)
		m->now = bin;
}

void fingerprint_maker_packet(struct fingerprint_maker *m, struct arena *a, struct wall_ns at,
			      unsigned dir, uint32_t bytes, const struct fingerprint_sink *sink)
{
	struct fingerprint_event *e;

	ASSERT(dir < 2);
	if (bytes == 0)
		return;
	move_to(m, at, sink);
	for (;;) {
		e = m->last[dir] != 0 ? &m->events[m->last[dir] - 1] : NULL;
		if (e != NULL && joins(e, m->now, m->now)) {
			extend(e, m->now, 1, bytes);
			return;
		}
		if (m->count < m->room || grow(m, a))
			break;
		if (m->coarser == FINGERPRINT_COARSER_MAX || m->room == 0) {
			if (m->lost != UINT16_MAX)
				m->lost++;
			return;
		}
		coarsen(m);
	}
	insert(m, (struct fingerprint_event){1, bytes, m->now, 1, (uint8_t)dir});
}
