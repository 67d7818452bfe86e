/* SPDX-License-Identifier: Apache-2.0
 *
 * The value and its bytes: docs/formats/fingerprint.md.
 */
#include "fingerprint/fingerprint.h"

#include "base/cursor.h"

enum {
	VERSION = 1,
	EXACT = 16, /* numbers below have a class each */
	PARTS_LOG2 = 3,
	SEGMENTS_LOG2 = 63 - FINGERPRINT_SEGMENT_LOG2, /* of all times that a wall_ns can hold */
};

struct wall_ns fingerprint_start(const struct fingerprint *f, const struct fingerprint_event *e)
{
	return (struct wall_ns){((int64_t)f->segment << FINGERPRINT_SEGMENT_LOG2) +
				((int64_t)e->bin << (FINGERPRINT_BIN_LOG2 + f->coarser))};
}

uint8_t fingerprint_class(uint32_t v)
{
	unsigned e;

	if (v < EXACT)
		return (uint8_t)v;
	e = 31 - (unsigned)__builtin_clz(v); /* 4 to 31 */
	return (uint8_t)(EXACT + (e - 4) * (1u << PARTS_LOG2) + (v >> (e - PARTS_LOG2) & 7));
}

uint32_t fingerprint_class_value(uint8_t c)
{
	unsigned shift; /* of one part */

	ASSERT(c < FINGERPRINT_CLASSES);
	if (c < EXACT)
		return c;
	shift = ((unsigned)c - EXACT) / (1u << PARTS_LOG2) + 1;
	return (8u + (c & 7u)) << shift | 1u << (shift - 1);
}

size_t fingerprint_encode(const struct fingerprint *f, uint8_t out[FINGERPRINT_BYTES_MAX])
{
	size_t n = 0;
	uint32_t before = 0;

	ASSERT(f->count >= 1 && f->count <= FINGERPRINT_EVENTS_MAX);
	out[n++] = VERSION;
	out[n++] = f->proto;
	out[n++] = f->coarser;
	for (int shift = 24; shift >= 0; shift -= 8)
		out[n++] = (uint8_t)(f->segment >> shift);
	out[n++] = (uint8_t)f->count;
	for (size_t i = 0; i < f->count; i++) {
		const struct fingerprint_event *e = &f->events[i];
		uint32_t gap = (e->bin - before) << 1 | e->dir;

		if (gap >= 0x80)
			out[n++] = (uint8_t)(0x80 | gap >> 7); /* gap < 2^12 */
		out[n++] = gap & 0x7f;
		out[n++] = (uint8_t)(e->bins - 1);
		out[n++] = fingerprint_class(e->pkts);
		out[n++] = fingerprint_class(e->bytes);
		before = e->bin;
	}
	return n;
}

/* One event; NULL, or what is wrong with it. `last` are the newest events of each direction. */
static const char *parse_event(struct cursor *c, const struct fingerprint *f, uint32_t *bin,
			       const struct fingerprint_event *last[2], struct fingerprint_event *e)
{
	uint32_t gap = cursor_u8(c), high = 0;
	const struct fingerprint_event *before;
	uint8_t bins, pkts, bytes;

	if (gap >= 0x80) {
		high = gap & 0x7f;
		gap = cursor_u8(c);
		if (gap >= 0x80 || high == 0)
			return "a distance is not in its shortest form";
	}
	gap |= high << 7;
	before = last[gap & 1];
	bins = cursor_u8(c);
	pkts = cursor_u8(c);
	bytes = cursor_u8(c);
	if (!cursor_ok(c))
		return "it ends within an event";
	*bin += gap >> 1;
	if (bins >= FINGERPRINT_RUN_MAX || *bin + bins >= fingerprint_bins(f->coarser))
		return "an event is too long, or ends behind its segment";
	if (pkts == 0 || bytes == 0 || pkts >= FINGERPRINT_CLASSES || bytes >= FINGERPRINT_CLASSES)
		return "an event has a number that is none";
	*e = (struct fingerprint_event){fingerprint_class_value(pkts),
					fingerprint_class_value(bytes), (uint16_t)*bin,
					(uint8_t)(bins + 1), gap & 1};
	if (before != NULL &&
	    (e->bin < before->bin + FINGERPRINT_JOIN || e->bin < before->bin + before->bins - 1))
		return "two events of one direction should be one";
	if (last[1] != NULL && e->dir == 0 && e->bin == last[1]->bin)
		return "two events of one bin are not in order";
	return NULL;
}

enum status fingerprint_parse(struct slice bytes, struct fingerprint *out,
			      struct fingerprint_event room[FINGERPRINT_EVENTS_MAX],
			      struct fail *why)
{
	const struct fingerprint_event *last[2] = {NULL, NULL};
	struct cursor c = cursor_of(bytes);
	uint8_t version = cursor_u8(&c);
	struct fingerprint f = {.events = room};
	uint32_t bin = 0;

	f.proto = cursor_u8(&c);
	f.coarser = cursor_u8(&c);
	f.segment = cursor_be32(&c);
	f.count = cursor_u8(&c);
	if (!cursor_ok(&c))
		return fail_set(why, ST_INVALID, "a fingerprint has at least 12 bytes, not %zu",
				bytes.len);
	if (version != VERSION)
		return fail_set(why, ST_INVALID, "fingerprint of version %u, known is %d", version,
				VERSION);
	if (f.coarser > FINGERPRINT_COARSER_MAX)
		return fail_set(why, ST_INVALID, "fingerprint: bins of 2^%d ns at most, not 2^%d",
				FINGERPRINT_BIN_LOG2 + FINGERPRINT_COARSER_MAX,
				FINGERPRINT_BIN_LOG2 + f.coarser);
	if (f.segment >> SEGMENTS_LOG2 != 0)
		return fail_set(why, ST_INVALID, "fingerprint: segment %u is past the year 2261",
				f.segment);
	if (f.count == 0 || f.count > FINGERPRINT_EVENTS_MAX)
		return fail_set(why, ST_INVALID, "fingerprint: 1 to %d events, not %u",
				FINGERPRINT_EVENTS_MAX, f.count);
	for (uint16_t i = 0; i < f.count; i++) {
		const char *wrong = parse_event(&c, &f, &bin, last, &room[i]);

		if (wrong != NULL)
			return fail_set(why, ST_INVALID,
					"fingerprint, event %u before byte %zu: %s", i + 1u,
					bytes.len - cursor_left(&c), wrong);
		last[room[i].dir] = &room[i];
	}
	if (cursor_left(&c) != 0)
		return fail_set(why, ST_INVALID, "fingerprint: %zu bytes behind its last event",
				cursor_left(&c));
	*out = f;
	return ST_OK;
}
