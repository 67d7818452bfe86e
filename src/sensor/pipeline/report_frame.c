/* SPDX-License-Identifier: Apache-2.0
 * "frame" events, and the frames that alerts are about: named pieces of a protocol's bytes. */
#include "sensor/pipeline/report_priv.h"

#include <inttypes.h>

enum {
	FRAME_EVENT_BYTES = 4096,   /* of a stream's frame in an event */
	FRAME_DATAGRAM_BYTES = 256, /* of a datagram's */
};

/* ---- bytes of a stream ---- */

static void add_hole(struct buf *b, uint64_t bytes)
{
	buf_add_fmt(b, "[%" PRIu64 " bytes missing]", bytes);
}

struct slice report_stream_bytes(struct pipeline *p, const struct flow *f, enum flow_dir dir,
				 uint64_t from, uint64_t to, size_t most, uint64_t *out_at)
{
	struct buf b = buf_in(&p->scratch);
	uint64_t at = from;

	while (at < to && b.len < most && !b.full) {
		uint64_t begin = at;
		struct slice piece = stream_held(f, dir, at, &begin);

		if (piece.ptr == NULL || begin >= to)
			break;
		if (begin > at)
			add_hole(&b, begin - at);
		piece = slice_part(piece, 0,
				   to - begin < piece.len ? (size_t)(to - begin) : piece.len);
		piece = slice_part(piece, 0, b.len < most ? most - b.len : 0);
		buf_add(&b, piece);
		at = begin + piece.len;
	}
	*out_at = at;
	return b.full ? (struct slice){NULL, 0} : slice_part(buf_slice(&b), 0, most);
}

/* The frame's bytes: the stream's, which may have holes, or, where the stream has given them back,
 * what the application kept. */
static struct slice stream_frame(struct pipeline *p, const struct flow *f, enum flow_dir dir,
				 const struct app_frame *frame, size_t most, bool *out_whole)
{
	uint64_t end = frame->len >= 0 ? frame->start + (uint64_t)frame->len : UINT64_MAX, at;
	struct slice bytes = {NULL, 0};

	if (frame->start >= stream_held_from(f, dir))
		bytes = report_stream_bytes(p, f, dir, frame->start, end, most, &at);
	if (bytes.len == 0) {
		bytes = slice_part(app_frame_bytes(f->app, (enum app_dir)dir, frame, frame->start),
				   0, most);
		at = frame->start + bytes.len;
	}
	*out_whole = frame->len < 0 || at >= end;
	if (!*out_whole && bytes.len != 0 && bytes.len < most) { /* its end was lost */
		struct buf b = buf_in(&p->scratch);

		buf_add(&b, bytes);
		add_hole(&b, end - at);
		bytes = slice_part(buf_slice(&b), 0, most);
	}
	return bytes;
}

/* ---- the object ---- */

static void write_bytes(struct pipeline *p, struct json *j, const struct flow *f, enum flow_dir dir,
			const struct app_frame *frame, size_t most)
{
	struct slice bytes;
	bool whole;

	if (f->proto == IP_PROTO_TCP) {
		bytes = stream_frame(p, f, dir, frame, most, &whole);
	} else {
		bytes = app_frame_bytes(f->app, (enum app_dir)dir, frame, frame->start);
		whole = frame->len < 0 || bytes.len >= (uint64_t)frame->len;
		bytes = slice_part(bytes, 0, FRAME_DATAGRAM_BYTES);
	}
	if (bytes.len == 0)
		return;
	json_key(j, "complete");
	json_bool(j, whole);
	report_base64(p, j, "payload", bytes);
	json_key(j, "payload_printable");
	json_str(j, report_printable(p, bytes));
}

void report_add_frame(struct pipeline *p, const struct flow *f, enum flow_dir dir,
		      const struct app_frame *frame, size_t most)
{
	const struct app_frames *s = f->app->frames[dir];
	struct buf b = buf_in(&p->scratch);
	struct json j = json_in(&b);
	uint64_t end = s->base + s->bytes.len;

	json_object(&j);
	json_key(&j, "type");
	json_z(&j, app_frame_name(f->app->protocol, frame));
	json_key(&j, "id");
	json_u64(&j, frame->id);
	json_key(&j, "direction");
	json_z(&j, dir == FLOW_TO_SERVER ? "toserver" : "toclient");
	if (f->proto == IP_PROTO_TCP) {
		json_key(&j, "stream_offset");
		json_u64(&j, frame->start);
	}
	json_key(&j, "length");
	json_u64(&j, frame->len >= 0	  ? (uint64_t)frame->len
		     : end > frame->start ? end - frame->start
					  : 0);
	write_bytes(p, &j, f, dir, frame, most);
	if (frame->has_tx) {
		json_key(&j, "tx_id");
		json_u64(&j, frame->tx_id);
	}
	json_end(&j);
	report_add_json(p, "", "frame", &b);
}

struct app_tx *report_frame_tx(const struct flow *f, const struct app_frame *frame)
{
	if (f->app == NULL || !frame->has_tx)
		return NULL;
	for (struct app_tx *tx = f->app->first; tx != NULL && tx->id <= frame->tx_id; tx = tx->next)
		if (tx->id == frame->tx_id)
			return tx;
	return NULL;
}

/* ---- the event ---- */

static void say_frame(struct pipeline *p, struct flow *f, const struct app_frame *frame)
{
	REPORT_EACH(p, o, REPORT_FRAME)
	{
		struct record *r = report_of_flow(p, o, RECORD_OBJECT, f, p->packet_dir);

		r->type = SLICE("frame");
		r->app_proto = slice_of(f->app->protocol->name);
		report_add_frame(p, f, p->packet_dir, frame, FRAME_EVENT_BYTES);
		report_emit(p, o, r);
	}
}

/* A frame is said once: when it is whole, when much of it is there, or at its direction's end; one
 * whose length nobody knows, at once. */
void pipeline_report_frames(struct pipeline *p, struct flow *f)
{
	enum app_dir dir = (enum app_dir)p->packet_dir;
	struct app_frames *s = f->app->frames[dir];

	if ((p->app->frames & APP_FRAMES_FOR_LOG) == 0 || s == NULL)
		return;
	for (uint32_t i = 0; i < s->count; i++) {
		struct app_frame *frame = &s->items[i];
		uint64_t end = s->base + s->bytes.len;

		if (frame->logged ||
		    (p->in_packet && frame->len >= 0 && !app_frame_is_whole(f->app, dir, frame) &&
		     end < frame->start + APP_FRAME_CHUNK))
			continue;
		frame->logged = true;
		say_frame(p, f, frame);
	}
}
