/* SPDX-License-Identifier: Apache-2.0 */
#include "digest/digest.h"
#include "test.h"

enum { KEYS_MAX = 4096, ROOM = 1 << 20, FAR = 1 << 30 };
#define S(s) ((int64_t)(s)*TIME_NS_PER_S)

/* A store whose memory can be searched, and the keys that it was given. */
struct station {
	struct arena_pool pool;
	struct arena a;
	struct digest_store *store;
	uint8_t (*keys)[CRYPTO_SIP_BYTES];
	size_t key_count;
	uint8_t *room;
};

static _Alignas(64) uint8_t memory[ROOM];
static uint8_t given[KEYS_MAX][CRYPTO_SIP_BYTES];

static void key(void *ctx, uint8_t k[CRYPTO_SIP_BYTES])
{
	struct station *x = ctx;

	for (size_t i = 0; i < CRYPTO_SIP_BYTES; i++) /* the same in each run */
		k[i] = (uint8_t)((x->key_count + 1) * 0x9e3779b97f4a7c15 >> (i % 8 * 8)) ^
		       (uint8_t)i;
	memcpy(x->keys[x->key_count++ % KEYS_MAX], k, CRYPTO_SIP_BYTES);
}

static bool station(struct station *x, uint32_t filters, uint8_t lines_log2)
{
	struct digest_limits limits = {filters, lines_log2, x, key};
	struct fail why;

	*x = (struct station){.pool = {.budget = 64 << 20}, .keys = given, .room = memory};
	arena_start(&x->a, &x->pool, x->room, sizeof memory);
	return digest_store_new(&limits, &x->a, &x->store, &why) == ST_OK;
}

static void leave(struct station *x)
{
	digest_store_free(x->store);
	arena_reset(&x->a);
	arena_pool_drain(&x->pool);
}

static struct digest_prefix numbered(uint64_t n)
{
	struct digest_prefix p = {.len = 32};

	memcpy(p.bytes + 20, &n, sizeof n);
	return p;
}

static void pass(struct station *x, int64_t at, uint64_t n)
{
	struct digest_prefix p = numbered(n);

	digest_store_add(x->store, (struct wall_ns){at}, &p);
}

static struct digest_answer ask(struct station *x, uint64_t n, int64_t from, int64_t to)
{
	struct digest_prefix p = numbered(n);

	return digest_store_ask(x->store, &p, (struct wall_ns){from}, (struct wall_ns){to}, NULL,
				0);
}

/* All of it, also what the arena has not handed out, which nobody else may read. */
__attribute__((no_sanitize("address"))) static bool is_in_memory(const struct station *x,
								 size_t which)
{
	const uint8_t *k = x->keys[which];

	for (size_t at = 0; at + CRYPTO_SIP_BYTES <= ROOM; at++) {
		size_t n = 0;

		while (n < CRYPTO_SIP_BYTES && x->room[at + n] == k[n])
			n++;
		if (n == CRYPTO_SIP_BYTES)
			return true;
	}
	return false;
}

static void what_passed_is_known_at_once(struct test *t)
{
	struct station x;

	EXPECT(t, station(&x, 4, 8));
	EXPECT(t, ask(&x, 1, 0, S(9)).asked == 0 && !ask(&x, 1, 0, S(9)).whole);
	for (uint64_t n = 0; n < 40; n++) { /* more than wait for their line */
		EXPECT(t, ask(&x, n, 0, S(9)).yes == 0);
		pass(&x, S(1), n);
		for (uint64_t m = 0; m <= n; m++)
			EXPECT(t, ask(&x, m, 0, S(9)).yes == 1);
	}
	leave(&x);
}

