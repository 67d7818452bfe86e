/* SPDX-License-Identifier: Apache-2.0 */
#include "assess/treaty/treaty_priv.h"
#include "test.h"

#include <stdio.h>

struct fixture {
	struct arena_pool pool;
	struct arena a;
	struct buf problems;
	struct fail why;
	struct treaty *t;
	enum status st;
};

static void compile(struct fixture *f, struct slice text)
{
	*f = (struct fixture){.pool = {.budget = 64 << 20}};
	f->a.pool = &f->pool;
	f->problems = buf_in(&f->a);
	f->st = treaty_compile(SLICE("x.treaty"), text, &f->a, &f->t, &f->problems, &f->why);
}

static void done(struct fixture *f)
{
	arena_reset(&f->a);
	arena_pool_drain(&f->pool);
}

#define HEAD                                                                                       \
	"instrument x \"X\"\n"                                                                     \
	"source \"s\" mark V\n"                                                                    \
	"in-force 2020-01-01\n"                                                                    \
	"standard high 0.75\n"                                                                     \
	"term a \"A\"\n"                                                                           \
	"term b \"B\"\n" /* six lines */

static void a_whole_file_compiles(struct test *t)
{
	struct fixture f;

	compile(&f, SLICE(HEAD "# comment\n| one\n|\n| two\nclause x.1 \"C\"\n proof high\n"
			       " when a and not b\n unless b ; r\n"
			       "not-judged x.2 \"D\" ; because\n"
			       "party P \"Pa\" from 2021-01-01\n"
			       " amend x.1 require b ; art. 1, 2, deposited 2020-06-01\n"));
	EXPECT_SLICE(t, buf_slice(&f.problems), SLICE(""));
	EXPECT(t, f.st == ST_OK);
	EXPECT_SLICE(t, treaty_id(f.t), SLICE("x"));
	EXPECT_SLICE(t, treaty_title(f.t), SLICE("X"));
	EXPECT_UINT(t, f.t->clause_count, 2);
	EXPECT_SLICE(t, f.t->clauses[0].article, SLICE("one\n\ntwo"));
	EXPECT_SLICE(t, f.t->clauses[1].not_judged, SLICE("because"));
	EXPECT_SLICE(t, f.t->clauses[0].amendments->source, SLICE("art. 1, 2"));
	EXPECT_SLICE(t, f.t->clauses[0].amendments->deposited_text, SLICE("2020-06-01"));
	/* in effect when the party is bound, if that is later than the deposit */
	EXPECT(t, f.t->clauses[0].amendments->since.ns == INT64_C(1609459200) * TIME_NS_PER_S);
	done(&f);
}

static void an_undefined_term_is_named_with_its_place(struct test *t)
{
	struct fixture f;

	compile(&f, SLICE(HEAD "clause x.1 \"C\"\n  proof high\n  when a and hostile_intent\n"));
	EXPECT(t, f.st == ST_INVALID);
	EXPECT_SLICE(t, buf_slice(&f.problems),
		     SLICE("x.treaty:9:14: the term \"hostile_intent\" is not defined: expected a "
			   "line above that says  term hostile_intent \"what it means\"\n"));
	EXPECT_SLICE(t, slice_of(f.why.text),
		     slice_part(buf_slice(&f.problems), 0, f.problems.len - 1));
	done(&f);
}

static void compiling_goes_on_after_an_error(struct test *t)
{
	struct fixture f;

	compile(&f, SLICE("instrument x \"X\"\n"	 /* 1 */
			  "source \"s\" mark V9\n"	 /* 2: a wrong mark */
			  "in-force 2020-13-01\n"	 /* 3: no such month */
			  "standard high 1.5\n"		 /* 4: above 1 */
			  "standard high 0.75\n"	 /* 5 */
			  "term a \"A\n"		 /* 6: no closing quote */
			  "term a \"A\" shut\n"		 /* 7: a word too many */
			  "clause y.1 \"C\"\n"		 /* 8: not of this file */
			  "  proof high\n"		 /* 9: skipped, said in 8 */
			  "clause x.1 \"C\"\n"		 /* 10: lacks when */
			  "  proof higher\n"		 /* 11: no such standard */
			  "clause x.2 \"C\"\n"		 /* 12 */
			  "  proof high\n"		 /* 13 */
			  "  when a and\n"		 /* 14: nothing follows */
			  "  unless a\n"		 /* 15: no reason */
			  "  pardon a\n"		 /* 16: no such statement */
			  "party P\n"			 /* 17 */
			  "  amend x.9 require a ; s\n"	 /* 18: no such clause */
			  "  amend x.2 require a ; s\n"	 /* 19: no deposit */
			  "  amend x.2 widen a ; s\n")); /* 20: only require */
	EXPECT(t, f.st == ST_INVALID);
	EXPECT_SLICE(
		t, buf_slice(&f.problems),
		SLICE("x.treaty:2:17: expected V (checked against the text), K1 (sure) or K2 "
		      "(unchecked), found \"V9\"\n"
		      "x.treaty:3:10: expected a date as YYYY-MM-DD, \"between-parties\", "
		      "\"not-yet\" or \"assured-by\", found \"2020-13-01\"\n"
		      "x.treaty:4:15: expected a number above 0 and up to 1, found \"1.5\"\n"
		      "x.treaty:6:8: a text in quotes ends on its line: expected \"\n"
		      "x.treaty:7:12: expected the end of the line, found \"shut\"\n"
		      "x.treaty:8:8: expected \"x.\" and a number or word: so the clauses of this "
		      "file "
		      "are named\n"
		      "x.treaty:11:9: the standard \"higher\" is not defined: expected a line "
		      "above "
		      "that says  standard higher 0.75\n"
		      "x.treaty:10:1: the clause \"x.1\" cannot be judged: expected a line \"when "
		      "...\" in it\n"
		      "x.treaty:14:13: expected a term, \"not\" or \"(\", found the end of the "
		      "line\n"
		      "x.treaty:15:11: expected \";\" and the source of the exception, found the "
		      "end "
		      "of the line\n"
		      "x.treaty:16:3: expected source, proof, when, unless, permits, admits, "
		      "not-for-sensors, or a new block, found \"pardon\"\n"
		      "x.treaty:18:9: there is no clause \"x.9\" above: expected one that is "
		      "judged\n"
		      "x.treaty:19:23: expected \"; source, deposited YYYY-MM-DD\"\n"
		      "x.treaty:20:13: expected \"require\" (an amendment narrows, so that their "
		      "order does not matter), found \"widen\"\n"
		      "x.treaty:1:1: it does not say where its text is from: expected a line "
		      "\"source ...\" below \"instrument\"\n"));
	done(&f);
}

