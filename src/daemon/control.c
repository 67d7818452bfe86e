/* SPDX-License-Identifier: Apache-2.0
 *
 * The socket on which a running sensor is asked: a local stream, one JSON object a line in, one a
 * line out (docs/formats/control.md). Who may connect is a matter of the file's mode: its owner and
 * its group.
 *
 * 1. A client costs at most a line of REQUEST_MAX bytes and CONTROL_ANSWER_MS of our time; one that
 * breaks either is closed.
 * 2. Nothing that a client does reaches a worker but through reload.c, and the request to copy
 *    what rules cost. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/json.h"
#include "daemon/control.h"
#include "daemon/guard.h"
#include "daemon/live.h"

enum {
	CLIENTS = CONTROL_FDS_MAX - 1,
	REQUEST_MAX = 4096,
	ANSWER_MAX = 4 << 20,
};

struct client {
	int fd;	    /* -1: free */
	bool waits; /* for a reload */
	size_t len;
	char line[REQUEST_MAX];
};

struct control {
	int fd; /* -1: not open */
	struct sockaddr_un at;
	struct client clients[CLIENTS];
};

/* --- answers --- */

static void client_close(struct client *c)
{
	(void)close(c->fd); /* nothing that it did not take matters */
	*c = (struct client){.fd = -1};
}

static void answer(struct client *c, struct buf *b)
{
	buf_add_byte(b, '\n');
	if (b->full || !daemon_control_send(c->fd, buf_slice(b)))
		client_close(c);
}

static void answer_text(struct client *c, struct arena *a, bool ok, struct slice text)
{
	struct buf b = buf_in(a);
	struct json j = json_in(&b);

	json_object(&j);
	json_key(&j, "return");
	json_z(&j, ok ? "OK" : "NOK");
	json_member_str(&j, "message", text);
	json_end(&j);
	answer(c, &b);
}

/* --- commands --- */

struct command_call {
	struct live *live;
	struct client *client;
	struct arena *arena;
	uint32_t id; /* the tenant that was named; 0: none */
	const struct control_request *request;
};

static void run_status(struct command_call *k)
{
	struct buf b = buf_in(k->arena);
	struct json j = json_in(&b);

	json_object(&j);
	json_key(&j, "return");
	json_z(&j, "OK");
	json_key(&j, "message");
	daemon_status_json(k->live, k->arena, &j);
	json_end(&j);
	answer(k->client, &b);
}

static void run_prometheus(struct command_call *k)
{
	struct buf b = buf_in(k->arena);

	daemon_status_prometheus(k->live, true, k->arena, &b);
	answer_text(k->client, k->arena, !b.full, buf_slice(&b));
}

static void run_ready(struct command_call *k)
{
	for (size_t i = 0; i < k->live->worker_count; i++)
		if (atomic_load(&k->live->workers[i].state) == LIVE_STARTING) {
			answer_text(k->client, k->arena, false, SLICE("starting"));
			return;
		}
	answer_text(k->client, k->arena, true, SLICE("ready"));
}

static void run_reload(struct command_call *k)
{
	k->client->waits = true;
	daemon_reload_begin(k->live, RELOAD_ALL);
}

static void run_reload_tenants(struct command_call *k)
{
	k->client->waits = true;
	daemon_reload_begin(k->live, RELOAD_TENANTS);
}

static void run_reload_tenant(struct command_call *k)
{
	for (size_t i = 1; i < k->live->tenant_count; i++)
		if (k->live->tenants[i].tenant->id == k->id) {
			k->client->waits = true;
			daemon_reload_begin(k->live, (int)i);
			return;
		}
	answer_text(k->client, k->arena, false, SLICE("no tenant has this id"));
}

static void run_reload_later(struct command_call *k)
{
	daemon_reload_begin(k->live, RELOAD_ALL);
	answer_text(k->client, k->arena, true, SLICE("begun"));
}

/* The rules as they are now, with or without counting what they cost: an exchange as any other. */
static void profile(struct command_call *k, bool on)
{
	atomic_store(&k->live->profile, on);
	run_reload(k);
}

static void run_profile_on(struct command_call *k)
{
	profile(k, true);
}

static void run_profile_off(struct command_call *k)
{
	profile(k, false);
}

static void run_reopen(struct command_call *k)
{
	daemon_live_reopen(k->live);
	answer_text(k->client, k->arena, true, SLICE("done"));
}

