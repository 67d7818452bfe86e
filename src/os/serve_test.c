/* SPDX-License-Identifier: Apache-2.0 */
#include "os/serve.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "os/web.h"
#include "test.h"

enum { BODY = 1000 };

/* Says what it was asked: "POST /path 5". */
static void echo(void *ctx, const struct os_question *q, struct arena *a, struct os_reply *out)
{
	static const char *const names[] = {"GET", "HEAD", "POST", "OTHER"};

	*out = (struct os_reply){.number = slice_equal(q->path, SLICE("/nothing")) ? 404 : 200,
				 .type = "text/x.test",
				 .cache = "no-cache",
				 .body = buf_text(a, "%s %.*s %zu %.*s", names[q->method],
						  SLICE_ARG(q->path), q->body.len,
						  SLICE_ARG(slice_part(q->body, 0, 10)))};
}

/* A server in a process of its own. */
struct server {
	pid_t pid;
	unsigned port;
};

static bool server_start(struct server *s)
{
	int fds[2];

	if (pipe(fds) != 0)
		return false;
	(void)fflush(stdout); /* else it is said twice where a sanitizer ends the child */
	s->pid = fork();
	if (s->pid == 0) {
		struct arena_pool pool = {.budget = 1 << 20};
		struct arena a = {.pool = &pool};
		struct os_serve_options o = {
			.listen = SLICE("127.0.0.1:0"), .body_most = BODY, .answer = echo};
		struct os_stop stop = {0};
		struct os_serve *serve = NULL;
		struct fail why;
		unsigned port = 0;

		if (os_stop_open(&stop, &why) == ST_OK &&
		    os_serve_open(&o, &a, &serve, &why) == ST_OK)
			port = os_serve_port(serve);
		else
			printf("# %s\n", why.text);
		if (write(fds[1], &port, sizeof port) != sizeof port || port == 0)
			_exit(1);
		while (os_serve_turn(serve, &stop))
			;
		os_serve_close(serve);
		os_stop_close(&stop);
		arena_reset(&a);
		arena_pool_drain(&pool);
		_exit(0);
	}
	(void)close(fds[1]);
	if (s->pid < 0 || read(fds[0], &s->port, sizeof s->port) != sizeof s->port)
		s->port = 0;
	(void)close(fds[0]);
	return s->port != 0;
}

/* Its exit status. */
static int server_stop(struct server *s)
{
	int status = -1;

	(void)kill(s->pid, SIGTERM);
	return waitpid(s->pid, &status, 0) == s->pid ? status : -1;
}

/* Sends bytes as they are and reads until the server closes, or to `most` bytes. */
static size_t raw(const struct server *s, struct slice bytes, char *out, size_t most)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
				 .sin_port = htons((uint16_t)s->port),
				 .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t n = 0;

	if (fd < 0 || connect(fd, (const struct sockaddr *)&at, sizeof at) != 0 ||
	    send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL) != (ssize_t)bytes.len) {
		(void)close(fd);
		return 0;
	}
	while (n < most - 1) {
		ssize_t got = recv(fd, out + n, most - 1 - n, 0);

		if (got <= 0)
			break;
		n += (size_t)got;
	}
	out[n] = '\0';
	(void)close(fd);
	return n;
}

static void questions_are_answered(struct test *t)
{
	struct arena_pool pool = {.budget = 4 << 20};
	struct arena a = {.pool = &pool};
	struct os_web_ask q = {.most = 1000};
	struct os_web_answer got;
	struct server s;
	struct os_web *web;
	struct fail why;

	EXPECT(t, server_start(&s));
	EXPECT(t, os_web_open((struct slice){NULL, 0}, &a, &web, &why) == ST_OK);
	for (int i = 0; i < 3; i++) { /* over one connection */
		q.url = buf_text(&a, "http://127.0.0.1:%u/a/b?c=d", s.port);
		EXPECT(t, os_web_ask(web, &q, &a, &got, &why) == ST_OK);
		EXPECT_UINT(t, got.number, 200);
		EXPECT_SLICE(t, got.type, SLICE("text/x.test"));
		EXPECT_SLICE(t, got.body, SLICE("GET /a/b 0 "));
		q.body = SLICE("hello");
		EXPECT(t, os_web_ask(web, &q, &a, &got, &why) == ST_OK);
		EXPECT_SLICE(t, got.body, SLICE("POST /a/b 5 hello"));
		q.url = buf_text(&a, "http://127.0.0.1:%u/nothing", s.port);
		q.body = (struct slice){NULL, 0};
		EXPECT(t, os_web_ask(web, &q, &a, &got, &why) == ST_OK);
		EXPECT_UINT(t, got.number, 404);
	}
	q.most = 5;
	EXPECT(t, os_web_ask(web, &q, &a, &got, &why) == ST_LIMIT);
	q.url = SLICE("file:///etc/passwd");
	EXPECT(t, os_web_ask(web, &q, &a, &got, &why) == ST_IO);
	EXPECT_UINT(t, (unsigned)server_stop(&s), 0);
	q.url = buf_text(&a, "http://127.0.0.1:%u/", s.port);
	EXPECT(t, os_web_ask(web, &q, &a, &got, &why) == ST_IO); /* nobody is there */
	os_web_close(web);
	os_web_close(NULL);
	arena_reset(&a);
	arena_pool_drain(&pool);
}

