/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/lines.h - lines of several workers into files, by one thread. Private to the module.
 *
 * A worker has a queue of its own (base/queue.h: a message is a line, its kind the output) and puts
 * whole lines into it; the writer takes them out and writes them. Lines of one worker keep their
 * order. A line that does not fit into what is free is lost and counted: the worker never waits,
 * whatever the disk does.
 */
#ifndef DEW_DAEMON_LINES_H
#define DEW_DAEMON_LINES_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/arena.h"
#include "base/queue.h"
#include "daemon/eve.h"
#include "record/record.h"
#include "sensor/pipeline/pipeline.h"

enum {
	LINES_RING_BYTES = 8 << 20, /* of one worker; a power of two */
	LINES_LINE_MAX = 1 << 20,
	LINES_WORKERS_MAX = 256,
	LINES_END_MS = 3000,
};

struct lines_ring {
	struct queue queue;
	_Alignas(64) _Atomic uint64_t lost; /* lines; written by the worker only */
};

struct lines;

/* One output of one worker: a record_sink's context. */
struct lines_sink {
	struct lines *lines;
	struct lines_ring *ring;
	struct arena_pool *pool; /* of the line being made */
	uint32_t output;
};

struct lines_worker {
	struct lines_ring ring;
	struct arena_pool pool;
	struct lines_sink sinks[PIPELINE_OUTPUTS_MAX];
};

struct lines {
	struct daemon_eve *eves;
	size_t eve_count, worker_count;
	struct lines_worker *workers;
	_Atomic uint64_t written, failed; /* lines; failed: the system refused them */
	_Atomic bool asleep, stop, reopen;
	int wake; /* an eventfd; -1: none */
	pthread_t thread;
	bool started; /* and not joined */
};

/* One ring a worker. The files are the writer's until daemon_lines_stop(). */
MUST_USE enum status daemon_lines_new(struct daemon_eve *eves, size_t eve_count, size_t workers,
				      struct arena *a, struct lines **out, struct fail *why);
MUST_USE enum status daemon_lines_start(struct lines *l, struct fail *why);

/* The sink of one output for one worker: for that worker's thread. */
struct record_sink daemon_lines_sink(struct lines *l, size_t worker, size_t output);

/* By a worker, between batches: the writer looks if it sleeps. */
void daemon_lines_poke(struct lines *l);

/* The files are opened again by their names: whoever moved them away gets new ones. Any thread. */
void daemon_lines_reopen(struct lines *l);

uint64_t daemon_lines_lost(const struct lines *l); /* lines for which a ring had no room */

/* Writes what is there, and ends the thread. No worker may put any more. NULL is fine. False: the
 * system has not taken them for LINES_END_MS; then the thread and all that it uses are left as they
 * are, and the process has to end. */
MUST_USE bool daemon_lines_stop(struct lines *l);

#endif
