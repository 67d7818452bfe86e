/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/view/view_tree.h"
#include "test.h"

struct room {
	struct arena_pool pool;
	struct arena a;
	struct fail why;
	struct tree tree;
	struct view_policy policy;
};

static struct room *room_new(struct room *r)
{
	memset(r, 0, sizeof *r);
	r->pool.budget = 64 << 20;
	r->a.pool = &r->pool;
	if (!tree_init(&r->tree, 1, 'a', 0, 200) ||
	    view_policy_of(&r->tree.key, &r->a, &r->policy, &r->why) != ST_OK)
		return NULL;
	return r;
}

static void room_done(struct room *r)
{
	arena_reset(&r->a);
	arena_pool_drain(&r->pool);
}

static bool prove(struct room *r, uint64_t leaf, uint64_t size, const char *extra, struct buf *out)
{
	uint8_t hashes[MERKLE_PROOF_MAX][MERKLE_BYTES];
	struct merkle_tiles tiles = {.ctx = &r->tree, .tile = tree_tile};
	struct view_proof p = {.index = leaf,
			       .hashes = (tree_hashes)hashes,
			       .extra = slice_of(extra),
			       .checkpoint = tree_note(&r->tree, size, &r->a)};

	if (merkle_prove_inclusion(&tiles, leaf, size, hashes, &p.count, &r->why) != ST_OK)
		return false;
	view_proof_add(&p, out);
	return !out->full;
}

static enum status check(struct room *r, struct slice text, uint64_t leaf)
{
	struct merkle_checkpoint c;
	struct view_proof p;
	char buf[8];
	enum status st = view_proof_parse(text, &r->a, &p, &r->why);

	if (st != ST_OK)
		return st;
	return view_proof_check(&p, &r->policy, tree_entry(&r->tree, leaf, buf), &r->a, &c,
				&r->why);
}

static void a_proof_is_believed_for_its_entry_and_no_other(struct test *t)
{
	static struct room room;
	struct room *r = room_new(&room);

	EXPECT(t, r != NULL);
	for (uint64_t size = 1; size <= 200; size += size < 20 ? 1 : 31)
		for (uint64_t leaf = 0; leaf < size; leaf += 1 + leaf / 3) {
			struct buf text = buf_in(&r->a);

			EXPECT(t, prove(r, leaf, size, leaf % 2 ? "QUJD" : NULL, &text));
			EXPECT(t, check(r, buf_slice(&text), leaf) == ST_OK);
			EXPECT(t, check(r, buf_slice(&text), leaf + 1) == ST_REFUSED);
		}
	room_done(r);
}

static void any_byte_that_changes_refuses_it(struct test *t)
{
	static struct room room;
	struct room *r = room_new(&room);
	struct buf text;

	EXPECT(t, r != NULL);
	text = buf_in(&r->a);
	EXPECT(t, prove(r, 77, 200, NULL, &text));
	for (size_t i = 0; i < text.len; i++) {
		struct arena a = {.pool = &r->pool};
		struct arena keep = r->a;

		text.ptr[i] ^= 1;
		r->a = a;
		EXPECT(t, check(r, buf_slice(&text), 77) != ST_OK);
		arena_reset(&r->a);
		r->a = keep;
		text.ptr[i] ^= 1;
	}
	EXPECT(t, check(r, buf_slice(&text), 77) == ST_OK);
	for (size_t n = 0; n < text.len; n++)
		EXPECT(t, check(r, slice_part(buf_slice(&text), 0, n), 77) != ST_OK);
	room_done(r);
}

static void texts_have_one_form(struct test *t)
{
	static const char *const bad[] = {
		"",
		"c2sp.org/tlog-proof@v2\nindex 0\n\nx\n",
		"c2sp.org/tlog-proof@v1\n\nx\n",
		"c2sp.org/tlog-proof@v1\nindex 00\n\nx\n",
		"c2sp.org/tlog-proof@v1\nindex -1\n\nx\n",
		"c2sp.org/tlog-proof@v1\nindex  1\n\nx\n",
		"c2sp.org/tlog-proof@v1\nindex 9223372036854775808\n\nx\n",
		"c2sp.org/tlog-proof@v1\nextra !\nindex 0\n\nx\n",
		"c2sp.org/tlog-proof@v1\nextra QUJD\nextra QUJD\nindex 0\n\nx\n",
		"c2sp.org/tlog-proof@v1\nindex 0\nQUJD\n\nx\n",
		"c2sp.org/tlog-proof@v1\nindex 0\n",
		"c2sp.org/tlog-proof@v1\nindex 0\n\n",
		"c2sp.org/tlog-proof@v1\r\nindex 0\n\nx\n",
	};
	static struct room room;
	struct room *r = room_new(&room);
	struct view_proof p;

	EXPECT(t, r != NULL);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		EXPECT(t, view_proof_parse(slice_of(bad[i]), &r->a, &p, &r->why) == ST_INVALID);
	EXPECT(t, view_proof_parse(SLICE("c2sp.org/tlog-proof@v1\nextra \nindex 0\n\nx\n"), &r->a,
				   &p, &r->why) == ST_OK);
	EXPECT(t, p.extra.ptr != NULL && p.extra.len == 0 && p.index == 0 && p.count == 0);
	EXPECT_SLICE(t, p.checkpoint, SLICE("x\n"));
	room_done(r);
}

static void a_proof_has_a_longest_length(struct test *t)
{
	static struct room room;
	struct room *r = room_new(&room);
	struct view_proof p;

	EXPECT(t, r != NULL);
	for (unsigned n = MERKLE_PROOF_MAX - 1; n <= MERKLE_PROOF_MAX + 1; n++) {
		struct buf b = buf_in(&r->a);

		buf_add_z(&b, "c2sp.org/tlog-proof@v1\nindex 0\n");
		for (unsigned i = 0; i < n; i++)
			buf_add_z(&b, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n");
		buf_add_z(&b, "\nx\n");
		EXPECT(t, view_proof_parse(buf_slice(&b), &r->a, &p, &r->why) ==
				  (n <= MERKLE_PROOF_MAX ? ST_OK : ST_INVALID));
	}
	room_done(r);
}

TESTS(T(a_proof_is_believed_for_its_entry_and_no_other), T(any_byte_that_changes_refuses_it),
      T(texts_have_one_form), T(a_proof_has_a_longest_length))
