/* SPDX-License-Identifier: Apache-2.0 */
#include "assess/trace/trace.h"

#include <stdio.h>

#include "assess/incident/story_test.h"
#include "test.h"

enum { SESSION = 400 }; /* seconds */

static const char alpha[] = "party A \"Alpha\"\nterritory XA\nnetwork 10.0.0.0/8\n"
			    "station edge\n";
static const char beta[] = "party B \"Beta\"\nterritory XB\nnetwork 192.0.2.0/24\n"
			   "station beta-edge\n";

/* Seconds at which somebody types, from `rng`: about one in twelve. */
static void type(struct test *t, char bins[SESSION + 1])
{
	for (int i = 0; i < SESSION; i++)
		bins[i] = test_rand(t) % 12 == 0 ? '2' : '0';
	bins[3] = '1'; /* and at least once */
	bins[SESSION] = '\0';
}

/* The same, passed on with up to a second of delay, and one burst in eight lost. */
static void pass_on(struct test *t, const char *bins, char out[SESSION + 1])
{
	for (int i = 0; i <= SESSION; i++)
		out[i] = i < SESSION ? '0' : '\0';
	for (int i = 0; i + 1 < SESSION; i++)
		if (bins[i] != '0' && test_rand(t) % 8 != 0)
			out[i + (int)(test_rand(t) % 2)] = '1';
}

static void at_station(struct record *r, const char *station)
{
	r->station = slice_of(station);
}

static enum status trace(struct story *s, struct trace_chain *out)
{
	struct incident_set set;

	if (incident_group(&s->set, s->parties, s->party_count, &s->arena, &set, &s->why) !=
		    ST_OK ||
	    set.count != 1)
		return ST_INVALID;
	return trace_incident(&set.incidents[0], &s->set, s->parties, s->party_count, &s->arena,
			      out, &s->why);
}

/* 192.0.2.1, in Beta's network, attacks 10.0.0.1; its bytes are in `bins`. */
static void attack(struct story *s, const char *bins)
{
	story_party(s, alpha);
	story_party(s, beta);
	(void)story_alert(s, 20, "192.0.2.1", "10.0.0.1", "attempted-admin", 1);
	(void)story_flow(s, 10, 10 + SESSION, "192.0.2.1", "10.0.0.1", bins, "1");
}

static bool is_addr(const struct addr *a, const char *text)
{
	struct addr b = story_addr(text);

	return addr_equal(a, &b);
}

static bool says(struct slice text, const char *part)
{
	return slice_find(text, slice_of(part)) != SIZE_MAX;
}

static void a_machine_nobody_saw_into_ends_the_chain(struct test *t)
{
	struct story s;
	struct trace_chain c;
	char bins[SESSION + 1];

	story_begin(&s);
	type(t, bins);
	attack(&s, bins);
	EXPECT_UINT(t, trace(&s, &c), ST_OK);
	EXPECT(t, c.hop_count == 1 && c.stop == TRACE_UNOBSERVED);
	EXPECT(t, is_addr(&c.hops[0].machine, "192.0.2.1") && c.hops[0].p.lo == 980);
	EXPECT(t, c.whole.lo == 980 && c.whole.hi == 999);
	EXPECT_SLICE(
		t, c.stop_why,
		SLICE("the chain ends at 192.0.2.1 in the network of B, into which nobody saw: "
		      "what reached it is unknown"));
	story_end(&s);
}

static void an_address_that_never_answered_may_be_forged(struct test *t)
{
	struct story s;
	struct trace_chain c;

	story_begin(&s);
	(void)story_alert(&s, 20, "192.0.2.1", "10.0.0.1", "attempted-dos", 1);
	EXPECT_UINT(t, trace(&s, &c), ST_OK);
	EXPECT(t, c.hops[0].p.lo == 500 && c.hops[0].p.hi == 950 && c.hops[0].leaf_count == 1);
	(void)story_flow(&s, 20, 21, "192.0.2.1", "10.0.0.1", "1", "");
	EXPECT_UINT(t, trace(&s, &c), ST_OK);
	EXPECT(t, c.hops[0].p.lo == 500 && c.hops[0].leaf_count == 1);
	/* the target would not send to an address that somebody else made up */
	(void)story_flow(&s, 20, 21, "10.0.0.1", "192.0.2.1", "1", "");
	EXPECT_UINT(t, trace(&s, &c), ST_OK);
	EXPECT(t, c.hops[0].p.lo == 900 && c.hops[0].leaves[0] == 102);
	story_end(&s);
}

