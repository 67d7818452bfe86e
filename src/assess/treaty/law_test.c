/* SPDX-License-Identifier: Apache-2.0
 * The treaties that ship: they compile, and say what their texts say. */
#include "assess/treaty/treaty_priv.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>

struct fixture {
	struct arena_pool pool;
	struct arena a;
	struct treaty *t;
	struct claim_set claims;
	struct treaty_case c;
	struct treaty_finding *f;
	size_t count;
	struct fail why;
};

static void done(struct fixture *x)
{
	arena_reset(&x->a);
	arena_pool_drain(&x->pool);
}

static bool setup(struct fixture *x, const char *name)
{
	const char *root = getenv("DEW_SOURCE_ROOT");
	char path[4096];
	uint8_t *text;
	size_t n;
	FILE *file;

	*x = (struct fixture){.pool = {.budget = 16 << 20}};
	x->a.pool = &x->pool;
	(void)snprintf(path, sizeof path, "%s/treaties/%s", root ? root : ".", name);
	file = fopen(path, "rbe");
	text = ARENA_ARRAY(&x->a, uint8_t, TREATY_TEXT_MAX);
	if (file == NULL || text == NULL)
		return false;
	n = fread(text, 1, TREATY_TEXT_MAX, file);
	(void)fclose(file);
	x->c = (struct treaty_case){.claims = &x->claims,
				    .at = {INT64_C(1790000000) * TIME_NS_PER_S},
				    .claimant = SLICE("A"),
				    .respondent = SLICE("B"),
				    .claimant_bound = true,
				    .respondent_bound = true};
	if (treaty_compile(slice_of(name), (struct slice){text, n}, &x->a, &x->t, NULL, &x->why) ==
	    ST_OK)
		return true;
	printf("# %s\n", x->why.text);
	return false;
}

static void say(struct fixture *x, const char *atom, bool yes)
{
	struct claim c = {.atom = slice_of(atom)};

	c.p.lo = c.p.hi = yes ? CLAIM_CERTAIN : 0;
	for (size_t i = 0; i < x->claims.count; i++)
		if (slice_equal(x->claims.claims[i].atom, c.atom)) {
			x->claims.claims[i].p = c.p;
			return;
		}
	ASSERT(claim_add(&x->claims, &x->a, c));
}

static const struct treaty_finding *judge(struct fixture *x, const char *clause)
{
	if (treaty_judge(x->t, &x->c, &x->a, &x->f, &x->count, &x->why) != ST_OK)
		return NULL;
	for (size_t i = 0; i < x->count; i++)
		if (slice_equal(x->f[i].clause, slice_of(clause)))
			return &x->f[i];
	return NULL;
}

/* Article 2 between two parties in one of 16 cases: bits are security infringed, intent to obtain
 * data, other dishonest intent, networked system. */
static bool article_2(struct fixture *x, unsigned bits, struct slice one, struct slice other)
{
	const struct treaty_finding *f;

	say(x, "access", true);
	say(x, "authorised", false);
	say(x, "intentional", true);
	say(x, "security_infringed", bits & 1);
	say(x, "intent_obtain_data", bits & 2);
	say(x, "dishonest_intent", bits & 4);
	say(x, "networked_system", bits & 8);
	x->c.claimant = one;
	x->c.respondent = other;
	f = judge(x, "budapest.2");
	ASSERT(f != NULL && f->value != TREATY_UNDETERMINED);
	return f->value == TREATY_TRUE;
}

static unsigned cases(struct fixture *x, const char *one, const char *other, bool either)
{
	unsigned n = 0;

	for (unsigned bits = 0; bits < 16; bits++)
		n += either ? article_2(x, bits, slice_of(one), slice_of(one)) ||
				      article_2(x, bits, slice_of(other), slice_of(other))
			    : article_2(x, bits, slice_of(one), slice_of(other));
	return n;
}

