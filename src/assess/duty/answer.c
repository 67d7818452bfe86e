/* SPDX-License-Identifier: Apache-2.0
 *
 * What each entry does to a case: one function a word, and the table of who may say it. A function
 * returns NULL, or why the entry did nothing. The machine that it turns is case.c's.
 */
#include "assess/duty/duty_priv.h"

static const char *const over = "the case had ended by then";

static const char *do_step(struct duty_machine *m, size_t i, struct wall_ns at)
{
	struct duty_step *s = &m->c->steps[i];

	if (m->d->steps[i].pace == TREATY_LASTING)
		return "what lasts is kept by itself";
	switch (s->status) {
	case DUTY_STEP_RUNS:
		duty_step_turn(s, DUTY_STEP_DONE, at);
		duty_begin_behind(m, i, at);
		return NULL;
	case DUTY_STEP_MISSED:
	case DUTY_STEP_DROPPED:
	case DUTY_STEP_REFUSED:
		duty_step_turn(s, DUTY_STEP_LATE, at);
		return NULL;
	case DUTY_STEP_WAITS:
		return "what comes before it was not done";
	default:
		return "it was done before";
	}
}

static const char *apply_done(struct duty_machine *m, const struct duty_entry *e)
{
	struct duty_case *c = m->c;
	const char *why = "the duty has no such step";
	bool any = false;

	if (c->outcome == DUTY_WITHDRAWN)
		return "the request had been withdrawn";
	duty_resume(m, e->at); /* who does it lacks nothing */
	for (size_t i = 0; i < m->d->step_count; i++) {
		const char *w;

		if (!duty_names_hold(e->u.deed.steps, m->d->steps[i].verb))
			continue;
		w = do_step(m, i, e->at);
		any |= w == NULL;
		why = w ? w : why;
	}
	if (!any)
		return why;
	if (c->decided.ns == 0)
		c->decided = e->at;
	if (duty_all_done(m) && c->delivered.ns == 0)
		c->delivered = e->at;
	duty_settle(m, e->at);
	if (c->outcome != DUTY_OPEN && duty_all_done(m) && duty_step_count(m, DUTY_STEP_LATE) != 0)
		c->outcome = DUTY_LATE;
	return NULL;
}

static bool is_ground(const struct treaty_duty *d, struct slice ground)
{
	for (size_t i = 0; i < d->ground_count; i++)
		if (slice_equal(d->grounds[i], ground))
			return true;
	return false;
}

static void refuse_step(struct duty_machine *m, size_t i, bool listed, struct wall_ns at)
{
	if (listed)
		duty_step_turn(&m->c->steps[i], DUTY_STEP_REFUSED, at);
	else if (m->c->steps[i].status == DUTY_STEP_RUNS && m->d->steps[i].pace == TREATY_NO_NUMBER)
		duty_step_turn(&m->c->steps[i], DUTY_STEP_MISSED, at);
	duty_drop_behind(m, i, at);
}

static const char *apply_refuse(struct duty_machine *m, const struct duty_entry *e)
{
	struct duty_case *c = m->c;
	bool listed = is_ground(m->d, e->u.refusal.ground), any = false;

	if (c->outcome != DUTY_OPEN)
		return over;
	for (size_t i = 0; i < m->d->step_count; i++)
		if ((c->steps[i].status == DUTY_STEP_RUNS ||
		     c->steps[i].status == DUTY_STEP_WAITS) &&
		    (e->u.refusal.steps.count == 0 ||
		     duty_names_hold(e->u.refusal.steps, m->d->steps[i].verb))) {
			any = true;
			refuse_step(m, i, listed, e->at);
		}
	if (!any)
		return "nothing was left to refuse";
	if (c->decided.ns == 0)
		c->decided = e->at;
	if (listed) {
		c->why = e->u.refusal.ground;
		c->reasons_missing |= m->d->giving_reasons && e->u.refusal.reasons.len == 0;
	} else {
		c->groundless = e->at;
		c->said = e->u.refusal.ground;
	}
	duty_settle(m, e->at);
	return NULL;
}

