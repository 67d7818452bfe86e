/* SPDX-License-Identifier: Apache-2.0
 *
 * 1. A worker writes its ring's head and its own counters, the exporter's thread everything else.
 * 2. Who sleeps says so first and looks once more; who puts looks at that after putting (as
 *    lines.c).
 * 3. All that a worker gave is in `told`; of it `full` never came to the thread. What came was put
 *    to each collector, or is in that collector's `lost`.
 */
#include "daemon/export.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/ring.h"
#include "os/clock.h"

enum {
	SLEEP_MS = 200,
	FLUSH_MS = 500, /* how long a message waits to be full */
	PORT_DEFAULT = IPFIX_PORT,
	DATAGRAM_MAX = 65507,	/* over IPv4 */
	MESSAGE_DEFAULT = 1400, /* leaves room for headers in an Ethernet frame */
	TEMPLATE_S_DEFAULT = 300,
	TEMPLATE_MESSAGES_DEFAULT = 1000,
	ACCOUNT_S_DEFAULT = 60,
	WAKE_FLOWS = EXPORT_RING_FLOWS / 16, /* in a ring, at which the thread is woken */
};

#define RING_BYTES (EXPORT_RING_FLOWS * sizeof(struct ipfix_flow))

struct worker {
	struct export *export;
	struct ring ring;
	struct meter_options meter;
	/* Of records for which the ring had no room. */
	_Atomic uint64_t told, full, full_packets, full_octets;
};

struct collector {
	struct export *export;
	struct slice name;
	struct export_wire *wire;
	struct ipfix_writer *writer;
	struct ipfix_load lost;
	_Atomic uint64_t messages, records, octets, lost_flows, refused, connects; /* published */
	_Atomic bool connected;
};

struct export
{
	struct export_options o;
	struct worker *workers;
	struct collector collectors[DAEMON_COLLECTORS_MAX];
	size_t collector_count;
	int64_t account_ns;
	struct wall_ns began;
	struct mono_ns flushed, accounted;
	_Atomic bool asleep, stop;
	int wake; /* an eventfd; -1: none */
	pthread_t thread;
	bool started;
};

/* --- a worker's side --- */

static void wake_up(struct export *e)
{
	uint64_t one = 1;

	if (atomic_exchange(&e->asleep, false) && write(e->wake, &one, sizeof one) < 0)
		return; /* full: it is awake */
}

static void tell(void *ctx, const struct ipfix_flow *f)
{
	struct worker *w = ctx;

	atomic_fetch_add_explicit(&w->told, 1, memory_order_relaxed);
	for (;;) {
		if (ring_push(&w->ring, f)) {
			/* many flows end in one turn of the worker: it does not poke before */
			if (ring_used(&w->ring) == WAKE_FLOWS)
				wake_up(w->export);
			return;
		}
		wake_up(w->export);
		if (!w->export->o.patient)
			break;
		(void)poll(NULL, 0, 1); /* a capture is in no hurry */
	}
	atomic_fetch_add_explicit(&w->full, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&w->full_packets, f->side[0].packets + f->side[1].packets,
				  memory_order_relaxed);
	atomic_fetch_add_explicit(&w->full_octets, f->side[0].octets + f->side[1].octets,
				  memory_order_relaxed);
}

const struct meter_options *daemon_export_meter(struct export *e, size_t worker)
{
	return e != NULL ? &e->workers[worker].meter : NULL;
}

void daemon_export_poke(struct export *e)
{
	if (e != NULL)
		wake_up(e);
}

/* --- the exporter's side --- */

static void add_lost(void *ctx, const struct ipfix_load *load)
{
	struct collector *c = ctx;

	c->lost.flows += load->flows;
	c->lost.packets += load->packets;
	c->lost.octets += load->octets;
	if (load->first.ns != 0 && (c->lost.first.ns == 0 || load->first.ns < c->lost.first.ns))
		c->lost.first = load->first;
	if (load->last.ns > c->lost.last.ns)
		c->lost.last = load->last;
}

