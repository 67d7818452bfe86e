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
#include "assess/treaty/treaty_priv.h"

#include "base/text.h"

enum scope {
	SCOPE_START = 1,      /* before `instrument` */
	SCOPE_INSTRUMENT = 2, /* below it, in no block */
	SCOPE_CLAUSE = 4,
	SCOPE_PARTY = 8,
	SCOPE_CARRIED = 16, /* in a not-judged block */
	SCOPE_LOST = 32,    /* in a block whose head is wrong: said once, its lines are skipped */
	SCOPE_BELOW = SCOPE_INSTRUMENT | SCOPE_CLAUSE | SCOPE_PARTY | SCOPE_CARRIED | SCOPE_LOST,
	SCOPE_ANY = SCOPE_START | SCOPE_BELOW,
};

enum token_kind { TOKEN_END, TOKEN_WORD, TOKEN_STRING, TOKEN_SIGN, TOKEN_BAD };

struct token {
	enum token_kind kind;
	struct slice text; /* a string without its quotes */
	size_t column;	   /* from 1, in bytes */
};

struct parser {
	struct treaty *t;
	struct arena *a;
	struct slice file;
	struct buf *problems;
	struct fail *why;
	struct slice rest, line; /* text below this line; this line */
	size_t at;		 /* bytes of the line already read */
	uint32_t number;	 /* of the line, from 1 */
	uint32_t problem_count;
	enum scope scope;
	struct buf prose;     /* lines of prose not yet given to a clause */
	uint32_t clause_line; /* where the open clause began */
	bool clause_proof, clause_when, instrument_force; /* seen, right or wrong */
	bool nomem;
};

/* ---- problems ------------------------------------------------------------------------------- */

static struct buf problem_begin(struct parser *p, uint32_t line, size_t column)
{
	struct buf b = buf_in(p->a);

	buf_add_fmt(&b, "%.*s:%u:%zu: ", SLICE_ARG(p->file), line, column);
	return b;
}

static void problem_end(struct parser *p, struct buf *b)
{
	struct slice s = buf_slice(b);

	p->nomem |= b->full;
	if (p->problem_count++ == 0)
		(void)fail_set(p->why, ST_INVALID, "%.*s", SLICE_ARG(s)); /* returned at the end */
	if (p->problems == NULL || p->problem_count > TREATY_PROBLEMS_MAX)
		return;
	buf_add(p->problems, s);
	buf_add_byte(p->problems, '\n');
}

/* Says what is wrong at a column of this line. An expression, false, so that a parser may return
 * it. */
#define PROBLEM(p, column, ...)                                                                    \
	({                                                                                         \
		struct buf problem_ = problem_begin((p), (p)->number, (column));                   \
		buf_add_fmt(&problem_, __VA_ARGS__);                                               \
		problem_end((p), &problem_);                                                       \
		false;                                                                             \
	})

static bool out_of_memory(struct parser *p)
{
	p->nomem = true;
	return false;
}

/* ---- lines and tokens ----------------------------------------------------------------------- */

/* Position of the first byte that text may not hold, or s.len: control characters (the file is
 * shown in terminals) and what is not UTF-8. */
static size_t bad_byte(struct slice s)
{
	for (size_t i = 0; i < s.len;) {
		uint8_t c = s.ptr[i];
		size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return i;
		if (n > s.len - i || !text_is_utf8(slice_part(s, i, n)))
			return i;
		if (c == 0xc2 && s.ptr[i + 1] < 0xa0) /* C1 controls */
			return i;
		if (c == 0xe2 &&
		    ((s.ptr[i + 1] == 0x80 && s.ptr[i + 2] >= 0xaa && s.ptr[i + 2] <= 0xae) ||
		     (s.ptr[i + 1] == 0x81 && s.ptr[i + 2] >= 0xa6 && s.ptr[i + 2] <= 0xa9)))
			return i; /* changes of writing direction: what is read must be what is run
				   */
		i += n;
	}
	return s.len;
}

