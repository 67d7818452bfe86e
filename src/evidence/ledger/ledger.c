/* SPDX-License-Identifier: Apache-2.0
 *
 * Invariants:
 *  1. edge->size >= committed; leaves from committed on are appended and not acknowledged.
 *  2. Every file that a checkpoint of `committed` leaves needs is on the disk and synced before
 *that checkpoint is renamed into place, and is not opened for writing afterwards: a tile's name
 *says its width, and only names that cover leaves >= committed are ever written.
 *  3. `bundle` holds the entries of the last, partial bundle: digit 0 of edge->size of them.
 *  4. Once spoilt, nothing is written any more, as the edge may be ahead of the disk.
 *
 *	state     append, commit      fails            close, open
 *	open      open                -> spoilt        -> open
 *	spoilt    the same error      -                -> open, at the last checkpoint
 */
#include "evidence/ledger/ledger.h"

#include "crypto/note.h"
#include "evidence/ledger/ledger_priv.h"
#include "os/file.h"

enum { SYNC_EACH_MAX = 4 }; /* full tiles in a commit whose files are synced one by one */

struct ledger {
	struct slice folder;
	struct note_verifier key; /* its name is the origin */
	struct crypto_signer signer;
	bool writes, spoilt;
	struct fail cause; /* why it is spoilt */
	struct os_disk *disk;
	struct os_lock lock;
	struct merkle_edge *edge;
	uint64_t committed;
	struct arena notes; /* the checkpoint's text */
	struct slice checkpoint;
	struct arena entries; /* of the partial bundle */
	struct buf bundle;
	struct arena scratch;	    /* within one call */
	struct ledger_cache *tiles; /* one a level */
	struct arena read;	    /* the bundle that was read last */
	struct slice read_entries[MERKLE_WIDTH];
	uint64_t read_index;
	unsigned read_width; /* 0: none */
};

static unsigned last_width(uint64_t size, unsigned level)
{
	uint64_t index = level == LEDGER_ENTRIES ? size >> 8 : size >> 8 * level >> 8;

	return merkle_width(size, level == LEDGER_ENTRIES ? 0 : level, index);
}

static uint64_t last_index(uint64_t size, unsigned level)
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

enum status ledger_append(struct ledger *l, struct slice entry, uint64_t *out_leaf,
			  struct fail *why)
{
	struct merkle_full full = {l, tile_full};
	uint8_t leaf[MERKLE_BYTES], *room;
	enum status st = writable(l, why);

	if (st != ST_OK)
		return st;
	if (entry.len > LEDGER_ENTRY_MAX)
		return fail_set(why, ST_LIMIT, "a log entry of %zu bytes; at most %d fit",
				entry.len, LEDGER_ENTRY_MAX);
	room = buf_reserve(&l->bundle, 2 + entry.len);
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
	st = merkle_edge_add(l->edge, leaf, &full, why);
	if (st != ST_OK) {
		(void)fail_wrap(why, "append to the log %.*s", SLICE_ARG(l->folder));
		return spoil(l, why);
	}
	*out_leaf = l->edge->size - 1;
	return ST_OK;
}

/* The last tiles of all levels that are partial and differ from what the checkpoint has. */
static enum status partials_put(struct ledger *l, struct fail *why)
{
	uint64_t size = l->edge->size;
	enum status st = ST_OK;

	for (unsigned level = 0; level <= LEDGER_ENTRIES && st == ST_OK; level++) {
		unsigned width = last_width(size, level);
		uint64_t index = last_index(size, level);
		struct slice bytes = buf_slice(&l->bundle);

		if (width == 0 || (width == last_width(l->committed, level) &&
				   index == last_index(l->committed, level)))
			continue;
		if (level != LEDGER_ENTRIES)
			bytes = (struct slice){l->edge->tile[level][0],
					       (size_t)width * MERKLE_BYTES};
		st = tile_put(l, level, index, width, bytes, why);
	}
	return st;
}

