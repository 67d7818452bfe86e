/* SPDX-License-Identifier: Apache-2.0
 *
 * A hash table in an arena.
 * 1. room is 0 or a power of two, and at most three quarters of it are taken: a probe ends.
 * 2. Nothing is ever removed: a free cell ends a probe. */
#include "sensor/rule/rule_priv.h"

enum { TABLE_FIRST = 64 }; /* cells */

/* Eight bytes a round, since the long address lists of rule files dominate: a multiplication
 * carries each word upwards, a shift brings it back down to the bits that choose the cell. */
static uint64_t hash_of(struct slice key)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325) ^ key.len;

	for (size_t i = 0; i < key.len; i += 8) {
		struct slice part = slice_part(key, i, 8);
		uint64_t word = 0;

		memcpy(&word, part.ptr, part.len);
		h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
		h ^= h >> 29;
	}
	return h;
}

static struct rule_cell *cell_of(const struct rule_table *t, struct slice key, uint64_t hash)
{
	size_t i = (size_t)hash & (t->room - 1);

	while (t->cells[i].value != NULL &&
	       (t->cells[i].hash != hash || !slice_equal(t->cells[i].key, key)))
		i = (i + 1) & (t->room - 1);
	return &t->cells[i];
}

void *rule_table_find(const struct rule_table *t, struct slice key)
{
	return t->room ? cell_of(t, key, hash_of(key))->value : NULL;
}

static bool grow(struct rule_table *t, struct arena *a)
{
	struct rule_table bigger = {.room = t->room ? t->room * 2 : TABLE_FIRST};

	bigger.cells = ARENA_ARRAY(a, struct rule_cell, bigger.room);
	if (bigger.cells == NULL)
		return false;
	for (size_t i = 0; i < t->room; i++)
		if (t->cells[i].value != NULL)
			*cell_of(&bigger, t->cells[i].key, t->cells[i].hash) = t->cells[i];
	bigger.count = t->count;
	*t = bigger;
	return true;
}

bool rule_table_put(struct rule_table *t, struct arena *a, struct slice key, void *value)
{
	uint64_t hash = hash_of(key);
	struct rule_cell *c;

	if (t->count >= t->room / 4 * 3 && !grow(t, a))
		return false;
	c = cell_of(t, key, hash);
	t->count += c->value == NULL;
	*c = (struct rule_cell){key, hash, value};
	return true;
}
