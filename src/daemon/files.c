/* SPDX-License-Identifier: Apache-2.0
 * Files, names and paths as the jobs need them. */
#include "base/buf.h"
#include "crypto/crypto.h"
#include "daemon/daemon_priv.h"
#include "os/clock.h"
#include "os/file.h"

struct slice daemon_base_name(struct slice path)
{
	if (slice_equal(path, SLICE("-")))
		return SLICE("stdin");
	while (path.len > 1 && path.ptr[path.len - 1] == '/')
		path.len--;
	for (size_t i = path.len; i > 0; i--)
		if (path.ptr[i - 1] == '/')
			return slice_from(path, i);
	return path;
}

struct slice daemon_stem(struct slice name)
{
	for (size_t i = name.len; i > 1; i--)
		if (name.ptr[i - 1] == '.')
			return slice_part(name, 0, i - 1);
	return name;
}

struct slice daemon_folder(struct slice path)
{
	size_t n = path.len;

	while (n > 0 && path.ptr[n - 1] != '/')
		n--;
	return n > 1 ? slice_part(path, 0, n - 1) : n == 1 ? SLICE("/") : SLICE(".");
}

enum status daemon_file_read(struct slice path, struct arena *a, struct daemon_file *out,
			     struct fail *why)
{
	struct daemon_file f = {.name = daemon_base_name(path)};
	enum status st = os_file_read(path, DAEMON_FILE_MAX, a, &f.text, why);

	if (st != ST_OK)
		return st;
	crypto_sha256_of(f.text, f.sha256);
	*out = f;
	return ST_OK;
}

struct slice daemon_path(struct arena *a, struct slice dir, struct slice name)
{
	struct buf b = buf_in(a);

	buf_add(&b, dir);
	if (dir.len == 0 || dir.ptr[dir.len - 1] != '/')
		buf_add_byte(&b, '/');
	buf_add(&b, name);
	return b.full ? (struct slice){NULL, 0} : buf_slice(&b);
}

struct slice daemon_path_from(struct arena *a, struct slice dir, struct slice name)
{
	return name.len != 0 && name.ptr[0] == '/' ? name : daemon_path(a, dir, name);
}

struct slice daemon_hex(struct arena *a, const uint8_t *bytes, size_t n)
{
	struct buf b = buf_in(a);

	crypto_hex_add((struct slice){bytes, n}, &b);
	return buf_slice(&b);
}

void daemon_progress_say(const struct daemon_progress *p, const char *stage, struct mono_ns since,
			 bool finished)
{
	if (p != NULL && p->tick != NULL)
		p->tick(p->ctx, &(struct daemon_tick){.stage = stage,
						      .elapsed_ns = os_clock_mono().ns - since.ns,
						      .finished = finished});
}
