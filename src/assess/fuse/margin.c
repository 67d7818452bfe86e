/* SPDX-License-Identifier: Apache-2.0
 *
 * What it costs to forge a finding: the cheapest set of items without which it falls.
 *
 * A search over all sets of items that speak for the leader, the cheapest first. Where there are
 * too many (WORK_MAX), those are left out that begin with a set from which even all the rest could
 * be taken. Taking more away rarely helps a leader, but it may: an item that is easily planted can
 * speak against whom it names, and one of a bad source makes others of its group worth less. Where
 * that is too much, too, only whether a finding stands on dear items alone is looked at.
 */
#include <stdlib.h>

#include "assess/fuse/fuse_priv.h"

enum { PLANTS_MAX = 64, WORK_MAX = 200000 /* items weighed */ };

struct plant {
	uint32_t item;
	int32_t cost;
};

struct search {
	struct fuse *f;
	bool flat;
	size_t leader;
	struct plant plants[PLANTS_MAX]; /* the cheapest first */
	size_t count;
	int32_t best;
	bool prune;
	size_t work;
};

/* Does the leader stand, with half or more, under the treatments that are set? */
static bool stands(struct search *s)
{
	fuse_wide joint[FUSE_CELLS], row[FUSE_HYPOTHESES_MAX], all = 0;
	struct fuse *f = s->f;
	size_t leader;

	fuse_joint(f, s->flat, joint);
	leader = fuse_rows(f, joint, row);
	for (size_t k = 0; k < f->parts.count; k++)
		all += row[k];
	s->work += f->entry_count + 1;
	return leader == s->leader && row[leader] * 2 >= all;
}

/* Would it, if all from k on were gone, too? */
static bool stands_without(struct search *s, size_t k)
{
	bool yes;

	for (size_t i = k; i < s->count; i++)
		s->f->treat[s->plants[i].item] = FUSE_DROP;
	yes = stands(s);
	for (size_t i = k; i < s->count; i++)
		s->f->treat[s->plants[i].item] = FUSE_AS_IS;
	return yes;
}

/* Each plant is taken, and then left. No recursion: `left` has a bit for each of the first k plants
 * that is on its second turn. */
static void explore(struct search *s)
{
	uint64_t left = 0;
	int32_t cost = 0;
	size_t k = 0;

	for (;;) {
		bool dead = cost >= s->best || s->work >= WORK_MAX;

		if (!dead && !stands(s)) {
			s->best = cost;
			dead = true;
		}
		if (!dead && k < s->count && !(s->prune && stands_without(s, k))) {
			s->f->treat[s->plants[k].item] = FUSE_DROP;
			cost += s->plants[k].cost;
			left &= ~(UINT64_C(1) << k++);
			continue;
		}
		while (k > 0 && (left >> (k - 1) & 1) != 0)
			k--;
		if (k == 0)
			return;
		s->f->treat[s->plants[k - 1].item] = FUSE_AS_IS;
		cost -= s->plants[k - 1].cost;
		left |= UINT64_C(1) << (k - 1);
	}
}

static int plant_compare(const void *pa, const void *pb)
{
	const struct plant *a = pa, *b = pb;

	if (a->cost != b->cost)
		return a->cost < b->cost ? -1 : 1;
	return a->item < b->item ? -1 : a->item > b->item;
}

/* What speaks for the leader; false: more than there is room for. */
static bool gather(struct search *s)
{
	struct fuse *f = s->f;

	for (size_t i = 0; i < f->entry_count; i++) {
		const struct fuse_entry *e = &f->entries[i];
		const struct fuse_item *x = &f->c->items[e->item];

		if (f->treat[e->item] != FUSE_AS_IS || !fuse_part_in(f, s->leader, e->set))
			continue;
		if (s->count == PLANTS_MAX)
			return false;
		s->plants[s->count++] = (struct plant){e->item, f->c->model->cost[x->forging]};
	}
	qsort(s->plants, s->count, sizeof s->plants[0], plant_compare);
	return true;
}

