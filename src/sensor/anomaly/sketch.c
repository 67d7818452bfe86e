/* SPDX-License-Identifier: Apache-2.0
 *
 *  1. distinct: `sum` and `used` are what the registers add up to, so an estimate costs no loop.
 *  2. top: heap[slots[i].place] == i for i < used, and no slot counts less than its parent.
 *  3. top: every used slot is in exactly one bucket chain. */
#include "sensor/anomaly/sketch_priv.h"

#define RANK_MOST 57 /* of the 57 bits behind the register's number */

/* ---- distinct ---- */

static void raise(struct anomaly_distinct *d, unsigned i, uint8_t rank)
{
	if (d->rank[i] == 0)
		d->used++;
	else
		d->sum -= UINT64_C(1) << (RANK_MOST - d->rank[i]);
	d->rank[i] = rank;
	d->sum += UINT64_C(1) << (RANK_MOST - rank);
}

bool anomaly_distinct_add(struct anomaly_distinct *d, uint64_t hash)
{
	unsigned i = hash & (ANOMALY_REGISTERS - 1);
	uint64_t rest = hash >> 7;
	uint8_t rank = (uint8_t)(rest == 0 ? RANK_MOST : __builtin_ctzll(rest) + 1);

	if (rank <= d->rank[i])
		return false;
	raise(d, i, rank);
	return true;
}

/* 128 ln(128 / empty), rounded: what so many empty registers stand for. */
static uint64_t linear(unsigned empty)
{
	static const uint16_t counts[ANOMALY_REGISTERS + 1] = {
		0,   621, 532, 480, 444, 415, 392, 372, 355, 340, 326, 314, 303, 293, 283, 274, 266,
		258, 251, 244, 238, 231, 225, 220, 214, 209, 204, 199, 195, 190, 186, 182, 177, 174,
		170, 166, 162, 159, 155, 152, 149, 146, 143, 140, 137, 134, 131, 128, 126, 123, 120,
		118, 115, 113, 110, 108, 106, 104, 101, 99,  97,  95,  93,  91,	 89,  87,  85,	83,
		81,  79,  77,  75,  74,	 72,  70,  68,	67,  65,  63,  62,  60,	 59,  57,  55,	54,
		52,  51,  49,  48,  47,	 45,  44,  42,	41,  40,  38,  37,  35,	 34,  33,  32,	30,
		29,  28,  27,  25,  24,	 23,  22,  21,	19,  18,  17,  16,  15,	 14,  13,  12,	10,
		9,   8,	  7,   6,   5,	 4,   3,   2,	1,   0};

	return counts[empty];
}

uint64_t anomaly_distinct_count(const struct anomaly_distinct *d)
{
	unsigned empty = (unsigned)(ANOMALY_REGISTERS - d->used);
	/* alpha m^2 with alpha = 0.7213 / (1 + 1.079 / m), equation 3 and figure 3 of the paper;
	 * an empty register adds 2^0. The sum is below 2^64: 128 registers of at most 2^56. */
	double raw = 11718.6 / ((double)d->sum / 0x1p57 + empty);

	if (raw <= 2.5 * ANOMALY_REGISTERS && empty != 0)
		return linear(empty);
	return (uint64_t)(raw + 0.5);
}

void anomaly_distinct_merge(struct anomaly_distinct *a, const struct anomaly_distinct *b)
{
	for (unsigned i = 0; i < ANOMALY_REGISTERS; i++)
		if (b->rank[i] > a->rank[i])
			raise(a, i, b->rank[i]);
}

/* ---- counts ---- */

size_t anomaly_counts_bytes(uint32_t width)
{
	return (size_t)2 * ANOMALY_COUNT_ROWS * width * sizeof(uint16_t);
}

bool anomaly_counts_init(struct anomaly_counts *c, struct arena *a, uint32_t width)
{
	ASSERT(width != 0 && (width & (width - 1)) == 0);
	*c = (struct anomaly_counts){.width = width};
	for (unsigned i = 0; i < 2; i++) {
		c->cells[i] = ARENA_ARRAY(a, uint16_t, (size_t)ANOMALY_COUNT_ROWS * width);
		if (c->cells[i] == NULL)
			return false;
	}
	return true;
}

static void clear(struct anomaly_counts *c, unsigned i)
{
	memset(c->cells[i], 0, (size_t)ANOMALY_COUNT_ROWS * c->width * sizeof(uint16_t));
	c->added[i] = 0;
}

void anomaly_counts_turn(struct anomaly_counts *c, int64_t epoch)
{
	if (epoch <= c->epoch)
		return;
	if (epoch > c->epoch + 1 && c->added[c->now] != 0)
		clear(c, c->now);
	c->now ^= 1;
	if (c->added[c->now] != 0)
		clear(c, c->now);
	c->epoch = epoch;
}

/* Rows from two halves of one hash: Kirsch, Mitzenmacher, Less Hashing, Same Performance (2006). */
static uint16_t *cell(const struct anomaly_counts *c, unsigned of, uint64_t hash, unsigned row)
{
	uint32_t at = (uint32_t)hash + row * (uint32_t)(hash >> 32 | 1);

	return &c->cells[of][(size_t)row * c->width + (at & (c->width - 1))];
}

static uint16_t least(const struct anomaly_counts *c, unsigned of, uint64_t hash)
{
	uint16_t v = UINT16_MAX;

	for (unsigned row = 0; row < ANOMALY_COUNT_ROWS; row++)
		if (*cell(c, of, hash, row) < v)
			v = *cell(c, of, hash, row);
	return v;
}

