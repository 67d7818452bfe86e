/* SPDX-License-Identifier: Apache-2.0
 *
 * evidence/ledger/ledger.h - an append-only log on disk that strangers can check.
 *
 * A folder in the layout of C2SP tlog-tiles (docs/formats/log.md), so that it can be served by any
 * static web server and read by other people's verifiers:
 *
 *	dewline-log         "dewline log 2\n": whose folder this is, and which version
 *	lock                held while a writer has it open
 *	journal             what was committed since the other files were last synced
 *	checkpoint          signed note: origin, size, root
 *	tile/<L>/<N>        hashes;   <N>.p/<W> while there are only W < 256 of them
 *	tile/entries/<N>    the entries themselves: (u16 length, bytes) each
 *
 * An entry is acknowledged when ledger_commit() returned ST_OK: from then on it survives kill -9
 * and loss of power, in the journal if not in the tiles (docs/decisions/0021). Files that the
 * checkpoint covers are not opened for writing again but by a writer who finds a journal after a
 * crash, and then get the bytes that they have to have.
 *
 *	ledger_open(&options, &arena, &ledger, &why);
 *	for (...)                                       as often as records come
 *		ledger_append(ledger, leaf, &index, &why);
 *	ledger_commit(ledger, &why);                    group commit: every so many, or every 100 ms
 *	ledger_prove_inclusion(ledger, index, proof, &count, &why);
 *	ledger_close(ledger);
 *
 * src/evidence/README.md shows the calls around these, from a record to a bundle.
 *
 * When append or commit fails (full disk) the ledger is spoilt: it says the same error again until
 * it is closed and opened anew, which goes back to the last commit. One thread.
 */
#ifndef DEW_EVIDENCE_LEDGER_LEDGER_H
#define DEW_EVIDENCE_LEDGER_LEDGER_H

#include "base/arena.h"
#include "base/slice.h"
#include "base/status.h"
#include "crypto/crypto.h"
#include "evidence/merkle/merkle.h"

struct os_disk;

enum {
	LEDGER_ENTRY_MAX = 65535, /* bytes: tlog-tiles gives a length two bytes */
	LEDGER_DAMAGE_MAX = 100,  /* findings that ledger_check() lists before it stops */
};

struct ledger;

struct ledger_options {
	struct slice folder; /* borrowed while the ledger is open */
	struct slice origin; /* the log's name and its key's name, as "log.example/station-1" */
	const struct crypto_signer *signer; /* NULL: open to read only */
	struct slice log_key; /* verifier key, instead of origin and signer, to read */
	struct os_disk *disk; /* NULL, or a test's fault hook */
};

/* Opens the log, or makes an empty one if a signer is given and the folder is absent or empty.
 * The ledger lives in `a`, borrowed until it is closed, and takes more memory from its pool.
 * ST_INVALID: not a log, of another version, or bad names. ST_REFUSED: another writer has it, or
 * the checkpoint is not by this key. ST_CORRUPT: what is stored does not give the checkpoint's
 * root; the text names the file. */
MUST_USE enum status ledger_open(const struct ledger_options *options, struct arena *a,
				 struct ledger **out, struct fail *why);
void ledger_close(struct ledger *l); /* forgets what was not committed; NULL is fine */

/* Adds an entry to the batch; it will be leaf *out_leaf. Full tiles go to the disk right away, the
 * rest with the commit. ST_LIMIT for more than LEDGER_ENTRY_MAX bytes, ST_NOMEM, ST_IO. */
MUST_USE enum status ledger_append(struct ledger *l, struct slice entry, uint64_t *out_leaf,
				   struct fail *why);

/* Makes all that was appended durable and signs the new checkpoint. Nothing appended: nothing is
 * done. */
MUST_USE enum status ledger_commit(struct ledger *l, struct fail *why);

uint64_t ledger_size(const struct ledger *l); /* committed entries */

/* The signed checkpoint; borrowed until the next commit. */
struct slice ledger_checkpoint(const struct ledger *l);

