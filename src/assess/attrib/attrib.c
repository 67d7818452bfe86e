/* SPDX-License-Identifier: Apache-2.0
 *
 * Invariants
 *  1  On every rung the midpoints of the candidates sum to exactly 1000, and the last candidate is
 *     "none of these".
 *  2  Nothing that was seen on a wire moves rungs 3 to 5 (A14): they hold the prior, by name.
 *  3  The last machine that was seen is never said to be where it began (A12): what may lie beyond
 * it has a candidate of its own.
 */
#include "assess/attrib/attrib.h"

#include "assess/claim/claim.h"
#include "base/buf.h"

_Static_assert((int)PRIOR_UNOBSERVED == (int)TRACE_UNOBSERVED &&
		       (int)PRIOR_RELAY == (int)TRACE_RELAY &&
		       (int)PRIOR_NO_MATCH == (int)TRACE_NO_MATCH &&
		       (int)PRIOR_LIMIT == (int)TRACE_LIMIT,
	       "prior.beyond is by trace_stop");

/* Healey's spectrum of state responsibility, from prohibiting to integrated. */
static const char *const relations[] = {"state-prohibited", "state-prohibited-but-inadequate",
					"state-ignored",    "state-encouraged",
					"state-shaped",	    "state-coordinated",
					"state-ordered",    "state-rogue-conducted",
					"state-executed",   "state-integrated"};
enum { RELATIONS = sizeof relations / sizeof relations[0] };

static const char none_of_these[] = "none of these";

/* ---- rungs ---- */

/* As wide as `half` to either side of `mid`, inside [0, 1000], so that mid stays the middle. */
static struct interval around(int32_t mid, int32_t half)
{
	int32_t w = half < mid ? half : mid;

	w = w < CLAIM_CERTAIN - mid ? w : CLAIM_CERTAIN - mid;
	return (struct interval){mid - w, mid + w};
}

/* Adds a candidate. Beyond the last place the rest goes to none of these, which the caller adds. */
static void put(struct attrib_rung *r, struct slice what, int32_t mid, int32_t half)
{
	if (r->candidate_count == ATTRIB_CANDIDATES_MAX)
		return;
	r->candidates[r->candidate_count++] = (struct attrib_candidate){what, around(mid, half)};
}

static int32_t mid_of(struct interval p)
{
	return (p.lo + p.hi) / 2;
}

/* What is left of 1000 goes to none of these. */
static void put_rest(struct attrib_rung *r, int32_t half)
{
	int32_t rest = CLAIM_CERTAIN;

	for (size_t i = 0; i < r->candidate_count; i++)
		rest -= mid_of(r->candidates[i].p);
	ASSERT(rest >= 0);
	put(r, slice_of(none_of_these), rest, half);
}

/* Keeps a place for none of these. */
static bool has_room(const struct attrib_rung *r)
{
	return r->candidate_count < ATTRIB_CANDIDATES_MAX - 1;
}

static void climb_real(const struct incident *i, const struct prior *prior, struct arena *a,
		       struct attrib_rung *r)
{
	size_t s = i->station_count < PRIOR_STATIONS ? i->station_count : PRIOR_STATIONS;
	size_t kinds = 0, e;
	struct interval p;

	for (size_t k = 0; k < INCIDENT_ACTS; k++)
		kinds += i->per_act[k] != 0;
	e = i->step_count >= 10 || kinds > 2 ? 2 : i->step_count > 1;
	p = prior->real[s ? s - 1 : 0][e];
	r->name = "the event is real";
	r->attributed = true;
	put(r, SLICE("hostile activity took place"), mid_of(p), (p.hi - p.lo) / 2);
	put(r, SLICE("harmless traffic, or a false alarm"), (CLAIM_CERTAIN - mid_of(p)) * 9 / 10,
	    (p.hi - p.lo) / 2);
	put_rest(r, (p.hi - p.lo) / 2);
	r->basis = buf_text(a, "%zu %s of %zu %s, seen by %zu %s.", i->step_count,
			    i->step_count == 1 ? "event" : "events", kinds,
			    kinds == 1 ? "kind" : "kinds", i->station_count,
			    i->station_count == 1 ? "station" : "stations");
}

/* The chance that the activity came through hops 0..k, by midpoints; product: each hop's ratio was
 * computed given the one before it. */
static int32_t reach(const struct trace_chain *c, size_t k)
{
	int32_t p = CLAIM_CERTAIN;

	for (size_t i = 0; i <= k && i < c->hop_count; i++)
		p = p * mid_of(c->hops[i].p) / CLAIM_CERTAIN;
	return k < c->hop_count ? p : 0;
}

/* Share of the whole that says "it began at hop k, as far as anybody saw"; *beyond: at a machine
 * behind the last one. */
