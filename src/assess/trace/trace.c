/* SPDX-License-Identifier: Apache-2.0
 *
 * From the actor machine backwards.
 *
 *   1. A machine is observed if a flow with payload into it, from outside the chain so far, is
 * known.
 *   2. Each source of flows into it is one item: one likelihood ratio over all its flows.
 *   3. Sources compete: p = ratio / (all ratios + prior), where the prior is the weight of "it
 * began here, or came in unseen": 10 for the lower bound, 1 for the upper.
 *   4. A source becomes the next hop if its lower bound reaches one half. Only one can.
 *   5. The chain never enters a machine twice and never leaves through a relay.
 */
#include "assess/trace/trace.h"

#include <stdlib.h>

#include "assess/trace/trace_priv.h"
#include "party/party.h"
#include "record/record.h"

enum {
	LEAVES_MAX = 32,  /* cited for one hop */
	PRIOR_LOW = 10,	  /* weight of "none of these" for the lower bound, a ratio being 1 */
	PRIOR_HIGH = 1,	  /* for the upper */
	HOP_LEAST = 500,  /* lower bound from which a source is the next hop */
	FLOWS_MAX = 4096, /* into one machine; the rest is not compared */
};
static const int64_t margin_ns = 30 * 60 * TIME_NS_PER_S; /* around an incident */

struct inflow {
	struct addr from;
	const struct fact *fact;
};

/* What is known about one machine. */
struct view {
	const struct addr *machine, *next; /* next: the target, or the hop nearer to it */
	struct trace_events out;	   /* what machine sent to next of its own accord; bursts */
	struct inflow *in;
	size_t in_count, in_room;
	size_t others;	      /* flows with machines outside the chain, either way */
	struct slice station; /* that saw the first of those */
};

struct source { /* the best so far */
	const struct inflow *flows;
	size_t flow_count;
	struct trace_match match;
};

struct tracing {
	const struct incident *incident;
	const struct fact_set *facts;
	const struct party *parties;
	size_t party_count;
	struct arena *arena;
	struct trace_chain *chain;
};

static bool is_flow_near(const struct tracing *t, const struct record *r)
{
	return r->kind == RECORD_FLOW && r->u.flow.start.ns - margin_ns <= t->incident->last.ns &&
	       r->u.flow.end.ns + margin_ns >= t->incident->first.ns;
}

/* Is the address part of the story already: the target, its side, or a hop? */
static bool is_known(const struct tracing *t, const struct addr *machine, const struct addr *a)
{
	const struct party *victim =
		party_of_addr(t->parties, t->party_count, &t->incident->target);

	if (addr_equal(a, &t->incident->target))
		return true;
	for (size_t i = 0; i < t->chain->hop_count; i++)
		if (addr_equal(a, &t->chain->hops[i].machine))
			return true;
	return victim != NULL && party_of_addr(t->parties, t->party_count, a) == victim &&
	       party_of_addr(t->parties, t->party_count, machine) != victim;
}

static bool add_event(const struct tracing *t, struct trace_events *out, int64_t from, int64_t to)
{
	return ARENA_PUSH(t->arena, out->list, out->count, out->room,
			  ((struct trace_event){from, to}));
}

/* What the machine sent of its own accord: of a flow that it opened the opening, whose moment is
 * known, and all later seconds with its payload; of others only seconds with what is no answer to
 * payload of the same or the last second (whoever polls sets the beat). */
static bool add_outward(const struct tracing *t, struct trace_events *out,
			const struct record_flow *f, bool opened)
{
	struct slice said = opened ? f->bins_ts : f->bins_tc, asked = f->bins_ts;

	if (opened && !add_event(t, out, f->start.ns, f->start.ns))
		return false;
	for (size_t i = opened ? 1 : 0; i < said.len && i < RECORD_BINS_MAX; i++) {
		int64_t at = f->start.ns + (int64_t)i * TIME_NS_PER_S;
		bool answers = !opened && ((i < asked.len && asked.ptr[i] != '0') ||
					   (i > 0 && i - 1 < asked.len && asked.ptr[i - 1] != '0'));

		if (said.ptr[i] != '0' && !answers && !add_event(t, out, at, at + TIME_NS_PER_S))
			return false;
	}
	return true;
}

