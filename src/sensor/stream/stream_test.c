/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/stream/stream.h"

#include "sensor/decode/decode.h"
#include "test.h"

enum { BYTES = 40000 };

/* A client and a server, and a sink that writes down what it is given. */
struct rig {
	struct arena_pool pool;
	struct stream_config config;
	struct stream_result result;
	struct stream_sink sink;
	struct flow f;
	uint32_t isn[2];
	uint64_t at[2], missing[2], releases;
	unsigned eofs[2];
	struct stream_events anomalies;
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
	r->config.pool = &r->pool;
	r->config.compare_overlaps = true;
	r->sink = (struct stream_sink){r, on_data, on_gap, on_eof};
	r->f = (struct flow){.proto = IP_PROTO_TCP, .arena = {.pool = &r->pool}};
	r->isn[0] = 0xfffff000; /* wraps within the first bytes */
	r->isn[1] = 77;
}

static size_t rig_close(struct rig *r)
{
	for (int d = 0; d < 2; d++)
		stream_flush(&r->f, (enum flow_dir)d, &r->sink);
	stream_end(&r->f);
	arena_reset(&r->f.arena);
	arena_pool_drain(&r->pool);
	return r->pool.out + r->wrong;
}

static struct stream_events give(struct rig *r, const struct packet *p, enum flow_dir dir)
{
	stream_packet(&r->config, &r->f, p, dir, &r->sink, &r->result);
	for (size_t i = 0; i < sizeof r->anomalies.word / sizeof r->anomalies.word[0]; i++)
		r->anomalies.word[i] |= r->result.events.word[i];
	return r->result.events;
}

/* A segment at an offset of the sender, that acknowledges an offset of the other end. */
static struct stream_events send(struct rig *r, enum flow_dir dir, uint8_t flags, uint64_t at,
				 uint64_t ack, struct slice payload)
{
	struct packet p = {.ip_version = 4, .proto = IP_PROTO_TCP, .payload = payload};

	p.tcp = (struct packet_tcp){.seq = r->isn[dir] + 1 + (uint32_t)at,
				    .ack = r->isn[!dir] + 1 + (uint32_t)ack,
				    .flags = flags,
				    .window = 0xffff};
	if ((flags & TCP_SYN) != 0)
		p.tcp.seq--;
	if ((flags & TCP_ACK) == 0)
		p.tcp.ack = 0;
	return give(r, &p, dir);
}

static const struct slice nothing = {NULL, 0};

static void handshake(struct rig *r)
{
	send(r, FLOW_TO_SERVER, TCP_SYN, 0, 0, nothing);
	send(r, FLOW_TO_CLIENT, TCP_SYN | TCP_ACK, 0, 0, nothing);
	send(r, FLOW_TO_SERVER, TCP_ACK, 0, 0, nothing);
}

static bool has(struct stream_events events, const char *name)
{
	for (unsigned i = 0; stream_anomalies[i] != NULL; i++)
		if (slice_equal(slice_of(stream_anomalies[i]), slice_of(name)))
			return stream_events_has(&events, i);
	return false;
}

