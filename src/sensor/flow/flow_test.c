/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/flow/flow.h"

#include "sensor/decode/decode.h"
#include "test.h"

struct rig {
	struct arena_pool pool;
	struct arena arena;
	struct flow_table *table;
	unsigned ended[3];
	uint64_t last_id;
};

static void ended(void *ctx, struct flow *f, enum flow_end why)
{
	struct rig *r = ctx;

	r->ended[why]++;
	r->last_id = f->id;
}

static void rig_open(struct rig *r, uint32_t flows_max)
{
	*r = (struct rig){.pool = {.budget = 64 << 20}};
	r->arena.pool = &r->pool;
	r->table = flow_table_new(&r->arena,
				  &(struct flow_limits){.flows_max = flows_max, .pool = &r->pool},
				  (struct flow_sink){r, ended});
}

/* Everything given back? */
static size_t rig_close(struct rig *r)
{
	flow_table_free(r->table);
	arena_reset(&r->arena);
	arena_pool_drain(&r->pool);
	return r->pool.out;
}

static struct packet packet(uint8_t proto, uint8_t from, uint16_t sport, uint8_t to, uint16_t dport,
			    int64_t at_ms)
{
	return (struct packet){.at = {at_ms * TIME_NS_PER_MS},
			       .wire_bytes = 100,
			       .ip_version = 4,
			       .proto = proto,
			       .src = addr_v4((const uint8_t[]){10, 0, 0, from}),
			       .dst = addr_v4((const uint8_t[]){10, 0, 0, to}),
			       .sport = sport,
			       .dport = dport};
}

static struct flow *tcp(struct rig *r, bool to_server, uint8_t flags, int64_t at_ms)
{
	struct packet p = to_server ? packet(IP_PROTO_TCP, 1, 4000, 2, 80, at_ms)
				    : packet(IP_PROTO_TCP, 2, 80, 1, 4000, at_ms);
	enum flow_dir dir;

	p.tcp.flags = flags;
	return flow_table_packet(r->table, &p, &dir);
}

static void both_directions_are_one_flow(struct test *t)
{
	struct rig r;
	struct packet a = packet(IP_PROTO_UDP, 1, 1000, 2, 53, 0),
		      b = packet(IP_PROTO_UDP, 2, 53, 1, 1000, 5);
	enum flow_dir dir;
	struct flow *f, *g;

	rig_open(&r, 0);
	f = flow_table_packet(r.table, &a, &dir);
	EXPECT(t, f != NULL && dir == FLOW_TO_SERVER && f->state == FLOW_NEW);
	g = flow_table_packet(r.table, &b, &dir);
	EXPECT(t, g == f && dir == FLOW_TO_CLIENT && f->state == FLOW_ESTABLISHED);
	EXPECT_UINT(t, f->side[0].pkts + f->side[1].pkts, 2);
	EXPECT(t, f->id > 0 && f->id < UINT64_C(1) << 53);
	b.vlans = 1;
	b.vlan[0] = 7;
	EXPECT(t, flow_table_packet(r.table, &b, &dir) != f); /* another VLAN, another flow */
	b.fragment = true;
	EXPECT(t, flow_table_packet(r.table, &b, &dir) == NULL);
	EXPECT_UINT(t, rig_close(&r), 0);
	EXPECT_UINT(t, r.ended[FLOW_END_SHUTDOWN], 2);
}

