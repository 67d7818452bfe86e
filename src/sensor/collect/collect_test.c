/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/collect/collect.h"

#include "base/buf.h"
#include "sensor/decode/decode.h"
#include "test.h"

enum { HEARD_MAX = 64 };

#define S(n) ((int64_t)(n)*TIME_NS_PER_S)
#define BEGIN_NS S(1700000000)

/* A collector, and an exporter that tells it. */
struct place {
	struct arena_pool pool, kept_pool;
	struct arena process, kept;
	struct collect *collect;
	struct ipfix_writer *writer;
	struct ipfix_origin from;
	struct wall_ns now;
	bool losing;	      /* messages do not come, but were sent */
	struct record *heard; /* the first HEARD_MAX */
	size_t count, flows, anomalies, exporters;
};

static void hear(void *ctx, const struct record *r)
{
	struct place *p = ctx;

	p->flows += r->kind == RECORD_FLOW;
	p->anomalies += r->kind == RECORD_ANOMALY;
	p->exporters += r->kind == RECORD_OBJECT;
	if (p->count < HEARD_MAX)
		ASSERT(record_copy(r, &p->kept, &p->heard[p->count]));
	p->count++;
}

static bool post(void *ctx, struct slice message, const struct ipfix_load *load)
{
	struct place *p = ctx;

	(void)load; /* nothing is lost for want of room here */
	if (!p->losing)
		collect_message(p->collect, &p->from, message, p->now);
	return true;
}

static void open_place(struct place *p, struct collect_options o, bool one_way)
{
	static const uint8_t exporter[] = {192, 0, 2, 9};
	struct fail why;

	*p = (struct place){.pool = {.budget = SIZE_MAX},
			    .kept_pool = {.budget = SIZE_MAX},
			    .from = {.exporter = addr_v4(exporter), .port = 2055},
			    .now = {BEGIN_NS}};
	p->process.pool = &p->pool;
	p->kept.pool = &p->kept_pool;
	p->heard = ARENA_ARRAY(&p->kept, struct record, HEARD_MAX);
	ASSERT(p->heard != NULL);
	o.sink = (struct record_sink){p, hear};
	o.party = SLICE("a");
	o.station = SLICE("edge");
	ASSERT(collect_new(&o, &p->process, &p->collect, &why) == ST_OK);
	p->writer = ipfix_writer_new(&(struct ipfix_writer_options){.domain = 7,
								    .message_max = 1400,
								    .one_way = one_way},
				     (struct ipfix_writer_sink){p, post}, &p->process);
	ASSERT(p->writer != NULL);
}

static void close_place(struct place *p)
{
	collect_finish(p->collect);
	arena_reset(&p->kept);
	arena_pool_drain(&p->kept_pool);
	arena_reset(&p->process);
	arena_pool_drain(&p->pool);
}

/* From host `client` to host `server` of 10.0/16 and back, packets of 40 bytes. */
static struct ipfix_flow flow_of(unsigned client, unsigned server, uint16_t dport, uint64_t there,
				 uint64_t back)
{
	uint8_t a[] = {10, 0, (uint8_t)(client >> 8), (uint8_t)client};
	uint8_t b[] = {10, 1, (uint8_t)(server >> 8), (uint8_t)server};
	struct wall_ns first = {BEGIN_NS}, last = {BEGIN_NS + S(1)};

	return (struct ipfix_flow){
		.src = addr_v4(a),
		.dst = addr_v4(b),
		.sport = (uint16_t)(40000 + client),
		.dport = dport,
		.proto = IP_PROTO_TCP,
		.end = IPFIX_END_SEEN,
		.side = {
			{there, there * 40, there * 54, first, last, TCP_SYN, 64, 64},
			{back, back * 40, back * 54, {first.ns + 1000000}, last, TCP_RST, 64, 64}}};
}

static void tell(struct place *p, const struct ipfix_flow *f)
{
	ipfix_writer_flow(p->writer, f, p->now);
	ipfix_writer_flush(p->writer, p->now);
}

