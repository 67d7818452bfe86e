/* SPDX-License-Identifier: Apache-2.0
 *
 * A treaty as a page for a lawyer: first what nobody can verify, then each article beside the logic
 * that is run in its place, then the words and who changed what.
 */
#include "assess/treaty/treaty_priv.h"

enum { GAP = 3 }; /* columns between article and logic */

struct page {
	const struct treaty *t;
	struct arena *a;
	struct buf *out;
	unsigned width;
};

/* ---- columns -------------------------------------------------------------------------------- */

static bool is_inside(uint8_t c) /* of a character of several bytes */
{
	return (c & 0xc0) == 0x80;
}

/* Cuts off the front of *rest what fits into `width` columns, at a space where there is one, or at
 * a line feed. */
static struct slice cut_line(struct slice *rest, unsigned width)
{
	size_t end = 0, space = 0;
	unsigned columns = 0;
	struct slice line;

	while (end < rest->len && rest->ptr[end] != '\n') {
		if (!is_inside(rest->ptr[end]) && columns++ == width)
			break;
		if (rest->ptr[end] == ' ' && end != 0)
			space = end;
		end++;
	}
	if (end < rest->len && rest->ptr[end] != '\n' && rest->ptr[end] != ' ' && space != 0)
		end = space;
	line = slice_part(*rest, 0, end);
	*rest = slice_from(*rest,
			   end < rest->len && (rest->ptr[end] == ' ' || rest->ptr[end] == '\n')
				   ? end + 1
				   : end);
	return line;
}

static unsigned columns_of(struct slice s)
{
	unsigned n = 0;

	for (size_t i = 0; i < s.len; i++)
		n += !is_inside(s.ptr[i]);
	return n;
}

static void spaces(struct page *p, unsigned n)
{
	while (n-- > 0)
		buf_add_byte(p->out, ' ');
}

/* A paragraph, each line behind `indent` spaces. */
static void paragraph(struct page *p, unsigned indent, struct slice text)
{
	do {
		struct slice line = cut_line(&text, p->width - indent);

		spaces(p, indent);
		buf_add(p->out, line);
		buf_add_byte(p->out, '\n');
	} while (text.len != 0);
}

static void beside(struct page *p, struct slice left, struct slice right)
{
	unsigned half = (p->width - GAP) / 2;

	while (left.len != 0 || right.len != 0) {
		struct slice l = cut_line(&left, half), r = cut_line(&right, p->width - GAP - half);

		buf_add(p->out, l);
		if (r.len != 0) {
			spaces(p, half - columns_of(l) + GAP - 2);
			buf_add_z(p->out, "| ");
			buf_add(p->out, r);
		}
		buf_add_byte(p->out, '\n');
	}
}

static void heading(struct page *p, const char *z)
{
	buf_add_fmt(p->out, "\n%s\n", z);
	for (size_t i = 0; z[i] != 0; i++)
		buf_add_byte(p->out, '-');
	buf_add_byte(p->out, '\n');
}

/* The article as running text: a line of the file ends where it ended there, not here. */
static struct slice flowing(struct page *p, struct slice article)
{
	struct buf b = buf_in(p->a);

	while (article.len != 0) {
		struct slice line = slice_split(&article, '\n');
		bool starts = b.len == 0 || b.ptr[b.len - 1] == '\n';

		if (line.len == 0)
			buf_add_z(&b, "\n\n"); /* a paragraph ends */
		else if (!starts)
			buf_add_byte(&b, ' ');
		buf_add(&b, line);
	}
	return buf_slice(&b);
}

/* ---- the front page ------------------------------------------------------------------------- */