/* Syncs one file, and the folders above it unless they are those of the file before: all names are
 * there before the first sync, so once is enough. Also folders that a killed process has made. */
static enum status tile_sync(struct ledger *l, unsigned level, uint64_t index, unsigned width,
			     struct buf *last, struct fail *why)
{
	struct arena a = {.pool = l->scratch.pool};
	struct buf path = buf_in(&a);
	struct slice dir;
	enum status st;

	ledger_tile_name(l->folder, level, index, width, &path);
	dir = folder_of(buf_slice(&path));
	st = path.full ? fail_set(why, ST_NOMEM, "no memory to write the log")
		       : os_file_sync(l->disk, buf_slice(&path), why);
	if (st == ST_OK && !slice_equal(dir, buf_slice(last))) {
		last->len = 0;
		buf_add(last, dir);
		for (; st == ST_OK && dir.len >= l->folder.len; dir = folder_of(dir))
			st = os_file_sync(l->disk, dir, why);
	}
	arena_reset(&a);
	return st;
}

/* Everything that was written since the checkpoint: file by file while they are few, else all of
 * the disk at once, which waits once (20 ms where 800 single syncs took 1 to 3 s on a busy disk).
 */
static enum status tiles_sync(struct ledger *l, struct fail *why)
{
	uint64_t size = l->edge->size;
	struct buf last = buf_in(&l->scratch);
	enum status st = ST_OK;

	arena_reset(&l->scratch);
	if ((size - l->committed) / MERKLE_WIDTH > SYNC_EACH_MAX)
		return os_disk_sync(l->disk, l->folder, why);
	for (unsigned level = 0; level <= LEDGER_ENTRIES; level++) {
		uint64_t to = last_index(size, level), from = last_index(l->committed, level);
		unsigned width = last_width(size, level);

		for (uint64_t i = from; i < to && st == ST_OK; i++)
			st = tile_sync(l, level, i, MERKLE_WIDTH, &last, why);
		if (st == ST_OK && width != 0 &&
		    (to != from || width != last_width(l->committed, level)))
			st = tile_sync(l, level, to, width, &last, why);
	}
	return st;
}

static enum status checkpoint_put(struct ledger *l, struct fail *why)
{
	struct merkle_checkpoint c = {.origin = l->key.name, .size = l->edge->size};
	struct buf text, note, path;
	enum status st;

	arena_reset(&l->scratch);
	text = buf_in(&l->scratch);
	note = buf_in(&l->scratch);
	path = buf_in(&l->scratch);
	merkle_edge_root(l->edge, c.root);
	merkle_checkpoint_add(&c, &text);
	buf_add(&path, l->folder);
	buf_add_z(&path, "/checkpoint");
	if (text.full || path.full)
		return fail_set(why, ST_NOMEM, "no memory for a checkpoint");
	st = note_write(buf_slice(&text), &note, why);
	if (st != ST_OK)
		return st;
	note_sign(buf_slice(&text), &l->key, &l->signer, 0, &note);
	if (note.full)
		return fail_set(why, ST_NOMEM, "no memory for a checkpoint");
	st = os_file_replace(l->disk, buf_slice(&path), buf_slice(&note), why);
	if (st != ST_OK)
		return st;
	arena_reset(&l->notes);
	l->checkpoint = arena_copy(&l->notes, buf_slice(&note));
	if (l->checkpoint.ptr == NULL)
		return fail_set(why, ST_NOMEM, "no memory for a checkpoint");
	l->committed = c.size;
	return ST_OK;
}

enum status ledger_commit(struct ledger *l, struct fail *why)
{
	enum status st = writable(l, why);

