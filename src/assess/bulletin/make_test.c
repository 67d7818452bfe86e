/* SPDX-License-Identifier: Apache-2.0
 * From facts to a bulletin through every module of assess/, with the parties of the demo and the
 * treaties that ship. */
#include "assess/bulletin/bulletin_priv.h"
#include "assess/incident/story_test.h"
#include "crypto/crypto.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>

enum { FILES = 5, FILE_MAX = 1 << 16 };

struct fixture {
	struct story s;
	struct bulletin_file files[FILES]; /* three parties, two treaties */
	struct bulletin_input in;
	struct bulletin b;
	struct buf json;
};

static struct slice read_file(struct arena *a, const char *name)
{
	const char *root = getenv("DEW_SOURCE_ROOT");
	uint8_t *text = ARENA_ARRAY(a, uint8_t, FILE_MAX);
	char path[4096];
	size_t n;
	FILE *file;

	(void)snprintf(path, sizeof path, "%s/%s", root ? root : ".", name);
	file = fopen(path, "rbe");
	ASSERT(file != NULL && text != NULL);
	n = fread(text, 1, FILE_MAX, file);
	(void)fclose(file);
	return (struct slice){text, n};
}

/* A capture of a station: an hour from midnight. */
static void capture(struct fixture *f, const char *party, const char *station)
{
	struct record *r = story_input(&f->s, "capture", "x.pcap");

	r->party = slice_of(party);
	r->station = slice_of(station);
	r->u.input.packets = 1000;
	r->u.input.first = story_time(0);
	r->u.input.last = story_time(3600);
}

static void alert(struct fixture *f, int64_t at_s, const char *src, const char *dst,
		  const char *act)
{
	struct record *r =
		story_alert(&f->s, at_s, src, dst, "trojan-activity", (uint64_t)at_s + 1);

	r->party = SLICE("C");
	r->station = SLICE("bank-c");
	story_meta(&f->s, r, "dewline_act", act);
	story_meta(&f->s, r, "dewline_actor", "client");
}

/* The parties' files, with C, the bank's, first. */
static void setup(struct fixture *f, bool with_facts)
{
	static const char *const names[FILES] = {"demo/parties/c.party", "demo/parties/a.party",
						 "demo/parties/b.party", "treaties/budapest.treaty",
						 "treaties/cwlt.treaty"};

	*f = (struct fixture){0};
	story_begin(&f->s);
	for (size_t i = 0; i < FILES; i++)
		f->files[i] = (struct bulletin_file){slice_of(names[i]),
						     read_file(&f->s.arena, names[i])};
	if (with_facts) {
		capture(f, "C", "bank-c");
		capture(f, "B", "relay-b");
		alert(f, 60, "198.51.100.7", "203.0.113.25", "access");
		alert(f, 120, "198.51.100.7", "203.0.113.25", "malware");
		alert(f, 300, "198.51.100.7", "203.0.113.25", "exfiltration");
		(void)story_location(&f->s, "198.51.100.7", "one", "XB");
		(void)story_location(&f->s, "198.51.100.7", "two", "XB");
	}
	f->in = (struct bulletin_input){.party_files = f->files,
					.party_count = 3,
					.treaty_files = f->files + 3,
					.treaty_count = 2};
	f->json = buf_in(&f->s.arena);
}

static enum status make(struct fixture *f)
{
	f->in.facts = f->s.set;
	return bulletin_make(&f->in, &f->s.arena, &f->b, &f->s.why);
}

static const struct treaty_finding *finding(const struct fixture *f, const char *clause)
{
	for (size_t i = 0; i < f->b.cases[0].finding_count; i++)
		if (slice_equal(f->b.cases[0].findings[i].clause, slice_of(clause)))
			return &f->b.cases[0].findings[i];
	return NULL;
}

