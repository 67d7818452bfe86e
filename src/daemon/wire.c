/* SPDX-License-Identifier: Apache-2.0
 *
 * The queue is a ring of entries, each four bytes of length and a line.
 *
 * 1. An entry is in the queue as long as its reader has not all of it; `sent` counts the bytes of
 *    the first one that this connection has.
 * 2. A new connection begins with a whole line: sent is 0.
 * 3. Only daemon_wire_put() with `patient`, and daemon_wire_drain(), ever wait. */
#include "daemon/wire.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/text.h"
#include "os/clock.h"

enum { LENGTH = sizeof(uint32_t), RETRY_MS = 1000, HEADER_MAX = 128 };

struct daemon_wire {
	struct daemon_wire_options o;
	struct sockaddr_un address;
	int fd;		     /* -1: nobody is there */
	struct mono_ns next; /* when to try again */
	uint8_t *ring;
	size_t room, begin, used; /* bytes */
	size_t sent;
	uint64_t lost;
};

/* ---- the queue ---- */

static void ring_write(struct daemon_wire *w, struct slice s)
{
	size_t at = (w->begin + w->used) % w->room, first = w->room - at;

	if (first > s.len)
		first = s.len;
	if (s.len == 0)
		return;
	memcpy(w->ring + at, s.ptr, first);
	memcpy(w->ring, s.ptr + first, s.len - first);
	w->used += s.len;
}

static void ring_read(const struct daemon_wire *w, size_t offset, uint8_t *to, size_t n)
{
	size_t at = (w->begin + offset) % w->room, first = w->room - at;

	if (first > n)
		first = n;
	memcpy(to, w->ring + at, first);
	memcpy(to + first, w->ring, n - first);
}

static size_t first_length(const struct daemon_wire *w)
{
	uint32_t n;
	uint8_t bytes[LENGTH];

	ring_read(w, 0, bytes, LENGTH);
	memcpy(&n, bytes, LENGTH);
	return n;
}

static void first_remove(struct daemon_wire *w)
{
	size_t n = LENGTH + first_length(w);

	w->begin = (w->begin + n) % w->room;
	w->used -= n;
	w->sent = 0;
}

/* ---- the connection ---- */

static void disconnect(struct daemon_wire *w)
{
	if (w->fd >= 0)
		(void)close(w->fd);
	w->fd = -1;
	w->sent = 0; /* invariant 2 */
	w->next.ns = os_clock_mono().ns + RETRY_MS * TIME_NS_PER_MS;
}

static bool connected(struct daemon_wire *w)
{
	int type = w->o.datagrams ? SOCK_DGRAM : SOCK_STREAM;

	if (w->fd >= 0)
		return true;
	if (os_clock_mono().ns < w->next.ns)
		return false;
	w->fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (w->fd < 0 ||
	    connect(w->fd, (const struct sockaddr *)&w->address, sizeof w->address) != 0) {
		disconnect(w);
		return false;
	}
	return true;
}

enum sending { SENT, FULL, GONE };

/* Sends what the reader takes of the first line; a datagram is all of it. */
static enum sending send_some(struct daemon_wire *w)
{
	size_t whole = first_length(w), left = whole - w->sent;
	size_t at = (w->begin + LENGTH + w->sent) % w->room, first = w->room - at;
	struct iovec parts[2];
	struct msghdr m = {.msg_iov = parts, .msg_iovlen = 2};
	ssize_t done;

