/* SPDX-License-Identifier: Apache-2.0
 *
 * A case made ready: duplicates found, items gathered into groups, and what a group says.
 *
 * Invariants
 *  1  An entry's set is what it speaks for: one that is against a set is turned into one for the
 *     others, with the ratio turned round.
 *  2  Entries of a group stand by their strength, then as they were committed; the first with a set
 *     counts whole, those behind it as echoes.
 *  3  No term is 0: ratios are capped, so no finite number of items makes anything impossible, and
 *     tables are scaled after each item.
 */
#include <stdlib.h>

#include "assess/fuse/fuse_priv.h"

/* ---- checks ---------------------------------------------------------------------------------- */

static enum status check_item(const struct fuse_case *c, size_t i, struct fail *why)
{
	const struct fuse_item *e = &c->items[i];
	uint32_t all = (UINT32_C(1) << c->hypothesis_count) - 1;

	if (e->supports == 0 || (e->supports & ~all) != 0 || e->supports == all)
		return fail_set(why, ST_INVALID,
				"item %zu speaks for none or for all of the hypotheses", i + 1);
	if (e->lr_lo < 1 || e->lr_hi > FUSE_LR_MAX || e->lr_lo > e->lr_hi)
		return fail_set(why, ST_INVALID,
				"item %zu: a likelihood ratio has to be from 0.001 to 1000", i + 1);
	if (e->forging >= FUSE_FORGINGS || e->kin >= FUSE_KINS || e->letter >= FUSE_LETTERS ||
	    e->digit >= FUSE_DIGITS)
		return fail_set(why, ST_INVALID, "item %zu: a class that there is not", i + 1);
	return ST_OK;
}

static enum status check_case(const struct fuse_case *c, struct fail *why)
{
	enum status st = ST_OK;

	if (c->hypothesis_count < 2 || c->hypothesis_count > FUSE_HYPOTHESES_MAX)
		return fail_set(why, ST_LIMIT, "from 2 to %d hypotheses, with none of these",
				FUSE_HYPOTHESES_MAX);
	if (c->item_count > FUSE_ITEMS_MAX)
		return fail_set(why, ST_LIMIT, "%zu items: at most %d", c->item_count,
				FUSE_ITEMS_MAX);
	for (size_t i = 0; i < c->item_count && st == ST_OK; i++)
		st = check_item(c, i, why);
	return st;
}

/* ---- priors ---------------------------------------------------------------------------------- */

/* P(h) P(b | h) in 30 bits: the rows of both priors. */
static void set_weights(struct fuse *f)
{
	const struct fuse_case *c = f->c;
	uint64_t sum = 0;

	for (size_t h = 0; h < f->n; h++)
		sum += c->hypotheses[h].weight;
	for (size_t h = 0; h < f->n; h++) {
		const struct fuse_hypothesis *y = &c->hypotheses[h];
		uint64_t flat = (UINT64_C(1) << 30) / f->n, framed, targets = 0;
		uint64_t published = sum == 0 ? flat : ((uint64_t)y->weight << 30) / sum;

		for (size_t b = 0; b < f->n; b++)
			targets += b != h && c->hypotheses[b].may_be_framed;
		framed = targets == 0 ? 0 : (uint64_t)(uint32_t)c->model->framing[y->operator];
		for (size_t b = 0; b < f->n; b++) {
			uint64_t share = b == h				  ? (1000 - framed) * 1000
					 : c->hypotheses[b].may_be_framed ? framed * 1000 / targets
									  : 0;

			f->weight[0][h * f->n + b] = published * share / FUSE_PPM;
			f->weight[1][h * f->n + b] = flat * share / FUSE_PPM;
		}
	}
}

/* ---- groups ---------------------------------------------------------------------------------- */

/* The root of i's tree; paths are halved on the way. */
static uint32_t root_of(uint32_t *up, uint32_t i)
{
	while (up[i] != i) {
		up[i] = up[up[i]];
		i = up[i];
	}
	return i;
}

struct tie { /* an item and one thing that it may share with others */
	uint64_t key;
	uint32_t item;
};

