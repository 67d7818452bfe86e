/* SPDX-License-Identifier: Apache-2.0
 *
 * 1. Of a connection, `used` bytes are the beginning of a message that is not whole; who sends what
 *    is no message is closed, since nothing behind it can be found.
 * 2. A datagram is read whole or not at all: room is for the longest.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/text.h"
#include "daemon/collecting.h"
#include "os/clock.h"

enum {
	TURN_MESSAGES = 256,
	TURN_READS = 16,
	SOCKET_BYTES = 8 << 20, /* asked of the kernel: bursts of exporters wait there */
};

struct listener {
	int fd;
	bool tcp;
	uint32_t dropped; /* as the kernel counts, which goes round */
	struct slice name;
};

struct connection {
	int fd; /* -1: none */
	struct ipfix_origin from;
	uint8_t *room; /* IPFIX_MESSAGE_MAX */
	size_t used;
};

struct collect_wire {
	struct listener listeners[COLLECT_LISTENERS_MAX];
	size_t listener_count;
	struct connection connections[COLLECT_CONNECTIONS_MAX];
	uint64_t dropped;
	uint8_t *room;
};

/* ---- addresses ---- */

/* IPv4 in its own form, also where a socket of both versions gives it in IPv6's. */
static struct addr addr_of(const struct sockaddr_storage *from, uint16_t *out_port)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	struct sockaddr_in6 six;
	struct sockaddr_in four;
	uint8_t bytes[16];

	if (from->ss_family == AF_INET) {
		memcpy(&four, from, sizeof four);
		*out_port = ntohs(four.sin_port);
		memcpy(bytes, &four.sin_addr, 4);
		return addr_v4(bytes);
	}
	memcpy(&six, from, sizeof six);
	*out_port = ntohs(six.sin6_port);
	memcpy(bytes, &six.sin6_addr, 16);
	return memcmp(bytes, mapped, sizeof mapped) == 0 ? addr_v4(bytes + 12) : addr_v6(bytes);
}

/* "udp://[::]:4739" to its parts. */
static bool name_parse(struct slice s, bool *out_tcp, struct slice *out_host,
		       struct slice *out_port)
{
	size_t at = s.len;

	*out_tcp = slice_starts(s, SLICE("tcp://"));
	if (!*out_tcp && !slice_starts(s, SLICE("udp://")))
		return false;
	s = slice_from(s, 6);
	at = s.len;
	while (at > 0 && s.ptr[at - 1] != ':')
		at--;
	if (at < 2)
		return false;
	*out_host = slice_part(s, 0, at - 1);
	*out_port = slice_from(s, at);
	if (slice_starts(*out_host, SLICE("[")) && out_host->len > 2 &&
	    slice_ends(*out_host, SLICE("]")))
		*out_host = slice_part(*out_host, 1, out_host->len - 2);
	return out_port->len != 0;
}

static struct slice name_make(const struct listener *l, struct slice host, struct arena *a)
{
	struct sockaddr_storage at = {0};
	socklen_t n = sizeof at;
	uint16_t port = 0;
	bool six = memchr(host.ptr, ':', host.len) != NULL;

	if (getsockname(l->fd, (struct sockaddr *)&at, &n) == 0)
		(void)addr_of(&at, &port);
	return buf_text(a, "%s://%s%.*s%s:%u", l->tcp ? "tcp" : "udp", six ? "[" : "",
			SLICE_ARG(host), six ? "]" : "", (unsigned)port);
}

/* ---- opening ---- */

