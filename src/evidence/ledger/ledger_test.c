/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/ledger/ledger.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "os/file.h"
#include "test.h"

struct room {
	struct arena_pool pool;
	struct arena a;
	struct fail why;
	const char *dir;
	struct crypto_signer signer;
	struct ledger_options options;
	struct buf key;
};

static bool room_init(struct test *t, struct room *r)
{
	static const uint8_t seed[32] = {1, 2, 3};
	struct note_verifier v;

	*r = (struct room){.pool = {.budget = 256 << 20}, .dir = test_folder(t)};
	r->a.pool = &r->pool;
	r->key = buf_in(&r->a);
	crypto_signer_from_seed(seed, &r->signer);
	if (note_verifier_of(SLICE("log.test/a"), NOTE_ED25519, r->signer.key, &v, &r->why) !=
	    ST_OK)
		return false;
	note_verifier_add(&v, &r->key);
	r->options = (struct ledger_options){
		.folder = slice_of(r->dir), .origin = SLICE("log.test/a"), .signer = &r->signer};
	return true;
}

static void room_done(struct room *r)
{
	arena_reset(&r->a);
	arena_pool_drain(&r->pool);
}

static struct slice at(struct room *r, const char *name)
{
	struct buf b = buf_in(&r->a);

	buf_add_fmt(&b, "%s/%s", r->dir, name);
	return buf_slice(&b);
}

/* Entry i: 0 to 90 bytes that say i. */
static struct slice entry_of(uint64_t i, char buf[128])
{
	int n = i % 97 == 0 ? 0
			    : snprintf(buf, 128, "entry %llu %0*d", (unsigned long long)i,
				       (int)(i % 67) + 1, 7);

	return (struct slice){(const uint8_t *)buf, (size_t)n};
}

static enum status append_to(struct ledger *l, uint64_t from, uint64_t to, struct fail *why)
{
	char buf[128];

	for (uint64_t i = from; i < to; i++) {
		uint64_t leaf = 0;
		enum status st = ledger_append(l, entry_of(i, buf), &leaf, why);

		if (st != ST_OK)
			return st;
		if (leaf != i)
			return fail_set(why, ST_CORRUPT, "leaf %llu", (unsigned long long)leaf);
	}
	return ST_OK;
}

/* Everything about a log of `size` entries, as a stranger who has the folder sees it. */
static bool whole(struct room *r, uint64_t size)
{
	struct arena a = {.pool = &r->pool};
	struct ledger_report report;
	bool ok = ledger_check(slice_of(r->dir), buf_slice(&r->key), &a, &report, &r->why) == ST_OK;

	if (!ok)
		printf("# %s\n", r->why.text);
	else if (report.count != 0)
		printf("# %.*s %.*s\n", SLICE_ARG(report.damage[0].file),
		       SLICE_ARG(report.damage[0].text));
	else if (report.size != size)
		printf("# size %llu\n", (unsigned long long)report.size);
	ok = ok && report.count == 0 && report.size == size;
	arena_reset(&a);
	return ok;
}

/* Entries and proofs of leaves [0, size), `step` apart, through a reader. */
static bool provable(struct room *r, uint64_t size, uint64_t step)
{
	struct arena a = {.pool = &r->pool}, b = {.pool = &r->pool};
	struct ledger_options o = {.folder = slice_of(r->dir), .log_key = buf_slice(&r->key)};
	struct note_verifier key;
	struct merkle_checkpoint c;
	struct ledger *l = NULL;
	bool ok = note_verifier_parse(buf_slice(&r->key), &key, &r->why) == ST_OK &&
		  ledger_open(&o, &a, &l, &r->why) == ST_OK && ledger_size(l) == size &&
		  merkle_checkpoint_open(ledger_checkpoint(l), &key, &a, &c, &r->why) == ST_OK;

	for (uint64_t i = 0; ok && i < size; i += step) {
		uint8_t proof[MERKLE_PROOF_MAX][MERKLE_BYTES], leaf[MERKLE_BYTES];
		struct slice entry;
		char buf[128];
		size_t n;

		ok = ledger_read_entry(l, i, &b, &entry, &r->why) == ST_OK &&
		     slice_equal(entry, entry_of(i, buf)) &&
		     ledger_prove_inclusion(l, i, proof, &n, &r->why) == ST_OK;
		merkle_leaf(entry, leaf);
		ok = ok &&
		     merkle_verify_inclusion(leaf, i, c.size, (const uint8_t(*)[MERKLE_BYTES])proof,
					     n, c.root);
		arena_reset(&b);
	}
	ledger_close(l);
	arena_reset(&a);
	return ok;
}

