/* SPDX-License-Identifier: Apache-2.0
 *
 * Statements about the whole file: what it is, where it is from, since when it binds, and the words
 * that its clauses use.
 */
#include "assess/treaty/treaty_parse_priv.h"

#include "base/text.h"

bool treaty_parse_instrument(struct treaty_parser *p)
{
	static const struct treaty_consequence none = {{(const uint8_t *)"no-breach", 9},
						       {(const uint8_t *)"no breach", 9}};
	struct treaty *t = p->t;
	struct treaty_token id;

	if (!treaty_want_name(p, "the short name of the instrument", &id) ||
	    !treaty_want_string(p, "its title in quotes", &t->title))
		return false;
	t->id = id.text;
	p->scope = SCOPE_INSTRUMENT;
	p->prose = buf_in(p->a);
	if (!ARENA_PUSH(p->a, t->consequences, t->consequence_count, t->consequence_room, none))
		return treaty_no_memory(p);
	return treaty_want_end(p);
}

/* 64 hexadecimal digits: of the official text that was read. */
static bool want_sha256(struct treaty_parser *p, struct slice *out)
{
	struct treaty_token t = treaty_peek(p);
	bool good = t.kind == TOKEN_WORD && t.text.len == 64;

	for (size_t i = 0; good && i < t.text.len; i++)
		good = text_hex(t.text.ptr[i]) >= 0;
	if (!good)
		return treaty_expected(p, t, "64 hexadecimal digits");
	treaty_take(p, t);
	*out = t.text;
	return true;
}

bool treaty_parse_source(struct treaty_parser *p)
{
	struct treaty_source s = {0}, *to;
	struct treaty_token t;

	if (!treaty_want_string(p, "where the text is from, in quotes", &s.text))
		return false;
	if (treaty_take_if(p, "page") &&
	    !treaty_want_string(p, "the page or article in quotes", &s.page))
		return false;
	if (treaty_take_if(p, "sha256") && !want_sha256(p, &s.sha256))
		return false;
	t = treaty_peek(p);
	if (!treaty_token_is(t, "mark"))
		return treaty_expected(p, t,
				       s.sha256.len ? "\"mark\""
				       : s.page.len ? "\"sha256\" or \"mark\""
						    : "\"page\", \"sha256\" or \"mark\"");
	treaty_take(p, t);
	t = treaty_peek(p);
	if (!treaty_token_is(t, "V") && !treaty_token_is(t, "K1") && !treaty_token_is(t, "K2"))
		return treaty_expected(p, t,
				       "V (checked against the text), K1 (sure) or K2 (unchecked)");
	treaty_take(p, t);
	s.mark = t.text;
	to = p->scope == SCOPE_INSTRUMENT ? &p->t->source : &treaty_open_clause(p)->source;
	if (to->text.len != 0)
		return TREATY_PROBLEM(p, 1, "a second \"source\": expected one");
	*to = s;
	return treaty_want_end(p);
}

bool treaty_parse_in_force(struct treaty_parser *p)
{
	struct treaty_token t = treaty_peek(p);

	if (p->instrument_force)
		return TREATY_PROBLEM(p, 1, "a second \"in-force\": expected one");
	p->instrument_force = true;
	if (treaty_token_is(t, "between-parties")) {
		treaty_take(p, t);
		p->t->between_parties = true;
		return treaty_want_end(p);
	}
	if (treaty_token_is(t, "not-yet")) {
		treaty_take(p, t);
		p->t->in_force.ns = INT64_MAX;
		return treaty_want_reason(p, "\";\" and what it waits for", &p->t->not_yet);
	}
	if (treaty_token_is(t, "assured-by")) {
		treaty_take(p, t);
		if (!treaty_want_name(p, "the party whose assurance it is", &t))
			return false;
		p->t->author = t.text;
		return treaty_want_date(p, &p->t->in_force, &p->t->in_force_text) &&
		       treaty_want_end(p);
	}
	if (t.kind != TOKEN_WORD || !time_parse_date(t.text, &p->t->in_force))
		return treaty_expected(p, t,
				       "a date as YYYY-MM-DD, \"between-parties\", \"not-yet\" or "
				       "\"assured-by\"");
	return treaty_want_date(p, &p->t->in_force, &p->t->in_force_text) && treaty_want_end(p);
}

/* amendments closed ; source: none but what a clause admits (VCLT 19(b)). It stands above the first
 * clause, so that each amendment below is held to it. */
bool treaty_parse_amendments(struct treaty_parser *p)
{
	if (!treaty_take_if(p, "closed"))
		return treaty_expected(p, treaty_peek(p), "\"closed\"");
	if (p->t->closed.len != 0)
		return TREATY_PROBLEM(p, 1, "a second \"amendments closed\": expected one");
	if (p->t->party_count != 0)
		return TREATY_PROBLEM(p, 1, "expected \"amendments closed\" above the first party");
	return treaty_want_reason(p, "\";\" and the article that closes the list", &p->t->closed);
}

