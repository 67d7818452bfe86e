/* SPDX-License-Identifier: Apache-2.0
 *
 * base/histogram.h - how long it took, many times: log-linear buckets, no allocation, no clock.
 *
 * Values below 32 have a bucket each; above, each power of two is cut in 32 parts of one width, so
 * a bucket is never wider than 1/32 of what it holds and what a quantile says is at most 3.2 %
 * above the value that was added, never below it. From 2^36 on (in nanoseconds: 69 seconds) there
 * is one bucket; `most` is exact in any case. The scheme is that of G. Tene's HdrHistogram.
 *
 * A value of 8 KiB: not for stacks. {0} is empty. One writer; copy it under its owner's lock, or by
 * its owner. Counters do not wrap in a life.
 */
#ifndef DEW_BASE_HISTOGRAM_H
#define DEW_BASE_HISTOGRAM_H

#include <stdint.h>

enum {
	HISTOGRAM_PARTS_LOG2 = 5,
	HISTOGRAM_PARTS = 1 << HISTOGRAM_PARTS_LOG2,
	HISTOGRAM_TOP_LOG2 = 36, /* values from 2^36 on share the last bucket */
	HISTOGRAM_BUCKETS = (HISTOGRAM_TOP_LOG2 - HISTOGRAM_PARTS_LOG2 + 1) * HISTOGRAM_PARTS + 1,
};

struct histogram {
	uint64_t count, sum; /* sum: of values; wraps after 584 years of nanoseconds */
	uint64_t most;	     /* the greatest; 0 without any */
	uint64_t at[HISTOGRAM_BUCKETS];
};

static inline uint32_t histogram_bucket(uint64_t v)
{
	unsigned e;

	if (v < HISTOGRAM_PARTS)
		return (uint32_t)v;
	e = 63 - (unsigned)__builtin_clzll(v);
	if (e >= HISTOGRAM_TOP_LOG2)
		return HISTOGRAM_BUCKETS - 1;
	return (e - HISTOGRAM_PARTS_LOG2) * HISTOGRAM_PARTS +
	       (uint32_t)(v >> (e - HISTOGRAM_PARTS_LOG2)); /* 32..63 of the power before */
}

/* n values of v. */
static inline void histogram_add(struct histogram *h, uint64_t v, uint64_t n)
{
	h->at[histogram_bucket(v)] += n;
	h->count += n;
	h->sum += v * n;
	if (v > h->most && n != 0)
		h->most = v;
}

void histogram_merge(struct histogram *sum, const struct histogram *one);

/* The greatest value of the bucket in which the value of rank ceil(count * part / of) lies (part of
 * them are not greater), and never more than `most`: histogram_quantile(h, 999, 1000) is p99.9.
 * 0 < part <= of. 0 of an empty one. */
uint64_t histogram_quantile(const struct histogram *h, uint32_t part, uint32_t of);

/* How many are below 2^log2: exact. log2 at most HISTOGRAM_TOP_LOG2. */
uint64_t histogram_below(const struct histogram *h, unsigned log2);

#endif