static bool next_line(struct parser *p)
{
	if (p->rest.ptr == NULL)
		return false;
	p->line = slice_split(&p->rest, '\n');
	if (slice_ends(p->line, SLICE("\r")))
		p->line.len--;
	p->number++;
	p->at = 0;
	if (bad_byte(p->line) < p->line.len) {
		size_t i = bad_byte(p->line);

		(void)PROBLEM(p, i + 1,
			      "byte 0x%02x cannot stand here: expected UTF-8 text "
			      "without control characters",
			      p->line.ptr[i]);
		p->line.len = 0;
	}
	return true;
}

static bool is_name_byte(uint8_t c)
{
	return text_is_alpha(c) || text_is_digit(c) || c == '_' || c == '.' || c == '-';
}

static struct token peek(struct parser *p)
{
	struct slice l = p->line;
	size_t i = p->at, n = 0;

	while (i < l.len && (l.ptr[i] == ' ' || l.ptr[i] == '\t'))
		i++;
	p->at = i;
	if (i == l.len)
		return (struct token){TOKEN_END, {NULL, 0}, i + 1};
	if (l.ptr[i] == '"') {
		while (i + 1 + n < l.len && l.ptr[i + 1 + n] != '"')
			n++;
		if (i + 1 + n == l.len)
			return (struct token){TOKEN_BAD, slice_from(l, i), i + 1};
		return (struct token){TOKEN_STRING, slice_part(l, i + 1, n), i + 1};
	}
	while (i + n < l.len && is_name_byte(l.ptr[i + n]))
		n++;
	if (n != 0)
		return (struct token){TOKEN_WORD, slice_part(l, i, n), i + 1};
	if (strchr("();,", l.ptr[i]) != NULL)
		return (struct token){TOKEN_SIGN, slice_part(l, i, 1), i + 1};
	return (struct token){TOKEN_BAD, slice_from(l, i), i + 1};
}

static void take(struct parser *p, struct token t)
{
	p->at += t.text.len + (t.kind == TOKEN_STRING ? 2 : 0);
}

static bool token_is(struct token t, const char *z)
{
	return (t.kind == TOKEN_WORD || t.kind == TOKEN_SIGN) && slice_equal(t.text, slice_of(z));
}

static bool take_if(struct parser *p, const char *z)
{
	struct token t = peek(p);

	if (!token_is(t, z))
		return false;
	take(p, t);
	return true;
}

static bool expected(struct parser *p, struct token found, const char *what)
{
	if (found.kind == TOKEN_END)
		return PROBLEM(p, found.column, "expected %s, found the end of the line", what);
	if (found.kind == TOKEN_BAD && found.text.ptr[0] == '"')
		return PROBLEM(p, found.column, "a text in quotes ends on its line: expected \"");
	if (found.kind == TOKEN_BAD)
		return PROBLEM(p, found.column, "expected %s, found '%c'", what,
			       found.text.ptr[0] < 0x80 ? found.text.ptr[0] : '?');
	return PROBLEM(p, found.column, "expected %s, found \"%.*s\"", what,
		       SLICE_ARG(slice_part(found.text, 0, TREATY_NAME_MAX)));
}

static bool want_end(struct parser *p)
{
	struct token t = peek(p);

	return t.kind == TOKEN_END || expected(p, t, "the end of the line");
}

static bool want_name(struct parser *p, const char *what, struct token *out)
{
	struct token t = peek(p);

	if (t.kind != TOKEN_WORD || !text_is_alpha(t.text.ptr[0]))
		return expected(p, t, what);
	if (t.text.len > TREATY_NAME_MAX)
		return PROBLEM(p, t.column, "a name has at most %d bytes", TREATY_NAME_MAX);
	take(p, t);
	*out = t;
	return true;
}

static bool want_string(struct parser *p, const char *what, struct slice *out)
{
	struct token t = peek(p);

	if (t.kind != TOKEN_STRING || slice_trim(t.text).len == 0)
		return expected(p, t, what);
	take(p, t);
	*out = t.text;
	return true;
}

