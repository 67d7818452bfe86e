/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/pipeline/pipeline.h"

#include "sensor/capture/capture.h"
#include "sensor/pipeline/pipeline_fixture.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- tests ---- */

static void a_web_request_gives_a_transaction_and_a_flow(struct test *t)
{
	struct bench *b = bench_new(NULL, 0);

	web(b);
	EXPECT_UINT(t, count(b, "\n"), 1);
	EXPECT(t, says(b, 0,
		       "\"event_type\":\"http\",\"party\":\"north\",\"station\":\"n1\",\"src_"
		       "ip\":\"10.0.0.1\",\"src_port\":40000,\"dest_ip\":\"198.51.100.2\","
		       "\"dest_port\":80,\"proto\":\"TCP\""));
	EXPECT(t, says(b, 0, "\"hostname\":\"a.example\",\"url\":\"/evil?x=1\""));
	EXPECT(t, says(b, 0, "\"status\":200"));
	pipeline_finish(b->p);
	EXPECT_UINT(t, count(b, "\n"), 2);
	EXPECT(t, says(b, 1, "\"event_type\":\"flow\""));
	EXPECT(t, says(b, 1,
		       "\"app_proto\":\"http\",\"flow\":{\"pkts_toserver\":6,\"pkts_"
		       "toclient\":4,\"bytes_toserver\":385,\"bytes_toclient\":285,"
		       "\"start\":\"2023-11-14T22:13:20.000000+0000\",\"end\":\"2023-11-"
		       "14T22:13:20.009000+0000\",\"age\":0,\"state\":\"closed\",\"reason\":"
		       "\"shutdown\",\"alerted\":false,\"bins_toserver\":\"1\",\"bins_"
		       "toclient\":\"1\"},\"tcp\":{\"tcp_flags_ts\":\"1b\",\"tcp_flags_"
		       "tc\":\"1b\",\"state\":\"closed\"}}"));
	EXPECT_UINT(t, pipeline_counters(b->p)->packets, 10);
	EXPECT_UINT(t, pipeline_counters(b->p)->records, 2);
	EXPECT_UINT(t, pipeline_counters(b->p)->flows, 1);
	bench_done(b);
}

static void a_name_question_and_its_answer_are_two_records(struct test *t)
{
	struct bench *b = bench_new(NULL, 0);

	name(b);
	EXPECT_UINT(t, count(b, "\n"), 2);
	EXPECT(t, says(b, 0,
		       "\"dns\":{\"version\":3,\"type\":\"request\",\"tx_id\":0,\"id\":4660,"
		       "\"queries\":[{\"rrname\":\"a.example\",\"rrtype\":\"A\"}]}}"));
	EXPECT(t, says(b, 1, "\"type\":\"response\""));
	EXPECT(t, says(b, 1, "\"rdata\":\"192.0.2.9\""));
	b->at += 400 * S;
	name(b); /* past the timeout: the old flow is written, a new one begins */
	EXPECT(t, says(b, 2, "\"event_type\":\"flow\""));
	EXPECT(t, says(b, 2, "\"state\":\"established\",\"reason\":\"timeout\""));
	EXPECT(t, !says(b, 2, "\"tcp\""));
	EXPECT_UINT(t, count(b, "\"tx_id\":0"), 2);
	EXPECT_UINT(t, count(b, "\"tx_id\":1"), 2);
	EXPECT_UINT(t, pipeline_counters(b->p)->flows, 2);
	bench_done(b);
}

#define RULES                                                                                      \
	"alert http any any -> any any (msg:\"EVIL\"; flow:established,to_server; http.uri; "      \
	"content:\"/evil\"; classtype:trojan-activity; metadata:affected_product Any, "            \
	"dewline_act "                                                                             \
	"beacon , lonely; sid:1; rev:2;)\n"                                                        \
	"alert dns any any -> any any (msg:\"NAME\"; dns.query; content:\"a.example\"; sid:2;)\n"  \
	"alert udp any any -> any 53 (msg:\"PACKET\"; content:\"example\"; sid:3;)\n"              \
	"drop tcp any any -> any any (msg:\"STREAM\"; content:\"hello\"; sid:4;)\n"

