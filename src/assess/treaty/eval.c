/* SPDX-License-Identifier: Apache-2.0
 *
 * A compiled treaty as a function: what it says in 64 worlds at once, under the amendments that
 * apply between two parties at a time.
 *
 * A value of three is two bits, "shown" and "excluded", at most one of them set; neither is
 * undetermined. One word of 64 bits for each of the two evaluates a clause in 64 worlds in the time
 * of one.
 */
#include "assess/treaty/treaty_priv.h"

struct treaty_lanes treaty_lanes_of(enum treaty_value v)
{
	return (struct treaty_lanes){v == TREATY_TRUE ? UINT64_MAX : 0,
				     v == TREATY_FALSE ? UINT64_MAX : 0};
}

enum treaty_value treaty_lanes_value(struct treaty_lanes l, unsigned world)
{
	return l.shown >> world & 1	 ? TREATY_TRUE
	       : l.excluded >> world & 1 ? TREATY_FALSE
					 : TREATY_UNDETERMINED;
}

struct treaty_lanes treaty_lanes_and(struct treaty_lanes a, struct treaty_lanes b)
{
	return (struct treaty_lanes){a.shown & b.shown, a.excluded | b.excluded};
}

static struct treaty_lanes lanes_not(struct treaty_lanes a)
{
	return (struct treaty_lanes){a.excluded, a.shown};
}

/* Depth is bounded by TREATY_NESTING_MAX, which the compiler keeps. */
struct treaty_lanes treaty_node_eval(const struct treaty_lanes *terms, const struct treaty_node *n)
{
	struct treaty_lanes v;

	if (n->kind == TREATY_ATOM)
		return terms[n->term];
	v = treaty_node_eval(terms, n->first);
	if (n->kind == TREATY_NOT)
		return lanes_not(v);
	for (const struct treaty_node *c = n->first->next; c != NULL; c = c->next) {
		struct treaty_lanes w = treaty_node_eval(terms, c);

		v = n->kind == TREATY_AND ? treaty_lanes_and(v, w)
					  : lanes_not(treaty_lanes_and(lanes_not(v), lanes_not(w)));
	}
	return v;
}

struct treaty_lanes treaty_rule_eval(const struct treaty_lanes *terms, size_t stride,
				     const struct treaty_rule *r)
{
	struct treaty_lanes v = treaty_node_eval(terms + r->own * stride, r->expr);

	if (r->kind == TREATY_WHEN)
		return v;
	if (r->kind == TREATY_UNLESS_SHOWN)
		v.excluded = ~v.shown; /* unknown does not help the respondent */
	return lanes_not(v);
}

enum treaty_value treaty_interval_value(struct interval p, int32_t standard)
{
	return p.lo >= standard			  ? TREATY_TRUE
	       : p.hi <= CLAIM_CERTAIN - standard ? TREATY_FALSE
						  : TREATY_UNDETERMINED;
}

/* ---- which amendments apply ----------------------------------------------------------------- */

/* Reciprocity (VCLT 21): an amendment of either side narrows the clause between the two. */
static bool applies(const struct treaty *t, const struct treaty_law *law,
		    const struct treaty_amendment *m)
{
	struct slice id = t->parties[m->party].id;

	return law->at.ns >= m->since.ns && (m->until.ns == 0 || law->at.ns < m->until.ns) &&
	       (slice_equal(id, law->one) || slice_equal(id, law->other));
}

const struct treaty_amendment *treaty_amendment_next(const struct treaty *t, size_t clause,
						     const struct treaty_law *law,
						     const struct treaty_amendment *m)
{
	m = m ? m->next : t->clauses[clause].amendments;
	while (m != NULL && !applies(t, law, m))
		m = m->next;
	return m;
}

static bool between(const struct treaty *t, const struct treaty_law *law, size_t a, size_t b)
{
	struct slice x = t->parties[a].id, y = t->parties[b].id;

	return (slice_equal(x, law->one) && slice_equal(y, law->other)) ||
	       (slice_equal(y, law->one) && slice_equal(x, law->other));
}

const struct treaty_objection *treaty_objection_next(const struct treaty *t,
						     const struct treaty_law *law,
						     const struct treaty_objection *o)
{
	for (size_t i = o == NULL ? 0 : (size_t)(o - t->objections) + 1; i < t->objection_count;
	     i++) {
		o = &t->objections[i];
		if (!o->late && law->at.ns >= o->since.ns &&
		    (o->until.ns == 0 || law->at.ns < o->until.ns) &&
		    between(t, law, o->party, o->to))
			return o;
	}
	return NULL;
}

bool treaty_opposed(const struct treaty *t, const struct treaty_law *law)
{
	const struct treaty_objection *o = NULL;

	while ((o = treaty_objection_next(t, law, o)) != NULL)
		if (o->excluding)
			return true;
	return false;
}

struct slice treaty_clause_reserved(const struct treaty *t, size_t clause,
				    const struct treaty_law *law)
{
	const struct treaty_amendment *m = NULL;

	while ((m = treaty_amendment_next(t, clause, law, m)) != NULL)
		if (m->kind == TREATY_RESERVE)
			return t->parties[m->party].id;
	return SLICE("");
}

struct treaty_lanes treaty_amendments_eval(const struct treaty *t, size_t clause,
					   const struct treaty_law *law,
					   const struct treaty_lanes *terms)
{
	const struct treaty_amendment *m = NULL;
	struct treaty_lanes v = treaty_lanes_of(TREATY_TRUE);

	if (treaty_opposed(t, law))
		return treaty_lanes_of(TREATY_FALSE);
	while ((m = treaty_amendment_next(t, clause, law, m)) != NULL)
		v = treaty_lanes_and(v, m->kind == TREATY_RESERVE
						? treaty_lanes_of(TREATY_FALSE)
						: treaty_node_eval(terms, m->expr));
	return v;
}

