/* SPDX-License-Identifier: Apache-2.0
 *
 * Looking at all of a log. Entries are hashed and carried up the tree; every tile on the disk is
 * compared with what comes up. Where a bundle and its tile disagree, the hash one level above says
 * which of the two is damaged, and the other is carried on: so one damage gives one finding.
 */
#include "crypto/note.h"
#include "evidence/ledger/ledger.h"
#include "evidence/ledger/ledger_priv.h"

struct check {
	const struct ledger_source *source;
	struct merkle_checkpoint is; /* what was signed */
	struct merkle_edge *edge;    /* what comes up */
	struct arena *a;	     /* findings */
	struct arena scratch;	     /* one tile */
	struct ledger_report *report;
};

/* How one level's tile was found. */
struct found {
	struct slice bytes; /* hashes, or a bundle */
	bool there;	    /* and of the right form */
};

static enum status damage(struct check *c, unsigned level, uint64_t index, unsigned width,
			  struct slice text, struct fail *why)
{
	struct buf name = buf_in(c->a);
	struct ledger_damage d = {.text = arena_copy(c->a, text)};

	ledger_tile_name((struct slice){NULL, 0}, level, index, width, &name);
	d.file = buf_slice(&name);
	if (name.full || d.text.ptr == NULL ||
	    !ARENA_PUSH(c->a, c->report->damage, c->report->count, c->report->room, d))
		return fail_set(why, ST_NOMEM, "no memory to check the log");
	return c->report->count < LEDGER_DAMAGE_MAX ? ST_OK : ST_END;
}

/* Reads a file of the log; that it is missing or malformed is a finding. */
static enum status look(struct check *c, unsigned level, uint64_t index, unsigned width,
			struct found *out, struct fail *why)
{
	enum status st =
		ledger_tile_read(c->source, level, index, width, &c->scratch, &out->bytes, why);

	out->there = st == ST_OK;
	if (st == ST_NOTFOUND)
		return damage(c, level, index, width, SLICE("is missing"), why);
	if (st == ST_CORRUPT)
		return damage(c, level, index, width, SLICE("has the wrong length"), why);
	if (st == ST_LIMIT)
		return damage(c, level, index, width, SLICE("is longer than any can be"), why);
	return st;
}

/* Offset of the first hash that differs, as an index; `width` if none does. */
static unsigned first_difference(const uint8_t (*a)[MERKLE_BYTES], const uint8_t (*b)[MERKLE_BYTES],
				 unsigned width)
{
	unsigned i = 0;

	while (i < width && memcmp(a[i], b[i], MERKLE_BYTES) == 0)
		i++;
	return i;
}

/* Does the tile above say that these are the right hashes? Partial tiles have none above; there the
 * signed root decides. */
static bool vouched(struct check *c, uint64_t index, unsigned width,
		    const uint8_t (*hashes)[MERKLE_BYTES])
{
	struct merkle_full none = {NULL, NULL};
	struct merkle_edge *e;
	struct slice above;
	struct fail why;
	uint8_t root[MERKLE_BYTES];

	if (width != MERKLE_WIDTH) {
		e = ARENA_NEW(&c->scratch, struct merkle_edge);
		if (e == NULL)
			return false;
		memcpy(e, c->edge, sizeof *e);
		for (unsigned i = 0; i < width; i++)
			if (merkle_edge_add(e, hashes[i], &none, &why) != ST_OK)
				return false;
		merkle_edge_root(e, root);
		return memcmp(root, c->is.root, sizeof root) == 0;
	}
	if (ledger_tile_read(c->source, 1, index / MERKLE_WIDTH,
			     merkle_width(c->is.size, 1, index / MERKLE_WIDTH), &c->scratch, &above,
			     &why) != ST_OK)
		return false;
	merkle_run_root(hashes, root);
	return memcmp(root, above.ptr + index % MERKLE_WIDTH * MERKLE_BYTES, sizeof root) == 0;
}

/* The bundle's hashes. False, and a finding, if it is none. */
static enum status hash_bundle(struct check *c, uint64_t index, unsigned width, struct found *f,
			       uint8_t (*out)[MERKLE_BYTES], struct fail *why)
{
	struct slice entries[MERKLE_WIDTH];

	if (!f->there)
		return ST_OK;
	if (ledger_bundle_parse(f->bytes, width, entries, why) != ST_OK) {
		f->there = false;
		return damage(c, LEDGER_ENTRIES, index, width, slice_of(why->text), why);
	}
	for (unsigned i = 0; i < width; i++)
		merkle_leaf(entries[i], out[i]);
	return ST_OK;
}

static enum status disagree(struct check *c, uint64_t index, unsigned width, unsigned at,
			    bool entries_right, struct fail *why)
{
	struct buf text = buf_in(&c->scratch);
	unsigned long long entry = index * MERKLE_WIDTH + at;

	if (entries_right)
		buf_add_fmt(&text, "has a wrong hash for entry %llu", entry);
	else
		buf_add_fmt(&text, "holds another entry %llu than was committed", entry);
	return damage(c, entries_right ? 0 : LEDGER_ENTRIES, index, width, buf_slice(&text), why);
}

