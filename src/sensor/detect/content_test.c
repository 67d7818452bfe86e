/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/detect/detect_priv.h"
#include "test.h"

static size_t naive(struct slice hay, struct slice needle, bool nocase)
{
	for (size_t i = 0; i + needle.len <= hay.len; i++) {
		struct slice part = slice_part(hay, i, needle.len);

		if (nocase ? slice_equal_nocase(part, needle) : slice_equal(part, needle))
			return i;
	}
	return SIZE_MAX;
}

static void search_finds_what_a_naive_search_finds(struct test *t)
{
	for (int round = 0; round < 20000; round++) {
		uint8_t hay[64], needle[4];
		size_t n = (size_t)(test_rand(t) % sizeof hay);
		size_t m = 1 + (size_t)(test_rand(t) % sizeof needle);
		bool nocase = (test_rand(t) & 1) != 0;
		struct slice h = {hay, n}, d = {needle, m};

		for (size_t i = 0; i < n; i++)
			hay[i] = (uint8_t) "aAbB[{"[test_rand(t) % 6];
		for (size_t i = 0; i < m; i++)
			needle[i] = (uint8_t) "ab[{"[test_rand(t) % 4];
		EXPECT_UINT(t, detect_search(h, d, nocase), naive(h, d, nocase));
	}
}

TESTS(T(search_finds_what_a_naive_search_finds))
