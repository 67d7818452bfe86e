/* SPDX-License-Identifier: Apache-2.0
 *
 * The fewest rules that describe a set of points of a grid.
 *
 * A rule is a box: for each dimension a set of values. It is an implicant if all its points are in
 * the set, and prime if no value can be added to any of its dimensions. Some smallest cover
 * consists of primes only (McCluskey 1956), so:
 *
 * 1. Where the grid has at most ACCORD_BOXES_MAX boxes, all primes are found, in one table: a box
 * of which one dimension has several values is an implicant if its two parts are.
 * 2. Primes that alone cover a point must be taken; a greedy choice covers the rest; a search by
 *    branch and bound looks for fewer, and if it comes to its end, there are none.
 * 3. Where boxes or primes are too many, each point that is not covered yet grows into one prime,
 * by adding values in order, and what is then superfluous is dropped.
 */
#include "assess/accord/accord.h"

unsigned accord_grid_value(const struct accord_grid *g, uint32_t point, size_t dim)
{
	for (size_t d = g->dim_count - 1; d > dim; d--)
		point /= g->dims[d].count;
	return point % g->dims[dim].count;
}

struct describe {
	const struct accord_grid *g;
	const bool *in;
	struct arena *a;
	uint32_t stride[ACCORD_DIMS_MAX]; /* of a point's index */
	struct accord_rule *primes;
	size_t prime_count, prime_room;
	bool full; /* more primes than ACCORD_PRIMES_MAX */
	uint64_t work;
};

/* ---- points of a box ------------------------------------------------------------------------ */

static struct accord_rule box_of(const struct accord_grid *g, uint32_t point)
{
	struct accord_rule r = {{0}};

	for (size_t d = 0; d < g->dim_count; d++)
		r.sets[d] = (uint8_t)(1U << accord_grid_value(g, point, d)); /* 8 values at most */
	return r;
}

static bool box_holds(const struct accord_grid *g, const struct accord_rule *r, uint32_t point)
{
	for (size_t d = 0; d < g->dim_count; d++)
		if ((r->sets[d] >> accord_grid_value(g, point, d) & 1) == 0)
			return false;
	return true;
}

/* The next point of a box behind the values at[], an odometer; false behind the last. */
static bool box_next(const struct describe *x, const struct accord_rule *r, unsigned *at,
		     uint32_t *point)
{
	for (size_t d = x->g->dim_count; d-- > 0;) {
		unsigned was = at[d];

		do {
			at[d]++;
		} while (at[d] < x->g->dims[d].count && (r->sets[d] >> at[d] & 1) == 0);
		if (at[d] < x->g->dims[d].count) {
			*point += (at[d] - was) * x->stride[d];
			return true;
		}
		at[d] = (unsigned)__builtin_ctz(r->sets[d]);
		*point -= (was - at[d]) * x->stride[d];
	}
	return false;
}

static uint32_t box_first(const struct describe *x, const struct accord_rule *r, unsigned *at)
{
	uint32_t point = 0;

	for (size_t d = 0; d < x->g->dim_count; d++) {
		at[d] = (unsigned)__builtin_ctz(r->sets[d]);
		point += at[d] * x->stride[d];
	}
	return point;
}

static bool box_is_in(struct describe *x, const struct accord_rule *r)
{
	unsigned at[ACCORD_DIMS_MAX];
	uint32_t point = box_first(x, r, at);

	do {
		x->work++;
		if (!x->in[point])
			return false;
	} while (box_next(x, r, at, &point));
	return true;
}

/* ---- 1. all primes -------------------------------------------------------------------------- */

/* How many boxes there are; 0: too many. */
static uint32_t count_boxes(const struct accord_grid *g)
{
	uint64_t n = 1;

	for (size_t d = 0; d < g->dim_count; d++) {
		n *= (1U << g->dims[d].count) - 1;
		if (n > ACCORD_BOXES_MAX)
			return 0;
	}
	return (uint32_t)n;
}