static void logs_of_many_sizes_are_whole_and_provable(struct test *t)
{
	static const uint64_t sizes[] = {0,   1,   2,	 255,  256,   257,
					 511, 512, 1000, 1001, 65536, 65537};
	struct room r;
	uint64_t size = 0;

	EXPECT(t, room_init(t, &r));
	for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
		struct arena a = {.pool = &r.pool};
		struct ledger *l;

		EXPECT(t, ledger_open(&r.options, &a, &l, &r.why) == ST_OK);
		EXPECT_UINT(t, ledger_size(l), size);
		EXPECT(t, append_to(l, size, sizes[k], &r.why) == ST_OK);
		EXPECT_UINT(t, ledger_size(l), size);
		EXPECT(t, ledger_commit(l, &r.why) == ST_OK);
		size = sizes[k];
		EXPECT_UINT(t, ledger_size(l), size);
		EXPECT(t, ledger_commit(l, &r.why) == ST_OK);
		ledger_close(l);
		arena_reset(&a);
		EXPECT(t, whole(&r, size));
		EXPECT(t, provable(&r, size, size > 2000 ? 1777 : 1));
	}
	room_done(&r);
}

static void any_grouping_gives_the_same_log(struct test *t)
{
	struct room r;
	uint8_t root[MERKLE_BYTES] = {0};

	for (int round = 0; round < 4; round++) {
		struct arena a = {.pool = &r.pool};
		struct merkle_checkpoint c;
		struct note_verifier key;
		struct ledger *l;
		uint64_t size = 0;

		EXPECT(t, room_init(t, &r));
		EXPECT(t, ledger_open(&r.options, &a, &l, &r.why) == ST_OK);
		while (size < 800) {
			uint64_t n = round == 0 ? 800 : 1 + test_rand(t) % 200;

			n = n > 800 - size ? 800 - size : n;
			EXPECT(t, append_to(l, size, size + n, &r.why) == ST_OK);
			EXPECT(t, ledger_commit(l, &r.why) == ST_OK);
			size += n;
		}
		EXPECT(t, note_verifier_parse(buf_slice(&r.key), &key, &r.why) == ST_OK);
		EXPECT(t,
		       merkle_checkpoint_open(ledger_checkpoint(l), &key, &a, &c, &r.why) == ST_OK);
		EXPECT(t, round == 0 || memcmp(root, c.root, sizeof root) == 0);
		memcpy(root, c.root, sizeof root);
		ledger_close(l);
		arena_reset(&a);
		EXPECT(t, whole(&r, 800) && provable(&r, 800, 13));
		room_done(&r);
	}
}

static void old_checkpoints_are_consistent_with_new_ones(struct test *t)
{
	struct room r;
	struct ledger *l;
	struct note_verifier key;
	struct merkle_checkpoint before, after;
	uint8_t proof[MERKLE_PROOF_MAX][MERKLE_BYTES];
	struct slice old;
	size_t n;

	EXPECT(t, room_init(t, &r));
	EXPECT(t, note_verifier_parse(buf_slice(&r.key), &key, &r.why) == ST_OK);
	EXPECT(t, ledger_open(&r.options, &r.a, &l, &r.why) == ST_OK);
	EXPECT(t, append_to(l, 0, 300, &r.why) == ST_OK && ledger_commit(l, &r.why) == ST_OK);
	old = arena_copy(&r.a, ledger_checkpoint(l));
	EXPECT(t, append_to(l, 300, 700, &r.why) == ST_OK && ledger_commit(l, &r.why) == ST_OK);
	EXPECT(t, merkle_checkpoint_open(old, &key, &r.a, &before, &r.why) == ST_OK);
	EXPECT(t,
	       merkle_checkpoint_open(ledger_checkpoint(l), &key, &r.a, &after, &r.why) == ST_OK);
	EXPECT(t, ledger_prove_consistency(l, 300, proof, &n, &r.why) == ST_OK);
	EXPECT(t, merkle_verify_consistency(300, 700, before.root, after.root,
					    (const uint8_t(*)[MERKLE_BYTES])proof, n));
	ledger_close(l);
	room_done(&r);
}

static void entries_have_a_longest_length(struct test *t)
{
	static uint8_t big[LEDGER_ENTRY_MAX + 1];
	struct room r;
	struct ledger *l;
	struct slice got;
	uint64_t leaf;

	EXPECT(t, room_init(t, &r));
	EXPECT(t, ledger_open(&r.options, &r.a, &l, &r.why) == ST_OK);
	big[LEDGER_ENTRY_MAX - 1] = 9;
	EXPECT(t, ledger_append(l, (struct slice){big, LEDGER_ENTRY_MAX}, &leaf, &r.why) == ST_OK);
	EXPECT(t, ledger_append(l, (struct slice){big, LEDGER_ENTRY_MAX + 1}, &leaf, &r.why) ==
			  ST_LIMIT);
	EXPECT(t, ledger_append(l, (struct slice){big, 0}, &leaf, &r.why) == ST_OK && leaf == 1);
	EXPECT(t, ledger_read_entry(l, 0, &r.a, &got, &r.why) == ST_NOTFOUND); /* not committed */
	EXPECT(t, ledger_commit(l, &r.why) == ST_OK);
	EXPECT(t, ledger_read_entry(l, 0, &r.a, &got, &r.why) == ST_OK);
	EXPECT(t, slice_equal(got, (struct slice){big, LEDGER_ENTRY_MAX}));
	EXPECT(t, ledger_read_entry(l, 1, &r.a, &got, &r.why) == ST_OK && got.len == 0);
	ledger_close(l);
	EXPECT(t, whole(&r, 2));
	room_done(&r);
}

