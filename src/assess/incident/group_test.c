/* SPDX-License-Identifier: Apache-2.0 */
#include "assess/incident/incident.h"
#include "assess/incident/incident_priv.h"
#include "assess/incident/story_test.h"
#include "test.h"

static enum status group(struct story *s, struct incident_set *out)
{
	return incident_group(&s->set, s->parties, s->party_count, &s->arena, out, &s->why);
}

static bool is_addr(const struct addr *a, const char *text)
{
	struct addr b = story_addr(text);

	return addr_equal(a, &b);
}

static void no_events_make_no_incident(struct test *t)
{
	struct story s;
	struct incident_set set;

	story_begin(&s);
	(void)story_flow(&s, 0, 1, "192.0.2.1", "10.0.0.1", "1", "1");
	(void)story_location(&s, "192.0.2.1", "libloc", "XA");
	story_fact(&s, RECORD_ANOMALY, 2, "192.0.2.1", "10.0.0.1")->u.anomaly.type =
		SLICE("decode");
	EXPECT_UINT(t, group(&s, &set), ST_OK);
	EXPECT(t, set.count == 0 && set.events == 0 && set.noted == 0);
	EXPECT_SLICE(t, set.rule, SLICE("actor-target-30m"));
	story_end(&s);
}

static void thirty_minutes_is_one_incident_and_a_moment_more_is_two(struct test *t)
{
	for (int64_t extra = -1; extra <= 1; extra++) {
		struct story s;
		struct incident_set set;

		story_begin(&s);
		(void)story_alert(&s, 0, "192.0.2.1", "10.0.0.1", "attempted-admin", 1);
		story_alert(&s, 1800, "192.0.2.1", "10.0.0.1", "attempted-admin", 1)->at.ns +=
			extra;
		EXPECT_UINT(t, group(&s, &set), ST_OK);
		EXPECT_UINT(t, set.count, extra > 0 ? 2 : 1);
		EXPECT_UINT(t, set.events, 2);
		story_end(&s);
	}
}

static void an_incident_tells_its_story(struct test *t)
{
	struct story s;
	struct incident_set set;
	const struct incident *i;
	struct record *r;

	story_begin(&s);
	story_party(&s, "party A \"Alpha\"\nterritory XA\nnetwork 10.0.0.0/8\n");
	(void)story_alert(&s, 60, "192.0.2.1", "10.0.0.9", "network-scan", 5);
	r = story_alert(&s, 30, "192.0.2.1", "10.0.0.1", "attempted-admin", 6);
	r->station = SLICE("core");
	r = story_alert(&s, 90, "10.0.0.1", "192.0.2.1", "trojan-activity", 7);
	r->u.alert.signature = SLICE("MALWARE check-in");
	story_meta(&s, r, "malware_family", "STRRAT");
	(void)story_behaviour(&s, 120, "10.0.0.1", "192.0.2.1", "beacon", 800);
	(void)story_alert(&s, 130, "10.0.0.1", "192.0.2.1", "bad-unknown", 8);
	(void)story_alert(&s, 140, "10.0.0.1", "192.0.2.1", "policy-violation", 9);
	EXPECT_UINT(t, group(&s, &set), ST_OK);
	EXPECT(t, set.count == 1 && set.events == 5 && set.noted == 1);
	i = &set.incidents[0];
	EXPECT(t, i->number == 1 && i->step_count == 5);
	EXPECT(t, is_addr(&i->actor, "192.0.2.1") && is_addr(&i->target, "10.0.0.1"));
	EXPECT_SLICE(t, i->target_party, SLICE("A"));
	EXPECT_SLICE(t, i->title, SLICE("a behaviour"));
	EXPECT_SLICE(t, i->family, SLICE("STRRAT"));
	EXPECT(t, i->gravest == INCIDENT_BEACON && i->per_act[INCIDENT_BEACON] == 1 &&
			  i->per_act[INCIDENT_MALWARE] == 1 && i->per_act[INCIDENT_OTHER] == 1);
	EXPECT(t, i->first.ns == story_time(30).ns && i->last.ns == story_time(130).ns);
	EXPECT(t, i->steps[0].leaf == 101 && i->steps[1].leaf == 100 && i->steps[4].leaf == 104);
	EXPECT(t, i->station_count == 2 && slice_equal(i->stations[0], SLICE("core")) &&
			  slice_equal(i->stations[1], SLICE("edge")));
	story_end(&s);
}

