/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/commit.h - records into the log, and some of their fields out of it again.
 *
 * Private to the module. Each record becomes a line of eve.json and, sealed, a leaf of the log:
 * line n is leaf n. In a log that is chained each leaf names the one before it (disclose.h: prev).
 * Leaves are appended in batches; a batch is durable before the next begins. One thread.
 */
#ifndef DEW_DAEMON_COMMIT_H
#define DEW_DAEMON_COMMIT_H

#include "base/arena.h"
#include "daemon/data.h"
#include "evidence/bundle/bundle.h"
#include "evidence/disclose/disclose.h"
#include "record/record.h"

struct commit;

/* A committed event, opened again by who sealed it. */
struct commit_event {
	struct slice jwt;
	struct record_field *fields; /* those of its line, then the pseudonyms of its addresses */
	struct slice *disclosures;   /* of each */
	size_t count;
};

/* Opens the log of the data folder for writing (one writer at a time) and eve.json behind the
 * newest leaf's line. ST_REFUSED: another process writes there. Close also after a failure.
 * A station that runs is asked to let go of its log (the file `waiting`), and waited for. */
MUST_USE enum status daemon_commit_open(struct data *d, struct arena *a, struct commit **out,
					struct fail *why);
/* The same without asking: for a station itself. */
MUST_USE enum status daemon_commit_open_now(struct data *d, struct arena *a, struct commit **out,
					    struct fail *why);
/* Of a station, now and then: does somebody want its log? */
bool daemon_commit_wanted(const struct data *d);
/* The same for reading what is committed, also while another process writes. */
MUST_USE enum status daemon_commit_open_read(struct data *d, struct arena *a, struct commit **out,
					     struct fail *why);
/* From here on each leaf names the one before it; in a log whose last leaf does that anyhow. */
void daemon_commit_chain(struct commit *c);
void daemon_commit_close(
	struct commit *c); /* what was not flushed is not acknowledged; NULL is fine */

/* Seals and queues r; *out_leaf is its index. A failure stays: every later call returns it. */
MUST_USE enum status daemon_commit_add(struct commit *c, const struct record *r, uint64_t *out_leaf,
				       struct fail *why);

/* The same of fields as record_fields() gives them (of a group next to each other), sealed at this
 * second. by_party: with the log's own key. What cannot be sealed, ST_INVALID or ST_LIMIT, is left
 * out and spoils nothing. */
MUST_USE enum status daemon_commit_add_fields(struct commit *c, const struct record_field *fields,
					      size_t n, uint64_t at_s, bool by_party,
					      uint64_t *out_leaf, struct fail *why);

/* Everything added so far is durable, and the checkpoint covers it. */
MUST_USE enum status daemon_commit_flush(struct commit *c, struct fail *why);

uint64_t daemon_commit_size(const struct commit *c); /* leaves, with those queued */

/* What an assessment is shown of an event: the fields that it reads, and in place of addresses of
 * `nets` their pseudonyms; of a summary that names one and has no such, nothing. */
struct commit_shown {
	enum record_kind kind;
	bool hide_src, hide_dst, hide_summary;
};
struct commit_shown daemon_commit_shown(enum record_kind kind, const struct record_field *fields,
					size_t n, struct pseudonym_nets nets);
bool daemon_commit_shows(void *shown, const struct record_field *f); /* for daemon_commit_show() */

/* The evidence that r is leaf `leaf` of the flushed log: its JWT, the disclosures of what the
 * assessment is shown, the inclusion proof. */
MUST_USE enum status daemon_commit_evidence(struct commit *c, const struct record *r, uint64_t leaf,
					    struct pseudonym_nets nets, struct arena *a,
					    struct bundle_fact *out, struct fail *why);

/* The party's word for its station's key: an `input` record "station-key" with the key's
 * thumbprint, sealed with the log's own key, now. until: when it ends, 0: it does not. */
MUST_USE enum status daemon_commit_certificate(struct commit *c, struct slice party,
					       struct wall_ns now, struct wall_ns until,
					       struct arena *a, struct record *out,
					       uint64_t *out_leaf, struct fail *why);
/* The same, not added, and without an end. */
MUST_USE enum status daemon_commit_certificate_of(struct commit *c, struct slice party,
						  struct wall_ns now, struct arena *a,
						  struct record *out, struct fail *why);
/* The same takes it back: "station-key-revoked". Nothing must be sealed with that key any more. */
MUST_USE enum status daemon_commit_revoke(struct commit *c, struct arena *a, uint64_t *out_leaf,
					  struct fail *why);

/* Leaves of the flushed log with all their fields, from their lines in eve.json. Ascending.
 * ST_NOTFOUND: no line there is what a leaf commits to; ST_CORRUPT: its line is there, and was
 * changed, or an older dewline sealed it otherwise. */
MUST_USE enum status daemon_commit_reopen(struct commit *c, const uint64_t *leaves, size_t n,
					  struct arena *a, struct commit_event *out,
					  struct fail *why);

/* One, looked for only at the end of eve.json. */
MUST_USE enum status daemon_commit_reopen_recent(struct commit *c, uint64_t leaf, struct arena *a,
						 struct commit_event *out, struct fail *why);
/* Is this line what leaf `leaf` commits to? Then *out is the event, which borrows from the line.
 * ST_NOTFOUND: no. */
MUST_USE enum status daemon_commit_match(struct commit *c, uint64_t leaf, struct slice line,
					 struct arena *a, struct commit_event *out,
					 struct fail *why);
/* What leaf `leaf` of the flushed log says in the clear. */
MUST_USE enum status daemon_commit_look(struct commit *c, uint64_t leaf, struct arena *a,
					struct disclose_opened *out, struct fail *why);

/* Where this pseudonym stands in the flushed log: the first leaf that commits to it, of `leaves`,
 * or of all if n is 0; *out_source: for its source, else for its destination. ST_NOTFOUND. */
MUST_USE enum status daemon_commit_find(struct commit *c, const struct addr *pseudonym,
					const uint64_t *leaves, size_t n, struct arena *a,
					uint64_t *out_leaf, bool *out_source, struct fail *why);

/* Every certificate and revocation in the log, ascending, opened. */
MUST_USE enum status daemon_commit_certificates(struct commit *c, struct arena *a,
						uint64_t **out_leaves,
						struct commit_event **out_events, size_t *out_count,
						struct fail *why);

/* The evidence that shows of it what pick() says. */
MUST_USE enum status daemon_commit_show(struct commit *c, uint64_t leaf,
					const struct commit_event *e,
					bool (*pick)(void *ctx, const struct record_field *f),
					void *ctx, struct arena *a, struct bundle_fact *out,
					struct fail *why);

/* Who seals: the station. */
const struct disclose_issuer *daemon_commit_issuer(const struct commit *c);

/* The signed checkpoint of the flushed log. */
MUST_USE enum status daemon_commit_checkpoint(struct commit *c, struct arena *a, struct slice *out,
					      struct fail *why);

/* A bundle with the signed checkpoint of the flushed log as its witnesses left it, the log's key,
 * and the JWK set of the keys that sealed; nothing else. */
MUST_USE enum status daemon_commit_frame(struct commit *c, struct arena *a, struct bundle *out,
					 struct fail *why);

#endif
