/* SPDX-License-Identifier: Apache-2.0 */
#include "assess/claim/claim.h"

/* ICD 203's seven words and the shares (in percent) where one ends and the next begins; the outer
 * two are open towards 0 and 100, where ICD 203 stops at 1 and 99. */
enum { BANDS = 7 };
static const int32_t edges[BANDS + 1] = {0, 50, 200, 450, 550, 800, 950, CLAIM_CERTAIN};

/* words[a][b]: from the band of the lower bound to the band of the upper one. */
static const char *const words[BANDS][BANDS] = {
	{"almost no chance (5 % or less)", "almost no chance to very unlikely (0-20 %)",
	 "almost no chance to unlikely (0-45 %)", "almost no chance to roughly even (0-55 %)",
	 "almost no chance to likely (0-80 %)", "almost no chance to very likely (0-95 %)",
	 "unknown"},
	{NULL, "very unlikely (5-20 %)", "very unlikely to unlikely (5-45 %)",
	 "very unlikely to roughly even (5-55 %)", "very unlikely to likely (5-80 %)",
	 "very unlikely to very likely (5-95 %)", "very unlikely to almost certain (5 % or more)"},
	{NULL, NULL, "unlikely (20-45 %)", "unlikely to roughly even (20-55 %)",
	 "unlikely to likely (20-80 %)", "unlikely to very likely (20-95 %)",
	 "unlikely to almost certain (20 % or more)"},
	{NULL, NULL, NULL, "roughly even (45-55 %)", "roughly even to likely (45-80 %)",
	 "roughly even to very likely (45-95 %)", "roughly even to almost certain (45 % or more)"},
	{NULL, NULL, NULL, NULL, "likely (55-80 %)", "likely to very likely (55-95 %)",
	 "likely to almost certain (55 % or more)"},
	{NULL, NULL, NULL, NULL, NULL, "very likely (80-95 %)",
	 "very likely to almost certain (80 % or more)"},
	{NULL, NULL, NULL, NULL, NULL, NULL, "almost certain (95 % or more)"},
};

static bool interval_is_valid(struct interval p)
{
	return p.lo >= 0 && p.lo <= p.hi && p.hi <= CLAIM_CERTAIN;
}

const struct claim *claim_find(const struct claim_set *s, struct slice atom)
{
	for (size_t i = 0; i < s->count; i++)
		if (slice_equal(s->claims[i].atom, atom))
			return &s->claims[i];
	return NULL;
}

bool claim_add(struct claim_set *s, struct arena *a, struct claim c)
{
	uint64_t *leaves = NULL;

	ASSERT(interval_is_valid(c.p));
	ASSERT(claim_find(s, c.atom) == NULL);
	for (size_t i = 1; i < c.leaf_count; i++)
		ASSERT(c.leaves[i - 1] < c.leaves[i]);
	if (c.leaf_count != 0) {
		leaves = ARENA_ARRAY(a, uint64_t, c.leaf_count);
		if (leaves == NULL)
			return false;
		memcpy(leaves, c.leaves, c.leaf_count * sizeof *leaves);
	}
	c.leaves = leaves;
	return ARENA_PUSH(a, s->claims, s->count, s->room, c);
}

/* From which band to which. */
static void bands_of(struct interval p, size_t *out_lo, size_t *out_hi)
{
	size_t lo = BANDS - 1, hi = 0;

	ASSERT(interval_is_valid(p));
	while (p.lo < edges[lo])
		lo--;
	while (p.hi > edges[hi + 1])
		hi++;
	/* A point on an edge would end one band below where it starts. */
	*out_lo = lo;
	*out_hi = hi < lo ? lo : hi;
}

const char *claim_word(struct interval p)
{
	size_t lo, hi;

	bands_of(p, &lo, &hi);
	return words[lo][hi];
}

struct interval claim_band(struct interval p)
{
	size_t lo, hi;

	bands_of(p, &lo, &hi);
	return (struct interval){edges[lo], edges[hi + 1]};
}

/* 0, 1, or at least two digits: 0.38, 0.70, 0.385. */
static void write_milli(int32_t v, struct buf *out)
{
	if (v % CLAIM_CERTAIN == 0)
		buf_add_i64(out, v / CLAIM_CERTAIN);
	else if (v % 10 == 0)
		buf_add_fmt(out, "0.%02d", v / 10);
	else
		buf_add_fmt(out, "0.%03d", v);
}

void claim_write_interval(struct interval p, struct buf *out)
{
	ASSERT(interval_is_valid(p));
	write_milli(p.lo, out);
	if (p.lo == p.hi)
		return;
	buf_add_byte(out, '-');
	write_milli(p.hi, out);
}
