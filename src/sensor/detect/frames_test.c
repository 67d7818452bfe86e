/* SPDX-License-Identifier: Apache-2.0
 * Rules on frames, with DNS as the protocol that has them. */
#include "sensor/detect/detect_fixture.h"
#include "test.h"

#define QUERY "\0\7\1\0\0\1\0\0\0\0\0\0\1a\3xyz\0\0\1\0\1"

static const char rules[] =
	"alert dns any any -> any any (frame:pdu; content:\"xyz\"; sid:1;)\n"
	"alert udp any any -> any any (frame:dns.pdu; content:\"|00 07|\"; startswith; sid:2;)\n"
	"alert tcp any any -> any any (frame:dns.pdu; content:\"|00 07|\"; startswith; sid:3;)\n"
	"alert dns any any -> any any (frame:dns.pdu; bsize:23; flow:to_server; sid:4;)\n"
	"alert dns any any -> any any (frame:dns.pdu; content:\"xyz\"; flow:to_client; sid:5;)\n"
	"alert dns any any -> any any (frame:stream; content:\"xyz\"; sid:6;)\n"
	"alert dns any any -> any any (frame:pdu; to_uppercase; content:\"XYZ\"; sid:7;)\n";

static bool open_world(struct fixture *x, const char *text, uint8_t proto)
{
	if (!fixture_rules(x, slice_of(text), 0))
		return false;
	fixture_flow(x, proto, 53);
	fixture_app(x, proto == IP_PROTO_TCP ? APP_TCP : APP_UDP);
	return true;
}

static void a_datagrams_frame_is_what_rules_look_at(struct test *t)
{
	struct fixture x;

	EXPECT(t, open_world(&x, rules, IP_PROTO_UDP));
	EXPECT_UINT(t, detect_rules_count(x.rules), 7);
	EXPECT(t, detect_rules_want_frames(x.rules));
	fixture_datagram(&x, FLOW_TO_SERVER, SLICE(QUERY));
	EXPECT_UINT(t, fixture_count(&x, 1), 1);
	EXPECT_UINT(t, fixture_count(&x, 2), 1);
	EXPECT_UINT(t, fixture_count(&x, 3), 0);
	EXPECT_UINT(t, fixture_count(&x, 4), 1);
	EXPECT_UINT(t, fixture_count(&x, 5), 0);
	EXPECT_UINT(t, fixture_count(&x, 6), 0); /* datagrams are no stream */
	EXPECT_UINT(t, fixture_count(&x, 7), 1);
	fixture_datagram(&x, FLOW_TO_SERVER, SLICE(QUERY));
	EXPECT_UINT(t, fixture_count(&x, 1), 2); /* a frame each */
	fixture_done(&x);
}

static void a_streams_frames_do_not_depend_on_how_it_was_cut(struct test *t)
{
	static const char two[] = "\0\27" QUERY "\0\27" QUERY;
	struct slice all = {(const uint8_t *)two, sizeof two - 1};

	for (size_t cut = 1; cut < all.len; cut++) {
		struct fixture x;

		EXPECT(t, open_world(&x, rules, IP_PROTO_TCP));
		fixture_handshake(&x);
		fixture_say(&x, FLOW_TO_SERVER, slice_part(all, 0, cut));
		fixture_say(&x, FLOW_TO_SERVER, slice_from(all, cut));
		fixture_flow_end(&x);
		EXPECT_UINT(t, fixture_count(&x, 1), 2);
		EXPECT_UINT(t, fixture_count(&x, 2), 0);
		EXPECT_UINT(t, fixture_count(&x, 3), 2);
		EXPECT_UINT(t, fixture_count(&x, 4), 2);
		EXPECT_UINT(t, fixture_count(&x, 6), 1);
		fixture_done(&x);
	}
}

/* A message of 20,000 bytes, of which enough are there for a chunk, is kept behind one that is not
 * kept any more. */
