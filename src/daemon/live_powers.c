/* SPDX-License-Identifier: Apache-2.0
 * What a sensor gives up before it looks at its first packet, and what it keeps: the folders that
 * it writes to, and those that it reads rules and settings from again. */
#include <unistd.h>

#include "daemon/guard.h"
#include "daemon/live.h"
#include "os/sandbox.h"

enum { PATHS_MAX = 256 };

struct paths {
	struct slice at[PATHS_MAX];
	size_t count;
	bool full;
};

/* A folder, once. */
static void add(struct paths *p, struct slice folder)
{
	if (folder.len == 0)
		return;
	for (size_t i = 0; i < p->count; i++)
		if (slice_equal(p->at[i], folder))
			return;
	if (p->count == PATHS_MAX)
		p->full = true;
	else
		p->at[p->count++] = folder;
}

static void add_folders_of(struct paths *p, const struct slice *files, size_t n)
{
	for (size_t i = 0; i < n; i++)
		add(p, daemon_folder(files[i]));
}

static void add_setting(struct paths *p, struct config *c, const char *key)
{
	struct slice path = config_text(c, key, "");

	if (path.len != 0)
		add(p, daemon_folder(path));
}

static void add_list(struct paths *p, struct config *c, const char *key)
{
	for (struct config *n = config_first(config_at(c, key)); n != NULL; n = config_next(n))
		add(p, n->value);
}

static void add_files(struct paths *p, struct config *c, const char *key)
{
	for (struct config *n = config_first(config_at(c, key)); n != NULL; n = config_next(n))
		if (n->value.len != 0 && n->value.ptr[0] == '/')
			add(p, daemon_folder(n->value));
}

/* What is read again with a tenant's rules: where it is today, and where it may be added. */
static void readable_of(const struct daemon_tenant *t, struct paths *p)
{
	add_folders_of(p, t->source.files, t->source.file_count);
	add_folders_of(p, t->rules.files, t->rules.file_count);
	add_folders_of(p, t->rules.more, t->rules.more_count);
	if (t->rules.classes.len != 0)
		add(p, daemon_folder(t->rules.classes));
	add(p, config_text(t->config, "default-rule-path", ""));
	add(p, config_text(t->config, "default-reputation-path", ""));
	add(p, t->data_dir);
	add_files(p, t->config, "rule-files");
	add_setting(p, t->config, "classification-file");
	add_setting(p, t->config, "reference-config-file");
	add_setting(p, t->config, "threshold-file");
	add_setting(p, t->config, "reputation-categories-file");
	add_setting(p, t->config, "magic-file");
}

static void readable(const struct live *l, struct paths *p)
{
	for (size_t i = 0; i < l->whose.count; i++)
		readable_of(&l->whose.list[i], p);
	add(p, SLICE("/etc/localtime")); /* files that are begun anew each day */
	add(p, SLICE("/etc/magic"));
	add(p, SLICE("/usr/share/misc"));
	add(p, SLICE("/usr/share/file"));
	add(p, SLICE("/usr/lib/file"));
	add_list(p, l->o->config, "security.landlock.directories.read");
}

static void writable(const struct live *l, struct paths *p)
{
	for (size_t i = 0; i < l->whose.count; i++) {
		const struct daemon_tenant *t = &l->whose.list[i];

		if (t->apart)
			add(p, t->dir);
		add(p, t->data_dir); /* sets that rules change, now or after a reload */
		for (size_t k = 0; k < t->outputs.count; k++)
			add(p, daemon_folder(t->outputs.eves[k].path));
		if (t->store.on)
			add(p, t->store.dir);
		if (t->packets != NULL)
			add(p, t->packets->set.dir);
	}
	add_list(p, l->o->config, "security.landlock.directories.write");
}

static enum status outputs_hand_over(struct daemon_outputs *o, uid_t uid, gid_t gid,
				     struct fail *why)
{
	for (size_t i = 0; i < o->count; i++)
		if (!daemon_eve_chown(&o->eves[i], uid, gid))
			return fail_set(why, ST_REFUSED, "cannot give %.*s to the user: %m",
					SLICE_ARG(o->eves[i].path));
	return ST_OK;
}

/* What we made while we could is the user's whom we become. */
static enum status hand_over(struct live *l, struct slice user, struct slice group,
			     struct fail *why)
{
	uid_t uid;
	gid_t gid;
	enum status st = os_sandbox_find(user, group, &uid, &gid, why);

	for (size_t i = 0; st == ST_OK && i < l->whose.count; i++) {
		st = outputs_hand_over(&l->whose.list[i].outputs, uid, gid, why);
		if (st == ST_OK && l->whose.list[i].packets != NULL)
			st = daemon_packets_give(l->whose.list[i].packets, uid, gid, why);
	}
	return st == ST_OK ? daemon_control_chown(l, uid, gid, why) : st;
}

/* A power that the kernel has no way to give up is said, and kept. */
static enum status or_say(const struct live *l, enum status st, struct fail *why)
{
	if (st != ST_NOTFOUND)
		return st;
	daemon_live_say(l, "%s; going on without", why->text);
	return ST_OK;
}

enum status daemon_live_powers(struct live *l, struct fail *why)
{
	struct config *c = l->o->config;
	struct slice user = l->o->user.len != 0 ? l->o->user : config_text(c, "run-as.user", "");
	struct slice group =
		l->o->group.len != 0 ? l->o->group : config_text(c, "run-as.group", "");
	struct paths *r = ARENA_NEW(l->arena, struct paths), *w = ARENA_NEW(l->arena, struct paths);
	enum os_sandbox_kept kept = OS_SANDBOX_NOTHING;
	enum status st = ST_OK;

	for (size_t i = 0; i < l->interface_count; i++)
		if (l->interfaces[i].kind == LIVE_QUEUE)
			kept = OS_SANDBOX_NET_ADMIN;
	if (r == NULL || w == NULL)
		return fail_set(why, ST_NOMEM, "no memory for paths");
	readable(l, r);
	writable(l, w);
	if (r->full || w->full)
		return fail_set(why, ST_LIMIT, "more than %d folders to read or write", PATHS_MAX);
	if (user.len != 0 || group.len != 0) {
		st = hand_over(l, user, group, why);
		if (st == ST_OK)
			st = os_sandbox_user(user, group, kept, why);
	}
	if (st == ST_OK)
		st = or_say(l, os_sandbox_capabilities(kept, why), why);
	daemon_guard_bind(l); /* it went with the powers, and may not be asked for later */
	if (st == ST_OK && config_bool(c, "security.landlock.enabled", true))
		st = or_say(l, os_sandbox_paths(r->at, r->count, w->at, w->count, why), why);
	if (st == ST_OK && config_bool(c, "security.seccomp.enabled", true))
		st = or_say(l, os_sandbox_calls(why), why);
	return st == ST_OK ? ST_OK : fail_wrap(why, "giving up powers");
}
