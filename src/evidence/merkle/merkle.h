/* SPDX-License-Identifier: Apache-2.0
 *
 * evidence/merkle/merkle.h - the arithmetic of an append-only log.
 *
 * RFC 6962 2.1 (the same tree as RFC 9162 2.1): leaf = SHA-256(00 || entry), node = SHA-256(01 ||
 * left || right), a tree of n leaves splits at the largest power of two below n. Hashes are kept in
 * tiles (C2SP tlog-tiles): tile t of level l holds up to 256 hashes, each over a full run of 256^l
 * leaves; only the last tile of a level is partial, and a partial tile has nothing above it.
 *
 * Nothing here touches a disk or owns memory. Making a proof asks for tiles through a callback;
 * checking one needs nothing but its arguments, which may come from anybody.
 */
#ifndef DEW_EVIDENCE_MERKLE_MERKLE_H
#define DEW_EVIDENCE_MERKLE_MERKLE_H

#include "base/buf.h"
#include "base/slice.h"
#include "base/status.h"
#include "crypto/crypto.h"
#include "crypto/note.h"

enum {
	MERKLE_BYTES = CRYPTO_SHA256_BYTES,
	MERKLE_WIDTH = 256,   /* hashes in a full tile */
	MERKLE_LEVELS = 8,    /* of tiles: 256^8 = 2^64 leaves */
	MERKLE_PROOF_MAX = 64 /* hashes of the longest proof: one a bit of the size, one more */
};

void merkle_empty(uint8_t out[MERKLE_BYTES]); /* root of no leaves: SHA-256 of nothing */
void merkle_leaf(struct slice entry, uint8_t out[MERKLE_BYTES]);
void merkle_node(const uint8_t left[MERKLE_BYTES], const uint8_t right[MERKLE_BYTES],
		 uint8_t out[MERKLE_BYTES]);

/* --- growing --- */

/* The last tile of every level, which is all that the root and more leaves need. {0} is the empty
 * tree. 64 KiB: not for the stack. Level l's tile holds merkle_width(size, l, size >> 8 (l + 1))
 * hashes. */
struct merkle_edge {
	uint64_t size; /* leaves */
	uint8_t tile[MERKLE_LEVELS][MERKLE_WIDTH][MERKLE_BYTES];
};

/* Told of every tile that became full, lower levels first; `hashes` are MERKLE_WIDTH of them. */
struct merkle_full {
	void *ctx;
	enum status (*tile)(void *ctx, unsigned level, uint64_t index,
			    const uint8_t (*hashes)[MERKLE_BYTES], struct fail *why);
};

/* Adds one leaf hash. If full.tile says no, the edge is spoilt. */
MUST_USE enum status merkle_edge_add(struct merkle_edge *e, const uint8_t leaf[MERKLE_BYTES],
				     const struct merkle_full *full, struct fail *why);

/* The root over one full tile: the hash that stands for it one level up. */
void merkle_run_root(const uint8_t (*hashes)[MERKLE_BYTES], uint8_t out[MERKLE_BYTES]);

void merkle_edge_root(const struct merkle_edge *e, uint8_t out[MERKLE_BYTES]);

/* --- tiles and proofs --- */

/* Hashes in tile `index` of `level` of a tree of `size` leaves: 0 (no such tile) to MERKLE_WIDTH.
 */
unsigned merkle_width(uint64_t size, unsigned level, uint64_t index);

/* A tile's hashes, and all that are made of them: row k has MERKLE_WIDTH >> k, each over two of the
 * row before it. Row 8 is the one hash of a full tile. */
enum { MERKLE_NODES = 2 * MERKLE_WIDTH - 1 };

struct merkle_nodes {
	uint8_t hash[MERKLE_NODES][MERKLE_BYTES]; /* rows, one behind the other */
};

/* Makes the rows above the first `width` hashes, which are there; of incomplete pairs nothing. */
void merkle_nodes_fill(struct merkle_nodes *n, unsigned width);

/* Gives the hashes of a tile; `width` is merkle_width() of it, and at least that many are
 * readable until the next call. */
struct merkle_tiles {
	void *ctx;
	enum status (*tile)(void *ctx, unsigned level, uint64_t index, unsigned width,
			    const uint8_t (**out)[MERKLE_BYTES], struct fail *why);
	/* The same, filled, from who keeps tiles for many proofs: asked instead, unless NULL. */
	enum status (*nodes)(void *ctx, unsigned level, uint64_t index, unsigned width,
			     const struct merkle_nodes **out, struct fail *why);
};