static void an_answer_without_its_question_shows_who_is_the_server(struct test *t)
{
	struct bench *b = bench_new("alert dns any 53 -> any any (flow:to_client; sid:1;)\n"
				    "alert dns any any -> any any (flow:to_server; sid:2;)\n",
				    0);
	struct talk k = talk_of(b, 53);

	udp(&k, FLOW_TO_CLIENT, ANSWER);
	udp(&k, FLOW_TO_SERVER, QUERY);
	pipeline_finish(b->p);
	EXPECT(t, says(b, 0, "\"signature_id\":1"));
	EXPECT(t, says(b, 1, "\"type\":\"response\""));
	EXPECT(t, says(b, 2, "\"signature_id\":2"));
	EXPECT(t, says(b, 3, "\"type\":\"request\""));
	EXPECT(t, says(b, 4, "\"src_ip\":\"10.0.0.1\",\"src_port\":40000"));
	EXPECT(t, says(b, 4, "\"pkts_toserver\":1,\"pkts_toclient\":1"));
	bench_done(b);
}

/* Captures of one direction have such flows, and so does who wants not to be read. */
static void questions_that_nobody_answers_are_all_read(struct test *t)
{
	struct bench *b =
		bench_new("alert dns any any -> any any (dns.query; content:\"a.example\"; "
			  "sid:1;)\n",
			  0);
	struct talk k = talk_of(b, 53);

	for (int i = 0; i < APP_TXS_MAX + 10; i++)
		udp(&k, FLOW_TO_SERVER, QUERY);
	EXPECT_UINT(t, pipeline_counters(b->p)->alerts, APP_TXS_MAX + 10);
	bench_done(b);
}

static void a_session_picked_up_at_its_server_is_swapped(struct test *t)
{
	struct bench *b = bench_set("alert http any 80 -> any any (flow:to_client; file.data; "
				    "content:\"hello\"; sid:1;)\n"
				    "alert http any any -> any 80 (flow:to_server; http.uri; "
				    "content:\"/evil\"; sid:2;)\n",
				    0, "stream.midstream=true");
	struct talk k = talk_of(b, 80);

	say(&k, FLOW_TO_CLIENT, RESPONSE);
	say(&k, FLOW_TO_SERVER, REQUEST);
	say(&k, FLOW_TO_CLIENT, RESPONSE);
	pipeline_finish(b->p);
	EXPECT_UINT(t, count(b, "\"signature_id\":1,"), 2);
	EXPECT_UINT(t, count(b, "\"signature_id\":2,"), 1);
	EXPECT_UINT(t, count(b, "\"event_type\":\"anomaly\""), 1); /* an answer to nothing */
	EXPECT_UINT(t, count(b, "\"event_type\":\"flow\""), 1);
	bench_done(b);
}

static void inline_a_packet_goes_on_with_the_bytes_that_came_first(struct test *t)
{
	struct bench *b =
		bench_set("alert tcp-pkt any any -> any any (content:\"EVIL\"; sid:1;)\n"
			  "alert tcp-pkt any any -> any any (content:\"GOOD\"; sid:2;)\n"
			  "alert tcp-stream any any -> any any (content:\"EVIL\"; sid:3;)\n"
			  "alert tcp-pkt any any -> any any (content:\"!more\"; sid:4;)\n",
			  0, "simulate-ips=true");
	struct talk k = talk_of(b, 8080);

	handshake(&k);
	tcp(&k, FLOW_TO_SERVER, TCP_ACK, SLICE("GOOD"));
	k.seq[FLOW_TO_SERVER] -= 4;
	tcp(&k, FLOW_TO_SERVER, TCP_ACK, SLICE("EVIL"));
	k.seq[FLOW_TO_SERVER] -= 4;
	tcp(&k, FLOW_TO_SERVER, TCP_ACK, SLICE("EVIL!more"));
	pipeline_finish(b->p);
	EXPECT_UINT(t, count(b, "\"signature_id\":1,"), 0);
	EXPECT_UINT(t, count(b, "\"signature_id\":2,"), 3);
	EXPECT_UINT(t, count(b, "\"signature_id\":3,"), 0);
	EXPECT_UINT(t, count(b, "\"signature_id\":4,"), 1);
	bench_done(b);
}

