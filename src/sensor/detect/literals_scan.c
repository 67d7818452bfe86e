/* SPDX-License-Identifier: Apache-2.0
 * Looking for literals, one window after the other; and what all lookers share. */
#include "base/text.h"
#include "sensor/detect/literals_priv.h"

static bool same_nocase(const uint8_t *p, struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (text_lower(p[i]) != s.ptr[i])
			return false;
	return true;
}

void detect_literals_compare(const struct literal_look *k, uint32_t literal, size_t at)
{
	const struct detect_literal *x = &k->all[literal];
	uint64_t to = (uint64_t)k->base + at + x->bytes.len;

	if (at > k->bytes.len || k->bytes.len - at < x->bytes.len || to < x->min_to ||
	    (to > x->max_to && x->max_to != UINT32_MAX) ||
	    (x->once && k->seen->scan[literal] == k->seen->now))
		return;
	if (x->nocase ? !same_nocase(k->bytes.ptr + at, x->bytes)
		      : memcmp(k->bytes.ptr + at, x->bytes.ptr, x->bytes.len) != 0)
		return;
	k->seen->scan[literal] = k->seen->now;
	k->found(k->ctx, literal, to);
}

void detect_literals_windows(const struct literal_look *k, const struct literal_index *x,
			     uint32_t hash, uint32_t value, size_t at)
{
	uint32_t bucket = literal_bucket(x, hash);

	for (uint32_t i = x->begins[bucket]; i < x->begins[bucket + 1]; i++) {
		const struct literal_window *w = &x->windows[i];

		if (w->value == value && (w->literal_at & 255) <= at)
			detect_literals_compare(k, w->literal_at >> 8, at - (w->literal_at & 255));
	}
}

void detect_literals_place(const struct literal_look *k, const struct literal_places *p,
			   uint32_t place, uint32_t folded)
{
	const struct literal_index *x = &p->index;
	uint32_t bucket = literal_bucket(x, folded * p->multiplier[place] + p->salt[place]);

	for (uint32_t i = x->begins[bucket]; i < x->begins[bucket + 1]; i++) {
		const struct literal_window *w = &x->windows[i];

		if (w->value == (folded & p->mask[place]) && (w->literal_at & 255) == place)
			detect_literals_compare(k, w->literal_at >> 8, p->at[place] - k->base);
	}
}

static void table_plain(const struct literal_look *k, const struct literal_table *t, size_t n)
{
	const uint8_t *p = k->bytes.ptr;

	for (size_t at = 0; at + t->width <= n; at += t->stride) {
		uint32_t v = literal_fold(n - at >= 4 ? literal_load(p + at)
						      : literal_load_few(p + at, t->width));

		if (literal_may_be(&t->index, v * t->multiplier))
			detect_literals_windows(k, &t->index, v * t->multiplier, v & t->mask, at);
	}
}

static void few_plain(const struct literal_look *k, const struct literal_few *f, size_t from,
		      size_t n)
{
	const uint8_t *p = k->bytes.ptr;
	size_t len = k->all[f->literal].bytes.len;

	for (size_t at = from; at + len <= n; at++)
		if ((p[at + f->at[0]] | f->fold[0]) == f->value[0] &&
		    (p[at + f->at[1]] | f->fold[1]) == f->value[1])
			detect_literals_compare(k, f->literal, at);
}

static void places_plain(const struct literal_look *k, const struct literal_places *p)
{
	for (uint32_t i = 0; i < p->count; i++) {
		size_t at = p->at[i] - k->base;
		uint32_t v, hash;

		if (p->at[i] < k->base || at >= k->bytes.len)
			continue;
		v = literal_fold(k->bytes.len - at >= 4
					 ? literal_load(k->bytes.ptr + at)
					 : literal_load_few(k->bytes.ptr + at, k->bytes.len - at));
		hash = v * p->multiplier[i] + p->salt[i];
		if (literal_may_be(&p->index, hash))
			detect_literals_place(k, p, i, v);
	}
}

static size_t run_plain(struct slice bytes, size_t from)
{
	const uint8_t *p = bytes.ptr;

	while (from + 3 <= bytes.len && (p[from] != p[from + 1] || p[from] != p[from + 2]))
		from++;
	return from;
}

const struct literal_lookers detect_literals_plain = {table_plain, few_plain, places_plain,
						      run_plain};

/* Bytes from .. to are equal: the literals that are in them. */
static void run_ask(const struct detect_literals *l, const struct literal_look *k, size_t from,
		    size_t to)
{
	for (size_t i = 0; i < l->run_count; i++) {
		const struct detect_literal *x = &l->all[l->runs[i].literal];

		if (l->runs[i].value != k->bytes.ptr[from])
			continue;
		for (size_t at = from; at + x->bytes.len <= to && (at == from || !x->once); at++)
			detect_literals_compare(k, l->runs[i].literal, at);
	}
}

static void runs_ask(const struct detect_literals *l, const struct literal_look *k)
{
	const uint8_t *p = k->bytes.ptr;
	size_t n = k->bytes.len, to;

	for (size_t from = l->look.run(k->bytes, 0); from + LITERAL_RUN_MIN <= n;
	     from = l->look.run(k->bytes, to)) {
		to = from + 3;
		while (to < n && p[to] == p[from])
			to++;
		run_ask(l, k, from, to);
	}
}

/* So many of the bytes end at `reach`, or before. */
static size_t within(const struct literal_look *k, uint32_t reach)
{
	if (reach == UINT32_MAX)
		return k->bytes.len;
	if (reach <= k->base)
		return 0;
	return reach - k->base < k->bytes.len ? reach - k->base : k->bytes.len;
}

static void few_ask(const struct detect_literals *l, const struct literal_look *k,
		    const struct literal_few *f)
{
	const struct detect_literal *x = &l->all[f->literal];
	size_t n = within(k, x->max_to), first = k->base + x->bytes.len;
	size_t from = x->min_to > first ? x->min_to - first : 0;

	if (n >= x->bytes.len && from <= n - x->bytes.len)
		l->look.few(k, f, from, n);
}

void detect_literals_scan(const struct detect_literals *l, struct slice bytes, size_t base,
			  struct detect_seen *seen, detect_literal_fn *found, void *ctx)
{
	const struct literal_look k = {l->all, bytes, base, seen, found, ctx};

	if (bytes.len == 0)
		return;
	seen->now++; /* wraps after 2^32 scans: a stale mark then hides one literal once at most */
	if (l->places != NULL && base < l->places->reach)
		l->look.places(&k, l->places);
	if (l->run_count != 0)
		runs_ask(l, &k);
	for (uint32_t i = 0; i < l->few_count; i++)
		few_ask(l, &k, &l->few[i]);
	for (uint32_t i = 0; i < l->table_count; i++)
		l->look.table(&k, &l->tables[i], within(&k, l->tables[i].reach));
}
