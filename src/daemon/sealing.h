/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/sealing.h - what a station says goes into its own log, within a second. Private to the
 * module. docs/decisions/0022-sealing.md says why it is so, docs/formats/station.md what is
 * written.
 *
 *	sealing.c	the sensor's side: queues in shared memory, sinks, counters
 *	sealing_work.c	the other process: takes messages, seals, commits, tries again
 *	sealing_say.c	messages: what is in them, read as a stranger's; records made of them
 *	sealing_keep.c	between the two: makes the other process anew when it dies
 *	sealing_watch.c	the sensor's main thread: is there anything that we do not see?
 *
 * The keys that sign are in a process of their own, which parses no packet and opens nothing but
 * its folder. A worker puts what it has to say into its own queue and never waits; what finds no
 * room is counted, and the count is committed. A message stays in its queue until the log that
 * holds it is durable: so a disk that is full, or stands still, costs nothing but time until a
 * queue is full, and the end of the sensor, whatever ends it, costs nothing that was put.
 *
 * Which thread: a lane belongs to one; the rest to the main thread, but for what is atomic.
 */
#ifndef DEW_DAEMON_SEALING_H
#define DEW_DAEMON_SEALING_H

#include <stdatomic.h>

#include "base/arena.h"
#include "base/histogram.h"
#include "base/queue.h"
#include "base/time.h"
#include "record/record.h"
#include "sensor/config/config.h"
#include "sensor/pipeline/pipeline.h"

enum {
	SEALING_MESSAGE_MAX = 256 << 10, /* bytes; a longer event is not sealed, and counted */
	SEALING_QUEUE_BYTES = 8 << 20,	 /* of one lane, unless seal.queue says otherwise */
	SEALING_TURN_MS = 100,		 /* between two commits */
	SEALING_BATCH = 1024,		 /* events of one commit, at most */
	SEALING_LATE_MS = 1000,		 /* from seen to committed: the promise */
	SEALING_WHERE_MAX = 64,		 /* bytes of the name of a place */
	SEALING_LIFE_MS = 1000,		 /* between two signs of the sensor to the other process */
	SEALING_HANG_MS = 5000, /* without one: it is silent. A minimum: seal.alive may be longer */
	SEALING_END_MS = 10000,
};

/* Why something was not seen, or may not be believed. One row of a table in sealing_say.c each. */
enum sealing_reason {
	SEALING_CRASH,	    /* no word of an end before this start */
	SEALING_STOPPED,    /* it was told to end */
	SEALING_HANG,	    /* the sensor gives no sign */
	SEALING_LINK,	    /* an interface without carrier, or down */
	SEALING_GONE,	    /* an interface that is no more */
	SEALING_QUIET,	    /* no packet for so long */
	SEALING_CLOCK_BACK, /* the wall clock against the one that only grows */
	SEALING_CLOCK_AHEAD,
	SEALING_SUSPENDED,   /* the machine slept */
	SEALING_DROPS,	     /* packets for which the kernel had no room */
	SEALING_UNINSPECTED, /* in the line: packets that passed; `detail` says why */
	SEALING_BEHIND,	     /* events that found no room in a queue */
	SEALING_DISK,	     /* the log could not be written */
	SEALING_GARBLED,     /* messages that nobody sends: events that cannot be sealed */
	SEALING_SEALER,	     /* who seals died, and another went on */
	SEALING_REASONS
};

enum sealing_kind { SEALING_ALERT, SEALING_DROP, SEALING_ANOMALY, SEALING_OTHER, SEALING_KINDS };

struct sealing_gap {
	enum sealing_reason reason;
	struct wall_ns from, to;	/* to 0: it goes on */
	uint64_t packets, bytes;	/* 0: not known, or none */
	uint64_t events[SEALING_KINDS]; /* lost */
	struct slice where;		/* an interface, a worker; "": the station */
	const char *detail, *counter;	/* NULL: none */
};

/* What the sensor has done since it began; of all workers. */
struct sealing_life {
	uint64_t packets, bytes, drops, alerts;
};

