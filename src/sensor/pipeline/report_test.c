/* SPDX-License-Identifier: Apache-2.0
 * What an eve-log of a suricata.yaml asks for is what it gets. */
#include <stdio.h>

#include "sensor/pipeline/pipeline_fixture.h"
#include "test.h"

/* The bench heard all it will. */
static void end(struct bench *b)
{
	pipeline_finish(b->p);
}

#define EVE_LOG(keys) "outputs:\n  - eve-log: " keys

#define EVIL                                                                                       \
	"alert http any any -> any any (msg:\"EVIL\"; http.uri; content:\"/evil\"; "               \
	"metadata:created_at 2026, tag A; reference:url,a.example/x; classtype:misc-attack; "      \
	"sid:1; rev:2;)\n"

/* ---- which events ---- */

static void an_eve_log_has_the_types_it_lists(struct test *t)
{
	static const struct {
		const char *yaml, *types; /* those that there are, of all below */
	} rows[] = {
		{EVE_LOG("{types: [alert]}"), "alert "},
		{EVE_LOG("{types: [http, flow]}"), "http flow "},
		{EVE_LOG("{types: [netflow, dns]}"), "dns netflow "},
		{EVE_LOG("{types: [{http: {enabled: no}}, {flow: {enabled: yes}}]}"), "flow "},
		{EVE_LOG("{types: [files]}"), "fileinfo "},
		{EVE_LOG("{types: []}"), ""},
		{EVE_LOG("{types: [bogus, flow]}"), "flow "},
	};
	static const char *const all[] = {"alert",   "http",	 "dns",	    "flow",
					  "netflow", "fileinfo", "anomaly", "stats"};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct bench *b = bench_yaml(EVIL, rows[i].yaml);
		struct buf got = buf_in(&b->arena);

		web(b);
		name(b);
		end(b);
		for (size_t k = 0; k < sizeof all / sizeof all[0]; k++) {
			char event[64];

			(void)snprintf(event, sizeof event, "\"event_type\":\"%s\"", all[k]);
			if (count(b, event) != 0)
				buf_add_fmt(&got, "%s ", all[k]);
		}
		if (!slice_equal(buf_slice(&got), slice_of(rows[i].types)))
			test_fail(t, __FILE__, __LINE__, "row %zu: %.*s", i,
				  SLICE_ARG(buf_slice(&got)));
		bench_done(b);
	}
}

static void each_eve_log_has_its_own(struct test *t)
{
	struct bench *b = bench_yaml(EVIL, "outputs:\n"
					   "  - eve-log: {sensor-name: one, types: [alert]}\n"
					   "  - eve-log: {sensor-name: two, types: [alert, flow]}");

	web(b);
	end(b);
	EXPECT_UINT(t, count(b, "\"event_type\":\"alert\""), 2);
	EXPECT_UINT(t, count(b, "\"event_type\":\"flow\""), 1);
	EXPECT_UINT(t, count(b, "\"host\":\"one\""), 1);
	EXPECT_UINT(t, count(b, "\"host\":\"two\""), 2);
	bench_done(b);
}

/* ---- what is in all of them ---- */

static void every_event_has_what_its_log_asks_for(struct test *t)
{
	static const struct {
		const char *yaml, *has, *not ;
	} rows[] = {
		{EVE_LOG("{types: [flow]}"), "\"flow\":{", "\"host\""},
		{EVE_LOG("{sensor-name: s1, types: [flow]}"), "\"host\":\"s1\"", "sensor_id"},
		{"sensor-name: s2\n" EVE_LOG("{types: [flow]}"), "\"host\":\"s2\"", "ether"},
		{EVE_LOG("{sensor-id: 7, types: [flow]}"), "\"sensor_id\":7", "\"host\""},
		{EVE_LOG("{suricata-version: yes, types: [flow]}"),
		 "\"suricata_version\":\"8.0.6\"", "pcap_filename"},
		{EVE_LOG("{community-id: yes, types: [flow]}"), "\"community_id\":\"1:", "host"},
		{EVE_LOG("{ethernet: yes, types: [flow]}"),
		 "\"ether\":{\"dest_macs\":[\"02:00:00:00:00:01\",\"02:00:00:00:00:02\"],"
		 "\"src_macs\":[",
		 "host"},
		{EVE_LOG("{ethernet: yes, types: [alert]}"),
		 "\"ether\":{\"src_mac\":\"02:00:00:00:00:02\",\"dest_mac\":\"02:00:00:00:00:01\"}",
		 "src_macs"},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct bench *b = bench_yaml(EVIL, rows[i].yaml);

		web(b);
		end(b);
		EXPECT_UINT(t, count(b, "\n"), 1);
		if (!says(b, 0, rows[i].has) || says(b, 0, rows[i].not ))
			test_fail(t, __FILE__, __LINE__, "row %zu: %.*s", i, SLICE_ARG(line(b, 0)));
		bench_done(b);
	}
}

