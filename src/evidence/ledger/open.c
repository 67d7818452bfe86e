/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening a log: whose folder it is, what a crash left behind, and where it stands.
 *
 * A writer first replays the journal (journal.c): its complete records tell of every leaf since the
 * log's files were last synced, so those files, whatever a loss of power made of them, are written
 * again. The checkpoint on the disk may be older than the journal's last record, or torn; it
 * decides only when it is newer, or when there is no journal.
 */
#include "evidence/ledger/ledger.h"

#include "evidence/ledger/ledger_priv.h"

static enum status marker_put(struct ledger *l, struct fail *why)
{
	return os_file_replace(l->disk, l->at.marker, LEDGER_MARKER, why);
}

/* A folder may become a log if nothing but our lock is in it. */
static enum status make_new(struct ledger *l, struct fail *why)
{
	struct slice *names;
	size_t n;
	enum status st;

	arena_reset(&l->scratch);
	st = os_dir_list(l->folder, &l->scratch, &names, &n, why);
	if (st != ST_OK)
		return st;
	for (size_t i = 0; i < n; i++)
		if (!slice_equal(names[i], SLICE("lock")) &&
		    !slice_equal(names[i], SLICE("dewline-log.new")))
			return fail_set(why, ST_INVALID,
					"%.*s is not empty and not a log (it has \"%.*s\")",
					SLICE_ARG(l->folder), SLICE_ARG(names[i]));
	return marker_put(l, why);
}

/* The log's first checkpoint, of no entries, is written before the first tile can be. So tiles
 * without a checkpoint are a loss, and not a log to begin anew. */
static enum status first_checkpoint(struct ledger *l, struct fail *why)
{
	struct slice note;
	enum status st;

	arena_reset(&l->scratch);
	if (os_file_exists(l->at.tile))
		return fail_set(why, ST_CORRUPT, "%.*s has tiles but its checkpoint is gone",
				SLICE_ARG(l->folder));
	st = ledger_checkpoint_make(l, &note, why);
	if (st == ST_OK)
		st = os_file_replace(l->disk, l->at.checkpoint, note, why);
	return st == ST_OK ? ledger_checkpoint_keep(l, note, 0, why) : st;
}

/* Reads the last tiles of all levels and the last bundle. */
static enum status edge_load(struct ledger *l, uint64_t size, struct fail *why)
{
	unsigned width = merkle_width(size, 0, ledger_last_index(size, 0));
	struct slice bytes;
	enum status st;

	arena_reset(&l->scratch);
	st = ledger_source_edge(&l->source, size, &l->scratch, l->edge, why);
	if (st == ST_OK && width != 0)
		st = ledger_tile_read(&l->source, LEDGER_ENTRIES, ledger_last_index(size, 0), width,
				      &l->scratch, &bytes, why);
	if (st == ST_NOTFOUND)
		why->status = st = ST_CORRUPT;
	l->bundle.len = 0;
	if (st == ST_OK && width != 0)
		buf_add(&l->bundle, bytes);
	if (l->bundle.full)
		return fail_set(why, ST_NOMEM, "no memory to open the log");
	return st;
}