static void prime_add(struct describe *x, struct accord_rule r)
{
	if (x->prime_count == ACCORD_PRIMES_MAX)
		x->full = true;
	else if (!ARENA_PUSH(x->a, x->primes, x->prime_count, x->prime_room, r))
		x->full = true; /* a->exhausted says why */
}

struct table { /* a byte for each box, whose index counts sets less one, the last dimension fastest
		*/
	uint8_t *implicant;
	uint32_t stride[ACCORD_DIMS_MAX];
	uint32_t count;
};

/* The box that comes next, counting its sets up; true while there is one. */
static bool table_next(const struct accord_grid *g, struct accord_rule *r)
{
	for (size_t d = g->dim_count; d-- > 0;) {
		if (r->sets[d] < (1U << g->dims[d].count) - 1) {
			r->sets[d]++;
			return true;
		}
		r->sets[d] = 1;
	}
	return false;
}

static void table_fill(struct describe *x, struct table *t)
{
	struct accord_rule r = {{0}};
	uint32_t i = 0;

	memset(r.sets, 1, x->g->dim_count);
	do {
		size_t d = 0;

		while (d < x->g->dim_count && (r.sets[d] & (r.sets[d] - 1)) == 0)
			d++;
		if (d == x->g->dim_count) {
			unsigned at[ACCORD_DIMS_MAX];

			t->implicant[i] = x->in[box_first(x, &r, at)];
		} else { /* its lowest value, and the others: both stand further up */
			uint32_t low = r.sets[d] & -(uint32_t)r.sets[d];

			t->implicant[i] = t->implicant[i - (r.sets[d] - low) * t->stride[d]] &
					  t->implicant[i - low * t->stride[d]];
		}
		i++;
	} while (table_next(x->g, &r));
}

static bool table_prime(const struct accord_grid *g, const struct table *t,
			const struct accord_rule *r, uint32_t i)
{
	if (!t->implicant[i])
		return false;
	for (size_t d = 0; d < g->dim_count; d++)
		for (unsigned v = 0; v < g->dims[d].count; v++)
			if ((r->sets[d] >> v & 1) == 0 &&
			    t->implicant[i + (1U << v) * t->stride[d]])
				return false;
	return true;
}

/* False: too many boxes or primes, or no memory. */
static bool find_primes(struct describe *x)
{
	struct table t = {.count = count_boxes(x->g)};
	struct accord_rule r = {{0}};
	uint32_t i = 0, stride = 1;

	if (t.count == 0)
		return false;
	t.implicant = ARENA_ARRAY(x->a, uint8_t, t.count);
	if (t.implicant == NULL)
		return false;
	for (size_t d = x->g->dim_count; d-- > 0;) {
		t.stride[d] = stride;
		stride *= (1U << x->g->dims[d].count) - 1;
	}
	table_fill(x, &t);
	memset(r.sets, 1, x->g->dim_count);
	do {
		if (table_prime(x->g, &t, &r, i++))
			prime_add(x, r);
	} while (!x->full && table_next(x->g, &r));
	return !x->full;
}

/* ---- 2. the fewest of them ------------------------------------------------------------------ */

struct cover {
	const struct describe *x;
	const uint32_t *points; /* of the set */
	size_t point_count, words;
	uint64_t *covers;	 /* prime by prime, a bit a point */
	uint16_t *chosen, *best; /* primes */
	size_t chosen_count, best_count;
	uint8_t *times; /* a point is covered by the chosen, up to 255 of them */
	uint64_t *bare; /* points that none of them covers, a bit each */
	uint32_t steps;
	uint64_t work;
	bool ended; /* within the limits */
};

static bool covers(const struct cover *c, size_t prime, size_t point)
{
	return c->covers[prime * c->words + point / 64] >> (point % 64) & 1;
}

static void choose(struct cover *c, size_t prime, int by)
{
	memset(c->bare, 0, c->words * sizeof *c->bare);
	for (size_t i = 0; i < c->point_count; i++) {
		if (covers(c, prime, i))
			c->times[i] = (uint8_t)(c->times[i] + by); /* depth is below 255 */
		if (c->times[i] == 0)
			c->bare[i / 64] |= UINT64_C(1) << (i % 64);
	}
	if (by > 0)
		c->chosen[c->chosen_count++] = (uint16_t)prime; /* below ACCORD_PRIMES_MAX */
	else
		c->chosen_count--;
}