static void both_directions_told_by_themselves_become_one_flow(struct test *t)
{
	struct ipfix_flow f = flow_of(1, 2, 80, 3, 2);
	const struct record *r;
	struct place p;

	open_place(&p, (struct collect_options){0}, true);
	f.side[1].first.ns = BEGIN_NS + S(1) / 2;
	tell(&p, &f);
	EXPECT_UINT(t, p.flows, 1);
	r = &p.heard[0];
	EXPECT(t, r->src.b[1] == 0 && r->dst.b[1] == 1 && r->sport == 40001 && r->dport == 80);
	EXPECT(t, r->u.flow.to_server.pkts == 3 && r->u.flow.to_server.bytes == 3 * 54);
	EXPECT(t, r->u.flow.to_client.pkts == 2 && r->u.flow.to_client.bytes == 2 * 54);
	EXPECT(t, r->u.flow.start.ns == BEGIN_NS && r->u.flow.end.ns == BEGIN_NS + S(1));
	EXPECT_SLICE(t, r->source, SLICE("flow export"));
	EXPECT_SLICE(t, r->station, SLICE("edge"));
	EXPECT_SLICE(t, r->u.flow.state, SLICE("closed"));
	EXPECT_SLICE(t, r->u.flow.tcp_flags_ts, SLICE("02"));
	EXPECT(t, r->flow_id != 0 && r->flow_id >> 53 == 0);
	close_place(&p);
}

static void who_was_first_is_the_client_and_else_who_has_the_higher_port(struct test *t)
{
	struct ipfix_flow f = flow_of(1, 2, 80, 3, 2);
	struct place p;

	open_place(&p, (struct collect_options){0}, true);
	f.side[1].first = f.side[0].first;
	tell(&p, &f); /* at the same time */
	f.dport = 50000;
	f.side[0].first.ns++;
	f.side[0].first.ns += TIME_NS_PER_MS;
	tell(&p, &f); /* the other end was first */
	f = flow_of(1, 2, 50001, 3, 0);
	f.sport = 443; /* one direction: of a server */
	tell(&p, &f);
	collect_tick(p.collect, (struct wall_ns){BEGIN_NS + S(5)});
	EXPECT_UINT(t, p.flows, 3);
	EXPECT(t, p.heard[0].dport == 80 && p.heard[1].sport == 50000 && p.heard[2].dport == 443);
	EXPECT(t, p.heard[2].u.flow.to_server.pkts == 0 && p.heard[2].u.flow.to_client.pkts == 3);
	close_place(&p);
}

/* A flow of which something was told is said when nothing more came for so long. */
static void a_flow_waits_as_long_as_its_last_piece_lets_expect(struct test *t)
{
	static const struct {
		uint8_t end;
		int64_t lasted_s, wait_s;
	} cases[] = {{IPFIX_END_SEEN, 1, 5},	    {IPFIX_END_IDLE, 900, 5},
		     {IPFIX_END_UNKNOWN, 44, 5},    {IPFIX_END_UNKNOWN, 45, 150},
		     {IPFIX_END_UNKNOWN, 100, 150}, {IPFIX_END_UNKNOWN, 101, 2100},
		     {IPFIX_END_ACTIVE, 1, 150},    {IPFIX_END_ACTIVE, 101, 2100}};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct ipfix_flow f = flow_of(1, 2, 80, 3, 0);
		struct place p;

		open_place(&p, (struct collect_options){0}, true);
		f.proto = IP_PROTO_UDP;
		f.end = cases[i].end;
		f.side[0].last.ns = f.side[0].first.ns + S(cases[i].lasted_s);
		tell(&p, &f);
		collect_tick(p.collect, (struct wall_ns){BEGIN_NS + S(cases[i].wait_s) - 1});
		EXPECT_UINT(t, p.flows, 0);
		collect_tick(p.collect, (struct wall_ns){BEGIN_NS + S(cases[i].wait_s)});
		EXPECT_UINT(t, p.flows, 1);
		close_place(&p);
		EXPECT_UINT(t, p.flows, 1);
	}
}

