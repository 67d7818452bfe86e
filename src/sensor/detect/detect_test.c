/* SPDX-License-Identifier: Apache-2.0
 * What rules see of flows, streams and transactions, and what they remember. */
#include <stdio.h>

#include "sensor/detect/detect_fixture.h"
#include "test.h"

static const char get_request[] = "GET /evil/path?x=1 HTTP/1.1\r\nHost: example.test\r\n"
				  "User-Agent: probe/1.0\r\nCookie: k=v\r\n\r\n";
static const char post_request[] = "POST /up HTTP/1.1\r\nHost: example.test\r\n"
				   "Content-Length: 11\r\n\r\nhello world";
static const char ok_response[] =
	"HTTP/1.1 200 OK\r\nServer: unit/2\r\nContent-Length: 6\r\n\r\nsecret";

#define SAY(x, dir, text) fixture_say((x), (dir), SLICE(text))
#define SAY_Z(x, dir, z) fixture_say((x), (dir), slice_of(z))

static bool begin(struct fixture *x, const char *rules, uint8_t proto, uint16_t port)
{
	if (!fixture_rules(x, slice_of(rules), 0))
		return false;
	fixture_flow(x, proto, port);
	return true;
}

static bool begin_tcp(struct fixture *x, const char *rules, uint16_t port)
{
	if (!begin(x, rules, IP_PROTO_TCP, port))
		return false;
	fixture_app(x, APP_TCP);
	fixture_handshake(x);
	return true;
}

/* --- packets and flows --- */

static void flow_directions_and_states_are_kept_apart(struct test *t)
{
	struct fixture x;

	EXPECT(t,
	       begin(&x,
		     "alert udp any any -> any any (flow:to_server; content:\"a\"; sid:1;)\n"
		     "alert udp any any -> any any (flow:to_client; content:\"a\"; sid:2;)\n"
		     "alert udp any any -> any any (flow:established; content:\"a\"; sid:3;)\n"
		     "alert udp any any -> any any (flow:not_established; content:\"a\"; sid:4;)\n"
		     "alert udp any any -> any any (flow:stateless; content:\"a\"; sid:5;)\n",
		     IP_PROTO_UDP, 9));
	fixture_datagram(&x, FLOW_TO_SERVER, SLICE("a"));
	EXPECT_UINT(t, fixture_count(&x, 1), 1);
	EXPECT_UINT(t, fixture_count(&x, 2), 0);
	EXPECT_UINT(t, fixture_count(&x, 3), 0);
	EXPECT_UINT(t, fixture_count(&x, 4), 1);
	EXPECT_UINT(t, fixture_count(&x, 5), 1);
	fixture_datagram(&x, FLOW_TO_CLIENT, SLICE("a"));
	EXPECT_UINT(t, fixture_count(&x, 1), 1);
	EXPECT_UINT(t, fixture_count(&x, 2), 1);
	EXPECT_UINT(t, fixture_count(&x, 3), 1);
	EXPECT_UINT(t, fixture_count(&x, 4), 1);
	fixture_done(&x);
}

static void rules_about_addresses_alone_fire_once_a_flow_and_direction(struct test *t)
{
	struct fixture x;

	EXPECT(t, begin(&x,
			"alert ip [192.0.2.1,192.0.2.9] any -> any any (msg:\"a\"; sid:1;)\n"
			"alert ip any any -> [192.0.2.0/30,!192.0.2.2] any (msg:\"b\"; sid:2;)\n"
			"alert ip [192.0.2.2] any -> any any (msg:\"c\"; sid:3;)\n"
			"alert ip any any -> any any (msg:\"d\"; sid:4;)\n",
			IP_PROTO_UDP, 9));
	for (int i = 0; i < 3; i++)
		fixture_datagram(&x, FLOW_TO_SERVER, SLICE("a"));
	EXPECT_UINT(t, fixture_count(&x, 1), 0);
	EXPECT_UINT(t, fixture_count(&x, 2), 1);
	EXPECT_UINT(t, fixture_count(&x, 4), 1);
	fixture_datagram(&x, FLOW_TO_CLIENT, SLICE("a"));
	EXPECT_UINT(t, fixture_count(&x, 1), 1);
	EXPECT_UINT(t, fixture_count(&x, 2), 1);
	EXPECT_UINT(t, fixture_count(&x, 3), 0);
	EXPECT_UINT(t, fixture_count(&x, 4), 2);
	fixture_done(&x);
}

