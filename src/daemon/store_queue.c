/* SPDX-License-Identifier: Apache-2.0
 *
 * 1. A slot is taken by OPEN and free again once its CLOSE is in the queue, so the thread sees the
 * two in turns. A CLOSE that finds no room is owed, and put before anything that comes later.
 * 2. Who sleeps says so first and looks once more; who puts looks at that after putting. */
#include "daemon/store_queue.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "os/thread.h"

enum { SLEEP_MS = 200 };

enum kind { OPEN = 1, DATA, CLOSE, INFO };

struct message {
	struct wall_ns at;
	uint32_t slot, id;
	uint8_t hashes, sha256[32];
};

/* --- a worker's side --- */

static void wake(struct store_queue *q)
{
	uint64_t one = 1;

	if (atomic_exchange(&q->asleep, false) && write(q->wake, &one, sizeof one) < 0)
		return; /* full: it is awake */
}

static bool put(struct store_lane *l, enum kind kind, const struct message *m, struct slice bytes)
{
	uint8_t *room = queue_reserve(&l->queue, kind, sizeof *m + bytes.len);

	if (room == NULL)
		return false;
	memcpy(room, m, sizeof *m);
	if (bytes.len != 0)
		memcpy(room + sizeof *m, bytes.ptr, bytes.len);
	queue_publish(&l->queue);
	wake(l->to);
	return true;
}

static void slot_free(struct store_lane *l, uint32_t slot)
{
	l->slots[slot] = (struct store_slot){0};
	l->free[l->free_count++] = (uint16_t)slot;
}

/* What could not be said when it was due. False: still not. */
static bool pay(struct store_lane *l)
{
	for (uint32_t i = 0; l->owed != 0 && i < STORE_QUEUE_FILES; i++) {
		if (!l->slots[i].owed)
			continue;
		if (!put(l, CLOSE, &(struct message){.slot = i, .id = l->slots[i].id}, SLICE("")))
			return false;
		l->owed--;
		slot_free(l, i);
	}
	return true;
}

static void lose(struct store_lane *l, struct store_slot *s)
{
	if (!s->lost)
		atomic_fetch_add_explicit(&l->lost, 1, memory_order_relaxed);
	s->lost = true;
}

static void *put_open(void *ctx, const struct file *f)
{
	struct store_lane *l = ctx;
	uint32_t slot;

	if (!pay(l) || l->free_count == 0) {
		atomic_fetch_add_explicit(&l->lost, 1, memory_order_relaxed);
		return NULL;
	}
	slot = l->free[l->free_count - 1];
	if (!put(l, OPEN, &(struct message){.slot = slot, .id = f->id}, SLICE(""))) {
		atomic_fetch_add_explicit(&l->lost, 1, memory_order_relaxed);
		return NULL;
	}
	l->free_count--;
	l->slots[slot] = (struct store_slot){.id = f->id};
	return &l->slots[slot];
}

static void put_data(void *ctx, void *handle, struct slice bytes)
{
	struct store_lane *l = ctx;
	struct store_slot *s = handle;
	struct message m = {.slot = (uint32_t)(s - l->slots), .id = s->id};

	while (!s->lost && bytes.len != 0) {
		struct slice piece = slice_part(bytes, 0, STORE_QUEUE_PIECE);

		if (!pay(l) || !put(l, DATA, &m, piece))
			lose(l, s);
		bytes = slice_from(bytes, piece.len);
	}
}

static bool put_close(void *ctx, void *handle, const struct file *f)
{
	struct store_lane *l = ctx;
	struct store_slot *s = handle;
	bool whole = !s->lost && (f->hashes & FILE_SHA256) != 0;
	struct message m = {.slot = (uint32_t)(s - l->slots),
			    .id = s->id,
			    .hashes = whole ? (uint8_t)FILE_SHA256 : (uint8_t)0};

	memcpy(m.sha256, f->sha256, sizeof m.sha256);
	if (pay(l) && put(l, CLOSE, &m, SLICE(""))) {
		slot_free(l, m.slot);
		return whole;
	}
	lose(l, s);
	s->owed = true;
	l->owed++;
	return false;
}

static void put_info(void *ctx, const struct file *f, struct wall_ns at, struct slice json)
{
	struct store_lane *l = ctx;
	struct message m = {.at = at, .id = f->id, .hashes = FILE_SHA256};

	memcpy(m.sha256, f->sha256, sizeof m.sha256);
	if (!put(l, INFO, &m, json))
		atomic_fetch_add_explicit(&l->lost, 1, memory_order_relaxed);
}

/* --- the thread --- */

