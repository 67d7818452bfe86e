/* SPDX-License-Identifier: Apache-2.0
 *
 * Frames: named pieces of a direction's bytes.
 *
 * 1. frames.bytes are the bytes base..end of the direction without a hole; end is never behind what
 *    the parser was given.
 * 2. Bytes from f->consumed on are never thrown away while frames are kept: the parser will be
 * given them again, and may then say that a frame starts there.
 * 3. A frame is dropped when rules and the log, as far as they want frames, are through with it.
 */
#include "sensor/app/app_priv.h"

static struct slice kept(const struct app_frames *s)
{
	return slice_from(buf_slice(&s->bytes), s->gone);
}

static uint64_t end_of(const struct app_frames *s)
{
	return s->base + kept(s).len;
}

/* Offset behind the frame as far as it is known. */
static uint64_t frame_end(const struct app_frames *s, const struct app_frame *f)
{
	return f->len >= 0 ? f->start + (uint64_t)f->len : end_of(s);
}

static struct app_frames *frames_of(struct app_flow *f, enum app_dir dir)
{
	struct app_frames *s = f->frames[dir];

	if (s != NULL || f->setup->frames == 0 || f->protocol->frames == NULL)
		return s;
	s = ARENA_NEW(f->arena, struct app_frames);
	if (s == NULL)
		return NULL;
	s->arena.pool = f->pool;
	s->bytes = buf_in(&s->arena);
	s->base = f->consumed[dir];
	f->frames[dir] = s;
	return s;
}

static struct app_frame *frame_add(struct app_flow *f, struct app_frames *s, uint8_t type,
				   uint64_t start, int64_t len)
{
	struct app_frame *frame;

	if (s->count == APP_FRAMES_MAX)
		return NULL;
	frame = &s->items[s->count++];
	*frame = (struct app_frame){
		.id = ++f->next_frame_id, .type = type, .start = start, .len = len, .seen = start};
	return frame;
}

static struct app_frame *frame_find(struct app_flow *f, enum app_dir dir, uint64_t id)
{
	struct app_frames *s = f->frames[dir];

	for (uint32_t i = 0; s != NULL && i < s->count; i++)
		if (s->items[i].id == id)
			return &s->items[i];
	return NULL;
}

uint64_t app_frame_open(struct app_flow *f, enum app_dir dir, uint8_t type, size_t at, int64_t len,
			const struct app_tx *tx)
{
	struct app_frames *s = frames_of(f, dir);
	struct app_frame *frame = s == NULL || f->joined[dir]
					  ? NULL
					  : frame_add(f, s, type, f->consumed[dir] + at, len);

	if (frame == NULL)
		return 0;
	if (tx != NULL) {
		frame->has_tx = true;
		frame->tx_id = tx->id;
	}
	return frame->id;
}

void app_frame_close(struct app_flow *f, enum app_dir dir, uint64_t id, size_t at)
{
	struct app_frame *frame = frame_find(f, dir, id);

	if (frame == NULL || frame->len >= 0)
		return;
	frame->len = f->consumed[dir] + at < frame->start
			     ? 0
			     : (int64_t)(f->consumed[dir] + at - frame->start);
}

struct slice app_frame_bytes(const struct app_flow *f, enum app_dir dir,
			     const struct app_frame *frame, uint64_t from)
{
	const struct app_frames *s = f->frames[dir];
	uint64_t to = frame_end(s, frame);

	if (from < frame->start)
		from = frame->start;
	if (from < s->base)
		from = s->base;
	if (to > end_of(s))
		to = end_of(s);
	if (to <= from)
		return (struct slice){NULL, 0};
	return slice_part(kept(s), (size_t)(from - s->base), (size_t)(to - from));
}

uint64_t app_frames_end(const struct app_flow *f, enum app_dir dir)
{
	return end_of(f->frames[dir]);
}

bool app_frame_is_whole(const struct app_flow *f, enum app_dir dir, const struct app_frame *frame)
{
	const struct app_frames *s = f->frames[dir];

	return frame->ended || f->eof[dir] || (frame->len >= 0 && frame_end(s, frame) <= end_of(s));
}

