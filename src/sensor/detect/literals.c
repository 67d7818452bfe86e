/* SPDX-License-Identifier: Apache-2.0
 *
 * Making a set of literals. Each is looked for in one of these ways:
 *
 *	places	   at one place		   by the window there
 *	runs	   one byte repeated	   by three equal bytes
 *	few	   few of a kind, or dull  by two of its bytes, everywhere
 *	QUARTER	   of 7 bytes and more	   by windows of 4 bytes at every 4th place
 *	HALF	   of 4 to 6 bytes	   by windows of 3 bytes at every 2nd place
 *	EACH_3..1  of 3, 2, 1 byte	   by windows of so many bytes at every place
 *
 * 1. A table with stride s has s windows of each literal, at s places that follow each other: of
 *    any s places in a row, one is a multiple of s. So each occurrence is met exactly once.
 * 2. A window is compared in lower case (literal_fold()); the literal then exactly.
 * 3. What is not in the filter is in no literal; what is may be.
 * 4. Nothing before or behind the bytes is read.
 * 5. A window of one byte repeated is in no table if that can be helped: traffic is full of them.
 */
#include "sensor/detect/literals.h"

#include "sensor/detect/literals_priv.h"

enum {
	PLACE_WORTH = 3,      /* a place for fewer long literals is not worth a look of its own */
	FILTER_FACTOR = 64,   /* bits a window: one in so many passes by chance */
	FILTER_BITS_MAX = 18, /* 2^18 bits are 32 KiB: what a first-level cache holds */
	FILTER_BITS_MIN = 6,
	POPULAR_BITS_MAX = 16,
	DULL = 1 << 16, /* cost of a window of one byte repeated */
};

static const struct {
	uint8_t stride, width, least; /* least: bytes of a literal */
	uint8_t few;		      /* so many are rather looked for one by one */
} kinds[LITERAL_KINDS] = {
	[LITERAL_QUARTER] = {4, 4, 7, 1}, [LITERAL_HALF] = {2, 3, 4, 2},
	[LITERAL_EACH_3] = {1, 3, 3, 4},  [LITERAL_EACH_2] = {1, 2, 2, 4},
	[LITERAL_EACH_1] = {1, 1, 1, 4},
};

struct draft { /* a table while it is made */
	uint32_t *literals;
	uint32_t count, reach;
};

struct builder {
	const struct detect_literal *all;
	uint32_t count;
	struct arena *arena, *scratch;
	struct detect_literals *out;
	bool full;
	size_t run_room;
	struct draft kinds[LITERAL_KINDS], places[LITERAL_PLACES_MAX];
	uint32_t place_at[LITERAL_PLACES_MAX];
	uint8_t place_width[LITERAL_PLACES_MAX];
	uint32_t place_count;
	uint32_t *popular; /* by hash of a window: how many literals have it */
	uint8_t popular_bits;
};

static uint32_t mask_of(unsigned width)
{
	return UINT32_MAX >> 8 * (4 - width);
}

static uint32_t multiplier_of(unsigned width)
{
	return LITERAL_HASH << 8 * (4 - width);
}

static uint32_t window_value(struct slice s, size_t at, unsigned width)
{
	return literal_fold(literal_load_few(s.ptr + at, width));
}

static unsigned bits_for(uint64_t n)
{
	unsigned bits = 0;

	while ((UINT64_C(1) << bits) < n)
		bits++;
	return bits;
}

/* --- which literal goes where --- */

static void draft_add(struct builder *b, struct draft *d, uint32_t literal)
{
	if (d->literals == NULL)
		d->literals = ARENA_ARRAY(b->scratch, uint32_t, b->count);
	if (d->literals == NULL) {
		b->full = true;
		return;
	}
	d->literals[d->count++] = literal;
	if (b->all[literal].max_to > d->reach)
		d->reach = b->all[literal].max_to;
}

/* Where it must begin; false: it may be at more than one place, or at none. */
static bool place_of(const struct detect_literal *x, uint32_t *out)
{
	uint32_t least = x->min_to > x->bytes.len ? x->min_to : (uint32_t)x->bytes.len;

	*out = x->max_to - (uint32_t)x->bytes.len;
	return x->max_to != UINT32_MAX && least == x->max_to;
}