static void front_facts(struct page *p)
{
	const struct treaty *t = p->t;
	struct buf b = buf_in(p->a);

	buf_add_fmt(&b, "%.*s (%.*s)", SLICE_ARG(t->title), SLICE_ARG(t->id));
	paragraph(p, 0, buf_slice(&b));
	b = buf_in(p->a);
	buf_add_z(&b, "Source: ");
	treaty_mark_write(&t->source, &b);
	if (t->source.sha256.len != 0)
		buf_add_fmt(&b, ", SHA-256 of that text %.*s", SLICE_ARG(t->source.sha256));
	paragraph(p, 0, buf_slice(&b));
	if (t->not_yet.len != 0)
		paragraph(p, 0,
			  buf_text(p->a, "Not in force: %.*s. Nothing of it is judged.",
				   SLICE_ARG(t->not_yet)));
	else if (t->author.len != 0)
		paragraph(p, 0,
			  buf_text(p->a, "Binds %.*s alone, who gave it, since %.*s.",
				   SLICE_ARG(t->author), SLICE_ARG(t->in_force_text)));
	else if (t->between_parties)
		paragraph(p, 0,
			  SLICE("Binds whoever says that it is bound, since the day it says."));
	else
		paragraph(p, 0,
			  buf_text(p->a, "In force since %.*s.", SLICE_ARG(t->in_force_text)));
	if (t->closed.len != 0)
		paragraph(p, 0,
			  buf_text(p->a,
				   "Parties may change it only where a clause admits it (%.*s).",
				   SLICE_ARG(t->closed)));
}

static void front_unverifiable(struct page *p)
{
	const struct treaty *t = p->t;
	bool any = false;

	heading(p, "What nobody can verify");
	for (size_t i = 0; i < t->term_count; i++) {
		const struct treaty_term *term = &t->terms[i];
		bool seen = treaty_term_seen(t, i) != TREATY_SEEN_NEVER;

		if (seen && !term->open)
			continue;
		any = true;
		paragraph(
			p, 2,
			buf_text(p->a, "%.*s: %s%s%s", SLICE_ARG(term->name),
				 term->open ? "its meaning is not settled between the parties" : "",
				 term->open && !seen ? "; " : "",
				 seen ? "" : "no station, register or statement bears on it"));
	}
	for (size_t i = 0; i < t->clause_count; i++) {
		const struct treaty_clause *c = &t->clauses[i];

		if (c->duty != NULL || (c->content.len == 0 && c->not_judged.len == 0))
			continue; /* how a duty was done stands in the ledger */
		any = true;
		paragraph(p, 2,
			  buf_text(p->a, "%.*s: %s: %.*s", SLICE_ARG(c->id),
				   c->content.len ? "not for sensors" : "not judged",
				   SLICE_ARG(c->content.len ? c->content : c->not_judged)));
	}
	if (!any)
		buf_add_z(p->out, "  Nothing: each term is settled, and somebody can see it.\n");
}

static void front_who(struct page *p)
{
	const struct treaty *t = p->t;

	heading(p, "Who could show a breach");
	for (size_t i = 0; i < t->clause_count; i++) {
		const struct treaty_clause *c = &t->clauses[i];

		if (c->duty == NULL && c->not_judged.len != 0)
			continue;
		paragraph(p, 2,
			  buf_text(p->a, "%.*s: %s", SLICE_ARG(c->id),
				   c->duty != NULL  ? "whoever has the requests and answers"
				   : c->content.len ? "nobody who works with sensors"
						    : treaty_seen_name(treaty_clause_seen(t, i))));
	}
}

/* ---- clauses -------------------------------------------------------------------------------- */

static void add_logic(struct page *p, const struct treaty_clause *c, struct buf *b)
{
	const struct treaty_standard *s = &p->t->standards[c->standard];

	buf_add_fmt(b, "proof %.*s ", SLICE_ARG(s->name));
	claim_write_interval((struct interval){s->milli, s->milli}, b);
	for (size_t i = 0; i < c->rule_count; i++) {
		buf_add_byte(b, '\n');
		treaty_rule_write(p->t, c, &c->rules[i], b);
	}
	for (size_t i = 0; i < c->option_count; i++)
		buf_add_fmt(b, "%s%.*s", i ? ", " : "\nadmits require ",
			    SLICE_ARG(p->t->terms[c->options[i]].name));
	if (c->option_count != 0)
		buf_add_fmt(b, " ; %.*s", SLICE_ARG(c->admits_require));
	if (c->admits_reserve.len != 0)
		buf_add_fmt(b, "\nadmits reserve ; %.*s", SLICE_ARG(c->admits_reserve));
}

