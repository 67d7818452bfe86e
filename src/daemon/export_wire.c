/* SPDX-License-Identifier: Apache-2.0
 *
 * 1. The socket is opened once: a sensor gives up the power to make others. A TCP socket that has
 *    ended is taken apart by connect(AF_UNSPEC) and dialled again.
 * 2. TCP: `loads` are of the messages in the queue, the first of which may be sent in part. What is
 *    in it when a session ends is lost: another session has its own templates and numbers.
 * 3. Nothing waits but put() and drain(), and put() only if patient.
 */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/export.h"
#include "os/clock.h"

enum { RETRY_MS = 1000, LOADS = 1024, SEND_BYTES = 64 << 10 };

enum state { CLOSED, DIALLING, OPEN };

struct waiting {
	size_t bytes; /* of the message that are not sent */
	struct ipfix_load load;
};

struct export_wire {
	struct export_wire_options o;
	struct export_wire_sink sink;
	struct sockaddr_storage address;
	socklen_t address_bytes;
	int fd;
	enum state state;
	bool fresh;
	struct mono_ns next; /* when to dial again */
	uint8_t *queue;
	size_t begin, used;
	struct waiting waiting[LOADS];
	size_t first, count;
	uint64_t refused, connects;
};

/* ---- the session ---- */

static void opened(struct export_wire *w)
{
	w->state = OPEN;
	w->fresh = true;
	w->connects++;
}

static void ended(struct export_wire *w)
{
	w->state = CLOSED;
	w->next.ns = os_clock_mono().ns + RETRY_MS * TIME_NS_PER_MS;
	for (; w->count != 0; w->count--, w->first = (w->first + 1) % LOADS)
		w->sink.lost(w->sink.ctx, &w->waiting[w->first].load);
	w->begin = w->used = 0;
}

static void dial(struct export_wire *w)
{
	static const struct sockaddr nobody = {.sa_family = AF_UNSPEC};

	if (os_clock_mono().ns < w->next.ns)
		return;
	(void)connect(w->fd, &nobody,
		      sizeof nobody); /* invariant 1; there may be nothing to undo */
	if (connect(w->fd, (const struct sockaddr *)&w->address, w->address_bytes) == 0)
		opened(w);
	else if (errno == EINPROGRESS)
		w->state = DIALLING;
	else
		ended(w);
}

/* A collector has nothing to say; that it closes is seen by listening. */
static void listen_for_end(struct export_wire *w)
{
	uint8_t bytes[256];
	ssize_t n = recv(w->fd, bytes, sizeof bytes, MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		ended(w);
}

/* Has dialling come to something? Is there still somebody? */
static void look(struct export_wire *w, int wait_ms)
{
	struct pollfd p = {.fd = w->fd, .events = POLLOUT};
	socklen_t n = sizeof(int);
	int err = 0;

	if (w->state == OPEN && w->o.tcp)
		listen_for_end(w);
	if (w->state == CLOSED)
		dial(w);
	if (w->state != DIALLING || poll(&p, 1, wait_ms) <= 0)
		return;
	if (getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &err, &n) == 0 && err == 0)
		opened(w);
	else
		ended(w);
}

bool daemon_export_wire_fresh(struct export_wire *w)
{
	bool fresh;

	look(w, 0);
	fresh = w->fresh;
	w->fresh = false;
	return fresh;
}

/* ---- UDP ---- */

