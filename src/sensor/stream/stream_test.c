/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/stream/stream.h"

#include "sensor/decode/decode.h"
#include "test.h"

enum { BYTES = 40000 };

/* A client and a server, and a sink that writes down what it is given. */
struct rig {
	struct arena_pool pool;
	struct stream_limits limits;
	struct stream_sink sink;
	struct flow f;
	uint32_t isn[2];
	uint64_t at[2], missing[2], releases;
	unsigned eofs[2];
	uint64_t anomalies;
	bool wrong; /* an offset was not the next, or something came behind eof */
	uint8_t got[2][BYTES];
};

static void on_data(void *ctx, struct flow *f, enum flow_dir dir, uint64_t offset,
		    struct slice bytes)
{
	struct rig *r = ctx;

	r->wrong = r->wrong || offset != r->at[dir] || r->eofs[dir] != 0 || bytes.len == 0;
	if (offset + bytes.len <= BYTES)
		memcpy(r->got[dir] + offset, bytes.ptr, bytes.len);
	r->at[dir] = offset + bytes.len;
	r->releases++;
}

static void on_gap(void *ctx, struct flow *f, enum flow_dir dir, uint64_t offset, uint64_t missing)
{
	struct rig *r = ctx;

	r->wrong = r->wrong || offset != r->at[dir] || r->eofs[dir] != 0 || missing == 0;
	r->at[dir] = offset + missing;
	r->missing[dir] += missing;
}

static void on_eof(void *ctx, struct flow *f, enum flow_dir dir)
{
	struct rig *r = ctx;

	r->eofs[dir]++;
}

static void rig_open(struct rig *r)
{
	memset(r, 0, sizeof *r);
	r->pool.budget = 8 << 20;
	r->limits.pool = &r->pool;
	r->sink = (struct stream_sink){r, on_data, on_gap, on_eof};
	r->f = (struct flow){.proto = IP_PROTO_TCP, .arena = {.pool = &r->pool}};
	r->isn[0] = 0xfffff000; /* wraps within the first bytes */
	r->isn[1] = 77;
}

static size_t rig_close(struct rig *r)
{
	stream_end(&r->f, &r->sink);
	arena_reset(&r->f.arena);
	arena_pool_drain(&r->pool);
	return r->pool.out + r->wrong;
}

/* A segment at an offset of the sender, that acknowledges an offset of the other end. */
static uint64_t send(struct rig *r, enum flow_dir dir, uint8_t flags, uint64_t at, uint64_t ack,
		     struct slice payload)
{
	struct packet p = {.ip_version = 4, .proto = IP_PROTO_TCP, .payload = payload};
	uint64_t bits;

	p.tcp = (struct packet_tcp){.seq = r->isn[dir] + 1 + (uint32_t)at,
				    .ack = r->isn[!dir] + 1 + (uint32_t)ack,
				    .flags = flags,
				    .window = 0xffff};
	if ((flags & TCP_SYN) != 0)
		p.tcp.seq--;
	if ((flags & TCP_ACK) == 0)
		p.tcp.ack = 0;
	bits = stream_packet(&r->limits, &r->f, &p, dir, &r->sink);
	r->anomalies |= bits;
	return bits;
}

static const struct slice nothing = {NULL, 0};

static void handshake(struct rig *r)
{
	send(r, FLOW_TO_SERVER, TCP_SYN, 0, 0, nothing);
	send(r, FLOW_TO_CLIENT, TCP_SYN | TCP_ACK, 0, 0, nothing);
	send(r, FLOW_TO_SERVER, TCP_ACK, 0, 0, nothing);
}

static bool has(uint64_t bits, const char *name)
{
	for (unsigned i = 0; stream_anomalies[i] != NULL; i++)
		if (slice_equal(slice_of(stream_anomalies[i]), slice_of(name)))
			return (bits >> i & 1) != 0;
	return false;
}

static void bytes_are_released_when_they_are_acknowledged(struct test *t)
{
	static struct rig r;

	rig_open(&r);
	handshake(&r);
	EXPECT_UINT(t, stream_state_of(&r.f), STREAM_ESTABLISHED);
	send(&r, FLOW_TO_SERVER, TCP_ACK, 0, 0, SLICE("GET /"));
	EXPECT(t, stream_took_payload(&r.f));
	EXPECT_UINT(t, r.at[0], 0);
	send(&r, FLOW_TO_CLIENT, TCP_ACK, 0, 3, nothing);
	EXPECT_UINT(t, r.at[0], 3);
	send(&r, FLOW_TO_CLIENT, TCP_ACK, 0, 5, SLICE("OK"));
	EXPECT_UINT(t, r.at[0], 5);
	EXPECT(t, memcmp(r.got[0], "GET /", 5) == 0);
	EXPECT_UINT(t, r.at[1], 0);
	EXPECT_UINT(t, stream_bytes(&r.f, FLOW_TO_CLIENT), 2);
	EXPECT_UINT(t, r.anomalies, 0);
	EXPECT_UINT(t, rig_close(&r), 0);
	EXPECT_UINT(t, r.at[1], 2);
	EXPECT_UINT(t, r.eofs[0] + r.eofs[1], 2);
}

