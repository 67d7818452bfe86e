/* SPDX-License-Identifier: Apache-2.0
 *
 * Invariants of an edge:
 *  1. Level l's tile holds digit l of `size` in base 256: (size >> 8 l) & 255 hashes.
 *  2. So every complete subtree in the decomposition of `size` into powers of two lies inside one
 *     tile of the edge, and the root needs no other tile.
 */
#include "evidence/merkle/merkle.h"

enum { HEIGHT = 8 }; /* binary levels in a tile: 2^8 = MERKLE_WIDTH */

void merkle_empty(uint8_t out[MERKLE_BYTES])
{
	crypto_sha256_of((struct slice){NULL, 0}, out);
}

void merkle_leaf(struct slice entry, uint8_t out[MERKLE_BYTES])
{
	struct crypto_sha256 s;

	crypto_sha256_init(&s);
	crypto_sha256_add(&s, SLICE("\0"));
	crypto_sha256_add(&s, entry);
	crypto_sha256_end(&s, out);
}

void merkle_node(const uint8_t left[MERKLE_BYTES], const uint8_t right[MERKLE_BYTES],
		 uint8_t out[MERKLE_BYTES])
{
	uint8_t both[1 + 2 * MERKLE_BYTES];

	both[0] = 1;
	memcpy(both + 1, left, MERKLE_BYTES);
	memcpy(both + 1 + MERKLE_BYTES, right, MERKLE_BYTES);
	crypto_sha256_of((struct slice){both, sizeof both}, out);
}

/* The root over 2^k hashes, k <= HEIGHT. A stack of one hash a level, as in binary counting. */
static void fold(const uint8_t (*hashes)[MERKLE_BYTES], unsigned k, uint8_t out[MERKLE_BYTES])
{
	uint8_t left[HEIGHT + 1][MERKLE_BYTES], at[MERKLE_BYTES];

	for (size_t i = 0; i < (size_t)1 << k; i++) {
		unsigned level = 0;

		memcpy(at, hashes[i], MERKLE_BYTES);
		for (; (i >> level & 1) != 0; level++)
			merkle_node(left[level], at, at);
		memcpy(left[level], at, MERKLE_BYTES);
	}
	memcpy(out, left[k], MERKLE_BYTES);
}

/* The root over 1 to MERKLE_WIDTH hashes: complete subtrees from the right to the left, joined. */
static void fold_any(const uint8_t (*hashes)[MERKLE_BYTES], unsigned n, uint8_t out[MERKLE_BYTES])
{
	bool any = false;

	while (n != 0) {
		unsigned bits = (unsigned)__builtin_ctz(n);
		uint8_t left[MERKLE_BYTES];

		n -= 1U << bits;
		fold(hashes + n, bits, left);
		if (any)
			merkle_node(left, out, out);
		else
			memcpy(out, left, MERKLE_BYTES);
		any = true;
	}
}

void merkle_run_root(const uint8_t (*hashes)[MERKLE_BYTES], uint8_t out[MERKLE_BYTES])
{
	fold(hashes, HEIGHT, out);
}

static unsigned digit(uint64_t size, unsigned level)
{
	return (unsigned)(size >> HEIGHT * level & (MERKLE_WIDTH - 1));
}

enum status merkle_edge_add(struct merkle_edge *e, const uint8_t leaf[MERKLE_BYTES],
			    const struct merkle_full *full, struct fail *why)
{
	uint8_t hash[MERKLE_BYTES];

	memcpy(hash, leaf, sizeof hash);
	for (unsigned level = 0; level < MERKLE_LEVELS; level++) {
		unsigned at = digit(e->size, level);
		enum status st;

		memcpy(e->tile[level][at], hash, sizeof hash);
		if (at + 1 < MERKLE_WIDTH)
			break;
		st = full->tile(full->ctx, level, e->size >> HEIGHT * level >> HEIGHT,
				(const uint8_t(*)[MERKLE_BYTES])e->tile[level], why);
		if (st != ST_OK)
			return st;
		fold((const uint8_t(*)[MERKLE_BYTES])e->tile[level], HEIGHT, hash);
	}
	e->size++;
	return ST_OK;
}

