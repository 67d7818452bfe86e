/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/merkle/merkle.h"

#include <stdlib.h>

#include "test.h"

/* The model: RFC 6962 2.1 word for word, over all leaf hashes at once. */
typedef const uint8_t (*hashes_in)[MERKLE_BYTES];

static size_t model_split(size_t n)
{
	size_t k = 1;

	while (k * 2 < n)
		k *= 2;
	return k;
}

static void model_root(hashes_in h, size_t n, uint8_t out[32])
{
	uint8_t l[32], r[32];
	size_t k;

	if (n == 0) {
		merkle_empty(out);
		return;
	}
	if (n == 1) {
		memcpy(out, h[0], 32);
		return;
	}
	k = model_split(n);
	model_root(h, k, l);
	model_root(h + k, n - k, r);
	merkle_node(l, r, out);
}

static size_t model_path(hashes_in h, size_t m, size_t n, uint8_t (*out)[32])
{
	size_t k, at;

	if (n == 1)
		return 0;
	k = model_split(n);
	if (m < k) {
		at = model_path(h, m, k, out);
		model_root(h + k, n - k, out[at]);
	} else {
		at = model_path(h + k, m - k, n - k, out);
		model_root(h, k, out[at]);
	}
	return at + 1;
}

static size_t model_subproof(hashes_in h, size_t m, size_t n, bool whole, uint8_t (*out)[32])
{
	size_t k, at;

	if (m == n) {
		if (whole)
			return 0;
		model_root(h, n, out[0]);
		return 1;
	}
	k = model_split(n);
	if (m <= k) {
		at = model_subproof(h, m, k, whole, out);
		model_root(h + k, n - k, out[at]);
	} else {
		at = model_subproof(h + k, m - k, n - k, false, out);
		model_root(h, k, out[at]);
	}
	return at + 1;
}

/* Tiles of a tree in memory: all hashes of each tile level, one behind the other. */
struct forest {
	uint8_t (*level[3])[32];
	uint64_t room[3];
	struct merkle_edge edge;
	uint64_t asked_partial;
	struct merkle_nodes nodes;
};

static enum status keep_tile(void *ctx, unsigned level, uint64_t index, hashes_in hashes,
			     struct fail *why)
{
	struct forest *f = ctx;

	if (level >= 3 || (index + 1) * 256 > f->room[level])
		return fail_set(why, ST_LIMIT, "no room");
	memcpy(f->level[level][index * 256], hashes, 256 * 32);
	return ST_OK;
}

static enum status give_tile(void *ctx, unsigned level, uint64_t index, unsigned width,
			     hashes_in *out, struct fail *why)
{
	struct forest *f = ctx;

	if (level >= 3 || width == 0 || index * 256 + width > f->edge.size >> 8 * level)
		return fail_set(why, ST_NOTFOUND, "no tile %u/%llu.p/%u", level,
				(unsigned long long)index, width);
	f->asked_partial += width < 256;
	/* what is not in a full tile yet is in the edge */
	if ((index + 1) * 256 > f->edge.size >> 8 * level)
		*out = (hashes_in)f->edge.tile[level];
	else
		*out = (hashes_in)f->level[level] + index * 256;
	return ST_OK;
}

/* The same from who keeps filled tiles. */
static enum status give_nodes(void *ctx, unsigned level, uint64_t index, unsigned width,
			      const struct merkle_nodes **out, struct fail *why)
{
	struct forest *f = ctx;
	hashes_in hashes;
	enum status st = give_tile(f, level, index, width, &hashes, why);

	if (st != ST_OK)
		return st;
	memset(&f->nodes, 0xee, sizeof f->nodes);
	memcpy(f->nodes.hash, hashes, (size_t)width * 32);
	merkle_nodes_fill(&f->nodes, width);
	*out = &f->nodes;
	return ST_OK;
}

static struct forest *forest_new(size_t most)
{
	struct forest *f = calloc(1, sizeof *f);

