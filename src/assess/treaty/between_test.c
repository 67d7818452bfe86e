/* SPDX-License-Identifier: Apache-2.0
 *
 * What holds between two parties: amendments together, objections to them, and who must show what
 * how surely.
 */
#include "assess/treaty/treaty_parse_priv.h"
#include "test.h"

#include <stdio.h>

struct fixture {
	struct arena_pool pool;
	struct arena a;
	struct treaty *t;
	struct claim_set claims;
	struct treaty_case c;
	struct treaty_finding *f;
	size_t count;
	struct buf problems;
	struct fail why;
};

static void done(struct fixture *x)
{
	arena_reset(&x->a);
	arena_pool_drain(&x->pool);
}

static void day(struct fixture *x, const char *text)
{
	ASSERT(time_parse_date(slice_of(text), &x->c.at));
}

/* Bound parties A and B, in 2026. */
static bool setup(struct fixture *x, const char *text)
{
	*x = (struct fixture){.pool = {.budget = 64 << 20}};
	x->a.pool = &x->pool;
	x->problems = buf_in(&x->a);
	x->c = (struct treaty_case){.claims = &x->claims,
				    .claimant = SLICE("A"),
				    .respondent = SLICE("B"),
				    .claimant_bound = true,
				    .respondent_bound = true};
	day(x, "2026-06-01");
	return treaty_compile(SLICE("x"), slice_of(text), &x->a, &x->t, &x->problems, &x->why) ==
	       ST_OK;
}

static bool problem(const char *text, const char *want)
{
	struct fixture x;
	bool found =
		!setup(&x, text) && slice_find(buf_slice(&x.problems), slice_of(want)) != SIZE_MAX;

	if (!found)
		printf("# %.*s\n", SLICE_ARG(buf_slice(&x.problems)));
	done(&x);
	return found;
}

static void say(struct fixture *x, const char *atom, int32_t lo, int32_t hi)
{
	struct claim c = {.atom = slice_of(atom), .p = {lo, hi}};

	for (size_t i = 0; i < x->claims.count; i++)
		if (slice_equal(x->claims.claims[i].atom, c.atom)) {
			x->claims.claims[i].p = c.p;
			return;
		}
	ASSERT(claim_add(&x->claims, &x->a, c));
}

static const struct treaty_finding *judge(struct fixture *x, size_t clause)
{
	ASSERT(treaty_judge(x->t, &x->c, &x->a, &x->f, &x->count, &x->why) == ST_OK);
	return &x->f[clause];
}

static bool trace_holds(const struct treaty_finding *f, const char *part)
{
	for (size_t i = 0; i < f->trace_count; i++)
		if (slice_find(f->trace[i].text, slice_of(part)) != SIZE_MAX)
			return true;
	return false;
}

#define HEAD                                                                                       \
	"instrument x \"X\"\nsource \"s\" mark V\nin-force 2000-01-01\nstandard high 0.75\n"       \
	"standard balance 0.51\nterm a \"A\"\nterm b \"B\"\nterm c \"C\"\nterm d \"D\"\n"

/* ---- amendments ------------------------------------------------------------------------------ */

/* Bits of n say which of a, b, c, d hold. */
static enum treaty_value in_case(struct fixture *x, unsigned n)
{
	static const char *const atoms[] = {"a", "b", "c", "d"};

	for (unsigned i = 0; i < 4; i++)
		say(x, atoms[i], n >> i & 1 ? 1000 : 0, n >> i & 1 ? 1000 : 0);
	return judge(x, 0)->value;
}

