/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/pipeline/verdict.h"

#include "sensor/config/config.h"
#include "sensor/detect/detect.h"
#include "test.h"

struct fixture {
	struct arena_pool pool;
	struct arena arena;
	struct config *root;
	struct verdict_policies policies;
};

static void fixture_open(struct fixture *x)
{
	*x = (struct fixture){.pool = {.budget = 1 << 20}};
	x->arena.pool = &x->pool;
	x->root = config_new(&x->arena);
}

static void fixture_close(struct fixture *x)
{
	arena_reset(&x->arena);
	arena_pool_drain(&x->pool);
}

/* "key=value" once or twice, then the policies. */
static bool reads(struct fixture *x, const char *first, const char *second, bool ips,
		  bool midstream)
{
	const char *const both[] = {first, second};
	struct fail why;

	fixture_close(x);
	fixture_open(x);
	for (size_t i = 0; i < 2; i++) {
		struct slice rest = slice_of(both[i]), key;

		if (both[i] == NULL)
			continue;
		key = slice_split(&rest, '=');
		if (config_set(x->root, key, rest, &why) != ST_OK)
			return false;
	}
	return verdict_policies_read(&x->policies, x->root, ips, midstream, &why) == ST_OK;
}

static void inline_fails_closed_and_a_tap_ignores(struct test *t)
{
	struct fixture x;

	fixture_open(&x);
	EXPECT(t, reads(&x, NULL, NULL, true, false));
	EXPECT_UINT(t, x.policies.of[VERDICT_TARGET_SESSION], VERDICT_DROP_FLOW);
	EXPECT_UINT(t, x.policies.of[VERDICT_TARGET_MIDSTREAM], VERDICT_DROP_FLOW);
	EXPECT_UINT(t, x.policies.of[VERDICT_TARGET_DEFRAG], VERDICT_DROP_PACKET);
	EXPECT(t, reads(&x, NULL, NULL, true, true));
	EXPECT_UINT(t, x.policies.of[VERDICT_TARGET_MIDSTREAM], VERDICT_IGNORE);
	EXPECT(t, reads(&x, "exception-policy=auto", NULL, false, false));
	EXPECT_UINT(t, x.policies.of[VERDICT_TARGET_APP], VERDICT_IGNORE);
	fixture_close(&x);
}

static void the_master_switch_holds_where_nothing_is_said(struct test *t)
{
	struct fixture x;

	fixture_open(&x);
	EXPECT(t, reads(&x, "exception-policy=pass-flow", "app-layer.error-policy=reject", true,
			false));
	EXPECT_UINT(t, x.policies.of[VERDICT_TARGET_SESSION], VERDICT_PASS_FLOW);
	EXPECT_UINT(t, x.policies.of[VERDICT_TARGET_FLOW], VERDICT_PASS_PACKET);
	EXPECT_UINT(t, x.policies.of[VERDICT_TARGET_APP], VERDICT_REJECT);
	EXPECT(t, reads(&x, "exception-policy=drop-flow", NULL, false, false));
	EXPECT_UINT(t, x.policies.of[VERDICT_TARGET_SESSION], VERDICT_IGNORE);
	fixture_close(&x);
}

static void a_policy_that_cannot_be_is_refused(struct test *t)
{
	struct fixture x;

	fixture_open(&x);
	EXPECT(t, !reads(&x, "exception-policy=perhaps", NULL, true, false));
	EXPECT(t, !reads(&x, "stream.midstream-policy=drop-packet", NULL, true, false));
	EXPECT(t, !reads(&x, "stream.midstream-policy=drop-flow", NULL, false, false));
	EXPECT(t, !reads(&x, "stream.midstream-policy=bypass", NULL, true, true));
	EXPECT(t, reads(&x, "stream.midstream-policy=bypass", NULL, true, false));
	EXPECT(t, !reads(&x, "stream.memcap-policy=", NULL, true, false));
	fixture_close(&x);
}

