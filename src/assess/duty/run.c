/* SPDX-License-Identifier: Apache-2.0
 *
 * From the ledger to cases: which duties a request starts, and the entries that each of them meets.
 *
 * A request starts a duty if the clause is about that kind of request, asks for a bearer of that
 * quality, and one of the two at least is bound. Then it is owed, or it is said why it is not. Law,
 * bonds and calendars are those of the moment of the request: what a party does later changes no
 * clock that runs.
 */
#include "assess/duty/duty_priv.h"

#include <stdlib.h>

enum {
	WORK_MAX = 50 * 1000 * 1000, /* cases times entries that meet them */
	ORDERS_MAX = 64,	     /* on one request */
};

struct name { /* of a request or an order, and its entry */
	struct slice id;
	uint32_t entry;
	uint32_t request; /* index */
};

struct runner {
	struct duty_state *s;
	struct arena *a;
	struct fail *why;
	struct name *requests, *orders; /* sorted by id, then by entry */
	size_t request_names, order_names, request_room, order_room;
	uint32_t *streams, *starts; /* entries by request; where each request's begin */
	struct treaty_lanes *room;
	uint64_t work;
};

/* ---- what became of an entry ---------------------------------------------------------------- */

void duty_fate_add(struct duty_state *s, size_t entry, const char *why, bool weak)
{
	struct duty_fate *f = &s->fates[entry];

	if (why == NULL)
		f->effects++;
	else if (*f->why == '\0' || !weak)
		f->why = why;
	if (f->effects != 0)
		f->why = "";
}

/* ---- names ---------------------------------------------------------------------------------- */

static int by_id(const void *a, const void *b)
{
	const struct name *x = a, *y = b;
	int c = slice_compare(x->id, y->id);

	return c != 0 ? c : (x->entry > y->entry) - (x->entry < y->entry);
}

