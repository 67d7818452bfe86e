/* SPDX-License-Identifier: Apache-2.0
 *
 * assess/duty/duty_priv.h - the parts of a run: bond.c (who is bound), run.c (which cases),
 * vote.c (whether a request goes ahead), case.c (the machine of states), answer.c (what turns it),
 * order.c (throttling).
 */
#ifndef DEW_ASSESS_DUTY_PRIV_H
#define DEW_ASSESS_DUTY_PRIV_H

#include "assess/duty/duty.h"

enum { DUTY_DAY_S = 86400 };

struct duty_bond { /* a party joined an instrument, or left it */
	struct slice instrument, party;
	struct wall_ns at;
	bool joined;
};

struct duty_walk { /* what the entries of one request meet */
	struct duty_state *s;
	const struct duty_request *request;
	const uint32_t *stream; /* its entries, in their order, itself among them */
	size_t count;
	struct arena *a;
	struct treaty_lanes *room; /* one for each term of the largest treaty */
};

static inline const struct duty_entry *duty_entry_at(const struct duty_walk *w, size_t i)
{
	return &w->s->ledger->entries[w->stream[i]];
}

/* What an entry did; why: NULL when it did something. The first reason of one that did nothing
 * stays, but gives way to a better one than "nobody asked you". */
void duty_fate_add(struct duty_state *s, size_t entry, const char *why, bool weak);

/* Fill in who is named, and who joined what: before all that follows. ST_LIMIT, ST_NOMEM. */
MUST_USE enum status duty_parties_find(struct duty_state *s, struct arena *a, struct fail *why);
MUST_USE enum status duty_bonds_find(struct duty_state *s, struct arena *a, struct fail *why);

/* The calendar of a party as it stood in the ledger then. */
struct duty_calendar duty_calendar_of(const struct duty_state *s, struct slice party,
				      struct wall_ns at);
size_t duty_party_find(const struct duty_state *s, struct slice party); /* SIZE_MAX: none */
/* How many are bound by the treaty then, but for these two ("": nobody); and whether one of them
 * is. */
size_t duty_electors(const struct duty_state *s, size_t treaty, struct wall_ns at, struct slice but,
		     struct slice and_but);
/* n of `of` of them, or more. Never of nobody. */
bool duty_is_quorum(struct treaty_share share, size_t votes, size_t electors);

struct duty_machine { /* a case that runs: case.c */
	struct duty_case *c;
	const struct treaty_duty *d;
	const struct duty_entry *request;
	struct duty_calendar calendar; /* as it stood when the request came */
};

bool duty_names_hold(struct duty_names n, struct slice name);

/* ---- case.c's machine, for answer.c ---- */
size_t duty_step_count(const struct duty_machine *m, enum duty_step_status status);
bool duty_all_done(const struct duty_machine *m); /* what lasts and never began is no deed */
void duty_step_turn(struct duty_step *s, enum duty_step_status status, struct wall_ns at);
void duty_begin_behind(struct duty_machine *m, size_t step, struct wall_ns at);
void duty_drop_behind(struct duty_machine *m, size_t step, struct wall_ns at);
void duty_resume(struct duty_machine *m, struct wall_ns at); /* ends a pause */
void duty_settle(struct duty_machine *m, struct wall_ns at); /* ends the case if nothing is left */

bool duty_is_answer(enum duty_word word); /* it is about a case */
/* The i-th entry of the stream meets the case. */
void duty_answer(struct duty_walk *w, struct duty_machine *m, size_t i);

/* Each false when memory is spent. */
MUST_USE bool duty_motion_run(struct duty_walk *w, struct duty_motion *m);
MUST_USE bool duty_case_run(struct duty_walk *w, struct duty_case *c);
MUST_USE bool duty_orders_run(struct duty_walk *w);

#endif
