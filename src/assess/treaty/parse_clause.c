/* SPDX-License-Identifier: Apache-2.0
 *
 * Statements of a clause.
 */
#include "assess/treaty/treaty_parse_priv.h"

struct treaty_clause *treaty_open_clause(struct treaty_parser *p)
{
	return &p->t->clauses[p->t->clause_count - 1];
}

/* ---- heads ---------------------------------------------------------------------------------- */

bool treaty_clause_head(struct treaty_parser *p, struct treaty_clause *c)
{
	struct treaty *t = p->t;
	struct treaty_token id;

	if (!treaty_want_name(p, "the name of the clause", &id))
		return false;
	if (!slice_starts(id.text, t->id) || id.text.len < t->id.len + 2 ||
	    id.text.ptr[t->id.len] != '.')
		return TREATY_PROBLEM(p, id.column,
				      "expected \"%.*s.\" and a number or word: so the clauses of "
				      "this file are named",
				      SLICE_ARG(t->id));
	if (treaty_clause_find(t, id.text) != SIZE_MAX)
		return TREATY_PROBLEM(p, id.column,
				      "the clause \"%.*s\" is defined twice: expected another name",
				      SLICE_ARG(id.text));
	if (t->clause_count == TREATY_CLAUSES_MAX)
		return TREATY_PROBLEM(p, 1, "expected at most %d clauses", TREATY_CLAUSES_MAX);
	c->id = id.text;
	c->line = p->number;
	return treaty_want_string(p, "its title in quotes", &c->title);
}

bool treaty_clause_add(struct treaty_parser *p, struct treaty_clause *c)
{
	c->article = buf_slice(&p->prose);
	p->nomem |= p->prose.full;
	p->prose = buf_in(p->a);
	return ARENA_PUSH(p->a, p->t->clauses, p->t->clause_count, p->t->clause_room, *c) ||
	       treaty_no_memory(p);
}

bool treaty_parse_clause(struct treaty_parser *p)
{
	struct treaty_clause c = {0};

	if (!treaty_clause_head(p, &c) || !treaty_clause_add(p, &c))
		return false;
	p->scope = SCOPE_CLAUSE;
	p->clause_line = p->number;
	p->clause_proof = p->clause_when = false;
	return treaty_want_end(p);
}

bool treaty_parse_not_judged(struct treaty_parser *p)
{
	struct treaty_clause c = {0};

	if (!treaty_clause_head(p, &c) ||
	    !treaty_want_reason(p, "\";\" and the reason why it is not judged", &c.not_judged) ||
	    !treaty_clause_add(p, &c))
		return false;
	p->scope = SCOPE_CARRIED;
	return true;
}

/* ---- exceptions and their consequences ------------------------------------------------------ */

static bool is_exception(const struct treaty_rule *r)
{
	return r->kind != TREATY_WHEN;
}

/* A permission says that there is nothing to answer for, so it stands above every excuse; what
 * nobody ranked stands below what somebody did. */
static unsigned place_of(const struct treaty_rule *r)
{
	return r->kind == TREATY_PERMITS ? 0 : r->rank == 0 ? UINT8_MAX + 1U : r->rank;
}

/* The first exception above rule i that contradicts it, or NULL. */
static const struct treaty_rule *contradiction(const struct treaty_clause *c, size_t i)
{
	const struct treaty_rule *r = &c->rules[i];

	for (size_t k = 0; k < i; k++) {
		const struct treaty_rule *q = &c->rules[k];

		if (is_exception(q) && q->kind != TREATY_PERMITS && r->kind != TREATY_PERMITS &&
		    q->consequence != r->consequence &&
		    (q->rank == 0 || r->rank == 0 || q->rank == r->rank))
			return q;
	}
	return NULL;
}

static struct slice consequence_name(const struct treaty_parser *p, const struct treaty_rule *r)
{
	return p->t->consequences[r->consequence].name;
}