/* Every line is file:line:column and says what was expected. */
static bool is_helpful(struct slice problems)
{
	while (problems.len != 0) {
		struct slice line = slice_split(&problems, '\n'), rest = line, place;

		(void)slice_split(&rest, ':');
		for (int i = 0; i < 2; i++) {
			place = slice_split(&rest, ':');
			if (place.len == 0 || place.ptr[0] < '1' || place.ptr[0] > '9')
				return false;
		}
		if (slice_find(rest, SLICE("expected")) == SIZE_MAX)
			return false;
	}
	return true;
}

static bool problem(struct slice body, struct slice want)
{
	struct fixture f;
	bool ok;

	compile(&f, body);
	if (f.problems.len != 0 && !is_helpful(buf_slice(&f.problems))) {
		printf("# %.*s", SLICE_ARG(buf_slice(&f.problems)));
		done(&f);
		return false;
	}
	ok = want.len == 0
		     ? f.st == ST_OK
		     : f.st == ST_INVALID && slice_find(buf_slice(&f.problems), want) != SIZE_MAX;
	done(&f);
	return ok;
}

#define IN_CLAUSE(line) SLICE(HEAD "clause x.1 \"C\"\nproof high\n" line "\n")

static void and_beside_or_needs_parentheses(struct test *t)
{
	EXPECT(t, problem(IN_CLAUSE("when a and b or a"), SLICE("9:14: \"and\" and \"or\" side")));
	EXPECT(t, problem(IN_CLAUSE("when (a and b) or a"), SLICE("")));
	EXPECT(t, problem(IN_CLAUSE("when a and (b or a) and not (a or b)"), SLICE("")));
	EXPECT(t, problem(IN_CLAUSE("when (a"), SLICE("9:8: expected \")\"")));
	EXPECT(t, problem(IN_CLAUSE("when a)"), SLICE("9:7: expected the end of the line")));
	EXPECT(t, problem(IN_CLAUSE("when a b"), SLICE("9:8: expected the end of the line")));
	EXPECT(t, problem(IN_CLAUSE("when ()"), SLICE("9:7: expected a term")));
	EXPECT(t, problem(IN_CLAUSE("when a and and b"), SLICE("9:12: expected a term")));
	EXPECT(t, problem(IN_CLAUSE("when a(b)"), SLICE("9:7: a term is not called")));
}

static void an_expression_goes_on_with_and_or(struct test *t)
{
	EXPECT(t,
	       problem(IN_CLAUSE("when a\n  and (b\n    or a)\nunless b\n or a ; r"), SLICE("")));
	EXPECT(t, problem(IN_CLAUSE("when a\n\n and b"),
			  SLICE("11:2: expected source, proof, when, unless, permits")));
	/* its lines are skipped with it, and the error is said once */
	EXPECT(t, problem(IN_CLAUSE("when c\n and b\n or a"), SLICE("9:6: the term \"c\"")));
}

static void what_cannot_be_judged_is_refused(struct test *t)
{
	EXPECT(t, problem(IN_CLAUSE("when a\nwhen b"), SLICE("10:1: \"when\" stands first")));
	EXPECT(t, problem(IN_CLAUSE("unless a ; r"), SLICE("9:1: expected the line \"when")));
	EXPECT(t, problem(IN_CLAUSE("when a\nproof high"), SLICE("10:1: a second \"proof\"")));
	EXPECT(t,
	       problem(SLICE(HEAD "clause x.1 \"C\"\nwhen a\n"),
		       SLICE("7:1: the clause \"x.1\" cannot be judged: expected a line \"proof")));
	EXPECT(t, problem(SLICE(HEAD "not-judged x.1 \"C\"\n"), SLICE("7:19: expected \";\" and")));
	EXPECT(t, problem(SLICE(HEAD "not-judged x.1 \"C\" ;\n"), SLICE("after \";\"")));
	EXPECT(t, problem(SLICE(HEAD "not-judged x.1 \"C\" ; r\nwhen a\n"),
			  SLICE("8:1: expected source, admits, or a new block")));
	EXPECT(t, problem(SLICE(HEAD), SLICE("1:1: it has no clause")));
	EXPECT(t, problem(SLICE(""), SLICE("1:1: expected  instrument")));
	EXPECT(t, problem(SLICE("term a \"A\"\n"), SLICE("1:1: expected \"instrument\" first")));
}

