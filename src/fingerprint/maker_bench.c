/* SPDX-License-Identifier: Apache-2.0
 *
 * What a packet costs that goes into a fingerprint, over many flows in turn (so that their memory
 * is not in the nearest cache), and how many bytes a fingerprint has:
 *
 *	fingerprint_maker_bench [flows]
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "fingerprint/fingerprint.h"

enum { ROUNDS = 400 };

struct told {
	uint64_t prints, bytes, events;
};

struct kind {
	const char *name;
	int64_t apart_ns; /* of a flow's packets, on the average */
};

static double cpu_s(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); /* always there */
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void made(void *ctx, const struct fingerprint *f)
{
	uint8_t bytes[FINGERPRINT_BYTES_MAX];
	struct told *told = ctx;

	told->bytes += fingerprint_encode(f, bytes);
	told->events += f->count;
	told->prints++;
}

static uint64_t next(uint64_t *s) /* Marsaglia: Xorshift RNGs (2003) */
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	return *s ^= *s << 17;
}

static void run(const struct kind *k, size_t flows)
{
	struct arena_pool pool = {.budget = SIZE_MAX};
	struct arena a = {.pool = &pool};
	struct fingerprint_maker *m = ARENA_ARRAY(&a, struct fingerprint_maker, flows);
	int64_t *at = ARENA_ARRAY(&a, int64_t, flows);
	struct told told = {0};
	struct fingerprint_sink sink = {&told, made};
	uint64_t s = 88172645463325252;
	double from = cpu_s(), draws, all;

	if (m == NULL || at == NULL)
		exit(2);
	for (size_t i = 0; i < flows * ROUNDS; i++)
		(void)next(&s); /* what drawing costs is taken off */
	draws = cpu_s() - from;
	from = cpu_s();
	for (size_t r = 0; r < ROUNDS; r++)
		for (size_t i = 0; i < flows; i++) {
			uint64_t x = next(&s);

			at[i] += (int64_t)((x >> 32) * (uint64_t)k->apart_ns * 2 >> 32);
			fingerprint_maker_packet(&m[i], &a, (struct wall_ns){at[i]}, x & 1,
						 (uint32_t)(x >> 8 & 1023) + 1, &sink);
		}
	all = cpu_s() - from;
	for (size_t i = 0; i < flows; i++)
		fingerprint_maker_end(&m[i], &sink);
	(void)printf("%-12s %8.1f ns a packet %8.1f events %8.1f bytes a fingerprint\n", k->name,
		     (all - draws) * 1e9 / (double)(flows * ROUNDS),
		     (double)told.events / (double)told.prints,
		     (double)told.bytes / (double)told.prints);
	arena_reset(&a);
	arena_pool_drain(&pool);
}

int main(int argc, char **argv)
{
	static const struct kind kinds[] = {{"bulk", 500000},
					    {"mixed", 30000000},
					    {"typed", 250000000},
					    {"slow", INT64_C(2000000000)}};
	size_t flows = argc > 1 ? strtoul(argv[1], NULL, 10) : 10000;

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0] && flows != 0; i++)
		run(&kinds[i], flows);
	return 0;
}
