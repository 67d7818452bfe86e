/* SPDX-License-Identifier: Apache-2.0
 *
 * assess/bulletin/sample_test.h - one bulletin made by hand, for the tests of every form: a bank
 * whose data left through two hops, a scan from a relay, three stations of which one is silent. The
 * addresses are those reserved for documentation (RFC 5737, RFC 3849).
 */
#ifndef DEW_ASSESS_BULLETIN_SAMPLE_TEST_H
#define DEW_ASSESS_BULLETIN_SAMPLE_TEST_H

#include "assess/bulletin/bulletin.h"

#define SAMPLE_HOSTILE "<script>alert('\"x\"')</script>&amp; \x1b[31mred \xe2\x80\xae gnp.exe"

static const char sample_budapest[] =
	"instrument budapest \"Convention on Cybercrime\"\n"
	"  source \"Council of Europe, ETS 185\" page \"articles 2 and 4\" mark V\n"
	"  in-force 2004-07-01\n"
	"standard beyond-reasonable-doubt 0.95\n"
	"term access \"entering a system\"\n"
	"term authorised \"a right to\"\n"
	"term intentional \"on purpose\"\n"
	"term data_altered \"data changed\"\n"
	"term intent_obtain_data \"aimed at data\"\n"
	"term security_infringed \"a measure was overcome\"\n"
	"term serious_harm \"grave damage\" open\n"
	"| Each party makes it a crime to enter a computer system, or a part of one, on purpose "
	"and\n"
	"| without a right to. A party may ask for more.\n"
	"clause budapest.2 \"Illegal access\"\n"
	"  proof beyond-reasonable-doubt\n"
	"  when access and not authorised and intentional\n"
	"| Each party makes it a crime to damage or change computer data.\n"
	"clause budapest.4 \"Data interference\"\n"
	"  proof beyond-reasonable-doubt\n"
	"  when data_altered and not authorised and intentional\n"
	"party NOR \"Northland\"\n"
	"  amend budapest.2 require intent_obtain_data ; declaration under article 2, deposited "
	"2012-02-03\n"
	"  amend budapest.4 require serious_harm ; reservation under article 4(2), deposited "
	"2012-02-03\n";

static const char sample_cwlt[] =
	"instrument cwlt \"Cyber War Limitation Treaty (proposal)\"\n"
	"  source \"Clarke and Knake, Cyber War, 2010\" page \"chapter 7\" mark K1\n"
	"  in-force between-parties\n"
	"standard clear-and-convincing 0.75\n"
	"term attributed_to_state \"a state's own act\"\n"
	"term disruption \"a service stopped\"\n"
	"term destruction \"made useless for good\"\n"
	"term data_altered \"data changed\"\n"
	"term civilian_target \"serves civilians\"\n"
	"term financial_target \"of a bank\"\n"
	"term espionage_only \"read, not altered\"\n"
	"term shooting_war_between_them \"armed conflict\"\n"
	"| When another party asks, a party acts promptly to stop attacks from its networks.\n"
	"not-judged cwlt.2 \"Obligation to assist\" ; the duty begins with a request\n"
	"| No party is the first to use cyber weapons against civilian infrastructure.\n"
	"clause cwlt.4 \"No first use against civilian infrastructure\"\n"
	"  proof clear-and-convincing\n"
	"  when attributed_to_state and (disruption or destruction or data_altered) and "
	"civilian_target\n"
	"  unless shooting_war_between_them ; exception (a)\n"
	"  permits espionage_only ; espionage is not limited (cwlt.7)\n"
	"| At no time does a party alter data in the networks of banks, or damage them.\n"
	"clause cwlt.6 \"Banks are left alone at any time\"\n"
	"  proof clear-and-convincing\n"
	"  when attributed_to_state and (data_altered or destruction) and financial_target\n";

#define SAMPLE_T0 (INT64_C(1792570000) * TIME_NS_PER_S) /* 2026-10-21 */

static inline struct wall_ns sample_at(int64_t seconds)
{
	return (struct wall_ns){SAMPLE_T0 + seconds * TIME_NS_PER_S};
}

