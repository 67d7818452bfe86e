/* SPDX-License-Identifier: Apache-2.0 */
#include "os/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "test.h"

struct room {
	struct arena_pool pool;
	struct arena a;
	struct fail why;
	const char *dir;
};

static void room_init(struct test *t, struct room *r)
{
	*r = (struct room){.pool = {.budget = 64 << 20}, .dir = test_folder(t)};
	r->a.pool = &r->pool;
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

static void what_was_written_is_read_back(struct test *t)
{
	struct room r;
	struct slice got;
	struct os_map map;
	static uint8_t big[200000];

	room_init(t, &r);
	for (size_t i = 0; i < sizeof big; i++)
		big[i] = (uint8_t)test_rand(t);
	for (size_t n = 0; n <= sizeof big; n = n < 3 ? n + 1 : n * 3) {
		struct slice bytes = {big, n};

		EXPECT(t, os_file_replace(NULL, at(&r, "f"), bytes, &r.why) == ST_OK);
		EXPECT(t, os_file_read(at(&r, "f"), n, &r.a, &got, &r.why) == ST_OK);
		EXPECT(t, slice_equal(got, bytes));
		EXPECT(t, os_file_map(at(&r, "f"), &map, &r.why) == ST_OK);
		EXPECT(t, slice_equal(map.bytes, bytes));
		os_map_done(&map);
		os_map_done(&map);
		if (n > 0)
			EXPECT(t, os_file_read(at(&r, "f"), n - 1, &r.a, &got, &r.why) == ST_LIMIT);
	}
	EXPECT(t, os_file_put(NULL, at(&r, "f"), SLICE("short"), &r.why) == ST_OK);
	EXPECT(t, os_file_read(at(&r, "f"), 100, &r.a, &got, &r.why) == ST_OK);
	EXPECT_SLICE(t, got, SLICE("short"));
	EXPECT(t, !os_file_exists(at(&r, "f.new")));
	room_done(&r);
}

static void pipes_are_read_to_their_end(struct test *t)
{
	struct room r;
	struct slice got;
	char path[32];
	static const uint8_t some[30000] = {7};
	int fds[2];

	room_init(t, &r);
	EXPECT(t, pipe(fds) == 0);
	EXPECT(t, write(fds[1], some, sizeof some) == sizeof some && close(fds[1]) == 0);
	(void)snprintf(path, sizeof path, "/dev/fd/%d", fds[0]);
	EXPECT(t, os_file_read(slice_of(path), 1 << 20, &r.a, &got, &r.why) == ST_OK);
	EXPECT(t, slice_equal(got, (struct slice){some, sizeof some}));
	EXPECT(t, close(fds[0]) == 0);

	EXPECT(t, pipe(fds) == 0);
	EXPECT(t, write(fds[1], some, sizeof some) == sizeof some && close(fds[1]) == 0);
	(void)snprintf(path, sizeof path, "/dev/fd/%d", fds[0]);
	EXPECT(t, os_file_read(slice_of(path), sizeof some - 1, &r.a, &got, &r.why) == ST_LIMIT);
	EXPECT(t, close(fds[0]) == 0);
	room_done(&r);
}

static void standard_input_is_called_dash(struct test *t)
{
	struct room r;
	struct slice got;
	int fds[2], old = dup(STDIN_FILENO);

	room_init(t, &r);
	EXPECT(t, pipe(fds) == 0);
	EXPECT(t, write(fds[1], "abc", 3) == 3 && close(fds[1]) == 0);
	EXPECT(t, dup2(fds[0], STDIN_FILENO) == STDIN_FILENO);
	EXPECT(t, os_file_read(SLICE("-"), 100, &r.a, &got, &r.why) == ST_OK);
	EXPECT_SLICE(t, got, SLICE("abc"));
	EXPECT(t, close(fds[0]) == 0);
	if (old >= 0)
		EXPECT(t, dup2(old, STDIN_FILENO) == STDIN_FILENO && close(old) == 0);
	room_done(&r);
}

static void errors_name_the_file_and_the_cause(struct test *t)
{
	struct room r;
	struct slice got, *names;
	struct os_map map;
	uint64_t size;
	size_t n;

	room_init(t, &r);
	EXPECT(t, os_file_read(SLICE("/none/x"), 9, &r.a, &got, &r.why) == ST_NOTFOUND);
	EXPECT_SLICE(t, slice_of(r.why.text),
		     SLICE("cannot open /none/x: No such file or directory"));
	EXPECT_UINT(t, (unsigned)r.why.sys_errno, ENOENT);
	EXPECT(t, os_file_map(SLICE("/none/x"), &map, &r.why) == ST_NOTFOUND);
	EXPECT(t, os_file_map(slice_of(r.dir), &map, &r.why) == ST_INVALID);
	EXPECT(t, os_file_read(slice_of(r.dir), 9, &r.a, &got, &r.why) == ST_IO);
	EXPECT_UINT(t, (unsigned)r.why.sys_errno, EISDIR);
	EXPECT(t, os_file_size(SLICE("/none/x"), &size, &r.why) == ST_NOTFOUND);
	EXPECT(t, os_dir_list(SLICE("/none"), &r.a, &names, &n, &r.why) == ST_NOTFOUND);
	EXPECT(t, os_file_put(NULL, SLICE("/none/x"), got, &r.why) == ST_NOTFOUND);
	EXPECT(t, os_file_replace(NULL, SLICE("/none/x"), got, &r.why) == ST_NOTFOUND);
	EXPECT(t, os_file_sync(NULL, SLICE("/none/x"), &r.why) == ST_NOTFOUND);
	EXPECT(t, os_file_remove(NULL, SLICE("/none/x"), &r.why) == ST_OK);
	EXPECT(t, os_file_remove(NULL, slice_of(r.dir), &r.why) == ST_IO);
	EXPECT(t, os_file_map(SLICE("a\0b"), &map, &r.why) == ST_INVALID);
	EXPECT(t, !os_file_exists(SLICE("/none/x")) && os_file_exists(slice_of(r.dir)));
	room_done(&r);
}

static void paths_have_a_longest_length(struct test *t)
{
	static uint8_t name[OS_PATH_MAX];
	struct fail why;

	memset(name, 'a', sizeof name);
	EXPECT(t, os_file_sync(NULL, (struct slice){name, OS_PATH_MAX - 1}, &why) == ST_IO);
	EXPECT_UINT(t, (unsigned)why.sys_errno, ENAMETOOLONG);
	EXPECT(t, os_file_sync(NULL, (struct slice){name, OS_PATH_MAX}, &why) == ST_INVALID);
	EXPECT(t, os_file_replace(NULL, (struct slice){name, OS_PATH_MAX - 1}, SLICE(""), &why) ==
			  ST_INVALID); /* no room for the temporary name */
}

static void folders_are_made_and_listed(struct test *t)
{
	struct room r;
	struct slice *names;
	size_t n, made = 9;

	room_init(t, &r);
	EXPECT(t, os_dir_make(NULL, at(&r, "a/b/c"), &made, &r.why) == ST_OK && made == 3);
	EXPECT(t, os_dir_make(NULL, at(&r, "a/b/c/"), &made, &r.why) == ST_OK && made == 0);
	EXPECT(t, os_file_put(NULL, at(&r, "a/z"), SLICE("1"), &r.why) == ST_OK);
	EXPECT(t, os_file_put(NULL, at(&r, "a/A"), SLICE("1"), &r.why) == ST_OK);
	EXPECT(t, os_dir_list(at(&r, "a"), &r.a, &names, &n, &r.why) == ST_OK);
	EXPECT_UINT(t, n, 3);
	EXPECT_SLICE(t, names[0], SLICE("A"));
	EXPECT_SLICE(t, names[1], SLICE("b"));
	EXPECT_SLICE(t, names[2], SLICE("z"));
	EXPECT(t, os_dir_make(NULL, at(&r, "a/z/q"), &made, &r.why) == ST_IO);
	EXPECT(t, os_file_remove(NULL, at(&r, "a/z"), &r.why) == ST_OK);
	EXPECT(t, !os_file_exists(at(&r, "a/z")));
	room_done(&r);
}

static int fail_at(void *ctx, uint64_t number, enum os_op op, struct slice path)
{
	const uint64_t *when = ctx;

	return number == *when ? ENOSPC : 0;
}

static void a_failed_replace_leaves_the_old_file(struct test *t)
{
	struct room r;
	bool done = false;

	room_init(t, &r);
	EXPECT(t, os_file_replace(NULL, at(&r, "f"), SLICE("old"), &r.why) == ST_OK);
	for (uint64_t when = 0; !done; when++) {
		struct os_disk disk = {&when, fail_at, 0};
		struct slice got;
		enum status st = os_file_replace(&disk, at(&r, "f"), SLICE("newer"), &r.why);

		EXPECT(t, os_file_read(at(&r, "f"), 9, &r.a, &got, &r.why) == ST_OK);
		done = st == ST_OK;
		/* create, two writes, sync, rename; and the folder's sync, after which it is new */
		EXPECT_SLICE(t, got, when < 5 ? SLICE("old") : SLICE("newer"));
		EXPECT(t, !os_file_exists(at(&r, "f.new")));
		if (done)
			EXPECT_UINT(t, when, 6);
	}
	room_done(&r);
}

static void every_operation_can_be_made_to_fail(struct test *t)
{
	struct room r;
	uint64_t when = 0;
	struct os_disk disk = {&when, fail_at, 0};
	struct os_lock lock = {0};

	room_init(t, &r);
	EXPECT(t, os_dir_make(&disk, at(&r, "d"), NULL, &r.why) == ST_IO);
	EXPECT(t, strstr(r.why.text, "No space left on device") != NULL);
	EXPECT_UINT(t, (unsigned)r.why.sys_errno, ENOSPC);
	disk.asked = 0;
	EXPECT(t, os_file_put(&disk, at(&r, "f"), SLICE("x"), &r.why) == ST_IO);
	disk.asked = 0;
	EXPECT(t, os_file_remove(&disk, at(&r, "f"), &r.why) == ST_IO);
	disk.asked = 0;
	EXPECT(t, os_file_sync(&disk, slice_of(r.dir), &r.why) == ST_IO);
	disk.asked = 0;
	EXPECT(t, os_disk_sync(&disk, slice_of(r.dir), &r.why) == ST_IO);
	EXPECT(t, os_disk_sync(&disk, slice_of(r.dir), &r.why) == ST_OK);
	EXPECT(t, os_disk_sync(NULL, SLICE("/none"), &r.why) == ST_NOTFOUND);
	disk.asked = 0;
	EXPECT(t, os_lock_take(&disk, at(&r, "l"), &lock, &r.why) == ST_IO);
	disk.asked = 0;
	when = 2; /* the second half */
	EXPECT(t, os_file_put(&disk, at(&r, "f"), SLICE("1234"), &r.why) == ST_IO);
	{
		uint64_t size;

		EXPECT(t, os_file_size(at(&r, "f"), &size, &r.why) == ST_OK && size == 2);
	}
	room_done(&r);
}

static void a_file_grows_at_its_end_and_is_cut(struct test *t)
{
	struct room r;
	struct os_out out = {0}, again = {0};
	struct slice f, got;
	struct stat st;
	uint64_t left;
	char path[OS_PATH_MAX];

	room_init(t, &r);
	(void)snprintf(path, sizeof path, "%s/f", r.dir);
	f = slice_of(path);
	EXPECT(t, os_out_open(NULL, f, 0600, &out, &r.why) == ST_OK && out.bytes == 0);
	EXPECT(t, os_out_write(NULL, &out, SLICE("abcdef"), &r.why) == ST_OK && out.bytes == 6);
	os_out_begin_sync(&out, 0, 6);
	EXPECT(t, os_out_cut(NULL, &out, 4, &r.why) == ST_OK && out.bytes == 4);
	EXPECT(t, os_out_write(NULL, &out, SLICE("gh"), &r.why) == ST_OK);
	EXPECT(t, os_out_open(NULL, f, 0600, &again, &r.why) == ST_OK && again.bytes == 6);
	EXPECT(t, os_out_close(&again, &r.why) == ST_OK && os_out_close(&out, &r.why) == ST_OK);
	EXPECT(t, os_out_close(&out, &r.why) == ST_OK); /* not open is fine */
	EXPECT(t, os_file_read(f, 99, &r.a, &got, &r.why) == ST_OK);
	EXPECT_SLICE(t, got, SLICE("abcdgh"));
	EXPECT(t, stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
	EXPECT(t, os_file_limit(f, 0640, &r.why) == ST_OK);
	EXPECT(t, os_file_give(f, getuid(), getgid(), &r.why) == ST_OK);
	EXPECT(t, stat(path, &st) == 0 && (st.st_mode & 0777) == 0640);
	EXPECT(t, os_file_replace_private(NULL, f, SLICE("x"), &r.why) == ST_OK);
	EXPECT(t, stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
	EXPECT(t, os_disk_free(slice_of(r.dir), &left, &r.why) == ST_OK && left != 0);
	EXPECT(t, os_out_open(NULL, SLICE("/none/f"), 0600, &out, &r.why) == ST_NOTFOUND);
	EXPECT(t, os_disk_free(SLICE("/none"), &left, &r.why) == ST_NOTFOUND);
	EXPECT(t, os_file_limit(SLICE("/none"), 0600, &r.why) == ST_NOTFOUND);
	room_done(&r);
}

/* What a write that failed left is known, so that it can be cut off. */
static void a_write_that_fails_says_how_long_the_file_is(struct test *t)
{
	struct room r;
	struct os_out out = {0};
	uint64_t when = 2; /* create, first half, second half */
	struct os_disk disk = {&when, fail_at, 0};

	room_init(t, &r);
	EXPECT(t, os_out_open(&disk, at(&r, "f"), 0600, &out, &r.why) == ST_OK);
	EXPECT(t, os_out_write(&disk, &out, SLICE("abcdef"), &r.why) == ST_IO);
	EXPECT_UINT(t, out.bytes, 3);
	EXPECT(t, os_out_cut(&disk, &out, 0, &r.why) == ST_OK && out.bytes == 0);
	EXPECT(t, os_out_close(&out, &r.why) == ST_OK);
	room_done(&r);
}

static void one_holder_a_lock(struct test *t)
{
	struct room r;
	struct os_lock a = {0}, b = {0};

	room_init(t, &r);
	EXPECT(t, os_lock_take(NULL, at(&r, "lock"), &a, &r.why) == ST_OK);
	EXPECT(t, os_lock_take(NULL, at(&r, "lock"), &b, &r.why) == ST_REFUSED);
	os_lock_done(&b);
	os_lock_done(&a);
	EXPECT(t, os_lock_take(NULL, at(&r, "lock"), &b, &r.why) == ST_OK);
	os_lock_done(&b);
	EXPECT(t, os_lock_take(NULL, SLICE("/none/lock"), &b, &r.why) == ST_NOTFOUND);
	room_done(&r);
}

static void every_allocation_may_fail(struct test *t)
{
	struct room r;
	struct slice got, *names, f, d;
	size_t n;

	room_init(t, &r);
	f = at(&r, "f");
	d = slice_of(r.dir);
	EXPECT(t, os_file_put(NULL, f, SLICE("abc"), &r.why) == ST_OK);
	r.pool.fail_after = 1;
	{
		struct arena none = {.pool = &r.pool};

		EXPECT(t, os_file_read(f, 9, &none, &got, &r.why) == ST_NOMEM);
		EXPECT(t, os_dir_list(d, &none, &names, &n, &r.why) == ST_NOMEM);
	}
	room_done(&r);
}

TESTS(T(what_was_written_is_read_back), T(pipes_are_read_to_their_end),
      T(standard_input_is_called_dash), T(errors_name_the_file_and_the_cause),
      T(paths_have_a_longest_length), T(folders_are_made_and_listed),
      T(a_failed_replace_leaves_the_old_file), T(every_operation_can_be_made_to_fail),
      T(a_file_grows_at_its_end_and_is_cut), T(a_write_that_fails_says_how_long_the_file_is),
      T(one_holder_a_lock), T(every_allocation_may_fail))
