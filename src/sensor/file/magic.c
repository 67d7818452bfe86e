/* SPDX-License-Identifier: Apache-2.0
 *
 * libmagic (docs/decisions/0007): its table has thousands of hand-made rows that operators' rules
 * quote by their text, so only the table itself gives the same texts. Hostile bytes reach it, so
 * it gets at most FILE_MAGIC_BYTES of a file, and limits on what it may do with them.
 */
#include "sensor/file/file.h"

#include <magic.h>

struct file_magic {
	magic_t cookie;
};

/* Far less than libmagic's defaults: a few hundred bytes need no more. */
static void limits_set(magic_t cookie)
{
	static const struct {
		int what;
		size_t most;
	} limits[] = {
		{MAGIC_PARAM_INDIR_MAX, 15},
		{MAGIC_PARAM_NAME_MAX, 30},
		{MAGIC_PARAM_ELF_PHNUM_MAX, 128},
		{MAGIC_PARAM_ELF_SHNUM_MAX, 1024},
		{MAGIC_PARAM_ELF_NOTES_MAX, 64},
		{MAGIC_PARAM_REGEX_MAX, 4096},
		{MAGIC_PARAM_BYTES_MAX, FILE_MAGIC_BYTES},
	};

	for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++)
		/* an older library lacks some: then its own limits hold */
		(void)magic_setparam(cookie, limits[i].what, &limits[i].most);
}

struct file_magic *file_magic_open(struct slice path, struct arena *a)
{
	struct file_magic *m = ARENA_NEW(a, struct file_magic);
	char *z = path.len != 0 ? arena_copy_z(a, path) : NULL;

	if (m == NULL || (path.len != 0 && z == NULL))
		return NULL;
	m->cookie = magic_open(MAGIC_NO_CHECK_COMPRESS);
	if (m->cookie == NULL)
		return NULL;
	if (magic_load(m->cookie, z) != 0) {
		file_magic_close(m);
		return NULL;
	}
	limits_set(m->cookie);
	return m;
}

void file_magic_close(struct file_magic *m)
{
	if (m == NULL || m->cookie == NULL)
		return;
	magic_close(m->cookie);
	m->cookie = NULL;
}

struct slice file_magic_of(struct file_magic *m, struct slice bytes)
{
	const char *text = bytes.len != 0 ? magic_buffer(m->cookie, bytes.ptr, bytes.len) : NULL;

	return slice_part(slice_of(text), 0, FILE_MAGIC_MAX);
}