void merkle_edge_root(const struct merkle_edge *e, uint8_t out[MERKLE_BYTES])
{
	bool any = false;

	if (e->size == 0) {
		merkle_empty(out);
		return;
	}
	/* from the lowest set bit up: what is to the right so far joins what is to its left */
	for (unsigned bit = 0; bit < 64; bit++) {
		unsigned level = bit / HEIGHT, k = bit % HEIGHT;
		uint8_t left[MERKLE_BYTES];

		if ((e->size >> bit & 1) == 0)
			continue;
		fold(e->tile[level] + (digit(e->size, level) >> k >> 1 << 1 << k), k, left);
		if (any)
			merkle_node(left, out, out);
		else
			memcpy(out, left, MERKLE_BYTES);
		any = true;
	}
}

unsigned merkle_width(uint64_t size, unsigned level, uint64_t index)
{
	uint64_t hashes = level < MERKLE_LEVELS ? size >> HEIGHT * level : 0;

	if (hashes >> HEIGHT > index)
		return MERKLE_WIDTH;
	return hashes >> HEIGHT == index ? (unsigned)(hashes & (MERKLE_WIDTH - 1)) : 0;
}

/* Where a row of a tile's nodes begins. */
static size_t row_start(unsigned row)
{
	return 2 * MERKLE_WIDTH - ((size_t)2 * MERKLE_WIDTH >> row);
}

void merkle_nodes_fill(struct merkle_nodes *n, unsigned width)
{
	for (unsigned row = 1; row <= HEIGHT; row++) {
		uint8_t(*below)[MERKLE_BYTES] = n->hash + row_start(row - 1);
		uint8_t(*to)[MERKLE_BYTES] = n->hash + row_start(row);

		for (unsigned i = 0; i < width >> row; i++)
			merkle_node(below[(size_t)2 * i], below[(size_t)2 * i + 1], to[i]);
	}
}

/* A tree that is asked for its hashes. */
struct walk {
	const struct merkle_tiles *tiles;
	uint64_t size; /* leaves of the whole tree: which tiles are partial */
	struct fail *why;
};

/* The hash over leaves [from, from + 2^bits), from a multiple of 2^bits. */
static enum status subtree(struct walk *w, uint64_t from, unsigned bits, uint8_t out[MERKLE_BYTES])
{
	unsigned level = bits / HEIGHT;
	uint64_t first = from >> HEIGHT * level, index = first >> HEIGHT;
	unsigned width = merkle_width(w->size, level, index), row = bits % HEIGHT;
	size_t at = first & (MERKLE_WIDTH - 1);
	const uint8_t(*hashes)[MERKLE_BYTES];
	const struct merkle_nodes *nodes;
	enum status st;

	if (w->tiles->nodes != NULL) {
		st = w->tiles->nodes(w->tiles->ctx, level, index, width, &nodes, w->why);
		if (st == ST_OK)
			memcpy(out, nodes->hash[row_start(row) + (at >> row)], MERKLE_BYTES);
		return st;
	}
	st = w->tiles->tile(w->tiles->ctx, level, index, width, &hashes, w->why);
	if (st == ST_OK)
		fold(hashes + at, row, out);
	return st;
}

static unsigned lowest_bit(uint64_t n)
{
	return (unsigned)__builtin_ctzll(n);
}

/* The hash over leaves [from, from + n), n > 0, where [from, from + n) is a subtree of the tree:
 * its complete subtrees from the right to the left, joined. */
static enum status range(struct walk *w, uint64_t from, uint64_t n, uint8_t out[MERKLE_BYTES])
{
	uint64_t end = from + n;
	bool any = false;

	while (n != 0) {
		unsigned bits = lowest_bit(n);
		uint8_t left[MERKLE_BYTES];
		enum status st;

		end -= (uint64_t)1 << bits;
		n -= (uint64_t)1 << bits;
		st = subtree(w, end, bits, left);
		if (st != ST_OK)
			return st;
		if (any)
			merkle_node(left, out, out);
		else
			memcpy(out, left, MERKLE_BYTES);
		any = true;
	}
	return ST_OK;
}

/* The largest power of two below n, n >= 2. */
static uint64_t split(uint64_t n)
{
	return (uint64_t)1 << (63 - __builtin_clzll(n - 1));
}

