/* SPDX-License-Identifier: Apache-2.0
 * What an eve-log of a suricata.yaml asks for is what it gets. */
#include "sensor/pipeline/pipeline_fixture.h"
#include "test.h"

/* The bench heard all it will. */
static void end(struct bench *b)
{
	pipeline_finish(b->p);
}

/* ---- stream_tcp ---- */

#define STREAM_LOG(keys)                                                                           \
	"outputs:\n  - eve-log:\n      types:\n        - stream:\n            " keys

static void stream_events_say_what_each_packet_did(struct test *t)
{
	struct bench *b = bench_yaml(NULL, STREAM_LOG("all: yes"));
	struct talk k = talk_of(b, 9);

	udp(&k, FLOW_TO_SERVER, SLICE("not TCP"));
	handshake(&k);
	say(&k, FLOW_TO_SERVER, SLICE("0123456789"));
	end(b);
	EXPECT_UINT(t, count(b, "\"event_type\":\"stream_tcp\""), 5);
	EXPECT(t, says(b, 0, "\"direction\":\"to_server\""));
	EXPECT(t, says(b, 0, "\"stream_tcp\":{\"packet\":{\"len\":40,\"tos\":0,\"ttl\":64,"));
	EXPECT(t, says(b, 0,
		       "\"flags\":[\"state_update\"]},\"session\":{\"state\":\"syn_sent\","
		       "\"pstate\":\"none\","));
	EXPECT(t, says(b, 1, "\"direction\":\"to_client\""));
	EXPECT(t, says(b, 2, "\"state\":\"established\",\"pstate\":\"syn_recv\""));
	EXPECT(t, says(b, 3, "\"state\":\"established\",\"flags\":{\"flags\":["));
	EXPECT(t, says(b, 3, "\"client\":{\"isn\":1000,\"next_seq\":1011,\"last_ack\":1001,"));
	EXPECT(t, !says(b, 3, "\"events\""));
	bench_done(b);
}

static void stream_events_may_be_those_of_a_kind(struct test *t)
{
	static const struct {
		const char *yaml;
		size_t events;
	} rows[] = {{STREAM_LOG("state-update: yes"), 3},
		    {STREAM_LOG("spurious-retransmission: yes"), 1},
		    {STREAM_LOG("event-set: yes"), 2},
		    {STREAM_LOG("all: no"), 0}};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct bench *b = bench_yaml(NULL, rows[i].yaml);
		struct talk k = talk_of(b, 9);

		handshake(&k);
		say(&k, FLOW_TO_SERVER, SLICE("0123456789"));
		k.seq[0] -= 10;
		say(&k, FLOW_TO_SERVER, SLICE("0123456789")); /* again */
		tcp(&k, FLOW_TO_CLIENT, TCP_SYN | TCP_ACK, SLICE(""));
		end(b);
		if (count(b, "stream_tcp\":{") != rows[i].events)
			test_fail(t, __FILE__, __LINE__, "row %zu: %zu", i,
				  count(b, "stream_tcp\":{"));
		EXPECT_UINT(t, count(b, "\"events\":[\"stream.pkt_spurious_retransmission\"]"),
			    i == 1 || i == 2);
		bench_done(b);
	}
}

TESTS(T(stream_events_say_what_each_packet_did), T(stream_events_may_be_those_of_a_kind))
