/* SPDX-License-Identifier: Apache-2.0
 * What all sources have. */
#include "sensor/source/source.h"

#include <poll.h>
#include <string.h>

#include "os/clock.h"

enum { NOT_OURS_MS = 5 /* between two looks whether the line is ours again */ };

enum status source_start(struct source *s, struct fail *why)
{
	return s->ops->start != NULL ? s->ops->start(s, why) : ST_OK;
}

/* --- who has the line --- */

bool source_owned(struct source *s)
{
	if (s->line == NULL)
		return true;
	if (atomic_load_explicit(&s->line->owner, memory_order_acquire) == s->role)
		return true;
	if (s->role == SOURCE_WORKER)
		atomic_store_explicit(&s->line->wanted, 1, memory_order_relaxed);
	return false;
}

bool source_seize(struct source *s)
{
	if (atomic_exchange(&s->line->owner, SOURCE_GUARD) == SOURCE_GUARD)
		return false;
	atomic_store(&s->line->wanted, 0); /* the worker asks again, if it is there to ask */
	if (s->ops->seize != NULL)
		s->ops->seize(s);
	return true;
}

void source_give(struct source *s)
{
	source_answer(s);
	atomic_store(&s->line->wanted, 0);
	atomic_store(&s->line->owner, SOURCE_WORKER);
}

void source_leave(struct source *s)
{
	uint32_t worker = SOURCE_WORKER;

	source_answer(s);
	if (s->line != NULL) /* else it was taken from us, which is the same */
		(void)atomic_compare_exchange_strong(&s->line->owner, &worker, SOURCE_GUARD);
}

/* --- packets --- */

void source_packet_change(struct source_packet *p, struct slice bytes)
{
	ASSERT(bytes.len <= p->data.len);
	memcpy((uint8_t *)(uintptr_t)p->data.ptr, bytes.ptr, bytes.len); /* the source's own */
	p->changed = true;
}

void source_answer(struct source *s)
{
	struct source_batch *b = &s->batch;
	bool ours = source_owned(s); /* else the guardian answered, and not so late */
	struct wall_ns now;

	if (b->count == 0 || s->ops->wake == NULL) /* a file's packets are from another time */
		return;
	if (s->ops->answer != NULL)
		s->ops->answer(s);
	now = os_clock_wall();
	for (size_t i = 0; ours && i < b->count; i++) {
		int64_t took = now.ns - b->packets[i].at.ns;

		histogram_add(&s->verdict_ns, took > 0 ? (uint64_t)took : 0, 1);
	}
	b->count = 0;
}

enum status source_take(struct source *s, int timeout_ms, struct source_batch *out,
			struct fail *why)
{
	enum status st;

	*out = (struct source_batch){0};
	source_answer(s);
	if (!source_owned(s)) {
		out->border = true;
		(void)poll(NULL, 0, timeout_ms < NOT_OURS_MS ? timeout_ms : NOT_OURS_MS);
		return ST_OK; /* time passed, or a signal came: both are fine */
	}
	if (s->line != NULL && s->role == SOURCE_WORKER)
		atomic_fetch_add_explicit(&s->line->turns, 1, memory_order_relaxed);
	st = s->ops->take(s, timeout_ms, out, why);
	s->counters.taken += out->count;
	s->batch = *out;
	return st;
}

bool source_send(struct source *s, unsigned side, struct slice frame)
{
	return s->ops->send != NULL && s->ops->send(s, side, frame);
}

void source_fds(const struct source *s, int out[SOURCE_FDS])
{
	for (size_t i = 0; i < SOURCE_FDS; i++)
		out[i] = -1;
	if (s->ops->fds != NULL)
		s->ops->fds(s, out);
}

void source_count(struct source *s)
{
	if (s->ops->count != NULL)
		s->ops->count(s);
}

void source_wake(struct source *s)
{
	if (s->ops->wake != NULL)
		s->ops->wake(s);
}

void source_close(struct source *s)
{
	if (s != NULL)
		s->ops->close(s);
}
