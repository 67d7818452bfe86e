/* SPDX-License-Identifier: Apache-2.0
 * frame: named pieces of the bytes of an application protocol. Suricata 8.0.6
 * rules/frame-keywords: "frame:smtp.command_line", or without the protocol if the rule's header
 * names it. */
#include <inttypes.h>

#include "sensor/detect/detect_priv.h"

static int type_of(const struct app_protocol *p, struct slice name)
{
	if (p->frames == NULL)
		return -1;
	for (int i = 0; p->frames[i] != NULL; i++)
		if (slice_equal(name, slice_of(p->frames[i])))
			return i;
	return slice_equal(name, SLICE("stream")) && (p->transports & APP_TCP) != 0
		       ? APP_FRAME_STREAM
		       : -1;
}

/* Which of these protocols have such a frame. */
static bool types_find(struct detect_buffer *b, uint64_t apps, struct slice name)
{
	bool any = false;

	for (unsigned i = 0; app_protocols[i] != NULL && i < DETECT_PROTOCOLS_MAX; i++) {
		int type = (apps >> i & 1) != 0 ? type_of(app_protocols[i], name) : -1;

		if (type < 0)
			continue;
		b->frame[i] = (uint16_t)(type + 1);
		any = true;
	}
	return any;
}

bool detect_frames_named(struct detect_buffer *b, uint64_t apps, struct slice name)
{
	struct slice rest = name, proto = slice_split(&rest, '.');

	return types_find(b, apps, name) ||
	       (rest.len != 0 && types_find(b, detect_apps_named(proto), rest));
}

static enum status compile_frame(struct detect_compiler *c, const struct detect_keyword *kw,
				 struct slice value, struct fail *why)
{
	struct buf name = buf_in(c->arena);

	if (value.len == 0)
		return fail_set(why, ST_INVALID, "frame wants a name");
	buf_add_fmt(&name, "frame:%" PRIx64 ":", c->out->app_only ? c->out->apps : 0);
	buf_add(&name, value);
	if (name.full)
		return fail_set(why, ST_NOMEM, "no memory for a frame's name");
	return detect_stick(c, buf_slice(&name), why);
}

KEYWORD(frame) = {
	{.name = "frame",
	 .kind = KIND_BUFFER,
	 .compile = compile_frame,
	 .doc = "a named piece of an application's bytes"},
	{0},
};
