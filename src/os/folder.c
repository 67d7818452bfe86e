/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "os/file.h"

enum { MARKER_MAX = 256 };

static enum status marker_check(struct slice path, struct slice text, struct arena *a,
				struct fail *why)
{
	struct slice found;
	enum status st = os_file_read(path, MARKER_MAX, a, &found, why);

	if (st == ST_OK && !slice_equal(found, text))
		st = fail_set(why, ST_REFUSED,
			      "%.*s is not what this dewline writes; expected \"%.*s\"",
			      SLICE_ARG(path), SLICE_ARG(slice_trim(text)));
	return st;
}

/* Nothing but our lock, and a marker that somebody began to write, may be in it. */
static enum status empty_check(const struct os_claim *c, struct slice begun, struct arena *a,
			       struct fail *why)
{
	struct slice *names;
	size_t n;
	enum status st = os_dir_list(c->folder, a, &names, &n, why);

	for (size_t i = 0; st == ST_OK && i < n; i++)
		if (!slice_equal(names[i], SLICE("lock")) && !slice_equal(names[i], begun))
			st = fail_set(why, ST_REFUSED,
				      "%.*s is not empty and not a %s's (it has \"%.*s\")",
				      SLICE_ARG(c->folder), c->whose, SLICE_ARG(names[i]));
	return st;
}

enum status os_folder_claim(const struct os_claim *c, struct arena *a, struct os_lock *out,
			    struct fail *why)
{
	struct slice lock = buf_text(a, "%.*s/lock", SLICE_ARG(c->folder));
	struct slice marker = buf_text(a, "%.*s/dewline-%s", SLICE_ARG(c->folder), c->marker);
	struct slice begun = buf_text(a, "dewline-%s.new", c->marker);
	enum status st;

	if (lock.ptr == NULL || marker.ptr == NULL || begun.ptr == NULL)
		return fail_set(why, ST_NOMEM, "no memory for the folder of a %s", c->whose);
	st = os_dir_make(c->disk, c->folder, NULL, why);
	if (st == ST_OK)
		st = os_lock_take(c->disk, lock, out, why);
	if (st == ST_OK)
		st = marker_check(marker, c->text, a, why);
	if (st != ST_NOTFOUND)
		return st;
	st = empty_check(c, begun, a, why);
	return st == ST_OK ? os_file_replace(c->disk, marker, c->text, why) : st;
}
