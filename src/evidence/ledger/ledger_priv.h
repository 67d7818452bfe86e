/* SPDX-License-Identifier: Apache-2.0
 *
 * What the ledger's files share: the files of a log, by name and content.
 */
#ifndef DEW_EVIDENCE_LEDGER_LEDGER_PRIV_H
#define DEW_EVIDENCE_LEDGER_LEDGER_PRIV_H

#include "base/arena.h"
#include "base/buf.h"
#include "evidence/ledger/ledger.h"
#include "evidence/merkle/merkle.h"

enum {
	LEDGER_ENTRIES = MERKLE_LEVELS, /* "level" of the entry bundles in functions here */
	LEDGER_BUNDLE_MAX = MERKLE_WIDTH * (2 + LEDGER_ENTRY_MAX), /* bytes */
	LEDGER_CHECKPOINT_MAX = 64 << 10,			   /* bytes */
};

#define LEDGER_MARKER SLICE("dewline log 1\n")

/* A full tile or bundle is read once and kept until another one of its level is asked for. */
struct ledger_cache {
	uint64_t index;
	unsigned width; /* 0: nothing is kept */
	uint8_t hashes[MERKLE_WIDTH][MERKLE_BYTES];
};

/* "tile/0/x001/234.p/56" behind `folder`; folder empty: the name within the log. */
void ledger_tile_name(struct slice folder, unsigned level, uint64_t index, unsigned width,
		      struct buf *out);

/* Cuts a bundle of exactly `width` entries into its entries. ST_CORRUPT. */
enum status ledger_bundle_parse(struct slice bytes, unsigned width, struct slice *out,
				struct fail *why);

/* Reads a tile's hashes, or a bundle; errors name the file. ST_CORRUPT for a wrong length. */
enum status ledger_tile_read(struct slice folder, unsigned level, uint64_t index, unsigned width,
			     struct arena *a, struct slice *out, struct fail *why);

/* A tile's bytes as hashes. */
static inline const uint8_t (*ledger_hashes(struct slice tile))[MERKLE_BYTES]
{
	const void *p = tile.ptr;

	return p;
}

/* Reads the checkpoint and checks it against the key; text lives in a. */
enum status ledger_checkpoint_read(struct slice folder, const struct note_verifier *key,
				   struct arena *a, struct slice *out_note,
				   struct merkle_checkpoint *out, struct fail *why);

/* ST_OK if the folder's marker is ours and of this version; ST_NOTFOUND if it has none. */
enum status ledger_marker_check(struct slice folder, struct arena *a, struct fail *why);

#endif