static int tie_compare(const void *pa, const void *pb)
{
	const struct tie *a = pa, *b = pb;

	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	return a->item < b->item ? -1 : a->item > b->item;
}

enum tie_kind { TIE_SAME, TIE_SOURCE, TIE_LABEL };

static uint64_t tie_key(const struct fuse_item *e, enum tie_kind kind)
{
	return kind == TIE_SAME ? e->same : kind == TIE_SOURCE ? e->source : e->label;
}

/* Joins what shares a key; or, of TIE_SAME, finds duplicates, which then tie nothing together. */
static void tie_up(struct fuse *f, enum tie_kind kind, struct tie *ties, uint32_t *up)
{
	size_t n = 0;

	for (uint32_t i = 0; i < f->c->item_count; i++) {
		const struct fuse_item *e = &f->c->items[i];
		uint64_t key = tie_key(e, kind);

		if ((key != 0 || kind == TIE_SOURCE) && e->status != FUSE_WITHDRAWN &&
		    f->duplicate_of[i] == UINT32_MAX)
			ties[n++] = (struct tie){key, i};
	}
	qsort(ties, n, sizeof *ties, tie_compare);
	for (size_t i = 1, first = 0; i < n; i++) {
		uint32_t a, b;

		if (ties[i].key != ties[first].key) {
			first = i;
			continue;
		}
		if (kind == TIE_SAME) {
			f->duplicate_of[ties[i].item] = ties[first].item;
			continue;
		}
		a = root_of(up, ties[first].item);
		b = root_of(up, ties[i].item);
		up[a > b ? a : b] = a > b ? b : a;
	}
}

static int32_t capped(int32_t lr, const struct fuse_model *m, bool technical)
{
	int32_t most = technical ? m->most_technical : m->most, least = FUSE_LR_MAX / most;

	return lr > most ? most : lr < least ? least : lr;
}

/* The two chances for a ratio of lr thousandths: one of n / |set| reports, all of equal size. */
static void chances(struct fuse_entry *e, size_t n, int strong, int32_t lr, int32_t credible)
{
	uint64_t s = (uint64_t)__builtin_popcount(e->set), ratio = (uint64_t)(uint32_t)lr;
	fuse_wide all = (fuse_wide)ratio * s + (fuse_wide)(n - s) * 1000;
	uint64_t p = (uint64_t)(((fuse_wide)(ratio * s) << 62) / all);
	uint64_t q = (uint64_t)(((fuse_wide)(s * 1000) << 62) / all);
	uint64_t blind = (uint64_t)(((fuse_wide)s << 62) / n), c = fuse_milli(credible);

	e->p[strong] = fuse_times(c, p) + fuse_times(FUSE_ONE - c, blind);
	e->q[strong] = fuse_times(c, q) + fuse_times(FUSE_ONE - c, blind);
}

static void entry_init(const struct fuse *f, uint32_t item, struct fuse_entry *e)
{
	const struct fuse_item *x = &f->c->items[item];
	const struct fuse_model *m = f->c->model;
	int32_t lo = x->lr_lo, hi = x->lr_hi;

	*e = (struct fuse_entry){.item = item, .set = x->supports};
	if ((int64_t)lo * hi < (int64_t)1000 * 1000) { /* the middle of the range is against it */
		e->turned = true;
		e->set = ~x->supports & ((UINT32_C(1) << f->n) - 1);
		lo = FUSE_LR_MAX / x->lr_hi;
		hi = FUSE_LR_MAX / x->lr_lo;
	}
	chances(e, f->n, 0, capped(lo, m, x->technical), m->credible[x->digit]);
	chances(e, f->n, 1, capped(hi, m, x->technical), m->credible[x->digit]);
}

/* How far the strong reading tells the set's hypotheses from the others, as p / (p + q). */
static uint64_t strength(const struct fuse_entry *e)
{
	return (uint64_t)(((fuse_wide)e->p[1] << 62) / ((fuse_wide)e->p[1] + e->q[1]));
}

