/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules on transactions.
 *
 * Each look at a transaction's direction asks the buffers that became final since the last look
 * (or, while a body grows, enough more of it) for candidates. A candidate whose buffers are not all
 * there yet waits with the transaction, with the lists that already hold.
 *
 * 1. A rule fires at most once for each direction of a transaction, all its buffers being that
 *    direction's; one that asks for buffers of both, once for the transaction. One that asks for
 *    files may fire again when there is a new file.
 * 2. A list that holds is not asked again; a list that fails on a final buffer ends its rule.
 * 3. A transaction for which there is no memory is treated as looked at: it counts as done.
 */
#include "sensor/detect/detect_priv.h"
#include "sensor/stream/stream.h"

struct look {
	struct detect_worker *w;
	struct detect_view view;
	const struct app_protocol *protocol;
	const struct detect_tx_groups *groups;
	size_t index; /* of the protocol */
	struct app_tx *tx;
	struct detect_tx *d;
};

enum answer { HOLDS, FAILS, WAITS };

static struct detect_tx *tx_state(struct detect_worker *w, struct app_tx *tx,
				  const struct app_protocol *p,
				  const struct detect_tx_groups *groups)
{
	const uint32_t engines[2] = {groups[0].engine_count, groups[1].engine_count};
	struct detect_tx *d = tx->detect;

	if (d != NULL && (d == &w->tx_none || d->version == w->rules->version))
		return d;
	if (d == NULL) {
		d = ARENA_NEW(&tx->arena, struct detect_tx);
		if (d != NULL)
			memcpy(d->complete, p->complete, sizeof d->complete);
	}
	tx->detect = &w->tx_none; /* zeroed: complete at 0, so done */
	if (d != NULL && detect_tx_renew(d, w->rules, engines, &tx->arena))
		tx->detect = d;
	return tx->detect;
}

/* Nothing of it is in that direction, so no packet of that direction need come for rules to look.
 */
static bool is_aside(const struct app_tx *tx, unsigned dir)
{
	return (tx->blind >> dir & 1) != 0 || (tx->dirs != 0 && (tx->dirs >> dir & 1) == 0);
}

bool detect_tx_done(const struct app_tx *tx)
{
	const struct detect_tx *d = tx->detect;
	bool done = d != NULL;

	for (unsigned dir = 0; done && dir < 2; dir++)
		done = d->seen[dir] >= d->complete[dir] || is_aside(tx, dir);
	return done;
}

static bool is_final(const struct look *k, const struct app_field *f, unsigned dir)
{
	if (f->stage == APP_STAGE_COMPLETE)
		return k->tx->progress[dir] >= k->protocol->complete[dir];
	return k->tx->progress[dir] > f->stage;
}

/* Value n will not change any more. */
static bool is_whole(const struct look *k, const struct app_field *f, enum app_dir dir, unsigned n,
		     bool final)
{
	return final || (f->whole != NULL && f->whole(k->tx, dir, n));
}

/* Does any value of the buffer in one direction hold? */
static bool values_hold(struct look *k, const struct detect_rule *r, const struct detect_list *l,
			const struct app_field *f, enum app_dir dir, bool final, bool *out_absent)
{
	*out_absent = true;
	for (unsigned n = 0; n == 0 || f->multi; n++) {
		struct slice s = f->get(k->tx, dir, n);

		if (s.ptr == NULL)
			return false;
		if (!is_whole(k, f, dir, n, final) && s.len < DETECT_GROWING_MIN)
			continue;
		*out_absent = false;
		s = detect_buffer_transform(l->buffer, s, k->w);
		if (s.ptr != NULL && detect_inspect_list(r, l, s, &k->view))
			return true;
	}
	return false;
}

static enum answer side_ask(struct look *k, const struct detect_rule *r,
			    const struct detect_list *l, unsigned dir)
{
	const struct app_field *f = l->buffer->field[k->index];
	bool final, absent;

	if ((f->dirs >> dir & 1) == 0 || (r->dirs >> dir & 1) == 0)
		return FAILS;
	final = is_final(k, f, dir);
	if (!final && !f->growing)
		return WAITS;
	if (values_hold(k, r, l, f, (enum app_dir)dir, final, &absent) ||
	    (final && absent && l->if_absent))
		return HOLDS;
	return final ? FAILS : WAITS;
}

static enum answer list_ask(struct look *k, const struct detect_rule *r,
			    const struct detect_list *l)
{
	enum answer a;

	if (l->buffer->payload) {
		if (k->view.payload.len != 0 &&
		    detect_inspect_list(r, l, k->view.payload, &k->view))
			return HOLDS;
		return k->tx->progress[k->view.dir] < k->protocol->complete[k->view.dir] ? WAITS
											 : FAILS;
	}
	a = side_ask(k, r, l, k->view.dir);
	if (r->both_sides && a != HOLDS) {
		enum answer other = side_ask(k, r, l, 1u - k->view.dir);

		if (other == HOLDS || a == FAILS)
			a = other;
	}
	return a;
}

