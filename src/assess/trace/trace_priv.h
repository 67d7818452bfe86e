/* SPDX-License-Identifier: Apache-2.0
 *
 * assess/trace/trace_priv.h - do the seconds of one machine's sending explain those of another's?
 */
#ifndef DEW_ASSESS_TRACE_PRIV_H
#define DEW_ASSESS_TRACE_PRIV_H

#include "assess/trace/trace.h"

enum {
	TRACE_RATIO_CAP = 20,	 /* of one item, both ways (INCIDENTS.md F3) */
	TRACE_BURSTS_MIN = 4,	 /* fewer bursts out of a machine cannot be compared */
	TRACE_CHANCE_LEAST = 50, /* chance is never taken to explain less than this share */
	TRACE_CHANCE_MOST = 950, /* nor more: bytes all the time explain nothing */
	/* Shares of bursts that a true cause explains (proposals): of those whose moment is known,
	 * and of those known to the second, which may fall into the second beside it. */
	TRACE_EXPLAINED = 900,
	TRACE_EXPLAINED_COARSE = 800,
};

/* Seconds, as their first nanosecond, in which payload travelled: sorted, each once. */
struct trace_seconds {
	int64_t *at;
	size_t count, room;
};

/* Something that went out of a machine: at one moment (to == from), or in a second. */
struct trace_event {
	int64_t from, to;
};

struct trace_events {
	struct trace_event *list;
	size_t count, room;
};

/* A stretch of time that fingerprints cover. */
struct trace_span {
	int64_t from, to; /* [from, to) */
};

struct trace_match {
	size_t bursts, explained; /* out of the machine, while the cause was observed */
	int32_t chance;		  /* thousandths: share explained by chance alone */
	int32_t lag_ms;		  /* of the scale that explains more; bursts and chance are its */
	int64_t ratio; /* likelihood ratio in thousandths, within the cap; 0: too few bursts */
};

/* Adds the seconds of a fingerprint that starts at `start`. False if the budget is spent. */
MUST_USE bool trace_seconds_add(struct trace_seconds *s, struct arena *a, struct wall_ns start,
				struct slice bins);
void trace_seconds_sort(struct trace_seconds *s);

/* Sorts events and joins those that are less than half a second apart into bursts, in place. */
void trace_events_join(struct trace_events *e);

/* Compares: bursts that went out, against seconds that came in while spans (any order, may overlap;
 * sorted here) were observed. */
struct trace_match trace_match_of(const struct trace_events *bursts, const struct trace_seconds *in,
				  struct trace_span *spans, size_t span_count);

/* log2(v / 1000) in 1/65536, exact to the last bit of the method, for v >= 1. */
int64_t trace_log2(uint64_t v);

#endif
