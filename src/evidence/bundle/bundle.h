/* SPDX-License-Identifier: Apache-2.0
 *
 * evidence/bundle/bundle.h - one file that lets a stranger recompute a verdict, offline.
 *
 * A bundle (docs/formats/bundle.md) is one canonical JSON text: for each fact the station's SD-JWT,
 * the disclosures released, the leaf index and the inclusion proof; the log's signed checkpoint and
 * verifier key; the parties' files and treaty texts whole; the bulletin. Re-encoding what was read
 * gives the same bytes, and each part's SHA-256 is behind it, so no byte can change unnoticed.
 * Those sums are against accidents; against a liar stand the log's signature, the proofs, and that
 * the bulletin can be recomputed from the facts.
 *
 *	bundle_parse(bytes, &arena, &bundle, &why);
 *	bundle_verify(&bundle, trusted_log_key, &arena, &report, &why);
 *	...recompute the bulletin from report.records, the party and treaty files...
 *	bundle_report_add(&report, &arena, "bulletin recomputed", same, text);
 *
 * Pure; any thread.
 */
#ifndef DEW_EVIDENCE_BUNDLE_H
#define DEW_EVIDENCE_BUNDLE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/slice.h"
#include "base/status.h"
#include "record/record.h"

enum {
	BUNDLE_BYTES_MAX = 256 << 20, /* of a whole one */
	BUNDLE_FACTS_MAX = 1 << 20,
	BUNDLE_FILES_MAX = 4096, /* parties, and as many treaties */
	BUNDLE_NAME_MAX = 255,	 /* bytes of a file's name: no "/", no control characters */
	BUNDLE_PARTS = 7,
};

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

/* Where one part was in the bytes that were parsed, and whether its sum was right. */
struct bundle_part {
	const char *name; /* NULL: the bundle was not parsed but made */
	size_t from, to;  /* byte offsets of its value */
	bool sum_ok;
};

/* Everything is borrowed: from its maker, or from the arena given to bundle_parse(). */
struct bundle {
	struct slice checkpoint;   /* signed note */
	struct slice log_key;	   /* verifier key */
	struct slice station_keys; /* JWK set (RFC 7517) of the issuer keys, as JSON text */
	struct bundle_fact *facts; /* ascending leaf */
	size_t fact_count;
	struct bundle_file *party_files, *treaty_files;
	size_t party_count, treaty_count;
	struct slice bulletin; /* canonical JSON: one object */
	struct bundle_part parts[BUNDLE_PARTS];
};

/* Appends the bundle's text. ST_INVALID if it could not be read back: facts out of order, names or
 * texts that are not UTF-8, a bulletin that is no compact JSON object. */
MUST_USE enum status bundle_encode(const struct bundle *b, struct arena *scratch, struct buf *out,
				   struct fail *why);

/* Takes memory of at most a few times bytes.len. ST_LIMIT for more than BUNDLE_BYTES_MAX, or too
 * many of something. Strict: unknown keys, other order, other spacing, non-canonical base64:
 * ST_INVALID with the byte offset. */
MUST_USE enum status bundle_parse(struct slice bytes, struct arena *a, struct bundle *out,
				  struct fail *why);

/* One line of the verification, in the order they were made. */
struct bundle_check {
	const char *name; /* "checkpoint signature" */
	bool ok;
	struct slice text; /* what was found, and where it is wrong */
};

struct bundle_shown {
	const struct record_field *fields;
	size_t count;
};

struct bundle_report {
	struct bundle_check *checks;
	size_t count, room;
	bool ok;	 /* all so far */
	bool facts_only; /* there is no verdict in it: its bulletin is {} (set by who recomputes it)
			  */
	/* the facts as disclosed, for the recomputation: records with their leaf indices, ascending
	 */
	struct record *records;
	struct bundle_shown *shown; /* their fields as disclosed, also those that no record has */
	uint64_t *leaves;
	size_t record_count;
};

/* All cryptographic checks: the parts' sums, checkpoint signature, each leaf's inclusion, each
 * JWT's signature, each disclosure's digest, that the log's own key vouches for each key that
 * signed (an `input` record "station-key" with its thumbprint), that the party and treaty texts
 * have the hashes that committed `input` records say and that all of them were committed, that the
 * log key is the one in the first party's file if it names one. Does not stop at the first failure:
 * ST_OK also if checks failed (out->ok says), else ST_NOMEM. trusted_log_key: "" to accept the
 * bundle's own (then said so). Only facts that passed are in out->records. */
MUST_USE enum status bundle_verify(const struct bundle *b, struct slice trusted_log_key,
				   struct arena *a, struct bundle_report *out, struct fail *why);

void bundle_report_add(struct bundle_report *r, struct arena *a, const char *name, bool ok,
		       struct slice text);

#endif
