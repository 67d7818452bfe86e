/* SPDX-License-Identifier: Apache-2.0
 *
 * Ranges of addresses, each with what a table says of it: what text and MRT files have in common.
 *
 * Invariants of a family's rows once they are ready:
 *   1. sorted by first address, of equal ones the widest range first;
 *   2. two ranges are apart, or one holds the other: of a partial overlap the row that starts later
 *      has the common part; repetitions are refused;
 *   3. parent is the narrowest earlier row that holds this one, or NO_ROW;
 *   4. index[k] is how many rows begin before the block of addresses whose first 16 bits are k.
 * So the row for an address is the last that starts at or before it, or the nearest of its parents
 * that reaches it; the index leaves a handful of rows to search.
 */
#include <stdlib.h>

#include "assess/origin/origin_priv.h"

enum { BLOCKS = 1 << 16 };
#define NO_ROW UINT32_MAX

origin_key origin_key_of(const struct addr *a)
{
	origin_key k = 0;

	for (size_t i = 0; i < addr_bytes(a); i++)
		k = k << 8 | a->b[i];
	return k;
}

origin_key origin_span(size_t bits)
{
	return bits >= 128 ? ~(origin_key)0 : ((origin_key)1 << bits) - 1;
}

static int row_compare(const void *pa, const void *pb)
{
	const struct origin_row *a = pa, *b = pb;

	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	if (a->last != b->last)
		return a->last > b->last ? -1 : 1;
	return a->line < b->line ? -1 : a->line > b->line;
}

/* Makes the first three true, or says which rows break them. */
static enum status order(struct slice name, const char *what, struct origin_row *rows, size_t n,
			 struct fail *why)
{
	bool sorted = true;

	for (size_t i = 1; i < n && sorted; i++)
		sorted = row_compare(&rows[i - 1], &rows[i]) < 0;
	if (!sorted)
		qsort(rows, n, sizeof *rows, row_compare);
	for (size_t i = 0; i < n; i++) {
		uint32_t up = i == 0 ? NO_ROW : (uint32_t)i - 1;

		/* Published tables have ranges that half overlap: the one that starts later has the
		 * common part. Whatever holds its first address is among the parents. */
		while (up != NO_ROW && rows[up].last < rows[i].last) {
			if (rows[up].last >= rows[i].first)
				rows[up].last = rows[i].first - 1;
			up = rows[up].parent;
		}
		if (up != NO_ROW && rows[up].first == rows[i].first &&
		    rows[up].last == rows[i].last)
			return fail_set(why, ST_INVALID,
					"%.*s:%u: expected each range once, found that of %s %u",
					SLICE_ARG(name), rows[i].line, what, rows[up].line);
		rows[i].parent = up;
	}
	return ST_OK;
}

static size_t block_of(origin_key k, size_t family)
{
	return (size_t)(k >> (family == 0 ? 16 : 112));
}

enum status origin_rows_ready(struct slice name, const char *what, struct origin_rows *r,
			      struct arena *a, struct fail *why)
{
	for (size_t f = 0; f < 2; f++) {
		enum status st = order(name, what, r->rows[f], r->count[f], why);
		size_t block = 0;

		if (st != ST_OK)
			return st;
		r->index[f] = ARENA_ARRAY(a, uint32_t, BLOCKS + 1);
		if (r->index[f] == NULL)
			return fail_set(why, ST_NOMEM, "%.*s: the memory budget is spent",
					SLICE_ARG(name));
		for (size_t i = 0; i < r->count[f]; i++)
			while (block <= block_of(r->rows[f][i].first, f))
				r->index[f][block++] = (uint32_t)i;
		while (block <= BLOCKS)
			r->index[f][block++] = (uint32_t)r->count[f];
	}
	return ST_OK;
}

static const struct origin_row *find(const struct origin_rows *r, const struct addr *address)
{
	size_t f = address->family == 6;
	origin_key k = origin_key_of(address);
	size_t block = block_of(k, f), low = r->index[f][block], high = r->index[f][block + 1];
	const struct origin_row *rows = r->rows[f];
	uint32_t at;

	while (low < high) { /* the first row that starts behind the address */
		size_t mid = low + (high - low) / 2;

		if (rows[mid].first <= k)
			low = mid + 1;
		else
			high = mid;
	}
	at = low == 0 ? NO_ROW : (uint32_t)low - 1;
	while (at != NO_ROW && rows[at].last < k)
		at = rows[at].parent;
	return at == NO_ROW ? NULL : &rows[at];
}

/* A range need not be a prefix: the widest one around the address that lies inside. Such prefixes
 * hold each other, so the first length that fits is found by halving. */
static unsigned widest(const struct origin_row *row, origin_key k, unsigned all)
{
	unsigned low = 0, high = all;

	while (low < high) {
		unsigned bits = (low + high) / 2;
		origin_key span = origin_span(all - bits), first = k & ~span;

		if (first >= row->first && first + span <= row->last)
			high = bits;
		else
			low = bits + 1;
	}
	return low;
}

bool origin_rows_ask(const struct origin_table *t, const struct addr *address, struct arena *a,
		     struct record_location *out)
{
	const struct origin_row *row = find(t->state, address);
	unsigned all = (unsigned)addr_bytes(address) * 8;

	if (row == NULL)
		return false;
	if (row->code[0] != 0)
		origin_code_apply((struct slice){row->code, sizeof row->code}, out);
	out->asn = row->asn;
	out->as_name = (struct slice){row->name, row->name_len};
	out->net = origin_prefix(address, widest(row, origin_key_of(address), all));
	return out->asn != 0 || out->territory.len != 0 || out->proxy || out->anycast;
}