static bool put(void *ctx, struct slice message, const struct ipfix_load *load)
{
	struct collector *c = ctx;

	if (daemon_export_wire_put(c->wire, message, load))
		return true;
	add_lost(c, load);
	return false;
}

static uint64_t sum(const struct export *e, size_t at)
{
	uint64_t n = 0;

	for (size_t i = 0; e->workers != NULL && i < e->o.workers; i++) {
		const uint8_t *w = (const uint8_t *)&e->workers[i];

		n += atomic_load_explicit((const _Atomic uint64_t *)(const void *)(w + at),
					  memory_order_relaxed);
	}
	return n;
}

#define SUM(e, member) sum(e, offsetof(struct worker, member))

static void say_account(struct export *e, struct wall_ns now)
{
	for (size_t i = 0; i < e->collector_count; i++) {
		struct collector *c = &e->collectors[i];
		struct ipfix_account a = {
			.observed = SUM(e, told),
			.ignored = e->o.ignored != NULL ? e->o.ignored(e->o.ctx) : 0,
			.not_sent = SUM(e, full) + c->lost.flows,
			.not_sent_packets = SUM(e, full_packets) + c->lost.packets,
			.not_sent_octets = SUM(e, full_octets) + c->lost.octets,
			.lost_first = c->lost.first,
			.lost_last = c->lost.last,
			.begin = e->began};

		ipfix_writer_count(c->writer, &a);
		ipfix_writer_account(c->writer, &a, now);
	}
}

static void publish(struct collector *c)
{
	struct ipfix_account a = {0};

	ipfix_writer_count(c->writer, &a);
	atomic_store_explicit(&c->messages, a.messages, memory_order_relaxed);
	atomic_store_explicit(&c->records, a.records, memory_order_relaxed);
	atomic_store_explicit(&c->octets, a.octets, memory_order_relaxed);
	atomic_store_explicit(&c->lost_flows, c->lost.flows, memory_order_relaxed);
	atomic_store_explicit(&c->refused, daemon_export_wire_refused(c->wire),
			      memory_order_relaxed);
	atomic_store_explicit(&c->connects, daemon_export_wire_connects(c->wire),
			      memory_order_relaxed);
	atomic_store_explicit(&c->connected, daemon_export_wire_connected(c->wire),
			      memory_order_relaxed);
}

/* A session that is new begins with its templates. */
static void sessions_check(struct export *e)
{
	for (size_t i = 0; i < e->collector_count; i++) {
		struct collector *c = &e->collectors[i];
		struct ipfix_load lost;

		if (daemon_export_wire_fresh(c->wire)) {
			ipfix_writer_restart(c->writer, &lost);
			add_lost(c, &lost);
		}
	}
}

static bool drain(struct export *e)
{
	struct wall_ns now = os_clock_wall();
	struct ipfix_flow f;
	bool any = false;

	sessions_check(e);
	for (size_t i = 0; i < e->o.workers; i++)
		/* no more than a ring's worth: others wait, too */
		for (unsigned n = 0; n < EXPORT_RING_FLOWS && ring_pop(&e->workers[i].ring, &f);
		     n++) {
			any = true;
			for (size_t k = 0; k < e->collector_count; k++)
				ipfix_writer_flow(e->collectors[k].writer, &f, now);
		}
	return any;
}

/* What is due by the clock. */
static void serve(struct export *e, bool end)
{
	struct mono_ns mono = os_clock_mono();
	struct wall_ns now = os_clock_wall();
	bool flush = end || mono.ns - e->flushed.ns >= FLUSH_MS * TIME_NS_PER_MS;

	if (end || mono.ns - e->accounted.ns >= e->account_ns) {
		e->accounted = mono;
		say_account(e, now);
		flush = true;
	}
	for (size_t i = 0; i < e->collector_count; i++) {
		struct collector *c = &e->collectors[i];

		if (flush)
			ipfix_writer_flush(c->writer, now);
		if (end)
			daemon_export_wire_drain(c->wire);
		else
			daemon_export_wire_push(c->wire);
		publish(c);
	}
	if (flush)
		e->flushed = mono;
}