	if (first > left)
		first = left;
	parts[0] = (struct iovec){w->ring + at, first};
	parts[1] = (struct iovec){w->ring, left - first};
	done = sendmsg(w->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (done < 0 && errno == EMSGSIZE) { /* no datagram can hold it */
		w->lost++;
		first_remove(w);
		return SENT;
	}
	if (done < 0)
		return errno == EAGAIN || errno == ENOBUFS || errno == EINTR ? FULL : GONE;
	w->sent += (size_t)done;
	if (w->sent >= whole)
		first_remove(w);
	return SENT;
}

void daemon_wire_push(struct daemon_wire *w)
{
	while (w->used != 0 && connected(w)) {
		enum sending s = send_some(w);

		if (s == GONE)
			disconnect(w);
		if (s != SENT)
			return;
	}
}

/* Until there is room for n more bytes, or patience ends. False: there is not. */
static bool wait_for_room(struct daemon_wire *w, size_t n)
{
	int64_t end = os_clock_mono().ns + DAEMON_WIRE_PATIENCE_MS * TIME_NS_PER_MS;

	for (;;) {
		struct pollfd p = {.fd = w->fd, .events = POLLOUT};
		int64_t left = end - os_clock_mono().ns;

		daemon_wire_push(w);
		if (w->room - w->used >= n)
			return true;
		if (left <= 0 || w->fd < 0)
			return false;
		p.fd = w->fd;
		(void)poll(&p, 1, (int)(left / TIME_NS_PER_MS) + 1); /* pushing tells what it was */
	}
}

/* ---- lines ---- */

/* "<134>Nov 22 03:04:05 name[12]: " */
static size_t header_make(const struct daemon_wire *w, char out[HEADER_MAX])
{
	time_t now = (time_t)(os_clock_wall().ns / TIME_NS_PER_S);
	char at[32] = "";
	struct tm tm;
	int n;

	if (localtime_r(&now, &tm) != NULL)
		(void)strftime(at, sizeof at, "%b %e %H:%M:%S", &tm);
	n = snprintf(out, HEADER_MAX, "<%u>%s %.*s[%d]: ", w->o.priority, at,
		     (int)(w->o.identity.len < 32 ? w->o.identity.len : 32), w->o.identity.ptr,
		     (int)getpid());
	return n > 0 && n < HEADER_MAX ? (size_t)n : 0;
}

bool daemon_wire_put(struct daemon_wire *w, struct slice line)
{
	char text[HEADER_MAX];
	struct slice header = {(const uint8_t *)text, w->o.syslog ? header_make(w, text) : 0};
	uint32_t n;

	if (w->o.datagrams && line.len != 0 && line.ptr[line.len - 1] == '\n')
		line.len--;
	if (line.len + header.len > w->room - LENGTH) {
		w->lost++;
		return false;
	}
	n = (uint32_t)(header.len + line.len);
	if (w->room - w->used < LENGTH + n && (!w->o.patient || !wait_for_room(w, LENGTH + n))) {
		daemon_wire_push(w);
		if (w->room - w->used < LENGTH + n) {
			w->lost++;
			return false;
		}
	}
	ring_write(w, (struct slice){(const uint8_t *)&n, LENGTH});
	ring_write(w, header);
	ring_write(w, line);
	daemon_wire_push(w);
	return true;
}

void daemon_wire_drain(struct daemon_wire *w)
{
	for (unsigned i = 0; i < 2 && w->used != 0; i++) { /* the second time, a new reader */
		w->next.ns = w->fd < 0 ? 0 : w->next.ns;
		daemon_wire_push(w);
	}
	if (w->used != 0 && !wait_for_room(w, w->room)) {
		while (w->used != 0) {
			first_remove(w);
			w->lost++;
		}
		disconnect(w); /* half a line may be under way */
	}
}

uint64_t daemon_wire_lost(const struct daemon_wire *w)
{
	return w->lost;
}

/* ---- life ---- */

enum status daemon_wire_open(const struct daemon_wire_options *o, struct arena *a,
			     struct daemon_wire **out, struct fail *why)
{
	struct daemon_wire *w = ARENA_NEW(a, struct daemon_wire);

	if (w == NULL)
		return fail_set(why, ST_NOMEM, "no memory for a socket's queue");
	w->o = *o;
	w->fd = -1;
	w->room = o->queue_bytes != 0 ? o->queue_bytes : DAEMON_WIRE_QUEUE;
	w->ring = ARENA_ARRAY(a, uint8_t, w->room);
	if (w->ring == NULL)
		return fail_set(why, ST_NOMEM, "no memory for a socket's queue");
	w->address.sun_family = AF_UNIX;
	if (o->path.len == 0 || o->path.len >= sizeof w->address.sun_path)
		return fail_set(why, ST_LIMIT, "%.*s: a socket's path has 1 to %zu bytes",
				SLICE_ARG(o->path), sizeof w->address.sun_path - 1);
	memcpy(w->address.sun_path, o->path.ptr, o->path.len);
	(void)connected(w); /* or later */
	*out = w;
	return ST_OK;
}

void daemon_wire_close(struct daemon_wire *w)
{
	if (w != NULL)
		disconnect(w);
}

/* ---- syslog's words (RFC 5424 6.2.1) ---- */

static bool find(const char *const *words, size_t n, struct slice word, unsigned *out)
{
	for (size_t i = 0; i < n; i++)
		if (words[i] != NULL && slice_equal_nocase(word, slice_of(words[i]))) {
			*out = (unsigned)i;
			return true;
		}
	return false;
}

bool daemon_syslog_facility(struct slice word, unsigned *out)
{
	static const char *const words[] = {
		"kern",	  "user",   "mail",	"daemon", "auth",   "syslog", "lpr",	"news",
		"uucp",	  "cron",   "authpriv", "ftp",	  NULL,	    NULL,     NULL,	NULL,
		"local0", "local1", "local2",	"local3", "local4", "local5", "local6", "local7"};

	return find(words, sizeof words / sizeof words[0], word, out) ||
	       (slice_equal_nocase(word, SLICE("security")) && find(words, 5, SLICE("auth"), out));
}

bool daemon_syslog_level(struct slice word, unsigned *out)
{
	static const char *const words[] = {"emergency", "alert",  "critical", "error",
					    "warning",	 "notice", "info",     "debug"};
	static const char *const others[] = {"emerg", NULL, "crit", "err", "warn"};

	return find(words, sizeof words / sizeof words[0], word, out) ||
	       find(others, sizeof others / sizeof others[0], word, out);
}
