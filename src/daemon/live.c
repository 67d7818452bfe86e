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
#include <unistd.h>

#include "daemon/guard.h"
#include "daemon/metrics.h"
#include "daemon/sealing.h"
#include "os/clock.h"
#include "os/signals.h"

enum { TURN_MS = 1000, SEALED_TURN_MS = SEALING_TURN_MS, OWN_FDS = 4 };

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
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR2};

	l->tell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->tell < 0)
		return fail_set(why, ST_IO, "cannot wait for workers: %m");
	return os_signals_open(numbers, sizeof numbers / sizeof numbers[0], &l->signals, why);
}

/* Queues of one entry have names of their own. */
static struct slice worker_name(const struct live *l, const struct live_interface *i, unsigned k)
{
	switch (i->kind) {
	case LIVE_QUEUE:
		return buf_text(l->arena, "queue %u", i->queue.number + k);
	case LIVE_BRIDGE:
		return buf_text(l->arena, "%.*s-%.*s", SLICE_ARG(i->name), SLICE_ARG(i->copy_to));
	default:
		return i->name;
	}
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
				.interface = worker_name(l, &l->interfaces[i], k),
				.sides = {l->interfaces[i].name, l->interfaces[i].copy_to}};
	return ST_OK;
}

static enum status source_open(struct live *l, const struct live_interface *i, unsigned k,
			       struct source **out, struct fail *why)
{
	struct source_queue_options q = i->queue;

	if (i->kind == LIVE_TAP)
		return source_tap_open(&i->tap, l->arena, out, why);
	if (i->kind == LIVE_BRIDGE) {
		struct source_bridge_options b = {.side = {i->tap, i->peer->tap},
						  .ring_packets = i->ring_packets,
						  .tap = i->copies_all};

		return source_bridge_open(&b, l->arena, out, why);
	}
	q.number = (uint16_t)(q.number + k); /* live_inline.c has looked that it fits */
	return source_queue_open(&q, l->arena, out, why);
}

/* All sockets of an interface. */
static enum status sources_open(struct live *l, struct fail *why)
{
	enum status st = ST_OK;
	size_t n = 0;

	for (size_t i = 0; i < l->interface_count; i++)
		for (unsigned k = 0; st == ST_OK && k < l->interfaces[i].threads; k++, n++)
			st = source_open(l, &l->interfaces[i], k, &l->workers[n].source, why);
	return st;
}

/* All of them are open: packets come in. */
static enum status sources_start(struct live *l, struct fail *why)
{
	enum status st = ST_OK;

	for (size_t i = 0; st == ST_OK && i < l->worker_count; i++)
		st = source_start(l->workers[i].source, why);
	return st;
}

static enum status threads_start(struct live *l, struct fail *why)
{
	enum status st = daemon_live_writers_start(l, why);

	for (size_t i = 0; st == ST_OK && i < l->worker_count; i++) {
		struct live_worker *w = &l->workers[i];

		if (pthread_create(&w->thread, NULL, daemon_live_work, w) != 0)
			return fail_set(why, ST_NOMEM, "no thread for worker %zu", i);
		w->started = true;
	}
	return st;
}

static enum status tenants_open(struct live *l, struct fail *why)
{
	struct daemon_station station = {.source = l->o->source,
					 .config = l->o->config,
					 .rules = l->o->rules,
					 .dir = l->o->dir,
					 .ctx = l->o->ctx,
					 .say = l->o->say};

	station.rules.always = true;
	return daemon_tenants_open(&station, l->arena, &l->whose, why);
}

static enum status prepare(struct live *l, struct slice dir, struct fail *why)
{
	struct slice socket = l->o->socket.len != 0
				      ? l->o->socket
				      : daemon_control_path(l->o->config, dir, l->arena);
	enum status st = signals_open(l, why);

	daemon_sealing_resume(l->sealing);
	if (st == ST_OK)
		st = tenants_open(l, why);
	if (st == ST_OK)
		st = daemon_live_tenants(l, why);
	if (st == ST_OK)
		st = daemon_reload_new(l, why);
	if (st == ST_OK && socket.len != 0)
		st = daemon_control_open(l, socket, why);
	if (st == ST_OK)
		st = daemon_metrics_open(l, why);
	if (st == ST_OK && !l->in_line)
		st = sources_open(l, why);
	if (st == ST_OK && !l->in_line)
		st = sources_start(l, why);
	if (st == ST_OK && source_raw_open(&l->raw, why) != ST_OK)
		daemon_live_say(l, "%s: rules that reject only drop", why->text);
	if (st == ST_OK)
		st = daemon_sealing_watch_open(l, l->arena, &l->watch, why);
	if (st == ST_OK)
		st = daemon_live_powers(l, why);
	return st == ST_OK ? threads_start(l, why) : st;
}

