/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/eve.h - the file eve.json: records appended as lines. Private to the module; one thread.
 */
#ifndef DEW_DAEMON_EVE_H
#define DEW_DAEMON_EVE_H

#include "base/arena.h"
#include "base/slice.h"
#include "base/status.h"
#include "record/record.h"

struct daemon_eve {
	void *file; /* FILE; NULL: not open */
	struct slice path;
	struct arena_pool *pool;
	uint64_t records;
	struct fail why; /* the first failure; stays */
};

/* Opens for appending, made if absent. A last line without its line feed (a process that was
 * killed) is ended first. */
MUST_USE enum status daemon_eve_open(struct daemon_eve *e, struct slice path, struct arena *a,
				     struct fail *why);

/* Appends one record, given as record_fields() gave it; the sink takes whole records. A failure is
 * kept and returned by daemon_eve_flush(). */
void daemon_eve_put_fields(struct daemon_eve *e, const struct record_field *fields, size_t n);
struct record_sink daemon_eve_sink(struct daemon_eve *e);

/* Everything put so far is durable. */
MUST_USE enum status daemon_eve_flush(struct daemon_eve *e, struct fail *why);
void daemon_eve_close(struct daemon_eve *e); /* without flushing; zeroed or closed is fine */

#endif