static void setters_of_a_bit_are_asked_before_its_readers(struct test *t)
{
	struct fixture x;

	EXPECT(t,
	       begin(&x,
		     "alert udp any any -> any any (content:\"a\"; flowbits:isset,one; sid:1;)\n"
		     "alert udp any any -> any any (content:\"a\"; flowbits:set,one; "
		     "flowbits:noalert; sid:2;)\n"
		     "alert udp any any -> any any (content:\"a\"; flowbits:isnotset,one; sid:3;)\n"
		     "alert udp any any -> any any (content:\"b\"; flowbits:isset,two|one; "
		     "sid:4;)\n"
		     "alert udp any any -> any any (content:\"c\"; flowbits:unset,one; sid:5;)\n"
		     "alert udp any any -> any any (content:\"d\"; flowbits:toggle,one; noalert; "
		     "sid:6;)\n",
		     IP_PROTO_UDP, 9));
	fixture_datagram(&x, FLOW_TO_SERVER, SLICE("a"));
	EXPECT_UINT(t, x.hits, 1);
	EXPECT_UINT(t, x.hit[0], 1);
	fixture_datagram(&x, FLOW_TO_SERVER, SLICE("b"));
	EXPECT_UINT(t, fixture_count(&x, 4), 1);
	fixture_datagram(&x, FLOW_TO_SERVER, SLICE("c"));
	fixture_datagram(&x, FLOW_TO_SERVER, SLICE("b"));
	EXPECT_UINT(t, fixture_count(&x, 4), 1);
	fixture_datagram(&x, FLOW_TO_SERVER, SLICE("d"));
	fixture_datagram(&x, FLOW_TO_SERVER, SLICE("b"));
	EXPECT_UINT(t, fixture_count(&x, 4), 2);
	fixture_done(&x);
}

static void integers_of_a_flow_count(struct test *t)
{
	struct fixture x;

	EXPECT(t, begin(&x,
			"alert udp any any -> any any (content:\"a\"; flowint:n,+,1; noalert; "
			"sid:1;)\n"
			"alert udp any any -> any any (content:\"a\"; flowint:n,isset; "
			"flowint:n,>=,3; sid:2;)\n"
			"alert udp any any -> any any (content:\"b\"; flowint:n,notset; sid:3;)\n"
			"alert udp any any -> any any (content:\"c\"; flowint:n,-,9; "
			"flowint:m,=,n; noalert; sid:4;)\n"
			"alert udp any any -> any any (content:\"d\"; flowint:m,==,0; "
			"flowint:n,==,m; flowint:n,<,1; flowint:n,<=,0; flowint:n,!=,5; sid:5;)\n",
			IP_PROTO_UDP, 9));
	fixture_datagram(&x, FLOW_TO_SERVER, SLICE("b"));
	EXPECT_UINT(t, fixture_count(&x, 3), 1);
	for (int i = 0; i < 4; i++)
		fixture_datagram(&x, FLOW_TO_SERVER, SLICE("a"));
	EXPECT_UINT(t, fixture_count(&x, 2), 2);
	fixture_datagram(&x, FLOW_TO_SERVER, SLICE("c"));
	fixture_datagram(&x, FLOW_TO_SERVER, SLICE("d"));
	EXPECT_UINT(t, fixture_count(&x, 5), 1);
	fixture_done(&x);
}

