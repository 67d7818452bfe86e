/* SPDX-License-Identifier: Apache-2.0
 *
 * The words of a finding: why it came out so, one sentence a line, and the rule as it was run.
 */
#include "assess/treaty/treaty_priv.h"

struct trace {
	struct treaty_judge *j;
	struct treaty_trace_line *lines;
	size_t count, room;
	bool lifts; /* the lines now written are of an exception or permission */
	size_t own; /* at which of the clause's standards they are compared */
	bool ok;
};

static void add(struct trace *t, unsigned depth, enum treaty_value v, const struct buf *b)
{
	struct treaty_trace_line line = {(uint8_t)depth, t->lifts, v, buf_slice(b)};

	t->ok = t->ok && !b->full && ARENA_PUSH(t->j->a, t->lines, t->count, t->room, line);
}

/* ---- expressions as text -------------------------------------------------------------------- */

void treaty_node_write(const struct treaty *t, const struct treaty_node *n, bool inner,
		       struct buf *b)
{
	if (n->kind == TREATY_ATOM) {
		buf_add(b, t->terms[n->term].name);
		return;
	}
	if (n->kind == TREATY_NOT) {
		buf_add_z(b, "not ");
		treaty_node_write(t, n->first, true, b);
		return;
	}
	if (inner)
		buf_add_byte(b, '(');
	for (const struct treaty_node *c = n->first; c != NULL; c = c->next) {
		if (c != n->first)
			buf_add_z(b, n->kind == TREATY_AND ? " and " : " or ");
		treaty_node_write(t, c, true, b);
	}
	if (inner)
		buf_add_byte(b, ')');
}

void treaty_rule_write(const struct treaty *t, const struct treaty_clause *c,
		       const struct treaty_rule *r, struct buf *b)
{
	static const char *const words[] = {
		[TREATY_WHEN] = "when ",
		[TREATY_UNLESS] = "unless ",
		[TREATY_UNLESS_SHOWN] = "unless respondent-shows ",
		[TREATY_PERMITS] = "permits ",
	};

	buf_add_z(b, words[r->kind]);
	treaty_node_write(t, r->expr, false, b);
	if (r->own != 0)
		buf_add_fmt(b, " at %.*s", SLICE_ARG(t->standards[c->own[r->own - 1]].name));
	if (r->consequence != 0)
		buf_add_fmt(b, " then %.*s", SLICE_ARG(t->consequences[r->consequence].name));
	if (r->rank != 0)
		buf_add_fmt(b, " rank %u", r->rank);
	if (r->reason.len != 0)
		buf_add_fmt(b, " ; %.*s", SLICE_ARG(r->reason));
}

void treaty_objection_write(const struct treaty *t, const struct treaty_objection *o, struct buf *b)
{
	struct slice who =
		t->parties[o->party].name.len ? t->parties[o->party].name : t->parties[o->party].id;
	struct slice to =
		t->parties[o->to].name.len ? t->parties[o->to].name : t->parties[o->to].id;

	buf_add_fmt(b, "%.*s objects to what %.*s made of %.*s (%.*s, deposited %.*s%s)",
		    SLICE_ARG(who), SLICE_ARG(to), SLICE_ARG(t->clauses[o->clause].id),
		    SLICE_ARG(o->source), SLICE_ARG(o->deposited_text),
		    o->unchecked ? ", unchecked" : "");
}

static void write_deposit(const struct treaty_amendment *m, struct buf *b)
{
	buf_add_fmt(b, "%.*s, deposited %.*s%s", SLICE_ARG(m->source), SLICE_ARG(m->deposited_text),
		    m->unchecked ? ", unchecked" : "");
}

void treaty_amendment_write(const struct treaty *t, const struct treaty_amendment *m, struct buf *b)
{
	buf_add_z(b, m->kind == TREATY_REQUIRE	       ? "require "
		     : m->kind == TREATY_RESERVE_WHERE ? "reserve where "
						       : "reserve");
	if (m->expr != NULL) /* where: the inside of the `not` that it was made */
		treaty_node_write(t, m->kind == TREATY_REQUIRE ? m->expr : m->expr->first, false,
				  b);
	buf_add_z(b, " ; ");
	write_deposit(m, b);
}

static void write_milli(int32_t milli, struct buf *b)
{
	claim_write_interval((struct interval){milli, milli}, b);
}

