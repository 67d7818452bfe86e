/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as a ledger: errors that say where, or a run in which every case ends, no entry is
 * lost, and what came later changes nothing of what was. */
#include "assess/duty/duty_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char text[] =
	"instrument x \"X\"\nsource \"s\" mark V\nin-force between-parties\nstandard low 0.3\n"
	"term a \"A\" open\nclause x.1 \"C\"\nproof high 0.75\nwhen a\n"
	"duty x.2 \"D\"\nbearer each-party\non request kind stop from party\nproof low\n"
	"must acknowledge within 1h\nmust act within 24h after acknowledge\nmust hold for 60d\n"
	"may refuse ground security, own-law giving reasons\nmay extend by 10wd\nmay pause for "
	"30d\n"
	"lest record no-answer\nlest presume x.1 respondent-shows a\n"
	"lest throttle keep 1 of 10 for 24h exempt health by 1 of 2\n"
	"duty x.3 \"E\"\nbearer requested-party\non request kind assist from anybody\n"
	"must answer no-number\n"
	"duty x.4 \"F\"\nbearer territory-state\non request kind inspect from party\n"
	"decide against 3 of 4 by others within 12h\nmust admit within 1mo\nlest record blocked\n";

static void check_ends(const struct duty_state *s)
{
	for (size_t i = 0; i < s->case_count; i++) {
		const struct duty_case *c = &s->cases[i];

		ASSERT(c->outcome != DUTY_OPEN && c->ended.ns >= c->started.ns);
		for (size_t k = 0; c->steps != NULL && c->outcome != DUTY_VOTED_OUT &&
				   c->outcome != DUTY_WITHDRAWN && k < duty_of(s, c)->step_count;
		     k++)
			ASSERT(c->steps[k].status > DUTY_STEP_LASTS);
	}
	for (size_t i = 0; i < s->order_count; i++)
		ASSERT(s->orders[i].state != DUTY_ORDER_PROPOSED &&
		       s->orders[i].state != DUTY_ORDER_HOLDS);
	for (size_t i = 0; i < s->ledger->count; i++)
		ASSERT((s->fates[i].effects == 0) != (*s->fates[i].why == '\0'));
}

/* Looking from the middle of the ledger is looking at its first half. */
static void check_past(const struct duty_ledger *l, const struct treaty *const *t, struct arena *a)
{
	struct duty_ledger half = *l;
	struct duty_state *whole, *part;
	struct wall_ns at = l->entries[l->count / 2].at;
	struct fail why;

	while (half.count > 0 && half.entries[half.count - 1].at.ns > at.ns)
		half.count--;
	if (duty_run(l, t, 1, at, a, &whole, &why) != ST_OK ||
	    duty_run(&half, t, 1, at, a, &part, &why) != ST_OK)
		return;
	ASSERT(whole->case_count == part->case_count && whole->order_count == part->order_count);
	for (size_t i = 0; i < part->case_count; i++)
		ASSERT(whole->cases[i].outcome == part->cases[i].outcome &&
		       whole->cases[i].ended.ns == part->cases[i].ended.ns);
	for (size_t i = 0; i < part->order_count; i++)
		ASSERT(whole->orders[i].state == part->orders[i].state);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena_pool pool = {.budget = 32 << 20};
	struct arena a = {.pool = &pool};
	struct buf problems = buf_in(&a);
	struct duty_ledger l = {0};
	struct duty_state *s;
	struct duty_report report;
	struct fail why = {0};
	struct treaty *t;
	const struct treaty *treaties[1];
	enum status st = treaty_compile(SLICE("t"), slice_of(text), &a, &t, NULL, &why);

	ASSERT(st == ST_OK);
	treaties[0] = t;
	st = duty_read(SLICE("f"), (struct slice){data, size}, &a, &l, &problems, &why);
	if (st != ST_OK) {
		ASSERT(why.status == st && why.text[0] == 'f' && why.text[1] == ':');
		ASSERT(st != ST_INVALID || problems.len > 0);
	} else if (duty_run(&l, treaties, 1, (struct wall_ns){INT64_MAX}, &a, &s, &why) == ST_OK) {
		check_ends(s);
		if (duty_report(s, &a, &report, &why) == ST_OK)
			for (size_t i = 0; i < report.party_count; i++)
				ASSERT(report.parties[i].loophole >= 0 &&
				       report.parties[i].loophole <= 1000);
		if (l.count != 0)
			check_past(&l, treaties, &a);
	}
	arena_reset(&a);
	arena_pool_drain(&pool);
	return 0;
}
