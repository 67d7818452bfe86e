/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes by offset, with holes.
 *
 * 1. Runs are in order of offset; between two runs there is at least one missing byte.
 * 2. A run's bytes are contiguous in a block of their own, so what is read is one slice.
 * 3. held = the sum of the runs' rooms <= most. Nodes are reused, and come from the flow's arena.
 */
#include "sensor/stream/stream_priv.h"

enum {
	ROOM_BLOCK = 3968,	/* with headers, the largest block of a pool (base/arena.h) */
	ROOM_SHORT = 512,	/* up to here a run has no more room than its block */
	ROOM_AHEAD = 256 << 10, /* a run grows at most so much more than asked for */
	KEPT_RUNS = 8,		/* before holes that were passed over */
};

struct stream_run {
	struct stream_run *next;
	uint64_t start;
	uint8_t *data;	    /* a block of the pool; NULL: none yet */
	uint32_t len, room; /* bytes used, bytes of memory: at most `most` of the store */
};

static uint64_t end_of(const struct stream_run *r)
{
	return r->start + r->len;
}

static struct stream_run *run_new(struct stream_store *s, uint64_t start)
{
	struct stream_run *r = s->spare;

	if (r != NULL)
		s->spare = r->next;
	else
		r = ARENA_NEW(s->nodes, struct stream_run);
	if (r != NULL)
		*r = (struct stream_run){.start = start};
	return r;
}

static void run_free(struct stream_store *s, struct stream_run *r)
{
	s->held -= r->room;
	arena_block_give(s->pool, r->data);
	*r = (struct stream_run){.next = s->spare};
	s->spare = r;
}

/* Of what lies before an offset some is gone. */
static void thrown(struct stream_store *s, uint64_t before)
{
	if (before > s->base)
		s->base = before;
}

/* Bytes to ask for when a run with room for `had` needs so many. Most streams say little, so the
 * first just fit, and those of a short dialogue do (blocks have few sizes, so they move a few
 * times); then each time about twice as much. */
static size_t room_for(size_t had, size_t need)
{
	if (need > ROOM_BLOCK)
		return need + (need < ROOM_AHEAD ? need : ROOM_AHEAD);
	if (had == 0 || need <= ROOM_SHORT)
		return need;
	return need <= ROOM_BLOCK / 2 ? need * 2 : ROOM_BLOCK;
}

/* Room for bytes up to offset `end`; those before `keep` may go. The bytes move at most once for
 * every byte that comes. */
static bool run_room(struct stream_store *s, struct stream_run *r, uint64_t end, uint64_t keep)
{
	size_t need = (size_t)(end - r->start), drop = 0, want, room;
	uint8_t *data;

	if (need <= r->room)
		return true;
	if (keep > r->start)
		drop = keep - r->start < r->len ? (size_t)(keep - r->start) : r->len;
	need -= drop;
	if (need <= r->room && drop >= r->room / 2) {
		memmove(r->data, r->data + drop, r->len - drop);
		r->start += drop;
		r->len -= (uint32_t)drop; /* of which it was a part */
		thrown(s, r->start);
		return true;
	}
	if (need > s->most - (s->held - r->room))
		return false;
	want = room_for(r->room, need);
	if (want > s->most - (s->held - r->room))
		want = need; /* as tight as it gets */
	data = arena_block_take(s->pool, want, &room);
	if (data == NULL)
		return false;
	if (room > s->most - (s->held - r->room))
		room = want;
	if (r->len > drop)
		memcpy(data, r->data + drop, r->len - drop);
	arena_block_give(s->pool, r->data);
	s->held = s->held - r->room + (uint32_t)room; /* at most `most` */
	r->data = data;
	r->room = (uint32_t)room;
	r->start += drop;
	r->len -= (uint32_t)drop;
	if (drop != 0)
		thrown(s, r->start);
	return true;
}

/* The last run that begins at or before an offset; NULL if none does. */
static struct stream_run *run_at(const struct stream_store *s, uint64_t at)
{
	struct stream_run *found = NULL;