static void declarations_shrink_article_2_as_counted(struct test *t)
{
	static const char *const parties[] = {"US", "DE", "CH", "JP", "CZ"};
	static const unsigned want[] = {8, 8, 8, 4, 8};
	struct fixture x;
	unsigned common = 0;

	EXPECT(t, setup(&x, "budapest.treaty"));
	EXPECT_UINT(t, cases(&x, "A", "B", false), 16); /* the treaty's own words */
	for (size_t i = 0; i < 5; i++)
		EXPECT_UINT(t, cases(&x, parties[i], parties[i], false), want[i]);
	for (unsigned bits = 0; bits < 16; bits++) {
		bool all = true;

		for (size_t i = 0; i < 5; i++)
			all &= article_2(&x, bits, slice_of(parties[i]), slice_of(parties[i]));
		common += all;
	}
	EXPECT_UINT(t, common, 2);
	/* two by two: agreed, of those that at least one side punishes */
	EXPECT_UINT(t, cases(&x, "US", "DE", false), 4);
	EXPECT_UINT(t, cases(&x, "US", "DE", true), 12);
	EXPECT_UINT(t, cases(&x, "DE", "JP", false), 4);
	EXPECT_UINT(t, cases(&x, "DE", "JP", true), 8);
	EXPECT_UINT(t, cases(&x, "US", "JP", false), 2);
	EXPECT_UINT(t, cases(&x, "US", "JP", true), 10);
	/* before the declaration there is none */
	x.c.at.ns = INT64_C(1160000000) * TIME_NS_PER_S; /* October 2006 */
	EXPECT_UINT(t, cases(&x, "US", "US", false), 16);
	done(&x);
}

static void interception_by_spies_is_outside_article_3_for_switzerland(struct test *t)
{
	struct fixture x;

	EXPECT(t, setup(&x, "budapest.treaty"));
	say(&x, "interception", true);
	say(&x, "authorised", false);
	say(&x, "intentional", true);
	say(&x, "enrichment_intent", false);
	EXPECT(t, judge(&x, "budapest.3")->value == TREATY_TRUE);
	x.c.respondent = SLICE("CH");
	EXPECT(t, judge(&x, "budapest.3")->value == TREATY_FALSE);
	EXPECT(t, judge(&x, "budapest.5")->unverifiable);
	done(&x);
}

static void wipe_the_bank_and_steal_from_it_are_two_things(struct test *t)
{
	struct fixture x;

	EXPECT(t, setup(&x, "cwlt.treaty"));
	say(&x, "attributed_to_state", true);
	say(&x, "financial_target", true);
	say(&x, "data_altered", false);
	say(&x, "destruction", false);
	say(&x, "prepositioned_code", false);
	EXPECT(t, judge(&x, "cwlt.6")->value == TREATY_FALSE);
	say(&x, "destruction", true);
	say(&x, "shooting_war_between_them", true); /* no excuse for banks */
	EXPECT(t, judge(&x, "cwlt.6")->value == TREATY_TRUE);
	say(&x, "civilian_target", true);
	EXPECT(t, judge(&x, "cwlt.4")->value == TREATY_FALSE);
	done(&x);
}

static void spying_is_permitted_and_assistance_waits_for_a_request(struct test *t)
{
	struct fixture x;

	EXPECT(t, setup(&x, "cwlt.treaty"));
	say(&x, "espionage_only", true);
	EXPECT_SLICE(t, judge(&x, "cwlt.4")->result, SLICE("permitted"));
	EXPECT_SLICE(t, judge(&x, "cwlt.5")->result, SLICE("permitted"));
	EXPECT_SLICE(t, judge(&x, "cwlt.2")->result, SLICE("not judged"));
	EXPECT(t, slice_find(judge(&x, "cwlt.3")->source, SLICE("(unchecked)")) != SIZE_MAX);
	EXPECT(t, slice_find(judge(&x, "cwlt.4")->article, SLICE("Military targets")) != SIZE_MAX);
	done(&x);
}