static void a_body_has_a_longest_length(struct test *t)
{
	static uint8_t bytes[BODY + 1];
	struct arena_pool pool = {.budget = 4 << 20};
	struct arena a = {.pool = &pool};
	struct os_web_ask q = {.most = 1000};
	struct os_web_answer got;
	struct server s;
	struct os_web *web;
	struct fail why;
	char out[4000];

	memset(bytes, 'x', sizeof bytes);
	EXPECT(t, server_start(&s));
	EXPECT(t, os_web_open((struct slice){NULL, 0}, &a, &web, &why) == ST_OK);
	q.url = buf_text(&a, "http://127.0.0.1:%u/", s.port);
	for (size_t n = BODY - 1; n <= BODY + 1; n++) {
		q.body = (struct slice){bytes, n};
		EXPECT(t, os_web_ask(web, &q, &a, &got, &why) == ST_OK);
		EXPECT_UINT(t, got.number, n <= BODY ? 200 : 413);
	}
	os_web_close(web);
	/* in pieces, and without saying how long it will be */
	for (unsigned pieces = 2; pieces <= 20; pieces += 9) {
		struct buf b = buf_in(&a);

		buf_add_z(&b, "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
			      "Transfer-Encoding: chunked\r\n\r\n");
		for (unsigned i = 0; i < pieces; i++) {
			buf_add_z(&b, "64\r\n"); /* 100 bytes */
			buf_add(&b, (struct slice){bytes, 100});
			buf_add_z(&b, "\r\n");
		}
		buf_add_z(&b, "0\r\n\r\n");
		EXPECT(t, raw(&s, buf_slice(&b), out, sizeof out) > 0);
		EXPECT(t, strncmp(out, pieces * 100 <= BODY ? "HTTP/1.1 200" : "HTTP/1.1 413",
				  12) == 0);
	}
	EXPECT_UINT(t, (unsigned)server_stop(&s), 0);
	arena_reset(&a);
	arena_pool_drain(&pool);
}

/* What is no HTTP, and who leaves in the middle, do not keep others from being answered. */
static void the_rude_are_survived(struct test *t)
{
	static const char *const words[] = {
		"\r\n\r\n\r\n",
		"GET\r\n\r\n",
		"GET / HTTP/9.9\r\n\r\n",
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzzzz\r\n",
	};
	struct arena_pool pool = {.budget = 4 << 20};
	struct arena a = {.pool = &pool};
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	struct server s;
	struct buf big = buf_in(&a);
	char out[4000];

	EXPECT(t, server_start(&s));
	at.sin_port = htons((uint16_t)s.port);
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		for (int leave = 0; leave < 2; leave++) {
			int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

			EXPECT(t, fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof at) == 0);
			EXPECT(t, send(fd, words[i], strlen(words[i]), MSG_NOSIGNAL) > 0);
			if (leave) /* with a reset */
				(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0},
						 sizeof(struct linger));
			(void)close(fd);
		}
	/* a head that never ends */
	buf_add_z(&big, "GET / HTTP/1.1\r\n");
	for (int i = 0; i < 20000; i++)
		buf_add_fmt(&big, "X-%d: aaaaaaaaaa\r\n", i);
	(void)raw(&s, buf_slice(&big), out, sizeof out);
	EXPECT(t, raw(&s, SLICE("GET /still HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), out,
		      sizeof out) > 0);
	EXPECT(t, strstr(out, "GET /still 0") != NULL);
	EXPECT(t, raw(&s, SLICE("BREW / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), out,
		      sizeof out) > 0);
	EXPECT(t, strstr(out, "OTHER / 0") != NULL);
	EXPECT_UINT(t, (unsigned)server_stop(&s), 0);
	arena_reset(&a);
	arena_pool_drain(&pool);
}

static void places_are_read(struct test *t)
{
	static const char *const bad[] = {
		"",	   "80",	  "127.0.0.1", "127.0.0.1:",	  ":80", "localhost:80",
		"[::1:80", "127.0.0.1:x", "1.2.3:4:5", "127.0.0.1:999999"};
	struct arena_pool pool = {.budget = 1 << 20};
	struct arena a = {.pool = &pool};
	struct os_serve *s;
	struct fail why;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct os_serve_options o = {.listen = slice_of(bad[i]), .answer = echo};

		if (os_serve_open(&o, &a, &s, &why) != ST_INVALID)
			test_fail(t, __FILE__, __LINE__, "\"%s\" was taken: %s", bad[i], why.text);
	}
	os_serve_close(NULL);
	arena_reset(&a);
	arena_pool_drain(&pool);
}

TESTS(T(questions_are_answered), T(a_body_has_a_longest_length), T(the_rude_are_survived),
      T(places_are_read))
