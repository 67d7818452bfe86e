/* SPDX-License-Identifier: Apache-2.0
 *
 * What of all facts an assessment needs, and nothing more: what is selected is what will be
 * disclosed.
 */
#include <stdlib.h>

#include "assess/incident/incident_priv.h"

enum { DEPTH_MAX = 8 }; /* hops backwards: as many as a chain has */
static const int64_t margin_ns = 30 * 60 * TIME_NS_PER_S; /* around an incident */

struct machine {
	struct addr addr;
	struct wall_ns first, last; /* of the incident it may have a part in */
	uint32_t inflows;
};

struct pair { /* the two ends of an incident, the smaller address first */
	struct addr a, b;
	const struct incident *incident;
};

struct addr_set { /* sorted, each once */
	struct addr *list;
	size_t count;
};

struct selection {
	const struct fact_set *all;
	const struct incident_set *incidents;
	bool *taken;	    /* for each fact */
	struct pair *pairs; /* sorted; as many as incidents */
	struct addr_set actors, targets;
	struct machine machines[INCIDENT_MACHINES_MAX];
	size_t machine_count;
};

static int addr_order(const void *a, const void *b)
{
	return addr_compare(a, b);
}

/* The actors, or else the targets. */
static bool addr_set_make(const struct incident_set *s, bool actors, struct arena *a,
			  struct addr_set *out)
{
	size_t n = 0;

	out->list = ARENA_ARRAY(a, struct addr, s->count);
	if (out->list == NULL)
		return false;
	for (size_t i = 0; i < s->count; i++)
		out->list[i] = actors ? s->incidents[i].actor : s->incidents[i].target;
	if (s->count > 1)
		qsort(out->list, s->count, sizeof *out->list, addr_order);
	for (size_t i = 0; i < s->count; i++)
		if (n == 0 || !addr_equal(&out->list[n - 1], &out->list[i]))
			out->list[n++] = out->list[i];
	out->count = n;
	return true;
}

static bool addr_set_has(const struct addr_set *s, const struct addr *a)
{
	return s->count != 0 && bsearch(a, s->list, s->count, sizeof *s->list, addr_order) != NULL;
}

struct flow_key { /* a flow as one station saw it */
	uint64_t id;
	struct slice station;
};

static int flow_key_compare(const void *pa, const void *pb)
{
	const struct flow_key *a = pa, *b = pb;

	if (a->id != b->id)
		return a->id < b->id ? -1 : 1;
	return slice_compare(a->station, b->station);
}

/* The field names of docs/formats/eve.md; a group of "*" stands for all fields of that kind. */
static const struct need {
	uint32_t kinds; /* bit k: of enum record_kind k */
	const char *group, *name;
} needs[] = {
#define ANY UINT32_MAX
#define ALERT 1u << RECORD_ALERT
#define ANOMALY 1u << RECORD_ANOMALY
#define FLOW 1u << RECORD_FLOW
	{ANY, "", "timestamp"},
	{ANY, "", "event_type"},
	{ANY, "", "party"},
	{ANY, "", "station"},
	{ALERT | ANOMALY | FLOW, "", "flow_id"},
	{ALERT | ANOMALY | FLOW, "", "src_ip"},
	{ALERT | ANOMALY | FLOW, "", "dest_ip"},
	{ALERT | ANOMALY | FLOW, "", "dest_port"},
	{ALERT | ANOMALY | FLOW, "", "proto"},
	{ALERT, "", "app_proto"},
	{ALERT, "", "direction"},
	{ANOMALY | FLOW, "", "source"},
	{ALERT, "alert", "gid"},
	{ALERT, "alert", "signature_id"},
	{ALERT, "alert", "rev"},
	{ALERT, "alert", "signature"},
	{ALERT, "alert", "classtype"},
	{ALERT, "alert", "severity"},
	{ALERT, "alert", "metadata"},
	{ANOMALY, "anomaly", "type"},
	{ANOMALY, "anomaly", "event"},
	{ANOMALY, "anomaly", "summary"},
	{ANOMALY, "anomaly", "score_milli"},
	{ANOMALY, "anomaly", "observations"},
	{FLOW, "flow", "start"},
	{FLOW, "flow", "end"},
	{FLOW, "flow", "bins_toserver"},
	{FLOW, "flow", "bins_toclient"},
	{1u << RECORD_LOCATION, "location", NULL},
	{1u << RECORD_INPUT, "input", NULL},
#undef ANY
#undef ALERT
#undef ANOMALY
#undef FLOW
};