static bool move_deadlines(struct duty_machine *m, struct treaty_span by)
{
	bool any = false;

	for (size_t i = 0; i < m->d->step_count; i++) {
		struct duty_step *s = &m->c->steps[i];

		if (s->status != DUTY_STEP_RUNS || s->due.ns == INT64_MAX)
			continue;
		s->due = duty_span_end(&m->calendar, s->due, by);
		any = true;
	}
	return any;
}

static const char *apply_extend(struct duty_machine *m, const struct duty_entry *e)
{
	(void)e; /* who said it was asked before */
	if (m->c->outcome != DUTY_OPEN)
		return over;
	if (m->d->extend.n == 0)
		return "the clause grants no extension";
	if (m->c->extended)
		return "it was extended before";
	if (!move_deadlines(m, m->d->extend))
		return "no deadline runs that it could move";
	m->c->extended = true;
	return NULL;
}

static const char *apply_grant(struct duty_machine *m, const struct duty_entry *e)
{
	static const struct duty_calendar utc = {0};
	struct treaty_span year = {.n = 1, .unit = TREATY_YEARS};

	if (m->c->outcome != DUTY_OPEN)
		return over;
	if (m->c->grants == DUTY_GRANTS_MAX)
		return "more time was granted eight times";
	if (duty_span_end(&utc, e->at, e->u.by).ns > duty_span_end(&utc, e->at, year).ns)
		return "more than a year cannot be granted at once";
	if (!move_deadlines(m, e->u.by))
		return "no deadline runs that it could move";
	m->c->grants++;
	return NULL;
}

static const char *apply_incomplete(struct duty_machine *m, const struct duty_entry *e)
{
	if (m->c->outcome != DUTY_OPEN)
		return over;
	if (m->d->pause.n == 0)
		return "the clause lets nobody stop the clock";
	if (m->c->paused)
		return "the clock stood still already";
	if (m->c->pause_left_ns <= 0)
		return "all that the clause grants was used up";
	if (duty_step_count(m, DUTY_STEP_RUNS) == 0)
		return "no clock runs";
	m->c->paused = true;
	m->c->paused_at = e->at;
	return NULL;
}

static const char *apply_complete(struct duty_machine *m, const struct duty_entry *e)
{
	if (m->c->outcome != DUTY_OPEN)
		return over;
	if (!m->c->paused)
		return "no clock stood still";
	duty_resume(m, e->at);
	return NULL;
}

static const char *apply_unable(struct duty_machine *m, const struct duty_entry *e)
{
	if (m->c->outcome != DUTY_OPEN)
		return over;
	m->c->unable = true;
	m->c->said = m->c->groundless.ns ? m->c->said : e->u.phrase;
	return NULL;
}

static const char *apply_offer(struct duty_machine *m, const struct duty_entry *e)
{
	(void)e; /* what was offered stands in the ledger */
	if (m->c->outcome != DUTY_OPEN)
		return over;
	m->c->offered = true;
	return NULL;
}

static const char *answer_offer(struct duty_machine *m, bool yes)
{
	if (m->c->outcome != DUTY_OPEN)
		return over;
	if (!m->c->offered)
		return "no help had been offered";
	m->c->accepted = yes;
	m->c->declined = !yes;
	return NULL;
}

static const char *apply_accept(struct duty_machine *m, const struct duty_entry *e)
{
	(void)e; /* that it was said is all */
	return answer_offer(m, true);
}

static const char *apply_decline(struct duty_machine *m, const struct duty_entry *e)
{
	(void)e; /* that it was said is all */
	return answer_offer(m, false);
}

static const char *apply_lost(struct duty_machine *m, const struct duty_entry *e)
{
	bool any = false;

	if (m->c->outcome != DUTY_OPEN)
		return over;
	for (size_t i = 0; i < m->d->step_count; i++)
		if (m->c->steps[i].status == DUTY_STEP_LASTS &&
		    duty_names_hold(e->u.deed.steps, m->d->steps[i].verb)) {
			duty_step_turn(&m->c->steps[i], DUTY_STEP_BROKEN, e->at);
			any = true;
		}
	duty_settle(m, e->at);
	return any ? NULL : "nothing of that name was kept then";
}

