/* SPDX-License-Identifier: Apache-2.0
 *
 * What can be said of a treaty before anything happens: which of its words are vague, what nobody
 * can see, and which clauses therefore nobody can ever show to be broken.
 */
#include "assess/treaty/treaty_priv.h"

#include "base/text.h"

/* Words of degree or of blame. In a definition they leave to each reader how much is enough. */
static const char *const vague[] = {
	"appropriate", "excessive",   "grave",	     "harmful",	      "hostile",    "improper",
	"malicious",   "normal",      "promptly",    "proportionate", "reasonable", "serious",
	"severe",      "significant", "substantial", "sufficient",    "undue",	    "unfriendly"};

enum treaty_seen treaty_term_seen(const struct treaty *t, size_t term)
{
	const struct treaty_word *w = treaty_word_find(t->terms[term].name);

	return w ? w->seen : TREATY_SEEN_NEVER;
}

/* ---- who could show that a clause is broken ------------------------------------------------- */

struct reach { /* whether an expression could ever be shown, or excluded */
	bool shown, excluded;
};

/* least: terms that are seen by less than this are unknown for ever. Each part by itself: that a
 * term stands in two of them is not taken into account, so "could" may be too kind. Depth is
 * bounded by TREATY_NESTING_MAX. */
static struct reach reach_of(const struct treaty *t, const struct treaty_node *n,
			     enum treaty_seen least)
{
	struct reach r;

	if (n->kind == TREATY_ATOM) {
		bool seen = treaty_term_seen(t, n->term) >= least;

		return (struct reach){seen, seen};
	}
	r = reach_of(t, n->first, least);
	if (n->kind == TREATY_NOT)
		return (struct reach){r.excluded, r.shown};
	for (const struct treaty_node *c = n->first->next; c != NULL; c = c->next) {
		struct reach q = reach_of(t, c, least);

		if (n->kind == TREATY_AND)
			r = (struct reach){r.shown && q.shown, r.excluded || q.excluded};
		else
			r = (struct reach){r.shown || q.shown, r.excluded && q.excluded};
	}
	return r;
}

static bool can_be_shown(const struct treaty *t, const struct treaty_clause *c,
			 enum treaty_seen least)
{
	for (size_t i = 0; i < c->rule_count; i++) {
		const struct treaty_rule *r = &c->rules[i];
		struct reach q = reach_of(t, r->expr, least);

		if (r->kind == TREATY_WHEN ? !q.shown
					   : r->kind != TREATY_UNLESS_SHOWN && !q.excluded)
			return false;
	}
	return true;
}

enum treaty_seen treaty_clause_seen(const struct treaty *t, size_t clause)
{
	enum treaty_seen s = TREATY_SEEN_STATION;

	while (s != TREATY_SEEN_NEVER && !can_be_shown(t, &t->clauses[clause], s))
		s--;
	return s;
}

const char *treaty_seen_name(enum treaty_seen s)
{
	static const char *const names[] = {
		[TREATY_SEEN_NEVER] = "nobody",
		[TREATY_SEEN_REASONED] = "stations, registers, statements and attribution",
		[TREATY_SEEN_STATEMENT] = "stations, registers and statements",
		[TREATY_SEEN_REGISTER] = "stations and registers",
		[TREATY_SEEN_STATION] = "stations",
	};

	return names[s];
}

/* ---- remarks -------------------------------------------------------------------------------- */

struct lint {
	const struct treaty *t;
	struct slice file;
	struct buf *out;
};

static void note(const struct lint *l, uint32_t line)
{
	buf_add_fmt(l->out, "%.*s:%u:1: note: ", SLICE_ARG(l->file), line);
}

/* The first vague word of a text, as a word by itself; NULL: none. */
static const char *vague_word(struct slice s)
{
	for (size_t i = 0; i < sizeof vague / sizeof *vague; i++) {
		struct slice w = slice_of(vague[i]);

		for (size_t at = 0; at + w.len <= s.len; at++)
			if ((at == 0 || !text_is_alpha(s.ptr[at - 1])) &&
			    (at + w.len == s.len || !text_is_alpha(s.ptr[at + w.len])) &&
			    slice_equal_nocase(slice_part(s, at, w.len), w))
				return vague[i];
	}
	return NULL;
}

