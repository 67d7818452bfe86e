/* SPDX-License-Identifier: Apache-2.0 */
#include "assess/fuse/fuse.h"
#include "assess/fuse/score.h"

#include <stdlib.h>

#include "test.h"

enum { MOST = 40 };

static double least_of(double a, double b)
{
	return a < b ? a : b;
}

static double most_of(double a, double b)
{
	return a > b ? a : b;
}

struct rig {
	struct arena_pool pool;
	struct arena arena;
	struct fuse_model model;
	struct fuse_hypothesis sides[FUSE_HYPOTHESES_MAX];
	struct fuse_item items[MOST];
	struct fuse_case c;
	struct fuse *f;
	struct fuse_answer got;
	struct fail why;
};

static void rig_open(struct rig *r, size_t sides)
{
	*r = (struct rig){.pool = {.budget = 64 << 20}, .model = fuse_ladder_1};
	r->arena.pool = &r->pool;
	r->c = (struct fuse_case){r->sides, sides, r->items, 0, &r->model};
	for (size_t h = 0; h < sides; h++) {
		r->sides[h].may_be_framed = h + 1 < sides;
		r->sides[h].operator= h == 0 ? FUSE_ORGAN : FUSE_PROXY;
	}
}

static struct fuse_item *add(struct rig *r, uint32_t supports, int32_t lo, int32_t hi)
{
	struct fuse_item *e = &r->items[r->c.item_count++];

	*e = (struct fuse_item){.supports = supports,
				.lr_lo = lo,
				.lr_hi = hi,
				.forging = FUSE_MODERATE,
				.kin = FUSE_APART,
				.source = (uint32_t)r->c.item_count};
	return e;
}

static bool weigh(struct rig *r, struct fuse_view v)
{
	arena_reset(&r->arena);
	if (fuse_new(&r->c, &r->arena, &r->f, &r->why) != ST_OK)
		return false;
	fuse_weigh(r->f, &v, &r->got);
	return true;
}

static struct fuse_view plain(void)
{
	return fuse_view_of(4);
}

static size_t rig_close(struct rig *r)
{
	arena_reset(&r->arena);
	arena_pool_drain(&r->pool);
	return r->pool.out;
}

static bool sound(const struct fuse_answer *a)
{
	int32_t sum = 0;

	for (size_t k = 0; k < a->count; k++) {
		if (a->of[k].lo < 1 || a->of[k].lo > a->of[k].mid || a->of[k].mid > a->of[k].hi ||
		    a->of[k].hi > 999 || a->of[k].mid > a->of[a->leader].mid)
			return false;
		sum += a->of[k].mid;
	}
	return sum == 1000 && a->framed >= 1 && a->framed <= 999;
}

/* ---- the same in floating point, written down from docs/formats/evidence.md -------------------
 */

struct reading {
	double lr[MOST];
};

static double term(const struct rig *r, const struct fuse_item *e, double lr, size_t h, size_t b)
{
	size_t n = r->c.hypothesis_count;
	double s = __builtin_popcount(e->supports), f = r->model.forged[e->forging] / 1000.;
	double cap = (e->technical ? r->model.most_technical : r->model.most) / 1000.;
	double c = r->model.credible[e->digit] / 1000., p, q, of_h, of_b;

	lr = lr > cap ? cap : lr < 1 / cap ? 1 / cap : lr;
	p = c * lr * s / (lr * s + (double)n - s) + (1 - c) * s / (double)n;
	q = c * s / (lr * s + (double)n - s) + (1 - c) * s / (double)n;
	of_h = (e->supports >> h & 1) != 0 ? p : q;
	of_b = (e->supports >> b & 1) != 0 ? p : q;
	return f * of_b + (1 - f) * of_h;
}

static double group(const struct rig *r, const struct reading *x, uint32_t source, size_t h,
		    size_t b)
{
	size_t n = r->c.hypothesis_count;
	double good = 1, bad = 0, reliable = 1;

	for (size_t i = 0; i < r->c.item_count; i++)
		if (r->items[i].source == source) {
			good *= term(r, &r->items[i], x->lr[i], h, b);
			reliable =
				least_of(reliable, r->model.reliable[r->items[i].letter] / 1000.);
		}
	for (size_t z = 0; z < n; z++) {
		double all = 1;

		for (size_t i = 0; i < r->c.item_count; i++)
			if (r->items[i].source == source)
				all *= .9 * (r->items[i].supports >> z & 1) +
				       .1 * __builtin_popcount(r->items[i].supports) / (double)n;
		bad += all / (double)n;
	}
	return reliable * good + (1 - reliable) * bad;
}