static void a_theft_goes_all_the_way_up(struct test *t)
{
	struct fixture f;
	const struct bulletin_case *c;

	setup(&f, true);
	EXPECT(t, make(&f) == ST_OK);
	EXPECT_SLICE(t, f.b.party, SLICE("C"));
	EXPECT_UINT(t, f.b.case_count, 1);
	EXPECT_UINT(t, f.b.counted.events, 3);
	c = &f.b.cases[0];
	EXPECT_SLICE(t, c->claimant, SLICE("C"));
	EXPECT(t, c->chain.hop_count >= 1 && c->origin_count >= 1);
	EXPECT(t, claim_find(&c->claims, SLICE("access")) != NULL);
	EXPECT(t, claim_find(&c->claims, SLICE("attributed_to_state")) != NULL);
	/* no technical fact names a state, so nothing of the CWLT is shown */
	EXPECT(t, !c->ladder.rungs[ATTRIB_LEVELS - 1].attributed);
	EXPECT(t, finding(&f, "cwlt.4")->value != TREATY_TRUE);
	EXPECT(t, finding(&f, "budapest.2") != NULL);
	EXPECT_SLICE(t, finding(&f, "cwlt.2")->result, SLICE("not judged"));
	story_end(&f.s);
}

static void the_end_of_the_chain_names_whom_a_clause_would_bind(struct test *t)
{
	struct fixture f;

	setup(&f, true);
	EXPECT(t, make(&f) == ST_OK);
	EXPECT_SLICE(t, f.b.cases[0].respondent, SLICE("B"));
	EXPECT(t,
	       slice_find(f.b.cases[0].respondent_why, SLICE("is another question")) != SIZE_MAX);
	EXPECT(t, !finding(&f, "budapest.2")->not_applicable);
	story_end(&f.s);

	setup(&f, false); /* from nowhere that a party has */
	alert(&f, 60, "233.252.0.9", "203.0.113.25", "access");
	EXPECT(t, make(&f) == ST_OK);
	EXPECT_SLICE(t, f.b.cases[0].respondent, SLICE(""));
	EXPECT_SLICE(t, finding(&f, "budapest.2")->result, SLICE("not bound"));
	story_end(&f.s);

	setup(&f, false); /* from a territory that is more likely than not A's */
	alert(&f, 60, "233.252.0.9", "203.0.113.25", "access");
	(void)story_location(&f.s, "233.252.0.9", "one", "XA");
	(void)story_location(&f.s, "233.252.0.9", "two", "XA");
	EXPECT(t, make(&f) == ST_OK);
	EXPECT_SLICE(t, f.b.cases[0].respondent, SLICE("A"));
	story_end(&f.s);
}

static void a_bond_counts_from_its_day(struct test *t)
{
	static const char day[] = "bound budapest since 2019-01-01";
	struct fixture f;
	struct slice b;
	uint8_t *text;
	size_t at;

	setup(&f, true);
	b = f.files[2].text;
	at = slice_find(b, slice_of(day));
	text = ARENA_ARRAY(&f.s.arena, uint8_t, b.len);
	EXPECT(t, at != SIZE_MAX && text != NULL);
	memcpy(text, b.ptr, b.len);
	f.files[2].text.ptr = text;
	at += sizeof day - 1 - 10;
	/* the act is of 22 November 2026: B joins a day later, then that day */
	memcpy(text + at, "2026-11-23", 10);
	EXPECT(t, make(&f) == ST_OK);
	EXPECT_SLICE(t, f.b.cases[0].respondent, SLICE("B"));
	EXPECT_SLICE(t, finding(&f, "budapest.2")->result, SLICE("not bound"));
	memcpy(text + at, "2026-11-22", 10);
	EXPECT(t, make(&f) == ST_OK);
	EXPECT(t, !finding(&f, "budapest.2")->not_applicable);
	story_end(&f.s);
}

static void a_silent_station_is_listed(struct test *t)
{
	struct fixture f;

	setup(&f, true);
	EXPECT(t, make(&f) == ST_OK);
	EXPECT_UINT(t, f.b.station_count, 3);
	for (size_t i = 0; i < 3; i++) /* bank-c, edge-a, relay-b */
		EXPECT(t, f.b.stations[i].seen ==
				  !slice_equal(f.b.stations[i].station, SLICE("edge-a")));
	EXPECT_UINT(t, f.b.stations[0].packets, 1000);
	EXPECT(t, f.b.first.ns == story_time(0).ns && f.b.last.ns == story_time(3600).ns);
	story_end(&f.s);
}

