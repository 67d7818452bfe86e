/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/anomaly/anomaly_fixture.h"

static const struct addr ours = {4, {10, 1, 2, 3}}, theirs = {4, {192, 0, 2, 9}};

#define MB (UINT64_C(1) << 20)

static void transfer(struct watch *w, struct addr from, struct addr to, uint64_t out, uint64_t back,
		     int64_t at)
{
	struct flow f = flow_of(IP_PROTO_TCP, to, 443, at);

	f.client = from;
	f.last = f.first;
	f.side[0].bytes = out;
	f.side[1] = (struct flow_side){.pkts = 1, .bytes = back, .tcp_flags = TCP_SYN | TCP_ACK};
	anomaly_flow_end(w->worker, &f);
}

static void sixty_four_megabytes_are_an_upload(struct test *t)
{
	struct watch *w = watch_new();

	transfer(w, ours, theirs, 64 * MB - 1, MB, START);
	EXPECT_UINT(t, w->count, 0);
	transfer(w, ours, theirs, 1, 0, START);
	EXPECT_UINT(t, w->count, 1);
	EXPECT_SLICE(t, w->said[0].u.anomaly.event, SLICE("exfiltration.upload"));
	EXPECT_SLICE(t, w->said[0].u.anomaly.summary,
		     SLICE("10.1.2.3 sent 67,108,864 bytes to 192.0.2.9:443 within 0.0 s and got "
			   "1,048,576 back; usual are 0"));
	EXPECT_UINT(t, w->said[0].u.anomaly.measured, 64 * MB);
	EXPECT_UINT(t, w->said[0].u.anomaly.window_s, 43200);
	watch_done(w);
}

static void what_comes_back_counts_against_it(struct test *t)
{
	for (uint64_t more = 0; more < 2; more++) {
		struct watch *w = watch_new();

		transfer(w, ours, theirs, 64 * MB, 8 * MB + more, START);
		EXPECT_UINT(t, w->count, more == 0);
		watch_done(w);
	}
}

/* 8 MiB an hour are below 64 for half a day, and after that they are what is usual: who is slow
 * hides. Twice as much is not that slow. */
static void a_slow_upload_becomes_usual(struct test *t)
{
	for (uint64_t rate = 8; rate <= 16; rate += 8) {
		struct watch *w = watch_new();

		for (int64_t hour = 0; hour < 100; hour++)
			transfer(w, ours, theirs, rate * MB, 0, START + hour * 3600 * S);
		EXPECT_UINT(t, w->count != 0, rate == 16);
		watch_done(w);
	}
}

/* Every night, five minutes earlier or later: new once. Then four times as much is new again. */
static void a_nightly_backup_is_new_once(struct test *t)
{
	struct watch *w = watch_new();
	int64_t night = 24 * 3600 * S;

	for (int64_t i = 0; i < 30; i++)
		for (int64_t k = 0; k < 10; k++)
			transfer(w, ours, theirs, 500 * MB, MB,
				 START + i * night + (i % 3 - 1) * 300 * S + k * 60 * S);
	EXPECT_UINT(t, w->count, 1);
	for (int64_t k = 0; k < 40; k++)
		transfer(w, ours, theirs, 10 * 500 * MB, MB, START + 30 * night + k * S);
	EXPECT_UINT(t, w->count, 2);
	watch_done(w);
}

/* Three nights, and by day a million visits to a hundred thousand servers. */
static void what_is_usual_outlives_busy_days(struct test *t)
{
	struct watch *w = watch_new();
	int64_t day = 24 * 3600 * S;

	for (int64_t i = 0; i < 3; i++) {
		transfer(w, ours, theirs, 2000 * MB, 30 * MB, START + i * day);
		for (uint32_t k = 0; k < 300000; k++) {
			struct addr server = {4, {198, 18, (uint8_t)(k >> 8), (uint8_t)k}};
			struct addr client = {4, {10, 2, (uint8_t)(k >> 16), (uint8_t)(k % 3)}};

			transfer(w, client, server, 9000, 20000,
				 START + i * day + 3600 * S + k * (S / 20));
		}
	}
	EXPECT_UINT(t, w->count, 1);
	watch_done(w);
}

static void parts_of_an_upload_may_be_small_but_not_tiny(struct test *t)
{
	for (uint64_t less = 0; less < 2; less++) {
		struct watch *w = watch_new();

		for (unsigned i = 0; i < 1100; i++)
			transfer(w, ours, theirs, MB / 16 - less, 0, START);
		EXPECT_UINT(t, w->count, less == 0);
		watch_done(w);
	}
}

static void what_stays_at_home_or_was_not_taken_is_no_upload(struct test *t)
{
	static const struct addr backup = {4, {192, 168, 7, 7}};
	struct watch *w = watch_new();
	struct flow f = flow_of(IP_PROTO_UDP, theirs, 9, START);

	transfer(w, ours, backup, 100000 * MB, 0, START);
	transfer(w, theirs, ours, 100000 * MB, 0, START);	    /* a guest's upload to us */
	transfer(w, ours, theirs, 100000 * MB, 100000 * MB, START); /* a sync both ways */
	f.side[0].bytes = 1000 * MB;				    /* a flood of ours */
	anomaly_flow_end(w->worker, &f);
	EXPECT_UINT(t, w->count, 0);
	watch_done(w);
}

static void icmp(struct watch *w, uint16_t type, struct addr to, uint64_t pkts, uint64_t bytes_each)
{
	struct flow f = flow_of(IP_PROTO_ICMP, to, 0, START);

	f.client_port = type;
	f.side[0] = f.side[1] = (struct flow_side){.pkts = pkts, .bytes = pkts * bytes_each};
	anomaly_flow_end(w->worker, &f);
}

static void pings_are_silent_and_tunnels_are_not(struct test *t)
{
	struct watch *w = watch_new();

	icmp(w, 8, theirs, 1000000, 98);
	icmp(w, 8, ours, 1000000, 74); /* Windows */
	icmp(w, 8, theirs, 3, 1514);   /* looking for the path's MTU */
	icmp(w, 3, theirs, 1000, 590); /* unreachable, with what was sent */
	EXPECT_UINT(t, w->count, 0);
	watch_done(w);
	for (uint64_t more = 0; more < 2; more++) {
		w = watch_new();
		icmp(w, 8, theirs, 8, 98 + 1023 + more);
		EXPECT_UINT(t, w->count, more);
		watch_done(w);
	}
}

TESTS(T(what_is_usual_outlives_busy_days), T(parts_of_an_upload_may_be_small_but_not_tiny),
      T(sixty_four_megabytes_are_an_upload), T(what_comes_back_counts_against_it),
      T(a_slow_upload_becomes_usual), T(a_nightly_backup_is_new_once),
      T(what_stays_at_home_or_was_not_taken_is_no_upload), T(pings_are_silent_and_tunnels_are_not))
