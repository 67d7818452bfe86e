/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/sealing_work.h - what the files of the process that seals share: sealing_work.c,
 * sealing_take.c, sealing_commit.c. One thread.
 *
 * 1. What was taken from a queue stays in it until the commit that holds it is durable: `tail` is
 *    how far a queue may be written over, `at` how far it was read. A commit that fails goes back
 *    to `tail`, and what was taken is taken again.
 * 2. So whatever a message changes here holds only once it is committed: it is in `next` until
 *    then. What this process has to say by itself is a message, too, in a queue of its own; but for
 *    signs of life, which are due until one is committed.
 * 3. Memory that the sensor can write is copied before it is looked at, and its numbers are held
 *    against our own.
 *
 *	writing		a commit fails		-> not writing
 *	not writing	each second, if the disk has room: the log is opened anew -> writing
 *	either		nobody holds us any more: what is there is committed; that is the end
 */
#ifndef DEW_DAEMON_SEALING_WORK_H
#define DEW_DAEMON_SEALING_WORK_H

#include "daemon/sealing_priv.h"

/* A queue, by numbers that nobody else can write. */
struct view {
	struct queue *queue;
	uint8_t *bytes;
	uint64_t size, tail, at;
};

/* What holds once the batch is durable. */
struct standing {
	bool begun, over;	  /* the sensor inspects; was told to end */
	struct sealing_life life; /* of the newest sign that was committed */
	struct wall_ns life_to;	  /* up to when */
	struct mono_ns life_at;
};

struct work {
	struct sealing *s;
	struct sealing_shared *m;
	struct arena_pool keep_pool, room_pool, record_pool;
	struct arena keep, room; /* for all the time; for a log that is open */
	struct data data;
	struct commit *commit; /* NULL: it cannot be written now */
	bool lent;	       /* because somebody else has it for a moment */
	struct queue own;
	struct view *views; /* of each lane, then of our own queue */
	size_t view_count;
	uint8_t *message; /* SEALING_MESSAGE_MAX */
	struct standing is, next;
	/* the batch */
	struct wall_ns *seen; /* of its events */
	size_t events, records;
	uint64_t gaps, lives, ends;
	struct mono_ns flushed, tried;
	/* how the last run ended */
	struct wall_ns last; /* its last sign; 0: there was none */
	bool last_ended;
	/* what is watched here */
	struct sealing_clock clock;
	struct sealing_life life; /* the newest sign of the sensor */
	struct mono_ns sign;	  /* when it came; 0: none yet */
	struct wall_ns sign_wall;
	bool hanging, dead;
	struct wall_ns broke; /* 0: it did not */
	uint64_t (*lost)[SEALING_KINDS];
	uint64_t unsaid, refused;
	struct wall_ns lost_looked;
};

/* A line for the operator. */
void daemon_sealing_speak(const struct work *w, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* sealing_commit.c: records into the batch, and the batch onto the disk. When the log breaks,
 * w->commit is NULL afterwards and all that was taken is to be taken again. */
void daemon_sealing_own_gap(struct work *w, const struct sealing_gap *g); /* into our own queue */
void daemon_sealing_refuse(struct work *w);				  /* a message is none */
/* False: the log broke. What cannot be sealed is counted, and passed over. */
bool daemon_sealing_add_fields(struct work *w, const struct record_field *fields, size_t n,
			       bool by_party);
bool daemon_sealing_add_record(struct work *w, struct record *r, struct arena *a);
void daemon_sealing_flush(struct work *w);
void daemon_sealing_take_over(struct work *w); /* for one that died */
MUST_USE enum status daemon_sealing_first_open(struct work *w, struct fail *why);
void daemon_sealing_open_again(struct work *w);
void daemon_sealing_lend(struct work *w); /* to who asks, between two batches */

/* sealing_take.c: what messages do. True: there is more than one batch. */
bool daemon_sealing_drain(struct work *w);
void daemon_sealing_add_life(struct work *w, struct arena *a);

#endif