/* The seed is part of what is hashed (community-id-spec, "seed"). */
static void the_community_id_depends_on_its_seed(struct test *t)
{
	struct bench *b = bench_yaml(
		NULL, "outputs:\n"
		      "  - eve-log: {community-id: yes, types: [dns]}\n"
		      "  - eve-log: {community-id: yes, community-id-seed: 1, types: [dns]}");
	struct slice id[4];

	name(b);
	end(b);
	EXPECT_UINT(t, count(b, "\n"), 4);
	for (size_t i = 0; i < 4; i++) {
		size_t at = slice_find(line(b, i), SLICE("\"community_id\""));

		EXPECT(t, at != SIZE_MAX);
		id[i] = slice_part(line(b, i), at, 40);
	}
	EXPECT(t, !slice_equal(id[0], id[1]));
	EXPECT_SLICE(t, id[0], id[2]); /* question and answer are of one flow */
	EXPECT_SLICE(t, id[1], id[3]);
	bench_done(b);
}

/* ---- alerts ---- */

#define ALERTS(keys) EVE_LOG("{types: [{alert: " keys "}]}")

static void an_alert_has_what_is_asked_for(struct test *t)
{
	static const struct {
		const char *yaml, *has, *not ;
	} rows[] = {
		{ALERTS("{}"), "\"metadata\":{\"created_at\":[\"2026\"],\"tag\":[\"A\"]}",
		 "\"payload"},
		{ALERTS("{}"), "\"http\":{\"hostname\":\"a.example\"", "\"rule\":"},
		{ALERTS("{}"), "\"flow\":{\"pkts_toserver\":", "references"},
		{ALERTS("{metadata: no}"), "\"signature\":\"EVIL\"", "\"http\":"},
		{ALERTS("{metadata: no}"), "\"signature\":\"EVIL\"", "\"flow\":{"},
		{ALERTS("{metadata: {app-layer: no}}"), "\"flow\":{", "\"http\":"},
		{ALERTS("{metadata: {flow: no}}"), "\"http\":{", "\"flow\":{"},
		{ALERTS("{metadata: {rule: {metadata: no}}}"), "\"http\":{", "created_at"},
		{ALERTS("{metadata: {rule: {raw: yes}}}"), "\"rule\":\"alert http any any", "ref:"},
		{ALERTS("{metadata: {rule: {reference: yes}}}"),
		 "\"references\":[\"https://a.example/x\"]", "\"rule\":"},
		{ALERTS("{payload: yes}"), "\"payload\":\"R0VUIC9ldmls", "payload_printable"},
		{ALERTS("{payload-printable: yes}"),
		 "\"payload_printable\":\"GET /evil?x=1 HTTP/1.1\\r\\nHost:", "\"payload\":"},
		{ALERTS("{payload-length: yes}"), "\"payload_length\":61", "\"payload\":"},
		{ALERTS("{payload-printable: yes, payload-buffer-size: 9}"),
		 "\"payload_printable\":\"GET /evil\"", "payload_length"},
		{ALERTS("{packet: yes}"),
		 "\"packet_info\":{\"linktype\":1,\"linktype_name\":", "payload"},
		{ALERTS("{verdict: yes}"), "\"verdict\":{\"action\":\"alert\"}", "payload"},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct bench *b = bench_yaml(EVIL, rows[i].yaml);

		web(b);
		end(b);
		EXPECT_UINT(t, count(b, "\n"), 1);
		if (!says(b, 0, rows[i].has) || says(b, 0, rows[i].not ))
			test_fail(t, __FILE__, __LINE__, "row %zu: %.*s", i, SLICE_ARG(line(b, 0)));
		bench_done(b);
	}
}

