/* SPDX-License-Identifier: Apache-2.0
 *
 * Invariants:
 *  1. edge->size >= committed; leaves from committed on are appended and not acknowledged.
 *  2. What was acknowledged is durable in the journal, or in the log's own files: the journal has
 *     all leaves from `settled` on, and the files of those below are synced.
 *  3. Readers see a checkpoint only after every file that it covers is there to be read, and no
 *     file that one covers is opened for writing again while the log is open: a tile's name says
 *     its width, and only names that cover leaves >= committed are ever written.
 *  4. `bundle` holds the entries of the last, partial bundle: digit 0 of edge->size of them.
 *  5. Once spoilt, nothing is written any more, as the edge may be ahead of the disk.
 *
 *	state     append, commit      fails            close, open
 *	open      open                -> spoilt        -> open
 *	spoilt    the same error      -                -> open, at what the journal has
 */
#include "evidence/ledger/ledger.h"

#include "evidence/ledger/ledger_priv.h"

enum {
	JOURNAL_MOST = 64 << 20, /* bytes in the journal before the log's own files are synced */
	COMMITS_MOST = 256,	 /* commits, likewise: each leaves partial tiles behind */
};

static unsigned last_width(uint64_t size, unsigned level)
{
	return merkle_width(size, level == LEDGER_ENTRIES ? 0 : level,
			    ledger_last_index(size, level));
}

uint64_t ledger_last_index(uint64_t size, unsigned level)
{
	return level == LEDGER_ENTRIES ? size >> 8 : size >> 8 * level >> 8;
}

/* --- writing --- */

static struct slice folder_of(struct slice path)
{
	while (path.len > 0 && path.ptr[path.len - 1] != '/')
		path.len--;
	return slice_part(path, 0, path.len ? path.len - 1 : 0);
}

/* Writes one tile or bundle, making its folder when the disk says that there is none. */
static enum status tile_put(struct ledger *l, unsigned level, uint64_t index, unsigned width,
			    struct slice bytes, struct fail *why)
{
	struct buf path = buf_in(&l->scratch);
	enum status st;

	arena_reset(&l->scratch);
	ledger_tile_name(l->folder, level, index, width, &path);
	if (path.full)
		return fail_set(why, ST_NOMEM, "no memory to write the log");
	st = os_file_put(l->disk, buf_slice(&path), bytes, why);
	if (st != ST_NOTFOUND)
		return st;
	st = os_dir_make(l->disk, folder_of(buf_slice(&path)), NULL, why);
	return st == ST_OK ? os_file_put(l->disk, buf_slice(&path), bytes, why) : st;
}

/* Of merkle_full: a tile became full. A full level-0 tile fills an entry bundle too. */
static enum status tile_full(void *ctx, unsigned level, uint64_t index,
			     const uint8_t (*hashes)[MERKLE_BYTES], struct fail *why)
{
	struct ledger *l = ctx;
	enum status st = ST_OK;

	if (level == 0) {
		st = tile_put(l, LEDGER_ENTRIES, index, MERKLE_WIDTH, buf_slice(&l->bundle), why);
		l->bundle.len = 0; /* the next is about as large */
	}
	if (st != ST_OK)
		return st;
	return tile_put(l, level, index, MERKLE_WIDTH,
			(struct slice){hashes[0], (size_t)MERKLE_WIDTH * MERKLE_BYTES}, why);
}

/* Nothing is written any more; returns why->status. */
static enum status spoil(struct ledger *l, struct fail *why)
{
	l->spoilt = true;
	l->cause = *why;
	return why->status;
}

static enum status writable(struct ledger *l, struct fail *why)
{
	if (!l->writes)
		return fail_set(why, ST_INVALID, "the log %.*s is open for reading only",
				SLICE_ARG(l->folder));
	if (l->spoilt)
		*why = l->cause;
	return l->spoilt ? why->status : ST_OK;
}

enum status ledger_grow(struct ledger *l, struct slice entry, struct fail *why)
{
	struct merkle_full full = {l, tile_full};
	uint8_t leaf[MERKLE_BYTES], *room = buf_reserve(&l->bundle, 2 + entry.len);

