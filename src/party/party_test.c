/* SPDX-License-Identifier: Apache-2.0 */
#include "party/party.h"
#include "test.h"

struct bench {
	struct arena_pool pool;
	struct arena arena;
	struct buf problems;
	struct fail why;
	struct party party;
};

static void setup(struct bench *b)
{
	*b = (struct bench){.pool = {.budget = 16 << 20}};
	b->arena.pool = &b->pool;
	b->problems = buf_in(&b->arena);
}

static void teardown(struct bench *b)
{
	arena_reset(&b->arena);
	arena_pool_drain(&b->pool);
}

static enum status parse(struct bench *b, struct slice text)
{
	return party_parse(SLICE("a.party"), text, &b->arena, &b->party, &b->problems, &b->why);
}

static const char whole[] =
	"# Alpha\n"
	"party A \"Republic of \\\"Alpha\\\"\"  # as it calls itself\r\n"
	"territory XA XB\n"
	"network 10.10.3.0/16\n"
	"network 2001:db8:a::/48\n"
	"station alpha-edge place \"edge of the research network\"\n"
	"station \"alpha core\"\n"
	"log-key \"alpha.example/log+1f2e3d4c+AbCd#0123\"\n"
	"contact \"Alpha CERT\" \"mailto:cert@alpha.example\" always\n"
	"contact \"Post\" \"mailto:post@alpha.example\"\n"
	"\n"
	"asset 10.10.4.0/24 \"water works\" sector drinking-water status civilian since "
	"2024-01-01\n"
	"asset 10.10.4.7 \"pumps\" sector drinking-water status protected\n"
	"bound budapest since 2019-07-01\n"
	"states no-authorised-test from 2026-01-01 until 2026-02-01T12:00:00Z\n"
	"states not-at-war-with B from 2020-01-01";

static void every_statement_is_read(struct test *t)
{
	struct bench b;
	struct party *p = &b.party;

	setup(&b);
	EXPECT_UINT(t, parse(&b, slice_of(whole)), ST_OK);
	EXPECT_UINT(t, b.problems.len, 0);
	EXPECT_SLICE(t, p->id, SLICE("A"));
	EXPECT_SLICE(t, p->name, SLICE("Republic of \"Alpha\""));
	EXPECT_SLICE(t, p->file, SLICE("a.party"));
	EXPECT(t, p->territory_count == 2 && slice_equal(p->territories[1], SLICE("XB")));
	EXPECT(t,
	       p->network_count == 2 && p->networks[0].bits == 16 && p->networks[0].addr.b[2] == 0);
	EXPECT(t, p->station_count == 2);
	EXPECT_SLICE(t, p->stations[0].place, SLICE("edge of the research network"));
	EXPECT_SLICE(t, p->stations[1].name, SLICE("alpha core"));
	EXPECT_SLICE(t, p->log_key, SLICE("alpha.example/log+1f2e3d4c+AbCd#0123"));
	EXPECT(t, p->contact_count == 2 && p->contacts[0].always && !p->contacts[1].always);
	EXPECT(t, p->asset_count == 2);
	EXPECT_SLICE(t, p->assets[0].sector, SLICE("drinking-water"));
	EXPECT_SLICE(t, p->assets[1].status, SLICE("protected"));
	EXPECT_UINT(t, (uint64_t)p->assets[0].since.ns / 1000000000u, 1704067200);
	EXPECT(t, p->assets[1].since.ns == 0 && p->assets[0].line == 12);
	EXPECT(t, p->bond_count == 1 && slice_equal(p->bonds[0].instrument, SLICE("budapest")));
	EXPECT(t, p->statement_count == 2 && p->statements[1].to.ns == 0);
	EXPECT_UINT(t, (uint64_t)p->statements[0].to.ns / 1000000000u, 1769947200);
	EXPECT_SLICE(t, p->statements[1].what, SLICE("not-at-war-with"));
	EXPECT_SLICE(t, p->statements[1].with, SLICE("B"));
	teardown(&b);
}

