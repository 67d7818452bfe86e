/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "test.h"

enum { NEARLY = ARENA_BLOCK - 256 }; /* bytes that need a block of the largest size */

static void aligns_and_zeroes(struct test *t)
{
	struct arena_pool pool = {.budget = 1 << 20};
	struct arena a = {.pool = &pool};

	for (size_t align = 1; align <= 64; align *= 2) {
		uint8_t *p = arena_alloc(&a, 3, align, 5);

		EXPECT(t, p != NULL);
		EXPECT_UINT(t, (uintptr_t)p % align, 0);
		for (size_t i = 0; i < 15; i++)
			EXPECT_UINT(t, p[i], 0);
		memset(p, 0xaa, 15);
	}
	arena_reset(&a);
	EXPECT_UINT(t, pool.out, 0);
	arena_pool_drain(&pool);
}

static void refuses_overflow_and_budget(struct test *t)
{
	struct arena_pool pool = {.budget = 3 * ARENA_BLOCK};
	struct arena a = {.pool = &pool};

	EXPECT(t, arena_alloc(&a, SIZE_MAX / 2, 8, 3) == NULL);
	EXPECT(t, arena_alloc(&a, 1, 8, SIZE_MAX) == NULL);
	EXPECT(t, arena_alloc(&a, 1, 8, 4 * ARENA_BLOCK) == NULL);
	EXPECT(t, a.exhausted);
	EXPECT_UINT(t, arena_copy(&a, SLICE("still works")).len, 11);
	arena_reset(&a);
	EXPECT(t, !a.exhausted);
	arena_pool_drain(&pool);
}

/* Whatever is asked, in whatever order, two live allocations never overlap. */
static void bytes_to_be_written_obey_the_same_limits(struct test *t)
{
	struct arena_pool pool = {.budget = ARENA_BLOCK};
	struct arena a = {.pool = &pool};
	uint8_t *one = arena_bytes(&a, 100), *two = arena_bytes(&a, 100);

	EXPECT(t, one != NULL && two != NULL);
	EXPECT(t, two >= one + 100 || one >= two + 100);
	memset(one, 1, 100);
	memset(two, 2, 100);
	for (size_t align = 1; align <= 64; align *= 2) {
		uint8_t *p = arena_bytes_aligned(&a, 3, align);

		EXPECT(t, p != NULL && (uintptr_t)p % align == 0);
		memset(p, 1, 3);
	}
	EXPECT(t, arena_bytes_aligned(&a, SIZE_MAX, 8) == NULL && a.exhausted);
	a.exhausted = false;
	EXPECT(t, arena_bytes(&a, SIZE_MAX) == NULL && a.exhausted);
	EXPECT(t, arena_bytes(&a, ARENA_BLOCK) == NULL);
	EXPECT_UINT(t, one[99], 1);
	arena_reset(&a);
	arena_pool_drain(&pool);
}

static void allocations_never_overlap(struct test *t)
{
	struct arena_pool pool = {.budget = 1 << 22};
	struct arena a = {.pool = &pool};
	struct {
		uint8_t *p;
		size_t n;
		uint8_t tag;
	} live[200];

	for (size_t i = 0; i < 200; i++) {
		live[i].n = test_rand(t) % 9000;
		live[i].tag = (uint8_t)i;
		live[i].p = arena_alloc(&a, 1, (size_t)1 << test_rand(t) % 7, live[i].n);
		EXPECT(t, live[i].p != NULL);
		if (live[i].n)
			memset(live[i].p, live[i].tag, live[i].n);
	}
	for (size_t i = 0; i < 200; i++)
		for (size_t j = 0; j < live[i].n; j++)
			EXPECT_UINT(t, live[i].p[j], live[i].tag);
	arena_reset(&a);
	EXPECT_UINT(t, pool.out, 0);
	arena_pool_drain(&pool);
}

static void a_room_is_used_before_the_pool(struct test *t)
{
	_Alignas(16) static uint8_t room[256];
	struct arena_pool pool = {.budget = 1 << 20};
	struct arena a;
	uint8_t *p;

	for (unsigned again = 0; again < 2; again++) {
		arena_start(&a, &pool, room, sizeof room);
		p = arena_alloc(&a, 100, 8, 1);
		EXPECT(t, p == room && p[99] == 0);
		memset(p, 0xaa, 100);
		EXPECT_UINT(t, pool.out, 0);
		p = arena_alloc(&a, 200, 8, 1);
		EXPECT(t, p != NULL && (p < room || p >= room + sizeof room));
		EXPECT(t, pool.out > 200 && pool.out <= 256);
		arena_reset(&a);
		EXPECT_UINT(t, pool.out, 0);
	}
	arena_pool_drain(&pool);
}