	for (size_t l = 0; f != NULL && l < 3; l++) {
		f->room[l] = (most >> 8 * l) + 256;
		f->level[l] = calloc(f->room[l], 32);
	}
	return f;
}

static void forest_free(struct forest *f)
{
	for (size_t l = 0; l < 3; l++)
		free(f->level[l]);
	free(f);
}

static void leaf_of(uint64_t i, uint8_t out[32])
{
	merkle_leaf((struct slice){(const uint8_t *)&i, sizeof i}, out);
}

static bool grow(struct forest *f, uint64_t to)
{
	struct merkle_full full = {f, keep_tile};
	struct fail why;

	while (f->edge.size < to) {
		uint8_t leaf[32];

		leaf_of(f->edge.size, leaf);
		if (merkle_edge_add(&f->edge, leaf, &full, &why) != ST_OK)
			return false;
	}
	return true;
}

/* The eight leaves that implementations of RFC 6962 have shared since its beginning. */
static void the_eight_leaves_have_their_known_roots(struct test *t)
{
	static const char *const leaves[] = {"",
					     "00",
					     "10",
					     "2021",
					     "3031",
					     "40414243",
					     "5051525354555657",
					     "606162636465666768696a6b6c6d6e6f"};
	static const char *const roots[] = {
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
		"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
		"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
		"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
		"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
		"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
		"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
		"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
	struct forest *f = forest_new(8);
	struct merkle_full full = {f, keep_tile};
	struct fail why;

	EXPECT(t, f != NULL);
	for (size_t i = 0; i <= 8; i++) {
		uint8_t root[32], want[32], bytes[16], leaf[32];
		size_t n;

		EXPECT(t, crypto_hex_parse(slice_of(roots[i]), 32, want));
		merkle_edge_root(&f->edge, root);
		EXPECT(t, memcmp(root, want, 32) == 0);
		if (i == 8)
			break;
		n = slice_of(leaves[i]).len / 2;
		EXPECT(t, crypto_hex_parse(slice_of(leaves[i]), n, bytes));
		merkle_leaf((struct slice){bytes, n}, leaf);
		EXPECT(t, merkle_edge_add(&f->edge, leaf, &full, &why) == ST_OK);
	}
	forest_free(f);
}

static void all_small_trees_agree_with_the_model(struct test *t)
{
	enum { MOST = 300 };
	static uint8_t all[MOST][32];
	struct forest *f = forest_new(MOST);
	struct merkle_tiles tiles = {.ctx = f};
	uint8_t proof[MERKLE_PROOF_MAX][32], want[MERKLE_PROOF_MAX][32], root[32], mine[32],
		old[32];
	struct fail why;
	size_t n;

	EXPECT(t, f != NULL);
	for (uint64_t i = 0; i < MOST; i++)
		leaf_of(i, all[i]);
	for (uint64_t size = 0; size <= MOST; size++) {
		/* every place in trees up to 70 and about 256; a few in the others */
		bool every = size <= 70 || (size >= 254 && size <= 260);

		tiles.tile = size % 2 == 0 ? give_tile : NULL;
		tiles.nodes = size % 2 == 0 ? NULL : give_nodes;
		EXPECT(t, grow(f, size));
		model_root((hashes_in)all, size, root);
		merkle_edge_root(&f->edge, mine);
		EXPECT(t, memcmp(root, mine, 32) == 0);
		EXPECT(t, merkle_root(&tiles, size, mine, &why) == ST_OK);
		EXPECT(t, memcmp(root, mine, 32) == 0);
		for (uint64_t i = 0; i < size; i += every ? 1 : 1 + test_rand(t) % 60) {
			EXPECT(t,
			       merkle_prove_inclusion(&tiles, i, size, proof, &n, &why) == ST_OK);
			EXPECT_UINT(t, n, model_path((hashes_in)all, i, size, want));
			EXPECT(t, memcmp(proof, want, n * 32) == 0);
			EXPECT(t,
			       merkle_verify_inclusion(all[i], i, size, (hashes_in)proof, n, root));
		}
		for (uint64_t m = 0; m <= size; m += every ? 1 : 1 + test_rand(t) % 60) {
			EXPECT(t,
			       merkle_prove_consistency(&tiles, m, size, proof, &n, &why) == ST_OK);
			if (m != 0)
				EXPECT_UINT(t, n,
					    model_subproof((hashes_in)all, m, size, true, want));
			EXPECT(t, memcmp(proof, want, n * 32) == 0);
			model_root((hashes_in)all, m, old);
			EXPECT(t,
			       merkle_verify_consistency(m, size, old, root, (hashes_in)proof, n));
		}
	}
	forest_free(f);
}

static void large_trees_prove_what_they_hold(struct test *t)
{
	enum { MOST = 140000 };
	struct forest *f = forest_new(MOST);
	struct merkle_tiles tiles = {.ctx = f, .tile = give_tile};
	uint8_t proof[MERKLE_PROOF_MAX][32], root[32], old[32], leaf[32];
	struct fail why;
	size_t n;

	EXPECT(t, f != NULL);
	for (int round = 0; round < 40; round++) {
		static const uint64_t edges[] = {65535, 65536, 65537, 65792, 131072};
		uint64_t size = round < 5 ? edges[round] : 1 + test_rand(t) % MOST;

		/* sizes below what is there are proved from the same tiles, so grow only */
		EXPECT(t, f->edge.size >= size || grow(f, size));
		size = f->edge.size;
		merkle_edge_root(&f->edge, root);
		for (int k = 0; k < 20; k++) {
			uint64_t i = test_rand(t) % size, m = test_rand(t) % (size + 1);

			leaf_of(i, leaf);
			EXPECT(t,
			       merkle_prove_inclusion(&tiles, i, size, proof, &n, &why) == ST_OK);
			EXPECT(t,
			       merkle_verify_inclusion(leaf, i, size, (hashes_in)proof, n, root));
			EXPECT(t, merkle_root(&tiles, m, old, &why) == ST_OK);
			EXPECT(t,
			       merkle_prove_consistency(&tiles, m, size, proof, &n, &why) == ST_OK);
			EXPECT(t,
			       merkle_verify_consistency(m, size, old, root, (hashes_in)proof, n));
			/* an older tree's proof, from the newer tree's tiles */
			if (i < m) {
				EXPECT(t, merkle_prove_inclusion(&tiles, i, m, proof, &n, &why) ==
						  ST_OK);
				EXPECT(t, merkle_verify_inclusion(leaf, i, m, (hashes_in)proof, n,
								  old));
			}
		}
	}
	EXPECT(t, f->asked_partial > 0);
	forest_free(f);
}

static void any_change_to_a_proof_is_refused(struct test *t)
{
	struct forest *f = forest_new(1000);
	struct merkle_tiles tiles = {.ctx = f, .tile = give_tile};
	uint8_t proof[MERKLE_PROOF_MAX + 1][32] = {0}, root[32], old[32], leaf[32];
	struct fail why;
	size_t n;

	EXPECT(t, f != NULL);
	for (int round = 0; round < 60; round++) {
		uint64_t size = f->edge.size + 1 + test_rand(t) % 12, i, m;
		hashes_in p = (hashes_in)proof;

		EXPECT(t, grow(f, size));
		merkle_edge_root(&f->edge, root);
		i = test_rand(t) % size;
		leaf_of(i, leaf);
		EXPECT(t, merkle_prove_inclusion(&tiles, i, size, proof, &n, &why) == ST_OK);
		for (size_t k = 0; k < n; k++) {
			proof[k][test_rand(t) % 32] ^= 4;
			EXPECT(t, !merkle_verify_inclusion(leaf, i, size, p, n, root));
			EXPECT(t,
			       merkle_prove_inclusion(&tiles, i, size, proof, &n, &why) == ST_OK);
		}
		EXPECT(t, !merkle_verify_inclusion(leaf, i, size, p, n + 1, root));
		EXPECT(t, n == 0 || !merkle_verify_inclusion(leaf, i, size, p, n - 1, root));
		EXPECT(t, !merkle_verify_inclusion(leaf, i ^ 1, size, p, n, root) || size == 1);
		EXPECT(t, !merkle_verify_inclusion(leaf, size, size, p, n, root));
		EXPECT(t, !merkle_verify_inclusion(leaf, i, 0, p, n, root));

		m = test_rand(t) % size;
		EXPECT(t, merkle_root(&tiles, m, old, &why) == ST_OK);
		EXPECT(t, merkle_prove_consistency(&tiles, m, size, proof, &n, &why) == ST_OK);
		for (size_t k = 0; k < n; k++) {
			proof[k][test_rand(t) % 32] ^= 4;
			EXPECT(t, !merkle_verify_consistency(m, size, old, root, p, n));
			EXPECT(t,
			       merkle_prove_consistency(&tiles, m, size, proof, &n, &why) == ST_OK);
		}
		EXPECT(t, !merkle_verify_consistency(m, size, old, root, p, n + 1));
		EXPECT(t, n == 0 || !merkle_verify_consistency(m, size, old, root, p, n - 1));
		EXPECT(t, !merkle_verify_consistency(size, m, root, old, p, n));
		EXPECT(t, m == 0 || !merkle_verify_consistency(m, size, leaf, root, p, n) ||
				  memcmp(leaf, old, 32) == 0);
		EXPECT(t, !merkle_verify_consistency(size, size, old, root, p, 0));
	}
	forest_free(f);
}

/* What the larger tree says of the smaller: from its tiles, and from the proof alone. */
static void the_larger_tree_says_what_the_smaller_was(struct test *t)
{
	struct forest *f = forest_new(2000);
	struct merkle_tiles tiles = {.ctx = f, .tile = give_tile};
	uint8_t proof[MERKLE_PROOF_MAX][32], root[32], old[32], said[32];
	struct fail why;
	size_t n;

	EXPECT(t, f != NULL);
	for (int round = 0; round < 200; round++) {
		uint64_t size = f->edge.size + 1 + test_rand(t) % 9, m;

		EXPECT(t, grow(f, size));
		m = test_rand(t) % (size + 1);
		merkle_edge_root(&f->edge, root);
		EXPECT(t, merkle_root(&tiles, m, old, &why) == ST_OK);
		EXPECT(t, merkle_root_before(&tiles, m, size, said, &why) == ST_OK);
		EXPECT(t, memcmp(said, old, 32) == 0);
		EXPECT(t, merkle_prove_consistency(&tiles, m, size, proof, &n, &why) == ST_OK);
		if ((m & (m - 1)) == 0 || m == size) {
			EXPECT(t,
			       !merkle_consistency_old(m, size, (hashes_in)proof, n, root, said));
			continue;
		}
		memset(said, 0, sizeof said);
		EXPECT(t, merkle_consistency_old(m, size, (hashes_in)proof, n, root, said));
		EXPECT(t, memcmp(said, old, 32) == 0);
		proof[test_rand(t) % n][7] ^= 1;
		EXPECT(t, !merkle_consistency_old(m, size, (hashes_in)proof, n, root, said));
		EXPECT(t, !merkle_consistency_old(m, size, (hashes_in)proof, n - 1, root, said));
	}
	EXPECT(t, merkle_root_before(&tiles, 5, 4, said, &why) == ST_INVALID);
	forest_free(f);
}

static void whole_tiles_are_proved_at_once(struct test *t)
{
	static const uint64_t sizes[] = {1, 2, 255, 256, 257, 511, 512, 513, 1000, 66000};
	struct forest *f = forest_new(66000);
	struct merkle_tiles tiles = {.ctx = f, .tile = give_tile};
	static uint8_t leaves[MERKLE_WIDTH][32];
	uint8_t proof[MERKLE_PROOF_MAX][32], root[32];
	struct fail why;
	size_t n;

	EXPECT(t, f != NULL);
	for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
		uint64_t size = sizes[k], tile_count = (size + 255) / 256;

		EXPECT(t, grow(f, size));
		merkle_edge_root(&f->edge, root);
		for (uint64_t i = 0; i < tile_count; i += 1 + i / 4) {
			unsigned width = merkle_width(size, 0, i);

			for (unsigned j = 0; j < width; j++)
				leaf_of(i * 256 + j, leaves[j]);
			EXPECT(t, merkle_prove_run(&tiles, i, size, proof, &n, &why) == ST_OK);
			EXPECT(t, merkle_verify_run((hashes_in)leaves, i, size, (hashes_in)proof, n,
						    root));
			leaves[test_rand(t) % width][0] ^= 1;
			EXPECT(t, !merkle_verify_run((hashes_in)leaves, i, size, (hashes_in)proof,
						     n, root));
		}
		EXPECT(t,
		       merkle_prove_run(&tiles, tile_count, size, proof, &n, &why) == ST_INVALID);
		EXPECT(t, !merkle_verify_run((hashes_in)leaves, tile_count, size, (hashes_in)proof,
					     n, root));
	}
	EXPECT(t, merkle_prove_run(&tiles, UINT64_MAX, 9, proof, &n, &why) == ST_INVALID);
	forest_free(f);
}