static void one_writer_and_any_reader(struct test *t)
{
	struct room r;
	struct ledger *l, *second, *reader;
	struct ledger_options read;
	uint64_t leaf;

	EXPECT(t, room_init(t, &r));
	read = (struct ledger_options){.folder = r.options.folder, .log_key = buf_slice(&r.key)};
	EXPECT(t, ledger_open(&read, &r.a, &reader, &r.why) == ST_NOTFOUND);
	EXPECT(t, ledger_open(&r.options, &r.a, &l, &r.why) == ST_OK);
	EXPECT(t, ledger_open(&r.options, &r.a, &second, &r.why) == ST_REFUSED);
	EXPECT(t, ledger_open(&read, &r.a, &reader, &r.why) == ST_OK);
	EXPECT(t, ledger_append(reader, SLICE("x"), &leaf, &r.why) == ST_INVALID);
	EXPECT(t, ledger_commit(reader, &r.why) == ST_INVALID);
	ledger_close(reader);
	ledger_close(l);
	EXPECT(t, ledger_open(&r.options, &r.a, &second, &r.why) == ST_OK);
	ledger_close(second);
	ledger_close(NULL);
	room_done(&r);
}

static void other_folders_are_left_alone(struct test *t)
{
	struct room r;
	struct ledger *l;
	struct ledger_options o;

	EXPECT(t, room_init(t, &r));
	EXPECT(t, os_file_put(NULL, at(&r, "diary"), SLICE("mine"), &r.why) == ST_OK);
	EXPECT(t, ledger_open(&r.options, &r.a, &l, &r.why) == ST_INVALID);
	EXPECT(t, strstr(r.why.text, "diary") != NULL);
	EXPECT(t, os_file_remove(NULL, at(&r, "diary"), &r.why) == ST_OK);
	EXPECT(t,
	       os_file_put(NULL, at(&r, "dewline-log"), SLICE("dewline log 3\n"), &r.why) == ST_OK);
	EXPECT(t, ledger_open(&r.options, &r.a, &l, &r.why) == ST_INVALID);
	EXPECT(t,
	       strstr(r.why.text, "another version") != NULL && strstr(r.why.text, " 3,") != NULL);
	EXPECT(t, os_file_put(NULL, at(&r, "dewline-log"), SLICE("?"), &r.why) == ST_OK);
	EXPECT(t, ledger_open(&r.options, &r.a, &l, &r.why) == ST_INVALID);
	EXPECT(t, os_file_remove(NULL, at(&r, "dewline-log"), &r.why) == ST_OK);
	o = r.options;
	o.origin = SLICE("two words");
	EXPECT(t, ledger_open(&o, &r.a, &l, &r.why) == ST_INVALID);
	o = r.options;
	o.folder = SLICE("");
	EXPECT(t, ledger_open(&o, &r.a, &l, &r.why) == ST_INVALID);
	EXPECT(t, !os_file_exists(at(&r, "checkpoint")));
	room_done(&r);
}

static void another_key_s_log_is_refused(struct test *t)
{
	struct room r;
	struct crypto_signer other;
	struct ledger_options o;
	struct ledger *l;

	EXPECT(t, room_init(t, &r));
	EXPECT(t, ledger_open(&r.options, &r.a, &l, &r.why) == ST_OK);
	ledger_close(l);
	crypto_signer_new(&other);
	o = r.options;
	o.signer = &other;
	EXPECT(t, ledger_open(&o, &r.a, &l, &r.why) == ST_REFUSED);
	o = r.options;
	o.origin = SLICE("log.test/b");
	EXPECT(t, ledger_open(&o, &r.a, &l, &r.why) == ST_REFUSED);
	room_done(&r);
}

static void a_log_without_its_checkpoint_is_not_begun_anew(struct test *t)
{
	struct room r;
	struct ledger *l;

	EXPECT(t, room_init(t, &r));
	EXPECT(t, ledger_open(&r.options, &r.a, &l, &r.why) == ST_OK);
	EXPECT(t, append_to(l, 0, 3, &r.why) == ST_OK && ledger_commit(l, &r.why) == ST_OK);
	ledger_close(l);
	EXPECT(t, os_file_remove(NULL, at(&r, "checkpoint"), &r.why) == ST_OK);
	EXPECT(t, ledger_open(&r.options, &r.a, &l, &r.why) == ST_CORRUPT);
	EXPECT(t, strstr(r.why.text, "checkpoint") != NULL);
	room_done(&r);
}

/* --- damage --- */

struct change {
	const char *file, *finding;
	enum { FLIP, CUT, LONGER, GONE } how;
	size_t where;
};