/* Root of the first `size` leaves. */
MUST_USE enum status merkle_root(const struct merkle_tiles *t, uint64_t size,
				 uint8_t out[MERKLE_BYTES], struct fail *why);

/* Root of the first `old` of `size` leaves, from the tiles of `size`: what the log of that size
 * says it was then. ST_INVALID if old > size. */
MUST_USE enum status merkle_root_before(const struct merkle_tiles *t, uint64_t old, uint64_t size,
					uint8_t out[MERKLE_BYTES], struct fail *why);

/* The inclusion proof of leaf `index` in the tree of `size` leaves, leaf to root (RFC 6962 2.1.1).
 * ST_INVALID unless index < size. */
MUST_USE enum status merkle_prove_inclusion(const struct merkle_tiles *t, uint64_t index,
					    uint64_t size,
					    uint8_t out[MERKLE_PROOF_MAX][MERKLE_BYTES],
					    size_t *out_count, struct fail *why);

/* The proof that tile `index` of level 0 has its leaves in the tree of `size`: that of any of them
 * without the part inside the tile. ST_INVALID unless the tile has one. */
MUST_USE enum status merkle_prove_run(const struct merkle_tiles *t, uint64_t index, uint64_t size,
				      uint8_t out[MERKLE_PROOF_MAX][MERKLE_BYTES],
				      size_t *out_count, struct fail *why);

/* The consistency proof between the trees of `old` and `size` leaves (RFC 6962 2.1.2); empty when
 * old is 0 or size. ST_INVALID if old > size. */
MUST_USE enum status merkle_prove_consistency(const struct merkle_tiles *t, uint64_t old,
					      uint64_t size,
					      uint8_t out[MERKLE_PROOF_MAX][MERKLE_BYTES],
					      size_t *out_count, struct fail *why);

/* RFC 9162 2.1.3.2. */
MUST_USE bool merkle_verify_inclusion(const uint8_t leaf[MERKLE_BYTES], uint64_t index,
				      uint64_t size, const uint8_t (*proof)[MERKLE_BYTES],
				      size_t count, const uint8_t root[MERKLE_BYTES]);

/* Are these all the leaf hashes of tile `index`, merkle_width() of them, by merkle_prove_run()? */
MUST_USE bool merkle_verify_run(const uint8_t (*leaves)[MERKLE_BYTES], uint64_t index,
				uint64_t size, const uint8_t (*proof)[MERKLE_BYTES], size_t count,
				const uint8_t root[MERKLE_BYTES]);

/* RFC 9162 2.1.4.2; old 0 is consistent with everything, by an empty proof. */
MUST_USE bool merkle_verify_consistency(uint64_t old, uint64_t size,
					const uint8_t old_root[MERKLE_BYTES],
					const uint8_t root[MERKLE_BYTES],
					const uint8_t (*proof)[MERKLE_BYTES], size_t count);

/* What a consistency proof that leads to `root` says the root of the first `old` leaves was. Who
 * has signed another one for that size has shown two histories. False if the proof does not lead
 * there, or if it does not say: when old is a power of two, or 0, or size, the old root is no part
 * of it.
 */
MUST_USE bool merkle_consistency_old(uint64_t old, uint64_t size,
				     const uint8_t (*proof)[MERKLE_BYTES], size_t count,
				     const uint8_t root[MERKLE_BYTES], uint8_t out[MERKLE_BYTES]);

/* --- checkpoints --- */

/* What a log says of itself (C2SP tlog-checkpoint): origin LF size LF base64(root) LF, and perhaps
 * extension lines, which are neither written nor understood here. It is the text of a signed note
 * (crypto/note.h) by the key whose name is the origin. */
struct merkle_checkpoint {
	struct slice origin; /* borrowed from the text */
	uint64_t size;	     /* leaves, <= INT64_MAX */
	uint8_t root[MERKLE_BYTES];
};

MUST_USE enum status merkle_checkpoint_parse(struct slice text, struct merkle_checkpoint *out,
					     struct fail *why);
void merkle_checkpoint_add(const struct merkle_checkpoint *c, struct buf *out);

/* Reads a signed checkpoint and checks its signature by `log`, whose name must be the origin.
 * ST_INVALID for the form, ST_REFUSED for the signature or another origin. */
MUST_USE enum status merkle_checkpoint_open(struct slice note, const struct note_verifier *log,
					    struct arena *a, struct merkle_checkpoint *out,
					    struct fail *why);

#endif
