/* SPDX-License-Identifier: Apache-2.0
 * Very many flows: what they cost is counted in bytes, and what does not fit by its cause. `make
 * flood` does the same with a million, and ten million. */
#include "flood.h"

#include "pipeline_fixture.h"
#include "test.h"

enum {
	FLOWS = 4000,
	BYTES_A_FLOW = (int)((INT64_C(2) << 30) / 1000000), /* so a million are within 2 GiB */
};

/* Then objects of an arena stand apart, and what they take is not what they take in earnest. */
#if defined(__SANITIZE_ADDRESS__)
#define APART true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define APART true
#endif
#endif
#ifndef APART
#define APART false
#endif

static void flood_begin(struct flood *f, struct bench *b)
{
	*f = (struct flood){.p = b->p, .at = START, .gap_ns = 1000};
	pipeline_trust_checksums(b->p, true);
}

static uint64_t endings(const struct pipeline_counters *c)
{
	return c->flows_timed_out + c->flows_replaced + c->flows_hurried + c->flows_evicted;
}

/* All at once; or, of those that speak a protocol, a hundredth at a time: an exchange is under way
 * in some connections, the others wait. At rest and at the most. */
static void a_million_flows_would_be_within_two_gibibytes(struct test *t)
{
	static const struct {
		enum flood_kind kind;
		uint32_t together;
	} rows[] = {
		{FLOOD_SYN, FLOWS},  {FLOOD_TCP, FLOWS},	{FLOOD_DNS, FLOWS},
		{FLOOD_TEXT, FLOWS}, {FLOOD_HTTP, FLOWS / 100}, {FLOOD_TLS, FLOWS / 100},
	};

	if (APART)
		test_skip(t, "bytes are not counted under AddressSanitizer");
	for (size_t i = 0; !APART && i < sizeof rows / sizeof rows[0]; i++) {
		struct bench *b = bench_new(NULL, (size_t)FLOWS * BYTES_A_FLOW);
		const char *name = flood_names[rows[i].kind];
		const struct pipeline_counters *c;
		struct flood f;

		flood_begin(&f, b);
		flood_all(&f, rows[i].kind, 0, FLOWS, rows[i].together);
		c = pipeline_counters(b->p);
		if (c->flows_now != FLOWS || c->no_memory != 0 || c->flows_evicted != 0)
			test_fail(t, __FILE__, __LINE__,
				  "%s: %llu open, %llu evicted, %llu times no memory", name,
				  (unsigned long long)c->flows_now,
				  (unsigned long long)c->flows_evicted,
				  (unsigned long long)c->no_memory);
		pipeline_finish(b->p);
		bench_done(b);
	}
}

static void
a_flood_of_openings_stays_within_the_budget_and_each_flow_is_accounted_for(struct test *t)
{
	static const char rule[] = "alert tcp any any -> any any (flags:S; sid:1;)\n";
	size_t budget = (size_t)1 << 20;
	struct bench *b = bench_new(rule, budget);
	const struct pipeline_counters *c;
	struct flood f;

	flood_begin(&f, b);
	b->lines.most = 1; /* what is said is counted, not kept */
	for (uint32_t i = 0; i < 20 * FLOWS; i++) {
		flood_step(&f, FLOOD_SYN, i, 0);
		c = pipeline_counters(b->p);
		EXPECT(t, c->memory <= budget);
		EXPECT_UINT(t, c->flows, c->flows_now + endings(c));
		EXPECT_UINT(t, c->flows + c->flows_refused, c->packets);
	}
	EXPECT_UINT(t, c->alerts, 20 * FLOWS);
	EXPECT(t, c->flows_evicted > 19 * FLOWS);
	pipeline_finish(b->p);
	c = pipeline_counters(b->p);
	EXPECT_UINT(t, c->flows, endings(c) + c->flows_shut_down);
	bench_done(b);
}

/* Who is spoken with stays, whatever the flood: it makes room for itself. */
static void sessions_outlive_a_flood_of_openings(struct test *t)
{
	struct bench *b = bench_new(NULL, (size_t)1 << 20);
	const struct pipeline_counters *c;
	struct flood f;
	uint64_t flows;

	flood_begin(&f, b);
	b->lines.most = 1; /* what is said is counted, not kept */
	for (unsigned step = 0; step < 3; step++)
		for (uint32_t i = 0; i < 50; i++)
			flood_step(&f, FLOOD_HTTP, i, step);
	for (uint32_t i = 0; i < 5 * FLOWS; i++)
		flood_step(&f, FLOOD_SYN, 1000000 + i, 0);
	flows = pipeline_counters(b->p)->flows;
	for (unsigned step = 3; step < flood_steps(FLOOD_HTTP); step++)
		for (uint32_t i = 0; i < 50; i++)
			flood_step(&f, FLOOD_HTTP, i, step);
	c = pipeline_counters(b->p);
	EXPECT_UINT(t, c->flows, flows); /* none of their packets began another */
	EXPECT(t, c->flows_evicted > 4 * FLOWS);
	pipeline_finish(b->p);
	bench_done(b);
}

TESTS(T(a_million_flows_would_be_within_two_gibibytes),
      T(a_flood_of_openings_stays_within_the_budget_and_each_flow_is_accounted_for),
      T(sessions_outlive_a_flood_of_openings))
