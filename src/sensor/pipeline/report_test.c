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

/* ---- stats ---- */

#define STATS_LOG(keys) "outputs:\n  - eve-log:\n      types:\n        - stats:\n            " keys

static void stats_are_said_at_the_end_by_their_names(struct test *t)
{
	struct bench *b = bench_yaml("alert tcp any any -> any any (content:\"/evil\"; sid:1;)\n",
				     STATS_LOG("null-values: no"));
	struct frame odd;

	web(b);
	name(b);
	put_ip(&odd, 6, (const uint8_t[]){10, 0, 0, 1}, (const uint8_t[]){10, 0, 0, 2}, 3);
	put(&odd, "abc", 3); /* no TCP header */
	feed(b, &odd);
	end(b);
	EXPECT_UINT(t, count(b, "\"event_type\":\"stats\""), 1);
	EXPECT_UINT(t, count(b, "\n"), 1);
	EXPECT(t, says(b, 0, "\"stats\":{\"uptime\":0,\"decoder\":{\"pkts\":13,\"bytes\":"));
	EXPECT(t, says(b, 0, "\"invalid\":1,\"ipv4\":13,\"ethernet\":13,\"tcp\":10,\"udp\":2,"));
	EXPECT(t, says(b, 0, "\"event\":{\"tcp\":{\"pkt_too_small\":1}}}"));
	EXPECT(t, says(b, 0, "\"flow\":{\"total\":2,\"tcp\":1,\"udp\":1,"));
	EXPECT(t, says(b, 0,
		       "\"end\":{\"state\":{\"established\":1,\"closed\":1},"
		       "\"tcp_state\":{\"closed\":1}}}"));
	EXPECT(t, says(b, 0, "\"tcp\":{\"sessions\":1,\"syn\":1,\"synack\":1}"));
	EXPECT(t, says(b, 0,
		       "\"rules_loaded\":1,\"rules_failed\":0,\"rules_skipped\":0}],"
		       "\"alert\":1}"));
	EXPECT(t, says(b, 0,
		       "\"app_layer\":{\"flow\":{\"http\":1,\"dns_udp\":1},"
		       "\"tx\":{\"http\":1,\"dns_udp\":2}}"));
	EXPECT(t, !says(b, 0, "_delta"));
	EXPECT(t, !says(b, 0, "threads"));
	bench_done(b);
}

static void stats_can_be_of_threads_and_grow(struct test *t)
{
	struct bench *b = bench_yaml(
		NULL, STATS_LOG("{totals: no, threads: yes, deltas: yes}\nstats:\n  interval: 2"));
	struct talk k = talk_of(b, 53);

	pipeline_tick(b->p, (struct wall_ns){START});
	udp(&k, FLOW_TO_SERVER, QUERY);
	pipeline_tick(b->p, (struct wall_ns){START + 2 * S - 1});
	EXPECT_UINT(t, count(b, "\n"), 0); /* not due */
	pipeline_tick(b->p, (struct wall_ns){START + 2 * S});
	EXPECT_UINT(t, count(b, "\n"), 1);
	EXPECT(t, says(b, 0, "\"stats\":{\"uptime\":2,\"threads\":{\"W#01\":{\"capture\":"));
	EXPECT(t, says(b, 0, "\"decoder\":{\"pkts\":1,\"pkts_delta\":1,"));
	udp(&k, FLOW_TO_CLIENT, ANSWER);
	udp(&k, FLOW_TO_CLIENT, ANSWER);
	pipeline_tick(b->p, (struct wall_ns){START + 5 * S});
	EXPECT(t, says(b, 1, "\"pkts\":3,\"pkts_delta\":2,"));
	EXPECT(t, says(b, 1, "\"active\":1,\"active_delta\":0,"));
	end(b);
	EXPECT_UINT(t, count(b, "\n"), 3);
	EXPECT(t, says(b, 2, "\"active\":0,\"active_delta\":-1,"));
	bench_done(b);
}

static void stats_can_be_off(struct test *t)
{
	struct bench *b = bench_yaml(NULL, STATS_LOG("totals: yes\nstats:\n  enabled: no"));

	name(b);
	end(b);
	EXPECT_UINT(t, count(b, "\n"), 0);
	bench_done(b);
}

static void keep_name(void *ctx, struct slice name, uint64_t value, int64_t grown)
{
	struct buf *names = ctx;

	buf_add(names, name);
	buf_add_z(names, value == 0 && grown == 0 ? "\n" : "!\n");
}

/* So that the JSON opens no group twice: what a name begins with up to any of its points is left
 * for good once another begins. */
static void names_of_counters_come_in_groups(struct test *t)
{
	struct arena_pool pool = {.budget = 1 << 20};
	struct arena a = {.pool = &pool};
	static struct pipeline_stats s;
	struct buf names = buf_in(&a);
	struct slice rest, last = {NULL, 0};
	size_t n = 0;

	pipeline_stats_each(&s, &s, keep_name, &names);
	for (rest = buf_slice(&names); rest.len != 0; n++) {
		struct slice name = slice_split(&rest, '\n');

		for (size_t i = 0; i < name.len; i++) {
			struct slice group = slice_part(name, 0, i + 1), before;

			if (name.ptr[i] != '.' || slice_starts(last, group))
				continue;
			before = slice_part(buf_slice(&names), 0, (size_t)(name.ptr - names.ptr));
			if (before.len != 0 &&
			    slice_find(before, buf_text(&a, "\n%.*s", SLICE_ARG(group))) !=
				    SIZE_MAX)
				test_fail(t, __FILE__, __LINE__, "%.*s comes twice",
					  SLICE_ARG(group));
		}
		EXPECT(t, name.ptr[name.len - 1] != '!');
		last = name;
	}
	EXPECT(t, n > PIPELINE_STAT_COUNT);
	arena_reset(&a);
	arena_pool_drain(&pool);
}

static void stats_of_workers_add_up(struct test *t)
{
	static struct pipeline_stats sum, one = {.uptime_s = 3, .rules_loaded = 7};

	one.at[PIPELINE_DECODER_PKTS] = 2;
	one.at[PIPELINE_DECODER_BYTES] = 300;
	one.at[PIPELINE_DECODER_MAX] = 200;
	one.at[PIPELINE_SLOTS - 1] = 5;
	sum = one;
	one.at[PIPELINE_DECODER_BYTES] = 100;
	one.at[PIPELINE_DECODER_MAX] = 60;
	pipeline_stats_add(&sum, &one);
	EXPECT_UINT(t, sum.at[PIPELINE_DECODER_PKTS], 4);
	EXPECT_UINT(t, sum.at[PIPELINE_DECODER_AVG], 100);
	EXPECT_UINT(t, sum.at[PIPELINE_DECODER_MAX], 200);
	EXPECT_UINT(t, sum.at[PIPELINE_SLOTS - 1], 10);
	EXPECT_UINT(t, sum.rules_loaded, 7);
}

TESTS(T(stats_are_said_at_the_end_by_their_names), T(stats_can_be_of_threads_and_grow),
      T(stats_can_be_off), T(names_of_counters_come_in_groups), T(stats_of_workers_add_up),
      T(stream_events_say_what_each_packet_did), T(stream_events_may_be_those_of_a_kind))
