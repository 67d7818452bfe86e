/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules on frames.
 *
 * A frame is looked at once all its bytes are there; one without an end, or too long to be kept, in
 * chunks as they come. A rule looks at one frame: all its frame: buffers are of the same.
 */
#include "sensor/detect/detect_priv.h"

static bool rule_holds(const struct detect_rule *r, size_t protocol, struct slice bytes,
		       const struct detect_view *v)
{
	v->worker->captured_count = 0;
	if (!detect_header_holds(r, v))
		return false;
	v->worker->counters.evaluated++;
	for (uint32_t i = 0; i < r->list_count; i++) {
		const struct detect_list *l = &r->lists[i];
		struct slice s = bytes;

		if (l->buffer->frame[protocol] != v->frame->type + 1U)
			return false;
		s = detect_buffer_transform(l->buffer, s, v->worker);
		if (s.ptr == NULL || !detect_inspect_list(r, l, s, v))
			return false;
	}
	return true;
}

static void frame_ask(const struct detect_frame_rules *rules, size_t protocol, struct slice bytes,
		      const struct detect_view *v)
{
	for (uint32_t i = 0; i < rules->count; i++) {
		const struct detect_rule *r = &v->worker->rules->rules[rules->items[i]];

		v->worker->counters.candidates++;
		if (rule_holds(r, protocol, bytes, v))
			detect_fire(r, v);
	}
	arena_reset(&v->worker->scratch);
}

void detect_frames(struct detect_worker *w, const struct packet *p, struct flow *f,
		   enum flow_dir dir, bool last)
{
	size_t protocol = (size_t)detect_protocol_index(f->app->protocol);
	const struct detect_frame_rules *rules = &w->rules->prefilter->frame[protocol][dir];
	struct app_frames *s = f->app->frames[dir];
	struct detect_view v;

	if (s == NULL)
		return;
	detect_view_of(&v, w, p, f, dir);
	for (uint32_t i = 0; i < s->count; i++) {
		struct app_frame *frame = &s->items[i];
		bool whole = last || app_frame_is_whole(f->app, (enum app_dir)dir, frame);
		struct slice bytes = app_frame_bytes(f->app, (enum app_dir)dir, frame, frame->seen);

		if (!whole && (!app_frame_is_long(frame) || bytes.len < APP_FRAME_CHUNK))
			continue;
		v.frame = frame;
		if (bytes.len != 0)
			frame_ask(rules, protocol, bytes, &v);
		frame->seen = s->base + s->bytes.len;
	}
}

bool detect_rules_want_frames(const struct detect_rules *r)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->rules[i].look == LOOK_FRAME)
			return true;
	return false;
}
