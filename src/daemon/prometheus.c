/* SPDX-License-Identifier: Apache-2.0
 * What a running sensor says about itself in Prometheus's text, version 0.0.4.
 *
 * Names follow prometheus.io/docs/practices/naming: base units (seconds, bytes), _total for what
 * only grows, one family in one run of lines with its HELP and TYPE.
 * tests/integration/status_test.py holds all of them to it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "daemon/guard.h"
#include "daemon/sealing.h"
#include "daemon/status.h"
#include "os/clock.h"

enum {
	LE_FIRST = 12, /* 2^12 ns: 4 microseconds */
	LE_LAST = 32,  /* 4.3 s */
};

static void family(struct buf *out, const char *name, const char *type, const char *doc)
{
	buf_add_fmt(out, "# HELP %s %s\n# TYPE %s %s\n", name, doc, name, type);
}

static void one(struct buf *out, const char *name, const char *type, const char *doc, uint64_t v)
{
	family(out, name, type, doc);
	buf_add_fmt(out, "%s %" PRIu64 "\n", name, v);
}

/* Nanoseconds as seconds. */
static void add_seconds(struct buf *out, uint64_t ns)
{
	buf_add_fmt(out, "%" PRIu64 ".%09" PRIu64, ns / 1000000000, ns % 1000000000);
}

/* ---- of each worker ---- */

static bool is_memory(unsigned i)
{
	return strncmp(daemon_status_rows[i].name, "memory_", 7) == 0; /* add_memory() has them */
}

static void add_workers(const struct live *l, struct buf *out)
{
	for (unsigned i = 0; i < LIVE_COUNTERS; i++) {
		const struct status_row *row = &daemon_status_rows[i];
		size_t n = strlen(row->name);
		bool ns = n > 3 && strcmp(row->name + n - 3, "_ns") == 0;
		char name[64];

		if (is_memory(i))
			continue;
		(void)snprintf(name, sizeof name, "dewline_%.*s%s%s", (int)(ns ? n - 3 : n),
			       row->name, ns ? "_seconds" : "", row->gauge ? "" : "_total");
		family(out, name, row->gauge ? "gauge" : "counter", row->doc);
		for (size_t k = 0; k < l->worker_count; k++) {
			buf_add_fmt(out, "%s{interface=\"", name);
			buf_add_label(out, l->workers[k].interface);
			buf_add_fmt(out, "\",worker=\"%zu\"} ", k);
			if (ns)
				add_seconds(out, daemon_status_of(&l->workers[k], i));
			else
				buf_add_u64(out, daemon_status_of(&l->workers[k], i));
			buf_add_byte(out, '\n');
		}
	}
}

/* ---- of all ---- */

