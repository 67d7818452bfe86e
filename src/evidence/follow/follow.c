/* SPDX-License-Identifier: Apache-2.0
 *
 * Invariants:
 *  1. `known` is a checkpoint that the policy believed, whose every leaf was read, or none
 *     (size 0).
 *  2. It only moves to one that a consistency proof leads to.
 */
#include "evidence/follow/follow.h"

#include "base/buf.h"
#include "evidence/merkle/merkle.h"
#include "os/file.h"

enum { NOTE_FILE_MAX = 128 << 10 };

#define MARKER SLICE("dewline follow 1\n")

struct follow {
	struct follow_options o;
	struct os_lock lock;
	struct arena keep;  /* of known */
	struct slice known; /* the note; ptr NULL: nothing yet */
	struct merkle_checkpoint is;
	struct {
		struct slice checkpoint, conviction;
	} at; /* paths */
};

const char *follow_verdict_name(enum follow_verdict v)
{
	static const char *const names[] = {"same", "grew", "behind", "damaged", "split"};

	return names[v];
}

static enum status no_memory(struct fail *why)
{
	return fail_set(why, ST_NOMEM, "no memory to follow the log");
}

/* --- its folder --- */

static bool paths_make(struct follow *f, struct arena *a)
{
	struct slice dir = f->o.folder;

	f->at.checkpoint = buf_text(a, "%.*s/checkpoint", SLICE_ARG(dir));
	f->at.conviction = buf_text(a, "%.*s/conviction", SLICE_ARG(dir));
	return f->at.checkpoint.ptr != NULL && f->at.conviction.ptr != NULL;
}

/* That checkpoint, which was checked, is what we know. */
static enum status keep(struct follow *f, struct slice note, struct fail *why)
{
	struct slice copy;
	struct note parsed;
	enum status st;

	arena_reset(&f->keep);
	f->known = (struct slice){NULL, 0};
	copy = arena_copy(&f->keep, note);
	if (copy.ptr == NULL)
		return no_memory(why);
	st = note_parse(copy, &f->keep, &parsed, why);
	if (st == ST_OK)
		st = merkle_checkpoint_parse(parsed.text, &f->is, why);
	if (st == ST_OK)
		f->known = copy;
	return st;
}

static enum status recall(struct follow *f, struct arena *a, struct fail *why)
{
	struct merkle_checkpoint is;
	struct slice note;
	enum status st = os_file_read(f->at.checkpoint, NOTE_FILE_MAX, a, &note, why);

	merkle_empty(f->is.root);
	if (st == ST_NOTFOUND)
		return ST_OK;
	if (st == ST_OK)
		st = view_policy_open(f->o.policy, note, a, &is, NULL, NULL, why);
	if (st == ST_INVALID || st == ST_REFUSED) {
		why->status = st = st == ST_INVALID ? ST_CORRUPT : ST_REFUSED;
		return fail_wrap(why, "%.*s", SLICE_ARG(f->at.checkpoint));
	}
	return st == ST_OK ? keep(f, note, why) : st;
}

enum status follow_open(const struct follow_options *options, struct arena *a, struct follow **out,
			struct fail *why)
{
	const struct os_claim claim = {.disk = options->disk,
				       .folder = options->folder,
				       .marker = "follow",
				       .text = MARKER,
				       .whose = "monitor"};
	struct follow *f = ARENA_NEW(a, struct follow);
	enum status st;

	if (f == NULL)
		return no_memory(why);
	f->o = *options;
	f->keep.pool = a->pool;
	if (!paths_make(f, a))
		return no_memory(why);
	st = os_folder_claim(&claim, a, &f->lock, why);
	if (st == ST_OK)
		st = recall(f, a, why);
	if (st != ST_OK) {
		follow_close(f);
		return st;
	}
	*out = f;
	return ST_OK;
}

void follow_close(struct follow *f)
{
	if (f == NULL)
		return;
	os_lock_done(&f->lock);
	arena_reset(&f->keep);
}

/* --- verdicts --- */