static inline struct addr sample_addr(const char *z)
{
	struct addr a = {0};

	ASSERT(addr_parse(slice_of(z), &a));
	return a;
}

static inline void sample_claim(struct bulletin_case *c, struct arena *a, const char *atom,
				int32_t lo, int32_t hi, const char *why)
{
	static const uint64_t leaves[] = {4, 7, 12};

	ASSERT(claim_add(&c->claims, a,
			 (struct claim){.atom = slice_of(atom),
					.p = {lo, hi},
					.leaves = leaves,
					.leaf_count = lo == 0 ? 0 : 3,
					.why = slice_of(why)}));
}

static inline void sample_rung(struct attrib_ladder *l, unsigned level, const char *name,
			       bool attributed, const char *basis)
{
	l->rungs[level] = (struct attrib_rung){
		.name = name, .attributed = attributed, .basis = slice_of(basis)};
}

static inline void sample_candidate(struct attrib_ladder *l, unsigned level, const char *what,
				    int32_t lo, int32_t hi)
{
	struct attrib_rung *r = &l->rungs[level];

	r->candidates[r->candidate_count++] = (struct attrib_candidate){slice_of(what), {lo, hi}};
}

static inline void sample_ladder(struct attrib_ladder *l, const char *machine)
{
	sample_rung(l, 0, "the event is real", true, "Two stations saw it independently.");
	sample_candidate(l, 0, "real", 990, 1000);
	sample_candidate(l, 0, "none of these", 0, 10);
	sample_rung(l, 1, "machine", true, "The last machine of the chain.");
	sample_candidate(l, 1, machine, 680, 850);
	sample_candidate(l, 1, "none of these", 150, 320);
	sample_rung(l, 2, "network and territory", true, "Three tables, one of which disagrees.");
	sample_candidate(l, 2, "NO (AS64501)", 540, 780);
	sample_candidate(l, 2, "SE", 60, 130);
	sample_candidate(l, 2, "none of these", 220, 330);
	sample_rung(l, 3, "operator", false,
		    "Only the prior stands here; nothing seen bears on it.");
	sample_candidate(l, 3, "criminal", 500, 700);
	sample_candidate(l, 3, "none of these", 300, 500);
	sample_rung(l, 4, "relation to a state", false, "Technical facts do not move this rung.");
	sample_rung(l, 5, "state", false, "No state is named without a relation.");
	l->limit = SLICE("The climb ends at the machine into which nobody saw.");
}

static inline struct incident_step *sample_steps(struct arena *a, struct incident *i,
						 const enum incident_act *acts, size_t n,
						 int64_t every)
{
	struct incident_step *s = ARENA_ARRAY(a, struct incident_step, n);

	ASSERT(s != NULL);
	for (size_t k = 0; k < n; k++) {
		s[k] = (struct incident_step){k + 3, acts[k], sample_at((int64_t)k * every + 60)};
		i->per_act[acts[k]]++;
	}
	i->first = s[0].at;
	i->last = s[n - 1].at;
	i->steps = s;
	i->step_count = n;
	return s;
}

static inline void sample_origin(struct origin *o, const char *address, const char *top, int32_t lo,
				 int32_t hi)
{
	static const uint64_t leaves[] = {20, 21, 22};

	*o = (struct origin){.address = sample_addr(address),
			     .asn = 64501,
			     .as_name = SLICE("Fjord Hosting"),
			     .hosting = true,
			     .why = SLICE("Two of three tables agree.")};
	o->candidates[0] = (struct origin_candidate){
		slice_of(top), {lo, hi}, SLICE("libloc, tor-geoipdb"), leaves, 2};
	o->candidates[1] =
		(struct origin_candidate){SLICE("SE"), {60, 130}, SLICE("demo.csv"), leaves + 2, 1};
	o->candidates[2] = (struct origin_candidate){
		SLICE("??"), {1000 - hi - 60, 1000 - lo}, SLICE(""), NULL, 0};
	o->candidate_count = 3;
}