static size_t standard_find(const struct treaty *t, struct slice name)
{
	for (size_t i = 0; i < t->standard_count; i++)
		if (slice_equal(t->standards[i].name, name))
			return i;
	return SIZE_MAX;
}

static bool standard_add(struct treaty_parser *p, struct treaty_standard s)
{
	struct treaty *t = p->t;

	if (t->standard_count == TREATY_STANDARDS_MAX)
		return TREATY_PROBLEM(p, 1, "expected at most %d standards", TREATY_STANDARDS_MAX);
	return ARENA_PUSH(p->a, t->standards, t->standard_count, t->standard_room, s) ||
	       treaty_no_memory(p);
}

bool treaty_parse_standard(struct treaty_parser *p)
{
	struct treaty_standard s = {0};
	struct treaty_token name;

	if (!treaty_want_name(p, "the name of the standard", &name) ||
	    !treaty_want_probability(p, &s.milli))
		return false;
	s.name = name.text;
	if (standard_find(p->t, s.name) != SIZE_MAX)
		return TREATY_PROBLEM(
			p, name.column,
			"the standard \"%.*s\" is defined twice: expected another name",
			SLICE_ARG(s.name));
	return standard_add(p, s) && treaty_want_end(p);
}

static bool is_number(struct treaty_token t)
{
	return t.kind == TOKEN_WORD && text_is_digit(t.text.ptr[0]);
}

/* A number may follow; what else follows is whoever asked's to read. */
bool treaty_want_standard(struct treaty_parser *p, size_t *out, size_t *out_column)
{
	struct treaty_standard s = {0};
	struct treaty_token name;

	if (!treaty_want_name(p, "the name of a standard", &name))
		return false;
	s.name = name.text;
	*out = standard_find(p->t, s.name);
	*out_column = name.column;
	if (is_number(treaty_peek(p)) && !treaty_want_probability(p, &s.milli))
		return false;
	if (*out == SIZE_MAX && s.milli == 0)
		return TREATY_PROBLEM(p, name.column,
				      "the standard \"%.*s\" is not defined: expected a "
				      "line above that says  standard %.*s 0.75",
				      SLICE_ARG(s.name), SLICE_ARG(s.name));
	if (*out == SIZE_MAX) {
		*out = p->t->standard_count;
		return standard_add(p, s);
	}
	if (s.milli != 0 && s.milli != p->t->standards[*out].milli)
		return TREATY_PROBLEM(p, name.column,
				      "the standard \"%.*s\" has another number above: expected "
				      "the same, or another name",
				      SLICE_ARG(s.name));
	return true;
}

static size_t consequence_find(const struct treaty *t, struct slice name)
{
	for (size_t i = 0; i < t->consequence_count; i++)
		if (slice_equal(t->consequences[i].name, name))
			return i;
	return SIZE_MAX;
}

bool treaty_parse_consequence(struct treaty_parser *p)
{
	struct treaty_consequence c = {0};
	struct treaty *t = p->t;
	struct treaty_token name;

	if (!treaty_want_name(p, "the name of the consequence", &name) ||
	    !treaty_want_string(p, "what follows then, in quotes", &c.text))
		return false;
	c.name = name.text;
	if (consequence_find(t, c.name) != SIZE_MAX)
		return TREATY_PROBLEM(
			p, name.column,
			"the consequence \"%.*s\" is defined twice: expected another name",
			SLICE_ARG(c.name));
	if (t->consequence_count == TREATY_CONSEQUENCES_MAX)
		return TREATY_PROBLEM(p, 1, "expected at most %d consequences beside \"no-breach\"",
				      TREATY_CONSEQUENCES_MAX - 1);
	return (ARENA_PUSH(p->a, t->consequences, t->consequence_count, t->consequence_room, c) ||
		treaty_no_memory(p)) &&
	       treaty_want_end(p);
}

bool treaty_want_consequence(struct treaty_parser *p, uint8_t *out)
{
	struct treaty_token name;
	size_t i;

	if (!treaty_want_name(p, "the name of a consequence", &name))
		return false;
	i = consequence_find(p->t, name.text);
	if (i == SIZE_MAX)
		return TREATY_PROBLEM(p, name.column,
				      "the consequence \"%.*s\" is not defined: expected a line "
				      "above that says  consequence %.*s \"what follows\"",
				      SLICE_ARG(name.text), SLICE_ARG(name.text));
	*out = (uint8_t)i; /* below TREATY_CONSEQUENCES_MAX */
	return true;
}