/* YYYY-MM-DD as the first moment of that day. */
static bool date_of(struct slice s, struct wall_ns *out)
{
	static const char midnight[] = "T00:00:00Z";
	uint8_t text[10 + sizeof midnight];

	if (s.len != 10)
		return false;
	memcpy(text, s.ptr, 10);
	memcpy(text + 10, midnight, sizeof midnight);
	return time_parse((struct slice){text, 10 + sizeof midnight - 1}, out);
}

static bool want_date(struct parser *p, struct wall_ns *out, struct slice *text)
{
	struct token t = peek(p);

	if (t.kind != TOKEN_WORD || !date_of(t.text, out))
		return expected(p, t, "a date as YYYY-MM-DD, from 1970 on");
	take(p, t);
	*text = t.text;
	return true;
}

/* "; reason to the end of the line" */
static bool want_reason(struct parser *p, const char *what, struct slice *out)
{
	struct token t = peek(p);
	struct slice s;

	if (!token_is(t, ";"))
		return expected(p, t, what);
	s = slice_trim(slice_from(p->line, t.column));
	if (s.len == 0)
		return PROBLEM(p, t.column + 1, "expected %s after \";\"", what);
	p->at = p->line.len;
	*out = s;
	return true;
}

/* ---- expressions ---------------------------------------------------------------------------- */

/* True if the line below goes on with this expression: it begins with `and` or `or`. */
static bool continues(const struct parser *p)
{
	struct slice rest = p->rest, l;
	size_t n = 0;

	if (rest.ptr == NULL)
		return false;
	l = slice_trim(slice_split(&rest, '\n'));
	while (n < l.len && is_name_byte(l.ptr[n]))
		n++;
	l.len = n;
	return slice_equal(l, SLICE("and")) || slice_equal(l, SLICE("or"));
}

static struct token peek_over_lines(struct parser *p)
{
	struct token t = peek(p);

	while (t.kind == TOKEN_END && continues(p) && next_line(p))
		t = peek(p);
	return t;
}

static struct treaty_node *node_new(struct parser *p, enum treaty_node_kind kind)
{
	struct treaty_node *n = ARENA_NEW(p->a, struct treaty_node);

	if (n == NULL)
		(void)out_of_memory(p);
	else
		n->kind = kind;
	return n;
}

static size_t term_find(const struct treaty *t, struct slice name)
{
	for (size_t i = 0; i < t->term_count; i++)
		if (slice_equal(t->terms[i].name, name))
			return i;
	return SIZE_MAX;
}

static bool is_reserved(struct slice s)
{
	return slice_equal(s, SLICE("and")) || slice_equal(s, SLICE("or")) ||
	       slice_equal(s, SLICE("not")) || slice_equal(s, SLICE("respondent-shows")) ||
	       slice_equal(s, SLICE("require"));
}

static struct treaty_node *parse_atom(struct parser *p)
{
	struct token t = peek_over_lines(p);
	struct treaty_node *n;
	size_t term;

	if (t.kind != TOKEN_WORD || is_reserved(t.text)) {
		(void)expected(p, t, "a term, \"not\" or \"(\"");
		return NULL;
	}
	take(p, t);
	if (token_is(peek(p), "(")) {
		(void)PROBLEM(p, peek(p).column,
			      "a term is not called: expected \"and\", \"or\" "
			      "or the end after \"%.*s\"",
			      SLICE_ARG(slice_part(t.text, 0, TREATY_NAME_MAX)));
		return NULL;
	}
	term = term_find(p->t, t.text);
	if (term == SIZE_MAX) {
		(void)PROBLEM(p, t.column,
			      "the term \"%.*s\" is not defined: expected a line "
			      "above that says  term %.*s \"what it means\"",
			      SLICE_ARG(slice_part(t.text, 0, TREATY_NAME_MAX)),
			      SLICE_ARG(slice_part(t.text, 0, TREATY_NAME_MAX)));
		return NULL;
	}
	n = node_new(p, TREATY_ATOM);
	if (n != NULL)
		n->term = (uint32_t)term;
	return n;
}

