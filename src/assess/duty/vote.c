/* SPDX-License-Identifier: Apache-2.0
 *
 * Votes: whether a request goes ahead where the clause lets others decide.
 *
 * In the positive manner (CTBT: 30 of 51) a request goes ahead when so many are for it, and not at
 * all if that does not happen in time. In the negative manner (CWC: three quarters against) it goes
 * ahead when the time is over, unless so many are against it by then: silence cannot block. A
 * party may change its vote until the matter is settled; a threshold that is reached settles it.
 */
#include "assess/duty/duty_priv.h"

bool duty_is_quorum(struct treaty_share share, size_t votes, size_t electors)
{
	/* at most 1024 parties, and shares of at most 9999 */
	return electors != 0 && votes * share.of >= electors * share.n;
}

struct ballot {
	uint8_t *said; /* of each party: 0 nothing, 1 for, 2 against */
	struct slice but, and_but;
};

static const char *cast(struct duty_walk *w, struct duty_motion *m, struct ballot *b,
			const struct duty_entry *e)
{
	size_t who = duty_party_find(w->s, e->party);
	const struct duty_entry *request = &w->s->ledger->entries[w->request->entry];

	if (m->outcome != DUTY_OPEN)
		return "the vote was over";
	if (!duty_is_bound(w->s, m->treaty, e->party, request->at) ||
	    slice_equal(e->party, b->but) || slice_equal(e->party, b->and_but))
		return "it has no vote in this";
	m->in_favour -= b->said[who] == 1;
	m->against -= b->said[who] == 2;
	b->said[who] = e->u.in_favour ? 1 : 2;
	m->in_favour += e->u.in_favour;
	m->against += !e->u.in_favour;
	return NULL;
}

static void settle(struct duty_motion *m, enum duty_outcome outcome, struct wall_ns at)
{
	m->outcome = outcome;
	m->at = at;
}

/* What stands when the time is over. */
static void close_at(struct duty_motion *m, const struct treaty_decision *d, struct wall_ns t,
		     struct wall_ns end)
{
	if (m->outcome == DUTY_OPEN && end.ns < t.ns)
		settle(m, d->against ? DUTY_MET : DUTY_VOTED_OUT, end);
}

bool duty_motion_run(struct duty_walk *w, struct duty_motion *m)
{
	static const struct duty_calendar utc = {0};
	const struct treaty_decision *d =
		&treaty_clause_duty(w->s->treaties[m->treaty], m->clause)->decide;
	const struct duty_entry *request = &w->s->ledger->entries[w->request->entry];
	struct wall_ns end = duty_span_end(&utc, request->at, d->within);
	struct ballot b = {.said = ARENA_ARRAY(w->a, uint8_t, w->s->party_count + 1)};

	if (b.said == NULL)
		return false;
	if (d->others) {
		b.but = request->party;
		b.and_but = request->u.request.to;
	}
	m->electors = duty_electors(w->s, m->treaty, request->at, b.but, b.and_but);
	m->at = end;
	for (size_t i = 0; i < w->count; i++) {
		const struct duty_entry *e = duty_entry_at(w, i);

		if (e->word != DUTY_VOTE || e->order.len != 0 || e->at.ns < request->at.ns)
			continue;
		close_at(m, d, e->at, end);
		duty_fate_add(w->s, w->stream[i], cast(w, m, &b, e), false);
		if (m->outcome == DUTY_OPEN &&
		    duty_is_quorum(d->share, d->against ? m->against : m->in_favour, m->electors))
			settle(m, d->against ? DUTY_VOTED_OUT : DUTY_MET, e->at);
	}
	close_at(m, d, w->s->as_of, end);
	return true;
}