static const char *apply_contest(struct duty_machine *m, const struct duty_entry *e)
{
	bool any = false;

	for (size_t i = 0; i < m->d->step_count; i++) {
		struct duty_step *s = &m->c->steps[i];

		if ((s->status == DUTY_STEP_DONE || s->status == DUTY_STEP_LATE ||
		     s->status == DUTY_STEP_KEPT || s->status == DUTY_STEP_LASTS) &&
		    duty_names_hold(e->u.deed.steps, m->d->steps[i].verb)) {
			s->contested = true;
			any = true;
		}
	}
	return any ? NULL : "nothing of that name is said to have been done";
}

static const char *apply_show(struct duty_machine *m, const struct duty_entry *e)
{
	(void)m; /* read when all entries are: rebut() */
	(void)e;
	return NULL;
}

static const char *apply_withdraw(struct duty_machine *m, const struct duty_entry *e)
{
	if (m->c->outcome != DUTY_OPEN)
		return over;
	for (size_t i = 0; i < m->d->step_count; i++)
		if (m->c->steps[i].status <= DUTY_STEP_LASTS)
			duty_step_turn(&m->c->steps[i], DUTY_STEP_DROPPED, e->at);
	m->c->outcome = DUTY_WITHDRAWN;
	m->c->ended = e->at;
	return NULL;
}

enum who { NOBODY, BEARER, ASKER, HELPER };

static const struct act {
	enum who who;
	const char *(*apply)(struct duty_machine *m, const struct duty_entry *e);
} acts[DUTY_WORDS] = {
	[DUTY_INCOMPLETE] = {BEARER, apply_incomplete},
	[DUTY_COMPLETE] = {ASKER, apply_complete},
	[DUTY_EXTEND] = {BEARER, apply_extend},
	[DUTY_GRANT] = {ASKER, apply_grant},
	[DUTY_UNABLE] = {BEARER, apply_unable},
	[DUTY_OFFER] = {HELPER, apply_offer},
	[DUTY_ACCEPT] = {BEARER, apply_accept},
	[DUTY_DECLINE] = {BEARER, apply_decline},
	[DUTY_DONE] = {BEARER, apply_done},
	[DUTY_REFUSE] = {BEARER, apply_refuse},
	[DUTY_LOST] = {BEARER, apply_lost},
	[DUTY_CONTEST] = {ASKER, apply_contest},
	[DUTY_SHOW] = {BEARER, apply_show},
	[DUTY_WITHDRAW] = {ASKER, apply_withdraw},
};

/* Why this party may not say that here; NULL: it may. */
static const char *bar_of(const struct duty_machine *m, const struct duty_entry *e)
{
	bool bearer = slice_equal(e->party, m->c->bearer);

	switch (acts[e->word].who) {
	case BEARER:
		return bearer ? NULL : "only who is asked can say that";
	case ASKER:
		return slice_equal(e->party, m->request->party) ? NULL
								: "only who asked can say that";
	default:
		return bearer ? "nobody helps himself" : NULL;
	}
}

void duty_answer(struct duty_walk *w, struct duty_machine *m, size_t i)
{
	const struct duty_entry *e = duty_entry_at(w, i);
	const char *why = bar_of(m, e);
	bool early = e->at.ns < m->c->started.ns || m->c->steps[0].status == DUTY_STEP_WAITS;

	if (why != NULL) {
		duty_fate_add(w->s, w->stream[i], why, true);
		return;
	}
	if (slice_equal(e->party, m->c->bearer) && m->c->signs.ns == 0)
		m->c->signs = e->at;
	if (m->c->outcome == DUTY_VOTED_OUT)
		why = "those who decide did not let it go ahead";
	else if (early && e->word != DUTY_WITHDRAW)
		why = "it was not decided yet whether the request goes ahead";
	else
		why = acts[e->word].apply(m, e);
	duty_fate_add(w->s, w->stream[i], why, false);
}

bool duty_is_answer(enum duty_word word)
{
	return acts[word].who != NOBODY;
}