static struct name *name_find(struct name *names, size_t count, struct slice id)
{
	size_t lo = 0, hi = count;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (slice_compare(names[mid].id, id) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < count && slice_equal(names[lo].id, id) ? &names[lo] : NULL;
}

static bool in_time(const struct duty_state *s, const struct duty_entry *e)
{
	return e->at.ns <= s->as_of.ns;
}

/* ---- which cases a request starts ----------------------------------------------------------- */

/* In which quality one must be asked to bear the duty. */
static bool has_quality(struct slice bearer, struct duty_names as)
{
	bool origin = duty_names_hold(as, SLICE("origin")),
	     transit = duty_names_hold(as, SLICE("transit"));

	if (slice_equal(bearer, SLICE("territory-state")))
		return origin || transit;
	if (slice_equal(bearer, SLICE("origin-state")))
		return origin;
	if (slice_equal(bearer, SLICE("transit-state")))
		return transit;
	if (slice_equal(bearer, SLICE("contact-point")))
		return duty_names_hold(as, SLICE("contact"));
	if (slice_equal(bearer, SLICE("service-provider")))
		return duty_names_hold(as, SLICE("provider"));
	return true;
}

static bool asker_is_bound(const struct duty_state *s, const struct duty_case *c,
			   const struct duty_entry *e)
{
	const struct treaty_duty *d = duty_of(s, c);

	return slice_equal(d->from, SLICE("anybody")) || slice_equal(d->from, SLICE("provider")) ||
	       treaty_author(s->treaties[c->treaty]).len != 0 ||
	       duty_is_bound(s, c->treaty, e->party, e->at);
}

static void not_owed(struct duty_case *c, struct slice why)
{
	c->outcome = DUTY_NOT_OWED;
	c->why = why;
}

/* Amendments and reservations of the two; false when memory is spent. */
static bool check_amendments(struct runner *r, const struct duty_entry *e, struct duty_case *c)
{
	const struct treaty *t = r->s->treaties[c->treaty];
	const struct treaty_law law = {e->party, c->bearer, e->at};
	struct slice who = treaty_clause_reserved(t, c->clause, &law);
	enum treaty_value v;

	if (who.len != 0) {
		not_owed(c, buf_text(r->a, "%.*s reserved the whole clause", SLICE_ARG(who)));
		c->reserved = who;
		return c->why.len != 0;
	}
	v = treaty_duty_amendments(t, c->clause, &law, &e->u.request.claims, r->room);
	c->undetermined = v == TREATY_UNDETERMINED;
	if (v == TREATY_FALSE) {
		not_owed(c, SLICE("what one of the two requires in addition does not hold"));
		c->reserved = c->bearer;
	}
	return true;
}

static bool check_owed(struct runner *r, const struct duty_entry *e, struct duty_case *c)
{
	const struct treaty *t = r->s->treaties[c->treaty];
	const struct treaty_duty *d = treaty_clause_duty(t, c->clause);
	int32_t least = d->has_standard ? treaty_standard_milli(t, d->standard) : 0;

	if (!treaty_in_force(t, e->at))
		not_owed(c, SLICE("the instrument was not in force"));
	else if (!asker_is_bound(r->s, c, e))
		not_owed(c, SLICE("who asked was not bound"));
	else if (!duty_is_bound(r->s, c->treaty, c->bearer, e->at))
		not_owed(c, SLICE("who was asked was not bound"));
	else if (!check_amendments(r, e, c))
		return false;
	if (c->outcome == DUTY_NOT_OWED || e->u.request.suspicion.lo >= least)
		return true;
	not_owed(c, buf_text(r->a,
			     "the suspicion behind it is 0.%03d at least, and the clause wants "
			     "0.%03d",
			     (int)e->u.request.suspicion.lo, (int)least));
	return c->why.len != 0;
}

static bool add_case(struct runner *r, struct duty_request *q, struct duty_case c)
{
	const struct duty_entry *e = &r->s->ledger->entries[q->entry];

	if (!check_owed(r, e, &c))
		return false;
	c.started = c.ended = e->at;
	q->case_count++;
	q->owed += c.outcome != DUTY_NOT_OWED;
	return ARENA_PUSH(r->a, r->s->cases, r->s->case_count, r->s->case_room, c);
}

/* One clause on one request: a case for whoever is asked. */
static bool add_clause(struct runner *r, struct duty_request *q, size_t treaty, size_t clause)
{
	struct duty_state *s = r->s;
	const struct duty_entry *e = &s->ledger->entries[q->entry];
	const struct duty_request_said *said = &e->u.request;
	struct duty_case c = {.request = (size_t)(q - s->requests),
			      .treaty = treaty,
			      .clause = clause,
			      .bearer = said->to,
			      .motion = DUTY_NONE};

	if (!slice_equal(said->to, SLICE("all"))) {
		struct slice author = treaty_author(s->treaties[treaty]);

		if (author.len != 0 && !slice_equal(author, c.bearer))
			return true; /* nobody else's assurance */
		if (said->under.count == 0 && !duty_is_bound(s, treaty, c.bearer, e->at) &&
		    !duty_is_bound(s, treaty, e->party, e->at))
			return true; /* it is nothing to either of them */
		return add_case(r, q, c);
	}
	for (size_t i = 0; i < s->party_count; i++) {
		c.bearer = s->parties[i];
		if (!slice_equal(c.bearer, e->party) && duty_is_bound(s, treaty, c.bearer, e->at) &&
		    !add_case(r, q, c))
			return false;
	}
	return true;
}

/* Whether the request is put to a vote under that clause; then the vote, once for all bearers. */
static bool add_motion(struct runner *r, struct duty_request *q, size_t from)
{
	struct duty_state *s = r->s;
	struct duty_motion m = {.request = (size_t)(q - s->requests)};
	ptrdiff_t index = DUTY_NONE;

	for (size_t i = from; i < s->case_count; i++) {
		struct duty_case *c = &s->cases[i];

		if (c->outcome == DUTY_NOT_OWED || duty_of(s, c)->decide.share.of == 0)
			continue;
		if (index == DUTY_NONE) {
			m.treaty = c->treaty;
			m.clause = c->clause;
			if (!ARENA_PUSH(r->a, s->motions, s->motion_count, s->motion_room, m))
				return false;
			index = (ptrdiff_t)s->motion_count - 1;
			r->work += s->party_count;
		}
		c->motion = index;
	}
	return true;
}

static enum status start_cases(struct runner *r, struct duty_request *q)
{
	struct duty_state *s = r->s;
	const struct duty_request_said *said = &s->ledger->entries[q->entry].u.request;