/* What came before a gap is looked at with the next packet of the direction, or at the end. */
static void bytes_before_a_gap_are_looked_at_by_themselves(struct test *t)
{
	struct bench *b =
		bench_new("alert tcp-stream any any -> any any (content:\"before\"; sid:1;)\n"
			  "alert tcp-stream any any -> any any (content:\"behind\"; sid:2;)\n"
			  "alert tcp-stream any any -> any any (content:\"last\"; sid:3;)\n"
			  "alert tcp-stream any any -> any any (content:\"ebe\"; sid:4;)\n",
			  0);
	struct talk k = talk_of(b, 8080);

	handshake(&k);
	tcp(&k, FLOW_TO_SERVER, TCP_ACK, SLICE("before"));
	k.seq[FLOW_TO_SERVER] += 2;
	tcp(&k, FLOW_TO_SERVER, TCP_ACK, SLICE("behind"));
	k.seq[FLOW_TO_SERVER] += 2;
	tcp(&k, FLOW_TO_SERVER, TCP_ACK, SLICE("last"));
	tcp(&k, FLOW_TO_CLIENT, TCP_ACK, SLICE("")); /* all of it */
	pipeline_finish(b->p);
	for (const char *const *sid = (const char *const[]){"1,", "2,", "3,", NULL}; *sid != NULL;
	     sid++) {
		char text[32];

		(void)snprintf(text, sizeof text, "\"signature_id\":%s", *sid);
		EXPECT_UINT(t, count(b, text), 1);
	}
	EXPECT_UINT(t, count(b, "\"signature_id\":4,"), 0);
	bench_done(b);
}

static void an_alert_says_what_its_rule_says(struct test *t)
{
	struct bench *b = bench_new(RULES, 0);

	web(b);
	EXPECT(t, says(b, 0, "\"event_type\":\"alert\""));
	EXPECT(t, says(b, 0, "\"src_ip\":\"10.0.0.1\",\"src_port\":40000"));
	EXPECT(t, says(b, 0,
		       "\"app_proto\":\"http\",\"direction\":\"to_server\",\"tx_id\":0,"
		       "\"alert\":{\"action\":\"allowed\",\"gid\":1,\"signature_id\":1,"
		       "\"rev\":2,\"signature\":\"EVIL\""));
	EXPECT(t, says(b, 0,
		       "\"classtype\":\"trojan-activity\",\"severity\":1,\"metadata\":{"
		       "\"affected_product\":[\"Any\"],\"dewline_act\":[\"beacon\"],"
		       "\"lonely\":[\"\"]}"));
	EXPECT_UINT(t, count(b, "\"signature_id\":4"), 1);
	EXPECT_UINT(t, count(b, "\"action\":\"blocked\""), 0); /* not on a tap */
	pipeline_finish(b->p);
	EXPECT_UINT(t, count(b, "\"alerted\":true"), 1);
	EXPECT_UINT(t, pipeline_counters(b->p)->alerts, 2);
	bench_done(b);
}

static void alerts_come_before_the_transaction_and_that_before_the_flow(struct test *t)
{
	struct bench *b = bench_new(RULES, 0);
	size_t n;

	name(b);
	pipeline_finish(b->p);
	n = count(b, "\n");
	EXPECT_UINT(t, n, 5); /* two alerts, question, answer, flow */
	EXPECT(t, says(b, 0, "\"signature_id\":3") || says(b, 0, "\"signature_id\":2"));
	EXPECT(t, says(b, 1, "\"event_type\":\"alert\""));
	EXPECT(t, says(b, 2, "\"request\"") && says(b, 3, "\"response\""));
	EXPECT(t, says(b, 4, "\"event_type\":\"flow\""));
	bench_done(b);
}