/*
 * Who typed is a matter of chance here, so a chain may go wrong: 3,000 seeds of these two tests had
 * 2 in 150,000 stories with a true source miss it, and 45 in 300,000 without one find a false one.
 * What is allowed here is passed by chance about once in two million runs.
 */
enum { CHANCE = 2 };

static bool true_source_found(const struct trace_chain *c)
{
	return c->hop_count == 2 && is_addr(&c->hops[1].machine, "198.51.100.7");
}

static void expect_found(struct test *t, const struct trace_chain *c)
{
	EXPECT(t, c->hops[1].p.lo >= 500 && c->hops[1].p.hi <= 953);
	EXPECT(t, c->hops[1].leaf_count == 1 && c->hops[1].leaves[0] == 103);
	EXPECT_SLICE(t, c->hops[1].station, SLICE("beta-edge"));
	EXPECT(t, says(c->hops[1].how, "likelihood ratio 20.0 (at most 20), prior odds 1:10"));
	EXPECT(t, c->stop == TRACE_UNOBSERVED);
	EXPECT(t, c->whole.lo == c->hops[1].p.lo + c->hops[0].p.lo - 1000 &&
			  c->whole.hi == c->hops[1].p.hi);
}

static void the_true_source_is_found_and_the_decoy_is_not(struct test *t)
{
	int missed = 0;

	for (int round = 0; round < 50; round++) {
		struct story s;
		struct trace_chain c;
		char operator[SESSION + 1], relayed[SESSION + 1], decoy[SESSION + 1];

		story_begin(&s);
		type(t, operator);
		pass_on(t, operator, relayed);
		type(t, decoy);
		attack(&s, relayed);
		at_station(story_flow(&s, 10, 10 + SESSION, "203.0.113.5", "192.0.2.1", decoy, "1"),
			   "beta-edge");
		at_station(story_flow(&s, 10, 10 + SESSION, "198.51.100.7", "192.0.2.1", operator,
				      "1"),
			   "beta-edge");
		EXPECT_UINT(t, trace(&s, &c), ST_OK);
		if (true_source_found(&c))
			expect_found(t, &c);
		else
			missed++;
		story_end(&s);
	}
	EXPECT(t, missed <= CHANCE);
}

static void benign_sources_alone_explain_nothing(struct test *t)
{
	int wrong = 0;

	for (int round = 0; round < 100; round++) {
		struct story s;
		struct trace_chain c;
		char bins[SESSION + 1], decoy[SESSION + 1];

		story_begin(&s);
		type(t, bins);
		attack(&s, bins);
		for (int i = 0; i < 3; i++) {
			char from[32];

			type(t, decoy);
			(void)snprintf(from, sizeof from, "203.0.113.%d", i + 1);
			at_station(story_flow(&s, 5 + i, 5 + i + SESSION, from, "192.0.2.1", decoy,
					      "1"),
				   "beta-edge");
		}
		EXPECT_UINT(t, trace(&s, &c), ST_OK);
		wrong += c.hop_count != 1;
		EXPECT(t,
		       c.hop_count != 1 || (c.stop == TRACE_NO_MATCH &&
					    says(c.stop_why, "which beta-edge observed: of what")));
		story_end(&s);
	}
	EXPECT(t, wrong <= CHANCE);
}

static void commands_that_travel_back_are_traced_too(struct test *t)
{
	struct story s;
	struct trace_chain c;
	char operator[SESSION + 1], relayed[SESSION + 1];

	/* the victim's malware calls 192.0.2.1; what counts is what the server sends */
	story_begin(&s);
	type(t, operator);
	pass_on(t, operator, relayed);
	story_party(&s, alpha);
	story_party(&s, beta);
	(void)story_alert(&s, 20, "10.0.0.1", "192.0.2.1", "trojan-activity", 1);
	(void)story_flow(&s, 10, 10 + SESSION, "10.0.0.1", "192.0.2.1", "1", relayed);
	/* another victim of the same party is no operator, whatever it sends */
	(void)story_flow(&s, 10, 10 + SESSION, "10.0.0.2", "192.0.2.1", operator, "1");
	at_station(story_flow(&s, 10, 10 + SESSION, "198.51.100.7", "192.0.2.1", operator, "1"),
		   "beta-edge");
	EXPECT_UINT(t, trace(&s, &c), ST_OK);
	EXPECT(t, c.hop_count == 2 && is_addr(&c.hops[1].machine, "198.51.100.7"));
	story_end(&s);
}