static int entry_compare(const void *pa, const void *pb)
{
	const struct fuse_entry *a = pa, *b = pb;
	uint64_t sa = strength(a), sb = strength(b);

	if (a->which != b->which) /* here: the root of its group */
		return a->which < b->which ? -1 : 1;
	if (sa != sb)
		return sa > sb ? -1 : 1;
	return a->item < b->item ? -1 : a->item > b->item;
}

/* Numbers the distinct sets of a group. */
static void group_close(struct fuse *f, struct fuse_group *g)
{
	struct fuse_entry *e = &f->entries[g->from];

	for (uint32_t i = 0; i < g->count; i++) {
		uint32_t k = 0;

		while (k < i && e[k].set != e[i].set)
			k++;
		e[i].first = k == i;
		e[i].which = k == i ? g->sets++ : e[k].which;
		for (k = 0; k < i; k++)
			g->torn = g->torn || (e[k].set & e[i].set) == 0;
	}
}

static void gather(struct fuse *f, uint32_t *up)
{
	size_t n = f->c->item_count;

	for (uint32_t i = 0; i < n; i++) {
		struct fuse_entry *e = &f->entries[f->entry_count];

		if (f->duplicate_of[i] != UINT32_MAX || f->c->items[i].status == FUSE_WITHDRAWN)
			continue;
		entry_init(f, i, e);
		e->which = root_of(up, i);
		f->entry_count++;
	}
	qsort(f->entries, f->entry_count, sizeof *f->entries, entry_compare);
	for (uint32_t from = 0, to; from < f->entry_count; from = to) {
		struct fuse_group *g = &f->groups[f->group_count];

		for (to = from;
		     to < f->entry_count && f->entries[to].which == f->entries[from].which;)
			f->group_of[f->entries[to++].item] = (uint32_t)f->group_count;
		*g = (struct fuse_group){.from = from, .count = to - from};
		group_close(f, g);
		f->group_count++;
	}
}

/* Room for the tables of all corners that a sweep may try. */
static bool make_room(struct fuse *f, struct arena *a)
{
	size_t tables = 0, corners = 1;

	for (size_t g = 0; g < f->group_count; g++) {
		uint32_t sets = f->groups[g].sets;

		if (sets > FUSE_SETS_MAX || corners << sets > FUSE_CORNERS_MAX)
			continue;
		corners <<= sets;
		tables += (size_t)1 << sets;
	}
	f->corner = ARENA_ARRAY(a, struct fuse_table, tables + 1);
	return f->corner != NULL;
}

enum status fuse_new(const struct fuse_case *c, struct arena *a, struct fuse **out,
		     struct fail *why)
{
	enum status st = check_case(c, why);
	size_t n = c->item_count + 1; /* an empty array would be NULL */
	struct fuse *f;
	struct tie *ties;
	uint32_t *up;

	if (st != ST_OK)
		return st;
	f = ARENA_NEW(a, struct fuse);
	ties = ARENA_ARRAY(a, struct tie, n);
	up = ARENA_ARRAY(a, uint32_t, n);
	if (f == NULL || ties == NULL || up == NULL)
		goto nomem;
	f->c = c;
	f->n = c->hypothesis_count;
	f->entries = ARENA_ARRAY(a, struct fuse_entry, n);
	f->groups = ARENA_ARRAY(a, struct fuse_group, n);
	f->group_of = ARENA_ARRAY(a, uint32_t, n);
	f->duplicate_of = ARENA_ARRAY(a, uint32_t, n);
	f->treat = ARENA_ARRAY(a, uint8_t, n);
	if (f->entries == NULL || f->groups == NULL || f->group_of == NULL ||
	    f->duplicate_of == NULL || f->treat == NULL)
		goto nomem;
	for (uint32_t i = 0; i < c->item_count; i++) {
		up[i] = i;
		f->group_of[i] = f->duplicate_of[i] = UINT32_MAX;
	}
	for (enum tie_kind k = TIE_SAME; k <= TIE_LABEL; k++)
		tie_up(f, k, ties, up);
	gather(f, up);
	set_weights(f);
	if (!make_room(f, a))
		goto nomem;
	*out = f;
	return ST_OK;
nomem:
	return fail_set(why, ST_NOMEM, "weighing evidence: the memory budget is spent");
}