static void no_byte_of_a_stream_is_left_out_between_chunks(struct test *t)
{
	static const char small[] = "\0\27" QUERY "\x4e\x20";
	struct fixture x;
	uint8_t big[3200];

	EXPECT(t, open_world(&x, rules, IP_PROTO_TCP));
	fixture_handshake(&x);
	memset(big, 'x', sizeof big);
	memcpy(big, small, sizeof small - 1);
	big[17] = 'X'; /* no "xyz" there */
	fixture_say(&x, FLOW_TO_SERVER, (struct slice){big, sizeof big});
	memset(big, 'x', sizeof big);
	fixture_say(&x, FLOW_TO_SERVER, (struct slice){big, sizeof big});
	memcpy(big, "xyz", 3);
	EXPECT_UINT(t, fixture_count(&x, 6), 0);
	fixture_say(&x, FLOW_TO_SERVER, (struct slice){big, sizeof big});
	EXPECT_UINT(t, fixture_count(&x, 6), 1);
	fixture_flow_end(&x);
	fixture_done(&x);
}

static void what_lies_before_a_hole_is_looked_at(struct test *t)
{
	static const char on_stream[] =
		"alert dns any any -> any any (frame:stream; content:\"xyz\"; sid:1;)\n"
		"alert dns any any -> any any (frame:stream; content:\"xyz|00 00 01 00 01|\"; "
		"endswith; "
		"sid:2;)\n"
		"alert dns any any -> any any (frame:stream; content:\"abc\"; sid:3;)\n"
		"alert dns any any -> any any (frame:stream; bsize:25; sid:4;)\n";
	struct fixture x;

	EXPECT(t, open_world(&x, on_stream, IP_PROTO_TCP));
	EXPECT_UINT(t, detect_rules_count(x.rules), 4);
	fixture_handshake(&x);
	fixture_say(&x, FLOW_TO_SERVER, SLICE("\0\27" QUERY));
	x.seq[FLOW_TO_SERVER] += 100; /* they are acknowledged with what is behind them */
	fixture_say(&x, FLOW_TO_SERVER, SLICE("\0\27" QUERY));
	fixture_flow_end(&x);
	EXPECT_UINT(t, fixture_count(&x, 1), 1); /* on both sides of the hole */
	EXPECT_UINT(t, fixture_count(&x, 2), 1); /* at the end only */
	EXPECT_UINT(t, fixture_count(&x, 3), 0);
	EXPECT_UINT(t, fixture_count(&x, 4), 1);
	fixture_done(&x);

	EXPECT(t, open_world(&x, on_stream, IP_PROTO_TCP));
	fixture_handshake(&x);
	fixture_say(&x, FLOW_TO_SERVER, SLICE("\0\27\0\7\1\0\0\1\0\0\0\0\0\0\1a\3abc\0\0\1\0\1"));
	x.seq[FLOW_TO_SERVER] += 100;
	fixture_say(&x, FLOW_TO_SERVER, SLICE("\0\27" QUERY));
	fixture_flow_end(&x);
	EXPECT_UINT(t, fixture_count(&x, 3), 1);
	fixture_done(&x);
}

static void a_frame_nobody_has_is_refused(struct test *t)
{
	static const char bad[] =
		"alert dns any any -> any any (frame:bogus; content:\"a\"; sid:1;)\n"
		"alert tcp any any -> any any (frame:pdu; content:\"a\"; sid:2;)\n"
		"alert dns any any -> any any (frame; content:\"a\"; sid:3;)\n"
		"alert dns any any -> any any (frame:pdu; content:\"a\"; dns.query; content:\"a\"; "
		"sid:4;)\n";
	struct fixture x;

	EXPECT(t, fixture_rules(&x, slice_of(bad), 0));
	EXPECT_UINT(t, detect_rules_count(x.rules), 0);
	EXPECT_UINT(t, x.set.problem_count, 4);
	EXPECT(t, !detect_rules_want_frames(x.rules));
	fixture_done(&x);
}

TESTS(T(a_datagrams_frame_is_what_rules_look_at),
      T(a_streams_frames_do_not_depend_on_how_it_was_cut), T(a_frame_nobody_has_is_refused),
      T(no_byte_of_a_stream_is_left_out_between_chunks), T(what_lies_before_a_hole_is_looked_at))