static void names_are_defined_once(struct test *t)
{
	EXPECT(t, problem(SLICE(HEAD "term a \"A\"\n"), SLICE("7:6: the term \"a\" is defined")));
	EXPECT(t, problem(SLICE(HEAD "standard high 1\n"), SLICE("7:10: the standard \"high\"")));
	EXPECT(t, problem(SLICE(HEAD "term not \"A\"\n"), SLICE("7:6: \"not\" is a word of")));
	EXPECT(t, problem(SLICE(HEAD "party P\nparty P\n"), SLICE("8:7: the party \"P\" has two")));
	EXPECT(t,
	       problem(SLICE(HEAD "not-judged x.1 \"\" ; r\n"), SLICE("7:16: expected its title")));
	EXPECT(t, problem(SLICE(HEAD "not-judged x.1 \"C\" ; r\nnot-judged x.1 \"C\" ; r\n"),
			  SLICE("8:12: the clause \"x.1\" is defined twice")));
	EXPECT(t, problem(SLICE(HEAD "source \"s\" mark V\n"), SLICE("7:1: a second \"source\"")));
	EXPECT(t,
	       problem(SLICE(HEAD "in-force 2020-01-01\n"), SLICE("7:1: a second \"in-force\"")));
}

static void a_concept_has_one_answer_or_none(struct test *t)
{
	EXPECT(t, problem(SLICE(HEAD "concept weapon \"W\"\nconcept attack \"A\"\n"
				     "not-judged x.1 \"C\" ; r\n"),
			  SLICE("")));
	EXPECT(t, problem(SLICE(HEAD "concept weapon \"W\"\nconcept weapon \"V\"\n"),
			  SLICE("8:9: the concept \"weapon\" stands here twice")));
	EXPECT(t, problem(SLICE(HEAD "concept weapons \"W\"\n"),
			  SLICE("7:9: \"weapons\" is no concept: expected protects, weapon,")));
	EXPECT(t, problem(SLICE(HEAD "concept weapon\n"), SLICE("7:15: expected what the text")));
	EXPECT(t,
	       problem(SLICE(HEAD "concept weapon \"\"\n"), SLICE("expected what the text says")));
	EXPECT(t, problem(SLICE(HEAD "concept weapon \"W\" open\n"), SLICE("expected the end of")));
}

static void a_standard_for_a_breach_lies_above_one_half(struct test *t)
{
	static const char *const low[] = {"0.5", "0.001", "0.499"};
	static const char *const high[] = {"0.501", "0.95", "1", "1.0", "1.000"};
	static const char *const none[] = {"0",	 "0.000", "1.001", "0.1234", ".5",
					   "1.", "-1",	  "0x1",   "0.0x1",  "2"};
	char text[256];

	for (size_t i = 0; i < 3 + 5 + 10; i++) {
		const char *v = i < 3 ? low[i] : i < 8 ? high[i - 3] : none[i - 8];
		struct buf b;
		struct fixture f = {.pool = {.budget = 1 << 20}};
		struct slice want = i < 3   ? SLICE("8:7: a breach cannot be judged at 0.5 or less")
				    : i < 8 ? SLICE("")
					    : SLICE("6:12: expected ");

		f.a.pool = &f.pool;
		b = buf_in(&f.a);
		buf_add_fmt(&b,
			    "instrument x \"X\"\nsource \"s\" mark V\nin-force 2020-01-01\n"
			    "term a \"A\"\n\nstandard s %s\nclause x.1 \"C\"\nproof s\nwhen a\n",
			    v);
		EXPECT(t, b.len < sizeof text);
		memcpy(text, b.ptr, b.len);
		EXPECT(t, problem((struct slice){(const uint8_t *)text, b.len}, want));
		done(&f);
	}
}

static void what_is_read_is_what_is_run(struct test *t)
{
	EXPECT(t, problem(SLICE(HEAD "term c \"\x1b[31m\"\n"), SLICE("7:9: byte 0x1b cannot")));
	EXPECT(t, problem(SLICE(HEAD "# \xff\n"), SLICE("7:3: byte 0xff cannot stand here")));
	EXPECT(t, problem(SLICE(HEAD "# \xc2\x9b\n"), SLICE("7:3: byte 0xc2")));     /* C1 */
	EXPECT(t, problem(SLICE(HEAD "# \xe2\x80\xae\n"), SLICE("7:3: byte 0xe2"))); /* U+202E */
	EXPECT(t, problem(SLICE(HEAD "# \xe2\x81\xa7\n"), SLICE("7:3: byte 0xe2"))); /* U+2067 */
	EXPECT(t, problem(SLICE(HEAD "# caf\xc3\xa9\r\n\tnot-judged x.1 \"\xe2\x80\x93\" ; r\r\n"),
			  SLICE("")));
}

