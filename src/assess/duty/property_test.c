/* SPDX-License-Identifier: Apache-2.0
 * What holds of every ledger: every path ends, none of its entries is lost, order means nothing,
 * and what comes later does not change what was. */
#include "assess/duty/ledger_test.h"

#define DUTY                                                                                       \
	HEAD "duty x.2 \"D\"\nbearer each-party\non request kind stop from party\n"                \
	     "must acknowledge within 1h\nmust act within 24h after acknowledge\nmust hold for "   \
	     "2d\nmust answer no-number\nmay refuse ground security, own-law giving reasons\n"     \
	     "may extend by 12h\nmay pause for 6h\nlest record no-answer\n"                        \
	     "lest presume x.1 respondent-shows b\n"                                               \
	     "lest throttle keep 1 of 10 for 24h exempt health by 1 of 2\n"                        \
	     "duty x.3 \"E\"\nbearer requested-party\non request kind stop from party\n"           \
	     "decide against 1 of 1 by others within 2h\nmust admit within 1d\n"                   \
	     "may refuse ground own-law\n"

static const char *const moves[] = {
	"\"entry\":\"done\",\"step\":[\"acknowledge\",\"admit\"]" BY_B,
	"\"entry\":\"done\",\"step\":[\"act\",\"answer\"]" BY_B,
	"\"entry\":\"refuse\",\"ground\":\"own-law\"" BY_B,
	"\"entry\":\"refuse\",\"ground\":\"no will\"" BY_B,
	"\"entry\":\"extend\"" BY_B,
	"\"entry\":\"grant\",\"by\":\"1d\"" BY_A,
	"\"entry\":\"incomplete\",\"lacks\":\"l\"" BY_B,
	"\"entry\":\"complete\"" BY_A,
	"\"entry\":\"unable\",\"lacks\":\"l\"" BY_B,
	"\"entry\":\"offer\",\"help\":\"h\"" BY_A,
	"\"entry\":\"decline\"" BY_B,
	"\"entry\":\"accept\"" BY_B,
	"\"entry\":\"lost\",\"step\":\"hold\"" BY_B,
	"\"entry\":\"contest\",\"step\":\"act\"" BY_A,
	"\"entry\":\"show\",\"claims\":[{\"atom\":\"b\",\"probability\":[0.8,1]}]" BY_B,
	"\"entry\":\"vote\",\"for\":false,\"party\":\"C\",\"request\":\"R\"",
	"\"entry\":\"order\",\"id\":\"O\",\"target\":\"192.0.2.1\",\"bits_per_s\":10,"
	"\"observed_bits_per_s\":100,\"seconds\":60,\"exempt\":\"health\"" BY_A,
	"\"entry\":\"vote\",\"for\":true,\"party\":\"C\",\"order\":\"O\"",
	"\"entry\":\"withdraw\"" BY_A,
};
enum { MOVES = sizeof moves / sizeof *moves };

/* When a move may be made: before, at and behind each deadline. */
static const int64_t early[] = {1, HOUR, HOUR + 1, 3 * HOUR, DAY + HOUR};
static const int64_t moments[] = {0,   1,	   HOUR,    HOUR + 1, 2 * HOUR, 3 * HOUR,
				  DAY, DAY + HOUR, 2 * DAY, 4 * DAY,  400 * DAY};
enum { MOMENTS = sizeof moments / sizeof *moments, EARLY = 5 /* of them, for the first move */ };

