/* SPDX-License-Identifier: Apache-2.0 */
#include "assess/accord/accord.h"
#include "test.h"

struct fixture {
	struct arena_pool pool;
	struct arena a;
	struct accord_grid g;
	struct accord_rules r;
	struct fail why;
};

static void setup(struct fixture *f, const unsigned *counts, size_t n)
{
	static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
	static const char *const values[] = {"0", "1", "2", "3", "4", "5", "6", "7"};

	*f = (struct fixture){.pool = {.budget = 64 << 20}, .g = {.dim_count = n, .points = 1}};
	f->a.pool = &f->pool;
	for (size_t d = 0; d < n; d++) {
		f->g.dims[d] =
			(struct accord_dim){.name = slice_of(names[d % 8]), .count = counts[d]};
		for (unsigned v = 0; v < counts[d]; v++)
			f->g.dims[d].values[v] = slice_of(values[v]);
		f->g.points *= counts[d];
	}
}

static void done(struct fixture *f)
{
	arena_reset(&f->a);
	arena_pool_drain(&f->pool);
}

static bool holds(const struct accord_grid *g, const struct accord_rule *r, uint32_t p)
{
	for (size_t d = 0; d < g->dim_count; d++)
		if ((r->sets[d] >> accord_grid_value(g, p, d) & 1) == 0)
			return false;
	return true;
}

/* The rules hold of the set and of nothing else. */
static bool exact(const struct fixture *f, const bool *in)
{
	for (uint32_t p = 0; p < f->g.points; p++) {
		bool any = false;

		for (size_t i = 0; i < f->r.count; i++)
			any |= holds(&f->g, &f->r.rules[i], p);
		if (any != in[p])
			return false;
	}
	return true;
}

/* No value can be added to any rule. */
static bool prime(const struct fixture *f, const bool *in)
{
	for (size_t i = 0; i < f->r.count; i++)
		for (size_t d = 0; d < f->g.dim_count; d++)
			for (unsigned v = 0; v < f->g.dims[d].count; v++) {
				struct accord_rule wider = f->r.rules[i];
				bool fits = true;

				if ((wider.sets[d] >> v & 1) != 0)
					continue;
				wider.sets[d] |= (uint8_t)(1U << v);
				for (uint32_t p = 0; p < f->g.points; p++)
					fits &= !holds(&f->g, &wider, p) || in[p];
				if (fits)
					return false;
			}
	return true;
}

/* Another way to the fewest: all sets of boxes of three two-valued dimensions, smallest first. */
static size_t fewest(const bool *in)
{
	uint8_t boxes[27], want = 0;
	size_t n = 0;

	for (unsigned p = 0; p < 8; p++)
		want |= (uint8_t)(in[p] << p);
	for (unsigned i = 0; i < 27; i++) {
		unsigned sets[3] = {i / 9 + 1, i / 3 % 3 + 1, i % 3 + 1};
		uint8_t points = 0;

		for (unsigned p = 0; p < 8; p++)
			if ((sets[0] >> (p >> 2 & 1) & 1) && (sets[1] >> (p >> 1 & 1) & 1) &&
			    (sets[2] >> (p & 1) & 1))
				points |= (uint8_t)(1U << p);
		if ((points & ~want) == 0)
			boxes[n++] = points;
	}
	if (want == 0)
		return 0;
	for (size_t i = 0; i < n; i++)
		if (boxes[i] == want)
			return 1;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < n; k++)
			if ((boxes[i] | boxes[k]) == want)
				return 2;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < n; k++)
			for (size_t m = 0; m < n; m++)
				if ((boxes[i] | boxes[k] | boxes[m]) == want)
					return 3;
	return 4; /* parity needs four, and nothing needs more */
}