static inline void sample_theft(struct bulletin_case *c, struct arena *a)
{
	static const enum incident_act acts[] = {
		INCIDENT_SCAN,		 INCIDENT_SCAN,	  INCIDENT_ACCESS_ATTEMPT,
		INCIDENT_ACCESS_ATTEMPT, INCIDENT_ACCESS, INCIDENT_MALWARE,
		INCIDENT_BEACON,	 INCIDENT_BEACON, INCIDENT_BEACON,
		INCIDENT_BEACON,	 INCIDENT_BEACON, INCIDENT_EXFILTRATION,
		INCIDENT_EXFILTRATION};
	static const uint64_t leaves[] = {30, 31};
	static struct slice stations[] = {{(const uint8_t *)"bank-core", 9},
					  {(const uint8_t *)"bank-edge", 9}};
	struct incident *i = &c->incident;

	*i = (struct incident){.number = 1,
			       .title = SLICE("Remote access tool reports to its controller"),
			       .actor = sample_addr("198.51.100.7"),
			       .target = sample_addr("203.0.113.20"),
			       .target_party = SLICE("SUD"),
			       .family = SLICE("STRRAT"),
			       .gravest = INCIDENT_EXFILTRATION,
			       .stations = stations,
			       .station_count = 2};
	(void)sample_steps(a, i, acts, sizeof acts / sizeof *acts, 151);
	c->chain.hops[0] = (struct trace_hop){
		.machine = i->actor,
		.party = SLICE("NOR"),
		.p = {980, 1000},
		.how = SLICE("It exchanged payload with the target in every event."),
		.leaves = leaves,
		.leaf_count = 2,
		.station = SLICE("bank-edge"),
		.first = i->first,
		.last = i->last};
	c->chain.hops[1] = (struct trace_hop){
		.machine = sample_addr("2001:db8:77:1::beef"),
		.p = {700, 850},
		.how = SLICE(
			"Payload came in within the same 38 of 41 seconds; likelihood ratio 20 "
			"(capped), prior odds 1:4."),
		.leaves = leaves,
		.leaf_count = 2,
		.station = SLICE("isp-north"),
		.first = i->first,
		.last = i->last};
	c->chain.hop_count = 2;
	c->chain.whole = (struct interval){680, 850};
	c->chain.stop = TRACE_UNOBSERVED;
	c->chain.stop_why = SLICE("2001:db8:77:1::beef is in no party's network: no station sees "
				  "what goes into it.");
	c->origins = ARENA_ARRAY(a, struct origin, 2);
	ASSERT(c->origins != NULL);
	sample_origin(&c->origins[0], "198.51.100.7", "NO", 780, 900);
	sample_origin(&c->origins[1], "2001:db8:77:1::beef", "NO", 540, 780);
	c->origin_count = 2;
	sample_ladder(&c->ladder, "2001:db8:77:1::beef");
	sample_claim(c, a, "access", 960, 1000, "Commands ran on the machine.");
	sample_claim(c, a, "authorised", 0, 20, "The owner states that no test was agreed.");
	sample_claim(c, a, "intentional", 970, 1000, "Steps followed upon each other.");
	sample_claim(c, a, "intent_obtain_data", 960, 1000, "4.1 MB left by the same way.");
	sample_claim(c, a, "data_altered", 0, 40, "Nothing was written.");
	sample_claim(c, a, "civilian_target", 1000, 1000, "Registered as civilian since 2024.");
	sample_claim(c, a, "financial_target", 1000, 1000, "Registered as a bank since 2024.");
	sample_claim(c, a, "disruption", 0, 300, "No outage was seen.");
	sample_claim(c, a, "destruction", 0, 100, "No loss was seen.");
	c->claimant = SLICE("SUD");
	c->respondent = SLICE("NOR");
	c->respondent_why =
		SLICE("The chain ends at 2001:db8:77:1::beef, in the territory of NOR: the "
		      "party that a clause would bind there. Whether it, or anybody for "
		      "it, did this is another question.");
}

