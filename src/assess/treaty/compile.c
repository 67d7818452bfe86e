/* SPDX-License-Identifier: Apache-2.0
 *
 * The language: docs/formats/treaty.md. A line is a statement; the table at the end lists them all.
 *
 * Invariants:
 * 1. Every name is defined above its first use, so one pass suffices and nothing can refer to
 *    itself.
 * 2. An expression holds only terms, and, or, not and parentheses: no call, no loop, no clause.
 * 3. What is compiled is judged. A statement that this version knows and cannot judge is refused
 *    with its reason, never skipped.
 * 4. An error costs its statement only: compiling goes on, so that all errors are reported, and
 *    the whole is refused at the end.
 */
#include "assess/treaty/treaty_parse_priv.h"

static struct treaty_clause *open_clause(struct treaty_parser *p)
{
	return &p->t->clauses[p->t->clause_count - 1];
}

static bool parse_instrument(struct treaty_parser *p)
{
	struct treaty_token id;

	if (!treaty_want_name(p, "the short name of the instrument", &id) ||
	    !treaty_want_string(p, "its title in quotes", &p->t->title))
		return false;
	p->t->id = id.text;
	p->scope = SCOPE_INSTRUMENT;
	p->prose = buf_in(p->a);
	return treaty_want_end(p);
}

static bool parse_source(struct treaty_parser *p)
{
	struct treaty_source s = {0}, *to;
	struct treaty_token t;

	if (!treaty_want_string(p, "where the text is from, in quotes", &s.text))
		return false;
	if (treaty_take_if(p, "page") &&
	    !treaty_want_string(p, "the page or article in quotes", &s.page))
		return false;
	t = treaty_peek(p);
	if (!treaty_token_is(t, "mark"))
		return treaty_expected(p, t, s.page.len ? "\"mark\"" : "\"page\" or \"mark\"");
	treaty_take(p, t);
	t = treaty_peek(p);
	if (!treaty_token_is(t, "V") && !treaty_token_is(t, "K1") && !treaty_token_is(t, "K2"))
		return treaty_expected(p, t,
				       "V (checked against the text), K1 (sure) or K2 (unchecked)");
	treaty_take(p, t);
	s.mark = t.text;
	to = p->scope == SCOPE_INSTRUMENT ? &p->t->source : &open_clause(p)->source;
	if (to->text.len != 0)
		return TREATY_PROBLEM(p, 1, "a second \"source\": expected one");
	*to = s;
	return treaty_want_end(p);
}

static bool parse_in_force(struct treaty_parser *p)
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
	if (t.kind != TOKEN_WORD || !treaty_date_of(t.text, &p->t->in_force))
		return treaty_expected(p, t, "a date as YYYY-MM-DD, or \"between-parties\"");
	return treaty_want_date(p, &p->t->in_force, &p->t->in_force_text) && treaty_want_end(p);
}

static size_t standard_find(const struct treaty *t, struct slice name)
{
	for (size_t i = 0; i < t->standard_count; i++)
		if (slice_equal(t->standards[i].name, name))
			return i;
	return SIZE_MAX;
}

static bool parse_standard(struct treaty_parser *p)
{
	struct treaty_standard s = {0};
	struct treaty *t = p->t;
	struct treaty_token name;

	if (!treaty_want_name(p, "the name of the standard", &name) ||
	    !treaty_want_probability(p, &s.milli))
		return false;
	s.name = name.text;
	if (standard_find(t, s.name) != SIZE_MAX)
		return TREATY_PROBLEM(p, name.column, "the standard \"%.*s\" is defined twice",
				      SLICE_ARG(s.name));
	if (t->standard_count == TREATY_STANDARDS_MAX)
		return TREATY_PROBLEM(p, 1, "at most %d standards", TREATY_STANDARDS_MAX);
	if (!ARENA_PUSH(p->a, t->standards, t->standard_count, t->standard_room, s))
		return treaty_no_memory(p);
	return treaty_want_end(p);
}

static bool parse_term(struct treaty_parser *p)
{
	struct treaty_term term = {0};
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
		return TREATY_PROBLEM(p, name.column, "the term \"%.*s\" is defined twice",
				      SLICE_ARG(term.name));
	if (t->term_count == TREATY_TERMS_MAX)
		return TREATY_PROBLEM(p, 1, "at most %d terms", TREATY_TERMS_MAX);
	if (!ARENA_PUSH(p->a, t->terms, t->term_count, t->term_room, term))
		return treaty_no_memory(p);
	return treaty_want_end(p);
}

