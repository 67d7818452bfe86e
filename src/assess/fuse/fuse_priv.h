/* SPDX-License-Identifier: Apache-2.0
 *
 * assess/fuse/fuse_priv.h - fractions of 62 bits, and a case made ready.
 */
#ifndef DEW_ASSESS_FUSE_PRIV_H
#define DEW_ASSESS_FUSE_PRIV_H

#include "assess/fuse/fuse.h"

typedef unsigned __int128 fuse_wide;

#define FUSE_ONE (UINT64_C(1) << 62)

enum {
	FUSE_CELLS = FUSE_HYPOTHESES_MAX * FUSE_HYPOTHESES_MAX,
	FUSE_LEVELS_MAX = 12, /* groups that are read at their ends: 2^12 corners */
	FUSE_SETS_MAX = 12,   /* of one group, that may be read by themselves */
	FUSE_PPM = 1000000,
};

/* One weight for each truth (h, b), in row h and column b, times 2^shift. Tables that are
 * multiplied need not care for it: only ratios mean anything. */
struct fuse_table {
	uint64_t at[FUSE_CELLS];
	int32_t shift;
};

struct fuse_entry { /* an item in its place */
	uint32_t item;
	uint32_t set;	/* bits: what it speaks for, after one against has been turned round */
	uint32_t which; /* of the distinct sets of its group */
	bool first;	/* no earlier item of its group has that set */
	bool turned;
	uint64_t p[2], q[2]; /* weak, strong: P(item | h in set), P(item | h not in set) */
};

struct fuse_group {
	uint32_t from, count; /* entries */
	uint32_t sets;	      /* distinct */
	bool torn;	      /* two of them share no hypothesis */
};

struct fuse {
	const struct fuse_case *c;
	size_t n;
	struct fuse_parts parts; /* of the view being computed */
	struct fuse_entry *entries;
	struct fuse_group *groups;
	size_t entry_count, group_count;
	uint32_t *group_of, *duplicate_of; /* by item; UINT32_MAX: none */
	uint8_t *treat;			/* by item: enum fuse_treat, of the view being computed */
	bool feared;			/* plants work as often as is feared, not as held */
	uint64_t weight[2][FUSE_CELLS]; /* published, flat: P(h) P(b | h), 30 bits */
	/* scratch: the levels of the sweep, and one table for each corner of each level */
	struct fuse_table level[FUSE_LEVELS_MAX + 1];
	struct fuse_table *corner; /* FUSE_CORNERS_MAX + FUSE_LEVELS_MAX of them at most */
	struct fuse_table low, high, mid, planted;
};

static inline uint64_t fuse_times(uint64_t a, uint64_t b)
{
	return (uint64_t)((fuse_wide)a * b >> 62);
}

/* Thousandths as a fraction. */
static inline uint64_t fuse_milli(int32_t v)
{
	return (uint64_t)(((fuse_wide)(uint32_t)v << 62) / 1000);
}

/* Multiplies by a common power of two, so that the greatest is at least half: by which. */
int32_t fuse_table_scale(uint64_t *v, size_t n);

enum fuse_reading { FUSE_CORNER, FUSE_LOWEST, FUSE_HIGHEST, FUSE_MIDDLE };

/* What the group says under the treatments of f->treat. corner: bit `which` is set where that set
 * is read at its strong end. The three other readings: each item, in each cell, at its least,
 * greatest or mean. Of the first two only that they enclose every corner is promised. False: none
 * of its items is used. */
bool fuse_group_table(const struct fuse *f, const struct fuse_group *g, enum fuse_reading how,
		      uint32_t corner, struct fuse_table *out);

/* What follows from items that are known to be planted. */
void fuse_planted_table(const struct fuse *f, struct fuse_table *out);

/* Sets f->treat and f->parts for a view; how many items are used. */
size_t fuse_treat_by(struct fuse *f, const struct fuse_view *v);
/* The joint weights of the middle reading under f->treat. */
void fuse_joint(struct fuse *f, bool flat, fuse_wide out[FUSE_CELLS]);
/* Each part's weight, at least 1, over all whom it may frame: which is the greatest. */
/* Is the leader, or another part, spoken for by the set? */
bool fuse_part_in(const struct fuse *f, size_t part, uint32_t set);
size_t fuse_rows(const struct fuse *f, const fuse_wide *joint, fuse_wide *row);

#endif