static void add_order(struct json *j, const struct throttle_order *o)
{
	json_object(j);
	json_member_u64(j, "id", o->id);
	json_key(j, "target");
	json_z(j, o->target);
	json_member_u64(j, "bits_per_s", o->bits_per_s);
	json_member_u64(j, "seconds", o->seconds);
	json_member_u64(j, "packets", o->seen);
	json_member_u64(j, "bytes", o->seen_bytes);
	json_member_u64(j, "dropped_packets", o->dropped);
	json_member_u64(j, "dropped_bytes", o->dropped_bytes);
	json_key(j, "basis");
	json_z(j, o->basis);
	json_end(j);
}

/* The guardian does it, and says what holds. */
static void throttle(struct command_call *k, const struct throttle_request *r)
{
	struct throttle_answer *said = ARENA_NEW(k->arena, struct throttle_answer);
	struct buf b = buf_in(k->arena);
	struct json j = json_in(&b);
	struct fail why;

	if (said == NULL) {
		answer_text(k->client, k->arena, false, SLICE("no memory"));
		return;
	}
	if (daemon_guard_ask(k->live, r, said, &why) != ST_OK) {
		answer_text(k->client, k->arena, false, slice_of(why.text));
		return;
	}
	json_object(&j);
	json_key(&j, "return");
	json_z(&j, "OK");
	json_key(&j, "message");
	json_array(&j);
	for (uint32_t i = 0; i < said->count; i++)
		add_order(&j, &said->orders[i]);
	json_end(&j);
	json_end(&j);
	answer(k->client, &b);
}

static void run_throttle_add(struct command_call *k)
{
	const struct control_request *q = k->request;
	struct throttle_request r = {.act = THROTTLE_ADD,
				     .order = {.bits_per_s = q->bits_per_s, .seconds = q->seconds}};

	memcpy(r.order.target, q->target, sizeof r.order.target);
	memcpy(r.order.basis, q->basis, sizeof r.order.basis);
	throttle(k, &r);
}

static void run_throttle_remove(struct command_call *k)
{
	throttle(k, &(struct throttle_request){.act = THROTTLE_REMOVE, .order = {.id = k->id}});
}

static void run_throttle_list(struct command_call *k)
{
	throttle(k, &(struct throttle_request){.act = THROTTLE_LIST});
}

static void run_stop(struct command_call *k)
{
	answer_text(k->client, k->arena, true, SLICE("ending"));
	atomic_store(&k->live->stop, true);
}

static const struct {
	const char *name, *also; /* also: what suricatasc says */
	void (*run)(struct command_call *k);
} commands[] = {
	{"status", "dump-counters", run_status},
	{"prometheus", NULL, run_prometheus},
	{"ready", NULL, run_ready},
	{"reload", "ruleset-reload-rules", run_reload},
	{"reload-tenant", NULL, run_reload_tenant},
	{"reload-tenants", NULL, run_reload_tenants},
	{"reload-later", "ruleset-reload-nonblocking", run_reload_later},
	{"profile-on", NULL, run_profile_on},
	{"profile-off", NULL, run_profile_off},
	{"reopen", "reopen-log-files", run_reopen},
	{"throttle-add", NULL, run_throttle_add},
	{"throttle-remove", NULL, run_throttle_remove},
	{"throttle-list", NULL, run_throttle_list},
	{"stop", "shutdown", run_stop},
};

/* {"command":"status"}; a client of Suricata first says {"version":"0.2"}. */
static void request(struct live *l, struct client *c, struct arena *a)
{
	struct control_request r;
	bool asks = daemon_control_parse((struct slice){(const uint8_t *)c->line, c->len}, &r);
	struct command_call k = {l, c, a, r.id, &r};
	size_t i = 0, n = sizeof commands / sizeof commands[0];

	while (asks && i < n && strcmp(commands[i].name, r.name) != 0 &&
	       (commands[i].also == NULL || strcmp(commands[i].also, r.name) != 0))
		i++;
	if (asks && i < n)
		commands[i].run(&k);
	else if (r.greeting)
		answer_text(c, a, true, SLICE("dewline"));
	else
		answer_text(c, a, false,
			    !asks ? SLICE("a request is an object with a command")
				  : SLICE("no such command"));
}

/* --- the main thread's turn --- */

static void client_read(struct live *l, struct client *c, struct arena *a)
{
	ssize_t n = recv(c->fd, c->line + c->len, sizeof c->line - c->len, MSG_DONTWAIT);
	char *end;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		client_close(c);
		return;
	}
	c->len += (size_t)n;
	/* one request at a time; what follows it too early is dropped */
	end = memchr(c->line, '\n', c->len);
	if (end == NULL && c->len == sizeof c->line) {
		client_close(c);
		return;
	}
	if (end == NULL)
		return;
	c->len = (size_t)(end - c->line);
	request(l, c, a);
	c->len = 0;
}

