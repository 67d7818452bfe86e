/* SPDX-License-Identifier: Apache-2.0
 *
 * evidence/bundle/bundle.h - one file that lets a stranger recompute a verdict, offline.
 *
 * A bundle (docs/formats/bundle.md) is one canonical JSON text: for each fact the station's
 * SD-JWT, the disclosures released, the leaf index and the inclusion proof; the log's signed
 * checkpoint with its witnesses' cosignatures, the policy that they were asked by, and the log's
 * verifier key; the parties' files, treaty texts and the prior whole; the bulletin. Re-encoding
 * what was read gives the same bytes, and each part's SHA-256 is behind it, so no byte can change
 * unnoticed. Those sums are against accidents; against a liar stand the signatures, the proofs, and
 * that the bulletin can be recomputed from the facts.
 *
 *	bundle_parse(bytes, &arena, &bundle, &why);
 *	bundle_verify(&bundle, &trust, &arena, &report, &why);
 *	...recompute the bulletin from report.records, the party and treaty files and the prior...
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
#include "crypto/crypto.h"
#include "evidence/view/view.h"
#include "record/record.h"

enum {
	BUNDLE_BYTES_MAX = 256 << 20, /* of a whole one */
	BUNDLE_FACTS_MAX = 1 << 20,
	BUNDLE_FILES_MAX = 4096, /* parties, and as many treaties */
	BUNDLE_NAME_MAX = 255,	 /* bytes of a file's name: no "/", no control characters */
	BUNDLE_KEYS_MAX = 1024,	 /* stations' keys */
	BUNDLE_PARTS = 9,
};

struct bundle_fact {
	uint64_t leaf;
	struct slice jwt;	   /* the leaf's bytes: issuer-signed JWT without disclosures */
	struct slice *disclosures; /* base64url texts, released ones only */
	size_t disclosure_count;
	const uint8_t (*proof)[32]; /* inclusion, leaf to root */
	size_t proof_count;
	bool withheld; /* not for everybody: the public verdict does not rest on it */
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
	struct slice checkpoint; /* signed note, with cosignatures */
	struct slice log_key;	 /* verifier key */
	struct slice policy; /* tlog-policy by which its witnesses were asked; "" if none were */
	struct slice station_keys; /* JWK set (RFC 7517) of the issuer keys, as JSON text */
	struct bundle_fact *facts; /* ascending leaf */
	size_t fact_count;
	struct bundle_file *party_files, *treaty_files;
	size_t party_count, treaty_count;
	struct bundle_file *prior_files; /* one, or none where there is no bulletin */
	size_t prior_count;
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

/* What withheld facts are committed to by: SHA-256 over the leaf's index (64 bits), the JWT's
 * length (32 bits, both big-endian) and the JWT of each, in order. JWTs hold salted digests, so it
 * says nothing to who has not got them. False: none is withheld. */
bool bundle_commitment(const struct bundle *b, uint8_t out[CRYPTO_SHA256_BYTES]);

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
	bool all_said;	 /* what all evidence says is its maker's word (set likewise) */
	/* the facts as disclosed, for the recomputation: records with their leaf indices, ascending
	 */
	struct record *records;
	struct bundle_shown *shown; /* their fields as disclosed, also those that no record has */
	uint64_t *leaves;
	bool *withheld;
	size_t record_count;
};

/* job(job_ctx, i) for every i in 0..n-1, in any order, on any number of threads, and all done when
 * it returns (os_pool_run). */
typedef void bundle_parallel_fn(void *ctx, size_t n, void (*job)(void *job_ctx, size_t i),
				void *job_ctx);

/* What the reader knows from elsewhere, and what he has to check with. {0}: nothing, one thread. */
struct bundle_trust {
	struct slice log_key;		  /* verifier key; "": the bundle's own, which is said */
	const struct view_policy *policy; /* its logs and its quorum; NULL: none */
	const struct note_verifier *witnesses; /* each must have cosigned */
	size_t witness_count;
	bundle_parallel_fn *parallel; /* NULL: the caller does all of it */
	void *parallel_ctx;
};

/* All checks but that of the verdict: the parts' sums; whose log it is; its signature; who cosigned
 * of the bundle's own policy and of those that the reader trusts, a stranger's counting for
 * nothing; each leaf's inclusion; each JWT's signature; each disclosure's digest; that the log's
 * own key vouched, before, for each key that sealed an event (an `input` record "station-key" with
 * its thumbprint; its `first` and `last` are when that begins and ends), and had not revoked it by
 * then ("station-key-revoked"); of each address that is shown beside its pseudonym, that the log
 * says to whom it was opened; that party files, treaties and the prior have the hashes that
 * committed `input` records say and that all of them were committed; that the log key is the one in
 * the first party's file if it names one. Does not stop at the first failure: ST_OK also if checks
 * failed (out->ok says), else ST_NOMEM. Only facts that passed are in out->records. */
MUST_USE enum status bundle_verify(const struct bundle *b, const struct bundle_trust *trust,
				   struct arena *a, struct bundle_report *out, struct fail *why);

void bundle_report_add(struct bundle_report *r, struct arena *a, const char *name, bool ok,
		       struct slice text);

#endif
