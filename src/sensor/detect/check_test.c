/* SPDX-License-Identifier: Apache-2.0
 * What a rule must not say, beside its nearest neighbour that may be said. */
#include <stdio.h>

#include "sensor/detect/detect_fixture.h"
#include "test.h"

struct row {
	const char *bad, *good; /* behind "alert "; NULL: none */
	const char *why;	/* is part of the reason */
};

#define TCP "tcp any any -> any any "
#define UDP "udp any any -> any any "
#define HTTP "http any any -> any any "

static const struct row rows[] = {
	/* contents and their places */
	{TCP "(content:\"abcde\"; depth:4; sid:1;)", TCP "(content:\"abcde\"; depth:5; sid:1;)",
	 "depth is 4"},
	{TCP "(content:\"a\"; content:\"bcd\"; within:2; sid:1;)",
	 TCP "(content:\"a\"; content:\"bcd\"; within:3; sid:1;)", "within is 2"},
	{TCP "(content:\"a\"; content:\"b\"; within:-5; sid:1;)", NULL, "within is -5"},
	{TCP "(content:\"a\"; content:\"b\"; depth:5; distance:0; sid:1;)",
	 TCP "(content:\"a\"; depth:5; content:\"b\"; distance:0; sid:1;)", "do not go with"},
	{TCP "(content:\"a\"; content:\"b\"; within:5; offset:1; sid:1;)", NULL, "do not go with"},
	{TCP "(content:\"a\"; content:\"b\"; startswith; within:5; sid:1;)", NULL,
	 "do not go with"},
	{TCP "(content:\"a\"; offset:65536; sid:1;)", TCP "(content:\"a\"; offset:65535; sid:1;)",
	 "0 to 65535"},
	{TCP "(content:\"a\"; content:\"b\"; distance:1048577; sid:1;)",
	 TCP "(content:\"a\"; content:\"b\"; distance:1048576; sid:1;)", "1048576"},
	{TCP "(content:\"a\"; nocase; nocase; sid:1;)", TCP "(content:\"a\"; nocase; sid:1;)",
	 "nocase twice"},
	{TCP "(content:\"a\"; endswith; endswith; sid:1;)", NULL, "endswith twice"},
	{TCP "(content:\"a\"; rawbytes; http_uri; sid:1;)", NULL, "rawbytes"},
	/* fast patterns */
	{TCP "(content:\"a\"; fast_pattern; content:\"b\"; fast_pattern; sid:1;)",
	 TCP "(content:\"a\"; fast_pattern; content:\"b\"; sid:1;)", "fast_pattern 2 times"},
	{HTTP "(http.uri; content:\"a\"; fast_pattern; http.method; content:\"b\"; fast_pattern; "
	      "sid:1;)",
	 NULL, "fast_pattern 2 times"},
	{TCP "(content:\"x\"; content:!\"a\"; distance:0; fast_pattern; sid:1;)",
	 TCP "(content:\"x\"; content:!\"a\"; fast_pattern; sid:1;)", "negated"},
	{TCP "(content:\"x\"; content:\"a\"; distance:0; fast_pattern:only; sid:1;)",
	 TCP "(content:\"x\"; content:\"a\"; fast_pattern:only; sid:1;)", "without a place"},
	{TCP "(content:!\"a\"; fast_pattern:only; sid:1;)", NULL, "negated"},
	/* sizes */
	{HTTP "(http.uri; content:\"abcd\"; bsize:3; sid:1;)",
	 HTTP "(http.uri; content:\"abcd\"; bsize:4; sid:1;)", "need 4 bytes"},
	{HTTP "(http.uri; bsize:<4; content:\"abcd\"; sid:1;)",
	 HTTP "(http.uri; bsize:<5; content:\"abcd\"; sid:1;)", "at most 3"},
	{HTTP "(http.uri; bsize:2<>5; content:\"abcd\"; offset:1; sid:1;)",
	 HTTP "(http.uri; bsize:2<>5; content:\"abcd\"; offset:0; sid:1;)", "need 5 bytes"},
	{HTTP "(urilen:5; content:\"abcdef\"; http_uri; sid:1;)",
	 HTTP "(urilen:6; content:\"abcdef\"; http_uri; sid:1;)", "urilen is at most 5"},
	{TCP "(dsize:3; content:\"abcd\"; sid:1;)", TCP "(dsize:4; content:\"abcd\"; sid:1;)",
	 "dsize is at most 3"},
	{NULL, TCP "(dsize:3; content:!\"abcd\"; sid:1;)", NULL},
	{NULL, TCP "(dsize:>3; content:\"abcdef\"; sid:1;)", NULL},
	/* buffers of which nothing is asked */
	{HTTP "(http.uri; sid:1;)", HTTP "(http.uri; absent; sid:1;)", "nothing is asked"},
	{HTTP "(http.uri; to_md5; http.method; content:\"a\"; sid:1;)",
	 HTTP "(http.uri; to_md5; content:\"a\"; http.method; content:\"a\"; sid:1;)",
	 "nothing is asked"},
	{NULL, HTTP "(http.uri; content:\"a\"; pkt_data; sid:1;)", NULL},
	/* what the rule is about */
	{HTTP "(http.uri; content:\"a\"; ttl:5; sid:1;)", TCP "(content:\"a\"; ttl:5; sid:1;)",
	 "buffers of an application"},
	{TCP "(flow:only_stream; dsize:3; sid:1;)", TCP "(flow:no_stream; dsize:3; sid:1;)",
	 "only_stream"},
	{HTTP "(http.uri; content:\"a\"; http.stat_code; content:\"2\"; sid:1;)",
	 "http any any => any any (http.uri; content:\"a\"; http.stat_code; content:\"2\"; "
	 "sid:1;)",
	 "different directions"},
	{HTTP "(flow:to_client; http.uri; content:\"a\"; sid:1;)",
	 HTTP "(flow:to_server; http.uri; content:\"a\"; sid:1;)", "what the client says"},
	{HTTP "(flow:to_server; http.stat_code; content:\"2\"; sid:1;)", NULL,
	 "what the server says"},
	{UDP "(http.uri; content:\"a\"; sid:1;)", TCP "(http.uri; content:\"a\"; sid:1;)",
	 "no protocol over udp"},
	{HTTP "(app-layer-protocol:tls; sid:1;)", TCP "(app-layer-protocol:tls; sid:1;)",
	 "names its protocol already"},
	{TCP "(app-layer-protocol:http; app-layer-protocol:tls; sid:1;)",
	 TCP "(app-layer-protocol:!http; app-layer-protocol:!tls; sid:1;)", "twice"},
	{TCP "(content:\"a\"; threshold:type limit,track by_src,count 1,seconds 1; "
	     "detection_filter:track by_src,count 1,seconds 1; sid:1;)",
	 TCP "(content:\"a\"; detection_filter:track by_src,count 1,seconds 1; sid:1;)",
	 "does not go with detection_filter"},
	{HTTP "(filestore; bypass; sid:1;)", HTTP "(http.uri; content:\"a\"; bypass; sid:1;)",
	 "filestore"},
	{TCP "(flow:established,established; sid:1;)", NULL, "twice"},
	{HTTP "(xbits:unset,a,track tx; sid:1;)", HTTP "(xbits:isset,a,track tx; sid:1;)",
	 "only set and isset"},
};

static void a_rule_that_cannot_be_is_refused_and_its_neighbour_loads(struct test *t)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const char *texts[] = {rows[i].bad, rows[i].good};

		for (size_t k = 0; k < 2; k++) {
			char text[512];
			struct fixture x;
			bool loads, said;

			if (texts[k] == NULL)
				continue;
			(void)snprintf(text, sizeof text, "alert %s\n", texts[k]);
			EXPECT(t, fixture_rules(&x, slice_of(text), 0));
			loads = detect_rules_count(x.rules) == 1;
			said = x.set.problem_count == 1 &&
			       slice_find(x.set.problems[0].text, slice_of(rows[i].why)) !=
				       SIZE_MAX;
			if (loads != (k == 1) || said != (k == 0)) {
				struct slice why = x.set.problem_count == 0
							   ? SLICE("loads")
							   : x.set.problems[0].text;

				test_fail(t, __FILE__, __LINE__, "%s: %.*s", texts[k],
					  SLICE_ARG(why));
				fixture_done(&x);
				return;
			}
			fixture_done(&x);
		}
	}
}

TESTS(T(a_rule_that_cannot_be_is_refused_and_its_neighbour_loads))