/* ---- exceptions that lead to different things -------------------------------------------------
 */

#define WITH_EXCUSES "consequence excused \"E\"\nconsequence shared \"S\"\n"
#define TWO_EXCUSES(one, other)                                                                    \
	SLICE(HEAD WITH_EXCUSES "clause x.1 \"C\"\nproof high\nwhen a\nunless " one                \
				" ; r\nunless " other " ; r\n") /* lines 12 and 13 */

static void exceptions_with_different_consequences_are_ranked(struct test *t)
{
	EXPECT(t, problem(TWO_EXCUSES("a", "b"), SLICE("")));
	EXPECT(t, problem(TWO_EXCUSES("a then excused", "b then excused"), SLICE("")));
	EXPECT(t,
	       problem(TWO_EXCUSES("a then excused", "b"),
		       SLICE("13:1: this exception leads to \"no-breach\", the one in line 12 to "
			     "\"excused\": expected \"rank 1\"")));
	EXPECT(t, problem(TWO_EXCUSES("a then excused rank 1", "b"), SLICE("13:1: this exc")));
	EXPECT(t, problem(TWO_EXCUSES("a then excused rank 1", "b rank 1"), SLICE("13:1: this")));
	EXPECT(t, problem(TWO_EXCUSES("a then excused rank 1", "b rank 2"), SLICE("")));
	EXPECT(t, problem(TWO_EXCUSES("a then excused rank 2", "b then shared rank 1"), SLICE("")));
	EXPECT(t,
	       problem(TWO_EXCUSES("a then excused rank 0", "b"), SLICE("12:28: expected a rank")));
	EXPECT(t, problem(TWO_EXCUSES("a then excused rank 256", "b"), SLICE("from 1 to 255")));
	EXPECT(t, problem(TWO_EXCUSES("a then excused rank 255", "b rank 254"), SLICE("")));
	EXPECT(t, problem(TWO_EXCUSES("a then pardoned", "b"),
			  SLICE("12:15: the consequence \"pardoned\" is not defined: expected")));
	/* a permission stands above all of them by itself */
	EXPECT(t, problem(SLICE(HEAD WITH_EXCUSES "clause x.1 \"C\"\nproof high\nwhen a\n"
						  "unless b then excused ; r\npermits b ; r\n"),
			  SLICE("")));
	EXPECT(t, problem(SLICE(HEAD "consequence no-breach \"E\"\n"),
			  SLICE("7:13: the consequence \"no-breach\" is defined twice")));
	EXPECT(t, problem(SLICE(HEAD "consequence c1 \"E\"\nconsequence c2 \"E\"\n"
				     "consequence c3 \"E\"\nconsequence c4 \"E\"\n"
				     "consequence c5 \"E\"\nconsequence c6 \"E\"\n"
				     "consequence c7 \"E\"\nconsequence c8 \"E\"\n"),
			  SLICE("14:1: expected at most 7 consequences")));
}

/* ---- what parties may change ------------------------------------------------------------------
 */

#define ADMITS(admits, line)                                                                       \
	SLICE(HEAD "amendments closed ; art. 42\nclause x.1 \"C\"\nproof high\nwhen a\n" admits    \
		   "party P\n" line "\n")

static void a_closed_list_admits_nothing_else(struct test *t)
{
	EXPECT(t, problem(ADMITS("admits require b ; art. 40\n",
				 "amend x.1 require b ; s, deposited 2021-01-01"),
			  SLICE("")));
	EXPECT(t, problem(ADMITS("admits require b ; art. 40\n",
				 "amend x.1 require b and not a ; s, deposited 2021-01-01"),
			  SLICE("13:7: the clause \"x.1\" does not let a party require \"a\" (art. "
				"40)")));
	EXPECT(t, problem(ADMITS("", "amend x.1 require b ; s, deposited 2021-01-01"),
			  SLICE("12:7: the clause \"x.1\" does not let a party require \"b\" (art. "
				"42)")));
	EXPECT(t, problem(ADMITS("admits reserve ; art. 42\n",
				 "reserve x.1 ; s, deposited 2021-01-01"),
			  SLICE("")));
	EXPECT(t,
	       problem(ADMITS("admits require b ; art. 40\n",
			      "reserve x.1 ; s, deposited 2021-01-01"),
		       SLICE("13:9: to the clause \"x.1\" no reservation may be made (art. 42)")));
	EXPECT(t, problem(ADMITS("admits require b, b ; art. 40\n", ""),
			  SLICE("11:19: \"b\" is named twice")));
	EXPECT(t, problem(ADMITS("admits require c ; art. 40\n", ""),
			  SLICE("11:16: the term \"c\" is not defined")));
	EXPECT(t, problem(ADMITS("admits leave ; art. 40\n", ""),
			  SLICE("11:8: expected \"require\" or \"reserve\"")));
	EXPECT(t, problem(SLICE(HEAD "party P\namendments closed ; art. 42\n"),
			  SLICE("8:1: expected amend, reserve, object, or a new block")));
	/* where the list is not closed, a clause without a line lets parties require what they like
	 */
	EXPECT(t, problem(SLICE(HEAD "clause x.1 \"C\"\nproof high\nwhen a\nparty P\n"
				     "amend x.1 require b ; s, deposited 2021-01-01\n"
				     "reserve x.1 where b ; s, deposited 2021-01-01\n"),
			  SLICE("")));
}