static void clause(struct page *p, size_t i)
{
	const struct treaty_clause *c = &p->t->clauses[i];
	struct buf logic = buf_in(p->a), source = buf_in(p->a);

	buf_add_fmt(p->out, "\n%.*s  %.*s\n", SLICE_ARG(c->id), SLICE_ARG(c->title));
	treaty_mark_write(treaty_clause_source(p->t, i), &source);
	paragraph(p, 2, buf_slice(&source));
	buf_add_byte(p->out, '\n');
	if (c->duty != NULL)
		treaty_duty_write(p->t, c->duty, &logic);
	else if (c->not_judged.len == 0)
		add_logic(p, c, &logic);
	else
		buf_add_fmt(&logic, "not judged: %.*s", SLICE_ARG(c->not_judged));
	if (c->content.len != 0)
		buf_add_fmt(&logic, "\nnot for sensors: %.*s", SLICE_ARG(c->content));
	beside(p, flowing(p, c->article), buf_slice(&logic));
}

/* ---- words and parties ---------------------------------------------------------------------- */

static void term(struct page *p, size_t i)
{
	static const char *const glosses[] = {
		[TREATY_READING] = "reads",
		[TREATY_EXAMPLE_IN] = "is one:",
		[TREATY_EXAMPLE_OUT] = "is none:",
	};
	const struct treaty_term *t = &p->t->terms[i];
	const struct treaty_word *w = treaty_word_find(t->name);

	paragraph(p, 2,
		  buf_text(p->a, "%.*s: %.*s%s. %s%s", SLICE_ARG(t->name), SLICE_ARG(t->definition),
			   t->open ? " (open)" : "", w ? "Seen by: " : "Nobody sees it",
			   w ? w->how : ""));
	for (const struct treaty_gloss *g = t->glosses; g != NULL; g = g->next)
		paragraph(p, 6,
			  buf_text(p->a, "%.*s%s%s %.*s", SLICE_ARG(g->party),
				   g->party.len ? " " : "", glosses[g->kind], SLICE_ARG(g->text)));
}

static void concepts(struct page *p)
{
	size_t n;
	const struct treaty_concept *c = treaty_concepts(&n);
	bool any = false;

	for (size_t i = 0; i < n; i++) {
		struct slice says = treaty_concept_says(p->t, i);

		if (says.len == 0)
			continue;
		if (!any)
			heading(p, "What it says where treaties differ");
		any = true;
		paragraph(p, 2, buf_text(p->a, "%s: %.*s", c[i].asks, SLICE_ARG(says)));
	}
}

static void objections(struct page *p, size_t party)
{
	for (size_t i = 0; i < p->t->objection_count; i++) {
		const struct treaty_objection *o = &p->t->objections[i];
		struct buf b = buf_in(p->a);

		if (o->party != party)
			continue;
		treaty_objection_write(p->t, o, &b);
		buf_add_z(&b,
			  o->late ? ": too late, and without effect (VCLT 20(5))"
			  : o->excluding
				  ? ": the treaty is not in force between the two (VCLT 20(4)(b))"
				  : ": to that extent the clause does not apply between the two "
				    "(VCLT 21(3))");
		paragraph(p, 6, buf_slice(&b));
	}
}

static void parties(struct page *p)
{
	const struct treaty *t = p->t;

	if (t->party_count == 0)
		return;
	heading(p, "What parties changed, for themselves and for whoever deals with them");
	for (size_t k = 0; k < t->party_count; k++) {
		const struct treaty_party *party = &t->parties[k];

		paragraph(p, 2,
			  buf_text(p->a, "%.*s",
				   SLICE_ARG(party->name.len ? party->name : party->id)));
		for (size_t i = 0; i < t->clause_count; i++)
			for (const struct treaty_amendment *m = t->clauses[i].amendments; m != NULL;
			     m = m->next) {
				struct buf b = buf_in(p->a);

				if (m->party != k)
					continue;
				buf_add_fmt(&b, "%.*s: ", SLICE_ARG(t->clauses[i].id));
				treaty_amendment_write(t, m, &b);
				paragraph(p, 6, buf_slice(&b));
			}
		objections(p, k);
	}
}

bool treaty_explain(const struct treaty *t, unsigned width, struct arena *a, struct buf *out)
{
	struct page p = {t, a, out, width < 80 ? 80 : width};

	front_facts(&p);
	front_unverifiable(&p);
	front_who(&p);
	heading(&p, "Articles, in our own words, and the logic that is run");
	for (size_t i = 0; i < t->clause_count; i++)
		clause(&p, i);
	heading(&p, "Words");
	for (size_t i = 0; i < t->term_count; i++)
		term(&p, i);
	concepts(&p);
	parties(&p);
	return !out->full && !a->exhausted;
}
