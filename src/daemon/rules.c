/* SPDX-License-Identifier: Apache-2.0
 * Rule files to compiled rules. */
#include <glob.h>

#include "base/text.h"
#include "crypto/crypto.h"
#include "daemon/daemon_priv.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/pool.h"

enum { RULE_FILES_MAX = 65536 };

/* Paths of rule files, and what is told when one is not there. */
struct rule_paths {
	struct slice *at;
	size_t count, room;
	size_t wanted; /* from here on they come from the configuration */
	struct slice data_dir;
};

/* Defines what is in a group and not yet in `done`; says how many that were. A variable may name
 * others that stand behind it. */
static size_t define_some(struct rule_set *s, struct config *group, bool *done, struct fail *why)
{
	size_t defined = 0, i = 0;

	for (struct config *n = config_first(group); n != NULL; n = config_next(n), i++) {
		if (done[i] || rule_set_var(s, n->name, n->value, why) != ST_OK)
			continue;
		done[i] = true;
		defined++;
	}
	return defined;
}

static enum status define_vars(struct rule_set *s, struct config *group, struct arena *a,
			       struct fail *why)
{
	bool *done = ARENA_ARRAY(a, bool, (group != NULL ? group->count : 0) + 1);
	struct fail last;
	size_t i = 0;

	if (done == NULL)
		return fail_set(why, ST_NOMEM, "no memory for variables");
	while (define_some(s, group, done, &last) != 0)
		;
	for (struct config *n = config_first(group); n != NULL; n = config_next(n), i++)
		if (!done[i] && rule_set_var(s, n->name, n->value, &last) != ST_OK)
			rule_set_trouble(s, n->file, n->line, "%s", last.text);
	return ST_OK;
}

static enum status prepare_vars(const struct daemon_rules_source *src, struct arena *a,
				struct rule_set *s, struct fail *why)
{
	struct config *addrs = config_at(src->config, "vars.address-groups");
	struct config *home = config_at(addrs, "HOME_NET");
	enum status st;

	if (src->config != NULL)
		rule_set_forget_vars(s);
	st = define_vars(s, config_at(src->config, "vars.port-groups"), a, why);
	if (st == ST_OK)
		st = define_vars(s, addrs, a, why);
	if (st == ST_OK && src->home_net.len != 0 && (home == NULL || !home->set))
		st = rule_set_var(s, SLICE("HOME_NET"), src->home_net, why);
	if (st == ST_OK)
		st = define_vars(s, config_at(src->config, "vars.any"), a, why);
	return st;
}

static enum status prepare_classes(const struct daemon_rules_source *src, struct arena *a,
				   struct rule_set *s, struct fail *why)
{
	struct config *n = config_at(src->config, "classification-file");
	bool asked = src->classes.len != 0;
	struct slice path = asked ? src->classes : config_text(n, "", NULL);
	struct daemon_file f;
	enum status st;

	if (path.len == 0)
		return ST_OK;
	st = daemon_file_read(path, a, &f, why);
	if (st == ST_OK)
		return rule_set_classes(s, f.name, f.text, why);
	if (asked)
		return st;
	config_problem(n, "%s; the built-in classes are used", why->text);
	return ST_OK;
}

static enum status prepare_references(const struct daemon_rules_source *src, struct arena *a,
				      struct rule_set *s, struct fail *why)
{
	struct config *n = config_at(src->config, "reference-config-file");
	struct slice path = config_text(n, "", NULL);
	struct daemon_file f;

	if (path.len == 0)
		return ST_OK;
	if (daemon_file_read(path, a, &f, why) == ST_OK)
		return rule_set_references(s, f.name, f.text, why);
	config_problem(n, "%s; the built-in systems are used", why->text);
	return ST_OK;
}

static enum status prepare_limits(const struct daemon_rules_source *src, struct arena *a,
				  struct rule_set *s, struct fail *why)
{
	struct config *n = config_at(src->config, "threshold-file");
	struct slice path = config_text(n, "", NULL);
	struct daemon_file f;

