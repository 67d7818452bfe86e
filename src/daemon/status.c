/* SPDX-License-Identifier: Apache-2.0
 * What a running sensor says about itself: one page of JSON. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "daemon/guard.h"
#include "daemon/sealing.h"
#include "daemon/status.h"
#include "os/clock.h"

enum {
	COSTS_SHOWN = 20,
	COSTS_WAIT_MS = 10,
	COSTS_TURNS = 30, /* of that: then a worker is too busy to say */
};

const struct status_row daemon_status_rows[LIVE_COUNTERS] = {
	[LIVE_PACKETS] = {"packets", false, "frames inspected"},
	[LIVE_BYTES] = {"bytes", false, "their bytes on the wire"},
	[LIVE_KERNEL_DROPS] = {"kernel_drops", false, "packets for which a ring had no room", true},
	[LIVE_KERNEL_FREEZES] = {"kernel_freezes", false, "times that a ring was full", true},
	[LIVE_CUT] = {"cut", false, "packets of which the end is missing", true},
	[LIVE_OUTAGES] = {"outages", false, "times that the interface went away", true},
	[LIVE_GAPS] = {"gaps", false, "times that traffic passed without being looked at", true},
	[LIVE_GAP_PACKETS] = {"gap_packets", false, "packets in them, as far as known", true},
	[LIVE_GAP_NS] = {"gap_ns", false, "time in them", true},
	[LIVE_UNDECODED] = {"undecoded", false, "frames without an IP packet in them"},
	[LIVE_FLOWS] = {"flows", false, "flows seen"},
	[LIVE_FLOWS_NOW] = {"flows_now", true, "flows that have not ended"},
	[LIVE_FLOWS_HURRIED] = {"flows_hurried", false,
				"flows that ended early: no room, shorter timeouts"},
	[LIVE_FLOWS_EVICTED] = {"flows_evicted", false,
				"flows that ended early: room for a newer one"},
	[LIVE_FLOWS_REFUSED] = {"flows_refused", false, "packets of no flow: no memory for one"},
	[LIVE_RECORDS] = {"records", false, "events made"},
	[LIVE_ALERTS] = {"alerts", false, "of them alerts"},
	[LIVE_ANOMALIES] = {"anomalies", false, "of them anomalies"},
	[LIVE_NO_MEMORY] = {"no_memory", false, "flows not followed or read for want of memory"},
	[LIVE_SUPPRESSED] = {"suppressed", false, "matches that thresholds kept silent"},
	[LIVE_CANDIDATES] = {"candidates", false, "rules named by the prefilter"},
	[LIVE_EVALUATED] = {"evaluated", false, "rules asked in full"},
	[LIVE_STOPPED] = {"stopped", false, "frames that a verdict would keep from passing"},
	[LIVE_PASSED] = {"passed", false, "in line: packets passed by the kernel for want of room"},
	[LIVE_LATE] = {"late", false, "in line: packets that had waited too long to be looked at"},
	[LIVE_UNSENT] = {"unsent", false, "in line: packets that passed and could not be sent"},
	[LIVE_REPLIES] = {"replies", false, "packets sent because a rule rejects"},
	[LIVE_MEMORY] = {"memory_traffic_bytes", true, "flows, streams, transactions"},
	[LIVE_MEMORY_STREAMS] = {"memory_streams_bytes", true, "of them bytes of streams"},
	[LIVE_MEMORY_FLOWS] = {"memory_flows_bytes", true, "of them flows and what hangs on them"},
	[LIVE_MEMORY_APP] = {"memory_transactions_bytes", true, "of them transactions"},
	[LIVE_MEMORY_DETECT] = {"memory_detection_bytes", true,
				"of them what rules remember beside flows"},
	[LIVE_MEMORY_FRAGMENTS] = {"memory_fragments_bytes", true, "of them fragments"},
	[LIVE_MEMORY_MOST] = {"memory_traffic_most_bytes", true, "the budget of traffic"},
	[LIVE_MEMORY_FIXED] = {"memory_tables_bytes", true, "tables made once"},
};

