/* SPDX-License-Identifier: Apache-2.0
 *
 * A sensor on interfaces.
 *
 * 1. What needs a power is done before powers are given up, and powers are given up before the
 * first packet is looked at and before there are threads.
 * 2. Signals are read from a descriptor by the main thread; no handler runs anywhere.
 * 3. The end: workers look at what they have received, end their flows, and put their last lines;
 *    then the writer writes them and ends. */
#include "daemon/live.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "os/clock.h"
#include "os/file.h"

enum { TURN_MS = 1000, FILE_ID_SHIFT = 24 /* a worker's files are numbered from index << 24 */ };

void daemon_live_say(const struct live *l, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (l->o->say == NULL)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap); /* cut short is fine */
	va_end(ap);
	l->o->say(l->o->ctx, text);
}

/* --- opening --- */

static enum status signals_open(struct live *l, struct fail *why)
{
	sigset_t set;

	(void)sigemptyset(&set); /* neither fails with these numbers */
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGHUP);
	(void)sigaddset(&set, SIGUSR2);
	if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0)
		return fail_set(why, ST_IO, "cannot block signals");
	l->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	l->tell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return l->signals < 0 || l->tell < 0 ? fail_set(why, ST_IO, "cannot wait for signals: %m")
					     : ST_OK;
}

static enum status workers_make(struct live *l, struct fail *why)
{
	size_t n = 0;

	for (size_t i = 0; i < l->interface_count; i++)
		l->worker_count += l->interfaces[i].threads;
	if (l->worker_count > LINES_WORKERS_MAX)
		return fail_set(why, ST_LIMIT, "more than %d workers", LINES_WORKERS_MAX);
	l->workers = ARENA_ARRAY(l->arena, struct live_worker, l->worker_count);
	if (l->workers == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %zu workers", l->worker_count);
	for (size_t i = 0; i < l->interface_count; i++)
		for (unsigned k = 0; k < l->interfaces[i].threads; k++, n++)
			l->workers[n] = (struct live_worker){
				.stats_lock = PTHREAD_MUTEX_INITIALIZER,
				.live = l,
				.index = n,
				.interface = l->interfaces[i].name,
				.ring_bytes = l->interfaces[i].tap.block_bytes *
					      l->interfaces[i].tap.blocks,
				.file_ids = (uint32_t)n << FILE_ID_SHIFT};
	return ST_OK;
}

static void shared_take(void *ctx, unsigned part)
{
	struct live *l = ctx;

	(void)pthread_mutex_lock(&l->shared_locks[part]); /* it is a plain one */
}

static void shared_give(void *ctx, unsigned part)
{
	struct live *l = ctx;

	(void)pthread_mutex_unlock(&l->shared_locks[part]);
}

/* Hosts are seen by several workers: what rules remember of them is one. */
static enum status shared_make(struct live *l, struct fail *why)
{
	struct detect_locks locks = {l, shared_take, shared_give};

	if (l->worker_count == 1)
		return ST_OK;
	for (unsigned i = 0; i < DETECT_SHARED_PARTS; i++)
		if (pthread_mutex_init(&l->shared_locks[i], NULL) != 0)
			return fail_set(why, ST_NOMEM, "no memory for locks");
	l->shared = detect_shared_new(&locks, l->arena);
	return l->shared != NULL ? ST_OK : fail_set(why, ST_NOMEM, "no memory for hosts");
}

static void gather(void *ctx, struct pipeline_stats *sum)
{
	struct live_worker *w = ctx;

	daemon_live_stats_add(w->live, w, sum);
}

static enum status pipeline_make(struct live *l, struct live_worker *w, uint64_t seed,
				 struct fail *why)
{
	const struct rule_set *set = &l->rules->rules.set;
	struct pipeline_output outputs[PIPELINE_OUTPUTS_MAX];
	struct pipeline_options o = {.rules = l->rules->rules.compiled,
				     .station = config_text(l->o->config, "sensor-name", ""),
				     .outputs = outputs,
				     .output_count = l->outputs.count,
				     .config = l->o->config,
				     .file_ids = &w->file_ids,
				     .midstream =
					     config_bool(l->o->config, "stream.midstream", false),
				     .skip_checksums = l->o->skip_checksums,
				     .profile = l->o->profile,
				     .interface = w->interface,
				     .hash_seed = seed,
				     .shared = l->shared,
				     .stats = l->outputs.has_stats,
				     .rules_failed = rule_set_failed(set),
				     .rules_skipped = set->skipped,
				     .stats_silent = w->index != 0,
				     .stats_ctx = w,
				     .stats_gather = gather};