static bool quiet(struct stream_events events)
{
	return !stream_events_any(&events);
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
	EXPECT(t, quiet(r.anomalies));
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

/* With segments lost for ever, what comes out is the same bytes with gaps, and offsets stay true.
 */
static void lost_segments_are_gaps_and_nothing_moves(struct test *t)
{
	static struct rig r;
	static uint8_t text[BYTES];

	for (unsigned round = 0; round < 100; round++) {
		size_t total = 1 + test_rand(t) % (BYTES - 4), lost = 0, at = 0;

		for (size_t i = 0; i < total; i++)
			text[i] = (uint8_t)(1 + test_rand(t) % 255); /* 0 marks a gap */
		rig_open(&r);
		r.isn[0] = (uint32_t)test_rand(t);
		handshake(&r);
		while (at < total) {
			size_t len = 1 + test_rand(t) % 1460;

			len = len < total - at ? len : total - at;
			if (test_rand(t) % 10 == 0) {
				memset(text + at, 0, len);
				lost += len;
			} else {
				send(&r, FLOW_TO_SERVER, TCP_ACK, at, 0,
				     (struct slice){text + at, len});
			}
			at += len;
			if (test_rand(t) % 4 == 0)
				send(&r, FLOW_TO_CLIENT, TCP_ACK, 0, at, nothing);
		}
		/* what nothing follows is not missing yet */
		send(&r, FLOW_TO_SERVER, TCP_ACK, total, 0, SLICE("end"));
		send(&r, FLOW_TO_CLIENT, TCP_ACK, 0, total + 3, nothing);
		EXPECT_UINT(t, r.at[0], total + 3);
		EXPECT_UINT(t, r.missing[0], lost);
		EXPECT(t, memcmp(r.got[0], text, total) == 0);
		EXPECT(t, has(r.anomalies, "reassembly_seq_gap") == (lost > 0));
		EXPECT_UINT(t, rig_close(&r), 0);
	}
}

/* The window holds what was released by this packet, and at least STREAM_WINDOW bytes before. */
static void the_window_is_the_newest_released_bytes(struct test *t)
{
	static struct rig r;
	static uint8_t text[BYTES];
	size_t at = 0;

	for (size_t i = 0; i < BYTES; i++)
		text[i] = (uint8_t)test_rand(t);
	rig_open(&r);
	EXPECT_UINT(t, stream_window(&r.f, FLOW_TO_SERVER, &r.releases).len, 0);
	handshake(&r);
	while (at + 1460 < BYTES) {
		uint64_t before = r.at[0], from;
		size_t len = 1 + test_rand(t) % 1460;
		struct slice w;

		send(&r, FLOW_TO_SERVER, TCP_ACK, at, 0, (struct slice){text + at, len});
		at += len;
		if (test_rand(t) % 3 != 0)
			continue;
		send(&r, FLOW_TO_CLIENT, TCP_ACK, 0, at, nothing);
		w = stream_window(&r.f, FLOW_TO_SERVER, &from);
		EXPECT_UINT(t, from + w.len, at);
		EXPECT(t, from == 0 || from + STREAM_WINDOW <= before);
		EXPECT_SLICE(t, w, ((struct slice){text + from, w.len}));
	}
	send(&r, FLOW_TO_SERVER, TCP_ACK, at + 10, 0, SLICE("behind a gap"));
	send(&r, FLOW_TO_CLIENT, TCP_ACK, 0, at + 22, nothing);
	EXPECT_SLICE(t, stream_window(&r.f, FLOW_TO_SERVER, &r.releases), SLICE("behind a gap"));
	EXPECT_UINT(t, rig_close(&r), 0);
}

static void a_direction_ends_behind_its_acknowledged_fin(struct test *t)
{
	static struct rig r;

	rig_open(&r);
	handshake(&r);
	send(&r, FLOW_TO_SERVER, TCP_ACK, 0, 0, SLICE("bye"));
	send(&r, FLOW_TO_SERVER, TCP_ACK | TCP_FIN, 3, 0, nothing);
	EXPECT_SLICE(t, slice_of(stream_state_name(&r.f)), SLICE("close_wait"));
	EXPECT_UINT(t, stream_state_of(&r.f), STREAM_CLOSE_WAIT);
	send(&r, FLOW_TO_CLIENT, TCP_ACK, 0, 3, nothing);
	EXPECT(t, r.at[0] == 3 && r.eofs[0] == 0);
	send(&r, FLOW_TO_CLIENT, TCP_ACK, 0, 4, SLICE("more to say"));
	EXPECT(t, r.eofs[0] == 0 && r.eofs[1] == 0 && r.f.state == FLOW_ESTABLISHED);
	send(&r, FLOW_TO_CLIENT, TCP_ACK | TCP_FIN, 11, 4, nothing);
	EXPECT_SLICE(t, slice_of(stream_state_name(&r.f)), SLICE("last_ack"));
	EXPECT_UINT(t, r.f.state, FLOW_CLOSED);
	send(&r, FLOW_TO_SERVER, TCP_ACK, 4, 12, nothing);
	EXPECT_SLICE(t, slice_of(stream_state_name(&r.f)), SLICE("closed"));
	EXPECT(t, r.eofs[0] == 1 && r.eofs[1] == 1 && r.at[1] == 11);
	EXPECT(t, quiet(r.anomalies));
	EXPECT_UINT(t, rig_close(&r), 0);
	EXPECT_UINT(t, r.eofs[0] + r.eofs[1], 2);
}

static void a_server_that_closes_first_has_its_own_states(struct test *t)
{
	static struct rig r;

	rig_open(&r);
	handshake(&r);
	send(&r, FLOW_TO_CLIENT, TCP_ACK | TCP_FIN, 0, 0, SLICE("only this"));
	EXPECT_SLICE(t, slice_of(stream_state_name(&r.f)), SLICE("fin_wait1"));
	send(&r, FLOW_TO_SERVER, TCP_ACK, 0, 10, nothing);
	EXPECT_SLICE(t, slice_of(stream_state_name(&r.f)), SLICE("fin_wait2"));
	send(&r, FLOW_TO_SERVER, TCP_ACK | TCP_FIN, 0, 10, nothing);
	EXPECT_SLICE(t, slice_of(stream_state_name(&r.f)), SLICE("time_wait"));
	send(&r, FLOW_TO_CLIENT, TCP_ACK, 10, 1, nothing);
	EXPECT_UINT(t, stream_state_of(&r.f), STREAM_CLOSED);
	EXPECT_UINT(t, rig_close(&r), 0);

	rig_open(&r);
	handshake(&r);
	send(&r, FLOW_TO_CLIENT, TCP_ACK | TCP_FIN, 0, 0, nothing);
	send(&r, FLOW_TO_SERVER, TCP_FIN, 0, 0, nothing); /* both at once */
	EXPECT_SLICE(t, slice_of(stream_state_name(&r.f)), SLICE("closing"));
	EXPECT_UINT(t, rig_close(&r), 0);
}

static void a_fin_may_come_again(struct test *t)
{
	static struct rig r;

	rig_open(&r);
	handshake(&r);
	send(&r, FLOW_TO_SERVER, TCP_ACK | TCP_FIN, 0, 0, SLICE("all"));
	EXPECT(t, has(send(&r, FLOW_TO_SERVER, TCP_ACK, 70000, 0, SLICE("not all")),
		      "closewait_ack_out_of_window"));
	EXPECT(t, !stream_took_payload(&r.f));
	send(&r, FLOW_TO_SERVER, TCP_ACK | TCP_FIN, 0, 0, SLICE("all")); /* repeated */
	send(&r, FLOW_TO_CLIENT, TCP_ACK, 0, 4, nothing);
	EXPECT_UINT(t, r.at[0], 3);
	EXPECT_UINT(t, rig_close(&r), 0);
	EXPECT_UINT(t, r.eofs[0], 1);
}

static void a_reset_is_believed_only_at_the_right_number(struct test *t)
{
	static struct rig r;

	rig_open(&r);
	handshake(&r);
	send(&r, FLOW_TO_SERVER, TCP_ACK, 0, 0, SLICE("held back"));
	send(&r, FLOW_TO_CLIENT, TCP_RST, 40, 0, nothing); /* a guess */
	send(&r, FLOW_TO_SERVER, TCP_RST, 12, 0, nothing);
	EXPECT(t, has(send(&r, FLOW_TO_CLIENT, TCP_RST | TCP_ACK, 0, 1 << 20, nothing),
		      "rst_invalid_ack"));
	EXPECT(t, stream_state_of(&r.f) == STREAM_ESTABLISHED && r.eofs[0] == 0);
	send(&r, FLOW_TO_CLIENT, TCP_RST | TCP_ACK, 0, 9, nothing);
	EXPECT(t, stream_state_of(&r.f) == STREAM_CLOSED && r.f.state == FLOW_CLOSED);
	EXPECT(t, r.eofs[0] == 0 && r.eofs[1] == 1);
	send(&r, FLOW_TO_CLIENT, TCP_ACK, 0, 9, SLICE("too late"));
	EXPECT(t, !stream_took_payload(&r.f));
	EXPECT_UINT(t, rig_close(&r), 0);
	EXPECT(t, r.at[0] == 9 && r.eofs[0] == 1 && r.eofs[1] == 1);

	rig_open(&r); /* an answer to a SYN must acknowledge it, and has the number 0 */
	r.isn[1] = UINT32_MAX;
	send(&r, FLOW_TO_SERVER, TCP_SYN, 0, 0, nothing);
	EXPECT(t,
	       has(send(&r, FLOW_TO_CLIENT, TCP_RST | TCP_ACK, 0, 7, nothing), "rst_invalid_ack"));
	EXPECT_UINT(t, stream_state_of(&r.f), STREAM_SYN_SENT);
	send(&r, FLOW_TO_CLIENT, TCP_RST | TCP_ACK, 0, 0, nothing);
	EXPECT_UINT(t, stream_state_of(&r.f), STREAM_CLOSED);
	EXPECT_UINT(t, rig_close(&r), 0);
}

static void behind_a_reset_only_what_was_acknowledged_follows_a_hole(struct test *t)
{
	static struct rig r;

	rig_open(&r);
	handshake(&r);
	send(&r, FLOW_TO_CLIENT, TCP_ACK, 0, 0, SLICE("abc"));
	send(&r, FLOW_TO_CLIENT, TCP_ACK, 5, 0, SLICE("fg"));
	send(&r, FLOW_TO_CLIENT, TCP_ACK, 9, 0, SLICE("jk"));
	send(&r, FLOW_TO_SERVER, TCP_RST | TCP_ACK, 0, 6, nothing);
	EXPECT_UINT(t, stream_state_of(&r.f), STREAM_CLOSED);
	EXPECT_UINT(t, rig_close(&r), 0);
	EXPECT_UINT(t, r.at[1], 7); /* the last byte waited for no hole */
	EXPECT_UINT(t, r.missing[1], 2);
	EXPECT_UINT(t, r.eofs[0] + r.eofs[1], 2);
}

static void on_again(void *ctx, struct flow *f, enum flow_dir dir)
{
	struct rig *r = ctx;

	r->eofs[dir]--;
}

static void bytes_behind_a_reset_that_was_no_ones_are_read(struct test *t)
{
	static struct rig r;

	for (unsigned heard = 0; heard < 2; heard++) {
		struct packet reset = {.ip_version = 4, .proto = IP_PROTO_TCP};

		rig_open(&r);
		reset.tcp = (struct packet_tcp){.seq = r.isn[0] + 1,
						.ack = r.isn[1] + 1,
						.flags = TCP_RST | TCP_ACK,
						.is_signed = true};
		r.sink.again = heard ? on_again : NULL;
		handshake(&r);
		give(&r, &reset, FLOW_TO_SERVER); /* nobody can know whether it counts */
		EXPECT_UINT(t, r.eofs[0], 1);
		EXPECT(t, has(send(&r, FLOW_TO_SERVER, TCP_ACK, 0, 0, SLICE("GET")),
			      "suspected_rst_inject"));
		send(&r, FLOW_TO_CLIENT, TCP_ACK, 0, 3, nothing);
		EXPECT_UINT(t, r.at[0], heard ? 3 : 0);
		EXPECT_UINT(t, rig_close(&r), 0);
		EXPECT_UINT(t, r.eofs[0], 1);
	}
}

static void without_a_handshake_packets_stand_alone(struct test *t)
{
	static struct rig r;

	rig_open(&r);
	EXPECT(t, quiet(send(&r, FLOW_TO_SERVER, TCP_ACK, 0, 0, SLICE("middle"))));
	EXPECT(t, quiet(send(&r, FLOW_TO_CLIENT, TCP_SYN | TCP_ACK, 0, 0, nothing)));
	EXPECT(t, has(send(&r, FLOW_TO_CLIENT, TCP_RST, 0, 0, nothing), "rst_but_no_session"));
	EXPECT(t, has(send(&r, FLOW_TO_CLIENT, TCP_FIN | TCP_ACK, 0, 0, nothing),
		      "fin_but_no_session"));
	EXPECT(t, r.f.stream == NULL && !stream_took_payload(&r.f));
	EXPECT_SLICE(t, slice_of(stream_state_name(&r.f)), SLICE("none"));
	EXPECT_UINT(t, stream_bytes(&r.f, FLOW_TO_SERVER) + r.pool.out, 0);
	EXPECT_UINT(t, rig_close(&r), 0);
	EXPECT_UINT(t, r.eofs[0] + r.eofs[1], 0);
}

static void midstream_picks_up_where_it_comes_in(struct test *t)
{
	static struct rig r;

	rig_open(&r);
	r.config.midstream = true;
	send(&r, FLOW_TO_SERVER, TCP_ACK, 0, 0, SLICE("from here"));
	EXPECT(t, stream_took_payload(&r.f));
	send(&r, FLOW_TO_CLIENT, TCP_ACK, 0, 9, SLICE("heard"));
	send(&r, FLOW_TO_SERVER, TCP_ACK, 9, 5, nothing);
	EXPECT(t, r.at[0] == 9 && r.at[1] == 5 && quiet(r.anomalies));
	EXPECT_SLICE(t, ((struct slice){r.got[1], 5}), SLICE("heard"));
	EXPECT_UINT(t, rig_close(&r), 0);

	rig_open(&r); /* from the answer to a SYN on */
	r.config.midstream = true;
	send(&r, FLOW_TO_CLIENT, TCP_SYN | TCP_ACK, 0, 0, nothing);
	EXPECT_UINT(t, stream_state_of(&r.f), STREAM_SYN_RECV);
	send(&r, FLOW_TO_SERVER, TCP_ACK, 0, 0, SLICE("GET"));
	send(&r, FLOW_TO_CLIENT, TCP_ACK, 0, 3, nothing);
	EXPECT(t, r.at[0] == 3 && quiet(r.anomalies));
	EXPECT_UINT(t, rig_close(&r), 0);
}

static void one_direction_alone_is_released_at_its_end(struct test *t)
{
	static struct rig r;

	rig_open(&r);
	r.config.async = true;
	send(&r, FLOW_TO_SERVER, TCP_SYN, 0, 0, nothing);
	send(&r, FLOW_TO_SERVER, TCP_ACK, 0, 0, SLICE("heard by "));
	send(&r, FLOW_TO_SERVER, TCP_ACK, 9, 500, SLICE("nobody"));
	EXPECT(t, stream_took_payload(&r.f) && r.at[0] == 0);
	EXPECT_UINT(t, rig_close(&r), 0);
	EXPECT_SLICE(t, ((struct slice){r.got[0], r.at[0]}), SLICE("heard by nobody"));

	rig_open(&r); /* not by default: then the packets stand alone */
	send(&r, FLOW_TO_SERVER, TCP_SYN, 0, 0, nothing);
	send(&r, FLOW_TO_SERVER, TCP_ACK, 0, 0, SLICE("heard by "));
	EXPECT(t, !stream_took_payload(&r.f));
	EXPECT_UINT(t, rig_close(&r), 0);
	EXPECT_UINT(t, r.at[0], 0);
}

static void send_fastopen(struct rig *r, struct slice payload)
{
	struct packet p = {.ip_version = 4, .proto = IP_PROTO_TCP, .payload = payload};

	p.tcp = (struct packet_tcp){
		.seq = r->isn[0], .flags = TCP_SYN, .window = 0xffff, .has_fastopen = true};
	(void)give(r, &p, FLOW_TO_SERVER);
}

static void data_on_a_syn_counts_if_the_answer_takes_it(struct test *t)
{
	static struct rig r;

	for (unsigned taken = 0; taken < 2; taken++) {
		rig_open(&r);
		send_fastopen(&r, SLICE("early"));
		EXPECT(t, stream_took_payload(&r.f));
		send(&r, FLOW_TO_CLIENT, TCP_SYN | TCP_ACK, 0, taken ? 5 : 0, nothing);
		send(&r, FLOW_TO_SERVER, TCP_ACK, taken ? 5 : 0, 0, SLICE("later"));
		send(&r, FLOW_TO_CLIENT, TCP_ACK, 0, taken ? 10 : 5, nothing);
		EXPECT_SLICE(t, ((struct slice){r.got[0], r.at[0]}),
			     taken ? SLICE("earlylater") : SLICE("later"));
		EXPECT(t, has(r.anomalies, "3whs_synack_tfo_data_ignored") == !taken);
		EXPECT_UINT(t, rig_close(&r), 0);
	}
	rig_open(&r); /* not without the option */
	send(&r, FLOW_TO_SERVER, TCP_SYN, 0, 0, SLICE("early"));
	EXPECT(t, !stream_took_payload(&r.f));
	EXPECT(t, has(send(&r, FLOW_TO_CLIENT, TCP_SYN | TCP_ACK, 0, 5, nothing),
		      "3whs_synack_with_wrong_ack"));
	EXPECT_UINT(t, rig_close(&r), 0);
}

/* What a handshake may not do, and what is said of it. */
static void odd_handshakes_are_named(struct test *t)
{
	static struct rig r;
	uint32_t isn;

	rig_open(&r);
	isn = r.isn[0];
	r.config.syns_max = 3;
	r.config.synacks_max = 1;
	send(&r, FLOW_TO_SERVER, TCP_SYN, 0, 0, nothing);
	EXPECT(t, has(send(&r, FLOW_TO_SERVER, TCP_SYN | TCP_ACK, 0, 0, nothing),
		      "3whs_synack_in_wrong_direction"));
	EXPECT(t, has(send(&r, FLOW_TO_CLIENT, TCP_SYN | TCP_ACK, 0, 1, nothing),
		      "3whs_synack_with_wrong_ack"));
	for (unsigned i = 1; i < 4; i++) { /* other tries; the answer says which one counts */
		r.isn[0] = isn + 1000 * i;
		EXPECT(t, quiet(send(&r, FLOW_TO_SERVER, TCP_SYN, 0, 0, nothing)));
	}
	r.isn[0] = isn + 5000;
	EXPECT(t, has(send(&r, FLOW_TO_SERVER, TCP_SYN, 0, 0, nothing), "3whs_syn_flood"));
	r.isn[0] = isn + 2000;
	send(&r, FLOW_TO_CLIENT, TCP_SYN | TCP_ACK, 0, 0, nothing);
	EXPECT_UINT(t, stream_state_of(&r.f), STREAM_SYN_RECV);
	EXPECT(t, has(send(&r, FLOW_TO_CLIENT, TCP_SYN | TCP_ACK, 0, 9, nothing),
		      "3whs_synack_resend_with_different_ack"));
	EXPECT(t, quiet(send(&r, FLOW_TO_CLIENT, TCP_SYN | TCP_ACK, 9, 0, nothing)));
	EXPECT(t, has(send(&r, FLOW_TO_CLIENT, TCP_SYN | TCP_ACK, 10, 0, nothing),
		      "3whs_synack_flood"));
	EXPECT(t, has(send(&r, FLOW_TO_SERVER, TCP_SYN | TCP_ACK, 0, 0, nothing),
		      "3whs_synack_toserver_on_syn_recv"));
	EXPECT(t, has(send(&r, FLOW_TO_SERVER, TCP_SYN, 9, 0, nothing),
		      "3whs_syn_resend_diff_seq_on_syn_recv"));
	EXPECT(t, has(send(&r, FLOW_TO_CLIENT, TCP_SYN, 0, 0, nothing),
		      "3whs_syn_toclient_on_syn_recv"));
	EXPECT(t, has(send(&r, FLOW_TO_SERVER, TCP_ACK, 0, 5, nothing),
		      "3whs_right_seq_wrong_ack_evasion"));
	EXPECT(t,
	       has(send(&r, FLOW_TO_SERVER, TCP_ACK, 5, 5, nothing), "3whs_wrong_seq_wrong_ack"));
	EXPECT_UINT(t, stream_state_of(&r.f), STREAM_SYN_RECV);
	send(&r, FLOW_TO_SERVER, TCP_ACK, 0, 0, nothing);
	EXPECT_UINT(t, stream_state_of(&r.f), STREAM_ESTABLISHED);
	EXPECT(t, has(send(&r, FLOW_TO_SERVER, TCP_SYN, 0, 0, nothing), "est_syn_resend"));
	EXPECT(t, has(send(&r, FLOW_TO_SERVER, TCP_SYN, 7, 0, nothing), "est_syn_resend_diff_seq"));
	EXPECT(t, has(send(&r, FLOW_TO_CLIENT, TCP_SYN, 0, 0, nothing), "est_syn_toclient"));
	EXPECT(t, quiet(send(&r, FLOW_TO_CLIENT, TCP_SYN | TCP_ACK, 0, 0, nothing)));
	send(&r, FLOW_TO_CLIENT, TCP_ACK, 0, 0, nothing);
	EXPECT(t, has(send(&r, FLOW_TO_CLIENT, TCP_SYN | TCP_ACK, 0, 0, nothing),
		      "est_synack_resend"));
	EXPECT(t, has(send(&r, FLOW_TO_SERVER, TCP_SYN | TCP_ACK, 0, 0, nothing),
		      "est_synack_toserver"));
	EXPECT_UINT(t, stream_state_of(&r.f), STREAM_ESTABLISHED);
	EXPECT_UINT(t, rig_close(&r), 0);
}

static void both_ends_may_open_at_once(struct test *t)
{
	static struct rig r;

	rig_open(&r);
	send(&r, FLOW_TO_SERVER, TCP_SYN, 0, 0, nothing);
	send(&r, FLOW_TO_CLIENT, TCP_SYN, 0, 0, nothing);
	send(&r, FLOW_TO_SERVER, TCP_SYN | TCP_ACK, 0, 0, nothing);
	send(&r, FLOW_TO_CLIENT, TCP_SYN | TCP_ACK, 0, 0, nothing);
	EXPECT_UINT(t, stream_state_of(&r.f), STREAM_SYN_RECV);
	send(&r, FLOW_TO_SERVER, TCP_ACK, 0, 0, SLICE("hello"));
	EXPECT_UINT(t, stream_state_of(&r.f), STREAM_ESTABLISHED);
	send(&r, FLOW_TO_CLIENT, TCP_ACK, 0, 5, nothing);
	EXPECT_UINT(t, r.at[0], 5);
	EXPECT(t, quiet(r.anomalies));
	EXPECT_UINT(t, rig_close(&r), 0);
}

static void what_a_receiver_drops_changes_nothing(struct test *t)
{
	static struct rig r;
	static const uint8_t long_one[100];

	rig_open(&r);
	handshake(&r);
	EXPECT(t, has(send(&r, FLOW_TO_SERVER, TCP_ACK, 65536, 0, SLICE("xx")),
		      "est_packet_out_of_window"));
	EXPECT(t, !stream_took_payload(&r.f));
	EXPECT(t, quiet(send(&r, FLOW_TO_SERVER, TCP_ACK, 65500, 0, (struct slice){long_one, 35})));
	EXPECT(t, has(send(&r, FLOW_TO_SERVER, TCP_ACK, 0, 70000, SLICE("xx")), "est_invalid_ack"));
	EXPECT(t, !stream_took_payload(&r.f));
	EXPECT(t, quiet(send(&r, FLOW_TO_SERVER, 0, 0, 0, SLICE("no ACK flag"))));
	EXPECT(t, !stream_took_payload(&r.f));
	EXPECT(t, has(send(&r, FLOW_TO_SERVER, TCP_FIN | TCP_ACK, 100000, 0, nothing),
		      "fin_out_of_window"));
	EXPECT_UINT(t, stream_state_of(&r.f), STREAM_ESTABLISHED);
	EXPECT_UINT(t, rig_close(&r), 0);
}

static void repetitions_are_taken_if_they_say_the_same(struct test *t)
{
	static struct rig r;
	struct stream_events bits;

	rig_open(&r);
	handshake(&r);
	send(&r, FLOW_TO_SERVER, TCP_ACK, 0, 0, SLICE("0123456789"));
	send(&r, FLOW_TO_CLIENT, TCP_ACK, 0, 10, nothing);
	bits = send(&r, FLOW_TO_SERVER, TCP_ACK, 2, 0, SLICE("234"));
	EXPECT(t, has(bits, "pkt_spurious_retransmission"));
	EXPECT(t, stream_took_payload(&r.f));
	bits = send(&r, FLOW_TO_SERVER, TCP_ACK, 2, 0, SLICE("2x4"));
	EXPECT(t, has(bits, "est_pkt_before_last_ack"));
	EXPECT(t, !stream_took_payload(&r.f)); /* nobody has seen these bytes yet */
	EXPECT(t, quiet(send(&r, FLOW_TO_SERVER, TCP_ACK, 9, 0, SLICE("x")))); /* keep-alive */
	send(&r, FLOW_TO_SERVER, TCP_ACK, 5, 0, SLICE("56789abc"));
	send(&r, FLOW_TO_CLIENT, TCP_ACK, 0, 13, nothing);
	EXPECT_SLICE(t, ((struct slice){r.got[0], r.at[0]}), SLICE("0123456789abc"));
	EXPECT_UINT(t, rig_close(&r), 0);
}

static bool marked(const struct rig *r, enum stream_mark m)
{
	return (r->result.marks >> m & 1) != 0;
}

static void what_kind_of_packet_it_was_is_marked_if_asked(struct test *t)
{
	static struct rig r;

	rig_open(&r);
	r.config.marks = true;
	send(&r, FLOW_TO_SERVER, TCP_SYN, 0, 0, nothing);
	EXPECT(t, marked(&r, STREAM_MARK_STATE_UPDATE));
	send(&r, FLOW_TO_CLIENT, TCP_SYN | TCP_ACK, 0, 0, nothing);
	send(&r, FLOW_TO_SERVER, TCP_ACK, 0, 0, nothing);
	EXPECT(t, marked(&r, STREAM_MARK_STATE_UPDATE));
	send(&r, FLOW_TO_SERVER, TCP_ACK, 0, 0, SLICE("0123456789"));
	EXPECT_UINT(t, r.result.marks, 0);
	send(&r, FLOW_TO_CLIENT, TCP_ACK, 0, 0, nothing);
	EXPECT(t, marked(&r, STREAM_MARK_DUP_ACK));
	send(&r, FLOW_TO_CLIENT, TCP_ACK, 0, 10, nothing);
	EXPECT_UINT(t, r.result.marks, 0);
	send(&r, FLOW_TO_SERVER, TCP_ACK, 0, 0, SLICE("0123456789"));
	EXPECT(t, marked(&r, STREAM_MARK_SPURIOUS_RETRANSMISSION));
	EXPECT(t, marked(&r, STREAM_MARK_EVENT_SET));
	send(&r, FLOW_TO_SERVER, TCP_ACK, 9, 0, SLICE("9"));
	EXPECT(t, marked(&r, STREAM_MARK_KEEP_ALIVE));
	send(&r, FLOW_TO_CLIENT, TCP_ACK, 0, 10, nothing);
	EXPECT(t, marked(&r, STREAM_MARK_KEEP_ALIVE_ACK));
	send(&r, FLOW_TO_CLIENT, TCP_ACK, 0, 900, nothing);
	EXPECT(t, marked(&r, STREAM_MARK_ACK_UNSEEN_DATA));
	EXPECT_UINT(t, rig_close(&r), 0);
}

static void a_view_says_numbers_as_they_are_on_the_wire(struct test *t)
{
	static struct rig r;
	struct stream_view v;

	rig_open(&r);
	EXPECT(t, !stream_view(&r.f, &v)); /* no session */
	send(&r, FLOW_TO_SERVER, TCP_SYN, 0, 0, nothing);
	EXPECT(t, stream_view(&r.f, &v));
	EXPECT_UINT(t, v.client.isn, 0xfffff000);
	EXPECT_UINT(t, v.client.next_seq, 0xfffff001);
	EXPECT_UINT(t, v.server.isn, 0); /* has not spoken */
	send(&r, FLOW_TO_CLIENT, TCP_SYN | TCP_ACK, 0, 0, nothing);
	send(&r, FLOW_TO_SERVER, TCP_ACK, 0, 0, nothing);
	send(&r, FLOW_TO_SERVER, TCP_ACK, 0, 0, SLICE("0123456789"));
	EXPECT(t, stream_view(&r.f, &v));
	EXPECT_UINT(t, v.client.next_seq, 0xfffff00b);
	EXPECT_UINT(t, v.client.last_ack, 0xfffff001);
	EXPECT_UINT(t, v.client.segments, 1);
	EXPECT(t, v.client.held_bytes >= 10);
	send(&r, FLOW_TO_CLIENT, TCP_ACK, 0, 10, nothing);
	EXPECT(t, stream_view(&r.f, &v));
	EXPECT_UINT(t, v.client.last_ack, 0xfffff00b);
	EXPECT_UINT(t, v.client.base_seq, 0xfffff00b);
	EXPECT_UINT(t, v.before, STREAM_SYN_RECV);
	EXPECT(t, !v.midstream && !v.reset && v.confirmed);
	EXPECT_UINT(t, rig_close(&r), 0);
}

static bool refused_by_time(struct rig *r, struct packet *p, enum flow_dir dir)
{
	return has(give(r, p, dir), "pkt_invalid_timestamp");
}

static void an_old_time_stamp_is_a_wrapped_sequence(struct test *t)
{
	static struct rig r;
	struct packet p = {.ip_version = 4, .proto = IP_PROTO_TCP};

	rig_open(&r);
	r.config.strict_timestamps = true;
	p.tcp = (struct packet_tcp){
		.seq = 99, .flags = TCP_SYN, .window = 9999, .has_ts = true, .ts_val = 50};
	EXPECT(t, !refused_by_time(&r, &p, FLOW_TO_SERVER));
	p.tcp.seq = 199, p.tcp.ack = 100, p.tcp.flags = TCP_SYN | TCP_ACK;
	EXPECT(t, !refused_by_time(&r, &p, FLOW_TO_CLIENT));
	p.tcp.seq = 100, p.tcp.ack = 200, p.tcp.flags = TCP_ACK, p.payload = SLICE("data");
	p.tcp.ts_val = 49;
	EXPECT(t, refused_by_time(&r, &p, FLOW_TO_SERVER));
	EXPECT(t, !stream_took_payload(&r.f));
	p.tcp.ts_val = 60;
	EXPECT(t, !refused_by_time(&r, &p, FLOW_TO_SERVER));
	EXPECT(t, stream_took_payload(&r.f));
	p.tcp.ts_val = 59, p.tcp.seq = 104;
	EXPECT(t, refused_by_time(&r, &p, FLOW_TO_SERVER));
	p.at.ns = 25 * 86400 * TIME_NS_PER_S; /* RFC 7323 5.5: no longer to be compared */
	EXPECT(t, !refused_by_time(&r, &p, FLOW_TO_SERVER));
	EXPECT_UINT(t, rig_close(&r), 0);
}

static void nothing_is_kept_past_the_depth(struct test *t)
{
	static struct rig r;
	static const uint8_t bytes[200];

	for (size_t n = 99; n <= 101; n++) {
		rig_open(&r);
		r.config.depth = 100;
		handshake(&r);
		send(&r, FLOW_TO_SERVER, TCP_ACK, 0, 0, (struct slice){bytes, n});
		EXPECT_UINT(t, has(r.anomalies, "reassembly_depth_reached"), n > 100);
		EXPECT(t, stream_took_payload(&r.f));
		send(&r, FLOW_TO_CLIENT, TCP_ACK, 0, n, nothing);
		EXPECT_UINT(t, r.at[0], n < 100 ? n : 100);
		send(&r, FLOW_TO_SERVER, TCP_ACK, n, 0, (struct slice){bytes, 50});
		EXPECT_UINT(t, stream_took_payload(&r.f), n < 100);
		EXPECT_UINT(t, stream_bytes(&r.f, FLOW_TO_SERVER), n + 50);
		send(&r, FLOW_TO_SERVER, TCP_ACK | TCP_FIN, n + 50, 0, nothing);
		send(&r, FLOW_TO_CLIENT, TCP_ACK, 0, n + 51, nothing);
		EXPECT(t, r.at[0] == 100 && r.missing[0] == 0);
		EXPECT_UINT(t, rig_close(&r), 0);
	}
}

static void what_does_not_fit_is_a_gap_later(struct test *t)
{
	static struct rig r;
	static const uint8_t bytes[1000];

	rig_open(&r);
	r.config.held_max = 8000;
	handshake(&r);
	for (unsigned i = 0; i < 20; i++) /* far apart: each would need memory of its own */
		send(&r, FLOW_TO_SERVER, TCP_ACK, 1 + 2000 * i, 0, (struct slice){bytes, 1000});
	EXPECT(t, has(r.anomalies, "reassembly_no_segment"));
	EXPECT(t, !stream_took_payload(&r.f));
	EXPECT(t, r.pool.out < 40000);
	send(&r, FLOW_TO_CLIENT, TCP_ACK, 0, 39001, nothing);
	EXPECT(t, r.at[0] >= 2001 && r.missing[0] >= 1001);
	EXPECT_UINT(t, rig_close(&r), 0);
}

/* Any single refusal of memory, and every one from then on: no crash, no leak, true offsets. */
static void without_memory_bytes_are_lost_and_nothing_else(struct test *t)
{
	static struct rig r;
	static const uint8_t bytes[3000];

	for (size_t fail = 1; fail < 30; fail++) {
		rig_open(&r);
		r.pool.fail_after = fail;
		handshake(&r);
		for (unsigned i = 0; i < 12; i++) {
			send(&r, FLOW_TO_SERVER, TCP_ACK, 3100 * i, 0, (struct slice){bytes, 3000});
			send(&r, FLOW_TO_CLIENT, TCP_ACK, 3000 * i, i % 3 ? 0 : 3100 * i,
			     (struct slice){bytes, 3000});
			if (i == 8)
				r.pool.fail_after = 0;
		}
		EXPECT_UINT(t, rig_close(&r), 0);
	}
}

TESTS(T(lost_segments_are_gaps_and_nothing_moves), T(the_window_is_the_newest_released_bytes),
      T(a_direction_ends_behind_its_acknowledged_fin),
      T(a_server_that_closes_first_has_its_own_states), T(a_fin_may_come_again),
      T(a_reset_is_believed_only_at_the_right_number),
      T(behind_a_reset_only_what_was_acknowledged_follows_a_hole),
      T(bytes_behind_a_reset_that_was_no_ones_are_read), T(without_a_handshake_packets_stand_alone),
      T(midstream_picks_up_where_it_comes_in), T(one_direction_alone_is_released_at_its_end),
      T(data_on_a_syn_counts_if_the_answer_takes_it), T(odd_handshakes_are_named),
      T(both_ends_may_open_at_once), T(what_a_receiver_drops_changes_nothing),
      T(what_kind_of_packet_it_was_is_marked_if_asked),
      T(a_view_says_numbers_as_they_are_on_the_wire), T(repetitions_are_taken_if_they_say_the_same),
      T(an_old_time_stamp_is_a_wrapped_sequence), T(nothing_is_kept_past_the_depth),
      T(what_does_not_fit_is_a_gap_later), T(without_memory_bytes_are_lost_and_nothing_else),
      T(overlaps_go_to_whoever_begins_first), T(any_segmentation_gives_the_same_stream),
      T(bytes_are_released_when_they_are_acknowledged))
