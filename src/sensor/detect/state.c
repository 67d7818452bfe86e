/* SPDX-License-Identifier: Apache-2.0
 *
 * What is remembered from packet to packet: with the flow (bits, integers), and with the worker, or
 * with all workers together (thresholds, host bits).
 *
 * 1. A memory has room for a number of entries; then the entry made longest ago is
 *    forgotten, and counted.
 * 2. All times are packets' times.
 */
#include "sensor/detect/detect_priv.h"

struct detect_flow *detect_flow_state(const struct detect_view *v)
{
	const struct detect_rules *r = v->worker->rules;
	struct detect_flow *d;
	struct arena *a;

	if (v->flow == NULL)
		return NULL;
	if (v->flow->detect != NULL)
		return v->flow->detect;
	a = &v->flow->arena;
	d = ARENA_NEW(a, struct detect_flow);
	if (d == NULL)
		return NULL;
	if (!detect_flow_fit(d, r, a))
		return NULL;
	v->flow->detect = d;
	return d;
}

void detect_flow_swap(struct flow *f)
{
	struct detect_flow *d = f->detect;
	uint64_t raw, txs;

	if (d == NULL)
		return;
	raw = d->raw[0];
	d->raw[0] = d->raw[1];
	d->raw[1] = raw;
	txs = d->txs_seen[0];
	d->txs_seen[0] = d->txs_seen[1];
	d->txs_seen[1] = txs;
	d->addresses_done = (uint8_t)((d->addresses_done & 1) << 1 | (d->addresses_done >> 1 & 1));
}

/* --- memory --- */

static uint32_t mix(uint32_t h, const void *p, size_t n)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < n; i++)
		h = (h ^ b[i]) * 16777619U; /* FNV-1a; a key is not secret, a chain is bounded */
	return h;
}

static uint32_t key_hash(const struct detect_memory_key *k)
{
	uint32_t h = mix(2166136261U, &k->id, sizeof k->id);

	h = mix(h, &k->flow, sizeof k->flow);
	h = mix(h, k->a.b, sizeof k->a.b);
	h = mix(h, k->b.b, sizeof k->b.b);
	return mix(h, &k->kind, sizeof k->kind);
}

static bool key_equal(const struct detect_memory_key *a, const struct detect_memory_key *b)
{
	return a->id == b->id && a->flow == b->flow && a->kind == b->kind &&
	       addr_equal(&a->a, &b->a) && addr_equal(&a->b, &b->b);
}

static struct detect_memory_entry **bucket_of(const struct detect_memory *m, uint32_t hash)
{
	return &m->buckets[hash % (m->room / 4)];
}

bool detect_memory_init(struct detect_memory *m, struct arena *a, size_t room)
{
	m->room = room;
	m->buckets = ARENA_ARRAY(a, struct detect_memory_entry *, room / 4);
	m->entries = ARENA_ARRAY(a, struct detect_memory_entry, room);
	return m->buckets != NULL && m->entries != NULL;
}

struct detect_memory_entry *detect_memory_find(struct detect_memory *m,
					       const struct detect_memory_key *k)
{
	struct detect_memory_entry *e = *bucket_of(m, key_hash(k));

	while (e != NULL && !key_equal(&e->key, k))
		e = e->next;
	return e;
}

static void unlink_entry(struct detect_memory *m, struct detect_memory_entry *e)
{
	struct detect_memory_entry **at = bucket_of(m, e->hash);

	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
	e->used = false;
}

/* The oldest entry of a chain that may not grow: who knows the hash can choose addresses that all
 * fall into one. NULL: it may. */
static struct detect_memory_entry *end_of_long_chain(const struct detect_memory *m, uint32_t hash)
{
	struct detect_memory_entry *e = *bucket_of(m, hash), *last = NULL;
	unsigned n = 0;

	for (; e != NULL; e = e->next, n++)
		last = e;
	return n < DETECT_MEMORY_CHAIN_MAX ? NULL : last;
}

struct detect_memory_entry *detect_memory_add(struct detect_memory *m,
					      const struct detect_memory_key *k)
{
	uint32_t hash = key_hash(k);
	struct detect_memory_entry **at = bucket_of(m, hash), *e = end_of_long_chain(m, hash);

	if (e == NULL)
		e = &m->entries[m->used++ % m->room];
	if (e->used) {
		unlink_entry(m, e);
		m->evicted++;
	}
	*e = (struct detect_memory_entry){.key = *k, .hash = hash, .used = true, .next = *at};
	*at = e;
	return e;
}

void detect_memory_remove(struct detect_memory *m, const struct detect_memory_key *k)
{
	struct detect_memory_entry *e = detect_memory_find(m, k);

	if (e != NULL)
		unlink_entry(m, e);
}

/* --- for several workers --- */

struct detect_shared {
	struct detect_locks locks;
	struct detect_memory parts[DETECT_SHARED_PARTS];
};

struct detect_shared *detect_shared_new(const struct detect_locks *locks, struct arena *process)
{
	struct detect_shared *s = ARENA_NEW(process, struct detect_shared);

	for (unsigned i = 0; s != NULL && i < DETECT_SHARED_PARTS; i++)
		if (!detect_memory_init(&s->parts[i], process, DETECT_MEMORY_PART))
			return NULL;
	if (s != NULL)
		s->locks = *locks;
	return s;
}

/* The upper bits: the lower ones choose the bucket in it. */
static unsigned part_of(const struct detect_memory_key *k)
{
	return key_hash(k) >> 28 & (DETECT_SHARED_PARTS - 1);
}

struct detect_memory *detect_memory_take(struct detect_worker *w, const struct detect_memory_key *k)
{
	unsigned part;

