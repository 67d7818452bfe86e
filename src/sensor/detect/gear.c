/* SPDX-License-Identifier: Apache-2.0
 *
 * From one set of rules to another while flows are open.
 *
 * 1. Gear is made for one set of rules, in any thread, and has memory of its own; a worker uses
 *    one, and exchanges it between two packets. So whoever made it may wait for memory and the
 *    matcher, the worker never does.
 * 2. A name of a bit has the same number in a set of rules and in the one that was there before
 *    (detect_options.before), so what flows and hosts remember stays true. There may be more names.
 * 3. What a transaction has half matched says nothing about other rules: it is looked at anew, but
 *    for rules (by gid and sid) that fired already: they are known and stay silent.
 * 4. What belongs to rules that are gone is not read after the exchange: flows and transactions
 *    are renewed when a worker next sees them, by the version of the rules. */
#include <stdlib.h>

#include "sensor/detect/detect_priv.h"

struct detect_gear {
	struct arena_pool pool;
	struct arena arena; /* this struct, and all below */
	const struct detect_rules *rules;
	struct detect_seen seen;
	struct detect_pcre_worker *pcre;
	struct detect_candidates candidates;
	struct detect_cost *costs;
};

void detect_gear_free(struct detect_gear *g)
{
	if (g == NULL)
		return;
	detect_pcre_worker_free(g->pcre);
	arena_end(g->arena, g->pool); /* g lies in it */
}

void detect_cost_add(struct detect_cost *sum, const struct detect_cost *c)
{
	sum->rule = c->rule;
	sum->asked += c->asked;
	sum->looked += c->looked;
	sum->bytes += c->bytes;
	sum->steps += c->steps;
	sum->matched += c->matched;
}

static bool costs_make(struct detect_gear *g)
{
	g->costs = ARENA_ARRAY(&g->arena, struct detect_cost, g->rules->count + 1);
	for (size_t i = 0; g->costs != NULL && i < g->rules->count; i++)
		g->costs[i].rule = g->rules->rules[i].rule;
	return g->costs != NULL;
}

enum status detect_gear_new(const struct detect_rules *r, bool profile, struct detect_gear **out,
			    struct fail *why)
{
	struct arena_pool pool = {.budget = SIZE_MAX};
	struct arena arena = {.pool = &pool};
	struct detect_gear *g = ARENA_NEW(&arena, struct detect_gear);
	enum status st = ST_OK;

	if (g == NULL)
		return fail_set(why, ST_NOMEM, "no memory for a worker");
	g->pool = pool;
	g->arena = arena;
	g->arena.pool = &g->pool;
	g->rules = r;
	g->pcre = detect_pcre_worker_new(&r->bounds, &g->arena);
	if (g->pcre == NULL || !detect_candidates_init(&g->candidates, r->count, &g->arena) ||
	    !detect_seen_init(&g->seen, r->prefilter->patterns_most, &g->arena) ||
	    (profile && !costs_make(g)))
		st = fail_set(why, ST_NOMEM, "no memory for a worker");
	if (st != ST_OK) {
		detect_gear_free(g);
		return st;
	}
	*out = g;
	return ST_OK;
}

void detect_worker_equip(struct detect_worker *w, struct detect_gear *g)
{
	w->gear = g;
	w->rules = g->rules;
	w->seen = g->seen;
	w->pcre = g->pcre;
	w->candidates = g->candidates;
	w->costs = g->costs;
}

struct detect_gear *detect_worker_exchange(struct detect_worker *w, struct detect_gear *g)
{
	struct detect_gear *old = w->gear;

	ASSERT(w->queued == 0);
	w->context_count = 0;
	w->vars = NULL;
	detect_dataset_changes_move(&w->changes, g->rules);
	detect_worker_equip(w, g);
	return old;
}

/* --- rules by what they are called --- */

static int key_compare(const void *pa, const void *pb)
{
	const struct detect_key *a = pa, *b = pb;

	return a->key < b->key ? -1 : a->key > b->key;
}

