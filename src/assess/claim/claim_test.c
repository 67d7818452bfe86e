/* SPDX-License-Identifier: Apache-2.0 */
#include "assess/claim/claim.h"
#include "test.h"

static struct slice word(int32_t lo, int32_t hi)
{
	return slice_of(claim_word((struct interval){lo, hi}));
}

static void a_point_gets_its_icd_203_word(struct test *t)
{
	static const struct {
		int32_t p;
		const char *word;
	} rows[] = {
		{0, "almost no chance (5 % or less)"},
		{49, "almost no chance (5 % or less)"},
		{50, "very unlikely (5-20 %)"},
		{199, "very unlikely (5-20 %)"},
		{200, "unlikely (20-45 %)"},
		{380, "unlikely (20-45 %)"},
		{449, "unlikely (20-45 %)"},
		{450, "roughly even (45-55 %)"},
		{549, "roughly even (45-55 %)"},
		{550, "likely (55-80 %)"},
		{799, "likely (55-80 %)"},
		{800, "very likely (80-95 %)"},
		{949, "very likely (80-95 %)"},
		{950, "almost certain (95 % or more)"},
		{1000, "almost certain (95 % or more)"},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		EXPECT_SLICE(t, word(rows[i].p, rows[i].p), slice_of(rows[i].word));
}

static void an_interval_is_named_by_both_its_ends(struct test *t)
{
	EXPECT_SLICE(t, word(0, 1000), SLICE("unknown"));
	EXPECT_SLICE(t, word(200, 450), SLICE("unlikely (20-45 %)"));
	EXPECT_SLICE(t, word(200, 451), SLICE("unlikely to roughly even (20-55 %)"));
	EXPECT_SLICE(t, word(199, 450), SLICE("very unlikely to unlikely (5-45 %)"));
	EXPECT_SLICE(t, word(800, 1000), SLICE("very likely to almost certain (80 % or more)"));
	for (int32_t lo = 0; lo <= 1000; lo++)
		for (int32_t hi = lo; hi <= 1000; hi += 7)
			EXPECT(t, word(lo, hi).len > 0);
}

static bool band_is(int32_t lo, int32_t hi, int32_t from, int32_t to)
{
	struct interval b = claim_band((struct interval){lo, hi});

	return b.lo == from && b.hi == to;
}

static void a_band_is_what_the_word_says_and_holds_the_interval(struct test *t)
{
	EXPECT(t, band_is(0, 0, 0, 50) && band_is(50, 50, 50, 200) && band_is(49, 50, 0, 50));
	EXPECT(t, band_is(380, 700, 200, 800) && band_is(380, 801, 200, 950));
	EXPECT(t, band_is(949, 1000, 800, 1000) && band_is(1000, 1000, 950, 1000));
	EXPECT(t, band_is(0, 1000, 0, 1000));
	for (int32_t lo = 0; lo <= 1000; lo++)
		for (int32_t hi = lo; hi <= 1000; hi += 7) {
			struct interval b = claim_band((struct interval){lo, hi});

			EXPECT(t, b.lo <= lo && b.hi >= hi && band_is(b.lo, b.hi, b.lo, b.hi));
		}
}

static struct slice written(struct arena *a, int32_t lo, int32_t hi)
{
	struct buf b = buf_in(a);

	claim_write_interval((struct interval){lo, hi}, &b);
	return buf_slice(&b);
}

static void an_interval_is_written_with_no_more_digits_than_it_has(struct test *t)
{
	struct arena_pool pool = {.budget = 1 << 16};
	struct arena a = {.pool = &pool};

	EXPECT_SLICE(t, written(&a, 0, 1000), SLICE("0-1"));
	EXPECT_SLICE(t, written(&a, 380, 700), SLICE("0.38-0.70"));
	EXPECT_SLICE(t, written(&a, 5, 50), SLICE("0.005-0.05"));
	EXPECT_SLICE(t, written(&a, 385, 385), SLICE("0.385"));
	EXPECT_SLICE(t, written(&a, 1000, 1000), SLICE("1"));
	arena_reset(&a);
	arena_pool_drain(&pool);
}

static void a_set_finds_what_was_added_and_keeps_its_own_leaves(struct test *t)
{
	struct arena_pool pool = {.budget = 1 << 16};
	struct arena a = {.pool = &pool};
	struct claim_set s = {0};
	uint64_t leaves[] = {3, 9};
	struct claim c = {.atom = SLICE("access"),
			  .p = {700, 900},
			  .leaves = leaves,
			  .leaf_count = 2,
			  .why = SLICE("seen")};

	EXPECT(t, claim_find(&s, SLICE("access")) == NULL);
	EXPECT(t, claim_add(&s, &a, c));
	EXPECT(t, claim_add(&s, &a, (struct claim){.atom = SLICE("scan"), .p = INTERVAL_UNKNOWN}));
	leaves[0] = 77;
	EXPECT(t, claim_find(&s, SLICE("access")) == &s.claims[0]);
	EXPECT_UINT(t, claim_find(&s, SLICE("access"))->leaves[0], 3);
	EXPECT(t, claim_find(&s, SLICE("scan"))->leaf_count == 0);
	EXPECT(t, claim_find(&s, SLICE("acces")) == NULL);
	arena_reset(&a);
	arena_pool_drain(&pool);
}

static void a_spent_budget_adds_nothing(struct test *t)
{
	uint64_t leaf = 1;
	struct claim c = {.atom = SLICE("x"), .leaves = &leaf, .leaf_count = 1};

	bool any = false;

	for (size_t n = 1; n < 8; n++) {
		struct arena_pool pool = {.budget = 1 << 16, .fail_after = n};
		struct arena a = {.pool = &pool};
		struct claim_set s = {0};
		bool ok = claim_add(&s, &a, c);

		EXPECT(t, (n != 1 || !ok) && (!any || ok) && s.count == ok);
		any = ok;
		arena_reset(&a);
		arena_pool_drain(&pool);
		EXPECT_UINT(t, pool.out, 0);
	}
	EXPECT(t, any);
}

TESTS(T(a_point_gets_its_icd_203_word), T(an_interval_is_named_by_both_its_ends),
      T(a_band_is_what_the_word_says_and_holds_the_interval),
      T(an_interval_is_written_with_no_more_digits_than_it_has),
      T(a_set_finds_what_was_added_and_keeps_its_own_leaves), T(a_spent_budget_adds_nothing))