static void the_id_is_the_hash_of_the_rest(struct test *t)
{
	struct fixture f, g;
	uint8_t hash[CRYPTO_SHA256_BYTES];
	struct buf id;

	setup(&f, true);
	EXPECT(t, make(&f) == ST_OK);
	EXPECT(t, bulletin_write_json_form(&f.b, false, &f.s.arena, &f.json, &f.s.why) == ST_OK);
	crypto_sha256_of(buf_slice(&f.json), hash);
	id = buf_in(&f.s.arena);
	buf_add_z(&id, "B1-");
	crypto_hex_add((struct slice){hash, 8}, &id);
	EXPECT_SLICE(t, f.b.id, buf_slice(&id));

	setup(&g, true); /* the same facts elsewhere: the same; one fact more: another */
	EXPECT(t, make(&g) == ST_OK);
	EXPECT_SLICE(t, g.b.id, f.b.id);
	alert(&g, 400, "198.51.100.7", "203.0.113.25", "beacon");
	EXPECT(t, make(&g) == ST_OK);
	EXPECT(t, !slice_equal(g.b.id, f.b.id));
	story_end(&f.s);
	story_end(&g.s);
}

static void a_day_without_facts_makes_a_bulletin_too(struct test *t)
{
	struct fixture f;

	setup(&f, false);
	EXPECT(t, make(&f) == ST_OK);
	EXPECT_UINT(t, f.b.case_count, 0);
	EXPECT(t, f.b.first.ns == 0 && f.b.last.ns == 0);
	EXPECT(t, bulletin_write_json(&f.b, &f.s.arena, &f.json, &f.s.why) == ST_OK);
	EXPECT(t, slice_find(buf_slice(&f.json),
			     SLICE("\"period\":{\"first\":null,\"last\":null}")) != SIZE_MAX);
	story_end(&f.s);
}

static void a_wrong_file_is_named(struct test *t)
{
	struct fixture f;

	setup(&f, true);
	f.files[4].text = SLICE("instrument cwlt\n");
	EXPECT(t, make(&f) == ST_INVALID);
	EXPECT(t, slice_starts(slice_of(f.s.why.text), SLICE("treaties/cwlt.treaty:1:")));
	f.files[1].text = SLICE("party A\n");
	EXPECT(t, make(&f) == ST_INVALID);
	EXPECT(t, slice_starts(slice_of(f.s.why.text), SLICE("demo/parties/a.party:1:")));
	f.files[1].text = f.files[0].text;
	EXPECT(t, make(&f) == ST_INVALID);
	EXPECT(t, slice_find(slice_of(f.s.why.text), SLICE("has two files")) != SIZE_MAX);
	f.in.party_count = 0;
	EXPECT(t, make(&f) == ST_INVALID);
	story_end(&f.s);
}

/* The value of "all_evidence", with which the JSON begins. */
static struct slice all_of(const struct buf *json)
{
	size_t end = slice_find(buf_slice(json), SLICE(",\"counting\":"));

	return slice_part(buf_slice(json), 16, end - 16);
}

