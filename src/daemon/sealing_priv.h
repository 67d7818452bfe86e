/* SPDX-License-Identifier: Apache-2.0
 * What the files of sealing share, and what its two processes share. */
#ifndef DEW_DAEMON_SEALING_PRIV_H
#define DEW_DAEMON_SEALING_PRIV_H

#include "base/cursor.h"
#include "daemon/commit.h"
#include "daemon/sealing.h"

/* --- shared memory --- */

struct sealing_lane {
	struct queue queue;
	_Alignas(64) _Atomic uint64_t lost[SEALING_KINDS]; /* by who puts */
	_Atomic uint64_t unsaid; /* other messages that found no room: gaps, signs of life */
	_Atomic uint64_t told[SEALING_KINDS]; /* of `lost`, by the other process: said in the log */
};

struct sealing_shared {
	/* by the other process */
	_Atomic uint64_t sealed, gaps, lives, commits, late, refused, failures, leaves;
	_Atomic uint64_t ends;	 /* messages "end" that are durable */
	_Atomic uint64_t deaths; /* of who seals; by who sees to it that there is one */
	_Atomic int sealer;	 /* its process; by itself */
	/* what holds of what is durable, for who comes after one that died: the sensor inspects,
	 * was told to end; its newest sign that was committed */
	_Atomic bool begun, over;
	_Atomic uint64_t packets, bytes, drops, alerts, unsaid_told;
	_Atomic int error;
	_Atomic bool writing;
	_Atomic uint64_t latency_count, latency_sum, latency_most, latency[HISTOGRAM_BUCKETS];
	struct sealing_lane lanes[]; /* by the sensor */
};

struct sealing_settings {
	bool on;
	struct slice folder, key, party, station;
	struct config *node; /* as an eve-log's: which events */
	uint32_t alive_s, quiet_s;
	uint64_t queue_bytes; /* a power of two */
};

struct sealing_sink {
	struct sealing *s;
	size_t lane;
	struct arena_pool pool; /* of the message being made */
};

struct sealing {
	struct sealing_options o;
	struct sealing_settings set;
	struct sealing_shared *shared;
	size_t bytes; /* of it */
	struct sealing_sink *sinks;
	int held;  /* an end of a socket pair: the other process ends when nobody has it */
	int done;  /* the reading end of a pipe that only the other process writes: closed when it
		      ends */
	int child; /* the other process */
	uint64_t ends; /* messages "end" that were put */
	bool gone;     /* it was said that it is */
};

/* --- messages --- */

enum sealing_message {
	SEALING_EVENT = 1,
	SEALING_GAP,
	SEALING_INPUT,
	SEALING_BEGIN,
	SEALING_LIFE,
	SEALING_END
};

/* In front of each: by the clocks of who put it. */
struct sealing_head {
	struct wall_ns seen, put;
	uint32_t kind;	/* of EVENT: enum sealing_kind */
	uint32_t count; /* of EVENT: fields */
};

/* The bytes of a message behind its head, into out. */
void daemon_sealing_pack_fields(const struct record_field *fields, size_t n, struct buf *out);
void daemon_sealing_pack_gap(const struct sealing_gap *g, struct buf *out);
void daemon_sealing_pack_input(const struct sealing_input *i, struct buf *out);
void daemon_sealing_pack_life(const struct sealing_life *l, struct buf *out);

/* Read as a stranger's: whatever the bytes are, what comes out is bounded, lies in them, and holds
 * no control characters. False: nobody here has packed that. */
MUST_USE bool daemon_sealing_unpack_fields(struct slice bytes, size_t count,
					   struct record_field out[RECORD_FIELDS_MAX]);
MUST_USE bool daemon_sealing_unpack_gap(struct slice bytes, struct sealing_gap *out);
MUST_USE bool daemon_sealing_unpack_input(struct slice bytes, struct sealing_input *out);
MUST_USE bool daemon_sealing_unpack_life(struct slice bytes, struct sealing_life *out);

/* --- records of the station about itself --- */

struct sealing_run {
	struct slice party, station;
	const char *mode;
	const struct slice *places;
	size_t place_count;
	uint32_t alive_s;
};

/* False: no memory. */
MUST_USE bool daemon_sealing_gap_record(const struct sealing_gap *g, struct wall_ns now,
					struct arena *a, struct record *out);
MUST_USE bool daemon_sealing_life_record(const struct sealing_life *l, struct wall_ns from,
					 struct wall_ns to, struct arena *a, struct record *out);
MUST_USE bool daemon_sealing_watch_record(const struct sealing_run *run, const char *act,
					  struct wall_ns now, struct arena *a, struct record *out);
MUST_USE bool daemon_sealing_input_record(const struct sealing_input *i, struct wall_ns now,
					  struct arena *a, struct record *out);

/* --- clocks --- */

/* The wall clock against those that only grow. {0}: not looked yet. */
struct sealing_clock {
	bool known;
	int64_t offset; /* wall - mono, ns */
	int64_t asleep; /* since boot, as far as told */
};

enum { SEALING_STEP_MS = 250 }; /* what is less is no gap, until it has become more */

struct sealing_times {
	struct wall_ns wall;
	struct mono_ns mono, boot; /* boot: with the time that the machine slept */
};

/* True: it was set, or the machine slept: *out is the gap. */
MUST_USE bool daemon_sealing_clock_look(struct sealing_clock *c, const struct sealing_times *now,
					struct sealing_gap *out);
struct sealing_times daemon_sealing_now(void);

/* --- the other process --- */

/* ready: told once the folder is open, or why not. Returns when nobody holds us any more. again:
 * goes on for one that died, and says that it did. */
int daemon_sealing_work(struct sealing *s, int held, int ready, bool again);

/* The same, by a child, and by another each time that one dies (sealing_keep.c). */
int daemon_sealing_keep(struct sealing *s, int held, int ready);

#endif
