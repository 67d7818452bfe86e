/* SPDX-License-Identifier: Apache-2.0
 *
 * Throttle orders: to let less through, for a while, from where a request was not answered.
 *
 * Invariants:
 * 1. An order of others rests on a clause that says so (`lest throttle`), and on its being due: the
 *    consequence followed before the order was made, and has not ended since.
 * 2. It leaves at least the share that the clause says of what came before, ends by itself no later
 *    than the clause says, and spares every class that the clause names. One that does not is
 *    barred, whoever votes for it.
 * 3. It holds from the vote that makes the quorum. Who made it is for it.
 * 4. It is to make the other side comply, so it ends when that did: the duty done late lifts it.
 * 5. On its own network the bearer needs nobody's leave; such an order ends by itself, too.
 *
 * What holds is printed as the sensor's throttle-add wants it (docs/formats/control.md); nothing
 * here talks to a sensor.
 */
#include "assess/duty/duty_priv.h"

enum { OWN_MOST_S = 30 * DUTY_DAY_S }; /* of the bearer's own */

const char *const duty_order_names[DUTY_ORDER_STATES] = {
	[DUTY_ORDER_PROPOSED] = "proposed", [DUTY_ORDER_HOLDS] = "holds",
	[DUTY_ORDER_EXPIRED] = "expired",   [DUTY_ORDER_LIFTED] = "lifted",
	[DUTY_ORDER_LAPSED] = "lapsed",	    [DUTY_ORDER_BARRED] = "barred",
};

struct ordering {
	struct duty_order *o;
	const struct duty_entry *e;
	const struct treaty_lest *lest; /* NULL: the bearer's own */
	const struct duty_case *c;
	struct wall_ns lapses; /* without a quorum by then */
	uint8_t *said;	       /* of each party: whether it is for it */
};

static uint64_t seconds_of(struct treaty_span span)
{
	return span.n * (span.unit == TREATY_HOURS ? UINT64_C(3600) : (uint64_t)DUTY_DAY_S);
}

/* When what was missed was done after all; 0: it was not. */
static struct wall_ns complied(const struct duty_case *c)
{
	return c->outcome == DUTY_LATE ? c->delivered : (struct wall_ns){0};
}

/* The consequence that lets this party make an order then, or NULL. */
static const struct treaty_lest *lest_of(const struct duty_walk *w, const struct duty_case *c,
					 const struct duty_entry *e)
{
	const struct treaty_duty *d = duty_of(w->s, c);

	if (c->outcome == DUTY_NOT_OWED || !duty_is_bound(w->s, c->treaty, e->party, e->at))
		return NULL;
	for (size_t i = 0; i < d->lest_count; i++)
		if (d->lest[i].kind == TREATY_THROTTLE && c->lest[i].effect == DUTY_FOLLOWS &&
		    c->lest[i].at.ns < e->at.ns &&
		    (complied(c).ns == 0 || complied(c).ns > e->at.ns))
			return &d->lest[i];
	return NULL;
}

/* Which case lets it; sets o->of and o->own. */
static void find_leave(const struct duty_walk *w, struct ordering *x)
{
	const struct duty_request *r = w->request;

	for (size_t i = r->first_case; i < r->first_case + r->case_count; i++) {
		const struct duty_case *c = &w->s->cases[i];

		x->lest = lest_of(w, c, x->e);
		x->o->own = c->outcome != DUTY_NOT_OWED && slice_equal(c->bearer, x->e->party);
		if (x->o->own)
			x->lest = NULL;
		if (x->lest != NULL || x->o->own) {
			x->c = c;
			x->o->of = (ptrdiff_t)i; /* at most DUTY_CASES_MAX */
			return;
		}
	}
}

/* Which limit it breaks, or NULL. */
static const char *limit_of(const struct ordering *x)
{
	const struct duty_order_said *said = &x->e->u.order;

	if (x->o->own)
		return said->seconds > OWN_MOST_S ? "it would hold longer than 30 days" : NULL;
	if (x->lest == NULL)
		return "no clause that binds its author lets it follow here";
	if (said->seconds > seconds_of(x->lest->most))
		return "it would hold longer than the clause allows";
	for (size_t i = 0; i < x->lest->exempt_count; i++)
		if (!duty_names_hold(said->exempt, x->lest->exempt[i]))
			return "it does not spare every class that the clause names";
	if (said->observed_bits_per_s == 0)
		return "without what came from there before, nobody can say whether it is "
		       "proportionate";
	/* both below 2^54, and shares of at most 9999 */
	if ((unsigned __int128)said->bits_per_s * x->lest->keep.of <
	    (unsigned __int128)said->observed_bits_per_s * x->lest->keep.n)
		return "it leaves less than the share that the clause keeps";
	return NULL;
}