static void amendments_have_a_period_and_a_mark(struct test *t)
{
	struct fixture f;

	compile(&f, SLICE(HEAD "clause x.1 \"C\"\nproof high\nwhen a\n"
			       "party P from 2020-01-01 until 2025-01-01\n"
			       "amend x.1 require b ; art. 1, 2, deposited 2021-01-01, until "
			       "2022-01-01, unchecked\n"
			       "reserve x.1 where b ; s, deposited 2021-01-01, unchecked\n"));
	EXPECT_SLICE(t, buf_slice(&f.problems), SLICE(""));
	EXPECT(t, f.t->clauses[0].amendments->unchecked);
	EXPECT_SLICE(t, f.t->clauses[0].amendments->source, SLICE("art. 1, 2"));
	EXPECT_SLICE(t, f.t->clauses[0].amendments->deposited_text, SLICE("2021-01-01"));
	EXPECT(t, f.t->clauses[0].amendments->until.ns == INT64_C(1640995200) * TIME_NS_PER_S);
	EXPECT(t, f.t->clauses[0].amendments->next->kind == TREATY_RESERVE_WHERE);
	EXPECT(t, f.t->clauses[0].amendments->next->until.ns == 0);
	EXPECT(t, treaty_party_bound(f.t, SLICE("P"),
				     (struct wall_ns){INT64_C(1735689599) * TIME_NS_PER_S}));
	EXPECT(t, !treaty_party_bound(f.t, SLICE("P"),
				      (struct wall_ns){INT64_C(1735689600) * TIME_NS_PER_S}));
	EXPECT(t, !treaty_party_bound(f.t, SLICE("Q"), (struct wall_ns){0}));
	done(&f);
#define AMENDED(tail)                                                                              \
	SLICE(HEAD "clause x.1 \"C\"\nproof high\nwhen a\nparty P\namend x.1 require b ; s" tail   \
		   "\n")
	EXPECT(t, problem(AMENDED(", deposited 2021-01-01, until 2021-01-01"),
			  SLICE("11:21: expected \"until\" to be after \"deposited\"")));
	EXPECT(t, problem(AMENDED(", deposited 2021-01-01, until never"),
			  SLICE("expected a date as YYYY-MM-DD after \"until\"")));
	EXPECT(t, problem(AMENDED(", deposited 2021-01-01, unchecked yet"),
			  SLICE("expected the end of the line behind \"unchecked\"")));
	EXPECT(t, problem(SLICE(HEAD "party P from 2021-01-01 until 2021-01-01\n"),
			  SLICE("7:31: expected a day after \"from\"")));
}

/* ---- words, sources, articles that are not judged ----------------------------------------------
 */

static void a_term_carries_readings_and_examples(struct test *t)
{
	struct fixture f;

	compile(&f, SLICE(HEAD "term c \"C\" open\n reading US \"mine\"\n example in \"this\"\n"
			       " example out \"that\"\nnot-judged x.1 \"C\" ; r\n"));
	EXPECT_SLICE(t, buf_slice(&f.problems), SLICE(""));
	EXPECT_UINT(t, f.t->terms[2].gloss_count, 3);
	EXPECT_SLICE(t, f.t->terms[2].glosses->party, SLICE("US"));
	EXPECT_SLICE(t, f.t->terms[2].last_gloss->text, SLICE("that"));
	done(&f);
	EXPECT(t, problem(SLICE(HEAD "reading US \"mine\"\n"),
			  SLICE("7:1: a term of which parties have readings is not settled")));
	EXPECT(t, problem(SLICE(HEAD "example of \"mine\"\n"), SLICE("7:9: expected \"in\" or")));
	EXPECT(t,
	       problem(SLICE(HEAD "party P\nexample in \"mine\"\n"), SLICE("8:1: expected amend")));
}

static void a_standard_may_be_named_where_it_is_used(struct test *t)
{
	EXPECT(t, problem(SLICE(HEAD "clause x.1 \"C\"\nproof sure 0.9\nwhen a\n"
				     "clause x.2 \"C\"\nproof sure\nwhen a\n"
				     "clause x.3 \"C\"\nproof high 0.750\nwhen a\n"),
			  SLICE("")));
	EXPECT(t, problem(SLICE(HEAD "clause x.1 \"C\"\nproof high 0.9\nwhen a\n"),
			  SLICE("8:7: the standard \"high\" has another number above")));
	EXPECT(t, problem(SLICE(HEAD "clause x.1 \"C\"\nproof low 0.4\nwhen a\n"),
			  SLICE("8:7: a breach cannot be judged at 0.5")));
}

