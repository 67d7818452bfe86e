/* SPDX-License-Identifier: Apache-2.0
 * Against looking for each literal at each place. */
#include "base/text.h"
#include "sensor/detect/literals_priv.h"
#include "test.h"

enum { MANY = 300, FOUND_MAX = 1 << 16, BYTES_MAX = 400 };

struct world {
	struct arena_pool pool;
	struct arena arena, scratch;
	struct detect_literal all[MANY];
	uint32_t count;
	uint8_t counts[MANY][BYTES_MAX + LITERAL_BYTES_MAX + 1]; /* by end: how often it was told */
	size_t base, told;
};

static void on_found(void *ctx, uint32_t literal, uint64_t to)
{
	struct world *w = ctx;

	w->told++;
	w->counts[literal][to - w->base]++;
}

/* An alphabet in which things repeat; runs, now and then. */
static void bytes_make(struct test *t, uint8_t *p, size_t n)
{
	static const uint8_t alphabet[] = "abABz @`0\xff\x00\xe1\xc1.";

	for (size_t i = 0; i < n; i++) {
		uint64_t r = test_rand(t);

		p[i] = i != 0 && r % 4 != 0 && n % 3 == 0 ? p[i - 1]
							  : alphabet[r / 8 % sizeof alphabet];
	}
}

static void literal_make(struct test *t, struct world *w, const uint8_t *text, size_t n)
{
	struct detect_literal *x = &w->all[w->count++];
	size_t len = 1 + test_rand(t) % (test_rand(t) % 3 != 0 ? 8 : LITERAL_BYTES_MAX);
	uint8_t *p = ARENA_ARRAY(&w->arena, uint8_t, len);

	if (n >= len && test_rand(t) % 2 == 0)
		memcpy(p, text + test_rand(t) % (n - len + 1), len);
	else
		bytes_make(t, p, len);
	*x = (struct detect_literal){
		.bytes = {p, len}, .nocase = test_rand(t) % 2 == 0, .max_to = UINT32_MAX};
	for (size_t i = 0; i < len && x->nocase; i++)
		p[i] = text_lower(p[i]);
	switch (test_rand(t) % 4) {
	case 0:
		x->once = true;
		break;
	case 1: /* at one place */
		x->min_to = x->max_to = (uint32_t)(len + test_rand(t) % 20);
		break;
	case 2:
		x->min_to = (uint32_t)(test_rand(t) % 60);
		x->max_to = x->min_to + (uint32_t)(test_rand(t) % 60);
		break;
	default:
		break;
	}
}

static bool is_at(const struct detect_literal *x, const uint8_t *p)
{
	for (size_t i = 0; i < x->bytes.len; i++)
		if ((x->nocase ? text_lower(p[i]) : p[i]) != x->bytes.ptr[i])
			return false;
	return true;
}

/* What was told is what is there: each place once, those of `once` once in all. */
static bool is_right(const struct world *w, struct slice bytes)
{
	for (uint32_t i = 0; i < w->count; i++) {
		const struct detect_literal *x = &w->all[i];
		size_t want = 0, told = 0;

		for (size_t at = 0; at + x->bytes.len <= bytes.len; at++) {
			uint64_t to = w->base + at + x->bytes.len;
			bool is = is_at(x, bytes.ptr + at) && to >= x->min_to &&
				  to <= x->max_to; /* no test is 4 GiB long */
			uint8_t n = w->counts[i][at + x->bytes.len];

			want += is;
			told += n;
			if (n > is || (is && n == 0 && !x->once))
				return false;
		}
		if (x->once && told != (want != 0))
			return false;
	}
	return true;
}

static bool scan_is_right(struct world *w, const struct detect_literals *l,
			  struct detect_seen *seen, struct slice bytes)
{
	memset(w->counts, 0, sizeof w->counts);
	detect_literals_scan(l, bytes, w->base, seen, on_found, w);
	return is_right(w, bytes);
}

static struct world *world_new(struct world *w)
{
	memset(w, 0, sizeof *w);
	w->pool.budget = SIZE_MAX;
	w->arena.pool = w->scratch.pool = &w->pool;
	return w;
}

static void world_done(struct world *w)
{
	arena_reset(&w->arena);
	arena_reset(&w->scratch);
	arena_pool_drain(&w->pool);
}

static void whatever_the_literals_and_the_bytes_every_place_is_told_and_no_other(struct test *t)
{
	static struct world w;

	for (int round = 0; round < 400; round++) {
		size_t n = test_rand(t) % (round % 4 == 0 ? BYTES_MAX : 80);
		uint32_t count = (uint32_t)(1 + test_rand(t) % (round % 3 == 0 ? MANY : 9));
		struct detect_literals *l;
		struct detect_seen seen;
		uint8_t *text;
		bool vectors, plain;

		(void)world_new(&w);
		text = ARENA_ARRAY(&w.arena, uint8_t, n + 1) + 1; /* ends where its memory does */
		bytes_make(t, text, n);
		w.base = round % 5 == 0 ? test_rand(t) % 40 : 0;
		for (uint32_t i = 0; i < count; i++)
			literal_make(t, &w, text, n);
		l = detect_literals_new(w.all, w.count, &w.arena, &w.scratch);
		EXPECT(t, l != NULL && detect_seen_init(&seen, w.count, &w.arena));
		vectors = scan_is_right(&w, l, &seen, (struct slice){text, n});
		l->look = detect_literals_plain;
		plain = scan_is_right(&w, l, &seen, (struct slice){text, n});
		world_done(&w);
		EXPECT(t, vectors);
		EXPECT(t, plain);
	}
}

