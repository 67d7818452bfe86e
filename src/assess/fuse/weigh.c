/* SPDX-License-Identifier: Apache-2.0
 *
 * The posterior and its bounds.
 *
 * Invariants
 *  1  What is multiplied is at most FUSE_ONE and at least 1: no weight becomes 0, so no probability
 *     does.
 *  2  The sweep goes through all corners by counting: level i holds the product of what the groups
 *     0..i-1 say at their present corners.
 *  3  Shares are in thousandths from 1 to 999; mids sum to 1000, and lie in their bounds.
 */
#include "assess/fuse/fuse_priv.h"

/* ---- views ----------------------------------------------------------------------------------- */

struct fuse_view fuse_view_of(unsigned number)
{
	return (struct fuse_view){.public_only = (number & 1) != 0,
				  .no_cheap = (number & 2) != 0,
				  .flat = (number & 4) != 0,
				  .item = SIZE_MAX};
}

size_t fuse_treat_by(struct fuse *f, const struct fuse_view *v)
{
	size_t used = 0;

	f->parts.count = v->parts == NULL ? f->n : v->parts->count;
	for (size_t h = 0; h < f->n; h++)
		f->parts.of[h] = v->parts == NULL ? (uint8_t)h : v->parts->of[h];
	for (size_t i = 0; i < f->entry_count; i++) {
		uint32_t item = f->entries[i].item;
		const struct fuse_item *x = &f->c->items[item];
		bool out = (v->public_only && x->sealed) ||
			   (v->no_cheap && x->forging <= FUSE_CHEAP &&
			    x->status != FUSE_SHOWN_FORGED) ||
			   (v->no_technical && x->technical);
		enum fuse_treat t = out						? FUSE_DROP
				    : v->treat != FUSE_AS_IS && v->item == item ? v->treat
				    : x->status == FUSE_SHOWN_FORGED		? FUSE_FORGE
										: FUSE_AS_IS;

		f->treat[item] = (uint8_t)t;
		used += t != FUSE_DROP;
	}
	return used;
}

/* ---- products -------------------------------------------------------------------------------- */

static void multiply(const struct fuse *f, const struct fuse_table *a, const struct fuse_table *b,
		     struct fuse_table *out)
{
	for (size_t i = 0; i < f->n * f->n; i++) {
		uint64_t v = fuse_times(a->at[i], b->at[i]);

		out->at[i] = v == 0 ? 1 : v;
	}
	out->shift = a->shift + b->shift + fuse_table_scale(out->at, f->n * f->n);
}

static void ones(const struct fuse *f, struct fuse_table *t)
{
	for (size_t i = 0; i < f->n * f->n; i++)
		t->at[i] = FUSE_ONE;
	t->shift = 0;
}

/* Both on the scale of the one that has the smaller shift; what is lost on the way is less than a
 * 2^-61th of its greatest. */
static void align(const struct fuse *f, struct fuse_table *a, struct fuse_table *b)
{
	struct fuse_table *t = a->shift > b->shift ? a : b;
	int32_t by = t->shift - (t == a ? b : a)->shift;

	for (size_t i = 0; i < f->n * f->n; i++) {
		uint64_t v = by > 62 ? 0 : t->at[i] >> by;

		t->at[i] = v == 0 ? 1 : v;
	}
	t->shift -= by;
}

/* The weight of hypothesis h: over all whom it may frame. */
static fuse_wide row_sum(const struct fuse *f, const uint64_t *weight, const struct fuse_table *a,
			 const struct fuse_table *b, size_t h)
{
	fuse_wide sum = 0;

	for (size_t i = h * f->n; i < (h + 1) * f->n; i++)
		sum += (fuse_wide)(b == NULL ? a->at[i] : fuse_times(a->at[i], b->at[i])) *
		       weight[i];
	return sum == 0 ? 1 : sum;
}

/* mine / (mine + others), millionths. No overflow: 62 + 30 + 4 bits, and 20. */
static int32_t part(fuse_wide mine, fuse_wide others)
{
	return (int32_t)(mine * FUSE_PPM / (mine + others));
}

void fuse_joint(struct fuse *f, bool flat, fuse_wide out[FUSE_CELLS])
{
	struct fuse_table t;

	fuse_planted_table(f, &f->mid);
	for (size_t g = 0; g < f->group_count; g++)
		if (fuse_group_table(f, &f->groups[g], FUSE_MIDDLE, 0, &t))
			multiply(f, &f->mid, &t, &f->mid);
	for (size_t i = 0; i < f->n * f->n; i++)
		out[i] = (fuse_wide)f->mid.at[i] * f->weight[flat][i];
}