static struct treaty_node *parse_any(struct parser *p, unsigned nesting);

static struct treaty_node *parse_one(struct parser *p, unsigned nesting)
{
	struct token t = peek_over_lines(p);
	struct treaty_node *n;

	if (!token_is(t, "not") && !token_is(t, "("))
		return parse_atom(p);
	if (nesting == TREATY_NESTING_MAX) {
		(void)PROBLEM(p, t.column, "nested too deeply: at most %d levels",
			      TREATY_NESTING_MAX);
		return NULL;
	}
	take(p, t);
	if (token_is(t, "not")) {
		struct treaty_node *inner = parse_one(p, nesting + 1);

		n = inner ? node_new(p, TREATY_NOT) : NULL;
		if (n != NULL)
			n->first = inner;
		return n;
	}
	n = parse_any(p, nesting + 1);
	if (n == NULL)
		return NULL;
	t = peek_over_lines(p);
	if (!token_is(t, ")")) {
		(void)expected(p, t, "\")\"");
		return NULL;
	}
	take(p, t);
	return n;
}

/* one ("and" one)* or one ("or" one)*: the two are never mixed without parentheses, because people
 * read such a mix in two ways. */
static struct treaty_node *parse_any(struct parser *p, unsigned nesting)
{
	struct treaty_node *first = parse_one(p, nesting), *last = first, *all = NULL;

	while (first != NULL) {
		struct token t = peek_over_lines(p);
		enum treaty_node_kind kind = token_is(t, "and") ? TREATY_AND : TREATY_OR;
		struct treaty_node *next;

		if (!token_is(t, "and") && !token_is(t, "or"))
			return all ? all : first;
		if (all != NULL && all->kind != kind) {
			(void)PROBLEM(p, t.column,
				      "\"and\" and \"or\" side by side can be read in "
				      "two ways: expected parentheses");
			return NULL;
		}
		take(p, t);
		if (all == NULL) {
			all = node_new(p, kind);
			if (all == NULL)
				return NULL;
			all->first = first;
		}
		next = parse_one(p, nesting);
		if (next == NULL)
			return NULL;
		last->next = next;
		last = next;
	}
	return NULL;
}

static const struct treaty_node *want_expr(struct parser *p)
{
	return parse_any(p, 0);
}

/* ---- statements ----------------------------------------------------------------------------- */

static struct treaty_clause *open_clause(struct parser *p)
{
	return &p->t->clauses[p->t->clause_count - 1];
}

static bool parse_instrument(struct parser *p)
{
	struct token id;

	if (!want_name(p, "the short name of the instrument", &id) ||
	    !want_string(p, "its title in quotes", &p->t->title))
		return false;
	p->t->id = id.text;
	p->scope = SCOPE_INSTRUMENT;
	p->prose = buf_in(p->a);
	return want_end(p);
}

static bool parse_source(struct parser *p)
{
	struct treaty_source s = {0}, *to;
	struct token t;

	if (!want_string(p, "where the text is from, in quotes", &s.text))
		return false;
	if (take_if(p, "page") && !want_string(p, "the page or article in quotes", &s.page))
		return false;
	t = peek(p);
	if (!token_is(t, "mark"))
		return expected(p, t, s.page.len ? "\"mark\"" : "\"page\" or \"mark\"");
	take(p, t);
	t = peek(p);
	if (!token_is(t, "V") && !token_is(t, "K1") && !token_is(t, "K2"))
		return expected(p, t, "V (checked against the text), K1 (sure) or K2 (unchecked)");
	take(p, t);
	s.mark = t.text;
	to = p->scope == SCOPE_INSTRUMENT ? &p->t->source : &open_clause(p)->source;
	if (to->text.len != 0)
		return PROBLEM(p, 1, "a second \"source\": expected one");
	*to = s;
	return want_end(p);
}