static void a_handshake_establishes_and_a_close_closes(struct test *t)
{
	struct rig r;
	struct flow *f;

	rig_open(&r, 0);
	f = tcp(&r, true, TCP_SYN, 0);
	EXPECT(t, f->state == FLOW_NEW);
	tcp(&r, false, TCP_SYN | TCP_ACK, 1);
	EXPECT(t, f->state == FLOW_NEW);
	tcp(&r, true, TCP_ACK, 2);
	EXPECT(t, f->state == FLOW_ESTABLISHED);
	tcp(&r, true, TCP_FIN | TCP_ACK, 3);
	EXPECT(t, f->state == FLOW_ESTABLISHED);
	tcp(&r, false, TCP_FIN | TCP_ACK, 4);
	EXPECT(t, f->state == FLOW_CLOSED);
	tcp(&r, true, TCP_ACK, 5); /* the last acknowledgement belongs to the old flow */
	EXPECT_UINT(t, r.ended[FLOW_END_TIMEOUT], 0);
	tcp(&r, true, TCP_SYN, 6); /* the same ports again */
	EXPECT_UINT(t, r.ended[FLOW_END_TIMEOUT], 1);
	EXPECT_UINT(t, flow_table_counters(r.table)->flows, 2);
	EXPECT_UINT(t, rig_close(&r), 0);
}

static void who_answers_a_syn_is_the_server_even_if_seen_first(struct test *t)
{
	struct rig r;
	struct flow *f;

	rig_open(&r, 0);
	f = tcp(&r, false, TCP_SYN | TCP_ACK, 0);
	EXPECT(t, f->client.b[3] == 1 && f->client_port == 4000 && f->server_port == 80);
	EXPECT_UINT(t, f->side[FLOW_TO_CLIENT].pkts, 1);
	EXPECT_UINT(t, rig_close(&r), 0);
}

static void echo_and_reply_are_one_flow(struct test *t)
{
	struct rig r;
	struct packet a = packet(IP_PROTO_ICMP, 1, 0, 2, 0, 0),
		      b = packet(IP_PROTO_ICMP, 2, 0, 1, 0, 1);
	enum flow_dir dir;
	struct flow *f;

	rig_open(&r, 0);
	a.icmp_type = 8;
	b.icmp_type = 0;
	f = flow_table_packet(r.table, &a, &dir);
	EXPECT(t, flow_table_packet(r.table, &b, &dir) == f && dir == FLOW_TO_CLIENT);
	b.icmp_type = 3;
	EXPECT(t, flow_table_packet(r.table, &b, &dir) != f);
	EXPECT_UINT(t, rig_close(&r), 0);
}

static void a_flow_ends_at_its_timeout_and_not_before(struct test *t)
{
	struct rig r;
	struct packet p = packet(IP_PROTO_UDP, 1, 1000, 2, 53, 0);
	enum flow_dir dir;

	rig_open(&r, 0);
	EXPECT(t, flow_table_packet(r.table, &p, &dir) != NULL);
	flow_table_expire(r.table, (struct wall_ns){30 * TIME_NS_PER_S - 1});
	EXPECT_UINT(t, r.ended[FLOW_END_TIMEOUT], 0);
	flow_table_expire(r.table, (struct wall_ns){30 * TIME_NS_PER_S});
	EXPECT_UINT(t, r.ended[FLOW_END_TIMEOUT], 1);
	EXPECT_UINT(t, rig_close(&r), 0);
}

static void a_state_that_others_set_has_its_own_timeout(struct test *t)
{
	struct rig r;
	struct flow *f;

	rig_open(&r, 0);
	f = tcp(&r, true, TCP_SYN, 0);
	f->state = FLOW_ESTABLISHED; /* as the stream module does */
	flow_table_expire(r.table, (struct wall_ns){599 * TIME_NS_PER_S});
	EXPECT_UINT(t, r.ended[FLOW_END_TIMEOUT], 0);
	f = tcp(&r, true, TCP_ACK, 599000);
	f->state = FLOW_CLOSED;
	flow_table_expire(r.table, (struct wall_ns){658 * TIME_NS_PER_S});
	EXPECT_UINT(t, r.ended[FLOW_END_TIMEOUT], 0);
	flow_table_expire(r.table, (struct wall_ns){659 * TIME_NS_PER_S});
	EXPECT_UINT(t, r.ended[FLOW_END_TIMEOUT], 1);
	EXPECT_UINT(t, rig_close(&r), 0);
}

