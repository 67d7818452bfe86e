/* SPDX-License-Identifier: Apache-2.0
 *
 * evidence/witness/witness.h - remembering for others what a log has signed.
 *
 * C2SP tlog-witness, with cosignatures of type Ed25519 (tlog-cosignature). A witness keeps, for
 * each log, the largest checkpoint that it cosigned, and cosigns another only if that one is a
 * prefix of it. So a log that shows two histories needs two sets of witnesses. Its folder:
 *
 *	dewline-witness       "dewline witness 1\n"
 *	lock                  held while it is open
 *	<origin>              the checkpoint, with the log's signature and ours, as it is shown
 *			      to monitors; <origin> is the hexadecimal SHA-256 of the origin
 *	<origin>.conviction   two histories that the log signed (evidence/view/view.h); the
 *			      first seen
 *
 * What was answered with 200 is durable. One thread: comparing and keeping are one act because
 * nothing else runs between them.
 */
#ifndef DEW_EVIDENCE_WITNESS_WITNESS_H
#define DEW_EVIDENCE_WITNESS_WITNESS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/slice.h"
#include "base/status.h"
#include "crypto/note.h"
#include "evidence/ledger/ledger.h"
#include "evidence/view/view.h"

struct os_disk;
struct os_web;

enum { WITNESS_REQUEST_MAX = 64 << 10 }; /* bytes of a body */

struct witness_options {
	struct slice folder;		 /* made if absent */
	const struct note_verifier *key; /* NOTE_COSIGNATURE */
	const struct crypto_signer *signer;
	const struct view_policy *logs; /* whose checkpoints are cosigned: its log lines */
	struct os_disk *disk;		/* NULL, or a test's fault hook */
	void *ctx;
	/* Told once of every log that was caught, as it is caught; may be NULL. `file` holds the
	 * proof. */
	void (*convicted)(void *ctx, struct slice origin, struct slice file);
};

struct witness;

/* All of *options is borrowed while it is open. ST_REFUSED: another has the folder, or it is not a
 * witness's. */
MUST_USE enum status witness_open(const struct witness_options *options, struct arena *a,
				  struct witness **out, struct fail *why);
void witness_close(struct witness *w); /* NULL is fine */

struct witness_answer {
	unsigned number;  /* of HTTP: 200, 400, 403, 404, 409, 422, 500 */
	const char *type; /* Content-Type */
	struct slice body;
	struct fail why; /* if it is not 200; for the operator */
};

/* POST add-checkpoint. now_s: seconds since 1970; a clock that went back does not take cosignatures
 * with it. */
void witness_add(struct witness *w, struct slice body, uint64_t now_s, struct arena *a,
		 struct witness_answer *out);

/* GET: path is "/<hex>/checkpoint" or "/<hex>/conviction". */
void witness_get(struct witness *w, struct slice path, struct arena *a, struct witness_answer *out);

/* What monitors ask for: hexadecimal SHA-256 of an origin. */
void witness_origin_add(struct slice origin, struct buf *out);

/* --- the other side: a log that wants to be witnessed --- */

/* Asks the witness at `url` for a cosignature by `key` over the log's checkpoint and appends the
 * line to `lines`, checked. ST_REFUSED: it says no; the text says what that means for the log.
 * ST_IO: it cannot be asked. */
MUST_USE enum status witness_submit(struct os_web *web, struct slice url,
				    const struct note_verifier *key, struct ledger *l,
				    struct arena *a, struct buf *lines, struct fail *why);

#endif