static bool look(const struct tracing *t, struct view *v)
{
	for (size_t i = 0; i < t->facts->count; i++) {
		const struct record *r = t->facts->facts[i].record;
		bool from = addr_equal(&r->src, v->machine), to = addr_equal(&r->dst, v->machine);
		const struct addr *other = from ? &r->dst : &r->src;
		struct inflow in = {.from = r->src, .fact = &t->facts->facts[i]};

		if (from == to || !is_flow_near(t, r))
			continue;
		if (addr_equal(other, v->next)) {
			if (!add_outward(t, &v->out, &r->u.flow, from))
				return false;
			continue;
		}
		if (is_known(t, v->machine, other))
			continue;
		if (v->others++ == 0)
			v->station = r->station;
		if (to && r->u.flow.bins_ts.len != 0 && v->in_count < FLOWS_MAX &&
		    !ARENA_PUSH(t->arena, v->in, v->in_count, v->in_room, in))
			return false;
	}
	trace_events_join(&v->out);
	return true;
}

static int inflow_compare(const void *pa, const void *pb)
{
	const struct inflow *a = pa, *b = pb;
	int c = addr_compare(&a->from, &b->from);

	if (c != 0)
		return c;
	return a->fact->leaf < b->fact->leaf ? -1 : a->fact->leaf > b->fact->leaf;
}

/* What a fingerprint covers: the flow's life, at most RECORD_BINS_MAX seconds of it. */
static struct trace_span covers(const struct record_flow *f)
{
	static const int64_t most = RECORD_BINS_MAX * TIME_NS_PER_S;
	int64_t least = (int64_t)f->bins_ts.len * TIME_NS_PER_S;
	int64_t life = f->end.ns - f->start.ns;

	life = life < least ? least : life;
	life = life > most ? most : life;
	return (struct trace_span){f->start.ns, f->start.ns + life};
}

/* One source, all its flows. False if the budget is spent. */
static bool compare(const struct tracing *t, const struct view *v, const struct inflow *flows,
		    size_t n, struct trace_match *m)
{
	struct trace_span *spans = ARENA_ARRAY(t->arena, struct trace_span, n);
	struct trace_seconds in = {0};

	if (spans == NULL)
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct record_flow *f = &flows[i].fact->record->u.flow;

		spans[i] = covers(f);
		if (!trace_seconds_add(&in, t->arena, f->start, f->bins_ts))
			return false;
	}
	trace_seconds_sort(&in);
	*m = trace_match_of(&v->out, &in, spans, n);
	return true;
}

/* Compares all sources: the best, and the sum of all ratios. Of equals the smaller address. */
static bool compete(const struct tracing *t, struct view *v, struct source *best, int64_t *sum)
{
	*sum = 0;
	if (v->in_count > 1)
		qsort(v->in, v->in_count, sizeof *v->in, inflow_compare);
	for (size_t i = 0; i < v->in_count;) {
		struct trace_match m;
		size_t n = 1;

		while (i + n < v->in_count && addr_equal(&v->in[i + n].from, &v->in[i].from))
			n++;
		if (!compare(t, v, &v->in[i], n, &m))
			return false;
		*sum += m.ratio;
		if (m.ratio > best->match.ratio || best->flows == NULL)
			*best = (struct source){&v->in[i], n, m};
		i += n;
	}
	return true;
}

static struct slice text_of(const struct addr *a, struct arena *arena)
{
	char z[ADDR_TEXT_MAX];

	return arena_copy(arena, addr_format(a, z));
}

static bool hop_add(const struct tracing *t, const struct view *v, const struct source *s,
		    struct interval p)
{
	struct trace_hop *h = &t->chain->hops[t->chain->hop_count];
	const struct party *party = party_of_addr(t->parties, t->party_count, &s->flows[0].from);
	size_t n = s->flow_count < LEAVES_MAX ? s->flow_count : LEAVES_MAX;
	uint64_t *leaves = ARENA_ARRAY(t->arena, uint64_t, n);
	struct buf how = buf_in(t->arena);

