/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/eve.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"

enum { LINE_BUDGET = 4 << 20, FILE_BUFFER = 1 << 16 };

static void broken(struct daemon_eve *e)
{
	if (e->why.status == ST_OK) {
		(void)fail_set(&e->why, ST_IO, "cannot write %.*s: %m", SLICE_ARG(e->path));
		e->why.sys_errno = errno;
	}
}

enum status daemon_eve_open(struct daemon_eve *e, struct slice path, struct arena *a,
			    struct fail *why)
{
	const char *z = arena_copy_z(a, path);
	struct arena_pool *pool = ARENA_NEW(a, struct arena_pool);
	FILE *f = z && pool ? fopen(z, "ae+") : NULL;

	if (f == NULL)
		return fail_set(why, ST_IO, "cannot open %.*s: %m", SLICE_ARG(path));
	pool->budget = LINE_BUDGET;
	*e = (struct daemon_eve){.file = f, .path = path, .pool = pool};
	if (fseek(f, -1, SEEK_END) == 0 && getc(f) != '\n' &&
	    (fseek(f, 0, SEEK_END) != 0 || putc('\n', f) == EOF))
		broken(e);
	return ST_OK;
}

void daemon_eve_put_fields(struct daemon_eve *e, const struct record_field *fields, size_t n)
{
	struct arena arena = {.pool = e->pool};
	struct buf line = buf_in(&arena);

	record_join(fields, n, &line);
	buf_add_byte(&line, '\n');
	if (line.full || n == 0)
		(void)fail_set(&e->why, ST_NOMEM, "no memory to write a record");
	else if (fwrite(line.ptr, 1, line.len, e->file) != line.len)
		broken(e);
	e->records++;
	arena_reset(&arena);
}

static void put(void *ctx, const struct record *r)
{
	struct daemon_eve *e = ctx;
	struct record_field fields[RECORD_FIELDS_MAX];
	struct arena arena = {.pool = e->pool};

	daemon_eve_put_fields(e, fields, record_fields(r, &arena, fields));
	arena_reset(&arena);
}

struct record_sink daemon_eve_sink(struct daemon_eve *e)
{
	return (struct record_sink){e, put};
}

enum status daemon_eve_flush(struct daemon_eve *e, struct fail *why)
{
	if (fflush(e->file) != 0 ||
	    (fsync(fileno((FILE *)e->file)) != 0 && errno != EINVAL && errno != EROFS))
		broken(e);
	if (e->why.status != ST_OK)
		*why = e->why;
	return e->why.status;
}

void daemon_eve_close(struct daemon_eve *e)
{
	if (e->file == NULL)
		return;
	(void)fclose(e->file); /* what matters was flushed and checked before */
	arena_pool_drain(e->pool);
	e->file = NULL;
}
