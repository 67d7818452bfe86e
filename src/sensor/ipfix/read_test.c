/* SPDX-License-Identifier: Apache-2.0 */
#include "ipfix_fixture.h"

#define HEAR(e) ipfix_reader_counters((e)->reader)

/* A template of both addresses and octets, and how long its records are. */
enum { SMALL = 16 };

static void small_template(struct hand *h, unsigned version, unsigned id)
{
	set_begin(h, version == 10 ? 2 : 0);
	put_be(h, id, 2);
	put_be(h, 3, 2);
	put_be(h, 8, 2), put_be(h, 4, 2);
	put_be(h, 12, 2), put_be(h, 4, 2);
	put_be(h, 1, 2), put_be(h, 8, 2);
	set_end(h);
}

static void small_record(struct hand *h, uint32_t src, uint64_t octets)
{
	put_be(h, src, 4);
	put_be(h, 0xc0000201, 4);
	put_be(h, octets, 8);
}

static void small_data(struct hand *h, unsigned id, size_t n)
{
	set_begin(h, id);
	for (size_t i = 0; i < n; i++)
		small_record(h, 0x0a000001, 100 + i);
	set_end(h);
}

/* A message with records, perhaps behind their template. */
static void small_message(struct ear *e, unsigned version, uint32_t number, bool template,
			  size_t records)
{
	struct hand *h = &e->hand;

	head(h, version, number);
	if (template)
		small_template(h, version, 256);
	if (records != 0)
		small_data(h, 256, records);
	ear_read(e, hand_end(h));
}

static void v5_head(struct hand *h, unsigned count, uint32_t number, unsigned sampling)
{
	h->b.len = 0;
	put_be(h, 5, 2);
	put_be(h, count, 2);
	put_be(h, 50000, 4);	  /* uptime */
	put_be(h, 1700000000, 4); /* s */
	put_be(h, 500000000, 4);  /* ns */
	put_be(h, number, 4);
	put_be(h, 0x0102, 2); /* engine */
	put_be(h, sampling, 2);
}

static void v5_record(struct hand *h, uint32_t first_ms, uint32_t last_ms, unsigned proto)
{
	put_be(h, 0x0a000001, 4);
	put_be(h, 0xc0000201, 4);
	put_be(h, 0, 8);
	put_be(h, 3, 4);
	put_be(h, 300, 4);
	put_be(h, first_ms, 4);
	put_be(h, last_ms, 4);
	put_be(h, 1024, 2);
	put_be(h, proto == 1 ? 0x0800 : 443, 2);
	put_be(h, 0x001b, 2); /* padding, flags */
	put_be(h, proto, 1);
	put_be(h, 0, 9);
}

static void version_5_is_read(struct test *t)
{
	static const int64_t at = INT64_C(1700000000500000000);
	struct ear e;

	ear_open(&e);
	v5_head(&e.hand, 3, 0, 0);
	v5_record(&e.hand, 48000, 49000, 6);
	v5_record(&e.hand, 4294967295, 49000, 17); /* 50,001 ms ago: before the uptime went round */
	v5_record(&e.hand, 50000, 50000, 1);
	ear_read(&e, buf_slice(&e.hand.b));
	EXPECT_UINT(t, e.count, 3);
	EXPECT(t, e.flows[0].side[0].first.ns == at - 2000 * TIME_NS_PER_MS);
	EXPECT(t, e.flows[0].side[0].last.ns == at - 1000 * TIME_NS_PER_MS);
	EXPECT(t, e.flows[1].side[0].first.ns == at - 50001 * TIME_NS_PER_MS);
	EXPECT(t, e.flows[0].src.b[0] == 10 && e.flows[0].dst.b[0] == 192);
	EXPECT(t, e.flows[0].sport == 1024 && e.flows[0].dport == 443 && e.flows[0].proto == 6);
	EXPECT(t, e.flows[0].side[0].packets == 3 && e.flows[0].side[0].octets == 300);
	EXPECT(t, e.flows[0].side[0].tcp_flags == 0x1b && e.flows[0].sampling == 1);
	EXPECT(t, e.flows[2].icmp == 0x0800 && e.flows[2].dport == 0 && e.flows[2].sport == 0);
	EXPECT(t, e.session.version == 5 && e.session.domain == 0x0102);
	ear_close(&e);
}

