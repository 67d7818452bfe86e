/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/anomaly/sketch_priv.h"

#include <math.h>

#include "crypto/crypto.h"
#include "test.h"

static const uint8_t sip_key[CRYPTO_SIP_BYTES] = {1, 2, 3};

static uint64_t hash(uint64_t n)
{
	return crypto_sip(sip_key, (struct slice){(const uint8_t *)&n, sizeof n});
}

/* The key is fixed, so this is one draw, always the same. */
static void distinct_counts_stay_within_their_error(struct test *t)
{
	static const uint64_t sizes[] = {1,   2,   10,	32,   64,    128,
					 256, 320, 400, 1000, 10000, 1000000};
	double worst = 0, squares = 0;
	unsigned n = 0;

	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
		for (uint64_t draw = 0; draw < (sizes[i] > 10000 ? 3 : 40); draw++) {
			struct anomaly_distinct d = {0};
			double error;

			for (uint64_t k = 0; k < sizes[i]; k++)
				(void)anomaly_distinct_add(&d, hash(draw << 40 | k));
			error = (double)anomaly_distinct_count(&d) / (double)sizes[i] - 1;
			worst = fmax(worst, fabs(error));
			squares += error * error;
			n++;
			if (sizes[i] <= 2) /* two of 128 registers may be one: 1 in 128 */
				EXPECT(t, fabs(error) <= 0.5);
		}
	EXPECT(t, sqrt(squares / n) < 0.092); /* 1.04 / sqrt(128) */
	EXPECT(t, worst < 5 * 0.092);
}

static void distinct_knows_what_it_saw_and_merges(struct test *t)
{
	struct anomaly_distinct a = {0}, b = {0}, both = {0};

	EXPECT_UINT(t, anomaly_distinct_count(&a), 0);
	for (uint64_t k = 0; k < 500; k++) {
		(void)anomaly_distinct_add(&a, hash(k));
		(void)anomaly_distinct_add(&b, hash(k + 250));
		(void)anomaly_distinct_add(&both, hash(k));
		(void)anomaly_distinct_add(&both, hash(k + 250));
	}
	for (uint64_t k = 0; k < 500; k++)
		EXPECT(t, !anomaly_distinct_add(&a, hash(k))); /* nothing new: no change */
	anomaly_distinct_merge(&a, &b);
	EXPECT(t, memcmp(a.rank, both.rank, sizeof a.rank) == 0);
	EXPECT(t, a.sum == both.sum && a.used == both.used);
	EXPECT_UINT(t, anomaly_distinct_count(&a), anomaly_distinct_count(&both));
	EXPECT(t, anomaly_distinct_add(&a, 0)); /* rank 57, the most there is */
	EXPECT(t, !anomaly_distinct_add(&a, 0));
	for (uint64_t k = 0; k < ANOMALY_REGISTERS; k++)
		(void)anomaly_distinct_add(&a, k);
	EXPECT(t, anomaly_distinct_count(&a) > UINT64_C(1) << 50); /* full: no overflow */
}

static void small_distinct_counts_are_linear_counting_s(struct test *t)
{
	struct anomaly_distinct d = {0};

	for (unsigned used = 1; used < ANOMALY_REGISTERS; used++) {
		double want = 128 * log(128.0 / (128.0 - used));

		(void)anomaly_distinct_add(&d, (used - 1) | 1u << 7); /* rank 1 in a new register */
		if (want <= 320 * 0.5) /* far from where the raw estimate takes over */
			EXPECT(t, fabs((double)anomaly_distinct_count(&d) - want) <= 0.5);
	}
}

struct room {
	struct arena_pool pool;
	struct arena arena;
};

static struct room *room_new(void)
{
	static struct room r;

	r = (struct room){.pool = {.budget = 64 << 20}};
	r.arena.pool = &r.pool;
	return &r;
}

static void room_done(struct room *r)
{
	arena_reset(&r->arena);
	arena_pool_drain(&r->pool);
}

enum { WIDTH = 1024, THINGS = 4096 };

/* N = 20,000 over width 1024: e N / width is 53. A count is more than that too large with
 * probability e^-4 without conservative update, so of 4,096 things 75 would be expected; with it
 * none is. The key is fixed. */
static void counts_are_never_too_small_and_seldom_too_large(struct test *t)
{
	struct room *r = room_new();
	static uint32_t truth[THINGS];
	struct anomaly_counts c;
	unsigned beyond = 0;

	memset(truth, 0, sizeof truth);
	t->rng = 7;
	EXPECT(t, anomaly_counts_init(&c, &r->arena, WIDTH));
	for (unsigned i = 0; i < 20000; i++) {
		uint64_t x = test_rand(t) % THINGS * (test_rand(t) % THINGS) / THINGS;

		truth[x]++;
		anomaly_counts_add(&c, hash(x));
	}
	for (uint64_t x = 0; x < THINGS; x++) {
		uint64_t n = anomaly_counts_get(&c, hash(x));

		EXPECT(t, n >= truth[x]);
		beyond += n > truth[x] + 53;
	}
	EXPECT_UINT(t, beyond, 0);
	room_done(r);
}

