/* SPDX-License-Identifier: Apache-2.0 */
#include "assess/attrib/attrib.h"

#include "test.h"

struct rig {
	struct arena_pool pool;
	struct arena arena;
	struct incident incident;
	struct trace_chain chain;
	struct origin origins[TRACE_HOPS_MAX];
	struct attrib_ladder ladder;
	struct prior prior;
	struct fail why;
};

static struct addr machine(uint8_t n)
{
	return addr_v4((const uint8_t[]){192, 0, 2, n});
}

/* A chain of n hops, each with probability p, and one origin for each: territories lo..hi. */
static void rig_open(struct rig *r, size_t hops, struct interval p, enum trace_stop stop)
{
	*r = (struct rig){.pool = {.budget = 1 << 20}};
	r->arena.pool = &r->pool;
	ASSERT(prior_parse(prior_builtin_name(), prior_builtin_text(), &r->prior, &r->why) ==
	       ST_OK);
	r->incident.step_count = 1;
	r->incident.station_count = 1;
	r->incident.per_act[INCIDENT_SCAN] = 1;
	r->chain.hop_count = hops;
	r->chain.stop = stop;
	r->chain.stop_why = SLICE("nobody looked further.");
	r->chain.whole = p;
	for (uint8_t i = 0; i < hops; i++) {
		r->chain.hops[i].machine = machine(i);
		r->chain.hops[i].p = p;
		r->origins[i].address = machine(i);
		r->origins[i].asn = 64500u + i;
		r->origins[i].candidate_count = 3;
		r->origins[i].candidates[0] =
			(struct origin_candidate){.territory = SLICE("XA"), .p = {500, 700}};
		r->origins[i].candidates[1] =
			(struct origin_candidate){.territory = SLICE("XB"), .p = {200, 400}};
		r->origins[i].candidates[2] =
			(struct origin_candidate){.territory = SLICE("??"), .p = {50, 150}};
	}
}

static enum status climb(struct rig *r)
{
	return attrib_climb(&r->incident, &r->chain, r->origins, r->chain.hop_count, &r->prior,
			    &r->arena, &r->ladder, &r->why);
}

static size_t rig_close(struct rig *r)
{
	arena_reset(&r->arena);
	arena_pool_drain(&r->pool);
	return r->pool.out;
}

static uint64_t mid(const struct attrib_rung *r, const char *what)
{
	for (size_t i = 0; i < r->candidate_count; i++)
		if (slice_equal(r->candidates[i].what, slice_of(what)))
			return (uint64_t)(r->candidates[i].p.lo + r->candidates[i].p.hi) / 2;
	return UINT64_MAX;
}

static bool sound(const struct attrib_rung *r)
{
	int32_t sum = 0;

	for (size_t i = 0; i < r->candidate_count; i++) {
		struct interval p = r->candidates[i].p;

		if (p.lo < 0 || p.lo > p.hi || p.hi > CLAIM_CERTAIN)
			return false;
		for (size_t k = 0; k < i; k++)
			if (slice_equal(r->candidates[k].what, r->candidates[i].what))
				return false;
		sum += (p.lo + p.hi) / 2;
	}
	return sum == CLAIM_CERTAIN && r->basis.len != 0 && r->name != NULL &&
	       slice_equal(r->candidates[r->candidate_count - 1].what, SLICE("none of these"));
}

static void every_rung_is_a_distribution_with_none_of_these(struct test *t)
{
	for (int round = 0; round < 2000; round++) {
		int32_t lo = (int32_t)(test_rand(t) % 1001);
		struct interval p = {lo, lo + (int32_t)(test_rand(t) % (1001 - (uint64_t)lo))};
		static struct rig r;

		rig_open(&r, test_rand(t) % (TRACE_HOPS_MAX + 1), p,
			 (enum trace_stop)(test_rand(t) % 4));
		r.incident.station_count = test_rand(t) % 5;
		r.incident.step_count = test_rand(t) % 30;
		EXPECT_UINT(t, climb(&r), ST_OK);
		for (size_t i = 0; i < ATTRIB_LEVELS; i++)
			EXPECT(t, sound(&r.ladder.rungs[i]));
		EXPECT_UINT(t, rig_close(&r), 0);
	}
}

