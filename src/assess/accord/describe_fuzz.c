/* SPDX-License-Identifier: Apache-2.0
 * Any set of points of a small grid: the rules hold of it and of nothing else, and none is
 * superfluous. */
#include "assess/accord/accord.h"

enum { POINTS_MAX = 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool holds(const struct accord_grid *g, const struct accord_rule *r, uint32_t p)
{
	for (size_t d = 0; d < g->dim_count; d++)
		if ((r->sets[d] >> accord_grid_value(g, p, d) & 1) == 0)
			return false;
	return true;
}

static size_t count_covering(const struct accord_grid *g, const struct accord_rules *r, uint32_t p,
			     size_t *last)
{
	size_t n = 0;

	for (size_t i = 0; i < r->count; i++)
		if (holds(g, &r->rules[i], p)) {
			*last = i;
			n++;
		}
	return n;
}

static void check(const struct accord_grid *g, const bool *in, const struct accord_rules *r,
		  struct arena *a)
{
	bool *needed = ARENA_ARRAY(a, bool, r->count + 1);
	uint32_t points = 0;

	for (uint32_t p = 0; p < g->points; p++) {
		size_t last = 0, n = count_covering(g, r, p, &last);

		points += in[p];
		ASSERT((n != 0) == in[p] || r->undescribed != 0);
		if (n == 1 && needed != NULL)
			needed[last] = true;
	}
	ASSERT(points == r->points);
	for (size_t i = 0; i < r->count && needed != NULL; i++)
		ASSERT(needed[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena_pool pool = {.budget = 64 << 20};
	struct arena a = {.pool = &pool};
	struct accord_grid g = {.points = 1};
	struct accord_rules r;
	struct fail why = {0};
	bool *in;

	if (size < 2)
		return 0;
	for (size_t d = 0; d < 1U + data[0] % 12; d++) {
		unsigned count = 1U + data[(d + 1) % size] % 5;

		if (g.points * count > POINTS_MAX)
			break;
		g.dims[g.dim_count++].count = count;
		g.points *= count;
	}
	if (g.dim_count == 0)
		return 0;
	in = ARENA_ARRAY(&a, bool, g.points);
	ASSERT(in != NULL);
	for (uint32_t p = 0; p < g.points; p++)
		in[p] = data[(p / 8 + 1) % size] >> p % 8 & 1;
	if (accord_describe(&g, in, &a, &r, &why) == ST_OK)
		check(&g, in, &r, &a);
	else
		ASSERT(why.status == ST_NOMEM);
	arena_reset(&a);
	arena_pool_drain(&pool);
	return 0;
}