static bool parse_in_force(struct parser *p)
{
	struct token t = peek(p);

	if (p->instrument_force)
		return PROBLEM(p, 1, "a second \"in-force\": expected one");
	p->instrument_force = true;
	if (token_is(t, "between-parties")) {
		take(p, t);
		p->t->between_parties = true;
		return want_end(p);
	}
	if (t.kind != TOKEN_WORD || !date_of(t.text, &p->t->in_force))
		return expected(p, t, "a date as YYYY-MM-DD, or \"between-parties\"");
	return want_date(p, &p->t->in_force, &p->t->in_force_text) && want_end(p);
}

/* 0.75: a probability with at most three decimals. */
static bool want_probability(struct parser *p, int32_t *out)
{
	struct token t = peek(p);
	uint64_t whole, part = 0;
	struct slice rest = t.text, before;
	bool digits = true;

	if (t.kind != TOKEN_WORD)
		return expected(p, t, "a number above 0 and up to 1");
	before = slice_split(&rest, '.');
	for (size_t i = 0; i < rest.len; i++)
		digits &= text_is_digit(rest.ptr[i]); /* text_u64 takes 0x too */
	if (before.len != 1 || !text_u64(before, 0, 1, &whole) || !digits ||
	    (rest.ptr != NULL && (rest.len > 3 || !text_u64(rest, 0, 999, &part))))
		return expected(p, t, "a number above 0 and up to 1, with at most three decimals");
	for (size_t i = rest.len; i < 3; i++)
		part *= 10;
	whole = whole * 1000 + part;
	if (whole < 1 || whole > 1000)
		return expected(p, t, "a number above 0 and up to 1");
	take(p, t);
	*out = (int32_t)whole;
	return true;
}

static size_t standard_find(const struct treaty *t, struct slice name)
{
	for (size_t i = 0; i < t->standard_count; i++)
		if (slice_equal(t->standards[i].name, name))
			return i;
	return SIZE_MAX;
}

static bool parse_standard(struct parser *p)
{
	struct treaty_standard s = {0};
	struct treaty *t = p->t;
	struct token name;

	if (!want_name(p, "the name of the standard", &name) || !want_probability(p, &s.milli))
		return false;
	s.name = name.text;
	if (standard_find(t, s.name) != SIZE_MAX)
		return PROBLEM(p, name.column, "the standard \"%.*s\" is defined twice",
			       SLICE_ARG(s.name));
	if (t->standard_count == TREATY_STANDARDS_MAX)
		return PROBLEM(p, 1, "at most %d standards", TREATY_STANDARDS_MAX);
	if (!ARENA_PUSH(p->a, t->standards, t->standard_count, t->standard_room, s))
		return out_of_memory(p);
	return want_end(p);
}

static bool parse_term(struct parser *p)
{
	struct treaty_term term = {0};
	struct treaty *t = p->t;
	struct token name;

	if (!want_name(p, "the name of the term", &name))
		return false;
	if (is_reserved(name.text))
		return PROBLEM(p, name.column,
			       "\"%.*s\" is a word of the language: expected "
			       "another name",
			       SLICE_ARG(name.text));
	if (!want_string(p, "its definition in quotes", &term.definition))
		return false;
	term.name = name.text;
	term.open = take_if(p, "open");
	if (term_find(t, term.name) != SIZE_MAX)
		return PROBLEM(p, name.column, "the term \"%.*s\" is defined twice",
			       SLICE_ARG(term.name));
	if (t->term_count == TREATY_TERMS_MAX)
		return PROBLEM(p, 1, "at most %d terms", TREATY_TERMS_MAX);
	if (!ARENA_PUSH(p->a, t->terms, t->term_count, t->term_room, term))
		return out_of_memory(p);
	return want_end(p);
}

