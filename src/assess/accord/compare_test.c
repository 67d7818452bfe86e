/* SPDX-License-Identifier: Apache-2.0 */
#include "assess/accord/accord_priv.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>

struct fixture {
	struct arena_pool pool;
	struct arena a;
	const struct treaty *list[2];
	struct accord_question q;
	struct accord_answer x;
	struct fail why;
	enum status st;
};

static void done(struct fixture *f)
{
	arena_reset(&f->a);
	arena_pool_drain(&f->pool);
}

static void setup(struct fixture *f)
{
	*f = (struct fixture){.pool = {.budget = 128 << 20}};
	f->a.pool = &f->pool;
	f->q = (struct accord_question){.treaties = f->list, .at = {INT64_MAX}};
}

static bool add(struct fixture *f, struct slice text)
{
	struct treaty *t;

	if (treaty_compile(SLICE("x"), text, &f->a, &t, NULL, &f->why) != ST_OK)
		return false;
	f->list[f->q.treaty_count++] = t;
	return true;
}

static bool add_file(struct fixture *f, const char *name)
{
	const char *root = getenv("DEW_SOURCE_ROOT");
	uint8_t *text = ARENA_ARRAY(&f->a, uint8_t, TREATY_TEXT_MAX);
	char path[4096];
	size_t n;
	FILE *file;

	(void)snprintf(path, sizeof path, "%s/treaties/%s", root ? root : ".", name);
	file = fopen(path, "rbe");
	if (file == NULL || text == NULL)
		return false;
	n = fread(text, 1, TREATY_TEXT_MAX, file);
	(void)fclose(file);
	return add(f, (struct slice){text, n});
}

static void ask(struct fixture *f, const struct slice *sides, size_t n, struct slice clause)
{
	f->q.sides = sides;
	f->q.side_count = n;
	f->q.clause = clause;
	f->st = accord_compare(&f->q, &f->a, &f->x, &f->why);
}

static void article_2_is_counted_over_16_cases(struct test *t)
{
	static const unsigned want[] = {8, 8, 8, 8, 4};
	const struct slice sides[] = {SLICE("US"), SLICE("DE"), SLICE("CH"), SLICE("CZ"),
				      SLICE("JP")};
	struct fixture f;
	uint32_t both, either;

	setup(&f);
	EXPECT(t, add_file(&f, "cwlt.treaty") && add_file(&f, "budapest.treaty"));
	ask(&f, sides, 5, SLICE("budapest.2"));
	EXPECT(t, f.st == ST_OK);
	EXPECT_UINT(t, f.x.grid.points, 16);
	for (size_t i = 0; i < 5; i++)
		EXPECT_UINT(t, f.x.sides[i].forbids, want[i]);
	EXPECT_UINT(t, f.x.all_forbid, 2);
	EXPECT_UINT(t, f.x.core.count, 1);
	EXPECT(t, f.x.core.fewest && f.x.open == 0);
	accord_both(&f.x, 0, 1, &both, &either);
	EXPECT(t, both == 4 && either == 12);
	accord_both(&f.x, 1, 4, &both, &either);
	EXPECT(t, both == 4 && either == 8);
	accord_both(&f.x, 0, 4, &both, &either);
	EXPECT(t, both == 2 && either == 10);
	/* the treaty itself asks for nothing more */
	ask(&f, (const struct slice[]){SLICE("budapest")}, 1, SLICE("budapest.2"));
	EXPECT(t, f.st == ST_OK && f.x.sides[0].forbids == 16);
	/* before the declarations there were none */
	f.q.at.ns = INT64_C(1160000000) * TIME_NS_PER_S;
	ask(&f, (const struct slice[]){SLICE("budapest")}, 1, SLICE("budapest.2"));
	EXPECT(t, f.st == ST_OK && f.x.sides[0].forbids == 16);
	ask(&f, sides, 1, SLICE("budapest.2"));
	EXPECT(t, f.st == ST_NOTFOUND); /* the United States were not bound */
	done(&f);
}

static void the_core_of_article_2_is_one_rule(struct test *t)
{
	const struct slice sides[] = {SLICE("US"), SLICE("JP")};
	struct fixture f;
	struct buf b;

	setup(&f);
	EXPECT(t, add_file(&f, "budapest.treaty"));
	ask(&f, sides, 2, SLICE("budapest.2"));
	EXPECT(t, f.st == ST_OK && f.x.core.count == 1);
	b = buf_in(&f.a);
	accord_rule_write(&f.x.grid, &f.x.core.rules[0], &b);
	EXPECT_SLICE(
		t, buf_slice(&b),
		SLICE("security_infringed: yes; networked_system: yes; intent_obtain_data: yes"));
	done(&f);
}

