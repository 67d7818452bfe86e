/* SPDX-License-Identifier: Apache-2.0
 *
 * Judging: every clause of a treaty against a set of claims.
 *
 * Of the 64 worlds that eval.c looks at in one pass, world 0 is as the claims are, and every
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

enum treaty_value treaty_node_value(const struct treaty_judge *j, size_t own,
				    const struct treaty_node *n)
{
	return treaty_lanes_value(treaty_node_eval(j->lanes + own * j->t->term_count, n), 0);
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

/* ---- terms of a clause ---------------------------------------------------------------------- */

static bool use_term(struct treaty_judge *j, uint32_t number)
{
	const struct claim *claim =
		j->c->claims ? claim_find(j->c->claims, j->t->terms[number].name) : NULL;
	struct treaty_judge_term *term = &j->terms[number];

	*term = (struct treaty_judge_term){.claim = claim, .p = INTERVAL_UNKNOWN};
	if (claim != NULL && claim->p.lo >= 0 && claim->p.lo <= claim->p.hi &&
	    claim->p.hi <= CLAIM_CERTAIN)
		term->p = claim->p;
	return ARENA_PUSH(j->a, j->used, j->used_count, j->used_room, number);
}

/* The terms of an expression, which is compared at one of the clause's standards. */
static bool collect(struct treaty_judge *j, size_t own, const struct treaty_node *n)
{
	struct treaty_judge_term *term;
	enum treaty_value v;

	if (n->kind != TREATY_ATOM) {
		for (const struct treaty_node *c = n->first; c != NULL; c = c->next)
			if (!collect(j, own, c))
				return false;
		return true;
	}
	term = &j->terms[n->term];
	if (term->used == 0 && !use_term(j, n->term))
		return false;
	term->used |= (uint8_t)(1U << own);
	v = treaty_interval_value(term->p, j->milli[own]);
	term->open |= v == TREATY_UNDETERMINED;
	j->lanes[own * j->t->term_count + n->term] = treaty_lanes_of(v);
	return true;
}

static bool collect_all(struct treaty_judge *j)
{
	const struct treaty_clause *clause = &j->t->clauses[j->clause];

	const struct treaty_amendment *m = NULL;

	while (j->used_count > 0)
		j->terms[j->used[--j->used_count]].used = 0;
	for (size_t i = 0; i < clause->rule_count; i++)
		if (!collect(j, clause->rules[i].own, clause->rules[i].expr))
			return false;
	while ((m = treaty_amendment_next(j->t, j->clause, &j->law, m)) != NULL)
		if (m->expr != NULL && !collect(j, 0, m->expr))
			return false;
	return true;
}

/* ---- the verdict ---------------------------------------------------------------------------- */

struct outcome { /* in every world */
	struct treaty_lanes breach;
	uint64_t may[TREATY_CONSEQUENCES_MAX]; /* it may have this consequence */
};

/* Which consequences an act may have that is excused: going down the ranks, an exception counts
 * until one above it is shown. What did not happen needs no excuse. */
static void find_consequences(const struct treaty_judge *j, struct outcome *o)
{
	const struct treaty_clause *c = &j->t->clauses[j->clause];
	struct treaty_lanes happened = treaty_amendments_eval(j->t, j->clause, &j->law, j->lanes);
	uint64_t left;

	for (size_t i = 0; i < c->rule_count; i++)
		if (c->rules[i].kind == TREATY_WHEN)
			happened = treaty_lanes_and(
				happened,
				treaty_rule_eval(j->lanes, j->t->term_count, &c->rules[i]));
	left = ~happened.excluded & o->breach.excluded;
	for (size_t i = 0; i < c->ranked_count; i++) {
		const struct treaty_rule *r = &c->rules[c->by_rank[i]];
		/* shown: it is no help */
		struct treaty_lanes v = treaty_rule_eval(j->lanes, j->t->term_count, r);

		o->may[r->consequence] |= left & ~v.shown;
		left &= ~v.excluded;
	}
}

static struct outcome find_outcome(const struct treaty_judge *j)
{
	struct outcome o = {.breach = treaty_clause_eval_at(j->t, j->clause, &j->law, j->lanes,
							    j->t->term_count)};

	if (j->t->clauses[j->clause].consequences)
		find_consequences(j, &o);
	return o;
}

/* The consequence in one world; "" where there is none, or it is not settled which. */
static struct slice consequence_of(const struct treaty_judge *j, const struct outcome *o,
				   unsigned world)
{
	struct slice found = SLICE("");
	unsigned n = 0;

	for (size_t i = 0; i < j->t->consequence_count; i++) {
		if ((o->may[i] >> world & 1) == 0)
			continue;
		found = j->t->consequences[i].name;
		n++;
	}
	return n == 1 ? found : SLICE("");
}