static void literals_of_each_length_are_found_at_each_end(struct test *t)
{
	static struct world w;
	static const uint8_t letters[] = "The quick brown fox jumps, 32 b.";

	for (size_t len = 1; len <= LITERAL_BYTES_MAX; len++) {
		for (size_t at = 0; at < 80; at++) {
			struct detect_literals *l;
			struct detect_seen seen;
			uint8_t *text;
			bool right;

			(void)world_new(&w);
			text = ARENA_ARRAY(&w.arena, uint8_t, at + len);
			memcpy(text + at, letters, len);
			w.all[w.count++] = (struct detect_literal){.bytes = {letters, len},
								   .max_to = UINT32_MAX};
			l = detect_literals_new(w.all, w.count, &w.arena, &w.scratch);
			EXPECT(t, l != NULL && detect_seen_init(&seen, w.count, &w.arena));
			right = scan_is_right(&w, l, &seen, (struct slice){text, at + len}) &&
				w.told == 1;
			w.told = 0;
			right = right &&
				scan_is_right(&w, l, &seen, (struct slice){text, at + len - 1}) &&
				w.told == 0;
			world_done(&w);
			EXPECT(t, right);
		}
	}
}

static void literals_with_the_same_beginning_do_not_crowd_at_one_place(struct test *t)
{
	static struct world w;
	struct detect_literals *l;
	uint32_t crowd;

	(void)world_new(&w);
	for (uint32_t i = 0; i < MANY; i++) {
		uint8_t *p = ARENA_ARRAY(&w.arena, uint8_t, 24);

		memcpy(p, "GET /common/path/", 17);
		for (unsigned k = 0; k < 7; k++)
			p[17 + k] = (uint8_t)('a' + (i * 2654435761U >> (4 * k)) % 26);
		w.all[w.count++] = (struct detect_literal){.bytes = {p, 24}, .max_to = UINT32_MAX};
	}
	l = detect_literals_new(w.all, w.count, &w.arena, &w.scratch);
	EXPECT(t, l != NULL);
	crowd = detect_literals_crowd(l);
	world_done(&w);
	EXPECT(t, crowd <= 8);
}

static void a_set_that_finds_no_memory_is_none(struct test *t)
{
	static struct world w;
	bool done = false;

	for (size_t blocks = 1; !done && blocks < 1000; blocks++) {
		(void)world_new(&w);
		w.all[w.count++] =
			(struct detect_literal){SLICE("User-Agent"), .max_to = UINT32_MAX};
		w.all[w.count++] = (struct detect_literal){SLICE("abcd"), .max_to = UINT32_MAX};
		w.all[w.count++] = (struct detect_literal){SLICE("zzzzz"), .max_to = UINT32_MAX};
		w.all[w.count++] = (struct detect_literal){SLICE("GET"), .min_to = 3, .max_to = 3};
		w.pool.fail_after = blocks;
		done = detect_literals_new(w.all, w.count, &w.arena, &w.scratch) != NULL;
		world_done(&w);
		EXPECT_UINT(t, w.pool.out, 0);
	}
	EXPECT(t, done);
}

static void a_run_costs_no_more_comparisons_the_longer_it_is(struct test *t)
{
	static const uint8_t zeros[BYTES_MAX];
	static struct world w;
	struct detect_literals *l;
	struct detect_seen seen;

	(void)world_new(&w);
	w.all[w.count++] =
		(struct detect_literal){.bytes = {zeros, 8}, .once = true, .max_to = UINT32_MAX};
	l = detect_literals_new(w.all, w.count, &w.arena, &w.scratch);
	EXPECT(t, l != NULL && detect_seen_init(&seen, w.count, &w.arena));
	EXPECT(t, scan_is_right(&w, l, &seen, (struct slice){zeros, BYTES_MAX}));
	EXPECT(t, scan_is_right(&w, l, &seen, (struct slice){zeros, 8}));
	EXPECT_UINT(t, w.told, 2);
	world_done(&w);
}

TESTS(T(whatever_the_literals_and_the_bytes_every_place_is_told_and_no_other),
      T(literals_of_each_length_are_found_at_each_end),
      T(literals_with_the_same_beginning_do_not_crowd_at_one_place),
      T(a_set_that_finds_no_memory_is_none), T(a_run_costs_no_more_comparisons_the_longer_it_is))
