/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/store_queue.h"

#include <sched.h>
#include <stdlib.h>

#include "test.h"

enum { FILES = 64, PIECE = 40000 };

/* A store that remembers what it was given, behind a gate. */
struct remembered {
	uint64_t bytes;
	uint8_t sum;
	bool opened, closed, whole;
};

struct shelf {
	struct file_store sink;
	pthread_mutex_t gate;
	struct remembered files[4096]; /* by id */
	_Atomic uint64_t infos, stored;
};

static void pass_gate(struct shelf *s)
{
	(void)pthread_mutex_lock(&s->gate);
	(void)pthread_mutex_unlock(&s->gate);
}

static void *on_open(void *ctx, const struct file *f)
{
	struct shelf *s = ctx;

	pass_gate(s);
	s->files[f->id].opened = true;
	return f->id % 7 == 6 ? NULL : &s->files[f->id]; /* some are refused */
}

static void on_data(void *ctx, void *handle, struct slice bytes)
{
	struct remembered *r = handle;

	r->bytes += bytes.len;
	for (size_t i = 0; i < bytes.len; i++)
		r->sum = (uint8_t)(r->sum + bytes.ptr[i]);
}

static bool on_close(void *ctx, void *handle, const struct file *f)
{
	struct shelf *s = ctx;
	struct remembered *r = handle;

	r->closed = true;
	r->whole = (f->hashes & FILE_SHA256) != 0 && f->sha256[0] == (uint8_t)f->id;
	if (r->whole)
		atomic_fetch_add(&s->stored, 1);
	return r->whole;
}

static void on_info(void *ctx, const struct file *f, struct wall_ns at, struct slice json)
{
	struct shelf *s = ctx;

	if (slice_equal(json, SLICE("{}")) && at.ns == f->id)
		atomic_fetch_add(&s->infos, 1);
}

struct room {
	struct arena_pool pool;
	struct arena arena;
	struct shelf *shelf;
	struct store_queue *q;
	struct fail why;
	uint8_t piece[PIECE];
};

static struct room *room_new(size_t lanes)
{
	struct room *r = calloc(1, sizeof *r);

	if (r == NULL || (r->shelf = calloc(1, sizeof *r->shelf)) == NULL)
		abort();
	r->pool.budget = SIZE_MAX;
	r->arena.pool = &r->pool;
	r->shelf->sink = (struct file_store){r->shelf, on_open, on_data, on_close, on_info};
	memset(r->piece, 1, sizeof r->piece);
	if (pthread_mutex_init(&r->shelf->gate, NULL) != 0 ||
	    daemon_store_queue_new(&r->shelf->sink, lanes, &r->arena, &r->q, &r->why) != ST_OK)
		abort();
	return r;
}

static void room_free(struct room *r)
{
	arena_reset(&r->arena);
	arena_pool_drain(&r->pool);
	free(r->shelf);
	free(r);
}

static struct file file_of(uint32_t id)
{
	struct file f = {.id = id, .hashes = FILE_SHA256};

	f.sha256[0] = (uint8_t)id;
	return f;
}

/* True: it was taken as a whole. */
static bool store(struct room *r, struct store_lane *l, uint32_t id, unsigned pieces)
{
	struct file f = file_of(id);
	void *h = l->sink.open(l->sink.ctx, &f);

	if (h == NULL)
		return false;
	for (unsigned i = 0; i < pieces; i++)
		l->sink.data(l->sink.ctx, h, (struct slice){r->piece, sizeof r->piece});
	if (!l->sink.close(l->sink.ctx, h, &f))
		return false;
	l->sink.info(l->sink.ctx, &f, (struct wall_ns){id}, SLICE("{}"));
	return true;
}