/* A file that it works with: an `input` record. */
struct sealing_input {
	struct slice what, name;
	uint8_t sha256[32];
	uint64_t bytes, packets;
	struct wall_ns first, last; /* captures */
};

struct sealing;

struct sealing_options {
	struct config *config;	    /* the whole: `seal` is its own */
	struct slice dir;	    /* of logs: where relative names start */
	struct slice station;	    /* unless a record says, or seal.station does */
	size_t lanes;		    /* one a worker, and one for the main thread, the last */
	bool live;		    /* on interfaces: there are times without us. Else captures */
	bool patient;		    /* who finds no room waits: a capture is in no hurry */
	struct slice user, group;   /* whom the other process becomes */
	const struct slice *places; /* interfaces */
	size_t place_count;
	const char *mode; /* "listening", "in line", "captures" */
	void *ctx;
	void (*say)(void *ctx, const char *text); /* may be NULL; also from the other process */
};

/* Makes the other process, if seal.enabled: else *out is NULL, which all functions here take. It
 * has opened the folder when this returns ST_OK. Before there is a second thread, and before there
 * are descriptors that it should not keep. */
MUST_USE enum status daemon_sealing_open(const struct sealing_options *o, struct arena *a,
					 struct sealing **out, struct fail *why);

/* The output of a pipeline of the worker that has this lane, to stand beside the others; false:
 * there is none. */
MUST_USE bool daemon_sealing_output(struct sealing *s, size_t lane, struct pipeline_output *out);

/* By the thread that has the lane. */
void daemon_sealing_gap(struct sealing *s, size_t lane, const struct sealing_gap *g);
void daemon_sealing_input(struct sealing *s, size_t lane, const struct sealing_input *i);
/* The sensor inspects from here on; is alive; was told to end. */
void daemon_sealing_begin(struct sealing *s, size_t lane);
void daemon_sealing_life(struct sealing *s, size_t lane, const struct sealing_life *l);
/* Waits until all that was put is durable, SEALING_END_MS at most. False: it is not. */
MUST_USE bool daemon_sealing_end(struct sealing *s, size_t lane);
/* By a process that has taken over the lanes of one that died. */
void daemon_sealing_resume(struct sealing *s);
/* The other process ends, if nobody else has it, and is waited for. NULL is fine. */
void daemon_sealing_close(struct sealing *s);

size_t daemon_sealing_main_lane(const struct sealing *s);

struct sealing_counters {
	uint64_t sealed, gaps, lives, commits; /* records in the log by this process; commits */
	uint64_t late;		      /* of them: SEALING_LATE_MS and more after they were seen */
	uint64_t lost[SEALING_KINDS]; /* events that found no room */
	uint64_t refused;	      /* messages that could not be sealed */
	uint64_t failures;	      /* times that the disk said no */
	uint64_t deaths;	      /* of the process that seals, each time followed by another */
	uint64_t leaves;	      /* of the log */
	uint64_t queued, queue_bytes; /* on their way now; room */
	int error;		      /* errno of the newest failure; 0: none */
	bool writing;		      /* false: the log cannot be written now */
	bool running;		      /* false: the other process is gone */
};
void daemon_sealing_count(struct sealing *s, struct sealing_counters *out);
/* Nanoseconds from seen to committed, one value an event. */
void daemon_sealing_latency(const struct sealing *s, struct histogram *out);

/* --- what is not seen (sealing_watch.c) --- */

struct sealing_watch;
struct live;
/* Before powers are given up. *out NULL if s is. */
MUST_USE enum status daemon_sealing_watch_open(struct live *l, struct arena *a,
					       struct sealing_watch **out, struct fail *why);
/* Main thread, each SEALING_TURN_MS or so. */
void daemon_sealing_watch_look(struct sealing_watch *w);
/* Gaps that are open are told as far as they have come; nobody looks any more. */
void daemon_sealing_watch_close(struct sealing_watch *w);

#endif