size_t fuse_duplicate_of(const struct fuse *f, size_t item)
{
	return f->duplicate_of[item] == UINT32_MAX ? SIZE_MAX : f->duplicate_of[item];
}

size_t fuse_group_of(const struct fuse *f, size_t item)
{
	return f->group_of[item] == UINT32_MAX ? SIZE_MAX : f->group_of[item];
}

bool fuse_group_torn(const struct fuse *f, size_t group)
{
	return f->groups[group].torn;
}

size_t fuse_group_count(const struct fuse *f)
{
	return f->group_count;
}

/* ---- what a group says ----------------------------------------------------------------------- */

int32_t fuse_table_scale(uint64_t *v, size_t n)
{
	uint64_t most = 1;
	int32_t shift;

	for (size_t i = 0; i < n; i++)
		most = v[i] > most ? v[i] : most;
	shift = __builtin_clzll(most) - 2; /* half of FUSE_ONE is bit 61 */
	if (shift <= 0)
		return 0;
	for (size_t i = 0; i < n; i++)
		v[i] <<= shift;
	return shift;
}

/* P(item | h, b) by whether h is in its set and whether b is. */
struct terms {
	uint64_t v[2][2];
};

static uint64_t mean(uint64_t a, uint64_t b)
{
	return a / 2 + b / 2;
}

static uint64_t pick(uint64_t a, uint64_t b, enum fuse_reading how)
{
	if (how == FUSE_MIDDLE)
		return mean(a, b);
	return (a < b) == (how == FUSE_LOWEST) ? a : b;
}

static struct terms terms_at(const struct fuse *f, const struct fuse_entry *e, int strong)
{
	uint64_t p = e->p[strong], q = e->q[strong];
	const struct fuse_model *m = f->c->model;
	enum fuse_forging class = f->c->items[e->item].forging;
	uint64_t plant = fuse_milli(f->feared ? m->feared[class] : m->forged[class]);
	uint64_t plain = FUSE_ONE - plant;

	return (struct terms){{{q, fuse_times(plant, p) + fuse_times(plain, q)},
			       {fuse_times(plant, q) + fuse_times(plain, p), p}}};
}

static struct terms terms_of(const struct fuse *f, const struct fuse_entry *e,
			     enum fuse_reading how, uint32_t corner)
{
	struct terms weak = terms_at(f, e, 0), strong = terms_at(f, e, 1);

	if (how == FUSE_CORNER)
		return e->which < 32 && (corner >> e->which & 1) != 0 ? strong : weak;
	for (int h = 0; h < 2; h++)
		for (int b = 0; b < 2; b++)
			weak.v[h][b] = pick(weak.v[h][b], strong.v[h][b], how);
	return weak;
}

/* Both worlds of a source, on one scale: it is good (a weight each truth), or bad and points at z.
 */
struct worlds {
	uint64_t v[FUSE_CELLS + FUSE_HYPOTHESES_MAX];
	int32_t shift;
};

/* One more item. rho: the chance that it is an echo, which is sure to say what was said before. */
static void worlds_hear(const struct fuse *f, const struct fuse_entry *e, struct terms t,
			uint64_t rho, struct worlds *w)
{
	uint64_t size = (uint64_t)__builtin_popcount(e->set), stubborn;
	uint64_t blind = (uint64_t)(((fuse_wide)size << 62) / f->n), bad[2];

	stubborn = fuse_milli(f->c->model->stubborn);
	bad[0] = fuse_times(FUSE_ONE - stubborn, blind);
	bad[1] = stubborn + bad[0];
	for (int h = 0; h < 2; h++) {
		bad[h] = rho + fuse_times(FUSE_ONE - rho, bad[h]);
		for (int b = 0; b < 2; b++)
			t.v[h][b] = rho + fuse_times(FUSE_ONE - rho, t.v[h][b]);
	}
	for (size_t h = 0; h < f->n; h++) {
		uint64_t *row = &w->v[h * f->n];

		for (size_t b = 0; b < f->n; b++)
			row[b] = fuse_times(row[b], t.v[e->set >> h & 1][e->set >> b & 1]);
	}
	for (size_t z = 0; z < f->n; z++)
		w->v[f->n * f->n + z] = fuse_times(w->v[f->n * f->n + z], bad[e->set >> z & 1]);
	w->shift += fuse_table_scale(w->v, f->n * f->n + f->n);
}

