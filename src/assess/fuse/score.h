/* SPDX-License-Identifier: Apache-2.0
 *
 * assess/fuse/score.h - how right probabilities were, once it is known what was true.
 *
 * Brier (1950): the mean over cases of the sum over answers of (p - 1 if true, p - 0 if not)^2: 0
 * is best, 2 worst. Calibration: answers that led with about p should have been right in about p of
 * the cases; of each tenth, the share that was, with Wilson's (1927) 95 % interval. Integers only.
 */
#ifndef DEW_ASSESS_FUSE_SCORE_H
#define DEW_ASSESS_FUSE_SCORE_H

#include "assess/claim/claim.h"

enum { FUSE_BINS = 10, FUSE_SURE = 950 };

struct fuse_score {
	uint64_t cases, right, sure, sure_wrong;
	uint64_t brier; /* sum, millionths */
	struct fuse_bin {
		uint64_t cases, right, claimed; /* claimed: sum of thousandths */
	} bins[FUSE_BINS];
};

/* One case: its answers in thousandths, and which of them was true. Nothing overflows below 2^40
 * cases. */
void fuse_score_add(struct fuse_score *s, const int32_t *milli, size_t n, size_t truth);

int32_t fuse_score_brier(const struct fuse_score *s); /* mean, millionths; 0 cases: 0 */
int32_t fuse_score_ece(const struct fuse_score *s);   /* expected calibration error, thousandths */

/* Where the share right/cases lies, 95 %: thousandths. */
struct interval fuse_wilson(uint64_t right, uint64_t cases);

#endif