/* --- running --- */

static void take_signals(struct live *l)
{
	for (int n; (n = os_signals_take(l->signals)) != 0;) {
		switch (n) {
		case SIGINT:
		case SIGTERM:
			atomic_store(&l->stop, true);
			break;
		case SIGHUP:
			daemon_live_reopen(l);
			daemon_reload_begin(l, RELOAD_ALL);
			break;
		default:
			daemon_reload_begin(l, RELOAD_ALL);
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

static void look_after(struct live *l)
{
	while (!atomic_load(&l->stop) && workers_check(l) != 0 && !daemon_guard_gone(l)) {
		struct pollfd fds[OWN_FDS + CONTROL_FDS_MAX + METRICS_FDS_MAX] = {
			{.fd = l->signals, .events = POLLIN},
			{.fd = l->tell, .events = POLLIN},
			{.fd = daemon_reload_fd(l), .events = POLLIN},
			{.fd = daemon_guard_fd(l)}};
		size_t asked = daemon_control_fds(l, fds + OWN_FDS);
		struct pollfd *scraped = fds + OWN_FDS + asked;
		size_t n = daemon_metrics_fds(l, scraped);

		if (poll(fds, OWN_FDS + asked + n, l->sealing != NULL ? SEALED_TURN_MS : TURN_MS) <
			    0 &&
		    errno != EINTR) {
			daemon_live_say(l, "cannot wait: %s", strerrordesc_np(errno));
			return;
		}
		take_signals(l);
		drain_tell(l);
		daemon_reload_step(l);
		daemon_guard_mark(l);
		daemon_control_step(l, fds + OWN_FDS, asked);
		daemon_metrics_step(l, scraped, n);
		daemon_live_stats_write(l, false);
		daemon_sealing_watch_look(l->watch);
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

/* All that was said is in the log, and that this is the end. */
static void sealing_end(struct live *l)
{
	daemon_sealing_watch_close(l->watch);
	if (!daemon_sealing_end(l->sealing, daemon_sealing_main_lane(l->sealing)))
		daemon_live_say(l, "not all events are in the station's log");
}

static enum status finish(struct live *l, struct daemon_live_result *r, struct fail *why)
{
	enum status st = ST_OK;
	struct fail end;
	bool written;

	workers_end(l);
	if (r->sensing)
		sealing_end(l);
	daemon_reload_stop(l);
	if (r->sensing)
		daemon_live_stats_write(l, true);
	written = daemon_live_writers_stop(l);
	if (l->tenant_count != 0)
		daemon_export_counters(l->tenants[0].export, &r->export);
	if (r->sensing)
		st = daemon_live_sets_keep(l, why);
	for (size_t i = 0; i < l->worker_count; i++) {
		struct live_worker *w = &l->workers[i];

		r->packets += atomic_load(&w->counters[LIVE_PACKETS]);
		r->dropped += atomic_load(&w->counters[LIVE_KERNEL_DROPS]);
		r->flows += atomic_load(&w->counters[LIVE_FLOWS]);
		if (w->started && w->why.status != ST_OK && st == ST_OK) {
			st = w->why.status;
			*why = w->why;
		}
		source_close(w->source);
	}
	for (size_t i = 0; i < l->tenant_count; i++)
		r->reloads += l->tenants[i].reloads;
	r->records = daemon_tenants_records(&l->whose);
	r->lost = daemon_live_lost(l) + daemon_tenants_lost(&l->whose);
	r->tenants = daemon_tenants_configs(&l->whose, l->arena, &r->tenant_count);
	daemon_control_close(l);
	daemon_metrics_close(l);
	source_raw_close(&l->raw);
	r->stuck = !written;
	if (r->stuck)
		return fail_set(why, ST_IO,
				"events could not be written: the disk, or who reads them, does "
				"not take them");
	if (r->sensing && daemon_tenants_flush(&l->whose, &end) != ST_OK && st == ST_OK) {
		st = end.status;
		*why = end;
	}
	daemon_tenants_close(&l->whose);
	daemon_live_tenants_free(l);
	if (l->signals >= 0)
		(void)close(l->signals);
	if (l->tell >= 0)
		(void)close(l->tell);
	if (l->statm >= 0)
		(void)close(l->statm);
	return st;
}

/* Before there is anything that another process should not have. */
static enum status sealing_open(struct live *l, struct slice dir, struct fail *why)
{
	struct config *c = l->o->config;
	struct slice *places = ARENA_ARRAY(l->arena, struct slice, l->interface_count + 1);
	struct sealing_options o = {
		.config = c,
		.dir = dir,
		.station = config_text(c, "sensor-name", ""),
		.lanes = l->worker_count + 1,
		.live = true,
		.user = l->o->user.len != 0 ? l->o->user : config_text(c, "run-as.user", ""),
		.group = l->o->group.len != 0 ? l->o->group : config_text(c, "run-as.group", ""),
		.places = places,
		.place_count = l->interface_count,
		.mode = l->in_line ? "in line" : "listening",
		.ctx = l->o->ctx,
		.say = l->o->say};

	if (places == NULL)
		return fail_set(why, ST_NOMEM, "no memory for interfaces");
	for (size_t i = 0; i < l->interface_count; i++)
		places[i] = l->interfaces[i].name;
	if (o.station.len == 0)
		o.station = places[0];
	return daemon_sealing_open(&o, l->arena, &l->sealing, why);
}

/* The rules that are in use, by name and hash. */
void daemon_live_sealing_rules(struct live *l, const struct live_tenant *t)
{
	const struct daemon_rules *r = &t->rules->rules;

	for (size_t i = 0; l->sealing != NULL && i < r->file_count; i++) {
		struct sealing_input in = {.what = SLICE("rules"),
					   .name = r->files[i].name,
					   .bytes = r->files[i].text.len};

		memcpy(in.sha256, r->files[i].sha256, sizeof in.sha256);
		daemon_sealing_input(l->sealing, daemon_sealing_main_lane(l->sealing), &in);
	}
}

static void sealing_begin(struct live *l)
{
	daemon_sealing_begin(l->sealing, daemon_sealing_main_lane(l->sealing));
	for (size_t i = 0; i < l->tenant_count; i++)
		if (l->tenants[i].tenant->says == l->tenants[0].tenant)
			daemon_live_sealing_rules(l, &l->tenants[i]);
}

/* In the line: from here on there are two processes. */
static enum status divide(struct live *l, struct slice dir, struct daemon_live_result *r,
			  struct fail *why)
{
	enum status st = l->o->queue_count != 0 ? daemon_live_queues(l, why)
						: daemon_live_interfaces(l, why);

	if (st == ST_OK)
		st = workers_make(l, why);
	if (st == ST_OK)
		st = sealing_open(l, dir, why);
	if (st != ST_OK || !l->in_line)
		return st;
	st = sources_open(l, why);
	if (st == ST_OK)
		st = daemon_guard_split(l, &r->guarded, &r->code, why);
	for (size_t i = 0; (st != ST_OK || r->guarded) && i < l->worker_count; i++) {
		source_close(l->workers[i].source);
		l->workers[i].source = NULL;
	}
	r->guarded = r->guarded && st == ST_OK;
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
	l->profile = o->profile;
	l->arena = a;
	l->signals = l->tell = -1;
	l->statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	l->began = os_clock_mono();
	st = divide(l, dir, &r, why);
	if (r.guarded) {
		daemon_sealing_close(l->sealing);
		*out = r;
		return st;
	}
	if (st == ST_OK)
		st = prepare(l, dir, why);
	r.sensing = st == ST_OK;
	if (st == ST_OK) {
		daemon_live_say(l, "listening on %zu interface%s with %zu worker%s",
				l->interface_count, l->interface_count == 1 ? "" : "s",
				l->worker_count, l->worker_count == 1 ? "" : "s");
		sealing_begin(l);
		look_after(l);
	}
	end = finish(l, &r, &ended);
	daemon_sealing_close(l->sealing);
	if (st == ST_OK && end != ST_OK) {
		st = end;
		*why = ended;
	}
	*out = r;
	return st;
}