/* Tiles above level 0, as they fill. Of merkle_full. */
static enum status compare(struct check *c, unsigned level, uint64_t index, unsigned width,
			   const uint8_t (*hashes)[MERKLE_BYTES], struct fail *why)
{
	struct found tile = {0};
	enum status st = look(c, level, index, width, &tile, why);
	struct buf text = buf_in(&c->scratch);
	unsigned at;

	if (st != ST_OK || !tile.there)
		return st;
	at = first_difference(hashes, ledger_hashes(tile.bytes), width);
	if (at == width)
		return ST_OK;
	buf_add_fmt(&text, "has a wrong hash at place %u", at);
	return damage(c, level, index, width, buf_slice(&text), why);
}

static enum status on_full(void *ctx, unsigned level, uint64_t index,
			   const uint8_t (*hashes)[MERKLE_BYTES], struct fail *why)
{
	return level == 0 ? ST_OK : compare(ctx, level, index, MERKLE_WIDTH, hashes, why);
}

/* One bundle and its tile, and what comes up from them. ST_END: no use to go on. */
static enum status check_tile(struct check *c, uint64_t index, struct fail *why)
{
	unsigned width = merkle_width(c->is.size, 0, index), at;
	struct merkle_full full = {c, on_full};
	struct found bundle = {0}, tile = {0};
	uint8_t(*hashes)[MERKLE_BYTES];
	const uint8_t(*up)[MERKLE_BYTES];
	enum status st;

	arena_reset(&c->scratch);
	hashes = arena_alloc(&c->scratch, MERKLE_BYTES, 1, MERKLE_WIDTH);
	if (hashes == NULL)
		return fail_set(why, ST_NOMEM, "no memory to check the log");
	up = (const uint8_t(*)[MERKLE_BYTES])hashes;
	st = look(c, LEDGER_ENTRIES, index, width, &bundle, why);
	if (st == ST_OK)
		st = look(c, 0, index, width, &tile, why);
	if (st == ST_OK)
		st = hash_bundle(c, index, width, &bundle, hashes, why);
	if (st == ST_OK && bundle.there && tile.there) {
		const uint8_t(*stored)[MERKLE_BYTES] = ledger_hashes(tile.bytes);

		at = first_difference(up, stored, width);
		if (at != width) {
			bool entries_right = vouched(c, index, width, up);

			st = disagree(c, index, width, at, entries_right, why);
			up = entries_right ? up : stored;
		}
	} else if (st == ST_OK && tile.there) {
		up = ledger_hashes(tile.bytes);
	} else if (st == ST_OK && !bundle.there) {
		return ST_END; /* nothing left of these entries: what is above cannot be redone */
	}
	for (unsigned i = 0; i < width && st == ST_OK; i++)
		st = merkle_edge_add(c->edge, up[i], &full, why);
	return st;
}

/* The partial tiles above level 0, and the root. */
static enum status check_top(struct check *c, struct fail *why)
{
	uint8_t root[MERKLE_BYTES];
	enum status st = ST_OK;

	for (unsigned level = 1; level < MERKLE_LEVELS && st == ST_OK; level++) {
		uint64_t index = c->is.size >> 8 * level >> 8;
		unsigned width = merkle_width(c->is.size, level, index);

		if (width != 0)
			st = compare(c, level, index, width,
				     (const uint8_t(*)[MERKLE_BYTES])c->edge->tile[level], why);
	}
	merkle_edge_root(c->edge, root);
	if (st == ST_OK && c->report->count == 0 && memcmp(root, c->is.root, sizeof root) != 0) {
		struct ledger_damage d = {
			SLICE("checkpoint"),
			SLICE("signs another root than that of the entries and tiles, which agree"),
		};

		if (!ARENA_PUSH(c->a, c->report->damage, c->report->count, c->report->room, d))
			return fail_set(why, ST_NOMEM, "no memory to check the log");
	}
	return st;
}

enum status ledger_check_source(const struct ledger_source *s, const struct merkle_checkpoint *is,
				struct arena *a, struct ledger_report *out, struct fail *why)
{
	struct check c = {
		.source = s, .is = *is, .a = a, .scratch = {.pool = a->pool}, .report = out};
	enum status st = ST_OK;

	*out = (struct ledger_report){.size = is->size};
	c.edge = ARENA_NEW(a, struct merkle_edge);
	if (c.edge == NULL)
		return fail_set(why, ST_NOMEM, "no memory to check the log");
	for (uint64_t i = 0; st == ST_OK && i * MERKLE_WIDTH < c.is.size; i++)
		st = check_tile(&c, i, why);
	if (st == ST_OK)
		st = check_top(&c, why);
	arena_reset(&c.scratch);
	return st == ST_END ? ST_OK : st;
}

enum status ledger_check(struct slice folder, struct slice log_key, struct arena *a,
			 struct ledger_report *out, struct fail *why)
{
	const struct ledger_source source = {.place = folder};
	struct merkle_checkpoint is;
	struct note_verifier key;
	struct slice note;
	enum status st = note_verifier_parse(log_key, &key, why);

	*out = (struct ledger_report){0};
	if (st == ST_OK) {
		st = ledger_marker_check(folder, a, NULL, why);
		st = st == ST_NOTFOUND ? ST_OK : st; /* another program's log */
	}
	if (st == ST_OK)
		st = ledger_checkpoint_read(&source, &key, a, &note, &is, why);
	return st == ST_OK ? ledger_check_source(&source, &is, a, out, why) : st;
}