static void hold(struct ordering *x, struct wall_ns at)
{
	static const struct duty_calendar utc = {0};
	uint64_t s = x->e->u.order.seconds, most = x->lest ? seconds_of(x->lest->most) : OWN_MOST_S;

	x->o->state = DUTY_ORDER_HOLDS;
	x->o->from = at;
	/* within `most`, at most 9999 days: hours and the rest fit */
	ASSERT(s <= most);
	x->o->until = duty_span_end(
		&utc, at, (struct treaty_span){.n = (uint32_t)(s / 3600), .unit = TREATY_HOURS});
	if (x->o->until.ns < INT64_MAX - 3600 * TIME_NS_PER_S)
		x->o->until.ns += (int64_t)(s % 3600) * TIME_NS_PER_S;
}

static void lift(struct duty_order *o, struct wall_ns at, const char *why)
{
	o->state = DUTY_ORDER_LIFTED;
	o->why = why;
	o->until = at;
}

/* All that happens to it by itself before t. */
static void advance(struct ordering *x, struct wall_ns t)
{
	struct duty_order *o = x->o;
	struct wall_ns done = x->c && !o->own ? complied(x->c) : (struct wall_ns){0};
	bool open = o->state == DUTY_ORDER_PROPOSED || o->state == DUTY_ORDER_HOLDS;
	struct wall_ns end = o->state == DUTY_ORDER_PROPOSED ? x->lapses : o->until;

	if (open && done.ns != 0 && done.ns < t.ns && done.ns <= end.ns)
		lift(o, done, "the duty was done");
	else if (open && end.ns < t.ns)
		o->state = o->state == DUTY_ORDER_PROPOSED ? DUTY_ORDER_LAPSED : DUTY_ORDER_EXPIRED;
}

static const char *vote(struct duty_walk *w, struct ordering *x, const struct duty_entry *e)
{
	size_t who = duty_party_find(w->s, e->party);

	if (x->o->state != DUTY_ORDER_PROPOSED)
		return "nothing was left to vote on";
	if (!duty_is_bound(w->s, x->c->treaty, e->party, x->e->at) ||
	    slice_equal(e->party, x->c->bearer))
		return "it has no vote in this";
	x->o->in_favour -= x->said[who];
	x->said[who] = e->u.in_favour;
	x->o->in_favour += x->said[who];
	if (duty_is_quorum(x->lest->quorum, x->o->in_favour, x->o->electors))
		hold(x, e->at);
	return NULL;
}

static const char *lift_said(struct ordering *x, const struct duty_entry *e)
{
	if (!slice_equal(e->party, x->e->party))
		return "only who made the order can lift it";
	if (x->o->state != DUTY_ORDER_PROPOSED && x->o->state != DUTY_ORDER_HOLDS)
		return "the order had ended by then";
	lift(x->o, e->at, "by who made it");
	return NULL;
}

static bool propose(struct duty_walk *w, struct ordering *x)
{
	static const struct duty_calendar utc = {0};

	find_leave(w, x);
	x->o->why = limit_of(x);
	if (x->o->why != NULL) {
		x->o->state = DUTY_ORDER_BARRED;
		return true;
	}
	x->o->why = "";
	if (x->o->own) {
		hold(x, x->e->at);
		return true;
	}
	x->said = ARENA_ARRAY(w->a, uint8_t, w->s->party_count + 1);
	if (x->said == NULL)
		return false;
	x->lapses = duty_span_end(&utc, x->e->at, x->lest->most);
	x->o->electors = duty_electors(w->s, x->c->treaty, x->e->at, x->c->bearer, SLICE(""));
	x->said[duty_party_find(w->s, x->e->party)] = 1;
	x->o->in_favour = 1;
	if (duty_is_quorum(x->lest->quorum, 1, x->o->electors))
		hold(x, x->e->at);
	return true;
}

/* From entry `at` of the stream, which made it, on. */
static bool run_order(struct duty_walk *w, size_t at, struct duty_order *o)
{
	struct ordering x = {.o = o, .e = duty_entry_at(w, at)};

	if (!propose(w, &x))
		return false;
	duty_fate_add(w->s, w->stream[at], *o->why ? o->why : NULL, false);
	for (size_t i = 0; i < w->count; i++) {
		const struct duty_entry *e = duty_entry_at(w, i);

		if ((e->word != DUTY_VOTE && e->word != DUTY_LIFT) ||
		    !slice_equal(e->order, x.e->order))
			continue;
		if (i < at) {
			duty_fate_add(w->s, w->stream[i], "there was no such order yet", false);
			continue;
		}
		advance(&x, e->at);
		duty_fate_add(w->s, w->stream[i],
			      e->word == DUTY_VOTE ? vote(w, &x, e) : lift_said(&x, e), false);
	}
	advance(&x, w->s->as_of);
	return true;
}

bool duty_orders_run(struct duty_walk *w)
{
	for (size_t i = 0; i < w->count; i++) {
		struct duty_order o = {.entry = w->stream[i], .of = DUTY_NONE, .why = ""};
		struct duty_state *s = w->s;

		if (duty_entry_at(w, i)->word != DUTY_ORDER)
			continue;
		if (!run_order(w, i, &o) ||
		    !ARENA_PUSH(w->a, s->orders, s->order_count, s->order_room, o))
			return false;
	}
	return true;
}
