/* SPDX-License-Identifier: Apache-2.0
 *
 * What the station and its tenants have each for itself: rules, lanes in the workers, what rules
 * remember about hosts, rings of lines and who writes them.
 *
 * 1. A lane belongs to one tenant and to one worker. What belongs to two tenants is a worker's
 *    thread and its source, and, of those that are not apart, the station's outputs. */
#include <pthread.h>

#include "crypto/crypto.h"
#include "daemon/live.h"
#include "daemon/sealing.h"
#include "os/clock.h"

enum {
	FILE_ID_SHIFT = 24, /* a lane's files are numbered from its ring << 24 */
};

/* ---- lanes ---- */

/* Those of a worker: of whose interface it is, or of all. */
static enum status lanes_of(struct live *l, struct live_worker *w, struct fail *why)
{
	const struct tenant_map *m = l->whose.map;
	bool all = m->selector == TENANT_BY_VLAN || m->selector == TENANT_BY_VLANS;
	size_t first = all ? 0 : tenant_of_device(m, w->interface);

	w->lane_count = all ? l->tenant_count : 1;
	w->lanes = ARENA_ARRAY(l->arena, struct live_lane, w->lane_count);
	if (w->lanes == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %zu tenants", w->lane_count);
	for (size_t i = 0; i < w->lane_count; i++) {
		struct live_tenant *t = &l->tenants[first + i];

		w->lanes[i].worker = w;
		w->lanes[i].tenant = t;
		if (pthread_mutex_init(&w->lanes[i].stats_lock, NULL) != 0)
			return fail_set(why, ST_NOMEM, "no memory for locks");
		w->by_place[first + i] = &w->lanes[i];
		t->lanes[t->lane_count++] = &w->lanes[i];
	}
	return ST_OK;
}

static enum status lanes_make(struct live *l, struct fail *why)
{
	enum status st = ST_OK;

	for (size_t i = 0; i < l->tenant_count; i++) {
		l->tenants[i].lanes = ARENA_ARRAY(l->arena, struct live_lane *, l->worker_count);
		if (l->tenants[i].lanes == NULL)
			return fail_set(why, ST_NOMEM, "no memory for tenants");
	}
	for (size_t i = 0; st == ST_OK && i < l->worker_count; i++)
		st = lanes_of(l, &l->workers[i], why);
	return st;
}

/* Packets that no flow record is about. */
static uint64_t not_seen(void *ctx)
{
	const struct live *l = ctx;
	uint64_t n = 0;

	for (size_t i = 0; i < l->worker_count; i++)
		n += atomic_load_explicit(&l->workers[i].counters[LIVE_KERNEL_DROPS],
					  memory_order_relaxed);
	return n;
}

/* Who has outputs of its own may have collectors of its own, too. */
static enum status export_open(struct live_tenant *t, size_t rings, struct fail *why)
{
	struct export_options o = {.config = t->tenant->exports ? t->tenant->config : NULL,
				   .workers = rings,
				   .ignored = not_seen,
				   .ctx = t->live};

	return daemon_export_open(&o, t->live->arena, &t->export, why);
}

/* Files go to the disk by a thread of their own, which alone uses the store from then on. */
static enum status store_make(struct live_tenant *t, size_t lanes, struct fail *why)
{
	struct daemon_store *s = &t->tenant->store;

	if (!s->on)
		return ST_OK;
	t->handles_pool.budget = SIZE_MAX;
	t->handles.pool = &t->handles_pool;
	s->arena = &t->handles;
	return daemon_store_queue_new(&s->sink, lanes, t->live->arena, &t->store, why);
}

/* One writer for each that has outputs of its own, with a ring for each lane that says something
 * there: who says much fills its own. */
static enum status lines_make(struct live *l, struct fail *why)
{
	for (size_t i = 0; i < l->tenant_count; i++) {
		struct live_tenant *t = &l->tenants[i];
		struct daemon_outputs *o = &t->tenant->outputs;
		size_t rings = 0;
		enum status st;

		for (size_t k = 0; k < l->tenant_count; k++)
			if (l->tenants[k].tenant->says == t->tenant) {
				l->tenants[k].ring = rings;
				rings += l->tenants[k].lane_count;
			}
		if (t->tenant->says != t->tenant)
			continue;
		if (rings > LINES_WORKERS_MAX)
			return fail_set(why, ST_LIMIT,
					"%zu workers times tenants write to one place, %d can: "
					"give tenants outputs of their own, or fewer threads",
					rings, LINES_WORKERS_MAX);
		st = daemon_lines_new(o->eves, o->count, rings, l->arena, &t->lines, why);
		if (st == ST_OK)
			st = export_open(t, rings, why);
		if (st == ST_OK)
			st = store_make(t, rings, why);
		if (st != ST_OK)
			return st;
	}
	for (size_t i = 0; i < l->tenant_count; i++) {
		const struct live_tenant *says =
			&l->tenants[l->tenants[i].tenant->says - l->whose.list];

		l->tenants[i].lines = says->lines;
		l->tenants[i].export = says->export;
		l->tenants[i].store = says->store;
	}
	return ST_OK;
}

/* ---- the rings of packets ---- */

static void alerted(void *ctx, uint64_t flow, struct wall_ns at)
{
	struct live_lane *lane = ctx;

	daemon_packets_alert(lane->packets, lane->packets_lane, flow, at);
}

/* What came in by an interface, as its workers have counted. */
static void ask(void *ctx, struct slice interface, uint64_t *out_received, uint64_t *out_lost)
{
	const struct live *l = ctx;

	*out_lost = 0;
	for (size_t i = 0; i < l->worker_count; i++)
		if (l->workers[i].interface.ptr == interface.ptr)
			*out_lost += atomic_load(&l->workers[i].counters[LIVE_KERNEL_DROPS]);
	*out_received += *out_lost;
}

/* A queue for each lane whose frames are kept: with lanes numbered as their rings of lines. */
static enum status packets_make(struct live *l, struct fail *why)
{
	enum status st = ST_OK;

