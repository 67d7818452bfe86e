/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading a party file: docs/formats/party.md.
 *
 * A line is cut into tokens; its first word picks a row of `statements`, whose function reads the
 * rest. A mistake is reported where it stands, the line is given up, and the next one is read.
 */
#include "base/text.h"
#include "party/party.h"

enum {
	TEXT_MAX = 1 << 20, /* bytes of a party file */
	ID_MAX = 32,	    /* bytes of a party's id */
	PROBLEMS_MAX = 100, /* reported of one file */
	SHOWN_MAX = 40,	    /* bytes shown of what was found instead */
};

enum token_kind { TOKEN_END, TOKEN_WORD, TOKEN_TEXT };

struct token {
	enum token_kind kind;
	struct slice text; /* of TOKEN_TEXT: between the quotes, escapes still in */
	uint32_t column;   /* bytes from 1 */
};

struct rooms { /* of the growing lists in struct party */
	size_t territories, networks, hidden, hidden_at, stations, sealed, assets, contacts, bonds,
		statements;
};

struct hidden_at { /* where a network with pseudonyms is named */
	struct addr_prefix net;
	uint32_t line, column;
};

struct reader {
	struct slice file, line;
	size_t at; /* bytes of `line` read */
	uint32_t line_number;
	bool stop; /* the budget is spent, or there are too many mistakes */
	bool nomem;
	size_t mistakes;
	bool has_party, said_party_first, has_log_key;
	struct arena *arena;
	struct buf *problems;
	struct fail *why;
	struct party party;
	struct hidden_at *hidden_at;
	size_t hidden_at_count;
	struct rooms room;
};

struct statement {
	const char *word;
	bool (*read)(struct reader *r);
};

static const char *const sectors[] = {"energy",
				      "transport",
				      "banking",
				      "financial-market",
				      "health",
				      "drinking-water",
				      "waste-water",
				      "digital-infrastructure",
				      "ict-services",
				      "public-administration",
				      "space",
				      "courier",
				      "waste-management",
				      "chemical",
				      "food",
				      "manufacturing",
				      "digital-providers",
				      "research",
				      "defence",
				      "emergency",
				      "elections",
				      "media",
				      "nuclear",
				      "dams",
				      "cert",
				      NULL};
static const char *const statuses[] = {"civilian", "military", "dual-use", "protected", NULL};

static const struct {
	const char *word;
	bool about_party; /* another party's id follows */
} declarations[] = {
	{"no-authorised-test", false}, {"authorised-test", false}, {"not-at-war-with", true},
	{"at-war-with", true},	       {"no-attack-on", true},
};

/* Mistakes and memory. */

static void add_shown(struct buf *b, struct token t)
{
	struct slice s = slice_part(t.text, 0, SHOWN_MAX);

	if (t.kind == TOKEN_END) {
		buf_add_z(b, "the end of the line");
		return;
	}
	buf_add_byte(b, '"');
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] >= ' ' && s.ptr[i] < 0x7f)
			buf_add_byte(b, s.ptr[i]);
		else
			buf_add_fmt(b, "\\x%02x", s.ptr[i]);
	}
	buf_add_z(b, s.len < t.text.len ? "...\"" : "\"");
}

/* Reports "expected <expected>, found <found>"; always false, so that a reader can return it. */
static bool mistake(struct reader *r, const char *expected, struct token found)
{
	struct buf b = buf_in(r->arena);

	buf_add(&b, r->file);
	buf_add_fmt(&b, ":%u:%u: expected %s, found ", r->line_number, found.column, expected);
	add_shown(&b, found);
	if (r->mistakes++ == 0)
		(void)fail_set(r->why, ST_INVALID, "%.*s", SLICE_ARG(buf_slice(&b)));
	if (r->problems != NULL) {
		buf_add(r->problems, buf_slice(&b));
		buf_add_byte(r->problems, '\n');
	}
	r->stop = r->stop || r->mistakes >= PROBLEMS_MAX;
	return false;
}

static bool spent(struct reader *r)
{
	r->nomem = r->stop = true;
	return false;
}

/* A list element was kept, or the budget is spent. */
static bool kept(struct reader *r, bool pushed)
{
	return pushed || spent(r);
}

static bool copy(struct reader *r, struct slice s, struct slice *out)
{
	*out = arena_copy(r->arena, s);
	return out->len == s.len || spent(r);
}

/* Tokens. */

static bool is_word_byte(uint8_t c)
{
	return c > ' ' && c != '"' && c != '#' && c != 0x7f;
}

