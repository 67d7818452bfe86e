/* SPDX-License-Identifier: Apache-2.0
 *
 * One worker: takes packets, gives them to its pipeline, says what shall not pass.
 *
 * Between two batches, where no packet waits in memory or a batch is through, it does what others
 * want of it: goes over to other rules, copies what rules cost, publishes counters. None of that
 * waits for anybody.
 */
#include <poll.h>
#include <unistd.h>

#include "daemon/live.h"
#include "os/clock.h"

enum {
	LAST_MS = 1000, /* at most, for packets that were received before the end */
	OTHERS_MS = 10000,
	QUIET_MS = 50, /* longer than a block is held back: then there are none */
};

#define COUNT_NS (TIME_NS_PER_S / 10)
/* A block that the kernel still fills may hold packets that are older than now. */
#define TICK_BEHIND_NS TIME_NS_PER_S

static void set(struct live_worker *w, enum live_counter i, uint64_t v)
{
	atomic_store_explicit(&w->counters[i], v, memory_order_relaxed);
}

static void publish(struct live_worker *w)
{
	const struct pipeline_counters *p = pipeline_counters(w->pipeline);
	const struct source_counters *s = &w->source->counters;

	source_count(w->source);
	set(w, LIVE_PACKETS, p->packets);
	set(w, LIVE_BYTES, p->bytes);
	set(w, LIVE_KERNEL_DROPS, s->dropped);
	set(w, LIVE_KERNEL_FREEZES, s->frozen);
	set(w, LIVE_CUT, s->cut);
	set(w, LIVE_OUTAGES, s->outages);
	set(w, LIVE_GAPS, s->gaps);
	set(w, LIVE_GAP_PACKETS, s->gap_packets);
	set(w, LIVE_GAP_NS, s->gap_ns);
	set(w, LIVE_UNDECODED, p->undecoded);
	set(w, LIVE_FLOWS, p->flows);
	set(w, LIVE_FLOWS_NOW, p->flows_now);
	set(w, LIVE_RECORDS, p->records);
	set(w, LIVE_ALERTS, p->alerts);
	set(w, LIVE_ANOMALIES, p->anomalies);
	set(w, LIVE_NO_MEMORY, p->no_memory);
	set(w, LIVE_SUPPRESSED, p->suppressed);
	set(w, LIVE_CANDIDATES, p->candidates);
	set(w, LIVE_EVALUATED, p->evaluated);
	set(w, LIVE_STOPPED, p->stopped);
	set(w, LIVE_MEMORY, p->memory);
	set(w, LIVE_MEMORY_STREAMS, p->memory_streams);
	set(w, LIVE_MEMORY_FIXED, p->memory_fixed);
}

/* For whoever says them: worker 0, and stats.log. */
static void publish_stats(struct live_worker *w)
{
	(void)pthread_mutex_lock(&w->stats_lock); /* for a copy of some KiB, ten times a second */
	pipeline_stats_read(w->pipeline, &w->stats);
	if (w->verdict_ns.count != w->source->verdict_ns.count)
		w->verdict_ns = w->source->verdict_ns;
	(void)pthread_mutex_unlock(&w->stats_lock);
}

static void tell(struct live_worker *w)
{
	uint64_t one = 1;

	if (write(w->live->tell, &one, sizeof one) < 0)
		return; /* it was told often enough to be awake */
}

/* Copies what the rules at hand cost so far. */
static void costs_copy(const struct live_worker *w, struct live_costs *c)
{
	size_t n;
	const struct detect_cost *costs = pipeline_costs(w->pipeline, &n);

	c->count = n < c->room ? n : c->room;
	if (c->count != 0)
		memcpy(c->rows, costs, c->count * sizeof *costs);
}

static void serve(struct live_worker *w)
{
	struct mono_ns now = os_clock_mono();
	struct pipeline_kit *kit = atomic_exchange(&w->kit_in, NULL);
	struct live_costs *costs = atomic_exchange(&w->costs_in, NULL);

	if (kit != NULL)
		atomic_store(&w->kit_out, pipeline_exchange(w->pipeline, kit));
	if (costs != NULL) {
		costs_copy(w, costs);
		atomic_store(&w->costs_out, costs);
	}
	if (kit != NULL || costs != NULL)
		tell(w);
	if (now.ns - w->counted.ns >= COUNT_NS) {
		pipeline_tick(w->pipeline, (struct wall_ns){os_clock_wall().ns - TICK_BEHIND_NS});
		publish(w);
		publish_stats(w);
		w->counted = now;
	}
	daemon_lines_poke(w->live->lines);
}

static void inspect(struct live_worker *w, const struct source_batch *b)
{
	for (size_t i = 0; i < b->count; i++) {
		struct source_packet *p = &b->packets[i];

		if (p->unsummed != w->sums_trusted) {
			w->sums_trusted = p->unsummed;
			pipeline_trust_checksums(w->pipeline, p->unsummed);
		}
		pipeline_frame(w->pipeline, p->linktype, p->data, p->wire_bytes, p->at, p->number);
		p->drop = pipeline_stops(w->pipeline);
	}
}

/* One batch. False: the source has come to its end, or broke. */
static bool turn(struct live_worker *w, int timeout_ms, size_t *out_count)
{
	struct source_batch b;
	enum status st = source_take(w->source, timeout_ms, &b, &w->why);

	*out_count = b.count;
	if (st != ST_OK)
		return false;
	inspect(w, &b);
	if (b.border)
		serve(w);
	return true;
}

/* What was received before the end was asked for is looked at, too. */
static void last_packets(struct live_worker *w)
{
	int64_t until = os_clock_mono().ns + LAST_MS * TIME_NS_PER_MS;
	size_t n = 1;

	while (n != 0 && os_clock_mono().ns < until && turn(w, QUIET_MS, &n))
		;
}

/* The last stats event is about all. */
static void wait_for_others(const struct live_worker *w)
{
	const struct live *l = w->live;
	int64_t until = os_clock_mono().ns + OTHERS_MS * TIME_NS_PER_MS;

	for (size_t i = 1; i < l->worker_count; i++)
		while (l->workers[i].started && atomic_load(&l->workers[i].state) != LIVE_ENDED &&
		       os_clock_mono().ns < until)
			(void)poll(NULL, 0, 1); /* cannot fail but by a signal, and those wait */
}

void *daemon_live_work(void *worker)
{
	struct live_worker *w = worker;
	bool going = true;
	size_t n;

	w->why.status = ST_OK;
	atomic_store(&w->state, LIVE_RUNNING);
	tell(w);
	while (going && !atomic_load_explicit(&w->live->stop, memory_order_relaxed))
		going = turn(w, LIVE_WAIT_MS, &n);
	if (going)
		last_packets(w);
	if (w->index == 0)
		wait_for_others(w);
	pipeline_finish(w->pipeline);
	publish(w);
	publish_stats(w);
	daemon_lines_poke(w->live->lines);
	atomic_store(&w->state, LIVE_ENDED);
	tell(w);
	return NULL;
}
