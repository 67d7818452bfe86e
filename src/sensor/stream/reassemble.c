/* SPDX-License-Identifier: Apache-2.0
 *
 * Segments of one direction, put in order.
 *
 * Where segments overlap, the receiver's system decides whose bytes count (use_new). What was
 * released is never changed: the receiver has read it.
 *
 * 1. Pieces are in order of offset, as they came: they may overlap. All end behind `released`.
 * 2. All bytes of all pieces are in the store, as the policies have it. The store may hold more:
 *    the released ones.
 * 3. There are at most PIECES_MAX pieces. Past that a new segment joins one it touches, which only
 *    coarsens who began where, or is refused.
 */
#include "sensor/stream/stream_priv.h"

enum { PIECES_MAX = 4096, FAR = 256 << 10 };

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

/* Does the receiver take a later segment's bytes where it overlaps an earlier one? The table of
 * Shankar and Paxson (2003), as Suricata has it. */
static bool use_new(enum stream_policy os, uint64_t start, uint64_t end,
		    const struct stream_piece *old)
{
	if (os == STREAM_LAST)
		return true;
	if (os == STREAM_FIRST || os == STREAM_VISTA)
		return false;
	if (os == STREAM_SOLARIS || os == STREAM_HPUX11)
		return start > old->start ? end > old->end : end >= old->end;
	if (start < old->start)
		return true;
	if (start > old->start)
		return false;
	if (os == STREAM_OLD_LINUX)
		return end >= old->end;
	return os == STREAM_LINUX && end > old->end;
}

/* Of [at, end), from *at on: the bytes of which all earlier segments say the same; *out_new is
 * what. Returns where that ends. */
static uint64_t part_of(const struct stream_bytes *b, const struct stream_piece *first,
			struct stream_overlap how, uint64_t start, uint64_t end, uint64_t at,
			bool *out_new)
{
	uint64_t part = end;

	*out_new = true;
	for (const struct stream_piece *p = first; p != NULL && p->start < end; p = p->next) {
		bool says_new;

		if (p->end <= at)
			continue;
		if (p->start > at) {
			if (p->start < part)
				part = p->start;
			continue;
		}
		says_new = !how.first && use_new(how.policy, start, end, p);
		*out_new = *out_new && says_new;
		if (p->end < part)
			part = p->end;
	}
	return part;
}

/* The first piece that may reach behind an offset. */
static struct stream_piece *first_behind(const struct stream_bytes *b, uint64_t at)
{
	enum { SEGMENT_MAX = 65535 };
	struct stream_piece *p = b->newest, *found = NULL;

	if (b->oldest == NULL || b->oldest->start >= at)
		return b->oldest;
	for (; p != NULL && p->start + SEGMENT_MAX >= at; p = p->prev)
		found = p;
	return found != NULL ? found : b->oldest;
}

static bool write(struct stream_bytes *b, uint64_t at, struct slice bytes)
{
	uint64_t keep = b->released > STREAM_WINDOW ? b->released - STREAM_WINDOW : 0;

	return stream_store_write(&b->store, at, bytes, keep);
}

/* The common case: nothing of it was there before. */
static bool append(struct stream_bytes *b, uint64_t at, struct slice segment)
{
	struct stream_piece *fresh = NULL;

	b->far_holes += at - b->right >= FAR;
	if (b->pieces < PIECES_MAX)
		fresh = piece_new(b);
	if (fresh == NULL && (b->newest == NULL || b->newest->end != at))
		return false;
	if (!write(b, at, segment)) {
		if (fresh != NULL) {
			fresh->next = b->spare;
			b->spare = fresh;
		}
		return false;
	}
	if (fresh != NULL)
		piece_add(b, fresh, b->newest, at, at + segment.len);
	else
		b->newest->end = at + segment.len;
	b->right = at + segment.len;
	return true;
}