	if (o.station.len == 0)
		o.station = w->interface;
	w->handles_pool.budget = SIZE_MAX;
	w->handles.pool = &w->handles_pool;
	w->store = l->store;
	w->store.arena = &w->handles;
	w->store.sink.ctx = &w->store;
	o.store = w->store.on ? &w->store.sink : NULL;
	for (size_t i = 0; i < l->outputs.count; i++) {
		outputs[i] = l->outputs.outputs[i];
		outputs[i].sink = daemon_lines_sink(l->lines, w->index, i);
	}
	return pipeline_new(&o, &w->pipeline, why);
}

static enum status pipelines_make(struct live *l, struct slice dir, struct fail *why)
{
	struct crypto_random random = {0};
	uint64_t seed;
	enum status st = daemon_lines_new(l->outputs.eves, l->outputs.count, l->worker_count,
					  l->arena, &l->lines, why);

	if (st == ST_OK)
		st = shared_make(l, why);
	if (st == ST_OK)
		st = daemon_store_open(l->o->config, dir, l->arena, &l->store, why);
	crypto_random_fill(&random, (uint8_t *)&seed, sizeof seed);
	for (size_t i = 0; st == ST_OK && i < l->worker_count; i++)
		st = pipeline_make(l, &l->workers[i], seed, why);
	return st;
}

/* All sockets of an interface, then all let packets in. */
static enum status sources_open(struct live *l, struct fail *why)
{
	enum status st = ST_OK;
	size_t n = 0;

	for (size_t i = 0; i < l->interface_count; i++)
		for (unsigned k = 0; st == ST_OK && k < l->interfaces[i].threads; k++, n++)
			st = source_tap_open(&l->interfaces[i].tap, l->arena, &l->workers[n].source,
					     why);
	for (size_t i = 0; st == ST_OK && i < l->worker_count; i++)
		st = source_start(l->workers[i].source, why);
	return st;
}

static enum status threads_start(struct live *l, struct fail *why)
{
	enum status st = daemon_lines_start(l->lines, why);

	for (size_t i = 0; st == ST_OK && i < l->worker_count; i++) {
		struct live_worker *w = &l->workers[i];

		if (pthread_create(&w->thread, NULL, daemon_live_work, w) != 0)
			return fail_set(why, ST_NOMEM, "no thread for worker %zu", i);
		w->started = true;
	}
	return st;
}

static enum status rules_first(struct live *l, struct fail *why)
{
	const struct rule_set *set;
	enum status st = daemon_live_rules_load(l, &l->rules, why);

	if (st != ST_OK)
		return st;
	set = &l->rules->rules.set;
	if (l->o->loaded != NULL)
		l->o->loaded(l->o->ctx, &l->rules->rules);
	if (l->o->init_errors_fatal && rule_set_failed(set) != 0)
		return fail_set(why, ST_REFUSED, "%zu rules do not load", rule_set_failed(set));
	return ST_OK;
}

static enum status prepare(struct live *l, struct slice dir, struct fail *why)
{
	struct slice socket = l->o->socket.len != 0
				      ? l->o->socket
				      : daemon_control_path(l->o->config, dir, l->arena);
	enum status st = signals_open(l, why);