static void answers_to_polls_say_nothing_about_who_commands(struct test *t)
{
	struct story s;
	struct trace_chain c;
	char polls[SESSION + 1];

	/* the victim polls every ten seconds; somebody else sends in the same beat */
	story_begin(&s);
	for (int i = 0; i <= SESSION; i++)
		polls[i] = i == SESSION ? '\0' : i % 10 == 0 ? '1' : '0';
	story_party(&s, alpha);
	story_party(&s, beta);
	(void)story_alert(&s, 20, "10.0.0.1", "192.0.2.1", "command-and-control", 1);
	(void)story_flow(&s, 10, 10 + SESSION, "10.0.0.1", "192.0.2.1", polls, polls);
	at_station(story_flow(&s, 10, 10 + SESSION, "198.51.100.7", "192.0.2.1", polls, "1"),
		   "beta-edge");
	EXPECT_UINT(t, trace(&s, &c), ST_OK);
	EXPECT(t, c.hop_count == 1 && c.stop == TRACE_NO_MATCH && says(c.stop_why, "too few"));
	story_end(&s);
}

/* A minute at a keyboard: payload in three of five seconds; and the office, now and then. */
static void sit(struct test *t, char *bins, size_t seconds, unsigned in_ten)
{
	for (size_t i = 0; i < seconds; i++)
		bins[i] = test_rand(t) % 10 < in_ten ? '5' : '0';
	bins[0] = 'b';
	bins[seconds] = '\0';
}

/* A relay with an operator who types, an honest user, a scan, pages, a shell, and an implant that
 * polls by itself and runs on. Which hop is found: 1 the operator, -1 the honest user, 0 none. */
static int busy_relay(struct test *t)
{
	struct story s;
	struct trace_chain c;
	char operator[61], office[85];
	int hop;

	story_begin(&s);
	sit(t, operator, 60, 6);
	sit(t, office, 84, 2);
	story_party(&s, alpha);
	story_party(&s, beta);
	(void)story_alert(&s, 40, "192.0.2.1", "10.0.0.1", "attempted-admin", 1);
	for (int seen = 0; seen < 2; seen++) { /* by both stations, some microseconds apart */
		struct record *r =
			story_flow(&s, 10, 70, "198.51.100.66", "192.0.2.1", operator, "1");

		r->u.flow.start.ns += seen * 16000;
		at_station(r, seen ? "beta-edge" : "edge");
		at_station(story_flow(&s, 17, 101, "198.51.100.20", "192.0.2.1", office, "1"),
			   seen ? "beta-edge" : "edge");
	}
	for (int i = 1, done = 0; i < 58 && done < 14; i++) {
		struct record *r;

		if (operator[i] == '0' || test_rand(t) % 3 == 0)
			continue;
		for (int syn = 0; syn < (done == 0 ? 40 : 1); syn++) { /* the first is a scan */
			r = story_flow(&s, 10 + i, 10 + i, "192.0.2.1", "10.0.0.1",
				       done == 0 ? "" : "1", done == 0 ? "" : "1");
			r->u.flow.start.ns += (int64_t)(test_rand(t) % 900) * TIME_NS_PER_MS / 9 +
					      done % 9 * 100 * TIME_NS_PER_MS;
			r->u.flow.end = r->u.flow.start;
		}
		done++;
	}
	for (int i = 0; i < 18; i++)
		(void)story_flow(&s, 55 + 4 * i, 55 + 4 * i, "10.0.0.1", "192.0.2.1", "2", "1");
	hop = trace(&s, &c) == ST_OK && c.hop_count > 1
		      ? is_addr(&c.hops[1].machine, "198.51.100.66") ? 1 : -1
		      : 0;
	story_end(&s);
	return hop;
}