static bool send_datagram(struct export_wire *w, struct slice message)
{
	struct pollfd p = {.fd = w->fd, .events = POLLOUT};

	for (unsigned i = 0; i < 3; i++) {
		if (send(w->fd, message.ptr, message.len, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
			return true;
		if (errno == ECONNREFUSED) /* about the one before */
			w->refused++;
		else if (errno != EINTR &&
			 (errno != EAGAIN || !w->o.patient || poll(&p, 1, EXPORT_PATIENCE_MS) <= 0))
			return false;
	}
	return false;
}

/* ---- TCP ---- */

static void sent(struct export_wire *w, size_t n)
{
	w->begin = (w->begin + n) % EXPORT_QUEUE_BYTES;
	w->used -= n;
	while (n != 0) {
		struct waiting *x = &w->waiting[w->first];

		if (x->bytes > n) {
			x->bytes -= n;
			return;
		}
		n -= x->bytes;
		w->first = (w->first + 1) % LOADS;
		w->count--;
	}
}

void daemon_export_wire_push(struct export_wire *w)
{
	while (w->state == OPEN && w->used != 0) {
		size_t first = EXPORT_QUEUE_BYTES - w->begin;
		ssize_t n;

		if (first > w->used)
			first = w->used;
		n = send(w->fd, w->queue + w->begin, first, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n < 0)
			ended(w);
		else
			sent(w, (size_t)n);
	}
}

static bool has_room(const struct export_wire *w, size_t bytes)
{
	return EXPORT_QUEUE_BYTES - w->used >= bytes && w->count < LOADS;
}

/* Until at most `used` bytes are left in the queue, or patience ends. */
static void wait_for(struct export_wire *w, size_t used)
{
	int64_t end = os_clock_mono().ns + EXPORT_PATIENCE_MS * TIME_NS_PER_MS;

	while (w->state == OPEN && (w->used > used || w->count == LOADS)) {
		struct pollfd p = {.fd = w->fd, .events = POLLOUT};
		int64_t left = end - os_clock_mono().ns;

		if (left <= 0)
			return;
		(void)poll(&p, 1, (int)(left / TIME_NS_PER_MS) + 1); /* pushing tells what it was */
		daemon_export_wire_push(w);
	}
}

static bool enqueue(struct export_wire *w, struct slice m, const struct ipfix_load *load)
{
	size_t at, first;

	if (!has_room(w, m.len))
		daemon_export_wire_push(w);
	if (w->o.patient && !has_room(w, m.len))
		wait_for(w, EXPORT_QUEUE_BYTES - m.len);
	if (w->state != OPEN || w->fresh || !has_room(w, m.len))
		return false;
	at = (w->begin + w->used) % EXPORT_QUEUE_BYTES;
	first = EXPORT_QUEUE_BYTES - at < m.len ? EXPORT_QUEUE_BYTES - at : m.len;
	memcpy(w->queue + at, m.ptr, first);
	memcpy(w->queue, m.ptr + first, m.len - first);
	w->used += m.len;
	w->waiting[(w->first + w->count++) % LOADS] = (struct waiting){m.len, *load};
	daemon_export_wire_push(w);
	return true;
}

bool daemon_export_wire_put(struct export_wire *w, struct slice message,
			    const struct ipfix_load *load)
{
	return w->o.tcp ? enqueue(w, message, load) : send_datagram(w, message);
}

void daemon_export_wire_drain(struct export_wire *w)
{
	daemon_export_wire_push(w);
	wait_for(w, 0);
	if (w->o.tcp && w->used != 0)
		ended(w);
}

/* ---- life ---- */

bool daemon_export_wire_connected(const struct export_wire *w)
{
	return !w->o.tcp || w->state == OPEN;
}

uint64_t daemon_export_wire_refused(const struct export_wire *w)
{
	return w->refused;
}

uint64_t daemon_export_wire_connects(const struct export_wire *w)
{
	return w->connects;
}

static enum status resolve(struct export_wire *w, struct arena *a, struct fail *why)
{
	struct addrinfo hints = {.ai_socktype = w->o.tcp ? SOCK_STREAM : SOCK_DGRAM,
				 .ai_flags = AI_NUMERICSERV},
			*found = NULL;
	const char *name = arena_copy_z(a, w->o.address);
	char port[8];
	int err;

	(void)snprintf(port, sizeof port, "%u", (unsigned)w->o.port);
	if (name == NULL)
		return fail_set(why, ST_NOMEM, "no memory for a collector");
	err = getaddrinfo(name, port, &hints, &found);
	if (err != 0)
		return fail_set(why, ST_IO, "collector %s: %s", name, gai_strerror(err));
	memcpy(&w->address, found->ai_addr, found->ai_addrlen);
	w->address_bytes = found->ai_addrlen;
	freeaddrinfo(found);
	return ST_OK;
}

enum status daemon_export_wire_open(const struct export_wire_options *o,
				    struct export_wire_sink sink, struct arena *a,
				    struct export_wire **out, struct fail *why)
{
	struct export_wire *w = ARENA_NEW(a, struct export_wire);
	enum status st;

	if (w == NULL)
		return fail_set(why, ST_NOMEM, "no memory for a collector");
	w->o = *o;
	w->sink = sink;
	w->fd = -1;
	w->queue = o->tcp ? ARENA_ARRAY(a, uint8_t, EXPORT_QUEUE_BYTES) : NULL;
	if (o->tcp && w->queue == NULL)
		return fail_set(why, ST_NOMEM, "no memory for a collector's queue");
	st = resolve(w, a, why);
	if (st != ST_OK)
		return st;
	w->fd = socket(w->address.ss_family,
		       (o->tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (w->fd < 0)
		return fail_set(why, ST_IO, "no socket for collector %.*s: %m",
				SLICE_ARG(o->address));
	if (o->tcp) /* what waits, waits in our queue, where it is known what it is */
		(void)setsockopt(w->fd, SOL_SOCKET, SO_SNDBUF, &(int){SEND_BYTES}, sizeof(int));
	dial(w);
	if (o->tcp && o->patient)
		look(w, EXPORT_PATIENCE_MS);
	if (!o->tcp && w->state != OPEN) {
		(void)close(w->fd);
		return fail_set(why, ST_IO, "collector %.*s cannot be reached",
				SLICE_ARG(o->address));
	}
	*out = w;
	return ST_OK;
}

void daemon_export_wire_close(struct export_wire *w)
{
	if (w != NULL && w->fd >= 0)
		(void)close(w->fd);
	if (w != NULL)
		w->fd = -1;
}
