/* SPDX-License-Identifier: Apache-2.0
 *
 * Segments of one direction, put in order.
 *
 * Overlaps go the BSD way, Suricata's default: a segment keeps what a later one repeats, unless the
 * later one begins before it. What was released is never changed: the receiver has read it.
 *
 * 1. Pieces are in order of offset, do not overlap, and all end behind `released`.
 * 2. All bytes of all pieces are in the store. The store may hold more: the released ones.
 * 3. There are at most PIECES_MAX pieces. Past that a new segment joins the piece before it, which
 *    only coarsens who began where.
 */
#include "sensor/stream/stream_priv.h"

enum { PIECES_MAX = 1024 };

struct stream_piece {
	struct stream_piece *next, *prev;
	uint64_t start, end;
};

static void piece_free(struct stream_bytes *b, struct stream_piece *p)
{
	*(p->prev ? &p->prev->next : &b->oldest) = p->next;
	*(p->next ? &p->next->prev : &b->newest) = p->prev;
	b->pieces--;
	p->next = b->spare;
	b->spare = p;
}

static struct stream_piece *piece_new(struct stream_bytes *b)
{
	struct stream_piece *p = b->spare;

	if (p != NULL)
		b->spare = p->next;
	else
		p = ARENA_NEW(b->store.nodes, struct stream_piece);
	return p;
}

/* Puts [start, end) behind `before`, NULL for the front. */
static void piece_add(struct stream_bytes *b, struct stream_piece *p, struct stream_piece *before,
		      uint64_t start, uint64_t end)
{
	*p = (struct stream_piece){.start = start,
				   .end = end,
				   .prev = before,
				   .next = before ? before->next : b->oldest};
	*(p->prev ? &p->prev->next : &b->oldest) = p;
	*(p->next ? &p->next->prev : &b->newest) = p;
	b->pieces++;
}

/* Are the bytes from `at` on that we still have the same as these? */
static bool same(const struct stream_bytes *b, uint64_t at, struct slice bytes)
{
	while (bytes.len > 0) {
		struct slice have = stream_store_read(&b->store, at, at + bytes.len);

		if (have.len == 0) { /* a hole: nothing to compare with */
			uint64_t next = stream_store_after_hole(&b->store, at);

			if (next - at >= bytes.len)
				return true;
			bytes = slice_from(bytes, (size_t)(next - at));
			at = next;
			continue;
		}
		if (!slice_equal(have, slice_part(bytes, 0, have.len)))
			return false;
		bytes = slice_from(bytes, have.len);
		at += have.len;
	}
	return true;
}

/* [at, at + segment.len) lies behind `released` and before `depth`. */
static bool insert(struct stream_bytes *b, uint64_t at, struct slice segment)
{
	uint64_t start = at, end = at + segment.len;
	uint64_t keep = b->released > STREAM_WINDOW ? b->released - STREAM_WINDOW : 0;
	struct stream_piece *before = b->newest, *fresh;

	while (before != NULL && before->start > at)
		before = before->prev;
	if (before != NULL && before->end > start)
		start = before->end;
	if (start >= end)
		return true;
	fresh = b->pieces < PIECES_MAX || before == NULL || before->end != start ? piece_new(b)
										 : before;
	if (fresh == NULL)
		return false;
	if (!stream_store_write(&b->store, start, slice_from(segment, (size_t)(start - at)),
				keep)) {
		if (fresh != before) {
			fresh->next = b->spare;
			b->spare = fresh;
		}
		return false;
	}
	for (struct stream_piece *p = before ? before->next : b->oldest, *next;
	     p != NULL && p->start < end; p = next) {
		next = p->next;
		if (p->end <= end)
			piece_free(b, p);
		else
			p->start = end;
	}
	if (fresh == before)
		before->end = end;
	else
		piece_add(b, fresh, before, start, end);
	return true;
}

enum stream_verdict stream_bytes_add(struct stream_bytes *b, uint64_t at, struct slice segment,
				     uint64_t *anomalies)
{
	uint64_t end = at + segment.len;

	if (segment.len == 0)
		return STREAM_TAKEN;
	if (!same(b, at, segment))
		*anomalies |= STREAM_BIT(OVERLAP_DIFFERENT_DATA);
	if (end <= b->released) {
		*anomalies |= STREAM_BIT(PKT_SPURIOUS_RETRANSMISSION);
		return (*anomalies & STREAM_BIT(OVERLAP_DIFFERENT_DATA)) != 0 ? STREAM_NOT_TAKEN
									      : STREAM_TAKEN;
	}
	if (at < b->released) {
		segment = slice_from(segment, (size_t)(b->released - at));
		at = b->released;
	}
	if (end > b->depth) {
		*anomalies |= STREAM_BIT(DEPTH_REACHED);
		if (at >= b->depth)
			return STREAM_NOT_TAKEN;
		segment = slice_part(segment, 0, (size_t)(b->depth - at));
	}
	if (!insert(b, at, segment)) {
		*anomalies |= STREAM_BIT(NO_SEGMENT);
		return STREAM_NOT_TAKEN;
	}
	return STREAM_TAKEN;
}

/* Pieces that were released, or lie in a gap that was. */
static void pieces_drop(struct stream_bytes *b)
{
	while (b->oldest != NULL && b->oldest->end <= b->released)
		piece_free(b, b->oldest);
	if (b->oldest != NULL && b->oldest->start < b->released)
		b->oldest->start = b->released;
}

void stream_bytes_release(struct stream_bytes *b, uint64_t end, struct flow *f, enum flow_dir dir,
			  const struct stream_sink *sink, uint64_t *anomalies)
{
	if (end > b->depth)
		end = b->depth;
	while (b->released < end) {
		struct slice bytes = stream_store_read(&b->store, b->released, end);
		uint64_t at = b->released;

		if (bytes.len > 0) {
			b->released += bytes.len;
			sink->data(sink->ctx, f, dir, at, bytes);
		} else {
			uint64_t next = stream_store_after_hole(&b->store, at);

			if (next > end)
				next = end;
			*anomalies |= STREAM_BIT(SEQ_GAP);
			/* before the step over it: stream_window() still ends in front of the hole
			 */
			sink->gap(sink->ctx, f, dir, at, next - at);
			b->released = next;
		}
	}
	stream_store_forget(&b->store, b->released);
	pieces_drop(b);
}

void stream_bytes_flush(struct stream_bytes *b, struct flow *f, enum flow_dir dir,
			const struct stream_sink *sink, uint64_t *anomalies)
{
	if (b->newest != NULL)
		stream_bytes_release(b, b->newest->end, f, dir, sink, anomalies);
}

void stream_bytes_done(struct stream_bytes *b)
{
	stream_store_done(&b->store);
	b->oldest = b->newest = b->spare = NULL; /* in the flow's arena */
	b->pieces = 0;
}