/* What each group says, capped against its own greatest; then Bayes, from a flat prior. */
static void reckon(const struct rig *r, const struct reading *x, double *out)
{
	size_t n = r->c.hypothesis_count, sources = 0;
	double w[FUSE_HYPOTHESES_MAX][FUSE_HYPOTHESES_MAX], all = 0;

	for (size_t i = 0; i < r->c.item_count; i++)
		sources = r->items[i].source > sources ? r->items[i].source : sources;
	for (size_t h = 0; h < n; h++)
		for (size_t b = 0; b < n; b++) {
			double f = r->model.framing[r->sides[h].operator] / 1000.;
			size_t others = n - 1 - (h != n - 1);

			w[h][b] = b == h ? 1 - f : b == n - 1 ? 0 : f / (double)others;
		}
	for (uint32_t s = 1; s <= sources; s++) {
		double g[FUSE_HYPOTHESES_MAX][FUSE_HYPOTHESES_MAX], top = 0;

		for (size_t h = 0; h < n; h++)
			for (size_t b = 0; b < n; b++) {
				g[h][b] = group(r, x, s, h, b);
				top = most_of(top, g[h][b]);
			}
		for (size_t h = 0; h < n; h++)
			for (size_t b = 0; b < n; b++)
				w[h][b] *= most_of(g[h][b], top / (r->model.most / 1000.));
	}
	for (size_t h = 0; h < n; h++) {
		out[h] = 0;
		for (size_t b = 0; b < n; b++)
			out[h] += w[h][b];
		all += out[h];
	}
	for (size_t h = 0; h < n; h++)
		out[h] /= all;
}

/* Some items that no two say the same in one group, so that no echo comes in. */
static void evidence(struct test *t, struct rig *r, size_t items, bool ranges)
{
	for (size_t i = 0; i < items; i++) {
		uint32_t all = (UINT32_C(1) << r->c.hypothesis_count) - 1;
		uint32_t set = 1 + (uint32_t)(test_rand(t) % (all - 1));
		int32_t lo = (int32_t)(1100 + test_rand(t) % 20000);
		int32_t more = ranges ? (int32_t)(test_rand(t) % 20000) : 0;
		struct fuse_item *e = add(r, set, lo, lo + more);

		e->source = 1 + (uint32_t)(test_rand(t) % 4);
		e->forging = (enum fuse_forging)(test_rand(t) % FUSE_FORGINGS);
		e->letter = (uint8_t)(test_rand(t) % FUSE_LETTERS);
		e->digit = (uint8_t)(test_rand(t) % FUSE_DIGITS);
		e->technical = test_rand(t) % 2 != 0;
		for (size_t k = 0; k < i; k++)
			if (r->items[k].supports == e->supports && r->items[k].source == e->source)
				e->source = 100; /* taken out below */
		if (e->source == 100)
			r->c.item_count--;
	}
}

static void without_ranges_it_is_bayes(struct test *t)
{
	for (int round = 0; round < 300; round++) {
		double p[FUSE_HYPOTHESES_MAX];
		static struct rig r;
		struct reading x;

		rig_open(&r, 3 + test_rand(t) % 5);
		evidence(t, &r, test_rand(t) % 9, false);
		for (size_t i = 0; i < r.c.item_count; i++)
			x.lr[i] = r.items[i].lr_lo / 1000.;
		reckon(&r, &x, p);
		EXPECT(t, weigh(&r, plain()) && sound(&r.got) && r.got.exact);
		for (size_t h = 0; h < r.got.count; h++) {
			EXPECT(t, __builtin_fabs(p[h] * 1000 - r.got.of[h].mid) <
					  (p[h] < .002 ? 6 : 3));
			EXPECT(t, r.got.of[h].hi - r.got.of[h].lo <= 4);
		}
		EXPECT_UINT(t, rig_close(&r), 0);
	}
}

/* No reading of the ranges, each item by itself at one of its ends or between, gives more or less;
 * and the least and the greatest are those of some corner. */