bool incident_needs_field(enum record_kind kind, struct slice group, struct slice name)
{
	for (size_t i = 0; i < sizeof needs / sizeof needs[0]; i++)
		if ((needs[i].kinds >> kind & 1) != 0 &&
		    slice_equal(group, slice_of(needs[i].group)) &&
		    (needs[i].name == NULL || slice_equal(name, slice_of(needs[i].name))))
			return true;
	return false;
}

static struct machine *machine_find(struct selection *s, const struct addr *a)
{
	for (size_t i = 0; i < s->machine_count; i++)
		if (addr_equal(&s->machines[i].addr, a))
			return &s->machines[i];
	return NULL;
}

static void machine_add(struct selection *s, const struct addr *a, struct wall_ns first,
			struct wall_ns last)
{
	struct machine *m = machine_find(s, a);

	if (a->family == 0 || (m == NULL && s->machine_count == INCIDENT_MACHINES_MAX))
		return;
	if (m == NULL) {
		s->machines[s->machine_count++] = (struct machine){*a, first, last, 0};
		return;
	}
	m->first.ns = first.ns < m->first.ns ? first.ns : m->first.ns;
	m->last.ns = last.ns > m->last.ns ? last.ns : m->last.ns;
}

/* The flow was alive near [first, last]. */
static bool near(const struct record_flow *f, struct wall_ns first, struct wall_ns last)
{
	return f->start.ns - margin_ns <= last.ns && f->end.ns + margin_ns >= first.ns;
}

/* The events, and the flows that they belong to. */
static bool take_events(struct selection *s, struct arena *a)
{
	struct flow_key *keys;
	size_t n = 0, steps = 0;

	for (size_t i = 0; i < s->incidents->count; i++)
		steps += s->incidents->incidents[i].step_count;
	keys = ARENA_ARRAY(a, struct flow_key, steps);
	if (keys == NULL)
		return false;
	for (size_t i = 0; i < s->incidents->count; i++) {
		const struct incident *in = &s->incidents->incidents[i];

		for (size_t k = 0; k < in->step_count; k++) {
			const struct fact *f = incident_fact(s->all, in->steps[k].leaf);

			if (f == NULL)
				continue;
			s->taken[f - s->all->facts] = true;
			if (f->record->flow_id != 0)
				keys[n++] =
					(struct flow_key){f->record->flow_id, f->record->station};
		}
	}
	if (n > 1)
		qsort(keys, n, sizeof *keys, flow_key_compare);
	for (size_t i = 0; i < s->all->count && n != 0; i++) {
		const struct record *r = s->all->facts[i].record;
		struct flow_key key = {r->flow_id, r->station};

		if (r->kind == RECORD_FLOW && r->flow_id != 0 &&
		    bsearch(&key, keys, n, sizeof key, flow_key_compare) != NULL)
			s->taken[i] = true;
	}
	return true;
}

static int pair_compare(const void *pa, const void *pb)
{
	const struct pair *x = pa, *y = pb;
	int c = addr_compare(&x->a, &y->a);

	return c != 0 ? c : addr_compare(&x->b, &y->b);
}

static struct pair pair_of(const struct addr *x, const struct addr *y)
{
	return addr_compare(x, y) <= 0 ? (struct pair){.a = *x, .b = *y}
				       : (struct pair){.a = *y, .b = *x};
}

/* Flows between an actor and its target, alerted or not: what went out of the actor. */
static bool take_between(struct selection *s, struct arena *a)
{
	size_t n = s->incidents->count;

	s->pairs = ARENA_ARRAY(a, struct pair, n);
	if (s->pairs == NULL)
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct incident *in = &s->incidents->incidents[i];

		s->pairs[i] = pair_of(&in->actor, &in->target);
		s->pairs[i].incident = in;
	}
	if (n > 1)
		qsort(s->pairs, n, sizeof *s->pairs, pair_compare);
	for (size_t i = 0; i < s->all->count && n != 0; i++) {
		const struct record *r = s->all->facts[i].record;
		struct pair key;
		size_t low = 0, high = n;

		if (r->kind != RECORD_FLOW || s->taken[i])
			continue;
		key = pair_of(&r->src, &r->dst);
		while (low < high) { /* the first pair that is not smaller */
			size_t mid = low + (high - low) / 2;

			if (pair_compare(&s->pairs[mid], &key) < 0)
				low = mid + 1;
			else
				high = mid;
		}
		for (; low < n && pair_compare(&s->pairs[low], &key) == 0 && !s->taken[i]; low++)
			s->taken[i] = near(&r->u.flow, s->pairs[low].incident->first,
					   s->pairs[low].incident->last);
	}
	return true;
}

