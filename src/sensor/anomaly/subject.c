/* SPDX-License-Identifier: Apache-2.0
 *
 *  1. Every used subject is in exactly one bucket chain and once in the list by age.
 *  2. A table never holds more than ANOMALY_SUBJECTS_MAX. Links are indices, so it may move. */
#include "sensor/anomaly/anomaly_priv.h"

static struct anomaly_subject *at(const struct anomaly_table *t, uint32_t link)
{
	return (struct anomaly_subject *)(void *)(t->subjects + (size_t)(link - 1) * t->size);
}

/* FNV-1a, then a finaliser so that the low bits depend on all bytes. */
uint64_t anomaly_hash(struct slice s, uint64_t seed)
{
	uint64_t h = seed ^ UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < s.len; i++)
		h = (h ^ s.ptr[i]) * UINT64_C(0x100000001b3);
	h = (h ^ h >> 33) * UINT64_C(0xff51afd7ed558ccd);
	return h ^ h >> 33;
}

static uint32_t *bucket(struct anomaly_table *t, const struct anomaly_key *k)
{
	uint64_t h = k->text + k->kind + ((uint64_t)k->proto << 8) + ((uint64_t)k->port << 16);

	h = anomaly_hash((struct slice){k->a.b, sizeof k->a.b}, h);
	h = anomaly_hash((struct slice){k->b.b, sizeof k->b.b}, h);
	return &t->buckets[h & (ANOMALY_BUCKETS - 1)];
}

static bool key_equal(const struct anomaly_key *x, const struct anomaly_key *y)
{
	return x->kind == y->kind && x->proto == y->proto && x->port == y->port &&
	       x->text == y->text && addr_equal(&x->a, &y->a) && addr_equal(&x->b, &y->b);
}

static void list_out(struct anomaly_table *t, uint32_t link)
{
	struct anomaly_subject *s = at(t, link);

	if (s->older != 0)
		at(t, s->older)->newer = s->newer;
	else
		t->oldest = s->newer;
	if (s->newer != 0)
		at(t, s->newer)->older = s->older;
	else
		t->newest = s->older;
}

static void list_in(struct anomaly_table *t, uint32_t link)
{
	struct anomaly_subject *s = at(t, link);

	s->older = t->newest;
	s->newer = 0;
	if (s->older != 0)
		at(t, s->older)->newer = link;
	else
		t->oldest = link;
	t->newest = link;
}

static uint32_t take_oldest(struct anomaly_table *t)
{
	uint32_t link = t->oldest;
	uint32_t *from = bucket(t, &at(t, link)->key);

	while (*from != link)
		from = &at(t, *from)->chain;
	*from = at(t, link)->chain;
	list_out(t, link);
	t->forgotten++;
	return link;
}

static bool resize(struct anomaly_table *t, uint32_t room)
{
	uint8_t *subjects = arena_alloc(t->arena, t->size, _Alignof(max_align_t), room);

	if (subjects == NULL)
		return false;
	if (t->used != 0)
		memcpy(subjects, t->subjects, t->used * t->size);
	t->subjects = subjects;
	t->room = room;
	return true;
}

bool anomaly_table_init(struct anomaly_table *t, struct arena *a, size_t size)
{
	*t = (struct anomaly_table){.arena = a, .size = size};
	return resize(t, ANOMALY_SUBJECTS_FIRST);
}

void *anomaly_subject_get(struct anomaly_table *t, const struct anomaly_key *key)
{
	uint32_t *head = bucket(t, key), link = *head;
	struct anomaly_subject *s;

	while (link != 0 && !key_equal(&at(t, link)->key, key))
		link = at(t, link)->chain;
	if (link != 0) {
		list_out(t, link);
		list_in(t, link);
		return at(t, link);
	}
	if (t->used < t->room || (t->room < ANOMALY_SUBJECTS_MAX && resize(t, t->room * 4)))
		link = ++t->used;
	else
		link = take_oldest(t);
	s = at(t, link);
	memset(s, 0, t->size);
	s->key = *key;
	s->chain = *head;
	*head = link;
	list_in(t, link);
	return s;
}

bool anomaly_may_say(struct anomaly_subject *s, struct wall_ns now)
{
	if (s->said && now.ns - s->said_at.ns < ANOMALY_SILENCE_NS)
		return false;
	s->said = true;
	s->said_at = now;
	return true;
}
