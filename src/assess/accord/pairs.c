/* SPDX-License-Identifier: Apache-2.0
 *
 * Minimal pairs: two cases that differ in one fact, one of them a breach and the other none.
 * Parties sign what they expect of each, so that a line is drawn where both can see it.
 */
#include "assess/accord/accord.h"

enum { TERMS_ALL = 16, CASES = 1 << TERMS_ALL }; /* so many terms are tried in every case */

struct search {
	const struct treaty *t;
	size_t clause;
	const struct treaty_law *law;
	struct arena *a;
	uint32_t *terms;
	size_t term_count;
	struct treaty_lanes *lanes;
	uint64_t *broken; /* a bit a case */
};

/* Whether term k holds in a case. Beyond 16 terms the cases are drawn from one fixed sequence, and
 * every other one differs from the one before in one term. */
static bool holds(const struct search *x, uint32_t number, size_t k)
{
	uint64_t z;

	if (x->term_count <= TERMS_ALL)
		return number >> k & 1;
	z = (number / 2 * UINT64_C(0x9e3779b97f4a7c15)) ^ (k * UINT64_C(0xbf58476d1ce4e5b9));
	z = (z ^ z >> 31) * UINT64_C(0x94d049bb133111eb);
	return ((z >> 40 & 1) != 0) != (number % 2 == 1 && number / 2 % x->term_count == k);
}

static uint32_t case_count(const struct search *x)
{
	return x->term_count <= TERMS_ALL ? 1U << x->term_count : CASES;
}

static void try_all(struct search *x)
{
	for (uint32_t first = 0; first < case_count(x); first += 64) {
		for (size_t k = 0; k < x->term_count; k++) {
			uint64_t yes = 0;

			for (unsigned i = 0; i < 64; i++)
				yes |= (uint64_t)holds(x, first + i, k) << i;
			x->lanes[x->terms[k]] = (struct treaty_lanes){yes, ~yes};
		}
		x->broken[first / 64] = treaty_clause_eval(x->t, x->clause, x->law, x->lanes).shown;
	}
}

static bool is_broken(const struct search *x, uint32_t number)
{
	return x->broken[number / 64] >> (number % 64) & 1;
}

/* The other case of a pair that differs in term k; false if there is none. */
static bool partner(const struct search *x, uint32_t number, size_t k, uint32_t *out)
{
	if (x->term_count <= TERMS_ALL)
		*out = number ^ 1U << k;
	else
		*out = number ^ 1U;
	return x->term_count <= TERMS_ALL || number / 2 % x->term_count == k;
}

static unsigned count_facts(const struct search *x, uint32_t number)
{
	unsigned n = 0;

	for (size_t k = 0; k < x->term_count; k++)
		n += holds(x, number, k);
	return n;
}

/* The broken case with the fewest facts whose partner is not broken; SIZE_MAX: no line runs there.
 */
static size_t find_pair(const struct search *x, size_t k)
{
	size_t found = SIZE_MAX;
	unsigned least = UINT32_MAX;

	for (uint32_t i = 0; i < case_count(x); i++) {
		uint32_t other;
		unsigned n;

		if (!is_broken(x, i) || !partner(x, i, k, &other) || is_broken(x, other))
			continue;
		n = count_facts(x, i);
		if (n < least) {
			least = n;
			found = i;
		}
	}
	return found;
}

static bool find_pairs(struct search *x, struct accord_pairs *out)
{
	struct accord_pair *pairs = ARENA_ARRAY(x->a, struct accord_pair, x->term_count + 1);

	if (pairs == NULL)
		return false;
	for (size_t k = 0; k < x->term_count; k++) {
		size_t number = find_pair(x, k);
		uint8_t *facts;

		if (number == SIZE_MAX)
			continue;
		facts = ARENA_ARRAY(x->a, uint8_t, x->term_count);
		if (facts == NULL)
			return false;
		for (size_t i = 0; i < x->term_count; i++)
			facts[i] = holds(x, (uint32_t)number, i); /* below CASES */
		pairs[out->count++] = (struct accord_pair){x->terms[k], facts[k] != 0, facts};
	}
	out->pairs = pairs;
	return true;
}

enum status accord_pairs_find(const struct treaty *t, size_t clause, const struct treaty_law *law,
			      struct arena *a, struct accord_pairs *out, struct fail *why)
{
	size_t n = treaty_term_count(t);
	struct search x = {.t = t,
			   .clause = clause,
			   .law = law,
			   .a = a,
			   .terms = ARENA_ARRAY(a, uint32_t, n + 1),
			   .lanes = ARENA_ARRAY(a, struct treaty_lanes, n + 1),
			   .broken = ARENA_ARRAY(a, uint64_t, CASES / 64)};
	uint8_t *used = ARENA_ARRAY(a, uint8_t, n + 1);
	struct accord_pairs found = {0};

	if (x.terms == NULL || x.lanes == NULL || x.broken == NULL || used == NULL)
		return fail_set(why, ST_NOMEM, "pairs: no memory");
	treaty_clause_uses(t, clause, law, used);
	for (size_t i = 0; i < n; i++)
		if ((used[i] & (TREATY_USED_CLAUSE | TREATY_USED_PARTY)) != 0)
			x.terms[x.term_count++] = (uint32_t)i; /* below TREATY_TERMS_MAX */
	try_all(&x);
	found.terms = x.terms;
	found.term_count = x.term_count;
	found.all = x.term_count <= TERMS_ALL;
	if (!find_pairs(&x, &found))
		return fail_set(why, ST_NOMEM, "pairs: no memory");
	*out = found;
	return ST_OK;
}
