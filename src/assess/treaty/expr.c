/* SPDX-License-Identifier: Apache-2.0
 *
 * Expressions of a treaty: terms, and, or, not, parentheses; nothing else.
 */
#include "assess/treaty/treaty_parse_priv.h"

/* True if the line below goes on with this expression: it begins with `and` or `or`. */
bool treaty_continues(const struct treaty_parser *p)
{
	struct slice rest = p->rest, l;
	size_t n = 0;

	if (rest.ptr == NULL)
		return false;
	l = slice_trim(slice_split(&rest, '\n'));
	while (n < l.len && treaty_is_name_byte(l.ptr[n]))
		n++;
	l.len = n;
	return slice_equal(l, SLICE("and")) || slice_equal(l, SLICE("or"));
}

static struct treaty_token peek_over_lines(struct treaty_parser *p)
{
	struct treaty_token t = treaty_peek(p);

	while (t.kind == TOKEN_END && treaty_continues(p) && treaty_next_line(p))
		t = treaty_peek(p);
	return t;
}

static struct treaty_node *node_new(struct treaty_parser *p, enum treaty_node_kind kind)
{
	struct treaty_node *n = ARENA_NEW(p->a, struct treaty_node);

	if (n == NULL)
		(void)treaty_no_memory(p);
	else
		n->kind = kind;
	return n;
}

size_t treaty_term_find(const struct treaty *t, struct slice name)
{
	for (size_t i = 0; i < t->term_count; i++)
		if (slice_equal(t->terms[i].name, name))
			return i;
	return SIZE_MAX;
}

bool treaty_is_reserved(struct slice s)
{
	static const char *const words[] = {
		"and", "or", "not", "respondent-shows", "require", "then", "rank", "where", "at"};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (slice_equal(s, slice_of(words[i])))
			return true;
	return false;
}

static struct treaty_node *parse_atom(struct treaty_parser *p)
{
	struct treaty_token t = peek_over_lines(p);
	struct treaty_node *n;
	size_t term;

	if (t.kind != TOKEN_WORD || treaty_is_reserved(t.text)) {
		(void)treaty_expected(p, t, "a term, \"not\" or \"(\"");
		return NULL;
	}
	treaty_take(p, t);
	if (treaty_token_is(treaty_peek(p), "(")) {
		(void)TREATY_PROBLEM(p, treaty_peek(p).column,
				     "a term is not called: expected \"and\", \"or\" "
				     "or the end after \"%.*s\"",
				     SLICE_ARG(slice_part(t.text, 0, TREATY_NAME_MAX)));
		return NULL;
	}
	term = treaty_term_find(p->t, t.text);
	if (term == SIZE_MAX) {
		(void)TREATY_PROBLEM(p, t.column,
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

static struct treaty_node *parse_any(struct treaty_parser *p, unsigned nesting);

static struct treaty_node *parse_one(struct treaty_parser *p, unsigned nesting)
{
	struct treaty_token t = peek_over_lines(p);
	struct treaty_node *n;

	if (!treaty_token_is(t, "not") && !treaty_token_is(t, "("))
		return parse_atom(p);
	if (nesting == TREATY_NESTING_MAX) {
		(void)TREATY_PROBLEM(p, t.column, "nested too deeply: expected at most %d levels",
				     TREATY_NESTING_MAX);
		return NULL;
	}
	treaty_take(p, t);
	if (treaty_token_is(t, "not")) {
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
	if (!treaty_token_is(t, ")")) {
		(void)treaty_expected(p, t, "\")\"");
		return NULL;
	}
	treaty_take(p, t);
	return n;
}

/* one ("and" one)* or one ("or" one)*: the two are never mixed without parentheses, because people
 * read such a mix in two ways. */
static struct treaty_node *parse_any(struct treaty_parser *p, unsigned nesting)
{
	struct treaty_node *first = parse_one(p, nesting), *last = first, *all = NULL;

	while (first != NULL) {
		struct treaty_token t = peek_over_lines(p);
		enum treaty_node_kind kind = treaty_token_is(t, "and") ? TREATY_AND : TREATY_OR;
		struct treaty_node *next;

		if (!treaty_token_is(t, "and") && !treaty_token_is(t, "or"))
			return all ? all : first;
		if (all != NULL && all->kind != kind) {
			(void)TREATY_PROBLEM(p, t.column,
					     "\"and\" and \"or\" side by side can be read in "
					     "two ways: expected parentheses");
			return NULL;
		}
		treaty_take(p, t);
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

const struct treaty_node *treaty_want_expr(struct treaty_parser *p)
{
	return parse_any(p, 0);
}
