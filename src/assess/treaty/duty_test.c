/* SPDX-License-Identifier: Apache-2.0 */
#include "assess/treaty/treaty_priv.h"
#include "test.h"

#define HEAD                                                                                       \
	"instrument x \"X\"\nsource \"s\" mark V\nin-force between-parties\n"                      \
	"standard high 0.75\nstandard low 0.3\nterm a \"A\"\nterm b \"B\" open\n"                  \
	"clause x.1 \"C\"\nproof high\nwhen a\n"
#define DUTY                                                                                       \
	HEAD "duty x.2 \"D\"\nbearer territory-state\non request kind inspect from party\n"        \
	     "proof low\n"

struct fixture {
	struct arena_pool pool;
	struct arena a;
	struct buf problems;
	struct treaty *t;
	struct fail why;
};

static void done(struct fixture *f)
{
	arena_reset(&f->a);
	arena_pool_drain(&f->pool);
}

static bool compile(struct fixture *f, struct slice text)
{
	*f = (struct fixture){.pool = {.budget = 16 << 20}};
	f->a.pool = &f->pool;
	f->problems = buf_in(&f->a);
	return treaty_compile(SLICE("x"), text, &f->a, &f->t, &f->problems, &f->why) == ST_OK;
}

static const char whole[] =
	DUTY "decide against 3 of 4 by others within 12h\nmust acknowledge within 1h\n"
	     "must admit within 5d after acknowledge\nmust host for 84h\n"
	     "must answer no-number after admit\nmay refuse ground sovereignty, security giving "
	     "reasons\nmay extend by 10wd\nmay pause for 30d\nlest record no-answer\n"
	     "lest presume x.1 respondent-shows not b\n"
	     "lest throttle keep 1 of 10 for 24h exempt health, emergency by 2 of 3\n";

static void a_duty_says_all_that_its_engine_needs(struct test *t)
{
	struct fixture f;
	const struct treaty_duty *d;

	EXPECT(t, compile(&f, slice_of(whole)));
	d = treaty_clause_duty(f.t, 1);
	EXPECT(t, d != NULL && treaty_clause_duty(f.t, 0) == NULL);
	EXPECT(t, d->decide.against && d->decide.others && d->decide.share.n == 3 &&
			  d->decide.share.of == 4 && d->decide.within.n == 12);
	EXPECT(t, d->step_count == 4 && d->steps[0].after == 0 && d->steps[1].after == 1);
	EXPECT(t, d->steps[2].pace == TREATY_LASTING && d->steps[2].after == 2 &&
			  d->steps[3].pace == TREATY_NO_NUMBER && d->steps[3].after == 2);
	EXPECT(t, d->extend.unit == TREATY_WORKING_DAYS && d->extend.n == 10 &&
			  d->pause.unit == TREATY_DAYS && d->pause.n == 30);
	EXPECT(t, d->lest_count == 3 && d->lest[2].kind == TREATY_THROTTLE &&
			  d->lest[2].keep.of == 10 && d->lest[2].most.n == 24 &&
			  d->lest[2].exempt_count == 2 && d->lest[2].quorum.of == 3);
	EXPECT_SLICE(t, d->lest[2].exempt[1], SLICE("emergency"));
	EXPECT(t, !treaty_clause_unchecked(f.t, 1));
	done(&f);
}

/* What is printed is the language: compiled again, it is the same duty. */
static void what_is_printed_compiles_to_the_same(struct test *t)
{
	struct fixture f, g;
	struct buf first, again = {0};

	EXPECT(t, compile(&f, slice_of(whole)));
	first = buf_in(&f.a);
	buf_add_z(&first, HEAD "duty x.2 \"D\"\n");
	treaty_duty_write(f.t, treaty_clause_duty(f.t, 1), &first);
	buf_add_byte(&first, '\n');
	EXPECT(t, compile(&g, buf_slice(&first)));
	again = buf_in(&g.a);
	buf_add_z(&again, HEAD "duty x.2 \"D\"\n");
	treaty_duty_write(g.t, treaty_clause_duty(g.t, 1), &again);
	buf_add_byte(&again, '\n');
	EXPECT_SLICE(t, buf_slice(&again), buf_slice(&first));
	done(&f);
	done(&g);
}

static void what_is_wrong_is_said(struct test *t)
{
	static const struct {
		const char *lines, *want;
	} rows[] = {
		{"decide by 1 of 2", "15:8: expected \"for\" or \"against\""},
		{"decide for 5 of 4 by all within 1h", "15:12: expected a share of at most 1"},
		{"decide for 0 of 4 by all within 1h", "15:12: expected a number from 1 to 9999"},
		{"decide for 1 of 10000 by all within 1h", "15:17: expected a number from 1"},
		{"decide for 1 of 4 by some within 1h", "15:22: expected \"all\" or \"others\""},
		{"decide for 1 of 4 by all within 1wd", "15:33: expected a span in hours or days"},
		{"decide for 1 of 4 by all within 1h\ndecide for 1 of 4 by all within 1h",
		 "16:1: a second \"decide\""},
		{"must act within 1h\nmust act no-number", "16:6: a second \"must act\""},
		{"must act within 1h after rest", "15:26: there is no line \"must rest\" above"},
		{"must do within 1h\nmust rest for 1h\nmust act within 1h after rest",
		 "17:26: there is no line"},
		{"must rest for 1h", "15:6: what nobody began would be kept by silence"},
		{"may extend by 1h\nmay extend by 1h", "16:1: a second \"may extend\""},
		{"may pause for 1mo", "15:15: expected a span in hours or days"},
		{"may leave", "15:5: expected \"refuse\", \"extend\" or \"pause\""},
		{"lest throttle keep 2 of 1 for 1h", "15:20: expected a share of at most 1"},
		{"lest throttle keep 1 of 2 for 1h by 1 of 2", "15:34: expected \"exempt\""},
		{"lest throttle keep 1 of 2 for 1h exempt a", "15:42: expected \"by\""},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct arena_pool pool = {.budget = 1 << 20};
		struct arena a = {.pool = &pool};
		struct slice text = buf_text(&a, "%s%s\nmust end no-number\n", DUTY, rows[i].lines);
		struct fixture f;
		size_t at;

		EXPECT(t, !compile(&f, text));
		at = slice_find(buf_slice(&f.problems), slice_of(rows[i].want));
		if (at == SIZE_MAX)
			test_fail(t, __FILE__, __LINE__, "row %zu: %.*s", i,
				  SLICE_ARG(buf_slice(&f.problems)));
		done(&f);
		arena_end(a, pool);
	}
}