static void version_5_has_1_to_30_records_and_all_of_them(struct test *t)
{
	for (unsigned n = 0; n <= 31; n++) {
		struct ear e;

		ear_open(&e);
		v5_head(&e.hand, n, 0, 0x4000 | 100); /* one packet of a hundred */
		for (unsigned i = 0; i < n; i++)
			v5_record(&e.hand, 1, 2, 6);
		e.hand.b.len -= n == 5; /* cut short */
		ear_read(&e, buf_slice(&e.hand.b));
		EXPECT_UINT(t, e.count, n == 31 ? 0 : n == 5 ? 4 : n);
		EXPECT_UINT(t, HEAR(&e)->malformed, n == 0 || n == 5 || n == 31);
		if (e.count != 0)
			EXPECT(t, e.flows[0].sampling == 100 && e.flows[0].side[0].packets == 300 &&
					  e.flows[0].side[0].octets == 30000);
		ear_close(&e);
	}
}

static void version_9_is_read(struct test *t)
{
	struct ear e;

	ear_open(&e);
	head(&e.hand, 9, 0);
	set_begin(&e.hand, 0);
	put_be(&e.hand, 300, 2);
	put_be(&e.hand, 6, 2);
	put_be(&e.hand, 8, 2), put_be(&e.hand, 4, 2);
	put_be(&e.hand, 12, 2), put_be(&e.hand, 4, 2);
	put_be(&e.hand, 2, 2), put_be(&e.hand, 4, 2);
	put_be(&e.hand, 1, 2), put_be(&e.hand, 3, 2); /* of an odd length */
	put_be(&e.hand, 22, 2), put_be(&e.hand, 4, 2);
	put_be(&e.hand, 40001, 2),
		put_be(&e.hand, 5, 2); /* a vendor's own: no enterprise number follows */
	put_be(&e.hand, 0, 4);	       /* padding */
	set_end(&e.hand);
	set_begin(&e.hand, 300);
	put_be(&e.hand, 0x0a000001, 4), put_be(&e.hand, 0xc0000201, 4);
	put_be(&e.hand, 7, 4), put_be(&e.hand, 700, 3), put_be(&e.hand, 40000, 4),
		put_be(&e.hand, 1, 5);
	put_be(&e.hand, 0, 3); /* padding */
	set_end(&e.hand);
	ear_read(&e, hand_end(&e.hand));
	EXPECT_UINT(t, e.count, 1);
	EXPECT(t, e.flows[0].side[0].packets == 7 && e.flows[0].side[0].octets == 700);
	EXPECT(t, e.flows[0].side[0].first.ns ==
			  INT64_C(1700000000) * TIME_NS_PER_S - 10000 * TIME_NS_PER_MS);
	EXPECT(t, e.flows[0].side[0].last.ns == e.flows[0].side[0].first.ns);
	EXPECT(t, HEAR(&e)->malformed == 0 && HEAR(&e)->templates_refused == 0);
	ear_close(&e);
}

static void version_9_says_in_options_how_it_samples(struct test *t)
{
	struct ear e;

	ear_open(&e);
	head(&e.hand, 9, 0);
	small_template(&e.hand, 9, 256);
	set_begin(&e.hand, 1);
	put_be(&e.hand, 257, 2);
	put_be(&e.hand, 4, 2); /* bytes of scope: one field */
	put_be(&e.hand, 8, 2); /* of the others: two */
	put_be(&e.hand, 1, 2), put_be(&e.hand, 4, 2);
	put_be(&e.hand, 48, 2), put_be(&e.hand, 1, 2);
	put_be(&e.hand, 50, 2), put_be(&e.hand, 4, 2);
	set_end(&e.hand);
	set_begin(&e.hand, 257);
	put_be(&e.hand, 0, 4), put_be(&e.hand, 3, 1), put_be(&e.hand, 512, 4);
	set_end(&e.hand);
	small_data(&e.hand, 256, 1);
	ear_read(&e, hand_end(&e.hand));
	EXPECT_UINT(t, e.count, 1);
	EXPECT(t, e.flows[0].sampling == 512 && e.flows[0].side[0].octets == 51200);
	EXPECT_UINT(t, e.flows[0].side[0].packets, 512); /* there was at least one */
	ear_close(&e);
}