static void amendments_compose_in_any_order(struct test *t)
{
	static const char *const lines[] = {"amend x.1 require b ; s, deposited 2001-01-01\n",
					    "reserve x.1 where c ; s, deposited 2002-01-01\n",
					    "amend x.1 require d or c ; s, deposited 2003-01-01\n"};
	static const unsigned orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
					      {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

	for (unsigned o = 0; o < 12; o++) {
		char text[2048];
		struct fixture x;
		const unsigned *order = orders[o % 6];

		/* all of one side, or spread over both: between the two it is the same */
		(void)snprintf(text, sizeof text,
			       HEAD "clause x.1 \"C\"\nproof high\nwhen a\nparty A\n%s%s%s%s",
			       lines[order[0]], o < 6 ? "" : "party B\n", lines[order[1]],
			       lines[order[2]]);
		EXPECT(t, setup(&x, text));
		for (unsigned n = 0; n < 16; n++)
			EXPECT_UINT(t, in_case(&x, n),
				    (n & 1) && (n & 2) && !(n & 4) && (n & 8) ? TREATY_TRUE
									      : TREATY_FALSE);
		done(&x);
	}
}

static void the_law_is_that_of_the_day_of_the_act(struct test *t)
{
	static const struct {
		const char *day;
		enum treaty_value v;
		const char *result;
	} rows[] = {{"1999-12-31", TREATY_UNDETERMINED, "not in force"},
		    {"2000-01-01", TREATY_TRUE, "breach shown"},
		    {"2009-12-31", TREATY_TRUE, "breach shown"},
		    {"2010-01-01", TREATY_FALSE, "no breach"}, /* A amended it */
		    {"2019-12-31", TREATY_FALSE, "no breach"}, /* and withdrew that */
		    {"2020-01-01", TREATY_TRUE, "breach shown"}};
	struct fixture x;

	EXPECT(t,
	       setup(&x, HEAD "clause x.1 \"C\"\nproof high\nwhen a\nparty A\n"
			      "amend x.1 require b ; s, deposited 2010-01-01, until 2020-01-01\n"));
	say(&x, "a", 1000, 1000);
	say(&x, "b", 0, 0);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		day(&x, rows[i].day);
		EXPECT_UINT(t, judge(&x, 0)->value, rows[i].v);
		EXPECT_SLICE(t, judge(&x, 0)->result, slice_of(rows[i].result));
	}
	done(&x);
}

/* ---- objections ------------------------------------------------------------------------------ */

#define RESERVED                                                                                   \
	HEAD "clause x.1 \"C\"\nproof high\nwhen a\nclause x.2 \"D\"\nproof high\nwhen a\n"        \
	     "party B \"Beta\" from 2001-01-01\nreserve x.1 where b ; s, deposited 2001-01-01\n"

static void an_objection_may_keep_the_treaty_from_being_in_force_between_the_two(struct test *t)
{
	struct fixture x;

	EXPECT(t, setup(&x, RESERVED "party A \"Alpha\" from 2000-01-01\n"
				     "object x.1 of B excluding ; note, deposited 2001-06-01, "
				     "until 2020-01-01\nparty C from 2000-01-01\n"));
	say(&x, "a", 1000, 1000);
	say(&x, "b", 0, 0);
	day(&x, "2010-01-01");
	for (size_t clause = 0; clause < 2; clause++) { /* the whole treaty, not only the clause */
		EXPECT_SLICE(t, judge(&x, clause)->result, SLICE("not bound"));
		EXPECT(t, judge(&x, clause)->not_applicable);
		EXPECT_UINT(t, judge(&x, clause)->change_count, 0);
		EXPECT(t,
		       trace_holds(judge(&x, clause),
				   "Alpha objects to what Beta made of x.1 (note, deposited "
				   "2001-06-01), so the treaty is not in force between the two"));
	}
	x.c.claimant = SLICE("B"); /* either way round */
	x.c.respondent = SLICE("A");
	EXPECT_SLICE(t, judge(&x, 1)->result, SLICE("not bound"));
	x.c.respondent = SLICE("C"); /* others are not concerned */
	EXPECT_SLICE(t, judge(&x, 1)->result, SLICE("breach shown"));
	x.c.claimant = SLICE("A");
	EXPECT_SLICE(t, judge(&x, 1)->result, SLICE("breach shown"));
	x.c.respondent = SLICE("B");
	day(&x, "2001-05-31"); /* before it, and once it is withdrawn */
	EXPECT_SLICE(t, judge(&x, 1)->result, SLICE("breach shown"));
	day(&x, "2001-06-01");
	EXPECT_SLICE(t, judge(&x, 1)->result, SLICE("not bound"));
	day(&x, "2020-01-01");
	EXPECT_SLICE(t, judge(&x, 1)->result, SLICE("breach shown"));
	/* without words it is the same */
	{
		struct treaty_lanes worlds[4];
		struct treaty_law law = {SLICE("A"), SLICE("B"), x.c.at};

		for (size_t i = 0; i < 4; i++)
			worlds[i] = treaty_lanes_of(TREATY_TRUE);
		worlds[1] = treaty_lanes_of(TREATY_FALSE);
		EXPECT(t, !treaty_opposed(x.t, &law));
		EXPECT(t, treaty_clause_eval(x.t, 1, &law, worlds).shown == UINT64_MAX);
		day(&x, "2010-01-01");
		law.at = x.c.at;
		EXPECT(t, treaty_opposed(x.t, &law));
		EXPECT(t, treaty_clause_eval(x.t, 1, &law, worlds).shown == 0);
	}
	done(&x);
}