/* Without all that is cheaper than `class`, and any one item of it, for each such item. */
static bool stands_on(struct search *s, enum fuse_forging class)
{
	struct fuse *f = s->f;
	bool yes = true;

	for (size_t i = 0; i < f->entry_count; i++) {
		const struct fuse_entry *e = &f->entries[i];

		if (fuse_part_in(f, s->leader, e->set) && f->c->items[e->item].forging < class &&
		    f->treat[e->item] == FUSE_AS_IS)
			f->treat[e->item] = FUSE_DROP;
	}
	for (size_t i = 0; i < f->entry_count && yes && s->work < WORK_MAX; i++) {
		const struct fuse_entry *e = &f->entries[i];

		if (!fuse_part_in(f, s->leader, e->set) || f->c->items[e->item].forging != class ||
		    f->treat[e->item] != FUSE_AS_IS)
			continue;
		f->treat[e->item] = FUSE_DROP;
		yes = stands(s);
		f->treat[e->item] = FUSE_AS_IS;
	}
	return yes && s->work < WORK_MAX && stands(s);
}

int32_t fuse_margin(struct fuse *f, const struct fuse_view *v, bool *out_least)
{
	struct search s = {.f = f, .flat = v->flat, .best = FUSE_MARGIN_NONE};
	fuse_wide joint[FUSE_CELLS], row[FUSE_HYPOTHESES_MAX];

	(void)fuse_treat_by(f, v);
	*out_least = false;
	fuse_joint(f, v->flat, joint);
	s.leader = fuse_rows(f, joint, row);
	if (gather(&s))
		for (int turn = 0; turn < 2; turn++) {
			explore(&s);
			if (s.work < WORK_MAX)
				return s.best;
			s.prune = true;
			s.work = 0;
		}
	/* Too many to look at each set. If it stands on dear items alone, with any one of them
	 * gone, it takes two of them at least. */
	(void)fuse_treat_by(f, v);
	*out_least = true;
	s.work = 0;
	return stands_on(&s, FUSE_HARD) ? FUSE_MARGIN_LEAST : 0;
}

/* ---- what may be said ------------------------------------------------------------------------ */

/* A path proof that stations signed, among what is used and speaks for the leader. */
static bool is_proved(const struct fuse *f, size_t leader)
{
	for (size_t i = 0; i < f->entry_count; i++) {
		const struct fuse_entry *e = &f->entries[i];

		if (f->c->items[e->item].forging == FUSE_CRYPTOGRAPHIC &&
		    fuse_part_in(f, leader, e->set) && !e->turned &&
		    f->treat[e->item] != FUSE_DROP && f->treat[e->item] != FUSE_FORGE)
			return true;
	}
	return false;
}

/* Is it above FUSE_ALMOST with better forgers, too? */
static bool withstands(struct fuse *f, const struct fuse_view *v, size_t leader)
{
	fuse_wide joint[FUSE_CELLS], row[FUSE_HYPOTHESES_MAX], all = 0;

	f->feared = true;
	fuse_joint(f, v->flat, joint);
	f->feared = false;
	(void)fuse_rows(f, joint, row);
	for (size_t k = 0; k < f->parts.count; k++)
		all += row[k];
	return row[leader] * CLAIM_CERTAIN > all * FUSE_ALMOST;
}

void fuse_state(struct fuse *f, const struct fuse_view *v, struct fuse_answer *out)
{
	struct fuse_share *p;
	size_t other;
	bool earned;

	fuse_weigh(f, v, out);
	earned = withstands(f, v, out->leader) && is_proved(f, out->leader);
	out->margin = fuse_margin(f, v, &out->margin_least);
	if (!earned && out->margin >= FUSE_MARGIN_LEAST) {
		(void)fuse_treat_by(f, v);
		earned = withstands(f, v, out->leader);
	}
	p = &out->of[out->leader];
	if (p->hi <= FUSE_ALMOST || earned || out->count == 1)
		return;
	out->held = true;
	other = out->leader == out->count - 1 ? 0 : out->count - 1; /* none of these, mostly */
	if (p->mid > FUSE_ALMOST) {
		out->of[other].mid += p->mid - FUSE_ALMOST;
		if (out->of[other].hi < out->of[other].mid)
			out->of[other].hi = out->of[other].mid;
		p->mid = FUSE_ALMOST;
	}
	p->hi = FUSE_ALMOST;
	p->lo = p->lo < p->mid ? p->lo : p->mid;
}