/* Who acted on whom, for one alert between the two. */
static void the_actor_is_who_attacked(struct test *t)
{
	static const struct {
		const char *src, *dst, *direction, *classtype, *key, *value, *actor;
	} rows[] = {
		/* the packet carries the attack */
		{"192.0.2.1", "10.0.0.1", "to_server", "attempted-admin", "", "", "192.0.2.1"},
		{"10.0.0.1", "192.0.2.1", "to_server", "attempted-admin", "", "", "10.0.0.1"},
		{"192.0.2.1", "10.0.0.1", "to_client", "shellcode-detect", "", "", "192.0.2.1"},
		/* the answer shows it */
		{"10.0.0.1", "192.0.2.1", "to_client", "successful-admin", "", "", "192.0.2.1"},
		{"192.0.2.1", "10.0.0.1", "to_server", "successful-admin", "", "", "192.0.2.1"},
		/* malware and its server */
		{"10.0.0.1", "192.0.2.1", "to_server", "trojan-activity", "", "", "192.0.2.1"},
		{"192.0.2.1", "10.0.0.1", "to_client", "trojan-activity", "", "", "192.0.2.1"},
		{"192.0.2.1", "10.0.0.1", "to_server", "command-and-control", "", "", "192.0.2.1"},
		{"192.0.2.1", "198.51.100.1", "to_server", "trojan-activity", "", "",
		 "198.51.100.1"},
		/* the rule's own words */
		{"192.0.2.1", "10.0.0.1", "to_client", "attempted-user", "attack_target",
		 "Client_Endpoint", "192.0.2.1"},
		{"10.0.0.1", "192.0.2.1", "to_server", "attempted-user", "attack_target",
		 "Client_Endpoint", "192.0.2.1"},
		{"10.0.0.1", "192.0.2.1", "to_client", "attempted-admin", "attack_target",
		 "Web_Server", "192.0.2.1"},
		{"10.0.0.1", "192.0.2.1", "to_server", "attempted-admin", "dewline_actor", "dst",
		 "192.0.2.1"},
		{"192.0.2.1", "10.0.0.1", "to_server", "trojan-activity", "dewline_actor", "server",
		 "10.0.0.1"},
		{"10.0.0.1", "192.0.2.1", "to_server", "misc-activity", "dewline_act",
		 "exfiltration", "192.0.2.1"},
		{"fd00::1", "2001:db8::1", "to_server", "trojan-activity", "", "", "2001:db8::1"},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct story s;
		struct incident_set set;
		struct record *r;

		story_begin(&s);
		r = story_alert(&s, 0, rows[i].src, rows[i].dst, rows[i].classtype, 1);
		r->direction = slice_of(rows[i].direction);
		if (rows[i].key[0] != '\0')
			story_meta(&s, r, rows[i].key, rows[i].value);
		EXPECT_UINT(t, group(&s, &set), ST_OK);
		EXPECT_UINT(t, set.count, 1);
		if (!is_addr(&set.incidents[0].actor, rows[i].actor))
			test_fail(t, __FILE__, __LINE__, "row %zu: another actor", i);
		story_end(&s);
	}
}

static void party_networks_say_what_is_inside(struct test *t)
{
	struct story s;
	struct incident_set set;

	story_begin(&s);
	story_party(&s, "party A \"Alpha\"\nterritory XA\nnetwork 198.51.100.0/24\n");
	/* the client is inside by the file, though the server is not private */
	(void)story_alert(&s, 0, "192.0.2.1", "198.51.100.9", "trojan-activity", 1);
	EXPECT_UINT(t, group(&s, &set), ST_OK);
	EXPECT(t, set.count == 1 && is_addr(&set.incidents[0].actor, "192.0.2.1"));
	EXPECT(t, is_addr(&set.incidents[0].target, "198.51.100.9"));
	story_end(&s);
}

static void machines_of_one_protected_network_are_one_target(struct test *t)
{
	struct story s;
	struct incident_set set;

	story_begin(&s);
	(void)story_behaviour(&s, 0, "192.0.2.1", "10.0.0.1", "scan.ports", 500);
	(void)story_behaviour(&s, 1, "192.0.2.1", "10.0.0.2", "scan.ports", 500);
	EXPECT_UINT(t, group(&s, &set), ST_OK);
	EXPECT_UINT(t, set.count, 2);
	story_party(&s, "party A \"Alpha\"\nterritory XA\nnetwork 10.0.0.0/8\n");
	EXPECT_UINT(t, group(&s, &set), ST_OK);
	EXPECT_UINT(t, set.count, 1);
	EXPECT(t, is_addr(&set.incidents[0].target, "10.0.0.1"));
	(void)story_behaviour(&s, 2, "192.0.2.1", "10.0.0.2", "scan.ports", 500);
	EXPECT_UINT(t, group(&s, &set), ST_OK);
	EXPECT(t, set.count == 1 && is_addr(&set.incidents[0].target, "10.0.0.2"));
	story_end(&s);
}

