/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/rule/rule_priv.h"
#include "test.h"

static void finds_all_that_was_put_and_nothing_else(struct test *t)
{
	enum { N = 3000 };
	static uint64_t keys[N];
	struct arena_pool pool = {.budget = 1 << 22};
	struct arena a = {.pool = &pool};
	struct rule_table table = {0};
	uint64_t absent = UINT64_MAX;

	EXPECT(t, rule_table_find(&table, SLICE("x")) == NULL);
	for (size_t i = 0; i < N; i++) {
		keys[i] = i * 0x10001;
		EXPECT(t, rule_table_put(&table, &a, (struct slice){(uint8_t *)&keys[i], 1 + i % 8},
					 &keys[i]) ||
				  a.exhausted);
	}
	for (size_t i = N; i-- > 0;) {
		const uint64_t *found =
			rule_table_find(&table, (struct slice){(uint8_t *)&keys[i], 1 + i % 8});

		/* keys cut short may be equal: then the last one stays */
		EXPECT(t, found != NULL && memcmp(found, &keys[i], 1 + i % 8) == 0);
		EXPECT(t, found >= &keys[i]);
	}
	EXPECT(t, rule_table_find(&table, (struct slice){(uint8_t *)&absent, 8}) == NULL);
	EXPECT(t, rule_table_find(&table, SLICE("")) == NULL);
	EXPECT(t, rule_table_put(&table, &a, SLICE(""), keys) &&
			  rule_table_find(&table, SLICE("")) == keys);
	arena_reset(&a);
	arena_pool_drain(&pool);
}

static void a_spent_budget_leaves_the_table_as_it_was(struct test *t)
{
	struct arena_pool pool = {.budget = 4 * ARENA_BLOCK};
	struct arena a = {.pool = &pool};
	struct rule_table table = {0};
	static uint32_t keys[500];
	size_t n = 0;

	for (; n < 500; n++) {
		keys[n] = (uint32_t)n;
		if (!rule_table_put(&table, &a, (struct slice){(uint8_t *)&keys[n], 4}, &keys[n]))
			break;
	}
	EXPECT(t, n > 0 && n < 500 && a.exhausted);
	EXPECT_UINT(t, table.count, n);
	while (n-- > 0)
		EXPECT(t,
		       rule_table_find(&table, (struct slice){(uint8_t *)&keys[n], 4}) == &keys[n]);
	arena_reset(&a);
	arena_pool_drain(&pool);
}

TESTS(T(finds_all_that_was_put_and_nothing_else), T(a_spent_budget_leaves_the_table_as_it_was))