	q->first_case = s->case_count;
	for (size_t t = 0; t < s->treaty_count; t++)
		for (size_t k = 0; k < treaty_clause_count(s->treaties[t]); k++) {
			const struct treaty_duty *d = treaty_clause_duty(s->treaties[t], k);
			size_t from = s->case_count;

			if (d == NULL || !slice_equal(d->kind, said->kind) ||
			    !has_quality(d->bearer, said->as) ||
			    (said->under.count != 0 &&
			     !duty_names_hold(said->under, treaty_clause_id(s->treaties[t], k))))
				continue;
			if (!add_clause(r, q, t, k) || !add_motion(r, q, from))
				return fail_set(r->why, ST_NOMEM, "duties: no memory");
			if (s->case_count > DUTY_CASES_MAX)
				return fail_set(r->why, ST_LIMIT,
						"duties: the requests start more than %d cases",
						DUTY_CASES_MAX);
		}
	q->outside = q->owed == 0;
	duty_fate_add(s, q->entry, q->owed ? NULL : "no duty that binds both sides is about it",
		      false);
	return ST_OK;
}

/* ---- requests, and the entries about them --------------------------------------------------- */

static bool add_name(struct runner *r, bool order, struct slice id, size_t entry)
{
	struct name n = {.id = id, .entry = (uint32_t)entry}; /* at most DUTY_ENTRIES_MAX */

	return order ? ARENA_PUSH(r->a, r->orders, r->order_names, r->order_room, n)
		     : ARENA_PUSH(r->a, r->requests, r->request_names, r->request_room, n);
}

/* Of those of one name, the first. */
static size_t keep_first(struct duty_state *s, struct name *names, size_t count, const char *why)
{
	size_t n = 0;

	if (count != 0)
		qsort(names, count, sizeof *names, by_id);
	for (size_t i = 0; i < count; i++)
		if (n == 0 || !slice_equal(names[n - 1].id, names[i].id))
			names[n++] = names[i];
		else
			duty_fate_add(s, names[i].entry, why, false);
	return n;
}

static bool is_first(struct name *names, size_t count, struct slice id, size_t entry)
{
	const struct name *n = name_find(names, count, id);

	return n != NULL && n->entry == entry;
}

static enum status find_names(struct runner *r)
{
	struct duty_state *s = r->s;
	bool ok = true;

	for (size_t i = 0; i < s->ledger->count && ok; i++) {
		const struct duty_entry *e = &s->ledger->entries[i];

		if (!in_time(s, e))
			duty_fate_add(s, i, "it is later than the time looked from", false);
		else if (e->word == DUTY_REQUEST)
			ok = add_name(r, false, e->request, i);
		else if (e->word == DUTY_ORDER)
			ok = add_name(r, true, e->order, i);
		else if (e->word == DUTY_ASSERT)
			duty_fate_add(s, i, NULL, false);
		else if (e->word == DUTY_CALENDAR) {
			duty_fate_add(s, i, NULL, false);
			ok = ARENA_PUSH(r->a, s->calendars, s->calendar_count, s->calendar_room,
					(uint32_t)i);
		}
	}
	if (!ok)
		return fail_set(r->why, ST_NOMEM, "duties: no memory");
	r->request_names = keep_first(s, r->requests, r->request_names,
				      "a request of that name was made before");
	r->order_names =
		keep_first(s, r->orders, r->order_names, "an order of that name was made before");
	return ST_OK;
}

static enum status make_requests(struct runner *r)
{
	struct duty_state *s = r->s;

