/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "assess/origin/origin.h"
#include "test.h"

struct bench {
	struct arena_pool pool;
	struct arena arena;
	struct fail why;
	struct fact *facts; /* [i] is about records[i] */
	struct record *records;
	struct fact_set set;
	struct addr address;
	struct origin origin;
	struct prior prior;
};

static void setup(struct bench *b)
{
	*b = (struct bench){.pool = {.budget = (size_t)1 << 30}};
	b->arena.pool = &b->pool;
	ASSERT(prior_parse(prior_builtin_name(), prior_builtin_text(), &b->prior, &b->why) ==
	       ST_OK);
	b->facts = ARENA_ARRAY(&b->arena, struct fact, 80);
	b->records = ARENA_ARRAY(&b->arena, struct record, 80);
	ASSERT(b->facts != NULL && b->records != NULL);
	for (size_t i = 0; i < 80; i++)
		b->facts[i] = (struct fact){.leaf = 10 + i, .record = &b->records[i]};
	b->set.facts = b->facts;
	b->address = addr_v4((const uint8_t[]){185, 255, 114, 40});
}

static void teardown(struct bench *b)
{
	arena_reset(&b->arena);
	arena_pool_drain(&b->pool);
}

static struct record_location *say(struct bench *b, const char *table, const char *territory)
{
	struct record *r = &b->records[b->set.count++];

	r->kind = RECORD_LOCATION;
	r->u.location = (struct record_location){
		.table = slice_of(table), .address = b->address, .territory = slice_of(territory)};
	return &r->u.location;
}

static enum status judge(struct bench *b)
{
	return origin_judge(&b->set, &b->address, &b->prior, &b->arena, &b->origin, &b->why);
}

static int32_t middle(const struct bench *b, size_t c)
{
	return (b->origin.candidates[c].p.lo + b->origin.candidates[c].p.hi) / 2;
}

/* What must hold of every judgement. */
static bool is_sound(const struct origin *o)
{
	int64_t twice = 0;

	for (size_t i = 0; i < o->candidate_count; i++) {
		struct interval p = o->candidates[i].p;

		if (p.lo < 0 || p.lo > p.hi || p.hi > 1000)
			return false;
		if (i > 0 && i + 1 < o->candidate_count &&
		    p.lo + p.hi > o->candidates[i - 1].p.lo + o->candidates[i - 1].p.hi)
			return false;
		twice += p.lo + p.hi;
	}
	return twice == 2000 && o->candidate_count > 0 && o->candidate_count <= 16 &&
	       slice_equal(o->candidates[o->candidate_count - 1].territory, SLICE("??"));
}

static void nothing_said_is_nowhere_known(struct test *t)
{
	struct bench b;

	setup(&b);
	EXPECT_UINT(t, judge(&b), ST_OK);
	EXPECT(t, is_sound(&b.origin) && b.origin.candidate_count == 1);
	EXPECT(t, b.origin.candidates[0].p.lo == 1000 && b.origin.asn == 0);
	say(&b, "asn.csv", "")->asn = 19793;
	b.records[0].u.location.as_name = SLICE("Linivo LLC");
	EXPECT_UINT(t, judge(&b), ST_OK);
	EXPECT(t, b.origin.candidate_count == 1 && b.origin.asn == 19793);
	EXPECT_SLICE(t, b.origin.as_name, SLICE("Linivo LLC"));
	teardown(&b);
}

static void agreeing_copies_do_not_add_up(struct test *t)
{
	static const char *const tables[] = {"asn-country-ipv4.csv", "geo-whois-asn-country.mmdb",
					     "libloc", "tor-geoipdb", "delegated-ripencc"};
	struct bench b;

	setup(&b);
	for (size_t i = 0; i < 5; i++) {
		say(&b, tables[i], "FR");
		EXPECT_UINT(t, judge(&b), ST_OK);
		EXPECT(t, is_sound(&b.origin) && b.origin.candidate_count == 2);
		EXPECT(t, b.origin.candidates[0].p.lo == 750 && b.origin.candidates[0].p.hi == 950);
		EXPECT_UINT(t, b.origin.candidates[0].leaf_count, i + 1);
	}
	EXPECT_SLICE(t, b.origin.candidates[0].tables,
		     SLICE("asn-country-ipv4.csv, delegated-ripencc, geo-whois-asn-country.mmdb, "
			   "libloc, tor-geoipdb"));
	teardown(&b);
}