static const char *trouble(const struct world *w)
{
	const struct duty_state *s = w->s;

	for (size_t i = 0; i < s->case_count; i++) {
		const struct duty_case *c = &s->cases[i];

		if (c->outcome == DUTY_OPEN)
			return "a case is open";
		if (c->ended.ns < c->started.ns && c->outcome != DUTY_WITHDRAWN)
			return "it ended before it began";
		if (c->outcome == DUTY_VOTED_OUT || c->outcome == DUTY_WITHDRAWN)
			continue;
		for (size_t k = 0; k < duty_of(s, c)->step_count; k++)
			if (c->steps[k].status <= DUTY_STEP_LASTS)
				return "a step is not over";
	}
	for (size_t i = 0; i < s->order_count; i++)
		if (s->orders[i].state == DUTY_ORDER_PROPOSED ||
		    s->orders[i].state == DUTY_ORDER_HOLDS)
			return "an order does not end";
	for (size_t i = 0; i < s->ledger->count; i++)
		if ((s->fates[i].effects == 0) == (*s->fates[i].why == '\0'))
			return "an entry is lost, or did something and is said not to";
	return NULL;
}

/* From each reachable state under each order of events an end is reached: each pair of moves, each
 * at moments before, at and behind the deadlines, and then nothing until all clocks are over. */
static void each_path_of_two_moves_ends(struct test *t)
{
	for (size_t one = 0; one < MOVES; one++) {
		struct world w;

		EXPECT(t, world_begin(&w, DUTY));
		for (size_t k = 0; k < MOVES * EARLY * MOMENTS; k++) {
			struct arena a = {.pool = &w.pool};
			struct world x = w;
			const char *why;

			x.a = a;
			x.text = buf_in(&x.a);
			buf_add(&x.text, buf_slice(&w.text));
			say(&x, 0, ASK);
			say(&x, early[k % EARLY], moves[one]);
			say(&x, moments[k / EARLY % MOMENTS], moves[k / EARLY / MOMENTS]);
			EXPECT(t, look(&x, FOREVER));
			why = trouble(&x);
			if (why != NULL) {
				test_fail(t, __FILE__, __LINE__, "%s: %.*s", why,
					  SLICE_ARG(buf_slice(&x.text)));
				return;
			}
			arena_reset(&x.a);
		}
		world_end(&w);
	}
}

static void tell_some(struct test *t, struct world *w, size_t n, bool backwards)
{
	uint64_t seed[12][2];

	for (size_t i = 0; i < n; i++) {
		seed[i][0] = test_rand(t);
		seed[i][1] = test_rand(t);
	}
	for (size_t i = 0; i < n; i++) {
		const uint64_t *s = seed[backwards ? n - 1 - i : i];

		say(w, moments[s[0] % MOMENTS] + (int64_t)(s[0] >> 32) % HOUR, moves[s[1] % MOVES]);
	}
	say(w, 0, ASK);
}

static bool same(const struct duty_state *a, const struct duty_state *b)
{
	if (a->case_count != b->case_count || a->order_count != b->order_count ||
	    a->ledger->count != b->ledger->count)
		return false;
	for (size_t i = 0; i < a->case_count; i++) {
		const struct duty_case *x = &a->cases[i], *y = &b->cases[i];

		if (x->outcome != y->outcome || x->ended.ns != y->ended.ns ||
		    x->signs.ns != y->signs.ns || x->delivered.ns != y->delivered.ns ||
		    x->started.ns != y->started.ns)
			return false;
		for (size_t k = 0; k < duty_of(a, x)->step_count; k++)
			if (x->steps[k].status != y->steps[k].status ||
			    x->steps[k].at.ns != y->steps[k].at.ns ||
			    x->steps[k].due.ns != y->steps[k].due.ns)
				return false;
		for (size_t k = 0; k < duty_of(a, x)->lest_count; k++)
			if (x->lest[k].effect != y->lest[k].effect ||
			    x->lest[k].at.ns != y->lest[k].at.ns)
				return false;
	}
	for (size_t i = 0; i < a->order_count; i++)
		if (a->orders[i].state != b->orders[i].state ||
		    a->orders[i].until.ns != b->orders[i].until.ns)
			return false;
	for (size_t i = 0; i < a->ledger->count; i++)
		if (a->fates[i].effects != b->fates[i].effects)
			return false;
	return true;
}