/* VCLT 21(3): to the extent of the reservation the clause does not apply between the two. As a
 * reservation only narrows, that is what it comes to without the objection (reciprocity, 21(1)). */
static void a_mere_objection_leaves_the_law_and_is_told(struct test *t)
{
	struct fixture with, without;

	EXPECT(t, setup(&with, RESERVED "party A from 2000-01-01\n"
					"object x.1 of B ; note, deposited 2001-06-01\n"));
	EXPECT(t, setup(&without, RESERVED "party A from 2000-01-01\n"));
	for (unsigned n = 0; n < 16; n++)
		EXPECT_UINT(t, in_case(&with, n), in_case(&without, n));
	EXPECT(t,
	       trace_holds(judge(&with, 0), "A objects to what Beta made of x.1 (note, deposited "
					    "2001-06-01): to that extent the clause does not apply "
					    "between the two (VCLT 21(3))"));
	EXPECT(t, !trace_holds(judge(&with, 1), "objects"));
	EXPECT(t, !trace_holds(judge(&without, 0), "objects"));
	done(&with);
	done(&without);
}

/* VCLT 20(5): twelve months after the reservation was told, or when the party became one. */
static void twelve_months_of_silence_accept(struct test *t)
{
	static const struct {
		const char *reserved, *from, *objected;
		bool late;
	} rows[] = {
		{"2001-01-01", "2000-01-01", "2001-12-31", false},
		{"2001-01-01", "2000-01-01", "2002-01-01", false},
		{"2001-01-01", "2000-01-01", "2002-01-02", true},
		{"2000-02-29", "2000-01-01", "2001-02-28", false},
		{"2000-02-29", "2000-01-01", "2001-03-01", true},
		{"2009-12-31", "2000-01-01", "2010-12-31", false},
		{"2009-12-31", "2000-01-01", "2011-01-01", true},
		{"2001-01-01", "2005-03-03", "2005-03-03", false}, /* it joined later */
		{"2001-01-01", "2005-03-03", "2005-03-04", true},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char text[2048];
		struct fixture x;
		struct buf notes;

		(void)snprintf(text, sizeof text,
			       HEAD
			       "| Article.\nclause x.1 \"C\"\nproof high\nwhen a and b and c and "
			       "d\nparty B from 2000-01-01\nreserve x.1 ; s, deposited %s\n"
			       "party A from %s\nobject x.1 of B excluding ; s, deposited %s\n",
			       rows[i].reserved, rows[i].from, rows[i].objected);
		EXPECT(t, setup(&x, text));
		EXPECT(t, x.t->objections[0].late == rows[i].late);
		EXPECT(t, treaty_opposed(x.t, &(struct treaty_law){SLICE("A"), SLICE("B"),
								   x.c.at}) != rows[i].late);
		notes = buf_in(&x.a);
		EXPECT(t, treaty_lint(x.t, SLICE("x"), &x.a, &notes));
		EXPECT(t, (slice_find(buf_slice(&notes), SLICE("accepted by silence")) !=
			   SIZE_MAX) == rows[i].late);
		notes = buf_in(&x.a);
		EXPECT(t, treaty_explain(x.t, 100, &x.a, &notes));
		EXPECT(t, (slice_find(buf_slice(&notes), SLICE("too late, and without effect")) !=
			   SIZE_MAX) == rows[i].late);
		done(&x);
	}
}