static void bits_of_hosts_outlive_a_flow_and_expire(struct test *t)
{
	struct fixture x;

	EXPECT(t, begin(&x,
			"alert udp any any -> any any (content:\"a\"; xbits:set,seen,track "
			"ip_src,expire 10; noalert; sid:1;)\n"
			"alert udp any any -> any any (content:\"b\"; xbits:isset,seen,track "
			"ip_src; sid:2;)\n"
			"alert udp any any -> any any (content:\"b\"; xbits:isset,seen,track "
			"ip_dst; sid:3;)\n"
			"alert udp any any -> any any (content:\"p\"; xbits:set,pair,track "
			"ip_pair,expire 10; noalert; sid:4;)\n"
			"alert udp any any -> any any (content:\"q\"; xbits:isset,pair,track "
			"ip_pair; sid:5;)\n"
			"alert udp any any -> any any (content:\"u\"; xbits:unset,seen,track "
			"ip_src; noalert; sid:6;)\n"
			"alert udp any any -> any any (content:\"h\"; hostbits:set,host,dst; "
			"noalert; sid:7;)\n"
			"alert udp any any -> any any (content:\"i\"; hostbits:isset,host,dst; "
			"sid:8;)\n"
			"alert udp any any -> any any (content:\"i\"; hostbits:isnotset,host,src; "
			"sid:9;)\n"
			"alert udp any any -> any any (content:\"t\"; hostbits:toggle,host,dst; "
			"noalert; sid:10;)\n",
			IP_PROTO_UDP, 9));
	fixture_datagram(&x, FLOW_TO_SERVER, SLICE("aph"));
	fixture_flow_end(&x);
	fixture_flow(&x, IP_PROTO_UDP, 10);
	fixture_datagram(&x, FLOW_TO_SERVER, SLICE("bi"));
	fixture_datagram(&x, FLOW_TO_CLIENT, SLICE("q"));
	EXPECT_UINT(t, fixture_count(&x, 2), 1);
	EXPECT_UINT(t, fixture_count(&x, 3), 0);
	EXPECT_UINT(t, fixture_count(&x, 5), 1);
	EXPECT_UINT(t, fixture_count(&x, 8), 1);
	EXPECT_UINT(t, fixture_count(&x, 9), 1);
	x.now.ns = 10 * TIME_NS_PER_S;
	fixture_datagram(&x, FLOW_TO_SERVER, SLICE("b"));
	EXPECT_UINT(t, fixture_count(&x, 2), 2);
	x.now.ns = 10 * TIME_NS_PER_S + 1;
	fixture_datagram(&x, FLOW_TO_SERVER, SLICE("b"));
	EXPECT_UINT(t, fixture_count(&x, 2), 2);
	fixture_datagram(&x, FLOW_TO_SERVER, SLICE("au"));
	fixture_datagram(&x, FLOW_TO_SERVER, SLICE("b"));
	EXPECT_UINT(t, fixture_count(&x, 2), 2);
	fixture_datagram(&x, FLOW_TO_SERVER, SLICE("t"));
	fixture_datagram(&x, FLOW_TO_SERVER, SLICE("i"));
	EXPECT_UINT(t, fixture_count(&x, 8), 1);
	fixture_done(&x);
}

static void a_pass_rule_comes_first_and_ends_it(struct test *t)
{
	struct fixture x;

	EXPECT(t, begin(&x,
			"alert udp any any -> any any (content:\"a\"; sid:1;)\n"
			"pass udp any any -> any any (content:\"safe\"; sid:2;)\n"
			"drop udp any any -> any any (content:\"a\"; sid:3;)\n",
			IP_PROTO_UDP, 9));
	fixture_datagram(&x, FLOW_TO_SERVER, SLICE("a safe"));
	EXPECT_UINT(t, x.hits, 0);
	fixture_datagram(&x, FLOW_TO_SERVER, SLICE("a"));
	EXPECT_UINT(t, x.hits, 2);
	EXPECT_UINT(t, x.hit[0], 3); /* drop before alert */
	EXPECT_UINT(t, x.hit[1], 1);
	fixture_done(&x);
}

static void a_pass_rule_about_a_transaction_passes_the_flow(struct test *t)
{
	struct fixture x;

	EXPECT(t, begin_tcp(&x,
			    "alert http any any -> any any (http.method; content:\"GET\"; sid:1;)\n"
			    "alert tcp any any -> any any (content:\"secret\"; sid:3;)\n"
			    "pass http any any -> any any (http.uri; content:\"/evil\"; sid:2;)\n",
			    80));
	SAY_Z(&x, FLOW_TO_SERVER, get_request);
	SAY_Z(&x, FLOW_TO_CLIENT, ok_response);
	EXPECT_UINT(t, x.hits, 0);
	EXPECT(t, x.flow.no_inspect);
	fixture_done(&x);
}