static size_t clause_find(const struct treaty *t, struct slice id)
{
	for (size_t i = 0; i < t->clause_count; i++)
		if (slice_equal(t->clauses[i].id, id))
			return i;
	return SIZE_MAX;
}

/* Says what the clause that ends here lacks. */
static void close_clause(struct parser *p)
{
	struct treaty_clause *c;
	struct buf b;

	if (p->scope != SCOPE_CLAUSE)
		return;
	c = open_clause(p);
	p->scope = SCOPE_INSTRUMENT;
	if (p->clause_when && p->clause_proof)
		return;
	b = problem_begin(p, p->clause_line, 1);
	buf_add_fmt(&b, "the clause \"%.*s\" cannot be judged: expected a line \"%s\" in it",
		    SLICE_ARG(c->id), p->clause_proof ? "when ..." : "proof ...");
	problem_end(p, &b);
}

/* The common head of `clause` and `not-judged`: ID "title". */
static bool clause_head(struct parser *p, struct treaty_clause *c)
{
	struct treaty *t = p->t;
	struct token id;

	if (!want_name(p, "the name of the clause", &id))
		return false;
	if (!slice_starts(id.text, t->id) || id.text.len < t->id.len + 2 ||
	    id.text.ptr[t->id.len] != '.')
		return PROBLEM(p, id.column,
			       "a clause of this file is named \"%.*s.\" and a "
			       "number or word",
			       SLICE_ARG(t->id));
	if (clause_find(t, id.text) != SIZE_MAX)
		return PROBLEM(p, id.column, "the clause \"%.*s\" is defined twice",
			       SLICE_ARG(id.text));
	if (t->clause_count == TREATY_CLAUSES_MAX)
		return PROBLEM(p, 1, "at most %d clauses", TREATY_CLAUSES_MAX);
	c->id = id.text;
	return want_string(p, "its title in quotes", &c->title);
}

static bool clause_add(struct parser *p, struct treaty_clause *c)
{
	c->article = buf_slice(&p->prose);
	p->nomem |= p->prose.full;
	p->prose = buf_in(p->a);
	return ARENA_PUSH(p->a, p->t->clauses, p->t->clause_count, p->t->clause_room, *c) ||
	       out_of_memory(p);
}

static bool parse_clause(struct parser *p)
{
	struct treaty_clause c = {0};

	if (!clause_head(p, &c) || !clause_add(p, &c))
		return false;
	p->scope = SCOPE_CLAUSE;
	p->clause_line = p->number;
	p->clause_proof = p->clause_when = false;
	return want_end(p);
}

static bool parse_not_judged(struct parser *p)
{
	struct treaty_clause c = {0};

	if (!clause_head(p, &c) ||
	    !want_reason(p, "\";\" and the reason why it is not judged", &c.not_judged) ||
	    !clause_add(p, &c))
		return false;
	p->scope = SCOPE_CARRIED;
	return true;
}

static bool parse_proof(struct parser *p)
{
	struct token name;
	size_t s;

	if (p->clause_proof)
		return PROBLEM(p, 1, "a second \"proof\": expected one");
	p->clause_proof = true;
	if (!want_name(p, "the name of a standard", &name))
		return false;
	s = standard_find(p->t, name.text);
	if (s == SIZE_MAX)
		return PROBLEM(p, name.column,
			       "the standard \"%.*s\" is not defined: expected a "
			       "line above that says  standard %.*s 0.75",
			       SLICE_ARG(name.text), SLICE_ARG(name.text));
	if (p->t->standards[s].milli <= 500)
		return PROBLEM(p, name.column,
			       "a breach cannot be judged at 0.5 or less, where a "
			       "fact and its opposite may both be shown: expected "
			       "a higher standard");
	open_clause(p)->standard = s;
	return want_end(p);
}

static bool rule_add(struct parser *p, struct treaty_rule r)
{
	struct treaty_clause *c = open_clause(p);

	if (c->rule_count == TREATY_RULES_MAX)
		return PROBLEM(p, 1, "at most %d lines when, unless and permits in a clause",
			       TREATY_RULES_MAX);
	return ARENA_PUSH(p->a, c->rules, c->rule_count, c->rule_room, r) || out_of_memory(p);
}

