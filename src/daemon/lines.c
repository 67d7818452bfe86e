/* SPDX-License-Identifier: Apache-2.0
 *
 * 1. A worker fills its own queue, and counts what had no room; the writer alone empties it.
 * 2. Who sleeps says so first and looks once more; who puts looks at that after putting. So no line
 *    waits for the next. */
#include "daemon/lines.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "os/thread.h"

enum { LINE_BUDGET = 4 << 20, SLEEP_MS = 200 };

/* --- a worker's side --- */

static void ring_put(struct lines_ring *r, uint32_t output, struct slice line)
{
	uint8_t *room =
		line.len <= LINES_LINE_MAX ? queue_reserve(&r->queue, output, line.len) : NULL;

	if (room == NULL) {
		atomic_fetch_add_explicit(&r->lost, 1, memory_order_relaxed);
		return;
	}
	memcpy(room, line.ptr, line.len);
	queue_publish(&r->queue); /* in one order with `asleep`: invariant 2 */
}

static void put(void *ctx, const struct record *r)
{
	struct lines_sink *s = ctx;
	struct arena arena = {.pool = s->pool};
	struct buf line = buf_in(&arena);

	daemon_eve_line(&s->lines->eves[s->output], r, &arena, &line);
	if (line.full)
		atomic_fetch_add_explicit(&s->ring->lost, 1, memory_order_relaxed);
	else if (line.len != 0)
		ring_put(s->ring, s->output, buf_slice(&line));
	arena_reset(&arena);
}

struct record_sink daemon_lines_sink(struct lines *l, size_t worker, size_t output)
{
	return (struct record_sink){&l->workers[worker].sinks[output], put};
}

void daemon_lines_poke(struct lines *l)
{
	uint64_t one = 1;

	if (atomic_exchange(&l->asleep, false) && /* invariant 2 */
	    write(l->wake, &one, sizeof one) < 0)
		return; /* full: it is awake */
}

/* --- the writer's side --- */

static void write_line(struct lines *l, uint32_t output, struct slice line)
{
	bool ok = daemon_eve_put_bytes(&l->eves[output], line);

	atomic_fetch_add_explicit(ok ? &l->written : &l->failed, 1, memory_order_relaxed);
}

static bool drain(struct lines *l, struct lines_ring *r)
{
	struct slice line;
	uint32_t output;
	uint64_t done = 0; /* no more than a ring's worth: others wait, too */

	while (done < LINES_RING_BYTES && queue_peek(&r->queue, &output, &line)) {
		done += queue_need(line.len);
		write_line(l, output, line);
		queue_drop(&r->queue);
	}
	return done != 0;
}

static bool drain_all(struct lines *l)
{
	bool any = false;

	for (size_t i = 0; i < l->worker_count; i++)
		any |= drain(l, &l->workers[i].ring);
	return any;
}

static void sleep_until_woken(struct lines *l)
{
	struct pollfd p = {.fd = l->wake, .events = POLLIN};
	uint64_t n;

	for (size_t i = 0; i < l->eve_count; i++)
		daemon_eve_push(&l->eves[i]); /* readers that follow the file see whole lines */
	atomic_store(&l->asleep, true);	      /* invariant 2 */
	if (drain_all(l) || atomic_load(&l->stop))
		return;
	if (poll(&p, 1, SLEEP_MS) > 0 && read(l->wake, &n, sizeof n) < 0)
		return; /* somebody else was quicker: then it is empty, which is as good */
}

static void *work(void *ctx)
{
	struct lines *l = ctx;

	for (;;) {
		bool stop = atomic_load(&l->stop); /* before looking: nothing comes after it */

		if (atomic_exchange(&l->reopen, false))
			for (size_t i = 0; i < l->eve_count; i++)
				daemon_eve_reopen(&l->eves[i]);
		if (drain_all(l))
			continue;
		if (stop)
			return NULL;
		sleep_until_woken(l);
	}
}

/* --- life --- */

enum status daemon_lines_new(struct daemon_eve *eves, size_t eve_count, size_t workers,
			     struct arena *a, struct lines **out, struct fail *why)
{
	struct lines *l = ARENA_NEW(a, struct lines);

	ASSERT(workers <= LINES_WORKERS_MAX && eve_count <= PIPELINE_OUTPUTS_MAX);
	if (l == NULL)
		return fail_set(why, ST_NOMEM, "no memory for a writer");
	l->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	l->eves = eves;
	l->eve_count = eve_count;
	l->workers = ARENA_ARRAY(a, struct lines_worker, workers);
	if (l->wake < 0 || l->workers == NULL)
		return fail_set(why, ST_NOMEM, "no memory for a writer");
	for (size_t i = 0; i < workers; i++) {
		struct lines_worker *w = &l->workers[i];

		w->pool.budget = LINE_BUDGET;
		w->ring.queue.size = LINES_RING_BYTES;
		/* not touched: memory comes as it is used */
		w->ring.queue.bytes = arena_bytes_aligned(a, LINES_RING_BYTES, 8);
		if (w->ring.queue.bytes == NULL)
			return fail_set(why, ST_NOMEM, "no memory for a writer's rings");
		for (uint32_t k = 0; k < eve_count; k++)
			w->sinks[k] = (struct lines_sink){l, &w->ring, &w->pool, k};
	}
	l->worker_count = workers;
	*out = l;
	return ST_OK;
}

enum status daemon_lines_start(struct lines *l, struct fail *why)
{
	if (pthread_create(&l->thread, NULL, work, l) != 0)
		return fail_set(why, ST_NOMEM, "no thread for the writer");
	l->started = true;
	return ST_OK;
}

void daemon_lines_reopen(struct lines *l)
{
	atomic_store(&l->reopen, true);
	daemon_lines_poke(l);
}

uint64_t daemon_lines_lost(const struct lines *l)
{
	uint64_t n = 0;

	for (size_t i = 0; i < l->worker_count; i++)
		n += atomic_load_explicit(&l->workers[i].ring.lost, memory_order_relaxed);
	return n;
}

/* Joins the writer, if it comes to its end. */
static bool ended(struct lines *l)
{
	return os_thread_join(l->thread, LINES_END_MS * TIME_NS_PER_MS);
}

bool daemon_lines_stop(struct lines *l)
{
	if (l == NULL)
		return true;
	if (l->started) {
		uint64_t one = 1;

		atomic_store(&l->stop, true);
		if (write(l->wake, &one, sizeof one) < 0)
			atomic_store(&l->asleep, false); /* it sleeps SLEEP_MS at most */
		if (!ended(l))
			return false;
		l->started = false;
	}
	for (size_t i = 0; i < l->worker_count; i++)
		arena_pool_drain(&l->workers[i].pool);
	if (l->wake >= 0)
		(void)close(l->wake);
	l->wake = -1;
	return true;
}
