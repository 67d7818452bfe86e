/* SPDX-License-Identifier: Apache-2.0
 *
 * Judging: every clause of a treaty against a set of claims.
 *
 * A value of three is two bits, "shown" and "excluded", at most one of them set. One word of 64
 * bits for each evaluates a clause in 64 worlds at once: world 0 is as the claims are, and every
 * undetermined term k has two worlds of its own, 2k+1 where it is true and 2k+2 where it is false.
 * So "what would change it" costs no more than the verdict, and time stays linear.
 *
 * Invariants:
 * 1. A clause reads nothing but the claims of its terms, the standard, and the case's dates and
 *    parties.
 * 2. Without `respondent-shows`, narrowing an interval never turns "breach shown" into "no breach"
 *    or back. With it, only the first can happen: the respondent has then shown what it had to.
 * 3. The joint interval is printed and never compared: what is compared is each element's own
 *    lower bound.
 */
#include "assess/treaty/treaty_priv.h"

enum { WORLDS_PER_PASS = 31 }; /* undetermined terms for which 64 bits have two worlds each */

static struct treaty_lanes lanes_of(enum treaty_value v)
{
	return (struct treaty_lanes){v == TREATY_TRUE ? UINT64_MAX : 0,
				     v == TREATY_FALSE ? UINT64_MAX : 0};
}

static enum treaty_value lane_value(struct treaty_lanes l, unsigned world)
{
	return l.shown >> world & 1	 ? TREATY_TRUE
	       : l.excluded >> world & 1 ? TREATY_FALSE
					 : TREATY_UNDETERMINED;
}

static struct treaty_lanes lanes_and(struct treaty_lanes a, struct treaty_lanes b)
{
	return (struct treaty_lanes){a.shown & b.shown, a.excluded | b.excluded};
}

static struct treaty_lanes lanes_not(struct treaty_lanes a)
{
	return (struct treaty_lanes){a.excluded, a.shown};
}

/* Depth is bounded by TREATY_NESTING_MAX, which the compiler keeps. */
static struct treaty_lanes eval(const struct treaty_judge *j, const struct treaty_node *n)
{
	struct treaty_lanes v;

	if (n->kind == TREATY_ATOM)
		return j->terms[n->term].lanes;
	v = eval(j, n->first);
	if (n->kind == TREATY_NOT)
		return lanes_not(v);
	for (const struct treaty_node *c = n->first->next; c != NULL; c = c->next) {
		struct treaty_lanes w = eval(j, c);

		v = n->kind == TREATY_AND ? lanes_and(v, w)
					  : lanes_not(lanes_and(lanes_not(v), lanes_not(w)));
	}
	return v;
}

enum treaty_value treaty_node_value(const struct treaty_judge *j, const struct treaty_node *n)
{
	return lane_value(eval(j, n), 0);
}

static int32_t at_least_0(int32_t v)
{
	return v > 0 ? v : 0;
}

static int32_t at_most_1(int32_t v)
{
	return v < CLAIM_CERTAIN ? v : CLAIM_CERTAIN;
}

static struct interval joint(struct interval a, struct interval b)
{
	return (struct interval){at_least_0(a.lo + b.lo - CLAIM_CERTAIN),
				 a.hi < b.hi ? a.hi : b.hi};
}

/* Bounds that hold whatever the dependence of the parts (Frechet). */
struct interval treaty_node_bounds(const struct treaty_judge *j, const struct treaty_node *n)
{
	struct interval p;

	if (n->kind == TREATY_ATOM)
		return j->terms[n->term].p;
	p = treaty_node_bounds(j, n->first);
	if (n->kind == TREATY_NOT)
		return (struct interval){CLAIM_CERTAIN - p.hi, CLAIM_CERTAIN - p.lo};
	for (const struct treaty_node *c = n->first->next; c != NULL; c = c->next) {
		struct interval q = treaty_node_bounds(j, c);

		p = n->kind == TREATY_AND
			    ? joint(p, q)
			    : (struct interval){p.lo > q.lo ? p.lo : q.lo, at_most_1(p.hi + q.hi)};
	}
	return p;
}

static enum treaty_value judge_interval(struct interval p, int32_t standard)
{
	return p.lo >= standard			  ? TREATY_TRUE
	       : p.hi <= CLAIM_CERTAIN - standard ? TREATY_FALSE
						  : TREATY_UNDETERMINED;
}

/* ---- which amendments apply ----------------------------------------------------------------- */

/* Reciprocity (VCLT 21): an amendment of either side narrows the clause between the two. */
static bool applies(const struct treaty_judge *j, const struct treaty_amendment *m)
{
	struct slice id = j->t->parties[m->party].id;

	return j->c->at.ns >= m->since.ns &&
	       (slice_equal(id, j->c->claimant) || slice_equal(id, j->c->respondent));
}