#define HEAD "instrument x \"X\"\nsource \"s\" mark V\nin-force 2020-01-01\nstandard high 0.75\n"
#define HEAD_Y "instrument y \"Y\"\nsource \"s\" mark V\nin-force 2020-01-01\nstandard high 0.75\n"

static void an_open_term_leaves_a_third_kind_of_case(struct test *t)
{
	const struct slice sides[] = {SLICE("A"), SLICE("B")};
	struct fixture f;

	setup(&f);
	EXPECT(t, add(&f, SLICE(HEAD "term a \"A\"\nterm grave \"G\" open\nclause x.1 \"C\"\n"
				     "proof high\nwhen a\nadmits require grave ; art. 2\n"
				     "party A\namend x.1 require grave ; s, deposited 2021-01-01\n"
				     "party B\n")));
	ask(&f, sides, 2, SLICE("x.1"));
	EXPECT(t, f.st == ST_OK);
	EXPECT_UINT(t, f.x.grid.points, 3);
	EXPECT(t, f.x.sides[0].forbids == 1 && f.x.sides[0].allows == 1 && f.x.sides[0].open == 1);
	EXPECT(t, f.x.sides[1].forbids == 3);
	EXPECT(t, f.x.all_forbid == 1 && f.x.clash == 1 && f.x.open == 1 && f.x.all_allow == 0);
	done(&f);
}

static void a_reserved_clause_forbids_nothing(struct test *t)
{
	const struct slice sides[] = {SLICE("A")};
	struct fixture f;

	setup(&f);
	EXPECT(t, add(&f, SLICE(HEAD "term a \"A\"\nterm b \"B\"\nclause x.1 \"C\"\nproof high\n"
				     "when a\nadmits require b ; art. 2\n"
				     "party A\nreserve x.1 ; s, deposited 2021-01-01\n")));
	ask(&f, sides, 1, SLICE("x.1"));
	EXPECT(t, f.st == ST_OK && f.x.sides[0].forbids == 0 && f.x.sides[0].allows == 2);
	done(&f);
}

static void instruments_are_compared_over_the_lattice(struct test *t)
{
	const struct slice sides[] = {SLICE("x"), SLICE("y")};
	struct fixture f;
	struct buf b;

	setup(&f);
	EXPECT(t, add(&f, SLICE(HEAD "term destruction \"D\"\nterm attributed_to_state \"S\"\n"
				     "concept weapon \"W\"\nconcept attack \"A\"\n"
				     "concept proof \"P\"\nclause x.1 \"C\"\nproof high\n"
				     "when attributed_to_state and destruction\n")));
	EXPECT(t, add(&f, SLICE(HEAD_Y "term destruction \"ruin\"\nterm financial_target \"F\"\n"
				       "concept weapon \"V\"\nconcept attack \"A\"\n"
				       "concept civilian \"C\"\nclause y.1 \"C\"\nproof high\n"
				       "when destruction and financial_target\n")));
	ask(&f, sides, 2, SLICE(""));
	EXPECT(t, f.st == ST_OK);
	EXPECT_UINT(t, f.x.grid.points, 640);
	EXPECT_UINT(t, f.x.sides[0].forbids, 2 * 1 * 5 * 4);
	EXPECT_UINT(t, f.x.sides[1].forbids, 4 * 1 * 1 * 4);
	EXPECT_UINT(t, f.x.all_forbid, 2 * 1 * 1 * 4);
	EXPECT_UINT(t, f.x.clash, 40 + 16 - 2 * 8);
	EXPECT_UINT(t, f.x.all_forbid + f.x.all_allow + f.x.clash + f.x.open, 640);
	EXPECT(t, f.x.core.count == 1 && f.x.core.fewest);
	/* both say what destruction is, and not in the same words */
	EXPECT_UINT(t, f.x.word_count, 1);
	EXPECT_SLICE(t, f.x.words[0].term, SLICE("destruction"));
	EXPECT_SLICE(t, f.x.words[0].one_says, SLICE("D"));
	EXPECT_SLICE(t, f.x.words[0].other_says, SLICE("ruin"));
	/* of attack they say the same, of proof and civilian one is silent */
	EXPECT_UINT(t, f.x.text_count, 2);
	EXPECT_UINT(t, f.x.matter_count, 1);
	EXPECT_SLICE(t, slice_of(f.x.matters[0].concept->name), SLICE("weapon"));
	EXPECT_SLICE(t, f.x.matters[0].says[0], SLICE("W"));
	EXPECT_SLICE(t, f.x.matters[0].says[1], SLICE("V"));
	b = buf_in(&f.a);
	accord_rule_write(&f.x.grid, &f.x.core.rules[0], &b);
	EXPECT_SLICE(t, buf_slice(&b),
		     SLICE("actor: state organ or directed by a state; act: destroys; target: "
			   "financial"));
	done(&f);
}