/* The BSD rule: who began first keeps the bytes; who begins earlier takes them. */
static void overlaps_go_to_whoever_begins_first(struct test *t)
{
	static struct rig r;

	rig_open(&r);
	handshake(&r);
	send(&r, FLOW_TO_SERVER, TCP_ACK, 4, 0, SLICE("aaaa"));
	send(&r, FLOW_TO_SERVER, TCP_ACK, 6, 0, SLICE("bbbb")); /* keeps only its tail */
	EXPECT(t, has(r.anomalies, "reassembly_overlap_different_data"));
	send(&r, FLOW_TO_SERVER, TCP_ACK, 0, 0, SLICE("cccccc")); /* takes the head */
	send(&r, FLOW_TO_SERVER, TCP_ACK, 0, 0, SLICE("dd"));	  /* too late */
	EXPECT_UINT(t, r.at[0], 0);
	send(&r, FLOW_TO_CLIENT, TCP_ACK, 0, 10, nothing);
	EXPECT_UINT(t, r.at[0], 10);
	EXPECT_SLICE(t, ((struct slice){r.got[0], 10}), SLICE("ccccccaabb"));
	EXPECT_UINT(t, rig_close(&r), 0);
}

struct segment {
	size_t at, len;
};

/* The main promise: however the same bytes are cut, shuffled, doubled and acknowledged, they come
 * out the same. Sequence numbers wrap on the way. */
static void any_segmentation_gives_the_same_stream(struct test *t)
{
	static struct rig r;
	static uint8_t text[BYTES];
	static struct segment segments[4000];

	for (unsigned round = 0; round < 60; round++) {
		size_t total = 1 + test_rand(t) % (BYTES - 1), n = 0, acked = 0, cut;
		size_t largest = 1 + test_rand(t) % 3000, spread = 1 + test_rand(t) % 20;

		for (size_t i = 0; i < total; i++)
			text[i] = (uint8_t)test_rand(t);
		for (size_t at = 0; at < total && n < 3000;) {
			size_t len = 1 + test_rand(t) % largest;

			len = len < total - at ? len : total - at;
			if (n == 2999)
				total = at + len;
			segments[n++] = (struct segment){at, len};
			at += len;
		}
		cut = n;
		for (size_t i = 0; i < cut && n < 4000; i += 1 + test_rand(t) % 9) /* again */
			segments[n++] = (struct segment){
				segments[i].at + test_rand(t) % segments[i].len, 0};
		for (size_t i = 0; i < n; i++) {
			struct segment s = segments[i];
			size_t other = i + test_rand(t) % spread;

			segments[i] = segments[other < n ? other : i];
			segments[other < n ? other : i] = s;
		}
		rig_open(&r);
		r.isn[0] = (uint32_t)test_rand(t);
		handshake(&r);
		for (size_t i = 0; i < n; i++) {
			struct segment s = segments[i];

			if (s.len == 0)
				s.len = 1 + test_rand(t) % 500;
			s.len = s.len < total - s.at ? s.len : total - s.at;
			send(&r, FLOW_TO_SERVER, TCP_ACK, s.at, 0,
			     (struct slice){text + s.at, s.len});
			if (s.at <= acked && s.at + s.len > acked)
				acked = s.at +
					s.len; /* a receiver acknowledges what it has in order */
			if (test_rand(t) % 3 == 0)
				send(&r, FLOW_TO_CLIENT, TCP_ACK, 0, acked, nothing);
			EXPECT(t, r.at[0] <= acked);
		}
		send(&r, FLOW_TO_CLIENT, TCP_ACK, 0, total, nothing);
		EXPECT_UINT(t, r.at[0], total);
		EXPECT_UINT(t, r.missing[0], 0);
		EXPECT(t, memcmp(r.got[0], text, total) == 0);
		EXPECT(t, !has(r.anomalies, "reassembly_overlap_different_data"));
		EXPECT_UINT(t, rig_close(&r), 0);
	}
}

TESTS(T(overlaps_go_to_whoever_begins_first), T(any_segmentation_gives_the_same_stream),
      T(bytes_are_released_when_they_are_acknowledged))
