/* SPDX-License-Identifier: Apache-2.0 */
#include "os/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

struct run {
	void (*job)(void *ctx, size_t i);
	void *ctx;
	size_t n;
	atomic_size_t next; /* first job that nobody took yet */
};

unsigned os_pool_cores(void)
{
	cpu_set_t set;
	int n;

	if (sched_getaffinity(0, sizeof set, &set) != 0)
		return 1;
	n = CPU_COUNT(&set);
	return n > 0 ? (unsigned)n : 1;
}

static void *work(void *arg)
{
	struct run *r = arg;
	size_t i;

	while ((i = atomic_fetch_add_explicit(&r->next, 1, memory_order_relaxed)) < r->n)
		r->job(r->ctx, i);
	return NULL;
}

void os_pool_run(void *pool, size_t n, void (*job)(void *job_ctx, size_t i), void *job_ctx)
{
	const struct os_pool *p = pool;
	unsigned threads = p != NULL && p->threads != 0 ? p->threads : os_pool_cores();
	struct run r = {.job = job, .ctx = job_ctx, .n = n};
	pthread_t others[OS_POOL_THREADS_MAX];
	unsigned started = 0;

	if (threads > OS_POOL_THREADS_MAX)
		threads = OS_POOL_THREADS_MAX;
	while (started + 1 < threads && started + 1 < n &&
	       pthread_create(&others[started], NULL, work, &r) == 0)
		started++;
	(void)work(&r);
	for (unsigned i = 0; i < started; i++)
		(void)pthread_join(others[i], NULL); /* fails only for threads that are not ours */
}