static void who_a_proxy_speaks_for_stands_where_it_is_wanted(struct test *t)
{
	static const struct {
		const char *xff, *sent, *has, *not ;
	} rows[] = {
		{"{enabled: no}", "192.0.2.7", "\"src_ip\":\"10.0.0.1\"", "xff"},
		{"{enabled: yes}", "192.0.2.7", "\"xff\":\"192.0.2.7\"", "\"src_ip\":\"192"},
		{"{enabled: yes, mode: overwrite}", "192.0.2.7", "\"src_ip\":\"192.0.2.7\"", "xff"},
		{"{enabled: yes}", "192.0.2.7, 192.0.2.8", "\"xff\":\"192.0.2.8\"", "2.7\""},
		{"{enabled: yes, deployment: forward}", "192.0.2.7, 192.0.2.8",
		 "\"xff\":\"192.0.2.7\"", "2.8\""},
		{"{enabled: yes, header: Other}", "192.0.2.7", "\"src_ip\":\"10.0.0.1\"", "xff\""},
		{"{enabled: yes}", "nobody", "\"src_ip\":\"10.0.0.1\"", "xff\""},
		{"{enabled: yes}", "[2001:db8::1]:80", "\"xff\":\"2001:db8::1\"", "]"},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char yaml[256], request[256];
		struct bench *b;
		struct talk k;

		(void)snprintf(yaml, sizeof yaml,
			       EVE_LOG("{types: [{alert: {metadata: no, xff: %s}}]}"), rows[i].xff);
		(void)snprintf(request, sizeof request,
			       "GET /evil HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: %s\r\n\r\n",
			       rows[i].sent);
		b = bench_yaml("alert http any any -> any any (http.uri; content:\"/evil\"; "
			       "sid:1;)\n",
			       yaml);
		k = talk_of(b, 80);
		handshake(&k);
		say(&k, FLOW_TO_SERVER, slice_of(request));
		say(&k, FLOW_TO_CLIENT, RESPONSE);
		end(b);
		EXPECT_UINT(t, count(b, "\n"), 1);
		if (!says(b, 0, rows[i].has) || says(b, 0, rows[i].not ))
			test_fail(t, __FILE__, __LINE__, "row %zu: %.*s", i, SLICE_ARG(line(b, 0)));
		bench_done(b);
	}
}

static void frames_are_events_if_asked_for(struct test *t)
{
	struct bench *b = bench_yaml(NULL, EVE_LOG("{types: [{frame: {enabled: yes}}]}"));

	web(b);
	end(b);
	EXPECT(t, count(b, "\"event_type\":\"frame\"") >= 4);
	EXPECT_UINT(t, count(b, "\"event_type\""), count(b, "\"event_type\":\"frame\""));
	EXPECT_UINT(t, count(b, "\"frame\":{\"type\":\"request\",\"id\":"), 1);
	EXPECT_UINT(t, count(b, "\"frame\":{\"type\":\"response\",\"id\":"), 1);
	EXPECT_UINT(t, count(b, "\"direction\":\"toclient\",\"stream_offset\":0,"), 2);
	EXPECT(t, count(b, "\"payload_printable\":\"GET /evil?x=1 HTTP/1.1") != 0);
	EXPECT(t, count(b, "\"complete\":true") != 0);
	bench_done(b);
}

/* ---- drops ---- */

static void drops_are_said_as_they_are_asked_for(struct test *t)
{
	static const struct {
		const char *keys;
		size_t events;
		const char *has, *not ;
	} rows[] = {
		{"{}", 2, "\"reason\":\"rules\"", "\"alert\":{"},
		{"{alerts: yes}", 2, "\"alert\":{\"action\":\"blocked\",\"gid\":1,", "verdict"},
		{"{flows: all}", 4, "\"reason\":\"flow drop\"", "\"alert\":{"},
		{"{verdict: yes}", 2, "\"verdict\":{\"action\":\"drop\"}", "\"alert\":{"},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char yaml[256];
		struct bench *b;
		struct talk k;

		(void)snprintf(yaml, sizeof yaml,
			       "simulate-ips: yes\n" EVE_LOG("{types: [{drop: %s}]}"),
			       rows[i].keys);
		b = bench_yaml("drop tcp any any -> any any (content:\"bad\"; sid:1;)\n", yaml);
		k = talk_of(b, 9);
		handshake(&k);
		say(&k, FLOW_TO_SERVER, SLICE("bad"));
		say(&k, FLOW_TO_SERVER, SLICE("more"));
		end(b);
		if (count(b, "\n") != rows[i].events || count(b, rows[i].has) == 0 ||
		    count(b, rows[i].not ) != 0)
			test_fail(t, __FILE__, __LINE__, "row %zu: %.*s", i,
				  SLICE_ARG(buf_slice(&b->lines)));
		bench_done(b);
	}
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

TESTS(T(an_eve_log_has_the_types_it_lists), T(each_eve_log_has_its_own),
      T(every_event_has_what_its_log_asks_for), T(the_community_id_depends_on_its_seed),
      T(an_alert_has_what_is_asked_for), T(who_a_proxy_speaks_for_stands_where_it_is_wanted),
      T(frames_are_events_if_asked_for), T(drops_are_said_as_they_are_asked_for),
      T(stats_are_said_at_the_end_by_their_names), T(stats_can_be_of_threads_and_grow),
      T(stats_can_be_off), T(names_of_counters_come_in_groups), T(stats_of_workers_add_up),
      T(stream_events_say_what_each_packet_did), T(stream_events_may_be_those_of_a_kind))
