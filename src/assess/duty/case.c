/* SPDX-License-Identifier: Apache-2.0
 *
 * One duty of one bearer, from the request to its end.
 *
 * Invariants:
 * 1. Every case ends. Each step that is not over has a time at which it is over by itself: its
 *    deadline, the end of what lasts, or DUTY_REVIEW_MAX days where no number was agreed. Entries
 *    move that time only forwards, each kind so many times at most: one extension that the text
 *    grants, pauses of a length that it grants in all, DUTY_GRANTS_MAX grants of a year at most.
 * 2. What ended stays ended. Only one thing may still change: what was missed or refused is done
 *    after all, and the outcome becomes DUTY_LATE. What had followed by then stays on record.
 * 3. What is to happen by itself before the time of an entry has happened when the entry is read;
 *    what is due at that very moment has not.
 * 4. A refusal counts on a ground that the clause lists, and on no other. Any other word leaves the
 *    deadlines as they are; where there is none, nothing is left to wait for.
 *
 *   step        waits --begin--> runs --done--> done          lasts --keep--> kept
 *                 |               | \--miss--> missed --done--> late     \--lost--> broken
 *                 +---refuse------+----------> refused --done--> late
 *                 \--drop (what it waits for was missed, or the request is withdrawn)--> dropped
 *
 *   case        open --settle--> met measured late refused groundless silent undone unable
 *                 \--withdraw--> withdrawn      not owed and voted out: run.c, vote.c
 */
#include "assess/duty/duty_priv.h"

const char *const duty_step_names[DUTY_STEP_STATUSES] = {
	[DUTY_STEP_WAITS] = "waits",	 [DUTY_STEP_RUNS] = "runs",
	[DUTY_STEP_LASTS] = "lasts",	 [DUTY_STEP_DONE] = "done",
	[DUTY_STEP_KEPT] = "kept",	 [DUTY_STEP_LATE] = "late",
	[DUTY_STEP_MISSED] = "missed",	 [DUTY_STEP_BROKEN] = "broken",
	[DUTY_STEP_REFUSED] = "refused", [DUTY_STEP_DROPPED] = "dropped",
};
const char *const duty_outcome_names[DUTY_OUTCOMES] = {
	[DUTY_OPEN] = "open",
	[DUTY_NOT_OWED] = "not owed",
	[DUTY_VOTED_OUT] = "voted out",
	[DUTY_WITHDRAWN] = "withdrawn",
	[DUTY_MET] = "met",
	[DUTY_MEASURED] = "done, measured",
	[DUTY_LATE] = "late",
	[DUTY_REFUSED] = "refused",
	[DUTY_GROUNDLESS] = "refused on no ground",
	[DUTY_SILENT] = "silent",
	[DUTY_UNDONE] = "not done",
	[DUTY_INCAPABLE] = "unable",
};
const char *const duty_will_names[DUTY_WILLS] = {
	[DUTY_UNTOLD] = "untold", [DUTY_WILLING] = "willing",	 [DUTY_EXCUSED] = "excused",
	[DUTY_CANNOT] = "unable", [DUTY_WILL_NOT] = "unwilling",
};
const char *const duty_effect_names[DUTY_EFFECTS] = {
	[DUTY_NO_EFFECT] = "none",
	[DUTY_FOLLOWS] = "follows",
	[DUTY_REBUTTED] = "rebutted",
	[DUTY_WITHHELD] = "withheld",
};

enum duty_will duty_will_of(enum duty_outcome o)
{
	static const enum duty_will wills[DUTY_OUTCOMES] = {
		[DUTY_MET] = DUTY_WILLING,	   [DUTY_MEASURED] = DUTY_WILLING,
		[DUTY_LATE] = DUTY_WILLING,	   [DUTY_REFUSED] = DUTY_EXCUSED,
		[DUTY_GROUNDLESS] = DUTY_WILL_NOT, [DUTY_UNDONE] = DUTY_WILL_NOT,
		[DUTY_INCAPABLE] = DUTY_CANNOT,
	};

	return wills[o];
}

