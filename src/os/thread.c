/* SPDX-License-Identifier: Apache-2.0
 * glibc could join by the monotonic clock itself (pthread_clockjoin_np), but ThreadSanitizer does
 * not know that call, and would take the thread for one that nobody joined: so it is asked again
 * and again. */
#include "os/thread.h"

#include <time.h>

#include "os/clock.h"

enum { LOOK_MS = 2 };

bool os_thread_join(pthread_t thread, int64_t most_ns)
{
	int64_t until = os_clock_mono().ns + most_ns;

	while (pthread_tryjoin_np(thread, NULL) != 0) {
		if (os_clock_mono().ns >= until)
			return false;
		os_clock_pause(LOOK_MS * TIME_NS_PER_MS);
	}
	return true;
}

void os_thread_wait(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t most_ns)
{
	int64_t until = os_clock_mono().ns + most_ns;
	struct timespec at = {.tv_sec = (time_t)(until / TIME_NS_PER_S),
			      .tv_nsec = until % TIME_NS_PER_S};

	/* whether it came or the time is over, the caller sees himself */
	(void)pthread_cond_clockwait(condition, lock, CLOCK_MONOTONIC, &at);
}