static struct token token_next(struct reader *r)
{
	struct slice l = r->line;
	struct token t = {.kind = TOKEN_END};
	size_t start;

	while (r->at < l.len && (l.ptr[r->at] == ' ' || l.ptr[r->at] == '\t'))
		r->at++;
	start = r->at;
	t.column = (uint32_t)start + 1; /* a line is shorter than TEXT_MAX */
	if (r->at == l.len || l.ptr[r->at] == '#') {
		r->at = l.len;
		return t;
	}
	if (l.ptr[r->at] == '"') {
		/* line_is_sound() has seen that the text ends */
		for (r->at++; l.ptr[r->at] != '"'; r->at++)
			r->at += l.ptr[r->at] == '\\';
		t.kind = TOKEN_TEXT;
		t.text = slice_part(l, start + 1, r->at - start - 1);
		r->at++;
		return t;
	}
	while (r->at < l.len && is_word_byte(l.ptr[r->at]))
		r->at++;
	t.kind = TOKEN_WORD;
	t.text = slice_part(l, start, r->at - start);
	return t;
}

/* The byte at `at` as a token of its own, to be shown in a mistake. */
static struct token token_at(const struct reader *r, size_t at)
{
	struct slice s = slice_part(r->line, at, 1);

	return (struct token){s.len ? TOKEN_WORD : TOKEN_END, s, (uint32_t)at + 1};
}

/* No control characters, good UTF-8, and every text ends with its quote and only escapes what may
 * be: then token_next() cannot fail. */
