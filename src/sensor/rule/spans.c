/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/rule/rule_priv.h"

#include <stdlib.h>

static int by_place(const void *pa, const void *pb)
{
	const struct rule_span *a = pa, *b = pb;

	if (a->space != b->space)
		return a->space < b->space ? -1 : 1;
	return a->lo < b->lo ? -1 : a->lo > b->lo;
}

void rule_spans_tidy(struct rule_spans *s)
{
	size_t kept = 0;

	if (s->count < 2)
		return;
	qsort(s->at, s->count, sizeof *s->at, by_place);
	for (size_t i = 1; i < s->count; i++) {
		struct rule_span *last = &s->at[kept];
		const struct rule_span *next = &s->at[i];

		/* next->lo - 1 is only reached when next->lo > last->hi >= 0: no wrap */
		if (next->space == last->space &&
		    (next->lo <= last->hi || next->lo - 1 == last->hi)) {
			if (next->hi > last->hi)
				last->hi = next->hi;
		} else {
			s->at[++kept] = *next;
		}
	}
	s->count = kept + 1;
}

/* a ends before b begins. */
static bool is_before(const struct rule_span *a, const struct rule_span *b)
{
	return a->space != b->space ? a->space < b->space : a->hi < b->lo;
}

bool rule_spans_subtract(const struct rule_spans *from, const struct rule_spans *less,
			 struct arena *a, struct rule_spans *out)
{
	struct rule_spans left = {0};
	size_t j = 0;

	for (size_t i = 0; i < from->count; i++) {
		struct rule_span x = from->at[i];
		bool gone = false;

		while (j < less->count && is_before(&less->at[j], &x))
			j++;
		for (size_t k = j; !gone && k < less->count && !is_before(&x, &less->at[k]); k++) {
			struct rule_span head = {x.space, x.lo, less->at[k].lo - 1};

			if (less->at[k].lo > x.lo &&
			    !ARENA_PUSH(a, left.at, left.count, left.room, head))
				return false;
			gone = less->at[k].hi >= x.hi;
			x.lo = less->at[k].hi + 1; /* not used when it wraps: then x is gone */
		}
		if (!gone && !ARENA_PUSH(a, left.at, left.count, left.room, x))
			return false;
	}
	*out = left;
	return true;
}
