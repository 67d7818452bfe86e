/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/anomaly/anomaly_fixture.h"

/* Beginnings of flows from `sources` addresses that are drawn at random (forged), or lie in four
 * providers' first octets (real). TEST_SEED plays no part: the draws are the same in each run. */
static void begin(struct watch *w, struct test *t, uint32_t flows, uint32_t sources, bool forged,
		  int64_t at)
{
	for (uint32_t i = 0; i < flows; i++) {
		struct flow f = flow_of(IP_PROTO_TCP, host(1), 80, at + i * (S / 1000));
		uint64_t r;

		t->rng = 1 + i % sources + (uint64_t)at;
		r = test_rand(t);
		f.client = addr_v4((const uint8_t[]){
			forged ? (uint8_t)r : (uint8_t[]){24, 62, 84, 91}[r % 4], (uint8_t)(r >> 8),
			(uint8_t)(r >> 16), (uint8_t)(r >> 24)});
		f.client_port = (uint16_t)i;
		anomaly_flow_new(w->worker, &f);
	}
}

static void forged_sources_are_a_flood(struct test *t)
{
	struct watch *w = watch_new();

	begin(w, t, 1999, 1000000, true, START);
	EXPECT_UINT(t, w->count, 0);
	watch_done(w);
	w = watch_new();
	begin(w, t, 2000, 1000000, true, START);
	EXPECT_UINT(t, w->count, 1);
	EXPECT_SLICE(t, w->said[0].u.anomaly.event, SLICE("flood.spoofed"));
	EXPECT_UINT(t, w->said[0].u.anomaly.measured, 2000);
	EXPECT_UINT(t, w->said[0].u.anomaly.threshold, 2000);
	EXPECT_UINT(t, w->said[0].u.anomaly.score_milli, 1000);
	watch_done(w);
}

/* The same number of real clients whose server is down, who try once: forged they are not. */
static void real_clients_of_a_dead_server_need_ten_times_as_many(struct test *t)
{
	struct watch *w = watch_new();

	begin(w, t, 9000, 1000000, false, START);
	EXPECT_UINT(t, w->count, 0);
	watch_done(w);
	static const char *const settings[] = {"anomaly.flood.flows=200", NULL};

	w = watch_with(settings);
	begin(w, t, 2000, 1000000, false, START);
	EXPECT_UINT(t, w->count, 1);
	EXPECT_UINT(t, w->said[0].u.anomaly.score_milli, 500);
	EXPECT_UINT(t, w->said[0].u.anomaly.threshold, 2000);
	watch_done(w);
}

static void few_sources_are_no_forgers(struct test *t)
{
	struct watch *w = watch_new();

	begin(w, t, 9000, 300, true, START); /* far from 500, whatever the sketch errs */
	EXPECT_UINT(t, w->count, 0);
	watch_done(w);
}

static void a_slow_flood_is_none(struct test *t)
{
	struct watch *w = watch_new();

	for (int64_t i = 0; i < 100; i++) /* 190 a second */
		begin(w, t, 1900, 1000000, true, START / (10 * S) * (10 * S) + i * 10 * S);
	EXPECT_UINT(t, w->count, 0);
	watch_done(w);
}

/* A crowd: every session goes on, a moment after it began. */
static void a_crowd_that_is_served_is_none(struct test *t)
{
	struct watch *w = watch_new();

	for (uint32_t i = 0; i < 20000; i++) {
		struct flow f = flow_of(IP_PROTO_TCP, host(1), 443, START + i * (S / 4000));

		t->rng = i + 1;
		uint64_t r = test_rand(t);
		f.client = addr_v4((const uint8_t[]){(uint8_t)r, (uint8_t)(r >> 8),
						     (uint8_t)(r >> 16), (uint8_t)(r >> 24)});
		anomaly_flow_new(w->worker, &f);
		anomaly_flow_answered(w->worker, &f);
	}
	EXPECT_UINT(t, w->count, 0);
	watch_done(w);
}

/* Unasked answers of n servers of NTP's monlist to one host. */
static size_t reflected(struct watch *w, uint32_t n, uint16_t port)
{
	for (uint32_t i = 0; i < n; i++) {
		struct flow f = flow_of(IP_PROTO_UDP, attacker, 33333, START + i);

		f.client = host(i);
		f.client_port = port;
		anomaly_flow_new(w->worker, &f);
	}
	return said(w, "flood.reflection");
}

static void unasked_answers_are_a_reflection(struct test *t)
{
	struct watch *w = watch_new();

	EXPECT_UINT(t, reflected(w, 40, 123), 0); /* 50 is within the sketch's error of 55 */
	watch_done(w);
	w = watch_new();
	EXPECT_UINT(t, reflected(w, 70, 123), 1);
	EXPECT(t, slice_find(w->said[0].u.anomaly.summary, SLICE("UDP port 123 answered")) !=
			  SIZE_MAX);
	watch_done(w);
	w = watch_new();
	EXPECT_UINT(t, reflected(w, 200, 53), 0);   /* a resolver seen from one side */
	EXPECT_UINT(t, reflected(w, 200, 5000), 0); /* nobody's port */
	watch_done(w);
}

/* A scan of 10^5 hosts at the same time does not take the target's slot. */
static void a_flood_is_found_behind_a_scan(struct test *t)
{
	struct watch *w = watch_new();

	for (uint32_t k = 0; k < 10; k++) {
		for (uint32_t i = 0; i < 10000; i++) {
			struct flow f =
				flow_of(IP_PROTO_TCP,
					addr_v4((const uint8_t[]){10, (uint8_t)k, (uint8_t)(i >> 8),
								  (uint8_t)i}),
					23, START + k * (S / 2));

			anomaly_flow_new(w->worker, &f);
		}
		begin(w, t, 400, 1000000, true, START + k * (S / 2));
	}
	EXPECT_UINT(t, said(w, "flood.spoofed"), 1);
	watch_done(w);
}

TESTS(T(forged_sources_are_a_flood), T(real_clients_of_a_dead_server_need_ten_times_as_many),
      T(few_sources_are_no_forgers), T(a_slow_flood_is_none), T(a_crowd_that_is_served_is_none),
      T(unasked_answers_are_a_reflection), T(a_flood_is_found_behind_a_scan))