static bool parse_when(struct parser *p)
{
	struct treaty_rule r = {.kind = TREATY_WHEN};

	if (p->clause_when)
		return PROBLEM(p, 1,
			       "\"when\" stands first, and once: join conditions with "
			       "\"and\"");
	p->clause_when = true;
	r.expr = want_expr(p);
	return r.expr != NULL && want_end(p) && rule_add(p, r);
}

static bool parse_exception(struct parser *p, struct treaty_rule r)
{
	if (!p->clause_when)
		return PROBLEM(p, 1, "expected the line \"when ...\" above it");
	r.expr = want_expr(p);
	return r.expr != NULL &&
	       want_reason(p, "\";\" and the source of the exception", &r.reason) && rule_add(p, r);
}

static bool parse_unless(struct parser *p)
{
	bool shown = take_if(p, "respondent-shows");

	return parse_exception(
		p, (struct treaty_rule){.kind = shown ? TREATY_UNLESS_SHOWN : TREATY_UNLESS});
}

static bool parse_permits(struct parser *p)
{
	return parse_exception(p, (struct treaty_rule){.kind = TREATY_PERMITS});
}

static bool parse_party(struct parser *p)
{
	struct treaty *t = p->t;
	struct treaty_party party = {0};
	struct slice from;
	struct token id;

	if (!want_name(p, "the party's id", &id))
		return false;
	party.id = id.text;
	if (peek(p).kind == TOKEN_STRING && !want_string(p, "the party's name", &party.name))
		return false;
	if (take_if(p, "from") && !want_date(p, &party.from, &from))
		return false;
	for (size_t i = 0; i < t->party_count; i++)
		if (slice_equal(t->parties[i].id, party.id))
			return PROBLEM(p, id.column,
				       "the party \"%.*s\" has two blocks: expected "
				       "one",
				       SLICE_ARG(party.id));
	if (t->party_count == TREATY_PARTIES_MAX)
		return PROBLEM(p, 1, "at most %d parties", TREATY_PARTIES_MAX);
	if (!ARENA_PUSH(p->a, t->parties, t->party_count, t->party_room, party))
		return out_of_memory(p);
	p->scope = SCOPE_PARTY;
	return want_end(p);
}

/* Splits "Arts. 2 and 40, deposited 2006-09-29" into the source and the date. */
static bool split_deposit(struct parser *p, size_t column, struct treaty_amendment *m)
{
	static const char word[] = ", deposited ";
	struct slice s = m->source;
	size_t at = SIZE_MAX;

	for (size_t i = 0; i < s.len; i++)
		if (slice_starts(slice_from(s, i), slice_of(word)))
			at = i;
	if (at == SIZE_MAX || at == 0)
		return PROBLEM(p, column, "expected \"; source, deposited YYYY-MM-DD\"");
	m->deposited_text = slice_from(s, at + sizeof word - 1);
	m->source = slice_part(s, 0, at);
	if (!date_of(m->deposited_text, &m->since))
		return PROBLEM(p, column, "expected a date as YYYY-MM-DD after \"deposited\"");
	return true;
}

static bool amendment_add(struct parser *p, size_t clause, struct treaty_amendment m)
{
	struct treaty_clause *c = &p->t->clauses[clause];
	struct treaty_amendment *new;

	if (p->t->amendment_count == TREATY_AMENDMENTS_MAX)
		return PROBLEM(p, 1, "at most %d amendments", TREATY_AMENDMENTS_MAX);
	new = ARENA_NEW(p->a, struct treaty_amendment);
	if (new == NULL)
		return out_of_memory(p);
	*new = m;
	if (c->last_amendment != NULL)
		c->last_amendment->next = new;
	else
		c->amendments = new;
	c->last_amendment = new;
	p->t->amendment_count++;
	return true;
}