uint64_t daemon_status_of(const struct live_worker *w, unsigned i)
{
	return atomic_load_explicit(&w->counters[i], memory_order_relaxed);
}

static uint64_t of_lane(const struct live_lane *lane, unsigned i)
{
	return atomic_load_explicit(&lane->counters[i], memory_order_relaxed);
}

static uint64_t tenant_total(const struct live_tenant *t, unsigned i)
{
	uint64_t n = 0;

	for (size_t k = 0; k < t->lane_count; k++)
		n += of_lane(t->lanes[k], i);
	return n;
}

static uint64_t total(const struct live *l, unsigned i)
{
	uint64_t n = 0;

	for (size_t k = 0; k < l->worker_count; k++)
		n += daemon_status_of(&l->workers[k], i);
	return n;
}

/* Bytes of the process in memory, as the kernel counts them; 0: it does not say. */
uint64_t daemon_status_resident(const struct live *l)
{
	char text[128];
	ssize_t n = l->statm >= 0 ? pread(l->statm, text, sizeof text - 1, 0) : -1;
	char *at = text;

	if (n <= 0)
		return 0;
	text[n] = '\0';
	(void)strtoull(at, &at, 10); /* the first is what is mapped */
	return strtoull(at, &at, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* --- Suricata's counters --- */

void daemon_live_stats_add(const struct live_tenant *t, const struct live_lane *but,
			   struct pipeline_stats *sum)
{
	for (size_t i = 0; i < t->lane_count; i++) {
		struct live_lane *lane = t->lanes[i];
		/* whose they were, nobody knows; where several may be, the station says them */
		uint64_t drops = lane == &lane->worker->lanes[0]
					 ? daemon_status_of(lane->worker, LIVE_KERNEL_DROPS)
					 : 0;

		if (lane != but) {
			(void)pthread_mutex_lock(&lane->stats_lock); /* it is a plain one */
			pipeline_stats_add(sum, &lane->stats);
			(void)pthread_mutex_unlock(&lane->stats_lock);
		}
		sum->at[PIPELINE_CAPTURE_DROPS] += drops;
		sum->at[PIPELINE_CAPTURE_PACKETS] += of_lane(lane, LIVE_PACKETS) + drops;
	}
}

/* --- what rules cost --- */

/* The lane's own copy; count 0 if it did not come in time. Nothing of it is used by the worker
 * when this returns. */
static void costs_of(struct live_lane *lane, struct live_costs *c)
{
	struct live_costs *none = c;

	if (atomic_load(&lane->worker->state) != LIVE_RUNNING)
		return;
	atomic_store(&lane->costs_in, c);
	source_wake(lane->worker->source);
	for (int i = 0; i < COSTS_TURNS && atomic_load(&lane->costs_out) == NULL; i++)
		(void)poll(NULL, 0,
			   COSTS_WAIT_MS); /* cannot fail but by a signal, and those wait */
	if (atomic_compare_exchange_strong(&lane->costs_in, &none, NULL)) {
		c->count = 0; /* too busy, or it has ended */
		return;
	}
	while (atomic_exchange(&lane->costs_out, NULL) == NULL)
		(void)poll(NULL, 0, 1); /* it is copying */
}

static int dearest(const void *pa, const void *pb)
{
	const struct detect_cost *a = pa, *b = pb;

	return a->steps > b->steps ? -1 : a->steps < b->steps;
}

/* The sum over all workers, of the station's rules, dearest first; NULL: nobody counts, or rules
 * are being exchanged. */
struct detect_cost *daemon_status_costs(struct live *l, struct arena *a, size_t *out_count)
{
	struct live_tenant *t = &l->tenants[0];
	size_t n = detect_rules_count(t->rules->rules.compiled);
	struct detect_cost *sum;
	struct live_costs c = {.room = n};

	*out_count = 0;
	if (!l->profile || daemon_reload_busy(l))
		return NULL;
	sum = ARENA_ARRAY(a, struct detect_cost, n + 1);
	c.rows = ARENA_ARRAY(a, struct detect_cost, n + 1);
	if (sum == NULL || c.rows == NULL)
		return NULL;
	for (size_t i = 0; i < t->lane_count; i++) {
		c.count = 0;
		costs_of(t->lanes[i], &c);
		for (size_t k = 0; k < c.count; k++)
			detect_cost_add(&sum[k], &c.rows[k]);
	}
	qsort(sum, n, sizeof *sum, dearest);
	while (*out_count < n && *out_count < COSTS_SHOWN && sum[*out_count].steps != 0)
		++*out_count;
	return sum;
}

static void add_costs(struct live *l, struct arena *a, struct json *j)
{
	size_t n;
	const struct detect_cost *c = daemon_status_costs(l, a, &n);

	if (c == NULL)
		return;
	json_key(j, "rules_cost");
	json_array(j);
	for (size_t i = 0; i < n; i++) {
		json_object(j);
		json_member_u64(j, "gid", c[i].rule->gid);
		json_member_u64(j, "sid", c[i].rule->sid);
		json_member_u64(j, "asked", c[i].asked);
		json_member_u64(j, "looked", c[i].looked);
		json_member_u64(j, "bytes", c[i].bytes);
		json_member_u64(j, "steps", c[i].steps);
		json_member_u64(j, "matched", c[i].matched);
		json_end(j);
	}
	json_end(j);
}

/* --- how long verdicts took --- */

static void add_quantiles(struct json *j, const char *key, const struct histogram *h)
{
	json_key(j, key);
	json_object(j);
	json_member_u64(j, "count", h->count);
	json_member_u64(j, "mean", h->sum / h->count);
	json_member_u64(j, "p50", histogram_quantile(h, 50, 100));
	json_member_u64(j, "p99", histogram_quantile(h, 99, 100));
	json_member_u64(j, "p999", histogram_quantile(h, 999, 1000));
	json_member_u64(j, "most", h->most);
	json_end(j);
}

/* Of all workers; NULL: there is no memory, or nobody gives verdicts. */
const struct histogram *daemon_status_verdicts(struct live *l, struct arena *a)
{
	struct histogram *sum = ARENA_NEW(a, struct histogram);

	for (size_t i = 0; sum != NULL && i < l->worker_count; i++) {
		struct live_worker *w = &l->workers[i];

		(void)pthread_mutex_lock(&w->stats_lock); /* it is a plain one */
		histogram_merge(sum, &w->verdict_ns);
		(void)pthread_mutex_unlock(&w->stats_lock);
	}
	return sum != NULL && sum->count != 0 ? sum : NULL;
}

static void add_verdicts(struct live *l, struct arena *a, struct json *j)
{
	const struct histogram *h = daemon_status_verdicts(l, a);

	if (h != NULL)
		add_quantiles(j, "verdict_ns", h);
}

/* --- the page --- */

static void add_counters(struct json *j, const struct live *l, const struct live_worker *w)
{
	for (unsigned i = 0; i < LIVE_COUNTERS; i++)
		json_member_u64(j, daemon_status_rows[i].name,
				w != NULL ? daemon_status_of(w, i) : total(l, i));
}

static void add_workers(const struct live *l, struct json *j)
{
	static const char *const states[] = {"starting", "running", "ended"};

	json_key(j, "workers");
	json_array(j);
	for (size_t i = 0; i < l->worker_count; i++) {
		const struct live_worker *w = &l->workers[i];

		json_object(j);
		json_member_str(j, "interface", w->interface);
		json_key(j, "state");
		json_z(j, states[atomic_load(&w->state)]);
		add_counters(j, l, w);
		json_end(j);
	}
	json_end(j);
}

static void add_guard(const struct live *l, struct json *j)
{
	struct guard_report r = daemon_guard_report(l);

	json_key(j, "guard");
	json_object(j);
	json_member_u64(j, "pid", r.pid);
	json_member_u64(j, "starts", r.starts);
	json_member_u64(j, "gaps", r.gaps);
	json_member_u64(j, "open", r.open);
	json_member_u64(j, "passed", r.passed);
	json_member_u64(j, "passed_bytes", r.passed_bytes);
	json_member_u64(j, "late_ns", r.late_ns);
	json_end(j);
}

static uint64_t rings(const struct live *l)
{
	uint64_t n = 0;

	for (size_t i = 0; i < l->worker_count; i++)
		n += l->workers[i].source->ring_bytes;
	return n;
}

static uint64_t lanes(const struct live *l)
{
	uint64_t n = 0;

	for (size_t i = 0; i < l->tenant_count; i++)
		n += l->tenants[i].lane_count;
	return n;
}

static uint64_t rules_bytes(const struct live *l)
{
	uint64_t n = 0;

	for (size_t i = 0; i < l->tenant_count; i++)
		n += l->tenants[i].rules->pool.out;
	return n;
}

struct status_lines daemon_status_lines(const struct live *l)
{
	struct status_lines n = {0};

	for (size_t i = 0; i < l->tenant_count; i++) {
		const struct live_tenant *t = &l->tenants[i];

		if (t->tenant->says != t->tenant)
			continue;
		n.written += atomic_load(&t->lines->written);
		n.refused += atomic_load(&t->lines->failed);
		n.lost += daemon_lines_lost(t->lines);
	}
	return n;
}

size_t daemon_status_memory(const struct live *l, struct status_memory out[STATUS_MEMORY_MAX])
{
	uint64_t most = total(l, LIVE_MEMORY_MOST), rings_bytes = rings(l);
	uint64_t queues = 0, files = 0, exported = 0;
	const struct status_memory rows[] = {
		{"traffic", "flows, streams, transactions, fragments", total(l, LIVE_MEMORY), most},
		{"traffic_flows", "of them flows and what hangs on them",
		 total(l, LIVE_MEMORY_FLOWS), 0},
		{"traffic_streams", "of them bytes of streams", total(l, LIVE_MEMORY_STREAMS), 0},
		{"traffic_transactions", "of them transactions", total(l, LIVE_MEMORY_APP), 0},
		{"traffic_detection", "of them what rules remember beside flows",
		 total(l, LIVE_MEMORY_DETECT), 0},
		{"traffic_fragments", "of them fragments", total(l, LIVE_MEMORY_FRAGMENTS), 0},
		{"tables", "tables made once", total(l, LIVE_MEMORY_FIXED), 0},
		{"rules", "rules, without the matcher's databases", rules_bytes(l), 0},
		{"rings", "rings shared with the kernel", rings_bytes, rings_bytes},
		{"lines", "rings of lines to the writers", lanes(l) * LINES_RING_BYTES,
		 lanes(l) * LINES_RING_BYTES},
	};
	size_t n = sizeof rows / sizeof rows[0];

	_Static_assert(sizeof rows / sizeof rows[0] + 4 <= STATUS_MEMORY_MAX, "four more fit");
	memcpy(out, rows, sizeof rows);
	for (size_t i = 0; i < l->tenant_count; i++) {
		const struct live_tenant *t = &l->tenants[i];

		if (t->tenant->says == t->tenant)
			exported += daemon_export_bytes(t->export);
		if (t->store != NULL && t->tenant->says == t->tenant)
			files += (uint64_t)t->store->lane_count * STORE_QUEUE_BYTES;
		if (t->tenant->packets != NULL)
			queues += (uint64_t)t->tenant->packets->lane_count * PACKETS_QUEUE_BYTES;
	}
	if (exported != 0)
		out[n++] = (struct status_memory){"export", "rings of flow records to the exporter",
						  exported, exported};
	if (files != 0)
		out[n++] = (struct status_memory){"file_store", "files on their way to the disk",
						  files, files};
	if (queues != 0)
		out[n++] = (struct status_memory){"packet_ring", "packets on their way to the disk",
						  queues, queues};
	if (l->sealing != NULL) {
		struct sealing_counters c;

		daemon_sealing_count(l->sealing, &c);
		out[n++] = (struct status_memory){"sealing", "events on their way to be sealed",
						  c.queued, c.queue_bytes};
	}
	return n;
}

static void add_memory(const struct live *l, struct json *j)
{
	struct status_memory rows[STATUS_MEMORY_MAX];
	size_t n = daemon_status_memory(l, rows);

	json_key(j, "memory");
	json_object(j);
	json_member_u64(j, "resident", daemon_status_resident(l));
	for (size_t i = 0; i < n; i++)
		json_member_u64(j, rows[i].owner, rows[i].bytes);
	json_member_u64(j, "traffic_most", rows[0].most);
	json_end(j);
}

static void add_events(const struct live *l, struct json *j)
{
	struct status_lines n = daemon_status_lines(l);

	json_key(j, "events");
	json_object(j);
	json_member_u64(j, "written", n.written);
	json_member_u64(j, "lost", n.lost);
	json_member_u64(j, "refused", n.refused);
	json_end(j);
}

/* The ring of packets of who has one. */
static void add_packets(struct daemon_packets *p, struct json *j)
{
	struct packets_counters c;
	char text[TIME_TEXT_MAX];

	if (p == NULL)
		return;
	daemon_packets_count(p, &c);
	json_key(j, "packet_ring");
	json_object(j);
	json_member_u64(j, "seen", c.seen);
	json_member_u64(j, "kept", c.kept);
	json_member_u64(j, "kept_bytes", c.kept_bytes);
	json_member_u64(j, "lost", c.lost);
	json_member_u64(j, "refused", c.failed);
	json_member_u64(j, "segments", c.segments);
	json_member_u64(j, "bytes", c.bytes);
	json_member_u64(j, "bytes_most", c.bytes_most);
	json_member_u64(j, "queued", c.queued);
	json_member_u64(j, "queue_bytes", c.queue_bytes);
	json_member_u64(j, "cuts", c.cuts);
	json_member_u64(j, "cuts_skipped", c.cuts_skipped);
	json_member_u64(j, "errors", c.errors);
	if (c.oldest.ns > 0)
		json_member_str(j, "oldest", time_format_rfc3339(c.oldest, text));
	json_member_some(j, "error", slice_of(c.error));
	json_end(j);
}

/* The file-store of who has one. */
static void add_store(const struct live_tenant *t, struct json *j)
{
	const struct daemon_store *s = &t->tenant->store;
	int error = atomic_load(&s->error);

	if (t->store == NULL || t->tenant->says != t->tenant)
		return;
	json_key(j, "file_store");
	json_object(j);
	json_member_u64(j, "stored", atomic_load(&s->stored));
	json_member_u64(j, "lost", daemon_store_queue_lost(t->store));
	json_member_u64(j, "errors", atomic_load(&s->errors));
	if (error != 0)
		json_member_str(j, "error", slice_of(strerrordesc_np(error)));
	json_end(j);
}

/* The station's own log; nothing where it has none. */
static void add_seal(const struct live *l, struct arena *a, struct json *j)
{
	struct histogram *h;
	struct sealing_counters c;

	if (l->sealing == NULL)
		return;
	daemon_sealing_count(l->sealing, &c);
	json_key(j, "seal");
	json_object(j);
	json_member_u64(j, "leaves", c.leaves);
	json_member_u64(j, "sealed", c.sealed);
	json_member_u64(j, "gaps", c.gaps);
	json_member_u64(j, "signs", c.lives);
	json_member_u64(j, "commits", c.commits);
	json_member_u64(j, "late", c.late);
	json_member_u64(j, "lost_alerts", c.lost[SEALING_ALERT]);
	json_member_u64(j, "lost_drops", c.lost[SEALING_DROP]);
	json_member_u64(j, "lost_anomalies", c.lost[SEALING_ANOMALY]);
	json_member_u64(j, "lost_others", c.lost[SEALING_OTHER]);
	json_member_u64(j, "refused", c.refused);
	json_member_u64(j, "failures", c.failures);
	json_member_u64(j, "deaths", c.deaths);
	json_member_u64(j, "queued", c.queued);
	json_member_u64(j, "queue_bytes", c.queue_bytes);
	json_member_bool(j, "writing", c.writing);
	json_member_bool(j, "running", c.running);
	if (c.error != 0)
		json_member_str(j, "error", slice_of(strerrordesc_np(c.error)));
	h = ARENA_NEW(a, struct histogram);
	if (h != NULL)
		daemon_sealing_latency(l->sealing, h);
	if (h != NULL && h->count != 0)
		add_quantiles(j, "seen_to_committed_ns", h);
	json_end(j);
}

static void add_rules(const struct live_tenant *t, struct json *j)
{
	const struct daemon_rules *r = &t->rules->rules;

	json_key(j, "rules");
	json_object(j);
	json_member_u64(j, "loaded", detect_rules_count(r->compiled));
	json_member_u64(j, "failed", rule_set_failed(&r->set));
	json_member_u64(j, "reloads", t->reloads);
	json_member_u64(j, "reloads_failed", t->reloads_failed);
	json_end(j);
}

/* Each with what its pipelines counted; a ring's drops are nobody's own. */
static void add_tenants(const struct live *l, struct json *j)
{
	if (l->tenant_count == 1)
		return;
	json_key(j, "tenants");
	json_array(j);
	for (size_t i = 1; i < l->tenant_count; i++) {
		const struct live_tenant *t = &l->tenants[i];

		json_object(j);
		json_member_u64(j, "id", t->tenant->id);
		json_member_bool(j, "apart", t->tenant->apart);
		for (unsigned k = LIVE_PACKETS; k < LIVE_COUNTERS; k++)
			if (!daemon_status_rows[k].source)
				json_member_u64(j, daemon_status_rows[k].name, tenant_total(t, k));
		if (t->tenant->apart) {
			json_member_u64(j, "events_written", atomic_load(&t->lines->written));
			json_member_u64(j, "events_lost", daemon_lines_lost(t->lines));
		}
		add_packets(t->tenant->packets, j);
		add_store(t, j);
		add_rules(t, j);
		json_end(j);
	}
	json_end(j);
}

/* Of the station and its guests; nothing where flows are not exported. */
static void add_export(const struct live *l, struct json *j)
{
	struct daemon_export_counters n;

	daemon_export_counters(l->tenants[0].export, &n);
	if (n.collectors == 0)
		return;
	json_key(j, "export");
	json_object(j);
	json_member_u64(j, "told", n.told);
	json_member_u64(j, "lost", n.full);
	json_key(j, "collectors");
	json_array(j);
	for (size_t i = 0; i < n.collectors; i++) {
		const struct daemon_collector_counters *c = &n.collector[i];

		json_object(j);
		json_key(j, "to");
		json_str(j, c->name);
		json_member_bool(j, "connected", c->connected);
		json_member_u64(j, "messages", c->messages);
		json_member_u64(j, "records", c->records);
		json_member_u64(j, "octets", c->octets);
		json_member_u64(j, "lost", c->lost);
		json_member_u64(j, "refused", c->refused);
		json_member_u64(j, "connects", c->connects);
		json_end(j);
	}
	json_end(j);
	json_end(j);
}

void daemon_status_json(struct live *l, struct arena *a, struct json *j)
{
	json_object(j);
	json_member_u64(j, "pid", (uint64_t)getpid());
	json_member_u64(j, "uptime_s",
			(uint64_t)((os_clock_mono().ns - l->began.ns) / TIME_NS_PER_S));
	add_counters(j, l, NULL);
	add_verdicts(l, a, j);
	add_events(l, j);
	add_export(l, j);
	add_seal(l, a, j);
	add_rules(&l->tenants[0], j);
	add_packets(l->tenants[0].tenant->packets, j);
	add_store(&l->tenants[0], j);
	add_memory(l, j);
	if (l->in_line)
		add_guard(l, j);
	add_workers(l, j);
	add_tenants(l, j);
	add_costs(l, a, j);
	json_end(j);
}
