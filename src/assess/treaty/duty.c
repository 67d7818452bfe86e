/* SPDX-License-Identifier: Apache-2.0
 *
 * Duties of a compiled treaty, for whoever runs them: what they say, and the two questions that
 * terms decide: whether a presumption is rebutted, and whether what parties require in addition
 * holds.
 */
#include "assess/treaty/treaty_priv.h"

enum { BALANCE = 510 }; /* where neither the clause nor the duty names a standard */

const struct treaty_duty *treaty_clause_duty(const struct treaty *t, size_t clause)
{
	return t->clauses[clause].duty;
}

struct slice treaty_clause_title(const struct treaty *t, size_t clause)
{
	return t->clauses[clause].title;
}

struct slice treaty_author(const struct treaty *t)
{
	return t->author;
}

int32_t treaty_standard_milli(const struct treaty *t, size_t standard)
{
	return t->standards[standard].milli;
}

/* ---- what terms decide ---------------------------------------------------------------------- */

static void fill(const struct treaty *t, const struct claim_set *claims, int32_t standard,
		 struct treaty_lanes *room)
{
	for (size_t i = 0; i < t->term_count; i++) {
		const struct claim *c = claims ? claim_find(claims, t->terms[i].name) : NULL;
		struct interval p = c ? c->p : INTERVAL_UNKNOWN;

		room[i] = treaty_lanes_of(treaty_interval_value(p, standard));
	}
}

/* Depth is bounded by TREATY_NESTING_MAX, which the compiler keeps. */
static bool rests_on_open(const struct treaty *t, const struct treaty_node *n)
{
	if (n->kind == TREATY_ATOM)
		return t->terms[n->term].open;
	for (const struct treaty_node *c = n->first; c != NULL; c = c->next)
		if (rests_on_open(t, c))
			return true;
	return false;
}

static int32_t duty_milli(const struct treaty *t, const struct treaty_duty *d)
{
	return d->has_standard ? t->standards[d->standard].milli : BALANCE;
}

enum treaty_value treaty_lest_rebutted(const struct treaty *t, const struct treaty_duty *d,
				       const struct treaty_lest *l, const struct claim_set *claims,
				       struct treaty_lanes *room, bool *out_open)
{
	size_t clause = treaty_clause_find(t, l->what);
	int32_t standard = duty_milli(t, d);

	*out_open = l->shows != NULL && rests_on_open(t, l->shows);
	if (l->shows == NULL)
		return TREATY_FALSE;
	if (clause != SIZE_MAX && treaty_clause_judged(t, clause))
		standard = t->standards[t->clauses[clause].standard].milli;
	fill(t, claims, standard, room);
	return treaty_lanes_value(treaty_node_eval(room, l->shows), 0);
}

enum treaty_value treaty_duty_amendments(const struct treaty *t, size_t clause,
					 const struct treaty_law *law,
					 const struct claim_set *claims, struct treaty_lanes *room)
{
	fill(t, claims, duty_milli(t, t->clauses[clause].duty), room);
	return treaty_lanes_value(treaty_amendments_eval(t, clause, law, room), 0);
}

/* ---- in the file's own words ---------------------------------------------------------------- */

static void write_share(struct treaty_share s, struct buf *b)
{
	buf_add_fmt(b, " %u of %u", s.n, s.of);
}

static void write_step(const struct treaty_duty *d, const struct treaty_step *s, struct buf *b)
{
	static const char *const paces[] = {[TREATY_NO_NUMBER] = "no-number",
					    [TREATY_WITHIN] = "within ",
					    [TREATY_LASTING] = "for "};

	buf_add_fmt(b, "\nmust %.*s %s%.*s", SLICE_ARG(s->verb), paces[s->pace],
		    SLICE_ARG(s->span.text));
	if (s->after != 0)
		buf_add_fmt(b, " after %.*s", SLICE_ARG(d->steps[s->after - 1].verb));
}

static void write_lest(const struct treaty *t, const struct treaty_lest *l, struct buf *b)
{
	static const char *const kinds[] = {[TREATY_RECORD] = "record",
					    [TREATY_PRESUME] = "presume",
					    [TREATY_THROTTLE] = "throttle keep"};

	buf_add_fmt(b, "\nlest %s", kinds[l->kind]);
	if (l->kind != TREATY_THROTTLE) {
		buf_add_fmt(b, " %.*s", SLICE_ARG(l->what));
		if (l->shows != NULL) {
			buf_add_z(b, " respondent-shows ");
			treaty_node_write(t, l->shows, false, b);
		}
		return;
	}
	write_share(l->keep, b);
	buf_add_fmt(b, " for %.*s exempt", SLICE_ARG(l->most.text));
	for (size_t i = 0; i < l->exempt_count; i++)
		buf_add_fmt(b, "%s %.*s", i ? "," : "", SLICE_ARG(l->exempt[i]));
	buf_add_z(b, " by");
	write_share(l->quorum, b);
}

void treaty_duty_write(const struct treaty *t, const struct treaty_duty *d, struct buf *b)
{
	buf_add_fmt(b, "bearer %.*s\non request kind %.*s from %.*s", SLICE_ARG(d->bearer),
		    SLICE_ARG(d->kind), SLICE_ARG(d->from));
	if (d->has_standard) {
		int32_t milli = t->standards[d->standard].milli;

		buf_add_fmt(b, "\nproof %.*s ", SLICE_ARG(t->standards[d->standard].name));
		claim_write_interval((struct interval){milli, milli}, b);
	}
	if (d->decide.share.of != 0) {
		buf_add_fmt(b, "\ndecide %s", d->decide.against ? "against" : "for");
		write_share(d->decide.share, b);
		buf_add_fmt(b, " by %s within %.*s", d->decide.others ? "others" : "all",
			    SLICE_ARG(d->decide.within.text));
	}
	for (size_t i = 0; i < d->step_count; i++)
		write_step(d, &d->steps[i], b);
	for (size_t i = 0; i < d->ground_count; i++)
		buf_add_fmt(b, "%s%.*s", i ? ", " : "\nmay refuse ground ",
			    SLICE_ARG(d->grounds[i]));
	if (d->giving_reasons)
		buf_add_z(b, " giving reasons");
	if (d->extend.n != 0)
		buf_add_fmt(b, "\nmay extend by %.*s", SLICE_ARG(d->extend.text));
	if (d->pause.n != 0)
		buf_add_fmt(b, "\nmay pause for %.*s", SLICE_ARG(d->pause.text));
	for (size_t i = 0; i < d->lest_count; i++)
		write_lest(t, &d->lest[i], b);
}