static size_t concept_find(struct slice name)
{
	size_t n;
	const struct treaty_concept *c = treaty_concepts(&n);

	for (size_t i = 0; i < n; i++)
		if (slice_equal(slice_of(c[i].name), name))
			return i;
	return SIZE_MAX;
}

static bool unknown_concept(struct treaty_parser *p, struct treaty_token name)
{
	struct buf all = buf_in(p->a);
	size_t n;
	const struct treaty_concept *c = treaty_concepts(&n);

	for (size_t i = 0; i < n; i++)
		buf_add_fmt(&all, "%s%s", i == 0 ? "" : i + 1 < n ? ", " : " or ", c[i].name);
	return TREATY_PROBLEM(p, name.column, "\"%.*s\" is no concept: expected %.*s",
			      SLICE_ARG(name.text), SLICE_ARG(buf_slice(&all)));
}

bool treaty_parse_concept(struct treaty_parser *p)
{
	struct treaty_token name;
	struct slice says;
	size_t i;

	if (!treaty_want_name(p, "the name of the concept", &name))
		return false;
	i = concept_find(name.text);
	if (i == SIZE_MAX)
		return unknown_concept(p, name);
	if (!treaty_want_string(p, "what the text says of it, in quotes", &says))
		return false;
	if (says.len == 0)
		return TREATY_PROBLEM(p, 1,
				      "expected what the text says of it: of a text that is silent "
				      "there is no such line");
	if (p->t->concepts[i].len != 0)
		return TREATY_PROBLEM(p, name.column,
				      "the concept \"%.*s\" stands here twice: expected one answer",
				      SLICE_ARG(name.text));
	p->t->concepts[i] = says;
	return treaty_want_end(p);
}

bool treaty_parse_term(struct treaty_parser *p)
{
	struct treaty_term term = {.line = p->number};
	struct treaty *t = p->t;
	struct treaty_token name;

	if (!treaty_want_name(p, "the name of the term", &name))
		return false;
	if (treaty_is_reserved(name.text))
		return TREATY_PROBLEM(p, name.column,
				      "\"%.*s\" is a word of the language: expected "
				      "another name",
				      SLICE_ARG(name.text));
	if (!treaty_want_string(p, "its definition in quotes", &term.definition))
		return false;
	term.name = name.text;
	term.open = treaty_take_if(p, "open");
	if (treaty_term_find(t, term.name) != SIZE_MAX)
		return TREATY_PROBLEM(p, name.column,
				      "the term \"%.*s\" is defined twice: expected another name",
				      SLICE_ARG(term.name));
	if (t->term_count == TREATY_TERMS_MAX)
		return TREATY_PROBLEM(p, 1, "expected at most %d terms", TREATY_TERMS_MAX);
	if (!ARENA_PUSH(p->a, t->terms, t->term_count, t->term_room, term))
		return treaty_no_memory(p);
	p->scope = SCOPE_TERM;
	return treaty_want_end(p);
}

static bool gloss_add(struct treaty_parser *p, struct treaty_gloss g)
{
	struct treaty_term *term = &p->t->terms[p->t->term_count - 1];
	struct treaty_gloss *new;

	if (!treaty_want_string(p, "a text in quotes", &g.text))
		return false;
	if (term->gloss_count == TREATY_READINGS_MAX)
		return TREATY_PROBLEM(p, 1, "expected at most %d readings and examples of one term",
				      TREATY_READINGS_MAX);
	new = ARENA_NEW(p->a, struct treaty_gloss);
	if (new == NULL)
		return treaty_no_memory(p);
	*new = g;
	if (term->last_gloss != NULL)
		term->last_gloss->next = new;
	else
		term->glosses = new;
	term->last_gloss = new;
	term->gloss_count++;
	return treaty_want_end(p);
}

/* reading PARTY "text": how one party reads an open term. */
bool treaty_parse_reading(struct treaty_parser *p)
{
	struct treaty_token who;

	if (!treaty_want_name(p, "the party whose reading it is", &who))
		return false;
	if (!p->t->terms[p->t->term_count - 1].open)
		return TREATY_PROBLEM(p, 1,
				      "a term of which parties have readings is not settled: "
				      "expected \"open\" behind its definition");
	return gloss_add(p, (struct treaty_gloss){.kind = TREATY_READING, .party = who.text});
}

/* example in|out "text" */
bool treaty_parse_example(struct treaty_parser *p)
{
	bool in = treaty_take_if(p, "in");

	if (!in && !treaty_take_if(p, "out"))
		return treaty_expected(p, treaty_peek(p), "\"in\" or \"out\"");
	return gloss_add(
		p, (struct treaty_gloss){.kind = in ? TREATY_EXAMPLE_IN : TREATY_EXAMPLE_OUT});
}