static void a_policy_does_what_its_name_says(struct test *t)
{
	static const struct {
		enum verdict_policy policy;
		bool drop, skip, bypassed;
		enum flow_action action;
	} cases[] = {
		{VERDICT_IGNORE, false, false, false, FLOW_NO_ACTION},
		{VERDICT_DROP_FLOW, true, true, false, FLOW_DROP},
		{VERDICT_PASS_FLOW, false, true, false, FLOW_PASS},
		{VERDICT_BYPASS, false, true, true, FLOW_PASS},
		{VERDICT_DROP_PACKET, true, true, false, FLOW_NO_ACTION},
		{VERDICT_PASS_PACKET, false, true, false, FLOW_NO_ACTION},
		{VERDICT_REJECT, true, true, false, FLOW_DROP},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct verdict_policies p = {.ips = true};
		struct flow f = {0};
		struct verdict v = {0};

		p.of[VERDICT_TARGET_MIDSTREAM] = cases[i].policy;
		verdict_exception(&v, &p, VERDICT_TARGET_MIDSTREAM, &f);
		EXPECT_UINT(t, v.drop, cases[i].drop);
		EXPECT_UINT(t, v.skip, cases[i].skip);
		EXPECT_UINT(t, f.bypassed, cases[i].bypassed);
		EXPECT_UINT(t, f.action, cases[i].action);
		EXPECT_UINT(t, f.policies, 1U << VERDICT_TARGET_MIDSTREAM);
		EXPECT_UINT(t, v.reason,
			    cases[i].drop ? VERDICT_STREAM_MIDSTREAM : VERDICT_NO_REASON);
		EXPECT_UINT(t, v.reject != VERDICT_REJECT_NONE, cases[i].policy == VERDICT_REJECT);
		verdict_exception(&v, &p, VERDICT_TARGET_MIDSTREAM, NULL); /* no flow: no harm */
	}
}

static void the_first_who_drops_names_the_reason(struct test *t)
{
	struct rule drop = {.action = RULE_DROP}, reject = {.action = RULE_REJECT_BOTH};
	struct flow f = {0};
	struct detect_hit hit = {.rule = &drop, .flow = &f, .action = RULE_DROP, .to_flow = true};
	struct verdict v = {0};

	verdict_rule(&v, &hit);
	hit.rule = &reject;
	hit.action = RULE_REJECT_BOTH;
	verdict_rule(&v, &hit);
	verdict_drop(&v, VERDICT_STREAM_ERROR);
	EXPECT_UINT(t, v.reason, VERDICT_RULES);
	EXPECT(t, v.rule == &drop);
	EXPECT_UINT(t, v.reject, VERDICT_REJECT_BOTH);
	EXPECT_UINT(t, f.action, FLOW_DROP);
	hit.action = RULE_PASS;
	verdict_rule(&v, &hit);
	EXPECT(t, !v.pass && f.action == FLOW_DROP);
}

static void a_passed_flow_stays_passed(struct test *t)
{
	struct rule pass = {.action = RULE_PASS}, drop = {.action = RULE_DROP};
	struct flow f = {0};
	struct detect_hit hit = {.rule = &pass, .flow = &f, .action = RULE_PASS, .to_flow = true};
	struct verdict v = {0};

	verdict_rule(&v, &hit);
	EXPECT(t, v.pass && f.no_inspect && f.action == FLOW_PASS);
	v = (struct verdict){0};
	hit.rule = &drop;
	hit.action = RULE_DROP;
	verdict_rule(&v, &hit);
	EXPECT(t, v.drop && f.action == FLOW_PASS);
}

static void a_rate_filter_has_a_reason_of_its_own(struct test *t)
{
	struct rule alert = {.action = RULE_ALERT};
	struct detect_hit hit = {.rule = &alert, .action = RULE_DROP};
	struct verdict v = {0};

	verdict_rule(&v, &hit);
	EXPECT_UINT(t, v.reason, VERDICT_RULES_THRESHOLD);
}

static void every_name_is_one_of_its_own(struct test *t)
{
	EXPECT(t, verdict_reason_name(VERDICT_NO_REASON) == NULL);
	for (unsigned a = 1; a < VERDICT_REASONS; a++)
		for (unsigned b = 1; b < a; b++)
			EXPECT(t, !slice_equal(slice_of(verdict_reason_name(a)),
					       slice_of(verdict_reason_name(b))));
	for (unsigned a = 0; a < VERDICT_TARGETS; a++)
		for (unsigned b = 0; b < a; b++)
			EXPECT(t, !slice_equal(slice_of(verdict_target_name(a)),
					       slice_of(verdict_target_name(b))));
	EXPECT_SLICE(t, slice_of(verdict_policy_name(VERDICT_PASS_FLOW)), SLICE("pass_flow"));
}

TESTS(T(inline_fails_closed_and_a_tap_ignores), T(the_master_switch_holds_where_nothing_is_said),
      T(a_policy_that_cannot_be_is_refused), T(a_policy_does_what_its_name_says),
      T(the_first_who_drops_names_the_reason), T(a_passed_flow_stays_passed),
      T(a_rate_filter_has_a_reason_of_its_own), T(every_name_is_one_of_its_own))