static void a_copy_of_a_copy_cannot_outvote_another_source(struct test *t)
{
	struct bench b;
	int32_t before;

	setup(&b);
	say(&b, "libloc", "FR");
	say(&b, "asn-country-ipv4.csv", "DE");
	EXPECT_UINT(t, judge(&b), ST_OK);
	EXPECT(t, middle(&b, 0) == middle(&b, 1));
	before = middle(&b, 0);
	say(&b, "tor-geoipdb", "FR");
	say(&b, "tor-geoipdb", "FR");
	EXPECT_UINT(t, judge(&b), ST_OK);
	EXPECT(t, is_sound(&b.origin) && middle(&b, 0) - before <= 1 && middle(&b, 1) == before);
	teardown(&b);
}

static void a_measured_source_weighs_as_much_as_all_registries_together(struct test *t)
{
	struct bench b;

	setup(&b);
	say(&b, "libloc", "FR");
	say(&b, "asn-country-ipv4.csv", "FR");
	say(&b, "GeoLite2-Country.mmdb", "DE");
	EXPECT_UINT(t, judge(&b), ST_OK);
	EXPECT(t, is_sound(&b.origin) && b.origin.candidate_count == 3);
	EXPECT_SLICE(t, b.origin.candidates[0].territory, SLICE("DE"));
	EXPECT(t, middle(&b, 0) == 448 && middle(&b, 1) == 425);
	teardown(&b);
}

static void an_unknown_table_is_trusted_less(struct test *t)
{
	struct bench b;

	setup(&b);
	say(&b, "my-own.csv", "XA");
	EXPECT_UINT(t, judge(&b), ST_OK);
	EXPECT(t, b.origin.candidates[0].p.lo == 600 && b.origin.candidates[0].p.hi == 900);
	teardown(&b);
}

static void flags_widen_and_lower(struct test *t)
{
	struct interval plain, proxy, hosting, anycast;
	struct bench b;

	setup(&b);
	say(&b, "libloc", "FR");
	EXPECT_UINT(t, judge(&b), ST_OK);
	plain = b.origin.candidates[0].p;
	b.records[0].u.location.proxy = true;
	EXPECT_UINT(t, judge(&b), ST_OK);
	EXPECT(t, is_sound(&b.origin) && b.origin.proxy);
	proxy = b.origin.candidates[0].p;
	b.records[0].u.location.proxy = false;
	b.records[0].u.location.hosting = true;
	EXPECT_UINT(t, judge(&b), ST_OK);
	hosting = b.origin.candidates[0].p;
	b.records[0].u.location.hosting = false;
	b.records[0].u.location.anycast = true;
	EXPECT_UINT(t, judge(&b), ST_OK);
	anycast = b.origin.candidates[0].p;
	EXPECT(t, proxy.hi - proxy.lo > plain.hi - plain.lo && proxy.lo < plain.lo);
	EXPECT(t, hosting.hi - hosting.lo > plain.hi - plain.lo && hosting.hi <= plain.hi);
	EXPECT(t, anycast.hi < 500 && anycast.lo < 100);
	teardown(&b);
}

static void the_as_is_the_one_most_tables_name(struct test *t)
{
	struct bench b;

	setup(&b);
	say(&b, "b", "")->asn = 7;
	b.records[0].u.location.as_name = SLICE("Seven of b");
	say(&b, "c", "")->asn = 9;
	say(&b, "a", "")->asn = 7;
	b.records[2].u.location.as_name = SLICE("Seven of a");
	say(&b, "d", "")->asn = 9;
	EXPECT_UINT(t, judge(&b), ST_OK);
	EXPECT(t, b.origin.asn == 7 && b.origin.asn_disputed);
	EXPECT_SLICE(t, b.origin.as_name, SLICE("Seven of a"));
	EXPECT_SLICE(t, b.origin.as_why,
		     SLICE("a says AS7 Seven of a, b says AS7 Seven of b, c says AS9, d says AS9"));
	b.records[3].u.location.net = (struct addr_prefix){b.address, 24};
	EXPECT_UINT(t, judge(&b), ST_OK);
	EXPECT(t, b.origin.asn == 9); /* as many say so, and one of them more precisely */
	b.records[3].u.location.net.bits = 0;
	say(&b, "e", "")->asn = 9;
	EXPECT_UINT(t, judge(&b), ST_OK);
	EXPECT(t, b.origin.asn == 9 && b.origin.as_name.len == 0);
	teardown(&b);
}

