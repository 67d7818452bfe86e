/* SPDX-License-Identifier: Apache-2.0
 *
 * The language: docs/formats/treaty.md. A line is a statement; the table at the end lists them all.
 *
 * Invariants:
 * 1. Every name is defined above its first use, so one pass suffices and nothing can refer to
 *    itself.
 * 2. An expression holds only terms, and, or, not and parentheses: no call, no loop, no clause.
 * 3. What is compiled is judged, or says why not: an article that is carried only, and a duty, are
 *    kept whole and found "not judged" with the reason, never skipped.
 * 4. An error costs its statement only: compiling goes on, so that all errors are reported, and
 *    the whole is refused at the end.
 */
#include "assess/treaty/treaty_parse_priv.h"

enum extent { LINE, ENDS, BLOCK }; /* a line in a block; ends the open block; begins one */

struct statement {
	const char *word;
	unsigned scopes;
	enum extent extent;
	bool (*parse)(struct treaty_parser *p);
};

/* One a word. The order is that of docs/formats/treaty.md. */
static const struct statement statements[] = {
	{"instrument", SCOPE_START, LINE, treaty_parse_instrument},
	{"source", SCOPE_INSTRUMENT | SCOPE_CLAUSE | SCOPE_CARRIED | SCOPE_DUTY, LINE,
	 treaty_parse_source},
	{"in-force", SCOPE_INSTRUMENT, LINE, treaty_parse_in_force},
	{"amendments", SCOPE_INSTRUMENT, LINE, treaty_parse_amendments},
	{"standard", SCOPE_BELOW, ENDS, treaty_parse_standard},
	{"consequence", SCOPE_BELOW, ENDS, treaty_parse_consequence},
	{"concept", SCOPE_BELOW, ENDS, treaty_parse_concept},
	{"term", SCOPE_BELOW, BLOCK, treaty_parse_term},
	{"reading", SCOPE_TERM, LINE, treaty_parse_reading},
	{"example", SCOPE_TERM, LINE, treaty_parse_example},
	{"clause", SCOPE_BELOW, BLOCK, treaty_parse_clause},
	{"proof", SCOPE_CLAUSE | SCOPE_DUTY, LINE, treaty_parse_proof},
	{"when", SCOPE_CLAUSE, LINE, treaty_parse_when},
	{"unless", SCOPE_CLAUSE, LINE, treaty_parse_unless},
	{"permits", SCOPE_CLAUSE, LINE, treaty_parse_permits},
	{"admits", SCOPE_CLAUSE | SCOPE_CARRIED | SCOPE_DUTY, LINE, treaty_parse_admits},
	{"not-for-sensors", SCOPE_CLAUSE, LINE, treaty_parse_not_for_sensors},
	{"not-judged", SCOPE_BELOW, BLOCK, treaty_parse_not_judged},
	{"duty", SCOPE_BELOW, BLOCK, treaty_parse_duty},
	{"bearer", SCOPE_DUTY, LINE, treaty_parse_bearer},
	{"on", SCOPE_DUTY, LINE, treaty_parse_on},
	{"decide", SCOPE_DUTY, LINE, treaty_parse_decide},
	{"must", SCOPE_DUTY, LINE, treaty_parse_must},
	{"may", SCOPE_DUTY, LINE, treaty_parse_may},
	{"lest", SCOPE_DUTY, LINE, treaty_parse_lest},
	{"party", SCOPE_BELOW, BLOCK, treaty_parse_party},
	{"amend", SCOPE_PARTY, LINE, treaty_parse_amend},
	{"reserve", SCOPE_PARTY, LINE, treaty_parse_reserve},
	{"object", SCOPE_PARTY, LINE, treaty_parse_object},
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
	switch (s) {
	case SCOPE_START:
		return "\"instrument\" first";
	case SCOPE_CLAUSE:
		return "source, proof, when, unless, permits, admits, not-for-sensors, or a new "
		       "block";
	case SCOPE_PARTY:
		return "amend, reserve, object, or a new block";
	case SCOPE_CARRIED:
		return "source, admits, or a new block";
	case SCOPE_DUTY:
		return "source, bearer, on, proof, decide, must, may, lest, admits, or a new block";
	case SCOPE_TERM:
		return "reading, example, or a new block";
	default:
		return "source, in-force, amendments, standard, consequence, term, clause, "
		       "not-judged, duty or party";
	}
}

static void parse_statement(struct treaty_parser *p)
{
	struct treaty_token t = treaty_peek(p);
	const struct statement *s = statement_find(t);

	if (s != NULL && s->extent != LINE && p->scope != SCOPE_START) {
		treaty_close_clause(p);
		treaty_close_duty(p);
		p->scope = SCOPE_INSTRUMENT;
	}
	if (p->scope == SCOPE_LOST)
		return;
	if (p->scope == SCOPE_TERM && s != NULL && (s->scopes & SCOPE_INSTRUMENT) != 0)
		p->scope = SCOPE_INSTRUMENT; /* a term's block is optional */
	if (s == NULL || (s->scopes & p->scope) == 0) {
		(void)treaty_expected(p, t, scope_wants(p->scope));
		return;
	}
	treaty_take(p, t);
	if (s->parse(p))
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
	treaty_close_clause(&p);
	treaty_close_duty(&p);
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
