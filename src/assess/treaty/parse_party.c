/* SPDX-License-Identifier: Apache-2.0
 *
 * Statements of a party: since when it is bound, and how it narrows what binds it.
 */
#include "assess/treaty/treaty_parse_priv.h"

bool treaty_want_period(struct treaty_parser *p, struct wall_ns *from, struct wall_ns *until)
{
	struct slice text;
	size_t column;

	if (treaty_take_if(p, "from") && !treaty_want_date(p, from, &text))
		return false;
	if (!treaty_take_if(p, "until"))
		return true;
	column = treaty_peek(p).column;
	return treaty_want_date(p, until, &text) &&
	       (until->ns > from->ns || TREATY_PROBLEM(p, column, "expected a day after \"from\""));
}

bool treaty_parse_party(struct treaty_parser *p)
{
	struct treaty *t = p->t;
	struct treaty_party party = {0};
	struct treaty_token id;

	if (!treaty_want_name(p, "the party's id", &id))
		return false;
	party.id = id.text;
	if (treaty_peek(p).kind == TOKEN_STRING &&
	    !treaty_want_string(p, "the party's name", &party.name))
		return false;
	if (!treaty_want_period(p, &party.from, &party.until))
		return false;
	for (size_t i = 0; i < t->party_count; i++)
		if (slice_equal(t->parties[i].id, party.id))
			return TREATY_PROBLEM(p, id.column,
					      "the party \"%.*s\" has two blocks: expected "
					      "one",
					      SLICE_ARG(party.id));
	if (t->party_count == TREATY_PARTIES_MAX)
		return TREATY_PROBLEM(p, 1, "expected at most %d parties", TREATY_PARTIES_MAX);
	if (!ARENA_PUSH(p->a, t->parties, t->party_count, t->party_room, party))
		return treaty_no_memory(p);
	p->scope = SCOPE_PARTY;
	return treaty_want_end(p);
}

/* ---- "; Arts. 2 and 40, deposited 2006-09-29, until 2010-01-01, unchecked" ------------------- */

/* Cuts ", word ..." off the end of *s: what is behind the last such word. False if there is none.
 */
static bool cut_tail(struct slice *s, struct slice word, struct slice *out)
{
	size_t at = SIZE_MAX;

	for (size_t i = 0; i < s->len; i++)
		if (s->ptr[i] == ',' && slice_starts(slice_from(*s, i), word))
			at = i;
	if (at == SIZE_MAX)
		return false;
	*out = slice_from(*s, at + word.len);
	*s = slice_part(*s, 0, at);
	return true;
}

struct deposit { /* when and where something was laid down */
	struct slice source, day;
	bool unchecked;
	struct wall_ns since, until;
};

static bool want_deposit(struct treaty_parser *p, struct deposit *m)
{
	size_t column = treaty_peek(p).column;
	struct slice tail, until, rest;

	if (!treaty_want_reason(p, "\"; source, deposited YYYY-MM-DD\"", &m->source))
		return false;
	if (!cut_tail(&m->source, SLICE(", deposited "), &tail) || m->source.len == 0)
		return TREATY_PROBLEM(p, column, "expected \"; source, deposited YYYY-MM-DD\"");
	m->unchecked = cut_tail(&tail, SLICE(", unchecked"), &rest);
	if (m->unchecked && rest.len != 0)
		return TREATY_PROBLEM(p, column,
				      "expected the end of the line behind \"unchecked\"");
	if (cut_tail(&tail, SLICE(", until "), &until) && !time_parse_date(until, &m->until))
		return TREATY_PROBLEM(p, column, "expected a date as YYYY-MM-DD after \"until\"");
	m->day = tail;
	if (!time_parse_date(tail, &m->since))
		return TREATY_PROBLEM(p, column,
				      "expected a date as YYYY-MM-DD after \"deposited\"");
	if (m->until.ns != 0 && m->until.ns <= m->since.ns)
		return TREATY_PROBLEM(p, column, "expected \"until\" to be after \"deposited\"");
	return true;
}

/* ---- amendments ----------------------------------------------------------------------------- */