	for (size_t i = 0; st == ST_OK && i < l->tenant_count; i++) {
		struct daemon_packets *p = l->tenants[i].tenant->packets;
		size_t n = 0;

		for (size_t k = 0; p != NULL && k < l->tenant_count; k++)
			if (l->tenants[k].tenant->says == l->tenants[i].tenant)
				n += l->tenants[k].lane_count;
		if (p == NULL)
			continue;
		p->ask = ask;
		p->ask_ctx = l;
		st = daemon_packets_lanes(p, n, why);
	}
	for (size_t i = 0; st == ST_OK && i < l->tenant_count; i++) {
		struct live_tenant *t = &l->tenants[i];

		for (size_t k = 0; t->tenant->keeps && k < t->lane_count; k++) {
			t->lanes[k]->packets = t->tenant->says->packets;
			t->lanes[k]->packets_lane = t->ring + k;
			daemon_packets_name(t->lanes[k]->packets, t->ring + k,
					    t->lanes[k]->worker->interface);
		}
	}
	return st;
}

/* ---- what rules remember about hosts ---- */

static void shared_take(void *ctx, unsigned part)
{
	struct live_tenant *t = ctx;

	(void)pthread_mutex_lock(&t->shared_locks[part]); /* it is a plain one */
}

static void shared_give(void *ctx, unsigned part)
{
	struct live_tenant *t = ctx;

	(void)pthread_mutex_unlock(&t->shared_locks[part]);
}

/* Hosts are seen by several workers: what rules of a tenant remember of them is one. */
static enum status shared_make(struct live_tenant *t, struct fail *why)
{
	struct detect_locks locks = {t, shared_take, shared_give};

	if (t->lane_count <= 1)
		return ST_OK;
	for (unsigned i = 0; i < DETECT_SHARED_PARTS; i++)
		if (pthread_mutex_init(&t->shared_locks[i], NULL) != 0)
			return fail_set(why, ST_NOMEM, "no memory for locks");
	t->shared = detect_shared_new(&locks, t->live->arena);
	return t->shared != NULL ? ST_OK : fail_set(why, ST_NOMEM, "no memory for hosts");
}

/* ---- pipelines ---- */

static void gather(void *ctx, struct pipeline_stats *sum)
{
	struct live_lane *lane = ctx;

	daemon_live_stats_add(lane->tenant, lane, sum);
}

static enum status pipeline_make(struct live_lane *lane, size_t index, uint64_t seed,
				 struct fail *why)
{
	const struct live_tenant *t = lane->tenant;
	const struct daemon_tenant *d = t->tenant;
	const struct daemon_live_options *live = t->live->o;
	const struct rule_set *set = &t->rules->rules.set;
	struct pipeline_output outputs[PIPELINE_OUTPUTS_MAX];
	struct pipeline_options o = {.rules = t->rules->rules.compiled,
				     .memory_bytes = config_size(d->config, "memory.worker", 0),
				     .tenant = d->id,
				     .station = config_text(d->config, "sensor-name", ""),
				     .outputs = outputs,
				     .output_count = d->says->outputs.count,
				     .config = d->config,
				     .file_ids = &lane->file_ids,
				     .midstream = config_bool(d->config, "stream.midstream", false),
				     .skip_checksums = live->skip_checksums,
				     .profile = t->live->profile,
				     .interface =
					     t->live->in_line ? SLICE("") : lane->worker->interface,
				     .simulate_ips = t->live->in_line,
				     .hash_seed = seed,
				     .shared = t->shared,
				     .stats = d->outputs.has_stats,
				     .rules_failed = rule_set_failed(set),
				     .rules_skipped = set->skipped,
				     .stats_silent = index != 0,
				     .stats_ctx = lane,
				     .stats_gather = gather};

