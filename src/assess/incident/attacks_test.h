/* SPDX-License-Identifier: Apache-2.0
 *
 * attacks_test.h - attacks that are made up from a seed, as the events of a station, each with the
 * number of the attack that it is truly of. For tests and benches of counting rules.
 *
 * What makes counting hard is in it, in shares that are fixed here: tools that pause for longer
 * than half an hour; attacks that go on over days; attackers that change their address, or try
 * several protected networks; two attackers behind one address; events that say nothing by
 * themselves.
 */
#ifndef DEW_ASSESS_INCIDENT_ATTACKS_TEST_H
#define DEW_ASSESS_INCIDENT_ATTACKS_TEST_H

#include <stdlib.h>

#include "assess/incident/incident.h"

struct attacks {
	struct fact *facts; /* by time, leaf = index */
	uint32_t *truth;    /* of facts[i]: its attack, from 0 */
	size_t count;
	uint32_t attack_count;
	struct party party; /* whose networks are attacked: 10.0.0.0/16 to 10.15.0.0/16 */
};

#define ATTACKS_START INT64_C(1795305600)

static inline uint64_t attacks_rand(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15); /* SplitMix64 (Steele et al. 2014) */

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static inline uint64_t attacks_below(uint64_t *state, uint64_t n)
{
	return attacks_rand(state) % n;
}

/* One attack: who, whom, how often, at what pauses. */
struct attacks_plan {
	uint32_t number;
	uint64_t events, pause_s; /* mean between two */
	int64_t at_s;
	uint32_t actor, actors, net, nets;
	bool inside_out; /* hostile code calls out: the source is ours */
	const char *classtype, *behaviour;
};

static inline struct attacks_plan attacks_plan(uint64_t *state, uint32_t number, int64_t span_s)
{
	static const struct {
		uint32_t weight;
		uint64_t events, pause_s;
		uint32_t actors, nets;
		bool inside_out;
		const char *classtype, *behaviour;
	} kinds[] = {
		{40, 30, 5, 1, 1, false, "network-scan", "scan.hosts"},
		{20, 60, 2, 1, 6, false, "attempted-recon", "scan.ports"},
		{15, 200, 20, 1, 1, false, "attempted-admin", "bruteforce.guessing"},
		{5, 150, 1500, 1, 1, false, "attempted-user", "bruteforce.guessing"}, /* pauses */
		{5, 300, 60, 8, 1, false, "web-application-attack", NULL}, /* changes address */
		{8, 250, 900, 1, 1, true, "trojan-activity", "beacon"},
		{4, 120, 3600, 1, 2, true, "command-and-control", "beacon"}, /* over days */
		{3, 400, 3, 1, 1, false, "attempted-dos", NULL},
	};
	uint64_t pick = attacks_below(state, 100);
	size_t k = 0;

	while (pick >= kinds[k].weight)
		pick -= kinds[k++].weight;
	return (struct attacks_plan){
		.number = number,
		/* heavy tail: half to eight times the usual */
		.events = kinds[k].events / 2 +
			  (kinds[k].events << attacks_below(state, 4)) * attacks_below(state, 100) /
				  100 +
			  1,
		.pause_s = kinds[k].pause_s,
		.at_s = (int64_t)attacks_below(state, (uint64_t)span_s),
		/* one of fifty shares the address of the attack before it */
		.actor =
			attacks_below(state, 50) == 0 && number > 0 ? (number - 1) * 8 : number * 8,
		.actors = kinds[k].actors,
		.net = (uint32_t)attacks_below(state, 16),
		.nets = kinds[k].nets,
		.inside_out = kinds[k].inside_out,
		.classtype = kinds[k].classtype,
		.behaviour = kinds[k].behaviour,
	};
}

struct attacks_event {
	struct record record;
	uint32_t truth;
};

static inline void attacks_event(uint64_t *state, const struct attacks_plan *p, int64_t at_s,
				 struct attacks_event *out)
{
	uint32_t actor = p->actor + (uint32_t)attacks_below(state, p->actors);
	uint32_t net = (p->net + (uint32_t)attacks_below(state, p->nets)) % 16;
	/* 128.0.0.0/2: nobody's of the party */
	struct addr bad = {4,
			   {(uint8_t)(128 + (actor >> 24)), (uint8_t)(actor >> 16),
			    (uint8_t)(actor >> 8), (uint8_t)actor}};
	struct addr good = {4, {10, (uint8_t)net, 0, (uint8_t)(1 + attacks_below(state, 200))}};
	struct record *r = &out->record;