static enum status change_file(struct room *r, const struct change *c)
{
	struct slice path = at(r, c->file), bytes;
	enum status st = os_file_read(path, 64 << 20, &r->a, &bytes, &r->why);
	struct buf b = buf_in(&r->a);

	if (st != ST_OK)
		return st;
	if (c->how == GONE)
		return os_file_remove(NULL, path, &r->why);
	buf_add(&b, c->how == CUT ? slice_part(bytes, 0, bytes.len - 1) : bytes);
	if (c->how == LONGER)
		buf_add(&b, SLICE("\0\0"));
	if (c->how == FLIP)
		b.ptr[c->where] ^= 1;
	return os_file_put(NULL, path, buf_slice(&b), &r->why);
}

static void damage_is_found_and_named(struct test *t)
{
	static const struct change changes[] = {
		{"tile/entries/001", "tile/entries/001 holds another entry 256", FLIP, 9},
		{"tile/entries/001", "tile/entries/001 ends within entry", FLIP, 0},
		{"tile/entries/001", "tile/entries/001 ends within entry", CUT, 0},
		{"tile/entries/002", "tile/entries/002 has 2 bytes after", LONGER, 0},
		{"tile/entries/002", "tile/entries/002 is missing", GONE, 0},
		{"tile/entries/003.p/232", "tile/entries/003.p/232 holds another entry 769", FLIP,
		 60},
		{"tile/entries/003.p/232", "tile/entries/003.p/232 is missing", GONE, 0},
		{"tile/0/000", "tile/0/000 has a wrong hash for entry 2", FLIP, 70},
		{"tile/0/000", "tile/0/000 has the wrong length", CUT, 0},
		{"tile/0/001", "tile/0/001 is missing", GONE, 0},
		{"tile/0/003.p/232", "tile/0/003.p/232 has a wrong hash for entry 768", FLIP, 3},
		{"tile/0/003.p/232", "tile/0/003.p/232 has the wrong length", LONGER, 0},
		{"tile/1/000.p/3", "tile/1/000.p/3 has a wrong hash at place 1", FLIP, 40},
		{"tile/1/000.p/3", "tile/1/000.p/3 is missing", GONE, 0},
	};

	for (size_t k = 0; k < sizeof changes / sizeof changes[0]; k++) {
		struct room r;
		struct ledger_report report;
		struct ledger *l;
		struct buf text;

		EXPECT(t, room_init(t, &r));
		text = buf_in(&r.a);
		EXPECT(t, ledger_open(&r.options, &r.a, &l, &r.why) == ST_OK);
		EXPECT(t, append_to(l, 0, 1000, &r.why) == ST_OK);
		EXPECT(t, ledger_commit(l, &r.why) == ST_OK);
		ledger_close(l);
		EXPECT(t, change_file(&r, &changes[k]) == ST_OK);
		EXPECT(t, ledger_check(slice_of(r.dir), buf_slice(&r.key), &r.a, &report, &r.why) ==
				  ST_OK);
		EXPECT_UINT(t, report.count, 1);
		buf_add_fmt(&text, "%.*s %.*s", SLICE_ARG(report.damage[0].file),
			    SLICE_ARG(report.damage[0].text));
		EXPECT_SLICE(t, slice_part(buf_slice(&text), 0, strlen(changes[k].finding)),
			     slice_of(changes[k].finding));
		/* a writer goes on only from last tiles that are right */
		if (strstr(changes[k].file, ".p/") != NULL) {
			EXPECT(t, ledger_open(&r.options, &r.a, &l, &r.why) == ST_CORRUPT);
			EXPECT(t, strstr(r.why.text, changes[k].file) != NULL);
		}
		room_done(&r);
	}
}

static void a_checkpoint_of_another_root_is_found(struct test *t)
{
	struct room r;
	struct ledger *l;
	struct ledger_report report;
	struct note_verifier key;
	struct merkle_checkpoint c;
	struct buf text, note;

	EXPECT(t, room_init(t, &r));
	EXPECT(t, ledger_open(&r.options, &r.a, &l, &r.why) == ST_OK);
	EXPECT(t, append_to(l, 0, 256, &r.why) == ST_OK && ledger_commit(l, &r.why) == ST_OK);
	EXPECT(t, note_verifier_parse(buf_slice(&r.key), &key, &r.why) == ST_OK);
	EXPECT(t, merkle_checkpoint_open(ledger_checkpoint(l), &key, &r.a, &c, &r.why) == ST_OK);
	c.root[5] ^= 1;
	text = buf_in(&r.a);
	note = buf_in(&r.a);
	merkle_checkpoint_add(&c, &text);
	EXPECT(t, note_write(buf_slice(&text), &note, &r.why) == ST_OK);
	note_sign(buf_slice(&text), &key, &r.signer, 0, &note);
	ledger_close(l);
	EXPECT(t, os_file_put(NULL, at(&r, "checkpoint"), buf_slice(&note), &r.why) == ST_OK);
	EXPECT(t, ledger_check(slice_of(r.dir), buf_slice(&r.key), &r.a, &report, &r.why) == ST_OK);
	EXPECT_UINT(t, report.count, 1);
	EXPECT_SLICE(t, report.damage[0].file, SLICE("checkpoint"));
	EXPECT(t, ledger_open(&r.options, &r.a, &l, &r.why) == ST_CORRUPT);
	note.ptr[note.len - 5] ^= 1;
	EXPECT(t, os_file_put(NULL, at(&r, "checkpoint"), buf_slice(&note), &r.why) == ST_OK);
	EXPECT(t, ledger_check(slice_of(r.dir), buf_slice(&r.key), &r.a, &report, &r.why) ==
			  ST_REFUSED);
	room_done(&r);
}

