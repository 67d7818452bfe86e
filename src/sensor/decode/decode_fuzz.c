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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint16_t links[] = {1, 101, 113, 276, 0, 108, 9, 104, 228, 229, 12, 147};
	struct cursor c = cursor_of((struct slice){data, size});
	struct arena_pool pool = {.budget = 1 << 20};
	struct arena process = {.pool = &pool};
	uint32_t link = links[cursor_u8(&c) % (sizeof links / sizeof links[0])];
	struct defrag *d = defrag_new(&process, &pool);
	size_t start = pool.out;
	struct packet p = {0};

	ASSERT(d != NULL);
	while (cursor_left(&c) > 0) {
		size_t n = cursor_be16(&c);
		struct slice frame = cursor_take(&c, n < cursor_left(&c) ? n : cursor_left(&c));

		p.at.ns += TIME_NS_PER_S;
		p.wire_bytes = (uint32_t)frame.len;
		decode_frame(d, link, frame, &p);
		ASSERT(p.rebuilt || (within(p.payload, frame) && within(p.ip_header, frame) &&
				     within(p.l4_header, frame)));
		ASSERT(p.vlans <= PACKET_VLANS_MAX && !(p.fragment && p.l4_header.len > 0));
		touch(p.payload);
		touch(p.ip_header);
		touch(p.l4_header);
	}
	defrag_free(d);
	ASSERT(pool.out == start);
	arena_reset(&process);
	arena_pool_drain(&pool);
	return 0;
}
