/* SPDX-License-Identifier: Apache-2.0 */
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STEP = 4096 }; /* bytes written at once */

static enum status failed(struct fail *why, int err, const char *verb, struct slice path)
{
	char words[128];

	(void)fail_set(why, err == ENOENT ? ST_NOTFOUND : ST_IO, "cannot %s %.*s: %s", verb,
		       SLICE_ARG(path), strerror_r(err, words, sizeof words));
	why->sys_errno = err;
	return why->status;
}

static enum status path_of(struct slice s, char out[OS_PATH_MAX], struct fail *why)
{
	if (s.len == 0 || s.len >= OS_PATH_MAX || memchr(s.ptr, 0, s.len) != NULL)
		return fail_set(why, ST_INVALID, "not a path: %zu bytes, or a NUL in it", s.len);
	memcpy(out, s.ptr, s.len);
	out[s.len] = '\0';
	return ST_OK;
}

static int fault(struct os_disk *d, enum os_op op, struct slice path)
{
	uint64_t number;

	if (d == NULL)
		return 0;
	number = d->asked++;
	return d->fault != NULL ? d->fault(d->ctx, number, op, path) : 0;
}

/* 0 or an errno. */
static int blank(struct os_disk *d, int fd, struct slice path, struct os_span span, uint8_t with)
{
	uint8_t bytes[STEP];
	int err = span.bytes ? fault(d, OS_OP_WRITE, path) : 0;

	memset(bytes, with, sizeof bytes);
	while (err == 0 && span.bytes > 0) {
		size_t want = span.bytes < STEP ? (size_t)span.bytes : STEP;
		ssize_t n = pwrite(fd, bytes, want, (off_t)span.from);

		if (n < 0 && errno != EINTR)
			err = errno;
		if (n > 0) {
			span.from += (uint64_t)n;
			span.bytes -= (uint64_t)n;
		}
	}
	return err;
}

static bool within(const struct os_span *s, uint64_t size)
{
	return s->from <= size && s->bytes <= size - s->from;
}

enum status os_file_blank(struct os_disk *disk, struct slice path, const struct os_span *spans,
			  size_t n, uint8_t with, struct fail *why)
{
	char z[OS_PATH_MAX];
	struct stat st;
	enum status status = path_of(path, z, why);
	int fd, err = 0;

	if (status != ST_OK)
		return status;
	fd = open(z, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return failed(why, errno, "open", path);
	if (fstat(fd, &st) != 0)
		err = errno;
	for (size_t i = 0; i < n && err == 0; i++)
		err = within(&spans[i], (uint64_t)st.st_size)
			      ? blank(disk, fd, path, spans[i], with)
			      : EINVAL;
	if (err == 0)
		err = fault(disk, OS_OP_SYNC, path);
	if (err == 0 && fsync(fd) != 0)
		err = errno;
	if (close(fd) != 0 && err == 0)
		err = errno;
	return err == 0 ? ST_OK : failed(why, err, "blank", path);
}

enum status os_file_destroy(struct os_disk *disk, struct slice path, struct fail *why)
{
	struct os_span all = {0};
	struct slice folder = path;
	enum status st = os_file_size(path, &all.bytes, why);

	if (st == ST_NOTFOUND)
		return ST_OK;
	if (st == ST_OK)
		st = os_file_blank(disk, path, &all, 1, 0, why);
	if (st == ST_OK)
		st = os_file_remove(disk, path, why);
	if (st != ST_OK)
		return st;
	while (folder.len > 0 && folder.ptr[folder.len - 1] != '/')
		folder.len--;
	return os_file_sync(disk, folder.len ? folder : SLICE("."), why);
}

enum status os_entry_look(struct slice path, struct os_entry *out, struct fail *why)
{
	char z[OS_PATH_MAX];
	struct stat st;
	enum status status = path_of(path, z, why);

	if (status != ST_OK)
		return status;
	if (lstat(z, &st) != 0)
		return failed(why, errno, "look at", path);
	*out = (struct os_entry){
		.is_folder = S_ISDIR(st.st_mode),
		.is_file = S_ISREG(st.st_mode),
		.changed = {st.st_mtim.tv_sec * TIME_NS_PER_S + st.st_mtim.tv_nsec},
		.bytes = (uint64_t)st.st_size};
	return ST_OK;
}
