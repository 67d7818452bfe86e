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

#include "daemon/guard.h"
#include "daemon/live.h"
#include "daemon/sealing.h"
#include "os/clock.h"

enum {
	LAST_MS = 1000, /* at most, for packets that were received before the end */
	OTHERS_MS = 10000,
	QUIET_MS = 50, /* longer than a block is held back: then there are none */
};

#define COUNT_NS (TIME_NS_PER_S / 10)
#define LATE_OVER_NS TIME_NS_PER_S
/* A block that the kernel still fills may hold packets that are older than now. */
#define TICK_BEHIND_NS TIME_NS_PER_S

static void set(_Atomic uint64_t *counters, enum live_counter i, uint64_t v)
{
	atomic_store_explicit(&counters[i], v, memory_order_relaxed);
}

/* What a pipeline counts, by the number under which it is published. */
static const struct {
	enum live_counter i;
	size_t offset;
} of_pipelines[] = {
#define ROW(i, member)                                                                             \
	{                                                                                          \
		i, offsetof(struct pipeline_counters, member)                                      \
	}
	ROW(LIVE_PACKETS, packets),
	ROW(LIVE_BYTES, bytes),
	ROW(LIVE_UNDECODED, undecoded),
	ROW(LIVE_FLOWS, flows),
	ROW(LIVE_FLOWS_NOW, flows_now),
	ROW(LIVE_FLOWS_HURRIED, flows_hurried),
	ROW(LIVE_FLOWS_EVICTED, flows_evicted),
	ROW(LIVE_FLOWS_REFUSED, flows_refused),
	ROW(LIVE_RECORDS, records),
	ROW(LIVE_ALERTS, alerts),
	ROW(LIVE_ANOMALIES, anomalies),
	ROW(LIVE_NO_MEMORY, no_memory),
	ROW(LIVE_SUPPRESSED, suppressed),
	ROW(LIVE_CANDIDATES, candidates),
	ROW(LIVE_EVALUATED, evaluated),
	ROW(LIVE_STOPPED, stopped),
	ROW(LIVE_MEMORY, memory),
	ROW(LIVE_MEMORY_STREAMS, memory_streams),
	ROW(LIVE_MEMORY_FLOWS, memory_flows),
	ROW(LIVE_MEMORY_APP, memory_app),
	ROW(LIVE_MEMORY_DETECT, memory_detect),
	ROW(LIVE_MEMORY_FRAGMENTS, memory_fragments),
	ROW(LIVE_MEMORY_MOST, memory_most),
	ROW(LIVE_MEMORY_FIXED, memory_fixed),
#undef ROW
};

static void publish_pipelines(struct live_worker *w)
{
	uint64_t sum[sizeof of_pipelines / sizeof of_pipelines[0]] = {0};

	for (size_t k = 0; k < w->lane_count; k++) {
		const struct pipeline_counters *p = pipeline_counters(w->lanes[k].pipeline);

		for (size_t i = 0; i < sizeof of_pipelines / sizeof of_pipelines[0]; i++) {
			uint64_t v;

			memcpy(&v, (const uint8_t *)p + of_pipelines[i].offset, sizeof v);
			set(w->lanes[k].counters, of_pipelines[i].i, v);
			sum[i] += v;
		}
	}
	for (size_t i = 0; i < sizeof of_pipelines / sizeof of_pipelines[0]; i++)
		set(w->counters, of_pipelines[i].i, sum[i]);
}

static void publish(struct live_worker *w)
{
	const struct source_counters *s = &w->source->counters;

	source_count(w->source);
	publish_pipelines(w);
	set(w->counters, LIVE_KERNEL_DROPS, s->dropped);
	set(w->counters, LIVE_KERNEL_FREEZES, s->frozen);
	set(w->counters, LIVE_CUT, s->cut);
	set(w->counters, LIVE_OUTAGES, s->outages);
	set(w->counters, LIVE_GAPS, s->gaps);
	set(w->counters, LIVE_GAP_PACKETS, s->gap_packets);
	set(w->counters, LIVE_GAP_NS, s->gap_ns);
	set(w->counters, LIVE_PASSED, s->passed);
	set(w->counters, LIVE_LATE, w->late_packets);
	set(w->counters, LIVE_UNSENT, s->unsent);
	set(w->counters, LIVE_REPLIES, w->replies);
	atomic_fetch_add_explicit(&w->looked, 1, memory_order_relaxed);
}

