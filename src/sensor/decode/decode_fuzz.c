/* SPDX-License-Identifier: Apache-2.0
 * A link type, then frames with a length of two bytes each: every slice of a packet lies in its
 * frame or in what was rebuilt, and the fragments' memory comes back. */
#include "base/cursor.h"
#include "sensor/decode/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t touched; /* so that the reads are not optimised away */

static void touch(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		touched ^= s.ptr[i];
}

static bool within(struct slice s, struct slice frame)
{
	return s.len == 0 || (s.ptr >= frame.ptr && s.ptr + s.len <= frame.ptr + frame.len);
}

static void look(const struct decode_packets *packets, struct slice frame)
{
	ASSERT(packets->count >= 1 && packets->count <= DECODE_PACKETS_MAX);
	for (size_t i = 0; i < packets->count; i++) {
		const struct packet *p = packets->list[i];
		bool captured = i + 1 == packets->count;

		ASSERT((p->root == NULL) == captured && (!captured || p->depth == 0));
		ASSERT(!captured || slice_equal(p->frame, frame));
		ASSERT(within(p->payload, p->frame) && within(p->ip_header, p->frame) &&
		       within(p->l4_header, p->frame) && within(p->l4, p->frame) &&
		       within(p->ether, p->frame) && within(p->arp, p->frame));
		ASSERT(p->vlans <= PACKET_VLANS_MAX && !(p->fragment && p->l4_header.len > 0));
		touch(p->frame);
		touch(p->payload);
		touch(p->ip_header);
		touch(p->l4);
		(void)packet_checksum_ip(p);
		(void)packet_checksum_l4(p);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint16_t links[] = {1, 101, 113, 276, 0, 108, 9, 104, 228, 229, 12, 147};
	struct cursor c = cursor_of((struct slice){data, size});
	struct arena_pool pool = {.budget = 1 << 20};
	struct arena process = {.pool = &pool};
	uint32_t link = links[cursor_u8(&c) % (sizeof links / sizeof links[0])];
	struct decode_worker *w = decode_worker_new(NULL, &process, &pool);
	size_t start = pool.out;
	struct decode_input in = {.linktype = link};

	ASSERT(w != NULL);
	while (cursor_left(&c) > 0) {
		size_t n = cursor_be16(&c);
		struct slice frame = cursor_take(&c, n < cursor_left(&c) ? n : cursor_left(&c));

		in.at.ns += TIME_NS_PER_S;
		in.wire_bytes = (uint32_t)frame.len;
		in.bytes = frame;
		look(decode_frame(w, &in), frame);
	}
	decode_worker_free(w);
	ASSERT(pool.out == start);
	arena_reset(&process);
	arena_pool_drain(&pool);
	return 0;
}
