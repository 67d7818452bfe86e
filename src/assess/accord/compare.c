/* SPDX-License-Identifier: Apache-2.0
 *
 * Asking sides about the same cases, 64 at a time.
 */
#include "assess/accord/accord_priv.h"

enum { LATTICE = -2, UNKNOWN = -1, BLOCK = 64 };

struct reading { /* one treaty, and where the values of its terms come from */
	const struct treaty *t;
	int16_t *from;	     /* by term: LATTICE, UNKNOWN, or the dimension whose value it is */
	uint8_t **scenarios; /* by term: enum treaty_value in each of the lattice's points */
	struct treaty_lanes *lanes;
	uint8_t *used,
		*sum; /* by term: how a clause uses it, and how all that are asked about do */
};

struct compare {
	const struct accord_question *q;
	struct arena *a;
	struct accord_answer *out;
	struct reading *readings;
	size_t clause;		  /* of the first treaty, if one is asked about; else SIZE_MAX */
	uint32_t lattice, extras; /* points of the lattice, and of what was added to it */
	struct slice *left_out;
	size_t left_out_count, left_out_room;
	struct fail *why;
};

static enum status no_memory(struct fail *why)
{
	return fail_set(why, ST_NOMEM, "compare: no memory");
}

/* ---- who is asked --------------------------------------------------------------------------- */

static bool is_instrument(const struct treaty *t, struct slice side)
{
	return slice_equal(treaty_id(t), side);
}

static bool is_party(const struct treaty *t, struct slice id)
{
	for (size_t i = 0; i < treaty_party_count(t); i++)
		if (slice_equal(treaty_party_id(t, i), id))
			return true;
	return false;
}

/* An instrument speaks for itself; a party by what binds it at that time. */
static bool speaks(const struct compare *x, const struct treaty *t, struct slice side)
{
	return is_instrument(t, side) ||
	       (is_party(t, side) && treaty_party_bound(t, side, x->q->at) &&
		treaty_in_force(t, x->q->at));
}

static struct treaty_law law_of(const struct compare *x, const struct treaty *t, struct slice side)
{
	if (is_instrument(t, side))
		side = SLICE("");
	return (struct treaty_law){side, side, x->q->at};
}

static enum status unknown_side(const struct compare *x, struct slice side)
{
	struct buf b = buf_in(x->a);

	for (size_t k = 0; k < x->q->treaty_count; k++) {
		const struct treaty *t = x->readings[k].t;

		if (x->clause != SIZE_MAX && k > 0)
			break;
		buf_add_fmt(&b, "%s%.*s", k ? "; " : "", SLICE_ARG(treaty_id(t)));
		for (size_t i = 0; i < treaty_party_count(t) && i < 20; i++)
			buf_add_fmt(&b, "%s%.*s", i ? ", " : " with ",
				    SLICE_ARG(treaty_party_id(t, i)));
	}
	return b.full ? no_memory(x->why)
		      : fail_set(x->why, ST_NOTFOUND,
				 "\"%.*s\" is no instrument, and no party that is bound: there is "
				 "%.*s",
				 SLICE_ARG(slice_part(side, 0, TREATY_NAME_MAX)),
				 SLICE_ARG(slice_part(buf_slice(&b), 0, 150)));
}

static enum status check_sides(const struct compare *x)
{
	const struct accord_question *q = x->q;

	if (q->side_count < 1 || q->side_count > ACCORD_SIDES_MAX)
		return fail_set(x->why, ST_LIMIT, "expected 1 to %d sides to compare, found %zu",
				ACCORD_SIDES_MAX, q->side_count);
	for (size_t i = 0; i < q->side_count; i++) {
		bool found = false;

		for (size_t k = 0; k < q->treaty_count; k++)
			found |= (x->clause == SIZE_MAX || k == 0) &&
				 speaks(x, x->readings[k].t, q->sides[i]);
		if (!found)
			return unknown_side(x, q->sides[i]);
	}
	return ST_OK;
}

/* Puts the treaty that has the clause first. */
static enum status find_clause(struct compare *x)
{
	const struct accord_question *q = x->q;

