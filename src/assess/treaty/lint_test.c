/* SPDX-License-Identifier: Apache-2.0 */
#include "assess/treaty/treaty_priv.h"
#include "test.h"

struct fixture {
	struct arena_pool pool;
	struct arena a;
	struct treaty *t;
	struct buf notes, page;
	struct fail why;
};

#define HEAD "instrument x \"X\"\nsource \"s\" mark V\nin-force 2020-01-01\nstandard high 0.75\n"

static bool setup(struct fixture *f, struct slice text)
{
	*f = (struct fixture){.pool = {.budget = 16 << 20}};
	f->a.pool = &f->pool;
	f->notes = buf_in(&f->a);
	f->page = buf_in(&f->a);
	return treaty_compile(SLICE("x"), text, &f->a, &f->t, NULL, &f->why) == ST_OK &&
	       treaty_lint(f->t, SLICE("x"), &f->a, &f->notes) &&
	       treaty_explain(f->t, 100, &f->a, &f->page);
}

static bool notes(const struct fixture *f, const char *text)
{
	return slice_find(buf_slice(&f->notes), slice_of(text)) != SIZE_MAX;
}

static bool page(const struct fixture *f, const char *text)
{
	return slice_find(buf_slice(&f->page), slice_of(text)) != SIZE_MAX;
}

static void done(struct fixture *f)
{
	arena_reset(&f->a);
	arena_pool_drain(&f->pool);
}

/* Objection A30: both phrases of the founding text are flagged. */
static void words_without_a_measure_are_flagged(struct test *t)
{
	struct fixture f;

	EXPECT(t, setup(&f, SLICE(HEAD "term hostile_act \"hostile activity in a network\"\n"
				       "term too_much \"more than reasonable levels of traffic\"\n"
				       "term fine \"unreasonableness is no word of the list\"\n"
				       "| a\nclause x.1 \"C\"\nproof high\n"
				       "when hostile_act and too_much and fine\n")));
	EXPECT(t, notes(&f,
			"x:5:1: note: the definition of \"hostile_act\" says \"hostile\" without a "
			"measure: say how much, or mark the term \"open\"\n"));
	EXPECT(t, notes(&f, "x:6:1: note: the definition of \"too_much\" says \"reasonable\""));
	EXPECT(t, !notes(&f, "definition of \"fine\""));
	done(&f);
}

static void what_nobody_can_see_is_said_of_terms_and_clauses(struct test *t)
{
	struct fixture f;

	EXPECT(t,
	       setup(&f, SLICE(HEAD "term destruction \"D\"\nterm civilian_target \"C\"\n"
				    "term mood \"M\"\nterm spare \"S\" open\n"
				    "| a\nclause x.1 \"C\"\nproof high\nwhen destruction and mood\n"
				    "| a\nclause x.2 \"C\"\nproof high\nwhen destruction or mood\n"
				    "| a\nclause x.3 \"C\"\nproof high\nwhen destruction\n"
				    "unless mood ; r\n"
				    "clause x.4 \"C\"\nproof high\nwhen destruction and "
				    "civilian_target\nunless respondent-shows mood ; r\n")));
	EXPECT(t, notes(&f, "x:7:1: note: nobody can see whether \"mood\" holds"));
	EXPECT(t, notes(&f, "x:8:1: note: no clause uses the term \"spare\""));
	EXPECT(t, notes(&f, "x:8:1: note: the term \"spare\" is open"));
	EXPECT(t, notes(&f, "x:10:1: note: a breach of \"x.1\" can never be shown"));
	EXPECT(t, !notes(&f, "a breach of \"x.2\""));
	EXPECT(t, notes(&f, "x:18:1: note: a breach of \"x.3\" can never be shown"));
	EXPECT(t, !notes(&f, "a breach of \"x.4\""));
	EXPECT(t, notes(&f, "x:22:1: note: \"x.4\" has no article above it"));
	EXPECT_UINT(t, treaty_clause_seen(f.t, 0), TREATY_SEEN_NEVER);
	EXPECT_UINT(t, treaty_clause_seen(f.t, 1), TREATY_SEEN_STATION);
	EXPECT_UINT(t, treaty_clause_seen(f.t, 3), TREATY_SEEN_REGISTER);
	done(&f);
}

static void the_page_begins_with_what_cannot_be_verified(struct test *t)
{
	struct fixture f;
	size_t front, articles;

	EXPECT(t,
	       setup(&f, SLICE(HEAD "term destruction \"D\"\nterm mood \"M\" open\n"
				    " reading US \"as it feels\"\n"
				    "| No party destroys what belongs to another one, whatever its "
				    "mood may be on\n| that day.\n"
				    "clause x.1 \"C\"\nproof high\nwhen destruction and not mood\n"
				    "not-judged x.2 \"D\" ; it is a wish\n"
				    "party US \"United States\"\n"
				    " amend x.1 require mood ; s, deposited 2021-01-01\n")));
	front = slice_find(buf_slice(&f.page), SLICE("What nobody can verify"));
	articles = slice_find(buf_slice(&f.page), SLICE("Articles, in our own words"));
	EXPECT(t, front < articles && articles != SIZE_MAX);
	EXPECT(t, page(&f, "  mood: its meaning is not settled between the parties; no station, "
			   "register or statement"));
	EXPECT(t, page(&f, "  x.2: not judged: it is a wish"));
	EXPECT(t, page(&f, "  x.1: nobody\n"));
	EXPECT(t,
	       page(&f,
		    "No party destroys what belongs to another one,   | proof high 0.75\n"
		    "whatever its mood may be on that day.            | when destruction and not "
		    "mood\n"));
	EXPECT(t, page(&f, "      US reads as it feels"));
	EXPECT(t, page(&f, "      x.1: require mood ; s, deposited 2021-01-01"));
	done(&f);
}

static void no_line_of_the_page_is_wider_than_asked(struct test *t)
{
	struct fixture f;
	size_t column = 0;

	EXPECT(t,
	       setup(&f,
		     SLICE(HEAD "term destruction \"caf\xc3\xa9 \xe2\x80\x93 "
				"wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww"
				"wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww "
				"w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w\"\n"
				"| one two three four five six seven eight nine ten eleven twelve\n"
				"clause x.1 \"C\"\nproof high\nwhen destruction\n")));
	for (size_t i = 0; i < f.page.len; i++) {
		if (f.page.ptr[i] == '\n')
			column = 0;
		else if ((f.page.ptr[i] & 0xc0) != 0x80)
			column++;
		EXPECT(t, column <= 100);
	}
	done(&f);
}

static void the_vocabulary_is_unique_and_says_how(struct test *t)
{
	size_t n;
	const struct treaty_word *w = treaty_words(&n);

	EXPECT(t, n > 20);
	for (size_t i = 0; i < n; i++) {
		EXPECT(t, treaty_word_find(slice_of(w[i].name)) == &w[i]);
		EXPECT(t, w[i].seen != TREATY_SEEN_NEVER && w[i].how[0] != 0);
	}
	EXPECT(t, treaty_word_find(SLICE("mood")) == NULL);
}

TESTS(T(words_without_a_measure_are_flagged), T(what_nobody_can_see_is_said_of_terms_and_clauses),
      T(the_page_begins_with_what_cannot_be_verified), T(no_line_of_the_page_is_wider_than_asked),
      T(the_vocabulary_is_unique_and_says_how))