/* ---- bounds ---------------------------------------------------------------------------------- */

struct sweep {
	struct fuse *f;
	const uint64_t *weight;
	struct {
		struct fuse_table *corner;
		uint32_t corners, at;
	} levels[FUSE_LEVELS_MAX];
	size_t level_count;
	bool enclosed; /* some groups are in low and high */
	int32_t lo[FUSE_HYPOTHESES_MAX], hi[FUSE_HYPOTHESES_MAX]; /* millionths */
};

/* At one corner of all levels. */
static void look(struct sweep *s, const struct fuse_table *t)
{
	struct fuse *f = s->f;
	fuse_wide lo[FUSE_HYPOTHESES_MAX] = {0}, hi[FUSE_HYPOTHESES_MAX] = {0}, low = 0, high = 0;

	for (size_t h = 0; h < f->n; h++) {
		fuse_wide least = row_sum(f, s->weight, t, s->enclosed ? &f->low : NULL, h);
		fuse_wide most = s->enclosed ? row_sum(f, s->weight, t, &f->high, h) : least;

		lo[f->parts.of[h]] += least;
		hi[f->parts.of[h]] += most;
		low += least;
		high += most;
	}
	for (size_t k = 0; k < f->parts.count; k++) {
		int32_t least = part(lo[k], high - hi[k]), most = part(hi[k], low - lo[k]);

		s->lo[k] = least < s->lo[k] ? least : s->lo[k];
		s->hi[k] = most > s->hi[k] ? most : s->hi[k];
	}
}

static void count_corners(struct sweep *s)
{
	struct fuse *f = s->f;
	size_t from = 0;

	for (;;) {
		size_t k = s->level_count;

		for (size_t i = from; i < s->level_count; i++)
			multiply(f, &f->level[i], &s->levels[i].corner[s->levels[i].at],
				 &f->level[i + 1]);
		look(s, &f->level[s->level_count]);
		while (k > 0 && ++s->levels[k - 1].at == s->levels[k - 1].corners)
			s->levels[--k].at = 0;
		if (k == 0)
			return;
		from = k - 1;
	}
}

/* Is any of the group's items given as a range, and used? */
static bool is_wide(const struct fuse *f, const struct fuse_group *g)
{
	for (uint32_t i = 0; i < g->count; i++) {
		const struct fuse_entry *e = &f->entries[g->from + i];

		if (e->p[0] != e->p[1] && f->treat[e->item] != FUSE_DROP &&
		    f->treat[e->item] != FUSE_FORGE)
			return true;
	}
	return false;
}

/* Sorts the group into the levels of the sweep, what stands before them, or what is enclosed. */
static void place(struct sweep *s, const struct fuse_group *g, struct fuse_table **room,
		  uint32_t *corners)
{
	struct fuse *f = s->f;
	struct fuse_table t, u;

	if (!is_wide(f, g)) {
		if (fuse_group_table(f, g, FUSE_CORNER, 0, &t))
			multiply(f, &f->level[0], &t, &f->level[0]);
		return;
	}
	if (g->sets <= FUSE_SETS_MAX && s->level_count < FUSE_LEVELS_MAX &&
	    *corners << g->sets <= FUSE_CORNERS_MAX) {
		s->levels[s->level_count].corner = *room;
		s->levels[s->level_count].corners = UINT32_C(1) << g->sets;
		s->levels[s->level_count++].at = 0;
		*corners <<= g->sets;
		for (uint32_t c = 0; c >> g->sets == 0; c++)
			(void)fuse_group_table(f, g, FUSE_CORNER, c, (*room)++); /* it is wide */
		return;
	}
	(void)fuse_group_table(f, g, FUSE_LOWEST, 0, &t);
	(void)fuse_group_table(f, g, FUSE_HIGHEST, 0, &u);
	multiply(f, &f->low, &t, &f->low);
	multiply(f, &f->high, &u, &f->high);
	s->enclosed = true;
}

static void bound(struct fuse *f, bool flat, struct sweep *s)
{
	struct fuse_table *room = f->corner;
	uint32_t corners = 1;

	*s = (struct sweep){.f = f, .weight = f->weight[flat]};
	fuse_planted_table(f, &f->level[0]);
	ones(f, &f->low);
	ones(f, &f->high);
	for (size_t k = 0; k < f->parts.count; k++)
		s->lo[k] = FUSE_PPM;
	for (size_t g = 0; g < f->group_count; g++)
		place(s, &f->groups[g], &room, &corners);
	if (s->enclosed)
		align(f, &f->low, &f->high);
	count_corners(s);
}

