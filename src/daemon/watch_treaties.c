/* SPDX-License-Identifier: Apache-2.0
 * The treaties that a run judges by: those of the command line, else those that the configuration
 * names (`treaties`), else the two that are built in for that. */
#include "assess/treaty/treaty.h"
#include "base/text.h"
#include "daemon/daemon_priv.h"
#include "daemon/watching.h"

enum { TREATIES_MAX = 64 };

static enum status not_shipped(struct watch *w, struct slice name, struct fail *why)
{
	const struct bulletin_file *shipped;
	size_t n = daemon_shipped_treaties(&shipped);
	struct buf b = buf_in(w->arena);

	for (size_t i = 0; i < n; i++)
		buf_add_fmt(&b, " %.*s", SLICE_ARG(daemon_stem(shipped[i].name)));
	return fail_set(why, ST_INVALID,
			"treaty \"%.*s\": expected a file (with its folder or ending), or one that "
			"ships:%.*s",
			SLICE_ARG(slice_part(name, 0, TREATY_NAME_MAX)), SLICE_ARG(buf_slice(&b)));
}

/* A name without folder and ending is one of those that ship; anything else is a file. */
static enum status read_one(struct watch *w, struct slice name, struct bulletin_file *out,
			    struct fail *why)
{
	const struct bulletin_file *shipped;
	size_t n = daemon_shipped_treaties(&shipped);
	struct daemon_file f;
	enum status st;

	if (slice_find(name, SLICE("/")) == SIZE_MAX && slice_find(name, SLICE(".")) == SIZE_MAX) {
		for (size_t i = 0; i < n; i++)
			if (slice_equal(daemon_stem(shipped[i].name), name)) {
				*out = shipped[i];
				return ST_OK;
			}
		return not_shipped(w, name, why);
	}
	st = daemon_file_read(name, w->arena, &f, why);
	if (st == ST_OK)
		*out = (struct bulletin_file){f.name, f.text};
	return st;
}

static enum status add(struct watch *w, struct slice name, struct fail *why)
{
	if (w->treaty_count == TREATIES_MAX)
		return fail_set(why, ST_LIMIT, "more than %d treaties to judge by", TREATIES_MAX);
	return read_one(w, name, &w->treaty_files[w->treaty_count++], why);
}

/* treaties: [cwlt, gge-2015, ./ours.treaty] */
static enum status read_configured(struct watch *w, struct config *list, struct fail *why)
{
	enum status st = ST_OK;

	if (list->kind != CONFIG_LIST)
		return fail_set(why, ST_INVALID,
				"%.*s:%u: treaties: expected a list of names and files",
				SLICE_ARG(list->file), list->line);
	for (struct config *n = config_first(list); st == ST_OK && n != NULL; n = config_next(n)) {
		if (n->kind != CONFIG_SCALAR || n->value.len == 0)
			return fail_set(why, ST_INVALID,
					"%.*s:%u: treaties: expected a name or a file",
					SLICE_ARG(n->file), n->line);
		st = add(w, n->value, why);
		if (st != ST_OK)
			(void)fail_wrap(why, "%.*s:%u", SLICE_ARG(n->file), n->line);
	}
	return st;
}

/* All that is wrong with one, or that it is there twice: it would be judged twice. */
static enum status check(struct watch *w, size_t i, struct slice *ids, struct fail *why)
{
	struct bulletin_file f = w->treaty_files[i];
	struct buf problems = buf_in(w->arena);
	struct treaty *t;

	if (treaty_compile(f.name, f.text, w->arena, &t, &problems, why) != ST_OK)
		return problems.len == 0
			       ? why->status
			       : fail_set(why, ST_INVALID, "treaty %.*s:\n%.*s", SLICE_ARG(f.name),
					  SLICE_ARG(slice_trim(buf_slice(&problems))));
	ids[i] = treaty_id(t);
	for (size_t k = 0; k < i; k++)
		if (slice_equal(ids[k], ids[i]))
			return fail_set(why, ST_INVALID,
					"treaty %.*s: \"%.*s\" is there twice: expected each once",
					SLICE_ARG(f.name), SLICE_ARG(ids[i]));
	return ST_OK;
}

enum status watch_read_treaties(struct watch *w, struct fail *why)
{
	struct config *list = w->o->config != NULL ? config_at(w->o->config, "treaties") : NULL;
	struct slice *ids = ARENA_ARRAY(w->arena, struct slice, TREATIES_MAX);
	const struct bulletin_file *builtin;
	enum status st = ST_OK;

	w->treaty_count = 0;
	w->treaty_files = ARENA_ARRAY(w->arena, struct bulletin_file, TREATIES_MAX);
	if (ids == NULL || w->treaty_files == NULL)
		return fail_set(why, ST_NOMEM, "no memory for the treaties");
	if (w->o->treaty_count != 0) {
		for (size_t i = 0; st == ST_OK && i < w->o->treaty_count; i++)
			st = add(w, w->o->treaties[i], why);
	} else if (list != NULL) {
		st = read_configured(w, list, why);
	} else {
		w->treaty_count = daemon_builtin_treaties(&builtin);
		memcpy(w->treaty_files, builtin, w->treaty_count * sizeof *builtin);
	}
	for (size_t i = 0; st == ST_OK && i < w->treaty_count; i++)
		st = check(w, i, ids, why);
	return st;
}
