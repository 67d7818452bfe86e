/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/anomaly/anomaly_fixture.h"

static void twenty_five_silent_hosts_are_a_scan(struct test *t)
{
	struct watch *w = watch_new();

	for (uint32_t i = 0; i < 24; i++) {
		probe(w, host(i), 4450, START + i * S);
		probe(w, host(i), 4450, START + i * S + 1); /* the same host is one host */
	}
	EXPECT_UINT(t, w->count, 0);
	probe(w, host(24), 4450, START + 24 * S);
	EXPECT_UINT(t, w->count, 1);
	EXPECT(t, w->said[0].kind == RECORD_ANOMALY);
	EXPECT_SLICE(t, w->said[0].u.anomaly.type, SLICE("behaviour"));
	EXPECT_SLICE(t, w->said[0].u.anomaly.event, SLICE("scan.hosts"));
	EXPECT_SLICE(t, w->said[0].u.anomaly.summary,
		     SLICE("203.0.113.10 tried 25 hosts on TCP port 4450 within 24.0 s; none of "
			   "them would talk"));
	EXPECT_UINT(t, w->said[0].u.anomaly.score_milli, 1000);
	EXPECT_UINT(t, w->said[0].u.anomaly.observations, 25);
	EXPECT(t, w->said[0].u.anomaly.first.ns == START + 1 &&
			  w->said[0].u.anomaly.last.ns == START + 24 * S);
	EXPECT(t, addr_equal(&w->said[0].src, &attacker) && w->said[0].dport == 4450);
	EXPECT_UINT(t, w->said[0].flow_id, 7);
	watch_done(w);
}

static void a_scan_is_said_once_in_half_an_hour(struct test *t)
{
	struct watch *w = watch_new();

	for (uint32_t i = 0; i < 30 * 60 + 24; i++)
		probe(w, host(i), 4450, START + i * S);
	EXPECT_UINT(t, w->count, 1);
	probe(w, host(9999), 4450, START + (30 * 60 + 24) * S);
	EXPECT_UINT(t, w->count, 2);
	watch_done(w);
}

static void fifteen_silent_ports_are_a_scan(struct test *t)
{
	struct watch *w = watch_new();

	for (uint16_t i = 0; i < 14; i++)
		probe(w, host(1), (uint16_t)(20 + i), START + i * S / 10);
	EXPECT_UINT(t, w->count, 0);
	probe(w, host(1), 34, START + 14 * S / 10);
	EXPECT_UINT(t, w->count, 1);
	EXPECT_SLICE(t, w->said[0].u.anomaly.event, SLICE("scan.ports"));
	EXPECT_SLICE(t, w->said[0].u.anomaly.summary,
		     SLICE("203.0.113.10 tried 15 ports of 198.51.0.1 within 1.4 s; none of them "
			   "would talk"));
	EXPECT(t, !w->said[0].has_ports);
	watch_done(w);
}

static void only_the_last_five_minutes_count(struct test *t)
{
	struct watch *w = watch_new();

	for (uint32_t i = 0; i < 200; i++) /* 24 intervals of 12.6 s are more than 300 s */
		probe(w, host(i), 22, START + i * (S * 126 / 10));
	EXPECT_UINT(t, said(w, "scan.hosts"), 0);
	watch_done(w);
	w = watch_new();
	for (uint32_t i = 0; i < 25; i++) /* 24 intervals of 12.5 s are exactly 300 s */
		probe(w, host(i), 22, START + i * (S * 125 / 10));
	EXPECT_UINT(t, said(w, "scan.hosts"), 1);
	watch_done(w);
}

static void a_busy_client_with_some_failures_is_no_scanner(struct test *t)
{
	for (uint32_t answered = 25; answered <= 26; answered++) {
		struct watch *w = watch_new();

		for (uint32_t i = 0; i < answered; i++)
			talk(w, host(1000 + i), 443, START + i * S);
		for (uint32_t i = 0; i < 25; i++)
			probe(w, host(i), 443, START + (30 + i) * S);
		EXPECT_UINT(t, w->count, answered == 25); /* score 500, then 490 */
		watch_done(w);
	}
}

static void probes_are_told_from_conversations(struct test *t)
{
	static const struct {
		uint8_t client_flags, server_flags, proto;
		uint64_t server_pkts;
		bool probe;
	} cases[] = {
		{TCP_SYN, 0, IP_PROTO_TCP, 0, true},
		{TCP_SYN, TCP_RST | TCP_ACK, IP_PROTO_TCP, 1, true},
		{TCP_SYN | TCP_RST, TCP_SYN | TCP_ACK, IP_PROTO_TCP, 1, true},
		{TCP_SYN | TCP_ACK | TCP_FIN, TCP_SYN | TCP_ACK | TCP_FIN, IP_PROTO_TCP, 3, false},
		{TCP_ACK, TCP_ACK, IP_PROTO_TCP, 1, false}, /* mid-stream */
		{0, 0, IP_PROTO_UDP, 0, true},
		{0, 0, IP_PROTO_UDP, 1, false},
		{0, 0, IP_PROTO_ICMP, 0, true},
		{0, 0, IP_PROTO_ICMP, 1, false},
		{0, 0, IP_PROTO_SCTP, 0, false},
	};

	for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
		struct watch *w = watch_new();

		for (uint32_t i = 0; i < 25; i++) {
			struct flow f = flow_of(cases[c].proto, host(i), 8, START + i);

			f.side[0].tcp_flags = cases[c].client_flags;
			f.side[1].tcp_flags = cases[c].server_flags;
			f.side[1].pkts = cases[c].server_pkts;
			anomaly_flow_end(w->worker, &f);
		}
		EXPECT_UINT(t, w->count, cases[c].probe);
		watch_done(w);
	}
}