static bool line_is_sound(struct reader *r)
{
	bool in_text = false;

	for (size_t i = 0; i < r->line.len; i++) {
		uint8_t c = r->line.ptr[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return mistake(r, "no control character", token_at(r, i));
		if (!in_text && c == '#')
			break;
		if (c == '"')
			in_text = !in_text;
		if (!in_text || c != '\\')
			continue;
		i++;
		if (i == r->line.len || (r->line.ptr[i] != '"' && r->line.ptr[i] != '\\'))
			return mistake(r, "\\\" or \\\\ in a text", token_at(r, i));
	}
	if (in_text)
		return mistake(r, "a quote that ends the text", token_at(r, r->line.len));
	if (!text_is_utf8(r->line))
		return mistake(r, "UTF-8", (struct token){TOKEN_WORD, r->line, 1});
	return true;
}

static bool want_end(struct reader *r)
{
	struct token t = token_next(r);

	return t.kind == TOKEN_END || mistake(r, "the end of the line", t);
}

/* True if the next token is the literal `word`, which is then eaten. */
static bool have_literal(struct reader *r, const char *word)
{
	size_t before = r->at;
	struct token t = token_next(r);

	if (t.kind == TOKEN_WORD && slice_equal(t.text, slice_of(word)))
		return true;
	r->at = before;
	return false;
}

static bool want_literal(struct reader *r, const char *word, const char *expected)
{
	return have_literal(r, word) || mistake(r, expected, token_next(r));
}

static bool want_text(struct reader *r, const char *expected, struct slice *out)
{
	struct token t = token_next(r);
	struct buf b = buf_in(r->arena);

	if (t.kind != TOKEN_TEXT || slice_trim(t.text).len == 0)
		return mistake(r, expected, t);
	for (size_t i = 0; i < t.text.len; i++) {
		i += t.text.ptr[i] == '\\';
		buf_add_byte(&b, t.text.ptr[i]);
	}
	if (b.full)
		return spent(r);
	*out = buf_slice(&b);
	return true;
}

/* A word or a text: names that others chose. */
static bool want_name(struct reader *r, const char *expected, struct token *out_token,
		      struct slice *out)
{
	size_t before = r->at;

	*out_token = token_next(r);
	if (out_token->kind == TOKEN_WORD)
		return copy(r, out_token->text, out);
	r->at = before;
	return want_text(r, expected, out);
}

static bool want_one_of(struct reader *r, const char *const *list, const char *expected,
			struct slice *out)
{
	struct token t = token_next(r);

	for (size_t i = 0; t.kind == TOKEN_WORD && list[i] != NULL; i++) {
		if (slice_equal(t.text, slice_of(list[i]))) {
			*out = slice_of(list[i]);
			return true;
		}
	}
	return mistake(r, expected, t);
}

static bool want_prefix(struct reader *r, struct token *out_token, struct addr_prefix *out)
{
	*out_token = token_next(r);
	return (out_token->kind == TOKEN_WORD && addr_prefix_parse(out_token->text, out)) ||
	       mistake(r, "an address prefix such as 192.0.2.0/24", *out_token);
}

static bool want_date(struct reader *r, struct wall_ns *out)
{
	struct token t = token_next(r);

	return (t.kind == TOKEN_WORD &&
		(time_parse_date(t.text, out) || time_parse(t.text, out))) ||
	       mistake(r, "a date such as 2026-11-22", t);
}

static bool want_id(struct reader *r, struct slice *out)
{
	struct token t = token_next(r);
	bool ok = t.kind == TOKEN_WORD && t.text.len <= ID_MAX;

	for (size_t i = 0; ok && i < t.text.len; i++)
		ok = text_is_alpha(t.text.ptr[i]) || text_is_digit(t.text.ptr[i]) ||
		     t.text.ptr[i] == '-' || t.text.ptr[i] == '_';
	if (!ok)
		return mistake(r, "a party's id: at most 32 letters, digits, - or _", t);
	return copy(r, t.text, out);
}

/* Statements. */

static bool read_party(struct reader *r)
{
	return want_id(r, &r->party.id) &&
	       want_text(r, "the party's name in quotes", &r->party.name) && want_end(r);
}

static bool read_territory(struct reader *r)
{
	static const char expected[] = "a territory: two capital letters (ISO 3166-1 alpha-2)";
	struct party *p = &r->party;

	for (size_t n = 0;; n++) {
		struct token t = token_next(r);
		struct slice code;

		if (t.kind == TOKEN_END && n > 0)
			return true;
		if (t.kind != TOKEN_WORD || t.text.len != 2 || t.text.ptr[0] < 'A' ||
		    t.text.ptr[0] > 'Z' || t.text.ptr[1] < 'A' || t.text.ptr[1] > 'Z')
			return mistake(r, expected, t);
		if (party_of_territory(p, 1, t.text) != NULL)
			return mistake(r, "each territory once", t);
		if (!copy(r, t.text, &code) ||
		    !kept(r, ARENA_PUSH(r->arena, p->territories, p->territory_count,
					r->room.territories, code)))
			return false;
	}
}

static bool prefix_equal(const struct addr_prefix *a, const struct addr_prefix *b)
{
	return a->bits == b->bits && addr_equal(&a->addr, &b->addr);
}

static bool read_network(struct reader *r)
{
	struct party *p = &r->party;
	struct addr_prefix net;
	struct token t;

	if (!want_prefix(r, &t, &net) || !want_end(r))
		return false;
	for (size_t i = 0; i < p->network_count; i++)
		if (prefix_equal(&p->networks[i], &net))
			return mistake(r, "each network once", t);
	return kept(r, ARENA_PUSH(r->arena, p->networks, p->network_count, r->room.networks, net));
}

static bool read_pseudonyms(struct reader *r)
{
	struct party *p = &r->party;
	struct hidden_at where = {.line = r->line_number};
	struct token t;

	if (!want_prefix(r, &t, &where.net) || !want_end(r))
		return false;
	where.column = t.column;
	for (size_t i = 0; i < p->hidden_count; i++)
		if (prefix_equal(&p->hidden[i], &where.net))
			return mistake(r, "each network once", t);
	return kept(r,
		    ARENA_PUSH(r->arena, p->hidden, p->hidden_count, r->room.hidden, where.net)) &&
	       kept(r, ARENA_PUSH(r->arena, r->hidden_at, r->hidden_at_count, r->room.hidden_at,
				  where));
}

/* A station of either kind. */
static bool want_station(struct reader *r, struct party_station *out)
{
	struct token t;

	if (!want_name(r, "a station's name", &t, &out->name))
		return false;
	if (have_literal(r, "place") &&
	    !want_text(r, "where the station stands, in quotes", &out->place))
		return false;
	if (!want_end(r))
		return false;
	return (party_of_station(&r->party, 1, out->name) == NULL &&
		party_of_sealed(&r->party, 1, out->name) == NULL) ||
	       mistake(r, "each station once", t);
}

static bool read_station(struct reader *r)
{
	struct party *p = &r->party;
	struct party_station s = {0};

	return want_station(r, &s) &&
	       kept(r, ARENA_PUSH(r->arena, p->stations, p->station_count, r->room.stations, s));
}

static bool read_sealed_station(struct reader *r)
{
	struct party *p = &r->party;
	struct party_station s = {0};

	return want_station(r, &s) &&
	       kept(r, ARENA_PUSH(r->arena, p->sealed, p->sealed_count, r->room.sealed, s));
}

static bool read_log_key(struct reader *r)
{
	struct token here = {TOKEN_WORD, SLICE("log-key"), 1};

	if (r->has_log_key)
		return mistake(r, "one log-key", here);
	r->has_log_key = true;
	return want_text(r, "a verifier key in quotes", &r->party.log_key) && want_end(r);
}

static bool read_contact(struct reader *r)
{
	struct party *p = &r->party;
	struct party_contact c = {0};

	if (!want_text(r, "a contact's name in quotes", &c.name) ||
	    !want_text(r, "a URI in quotes", &c.uri))
		return false;
	c.always = have_literal(r, "always");
	return want_end(r) &&
	       kept(r, ARENA_PUSH(r->arena, p->contacts, p->contact_count, r->room.contacts, c));
}

static bool read_asset(struct reader *r)
{
	struct party *p = &r->party;
	struct party_asset asset = {.line = r->line_number};
	struct token t;

	if (!want_prefix(r, &t, &asset.net) ||
	    !want_text(r, "the asset's name in quotes", &asset.name) ||
	    !want_literal(r, "sector", "the word sector") ||
	    !want_one_of(r, sectors, "a sector of docs/formats/party.md", &asset.sector) ||
	    !want_literal(r, "status", "the word status") ||
	    !want_one_of(r, statuses, "civilian, military, dual-use or protected", &asset.status))
		return false;
	if (have_literal(r, "since") && !want_date(r, &asset.since))
		return false;
	if (!want_end(r))
		return false;
	for (size_t i = 0; i < p->asset_count; i++)
		if (prefix_equal(&p->assets[i].net, &asset.net))
			return mistake(r, "each asset once", t);
	return kept(r, ARENA_PUSH(r->arena, p->assets, p->asset_count, r->room.assets, asset));
}

static bool read_bound(struct reader *r)
{
	struct party *p = &r->party;
	struct party_bond b = {0};
	struct token t;

	if (!want_name(r, "an instrument's id", &t, &b.instrument) ||
	    !want_literal(r, "since", "the word since") || !want_date(r, &b.since) || !want_end(r))
		return false;
	for (size_t i = 0; i < p->bond_count; i++)
		if (slice_equal(p->bonds[i].instrument, b.instrument))
			return mistake(r, "each instrument once", t);
	return kept(r, ARENA_PUSH(r->arena, p->bonds, p->bond_count, r->room.bonds, b));
}

static bool read_states(struct reader *r)
{
	enum { KINDS = sizeof declarations / sizeof declarations[0] };
	struct party *p = &r->party;
	struct party_statement s = {0};
	struct token t = token_next(r);
	size_t k = 0;

	while (k < KINDS &&
	       (t.kind != TOKEN_WORD || !slice_equal(t.text, slice_of(declarations[k].word))))
		k++;
	if (k == KINDS)
		return mistake(r,
			       "no-authorised-test, authorised-test, not-at-war-with, at-war-with "
			       "or no-attack-on",
			       t);
	s.what = slice_of(declarations[k].word);
	if (declarations[k].about_party && !want_id(r, &s.with))
		return false;
	if (!want_literal(r, "from", "the word from") || !want_date(r, &s.from))
		return false;
	if (have_literal(r, "until")) {
		size_t before = r->at;

		if (!want_date(r, &s.to))
			return false;
		if (s.to.ns <= s.from.ns) {
			r->at = before;
			return mistake(r, "a time after the one it is from", token_next(r));
		}
	}
	return want_end(r) && kept(r, ARENA_PUSH(r->arena, p->statements, p->statement_count,
						 r->room.statements, s));
}

#define SEALED_STATION "sealed-station"

static const struct statement statements[] = {
	{"party", read_party},
	{"territory", read_territory},
	{"network", read_network},
	{"pseudonyms", read_pseudonyms},
	{"station", read_station},
	{"log-key", read_log_key},
	{"contact", read_contact},
	{"asset", read_asset},
	{"bound", read_bound},
	{"states", read_states},
	{SEALED_STATION, read_sealed_station},
};

/* False if there was a mistake, which was reported. */
static bool read_line(struct reader *r)
{
	struct token t;
	size_t k = 0;

	if (!line_is_sound(r))
		return false;
	t = token_next(r);
	if (t.kind == TOKEN_END)
		return true;
	while (k < sizeof statements / sizeof statements[0] &&
	       (t.kind != TOKEN_WORD || !slice_equal(t.text, slice_of(statements[k].word))))
		k++;
	if (k == sizeof statements / sizeof statements[0])
		return mistake(r,
			       "party, territory, network, pseudonyms, station, sealed-station, "
			       "log-key, contact, asset, bound or states",
			       t);
	if (k == 0 && r->has_party)
		return mistake(r, "one party a file", t);
	if (k != 0 && !r->has_party && !r->said_party_first) {
		r->said_party_first = true;
		(void)mistake(r, "the party statement first",
			      t); /* the line is read all the same */
	}
	r->has_party = r->has_party || k == 0;
	return statements[k].read(r);
}

/* Each is one of the networks, and holds no other: a pseudonym must not seem to be in it. */
static void check_hidden(struct reader *r)
{
	const struct party *p = &r->party;
	char text[ADDR_TEXT_MAX];

	for (size_t i = 0; i < r->hidden_at_count && !r->stop; i++) {
		const struct hidden_at *h = &r->hidden_at[i];
		bool own = false, alone = true;

		for (size_t k = 0; k < p->network_count; k++) {
			bool same = prefix_equal(&p->networks[k], &h->net);

			own = own || same;
			alone = alone && (same || p->networks[k].bits <= h->net.bits ||
					  !addr_prefix_holds(&h->net, &p->networks[k].addr));
		}
		if (own && alone)
			continue;
		r->line_number = h->line;
		(void)mistake(
			r,
			own ? "a network that holds no other of the party's"
			    : "one of the party's networks",
			(struct token){TOKEN_WORD, addr_format(&h->net.addr, text), h->column});
	}
}

/* What only the whole file can show. */
static void check_whole(struct reader *r)
{
	const struct party *p = &r->party;
	char text[ADDR_TEXT_MAX];

	check_hidden(r);

	for (size_t i = 0; i < p->asset_count && !r->stop; i++) {
		const struct party_asset *asset = &p->assets[i];
		bool inside = false;

		for (size_t k = 0; k < p->network_count && !inside; k++)
			inside = p->networks[k].bits <= asset->net.bits &&
				 addr_prefix_holds(&p->networks[k], &asset->net.addr);
		if (inside)
			continue;
		r->line_number = asset->line;
		(void)mistake(r, "an asset inside one of the party's networks",
			      (struct token){TOKEN_WORD, addr_format(&asset->net.addr, text), 1});
	}
	if (r->mistakes != 0)
		return;
	r->line_number++;
	if (!r->has_party)
		(void)mistake(r, "a party statement", (struct token){.column = 1});
	else if (p->territory_count == 0)
		(void)mistake(r, "a territory statement", (struct token){.column = 1});
}

enum status party_parse(struct slice file_name, struct slice text, struct arena *a,
			struct party *out, struct buf *problems, struct fail *why)
{
	struct reader r = {.file = file_name, .arena = a, .problems = problems, .why = why};
	struct slice rest = text;

	if (text.len > TEXT_MAX)
		return fail_set(why, ST_LIMIT, "%.*s: more than %d bytes", SLICE_ARG(file_name),
				TEXT_MAX);
	while (rest.ptr != NULL && !r.stop) {
		r.line = slice_split(&rest, '\n');
		r.line_number++;
		r.at = 0;
		if (slice_ends(r.line, SLICE("\r")))
			r.line.len--;
		(void)read_line(&r); /* the mistake is counted */
	}
	if (!r.stop)
		check_whole(&r);
	if (r.nomem || !copy(&r, file_name, &r.party.file))
		return fail_set(why, ST_NOMEM, "%.*s: the memory budget is spent",
				SLICE_ARG(file_name));
	if (r.mistakes != 0)
		return ST_INVALID;
	*out = r.party;
	return ST_OK;
}

/* As token_next() reads the first word of a line. */
static bool names_sealed(struct slice line)
{
	struct slice word = SLICE(SEALED_STATION), rest;

	while (line.len > 0 && (line.ptr[0] == ' ' || line.ptr[0] == '\t'))
		line = slice_from(line, 1);
	if (!slice_starts(line, word))
		return false;
	rest = slice_from(line, word.len);
	return rest.len == 0 || !is_word_byte(rest.ptr[0]);
}

enum status party_public_text(struct slice text, struct arena *a, struct slice *out,
			      struct fail *why)
{
	struct buf kept_lines = buf_in(a);
	struct slice rest = text;
	bool any = false;

	while (rest.ptr != NULL) {
		const uint8_t *from = rest.ptr;
		struct slice line = slice_split(&rest, '\n');
		size_t whole = line.len + (rest.ptr != NULL); /* with its line feed */

		if (names_sealed(line))
			any = true;
		else
			buf_add(&kept_lines, (struct slice){from, whole});
	}
	if (kept_lines.full)
		return fail_set(why, ST_NOMEM, "no memory for a party's public text");
	*out = any ? buf_slice(&kept_lines) : text;
	return ST_OK;
}