static void a_list_of_damage_has_an_end(struct test *t)
{
	struct room r;
	struct ledger *l;
	struct ledger_report report;
	const uint64_t tiles = LEDGER_DAMAGE_MAX + 20;

	EXPECT(t, room_init(t, &r));
	EXPECT(t, ledger_open(&r.options, &r.a, &l, &r.why) == ST_OK);
	EXPECT(t, append_to(l, 0, 256 * tiles, &r.why) == ST_OK);
	EXPECT(t, ledger_commit(l, &r.why) == ST_OK);
	ledger_close(l);
	for (unsigned i = 0; i < tiles; i++) {
		struct buf name = buf_in(&r.a);

		buf_add_fmt(&name, "%s/tile/0/%03u", r.dir, i);
		EXPECT(t, os_file_put(NULL, buf_slice(&name), SLICE("?"), &r.why) == ST_OK);
	}
	EXPECT(t, ledger_check(slice_of(r.dir), buf_slice(&r.key), &r.a, &report, &r.why) == ST_OK);
	EXPECT_UINT(t, report.count, LEDGER_DAMAGE_MAX);
	room_done(&r);
}

/* --- failing and dying at every operation --- */

struct fault {
	uint64_t when;
	bool kill;
};

static int strike(void *ctx, uint64_t number, enum os_op op, struct slice path)
{
	const struct fault *f = ctx;

	if (number != f->when)
		return 0;
	if (f->kill)
		(void)kill(getpid(), SIGKILL);
	return op == OS_OP_LOCK ? EIO : ENOSPC;
}

enum { BATCHES = 4 };

static const uint64_t batch_ends[BATCHES] = {3, 255, 530, 2000};

/* Opens, appends in batches, and counts what was acknowledged. */
static enum status life(struct room *r, struct os_disk *disk, uint64_t *acked, struct fail *why)
{
	struct arena a = {.pool = &r->pool};
	struct ledger_options o = r->options;
	struct ledger *l = NULL;
	enum status st;

	o.disk = disk;
	st = ledger_open(&o, &a, &l, why);
	for (size_t i = 0; i < BATCHES && st == ST_OK; i++) {
		st = append_to(l, *acked, batch_ends[i], why);
		if (st == ST_OK)
			st = ledger_commit(l, why);
		if (st == ST_OK)
			*acked = batch_ends[i];
	}
	if (st != ST_OK && l != NULL) { /* spoilt: the same words again, nothing written */
		struct fail again = {0};
		uint64_t leaf, asked = disk->asked;

		ASSERT(ledger_append(l, SLICE("x"), &leaf, &again) == st);
		ASSERT(ledger_commit(l, &again) == st && strcmp(again.text, why->text) == 0);
		ASSERT(disk->asked == asked);
	}
	ledger_close(l);
	arena_reset(&a);
	return st;
}

/* After the accident: what was acknowledged is there, and the log goes on to the same end. */
static bool recovers(struct room *r, uint64_t acked)
{
	struct arena a = {.pool = &r->pool};
	struct ledger *l = NULL;
	uint64_t size;
	bool ok = ledger_open(&r->options, &a, &l, &r->why) == ST_OK;

	size = ok ? ledger_size(l) : 0;
	ok = ok && size >= acked && whole(r, size) && append_to(l, size, 2100, &r->why) == ST_OK &&
	     ledger_commit(l, &r->why) == ST_OK;
	if (!ok)
		printf("# acknowledged %llu, found %llu: %s\n", (unsigned long long)acked,
		       (unsigned long long)size, r->why.text);
	ledger_close(l);
	arena_reset(&a);
	return ok && whole(r, 2100) && provable(r, 2100, 137);
}

static void a_full_disk_at_any_operation_loses_nothing_acknowledged(struct test *t)
{
	enum status st = ST_IO;

	for (struct fault f = {0, false}; st != ST_OK; f.when++) {
		struct os_disk disk = {&f, strike, 0};
		struct room r;
		uint64_t acked = 0;

		EXPECT(t, room_init(t, &r) && f.when < 500);
		st = life(&r, &disk, &acked, &r.why);
		EXPECT(t, st == ST_OK || st == ST_IO);
		if (st == ST_IO)
			EXPECT(t, strstr(r.why.text, "No space left") != NULL ||
					  strstr(r.why.text, "Input/output") != NULL);
		EXPECT(t, recovers(&r, acked));
		if (st == ST_OK)
			EXPECT(t, f.when > 60 && acked == batch_ends[BATCHES - 1]);
		room_done(&r);
	}
}