static void a_clock_that_jumps_back_ends_nothing_early(struct test *t)
{
	struct rig r;
	struct packet late = packet(IP_PROTO_UDP, 1, 1000, 2, 53, 1000000),
		      early = packet(IP_PROTO_UDP, 3, 1000, 2, 53, 5);
	enum flow_dir dir;
	struct flow *f;

	rig_open(&r, 0);
	f = flow_table_packet(r.table, &late, &dir);
	flow_table_expire(r.table, late.at);
	EXPECT(t, flow_table_packet(r.table, &early, &dir) != NULL);
	flow_table_expire(r.table, early.at);
	EXPECT_UINT(t, r.ended[FLOW_END_TIMEOUT], 0);
	late.at.ns = -5;
	EXPECT(t, flow_table_packet(r.table, &late, &dir) == f);
	EXPECT(t, f->last.ns >= f->first.ns);
	EXPECT_UINT(t, rig_close(&r), 0);
}

static void the_fingerprint_counts_payload_by_second(struct test *t)
{
	struct rig r;
	struct packet p = packet(IP_PROTO_UDP, 1, 1000, 2, 53, 0);
	enum flow_dir dir;
	struct flow *f;

	rig_open(&r, 0);
	f = flow_table_packet(r.table, &p, &dir);
	EXPECT_UINT(t, f->side[0].bin_count, 0); /* no payload, no bin */
	p.payload = SLICE("x");
	for (int64_t s = 0; s < 600; s++) {
		p.at.ns = s * TIME_NS_PER_S;
		EXPECT(t, flow_table_packet(r.table, &p, &dir) == f);
	}
	for (int i = 0; i < 300; i++)
		(void)flow_table_packet(r.table, &p, &dir);
	EXPECT_UINT(t, f->side[0].bin_count, FLOW_BINS_MAX);
	EXPECT(t, f->side[0].bins[0] == 1 && f->side[0].bins[FLOW_BINS_MAX - 1] == 1);
	p.at.ns = 7 * TIME_NS_PER_S;
	for (int i = 0; i < 300; i++)
		(void)flow_table_packet(r.table, &p, &dir);
	EXPECT_UINT(t, f->side[0].bins[7], UINT8_MAX);
	EXPECT_UINT(t, rig_close(&r), 0);
}

static void a_full_table_ends_the_oldest(struct test *t)
{
	struct rig r;
	enum flow_dir dir;

	rig_open(&r, 100);
	for (uint16_t i = 0; i < 1000; i++) {
		struct packet p = packet(IP_PROTO_UDP, 1, i, 2, 53, i);

		EXPECT(t, flow_table_packet(r.table, &p, &dir) != NULL);
	}
	EXPECT_UINT(t, r.ended[FLOW_END_FORCED], 900);
	EXPECT_UINT(t, flow_table_counters(r.table)->evicted, 900);
	EXPECT_UINT(t, rig_close(&r), 0);
}

/* 100 flows at 0 s, room for no more: the next one begins an emergency, in which a flow without an
 * answer is over after 10 s, not 60. */
