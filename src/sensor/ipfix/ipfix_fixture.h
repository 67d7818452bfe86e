/* SPDX-License-Identifier: Apache-2.0
 * What the tests of this module share: a reader that keeps what it hears, made-up flows, and
 * messages put together by hand. */
#ifndef DEW_SENSOR_IPFIX_FIXTURE_H
#define DEW_SENSOR_IPFIX_FIXTURE_H

#include "base/buf.h"
#include "sensor/ipfix/ipfix.h"
#include "test.h"

/* ---- messages by hand ---- */

struct hand {
	struct arena_pool pool;
	struct arena arena;
	struct buf b;
	size_t set; /* where the open one begins; 0: none is */
};

static inline void put_be(struct hand *h, uint64_t v, size_t bytes)
{
	for (size_t i = bytes; i-- > 0;)
		buf_add_byte(&h->b, (uint8_t)(i < 8 ? v >> 8 * i : 0));
}

static inline void set_be16(struct hand *h, size_t at, size_t v)
{
	h->b.ptr[at] = (uint8_t)(v >> 8);
	h->b.ptr[at + 1] = (uint8_t)v;
}

static inline void hand_open(struct hand *h)
{
	*h = (struct hand){.pool = {.budget = SIZE_MAX}};
	h->arena.pool = &h->pool;
	h->b = buf_in(&h->arena);
}

static inline void hand_close(struct hand *h)
{
	arena_reset(&h->arena);
	arena_pool_drain(&h->pool);
}

/* A header; of IPFIX its length is set by hand_end(). */
static inline void head(struct hand *h, unsigned version, uint32_t number)
{
	h->b.len = 0;
	put_be(h, version, 2);
	put_be(h, 0, 2);
	if (version == 9)
		put_be(h, 50000, 4); /* uptime */
	put_be(h, 1700000000, 4);
	put_be(h, number, 4);
	put_be(h, 7, 4);
}

static inline void set_begin(struct hand *h, unsigned id)
{
	h->set = h->b.len;
	put_be(h, id, 2);
	put_be(h, 0, 2);
}

static inline void set_end(struct hand *h)
{
	set_be16(h, h->set + 2, h->b.len - h->set);
}

static inline struct slice hand_end(struct hand *h)
{
	if (h->b.ptr[1] == 10)
		set_be16(h, 2, h->b.len);
	return buf_slice(&h->b);
}

/* ---- what a reader hears ---- */

enum { HEARD_MAX = 4096 };

struct ear {
	struct arena_pool pool;
	struct arena arena;
	struct ipfix_reader *reader;
	struct ipfix_flow *flows;
	struct ipfix_session session; /* of the last one */
	size_t count, gone;
	struct ipfix_origin from;
	struct wall_ns now;
	struct hand hand; /* what it is told */
};

static inline void ear_hear(void *ctx, const struct ipfix_session *s, const struct ipfix_flow *f)
{
	struct ear *e = ctx;

	if (e->count < HEARD_MAX)
		e->flows[e->count] = *f;
	e->count++;
	e->session = *s;
}

static inline void ear_gone(void *ctx, const struct ipfix_session *s)
{
	struct ear *e = ctx;

	(void)s;
	e->gone++;
}

static inline void ear_open(struct ear *e)
{
	static const uint8_t exporter[] = {192, 0, 2, 1};

	*e = (struct ear){.pool = {.budget = SIZE_MAX},
			  .from = {.exporter = addr_v4(exporter), .port = 2055},
			  .now = {INT64_C(1700000000) * TIME_NS_PER_S}};
	e->arena.pool = &e->pool;
	e->flows = ARENA_ARRAY(&e->arena, struct ipfix_flow, HEARD_MAX);
	e->reader = ipfix_reader_new((struct ipfix_reader_sink){e, ear_hear, ear_gone}, &e->arena);
	ASSERT(e->flows != NULL && e->reader != NULL);
	hand_open(&e->hand);
}

static inline void ear_close(struct ear *e)
{
	hand_close(&e->hand);
	arena_reset(&e->arena);
	ASSERT(e->pool.out == 0);
	arena_pool_drain(&e->pool);
}