static void lint_term(const struct lint *l, size_t i, bool used)
{
	const struct treaty_term *term = &l->t->terms[i];
	const char *word = vague_word(term->definition);

	if (!used) {
		note(l, term->line);
		buf_add_fmt(l->out, "no clause uses the term \"%.*s\"\n", SLICE_ARG(term->name));
	}
	if (term->open) {
		note(l, term->line);
		buf_add_fmt(
			l->out,
			"the term \"%.*s\" is open: the parties have not settled what it means\n",
			SLICE_ARG(term->name));
	} else if (word != NULL) {
		note(l, term->line);
		buf_add_fmt(
			l->out,
			"the definition of \"%.*s\" says \"%s\" without a measure: say how much, "
			"or mark the term \"open\"\n",
			SLICE_ARG(term->name), word);
	}
	if (treaty_term_seen(l->t, i) == TREATY_SEEN_NEVER) {
		note(l, term->line);
		buf_add_fmt(
			l->out,
			"nobody can see whether \"%.*s\" holds: no station, register or statement "
			"bears on it\n",
			SLICE_ARG(term->name));
	}
}

static void lint_clause(const struct lint *l, size_t i)
{
	const struct treaty_clause *c = &l->t->clauses[i];

	if (c->article.len == 0) {
		note(l, c->line);
		buf_add_fmt(l->out,
			    "\"%.*s\" has no article above it: expected lines that begin "
			    "with |\n",
			    SLICE_ARG(c->id));
	}
	if (c->not_judged.len != 0 || treaty_clause_seen(l->t, i) != TREATY_SEEN_NEVER)
		return;
	note(l, c->line);
	buf_add_fmt(l->out,
		    "a breach of \"%.*s\" can never be shown: it rests on terms that nobody can "
		    "see\n",
		    SLICE_ARG(c->id));
}

/* Depth is bounded by TREATY_NESTING_MAX. */
static void mark_terms(const struct treaty_node *n, bool *used)
{
	if (n->kind == TREATY_ATOM)
		used[n->term] = true;
	for (const struct treaty_node *c = n->first; n->kind != TREATY_ATOM && c != NULL;
	     c = c->next)
		mark_terms(c, used);
}

/* Terms of all clauses and of all amendments to them, whoever made them. */
static void mark_clause(const struct treaty_clause *c, bool *used)
{
	for (size_t i = 0; i < c->rule_count; i++)
		mark_terms(c->rules[i].expr, used);
	for (size_t i = 0; i < c->option_count; i++)
		used[c->options[i]] = true;
	for (const struct treaty_amendment *m = c->amendments; m != NULL; m = m->next)
		if (m->expr != NULL)
			mark_terms(m->expr, used);
	for (size_t i = 0; c->duty != NULL && i < c->duty->lest_count; i++)
		if (c->duty->lest[i].shows != NULL)
			mark_terms(c->duty->lest[i].shows, used);
}

static void lint_objection(const struct lint *l, const struct treaty_objection *o)
{
	if (!o->late)
		return;
	note(l, o->line);
	buf_add_fmt(
		l->out,
		"this objection came more than twelve months after what it objects to, which was "
		"accepted by silence until then (VCLT 20(5)): it has no effect\n");
}

bool treaty_lint(const struct treaty *t, struct slice file_name, struct arena *a, struct buf *out)
{
	struct lint l = {t, file_name, out};
	bool *used = ARENA_ARRAY(a, bool, t->term_count + 1);

	if (used == NULL)
		return false;
	for (size_t i = 0; i < t->clause_count; i++)
		mark_clause(&t->clauses[i], used);
	for (size_t i = 0; i < t->term_count; i++)
		lint_term(&l, i, used[i]);
	for (size_t i = 0; i < t->clause_count; i++)
		lint_clause(&l, i);
	for (size_t i = 0; i < t->objection_count; i++)
		lint_objection(&l, &t->objections[i]);
	return !out->full;
}