#define VERDICT(out, v, ...)                                                                       \
	((out)->verdict = (v), (void)fail_set(&(out)->said, ST_REFUSED, __VA_ARGS__))

/* What the log serves is wrong: a verdict on it, unless the trouble is ours or the wire's. */
static enum status or_damaged(enum status st, struct follow_found *out, const struct fail *why)
{
	if (st == ST_OK || st == ST_NOMEM || st == ST_IO)
		return st;
	VERDICT(out, FOLLOW_DAMAGED, "%s", why->text);
	return ST_OK;
}

/* A checkpoint and the note that it was read from. */
struct seen {
	struct slice note;
	const struct merkle_checkpoint *is;
};

/* Keeps the proof that both were signed. */
static enum status convict(struct follow *f, const struct view_conviction *c, struct arena *a,
			   struct follow_found *out, struct fail *why)
{
	struct buf text = buf_in(a);
	enum status st = ST_OK;

	view_conviction_add(c, &text);
	if (text.full)
		return no_memory(why);
	out->news = !os_file_exists(f->at.conviction);
	if (out->news)
		st = os_file_replace(f->o.disk, f->at.conviction, buf_slice(&text), why);
	out->evidence = f->at.conviction;
	return st;
}

/* Does the smaller tree lead to the larger? Nothing is said if so. If not, the log's own tiles are
 * asked what its larger tree holds in the place of the smaller: the proof is made from whatever it
 * serves and then checked, so nothing that it serves can convict it wrongly. */
static enum status relate(struct follow *f, const struct note_verifier *log, struct seen small,
			  struct seen large, struct arena *a, struct follow_found *out,
			  struct fail *why)
{
	uint8_t(*proof)[MERKLE_BYTES] = arena_alloc(a, MERKLE_BYTES, 1, MERKLE_PROOF_MAX);
	const uint8_t(*made)[MERKLE_BYTES] = (const uint8_t(*)[MERKLE_BYTES])proof;
	const struct slice notes[2] = {small.note, large.note};
	uint64_t old = small.is->size, size = large.is->size;
	uint8_t prefix[MERKLE_BYTES];
	struct view_conviction c;
	struct merkle_tiles tiles;
	size_t count = 0;
	enum status st =
		proof == NULL ? no_memory(why) : ledger_source_tiles(f->o.source, a, &tiles, why);

	if (st == ST_OK)
		st = merkle_prove_consistency(&tiles, old, size, proof, &count, why);
	if (st == ST_OK &&
	    merkle_verify_consistency(old, size, small.is->root, large.is->root, made, count))
		return ST_OK;
	if (st == ST_OK && old != size)
		st = merkle_root_before(&tiles, old, size, prefix, why);
	if (st == ST_OK)
		st = view_conviction_of(log, notes, made, count, prefix, a, &c, why);
	if (st == ST_NOMEM || st == ST_IO)
		return st;
	if (st == ST_OK) {
		VERDICT(out, FOLLOW_SPLIT,
			"the log has signed two histories, of %llu and of %llu leaves",
			(unsigned long long)old, (unsigned long long)size);
		return convict(f, &c, a, out, why);
	}
	VERDICT(out, FOLLOW_DAMAGED,
		"%llu leaves do not lead to %llu by what the log serves, which convicts nobody: "
		"%.120s",
		(unsigned long long)old, (unsigned long long)size, why->text);
	return ST_OK;
}

/* --- looking --- */

/* Reads, checks and hands out the leaves of one bundle that are new. */
static enum status bundle_turn(struct follow *f, const struct merkle_tiles *tiles,
			       const struct merkle_checkpoint *now, uint64_t index, struct arena *a,
			       struct follow_found *out, struct fail *why)
{
	unsigned width = merkle_width(now->size, 0, index);
	uint8_t(*leaves)[MERKLE_BYTES] = arena_alloc(a, MERKLE_BYTES, 1, MERKLE_WIDTH);
	uint8_t(*proof)[MERKLE_BYTES] = arena_alloc(a, MERKLE_BYTES, 1, MERKLE_PROOF_MAX);
	struct slice entries[MERKLE_WIDTH];
	size_t count;
	enum status st;