/* The partial bundle must be what its hashes say, or the next full bundle would be wrong. */
static bool bundle_matches(const struct ledger *l)
{
	unsigned width = merkle_width(l->edge->size, 0, ledger_last_index(l->edge->size, 0));
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
	struct buf key;
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

/* --- recovery --- */

/* The journal's chain of complete records. */
struct chain {
	uint64_t from, to;
	struct slice note; /* the last one's */
	size_t records;
};

static struct chain chain_of(struct slice bytes)
{
	struct cursor c = cursor_of(bytes);
	struct ledger_record r;
	struct chain chain = {0};

	while (ledger_journal_next(&c, &r) && (chain.records == 0 || r.from == chain.to)) {
		if (chain.records++ == 0)
			chain.from = r.from;
		chain.to = r.to;
		chain.note = r.note;
	}
	return chain;
}

/* Does the log, as it grew up to here, have the root that was signed then? */
static enum status record_check(struct ledger *l, const struct ledger_record *r, struct fail *why)
{
	struct merkle_checkpoint is;
	uint8_t root[MERKLE_BYTES];
	struct arena a = {.pool = l->scratch.pool};
	enum status st = merkle_checkpoint_open(r->note, &l->key, &a, &is, why);

	merkle_edge_root(l->edge, root);
	if (st == ST_OK && (is.size != r->to || memcmp(is.root, root, sizeof root) != 0))
		st = fail_set(why, ST_CORRUPT,
			      "%.*s/journal: leaves %llu to %llu do not give the root that was "
			      "signed over them",
			      SLICE_ARG(l->folder), (unsigned long long)r->from,
			      (unsigned long long)r->to);
	arena_reset(&a);
	return st;
}

/* Writes again what the journal tells of. Files that are whole get the bytes that they have. */
static enum status replay(struct ledger *l, struct slice bytes, const struct chain *chain,
			  struct fail *why)
{
	struct cursor c = cursor_of(bytes);
	enum status st = edge_load(l, chain->from, why);

	if (st == ST_OK && !bundle_matches(l))
		st = fail_set(why, ST_CORRUPT,
			      "%.*s/tile/entries: the last bundle of %llu leaves "
			      "is not what its hashes say",
			      SLICE_ARG(l->folder), (unsigned long long)chain->from);
	l->committed = chain->from;
	for (size_t i = 0; i < chain->records && st == ST_OK; i++) {
		struct ledger_record r;
		struct slice entry;

		ASSERT(ledger_journal_next(&c, &r));
		while (st == ST_OK && ledger_record_entry(&r.entries, &entry))
			st = ledger_grow(l, entry, why);
		if (st == ST_OK)
			st = record_check(l, &r, why);
		if (st == ST_OK)
			st = ledger_partials_put(l, why);
		l->committed = r.to;
	}
	return st;
}

/* Leaves that the checkpoint on the disk speaks of; 0 if none can be read. *out_whole: it can. */
static uint64_t checkpoint_size(struct ledger *l, bool *out_whole)
{
	struct merkle_checkpoint is = {0};
	struct arena a = {.pool = l->scratch.pool};
	struct slice note;
	struct fail why;

	*out_whole = ledger_checkpoint_read(&l->source, &l->key, &a, &note, &is, &why) == ST_OK;
	arena_reset(&a);
	return *out_whole ? is.size : 0;
}

/* After a crash: what the journal has and the log's files may not. */
static enum status recover(struct ledger *l, struct fail *why)
{
	struct os_map map = {0};
	struct chain chain;
	bool whole;
	uint64_t size;
	enum status st;

	st = os_file_map(l->at.journal, &map, why);
	if (st == ST_NOTFOUND)
		return ST_OK;
	if (st != ST_OK)
		return st;
	chain = chain_of(map.bytes);
	size = checkpoint_size(l, &whole);
	if (chain.records != 0 && chain.to >= size) {
		st = replay(l, map.bytes, &chain, why);
		if (st == ST_OK && (!whole || size != chain.to)) /* else it may be cosigned */
			st = os_file_replace(l->disk, l->at.checkpoint, chain.note, why);
		if (st == ST_OK)
			st = os_disk_sync(l->disk, l->folder, why);
	}
	os_map_done(&map);
	return st;
}

static enum status load(struct ledger *l, struct fail *why)
{
	struct merkle_checkpoint c;
	uint8_t root[MERKLE_BYTES];
	enum status st =
		ledger_checkpoint_read(&l->source, &l->key, &l->notes, &l->checkpoint, &c, why);

	if (st == ST_NOTFOUND && l->writes) {
		*l->edge = (struct merkle_edge){0};
		return first_checkpoint(l, why);
	}
	if (st == ST_OK)
		st = edge_load(l, c.size, why);
	if (st != ST_OK)
		return st;
	merkle_edge_root(l->edge, root);
	if (memcmp(root, c.root, sizeof root) != 0 || !bundle_matches(l))
		return diagnose(l, why);
	l->committed = l->settled = c.size;
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
	bool old = false;
	enum status st;

	if (l->writes) {
		st = os_dir_make(l->disk, l->folder, NULL, why);
		if (st == ST_OK)
			st = os_lock_take(l->disk, l->at.lock, &l->lock, why);
		if (st != ST_OK)
			return st;
	}
	st = ledger_marker_check(l->folder, &l->scratch, &old, why);
	if (st == ST_NOTFOUND && l->writes)
		st = make_new(l, why);
	else if (st == ST_OK && old && l->writes)
		st = marker_put(l, why); /* before there can be a journal */
	else if (st == ST_NOTFOUND)
		st = fail_set(why, ST_NOTFOUND, "%.*s is not a dewline log", SLICE_ARG(l->folder));
	return st;
}

/* What only a writer needs: the journal, replayed and then empty. */
static enum status write_begin(struct ledger *l, struct fail *why)
{
	enum status st = recover(l, why);

	if (st == ST_OK)
		st = ledger_journal_open(&l->journal, l->disk, l->at.journal, l->scratch.pool, why);
	if (st == ST_OK) /* its name, too, outlives a loss of power */
		st = os_file_sync(l->disk, l->folder, why);
	return st == ST_OK ? ledger_journal_clear(&l->journal, why) : st;
}

static bool paths_make(struct ledger *l, struct arena *a)
{
	const struct {
		const char *name;
		struct slice *to;
	} paths[] = {{"checkpoint", &l->at.checkpoint},
		     {"journal", &l->at.journal},
		     {"lock", &l->at.lock},
		     {"dewline-log", &l->at.marker},
		     {"tile", &l->at.tile}};

	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
		*paths[i].to = buf_text(a, "%.*s/%s", SLICE_ARG(l->folder), paths[i].name);
		if (paths[i].to->ptr == NULL)
			return false;
	}
	return true;
}

