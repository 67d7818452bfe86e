/* SPDX-License-Identifier: Apache-2.0
 *
 * What matched for one packet, until the packet is through: then the matches are put in the rules'
 * order, so that a pass rule silences what comes behind it whichever of packet, stream and
 * transaction it was about, and thresholds count in that order.
 *
 * 1. A rule counts at most once for the packet and once for each transaction and frame.
 * 2. Actions of all that survive are told before the first of them is reported: a report can say
 *    what became of the packet.
 */
#include <stdlib.h>

#include "base/json.h"
#include "sensor/detect/detect_priv.h"

void detect_context_add(const struct detect_inspect *in, struct slice key, struct slice json)
{
	struct detect_worker *w = in->view->worker;
	uint32_t i = 0;

	while (i < w->context_count &&
	       (w->contexts[i].rule != in->rule || !slice_equal(w->contexts[i].key, key)))
		i++;
	if (i == DETECT_CONTEXTS_MAX)
		return;
	w->contexts[i] = (struct detect_context){in->rule, key, json};
	if (i == w->context_count)
		w->context_count++;
}

/* {"key":{...}} of what data sets said about this rule; ptr NULL: nothing. */
static struct slice context_of(struct detect_worker *w, const struct detect_rule *r)
{
	struct buf text = buf_in(&w->packet_arena);
	struct json j = json_in(&text);
	bool any = false;

	for (uint32_t i = 0; i < w->context_count; i++) {
		const struct detect_context *c = &w->contexts[i];

		if (c->rule != r)
			continue;
		if (!any)
			json_object(&j);
		any = true;
		json_key_slice(&j, c->key);
		json_raw(&j, c->json);
	}
	if (!any)
		return (struct slice){NULL, 0};
	json_end(&j);
	return text.full ? (struct slice){NULL, 0} : buf_slice(&text);
}

void detect_queue_add(struct detect_worker *w, const struct detect_rule *r,
		      const struct detect_view *v)
{
	if (w->costs != NULL)
		w->costs[r->order].matched++;
	if (w->queued == DETECT_QUEUE_MAX) {
		w->counters.discarded++;
		return;
	}
	w->queue[w->queued++] = (struct detect_match){.rule = r,
						      .tx = v->tx,
						      .frame = v->frame,
						      .dir = v->dir,
						      .action = r->rule->action,
						      .stream = v->stream,
						      .context = context_of(w, r)};
}

static int match_compare(const void *pa, const void *pb)
{
	const struct detect_match *a = pa, *b = pb;

	if (a->rule->order != b->rule->order)
		return a->rule->order < b->rule->order ? -1 : 1;
	if (a->frame != b->frame) /* both are in one array, oldest first */
		return a->frame < b->frame ? -1 : 1;
	if (a->tx == NULL || b->tx == NULL)
		return a->tx != b->tx ? (a->tx != NULL) - (b->tx != NULL) : b->stream - a->stream;
	if (a->tx->id != b->tx->id)
		return a->tx->id < b->tx->id ? -1 : 1;
	return b->stream - a->stream; /* of two that are one, the one about the stream counts */
}

static bool again(const struct detect_match *a, const struct detect_match *b)
{
	return a->rule == b->rule && a->tx == b->tx && a->frame == b->frame;
}

/* Does what the rule's action says concern the rest of the flow, too? */
static bool concerns_flow(const struct detect_match *m)
{
	const struct detect_rule *r = m->rule;

	if (r->look == LOOK_ADDRESS || r->look == LOOK_TX || (r->app_only && r->test_count == 0))
		return true;
	return m->stream || m->tx != NULL;
}

/* Counts the match, and says what it may still do; a rate filter may change that. */
static enum detect_passage passage_of(struct detect_worker *w, struct detect_match *m,
				      const struct detect_view *v)
{
	const struct detect_rule *r = m->rule;
	uint64_t key = detect_rule_key(r);
	enum detect_passage p = PASSAGE_YES;

	if (detect_suppressed(r, v))
		return PASSAGE_SILENT;
	if (r->filter != NULL)
		p = detect_threshold_asks(r->filter, key, v);
	if (p == PASSAGE_YES && r->threshold != NULL)
		p = detect_threshold_asks(r->threshold, key, v);
	if (p != PASSAGE_YES)
		return p;
	for (const struct detect_threshold *t = r->rate; t != NULL; t = t->next)
		if (detect_threshold_asks(t, key, v) == PASSAGE_NO)
			m->action = t->action;
	return r->noalert || (m->action == RULE_PASS && !r->alert) ? PASSAGE_SILENT : PASSAGE_YES;
}

void detect_worker_alerts_max(struct detect_worker *w, size_t n)
{
	w->alerts_max = n < 1 ? 1 : n > DETECT_ALERTS_MAX ? DETECT_ALERTS_MAX : n;
}

static struct detect_hit hit_of(const struct detect_match *m, const struct packet *p,
				struct flow *f)
{
	return (struct detect_hit){.rule = m->rule->rule,
				   .flow = f,
				   .packet = p,
				   .tx = m->tx,
				   .frame = m->frame,
				   .context = m->context,
				   .dir = m->dir,
				   .action = m->action,
				   .stream = m->stream,
				   .to_flow = concerns_flow(m)};
}

/* One match does what it does. True: it is an alert, too. */
static bool act(struct detect_worker *w, struct detect_match *m, const struct packet *p,
		struct flow *f)
{
	enum detect_passage passage;
	struct detect_view v;
	struct detect_hit h;

	detect_view_of(&v, w, p, f, m->dir);
	v.tx = m->tx;
	passage = passage_of(w, m, &v);
	if (passage == PASSAGE_NO) {
		w->counters.suppressed++;
		return false;
	}
	h = hit_of(m, p, f);
	h.silent = passage == PASSAGE_SILENT;
	if (w->sink.act != NULL)
		w->sink.act(w->sink.ctx, &h);
	else if (h.action == RULE_PASS && h.to_flow && f != NULL)
		f->no_inspect = true;
	w->counters.suppressed += h.silent && h.action != RULE_PASS;
	return !h.silent;
}

void detect_finish(struct detect_worker *w, const struct packet *p, struct flow *f)
{
	struct detect_match *q = w->queue, last = {0};
	size_t n = 0;

	w->context_count = 0;
	w->work_left = DETECT_WORK_PACKET;
	if (w->queued == 0)
		return;
	if (w->queued > 1)
		qsort(q, w->queued, sizeof q[0], match_compare);
	for (size_t i = 0; i < w->queued; i++) {
		struct detect_match m = q[i];

		if (again(&m, &last))
			continue;
		last = m;
		if (act(w, &m, p, f)) {
			if (n < w->alerts_max)
				q[n++] = m; /* a place that was looked at */
			else
				w->counters.discarded++;
		}
		if (m.action == RULE_PASS)
			break;
	}
	w->queued = 0;
	w->counters.hits += n;
	for (size_t i = 0; i < n; i++) {
		struct detect_hit h = hit_of(&q[i], p, f);

		w->sink.hit(w->sink.ctx, &h);
	}
}