	if (leaves == NULL || proof == NULL)
		return no_memory(why);
	st = ledger_source_entries(f->o.source, index, width, a, entries, why);
	if (st == ST_OK)
		st = merkle_prove_run(tiles, index, now->size, proof, &count, why);
	if (st != ST_OK)
		return or_damaged(st, out, why);
	for (unsigned i = 0; i < width; i++)
		merkle_leaf(entries[i], leaves[i]);
	if (!merkle_verify_run((const uint8_t(*)[MERKLE_BYTES])leaves, index, now->size,
			       (const uint8_t(*)[MERKLE_BYTES])proof, count, now->root)) {
		VERDICT(out, FOLLOW_DAMAGED,
			"the entries of bundle %llu are not those under the checkpoint of %llu "
			"leaves",
			(unsigned long long)index, (unsigned long long)now->size);
		return ST_OK;
	}
	for (unsigned i = 0; i < width && f->o.entry != NULL && st == ST_OK; i++)
		if (index * MERKLE_WIDTH + i >= f->is.size)
			st = f->o.entry(f->o.ctx, index * MERKLE_WIDTH + i, entries[i], why);
	return st;
}

static enum status entries_turn(struct follow *f, const struct merkle_tiles *tiles,
				const struct merkle_checkpoint *now, struct arena_pool *pool,
				struct follow_found *out, struct fail *why)
{
	struct arena a = {.pool = pool};
	enum status st = ST_OK;

	for (uint64_t i = f->is.size / MERKLE_WIDTH;
	     i * MERKLE_WIDTH < now->size && st == ST_OK && out->verdict == FOLLOW_GREW; i++) {
		st = bundle_turn(f, tiles, now, i, &a, out, why);
		arena_reset(&a);
	}
	return st;
}

/* The log shows more than is known, and what was known leads there: what is new? */
static enum status grown(struct follow *f, struct seen now, struct arena *a,
			 struct follow_found *out, struct fail *why)
{
	struct merkle_tiles tiles;
	enum status st = ledger_source_tiles(f->o.source, a, &tiles, why);

	out->verdict = FOLLOW_GREW;
	if (st == ST_OK)
		st = entries_turn(f, &tiles, now.is, a->pool, out, why);
	if (st != ST_OK || out->verdict != FOLLOW_GREW)
		return st;
	st = os_file_replace(f->o.disk, f->at.checkpoint, now.note, why);
	return st == ST_OK ? keep(f, now.note, why) : st;
}

enum status follow_turn(struct follow *f, struct arena *a, struct follow_found *out,
			struct fail *why)
{
	const struct note_verifier *log;
	struct merkle_checkpoint is;
	struct seen now = {.is = &is}, before = {f->known, &f->is};
	bool first = f->known.ptr == NULL, more;
	enum status st = ledger_source_checkpoint(f->o.source, a, &now.note, why);

	*out = (struct follow_found){.from = f->is.size, .size = f->is.size};
	if (st != ST_OK)
		return st;
	st = view_policy_open(f->o.policy, now.note, a, &is, &log, &out->cosigned, why);
	if (st != ST_OK)
		return or_damaged(st, out, why);
	if (!first && !slice_equal(is.origin, f->is.origin))
		return fail_set(why, ST_REFUSED, "this is the log %.*s; %.*s was followed so far",
				SLICE_ARG(slice_part(is.origin, 0, 80)),
				SLICE_ARG(slice_part(f->is.origin, 0, 80)));
	out->size = is.size;
	more = first || is.size > f->is.size;
	if (!first)
		st = more ? relate(f, log, before, now, a, out, why)
			  : relate(f, log, now, before, a, out, why);
	if (st != ST_OK || out->verdict == FOLLOW_SPLIT)
		return st;
	if (is.size < f->is.size) {
		VERDICT(out, FOLLOW_BEHIND,
			"the log shows %llu leaves and has signed %llu before: it is stale, or was "
			"set back",
			(unsigned long long)is.size, (unsigned long long)f->is.size);
		return ST_OK;
	}
	return more && out->verdict == FOLLOW_SAME ? grown(f, now, a, out, why) : ST_OK;
}