/* Accountability asks how a request was answered, and not who acted. */
static void the_territory_state_has_to_show_that_it_acted(struct test *t)
{
	struct fixture x;

	EXPECT(t, setup(&x, "cwlt.treaty"));
	say(&x, "origin_in_territory", true);
	say(&x, "disruption", true);
	EXPECT(t, judge(&x, "cwlt.3")->value == TREATY_UNDETERMINED);
	say(&x, "help_requested", true);
	EXPECT_SLICE(t, judge(&x, "cwlt.3")->result, SLICE("breach shown"));
	say(&x, "attributed_to_state", false); /* private hackers: no excuse */
	EXPECT_SLICE(t, judge(&x, "cwlt.3")->result, SLICE("breach shown"));
	say(&x, "feasible_measures_taken", true);
	EXPECT_SLICE(t, judge(&x, "cwlt.3")->result, SLICE("no breach"));
	say(&x, "feasible_measures_taken", false);
	say(&x, "help_requested", false);
	EXPECT_SLICE(t, judge(&x, "cwlt.3")->result, SLICE("no breach"));
	EXPECT_SLICE(t, judge(&x, "cwlt.4")->result, SLICE("no breach"));
	done(&x);
}

static void every_term_of_cwlt_is_of_the_shared_vocabulary(struct test *t)
{
	static const char *const words[] = {
		"access", "access_attempted", "authorised", "intentional", "disruption",
		"destruction", "data_altered", "data_obtained", "interception", "serious_hindering",
		"hostile_code", "civilian_target", "financial_target", "military_target",
		"protected_target", "espionage_only", "shooting_war_between_them",
		"prior_cyber_attack_by_victim", "security_infringed", "networked_system",
		"intent_obtain_data", "dishonest_intent", "prepositioned_code",
		"attributed_to_state", "attributed_to_party", "origin_in_territory",
		"transit_in_territory",
		/* of parties' declarations alone; nothing that is seen bears on them */
		"serious_harm", "enrichment_intent",
		/* of requests and answers, which are on no wire */
		"help_requested", "feasible_measures_taken"};

	for (int file = 0; file < 2; file++) {
		struct fixture x;

		EXPECT(t, setup(&x, file ? "cwlt.treaty" : "budapest.treaty"));
		for (size_t i = 0; i < x.t->term_count; i++) {
			bool known = false;

			for (size_t k = 0; k < sizeof words / sizeof *words; k++)
				known |= slice_equal(x.t->terms[i].name, slice_of(words[k]));
			EXPECT(t, known);
		}
		done(&x);
	}
}

/* ---- all that ship ----------------------------------------------------------------------------
 */

static const char *const shipped[] = {"budapest-protocol-2.treaty",
				      "budapest-rest.treaty",
				      "budapest.treaty",
				      "cwlt.treaty",
				      "gge-2015.treaty",
				      "responsibility.treaty",
				      "russia-2011.treaty",
				      "sco.treaty",
				      "tallinn.treaty",
				      "un-2024.treaty"};

static void what_is_below_k1_is_unchecked_in_every_verdict(struct test *t)
{
	size_t unchecked = 0, checked = 0;

	for (size_t i = 0; i < sizeof shipped / sizeof *shipped; i++) {
		struct fixture x;

		EXPECT(t, setup(&x, shipped[i]));
		EXPECT(t, treaty_judge(x.t, &x.c, &x.a, &x.f, &x.count, &x.why) == ST_OK);
		for (size_t k = 0; k < x.count; k++) {
			const struct treaty_source *s = treaty_clause_source(x.t, k);
			bool low = slice_equal(s->mark, SLICE("K2"));

			EXPECT(t, low == slice_ends(x.f[k].source, SLICE("(unchecked)")));
			EXPECT(t, x.f[k].standard.len == 0 || x.f[k].unchecked == low);
			EXPECT(t, x.f[k].article.len != 0);
			*(low ? &unchecked : &checked) += 1;
		}
		done(&x);
	}
	EXPECT(t, unchecked > 10 && checked > 30);
}