/* "civilian_target 0.95-1 is shown at 0.75" */
static void write_atom(const struct trace *t, const struct treaty_node *n, struct buf *b)
{
	const struct treaty_judge_term *term = &t->j->terms[n->term];
	enum treaty_value v = treaty_node_value(t->j, t->own, n);

	buf_add(b, t->j->t->terms[n->term].name);
	if (term->claim == NULL) {
		buf_add_z(b, " is unknown: no fact bears on it");
		return;
	}
	buf_add_byte(b, ' ');
	claim_write_interval(term->p, b);
	buf_add_z(b, v == TREATY_TRUE	 ? " is shown at "
		     : v == TREATY_FALSE ? " is excluded at "
					 : " is neither shown nor excluded at ");
	write_milli(t->j->milli[t->own], b);
	if (t->j->t->terms[n->term].open)
		buf_add_z(b, " (open term: the parties have not settled what it means)");
}

/* One line a node, children one deeper. */
static void trace_node(struct trace *t, const struct treaty_node *n, unsigned depth)
{
	enum treaty_value v = treaty_node_value(t->j, t->own, n);
	struct buf b = buf_in(t->j->a);

	if (n->kind == TREATY_ATOM) {
		write_atom(t, n, &b);
		add(t, depth, v, &b);
		return;
	}
	if (n->kind == TREATY_NOT && n->first->kind == TREATY_ATOM) {
		treaty_node_write(t->j->t, n, false, &b);
		buf_add_z(&b, ": ");
		write_atom(t, n->first, &b);
		add(t, depth, v, &b);
		return;
	}
	buf_add_z(&b, n->kind == TREATY_AND  ? "all of these"
		      : n->kind == TREATY_OR ? "at least one of these"
					     : "not this");
	add(t, depth, v, &b);
	for (const struct treaty_node *c = n->first; c != NULL; c = c->next)
		trace_node(t, c, depth + 1);
}

/* The parts of a rule below its head: the members of a top "and" need no line of their own. */
static void trace_parts(struct trace *t, const struct treaty_node *n)
{
	if (n->kind != TREATY_AND) {
		trace_node(t, n, 1);
		return;
	}
	for (const struct treaty_node *c = n->first; c != NULL; c = c->next)
		trace_node(t, c, 1);
}

/* ---- lines ---------------------------------------------------------------------------------- */

/* ", at the standard balance 0.51" */
static void write_own(const struct trace *t, const struct treaty_rule *r, struct buf *b)
{
	const struct treaty_clause *c = &t->j->t->clauses[t->j->clause];

	buf_add_fmt(b, ", at the standard %.*s ",
		    SLICE_ARG(t->j->t->standards[c->own[r->own - 1]].name));
	write_milli(t->j->milli[r->own], b);
}

static void trace_rule(struct trace *t, const struct treaty_rule *r)
{
	static const char *const words[][3] = {
		[TREATY_WHEN] = {"not met", "not settled", "met"},
		[TREATY_UNLESS] = {"does not apply", "may apply", "applies"},
		[TREATY_UNLESS_SHOWN] = {"not shown by the respondent, who must show it",
					 "not shown by the respondent, who must show it",
					 "shown by the respondent"},
		[TREATY_PERMITS] = {"does not apply", "may apply", "applies"},
	};
	enum treaty_value v = treaty_node_value(t->j, r->own, r->expr);
	struct buf b = buf_in(t->j->a);

	t->own = r->own;
	t->lifts = r->kind != TREATY_WHEN;
	if (r->kind == TREATY_WHEN) {
		buf_add_fmt(&b, "conditions: %s; all together ", words[r->kind][v]);
		claim_write_interval(treaty_node_bounds(t->j, r->expr), &b);
		buf_add_z(&b, ", whatever their dependence");
	} else {
		buf_add_fmt(&b, "%s \"%.*s\": %s",
			    r->kind == TREATY_PERMITS ? "permission" : "exception",
			    SLICE_ARG(r->reason), words[r->kind][v]);
		if (r->own != 0)
			write_own(t, r, &b);
		if (r->consequence != 0)
			buf_add_fmt(&b, "; what follows: %.*s",
				    SLICE_ARG(t->j->t->consequences[r->consequence].text));
	}
	add(t, 0, v, &b);
	trace_parts(t, r->expr);
}

static void trace_amendment(struct trace *t, const struct treaty_amendment *m)
{
	static const char *const words[] = {"not met", "not settled", "met"};
	static const char *const where[] = {"this is such a case", "not settled",
					    "this is none of them"};
	const struct treaty_party *p = &t->j->t->parties[m->party];
	struct slice who = p->name.len ? p->name : p->id;
	enum treaty_value v = m->expr != NULL ? treaty_node_value(t->j, 0, m->expr) : TREATY_FALSE;
	struct buf b = buf_in(t->j->a);

	t->own = 0;
	t->lifts = false;
	buf_add_fmt(&b, "%.*s %s (", SLICE_ARG(who),
		    m->kind == TREATY_REQUIRE	      ? "also requires"
		    : m->kind == TREATY_RESERVE_WHERE ? "has reserved some cases"
						      : "has reserved the clause");
	write_deposit(m, &b);
	buf_add_z(&b, m->kind == TREATY_RESERVE ? ")" : "): ");
	if (m->kind != TREATY_RESERVE)
		buf_add_z(&b, m->kind == TREATY_REQUIRE ? words[v] : where[v]);
	add(t, 0, v, &b);
	if (m->expr != NULL)
		trace_parts(t, m->expr);
}