static void fields_of_varying_length_and_of_enterprises_are_passed_over(struct test *t)
{
	static const size_t lengths[] = {0, 1, 254, 255, 1000};
	struct ear e;

	ear_open(&e);
	for (size_t i = 0; i < 5; i++) {
		head(&e.hand, 10, (uint32_t)i);
		set_begin(&e.hand, 2);
		put_be(&e.hand, 256, 2), put_be(&e.hand, 6, 2);
		put_be(&e.hand, 8, 2), put_be(&e.hand, 4, 2);
		put_be(&e.hand, 82, 2), put_be(&e.hand, 65535, 2); /* interfaceName */
		put_be(&e.hand, 0x8000 | 8, 2),
			put_be(&e.hand, 4, 2); /* an enterprise's number 8 */
		put_be(&e.hand, 4711, 4);
		put_be(&e.hand, 12, 2), put_be(&e.hand, 4, 2);
		put_be(&e.hand, 0x8000 | 2, 2), put_be(&e.hand, 2, 2); /* reversePacketDeltaCount */
		put_be(&e.hand, 29305, 4);
		put_be(&e.hand, 0x8000 | 8, 2), put_be(&e.hand, 4, 2); /* has no reverse */
		put_be(&e.hand, 29305, 4);
		set_end(&e.hand);
		set_begin(&e.hand, 256);
		put_be(&e.hand, 0x0a000001, 4);
		if (lengths[i] >= 255)
			put_be(&e.hand, 255, 1), put_be(&e.hand, lengths[i], 2);
		else
			put_be(&e.hand, lengths[i], 1);
		for (size_t k = 0; k < lengths[i]; k++)
			put_be(&e.hand, 'x', 1);
		put_be(&e.hand, 0xdeadbeef, 4), put_be(&e.hand, 0xc0000201, 4),
			put_be(&e.hand, 9, 2);
		put_be(&e.hand, 0xdeadbeef, 4);
		set_end(&e.hand);
		ear_read(&e, hand_end(&e.hand));
		EXPECT_UINT(t, e.count, i + 1);
		EXPECT(t, e.flows[i].src.b[0] == 10 && e.flows[i].dst.b[0] == 192);
		EXPECT_UINT(t, e.flows[i].side[1].packets, 9);
	}
	EXPECT(t, HEAR(&e)->malformed == 0 && HEAR(&e)->lost == 0);
	ear_close(&e);
}

/* The order of a template's fields says nothing. */
static void fields_may_come_in_any_order(struct test *t)
{
	static const struct {
		uint16_t id, bytes;
		uint64_t value;
	} fields[] = {{8, 4, 0x0a000001},
		      {12, 4, 0xc0000201},
		      {7, 2, 1024},
		      {11, 2, 443},
		      {4, 1, 6},
		      {6, 2, 0x1b},
		      {2, 4, 3},
		      {1, 8, 300},
		      {152, 8, 1700000000123},
		      {153, 8, 1700000001456},
		      {58, 2, 42},
		      {136, 1, 3}};
	enum { N = sizeof fields / sizeof fields[0] };

	for (size_t round = 0; round < 200; round++) {
		size_t order[N];
		struct ear e;

		for (size_t i = 0; i < N; i++)
			order[i] = i;
		for (size_t i = N; i > 1; i--) {
			size_t k = test_rand(t) % i, x = order[k];

			order[k] = order[i - 1];
			order[i - 1] = x;
		}
		ear_open(&e);
		head(&e.hand, 10, 0);
		set_begin(&e.hand, 2);
		put_be(&e.hand, 999, 2), put_be(&e.hand, N, 2);
		for (size_t i = 0; i < N; i++)
			put_be(&e.hand, fields[order[i]].id, 2),
				put_be(&e.hand, fields[order[i]].bytes, 2);
		set_end(&e.hand);
		set_begin(&e.hand, 999);
		for (size_t i = 0; i < N; i++)
			put_be(&e.hand, fields[order[i]].value, fields[order[i]].bytes);
		set_end(&e.hand);
		ear_read(&e, hand_end(&e.hand));
		EXPECT_UINT(t, e.count, 1);
		EXPECT(t, e.flows[0].src.b[3] == 1 && e.flows[0].dst.b[0] == 192);
		EXPECT(t, e.flows[0].sport == 1024 && e.flows[0].dport == 443);
		EXPECT(t, e.flows[0].proto == 6 && e.flows[0].side[0].tcp_flags == 0x1b);
		EXPECT(t, e.flows[0].side[0].packets == 3 && e.flows[0].side[0].octets == 300);
		EXPECT(t, e.flows[0].side[0].first.ns == INT64_C(1700000000123) * TIME_NS_PER_MS);
		EXPECT(t, e.flows[0].side[0].last.ns == INT64_C(1700000001456) * TIME_NS_PER_MS);
		EXPECT(t, e.flows[0].vlan == 42 && e.flows[0].end == IPFIX_END_SEEN);
		ear_close(&e);
	}
}