static void a_table_that_a_person_named_goes_before_the_machines_own(struct test *t)
{
	struct bench b;

	setup(&b);
	say(&b, "libloc", "")->asn = 7;
	b.records[0].u.location.net = (struct addr_prefix){b.address, 24};
	say(&b, "mine.csv", "")->asn = 9;
	EXPECT_UINT(t, judge(&b), ST_OK);
	EXPECT(t, b.origin.asn == 9 && b.origin.asn_disputed);
	EXPECT_SLICE(t, b.origin.as_why, SLICE("libloc says AS7, mine.csv says AS9"));
	say(&b, "tor-geoipdb", "")->asn = 7;
	EXPECT_UINT(t, judge(&b), ST_OK);
	EXPECT_UINT(t, b.origin.asn, 7); /* two against one */
	teardown(&b);
}

static void the_order_of_the_facts_does_not_matter(struct test *t)
{
	static const char *const tables[] = {"libloc", "tor-geoipdb", "asn-country-ipv4.csv",
					     "mine",   "GeoLite2",    "dbip-country",
					     "yours",  "delegated-x"};
	static const char *const codes[] = {"DE", "FR", "NL", "US", ""};

	for (int round = 0; round < 300; round++) {
		struct bench b;
		struct origin first;

		setup(&b);
		for (size_t i = 0; i < 3 + test_rand(t) % 12; i++) {
			struct record_location *l =
				say(&b, tables[test_rand(t) % 8], codes[test_rand(t) % 5]);

			l->asn = test_rand(t) % 3;
			l->hosting = test_rand(t) % 8 == 0;
		}
		EXPECT_UINT(t, judge(&b), ST_OK);
		EXPECT(t, is_sound(&b.origin));
		first = b.origin;
		for (size_t i = b.set.count; i-- > 1;) { /* shuffle what is said, not the leaves */
			size_t k = test_rand(t) % (i + 1);
			struct record_location l = b.records[i].u.location;

			b.records[i].u.location = b.records[k].u.location;
			b.records[k].u.location = l;
		}
		EXPECT_UINT(t, judge(&b), ST_OK);
		EXPECT_UINT(t, b.origin.candidate_count, first.candidate_count);
		EXPECT(t, b.origin.asn == first.asn && slice_equal(b.origin.why, first.why));
		for (size_t i = 0; i < first.candidate_count; i++) {
			EXPECT_SLICE(t, b.origin.candidates[i].territory,
				     first.candidates[i].territory);
			EXPECT(t, b.origin.candidates[i].p.lo == first.candidates[i].p.lo &&
					  b.origin.candidates[i].p.hi == first.candidates[i].p.hi);
		}
		teardown(&b);
	}
}

static void candidates_and_facts_have_limits(struct test *t)
{
	static char codes[20][3];
	struct bench b;

	for (size_t n = 14; n <= 17; n++) {
		setup(&b);
		for (size_t i = 0; i < n; i++) {
			codes[i][0] = 'X';
			codes[i][1] = (char)('A' + i);
			(void)say(&b, codes[i], codes[i]);
		}
		EXPECT_UINT(t, judge(&b), ST_OK);
		EXPECT(t, is_sound(&b.origin));
		EXPECT_UINT(t, b.origin.candidate_count, n < 15 ? n + 1 : 16);
		teardown(&b);
	}
	setup(&b);
	for (size_t i = 0; i < 64; i++)
		(void)say(&b, "t", "XA");
	EXPECT_UINT(t, judge(&b), ST_OK);
	(void)say(&b, "t", "XA");
	EXPECT_UINT(t, judge(&b), ST_LIMIT);
	teardown(&b);
}

static void every_allocation_may_fail(struct test *t)
{
	enum status st = ST_NOMEM;

	for (size_t n = 1; st != ST_OK; n++) {
		struct bench b;

		setup(&b);
		say(&b, "libloc", "FR");
		b.pool.fail_after = n;
		st = judge(&b);
		EXPECT(t, st == ST_OK || st == ST_NOMEM);
		teardown(&b);
		EXPECT_UINT(t, b.pool.out, 0);
		EXPECT(t, n < 20);
	}
}

/* Opens a table if it is here and adds what it says about the address. */
static bool consult(struct test *t, struct bench *b, const char *name, const char *path,
		    bool packed)
{
	struct origin_table *table = NULL;
	struct buf bytes = buf_in(&b->arena);
	struct record *r = &b->records[b->set.count];
	char command[600];
	bool said = false;
	FILE *in = fopen(path, "rb");

	if (in != NULL && packed) {
		(void)fclose(in);
		(void)snprintf(command, sizeof command, "xz -dc '%s'", path);
		in = popen(command, "re");
	}
	if (in == NULL) {
		test_skip(t, "no %s", path);
		return false;
	}
	for (;;) {
		uint8_t *p = buf_reserve(&bytes, 1 << 20);
		size_t n = p ? fread(p, 1, 1 << 20, in) : 0;

		if (n == 0)
			break;
		buf_grew(&bytes, n);
	}
	(void)(packed ? pclose(in) : fclose(in));
	if (origin_table_open(slice_of(name), path, buf_slice(&bytes), &b->arena, &table,
			      &b->why) == ST_OK &&
	    origin_table_ask(table, &b->address, &b->arena, r)) {
		b->set.count++;
		said = true;
	}
	origin_table_close(table);
	return said;
}