/* Flows into the machines so far from elsewhere; their sources are the next machines. */
static void take_inflows(struct selection *s)
{
	size_t from = 0;

	for (size_t i = 0; i < s->incidents->count; i++) {
		const struct incident *in = &s->incidents->incidents[i];

		machine_add(s, &in->actor, in->first, in->last);
	}
	for (int depth = 0; depth < DEPTH_MAX && from < s->machine_count; depth++) {
		size_t to = s->machine_count;

		for (size_t i = 0; i < s->all->count; i++) {
			const struct record *r = s->all->facts[i].record;
			struct machine *m;

			if (r->kind != RECORD_FLOW || addr_set_has(&s->targets, &r->src))
				continue;
			m = machine_find(s, &r->dst);
			if (m == NULL || m < s->machines + from || m >= s->machines + to ||
			    !near(&r->u.flow, m->first, m->last) ||
			    m->inflows >= INCIDENT_INFLOWS_MAX)
				continue;
			m->inflows++;
			s->taken[i] = true;
			machine_add(s, &r->src, m->first, m->last);
		}
		from = to;
	}
}

enum status incident_select(const struct fact_set *all, const struct incident_set *incidents,
			    struct arena *a, struct fact_set *out, struct fail *why)
{
	struct selection *s = ARENA_NEW(a, struct selection);
	struct fact *facts;
	size_t n = 0;

	if (s == NULL)
		goto nomem;
	s->all = all;
	s->incidents = incidents;
	s->taken = ARENA_ARRAY(a, bool, all->count);
	if (s->taken == NULL || !addr_set_make(incidents, true, a, &s->actors) ||
	    !addr_set_make(incidents, false, a, &s->targets) || !take_events(s, a) ||
	    !take_between(s, a))
		goto nomem;
	take_inflows(s);
	for (size_t i = 0; i < all->count; i++) {
		const struct record *r = all->facts[i].record;

		if (r->kind == RECORD_INPUT || (r->kind == RECORD_LOCATION &&
						(addr_set_has(&s->actors, &r->u.location.address) ||
						 machine_find(s, &r->u.location.address) != NULL)))
			s->taken[i] = true;
		n += s->taken[i];
	}
	facts = ARENA_ARRAY(a, struct fact, n);
	if (facts == NULL)
		goto nomem;
	n = 0;
	for (size_t i = 0; i < all->count; i++)
		if (s->taken[i])
			facts[n++] = all->facts[i];
	*out = (struct fact_set){facts, n};
	return ST_OK;
nomem:
	return fail_set(why, ST_NOMEM, "selecting facts: the memory budget is spent");
}

/* Is the address among the actors or in list[from, n)? */
static bool is_listed(const struct addr_set *actors, const struct addr *list, size_t from, size_t n,
		      const struct addr *a)
{
	for (size_t i = from; i < n; i++)
		if (addr_equal(&list[i], a))
			return true;
	return addr_set_has(actors, a);
}

/* The actors in order of their incidents, each once; how many. */
static size_t list_actors(const struct addr_set *actors, const struct incident_set *incidents,
			  bool *seen, struct addr *list)
{
	size_t n = 0;

	for (size_t i = 0; i < incidents->count; i++) {
		const struct addr *a = &incidents->incidents[i].actor;
		const struct addr *at =
			bsearch(a, actors->list, actors->count, sizeof *a, addr_order);

		ASSERT(at != NULL); /* actors was made of them */
		if (a->family == 0 || seen[at - actors->list])
			continue;
		seen[at - actors->list] = true;
		list[n++] = *a;
	}
	return n;
}

size_t incident_addresses(const struct fact_set *selected, const struct incident_set *incidents,
			  struct arena *a, struct addr **out)
{
	size_t room = incidents->count + INCIDENT_MACHINES_MAX, n, own, before;
	struct addr *list = ARENA_ARRAY(a, struct addr, room);
	bool *seen = ARENA_ARRAY(a, bool, incidents->count);
	struct addr_set actors, targets;

	if (list == NULL || seen == NULL || !addr_set_make(incidents, true, a, &actors) ||
	    !addr_set_make(incidents, false, a, &targets))
		return 0;
	n = own = list_actors(&actors, incidents, seen, list);
	do { /* until no flow adds a machine */
		before = n;
		for (size_t i = 0; i < selected->count && n < own + INCIDENT_MACHINES_MAX; i++) {
			const struct record *r = selected->facts[i].record;

			if (r->kind == RECORD_FLOW && r->src.family != 0 && r->dst.family != 0 &&
			    is_listed(&actors, list, own, n, &r->dst) &&
			    !addr_set_has(&targets, &r->src) &&
			    !is_listed(&actors, list, own, n, &r->src))
				list[n++] = r->src;
		}
	} while (n != before);
	*out = list;
	return n;
}
