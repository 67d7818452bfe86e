/* SPDX-License-Identifier: Apache-2.0 */
#include "os/file.h"

#include "base/buf.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { READ_STEP = 64 << 10 }; /* bytes asked of a pipe at once, at first */

struct path {
	char z[OS_PATH_MAX];
};

static enum status failed(struct fail *why, int err, const char *verb, const char *path)
{
	char words[128];
	enum status st = err == ENOENT ? ST_NOTFOUND : ST_IO;

	(void)fail_set(why, st, "cannot %s %s: %s", verb, path,
		       strerror_r(err, words, sizeof words));
	why->sys_errno = err;
	return st;
}

static enum status path_of(struct slice s, struct path *out, struct fail *why)
{
	if (s.len >= sizeof out->z || (s.len != 0 && memchr(s.ptr, 0, s.len) != NULL))
		return fail_set(why, ST_INVALID, "not a path: %zu bytes, or a NUL in it", s.len);
	if (s.len != 0)
		memcpy(out->z, s.ptr, s.len);
	out->z[s.len] = '\0';
	return ST_OK;
}

/* 0, or the errno with which a test wants the next operation to fail. */
static int fault(struct os_disk *d, enum os_op op, const char *path)
{
	uint64_t number;

	if (d == NULL)
		return 0;
	number = d->asked++;
	return d->fault != NULL ? d->fault(d->ctx, number, op, slice_of(path)) : 0;
}

/* --- reading --- */

enum status os_file_map(struct slice name, struct os_map *out, struct fail *why)
{
	struct path path;
	struct stat st;
	enum status status = path_of(name, &path, why);
	void *base = NULL;
	int fd;

	if (status != ST_OK)
		return status;
	fd = open(path.z, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return failed(why, errno, "open", path.z);
	if (fstat(fd, &st) != 0)
		status = failed(why, errno, "look at", path.z);
	else if (!S_ISREG(st.st_mode))
		status = fail_set(why, ST_INVALID, "%s is not a file", path.z);
	else if (st.st_size > 0) {
		base = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (base == MAP_FAILED)
			status = failed(why, errno, "map", path.z);
	}
	(void)close(fd); /* opened for reading: nothing can be lost */
	if (status != ST_OK)
		return status;
	*out = (struct os_map){.bytes = {base, (size_t)st.st_size}};
	return ST_OK;
}

void os_map_done(struct os_map *map)
{
	if (map != NULL && map->bytes.len != 0)
		ASSERT(munmap((void *)(uintptr_t)map->bytes.ptr, map->bytes.len) == 0);
	if (map != NULL)
		*map = (struct os_map){0};
}

/* Reads fd to its end. expect: bytes it is said to have, 0 if not known. */
static enum status read_all(int fd, const char *path, size_t expect, size_t most, struct arena *a,
			    struct slice *out, struct fail *why)
{
	struct buf b = buf_in(a);

	for (;;) {
		size_t step = expect >= b.len && expect - b.len < READ_STEP ? expect - b.len + 1
									    : READ_STEP;
		uint8_t *p = buf_reserve(&b, b.len == 0 && expect != 0 ? expect + 1 : step);
		ssize_t n;

		if (p == NULL)
			return fail_set(why, ST_NOMEM, "no memory to read %s", path);
		n = read(fd, p, b.room - b.len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return failed(why, errno, "read", path);
		buf_grew(&b, (size_t)n);
		if (b.len > most)
			return fail_set(why, ST_LIMIT, "%s has more than %zu bytes", path, most);
		if (n == 0)
			break;
	}
	*out = buf_slice(&b);
	return ST_OK;
}

enum status os_file_read(struct slice name, size_t most, struct arena *a, struct slice *out,
			 struct fail *why)
{
	struct path path;
	struct stat st;
	enum status status = path_of(name, &path, why);
	size_t expect = 0;
	int fd;

