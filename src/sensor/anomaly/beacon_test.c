/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/anomaly/anomaly_fixture.h"

#include <math.h>

/* [n - 10] ten-thousandths, beacon.c's q_most computed anew: n P[Bin(n - 1, q) >= (n - 1) / 2]. */
static double by_chance(unsigned n, double q)
{
	double sum = 0;

	for (unsigned k = (n - 1) / 2; k <= n - 1; k++)
		sum += exp(lgamma(n) - lgamma(k + 1.0) - lgamma(n - k) + k * log(q) +
			   (n - 1 - k) * log1p(-q));
	return n * sum;
}

/* Calls every 1,000 s, two of three intervals off by s thousandths: their median absolute
 * deviation. The largest s that is said of n intervals. */
static uint64_t spread_said(unsigned n)
{
	uint64_t most = 0;

	for (uint64_t s = 0; s < 260; s++) {
		struct watch *w = watch_new();
		int64_t at = START;

		for (unsigned i = 0; i <= n; i++) {
			static const int off[] = {0, 1, -1};

			call(w, IP_PROTO_TCP, 443, at);
			at += 1000 * S + off[i % 3] * (int64_t)s * S;
			if (i < n && w->count != 0) /* said before n: do not count it as n's */
				break;
		}
		if (w->count == 1 && w->said[0].u.anomaly.observations == n + 1)
			most = s;
		watch_done(w);
	}
	return most;
}

static void chance_gives_a_beacon_once_in_a_million(struct test *t)
{
	for (unsigned n = 13; n < 64; n += 10) { /* more calls than are needed at once */
		double s = (double)spread_said(n) / 1000 * 0.999; /* (m - 1 s) / m */

		EXPECT(t, s > 0);
		/* rounding: of s, of its limit twice, and "less than" */
		EXPECT(t, by_chance(n, 2 * (s - 0.001) / exp(1)) <= 1e-6);
		EXPECT(t, by_chance(n, 2 * (s + 0.004) / exp(1)) > 1e-6);
	}
}

static void even_calls_are_a_beacon_from_the_thirteenth_on(struct test *t)
{
	struct watch *w = watch_new();

	for (int64_t i = 0; i < 12; i++)
		call(w, IP_PROTO_TCP, 8080, START + i * 5 * S);
	EXPECT_UINT(t, w->count, 0);
	call(w, IP_PROTO_TCP, 8080, START + 60 * S);
	EXPECT_UINT(t, w->count, 1);
	EXPECT_SLICE(t, w->said[0].u.anomaly.event, SLICE("beacon"));
	EXPECT_SLICE(t, w->said[0].u.anomaly.summary,
		     SLICE("203.0.113.10 contacted 198.51.0.7:8080 every 5.0 s, 13 times"));
	EXPECT_UINT(t, w->said[0].u.anomaly.score_milli, 1000);
	EXPECT_SLICE(t, w->said[0].u.anomaly.measure, SLICE("spread_milli"));
	EXPECT_UINT(t, w->said[0].u.anomaly.measured, 0);
	for (int64_t i = 13; i <= 12 + 24 * 720; i++) {
		EXPECT_UINT(t, w->count, 1);
		call(w, IP_PROTO_TCP, 8080, START + i * 5 * S);
	}
	EXPECT_UINT(t, w->count, 2); /* a day after the first */
	EXPECT_UINT(t, w->said[1].u.anomaly.observations, 64);
	watch_done(w);
}

/* Intervals drawn evenly from T (1 - j) .. T (1 + j), as implants do: j of 0.2 is found after some
 * thirty calls, of 0.45 after some sixty, above that it hides. */
static void jitter_delays_and_at_last_hides(struct test *t)
{
	static const struct {
		uint64_t jitter; /* thousandths */
		uint64_t said;
	} cases[] = {{0, 1}, {100, 1}, {200, 1}, {300, 1}, {800, 0}, {1000, 0}};

	for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
		struct watch *w = watch_new();
		int64_t at = START;

		t->rng = 11; /* the same draws in each run */
		for (unsigned i = 0; i < 120; i++) {
			call(w, IP_PROTO_TCP, 443, at);
			at += 10 * S / 1000 *
			      (int64_t)(1000 - cases[c].jitter +
					test_rand(t) % (2 * cases[c].jitter + 1));
		}
		EXPECT_UINT(t, w->count, cases[c].said);
		watch_done(w);
	}
}

static void people_are_no_beacons(struct test *t)
{
	struct watch *w = watch_new();
	int64_t at = START;

	t->rng = 1; /* the same arrivals in each run: a chance hit would be no bug */
	for (unsigned i = 0; i < 2000; i++) {
		uint64_t r = test_rand(t);
		int64_t wait = S;

		while (r & 1) { /* geometric: memoryless, as arrivals of people are */
			wait += 3 * S;
			r >>= 1;
		}
		call(w, IP_PROTO_TCP, 443, at);
		at += wait + (int64_t)(test_rand(t) % (uint64_t)(20 * S));
	}
	EXPECT_UINT(t, w->count, 0);
	watch_done(w);
}