static void all_mistakes_are_reported_where_they_stand(struct test *t)
{
	static const char text[] = "territory XA\n"
				   "party A \"Alpha\"\n"
				   "party A \"Alpha\"\n"
				   "  netwrk 10.0.0.0/8\n"
				   "network 10.0.0.0/33\n"
				   "network 10.0.0.0/8 and more\n"
				   "station\n"
				   "asset 10.0.0.1 \"n\" sector cheese status civilian\n"
				   "states at-war-with from 2020-01-01\n"
				   "bound x since 2020-02-30\n"
				   "contact \"open\n";
	static const char want[] =
		"a.party:1:1: expected the party statement first, found \"territory\"\n"
		"a.party:3:1: expected one party a file, found \"party\"\n"
		"a.party:4:3: expected party, territory, network, pseudonyms, station, "
		"sealed-station, log-key, contact, asset, bound or states, found \"netwrk\"\n"
		"a.party:5:9: expected an address prefix such as 192.0.2.0/24, found "
		"\"10.0.0.0/33\"\n"
		"a.party:6:20: expected the end of the line, found \"and\"\n"
		"a.party:7:8: expected a station's name, found the end of the line\n"
		"a.party:8:27: expected a sector of docs/formats/party.md, found \"cheese\"\n"
		"a.party:9:25: expected the word from, found \"2020-01-01\"\n"
		"a.party:10:15: expected a date such as 2026-11-22, found \"2020-02-30\"\n"
		"a.party:11:14: expected a quote that ends the text, found the end of the line\n";
	struct bench b;

	setup(&b);
	EXPECT_UINT(t, parse(&b, slice_of(text)), ST_INVALID);
	EXPECT_SLICE(t, buf_slice(&b.problems), slice_of(want));
	EXPECT(t, slice_starts(slice_of(b.why.text), SLICE("a.party:1:1: expected the party")));
	teardown(&b);
}

/* One line behind a good head, and what its report starts with; "" if it is good. */
static void each_statement_refuses_what_it_must(struct test *t)
{
	static const struct {
		const char *line, *want;
	} rows[] = {
		{"territory XA", "a.party:4:11: expected each territory once"},
		{"territory", "a.party:4:10: expected a territory: two capital"},
		{"territory xa", "a.party:4:11: expected a territory: two capital"},
		{"territory XAB", "a.party:4:11: expected a territory: two capital"},
		{"network 10.0.0.1/8", "a.party:4:9: expected each network once"},
		{"network \"10.0.0.0/8\"", "a.party:4:9: expected an address prefix"},
		{"pseudonyms 10.0.0.0/8", ""},
		{"pseudonyms 10.0.0.1/8", ""},
		{"network 0.0.0.0/4\npseudonyms 10.0.0.0/8", ""},
		{"pseudonyms 10.0.0.0/8\npseudonyms 10.0.0.0/8",
		 "a.party:5:12: expected each network"},
		{"pseudonyms 10.0.0.0/9",
		 "a.party:4:12: expected one of the party's networks, found"},
		{"network 10.1.0.0/16\npseudonyms 10.0.0.0/8",
		 "a.party:5:12: expected a network that holds no other of the party's"},
		{"pseudonyms 10.0.0.0/8\nnetwork 10.1.0.0/16\nstation s",
		 "a.party:4:12: expected a network"},
		{"pseudonyms", "a.party:4:11: expected an address prefix"},
		{"station s\nstation s", "a.party:5:9: expected each station once"},
		{"station s\nsealed-station s", "a.party:5:16: expected each station once"},
		{"sealed-station s\nstation s", "a.party:5:9: expected each station once"},
		{"sealed-station", "a.party:4:15: expected a station's name"},
		{"sealed-station s t", "a.party:4:18: expected the end"},
		{"station s place edge", "a.party:4:17: expected where the station stands"},
		{"station \"\"", "a.party:4:9: expected a station's name"},
		{"log-key \"k\"\nlog-key \"k\"", "a.party:5:1: expected one log-key"},
		{"log-key k", "a.party:4:9: expected a verifier key"},
		{"contact \"a\" \"b\" sometimes", "a.party:4:17: expected the end"},
		{"asset 11.0.0.1 \"n\" sector health status civilian",
		 "a.party:4:1: expected an asset inside one of the party's networks, found "
		 "\"11.0.0.1\""},
		{"asset 0.0.0.0/0 \"n\" sector health status civilian",
		 "a.party:4:1: expected an asset inside"},
		{"asset 10.0.0.1 \"n\" sector health status civil", "a.party:4:41: expected civ"},
		{"asset 10.0.0.1 \"n\" sector health", "a.party:4:33: expected the word status"},
		{"bound b since 2020-01-01\nbound b since 2020-01-01",
		 "a.party:5:7: expected each instrument once"},
		{"states peace from 2020-01-01", "a.party:4:8: expected no-authorised-test,"},
		{"states no-attack-on from 2020-01-01", "a.party:4:26: expected the word from"},
		{"states authorised-test from 2020-01-01 until 2020-01-01",
		 "a.party:4:46: expected a time after"},
		{"states authorised-test from 2020-01-01 until 2020-01-01T00:00:00.000000001Z", ""},
		{"contact \"a\\b\" \"c\"", "a.party:4:12: expected \\\" or \\\\ in a text, found "
					   "\"b\""},
		{"# \"open in a comment \\ \"", ""},
		{"station \x01", "a.party:4:9: expected no control character, found \"\\x01\""},
		{"station \xff", "a.party:4:1: expected UTF-8"},
		{"station caf\xc3\xa9", ""},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct bench b;
		struct buf text;

		setup(&b);
		text = buf_in(&b.arena);
		buf_add_z(&text, "party A \"Alpha\"\nterritory XA\nnetwork 10.0.0.0/8\n");
		buf_add_z(&text, rows[i].line);
		EXPECT_UINT(t, parse(&b, buf_slice(&text)), rows[i].want[0] ? ST_INVALID : ST_OK);
		EXPECT_SLICE(t, slice_part(buf_slice(&b.problems), 0, strlen(rows[i].want)),
			     slice_of(rows[i].want));
		teardown(&b);
	}
}