	x->clause = SIZE_MAX;
	for (size_t k = 0; k < q->treaty_count; k++)
		x->readings[k].t = q->treaties[k];
	if (q->clause.len == 0)
		return ST_OK;
	for (size_t k = 0; k < q->treaty_count; k++) {
		x->clause = treaty_clause_find(q->treaties[k], q->clause);
		if (x->clause == SIZE_MAX)
			continue;
		x->readings[0].t = q->treaties[k];
		if (!treaty_clause_judged(q->treaties[k], x->clause))
			return fail_set(x->why, ST_NOTFOUND,
					"the clause \"%.*s\" is not judged: expected one that is",
					SLICE_ARG(q->clause));
		return ST_OK;
	}
	return fail_set(x->why, ST_NOTFOUND, "no treaty file has a clause \"%.*s\"",
			SLICE_ARG(slice_part(q->clause, 0, TREATY_NAME_MAX)));
}

/* ---- the cases ------------------------------------------------------------------------------ */

static void dim_add(struct accord_grid *g, struct slice name, bool open)
{
	static const char *const values[] = {"no", "yes", "readers differ"};
	struct accord_dim *d = &g->dims[g->dim_count++];

	*d = (struct accord_dim){.name = name, .count = open ? 3 : 2};
	for (unsigned v = 0; v < d->count; v++)
		d->values[v] = slice_of(values[v]);
}

static int16_t dim_find(const struct accord_grid *g, struct slice name)
{
	for (size_t d = 0; d < g->dim_count; d++)
		if (slice_equal(g->dims[d].name, name))
			return (int16_t)d; /* below ACCORD_DIMS_MAX */
	return UNKNOWN;
}

/* How the sides' clauses use the terms of one treaty. */
static void find_uses(const struct compare *x, const struct reading *r)
{
	for (size_t s = 0; s < x->q->side_count; s++) {
		struct treaty_law law = law_of(x, r->t, x->q->sides[s]);

		if (!speaks(x, r->t, x->q->sides[s]))
			continue;
		for (size_t c = 0; c < treaty_clause_count(r->t); c++) {
			if (!treaty_clause_judged(r->t, c) ||
			    (x->clause != SIZE_MAX && x->clause != c))
				continue;
			treaty_clause_uses(r->t, c, &law, r->used);
			for (size_t i = 0; i < treaty_term_count(r->t); i++)
				r->sum[i] |= r->used[i];
		}
	}
}

static enum status make_clause_grid(struct compare *x)
{
	struct reading *r = &x->readings[0];
	struct accord_grid *g = &x->out->grid;

	find_uses(x, r);
	g->points = 1;
	for (size_t i = 0; i < treaty_term_count(r->t); i++) {
		r->from[i] = UNKNOWN;
		if ((r->sum[i] & (TREATY_USED_OPTION | TREATY_USED_PARTY)) == 0)
			continue;
		if (g->dim_count == ACCORD_DIMS_MAX || g->points * 3 > (uint32_t)ACCORD_POINTS_MAX)
			return fail_set(x->why, ST_LIMIT, "\"%.*s\": more than %d cases to compare",
					SLICE_ARG(x->q->clause), ACCORD_POINTS_MAX);
		r->from[i] = (int16_t)g->dim_count; /* below ACCORD_DIMS_MAX */
		dim_add(g, treaty_term_name(r->t, i), treaty_term_open(r->t, i));
		g->points *= g->dims[g->dim_count - 1].count;
	}
	x->lattice = 1;
	x->extras = g->points;
	return ST_OK;
}

static enum status make_scenarios(struct compare *x, struct reading *r, size_t term)
{
	uint8_t *v = ARENA_ARRAY(x->a, uint8_t, x->lattice);
	struct accord_grid lattice = {0};

	if (v == NULL)
		return no_memory(x->why);
	(void)accord_lattice(&lattice);
	for (uint32_t p = 0; p < x->lattice; p++) {
		enum treaty_value is = TREATY_UNDETERMINED;

		if (!treaty_term_open(r->t, term))
			(void)accord_lattice_value(&lattice, p, treaty_term_name(r->t, term), &is);
		v[p] = (uint8_t)is;
	}
	r->scenarios[term] = v;
	r->from[term] = LATTICE;
	return ST_OK;
}

static bool leave_out(struct compare *x, struct slice name)
{
	for (size_t i = 0; i < x->left_out_count; i++)
		if (slice_equal(x->left_out[i], name))
			return true;
	return ARENA_PUSH(x->a, x->left_out, x->left_out_count, x->left_out_room, name);
}

/* Terms that the lattice does not know become dimensions of their own, as long as there is room;
 * one name is one term in all treaties. */
static enum status make_lattice_grid(struct compare *x)
{
	struct accord_grid *g = &x->out->grid;