static void every_set_of_eight_points_is_described_by_the_fewest_rules(struct test *t)
{
	static const unsigned counts[] = {2, 2, 2};
	struct fixture f;

	for (unsigned set = 0; set < 256; set++) {
		bool in[8];

		setup(&f, counts, 3);
		for (unsigned p = 0; p < 8; p++)
			in[p] = set >> p & 1;
		EXPECT(t, accord_describe(&f.g, in, &f.a, &f.r, &f.why) == ST_OK);
		EXPECT(t, f.r.fewest && f.r.undescribed == 0);
		EXPECT(t, exact(&f, in) && prime(&f, in));
		EXPECT_UINT(t, f.r.count, fewest(in));
		EXPECT_UINT(t, f.r.points, (unsigned)__builtin_popcount(set));
		done(&f);
	}
}

static void random_sets_with_many_values_are_described_exactly(struct test *t)
{
	for (int i = 0; i < 60; i++) {
		unsigned counts[4];
		struct fixture f;
		bool *in;

		for (size_t d = 0; d < 4; d++)
			counts[d] = 2 + (unsigned)(test_rand(t) % 3);
		setup(&f, counts, 4);
		in = ARENA_ARRAY(&f.a, bool, f.g.points);
		EXPECT(t, in != NULL);
		for (uint32_t p = 0; p < f.g.points; p++)
			in[p] = test_rand(t) % 4 < (uint64_t)(i % 4);
		EXPECT(t, accord_describe(&f.g, in, &f.a, &f.r, &f.why) == ST_OK);
		EXPECT(t, exact(&f, in) && prime(&f, in) && f.r.undescribed == 0);
		done(&f);
	}
}

/* 16 dimensions of two values have 3^16 boxes: too many for a table. */
static void where_boxes_are_too_many_rules_are_still_exact_and_prime(struct test *t)
{
	unsigned counts[16];
	struct fixture f;
	bool *in;

	for (size_t d = 0; d < 16; d++)
		counts[d] = 2;
	setup(&f, counts, 16);
	in = ARENA_ARRAY(&f.a, bool, f.g.points);
	EXPECT(t, in != NULL);
	for (uint32_t p = 0; p < f.g.points; p++)
		in[p] = (p & 0x8001) == 0x8001 || (p & 0x0180) == 0x0100;
	EXPECT(t, accord_describe(&f.g, in, &f.a, &f.r, &f.why) == ST_OK);
	EXPECT_UINT(t, f.r.count, 2);
	EXPECT(t, exact(&f, in) && !f.r.fewest && f.r.undescribed == 0);
	done(&f);
}

static void a_rule_reads_as_a_sentence(struct test *t)
{
	static const unsigned counts[] = {2, 3};
	struct fixture f;
	struct buf b;
	struct accord_rule r = {{1, 6}}, any = {{3, 7}};

	setup(&f, counts, 2);
	b = buf_in(&f.a);
	accord_rule_write(&f.g, &r, &b);
	EXPECT_SLICE(t, buf_slice(&b), SLICE("a: 0; b: 1 or 2"));
	b = buf_in(&f.a);
	accord_rule_write(&f.g, &any, &b);
	EXPECT_SLICE(t, buf_slice(&b), SLICE("always"));
	done(&f);
}

static void memory_may_end_anywhere(struct test *t)
{
	static const unsigned counts[] = {3, 3, 3};
	bool in[27], enough = false;

	for (unsigned p = 0; p < 27; p++)
		in[p] = p % 4 != 1;
	for (size_t after = 1; !enough; after++) {
		struct fixture f;
		enum status st;

		setup(&f, counts, 3);
		f.pool.fail_after = after;
		st = accord_describe(&f.g, in, &f.a, &f.r, &f.why);
		EXPECT(t, st == ST_OK || (st == ST_NOMEM && f.why.status == ST_NOMEM));
		EXPECT(t, st != ST_OK || exact(&f, in));
		enough = st == ST_OK && f.r.fewest;
		done(&f);
		EXPECT_UINT(t, f.pool.out, 0);
	}
}

TESTS(T(every_set_of_eight_points_is_described_by_the_fewest_rules),
      T(random_sets_with_many_values_are_described_exactly),
      T(where_boxes_are_too_many_rules_are_still_exact_and_prime), T(a_rule_reads_as_a_sentence),
      T(memory_may_end_anywhere))
