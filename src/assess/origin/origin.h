/* SPDX-License-Identifier: Apache-2.0
 *
 * assess/origin/origin.h - address to AS to territory, with the doubt that disagreeing tables
 * create.
 *
 * Two halves. Asking: tables (libloc's database, tor-geoipdb, MaxMind files, CSV) are asked about
 * an address and each answer becomes a `location` record, committed like any event. Judging:
 * origin_judge() turns the claims in the facts into a distribution over territories and ASes,
 * without any table at hand, so that a stranger can recompute it. origin_judge is pure; tables
 * belong to the thread that opened them.
 */
#ifndef DEW_ASSESS_ORIGIN_H
#define DEW_ASSESS_ORIGIN_H

#include "assess/claim/claim.h"
#include "assess/prior/prior.h"
#include "record/record.h"

struct origin_table;

/* Tables. The form is found from the bytes: libloc ("LOCDBXX"), MaxMind (metadata marker), MRT (a
 * peer index table first), else text (tor-geoip, CSV; docs/formats/tables.md). `bytes` (borrowed,
 * must outlive the table) is the whole file; `path` is only for MaxMind files, whose library opens
 * them itself (what it opens must be `bytes`), and may be NULL for the others. `name` is what the
 * facts will call the table: its package ("libloc", "tor-geoipdb") or the file's base name; trust
 * goes by it. The first mistake in a text table is reported as name:line. On failure nothing stays
 * open. */
MUST_USE enum status origin_table_open(struct slice name, const char *path, struct slice bytes,
				       struct arena *a, struct origin_table **out,
				       struct fail *why);
void origin_table_close(struct origin_table *t); /* NULL is fine */

/* Fills r (kind RECORD_LOCATION, `at` untouched) with what the table says; false if it says nothing
 * about the address. */
MUST_USE bool origin_table_ask(struct origin_table *t, const struct addr *address, struct arena *a,
			       struct record *r);

enum { ORIGIN_CANDIDATES_MAX = 16 };

struct origin_candidate {
	struct slice territory; /* ISO 3166-1 alpha-2, or "??" for "none of these" */
	struct interval p;
	struct slice tables; /* "libloc, tor-geoipdb" */
	const uint64_t *leaves;
	size_t leaf_count;
};

struct origin {
	struct addr address;
	struct origin_candidate
		candidates[ORIGIN_CANDIDATES_MAX]; /* most likely first; "??" last */
	size_t candidate_count;
	uint64_t asn; /* most tables' answer; of equals that of a table somebody named, then the
			 most specific; 0 unknown */
	struct slice as_name;
	struct slice
		as_why; /* if disputed: "asn.csv says AS19793 Linivo LLC, libloc says AS5089" */
	bool asn_disputed, proxy, hosting, anycast;
	struct slice why; /* one sentence: who says what */
};

/* From the location facts about that address, whatever their order; how far each table is to be
 * believed, the prior says. The midpoints (lo + hi) / 2 of
 * the candidates sum to exactly 1000; intervals are symmetric around them. No table names a
 * territory: one candidate "??" with p 1. ST_LIMIT: more than 64 facts name one. Slices in *out are
 * borrowed from the facts or live in the arena. */
MUST_USE enum status origin_judge(const struct fact_set *facts, const struct addr *address,
				  const struct prior *prior, struct arena *a, struct origin *out,
				  struct fail *why);

#endif