static size_t clause_find(const struct treaty *t, struct slice id)
{
	for (size_t i = 0; i < t->clause_count; i++)
		if (slice_equal(t->clauses[i].id, id))
			return i;
	return SIZE_MAX;
}

/* Says what the clause that ends here lacks. */
static void close_clause(struct treaty_parser *p)
{
	struct treaty_clause *c;
	struct buf b;

	if (p->scope != SCOPE_CLAUSE)
		return;
	c = open_clause(p);
	p->scope = SCOPE_INSTRUMENT;
	if (p->clause_when && p->clause_proof)
		return;
	b = treaty_problem_begin(p, p->clause_line, 1);
	buf_add_fmt(&b, "the clause \"%.*s\" cannot be judged: expected a line \"%s\" in it",
		    SLICE_ARG(c->id), p->clause_proof ? "when ..." : "proof ...");
	treaty_problem_end(p, &b);
}

/* The common head of `clause` and `not-judged`: ID "title". */
static bool clause_head(struct treaty_parser *p, struct treaty_clause *c)
{
	struct treaty *t = p->t;
	struct treaty_token id;

	if (!treaty_want_name(p, "the name of the clause", &id))
		return false;
	if (!slice_starts(id.text, t->id) || id.text.len < t->id.len + 2 ||
	    id.text.ptr[t->id.len] != '.')
		return TREATY_PROBLEM(p, id.column,
				      "a clause of this file is named \"%.*s.\" and a "
				      "number or word",
				      SLICE_ARG(t->id));
	if (clause_find(t, id.text) != SIZE_MAX)
		return TREATY_PROBLEM(p, id.column, "the clause \"%.*s\" is defined twice",
				      SLICE_ARG(id.text));
	if (t->clause_count == TREATY_CLAUSES_MAX)
		return TREATY_PROBLEM(p, 1, "at most %d clauses", TREATY_CLAUSES_MAX);
	c->id = id.text;
	return treaty_want_string(p, "its title in quotes", &c->title);
}

static bool clause_add(struct treaty_parser *p, struct treaty_clause *c)
{
	c->article = buf_slice(&p->prose);
	p->nomem |= p->prose.full;
	p->prose = buf_in(p->a);
	return ARENA_PUSH(p->a, p->t->clauses, p->t->clause_count, p->t->clause_room, *c) ||
	       treaty_no_memory(p);
}

static bool parse_clause(struct treaty_parser *p)
{
	struct treaty_clause c = {0};

	if (!clause_head(p, &c) || !clause_add(p, &c))
		return false;
	p->scope = SCOPE_CLAUSE;
	p->clause_line = p->number;
	p->clause_proof = p->clause_when = false;
	return treaty_want_end(p);
}

static bool parse_not_judged(struct treaty_parser *p)
{
	struct treaty_clause c = {0};

	if (!clause_head(p, &c) ||
	    !treaty_want_reason(p, "\";\" and the reason why it is not judged", &c.not_judged) ||
	    !clause_add(p, &c))
		return false;
	p->scope = SCOPE_CARRIED;
	return true;
}

static bool parse_proof(struct treaty_parser *p)
{
	struct treaty_token name;
	size_t s;

	if (p->clause_proof)
		return TREATY_PROBLEM(p, 1, "a second \"proof\": expected one");
	p->clause_proof = true;
	if (!treaty_want_name(p, "the name of a standard", &name))
		return false;
	s = standard_find(p->t, name.text);
	if (s == SIZE_MAX)
		return TREATY_PROBLEM(p, name.column,
				      "the standard \"%.*s\" is not defined: expected a "
				      "line above that says  standard %.*s 0.75",
				      SLICE_ARG(name.text), SLICE_ARG(name.text));
	if (p->t->standards[s].milli <= 500)
		return TREATY_PROBLEM(p, name.column,
				      "a breach cannot be judged at 0.5 or less, where a "
				      "fact and its opposite may both be shown: expected "
				      "a higher standard");
	open_clause(p)->standard = s;
	return treaty_want_end(p);
}