	if (path.len == 0)
		return ST_OK;
	if (daemon_file_read(path, a, &f, why) == ST_OK)
		return rule_set_limits(s, f.name, f.text, why);
	config_problem(n, "%s", why->text);
	return ST_OK;
}

static enum status prepare(const struct daemon_rules_source *src, struct arena *a,
			   struct rule_set *s, struct fail *why)
{
	enum status st = rule_set_init(s, a, why);

	if (st != ST_OK)
		return st;
	s->knows_keyword = detect_knows_keyword;
	st = prepare_vars(src, a, s, why);
	if (st == ST_OK)
		st = prepare_classes(src, a, s, why);
	if (st == ST_OK)
		st = prepare_references(src, a, s, why);
	if (st == ST_OK)
		st = prepare_limits(src, a, s, why);
	return st;
}

static bool path_add(struct rule_paths *p, struct arena *a, struct slice path)
{
	return p->count < RULE_FILES_MAX && path.ptr != NULL &&
	       ARENA_PUSH(a, p->at, p->count, p->room, path);
}

/* A name of rule-files, which may be a pattern for several files. */
static bool path_add_pattern(struct rule_paths *p, struct arena *a, struct slice path)
{
	char *z = arena_copy_z(a, path);
	glob_t found;
	bool ok;

	if (z == NULL)
		return false;
	if (strpbrk(z, "*?[") == NULL || glob(z, 0, NULL, &found) != 0)
		return path_add(p, a, path);
	ok = true;
	for (size_t i = 0; ok && i < found.gl_pathc; i++)
		ok = path_add(p, a, arena_copy(a, slice_of(found.gl_pathv[i])));
	globfree(&found);
	return ok;
}

static enum status paths_collect(const struct daemon_rules_source *src, struct arena *a,
				 struct rule_paths *p, struct fail *why)
{
	struct slice folder = config_text(src->config, "default-rule-path", NULL);
	struct config *listed = config_at(src->config, "rule-files");
	bool ok = true;

	if (src->none)
		return ST_OK;
	for (size_t i = 0; ok && i < src->file_count; i++)
		ok = path_add(p, a, src->files[i]);
	for (size_t i = 0; ok && i < src->more_count; i++)
		ok = path_add(p, a, src->more[i]);
	p->wanted = p->count;
	if (src->file_count != 0)
		listed = NULL;
	for (struct config *n = config_first(listed); ok && n != NULL; n = config_next(n)) {
		bool absolute = n->value.len != 0 && n->value.ptr[0] == '/';

		if (n->value.len != 0)
			ok = path_add_pattern(p, a,
					      absolute || folder.len == 0
						      ? n->value
						      : daemon_path(a, folder, n->value));
	}
	return ok ? ST_OK : fail_set(why, ST_LIMIT, "too many rule files");
}

static enum status read_files(const struct daemon_rules_source *src, const struct rule_paths *p,
			      struct arena *a, struct daemon_rules *r, struct fail *why)
{
	r->files = ARENA_ARRAY(a, struct daemon_file, p->count + src->given_count + 1);
	if (r->files == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %zu rule files", p->count);
	for (size_t i = 0; i < src->given_count; i++) {
		const struct daemon_file *f = &src->given[i];
		enum status st = rule_set_load(&r->set, f->name, f->text, why);

		if (st != ST_OK)
			return st;
		r->files[r->file_count++] = *f;
	}
	for (size_t i = 0; i < p->count; i++) {
		struct daemon_file *f = &r->files[r->file_count];
		enum status st = daemon_file_read(p->at[i], a, f, why);

		if (st != ST_OK && i >= p->wanted) {
			rule_set_trouble(&r->set, daemon_base_name(p->at[i]), 0, "%s", why->text);
			continue;
		}
		if (st == ST_OK)
			st = rule_set_load(&r->set, f->name, f->text, why);
		if (st != ST_OK)
			return st;
		r->file_count++;
	}
	return ST_OK;
}

/* A file that a rule names: by its whole path, or beside the rule's own file; one that the
 * configuration names: in the data folder, or from here. */
static enum status read_beside(void *ctx, const struct rule *rule, struct slice name,
			       struct arena *a, struct slice *out, struct fail *why)
{
	const struct rule_paths *paths = ctx;
	struct slice path = name;