struct machine {
	struct duty_case *c;
	const struct treaty_duty *d;
	const struct duty_entry *request;
	struct duty_calendar calendar; /* as it stood when the request came */
};

static struct wall_ns later(struct wall_ns t, int64_t ns)
{
	struct wall_ns out = {INT64_MAX};

	if (!__builtin_add_overflow(t.ns, ns, &out.ns))
		return out;
	return (struct wall_ns){INT64_MAX};
}

/* ---- ends ----------------------------------------------------------------------------------- */

static size_t count_of(const struct machine *m, enum duty_step_status status)
{
	size_t n = 0;

	for (size_t i = 0; i < m->d->step_count; i++)
		n += m->c->steps[i].status == status;
	return n;
}

static bool is_over(const struct machine *m)
{
	return count_of(m, DUTY_STEP_WAITS) + count_of(m, DUTY_STEP_RUNS) +
		       count_of(m, DUTY_STEP_LASTS) ==
	       0;
}

/* All that can be done was done; what lasts and never began is no deed. */
static bool all_done(const struct machine *m)
{
	for (size_t i = 0; i < m->d->step_count; i++) {
		enum duty_step_status s = m->c->steps[i].status;

		if (s == DUTY_STEP_DROPPED && m->d->steps[i].pace == TREATY_LASTING)
			continue;
		if (s != DUTY_STEP_DONE && s != DUTY_STEP_LATE && s != DUTY_STEP_KEPT)
			return false;
	}
	return true;
}

static bool cannot(const struct duty_case *c)
{
	return c->unable && (!c->offered || c->accepted);
}

static enum duty_outcome outcome_of(const struct machine *m)
{
	const struct duty_case *c = m->c;
	bool number = true;

	for (size_t i = 0; i < m->d->step_count; i++)
		number &= m->d->steps[i].pace != TREATY_NO_NUMBER;
	if (all_done(m))
		return count_of(m, DUTY_STEP_LATE) != 0 ? DUTY_LATE
		       : number				? DUTY_MET
							: DUTY_MEASURED;
	if (count_of(m, DUTY_STEP_MISSED) + count_of(m, DUTY_STEP_BROKEN) == 0 &&
	    count_of(m, DUTY_STEP_REFUSED) != 0)
		return DUTY_REFUSED;
	if (c->groundless.ns != 0)
		return DUTY_GROUNDLESS;
	if (cannot(c))
		return DUTY_INCAPABLE;
	return c->signs.ns == 0 ? DUTY_SILENT : DUTY_UNDONE;
}

/* Whether nothing with a number was missed or broken: nobody had agreed by when. */
static bool missed_no_number(const struct machine *m)
{
	for (size_t i = 0; i < m->d->step_count; i++) {
		enum duty_step_status s = m->c->steps[i].status;

		if (s == DUTY_STEP_BROKEN ||
		    (s == DUTY_STEP_MISSED && m->d->steps[i].pace != TREATY_NO_NUMBER))
			return false;
	}
	return m->c->groundless.ns == 0;
}

/* The duty was not done: what was agreed for that follows, once. no_number: nobody had agreed by
 * when. */
static void follow(struct machine *m, struct wall_ns at, bool no_number)
{
	struct duty_case *c = m->c;

	for (size_t i = 0; i < m->d->lest_count; i++) {
		struct duty_consequence *x = &c->lest[i];

		if (x->effect != DUTY_NO_EFFECT)
			return;
		x->at = at;
		x->effect = DUTY_FOLLOWS;
		if (cannot(c)) {
			x->effect = DUTY_WITHHELD;
			x->why = "it could not, said so in time, and refused no help";
		} else if (no_number && m->d->lest[i].kind != TREATY_RECORD) {
			x->effect = DUTY_WITHHELD;
			x->why = "no deadline was agreed, so none was missed";
		}
	}
}

/* Ends the case if nothing of it is left. */
static void settle(struct machine *m, struct wall_ns at)
{
	struct duty_case *c = m->c;

	if (c->outcome != DUTY_OPEN || !is_over(m))
		return;
	c->outcome = outcome_of(m);
	c->ended = at;
	if (all_done(m) || c->outcome == DUTY_REFUSED)
		return;
	c->no_number = missed_no_number(m);
	follow(m, at, c->no_number);
}