static void a_filter_holds_one_packet_for_15_bits_and_errs_in_1_3_of_1000(struct test *t)
{
	enum { CAPACITY = (512 << 10) / 15, OTHERS = 400000 };
	struct digest_epoch e;
	struct digest_prefix p = numbered(0);
	struct station x;
	uint64_t wrong = 0, expected;

	EXPECT(t, station(&x, 3, 10));
	for (uint64_t n = 0; n < CAPACITY; n++)
		pass(&x, S(5), n);
	EXPECT_UINT(t, x.key_count, 1);
	for (uint64_t n = 0; n < OTHERS; n++)
		wrong += ask(&x, FAR + n, 0, S(9)).yes;
	EXPECT(t, digest_store_ask(x.store, &p, (struct wall_ns){0}, (struct wall_ns){S(9)}, &e, 1)
				  .yes == 1);
	EXPECT_UINT(t, e.packets, CAPACITY);
	EXPECT(t, e.first.ns == S(5) && e.last.ns == S(5));
	EXPECT(t, e.false_ppb > 1000000 && e.false_ppb <= 1300000);
	expected = (uint64_t)e.false_ppb * OTHERS / 1000000000;
	EXPECT(t, wrong > expected - 90 && wrong < expected + 90); /* four deviations */
	EXPECT(t, wrong <= OTHERS * 13 / 10000);
	pass(&x, S(5), CAPACITY);
	EXPECT_UINT(t, x.key_count, 2);
	EXPECT(t, ask(&x, CAPACITY, S(5), S(5)).asked == 2);
	leave(&x);
}

static void an_epoch_ends_after_30_seconds(struct test *t)
{
	struct station x;

	EXPECT(t, station(&x, 3, 8));
	pass(&x, S(100), 1);
	pass(&x, S(130) - 1, 2);
	EXPECT_UINT(t, x.key_count, 1);
	pass(&x, S(130), 3);
	EXPECT_UINT(t, x.key_count, 2);
	EXPECT(t, ask(&x, 1, S(100), S(130) - 1).asked == 1);
	EXPECT(t, ask(&x, 3, S(130), S(131)).yes == 1 && ask(&x, 1, S(130), S(131)).yes == 0);
	EXPECT(t, ask(&x, 1, S(0), S(100) - 1).asked == 0);
	leave(&x);
}

static void a_key_is_gone_from_memory_ten_minutes_after_its_first_packet(struct test *t)
{
	struct station x;

	EXPECT(t, station(&x, 30, 4));
	for (int s = 0; s < 600; s++)
		pass(&x, S(1000 + s), (uint64_t)s);
	digest_store_expire(x.store, (struct wall_ns){S(1600) - 1});
	EXPECT(t, is_in_memory(&x, 0) && ask(&x, 0, S(1000), S(1600)).yes >= 1);
	EXPECT(t, ask(&x, 0, S(1000), S(1600)).whole && !ask(&x, 0, S(1000) - 1, S(1600)).whole);
	digest_store_expire(x.store, (struct wall_ns){S(1600)});
	EXPECT(t, !is_in_memory(&x, 0) && is_in_memory(&x, 1));
	EXPECT(t, !ask(&x, 0, S(1000), S(1600)).whole && ask(&x, 0, S(1030), S(1600)).whole);
	digest_store_expire(x.store, (struct wall_ns){S(9999)}); /* the open one, too */
	for (size_t k = 0; k < x.key_count; k++)
		EXPECT(t, !is_in_memory(&x, k));
	EXPECT(t, ask(&x, 599, 0, S(9999)).asked == 0);
	pass(&x, S(10000), 7);
	EXPECT(t, ask(&x, 7, S(10000), S(10000)).yes == 1);
	EXPECT(t, is_in_memory(&x, x.key_count - 1));
	digest_store_free(x.store);
	EXPECT(t, !is_in_memory(&x, x.key_count - 1));
	arena_reset(&x.a);
}

static void packets_that_come_forget_keys_as_well(struct test *t)
{
	struct station x;

	EXPECT(t, station(&x, 30, 4));
	pass(&x, S(0), 1);
	pass(&x, S(600) - 1, 2);
	EXPECT(t, is_in_memory(&x, 0));
	pass(&x, S(600), 3);
	EXPECT(t, !is_in_memory(&x, 0) && is_in_memory(&x, 1));
	leave(&x);
}

static void without_room_for_ten_minutes_the_oldest_goes_and_that_is_said(struct test *t)
{
	struct station x;

	EXPECT(t, station(&x, 3, 0)); /* 34 packets each */
	for (uint64_t n = 0; n < 68; n++)
		pass(&x, S(1) + (int64_t)n, n);
	EXPECT(t, ask(&x, 0, S(1), S(2)).whole && ask(&x, 0, S(1), S(2)).asked == 2);
	EXPECT(t, is_in_memory(&x, 0) && is_in_memory(&x, 1));
	pass(&x, S(1) + 68, 68);
	EXPECT(t, !is_in_memory(&x, 0) && x.key_count == 3);
	EXPECT(t, !ask(&x, 34, S(1) + 33, S(2)).whole && ask(&x, 34, S(1) + 34, S(2)).whole);
	for (uint64_t n = 34; n <= 68; n++)
		EXPECT(t, ask(&x, n, S(1), S(2)).yes >= 1);
	leave(&x);
}