	if (st == ST_OK)
		st = os_dir_make(NULL, dir, NULL, why);
	if (st == ST_OK)
		st = daemon_outputs_open(l->o->config, dir, false, l->arena, &l->outputs, why);
	if (st == ST_OK)
		st = daemon_live_interfaces(l, why);
	if (st == ST_OK)
		st = workers_make(l, why);
	if (st == ST_OK)
		st = rules_first(l, why);
	if (st == ST_OK)
		st = pipelines_make(l, dir, why);
	if (st == ST_OK)
		st = daemon_reload_new(l, why);
	if (st == ST_OK && socket.len != 0)
		st = daemon_control_open(l, socket, why);
	if (st == ST_OK)
		st = sources_open(l, why);
	if (st == ST_OK)
		st = daemon_live_powers(l, dir, why);
	return st == ST_OK ? threads_start(l, why) : st;
}

/* --- running --- */

static void take_signals(struct live *l)
{
	struct signalfd_siginfo s;

	while (read(l->signals, &s, sizeof s) == (ssize_t)sizeof s) {
		switch (s.ssi_signo) {
		case SIGINT:
		case SIGTERM:
			atomic_store(&l->stop, true);
			break;
		case SIGHUP:
			daemon_lines_reopen(l->lines);
			daemon_reload_begin(l);
			break;
		default:
			daemon_reload_begin(l);
			break;
		}
	}
}

/* How many still work; says once of each why it ended. */
static size_t workers_check(struct live *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->worker_count; i++) {
		struct live_worker *w = &l->workers[i];

		if (atomic_load(&w->state) != LIVE_ENDED) {
			n++;
		} else if (!w->said) {
			w->said = true;
			if (w->why.status != ST_OK)
				daemon_live_say(l, "worker %zu has ended: %s", i, w->why.text);
		}
	}
	return n;
}

static void drain_tell(struct live *l)
{
	uint64_t n;

	if (read(l->tell, &n, sizeof n) < 0)
		return; /* nobody told anything */
}

/* A block of stats.log, when one is due; the last at the end. */
static void write_stats(struct live *l, bool end)
{
	struct wall_ns now = os_clock_wall();
	struct pipeline_stats *sum;

	if (!l->outputs.has_stats || (!end && now.ns < l->stats_due.ns))
		return;
	sum = &l->stats;
	*sum = (struct pipeline_stats){0};
	daemon_live_stats_add(l, NULL, sum);
	daemon_outputs_stats(&l->outputs, sum, now);
	daemon_eve_push(&l->outputs.stats);
	l->stats_due.ns = now.ns + l->stats_ns;
}

static void look_after(struct live *l)
{
	while (!atomic_load(&l->stop) && workers_check(l) != 0) {
		struct pollfd fds[3 + CONTROL_FDS_MAX] = {
			{.fd = l->signals, .events = POLLIN},
			{.fd = l->tell, .events = POLLIN},
			{.fd = daemon_reload_fd(l), .events = POLLIN}};
		size_t n = 3 + daemon_control_fds(l, fds + 3);

		if (poll(fds, n, TURN_MS) < 0 && errno != EINTR) {
			daemon_live_say(l, "cannot wait: %s", strerrordesc_np(errno));
			return;
		}
		take_signals(l);
		drain_tell(l);
		daemon_reload_step(l);
		daemon_control_step(l, fds + 3, n - 3);
		write_stats(l, false);
	}
}

/* --- ending --- */

static void workers_end(struct live *l)
{
	atomic_store(&l->stop, true);
	for (size_t i = 0; i < l->worker_count; i++)
		if (l->workers[i].started)
			source_wake(l->workers[i].source);
	for (size_t i = 0; i < l->worker_count; i++)
		if (l->workers[i].started)
			(void)pthread_join(l->workers[i].thread, NULL); /* they are ours */
}

/* What rules put into sets that are kept: all workers' together. */
static enum status sets_keep(struct live *l, struct fail *why)
{
	const struct detect_rules *rules = l->rules->rules.compiled;
	struct detect_saved *saved;
	enum status st;