	for (size_t i = 0; i < s->ledger->count; i++) {
		const struct duty_entry *e = &s->ledger->entries[i];
		struct duty_request q = {.entry = i, .after = DUTY_NONE};
		struct name *n;

		if (e->word != DUTY_REQUEST || !in_time(s, e))
			continue;
		n = name_find(r->requests, r->request_names, e->request);
		if (n == NULL || n->entry != i)
			continue;			 /* said before */
		n->request = (uint32_t)s->request_count; /* below DUTY_ENTRIES_MAX */
		if (!ARENA_PUSH(r->a, s->requests, s->request_count, s->request_room, q))
			return fail_set(r->why, ST_NOMEM, "duties: no memory");
	}
	return ST_OK;
}

/* A request goes on from one that stands before it, so there is no circle. */
static void link_pursuits(struct runner *r)
{
	struct duty_state *s = r->s;

	for (size_t i = 0; i < s->request_count; i++) {
		struct slice after = s->ledger->entries[s->requests[i].entry].u.request.after;
		const struct name *n =
			after.len ? name_find(r->requests, r->request_names, after) : NULL;

		if (n != NULL && n->entry < s->requests[i].entry)
			s->requests[i].after = n->request;
	}
}

/* The request that an entry is about, or SIZE_MAX after saying why there is none. */
static size_t request_of(struct runner *r, size_t entry)
{
	struct duty_state *s = r->s;
	const struct duty_entry *e = &s->ledger->entries[entry];
	struct slice id = e->request;
	const struct name *n;

	if (!in_time(s, e) || e->word < DUTY_REQUEST)
		return SIZE_MAX;
	if (e->word == DUTY_REQUEST && !is_first(r->requests, r->request_names, id, entry))
		return SIZE_MAX; /* said before */
	if (e->order.len != 0) {
		n = name_find(r->orders, r->order_names, e->order);
		if (n == NULL) {
			duty_fate_add(s, entry, "there is no such order", false);
			return SIZE_MAX;
		}
		if (e->word == DUTY_ORDER && n->entry != entry)
			return SIZE_MAX; /* said before */
		id = s->ledger->entries[n->entry].request;
	}
	n = name_find(r->requests, r->request_names, id);
	if (n == NULL) {
		duty_fate_add(s, entry, "there is no such request", false);
		return SIZE_MAX;
	}
	if (e->at.ns < s->ledger->entries[n->entry].at.ns) {
		duty_fate_add(s, entry, "there was no such request yet", false);
		return SIZE_MAX;
	}
	return n->request;
}

/* Entries by request, each in its order: counted, summed, put in place. */
static enum status make_streams(struct runner *r)
{
	struct duty_state *s = r->s;
	uint32_t *of = ARENA_ARRAY(r->a, uint32_t, s->ledger->count + 1);
	uint32_t *orders = ARENA_ARRAY(r->a, uint32_t, s->request_count + 1);

	r->starts = ARENA_ARRAY(r->a, uint32_t, s->request_count + 2);
	r->streams = ARENA_ARRAY(r->a, uint32_t, s->ledger->count + 1);
	if (of == NULL || orders == NULL || r->starts == NULL || r->streams == NULL)
		return fail_set(r->why, ST_NOMEM, "duties: no memory");
	for (size_t i = 0; i < s->ledger->count; i++) {
		size_t q = request_of(r, i);

		if (q != SIZE_MAX && s->ledger->entries[i].word == DUTY_ORDER &&
		    ++orders[q] > ORDERS_MAX) {
			duty_fate_add(s, i, "64 orders rest on this request already", false);
			q = SIZE_MAX;
		}
		of[i] = q == SIZE_MAX ? UINT32_MAX : (uint32_t)q; /* below DUTY_ENTRIES_MAX */
		if (q != SIZE_MAX)
			r->starts[q + 2]++;
	}
	for (size_t q = 2; q < s->request_count + 2; q++)
		r->starts[q] += r->starts[q - 1];
	for (size_t i = 0; i < s->ledger->count; i++)
		if (of[i] != UINT32_MAX)
			r->streams[r->starts[of[i] + 1]++] = (uint32_t)i;
	return ST_OK;
}

/* ---- all of it ------------------------------------------------------------------------------ */

static enum status run_request(struct runner *r, size_t q)
{
	struct duty_state *s = r->s;
	struct duty_request *request = &s->requests[q];
	struct duty_walk w = {.s = s,
			      .request = request,
			      .stream = r->streams + r->starts[q],
			      .count = r->starts[q + 1] - r->starts[q],
			      .a = r->a,
			      .room = r->room};
	size_t motion = s->motion_count;
	enum status st = start_cases(r, request);
	bool ok = true;

