/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/store_queue.h - files that rules want, from workers to a file-store (store.h) by a thread
 * of its own: a disk that stands still costs files, not traffic. Private to the module.
 *
 * A worker has a queue of STORE_QUEUE_BYTES. A file of which a piece finds no room is lost, whole,
 * and counted. `stored: true` of an event then means that all of the file is on its way; what the
 * disk refuses later is counted as an error.
 */
#ifndef DEW_DAEMON_STORE_QUEUE_H
#define DEW_DAEMON_STORE_QUEUE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/queue.h"
#include "base/status.h"
#include "sensor/file/file.h"

enum {
	STORE_QUEUE_BYTES = 8 << 20,  /* of one worker; a power of two */
	STORE_QUEUE_PIECE = 64 << 10, /* longer ones are put in several */
	STORE_QUEUE_FILES = 1024,     /* of one worker that are open at once */
	STORE_QUEUE_END_MS = 10000,
};

struct store_queue;

struct store_slot {
	uint32_t id;
	bool lost; /* a piece of it found no room */
	bool owed; /* it is over, and there was no room to say so */
};

struct store_lane {
	struct file_store sink; /* for this worker's pipeline */
	struct store_queue *to;
	struct queue queue;
	struct store_slot slots[STORE_QUEUE_FILES];
	uint16_t free[STORE_QUEUE_FILES];
	uint32_t free_count, owed;
	_Atomic uint64_t lost;	       /* files for which there was no room */
	void *open[STORE_QUEUE_FILES]; /* the thread's: handles of the store, by slot */
};

struct store_queue {
	const struct file_store *store;
	struct store_lane *lanes;
	size_t lane_count;
	pthread_t thread;
	bool started;
	int wake; /* an eventfd; -1: none */
	_Atomic bool asleep, stop;
};

/* store belongs to the thread from daemon_store_queue_start() on. */
MUST_USE enum status daemon_store_queue_new(const struct file_store *store, size_t lanes,
					    struct arena *a, struct store_queue **out,
					    struct fail *why);
MUST_USE enum status daemon_store_queue_start(struct store_queue *q, struct fail *why);
uint64_t daemon_store_queue_lost(const struct store_queue *q);
/* When no worker puts any more: what is there is written. False: the disk does not come to an end;
 * then all is left as it is. NULL is fine. */
MUST_USE bool daemon_store_queue_stop(struct store_queue *q);

#endif
