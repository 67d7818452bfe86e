/* SPDX-License-Identifier: Apache-2.0
 *
 * From an incident to claims. Three kinds of evidence, each with its own table: what was seen
 * (rules), what the register says of the target (statuses), what the parties declare. The numbers
 * are proposals, all in this file and in docs/formats/acts.md; a claim that no row speaks to is
 * not made.
 */
#include "assess/incident/incident_priv.h"

enum { WITNESSES_MAX = 3 }; /* more than three change nothing */
static const int64_t long_ns = 10 * 60 * TIME_NS_PER_S;

struct seen { /* one step, looked at again */
	const struct fact *fact;
	struct incident_event is;
};

struct scene {
	const struct incident *incident;
	const struct fact_set *facts;
	const struct party *parties;
	size_t party_count;
	const struct party *victim; /* whose network the target is in, or NULL */
	struct seen *steps;
	size_t step_count;
	struct arena *arena;
	struct claim_set *out;
};

#define BIT(act) (1u << (act))
#define SCAN BIT(INCIDENT_SCAN)
#define ATTEMPT BIT(INCIDENT_ACCESS_ATTEMPT)
#define ACCESS BIT(INCIDENT_ACCESS)
#define CODE (BIT(INCIDENT_MALWARE) | BIT(INCIDENT_BEACON))
#define LEAK BIT(INCIDENT_EXFILTRATION)
#define STOP BIT(INCIDENT_DISRUPTION)
#define WIPE BIT(INCIDENT_DESTRUCTION)
#define INSIDE (ACCESS | CODE | LEAK) /* only from within */
#define ANY (SCAN | ATTEMPT | INSIDE | STOP | WIPE)

/* The first row of an atom whose conditions hold makes the claim. An interval of {0, 0} stands for
 * how sure the sensors are that it happened: witnessed(). */
static const struct rule {
	const char *atom;
	uint32_t acts;	 /* at least one event of these; they are the basis */
	bool done;	 /* only those that succeeded */
	uint32_t also;	 /* and at least one of these, tried or done; 0: nothing more */
	uint32_t absent; /* and none of these that succeeded */
	bool family;	 /* and known malware by name */
	bool lasting;	 /* and over at least ten minutes */
	struct interval p;
	const char *why;
} rules[] = {
	{"networked_system", ANY, .p = {990, 1000},
	 .why = "what was seen travelled over a network"},

	{"access_attempted", ATTEMPT | ACCESS,
	 .why = "content made to enter was sent to the target"},
	{"access_attempted", CODE | LEAK, .done = true, .p = {850, 990},
	 .why = "hostile code inside means that somebody had tried to enter"},
	{"access", ACCESS, .done = true, .why = "the target answered as one that was entered"},
	{"access", CODE | LEAK, .done = true,
	 .why = "code that others direct runs in the target, so somebody entered"},
	{"security_infringed", INSIDE, .done = true, .also = ATTEMPT, .p = {700, 950},
	 .why = "an attempt to enter was followed by signs of success"},
	{"security_infringed", INSIDE, .done = true, .p = {400, 900},
	 .why = "somebody is inside; whether past a measure or let in was not seen"},

	{"hostile_code", CODE, .done = true, .why = "traffic of hostile code was recognised"},
	{"prepositioned_code", CODE, .done = true, .absent = STOP | WIPE, .p = {100, 600},
	 .why = "code that takes orders could be told to disrupt; what it is for was not seen"},

	{"data_obtained", LEAK, .done = true, .why = "data left the target"},
	{"intent_obtain_data", LEAK, .done = true, .p = {850, 990},
	 .why = "data was taken, which is what was wanted"},
	{"intent_obtain_data", CODE, .done = true, .family = true, .p = {400, 900},
	 .why = "malware of this kind is made to get at data, among other things"},
	{"espionage_only", STOP | WIPE, .done = true, .p = {0, 100},
	 .why = "something was stopped or destroyed"},
	{"espionage_only", LEAK, .done = true, .p = {300, 850},
	 .why = "data was taken, and nothing was seen to be stopped or destroyed"},

	{"disruption", STOP | WIPE, .done = true, .why = "a service was stopped or worsened"},
	{"disruption", STOP, .p = {100, 600},
	 .why = "traffic made to stop a service was sent; whether it did was not seen"},
	{"serious_hindering", WIPE, .done = true, .p = {600, 950}, .why = "a system was destroyed"},
	{"serious_hindering", STOP, .done = true, .lasting = true, .p = {300, 800},
	 .why = "a service was hindered for ten minutes or longer"},
	{"serious_hindering", STOP, .p = {50, 500},
	 .why = "a service was attacked, for less than ten minutes or without visible success"},
	{"destruction", WIPE, .done = true, .why = "an act that destroys was seen"},
	{"data_altered", WIPE, .done = true, .why = "what destroys a system alters its data"},

	{"intentional", INSIDE | WIPE, .done = true, .family = true, .p = {960, 998},
	 .why = "known malware does not come about by accident"},
	{"intentional", INSIDE | WIPE, .done = true, .p = {900, 990},
	 .why = "such traffic is seldom an accident"},
	{"intentional", ATTEMPT, .p = {850, 980}, .why = "an exploit is seldom sent by accident"},
	{"intentional", STOP, .p = {600, 950}, .why = "floods can be faults, but rarely are"},
	{"intentional", SCAN, .p = {500, 900}, .why = "scans can be faults or surveys"},
	{"dishonest_intent", CODE | LEAK | WIPE, .done = true, .p = {500, 950},
	 .why = "hostile code serves whoever directs it, against the holder"},
};