static void a_full_table_is_in_an_emergency_until_there_is_room(struct test *t)
{
	const struct flow_counters *c;
	struct rig r;
	enum flow_dir dir;

	rig_open(&r, 100);
	c = flow_table_counters(r.table);
	for (uint16_t i = 0; i < 101; i++) {
		struct packet p = packet(IP_PROTO_TCP, 1, i, 2, 80, 0);

		EXPECT_UINT(t, c->emergencies, 0);
		EXPECT(t, flow_table_packet(r.table, &p, &dir) != NULL);
	}
	EXPECT_UINT(t, c->emergencies, 1);
	EXPECT_UINT(t, c->evicted, 1);
	flow_table_expire(r.table, (struct wall_ns){10 * TIME_NS_PER_S - 1});
	EXPECT_UINT(t, r.ended[FLOW_END_TIMEOUT], 0);
	EXPECT_UINT(t, c->emergencies_over, 0);
	flow_table_expire(r.table, (struct wall_ns){10 * TIME_NS_PER_S});
	EXPECT_UINT(t, r.ended[FLOW_END_TIMEOUT], 100);
	EXPECT_UINT(t, c->emergencies_over, 1);
	/* it is over: what comes now has its 60 s again */
	for (uint16_t i = 0; i < 50; i++) {
		struct packet p = packet(IP_PROTO_TCP, 1, i, 2, 80, 11000);

		EXPECT(t, flow_table_packet(r.table, &p, &dir) != NULL);
	}
	flow_table_expire(r.table, (struct wall_ns){71 * TIME_NS_PER_S - 1});
	EXPECT_UINT(t, r.ended[FLOW_END_TIMEOUT], 100);
	flow_table_expire(r.table, (struct wall_ns){71 * TIME_NS_PER_S});
	EXPECT_UINT(t, r.ended[FLOW_END_TIMEOUT], 150);
	EXPECT_UINT(t, c->emergencies, 1);
	EXPECT_UINT(t, rig_close(&r), 0);
}

/* Model: an array of tuples. Every packet must land in the flow that the model says. */
static void a_random_mix_agrees_with_a_plain_list(struct test *t)
{
	static struct {
		uint8_t a, b;
		uint16_t ap, bp;
		uint64_t id;
	} model[4096];
	size_t n = 0;
	struct rig r;

	rig_open(&r, 0);
	for (int round = 0; round < 20000; round++) {
		uint8_t a = (uint8_t)(test_rand(t) % 6), b = (uint8_t)(test_rand(t) % 6);
		uint16_t ap = (uint16_t)(test_rand(t) % 8), bp = (uint16_t)(test_rand(t) % 8);
		struct packet p = packet(IP_PROTO_UDP, a, ap, b, bp, round / 100);
		enum flow_dir dir;
		struct flow *f = flow_table_packet(r.table, &p, &dir);
		size_t i = 0;

		EXPECT(t, f != NULL);
		while (i < n &&
		       !(model[i].a == a && model[i].b == b && model[i].ap == ap &&
			 model[i].bp == bp) &&
		       !(model[i].a == b && model[i].b == a && model[i].ap == bp &&
			 model[i].bp == ap))
			i++;
		if (i == n) {
			EXPECT(t, n < sizeof model / sizeof model[0]);
			model[n].a = a;
			model[n].b = b;
			model[n].ap = ap;
			model[n].bp = bp;
			model[n++].id = f->id;
		}
		EXPECT_UINT(t, f->id, model[i].id);
		EXPECT(t, dir == (model[i].a == a && model[i].ap == ap && model[i].b == b &&
						  model[i].bp == bp
					  ? FLOW_TO_SERVER
					  : FLOW_TO_CLIENT));
	}
	EXPECT_UINT(t, flow_table_counters(r.table)->flows, n);
	EXPECT_UINT(t, rig_close(&r), 0);
}

/* Invariant 5: while buckets move, each flow is found where it is, and only there. */
static void a_table_that_grows_loses_no_flow_and_makes_none_twice(struct test *t)
{
	enum { FLOWS = 20000 }; /* doubled three times */
	static uint64_t ids[FLOWS];
	const struct flow_counters *c;
	static struct rig r;
	enum flow_dir dir;

	rig_open(&r, FLOWS);
	c = flow_table_counters(r.table);
	for (unsigned i = 0; i < FLOWS; i++) {
		struct packet p = packet(IP_PROTO_UDP, 1, (uint16_t)i, 2, 53, i);
		unsigned k = (unsigned)(test_rand(t) % (i + 1));
		struct flow *f = flow_table_packet(r.table, &p, &dir);

		EXPECT(t, f != NULL);
		ids[i] = f->id;
		EXPECT_UINT(t, c->flows, i + 1);
		p = packet(IP_PROTO_UDP, 2, 53, 1, (uint16_t)k, i);
		f = flow_table_packet(r.table, &p, &dir);
		EXPECT(t, f != NULL && f->id == ids[k] && dir == FLOW_TO_CLIENT);
		EXPECT_UINT(t, c->flows, i + 1);
	}
	/* some end while others come: those that nobody answered for 30 s */
	for (unsigned i = 0; i < FLOWS; i++) {
		struct packet p = packet(IP_PROTO_UDP, 3, (uint16_t)i, 4, 53, 400000 + i * 10);

		EXPECT(t, flow_table_packet(r.table, &p, &dir) != NULL);
		flow_table_expire(r.table, p.at);
	}
	EXPECT(t, c->ended >= FLOWS && c->flows == 2 * FLOWS);
	EXPECT_UINT(t, rig_close(&r), 0);
	EXPECT_UINT(t, r.ended[0] + r.ended[1] + r.ended[2], 2 * FLOWS);
}

