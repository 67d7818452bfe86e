/* SPDX-License-Identifier: Apache-2.0
 *
 * assess/accord/accord.h - what parties really agree on: a list, not a speech.
 *
 * A side is an instrument by its own words, or a party with all that binds it. Every side is asked
 * about the same cases; what all of them forbid is the agreed core, and it is described by as few
 * rules as cover it exactly. Where one side forbids and another does not is a clash; where words do
 * not settle it, the case is open. Pure, any thread; all memory from the caller's arena.
 *
 * Two kinds of cases:
 * - of one clause: what the treaty's own words forbid, told apart by what parties may require in
 *   addition (`admits require`, and what the sides' amendments name). A settled term makes two
 *   values, an open one three: it holds, it does not, readers differ.
 * - of whole sides: the scenario lattice (actor, act, target, context: 640 points, lattice.c),
 * times two for each further settled term that a side's clauses use, up to ACCORD_EXTRAS_MAX of
 * them. Terms beyond are unknown, and counted in `left_out`. Open terms are undetermined
 * everywhere.
 *
 * Bounds: see the limits below. The fewest rules are proved so (`fewest`) where there are at most
 * ACCORD_BOXES_MAX boxes in the grid, ACCORD_PRIMES_MAX prime implicants, and the search for a
 * smaller cover ends within ACCORD_STEPS_MAX steps; else each rule is still one that cannot be
 * widened and none can be left out. After McCluskey 1956, with sets of values for literals.
 */
#ifndef DEW_ASSESS_ACCORD_H
#define DEW_ASSESS_ACCORD_H

#include "assess/treaty/treaty.h"
#include "base/arena.h"

enum {
	ACCORD_SIDES_MAX = 16,
	ACCORD_DIMS_MAX = 20,
	ACCORD_VALUES_MAX = 8,	     /* of one dimension */
	ACCORD_EXTRAS_MAX = 7,	     /* terms that are added to the lattice */
	ACCORD_POINTS_MAX = 1 << 17, /* of a grid */
	ACCORD_BOXES_MAX = 1 << 22,
	ACCORD_PRIMES_MAX = 4096,
	ACCORD_STEPS_MAX = 200000,
#ifdef DEW_FUZZING
	ACCORD_WORK_MAX = 1000 * 1000, /* so that each limit is met often, and soon */
#else
	ACCORD_WORK_MAX = 200 * 1000 * 1000, /* points looked at where boxes are too many */
#endif
	ACCORD_RULES_MAX = 1000, /* of one description */
};

struct accord_dim {
	struct slice name, values[ACCORD_VALUES_MAX];
	unsigned count;
};

struct accord_grid { /* a point's index counts the last dimension fastest */
	struct accord_dim dims[ACCORD_DIMS_MAX];
	size_t dim_count;
	uint32_t points;
};

unsigned accord_grid_value(const struct accord_grid *g, uint32_t point, size_t dim);

/* ---- describing a set of points ------------------------------------------------------------- */

struct accord_rule {
	uint8_t sets[ACCORD_DIMS_MAX]; /* of values, a bit each; all of them: any */
};

struct accord_rules {
	const struct accord_rule *rules;
	size_t count;
	bool fewest;	      /* proved: no smaller number of rules does it */
	uint32_t points;      /* of the set */
	uint32_t undescribed; /* points that no rule covers, because a limit was met; else 0 */
};

/* in[point]: whether it is in the set. The rules cover the set and nothing else. */
MUST_USE enum status accord_describe(const struct accord_grid *g, const bool *in, struct arena *a,
				     struct accord_rules *out, struct fail *why);

/* "actor: state organ or directed by a state; target: financial", appended; "always" if nothing is
 * asked. */
void accord_rule_write(const struct accord_grid *g, const struct accord_rule *r, struct buf *out);

/* ---- comparing ------------------------------------------------------------------------------ */

struct accord_question {
	const struct treaty *const *treaties;
	size_t treaty_count;
	const struct slice *sides; /* ids of parties or instruments */
	size_t side_count;
	struct slice clause; /* of one clause; "": of whole sides */
	struct wall_ns at;   /* the law of that time; INT64_MAX: all that the files name */
};

struct accord_side {
	struct slice name;
	uint32_t forbids, allows, open; /* cases */
	const uint8_t *values;		/* enum treaty_value of each case: TRUE forbids */
};

struct accord_word {		       /* one term that two texts define in different words */
	struct slice term, one, other; /* instruments */
	struct slice one_says, other_says;
};

struct accord_matter { /* a question that the sides' texts answer differently */
	const struct treaty_concept *concept;
	const struct slice *says; /* by text; "": it says nothing */
};

struct accord_answer {
	struct accord_grid grid;
	const struct accord_side *sides;
	size_t side_count;
	uint32_t all_forbid, all_allow, clash, open; /* cases; together all there are */
	struct accord_rules core, clashes;	     /* described */
	const struct slice *left_out;		     /* terms that stay unknown: too many */
	size_t left_out_count;
	const struct accord_word *words; /* of whole sides: definitions that differ */
	size_t word_count;
	const struct slice *texts; /* of whole sides: the instruments by which any of them speaks */
	size_t text_count;
	const struct accord_matter *matters;
	size_t matter_count;
};

/* ST_NOTFOUND: a side or the clause is in no file (why says what there is). ST_LIMIT: too many. */
MUST_USE enum status accord_compare(const struct accord_question *q, struct arena *a,
				    struct accord_answer *out, struct fail *why);

/* How many cases both of two sides forbid, and how many at least one. */
void accord_both(const struct accord_answer *x, size_t i, size_t k, uint32_t *both,
		 uint32_t *either);

/* The vagueness index of one clause by its own words: the share of the 640 scenarios that it leaves
 * undetermined, in thousandths, rounded down. */
MUST_USE enum status accord_vagueness(const struct treaty *t, size_t clause, struct arena *a,
				      int32_t *out_milli, struct fail *why);

/* ---- minimal pairs -------------------------------------------------------------------------- */

struct accord_pair { /* two cases that differ in one fact, on either side of the line */
	size_t term;
	bool holds; /* the clause is broken where the term holds; else where it does not */
	const uint8_t *facts; /* of the broken one, a byte for each of `terms`: 1 it holds */
};

struct accord_pairs {
	const uint32_t *terms; /* of the treaty, that the clause uses */
	size_t term_count;
	const struct accord_pair *pairs; /* at most one for each term: no line runs at the others */
	size_t count;
	bool all; /* every case was tried (16 terms or fewer); else 65,536 of them */
};

MUST_USE enum status accord_pairs_find(const struct treaty *t, size_t clause,
				       const struct treaty_law *law, struct arena *a,
				       struct accord_pairs *out, struct fail *why);

#endif