static void take(struct store_queue *q, struct store_lane *l, uint32_t kind, struct slice bytes)
{
	const struct file_store *s = q->store;
	struct message m;
	struct file f = {0};
	bool stored;

	ASSERT(bytes.len >= sizeof m);
	memcpy(&m, bytes.ptr, sizeof m);
	bytes = slice_from(bytes, sizeof m);
	f.id = m.id;
	f.hashes = m.hashes;
	memcpy(f.sha256, m.sha256, sizeof f.sha256);
	switch ((enum kind)kind) {
	case OPEN:
		l->open[m.slot] = s->open(s->ctx, &f);
		break;
	case DATA:
		if (l->open[m.slot] != NULL)
			s->data(s->ctx, l->open[m.slot], bytes);
		break;
	case CLOSE:
		stored = l->open[m.slot] != NULL && s->close(s->ctx, l->open[m.slot], &f);
		l->open[m.slot] = NULL;
		(void)stored; /* the store counts what it could not do */
		break;
	case INFO:
		s->info(s->ctx, &f, m.at, bytes);
		break;
	}
}

static bool drain_all(struct store_queue *q)
{
	bool any = false;

	for (size_t i = 0; i < q->lane_count; i++) {
		struct store_lane *l = &q->lanes[i];
		struct slice message;
		uint32_t kind;

		while (queue_peek(&l->queue, &kind, &message)) {
			take(q, l, kind, message);
			queue_drop(&l->queue);
			any = true;
		}
	}
	return any;
}

static void *work(void *ctx)
{
	struct store_queue *q = ctx;
	uint64_t n;

	for (;;) {
		bool stop = atomic_load(&q->stop); /* before looking: nothing comes after it */
		struct pollfd p = {.fd = q->wake, .events = POLLIN};

		if (drain_all(q))
			continue;
		if (stop)
			return NULL;
		atomic_store(&q->asleep, true); /* invariant 2 */
		if (drain_all(q) || atomic_load(&q->stop))
			continue;
		if (poll(&p, 1, SLEEP_MS) > 0 && read(q->wake, &n, sizeof n) < 0)
			continue; /* somebody else was quicker: then it is empty */
	}
}

/* --- life --- */

enum status daemon_store_queue_new(const struct file_store *store, size_t lanes, struct arena *a,
				   struct store_queue **out, struct fail *why)
{
	struct store_queue *q = ARENA_NEW(a, struct store_queue);

	if (q == NULL)
		return fail_set(why, ST_NOMEM, "no memory for files on their way to the disk");
	q->wake = -1;
	q->store = store;
	q->lanes = ARENA_ARRAY(a, struct store_lane, lanes);
	for (size_t i = 0; q->lanes != NULL && i < lanes; i++) {
		struct store_lane *l = &q->lanes[i];

		l->to = q;
		l->sink = (struct file_store){l, put_open, put_data, put_close,
					      store->info != NULL ? put_info : NULL};
		l->queue.bytes = arena_bytes_aligned(a, STORE_QUEUE_BYTES, 8);
		l->queue.size = STORE_QUEUE_BYTES;
		for (uint32_t k = 0; k < STORE_QUEUE_FILES; k++)
			l->free[l->free_count++] = (uint16_t)(STORE_QUEUE_FILES - 1 - k);
		if (l->queue.bytes == NULL)
			return fail_set(why, ST_NOMEM,
					"no memory for files on their way to the disk");
	}
	if (q->lanes == NULL)
		return fail_set(why, ST_NOMEM, "no memory for files on their way to the disk");
	q->lane_count = lanes;
	*out = q;
	return ST_OK;
}

enum status daemon_store_queue_start(struct store_queue *q, struct fail *why)
{
	q->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (q->wake < 0)
		return fail_set(why, ST_IO, "cannot wait for files: %m");
	if (pthread_create(&q->thread, NULL, work, q) != 0)
		return fail_set(why, ST_NOMEM, "no thread for files");
	q->started = true;
	return ST_OK;
}

uint64_t daemon_store_queue_lost(const struct store_queue *q)
{
	uint64_t n = 0;

	for (size_t i = 0; i < q->lane_count; i++)
		n += atomic_load_explicit(&q->lanes[i].lost, memory_order_relaxed);
	return n;
}

bool daemon_store_queue_stop(struct store_queue *q)
{
	uint64_t one = 1;

	if (q == NULL)
		return true;
	if (q->started) {
		atomic_store(&q->stop, true);
		if (write(q->wake, &one, sizeof one) < 0)
			atomic_store(&q->asleep, false); /* it sleeps SLEEP_MS at most */
		if (!os_thread_join(q->thread, STORE_QUEUE_END_MS * TIME_NS_PER_MS))
			return false;
		q->started = false;
		for (size_t i = 0; i < q->lane_count; i++) /* what nobody could say any more */
			for (uint32_t k = 0; k < STORE_QUEUE_FILES; k++)
				if (q->lanes[i].open[k] != NULL &&
				    q->store->close(q->store->ctx, q->lanes[i].open[k],
						    &(struct file){.id = q->lanes[i].slots[k].id}))
					ASSERT(false); /* nothing without a hash is stored */
	}
	if (q->wake >= 0)
		(void)close(q->wake);
	q->wake = -1;
	return true;
}
