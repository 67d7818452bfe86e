/* SPDX-License-Identifier: Apache-2.0
 * A capture file as a source: its bytes are mapped, so a batch is a view of them. */
#include "sensor/capture/capture.h"
#include "sensor/source/source.h"

struct source_file {
	struct source source; /* first: ops get this */
	struct capture *capture;
	struct source_packet packets[SOURCE_BATCH];
};

static enum status take(struct source *s, int timeout_ms, struct source_batch *out,
			struct fail *why)
{
	struct source_file *f = (struct source_file *)s;
	struct capture_packet p;
	enum status st = ST_OK;

	out->packets = f->packets;
	out->border = true;
	while (out->count < SOURCE_BATCH) {
		st = capture_next(f->capture, &p, why);
		if (st != ST_OK)
			break;
		f->packets[out->count++] = (struct source_packet){.data = p.data,
								  .wire_bytes = p.wire_bytes,
								  .linktype = p.linktype,
								  .at = p.at,
								  .number = p.number};
	}
	return out->count != 0 ? ST_OK : st; /* the end is said again by the next take */
}

static void leave(struct source *s)
{
}

enum status source_file_open(struct capture *c, struct arena *a, struct source **out,
			     struct fail *why)
{
	static const struct source_ops ops = {.take = take, .close = leave};
	struct source_file *f = ARENA_NEW(a, struct source_file);

	if (f == NULL)
		return fail_set(why, ST_NOMEM, "no memory for a source");
	f->source.ops = &ops;
	f->capture = c;
	*out = &f->source;
	return ST_OK;
}