const struct treaty_amendment *treaty_amendment_next(const struct treaty_judge *j,
						     const struct treaty_amendment *m)
{
	m = m ? m->next : j->t->clauses[j->clause].amendments;
	while (m != NULL && !applies(j, m))
		m = m->next;
	return m;
}

/* ---- terms of a clause ---------------------------------------------------------------------- */

static bool collect(struct treaty_judge *j, const struct treaty_node *n)
{
	struct treaty_judge_term *term;
	const struct claim *claim;

	if (n->kind != TREATY_ATOM) {
		for (const struct treaty_node *c = n->first; c != NULL; c = c->next)
			if (!collect(j, c))
				return false;
		return true;
	}
	term = &j->terms[n->term];
	if (term->used)
		return true;
	claim = j->c->claims ? claim_find(j->c->claims, j->t->terms[n->term].name) : NULL;
	*term = (struct treaty_judge_term){.used = true, .claim = claim, .p = INTERVAL_UNKNOWN};
	if (claim != NULL && claim->p.lo >= 0 && claim->p.lo <= claim->p.hi &&
	    claim->p.hi <= CLAIM_CERTAIN)
		term->p = claim->p;
	term->value = judge_interval(term->p, j->standard);
	term->lanes = lanes_of(term->value);
	return ARENA_PUSH(j->a, j->used, j->used_count, j->used_room, n->term);
}

static bool collect_all(struct treaty_judge *j)
{
	const struct treaty_clause *clause = &j->t->clauses[j->clause];

	const struct treaty_amendment *m = NULL;

	while (j->used_count > 0)
		j->terms[j->used[--j->used_count]].used = false;
	for (size_t i = 0; i < clause->rule_count; i++)
		if (!collect(j, clause->rules[i].expr))
			return false;
	while ((m = treaty_amendment_next(j, m)) != NULL)
		if (!collect(j, m->expr))
			return false;
	return true;
}

/* ---- the verdict ---------------------------------------------------------------------------- */

/* Breach in every world: conditions and amendments hold, no exception and no permission does. */
static struct treaty_lanes breach(const struct treaty_judge *j)
{
	const struct treaty_clause *clause = &j->t->clauses[j->clause];
	const struct treaty_amendment *m = NULL;
	struct treaty_lanes v = lanes_of(TREATY_TRUE);

	for (size_t i = 0; i < clause->rule_count; i++) {
		struct treaty_lanes w = eval(j, clause->rules[i].expr);

		if (clause->rules[i].kind == TREATY_UNLESS_SHOWN)
			w.excluded = ~w.shown; /* unknown does not help the respondent */
		v = lanes_and(v, clause->rules[i].kind == TREATY_WHEN ? w : lanes_not(w));
	}
	while ((m = treaty_amendment_next(j, m)) != NULL)
		v = lanes_and(v, eval(j, m->expr));
	return v;
}

static bool is_permitted(const struct treaty_judge *j)
{
	const struct treaty_clause *clause = &j->t->clauses[j->clause];

	for (size_t i = 0; i < clause->rule_count; i++)
		if (clause->rules[i].kind == TREATY_PERMITS &&
		    treaty_node_value(j, clause->rules[i].expr) == TREATY_TRUE)
			return true;
	return false;
}

/* Both worlds of up to 31 undetermined terms in one pass. */
static bool find_changes(struct treaty_judge *j, struct treaty_finding *f)
{
	struct treaty_change *changes = NULL;
	size_t count = 0, room = 0;
	uint32_t batch[WORLDS_PER_PASS];

	for (size_t at = 0; at < j->used_count;) {
		struct treaty_lanes v;
		unsigned n = 0;

		for (; at < j->used_count && n < WORLDS_PER_PASS; at++) {
			struct treaty_judge_term *term = &j->terms[j->used[at]];

			if (term->value != TREATY_UNDETERMINED)
				continue;
			term->lanes.shown = UINT64_C(1) << (2 * n + 1);
			term->lanes.excluded = UINT64_C(1) << (2 * n + 2);
			batch[n++] = j->used[at];
		}
		v = breach(j);
		for (unsigned k = 0; k < n; k++) {
			struct treaty_change c = {j->t->terms[batch[k]].name,
						  lane_value(v, 2 * k + 1),
						  lane_value(v, 2 * k + 2)};

			j->terms[batch[k]].lanes = lanes_of(TREATY_UNDETERMINED);
			if ((c.if_true != f->value || c.if_false != f->value) &&
			    !ARENA_PUSH(j->a, changes, count, room, c))
				return false;
		}
	}
	f->changes = changes;
	f->change_count = count;
	return true;
}

