/* SPDX-License-Identifier: Apache-2.0
 *
 * What the configuration says about files, for all protocols: the eve-log output's "files" and the
 * file-store output (version 2), as Suricata 8 reads them.
 */
#include "sensor/app/app.h"

static uint8_t hash_of(struct slice word)
{
	return slice_equal_nocase(word, SLICE("md5"))	   ? FILE_MD5
	       : slice_equal_nocase(word, SLICE("sha1"))   ? FILE_SHA1
	       : slice_equal_nocase(word, SLICE("sha256")) ? FILE_SHA256
							   : 0;
}

/* force-hash: [md5, sha1, sha256], and the older force-md5: yes */
static uint8_t hashes_of(struct config *node)
{
	struct config *list = config_at(node, "force-hash");
	uint8_t bits = config_bool(node, "force-md5", false) ? FILE_MD5 : 0;

	for (struct config *c = list != NULL ? list->first : NULL; c != NULL; c = c->next) {
		c->asked = true;
		bits |= hash_of(c->value);
	}
	return bits;
}

void app_files_configure(struct file_setup *s, struct config *config, struct arena *a)
{
	struct config *outputs = config_at(config, "outputs");
	struct config *store = config_at(config, "outputs.file-store");

	for (struct config *m = config_first(outputs); m != NULL; m = config_next(m)) {
		struct config *log = config_at(m, "eve-log.types.files");

		if (log == NULL || !config_bool(m, "eve-log.enabled", false))
			continue;
		s->magic |= config_bool(log, "force-magic", false);
		s->hashes |= hashes_of(log);
	}
	if (store != NULL && config_bool(store, "enabled", false)) {
		s->store = true;
		s->store_all = config_bool(store, "force-filestore", false);
		s->magic |= config_bool(store, "force-magic", false);
		s->hashes |= hashes_of(store);
		s->hashes |= FILE_SHA256; /* what version 2 calls files by */
		s->store_most = config_size(store, "stream-depth", 0);
	}
	s->types_path = arena_copy(a, config_text(config, "magic-file", ""));
}

/* ---- rule buffers that every protocol with files has ---- */

static struct file *file_at(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	struct file *f = tx->files[dir].first;

	while (f != NULL && n-- > 0)
		f = f->next;
	return f;
}

static struct slice get_data(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct file *f = file_at(tx, dir, n);

	if (f == NULL)
		return (struct slice){NULL, 0};
	return f->kept.len != 0 ? buf_slice(&f->kept) : SLICE("");
}

static bool data_whole(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct file *f = file_at(tx, dir, n);

	return f != NULL && f->state != FILE_OPEN;
}

static struct slice get_name(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct file *f = file_at(tx, dir, n);

	if (f == NULL)
		return (struct slice){NULL, 0};
	return f->name.len != 0 ? f->name : SLICE("");
}

static struct slice get_magic(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	struct file *f = file_at(tx, dir, n);

	if (f == NULL)
		return (struct slice){NULL, 0};
	return file_type(f).len != 0 ? f->magic : SLICE("");
}

static bool magic_whole(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	struct file *f = file_at(tx, dir, n);

	return f != NULL && (f->state != FILE_OPEN || file_type(f).len != 0);
}

static bool always_whole(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	return file_at(tx, dir, n) != NULL;
}

const struct app_field app_file_fields[] = {
	{.name = "file.data",
	 .dirs = 1u << APP_TO_SERVER | 1u << APP_TO_CLIENT,
	 .stage = APP_STAGE_COMPLETE,
	 .growing = true,
	 .multi = true,
	 .get = get_data,
	 .whole = data_whole,
	 .doc = "The beginning of each file."},
	{.name = "file.name",
	 .dirs = 1u << APP_TO_SERVER | 1u << APP_TO_CLIENT,
	 .stage = APP_STAGE_COMPLETE,
	 .growing = true,
	 .multi = true,
	 .get = get_name,
	 .whole = always_whole,
	 .doc = "Each file's name."},
	{.name = "file.magic",
	 .dirs = 1u << APP_TO_SERVER | 1u << APP_TO_CLIENT,
	 .stage = APP_STAGE_COMPLETE,
	 .growing = true,
	 .multi = true,
	 .get = get_magic,
	 .whole = magic_whole,
	 .doc = "Each file's type, as libmagic words it."},
	{0},
};