static void a_typing_operator_is_told_from_an_honest_user(struct test *t)
{
	int found = 0, wrong = 0;

	for (int round = 0; round < 100; round++) {
		int hop = busy_relay(t);

		found += hop == 1;
		wrong += hop == -1;
	}
	printf("# of 100 operators %d found; honest users taken for one: %d\n", found, wrong);
	/* measured over 1,500: 75 in 100 found, 1 in 200 wrong; far inside what p >= 0.5 allows */
	EXPECT(t, wrong <= 8 && found >= 50);
}

static void a_chain_is_followed_hop_by_hop_to_its_limit(struct test *t)
{
	struct story s;
	struct trace_chain c;
	char bins[2][SESSION + 1], from[32], to[32];

	for (int length = TRACE_HOPS_MAX - 1; length <= TRACE_HOPS_MAX + 1; length++) {
		story_begin(&s);
		type(t, bins[0]);
		attack(&s, bins[0]); /* hop 0 is 192.0.2.1; each further hop sends the same */
		for (int i = 1; i < length; i++) {
			(void)snprintf(to, sizeof to, "192.0.2.%d", i);
			(void)snprintf(from, sizeof from, "192.0.2.%d", i + 1);
			at_station(story_flow(&s, 10, 10 + SESSION, from, to, bins[0], "1"),
				   "beta-edge");
		}
		EXPECT_UINT(t, trace(&s, &c), ST_OK);
		EXPECT(t,
		       c.hop_count == (size_t)(length < TRACE_HOPS_MAX ? length : TRACE_HOPS_MAX));
		EXPECT_UINT(t, c.stop, length > TRACE_HOPS_MAX ? TRACE_LIMIT : TRACE_UNOBSERVED);
		EXPECT(t, c.whole.lo == 0 && c.whole.hi <= 953);
		story_end(&s);
	}
}

static void a_relay_is_where_the_chain_ends(struct test *t)
{
	struct story s;
	struct trace_chain c;
	char bins[SESSION + 1];

	story_begin(&s);
	type(t, bins);
	attack(&s, bins);
	at_station(story_flow(&s, 10, 10 + SESSION, "198.51.100.7", "192.0.2.1", bins, "1"),
		   "beta-edge");
	story_location(&s, "192.0.2.1", "libloc", "XB")->u.location.proxy = true;
	EXPECT_UINT(t, trace(&s, &c), ST_OK);
	EXPECT(t, c.hop_count == 1 && c.stop == TRACE_RELAY);
	EXPECT(t, says(c.stop_why, "anonymising relay according to libloc"));
	story_end(&s);
}

static void two_machines_that_send_to_each_other_are_no_endless_chain(struct test *t)
{
	struct story s;
	struct trace_chain c;
	char bins[SESSION + 1];

	story_begin(&s);
	type(t, bins);
	attack(&s, bins);
	at_station(story_flow(&s, 10, 10 + SESSION, "198.51.100.7", "192.0.2.1", bins, bins),
		   "beta-edge");
	at_station(story_flow(&s, 10, 10 + SESSION, "192.0.2.1", "198.51.100.7", bins, bins),
		   "beta-edge");
	at_station(story_flow(&s, 10, 10 + SESSION, "192.0.2.1", "192.0.2.1", bins, bins),
		   "beta-edge");
	EXPECT_UINT(t, trace(&s, &c), ST_OK);
	EXPECT(t, c.hop_count == 2 && c.stop == TRACE_UNOBSERVED);
	story_end(&s);
}

static void clocks_that_disagree_lose_the_chain_but_invent_none(struct test *t)
{
	static const int64_t skews[] = {-3600, -5, 5, 3600};

	for (size_t i = 0; i < sizeof skews / sizeof skews[0]; i++) {
		struct story s;
		struct trace_chain c;
		char bins[SESSION + 1];
		struct record *r;

		story_begin(&s);
		for (int k = 0; k <= SESSION; k++) /* far apart, so that no skew fits by accident */
			bins[k] = k == SESSION ? '\0' : k % 40 == 0 ? '1' : '0';
		attack(&s, bins);
		r = story_flow(&s, 10 + skews[i], 10 + skews[i] + SESSION, "198.51.100.7",
			       "192.0.2.1", bins, "1");
		at_station(r, "beta-edge");
		EXPECT_UINT(t, trace(&s, &c), ST_OK);
		EXPECT_UINT(t, c.hop_count, 1);
		/* and one whose end lies before its start */
		r->u.flow.end = story_time(-100);
		EXPECT_UINT(t, trace(&s, &c), ST_OK);
		EXPECT_UINT(t, c.hop_count, 1);
		story_end(&s);
	}
}