static int32_t began_at(const struct trace_chain *c, const struct prior *prior, size_t k,
			int32_t *beyond)
{
	int32_t p = reach(c, k) - reach(c, k + 1), past = 0;

	if (k + 1 == c->hop_count)
		past = p * prior->beyond[c->stop] / CLAIM_CERTAIN;
	*beyond = past;
	return p - past;
}

static int32_t doubt_of(const struct trace_hop *h)
{
	return (h->p.hi - h->p.lo) / 2;
}

static void climb_machine(const struct trace_chain *c, const struct prior *prior, struct arena *a,
			  struct attrib_rung *r)
{
	char name[ADDR_TEXT_MAX];

	r->name = "machine";
	r->attributed = c->hop_count != 0;
	for (size_t k = c->hop_count; k-- > 0;) {
		const struct trace_hop *h = &c->hops[k];
		int32_t past, p = began_at(c, prior, k, &past);
		struct slice machine = addr_format(&h->machine, name);

		put(r, buf_text(a, "%.*s", SLICE_ARG(machine)), p, doubt_of(h));
		if (past != 0)
			put(r, buf_text(a, "a machine behind %.*s", SLICE_ARG(machine)), past,
			    past * 4 / 5);
	}
	put_rest(r, CLAIM_CERTAIN);
	r->basis = c->hop_count == 0
			   ? SLICE("No machine was seen.")
			   : buf_text(a, "%zu %s seen; %.*s", c->hop_count,
				      c->hop_count == 1 ? "machine was" : "machines in a row were",
				      SLICE_ARG(c->stop_why));
}

static const struct origin *origin_of(const struct origin *origins, size_t n, const struct addr *m)
{
	for (size_t i = 0; i < n; i++)
		if (addr_equal(&origins[i].address, m))
			return &origins[i];
	return NULL;
}

/* "XB (AS64502 Example)": what a territory's line says. */
static struct slice place(struct arena *a, const struct origin *o, struct slice territory)
{
	if (o->asn == 0)
		return territory;
	return buf_text(a, "%.*s (AS%llu%s%.*s)", SLICE_ARG(territory), (unsigned long long)o->asn,
			o->as_name.len ? " " : "", SLICE_ARG(o->as_name));
}

/* Adds p to the line that says the same, or a new line. */
static void add_place(struct attrib_rung *r, struct slice what, int32_t p, int32_t half)
{
	if (p == 0)
		return;
	for (size_t i = 0; i < r->candidate_count; i++)
		if (slice_equal(r->candidates[i].what, what)) {
			struct interval *q = &r->candidates[i].p;

			*q = around(mid_of(*q) + p, (q->hi - q->lo) / 2 + half);
			return;
		}
	if (has_room(r))
		put(r, what, p, half);
}

static void climb_place(const struct trace_chain *c, const struct prior *prior,
			const struct origin *origins, size_t n, struct arena *a,
			struct attrib_rung *r)
{
	bool disputed = false;

	r->name = "network and territory";
	for (size_t k = c->hop_count; k-- > 0;) {
		const struct origin *o = origin_of(origins, n, &c->hops[k].machine);
		int32_t past, p = began_at(c, prior, k, &past);
		size_t named = 0;

		for (size_t i = 0; o != NULL && i < o->candidate_count; i++) {
			const struct origin_candidate *t = &o->candidates[i];
			int32_t share = p * mid_of(t->p) / CLAIM_CERTAIN;

			if (slice_equal(t->territory, SLICE("??")))
				continue;
			named++;
			add_place(r, place(a, o, t->territory), share,
				  (t->p.hi - t->p.lo) / 2 * p / CLAIM_CERTAIN +
					  doubt_of(&c->hops[k]));
		}
		disputed = disputed || named > 1;
	}
	r->attributed = r->candidate_count != 0;
	put_rest(r, CLAIM_CERTAIN);
	r->basis =
		!r->attributed ? SLICE("No table places any machine of the chain.")
		: disputed
			? SLICE("From the machines above, by tables of addresses that do not agree "
				"about all of them.")
			: SLICE("From the machines above, by tables of addresses.");
}