	if (st != ST_OK || l->edge->size == l->committed)
		return st;
	st = partials_put(l, why);
	if (st == ST_OK)
		st = tiles_sync(l, why);
	if (st == ST_OK)
		st = checkpoint_put(l, why);
	if (st != ST_OK) {
		(void)fail_wrap(why, "commit to the log %.*s", SLICE_ARG(l->folder));
		return spoil(l, why);
	}
	return ST_OK;
}

uint64_t ledger_size(const struct ledger *l)
{
	return l->committed;
}

struct slice ledger_checkpoint(const struct ledger *l)
{
	return l->checkpoint;
}

/* --- opening --- */

/* A folder may become a log if nothing but our lock is in it. */
static enum status make_new(struct ledger *l, struct fail *why)
{
	struct slice *names;
	struct buf path;
	size_t n;
	enum status st;

	arena_reset(&l->scratch);
	path = buf_in(&l->scratch);
	buf_add(&path, l->folder);
	buf_add_z(&path, "/dewline-log");
	st = os_dir_list(l->folder, &l->scratch, &names, &n, why);
	if (st != ST_OK)
		return st;
	for (size_t i = 0; i < n; i++)
		if (!slice_equal(names[i], SLICE("lock")) &&
		    !slice_equal(names[i], SLICE("dewline-log.new")))
			return fail_set(why, ST_INVALID,
					"%.*s is not empty and not a log (it has \"%.*s\")",
					SLICE_ARG(l->folder), SLICE_ARG(names[i]));
	if (path.full)
		return fail_set(why, ST_NOMEM, "no memory to open the log");
	return os_file_replace(l->disk, buf_slice(&path), LEDGER_MARKER, why);
}

/* The log's first checkpoint, of no entries, is written before the first tile can be. So tiles
 * without a checkpoint are a loss, and not a log to begin anew. */
static enum status first_checkpoint(struct ledger *l, struct fail *why)
{
	struct buf path = buf_in(&l->scratch);

	buf_add(&path, l->folder);
	buf_add_z(&path, "/tile");
	if (path.full)
		return fail_set(why, ST_NOMEM, "no memory to open the log");
	if (os_file_exists(buf_slice(&path)))
		return fail_set(why, ST_CORRUPT, "%.*s has tiles but its checkpoint is gone",
				SLICE_ARG(l->folder));
	return checkpoint_put(l, why);
}

/* Reads the last tiles of all levels and the last bundle. */
static enum status edge_load(struct ledger *l, uint64_t size, struct fail *why)
{
	struct slice bytes;
	enum status st = ST_OK;

	l->edge->size = size;
	for (unsigned level = 0; level <= LEDGER_ENTRIES && st == ST_OK; level++) {
		unsigned width = last_width(size, level);

		arena_reset(&l->scratch);
		if (width == 0)
			continue;
		st = ledger_tile_read(l->folder, level, last_index(size, level), width, &l->scratch,
				      &bytes, why);
		if (st == ST_OK && level != LEDGER_ENTRIES)
			memcpy(l->edge->tile[level], bytes.ptr, bytes.len);
		else if (st == ST_OK)
			buf_add(&l->bundle, bytes);
	}
	if (st == ST_NOTFOUND)
		why->status = st = ST_CORRUPT;
	if (l->bundle.full)
		return fail_set(why, ST_NOMEM, "no memory to open the log");
	return st;
}

/* The partial bundle must be what its hashes say, or the next full bundle would be wrong. */
static bool bundle_matches(const struct ledger *l)
{
	unsigned width = last_width(l->edge->size, 0);
	struct slice entries[MERKLE_WIDTH];
	struct fail why;

	if (ledger_bundle_parse(buf_slice(&l->bundle), width, entries, &why) != ST_OK)
		return false;
	for (unsigned i = 0; i < width; i++) {
		uint8_t leaf[MERKLE_BYTES];

		merkle_leaf(entries[i], leaf);
		if (memcmp(leaf, l->edge->tile[0][i], sizeof leaf) != 0)
			return false;
	}
	return true;
}