static size_t gain(const struct cover *c, size_t prime)
{
	size_t n = 0;

	for (size_t w = 0; w < c->words; w++)
		n += (size_t)__builtin_popcountll(c->covers[prime * c->words + w] & c->bare[w]);
	return n;
}

static bool next_greedy(struct cover *c)
{
	size_t best = 0, most = 0;

	for (size_t p = 0; p < c->x->prime_count; p++) {
		size_t n = gain(c, p);

		if (n > most) {
			most = n;
			best = p;
		}
	}
	if (most != 0 && c->chosen_count < UINT8_MAX)
		choose(c, best, 1);
	return most != 0 && c->chosen_count < UINT8_MAX;
}

/* The uncovered point that the fewest primes cover; SIZE_MAX: all are covered. */
static size_t hardest_point(const struct cover *c, size_t *out_ways)
{
	size_t found = SIZE_MAX;

	*out_ways = SIZE_MAX;
	for (size_t i = 0; i < c->point_count; i++) {
		size_t ways = 0;

		if (c->times[i] != 0)
			continue;
		for (size_t p = 0; p < c->x->prime_count && ways < *out_ways; p++)
			ways += covers(c, p, i);
		if (ways < *out_ways) {
			*out_ways = ways;
			found = i;
		}
	}
	return found;
}

/* Points of which no prime covers two: each needs a rule of its own, so they are a lower bound.
 * Taken greedily, so it may be lower than it could be. */
static size_t least_more(const struct cover *c, uint64_t *seen)
{
	size_t n = 0;

	memset(seen, 0, c->words * sizeof *seen);
	for (size_t i = 0; i < c->point_count; i++) {
		if (c->times[i] != 0 || (seen[i / 64] >> (i % 64) & 1) != 0)
			continue;
		n++;
		for (size_t p = 0; p < c->x->prime_count; p++)
			if (covers(c, p, i))
				for (size_t w = 0; w < c->words; w++)
					seen[w] |= c->covers[p * c->words + w];
	}
	return n;
}

struct branch { /* one depth of the search: the point that is to be covered, the prime tried */
	size_t point, prime;
};

/* Tries every prime that covers the hardest point, deeper and deeper, as long as fewer than the
 * best may come of it. A loop with its own stack: as deep as the best cover is long. */
static void search(struct cover *c, struct branch *stack, uint64_t *seen)
{
	size_t depth = 0, fixed = c->chosen_count, ways;

	stack[0] = (struct branch){hardest_point(c, &ways), 0};
	c->ended = true;
	for (;;) {
		struct branch *b = &stack[depth];

		c->work += c->point_count * c->x->prime_count;
		if (c->steps++ == ACCORD_STEPS_MAX || c->work > ACCORD_WORK_MAX) {
			c->ended = false;
			return;
		}
		while (b->point != SIZE_MAX && b->prime < c->x->prime_count &&
		       !covers(c, b->prime, b->point))
			b->prime++;
		if (b->point == SIZE_MAX && c->chosen_count < c->best_count) {
			memcpy(c->best, c->chosen, c->chosen_count * sizeof *c->best);
			c->best_count = c->chosen_count;
		}
		if (b->point == SIZE_MAX || b->prime == c->x->prime_count ||
		    c->chosen_count + least_more(c, seen) >= c->best_count) {
			if (depth == 0)
				break;
			depth--;
			choose(c, stack[depth].prime, -1);
			stack[depth].prime++;
			continue;
		}
		choose(c, b->prime, 1);
		stack[++depth] = (struct branch){hardest_point(c, &ways), 0};
	}
	ASSERT(c->chosen_count == fixed);
}