	if (room == NULL) {
		l->bundle.full = false; /* nothing was added, so a later append may do */
		return fail_set(why, ST_NOMEM, "no memory for a log entry");
	}
	room[0] = (uint8_t)(entry.len >> 8);
	room[1] = (uint8_t)(entry.len & 255);
	if (entry.len != 0)
		memcpy(room + 2, entry.ptr, entry.len);
	buf_grew(&l->bundle, 2 + entry.len);
	merkle_leaf(entry, leaf);
	if (merkle_edge_add(l->edge, leaf, &full, why) == ST_OK)
		return ST_OK;
	(void)fail_wrap(why, "append to the log %.*s", SLICE_ARG(l->folder));
	return spoil(l, why);
}

enum status ledger_append(struct ledger *l, struct slice entry, uint64_t *out_leaf,
			  struct fail *why)
{
	enum status st = writable(l, why);

	if (st != ST_OK)
		return st;
	if (entry.len > LEDGER_ENTRY_MAX)
		return fail_set(why, ST_LIMIT, "a log entry of %zu bytes; at most %d fit",
				entry.len, LEDGER_ENTRY_MAX);
	st = ledger_grow(l, entry, why);
	if (st != ST_OK)
		return st;
	st = ledger_journal_entry(&l->journal, l->edge->size - 1, entry, why);
	if (st != ST_OK) {
		(void)fail_wrap(why, "append to the log %.*s", SLICE_ARG(l->folder));
		return spoil(l, why);
	}
	*out_leaf = l->edge->size - 1;
	return ST_OK;
}

enum status ledger_partials_put(struct ledger *l, struct fail *why)
{
	uint64_t size = l->edge->size;
	enum status st = ST_OK;

	for (unsigned level = 0; level <= LEDGER_ENTRIES && st == ST_OK; level++) {
		unsigned width = last_width(size, level);
		uint64_t index = ledger_last_index(size, level);
		struct slice bytes = buf_slice(&l->bundle);

		if (width == 0 || (width == last_width(l->committed, level) &&
				   index == ledger_last_index(l->committed, level)))
			continue;
		if (level != LEDGER_ENTRIES)
			bytes = (struct slice){l->edge->tile[level][0],
					       (size_t)width * MERKLE_BYTES};
		st = tile_put(l, level, index, width, bytes, why);
	}
	return st;
}

enum status ledger_checkpoint_keep(struct ledger *l, struct slice note, uint64_t size,
				   struct fail *why)
{
	struct slice kept;

	arena_reset(&l->notes);
	kept = arena_copy(&l->notes, note);
	if (kept.ptr == NULL)
		return fail_set(why, ST_NOMEM, "no memory for a checkpoint");
	l->checkpoint = kept;
	l->committed = size;
	return ST_OK;
}

enum status ledger_checkpoint_make(struct ledger *l, struct slice *out, struct fail *why)
{
	struct merkle_checkpoint c = {.origin = l->key.name, .size = l->edge->size};
	struct buf text = buf_in(&l->scratch), note = buf_in(&l->scratch);
	enum status st;

	merkle_edge_root(l->edge, c.root);
	merkle_checkpoint_add(&c, &text);
	st = text.full ? ST_NOMEM : note_write(buf_slice(&text), &note, why);
	if (st == ST_OK)
		note_sign(buf_slice(&text), &l->key, &l->signer, 0, &note);
	if (st == ST_NOMEM || note.full)
		return fail_set(why, ST_NOMEM, "no memory for a checkpoint");
	*out = buf_slice(&note);
	return st;
}

/* Partial tiles that have become full since the log was last settled: the full ones are durable
 * now, and readers take their front. Without this a log that commits each second keeps four files a
 * second for good. A file that stays is only litter. */
static void partials_prune(struct ledger *l, uint64_t from, uint64_t to)
{
	for (unsigned level = 0; level <= LEDGER_ENTRIES; level++)
		for (uint64_t i = ledger_last_index(from, level); i < ledger_last_index(to, level);
		     i++) {
			struct buf path;
			struct fail why;

			arena_reset(&l->scratch);
			path = buf_in(&l->scratch);
			ledger_tile_name(l->folder, level, i, MERKLE_WIDTH, &path);
			buf_add_z(&path, ".p");
			if (path.full ||
			    os_dir_remove(l->disk, buf_slice(&path), &l->scratch, &why) != ST_OK)
				return;
		}
}

enum status ledger_settle(struct ledger *l, struct fail *why)
{
	enum status st = os_disk_sync(l->disk, l->folder, why);

	if (st == ST_OK)
		st = ledger_journal_clear(&l->journal, why);
	if (st != ST_OK)
		return st;
	partials_prune(l, l->settled, l->committed);
	l->settled = l->committed;
	l->commits = 0;
	return ST_OK;
}