	if (status != ST_OK)
		return status;
	if (slice_equal(name, SLICE("-")))
		return read_all(STDIN_FILENO, "standard input", 0, most, a, out, why);
	fd = open(path.z, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return failed(why, errno, "open", path.z);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
		expect = (size_t)st.st_size;
	if (expect > most)
		status = fail_set(why, ST_LIMIT, "%s has more than %zu bytes", path.z, most);
	else
		status = read_all(fd, path.z, expect, most, a, out, why);
	(void)close(fd); /* opened for reading: nothing can be lost */
	return status;
}

bool os_file_exists(struct slice name)
{
	struct path path;
	struct fail why;

	return path_of(name, &path, &why) == ST_OK && access(path.z, F_OK) == 0;
}

enum status os_file_size(struct slice name, uint64_t *out, struct fail *why)
{
	struct path path;
	struct stat st;
	enum status status = path_of(name, &path, why);

	if (status != ST_OK)
		return status;
	if (stat(path.z, &st) != 0)
		return failed(why, errno, "look at", path.z);
	*out = (uint64_t)st.st_size;
	return ST_OK;
}

/* --- writing --- */

static enum status write_all(struct os_disk *d, int fd, const char *path, struct slice bytes,
			     struct fail *why)
{
	struct slice halves[2] = {bytes, {NULL, 0}};

	if (d != NULL && d->fault != NULL) {
		halves[0] = slice_part(bytes, 0, bytes.len / 2);
		halves[1] = slice_from(bytes, bytes.len / 2);
	}
	for (size_t i = 0; i < 2; i++) {
		struct slice rest = halves[i];
		int err = rest.len ? fault(d, OS_OP_WRITE, path) : 0;

		while (err == 0 && rest.len > 0) {
			ssize_t n = write(fd, rest.ptr, rest.len);

			if (n < 0 && errno != EINTR)
				err = errno;
			else if (n > 0)
				rest = slice_from(rest, (size_t)n);
		}
		if (err != 0)
			return failed(why, err, "write", path);
	}
	return ST_OK;
}

static enum status sync_fd(struct os_disk *d, int fd, const char *path, struct fail *why)
{
	int err = fault(d, OS_OP_SYNC, path);

	if (err == 0 && fsync(fd) != 0)
		err = errno;
	return err == 0 ? ST_OK : failed(why, err, "make durable", path);
}

static enum status put(struct os_disk *d, const char *path, struct slice bytes, unsigned mode,
		       bool durable, struct fail *why)
{
	int err = fault(d, OS_OP_CREATE, path);
	int fd = err ? -1 : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	enum status status;

	if (fd < 0)
		return failed(why, err ? err : errno, "create", path);
	status = write_all(d, fd, path, bytes, why);
	if (status == ST_OK && durable)
		status = sync_fd(d, fd, path, why);
	if (close(fd) != 0 && status == ST_OK)
		status = failed(why, errno, "close", path);
	return status;
}

enum status os_file_put(struct os_disk *d, struct slice name, struct slice bytes, struct fail *why)
{
	struct path path;
	enum status status = path_of(name, &path, why);

	return status == ST_OK ? put(d, path.z, bytes, 0666, false, why) : status;
}

static enum status sync_path(struct os_disk *d, struct slice name, int (*sync)(int fd),
			     struct fail *why)
{
	struct path path;
	enum status status = path_of(name, &path, why);
	int fd, err;

	if (status != ST_OK)
		return status;
	fd = open(path.z, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return failed(why, errno, "open", path.z);
	err = fault(d, OS_OP_SYNC, path.z);
	if (err == 0 && sync(fd) != 0)
		err = errno;
	(void)close(fd); /* opened for reading: nothing can be lost */
	return err == 0 ? ST_OK : failed(why, err, "make durable", path.z);
}

enum status os_file_sync(struct os_disk *d, struct slice name, struct fail *why)
{
	return sync_path(d, name, fsync, why);
}

enum status os_disk_sync(struct os_disk *d, struct slice name, struct fail *why)
{
	return sync_path(d, name, syncfs, why);
}

/* The folder that holds a path: "." for a bare name, "/" for what is at the top. */
static struct slice folder_of(struct slice path)
{
	size_t n = path.len;