static void counts_are_of_one_to_two_windows(struct test *t)
{
	struct room *r = room_new();
	struct anomaly_counts c;

	EXPECT(t, anomaly_counts_init(&c, &r->arena, WIDTH));
	anomaly_counts_turn(&c, 10);
	for (unsigned i = 0; i < 3; i++)
		anomaly_counts_add(&c, hash(1));
	anomaly_counts_turn(&c, 10);
	anomaly_counts_turn(&c, 9);
	EXPECT_UINT(t, anomaly_counts_get(&c, hash(1)), 3);
	anomaly_counts_turn(&c, 11);
	anomaly_counts_add(&c, hash(1));
	EXPECT_UINT(t, anomaly_counts_get(&c, hash(1)), 4);
	anomaly_counts_turn(&c, 12);
	EXPECT_UINT(t, anomaly_counts_get(&c, hash(1)), 1);
	anomaly_counts_add(&c, hash(1));
	anomaly_counts_turn(&c, 14); /* one was left out: both are over */
	EXPECT_UINT(t, anomaly_counts_get(&c, hash(1)), 0);
	for (unsigned i = 0; i < 70000; i++)
		anomaly_counts_add(&c, hash(2));
	EXPECT_UINT(t, anomaly_counts_get(&c, hash(2)), UINT16_MAX); /* saturates */
	room_done(r);
}

enum { SLOTS = 32 };

/* Against exact counts: the paper's three promises. */
static void the_top_keeps_what_is_frequent(struct test *t)
{
	struct room *r = room_new();
	static uint64_t truth[1000];
	struct anomaly_top top;
	uint64_t n = 0;
	bool fresh;

	memset(truth, 0, sizeof truth);
	EXPECT(t, anomaly_top_init(&top, &r->arena, SLOTS));
	for (unsigned i = 0; i < 50000; i++) {
		/* squared: small numbers are frequent */
		uint64_t x = test_rand(t) % 1000, y = test_rand(t) % 1000;

		x = x * y * (test_rand(t) % 1000) / 1000000;
		truth[x]++;
		n++;
		(void)anomaly_top_add(&top, hash(x), 1, &fresh);
	}
	for (uint64_t x = 0; x < 1000; x++) {
		uint32_t slot = anomaly_top_find(&top, hash(x));

		if (truth[x] > n / SLOTS)
			EXPECT(t, slot != UINT32_MAX);
		if (slot == UINT32_MAX)
			continue;
		EXPECT(t, top.slots[slot].count >= truth[x]);
		EXPECT(t, top.slots[slot].count - top.slots[slot].error <= truth[x]);
		EXPECT(t, top.slots[slot].error <= n / SLOTS);
	}
	anomaly_top_halve(&top);
	for (uint32_t i = 1; i < top.used; i++) { /* invariant 2 */
		EXPECT(t, top.slots[top.heap[(i - 1) / 2]].count <= top.slots[top.heap[i]].count);
		EXPECT_UINT(t, top.slots[top.heap[i]].place, i);
	}
	room_done(r);
}

static void a_flood_of_single_things_does_not_push_out_the_frequent_one(struct test *t)
{
	struct room *r = room_new();
	struct anomaly_top top;
	uint32_t slot;
	bool fresh;

	EXPECT(t, anomaly_top_init(&top, &r->arena, SLOTS));
	slot = anomaly_top_add(&top, hash(0), 1, &fresh);
	EXPECT(t, fresh);
	for (uint64_t i = 1; i < 100000; i++) {
		(void)anomaly_top_add(&top, hash(i), 1, &fresh);
		if (i % 16 == 0) { /* twice as often as 1 / SLOTS */
			EXPECT_UINT(t, anomaly_top_add(&top, hash(0), 1, &fresh), slot);
			EXPECT(t, !fresh);
		}
	}
	room_done(r);
}

static void half_is_gone_after_a_half_life(struct test *t)
{
	struct anomaly_decaying d = {0};
	const int64_t half = 1000000000;

	anomaly_decaying_add(&d, 1 << 20, 0, half);
	EXPECT_UINT(t, anomaly_decaying_get(&d, 0, half), 1 << 20);
	EXPECT_UINT(t, anomaly_decaying_get(&d, half, half), 1 << 19);
	EXPECT_UINT(t, anomaly_decaying_get(&d, 20 * half, half), 1);
	EXPECT_UINT(t, anomaly_decaying_get(&d, 21 * half, half), 0);
	EXPECT_UINT(t, anomaly_decaying_get(&d, INT64_MAX, half), 0);
	EXPECT_UINT(t, anomaly_decaying_get(&d, -half, half), 1 << 20); /* back in time */
	for (int64_t at = 0; at < 3 * half; at += half / 64) {
		double exact = (1 << 20) * exp2(-(double)at / (double)half);
		double error = (double)anomaly_decaying_get(&d, at, half) / exact - 1;

		EXPECT(t, error > -0.001 && error < 0.063);
	}
	anomaly_decaying_add(&d, UINT64_MAX - 5, half, half);
	EXPECT(t, d.value == UINT64_MAX && d.at_ns == half); /* saturates */
}

static void no_memory_is_said(struct test *t)
{
	bool made = false;

	for (size_t blocks = 1; !made; blocks++) {
		struct arena_pool pool = {.budget = 64 << 20, .fail_after = blocks};
		struct arena arena = {.pool = &pool};
		struct anomaly_counts c;
		struct anomaly_top top;

		made = anomaly_counts_init(&c, &arena, WIDTH) &&
		       anomaly_top_init(&top, &arena, 4096);
		arena_reset(&arena);
		EXPECT_UINT(t, pool.out, 0);
		arena_pool_drain(&pool);
		EXPECT(t, blocks < 100 && (blocks > 1 || !made));
	}
}

TESTS(T(distinct_counts_stay_within_their_error), T(distinct_knows_what_it_saw_and_merges),
      T(small_distinct_counts_are_linear_counting_s),
      T(counts_are_never_too_small_and_seldom_too_large), T(counts_are_of_one_to_two_windows),
      T(the_top_keeps_what_is_frequent),
      T(a_flood_of_single_things_does_not_push_out_the_frequent_one),
      T(half_is_gone_after_a_half_life), T(no_memory_is_said))