static void pieces_of_a_long_flow_are_one_and_add_up(struct test *t)
{
	for (unsigned one_way = 0; one_way <= 1; one_way++) {
		struct ipfix_flow f = flow_of(1, 2, 443, 10, 20);
		struct place p;

		open_place(&p, (struct collect_options){0}, one_way != 0);
		f.direction = one_way ? IPFIX_DIRECTION_ARBITRARY : IPFIX_DIRECTION_INITIATOR;
		f.id = 4711;
		f.side[0].tcp_flags = f.side[1].tcp_flags = TCP_ACK;
		for (unsigned i = 0; i < 10; i++) {
			f.end = i == 9 ? IPFIX_END_SEEN : IPFIX_END_ACTIVE;
			f.side[0].first.ns = BEGIN_NS + S(60 * i);
			f.side[1].first.ns = f.side[0].first.ns + 1000000;
			f.side[0].last.ns = f.side[1].last.ns = BEGIN_NS + S(60 * i + 55);
			p.now.ns = BEGIN_NS + S(60 * i + 60);
			EXPECT_UINT(t, p.flows, 0);
			tell(&p, &f);
		}
		EXPECT_UINT(t, p.flows, 1);
		EXPECT(t, p.heard[0].u.flow.to_server.pkts == 100 &&
				  p.heard[0].u.flow.to_client.pkts == 200 &&
				  p.heard[0].u.flow.age_s == 595 && p.heard[0].flow_id == 4711);
		close_place(&p);
	}
}

static void packets_of_the_same_ends_behind_an_end_are_another_flow(struct test *t)
{
	struct ipfix_flow f = flow_of(1, 2, 80, 3, 0);
	struct place p;

	open_place(&p, (struct collect_options){0}, true);
	tell(&p, &f);
	tell(&p, &f); /* the same time: of the same flow */
	f.side[0].first.ns = f.side[0].last.ns + 1000000;
	f.side[0].last.ns = f.side[0].first.ns;
	tell(&p, &f);
	EXPECT(t, p.flows == 1 && p.heard[0].u.flow.to_server.pkts == 6);
	close_place(&p);
	EXPECT_UINT(t, p.flows, 2);
}

static void what_two_exporters_tell_is_not_mixed(struct test *t)
{
	struct ipfix_flow f = flow_of(1, 2, 80, 3, 0);
	struct place p;
	struct ipfix_load lost;

	open_place(&p, (struct collect_options){0}, true);
	tell(&p, &f);
	p.from.exporter.b[3]++;
	ipfix_writer_restart(p.writer, &lost);
	tell(&p, &f);
	close_place(&p);
	EXPECT_UINT(t, p.flows, 2);
	EXPECT_UINT(t, p.exporters, 2);
}

static void the_oldest_makes_room(struct test *t)
{
	for (unsigned n = 7; n <= 9; n++) {
		struct place p;

		open_place(&p, (struct collect_options){.flows_max = 8}, true);
		for (unsigned i = 0; i < n; i++) {
			struct ipfix_flow f = flow_of(i, 2, 80, 1, 0);

			tell(&p, &f);
		}
		EXPECT_UINT(t, p.flows, n > 8);
		EXPECT_UINT(t, collect_counters(p.collect)->early, n > 8);
		if (n > 8)
			EXPECT_UINT(t, p.heard[0].sport, 40000);
		close_place(&p);
		EXPECT_UINT(t, p.flows, n);
	}
}

/* Hosts that do not answer on a port. */
static void scan(struct place *p, unsigned hosts, uint64_t back)
{
	for (unsigned i = 0; i < hosts; i++) {
		struct ipfix_flow f = flow_of(1, 100 + i, 445, 1, back);

		f.sport = (uint16_t)(50000 + i);
		f.side[0].first.ns = BEGIN_NS + (int64_t)i * 1000000;
		f.side[0].last.ns = f.side[1].last.ns = f.side[1].first.ns = f.side[0].first.ns;
		if (back > 1) { /* they talk */
			f.side[1].octets = 5000;
			f.side[1].tcp_flags = TCP_SYN | TCP_ACK;
		}
		tell(p, &f);
	}
	collect_tick(p->collect, (struct wall_ns){p->now.ns + S(10)});
}

