/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/store.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "crypto/crypto.h"
#include "daemon/daemon_priv.h"
#include "os/file.h"

enum { OPEN_DEFAULT = 128, FOLDERS = 256, NAME_BYTES = 24 };

struct daemon_store_file {
	struct daemon_store_file *next;
	char path[OS_PATH_MAX];
	FILE *stream; /* NULL: opened for each piece */
	bool broken;
};

/* errno says why. */
static void count_error(struct daemon_store *s)
{
	atomic_store(&s->error, errno);
	atomic_fetch_add(&s->errors, 1);
}

static void broken(struct daemon_store *s, struct daemon_store_file *f)
{
	if (!f->broken)
		count_error(s);
	f->broken = true;
}

static void *put_open(void *ctx, const struct file *file)
{
	struct daemon_store *s = ctx;
	struct daemon_store_file *f = s->free;

	if (f != NULL)
		s->free = f->next;
	else
		f = ARENA_NEW(s->arena, struct daemon_store_file);
	if (f == NULL) {
		errno = ENOMEM;
		count_error(s);
		return NULL;
	}
	f->broken = false;
	f->stream = NULL;
	(void)snprintf(f->path, sizeof f->path, "%.*s/tmp/%u", SLICE_ARG(s->dir), file->id);
	f->stream = fopen(f->path, "wbe");
	if (f->stream == NULL)
		broken(s, f);
	if (f->stream != NULL && s->open >= s->open_most) {
		if (fclose(f->stream) != 0)
			broken(s, f);
		f->stream = NULL;
	}
	s->open += f->stream != NULL;
	return f;
}

static void put_data(void *ctx, void *handle, struct slice bytes)
{
	struct daemon_store *s = ctx;
	struct daemon_store_file *f = handle;
	FILE *stream = f->stream != NULL ? f->stream : f->broken ? NULL : fopen(f->path, "abe");

	if (f->broken)
		return;
	if (stream == NULL || fwrite(bytes.ptr, 1, bytes.len, stream) != bytes.len)
		broken(s, f);
	if (stream != NULL && f->stream == NULL && fclose(stream) != 0)
		broken(s, f);
}

/* Takes its place by its name; a file of that name has these bytes. */
static bool settle(struct daemon_store *s, const struct daemon_store_file *f,
		   const struct file *file)
{
	char hex[2 * CRYPTO_SHA256_BYTES], path[OS_PATH_MAX];
	struct slice name =
		crypto_hex_write((struct slice){file->sha256, CRYPTO_SHA256_BYTES}, hex);

	(void)snprintf(path, sizeof path, "%.*s/%.2s/%.*s", SLICE_ARG(s->dir), hex,
		       SLICE_ARG(name));
	return rename(f->path, path) == 0;
}

static bool put_close(void *ctx, void *handle, const struct file *file)
{
	struct daemon_store *s = ctx;
	struct daemon_store_file *f = handle;
	bool stored = false;

	if (f->stream != NULL) {
		if (fclose(f->stream) != 0)
			broken(s, f);
		f->stream = NULL;
		s->open--;
	}
	if (!f->broken && (file->hashes & FILE_SHA256) != 0) {
		stored = settle(s, f, file);
		if (!stored)
			broken(s, f);
	}
	if (!stored)
		(void)unlink(f->path); /* it may never have been made */
	if (stored)
		atomic_fetch_add(&s->stored, 1);
	f->next = s->free;
	s->free = f;
	return stored;
}

/* NAME.SECONDS.ID.json beside the file. */
static void put_info(void *ctx, const struct file *file, struct wall_ns at, struct slice json)
{
	struct daemon_store *s = ctx;
	char hex[2 * CRYPTO_SHA256_BYTES], path[OS_PATH_MAX];
	struct slice name =
		crypto_hex_write((struct slice){file->sha256, CRYPTO_SHA256_BYTES}, hex);
	int n = snprintf(path, sizeof path, "%.*s/%.2s/%.*s.%lld.%u.json", SLICE_ARG(s->dir), hex,
			 SLICE_ARG(name), (long long)(at.ns / TIME_NS_PER_S), file->id);
	FILE *f = n > 0 && (size_t)n < sizeof path ? fopen(path, "wbe") : NULL;
	bool ok = f != NULL && fwrite(json.ptr, 1, json.len, f) == json.len && putc('\n', f) != EOF;

	if (f != NULL)
		ok &= fclose(f) == 0;
	if (!ok)
		count_error(s);
}

/* What a process that was killed left behind. */
static void prune(struct slice dir, struct arena *a)
{
	struct slice tmp = daemon_path(a, dir, SLICE("tmp")), *names;
	struct fail why;
	size_t n;

	if (os_dir_list(tmp, a, &names, &n, &why) != ST_OK)
		return;
	for (size_t i = 0; i < n; i++)
		/* one that cannot go stays, and is in nobody's way */
		if (os_file_remove(NULL, daemon_path(a, tmp, names[i]), &why) != ST_OK)
			return;
}

/* The 256 folders and the one for what is coming. */
static enum status folders_make(struct daemon_store *s, struct arena *a, struct fail *why)
{
	enum status st = os_dir_make(NULL, daemon_path(a, s->dir, SLICE("tmp")), NULL, why);

	for (unsigned i = 0; st == ST_OK && i < FOLDERS; i++) {
		char name[3];

		(void)snprintf(name, sizeof name, "%02x", i);
		st = os_dir_make(NULL, daemon_path(a, s->dir, slice_of(name)), NULL, why);
	}
	return st;
}

enum status daemon_store_open(struct config *config, struct slice logs, struct arena *a,
			      struct daemon_store *out, struct fail *why)
{
	struct config *node = config_at(config, "outputs.file-store");
	struct slice dir = config_text(node, "dir", "filestore");
	uint64_t most = config_u64(node, "max-open-files", 0, UINT32_MAX, 0);
	enum status st;

	(void)config_u64(node, "version", 2, 2, 2); /* 1 is no more, as with Suricata: it is said */
	*out = (struct daemon_store){
		.sink = {NULL, put_open, put_data, put_close, NULL},
		.on = node != NULL && config_bool(node, "enabled", false),
		.dir = daemon_path_from(a, logs, dir),
		.arena = a,
		.open_most = most == 0 || most > OPEN_DEFAULT ? OPEN_DEFAULT : (uint32_t)most};
	if (!out->on)
		return ST_OK;
	if (out->dir.ptr == NULL || out->dir.len + 2 * CRYPTO_SHA256_BYTES + 8 > OS_PATH_MAX)
		return fail_set(why, ST_LIMIT, "the file-store's folder has too long a path");
	if (config_bool(node, "write-fileinfo", false))
		out->sink.info = put_info;
	prune(out->dir, a);
	st = folders_make(out, a, why);
	return st == ST_OK ? ST_OK : fail_wrap(why, "file-store");
}
