/* SPDX-License-Identifier: Apache-2.0
 * Flows that others saw, to events. One thread: a network's export is a thousandth of its traffic.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/text.h"
#include "crypto/crypto.h"
#include "daemon/collecting.h"
#include "daemon/outputs.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/sandbox.h"
#include "os/signals.h"

enum { TURN_MS = 500, EXPORTERS_S = 60, PORTS_MAX = 64, LAST_TURNS = 1000 };

struct job {
	const struct daemon_collect_options *o;
	struct arena *arena;
	struct slice dir;
	struct daemon_outputs outputs;
	struct collect *collect;
	struct collect_wire *wire;
	struct addr_prefix allowed[COLLECT_ALLOWED_MAX];
	uint16_t ports[PORTS_MAX];
	size_t port_count;
	int signals; /* a signalfd; -1: none */
};

static void say(const struct job *j, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void say(const struct job *j, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (j->o->say == NULL)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap); /* cut short is fine */
	va_end(ap);
	j->o->say(j->o->ctx, text);
}

/* To each output: an eve-log writes it, fast.log passes it over. */
static void put(void *ctx, const struct record *r)
{
	struct job *j = ctx;

	for (size_t i = 0; i < j->outputs.count; i++) {
		struct record_sink sink = daemon_eve_sink(&j->outputs.eves[i]);

		sink.put(sink.ctx, r);
	}
}

/* ---- settings ---- */

static enum status read_allowed(struct job *j, struct fail *why)
{
	if (j->o->allow_count > COLLECT_ALLOWED_MAX)
		return fail_set(why, ST_LIMIT, "more than %d networks of exporters",
				COLLECT_ALLOWED_MAX);
	for (size_t i = 0; i < j->o->allow_count; i++)
		if (!addr_prefix_parse(j->o->allow[i], &j->allowed[i]))
			return fail_set(why, ST_INVALID,
					"\"%.*s\" is no network; say e.g. 192.0.2.0/24",
					SLICE_ARG(j->o->allow[i]));
	return ST_OK;
}

static enum status read_ports(struct job *j, struct fail *why)
{
	j->port_count = j->o->port_count != 0 ? j->o->port_count : daemon_collect_port_count;
	if (j->port_count > PORTS_MAX)
		return fail_set(why, ST_LIMIT, "more than %d ports", PORTS_MAX);
	for (size_t i = 0; i < j->port_count; i++) {
		uint64_t v = j->o->port_count != 0 ? 0 : daemon_collect_ports[i];

		if (v == 0 && !text_u64(j->o->ports[i], 1, UINT16_MAX, &v))
			return fail_set(why, ST_INVALID, "\"%.*s\" is no port",
					SLICE_ARG(j->o->ports[i]));
		j->ports[i] = (uint16_t)v;
	}
	return ST_OK;
}

static enum status collect_make(struct job *j, struct fail *why)
{
	struct crypto_random random = {0};
	struct collect_options o = {.station =
					    config_text(j->o->config, "sensor-name", "collector"),
				    .sink = {j, put},
				    .config = j->o->config,
				    .allowed = j->allowed,
				    .allowed_count = j->o->allow_count};

	if (j->o->file_count == 0) /* a file gives the same events each time */
		crypto_random_fill(&random, (uint8_t *)&o.hash_seed, sizeof o.hash_seed);
	return collect_new(&o, j->arena, &j->collect, why);
}

/* ---- listening ---- */

static enum status or_say(const struct job *j, enum status st, struct fail *why)
{
	if (st != ST_NOTFOUND)
		return st;
	say(j, "%s; going on without", why->text);
	return ST_OK;
}

/* Sockets and files are open: what is left is reading, writing and closing. */
static enum status powers(struct job *j, struct fail *why)
{
	struct slice user = j->o->user, group = j->o->group;
	enum status st = ST_OK;
	unsigned uid, gid;

	if (user.len != 0 || group.len != 0) {
		st = os_sandbox_find(user, group, &uid, &gid, why);
		for (size_t i = 0; st == ST_OK && i < j->outputs.count; i++)
			if (!daemon_eve_chown(&j->outputs.eves[i], uid, gid))
				st = fail_set(why, ST_REFUSED, "cannot give %.*s to the user: %m",
					      SLICE_ARG(j->outputs.eves[i].path));
		if (st == ST_OK)
			st = os_sandbox_user(user, group, OS_SANDBOX_NOTHING, why);
	}
	if (st == ST_OK)
		st = or_say(j, os_sandbox_capabilities(OS_SANDBOX_NOTHING, why), why);
	if (st == ST_OK)
		st = or_say(j, os_sandbox_paths(NULL, 0, &j->dir, 1, why), why);
	if (st == ST_OK)
		st = or_say(j, os_sandbox_calls(why), why);
	return st == ST_OK ? ST_OK : fail_wrap(why, "giving up powers");
}

static enum status listen_open(struct job *j, struct fail *why)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
	static const struct slice usual[] = {{(const uint8_t *)"udp://[::]:4739", 15},
					     {(const uint8_t *)"tcp://[::]:4739", 15}};
	const struct slice *listen = j->o->listen_count != 0 ? j->o->listen : usual;
	size_t n = j->o->listen_count != 0 ? j->o->listen_count : 2;
	struct slice name;
	enum status st =
		os_signals_open(numbers, sizeof numbers / sizeof numbers[0], &j->signals, why);

	if (st == ST_OK)
		st = daemon_collect_wire_open(listen, n, j->arena, &j->wire, why);
	if (st == ST_OK)
		st = powers(j, why);
	for (size_t i = 0; st == ST_OK && daemon_collect_wire_name(j->wire, i, &name); i++)
		say(j, "listening at %.*s", SLICE_ARG(name));
	return st;
}