/* Primes that alone cover some point. */
static void choose_essential(struct cover *c)
{
	for (size_t i = 0; i < c->point_count && c->chosen_count < UINT8_MAX; i++) {
		size_t only = SIZE_MAX, n = 0;

		for (size_t p = 0; p < c->x->prime_count && n < 2; p++)
			if (covers(c, p, i)) {
				only = p;
				n++;
			}
		if (n == 1 && c->times[i] == 0)
			choose(c, only, 1);
	}
}

static bool cover_alloc(struct cover *c, struct arena *a)
{
	size_t n = c->x->prime_count;

	c->words = (c->point_count + 63) / 64;
	if (n * c->words > (size_t)1 << 20) /* 8 MiB */
		return false;
	c->covers = ARENA_ARRAY(a, uint64_t, n * c->words);
	c->chosen = ARENA_ARRAY(a, uint16_t, UINT8_MAX + 1);
	c->best = ARENA_ARRAY(a, uint16_t, UINT8_MAX + 1);
	c->times = ARENA_ARRAY(a, uint8_t, c->point_count);
	c->bare = ARENA_ARRAY(a, uint64_t, c->words);
	if (c->covers == NULL || c->chosen == NULL || c->best == NULL || c->times == NULL ||
	    c->bare == NULL)
		return false;
	for (size_t i = 0; i < c->point_count; i++)
		c->bare[i / 64] |= UINT64_C(1) << (i % 64);
	return true;
}

/* A greedy choice may have made an earlier one superfluous, and a search that met its limit did not
 * see it: such a rule covers no point alone. */
static void drop_superfluous(struct cover *c)
{
	size_t kept = 0;

	while (c->chosen_count > 0)
		choose(c, c->chosen[c->chosen_count - 1], -1);
	for (size_t i = 0; i < c->best_count; i++)
		choose(c, c->best[i], 1);
	for (size_t k = 0; k < c->best_count; k++) {
		size_t prime = c->best[k];
		bool alone = false;

		for (size_t i = 0; i < c->point_count; i++)
			alone |= c->times[i] == 1 && covers(c, prime, i);
		if (alone)
			c->best[kept++] = c->best[k];
		else
			for (size_t i = 0; i < c->point_count; i++)
				c->times[i] = (uint8_t)(c->times[i] - covers(c, prime, i));
	}
	c->best_count = kept;
}

/* False: too many primes for it, or a limit was met before all was covered. */
static bool find_cover(struct describe *x, const uint32_t *points, size_t point_count,
		       struct accord_rules *out)
{
	struct cover c = {.x = x, .points = points, .point_count = point_count};
	struct branch *stack = ARENA_ARRAY(x->a, struct branch, UINT8_MAX + 2);
	uint64_t *seen;
	struct accord_rule *rules;
	size_t essential;

	if (stack == NULL || !cover_alloc(&c, x->a))
		return false;
	seen = ARENA_ARRAY(x->a, uint64_t, c.words);
	if (seen == NULL)
		return false;
	for (size_t p = 0; p < x->prime_count; p++)
		for (size_t i = 0; i < point_count; i++)
			if (box_holds(x->g, &x->primes[p], points[i]))
				c.covers[p * c.words + i / 64] |= UINT64_C(1) << (i % 64);
	choose_essential(&c);
	essential = c.chosen_count;
	while (next_greedy(&c)) {
		/* until all are covered, or there are too many rules for the search */
	}
	if (c.chosen_count == UINT8_MAX)
		return false;
	memcpy(c.best, c.chosen, c.chosen_count * sizeof *c.best);
	c.best_count = c.chosen_count;
	while (c.chosen_count > essential)
		choose(&c, c.chosen[c.chosen_count - 1], -1);
	search(&c, stack, seen);
	drop_superfluous(&c);
	rules = ARENA_ARRAY(x->a, struct accord_rule, c.best_count + 1);
	if (rules == NULL)
		return false;
	for (size_t i = 0; i < c.best_count; i++)
		rules[i] = x->primes[c.best[i]];
	out->rules = rules;
	out->count = c.best_count;
	out->fewest = c.ended;
	return true;
}

/* ---- 3. too many for that ------------------------------------------------------------------- */

/* Adds values as long as all points are in the set. */
static struct accord_rule widen(struct describe *x, uint32_t point)
{
	struct accord_rule r = box_of(x->g, point);

