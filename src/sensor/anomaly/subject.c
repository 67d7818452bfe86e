/* SPDX-License-Identifier: Apache-2.0
 *
 *  1. Every used subject is in exactly one bucket chain and once in the list by age.
 *  2. A table never holds more than ANOMALY_SUBJECTS_MAX; subjects are reused, never moved. */
#include "sensor/anomaly/anomaly_priv.h"

struct view { /* a table with its subjects: a base type of unknown size behind it */
	struct anomaly_table *t;
	uint8_t *subjects;
	size_t size;
};

static struct anomaly_subject *at(const struct view *v, uint32_t link)
{
	return (struct anomaly_subject *)(void *)(v->subjects + (size_t)(link - 1) * v->size);
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

static uint32_t *bucket(const struct view *v, const struct anomaly_key *k)
{
	uint64_t h = k->text + k->kind + ((uint64_t)k->proto << 8) + ((uint64_t)k->port << 16);

	h = anomaly_hash((struct slice){k->a.b, sizeof k->a.b}, h);
	h = anomaly_hash((struct slice){k->b.b, sizeof k->b.b}, h);
	return &v->t->buckets[h & (ANOMALY_BUCKETS - 1)];
}

static bool key_equal(const struct anomaly_key *x, const struct anomaly_key *y)
{
	return x->kind == y->kind && x->proto == y->proto && x->port == y->port &&
	       x->text == y->text && addr_equal(&x->a, &y->a) && addr_equal(&x->b, &y->b);
}

static void list_out(const struct view *v, uint32_t link)
{
	struct anomaly_subject *s = at(v, link);

	if (s->older != 0)
		at(v, s->older)->newer = s->newer;
	else
		v->t->oldest = s->newer;
	if (s->newer != 0)
		at(v, s->newer)->older = s->older;
	else
		v->t->newest = s->older;
}

static void list_in(const struct view *v, uint32_t link)
{
	struct anomaly_subject *s = at(v, link);

	s->older = v->t->newest;
	s->newer = 0;
	if (s->older != 0)
		at(v, s->older)->newer = link;
	else
		v->t->oldest = link;
	v->t->newest = link;
}

static uint32_t take_oldest(const struct view *v)
{
	uint32_t link = v->t->oldest;
	uint32_t *from = bucket(v, &at(v, link)->key);

	while (*from != link)
		from = &at(v, *from)->chain;
	*from = at(v, link)->chain;
	list_out(v, link);
	v->t->forgotten++;
	return link;
}

void *anomaly_subject_get(struct anomaly_table *t, void *subjects, size_t size,
			  const struct anomaly_key *key)
{
	struct view v = {t, subjects, size};
	uint32_t *head = bucket(&v, key), link = *head;
	struct anomaly_subject *s;

	while (link != 0 && !key_equal(&at(&v, link)->key, key))
		link = at(&v, link)->chain;
	if (link != 0) {
		list_out(&v, link);
		list_in(&v, link);
		return at(&v, link);
	}
	link = t->used < ANOMALY_SUBJECTS_MAX ? ++t->used : take_oldest(&v);
	s = at(&v, link);
	memset(s, 0, size);
	s->key = *key;
	s->chain = *head;
	*head = link;
	list_in(&v, link);
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