static void a_share_takes_no_more_than_its_budget_nor_than_the_whole_has(struct test *t)
{
	struct arena_pool whole = {.budget = 4 * ARENA_BLOCK};
	struct arena_pool share = {.budget = 2 * ARENA_BLOCK, .whole = &whole};
	struct arena part = {.pool = &share}, rest = {.pool = &whole};

	EXPECT(t, arena_alloc(&part, NEARLY, 1, 1) != NULL);
	EXPECT(t, arena_alloc(&part, NEARLY, 1, 1) != NULL);
	EXPECT(t, arena_alloc(&part, NEARLY, 1, 1) == NULL); /* its own budget */
	EXPECT_UINT(t, share.out, 2 * ARENA_BLOCK);
	EXPECT_UINT(t, whole.out, 2 * ARENA_BLOCK);
	arena_reset(&part);
	EXPECT_UINT(t, share.out + whole.out, 0);
	EXPECT_UINT(t, share.idle, 0);
	EXPECT_UINT(t, whole.idle, 2 * ARENA_BLOCK); /* who lends takes back */
	for (int i = 0; i < 3; i++)
		EXPECT(t, arena_alloc(&rest, NEARLY, 1, 1) != NULL);
	EXPECT(t, arena_alloc(&part, 1, 1, 1) != NULL);
	EXPECT(t, arena_alloc(&part, ARENA_BLOCK, 1, 1) == NULL); /* the whole's budget */
	EXPECT_UINT(t, whole.out, 3 * ARENA_BLOCK + ARENA_BLOCK_LEAST);
	EXPECT_UINT(t, share.out, ARENA_BLOCK_LEAST);
	arena_reset(&part);
	arena_reset(&rest);
	EXPECT_UINT(t, share.out + whole.out, 0);
	arena_pool_drain(&whole);
}

static void a_share_may_be_shared_again(struct test *t)
{
	struct arena_pool whole = {.budget = 4 * ARENA_BLOCK};
	struct arena_pool share = {.budget = 2 * ARENA_BLOCK, .whole = &whole};
	struct arena_pool part = {.budget = 4 * ARENA_BLOCK, .whole = &share};
	struct arena a = {.pool = &part}, other = {.pool = &share};

	EXPECT(t, arena_alloc(&a, NEARLY, 1, 1) != NULL);
	EXPECT(t, arena_alloc(&other, NEARLY, 1, 1) != NULL);
	EXPECT_UINT(t, part.out, ARENA_BLOCK);
	EXPECT_UINT(t, share.out, 2 * ARENA_BLOCK);
	EXPECT_UINT(t, whole.out, 2 * ARENA_BLOCK);
	EXPECT(t, arena_alloc(&a, NEARLY, 1, 1) == NULL); /* that of the share between */
	arena_reset(&a);
	arena_reset(&other);
	EXPECT_UINT(t, part.out + share.out + whole.out, 0);
	EXPECT_UINT(t, part.idle + share.idle, 0);
	EXPECT_UINT(t, whole.idle, 2 * ARENA_BLOCK);
	arena_pool_drain(&whole);
}

static void an_arena_ends_with_what_it_lies_in(struct test *t)
{
	struct arena_pool pool = {.budget = SIZE_MAX};
	struct arena a = {.pool = &pool};
	struct home {
		struct arena_pool pool;
		struct arena arena;
	} *home = ARENA_NEW(&a, struct home);

	EXPECT(t, home != NULL);
	home->pool = pool;
	home->arena = a;
	home->arena.pool = &home->pool;
	EXPECT(t, arena_alloc(&home->arena, 2 * ARENA_BLOCK, 8, 1) != NULL);
	arena_end(home->arena, home->pool); /* the sanitizers say what is left */
	arena_end((struct arena){0}, (struct arena_pool){0});
}

/* The sizes of the blocks that an arena takes while it grows in small pieces. */
static void blocks_grow_with_what_an_arena_holds(struct test *t)
{
	struct arena_pool pool = {.budget = 1 << 20};
	struct arena a = {.pool = &pool};
	size_t last = 0, used = 0;

	for (unsigned i = 0; i < 4000; i++, used += 16) {
		size_t before = pool.out, block;

		EXPECT(t, arena_alloc(&a, 16, 1, 1) != NULL);
		block = pool.out - before;
		if (block == 0)
			continue;
		EXPECT(t, block >= ARENA_BLOCK_LEAST && block <= ARENA_BLOCK && block >= last);
		EXPECT(t, block <= ARENA_BLOCK_LEAST || block <= 2 * (before + block) / 3);
		last = block;
	}
	EXPECT_UINT(t, last, ARENA_BLOCK);
	EXPECT_UINT(t, a.held, pool.out);
	arena_reset(&a);
	EXPECT_UINT(t, a.held, 0);
	arena_pool_drain(&pool);
}

enum { HEAD = 24 }; /* bytes of a block: its head, and malloc's word */

