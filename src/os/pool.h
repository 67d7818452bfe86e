/* SPDX-License-Identifier: Apache-2.0
 *
 * os/pool.h - many jobs that need nothing from each other, on the cores of this machine.
 */
#ifndef DEW_OS_POOL_H
#define DEW_OS_POOL_H

#include <stddef.h>

enum { OS_POOL_THREADS_MAX = 64 }; /* more cores than that are left alone */

struct os_pool {
	unsigned threads; /* at most, the caller's included; 0: as many as there are cores */
};

/* Runs job(job_ctx, i) once for every i in 0..n-1, in any order, on the caller's thread and on up
 * to threads - 1 others, and returns when all are done. What the jobs wrote is then visible to the
 * caller. `pool` is a struct os_pool or NULL (all cores). If the system gives no threads, the
 * caller does all of it. Fits detect_parallel_fn. */
void os_pool_run(void *pool, size_t n, void (*job)(void *job_ctx, size_t i), void *job_ctx);

unsigned os_pool_cores(void); /* that this process may use, at least 1 */

#endif