	if (st != ST_OK)
		return st;
	r->work += (uint64_t)(request->case_count + 1) * (w.count + s->calendar_count);
	if (r->work > WORK_MAX)
		return fail_set(r->why, ST_LIMIT,
				"duties: more than %d pairs of an entry and a case that it meets",
				WORK_MAX);
	for (; motion < s->motion_count && ok; motion++)
		ok = duty_motion_run(&w, &s->motions[motion]);
	for (size_t i = 0; i < request->case_count && ok; i++)
		if (s->cases[request->first_case + i].outcome != DUTY_NOT_OWED)
			ok = duty_case_run(&w, &s->cases[request->first_case + i]);
	ok = ok && duty_orders_run(&w);
	for (size_t i = 0; i < w.count && ok; i++) {
		const struct duty_fate *f = &s->fates[w.stream[i]];

		if (f->effects == 0 && *f->why == '\0')
			duty_fate_add(s, w.stream[i], "the request starts no duty", false);
	}
	return ok ? ST_OK : fail_set(r->why, ST_NOMEM, "duties: no memory");
}

static enum status prepare(struct runner *r)
{
	struct duty_state *s = r->s;
	size_t terms = 0;
	enum status st;

	for (size_t t = 0; t < s->treaty_count; t++)
		if (treaty_term_count(s->treaties[t]) > terms)
			terms = treaty_term_count(s->treaties[t]);
	r->room = ARENA_ARRAY(r->a, struct treaty_lanes, terms + 1);
	s->fates = ARENA_ARRAY(r->a, struct duty_fate, s->ledger->count + 1);
	if (r->room == NULL || s->fates == NULL)
		return fail_set(r->why, ST_NOMEM, "duties: no memory");
	for (size_t i = 0; i < s->ledger->count; i++)
		s->fates[i].why = "";
	st = duty_parties_find(s, r->a, r->why);
	if (st == ST_OK)
		st = find_names(r);
	if (st == ST_OK)
		st = duty_bonds_find(s, r->a, r->why);
	if (st == ST_OK)
		st = make_requests(r);
	if (st == ST_OK)
		st = make_streams(r);
	return st;
}

enum status duty_run(const struct duty_ledger *l, const struct treaty *const *treaties,
		     size_t treaty_count, struct wall_ns as_of, struct arena *a,
		     struct duty_state **out, struct fail *why)
{
	struct duty_state *s = ARENA_NEW(a, struct duty_state);
	struct runner r = {.s = s, .a = a, .why = why};
	enum status st;

	if (s == NULL)
		return fail_set(why, ST_NOMEM, "duties: no memory");
	*s = (struct duty_state){
		.ledger = l, .treaties = treaties, .treaty_count = treaty_count, .as_of = as_of};
	st = prepare(&r);
	if (st != ST_OK)
		return st;
	link_pursuits(&r);
	for (size_t q = 0; q < s->request_count; q++) {
		st = run_request(&r, q);
		if (st != ST_OK)
			return st;
	}
	if (a->exhausted)
		return fail_set(why, ST_NOMEM, "duties: no memory");
	*out = s;
	return ST_OK;
}

const struct treaty_duty *duty_of(const struct duty_state *s, const struct duty_case *c)
{
	return treaty_clause_duty(s->treaties[c->treaty], c->clause);
}

const struct duty_entry *duty_asked(const struct duty_state *s, const struct duty_case *c)
{
	return &s->ledger->entries[s->requests[c->request].entry];
}

size_t duty_request_find(const struct duty_state *s, struct slice id)
{
	for (size_t i = 0; i < s->request_count; i++)
		if (slice_equal(s->ledger->entries[s->requests[i].entry].request, id))
			return i;
	return SIZE_MAX;
}
