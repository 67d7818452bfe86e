/* SPDX-License-Identifier: Apache-2.0
 * What the header says beside addresses: hooks, transactions, and rules that pass aloud. */
#include "sensor/detect/detect_fixture.h"
#include "test.h"

static bool open_world(struct fixture *x, const char *text)
{
	if (!fixture_rules(x, slice_of(text), 0))
		return false;
	fixture_flow(x, IP_PROTO_TCP, 80);
	fixture_app(x, APP_TCP);
	fixture_handshake(x);
	return true;
}

static void a_hook_is_a_place_in_the_transaction(struct test *t)
{
	static const char rules[] = "alert http1:request_started any any -> any any (sid:1;)\n"
				    "alert http1:request_headers any any -> any any (http.method; "
				    "content:\"GET\"; sid:2;)\n"
				    "alert http1:response_line any any -> any any (sid:3;)\n"
				    "alert http1:response_complete any any -> any any "
				    "(http.stat_code; content:\"200\"; "
				    "sid:4;)\n";
	struct fixture x;

	EXPECT(t, open_world(&x, rules));
	EXPECT_UINT(t, detect_rules_count(x.rules), 4);
	fixture_say(&x, FLOW_TO_SERVER, SLICE("GET / HTTP/1.1\r\nHost: a\r\n"));
	EXPECT_UINT(t, fixture_count(&x, 2), 0); /* the headers are not all there */
	fixture_say(&x, FLOW_TO_SERVER, SLICE("\r\n"));
	EXPECT_UINT(t, fixture_count(&x, 1), 1);
	EXPECT_UINT(t, fixture_count(&x, 2), 1);
	EXPECT_UINT(t, fixture_count(&x, 3), 0);
	fixture_say(&x, FLOW_TO_CLIENT, SLICE("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na"));
	EXPECT_UINT(t, fixture_count(&x, 3), 1);
	EXPECT_UINT(t, fixture_count(&x, 4), 0);
	fixture_say(&x, FLOW_TO_CLIENT, SLICE("b"));
	EXPECT_UINT(t, fixture_count(&x, 4), 1);
	fixture_flow_end(&x);
	EXPECT_UINT(t, x.hits, 4);
	fixture_done(&x);
}

static void packets_have_hooks_too(struct test *t)
{
	static const char rules[] =
		"alert tcp:flow_start any any -> any any (sid:1;)\n"
		"alert tcp:pre_flow any any -> any any (content:\"GET\"; sid:2;)\n"
		"alert ip:pre_stream any any -> any any (ttl:64; sid:3;)\n"
		"alert tcp:nowhere any any -> any any (sid:4;)\n"
		"alert tcp:all any any -> any any (content:\"GET\"; sid:5;)\n";
	struct fixture x;

	EXPECT(t, open_world(&x, rules));
	EXPECT_UINT(t, detect_rules_count(x.rules), 4);
	EXPECT_UINT(t, fixture_count(&x, 1), 1);
	fixture_say(&x, FLOW_TO_SERVER, SLICE("GET / HTTP/1.1\r\n\r\n"));
	EXPECT_UINT(t, fixture_count(&x, 1), 1);
	EXPECT_UINT(t, fixture_count(&x, 2), 1);
	EXPECT(t, fixture_count(&x, 3) > 3);
	fixture_done(&x);
}

static void a_rule_of_transactions_looks_at_both_sides(struct test *t)
{
	static const char rules[] =
		"alert http any any => any 80 (http.method; content:\"GET\"; http.stat_code; "
		"content:\"200\"; sid:1;)\n"
		"alert http any 80 => any any (http.method; content:\"GET\"; http.stat_code; "
		"content:\"200\"; sid:2;)\n"
		"alert http any any => any 80 (http.method; content:\"GET\"; http.stat_code; "
		"content:\"404\"; sid:3;)\n";
	struct fixture x;

	EXPECT(t, open_world(&x, rules));
	EXPECT_UINT(t, detect_rules_count(x.rules), 3);
	fixture_say(&x, FLOW_TO_SERVER, SLICE("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
	EXPECT_UINT(t, x.hits, 0);
	fixture_say(&x, FLOW_TO_CLIENT, SLICE("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
	fixture_flow_end(&x);
	EXPECT_UINT(t, fixture_count(&x, 1), 1);
	EXPECT_UINT(t, x.hits, 1);
	fixture_done(&x);
}

static void a_pass_rule_may_be_an_alert(struct test *t)
{
	static const char rules[] =
		"pass tcp any any -> any any (content:\"quiet\"; sid:1;)\n"
		"pass tcp any any -> any any (content:\"loud\"; alert; sid:2;)\n"
		"alert tcp any any -> any any (content:\"loud\"; sid:3;)\n";
	struct fixture x;

	EXPECT(t, open_world(&x, rules));
	fixture_say(&x, FLOW_TO_SERVER, SLICE("quiet or loud"));
	fixture_flow_end(&x);
	EXPECT_UINT(t, x.hits, 0); /* the first pass ends it */
	fixture_done(&x);
	EXPECT(t, open_world(&x, rules));
	fixture_say(&x, FLOW_TO_SERVER, SLICE("loud"));
	fixture_flow_end(&x);
	EXPECT_UINT(t, fixture_count(&x, 2), 1);
	EXPECT_UINT(t, x.hits, 1);
	fixture_done(&x);
}

static void what_no_header_means_is_refused(struct test *t)
{
	static const char bad[] =
		"alert http1:bogus any any -> any any (sid:1;)\n"
		"alert tcp:bogus any any -> any any (sid:2;)\n"
		"alert http1:request_line any any -> any any (noalert; alert; sid:3;)\n"
		"alert tcp any any -> any any (prefilter; sid:4;)\n"
		"alert tcp any any -> any any (flow:established; alert; noalert; sid:5;)\n";
	struct fixture x;

	EXPECT(t, fixture_rules(&x, slice_of(bad), 0));
	EXPECT_UINT(t, detect_rules_count(x.rules), 0);
	EXPECT_UINT(t, x.set.problem_count, 5);
	fixture_done(&x);
}

TESTS(T(packets_have_hooks_too), T(a_hook_is_a_place_in_the_transaction),
      T(a_rule_of_transactions_looks_at_both_sides), T(a_pass_rule_may_be_an_alert),
      T(what_no_header_means_is_refused))