/* ---- steps ---------------------------------------------------------------------------------- */

static void turn(struct duty_step *s, enum duty_step_status status, struct wall_ns at)
{
	s->status = status;
	s->at = at;
}

static void begin(struct machine *m, size_t i, struct wall_ns at)
{
	const struct treaty_step *t = &m->d->steps[i];
	struct duty_step *s = &m->c->steps[i];

	turn(s, t->pace == TREATY_LASTING ? DUTY_STEP_LASTS : DUTY_STEP_RUNS, at);
	s->begun = at;
	s->due.ns = INT64_MAX;
	if (t->pace != TREATY_NO_NUMBER)
		s->due = duty_span_end(&m->calendar, at, t->span);
}

/* What waits for a step never begins. Steps wait for steps above them only. */
static void drop_behind(struct machine *m, size_t step, struct wall_ns at)
{
	for (size_t i = step + 1; i < m->d->step_count; i++) {
		size_t after = m->d->steps[i].after;
		enum duty_step_status s;

		if (after == 0 || m->c->steps[i].status != DUTY_STEP_WAITS)
			continue;
		s = m->c->steps[after - 1].status;
		if (s == DUTY_STEP_MISSED || s == DUTY_STEP_DROPPED || s == DUTY_STEP_REFUSED)
			turn(&m->c->steps[i], DUTY_STEP_DROPPED, at);
	}
}

static void miss(struct machine *m, size_t i, struct wall_ns at)
{
	turn(&m->c->steps[i], DUTY_STEP_MISSED, at);
	drop_behind(m, i, at);
	if (m->d->steps[i].pace == TREATY_WITHIN)
		follow(m, at, false);
}

static void begin_behind(struct machine *m, size_t step, struct wall_ns at)
{
	for (size_t i = step + 1; i < m->d->step_count; i++)
		if (m->d->steps[i].after == step + 1 && m->c->steps[i].status == DUTY_STEP_WAITS)
			begin(m, i, at);
}

/* ---- time ----------------------------------------------------------------------------------- */

static void resume(struct machine *m, struct wall_ns at)
{
	struct duty_case *c = m->c;
	int64_t stood = at.ns - c->paused_at.ns;

	if (!c->paused)
		return;
	c->paused = false;
	c->pause_left_ns -= stood;
	for (size_t i = 0; i < m->d->step_count; i++)
		if (c->steps[i].status == DUTY_STEP_RUNS && c->steps[i].due.ns != INT64_MAX)
			c->steps[i].due = later(c->steps[i].due, stood);
}

/* When a step is over by itself, with the clock as it is. */
static struct wall_ns step_end(const struct machine *m, size_t i)
{
	const struct duty_step *s = &m->c->steps[i];

	if (s->status == DUTY_STEP_LASTS)
		return s->due;
	if (s->status != DUTY_STEP_RUNS || m->c->paused)
		return (struct wall_ns){INT64_MAX};
	if (m->d->steps[i].pace != TREATY_NO_NUMBER)
		return s->due;
	return later(s->begun, (int64_t)DUTY_REVIEW_MAX * DUTY_DAY_S * TIME_NS_PER_S);
}

/* The step that is over next, or step_count: the pause. */
static struct wall_ns next_event(const struct machine *m, size_t *out_step)
{
	struct wall_ns next = {INT64_MAX};

	*out_step = m->d->step_count;
	if (m->c->paused)
		next = later(m->c->paused_at, m->c->pause_left_ns);
	for (size_t i = 0; i < m->d->step_count; i++) {
		struct wall_ns end = step_end(m, i);

		if (end.ns < next.ns) {
			next = end;
			*out_step = i;
		}
	}
	return next;
}