static bool differs(const struct treaty_judge *j, const struct outcome *o, unsigned world,
		    const struct outcome *from)
{
	return treaty_lanes_value(o->breach, world) != treaty_lanes_value(from->breach, 0) ||
	       !slice_equal(consequence_of(j, o, world), consequence_of(j, from, 0));
}

static bool is_permitted(const struct treaty_judge *j)
{
	const struct treaty_clause *clause = &j->t->clauses[j->clause];

	for (size_t i = 0; i < clause->rule_count; i++)
		if (clause->rules[i].kind == TREATY_PERMITS &&
		    treaty_node_value(j, clause->rules[i].own, clause->rules[i].expr) ==
			    TREATY_TRUE)
			return true;
	return false;
}

/* A term in all worlds as the claims are, but true in those of one set and false in those of
 * another, at whatever standard it is read. */
static void suppose(struct treaty_judge *j, uint32_t term, uint64_t yes, uint64_t no)
{
	for (size_t own = 0; own <= TREATY_OWN_MAX; own++) {
		struct treaty_lanes l;

		if ((j->terms[term].used >> own & 1) == 0)
			continue;
		l = treaty_lanes_of(treaty_interval_value(j->terms[term].p, j->milli[own]));
		j->lanes[own * j->t->term_count + term] =
			(struct treaty_lanes){(l.shown | yes) & ~no, (l.excluded | no) & ~yes};
	}
}

/* Both worlds of up to 31 undetermined terms in one pass. */
static bool find_changes(struct treaty_judge *j, const struct outcome *now,
			 struct treaty_finding *f)
{
	struct treaty_change *changes = NULL;
	size_t count = 0, room = 0;
	uint32_t batch[WORLDS_PER_PASS];

