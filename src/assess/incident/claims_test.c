/* SPDX-License-Identifier: Apache-2.0 */
#include "assess/incident/incident.h"
#include "assess/incident/story_test.h"
#include "test.h"

static const char alpha[] =
	"party A \"Alpha\"\nterritory XA\nnetwork 10.0.0.0/8\n"
	"asset 10.0.1.0/24 \"payments\" sector banking status civilian since 2026-01-01\n"
	"asset 10.0.2.0/24 \"base\" sector defence status military\n"
	"asset 10.0.3.0/24 \"port\" sector transport status dual-use\n"
	"asset 10.0.4.0/24 \"clinic\" sector health status protected\n"
	"asset 10.0.5.0/24 \"later\" sector health status civilian since 2027-01-01\n"
	"states no-authorised-test from 2026-01-01 until 2026-12-01\n"
	"states not-at-war-with B from 2026-01-01\n"
	"states no-attack-on B from 2026-01-01\n";
static const char beta[] = "party B \"Beta\"\nterritory XB\nnetwork 192.0.2.0/24\n"
			   "states not-at-war-with A from 2026-01-01\n";

/* The claims of the only incident in the story. */
static bool claims(struct story *s, struct claim_set *out)
{
	struct incident_set set;

	*out = (struct claim_set){0};
	return incident_group(&s->set, s->parties, s->party_count, &s->arena, &set, &s->why) ==
		       ST_OK &&
	       set.count == 1 &&
	       incident_claims(&set.incidents[0], &s->set, s->parties, s->party_count, &s->arena,
			       out, &s->why) == ST_OK;
}

static bool is(const struct claim_set *c, const char *atom, int32_t lo, int32_t hi)
{
	const struct claim *claim = claim_find(c, slice_of(atom));

	return claim != NULL && claim->p.lo == lo && claim->p.hi == hi && claim->why.len != 0;
}

static bool unknown(const struct claim_set *c, const char *atom)
{
	return claim_find(c, slice_of(atom)) == NULL;
}

static void a_scan_claims_little(struct test *t)
{
	struct story s;
	struct claim_set c;

	story_begin(&s);
	(void)story_behaviour(&s, 0, "192.0.2.1", "10.0.0.1", "scan.ports", 600);
	EXPECT(t, claims(&s, &c));
	EXPECT_UINT(t, c.count, 2);
	EXPECT(t, is(&c, "networked_system", 990, 1000) && is(&c, "intentional", 500, 900));
	EXPECT(t, unknown(&c, "access") && unknown(&c, "disruption"));
	story_end(&s);
}

static void an_attempt_is_not_access(struct test *t)
{
	struct story s;
	struct claim_set c;

	story_begin(&s);
	(void)story_alert(&s, 0, "192.0.2.1", "10.0.0.1", "attempted-admin", 1);
	EXPECT(t, claims(&s, &c));
	EXPECT(t, is(&c, "access_attempted", 700, 950) && unknown(&c, "access"));
	EXPECT(t, unknown(&c, "security_infringed") && unknown(&c, "authorised"));
	story_end(&s);
}

static void more_witnesses_make_it_surer(struct test *t)
{
	struct story s;
	struct claim_set c;
	struct record *r;

	story_begin(&s);
	(void)story_alert(&s, 0, "10.0.0.1", "192.0.2.1", "trojan-activity", 1);
	EXPECT(t, claims(&s, &c) && is(&c, "access", 700, 950) && is(&c, "hostile_code", 700, 950));
	(void)story_alert(&s, 1, "10.0.0.1", "192.0.2.1", "trojan-activity", 1);
	EXPECT(t, claims(&s, &c) && is(&c, "access", 700, 950)); /* the same witness again */
	EXPECT_UINT(t, claim_find(&c, SLICE("access"))->leaf_count, 2);
	(void)story_alert(&s, 2, "10.0.0.1", "192.0.2.1", "trojan-activity", 2);
	EXPECT(t, claims(&s, &c) && is(&c, "access", 850, 980));
	r = story_alert(&s, 3, "10.0.0.1", "192.0.2.1", "trojan-activity", 1);
	r->station = SLICE("core");
	EXPECT(t, claims(&s, &c) && is(&c, "access", 950, 995));
	(void)story_behaviour(&s, 4, "10.0.0.1", "192.0.2.1", "beacon", 10);
	EXPECT(t, claims(&s, &c) && is(&c, "access", 950, 995));
	EXPECT(t, is(&c, "prepositioned_code", 100, 600) && is(&c, "intentional", 900, 990));
	story_end(&s);
	story_begin(&s);
	(void)story_behaviour(&s, 4, "10.0.0.1", "192.0.2.1", "beacon", 500);
	EXPECT(t, claims(&s, &c) && is(&c, "access", 350, 950));
	story_end(&s);
}