static enum answer tests_ask(struct look *k, const struct detect_rule *r)
{
	for (uint32_t i = 0; i < r->tx_test_count; i++)
		if (!r->tx_tests[i].kw->test(r->tx_tests[i].operand, &k->view))
			return k->tx->progress[0] >= k->protocol->complete[0] &&
					       k->tx->progress[1] >= k->protocol->complete[1]
				       ? FAILS
				       : WAITS;
	return HOLDS;
}

/* Everything of the rule that is not yet known to hold. */
static enum answer rule_ask(struct look *k, const struct detect_rule *r, uint32_t *matched)
{
	enum answer all;

	k->w->captured_count = 0;
	if (r->has_hook && k->tx->progress[r->hook_dir] < r->hook_progress[k->index])
		return WAITS;
	all = tests_ask(k, r);
	k->w->counters.evaluated++;
	for (uint32_t i = 0; i < r->list_count && all != FAILS; i++) {
		enum answer a = (*matched >> i & 1) != 0 ? HOLDS : list_ask(k, r, &r->lists[i]);

		if (a == HOLDS)
			*matched |= UINT32_C(1) << i;
		else
			all = a;
	}
	return all;
}

static uint32_t files_of(const struct app_tx *tx)
{
	return tx->files[0].count + tx->files[1].count;
}

static void pending_ask(struct look *k)
{
	struct detect_tx *d = k->d;

	for (size_t i = 0; i < d->count; i++) {
		const struct detect_rule *r = &k->w->rules->rules[d->pending[i].rule];
		enum answer a;

		k->view.new_files =
			d->pending[i].files != 0 && d->pending[i].files < files_of(k->tx);
		if ((d->pending[i].dead && !k->view.new_files) ||
		    (!r->both_sides && d->pending[i].dir != k->view.dir))
			continue;
		a = rule_ask(k, r, &d->pending[i].matched);
		d->pending[i].dead = a != WAITS;
		d->pending[i].fired |= a == HOLDS; /* and had perhaps, for another file */
		if (a == HOLDS && r->has_files)
			d->pending[i].files = files_of(k->tx);
		if (a == HOLDS)
			detect_fire(r, &k->view);
	}
	k->view.new_files = false;
}

static bool is_pending(const struct detect_tx *d, const struct detect_rule *r, uint32_t rule,
		       unsigned dir)
{
	for (size_t i = 0; i < d->count; i++)
		if (d->pending[i].rule == rule && (r->both_sides || d->pending[i].dir == dir))
			return true;
	return false;
}

static void candidates_ask(struct look *k)
{
	struct detect_candidates *c = &k->w->candidates;
	struct detect_tx *d = k->d;

	detect_candidates_sort(c);
	k->w->counters.candidates += c->count;
	for (size_t i = 0; i < c->count; i++) {
		const struct detect_rule *r = &k->w->rules->rules[c->items[i]];
		struct detect_pending p = {.key = detect_rule_key(r),
					   .rule = c->items[i],
					   .dir = (uint8_t)k->view.dir};
		enum answer a;

		if (is_pending(d, r, c->items[i], k->view.dir) || !detect_header_holds(r, &k->view))
			continue;
		a = rule_ask(k, r, &p.matched);
		p.dead = p.fired = a == HOLDS;
		p.files = a == HOLDS && r->has_files ? files_of(k->tx) : 0;
		/* no memory: the rule is forgotten for this transaction */
		if (a != FAILS)
			(void)ARENA_PUSH(&k->tx->arena, d->pending, d->count, d->room, p);
		if (a == HOLDS)
			detect_fire(r, &k->view);
	}
}

/* Gives the values that are new to the matcher, and what is new of the last. */
static void values_scan(struct look *k, const struct detect_engine *e, bool final, uint32_t *passed,
			uint32_t *grown)
{
	enum app_dir dir = (enum app_dir)k->view.dir;

	for (unsigned n = *passed;; n++) {
		struct slice s = e->field->get(k->tx, dir, n);
		bool whole;

		if (s.ptr == NULL)
			return;
		whole = is_whole(k, e->field, dir, n, final);
		if (!whole &&
		    (s.len < DETECT_GROWING_MIN || s.len < (size_t)*grown + DETECT_GROWING_STEP))
			continue;
		if (n == *passed)
			*grown = s.len > UINT32_MAX ? UINT32_MAX : (uint32_t)s.len;
		if (n == *passed && whole) {
			++*passed;
			*grown = 0;
		}
		s = detect_buffer_transform(e->buffer, s, k->w);
		detect_group_scan(e->group, s, 0, &k->w->seen, &k->w->candidates);
	}
}