/* --- streams --- */

static void a_stream_rule_sees_bytes_across_segments_once(struct test *t)
{
	struct fixture x;

	EXPECT(t,
	       begin_tcp(
		       &x,
		       "alert tcp any any -> any any (content:\"split here\"; sid:1;)\n"
		       "alert tcp-pkt any any -> any any (content:\"split here\"; sid:2;)\n"
		       "alert tcp any any -> any any (content:\"one\"; depth:3; sid:3;)\n"
		       "alert tcp any any -> any any (flow:to_client; content:\"split\"; sid:4;)\n"
		       "alert tcp any any -> any 4001 (content:\"split here\"; sid:5;)\n"
		       "alert tcp any any -> any 4000 (content:\"split here\"; sid:6;)\n"
		       "alert tcp any any -> any any (flow:no_stream; content:\"split\"; sid:7;)\n",
		       4000));
	SAY(&x, FLOW_TO_SERVER, "\1one");
	SAY(&x, FLOW_TO_SERVER, "\1split ");
	SAY(&x, FLOW_TO_SERVER, "here\1");
	EXPECT_UINT(t, fixture_count(&x, 1), 0); /* a chunk is not full yet */
	EXPECT_UINT(t, fixture_count(&x, 7), 1);
	fixture_flow_end(&x);
	EXPECT_UINT(t, fixture_count(&x, 1), 1);
	EXPECT_UINT(t, fixture_count(&x, 2), 0);
	EXPECT_UINT(t, fixture_count(&x, 3), 0);
	EXPECT_UINT(t, fixture_count(&x, 4), 0);
	EXPECT_UINT(t, fixture_count(&x, 5), 0);
	EXPECT_UINT(t, fixture_count(&x, 6), 1);
	fixture_done(&x);
}

static void a_full_chunk_is_looked_at_without_waiting(struct test *t)
{
	static uint8_t big[2560 + 2560 / 20]; /* Suricata's size, and the most chance adds */
	struct fixture x;

	memset(big, 'x', sizeof big);
	memcpy(big + 100, "needle", 6);
	EXPECT(t,
	       begin_tcp(&x, "alert tcp any any -> any any (content:\"needle\"; sid:1;)\n", 4000));
	fixture_say(&x, FLOW_TO_SERVER, (struct slice){big, sizeof big - 1});
	EXPECT_UINT(t, x.hits, 0);
	fixture_say(&x, FLOW_TO_SERVER, SLICE("y"));
	EXPECT_UINT(t, x.hits, 1);
	fixture_say(&x, FLOW_TO_SERVER, (struct slice){big, sizeof big});
	EXPECT_UINT(t, x.hits, 2);
	fixture_flow_end(&x);
	EXPECT_UINT(t, x.hits, 2);
	fixture_done(&x);
}

static void a_payload_without_a_session_is_looked_at_by_itself(struct test *t)
{
	struct fixture x;

	EXPECT(t,
	       begin(&x,
		     "alert tcp any any -> any any (content:\"abc\"; sid:1;)\n"
		     "alert tcp any any -> any any (flow:established; content:\"abc\"; sid:2;)\n",
		     IP_PROTO_TCP, 4000));
	fixture_tcp(&x, FLOW_TO_SERVER, TCP_ACK, SLICE("abc"));
	EXPECT_UINT(t, fixture_count(&x, 1), 1);
	EXPECT_UINT(t, fixture_count(&x, 2), 0);
	fixture_done(&x);
}

