/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/pipeline/pipeline_fixture.h"
#include "test.h"

#define REJECT(action, proto)                                                                      \
	action " " proto " any any -> any any (msg:\"no\"; content:\"evil\"; sid:1;)"

static uint32_t be(const uint8_t *p, size_t n)
{
	uint32_t v = 0;

	while (n-- > 0)
		v = v << 8 | *p++;
	return v;
}

static uint16_t folded(uint32_t s)
{
	while (s >> 16 != 0)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)s;
}

static uint32_t words(const uint8_t *p, size_t n)
{
	uint32_t s = 0;

	for (size_t i = 0; i < n; i++)
		s += (uint32_t)p[i] << (i % 2 == 0 ? 8 : 0);
	return s;
}

/* An IPv4 packet whose checksums are right, as a receiver computes them. */
static bool sums_right(const uint8_t *ip, size_t n)
{
	uint32_t l4 = words(ip + 20, n - 20);

	if (ip[9] == IP_PROTO_TCP)
		l4 += words(ip + 12, 8) + ip[9] + (uint32_t)n - 20;
	return folded(words(ip, 20)) == 0xffff && folded(l4) == 0xffff;
}

static void test_a_reset_for_the_sender_is_what_it_waits_for(struct test *t)
{
	struct bench *b = bench_yaml(REJECT("rejectboth", "tcp"), "simulate-ips: yes");
	struct talk k = talk_of(b, 80);
	const struct pipeline_reply *r;
	uint32_t seq, ack;

	handshake(&k);
	EXPECT_UINT(t, pipeline_replies(b->p, &r), 0);
	seq = k.seq[FLOW_TO_SERVER];
	ack = k.seq[FLOW_TO_CLIENT];
	tcp(&k, FLOW_TO_SERVER, TCP_ACK | TCP_PSH, SLICE("evil"));
	EXPECT_UINT(t, pipeline_replies(b->p, &r), 2);
	if (pipeline_replies(b->p, &r) == 2) {
		const uint8_t *back = r[0].bytes + r[0].link_bytes,
			      *on = r[1].bytes + r[1].link_bytes;

		EXPECT(t, r[0].back && !r[1].back);
		EXPECT_UINT(t, r[0].count, r[0].link_bytes + 40U);
		EXPECT(t, sums_right(back, 40) && sums_right(on, 40));
		EXPECT_UINT(t, back[33], TCP_RST | TCP_ACK);
		EXPECT_UINT(t, be(back + 24, 4), ack);
		EXPECT_UINT(t, be(back + 28, 4), seq + 4);
		EXPECT_UINT(t, be(on + 24, 4), seq);
		EXPECT_UINT(t, be(back + 20, 2), 80);
		EXPECT_UINT(t, be(on + 22, 2), 80);
		EXPECT(t, memcmp(back + 12, on + 16, 4) == 0 && memcmp(back + 16, on + 12, 4) == 0);
		/* as the frame's link header, and turned around */
		EXPECT(t, memcmp(r[0].bytes, r[1].bytes + 6, 6) == 0);
		EXPECT(t, memcmp(r[0].bytes + 6, r[1].bytes, 6) == 0);
	}
	say(&k, FLOW_TO_CLIENT, SLICE("good"));
	EXPECT_UINT(t, pipeline_replies(b->p, &r), 0);
	bench_done(b);
}

static void test_who_sent_a_datagram_is_told_by_icmp_with_its_beginning(struct test *t)
{
	struct bench *b = bench_yaml(REJECT("rejectboth", "udp"), "simulate-ips: yes");
	struct talk k = talk_of(b, 53);
	const struct pipeline_reply *r;

	udp(&k, FLOW_TO_SERVER, SLICE("evil, and so much more than is told again"));
	EXPECT_UINT(t, pipeline_replies(b->p, &r), 1);
	if (pipeline_replies(b->p, &r) == 1) {
		const uint8_t *ip = r[0].bytes + r[0].link_bytes;
		size_t n = (size_t)r[0].count - r[0].link_bytes;

		EXPECT_UINT(t, n, 20 + 8 + 28);
		EXPECT(t, sums_right(ip, n));
		EXPECT_UINT(t, ip[9], IP_PROTO_ICMP);
		EXPECT_UINT(t, be(ip + 20, 2), 0x030d);
		EXPECT(t, memcmp(ip + 28 + 12, ip + 16, 4) == 0); /* the quoted sender hears it */
		EXPECT_UINT(t, be(ip + 28 + 22, 2), 53);
	}
	bench_done(b);
}

static void test_nobody_answers_a_reset(struct test *t)
{
	struct bench *b = bench_yaml("reject tcp any any -> any any (msg:\"all\"; sid:1;)",
				     "simulate-ips: yes");
	struct talk k = talk_of(b, 80);
	const struct pipeline_reply *r;

	tcp(&k, FLOW_TO_SERVER, TCP_RST, SLICE(""));
	EXPECT_UINT(t, pipeline_replies(b->p, &r), 0);
	bench_done(b);
}

TESTS(T(test_a_reset_for_the_sender_is_what_it_waits_for),
      T(test_who_sent_a_datagram_is_told_by_icmp_with_its_beginning),
      T(test_nobody_answers_a_reset))