static void client_add(struct control *o)
{
	int fd = accept4(o->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	for (size_t i = 0; fd >= 0 && i < CLIENTS; i++)
		if (o->clients[i].fd < 0) {
			o->clients[i] = (struct client){.fd = fd};
			return;
		}
	if (fd >= 0)
		(void)close(fd); /* too many at once: it may come again */
}

size_t daemon_control_fds(const struct live *l, struct pollfd *out)
{
	const struct control *o = l->control;

	if (o == NULL)
		return 0;
	out[0] = (struct pollfd){.fd = o->fd, .events = POLLIN};
	for (size_t i = 0; i < CLIENTS; i++)
		out[1 + i] = (struct pollfd){.fd = o->clients[i].fd, .events = POLLIN};
	return 1 + CLIENTS;
}

void daemon_control_step(struct live *l, const struct pollfd *fds, size_t n)
{
	struct arena_pool pool = {.budget = ANSWER_MAX};
	struct arena arena = {.pool = &pool};

	for (size_t i = 1; i < n; i++) {
		struct client *c = &l->control->clients[i - 1];

		if (fds[i].revents != 0 && c->fd >= 0)
			client_read(l, c, &arena);
		arena_reset(&arena);
	}
	if (n != 0 && fds[0].revents != 0)
		client_add(l->control);
	arena_pool_drain(&pool);
}

void daemon_control_reloaded(struct live *l, bool ok, struct slice text)
{
	struct arena_pool pool = {.budget = ANSWER_MAX};
	struct arena arena = {.pool = &pool};

	for (size_t i = 0; l->control != NULL && i < CLIENTS; i++) {
		struct client *c = &l->control->clients[i];

		if (c->fd < 0 || !c->waits)
			continue;
		c->waits = false;
		answer_text(c, &arena, ok, text);
	}
	arena_reset(&arena);
	arena_pool_drain(&pool);
}

/* --- life --- */

enum status daemon_control_open(struct live *l, struct slice path, struct fail *why)
{
	struct control *o = ARENA_NEW(l->arena, struct control);
	int other;
	enum status st;

	if (o == NULL)
		return fail_set(why, ST_NOMEM, "no memory for a socket");
	st = daemon_control_address(path, &o->at, why);
	if (st != ST_OK)
		return st;
	other = daemon_control_dial(&o->at);
	if (other >= 0) {
		(void)close(other);
		return fail_set(why, ST_REFUSED, "another sensor answers at %s", o->at.sun_path);
	}
	(void)unlink(o->at.sun_path); /* left by one that was killed, or not there */
	for (size_t i = 0; i < CLIENTS; i++)
		o->clients[i].fd = -1;
	o->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (o->fd < 0 ||
	    bind(o->fd, (const struct sockaddr *)(const void *)&o->at, sizeof o->at) != 0 ||
	    chmod(o->at.sun_path, 0660) != 0 || listen(o->fd, CLIENTS) != 0) {
		st = fail_set(why, ST_IO, "cannot listen at %s: %m", o->at.sun_path);
		if (o->fd >= 0)
			(void)close(o->fd);
		return st;
	}
	l->control = o;
	return ST_OK;
}

enum status daemon_control_chown(struct live *l, unsigned uid, unsigned gid, struct fail *why)
{
	if (l->control == NULL || chown(l->control->at.sun_path, uid, gid) == 0)
		return ST_OK;
	return fail_set(why, ST_REFUSED, "cannot give %s to the user: %m", l->control->at.sun_path);
}

void daemon_control_close(struct live *l)
{
	struct control *o = l->control;

	if (o == NULL)
		return;
	daemon_control_reloaded(l, false, SLICE("the sensor ends"));
	for (size_t i = 0; i < CLIENTS; i++)
		if (o->clients[i].fd >= 0)
			client_close(&o->clients[i]);
	(void)unlink(o->at.sun_path); /* who comes later learns that nobody listens */
	(void)close(o->fd);
	l->control = NULL;
}

struct slice daemon_control_path(struct config *config, struct slice dir, struct arena *a)
{
	struct slice name = config_text(config, "unix-command.filename", "dewline.sock");

	if (!config_bool(config, "unix-command.enabled", true))
		return SLICE("");
	return daemon_path_from(a, dir, name);
}