static const struct origin_candidate *candidate(const struct origin *o, struct slice territory)
{
	for (size_t i = 0; i < o->candidate_count; i++)
		if (slice_equal(o->candidates[i].territory, territory))
			return &o->candidates[i];
	return NULL;
}

/* The server of the STRRAT capture: two tables of one project name two states. */
static void two_real_tables_that_disagree_give_both_territories(struct test *t)
{
	const char *root = getenv("DEW_SOURCE_ROOT");
	char csv[512], mmdb[512], asn[512];
	struct bench b;

	(void)snprintf(csv, sizeof csv, "%s/../shared/data/geo/asn-country-ipv4.csv", root);
	(void)snprintf(mmdb, sizeof mmdb, "%s/../shared/data/geo/geo-whois-asn-country.mmdb", root);
	(void)snprintf(asn, sizeof asn, "%s/../shared/data/geo/asn-ipv4.csv.xz", root);
	setup(&b);
	if (consult(t, &b, "asn-country-ipv4.csv", csv, false) &&
	    consult(t, &b, "geo-whois-asn-country.mmdb", mmdb, false)) {
		const struct origin_candidate *de, *fr;

		EXPECT_UINT(t, judge(&b), ST_OK);
		EXPECT(t, is_sound(&b.origin) && b.origin.candidate_count == 3);
		de = candidate(&b.origin, SLICE("DE"));
		fr = candidate(&b.origin, SLICE("FR"));
		EXPECT(t, de != NULL && fr != NULL && de->p.lo > 0 && fr->p.lo > 0);
		EXPECT(t, de->p.hi < 950 && fr->p.hi < 950);
		EXPECT_SLICE(t, b.origin.why,
			     SLICE("asn-country-ipv4.csv says DE and geo-whois-asn-country.mmdb "
				   "says FR: the tables disagree"));
		if (consult(t, &b, "asn-ipv4.csv", asn, true)) {
			EXPECT_UINT(t, judge(&b), ST_OK);
			EXPECT_UINT(t, b.origin.asn, 19793);
			EXPECT_SLICE(t, b.origin.as_name, SLICE("Linivo LLC"));
		}
		/* And with whatever else this machine has. */
		(void)consult(t, &b, "libloc", "/var/lib/location/database.db", false);
		(void)consult(t, &b, "tor-geoipdb", "/usr/share/tor/geoip", false);
		EXPECT_UINT(t, judge(&b), ST_OK);
		printf("# %.*s; AS%llu %.*s%s\n", SLICE_ARG(b.origin.why),
		       (unsigned long long)b.origin.asn, SLICE_ARG(b.origin.as_name),
		       b.origin.asn_disputed ? " (disputed)" : "");
		for (size_t i = 0; i < b.origin.candidate_count; i++)
			printf("# %.*s %d-%d\n", SLICE_ARG(b.origin.candidates[i].territory),
			       b.origin.candidates[i].p.lo, b.origin.candidates[i].p.hi);
		EXPECT(t, is_sound(&b.origin));
		de = candidate(&b.origin, SLICE("DE"));
		fr = candidate(&b.origin, SLICE("FR"));
		EXPECT(t, de != NULL && fr != NULL && de->p.lo > 0 && fr->p.lo > 0);
		EXPECT(t, b.set.count < 3 || (b.origin.asn != 0 && b.origin.as_name.len != 0));
	}
	teardown(&b);
}

TESTS(T(nothing_said_is_nowhere_known), T(agreeing_copies_do_not_add_up),
      T(a_copy_of_a_copy_cannot_outvote_another_source),
      T(a_measured_source_weighs_as_much_as_all_registries_together),
      T(an_unknown_table_is_trusted_less), T(flags_widen_and_lower),
      T(the_as_is_the_one_most_tables_name),
      T(a_table_that_a_person_named_goes_before_the_machines_own),
      T(the_order_of_the_facts_does_not_matter), T(candidates_and_facts_have_limits),
      T(every_allocation_may_fail), T(two_real_tables_that_disagree_give_both_territories))