	while (n > 0 && path.ptr[n - 1] != '/')
		n--;
	if (n == 0)
		return SLICE(".");
	return slice_part(path, 0, n > 1 ? n - 1 : 1);
}

static enum status replace(struct os_disk *d, struct slice name, struct slice bytes, unsigned mode,
			   bool durable, struct fail *why)
{
	struct path path, temp;
	enum status status = path_of(name, &path, why);
	int err;

	if (status != ST_OK)
		return status;
	if (snprintf(temp.z, sizeof temp.z, "%s.new", path.z) >= (int)sizeof temp.z)
		return fail_set(why, ST_INVALID, "not a path: too long");
	status = put(d, temp.z, bytes, mode, durable, why);
	if (status == ST_OK) {
		err = fault(d, OS_OP_RENAME, path.z);
		if (err == 0 && rename(temp.z, path.z) != 0)
			err = errno;
		if (err != 0)
			status = failed(why, err, "replace", path.z);
	}
	if (status != ST_OK) {
		(void)unlink(temp.z); /* only litter; the next replace cuts it to nothing */
		return status;
	}
	return durable ? os_file_sync(d, folder_of(name), why) : ST_OK;
}

enum status os_file_replace(struct os_disk *d, struct slice name, struct slice bytes,
			    struct fail *why)
{
	return replace(d, name, bytes, 0666, true, why);
}

enum status os_file_swap(struct os_disk *d, struct slice name, struct slice bytes, struct fail *why)
{
	return replace(d, name, bytes, 0666, false, why);
}

enum status os_file_replace_private(struct os_disk *d, struct slice name, struct slice bytes,
				    struct fail *why)
{
	return replace(d, name, bytes, 0600, true, why);
}

enum status os_file_remove(struct os_disk *d, struct slice name, struct fail *why)
{
	struct path path;
	enum status status = path_of(name, &path, why);
	int err;

	if (status != ST_OK)
		return status;
	err = fault(d, OS_OP_UNLINK, path.z);
	if (err == 0 && unlink(path.z) != 0 && errno != ENOENT)
		err = errno;
	return err == 0 ? ST_OK : failed(why, err, "remove", path.z);
}

/* --- a file that is written from front to back --- */

static enum status out_fd(struct os_disk *d, struct slice name, int flags, unsigned mode,
			  struct path *path, int *out, struct fail *why)
{
	enum status status = path_of(name, path, why);
	int err, fd;

	if (status != ST_OK)
		return status;
	err = fault(d, OS_OP_CREATE, path->z);
	fd = err ? -1 : open(path->z, O_WRONLY | O_CREAT | O_CLOEXEC | flags, mode);
	if (fd < 0)
		return failed(why, err ? err : errno, "create", path->z);
	*out = fd;
	return ST_OK;
}

enum status os_out_over(struct os_disk *d, struct slice name, unsigned mode, struct os_out *out,
			struct fail *why)
{
	struct path path;
	int fd;
	enum status status = out_fd(d, name, 0, mode, &path, &fd, why);

	if (status == ST_OK)
		*out = (struct os_out){fd + 1, name, 0};
	return status;
}

enum status os_out_rewind(struct os_out *out, struct fail *why)
{
	if (lseek(out->fd_plus_1 - 1, 0, SEEK_SET) != 0)
		return fail_set(why, ST_IO, "cannot go to the front of %.*s: %m",
				SLICE_ARG(out->path));
	out->bytes = 0;
	return ST_OK;
}

enum status os_out_sync(struct os_disk *d, struct os_out *out, struct fail *why)
{
	struct path path;
	enum status status = path_of(out->path, &path, why);
	int err;

	if (status != ST_OK)
		return status;
	err = fault(d, OS_OP_SYNC, path.z);
	if (err == 0 && fdatasync(out->fd_plus_1 - 1) != 0)
		err = errno;
	return err == 0 ? ST_OK : failed(why, err, "make durable", path.z);
}

enum status os_out_open(struct os_disk *d, struct slice name, unsigned mode, struct os_out *out,
			struct fail *why)
{
	struct path path;
	struct stat st;
	int fd;
	enum status status = out_fd(d, name, O_APPEND, mode, &path, &fd, why);