static void add_histogram(struct buf *out, const struct histogram *h, const char *name,
			  const char *doc)
{
	family(out, name, "histogram", doc);
	for (unsigned e = LE_FIRST; e <= LE_LAST; e++) {
		buf_add_fmt(out, "%s_bucket{le=\"", name);
		add_seconds(out, (UINT64_C(1) << e) - 1); /* the bound belongs to the bucket */
		buf_add_fmt(out, "\"} %" PRIu64 "\n", histogram_below(h, e));
	}
	buf_add_fmt(out, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n%s_sum ", name, h->count, name);
	add_seconds(out, h->sum);
	buf_add_fmt(out, "\n%s_count %" PRIu64 "\n", name, h->count);
}

static void add_verdicts(struct live *l, struct arena *a, struct buf *out)
{
	const struct histogram *h = daemon_status_verdicts(l, a);

	if (h != NULL)
		add_histogram(out, h, "dewline_verdict_seconds",
			      "from receiving a packet to its verdict");
}

static void add_memory(const struct live *l, struct buf *out)
{
	struct status_memory rows[STATUS_MEMORY_MAX];
	size_t n = daemon_status_memory(l, rows);

	family(out, "dewline_memory_bytes", "gauge",
	       "memory by owner; traffic is the sum of traffic_*");
	for (size_t i = 0; i < n; i++)
		buf_add_fmt(out, "dewline_memory_bytes{owner=\"%s\"} %" PRIu64 "\n", rows[i].owner,
			    rows[i].bytes);
	family(out, "dewline_memory_limit_bytes", "gauge", "the budget of an owner that has one");
	for (size_t i = 0; i < n; i++)
		if (rows[i].most != 0)
			buf_add_fmt(out, "dewline_memory_limit_bytes{owner=\"%s\"} %" PRIu64 "\n",
				    rows[i].owner, rows[i].most);
	one(out, "process_resident_memory_bytes", "gauge", "the process in memory",
	    daemon_status_resident(l));
}

static void add_events(const struct live *l, struct buf *out)
{
	struct status_lines n = daemon_status_lines(l);

	one(out, "dewline_events_written_total", "counter", "lines given to the system", n.written);
	one(out, "dewline_events_lost_total", "counter", "lines for which a worker had no room",
	    n.lost);
	one(out, "dewline_events_refused_total", "counter", "lines that the system did not take",
	    n.refused);
}

static void add_export(const struct live *l, struct buf *out)
{
	struct daemon_export_counters x;
	uint64_t sent = 0, not_taken = 0;

	daemon_export_counters(l->tenants[0].export, &x);
	for (size_t i = 0; i < x.collectors; i++) {
		sent += x.collector[i].records;
		not_taken += x.collector[i].lost;
	}
	one(out, "dewline_export_told_total", "counter", "flow records made for collectors",
	    x.told);
	one(out, "dewline_export_lost_total", "counter",
	    "flow records for which a worker had no room", x.full);
	one(out, "dewline_export_records_total", "counter", "records sent to collectors", sent);
	one(out, "dewline_export_not_taken_total", "counter",
	    "flow records that collectors did not take", not_taken);
}

/* The station's own log. */
static void add_seal(const struct live *l, struct arena *a, struct buf *out)
{
	static const char *const kinds[SEALING_KINDS] = {"alert", "drop", "anomaly", "other"};
	struct histogram *h = ARENA_NEW(a, struct histogram);
	struct sealing_counters c;

	if (l->sealing == NULL || h == NULL)
		return;
	daemon_sealing_count(l->sealing, &c);
	daemon_sealing_latency(l->sealing, h);
	one(out, "dewline_seal_leaves", "gauge", "records in the station's log", c.leaves);
	one(out, "dewline_seal_sealed_total", "counter", "events sealed and committed", c.sealed);
	one(out, "dewline_seal_gaps_total", "counter", "gaps committed", c.gaps);
	one(out, "dewline_seal_signs_total", "counter", "signs of life committed", c.lives);
	one(out, "dewline_seal_commits_total", "counter", "commits to the station's log",
	    c.commits);
	one(out, "dewline_seal_late_total", "counter",
	    "events committed a second or more after they were seen", c.late);
	family(out, "dewline_seal_lost_total", "counter", "events that found no room on the way");
	for (unsigned i = 0; i < SEALING_KINDS; i++)
		buf_add_fmt(out, "dewline_seal_lost_total{event=\"%s\"} %" PRIu64 "\n", kinds[i],
			    c.lost[i]);
	one(out, "dewline_seal_refused_total", "counter", "messages that could not be sealed",
	    c.refused);
	one(out, "dewline_seal_failures_total", "counter", "times that the log was not written",
	    c.failures);
	one(out, "dewline_seal_deaths_total", "counter",
	    "times that the process that seals died, and another went on", c.deaths);
	one(out, "dewline_seal_queued_bytes", "gauge", "events on their way", c.queued);
	one(out, "dewline_seal_limit_bytes", "gauge", "at most", c.queue_bytes);
	one(out, "dewline_seal_writing", "gauge", "1: the log can be written", c.writing);
	one(out, "dewline_seal_running", "gauge", "1: there is a process that seals", c.running);
	add_histogram(out, h, "dewline_seal_seconds", "from seeing an event to its commit");
}

static void add_rules(const struct live *l, struct buf *out)
{
	const struct live_tenant *t = &l->tenants[0];

	one(out, "dewline_rules", "gauge", "rules in use, of the station",
	    detect_rules_count(t->rules->rules.compiled));
	one(out, "dewline_rules_failed", "gauge", "rules that did not load, of the station",
	    rule_set_failed(&t->rules->rules.set));
	one(out, "dewline_reloads_total", "counter", "times that rules were read again",
	    t->reloads);
	one(out, "dewline_reloads_failed_total", "counter", "times that this failed",
	    t->reloads_failed);
}

static void add_packets(const struct live *l, struct buf *out)
{
	struct packets_counters c;

	if (l->tenants[0].tenant->packets == NULL)
		return;
	daemon_packets_count(l->tenants[0].tenant->packets, &c);
	one(out, "dewline_packet_ring_seen_total", "counter", "frames given to the packet ring",
	    c.seen);
	one(out, "dewline_packet_ring_kept_total", "counter", "of them written", c.kept);
	one(out, "dewline_packet_ring_lost_total", "counter", "of them lost for want of room",
	    c.lost);
	one(out, "dewline_packet_ring_refused_total", "counter", "of them refused by the disk",
	    c.failed);
	one(out, "dewline_packet_ring_written_bytes_total", "counter", "bytes written",
	    c.kept_bytes);
	one(out, "dewline_packet_ring_bytes", "gauge", "bytes on disk", c.bytes);
	one(out, "dewline_packet_ring_limit_bytes", "gauge", "at most", c.bytes_most);
	one(out, "dewline_packet_ring_queued_bytes", "gauge", "bytes on their way to the disk",
	    c.queued);
	one(out, "dewline_packet_ring_segments", "gauge", "files", c.segments);
	one(out, "dewline_packet_ring_cuts_total", "counter", "flows of alerts cut out", c.cuts);
	one(out, "dewline_packet_ring_cuts_skipped_total", "counter", "flows of alerts not cut out",
	    c.cuts_skipped);
	one(out, "dewline_packet_ring_errors_total", "counter", "times that the disk said no",
	    c.errors);
	family(out, "dewline_packet_ring_oldest_timestamp_seconds", "gauge",
	       "time of the oldest packet; 0: there is none");
	buf_add_z(out, "dewline_packet_ring_oldest_timestamp_seconds ");
	add_seconds(out, c.oldest.ns > 0 ? (uint64_t)c.oldest.ns : 0);
	buf_add_byte(out, '\n');
}

static void add_store(const struct live *l, struct buf *out)
{
	const struct live_tenant *t = &l->tenants[0];

	if (t->store == NULL)
		return;
	one(out, "dewline_file_store_stored_total", "counter", "files stored",
	    atomic_load(&t->tenant->store.stored));
	one(out, "dewline_file_store_lost_total", "counter", "files lost for want of room",
	    daemon_store_queue_lost(t->store));
	one(out, "dewline_file_store_errors_total", "counter", "files that the disk refused",
	    atomic_load(&t->tenant->store.errors));
}

static void add_guard(const struct live *l, struct buf *out)
{
	struct guard_report r;

	if (!l->in_line)
		return;
	r = daemon_guard_report(l);
	one(out, "dewline_guard_starts_total", "counter", "sensors started by the guardian",
	    r.starts);
	one(out, "dewline_guard_open", "gauge", "lines that are not inspected now", r.open);
	one(out, "dewline_guard_passed_total", "counter", "packets that the guardian let pass",
	    r.passed);
	one(out, "dewline_guard_passed_bytes_total", "counter", "their bytes", r.passed_bytes);
	one(out, "dewline_guard_gaps_total", "counter", "times that it did, and that are over",
	    r.gaps);
	family(out, "dewline_guard_late_seconds", "gauge",
	       "the longest that it was kept from looking");
	buf_add_z(out, "dewline_guard_late_seconds ");
	add_seconds(out, r.late_ns);
	buf_add_byte(out, '\n');
}

static void add_costs(struct live *l, struct arena *a, struct buf *out)
{
	size_t n;
	const struct detect_cost *c = daemon_status_costs(l, a, &n);

	if (c == NULL)
		return;
	family(out, "dewline_rule_steps_total", "counter", "what the dearest rules cost, in steps");
	for (size_t i = 0; i < n; i++)
		buf_add_fmt(out,
			    "dewline_rule_steps_total{gid=\"%" PRIu64 "\",sid=\"%" PRIu64
			    "\"} %" PRIu64 "\n",
			    c[i].rule->gid, c[i].rule->sid, c[i].steps);
}

void daemon_status_prometheus(struct live *l, bool with_costs, struct arena *a, struct buf *out)
{
	int64_t up = os_clock_mono().ns - l->began.ns;

	family(out, "process_start_time_seconds", "gauge", "when the process began, since 1970");
	buf_add_fmt(out, "process_start_time_seconds %" PRId64 "\n",
		    (os_clock_wall().ns - up) / TIME_NS_PER_S);
	add_workers(l, out);
	add_verdicts(l, a, out);
	add_events(l, out);
	add_export(l, out);
	add_seal(l, a, out);
	add_rules(l, out);
	add_packets(l, out);
	add_store(l, out);
	add_guard(l, out);
	add_memory(l, out);
	if (with_costs)
		add_costs(l, a, out);
}