static void data_before_its_template_waits_for_it(struct test *t)
{
	for (unsigned version = 9; version <= 10; version++) {
		struct ear e;

		ear_open(&e);
		small_message(&e, version, 0, false, 2);
		small_message(&e, version, version == 9 ? 1 : 2, false, 3);
		EXPECT(t, e.count == 0 && HEAR(&e)->waiting == 2);
		small_message(&e, version, version == 9 ? 2 : 5, true, 1);
		EXPECT_UINT(t, e.count, 6);
		EXPECT(t, e.flows[1].side[0].octets == 101 && e.flows[4].side[0].octets == 102);
		EXPECT(t, HEAR(&e)->undecodable == 0 && HEAR(&e)->lost == 0);
		ear_close(&e);
	}
}

static void so_many_sets_wait_and_no_more(struct test *t)
{
	for (int over = -1; over <= 1; over++) {
		size_t n = (size_t)(IPFIX_WAITING_MAX + over), kept = over > 0 ? n - 1 : n;
		struct ear e;

		ear_open(&e);
		for (size_t i = 0; i < n; i++)
			small_message(&e, 9, (uint32_t)i, false, 1);
		small_message(&e, 9, (uint32_t)n, true, 0);
		EXPECT_UINT(t, e.count, kept);
		EXPECT_UINT(t, HEAR(&e)->undecodable, n - kept);
		ear_close(&e);
	}
}

static void so_long_a_set_waits_and_so_long_a_time(struct test *t)
{
	for (size_t n = IPFIX_WAITING_BYTES / SMALL - 1; n <= IPFIX_WAITING_BYTES / SMALL + 1;
	     n++) {
		struct ear e;

		ear_open(&e);
		small_message(&e, 9, 0, false, n);
		small_message(&e, 9, 1, true, 0);
		EXPECT_UINT(t, e.count, n * SMALL <= IPFIX_WAITING_BYTES ? n : 0);
		ear_close(&e);
	}
	for (int over = -1; over <= 1; over++) {
		struct ear e;

		ear_open(&e);
		small_message(&e, 9, 0, false, 1);
		e.now.ns += INT64_C(600) * TIME_NS_PER_S + over;
		small_message(&e, 9, 1, true, 0);
		EXPECT_UINT(t, e.count, over <= 0);
		EXPECT_UINT(t, HEAR(&e)->undecodable, over > 0);
		ear_close(&e);
	}
}

static void a_gap_in_the_numbers_is_lost_records(struct test *t)
{
	struct ear e;

	ear_open(&e);
	small_message(&e, 10, 0, true, 2);
	small_message(&e, 10, 2, false, 1);
	small_message(&e, 10, 10, false, 1); /* 3..9 are missing */
	EXPECT_UINT(t, e.session.lost, 0);   /* told of before its end is reckoned */
	EXPECT_UINT(t, ipfix_reader_session(e.reader, 0)->lost, 7);
	small_message(&e, 10, 5, false, 3); /* 5..7 were only late */
	EXPECT_UINT(t, ipfix_reader_session(e.reader, 0)->lost, 4);
	small_message(&e, 10, 11, false, 1);
	EXPECT(t, ipfix_reader_session(e.reader, 0)->lost == 4 && HEAR(&e)->lost == 4);
	EXPECT_UINT(t, ipfix_reader_session(e.reader, 0)->restarts, 0);
	/* version 9 counts messages, version 5 flows */
	small_message(&e, 9, 100, true, 2);
	small_message(&e, 9, 103, false, 2);
	EXPECT_UINT(t, ipfix_reader_session(e.reader, 0)->lost, 2);
	for (uint32_t number = 5; number <= 9; number += 4) {
		v5_head(&e.hand, 1, number, 0);
		v5_record(&e.hand, 1, 2, 6);
		ear_read(&e, buf_slice(&e.hand.b));
	}
	EXPECT_UINT(t, ipfix_reader_session(e.reader, 0)->lost, 3);
	EXPECT_UINT(t, HEAR(&e)->lost, 9);
	ear_close(&e);
}

