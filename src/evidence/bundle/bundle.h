/* SPDX-License-Identifier: Apache-2.0
 *
 * evidence/bundle/bundle.h - one file that lets a stranger recompute a verdict, offline.
 *
 * A bundle (docs/formats/bundle.md) is one canonical JSON text: for each fact the station's SD-JWT,
 * the disclosures released, the leaf index and the inclusion proof; the log's signed checkpoint and
 * verifier key; the parties' files and treaty texts whole; the bulletin. Re-encoding what was read
 * must give the same bytes, so no byte can change unnoticed.
 */
#ifndef DEW_EVIDENCE_BUNDLE_H
#define DEW_EVIDENCE_BUNDLE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/slice.h"
#include "base/status.h"
#include "record/record.h"

struct bundle_fact {
	uint64_t leaf;
	struct slice jwt;	   /* the leaf's bytes: issuer-signed JWT without disclosures */
	struct slice *disclosures; /* base64url texts, released ones only */
	size_t disclosure_count;
	const uint8_t (*proof)[32]; /* inclusion, leaf to root */
	size_t proof_count;
};

struct bundle_file {
	struct slice name, text;
};

struct bundle {
	struct slice checkpoint;   /* signed note */
	struct slice log_key;	   /* verifier key */
	struct slice station_keys; /* JWK set (RFC 7517) of the issuer keys, as JSON text */
	struct bundle_fact *facts; /* ascending leaf */
	size_t fact_count;
	struct bundle_file *party_files, *treaty_files;
	size_t party_count, treaty_count;
	struct slice bulletin; /* canonical JSON */
};

MUST_USE enum status bundle_encode(const struct bundle *b, struct arena *scratch, struct buf *out,
				   struct fail *why);

/* Strict: unknown keys, other order, other spacing, non-canonical base64: ST_INVALID with the byte
 * offset. */
MUST_USE enum status bundle_parse(struct slice bytes, struct arena *a, struct bundle *out,
				  struct fail *why);

/* One line of the verification, in the order they were made. */
struct bundle_check {
	const char *name; /* "checkpoint signature" */
	bool ok;
	struct slice text; /* what was found, and where it is wrong */
};

struct bundle_report {
	struct bundle_check *checks;
	size_t count, room;
	bool ok; /* all so far */
	/* the facts as disclosed, for the recomputation: records with their leaf indices, ascending
	 */
	struct record *records;
	uint64_t *leaves;
	size_t record_count;
};

/* All cryptographic checks: checkpoint signature, each leaf's inclusion, each JWT's signature, each
 * disclosure's digest, that the party and treaty texts have the hashes that committed `input`
 * records say, that the log key is the one in the first party's file if it names one. Does not stop
 * at the first failure. trusted_log_key: "" to accept the bundle's own (then said so). */
MUST_USE enum status bundle_verify(const struct bundle *b, struct slice trusted_log_key,
				   struct arena *a, struct bundle_report *out, struct fail *why);

void bundle_report_add(struct bundle_report *r, struct arena *a, const char *name, bool ok,
		       struct slice text);

#endif