bool app_frame_is_long(const struct app_frame *frame)
{
	return frame->len < 0 || frame->len > APP_FRAME_BYTES_MAX / 2;
}

const char *app_frame_name(const struct app_protocol *p, const struct app_frame *frame)
{
	return frame->type == APP_FRAME_STREAM ? "stream" : p->frames[frame->type];
}

/* Throws away the first bytes, up to offset `keep`. Those behind move when they are fewer: a byte
 * moves once on average, however small the pieces are in which bytes come. */
static void bytes_drop(struct app_frames *s, uint64_t keep)
{
	size_t n = kept(s).len;

	if (keep <= s->base)
		return;
	if (keep - s->base < n)
		n = (size_t)(keep - s->base);
	s->base += n;
	s->gone += n;
	if (s->gone == s->bytes.len) {
		arena_reset(&s->arena);
		s->bytes = buf_in(&s->arena);
		s->gone = 0;
	} else if (s->gone > s->bytes.len / 2) {
		s->bytes.len -= s->gone;
		memmove(s->bytes.ptr, s->bytes.ptr + s->gone, s->bytes.len);
		s->gone = 0;
	}
}

void app_frames_take(struct app_flow *f, enum app_dir dir, struct slice in)
{
	struct app_frames *s = f->frames[dir];
	bool first = s == NULL;

	s = frames_of(f, dir);
	if (s == NULL)
		return;
	if (first && f->transport == APP_TCP)
		(void)frame_add(f, s, APP_FRAME_STREAM, s->base, -1); /* the first: there is room */
	if (end_of(s) < f->consumed[dir])
		app_frames_cut(f, dir);
	in = slice_from(in, (size_t)(end_of(s) - f->consumed[dir]));
	if (in.len + kept(s).len > APP_FRAME_BYTES_MAX)
		bytes_drop(s, end_of(s) + in.len - APP_FRAME_BYTES_MAX);
	if (kept(s).len == 0 && in.len > APP_FRAME_BYTES_MAX) {
		s->base += in.len - APP_FRAME_BYTES_MAX;
		in = slice_from(in, in.len - APP_FRAME_BYTES_MAX);
	}
	buf_add(&s->bytes, in);
	if (s->bytes.full) { /* no memory: frames go on without these bytes */
		uint64_t end = end_of(s) + in.len;

		bytes_drop(s, UINT64_MAX);
		s->base = end;
		s->bytes.full = false;
	}
}

void app_frames_cut(struct app_flow *f, enum app_dir dir)
{
	struct app_frames *s = f->frames[dir];

	if (s == NULL)
		return;
	bytes_drop(s, UINT64_MAX);
	s->base = f->consumed[dir];
}

static bool is_done(const struct app_flow *f, enum app_dir dir, const struct app_frame *frame)
{
	const struct app_frames *s = f->frames[dir];
	uint64_t end = frame_end(s, frame);

	if (end > end_of(s))
		end = end_of(s);
	return app_frame_is_whole(f, dir, frame) &&
	       ((f->setup->frames & APP_FRAMES_FOR_RULES) == 0 || frame->seen >= end) &&
	       ((f->setup->frames & APP_FRAMES_FOR_LOG) == 0 || frame->logged);
}

void app_frames_sweep(struct app_flow *f, enum app_dir dir)
{
	struct app_frames *s = f->frames[dir];
	uint64_t keep = f->consumed[dir];
	uint32_t kept = 0;

	if (s == NULL)
		return;
	for (uint32_t i = 0; i < s->count; i++) {
		const struct app_frame *frame = &s->items[i];
		uint64_t from = app_frame_is_long(frame) ? frame->seen : frame->start;

		if (is_done(f, dir, frame))
			continue;
		if (from < keep)
			keep = from;
		s->items[kept++] = *frame;
	}
	s->count = kept;
	bytes_drop(s, keep);
}

void app_frames_free(struct app_flow *f)
{
	for (enum app_dir d = APP_TO_SERVER; d <= APP_TO_CLIENT; d++)
		if (f->frames[d] != NULL) {
			arena_reset(&f->frames[d]->arena);
			f->frames[d] = NULL;
		}
}