/* R good + (1 - R) bad; nothing less than the cap allows below the greatest. */
static void worlds_join(const struct fuse *f, const struct worlds *w, int32_t reliable,
			struct fuse_table *out)
{
	size_t cells = f->n * f->n;
	uint64_t r = fuse_milli(reliable), bad = 0, most = 0, least;

	for (size_t z = 0; z < f->n; z++)
		bad += w->v[cells + z] / f->n;
	bad = fuse_times(FUSE_ONE - r, bad);
	for (size_t i = 0; i < cells; i++) {
		out->at[i] = fuse_times(r, w->v[i]) + bad;
		most = out->at[i] > most ? out->at[i] : most;
	}
	least = (uint64_t)((fuse_wide)most * 1000 / (uint32_t)f->c->model->most);
	for (size_t i = 0; i < cells; i++)
		out->at[i] = out->at[i] < least ? least : out->at[i];
	out->shift = w->shift;
}

bool fuse_group_table(const struct fuse *f, const struct fuse_group *g, enum fuse_reading how,
		      uint32_t corner, struct fuse_table *out)
{
	int32_t reliable = 1000;
	uint32_t heard = 0; /* sets, of the first 32 */
	struct worlds w = {.shift = 0};
	bool any = false;

	for (size_t i = 0; i < f->n * f->n + f->n; i++)
		w.v[i] = FUSE_ONE;
	for (uint32_t i = 0; i < g->count; i++) {
		const struct fuse_entry *e = &f->entries[g->from + i];
		const struct fuse_item *x = &f->c->items[e->item];
		uint32_t bit = e->which < 32 ? UINT32_C(1) << e->which : 0;
		bool before = bit != 0 ? (heard & bit) != 0 : !e->first;
		struct terms t;

		if (f->treat[e->item] == FUSE_DROP || f->treat[e->item] == FUSE_FORGE)
			continue;
		t = terms_of(f, e, how, corner);
		worlds_hear(f, e, t, before ? fuse_milli(f->c->model->echo[x->kin]) : 0, &w);
		if (f->treat[e->item] == FUSE_DOUBLE)
			worlds_hear(f, e, t, 0, &w);
		if (f->c->model->reliable[x->letter] < reliable)
			reliable = f->c->model->reliable[x->letter];
		heard |= bit;
		any = true;
	}
	if (any)
		worlds_join(f, &w, reliable, out);
	return any;
}

/* Who plants an item wants those whom it names to be blamed: other truths have 1/20 of its weight.
 * Once for each set: to know of a second plant of the same kind tells no more. */
void fuse_planted_table(const struct fuse *f, struct fuse_table *out)
{
	uint64_t other = fuse_milli(FUSE_LR_MAX / f->c->model->most_technical);

	for (size_t i = 0; i < f->n * f->n; i++)
		out->at[i] = FUSE_ONE;
	for (size_t i = 0; i < f->entry_count; i++) {
		uint32_t set = f->entries[i].set;
		bool known = f->treat[f->entries[i].item] != FUSE_FORGE;

		for (size_t k = 0; k < i && !known; k++)
			known = f->treat[f->entries[k].item] == FUSE_FORGE &&
				f->entries[k].set == set;
		for (size_t c = 0; c < f->n * f->n && !known; c++)
			if (c / f->n == c % f->n || (set >> c % f->n & 1) == 0 ||
			    (set >> c / f->n & 1) != 0)
				out->at[c] = fuse_times(out->at[c], other);
	}
	out->shift = fuse_table_scale(out->at, f->n * f->n);
}