	for (struct stream_run *r = s->first; r != NULL && r->start <= at; r = r->next)
		found = r;
	return found;
}

bool stream_store_write(struct stream_store *s, uint64_t at, struct slice bytes, uint64_t keep)
{
	uint64_t end = at + bytes.len, whole = end;
	struct stream_run *before = run_at(s, at), *r = before, *n;
	bool fresh = before == NULL || end_of(before) < at;

	if (bytes.len == 0)
		return true;
	if (fresh) {
		r = run_new(s, at);
		if (r == NULL)
			return false;
		r->next = before ? before->next : s->first;
	}
	if (end_of(r) > whole)
		whole = end_of(r);
	for (n = r->next; n != NULL && n->start <= end; n = n->next)
		if (end_of(n) > whole)
			whole = end_of(n);
	if (!run_room(s, r, whole, keep < at ? keep : at)) {
		if (fresh)
			run_free(s, r);
		return false;
	}
	if (fresh)
		*(before ? &before->next : &s->first) = r;
	while ((n = r->next) != NULL && n->start <= end) { /* joins; the last one may reach on */
		if (end_of(n) > end)
			memcpy(r->data + (size_t)(end - r->start),
			       n->data + (size_t)(end - n->start), (size_t)(end_of(n) - end));
		r->next = n->next;
		run_free(s, n);
	}
	memcpy(r->data + (size_t)(at - r->start), bytes.ptr, bytes.len);
	r->len = (uint32_t)(whole - r->start); /* within its room */
	return true;
}

struct slice stream_store_read(const struct stream_store *s, uint64_t at, uint64_t end)
{
	const struct stream_run *r = run_at(s, at);

	if (r == NULL || end_of(r) <= at || end <= at)
		return (struct slice){NULL, 0};
	if (end > end_of(r))
		end = end_of(r);
	return (struct slice){r->data + (size_t)(at - r->start), (size_t)(end - at)};
}

struct slice stream_store_before(const struct stream_store *s, uint64_t end, uint64_t *out_at)
{
	const struct stream_run *r = end == 0 ? NULL : run_at(s, end - 1);

	*out_at = end;
	if (r == NULL || end_of(r) < end)
		return (struct slice){NULL, 0};
	*out_at = r->start;
	return (struct slice){r->data, (size_t)(end - r->start)};
}

struct slice stream_store_around(const struct stream_store *s, uint64_t at, uint64_t *out_at)
{
	const struct stream_run *r = run_at(s, at);

	*out_at = at;
	if (r == NULL || end_of(r) <= at)
		return (struct slice){NULL, 0};
	*out_at = r->start;
	return (struct slice){r->data, r->len};
}

uint64_t stream_store_after_hole(const struct stream_store *s, uint64_t at)
{
	for (const struct stream_run *r = s->first; r != NULL; r = r->next)
		if (r->start > at)
			return r->start;
	return STREAM_NEVER;
}

struct slice stream_store_next(const struct stream_store *s, uint64_t at, uint64_t *out_at)
{
	const struct stream_run *r = s->first;

	while (r != NULL && end_of(r) <= at)
		r = r->next;
	if (r == NULL)
		return (struct slice){NULL, 0};
	*out_at = r->start > at ? r->start : at;
	return (struct slice){r->data + (size_t)(*out_at - r->start),
			      (size_t)(end_of(r) - *out_at)};
}

void stream_store_forget(struct stream_store *s, uint64_t at, uint64_t window)
{
	size_t behind = 0;

	for (const struct stream_run *r = s->first; r != NULL && end_of(r) < at; r = r->next)
		behind++;
	while (behind > 0 && (behind > KEPT_RUNS || at - end_of(s->first) > window)) {
		struct stream_run *r = s->first;

		s->first = r->next;
		thrown(s, end_of(r));
		run_free(s, r);
		behind--;
	}
}

void stream_store_done(struct stream_store *s)
{
	while (s->first != NULL) {
		struct stream_run *r = s->first;

		s->first = r->next;
		run_free(s, r);
	}
}