static void numbers_that_begin_anew_are_no_loss(struct test *t)
{
	struct ear e;

	ear_open(&e);
	small_message(&e, 10, UINT32_MAX, true, 1); /* and around */
	small_message(&e, 10, 0, false, 1);
	EXPECT_UINT(t, HEAR(&e)->lost, 0);
	small_message(&e, 10, 1 + (1 << 20), false, 1);
	EXPECT_UINT(t, HEAR(&e)->lost, 1 << 20); /* as much as is believed */
	small_message(&e, 10, 3 + (1 << 21), false, 1);
	EXPECT_UINT(t, HEAR(&e)->lost, 1 << 20);
	EXPECT_UINT(t, ipfix_reader_session(e.reader, 0)->restarts, 1);
	head(&e.hand, 10, 0); /* a second later, from the beginning */
	set_be16(&e.hand, 6, (1700000001 & 0xffff));
	small_data(&e.hand, 256, 1);
	ear_read(&e, hand_end(&e.hand));
	EXPECT_UINT(t, ipfix_reader_session(e.reader, 0)->restarts, 2);
	EXPECT(t, HEAR(&e)->lost == 1 << 20 && e.count == 5);
	ear_close(&e);
}

/* As softflowd 1.1 counts, with another number of records in each message. */
static void numbers_of_flows_up_to_a_messages_end_are_no_loss_either(struct test *t)
{
	uint32_t number = 0;
	struct ear e;

	ear_open(&e);
	for (size_t n = 1; n <= 6; n++) {
		number += (uint32_t)n;
		small_message(&e, 10, number, n == 1, n);
		EXPECT_UINT(t, HEAR(&e)->lost, 0);
	}
	number += 3 + 2; /* three did not come */
	small_message(&e, 10, number, false, 2);
	EXPECT_UINT(t, HEAR(&e)->lost, 3);
	number += 4;
	small_message(&e, 10, number, false, 4);
	EXPECT_UINT(t, HEAR(&e)->lost, 3);
	/* and who goes over to the rule is believed, too */
	number += 4;
	small_message(&e, 10, number, false, 1);
	small_message(&e, 10, number + 1, false, 5);
	small_message(&e, 10, number + 1 + 5 + 2, false, 1);
	EXPECT_UINT(t, HEAR(&e)->lost, 5);
	ear_close(&e);
}

static void records_that_could_not_be_counted_are_not_guessed(struct test *t)
{
	struct ear e;

	ear_open(&e);
	small_message(&e, 10, 0, false, 4); /* its template does not come in time */
	small_message(&e, 10, 4, true, 1);
	small_message(&e, 10, 6, false, 1);
	EXPECT(t, e.count == 6 && HEAR(&e)->lost == 1);
	ear_close(&e);
}

/* Fields of one byte each that mean nothing, then the small template's. */
static void long_template(struct hand *h, size_t fields, size_t bytes, size_t said)
{
	set_begin(h, 2);
	put_be(h, 256, 2), put_be(h, said, 2);
	for (size_t i = 0; i < fields; i++)
		put_be(h, 210, 2), put_be(h, bytes, 2); /* paddingOctets */
	set_end(h);
}

static void a_template_has_so_many_fields_and_no_more(struct test *t)
{
	for (size_t n = IPFIX_FIELDS_MAX - 1; n <= IPFIX_FIELDS_MAX + 1; n++) {
		bool fits = n <= IPFIX_FIELDS_MAX;
		struct ear e;

		ear_open(&e);
		head(&e.hand, 10, 0);
		long_template(&e.hand, n, 1, n);
		small_template(&e.hand, 10, 257); /* what follows is read all the same */
		small_data(&e.hand, 257, 1);
		ear_read(&e, hand_end(&e.hand));
		EXPECT_UINT(t, HEAR(&e)->templates, fits ? 2 : 1);
		EXPECT_UINT(t, HEAR(&e)->templates_refused, !fits);
		EXPECT(t, HEAR(&e)->malformed == 0 && e.count == 1);
		ear_close(&e);
	}
}