static void a_term_outside_the_lattice_becomes_a_dimension(struct test *t)
{
	const struct slice sides[] = {SLICE("x")};
	struct fixture f;

	setup(&f);
	EXPECT(t, add(&f, SLICE(HEAD "term destruction \"D\"\nterm warned \"W\"\n"
				     "clause x.1 \"C\"\nproof high\n"
				     "when destruction\nunless warned ; r\n")));
	ask(&f, sides, 1, SLICE(""));
	EXPECT(t, f.st == ST_OK && f.x.left_out_count == 0);
	EXPECT_UINT(t, f.x.grid.points, 1280);
	EXPECT_UINT(t, f.x.sides[0].forbids, 4 * 5 * 4);
	done(&f);
}

static void too_many_terms_are_left_out_by_name(struct test *t)
{
	const struct slice sides[] = {SLICE("x")};
	struct fixture f;
	struct buf b;

	setup(&f);
	b = buf_in(&f.a);
	buf_add_z(&b, HEAD);
	for (int i = 0; i <= ACCORD_EXTRAS_MAX; i++)
		buf_add_fmt(&b, "term w%d \"W\"\n", i);
	buf_add_z(&b, "clause x.1 \"C\"\nproof high\nwhen w0");
	for (int i = 1; i <= ACCORD_EXTRAS_MAX; i++)
		buf_add_fmt(&b, " and w%d", i);
	EXPECT(t, add(&f, buf_slice(&b)));
	ask(&f, sides, 1, SLICE(""));
	EXPECT(t, f.st == ST_OK && f.x.left_out_count == 1);
	EXPECT_UINT(t, f.x.grid.points, 640 << ACCORD_EXTRAS_MAX);
	EXPECT(t, f.x.grid.points <= ACCORD_POINTS_MAX);
	EXPECT(t, f.x.sides[0].forbids == 0); /* one condition is never known */
	done(&f);
}

#define TWO_CLAUSES                                                                                \
	HEAD "term destruction \"D\"\nterm warned \"W\"\nclause x.1 \"C\"\nproof high\n"           \
	     "when destruction\nadmits require warned ; r\nclause x.2 \"C\"\nproof high\n"         \
	     "when warned\nparty P\namend x.1 require warned ; s, deposited 2021-01-01\n"

/* At each time the law of that time: an amendment that was withdrawn counts no more. */
static void the_law_of_the_day_is_compared(struct test *t)
{
	const struct slice sides[] = {SLICE("P")};
	struct fixture f;

	setup(&f);
	EXPECT(t, add(&f, SLICE(TWO_CLAUSES)));
	ask(&f, sides, 1, SLICE("x.1"));
	EXPECT(t, f.st == ST_OK && f.x.sides[0].forbids == 1);
	f.q.at.ns = INT64_C(1609459199) * TIME_NS_PER_S; /* the second before it was deposited */
	ask(&f, sides, 1, SLICE("x.1"));
	EXPECT(t, f.st == ST_OK && f.x.sides[0].forbids == 2);
	f.q.at.ns = INT64_C(1577836799) * TIME_NS_PER_S; /* before the treaty was in force */
	ask(&f, sides, 1, SLICE("x.1"));
	EXPECT(t, f.st == ST_NOTFOUND);
	done(&f);
}

static void sides_are_limited(struct test *t)
{
	struct slice sides[ACCORD_SIDES_MAX + 1];
	struct fixture f;

	for (size_t i = 0; i <= ACCORD_SIDES_MAX; i++)
		sides[i] = SLICE("x");
	setup(&f);
	EXPECT(t, add(&f, SLICE(TWO_CLAUSES)));
	ask(&f, sides, 0, SLICE("x.1"));
	EXPECT(t, f.st == ST_LIMIT);
	ask(&f, sides, ACCORD_SIDES_MAX - 1, SLICE("x.1"));
	EXPECT(t, f.st == ST_OK);
	ask(&f, sides, ACCORD_SIDES_MAX, SLICE("x.1"));
	EXPECT(t, f.st == ST_OK);
	ask(&f, sides, ACCORD_SIDES_MAX + 1, SLICE("x.1"));
	EXPECT(t, f.st == ST_LIMIT);
	done(&f);
}

