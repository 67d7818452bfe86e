/* SPDX-License-Identifier: Apache-2.0
 *
 * 1. A line is in one file, whole: a file is only left between two lines.
 * 2. What cannot be opened anew leaves the old file as it is, and is tried again when it is due. */
#include "daemon/eve.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "daemon/fast.h"
#include "os/clock.h"
#include "os/file.h"

enum { LINE_BUDGET = 4 << 20, ROTATED_MAX = 1000000 };

static void broken(struct daemon_eve *e)
{
	if (e->why.status == ST_OK) {
		(void)fail_set(&e->why, ST_IO, "cannot write %.*s: %m", SLICE_ARG(e->path));
		e->why.sys_errno = errno;
	}
}

/* ---- the file ---- */

/* The name by now; false: too long. */
static bool name_make(struct slice pattern, char name[OS_PATH_MAX])
{
	time_t now = (time_t)(os_clock_wall().ns / TIME_NS_PER_S);
	char format[OS_PATH_MAX];
	struct tm tm;

	if (pattern.len == 0 || pattern.len >= OS_PATH_MAX)
		return false;
	memcpy(format, pattern.ptr, pattern.len);
	format[pattern.len] = '\0';
	if (memchr(format, '%', pattern.len) == NULL) {
		memcpy(name, format, pattern.len + 1);
		return true;
	}
	if (localtime_r(&now, &tm) == NULL)
		return false;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	return strftime(name, OS_PATH_MAX, format, &tm) != 0; /* the operator's own words */
#pragma GCC diagnostic pop
}

/* The file, and the folder that it is in if that is not there; -1, and errno. */
static int descriptor_open(const char *name, int flags, mode_t mode)
{
	const char *end = strrchr(name, '/');
	int fd = open(name, flags, mode);
	struct fail why;

	if (fd >= 0 || errno != ENOENT || end == NULL || end == name)
		return fd;
	if (os_dir_make(NULL, (struct slice){(const uint8_t *)name, (size_t)(end - name)}, NULL,
			&why) != ST_OK) {
		errno = why.sys_errno;
		return -1;
	}
	return open(name, flags, mode);
}

/* A file whose last line has its end; NULL, and errno. */
static FILE *file_open(struct daemon_eve *e, const char *name, bool truncate)
{
	mode_t mode = e->o.mode != 0 ? (mode_t)e->o.mode : 0666;
	int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_APPEND | (truncate ? O_TRUNC : 0);
	int fd = descriptor_open(name, flags, mode);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "a+");

	if (f == NULL) {
		if (fd >= 0)
			(void)close(fd);
		return NULL;
	}
	if (e->o.mode != 0 && fchmod(fd, mode) != 0 && errno != EPERM) {
		(void)fclose(f);
		return NULL;
	}
	if (fseek(f, -1, SEEK_END) == 0 && getc(f) != '\n') {
		if (fseek(f, 0, SEEK_END) != 0 || putc('\n', f) == EOF ||
		    fflush(f) != 0) { /* its length is asked for next */
			(void)fclose(f);
			return NULL;
		}
		e->mended = true;
	}
	return f;
}

static void file_take(struct daemon_eve *e, FILE *f, const char *name)
{
	struct stat st;

	if (e->file != NULL && fclose(e->file) != 0)
		broken(e);
	e->file = f;
	e->bytes = fstat(fileno(f), &st) == 0 && st.st_size > 0 ? (uint64_t)st.st_size : 0;
	if (name != e->name)
		memcpy(e->name, name, strlen(name) + 1);
	e->path = slice_of(e->name);
}

/* When the present file is over. */
static struct wall_ns rotation(const struct daemon_eve *e, int64_t now_ns)
{
	int64_t step = (int64_t)e->o.rotate_s * TIME_NS_PER_S, at = now_ns;

	if (step == 0)
		return (struct wall_ns){0};
	if (e->o.rotate_aligned) {
		time_t now = (time_t)(now_ns / TIME_NS_PER_S);
		struct tm tm;

		if (localtime_r(&now, &tm) != NULL)
			at += tm.tm_gmtoff * TIME_NS_PER_S; /* the day begins where we are */
		return (struct wall_ns){now_ns + step - at % step};
	}
	return (struct wall_ns){at + step};
}

void daemon_eve_reopen(struct daemon_eve *e)
{
	char name[OS_PATH_MAX];
	FILE *f;

	if (e->file == NULL)
		return;
	e->rotate_at = rotation(e, os_clock_wall().ns);
	if (!name_make(e->o.path, name))
		return;
	f = file_open(e, name, false);
	if (f == NULL)
		return;
	daemon_eve_push(e);
	file_take(e, f, name);
}

bool daemon_eve_chown(struct daemon_eve *e, unsigned uid, unsigned gid)
{
	return e->file == NULL || fchown(fileno((FILE *)e->file), uid, gid) == 0;
}

/* The file has grown enough: it is NAME.n from now on, with the first n that is free. */
static void move_away(struct daemon_eve *e)
{
	char name[OS_PATH_MAX + 16];

	e->bytes = 0; /* if it cannot be moved, not tried again at once */
	for (unsigned n = 1; n < ROTATED_MAX; n++) {
		(void)snprintf(name, sizeof name, "%s.%u", e->name, n);
		if (link(e->name, name) == 0) { /* unlike rename(), never over another file */
			if (unlink(e->name) == 0)
				daemon_eve_reopen(e);
			return;
		}
		if (errno != EEXIST)
			return;
	}
}