static void a_file_must_say_who_and_where(struct test *t)
{
	struct bench b;

	setup(&b);
	EXPECT_UINT(t, parse(&b, SLICE("# nothing\n")), ST_INVALID);
	EXPECT_SLICE(t, slice_of(b.why.text),
		     SLICE("a.party:3:1: expected a party statement, found the end of the line"));
	EXPECT_UINT(t, parse(&b, SLICE("party A \"Alpha\"")), ST_INVALID);
	EXPECT_SLICE(t, slice_of(b.why.text),
		     SLICE("a.party:2:1: expected a territory statement, found the end of the "
			   "line"));
	EXPECT_UINT(t, parse(&b, (struct slice){NULL, 0}), ST_INVALID);
	teardown(&b);
}

static void limits_hold_to_the_unit(struct test *t)
{
	enum { TEXT = 1 << 20 };
	struct bench b;
	struct buf text;
	size_t lines = 0;

	setup(&b);
	text = buf_in(&b.arena);
	buf_add_z(&text, "party abcdefghijklmnopqrstuvwxyz012345 \"x\"\nterritory XA\n#");
	while (text.len < TEXT)
		buf_add_byte(&text, 'x');
	EXPECT_UINT(t, parse(&b, buf_slice(&text)), ST_OK);
	EXPECT_UINT(t, b.party.id.len, 32);
	buf_add_byte(&text, 'x');
	EXPECT_UINT(t, parse(&b, buf_slice(&text)), ST_LIMIT);
	EXPECT_UINT(t,
		    parse(&b, SLICE("party abcdefghijklmnopqrstuvwxyz0123456 \"x\"\nterritory XA")),
		    ST_INVALID);
	teardown(&b);

	setup(&b);
	text = buf_in(&b.arena);
	for (int i = 0; i < 300; i++)
		buf_add_z(&text, "?\n");
	EXPECT_UINT(t, parse(&b, buf_slice(&text)), ST_INVALID);
	for (size_t i = 0; i < b.problems.len; i++)
		lines += b.problems.ptr[i] == '\n';
	EXPECT_UINT(t, lines, 100);
	teardown(&b);
}

static void the_longest_prefix_wins(struct test *t)
{
	static const char beta[] = "party B \"Beta\"\nterritory XC\nnetwork 10.10.4.0/28\n"
				   "station beta-edge\n";
	struct bench b;
	struct party two[2];
	struct addr pumps, works, other;

	setup(&b);
	EXPECT_UINT(t, parse(&b, slice_of(whole)), ST_OK);
	two[0] = b.party;
	EXPECT_UINT(t, parse(&b, slice_of(beta)), ST_OK);
	two[1] = b.party;
	EXPECT(t, addr_parse(SLICE("10.10.4.7"), &pumps) &&
			  addr_parse(SLICE("10.10.4.99"), &works) &&
			  addr_parse(SLICE("10.11.0.1"), &other));
	EXPECT(t, party_of_addr(two, 2, &pumps) == &two[1]);
	EXPECT(t, party_of_addr(two, 2, &works) == &two[0]);
	EXPECT(t, party_of_addr(two, 2, &other) == NULL && party_of_addr(two, 0, &works) == NULL);
	EXPECT(t, party_asset_of_addr(&two[0], &pumps) == &two[0].assets[1]);
	EXPECT(t, party_asset_of_addr(&two[0], &works) == &two[0].assets[0]);
	EXPECT(t, party_asset_of_addr(&two[1], &works) == NULL);
	EXPECT(t, party_of_territory(two, 2, SLICE("XC")) == &two[1]);
	EXPECT(t, party_of_territory(two, 2, SLICE("XD")) == NULL);
	EXPECT(t, party_of_station(two, 2, SLICE("beta-edge")) == &two[1]);
	EXPECT(t, party_of_station(two, 2, SLICE("gamma")) == NULL);
	teardown(&b);
}