	x->lattice = accord_lattice(g);
	x->extras = 1;
	for (size_t k = 0; k < x->q->treaty_count; k++) {
		struct reading *r = &x->readings[k];
		size_t n = treaty_term_count(r->t);

		find_uses(x, r);
		for (size_t i = 0; i < n; i++) {
			struct slice name = treaty_term_name(r->t, i);

			r->from[i] = UNKNOWN;
			if ((r->sum[i] & (TREATY_USED_CLAUSE | TREATY_USED_PARTY)) == 0)
				continue;
			if (accord_lattice_knows(name)) {
				enum status st = make_scenarios(x, r, i);

				if (st != ST_OK)
					return st;
				continue;
			}
			if (treaty_term_open(r->t, i))
				continue;
			r->from[i] = dim_find(g, name);
			if (r->from[i] != UNKNOWN)
				continue;
			if (g->dim_count == LATTICE_DIMS + ACCORD_EXTRAS_MAX) {
				if (!leave_out(x, name))
					return no_memory(x->why);
				continue;
			}
			r->from[i] = (int16_t)g->dim_count; /* below ACCORD_DIMS_MAX */
			dim_add(g, name, false);
			x->extras *= 2;
		}
	}
	g->points = x->lattice * x->extras;
	return ST_OK;
}

/* ---- asking --------------------------------------------------------------------------------- */

static enum treaty_value value_at(const struct compare *x, const struct reading *r, size_t term,
				  uint32_t point)
{
	static const enum treaty_value values[] = {TREATY_FALSE, TREATY_TRUE, TREATY_UNDETERMINED};
	int16_t from = r->from[term];

	if (from == LATTICE)
		return (enum treaty_value)r->scenarios[term][point / x->extras];
	if (from == UNKNOWN)
		return TREATY_UNDETERMINED;
	return values[accord_grid_value(&x->out->grid, point, (size_t)from)];
}

static void fill_lanes(const struct compare *x, const struct reading *r, uint32_t first, unsigned n)
{
	for (size_t i = 0; i < treaty_term_count(r->t); i++) {
		struct treaty_lanes l = {0, 0};

		for (unsigned k = 0; k < n && r->from[i] != UNKNOWN; k++) {
			enum treaty_value v = value_at(x, r, i, first + k);

			l.shown |= (uint64_t)(v == TREATY_TRUE) << k;
			l.excluded |= (uint64_t)(v == TREATY_FALSE) << k;
		}
		r->lanes[i] = l;
	}
}

/* What one treaty says for one side in a block: forbidden if one clause forbids it, allowed if none
 * may. */
static void ask(const struct compare *x, const struct reading *r, struct slice side,
		struct treaty_lanes *sum)
{
	struct treaty_law law = law_of(x, r->t, side);

	for (size_t c = 0; c < treaty_clause_count(r->t); c++) {
		struct treaty_lanes v;

		if (!treaty_clause_judged(r->t, c) || (x->clause != SIZE_MAX && x->clause != c))
			continue;
		v = x->clause != SIZE_MAX ? treaty_amendments_eval(r->t, c, &law, r->lanes)
					  : treaty_clause_eval(r->t, c, &law, r->lanes);
		sum->shown |= v.shown;
		sum->excluded &= v.excluded;
	}
}

static void ask_all(const struct compare *x, struct accord_side *sides, uint8_t **values)
{
	size_t readings = x->clause != SIZE_MAX ? 1 : x->q->treaty_count;

	for (uint32_t first = 0; first < x->out->grid.points; first += BLOCK) {
		uint32_t left = x->out->grid.points - first;
		unsigned n = left < BLOCK ? left : BLOCK;

		for (size_t k = 0; k < readings; k++)
			fill_lanes(x, &x->readings[k], first, n);
		for (size_t s = 0; s < x->q->side_count; s++) {
			struct treaty_lanes sum = {0, UINT64_MAX};

			for (size_t k = 0; k < readings; k++)
				if (speaks(x, x->readings[k].t, x->q->sides[s]))
					ask(x, &x->readings[k], x->q->sides[s], &sum);
			for (unsigned i = 0; i < n; i++) {
				bool yes = sum.shown >> i & 1, no = sum.excluded >> i & 1;

				values[s][first + i] = yes  ? TREATY_TRUE
						       : no ? TREATY_FALSE
							    : TREATY_UNDETERMINED;
				sides[s].forbids += yes;
				sides[s].allows += !yes && no;
				sides[s].open += !yes && !no;
			}
		}
	}
}

static enum status describe_all(struct compare *x)
{
	struct accord_answer *o = x->out;
	bool *core = ARENA_ARRAY(x->a, bool, o->grid.points);
	bool *clash = ARENA_ARRAY(x->a, bool, o->grid.points);
	enum status st;

