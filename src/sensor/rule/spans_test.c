/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/rule/rule_priv.h"
#include "test.h"

/* Points 0..63 of two spaces as bits: the naive model of a set. */
struct model {
	uint64_t v4, v6;
};

static uint64_t *model_space(struct model *m, enum rule_space space)
{
	return space == RULE_SPACE_V4 ? &m->v4 : &m->v6;
}

static void random_set(struct test *t, struct arena *a, struct rule_spans *s, struct model *m)
{
	size_t n = test_rand(t) % 8;

	*s = (struct rule_spans){0};
	*m = (struct model){0};
	while (n-- > 0) {
		enum rule_space space = test_rand(t) % 2 ? RULE_SPACE_V4 : RULE_SPACE_V6;
		uint64_t x = test_rand(t) % 64, y = test_rand(t) % 64;
		struct rule_span span = {space, x < y ? x : y, x < y ? y : x};

		ASSERT(ARENA_PUSH(a, s->at, s->count, s->room, span));
		for (uint64_t i = (uint64_t)span.lo; i <= (uint64_t)span.hi; i++)
			*model_space(m, space) |= UINT64_C(1) << i;
	}
	rule_spans_tidy(s);
}

/* s holds what m holds, in order, and no two spans touch. */
static bool agrees(const struct rule_spans *s, const struct model *m)
{
	struct model got = {0};

	for (size_t i = 0; i < s->count; i++) {
		const struct rule_span *x = &s->at[i], *last = i ? &s->at[i - 1] : NULL;

		if (x->lo > x->hi || x->hi > 63)
			return false;
		if (last &&
		    (last->space > x->space || (last->space == x->space && last->hi + 1 >= x->lo)))
			return false;
		for (uint64_t p = (uint64_t)x->lo; p <= (uint64_t)x->hi; p++)
			*model_space(&got, x->space) |= UINT64_C(1) << p;
	}
	return got.v4 == m->v4 && got.v6 == m->v6;
}

static void the_algebra_agrees_with_bits(struct test *t)
{
	struct arena_pool pool = {.budget = 1 << 20};
	struct arena a = {.pool = &pool};

	for (int round = 0; round < 3000; round++) {
		struct rule_spans x, y, left;
		struct model mx, my;

		random_set(t, &a, &x, &mx);
		EXPECT(t, agrees(&x, &mx));
		random_set(t, &a, &y, &my);
		EXPECT(t, rule_spans_subtract(&x, &y, &a, &left));
		EXPECT(t, agrees(&left, &(struct model){mx.v4 & ~my.v4, mx.v6 & ~my.v6}));
		arena_reset(&a);
	}
	arena_pool_drain(&pool);
}

static void the_ends_of_a_space_do_not_wrap(struct test *t)
{
	struct arena_pool pool = {.budget = 1 << 20};
	struct arena a = {.pool = &pool};
	const rule_point most = ~(rule_point)0;
	struct rule_span all[] = {{RULE_SPACE_V6, 5, most}, {RULE_SPACE_V6, 0, 4}};
	struct rule_span ends[] = {{RULE_SPACE_V6, 0, 0}, {RULE_SPACE_V6, most, most}};
	struct rule_spans x = {all, 2, 2}, y = {ends, 2, 2}, left;

	rule_spans_tidy(&x);
	EXPECT(t, x.count == 1 && x.at[0].lo == 0 && x.at[0].hi == most);
	EXPECT(t, rule_spans_subtract(&x, &y, &a, &left));
	EXPECT(t, left.count == 1 && left.at[0].lo == 1 && left.at[0].hi == most - 1);
	EXPECT(t, rule_spans_subtract(&x, &x, &a, &left) && left.count == 0);
	arena_reset(&a);
	arena_pool_drain(&pool);
}

static void a_spent_budget_is_said(struct test *t)
{
	struct arena_pool pool = {.budget = 1 << 20, .fail_after = 1};
	struct arena a = {.pool = &pool};
	struct rule_span all[] = {{RULE_SPACE_PORT, 0, 9}}, one[] = {{RULE_SPACE_PORT, 4, 4}};
	struct rule_spans x = {all, 1, 1}, y = {one, 1, 1}, none = {0}, left;

	EXPECT(t, !rule_spans_subtract(&x, &y, &a, &left));
	EXPECT(t, !rule_spans_subtract(&x, &none, &a, &left));
	arena_reset(&a);
}

TESTS(T(the_algebra_agrees_with_bits), T(the_ends_of_a_space_do_not_wrap),
      T(a_spent_budget_is_said))
