/* SPDX-License-Identifier: Apache-2.0 */
#include "base/histogram.h"

#include <stdlib.h>

#include "test.h"

enum { VALUES = 4000 };

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Any size of number, not only great ones. */
static uint64_t any(struct test *t)
{
	return test_rand(t) >> (test_rand(t) % 64);
}

static void buckets_follow_each_other_without_a_hole(struct test *t)
{
	uint32_t last = 0;

	for (uint64_t v = 0; v < 1 << 14; v++) {
		uint32_t b = histogram_bucket(v);

		EXPECT(t, b == last || b == last + 1);
		last = b;
	}
	for (unsigned e = 1; e <= HISTOGRAM_TOP_LOG2; e++) {
		uint64_t v = UINT64_C(1) << e;

		EXPECT_UINT(t, histogram_bucket(v), histogram_bucket(v - 1) + 1);
	}
	EXPECT_UINT(t, histogram_bucket((UINT64_C(1) << HISTOGRAM_TOP_LOG2) - 1),
		    HISTOGRAM_BUCKETS - 2);
	EXPECT_UINT(t, histogram_bucket(UINT64_C(1) << HISTOGRAM_TOP_LOG2), HISTOGRAM_BUCKETS - 1);
	EXPECT_UINT(t, histogram_bucket(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
}

static void an_empty_one_says_nought(struct test *t)
{
	struct histogram *h = calloc(1, sizeof *h);

	EXPECT(t, h != NULL);
	EXPECT_UINT(t, histogram_quantile(h, 1, 1), 0);
	EXPECT_UINT(t, histogram_below(h, HISTOGRAM_TOP_LOG2), 0);
	histogram_add(h, 7, 0);
	EXPECT_UINT(t, h->most, 0);
	free(h);
}

static void a_quantile_is_never_below_and_at_most_a_thirtysecond_above(struct test *t)
{
	struct histogram *h = calloc(1, sizeof *h);
	uint64_t *v = calloc(VALUES, sizeof *v);
	static const uint32_t parts[] = {1, 250, 500, 900, 990, 999, 1000};

	EXPECT(t, h != NULL && v != NULL);
	for (size_t i = 0; i < VALUES; i++) {
		v[i] = any(t) & ((UINT64_C(1) << HISTOGRAM_TOP_LOG2) - 1);
		histogram_add(h, v[i], 1);
	}
	qsort(v, VALUES, sizeof *v, by_value);
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		uint64_t rank = ((uint64_t)VALUES * parts[i] + 999) / 1000;
		uint64_t want = v[rank - 1], got = histogram_quantile(h, parts[i], 1000);

		EXPECT(t, got >= want);
		EXPECT(t, got - want <= want / HISTOGRAM_PARTS);
	}
	EXPECT_UINT(t, histogram_quantile(h, 1, 1), v[VALUES - 1]);
	free(h);
	free(v);
}

static void values_past_the_top_are_counted_and_the_greatest_is_kept(struct test *t)
{
	struct histogram *h = calloc(1, sizeof *h);
	uint64_t far = UINT64_C(1) << 60;

	EXPECT(t, h != NULL);
	histogram_add(h, 3, 9);
	histogram_add(h, far, 1);
	EXPECT_UINT(t, histogram_quantile(h, 9, 10), 3);
	EXPECT_UINT(t, histogram_quantile(h, 91, 100), far);
	EXPECT_UINT(t, histogram_below(h, HISTOGRAM_TOP_LOG2), 9);
	EXPECT_UINT(t, h->count, 10);
	free(h);
}

static void what_is_below_a_power_of_two_is_counted_exactly(struct test *t)
{
	struct histogram *h = calloc(1, sizeof *h);
	uint64_t want[HISTOGRAM_TOP_LOG2 + 1] = {0};

	EXPECT(t, h != NULL);
	for (size_t i = 0; i < VALUES; i++) {
		uint64_t v = any(t);

		if (i % 3 == 0) /* on, before and behind a bound */
			v = (UINT64_C(1) << (v % (HISTOGRAM_TOP_LOG2 + 1))) - 1 + i % 2;
		histogram_add(h, v, 1);
		for (unsigned e = 0; e <= HISTOGRAM_TOP_LOG2; e++)
			want[e] += v < UINT64_C(1) << e;
	}
	for (unsigned e = 0; e <= HISTOGRAM_TOP_LOG2; e++)
		EXPECT_UINT(t, histogram_below(h, e), want[e]);
	free(h);
}

static void two_merged_are_one_of_all(struct test *t)
{
	struct histogram *h = calloc(3, sizeof *h);

	EXPECT(t, h != NULL);
	for (size_t i = 0; i < VALUES; i++) {
		uint64_t v = any(t), n = test_rand(t) % 4;

		histogram_add(&h[i % 2], v, n);
		histogram_add(&h[2], v, n);
	}
	histogram_merge(&h[0], &h[1]);
	EXPECT(t, memcmp(&h[0], &h[2], sizeof *h) == 0);
	free(h);
}

TESTS(T(buckets_follow_each_other_without_a_hole), T(an_empty_one_says_nought),
      T(a_quantile_is_never_below_and_at_most_a_thirtysecond_above),
      T(values_past_the_top_are_counted_and_the_greatest_is_kept),
      T(what_is_below_a_power_of_two_is_counted_exactly), T(two_merged_are_one_of_all))
