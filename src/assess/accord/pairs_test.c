/* SPDX-License-Identifier: Apache-2.0 */
#include "assess/accord/accord.h"
#include "test.h"

struct fixture {
	struct arena_pool pool;
	struct arena a;
	struct treaty *t;
	struct accord_pairs p;
	struct fail why;
};

#define HEAD "instrument x \"X\"\nsource \"s\" mark V\nin-force 2020-01-01\nstandard high 0.75\n"

static bool setup(struct fixture *f, struct slice text)
{
	*f = (struct fixture){.pool = {.budget = 64 << 20}};
	f->a.pool = &f->pool;
	return treaty_compile(SLICE("x"), text, &f->a, &f->t, NULL, &f->why) == ST_OK;
}

static void done(struct fixture *f)
{
	arena_reset(&f->a);
	arena_pool_drain(&f->pool);
}

static bool find(struct fixture *f, struct treaty_law law)
{
	return accord_pairs_find(f->t, 0, &law, &f->a, &f->p, &f->why) == ST_OK;
}

/* Asked again, both cases of a pair are on their side of the line. */
static bool pair_holds(const struct fixture *f, const struct accord_pair *p)
{
	struct treaty_lanes terms[TREATY_TERMS_MAX] = {{0}}, v;
	const struct treaty_law law = {.at = {INT64_MAX}};

	for (size_t i = 0; i < f->p.term_count; i++) {
		bool other = f->p.terms[i] == p->term ? !p->facts[i] : p->facts[i];
		uint64_t yes = (uint64_t)(p->facts[i] != 0) | (uint64_t)other << 1;

		terms[f->p.terms[i]] = (struct treaty_lanes){yes, ~yes};
	}
	v = treaty_clause_eval(f->t, 0, &law, terms);
	return (v.shown & 3) == 1 && (v.excluded & 3) == 2;
}

static void each_line_of_a_clause_has_a_pair(struct test *t)
{
	struct fixture f;

	EXPECT(t, setup(&f, SLICE(HEAD "term a \"A\"\nterm b \"B\"\nterm c \"C\"\nterm d \"D\"\n"
				       "term e \"E\"\nclause x.1 \"C\"\nproof high\n"
				       "when a and (b or c) and (d or not d)\nunless e ; r\n")));
	EXPECT(t, find(&f, (struct treaty_law){.at = {INT64_MAX}}));
	EXPECT(t, f.p.all);
	EXPECT_UINT(t, f.p.term_count, 5);
	EXPECT_UINT(t, f.p.count, 4); /* no line runs at d */
	for (size_t i = 0; i < f.p.count; i++) {
		EXPECT(t, pair_holds(&f, &f.p.pairs[i]));
		EXPECT(t, f.p.pairs[i].holds == (f.p.pairs[i].term != 4));
	}
	/* the fewest facts: with a and b, c is not needed */
	EXPECT(t, f.p.pairs[0].facts[1] + f.p.pairs[0].facts[2] == 1);
	done(&f);
}

static void what_a_party_requires_is_a_line_too(struct test *t)
{
	struct fixture f;

	EXPECT(t, setup(&f, SLICE(HEAD "term a \"A\"\nterm b \"B\"\nclause x.1 \"C\"\nproof high\n"
				       "when a\nparty P\namend x.1 require b ; s, deposited "
				       "2021-01-01\n")));
	EXPECT(t, find(&f, (struct treaty_law){.at = {INT64_MAX}}) && f.p.count == 1);
	EXPECT(t, find(&f, (struct treaty_law){SLICE("P"), SLICE("P"), {INT64_MAX}}));
	EXPECT_UINT(t, f.p.count, 2);
	done(&f);
}

static void many_terms_are_tried_in_drawn_cases(struct test *t)
{
	for (unsigned n = 16; n <= 18; n++) {
		struct fixture f = {.pool = {.budget = 64 << 20}};
		struct buf b;

		f.a.pool = &f.pool;
		b = buf_in(&f.a);
		buf_add_z(&b, HEAD);
		for (unsigned i = 0; i < n; i++)
			buf_add_fmt(&b, "term t%u \"T\"\n", i);
		buf_add_z(&b, "clause x.1 \"C\"\nproof high\nwhen t0 and (t1");
		for (unsigned i = 2; i < n; i++)
			buf_add_fmt(&b, " or t%u", i);
		buf_add_z(&b, ")\n");
		EXPECT(t, treaty_compile(SLICE("x"), buf_slice(&b), &f.a, &f.t, NULL, &f.why) ==
				  ST_OK);
		EXPECT(t, find(&f, (struct treaty_law){.at = {INT64_MAX}}));
		EXPECT(t, f.p.all == (n == 16));
		EXPECT(t, f.p.count >= 1 && f.p.pairs[0].term == 0);
		for (size_t i = 0; i < f.p.count; i++)
			EXPECT(t, pair_holds(&f, &f.p.pairs[i]));
		EXPECT(t, n != 16 || f.p.count == 16);
		done(&f);
	}
}

TESTS(T(each_line_of_a_clause_has_a_pair), T(what_a_party_requires_is_a_line_too),
      T(many_terms_are_tried_in_drawn_cases))
