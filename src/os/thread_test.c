/* SPDX-License-Identifier: Apache-2.0 */
#include "os/thread.h"

#include <stdatomic.h>

#include "os/clock.h"
#include "test.h"

#define MS TIME_NS_PER_MS

static void *until_told(void *ctx)
{
	_Atomic bool *end = ctx;

	while (!atomic_load(end))
		os_clock_pause(MS);
	return NULL;
}

static void a_thread_that_goes_on_is_not_joined_and_one_that_ends_is(struct test *t)
{
	_Atomic bool end = false;
	pthread_t thread;
	int64_t began = os_clock_mono().ns;

	EXPECT(t, pthread_create(&thread, NULL, until_told, &end) == 0);
	EXPECT(t, !os_thread_join(thread, 20 * MS));
	EXPECT(t, os_clock_mono().ns - began >= 20 * MS);
	EXPECT(t, !os_thread_join(thread, 0)); /* not joined: it may be asked again */
	atomic_store(&end, true);
	EXPECT(t, os_thread_join(thread, 60 * 1000 * MS));
}

static void a_wait_for_a_condition_ends_by_itself(struct test *t)
{
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
	int64_t until = os_clock_mono().ns + 20 * MS;

	EXPECT(t, pthread_mutex_lock(&lock) == 0);
	while (os_clock_mono().ns < until) /* sooner than asked is allowed, never is not */
		os_thread_wait(&condition, &lock, 20 * MS);
	EXPECT(t, pthread_mutex_unlock(&lock) == 0);
}

TESTS(T(a_thread_that_goes_on_is_not_joined_and_one_that_ends_is),
      T(a_wait_for_a_condition_ends_by_itself))