enum status follow_compare(struct follow *f, struct slice note, struct arena *a,
			   struct follow_found *out, struct fail *why)
{
	struct view_policy alone =
		*f->o.policy; /* witnesses need not have signed what others saw */
	const struct note_verifier *log;
	struct merkle_checkpoint is;
	struct seen theirs = {note, &is}, ours = {f->known, &f->is};
	enum status st;

	alone.quorum = SIZE_MAX;
	*out = (struct follow_found){.from = f->is.size, .size = f->is.size};
	st = view_policy_open(&alone, note, a, &is, &log, &out->cosigned, why);
	if (st != ST_OK)
		return st;
	if (f->known.ptr == NULL || !slice_equal(is.origin, f->is.origin))
		return fail_set(why, ST_REFUSED, "a checkpoint of %.*s, which is not followed",
				SLICE_ARG(slice_part(is.origin, 0, 80)));
	out->size = is.size;
	if (is.size > f->is.size) {
		VERDICT(out, FOLLOW_BEHIND,
			"others were shown %llu leaves, we %llu: the log is stale here, or shows "
			"us less",
			(unsigned long long)is.size, (unsigned long long)f->is.size);
		return ST_OK;
	}
	return relate(f, log, theirs, ours, a, out, why);
}

/* --- what others found --- */

static bool is_followed(const struct follow *f, const struct note_verifier *key)
{
	for (size_t i = 0; i < f->o.policy->log_count; i++)
		if (note_verifier_equal(&f->o.policy->logs[i].key, key))
			return true;
	return false;
}

enum status follow_hear(struct follow *f, struct slice text, struct arena *a,
			struct follow_found *out, struct fail *why)
{
	struct merkle_checkpoint two[2];
	struct view_conviction c;
	enum status st = view_conviction_parse(text, a, &c, why);

	*out = (struct follow_found){.from = f->is.size, .size = f->is.size};
	if (st == ST_OK && !is_followed(f, &c.log))
		return fail_set(why, ST_REFUSED, "it is about another log: %.*s",
				SLICE_ARG(slice_part(c.log.name, 0, 80)));
	if (st == ST_OK)
		st = view_conviction_check(&c, a, two, why);
	if (st != ST_OK)
		return st;
	VERDICT(out, FOLLOW_SPLIT, "the log has signed two histories, of %llu and of %llu leaves",
		(unsigned long long)two[0].size, (unsigned long long)two[1].size);
	return convict(f, &c, a, out, why);
}

enum status follow_state_read(struct slice folder, struct arena *a, struct follow_state *out,
			      struct fail *why)
{
	struct follow_state s = {.size = 0};
	struct follow f = {.o.folder = folder};
	struct merkle_checkpoint is;
	struct slice text, marker = buf_text(a, "%.*s/dewline-follow", SLICE_ARG(folder));
	struct note note;
	enum status st;

	if (!paths_make(&f, a) || marker.ptr == NULL)
		return no_memory(why);
	st = os_file_read(marker, 256, a, &text, why);
	if (st == ST_OK && !slice_equal(text, MARKER))
		return fail_set(why, ST_NOTFOUND, "%.*s is no monitor's folder", SLICE_ARG(folder));
	if (st != ST_OK)
		return st;
	st = os_file_read(f.at.conviction, VIEW_CONVICTION_MAX, a, &s.conviction, why);
	if (st == ST_OK || st == ST_NOTFOUND)
		st = os_file_read(f.at.checkpoint, NOTE_FILE_MAX, a, &s.checkpoint, why);
	if (st == ST_OK)
		st = note_parse(s.checkpoint, a, &note, why);
	if (st == ST_OK)
		st = merkle_checkpoint_parse(note.text, &is, why);
	if (st == ST_OK) {
		s.origin = is.origin;
		s.size = is.size;
	}
	if (st == ST_OK || st == ST_NOTFOUND)
		*out = s;
	return st == ST_NOTFOUND ? ST_OK : st;
}
