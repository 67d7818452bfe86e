/* SPDX-License-Identifier: Apache-2.0 */
#include "fingerprint/fingerprint.h"
#include "test.h"

#define BIN(b) ((int64_t)(b) << FINGERPRINT_BIN_LOG2)
#define SEGMENT(s) ((int64_t)(s) << FINGERPRINT_SEGMENT_LOG2)

enum { FLOW_BUDGET = 16384 };

/* A flow, and what was made of it. */
struct flow {
	struct arena_pool pool;
	struct arena a;
	struct fingerprint_maker m;
	struct fingerprint last; /* its events are in room */
	struct fingerprint_event room[FINGERPRINT_EVENTS_MAX];
	size_t made, events;
	uint64_t pkts[2], bytes[2];
	bool parsed; /* all that was made could be read again */
};

static void made(void *ctx, const struct fingerprint *f)
{
	struct fingerprint_event room[FINGERPRINT_EVENTS_MAX];
	uint8_t bytes[FINGERPRINT_BYTES_MAX];
	struct flow *x = ctx;
	struct fingerprint back;
	struct fail why;
	size_t n = fingerprint_encode(f, bytes);

	if (fingerprint_parse((struct slice){bytes, n}, &back, room, &why) != ST_OK)
		x->parsed = false;
	memcpy(x->room, f->events, f->count * sizeof x->room[0]);
	x->last = *f;
	x->last.events = x->room;
	x->made++;
	x->events += f->count;
	for (size_t i = 0; i < f->count; i++) {
		x->pkts[f->events[i].dir] += f->events[i].pkts;
		x->bytes[f->events[i].dir] += f->events[i].bytes;
	}
}

static struct flow flow(void)
{
	return (struct flow){.pool = {.budget = FLOW_BUDGET}, .m = {.proto = 6}, .parsed = true};
}

static void packet(struct flow *x, int64_t at, unsigned dir, uint32_t bytes)
{
	struct fingerprint_sink sink = {x, made};

	x->a.pool = &x->pool;
	fingerprint_maker_packet(&x->m, &x->a, (struct wall_ns){at}, dir, bytes, &sink);
}

static void end(struct flow *x)
{
	struct fingerprint_sink sink = {x, made};

	fingerprint_maker_end(&x->m, &sink);
	arena_reset(&x->a);
	arena_pool_drain(&x->pool);
}

static bool is(const struct flow *x, size_t i, struct fingerprint_event e)
{
	const struct fingerprint_event *r = &x->room[i];

	return i < x->last.count && r->bin == e.bin && r->bins == e.bins && r->dir == e.dir &&
	       r->pkts == e.pkts && r->bytes == e.bytes;
}

static void a_silence_of_four_bins_ends_an_event(struct test *t)
{
	struct flow x = flow();

	packet(&x, BIN(10), 0, 5);
	packet(&x, BIN(14) - 1, 0, 6);
	packet(&x, BIN(17) - 1, 0, 7); /* three bins on */
	packet(&x, BIN(20), 0, 8);     /* four */
	end(&x);
	EXPECT_UINT(t, x.last.count, 2);
	EXPECT(t, is(&x, 0, (struct fingerprint_event){3, 18, 10, 7, 0}));
	EXPECT(t, is(&x, 1, (struct fingerprint_event){1, 8, 20, 1, 0}));
	EXPECT(t, sizeof(struct fingerprint_event) == 12 && sizeof x.m == 24);
}

static void an_event_has_at_most_64_bins(struct test *t)
{
	struct flow x = flow();

	for (int b = 0; b < 65; b++)
		packet(&x, BIN(b), 1, 1448);
	end(&x);
	EXPECT(t, is(&x, 0, (struct fingerprint_event){64, 64 * 1448, 0, 64, 1}));
	EXPECT(t, is(&x, 1, (struct fingerprint_event){1, 1448, 64, 1, 1}));
}