static inline void sample_scan(struct bulletin_case *c, struct arena *a)
{
	static const enum incident_act acts[] = {INCIDENT_SCAN, INCIDENT_SCAN, INCIDENT_POLICY};
	static struct slice stations[] = {{(const uint8_t *)"bank-edge", 9}};
	struct incident *i = &c->incident;

	*i = (struct incident){.number = 2,
			       .title = SLICE(SAMPLE_HOSTILE),
			       .actor = sample_addr("192.0.2.66"),
			       .target = sample_addr("203.0.113.21"),
			       .target_party = SLICE("SUD"),
			       .gravest = INCIDENT_SCAN,
			       .stations = stations,
			       .station_count = 1};
	(void)sample_steps(a, i, acts, 3, 7);
	c->chain.hops[0] = (struct trace_hop){.machine = i->actor,
					      .p = {980, 1000},
					      .how = SLICE("It sent the scan."),
					      .station = SLICE("bank-edge"),
					      .first = i->first,
					      .last = i->last};
	c->chain.hop_count = 1;
	c->chain.whole = (struct interval){980, 1000};
	c->chain.stop = TRACE_RELAY;
	c->chain.stop_why = SLICE("Two tables mark 192.0.2.66 as an anonymising relay.");
	c->origins = ARENA_ARRAY(a, struct origin, 1);
	ASSERT(c->origins != NULL);
	sample_origin(&c->origins[0], "192.0.2.66", "DE", 500, 800);
	c->origins[0].proxy = true;
	c->origin_count = 1;
	sample_ladder(&c->ladder, "192.0.2.66");
	sample_claim(c, a, "access", 0, 20, "Nothing answered.");
	c->claimant = SLICE("SUD");
	c->respondent_why =
		SLICE("The chain ends at 192.0.2.66, in no party's network and in no "
		      "territory that is more likely than not a party's: no party can be "
		      "named that a clause would bind.");
}

static inline void sample_judge(struct bulletin *b, struct bulletin_case *c, struct arena *a)
{
	size_t room = 0;
	struct fail why;

	for (size_t i = 0; i < b->treaty_count; i++) {
		struct treaty_case tc = {.claims = &c->claims,
					 .at = c->incident.first,
					 .claimant = c->claimant,
					 .respondent = c->respondent,
					 .claimant_bound = true,
					 .respondent_bound = c->respondent.len != 0};
		struct treaty_finding *f;
		size_t n;

		ASSERT(treaty_judge(b->treaties[i], &tc, a, &f, &n, &why) == ST_OK);
		for (size_t k = 0; k < n; k++)
			ASSERT(ARENA_PUSH(a, c->findings, c->finding_count, room, f[k]));
	}
}

