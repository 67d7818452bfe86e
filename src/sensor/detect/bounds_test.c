/* SPDX-License-Identifier: Apache-2.0
 * Bounds by configuration, and that they hold. */
#include "sensor/config/config.h"
#include "sensor/detect/detect_fixture.h"
#include "test.h"

#include <stdio.h>

/* The bounds that "key" = value makes; key NULL: of an empty tree. */
static struct detect_bounds bounds_with(const char *key, const char *value)
{
	struct arena_pool pool = {.budget = 1 << 20};
	struct arena a = {.pool = &pool};
	struct config *c = config_new(&a);
	struct detect_bounds b = {0};
	struct fail why;

	if (c != NULL &&
	    (key == NULL || config_set(c, slice_of(key), slice_of(value), &why) == ST_OK))
		detect_bounds_read(c, &b);
	arena_reset(&a);
	arena_pool_drain(&pool);
	return b;
}

static void no_configuration_means_suricatas_defaults(struct test *t)
{
	struct detect_bounds b = bounds_with(NULL, NULL), none;

	EXPECT_UINT(t, b.steps, 3000);
	EXPECT_UINT(t, b.pcre_matches, 3500);
	EXPECT_UINT(t, b.pcre_depth, 1500);
	EXPECT_UINT(t, b.chunk[FLOW_TO_SERVER], 2688);
	EXPECT_UINT(t, b.chunk[FLOW_TO_CLIENT], 2688);
	detect_bounds_read(NULL, &none);
	EXPECT(t, memcmp(&b, &none, sizeof b) == 0);
}

static void each_key_is_read_and_none_lifts_its_bound(struct test *t)
{
	static const char *const steps = "detect.inspection-recursion-limit",
				 *const up = "stream.reassembly.toserver-chunk-size";

	EXPECT_UINT(t, bounds_with(steps, "1").steps, 1);
	EXPECT_UINT(t, bounds_with(steps, "1000000").steps, 1000000);
	EXPECT_UINT(t, bounds_with(steps, "1000001").steps, 1000000);
	EXPECT_UINT(t, bounds_with(steps, "0").steps, 1000000);
	EXPECT_UINT(t, bounds_with("pcre.match-limit", "10").pcre_matches, 10);
	EXPECT_UINT(t, bounds_with("pcre.match-limit", "0").pcre_matches, 10000000);
	EXPECT_UINT(t, bounds_with("pcre.match-limit-recursion", "7").pcre_depth, 7);
	EXPECT_UINT(t, bounds_with(up, "1000").chunk[FLOW_TO_SERVER], 1050);
	EXPECT_UINT(t, bounds_with(up, "1000").chunk[FLOW_TO_CLIENT], 2688);
	EXPECT_UINT(
		t,
		bounds_with("stream.reassembly.toclient-chunk-size", "1kb").chunk[FLOW_TO_CLIENT],
		1024 + 51);
	EXPECT_UINT(t, bounds_with("stream.reassembly.randomize-chunk-size", "no").chunk[0], 2560);
	EXPECT_UINT(t, bounds_with("stream.reassembly.randomize-chunk-range", "100").chunk[0],
		    3840);
}

/* Hits of one rule on one payload, if so many steps and matches are allowed. */
static size_t hits_with(const char *rule, struct slice payload, uint32_t steps, uint32_t matches)
{
	struct fixture x;
	struct packet p;
	struct detect_gear *gear;
	struct fail why;
	size_t hits = SIZE_MAX;

	if (fixture_rules(&x, slice_of(rule), 0) && detect_rules_count(x.rules) == 1) {
		x.rules->bounds.steps = steps;
		x.rules->bounds.pcre_matches = matches;
		if (detect_gear_new(x.rules, false, &gear, &why) == ST_OK)
			detect_gear_free(detect_worker_exchange(x.worker, gear));
		fixture_flow(&x, IP_PROTO_UDP, 53);
		p = fixture_packet(&x, FLOW_TO_SERVER, payload);
		detect_packet(x.worker, &p, &x.flow, FLOW_TO_SERVER);
		detect_finish(x.worker, &p, &x.flow);
		hits = x.hits;
	}
	fixture_done(&x);
	return hits;
}