static void directions_are_apart_and_have_an_order_in_one_bin(struct test *t)
{
	struct flow x = flow();

	packet(&x, BIN(3), 1, 1);
	packet(&x, BIN(3) + 1, 0, 2);
	packet(&x, BIN(4), 1, 3);
	packet(&x, BIN(4), 0, 4);
	end(&x);
	EXPECT_UINT(t, x.last.count, 2);
	EXPECT(t, is(&x, 0, (struct fingerprint_event){2, 6, 3, 2, 0}));
	EXPECT(t, is(&x, 1, (struct fingerprint_event){2, 4, 3, 2, 1}));
}

static void what_has_no_payload_leaves_no_trace(struct test *t)
{
	struct flow x = flow();

	for (int b = 0; b < 100; b++)
		packet(&x, BIN(b * 8), 0, 0);
	EXPECT(t, x.m.events == NULL && x.pool.out == 0);
	end(&x);
	EXPECT_UINT(t, x.made, 0);
}

static void segments_are_cut_at_multiples_of_wall_time(struct test *t)
{
	struct flow x = flow();

	packet(&x, SEGMENT(7) - 1, 0, 1);
	EXPECT_UINT(t, x.made, 0);
	packet(&x, SEGMENT(7), 0, 2);
	EXPECT(t, x.made == 1 && x.last.segment == 6 && x.room[0].bin == 2047);
	packet(&x, SEGMENT(90), 0, 3); /* what is between them was silent */
	EXPECT(t, x.made == 2 && x.last.segment == 7 && x.room[0].bin == 0);
	end(&x);
	EXPECT(t, x.made == 3 && x.last.segment == 90 && x.last.proto == 6);
}

static void a_late_packet_counts_as_of_now_and_a_clock_that_was_set_begins_anew(struct test *t)
{
	struct flow x = flow();

	packet(&x, SEGMENT(9) + BIN(5), 0, 1);
	packet(&x, SEGMENT(9) + BIN(1), 1, 2); /* older than the latest */
	packet(&x, SEGMENT(9) - 1, 0, 3);      /* of the segment before */
	packet(&x, SEGMENT(8), 0, 4);
	EXPECT_UINT(t, x.made, 0);
	packet(&x, SEGMENT(8) - 1, 0, 5); /* of the one before that */
	EXPECT(t, x.made == 1 && x.last.count == 2);
	EXPECT(t, is(&x, 0, (struct fingerprint_event){3, 8, 5, 1, 0}));
	EXPECT(t, is(&x, 1, (struct fingerprint_event){1, 2, 5, 1, 1}));
	packet(&x, INT64_MAX, 0, 6);
	EXPECT(t, x.made == 2 && x.last.segment == 7);
	packet(&x, INT64_MIN, 0, 7);
	EXPECT(t, x.made == 3 && x.last.segment == (UINT32_C(1) << 29) - 1);
	end(&x);
	EXPECT(t, x.made == 4 && x.last.segment == 0 && x.parsed);
}

/* n events of each direction, `apart` bins from one to the next. */
static __attribute__((noinline)) struct flow spaced(int n, int apart)
{
	struct flow x = flow();

	for (int i = 0; i < n; i++) {
		packet(&x, BIN(i * apart), 0, 100);
		packet(&x, BIN(i * apart) + 1, 1, 1000);
	}
	end(&x);
	return x;
}

static void a_busy_flow_is_told_more_coarsely_and_never_in_part(struct test *t)
{
	struct flow x = spaced(64, 32);

	EXPECT(t, x.last.count == 128 && x.last.coarser == 0);
	x = spaced(65, 31);
	EXPECT(t, x.last.coarser > 0 && x.last.count <= 128);
	EXPECT(t, x.pkts[0] == 65 && x.bytes[0] == 6500 && x.bytes[1] == 65000);
	x = spaced(512, 4); /* the most there can be in a segment */
	EXPECT(t, x.last.coarser == 1 && x.last.count == 32); /* without a silence: runs */
	EXPECT(t, x.pkts[0] == 512 && x.pkts[1] == 512 && x.bytes[1] == 512000);
	x = spaced(256, 8);
	EXPECT(t, x.last.coarser == 2 && x.pkts[1] == 256);
}