static void grounds_are_a_closed_list_and_four_are_open(struct test *t)
{
	size_t n, open = 0;
	const struct treaty_ground *g = treaty_grounds(&n);

	for (size_t i = 0; i < n; i++) {
		open += g[i].open;
		EXPECT(t, treaty_ground_find(slice_of(g[i].name)) == &g[i]);
	}
	EXPECT_UINT(t, n, 11);
	EXPECT_UINT(t, open, 4);
	EXPECT(t, treaty_ground_find(SLICE("no will")) == NULL);
	EXPECT(t, treaty_kind_known(SLICE("inspect")) && !treaty_kind_known(SLICE("obey")));
}

/* The clause's standard counts; where it is not judged, the duty's; where there is none, 0.51. */
static void who_rebuts_a_presumption_shows_it_at_the_clauses_standard(struct test *t)
{
	static const struct {
		const char *text;
		int32_t milli;
	} rows[] = {
		{DUTY "must act no-number\nlest presume x.1 respondent-shows a\n", 750},
		{HEAD
		 "not-judged x.3 \"N\" ; r\nduty x.2 \"D\"\nbearer each-party\non request kind "
		 "stop from party\nproof low\nmust act no-number\nlest presume x.3 "
		 "respondent-shows a\n",
		 300},
		{HEAD
		 "not-judged x.3 \"N\" ; r\nduty x.2 \"D\"\nbearer each-party\non request kind "
		 "stop from party\nmust act no-number\nlest presume x.3 respondent-shows a\n",
		 510},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (int32_t off = -1; off <= 1; off++) {
			struct claim c = {.atom = SLICE("a"), .p = {rows[i].milli + off, 1000}};
			struct claim_set claims = {0};
			struct treaty_lanes room[8];
			const struct treaty_duty *d;
			struct fixture f;
			bool open;

			EXPECT(t, compile(&f, slice_of(rows[i].text)));
			EXPECT(t, claim_add(&claims, &f.a, c));
			d = treaty_clause_duty(f.t, treaty_clause_count(f.t) - 1);
			EXPECT(t, treaty_lest_rebutted(f.t, d, &d->lest[0], &claims, room, &open) ==
					  (off < 0 ? TREATY_UNDETERMINED : TREATY_TRUE));
			EXPECT(t, !open);
			done(&f);
		}
}

static void an_assurance_binds_its_author_alone(struct test *t)
{
	struct claim_set claims = {0};
	struct claim c = {.atom = SLICE("a"), .p = {1000, 1000}};
	const struct wall_ns before = {INT64_C(1577836799) * TIME_NS_PER_S},
			     since = {INT64_C(1577836800) * TIME_NS_PER_S};
	struct treaty_case tc = {.claims = &claims, .at = since, .respondent = SLICE("A")};
	struct treaty_finding *found;
	struct fixture f;
	size_t n;

	EXPECT(t, compile(&f, SLICE("instrument x \"X\"\nsource \"s\" mark V\n"
				    "in-force assured-by A 2020-01-01\nterm a \"A\"\n"
				    "clause x.1 \"C\"\nproof high 0.75\nwhen a\n")));
	EXPECT_SLICE(t, treaty_author(f.t), SLICE("A"));
	EXPECT(t, treaty_party_bound(f.t, SLICE("A"), since));
	EXPECT(t, !treaty_party_bound(f.t, SLICE("A"), before));
	EXPECT(t, !treaty_party_bound(f.t, SLICE("B"), since));
	EXPECT(t, claim_add(&claims, &f.a, c));
	EXPECT(t, treaty_judge(f.t, &tc, &f.a, &found, &n, &f.why) == ST_OK);
	EXPECT_SLICE(t, found[0].result, SLICE("breach shown"));
	tc.respondent = SLICE("B");
	tc.claimant = SLICE("A");
	tc.respondent_bound = tc.claimant_bound = true;
	EXPECT(t, treaty_judge(f.t, &tc, &f.a, &found, &n, &f.why) == ST_OK);
	EXPECT_SLICE(t, found[0].result, SLICE("not bound"));
	tc.respondent = SLICE("A");
	tc.at = before;
	EXPECT(t, treaty_judge(f.t, &tc, &f.a, &found, &n, &f.why) == ST_OK);
	EXPECT_SLICE(t, found[0].result, SLICE("not in force"));
	done(&f);
}

TESTS(T(a_duty_says_all_that_its_engine_needs), T(what_is_printed_compiles_to_the_same),
      T(what_is_wrong_is_said), T(grounds_are_a_closed_list_and_four_are_open),
      T(who_rebuts_a_presumption_shows_it_at_the_clauses_standard),
      T(an_assurance_binds_its_author_alone))
