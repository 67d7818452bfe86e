/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules on frames.
 *
 * A frame is looked at once all its bytes are there; one without an end, or too long to be kept, in
 * chunks as they come. A rule looks at one frame: all its frame: buffers are of the same. What lies
 * before a hole is looked at by itself, before it is forgotten, by all that does not ask where the
 * frame ends. What holds there fires with the next look, once, whatever lies behind.
 */
#include "sensor/detect/detect_priv.h"

struct look {
	const struct detect_frame_rules *rules;
	size_t protocol;
	struct app_frame *frame;
	struct slice bytes;
	bool hole; /* behind the bytes */
};

static bool wants_the_end(const struct detect_list *l)
{
	for (uint32_t i = 0; i < l->count; i++) {
		const struct detect_step *s = &l->steps[i];

		if (s->kw->limits_size || (s->kw == detect_content_keyword &&
					   ((const struct detect_content *)s->operand)->ends))
			return true;
	}
	return false;
}

static bool rule_holds(const struct look *k, const struct detect_rule *r,
		       const struct detect_view *v)
{
	v->worker->captured_count = 0;
	if (!detect_header_holds(r, v))
		return false;
	v->worker->counters.evaluated++;
	for (uint32_t i = 0; i < r->list_count; i++) {
		const struct detect_list *l = &r->lists[i];
		struct slice s;

		if (l->buffer->frame[k->protocol] != k->frame->type + 1U ||
		    (k->hole && wants_the_end(l)))
			return false;
		s = detect_buffer_transform(l->buffer, k->bytes, v->worker);
		if (s.ptr == NULL || !detect_inspect_list(r, l, s, v))
			return false;
	}
	return true;
}

static void frame_ask(const struct look *k, const struct detect_view *v)
{
	uint64_t held = k->frame->held;

	for (uint32_t i = 0; i < k->rules->count; i++) {
		const struct detect_rule *r = &v->worker->rules->rules[k->rules->items[i]];
		uint64_t bit = i < 64 ? UINT64_C(1) << i : 0;

		v->worker->counters.candidates++;
		if ((held & bit) == 0 && !rule_holds(k, r, v))
			continue;
		if (k->hole && bit != 0)
			held |= bit;
		else
			detect_fire(r, v);
	}
	k->frame->held = k->hole ? held : 0;
	arena_reset(&v->worker->scratch);
}

static void frames_look(struct detect_worker *w, const struct packet *p, struct flow *f,
			enum flow_dir dir, bool last, bool hole)
{
	size_t protocol = (size_t)detect_protocol_index(f->app->protocol);
	struct look k = {&w->rules->prefilter->frame[protocol][dir], protocol, .hole = hole};
	struct app_frames *s = f->app->frames[dir];
	struct detect_view v;

	if (s == NULL)
		return;
	detect_view_of(&v, w, p, f, dir);
	for (uint32_t i = 0; i < s->count; i++) {
		struct app_frame *frame = &s->items[i];
		bool whole = last || app_frame_is_whole(f->app, (enum app_dir)dir, frame);

		k.bytes = app_frame_bytes(f->app, (enum app_dir)dir, frame, frame->seen);
		if (!whole && !hole && (!app_frame_is_long(frame) || k.bytes.len < APP_FRAME_CHUNK))
			continue;
		v.frame = k.frame = frame;
		k.hole = hole && !whole;
		if (k.bytes.len != 0 || frame->held != 0)
			frame_ask(&k, &v);
		frame->seen = app_frames_end(f->app, (enum app_dir)dir);
	}
}

void detect_frames(struct detect_worker *w, const struct packet *p, struct flow *f,
		   enum flow_dir dir, bool last)
{
	frames_look(w, p, f, dir, last, false);
}

void detect_hole(struct detect_worker *w, const struct packet *p, struct flow *f, enum flow_dir dir)
{
	if (f->app != NULL && f->app->protocol != NULL &&
	    detect_protocol_index(f->app->protocol) >= 0)
		frames_look(w, p, f, dir, false, true);
}

bool detect_rules_want_frames(const struct detect_rules *r)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->rules[i].look == LOOK_FRAME)
			return true;
	return false;
}