/* What a party's register says about its asset; docs/formats/party.md has the words. */
static const struct {
	const char *status, *atom;
	struct interval p;
} statuses[] = {
	{"civilian", "civilian_target", {950, 1000}},
	{"civilian", "military_target", {0, 50}},
	{"civilian", "protected_target", {0, 100}},
	{"military", "civilian_target", {0, 50}},
	{"military", "military_target", {950, 1000}},
	{"military", "protected_target", {0, 100}},
	{"dual-use", "civilian_target", {300, 700}},
	{"dual-use", "military_target", {300, 700}},
	{"dual-use", "protected_target", {0, 100}},
	{"protected", "civilian_target", {950, 1000}},
	{"protected", "military_target", {0, 50}},
	{"protected", "protected_target", {950, 1000}},
};

static bool matches(const struct seen *s, uint32_t acts, bool done)
{
	return (acts & BIT(s->is.act)) != 0 && (s->is.done || !done);
}

static bool any(const struct scene *s, uint32_t acts, bool done)
{
	for (size_t i = 0; i < s->step_count; i++)
		if (matches(&s->steps[i], acts, done))
			return true;
	return false;
}

static bool rule_holds(const struct scene *s, const struct rule *r)
{
	return any(s, r->acts, r->done) && (r->also == 0 || any(s, r->also, false)) &&
	       !any(s, r->absent, true) && (!r->family || s->incident->family.len != 0) &&
	       (!r->lasting || s->incident->last.ns - s->incident->first.ns >= long_ns);
}

/* One witness is one detector (a signature, or a kind of behaviour) at one station. */
static bool same_witness(const struct record *a, const struct record *b)
{
	if (a->kind != b->kind || !slice_equal(a->station, b->station))
		return false;
	if (a->kind == RECORD_ALERT)
		return a->u.alert.gid == b->u.alert.gid && a->u.alert.sid == b->u.alert.sid;
	return slice_equal(a->u.anomaly.event, b->u.anomaly.event);
}

/* How sure it is that these events are what they look like. A behaviour that is the only witness
 * counts as far as it is strong. What no station saw, but an exporter told, counts half: whoever
 * can send a datagram can say so. */
static struct interval witnessed(const struct scene *s, uint32_t acts, bool done, size_t *count,
				 bool *out_told)
{
	static const struct interval sure[WITNESSES_MAX] = {{700, 950}, {850, 980}, {950, 995}};
	const struct record *found[WITNESSES_MAX];
	struct interval p;
	uint64_t score = CLAIM_CERTAIN;
	size_t n = 0;

	*out_told = true;
	for (size_t i = 0; i < s->step_count && n < WITNESSES_MAX; i++) {
		const struct record *r = s->steps[i].fact->record;
		bool known = !matches(&s->steps[i], acts, done);

		for (size_t k = 0; k < n && !known; k++)
			known = same_witness(found[k], r);
		if (!known) {
			found[n++] = r;
			*out_told &= r->source.len != 0;
		}
	}
	ASSERT(n != 0); /* asked only for what any() has found */
	p = sure[n - 1];
	if (n == 1 && found[0]->kind == RECORD_ANOMALY && found[0]->u.anomaly.score_milli < score)
		score = found[0]->u.anomaly.score_milli;
	if (*out_told)
		score /= 2;
	p.lo = (int32_t)(p.lo * (int64_t)score / CLAIM_CERTAIN);
	*count = n;
	return p;
}

