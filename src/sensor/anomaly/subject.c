/* SPDX-License-Identifier: Apache-2.0
 *
 *  1. Every used subject is in exactly one bucket chain and once in the list of its segment.
 *  2. A table never holds more than its room. Chunks never move: a subject stays where it is.
 *  3. newcomers.count + lasting.count == used; touches == ANOMALY_LASTING exactly in `lasting`. */
#include "sensor/anomaly/anomaly_priv.h"

enum { KEY_BYTES = 1 + 1 + 2 + 2 * 17 + 8 };

static struct anomaly_subject *at(const struct anomaly_table *t, uint32_t link)
{
	uint8_t *chunk = t->chunks[(link - 1) / ANOMALY_CHUNK];

	return (struct anomaly_subject *)(void *)(chunk + (link - 1) % ANOMALY_CHUNK * t->size);
}

static uint64_t key_hash(const struct anomaly_key *k, const uint8_t hash_key[CRYPTO_SIP_BYTES])
{
	uint8_t b[KEY_BYTES] = {k->kind, k->proto, (uint8_t)(k->port >> 8), (uint8_t)k->port,
				k->a.family};

	memcpy(b + 5, k->a.b, 16);
	b[21] = k->b.family;
	memcpy(b + 22, k->b.b, 16);
	memcpy(b + 38, &k->text, 8);
	return crypto_sip(hash_key, (struct slice){b, sizeof b});
}

uint64_t anomaly_hash_key(const struct anomaly_room *r, const struct anomaly_key *key)
{
	return key_hash(key, r->site->hash_key);
}

static uint32_t *bucket(const struct anomaly_table *t, uint32_t hash)
{
	return &t->buckets[hash & (t->bucket_count - 1)];
}

static bool key_equal(const struct anomaly_key *x, const struct anomaly_key *y)
{
	return x->kind == y->kind && x->proto == y->proto && x->port == y->port &&
	       x->text == y->text && addr_equal(&x->a, &y->a) && addr_equal(&x->b, &y->b);
}

static struct anomaly_segment *segment_of(struct anomaly_table *t, const struct anomaly_subject *s)
{
	return s->touches == ANOMALY_LASTING ? &t->lasting : &t->newcomers;
}

static void list_out(struct anomaly_table *t, uint32_t link)
{
	struct anomaly_subject *s = at(t, link);
	struct anomaly_segment *g = segment_of(t, s);

	if (s->older != 0)
		at(t, s->older)->newer = s->newer;
	else
		g->oldest = s->newer;
	if (s->newer != 0)
		at(t, s->newer)->older = s->older;
	else
		g->newest = s->older;
	g->count--;
}

static void list_in(struct anomaly_table *t, uint32_t link)
{
	struct anomaly_subject *s = at(t, link);
	struct anomaly_segment *g = segment_of(t, s);

	s->older = g->newest;
	s->newer = 0;
	if (s->older != 0)
		at(t, s->older)->newer = link;
	else
		g->oldest = link;
	g->newest = link;
	g->count++;
}

static uint32_t take_one(struct anomaly_table *t)
{
	uint32_t newcomers_least = t->used / 4 > 1 ? t->used / 4 : 1;
	uint32_t link = t->newcomers.count >= newcomers_least || t->lasting.count == 0
				? t->newcomers.oldest
				: t->lasting.oldest;
	uint32_t *from = bucket(t, at(t, link)->hash);

	while (*from != link)
		from = &at(t, *from)->chain;
	*from = at(t, link)->chain;
	list_out(t, link);
	t->forgotten++;
	return link;
}

static bool grow(struct anomaly_table *t)
{
	uint8_t *chunk;

	if (t->used % ANOMALY_CHUNK != 0)
		return true;
	chunk = t->full ? NULL
			: arena_alloc(t->arena, t->size, _Alignof(max_align_t), ANOMALY_CHUNK);
	t->full = chunk == NULL;
	if (chunk != NULL)
		t->chunks[t->used / ANOMALY_CHUNK] = chunk;
	return chunk != NULL;
}

bool anomaly_table_init(struct anomaly_table *t, struct arena *a, size_t size, size_t bytes,
			const uint8_t hash_key[CRYPTO_SIP_BYTES])
{
	/* a subject, its bucket (rounded up to twice as many) and its part of a chunk's pointer */
	size_t chunk = ANOMALY_CHUNK * (size + 2 * sizeof(uint32_t)) + sizeof(uint8_t *);
	size_t chunks = bytes / chunk > 0 ? bytes / chunk : 1;
	uint32_t buckets = 1;

	ASSERT(size >= sizeof(struct anomaly_subject) && chunks < UINT32_MAX / ANOMALY_CHUNK / 2);
	while (buckets < chunks * ANOMALY_CHUNK)
		buckets *= 2;
	*t = (struct anomaly_table){.arena = a,
				    .size = size,
				    .hash_key = hash_key,
				    .room = (uint32_t)chunks * ANOMALY_CHUNK,
				    .bucket_count = buckets};
	t->chunks = ARENA_ARRAY(a, uint8_t *, chunks);
	t->buckets = ARENA_ARRAY(a, uint32_t, buckets);
	return t->chunks != NULL && t->buckets != NULL && grow(t);
}

static uint32_t find(const struct anomaly_table *t, const struct anomaly_key *key, uint32_t hash)
{
	uint32_t link = *bucket(t, hash);

	while (link != 0 && (at(t, link)->hash != hash || !key_equal(&at(t, link)->key, key)))
		link = at(t, link)->chain;
	return link;
}

void *anomaly_subject_find(struct anomaly_table *t, const struct anomaly_key *key)
{
	uint32_t link = find(t, key, (uint32_t)key_hash(key, t->hash_key));

	return link != 0 ? at(t, link) : NULL;
}

static void *touch(struct anomaly_table *t, uint32_t link)
{
	struct anomaly_subject *s = at(t, link);

	list_out(t, link);
	if (s->touches < ANOMALY_LASTING)
		s->touches++;
	list_in(t, link);
	return s;
}

void *anomaly_subject_get(struct anomaly_table *t, const struct anomaly_key *key)
{
	uint32_t hash = (uint32_t)key_hash(key, t->hash_key), link = find(t, key, hash);
	uint32_t *head = bucket(t, hash);
	struct anomaly_subject *s;

	if (link != 0)
		return touch(t, link);
	/* the first chunk is there from the beginning */
	if (t->used < t->room && (t->used == 0 || grow(t)))
		link = ++t->used;
	else
		link = take_one(t);
	s = at(t, link);
	memset(s, 0, t->size);
	s->key = *key;
	s->hash = hash;
	s->touches = 1;
	s->chain = *head;
	*head = link;
	list_in(t, link);
	return s;
}

bool anomaly_may_say(struct anomaly_subject *s, struct wall_ns now, int64_t silence_ns)
{
	int64_t past = now.ns - s->said_at.ns;

	silence_ns <<= s->said != 0 ? s->said - 1 : 0;
	if (s->said != 0 && past < silence_ns)
		return false;
	if (s->said != 0 && past >= 3 * silence_ns)
		s->said = 0; /* it had ended: what begins now is new */
	if (s->said < ANOMALY_SILENCES)
		s->said++;
	s->said_at = now;
	return true;
}