static void hostile_templates_are_refused(struct test *t)
{
	struct ear e;

	ear_open(&e);
	head(&e.hand, 10, 0);
	long_template(&e.hand, 100, 0, 100); /* records of no bytes would never end */
	small_data(&e.hand, 256, 1);
	ear_read(&e, hand_end(&e.hand));
	EXPECT(t, HEAR(&e)->templates_refused == 1 && HEAR(&e)->templates == 0);
	head(&e.hand, 10, 0);
	long_template(&e.hand, 2, 4, 65535); /* more fields than there are bytes */
	ear_read(&e, hand_end(&e.hand));
	EXPECT(t, HEAR(&e)->malformed == 1 && HEAR(&e)->templates == 0);
	head(&e.hand, 10, 0);
	long_template(&e.hand, 100, 65534, 100); /* longer than any message */
	ear_read(&e, hand_end(&e.hand));
	EXPECT_UINT(t, HEAR(&e)->templates_refused, 2);
	head(&e.hand, 10, 0);
	small_template(&e.hand, 10, 255); /* no number of a template */
	ear_read(&e, hand_end(&e.hand));
	EXPECT_UINT(t, HEAR(&e)->templates_refused, 3);
	head(&e.hand, 10, 0);
	set_begin(&e.hand, 3);
	put_be(&e.hand, 256, 2), put_be(&e.hand, 1, 2),
		put_be(&e.hand, 2, 2); /* more scope than fields */
	put_be(&e.hand, 8, 2), put_be(&e.hand, 4, 2);
	set_end(&e.hand);
	ear_read(&e, hand_end(&e.hand));
	EXPECT(t, HEAR(&e)->malformed == 2 && e.count == 0);
	head(&e.hand, 9, 0);
	set_begin(&e.hand, 1);
	put_be(&e.hand, 256, 2), put_be(&e.hand, 3, 2),
		put_be(&e.hand, 4, 2); /* three bytes of fields */
	put_be(&e.hand, 8, 2), put_be(&e.hand, 4, 2);
	set_end(&e.hand);
	ear_read(&e, hand_end(&e.hand));
	EXPECT_UINT(t, HEAR(&e)->malformed, 3);
	ear_close(&e);
}

static void templates_are_taken_away_over_a_connection_and_only_there(struct test *t)
{
	for (unsigned reliable = 0; reliable <= 1; reliable++)
		for (unsigned id = 2; id <= 256; id += 254) { /* 2: all */
			struct ear e;

			ear_open(&e);
			e.from.reliable = reliable != 0;
			small_message(&e, 10, 0, true, 1);
			head(&e.hand, 10, 1);
			set_begin(&e.hand, 2);
			put_be(&e.hand, id, 2), put_be(&e.hand, 0, 2);
			set_end(&e.hand);
			ear_read(&e, hand_end(&e.hand));
			small_message(&e, 10, 1, false, 1);
			EXPECT_UINT(t, e.count, reliable ? 1 : 2);
			EXPECT_UINT(t, HEAR(&e)->malformed, 0);
			ear_close(&e);
		}
}

static void a_connection_that_ends_takes_its_templates_along(struct test *t)
{
	struct ear e;

	ear_open(&e);
	e.from.reliable = true;
	small_message(&e, 10, 0, true, 1);
	ipfix_reader_end(e.reader, &e.from);
	small_message(&e, 10, 0, false, 1);
	EXPECT(t, e.count == 1 && HEAR(&e)->waiting == 1 && HEAR(&e)->lost == 0);
	ear_close(&e);
}

static void a_template_that_was_not_said_for_long_is_forgotten_over_udp(struct test *t)
{
	for (int over = -1; over <= 1; over++)
		for (unsigned reliable = 0; reliable <= 1; reliable++) {
			struct ear e;

			ear_open(&e);
			e.from.reliable = reliable != 0;
			small_message(&e, 10, 0, true, 1);
			e.now.ns += INT64_C(7200) * TIME_NS_PER_S + over;
			small_message(&e, 10, 1, false, 1);
			EXPECT_UINT(t, e.count, over <= 0 || reliable ? 2 : 1);
			EXPECT_UINT(t, HEAR(&e)->templates_expired, over > 0 && !reliable);
			ear_close(&e);
		}
}