/* Gives the buffer of engine i to the matcher; true: it is final, and never again. */
static bool engine_scan(struct look *k, const struct detect_engine *e, uint32_t *passed,
			uint32_t *grown)
{
	enum app_dir dir = (enum app_dir)k->view.dir;
	bool final = is_final(k, e->field, dir);

	if (!final && !e->field->growing)
		return false;
	if (e->field->growing && e->field->multi) {
		values_scan(k, e, final, passed, grown);
		return final;
	}
	for (unsigned n = 0; n == 0 || e->field->multi; n++) {
		struct slice s = e->field->get(k->tx, dir, n);
		size_t from = 0;

		if (s.ptr == NULL)
			break;
		if (!final && (s.len < DETECT_GROWING_MIN || s.len < *grown + DETECT_GROWING_STEP))
			return false;
		if (e->field->growing && e->buffer->transforms == 0 && *grown <= s.len &&
		    *grown > DETECT_PATTERN_MAX)
			from = *grown - DETECT_PATTERN_MAX;
		if (e->field->growing)
			*grown = s.len > UINT32_MAX ? UINT32_MAX : (uint32_t)s.len;
		s = detect_buffer_transform(e->buffer, s, k->w);
		detect_group_scan(e->group, slice_from(s, from), from, &k->w->seen,
				  &k->w->candidates);
	}
	return final;
}

static void tx_look(struct look *k)
{
	struct detect_tx *d = k->d;
	unsigned dir = k->view.dir;
	const struct detect_tx_groups *g = k->groups;

	detect_candidates_reset(&k->w->candidates);
	if (!d->looked[dir] && g->plain != NULL)
		for (uint32_t i = 0; i < g->plain->plain_count; i++)
			detect_candidates_add(&k->w->candidates, g->plain->plain[i]);
	d->looked[dir] = true;
	d->growing[dir] = false;
	for (uint32_t i = 0; i < g->engine_count; i++) {
		uint64_t *ran = &d->ran[dir][i / 64], bit = UINT64_C(1) << i % 64;

		if ((*ran & bit) != 0)
			continue;
		if (engine_scan(k, &g->engines[i], &d->passed[dir][i], &d->grown[dir][i]))
			*ran |= bit;
		else if (g->engines[i].field->growing)
			d->growing[dir] = true;
	}
	pending_ask(k);
	candidates_ask(k);
	arena_reset(&k->w->scratch);
}

/* What plain contents of a transaction rule look at. */
static struct slice raw_bytes(const struct packet *p, const struct flow *f, enum flow_dir dir)
{
	uint64_t from;

	if (f->stream != NULL)
		return stream_window(f, dir, &from);
	return p == NULL ? (struct slice){NULL, 0} : p->payload;
}

/* Nothing that a rule could ask for has changed in this direction. */
static bool is_quiet(const struct look *k, unsigned dir, bool last)
{
	const struct detect_tx *d = k->d;

	if (!k->groups->any && d->count == 0)
		return true;
	return d->looked[dir] && !last && !d->growing[dir] &&
	       d->seen[dir] == k->tx->progress[dir] && d->anomalies == k->tx->anomalies &&
	       d->moves[dir] == k->tx->files[dir].moves;
}

/* Does a rule wait for more of it, or would it fire again for a new file? */
static bool is_awaited(const struct detect_tx *d)
{
	for (size_t i = 0; i < d->count; i++)
		if (!d->pending[i].dead || d->pending[i].files != 0)
			return true;
	return false;
}

void detect_txs(struct detect_worker *w, const struct packet *p, struct flow *f, enum flow_dir dir,
		bool last)
{
	struct look k = {.w = w};
	int index;

	if (f->app == NULL || f->app->protocol == NULL)
		return;
	index = detect_protocol_index(f->app->protocol);
	if (index < 0)
		return;
	if (!f->no_inspect)
		detect_frames(w, p, f, dir, last);
	k.index = (size_t)index;
	k.protocol = f->app->protocol;
	k.groups = &w->rules->prefilter->tx[k.index][dir];
	detect_view_of(&k.view, w, p, f, dir);
	k.view.payload = raw_bytes(p, f, dir);
	for (k.tx = f->app->first; k.tx != NULL; k.tx = k.tx->next) {
		uint8_t progress = k.tx->progress[dir];

		k.d = tx_state(w, k.tx, k.protocol, w->rules->prefilter->tx[k.index]);
		if (k.d == &w->tx_none)
			continue;
		if (is_quiet(&k, dir, last) || is_aside(k.tx, dir))
			goto seen;
		k.view.tx = k.tx;
		if (!f->no_inspect)
			tx_look(&k);
		k.d->anomalies = k.tx->anomalies;
		k.d->moves[dir] = k.tx->files[dir].moves;
		k.tx->awaited = is_awaited(k.d);
	seen:
		k.d->seen[dir] = progress;
	}
}