static void what_is_only_informational_makes_no_incident(struct test *t)
{
	static const char *const classes[] = {
		"misc-activity",    "not-suspicious",	       "bad-unknown",
		"policy-violation", "protocol-command-decode", "no-such-class"};

	for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
		struct story s;
		struct incident_set set;

		story_begin(&s);
		(void)story_alert(&s, 0, "192.0.2.1", "10.0.0.1", classes[i], 1);
		EXPECT_UINT(t, group(&s, &set), ST_OK);
		EXPECT(t, set.count == 0 && set.noted == 1 && set.events == 0);
		story_end(&s);
	}
}

static void an_unknown_class_joins_by_severity(struct test *t)
{
	for (uint64_t severity = 1; severity <= 3; severity++) {
		struct story s;
		struct incident_set set;

		story_begin(&s);
		(void)story_alert(&s, 0, "192.0.2.1", "10.0.0.1", "attempted-admin", 1);
		story_alert(&s, 1, "192.0.2.1", "10.0.0.1", "no-such-class", 2)->u.alert.severity =
			severity;
		EXPECT_UINT(t, group(&s, &set), ST_OK);
		EXPECT_UINT(t, set.incidents[0].step_count, severity <= 2 ? 2 : 1);
		EXPECT_UINT(t, set.noted, severity <= 2 ? 0 : 1);
		story_end(&s);
	}
}

static void a_resolver_is_never_the_actor(struct test *t)
{
	struct story s;
	struct incident_set set;
	struct record *r;

	story_begin(&s);
	r = story_alert(&s, 0, "10.0.0.1", "8.8.8.8", "domain-c2", 1);
	r->app_proto = SLICE("dns");
	EXPECT_UINT(t, group(&s, &set), ST_OK);
	EXPECT(t, set.count == 1 && set.incidents[0].actor.family == 0);
	EXPECT(t, is_addr(&set.incidents[0].target, "10.0.0.1"));
	/* with the connection that follows it is one incident, whose actor is known */
	(void)story_alert(&s, 1799, "10.0.0.1", "192.0.2.1", "trojan-activity", 2);
	EXPECT_UINT(t, group(&s, &set), ST_OK);
	EXPECT(t, set.count == 1 && set.incidents[0].step_count == 2);
	EXPECT(t, is_addr(&set.incidents[0].actor, "192.0.2.1"));
	/* another machine's look-up is another incident */
	r = story_alert(&s, 60, "10.0.0.2", "8.8.8.8", "domain-c2", 1);
	r->app_proto = SLICE("dns");
	EXPECT_UINT(t, group(&s, &set), ST_OK);
	EXPECT_UINT(t, set.count, 2);
	/* a tunnel through our own resolver hides its server, one straight out shows it */
	(void)story_behaviour(&s, 9000, "10.0.0.3", "10.0.0.53", "dns.exfiltration", 900);
	(void)story_behaviour(&s, 9000, "10.0.0.4", "192.0.2.53", "dns.exfiltration", 900);
	EXPECT_UINT(t, group(&s, &set), ST_OK);
	EXPECT(t, set.count == 4 && set.incidents[2].actor.family == 0);
	EXPECT(t, is_addr(&set.incidents[3].actor, "192.0.2.53"));
	story_end(&s);
	/* a server in another party's network is no resolver of ours, one in our own is */
	story_begin(&s);
	story_party(&s, "party A \"Alpha\"\nterritory XA\nnetwork 203.0.113.0/24\n");
	story_party(&s, "party B \"Beta\"\nterritory XB\nnetwork 198.51.100.0/24\n");
	(void)story_behaviour(&s, 0, "203.0.113.4", "198.51.100.53", "dns.exfiltration", 900);
	(void)story_behaviour(&s, 9000, "203.0.113.4", "203.0.113.53", "dns.exfiltration", 900);
	EXPECT_UINT(t, group(&s, &set), ST_OK);
	EXPECT(t, set.count == 2 && is_addr(&set.incidents[0].actor, "198.51.100.53"));
	EXPECT(t, set.incidents[1].actor.family == 0);
	story_end(&s);
}