	if (w->shared == NULL)
		return &w->memory;
	part = part_of(k);
	w->shared->locks.take(w->shared->locks.ctx, part);
	return &w->shared->parts[part];
}

void detect_memory_give(struct detect_worker *w, const struct detect_memory_key *k)
{
	if (w->shared != NULL)
		w->shared->locks.give(w->shared->locks.ctx, part_of(k));
}

/* --- thresholds --- */

static struct detect_memory_key threshold_key(const struct detect_threshold *t, uint64_t rule_key,
					      const struct detect_view *v)
{
	struct detect_memory_key k = {.id = rule_key,
				      .kind = t->kind == THRESHOLD_FILTER ? 3
					      : t->kind == THRESHOLD_RATE ? 4
									  : 2};

	switch (t->track) {
	case TRACK_BY_SRC:
		if (v->src != NULL)
			k.a = *v->src;
		break;
	case TRACK_BY_DST:
		if (v->dst != NULL)
			k.a = *v->dst;
		break;
	case TRACK_BY_BOTH:
		if (v->src != NULL && v->dst != NULL) {
			bool swap = addr_compare(v->src, v->dst) > 0;

			k.a = swap ? *v->dst : *v->src;
			k.b = swap ? *v->src : *v->dst;
		}
		break;
	case TRACK_BY_FLOW:
		if (v->flow != NULL)
			k.flow = v->flow->id;
		break;
	case TRACK_BY_RULE:
		break;
	}
	return k;
}

static enum detect_passage first_passes(const struct detect_threshold *t,
					struct detect_memory_entry *e)
{
	switch (t->kind) {
	case THRESHOLD_LIMIT:
	case THRESHOLD_RATE:
		return PASSAGE_YES;
	case THRESHOLD_FILTER:
		return PASSAGE_NO;
	case THRESHOLD_EVERY:
		if (t->count == 1)
			e->count = 0;
		break;
	case THRESHOLD_BACKOFF:
		e->next_value = t->count == 1 ? t->multiplier : t->count;
		break;
	case THRESHOLD_BOTH:
		break;
	}
	return t->count == 1 ? PASSAGE_YES : PASSAGE_NO;
}

static enum detect_passage next_passes(const struct detect_threshold *t,
				       struct detect_memory_entry *e)
{
	e->count++;
	switch (t->kind) {
	case THRESHOLD_LIMIT:
		return e->count <= t->count ? PASSAGE_YES : PASSAGE_SILENT;
	case THRESHOLD_EVERY:
		if (e->count < t->count)
			return PASSAGE_NO;
		e->count = 0;
		return PASSAGE_YES;
	case THRESHOLD_BOTH:
		return e->count == t->count  ? PASSAGE_YES
		       : e->count > t->count ? PASSAGE_SILENT
					     : PASSAGE_NO;
	case THRESHOLD_FILTER:
		return e->count > t->count ? PASSAGE_YES : PASSAGE_NO;
	case THRESHOLD_BACKOFF:
		if (e->count != e->next_value)
			return e->count > t->count ? PASSAGE_SILENT : PASSAGE_NO;
		if (__builtin_mul_overflow(e->next_value, (uint64_t)t->multiplier, &e->next_value))
			e->next_value = UINT64_MAX;
		return PASSAGE_YES;
	case THRESHOLD_RATE:
		return e->count > t->count ? PASSAGE_NO : PASSAGE_YES;
	}
	return PASSAGE_NO;
}

/* next_value is the second in which the rate was passed, or 0. */
static bool rate_holds(const struct detect_threshold *t, struct detect_memory_entry *e,
		       uint64_t now_s)
{
	if (e->next_value == 0)
		return false;
	if (now_s <= e->next_value + t->timeout)
		return true;
	e->next_value = 0;
	return false;
}

static enum detect_passage passes(struct detect_memory *m, const struct detect_threshold *t,
				  const struct detect_memory_key *k, const struct detect_view *v)
{
	struct detect_memory_entry *e = detect_memory_find(m, k);
	bool over = e != NULL && t->kind != THRESHOLD_BACKOFF &&
		    v->now.ns > e->start.ns + (int64_t)t->seconds * TIME_NS_PER_S;
	uint64_t now_s = (uint64_t)(v->now.ns / TIME_NS_PER_S);
	enum detect_passage passage;

	if (e != NULL && t->kind == THRESHOLD_RATE && e->next_value != 0)
		return rate_holds(t, e, now_s) ? PASSAGE_NO : PASSAGE_YES;
	if (e != NULL && !over) {
		passage = next_passes(t, e);
		if (t->kind == THRESHOLD_RATE && passage == PASSAGE_NO)
			e->next_value = now_s != 0 ? now_s : 1;
		return passage;
	}
	if (e == NULL)
		e = detect_memory_add(m, k);
	e->start = v->now;
	e->count = 1;
	return first_passes(t, e);
}

enum detect_passage detect_threshold_passes(struct detect_memory *m,
					    const struct detect_threshold *t, uint64_t rule_key,
					    const struct detect_view *v)
{
	struct detect_memory_key k = threshold_key(t, rule_key, v);

	return passes(m, t, &k, v);
}

enum detect_passage detect_threshold_asks(const struct detect_threshold *t, uint64_t rule_key,
					  const struct detect_view *v)
{
	struct detect_memory_key k = threshold_key(t, rule_key, v);
	struct detect_memory *m = detect_memory_take(v->worker, &k);
	enum detect_passage passage = passes(m, t, &k, v);

	detect_memory_give(v->worker, &k);
	return passage;
}