/* False: it was told to end. */
static bool take_signals(struct job *j)
{
	for (int n; (n = os_signals_take(j->signals)) != 0;) {
		if (n != SIGHUP)
			return false;
		for (size_t i = 0; i < j->outputs.count; i++)
			daemon_eve_reopen(&j->outputs.eves[i]);
	}
	return true;
}

static enum status listen_on(struct job *j, struct fail *why)
{
	struct pollfd fds[1 + COLLECT_FDS_MAX];
	struct mono_ns said = os_clock_mono();

	for (;;) {
		size_t n;

		fds[0] = (struct pollfd){.fd = j->signals, .events = POLLIN};
		n = daemon_collect_wire_fds(j->wire, fds + 1);
		if (poll(fds, n + 1, TURN_MS) < 0 && errno != EINTR)
			return fail_set(why, ST_IO, "cannot wait: %m");
		daemon_collect_wire_step(j->wire, j->collect, fds + 1, n);
		collect_tick(j->collect, os_clock_wall());
		if (os_clock_mono().ns - said.ns >= EXPORTERS_S * TIME_NS_PER_S) {
			collect_say_exporters(j->collect, os_clock_wall());
			said = os_clock_mono();
		}
		for (size_t i = 0; i < j->outputs.count; i++)
			daemon_eve_push(&j->outputs.eves[i]);
		if (!take_signals(j))
			break;
	}
	for (unsigned i = 0; i < LAST_TURNS; i++) { /* what had come before the end */
		size_t n = daemon_collect_wire_fds(j->wire, fds);

		if (poll(fds, n, 0) <= 0)
			break;
		daemon_collect_wire_step(j->wire, j->collect, fds, n);
	}
	collect_finish(j->collect);
	return ST_OK;
}

/* ---- the job ---- */

static void add(struct daemon_collect_result *r, struct job *j)
{
	const struct collect_counters *c = collect_counters(j->collect);
	const struct ipfix_reader_counters *n = collect_reader_counters(j->collect);

	r->messages += c->messages;
	r->refused += c->refused;
	r->flows += c->flows;
	r->anomalies += c->anomalies;
	r->malformed += n->malformed + n->versions;
	r->records += n->records;
	r->lost += n->lost;
	r->undecodable += n->undecodable;
	r->dropped += j->wire != NULL ? daemon_collect_wire_dropped(j->wire) : 0;
}

static enum status read_files(struct job *j, struct daemon_collect_result *r, struct fail *why)
{
	enum status st = ST_OK;

	for (size_t i = 0; st == ST_OK && i < j->o->file_count; i++) {
		struct collecting_file f = {.path = j->o->files[i],
					    .ports = j->ports,
					    .port_count = j->port_count,
					    .progress = &j->o->progress};
		struct daemon_capture k;

		if (i != 0) /* each file is a collector's life of its own */
			st = collect_make(j, why);
		if (st == ST_OK)
			st = daemon_collect_file(&f, j->collect, j->arena, &k, why);
		if (st == ST_OK && k.damage.status != ST_OK)
			say(j, "%.*s: %s; what is before was read", SLICE_ARG(k.name),
			    k.damage.text);
		if (st == ST_OK)
			add(r, j);
	}
	return st;
}

enum status daemon_collect(const struct daemon_collect_options *o, struct arena *a,
			   struct daemon_collect_result *out, struct fail *why)
{
	struct slice dir = daemon_log_dir(o->config, o->dir);
	struct daemon_collect_result r = {.eve_path = daemon_path(a, dir, SLICE("eve.json"))};
	struct job *j = ARENA_NEW(a, struct job);
	enum status st, end;
	struct fail ended;

	if (j == NULL)
		return fail_set(why, ST_NOMEM, "no memory for a collector");
	j->o = o;
	j->arena = a;
	j->dir = dir;
	j->signals = -1;
	st = read_allowed(j, why);
	if (st == ST_OK)
		st = read_ports(j, why);
	if (st == ST_OK)
		st = os_dir_make(NULL, dir, NULL, why);
	if (st == ST_OK)
		st = daemon_outputs_open(o->config, dir, o->file_count != 0, a, &j->outputs, why);
	if (st == ST_OK)
		daemon_outputs_mended(&j->outputs, o->ctx, o->say);
	if (st == ST_OK)
		st = collect_make(j, why);
	if (st == ST_OK && o->file_count == 0)
		st = listen_open(j, why);
	r.collecting = st == ST_OK;
	if (st == ST_OK && o->file_count == 0) {
		st = listen_on(j, why);
		add(&r, j);
	} else if (st == ST_OK) {
		st = read_files(j, &r, why);
	}
	end = r.collecting ? daemon_outputs_flush(&j->outputs, &ended) : ST_OK;
	if (st == ST_OK && end != ST_OK) {
		st = end;
		*why = ended;
	}
	daemon_outputs_close(&j->outputs);
	daemon_collect_wire_close(j->wire);
	if (j->signals >= 0)
		(void)close(j->signals);
	*out = r;
	return st;
}
