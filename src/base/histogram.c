/* SPDX-License-Identifier: Apache-2.0 */
#include "base/histogram.h"

#include "base/status.h"

/* The greatest value of bucket i; the last has none. */
static uint64_t top(uint32_t i)
{
	unsigned shift = i / HISTOGRAM_PARTS;

	if (shift <= 1) /* a value each: below 32 by number, of 32..63 the width is 1, too */
		return i;
	shift--;
	return ((uint64_t)(i % HISTOGRAM_PARTS + HISTOGRAM_PARTS + 1) << shift) - 1;
}

void histogram_merge(struct histogram *sum, const struct histogram *one)
{
	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		sum->at[i] += one->at[i];
	sum->count += one->count;
	sum->sum += one->sum;
	if (one->most > sum->most)
		sum->most = one->most;
}

uint64_t histogram_quantile(const struct histogram *h, uint32_t part, uint32_t of)
{
	/* of counters that are read while they grow, the buckets are what is sure */
	unsigned __int128 rank;
	uint64_t all = 0, seen = 0;

	ASSERT(part != 0 && part <= of);
	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		all += h->at[i];
	rank = ((unsigned __int128)all * part + of - 1) / of;
	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS - 1; i++) {
		seen += h->at[i];
		if (seen != 0 && seen >= rank)
			return top(i) < h->most ? top(i) : h->most;
	}
	return h->most;
}

uint64_t histogram_below(const struct histogram *h, unsigned log2)
{
	uint32_t end = histogram_bucket(UINT64_C(1) << log2);
	uint64_t n = 0;

	ASSERT(log2 <= HISTOGRAM_TOP_LOG2);
	for (uint32_t i = 0; i < end; i++)
		n += h->at[i];
	return n;
}