static void check_ranks(struct treaty_parser *p, struct treaty_clause *c)
{
	for (size_t i = 0; i < c->rule_count; i++) {
		const struct treaty_rule *r = &c->rules[i], *q;

		c->consequences |= r->consequence != 0;
		if (!is_exception(r))
			continue;
		q = contradiction(c, i);
		if (q != NULL)
			(void)TREATY_PROBLEM_AT(
				p, r->line, 1,
				"this exception leads to \"%.*s\", the one in line %u to "
				"\"%.*s\": expected \"rank 1\", \"rank 2\" behind them (which of "
				"them goes first is a question of law, so nobody answers it here)",
				SLICE_ARG(consequence_name(p, r)), q->line,
				SLICE_ARG(consequence_name(p, q)));
	}
	for (size_t i = 0; c->consequences && i < c->rule_count; i++) {
		size_t k = c->ranked_count;

		if (!is_exception(&c->rules[i]))
			continue;
		while (k > 0 && place_of(&c->rules[c->by_rank[k - 1]]) > place_of(&c->rules[i])) {
			c->by_rank[k] = c->by_rank[k - 1];
			k--;
		}
		c->by_rank[k] = (uint8_t)i; /* below TREATY_RULES_MAX */
		c->ranked_count++;
	}
}

void treaty_close_clause(struct treaty_parser *p)
{
	struct treaty_clause *c;

	if (p->scope != SCOPE_CLAUSE)
		return;
	c = treaty_open_clause(p);
	p->scope = SCOPE_INSTRUMENT;
	check_ranks(p, c);
	if (p->clause_when && p->clause_proof)
		return;
	(void)TREATY_PROBLEM_AT(
		p, p->clause_line, 1,
		"the clause \"%.*s\" cannot be judged: expected a line \"%s\" in it",
		SLICE_ARG(c->id), p->clause_proof ? "when ..." : "proof ...");
}

/* ---- lines ---------------------------------------------------------------------------------- */

bool treaty_parse_not_for_sensors(struct treaty_parser *p)
{
	struct treaty_clause *c = treaty_open_clause(p);

	if (c->content.len != 0)
		return TREATY_PROBLEM(p, 1, "a second \"not-for-sensors\": expected one");
	return treaty_want_reason(p, "\";\" and the reason", &c->content);
}

static bool can_judge(struct treaty_parser *p, size_t standard, size_t column)
{
	return p->t->standards[standard].milli > CLAIM_CERTAIN / 2 ||
	       TREATY_PROBLEM(p, column,
			      "a breach cannot be judged at 0.5 or less, where a fact and its "
			      "opposite may both be shown: expected a higher standard");
}

bool treaty_parse_proof(struct treaty_parser *p)
{
	size_t s, column;

	if (p->clause_proof && p->scope == SCOPE_CLAUSE)
		return TREATY_PROBLEM(p, 1, "a second \"proof\": expected one");
	p->clause_proof = true;
	if (!treaty_want_standard(p, &s, &column) || !treaty_want_end(p))
		return false;
	if (p->scope == SCOPE_DUTY) { /* what starts a duty may be a mere suspicion */
		struct treaty_duty *d = treaty_open_clause(p)->duty;

		if (d->has_standard)
			return TREATY_PROBLEM(p, 1, "a second \"proof\": expected one");
		d->standard = s;
		d->has_standard = true;
		return true;
	}
	treaty_open_clause(p)->standard = s;
	return can_judge(p, s, column);
}

static bool rule_add(struct treaty_parser *p, struct treaty_rule r)
{
	struct treaty_clause *c = treaty_open_clause(p);

	if (c->rule_count == TREATY_RULES_MAX)
		return TREATY_PROBLEM(
			p, 1, "expected at most %d lines when, unless and permits in a clause",
			TREATY_RULES_MAX);
	return ARENA_PUSH(p->a, c->rules, c->rule_count, c->rule_room, r) || treaty_no_memory(p);
}

bool treaty_parse_when(struct treaty_parser *p)
{
	struct treaty_rule r = {.kind = TREATY_WHEN, .line = p->number};

	if (p->clause_when)
		return TREATY_PROBLEM(p, 1,
				      "\"when\" stands first, and once: expected conditions to be "
				      "joined with \"and\"");
	p->clause_when = true;
	r.expr = treaty_want_expr(p);
	return r.expr != NULL && treaty_want_end(p) && rule_add(p, r);
}

