/* SPDX-License-Identifier: Apache-2.0
 *
 * Events into incidents, by a counting rule; what follows is "actor-target-30m", the others differ
 * in the gap and in that events on all target networks are one run (their network is then none).
 *
 *   1. Events are sorted by target network, actor, time, leaf. A run is what has one target
 *      network and one actor, with no gap longer than 30 minutes between neighbours.
 *   2. A run without a single event that starts an incident is none: its events are noted.
 *   3. A run whose actor no record shows (a name was looked up) becomes part of the first other
 *      incident of the same target network that it touches within 30 minutes; else it stands alone.
 *   4. Incidents are numbered by first event. Nothing depends on the order in which facts come.
 */
#include <stdlib.h>

#include "assess/incident/incident_priv.h"

const struct incident_rule incident_rules[] = {
	{"actor-target-30m",
	 "One machine against one protected network, with no more than 30 minutes between events.",
	 30 * 60 * TIME_NS_PER_S, false},
	{"event", "Each hostile event by itself: what a count of alerts counts.", -1, false},
	{"actor-24h",
	 "One machine against any of the protected networks, with no more than 24 hours between "
	 "events.",
	 24 * 3600 * TIME_NS_PER_S, true},
	{0},
};

const struct incident_rule *incident_rule_find(struct slice name)
{
	for (const struct incident_rule *r = incident_rules; r->name != NULL; r++)
		if (slice_equal(name, slice_of(r->name)))
			return r;
	return NULL;
}

struct event {
	struct incident_event is;
	struct addr_prefix net; /* of the target */
	const struct fact *fact;
};

#define NO_RUN SIZE_MAX

struct run {
	size_t from, to; /* events [from, to) in sorted order */
	size_t size;	 /* its own and those of the runs that joined it */
	size_t members;	 /* the last run that joined it, or NO_RUN */
	size_t next;	 /* of the runs that joined the same one, or NO_RUN */
	bool starts, joined;
};

struct grouping {
	struct event *events;
	size_t event_count, event_room;
	struct run *runs;
	size_t run_count, run_room;
	const struct party *parties;
	size_t party_count;
	const struct incident_rule *rule;
	struct arena *arena;
};

static int64_t at_of(const struct event *e)
{
	return e->fact->record->at.ns;
}

static int group_compare(const struct event *a, const struct event *b)
{
	int c = addr_compare(&a->net.addr, &b->net.addr);

	if (c == 0 && a->net.bits != b->net.bits)
		c = a->net.bits < b->net.bits ? -1 : 1;
	return c != 0 ? c : addr_compare(&a->is.actor, &b->is.actor);
}

static bool same_net(const struct event *a, const struct event *b)
{
	return a->net.bits == b->net.bits && addr_equal(&a->net.addr, &b->net.addr);
}

static int time_compare(const void *pa, const void *pb)
{
	const struct event *a = pa, *b = pb;

	if (at_of(a) != at_of(b))
		return at_of(a) < at_of(b) ? -1 : 1;
	return a->fact->leaf < b->fact->leaf ? -1 : a->fact->leaf > b->fact->leaf;
}

static int event_compare(const void *pa, const void *pb)
{
	int c = group_compare(pa, pb);

	return c != 0 ? c : time_compare(pa, pb);
}

/* True if the two runs come within the rule's gap of each other. */
static bool touch(const struct grouping *g, const struct run *a, const struct run *b)
{
	const struct event *e = g->events;

	return at_of(&e[a->from]) - g->rule->gap_ns <= at_of(&e[b->to - 1]) &&
	       at_of(&e[b->from]) - g->rule->gap_ns <= at_of(&e[a->to - 1]);
}

static bool make_runs(struct grouping *g)
{
	for (size_t i = 0; i < g->event_count;) {
		struct run r = {.from = i, .members = NO_RUN, .next = NO_RUN};

		do {
			r.starts = r.starts || g->events[i].is.weight == INCIDENT_STARTS;
			i++;
		} while (i < g->event_count &&
			 group_compare(&g->events[i - 1], &g->events[i]) == 0 &&
			 at_of(&g->events[i]) - at_of(&g->events[i - 1]) <= g->rule->gap_ns);
		r.to = i;
		r.size = r.to - r.from;
		if (!ARENA_PUSH(g->arena, g->runs, g->run_count, g->run_room, r))
			return false;
	}
	return true;
}