static void what_the_text_admits_needs_nobodys_acceptance(struct test *t)
{
#define ADMITTED                                                                                   \
	HEAD "clause x.1 \"C\"\nproof high\nwhen a\nadmits reserve ; art. 42\n"                    \
	     "party B\nreserve x.1 ; s, deposited 2001-01-01\n"
	struct fixture x;

	EXPECT(t, problem(ADMITTED "party A\nobject x.1 of B ; s, deposited 2001-06-01\n",
			  "17:8: what \"B\" made of \"x.1\" is admitted by the text"));
	/* of two things that B made of it, one is not admitted */
	EXPECT(t, setup(&x, ADMITTED "amend x.1 require b ; s, deposited 2001-01-01\nparty A\n"
				     "object x.1 of B ; s, deposited 2001-06-01\n"));
	done(&x);
}

static void an_objection_names_what_it_objects_to(struct test *t)
{
	static const struct {
		const char *line, *want;
	} rows[] = {
		{"object x.2 of B ; s, deposited 2001-06-01",
		 "\"B\" made nothing of \"x.2\" above"},
		{"object x.9 of B ; s, deposited 2001-06-01", "there is no clause \"x.9\" above"},
		{"object x.1 of A ; s, deposited 2001-06-01", "\"A\" is no other party above"},
		{"object x.1 of Z ; s, deposited 2001-06-01", "\"Z\" is no other party above"},
		{"object x.1 ; s, deposited 2001-06-01", "expected \"of\" and the party"},
		{"object x.1 of ; s, deposited 2001-06-01", "expected the party that reserved it"},
		{"object x.1 of B ; s", "expected \"; source, deposited YYYY-MM-DD\""},
		{"object x.1 of B loudly ; s, deposited 2001-06-01",
		 "expected \"; source, deposited YYYY-MM-DD\""},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char text[2048];

		(void)snprintf(text, sizeof text, RESERVED "party A\n%s\n", rows[i].line);
		EXPECT(t, problem(text, rows[i].want));
	}
	EXPECT(t, problem(HEAD "object x.1 of B ; s, deposited 2001-06-01\n", "expected reading"));
}

static void objections_are_limited(struct test *t)
{
	static char text[(TREATY_OBJECTIONS_MAX + 8) * 64];

	for (int n = TREATY_OBJECTIONS_MAX - 1; n <= TREATY_OBJECTIONS_MAX + 1; n++) {
		size_t at = (size_t)snprintf(text, sizeof text, RESERVED "party A\n");
		struct fixture x;

		for (int i = 0; i < n; i++)
			at += (size_t)snprintf(text + at, sizeof text - at,
					       "object x.1 of B ; s%d, deposited 2001-06-01\n", i);
		EXPECT(t, setup(&x, text) == (n <= TREATY_OBJECTIONS_MAX));
		EXPECT(t, (slice_find(buf_slice(&x.problems), SLICE("at most 1024 objections")) !=
			   SIZE_MAX) == (n > TREATY_OBJECTIONS_MAX));
		done(&x);
	}
}

/* ---- standards ------------------------------------------------------------------------------- */

