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

struct origin_table;

/* Tables. The kind is found from the bytes' or file's form: libloc ("LOCDBXX"), MaxMind (metadata
 * marker), tor-geoip text, CSV (start,end,country / start,end,asn,org / prefix,...;
 * docs/formats/tables.md). `path` is for libloc and MaxMind, whose libraries open files themselves;
 * `bytes` (borrowed, must outlive the table) is the whole file for the text forms and for hashing.
 */
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
	uint64_t asn; /* most tables' answer; 0 unknown */
	struct slice as_name;
	bool asn_disputed, proxy, hosting, anycast;
	struct slice why; /* one sentence: who says what */
};

/* From the location facts about that address. No facts: one candidate "??" with p 1. */
MUST_USE enum status origin_judge(const struct fact_set *facts, const struct addr *address,
				  struct arena *a, struct origin *out, struct fail *why);

#endif
