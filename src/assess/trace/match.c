/* SPDX-License-Identifier: Apache-2.0
 *
 * The comparison, in integers.
 *
 * A burst is a second with payload out of the machine after a second without. If the machine only
 * passes on, a burst comes within two seconds of payload into it: with probability 0.9 if this is
 * the true source, and with the share of time that is within two seconds of payload anyway if it
 * is not. Bursts are taken as independent, which is why only their first seconds count and why one
 * source counts for a ratio of at most 20 however many bursts it explains.
 */
#include <stdlib.h>

#include "assess/trace/trace_priv.h"

enum { ONE = 1 << 16 }; /* fixed point of logarithms */
/* A second in [t, t+1) may cause one in [u, u+1) if the two can be 0 to 2 s apart. */
static const int64_t before_ns = TIME_NS_PER_S, after_ns = 2 * TIME_NS_PER_S;

bool trace_seconds_add(struct trace_seconds *s, struct arena *a, struct wall_ns start,
		       struct slice bins)
{
	size_t n = bins.len < RECORD_BINS_MAX ? bins.len : RECORD_BINS_MAX;

	for (size_t i = 0; i < n; i++)
		if (bins.ptr[i] != '0' &&
		    !ARENA_PUSH(a, s->at, s->count, s->room, start.ns + (int64_t)i * TIME_NS_PER_S))
			return false;
	return true;
}

static int time_compare(const void *pa, const void *pb)
{
	const int64_t *a = pa, *b = pb;

	return *a < *b ? -1 : *a > *b;
}

static int span_compare(const void *pa, const void *pb)
{
	const struct trace_span *a = pa, *b = pb;

	if (a->from != b->from)
		return a->from < b->from ? -1 : 1;
	return a->to < b->to ? -1 : a->to > b->to;
}

void trace_seconds_sort(struct trace_seconds *s)
{
	size_t n = 0;

	if (s->count > 1)
		qsort(s->at, s->count, sizeof *s->at, time_compare);
	for (size_t i = 0; i < s->count; i++)
		if (n == 0 || s->at[n - 1] != s->at[i])
			s->at[n++] = s->at[i];
	s->count = n;
}

/* Binary digits of the logarithm by squaring: x in [1, 2) as 1.31 fixed point. */
int64_t trace_log2(uint64_t v)
{
	static const int64_t log2_1000 = 653117; /* 9.965784 * 65536, cut like the rest */
	int64_t whole = 63 - __builtin_clzll(v), part = 0;
	uint64_t x = whole <= 31 ? v << (31 - whole) : v >> (whole - 31);

	for (int64_t bit = ONE / 2; bit != 0; bit /= 2) {
		x = x * x >> 31;
		if (x >> 32 != 0) {
			x >>= 1;
			part += bit;
		}
	}
	return whole * ONE + part - log2_1000;
}

/* The greatest ratio, in thousandths, whose logarithm is not above l, within the cap both ways. */
static int64_t ratio_of(int64_t l)
{
	int64_t low = CLAIM_CERTAIN / TRACE_RATIO_CAP, high = CLAIM_CERTAIN * TRACE_RATIO_CAP;

	while (low < high) {
		int64_t mid = low + (high - low + 1) / 2;

		if (trace_log2((uint64_t)mid) <= l)
			low = mid;
		else
			high = mid - 1;
	}
	return low;
}

/* Sorts and joins spans; how many are left. */
static size_t spans_join(struct trace_span *spans, size_t count)
{
	size_t n = 0;

	if (count > 1)
		qsort(spans, count, sizeof *spans, span_compare);
	for (size_t i = 0; i < count; i++) {
		if (n != 0 && spans[i].from <= spans[n - 1].to) {
			if (spans[i].to > spans[n - 1].to)
				spans[n - 1].to = spans[i].to;
		} else {
			spans[n++] = spans[i];
		}
	}
	return n;
}

/* The first second in s at or behind t. */
static size_t lower(const struct trace_seconds *s, int64_t t)
{
	size_t low = 0, high = s->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (s->at[mid] < t)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool explained(const struct trace_seconds *in, int64_t burst)
{
	size_t i = lower(in, burst - after_ns);

	return i < in->count && in->at[i] < burst + before_ns;
}

/* How much of [from, to) a burst could begin in and be explained. */
static int64_t shadow(const struct trace_seconds *in, int64_t from, int64_t to)
{
	int64_t sum = 0, end = from;

	for (size_t i = lower(in, from - after_ns); i < in->count; i++) {
		int64_t a = in->at[i] - before_ns, b = in->at[i] + after_ns;

		if (a >= to)
			break;
		a = a > end ? a : end;
		b = b < to ? b : to;
		if (b > a) {
			sum += b - a;
			end = b;
		}
	}
	return sum;
}

struct trace_match trace_match_of(const struct trace_seconds *out, const struct trace_seconds *in,
				  struct trace_span *spans, size_t span_count)
{
	struct trace_match m = {0};
	int64_t time_ms = 0, shadow_ms = 0, l;
	size_t n = spans_join(spans, span_count);

	for (size_t s = 0; s < n; s++) {
		size_t from = lower(out, spans[s].from), to = lower(out, spans[s].to);

		if (from == to)
			continue;
		time_ms += (spans[s].to - spans[s].from) / TIME_NS_PER_MS;
		shadow_ms += shadow(in, spans[s].from, spans[s].to) / TIME_NS_PER_MS;
		for (size_t i = from; i < to; i++) {
			if (i > 0 && out->at[i] - out->at[i - 1] <= TIME_NS_PER_S)
				continue; /* goes on */
			m.bursts++;
			m.explained += explained(in, out->at[i]);
		}
	}
	if (m.bursts < TRACE_BURSTS_MIN || time_ms == 0)
		return m;
	m.chance = (int32_t)(shadow_ms * CLAIM_CERTAIN / time_ms);
	if (m.chance < TRACE_CHANCE_LEAST)
		m.chance = TRACE_CHANCE_LEAST;
	if (m.chance > TRACE_CHANCE_MOST)
		m.chance = TRACE_CHANCE_MOST;
	l = (int64_t)m.explained * (trace_log2(TRACE_EXPLAINED) - trace_log2((uint64_t)m.chance)) +
	    (int64_t)(m.bursts - m.explained) * (trace_log2(CLAIM_CERTAIN - TRACE_EXPLAINED) -
						 trace_log2((uint64_t)(CLAIM_CERTAIN - m.chance)));
	m.ratio = ratio_of(l);
	return m;
}