static void order_of_the_facts_does_not_matter(struct test *t)
{
	static const char *const classes[] = {"attempted-admin", "network-scan", "trojan-activity",
					      "bad-unknown", "misc-activity"};
	static const char *const outside[] = {"192.0.2.1", "192.0.2.2"};
	static const char *const inside[] = {"10.0.0.1", "10.0.0.2", "10.0.0.3"};

	for (int round = 0; round < 40; round++) {
		struct story s;
		struct incident_set one, two;
		size_t n = 40, steps = 0;

		story_begin(&s);
		for (size_t i = 0; i < n; i++)
			(void)story_alert(&s, (int64_t)(test_rand(t) % 20000),
					  outside[test_rand(t) % 2], inside[test_rand(t) % 3],
					  classes[test_rand(t) % 5], test_rand(t) % 4);
		EXPECT_UINT(t, group(&s, &one), ST_OK);
		for (size_t i = n; i-- > 1;) { /* leaves travel with their records here */
			size_t k = test_rand(t) % (i + 1);
			struct fact *spare = &s.facts[STORY_FACTS_MAX - 1];

			*spare = s.facts[i];
			s.facts[i] = s.facts[k];
			s.facts[k] = *spare;
		}
		EXPECT_UINT(t, group(&s, &two), ST_OK);
		EXPECT(t, one.count == two.count && one.noted == two.noted);
		for (size_t i = 0; i < one.count; i++) {
			const struct incident *a = &one.incidents[i], *b = &two.incidents[i];

			EXPECT(t,
			       a->step_count == b->step_count && addr_equal(&a->actor, &b->actor));
			EXPECT(t, i == 0 || one.incidents[i - 1].first.ns <= a->first.ns);
			EXPECT_UINT(t, a->number, i + 1);
			for (size_t k = 0; k < a->step_count; k++) {
				EXPECT_UINT(t, a->steps[k].leaf, b->steps[k].leaf);
				EXPECT(t, k == 0 || (a->steps[k].at.ns - a->steps[k - 1].at.ns <=
							     1800 * TIME_NS_PER_S &&
						     a->steps[k].at.ns >= a->steps[k - 1].at.ns));
			}
			steps += a->step_count;
		}
		EXPECT(t, steps == one.events && steps + one.noted == n);
		story_end(&s);
	}
}

static void every_allocation_may_fail(struct test *t)
{
	enum status st = ST_NOMEM;

	for (size_t n = 1; st != ST_OK; n++) {
		struct story s;
		struct incident_set set;

		story_begin(&s);
		for (int i = 0; i < 100; i++)
			(void)story_alert(&s, i * 1000, "192.0.2.1", "10.0.0.1", "attempted-admin",
					  1);
		s.pool.fail_after = n;
		st = group(&s, &set);
		EXPECT(t, st == ST_OK || st == ST_NOMEM);
		story_end(&s);
		EXPECT_UINT(t, s.pool.out, 0);
		EXPECT(t, n < 100);
	}
}

/* Sources of a flood are forged: an incident, and nobody's. An upload by itself is none. */
static void floods_have_no_actor_and_uploads_start_nothing(struct test *t)
{
	struct story s;
	struct incident_set set;

	story_begin(&s);
	(void)story_behaviour(&s, 0, "203.0.113.9", "10.0.0.1", "flood.spoofed", 1000);
	(void)story_behaviour(&s, 9000, "10.0.0.2", "203.0.113.8", "exfiltration.upload", 900);
	(void)story_behaviour(&s, 20000, "10.0.0.3", "203.0.113.7", "bruteforce.guessing", 900);
	(void)story_behaviour(&s, 20060, "10.0.0.3", "203.0.113.7", "scan.slow", 900);
	EXPECT_UINT(t, group(&s, &set), ST_OK);
	EXPECT_UINT(t, set.count, 2);
	EXPECT_UINT(t, set.noted, 1);
	EXPECT_UINT(t, set.incidents[0].actor.family, 0);
	EXPECT(t, set.incidents[0].gravest == INCIDENT_DISRUPTION);
	EXPECT(t, set.incidents[1].gravest == INCIDENT_ACCESS_ATTEMPT);
	EXPECT_UINT(t, set.incidents[1].step_count, 2);
	story_end(&s);
}

TESTS(T(floods_have_no_actor_and_uploads_start_nothing), T(no_events_make_no_incident),
      T(thirty_minutes_is_one_incident_and_a_moment_more_is_two), T(an_incident_tells_its_story),
      T(the_actor_is_who_attacked), T(party_networks_say_what_is_inside),
      T(machines_of_one_protected_network_are_one_target),
      T(what_is_only_informational_makes_no_incident), T(an_unknown_class_joins_by_severity),
      T(a_resolver_is_never_the_actor), T(order_of_the_facts_does_not_matter),
      T(every_allocation_may_fail))