/* --- reading what is committed --- */

MUST_USE enum status ledger_read_entry(struct ledger *l, uint64_t leaf, struct arena *a,
				       struct slice *out, struct fail *why);

/* Against ledger_checkpoint(): leaf to root. */
MUST_USE enum status ledger_prove_inclusion(struct ledger *l, uint64_t leaf,
					    uint8_t out[MERKLE_PROOF_MAX][MERKLE_BYTES],
					    size_t *out_count, struct fail *why);
MUST_USE enum status ledger_prove_consistency(struct ledger *l, uint64_t old,
					      uint8_t out[MERKLE_PROOF_MAX][MERKLE_BYTES],
					      size_t *out_count, struct fail *why);

/* Puts signature lines, as witnesses give them, under the checkpoint that stands, durably. They
 * stay there until the next commit. ST_INVALID if the note would not be one, or only for reading.
 */
MUST_USE enum status ledger_cosign(struct ledger *l, struct slice lines, struct fail *why);

/* --- reading anybody's log --- */

/* Where the files of a log are read: a folder, or whatever a callback asks (a web server). `name`
 * is that of the layout: "checkpoint", "tile/0/000.p/7". A partial tile that is gone is cut from
 * the full one, as tlog-tiles allows a log to keep only that. */
struct ledger_source {
	struct slice place; /* the folder; or what errors call it */
	void *ctx;
	/* NULL: a folder. ST_NOTFOUND: there is no such file; ST_LIMIT: more than `most` bytes. */
	enum status (*read)(void *ctx, struct slice name, size_t most, struct arena *a,
			    struct slice *out, struct fail *why);
};

/* Is this the name of a file that a log shows to everybody? Not "lock", not "..", nothing else. */
bool ledger_name_public(struct slice name);

/* The checkpoint's bytes, of which nothing is known yet. */
MUST_USE enum status ledger_source_checkpoint(const struct ledger_source *s, struct arena *a,
					      struct slice *out, struct fail *why);

/* Its tiles for merkle.h, of whatever tree merkle.h asks for; some are kept. Not checked: what is
 * made of them must be. Lives in a, which is borrowed as long as it is used. */
MUST_USE enum status ledger_source_tiles(const struct ledger_source *s, struct arena *a,
					 struct merkle_tiles *out, struct fail *why);

/* The edge of the tree of `size` leaves. Not checked: compare merkle_edge_root(). ST_CORRUPT: a
 * tile is missing or has the wrong length. */
MUST_USE enum status ledger_source_edge(const struct ledger_source *s, uint64_t size,
					struct arena *scratch, struct merkle_edge *out,
					struct fail *why);

/* The `width` entries of a bundle, borrowed from a. Not checked: hash them. ST_CORRUPT as above. */
MUST_USE enum status ledger_source_entries(const struct ledger_source *s, uint64_t index,
					   unsigned width, struct arena *a,
					   struct slice out[MERKLE_WIDTH], struct fail *why);

/* --- checking everything --- */

struct ledger_damage {
	struct slice file; /* within the folder */
	struct slice text; /* what is wrong with it */
};

struct ledger_report {
	uint64_t size; /* leaves that the checkpoint speaks of */
	struct ledger_damage *damage;
	size_t count, room;
};

/* Reads every file that the checkpoint covers and compares it with what it must be: entries with
 * their hashes, tiles with the tiles below, all with the signed root. ST_OK if that could be done;
 * out->count is then 0 if the log is whole. Needs no lock. log_key: its verifier key. */
MUST_USE enum status ledger_check(struct slice folder, struct slice log_key, struct arena *a,
				  struct ledger_report *out, struct fail *why);

/* The same of any source, under a checkpoint that the caller has checked. */
MUST_USE enum status ledger_check_source(const struct ledger_source *s,
					 const struct merkle_checkpoint *is, struct arena *a,
					 struct ledger_report *out, struct fail *why);

#endif