	if (o.station.len == 0)
		o.station = lane->worker->interface;
	lane->file_ids = (uint32_t)(t->ring + index) << FILE_ID_SHIFT;
	o.meter = daemon_export_meter(t->export, t->ring + index);
	o.store = t->store != NULL ? &t->store->lanes[t->ring + index].sink : NULL;
	o.alerted_ctx = lane;
	o.alerted = lane->packets != NULL ? alerted : NULL;
	for (size_t i = 0; i < o.output_count; i++) {
		outputs[i] = d->says->outputs.outputs[i];
		outputs[i].sink = daemon_lines_sink(t->lines, t->ring + index, i);
	}
	if (d->says == t->live->whose.list) {
		struct pipeline_output sealed;

		if (daemon_sealing_output(t->live->sealing, lane->worker->index, &sealed)) {
			if (o.output_count == PIPELINE_OUTPUTS_MAX)
				return fail_set(why, ST_LIMIT,
						"more than %d outputs beside the station's log",
						PIPELINE_OUTPUTS_MAX - 1);
			outputs[o.output_count++] = sealed;
		}
	}
	return pipeline_new(&o, &lane->pipeline, why);
}

static enum status rules_first(struct live_tenant *t, struct fail *why)
{
	const struct daemon_live_options *o = t->live->o;
	const struct rule_set *set;
	enum status st = daemon_live_rules_load(t, &t->rules, why);

	if (st != ST_OK)
		return st;
	set = &t->rules->rules.set;
	if (t->tenant->id != 0)
		daemon_live_say(t->live, "tenant %u, %s %.*s:", t->tenant->id,
				t->tenant->apart ? "whose events are in"
						 : "whose events are the station's, in",
				SLICE_ARG(t->tenant->says->dir));
	if (o->loaded != NULL)
		o->loaded(o->ctx, &t->rules->rules);
	if (o->init_errors_fatal && rule_set_failed(set) != 0)
		return fail_set(why, ST_REFUSED, "%zu rules do not load", rule_set_failed(set));
	return ST_OK;
}

/* In the line a sensor that has just come must not stop what was there before it: sessions that it
 * did not see begin are picked up, and where it cannot look, packets pass; unless the configuration
 * says otherwise. */
static enum status pass_by_default(struct config *c, struct fail *why)
{
	struct slice policy = config_text(c, "exception-policy", "auto");
	enum status st = ST_OK;

	if (slice_equal(policy, SLICE("auto")))
		st = config_set(c, SLICE("exception-policy"), SLICE("ignore"), why);
	if (st == ST_OK && config_at(c, "stream.midstream") == NULL)
		st = config_set(c, SLICE("stream.midstream"), SLICE("true"), why);
	return st;
}

static enum status tenant_make(struct live_tenant *t, uint64_t seed, struct fail *why)
{
	enum status st = rules_first(t, why);

	if (st == ST_OK && t->live->in_line)
		st = pass_by_default(t->tenant->config, why);
	if (st == ST_OK)
		st = shared_make(t, why);
	for (size_t i = 0; st == ST_OK && i < t->lane_count; i++)
		st = pipeline_make(t->lanes[i], i, seed, why);
	return st == ST_OK || t->tenant->id == 0 ? st : fail_wrap(why, "tenant %u", t->tenant->id);
}

enum status daemon_live_tenants(struct live *l, struct fail *why)
{
	struct crypto_random random = {0};
	struct wall_ns now = os_clock_wall();
	enum status st;

	l->tenants = ARENA_ARRAY(l->arena, struct live_tenant, l->whose.count);
	if (l->tenants == NULL)
		return fail_set(why, ST_NOMEM, "no memory for tenants");
	l->tenant_count = l->whose.count;
	for (size_t i = 0; i < l->tenant_count; i++) {
		struct live_tenant *t = &l->tenants[i];

		t->tenant = &l->whose.list[i];
		t->live = l;
		t->stats_ns =
			(int64_t)config_u64(t->tenant->config, "stats.interval", 1, 86400, 8) *
			TIME_NS_PER_S;
		t->stats_due.ns = now.ns + t->stats_ns;
	}
	st = lanes_make(l, why);
	if (st == ST_OK)
		st = lines_make(l, why);
	if (st == ST_OK)
		st = packets_make(l, why);
	for (size_t i = 0; st == ST_OK && i < l->tenant_count; i++) {
		uint64_t seed; /* each its own: who knows one table's order knows one table's */

		crypto_random_fill(&random, (uint8_t *)&seed, sizeof seed);
		st = tenant_make(&l->tenants[i], seed, why);
	}
	return st;
}

/* ---- running, ending ---- */

static bool has_writer(const struct live_tenant *t)
{
	return t->lines != NULL && t->tenant->says == t->tenant;
}

enum status daemon_live_writers_start(struct live *l, struct fail *why)
{
	enum status st = ST_OK;

