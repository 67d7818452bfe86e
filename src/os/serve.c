/* SPDX-License-Identifier: Apache-2.0
 *
 * libmicrohttpd calls back from inside MHD_run(), which only os_serve_turn() calls: first with a
 * request's head, then with pieces of its body, then once more, when it is answered. A request's
 * memory is one arena with a pool of its own, which MHD's last call about it takes down.
 */
#include "os/serve.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/text.h"

enum {
	ANSWER_MEMORY = 64 << 20, /* bytes that answering one request may take */
	PLACE_MAX = 80,		  /* characters of an address */
};

struct os_serve {
	struct MHD_Daemon *daemon;
	size_t body_most;
	void *ctx;
	void (*answer)(void *ctx, const struct os_question *q, struct arena *a,
		       struct os_reply *out);
	unsigned port;
	int epoll;
};

struct request {
	struct arena_pool pool;
	struct arena a;
	struct buf body;
	bool too_long;
};

static enum os_method method_of(const char *z)
{
	static const char *const names[] = {"GET", "HEAD", "POST"};

	for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(z, names[i]) == 0)
			return (enum os_method)i;
	return OS_OTHER;
}

static bool header_add(struct MHD_Response *r, const char *name, const char *value)
{
	return value == NULL || MHD_add_response_header(r, name, value) == MHD_YES;
}

static enum MHD_Result send_reply(struct MHD_Connection *c, const struct os_reply *reply)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(
		reply->body.len, (void *)(uintptr_t)reply->body.ptr, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result result = MHD_NO;

	if (r == NULL)
		return MHD_NO; /* the connection is closed */
	if (header_add(r, MHD_HTTP_HEADER_CONTENT_TYPE, reply->type) &&
	    header_add(r, MHD_HTTP_HEADER_CACHE_CONTROL, reply->cache) &&
	    header_add(r, MHD_HTTP_HEADER_ALLOW, reply->allow))
		result = MHD_queue_response(c, reply->number, r);
	MHD_destroy_response(r);
	return result;
}

static enum MHD_Result refuse(struct MHD_Connection *c)
{
	struct os_reply too_long = {.number = MHD_HTTP_CONTENT_TOO_LARGE,
				    .type = "text/plain",
				    .body = SLICE("the request is too long\n")};

	return send_reply(c, &too_long);
}

/* The head is there: room for what follows. A body that says it is too long is not waited for. */
static enum MHD_Result begin(struct os_serve *s, struct MHD_Connection *c, void **state)
{
	const char *length =
		MHD_lookup_connection_value(c, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
	struct request *r;
	uint64_t n;

	if (length != NULL && !text_u64(slice_of(length), 0, s->body_most, &n))
		return refuse(c);
	r = calloc(1, sizeof *r);
	if (r == NULL)
		return MHD_NO;
	r->pool.budget = ANSWER_MEMORY;
	r->a.pool = &r->pool;
	r->body = buf_in(&r->a);
	*state = r;
	return MHD_YES;
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *c, const char *url,
				  const char *method, const char *version, const char *data,
				  size_t *data_size, void **state)
{
	struct os_serve *s = ctx;
	struct request *r = *state;
	struct os_question q = {.method = method_of(method), .path = slice_of(url)};
	struct os_reply reply = {.number = MHD_HTTP_INTERNAL_SERVER_ERROR};

	if (r == NULL)
		return begin(s, c, state);
	if (*data_size != 0) {
		if (*data_size > s->body_most - r->body.len)
			r->too_long = true;
		else if (!r->too_long)
			buf_add(&r->body, (struct slice){(const uint8_t *)data, *data_size});
		*data_size = 0;
		return MHD_YES;
	}
	if (r->too_long || r->body.full)
		return refuse(c);
	q.body = buf_slice(&r->body);
	s->answer(s->ctx, &q, &r->a, &reply);
	return send_reply(c, &reply);
}

static void on_done(void *ctx, struct MHD_Connection *c, void **state,
		    enum MHD_RequestTerminationCode code)
{
	struct request *r = *state;

	if (r == NULL)
		return;
	arena_reset(&r->a);
	arena_pool_drain(&r->pool);
	free(r);
	*state = NULL;
}

/* "127.0.0.1:80", "[::1]:80": numbers only, nothing is asked of name servers. */
static enum status place_of(struct slice listen, struct sockaddr_storage *out, struct fail *why)
{
	struct addrinfo hints = {.ai_family = AF_UNSPEC,
				 .ai_socktype = SOCK_STREAM,
				 .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE},
			*found = NULL;
	char host[PLACE_MAX], port[8];
	size_t colon = listen.len;
	struct slice left, right;
	uint64_t number;

