/* SPDX-License-Identifier: Apache-2.0
 * A small language of segments: each is six bytes and says direction, flags, a distance from the
 * sender's next number, a distance of the acknowledgement, and a length. Offsets the sink sees only
 * grow, without overlap, and nothing comes behind eof; all memory comes back. */
#include "base/cursor.h"
#include "sensor/decode/decode.h"
#include "sensor/stream/stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	uint64_t next[2];
	bool eof[2];
	uint8_t touched;
};

static void on_data(void *ctx, struct flow *f, enum flow_dir dir, uint64_t offset,
		    struct slice bytes)
{
	struct seen *s = ctx;

	ASSERT(!s->eof[dir] && offset == s->next[dir] && bytes.len > 0);
	for (size_t i = 0; i < bytes.len; i++)
		s->touched ^= bytes.ptr[i];
	s->next[dir] += bytes.len;
}

static void on_gap(void *ctx, struct flow *f, enum flow_dir dir, uint64_t offset, uint64_t missing)
{
	struct seen *s = ctx;

	ASSERT(!s->eof[dir] && offset == s->next[dir] && missing > 0);
	s->next[dir] += missing;
}

static void on_eof(void *ctx, struct flow *f, enum flow_dir dir)
{
	struct seen *s = ctx;

	ASSERT(!s->eof[dir]);
	s->eof[dir] = true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t payload[2048] = {1, 2, 3};
	struct cursor c = cursor_of((struct slice){data, size});
	struct arena_pool pool = {.budget = 1 << 20};
	struct flow f = {.proto = IP_PROTO_TCP, .arena = {.pool = &pool}};
	struct seen seen = {{0}, {0}, 0};
	struct stream_sink sink = {&seen, on_data, on_gap, on_eof};
	uint8_t how = cursor_u8(&c);
	struct stream_config config = {.pool = &pool,
				       .depth = (how & 1) != 0 ? 5000 : 0,
				       .held_max = (how & 2) != 0 ? 12000 : 0,
				       .midstream = (how & 4) != 0,
				       .async = (how & 8) != 0};
	uint32_t next[2] = {0xfffffff0, 1000};
	struct stream_result result;
	struct packet p = {.ip_version = 4, .proto = IP_PROTO_TCP};

	while (cursor_left(&c) >= 6) {
		uint8_t b = cursor_u8(&c);
		enum flow_dir dir = (b & 1) != 0 ? FLOW_TO_CLIENT : FLOW_TO_SERVER;
		int16_t ahead = (int8_t)cursor_u8(&c);
		int16_t ack = (int8_t)cursor_u8(&c);
		size_t len = cursor_u8(&c) * 4u;
		size_t from = cursor_u8(&c);
		uint64_t at;
		struct slice w;

		p.tcp = (struct packet_tcp){.flags = cursor_u8(&c), .window = 0xffff};
		p.tcp.seq = next[dir] + (uint32_t)(ahead * ((b & 2) != 0 ? 64 : 1));
		p.tcp.ack = next[!dir] + (uint32_t)(ack * ((b & 4) != 0 ? 64 : 1));
		p.payload = slice_part((struct slice){payload, sizeof payload}, from, len);
		stream_packet(&config, &f, &p, dir, &sink, &result);
		if (b & 8)
			next[dir] = p.tcp.seq + (uint32_t)p.payload.len +
				    ((p.tcp.flags & (TCP_SYN | TCP_FIN)) != 0);
		for (int d = 0; d < 2; d++) {
			w = stream_window(&f, d ? FLOW_TO_CLIENT : FLOW_TO_SERVER, &at);
			ASSERT(at + w.len == seen.next[d] || w.len == 0);
			for (size_t i = 0; i < w.len; i++)
				seen.touched ^= w.ptr[i];
		}
		p.at.ns += TIME_NS_PER_S;
	}
	for (int d = 0; d < 4; d++)
		stream_flush(&f, (d & 1) != 0 ? FLOW_TO_CLIENT : FLOW_TO_SERVER, &sink);
	stream_end(&f);
	stream_end(&f);
	arena_reset(&f.arena);
	ASSERT(pool.out == 0);
	arena_pool_drain(&pool);
	return 0;
}