static inline struct bulletin_input *sample_input(struct arena *a)
{
	static const struct bulletin_file parties[] = {
		{{(const uint8_t *)"sud.party", 9}, {(const uint8_t *)"party SUD\n", 10}},
		{{(const uint8_t *)"nor.party", 9}, {(const uint8_t *)"party NOR\n", 10}}};
	static struct bulletin_file treaties[2];
	struct bulletin_input *in = ARENA_NEW(a, struct bulletin_input);
	struct fact *f = ARENA_NEW(a, struct fact);
	struct record *r = ARENA_NEW(a, struct record);

	ASSERT(in != NULL && f != NULL && r != NULL);
	treaties[0] = (struct bulletin_file){SLICE("budapest.treaty"), slice_of(sample_budapest)};
	treaties[1] = (struct bulletin_file){SLICE("cwlt.treaty"), slice_of(sample_cwlt)};
	f->record = r;
	r->kind = RECORD_INPUT;
	r->party = SLICE("SUD");
	r->station = SLICE("bank-edge");
	r->u.input = (struct record_input){
		.what = SLICE("capture"),
		.name = SLICE("bank-edge.pcap"),
		.sha256 = SLICE("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
		.bytes = 812345,
		.packets = 4711,
		.first = sample_at(0),
		.last = sample_at(3600)};
	*in = (struct bulletin_input){.facts = {f, 1},
				      .party_files = parties,
				      .party_count = 2,
				      .treaty_files = treaties,
				      .treaty_count = 2};
	return in;
}

/* Sealed evidence makes the first incident surer, and knows of a third. */
static inline void sample_both(struct bulletin *b, struct arena *a)
{
	struct bulletin_all *all = &b->all;

	*all = (struct bulletin_all){.withheld = true, .counted = 3};
	memset(all->commitment, 0xa5, sizeof all->commitment);
	all->views = ARENA_ARRAY(a, struct bulletin_view, b->case_count);
	ASSERT(all->views != NULL);
	for (; all->count < b->case_count; all->count++) {
		const struct bulletin_case *c = &b->cases[all->count];
		struct bulletin_view *v = &all->views[all->count];

		v->number = c->incident.number;
		v->chain = c->chain.whole;
		for (size_t i = 0; i < ATTRIB_LEVELS; i++)
			if (c->ladder.rungs[i].candidate_count != 0)
				v->rungs[i] = c->ladder.rungs[i].candidates[0].p;
		v->clauses = ARENA_ARRAY(a, struct bulletin_view_clause, c->finding_count);
		ASSERT(v->clauses != NULL);
		for (; v->clause_count < c->finding_count; v->clause_count++)
			v->clauses[v->clause_count] =
				(struct bulletin_view_clause){c->findings[v->clause_count].joint,
							      c->findings[v->clause_count].result};
	}
	all->views[0].rungs[1] = all->views[0].chain = (struct interval){790, 930};
	all->views[0].clauses[1].result = SLICE("undetermined");
}

/* Everything of the bulletin but its id; borrows a. */
static inline void sample_bulletin(struct arena *a, struct bulletin *b)
{
	struct treaty **treaties = ARENA_ARRAY(a, struct treaty *, 2);
	struct party *parties = ARENA_ARRAY(a, struct party, 2);
	struct fail why;

	*b = (struct bulletin){.id = SLICE("B1-0123456789abcdef"),
			       .stage = SLICE("B1"),
			       .party = SLICE("SUD"),
			       .first = sample_at(0),
			       .last = sample_at(3600),
			       .input = sample_input(a)};
	ASSERT(treaties != NULL && parties != NULL);
	for (size_t i = 0; i < 2; i++)
		ASSERT(treaty_compile(b->input->treaty_files[i].name,
				      b->input->treaty_files[i].text, a, &treaties[i], NULL,
				      &why) == ST_OK);
	b->treaties = (const struct treaty *const *)treaties;
	b->treaty_count = 2;
	parties[0].id = SLICE("SUD");
	parties[0].name = SLICE("Southland Bankers' Union");
	parties[1].id = SLICE("NOR");
	parties[1].name = SLICE("Northland");
	b->parties = parties;
	b->party_count = 2;
	b->cases = ARENA_ARRAY(a, struct bulletin_case, 2);
	b->stations = ARENA_ARRAY(a, struct bulletin_station, 3);
	ASSERT(b->cases != NULL && b->stations != NULL);
	b->case_count = 2;
	b->counted =
		(struct incident_set){.rule = SLICE("actor-target-30m"), .count = 2, .events = 16};
	sample_theft(&b->cases[0], a);
	sample_scan(&b->cases[1], a);
	for (size_t i = 0; i < 2; i++)
		sample_judge(b, &b->cases[i], a);
	b->prior_name = SLICE("sample.prior");
	b->prior_text = SLICE("prior sample \"nothing\"\n");
	sample_both(b, a);
	b->stations[0] = (struct bulletin_station){
		SLICE("SUD"), SLICE("bank-edge"), SLICE("edge of the bank"), true, 4711,
		sample_at(0), sample_at(3600)};
	b->stations[1] = (struct bulletin_station){
		SLICE("SUD"),	SLICE("bank-core"), SLICE("before the core systems"), true, 320,
		sample_at(100), sample_at(3500)};
	b->stations[2] = (struct bulletin_station){.party = SLICE("NOR"),
						   .station = SLICE("isp-north"),
						   .place = SLICE("exchange point")};
	b->station_count = 3;
}

#endif
