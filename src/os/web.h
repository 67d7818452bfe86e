/* SPDX-License-Identifier: Apache-2.0
 *
 * os/web.h - questions to web servers, over connections that stay open between them.
 *
 * For logs and witnesses, where the answer's number matters as much as its body; a single file for
 * a person's errand is os/fetch.h. One thread a session.
 */
#ifndef DEW_OS_WEB_H
#define DEW_OS_WEB_H

#include "base/arena.h"
#include "base/slice.h"
#include "base/status.h"

struct os_web; /* a session */

struct os_web_ask {
	struct slice url;  /* http:// or https:// */
	struct slice body; /* ptr not NULL: a POST of it, as text/plain */
	size_t most;	   /* bytes of the answer's body that are taken */
	unsigned seconds;  /* in all; 0: 30 */
};

struct os_web_answer {
	unsigned number;   /* 200, 404, ... */
	struct slice type; /* Content-Type; may be empty */
	struct slice body;
};

/* ca_file: certificates that servers are checked against instead of the system's; empty: those. */
MUST_USE enum status os_web_open(struct slice ca_file, struct arena *a, struct os_web **out,
				 struct fail *why);
void os_web_close(struct os_web *w); /* NULL is fine */

/* Any answer is ST_OK; no redirection is followed. ST_IO: none came. ST_LIMIT: it is too long.
 * Compressed answers come unpacked, and `most` holds for what was unpacked. */
MUST_USE enum status os_web_ask(struct os_web *w, const struct os_web_ask *ask, struct arena *a,
				struct os_web_answer *out, struct fail *why);

#endif