/* All that happens by itself before t. Each round ends a step or a pause, so there are few. */
static void advance(struct machine *m, struct wall_ns t)
{
	size_t i;
	struct wall_ns at = next_event(m, &i);

	for (; m->c->outcome == DUTY_OPEN && at.ns < t.ns; at = next_event(m, &i)) {
		if (i == m->d->step_count)
			resume(m, at);
		else if (m->c->steps[i].status == DUTY_STEP_LASTS)
			turn(&m->c->steps[i], DUTY_STEP_KEPT, at);
		else
			miss(m, i, at);
		settle(m, at);
	}
	if (m->c->outcome == DUTY_OPEN)
		m->c->ended = at;
}

/* ---- entries: each returns NULL, or why it did nothing -------------------------------------- */

static const char *const over = "the case had ended by then";

static bool names_hold(struct duty_names n, struct slice name)
{
	for (size_t i = 0; i < n.count; i++)
		if (slice_equal(n.names[i], name))
			return true;
	return false;
}

static const char *do_step(struct machine *m, size_t i, struct wall_ns at)
{
	struct duty_step *s = &m->c->steps[i];

	if (m->d->steps[i].pace == TREATY_LASTING)
		return "what lasts is kept by itself";
	switch (s->status) {
	case DUTY_STEP_RUNS:
		turn(s, DUTY_STEP_DONE, at);
		begin_behind(m, i, at);
		return NULL;
	case DUTY_STEP_MISSED:
	case DUTY_STEP_DROPPED:
	case DUTY_STEP_REFUSED:
		turn(s, DUTY_STEP_LATE, at);
		return NULL;
	case DUTY_STEP_WAITS:
		return "what comes before it was not done";
	default:
		return "it was done before";
	}
}