/* Milliseconds, as they are written. */
static inline struct wall_ns any_time(struct test *t)
{
	return (struct wall_ns){INT64_C(1700000000) * TIME_NS_PER_S +
				(int64_t)(test_rand(t) % 1000000) * TIME_NS_PER_MS};
}

static inline struct ipfix_side any_side(struct test *t)
{
	struct ipfix_side s = {.packets = 1 + test_rand(t) % 1000,
			       .octets = 20 + test_rand(t) % 100000,
			       .frame_octets = 34 + test_rand(t) % 100000,
			       .first = any_time(t),
			       .tcp_flags = (uint8_t)test_rand(t),
			       .ttl_least = (uint8_t)(test_rand(t) % 64),
			       .ttl_most = (uint8_t)(64 + test_rand(t) % 64)};

	s.last.ns = s.first.ns + (int64_t)(test_rand(t) % 1000) * TIME_NS_PER_MS;
	return s;
}

static inline struct addr any_addr(struct test *t, uint8_t family)
{
	struct addr a = {.family = family};

	for (size_t i = 0; i < (family == 4 ? 4u : 16u); i++)
		a.b[i] = (uint8_t)test_rand(t);
	return a;
}

/* A flow that a record can say without losing anything. */
static inline struct ipfix_flow any_flow(struct test *t)
{
	static const uint8_t protos[] = {1, 6, 17, 50, 58, 132};
	static const char *const apps[] = {"", "http", "tls", "dns", "a-name-of-24-characters!"};
	uint8_t family = test_rand(t) % 2 != 0 ? 4 : 6;
	const char *app = apps[test_rand(t) % 5];
	struct ipfix_flow f = {.src = any_addr(t, family),
			       .dst = any_addr(t, family),
			       .proto = protos[test_rand(t) % 6],
			       .vlan = (uint16_t)(test_rand(t) % 4096),
			       .vlan_inner = (uint16_t)(test_rand(t) % 4096),
			       .end = (uint8_t)(test_rand(t) % 6),
			       .direction = IPFIX_DIRECTION_INITIATOR,
			       .app_len = (uint8_t)strlen(app),
			       .id = 1 + test_rand(t) % ((UINT64_C(1) << 53) - 1),
			       .sampling = 1,
			       .side = {any_side(t)}};

	memcpy(f.app, app, f.app_len);
	if (f.proto == 1 || f.proto == 58) {
		f.icmp = (uint16_t)(1 + test_rand(t) % 65535);
	} else {
		f.sport = (uint16_t)test_rand(t);
		f.dport = (uint16_t)test_rand(t);
	}
	if (test_rand(t) % 2 != 0) {
		f.side[1] = any_side(t);
		f.side[1].first = f.side[0].first;
		f.side[1].last = f.side[0].last;
	}
	return f;
}

static inline bool side_same(const struct ipfix_side *a, const struct ipfix_side *b)
{
	return a->packets == b->packets && a->octets == b->octets &&
	       a->frame_octets == b->frame_octets && a->tcp_flags == b->tcp_flags &&
	       a->ttl_least == b->ttl_least && a->ttl_most == b->ttl_most;
}

static inline bool flow_same(const struct ipfix_flow *a, const struct ipfix_flow *b)
{
	return addr_equal(&a->src, &b->src) && addr_equal(&a->dst, &b->dst) &&
	       a->sport == b->sport && a->dport == b->dport && a->icmp == b->icmp &&
	       a->vlan == b->vlan && a->vlan_inner == b->vlan_inner && a->proto == b->proto &&
	       a->end == b->end && a->direction == b->direction && a->id == b->id &&
	       a->sampling == b->sampling && a->app_len == b->app_len &&
	       memcmp(a->app, b->app, a->app_len) == 0 && side_same(&a->side[0], &b->side[0]) &&
	       side_same(&a->side[1], &b->side[1]) && a->side[0].first.ns == b->side[0].first.ns &&
	       a->side[0].last.ns == b->side[0].last.ns;
}

static inline void ear_read(struct ear *e, struct slice message)
{
	ipfix_read(e->reader, &e->from, message, e->now);
}

#endif