static void what_is_not_there_is_not_proved(struct test *t)
{
	struct forest *f = forest_new(300);
	struct merkle_tiles tiles = {.ctx = f, .tile = give_tile};
	uint8_t proof[MERKLE_PROOF_MAX][32], root[32];
	struct fail why;
	size_t n = 9;

	EXPECT(t, f != NULL && grow(f, 300));
	EXPECT(t, merkle_prove_inclusion(&tiles, 300, 300, proof, &n, &why) == ST_INVALID);
	EXPECT(t, merkle_prove_inclusion(&tiles, 0, 0, proof, &n, &why) == ST_INVALID);
	EXPECT(t, merkle_prove_consistency(&tiles, 301, 300, proof, &n, &why) == ST_INVALID);
	EXPECT(t, merkle_prove_inclusion(&tiles, 7, 400, proof, &n, &why) == ST_NOTFOUND);
	EXPECT(t, merkle_prove_consistency(&tiles, 300, 400, proof, &n, &why) == ST_NOTFOUND);
	EXPECT(t, merkle_prove_consistency(&tiles, 7, 400, proof, &n, &why) == ST_NOTFOUND);
	EXPECT(t, merkle_root(&tiles, 301, root, &why) == ST_NOTFOUND && n == 9);
	f->room[0] = 256;
	EXPECT(t, !grow(f, 600));
	forest_free(f);
}

