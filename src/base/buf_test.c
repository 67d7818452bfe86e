/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "test.h"

static void grows_and_keeps(struct test *t)
{
	struct arena_pool pool = {.budget = 1 << 20};
	struct arena arena = {.pool = &pool};
	struct buf b = buf_in(&arena);
	bool same = true;

	for (unsigned i = 0; i < 5000; i++)
		buf_add_byte(&b, (uint8_t)i);
	for (unsigned i = 0; i < 5000; i++)
		same = same && b.ptr[i] == (uint8_t)i;
	EXPECT(t, same && b.len == 5000 && !b.full);
	b.len = 0;
	buf_add_i64(&b, INT64_MIN);
	buf_add_u64(&b, UINT64_MAX);
	buf_add_fmt(&b, " %s %0600d", "x", 1);
	EXPECT_UINT(t, b.len, 20 + 20 + 3 + 600);
	EXPECT_SLICE(t, slice_part(buf_slice(&b), 0, 40),
		     SLICE("-922337203685477580818446744073709551615"));
	arena_reset(&arena);
	arena_pool_drain(&pool);
}

static void a_limit_is_kept_and_remembered(struct test *t)
{
	struct arena_pool pool = {.budget = 1 << 20};
	struct arena arena = {.pool = &pool};
	struct buf b = {.arena = &arena, .most = 4};

	buf_add(&b, SLICE("abcd"));
	EXPECT(t, !b.full);
	buf_add(&b, SLICE("e"));
	EXPECT(t, b.full);
	EXPECT_SLICE(t, buf_slice(&b), SLICE("abcd"));
	arena_reset(&arena);
	pool.fail_after = 1;
	b = buf_in(&arena);
	buf_add_z(&b, "x");
	EXPECT(t, b.full && b.len == 0 && arena.exhausted);
	EXPECT(t, buf_text(&arena, "%d", 1).ptr == NULL);
	arena_reset(&arena);
	pool.fail_after = 0;
	EXPECT_SLICE(t, buf_text(&arena, "%s-%d", "a", 1), SLICE("a-1"));
	arena_reset(&arena);
	arena_pool_drain(&pool);
}

static void a_label_is_escaped(struct test *t)
{
	struct arena_pool pool = {.budget = 1 << 20};
	struct arena arena = {.pool = &pool};
	struct buf b = buf_in(&arena);

	buf_add_label(&b, SLICE("a\\b\"c\nd"));
	EXPECT_SLICE(t, buf_slice(&b), SLICE("a\\\\b\\\"c\\nd"));
	arena_reset(&arena);
	arena_pool_drain(&pool);
}

TESTS(T(grows_and_keeps), T(a_limit_is_kept_and_remembered), T(a_label_is_escaped))