static void who_is_unknown_is_told_whom_there_is(struct test *t)
{
	const struct slice sides[] = {SLICE("UK")};
	struct fixture f;

	setup(&f);
	EXPECT(t, add_file(&f, "cwlt.treaty") && add_file(&f, "budapest.treaty"));
	ask(&f, sides, 1, SLICE("budapest.2"));
	EXPECT(t, f.st == ST_NOTFOUND);
	EXPECT(t, slice_find(slice_of(f.why.text), SLICE("budapest with US, DE")) != SIZE_MAX);
	ask(&f, sides, 1, SLICE("budapest.99"));
	EXPECT(t, f.st == ST_NOTFOUND);
	EXPECT(t, slice_find(slice_of(f.why.text), SLICE("no treaty file has")) != SIZE_MAX);
	done(&f);
}

static void the_lattice_agrees_with_its_own_words(struct test *t)
{
	struct accord_grid g = {0};
	uint32_t points = accord_lattice(&g), state = 0, open = 0;

	EXPECT_UINT(t, points, 640);
	for (uint32_t p = 0; p < points; p++) {
		enum treaty_value v;

		EXPECT(t, accord_lattice_value(&g, p, SLICE("attributed_to_state"), &v));
		state += v == TREATY_TRUE;
		EXPECT(t, accord_lattice_value(&g, p, SLICE("authorised"), &v));
		/* with leave it is; else it is not, and for states nobody knows */
		EXPECT(t, accord_grid_value(&g, p, 3) == 3   ? v == TREATY_TRUE
			  : accord_grid_value(&g, p, 0) <= 1 ? v == TREATY_UNDETERMINED
							     : v == TREATY_FALSE);
		open += v == TREATY_UNDETERMINED;
		EXPECT(t, !accord_lattice_value(&g, p, SLICE("warned"), &v));
	}
	EXPECT_UINT(t, state, 320);
	EXPECT_UINT(t, open, 240);
}

static void vagueness_is_the_share_that_words_leave_open(struct test *t)
{
	struct fixture f;
	int32_t milli;

	setup(&f);
	EXPECT(t,
	       add(&f, SLICE(HEAD "term destruction \"D\"\nterm disruption \"S\" open\n"
				  "term warned \"W\"\n"
				  "clause x.1 \"C\"\nproof high\nwhen destruction\n"
				  "clause x.2 \"C\"\nproof high\nwhen disruption\n"
				  "clause x.3 \"C\"\nproof high\nwhen destruction and warned\n")));
	EXPECT(t, accord_vagueness(f.list[0], 0, &f.a, &milli, &f.why) == ST_OK && milli == 0);
	EXPECT(t, accord_vagueness(f.list[0], 1, &f.a, &milli, &f.why) == ST_OK && milli == 1000);
	EXPECT(t, accord_vagueness(f.list[0], 2, &f.a, &milli, &f.why) == ST_OK && milli == 125);
	done(&f);
}

static void memory_may_end_anywhere(struct test *t)
{
	static const struct slice text = {(const uint8_t *)TWO_CLAUSES, sizeof TWO_CLAUSES - 1};
	const struct slice sides[] = {SLICE("x"), SLICE("P")};
	const struct slice clauses[] = {SLICE(""), SLICE("x.1")};

	for (size_t c = 0; c < 2; c++) {
		bool enough = false;

		for (size_t after = 1; !enough; after++) {
			struct fixture f;
			struct arena_pool pool = {.budget = 64 << 20, .fail_after = after};
			struct arena a = {.pool = &pool};

			setup(&f);
			EXPECT(t, add(&f, text));
			f.q.sides = sides;
			f.q.side_count = 2;
			f.q.clause = clauses[c];
			f.st = accord_compare(&f.q, &a, &f.x, &f.why);
			EXPECT(t, f.st == ST_OK || (f.st == ST_NOMEM && f.why.status == ST_NOMEM));
			enough = f.st == ST_OK && !a.exhausted;
			arena_reset(&a);
			arena_pool_drain(&pool);
			EXPECT_UINT(t, pool.out, 0);
			done(&f);
		}
	}
}

TESTS(T(article_2_is_counted_over_16_cases), T(the_core_of_article_2_is_one_rule),
      T(an_open_term_leaves_a_third_kind_of_case), T(a_reserved_clause_forbids_nothing),
      T(instruments_are_compared_over_the_lattice),
      T(a_term_outside_the_lattice_becomes_a_dimension), T(too_many_terms_are_left_out_by_name),
      T(who_is_unknown_is_told_whom_there_is), T(the_lattice_agrees_with_its_own_words),
      T(vagueness_is_the_share_that_words_leave_open), T(the_law_of_the_day_is_compared),
      T(sides_are_limited), T(memory_may_end_anywhere))