static void numbers_end_at_what_they_can_hold(struct test *t)
{
	struct flow x = flow();

	packet(&x, 0, 0, UINT32_MAX);
	packet(&x, 0, 0, 2);
	end(&x);
	EXPECT(t, is(&x, 0, (struct fingerprint_event){2, UINT32_MAX, 0, 1, 0}) && x.parsed);
}

/* Packets of any kind of flow, with `fail` as in arena_pool. */
static void any_packets(struct test *t, size_t fail)
{
	struct flow x = flow();
	uint64_t pkts[2] = {0}, bytes[2] = {0};
	int64_t at = (int64_t)(test_rand(t) >> 2);
	unsigned pace = (unsigned)(test_rand(t) % 12) + 19, n = (unsigned)(test_rand(t) % 2000);

	x.pool.fail_after = fail;
	for (unsigned i = 0; i < n; i++) {
		uint64_t r = test_rand(t);
		unsigned dir = r & 1;
		uint32_t b = (uint32_t)(r >> 1 & 0x7ff);

		at += (int64_t)(test_rand(t) >> (64 - pace));
		packet(&x, at, dir, b);
		pkts[dir] += b != 0;
		bytes[dir] += b;
	}
	end(&x);
	EXPECT(t, x.parsed && x.m.lost == 0);
	EXPECT_UINT(t, x.pkts[0], pkts[0]);
	EXPECT_UINT(t, x.pkts[1], pkts[1]);
	EXPECT_UINT(t, x.bytes[0], bytes[0]);
	EXPECT_UINT(t, x.bytes[1], bytes[1]);
	EXPECT(t, x.pool.out == 0);
}

static void nothing_is_lost_whatever_comes(struct test *t)
{
	for (int i = 0; i < 300; i++)
		any_packets(t, 0);
}

static void with_little_memory_bins_are_wider(struct test *t)
{
	struct flow x = flow();

	for (size_t blocks = 2; blocks < 8; blocks++) /* the first is given */
		for (int i = 0; i < 30; i++)
			any_packets(t, blocks);
	x.pool.fail_after = 2; /* no more than the first eight events */
	for (int i = 0; i < 60; i++)
		packet(&x, BIN(i * 32), 0, 9);
	end(&x);
	EXPECT(t, x.last.count <= 8 && x.last.coarser > 0 && x.pkts[0] == 60);
	x = flow();
	x.pool.fail_after = 1;
	packet(&x, 0, 0, 9);
	packet(&x, 1, 0, 9);
	end(&x);
	EXPECT(t, x.made == 0 && x.m.lost == 2);
}

static void two_stations_that_see_the_same_say_the_same(struct test *t)
{
	uint8_t one[FINGERPRINT_BYTES_MAX], two[FINGERPRINT_BYTES_MAX];
	struct flow x = flow(), y = flow();
	size_t n;

	for (int i = 0; i < 200; i++) {
		int64_t at = SEGMENT(5) + BIN(i * 10);
		int64_t near = (int64_t)(test_rand(t) % (1 << FINGERPRINT_BIN_LOG2));

		packet(&x, at, i & 1, 50);
		packet(&y, at + near, i & 1,
		       50 + ((uint32_t)i & 1)); /* 8 ms later at most, another header */
	}
	end(&x);
	end(&y);
	n = fingerprint_encode(&x.last, one);
	EXPECT_UINT(t, fingerprint_encode(&y.last, two), n);
	EXPECT(t, memcmp(one, two, n) == 0);
}

TESTS(T(a_silence_of_four_bins_ends_an_event), T(an_event_has_at_most_64_bins),
      T(directions_are_apart_and_have_an_order_in_one_bin), T(what_has_no_payload_leaves_no_trace),
      T(segments_are_cut_at_multiples_of_wall_time),
      T(a_late_packet_counts_as_of_now_and_a_clock_that_was_set_begins_anew),
      T(a_busy_flow_is_told_more_coarsely_and_never_in_part), T(numbers_end_at_what_they_can_hold),
      T(nothing_is_lost_whatever_comes), T(with_little_memory_bins_are_wider),
      T(two_stations_that_see_the_same_say_the_same))
