/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/meter/meter.h"

#include "sensor/decode/decode.h"
#include "test.h"

enum { TOLD_MAX = 32 };

struct place {
	struct arena_pool pool;
	struct arena process;
	struct flow_table *table;
	struct meter *meter;
	struct ipfix_flow told[TOLD_MAX];
	size_t count;
};

static void hear(void *ctx, const struct ipfix_flow *f)
{
	struct place *p = ctx;

	ASSERT(p->count < TOLD_MAX);
	p->told[p->count++] = *f;
}

static void ended(void *ctx, struct flow *f, enum flow_end why)
{
	struct place *p = ctx;

	meter_end(p->meter, f, why);
}

static const char *app(const struct flow *f)
{
	return f->server_port == 80   ? "http"
	       : f->server_port == 81 ? "a-name-of-more-than-24-bytes"
				      : NULL;
}

static void open_place(struct place *p, int64_t active_s, int64_t idle_s)
{
	struct flow_limits limits = {.pool = &p->pool};

	*p = (struct place){.pool = {.budget = SIZE_MAX}};
	p->process.pool = &p->pool;
	p->table = flow_table_new(&p->process, &limits, (struct flow_sink){p, ended});
	p->meter = meter_new(&(struct meter_options){.active_ns = active_s * TIME_NS_PER_S,
						     .idle_ns = idle_s * TIME_NS_PER_S,
						     .sink = {p, hear},
						     .app = app},
			     &p->process);
	ASSERT(p->table != NULL && p->meter != NULL);
}

static void close_place(struct place *p)
{
	flow_table_free(p->table);
	arena_reset(&p->process);
	arena_pool_drain(&p->pool);
}

/* A datagram from port 1000 + client to `server`, or back, at so many milliseconds. */
static struct flow *packet_of(struct place *p, unsigned client, bool back, int64_t ms, size_t bytes,
			      uint16_t server)
{
	static const uint8_t a[] = {10, 0, 0, 1}, b[] = {192, 0, 2, 1};
	static const uint8_t payload[2000];
	struct packet k = {.at = {ms * TIME_NS_PER_MS},
			   .wire_bytes = (uint32_t)(bytes + 14 + 28),
			   .ip_version = 4,
			   .proto = IP_PROTO_UDP,
			   .ttl = (uint8_t)(60 + bytes % 5),
			   .src = addr_v4(back ? b : a),
			   .dst = addr_v4(back ? a : b),
			   .sport = back ? server : (uint16_t)(1000 + client),
			   .dport = back ? (uint16_t)(1000 + client) : server,
			   .ip_header = {payload, 20},
			   .l4 = {payload, 8 + bytes},
			   .payload = {payload, bytes}};
	enum flow_dir dir;
	struct flow *f;

	flow_table_expire(p->table, k.at);
	meter_expire(p->meter, k.at);
	f = flow_table_packet(p->table, &k, &dir);
	ASSERT(f != NULL);
	meter_packet(p->meter, f, &k, dir);
	return f;
}

static struct flow *packet(struct place *p, unsigned client, bool back, int64_t ms, size_t bytes)
{
	return packet_of(p, client, back, ms, bytes, 53);
}

static void a_flow_is_told_whole_at_its_end(struct test *t)
{
	struct place p;
	uint64_t id;

	open_place(&p, 60, 60);
	(void)packet(&p, 0, false, 1000, 10);
	(void)packet(&p, 0, true, 1500, 100);
	id = packet(&p, 0, false, 900, 20)->id; /* a clock that jumps back */
	EXPECT_UINT(t, p.count, 0);
	close_place(&p);
	EXPECT_UINT(t, p.count, 1);
	EXPECT(t, p.told[0].id == id && p.told[0].end == IPFIX_END_FORCED);
	EXPECT(t, p.told[0].sport == 1000 && p.told[0].dport == 53 && p.told[0].app_len == 0);
	EXPECT(t, p.told[0].side[0].packets == 2 && p.told[0].side[0].octets == 30 + 2 * 28);
	EXPECT(t, p.told[0].side[0].frame_octets == 30 + 2 * 42);
	EXPECT(t, p.told[0].side[1].packets == 1 && p.told[0].side[1].octets == 128);
	EXPECT(t, p.told[0].side[0].first.ns == 900 * TIME_NS_PER_MS);
	EXPECT(t, p.told[0].side[0].last.ns == 1000 * TIME_NS_PER_MS);
	EXPECT(t, p.told[0].side[0].ttl_least == 60 && p.told[0].side[1].ttl_most == 60);
}

static void a_flow_that_goes_on_is_told_when_its_oldest_packet_is_so_old(struct test *t)
{
	struct place p;

	open_place(&p, 10, 60);
	for (int64_t ms = 0; ms < 9999; ms += 1111)
		(void)packet(&p, 0, false, ms, 1);
	EXPECT_UINT(t, p.count, 0);
	meter_expire(p.meter, (struct wall_ns){9999 * TIME_NS_PER_MS});
	EXPECT_UINT(t, p.count, 0);
	meter_expire(p.meter, (struct wall_ns){10000 * TIME_NS_PER_MS});
	EXPECT_UINT(t, p.count, 1);
	EXPECT(t, p.told[0].end == IPFIX_END_ACTIVE && p.told[0].side[0].packets == 9);
	(void)packet(&p, 0, true, 10001, 1);
	(void)packet(&p, 0, true, 20001, 1); /* the first of the two is due before this one */
	EXPECT(t, p.count == 2 && p.told[1].side[0].packets == 0 && p.told[1].side[1].packets == 1);
	EXPECT(t, p.told[1].id == p.told[0].id);
	close_place(&p);
	EXPECT(t, p.count == 3 && p.told[2].side[1].packets == 1);
}