static void the_template_not_used_for_longest_makes_room(struct test *t)
{
	struct ear e;

	ear_open(&e);
	for (unsigned i = 0; i < IPFIX_TEMPLATES_MAX; i++) {
		head(&e.hand, 10, 0);
		small_template(&e.hand, 10, 256 + i);
		ear_read(&e, hand_end(&e.hand));
	}
	small_message(&e, 10, 0, false, 1); /* 256 is used: 257 is the oldest now */
	EXPECT_UINT(t, e.count, 1);
	head(&e.hand, 10, 1);
	small_template(&e.hand, 10, 256 + IPFIX_TEMPLATES_MAX);
	small_data(&e.hand, 256, 1);
	small_data(&e.hand, 258, 1);
	small_data(&e.hand, 256 + IPFIX_TEMPLATES_MAX, 1);
	ear_read(&e, hand_end(&e.hand));
	EXPECT_UINT(t, e.count, 4);
	head(&e.hand, 10, 4);
	small_data(&e.hand, 257, 1);
	ear_read(&e, hand_end(&e.hand));
	EXPECT(t, e.count == 4 && HEAR(&e)->waiting == 1);
	ear_close(&e);
}

static void the_quietest_session_makes_room_and_is_said_goodbye(struct test *t)
{
	for (int over = -1; over <= 1; over++) {
		size_t n = (size_t)(IPFIX_SESSIONS_MAX + over);
		struct ear e;

		ear_open(&e);
		for (size_t i = 0; i < n; i++) {
			e.from.port = (uint16_t)(1 + i);
			small_message(&e, 10, 0, true, 1);
		}
		EXPECT_UINT(t, e.gone, over > 0);
		EXPECT_UINT(t, HEAR(&e)->forgotten, over > 0);
		EXPECT_UINT(t, e.count, n);
		e.from.port = 1; /* known, or not any more */
		small_message(&e, 10, 1, false, 1);
		EXPECT_UINT(t, e.count, over > 0 ? n : n + 1);
		ear_close(&e);
	}
}

static void templates_of_one_exporter_are_not_anothers(struct test *t)
{
	struct ear e;

	ear_open(&e);
	small_message(&e, 10, 0, true, 1);
	e.from.exporter.b[3]++;
	small_message(&e, 10, 0, false, 1);
	e.from.exporter.b[3]--;
	small_message(&e, 9, 0, false, 1); /* the same number in another version */
	EXPECT(t, e.count == 1 && HEAR(&e)->waiting == 2);
	ear_close(&e);
}

/* Cut anywhere, a message gives the records before the cut and is said to be bad. */
static void a_message_that_is_cut_gives_what_is_before_the_cut(struct test *t)
{
	for (unsigned version = 9; version <= 10; version++)
		for (size_t cut = 0;; cut++) {
			struct ear e;
			size_t whole;

			ear_open(&e);
			head(&e.hand, version, 0);
			small_template(&e.hand, version, 256);
			for (unsigned i = 0; i < 3; i++)
				small_data(&e.hand, 256, 1);
			whole = hand_end(&e.hand).len;
			if (version == 10 && cut >= 4)
				set_be16(&e.hand, 2,
					 cut); /* the length agrees: only sets are cut */
			ear_read(&e, slice_part(hand_end(&e.hand), 0, cut));
			EXPECT(t, e.count <= 3 && e.count == (cut >= whole ? 3 : e.count));
			if (cut < whole)
				EXPECT(t, e.count < 3);
			ear_close(&e);
			if (cut == whole)
				break;
		}
}

static void records_about_no_flow_are_counted(struct test *t)
{
	struct ear e;

	ear_open(&e);
	head(&e.hand, 10, 0);
	long_template(&e.hand, 3, 4, 3);
	set_begin(&e.hand, 256);
	put_be(&e.hand, 0, 8), put_be(&e.hand, 0, 8), put_be(&e.hand, 0, 8);
	set_end(&e.hand);
	ear_read(&e, hand_end(&e.hand));
	EXPECT(t, e.count == 0 && HEAR(&e)->others == 2 && HEAR(&e)->records == 2);
	ear_read(&e, SLICE("\0\x07what is this"));
	ear_read(&e, SLICE("x"));
	EXPECT_UINT(t, HEAR(&e)->versions, 2);
	ear_close(&e);
}