	if (leaves == NULL)
		return false;
	*h = (struct trace_hop){.machine = s->flows[0].from,
				.party = party ? party->id : (struct slice){NULL, 0},
				.p = p,
				.leaves = leaves,
				.leaf_count = n,
				.station = s->flows[0].fact->record->station,
				.first = s->flows[0].fact->record->u.flow.start,
				.last = s->flows[0].fact->record->u.flow.end};
	for (size_t i = 0; i < s->flow_count; i++) {
		const struct record_flow *f = &s->flows[i].fact->record->u.flow;

		if (i < n)
			leaves[i] = s->flows[i].fact->leaf;
		h->first.ns = f->start.ns < h->first.ns ? f->start.ns : h->first.ns;
		h->last.ns = f->end.ns > h->last.ns ? f->end.ns : h->last.ns;
	}
	buf_add_fmt(&how, "%zu of %zu bursts out of ", s->match.explained, s->match.bursts);
	buf_add(&how, text_of(v->machine, t->arena));
	buf_add_fmt(&how, " came within %d.%d s of a second with bytes from ",
		    s->match.lag_ms / 1000, s->match.lag_ms % 1000 / 100);
	buf_add(&how, text_of(&h->machine, t->arena));
	buf_add_fmt(&how,
		    ", where chance explains %d.%d %%: likelihood ratio %lld.%lld (at most %d), "
		    "prior odds 1:%d to 1:%d",
		    s->match.chance / 10, s->match.chance % 10,
		    (long long)s->match.ratio / CLAIM_CERTAIN,
		    (long long)s->match.ratio % CLAIM_CERTAIN / 100, TRACE_RATIO_CAP, PRIOR_LOW,
		    PRIOR_HIGH);
	h->how = buf_slice(&how);
	t->chain->hop_count++;
	return !how.full && !t->arena->exhausted;
}

static bool is_relay(const struct tracing *t, const struct addr *a, struct slice *table)
{
	for (size_t i = 0; i < t->facts->count; i++) {
		const struct record *r = t->facts->facts[i].record;

		if (r->kind == RECORD_LOCATION && r->u.location.proxy &&
		    addr_equal(&r->u.location.address, a)) {
			*table = r->u.location.table;
			return true;
		}
	}
	return false;
}

static bool stop(const struct tracing *t, enum trace_stop why, struct buf *text)
{
	t->chain->stop = why;
	t->chain->stop_why = buf_slice(text);
	return !text->full && !t->arena->exhausted;
}

static void say_where(const struct tracing *t, const struct trace_hop *h, struct buf *b)
{
	buf_add_z(b, "the chain ends at ");
	buf_add(b, text_of(&h->machine, t->arena));
	if (h->party.len != 0) {
		buf_add_z(b, " in the network of ");
		buf_add(b, h->party);
	}
}

/* What is at the end of the chain, when the view from the last machine gave no next hop. */
static bool stop_here(const struct tracing *t, const struct view *v, const struct source *best)
{
	struct buf b = buf_in(t->arena);

	say_where(t, &t->chain->hops[t->chain->hop_count - 1], &b);
	if (v->others == 0) {
		buf_add_z(&b, ", into which nobody saw: what reached it is unknown");
		return stop(t, TRACE_UNOBSERVED, &b);
	}
	buf_add_z(&b, ", which ");
	buf_add(&b, v->station);
	if (v->in_count == 0) {
		buf_add_z(&b, " saw only from outside: nothing was seen to come to it");
		return stop(t, TRACE_UNOBSERVED, &b);
	}
	if (best->match.ratio == 0)
		buf_add_fmt(&b,
			    " observed: fewer than %d bursts went out of it while others sent to "
			    "it, too few to compare",
			    TRACE_BURSTS_MIN);
	else
		buf_add_fmt(&b,
			    " observed: of what was sent to it nothing explains what went out "
			    "(best likelihood ratio %lld.%02lld)",
			    (long long)best->match.ratio / CLAIM_CERTAIN,
			    (long long)best->match.ratio % CLAIM_CERTAIN / 10);
	return stop(t, TRACE_NO_MATCH, &b);
}

/* One step back from the last hop. *more: the chain grew. False if the budget is spent. */
static bool step(const struct tracing *t, bool *more)
{
	const struct trace_hop *h = &t->chain->hops[t->chain->hop_count - 1];
	struct view v = {.machine = &h->machine,
			 .next = t->chain->hop_count == 1 ? &t->incident->target : &h[-1].machine};
	struct source best = {0};
	struct buf b = buf_in(t->arena);
	struct interval p;
	struct slice table;
	int64_t sum;

	*more = false;
	if (is_relay(t, v.machine, &table)) {
		say_where(t, h, &b);
		buf_add_z(&b, ", an anonymising relay according to ");
		buf_add(&b, table);
		buf_add_z(&b, ": it is last seen, and no origin");
		return stop(t, TRACE_RELAY, &b);
	}
	if (!look(t, &v) || !compete(t, &v, &best, &sum))
		return false;
	if (best.flows == NULL || best.match.ratio == 0)
		return stop_here(t, &v, &best);
	p.lo = (int32_t)(best.match.ratio * CLAIM_CERTAIN / (sum + PRIOR_LOW * CLAIM_CERTAIN));
	p.hi = (int32_t)(best.match.ratio * CLAIM_CERTAIN / (sum + PRIOR_HIGH * CLAIM_CERTAIN));
	if (p.lo < HOP_LEAST)
		return stop_here(t, &v, &best);
	if (t->chain->hop_count == TRACE_HOPS_MAX) {
		say_where(t, h, &b);
		buf_add_fmt(&b, " because %d hops are as many as are followed", TRACE_HOPS_MAX);
		return stop(t, TRACE_LIMIT, &b);
	}
	*more = hop_add(t, &v, &best, p);
	return *more;
}

