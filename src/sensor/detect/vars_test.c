/* SPDX-License-Identifier: Apache-2.0
 * What rules keep with a flow or packet, and who may ask for it. */
#include "sensor/detect/detect_fixture.h"
#include "test.h"

static const char rules[] =
	/* captures, but matches only where an ! follows */
	"alert udp any any -> any any (pcre:\"/user (?P<flow_user>[a-z]+)/\"; content:\"!\"; "
	"distance:0; sid:1;)\n"
	"alert udp any any -> any any (flowvar:user,\"ann\"; content:\"who\"; sid:2;)\n"
	"alert udp any any -> any any (pcre:\"/user ([a-z]+)/, pkt:user\"; sid:3;)\n"
	"alert udp any any -> any any (pktvar:user,nn; content:\"user\"; sid:4;)\n"
	"alert udp any any -> any any (content:\"stop\"; bypass; sid:5;)\n"
	"config udp any any -> any any (content:\"user\"; flowbits:set,seen; sid:6;)\n"
	"alert udp any any -> any any (flowbits:isset,seen; content:\"who\"; sid:7;)\n";

static bool begin(struct fixture *x)
{
	if (!fixture_rules(x, slice_of(rules), 0))
		return false;
	fixture_flow(x, IP_PROTO_UDP, 9999);
	return x->set.problem_count == 0;
}

#define SAY(x, text) fixture_datagram((x), FLOW_TO_SERVER, SLICE(text))

static void a_capture_is_kept_if_its_rule_matches(struct test *t)
{
	struct slice name, value;
	struct fixture x;

	EXPECT(t, begin(&x));
	SAY(&x, "user ann");
	EXPECT(t, !detect_flow_var(&x.flow, 0, &name, &value));
	SAY(&x, "who");
	EXPECT_UINT(t, fixture_count(&x, 2), 0);
	SAY(&x, "user ann!");
	EXPECT(t, detect_flow_var(&x.flow, 0, &name, &value));
	EXPECT_SLICE(t, name, SLICE("user"));
	EXPECT_SLICE(t, value, SLICE("ann"));
	SAY(&x, "who");
	EXPECT_UINT(t, fixture_count(&x, 2), 1);
	SAY(&x, "user bob!");
	SAY(&x, "who");
	EXPECT_UINT(t, fixture_count(&x, 2), 1);
	fixture_done(&x);
}

static void a_rule_that_sets_a_variable_comes_before_one_that_asks_for_it(struct test *t)
{
	struct fixture x;

	EXPECT(t, begin(&x));
	SAY(&x, "user ann");
	EXPECT_UINT(t, fixture_count(&x, 3), 1);
	EXPECT_UINT(t, fixture_count(&x, 4), 1);
	SAY(&x, "user bob");
	EXPECT_UINT(t, fixture_count(&x, 4), 1);
	fixture_done(&x);
}

static void bypass_is_said_of_the_flow_and_config_is_silent(struct test *t)
{
	struct fixture x;

	EXPECT(t, begin(&x));
	SAY(&x, "user ann");
	SAY(&x, "who");
	EXPECT_UINT(t, fixture_count(&x, 6), 0);
	EXPECT_UINT(t, fixture_count(&x, 7), 1);
	EXPECT(t, !x.flow.bypassed);
	SAY(&x, "stop");
	EXPECT_UINT(t, fixture_count(&x, 5), 1);
	EXPECT(t, x.flow.bypassed);
	fixture_done(&x);
}

static void a_measure_is_the_last_of_its_buffer(struct test *t)
{
	struct arena_pool pool = {.budget = 1 << 20};
	struct flow flow = {.arena = {.pool = &pool}};
	struct detect_flow state = {0};
	struct slice name;
	int64_t value;

	flow.detect = &state;
	EXPECT(t, !detect_flow_measure(&flow, 0, &name, &value));
	detect_measure_set(&state, &flow.arena, SLICE("a"), 1);
	detect_measure_set(&state, &flow.arena, SLICE("b"), 2);
	detect_measure_set(&state, &flow.arena, SLICE("a"), 3);
	EXPECT(t, detect_flow_measure(&flow, 0, &name, &value) && value == 3);
	EXPECT_SLICE(t, name, SLICE("a"));
	EXPECT(t, detect_flow_measure(&flow, 1, &name, &value) && value == 2);
	EXPECT(t, !detect_flow_measure(&flow, 2, &name, &value));
	arena_reset(&flow.arena);
	arena_pool_drain(&pool);
}

TESTS(T(a_capture_is_kept_if_its_rule_matches),
      T(a_rule_that_sets_a_variable_comes_before_one_that_asks_for_it),
      T(bypass_is_said_of_the_flow_and_config_is_silent), T(a_measure_is_the_last_of_its_buffer))