static void files_of_two_workers_arrive_whole(struct test *t)
{
	struct room *r = room_new(2);

	EXPECT_UINT(t, daemon_store_queue_start(r->q, &r->why), ST_OK);
	for (uint32_t id = 1; id <= FILES; id++)
		EXPECT(t, store(r, &r->q->lanes[id % 2], id, id % 4));
	EXPECT(t, daemon_store_queue_stop(r->q));
	for (uint32_t id = 1; id <= FILES; id++) {
		struct remembered *m = &r->shelf->files[id];

		EXPECT(t, m->opened);
		EXPECT(t, id % 7 == 6 || (m->closed && m->whole && m->bytes == (id % 4) * PIECE));
		EXPECT(t, m->sum == (uint8_t)m->bytes);
	}
	EXPECT_UINT(t, r->shelf->infos, FILES);
	EXPECT_UINT(t, daemon_store_queue_lost(r->q), 0);
	room_free(r);
}

/* If a worker waited, this test would not end: the disk moves only after all is put. */
static void a_worker_does_not_wait_for_a_disk_that_stands_still(struct test *t)
{
	struct room *r = room_new(1);
	struct store_lane *l = &r->q->lanes[0];
	uint64_t taken = 0, lost;
	enum { MANY = 600 };

	(void)pthread_mutex_lock(&r->shelf->gate);
	EXPECT_UINT(t, daemon_store_queue_start(r->q, &r->why), ST_OK);
	for (uint32_t id = 1; id <= MANY; id++)
		taken += store(r, l, 7 * id % 4096, 1);
	lost = daemon_store_queue_lost(r->q);
	EXPECT(t, taken > 0 && lost > 0);
	EXPECT_UINT(t, taken + lost, MANY);
	(void)pthread_mutex_unlock(&r->shelf->gate);
	while (queue_used(&l->queue) != 0)
		(void)sched_yield();
	/* what was owed is paid, and the worker goes on as before */
	EXPECT(t, store(r, l, 4095, 2));
	EXPECT_UINT(t, l->owed, 0);
	EXPECT_UINT(t, l->free_count, STORE_QUEUE_FILES);
	EXPECT(t, daemon_store_queue_stop(r->q));
	for (size_t id = 0; id < 4096; id++) {
		struct remembered *m = &r->shelf->files[id];

		/* a lost one is opened or not, but never taken for whole */
		EXPECT(t, !m->whole || m->bytes == PIECE || id == 4095);
	}
	room_free(r);
}

static void files_that_are_open_at_once_are_bounded(struct test *t)
{
	struct room *r = room_new(1);
	struct store_lane *l = &r->q->lanes[0];
	static void *handles[STORE_QUEUE_FILES]; /* too large for a stack */

	EXPECT_UINT(t, daemon_store_queue_start(r->q, &r->why), ST_OK);
	for (uint32_t i = 0; i < STORE_QUEUE_FILES; i++) {
		struct file f = file_of(i + 1);

		handles[i] = l->sink.open(l->sink.ctx, &f);
		EXPECT(t, handles[i] != NULL);
	}
	EXPECT(t, l->sink.open(l->sink.ctx, &(struct file){.id = 4000}) == NULL);
	EXPECT_UINT(t, daemon_store_queue_lost(r->q), 1);
	for (uint32_t i = 0; i < STORE_QUEUE_FILES / 2; i++) {
		struct file f = file_of(i + 1);

		EXPECT(t, l->sink.close(l->sink.ctx, handles[i], &f));
	}
	/* the others are open when all ends: they are let go, not stored */
	EXPECT(t, daemon_store_queue_stop(r->q));
	for (uint32_t i = 0; i < STORE_QUEUE_FILES; i++) {
		struct remembered *m = &r->shelf->files[i + 1];

		EXPECT(t,
		       (i + 1) % 7 == 6 || (m->closed && m->whole == (i < STORE_QUEUE_FILES / 2)));
	}
	room_free(r);
}

TESTS(T(files_of_two_workers_arrive_whole), T(a_worker_does_not_wait_for_a_disk_that_stands_still),
      T(files_that_are_open_at_once_are_bounded))