static void a_last_seen_machine_is_not_where_it_began(struct test *t)
{
	static struct rig r;
	uint64_t last, behind;

	rig_open(&r, 2, (struct interval){900, 1000}, TRACE_RELAY);
	EXPECT_UINT(t, climb(&r), ST_OK);
	last = mid(&r.ladder.rungs[1], "192.0.2.1");
	behind = mid(&r.ladder.rungs[1], "a machine behind 192.0.2.1");
	EXPECT(t, last <= 1000 && behind <= 1000 && behind > 10 * last);
	EXPECT(t, mid(&r.ladder.rungs[1], "192.0.2.0") <= 1000);
	r.chain.stop = TRACE_NO_MATCH;
	EXPECT_UINT(t, climb(&r), ST_OK);
	EXPECT(t, mid(&r.ladder.rungs[1], "192.0.2.1") >
			  mid(&r.ladder.rungs[1], "a machine behind 192.0.2.1"));
	EXPECT_UINT(t, rig_close(&r), 0);
}

static void both_territories_stand_with_their_share(struct test *t)
{
	static struct rig r;
	uint64_t xa, xb;

	rig_open(&r, 1, (struct interval){1000, 1000}, TRACE_NO_MATCH);
	EXPECT_UINT(t, climb(&r), ST_OK);
	xa = mid(&r.ladder.rungs[2], "XA (AS64500)");
	xb = mid(&r.ladder.rungs[2], "XB (AS64500)");
	EXPECT_UINT(t, xa, 480); /* 0.8 that it began here, times 0.6 */
	EXPECT_UINT(t, xb, 240);
	r.origins[0].candidate_count = 0;
	EXPECT_UINT(t, climb(&r), ST_OK);
	EXPECT(t, !r.ladder.rungs[2].attributed);
	EXPECT_UINT(t, mid(&r.ladder.rungs[2], "none of these"), 1000);
	EXPECT_UINT(t, rig_close(&r), 0);
}

/* Hops in one territory and AS are one line; what other hops said stays beside it. */
static void hops_in_one_place_add_up(struct test *t)
{
	for (int round = 0; round < 500; round++) {
		static struct rig r;
		int32_t lo = (int32_t)(test_rand(t) % 1001);
		uint64_t xa, xb;

		rig_open(&r, 2 + test_rand(t) % (TRACE_HOPS_MAX - 1),
			 (struct interval){lo,
					   lo + (int32_t)(test_rand(t) % (1001u - (unsigned)lo))},
			 (enum trace_stop)(test_rand(t) % 4));
		for (size_t i = 0; i < r.chain.hop_count; i++)
			r.origins[i].asn = 64500;
		r.origins[0].candidates[1] =
			r.origins[0].candidates[2]; /* XA only, last looked at */
		r.origins[0].candidates[0].p = (struct interval){800, 1000};
		r.origins[0].candidate_count = 2;
		EXPECT_UINT(t, climb(&r), ST_OK);
		EXPECT(t, sound(&r.ladder.rungs[2]) && r.ladder.rungs[2].candidate_count <= 3);
		xa = mid(&r.ladder.rungs[2], "XA (AS64500)");
		xb = mid(&r.ladder.rungs[2], "XB (AS64500)");
		EXPECT(t, xa == UINT64_MAX || xb == UINT64_MAX || xa >= xb);
		EXPECT(t, lo < 500 || r.chain.stop == TRACE_RELAY || r.chain.hop_count > 3 ||
				  (xa != UINT64_MAX && xb != UINT64_MAX));
		EXPECT_UINT(t, rig_close(&r), 0);
	}
}

