/* SPDX-License-Identifier: Apache-2.0
 *
 * Inline: a packet whose bytes differ from what came first goes on with those. */
#include "sensor/pipeline/pipeline_priv.h"

/* RFC 1624 3: the checksum at `sum` is of bytes of which those at `before` are now as at `after`,
 * from an even place on. */
static void checksum_follow(uint8_t *sum, const uint8_t *before, const uint8_t *after, size_t n)
{
	uint32_t now = (uint32_t) ~(sum[0] << 8 | sum[1]) & 0xffff;

	for (size_t i = 0; i < n; i++) {
		unsigned shift = i % 2 == 0 ? 8 : 0;

		now += (~((uint32_t)before[i] << shift) & 0xffff) + ((uint32_t)after[i] << shift);
		now = (now & 0xffff) + (now >> 16);
	}
	now = (now & 0xffff) + (now >> 16);
	now = ~((now & 0xffff) + (now >> 16)) & 0xffff;
	sum[0] = (uint8_t)(now >> 8);
	sum[1] = (uint8_t)now;
}

static bool is_inside(struct slice s, struct slice frame)
{
	return s.len != 0 && s.ptr >= frame.ptr && s.ptr + s.len <= frame.ptr + frame.len;
}

void pipeline_rewrite(struct pipeline *p, const struct flow *f, enum flow_dir dir)
{
	struct packet *packet = &p->packet;
	struct slice frame = packet->frame, payload = packet->payload;
	struct slice *slices[] = {&packet->ether, &packet->ip_header, &packet->l4,
				  &packet->l4_header, &packet->payload};
	uint8_t *copy, *at;

	if (packet->l4_header.len < 20 || !is_inside(packet->l4_header, frame) ||
	    !is_inside(payload, frame))
		return;
	copy = ARENA_ARRAY(&p->rewritten, uint8_t, frame.len);
	if (copy == NULL) {
		p->counters.no_memory++;
		return;
	}
	memcpy(copy, frame.ptr, frame.len);
	at = copy + (payload.ptr - frame.ptr);
	stream_rewrite(f, dir, at);
	checksum_follow(copy + (packet->l4_header.ptr - frame.ptr) + 16, payload.ptr, at,
			payload.len);
	for (size_t i = 0; i < sizeof slices / sizeof slices[0]; i++)
		if (is_inside(*slices[i], frame))
			slices[i]->ptr = copy + (slices[i]->ptr - frame.ptr);
	packet->frame.ptr = copy;
}
