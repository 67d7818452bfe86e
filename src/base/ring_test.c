/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ring.h"
#include "test.h"

#include <pthread.h>
#include <sched.h>

enum { N = 200000 };

static void *produce(void *arg)
{
	struct ring *r = arg;

	for (uint64_t i = 0; i < N; i++)
		while (!ring_push(r, &i))
			sched_yield();
	return NULL;
}

static void keeps_order_across_threads(struct test *t)
{
	uint8_t slots[64 * sizeof(uint64_t)];
	struct ring r = {.mask = 63, .slot_size = sizeof(uint64_t), .slots = slots};
	pthread_t th;
	uint64_t got = 0;

	EXPECT_UINT(t, pthread_create(&th, NULL, produce, &r) != 0, 0);
	for (uint64_t want = 0; want < N; want++) {
		while (!ring_pop(&r, &got))
			sched_yield();
		if (got != want)
			break;
	}
	(void)pthread_join(th, NULL);
	EXPECT_UINT(t, got, N - 1);
}

TESTS(T(keeps_order_across_threads))
