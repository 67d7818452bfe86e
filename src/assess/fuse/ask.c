/* SPDX-License-Identifier: Apache-2.0
 *
 * What evidence is worth that nobody has: by how much it would make the Brier score drop, on
 * average over what it may turn out to say, as the posterior expects that.
 */
#include "assess/fuse/fuse_priv.h"

struct question {
	struct fuse *f;
	uint64_t joint[FUSE_CELLS]; /* sum to about FUSE_ONE */
	uint64_t forged, reliable;
};

/* The joint weights as fractions of all. */
static void normalise(const struct fuse *f, const fuse_wide *joint, uint64_t *out)
{
	fuse_wide all = 0;
	int down = 0;

	for (size_t i = 0; i < f->n * f->n; i++)
		all += joint[i];
	while (all >> down >> 64 != 0)
		down++;
	for (size_t i = 0; i < f->n * f->n; i++)
		out[i] = (uint64_t)(((joint[i] >> down) << 62) / ((all >> down) + 1));
}

static uint64_t square(uint64_t v)
{
	return fuse_times(v, v);
}

/* Adds what the answer "one of these" contributes: sum of p(h)^2 after it, times its chance. */
static uint64_t answer(const struct question *q, uint32_t set, const struct fuse_unknown *u,
		       size_t *out_leader, uint64_t *out_chance)
{
	size_t n = q->f->n, best = 0, answers = u->asks == 0 ? n : 2;
	uint64_t row[FUSE_HYPOTHESES_MAX] = {0}, all = 0, sum = 0;
	fuse_wide whole = (fuse_wide)(uint32_t)u->lr + (fuse_wide)(answers - 1) * 1000;
	uint64_t yes = (uint64_t)(((fuse_wide)(uint32_t)u->lr << 62) / whole);
	uint64_t no = (uint64_t)(((fuse_wide)1000 << 62) / whole);
	uint64_t blind = FUSE_ONE / answers;
	uint64_t bad = fuse_times(FUSE_ONE - q->reliable, blind);

	for (size_t h = 0; h < n; h++) {
		uint64_t mine = (set >> h & 1) != 0 ? yes : no;

		for (size_t b = 0; b < n; b++) {
			uint64_t his = (set >> b & 1) != 0 ? yes : no;
			uint64_t p =
				fuse_times(q->forged, his) + fuse_times(FUSE_ONE - q->forged, mine);

			p = fuse_times(q->reliable, h == b ? mine : p) + bad;
			row[q->f->parts.of[h]] += fuse_times(q->joint[h * n + b], p);
		}
	}
	for (size_t h = 0; h < n; h++) {
		all += row[h];
		best = row[h] > row[best] ? h : best;
	}
	for (size_t h = 0; h < n && all != 0; h++)
		sum += (uint64_t)(((fuse_wide)square(row[h]) << 62) / all);
	*out_leader = best;
	*out_chance = all;
	return sum;
}

void fuse_ask(struct fuse *f, const struct fuse_view *v, const struct fuse_unknown *u,
	      struct fuse_worth *out)
{
	const struct fuse_model *m = f->c->model;
	uint32_t all = (UINT32_C(1) << f->n) - 1;
	struct question q = {.f = f,
			     .forged = fuse_milli(m->forged[u->forging]),
			     .reliable = fuse_times(fuse_milli(m->reliable[u->letter]),
						    fuse_milli(m->credible[u->digit]))};
	fuse_wide joint[FUSE_CELLS], row[FUSE_HYPOTHESES_MAX];
	uint64_t p[FUSE_HYPOTHESES_MAX] = {0}, before = 0, after = 0, moved = 0;
	size_t leader;

	(void)fuse_treat_by(f, v);
	fuse_joint(f, v->flat, joint);
	leader = fuse_rows(f, joint, row);
	normalise(f, joint, q.joint);
	for (size_t i = 0; i < f->n * f->n; i++)
		p[f->parts.of[i / f->n]] += q.joint[i];
	for (size_t k = 0; k < f->parts.count; k++)
		before += square(p[k]);
	for (size_t i = 0; i < (u->asks == 0 ? f->n : 2); i++) {
		uint32_t set = u->asks == 0 ? UINT32_C(1) << i : i == 0 ? u->asks : all & ~u->asks;
		uint64_t chance;
		size_t then;

		after += answer(&q, set, u, &then, &chance);
		moved += then != leader ? chance : 0;
	}
	out->gain = after <= before ? 0 : (int32_t)((fuse_wide)(after - before) * FUSE_PPM >> 62);
	out->change = (int32_t)((fuse_wide)moved * 1000 >> 62);
}