static void an_exception_may_want_another_proof_than_its_clause(struct test *t)
{
	static const struct {
		int32_t lo, hi;
		enum treaty_value lax, sure, claimant;
	} rows[] = {
		/* shown at 0.51 only */
		{510, 1000, TREATY_FALSE, TREATY_TRUE, TREATY_UNDETERMINED},
		{749, 1000, TREATY_FALSE, TREATY_TRUE, TREATY_UNDETERMINED},
		/* at both */
		{750, 1000, TREATY_FALSE, TREATY_FALSE, TREATY_FALSE},
		/* at none: the respondent has not shown it; the claimant must rule it out, surely
		 */
		{509, 1000, TREATY_TRUE, TREATY_TRUE, TREATY_UNDETERMINED},
		{0, 490, TREATY_TRUE, TREATY_TRUE, TREATY_UNDETERMINED},
		{0, 251, TREATY_TRUE, TREATY_TRUE, TREATY_UNDETERMINED},
		{0, 250, TREATY_TRUE, TREATY_TRUE, TREATY_TRUE},
	};
	struct fixture x;

	EXPECT(t, setup(&x, HEAD
			"clause x.1 \"C\"\nproof balance\nwhen a\n"
			"unless respondent-shows b ; r\n"
			"clause x.2 \"C\"\nproof balance\nwhen a\n"
			"unless respondent-shows b at high ; r\n"
			"clause x.3 \"C\"\nproof balance\nwhen a\nunless b at high 0.75 ; r\n"));
	say(&x, "a", 600, 1000);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		say(&x, "b", rows[i].lo, rows[i].hi);
		EXPECT_UINT(t, judge(&x, 0)->value, rows[i].lax);
		EXPECT_UINT(t, judge(&x, 1)->value, rows[i].sure);
		EXPECT_UINT(t, judge(&x, 2)->value, rows[i].claimant);
	}
	say(&x, "b", 600, 900);
	EXPECT(t,
	       trace_holds(judge(&x, 1), "exception \"r\": not shown by the respondent, who must "
					 "show it, at the standard high 0.75"));
	EXPECT(t, trace_holds(judge(&x, 1), "b 0.60-0.90 is neither shown nor excluded at 0.75"));
	EXPECT(t, trace_holds(judge(&x, 1), "a 0.60-1 is shown at 0.51"));
	EXPECT_SLICE(t, judge(&x, 1)->rule,
		     SLICE("proof balance 0.51\nwhen a\nunless respondent-shows b at high ; r"));
	done(&x);
}

/* One term, read at two standards: it is an unknown where it is one at either. */
static void what_would_change_it_looks_at_both_standards(struct test *t)
{
	struct fixture x;

	EXPECT(t, setup(&x, HEAD "clause x.1 \"C\"\nproof balance\nwhen a or b\n"
				 "unless respondent-shows b and c at high ; r\n"));
	say(&x, "a", 1000, 1000);
	say(&x, "b", 600, 1000); /* shown at 0.51, open at 0.75 */
	say(&x, "c", 1000, 1000);
	EXPECT_UINT(t, judge(&x, 0)->value, TREATY_TRUE);
	EXPECT_UINT(t, judge(&x, 0)->change_count, 1);
	EXPECT_SLICE(t, judge(&x, 0)->changes[0].atom, SLICE("b"));
	EXPECT_UINT(t, judge(&x, 0)->changes[0].if_true, TREATY_FALSE);
	EXPECT_UINT(t, judge(&x, 0)->changes[0].if_false, TREATY_TRUE);
	say(&x, "b", 750, 1000); /* settled at both */
	EXPECT_UINT(t, judge(&x, 0)->value, TREATY_FALSE);
	EXPECT_UINT(t, judge(&x, 0)->change_count, 0);
	/* settled where it is read, and not at the clause's other standard: no unknown */
	say(&x, "a", 600, 1000);
	say(&x, "b", 0, 0);
	EXPECT_UINT(t, judge(&x, 0)->change_count, 0);
	done(&x);
}

/* "Flip the burden: the result flips only when the fact is unknown", at any standard of its own. */
static void the_burden_counts_only_where_the_fact_is_unknown(struct test *t)
{
	struct fixture x;

	EXPECT(t, setup(&x, HEAD "clause x.1 \"C\"\nproof high\nwhen a\nunless b at balance ; r\n"
				 "clause x.2 \"C\"\nproof high\nwhen a\n"
				 "unless respondent-shows b at balance ; r\n"));
	say(&x, "a", 1000, 1000);
	for (int i = 0; i < 500; i++) {
		int32_t lo = (int32_t)(test_rand(t) % 1001);
		int32_t hi = lo + (int32_t)(test_rand(t) % (uint64_t)(1001 - lo));
		bool known = lo >= 510 || hi <= 490;

		say(&x, "b", lo, hi);
		EXPECT(t, (judge(&x, 0)->value == judge(&x, 1)->value) == known);
	}
	done(&x);
}

