/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules about addresses alone: reputation lists of thousands of hosts. The first packet of a flow's
 * direction asks two sorted arrays of ranges, by source and by destination.
 *
 * 1. A rule is in exactly one of: by source, by destination, always.
 * 2. items are in order of lo; max_hi[i] is the greatest hi of items[0..i]. So a look-up starts at
 *    the last lo that is not behind the address and walks back while max_hi can still reach it.
 */
#include <stdlib.h>

#include "sensor/detect/detect_priv.h"

/* A set of more addresses, one in a thousand of all, is not worth an index: what stands in it is
 * asked for too often. Lists of hijacked networks (/16 and larger) are well below, home networks
 * above. */
enum { WIDE = 1 << 22 };

/* Addresses in the set, WIDE + 1 for many. */
static uint64_t weight(const struct rule_addr_set *s)
{
	uint64_t n = 0;

	if (s->any)
		return WIDE + 1;
	for (size_t i = 0; i < s->count && n <= WIDE; i++) {
		const struct addr *lo = &s->ranges[i].lo, *hi = &s->ranges[i].hi;
		size_t len = addr_bytes(lo), tail = len - 4;
		uint64_t a = 0, b = 0;

		if (memcmp(lo->b, hi->b, tail) != 0)
			return WIDE + 1;
		for (size_t k = tail; k < len; k++) {
			a = a << 8 | lo->b[k];
			b = b << 8 | hi->b[k];
		}
		n += b - a + 1;
	}
	return n;
}

static int item_compare(const void *pa, const void *pb)
{
	const struct detect_address_item *a = pa, *b = pb;

	return addr_compare(&a->lo, &b->lo);
}

static bool index_add(struct detect_addresses *x, const struct rule_addr_set *s, uint32_t rule,
		      struct arena *a)
{
	for (size_t i = 0; i < s->count; i++) {
		struct detect_address_item item = {s->ranges[i].lo, s->ranges[i].hi, rule};

		if (!ARENA_PUSH(a, x->items, x->count, x->room, item))
			return false;
	}
	return true;
}

static bool index_finish(struct detect_addresses *x, struct arena *a)
{
	if (x->count == 0)
		return true;
	x->max_hi = ARENA_ARRAY(a, struct addr, x->count);
	if (x->max_hi == NULL)
		return false;
	qsort(x->items, x->count, sizeof x->items[0], item_compare);
	for (size_t i = 0; i < x->count; i++)
		x->max_hi[i] = i == 0 || addr_compare(&x->items[i].hi, &x->max_hi[i - 1]) > 0
				       ? x->items[i].hi
				       : x->max_hi[i - 1];
	return true;
}

bool detect_addresses_build(struct detect_address_groups *g, const struct detect_rules *r)
{
	for (size_t i = 0; i < r->count; i++) {
		const struct rule *rule = r->rules[i].rule;
		uint64_t src = weight(rule->src), dst = weight(rule->dst);
		bool ok;

		if (r->rules[i].look != LOOK_ADDRESS)
			continue;
		if (rule->both_ways || (src > WIDE && dst > WIDE))
			ok = ARENA_PUSH(r->arena, g->always, g->always_count, g->always_room,
					(uint32_t)i);
		else if (src <= dst)
			ok = index_add(&g->by_src, rule->src, (uint32_t)i, r->arena);
		else
			ok = index_add(&g->by_dst, rule->dst, (uint32_t)i, r->arena);
		if (!ok)
			return false;
	}
	return index_finish(&g->by_src, r->arena) && index_finish(&g->by_dst, r->arena);
}

static void index_ask(const struct detect_addresses *x, const struct addr *a,
		      struct detect_candidates *out)
{
	size_t lo = 0, hi = x->count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (addr_compare(&x->items[mid].lo, a) <= 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	while (lo-- > 0 && addr_compare(&x->max_hi[lo], a) >= 0)
		if (addr_compare(&x->items[lo].hi, a) >= 0)
			detect_candidates_add(out, x->items[lo].rule);
}

void detect_addresses_ask(const struct detect_address_groups *g, const struct addr *src,
			  const struct addr *dst, struct detect_candidates *out)
{
	for (size_t i = 0; i < g->always_count; i++)
		detect_candidates_add(out, g->always[i]);
	index_ask(&g->by_src, src, out);
	index_ask(&g->by_dst, dst, out);
}