static void what_is_not_in_force_says_what_it_waits_for(struct test *t)
{
	EXPECT(t,
	       problem(SLICE("instrument x \"X\"\nsource \"s\" mark V\n"
			     "in-force not-yet ; forty ratifications\nnot-judged x.1 \"C\" ; r\n"),
		       SLICE("")));
	EXPECT(t, problem(SLICE("instrument x \"X\"\nsource \"s\" mark V\nin-force not-yet\n"),
			  SLICE("3:17: expected \";\" and what it waits for")));
}

static void a_source_may_name_the_text_by_its_hash(struct test *t)
{
#define SHA "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	EXPECT(t,
	       problem(SLICE("instrument x \"X\"\nsource \"s\" page \"p\" sha256 " SHA " mark V\n"
			     "in-force 2020-01-01\nnot-judged x.1 \"C\" ; r\n"),
		       SLICE("")));
	EXPECT(t, problem(SLICE("instrument x \"X\"\nsource \"s\" sha256 123 mark V\n"),
			  SLICE("2:19: expected 64 hexadecimal digits")));
}

static void a_duty_is_kept_whole(struct test *t)
{
	const struct treaty_duty *d;
	struct fixture f;

	compile(&f,
		SLICE(HEAD "clause x.1 \"C\"\nproof high\nwhen a\n"
			   "| help\nduty x.2 \"D\"\n bearer territory-state\n"
			   " on request kind stop from party\n proof suspicion 0.3\n"
			   " must acknowledge within 1h\n must hold for 60d\n must act no-number\n"
			   " may refuse ground sovereignty, security giving reasons\n"
			   " lest record no-answer\n lest presume x.1 respondent-shows b\n"));
	EXPECT_SLICE(t, buf_slice(&f.problems), SLICE(""));
	d = f.t->clauses[1].duty;
	EXPECT(t, d != NULL && d->has_standard && f.t->standards[d->standard].milli == 300);
	EXPECT_SLICE(t, d->bearer, SLICE("territory-state"));
	EXPECT_SLICE(t, d->kind, SLICE("stop"));
	EXPECT(t, d->step_count == 3 && d->ground_count == 2 && d->giving_reasons);
	EXPECT_SLICE(t, d->steps[0].span.text, SLICE("1h"));
	EXPECT(t, d->steps[1].pace == TREATY_LASTING && d->steps[1].after == 1);
	EXPECT(t, d->steps[2].span.n == 0 && d->lest_count == 2 && d->lest[1].shows != NULL);
	EXPECT_SLICE(t, f.t->clauses[1].article, SLICE("help"));
	EXPECT(t, !treaty_clause_judged(f.t, 1) && treaty_clause_judged(f.t, 0));
	done(&f);
}

#define IN_DUTY(line)                                                                              \
	SLICE(HEAD "duty x.1 \"D\"\nbearer each-party\non request kind stop from party\n"          \
		   "must aid no-number\n" line "\n")

static void what_is_wrong_with_a_duty_is_said(struct test *t)
{
	EXPECT(t, problem(IN_DUTY(""), SLICE("")));
	EXPECT(t, problem(IN_DUTY("bearer each-party"), SLICE("11:1: a second \"bearer\"")));
	EXPECT(t, problem(IN_DUTY("must act within 24"), SLICE("11:17: expected a span of time")));
	EXPECT(t, problem(IN_DUTY("must act within 0h"), SLICE("11:17: expected a span of time")));
	EXPECT(t, problem(IN_DUTY("must act within 9999wd"), SLICE("")));
	EXPECT(t, problem(IN_DUTY("must act within 10000d"), SLICE("11:17: expected a span")));
	EXPECT(t, problem(IN_DUTY("must act"), SLICE("11:9: expected \"within\", \"for\"")));
	EXPECT(t,
	       problem(IN_DUTY("may refuse ground whim"),
		       SLICE("11:19: expected a ground, one of political-offence, sovereignty,")));
	EXPECT(t,
	       problem(IN_DUTY("may refuse ground security,"), SLICE("11:28: expected a ground")));
	EXPECT(t, problem(IN_DUTY("lest shame"),
			  SLICE("11:6: expected \"record\", \"presume\" or \"throttle\"")));
	EXPECT(t, problem(IN_DUTY("lest presume x.9"), SLICE("11:14: there is no clause \"x.9\"")));
	EXPECT(t, problem(IN_DUTY("when a"),
			  SLICE("11:1: expected source, bearer, on, proof, decide, must")));
	EXPECT(t, problem(SLICE(HEAD "duty x.1 \"D\"\nbearer each-party\n"),
			  SLICE("7:1: the duty \"x.1\" binds nobody to anything: expected a line "
				"\"on")));
	EXPECT(t, problem(SLICE(HEAD "duty x.1 \"D\"\nbearer everyone\n"),
			  SLICE("8:8: expected who bears the duty, one of each-party,")));
	EXPECT(t, problem(SLICE(HEAD "must act within 24h\n"),
			  SLICE("7:1: expected reading, example")));
}