static void rotate_if_due(struct daemon_eve *e)
{
	if (e->o.rotate_bytes != 0 && e->bytes >= e->o.rotate_bytes) {
		daemon_eve_push(e);
		move_away(e);
	}
	if (e->rotate_at.ns != 0 && os_clock_wall().ns >= e->rotate_at.ns)
		daemon_eve_reopen(e);
}

/* ---- life ---- */

enum status daemon_eve_open_as(struct daemon_eve *e, const struct daemon_eve_options *o,
			       struct arena *a, struct fail *why)
{
	struct arena_pool *pool = ARENA_NEW(a, struct arena_pool);
	FILE *f;

	if (pool == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %.*s", SLICE_ARG(o->path));
	pool->budget = LINE_BUDGET;
	*e = (struct daemon_eve){.o = *o, .path = o->path, .pool = pool};
	if (o->nowhere)
		return ST_OK;
	if (o->wire != NULL)
		return daemon_wire_open(o->wire, a, &e->wire, why);
	e->name = ARENA_ARRAY(a, char, OS_PATH_MAX);
	if (e->name == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %.*s", SLICE_ARG(o->path));
	if (!name_make(o->path, e->name))
		return fail_set(why, ST_LIMIT, "%.*s: no name for a file", SLICE_ARG(o->path));
	f = file_open(e, e->name, o->truncate);
	if (f == NULL)
		return fail_set(why, ST_IO, "cannot open %s: %m", e->name);
	file_take(e, f, e->name);
	e->rotate_at = rotation(e, os_clock_wall().ns);
	return ST_OK;
}

enum status daemon_eve_open(struct daemon_eve *e, struct slice path, struct arena *a,
			    struct fail *why)
{
	return daemon_eve_open_as(e, &(struct daemon_eve_options){.path = path}, a, why);
}

/* ---- lines ---- */

void daemon_eve_line(const struct daemon_eve *e, const struct record *r, struct arena *a,
		     struct buf *line)
{
	struct record_field fields[RECORD_FIELDS_MAX];

	if (e->o.form == DAEMON_EVE_FAST && r->kind != RECORD_ALERT)
		return;
	buf_add(line, e->o.prefix);
	if (e->o.form == DAEMON_EVE_FAST)
		daemon_fast_line(r, line);
	else
		record_join(fields, record_fields(r, a, fields), line);
	buf_add_byte(line, '\n');
}

bool daemon_eve_put_bytes(struct daemon_eve *e, struct slice line)
{
	bool ok = true;

	if (e->file != NULL) {
		rotate_if_due(e);
		ok = fwrite(line.ptr, 1, line.len, e->file) == line.len;
		if (!ok)
			broken(e);
		e->bytes += line.len;
	} else if (e->wire != NULL) {
		ok = daemon_wire_put(e->wire, line);
	}
	e->records++;
	return ok;
}

static void put_line(struct daemon_eve *e, const struct buf *line)
{
	if (line->full)
		(void)fail_set(&e->why, ST_NOMEM, "no memory to write a record");
	else if (line->len != 0 && !daemon_eve_put_bytes(e, buf_slice(line)))
		return; /* kept, or counted */
}

void daemon_eve_put_fields(struct daemon_eve *e, const struct record_field *fields, size_t n)
{
	struct arena arena = {.pool = e->pool};
	struct buf line = buf_in(&arena);

	buf_add(&line, e->o.prefix);
	record_join(fields, n, &line);
	buf_add_byte(&line, '\n');
	line.full |= n == 0;
	put_line(e, &line);
	arena_reset(&arena);
}

static void put(void *ctx, const struct record *r)
{
	struct daemon_eve *e = ctx;
	struct arena arena = {.pool = e->pool};
	struct buf line = buf_in(&arena);

	daemon_eve_line(e, r, &arena, &line);
	put_line(e, &line);
	arena_reset(&arena);
}

struct record_sink daemon_eve_sink(struct daemon_eve *e)
{
	return (struct record_sink){e, put};
}

void daemon_eve_push(struct daemon_eve *e)
{
	if (e->file != NULL && fflush(e->file) != 0)
		broken(e);
	if (e->wire != NULL)
		daemon_wire_push(e->wire);
}

enum status daemon_eve_flush(struct daemon_eve *e, struct fail *why)
{
	if (e->file != NULL && (fflush(e->file) != 0 || (fsync(fileno((FILE *)e->file)) != 0 &&
							 errno != EINVAL && errno != EROFS)))
		broken(e);
	if (e->wire != NULL)
		daemon_wire_drain(e->wire);
	if (e->why.status != ST_OK)
		*why = e->why;
	return e->why.status;
}

void daemon_eve_cut(struct daemon_eve *e, uint64_t bytes)
{
	if (e->file == NULL)
		return;
	(void)fflush(e->file); /* what does not fit is cut off all the same */
	__fpurge(e->file);
	if (ftruncate(fileno((FILE *)e->file), (off_t)bytes) != 0)
		broken(e); /* then lines stand there that no leaf is about: commit.c passes them */
	e->bytes = bytes;
}

uint64_t daemon_eve_lost(const struct daemon_eve *e)
{
	return e->wire != NULL ? daemon_wire_lost(e->wire) : 0;
}

void daemon_eve_close(struct daemon_eve *e)
{
	if (e->file != NULL)
		(void)fclose(e->file); /* what matters was flushed and checked before */
	daemon_wire_close(e->wire);
	if (e->pool != NULL)
		arena_pool_drain(e->pool);
	e->file = NULL;
	e->wire = NULL;
	e->pool = NULL;
}