static enum status listener_open(struct listener *l, struct slice name, struct arena *a,
				 struct fail *why)
{
	struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV},
			*found = NULL;
	struct slice host, port;
	int one = 1, room = SOCKET_BYTES, err;

	if (!name_parse(name, &l->tcp, &host, &port))
		return fail_set(why, ST_INVALID,
				"\"%.*s\" is no place to listen at; say e.g. udp://[::]:4739",
				SLICE_ARG(name));
	hints.ai_socktype = l->tcp ? SOCK_STREAM : SOCK_DGRAM;
	err = getaddrinfo(arena_copy_z(a, host), arena_copy_z(a, port), &hints, &found);
	if (err != 0)
		return fail_set(why, ST_INVALID, "%.*s: %s", SLICE_ARG(name), gai_strerror(err));
	l->fd = socket(found->ai_family, found->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (l->fd >= 0) {
		/* more than asked for is fine, and so is less: what is lost is counted */
		(void)setsockopt(l->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
		(void)setsockopt(l->fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
		if (l->tcp)
			(void)setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
		else
			(void)setsockopt(l->fd, SOL_SOCKET, SO_RXQ_OVFL, &one, sizeof one);
	}
	err = l->fd < 0 || bind(l->fd, found->ai_addr, found->ai_addrlen) != 0 ||
	      (l->tcp && listen(l->fd, COLLECT_CONNECTIONS_MAX) != 0);
	freeaddrinfo(found);
	if (err)
		return fail_set(why, ST_IO, "cannot listen at %.*s: %m", SLICE_ARG(name));
	l->name = name_make(l, host, a);
	return ST_OK;
}

enum status daemon_collect_wire_open(const struct slice *listen, size_t count, struct arena *a,
				     struct collect_wire **out, struct fail *why)
{
	struct collect_wire *w = ARENA_NEW(a, struct collect_wire);
	enum status st = ST_OK;

	if (w == NULL)
		return fail_set(why, ST_NOMEM, "no memory for sockets");
	*out = w;
	for (size_t i = 0; i < COLLECT_CONNECTIONS_MAX; i++)
		w->connections[i].fd = -1;
	w->room = ARENA_ARRAY(a, uint8_t, IPFIX_MESSAGE_MAX);
	if (w->room == NULL)
		return fail_set(why, ST_NOMEM, "no memory for sockets");
	if (count > COLLECT_LISTENERS_MAX)
		return fail_set(why, ST_LIMIT, "more than %d places to listen at",
				COLLECT_LISTENERS_MAX);
	for (size_t i = 0; st == ST_OK && i < count; i++) {
		w->listeners[i].fd = -1;
		w->listener_count++;
		st = listener_open(&w->listeners[i], listen[i], a, why);
		if (st == ST_OK && w->listeners[i].tcp && w->connections[0].room == NULL)
			for (size_t k = 0; k < COLLECT_CONNECTIONS_MAX; k++) {
				w->connections[k].room = ARENA_ARRAY(a, uint8_t, IPFIX_MESSAGE_MAX);
				if (w->connections[k].room == NULL)
					return fail_set(why, ST_NOMEM, "no memory for sockets");
			}
	}
	return st;
}

bool daemon_collect_wire_name(const struct collect_wire *w, size_t i, struct slice *out)
{
	if (i >= w->listener_count)
		return false;
	*out = w->listeners[i].name;
	return true;
}

/* ---- datagrams ---- */

/* The kernel's count of what a socket had no room for comes along with a datagram. */
static void note_dropped(struct collect_wire *w, struct listener *l, struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		uint32_t now;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SO_RXQ_OVFL)
			continue;
		memcpy(&now, CMSG_DATA(c), sizeof now);
		w->dropped += now - l->dropped;
		l->dropped = now;
	}
}

static void datagrams(struct collect_wire *w, struct listener *l, struct collect *collect)
{
	for (unsigned i = 0; i < TURN_MESSAGES; i++) {
		_Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(uint32_t))];
		struct sockaddr_storage from = {0};
		struct iovec v = {w->room, IPFIX_MESSAGE_MAX};
		struct msghdr m = {.msg_name = &from,
				   .msg_namelen = sizeof from,
				   .msg_iov = &v,
				   .msg_iovlen = 1,
				   .msg_control = control,
				   .msg_controllen = sizeof control};
		struct ipfix_origin origin = {0};
		ssize_t n = recvmsg(l->fd, &m, MSG_DONTWAIT);

		if (n < 0)
			return; /* there is none, or the kernel told of an error that is past */
		note_dropped(w, l, &m);
		origin.exporter = addr_of(&from, &origin.port);
		collect_message(collect, &origin, (struct slice){w->room, (size_t)n},
				os_clock_wall());
	}
}