/* A file of nothing but errors costs what 50 errors cost. */
static void a_hostile_file_costs_bounded_memory(struct test *t)
{
	struct arena_pool pool = {.budget = 4 << 20}, big = {.budget = 4 << 20};
	struct arena a = {.pool = &pool}, b = {.pool = &big};
	uint8_t *text = arena_bytes(&b, TREATY_TEXT_MAX + 1);
	struct fail why = {0};
	struct treaty *x;

	EXPECT(t, text != NULL);
	for (size_t i = 0; i <= TREATY_TEXT_MAX; i++)
		text[i] = i % 2 ? '\n' : '(';
	EXPECT(t, treaty_compile(SLICE("f"), (struct slice){text, TREATY_TEXT_MAX}, &a, &x, NULL,
				 &why) == ST_INVALID);
	EXPECT(t, pool.out < 1 << 16);
	EXPECT(t, treaty_compile(SLICE("f"), (struct slice){text, TREATY_TEXT_MAX + 1}, &a, &x,
				 NULL, &why) == ST_LIMIT);
	arena_reset(&a);
	arena_pool_drain(&pool);
	arena_reset(&b);
	arena_pool_drain(&big);
}

static void limits_hold(struct test *t)
{
	struct fixture g = {.pool = {.budget = 64 << 20}};

	g.a.pool = &g.pool;
	for (int d = -1; d <= 1; d++) {
		struct buf b = buf_in(&g.a), terms = buf_in(&g.a), name = buf_in(&g.a);

		buf_add(&b, SLICE(HEAD "clause x.1 \"C\"\nproof high\nwhen "));
		for (int i = 0; i < TREATY_NESTING_MAX + d; i++)
			buf_add_z(&b, i % 2 ? "not " : "(");
		buf_add_byte(&b, 'a');
		for (int i = 0; i < TREATY_NESTING_MAX + d; i++)
			buf_add_z(&b, i % 2 ? "" : ")");
		EXPECT(t, problem(buf_slice(&b), d <= 0 ? SLICE("") : SLICE("nested too deeply")));

		buf_add(&terms, SLICE(HEAD));
		for (int i = 2; i < TREATY_TERMS_MAX + d; i++)
			buf_add_fmt(&terms, "term t%d \"T\"\n", i);
		buf_add(&terms, SLICE("not-judged x.1 \"C\" ; r\n"));
		EXPECT(t,
		       problem(buf_slice(&terms), d <= 0 ? SLICE("") : SLICE("at most 256 terms")));

		buf_add(&name, SLICE(HEAD "not-judged x.1 \"C\" ; r\nterm "));
		for (int i = 0; i < TREATY_NAME_MAX + d; i++)
			buf_add_byte(&name, 'n');
		buf_add_z(&name, " \"N\"\n");
		EXPECT(t,
		       problem(buf_slice(&name),
			       d <= 0 ? SLICE("") : SLICE("expected a name of at most 64 bytes")));
	}
	arena_reset(&g.a);
	arena_pool_drain(&g.pool);
}

/* A head, then n lines with their number in it, then a tail. */
static bool many(const char *head, int n, const char *line, const char *tail, const char *want)
{
	struct arena_pool pool = {.budget = 16 << 20};
	struct arena a = {.pool = &pool};
	struct buf b = buf_in(&a);
	const char *at = strchr(line, '#');
	bool ok;

	buf_add_z(&b, head);
	for (int i = 0; i < n; i++) {
		buf_add(&b, (struct slice){(const uint8_t *)line, (size_t)(at - line)});
		buf_add_i64(&b, i);
		buf_add_z(&b, at + 1);
	}
	buf_add_z(&b, tail);
	ok = problem(buf_slice(&b), slice_of(want));
	arena_reset(&a);
	arena_pool_drain(&pool);
	return ok;
}

static void counts_are_limited(struct test *t)
{
	static const struct {
		const char *head, *line, *tail;
		int most;
		const char *want;
	} rows[] = {
		{HEAD, "not-judged x.#n \"C\" ; r\n", "", TREATY_CLAUSES_MAX,
		 "at most 256 clauses"},
		{HEAD, "standard s# 0.75\n", "not-judged x.1 \"C\" ; r\n", TREATY_STANDARDS_MAX - 1,
		 "at most 32 standards"},
		{HEAD, "party P#\n", "not-judged x.1 \"C\" ; r\n", TREATY_PARTIES_MAX,
		 "at most 256 parties"},
		{HEAD "clause x.1 \"C\"\nproof high\nwhen a\nparty P\n",
		 "amend x.1 require b ; s#, deposited 2021-01-01\n", "", TREATY_AMENDMENTS_MAX,
		 "at most 1024 amendments"},
		{HEAD "clause x.1 \"C\"\nproof high\nwhen a\n", "unless b ; r#\n", "",
		 TREATY_RULES_MAX - 1, "at most 32 lines when, unless"},
		{HEAD "term c \"C\"\n", "example in \"e#\"\n", "not-judged x.1 \"C\" ; r\n",
		 TREATY_READINGS_MAX, "at most 64 readings"},
		{HEAD "duty x.1 \"D\"\nbearer each-party\non request kind stop from party\n",
		 "must a# no-number\n", "", TREATY_STEPS_MAX, "at most 8 lines \"must\""},
		{HEAD "duty x.1 \"D\"\nbearer each-party\non request kind stop from party\n"
		      "must a no-number\n",
		 "lest record a#\n", "", TREATY_STEPS_MAX, "at most 8 lines \"lest\""},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		EXPECT(t, many(rows[i].head, rows[i].most - 1, rows[i].line, rows[i].tail, ""));
		EXPECT(t, many(rows[i].head, rows[i].most, rows[i].line, rows[i].tail, ""));
		EXPECT(t, many(rows[i].head, rows[i].most + 1, rows[i].line, rows[i].tail,
			       rows[i].want));
	}
}