	if (core == NULL || clash == NULL)
		return no_memory(x->why);
	for (uint32_t p = 0; p < o->grid.points; p++) {
		bool forbids = false, allows = false, open = false;

		for (size_t s = 0; s < o->side_count; s++) {
			forbids |= o->sides[s].values[p] == TREATY_TRUE;
			allows |= o->sides[s].values[p] == TREATY_FALSE;
			open |= o->sides[s].values[p] == TREATY_UNDETERMINED;
		}
		core[p] = forbids && !allows && !open;
		clash[p] = forbids && allows;
		o->all_forbid += core[p];
		o->clash += clash[p];
		o->all_allow += allows && !forbids && !open;
		o->open += open && !clash[p];
	}
	st = accord_describe(&o->grid, core, x->a, &o->core, x->why);
	return st == ST_OK ? accord_describe(&o->grid, clash, x->a, &o->clashes, x->why) : st;
}

/* ---- one word, two meanings ----------------------------------------------------------------- */

/* How treaty k defines a term that sides use; "": it does not. */
static struct slice says(const struct compare *x, size_t k, struct slice term)
{
	const struct reading *r = &x->readings[k];

	for (size_t i = 0; i < treaty_term_count(r->t); i++)
		if (r->sum[i] != 0 && slice_equal(treaty_term_name(r->t, i), term))
			return treaty_term_definition(r->t, i);
	return SLICE("");
}

/* Each term whose words differ from those of the first text that has it. */
static enum status find_words(struct compare *x)
{
	struct accord_word *words = NULL;
	size_t count = 0, room = 0;

	for (size_t k = 1; x->clause == SIZE_MAX && k < x->q->treaty_count; k++)
		for (size_t i = 0; i < treaty_term_count(x->readings[k].t); i++) {
			const struct treaty *t = x->readings[k].t;
			struct accord_word w = {.term = treaty_term_name(t, i),
						.other = treaty_id(t),
						.other_says = treaty_term_definition(t, i)};

			for (size_t m = 0; x->readings[k].sum[i] != 0 && m < k && w.one.len == 0;
			     m++) {
				w.one_says = says(x, m, w.term);
				if (w.one_says.len != 0)
					w.one = treaty_id(x->readings[m].t);
			}
			if (w.one.len != 0 && !slice_equal(w.one_says, w.other_says) &&
			    !ARENA_PUSH(x->a, words, count, room, w))
				return no_memory(x->why);
		}
	x->out->words = words;
	x->out->word_count = count;
	return ST_OK;
}

/* ---- one question, other answers ------------------------------------------------------------ */

static bool speaks_for_any(const struct compare *x, size_t k)
{
	for (size_t s = 0; s < x->q->side_count; s++)
		if (speaks(x, x->readings[k].t, x->q->sides[s]))
			return true;
	return false;
}

/* False: fewer than two of the texts answer, or all that do say the same. */
static bool differ(const struct slice *says, size_t n)
{
	const struct slice *first = NULL;

	for (size_t i = 0; i < n; i++) {
		if (says[i].len == 0)
			continue;
		if (first != NULL && !slice_equal(*first, says[i]))
			return true;
		first = &says[i];
	}
	return false;
}

static enum status find_matters(struct compare *x)
{
	struct accord_answer *o = x->out;
	size_t n, room = 0, texts = 0, *numbers = ARENA_ARRAY(x->a, size_t, x->q->treaty_count + 1);
	const struct treaty_concept *concepts = treaty_concepts(&n);
	struct slice *ids = ARENA_ARRAY(x->a, struct slice, x->q->treaty_count + 1);
	struct accord_matter *matters = NULL;

	if (numbers == NULL || ids == NULL)
		return no_memory(x->why);
	for (size_t k = 0; x->clause == SIZE_MAX && k < x->q->treaty_count; k++)
		if (speaks_for_any(x, k)) {
			numbers[texts] = k;
			ids[texts++] = treaty_id(x->readings[k].t);
		}
	for (size_t c = 0; texts > 1 && c < n; c++) {
		struct slice *says = ARENA_ARRAY(x->a, struct slice, texts);
		struct accord_matter m = {&concepts[c], says};

		if (says == NULL)
			return no_memory(x->why);
		for (size_t i = 0; i < texts; i++)
			says[i] = treaty_concept_says(x->readings[numbers[i]].t, c);
		if (differ(says, texts) && !ARENA_PUSH(x->a, matters, o->matter_count, room, m))
			return no_memory(x->why);
	}
	o->texts = ids;
	o->text_count = texts;
	o->matters = matters;
	return ST_OK;
}