/* A second station saw one event more, which is not for everybody. */
static void withheld_facts_move_their_numbers_and_nothing_else(struct test *t)
{
	struct fixture f;
	struct bulletin with;
	struct buf open_json, json, again;
	struct interval before;
	struct slice id;
	size_t shown;

	setup(&f, true);
	open_json = buf_in(&f.s.arena);
	json = buf_in(&f.s.arena);
	again = buf_in(&f.s.arena);
	EXPECT(t, make(&f) == ST_OK);
	EXPECT(t, bulletin_write_json(&f.b, &f.s.arena, &open_json, &f.s.why) == ST_OK);
	EXPECT(t, !f.b.all.withheld && f.b.all.counted == 1 && f.b.all.count == 1);
	before = f.b.all.views[0].rungs[0];
	id = f.b.id;
	shown = f.s.set.count;
	alert(&f, 240, "198.51.100.7", "203.0.113.25", "malware");
	f.s.records[shown].station = SLICE("elsewhere");
	f.in.facts = (struct fact_set){f.s.facts, shown};
	f.in.all = f.s.set;
	memset(f.in.commitment, 7, sizeof f.in.commitment);
	EXPECT(t, bulletin_make(&f.in, &f.s.arena, &with, &f.s.why) == ST_OK);
	EXPECT(t, with.all.withheld && !with.all_said && with.all.counted == 1);
	EXPECT(t, with.all.views[0].rungs[0].lo > before.lo);
	EXPECT_SLICE(t, with.id, id);
	EXPECT(t, bulletin_write_json(&with, &f.s.arena, &json, &f.s.why) == ST_OK);
	EXPECT_SLICE(t, slice_from(buf_slice(&json), 16 + all_of(&json).len),
		     slice_from(buf_slice(&open_json), 16 + all_of(&open_json).len));

	/* who has not these facts takes the numbers as they are said, to the byte */
	f.in.all = (struct fact_set){0};
	f.in.all_said = all_of(&json);
	EXPECT(t, bulletin_make(&f.in, &f.s.arena, &f.b, &f.s.why) == ST_OK && f.b.all_said);
	EXPECT(t, bulletin_write_json(&f.b, &f.s.arena, &again, &f.s.why) == ST_OK);
	EXPECT_SLICE(t, buf_slice(&again), buf_slice(&json));

	/* but not about other incidents, or in another form */
	f.in.facts.count = 0;
	EXPECT(t, bulletin_make(&f.in, &f.s.arena, &f.b, &f.s.why) == ST_INVALID);
	EXPECT(t, strstr(f.s.why.text, "other incidents") != NULL);
	f.in.facts.count = shown;
	f.in.all_said.len--;
	EXPECT(t, bulletin_make(&f.in, &f.s.arena, &f.b, &f.s.why) == ST_INVALID);
	EXPECT(t, strstr(f.s.why.text, "not in its form") != NULL);
	story_end(&f.s);
}

static void another_prior_is_used_and_named(struct test *t)
{
	static const struct bulletin_file bad = {{(const uint8_t *)"p.prior", 7},
						 {(const uint8_t *)"weigh 3\n", 8}};
	struct fixture f;
	struct buf text;
	struct prior p;

	setup(&f, true);
	text = buf_in(&f.s.arena);
	EXPECT(t, make(&f) == ST_OK);
	EXPECT_SLICE(t, f.b.prior_name, prior_builtin_name());
	p = *f.b.prior;
	p.operators[PRIOR_STATE] = 28;
	prior_write(&p, &text);
	f.in.prior = (struct bulletin_file){SLICE("mine.prior"), buf_slice(&text)};
	EXPECT(t, make(&f) == ST_OK);
	EXPECT(t, f.b.cases[0].ladder.rungs[3].candidates[2].p.hi == 56); /* as wide as may be */
	EXPECT(t, bulletin_write_json(&f.b, &f.s.arena, &f.json, &f.s.why) == ST_OK);
	EXPECT(t, slice_find(buf_slice(&f.json), SLICE("\"name\":\"mine.prior\"")) != SIZE_MAX);
	f.in.prior = bad;
	EXPECT(t, make(&f) == ST_INVALID);
	EXPECT(t, slice_starts(slice_of(f.s.why.text), SLICE("p.prior: there is no line")));
	story_end(&f.s);
}

static void memory_may_end_anywhere(struct test *t)
{
	struct fixture f;
	bool enough = false;

	setup(&f, true);
	f.in.facts = (struct fact_set){f.s.facts, f.s.set.count - 1};
	f.in.all = f.s.set; /* both verdicts */
	for (size_t after = 1; !enough; after++) {
		struct arena_pool pool = {.budget = 32 << 20, .fail_after = after};
		struct arena a = {.pool = &pool};
		enum status st = bulletin_make(&f.in, &a, &f.b, &f.s.why);

		EXPECT(t, st == ST_OK || st == ST_NOMEM);
		enough = st == ST_OK;
		arena_reset(&a);
		arena_pool_drain(&pool);
		EXPECT_UINT(t, pool.out, 0);
	}
	story_end(&f.s);
}

TESTS(T(a_theft_goes_all_the_way_up), T(the_end_of_the_chain_names_whom_a_clause_would_bind),
      T(a_bond_counts_from_its_day), T(a_silent_station_is_listed),
      T(the_id_is_the_hash_of_the_rest), T(a_day_without_facts_makes_a_bulletin_too),
      T(a_wrong_file_is_named), T(withheld_facts_move_their_numbers_and_nothing_else),
      T(another_prior_is_used_and_named), T(memory_may_end_anywhere))
