/* SPDX-License-Identifier: Apache-2.0
 *
 * A ledger for tests: lines with times in minutes from Monday, 5 January 2026, 0:00 UTC, run under
 * one treaty.
 */
#ifndef DEW_ASSESS_DUTY_LEDGER_TEST_H
#define DEW_ASSESS_DUTY_LEDGER_TEST_H

#include "assess/duty/duty.h"
#include "test.h"

enum { HOUR = 60, DAY = 24 * HOUR, FOREVER = -1 };
#define TEST_START INT64_C(1767571200) /* 2026-01-05T00:00:00Z, a Monday */

#define HEAD                                                                                       \
	"instrument x \"X\"\nsource \"s\" mark V\nin-force between-parties\n"                      \
	"standard high 0.75\nstandard low 0.3\nterm a \"A\"\nterm b \"B\" open\n"                  \
	"clause x.1 \"C\"\nproof high\nwhen a\n"

struct world {
	struct arena_pool pool;
	struct arena a;
	struct buf text, problems;
	struct treaty *t;
	const struct treaty *treaties[1];
	struct duty_ledger ledger;
	struct duty_state *s;
	struct fail why;
};

static inline void world_end(struct world *w)
{
	arena_reset(&w->a);
	arena_pool_drain(&w->pool);
}

static inline void say(struct world *w, int64_t minutes, const char *rest)
{
	char time[TIME_TEXT_MAX];
	struct wall_ns at = {(TEST_START + minutes * 60) * TIME_NS_PER_S};

	buf_add_fmt(&w->text, "{\"at\":\"%s\",%s}\n",
		    (const char *)time_format_rfc3339(at, time).ptr, rest);
}

/* A and B, and C, are bound long before. */
static inline bool world_begin(struct world *w, const char *treaty)
{
	*w = (struct world){.pool = {.budget = 64 << 20}};
	w->a.pool = &w->pool;
	w->text = buf_in(&w->a);
	w->problems = buf_in(&w->a);
	say(w, -DAY, "\"entry\":\"join\",\"party\":\"A\",\"instrument\":\"x\"");
	say(w, -DAY, "\"entry\":\"join\",\"party\":\"B\",\"instrument\":\"x\"");
	say(w, -DAY, "\"entry\":\"join\",\"party\":\"C\",\"instrument\":\"x\"");
	if (treaty_compile(SLICE("t"), slice_of(treaty), &w->a, &w->t, &w->problems, &w->why) !=
	    ST_OK)
		return false;
	w->treaties[0] = w->t;
	return true;
}

#define ASK "\"entry\":\"request\",\"id\":\"R\",\"kind\":\"stop\",\"from\":\"A\",\"to\":\"B\""
#define BY_B ",\"party\":\"B\",\"request\":\"R\""
#define BY_A ",\"party\":\"A\",\"request\":\"R\""

/* Looks from so many minutes on; FOREVER: when all has ended. */
static inline bool look(struct world *w, int64_t minutes)
{
	struct wall_ns at = {minutes == FOREVER ? INT64_MAX
						: (TEST_START + minutes * 60) * TIME_NS_PER_S};

	return duty_read(SLICE("l"), buf_slice(&w->text), &w->a, &w->ledger, &w->problems,
			 &w->why) == ST_OK &&
	       duty_run(&w->ledger, w->treaties, 1, at, &w->a, &w->s, &w->why) == ST_OK;
}

static inline int64_t minutes_of(struct wall_ns at)
{
	return (at.ns / TIME_NS_PER_S - TEST_START) / 60;
}

/* Why the last entry of that word did nothing; "" if it did. */
static inline const char *fate_of(const struct world *w, enum duty_word word)
{
	for (size_t i = w->ledger.count; i-- > 0;)
		if (w->ledger.entries[i].word == word)
			return w->s->fates[i].effects ? "" : w->s->fates[i].why;
	return "there is none";
}

#endif
