/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
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

static void references_become_addresses(struct test *t)
{
	static const struct {
		const char *option, *address;
	} cases[] = {{"url,example.org/x", "https://example.org/x"},
		     {"URL, example.org", "https://example.org"},
		     {"url,http://example.org", "http://example.org"},
		     {"cve,2024-1", "https://cve.mitre.org/cgi-bin/cvename.cgi?name=2024-1"},
		     {"mine,7", "gopher://mine/7"},
		     {"nonesuch,7", "7"}};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct fixture f;
		struct slice text;

		start(&f);
		text = buf_text(&f.arena,
				"alert ip any any -> any any (reference:url,first; reference:%s; "
				"sid:1;)\n",
				cases[i].option);
		EXPECT(t, rule_set_references(&f.set, SLICE("r"),
					      SLICE("# comment\nconfig reference: Mine "
						    "gopher://mine/\n"),
					      &f.why) == ST_OK);
		EXPECT(t, rule_set_load(&f.set, SLICE("x"), text, &f.why) == ST_OK);
		EXPECT_UINT(t, f.set.count, 1);
		EXPECT_UINT(t, f.set.rules[0].reference_count, 2);
		EXPECT_SLICE(t, f.set.rules[0].references[0], SLICE("https://first"));
		EXPECT_SLICE(t, f.set.rules[0].references[1], slice_of(cases[i].address));
		stop(&f);
	}
}

static void a_reference_without_a_system_is_refused(struct test *t)
{
	struct fixture f;

	start(&f);
	EXPECT(t, rule_set_load(&f.set, SLICE("x"),
				SLICE("alert ip any any -> any any (reference:url; sid:1;)\n"
				      "alert ip any any -> any any (reference; sid:2;)\n"),
				&f.why) == ST_OK);
	EXPECT_UINT(t, f.set.count, 0);
	EXPECT_UINT(t, f.set.problem_count, 2);
	stop(&f);
}

static void a_line_that_says_nothing_is_a_warning(struct test *t)
{
	struct fixture f;

	start(&f);
	EXPECT(t, rule_set_references(&f.set, SLICE("r"),
				      SLICE("config reference: x\nconfig classification: a,b,1\n"
					    "config reference: x y\n"),
				      &f.why) == ST_OK);
	EXPECT_UINT(t, f.set.warning_count, 2);
	EXPECT_UINT(t, f.set.problems[1].line, 2);
	stop(&f);
}

TESTS(T(references_become_addresses), T(a_reference_without_a_system_is_refused),
      T(a_line_that_says_nothing_is_a_warning))