	for (size_t i = 0; st == ST_OK && i < l->tenant_count; i++)
		if (has_writer(&l->tenants[i]))
			st = daemon_lines_start(l->tenants[i].lines, why);
	for (size_t i = 0; st == ST_OK && i < l->tenant_count; i++)
		if (l->tenants[i].tenant->packets != NULL)
			st = daemon_packets_start(l->tenants[i].tenant->packets, why);
	for (size_t i = 0; st == ST_OK && i < l->tenant_count; i++)
		if (has_writer(&l->tenants[i]))
			st = daemon_export_start(l->tenants[i].export, why);
	for (size_t i = 0; st == ST_OK && i < l->tenant_count; i++)
		if (has_writer(&l->tenants[i]) && l->tenants[i].store != NULL)
			st = daemon_store_queue_start(l->tenants[i].store, why);
	return st;
}

void daemon_live_reopen(struct live *l)
{
	for (size_t i = 0; i < l->tenant_count; i++)
		if (has_writer(&l->tenants[i]))
			daemon_lines_reopen(l->tenants[i].lines);
}

bool daemon_live_writers_stop(struct live *l)
{
	bool all = true;

	for (size_t i = 0; i < l->tenant_count; i++) {
		if (has_writer(&l->tenants[i])) {
			daemon_export_stop(l->tenants[i].export);
			all &= daemon_lines_stop(l->tenants[i].lines);
			all &= daemon_store_queue_stop(l->tenants[i].store);
		}
		all &= daemon_packets_stop(l->tenants[i].tenant->packets);
	}
	return all;
}

uint64_t daemon_live_lost(const struct live *l)
{
	uint64_t n = 0;

	for (size_t i = 0; i < l->tenant_count; i++)
		if (has_writer(&l->tenants[i]))
			n += daemon_lines_lost(l->tenants[i].lines);
	return n;
}

void daemon_live_stats_write(struct live *l, bool end)
{
	struct wall_ns now = os_clock_wall();

	for (size_t i = 0; i < l->tenant_count; i++) {
		struct live_tenant *t = &l->tenants[i];
		struct daemon_outputs *o = &t->tenant->outputs;

		if (!o->has_stats || (!end && now.ns < t->stats_due.ns))
			continue;
		t->stats = (struct pipeline_stats){0};
		daemon_live_stats_add(t, NULL, &t->stats);
		daemon_outputs_stats(o, &t->stats, now);
		daemon_eve_push(&o->stats);
		t->stats_due.ns = now.ns + t->stats_ns;
	}
}

static enum status sets_keep(struct live_tenant *t, struct fail *why)
{
	const struct detect_rules *rules = t->rules->rules.compiled;
	struct arena *a = t->live->arena;
	struct detect_saved *saved;
	enum status st;

	if (!detect_rules_save(rules))
		return ST_OK;
	saved = detect_saved_new(rules, a);
	if (saved == NULL)
		return fail_set(why, ST_NOMEM, "no memory for what sets hold");
	for (size_t i = 0; i < t->lane_count; i++)
		pipeline_take_sets(t->lanes[i]->pipeline, saved);
	st = daemon_sets_write(saved, t->tenant->data_dir, a, why);
	detect_saved_done(saved);
	return st;
}

enum status daemon_live_sets_keep(struct live *l, struct fail *why)
{
	enum status st = ST_OK;

	for (size_t i = 0; i < l->tenant_count; i++) {
		struct fail one;
		enum status s = sets_keep(&l->tenants[i], &one);

		if (s != ST_OK && st == ST_OK) { /* the others' are kept all the same */
			st = s;
			*why = one;
		}
	}
	return st;
}

void daemon_live_tenants_free(struct live *l)
{
	for (size_t i = 0; i < l->worker_count; i++)
		for (size_t k = 0; k < l->workers[i].lane_count; k++)
			pipeline_free(l->workers[i].lanes[k].pipeline);
	for (size_t i = 0; i < l->tenant_count; i++) {
		struct live_tenant *t = &l->tenants[i];

		for (struct live_rules *n; t->kept != NULL; t->kept = n) {
			n = t->kept->next;
			daemon_live_rules_free(t->kept);
		}
		daemon_live_rules_free(t->rules);
		if (has_writer(t))
			daemon_export_close(t->export);
		arena_end(t->handles, t->handles_pool);
	}
}
