/* SPDX-License-Identifier: Apache-2.0
 *
 * Packets a second that a station can remember, and how often a full filter says yes to others.
 * Exit 1 if the first is below 15 million or the second above 1.3 in 1,000:
 *
 *	digest_digest_bench [lines_log2]
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "digest/digest.h"

enum { FILTERS = 4, EPOCHS = 3, OTHERS = 2000000 };

static double cpu_s(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); /* always there */
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void key(void *ctx, uint8_t k[CRYPTO_SIP_BYTES])
{
	memset(k, ++*(uint8_t *)ctx, CRYPTO_SIP_BYTES);
}

static void number(struct digest_prefix *p, uint64_t n)
{
	memcpy(p->bytes + 16, &n, sizeof n);
}

int main(int argc, char **argv)
{
	unsigned log2 = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 14;
	struct arena_pool pool = {.budget = SIZE_MAX};
	struct arena a = {.pool = &pool};
	struct digest_prefix p = {.len = 28};
	uint8_t seed = 0;
	struct digest_limits limits = {FILTERS, (uint8_t)log2, &seed, key};
	uint64_t capacity = ((uint64_t)512 << log2) / DIGEST_BITS, wrong = 0;
	struct digest_answer answer;
	struct digest_store *s;
	struct fail why;
	double from, rate;

	if (log2 > DIGEST_LINES_LOG2_MAX || digest_store_new(&limits, &a, &s, &why) != ST_OK)
		return 2;
	for (uint64_t n = 0; n < capacity; n++) /* the system gives the memory */
		number(&p, n), digest_store_add(s, (struct wall_ns){0}, &p);
	from = cpu_s();
	for (uint64_t n = 0; n < EPOCHS * capacity; n++) {
		number(&p, n);
		digest_store_add(s, (struct wall_ns){TIME_NS_PER_S}, &p);
	}
	rate = (double)(EPOCHS * capacity) / (cpu_s() - from);
	for (uint64_t n = 0; n < OTHERS; n++) {
		number(&p, ~n);
		answer = digest_store_ask(s, &p, (struct wall_ns){TIME_NS_PER_S},
					  (struct wall_ns){TIME_NS_PER_S}, NULL, 0);
		wrong += answer.yes;
	}
	(void)printf(
		"filters of %llu KiB: %.1f million packets a second, %.2f bits a packet; %llu of "
		"%llu others are said to have passed: %.6f, by its bits %.6f\n",
		(1ull << log2) * DIGEST_LINE_BYTES / 1024, rate * 1e-6,
		(double)((uint64_t)512 << log2) / (double)capacity, (unsigned long long)wrong,
		(unsigned long long)(OTHERS * answer.asked),
		(double)wrong / ((double)OTHERS * (double)answer.asked),
		(double)answer.false_ppb * 1e-9 / (double)answer.asked);
	digest_store_free(s);
	arena_reset(&a);
	arena_pool_drain(&pool);
	return rate < 15e6 || (double)wrong > 1.3e-3 * OTHERS * (double)answer.asked;
}
