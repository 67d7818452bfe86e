/* SPDX-License-Identifier: Apache-2.0
 * Numbers of transactions, with DNS as the protocol that has them. */
#include <stdio.h>

#include "sensor/detect/detect_fixture.h"
#include "test.h"

/* A request for a.b and c: opcode 0, rcode 0, types 1 (A) and 16 (TXT). */
static const uint8_t request[] = "\0\7\1\0\0\2\0\0\0\0\0\0\1a\1b\0\0\1\0\1\1c\0\0\20\0\1";

/* Hits of the request; -1: the rule does not compile. */
static int hits_of(const char *options)
{
	char text[256];
	struct fixture x;
	int n = -1;

	(void)snprintf(text, sizeof text, "alert dns any any -> any any (%s sid:1;)\n", options);
	if (fixture_rules(&x, slice_of(text), 0) && detect_rules_count(x.rules) == 1) {
		fixture_flow(&x, IP_PROTO_UDP, 53);
		fixture_app(&x, APP_UDP);
		fixture_datagram(&x, FLOW_TO_SERVER, (struct slice){request, sizeof request - 1});
		n = (int)x.hits;
	}
	fixture_done(&x);
	return n;
}

struct row {
	const char *options;
	int hits;
};

static void each_number_is_compared_as_the_rule_says(struct test *t)
{
	static const struct row rows[] = {
		{"dns.opcode:0;", 1},
		{"dns.opcode:!0;", 0},
		{"dns.opcode:query;", 1},
		{"dns.opcode:!Query;", 0},
		{"dns.opcode:notify;", 0},
		{"dns.opcode:<1;", 1},
		{"dns.rcode:0-2;", 0}, /* without its ends */
		{"dns.rrtype:16;", 1},
		{"dns.rrtype:2;", 0},
		{"dns.rrtype:16,any;", 1},
		{"dns.rrtype:16,all;", 0},
		{"dns.rrtype:<17,all;", 1},
		{"dns.rrtype:<17,all_or_absent;", 1},
		{"dns.rrtype:16,nb 1;", 1},
		{"dns.rrtype:16,nb >1;", 0},
		{"dns.rrtype:16,oob_or 2;", 1},
		{"dns.rrtype:1,any,0:1;", 1},
		{"dns.rrtype:16,any,0:1;", 0},
		{"dns.rrtype:count 2;", 1},
		{"dns.rrtype:count >2;", 0},
		{"dns.rrtype:1,0;", 1},
		{"dns.rrtype:16,0;", 0},
		{"dns.rrtype:16,1;", 1},
		{"dns.rrtype:16,-1;", 1},
		{"dns.rrtype:1,-2;", 1},
		{"dns.rrtype:1,-3;", 0},
		{"dns.rrtype:1,2;", 0},
		{"dns.rrtype:&0x10=0x10;", 1},
		{"dns.rrtype:1; dns.rrtype:16;", 1}, /* each may be another value */
		{"dns.rrtype:1; dns.query; content:\"c\"; bsize:1;", 1},
		{"dns.rrtype:2; dns.query; content:\"c\";", 0},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		int hits = hits_of(rows[i].options);

		if (hits != rows[i].hits)
			test_fail(t, __FILE__, __LINE__, "%s: %d hits, want %d", rows[i].options,
				  hits, rows[i].hits);
	}
}

static void what_is_no_number_is_refused(struct test *t)
{
	static const char *const bad[] = {
		"dns.opcode:bogus;",	  "dns.opcode:;",	 "dns.opcode;",
		"dns.rrtype:1,some;",	  "dns.rrtype:1,all,0;", "dns.rrtype:count;",
		"dns.rrtype:1,nb bogus;",
	};

	EXPECT(t, hits_of("dns.rrtype:65535;") == 0);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (hits_of(bad[i]) != -1)
			test_fail(t, __FILE__, __LINE__, "taken: %s", bad[i]);
}

static bool range_of(const char *text, uint64_t most, struct detect_range *out)
{
	return detect_range_parse(slice_of(text), most, out);
}

static void a_range_that_nothing_or_everything_meets_is_refused(struct test *t)
{
	static const char *const bad[] = {
		"<0",  ">=0", ">255", "<=255", "3-4",  "4-3", "3<>3",
		"256", "-1",  "",     "1x",    "&1=2", "1kb", "18446744073709551616"};
	struct detect_range r;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (range_of(bad[i], 255, &r))
			test_fail(t, __FILE__, __LINE__, "taken: \"%s\"", bad[i]);
	EXPECT(t, range_of("3-5", 255, &r) && !detect_range_holds(&r, 3) &&
			  detect_range_holds(&r, 4) && !detect_range_holds(&r, 5));
	EXPECT(t, range_of("!3 <> 5", 255, &r) && detect_range_holds(&r, 3) &&
			  !detect_range_holds(&r, 4) && detect_range_holds(&r, 5));
	EXPECT(t, range_of("&0xf0!=0x10", 255, &r) && !detect_range_holds(&r, 0x1f) &&
			  detect_range_holds(&r, 0x2f));
	EXPECT(t, range_of("> 2KiB", 65535, &r) && !detect_range_holds(&r, 2048) &&
			  detect_range_holds(&r, 2049));
}

TESTS(T(each_number_is_compared_as_the_rule_says), T(what_is_no_number_is_refused),
      T(a_range_that_nothing_or_everything_meets_is_refused))
