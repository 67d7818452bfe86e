/* SPDX-License-Identifier: Apache-2.0
 *
 * assess/claim/claim.h - facts, and what is claimed on their strength.
 *
 * A fact is a committed record with its place in the log. A claim is a named proposition with an
 * interval of probability, the facts it rests on, and one sentence why. All of assess/ works on
 * facts alone, in integers (thousandths), so that two machines get the same bytes. Pure, any
 * thread.
 */
#ifndef DEW_ASSESS_CLAIM_H
#define DEW_ASSESS_CLAIM_H

#include "base/arena.h"
#include "base/slice.h"
#include "record/record.h"

enum { CLAIM_CERTAIN = 1000 }; /* probability 1 */

/* A probability, in thousandths: 0 <= lo <= hi <= 1000. {0, 1000} is "unknown". */
struct interval {
	int32_t lo, hi;
};

#define INTERVAL_UNKNOWN ((struct interval){0, CLAIM_CERTAIN})

/* A record that is committed in a log. A value of two words: sets of facts share the records. */
struct fact {
	uint64_t leaf;		     /* index in the log */
	const struct record *record; /* borrowed from whoever collected the facts */
};

struct fact_set {
	const struct fact *facts; /* in ascending order of leaf */
	size_t count;
};

struct claim {
	struct slice atom; /* "civilian_target": a word of the vocabulary */
	struct interval p;
	const uint64_t *leaves; /* facts it rests on, ascending; may be empty */
	size_t leaf_count;
	struct slice why; /* one sentence for a person */
};

struct claim_set {
	struct claim *claims;
	size_t count, room;
};

/* The claim of that name, or NULL (which means unknown). */
const struct claim *claim_find(const struct claim_set *s, struct slice atom);

/* Adds a claim (leaves are copied). A second claim of one name is a bug. False if the budget is
 * spent. */
MUST_USE bool claim_add(struct claim_set *s, struct arena *a, struct claim c);

/* ICD 203 words for a probability: "unlikely (20-45 %)"; for an interval, the words of both its
 * ends: "unlikely to likely (20-80 %)". Only for people; never read back. */
const char *claim_word(struct interval p);

/* The interval, widened to where ICD 203's words begin and end: what its word says, as numbers. */
struct interval claim_band(struct interval p);

/* "0.38", "0.385", "1" or "0.38-0.70", appended. */
void claim_write_interval(struct interval p, struct buf *out);

#endif