	while (colon > 0 && listen.ptr[colon - 1] != ':')
		colon--;
	left = slice_part(listen, 0, colon != 0 ? colon - 1 : 0);
	right = slice_from(listen, colon);
	if (left.len >= 2 && left.ptr[0] == '[' && left.ptr[left.len - 1] == ']')
		left = slice_part(left, 1, left.len - 2);
	if (left.len == 0 || left.len >= sizeof host || right.len >= sizeof port ||
	    !text_u64(right, 0, UINT16_MAX, &number))
		goto no;
	memcpy(host, left.ptr, left.len);
	host[left.len] = '\0';
	memcpy(port, right.ptr, right.len);
	port[right.len] = '\0';
	if (getaddrinfo(host, port, &hints, &found) != 0)
		goto no;
	memcpy(out, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	return ST_OK;
no:
	return fail_set(why, ST_INVALID,
			"\"%.*s\" is no place to listen at; say e.g. 127.0.0.1:8080 or [::]:8080",
			SLICE_ARG(slice_part(listen, 0, 80)));
}

static unsigned port_of(struct MHD_Daemon *d)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(d, MHD_DAEMON_INFO_BIND_PORT);

	return info != NULL ? info->port : 0;
}

enum status os_serve_open(const struct os_serve_options *o, struct arena *a, struct os_serve **out,
			  struct fail *why)
{
	struct os_serve *s = ARENA_NEW(a, struct os_serve);
	struct sockaddr_storage at = {0};
	const union MHD_DaemonInfo *info;
	struct MHD_OptionItem tls[3] = {{MHD_OPTION_END, 0, NULL}};
	unsigned flags = MHD_USE_EPOLL;
	enum status st = place_of(o->listen, &at, why);

	if (st != ST_OK)
		return st;
	if (s == NULL)
		return fail_set(why, ST_NOMEM, "no memory for a web server");
	*s = (struct os_serve){.body_most = o->body_most, .ctx = o->ctx, .answer = o->answer};
	if (o->certificate.len != 0) {
		tls[0] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_CERT, 0,
						 arena_copy_z(a, o->certificate)};
		tls[1] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_KEY, 0,
						 arena_copy_z(a, o->key)};
		tls[2] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
		flags |= MHD_USE_TLS;
	}
	if (at.ss_family == AF_INET6)
		flags |= MHD_USE_IPv6;
	(void)signal(SIGPIPE, SIG_IGN); /* a peer that left is no reason to end */
	s->daemon = MHD_start_daemon(
		flags, 0, NULL, NULL, on_request, s, MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&at,
		MHD_OPTION_NOTIFY_COMPLETED, on_done, NULL, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned)OS_SERVE_CONNECTIONS_MAX, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
		o->each_address_most, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)OS_SERVE_SECONDS,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)OS_SERVE_HEAD_MAX, MHD_OPTION_ARRAY,
		tls, MHD_OPTION_END);
	if (s->daemon == NULL)
		return fail_set(why, ST_IO, "cannot listen at %.*s%s: %m",
				SLICE_ARG(slice_part(o->listen, 0, 80)),
				o->certificate.len != 0 ? ", or not with this certificate" : "");
	info = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	s->epoll = info != NULL ? info->epoll_fd : -1;
	s->port = port_of(s->daemon);
	*out = s;
	return ST_OK;
}

void os_serve_close(struct os_serve *s)
{
	if (s == NULL || s->daemon == NULL)
		return;
	MHD_stop_daemon(s->daemon);
	s->daemon = NULL;
}

unsigned os_serve_port(const struct os_serve *s)
{
	return s->port;
}

bool os_serve_turn(struct os_serve *s, struct os_stop *stop)
{
	struct pollfd fds[2] = {{.fd = s->epoll, .events = POLLIN},
				{.fd = stop->fd_plus_1 - 1, .events = POLLIN}};
	unsigned long long wait;
	int ms = -1;

	if (MHD_get_timeout(s->daemon, &wait) == MHD_YES)
		ms = wait > 60000 ? 60000 : (int)wait;
	if (poll(fds, 2, ms) > 0 && fds[1].revents != 0)
		return false;
	return MHD_run(s->daemon) == MHD_YES;
}
