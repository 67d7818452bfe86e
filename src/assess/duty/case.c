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

static struct wall_ns later(struct wall_ns t, int64_t ns)
{
	struct wall_ns out = {INT64_MAX};

	if (!__builtin_add_overflow(t.ns, ns, &out.ns))
		return out;
	return (struct wall_ns){INT64_MAX};
}

/* ---- ends ----------------------------------------------------------------------------------- */

size_t duty_step_count(const struct duty_machine *m, enum duty_step_status status)
{
	size_t n = 0;

	for (size_t i = 0; i < m->d->step_count; i++)
		n += m->c->steps[i].status == status;
	return n;
}

static bool is_over(const struct duty_machine *m)
{
	return duty_step_count(m, DUTY_STEP_WAITS) + duty_step_count(m, DUTY_STEP_RUNS) +
		       duty_step_count(m, DUTY_STEP_LASTS) ==
	       0;
}

/* All that can be done was done; what lasts and never began is no deed. */
bool duty_all_done(const struct duty_machine *m)
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

static enum duty_outcome outcome_of(const struct duty_machine *m)
{
	const struct duty_case *c = m->c;
	bool number = true;

	for (size_t i = 0; i < m->d->step_count; i++)
		number &= m->d->steps[i].pace != TREATY_NO_NUMBER;
	if (duty_all_done(m))
		return duty_step_count(m, DUTY_STEP_LATE) != 0 ? DUTY_LATE
		       : number				       ? DUTY_MET
							       : DUTY_MEASURED;
	if (duty_step_count(m, DUTY_STEP_MISSED) + duty_step_count(m, DUTY_STEP_BROKEN) == 0 &&
	    duty_step_count(m, DUTY_STEP_REFUSED) != 0)
		return DUTY_REFUSED;
	if (c->groundless.ns != 0)
		return DUTY_GROUNDLESS;
	if (cannot(c))
		return DUTY_INCAPABLE;
	return c->signs.ns == 0 ? DUTY_SILENT : DUTY_UNDONE;
}

/* Whether nothing with a number was missed or broken: nobody had agreed by when. */
static bool missed_no_number(const struct duty_machine *m)
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
static void follow(struct duty_machine *m, struct wall_ns at, bool no_number)
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
void duty_settle(struct duty_machine *m, struct wall_ns at)
{
	struct duty_case *c = m->c;

	if (c->outcome != DUTY_OPEN || !is_over(m))
		return;
	c->outcome = outcome_of(m);
	c->ended = at;
	if (duty_all_done(m) || c->outcome == DUTY_REFUSED)
		return;
	c->no_number = missed_no_number(m);
	follow(m, at, c->no_number);
}

/* ---- steps ---------------------------------------------------------------------------------- */

void duty_step_turn(struct duty_step *s, enum duty_step_status status, struct wall_ns at)
{
	s->status = status;
	s->at = at;
}

static void begin(struct duty_machine *m, size_t i, struct wall_ns at)
{
	const struct treaty_step *t = &m->d->steps[i];
	struct duty_step *s = &m->c->steps[i];

	duty_step_turn(s, t->pace == TREATY_LASTING ? DUTY_STEP_LASTS : DUTY_STEP_RUNS, at);
	s->begun = at;
	s->due.ns = INT64_MAX;
	if (t->pace != TREATY_NO_NUMBER)
		s->due = duty_span_end(&m->calendar, at, t->span);
}

/* What waits for a step never begins. Steps wait for steps above them only. */
void duty_drop_behind(struct duty_machine *m, size_t step, struct wall_ns at)
{
	for (size_t i = step + 1; i < m->d->step_count; i++) {
		size_t after = m->d->steps[i].after;
		enum duty_step_status s;

		if (after == 0 || m->c->steps[i].status != DUTY_STEP_WAITS)
			continue;
		s = m->c->steps[after - 1].status;
		if (s == DUTY_STEP_MISSED || s == DUTY_STEP_DROPPED || s == DUTY_STEP_REFUSED)
			duty_step_turn(&m->c->steps[i], DUTY_STEP_DROPPED, at);
	}
}

static void miss(struct duty_machine *m, size_t i, struct wall_ns at)
{
	duty_step_turn(&m->c->steps[i], DUTY_STEP_MISSED, at);
	duty_drop_behind(m, i, at);
	if (m->d->steps[i].pace == TREATY_WITHIN)
		follow(m, at, false);
}

void duty_begin_behind(struct duty_machine *m, size_t step, struct wall_ns at)
{
	for (size_t i = step + 1; i < m->d->step_count; i++)
		if (m->d->steps[i].after == step + 1 && m->c->steps[i].status == DUTY_STEP_WAITS)
			begin(m, i, at);
}

/* ---- time ----------------------------------------------------------------------------------- */

void duty_resume(struct duty_machine *m, struct wall_ns at)
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
static struct wall_ns step_end(const struct duty_machine *m, size_t i)
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
static struct wall_ns next_event(const struct duty_machine *m, size_t *out_step)
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
static void advance(struct duty_machine *m, struct wall_ns t)
{
	size_t i;
	struct wall_ns at = next_event(m, &i);

	for (; m->c->outcome == DUTY_OPEN && at.ns < t.ns; at = next_event(m, &i)) {
		if (i == m->d->step_count)
			duty_resume(m, at);
		else if (m->c->steps[i].status == DUTY_STEP_LASTS)
			duty_step_turn(&m->c->steps[i], DUTY_STEP_KEPT, at);
		else
			miss(m, i, at);
		duty_settle(m, at);
	}
	if (m->c->outcome == DUTY_OPEN)
		m->c->ended = at;
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

static bool rebut(struct duty_walk *w, struct duty_machine *m)
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

static void start(struct duty_machine *m)
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
	struct duty_machine m = {.c = c,
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
		if (e != NULL && duty_is_answer(e->word) && e->at.ns >= m.request->at.ns)
			duty_answer(w, &m, i);
	}
	if (c->outcome == DUTY_OPEN && !begun)
		c->ended = v->at; /* by then it is decided */
	if (begun && c->outcome == DUTY_OPEN)
		advance(&m, w->s->as_of);
	return rebut(w, &m);
}
