/* SPDX-License-Identifier: Apache-2.0
 *
 * What writing, reading and checking a bundle share.
 */
#ifndef DEW_EVIDENCE_BUNDLE_BUNDLE_PRIV_H
#define DEW_EVIDENCE_BUNDLE_BUNDLE_PRIV_H

#include "evidence/bundle/bundle.h"
#include "evidence/disclose/disclose.h"

/* The members in their order, which is that of their names. "format" comes after BUNDLE_FACTS, and
 * "unchanged", the SHA-256 of each member's value as written, after all of them. */
enum bundle_member {
	BUNDLE_BULLETIN,
	BUNDLE_CHECKPOINT,
	BUNDLE_FACTS,
	BUNDLE_LOG_KEY,
	BUNDLE_PARTIES,
	BUNDLE_POLICY,
	BUNDLE_PRIORS,
	BUNDLE_STATION_KEYS,
	BUNDLE_TREATIES,
	BUNDLE_MEMBERS
};
_Static_assert((int)BUNDLE_MEMBERS == (int)BUNDLE_PARTS, "a part for each member");

extern const char *const bundle_member_names[BUNDLE_MEMBERS];

enum { BUNDLE_PRIORS_MAX = 1 };

#define BUNDLE_FORMAT SLICE("dewline-bundle/2")

/* Leaf indices stay exact in every JSON reader (RFC 7493 2.2). */
static inline bool bundle_leaf_ok(uint64_t leaf)
{
	return leaf < UINT64_C(1) << 53;
}

/* A base name: UTF-8, no control characters, no "/", not "." or "..". */
bool bundle_name_ok(struct slice name);

/* One JSON object without white space between its tokens, not deeper than 64. No memory is taken.
 */
bool bundle_object_ok(struct slice json);

/* --- verifying --- */

/* What is known of a key that seals, on the way through the facts. */
struct bundle_signer {
	bool vouched, revoked;
	uint64_t revoked_at;	    /* leaf */
	struct wall_ns from, until; /* of the newest certificate; 0: not said */
};

struct bundle_verifying {
	const struct bundle *b;
	const struct bundle_trust *trust;
	struct arena *a;
	struct bundle_report *report;
	struct fail *why;
	struct note_verifier log;
	struct merkle_checkpoint checkpoint;
	struct disclose_keys keys;  /* the bundle's, and behind them the log's own if it is good */
	size_t *signer;		    /* of fact i: its place among keys */
	bool *included, *is_signed; /* fact i */
	size_t *passed_by;	    /* of record k: who sealed it, */
	uint64_t *passed_at;	    /* and when it says so, in seconds */
	size_t record_room, leaf_room, shown_room, withheld_room, by_room, at_room;
	struct fail keys_why; /* if they are not */
	bool log_ok, checkpoint_ok, keys_ok;
	bool nomem;
};

void bundle_say(struct bundle_verifying *v, const char *name, bool ok, const char *fmt, ...)
	PRINTF_LIKE(4, 5);

/* Who cosigned: trust.c. */
void bundle_check_witnesses(struct bundle_verifying *v);

/* Whoever sealed an event was somebody for whom the log's owner vouched, then: certificate.c. */
void bundle_check_certificates(struct bundle_verifying *v);

/* Addresses that stand beside their pseudonyms: opening.c. */
void bundle_check_openings(struct bundle_verifying *v);

#endif
