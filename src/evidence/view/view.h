/* SPDX-License-Identifier: Apache-2.0
 *
 * evidence/view/view.h - what others can know of a log, as texts that are checked offline.
 *
 *	policy       whose checkpoint is believed: logs, witnesses, M of N      C2SP tlog-policy
 *	proof        this entry is in that log: a .tlog-proof file              C2SP tlog-proof
 *	request      "I have seen more": what a log asks a witness              C2SP tlog-witness
 *	conviction   this log has shown two histories                           docs/formats/log.md
 *
 * Pure; any thread. What is parsed is borrowed from the bytes that were parsed, and lives in the
 * arena besides. Every count has its limit here; nothing recurses. Texts have one form: a number
 * with a leading zero or base64 with bits to spare is refused.
 */
#ifndef DEW_EVIDENCE_VIEW_VIEW_H
#define DEW_EVIDENCE_VIEW_VIEW_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/slice.h"
#include "base/status.h"
#include "crypto/note.h"
#include "evidence/merkle/merkle.h"

/* --- policies --- */

enum {
	VIEW_POLICY_MAX = 1 << 20, /* bytes of a policy's text */
	VIEW_LOGS_MAX = 64,	   /* tlog-policy asks for 32 at least, of each of these */
	VIEW_NAMES_MAX = 256,	   /* witnesses and groups together */
};

struct view_log {
	struct note_verifier key; /* its name is the origin */
	struct slice url;	  /* may be empty */
};

/* A line that defines a name: a witness, or a group over names that earlier lines define. */
struct view_name {
	struct slice name;
	struct note_verifier key; /* of a witness; of a group: key.name is empty */
	struct slice url;	  /* of a witness; may be empty */
	unsigned least;		  /* members that a group needs, 1..count; 0: a witness */
	uint16_t *members;	  /* places in view_policy.names, each below the group's own */
	size_t count;
};

struct view_policy {
	struct view_log *logs;
	size_t log_count;
	struct view_name *names; /* in the order of the text */
	size_t name_count;
	size_t quorum; /* place of the name that decides; SIZE_MAX: none is needed */
};

/* Reads a policy's text. ST_INVALID "line 7: ...", ST_LIMIT, ST_NOMEM. A witness whose key is of
 * type 6 (ML-DSA-44) has a name and a key of that type, of which only name and id are known: nobody
 * here can check what it signs, so it never counts as having witnessed, and groups may do without
 * it. */
MUST_USE enum status view_policy_parse(struct slice text, struct arena *a, struct view_policy *out,
				       struct fail *why);

/* The policy of who has only a log's key: that log, and no witness. */
MUST_USE enum status view_policy_of(const struct note_verifier *log, struct arena *a,
				    struct view_policy *out, struct fail *why);

/* Reads a checkpoint that a log of the policy signed and its quorum cosigned. A signature by a
 * known key that is wrong refuses it, also if others would do; unknown ones are passed over.
 * cosigned (may be NULL): by how many witnesses of the policy. ST_INVALID for the form, ST_REFUSED
 * for the rest. */
MUST_USE enum status view_policy_open(const struct view_policy *p, struct slice note,
				      struct arena *a, struct merkle_checkpoint *out,
				      const struct note_verifier **out_log, size_t *cosigned,
				      struct fail *why);

/* --- proofs of inclusion --- */

struct view_proof {
	struct slice
		extra; /* base64 of whatever the maker added, not authenticated; ptr NULL: none */
	uint64_t index;
	const uint8_t (*hashes)[MERKLE_BYTES]; /* leaf to root */
	size_t count;
	struct slice checkpoint; /* signed note */
};

MUST_USE enum status view_proof_parse(struct slice text, struct arena *a, struct view_proof *out,
				      struct fail *why);
void view_proof_add(const struct view_proof *p, struct buf *out);

/* Is `entry` in a log that the policy believes? out: the checkpoint that says so. ST_REFUSED: no.
 */
MUST_USE enum status view_proof_check(const struct view_proof *p, const struct view_policy *policy,
				      struct slice entry, struct arena *a,
				      struct merkle_checkpoint *out, struct fail *why);

/* --- what a log asks a witness --- */

enum { VIEW_REQUEST_PROOF_MAX = 63 }; /* hashes: tlog-witness */

struct view_request {
	uint64_t old; /* leaves that the witness is thought to know */
	const uint8_t (*hashes)[MERKLE_BYTES];
	size_t count;
	struct slice checkpoint;
};

MUST_USE enum status view_request_parse(struct slice body, struct arena *a,
					struct view_request *out, struct fail *why);
void view_request_add(const struct view_request *r, struct buf *out);

/* --- the proof that a log showed two histories --- */

/* Two checkpoints that one key signed and that cannot both be true. Of one size: their roots
 * differ. Of two sizes: the consistency proof leads from `prefix` to the larger one's root, so the
 * larger tree says that the smaller one's root was `prefix`, and the smaller one says another. */
struct view_conviction {
	struct note_verifier log;
	struct slice first, second;   /* signed notes; first is not the larger */
	uint8_t prefix[MERKLE_BYTES]; /* if the sizes differ */
	const uint8_t (*hashes)[MERKLE_BYTES];
	size_t count;
	bool sizes_differ;
};

enum { VIEW_CONVICTION_MAX = 256 << 10 }; /* bytes */

MUST_USE enum status view_conviction_parse(struct slice text, struct arena *a,
					   struct view_conviction *out, struct fail *why);
void view_conviction_add(const struct view_conviction *c, struct buf *out);

/* ST_OK: whoever holds the key c->log has signed two histories; the two checkpoints are in out.
 * ST_REFUSED: this does not show it, and why. Whose key that is, the reader must know. */
MUST_USE enum status view_conviction_check(const struct view_conviction *c, struct arena *a,
					   struct merkle_checkpoint out[2], struct fail *why);

/* The conviction that two checkpoints give by themselves, or with a consistency proof between them,
 * which may be one that fails from the smaller one's root: what it says of that root is read off
 * it. notes[0] may be the larger. ST_OK: out convicts, and borrows from the arguments. ST_NOTFOUND:
 * these show no lie. ST_REFUSED: a note is not signed by `log`. */
MUST_USE enum status view_conviction_of(const struct note_verifier *log,
					const struct slice notes[2],
					const uint8_t (*hashes)[MERKLE_BYTES], size_t count,
					const uint8_t prefix[MERKLE_BYTES], struct arena *a,
					struct view_conviction *out, struct fail *why);

#endif
