/* SPDX-License-Identifier: Apache-2.0 */
#include "fingerprint/fingerprint.h"
#include "meter.h"
#include "test.h"

enum { PACKETS = 40000 };

static void made(void *ctx, const struct fingerprint *f)
{
	*(size_t *)ctx += f->count;
}

/* Units of work a packet, of packets that are `apart` ns from each other in turn to and fro. */
static uint64_t cost(int64_t apart)
{
	struct arena_pool pool = {.budget = 1 << 16};
	struct arena a = {.pool = &pool};
	struct fingerprint_maker m = {.proto = 17};
	size_t events = 0;
	struct fingerprint_sink sink = {&events, made};
	uint64_t before = meter_units();

	for (int i = 0; i < PACKETS; i++)
		fingerprint_maker_packet(&m, &a, (struct wall_ns){i * apart}, i & 1, 100, &sink);
	before = meter_units() - before;
	arena_reset(&a);
	arena_pool_drain(&pool);
	return before / PACKETS;
}

static void a_packet_costs_the_same_whatever_the_flow(struct test *t)
{
	uint64_t most = 0;

	/* a bulk transfer: nearly all go on with an event; sanitizers add blocks */
	EXPECT(t, cost(1000) <= 25);
	for (int64_t apart = 1000; apart < INT64_C(40) << 30; apart = apart * 5 / 4)
		most = cost(apart) > most ? cost(apart) : most;
	EXPECT(t, most >= 20 && most <= 80); /* made to widen the bins seven times a segment */
}

TESTS(T(a_packet_costs_the_same_whatever_the_flow))