static bool rule_add(struct treaty_parser *p, struct treaty_rule r)
{
	struct treaty_clause *c = open_clause(p);

	if (c->rule_count == TREATY_RULES_MAX)
		return TREATY_PROBLEM(p, 1, "at most %d lines when, unless and permits in a clause",
				      TREATY_RULES_MAX);
	return ARENA_PUSH(p->a, c->rules, c->rule_count, c->rule_room, r) || treaty_no_memory(p);
}

static bool parse_when(struct treaty_parser *p)
{
	struct treaty_rule r = {.kind = TREATY_WHEN};

	if (p->clause_when)
		return TREATY_PROBLEM(p, 1,
				      "\"when\" stands first, and once: join conditions with "
				      "\"and\"");
	p->clause_when = true;
	r.expr = treaty_want_expr(p);
	return r.expr != NULL && treaty_want_end(p) && rule_add(p, r);
}

static bool parse_exception(struct treaty_parser *p, struct treaty_rule r)
{
	if (!p->clause_when)
		return TREATY_PROBLEM(p, 1, "expected the line \"when ...\" above it");
	r.expr = treaty_want_expr(p);
	return r.expr != NULL &&
	       treaty_want_reason(p, "\";\" and the source of the exception", &r.reason) &&
	       rule_add(p, r);
}

static bool parse_unless(struct treaty_parser *p)
{
	bool shown = treaty_take_if(p, "respondent-shows");

	return parse_exception(
		p, (struct treaty_rule){.kind = shown ? TREATY_UNLESS_SHOWN : TREATY_UNLESS});
}

static bool parse_permits(struct treaty_parser *p)
{
	return parse_exception(p, (struct treaty_rule){.kind = TREATY_PERMITS});
}

static bool parse_party(struct treaty_parser *p)
{
	struct treaty *t = p->t;
	struct treaty_party party = {0};
	struct slice from;
	struct treaty_token id;

	if (!treaty_want_name(p, "the party's id", &id))
		return false;
	party.id = id.text;
	if (treaty_peek(p).kind == TOKEN_STRING &&
	    !treaty_want_string(p, "the party's name", &party.name))
		return false;
	if (treaty_take_if(p, "from") && !treaty_want_date(p, &party.from, &from))
		return false;
	for (size_t i = 0; i < t->party_count; i++)
		if (slice_equal(t->parties[i].id, party.id))
			return TREATY_PROBLEM(p, id.column,
					      "the party \"%.*s\" has two blocks: expected "
					      "one",
					      SLICE_ARG(party.id));
	if (t->party_count == TREATY_PARTIES_MAX)
		return TREATY_PROBLEM(p, 1, "at most %d parties", TREATY_PARTIES_MAX);
	if (!ARENA_PUSH(p->a, t->parties, t->party_count, t->party_room, party))
		return treaty_no_memory(p);
	p->scope = SCOPE_PARTY;
	return treaty_want_end(p);
}

/* Splits "Arts. 2 and 40, deposited 2006-09-29" into the source and the date. */
static bool split_deposit(struct treaty_parser *p, size_t column, struct treaty_amendment *m)
{
	static const char word[] = ", deposited ";
	struct slice s = m->source;
	size_t at = SIZE_MAX;

	for (size_t i = 0; i < s.len; i++)
		if (slice_starts(slice_from(s, i), slice_of(word)))
			at = i;
	if (at == SIZE_MAX || at == 0)
		return TREATY_PROBLEM(p, column, "expected \"; source, deposited YYYY-MM-DD\"");
	m->deposited_text = slice_from(s, at + sizeof word - 1);
	m->source = slice_part(s, 0, at);
	if (!treaty_date_of(m->deposited_text, &m->since))
		return TREATY_PROBLEM(p, column,
				      "expected a date as YYYY-MM-DD after \"deposited\"");
	return true;
}

static bool amendment_add(struct treaty_parser *p, size_t clause, struct treaty_amendment m)
{
	struct treaty_clause *c = &p->t->clauses[clause];
	struct treaty_amendment *new;

	if (p->t->amendment_count == TREATY_AMENDMENTS_MAX)
		return TREATY_PROBLEM(p, 1, "at most %d amendments", TREATY_AMENDMENTS_MAX);
	new = ARENA_NEW(p->a, struct treaty_amendment);
	if (new == NULL)
		return treaty_no_memory(p);
	*new = m;
	if (c->last_amendment != NULL)
		c->last_amendment->next = new;
	else
		c->amendments = new;
	c->last_amendment = new;
	p->t->amendment_count++;
	return true;
}