static void no_actor_no_chain(struct test *t)
{
	struct story s;
	struct trace_chain c;

	story_begin(&s);
	story_alert(&s, 0, "10.0.0.1", "8.8.8.8", "domain-c2", 1)->app_proto = SLICE("dns");
	EXPECT_UINT(t, trace(&s, &c), ST_OK);
	EXPECT(t, c.hop_count == 0 && c.stop == TRACE_UNOBSERVED && c.whole.hi == 1000);
	story_end(&s);
}

static void order_of_the_flows_does_not_matter(struct test *t)
{
	for (int round = 0; round < 20; round++) {
		struct story s;
		struct trace_chain one, two;
		char bins[SESSION + 1], other[SESSION + 1];

		story_begin(&s);
		type(t, bins);
		attack(&s, bins);
		for (int i = 0; i < 6; i++) {
			char from[32];

			type(t, other);
			(void)snprintf(from, sizeof from, "203.0.113.%d", i % 3);
			(void)story_flow(&s, 10, 10 + SESSION, from, "192.0.2.1",
					 i == 4 ? bins
						: (char *)arena_copy_z(&s.arena, slice_of(other)),
					 "1");
		}
		EXPECT_UINT(t, trace(&s, &one), ST_OK);
		for (size_t i = s.set.count; i-- > 3;) {
			size_t k = 2 + test_rand(t) % (i - 1);
			struct fact *spare = &s.facts[STORY_FACTS_MAX - 1];

			*spare = s.facts[i];
			s.facts[i].record = s.facts[k].record;
			s.facts[k].record = spare->record;
		}
		EXPECT_UINT(t, trace(&s, &two), ST_OK);
		EXPECT(t, one.hop_count == two.hop_count && one.stop == two.stop);
		EXPECT(t, one.whole.lo == two.whole.lo && one.whole.hi == two.whole.hi);
		story_end(&s);
	}
}

static void every_allocation_may_fail(struct test *t)
{
	enum status st = ST_NOMEM;
	char bins[SESSION + 1];

	type(t, bins);
	for (size_t n = 1; st != ST_OK; n++) {
		struct story s;
		struct trace_chain c;
		struct incident_set set;

		story_begin(&s);
		attack(&s, bins);
		(void)story_flow(&s, 10, 10 + SESSION, "198.51.100.7", "192.0.2.1", bins, "1");
		EXPECT_UINT(
			t, incident_group(&s.set, s.parties, s.party_count, &s.arena, &set, &s.why),
			ST_OK);
		s.pool.fail_after = n;
		st = trace_incident(&set.incidents[0], &s.set, s.parties, s.party_count, &s.arena,
				    &c, &s.why);
		EXPECT(t, st == ST_OK || st == ST_NOMEM);
		story_end(&s);
		EXPECT(t, s.pool.out == 0 && n < 40);
	}
}

TESTS(T(a_machine_nobody_saw_into_ends_the_chain), T(an_address_that_never_answered_may_be_forged),
      T(the_true_source_is_found_and_the_decoy_is_not), T(benign_sources_alone_explain_nothing),
      T(commands_that_travel_back_are_traced_too),
      T(answers_to_polls_say_nothing_about_who_commands),
      T(a_typing_operator_is_told_from_an_honest_user),
      T(a_chain_is_followed_hop_by_hop_to_its_limit), T(a_relay_is_where_the_chain_ends),
      T(two_machines_that_send_to_each_other_are_no_endless_chain),
      T(clocks_that_disagree_lose_the_chain_but_invent_none), T(no_actor_no_chain),
      T(order_of_the_flows_does_not_matter), T(every_allocation_may_fail))