static void malformed_packets_are_said_up_to_a_limit(struct test *t)
{
	struct bench *b = bench_new(NULL, 0);
	struct frame f;

	put_ip(&f, 17, (const uint8_t[]){10, 0, 0, 1}, (const uint8_t[]){10, 0, 0, 2}, 8);
	f.b[14] = 0x44; /* a header of 16 bytes */
	put(&f, "\0\1\0\2\0\x08\0\0", 8);
	for (unsigned i = 0; i < PIPELINE_DECODE_SAID_MAX; i++)
		feed(b, &f);
	EXPECT_UINT(t, pipeline_counters(b->p)->muted, 0);
	EXPECT(t, says(b, 0, "\"event_type\":\"anomaly\""));
	EXPECT(t, says(b, 0, "\"anomaly\":{\"type\":\"decode\",\"event\":\"decoder.ipv4."));
	feed(b, &f);
	EXPECT_UINT(t, pipeline_counters(b->p)->muted, 1);
	EXPECT_UINT(t, pipeline_counters(b->p)->anomalies, PIPELINE_DECODE_SAID_MAX);
	pipeline_finish(b->p);
	EXPECT_UINT(t, count(b, "\"event_type\":\"flow\""), 0);
	bench_done(b);
}

static void an_odd_session_is_said_once(struct test *t)
{
	struct bench *b = bench_new(NULL, 0);
	struct talk k = talk_of(b, 9);
	size_t once;

	handshake(&k);
	k.seq[1] += 1000000; /* acknowledges what was never sent */
	tcp(&k, FLOW_TO_SERVER, TCP_ACK, SLICE(""));
	once = count(b, "\"type\":\"stream\"");
	EXPECT(t, once > 0);
	tcp(&k, FLOW_TO_SERVER, TCP_ACK, SLICE(""));
	EXPECT_UINT(t, count(b, "\"type\":\"stream\""), once);
	bench_done(b);
}

static void rules_see_what_was_odd_about_the_session(struct test *t)
{
	struct bench *b = bench_new("alert tcp any any -> any any (msg:\"ODD\"; "
				    "stream-event:est_invalid_ack; sid:5;)\n"
				    "alert ip any any -> any any (msg:\"BAD\"; "
				    "decode-event:ipv4.hlen_too_small; sid:6;)\n",
				    0);
	struct talk k = talk_of(b, 9);
	struct frame f;

	handshake(&k);
	EXPECT_UINT(t, count(b, "alert"), 0);
	k.seq[1] += 1000000;
	tcp(&k, FLOW_TO_SERVER, TCP_ACK, SLICE(""));
	EXPECT_UINT(t, count(b, "\"signature_id\":5"), 1);
	put_ip(&f, 17, (const uint8_t[]){10, 0, 0, 1}, (const uint8_t[]){10, 0, 0, 2}, 8);
	f.b[14] = 0x44;
	put(&f, "\0\1\0\2\0\x08\0\0", 8);
	feed(b, &f);
	EXPECT_UINT(t, count(b, "\"signature_id\":6"), 1);
	bench_done(b);
}

static void a_scan_is_behaviour(struct test *t)
{
	struct bench *b = bench_new(NULL, 0);

	for (uint16_t i = 0; i < 15; i++) {
		struct talk k = talk_of(b, (uint16_t)(20 + i));

		tcp(&k, FLOW_TO_SERVER, TCP_SYN, SLICE(""));
		tcp(&k, FLOW_TO_CLIENT, TCP_RST | TCP_ACK, SLICE(""));
	}
	pipeline_finish(b->p);
	EXPECT_UINT(t, count(b, "\"type\":\"behaviour\",\"event\":\"scan.ports\""), 1);
	EXPECT_UINT(t, count(b, "\"party\":\"north\""), 16);
	bench_done(b);
}

static void frames_that_are_not_ip_are_counted(struct test *t)
{
	struct bench *b = bench_new(RULES, 0);
	struct frame f = {.len = 42};

	f.b[12] = 8;
	f.b[13] = 6; /* ARP */
	feed(b, &f);
	pipeline_frame(b->p, 65000, SLICE("?"), 1, (struct wall_ns){INT64_MIN}, 1);
	pipeline_frame(b->p, UINT32_MAX, SLICE(""), 0, (struct wall_ns){INT64_MAX}, 2);
	EXPECT_UINT(t, pipeline_counters(b->p)->undecoded, 3);
	EXPECT_UINT(t, pipeline_counters(b->p)->packets, 3);
	EXPECT_UINT(t, pipeline_counters(b->p)->flows, 0);
	bench_done(b);
}