static void lists_on_a_line_are_limited(struct test *t)
{
	struct arena_pool pool = {.budget = 1 << 20};
	struct arena a = {.pool = &pool};

	for (int d = -1; d <= 1; d++) {
		struct buf options = buf_in(&a), grounds = buf_in(&a);

		buf_add_z(&options, HEAD);
		for (int i = 0; i <= TREATY_OPTIONS_MAX; i++)
			buf_add_fmt(&options, "term o%d \"O\"\n", i);
		buf_add_z(&options, "clause x.1 \"C\"\nproof high\nwhen a\nadmits require o0");
		for (int i = 1; i < TREATY_OPTIONS_MAX + d; i++)
			buf_add_fmt(&options, ", o%d", i);
		buf_add_z(&options, " ; r\n");
		EXPECT(t, problem(buf_slice(&options),
				  d <= 0 ? SLICE("") : SLICE("at most 16 terms")));

		buf_add_z(&grounds,
			  HEAD "duty x.1 \"D\"\nbearer each-party\non request kind stop from "
			       "party\nmust act no-number\nmay refuse ground security");
		for (int i = 1; i < TREATY_GROUNDS_MAX + d; i++)
			buf_add_z(&grounds, ", security");
		buf_add_z(&grounds, "\n");
		EXPECT(t, problem(buf_slice(&grounds),
				  d <= 0 ? SLICE("") : SLICE("at most 16 grounds")));
	}
	arena_reset(&a);
	arena_pool_drain(&pool);
}

static void a_flood_of_errors_is_cut_and_counted(struct test *t)
{
	struct fixture f;
	uint8_t text[TREATY_PROBLEMS_MAX * 2 + 20];
	size_t lines = 0;

	memset(text, '?', sizeof text);
	for (size_t i = 1; i < sizeof text; i += 2)
		text[i] = '\n';
	compile(&f, (struct slice){text, sizeof text});
	EXPECT(t, f.st == ST_INVALID);
	for (size_t i = 0; i < f.problems.len; i++)
		lines += f.problems.ptr[i] == '\n';
	EXPECT_UINT(t, lines, TREATY_PROBLEMS_MAX + 1);
	EXPECT(t, slice_ends(buf_slice(&f.problems), SLICE("x.treaty: 10 more errors\n")));
	done(&f);
}

static void memory_may_end_anywhere(struct test *t)
{
	struct slice text = SLICE(
		HEAD "consequence c \"C\"\nterm o \"O\" open\nreading P \"r\"\n"
		     "| p\nclause x.1 \"C\"\n proof high\n when a and b\n unless a then c ; r\n"
		     "admits require b ; r\nduty x.2 \"D\"\nbearer each-party\n"
		     "on request kind stop from party\nproof low 0.3\nmust act no-number\n"
		     "lest presume x.1 respondent-shows not a\n"
		     "party P\n amend x.1 require b ; s, deposited 2020-06-01\n"
		     "reserve x.1 where a ; s, deposited 2020-06-01\n");
	bool enough = false;

	for (size_t after = 1; !enough; after++) {
		struct arena_pool pool = {.budget = 1 << 20, .fail_after = after};
		struct arena a = {.pool = &pool};
		struct fail why = {0};
		struct treaty *x;
		enum status st = treaty_compile(SLICE("f"), text, &a, &x, NULL, &why);

		EXPECT(t, st == ST_OK || (st == ST_NOMEM && why.status == ST_NOMEM));
		enough = st == ST_OK;
		arena_reset(&a);
		arena_pool_drain(&pool);
		EXPECT_UINT(t, pool.out, 0);
	}
}

TESTS(T(a_whole_file_compiles), T(an_undefined_term_is_named_with_its_place),
      T(compiling_goes_on_after_an_error), T(and_beside_or_needs_parentheses),
      T(an_expression_goes_on_with_and_or), T(what_cannot_be_judged_is_refused),
      T(names_are_defined_once), T(a_concept_has_one_answer_or_none),
      T(a_standard_for_a_breach_lies_above_one_half), T(what_is_read_is_what_is_run),
      T(exceptions_with_different_consequences_are_ranked), T(a_closed_list_admits_nothing_else),
      T(amendments_have_a_period_and_a_mark), T(a_term_carries_readings_and_examples),
      T(a_standard_may_be_named_where_it_is_used), T(what_is_not_in_force_says_what_it_waits_for),
      T(a_source_may_name_the_text_by_its_hash), T(a_duty_is_kept_whole),
      T(what_is_wrong_with_a_duty_is_said), T(a_hostile_file_costs_bounded_memory), T(limits_hold),
      T(counts_are_limited), T(lists_on_a_line_are_limited),
      T(a_flood_of_errors_is_cut_and_counted), T(memory_may_end_anywhere))