/* For whoever says them: a tenant's first lane, and stats.log. */
static void publish_stats(struct live_worker *w)
{
	for (size_t i = 0; i < w->lane_count; i++) {
		struct live_lane *lane = &w->lanes[i];

		/* for a copy of some KiB, ten times a second */
		(void)pthread_mutex_lock(&lane->stats_lock);
		pipeline_stats_read(lane->pipeline, &lane->stats);
		(void)pthread_mutex_unlock(&lane->stats_lock);
	}
	if (w->verdict_ns.count == w->source->verdict_ns.count)
		return;
	(void)pthread_mutex_lock(&w->stats_lock);
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
static void costs_copy(const struct live_lane *lane, struct live_costs *c)
{
	size_t n;
	const struct detect_cost *costs = pipeline_costs(lane->pipeline, &n);

	c->count = n < c->room ? n : c->room;
	if (c->count != 0)
		memcpy(c->rows, costs, c->count * sizeof *costs);
}

static void serve_lane(struct live_lane *lane)
{
	struct pipeline_kit *kit = atomic_exchange(&lane->kit_in, NULL);
	struct live_costs *costs = atomic_exchange(&lane->costs_in, NULL);

	if (kit != NULL)
		atomic_store(&lane->kit_out, pipeline_exchange(lane->pipeline, kit));
	if (costs != NULL) {
		costs_copy(lane, costs);
		atomic_store(&lane->costs_out, costs);
	}
	if (kit != NULL || costs != NULL)
		tell(lane->worker);
}

static void poke(struct live_worker *w)
{
	for (size_t i = 0; i < w->lane_count; i++) {
		daemon_lines_poke(w->lanes[i].tenant->lines);
		daemon_export_poke(w->lanes[i].tenant->export);
	}
}

/* In the events of each that has some of its own. */
void daemon_live_gap(struct live_worker *w, const struct pipeline_gap *g)
{
	struct source_counters *c = &w->source->counters;

	c->gaps++;
	c->gap_packets += g->packets;
	c->gap_ns += (uint64_t)(g->to.ns > g->from.ns ? g->to.ns - g->from.ns : 0);
	for (size_t i = 0; i < w->lane_count; i++) {
		const struct daemon_tenant *t = w->lanes[i].tenant->tenant;

		if (t->says == t)
			pipeline_report_gap(w->lanes[i].pipeline, g);
	}
	daemon_sealing_gap(w->live->sealing, w->index,
			   &(struct sealing_gap){.reason = SEALING_UNINSPECTED,
						 .from = g->from,
						 .to = g->to,
						 .packets = g->packets,
						 .bytes = g->bytes,
						 .where = w->interface,
						 .detail = g->reason,
						 .counter = g->counter});
}

/* --- in the line: more than we can look at --- */

static void missed(struct live_worker *w, struct wall_ns until)
{
	for (size_t i = 0; i < w->lane_count; i++)
		pipeline_missed(w->lanes[i].pipeline, until);
}

/* What passed without us, before what comes after it is looked at. */
static void catch_up(struct live_worker *w)
{
	if (daemon_guard_said(w) && w->source->counters.passed == w->late_seen)
		return;
	w->late_seen = w->source->counters.passed;
	missed(w, os_clock_wall());
	daemon_guard_say(w);
}

/* Packets that waited too long pass as they are: those behind them need not wait, too. */
static bool too_late(struct live_worker *w, const struct source_batch *b)
{
	struct wall_ns now;

	if (w->guarded == NULL || b->count == 0)
		return false;
	now = os_clock_wall();
	if (now.ns - b->packets[0].at.ns < LIVE_LATE_MS * TIME_NS_PER_MS)
		return false;
	if (w->late.from.ns == 0)
		w->late.from = b->packets[0].at;
	w->late.to = now;
	w->late.packets += b->count;
	for (size_t i = 0; i < b->count; i++)
		w->late.bytes += b->packets[i].wire_bytes;
	w->late_packets += b->count;
	missed(w, now);
	return true;
}

/* One gap for all that were late with less than LATE_OVER_NS between them. */
static void late_look(struct live_worker *w)
{
	struct wall_ns now = os_clock_wall();
	uint64_t passed = w->source->counters.passed - w->late_passed;

	if (w->guarded == NULL)
		return;
	w->late_passed += passed;
	if (passed != 0) {
		w->late.from.ns = w->late.from.ns != 0 ? w->late.from.ns : now.ns - COUNT_NS;
		w->late.to = now;
		w->late.packets += passed;
	}
	if (w->late.from.ns == 0 || now.ns - w->late.to.ns < LATE_OVER_NS)
		return;
	w->late.reason = "overload";
	w->late.counter = "worker";
	daemon_live_gap(w, &w->late);
	w->late = (struct pipeline_gap){0};
}

static void serve(struct live_worker *w)
{
	struct mono_ns now = os_clock_mono();
	struct wall_ns then = {os_clock_wall().ns - TICK_BEHIND_NS};

	for (size_t i = 0; i < w->lane_count; i++)
		serve_lane(&w->lanes[i]);
	if (now.ns - w->counted.ns >= COUNT_NS) {
		for (size_t i = 0; i < w->lane_count; i++)
			pipeline_tick(w->lanes[i].pipeline, then);
		publish(w);
		publish_stats(w);
		late_look(w);
		w->counted = now;
	}
	poke(w);
}

/* Whose it is. A tenant's interface brings nobody else's. */
static struct live_lane *lane_of(const struct live_worker *w, const struct source_packet *p)
{
	if (w->lane_count == 1)
		return &w->lanes[0];
	return w->by_place[tenant_of_frame(w->live->whose.map, p->linktype, p->data)];
}

/* What was kept, and alerts about it, are seen by who keeps them. */
static void publish_packets(struct live_worker *w)
{
	for (size_t i = 0; i < w->lane_count; i++)
		if (w->lanes[i].packets != NULL)
			daemon_packets_publish(w->lanes[i].packets, w->lanes[i].packets_lane);
}

/* In a bridge by its own interfaces, else as this machine routes. */
static void send_replies(struct live_worker *w, const struct live_lane *lane,
			 const struct source_packet *p)
{
	const struct pipeline_reply *r;
	size_t n = pipeline_replies(lane->pipeline, &r);

	for (size_t i = 0; i < n; i++) {
		struct slice frame = {r[i].bytes, r[i].count};
		unsigned side = r[i].back ? p->side : 1U - p->side;

		w->replies +=
			w->sides[1].len != 0
				? source_send(w->source, side, frame)
				: source_raw_send(&w->live->raw, slice_from(frame, r[i].link_bytes),
						  &r[i].to);
	}
}

static void inspect(struct live_worker *w, const struct source_batch *b)
{
	for (size_t i = 0; i < b->count; i++) {
		struct source_packet *p = &b->packets[i];
		struct live_lane *lane = lane_of(w, p);
		struct slice instead;

		if (p->unsummed != lane->sums_trusted) {
			lane->sums_trusted = p->unsummed;
			pipeline_trust_checksums(lane->pipeline, p->unsummed);
		}
		if (w->sides[1].len != 0)
			pipeline_interface(lane->pipeline, w->sides[p->side]);
		pipeline_frame(lane->pipeline, p->linktype, p->data, p->wire_bytes, p->at,
			       p->number);
		if (w->guarded != NULL)
			p->drop = pipeline_stops(lane->pipeline);
		if (lane->packets != NULL) /* as it came */
			daemon_packets_put(lane->packets, lane->packets_lane, p,
					   pipeline_seen(lane->pipeline));
		send_replies(w, lane, p);
		if (w->guarded == NULL)
			continue;
		instead = pipeline_instead(lane->pipeline);
		if (instead.len != 0 && !p->drop)
			source_packet_change(p, instead);
	}
	publish_packets(w);
}

/* One batch. False: the source has come to its end, or broke. */
static bool turn(struct live_worker *w, int timeout_ms, size_t *out_count)
{
	struct source_batch b;
	enum status st = source_take(w->source, timeout_ms, &b, &w->why);

	*out_count = b.count;
	if (st != ST_OK)
		return false;
	if (w->guarded != NULL)
		catch_up(w);
	if (!too_late(w, &b))
		inspect(w, &b);
	source_answer(w->source);
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

/* The last stats event of a tenant is about all of its lanes, and its first lane says it. Workers
 * wait only for those behind them, so nobody waits for ever. */
static void wait_for_others(const struct live_worker *w)
{
	int64_t until = os_clock_mono().ns + OTHERS_MS * TIME_NS_PER_MS;

	for (size_t i = 0; i < w->lane_count; i++) {
		const struct live_tenant *t = w->lanes[i].tenant;

		if (t->lanes[0] != &w->lanes[i])
			continue;
		for (size_t k = 1; k < t->lane_count; k++)
			while (t->lanes[k]->worker->started &&
			       atomic_load(&t->lanes[k]->worker->state) != LIVE_ENDED &&
			       os_clock_mono().ns < until)
				(void)poll(NULL, 0, 1); /* cannot fail but by a signal, and those
							   wait */
	}
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
		going = turn(w, w->guarded != NULL ? LIVE_INLINE_WAIT_MS : LIVE_WAIT_MS, &n);
	source_leave(w->source);
	if (going && w->guarded == NULL)
		last_packets(w);
	wait_for_others(w);
	for (size_t i = 0; i < w->lane_count; i++)
		pipeline_finish(w->lanes[i].pipeline);
	publish_packets(w);
	publish(w);
	publish_stats(w);
	poke(w);
	atomic_store(&w->state, LIVE_ENDED);
	tell(w);
	return NULL;
}