static bool parse_amend(struct treaty_parser *p)
{
	struct treaty *t = p->t;
	struct treaty_amendment m = {.party = t->party_count - 1};
	const struct treaty_party *party = &t->parties[m.party];
	struct treaty_token name, reason;
	size_t clause;

	if (!treaty_want_name(p, "the clause that is amended", &name))
		return false;
	clause = clause_find(t, name.text);
	if (clause == SIZE_MAX || t->clauses[clause].not_judged.len != 0)
		return TREATY_PROBLEM(p, name.column,
				      "there is no clause \"%.*s\" above: expected one "
				      "that is judged",
				      SLICE_ARG(name.text));
	if (!treaty_take_if(p, "require"))
		return treaty_expected(p, treaty_peek(p),
				       "\"require\" (an amendment narrows, so that their "
				       "order does not matter)");
	m.expr = treaty_want_expr(p);
	if (m.expr == NULL)
		return false;
	reason = treaty_peek(p);
	if (!treaty_want_reason(p, "\"; source, deposited YYYY-MM-DD\"", &m.source) ||
	    !split_deposit(p, reason.column, &m))
		return false;
	if (party->from.ns > m.since.ns)
		m.since = party->from;
	return amendment_add(p, clause, m);
}

enum extent { LINE, ENDS, BLOCK }; /* a line in a block; ends the open block; begins one */

struct statement {
	const char *word;
	unsigned scopes;
	enum extent extent;
	bool (*parse)(struct treaty_parser *p);
	const char *refused; /* instead of parse: why this version cannot judge it */
};

#define NO_DUTIES                                                                                  \
	"a duty begins with a request, and requests are not among the facts of this version: "     \
	"expected  not-judged ID \"title\" ; reason"

static const struct statement statements[] = {
	{"instrument", SCOPE_START, LINE, parse_instrument, NULL},
	{"source", SCOPE_INSTRUMENT | SCOPE_CLAUSE | SCOPE_CARRIED, LINE, parse_source, NULL},
	{"in-force", SCOPE_INSTRUMENT, LINE, parse_in_force, NULL},
	{"standard", SCOPE_BELOW, ENDS, parse_standard, NULL},
	{"term", SCOPE_BELOW, ENDS, parse_term, NULL},
	{"clause", SCOPE_BELOW, BLOCK, parse_clause, NULL},
	{"not-judged", SCOPE_BELOW, BLOCK, parse_not_judged, NULL},
	{"proof", SCOPE_CLAUSE, LINE, parse_proof, NULL},
	{"when", SCOPE_CLAUSE, LINE, parse_when, NULL},
	{"unless", SCOPE_CLAUSE, LINE, parse_unless, NULL},
	{"permits", SCOPE_CLAUSE, LINE, parse_permits, NULL},
	{"party", SCOPE_BELOW, BLOCK, parse_party, NULL},
	{"amend", SCOPE_PARTY, LINE, parse_amend, NULL},
	{"duty", SCOPE_BELOW, BLOCK, NULL, NO_DUTIES},
	{"bearer", SCOPE_BELOW, LINE, NULL, NO_DUTIES},
	{"must", SCOPE_BELOW, LINE, NULL, NO_DUTIES},
	{"may", SCOPE_BELOW, LINE, NULL, NO_DUTIES},
	{"lest", SCOPE_BELOW, LINE, NULL, NO_DUTIES},
	{"rank", SCOPE_BELOW, LINE, NULL,
	 "all exceptions have one consequence (no breach), so there is nothing to rank"},
	{"then", SCOPE_BELOW, LINE, NULL, "a clause has one consequence, breach or no breach"},
};

static const struct statement *statement_find(struct treaty_token t)
{
	for (size_t i = 0; i < sizeof statements / sizeof *statements; i++)
		if (treaty_token_is(t, statements[i].word))
			return &statements[i];
	return NULL;
}