/* ---- thousandths ----------------------------------------------------------------------------- */

static int32_t clamp(int32_t v, int32_t lo, int32_t hi)
{
	return v < lo ? lo : v > hi ? hi : v;
}

/* Mids of at least 1 that sum to 1000: what rounding down leaves goes to the greatest remainders,
 * what the floor takes comes from the greatest. */
static void round_mids(const fuse_wide *row, size_t n, size_t leader, struct fuse_share *out)
{
	int32_t left = CLAIM_CERTAIN, rest[FUSE_HYPOTHESES_MAX];
	fuse_wide all = 0;

	for (size_t h = 0; h < n; h++)
		all += row[h];
	for (size_t h = 0; h < n; h++) {
		int32_t ppm = part(row[h], all - row[h]);

		out[h].mid = ppm < CLAIM_CERTAIN ? 1 : ppm / CLAIM_CERTAIN;
		rest[h] = ppm < CLAIM_CERTAIN ? -1 : ppm % CLAIM_CERTAIN;
		left -= out[h].mid;
	}
	for (; left > 0; left--) {
		size_t best = leader;

		for (size_t h = 0; h < n; h++)
			best = rest[h] > rest[best] ? h : best;
		out[best].mid++;
		rest[best] -= CLAIM_CERTAIN;
	}
	for (; left < 0; left++) {
		size_t most = leader; /* or one that is level with it, so that it stays in front */

		for (size_t h = 0; h < n; h++)
			most = h != leader && out[h].mid >= out[most].mid ? h : most;
		out[most].mid--;
	}
}

size_t fuse_rows(const struct fuse *f, const fuse_wide *joint, fuse_wide *row)
{
	size_t best = 0;

	for (size_t k = 0; k < f->parts.count; k++)
		row[k] = 1;
	for (size_t i = 0; i < f->n * f->n; i++)
		row[f->parts.of[i / f->n]] += joint[i];
	for (size_t k = 1; k < f->parts.count; k++)
		best = row[k] > row[best] ? k : best;
	return best;
}

bool fuse_part_in(const struct fuse *f, size_t part, uint32_t set)
{
	for (size_t h = 0; h < f->n; h++)
		if (f->parts.of[h] == part && (set >> h & 1) != 0)
			return true;
	return false;
}

static int32_t framed_share(const struct fuse *f, const fuse_wide *joint)
{
	fuse_wide framed = 0, plain = 0;

	for (size_t i = 0; i < f->n * f->n; i++)
		if (i / f->n == i % f->n)
			plain += joint[i];
		else
			framed += joint[i];
	return clamp(part(framed, plain + (plain == 0)) / CLAIM_CERTAIN, 1, CLAIM_CERTAIN - 1);
}

void fuse_weigh(struct fuse *f, const struct fuse_view *v, struct fuse_answer *out)
{
	fuse_wide joint[FUSE_CELLS], row[FUSE_HYPOTHESES_MAX];
	struct sweep s;

	*out = (struct fuse_answer){.counted = fuse_treat_by(f, v), .margin = -1};
	fuse_joint(f, v->flat, joint);
	out->leader = fuse_rows(f, joint, row);
	round_mids(row, f->parts.count, out->leader, out->of);
	out->count = f->parts.count;
	out->framed = framed_share(f, joint);
	if (v->no_bounds) {
		for (size_t k = 0; k < out->count; k++)
			out->of[k].lo = out->of[k].hi = out->of[k].mid;
		return;
	}
	bound(f, v->flat, &s);
	out->exact = !s.enclosed;
	for (size_t k = 0; k < out->count; k++) {
		struct fuse_share *p = &out->of[k];
		int32_t up = (s.hi[k] + CLAIM_CERTAIN - 1) / CLAIM_CERTAIN;

		p->lo = clamp(s.lo[k] / CLAIM_CERTAIN, 1, p->mid);
		p->hi = clamp(up, p->mid, out->count == 1 ? CLAIM_CERTAIN : CLAIM_CERTAIN - 1);
	}
}

void fuse_eight(struct fuse *f, const struct fuse_parts *parts,
		struct fuse_answer out[FUSE_NUMBERS])
{
	for (unsigned i = 0; i < FUSE_NUMBERS; i++) {
		struct fuse_view v = fuse_view_of(i);

		v.parts = parts;
		fuse_state(f, &v, &out[i]);
	}
}