/* The machine next to the target. Payload both ways, or from the target, shows that its address is
 * real; a source address that nobody answered may be forged. */
static bool first_hop(const struct tracing *t)
{
	const struct incident *i = t->incident;
	const struct party *party = party_of_addr(t->parties, t->party_count, &i->actor);
	struct trace_hop *h = &t->chain->hops[0];
	uint64_t *leaves = ARENA_ARRAY(t->arena, uint64_t, LEAVES_MAX);
	size_t n = 0;

	if (leaves == NULL)
		return false;
	*h = (struct trace_hop){.machine = i->actor,
				.party = party ? party->id : (struct slice){NULL, 0},
				.p = {500, 950},
				.how = SLICE("its address is in the events; that it answered was "
					     "not seen, so it may be forged"),
				.leaves = leaves,
				.station =
					i->station_count ? i->stations[0] : (struct slice){NULL, 0},
				.first = i->first,
				.last = i->last};
	for (size_t k = 0; k < t->facts->count && n < LEAVES_MAX; k++) {
		const struct record *r = t->facts->facts[k].record;
		bool there = addr_equal(&r->src, &i->actor) && addr_equal(&r->dst, &i->target);
		bool back = addr_equal(&r->dst, &i->actor) && addr_equal(&r->src, &i->target);

		if ((!there && !back) || !is_flow_near(t, r) || r->u.flow.bins_ts.len == 0)
			continue;
		if (r->u.flow.bins_tc.len != 0) {
			h->p = (struct interval){980, 999};
			h->how = SLICE("payload travelled both ways between it and the target, so "
				       "its address is not forged");
		} else if (back && h->p.lo < 900) {
			h->p = (struct interval){900, 999};
			h->how = SLICE("the target itself sent payload to it, so its address is "
				       "not forged; that it answered was not seen");
		} else if (there && h->p.lo < 900) {
			continue; /* one way towards the target: may be forged */
		}
		leaves[n++] = t->facts->facts[k].leaf;
	}
	for (size_t k = 0; k < i->step_count && n == 0; k++)
		leaves[n++] = i->steps[k].leaf;
	h->leaf_count = n;
	t->chain->hop_count = 1;
	return true;
}

/* All hops hold: between what must be and what can be, whatever their dependence (Frechet). */
static struct interval conjunction(const struct trace_chain *c)
{
	struct interval p = {CLAIM_CERTAIN, CLAIM_CERTAIN};

	for (size_t i = 0; i < c->hop_count; i++) {
		p.lo += c->hops[i].p.lo - CLAIM_CERTAIN;
		p.hi = c->hops[i].p.hi < p.hi ? c->hops[i].p.hi : p.hi;
	}
	p.lo = p.lo < 0 ? 0 : p.lo;
	return p;
}

enum status trace_incident(const struct incident *i, const struct fact_set *facts,
			   const struct party *parties, size_t party_count, struct arena *a,
			   struct trace_chain *out, struct fail *why)
{
	struct trace_chain chain = {.whole = INTERVAL_UNKNOWN};
	struct tracing t = {.incident = i,
			    .facts = facts,
			    .parties = parties,
			    .party_count = party_count,
			    .arena = a,
			    .chain = &chain};
	bool more = true;

	if (i->actor.family == 0) {
		chain.stop = TRACE_UNOBSERVED;
		chain.stop_why =
			SLICE("the events show no machine of the actor: a name was looked up");
		*out = chain;
		return ST_OK;
	}
	if (!first_hop(&t))
		goto nomem;
	while (more)
		if (!step(&t, &more))
			goto nomem;
	chain.whole = conjunction(&chain);
	*out = chain;
	return ST_OK;
nomem:
	return fail_set(why, ST_NOMEM, "tracing incident %u: the memory budget is spent",
			i->number);
}