	for (size_t i = 0; rule != NULL && name.len != 0 && name.ptr[0] != '/' && i < paths->count;
	     i++) {
		struct slice base = daemon_base_name(paths->at[i]);

		if (!slice_equal(base, rule->file))
			continue;
		if (base.len < paths->at[i].len)
			path = daemon_path(
				a, slice_part(paths->at[i], 0, paths->at[i].len - base.len), name);
		break;
	}
	if (rule == NULL && name.len != 0 && name.ptr[0] != '/') {
		struct slice kept = daemon_path(a, paths->data_dir, name);

		if (os_file_exists(kept))
			path = kept;
	}
	return os_file_read(path, DAEMON_FILE_MAX, a, out, why);
}

struct slice daemon_log_dir(struct config *config, struct slice given)
{
	return given.len != 0 ? given : config_text(config, "default-log-dir", ".");
}

struct slice daemon_data_dir(struct config *config, struct slice given, struct slice dir)
{
	struct slice configured = config_text(config, "default-data-dir", NULL);

	return given.len != 0 ? given : configured.len != 0 ? configured : dir;
}

enum status daemon_rules_load(const struct daemon_rules_source *src,
			      const struct daemon_progress *progress, struct arena *a,
			      struct daemon_rules *out, struct fail *why)
{
	struct mono_ns begin = os_clock_mono(), parsed;
	struct rule_paths paths = {.data_dir =
					   daemon_data_dir(src->config, src->data_dir, SLICE("."))};
	struct detect_options options = {.parallel = os_pool_run,
					 .read = read_beside,
					 .read_ctx = &paths,
					 .config = src->config,
					 .before = src->before};
	struct daemon_rules r = {0};
	enum status st;

	daemon_progress_say(progress, "loading rules", begin, false);
	st = prepare(src, a, &r.set, why);
	if (st == ST_OK)
		st = paths_collect(src, a, &paths, why);
	if (st == ST_OK)
		st = read_files(src, &paths, a, &r, why);
	parsed = os_clock_mono();
	if (st == ST_OK && (r.file_count != 0 || src->always)) {
		daemon_progress_say(progress, "compiling rules", begin, false);
		st = detect_compile(&r.set, &options, a, &r.compiled, why);
	}
	daemon_progress_say(progress, "compiling rules", begin, true);
	if (st != ST_OK)
		return st;
	rule_set_problems_sort(&r.set);
	r.parse_ns = parsed.ns - begin.ns;
	r.compile_ns = os_clock_mono().ns - parsed.ns;
	*out = r;
	return ST_OK;
}

void daemon_rules_close(struct daemon_rules *r)
{
	detect_rules_free(r->compiled);
	r->compiled = NULL;
}

size_t daemon_rules_unsupported(const struct daemon_rules *r, struct arena *a,
				struct daemon_keyword_count **out)
{
	struct daemon_keyword_count *list = NULL;
	size_t n = 0, room = 0;

	for (size_t i = 0; i < r->set.problem_count; i++) {
		struct slice k = r->set.problems[i].keyword;
		size_t at = 0;

		if (k.ptr == NULL || r->set.problems[i].warning)
			continue;
		while (at < n && !slice_equal(list[at].keyword, k))
			at++;
		if (at == n &&
		    !ARENA_PUSH(a, list, n, room,
				((struct daemon_keyword_count){.keyword = k,
							       .known = detect_knows_keyword(k)})))
			break;
		for (list[at].rules++; at > 0 && list[at].rules > list[at - 1].rules; at--) {
			struct daemon_keyword_count swap = list[at];

			list[at] = list[at - 1];
			list[at - 1] = swap;
		}
	}
	*out = list;
	return n;
}