static void bounds_are_the_least_and_the_greatest_of_all_readings(struct test *t)
{
	for (int round = 0; round < 60; round++) {
		double least[FUSE_HYPOTHESES_MAX], most[FUSE_HYPOTHESES_MAX],
			p[FUSE_HYPOTHESES_MAX];
		static struct rig r;
		struct reading x;

		rig_open(&r, 3 + test_rand(t) % 4);
		evidence(t, &r, 1 + test_rand(t) % 7, true);
		for (size_t h = 0; h < FUSE_HYPOTHESES_MAX; h++) {
			least[h] = 1;
			most[h] = 0;
		}
		for (uint32_t c = 0; c >> r.c.item_count == 0; c++) {
			for (size_t i = 0; i < r.c.item_count; i++)
				x.lr[i] =
					((c >> i & 1) != 0 ? r.items[i].lr_hi : r.items[i].lr_lo) /
					1000.;
			reckon(&r, &x, p);
			for (size_t h = 0; h < r.c.hypothesis_count; h++) {
				least[h] = least_of(least[h], p[h]);
				most[h] = most_of(most[h], p[h]);
			}
		}
		EXPECT(t, weigh(&r, plain()) && sound(&r.got) && r.got.exact);
		for (size_t h = 0; h < r.got.count; h++) {
			EXPECT(t, r.got.of[h].lo <= least[h] * 1000 + .01 || r.got.of[h].lo == 1);
			EXPECT(t, r.got.of[h].hi >= most[h] * 1000 - .01 || r.got.of[h].hi == 999);
			EXPECT(t, r.got.of[h].lo + 5 >= least[h] * 1000);
			EXPECT(t, r.got.of[h].hi - 5 <= most[h] * 1000);
		}
		EXPECT_UINT(t, rig_close(&r), 0);
	}
}

static void what_is_too_much_to_try_is_enclosed(struct test *t)
{
	static struct rig r;
	struct fuse_answer exact;

	for (int round = 0; round < 20; round++) {
		rig_open(&r, 4);
		evidence(t, &r, 8, true);
		EXPECT(t, weigh(&r, plain()) && r.got.exact);
		exact = r.got;
		/* the same, and more groups than are tried: each says nothing in the end */
		for (int i = 0; i < 14; i++) {
			struct fuse_item *e = add(&r, 1, 999, 1001);

			e->source = 200 + (uint32_t)i;
		}
		EXPECT(t, weigh(&r, plain()) && !r.got.exact && sound(&r.got));
		for (size_t h = 0; h < exact.count; h++)
			EXPECT(t, r.got.of[h].lo <= exact.of[h].lo + 2 &&
					  r.got.of[h].hi >= exact.of[h].hi - 2);
		EXPECT_UINT(t, rig_close(&r), 0);
	}
}

/* Zadeh: two sources, each sure of another, agree on a third that both hold for nearly impossible.
 * Dempster's rule makes that third certain. */
static void two_sources_that_clash_make_no_third_certain(struct test *t)
{
	static struct rig r;

	rig_open(&r, 4); /* A, B, C, none of these */
	for (uint32_t s = 1; s <= 2; s++) {
		add(&r, s, 99000, 99000)->source = s; /* 0.99 for A or B ... */
		add(&r, s | 4, 50000, 50000)->source =
			s; /* ... 0.01 for C, nothing for the other */
	}
	EXPECT(t, weigh(&r, plain()) && sound(&r.got));
	EXPECT(t, r.got.of[2].hi < 950 && r.got.of[2].mid < 500);
	EXPECT(t, r.got.of[0].mid > 200 && r.got.of[1].mid > 200);
	EXPECT_UINT(t, rig_close(&r), 0);
}

/* Whatever one source says, and however much of it, it moves odds by its cap at most; a technical
 * item by its own. */
static void no_source_and_no_item_counts_for_more_than_its_cap(struct test *t)
{
	static struct rig r;
	double odds;

	rig_open(&r, 3);
	for (size_t h = 0; h < 3; h++)
		r.sides[h].operator= FUSE_INSIDER;
	for (int i = 0; i < MOST; i++) {
		struct fuse_item *e = add(&r, 1, FUSE_LR_MAX, FUSE_LR_MAX);

		e->source = 1;
		e->forging = FUSE_CRYPTOGRAPHIC;
	}
	EXPECT(t, weigh(&r, plain()) && sound(&r.got));
	odds = r.got.of[0].mid / (double)r.got.of[1].mid;
	EXPECT(t, odds <= 52 && odds > 10);
	EXPECT_UINT(t, rig_close(&r), 0);
	rig_open(&r, 3);
	add(&r, 1, FUSE_LR_MAX, FUSE_LR_MAX)->technical = true;
	EXPECT(t, weigh(&r, plain()));
	EXPECT(t, r.got.of[0].mid / (double)r.got.of[1].mid <= 20.5);
	EXPECT_UINT(t, rig_close(&r), 0);
}