static void longer_paths_end_too_and_order_means_nothing(struct test *t)
{
	for (int round = 0; round < 1000; round++) {
		uint64_t before = t->rng;
		struct world w, v;
		const char *why;
		size_t n = 3 + (size_t)(test_rand(t) % 9);
		uint64_t mid = t->rng;

		EXPECT(t, world_begin(&w, DUTY) && world_begin(&v, DUTY));
		tell_some(t, &w, n, false);
		t->rng = mid;
		tell_some(t, &v, n, true);
		EXPECT(t, look(&w, FOREVER) && look(&v, FOREVER));
		why = trouble(&w);
		if (why != NULL || !same(w.s, v.s)) {
			test_fail(t, __FILE__, __LINE__, "%s, rng %llx: %.*s",
				  why ? why : "another order, another state",
				  (unsigned long long)before, SLICE_ARG(buf_slice(&w.text)));
			return;
		}
		world_end(&w);
		world_end(&v);
	}
}

/* The entries up to a moment tell of that moment whatever comes behind them; and what had ended by
 * then stays as it was, but for being done after all. */
static void what_comes_later_does_not_change_what_was(struct test *t)
{
	for (int round = 0; round < 500; round++) {
		struct world w;
		struct duty_state *past, *cut, *end;
		struct duty_ledger half;
		struct wall_ns at;

		EXPECT(t, world_begin(&w, DUTY));
		tell_some(t, &w, 3 + (size_t)(test_rand(t) % 9), false);
		EXPECT(t, look(&w, FOREVER));
		end = w.s;
		at = w.ledger.entries[test_rand(t) % w.ledger.count].at;
		half = w.ledger;
		while (half.entries[half.count - 1].at.ns > at.ns)
			half.count--;
		EXPECT(t, duty_run(&w.ledger, w.treaties, 1, at, &w.a, &past, &w.why) == ST_OK);
		EXPECT(t, duty_run(&half, w.treaties, 1, at, &w.a, &cut, &w.why) == ST_OK);
		past->ledger = &half; /* its other entries are later than that */
		EXPECT(t, same(past, cut));
		for (size_t i = 0; i < past->case_count; i++) {
			enum duty_outcome was = past->cases[i].outcome, is = end->cases[i].outcome;

			EXPECT(t, was == DUTY_OPEN || was == is || is == DUTY_LATE);
			for (size_t k = 0; k < duty_of(past, &past->cases[i])->lest_count; k++)
				EXPECT(t, past->cases[i].lest[k].effect == DUTY_NO_EFFECT ||
						  end->cases[i].lest[k].effect != DUTY_NO_EFFECT);
		}
		world_end(&w);
	}
}

/* Memory that ends at any place is said, and all of it goes back. */
static void memory_may_end_anywhere(struct test *t)
{
	bool enough = false;

	for (size_t after = 1; !enough; after++) {
		struct world w;
		struct duty_report report;
		struct duty_state *s;
		struct claim_set claims;
		struct arena_pool pool = {.budget = 8 << 20, .fail_after = after};
		struct arena a = {.pool = &pool};
		enum status st;

		EXPECT(t, world_begin(&w, DUTY));
		say(&w, 0, ASK);
		for (size_t i = 0; i < MOVES; i++)
			say(&w, 3 * DAY, moves[i]);
		EXPECT(t, look(&w, FOREVER));
		st = duty_run(&w.ledger, w.treaties, 1, (struct wall_ns){INT64_MAX}, &a, &s,
			      &w.why);
		if (st == ST_OK)
			st = duty_report(s, &a, &report, &w.why);
		if (st == ST_OK)
			st = duty_claims(s, &s->cases[0], &a, &claims, &w.why);
		enough = st == ST_OK;
		EXPECT(t, enough || st == ST_NOMEM);
		arena_reset(&a);
		EXPECT_UINT(t, pool.out, 0);
		arena_pool_drain(&pool);
		world_end(&w);
	}
}

TESTS(T(each_path_of_two_moves_ends), T(longer_paths_end_too_and_order_means_nothing),
      T(what_comes_later_does_not_change_what_was), T(memory_may_end_anywhere))