static void what_an_exporter_told_counts_half_of_what_was_seen(struct test *t)
{
	struct story s;
	struct claim_set c;
	struct record *r;

	story_begin(&s);
	r = story_behaviour(&s, 0, "10.0.0.1", "192.0.2.1", "beacon", 1000);
	EXPECT(t, claims(&s, &c) && is(&c, "access", 700, 950));
	r->source = SLICE("flow export");
	EXPECT(t, claims(&s, &c) && is(&c, "access", 350, 950));
	EXPECT(t, slice_find(claim_find(&c, SLICE("access"))->why, SLICE("told by flow export")) !=
			  SIZE_MAX);
	/* one that saw it makes the difference */
	(void)story_alert(&s, 1, "10.0.0.1", "192.0.2.1", "trojan-activity", 1);
	EXPECT(t, claims(&s, &c) && is(&c, "access", 850, 980));
	story_end(&s);
}

static void known_malware_is_no_accident(struct test *t)
{
	struct story s;
	struct claim_set c;

	story_begin(&s);
	story_meta(&s, story_alert(&s, 0, "10.0.0.1", "192.0.2.1", "trojan-activity", 1),
		   "malware_family", "STRRAT");
	EXPECT(t, claims(&s, &c) && is(&c, "intentional", 960, 998));
	EXPECT(t, is(&c, "authorised", 0, 150) && is(&c, "intent_obtain_data", 400, 900));
	story_end(&s);
}

static void success_after_an_attempt_infringes_security(struct test *t)
{
	struct story s;
	struct claim_set c;

	story_begin(&s);
	(void)story_alert(&s, 1, "10.0.0.1", "192.0.2.1", "trojan-activity", 2);
	EXPECT(t, claims(&s, &c) && is(&c, "security_infringed", 400, 900));
	(void)story_alert(&s, 0, "192.0.2.1", "10.0.0.1", "attempted-admin", 1);
	EXPECT(t, claims(&s, &c) && is(&c, "security_infringed", 700, 950));
	story_end(&s);
}

static void stopping_and_destroying_are_told_apart(struct test *t)
{
	struct story s;
	struct claim_set c;

	story_begin(&s);
	(void)story_alert(&s, 0, "192.0.2.1", "10.0.0.1", "attempted-dos", 1);
	EXPECT(t, claims(&s, &c) && is(&c, "disruption", 100, 600));
	EXPECT(t, is(&c, "serious_hindering", 50, 500) && unknown(&c, "espionage_only"));
	(void)story_alert(&s, 599, "192.0.2.1", "10.0.0.1", "successful-dos", 2);
	EXPECT(t, claims(&s, &c) && is(&c, "disruption", 700, 950));
	EXPECT(t, is(&c, "serious_hindering", 50, 500) && is(&c, "espionage_only", 0, 100));
	(void)story_alert(&s, 600, "192.0.2.1", "10.0.0.1", "successful-dos", 2);
	EXPECT(t, claims(&s, &c) && is(&c, "serious_hindering", 300, 800));
	EXPECT(t, unknown(&c, "destruction") && unknown(&c, "data_altered"));
	story_meta(&s, story_alert(&s, 700, "192.0.2.1", "10.0.0.1", "x", 3), "dewline_act",
		   "destruction");
	EXPECT(t, claims(&s, &c) && is(&c, "destruction", 700, 950));
	EXPECT(t, is(&c, "data_altered", 700, 950) && is(&c, "serious_hindering", 600, 950));
	story_end(&s);
}

static void taking_data_alone_is_perhaps_espionage(struct test *t)
{
	struct story s;
	struct claim_set c;

	story_begin(&s);
	(void)story_behaviour(&s, 0, "10.0.0.1", "192.0.2.1", "dns.exfiltration", 1000);
	EXPECT(t, claims(&s, &c));
	EXPECT(t, is(&c, "data_obtained", 700, 950) && is(&c, "espionage_only", 300, 850));
	EXPECT(t, is(&c, "intent_obtain_data", 850, 990) && unknown(&c, "data_altered"));
	story_end(&s);
}

static void the_register_says_what_the_target_is(struct test *t)
{
	static const struct {
		const char *target;
		int32_t civilian, military, guarded, money; /* lower bounds; -1: unknown */
	} rows[] = {
		{"10.0.1.7", 950, 0, 0, 950}, {"10.0.2.7", 0, 950, 0, 0},
		{"10.0.3.7", 300, 300, 0, 0}, {"10.0.4.7", 950, 0, 950, 0},
		{"10.0.5.7", -1, -1, -1, -1}, {"10.0.6.7", -1, -1, -1, -1},
	};
	static const char *const atoms[] = {"civilian_target", "military_target",
					    "protected_target", "financial_target"};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const int32_t want[] = {rows[i].civilian, rows[i].military, rows[i].guarded,
					rows[i].money};
		struct story s;
		struct claim_set c;

		story_begin(&s);
		story_party(&s, alpha);
		(void)story_input(&s, "party", "A");
		(void)story_alert(&s, 0, "192.0.2.1", rows[i].target, "attempted-admin", 1);
		EXPECT(t, claims(&s, &c));
		for (size_t k = 0; k < 4; k++) {
			const struct claim *got = claim_find(&c, slice_of(atoms[k]));

			EXPECT(t, (got == NULL) == (want[k] < 0));
			EXPECT(t, got == NULL || (got->p.lo == want[k] && got->leaf_count == 1 &&
						  got->leaves[0] == 100));
		}
		story_end(&s);
	}
}