static enum literal_kind kind_of(const struct detect_literal *x)
{
	enum literal_kind k = LITERAL_QUARTER;

	while (x->bytes.len < kinds[k].least)
		k++;
	return k;
}

/* NULL: it has no place, or there are too many. */
static struct draft *place_for(struct builder *b, const struct detect_literal *x)
{
	uint8_t width = x->bytes.len < 4 ? (uint8_t)x->bytes.len : 4;
	uint32_t at, i = 0;

	if (!place_of(x, &at))
		return NULL;
	while (i < b->place_count && (b->place_at[i] != at || b->place_width[i] != width))
		i++;
	if (i == LITERAL_PLACES_MAX)
		return NULL;
	b->place_at[i] = at;
	b->place_width[i] = width;
	b->place_count += i == b->place_count;
	return &b->places[i];
}

static bool repeats(const struct detect_literal *x)
{
	return memcmp(x->bytes.ptr, x->bytes.ptr + 1, x->bytes.len - 1) == 0;
}

/* Letters in either case are none: Aa is no run. */
static bool is_run(const struct detect_literal *x)
{
	uint8_t c = x->bytes.ptr[0];

	return x->bytes.len >= LITERAL_RUN_MIN && !(x->nocase && c >= 'a' && c <= 'z') &&
	       repeats(x);
}

static bool run_add(struct builder *b, uint32_t literal)
{
	struct detect_literals *l = b->out;
	struct literal_run run = {literal, b->all[literal].bytes.ptr[0]};

	return ARENA_PUSH(b->arena, l->runs, l->run_count, b->run_room, run);
}

static void places_sort(struct builder *b)
{
	for (uint32_t i = 0; i < b->count; i++) {
		struct draft *d = place_for(b, &b->all[i]);

		if (d == NULL && is_run(&b->all[i])) {
			b->full = b->full || !run_add(b, i);
			continue;
		}
		draft_add(b, d != NULL ? d : &b->kinds[kind_of(&b->all[i])], i);
	}
}

/* Literals at places where there are few go to a table that is there in any case. */
static void places_thin(struct builder *b)
{
	bool quarter = b->kinds[LITERAL_QUARTER].reach == UINT32_MAX;

	for (uint32_t i = 0; i < b->place_count && quarter; i++) {
		struct draft *d = &b->places[i];
		bool all_long = d->count < PLACE_WORTH;

		for (uint32_t k = 0; k < d->count && all_long; k++)
			all_long = kind_of(&b->all[d->literals[k]]) == LITERAL_QUARTER;
		for (uint32_t k = 0; k < d->count && all_long; k++)
			draft_add(b, &b->kinds[LITERAL_QUARTER], d->literals[k]);
		if (all_long)
			d->count = 0;
	}
}

/* --- windows --- */

static uint32_t *popular_at(const struct builder *b, uint32_t value)
{
	return &b->popular[value * LITERAL_HASH >> (32 - b->popular_bits)];
}

static void popular_count(struct builder *b, const struct draft *d, unsigned width)
{
	memset(b->popular, 0, sizeof *b->popular << b->popular_bits);
	for (uint32_t i = 0; i < d->count; i++) {
		struct slice s = b->all[d->literals[i]].bytes;

		for (size_t at = 0; at + width <= s.len; at++)
			++*popular_at(b, window_value(s, at, width));
	}
}

/* What traffic is full of: bytes that repeat, blanks and zeros. */
static uint32_t dullness(uint32_t value, unsigned width)
{
	uint32_t n = 0, repeats = 0, before = 256;

	for (unsigned i = 0; i < width; i++, value >>= 8) {
		uint32_t byte = value & 255;

		repeats += byte == before;
		n += byte == ' ' || byte == 0 ? 6 : byte == 0xff ? 3 : 0;
		before = byte;
	}
	return width > 1 && repeats == width - 1 ? DULL : n + 12 * repeats;
}