static void the_result_does_not_depend_on_the_text_it_was_read_from(struct test *t)
{
	struct bench b;
	uint8_t text[sizeof whole];

	setup(&b);
	memcpy(text, whole, sizeof whole);
	EXPECT_UINT(t, parse(&b, (struct slice){text, sizeof whole - 1}), ST_OK);
	memset(text, 0, sizeof text);
	EXPECT_SLICE(t, b.party.id, SLICE("A"));
	EXPECT_SLICE(t, b.party.territories[0], SLICE("XA"));
	EXPECT_SLICE(t, b.party.stations[0].name, SLICE("alpha-edge"));
	EXPECT_SLICE(t, b.party.bonds[0].instrument, SLICE("budapest"));
	teardown(&b);
}

static void every_allocation_may_fail(struct test *t)
{
	enum status st = ST_NOMEM;

	for (size_t n = 1; st != ST_OK; n++) {
		struct bench b;

		setup(&b);
		b.pool.fail_after = n;
		st = party_parse(SLICE("a.party"), slice_of(whole), &b.arena, &b.party, NULL,
				 &b.why);
		EXPECT(t, st == ST_OK || (st == ST_NOMEM && b.why.status == ST_NOMEM));
		teardown(&b);
		EXPECT_UINT(t, b.pool.out, 0);
		EXPECT(t, n < 50);
	}
}

static void a_sealed_station_is_read_and_is_in_no_public_text(struct test *t)
{
	static const char open_text[] = "party A \"Alpha\"\r\n"
					"territory XA\n"
					"# sealed-station in a comment stays\n"
					"station edge\n"
					"contact \"sealed-station\" \"mailto:x\"\n"
					"network 10.0.0.0/8\n"
					"asset 10.0.0.1 \"n\" sector health status civilian\n";
	/* each in its place among the lines above: in front of line n, counted from 0 */
	static const struct {
		unsigned before;
		const char *line;
	} hidden[] = {{1, "sealed-station deep\r\n"},
		      {3, " \tsealed-station \"the third\" place \"a cable\" # beside it\n"},
		      {6, "sealed-station#\n"},
		      {7, "sealed-station last"}};
	struct bench b;
	struct buf text;
	struct slice rest = slice_of(open_text), got;
	unsigned n = 0;

	setup(&b);
	text = buf_in(&b.arena);
	for (unsigned k = 0; rest.ptr != NULL; n++) {
		struct slice line = slice_split(&rest, '\n');

		for (; k < 4 && hidden[k].before == n; k++)
			buf_add_z(&text, hidden[k].line);
		buf_add(&text, line);
		if (rest.ptr != NULL)
			buf_add_byte(&text, '\n');
	}
	EXPECT(t, party_public_text(buf_slice(&text), &b.arena, &got, &b.why) == ST_OK);
	EXPECT_SLICE(t, got, slice_of(open_text));
	EXPECT(t, party_public_text(got, &b.arena, &rest, &b.why) == ST_OK && rest.ptr == got.ptr);
	EXPECT_UINT(t,
		    parse(&b, slice_of("party A \"Alpha\"\nterritory XA\nstation edge\n"
				       " sealed-station \"the third\" place \"a cable\"\n")),
		    ST_OK);
	EXPECT(t, b.party.station_count == 1 && b.party.sealed_count == 1);
	EXPECT_SLICE(t, b.party.sealed[0].name, SLICE("the third"));
	EXPECT_SLICE(t, b.party.sealed[0].place, SLICE("a cable"));
	EXPECT(t, party_of_sealed(&b.party, 1, SLICE("the third")) == &b.party);
	EXPECT(t, party_of_sealed(&b.party, 1, SLICE("edge")) == NULL);
	EXPECT(t, party_of_station(&b.party, 1, SLICE("the third")) == NULL);
	teardown(&b);
}

TESTS(T(every_statement_is_read), T(all_mistakes_are_reported_where_they_stand),
      T(a_sealed_station_is_read_and_is_in_no_public_text), T(each_statement_refuses_what_it_must),
      T(a_file_must_say_who_and_where), T(limits_hold_to_the_unit), T(the_longest_prefix_wins),
      T(the_result_does_not_depend_on_the_text_it_was_read_from), T(every_allocation_may_fail))