static void statements_count_for_their_period_and_by_who_makes_them(struct test *t)
{
	struct story s;
	struct claim_set c;

	story_begin(&s);
	story_party(&s, alpha);
	(void)story_alert(&s, 0, "192.0.2.1", "10.0.0.1", "attempted-admin", 1);
	EXPECT(t, claims(&s, &c) && is(&c, "authorised", 0, 50));
	EXPECT(t, unknown(&c, "shooting_war_between_them"));
	story_party(&s, beta);
	EXPECT(t, claims(&s, &c) && is(&c, "shooting_war_between_them", 0, 20));
	EXPECT(t, is(&c, "prior_cyber_attack_by_victim", 0, 300));
	s.parties[1].statement_count = 0;
	EXPECT(t, claims(&s, &c) && is(&c, "shooting_war_between_them", 0, 100));
	story_party(&s, "party C \"Gamma\"\nterritory XC\n"); /* nobody says a word about it */
	EXPECT(t, claims(&s, &c) && unknown(&c, "shooting_war_between_them"));
	EXPECT(t, unknown(&c, "prior_cyber_attack_by_victim"));
	story_end(&s);

	story_begin(&s); /* 1 December is no longer covered */
	story_party(&s, alpha);
	(void)story_alert(&s, 9 * 86400, "192.0.2.1", "10.0.0.1", "attempted-admin", 1);
	EXPECT(t, claims(&s, &c) && unknown(&c, "authorised"));
	story_end(&s);

	story_begin(&s); /* both, so neither */
	story_party(&s, "party A \"Alpha\"\nterritory XA\nnetwork 10.0.0.0/8\n"
			"states authorised-test from 2026-01-01\n"
			"states at-war-with B from 2026-01-01\n");
	story_party(&s, beta);
	(void)story_alert(&s, 0, "192.0.2.1", "10.0.0.1", "attempted-admin", 1);
	EXPECT(t, claims(&s, &c) && is(&c, "authorised", 500, 1000));
	EXPECT(t, unknown(&c, "shooting_war_between_them"));
	s.parties[1].statement_count = 0;
	EXPECT(t, claims(&s, &c) && is(&c, "shooting_war_between_them", 800, 1000));
	story_end(&s);
}

static void a_basis_is_ascending_and_bounded(struct test *t)
{
	for (size_t n = INCIDENT_BASIS_MAX - 1; n <= INCIDENT_BASIS_MAX + 1; n++) {
		struct story s;
		struct claim_set c;
		const struct claim *got;

		story_begin(&s);
		for (size_t i = 0; i < n; i++) /* the later leaf is the earlier event */
			(void)story_alert(&s, (int64_t)(1000 - i), "192.0.2.1", "10.0.0.1",
					  "attempted-admin", 1);
		EXPECT(t, claims(&s, &c));
		got = claim_find(&c, SLICE("access_attempted"));
		EXPECT_UINT(t, got->leaf_count, n < INCIDENT_BASIS_MAX ? n : INCIDENT_BASIS_MAX);
		for (size_t i = 1; i < got->leaf_count; i++)
			EXPECT(t, got->leaves[i - 1] < got->leaves[i]);
		story_end(&s);
	}
}

static void every_allocation_may_fail(struct test *t)
{
	bool ok = false;

	for (size_t n = 1; !ok; n++) {
		struct story s;
		struct claim_set c;

		story_begin(&s);
		story_party(&s, alpha);
		story_party(&s, beta);
		(void)story_alert(&s, 0, "192.0.2.1", "10.0.1.1", "trojan-activity", 1);
		s.pool.fail_after = n;
		ok = claims(&s, &c);
		EXPECT(t, ok || s.why.status == ST_NOMEM);
		story_end(&s);
		EXPECT(t, s.pool.out == 0 && n < 60);
	}
}

TESTS(T(a_scan_claims_little), T(an_attempt_is_not_access), T(more_witnesses_make_it_surer),
      T(what_an_exporter_told_counts_half_of_what_was_seen), T(known_malware_is_no_accident),
      T(success_after_an_attempt_infringes_security), T(stopping_and_destroying_are_told_apart),
      T(taking_data_alone_is_perhaps_espionage), T(the_register_says_what_the_target_is),
      T(statements_count_for_their_period_and_by_who_makes_them),
      T(a_basis_is_ascending_and_bounded), T(every_allocation_may_fail))
