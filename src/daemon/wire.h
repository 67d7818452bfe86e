/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/wire.h - lines to another process of this machine: a stream or datagram socket by its
 * path, or the system's log (RFC 3164's form, as syslog(3) sends it). Private to the module; one
 * thread.
 *
 * What the reader does not take at once waits in a queue with a limit; past it lines are lost and
 * counted. Whoever puts a line waits only if the options say so. A reader that went away, or is not
 * there yet, is tried again each second; of a line that was under way the new reader gets all.
 */
#ifndef DEW_DAEMON_WIRE_H
#define DEW_DAEMON_WIRE_H

#include "base/arena.h"
#include "base/slice.h"
#include "base/status.h"

enum {
	DAEMON_WIRE_QUEUE = 4 << 20, /* bytes, by default */
	DAEMON_WIRE_PATIENCE_MS =
		1000, /* how long one line may wait for room; and all, at the end */
};

struct daemon_wire_options {
	struct slice path;
	bool datagrams;	    /* each line is one, without its line feed */
	bool patient;	    /* whoever puts waits for room: who reads a capture is in no hurry */
	size_t queue_bytes; /* 0: DAEMON_WIRE_QUEUE */
	bool syslog;	    /* each line has a header with: */
	unsigned priority;  /* facility * 8 + severity */
	struct slice identity;
};

struct daemon_wire;

/* A reader that is not there is no failure. */
MUST_USE enum status daemon_wire_open(const struct daemon_wire_options *o, struct arena *a,
				      struct daemon_wire **out, struct fail *why);
/* One line, with its line feed. False: lost, and counted. */
bool daemon_wire_put(struct daemon_wire *w, struct slice line);
void daemon_wire_push(struct daemon_wire *w);  /* sends what the reader takes now */
void daemon_wire_drain(struct daemon_wire *w); /* sends all, or what is left is lost */
uint64_t daemon_wire_lost(const struct daemon_wire *w);
void daemon_wire_close(struct daemon_wire *w); /* NULL is fine */

/* "local5", "Info": syslog's words, in either case. False: there is none so called. */
bool daemon_syslog_facility(struct slice word, unsigned *out);
bool daemon_syslog_level(struct slice word, unsigned *out);

#endif
