/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/rule/rule.h"
#include "test.h"

struct fixture {
	struct arena_pool pool;
	struct arena arena;
	struct rule_set set;
	struct fail why;
};

static void start(struct fixture *f)
{
	*f = (struct fixture){.pool = {.budget = 8 << 20}};
	f->arena.pool = &f->pool;
	ASSERT(rule_set_init(&f->set, &f->arena, &f->why) == ST_OK);
}

static void stop(struct fixture *f)
{
	arena_reset(&f->arena);
	arena_pool_drain(&f->pool);
}

static enum status load(struct fixture *f, const char *text)
{
	return rule_set_limits(&f->set, SLICE("threshold.config"), slice_of(text), &f->why);
}

static void every_kind_of_line_is_read(struct test *t)
{
	const struct rule_limit *l;
	struct addr a;
	struct fixture f;

	start(&f);
	EXPECT(t, load(&f, "# a comment\r\n"
			   "suppress gen_id 1, sig_id 7\n"
			   "  suppress  gen_id 1 , sig_id 0,track by_either, ip "
			   "[192.0.2.0/24, !192.0.2.9,$HOME_NET]\n"
			   "threshold gen_id 1, sig_id 8, type both, track by_flow, \\\n"
			   " count 3, seconds 60\n"
			   "event_filter gen_id 0, sig_id 0, type limit, track by_src, count 1, "
			   "seconds 5\n"
			   "rate_filter gen_id 1, sig_id 9, track by_rule, count 2, seconds 10, "
			   "new_action reject, timeout 30") == ST_OK);
	EXPECT_UINT(t, f.set.problem_count, 0);
	EXPECT_UINT(t, f.set.limit_count, 5);
	l = f.set.limits;
	EXPECT(t, l[0].kind == RULE_LIMIT_SUPPRESS && l[0].gid == 1 && l[0].sid == 7 &&
			  l[0].addrs == NULL && l[0].line == 2);
	EXPECT(t, l[1].track == RULE_TRACK_EITHER && l[1].sid == 0);
	EXPECT(t, addr_parse(SLICE("192.0.2.8"), &a) && rule_addrs_hold(l[1].addrs, &a));
	EXPECT(t, addr_parse(SLICE("192.0.2.9"), &a) && !rule_addrs_hold(l[1].addrs, &a));
	EXPECT(t, addr_parse(SLICE("10.1.2.3"), &a) && rule_addrs_hold(l[1].addrs, &a));
	EXPECT(t, l[2].kind == RULE_LIMIT_THRESHOLD && l[2].type == RULE_TYPE_BOTH &&
			  l[2].track == RULE_TRACK_FLOW && l[2].count == 3 && l[2].seconds == 60 &&
			  l[2].line == 4);
	EXPECT(t, l[3].kind == RULE_LIMIT_THRESHOLD && l[3].gid == 0 && l[3].line == 6);
	EXPECT(t, l[4].kind == RULE_LIMIT_RATE && l[4].track == RULE_TRACK_RULE &&
			  l[4].action == RULE_REJECT && l[4].timeout == 30);
	stop(&f);
}

static void what_is_no_limit_is_a_warning_with_its_line(struct test *t)
{
	static const char *const lines[] = {
		"supress gen_id 1, sig_id 7",
		"suppress sig_id 7",
		"suppress gen_id 0, sig_id 7",
		"suppress gen_id 1, gen_id 1, sig_id 7",
		"suppress gen_id 1, sig_id x",
		"suppress gen_id 1, sig_id 7, track by_src",
		"suppress gen_id 1, sig_id 7, ip 192.0.2.1",
		"suppress gen_id 1, sig_id 7, track by_rule, ip 192.0.2.1",
		"suppress gen_id 1, sig_id 7, track by_src, ip 192.0.2.999",
		"suppress gen_id 1, sig_id 7, track by_src, ip $NONESUCH",
		"suppress gen_id 1, sig_id 7, count 1",
		"threshold gen_id 1, sig_id 7, type limit, track by_either, count 1, seconds 1",
		"threshold gen_id 1, sig_id 7, type limit, track by_src, count 0, seconds 1",
		"threshold gen_id 1, sig_id 7, type rare, track by_src, count 1, seconds 1",
		"threshold gen_id 1, sig_id 7, type limit, track by_src, count 1",
		"threshold gen_id 1, sig_id 7, type limit, track by_src, count 4294967296, "
		"seconds 1",
		"rate_filter gen_id 1, sig_id 7, track by_src, count 1, seconds 1, timeout 1",
		"rate_filter gen_id 1, sig_id 7, track by_src, count 1, seconds 1, new_action "
		"dance, timeout 1",
		"suppress gen_id 1, sig_id 7,",
	};

	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		struct fixture f;

		start(&f);
		EXPECT(t, load(&f, lines[i]) == ST_OK);
		EXPECT_UINT(t, f.set.limit_count, 0);
		EXPECT_UINT(t, f.set.problem_count, 1);
		EXPECT_UINT(t, f.set.warning_count, 1);
		EXPECT(t, f.set.problems[0].warning && f.set.problems[0].line == 1);
		stop(&f);
	}
}

static void every_allocation_may_fail(struct test *t)
{
	enum status st = ST_NOMEM;

	for (size_t n = 1; st != ST_OK; n++) {
		struct fixture f = {.pool = {.budget = 8 << 20}};

		f.arena.pool = &f.pool;
		f.pool.fail_after = n;
		st = rule_set_init(&f.set, &f.arena, &f.why);
		if (st == ST_OK)
			st = load(&f, "suppress gen_id 1, sig_id 1, track by_src, ip [10.0.0.1]\n"
				      "wrong\n");
		EXPECT(t, n < 100 && (st == ST_OK || st == ST_NOMEM));
		arena_reset(&f.arena);
		EXPECT_UINT(t, f.pool.out, 0);
		arena_pool_drain(&f.pool);
	}
}

TESTS(T(every_kind_of_line_is_read), T(what_is_no_limit_is_a_warning_with_its_line),
      T(every_allocation_may_fail))
