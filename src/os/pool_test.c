/* SPDX-License-Identifier: Apache-2.0 */
#include "os/pool.h"

#include <stdatomic.h>

#include "test.h"

enum { JOBS = 5000 };

static void once(void *ctx, size_t i)
{
	atomic_int *seen = ctx;

	seen[i]++;
}

static void every_job_runs_once(struct test *t)
{
	static const size_t counts[] = {0, 1, 2, 3, JOBS};
	static atomic_int seen[JOBS];

	for (unsigned threads = 0; threads < 5; threads++) {
		struct os_pool pool = {threads};

		for (size_t k = 0; k < sizeof counts / sizeof counts[0]; k++) {
			for (size_t i = 0; i < JOBS; i++)
				seen[i] = 0;
			os_pool_run(threads ? &pool : NULL, counts[k], once, seen);
			for (size_t i = 0; i < JOBS; i++)
				EXPECT_UINT(t, (unsigned)seen[i], i < counts[k]);
		}
	}
}

static void more_threads_than_the_limit_are_not_started(struct test *t)
{
	struct os_pool pool = {OS_POOL_THREADS_MAX + 100};
	static atomic_int seen[JOBS];

	os_pool_run(&pool, 1000, once, seen);
	for (size_t i = 0; i < 1000; i++)
		EXPECT_UINT(t, (unsigned)seen[i], 1);
	EXPECT(t, os_pool_cores() >= 1);
}

TESTS(T(every_job_runs_once), T(more_threads_than_the_limit_are_not_started))
