/* SPDX-License-Identifier: Apache-2.0
 *
 * The comparison, in integers.
 *
 * If a machine only passes on, what goes out of it follows what came in: at once on a fast path, or
 * within seconds. Which is not known, so both scales are tried and their ratios averaged (two
 * hypotheses of equal weight). At each scale a burst is explained if payload came in during the
 * lag before it; a true cause explains nine in ten (eight if the burst is known to the second
 * only), chance as many as the share of time that lies so close behind payload anyway. Bursts are
 * taken as independent, which is why what is less than half a second apart is one burst, and why
 * one source counts for a ratio of at most 20 however many it explains.
 */
#include <stdlib.h>

#include "assess/trace/trace_priv.h"

enum {
	ONE = 1 << 16, /* fixed point of logarithms */
	SCALES = 2,
	RATIO_MOST = 1000 * 1000, /* thousandths, of one scale: before the average and its cap */
};
static const int32_t lags_ms[SCALES] = {300, 2000};
static const int64_t join_ns = TIME_NS_PER_S / 2;

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

/* The greatest ratio, in thousandths, whose logarithm is not above l; 1 to RATIO_MOST. */
static int64_t ratio_of(int64_t l)
{
	int64_t low = 1, high = RATIO_MOST;

	while (low < high) {
		int64_t mid = low + (high - low + 1) / 2;

		if (trace_log2((uint64_t)mid) <= l)
			low = mid;
		else
			high = mid - 1;
	}
	return low;
}

static int event_compare(const void *pa, const void *pb)
{
	const struct trace_event *a = pa, *b = pb;

	if (a->from != b->from)
		return a->from < b->from ? -1 : 1;
	return a->to < b->to ? -1 : a->to > b->to;
}

void trace_events_join(struct trace_events *e)
{
	size_t n = 0;
	int64_t end = 0;

	if (e->count > 1)
		qsort(e->list, e->count, sizeof *e->list, event_compare);
	for (size_t i = 0; i < e->count; i++) {
		struct trace_event now = e->list[i];

		if (n == 0 || now.from - end >= join_ns) {
			end = now.to;
			e->list[n++] =
				now; /* a burst keeps its first event: that is when it began */
		}
		end = now.to > end ? now.to : end;
	}
	e->count = n;
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

/* When a burst began: known, or taken as the middle of its second. */
static int64_t began(const struct trace_event *burst)
{
	return burst->from + (burst->to - burst->from) / 2;
}

static bool explained(const struct trace_seconds *in, int64_t moment, int64_t lag_ns)
{
	size_t i = lower(in, moment - TIME_NS_PER_S - lag_ns + 1);

	return i < in->count && in->at[i] <= moment;
}

/* How much of [from, to) lies in a second with payload or within the lag behind one. */
static int64_t shadow(const struct trace_seconds *in, int64_t from, int64_t to, int64_t lag_ns)
{
	int64_t sum = 0, end = from;

	for (size_t i = lower(in, from - TIME_NS_PER_S - lag_ns); i < in->count; i++) {
		int64_t a = in->at[i], b = in->at[i] + TIME_NS_PER_S + lag_ns;

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

static bool is_inside(const struct trace_event *burst, const struct trace_span *span)
{
	return began(burst) >= span->from && began(burst) < span->to;
}

/* One scale: the logarithm of the ratio is left in *l. */
static struct trace_match compare(const struct trace_events *bursts, const struct trace_seconds *in,
				  const struct trace_span *spans, size_t n, int32_t lag_ms,
				  int64_t *l)
{
	struct trace_match m = {.lag_ms = lag_ms};
	int64_t lag_ns = lag_ms * TIME_NS_PER_MS, time_ms = 0, shadow_ms = 0;
	size_t hit[2] = {0, 0}, all[2] = {0, 0}, b = 0; /* [1]: known to the second only */

	for (size_t s = 0; s < n; s++) {
		while (b < bursts->count && began(&bursts->list[b]) < spans[s].from)
			b++;
		if (b == bursts->count || !is_inside(&bursts->list[b], &spans[s]))
			continue;
		time_ms += (spans[s].to - spans[s].from) / TIME_NS_PER_MS;
		shadow_ms += shadow(in, spans[s].from, spans[s].to, lag_ns) / TIME_NS_PER_MS;
		for (; b < bursts->count && is_inside(&bursts->list[b], &spans[s]); b++) {
			bool coarse = bursts->list[b].to != bursts->list[b].from;

			all[coarse]++;
			hit[coarse] += explained(in, began(&bursts->list[b]), lag_ns);
		}
	}
	m.bursts = all[0] + all[1];
	m.explained = hit[0] + hit[1];
	if (m.bursts < TRACE_BURSTS_MIN || time_ms == 0)
		return m;
	m.chance = (int32_t)(shadow_ms * CLAIM_CERTAIN / time_ms);
	if (m.chance < TRACE_CHANCE_LEAST)
		m.chance = TRACE_CHANCE_LEAST;
	if (m.chance > TRACE_CHANCE_MOST)
		m.chance = TRACE_CHANCE_MOST;
	*l = 0;
	for (size_t coarse = 0; coarse < 2; coarse++) {
		uint64_t p = coarse ? TRACE_EXPLAINED_COARSE : TRACE_EXPLAINED;

		*l += (int64_t)hit[coarse] * (trace_log2(p) - trace_log2((uint64_t)m.chance));
		*l += (int64_t)(all[coarse] - hit[coarse]) *
		      (trace_log2(CLAIM_CERTAIN - p) -
		       trace_log2((uint64_t)(CLAIM_CERTAIN - m.chance)));
	}
	m.ratio = ratio_of(*l);
	return m;
}

struct trace_match trace_match_of(const struct trace_events *bursts, const struct trace_seconds *in,
				  struct trace_span *spans, size_t span_count)
{
	static const int64_t most = (int64_t)TRACE_RATIO_CAP * CLAIM_CERTAIN;
	static const int64_t least = CLAIM_CERTAIN / TRACE_RATIO_CAP;
	struct trace_match best = {0};
	size_t n = spans_join(spans, span_count);
	int64_t sum = 0, l;

	for (size_t k = 0; k < SCALES; k++) {
		struct trace_match m = compare(bursts, in, spans, n, lags_ms[k], &l);

		sum += m.ratio;
		if (k == 0 || m.ratio > best.ratio)
			best = m;
	}
	if (best.ratio == 0)
		return best;
	best.ratio = sum / SCALES;
	best.ratio = best.ratio > most ? most : best.ratio < least ? least : best.ratio;
	return best;
}
