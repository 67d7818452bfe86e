/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /metrics, and nothing else (RFC 9110, RFC 9112; Connection: close after each answer).
 *
 * 1. Anybody on this machine may connect. A client costs REQUEST_MAX and ANSWER_MAX bytes and
 *    CLIENT_MS; there are CLIENTS of them, and those who come then are closed. Nothing is waited
 * for: what a client does not take stays in its buffer until it does, or its time is over.
 * 2. The text is made once a second at most, whoever asks, and without asking workers.
 * 3. A page of another site, in a browser of this machine, learns nothing: the Host of a request
 * has to be an address or localhost (so no name that was made to point here).
 */
#include "daemon/metrics.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/buf.h"
#include "os/clock.h"

enum {
	CLIENTS = METRICS_FDS_MAX - 1,
	REQUEST_MAX = 4096,
	ANSWER_MAX = 512 << 10,
	CLIENT_MS = 3000,
	TEXT_MS = 1000,
	PORT = 9477,
};

struct client {
	int fd; /* -1: free */
	struct mono_ns since;
	size_t have, len, sent; /* of the request; of the answer, 0: there is none yet */
	char request[REQUEST_MAX];
	uint8_t *answer; /* ANSWER_MAX bytes */
};

struct metrics {
	int fd;
	struct mono_ns made; /* when the text was; 0: never */
	uint8_t *text;	     /* ANSWER_MAX bytes */
	size_t text_len;
	struct client clients[CLIENTS];
};

/* --- HTTP --- */

static struct slice line_of(struct slice *rest)
{
	struct slice line = slice_split(rest, '\n');

	if (slice_ends(line, SLICE("\r")))
		line.len--;
	return line;
}

/* "localhost:9477", "127.0.0.1", "[::1]:9477" */
static bool host_is_ours(struct slice host)
{
	struct addr a;
	struct slice name = host;

	if (slice_starts(host, SLICE("["))) {
		size_t end = slice_find(host, SLICE("]"));

		return end != SIZE_MAX && addr_parse(slice_part(host, 1, end - 1), &a);
	}
	name = slice_part(host, 0, slice_find(host, SLICE(":")));
	return slice_equal_nocase(name, SLICE("localhost")) || addr_parse(name, &a);
}

static bool hosts_are_ours(struct slice headers)
{
	while (headers.ptr != NULL) {
		struct slice value = line_of(&headers), name = slice_split(&value, ':');

		if (slice_equal_nocase(name, SLICE("host")) && !host_is_ours(slice_trim(value)))
			return false;
	}
	return true;
}

static void answer(struct buf *out, const char *status, const char *more, struct slice body,
		   bool with_body)
{
	buf_add_fmt(out,
		    "HTTP/1.1 %s\r\n%sContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
		    "Content-Length: %zu\r\nCache-Control: no-store\r\n"
		    "X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n",
		    status, more, body.len);
	if (with_body)
		buf_add(out, body);
}

struct slice daemon_metrics_answer(struct slice request, struct slice text, struct buf *out)
{
	struct slice rest = request, first = line_of(&rest);
	struct slice method = slice_split(&first, ' '), target = slice_split(&first, ' ');
	bool head = slice_equal(method, SLICE("HEAD"));
	struct slice path = slice_part(target, 0, slice_find(target, SLICE("?")));

	if (!slice_starts(first, SLICE("HTTP/1.")) || target.len == 0)
		answer(out, "400 Bad Request", "", SLICE("this is no request of HTTP/1\n"), true);
	else if (!hosts_are_ours(rest))
		answer(out, "421 Misdirected Request", "",
		       SLICE("ask by address, or as localhost\n"), true);
	else if (!head && !slice_equal(method, SLICE("GET")))
		answer(out, "405 Method Not Allowed", "Allow: GET, HEAD\r\n",
		       SLICE("there is only GET and HEAD\n"), true);
	else if (!slice_equal(path, SLICE("/metrics")))
		answer(out, "404 Not Found", "", SLICE("there is only /metrics\n"), !head);
	else
		answer(out, "200 OK", "", text, !head);
	return buf_slice(out);
}

/* --- clients --- */

static void client_close(struct client *c)
{
	(void)close(c->fd); /* nothing that it did not take matters */
	c->fd = -1;
}

static void client_write(struct client *c)
{
	ssize_t n = send(c->fd, c->answer + c->sent, c->len - c->sent, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		c->sent += (size_t)n;
	if (n < 0 || c->sent == c->len)
		client_close(c);
}

/* The text of now, or of a moment ago. */
static struct slice text_of(struct live *l)
{
	struct metrics *m = l->metrics;
	struct arena_pool pool = {.budget = 4 << 20};
	struct arena a = {.pool = &pool};
	struct buf out = {.ptr = m->text, .room = ANSWER_MAX, .most = ANSWER_MAX};
	struct mono_ns now = os_clock_mono();

	if (m->made.ns == 0 || now.ns - m->made.ns >= TEXT_MS * TIME_NS_PER_MS) {
		daemon_status_prometheus(l, false, &a, &out);
		m->text_len = out.full ? 0 : out.len;
		m->made = now;
		arena_reset(&a);
		arena_pool_drain(&pool);
	}
	return (struct slice){m->text, m->text_len};
}

static void client_read(struct live *l, struct client *c)
{
	ssize_t n = recv(c->fd, c->request + c->have, sizeof c->request - c->have, MSG_DONTWAIT);
	struct buf out = {.ptr = c->answer, .room = ANSWER_MAX, .most = ANSWER_MAX};
	struct slice request;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		client_close(c);
		return;
	}
	c->have += (size_t)n;
	request = (struct slice){(const uint8_t *)c->request, c->have};
	if (slice_find(request, SLICE("\r\n\r\n")) == SIZE_MAX &&
	    slice_find(request, SLICE("\n\n")) == SIZE_MAX) {
		if (c->have == sizeof c->request)
			client_close(c);
		return;
	}
	c->len = daemon_metrics_answer(request, text_of(l), &out).len;
	c->sent = 0;
	if (out.full || c->len == 0)
		client_close(c);
	else
		client_write(c);
}