/* Where the windows of a literal begin: where they are rarest. */
static size_t windows_begin(const struct builder *b, enum literal_kind kind, struct slice s,
			    uint32_t *out_cost)
{
	unsigned stride = kinds[kind].stride, width = kinds[kind].width;
	size_t best = 0;

	*out_cost = UINT32_MAX;
	for (size_t at = 0; at + stride - 1 + width <= s.len; at++) {
		uint32_t cost = 0;

		for (unsigned i = 0; i < stride; i++) {
			uint32_t v = window_value(s, at + i, width);

			cost += *popular_at(b, v) * 4 + dullness(v, width);
		}
		if (cost < *out_cost) {
			*out_cost = cost;
			best = at;
		}
	}
	return best;
}

/* --- few --- */

/* How common a byte is, as far as that can be told of all traffic. */
static uint32_t byte_cost(uint8_t c)
{
	if (c == 0)
		return 16;
	if (c == ' ' || c == 0xff || (c >= 'a' && c <= 'z'))
		return 8;
	if ((c >= '0' && c <= '9') || c == '\r' || c == '\n' || c == '.' || c == '/' || c < 16)
		return 5;
	return c >= 'A' && c <= 'Z' ? 4 : 2;
}

static void few_byte(struct literal_few *f, unsigned which, const struct detect_literal *x,
		     size_t at)
{
	uint8_t c = x->bytes.ptr[at];

	f->at[which] = (uint8_t)at;
	f->value[which] = c;
	f->fold[which] = x->nocase && c >= 'a' && c <= 'z' ? 0x20 : 0;
}

static void few_add(struct builder *b, uint32_t literal)
{
	struct detect_literals *l = b->out;
	struct literal_few *f = &l->few[l->few_count++];
	const struct detect_literal *x = &b->all[literal];
	size_t first = 0, second = x->bytes.len - 1;

	for (size_t i = 1; i < x->bytes.len; i++)
		if (byte_cost(x->bytes.ptr[i]) < byte_cost(x->bytes.ptr[first]))
			first = i;
	if (second == first && second != 0)
		second--;
	for (size_t i = 0; i < x->bytes.len; i++)
		if (i != first && x->bytes.ptr[i] != x->bytes.ptr[first] &&
		    (byte_cost(x->bytes.ptr[i]) < byte_cost(x->bytes.ptr[second]) ||
		     x->bytes.ptr[second] == x->bytes.ptr[first]))
			second = i;
	f->literal = literal;
	few_byte(f, 0, x, first);
	few_byte(f, 1, x, second);
}

static bool few_have_room(const struct builder *b, uint32_t n)
{
	return b->out->few_count + n <= LITERAL_FEW_MAX;
}

/* Of a kind there are so few that each is looked for by itself. */
static void few_sort(struct builder *b, enum literal_kind kind)
{
	struct draft *d = &b->kinds[kind];

	if (d->count > kinds[kind].few || !few_have_room(b, d->count))
		return;
	for (uint32_t i = 0; i < d->count; i++)
		few_add(b, d->literals[i]);
	d->count = 0;
}

/* Literals that have dull windows only go where they have others, or are looked for one by one. */
static void dull_sort(struct builder *b, enum literal_kind kind)
{
	struct draft *d = &b->kinds[kind], *half = &b->kinds[LITERAL_HALF];
	uint32_t kept = 0, cost;

	for (uint32_t i = 0; i < d->count; i++) {
		uint32_t literal = d->literals[i];

		(void)windows_begin(b, kind, b->all[literal].bytes, &cost);
		if (cost >= DULL && kind == LITERAL_QUARTER && half->count != 0)
			draft_add(b, half, literal);
		else if (cost >= DULL && few_have_room(b, 1))
			few_add(b, literal);
		else
			d->literals[kept++] = literal;
	}
	d->count = kept;
}

/* --- indexes --- */

