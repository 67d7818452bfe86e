/* SPDX-License-Identifier: Apache-2.0
 *
 * os/thread.h - the end of a thread, waited for, but not for ever.
 */
#ifndef DEW_OS_THREAD_H
#define DEW_OS_THREAD_H

#include <pthread.h>

#include "base/status.h"
#include "base/time.h"

/* Joins the thread if it ends within `most_ns` by the clock that only grows: a wall clock that is
 * set makes it neither shorter nor longer. False: it goes on, and is not joined. */
MUST_USE bool os_thread_join(pthread_t thread, int64_t most_ns);

/* Waits for the condition for `most_ns` at most, by the same clock; may return sooner, as any wait
 * for a condition may. The lock is the caller's. */
void os_thread_wait(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t most_ns);

#endif
