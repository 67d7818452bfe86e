/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/file/file.h"

#include "crypto/crypto.h"
#include "test.h"

enum { BUDGET = 8 << 20 };

struct shelf { /* a store in memory */
	struct buf bytes;
	bool refuse, done;
	unsigned opened;
};

static void *shelf_open(void *ctx, const struct file *f)
{
	struct shelf *s = ctx;

	s->opened++;
	return s->refuse ? NULL : s;
}

static void shelf_data(void *ctx, void *handle, struct slice bytes)
{
	struct shelf *s = handle;

	ASSERT(ctx == handle && !s->done);
	buf_add(&s->bytes, bytes);
}

static bool shelf_close(void *ctx, void *handle, const struct file *f)
{
	struct shelf *s = handle;

	s->done = true;
	return ctx == handle;
}

struct world {
	struct arena_pool pool;
	struct arena arena;
	struct file_set set;
	struct shelf shelf;
	struct file_store sink;
	struct file_setup setup;
	uint32_t ids;
};

static void world_start(struct world *w)
{
	*w = (struct world){.pool = {.budget = BUDGET}};
	w->arena.pool = &w->pool;
	w->shelf.bytes = buf_in(&w->arena);
	w->sink = (struct file_store){&w->shelf, shelf_open, shelf_data, shelf_close};
	w->setup = (struct file_setup){
		.hashes = FILE_MD5 | FILE_SHA1 | FILE_SHA256, .sink = &w->sink, .ids = &w->ids};
}

static void world_done(struct world *w)
{
	arena_reset(&w->arena);
	arena_pool_drain(&w->pool);
}

static void a_file_is_hashed_and_kept(struct test *t)
{
	uint8_t md5[16], sha1[20], sha256[32];
	struct world w;
	struct file *f;

	world_start(&w);
	f = file_open(&w.set, &w.setup, &w.arena, SLICE("a.b/c.txt"));
	EXPECT(t, f != NULL && file_current(&w.set) == f);
	file_data(f, SLICE("hello "));
	file_data(f, SLICE("world"));
	EXPECT_UINT(t, f->hashes, 0);
	file_close(f, FILE_CLOSED);
	file_close(f, FILE_ERROR); /* only the first counts */
	file_data(f, SLICE("late"));
	EXPECT(t, f->state == FILE_CLOSED && file_current(&w.set) == NULL);
	EXPECT_UINT(t, f->size, 11);
	EXPECT_SLICE(t, buf_slice(&f->kept), SLICE("hello world"));
	EXPECT_SLICE(t, file_extension(f), SLICE("txt"));
	crypto_md5_of(SLICE("hello world"), md5);
	crypto_sha1_of(SLICE("hello world"), sha1);
	crypto_sha256_of(SLICE("hello world"), sha256);
	EXPECT(t, memcmp(f->md5, md5, 16) == 0 && memcmp(f->sha1, sha1, 20) == 0);
	EXPECT(t, memcmp(f->sha256, sha256, 32) == 0);
	world_done(&w);
}

static void a_hole_ends_what_is_kept_and_is_said(struct test *t)
{
	struct world w;
	struct file *f;

	world_start(&w);
	f = file_open(&w.set, &w.setup, &w.arena, SLICE(""));
	file_data(f, SLICE("abc"));
	file_gap(f, 0);
	EXPECT(t, !f->gaps);
	file_gap(f, 1000);
	file_data(f, SLICE("def"));
	file_close(f, FILE_CLOSED);
	EXPECT(t, f->gaps && f->state == FILE_TRUNCATED);
	EXPECT_UINT(t, f->size, 1006);
	EXPECT_UINT(t, f->seen, 6);
	EXPECT_SLICE(t, buf_slice(&f->kept), SLICE("abc"));
	EXPECT(t, f->name.len == 0 && file_extension(f).len == 0);
	world_done(&w);
}

static void only_so_much_is_kept(struct test *t)
{
	static const struct slice bytes = {(const uint8_t *)"0123456789", 10};

	for (size_t n = 9; n <= 11; n++) {
		struct world w;
		struct file *f;

		world_start(&w);
		w.setup.keep_most = 10;
		f = file_open(&w.set, &w.setup, &w.arena, SLICE("x"));
		for (size_t i = 0; i < n; i++)
			file_data(f, slice_part(bytes, i % 10, 1));
		EXPECT_UINT(t, f->kept.len, n < 10 ? n : 10);
		EXPECT_UINT(t, f->size, n);
		file_want(f, 7); /* from 11 on its beginning is not all that went by */
		EXPECT(t, f->unstorable == (n > 10));
		EXPECT_UINT(t, w.shelf.opened, n <= 10);
		world_done(&w);
	}
}