static bool parse_amend(struct parser *p)
{
	struct treaty *t = p->t;
	struct treaty_amendment m = {.party = t->party_count - 1};
	const struct treaty_party *party = &t->parties[m.party];
	struct token name, reason;
	size_t clause;

	if (!want_name(p, "the clause that is amended", &name))
		return false;
	clause = clause_find(t, name.text);
	if (clause == SIZE_MAX || t->clauses[clause].not_judged.len != 0)
		return PROBLEM(p, name.column,
			       "there is no clause \"%.*s\" above: expected one "
			       "that is judged",
			       SLICE_ARG(name.text));
	if (!take_if(p, "require"))
		return expected(p, peek(p),
				"\"require\" (an amendment narrows, so that their "
				"order does not matter)");
	m.expr = want_expr(p);
	if (m.expr == NULL)
		return false;
	reason = peek(p);
	if (!want_reason(p, "\"; source, deposited YYYY-MM-DD\"", &m.source) ||
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
	bool (*parse)(struct parser *p);
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

static const struct statement *statement_find(struct token t)
{
	for (size_t i = 0; i < sizeof statements / sizeof *statements; i++)
		if (token_is(t, statements[i].word))
			return &statements[i];
	return NULL;
}

static const char *scope_wants(enum scope s)
{
	return s == SCOPE_START	   ? "\"instrument\" first"
	       : s == SCOPE_CLAUSE ? "source, proof, when, unless, permits, or a new block"
	       : s == SCOPE_PARTY  ? "amend, or a new block"
	       : s == SCOPE_CARRIED
		       ? "source, or a new block"
		       : "source, in-force, standard, term, clause, not-judged or party";
}

static void parse_statement(struct parser *p)
{
	struct token t = peek(p);
	const struct statement *s = statement_find(t);

	if (s != NULL && s->extent != LINE && p->scope != SCOPE_START) {
		close_clause(p);
		p->scope = SCOPE_INSTRUMENT;
	}
	if (p->scope == SCOPE_LOST)
		return;
	if (s == NULL || (s->scopes & p->scope) == 0) {
		(void)expected(p, t, scope_wants(p->scope));
		return;
	}
	take(p, t);
	if (s->parse == NULL)
		(void)PROBLEM(p, t.column, "%s", s->refused);
	else if (s->parse(p))
		return;
	if (s->extent == BLOCK)
		p->scope = SCOPE_LOST;
	while (continues(p) && next_line(p)) {
		/* an error in an expression costs all its lines, and is said once */
	}
}

static void parse_prose(struct parser *p)
{
	struct slice s = slice_from(slice_trim(p->line), 1);

	if (slice_starts(s, SLICE(" ")))
		s = slice_from(s, 1);
	if (p->prose.len != 0)
		buf_add_byte(&p->prose, '\n');
	buf_add(&p->prose, s);
}

static void check_whole(struct parser *p)
{
	struct treaty *t = p->t;

	p->number = 1;
	if (t->id.len == 0) {
		if (p->problem_count == 0)
			(void)PROBLEM(p, 1, "expected  instrument ID \"title\"");
		return;
	}
	if (!p->instrument_force)
		(void)PROBLEM(p, 1,
			      "it does not say since when it is in force: expected a line "
			      "\"in-force YYYY-MM-DD\" or \"in-force between-parties\"");
	if (t->source.text.len == 0)
		(void)PROBLEM(p, 1,
			      "it does not say where its text is from: expected a line "
			      "\"source ...\" below \"instrument\"");
	if (t->clause_count == 0)
		(void)PROBLEM(p, 1, "it has no clause: expected at least one");
}

enum status treaty_compile(struct slice file_name, struct slice text, struct arena *a,
			   struct treaty **out, struct buf *problems, struct fail *why)
{
	struct treaty *t = ARENA_NEW(a, struct treaty);
	struct parser p = {.t = t,
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
	while (next_line(&p) && !p.nomem) {
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