static void without_memory_flows_are_lost_and_counted(struct test *t)
{
	for (size_t after = 1; after < 40; after++) {
		struct rig r = {.pool = {.budget = 1 << 20}};
		enum flow_dir dir;

		r.arena.pool = &r.pool;
		r.pool.fail_after = after;
		r.table = flow_table_new(&r.arena, &(struct flow_limits){.pool = &r.pool},
					 (struct flow_sink){&r, ended});
		for (uint16_t i = 0; r.table != NULL && i < 200; i++) {
			struct packet p = packet(IP_PROTO_UDP, 1, i, 2, 53, i);

			p.payload = SLICE("x");
			(void)flow_table_packet(r.table, &p, &dir);
		}
		EXPECT_UINT(t, rig_close(&r), 0);
	}
}

/* Invariant of the counters: every flow is open or has one cause. */
static void every_flow_that_ended_is_counted_by_its_cause(struct test *t)
{
	const struct flow_counters *c;
	uint64_t flows;
	struct rig r;

	rig_open(&r, 8);
	c = flow_table_counters(r.table);
	for (unsigned i = 0; i < 2000; i++) {
		enum flow_dir dir;
		struct packet p = packet(IP_PROTO_TCP, 1, (uint16_t)(test_rand(t) % 40), 2, 80,
					 (int64_t)i * 500);
		uint64_t ended;

		p.tcp.flags = test_rand(t) % 4 == 0 ? TCP_RST : TCP_SYN;
		if (test_rand(t) % 64 == 0)
			p.at.ns += 3600 * TIME_NS_PER_S;
		flow_table_expire(r.table, p.at);
		EXPECT(t, flow_table_packet(r.table, &p, &dir) != NULL);
		ended = c->timed_out + c->hurried + c->replaced + c->evicted;
		EXPECT_UINT(t, c->ended, ended);
		EXPECT(t, c->flows - c->ended <= 8);
	}
	EXPECT(t, c->timed_out != 0 && c->hurried != 0 && c->replaced != 0 && c->evicted != 0);
	flows = c->flows; /* the table goes */
	EXPECT_UINT(t, rig_close(&r), 0);
	EXPECT_UINT(t, (uint64_t)r.ended[0] + r.ended[1] + r.ended[2], flows);
}

TESTS(T(a_table_that_grows_loses_no_flow_and_makes_none_twice),
      T(every_flow_that_ended_is_counted_by_its_cause), T(both_directions_are_one_flow),
      T(a_handshake_establishes_and_a_close_closes),
      T(who_answers_a_syn_is_the_server_even_if_seen_first), T(echo_and_reply_are_one_flow),
      T(a_flow_ends_at_its_timeout_and_not_before), T(a_state_that_others_set_has_its_own_timeout),
      T(a_clock_that_jumps_back_ends_nothing_early), T(the_fingerprint_counts_payload_by_second),
      T(a_full_table_ends_the_oldest), T(a_full_table_is_in_an_emergency_until_there_is_room),
      T(a_random_mix_agrees_with_a_plain_list), T(without_memory_flows_are_lost_and_counted))