static void sleep_until_woken(struct export *e)
{
	struct pollfd p = {.fd = e->wake, .events = POLLIN};
	uint64_t n;

	atomic_store(&e->asleep, true); /* invariant 2 */
	if (drain(e) || atomic_load(&e->stop))
		return;
	if (poll(&p, 1, SLEEP_MS) > 0 && read(e->wake, &n, sizeof n) < 0)
		return; /* somebody else was quicker: then it is empty, which is as good */
}

static void *work(void *ctx)
{
	struct export *e = ctx;

	for (;;) {
		bool stop = atomic_load(&e->stop); /* before looking: nothing comes after it */
		bool any = drain(e);

		serve(e, !any && stop);
		if (!any && stop)
			return NULL;
		if (!any)
			sleep_until_woken(e);
	}
}

/* --- settings --- */

static enum status read_collector(struct export *e, struct config *node, struct arena *a,
				  struct fail *why)
{
	static const char *const protocols[] = {"udp", "tcp", NULL};
	static const char *const times[] = {"milliseconds", "nanoseconds", NULL};
	struct collector *c = &e->collectors[e->collector_count];
	struct export_wire_options wire = {
		.address = config_text(node, "address", ""),
		.port = (uint16_t)config_u64(node, "port", 1, UINT16_MAX, PORT_DEFAULT),
		.tcp = config_word(node, "protocol", protocols, 0) == 1,
		.patient = e->o.patient};
	struct ipfix_writer_options writer = {
		.domain = (uint32_t)config_u64(node, "domain", 0, UINT32_MAX, 1),
		.message_max =
			config_u64(node, "message-size", IPFIX_MESSAGE_LEAST,
				   wire.tcp ? IPFIX_MESSAGE_MAX : DATAGRAM_MAX, MESSAGE_DEFAULT),
		.one_way = !config_bool(node, "both-directions", true),
		.nanoseconds = config_word(node, "times", times, 0) == 1};
	bool v6 = wire.address.len != 0 && memchr(wire.address.ptr, ':', wire.address.len) != NULL;
	enum status st;

	if (wire.address.len == 0)
		return fail_set(why, ST_INVALID,
				"flow-export: a collector has no address; say e.g. address: "
				"192.0.2.1");
	if (!wire.tcp) {
		writer.template_ns =
			TIME_NS_PER_S * (int64_t)config_u64(node, "template-interval", 1, 86400,
							    TEMPLATE_S_DEFAULT);
		writer.template_messages = (uint32_t)config_u64(
			node, "template-messages", 1, UINT32_MAX, TEMPLATE_MESSAGES_DEFAULT);
	}
	c->export = e;
	c->name = buf_text(a, "%s://%s%.*s%s:%u", wire.tcp ? "tcp" : "udp", v6 ? "[" : "",
			   SLICE_ARG(wire.address), v6 ? "]" : "", (unsigned)wire.port);
	c->writer = ipfix_writer_new(&writer, (struct ipfix_writer_sink){c, put}, a);
	if (c->writer == NULL)
		return fail_set(why, ST_NOMEM, "no memory for a collector");
	st = daemon_export_wire_open(&wire, (struct export_wire_sink){c, add_lost}, a, &c->wire,
				     why);
	e->collector_count += st == ST_OK;
	return st;
}

static enum status workers_make(struct export *e, struct config *section, struct arena *a,
				struct fail *why)
{
	int64_t active = (int64_t)config_u64(section, "active-timeout", 1, 86400, 60);
	int64_t idle = (int64_t)config_u64(section, "idle-timeout", 1, 86400, 15);

	e->workers = ARENA_ARRAY(a, struct worker, e->o.workers);
	if (e->workers == NULL)
		return fail_set(why, ST_NOMEM, "no memory for flow export");
	for (size_t i = 0; i < e->o.workers; i++) {
		struct worker *w = &e->workers[i];

		w->export = e;
		w->ring.mask = EXPORT_RING_FLOWS - 1;
		w->ring.slot_size = sizeof(struct ipfix_flow);
		w->ring.slots = arena_bytes_aligned(a, RING_BYTES, _Alignof(struct ipfix_flow));
		w->meter = (struct meter_options){.active_ns = active * TIME_NS_PER_S,
						  .idle_ns = idle * TIME_NS_PER_S,
						  .sink = {w, tell}};
		if (w->ring.slots == NULL)
			return fail_set(why, ST_NOMEM, "no memory for flow export");
	}
	return ST_OK;
}