/* The first leaves of the matching events, ascending. Steps are by time, so they are sorted in. */
static size_t basis(const struct scene *s, uint32_t acts, bool done,
		    uint64_t leaves[INCIDENT_BASIS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < s->step_count && n < INCIDENT_BASIS_MAX; i++) {
		size_t at = n;

		if (!matches(&s->steps[i], acts, done))
			continue;
		for (; at > 0 && leaves[at - 1] > s->steps[i].fact->leaf; at--)
			leaves[at] = leaves[at - 1];
		leaves[at] = s->steps[i].fact->leaf;
		n++;
	}
	return n;
}

static bool claim_seen(struct scene *s, const struct rule *r)
{
	static const char *const counts[WITNESSES_MAX] = {"one detector at one station",
							  "two independent detectors or stations",
							  "three or more detectors or stations"};
	uint64_t leaves[INCIDENT_BASIS_MAX];
	struct buf why = buf_in(s->arena);
	struct interval p = r->p;
	size_t witnesses = 0;
	bool told;
	size_t n = basis(s, r->acts, r->done, leaves);

	buf_add_z(&why, r->why);
	if (p.hi == 0) {
		p = witnessed(s, r->acts, r->done, &witnesses, &told);
		buf_add_fmt(&why, " (%s by %s)", told ? "told by flow export and judged" : "seen",
			    counts[witnesses - 1]);
	}
	return !why.full &&
	       claim_add(s->out, s->arena,
			 (struct claim){slice_of(r->atom), p, leaves, n, buf_slice(&why)});
}

/* The commitment of a party's file: the input of that name. */
static size_t file_leaf(const struct scene *s, const struct party *p, uint64_t leaf[1])
{
	struct slice name = p->file;

	for (size_t i = name.len; i-- > 0;) {
		if (name.ptr[i] == '/') {
			name = slice_from(name, i + 1);
			break;
		}
	}
	for (size_t i = 0; i < s->facts->count; i++) {
		const struct record *r = s->facts->facts[i].record;

		if (r->kind == RECORD_INPUT && slice_equal(r->u.input.what, SLICE("party")) &&
		    slice_equal(r->u.input.name, name)) {
			leaf[0] = s->facts->facts[i].leaf;
			return 1;
		}
	}
	return 0;
}

static bool claim_said(struct scene *s, const char *atom, struct interval p, const struct party *by,
		       struct slice why)
{
	uint64_t leaf[1];
	size_t n = file_leaf(s, by, leaf);

	return claim_add(s->out, s->arena, (struct claim){slice_of(atom), p, leaf, n, why});
}

static bool claim_register(struct scene *s)
{
	const struct party_asset *asset =
		s->victim ? party_asset_of_addr(s->victim, &s->incident->target) : NULL;
	struct buf why = buf_in(s->arena);
	bool bank;

	if (asset == NULL || asset->since.ns > s->incident->first.ns)
		return true; /* not registered then: nothing speaks */
	bank = slice_equal(asset->sector, SLICE("banking")) ||
	       slice_equal(asset->sector, SLICE("financial-market"));
	buf_add_z(&why, "the register of ");
	buf_add(&why, s->victim->id);
	buf_add_fmt(&why, ", line %u: ", asset->line);
	buf_add(&why, asset->name);
	buf_add_z(&why, ", ");
	buf_add(&why, asset->sector);
	buf_add_z(&why, ", ");
	buf_add(&why, asset->status);
	if (why.full)
		return false;
	for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
		if (slice_equal(asset->status, slice_of(statuses[i].status)) &&
		    !claim_said(s, statuses[i].atom, statuses[i].p, s->victim, buf_slice(&why)))
			return false;
	return claim_said(s, "financial_target",
			  bank ? (struct interval){950, CLAIM_CERTAIN} : (struct interval){0, 50},
			  s->victim, buf_slice(&why));
}

/* Does the party state this for all the time of the incident? with "" if it is about no other. */
static bool states(const struct scene *s, const struct party *p, const char *what,
		   struct slice with)
{
	for (size_t i = 0; i < p->statement_count; i++) {
		const struct party_statement *st = &p->statements[i];

		if (slice_equal(st->what, slice_of(what)) && slice_equal(st->with, with) &&
		    st->from.ns <= s->incident->first.ns &&
		    (st->to.ns == 0 || s->incident->last.ns < st->to.ns))
			return true;
	}
	return false;
}

