/* SPDX-License-Identifier: Apache-2.0
 * suricata.yaml and the command line to one tree. */
#include "sensor/config/config.h"
#include "daemon/daemon_priv.h"
#include "os/file.h"

#include "default.inc"

struct reading {
	struct slice dir; /* of the first file: where relative names start, also those of files that
			     are included, as in Suricata */
	struct arena *arena;
};

static enum status read_file(void *ctx, struct slice name, struct slice *out, struct fail *why)
{
	const struct reading *r = ctx;
	struct slice path = daemon_path_from(r->arena, r->dir, name);

	return os_file_read(path, CONFIG_BYTES_MAX, r->arena, out, why);
}

static enum status load_files(const struct daemon_config_source *src, struct arena *a,
			      struct config *root, struct fail *why)
{
	enum status st = ST_OK;

	if (src->file_count == 0)
		return config_load(root, SLICE("(built in)"), embedded[0].text, NULL, why);
	for (size_t i = 0; st == ST_OK && i < src->file_count; i++) {
		struct reading reading = {daemon_folder(src->files[i]), a};
		struct config_reader reader = {&reading, read_file};
		struct slice text;

		st = os_file_read(src->files[i], CONFIG_BYTES_MAX, a, &text, why);
		if (st == ST_OK)
			st = config_load(root, daemon_base_name(src->files[i]), text, &reader, why);
	}
	return st;
}

static enum status set(struct config *root, struct slice assignment, struct fail *why)
{
	struct slice value = assignment, name = slice_trim(slice_split(&value, '='));
	bool variable = name.len != 0 && name.ptr[0] >= 'A' && name.ptr[0] <= 'Z' &&
			memchr(name.ptr, '.', name.len) == NULL;

	if (value.ptr == NULL || name.len == 0)
		return fail_set(why, ST_INVALID, "--set %.*s: expected NAME=VALUE",
				SLICE_ARG(assignment));
	/* A name in capitals alone is a variable: which kind, only its value can say, so that it is
	 * told by where it is looked up. */
	if (variable)
		name = buf_text(root->tree->arena, "vars.any.%.*s", SLICE_ARG(name));
	return config_set(root, name, slice_trim(value), why);
}

enum status daemon_config_load(const struct daemon_config_source *src, struct arena *a,
			       struct config **out, struct fail *why)
{
	struct config *root = config_new(a);
	enum status st = ST_OK;

	if (root == NULL)
		return fail_set(why, ST_NOMEM, "no memory for the configuration");
	for (size_t i = 0; st == ST_OK && i < src->set_count; i++)
		st = set(root, src->sets[i], why);
	if (st == ST_OK)
		st = load_files(src, a, root, why);
	if (st == ST_OK)
		*out = root;
	return st;
}