/* An objection that leaves the treaty in force: to the extent of the reservation the clause does
 * not apply between the two, which is what the reservation itself comes to, as it can only narrow.
 */
static void trace_objections(struct trace *t)
{
	const struct treaty_objection *o = NULL;

	while ((o = treaty_objection_next(t->j->t, &t->j->law, o)) != NULL) {
		struct buf b = buf_in(t->j->a);

		if (o->clause != t->j->clause || o->excluding)
			continue;
		treaty_objection_write(t->j->t, o, &b);
		buf_add_z(&b, ": to that extent the clause does not apply between the two "
			      "(VCLT 21(3))");
		t->lifts = false;
		add(t, 0, TREATY_UNDETERMINED, &b);
	}
}

static bool write_rule(struct treaty_judge *j, struct slice *out)
{
	const struct treaty_clause *c = &j->t->clauses[j->clause];
	const struct treaty_standard *s = &j->t->standards[c->standard];
	const struct treaty_amendment *m = NULL;
	struct buf b = buf_in(j->a);

	buf_add_fmt(&b, "proof %.*s ", SLICE_ARG(s->name));
	write_milli(j->milli[0], &b);
	for (size_t i = 0; i < c->rule_count; i++) {
		buf_add_byte(&b, '\n');
		treaty_rule_write(j->t, c, &c->rules[i], &b);
	}
	while ((m = treaty_amendment_next(j->t, j->clause, &j->law, m)) != NULL) {
		buf_add_fmt(&b, "\n%.*s: ", SLICE_ARG(j->t->parties[m->party].id));
		treaty_amendment_write(j->t, m, &b);
	}
	*out = buf_slice(&b);
	return !b.full;
}

bool treaty_trace_write(struct treaty_judge *j, struct slice bar, struct treaty_finding *f)
{
	const struct treaty_clause *c = &j->t->clauses[j->clause];
	const struct treaty_amendment *m = NULL;
	struct trace t = {.j = j, .ok = true};

	if (bar.len != 0) {
		struct buf b = buf_in(j->a);

		buf_add_fmt(&b, "%.*s; what follows is for information", SLICE_ARG(bar));
		add(&t, 0, TREATY_UNDETERMINED, &b);
	}
	for (size_t i = 0; i < c->rule_count; i++)
		trace_rule(&t, &c->rules[i]);
	while ((m = treaty_amendment_next(j->t, j->clause, &j->law, m)) != NULL)
		trace_amendment(&t, m);
	trace_objections(&t);
	f->trace = t.lines;
	f->trace_count = t.count;
	return t.ok && write_rule(j, &f->rule);
}

bool treaty_not_judged_write(struct treaty_judge *j, struct treaty_finding *f)
{
	struct trace t = {.j = j, .ok = true};
	struct buf b = buf_in(j->a);

	buf_add_fmt(&b, "not judged: %.*s", SLICE_ARG(j->t->clauses[j->clause].not_judged));
	add(&t, 0, TREATY_UNDETERMINED, &b);
	f->value = TREATY_UNDETERMINED;
	f->result = SLICE("not judged");
	f->not_applicable = true;
	f->unchecked = treaty_clause_unchecked(j->t, j->clause);
	f->trace = t.lines;
	f->trace_count = t.count;
	return t.ok;
}

const struct treaty_source *treaty_clause_source(const struct treaty *t, size_t clause)
{
	const struct treaty_source *s = &t->clauses[clause].source;

	return s->text.len ? s : &t->source;
}

bool treaty_clause_unchecked(const struct treaty *t, size_t clause)
{
	return slice_equal(treaty_clause_source(t, clause)->mark, SLICE("K2"));
}

/* "Council of Europe, ETS 185, art. 2 (checked against the text)" */
void treaty_mark_write(const struct treaty_source *s, struct buf *b)
{
	buf_add(b, s->text);
	if (s->page.len != 0)
		buf_add_fmt(b, ", %.*s", SLICE_ARG(s->page));
	buf_add_z(b, slice_equal(s->mark, SLICE("V"))	 ? " (checked against the text)"
		     : slice_equal(s->mark, SLICE("K1")) ? " (not checked against the text, sure)"
							 : " (unchecked)");
}

bool treaty_source_write(struct treaty_judge *j, struct slice *out)
{
	struct buf b = buf_in(j->a);

	treaty_mark_write(treaty_clause_source(j->t, j->clause), &b);
	*out = buf_slice(&b);
	return !b.full;
}