static void an_echo_counts_for_little_and_a_copy_for_nothing(struct test *t)
{
	static struct rig r;
	int32_t one, apart, binary;

	rig_open(&r, 4);
	add(&r, 1, 5000, 5000)->source = 1;
	EXPECT(t, weigh(&r, plain()));
	one = r.got.of[0].mid;
	add(&r, 1, 5000, 5000)->source = 1;
	EXPECT(t, weigh(&r, plain()));
	apart = r.got.of[0].mid;
	r.items[1].kin = FUSE_BINARY;
	EXPECT(t, weigh(&r, plain()));
	binary = r.got.of[0].mid;
	EXPECT(t, one < binary && binary < apart && (binary - one) * 3 < apart - one);
	r.items[0].same = r.items[1].same = 7;
	r.items[1].source = 9;
	EXPECT(t, weigh(&r, plain()));
	EXPECT(t, r.got.of[0].mid == one && r.got.counted == 1);
	EXPECT(t, fuse_duplicate_of(r.f, 1) == 0 && fuse_duplicate_of(r.f, 0) == SIZE_MAX);
	EXPECT_UINT(t, rig_close(&r), 0);
}

static void items_that_share_a_source_or_a_label_are_one_group(struct test *t)
{
	static struct rig r;

	rig_open(&r, 3);
	for (int i = 0; i < 4; i++)
		add(&r, i == 3 ? 2 : 1, 3000, 3000);
	r.items[1].label = r.items[2].label = 5;
	r.items[3].source = r.items[2].source;
	EXPECT(t, weigh(&r, plain()));
	EXPECT_UINT(t, fuse_group_count(r.f), 2);
	EXPECT(t, fuse_group_of(r.f, 1) == fuse_group_of(r.f, 2) &&
			  fuse_group_of(r.f, 2) == fuse_group_of(r.f, 3) &&
			  fuse_group_of(r.f, 0) != fuse_group_of(r.f, 1));
	EXPECT(t, fuse_group_torn(r.f, fuse_group_of(r.f, 3)) &&
			  !fuse_group_torn(r.f, fuse_group_of(r.f, 0)));
	EXPECT_UINT(t, rig_close(&r), 0);
}

static void a_plant_speaks_against_whom_it_names(struct test *t)
{
	static struct rig r;
	int32_t before, framed;

	rig_open(&r, 4);
	add(&r, 1, 15000, 15000)->forging = FUSE_CHEAP;
	add(&r, 2, 3000, 3000);
	EXPECT(t, weigh(&r, plain()) && r.got.leader == 0);
	before = r.got.of[0].mid;
	framed = r.got.framed;
	r.items[0].status = FUSE_SHOWN_FORGED;
	EXPECT(t, weigh(&r, plain()) && r.got.leader == 1);
	EXPECT(t, r.got.of[0].mid < before / 3 && r.got.framed > 2 * framed);
	r.items[0].status = FUSE_WITHDRAWN;
	EXPECT(t, weigh(&r, plain()) && r.got.counted == 1 && r.got.framed < 2 * framed);
	EXPECT_UINT(t, rig_close(&r), 0);
}

static void views_leave_out_what_they_say(struct test *t)
{
	static struct rig r;
	struct fuse_answer eight[FUSE_NUMBERS];

	rig_open(&r, 3);
	r.sides[0].weight = 1;
	r.sides[1].weight = 8;
	r.sides[2].weight = 1;
	add(&r, 1, 8000, 8000)->sealed = true;
	add(&r, 1, 8000, 8000)->forging = FUSE_CHEAP;
	add(&r, 1, 8000, 8000)->forging = FUSE_HARD;
	EXPECT(t, weigh(&r, plain()));
	fuse_eight(r.f, NULL, eight);
	for (unsigned i = 0; i < FUSE_NUMBERS; i++)
		EXPECT_UINT(t, eight[i].counted, 3u - (i & 1) - (i >> 1 & 1));
	for (unsigned i = 0; i < FUSE_NUMBERS; i += 2) {
		EXPECT(t, eight[i].of[0].mid > eight[i + 1].of[0].mid);
		EXPECT(t, eight[i & 4].of[0].mid >= eight[i].of[0].mid);
	}
	EXPECT(t, eight[0].of[0].mid < eight[4].of[0].mid);
	EXPECT_UINT(t, rig_close(&r), 0);
}