static void what_is_not_in_force_binds_nobody(struct test *t)
{
	static const char *const waiting[] = {"un-2024.treaty", "budapest-protocol-2.treaty",
					      "russia-2011.treaty"};

	for (size_t i = 0; i < 3; i++) {
		struct fixture x;

		EXPECT(t, setup(&x, waiting[i]));
		EXPECT(t, treaty_judge(x.t, &x.c, &x.a, &x.f, &x.count, &x.why) == ST_OK);
		for (size_t k = 0; k < x.count; k++)
			EXPECT(t, x.f[k].not_applicable && x.f[k].value == TREATY_UNDETERMINED);
		done(&x);
	}
}

/* Objection A45. */
static void clauses_about_content_are_not_for_sensors(struct test *t)
{
	struct fixture x;

	EXPECT(t, setup(&x, "sco.treaty"));
	say(&x, "content_spread", true);
	say(&x, "harmful_content", true);
	EXPECT_SLICE(t, judge(&x, "sco.2-5")->result, SLICE("not for sensors"));
	EXPECT_SLICE(t, judge(&x, "sco.2-4")->result, SLICE("not for sensors"));
	EXPECT_SLICE(t, judge(&x, "sco.2-1")->result, SLICE("undetermined"));
	done(&x);
	EXPECT(t, setup(&x, "russia-2011.treaty"));
	say(&x, "content_spread", true);
	EXPECT_SLICE(t, judge(&x, "russia-2011.4-8")->result, SLICE("not for sensors"));
	EXPECT_SLICE(t, judge(&x, "russia-2011.6-7")->result, SLICE("not for sensors"));
	done(&x);
}

/* GhostNet: data was read, nothing else. The ban on attacks does not cover it; the crime is one. */
static void espionage_ends_in_not_covered_and_is_a_crime_all_the_same(struct test *t)
{
	struct fixture x;

	EXPECT(t, setup(&x, "cwlt.treaty"));
	say(&x, "espionage_only", true);
	say(&x, "attributed_to_state", true);
	say(&x, "civilian_target", true);
	say(&x, "disruption", false);
	say(&x, "destruction", false);
	say(&x, "data_altered", false);
	EXPECT_SLICE(t, judge(&x, "cwlt.4")->result, SLICE("permitted"));
	EXPECT_UINT(t, judge(&x, "cwlt.4")->change_count, 0);
	done(&x);
	EXPECT(t, setup(&x, "budapest.treaty"));
	say(&x, "access", true);
	say(&x, "intentional", true);
	say(&x, "authorised", false);
	EXPECT(t, judge(&x, "budapest.2")->value == TREATY_TRUE);
	x.c.respondent = SLICE("DE");
	EXPECT_UINT(t, judge(&x, "budapest.2")->change_count, 1); /* was a measure overcome? */
	done(&x);
}

/* Stuxnet: a military target, or one that serves both. The ban does not cover the first, and nobody
 * can say of the second. */
static void a_military_target_is_not_protected_by_the_ban(struct test *t)
{
	struct fixture x;

	EXPECT(t, setup(&x, "cwlt.treaty"));
	say(&x, "attributed_to_state", true);
	say(&x, "destruction", true);
	say(&x, "espionage_only", false);
	say(&x, "shooting_war_between_them", false);
	say(&x, "prior_cyber_attack_by_victim", false);
	EXPECT(t, judge(&x, "cwlt.4")->value == TREATY_UNDETERMINED);
	EXPECT_UINT(t, judge(&x, "cwlt.4")->change_count, 1);
	say(&x, "civilian_target", false);
	EXPECT_SLICE(t, judge(&x, "cwlt.4")->result, SLICE("no breach"));
	done(&x);
}