/* What is wrong, by looking at everything. */
static enum status diagnose(struct ledger *l, struct fail *why)
{
	struct ledger_report report = {0};
	struct buf key = buf_in(&l->scratch);
	enum status st;

	arena_reset(&l->scratch);
	key = buf_in(&l->scratch);
	note_verifier_add(&l->key, &key);
	st = ledger_check(l->folder, buf_slice(&key), &l->scratch, &report, why);
	if (st != ST_OK)
		return st;
	if (report.count == 0)
		return fail_set(why, ST_CORRUPT, "%.*s changed while it was read",
				SLICE_ARG(l->folder));
	return fail_set(why, ST_CORRUPT, "%.*s/%.*s %.*s", SLICE_ARG(l->folder),
			SLICE_ARG(report.damage[0].file), SLICE_ARG(report.damage[0].text));
}

static enum status load(struct ledger *l, struct fail *why)
{
	struct merkle_checkpoint c;
	uint8_t root[MERKLE_BYTES];
	enum status st =
		ledger_checkpoint_read(l->folder, &l->key, &l->notes, &l->checkpoint, &c, why);

	if (st == ST_NOTFOUND && l->writes)
		return first_checkpoint(l, why);
	if (st == ST_OK)
		st = edge_load(l, c.size, why);
	if (st != ST_OK)
		return st;
	merkle_edge_root(l->edge, root);
	if (memcmp(root, c.root, sizeof root) != 0 || !bundle_matches(l))
		return diagnose(l, why);
	l->committed = c.size;
	return ST_OK;
}

static enum status names_check(const struct ledger_options *o, struct ledger *l, struct fail *why)
{
	enum status st;

	if (o->folder.len == 0)
		return fail_set(why, ST_INVALID, "a log needs a folder");
	if (o->signer == NULL) {
		st = note_verifier_parse(o->log_key, &l->key, why);
		return st == ST_OK ? ST_OK : fail_wrap(why, "log key");
	}
	l->signer = *o->signer;
	l->writes = true;
	st = note_verifier_of(o->origin, NOTE_ED25519, o->signer->key, &l->key, why);
	return st == ST_OK ? ST_OK : fail_wrap(why, "log origin");
}

/* The marker decides whether this is a log; a writer makes it one if there is nothing yet. */
static enum status claim(struct ledger *l, struct fail *why)
{
	struct buf path = buf_in(&l->scratch);
	enum status st;

	if (l->writes) {
		st = os_dir_make(l->disk, l->folder, NULL, why);
		buf_add(&path, l->folder);
		buf_add_z(&path, "/lock");
		if (st == ST_OK && path.full)
			st = fail_set(why, ST_NOMEM, "no memory to open the log");
		if (st == ST_OK)
			st = os_lock_take(l->disk, buf_slice(&path), &l->lock, why);
		if (st != ST_OK)
			return st;
	}
	st = ledger_marker_check(l->folder, &l->scratch, why);
	if (st == ST_NOTFOUND && l->writes)
		st = make_new(l, why);
	else if (st == ST_NOTFOUND)
		st = fail_set(why, ST_NOTFOUND, "%.*s is not a dewline log", SLICE_ARG(l->folder));
	return st;
}

enum status ledger_open(const struct ledger_options *options, struct arena *a, struct ledger **out,
			struct fail *why)
{
	struct ledger *l = ARENA_NEW(a, struct ledger);
	enum status st;

	if (l == NULL)
		return fail_set(why, ST_NOMEM, "no memory to open the log");
	l->folder = options->folder;
	l->disk = options->disk;
	l->notes.pool = l->entries.pool = l->scratch.pool = l->read.pool = a->pool;
	l->bundle = buf_in(&l->entries);
	l->edge = ARENA_NEW(a, struct merkle_edge);
	l->tiles = ARENA_ARRAY(a, struct ledger_cache, MERKLE_LEVELS);
	if (l->edge == NULL || l->tiles == NULL)
		return fail_set(why, ST_NOMEM, "no memory to open the log");
	st = names_check(options, l, why);
	if (st == ST_OK)
		st = claim(l, why);
	if (st == ST_OK)
		st = load(l, why);
	if (st != ST_OK) {
		ledger_close(l);
		return st;
	}
	*out = l;
	return ST_OK;
}