static void sort_unique(uint64_t *v, size_t *count)
{
	size_t out = 0;

	for (size_t gap = *count / 2; gap > 0; gap /= 2)
		for (size_t i = gap; i < *count; i++)
			for (size_t k = i; k >= gap && v[k - gap] > v[k]; k -= gap) {
				uint64_t swap = v[k];

				v[k] = v[k - gap];
				v[k - gap] = swap;
			}
	for (size_t i = 0; i < *count; i++)
		if (out == 0 || v[out - 1] != v[i])
			v[out++] = v[i];
	*count = out;
}

static bool find_leaves(struct treaty_judge *j, struct treaty_finding *f)
{
	size_t total = 0, n = 0;
	uint64_t *leaves;

	for (size_t i = 0; i < j->used_count; i++)
		if (j->terms[j->used[i]].claim != NULL)
			total += j->terms[j->used[i]].claim->leaf_count;
	if (total == 0)
		return true;
	leaves = ARENA_ARRAY(j->a, uint64_t, total);
	if (leaves == NULL)
		return false;
	for (size_t i = 0; i < j->used_count; i++) {
		const struct claim *c = j->terms[j->used[i]].claim;

		for (size_t k = 0; c != NULL && k < c->leaf_count; k++)
			leaves[n++] = c->leaves[k];
	}
	sort_unique(leaves, &n);
	f->leaves = leaves;
	f->leaf_count = n;
	return true;
}

static struct slice result_of(const struct treaty_judge *j, enum treaty_value v)
{
	if (v == TREATY_TRUE)
		return SLICE("breach shown");
	if (v == TREATY_UNDETERMINED)
		return SLICE("undetermined");
	return is_permitted(j) ? SLICE("permitted") : SLICE("no breach");
}

/* Why the clause does not apply, or NULL. */
static const char *bar_of(const struct treaty_judge *j, struct slice *result)
{
	*result = SLICE("not in force");
	if (!j->t->between_parties && j->c->at.ns < j->t->in_force.ns)
		return "the instrument was not in force at the time of the act";
	*result = SLICE("not bound");
	if (j->c->claimant.len == 0 || !j->c->claimant_bound)
		return "the party that claims is not bound by this instrument at the time of the "
		       "act";
	if (j->c->respondent.len == 0)
		return "no party can be named that the clause would bind";
	if (!j->c->respondent_bound)
		return "the party that the act points to is not bound by this instrument at the "
		       "time of the act";
	return NULL;
}

static bool judge_clause(struct treaty_judge *j, struct treaty_finding *f)
{
	const struct treaty_clause *clause = &j->t->clauses[j->clause];
	const struct treaty_standard *standard = &j->t->standards[clause->standard];
	const struct treaty_amendment *m = NULL;
	const char *bar;

	j->standard = standard->milli;
	f->standard = standard->name;
	f->standard_milli = standard->milli;
	if (!collect_all(j))
		return false;
	for (size_t i = 0; i < j->used_count; i++)
		f->unverifiable |= j->t->terms[j->used[i]].open;
	f->joint = treaty_node_bounds(j, clause->rules[0].expr);
	while ((m = treaty_amendment_next(j, m)) != NULL)
		f->joint = joint(f->joint, treaty_node_bounds(j, m->expr));
	bar = bar_of(j, &f->result);
	f->not_applicable = bar != NULL;
	f->value = TREATY_UNDETERMINED;
	if (bar == NULL) {
		f->value = lane_value(breach(j), 0);
		f->result = result_of(j, f->value);
		if (!find_changes(j, f))
			return false;
	}
	return find_leaves(j, f) && treaty_trace_write(j, bar, f);
}

enum status treaty_judge(const struct treaty *t, const struct treaty_case *c, struct arena *a,
			 struct treaty_finding **out, size_t *out_count, struct fail *why)
{
	struct treaty_finding *findings = ARENA_ARRAY(a, struct treaty_finding, t->clause_count);
	struct treaty_judge j = {.t = t, .c = c, .a = a};
	bool ok = findings != NULL;

	j.terms = ARENA_ARRAY(a, struct treaty_judge_term, t->term_count + 1);
	ok = ok && j.terms != NULL;
	for (j.clause = 0; ok && j.clause < t->clause_count; j.clause++) {
		const struct treaty_clause *clause = &t->clauses[j.clause];
		struct treaty_finding *f = &findings[j.clause];

		*f = (struct treaty_finding){.instrument = t->id,
					     .clause = clause->id,
					     .title = clause->title,
					     .party = c->respondent,
					     .article = clause->article,
					     .joint = INTERVAL_UNKNOWN};
		ok = treaty_source_write(&j, &f->source);
		if (ok && clause->not_judged.len == 0)
			ok = judge_clause(&j, f);
		else if (ok)
			ok = treaty_not_judged_write(&j, f);
	}
	if (!ok || a->exhausted)
		return fail_set(why, ST_NOMEM, "judge %.*s: no memory", SLICE_ARG(t->id));
	*out = findings;
	*out_count = t->clause_count;
	return ST_OK;
}
