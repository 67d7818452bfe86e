/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/eve.h - where records go as lines: a file, a local socket, the system's log. Private to
 * the module; one thread.
 *
 * A file is appended to, and begun anew (rotate-interval, rotate-size) or opened again by its name
 * when asked (daemon_eve_reopen()). Sockets and the system's log are daemon/wire.h.
 */
#ifndef DEW_DAEMON_EVE_H
#define DEW_DAEMON_EVE_H

#include "base/arena.h"
#include "base/slice.h"
#include "base/status.h"
#include "base/time.h"
#include "daemon/wire.h"
#include "record/record.h"

enum daemon_eve_form {
	DAEMON_EVE_JSON,
	DAEMON_EVE_FAST, /* alerts, a line of text each: Suricata's fast.log */
};

/* Zero but for path: a file of JSON lines that is appended to. */
struct daemon_eve_options {
	struct slice path; /* of the file, with strftime's formats if it has any; of the socket */
	enum daemon_eve_form form;
	struct slice prefix;			/* of every line */
	const struct daemon_wire_options *wire; /* NULL: a file */
	bool nowhere;				/* filetype null: lines are made and let go */
	bool truncate;				/* append: no */
	uint32_t mode;				/* permissions of a new file; 0: as umask says */
	uint32_t rotate_s;			/* begun anew after so many seconds; 0: never */
	bool rotate_aligned;   /* at full multiples of that (the minute, the hour, the day) */
	uint64_t rotate_bytes; /* moved to NAME.1, NAME.2, ... once it has so many; 0: never */
};

struct daemon_eve {
	struct daemon_eve_options o;
	void *file; /* FILE; NULL: not open, or not a file */
	struct daemon_wire *wire;
	struct slice path; /* of the file as it is called now, in `name` */
	struct arena_pool *pool;
	uint64_t records, bytes;
	bool mended;		  /* a last line had no end: who wrote it was killed */
	struct wall_ns rotate_at; /* 0: never */
	struct fail why;	  /* the first failure; stays */
	char *name;		  /* OS_PATH_MAX bytes */
};

/* Opens a file for appending, made if absent. A last line without its line feed (a process that was
 * killed) is ended first. */
MUST_USE enum status daemon_eve_open(struct daemon_eve *e, struct slice path, struct arena *a,
				     struct fail *why);
/* The same as the options say, which are copied; what they point at must stay. A socket that nobody
 * listens on is no failure: it is tried again. */
MUST_USE enum status daemon_eve_open_as(struct daemon_eve *e, const struct daemon_eve_options *o,
					struct arena *a, struct fail *why);

/* A record as e writes it, with its line feed; nothing for one that it does not. Asks only what is
 * never changed once e is open: any thread. */
void daemon_eve_line(const struct daemon_eve *e, const struct record *r, struct arena *a,
		     struct buf *line);

/* Appends one record, given as record_fields() gave it; the sink takes whole records. A failure is
 * kept and returned by daemon_eve_flush(). */
void daemon_eve_put_fields(struct daemon_eve *e, const struct record_field *fields, size_t n);
struct record_sink daemon_eve_sink(struct daemon_eve *e);

/* Appends one line, with its line feed. False: it is lost; a file's failure is kept, a socket's is
 * counted. */
MUST_USE bool daemon_eve_put_bytes(struct daemon_eve *e, struct slice line);
/* What was put is given to the system: a reader of the file sees it. */
void daemon_eve_push(struct daemon_eve *e);
/* The file is somebody else's from now on. False, and errno: it cannot be given. */
MUST_USE bool daemon_eve_chown(struct daemon_eve *e, unsigned uid, unsigned gid);
/* The file is opened again by its name. If that fails, the old one goes on. */
void daemon_eve_reopen(struct daemon_eve *e);

/* Everything put so far is durable, or, on a socket, sent, as far as its reader takes it. */
MUST_USE enum status daemon_eve_flush(struct daemon_eve *e, struct fail *why);
uint64_t daemon_eve_lost(const struct daemon_eve *e); /* lines that a socket did not take */
/* Only the file's first `bytes` stay, where what was put behind them shall not count. */
void daemon_eve_cut(struct daemon_eve *e, uint64_t bytes);
void daemon_eve_close(struct daemon_eve *e); /* without flushing; zeroed or closed is fine */

#endif