static void client_add(struct metrics *m)
{
	int fd = accept4(m->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	for (size_t i = 0; fd >= 0 && i < CLIENTS; i++)
		if (m->clients[i].fd < 0) {
			m->clients[i].fd = fd;
			m->clients[i].since = os_clock_mono();
			m->clients[i].have = m->clients[i].len = m->clients[i].sent = 0;
			return;
		}
	if (fd >= 0)
		(void)close(fd); /* too many at once: it may come again */
}

size_t daemon_metrics_fds(const struct live *l, struct pollfd *out)
{
	const struct metrics *m = l->metrics;

	if (m == NULL)
		return 0;
	out[0] = (struct pollfd){.fd = m->fd, .events = POLLIN};
	for (size_t i = 0; i < CLIENTS; i++) {
		const struct client *c = &m->clients[i];

		out[1 + i] = (struct pollfd){.fd = c->fd, .events = c->len != 0 ? POLLOUT : POLLIN};
	}
	return METRICS_FDS_MAX;
}

void daemon_metrics_step(struct live *l, const struct pollfd *fds, size_t n)
{
	struct mono_ns now = os_clock_mono();

	for (size_t i = 1; i < n; i++) {
		struct client *c = &l->metrics->clients[i - 1];

		if (c->fd < 0)
			continue;
		if (fds[i].revents != 0 && c->len != 0)
			client_write(c);
		else if (fds[i].revents != 0)
			client_read(l, c);
		if (c->fd >= 0 && now.ns - c->since.ns > CLIENT_MS * TIME_NS_PER_MS)
			client_close(c);
	}
	if (n != 0 && fds[0].revents != 0)
		client_add(l->metrics);
}

/* --- life --- */

static enum status listen_at(struct metrics *m, const struct addr *a, uint16_t port,
			     struct fail *why)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	bool four = a->family == 4;
	const struct sockaddr *at = four ? (const struct sockaddr *)(const void *)&v4
					 : (const struct sockaddr *)(const void *)&v6;
	int yes = 1;

	memcpy(&v4.sin_addr, a->b, sizeof v4.sin_addr);
	memcpy(&v6.sin6_addr, a->b, sizeof v6.sin6_addr);
	m->fd = socket(four ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (m->fd < 0 || setsockopt(m->fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
	    bind(m->fd, at, four ? sizeof v4 : sizeof v6) != 0 || listen(m->fd, CLIENTS) != 0)
		return fail_set(why, ST_IO, "cannot listen at port %u for metrics: %m", port);
	return ST_OK;
}

static bool is_loopback(const struct addr *a)
{
	static const uint8_t one[16] = {[15] = 1};

	return a->family == 4 ? a->b[0] == 127 : memcmp(a->b, one, sizeof one) == 0;
}

enum status daemon_metrics_open(struct live *l, struct fail *why)
{
	struct config *node = config_at(l->o->config, "metrics");
	struct slice address = config_text(node, "address", "127.0.0.1");
	uint16_t port = (uint16_t)config_u64(node, "port", 1, UINT16_MAX, PORT);
	struct metrics *m;
	struct addr a;

	if (node == NULL || !config_bool(node, "enabled", false))
		return ST_OK;
	if (!addr_parse(address, &a) || !is_loopback(&a))
		return fail_set(why, ST_INVALID,
				"metrics.address: %.*s is not 127.x.x.x or ::1; for others, put a "
				"server in front that asks who they are",
				SLICE_ARG(address));
	m = ARENA_NEW(l->arena, struct metrics);
	if (m == NULL)
		return fail_set(why, ST_NOMEM, "no memory for metrics");
	m->text = arena_bytes(l->arena, ANSWER_MAX);
	for (size_t i = 0; i < CLIENTS; i++) {
		m->clients[i].fd = -1;
		m->clients[i].answer = arena_bytes(l->arena, ANSWER_MAX);
		if (m->clients[i].answer == NULL || m->text == NULL)
			return fail_set(why, ST_NOMEM, "no memory for metrics");
	}
	l->metrics = m;
	return listen_at(m, &a, port, why);
}

void daemon_metrics_close(struct live *l)
{
	struct metrics *m = l->metrics;

	if (m == NULL)
		return;
	for (size_t i = 0; i < CLIENTS; i++)
		if (m->clients[i].fd >= 0)
			client_close(&m->clients[i]);
	if (m->fd >= 0)
		(void)close(m->fd);
	l->metrics = NULL;
}