static void sizes_of_a_stream_count_the_syn(struct test *t)
{
	struct fixture x;

	EXPECT(t, begin_tcp(&x,
			    "alert tcp any any -> any any (flow:to_server; stream_size:server,=,1; "
			    "content:\"a\"; sid:1;)\n"
			    "alert tcp any any -> any any (flow:to_client; stream_size:both,>,1; "
			    "content:\"b\"; sid:2;)\n"
			    "alert tcp any any -> any any (flow:to_client; stream_size:client,<,2; "
			    "content:\"b\"; sid:3;)\n"
			    "alert tcp any any -> any any (flow:to_client; stream_size:either,<,2; "
			    "content:\"b\"; sid:4;)\n",
			    4000));
	SAY(&x, FLOW_TO_SERVER, "a");
	SAY(&x, FLOW_TO_CLIENT, "b");
	fixture_flow_end(&x);
	EXPECT(t, fixture_count(&x, 1) >= 1);
	EXPECT(t, fixture_count(&x, 2) >= 1);
	EXPECT_UINT(t, fixture_count(&x, 3), 0);
	EXPECT_UINT(t, fixture_count(&x, 4), 0);
	fixture_done(&x);
}

/* --- transactions --- */

static const char http_rules[] =
	"alert http any any -> any any (flow:to_server; http.uri; content:\"/evil/\"; startswith; "
	"http.method; content:\"GET\"; sid:1;)\n"
	"alert http any any -> any any (flow:to_server; http.uri; content:\"/evil/\"; http.method; "
	"content:\"POST\"; sid:2;)\n"
	"alert http any any -> any any (content:\"/evil\"; http_uri; content:\"probe\"; "
	"http_user_agent; fast_pattern; sid:3;)\n"
	"alert http any any -> any any (uricontent:\"/evil\"; urilen:>5; sid:4;)\n"
	"alert http any any -> any any (http.uri; content:\"/evil\"; urilen:5; sid:5;)\n"
	"alert http any any -> any any (flow:to_client; file.data; content:\"secret\"; "
	"http.stat_code; content:\"200\"; sid:6;)\n"
	"alert http any any => any any (http.uri; content:\"/evil\"; http.stat_code; "
	"content:\"200\"; sid:7;)\n"
	"alert http any any -> any any (http.host; dotprefix; content:\".example.test\"; endswith; "
	"bsize:13; sid:8;)\n"
	"alert http any any -> any any (http.referer; content:!\"x\"; sid:9;)\n"
	"alert http any any -> any any (http.referer; absent; http.method; content:\"GET\"; "
	"sid:10;)\n"
	"alert http any any -> any any (http.referer; absent:or_else; content:\"x\"; http.method; "
	"content:\"GET\"; sid:11;)\n"
	"alert tcp any any -> any any (pcre:\"/^\\/evil/U\"; sid:12;)\n"
	"alert http any any -> any any (http.user_agent; to_uppercase; content:\"PROBE\"; "
	"sid:13;)\n"
	"alert http any any -> any any (http.user_agent; xor:\"00\"; content:\"probe\"; sid:14;)\n"
	"alert http any any -> any any (http.method; to_md5; "
	"content:\"|7528035a93ee69cedb1dbddb2f0bfcc8|\"; bsize:16; sid:19;)\n"
	"alert http any any -> any any (http.method; to_sha1; "
	"content:\"|f030bbbd32966cde41037b98a8849c46b76e4bc1|\"; sid:20;)\n"
	"alert http any any -> any any (http.method; to_lowercase; to_sha256; bsize:32; "
	"content:!\"|00 00 00 00|\"; sid:21;)\n"
	"alert http any any -> any any (http.host; from_base64; content:\"|7b 16|\"; startswith; "
	"sid:22;)\n"
	"alert http any any -> any any (http.user_agent; strip_whitespace; compress_whitespace; "
	"url_decode; content:\"probe/1.0\"; sid:23;)\n"
	"alert http any any -> any any (flow:to_server; http.header; header_lowercase; "
	"strip_pseudo_headers; content:\"host: example\"; sid:24;)\n"
	"alert tls any any -> any any (tls.sni; content:\"example\"; sid:15;)\n"
	"alert dns any any -> any any (content:\"evil\"; sid:16;)\n"
	"alert http any any -> any any (content:\"probe/1\"; sid:17;)\n"
	"alert http any any -> any any (flow:to_server; content:\"GET /evil\"; http.host; "
	"content:\"example\"; sid:18;)\n";