/* Runs of one target network are neighbours, those without an actor first (family 0). */
static void join_lookups(struct grouping *g)
{
	for (size_t i = 0; i < g->run_count && g->rule->gap_ns >= 0; i++) {
		const struct event *e = &g->events[g->runs[i].from];

		if (e->is.actor.family != 0)
			continue;
		for (size_t k = i + 1; k < g->run_count && same_net(e, &g->events[g->runs[k].from]);
		     k++) {
			struct run *other = &g->runs[k];

			if (g->events[other->from].is.actor.family == 0 || !other->starts ||
			    !touch(g, &g->runs[i], other))
				continue;
			g->runs[i].joined = true;
			g->runs[i].next = other->members;
			other->members = i;
			other->size += g->runs[i].size;
			break;
		}
	}
}

static void note_station(struct incident *i, const struct event *e, struct slice *room)
{
	struct slice name = e->fact->record->station;
	size_t at = 0;

	while (at < i->station_count && slice_compare(i->stations[at], name) < 0)
		at++;
	if (at < i->station_count && slice_equal(i->stations[at], name))
		return;
	i->stations = room;
	memmove(room + at + 1, room + at, (i->station_count - at) * sizeof *room);
	room[at] = name;
	i->station_count++;
}

static uint64_t severity(const struct event *e)
{
	return e->fact->record->kind == RECORD_ALERT && e->fact->record->u.alert.severity != 0
		       ? e->fact->record->u.alert.severity
		       : UINT64_MAX;
}

static int stage(enum incident_act act)
{
	return act == INCIDENT_POLICY ? INCIDENT_OTHER : (int)act;
}

/* Is a the graver event? Later stage, then severity, then time. */
static bool graver(const struct event *a, const struct event *b)
{
	if (stage(a->is.act) != stage(b->is.act))
		return stage(a->is.act) > stage(b->is.act);
	if (severity(a) != severity(b))
		return severity(a) < severity(b);
	return time_compare(a, b) < 0;
}

static struct slice headline(const struct event *e)
{
	const struct record *r = e->fact->record;

	if (r->kind == RECORD_ALERT)
		return r->u.alert.signature;
	return r->u.anomaly.summary.len ? r->u.anomaly.summary : r->u.anomaly.event;
}

static int target_compare(const void *pa, const void *pb)
{
	return addr_compare(&(*(const struct event *const *)pa)->is.target,
			    &(*(const struct event *const *)pb)->is.target);
}

/* The machine with most events, of equals the smallest address. */
static bool busiest(struct grouping *g, const struct event *e, size_t n, struct addr *out)
{
	const struct event **order = ARENA_ARRAY(g->arena, const struct event *, n);
	size_t most = 0;

	if (order == NULL)
		return false;
	for (size_t i = 0; i < n; i++)
		order[i] = &e[i];
	qsort(order, n, sizeof *order, target_compare);
	for (size_t i = 0; i < n;) {
		size_t k = i;

		while (k < n && addr_equal(&order[k]->is.target, &order[i]->is.target))
			k++;
		if (k - i > most) {
			most = k - i;
			*out = order[i]->is.target;
		}
		i = k;
	}
	return true;
}