static void parts_have_the_weight_of_their_members(struct test *t)
{
	static const struct fuse_parts two = {.of = {0, 0, 1, 2}, .count = 3};
	struct fuse_view v = plain();
	static struct rig r;
	struct fuse_answer each;

	for (int round = 0; round < 50; round++) {
		rig_open(&r, 4);
		evidence(t, &r, 6, true);
		EXPECT(t, weigh(&r, v));
		each = r.got;
		v.parts = &two;
		EXPECT(t, weigh(&r, v) && sound(&r.got) && r.got.count == 3);
		v.parts = NULL;
		EXPECT(t, abs(r.got.of[0].mid - each.of[0].mid - each.of[1].mid) <= 3);
		EXPECT(t, r.got.of[0].hi <= each.of[0].hi + each.of[1].hi + 2);
		EXPECT(t, r.got.of[0].lo + 2 >= each.of[0].lo + each.of[1].lo);
		EXPECT_UINT(t, rig_close(&r), 0);
	}
}

/* ---- margins --------------------------------------------------------------------------------- */

/* The cheapest of all sets of items that speak for the leader, each looked at. */
static int32_t cheapest(struct rig *r, size_t leader, int32_t half)
{
	struct fuse_item kept[MOST];
	size_t n = r->c.item_count;
	int32_t best = FUSE_MARGIN_NONE;
	struct fuse_view v = plain();

	v.no_bounds = true;
	memcpy(kept, r->items, sizeof kept);
	for (uint32_t set = 0; set >> n == 0; set++) {
		int32_t cost = 0;
		bool his = true;

		for (size_t i = 0; i < n; i++) {
			his = his && ((set >> i & 1) == 0 || (kept[i].supports >> leader & 1) != 0);
			r->items[i].status = (set >> i & 1) != 0 ? FUSE_WITHDRAWN : FUSE_STANDS;
			cost += (set >> i & 1) != 0 ? r->model.cost[r->items[i].forging] : 0;
		}
		if (his && cost < best && weigh(r, v) &&
		    (r->got.leader != leader || r->got.of[leader].mid <= half))
			best = cost;
	}
	memcpy(r->items, kept, sizeof kept);
	return best;
}

static void a_margin_is_the_cheapest_of_all_sets(struct test *t)
{
	for (int round = 0; round < 60; round++) {
		static struct rig r;
		struct fuse_view v = plain();
		int32_t margin;
		size_t leader;
		bool least;

		rig_open(&r, 4);
		evidence(t, &r, 7, false);
		for (size_t i = 0; i < r.c.item_count; i++)
			if (test_rand(t) % 2 == 0)
				r.items[i].supports = 1;
		EXPECT(t, weigh(&r, v));
		margin = fuse_margin(r.f, &v, &least);
		EXPECT(t, !least);
		leader = r.got.leader;
		/* just half is rounded to 500 from either side */
		EXPECT(t, margin >= cheapest(&r, leader, 500));
		EXPECT(t, margin <= cheapest(&r, leader, 499));
		EXPECT_UINT(t, rig_close(&r), 0);
	}
}

static void almost_certain_has_to_be_earned(struct test *t)
{
	struct fuse_view v = plain();
	struct fuse_answer a;
	static struct rig r;

	rig_open(&r, 3);
	for (int i = 0; i < 6; i++)
		add(&r, 1, 15000, 15000)->forging = FUSE_CHEAP;
	for (int i = 0; i < 3; i++)
		add(&r, 1, 15000, 15000)->forging = FUSE_MODERATE;
	EXPECT(t, weigh(&r, v));
	EXPECT(t, r.got.of[0].mid > FUSE_ALMOST);
	fuse_state(r.f, &v, &a);
	EXPECT(t, a.held && a.of[0].mid == FUSE_ALMOST && a.of[0].hi == FUSE_ALMOST && sound(&a));
	for (int i = 0; i < 3; i++)
		add(&r, 1, 20000, 20000)->forging = FUSE_HARD;
	EXPECT(t, weigh(&r, v));
	fuse_state(r.f, &v, &a);
	EXPECT(t, !a.held && a.of[0].mid > FUSE_ALMOST && a.margin >= FUSE_MARGIN_LEAST);
	EXPECT_UINT(t, rig_close(&r), 0);
}

