/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/file.h"
#include "test.h"

struct room {
	struct arena_pool pool;
	struct arena a;
	struct fail why;
	char path[320];
};

static struct slice room_init(struct room *r, struct test *t, const char *text)
{
	*r = (struct room){.pool = {.budget = 1 << 20}};
	r->a.pool = &r->pool;
	(void)snprintf(r->path, sizeof r->path, "%s/file", test_folder(t));
	ASSERT(os_file_put(NULL, slice_of(r->path), slice_of(text), &r->why) == ST_OK);
	return slice_of(r->path);
}

static struct slice content(struct room *r)
{
	struct slice s = {NULL, 0};

	ASSERT(os_file_read(slice_of(r->path), 1 << 16, &r->a, &s, &r->why) == ST_OK);
	return s;
}

static void room_done(struct room *r)
{
	arena_reset(&r->a);
	arena_pool_drain(&r->pool);
}

static void spans_are_blanked_where_they_are(struct test *t)
{
	static const struct os_span two[] = {{0, 2}, {5, 3}, {10, 0}};
	struct stat before, after;
	struct room r;
	struct slice path = room_init(&r, t, "0123456789");

	EXPECT(t, stat(r.path, &before) == 0);
	EXPECT(t, os_file_blank(NULL, path, two, 3, ' ', &r.why) == ST_OK);
	EXPECT_SLICE(t, content(&r), SLICE("  234   89"));
	EXPECT(t, stat(r.path, &after) == 0 && before.st_ino == after.st_ino);
	room_done(&r);
}

static void spans_beyond_the_file_are_refused(struct test *t)
{
	static const struct os_span bad[] = {
		{0, 11}, {10, 1}, {11, 0}, {UINT64_MAX, 2}, {2, UINT64_MAX}};
	struct room r;
	struct slice path = room_init(&r, t, "0123456789");

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		EXPECT(t, os_file_blank(NULL, path, &bad[i], 1, ' ', &r.why) == ST_IO);
		EXPECT(t, r.why.sys_errno == EINVAL);
	}
	EXPECT_SLICE(t, content(&r), SLICE("0123456789"));
	room_done(&r);
}

/* Behind another name for the same bytes one sees what unlink() alone would have left. */
static void what_is_destroyed_was_blanked_before(struct test *t)
{
	char other[340];
	struct room r;
	struct slice path = room_init(&r, t, "secret");

	(void)snprintf(other, sizeof other, "%s-2", r.path);
	EXPECT(t, link(r.path, other) == 0);
	EXPECT(t, os_file_destroy(NULL, path, &r.why) == ST_OK);
	EXPECT(t, !os_file_exists(path));
	EXPECT(t, rename(other, r.path) == 0);
	EXPECT_SLICE(t, content(&r), SLICE("\0\0\0\0\0\0"));
	EXPECT(t, os_file_destroy(NULL, SLICE("/nonexistent/x"), &r.why) == ST_OK);
	room_done(&r);
}

static int fail_at(void *ctx, uint64_t number, enum os_op op, struct slice path)
{
	return number == *(const uint64_t *)ctx ? EIO : 0;
}

/* Nothing is removed that was not blanked durably. */
static void any_operation_may_fail(struct test *t)
{
	enum status st = ST_IO;

	for (uint64_t at = 0; st != ST_OK; at++) {
		struct os_disk disk = {.ctx = &at, .fault = fail_at};
		struct room r;
		struct slice path = room_init(&r, t, "secret");

		st = os_file_destroy(&disk, path, &r.why);
		EXPECT(t, at < 10 && (st == ST_OK || st == ST_IO));
		if (at == 0) /* the write */
			EXPECT_SLICE(t, content(&r), SLICE("secret"));
		if (at <= 2) /* and its sync, and unlink */
			EXPECT(t, os_file_exists(path));
		room_done(&r);
	}
}

static void links_are_not_followed(struct test *t)
{
	static const struct os_span one = {0, 1};
	struct os_entry e;
	char other[340];
	struct room r;
	struct slice path = room_init(&r, t, "secret");

	EXPECT(t, os_entry_look(path, &e, &r.why) == ST_OK && e.is_file && !e.is_folder);
	EXPECT(t, e.changed.ns > 0);
	(void)snprintf(other, sizeof other, "%s-link", r.path);
	EXPECT(t, symlink(r.path, other) == 0);
	EXPECT(t,
	       os_entry_look(slice_of(other), &e, &r.why) == ST_OK && !e.is_file && !e.is_folder);
	EXPECT(t, os_file_blank(NULL, slice_of(other), &one, 1, ' ', &r.why) == ST_IO);
	EXPECT_SLICE(t, content(&r), SLICE("secret"));
	EXPECT(t, os_entry_look(SLICE("/nonexistent"), &e, &r.why) == ST_NOTFOUND);
	room_done(&r);
}

TESTS(T(spans_are_blanked_where_they_are), T(spans_beyond_the_file_are_refused),
      T(what_is_destroyed_was_blanked_before), T(any_operation_may_fail), T(links_are_not_followed))