/* C2SP tlog-tiles' own example, and the powers of 256. */
static void widths_of_tiles(struct test *t)
{
	EXPECT_UINT(t, merkle_width(70000, 0, 272), 256);
	EXPECT_UINT(t, merkle_width(70000, 0, 273), 112);
	EXPECT_UINT(t, merkle_width(70000, 0, 274), 0);
	EXPECT_UINT(t, merkle_width(70000, 1, 0), 256);
	EXPECT_UINT(t, merkle_width(70000, 1, 1), 17);
	EXPECT_UINT(t, merkle_width(70000, 2, 0), 1);
	EXPECT_UINT(t, merkle_width(70000, 3, 0), 0);
	EXPECT_UINT(t, merkle_width(0, 0, 0), 0);
	EXPECT_UINT(t, merkle_width(256, 0, 0), 256);
	EXPECT_UINT(t, merkle_width(256, 0, 1), 0);
	EXPECT_UINT(t, merkle_width(256, 1, 0), 1);
	EXPECT_UINT(t, merkle_width(UINT64_MAX, 7, 0), 255);
	EXPECT_UINT(t, merkle_width(UINT64_MAX, 8, 0), 0);
}

TESTS(T(the_eight_leaves_have_their_known_roots), T(all_small_trees_agree_with_the_model),
      T(large_trees_prove_what_they_hold), T(any_change_to_a_proof_is_refused),
      T(the_larger_tree_says_what_the_smaller_was), T(whole_tiles_are_proved_at_once),
      T(what_is_not_there_is_not_proved), T(widths_of_tiles))