static void a_scan_that_only_an_exporter_saw_is_found(struct test *t)
{
	for (unsigned hosts = 24; hosts <= 26; hosts++)
		for (uint64_t back = 0; back <= 2; back++) {
			bool found = hosts >= 25 && back < 2;
			struct place p;

			open_place(&p, (struct collect_options){0}, true);
			scan(&p, hosts, back);
			EXPECT_UINT(t, p.flows, hosts);
			EXPECT_UINT(t, p.anomalies, found);
			for (size_t i = 0; i < p.count; i++)
				if (p.heard[i].kind == RECORD_ANOMALY) {
					EXPECT_SLICE(t, p.heard[i].u.anomaly.event,
						     SLICE("scan.hosts"));
					EXPECT_SLICE(t, p.heard[i].source, SLICE("flow export"));
					EXPECT(t, slice_ends(p.heard[i].u.anomaly.summary,
							     SLICE("(told by 192.0.2.9; 0 in 1,000 "
								   "of its records did not "
								   "come)")));
				}
			close_place(&p);
		}
}

static void what_was_lost_is_said_with_what_was_found(struct test *t)
{
	struct ipfix_flow f = flow_of(9, 9, 9, 1, 0);
	struct place p;

	open_place(&p, (struct collect_options){0}, true);
	scan(&p, 20, 0);
	p.losing = true;
	for (unsigned i = 0; i < 5; i++)
		tell(&p, &f);
	p.losing = false;
	p.now.ns += S(20);
	scan(&p, 30, 0);
	for (size_t i = 0; i < p.count; i++)
		if (p.heard[i].kind == RECORD_ANOMALY)
			EXPECT(t, slice_find(p.heard[i].u.anomaly.summary, SLICE("; 0 in")) ==
					  SIZE_MAX);
	EXPECT_UINT(t, p.anomalies, 1);
	EXPECT_UINT(t, collect_reader_counters(p.collect)->lost, 5);
	close_place(&p);
}

/* Version 5 with its sampling: the only flow of a message. */
static void tell_sampled(struct place *p, unsigned host, unsigned rate)
{
	const uint8_t head[24] = {0,
				  5,
				  0,
				  1,
				  0,
				  0,
				  0xc3,
				  0x50,
				  0x65,
				  0x53,
				  0xf1,
				  0,
				  0,
				  0,
				  0,
				  0,
				  0,
				  0,
				  (uint8_t)(host >> 8),
				  (uint8_t)host,
				  0,
				  0,
				  (uint8_t)(0x40 | rate >> 8),
				  (uint8_t)rate};
	const uint8_t record[48] = {[0] = 10,
				    [3] = 1,
				    [4] = 10,
				    [5] = 1,
				    [7] = (uint8_t)host,
				    [19] = 1,
				    [23] = 40,
				    [26] = 0xc3,
				    [27] = 0x40,
				    [30] = 0xc3,
				    [31] = 0x50,
				    [32] = 0xc0,
				    [33] = (uint8_t)host,
				    [34] = 1,
				    [35] = 0xbd,
				    [37] = TCP_SYN,
				    [38] = 6};
	uint8_t message[72];

	memcpy(message, head, 24);
	memcpy(message + 24, record, 48);
	collect_message(p->collect, &p->from, (struct slice){message, sizeof message}, p->now);
}

static void what_an_exporter_left_out_is_not_taken_for_silence(struct test *t)
{
	for (unsigned rate = 0; rate <= 2; rate++) {
		struct place p;

		open_place(&p, (struct collect_options){0}, true);
		for (unsigned i = 0; i < 40; i++)
			tell_sampled(&p, i, rate);
		collect_tick(p.collect, (struct wall_ns){p.now.ns + S(10)});
		EXPECT_UINT(t, p.flows, 40);
		EXPECT_UINT(t, p.anomalies, rate < 2);
		EXPECT_UINT(t, collect_counters(p.collect)->not_judged, rate < 2 ? 0 : 40);
		EXPECT_UINT(t, p.heard[0].u.flow.to_server.pkts, rate < 2 ? 1 : 2);
		close_place(&p);
	}
}