/* at STANDARD [NUMBER]: at which this exception is compared, if not at the clause's. */
static bool want_own(struct treaty_parser *p, uint8_t *out)
{
	struct treaty_clause *c = treaty_open_clause(p);
	size_t s, column;

	if (!treaty_want_standard(p, &s, &column) || !can_judge(p, s, column))
		return false;
	for (uint8_t i = 0; i < c->own_count; i++)
		if (c->own[i] == s) {
			*out = (uint8_t)(i + 1); /* at most TREATY_OWN_MAX */
			return true;
		}
	if (c->own_count == TREATY_OWN_MAX)
		return TREATY_PROBLEM(p, column,
				      "expected at most %d standards of exceptions in a clause",
				      TREATY_OWN_MAX);
	c->own[c->own_count++] = s;
	*out = c->own_count;
	return true;
}

static bool parse_exception(struct treaty_parser *p, struct treaty_rule r)
{
	r.line = p->number;
	if (!p->clause_when)
		return TREATY_PROBLEM(p, 1, "expected the line \"when ...\" above it");
	r.expr = treaty_want_expr(p);
	if (r.expr == NULL)
		return false;
	if (treaty_take_if(p, "at") && !want_own(p, &r.own))
		return false;
	if (r.kind != TREATY_PERMITS) {
		uint32_t rank = 0;

		if (treaty_take_if(p, "then") && !treaty_want_consequence(p, &r.consequence))
			return false;
		if (treaty_take_if(p, "rank") && !treaty_want_number(p, "a rank", UINT8_MAX, &rank))
			return false;
		r.rank = (uint8_t)rank; /* at most UINT8_MAX, as asked for */
	}
	return treaty_want_reason(p, "\";\" and the source of the exception", &r.reason) &&
	       rule_add(p, r);
}

bool treaty_parse_unless(struct treaty_parser *p)
{
	bool shown = treaty_take_if(p, "respondent-shows");

	return parse_exception(
		p, (struct treaty_rule){.kind = shown ? TREATY_UNLESS_SHOWN : TREATY_UNLESS});
}

bool treaty_parse_permits(struct treaty_parser *p)
{
	return parse_exception(p, (struct treaty_rule){.kind = TREATY_PERMITS});
}

static bool parse_option(struct treaty_parser *p, struct treaty_clause *c)
{
	struct treaty_token name;
	size_t term;

	if (!treaty_want_name(p, "a term that a party may require", &name))
		return false;
	term = treaty_term_find(p->t, name.text);
	if (term == SIZE_MAX)
		return TREATY_PROBLEM(p, name.column,
				      "the term \"%.*s\" is not defined: expected a line "
				      "above that says  term %.*s \"what it means\"",
				      SLICE_ARG(name.text), SLICE_ARG(name.text));
	if (c->option_count == TREATY_OPTIONS_MAX)
		return TREATY_PROBLEM(p, name.column, "expected at most %d terms",
				      TREATY_OPTIONS_MAX);
	for (size_t i = 0; i < c->option_count; i++)
		if (c->options[i] == term)
			return TREATY_PROBLEM(p, name.column,
					      "\"%.*s\" is named twice: expected each once",
					      SLICE_ARG(name.text));
	c->options[c->option_count++] = (uint32_t)term; /* below TREATY_TERMS_MAX */
	return true;
}

/* admits require TERM, TERM ; source   -   admits reserve ; source */
bool treaty_parse_admits(struct treaty_parser *p)
{
	struct treaty_clause *c = treaty_open_clause(p);
	struct slice *source = &c->admits_reserve;

	if (treaty_take_if(p, "require")) {
		source = &c->admits_require;
		do {
			if (!parse_option(p, c))
				return false;
		} while (treaty_take_if(p, ","));
	} else if (!treaty_take_if(p, "reserve")) {
		return treaty_expected(p, treaty_peek(p), "\"require\" or \"reserve\"");
	}
	return treaty_want_reason(p, "\";\" and the article that admits it", source);
}
