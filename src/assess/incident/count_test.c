/* SPDX-License-Identifier: Apache-2.0 */
#include "assess/incident/attacks_test.h"
#include "assess/incident/story_test.h"
#include "test.h"

enum { EVENTS = 20000, DAYS = 2 };

struct week {
	struct arena_pool pool;
	struct arena arena;
	struct attacks attacks;
	struct fact_set facts;
};

static struct week *week_new(uint64_t seed, size_t events, unsigned days)
{
	static struct week w;

	w = (struct week){.pool = {.budget = 512 << 20}};
	w.arena.pool = &w.pool;
	ASSERT(attacks_make(&w.attacks, seed, events, days, &w.arena));
	w.facts = (struct fact_set){w.attacks.facts, w.attacks.count};
	return &w;
}

static void week_done(struct week *w)
{
	arena_reset(&w->arena);
	arena_pool_drain(&w->pool);
}

static struct incident_set count(struct week *w, const char *rule)
{
	struct incident_set set = {0};
	struct fail why;

	ASSERT(incident_group_by(&w->facts, &w->attacks.party, 1,
				 incident_rule_find(slice_of(rule)), &w->arena, &set,
				 &why) == ST_OK);
	return set;
}

static void rules_have_names_and_the_first_is_the_default(struct test *t)
{
	size_t n = 0;

	EXPECT_SLICE(t, slice_of(incident_rules[0].name), SLICE("actor-target-30m"));
	for (; incident_rules[n].name != NULL; n++)
		EXPECT(t,
		       incident_rule_find(slice_of(incident_rules[n].name)) == &incident_rules[n]);
	EXPECT_UINT(t, n, 3);
	EXPECT(t, incident_rule_find(SLICE("none")) == NULL);
}

/* Each event belongs to one incident, whatever the rule; rules only differ in how many there are.
 */
static void every_rule_counts_every_event_once(struct test *t)
{
	struct week *w = week_new(test_rand(t), EVENTS, DAYS);
	uint64_t counts[3];

	for (size_t i = 0; i < 3; i++) {
		struct incident_set set = count(w, incident_rules[i].name);
		uint8_t *seen = ARENA_ARRAY(&w->arena, uint8_t, EVENTS);

		EXPECT_UINT(t, set.events + set.noted, EVENTS);
		for (size_t k = 0; k < set.count; k++)
			for (size_t s = 0; s < set.incidents[k].step_count; s++)
				EXPECT_UINT(t, seen[set.incidents[k].steps[s].leaf]++, 0);
		counts[i] = set.count;
	}
	/* a longer gap, and more targets, only join what a shorter gap parts */
	EXPECT(t, counts[1] > counts[0] && counts[0] > counts[2]);
	week_done(w);
}

static void an_event_by_itself_is_what_alerts_are_counted_by(struct test *t)
{
	struct week *w = week_new(1, EVENTS, DAYS);
	struct incident_set set = count(w, "event");

	EXPECT_UINT(t, set.count, set.events);
	for (size_t i = 0; i < set.count; i++)
		EXPECT_UINT(t, set.incidents[i].step_count, 1);
	week_done(w);
}

/* Seed 1: what the generator makes is the same on every machine. Bounds, not figures: those are
 * measured by make count. */
static void rules_differ_in_what_they_join_and_part(struct test *t)
{
	struct week *w = week_new(1, EVENTS, DAYS);
	struct attacks_error error[3];
	double off[3];

	for (size_t i = 0; i < 3; i++) {
		struct incident_set set = count(w, incident_rules[i].name);

		EXPECT(t, attacks_judge(&w->attacks, &set, &w->arena, &error[i]));
		off[i] = (double)set.count / w->attacks.attack_count;
	}
	EXPECT(t, error[0].merged < 0.1 && error[0].split < 0.6);
	EXPECT(t, error[1].merged == 0 && error[1].split == 1); /* no pairs at all */
	EXPECT(t, error[2].split < error[0].split);
	EXPECT(t, off[1] > 20 && off[0] < 10);
	week_done(w);
}

static void errors_are_counted_over_pairs(struct test *t)
{
	struct week *w = week_new(1, 6, 1);
	struct incident_step steps[] = {{.leaf = 0}, {.leaf = 1}, {.leaf = 2},
					{.leaf = 3}, {.leaf = 4}, {.leaf = 5}};
	struct incident incidents[] = {{.steps = steps, .step_count = 4},
				       {.steps = steps + 4, .step_count = 2}};
	struct incident_set set = {.incidents = incidents, .count = 2};
	static const uint32_t truth[] = {0, 0, 0, 1, 1, 1};
	struct attacks_error error;

	/* 6 + 1 pairs in incidents, 3 + 3 of attacks, 3 + 1 of both */
	memcpy(w->attacks.truth, truth, sizeof truth);
	EXPECT(t, attacks_judge(&w->attacks, &set, &w->arena, &error));
	EXPECT(t, error.merged > 3.0 / 7 - 1e-9 && error.merged < 3.0 / 7 + 1e-9);
	EXPECT(t, error.split > 2.0 / 6 - 1e-9 && error.split < 2.0 / 6 + 1e-9);
	week_done(w);
}

/* Three events of one machine: two networks, and 29, 31 minutes, 23 and 25 hours apart. */
static void gaps_and_targets_are_what_the_rule_says(struct test *t)
{
	static const struct {
		int64_t apart_s;
		const char *second;
		size_t counts[3]; /* actor-target-30m, event, actor-24h */
	} cases[] = {
		{1800, "10.0.0.1", {1, 2, 1}},	{1801, "10.0.0.1", {2, 2, 1}},
		{60, "10.1.0.1", {2, 2, 1}},	{86400, "10.1.0.1", {2, 2, 1}},
		{86401, "10.0.0.1", {2, 2, 2}},
	};

	for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++)
		for (size_t i = 0; i < 3; i++) {
			struct story s;
			struct incident_set set;
			struct fail why;

			story_begin(&s);
			story_party(&s, "party A \"Alpha\"\nterritory XA\nnetwork 10.0.0.0/16\n"
					"network 10.1.0.0/16\n");
			(void)story_behaviour(&s, 0, "192.0.2.1", "10.0.0.1", "scan.ports", 500);
			(void)story_behaviour(&s, cases[c].apart_s, "192.0.2.1", cases[c].second,
					      "scan.ports", 500);
			EXPECT_UINT(t,
				    incident_group_by(&s.set, s.parties, s.party_count,
						      &incident_rules[i], &s.arena, &set, &why),
				    ST_OK);
			EXPECT_UINT(t, set.count, cases[c].counts[i]);
			EXPECT_SLICE(t, set.rule, slice_of(incident_rules[i].name));
			story_end(&s);
		}
}

TESTS(T(rules_have_names_and_the_first_is_the_default), T(every_rule_counts_every_event_once),
      T(an_event_by_itself_is_what_alerts_are_counted_by),
      T(rules_differ_in_what_they_join_and_part), T(errors_are_counted_over_pairs),
      T(gaps_and_targets_are_what_the_rule_says))