/* ---- what is not known ----------------------------------------------------------------------- */

static void a_better_question_is_worth_more(struct test *t)
{
	struct fuse_unknown weak = {.lr = 1500, .forging = FUSE_TRIVIAL, .letter = 3, .digit = 3};
	struct fuse_unknown strong = {.lr = 15000, .forging = FUSE_HARD, .letter = 0, .digit = 0};
	struct fuse_worth a, b, c;
	struct fuse_view v = plain();
	static struct rig r;

	rig_open(&r, 4);
	add(&r, 1, 3000, 3000);
	EXPECT(t, weigh(&r, v));
	fuse_ask(r.f, &v, &weak, &a);
	fuse_ask(r.f, &v, &strong, &b);
	EXPECT(t, a.gain >= 0 && b.gain > 10 * (a.gain + 1) && b.change > a.change);
	EXPECT(t, b.change < 1000 && b.gain < 1000000);
	strong.asks = 1; /* yes or no to what leads: worth something, but less than its name */
	fuse_ask(r.f, &v, &strong, &c);
	EXPECT(t, c.gain > 0 && c.gain < b.gain);
	EXPECT_UINT(t, rig_close(&r), 0);
}

/* ---- bad input ------------------------------------------------------------------------------- */

static void numbers_out_of_range_are_refused(struct test *t)
{
	static const struct {
		uint32_t supports;
		int32_t lo, hi;
		bool fine;
	} tries[] = {{1, 1, 1, true},
		     {1, 0, 1000, false},
		     {1, FUSE_LR_MAX, FUSE_LR_MAX, true},
		     {1, 1000, FUSE_LR_MAX + 1, false},
		     {1, 2000, 1999, false},
		     {0, 1000, 2000, false},
		     {7, 1000, 2000, false},
		     {8, 1000, 2000, false},
		     {6, 2000, 2000, true}};

	for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
		static struct rig r;

		rig_open(&r, 3);
		add(&r, tries[i].supports, tries[i].lo, tries[i].hi);
		EXPECT(t, weigh(&r, plain()) == tries[i].fine);
		EXPECT(t, !tries[i].fine || sound(&r.got));
		EXPECT_UINT(t, rig_close(&r), 0);
	}
	for (size_t n = 1; n <= FUSE_HYPOTHESES_MAX; n++) {
		static struct rig r;

		rig_open(&r, n);
		EXPECT(t, weigh(&r, plain()) == (n >= 2));
		EXPECT_UINT(t, rig_close(&r), 0);
	}
	{
		static struct rig r;

		rig_open(&r, FUSE_HYPOTHESES_MAX);
		r.c.hypothesis_count++;
		EXPECT(t, !weigh(&r, plain()) && r.why.status == ST_LIMIT);
		EXPECT_UINT(t, rig_close(&r), 0);
	}
}

/* All that may be at once: as many items as there may be, at the ends of their ranges. */
static void nothing_makes_anything_certain(struct test *t)
{
	static struct fuse_item many[FUSE_ITEMS_MAX + 1];
	static struct rig r;

	for (int round = 0; round < 6; round++) {
		rig_open(&r, 2 + test_rand(t) % (FUSE_HYPOTHESES_MAX - 1));
		for (size_t i = 0; i < FUSE_ITEMS_MAX; i++) {
			uint32_t all = (UINT32_C(1) << r.c.hypothesis_count) - 1;

			many[i] = (struct fuse_item){
				.supports =
					round < 3 ? 1 : 1 + (uint32_t)(test_rand(t) % (all - 1)),
				.lr_lo = round % 2 != 0 ? 1 : FUSE_LR_MAX,
				.lr_hi = FUSE_LR_MAX,
				.forging = (enum fuse_forging)(test_rand(t) % FUSE_FORGINGS),
				.kin = (enum fuse_kin)(test_rand(t) % FUSE_KINS),
				.letter = (uint8_t)(test_rand(t) % FUSE_LETTERS),
				.digit = (uint8_t)(test_rand(t) % FUSE_DIGITS),
				.source = (uint32_t)(test_rand(t) % (round < 3 ? 5000 : 20))};
		}
		r.c.items = many;
		r.c.item_count = FUSE_ITEMS_MAX;
		EXPECT(t, weigh(&r, plain()) && sound(&r.got));
		r.c.item_count++;
		EXPECT(t, !weigh(&r, plain()) && r.why.status == ST_LIMIT);
		EXPECT_UINT(t, rig_close(&r), 0);
	}
}