/* (chosen, left out), (sample, population), and numbers that are none. */
static void sampling_is_scaled_by_what_was_told(struct test *t)
{
	static const struct {
		unsigned id, id2;
		uint64_t a, b, rate;
	} cases[] = {{34, 35, 100, 1, 100},	      {34, 35, 0, 0, 1},
		     {305, 306, 1, 999, 1000},	      {305, 306, 10, 90, 10},
		     {309, 310, 5, 500, 100},	      {309, 310, 0, 500, 1},
		     {34, 35, (1 << 24), 0, 1 << 24}, {34, 35, (1 << 24) + 1, 0, 1},
		     {305, 306, 1, UINT64_MAX, 1}};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct ear e;

		ear_open(&e);
		head(&e.hand, 10, 0);
		small_template(&e.hand, 10, 256);
		set_begin(&e.hand, 3);
		put_be(&e.hand, 257, 2), put_be(&e.hand, 3, 2), put_be(&e.hand, 1, 2);
		put_be(&e.hand, 149, 2), put_be(&e.hand, 4, 2);
		put_be(&e.hand, cases[i].id, 2), put_be(&e.hand, 8, 2);
		put_be(&e.hand, cases[i].id2, 2), put_be(&e.hand, 8, 2);
		set_end(&e.hand);
		set_begin(&e.hand, 257);
		put_be(&e.hand, 7, 4), put_be(&e.hand, cases[i].a, 8),
			put_be(&e.hand, cases[i].b, 8);
		set_end(&e.hand);
		set_begin(&e.hand, 256);
		small_record(&e.hand, 1, 10);
		small_record(&e.hand, 1, UINT64_MAX / 2);
		set_end(&e.hand);
		ear_read(&e, hand_end(&e.hand));
		EXPECT_UINT(t, e.count, 2);
		EXPECT_UINT(t, e.flows[0].sampling, cases[i].rate);
		EXPECT_UINT(t, e.flows[0].side[0].octets, 10 * cases[i].rate);
		if (cases[i].rate > 2)
			EXPECT_UINT(t, e.flows[1].side[0].octets, UINT64_MAX);
		ear_close(&e);
	}
}

static void nonsense_breaks_nothing(struct test *t)
{
	struct ear e;

	ear_open(&e);
	for (size_t i = 0; i < 20000; i++) {
		uint8_t bytes[120];
		size_t n = test_rand(t) % sizeof bytes;

		for (size_t k = 0; k < n; k++)
			bytes[k] = (uint8_t)(test_rand(t) % 4);
		head(&e.hand, 9 + (unsigned)(test_rand(t) % 2), (uint32_t)test_rand(t));
		buf_add(&e.hand.b, (struct slice){bytes, n});
		e.from.reliable = test_rand(t) % 2 != 0;
		ear_read(&e, hand_end(&e.hand));
	}
	EXPECT_UINT(t, HEAR(&e)->messages, 20000);
	ear_close(&e);
}

TESTS(T(version_5_is_read), T(version_5_has_1_to_30_records_and_all_of_them), T(version_9_is_read),
      T(version_9_says_in_options_how_it_samples),
      T(fields_of_varying_length_and_of_enterprises_are_passed_over),
      T(fields_may_come_in_any_order), T(data_before_its_template_waits_for_it),
      T(so_many_sets_wait_and_no_more), T(so_long_a_set_waits_and_so_long_a_time),
      T(a_gap_in_the_numbers_is_lost_records), T(numbers_that_begin_anew_are_no_loss),
      T(numbers_of_flows_up_to_a_messages_end_are_no_loss_either),
      T(records_that_could_not_be_counted_are_not_guessed),
      T(a_template_has_so_many_fields_and_no_more), T(hostile_templates_are_refused),
      T(templates_are_taken_away_over_a_connection_and_only_there),
      T(a_connection_that_ends_takes_its_templates_along),
      T(a_template_that_was_not_said_for_long_is_forgotten_over_udp),
      T(the_template_not_used_for_longest_makes_room),
      T(the_quietest_session_makes_room_and_is_said_goodbye),
      T(templates_of_one_exporter_are_not_anothers),
      T(a_message_that_is_cut_gives_what_is_before_the_cut), T(records_about_no_flow_are_counted),
      T(sampling_is_scaled_by_what_was_told), T(nonsense_breaks_nothing))