static bool claim_authorised(struct scene *s)
{
	bool yes = s->victim && states(s, s->victim, "authorised-test", SLICE(""));
	bool no = s->victim && states(s, s->victim, "no-authorised-test", SLICE(""));

	if (yes && !no)
		return claim_said(s, "authorised", (struct interval){500, CLAIM_CERTAIN}, s->victim,
				  SLICE("the attacked party states that it ordered a test"));
	if (no && !yes)
		return claim_said(s, "authorised", (struct interval){0, 50}, s->victim,
				  SLICE("the attacked party states that it ordered no test"));
	if (!yes && s->incident->family.len != 0 && any(s, INSIDE | WIPE, true)) {
		static const struct rule family = {
			"authorised", INSIDE | WIPE, .done = true, .p = {0, 150},
			.why = "known malware; nobody states that it was a test"};

		return claim_seen(s, &family);
	}
	return true;
}

/* What two parties state about being at war; {0, CERTAIN} if nothing, or both things. */
static struct interval war_between(const struct scene *s, const struct party *a,
				   const struct party *b)
{
	int yes = states(s, a, "at-war-with", b->id) + states(s, b, "at-war-with", a->id);
	int no = states(s, a, "not-at-war-with", b->id) + states(s, b, "not-at-war-with", a->id);

	if ((yes == 0) == (no == 0))
		return INTERVAL_UNKNOWN;
	if (yes != 0)
		return (struct interval){yes == 2 ? 980 : 800, CLAIM_CERTAIN};
	return (struct interval){0, no == 2 ? 20 : 100};
}

/* Who the respondent will be is not known here, so these hold whichever other party it is. */
static bool claim_between(struct scene *s)
{
	struct interval war = {CLAIM_CERTAIN, 0};
	bool innocent = true;
	size_t others = 0;

	for (size_t i = 0; i < s->party_count && s->victim != NULL; i++) {
		const struct party *other = &s->parties[i];
		struct interval p;

		if (other == s->victim)
			continue;
		others++;
		p = war_between(s, s->victim, other);
		war.lo = p.lo < war.lo ? p.lo : war.lo;
		war.hi = p.hi > war.hi ? p.hi : war.hi;
		innocent = innocent && states(s, s->victim, "no-attack-on", other->id);
	}
	if (others == 0)
		return true;
	if ((war.lo != 0 || war.hi != CLAIM_CERTAIN) &&
	    !claim_said(s, "shooting_war_between_them", war, s->victim,
			SLICE("what the attacked party and the others state about it")))
		return false;
	return !innocent ||
	       claim_said(s, "prior_cyber_attack_by_victim", (struct interval){0, 300}, s->victim,
			  SLICE("the attacked party states that it made none; its own "
				"word counts for so much"));
}

enum status incident_claims(const struct incident *i, const struct fact_set *facts,
			    const struct party *parties, size_t party_count, struct arena *a,
			    struct claim_set *out, struct fail *why)
{
	struct scene s = {.incident = i,
			  .facts = facts,
			  .parties = parties,
			  .party_count = party_count,
			  .victim = party_of_addr(parties, party_count, &i->target),
			  .steps = ARENA_ARRAY(a, struct seen, i->step_count),
			  .arena = a,
			  .out = out};

	if (s.steps == NULL)
		goto nomem;
	for (size_t k = 0; k < i->step_count; k++) {
		struct seen *step = &s.steps[s.step_count];

		step->fact = incident_fact(facts, i->steps[k].leaf);
		if (step->fact != NULL &&
		    incident_classify(step->fact->record, parties, party_count, &step->is))
			s.step_count++;
	}
	for (size_t k = 0; k < sizeof rules / sizeof rules[0]; k++)
		if (claim_find(out, slice_of(rules[k].atom)) == NULL && rule_holds(&s, &rules[k]) &&
		    !claim_seen(&s, &rules[k]))
			goto nomem;
	if (!claim_authorised(&s) || !claim_register(&s) || !claim_between(&s))
		goto nomem;
	return ST_OK;
nomem:
	return fail_set(why, ST_NOMEM, "claims of incident %u: the memory budget is spent",
			i->number);
}
