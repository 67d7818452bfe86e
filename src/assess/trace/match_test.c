/* SPDX-License-Identifier: Apache-2.0 */
#include "assess/trace/trace_priv.h"
#include "test.h"

#define S(s) ((int64_t)(s)*TIME_NS_PER_S)

static void the_logarithm_is_exact_where_it_can_be_checked(struct test *t)
{
	int64_t last = INT64_MIN;

	EXPECT(t, trace_log2(1000) == 0);
	for (unsigned k = 0; k < 20; k++)
		EXPECT(t, trace_log2(1000ull << k) == (int64_t)k << 16);
	EXPECT(t, trace_log2(500) == -65536 && trace_log2(125) == -3 * 65536);
	EXPECT(t, trace_log2(20000) >= 283240 && trace_log2(20000) <= 283244); /* 4.321928 */
	EXPECT(t, trace_log2(900) >= -9963 && trace_log2(900) <= -9959);       /* -0.152003 */
	for (uint64_t v = 1; v < 30000; v++) {
		EXPECT(t, trace_log2(v) >= last);
		last = trace_log2(v);
	}
	EXPECT(t, trace_log2(UINT64_MAX) > trace_log2(UINT64_MAX / 2));
}

static void a_fingerprint_is_read_second_by_second(struct test *t)
{
	struct arena_pool pool = {.budget = 1 << 20};
	struct arena a = {.pool = &pool};
	struct trace_seconds s = {0};

	EXPECT(t, trace_seconds_add(&s, &a, (struct wall_ns){S(10)}, SLICE("03z0a")));
	EXPECT(t, trace_seconds_add(&s, &a, (struct wall_ns){S(9)}, SLICE("10001")));
	EXPECT(t, trace_seconds_add(&s, &a, (struct wall_ns){S(9)}, SLICE("")));
	trace_seconds_sort(&s);
	EXPECT_UINT(t, s.count, 5);
	EXPECT(t, s.at[0] == S(9) && s.at[1] == S(11) && s.at[2] == S(12) && s.at[3] == S(13) &&
			  s.at[4] == S(14));
	arena_reset(&a);
	arena_pool_drain(&pool);
}

/* n bursts out at known moments, 20 s apart; the second with the cause begins lag_ns earlier. */
static __attribute__((noinline)) struct trace_match spaced(int n, int64_t lag_ns)
{
	struct trace_span all = {0, S(20) * (n + 1)};
	struct trace_event out[64];
	int64_t in[64];

	for (int i = 0; i < n; i++) {
		out[i].from = out[i].to = S(20) * (i + 1);
		in[i] = out[i].from - lag_ns;
	}
	return trace_match_of(&(struct trace_events){out, (size_t)n, 0},
			      &(struct trace_seconds){in, (size_t)n, 0}, &all, 1);
}

static void a_cause_is_in_the_same_second_or_up_to_the_lag_before(struct test *t)
{
	EXPECT(t, spaced(10, 0).explained == 10 && spaced(10, 0).lag_ms == 300);
	EXPECT(t, spaced(10, -1).explained == 0); /* it begins a moment after its effect */
	EXPECT(t, spaced(10, S(1) + 300 * TIME_NS_PER_MS - 1).lag_ms == 300);
	EXPECT(t, spaced(10, S(1) + 300 * TIME_NS_PER_MS).lag_ms == 2000);
	EXPECT(t, spaced(10, S(3) - 1).explained == 10);
	EXPECT(t, spaced(10, S(3)).explained == 0);
	EXPECT(t, spaced(10, 0).chance == 59); /* 1.3 s of every 22 */
}

static void the_ratio_is_capped_both_ways(struct test *t)
{
	EXPECT(t, spaced(3, 0).ratio == 0); /* too few */
	EXPECT(t, spaced(4, 0).ratio == 20000 && spaced(60, 0).ratio == 20000);
	EXPECT(t, spaced(4, S(10)).ratio == 50 && spaced(60, S(10)).ratio == 50);
}

static void bytes_all_the_time_explain_nothing(struct test *t)
{
	struct trace_span all = {0, S(300)};
	struct trace_event out[14];
	int64_t in[300];
	struct trace_match m;

	for (int i = 0; i < 300; i++)
		in[i] = S(i);
	for (int i = 0; i < 14; i++)
		out[i].from = out[i].to = S(20 * (i + 1));
	m = trace_match_of(&(struct trace_events){out, 14, 0}, &(struct trace_seconds){in, 300, 0},
			   &all, 1);
	EXPECT(t, m.bursts == 14 && m.explained == 14 && m.chance == 950);
	EXPECT(t, m.ratio < 1000);
}

static void what_is_half_a_second_apart_is_one_burst(struct test *t)
{
	struct trace_event list[] = {{S(9), S(10)},
				     {S(1), S(1)},
				     {S(1) + 8000, S(1) + 8000},
				     {S(1) + 500000000 + 8000, S(2)},
				     {S(5), S(6)},
				     {S(6), S(7)},
				     {S(6) + 1, S(7) + 1},
				     {S(3), S(4)}};
	struct trace_events e = {list, sizeof list / sizeof list[0], 0};

	trace_events_join(&e);
	EXPECT_UINT(t, e.count, 5);
	EXPECT(t, list[0].from == S(1) && list[0].to == S(1)); /* its moment is known */
	EXPECT(t, list[1].from == S(1) + 500000000 + 8000);    /* just far enough */
	EXPECT(t, list[2].from == S(3) && list[3].from == S(5) && list[4].from == S(9));
	e = (struct trace_events){0};
	trace_events_join(&e);
	EXPECT_UINT(t, e.count, 0);
}

static void only_what_was_observed_counts(struct test *t)
{
	int64_t in[] = {S(20), S(40), S(60), S(80)};
	struct trace_event out[] = {{S(20), S(20)},  {S(40), S(41)},   {S(60), S(60)},
				    {S(80), S(80)},  {S(500), S(501)}, {S(520), S(520)},
				    {S(540), S(540)}};
	struct trace_seconds i = {in, 4, 0};
	struct trace_events o = {out, 7, 0};
	struct trace_span one[] = {{S(10), S(100)}};
	struct trace_span parts[] = {{S(70), S(100)}, {S(10), S(50)}, {S(30), S(75)}};
	struct trace_match a = trace_match_of(&o, &i, one, 1), b = trace_match_of(&o, &i, parts, 3);

	EXPECT(t, a.bursts == 4 && a.explained == 4);
	EXPECT(t, a.bursts == b.bursts && a.ratio == b.ratio && a.chance == b.chance);
	EXPECT(t, trace_match_of(&o, &i, one, 0).bursts == 0);
}

TESTS(T(the_logarithm_is_exact_where_it_can_be_checked), T(a_fingerprint_is_read_second_by_second),
      T(a_cause_is_in_the_same_second_or_up_to_the_lag_before), T(the_ratio_is_capped_both_ways),
      T(bytes_all_the_time_explain_nothing), T(what_is_half_a_second_apart_is_one_burst),
      T(only_what_was_observed_counts))