	for (size_t at = 0; at < j->used_count;) {
		struct outcome o;
		unsigned n = 0;

		for (; at < j->used_count && n < WORLDS_PER_PASS; at++) {
			uint32_t term = j->used[at];

			if (!j->terms[term].open)
				continue;
			suppose(j, term, UINT64_C(1) << (2 * n + 1), UINT64_C(1) << (2 * n + 2));
			batch[n++] = term;
		}
		o = find_outcome(j);
		for (unsigned k = 0; k < n; k++) {
			unsigned yes = 2 * k + 1, no = 2 * k + 2;
			struct treaty_change c = {.atom = j->t->terms[batch[k]].name,
						  .if_true = treaty_lanes_value(o.breach, yes),
						  .if_false = treaty_lanes_value(o.breach, no),
						  .then_true = consequence_of(j, &o, yes),
						  .then_false = consequence_of(j, &o, no)};

			suppose(j, batch[k], 0, 0);
			if ((differs(j, &o, yes, now) || differs(j, &o, no, now)) &&
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

/* Who objected to whose reservation such that nothing of the treaty holds between the two, or "".
 */
static struct slice opposition(const struct treaty_judge *j)
{
	const struct treaty_objection *o = NULL;
	struct buf b = buf_in(j->a);

	while ((o = treaty_objection_next(j->t, &j->law, o)) != NULL && !o->excluding) {
		/* a mere objection leaves the treaty in force */
	}
	if (o == NULL)
		return SLICE("");
	treaty_objection_write(j->t, o, &b);
	buf_add_z(&b, ", so the treaty is not in force between the two (VCLT 20(4)(b))");
	return buf_slice(&b);
}

/* Why the clause does not apply, or "". */
static struct slice bar_of(const struct treaty_judge *j, struct slice *result)
{
	const struct treaty *t = j->t;
	struct slice who;

	*result = SLICE("not for sensors");
	if (t->clauses[j->clause].content.len != 0)
		return buf_text(j->a, "not for sensors: %.*s",
				SLICE_ARG(t->clauses[j->clause].content));
	*result = SLICE("not in force");
	if (t->not_yet.len != 0)
		return buf_text(j->a, "the instrument is not in force: %.*s",
				SLICE_ARG(t->not_yet));
	if (!treaty_in_force(t, j->c->at))
		return SLICE("the instrument was not in force at the time of the act");
	*result = SLICE("not bound");
	if (t->author.len != 0) /* an assurance is given to everybody */
		return slice_equal(t->author, j->c->respondent)
			       ? SLICE("")
			       : SLICE("an assurance binds nobody but the party that gave it");
	if (j->c->claimant.len == 0 || !j->c->claimant_bound)
		return SLICE("the party that claims is not bound by this instrument at the time of "
			     "the act");
	if (j->c->respondent.len == 0)
		return SLICE("no party can be named that the clause would bind");
	if (!j->c->respondent_bound)
		return SLICE("the party that the act points to is not bound by this instrument at "
			     "the time of the act");
	who = opposition(j);
	if (who.len != 0)
		return who;
	who = treaty_clause_reserved(t, j->clause, &j->law);
	if (who.len != 0)
		return buf_text(j->a,
				"%.*s has reserved the whole clause, so it binds neither side",
				SLICE_ARG(who));
	return SLICE("");
}

/* What follows from the file alone: open terms, sources that nobody checked. */
static void mark(const struct treaty_judge *j, struct treaty_finding *f)
{
	const struct treaty_amendment *m = NULL;

	for (size_t i = 0; i < j->used_count; i++)
		f->unverifiable |= j->t->terms[j->used[i]].open;
	f->unchecked = treaty_clause_unchecked(j->t, j->clause);
	while ((m = treaty_amendment_next(j->t, j->clause, &j->law, m)) != NULL)
		f->unchecked |= m->unchecked;
}

/* The number of a standard: of whoever judges, or the file's. */
static int32_t number_of(const struct treaty_judge *j, size_t standard)
{
	const struct treaty_standard *s = &j->t->standards[standard];

	for (size_t i = 0; i < j->c->standard_count; i++)
		if (slice_equal(j->c->standards[i].name, s->name))
			return j->c->standards[i].milli;
	return s->milli;
}

static void find_numbers(struct treaty_judge *j)
{
	const struct treaty_clause *c = &j->t->clauses[j->clause];

	j->milli[0] = number_of(j, c->standard);
	for (size_t k = 0; k < c->own_count; k++)
		j->milli[1 + k] = number_of(j, c->own[k]);
}

/* A number of whoever judges must be one at which a breach can be judged. */
static enum status check_numbers(const struct treaty_judge *j, struct fail *why)
{
	for (size_t i = 0; i < j->t->clause_count; i++) {
		const struct treaty_clause *c = &j->t->clauses[i];

		for (size_t k = 0; c->not_judged.len == 0 && k <= c->own_count; k++) {
			size_t s = k == 0 ? c->standard : c->own[k - 1];

			if (number_of(j, s) <= CLAIM_CERTAIN / 2)
				return fail_set(
					why, ST_INVALID,
					"%.*s: at \"%.*s\" no breach can be judged where a fact "
					"and "
					"its opposite may both be shown: expected more than 0.5",
					SLICE_ARG(c->id), SLICE_ARG(j->t->standards[s].name));
		}
	}
	return ST_OK;
}

static bool judge_clause(struct treaty_judge *j, struct treaty_finding *f)
{
	const struct treaty_clause *clause = &j->t->clauses[j->clause];
	const struct treaty_amendment *m = NULL;
	struct slice bar;

	find_numbers(j);
	f->standard = j->t->standards[clause->standard].name;
	f->standard_milli = j->milli[0];
	if (!collect_all(j))
		return false;
	mark(j, f);
	f->joint = treaty_node_bounds(j, clause->rules[0].expr);
	while ((m = treaty_amendment_next(j->t, j->clause, &j->law, m)) != NULL)
		if (m->expr != NULL)
			f->joint = joint(f->joint, treaty_node_bounds(j, m->expr));
	bar = bar_of(j, &f->result);
	f->not_applicable = bar.len != 0;
	f->value = TREATY_UNDETERMINED;
	if (bar.len == 0) {
		struct outcome o = find_outcome(j);

		f->value = treaty_lanes_value(o.breach, 0);
		f->result = result_of(j, f->value);
		f->consequence = consequence_of(j, &o, 0);
		if (!find_changes(j, &o, f))
			return false;
	}
	return find_leaves(j, f) && treaty_trace_write(j, bar, f);
}

enum status treaty_judge(const struct treaty *t, const struct treaty_case *c, struct arena *a,
			 struct treaty_finding **out, size_t *out_count, struct fail *why)
{
	struct treaty_finding *findings = ARENA_ARRAY(a, struct treaty_finding, t->clause_count);
	struct treaty_judge j = {
		.t = t,
		.c = c,
		.a = a,
		.law = {c->claimant, c->respondent, c->at},
		.terms = ARENA_ARRAY(a, struct treaty_judge_term, t->term_count + 1),
		.lanes = ARENA_ARRAY(a, struct treaty_lanes, treaty_room(t) + 1)};
	bool ok = findings != NULL && j.terms != NULL && j.lanes != NULL;
	enum status st = check_numbers(&j, why);

	if (st != ST_OK)
		return st;
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