static void what_is_wanted_is_stored_from_its_first_byte(struct test *t)
{
	struct world w;
	struct file *f;

	world_start(&w);
	w.setup.store_most = 8;
	f = file_open(&w.set, &w.setup, &w.arena, SLICE("x"));
	file_data(f, SLICE("abc"));
	file_want(f, 1);
	file_want(f, 2);
	file_want(f, 1);
	file_data(f, SLICE("defghijk"));
	EXPECT(t, !w.shelf.done && !f->stored);
	file_close(f, FILE_CLOSED);
	EXPECT(t, w.shelf.done && f->stored);
	EXPECT_SLICE(t, buf_slice(&w.shelf.bytes), SLICE("abcdefgh"));
	EXPECT_UINT(t, w.shelf.opened, 1);
	EXPECT_UINT(t, f->id, 1);
	EXPECT_UINT(t, f->sid_count, 2);
	world_done(&w);

	world_start(&w); /* after its end, from what is kept */
	f = file_open(&w.set, &w.setup, &w.arena, SLICE("x"));
	file_data(f, SLICE("abc"));
	file_close(f, FILE_CLOSED);
	file_want(f, 1);
	EXPECT(t, f->stored);
	EXPECT_SLICE(t, buf_slice(&w.shelf.bytes), SLICE("abc"));
	world_done(&w);

	world_start(&w); /* refused once is refused for good */
	w.shelf.refuse = true;
	f = file_open(&w.set, &w.setup, &w.arena, SLICE("x"));
	file_want(f, 1);
	file_want(f, 2);
	file_data(f, SLICE("abc"));
	file_close(f, FILE_CLOSED);
	EXPECT(t, f->unstorable && !f->stored);
	EXPECT_UINT(t, w.shelf.opened, 1);
	world_done(&w);
}

static void a_transaction_has_so_many_files(struct test *t)
{
	struct world w;

	world_start(&w);
	w.setup = (struct file_setup){0};
	for (int i = 0; i < FILE_PER_TX_MAX; i++)
		EXPECT(t, file_open(&w.set, &w.setup, &w.arena, SLICE("n")) != NULL);
	EXPECT(t, file_open(&w.set, &w.setup, &w.arena, SLICE("n")) == NULL);
	EXPECT_UINT(t, w.set.count, FILE_PER_TX_MAX);
	file_set_close(&w.set, FILE_TRUNCATED);
	for (const struct file *f = w.set.first; f != NULL; f = f->next)
		EXPECT(t, f->state == FILE_TRUNCATED && f->hashes == 0);
	world_done(&w);
}

static void types_are_told_once_there_is_enough(struct test *t)
{
	struct file_magic *types;
	struct world w;
	struct file *f;

	world_start(&w);
	types = file_magic_open(SLICE(""), &w.arena);
	if (types == NULL) {
		test_skip(t, "libmagic's table is not installed");
		world_done(&w);
		return;
	}
	w.setup.types = types;
	f = file_open(&w.set, &w.setup, &w.arena, SLICE("x"));
	file_data(f, SLICE("%PDF-1.4\n"));
	EXPECT(t, file_type(f).len == 0);
	file_close(f, FILE_CLOSED);
	EXPECT(t, slice_starts(file_type(f), SLICE("PDF document")));
	f = file_open(&w.set, &w.setup, &w.arena, SLICE("y"));
	for (int i = 0; i < FILE_MAGIC_BYTES; i++) {
		EXPECT(t, file_type(f).len == 0);
		file_data(f, SLICE("a"));
	}
	EXPECT(t, slice_starts(file_type(f), SLICE("ASCII text")));
	file_magic_close(types);
	EXPECT(t, file_magic_open(SLICE("/nowhere"), &w.arena) == NULL);
	world_done(&w);
}

static void no_memory_leaves_out_and_goes_on(struct test *t)
{
	for (size_t fail = 1; fail < 12; fail++) {
		struct world w;
		struct file *f;

		world_start(&w);
		w.pool.fail_after = fail;
		f = file_open(&w.set, &w.setup, &w.arena, SLICE("x"));
		for (int i = 0; f != NULL && i < 5000; i++)
			file_data(f, SLICE("0123456789"));
		if (f != NULL) {
			file_close(f, FILE_CLOSED);
			EXPECT_UINT(t, f->size, 50000);
		}
		world_done(&w);
		EXPECT_UINT(t, w.pool.out, 0);
	}
}

TESTS(T(a_file_is_hashed_and_kept), T(a_hole_ends_what_is_kept_and_is_said),
      T(only_so_much_is_kept), T(what_is_wanted_is_stored_from_its_first_byte),
      T(a_transaction_has_so_many_files), T(types_are_told_once_there_is_enough),
      T(no_memory_leaves_out_and_goes_on))