static void time_that_runs_backwards_stands_still(struct test *t)
{
	struct digest_epoch e[2];
	struct digest_prefix p = numbered(2);
	struct station x;

	EXPECT(t, station(&x, 4, 6));
	pass(&x, S(50), 1);
	pass(&x, INT64_MIN, 2);
	EXPECT(t,
	       digest_store_ask(x.store, &p, (struct wall_ns){S(50)}, (struct wall_ns){S(50)}, e, 2)
			       .yes == 1);
	EXPECT(t, e[0].packets == 2 && e[0].last.ns == S(50));
	pass(&x, INT64_MAX, 3);
	EXPECT(t, !is_in_memory(&x, 0));
	EXPECT(t, ask(&x, 3, INT64_MAX, INT64_MAX).yes == 1);
	pass(&x, S(51), 4); /* a wrong clock forgets, and does not bring back */
	EXPECT(t, ask(&x, 4, INT64_MAX, INT64_MAX).yes == 1);
	leave(&x);
}

static void a_packet_that_is_remembered_is_never_denied(struct test *t)
{
	enum { PACKETS = 20000 };
	static int64_t when[PACKETS];
	struct station x;
	int64_t at = (int64_t)(test_rand(t) >> 8);

	EXPECT(t, station(&x, 40, 5));
	for (uint64_t n = 0; n < PACKETS; n++) {
		uint64_t m = n - test_rand(t) % (n + 1);
		struct digest_answer a;

		at += (int64_t)(test_rand(t) % (uint64_t)TIME_NS_PER_S) >> (test_rand(t) % 12);
		when[n] = at;
		pass(&x, at, n);
		a = ask(&x, m, when[m], at);
		EXPECT(t, a.yes >= 1 || !a.whole);
		EXPECT(t, a.yes <= a.asked && a.asked <= 39);
	}
	leave(&x);
}

static void limits_are_checked_and_memory_may_be_short(struct test *t)
{
	struct digest_limits limits = {3, 0, NULL, key};
	struct arena_pool pool = {.budget = 1 << 20};
	struct arena a = {.pool = &pool};
	struct digest_store *s = NULL;
	struct fail why;

	limits.filters = 2;
	EXPECT(t, digest_store_new(&limits, &a, &s, &why) == ST_INVALID);
	limits.filters = DIGEST_FILTERS_MAX + 1;
	EXPECT(t, digest_store_new(&limits, &a, &s, &why) == ST_INVALID);
	limits.filters = 3;
	limits.lines_log2 = DIGEST_LINES_LOG2_MAX + 1;
	EXPECT(t, digest_store_new(&limits, &a, &s, &why) == ST_INVALID && s == NULL);
	limits.lines_log2 = 10;
	for (size_t fail = 1; fail < 3; fail++) {
		pool.fail_after = fail;
		EXPECT(t, digest_store_new(&limits, &a, &s, &why) == ST_NOMEM && s == NULL);
		arena_reset(&a);
	}
	pool.fail_after = 0;
	EXPECT(t, digest_store_new(&limits, &a, &s, &why) == ST_OK);
	digest_store_free(s);
	digest_store_free(NULL);
	arena_reset(&a);
	arena_pool_drain(&pool);
	EXPECT_UINT(t, pool.out, 0);
}

TESTS(T(what_passed_is_known_at_once),
      T(a_filter_holds_one_packet_for_15_bits_and_errs_in_1_3_of_1000),
      T(an_epoch_ends_after_30_seconds),
      T(a_key_is_gone_from_memory_ten_minutes_after_its_first_packet),
      T(packets_that_come_forget_keys_as_well),
      T(without_room_for_ten_minutes_the_oldest_goes_and_that_is_said),
      T(time_that_runs_backwards_stands_still), T(a_packet_that_is_remembered_is_never_denied),
      T(limits_are_checked_and_memory_may_be_short))