static void rules_about_buffers_fire_once_a_transaction(struct test *t)
{
	static const uint32_t want[25] = {0, 1, 0, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1,
					  1, 1, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1};
	struct fixture x;

	EXPECT(t, begin_tcp(&x, http_rules, 80));
	EXPECT_SLICE(t, x.set.problem_count == 0 ? SLICE("") : x.set.problems[0].text, SLICE(""));
	SAY_Z(&x, FLOW_TO_SERVER, get_request);
	SAY_Z(&x, FLOW_TO_CLIENT, ok_response);
	for (uint64_t sid = 1; sid < 25; sid++) {
		if (fixture_count(&x, sid) != want[sid]) {
			test_fail(t, __FILE__, __LINE__, "sid %u fired %u times, want %u",
				  (unsigned)sid, fixture_count(&x, sid), want[sid]);
			return;
		}
	}
	SAY_Z(&x, FLOW_TO_SERVER, get_request);
	SAY_Z(&x, FLOW_TO_CLIENT, ok_response);
	EXPECT_UINT(t, fixture_count(&x, 1), 2);
	EXPECT_UINT(t, fixture_count(&x, 6), 2);
	EXPECT_UINT(t, fixture_count(&x, 7), 2);
	fixture_done(&x);
}

static void any_chunking_of_a_conversation_gives_the_same_hits(struct test *t)
{
	for (int round = 0; round < 60; round++) {
		struct slice say[2] = {slice_of(get_request), slice_of(ok_response)};
		struct fixture x;

		EXPECT(t, begin_tcp(&x, http_rules, 80));
		for (unsigned dir = 0; dir < 2; dir++) {
			while (say[dir].len != 0) {
				size_t n = 1 + (size_t)(test_rand(t) % 40);

				fixture_say(&x, (enum flow_dir)dir, slice_part(say[dir], 0, n));
				say[dir] = slice_from(say[dir], n);
			}
		}
		fixture_flow_end(&x);
		EXPECT_UINT(t, fixture_count(&x, 1), 1);
		EXPECT_UINT(t, fixture_count(&x, 6), 1);
		EXPECT_UINT(t, fixture_count(&x, 7), 1);
		EXPECT_UINT(t, fixture_count(&x, 8), 1);
		EXPECT_UINT(t, fixture_count(&x, 9), 0);
		EXPECT_UINT(t, fixture_count(&x, 12), 1);
		fixture_done(&x);
	}
}

static void a_finished_transaction_is_done_and_its_memory_free(struct test *t)
{
	struct fixture x;

	EXPECT(t, begin_tcp(&x, http_rules, 80));
	SAY_Z(&x, FLOW_TO_SERVER, post_request);
	EXPECT(t, x.flow.app->first != NULL && !detect_tx_done(x.flow.app->first));
	SAY_Z(&x, FLOW_TO_CLIENT, ok_response);
	SAY_Z(&x, FLOW_TO_SERVER, post_request); /* until now the parser could have added to it */
	EXPECT(t, x.flow.app->first != NULL && x.flow.app->first->id == 1);
	fixture_done(&x);
}

static void a_growing_body_is_looked_at_before_its_end(struct test *t)
{
	static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\n";
	static uint8_t body[1400];
	struct fixture x;
	uint32_t sent;

	EXPECT(t, begin_tcp(&x,
			    "alert http any any -> any any (flow:to_client; file.data; "
			    "content:\"needle\"; sid:1;)\n"
			    "alert http any any -> any any (flow:to_client; file.data; "
			    "content:!\"xxxx\"; sid:2;)\n",
			    80));
	memset(body, 'x', sizeof body);
	SAY_Z(&x, FLOW_TO_SERVER, get_request);
	SAY_Z(&x, FLOW_TO_CLIENT, head);
	memcpy(body + 10, "needle", 6);
	fixture_say(&x, FLOW_TO_CLIENT, (struct slice){body, sizeof body});
	memset(body, 'x', sizeof body);
	EXPECT_UINT(t, x.hits, 0);
	for (sent = sizeof body; sent < 60000; sent += (uint32_t)sizeof body)
		fixture_say(&x, FLOW_TO_CLIENT, (struct slice){body, sizeof body});
	EXPECT_UINT(t, fixture_count(&x, 1), 1);
	for (; sent < 90000; sent += (uint32_t)sizeof body)
		fixture_say(&x, FLOW_TO_CLIENT, (struct slice){body, sizeof body});
	EXPECT_UINT(t, fixture_count(&x, 1), 1);
	EXPECT_UINT(t, fixture_count(&x, 2), 0);
	fixture_done(&x);
}

