/* SPDX-License-Identifier: Apache-2.0
 *
 * For tests: small logs in memory, their checkpoints and proofs. Up to 255 leaves, so one tile.
 */
#ifndef DEW_EVIDENCE_VIEW_TREE_H
#define DEW_EVIDENCE_VIEW_TREE_H

#include "evidence/view/view.h"

struct tree {
	struct merkle_edge edge;
	struct crypto_signer signer;
	struct note_verifier key;
	char tag; /* leaves of trees with another tag differ from leaf `fork` on */
	uint64_t fork;
};

typedef const uint8_t (*tree_hashes)[MERKLE_BYTES];

static inline struct slice tree_entry(const struct tree *t, uint64_t i, char buf[8])
{
	buf[0] = i >= t->fork ? t->tag : '-';
	buf[1] = (char)i;
	return (struct slice){(const uint8_t *)buf, 2};
}

static inline bool tree_grow(struct tree *t, uint64_t to)
{
	struct merkle_full none = {NULL, NULL};
	struct fail why;
	char buf[8];

	while (t->edge.size < to) {
		uint8_t leaf[MERKLE_BYTES];

		merkle_leaf(tree_entry(t, t->edge.size, buf), leaf);
		if (merkle_edge_add(&t->edge, leaf, &none, &why) != ST_OK)
			return false;
	}
	return true;
}

static inline enum status tree_tile(void *ctx, unsigned level, uint64_t index, unsigned width,
				    tree_hashes *out, struct fail *why)
{
	struct tree *t = ctx;

	if (level != 0 || index != 0 || width > t->edge.size)
		return fail_set(why, ST_NOTFOUND, "no such tile");
	*out = (tree_hashes)t->edge.tile[0];
	return ST_OK;
}

static inline bool tree_init(struct tree *t, uint8_t seed_byte, char tag, uint64_t fork,
			     uint64_t size)
{
	const uint8_t seed[CRYPTO_SEED_BYTES] = {seed_byte};
	struct fail why;

	memset(t, 0, sizeof *t);
	t->tag = tag;
	t->fork = fork;
	crypto_signer_from_seed(seed, &t->signer);
	return note_verifier_of(SLICE("log.test/a"), NOTE_ED25519, t->signer.key, &t->key, &why) ==
		       ST_OK &&
	       tree_grow(t, size);
}

/* The signed checkpoint of the first `size` leaves. */
static inline struct slice tree_note(struct tree *t, uint64_t size, struct arena *a)
{
	struct merkle_checkpoint c = {.origin = SLICE("log.test/a"), .size = size};
	struct merkle_tiles tiles = {.ctx = t, .tile = tree_tile};
	struct buf text = buf_in(a), note = buf_in(a);
	struct fail why;

	if (merkle_root(&tiles, size, c.root, &why) != ST_OK)
		return (struct slice){NULL, 0};
	merkle_checkpoint_add(&c, &text);
	if (note_write(buf_slice(&text), &note, &why) != ST_OK)
		return (struct slice){NULL, 0};
	note_sign(buf_slice(&text), &t->key, &t->signer, 0, &note);
	return buf_slice(&note);
}

#endif