static const char *apply_done(struct machine *m, const struct duty_entry *e)
{
	struct duty_case *c = m->c;
	const char *why = "the duty has no such step";
	bool any = false;

	if (c->outcome == DUTY_WITHDRAWN)
		return "the request had been withdrawn";
	resume(m, e->at); /* who does it lacks nothing */
	for (size_t i = 0; i < m->d->step_count; i++) {
		const char *w;

		if (!names_hold(e->u.deed.steps, m->d->steps[i].verb))
			continue;
		w = do_step(m, i, e->at);
		any |= w == NULL;
		why = w ? w : why;
	}
	if (!any)
		return why;
	if (c->decided.ns == 0)
		c->decided = e->at;
	if (all_done(m) && c->delivered.ns == 0)
		c->delivered = e->at;
	settle(m, e->at);
	if (c->outcome != DUTY_OPEN && all_done(m) && count_of(m, DUTY_STEP_LATE) != 0)
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

static void refuse_step(struct machine *m, size_t i, bool listed, struct wall_ns at)
{
	if (listed)
		turn(&m->c->steps[i], DUTY_STEP_REFUSED, at);
	else if (m->c->steps[i].status == DUTY_STEP_RUNS && m->d->steps[i].pace == TREATY_NO_NUMBER)
		turn(&m->c->steps[i], DUTY_STEP_MISSED, at);
	drop_behind(m, i, at);
}

static const char *apply_refuse(struct machine *m, const struct duty_entry *e)
{
	struct duty_case *c = m->c;
	bool listed = is_ground(m->d, e->u.refusal.ground), any = false;

	if (c->outcome != DUTY_OPEN)
		return over;
	for (size_t i = 0; i < m->d->step_count; i++)
		if ((c->steps[i].status == DUTY_STEP_RUNS ||
		     c->steps[i].status == DUTY_STEP_WAITS) &&
		    (e->u.refusal.steps.count == 0 ||
		     names_hold(e->u.refusal.steps, m->d->steps[i].verb))) {
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
	settle(m, e->at);
	return NULL;
}

static bool move_deadlines(struct machine *m, struct treaty_span by)
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

static const char *apply_extend(struct machine *m, const struct duty_entry *e)
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

static const char *apply_grant(struct machine *m, const struct duty_entry *e)
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

static const char *apply_incomplete(struct machine *m, const struct duty_entry *e)
{
	if (m->c->outcome != DUTY_OPEN)
		return over;
	if (m->d->pause.n == 0)
		return "the clause lets nobody stop the clock";
	if (m->c->paused)
		return "the clock stood still already";
	if (m->c->pause_left_ns <= 0)
		return "all that the clause grants was used up";
	if (count_of(m, DUTY_STEP_RUNS) == 0)
		return "no clock runs";
	m->c->paused = true;
	m->c->paused_at = e->at;
	return NULL;
}

static const char *apply_complete(struct machine *m, const struct duty_entry *e)
{
	if (m->c->outcome != DUTY_OPEN)
		return over;
	if (!m->c->paused)
		return "no clock stood still";
	resume(m, e->at);
	return NULL;
}

static const char *apply_unable(struct machine *m, const struct duty_entry *e)
{
	if (m->c->outcome != DUTY_OPEN)
		return over;
	m->c->unable = true;
	m->c->said = m->c->groundless.ns ? m->c->said : e->u.phrase;
	return NULL;
}

static const char *apply_offer(struct machine *m, const struct duty_entry *e)
{
	(void)e; /* what was offered stands in the ledger */
	if (m->c->outcome != DUTY_OPEN)
		return over;
	m->c->offered = true;
	return NULL;
}

static const char *answer_offer(struct machine *m, bool yes)
{
	if (m->c->outcome != DUTY_OPEN)
		return over;
	if (!m->c->offered)
		return "no help had been offered";
	m->c->accepted = yes;
	m->c->declined = !yes;
	return NULL;
}

static const char *apply_accept(struct machine *m, const struct duty_entry *e)
{
	(void)e; /* that it was said is all */
	return answer_offer(m, true);
}

static const char *apply_decline(struct machine *m, const struct duty_entry *e)
{
	(void)e; /* that it was said is all */
	return answer_offer(m, false);
}

static const char *apply_lost(struct machine *m, const struct duty_entry *e)
{
	bool any = false;

	if (m->c->outcome != DUTY_OPEN)
		return over;
	for (size_t i = 0; i < m->d->step_count; i++)
		if (m->c->steps[i].status == DUTY_STEP_LASTS &&
		    names_hold(e->u.deed.steps, m->d->steps[i].verb)) {
			turn(&m->c->steps[i], DUTY_STEP_BROKEN, e->at);
			any = true;
		}
	settle(m, e->at);
	return any ? NULL : "nothing of that name was kept then";
}

static const char *apply_contest(struct machine *m, const struct duty_entry *e)
{
	bool any = false;

	for (size_t i = 0; i < m->d->step_count; i++) {
		struct duty_step *s = &m->c->steps[i];

		if ((s->status == DUTY_STEP_DONE || s->status == DUTY_STEP_LATE ||
		     s->status == DUTY_STEP_KEPT || s->status == DUTY_STEP_LASTS) &&
		    names_hold(e->u.deed.steps, m->d->steps[i].verb)) {
			s->contested = true;
			any = true;
		}
	}
	return any ? NULL : "nothing of that name is said to have been done";
}

static const char *apply_show(struct machine *m, const struct duty_entry *e)
{
	(void)m; /* read when all entries are: rebut() */
	(void)e;
	return NULL;
}

static const char *apply_withdraw(struct machine *m, const struct duty_entry *e)
{
	if (m->c->outcome != DUTY_OPEN)
		return over;
	for (size_t i = 0; i < m->d->step_count; i++)
		if (m->c->steps[i].status <= DUTY_STEP_LASTS)
			turn(&m->c->steps[i], DUTY_STEP_DROPPED, e->at);
	m->c->outcome = DUTY_WITHDRAWN;
	m->c->ended = e->at;
	return NULL;
}

enum who { NOBODY, BEARER, ASKER, HELPER };

static const struct act {
	enum who who;
	const char *(*apply)(struct machine *m, const struct duty_entry *e);
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
static const char *bar_of(const struct machine *m, const struct duty_entry *e)
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

static void apply(struct duty_walk *w, struct machine *m, size_t i)
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

/* ---- what the bearer shows ------------------------------------------------------------------ */

/* All that it showed; of one thing, what it showed last. *last: when. */
static bool shown_by(const struct duty_walk *w, const struct duty_case *c, struct claim_set *out,
		     struct wall_ns *last)
{
	for (size_t i = w->count; i-- > 0;) {
		const struct duty_entry *e = duty_entry_at(w, i);

		if (e->word != DUTY_SHOW || !slice_equal(e->party, c->bearer))
			continue;
		if (last->ns == 0)
			*last = e->at;
		for (size_t k = 0; k < e->u.claims.count; k++)
			if (claim_find(out, e->u.claims.claims[k].atom) == NULL &&
			    (out->count == DUTY_CLAIMS_MAX ||
			     !claim_add(out, w->a, e->u.claims.claims[k])))
				return out->count == DUTY_CLAIMS_MAX;
	}
	return true;
}

static bool rebut(struct duty_walk *w, struct machine *m)
{
	const struct treaty *t = w->s->treaties[m->c->treaty];
	struct claim_set shown = {0};
	struct wall_ns last = {0};
	bool presumed = false;

	for (size_t i = 0; i < m->d->lest_count; i++)
		presumed |= m->d->lest[i].kind == TREATY_PRESUME &&
			    m->c->lest[i].effect == DUTY_FOLLOWS;
	if (!presumed)
		return true;
	if (!shown_by(w, m->c, &shown, &last))
		return false;
	for (size_t i = 0; i < m->d->lest_count; i++) {
		struct duty_consequence *x = &m->c->lest[i];
		bool open;

		if (m->d->lest[i].kind != TREATY_PRESUME || x->effect != DUTY_FOLLOWS ||
		    treaty_lest_rebutted(t, m->d, &m->d->lest[i], &shown, w->room, &open) !=
			    TREATY_TRUE)
			continue;
		x->effect = DUTY_REBUTTED;
		x->by_open_term = open;
		x->at = last.ns > x->at.ns ? last : x->at;
	}
	return true;
}

/* ---- all of it ------------------------------------------------------------------------------ */

static void start(struct machine *m)
{
	int64_t unit = m->d->pause.unit == TREATY_HOURS ? 3600 : DUTY_DAY_S;

	m->c->pause_left_ns = m->d->pause.n * unit * TIME_NS_PER_S; /* at most 9999 days */
	for (size_t i = 0; i < m->d->step_count; i++)
		if (m->d->steps[i].after == 0)
			begin(m, i, m->c->started);
}

bool duty_case_run(struct duty_walk *w, struct duty_case *c)
{
	const struct duty_motion *v = c->motion == DUTY_NONE ? NULL : &w->s->motions[c->motion];
	struct machine m = {.c = c,
			    .d = treaty_clause_duty(w->s->treaties[c->treaty], c->clause),
			    .request = duty_asked(w->s, c)};
	bool begun = false;

	c->steps = ARENA_ARRAY(w->a, struct duty_step, m.d->step_count);
	c->lest = ARENA_ARRAY(w->a, struct duty_consequence, m.d->lest_count + 1);
	if (c->steps == NULL || c->lest == NULL)
		return false;
	for (size_t i = 0; i < m.d->lest_count; i++)
		c->lest[i].why = "";
	m.calendar = duty_calendar_of(w->s, c->bearer, m.request->at);
	c->started = v ? v->at : m.request->at;
	for (size_t i = 0; i <= w->count; i++) {
		const struct duty_entry *e = i < w->count ? duty_entry_at(w, i) : NULL;
		struct wall_ns at = e ? e->at : w->s->as_of;

		if (!begun && c->outcome == DUTY_OPEN && (v == NULL || v->outcome == DUTY_MET) &&
		    c->started.ns <= at.ns) {
			start(&m);
			begun = true;
		}
		if (v != NULL && v->outcome == DUTY_VOTED_OUT && c->outcome == DUTY_OPEN &&
		    v->at.ns <= at.ns) {
			c->outcome = DUTY_VOTED_OUT;
			c->ended = v->at;
		}
		if (begun)
			advance(&m, at);
		if (e != NULL && acts[e->word].who != NOBODY && e->at.ns >= m.request->at.ns)
			apply(w, &m, i);
	}
	if (c->outcome == DUTY_OPEN && !begun)
		c->ended = v->at; /* by then it is decided */
	if (begun && c->outcome == DUTY_OPEN)
		advance(&m, w->s->as_of);
	return rebut(w, &m);
}