static void group_addresses_are_no_targets(struct test *t)
{
	struct watch *w = watch_new();

	for (uint16_t i = 0; i < 100; i++) {
		probe(w, addr_v4((const uint8_t[]){239, 1, 1, 1}), i, START + i);
		probe(w, addr_v4((const uint8_t[]){255, 255, 255, 255}), i, START + i);
		probe(w, addr_v6((const uint8_t[16]){0xff, 2}), i, START + i);
	}
	EXPECT_UINT(t, w->count, 0);
	watch_done(w);
}

/* One target in ten minutes: never more than one in the five minutes of a fast scan. */
static void a_slow_scan_is_said_after_hours(struct test *t)
{
	for (uint32_t n = 50; n <= 80; n += 30) { /* 64 with an error of 7 % */
		struct watch *w = watch_new();

		for (uint32_t i = 0; i < n; i++)
			probe(w, host(i), (uint16_t)(20 + i % 3), START + i * 600 * S);
		EXPECT_UINT(t, said(w, "scan.slow") != 0, n == 80);
		EXPECT_UINT(t, said(w, "scan.hosts") + said(w, "scan.ports"), 0);
		watch_done(w);
	}
}

/* Probes so slow that half a day has fewer than 64 of them hide. */
static void slower_than_a_day_is_not_seen(struct test *t)
{
	struct watch *w = watch_new();

	for (uint32_t i = 0; i < 1000; i++)
		probe(w, host(i), 22, START + i * 1800 * S);
	EXPECT_UINT(t, w->count, 0);
	watch_done(w);
}

/* Each of twenty sources asks for five ports: none of them is a scanner alone. */
static void many_sources_scan_one_host(struct test *t)
{
	for (uint16_t sources = 4; sources <= 20; sources = (uint16_t)(sources + 16)) {
		struct watch *w = watch_new();

		for (uint16_t i = 0; i < 100; i++) {
			struct flow f = flow_of(IP_PROTO_TCP, host(1), (uint16_t)(1000 + i),
						START + i * 10 * S);

			f.client.b[3] = (uint8_t)(i % sources);
			anomaly_flow_end(w->worker, &f);
		}
		EXPECT_UINT(t, said(w, "scan.distributed"), sources == 20);
		watch_done(w);
	}
}

/* Look-alikes: a resolver that asks many servers, some dead; a mail server with dead receivers; a
 * peer-to-peer program. What matters is that most answer. */
static void busy_hosts_with_some_dead_peers_are_silent(struct test *t)
{
	struct watch *w = watch_new();

	for (uint32_t i = 0; i < 20000; i++) {
		if (i % 10 == 0)
			probe(w, host(i), 25, START + i * S);
		else
			talk(w, host(i), 25, START + i * S);
	}
	EXPECT_UINT(t, w->count, 0);
	watch_done(w);
}

/* Of the share that was answered, the sketch never says too little: with a hundred thousand others
 * about, a scanner whose every probe fails is said, and one who is answered nine times in ten is
 * not. */
static void answered_contacts_of_others_do_not_hide_a_scanner(struct test *t)
{
	struct watch *w = watch_new();

	for (uint32_t i = 0; i < 100000; i++) {
		static uint8_t bins[] = {1};
		struct flow f = flow_of(IP_PROTO_TCP, host(i % 500), 443, START + i * (S / 1000));

		f.client = addr_v4(
			(const uint8_t[]){10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i});
		f.side[1] = (struct flow_side){
			.pkts = 3, .tcp_flags = TCP_SYN | TCP_ACK, .bins = bins, .bin_count = 1};
		f.side[0].bins = bins;
		anomaly_flow_end(w->worker, &f);
	}
	for (uint32_t i = 0; i < 40; i++)
		probe(w, host(i), 443, START + 101 * S + i * S);
	EXPECT_UINT(t, said(w, "scan.hosts"), 1);
	EXPECT(t, w->said[0].u.anomaly.score_milli >= 800);
	watch_done(w);
}

TESTS(T(a_slow_scan_is_said_after_hours), T(slower_than_a_day_is_not_seen),
      T(many_sources_scan_one_host), T(busy_hosts_with_some_dead_peers_are_silent),
      T(answered_contacts_of_others_do_not_hide_a_scanner), T(twenty_five_silent_hosts_are_a_scan),
      T(a_scan_is_said_once_in_half_an_hour), T(fifteen_silent_ports_are_a_scan),
      T(only_the_last_five_minutes_count), T(a_busy_client_with_some_failures_is_no_scanner),
      T(probes_are_told_from_conversations), T(group_addresses_are_no_targets))