void ledger_close(struct ledger *l)
{
	if (l == NULL)
		return;
	os_lock_done(&l->lock);
	arena_reset(&l->notes);
	arena_reset(&l->entries);
	arena_reset(&l->scratch);
	arena_reset(&l->read);
	crypto_wipe(&l->signer, sizeof l->signer);
	l->writes = false;
}

/* --- reading --- */

enum status ledger_read_entry(struct ledger *l, uint64_t leaf, struct arena *a, struct slice *out,
			      struct fail *why)
{
	uint64_t index = leaf / MERKLE_WIDTH;
	unsigned width = merkle_width(l->committed, 0, index), at = leaf % MERKLE_WIDTH;
	struct slice bytes, copy;
	enum status st;

	if (leaf >= l->committed)
		return fail_set(why, ST_NOTFOUND, "leaf %llu is not in the log: it has %llu",
				(unsigned long long)leaf, (unsigned long long)l->committed);
	if (l->read_width != width || l->read_index != index) {
		l->read_width = 0;
		arena_reset(&l->read);
		st = ledger_tile_read(l->folder, LEDGER_ENTRIES, index, width, &l->read, &bytes,
				      why);
		if (st == ST_OK) {
			st = ledger_bundle_parse(bytes, width, l->read_entries, why);
			if (st != ST_OK)
				(void)fail_wrap(why, "%.*s/tile/entries, bundle %llu",
						SLICE_ARG(l->folder), (unsigned long long)index);
		}
		if (st != ST_OK)
			return st == ST_NOTFOUND ? (why->status = ST_CORRUPT) : st;
		l->read_index = index;
		l->read_width = width;
	}
	copy = arena_copy(a, l->read_entries[at]);
	if (copy.ptr == NULL && l->read_entries[at].len != 0)
		return fail_set(why, ST_NOMEM, "no memory for a log entry");
	*out = copy;
	return ST_OK;
}

/* Of merkle_tiles. */
static enum status tile_give(void *ctx, unsigned level, uint64_t index, unsigned width,
			     const uint8_t (**out)[MERKLE_BYTES], struct fail *why)
{
	struct ledger *l = ctx;
	struct ledger_cache *c = &l->tiles[level];
	struct slice bytes;

	if (c->width != width || c->index != index) {
		enum status st;

		arena_reset(&l->scratch);
		c->width = 0;
		st = ledger_tile_read(l->folder, level, index, width, &l->scratch, &bytes, why);
		if (st != ST_OK)
			return st == ST_NOTFOUND ? (why->status = ST_CORRUPT) : st;
		memcpy(c->hashes, bytes.ptr, bytes.len);
		c->index = index;
		c->width = width;
	}
	*out = (const uint8_t(*)[MERKLE_BYTES])c->hashes;
	return ST_OK;
}

enum status ledger_prove_inclusion(struct ledger *l, uint64_t leaf,
				   uint8_t out[MERKLE_PROOF_MAX][MERKLE_BYTES], size_t *out_count,
				   struct fail *why)
{
	struct merkle_tiles tiles = {l, tile_give};

	return merkle_prove_inclusion(&tiles, leaf, l->committed, out, out_count, why);
}

enum status ledger_prove_consistency(struct ledger *l, uint64_t old,
				     uint8_t out[MERKLE_PROOF_MAX][MERKLE_BYTES], size_t *out_count,
				     struct fail *why)
{
	struct merkle_tiles tiles = {l, tile_give};

	return merkle_prove_consistency(&tiles, old, l->committed, out, out_count, why);
}