bool detect_keys_build(struct detect_rules *r)
{
	r->keys = ARENA_ARRAY(r->arena, struct detect_key, r->count + 1);
	if (r->keys == NULL)
		return false;
	for (size_t i = 0; i < r->count; i++)
		r->keys[i] = (struct detect_key){detect_rule_key(&r->rules[i]), (uint32_t)i};
	qsort(r->keys, r->count, sizeof r->keys[0], key_compare);
	return true;
}

uint64_t detect_rule_key(const struct detect_rule *r)
{
	return (uint64_t)r->rule->gid << 32 | (uint32_t)r->rule->sid;
}

/* The rule of that name; UINT32_MAX: there is none. */
static uint32_t rule_of(const struct detect_rules *r, uint64_t key)
{
	struct detect_key want = {.key = key};
	const struct detect_key *k =
		bsearch(&want, r->keys, r->count, sizeof r->keys[0], key_compare);

	return k != NULL ? k->rule : UINT32_MAX;
}

/* --- names (invariant 2) --- */

static bool names_copy(struct detect_names *to, const struct detect_names *from, struct arena *a)
{
	for (size_t i = 0; i < from->count; i++)
		if (detect_name_index(to, a, from->names[i]) < 0)
			return false;
	return true;
}

bool detect_names_inherit(struct detect_rules *r, const struct detect_rules *before)
{
	if (before == NULL)
		return true;
	r->version = before->version + 1;
	return names_copy(&r->flow_bits, &before->flow_bits, r->arena) &&
	       names_copy(&r->flow_ints, &before->flow_ints, r->arena) &&
	       names_copy(&r->host_bits, &before->host_bits, r->arena);
}

/* --- what flows and transactions remember (invariants 3 and 4) --- */

bool detect_flow_fit(struct detect_flow *d, const struct detect_rules *r, struct arena *a)
{
	size_t words = r->flow_bits.count / 64 + 1, ints = r->flow_ints.count + 1;
	uint64_t *bits = d->bits;
	uint32_t *numbers = d->ints;
	uint8_t *set = d->int_set;

	if (words > d->bit_words)
		bits = ARENA_ARRAY(a, uint64_t, words);
	if (ints > d->int_room) {
		numbers = ARENA_ARRAY(a, uint32_t, ints);
		set = ARENA_ARRAY(a, uint8_t, ints);
	}
	if (bits == NULL || numbers == NULL || set == NULL)
		return false;
	if (bits != d->bits && d->bits != NULL)
		memcpy(bits, d->bits, d->bit_words * sizeof *bits);
	if (numbers != d->ints && d->ints != NULL) {
		memcpy(numbers, d->ints, d->int_room * sizeof *numbers);
		memcpy(set, d->int_set, d->int_room * sizeof *set);
	}
	d->bits = bits;
	d->ints = numbers;
	d->int_set = set;
	if (words > d->bit_words)
		d->bit_words = (uint32_t)words;
	if (ints > d->int_room)
		d->int_room = (uint32_t)ints;
	d->version = r->version;
	return true;
}

bool detect_tx_renew(struct detect_tx *d, const struct detect_rules *r, const uint32_t engines[2],
		     struct arena *a)
{
	size_t kept = 0;

	for (unsigned dir = 0; dir < 2; dir++) {
		if (engines[dir] + 1 > d->engines[dir]) {
			d->grown[dir] = ARENA_ARRAY(a, uint32_t, engines[dir] + 1);
			d->passed[dir] = ARENA_ARRAY(a, uint32_t, engines[dir] + 1);
			d->engines[dir] = engines[dir] + 1;
		}
		if (d->grown[dir] == NULL || d->passed[dir] == NULL)
			return false;
		memset(d->grown[dir], 0, d->engines[dir] * sizeof(uint32_t));
		memset(d->passed[dir], 0, d->engines[dir] * sizeof(uint32_t));
		memset(d->ran[dir], 0, sizeof d->ran[dir]);
		d->looked[dir] = false;
	}
	for (size_t i = 0; i < d->count; i++) {
		struct detect_pending p = d->pending[i];

		p.rule = rule_of(r, p.key);
		p.matched = 0; /* its lists may be others now (invariant 3) */
		if (p.fired && p.rule != UINT32_MAX)
			d->pending[kept++] = p;
	}
	d->count = kept;
	d->version = r->version;
	return true;
}
