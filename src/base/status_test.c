/* SPDX-License-Identifier: Apache-2.0 */
#include "base/status.h"
#include "test.h"

static void outer_context_comes_first(struct test *t)
{
	struct fail why = {0};

	EXPECT_UINT(t, fail_set(&why, ST_INVALID, "line %d: unknown keyword", 3), ST_INVALID);
	EXPECT_UINT(t, fail_wrap(&why, "load %s", "a.rules"), ST_INVALID);
	EXPECT(t, strcmp(why.text, "load a.rules: line 3: unknown keyword") == 0);
}

static void long_messages_are_cut_not_lost(struct test *t)
{
	struct fail why = {0};

	EXPECT_UINT(t, fail_set(&why, ST_IO, "%0300d", 7), ST_IO);
	EXPECT_UINT(t, strlen(why.text), sizeof why.text - 1);
	EXPECT_UINT(t, fail_wrap(&why, "%0300d", 8), ST_IO);
	EXPECT_UINT(t, strlen(why.text), sizeof why.text - 1);
}

TESTS(T(outer_context_comes_first), T(long_messages_are_cut_not_lost))
