/* SPDX-License-Identifier: Apache-2.0
 *
 * One buffer against one list of steps.
 *
 * The steps hold if a place can be chosen for each content and pcre such that every later step that
 * is relative holds from there. So when a relative step fails, the nearest earlier step that has
 * another place tries that one. A failure that no earlier choice can change ends the search
 * (NEVER): that keeps it linear for the rules that people write. detect_bounds.steps bounds the
 * rest.
 *
 * 1. in->pos is where the last positive step stopped; negated steps and tests do not move it.
 * 2. On NO, in->pos is what it was on entry; on NEVER and YES nobody asks.
 */
#include "sensor/detect/detect_priv.h"

enum verdict { NO, YES, NEVER };

static enum verdict inspect(const struct detect_step *s, size_t left, struct detect_inspect *in);

/* A step failed: may an earlier choice still save it? */
static enum verdict failed(const struct detect_step *s, const struct detect_inspect *in)
{
	return s->relative || in->has_vars ? NO : NEVER;
}

/* One more place of a content or pcre, from *from on. Work for a packet has an end, however many
 * rules, buffers and places there are. */
static bool next_place(const struct detect_step *s, struct detect_inspect *in, size_t *from,
		       size_t *end)
{
	struct detect_worker *w = in->worker;
	bool pcre = s->kw == detect_pcre_keyword, found;
	size_t at = (s->relative ? in->pos : 0) + *from, to, cost;

	if (w->work_left == 0) {
		in->work = DETECT_WORK_OVER;
		return false;
	}
	found = pcre ? detect_pcre_find(s->operand, in, from, end)
		     : detect_content_find(s->operand, in, from, end);
	to = found ? *end : in->bytes.len;
	cost = 1 + (to > at ? to - at : 0) / (pcre ? DETECT_PCRE_BYTES : DETECT_CONTENT_BYTES);
	if (cost < w->work_left) {
		w->work_left -= (uint32_t)cost;
	} else if (w->work_left != 0) {
		w->work_left = 0;
		w->counters.given_up++;
	}
	return found;
}

/* An expression or the packet's budget gave up: nothing is known, so nothing holds, nor its
 * contrary. */
static bool is_over(const struct detect_inspect *in)
{
	return in->work == DETECT_WORK_OVER;
}

static bool negated(const struct detect_step *s)
{
	return s->kw == detect_content_keyword
		       ? ((const struct detect_content *)s->operand)->negated
		       : detect_pcre_negated(s->operand);
}

static enum verdict inspect_search(const struct detect_step *s, size_t left,
				   struct detect_inspect *in)
{
	const size_t base = in->pos;
	size_t from = 0, end = 0;

	if (negated(s)) {
		if (next_place(s, in, &from, &end))
			return failed(s, in);
		return is_over(in) ? NEVER : inspect(s + 1, left - 1, in);
	}
	while (next_place(s, in, &from, &end)) {
		enum verdict v;

		in->pos = end;
		v = inspect(s + 1, left - 1, in);
		if (v != NO)
			return v;
		in->pos = base;
		if (!s->next_relative && !in->has_vars)
			break;
	}
	return is_over(in) ? NEVER : failed(s, in);
}

static enum verdict inspect(const struct detect_step *s, size_t left, struct detect_inspect *in)
{
	size_t base = in->pos;
	enum verdict v;

	if (left == 0)
		return YES;
	if (is_over(in) || ++in->work > in->worker->rules->bounds.steps)
		return NEVER;
	if (s->kw == detect_content_keyword || s->kw == detect_pcre_keyword)
		return inspect_search(s, left, in);
	if (!s->kw->step(s->operand, in))
		return failed(s, in);
	v = inspect(s + 1, left - 1, in);
	if (v == NO)
		in->pos = base;
	return v;
}

bool detect_inspect_steps(const struct detect_step *steps, size_t count, struct detect_inspect *in)
{
	return inspect(steps, count, in) == YES;
}

bool detect_inspect_list(const struct detect_rule *r, const struct detect_list *l,
			 struct slice bytes, const struct detect_view *v)
{
	struct detect_inspect in;
	bool holds;

	in.view = v;
	in.rule = r;
	in.worker = v->worker;
	in.bytes = bytes;
	in.pos = 0;
	in.scratch = &v->worker->scratch;
	in.work = 0;
	in.little = v->tx != NULL && v->tx->little;
	in.has_vars = r->has_vars;
	in.vars = v->worker->numbers;
	holds = detect_inspect_steps(l->steps, l->count, &in);
	if (v->worker->costs != NULL) {
		struct detect_cost *cost = &v->worker->costs[r->order];

		cost->looked++;
		cost->bytes += bytes.len;
		cost->steps += in.work;
	}
	return holds;
}