struct treaty_lanes treaty_clause_eval_at(const struct treaty *t, size_t clause,
					  const struct treaty_law *law,
					  const struct treaty_lanes *terms, size_t stride)
{
	const struct treaty_clause *c = &t->clauses[clause];
	struct treaty_lanes v = treaty_amendments_eval(t, clause, law, terms);

	ASSERT(c->not_judged.len == 0);
	for (size_t i = 0; i < c->rule_count; i++)
		v = treaty_lanes_and(v, treaty_rule_eval(terms, stride, &c->rules[i]));
	return v;
}

struct treaty_lanes treaty_clause_eval(const struct treaty *t, size_t clause,
				       const struct treaty_law *law,
				       const struct treaty_lanes *terms)
{
	return treaty_clause_eval_at(t, clause, law, terms, 0);
}

/* ---- one case, without words ---------------------------------------------------------------- */

void treaty_bind(const struct treaty *t, const struct claim_set *claims, struct interval *out)
{
	for (size_t i = 0; i < t->term_count; i++)
		out[i] = INTERVAL_UNKNOWN;
	for (size_t i = 0; claims != NULL && i < claims->count; i++) {
		const struct claim *c = &claims->claims[i];

		for (size_t k = 0; k < t->term_count; k++)
			if (slice_equal(t->terms[k].name, c->atom) && c->p.lo >= 0 &&
			    c->p.lo <= c->p.hi && c->p.hi <= CLAIM_CERTAIN)
				out[k] = c->p;
	}
}

size_t treaty_room(const struct treaty *t)
{
	uint8_t own = 0;

	for (size_t i = 0; i < t->clause_count; i++)
		own = t->clauses[i].own_count > own ? t->clauses[i].own_count : own;
	return t->term_count * (1U + own);
}

enum treaty_value treaty_value(const struct treaty *t, size_t clause, const struct treaty_law *law,
			       const struct interval *terms, struct treaty_lanes *room)
{
	const struct treaty_clause *c = &t->clauses[clause];

	for (size_t k = 0; k <= c->own_count; k++) {
		int32_t standard = t->standards[k == 0 ? c->standard : c->own[k - 1]].milli;

		for (size_t i = 0; i < t->term_count; i++)
			room[k * t->term_count + i] =
				treaty_lanes_of(treaty_interval_value(terms[i], standard));
	}
	return treaty_lanes_value(treaty_clause_eval_at(t, clause, law, room, t->term_count), 0);
}

/* ---- what there is in it -------------------------------------------------------------------- */

size_t treaty_clause_count(const struct treaty *t)
{
	return t->clause_count;
}

size_t treaty_term_count(const struct treaty *t)
{
	return t->term_count;
}

size_t treaty_party_count(const struct treaty *t)
{
	return t->party_count;
}

struct slice treaty_clause_id(const struct treaty *t, size_t clause)
{
	return t->clauses[clause].id;
}

struct slice treaty_term_name(const struct treaty *t, size_t term)
{
	return t->terms[term].name;
}

struct slice treaty_term_definition(const struct treaty *t, size_t term)
{
	return t->terms[term].definition;
}

bool treaty_term_open(const struct treaty *t, size_t term)
{
	return t->terms[term].open;
}

struct slice treaty_party_id(const struct treaty *t, size_t party)
{
	return t->parties[party].id;
}

bool treaty_clause_judged(const struct treaty *t, size_t clause)
{
	return t->clauses[clause].not_judged.len == 0;
}

size_t treaty_clause_find(const struct treaty *t, struct slice id)
{
	for (size_t i = 0; i < t->clause_count; i++)
		if (slice_equal(t->clauses[i].id, id))
			return i;
	return SIZE_MAX;
}

bool treaty_in_force(const struct treaty *t, struct wall_ns at)
{
	return t->between_parties || (t->in_force.ns != INT64_MAX && at.ns >= t->in_force.ns);
}

bool treaty_party_bound(const struct treaty *t, struct slice id, struct wall_ns at)
{
	if (t->author.len != 0)
		return slice_equal(t->author, id) && at.ns >= t->in_force.ns;
	for (size_t i = 0; i < t->party_count; i++) {
		const struct treaty_party *p = &t->parties[i];

		if (slice_equal(p->id, id))
			return at.ns >= p->from.ns && (p->until.ns == 0 || at.ns < p->until.ns);
	}
	return false;
}

/* Depth is bounded as above. */
static void mark_used(const struct treaty_node *n, enum treaty_use how, uint8_t *used)
{
	if (n->kind == TREATY_ATOM) {
		used[n->term] |= (uint8_t)how;
		return;
	}
	for (const struct treaty_node *c = n->first; c != NULL; c = c->next)
		mark_used(c, how, used);
}

void treaty_clause_uses(const struct treaty *t, size_t clause, const struct treaty_law *law,
			uint8_t *used)
{
	const struct treaty_clause *c = &t->clauses[clause];
	const struct treaty_amendment *m = NULL;

	memset(used, 0, t->term_count);
	for (size_t i = 0; i < c->rule_count; i++)
		mark_used(c->rules[i].expr, TREATY_USED_CLAUSE, used);
	while ((m = treaty_amendment_next(t, clause, law, m)) != NULL)
		if (m->expr != NULL)
			mark_used(m->expr, TREATY_USED_PARTY, used);
	for (size_t i = 0; i < c->option_count; i++)
		used[c->options[i]] |= TREATY_USED_OPTION;
}