static enum status commit(struct ledger *l, struct fail *why)
{
	struct slice note;
	enum status st = ledger_partials_put(l, why);

	arena_reset(&l->scratch);
	if (st == ST_OK)
		st = ledger_checkpoint_make(l, &note, why);
	if (st == ST_OK)
		st = ledger_journal_commit(&l->journal, l->edge->size, note, why);
	if (st == ST_OK)
		st = os_file_swap(l->disk, l->at.checkpoint, note, why);
	if (st == ST_OK)
		st = ledger_checkpoint_keep(l, note, l->edge->size, why);
	if (st == ST_OK && (++l->commits >= COMMITS_MOST || l->journal.file.bytes > JOURNAL_MOST))
		st = ledger_settle(l, why);
	return st;
}

enum status ledger_commit(struct ledger *l, struct fail *why)
{
	enum status st = writable(l, why);

	if (st != ST_OK || l->edge->size == l->committed)
		return st;
	st = commit(l, why);
	if (st != ST_OK) {
		(void)fail_wrap(why, "commit to the log %.*s", SLICE_ARG(l->folder));
		return spoil(l, why);
	}
	return ST_OK;
}

enum status ledger_cosign(struct ledger *l, struct slice lines, struct fail *why)
{
	struct merkle_checkpoint is;
	struct buf note;
	enum status st = writable(l, why);

	if (st != ST_OK)
		return st;
	arena_reset(&l->scratch);
	note = buf_in(&l->scratch);
	note.most = LEDGER_CHECKPOINT_MAX;
	buf_add(&note, l->checkpoint);
	buf_add(&note, lines);
	if (note.full)
		return fail_set(why, ST_LIMIT, "a checkpoint of more than %d bytes",
				LEDGER_CHECKPOINT_MAX);
	st = merkle_checkpoint_open(buf_slice(&note), &l->key, &l->scratch, &is, why);
	if (st == ST_OK)
		st = os_file_replace(l->disk, l->at.checkpoint, buf_slice(&note), why);
	return st == ST_OK ? ledger_checkpoint_keep(l, buf_slice(&note), l->committed, why) : st;
}

uint64_t ledger_size(const struct ledger *l)
{
	return l->committed;
}

struct slice ledger_checkpoint(const struct ledger *l)
{
	return l->checkpoint;
}

/* --- reading --- */

enum status ledger_read_entry(struct ledger *l, uint64_t leaf, struct arena *a, struct slice *out,
			      struct fail *why)
{
	uint64_t index = leaf / MERKLE_WIDTH;
	unsigned width = merkle_width(l->committed, 0, index), at = leaf % MERKLE_WIDTH;
	struct slice copy;
	enum status st;

	if (leaf >= l->committed)
		return fail_set(why, ST_NOTFOUND, "leaf %llu is not in the log: it has %llu",
				(unsigned long long)leaf, (unsigned long long)l->committed);
	if (l->read_width != width || l->read_index != index) {
		l->read_width = 0;
		arena_reset(&l->read);
		st = ledger_source_entries(&l->source, index, width, &l->read, l->read_entries,
					   why);
		if (st != ST_OK)
			return st;
		l->read_index = index;
		l->read_width = width;
	}
	copy = arena_copy(a, l->read_entries[at]);
	if (copy.ptr == NULL && l->read_entries[at].len != 0)
		return fail_set(why, ST_NOMEM, "no memory for a log entry");
	*out = copy;
	return ST_OK;
}

enum status ledger_prove_inclusion(struct ledger *l, uint64_t leaf,
				   uint8_t out[MERKLE_PROOF_MAX][MERKLE_BYTES], size_t *out_count,
				   struct fail *why)
{
	struct merkle_tiles tiles = {.ctx = l->tiles, .nodes = ledger_tile_nodes};

	return merkle_prove_inclusion(&tiles, leaf, l->committed, out, out_count, why);
}

enum status ledger_prove_consistency(struct ledger *l, uint64_t old,
				     uint8_t out[MERKLE_PROOF_MAX][MERKLE_BYTES], size_t *out_count,
				     struct fail *why)
{
	struct merkle_tiles tiles = {.ctx = l->tiles, .nodes = ledger_tile_nodes};

	return merkle_prove_consistency(&tiles, old, l->committed, out, out_count, why);
}