static void a_parsers_anomaly_is_an_event(struct test *t)
{
	char rules[512];
	struct fixture x;
	const struct app_protocol *http = app_find(SLICE("http"));
	const char *name = http->anomalies[0];

	(void)snprintf(rules, sizeof rules,
		       "alert http any any -> any any (app-layer-event:http.%s; sid:1;)\n"
		       "alert tcp any any -> any any (app-layer-protocol:http; http.method; "
		       "content:\"GET\"; sid:2;)\n"
		       "alert tcp any any -> any any (app-layer-protocol:!http; http.method; "
		       "content:\"GET\"; sid:3;)\n",
		       name);
	EXPECT(t, begin_tcp(&x, rules, 80));
	EXPECT_SLICE(t, x.set.problem_count == 0 ? SLICE("") : x.set.problems[0].text, SLICE(""));
	fixture_tcp(&x, FLOW_TO_SERVER, TCP_ACK, slice_of(get_request));
	fixture_tcp(&x, FLOW_TO_CLIENT, TCP_ACK, slice_of(ok_response));
	EXPECT_UINT(t, fixture_count(&x, 1), 0);
	EXPECT_UINT(t, fixture_count(&x, 2), 1);
	EXPECT_UINT(t, fixture_count(&x, 3), 0);
	SAY_Z(&x, FLOW_TO_SERVER, get_request);
	EXPECT(t, x.flow.app->first != NULL);
	x.flow.app->last->anomalies |= 1;
	SAY_Z(&x, FLOW_TO_CLIENT, ok_response);
	EXPECT_UINT(t, fixture_count(&x, 1), 2); /* once in each direction */
	fixture_done(&x);
}

static void a_flows_protocol_is_asked_for_in_several_ways(struct test *t)
{
	static const char rules[] =
		"alert tcp any any -> any any (app-layer-protocol:failed; sid:1;)\n"
		"alert tcp any any -> any any (app-layer-protocol:!failed; sid:2;)\n"
		"alert tcp any any -> any any (app-layer-protocol:http,to_server; sid:3;)\n"
		"alert tcp any any -> any any (app-layer-protocol:http,either; sid:4;)\n"
		"alert tcp any any -> any any (app-layer-protocol:!http,original; sid:5;)\n"
		"alert tcp any any -> any any (app-layer-protocol:ssh,final; sid:6;)\n";
	struct fixture x;

	EXPECT(t, begin_tcp(&x, rules, 80));
	fixture_tcp(&x, FLOW_TO_SERVER, TCP_ACK, slice_of(get_request));
	fixture_tcp(&x, FLOW_TO_CLIENT, TCP_ACK, slice_of(ok_response));
	EXPECT_UINT(t, fixture_count(&x, 1), 0);
	for (uint64_t sid = 2; sid <= 5; sid++)
		EXPECT(t, fixture_count(&x, sid) != 0);
	EXPECT_UINT(t, fixture_count(&x, 6), 0);
	fixture_done(&x);

	EXPECT(t, begin_tcp(&x, rules, 9999));
	fixture_tcp(&x, FLOW_TO_SERVER, TCP_ACK, SLICE("\x00\x01 nothing known"));
	fixture_tcp(&x, FLOW_TO_CLIENT, TCP_ACK, SLICE("\x00\x02 nor this"));
	fixture_tcp(&x, FLOW_TO_SERVER, TCP_ACK, SLICE("more"));
	EXPECT(t, x.flow.app->protocol == NULL && x.flow.app->state == APP_GIVEN_UP);
	EXPECT(t, fixture_count(&x, 1) != 0);
	for (uint64_t sid = 2; sid <= 6; sid++)
		EXPECT_UINT(t, fixture_count(&x, sid), 0);
	fixture_done(&x);
}