enum status daemon_export_open(const struct export_options *o, struct arena *a, struct export **out,
			       struct fail *why)
{
	struct config *section = config_at(o->config, "flow-export");
	struct config *list = config_at(section, "collectors");
	enum status st = ST_OK;
	struct export *e;

	*out = NULL;
	if (list == NULL || config_first(list) == NULL || !config_bool(section, "enabled", true))
		return ST_OK;
	e = ARENA_NEW(a, struct export);
	if (e == NULL)
		return fail_set(why, ST_NOMEM, "no memory for flow export");
	*out = e;
	e->o = *o;
	e->began = os_clock_wall();
	e->account_ns = TIME_NS_PER_S * (int64_t)config_u64(section, "account-interval", 1, 86400,
							    ACCOUNT_S_DEFAULT);
	e->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (e->wake < 0)
		return fail_set(why, ST_IO, "cannot wait for flows: %m");
	for (struct config *n = config_first(list); st == ST_OK && n != NULL; n = config_next(n)) {
		if (e->collector_count == DAEMON_COLLECTORS_MAX)
			return fail_set(why, ST_LIMIT, "flow-export: more than %d collectors",
					DAEMON_COLLECTORS_MAX);
		st = read_collector(e, n, a, why);
	}
	return st == ST_OK ? workers_make(e, section, a, why) : st;
}

/* --- life --- */

enum status daemon_export_start(struct export *e, struct fail *why)
{
	if (e == NULL)
		return ST_OK;
	e->flushed = e->accounted = os_clock_mono();
	if (pthread_create(&e->thread, NULL, work, e) != 0)
		return fail_set(why, ST_NOMEM, "no thread for flow export");
	e->started = true;
	return ST_OK;
}

void daemon_export_stop(struct export *e)
{
	uint64_t one = 1;

	if (e == NULL || !e->started)
		return;
	atomic_store(&e->stop, true);
	if (write(e->wake, &one, sizeof one) < 0)
		atomic_store(&e->asleep, false); /* it sleeps SLEEP_MS at most */
	(void)pthread_join(e->thread, NULL);	 /* it is ours, and waits for nobody for ever */
	e->started = false;
}

void daemon_export_close(struct export *e)
{
	if (e == NULL)
		return;
	daemon_export_stop(e);
	for (size_t i = 0; i < e->collector_count; i++)
		daemon_export_wire_close(e->collectors[i].wire);
	if (e->wake >= 0)
		(void)close(e->wake);
	e->wake = -1;
}

uint64_t daemon_export_bytes(const struct export *e)
{
	return e != NULL ? e->o.workers * RING_BYTES : 0;
}

void daemon_export_counters(const struct export *e, struct daemon_export_counters *out)
{
	*out = (struct daemon_export_counters){0};
	if (e == NULL)
		return;
	out->told = SUM(e, told);
	out->full = SUM(e, full);
	out->collectors = e->collector_count;
	for (size_t i = 0; i < e->collector_count; i++) {
		const struct collector *c = &e->collectors[i];

		out->collector[i] = (struct daemon_collector_counters){
			.name = c->name,
			.messages = atomic_load_explicit(&c->messages, memory_order_relaxed),
			.records = atomic_load_explicit(&c->records, memory_order_relaxed),
			.octets = atomic_load_explicit(&c->octets, memory_order_relaxed),
			.lost = atomic_load_explicit(&c->lost_flows, memory_order_relaxed),
			.refused = atomic_load_explicit(&c->refused, memory_order_relaxed),
			.connects = atomic_load_explicit(&c->connects, memory_order_relaxed),
			.connected = atomic_load_explicit(&c->connected, memory_order_relaxed)};
	}
}
