/* SPDX-License-Identifier: Apache-2.0 */
#include "base/slice.h"
#include "test.h"

static void parts_stay_inside(struct test *t)
{
	struct slice s = SLICE("abcdef");

	EXPECT_SLICE(t, slice_part(s, 2, 2), SLICE("cd"));
	EXPECT_SLICE(t, slice_part(s, 4, 100), SLICE("ef"));
	EXPECT_UINT(t, slice_part(s, 6, 1).len, 0);
	EXPECT_UINT(t, slice_part(s, SIZE_MAX, SIZE_MAX).len, 0);
	EXPECT(t, slice_starts(s, SLICE("abc")) && !slice_starts(s, SLICE("abcdefg")));
	EXPECT(t, slice_ends(s, SLICE("ef")) && slice_ends(s, SLICE("")));
}

static void find_agrees_with_a_naive_search(struct test *t)
{
	for (int round = 0; round < 5000; round++) {
		uint8_t hay[32], pin[4];
		size_t n = test_rand(t) % sizeof hay, m = test_rand(t) % sizeof pin,
		       want = SIZE_MAX;

		for (size_t i = 0; i < n; i++)
			hay[i] = (uint8_t)(test_rand(t) % 3);
		for (size_t i = 0; i < m; i++)
			pin[i] = (uint8_t)(test_rand(t) % 3);
		for (size_t i = 0; i + m <= n && want == SIZE_MAX; i++)
			if (memcmp(hay + i, pin, m) == 0)
				want = i;
		EXPECT_UINT(t, slice_find((struct slice){hay, n}, (struct slice){pin, m}), want);
	}
}

static void split_sees_every_part(struct test *t)
{
	struct slice rest = SLICE("a,,b,");

	EXPECT_SLICE(t, slice_split(&rest, ','), SLICE("a"));
	EXPECT_SLICE(t, slice_split(&rest, ','), SLICE(""));
	EXPECT_SLICE(t, slice_split(&rest, ','), SLICE("b"));
	EXPECT(t, rest.ptr != NULL);
	EXPECT_SLICE(t, slice_split(&rest, ','), SLICE(""));
	EXPECT(t, rest.ptr == NULL);
}

static void order_and_case(struct test *t)
{
	EXPECT(t, slice_compare(SLICE("a"), SLICE("b")) < 0);
	EXPECT(t, slice_compare(SLICE("a"), SLICE("a")) == 0);
	EXPECT(t, slice_compare(SLICE("ab"), SLICE("a")) > 0);
	EXPECT(t, slice_equal_nocase(SLICE("HoSt"), SLICE("hOsT")));
	EXPECT(t, !slice_equal_nocase(SLICE("@"), SLICE("`"))); /* differ by 0x20, no letters */
	EXPECT_SLICE(t, slice_trim(SLICE(" \t x y\r\n")), SLICE("x y"));
	EXPECT_UINT(t, slice_trim(SLICE(" \v ")).len, 0);
}

TESTS(T(parts_stay_inside), T(find_agrees_with_a_naive_search), T(split_sees_every_part),
      T(order_and_case))