/* Tells the story of n events in time order. */
static bool fill(struct grouping *g, const struct event *e, size_t n, struct incident *out)
{
	struct slice *stations = ARENA_ARRAY(g->arena, struct slice, n);
	const struct event *gravest = &e[0];
	const struct party *party;

	out->steps = ARENA_ARRAY(g->arena, struct incident_step, n);
	if (stations == NULL || out->steps == NULL || !busiest(g, e, n, &out->target))
		return false;
	for (size_t i = 0; i < n; i++) {
		out->steps[i] =
			(struct incident_step){e[i].fact->leaf, e[i].is.act, e[i].fact->record->at};
		out->per_act[e[i].is.act]++;
		if (e[i].is.actor.family != 0)
			out->actor = e[i].is.actor;
		if (graver(&e[i], gravest))
			gravest = &e[i];
		note_station(out, &e[i], stations);
	}
	out->step_count = n;
	out->first = e[0].fact->record->at;
	out->last = e[n - 1].fact->record->at;
	out->gravest = gravest->is.act;
	out->title = headline(gravest);
	for (size_t i = 0; i < n && out->family.len == 0; i++)
		if (e[i].fact->record->kind == RECORD_ALERT)
			out->family =
				incident_meta(&e[i].fact->record->u.alert, SLICE("malware_family"));
	party = party_of_addr(g->parties, g->party_count, &out->target);
	out->target_party = party ? party->id : (struct slice){NULL, 0};
	return true;
}

static int incident_compare(const void *pa, const void *pb)
{
	const struct incident *a = pa, *b = pb;

	if (a->first.ns != b->first.ns)
		return a->first.ns < b->first.ns ? -1 : 1;
	return a->steps[0].leaf < b->steps[0].leaf ? -1 : 1; /* a leaf is in one incident */
}

/* The events of a run and of those that joined it, by time; NULL if the budget is spent. */
static struct event *collect(struct grouping *g, const struct run *run)
{
	struct event *e = ARENA_ARRAY(g->arena, struct event, run->size);
	size_t n = 0;

	if (e == NULL)
		return NULL;
	for (const struct run *r = run; r != NULL;) {
		size_t next = r == run ? r->members : r->next;

		memcpy(e + n, g->events + r->from, (r->to - r->from) * sizeof *e);
		n += r->to - r->from;
		r = next == NO_RUN ? NULL : &g->runs[next];
	}
	qsort(e, n, sizeof *e, time_compare);
	return e;
}

static bool make_incidents(struct grouping *g, struct incident_set *out)
{
	size_t room = 0;

	for (size_t k = 0; k < g->run_count; k++) {
		const struct run *run = &g->runs[k];
		struct incident i = {0};
		struct event *e;

		if (run->joined)
			continue;
		if (!run->starts) {
			out->noted += run->size;
			continue;
		}
		e = collect(g, run);
		if (e == NULL || !fill(g, e, run->size, &i) ||
		    !ARENA_PUSH(g->arena, out->incidents, out->count, room, i))
			return false;
		out->events += run->size;
	}
	if (out->count > 1)
		qsort(out->incidents, out->count, sizeof *out->incidents, incident_compare);
	for (size_t k = 0; k < out->count; k++)
		out->incidents[k].number = (uint32_t)k + 1;
	return true;
}

enum status incident_group(const struct fact_set *facts, const struct party *parties,
			   size_t party_count, struct arena *a, struct incident_set *out,
			   struct fail *why)
{
	return incident_group_by(facts, parties, party_count, &incident_rules[0], a, out, why);
}

enum status incident_group_by(const struct fact_set *facts, const struct party *parties,
			      size_t party_count, const struct incident_rule *rule, struct arena *a,
			      struct incident_set *out, struct fail *why)
{
	struct grouping g = {
		.parties = parties, .party_count = party_count, .rule = rule, .arena = a};
	struct incident_set set = {.rule = slice_of(rule->name)};

	for (size_t i = 0; i < facts->count; i++) {
		struct event e = {.fact = &facts->facts[i]};

		if (!incident_classify(e.fact->record, parties, party_count, &e.is))
			continue;
		if (e.is.weight == INCIDENT_NOTED) {
			set.noted++;
			continue;
		}
		if (!rule->across_targets || e.is.actor.family == 0)
			e.net = incident_target_net(&e.is.target, parties, party_count);
		if (!ARENA_PUSH(a, g.events, g.event_count, g.event_room, e))
			goto nomem;
	}
	if (g.event_count > 1)
		qsort(g.events, g.event_count, sizeof *g.events, event_compare);
	if (!make_runs(&g))
		goto nomem;
	join_lookups(&g);
	if (!make_incidents(&g, &set))
		goto nomem;
	*out = set;
	return ST_OK;
nomem:
	return fail_set(why, ST_NOMEM, "counting incidents: the memory budget is spent");
}