static const char *scope_wants(enum treaty_scope s)
{
	return s == SCOPE_START	   ? "\"instrument\" first"
	       : s == SCOPE_CLAUSE ? "source, proof, when, unless, permits, or a new block"
	       : s == SCOPE_PARTY  ? "amend, or a new block"
	       : s == SCOPE_CARRIED
		       ? "source, or a new block"
		       : "source, in-force, standard, term, clause, not-judged or party";
}

static void parse_statement(struct treaty_parser *p)
{
	struct treaty_token t = treaty_peek(p);
	const struct statement *s = statement_find(t);

	if (s != NULL && s->extent != LINE && p->scope != SCOPE_START) {
		close_clause(p);
		p->scope = SCOPE_INSTRUMENT;
	}
	if (p->scope == SCOPE_LOST)
		return;
	if (s == NULL || (s->scopes & p->scope) == 0) {
		(void)treaty_expected(p, t, scope_wants(p->scope));
		return;
	}
	treaty_take(p, t);
	if (s->parse == NULL)
		(void)TREATY_PROBLEM(p, t.column, "%s", s->refused);
	else if (s->parse(p))
		return;
	if (s->extent == BLOCK)
		p->scope = SCOPE_LOST;
	while (treaty_continues(p) && treaty_next_line(p)) {
		/* an error in an expression costs all its lines, and is said once */
	}
}

static void parse_prose(struct treaty_parser *p)
{
	struct slice s = slice_from(slice_trim(p->line), 1);

	if (slice_starts(s, SLICE(" ")))
		s = slice_from(s, 1);
	if (p->prose.len != 0)
		buf_add_byte(&p->prose, '\n');
	buf_add(&p->prose, s);
}

static void check_whole(struct treaty_parser *p)
{
	struct treaty *t = p->t;

	p->number = 1;
	if (t->id.len == 0) {
		if (p->problem_count == 0)
			(void)TREATY_PROBLEM(p, 1, "expected  instrument ID \"title\"");
		return;
	}
	if (!p->instrument_force)
		(void)TREATY_PROBLEM(p, 1,
				     "it does not say since when it is in force: expected a line "
				     "\"in-force YYYY-MM-DD\" or \"in-force between-parties\"");
	if (t->source.text.len == 0)
		(void)TREATY_PROBLEM(p, 1,
				     "it does not say where its text is from: expected a line "
				     "\"source ...\" below \"instrument\"");
	if (t->clause_count == 0)
		(void)TREATY_PROBLEM(p, 1, "it has no clause: expected at least one");
}

enum status treaty_compile(struct slice file_name, struct slice text, struct arena *a,
			   struct treaty **out, struct buf *problems, struct fail *why)
{
	struct treaty *t = ARENA_NEW(a, struct treaty);
	struct treaty_parser p = {.t = t,
				  .a = a,
				  .file = file_name,
				  .problems = problems,
				  .why = why,
				  .rest = text,
				  .scope = SCOPE_START};

	if (t == NULL)
		return fail_set(why, ST_NOMEM, "%.*s: no memory", SLICE_ARG(file_name));
	if (text.len > TREATY_TEXT_MAX)
		return fail_set(why, ST_LIMIT, "%.*s: a treaty has at most %d bytes",
				SLICE_ARG(file_name), TREATY_TEXT_MAX);
	p.prose = buf_in(a);
	while (treaty_next_line(&p) && !p.nomem) {
		struct slice s = slice_trim(p.line);

		if (s.len == 0 || s.ptr[0] == '#')
			continue;
		if (s.ptr[0] == '|')
			parse_prose(&p);
		else
			parse_statement(&p);
	}
	close_clause(&p);
	check_whole(&p);
	if (p.nomem || a->exhausted)
		return fail_set(why, ST_NOMEM, "%.*s: no memory", SLICE_ARG(file_name));
	if (problems != NULL && p.problem_count > TREATY_PROBLEMS_MAX)
		buf_add_fmt(problems, "%.*s: %u more errors\n", SLICE_ARG(file_name),
			    p.problem_count - TREATY_PROBLEMS_MAX);
	if (p.problem_count != 0)
		return ST_INVALID;
	*out = t;
	return ST_OK;
}

struct slice treaty_id(const struct treaty *t)
{
	return t->id;
}

struct slice treaty_title(const struct treaty *t)
{
	return t->title;
}