	for (size_t d = 0; d < x->g->dim_count; d++)
		for (unsigned v = 0; v < x->g->dims[d].count && x->work < ACCORD_WORK_MAX; v++) {
			struct accord_rule more = r;

			if ((r.sets[d] >> v & 1) != 0)
				continue;
			more.sets[d] = (uint8_t)(1U << v);
			if (box_is_in(x, &more))
				r.sets[d] |= (uint8_t)(1U << v);
		}
	return r;
}

static void count_covered(struct describe *x, const struct accord_rule *r, uint16_t *times, int by)
{
	unsigned at[ACCORD_DIMS_MAX];
	uint32_t point = box_first(x, r, at);

	do {
		times[point] = (uint16_t)(times[point] + by); /* at most ACCORD_RULES_MAX rules */
	} while (box_next(x, r, at, &point));
}

static bool is_superfluous(const struct describe *x, const struct accord_rule *r,
			   const uint16_t *times)
{
	unsigned at[ACCORD_DIMS_MAX];
	uint32_t point = box_first(x, r, at);

	do {
		if (times[point] < 2)
			return false;
	} while (box_next(x, r, at, &point));
	return true;
}

static bool grow_rules(struct describe *x, struct accord_rules *out)
{
	uint16_t *times = ARENA_ARRAY(x->a, uint16_t, x->g->points);
	struct accord_rule *rules = NULL;
	size_t count = 0, room = 0, kept = 0;

	if (times == NULL)
		return false;
	for (uint32_t i = 0; i < x->g->points; i++) {
		struct accord_rule r;

		if (!x->in[i] || times[i] != 0)
			continue;
		if (count == ACCORD_RULES_MAX) {
			out->undescribed++;
			continue;
		}
		r = widen(x, i);
		count_covered(x, &r, times, 1);
		if (!ARENA_PUSH(x->a, rules, count, room, r))
			return false;
	}
	for (size_t i = 0; i < count; i++) {
		if (is_superfluous(x, &rules[i], times))
			count_covered(x, &rules[i], times, -1);
		else
			rules[kept++] = rules[i];
	}
	out->rules = rules;
	out->count = kept;
	out->fewest = kept <= 1 && out->undescribed == 0; /* none, or one, cannot be fewer */
	return true;
}

enum status accord_describe(const struct accord_grid *g, const bool *in, struct arena *a,
			    struct accord_rules *out, struct fail *why)
{
	struct describe x = {.g = g, .in = in, .a = a};
	struct accord_rules r = {.fewest = true};
	uint32_t *points = ARENA_ARRAY(a, uint32_t, g->points), stride = 1;

	if (points == NULL)
		return fail_set(why, ST_NOMEM, "compare: no memory");
	for (size_t d = g->dim_count; d-- > 0;) {
		x.stride[d] = stride;
		stride *= g->dims[d].count;
	}
	for (uint32_t i = 0; i < g->points; i++)
		if (in[i])
			points[r.points++] = i;
	if (r.points != 0 && !(find_primes(&x) && find_cover(&x, points, r.points, &r)) &&
	    !grow_rules(&x, &r))
		return fail_set(why, ST_NOMEM, "compare: no memory");
	*out = r;
	return ST_OK;
}

void accord_rule_write(const struct accord_grid *g, const struct accord_rule *r, struct buf *out)
{
	bool any = false;

	for (size_t d = 0; d < g->dim_count; d++) {
		bool first = true;

		if (r->sets[d] == (1U << g->dims[d].count) - 1)
			continue;
		buf_add_fmt(out, "%s%.*s: ", any ? "; " : "", SLICE_ARG(g->dims[d].name));
		any = true;
		for (unsigned v = 0; v < g->dims[d].count; v++) {
			if ((r->sets[d] >> v & 1) == 0)
				continue;
			buf_add_fmt(out, "%s%.*s", first ? "" : " or ",
				    SLICE_ARG(g->dims[d].values[v]));
			first = false;
		}
	}
	if (!any)
		buf_add_z(out, "always");
}