/* --- no memory --- */

static void every_allocation_of_compiling_may_fail(struct test *t)
{
	static const char rules[] =
		"alert tcp any any -> any 80 (content:\"abc\"; content:\"d\"; within:3; "
		"pcre:\"/x/\"; sid:1;)\n"
		"alert http any any -> any any (http.uri; content:\"abc\"; flowbits:set,a; "
		"threshold:type limit,track by_src,count 1,seconds 9; sid:2;)\n"
		"alert ip 192.0.2.1 any -> any any (msg:\"a\"; sid:3;)\n";

	for (size_t blocks = 1; blocks < 4000; blocks++) {
		struct fixture x;
		bool ok = fixture_rules(&x, slice_of(rules), blocks);

		fixture_done(&x);
		EXPECT_UINT(t, x.fixed.out, 0);
		EXPECT_UINT(t, x.pool.out, 0);
		if (ok) {
			EXPECT(t, blocks > 4);
			return;
		}
	}
	EXPECT(t, false);
}

static void without_memory_for_flows_rules_still_answer(struct test *t)
{
	for (size_t blocks = 1; blocks < 40; blocks++) {
		struct fixture x;

		EXPECT(t, begin(&x, http_rules, IP_PROTO_TCP, 80));
		x.pool.fail_after = blocks;
		fixture_app(&x, APP_TCP);
		fixture_handshake(&x);
		SAY_Z(&x, FLOW_TO_SERVER, get_request);
		SAY_Z(&x, FLOW_TO_CLIENT, ok_response);
		fixture_done(&x);
		EXPECT_UINT(t, x.pool.out, 0);
	}
}

/* Those of 10.0.0.1 -> 192.0.2.1, first packet. */
static void rules_on_other_networks_and_protocols_are_not_even_asked(struct test *t)
{
	static const struct {
		struct slice rule;
		uint64_t candidates;
	} rows[] = {
		{SLICE("alert ip [198.16.0.0/16,203.0.0.0/12] any -> any any (sid:1;)"), 0},
		{SLICE("alert ip [10.0.0.0/12,203.0.0.0/12] any -> any any (sid:1;)"), 1},
		{SLICE("alert ip any any -> any any (ip_proto:41; sid:1;)"), 0},
		{SLICE("alert ip any any -> any any (ip_proto:!41; sid:1;)"), 1},
		{SLICE("alert ip any any -> any any (ip_proto:>16; ip_proto:<18; sid:1;)"), 1},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct fixture x;

		EXPECT(t, fixture_rules(&x, rows[i].rule, 0));
		fixture_flow(&x, IP_PROTO_UDP, 9);
		fixture_datagram(&x, FLOW_TO_SERVER, SLICE("abc"));
		EXPECT_UINT(t, x.worker->counters.candidates, rows[i].candidates);
		EXPECT_UINT(t, x.hits, rows[i].candidates);
		fixture_done(&x);
	}
}

TESTS(T(flow_directions_and_states_are_kept_apart),
      T(rules_about_addresses_alone_fire_once_a_flow_and_direction),
      T(setters_of_a_bit_are_asked_before_its_readers), T(integers_of_a_flow_count),
      T(bits_of_hosts_outlive_a_flow_and_expire), T(a_pass_rule_comes_first_and_ends_it),
      T(a_pass_rule_about_a_transaction_passes_the_flow),
      T(a_stream_rule_sees_bytes_across_segments_once),
      T(a_full_chunk_is_looked_at_without_waiting),
      T(a_payload_without_a_session_is_looked_at_by_itself), T(sizes_of_a_stream_count_the_syn),
      T(rules_about_buffers_fire_once_a_transaction),
      T(any_chunking_of_a_conversation_gives_the_same_hits),
      T(a_finished_transaction_is_done_and_its_memory_free),
      T(a_growing_body_is_looked_at_before_its_end), T(a_parsers_anomaly_is_an_event),
      T(a_flows_protocol_is_asked_for_in_several_ways), T(every_allocation_of_compiling_may_fail),
      T(without_memory_for_flows_rules_still_answer),
      T(rules_on_other_networks_and_protocols_are_not_even_asked))