static void whoever_judges_may_have_numbers_of_their_own(struct test *t)
{
	struct treaty_standard strict[] = {{SLICE("high"), 900}, {SLICE("unheard-of"), 100}};
	struct fixture x;

	EXPECT(t,
	       setup(&x, HEAD "clause x.1 \"C\"\nproof high\nwhen a\n"
			      "clause x.2 \"C\"\nproof balance\nwhen a\nunless b at high ; r\n"));
	say(&x, "a", 800, 1000);
	say(&x, "b", 0, 200);
	EXPECT_UINT(t, judge(&x, 0)->value, TREATY_TRUE);
	EXPECT_UINT(t, judge(&x, 1)->value, TREATY_TRUE);
	x.c.standards = strict;
	x.c.standard_count = 2;
	EXPECT_UINT(t, judge(&x, 0)->value, TREATY_UNDETERMINED);
	EXPECT(t, judge(&x, 0)->standard_milli == 900);
	EXPECT_SLICE(t, judge(&x, 0)->rule, SLICE("proof high 0.90\nwhen a"));
	EXPECT_UINT(t, judge(&x, 1)->value, TREATY_UNDETERMINED); /* its exception's moved, too */
	EXPECT(t, judge(&x, 1)->standard_milli == 510);
	strict[0].milli = 501;
	EXPECT_UINT(t, judge(&x, 0)->value, TREATY_TRUE);
	strict[0].milli = 500;
	EXPECT(t, treaty_judge(x.t, &x.c, &x.a, &x.f, &x.count, &x.why) == ST_INVALID);
	EXPECT(t, slice_find(slice_of(x.why.text),
			     SLICE("x.1: at \"high\" no breach can be judged")) != SIZE_MAX);
	done(&x);
}

static void standards_of_exceptions_are_bounded(struct test *t)
{
	EXPECT(t, problem(HEAD "clause x.1 \"C\"\nproof high\nwhen a\nunless b at low 0.5 ; r\n",
			  "13:13: a breach cannot be judged at 0.5 or less"));
	EXPECT(t, problem(HEAD "clause x.1 \"C\"\nproof high\nwhen a\nunless b at low ; r\n",
			  "13:13: the standard \"low\" is not defined"));
	EXPECT(t, problem(HEAD "clause x.1 \"C\"\nproof high\nwhen a\nunless b at high 0.8 ; r\n",
			  "has another number above"));
	EXPECT(t, problem(HEAD "term at \"A\"\n", "\"at\" is a word of the language"));
	for (int n = TREATY_OWN_MAX - 1; n <= TREATY_OWN_MAX + 1; n++) {
		char text[2048];
		size_t at =
			(size_t)snprintf(text, sizeof text,
					 HEAD "clause x.1 \"C\"\nproof high\nwhen a\n"
					      "unless b at balance ; r\nunless c at balance ; r\n");
		struct fixture x;

		for (int i = 1; i < n; i++)
			at += (size_t)snprintf(text + at, sizeof text - at,
					       "unless d at own-%d 0.6%d ; r\n", i, i);
		EXPECT(t, setup(&x, text) == (n <= TREATY_OWN_MAX));
		EXPECT(t, (slice_find(buf_slice(&x.problems), SLICE("at most 3 standards of "
								    "exceptions")) != SIZE_MAX) ==
				  (n > TREATY_OWN_MAX));
		if (n <= TREATY_OWN_MAX)
			EXPECT_UINT(t, treaty_room(x.t), 4 * (1 + (size_t)n));
		done(&x);
	}
}

TESTS(T(amendments_compose_in_any_order), T(the_law_is_that_of_the_day_of_the_act),
      T(an_objection_may_keep_the_treaty_from_being_in_force_between_the_two),
      T(a_mere_objection_leaves_the_law_and_is_told), T(twelve_months_of_silence_accept),
      T(what_the_text_admits_needs_nobodys_acceptance), T(an_objection_names_what_it_objects_to),
      T(objections_are_limited), T(an_exception_may_want_another_proof_than_its_clause),
      T(what_would_change_it_looks_at_both_standards),
      T(the_burden_counts_only_where_the_fact_is_unknown),
      T(whoever_judges_may_have_numbers_of_their_own), T(standards_of_exceptions_are_bounded))
