/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/view/view_tree.h"
#include "test.h"

struct room {
	struct arena_pool pool;
	struct arena a;
	struct fail why;
	struct tree honest, fork; /* one key; they differ from leaf 50 on */
};

static bool room_init(struct room *r)
{
	memset(r, 0, sizeof *r);
	r->pool.budget = 64 << 20;
	r->a.pool = &r->pool;
	return tree_init(&r->honest, 1, 'a', 50, 200) && tree_init(&r->fork, 1, 'b', 50, 200);
}

static void room_done(struct room *r)
{
	arena_reset(&r->a);
	arena_pool_drain(&r->pool);
}

/* From the honest tree's checkpoint of m leaves and the fork's of n, with the fork's own proof. */
static enum status convict(struct room *r, uint64_t m, uint64_t n, bool say_prefix, struct buf *out)
{
	static uint8_t hashes[MERKLE_PROOF_MAX][MERKLE_BYTES];
	struct merkle_tiles tiles = {.ctx = &r->fork, .tile = tree_tile};
	uint64_t old = m < n ? m : n, size = m < n ? n : m;
	uint8_t prefix[MERKLE_BYTES];
	struct view_conviction c;
	struct slice notes[2] = {tree_note(&r->honest, m, &r->a), tree_note(&r->fork, n, &r->a)};
	size_t count = 0;
	enum status st;

	tiles.ctx = m < n ? &r->fork : &r->honest; /* the larger one's tiles */
	if (merkle_prove_consistency(&tiles, old, size, hashes, &count, &r->why) != ST_OK ||
	    merkle_root_before(&tiles, old, size, prefix, &r->why) != ST_OK)
		return ST_CORRUPT;
	st = view_conviction_of(&r->honest.key, notes, (tree_hashes)hashes, count,
				say_prefix ? prefix : NULL, &r->a, &c, &r->why);
	if (st == ST_OK)
		view_conviction_add(&c, out);
	return st;
}

static enum status check(struct room *r, struct slice text, struct merkle_checkpoint two[2])
{
	struct arena a = {.pool = &r->pool};
	struct view_conviction c;
	enum status st = view_conviction_parse(text, &a, &c, &r->why);

	if (st == ST_OK)
		st = view_conviction_check(&c, &a, two, &r->why);
	arena_reset(&a);
	return st;
}

static void two_histories_convict_and_one_does_not(struct test *t)
{
	static const uint64_t sizes[] = {0, 1, 31, 32, 49, 50, 51, 64, 65, 100, 127, 128, 199, 200};
	enum { N = sizeof sizes / sizeof sizes[0] };
	static struct room r;
	unsigned convicted = 0;

	EXPECT(t, room_init(&r));
	for (size_t i = 0; i < N; i++)
		for (size_t k = 0; k < N; k++) {
			struct buf text = buf_in(&r.a);
			struct merkle_checkpoint two[2];
			uint64_t least = sizes[i] < sizes[k] ? sizes[i] : sizes[k];
			enum status st = convict(&r, sizes[i], sizes[k], true, &text);

			/* up to leaf 50 the two are one */
			EXPECT(t, st == (least <= 50 ? ST_NOTFOUND : ST_OK));
			if (st != ST_OK)
				continue;
			EXPECT(t, check(&r, buf_slice(&text), two) == ST_OK);
			EXPECT(t, two[0].size == least);
			convicted++;
		}
	EXPECT_UINT(t, convicted, 8 * 8);
	room_done(&r);
}

/* A witness has the fork's proof, and not its tiles. */
static void the_proof_itself_says_what_the_smaller_tree_was(struct test *t)
{
	static struct room r;

	EXPECT(t, room_init(&r));
	for (uint64_t m = 51; m < 200; m += 7) {
		struct buf text = buf_in(&r.a);
		struct merkle_checkpoint two[2];
		bool whole = (m & (m - 1)) == 0; /* then it is no part of the proof */

		EXPECT(t, convict(&r, m, 200, false, &text) == (whole ? ST_NOTFOUND : ST_OK));
		EXPECT(t, whole || check(&r, buf_slice(&text), two) == ST_OK);
	}
	room_done(&r);
}

static void any_byte_that_changes_acquits(struct test *t)
{
	static struct room r;
	struct merkle_checkpoint two[2];

	EXPECT(t, room_init(&r));
	for (int same = 0; same < 2; same++) {
		struct buf text = buf_in(&r.a);

		EXPECT(t, convict(&r, same ? 200 : 100, 200, true, &text) == ST_OK);
		for (size_t i = 0; i < text.len; i++) {
			text.ptr[i] ^= 1;
			EXPECT(t, check(&r, buf_slice(&text), two) != ST_OK);
			text.ptr[i] ^= 1;
			EXPECT(t, check(&r, slice_part(buf_slice(&text), 0, i), two) != ST_OK);
		}
		EXPECT(t, check(&r, buf_slice(&text), two) == ST_OK);
		buf_add_byte(&text, '\n');
		EXPECT(t, check(&r, buf_slice(&text), two) != ST_OK);
	}
	room_done(&r);
}

static void nobody_is_convicted_by_another_key(struct test *t)
{
	static struct room r;
	static struct tree stranger;
	struct merkle_checkpoint two[2];
	struct view_conviction c;

	EXPECT(t, room_init(&r) && tree_init(&stranger, 2, 'c', 0, 100));
	c = (struct view_conviction){.log = r.honest.key,
				     .first = tree_note(&r.honest, 100, &r.a),
				     .second = tree_note(&stranger, 100, &r.a)};
	EXPECT(t, view_conviction_check(&c, &r.a, two, &r.why) == ST_REFUSED);
	/* the same checkpoint twice, and another order */
	c.second = c.first;
	EXPECT(t, view_conviction_check(&c, &r.a, two, &r.why) == ST_REFUSED);
	c.first = tree_note(&r.honest, 150, &r.a);
	c.sizes_differ = true;
	EXPECT(t, view_conviction_check(&c, &r.a, two, &r.why) == ST_INVALID);
	room_done(&r);
}

TESTS(T(two_histories_convict_and_one_does_not), T(the_proof_itself_says_what_the_smaller_tree_was),
      T(any_byte_that_changes_acquits), T(nobody_is_convicted_by_another_key))