static void nothing_is_said_without_finish(struct test *t)
{
	struct bench *b = bench_new(RULES, 0);
	struct talk k = talk_of(b, 80);
	size_t before;

	handshake(&k);
	tcp(&k, FLOW_TO_SERVER, TCP_ACK, slice_part(REQUEST, 0, 20));
	before = b->lines.len;
	pipeline_free(b->p);
	b->p = NULL;
	EXPECT_UINT(t, b->lines.len, before);
	bench_done(b);
	pipeline_free(NULL);
}

/* Everything above at once, and bytes that chance changed. */
static void storm(struct test *t, struct bench *b, unsigned rounds)
{
	for (unsigned i = 0; i < rounds; i++) {
		struct frame f;
		size_t n = test_rand(t) % 60;

		if (i % 7 == 0)
			web(b);
		if (i % 5 == 0)
			name(b);
		put_ip(&f, test_rand(t) % 2 ? 6 : 17, (const uint8_t[]){10, 0, 0, 1},
		       (const uint8_t[]){10, 0, 0, (uint8_t)(test_rand(t) % 4)}, n);
		for (size_t k = 0; k < n; k++)
			put(&f, (const uint8_t[]){(uint8_t)(test_rand(t) % 4 ? 0 : test_rand(t))},
			    1);
		for (unsigned k = 0; k < 3; k++)
			f.b[test_rand(t) % f.len] = (uint8_t)test_rand(t);
		f.len -= test_rand(t) % 8 ? 0 : test_rand(t) % f.len;
		feed(b, &f);
		b->at += (int64_t)(test_rand(t) % (uint64_t)(20 * S));
	}
}

static void the_same_frames_give_the_same_bytes(struct test *t)
{
	uint64_t seed = t->rng, hash[2] = {0};
	size_t len[2];

	for (unsigned i = 0; i < 2; i++) {
		struct bench *b = bench_new(RULES, 0);

		t->rng = seed;
		storm(t, b, 400);
		pipeline_finish(b->p);
		EXPECT(t, !b->lines.full);
		len[i] = b->lines.len;
		for (size_t k = 0; k < b->lines.len; k++)
			hash[i] = hash[i] * 31 + b->lines.ptr[k];
		bench_done(b);
	}
	EXPECT(t, len[0] > 1000);
	EXPECT_UINT(t, len[0], len[1]);
	EXPECT_UINT(t, hash[0], hash[1]);
}

static void little_memory_means_less_said_and_no_harm(struct test *t)
{
	static const size_t budgets[] = {1,	    64 << 10,  96 << 10, 128 << 10,
					 256 << 10, 512 << 10, 1 << 20,	 4 << 20};

	for (size_t i = 0; i < sizeof budgets / sizeof budgets[0]; i++) {
		struct bench *b = bench_new(RULES, budgets[i]);

		if (b->p != NULL) {
			storm(t, b, 100);
			EXPECT(t, b->p->pool.out <= budgets[i]);
			pipeline_finish(b->p);
		} else {
			EXPECT(t, budgets[i] < 512 << 10);
		}
		bench_done(b);
	}
}

/* Stream bytes have a share of the memory; a session whose bytes find none is still a flow. */
static void streams_keep_to_their_share(struct test *t)
{
	static const char rules[] =
		"alert http any any -> any any (http.uri; content:\"evil\"; sid:1;)\n";
	static const struct {
		const char *setting;
		size_t alerts;
	} cases[] = {{"stream.reassembly.memcap=64kb", 1},
		     {"stream.reassembly.memcap=0", 1}, /* no share of its own */
		     {"stream.reassembly.memcap=100", 0}};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct bench *b = bench_set(rules, 8 << 20, cases[i].setting);

		EXPECT(t, b->p != NULL);
		web(b);
		pipeline_finish(b->p);
		EXPECT_UINT(t, count(b, "\"event_type\":\"alert\""), cases[i].alerts);
		EXPECT_UINT(t, pipeline_counters(b->p)->flows, 1);
		bench_done(b);
	}
}

static void any_allocation_may_fail(struct test *t)
{
	for (size_t n = 1; n < 150; n++) {
		struct bench *b = bench_new(RULES, 0);

		b->p->pool.fail_after = n;
		web(b);
		name(b);
		pipeline_finish(b->p);
		bench_done(b);
	}
}