/* Notes that [at, end) came as a segment; it lies before `right`. */
static bool piece_of(struct stream_bytes *b, uint64_t at, uint64_t end)
{
	struct stream_piece *before = NULL, *next = b->oldest, *fresh;

	if (next != NULL && next->start <= at) {
		for (before = b->newest; before->start > at; before = before->prev)
			;
		next = before->next;
	}
	if (before != NULL && before->start == at && before->end >= end)
		return true; /* says nothing that it did not */
	fresh = b->pieces < PIECES_MAX ? piece_new(b) : NULL;
	if (fresh != NULL)
		piece_add(b, fresh, before, at, end);
	else if (before != NULL && before->end >= at)
		before->end = before->end > end ? before->end : end;
	else if (next != NULL && next->start <= end)
		next->start = at;
	else
		return false; /* the bytes are there, but nobody knows: a hole to all */
	return true;
}

/* Are these bytes, all before `released`, those that were released? What is no longer there is. */
bool stream_bytes_same(const struct stream_bytes *b, uint64_t at, struct slice bytes)
{
	return same(b, at, bytes);
}

/* [at, at + segment.len) lies behind `released` and before `depth`. */
static bool insert(struct stream_bytes *b, uint64_t at, struct slice segment,
		   struct stream_overlap how)
{
	uint64_t end = at + segment.len;
	struct stream_piece *first;

	if (at >= b->right)
		return append(b, at, segment);
	first = first_behind(b, at);
	for (uint64_t from = at, to; from < end; from = to) {
		bool fresh_bytes;

		to = part_of(b, first, how, at, end, from, &fresh_bytes);
		if (fresh_bytes &&
		    !write(b, from, slice_part(segment, (size_t)(from - at), (size_t)(to - from))))
			return false;
	}
	if (end > b->right)
		b->right = end;
	return piece_of(b, at, end);
}

enum stream_verdict stream_bytes_add(struct stream_bytes *b, uint64_t at, struct slice segment,
				     struct stream_overlap how, bool *differs)
{
	uint64_t end = at + segment.len;

	*differs = at < b->right && (how.compare || end <= b->released) && !same(b, at, segment);
	if (end <= b->released)
		return *differs ? STREAM_NOT_TAKEN : STREAM_TAKEN;
	if (at < b->released) {
		segment = slice_from(segment, (size_t)(b->released - at));
		at = b->released;
	}
	if (end > b->depth) {
		b->depth_reached = true;
		if (at >= b->depth)
			return STREAM_NOT_TAKEN;
		segment = slice_part(segment, 0, (size_t)(b->depth - at));
	}
	if (!insert(b, at, segment, how))
		return STREAM_NO_MEMORY;
	return STREAM_TAKEN;
}

/* Pieces that were released, or lie in a gap that was. */
static void pieces_drop(struct stream_bytes *b)
{
	while (b->oldest != NULL && b->oldest->end <= b->released)
		piece_free(b, b->oldest);
}

bool stream_bytes_release(struct stream_bytes *b, uint64_t end, uint64_t acked, struct flow *f,
			  enum flow_dir dir, const struct stream_sink *sink)
{
	bool gap = false;

	if (end > b->depth)
		end = b->depth;
	while (b->released < end) {
		struct slice bytes = stream_store_read(&b->store, b->released, end);
		uint64_t at = b->released, next;

		if (bytes.len > 0) {
			b->released += bytes.len;
			sink->data(sink->ctx, f, dir, at, bytes);
			continue;
		}
		next = stream_store_after_hole(&b->store, at);
		if (next == STREAM_NEVER || acked <= at)
			break;
		if (next > acked)
			next = acked;
		gap = true;
		/* before the step over it: stream_window() still ends in front of the hole */
		sink->gap(sink->ctx, f, dir, at, next - at);
		b->released = next;
	}
	stream_store_forget(&b->store, b->released, STREAM_WINDOW);
	pieces_drop(b);
	return gap;
}

void stream_bytes_flush(struct stream_bytes *b, struct flow *f, enum flow_dir dir,
			const struct stream_sink *sink)
{
	(void)stream_bytes_release(b, b->right, b->right, f, dir,
				   sink); /* who would hear of a gap? */
}

void stream_bytes_done(struct stream_bytes *b)
{
	stream_store_done(&b->store);
	b->oldest = b->newest = b->spare = NULL; /* in the flow's arena */
	b->pieces = 0;
}
