/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/rule/rule_priv.h"
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

static bool knows(struct slice name)
{
	return slice_equal(name, SLICE("content"));
}

static void a_requirement_is_met_or_not(struct test *t)
{
	static const struct {
		const char *text;
		bool met;
	} cases[] = {{"version >= 8.0.6", true},
		     {"version > 8.0.6", false},
		     {"version <= 8.0.6", true},
		     {"version < 8.0.6", false},
		     {"version < 8.0.7", true},
		     {"version >= 8", true},
		     {"version > 8", true},
		     {"version >= 8.1", false},
		     {"version   >=   7", true},
		     {"version >= 7 < 8", false},
		     {"version >= 7.0.3 < 8 | >= 8.0.1", true},
		     {"version >= 7 < 8|>= 9", false},
		     {"keyword content", true},
		     {"keyword nonesuch", false},
		     {"keyword content, version >= 8", true},
		     {"version >= 8, keyword nonesuch", false},
		     {"feature output::file-store", true},
		     {"feature flying", false},
		     {"anything at all", false}};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct fixture f;
		bool met = !cases[i].met;

		start(&f);
		f.set.knows_keyword = knows;
		EXPECT(t,
		       rule_requires_check(&f.set, slice_of(cases[i].text), &met, &f.why) == ST_OK);
		EXPECT(t, met == cases[i].met);
		stop(&f);
	}
}

static void a_version_that_is_none_is_refused(struct test *t)
{
	static const char *const cases[] = {"version",
					    "version 8",
					    "version >= ",
					    "version = 8",
					    "version >= 8..1",
					    "version >= 256",
					    "version >= 8.0.6.1",
					    "version >= 8 |",
					    "version >= x",
					    "version >= 8, version < 9",
					    "version >= 8 < "};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct fixture f;
		bool met;

		start(&f);
		EXPECT(t,
		       rule_requires_check(&f.set, slice_of(cases[i]), &met, &f.why) == ST_INVALID);
		stop(&f);
	}
}

static void a_rule_for_another_engine_is_skipped_whatever_else_it_says(struct test *t)
{
	struct fixture f;

	start(&f);
	EXPECT(t, rule_set_load(
			  &f.set, SLICE("x"),
			  SLICE("alert tcp any any >> any any (requires: version >= 10; sid:1;)\n"
				"alert tcp any any -> any any (requires: version >= 8; sid:2;)\n"
				"alert tcp any any >> any any (requires: version >= 8; sid:3;)\n"
				"alert tcp any any -> any any (requires: version; sid:4;)\n"),
			  &f.why) == ST_OK);
	EXPECT_UINT(t, f.set.count, 1);
	EXPECT_UINT(t, f.set.rules[0].sid, 2);
	EXPECT_UINT(t, f.set.skipped, 1);
	EXPECT_UINT(t, f.set.problem_count, 2);
	EXPECT_UINT(t, f.set.problems[0].sid, 3);
	EXPECT_UINT(t, f.set.problems[1].sid, 4);
	stop(&f);
}

TESTS(T(a_requirement_is_met_or_not), T(a_version_that_is_none_is_refused),
      T(a_rule_for_another_engine_is_skipped_whatever_else_it_says))