	out->truth = p->number;
	*r = (struct record){.kind = RECORD_ALERT,
			     .at = {(ATTACKS_START + at_s) * TIME_NS_PER_S},
			     .station = SLICE("edge"),
			     .src = p->inside_out ? good : bad,
			     .dst = p->inside_out ? bad : good,
			     .proto = 6,
			     .direction = SLICE("to_server")};
	if (p->behaviour != NULL && attacks_below(state, 20) == 0) {
		r->kind = RECORD_ANOMALY;
		r->u.anomaly.type = SLICE("behaviour");
		r->u.anomaly.event = slice_of(p->behaviour);
		r->u.anomaly.summary = SLICE("a behaviour");
		r->u.anomaly.score_milli = 900;
		return;
	}
	r->u.alert.gid = 1;
	r->u.alert.sid = 2000000 + attacks_below(state, 50);
	r->u.alert.severity = 2;
	r->u.alert.signature = SLICE("a signature");
	r->u.alert.classtype = slice_of(p->classtype);
}

static inline int attacks_compare(const void *a, const void *b)
{
	const struct attacks_event *x = a, *y = b;

	if (x->record.at.ns != y->record.at.ns)
		return x->record.at.ns < y->record.at.ns ? -1 : 1;
	return x->truth < y->truth ? -1 : x->truth > y->truth;
}

/* `events` of them over so many days, and one more attack where they do not come out even. False:
 * no memory. */
static inline bool attacks_make(struct attacks *out, uint64_t seed, size_t events, unsigned days,
				struct arena *a)
{
	struct attacks_event *all = ARENA_ARRAY(a, struct attacks_event, events);
	int64_t span_s = (int64_t)days * 86400;
	uint64_t state = seed;
	size_t n = 0;

	*out = (struct attacks){.count = events, .party.id = SLICE("A")};
	out->facts = ARENA_ARRAY(a, struct fact, events);
	out->truth = ARENA_ARRAY(a, uint32_t, events);
	out->party.networks = ARENA_ARRAY(a, struct addr_prefix, 16);
	if (all == NULL || out->facts == NULL || out->truth == NULL || out->party.networks == NULL)
		return false;
	for (uint8_t i = 0; i < 16; i++)
		out->party.networks[out->party.network_count++] =
			(struct addr_prefix){{4, {10, i}}, 16};
	while (n < events) {
		struct attacks_plan p = attacks_plan(&state, out->attack_count++, span_s);
		int64_t at_s = p.at_s;

		for (uint64_t i = 0; i < p.events && n < events; i++) {
			if (at_s >= span_s) /* the week is a window: what comes later is not seen */
				break;
			attacks_event(&state, &p, at_s, &all[n++]);
			at_s += (int64_t)attacks_below(&state, 2 * p.pause_s + 1);
		}
	}
	qsort(all, n, sizeof *all, attacks_compare);
	for (size_t i = 0; i < n; i++) {
		out->facts[i] = (struct fact){i, &all[i].record};
		out->truth[i] = all[i].truth;
	}
	return true;
}

/* How an incident_set differs from the truth, over pairs of events. */
struct attacks_error {
	double merged; /* of pairs in one incident, the share that is of two attacks */
	double split;  /* of pairs of one attack, the share that is in two incidents */
};

static inline double attacks_pairs(uint64_t n)
{
	return (double)n * ((double)n - 1) / 2;
}

static inline int attacks_u64_compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Pairs of equal values among n, which are sorted by it. */
static inline double attacks_equal_pairs(uint64_t *v, size_t n)
{
	double pairs = 0;

	qsort(v, n, sizeof *v, attacks_u64_compare);
	for (size_t i = 0, from = 0; i <= n; i++)
		if (i == n || v[i] != v[from]) {
			pairs += attacks_pairs(i - from);
			from = i;
		}
	return pairs;
}

/* False: no memory. */
static inline bool attacks_judge(const struct attacks *w, const struct incident_set *set,
				 struct arena *a, struct attacks_error *out)
{
	uint64_t *v = ARENA_ARRAY(a, uint64_t, w->count + 1);
	double in_incident = 0, in_attack, in_both;
	size_t n = 0;

	if (v == NULL)
		return false;
	for (size_t i = 0; i < set->count; i++)
		in_incident += attacks_pairs(set->incidents[i].step_count);
	for (size_t i = 0; i < set->count; i++)
		for (size_t k = 0; k < set->incidents[i].step_count; k++)
			v[n++] = (uint64_t)i << 32 | w->truth[set->incidents[i].steps[k].leaf];
	in_both = attacks_equal_pairs(v, n);
	for (size_t i = 0; i < n; i++)
		v[i] &= UINT32_MAX;
	in_attack = attacks_equal_pairs(v, n);
	out->merged = in_incident > 0 ? 1 - in_both / in_incident : 0;
	out->split = in_attack > 0 ? 1 - in_both / in_attack : 0;
	return true;
}

#endif