/* Georgia: in a shooting war the ban is lifted, for banks it is not. */
static void a_shooting_war_lifts_one_ban_and_not_the_other(struct test *t)
{
	struct fixture x;

	EXPECT(t, setup(&x, "cwlt.treaty"));
	say(&x, "attributed_to_state", true);
	say(&x, "data_altered", true);
	say(&x, "civilian_target", true);
	say(&x, "financial_target", true);
	say(&x, "shooting_war_between_them", true);
	EXPECT_SLICE(t, judge(&x, "cwlt.4")->result, SLICE("no breach"));
	EXPECT_SLICE(t, judge(&x, "cwlt.6")->result, SLICE("breach shown"));
	done(&x);
}

static void an_excuse_has_its_own_consequence(struct test *t)
{
	const struct treaty_finding *f;
	struct fixture x;

	EXPECT(t, setup(&x, "responsibility.treaty"));
	say(&x, "breach_of_obligation", true);
	say(&x, "organ_of_state", true);
	say(&x, "consent_of_the_other", false);
	say(&x, "in_self_defence", false);
	EXPECT_SLICE(t, judge(&x, "responsibility.2")->result, SLICE("breach shown"));
	say(&x, "distress", true);
	f = judge(&x, "responsibility.2");
	EXPECT(t, f->value == TREATY_FALSE);
	EXPECT_SLICE(t, f->consequence, SLICE("excused"));
	say(&x, "consent_of_the_other", true);
	EXPECT_SLICE(t, judge(&x, "responsibility.2")->consequence, SLICE("no-wrong"));
	done(&x);
}

static void what_the_list_closes_nobody_changes(struct test *t)
{
	static const char added[] =
		"\nparty XX from 2020-01-01\n"
		"  reserve budapest.2 ; it would rather not, deposited 2020-01-01\n"
		"  amend budapest.5 require intent_obtain_data ; it would rather not, deposited "
		"2020-01-01\n";
	const char *root = getenv("DEW_SOURCE_ROOT");
	struct buf problems;
	struct fixture x;
	uint8_t *text;
	char path[4096];
	size_t n;
	FILE *file;

	EXPECT(t, setup(&x, "budapest.treaty"));
	(void)snprintf(path, sizeof path, "%s/treaties/budapest.treaty", root ? root : ".");
	file = fopen(path, "rbe");
	text = ARENA_ARRAY(&x.a, uint8_t, TREATY_TEXT_MAX);
	problems = buf_in(&x.a);
	EXPECT(t, file != NULL && text != NULL);
	n = fread(text, 1, TREATY_TEXT_MAX - sizeof added, file);
	(void)fclose(file);
	memcpy(text + n, added, sizeof added - 1);
	EXPECT(t, treaty_compile(SLICE("b"), (struct slice){text, n + sizeof added - 1}, &x.a, &x.t,
				 &problems, &x.why) == ST_INVALID);
	EXPECT(t,
	       slice_find(buf_slice(&problems), SLICE("no reservation may be made")) != SIZE_MAX);
	EXPECT(t,
	       slice_find(buf_slice(&problems), SLICE("\"budapest.5\" does not let a party require "
						      "\"intent_obtain_data\"")) != SIZE_MAX);
	done(&x);
}

TESTS(T(declarations_shrink_article_2_as_counted),
      T(interception_by_spies_is_outside_article_3_for_switzerland),
      T(wipe_the_bank_and_steal_from_it_are_two_things),
      T(spying_is_permitted_and_assistance_waits_for_a_request),
      T(the_territory_state_has_to_show_that_it_acted),
      T(every_term_of_cwlt_is_of_the_shared_vocabulary),
      T(what_is_below_k1_is_unchecked_in_every_verdict), T(what_is_not_in_force_binds_nobody),
      T(clauses_about_content_are_not_for_sensors),
      T(espionage_ends_in_not_covered_and_is_a_crime_all_the_same),
      T(a_military_target_is_not_protected_by_the_ban),
      T(a_shooting_war_lifts_one_ban_and_not_the_other), T(an_excuse_has_its_own_consequence),
      T(what_the_list_closes_nobody_changes))
