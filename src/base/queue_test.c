/* SPDX-License-Identifier: Apache-2.0 */
#include "base/queue.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "test.h"

enum { SIZE = 1024, MESSAGES = 200000 };

static struct queue queue(void)
{
	uint8_t *bytes = aligned_alloc(64, SIZE);

	if (bytes == NULL)
		abort();
	return (struct queue){.bytes = bytes, .size = SIZE};
}

static void what_goes_in_comes_out_in_its_order(struct test *t)
{
	struct queue q = queue();
	uint32_t put = 0, got = 0, kind;
	struct slice m;

	while (got < 20000) {
		size_t n = (size_t)(test_rand(t) % (SIZE / 2 - QUEUE_HEAD + 1));

		for (uint8_t *p;
		     test_rand(t) % 4 != 0 && (p = queue_reserve(&q, put, n)) != NULL;) {
			memset(p, (int)(put & 0xff), n);
			put++;
			if (test_rand(t) % 2 == 0)
				queue_publish(&q);
		}
		queue_publish(&q);
		EXPECT(t, queue_used(&q) <= SIZE);
		while (test_rand(t) % 4 != 0 && queue_peek(&q, &kind, &m)) {
			EXPECT_UINT(t, kind, got);
			EXPECT(t, (uintptr_t)m.ptr % 8 == 0);
			for (size_t i = 0; i < m.len; i++)
				EXPECT_UINT(t, m.ptr[i], got & 0xff);
			got++;
			queue_drop(&q);
		}
	}
	free(q.bytes);
}

static void half_of_an_empty_queue_fits_wherever_it_stands(struct test *t)
{
	struct queue q = queue();
	uint32_t kind;
	struct slice m;

	for (int i = 0; i < 500; i++) {
		EXPECT(t, queue_reserve(&q, 1, SIZE / 2 - QUEUE_HEAD) != NULL);
		queue_publish(&q);
		EXPECT(t, queue_peek(&q, &kind, &m));
		queue_drop(&q);
		EXPECT(t, queue_reserve(&q, 1, (uint64_t)i % 64) != NULL);
		queue_publish(&q);
		EXPECT(t, queue_peek(&q, &kind, &m));
		queue_drop(&q);
		EXPECT(t, !queue_peek(&q, &kind, &m));
	}
	free(q.bytes);
}

static void there_is_room_up_to_the_last_byte_and_no_further(struct test *t)
{
	struct queue q = queue();
	struct queue none = {0};

	EXPECT(t, queue_reserve(&q, 0, SIZE / 2 - QUEUE_HEAD + 1) == NULL);
	for (int i = 0; i < SIZE / 64; i++)
		EXPECT(t, queue_reserve(&q, 0, 64 - QUEUE_HEAD) != NULL);
	EXPECT(t, queue_reserve(&q, 0, 0) == NULL);
	EXPECT(t, queue_reserve(&none, 0, 0) == NULL);
	free(q.bytes);
}

static void what_is_not_published_is_not_seen(struct test *t)
{
	struct queue q = queue();
	uint32_t kind;
	struct slice m;

	EXPECT(t, queue_reserve(&q, 5, 3) != NULL);
	EXPECT(t, !queue_peek(&q, &kind, &m) && queue_used(&q) == 0);
	queue_publish(&q);
	EXPECT(t, queue_peek(&q, &kind, &m));
	EXPECT(t, kind == 5 && m.len == 3 && queue_used(&q) == 16);
	free(q.bytes);
}

static void *produce(void *ctx)
{
	struct queue *q = ctx;

	for (uint32_t i = 0; i < MESSAGES;) {
		uint32_t n = i % 97;
		uint8_t *p = queue_reserve(q, i, n);

		if (p != NULL) {
			memset(p, (int)(i & 0xff), n);
			i++;
		} else {
			(void)sched_yield();
		}
		if (p == NULL || i % 3 == 0)
			queue_publish(q);
	}
	queue_publish(q);
	return NULL;
}

static void two_threads_share_it(struct test *t)
{
	struct queue q = queue();
	pthread_t thread;
	uint32_t kind;
	struct slice m;

	EXPECT(t, pthread_create(&thread, NULL, produce, &q) == 0);
	for (uint32_t i = 0; i < MESSAGES; i++) {
		while (!queue_peek(&q, &kind, &m))
			(void)sched_yield();
		EXPECT_UINT(t, kind, i);
		EXPECT_UINT(t, m.len, i % 97);
		EXPECT(t, m.len == 0 || (m.ptr[0] == (i & 0xff) && m.ptr[m.len - 1] == (i & 0xff)));
		queue_drop(&q);
	}
	EXPECT(t, pthread_join(thread, NULL) == 0);
	free(q.bytes);
}

TESTS(T(what_goes_in_comes_out_in_its_order), T(half_of_an_empty_queue_fits_wherever_it_stands),
      T(there_is_room_up_to_the_last_byte_and_no_further), T(what_is_not_published_is_not_seen),
      T(two_threads_share_it))