static void stand_priors(const struct prior *p, struct arena *a, struct attrib_rung *rungs)
{
	int32_t affiliated = p->operators[PRIOR_AFFILIATED], state = p->operators[PRIOR_STATE];
	int32_t non_state = p->operators[PRIOR_NON_STATE];
	struct attrib_rung *r = &rungs[3];

	r->name = "operator";
	put(r, SLICE("non-state, state affiliation suggested"), affiliated, p->doubt);
	put(r, SLICE("non-state"), non_state, p->doubt);
	put(r, SLICE("state"), state, p->doubt);
	put_rest(r, p->doubt);
	r->basis = buf_text(a,
			    "Not attributed: nothing that was seen speaks to who operated the "
			    "machine. What stands here is a prior: %.*s.",
			    SLICE_ARG(p->source));
	r = &rungs[4];
	r->name = "relation to a state";
	for (size_t i = 0; i < RELATIONS; i++)
		put(r, slice_of(relations[i]), CLAIM_CERTAIN / (RELATIONS + 1) + 1, CLAIM_CERTAIN);
	put_rest(r, CLAIM_CERTAIN);
	r->basis = SLICE("Not attributed: technical evidence cannot speak to it. What stands here "
			 "is a prior: "
			 "flat over the ten steps of Healey's spectrum and none of them.");
	r = &rungs[5];
	r->name = "state";
	put(r, SLICE("some state, not named"), affiliated + state, 2 * p->doubt);
	put(r, SLICE("no state"), non_state, p->doubt);
	put_rest(r, p->doubt);
	r->basis = buf_text(a,
			    "Not attributed: no state can be named from what was seen. What stands "
			    "here is a prior: %.*s.",
			    SLICE_ARG(p->source));
}

enum status attrib_climb(const struct incident *i, const struct trace_chain *chain,
			 const struct origin *origins, size_t origin_count,
			 const struct prior *prior, struct arena *a, struct attrib_ladder *out,
			 struct fail *why)
{
	struct attrib_ladder l = {0};

	climb_real(i, prior, a, &l.rungs[0]);
	climb_machine(chain, prior, a, &l.rungs[1]);
	climb_place(chain, prior, origins, origin_count, a, &l.rungs[2]);
	stand_priors(prior, a, l.rungs);
	l.limit = chain->stop_why;
	if (a->exhausted)
		return fail_set(why, ST_NOMEM, "attribution: no memory");
	*out = l;
	return ST_OK;
}

/* ---- claims ---- */

static bool claim_state(const struct prior *prior, struct claim_set *out, struct arena *a)
{
	int32_t most = prior->operators[PRIOR_AFFILIATED] + prior->operators[PRIOR_STATE];

	return claim_add(
		out, a,
		(struct claim){
			.atom = SLICE("attributed_to_state"),
			.p = {0, most},
			.why = SLICE("Nothing that was seen speaks to it; the upper bound is the "
				     "prior of rung 5.")});
}

/* The lower bound of the place that most speaks for; 0 if no table names one. */
static int32_t likeliest_place(const struct attrib_rung *places)
{
	int32_t lo = 0;

	for (size_t i = 0; i + 1 < places->candidate_count; i++) /* the last is none of these */
		lo = places->candidates[i].p.lo > lo ? places->candidates[i].p.lo : lo;
	return lo;
}

/* That a territory was only passed through, and that it is where it began. No surer than that the
 * tables place the machine there. */
static bool claim_territory(const struct attrib_ladder *l, const struct trace_chain *chain,
			    const struct prior *prior, struct claim_set *out, struct arena *a)
{
	const struct trace_hop *last = &chain->hops[chain->hop_count - 1];
	int32_t share = CLAIM_CERTAIN - prior->beyond[chain->stop];
	char name[ADDR_TEXT_MAX];
	struct claim origin = {.atom = SLICE("origin_in_territory"),
			       .p = {0, chain->whole.hi},
			       .leaves = last->leaves,
			       .leaf_count = last->leaf_count};

	if (chain->stop == TRACE_NO_MATCH) {
		int32_t placed = likeliest_place(&l->rungs[2]);

		origin.p.lo = chain->whole.lo * share / CLAIM_CERTAIN;
		origin.p.lo = placed < origin.p.lo ? placed : origin.p.lo;
	}
	origin.why =
		buf_text(a, "The chain ends at %.*s: %.*s",
			 SLICE_ARG(addr_format(&last->machine, name)), SLICE_ARG(chain->stop_why));
	if (!claim_add(out, a, origin))
		return false;
	if (chain->hop_count < 2)
		return true;
	return claim_add(out, a,
			 (struct claim){.atom = SLICE("transit_in_territory"),
					.p = chain->hops[1].p,
					.leaves = chain->hops[1].leaves,
					.leaf_count = chain->hops[1].leaf_count,
					.why = buf_text(a, "%.*s passed the activity on.",
							SLICE_ARG(addr_format(
								&chain->hops[0].machine, name)))});
}

enum status attrib_claims(const struct attrib_ladder *l, const struct trace_chain *chain,
			  const struct prior *prior, struct arena *a, struct claim_set *out,
			  struct fail *why)
{
	ASSERT(!l->rungs[5].attributed); /* when it can be, this claim must follow it */
	if (!claim_state(prior, out, a) ||
	    (chain->hop_count != 0 && !claim_territory(l, chain, prior, out, a)))
		return fail_set(why, ST_NOMEM, "attribution: no memory");
	return ST_OK;
}