static void no_memory_is_an_error(struct test *t)
{
	for (size_t after = 1; after < 12; after++) {
		static struct rig r;

		rig_open(&r, 4);
		evidence(t, &r, 8, true);
		r.pool.fail_after = after;
		EXPECT(t, weigh(&r, plain()) || r.why.status == ST_NOMEM);
		EXPECT_UINT(t, rig_close(&r), 0);
	}
}

/* The same everywhere: these figures were written down by another compiler. */
static void the_same_bits_from_every_compiler(struct test *t)
{
	uint64_t sum = 0;

	t->rng = 7;
	for (int round = 0; round < 200; round++) {
		static struct rig r;
		struct fuse_view v = plain();
		struct fuse_answer a;

		rig_open(&r, 3 + test_rand(t) % 5);
		evidence(t, &r, 7, true);
		EXPECT(t, weigh(&r, v));
		fuse_state(r.f, &v, &a);
		for (size_t h = 0; h < a.count; h++)
			sum = (sum ^
			       (uint64_t)(a.of[h].lo * 1000003 + a.of[h].mid * 1009 + a.of[h].hi)) *
			      UINT64_C(1099511628211);
		sum = (sum ^ (uint64_t)a.margin ^ (uint64_t)a.framed << 32) *
		      UINT64_C(1099511628211);
		EXPECT_UINT(t, rig_close(&r), 0);
	}
	EXPECT_UINT(t, sum, UINT64_C(4176809511608216294));
}

static void scores_are_what_they_say(struct test *t)
{
	struct fuse_score s = {0};
	struct interval p;

	EXPECT(t, fuse_score_brier(&s) == 0 && fuse_score_ece(&s) == 0);
	for (int i = 0; i < 10; i++)
		fuse_score_add(&s, (const int32_t[]){700, 200, 100}, 3, i < 7 ? 0 : 1);
	/* 7 (0.09 + 0.04 + 0.01) + 3 (0.49 + 0.64 + 0.01), by 10 */
	EXPECT_UINT(t, (unsigned)fuse_score_brier(&s), 440000);
	EXPECT_UINT(t, (unsigned)fuse_score_ece(&s), 0);
	fuse_score_add(&s, (const int32_t[]){960, 40}, 2, 1);
	EXPECT(t, s.sure == 1 && s.sure_wrong == 1 && s.cases == 11 && s.right == 7);
	EXPECT_UINT(t, (unsigned)fuse_score_ece(&s), 87); /* 0.96 / 11 */
	p = fuse_wilson(7, 10);
	EXPECT(t, p.lo == 396 && p.hi == 892);
	p = fuse_wilson(0, 10);
	EXPECT(t, p.lo == 0 && p.hi == 277);
	p = fuse_wilson(10, 10);
	EXPECT(t, p.lo == 722 && p.hi == 1000);
	p = fuse_wilson(0, 0);
	EXPECT(t, p.lo == 0 && p.hi == 1000);
}

TESTS(T(without_ranges_it_is_bayes), T(bounds_are_the_least_and_the_greatest_of_all_readings),
      T(what_is_too_much_to_try_is_enclosed), T(two_sources_that_clash_make_no_third_certain),
      T(no_source_and_no_item_counts_for_more_than_its_cap),
      T(an_echo_counts_for_little_and_a_copy_for_nothing),
      T(items_that_share_a_source_or_a_label_are_one_group),
      T(a_plant_speaks_against_whom_it_names), T(views_leave_out_what_they_say),
      T(parts_have_the_weight_of_their_members), T(a_margin_is_the_cheapest_of_all_sets),
      T(almost_certain_has_to_be_earned), T(a_better_question_is_worth_more),
      T(numbers_out_of_range_are_refused), T(nothing_makes_anything_certain),
      T(no_memory_is_an_error), T(the_same_bits_from_every_compiler), T(scores_are_what_they_say))