static bool index_new(struct builder *b, uint32_t windows, struct literal_index *x)
{
	unsigned filter = bits_for((uint64_t)windows * FILTER_FACTOR), bucket = bits_for(windows);
	size_t buckets = (size_t)1 << bucket;

	filter = filter > FILTER_BITS_MAX ? FILTER_BITS_MAX : filter;
	filter = filter < FILTER_BITS_MIN ? FILTER_BITS_MIN : filter;
	x->filter_shift = (uint8_t)(32 - (filter - 5));
	x->bucket_shift = (uint8_t)(32 - bucket);
	x->filter = ARENA_ARRAY(b->arena, uint32_t, (size_t)1 << (filter - 5));
	x->begins = ARENA_ARRAY(b->arena, uint32_t, buckets + 2);
	x->windows = ARENA_ARRAY(b->arena, struct literal_window, windows);
	x->count = windows;
	b->full = b->full || x->filter == NULL || x->begins == NULL || x->windows == NULL;
	return !b->full;
}

/* Buckets by counting: each window once to count it, then, after index_counted(), once to put it.
 */
static void index_count(struct literal_index *x, uint32_t hash)
{
	x->filter[hash >> x->filter_shift] |= UINT32_C(1)
					      << (31 - (hash >> (x->filter_shift - 5) & 31));
	x->begins[literal_bucket(x, hash) + 1]++;
}

static void index_counted(struct literal_index *x)
{
	for (uint32_t i = 0; i < UINT32_C(1) << (32 - x->bucket_shift); i++)
		x->begins[i + 1] += x->begins[i];
}

static void index_put(struct literal_index *x, uint32_t hash, uint32_t value, uint32_t literal,
		      size_t at)
{
	x->windows[--x->begins[literal_bucket(x, hash) + 1]] =
		(struct literal_window){value, literal << 8 | (uint32_t)at};
}

static void index_done(struct literal_index *x)
{
	x->begins++; /* each has moved down to where its bucket begins */
	x->begins[UINT32_C(1) << (32 - x->bucket_shift)] = x->count;
}

static void table_fill(const struct draft *d, const size_t *begin, const struct builder *b,
		       struct literal_table *t, bool put)
{
	for (uint32_t i = d->count; i-- > 0;) {
		for (unsigned k = 0; k < t->stride; k++) {
			size_t at = begin[i] + k;
			uint32_t v = window_value(b->all[d->literals[i]].bytes, at, t->width);

			if (put)
				index_put(&t->index, v * t->multiplier, v, d->literals[i], at);
			else
				index_count(&t->index, v * t->multiplier);
		}
	}
}

static bool none_repeats(const struct builder *b, const struct draft *d)
{
	for (uint32_t i = 0; i < d->count; i++)
		if (repeats(&b->all[d->literals[i]]))
			return false;
	return true;
}

static void table_make(struct builder *b, enum literal_kind kind)
{
	struct literal_table *t = &b->out->tables[b->out->table_count];
	struct draft *d = &b->kinds[kind];
	uint32_t cost;
	size_t *begin;

	few_sort(b, kind);
	if (d->count == 0)
		return;
	popular_count(b, d, kinds[kind].width);
	dull_sort(b, kind);
	few_sort(b, kind);
	begin = ARENA_ARRAY(b->scratch, size_t, d->count + 1);
	if (d->count == 0 || b->full || begin == NULL) {
		b->full = b->full || begin == NULL;
		return;
	}
	*t = (struct literal_table){.kind = (uint8_t)kind,
				    .width = kinds[kind].width,
				    .stride = kinds[kind].stride,
				    .mask = mask_of(kinds[kind].width),
				    .multiplier = multiplier_of(kinds[kind].width),
				    .reach = d->reach,
				    .no_runs = none_repeats(b, d)};
	if (!index_new(b, d->count * t->stride, &t->index))
		return;
	b->out->table_count++;
	for (uint32_t i = 0; i < d->count; i++)
		begin[i] = windows_begin(b, kind, b->all[d->literals[i]].bytes, &cost);
	table_fill(d, begin, b, t, false);
	index_counted(&t->index);
	table_fill(d, begin, b, t, true);
	index_done(&t->index);
}