static void an_idle_flow_is_told_once_and_again_when_it_speaks(struct test *t)
{
	struct place p;

	open_place(&p, 60, 5);
	(void)packet(&p, 0, false, 0, 1);
	(void)packet(&p, 0, false, 3000, 1);
	meter_expire(p.meter, (struct wall_ns){7999 * TIME_NS_PER_MS});
	EXPECT_UINT(t, p.count, 0);
	meter_expire(p.meter, (struct wall_ns){8000 * TIME_NS_PER_MS});
	meter_expire(p.meter, (struct wall_ns){9000 * TIME_NS_PER_MS});
	EXPECT(t, p.count == 1 && p.told[0].end == IPFIX_END_IDLE);
	(void)packet(&p, 0, false, 10000, 1);
	flow_table_expire(p.table, (struct wall_ns){100 * TIME_NS_PER_S}); /* and the table's */
	EXPECT(t, p.count == 2 && p.told[1].end == IPFIX_END_IDLE);
	EXPECT(t, p.told[1].side[0].packets == 1);
	close_place(&p);
	EXPECT_UINT(t, p.count, 2);
}

static void ends_that_change_places_are_told_as_they_are_then(struct test *t)
{
	struct place p;
	struct flow *f;

	open_place(&p, 60, 60);
	(void)packet(&p, 0, false, 0, 1);
	f = packet(&p, 0, true, 1, 200);
	flow_swap(f);
	meter_swap(f);
	close_place(&p);
	EXPECT(t, p.count == 1 && p.told[0].sport == 53 && p.told[0].side[0].octets == 228 &&
			  p.told[0].side[1].octets == 29);
}

static void a_record_has_the_applications_name(struct test *t)
{
	struct place p;

	open_place(&p, 60, 60);
	(void)packet_of(&p, 0, false, 0, 1, 80);
	(void)packet_of(&p, 0, false, 0, 1, 81);
	close_place(&p);
	EXPECT_UINT(t, p.count, 2);
	EXPECT(t, p.told[0].app_len == 4 && memcmp(p.told[0].app, "http", 4) == 0);
	EXPECT(t, p.told[1].app_len == IPFIX_APP_MAX && memcmp(p.told[1].app, "a-name-", 7) == 0);
}

/* Whatever happens when: the records of all flows add up to their packets. */
static void records_add_up(struct test *t)
{
	for (unsigned round = 0; round < 50; round++) {
		uint64_t sent[4][2] = {0}, told[4][2] = {0};
		int64_t ms = 0;
		struct place p;

		open_place(&p, 3, 2);
		for (unsigned i = 0; i < 30; i++) {
			unsigned client = (unsigned)(test_rand(t) % 4);
			bool back = sent[client][0] != 0 && test_rand(t) % 2 != 0;

			ms += (int64_t)(test_rand(t) % 1000);
			(void)packet(&p, client, back, ms, test_rand(t) % 1400);
			sent[client][back]++;
		}
		close_place(&p);
		for (size_t i = 0; i < p.count; i++)
			for (unsigned d = 0; d < 2; d++)
				told[p.told[i].sport - 1000][d] += p.told[i].side[d].packets;
		EXPECT(t, memcmp(sent, told, sizeof sent) == 0);
	}
}

static void a_flow_without_room_is_counted_and_not_told(struct test *t)
{
	struct place p;
	struct flow *f;

	open_place(&p, 60, 60);
	f = packet(&p, 0, false, 0, 1);
	meter_end(p.meter, f, FLOW_END_SHUTDOWN);
	EXPECT(t, p.count == 1 && f->meter == NULL);
	while (arena_bytes(&f->arena, 64) != NULL && p.pool.out < 1 << 20)
		;
	p.pool.budget = p.pool.out;
	while (arena_bytes(&f->arena, 64) != NULL)
		;
	while (arena_bytes(&f->arena, 1) != NULL)
		;
	(void)packet(&p, 0, false, 1, 1);
	EXPECT(t, meter_counters(p.meter)->no_memory == 1 && f->meter == NULL);
	p.pool.budget = SIZE_MAX;
	close_place(&p);
	EXPECT_UINT(t, p.count, 1);
}

TESTS(T(a_flow_is_told_whole_at_its_end),
      T(a_flow_that_goes_on_is_told_when_its_oldest_packet_is_so_old),
      T(an_idle_flow_is_told_once_and_again_when_it_speaks),
      T(ends_that_change_places_are_told_as_they_are_then), T(a_record_has_the_applications_name),
      T(records_add_up), T(a_flow_without_room_is_counted_and_not_told))