static void being_killed_at_any_operation_loses_nothing_acknowledged(struct test *t)
{
	bool lived = false;

	for (struct fault f = {0, true}; !lived; f.when++) {
		struct os_disk disk = {&f, strike, 0};
		struct room r;
		uint64_t acked = 0;
		int fds[2], status;
		pid_t pid;

		EXPECT(t, room_init(t, &r) && f.when < 500 && pipe(fds) == 0);
		pid = fork();
		EXPECT(t, pid >= 0);
		if (pid == 0) {
			struct arena a = {.pool = &r.pool};
			struct ledger_options o = r.options;
			struct ledger *l;

			o.disk = &disk;
			if (ledger_open(&o, &a, &l, &r.why) != ST_OK)
				_exit(2);
			for (size_t i = 0; i < BATCHES; i++) {
				if (append_to(l, acked, batch_ends[i], &r.why) != ST_OK ||
				    ledger_commit(l, &r.why) != ST_OK)
					_exit(3);
				acked = batch_ends[i];
				if (write(fds[1], &acked, sizeof acked) != sizeof acked)
					_exit(4);
			}
			_exit(0);
		}
		EXPECT(t, close(fds[1]) == 0);
		while (read(fds[0], &acked, sizeof acked) == sizeof acked)
			;
		EXPECT(t, close(fds[0]) == 0 && waitpid(pid, &status, 0) == pid);
		lived = WIFEXITED(status);
		EXPECT(t, lived ? WEXITSTATUS(status) == 0 : WTERMSIG(status) == SIGKILL);
		EXPECT(t, recovers(&r, acked));
		room_done(&r);
	}
}

/* --- loss of power --- */

/* A file as the disk had it, or nothing. */
static struct slice content(struct room *r, const char *name)
{
	struct slice bytes = {NULL, 0};

	return os_file_read(at(r, name), 64 << 20, &r->a, &bytes, &r->why) == ST_OK
		       ? bytes
		       : (struct slice){NULL, 0};
}

/* Nothing reaches the disk any more once *ctx is true. */
static int switched(void *ctx, uint64_t number, enum os_op op, struct slice path)
{
	return *(const bool *)ctx ? EIO : 0;
}

/* What a commit makes durable is its record in the journal; of the rest the disk may have anything.
 * So: what was there when the log was last settled, the journal as it is now, and everything newer
 * gone, cut short or torn. */
static void what_was_acknowledged_survives_a_loss_of_power(struct test *t)
{
	static const uint64_t settled[] = {0, 1, 255, 256, 300};
	static const char *const newer[] = {
		"tile/0/000",	    "tile/0/001",	"tile/0/002.p/188",	 "tile/1/000.p/2",
		"tile/entries/000", "tile/entries/001", "tile/entries/002.p/188"};
	enum { NEWER = sizeof newer / sizeof newer[0], ROUNDS = 60 };

	for (unsigned round = 0; round < ROUNDS; round++) {
		uint64_t from = settled[round % 5];
		bool off = false;
		struct os_disk disk = {&off, switched, 0};
		struct slice before;
		struct ledger *l;
		struct room r;

		EXPECT(t, room_init(t, &r));
		r.options.disk = &disk;
		EXPECT(t, ledger_open(&r.options, &r.a, &l, &r.why) == ST_OK);
		EXPECT(t, append_to(l, 0, from, &r.why) == ST_OK);
		EXPECT(t, ledger_commit(l, &r.why) == ST_OK);
		ledger_close(l); /* settles it */
		before = content(&r, "checkpoint");
		EXPECT(t, before.len != 0);
		EXPECT(t, ledger_open(&r.options, &r.a, &l, &r.why) == ST_OK);
		for (uint64_t size = from; size < 700;) {
			uint64_t to = size + 1 + test_rand(t) % 200;

			to = to > 700 ? 700 : to;
			EXPECT(t, append_to(l, size, to, &r.why) == ST_OK);
			EXPECT(t, ledger_commit(l, &r.why) == ST_OK);
			size = to;
		}
		off = true;
		ledger_close(l);
		r.options.disk = NULL;
		for (size_t i = 0; i < NEWER; i++) {
			struct slice path = at(&r, newer[i]), bytes = content(&r, newer[i]);
			bool was_there = i < 4 ? (i == 0 && from >= 256) : (i == 4 && from >= 256);
			uint64_t what = test_rand(t) % 4;

			if (was_there || what == 3)
				continue;
			if (what == 0)
				EXPECT(t, os_file_remove(NULL, path, &r.why) == ST_OK);
			else
				EXPECT(t, os_file_put(NULL, path,
						      slice_part(bytes, 0,
								 what == 1 ? 0 : bytes.len / 2),
						      &r.why) == ST_OK);
		}
		if (round % 3 == 0)
			EXPECT(t, os_file_put(NULL, at(&r, "checkpoint"), before, &r.why) == ST_OK);
		if (round % 3 == 1)
			EXPECT(t,
			       os_file_put(NULL, at(&r, "checkpoint"), SLICE(""), &r.why) == ST_OK);
		EXPECT(t, recovers(&r, 700));
		room_done(&r);
	}
}

