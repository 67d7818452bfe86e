/* SPDX-License-Identifier: Apache-2.0
 *
 * What the ledger's files share: the files of a log, by name and content.
 */
#ifndef DEW_EVIDENCE_LEDGER_LEDGER_PRIV_H
#define DEW_EVIDENCE_LEDGER_LEDGER_PRIV_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/cursor.h"
#include "evidence/ledger/ledger.h"
#include "evidence/merkle/merkle.h"
#include "os/file.h"

enum {
	LEDGER_ENTRIES = MERKLE_LEVELS, /* "level" of the entry bundles in functions here */
	LEDGER_BUNDLE_MAX = MERKLE_WIDTH * (2 + LEDGER_ENTRY_MAX), /* bytes */
	LEDGER_CHECKPOINT_MAX = 64 << 10,			   /* bytes */
};

#define LEDGER_MARKER SLICE("dewline log 2\n")
#define LEDGER_MARKER_1 SLICE("dewline log 1\n") /* without a journal; a writer makes it 2 */

/* Tiles that were read, with the nodes above their hashes. Each has one place, by level and index:
 * a few for level 0, of which there are many, and enough for the level 1 of 14 million leaves. */
enum {
	LEDGER_CACHE_LOW = 16,	/* of level 0 */
	LEDGER_CACHE_MID = 224, /* of level 1 */
	LEDGER_CACHE_TOP = 2,	/* of each level above */
	LEDGER_CACHE = LEDGER_CACHE_LOW + LEDGER_CACHE_MID + LEDGER_CACHE_TOP * (MERKLE_LEVELS - 2)
};

struct ledger_cached {
	uint64_t index;
	unsigned level, width; /* width 0: nothing */
	struct merkle_nodes nodes;
};

struct ledger_tiles {
	const struct ledger_source *source;
	struct arena *a;      /* what is kept; borrowed */
	struct arena scratch; /* within one call */
	struct ledger_cached *kept[LEDGER_CACHE];
};

/* Of merkle_tiles, whose ctx is a struct ledger_tiles. */
enum status ledger_tile_nodes(void *ctx, unsigned level, uint64_t index, unsigned width,
			      const struct merkle_nodes **out, struct fail *why);

/* "tile/0/x001/234.p/56" behind `folder`; folder empty: the name within the log. */
void ledger_tile_name(struct slice folder, unsigned level, uint64_t index, unsigned width,
		      struct buf *out);

/* Cuts a bundle of exactly `width` entries into its entries. ST_CORRUPT. */
enum status ledger_bundle_parse(struct slice bytes, unsigned width, struct slice *out,
				struct fail *why);

/* Reads a tile's hashes, or a bundle; errors name the file. ST_CORRUPT for a wrong length. */
enum status ledger_tile_read(const struct ledger_source *s, unsigned level, uint64_t index,
			     unsigned width, struct arena *a, struct slice *out, struct fail *why);

/* A tile's bytes as hashes. */
static inline const uint8_t (*ledger_hashes(struct slice tile))[MERKLE_BYTES]
{
	const void *p = tile.ptr;

	return p;
}

/* --- the journal --- */

struct ledger_journal {
	struct os_disk *disk;
	struct os_out file;
	struct arena room;
	struct buf pending;	   /* not written yet */
	struct crypto_sha256 hash; /* of the record that is being written */
	bool begun;
};

/* One committed batch as the journal has it. */
struct ledger_record {
	uint64_t from, to;    /* leaves before and after it */
	struct slice entries; /* for ledger_record_entry() */
	struct slice note;    /* the checkpoint of `to` leaves */
};

enum status ledger_journal_open(struct ledger_journal *j, struct os_disk *disk, struct slice path,
				struct arena_pool *pool, struct fail *why);
void ledger_journal_close(struct ledger_journal *j); /* {0} is fine */
/* Entry `leaf` of the log; a record begins with the first after a commit. */
enum status ledger_journal_entry(struct ledger_journal *j, uint64_t leaf, struct slice entry,
				 struct fail *why);
/* Ends the record and makes it durable. */
enum status ledger_journal_commit(struct ledger_journal *j, uint64_t size, struct slice note,
				  struct fail *why);
/* Nothing in it counts any more; the next record stands at its front. Durable. */
enum status ledger_journal_clear(struct ledger_journal *j, struct fail *why);
/* The next complete record, of bytes that may be anything. False: there is none. */
bool ledger_journal_next(struct cursor *c, struct ledger_record *out);
/* Takes the next entry off *entries. False: there is none. */
bool ledger_record_entry(struct slice *entries, struct slice *out);

/* --- a log that is open --- */

struct ledger {
	struct slice folder;
	struct ledger_source source; /* the folder */
	struct note_verifier key;    /* its name is the origin */
	struct crypto_signer signer;
	bool writes, spoilt;
	struct fail cause; /* why it is spoilt */
	struct os_disk *disk;
	struct os_lock lock;
	struct merkle_edge *edge;
	uint64_t committed;
	uint64_t settled; /* leaves below are durable in the log's own files */
	unsigned commits; /* since then */
	struct ledger_journal journal;
	struct {
		struct slice checkpoint, journal, lock, marker, tile;
	} at;		    /* paths */
	struct arena notes; /* the checkpoint's text */
	struct slice checkpoint;
	struct arena entries; /* of the partial bundle */
	struct buf bundle;
	struct arena scratch; /* within one call */
	struct ledger_tiles *tiles;
	struct arena read; /* the bundle that was read last */
	struct slice read_entries[MERKLE_WIDTH];
	uint64_t read_index;
	unsigned read_width; /* 0: none */
};

/* Place of a level's last tile, which is partial or, if the size fits, not there yet. */
uint64_t ledger_last_index(uint64_t size, unsigned level);
/* One more leaf in edge and bundle; tiles that it fills go to the disk. */
enum status ledger_grow(struct ledger *l, struct slice entry, struct fail *why);
/* The last tiles of all levels that are partial and differ from those of `committed` leaves. */
enum status ledger_partials_put(struct ledger *l, struct fail *why);
/* The signed checkpoint of the edge, in scratch. */
enum status ledger_checkpoint_make(struct ledger *l, struct slice *out, struct fail *why);
/* That checkpoint stands. */
enum status ledger_checkpoint_keep(struct ledger *l, struct slice note, uint64_t size,
				   struct fail *why);
/* All that was committed is durable in the log's own files, and the journal is empty. */
enum status ledger_settle(struct ledger *l, struct fail *why);

/* Reads the checkpoint and checks it against the key; text lives in a. */
enum status ledger_checkpoint_read(const struct ledger_source *s, const struct note_verifier *key,
				   struct arena *a, struct slice *out_note,
				   struct merkle_checkpoint *out, struct fail *why);

/* ST_OK if the folder's marker is ours and of this version or the one before; ST_NOTFOUND if it has
 * none. out_old (may be NULL): it is the one before. */
enum status ledger_marker_check(struct slice folder, struct arena *a, bool *out_old,
				struct fail *why);

#endif