static void no_technical_evidence_moves_the_upper_rungs(struct test *t)
{
	static struct rig weak, strong;

	rig_open(&weak, 0, INTERVAL_UNKNOWN, TRACE_UNOBSERVED);
	rig_open(&strong, 8, (struct interval){1000, 1000}, TRACE_NO_MATCH);
	strong.incident.step_count = 1000;
	strong.incident.station_count = 9;
	EXPECT(t, climb(&weak) == ST_OK && climb(&strong) == ST_OK);
	for (size_t i = 3; i < ATTRIB_LEVELS; i++) {
		const struct attrib_rung *a = &weak.ladder.rungs[i], *b = &strong.ladder.rungs[i];

		EXPECT(t, !a->attributed && !b->attributed &&
				  a->candidate_count == b->candidate_count);
		EXPECT(t, slice_starts(a->basis, SLICE("Not attributed")));
		for (size_t k = 0; k < a->candidate_count; k++)
			EXPECT(t, a->candidates[k].p.lo == b->candidates[k].p.lo &&
					  a->candidates[k].p.hi == b->candidates[k].p.hi);
	}
	EXPECT(t,
	       weak.ladder.rungs[3].candidate_count >= 4); /* three operators and none of these */
	EXPECT(t, mid(&weak.ladder.rungs[0], "hostile activity took place") <
			  mid(&strong.ladder.rungs[0], "hostile activity took place"));
	EXPECT(t, rig_close(&weak) == 0 && rig_close(&strong) == 0);
}

static void claims_follow_the_ladder(struct test *t)
{
	struct claim_set set = {0};
	const struct claim *c;
	static struct rig r;

	rig_open(&r, 2, (struct interval){600, 900}, TRACE_UNOBSERVED);
	EXPECT_UINT(t, climb(&r), ST_OK);
	EXPECT_UINT(t, attrib_claims(&r.ladder, &r.chain, &r.prior, &r.arena, &set, &r.why), ST_OK);
	c = claim_find(&set, SLICE("attributed_to_state"));
	EXPECT(t, c != NULL && c->p.lo == 0 && c->p.hi == 555);
	c = claim_find(&set, SLICE("origin_in_territory"));
	EXPECT(t, c != NULL && c->p.lo == 0 && c->p.hi == 900); /* unobserved: may be further */
	c = claim_find(&set, SLICE("transit_in_territory"));
	EXPECT(t, c != NULL && c->p.lo == 600 && c->p.hi == 900);
	EXPECT_UINT(t, rig_close(&r), 0);
}

static void another_prior_gives_another_ladder(struct test *t)
{
	struct claim_set set = {0};
	static struct rig r;

	rig_open(&r, 2, (struct interval){600, 900}, TRACE_UNOBSERVED);
	r.prior.operators[PRIOR_STATE] = 400;
	r.prior.operators[PRIOR_AFFILIATED] = 0;
	r.prior.real[0][0] = (struct interval){100, 300};
	r.prior.beyond[TRACE_UNOBSERVED] = 0;
	r.prior.source = SLICE("what we think");
	EXPECT_UINT(t, climb(&r), ST_OK);
	for (size_t i = 0; i < ATTRIB_LEVELS; i++)
		EXPECT(t, sound(&r.ladder.rungs[i]));
	EXPECT_UINT(t, mid(&r.ladder.rungs[0], "hostile activity took place"), 200);
	EXPECT(t, mid(&r.ladder.rungs[1], "a machine behind 192.0.2.1") == UINT64_MAX);
	EXPECT_UINT(t, mid(&r.ladder.rungs[3], "state"), 400);
	EXPECT(t, slice_ends(r.ladder.rungs[3].basis, SLICE("a prior: what we think.")));
	EXPECT_UINT(t, attrib_claims(&r.ladder, &r.chain, &r.prior, &r.arena, &set, &r.why), ST_OK);
	EXPECT(t, claim_find(&set, SLICE("attributed_to_state"))->p.hi == 400);
	EXPECT_UINT(t, rig_close(&r), 0);
}

static void no_memory_is_an_error(struct test *t)
{
	for (size_t after = 1; after < 3; after++) {
		static struct rig r;

		rig_open(&r, 8, (struct interval){600, 900}, TRACE_UNOBSERVED);
		r.pool.fail_after = after;
		EXPECT(t, climb(&r) == ST_NOMEM || after > 1);
		EXPECT_UINT(t, rig_close(&r), 0);
	}
}

TESTS(T(every_rung_is_a_distribution_with_none_of_these),
      T(a_last_seen_machine_is_not_where_it_began), T(both_territories_stand_with_their_share),
      T(hops_in_one_place_add_up), T(no_technical_evidence_moves_the_upper_rungs),
      T(claims_follow_the_ladder), T(another_prior_gives_another_ladder), T(no_memory_is_an_error))