static void bursts_are_one_call_and_polled_services_none(struct test *t)
{
	struct watch *w = watch_new();

	for (int64_t i = 0; i < 100; i++) {
		call(w, IP_PROTO_UDP, 123, START + i * 64 * S);
		call(w, IP_PROTO_UDP, 53, START + i * 10 * S);
		call(w, IP_PROTO_ICMP, 0, START + i * 10 * S);
	}
	EXPECT_UINT(t, w->count, 0);
	for (int64_t i = 0; i < 13; i++)
		for (int64_t k = 0; k < 6; k++)
			call(w, IP_PROTO_UDP, 4444, START + i * 60 * S + k * S / 10);
	EXPECT_UINT(t, w->count, 1);
	EXPECT_UINT(t, w->said[0].u.anomaly.observations, 13);
	watch_done(w);
}

static void a_flood_is_no_beacon_of_one_second(struct test *t)
{
	struct watch *w = watch_new();

	for (int64_t i = 0; i < 500; i++)
		call(w, IP_PROTO_TCP, 445, START + i * S / 10);
	for (int64_t i = 0; i < 100; i++) /* just within a second of the one before */
		call(w, IP_PROTO_TCP, 446, START + i * (S - 1));
	EXPECT_UINT(t, w->count, 0);
	for (int64_t i = 0; i < 100; i++) /* chance is even there, too */
		call(w, IP_PROTO_TCP, 447, START + i * S);
	EXPECT_UINT(t, w->count, 0);
	for (int64_t i = 0; i < 13; i++)
		call(w, IP_PROTO_TCP, 448, START + i * 2 * S);
	EXPECT_UINT(t, w->count, 1);
	watch_done(w);
}

static void transactions_of_one_connection_count_but_transfers_do_not(struct test *t)
{
	for (unsigned c = 0; c < 2; c++) {
		struct watch *w = watch_new();
		struct flow f = flow_of(IP_PROTO_TCP, host(7), 80, START);

		anomaly_flow_new(w->worker, &f);
		for (int64_t i = 0; i < 13; i++) {
			struct record r = {.kind = RECORD_HTTP, .at = {START + i * 6 * S + S / 5}};

			r.u.http.tx_id = (uint64_t)i;
			r.u.http.length = 65536 + c;
			anomaly_logged(w->worker, &f, &r);
		}
		EXPECT_UINT(t, w->count, c == 0);
		watch_done(w);
	}
}

static void a_rhythm_inside_an_unknown_connection_is_a_beacon(struct test *t)
{
	static const struct app_protocol known = {.name = "http"};
	uint8_t bins[200] = {0};
	struct app_flow app = {.state = APP_GIVEN_UP};
	struct flow f = flow_of(IP_PROTO_TCP, host(7), 8219, START);
	struct watch *w = watch_new();

	for (size_t i = 0; i < sizeof bins; i += 5)
		bins[i] = bins[i + 1] = 2; /* a burst may last into the next second */
	f.side[0].bins = bins;
	f.side[0].bin_count = sizeof bins;
	f.app = &app;
	anomaly_flow_end(w->worker, &f);
	EXPECT_UINT(t, w->count, 1);
	EXPECT_SLICE(t, w->said[0].u.anomaly.summary,
		     SLICE("203.0.113.10 contacted 198.51.0.7:8219 every 5.0 s, 40 times"));
	watch_done(w);
	w = watch_new();
	app.protocol = &known; /* known */
	anomaly_flow_end(w->worker, &f);
	EXPECT_UINT(t, w->count, 0);
	watch_done(w);
}

static void calls_come_from_home_and_go_out(struct test *t)
{
	const struct addr ours = {4, {10, 1, 2, 3}}, also_ours = {4, {192, 168, 1, 1}},
			  theirs = {4, {192, 0, 2, 1}};
	const struct {
		struct addr client, server;
		uint64_t said;
	} cases[] = {
		{ours, theirs, 1}, {ours, also_ours, 0}, {theirs, ours, 0}, {theirs, attacker, 1}};

	for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
		struct watch *w = watch_new();

		for (int64_t i = 0; i < 20; i++) {
			struct flow f =
				flow_of(IP_PROTO_TCP, cases[c].server, 443, START + i * 60 * S);

			f.client = cases[c].client;
			anomaly_flow_new(w->worker, &f);
		}
		EXPECT_UINT(t, w->count, cases[c].said);
		watch_done(w);
	}
}

/* Each of n clients calls the same server by the clock. Seen one after the other the count of
 * clients is exact: below 32 linear counting is off by at most one with this key. */
static void what_many_clients_call_is_common(struct test *t)
{
	for (uint8_t n = 8; n <= 32; n = (uint8_t)(n * 2)) {
		struct watch *w = watch_new();

		for (int64_t i = 0; i < 20; i++)
			for (uint8_t k = 0; k < n; k++) {
				struct flow f = flow_of(IP_PROTO_TCP, host(1), 443,
							START + i * 300 * S + k * S);

				f.client.b[3] = k;
				anomaly_flow_new(w->worker, &f);
			}
		EXPECT_UINT(t, w->count, n < 16 ? n : 0);
		watch_done(w);
	}
}

TESTS(T(chance_gives_a_beacon_once_in_a_million), T(even_calls_are_a_beacon_from_the_thirteenth_on),
      T(jitter_delays_and_at_last_hides), T(people_are_no_beacons),
      T(bursts_are_one_call_and_polled_services_none), T(a_flood_is_no_beacon_of_one_second),
      T(transactions_of_one_connection_count_but_transfers_do_not),
      T(a_rhythm_inside_an_unknown_connection_is_a_beacon), T(calls_come_from_home_and_go_out),
      T(what_many_clients_call_is_common))