static void a_cosigned_checkpoint_stays_cosigned_after_a_crash(struct test *t)
{
	static const uint8_t seed[32] = {9};
	bool off = false;
	struct os_disk disk = {&off, switched, 0};
	struct crypto_signer witness;
	struct note_verifier key;
	struct merkle_checkpoint is;
	struct buf line, note;
	struct slice text;
	struct ledger *l;
	struct room r;
	size_t end;

	EXPECT(t, room_init(t, &r));
	r.options.disk = &disk;
	crypto_signer_from_seed(seed, &witness);
	EXPECT(t, note_verifier_of(SLICE("w.test/a"), NOTE_COSIGNATURE, witness.key, &key,
				   &r.why) == ST_OK);
	EXPECT(t, ledger_open(&r.options, &r.a, &l, &r.why) == ST_OK);
	EXPECT(t, append_to(l, 0, 300, &r.why) == ST_OK && ledger_commit(l, &r.why) == ST_OK);
	text = ledger_checkpoint(l);
	end = slice_find(text, SLICE("\n\n"));
	line = buf_in(&r.a);
	note_sign(slice_part(text, 0, end + 1), &key, &witness, 77, &line);
	EXPECT(t, ledger_cosign(l, SLICE("no line\n"), &r.why) == ST_INVALID);
	EXPECT(t, ledger_cosign(l, buf_slice(&line), &r.why) == ST_OK);
	note = buf_in(&r.a);
	buf_add(&note, ledger_checkpoint(l));
	EXPECT(t, slice_ends(buf_slice(&note), buf_slice(&line)));
	off = true; /* the power goes */
	ledger_close(l);
	off = false;
	EXPECT(t, ledger_open(&r.options, &r.a, &l, &r.why) == ST_OK);
	EXPECT_SLICE(t, ledger_checkpoint(l), buf_slice(&note));
	EXPECT(t, merkle_checkpoint_open(ledger_checkpoint(l), &key, &r.a, &is, &r.why) ==
			  ST_REFUSED); /* the witness is not the log */
	EXPECT(t, append_to(l, 300, 301, &r.why) == ST_OK && ledger_commit(l, &r.why) == ST_OK);
	EXPECT(t, slice_find(ledger_checkpoint(l), SLICE("w.test/a")) == SIZE_MAX);
	ledger_close(l);
	EXPECT(t, whole(&r, 301));
	room_done(&r);
}

static void partial_tiles_go_when_the_full_ones_are_durable(struct test *t)
{
	struct ledger *l;
	struct room r;

	EXPECT(t, room_init(t, &r));
	EXPECT(t, ledger_open(&r.options, &r.a, &l, &r.why) == ST_OK);
	for (uint64_t size = 0; size < 300; size += 10) {
		EXPECT(t, append_to(l, size, size + 10, &r.why) == ST_OK);
		EXPECT(t, ledger_commit(l, &r.why) == ST_OK);
	}
	EXPECT(t, os_file_exists(at(&r, "tile/0/000.p/10")));
	EXPECT(t, os_file_exists(at(&r, "tile/entries/000.p/250")));
	ledger_close(l);
	EXPECT(t, !os_file_exists(at(&r, "tile/0/000.p")));
	EXPECT(t, !os_file_exists(at(&r, "tile/entries/000.p")));
	EXPECT(t, os_file_exists(at(&r, "tile/0/001.p/44")));
	EXPECT(t, whole(&r, 300) && provable(&r, 300, 1));
	room_done(&r);
}

/* A reader with an old checkpoint takes the front of tiles that have grown since. */
static void the_front_of_a_full_tile_is_the_partial_one(struct test *t)
{
	struct ledger_source source;
	struct merkle_checkpoint old;
	struct ledger_report report;
	struct note_verifier key;
	struct slice entries[MERKLE_WIDTH], note;
	struct ledger *l;
	struct room r;
	char buf[128];

	EXPECT(t, room_init(t, &r));
	source = (struct ledger_source){.place = slice_of(r.dir)};
	EXPECT(t, note_verifier_parse(buf_slice(&r.key), &key, &r.why) == ST_OK);
	EXPECT(t, ledger_open(&r.options, &r.a, &l, &r.why) == ST_OK);
	EXPECT(t, append_to(l, 0, 100, &r.why) == ST_OK && ledger_commit(l, &r.why) == ST_OK);
	note = arena_copy(&r.a, ledger_checkpoint(l));
	EXPECT(t, append_to(l, 100, 400, &r.why) == ST_OK && ledger_commit(l, &r.why) == ST_OK);
	ledger_close(l);
	EXPECT(t, !os_file_exists(at(&r, "tile/0/000.p/100")));
	EXPECT(t, merkle_checkpoint_open(note, &key, &r.a, &old, &r.why) == ST_OK);
	EXPECT(t, ledger_check_source(&source, &old, &r.a, &report, &r.why) == ST_OK);
	EXPECT(t, report.size == 100 && report.count == 0);
	EXPECT(t, ledger_source_entries(&source, 0, 100, &r.a, entries, &r.why) == ST_OK);
	EXPECT_SLICE(t, entries[99], entry_of(99, buf));
	EXPECT(t, ledger_source_entries(&source, 7, 100, &r.a, entries, &r.why) == ST_CORRUPT);
	room_done(&r);
}