/* ---- connections ---- */

static void connection_end(struct connection *c, struct collect *collect)
{
	(void)close(c->fd); /* nothing was written to it */
	c->fd = -1;
	c->used = 0;
	collect_connection_ended(collect, &c->from);
}

static void connection_take(struct collect_wire *w, const struct listener *l)
{
	struct sockaddr_storage from = {0};
	socklen_t n = sizeof from;
	int fd = accept4(l->fd, (struct sockaddr *)&from, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return; /* whoever knocked is gone */
	for (size_t i = 0; i < COLLECT_CONNECTIONS_MAX; i++) {
		struct connection *c = &w->connections[i];

		if (c->fd >= 0)
			continue;
		c->fd = fd;
		c->from = (struct ipfix_origin){.reliable = true};
		c->from.exporter = addr_of(&from, &c->from.port);
		return;
	}
	(void)close(fd); /* there is no room */
}

/* Whole messages of what is there. False: it is none. */
static bool messages(struct connection *c, struct collect *collect)
{
	struct slice left = {c->room, c->used};
	size_t n;

	while ((n = ipfix_message_bytes(left)) != 0) {
		if (n == SIZE_MAX)
			return false;
		collect_message(collect, &c->from, slice_part(left, 0, n), os_clock_wall());
		left = slice_from(left, n);
	}
	if (left.len != 0)
		memmove(c->room, left.ptr, left.len);
	c->used = left.len;
	return true;
}

static void connection_read(struct connection *c, struct collect *collect)
{
	for (unsigned i = 0; i < TURN_READS; i++) {
		ssize_t n =
			recv(c->fd, c->room + c->used, IPFIX_MESSAGE_MAX - c->used, MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		c->used += n > 0 ? (size_t)n : 0;
		if (n <= 0 || !messages(c, collect)) {
			connection_end(c, collect);
			return;
		}
	}
}

/* ---- all ---- */

size_t daemon_collect_wire_fds(const struct collect_wire *w, struct pollfd *out)
{
	size_t n = 0;

	for (size_t i = 0; i < w->listener_count; i++)
		out[n++] = (struct pollfd){.fd = w->listeners[i].fd, .events = POLLIN};
	for (size_t i = 0; i < COLLECT_CONNECTIONS_MAX; i++)
		if (w->connections[i].fd >= 0)
			out[n++] = (struct pollfd){.fd = w->connections[i].fd, .events = POLLIN};
	return n;
}

void daemon_collect_wire_step(struct collect_wire *w, struct collect *collect,
			      const struct pollfd *fds, size_t n)
{
	for (size_t i = w->listener_count; i < n; i++)
		for (size_t k = 0; fds[i].revents != 0 && k < COLLECT_CONNECTIONS_MAX; k++)
			if (w->connections[k].fd == fds[i].fd) {
				connection_read(&w->connections[k], collect);
				break;
			}
	for (size_t i = 0; i < w->listener_count; i++) {
		if (fds[i].revents == 0)
			continue;
		if (w->listeners[i].tcp)
			connection_take(w, &w->listeners[i]);
		else
			datagrams(w, &w->listeners[i], collect);
	}
}

uint64_t daemon_collect_wire_dropped(const struct collect_wire *w)
{
	return w->dropped;
}

void daemon_collect_wire_close(struct collect_wire *w)
{
	if (w == NULL)
		return;
	for (size_t i = 0; i < w->listener_count; i++)
		if (w->listeners[i].fd >= 0)
			(void)close(w->listeners[i].fd);
	for (size_t i = 0; i < COLLECT_CONNECTIONS_MAX; i++)
		if (w->connections[i].fd >= 0)
			(void)close(w->connections[i].fd);
}