/* Conservative: only cells that would otherwise say too little grow. */
void anomaly_counts_add(struct anomaly_counts *c, uint64_t hash)
{
	uint16_t v = least(c, c->now, hash);

	c->added[c->now]++;
	if (v == UINT16_MAX)
		return;
	for (unsigned row = 0; row < ANOMALY_COUNT_ROWS; row++)
		if (*cell(c, c->now, hash, row) == v)
			*cell(c, c->now, hash, row) = (uint16_t)(v + 1);
}

uint64_t anomaly_counts_get(const struct anomaly_counts *c, uint64_t hash)
{
	return (uint64_t)least(c, 0, hash) + least(c, 1, hash);
}

/* ---- top ---- */

bool anomaly_top_init(struct anomaly_top *t, struct arena *a, uint32_t room)
{
	uint32_t buckets = 1;

	ASSERT(room != 0 && room < UINT32_MAX / 4);
	while (buckets < room)
		buckets *= 2;
	*t = (struct anomaly_top){.room = room, .bucket_count = buckets};
	t->slots = ARENA_ARRAY(a, struct anomaly_top_slot, room);
	t->heap = ARENA_ARRAY(a, uint32_t, room);
	t->buckets = ARENA_ARRAY(a, uint32_t, buckets);
	return t->slots != NULL && t->heap != NULL && t->buckets != NULL;
}

static uint32_t *bucket(const struct anomaly_top *t, uint64_t key)
{
	return &t->buckets[key & (t->bucket_count - 1)];
}

static bool less(const struct anomaly_top *t, uint32_t a, uint32_t b)
{
	return t->slots[t->heap[a]].count < t->slots[t->heap[b]].count;
}

static void exchange(struct anomaly_top *t, uint32_t a, uint32_t b)
{
	uint32_t x = t->heap[a];

	t->heap[a] = t->heap[b];
	t->heap[b] = x;
	t->slots[t->heap[a]].place = a;
	t->slots[t->heap[b]].place = b;
}

static void sink(struct anomaly_top *t, uint32_t at)
{
	for (;;) {
		uint32_t child = 2 * at + 1;

		if (child >= t->used)
			return;
		if (child + 1 < t->used && less(t, child + 1, child))
			child++;
		if (!less(t, child, at))
			return;
		exchange(t, child, at);
		at = child;
	}
}

static void rise(struct anomaly_top *t, uint32_t at)
{
	for (; at > 0 && less(t, at, (at - 1) / 2); at = (at - 1) / 2)
		exchange(t, at, (at - 1) / 2);
}

uint32_t anomaly_top_find(const struct anomaly_top *t, uint64_t key)
{
	uint32_t link = *bucket(t, key);

	while (link != 0 && t->slots[link - 1].key != key)
		link = t->slots[link - 1].chain;
	return link - 1; /* 0 - 1 is UINT32_MAX */
}

static void forget(struct anomaly_top *t, uint32_t slot)
{
	uint32_t *from = bucket(t, t->slots[slot].key);

	while (*from != slot + 1)
		from = &t->slots[*from - 1].chain;
	*from = t->slots[slot].chain;
}

uint32_t anomaly_top_add(struct anomaly_top *t, uint64_t key, uint64_t n, bool *out_fresh)
{
	uint32_t slot = anomaly_top_find(t, key);
	struct anomaly_top_slot *s;

	*out_fresh = slot == UINT32_MAX;
	if (!*out_fresh) {
		t->slots[slot].count += n;
		sink(t, t->slots[slot].place);
		return slot;
	}
	if (t->used < t->room) {
		slot = t->used++;
		s = &t->slots[slot];
		*s = (struct anomaly_top_slot){.key = key, .count = n, .place = slot};
		t->heap[slot] = slot;
	} else { /* the least of them: what it had is the newcomer's error */
		slot = t->heap[0];
		s = &t->slots[slot];
		forget(t, slot);
		s->key = key;
		s->error = s->count;
		s->count += n;
	}
	s->chain = *bucket(t, key);
	*bucket(t, key) = slot + 1;
	rise(t, s->place);
	sink(t, s->place);
	return slot;
}

void anomaly_top_halve(struct anomaly_top *t)
{
	for (uint32_t i = 0; i < t->used; i++) {
		t->slots[i].count /= 2;
		t->slots[i].error /= 2;
	}
}

/* ---- decaying ---- */

uint64_t anomaly_decaying_get(const struct anomaly_decaying *d, int64_t at_ns, int64_t half_ns)
{
	int64_t past = at_ns - d->at_ns, halves;
	uint64_t v, part;

	if (past <= 0)
		return d->value;
	halves = past / half_ns;
	if (halves >= 64)
		return 0;
	v = d->value >> halves;
	/* thousandths of a half-life: v / 2 is gone at its end */
	part = (uint64_t)(past % half_ns) / ((uint64_t)half_ns / 1000 + 1);
	return v - v / 2000 * part - v % 2000 * part / 2000;
}

void anomaly_decaying_add(struct anomaly_decaying *d, uint64_t n, int64_t at_ns, int64_t half_ns)
{
	uint64_t v = anomaly_decaying_get(d, at_ns, half_ns);

	d->value = v > UINT64_MAX - n ? UINT64_MAX : v + n;
	if (at_ns > d->at_ns)
		d->at_ns = at_ns;
}