static void steps_beyond_the_bound_are_not_tried(struct test *t)
{
	static const char rule[] = "alert udp any any -> any any (content:\"a\"; content:\"b\"; "
				   "distance:0; content:\"c\"; within:1; sid:1;)\n";

	EXPECT_UINT(t, hits_with(rule, SLICE("a b bc"), 1000, 100), 1);
	EXPECT_UINT(t, hits_with(rule, SLICE("abc"), 3, 100), 1);
	EXPECT_UINT(t, hits_with(rule, SLICE("abc"), 2, 100), 0);
}

static void an_expression_that_explodes_is_given_up(struct test *t)
{
	static const char rule[] = "alert udp any any -> any any (pcre:\"/^(a+)+$/\"; sid:1;)\n";
	static uint8_t text[4096];

	memset(text, 'a', sizeof text);
	text[sizeof text - 1] = 'b';
	EXPECT_UINT(t, hits_with(rule, (struct slice){text, sizeof text}, 3000, 3500), 0);
	EXPECT_UINT(t, hits_with(rule, SLICE("aaa"), 3000, 3500), 1);
	EXPECT_UINT(t, hits_with(rule, SLICE("aaa"), 3000, 1), 0);
}

/* Nothing is known then: neither that it matches nor that it does not. */
static void an_expression_that_is_given_up_does_not_hold_negated_either(struct test *t)
{
	static const char rule[] = "alert udp any any -> any any (pcre:!\"/^(a+)+$/\"; sid:1;)\n";
	static uint8_t text[4096];

	memset(text, 'a', sizeof text);
	text[sizeof text - 1] = 'b';
	EXPECT_UINT(t, hits_with(rule, (struct slice){text, sizeof text}, 3000, 3500), 0);
	EXPECT_UINT(t, hits_with(rule, SLICE("ab"), 3000, 3500), 1);
}

/* Many rules, each within its bounds: the packet has one of its own, and the next packet again. */
static void a_packet_that_costs_too_much_is_given_up(struct test *t)
{
	static char rules[4000 * 64];
	static uint8_t text[60000];
	struct fixture x;
	struct packet p;
	size_t len = 0;

	for (int i = 0; i < 2000; i++)
		len += (size_t)snprintf(
			rules + len, sizeof rules - len,
			"alert udp any any -> any any (pcre:\"/x%dy$/\"; sid:%d;)\n", i, i + 1);
	memset(text, 'x', sizeof text);
	EXPECT(t, fixture_rules(&x, (struct slice){(uint8_t *)rules, len}, 0));
	fixture_flow(&x, IP_PROTO_UDP, 53);
	p = fixture_packet(&x, FLOW_TO_SERVER, (struct slice){text, sizeof text});
	for (unsigned n = 1; n <= 2; n++) {
		detect_packet(x.worker, &p, &x.flow, FLOW_TO_SERVER);
		detect_finish(x.worker, &p, &x.flow);
		EXPECT_UINT(t, detect_worker_counters(x.worker)->given_up, n);
	}
	p = fixture_packet(&x, FLOW_TO_SERVER, SLICE("x7y"));
	detect_packet(x.worker, &p, &x.flow, FLOW_TO_SERVER);
	detect_finish(x.worker, &p, &x.flow);
	EXPECT_UINT(t, detect_worker_counters(x.worker)->given_up, 2);
	EXPECT_UINT(t, x.hits, 1);
	fixture_done(&x);
}

static void names_of_many_rules_keep_their_numbers(struct test *t)
{
	struct arena_pool pool = {.budget = 16 << 20};
	struct arena a = {.pool = &pool};
	struct detect_names n = {0};
	char name[16];

	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 20000; i++) {
			int len = snprintf(name, sizeof name, "bit%d", i);

			if (detect_name_index(&n, &a,
					      (struct slice){(uint8_t *)name, (size_t)len}) != i) {
				EXPECT(t, false);
				i = 20000;
			}
		}
	EXPECT_UINT(t, n.count, 20000);
	arena_reset(&a);
	arena_pool_drain(&pool);
}

TESTS(T(no_configuration_means_suricatas_defaults), T(each_key_is_read_and_none_lifts_its_bound),
      T(steps_beyond_the_bound_are_not_tried), T(an_expression_that_explodes_is_given_up),
      T(an_expression_that_is_given_up_does_not_hold_negated_either),
      T(a_packet_that_costs_too_much_is_given_up), T(names_of_many_rules_keep_their_numbers))
