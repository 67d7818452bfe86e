/* SPDX-License-Identifier: Apache-2.0
 *
 * What follows from a dossier: three rungs, the eight numbers, and what would change them.
 */
#include "assess/dossier/dossier.h"

#include <stdlib.h>

/* ---- rungs ----------------------------------------------------------------------------------- */

/* The part of that name, or a new one. */
static uint8_t part_of(struct dossier_finding *f, enum dossier_rung r, struct slice name)
{
	struct fuse_parts *p = &f->parts[r];
	size_t k = 0;

	while (k < p->count && !slice_equal(f->names[r][k], name))
		k++;
	if (k == p->count)
		f->names[r][p->count++] = name;
	return (uint8_t)k;
}

static void divide(struct dossier_finding *f)
{
	const struct dossier *d = f->dossier;
	size_t last = d->hypothesis_count - 1;

	for (size_t i = 0; i < last; i++) {
		const struct dossier_hypothesis *h = &d->hypotheses[i];

		f->names[DOSSIER_OPERATOR][i] = h->name;
		f->parts[DOSSIER_OPERATOR].of[i] = (uint8_t)i;
		f->parts[DOSSIER_RELATION].of[i] =
			part_of(f, DOSSIER_RELATION,
				h->relation == DOSSIER_NO_RELATION
					? SLICE("no relation to a state")
					: slice_of(dossier_relations[h->relation]));
		f->parts[DOSSIER_STATE].of[i] =
			part_of(f, DOSSIER_STATE, h->state.len != 0 ? h->state : SLICE("no state"));
	}
	f->parts[DOSSIER_OPERATOR].count = last;
	for (enum dossier_rung r = DOSSIER_OPERATOR; r < DOSSIER_RUNGS; r++) {
		f->names[r][f->parts[r].count] = SLICE("none of these");
		f->parts[r].of[last] = (uint8_t)f->parts[r].count++;
	}
}

/* Is anything counted that speaks to the rung in its own kind? */
static bool speaks(const struct dossier *d, const struct fuse *f, enum dossier_rung r)
{
	for (size_t i = 0; i < d->item_count; i++) {
		const struct dossier_kind *k = d->items[i].kind;

		if (d->evidence[i].status == FUSE_STANDS && fuse_duplicate_of(f, i) == SIZE_MAX &&
		    (r == DOSSIER_OPERATOR || (!k->technical && k->level >= 3 + (unsigned)r)))
			return true;
	}
	return false;
}

static void climb(struct dossier_finding *f)
{
	for (enum dossier_rung r = DOSSIER_OPERATOR; r < DOSSIER_RUNGS; r++) {
		struct fuse_view v = {.parts = &f->parts[r],
				      .no_technical = r == DOSSIER_RELATION,
				      .item = SIZE_MAX};

		fuse_state(f->fuse, &v, &f->rungs[r]);
		f->attributed[r] = speaks(f->dossier, f->fuse, r);
		if (r != DOSSIER_RELATION)
			fuse_eight(f->fuse, &f->parts[r], f->eight[r]);
	}
}

/* ---- what would change it -------------------------------------------------------------------- */

static void treat(struct dossier_finding *f, size_t item, enum fuse_treat how,
		  struct fuse_answer *out)
{
	struct fuse_view v = {.item = item, .treat = how, .no_bounds = true};

	fuse_weigh(f->fuse, &v, out);
}

struct ranked {
	uint32_t at;
	int64_t by;
};

static int ranked_compare(const void *pa, const void *pb)
{
	const struct ranked *a = pa, *b = pb;

	if (a->by != b->by)
		return a->by > b->by ? -1 : 1;
	return a->at < b->at ? -1 : a->at > b->at;
}

/* What dropping it moves the leader; nothing if it is not counted. */
static int64_t weight_of(const struct dossier_finding *f, size_t i)
{
	size_t leader = f->rungs[DOSSIER_OPERATOR].leader;
	int64_t by =
		f->effects[i].dropped.of[leader].mid - f->rungs[DOSSIER_OPERATOR].of[leader].mid;

	return by < 0 ? -by : by;
}

static bool rank(struct dossier_finding *f, struct arena *a)
{
	const struct dossier *d = f->dossier;
	struct ranked *r = ARENA_ARRAY(a, struct ranked, f->effect_count + d->unknown_count + 1);

	f->by_effect = ARENA_ARRAY(a, uint32_t, f->effect_count + 1);
	f->by_worth = ARENA_ARRAY(a, uint32_t, d->unknown_count + 1);
	if (r == NULL || f->by_effect == NULL || f->by_worth == NULL)
		return false;
	for (uint32_t i = 0; i < f->effect_count; i++)
		r[i] = (struct ranked){i, weight_of(f, i)};
	qsort(r, f->effect_count, sizeof *r, ranked_compare);
	for (size_t i = 0; i < f->effect_count; i++)
		f->by_effect[i] = r[i].at;
	for (uint32_t i = 0; i < d->unknown_count; i++)
		r[i] = (struct ranked){i, f->worths[i].gain};
	qsort(r, d->unknown_count, sizeof *r, ranked_compare);
	for (size_t i = 0; i < d->unknown_count; i++)
		f->by_worth[i] = r[i].at;
	return true;
}

enum status dossier_judge(const struct dossier *d, struct arena *a, struct dossier_finding *out,
			  struct fail *why)
{
	struct fuse_case *c = ARENA_NEW(a, struct fuse_case);
	struct fuse_view plain = {.item = SIZE_MAX};
	struct dossier_finding f = {.dossier = d};
	enum status st;

	f.effect_count = d->item_count < DOSSIER_EFFECTS_MAX ? d->item_count : DOSSIER_EFFECTS_MAX;
	f.effects = ARENA_ARRAY(a, struct dossier_effect, f.effect_count + 1);
	f.worths = ARENA_ARRAY(a, struct fuse_worth, d->unknown_count + 1);
	if (c == NULL || f.effects == NULL || f.worths == NULL)
		return fail_set(why, ST_NOMEM, "a dossier: the memory budget is spent");
	*c = (struct fuse_case){d->weighed, d->hypothesis_count, d->evidence, d->item_count,
				&fuse_ladder_1};
	st = fuse_new(c, a, &f.fuse, why);
	if (st != ST_OK)
		return st;
	divide(&f);
	climb(&f);
	for (size_t i = 0; i < f.effect_count; i++) {
		treat(&f, i, FUSE_DROP, &f.effects[i].dropped);
		treat(&f, i, FUSE_FORGE, &f.effects[i].forged);
		treat(&f, i, FUSE_DOUBLE, &f.effects[i].doubled);
	}
	for (size_t i = 0; i < d->unknown_count; i++)
		fuse_ask(f.fuse, &plain, &d->unknowns[i].asked, &f.worths[i]);
	if (!rank(&f, a))
		return fail_set(why, ST_NOMEM, "a dossier: the memory budget is spent");
	*out = f;
	return ST_OK;
}