static bool amendment_add(struct treaty_parser *p, size_t clause, struct treaty_amendment m)
{
	struct treaty_clause *c = &p->t->clauses[clause];
	struct treaty_amendment *new;

	if (p->t->amendment_count == TREATY_AMENDMENTS_MAX)
		return TREATY_PROBLEM(p, 1, "expected at most %d amendments",
				      TREATY_AMENDMENTS_MAX);
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

/* A duty is amended like a clause; an article that is only carried can be reserved. */
static bool want_clause(struct treaty_parser *p, bool carried, size_t *out, size_t *out_column)
{
	struct treaty *t = p->t;
	struct treaty_token name;

	if (!treaty_want_name(p, "the clause that is amended", &name))
		return false;
	*out = treaty_clause_find(t, name.text);
	*out_column = name.column;
	if (*out == SIZE_MAX ||
	    (!carried && t->clauses[*out].not_judged.len != 0 && t->clauses[*out].duty == NULL))
		return TREATY_PROBLEM(p, name.column,
				      "there is no clause \"%.*s\" above: expected one "
				      "that is judged",
				      SLICE_ARG(name.text));
	return true;
}

/* The source, and what was read, into the clause. */
static bool amendment_end(struct treaty_parser *p, size_t clause, struct treaty_amendment m)
{
	const struct treaty_party *party = &p->t->parties[m.party];
	struct deposit d = {0};

	if (!want_deposit(p, &d))
		return false;
	m.source = d.source;
	m.deposited_text = d.day;
	m.unchecked = d.unchecked;
	m.since = party->from.ns > d.since.ns ? party->from : d.since;
	m.until = d.until;
	return amendment_add(p, clause, m);
}

/* A term that the clause does not admit, in an expression whose nesting is bounded; or -1. */
static int64_t not_admitted(const struct treaty_clause *c, const struct treaty_node *n)
{
	int64_t found = -1;

	if (n->kind == TREATY_ATOM) {
		for (size_t i = 0; i < c->option_count; i++)
			if (c->options[i] == n->term)
				return -1;
		return n->term;
	}
	for (const struct treaty_node *k = n->first; k != NULL && found < 0; k = k->next)
		found = not_admitted(c, k);
	return found;
}

bool treaty_parse_amend(struct treaty_parser *p)
{
	struct treaty *t = p->t;
	struct treaty_amendment m = {.kind = TREATY_REQUIRE, .party = t->party_count - 1};
	const struct treaty_clause *c;
	size_t clause, column;
	int64_t term;

	if (!want_clause(p, false, &clause, &column))
		return false;
	if (!treaty_take_if(p, "require"))
		return treaty_expected(p, treaty_peek(p),
				       "\"require\" (an amendment narrows, so that their "
				       "order does not matter)");
	m.expr = treaty_want_expr(p);
	if (m.expr == NULL)
		return false;
	c = &t->clauses[clause];
	term = not_admitted(c, m.expr);
	if (term >= 0 && (t->closed.len != 0 || c->admits_require.len != 0))
		return TREATY_PROBLEM(
			p, column,
			"the clause \"%.*s\" does not let a party require "
			"\"%.*s\" (%.*s): expected what its line \"admits require\" "
			"names",
			SLICE_ARG(c->id), SLICE_ARG(t->terms[term].name),
			SLICE_ARG(slice_part(c->admits_require.len ? c->admits_require : t->closed,
					     0, 100)));
	return amendment_end(p, clause, m);
}

/* reserve CLAUSE [where EXPR] ; source, deposited DATE */
bool treaty_parse_reserve(struct treaty_parser *p)
{
	struct treaty *t = p->t;
	struct treaty_amendment m = {.kind = TREATY_RESERVE, .party = t->party_count - 1};
	size_t clause, column;

	if (!want_clause(p, true, &clause, &column))
		return false;
	if (t->closed.len != 0 && t->clauses[clause].admits_reserve.len == 0)
		return TREATY_PROBLEM(p, column,
				      "to the clause \"%.*s\" no reservation may be made (%.*s): "
				      "expected one that has a line \"admits reserve\"",
				      SLICE_ARG(t->clauses[clause].id),
				      SLICE_ARG(slice_part(t->closed, 0, 100)));
	if (treaty_take_if(p, "where")) {
		const struct treaty_node *where = treaty_want_expr(p);
		struct treaty_node *not = where ? ARENA_NEW(p->a, struct treaty_node) : NULL;

		if (where == NULL)
			return false;
		if (not == NULL)
			return treaty_no_memory(p);
		*not = (struct treaty_node){.kind = TREATY_NOT, .first = where};
		m.kind = TREATY_RESERVE_WHERE;
		m.expr = not ;
	}
	return amendment_end(p, clause, m);
}

/* ---- objections ----------------------------------------------------------------------------- */

static size_t party_find(const struct treaty *t, struct slice id)
{
	for (size_t i = 0; i < t->party_count; i++)
		if (slice_equal(t->parties[i].id, id))
			return i;
	return SIZE_MAX;
}

/* What the text itself admits needs nobody's acceptance (VCLT 20(1)). */
static bool is_admitted(const struct treaty_clause *c, const struct treaty_amendment *m)
{
	return (m->kind == TREATY_REQUIRE ? c->admits_require : c->admits_reserve).len != 0;
}

/* The amendment that is objected to; NULL after saying what is wrong. */
static const struct treaty_amendment *want_reservation(struct treaty_parser *p, size_t clause,
						       size_t party, size_t column)
{
	const struct treaty_clause *c = &p->t->clauses[clause];
	bool any = false;

	for (const struct treaty_amendment *m = c->amendments; m != NULL; m = m->next) {
		if (m->party == party && !is_admitted(c, m))
			return m;
		any |= m->party == party;
	}
	(void)TREATY_PROBLEM(
		p, column,
		any ? "what \"%.*s\" made of \"%.*s\" is admitted by the text, so nobody "
		      "need accept it (VCLT 20(1)): expected another clause or party"
		    : "\"%.*s\" made nothing of \"%.*s\" above: expected a reservation "
		      "to object to",
		SLICE_ARG(p->t->parties[party].id), SLICE_ARG(c->id));
	return NULL;
}

/* The last day on which to object: twelve months after the reservation was told, or when the party
 * became one, whichever is later (VCLT 20(5)). The day of deposit stands for that of telling. */
static struct wall_ns last_day(const struct treaty_party *who, const struct treaty_amendment *m)
{
	struct wall_ns day = m->since;
	uint8_t text[10];

	memcpy(text, m->deposited_text.ptr, sizeof text);
	for (size_t i = 4; i-- > 0 && ++text[i] > '9';)
		text[i] = '0';
	/* a 29 February has no day a year later: the twelve months end with 28 February */
	if (!time_parse_date((struct slice){text, sizeof text}, &day)) {
		text[9] = '8';
		if (!time_parse_date((struct slice){text, sizeof text}, &day))
			day = m->since; /* a year that times do not reach */
	}
	return who->from.ns > day.ns ? who->from : day;
}

/* object CLAUSE of PARTY [excluding] ; source, deposited DATE */
bool treaty_parse_object(struct treaty_parser *p)
{
	struct treaty *t = p->t;
	struct treaty_objection o = {.party = t->party_count - 1, .line = p->number};
	const struct treaty_amendment *m;
	struct treaty_token who;
	struct deposit d = {0};
	size_t column;

	if (!want_clause(p, true, &o.clause, &column))
		return false;
	if (!treaty_take_if(p, "of"))
		return treaty_expected(p, treaty_peek(p), "\"of\" and the party that reserved it");
	if (!treaty_want_name(p, "the party that reserved it", &who))
		return false;
	o.to = party_find(t, who.text);
	if (o.to == SIZE_MAX || o.to == o.party)
		return TREATY_PROBLEM(
			p, who.column,
			"\"%.*s\" is no other party above: expected one that has a block",
			SLICE_ARG(who.text));
	m = want_reservation(p, o.clause, o.to, column);
	if (m == NULL)
		return false;
	o.excluding = treaty_take_if(p, "excluding");
	if (!want_deposit(p, &d))
		return false;
	o.source = d.source;
	o.deposited_text = d.day;
	o.unchecked = d.unchecked;
	o.since = d.since;
	o.until = d.until;
	o.late = o.since.ns > last_day(&t->parties[o.party], m).ns;
	if (t->objection_count == TREATY_OBJECTIONS_MAX)
		return TREATY_PROBLEM(p, 1, "expected at most %d objections",
				      TREATY_OBJECTIONS_MAX);
	return ARENA_PUSH(p->a, t->objections, t->objection_count, t->objection_room, o) ||
	       treaty_no_memory(p);
}