	if (status != ST_OK)
		return status;
	if (fstat(fd, &st) != 0) {
		status = failed(why, errno, "look at", path.z);
		(void)close(fd); /* nothing was written to it */
		return status;
	}
	*out = (struct os_out){fd + 1, name, (uint64_t)st.st_size};
	return ST_OK;
}

enum status os_out_write(struct os_disk *d, struct os_out *out, struct slice bytes,
			 struct fail *why)
{
	struct path path;
	struct stat st;
	enum status status = path_of(out->path, &path, why);

	if (status == ST_OK)
		status = write_all(d, out->fd_plus_1 - 1, path.z, bytes, why);
	if (status == ST_OK)
		out->bytes += bytes.len;
	else if (fstat(out->fd_plus_1 - 1, &st) == 0)
		out->bytes = (uint64_t)st.st_size;
	return status;
}

enum status os_out_cut(struct os_disk *d, struct os_out *out, uint64_t bytes, struct fail *why)
{
	struct path path;
	enum status status = path_of(out->path, &path, why);
	int err;

	if (status != ST_OK)
		return status;
	err = fault(d, OS_OP_WRITE, path.z);
	if (err == 0 && ftruncate(out->fd_plus_1 - 1, (off_t)bytes) != 0)
		err = errno;
	if (err != 0)
		return failed(why, err, "cut", path.z);
	out->bytes = bytes;
	return ST_OK;
}

void os_out_begin_sync(struct os_out *out, uint64_t from, uint64_t bytes)
{
	/* a hint: who does not know it writes later */
	(void)sync_file_range(out->fd_plus_1 - 1, (off64_t)from, (off64_t)bytes,
			      SYNC_FILE_RANGE_WRITE);
}

enum status os_out_close(struct os_out *out, struct fail *why)
{
	struct path path;
	enum status status = path_of(out->path, &path, why);

	if (status == ST_OK && out->fd_plus_1 != 0 && close(out->fd_plus_1 - 1) != 0)
		status = failed(why, errno, "close", path.z);
	*out = (struct os_out){0};
	return status;
}

enum status os_disk_free(struct slice name, uint64_t *out, struct fail *why)
{
	struct path path;
	struct statvfs st;
	enum status status = path_of(name, &path, why);

	if (status != ST_OK)
		return status;
	if (statvfs(path.z, &st) != 0)
		return failed(why, errno, "look at the disk of", path.z);
	*out = (uint64_t)st.f_bavail * st.f_frsize;
	return ST_OK;
}

enum status os_file_limit(struct slice name, unsigned mode, struct fail *why)
{
	struct path path;
	enum status status = path_of(name, &path, why);

	if (status == ST_OK && chmod(path.z, mode) != 0)
		status = failed(why, errno, "set the permissions of", path.z);
	return status;
}

enum status os_file_give(struct slice name, unsigned uid, unsigned gid, struct fail *why)
{
	struct path path;
	enum status status = path_of(name, &path, why);

	if (status == ST_OK && chown(path.z, uid, gid) != 0)
		status = failed(why, errno, "give to its user", path.z);
	return status;
}

/* --- folders --- */

enum status os_dir_make(struct os_disk *d, struct slice name, size_t *out_made, struct fail *why)
{
	struct path path;
	enum status status = path_of(name, &path, why);
	size_t made = 0;

