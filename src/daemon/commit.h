/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/commit.h - records into the log, and some of their fields out of it again.
 *
 * Private to the module. Each record becomes a line of eve.json and, sealed, a leaf of the log:
 * line n is leaf n. Leaves are appended in batches; a batch is durable before the next begins. One
 * thread.
 */
#ifndef DEW_DAEMON_COMMIT_H
#define DEW_DAEMON_COMMIT_H

#include "base/arena.h"
#include "daemon/data.h"
#include "evidence/bundle/bundle.h"
#include "record/record.h"

struct commit;

/* Opens the log of the data folder for writing (one writer at a time) and eve.json behind its last
 * whole line. Close also after a failure. */
MUST_USE enum status daemon_commit_open(struct data *d, struct arena *a, struct commit **out,
					struct fail *why);
void daemon_commit_close(
	struct commit *c); /* what was not flushed is not acknowledged; NULL is fine */

/* Seals and queues r; *out_leaf is its index. A failure stays: every later call returns it. */
MUST_USE enum status daemon_commit_add(struct commit *c, const struct record *r, uint64_t *out_leaf,
				       struct fail *why);

/* Everything added so far is durable, and the checkpoint covers it. */
MUST_USE enum status daemon_commit_flush(struct commit *c, struct fail *why);

uint64_t daemon_commit_size(const struct commit *c); /* leaves, with those queued */

/* The evidence that r is leaf `leaf` of the flushed log: its JWT, the disclosures of the fields
 * that the assessment reads, the inclusion proof. */
MUST_USE enum status daemon_commit_evidence(struct commit *c, const struct record *r, uint64_t leaf,
					    struct arena *a, struct bundle_fact *out,
					    struct fail *why);

/* The signed checkpoint of the flushed log, and the JWK set of the key that sealed. */
MUST_USE enum status daemon_commit_checkpoint(struct commit *c, struct arena *a, struct slice *out,
					      struct fail *why);
MUST_USE enum status daemon_commit_station_keys(const struct commit *c, struct arena *a,
						struct slice *out, struct fail *why);

#endif