static void logs_of_the_first_version_go_on(struct test *t)
{
	struct ledger *l;
	struct room r;

	EXPECT(t, room_init(t, &r));
	EXPECT(t, ledger_open(&r.options, &r.a, &l, &r.why) == ST_OK);
	EXPECT(t, append_to(l, 0, 300, &r.why) == ST_OK && ledger_commit(l, &r.why) == ST_OK);
	ledger_close(l);
	EXPECT(t, os_file_remove(NULL, at(&r, "journal"), &r.why) == ST_OK);
	EXPECT(t,
	       os_file_put(NULL, at(&r, "dewline-log"), SLICE("dewline log 1\n"), &r.why) == ST_OK);
	EXPECT(t, whole(&r, 300) && recovers(&r, 300));
	EXPECT_SLICE(t, content(&r, "dewline-log"), SLICE("dewline log 2\n"));
	room_done(&r);
}

static void only_names_of_the_layout_are_public(struct test *t)
{
	static const char *const good[] = {"checkpoint",
					   "tile/0/000",
					   "tile/63/x001/x234/067",
					   "tile/entries/999.p/255",
					   "tile/7/001.p/1",
					   "tile/entries/x001/000.p/9"};
	static const char *const bad[] = {"",
					  "lock",
					  "journal",
					  "dewline-log",
					  "tile",
					  "tile/",
					  "tile/0",
					  "tile/0/",
					  "tile/0/00",
					  "tile/0/0000",
					  "tile/64/000",
					  "tile/00/000",
					  "tile/-1/000",
					  "tile/x/000",
					  "tile/0/x000",
					  "tile/0/x00/000",
					  "tile/0/000/",
					  "tile/0/000.p",
					  "tile/0/000.p/",
					  "tile/0/000.p/0",
					  "tile/0/000.p/256",
					  "tile/0/000.p/01",
					  "tile/0/000.p/1/",
					  "tile/0/../../lock",
					  "checkpoint/",
					  "/checkpoint",
					  "checkpoint.new",
					  "tile/0/000.new",
					  "tile//000",
					  "tile/0/x001/x001/x001/x001/x001/x001/x001/000"};

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		if (!ledger_name_public(slice_of(good[i])))
			test_fail(t, __FILE__, __LINE__, "%s is refused", good[i]);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (ledger_name_public(slice_of(bad[i])))
			test_fail(t, __FILE__, __LINE__, "%s is shown", bad[i]);
}

static void every_allocation_may_fail(struct test *t)
{
	enum status st = ST_NOMEM;

	for (size_t after = 1; st != ST_OK; after++) {
		struct arena_pool pool = {.budget = 64 << 20, .fail_after = after};
		struct arena a = {.pool = &pool};
		struct ledger *l = NULL;
		struct room r;

		EXPECT(t, room_init(t, &r) && after < 500);
		st = ledger_open(&r.options, &a, &l, &r.why);
		if (st == ST_OK)
			st = append_to(l, 0, 300, &r.why);
		if (st == ST_OK)
			st = ledger_commit(l, &r.why);
		EXPECT(t, st == ST_OK || st == ST_NOMEM);
		ledger_close(l);
		arena_reset(&a);
		EXPECT_UINT(t, pool.out, 0);
		arena_pool_drain(&pool);
		room_done(&r);
	}
}

TESTS(T(logs_of_many_sizes_are_whole_and_provable), T(any_grouping_gives_the_same_log),
      T(old_checkpoints_are_consistent_with_new_ones), T(entries_have_a_longest_length),
      T(one_writer_and_any_reader), T(other_folders_are_left_alone),
      T(another_key_s_log_is_refused), T(a_log_without_its_checkpoint_is_not_begun_anew),
      T(damage_is_found_and_named), T(a_checkpoint_of_another_root_is_found),
      T(a_list_of_damage_has_an_end), T(a_full_disk_at_any_operation_loses_nothing_acknowledged),
      T(being_killed_at_any_operation_loses_nothing_acknowledged),
      T(what_was_acknowledged_survives_a_loss_of_power),
      T(a_cosigned_checkpoint_stays_cosigned_after_a_crash),
      T(partial_tiles_go_when_the_full_ones_are_durable),
      T(the_front_of_a_full_tile_is_the_partial_one), T(logs_of_the_first_version_go_on),
      T(only_names_of_the_layout_are_public), T(every_allocation_may_fail))