	if (!detect_rules_save(rules))
		return ST_OK;
	saved = detect_saved_new(rules, l->arena);
	if (saved == NULL)
		return fail_set(why, ST_NOMEM, "no memory for what sets hold");
	for (size_t i = 0; i < l->worker_count; i++)
		pipeline_take_sets(l->workers[i].pipeline, saved);
	st = daemon_sets_write(saved, l->data_dir, l->arena, why);
	detect_saved_done(saved);
	return st;
}

static enum status finish(struct live *l, struct daemon_live_result *r, struct fail *why)
{
	enum status st = ST_OK;
	struct fail end;
	bool written;

	workers_end(l);
	daemon_reload_stop(l);
	if (r->sensing)
		write_stats(l, true);
	written = daemon_lines_stop(l->lines);
	if (r->sensing)
		st = sets_keep(l, why);
	for (size_t i = 0; i < l->worker_count; i++) {
		struct live_worker *w = &l->workers[i];

		r->packets += atomic_load(&w->counters[LIVE_PACKETS]);
		r->dropped += atomic_load(&w->counters[LIVE_KERNEL_DROPS]);
		r->flows += atomic_load(&w->counters[LIVE_FLOWS]);
		if (w->started && w->why.status != ST_OK && st == ST_OK) {
			st = w->why.status;
			*why = w->why;
		}
		pipeline_free(w->pipeline);
		arena_end(w->handles, w->handles_pool);
		source_close(w->source);
	}
	r->records = daemon_outputs_records(&l->outputs);
	r->lost = l->lines != NULL ? daemon_lines_lost(l->lines) : 0;
	r->lost += daemon_outputs_lost(&l->outputs);
	r->reloads = l->reloads;
	daemon_control_close(l);
	r->stuck = !written;
	if (r->stuck)
		return fail_set(why, ST_IO,
				"events could not be written: the disk, or who reads them, does "
				"not take them");
	if (r->sensing && daemon_outputs_flush(&l->outputs, &end) != ST_OK && st == ST_OK) {
		st = end.status;
		*why = end;
	}
	daemon_outputs_close(&l->outputs);
	for (struct live_rules *next; l->kept != NULL; l->kept = next) {
		next = l->kept->next;
		daemon_live_rules_free(l->kept);
	}
	daemon_live_rules_free(l->rules);
	if (l->signals >= 0)
		(void)close(l->signals);
	if (l->tell >= 0)
		(void)close(l->tell);
	if (l->statm >= 0)
		(void)close(l->statm);
	return st;
}

enum status daemon_live(const struct daemon_live_options *o, struct arena *a,
			struct daemon_live_result *out, struct fail *why)
{
	struct slice dir = daemon_log_dir(o->config, o->dir);
	struct daemon_live_result r = {.eve_path = daemon_path(a, dir, SLICE("eve.json"))};
	struct live *l = ARENA_NEW(a, struct live);
	enum status st, end;
	struct fail ended;

	if (l == NULL)
		return fail_set(why, ST_NOMEM, "no memory for a sensor");
	l->o = o;
	l->arena = a;
	l->signals = l->tell = -1;
	l->statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	l->data_dir = daemon_data_dir(o->config, o->rules.data_dir, dir);
	l->began = os_clock_mono();
	l->stats_ns = (int64_t)config_u64(o->config, "stats.interval", 1, 86400, 8) * TIME_NS_PER_S;
	l->stats_due.ns = os_clock_wall().ns + l->stats_ns;
	st = prepare(l, dir, why);
	r.sensing = st == ST_OK;
	if (st == ST_OK) {
		daemon_live_say(l, "listening on %zu interface%s with %zu worker%s",
				l->interface_count, l->interface_count == 1 ? "" : "s",
				l->worker_count, l->worker_count == 1 ? "" : "s");
		look_after(l);
	}
	end = finish(l, &r, &ended);
	if (st == ST_OK && end != ST_OK) {
		st = end;
		*why = ended;
	}
	*out = r;
	return st;
}