static void the_first_block_is_the_least_that_is_enough(struct test *t)
{
	struct arena_pool pool = {.budget = 1 << 20};
	struct arena a = {.pool = &pool};

	for (size_t n = 1; n <= ARENA_BLOCK; n++) {
		size_t gap = 32; /* between objects under AddressSanitizer */

		EXPECT(t, arena_bytes(&a, n) != NULL);
		EXPECT(t, pool.out >= n + HEAD && (4 * pool.out <= 5 * (n + HEAD + gap) ||
						   pool.out == ARENA_BLOCK_LEAST));
		arena_reset(&a);
	}
	EXPECT_UINT(t, pool.out, 0);
	arena_pool_drain(&pool);
	EXPECT_UINT(t, pool.idle, 0);
}

/* Each size of block is a list of its own: what went back is what comes, and no two lie over each
 * other. */
static void a_block_by_itself_has_room_and_goes_back(struct test *t)
{
	struct arena_pool whole = {.budget = 1 << 20};
	struct arena_pool pool = {.budget = 1 << 20, .whole = &whole};
	size_t sizes = 0, last = 0;

	for (size_t n = 0; n <= 2 * ARENA_BLOCK; n++) {
		size_t room, other_room;
		uint8_t *one = arena_block_take(&pool, n, &room), *two;

		EXPECT(t, one != NULL && room >= n && pool.out >= n + HEAD);
		sizes += n <= ARENA_BLOCK - HEAD && pool.out <= ARENA_BLOCK && pool.out != last;
		last = pool.out;
		EXPECT(t, pool.out == whole.out);
		two = arena_block_take(&pool, n, &other_room);
		EXPECT(t, two != NULL && other_room == room);
		memset(one, 1, room);
		memset(two, 2, room);
		EXPECT(t, n == 0 || (one[0] == 1 && one[room - 1] == 1));
		arena_block_give(&pool, one);
		arena_block_give(&pool, two);
		EXPECT_UINT(t, pool.out + whole.out, 0);
	}
	EXPECT_UINT(t, sizes, ARENA_CLASSES);
	arena_block_give(&pool, NULL);
	EXPECT_UINT(t, pool.idle, 0);
	arena_pool_drain(&whole);
}

static void a_block_by_itself_obeys_the_budget(struct test *t)
{
	struct arena_pool pool = {.budget = ARENA_BLOCK};
	size_t room = 7;
	uint8_t *p;

	EXPECT(t, arena_block_take(&pool, SIZE_MAX, &room) == NULL);
	EXPECT(t, arena_block_take(&pool, SIZE_MAX / 2 - 1, &room) == NULL);
	EXPECT(t, arena_block_take(&pool, ARENA_BLOCK, &room) == NULL && room == 7);
	p = arena_block_take(&pool, NEARLY, &room);
	EXPECT(t, p != NULL && arena_block_take(&pool, 1, &room) == NULL);
	arena_block_give(&pool, p);
	EXPECT_UINT(t, pool.out, 0);
	arena_pool_drain(&pool);
}

/* Much in small blocks, then much in large ones: the pool does not keep both. */
static void what_waits_and_what_is_out_are_within_the_budget(struct test *t)
{
	enum { SMALL = 64 * ARENA_BLOCK / ARENA_BLOCK_LEAST };
	struct arena_pool pool = {.budget = 64 * ARENA_BLOCK};
	static struct arena small[SMALL], large[64];

	for (unsigned round = 0; round < 3; round++) {
		size_t n = 0;

		for (; n < SMALL; n++) {
			small[n].pool = &pool;
			if (arena_alloc(&small[n], 60, 8, 1) == NULL)
				break;
			EXPECT(t, pool.out + pool.idle <= pool.budget);
		}
		EXPECT(t, n > SMALL / 2 && pool.out > pool.budget - 2 * ARENA_BLOCK_LEAST);
		for (size_t i = 0; i < SMALL; i++)
			arena_reset(&small[i]);
		for (size_t i = 0; i < 64; i++) {
			large[i].pool = &pool;
			EXPECT(t, arena_alloc(&large[i], NEARLY, 8, 1) != NULL);
			EXPECT(t, pool.out + pool.idle <= pool.budget);
		}
		EXPECT(t, arena_alloc(&small[0], 1, 1, 1) == NULL);
		for (size_t i = 0; i < 64; i++)
			arena_reset(&large[i]);
		arena_reset(&small[0]);
	}
	EXPECT_UINT(t, pool.out, 0);
	arena_pool_drain(&pool);
}

TESTS(T(a_block_by_itself_has_room_and_goes_back), T(a_block_by_itself_obeys_the_budget),
      T(blocks_grow_with_what_an_arena_holds), T(the_first_block_is_the_least_that_is_enough),
      T(what_waits_and_what_is_out_are_within_the_budget), T(an_arena_ends_with_what_it_lies_in),
      T(bytes_to_be_written_obey_the_same_limits),
      T(a_share_takes_no_more_than_its_budget_nor_than_the_whole_has),
      T(a_share_may_be_shared_again), T(a_room_is_used_before_the_pool), T(aligns_and_zeroes),
      T(refuses_overflow_and_budget), T(allocations_never_overlap))