enum status merkle_root_before(const struct merkle_tiles *t, uint64_t old, uint64_t size,
			       uint8_t out[MERKLE_BYTES], struct fail *why)
{
	struct walk w = {t, size, why};

	if (old > size)
		return fail_set(why, ST_INVALID, "a tree of %llu is not within one of %llu",
				(unsigned long long)old, (unsigned long long)size);
	if (old == 0) {
		merkle_empty(out);
		return ST_OK;
	}
	return range(&w, 0, old, out);
}

enum status merkle_root(const struct merkle_tiles *t, uint64_t size, uint8_t out[MERKLE_BYTES],
			struct fail *why)
{
	return merkle_root_before(t, size, size, out, why);
}

static void reverse(uint8_t (*hashes)[MERKLE_BYTES], size_t n)
{
	for (size_t i = 0; i + 1 < n - i; i++) {
		uint8_t keep[MERKLE_BYTES];

		memcpy(keep, hashes[i], MERKLE_BYTES);
		memcpy(hashes[i], hashes[n - 1 - i], MERKLE_BYTES);
		memcpy(hashes[n - 1 - i], keep, MERKLE_BYTES);
	}
}

/* From the root down to the subtree of at most `stop` leaves that has leaf `index`: at each split,
 * the hash of the side not taken. */
static enum status prove(const struct merkle_tiles *t, uint64_t index, uint64_t size, uint64_t stop,
			 uint8_t out[MERKLE_PROOF_MAX][MERKLE_BYTES], size_t *out_count,
			 struct fail *why)
{
	struct walk w = {t, size, why};
	uint64_t from = 0, n = size;
	size_t count = 0;

	if (index >= size)
		return fail_set(why, ST_INVALID, "leaf %llu is not in a tree of %llu",
				(unsigned long long)index, (unsigned long long)size);
	while (n > stop) {
		uint64_t k = split(n);
		bool right = index - from >= k;
		enum status st = right ? range(&w, from, k, out[count])
				       : range(&w, from + k, n - k, out[count]);

		if (st != ST_OK)
			return st;
		count++;
		from += right ? k : 0;
		n = right ? n - k : k;
	}
	reverse(out, count);
	*out_count = count;
	return ST_OK;
}

enum status merkle_prove_inclusion(const struct merkle_tiles *t, uint64_t index, uint64_t size,
				   uint8_t out[MERKLE_PROOF_MAX][MERKLE_BYTES], size_t *out_count,
				   struct fail *why)
{
	return prove(t, index, size, 1, out, out_count, why);
}

enum status merkle_prove_run(const struct merkle_tiles *t, uint64_t index, uint64_t size,
			     uint8_t out[MERKLE_PROOF_MAX][MERKLE_BYTES], size_t *out_count,
			     struct fail *why)
{
	return prove(t, index > UINT64_MAX >> HEIGHT ? UINT64_MAX : index << HEIGHT, size,
		     MERKLE_WIDTH, out, out_count, why);
}

enum status merkle_prove_consistency(const struct merkle_tiles *t, uint64_t old, uint64_t size,
				     uint8_t out[MERKLE_PROOF_MAX][MERKLE_BYTES], size_t *out_count,
				     struct fail *why)
{
	struct walk w = {t, size, why};
	uint64_t from = 0, m = old, n = size;
	size_t count = 0;
	enum status st;

	if (old > size)
		return fail_set(why, ST_INVALID, "a tree of %llu is not within one of %llu",
				(unsigned long long)old, (unsigned long long)size);
	if (old == 0 || old == size) {
		*out_count = 0;
		return ST_OK;
	}
	while (m != n) { /* RFC 6962's SUBPROOF, from the root down */
		uint64_t k = split(n);
		bool right = m > k;

		st = right ? range(&w, from, k, out[count])
			   : range(&w, from + k, n - k, out[count]);
		if (st != ST_OK)
			return st;
		count++;
		from += right ? k : 0;
		m -= right ? k : 0;
		n = right ? n - k : k;
	}
	if (from != 0) { /* else the old tree is that subtree, whose root the verifier has */
		st = range(&w, from, n, out[count]);
		if (st != ST_OK)
			return st;
		count++;
	}
	reverse(out, count);
	*out_count = count;
	return ST_OK;
}