static enum status make_readings(struct compare *x)
{
	x->readings = ARENA_ARRAY(x->a, struct reading, x->q->treaty_count + 1);
	if (x->readings == NULL)
		return no_memory(x->why);
	for (size_t k = 0; k < x->q->treaty_count; k++) {
		struct reading *r = &x->readings[k];
		size_t n = TREATY_TERMS_MAX;

		r->from = ARENA_ARRAY(x->a, int16_t, n);
		r->scenarios = ARENA_ARRAY(x->a, uint8_t *, n);
		r->lanes = ARENA_ARRAY(x->a, struct treaty_lanes, n);
		r->used = ARENA_ARRAY(x->a, uint8_t, n);
		r->sum = ARENA_ARRAY(x->a, uint8_t, n);
		if (r->from == NULL || r->scenarios == NULL || r->lanes == NULL ||
		    r->used == NULL || r->sum == NULL)
			return no_memory(x->why);
	}
	return ST_OK;
}

enum status accord_compare(const struct accord_question *q, struct arena *a,
			   struct accord_answer *out, struct fail *why)
{
	struct accord_answer answer = {.side_count = q->side_count};
	struct compare x = {.q = q, .a = a, .out = &answer, .why = why};
	struct accord_side *sides;
	uint8_t **values;
	enum status st = make_readings(&x);

	if (st == ST_OK)
		st = find_clause(&x);
	if (st == ST_OK)
		st = check_sides(&x);
	if (st == ST_OK)
		st = x.clause != SIZE_MAX ? make_clause_grid(&x) : make_lattice_grid(&x);
	if (st != ST_OK)
		return st;
	sides = ARENA_ARRAY(a, struct accord_side, q->side_count);
	values = ARENA_ARRAY(a, uint8_t *, q->side_count);
	if (sides == NULL || values == NULL)
		return no_memory(why);
	for (size_t s = 0; s < q->side_count; s++) {
		values[s] = ARENA_ARRAY(a, uint8_t, answer.grid.points);
		if (values[s] == NULL)
			return no_memory(why);
		sides[s].name = q->sides[s];
		sides[s].values = values[s];
	}
	ask_all(&x, sides, values);
	answer.sides = sides;
	answer.left_out = x.left_out;
	answer.left_out_count = x.left_out_count;
	st = describe_all(&x);
	if (st == ST_OK)
		st = find_words(&x);
	if (st == ST_OK)
		st = find_matters(&x);
	if (st == ST_OK)
		*out = answer;
	return st;
}

void accord_both(const struct accord_answer *x, size_t i, size_t k, uint32_t *both,
		 uint32_t *either)
{
	*both = *either = 0;
	for (uint32_t p = 0; p < x->grid.points; p++) {
		bool a = x->sides[i].values[p] == TREATY_TRUE,
		     b = x->sides[k].values[p] == TREATY_TRUE;

		*both += a && b;
		*either += a || b;
	}
}

/* ---- vagueness ------------------------------------------------------------------------------ */

enum status accord_vagueness(const struct treaty *t, size_t clause, struct arena *a,
			     int32_t *out_milli, struct fail *why)
{
	struct treaty_lanes *lanes = ARENA_ARRAY(a, struct treaty_lanes, treaty_term_count(t) + 1);
	const struct treaty_law law = {.at = {INT64_MAX}};
	struct accord_grid g = {0};
	uint32_t points = accord_lattice(&g), open = 0;

	if (lanes == NULL)
		return no_memory(why);
	for (uint32_t first = 0; first < points; first += BLOCK) {
		struct treaty_lanes v;
		unsigned n = points - first < BLOCK ? points - first : BLOCK;

		for (size_t i = 0; i < treaty_term_count(t); i++) {
			lanes[i] = (struct treaty_lanes){0, 0};
			for (unsigned k = 0; k < n && !treaty_term_open(t, i); k++) {
				enum treaty_value is;

				if (!accord_lattice_value(&g, first + k, treaty_term_name(t, i),
							  &is))
					break;
				lanes[i].shown |= (uint64_t)(is == TREATY_TRUE) << k;
				lanes[i].excluded |= (uint64_t)(is == TREATY_FALSE) << k;
			}
		}
		v = treaty_clause_eval(t, clause, &law, lanes);
		for (unsigned k = 0; k < n; k++)
			open += ((v.shown | v.excluded) >> k & 1) == 0;
	}
	*out_milli = (int32_t)(open * 1000 / points);
	return ST_OK;
}