static void who_is_not_allowed_is_not_heard(struct test *t)
{
	struct addr_prefix nets[COLLECT_ALLOWED_MAX + 1];
	struct ipfix_flow f = flow_of(1, 2, 80, 3, 0);
	struct collect *c;
	struct fail why;
	struct place p;

	EXPECT(t, addr_prefix_parse(SLICE("192.0.2.8/31"), &nets[0]));
	open_place(&p, (struct collect_options){.allowed = nets, .allowed_count = 1}, true);
	tell(&p, &f);
	p.from.exporter.b[3] = 10;
	tell(&p, &f);
	EXPECT_UINT(t, collect_counters(p.collect)->refused, 1);
	EXPECT_UINT(t, collect_counters(p.collect)->messages, 2);
	for (size_t n = COLLECT_ALLOWED_MAX; n <= COLLECT_ALLOWED_MAX + 1; n++) {
		struct collect_options o = {.allowed = nets, .allowed_count = n, .flows_max = 1};

		nets[n - 1] = nets[0];
		EXPECT(t, collect_new(&o, &p.process, &c, &why) ==
				  (n <= COLLECT_ALLOWED_MAX ? ST_OK : ST_LIMIT));
	}
	close_place(&p);
	EXPECT_UINT(t, p.flows, 1);
}

static void an_exporter_is_said_when_it_was_heard(struct test *t)
{
	struct ipfix_flow f = flow_of(1, 2, 80, 3, 0);
	struct place p;

	open_place(&p, (struct collect_options){0}, true);
	tell(&p, &f);
	collect_say_exporters(p.collect, p.now);
	collect_say_exporters(p.collect, p.now);
	EXPECT_UINT(t, p.exporters, 1);
	EXPECT_SLICE(t, p.heard[0].type, SLICE("exporter"));
	EXPECT_SLICE(t, p.heard[0].more[0].json,
		     SLICE("{\"address\":\"192.0.2.9\",\"port\":2055,\"domain\":7,\"protocol\":"
			   "\"ipfix\",\"messages\":1,\"records\":1,\"lost\":0,\"restarts\":0,"
			   "\"sampling\":1,\"not_sent\":0,\"ignored_packets\":0}"));
	p.now.ns += 1;
	tell(&p, &f);
	close_place(&p);
	EXPECT_UINT(t, p.exporters, 2);
}

static void without_memory_there_is_no_collector(struct test *t)
{
	size_t made = 0, refused = 0;

	for (size_t n = 1; n < 40; n++) {
		struct arena_pool pool = {.budget = SIZE_MAX, .fail_after = n};
		struct arena a = {.pool = &pool};
		struct collect_options o = {.flows_max = 8};
		struct collect *c;
		struct fail why;
		enum status st = collect_new(&o, &a, &c, &why);

		made += st == ST_OK;
		refused += st == ST_NOMEM;
		arena_reset(&a);
		EXPECT_UINT(t, pool.out, 0);
		arena_pool_drain(&pool);
	}
	EXPECT(t, made != 0 && refused != 0 && made + refused == 39);
}

TESTS(T(both_directions_told_by_themselves_become_one_flow),
      T(who_was_first_is_the_client_and_else_who_has_the_higher_port),
      T(a_flow_waits_as_long_as_its_last_piece_lets_expect),
      T(pieces_of_a_long_flow_are_one_and_add_up),
      T(packets_of_the_same_ends_behind_an_end_are_another_flow),
      T(what_two_exporters_tell_is_not_mixed), T(the_oldest_makes_room),
      T(a_scan_that_only_an_exporter_saw_is_found), T(what_was_lost_is_said_with_what_was_found),
      T(what_an_exporter_left_out_is_not_taken_for_silence), T(who_is_not_allowed_is_not_heard),
      T(an_exporter_is_said_when_it_was_heard), T(without_memory_there_is_no_collector))