bool merkle_verify_inclusion(const uint8_t leaf[MERKLE_BYTES], uint64_t index, uint64_t size,
			     const uint8_t (*proof)[MERKLE_BYTES], size_t count,
			     const uint8_t root[MERKLE_BYTES])
{
	uint64_t fn = index, sn = size - 1;
	uint8_t r[MERKLE_BYTES];

	if (index >= size)
		return false;
	memcpy(r, leaf, sizeof r);
	for (size_t i = 0; i < count; i++) {
		if (sn == 0)
			return false;
		if ((fn & 1) != 0 || fn == sn) {
			merkle_node(proof[i], r, r);
			while ((fn & 1) == 0 && fn != 0) {
				fn >>= 1;
				sn >>= 1;
			}
		} else {
			merkle_node(r, proof[i], r);
		}
		fn >>= 1;
		sn >>= 1;
	}
	return sn == 0 && memcmp(r, root, sizeof r) == 0;
}

bool merkle_verify_run(const uint8_t (*leaves)[MERKLE_BYTES], uint64_t index, uint64_t size,
		       const uint8_t (*proof)[MERKLE_BYTES], size_t count,
		       const uint8_t root[MERKLE_BYTES])
{
	unsigned width = merkle_width(size, 0, index);
	uint64_t runs = (size >> HEIGHT) + ((size & (MERKLE_WIDTH - 1)) != 0);
	uint8_t run[MERKLE_BYTES];

	if (width == 0)
		return false;
	/* the tree splits between tiles as long as it has more than one: it is one over their roots
	 */
	fold_any(leaves, width, run);
	return merkle_verify_inclusion(run, index, runs, proof, count, root);
}

/* Carries a consistency proof up from the complete subtree `start` at the old tree's right edge:
 * the roots of the old tree and of the new that it leads to. 0 < old < size. */
static bool consistency_walk(uint64_t old, uint64_t size, const uint8_t start[MERKLE_BYTES],
			     const uint8_t (*proof)[MERKLE_BYTES], size_t count,
			     uint8_t fr[MERKLE_BYTES], uint8_t sr[MERKLE_BYTES])
{
	uint64_t fn = old - 1, sn = size - 1;

	while ((fn & 1) != 0) {
		fn >>= 1;
		sn >>= 1;
	}
	memcpy(fr, start, MERKLE_BYTES);
	memcpy(sr, start, MERKLE_BYTES);
	for (size_t i = 0; i < count; i++) {
		if (sn == 0)
			return false;
		if ((fn & 1) != 0 || fn == sn) {
			merkle_node(proof[i], fr, fr);
			merkle_node(proof[i], sr, sr);
			while ((fn & 1) == 0 && fn != 0) {
				fn >>= 1;
				sn >>= 1;
			}
		} else {
			merkle_node(sr, proof[i], sr);
		}
		fn >>= 1;
		sn >>= 1;
	}
	return sn == 0;
}

bool merkle_verify_consistency(uint64_t old, uint64_t size, const uint8_t old_root[MERKLE_BYTES],
			       const uint8_t root[MERKLE_BYTES],
			       const uint8_t (*proof)[MERKLE_BYTES], size_t count)
{
	bool whole = (old & (old - 1)) == 0; /* the old tree is a complete subtree of the new */
	uint8_t fr[MERKLE_BYTES], sr[MERKLE_BYTES];

	if (old > size || (old == size && memcmp(old_root, root, MERKLE_BYTES) != 0))
		return false;
	if (old == 0 || old == size)
		return count == 0;
	if (count == 0)
		return false;
	if (!consistency_walk(old, size, whole ? old_root : proof[0], whole ? proof : proof + 1,
			      whole ? count : count - 1, fr, sr))
		return false;
	return memcmp(fr, old_root, sizeof fr) == 0 && memcmp(sr, root, sizeof sr) == 0;
}

bool merkle_consistency_old(uint64_t old, uint64_t size, const uint8_t (*proof)[MERKLE_BYTES],
			    size_t count, const uint8_t root[MERKLE_BYTES],
			    uint8_t out[MERKLE_BYTES])
{
	uint8_t fr[MERKLE_BYTES], sr[MERKLE_BYTES];

	if (old >= size || (old & (old - 1)) == 0 || count == 0 ||
	    !consistency_walk(old, size, proof[0], proof + 1, count - 1, fr, sr) ||
	    memcmp(sr, root, sizeof sr) != 0)
		return false;
	memcpy(out, fr, sizeof fr);
	return true;
}
