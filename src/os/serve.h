/* SPDX-License-Identifier: Apache-2.0
 *
 * os/serve.h - a small web server: HTTP/1.1, and HTTPS if it is given a certificate.
 *
 * By libmicrohttpd (docs/decisions/0020). One thread, the caller's: requests are answered one after
 * the other inside os_serve_turn(), so what an answer looks at and what it changes needs no lock.
 * Bounded: connections in all and for each address, bytes of a head and of a body, seconds that a
 * silent peer is waited for. A body is handed over whole or refused (413) before it is kept.
 */
#ifndef DEW_OS_SERVE_H
#define DEW_OS_SERVE_H

#include "base/arena.h"
#include "base/slice.h"
#include "base/status.h"
#include "os/stop.h"

enum {
	OS_SERVE_CONNECTIONS_MAX = 512, /* in all */
	OS_SERVE_SECONDS = 30,		/* that nothing may come */
	OS_SERVE_HEAD_MAX = 32 << 10,	/* bytes that one connection's heads may take */
};

enum os_method { OS_GET, OS_HEAD, OS_POST, OS_OTHER };

struct os_question {
	enum os_method method;
	struct slice
		path; /* unescaped, from "/"; without what follows a "?". No NUL, else anything */
	struct slice body; /* of a POST */
};

struct os_reply {
	unsigned number;   /* 200, 404, ... */
	const char *type;  /* Content-Type; NULL: none */
	const char *cache; /* Cache-Control; NULL: none */
	const char *allow; /* Allow, for 405; NULL: none */
	struct slice body; /* in the arena that was given, or static */
};

struct os_serve_options {
	struct slice listen;	       /* "127.0.0.1:8080", "[::1]:8080"; port 0: any */
	struct slice certificate, key; /* PEM, not file names; empty: plain HTTP */
	size_t body_most;	       /* bytes of a request's body */
	unsigned each_address_most;    /* connections of one address; 0: no such limit */
	void *ctx;
	/* Fills *out; what it points to may live in `a`, which goes when the reply was handed over.
	 */
	void (*answer)(void *ctx, const struct os_question *q, struct arena *a,
		       struct os_reply *out);
};

struct os_serve;

/* Listens from now on. ST_INVALID: not an address and a port, or no certificate. ST_IO. */
MUST_USE enum status os_serve_open(const struct os_serve_options *o, struct arena *a,
				   struct os_serve **out, struct fail *why);
void os_serve_close(struct os_serve *s); /* NULL is fine */

unsigned os_serve_port(const struct os_serve *s);

/* Waits for something to do and does it. False: `stop` was told to end, or the server cannot go on.
 */
MUST_USE bool os_serve_turn(struct os_serve *s, struct os_stop *stop);

#endif