enum status ledger_open(const struct ledger_options *options, struct arena *a, struct ledger **out,
			struct fail *why)
{
	struct ledger *l = ARENA_NEW(a, struct ledger);
	enum status st;

	if (l == NULL)
		return fail_set(why, ST_NOMEM, "no memory to open the log");
	l->folder = l->source.place = options->folder;
	l->disk = options->disk;
	l->notes.pool = l->entries.pool = l->scratch.pool = l->read.pool = a->pool;
	l->bundle = buf_in(&l->entries);
	l->edge = ARENA_NEW(a, struct merkle_edge);
	l->tiles = ARENA_NEW(a, struct ledger_tiles);
	if (l->edge == NULL || l->tiles == NULL || !paths_make(l, a))
		return fail_set(why, ST_NOMEM, "no memory to open the log");
	l->tiles->source = &l->source;
	l->tiles->a = a;
	l->tiles->scratch.pool = a->pool;
	st = names_check(options, l, why);
	if (st == ST_OK)
		st = claim(l, why);
	if (st == ST_OK && l->writes)
		st = write_begin(l, why);
	if (st == ST_OK)
		st = load(l, why);
	if (st != ST_OK) {
		l->spoilt = true;
		ledger_close(l);
		return st;
	}
	*out = l;
	return ST_OK;
}

void ledger_close(struct ledger *l)
{
	struct fail why;

	if (l == NULL)
		return;
	if (l->writes && !l->spoilt && l->settled != l->committed)
		(void)ledger_settle(l, &why); /* else the next writer replays the journal */
	ledger_journal_close(&l->journal);
	os_lock_done(&l->lock);
	arena_reset(&l->notes);
	arena_reset(&l->entries);
	arena_reset(&l->scratch);
	arena_reset(&l->read);
	crypto_wipe(&l->signer, sizeof l->signer);
	l->writes = false;
}