static void places_fill(const struct builder *b, struct literal_places *p, bool put)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < b->place_count; i++) {
		const struct draft *d = &b->places[i];

		for (uint32_t k = d->count; k-- > 0;) {
			uint32_t v =
				window_value(b->all[d->literals[k]].bytes, 0, b->place_width[i]);
			uint32_t hash = v * p->multiplier[n] + p->salt[n];

			if (put)
				index_put(&p->index, hash, v, d->literals[k], n);
			else
				index_count(&p->index, hash);
		}
		n += d->count != 0;
	}
}

static void places_make(struct builder *b)
{
	struct literal_places *p;
	uint32_t windows = 0;

	for (uint32_t i = 0; i < b->place_count; i++)
		windows += b->places[i].count;
	if (windows == 0)
		return;
	p = b->out->places = ARENA_NEW(b->arena, struct literal_places);
	if (p == NULL || !index_new(b, windows, &p->index)) {
		b->full = true;
		return;
	}
	for (uint32_t i = 0; i < b->place_count; i++) {
		uint32_t to = b->place_at[i] + b->place_width[i];

		if (b->places[i].count == 0)
			continue;
		p->at[p->count] = b->place_at[i];
		p->multiplier[p->count] = multiplier_of(b->place_width[i]);
		p->mask[p->count] = mask_of(b->place_width[i]);
		p->salt[p->count] = p->count * LITERAL_SALT;
		p->reach = to > p->reach ? to : p->reach;
		p->count++;
	}
	places_fill(b, p, false);
	index_counted(&p->index);
	places_fill(b, p, true);
	index_done(&p->index);
}

struct detect_literals *detect_literals_new(const struct detect_literal *all, uint32_t count,
					    struct arena *a, struct arena *scratch)
{
	struct detect_literals *l = ARENA_NEW(a, struct detect_literals);
	struct builder *b = ARENA_NEW(scratch, struct builder);

	ASSERT(count < LITERALS_MAX);
	if (l == NULL || b == NULL)
		return NULL;
	*b = (struct builder){.all = all, .count = count, .arena = a, .scratch = scratch, .out = l};
	b->popular_bits = (uint8_t)bits_for((uint64_t)count * 8 + 64);
	if (b->popular_bits > POPULAR_BITS_MAX)
		b->popular_bits = POPULAR_BITS_MAX;
	b->popular = ARENA_ARRAY(scratch, uint32_t, (size_t)1 << b->popular_bits);
	*l = (struct detect_literals){.all = all,
				      .tables = ARENA_ARRAY(a, struct literal_table, LITERAL_KINDS),
				      .few = ARENA_ARRAY(a, struct literal_few, LITERAL_FEW_MAX),
				      .look = detect_literals_here()};
	if (b->popular == NULL || l->tables == NULL || l->few == NULL)
		return NULL;
	places_sort(b);
	if (!b->full)
		places_thin(b);
	if (!b->full)
		places_make(b);
	for (unsigned k = 0; k < LITERAL_KINDS && !b->full; k++)
		table_make(b, (enum literal_kind)k);
	return b->full ? NULL : l;
}

bool detect_seen_init(struct detect_seen *s, uint32_t literals, struct arena *a)
{
	*s = (struct detect_seen){.scan = ARENA_ARRAY(a, uint32_t, (size_t)literals + 1)};
	return s->scan != NULL;
}

/* --- for people --- */

static uint32_t crowd_of(const struct literal_index *x)
{
	uint32_t most = 0;

	for (uint32_t i = 0; i < x->count; i++) {
		uint32_t n = 0;

		/* those of one value stand within one bucket */
		for (uint32_t k = i; k < x->count && k < i + 1024; k++)
			n += x->windows[k].value == x->windows[i].value;
		most = n > most ? n : most;
	}
	return most;
}

uint32_t detect_literals_crowd(const struct detect_literals *l)
{
	uint32_t most = l->few_count != 0;

	for (uint32_t i = 0; i < l->table_count; i++) {
		uint32_t n = crowd_of(&l->tables[i].index);

		most = n > most ? n : most;
	}
	return l->places != NULL && crowd_of(&l->places->index) > most ? crowd_of(&l->places->index)
								       : most;
}