/* Public captures that the repository does not hold (see shared/data/MANIFEST.md): attacks that
 * must be seen without a rule, and traffic about which nothing may be said. */
static const struct {
	const char *file, *event; /* NULL: nothing */
	size_t times;
} captures[] = {
	{"corelight/strrat.pcap", "beacon", 1},
	{"slips/test-cc_test-cc-capture-1.pcap", "beacon", 1},
	{"ndpi/dns-tunnel-iodine.pcap", "dns.exfiltration", 1},
	{"ndpi/synscan.pcap", "scan.ports", 1},
	{"slips/test7-malicious.pcap", "scan.", 4}, /* hosts on three ports; slowly, too */
	{"slips/test19-malicious-ssh_malicious-ssh-bruteforce.pcap", "bruteforce.guessing", 1},
	{"ndpi/tor.pcap", NULL, 0},
	{"ndpi/s7comm.pcap", NULL, 0},
	{"ndpi/IEC104.pcap", NULL, 0},
	{"ndpi/icmp-tunnel.pcap", "exfiltration.icmp", 1},
	{"ics/dnp3_test_data_part1.pcap", NULL, 0},
	{"ics/modbus_test_data_part1.pcap", NULL, 0},
};

static bool feed_capture(struct bench *b, const char *file)
{
	const char *root = getenv("DEW_SOURCE_ROOT");
	static uint8_t bytes[4 << 20];
	static struct capture capture;
	struct capture_packet k;
	struct fail why = {0};
	char path[4096];
	size_t n;
	FILE *f;

	(void)snprintf(path, sizeof path, "%s/../shared/data/traffic/%s", root ? root : ".", file);
	f = fopen(path, "rbe");
	if (f == NULL)
		return false;
	n = fread(bytes, 1, sizeof bytes, f);
	(void)fclose(f);
	if (capture_open(&capture, (struct slice){bytes, n}, &why) != ST_OK)
		return false;
	while (capture_next(&capture, &k, &why) == ST_OK)
		pipeline_frame(b->p, k.linktype, k.data, k.wire_bytes, k.at, k.number);
	pipeline_finish(b->p);
	return true;
}

static void public_captures_give_the_behaviour_they_show(struct test *t)
{
	for (size_t i = 0; i < sizeof captures / sizeof captures[0]; i++) {
		struct bench *b = bench_new(NULL, 0);
		char event[64];

		(void)snprintf(event, sizeof event, "\"behaviour\",\"event\":\"%s",
			       captures[i].event ? captures[i].event : "");
		if (!feed_capture(b, captures[i].file)) {
			test_skip(t, "no ../shared/data/traffic/%s", captures[i].file);
		} else if (count(b, "\"behaviour\"") != captures[i].times ||
			   (captures[i].times != 0 && count(b, event) != captures[i].times)) {
			test_fail(t, __FILE__, __LINE__, "%s: %zu findings", captures[i].file,
				  count(b, "\"behaviour\""));
		}
		bench_done(b);
	}
}

TESTS(T(a_web_request_gives_a_transaction_and_a_flow),
      T(a_name_question_and_its_answer_are_two_records),
      T(an_answer_without_its_question_shows_who_is_the_server),
      T(questions_that_nobody_answers_are_all_read),
      T(a_session_picked_up_at_its_server_is_swapped),
      T(inline_a_packet_goes_on_with_the_bytes_that_came_first),
      T(bytes_before_a_gap_are_looked_at_by_themselves), T(an_alert_says_what_its_rule_says),
      T(alerts_come_before_the_transaction_and_that_before_the_flow),
      T(malformed_packets_are_said_up_to_a_limit), T(an_odd_session_is_said_once),
      T(rules_see_what_was_odd_about_the_session), T(a_scan_is_behaviour),
      T(frames_that_are_not_ip_are_counted), T(nothing_is_said_without_finish),
      T(the_same_frames_give_the_same_bytes), T(little_memory_means_less_said_and_no_harm),
      T(streams_keep_to_their_share), T(any_allocation_may_fail),
      T(public_captures_give_the_behaviour_they_show))
