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

TESTS(T(twenty_five_silent_hosts_are_a_scan), T(a_scan_is_said_once_in_half_an_hour),
      T(fifteen_silent_ports_are_a_scan), T(only_the_last_five_minutes_count),
      T(a_busy_client_with_some_failures_is_no_scanner), T(probes_are_told_from_conversations),
      T(group_addresses_are_no_targets))