	if (status != ST_OK)
		return status;
	for (size_t at = 1; at <= name.len; at++) {
		struct slice head = slice_part(name, 0, at);
		struct stat st;
		int err = 0;

		if (at < name.len && name.ptr[at] != '/')
			continue;
		path.z[at] = '\0';
		if (stat(path.z, &st) != 0) {
			err = fault(d, OS_OP_MKDIR, path.z);
			if (err == 0 && mkdir(path.z, 0777) != 0 && errno != EEXIST)
				err = errno;
			if (err == 0)
				status = os_file_sync(d, folder_of(head), why);
			made++;
		} else if (!S_ISDIR(st.st_mode)) {
			err = ENOTDIR;
		}
		if (err != 0)
			return failed(why, err, "make folder", path.z);
		if (status != ST_OK)
			return status;
		if (at < name.len)
			path.z[at] = '/';
	}
	if (out_made != NULL)
		*out_made = made;
	return ST_OK;
}

static int by_name(const void *a, const void *b)
{
	return slice_compare(*(const struct slice *)a, *(const struct slice *)b);
}

enum status os_dir_list(struct slice name, struct arena *a, struct slice **out, size_t *out_count,
			struct fail *why)
{
	struct path path;
	enum status status = path_of(name, &path, why);
	struct slice *names = NULL;
	size_t n = 0, room = 0;
	struct dirent *e;
	DIR *dir;

	if (status != ST_OK)
		return status;
	dir = opendir(path.z);
	if (dir == NULL)
		return failed(why, errno, "open folder", path.z);
	while (errno = 0, (e = readdir(dir)) != NULL) {
		struct slice s = slice_of(e->d_name), copy;

		if (slice_equal(s, SLICE(".")) || slice_equal(s, SLICE("..")))
			continue;
		copy = arena_copy(a, s);
		if (copy.ptr == NULL || !ARENA_PUSH(a, names, n, room, copy)) {
			status = fail_set(why, ST_NOMEM, "no memory to list %s", path.z);
			break;
		}
	}
	if (status == ST_OK && errno != 0)
		status = failed(why, errno, "list", path.z);
	(void)closedir(dir); /* opened for reading: nothing can be lost */
	if (status != ST_OK)
		return status;
	if (n != 0)
		qsort(names, n, sizeof *names, by_name);
	*out = names;
	*out_count = n;
	return ST_OK;
}

enum status os_dir_remove(struct os_disk *d, struct slice name, struct arena *scratch,
			  struct fail *why)
{
	struct path path;
	struct slice *names;
	size_t n;
	enum status status = os_dir_list(name, scratch, &names, &n, why);
	int err;

	if (status == ST_NOTFOUND)
		return ST_OK;
	for (size_t i = 0; i < n && status == ST_OK; i++) {
		struct buf file = buf_in(scratch);

		buf_add(&file, name);
		buf_add_byte(&file, '/');
		buf_add(&file, names[i]);
		status = file.full ? fail_set(why, ST_NOMEM, "no memory to remove files")
				   : os_file_remove(d, buf_slice(&file), why);
	}
	if (status == ST_OK)
		status = path_of(name, &path, why);
	if (status != ST_OK)
		return status;
	err = fault(d, OS_OP_UNLINK, path.z);
	if (err == 0 && rmdir(path.z) != 0 && errno != ENOENT)
		err = errno;
	return err == 0 ? ST_OK : failed(why, err, "remove folder", path.z);
}

/* --- locks --- */

enum status os_lock_take(struct os_disk *d, struct slice name, struct os_lock *out,
			 struct fail *why)
{
	struct path path;
	enum status status = path_of(name, &path, why);
	int fd, err;

	if (status != ST_OK)
		return status;
	err = fault(d, OS_OP_LOCK, path.z);
	fd = err ? -1 : open(path.z, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0)
		return failed(why, err ? err : errno, "open", path.z);
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		err = errno;
		(void)close(fd); /* nothing was written to it */
		if (err == EWOULDBLOCK)
			return fail_set(why, ST_REFUSED, "%s is held by another process", path.z);
		return failed(why, err, "lock", path.z);
	}
	out->fd_plus_1 = fd + 1;
	return ST_OK;
}

void os_lock_done(struct os_lock *lock)
{
	if (lock != NULL && lock->fd_plus_1 != 0) {
		(void)close(lock->fd_plus_1 - 1); /* nothing was written to it */
		lock->fd_plus_1 = 0;
	}
}
