/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/tenants.h"

#include "base/buf.h"
#include "os/file.h"

/* Relative to config-path, else to the folder of the station's own file. */
static struct slice file_of(const struct daemon_station *s, const struct tenant_map *m,
			    struct slice name, struct arena *a)
{
	struct slice folder = m->folder;

	if (folder.len == 0 && s->source.file_count != 0)
		folder = daemon_folder(s->source.files[0]);
	return folder.len != 0 ? daemon_path_from(a, folder, name) : name;
}

/* The station's files, and then its own. */
static enum status source_of(const struct daemon_station *s, struct daemon_tenant *t,
			     struct arena *a, struct fail *why)
{
	size_t n = s->source.file_count;
	struct slice *files = ARENA_ARRAY(a, struct slice, n + 1);

	if (files == NULL || t->file.ptr == NULL)
		return fail_set(why, ST_NOMEM, "no memory for a tenant");
	if (n != 0)
		memcpy(files, s->source.files, n * sizeof *files);
	files[n] = t->file;
	t->source = s->source;
	t->source.files = files;
	t->source.file_count = n + 1;
	return ST_OK;
}

enum status daemon_tenant_config(const struct daemon_tenant *t, struct arena *a,
				 struct config **out, struct fail *why)
{
	enum status st = daemon_config_load(&t->source, a, out, why);

	if (st == ST_OK && t->id != 0) /* that its sections take the place of others is meant so */
		(*out)->tree->problem_count = 0;
	return st;
}

static struct slice name_of(const struct daemon_tenant *t, struct arena *a)
{
	return buf_text(a, "tenant-%u", t->id);
}

/* What its own file says about where things go. */
static enum status places_of(const struct daemon_tenant *station, struct daemon_tenant *t,
			     struct arena *a, struct fail *why)
{
	struct daemon_config_source alone = {.files = &t->file, .file_count = 1};
	struct slice name = name_of(t, a);
	struct slice dir, data;
	struct config *own;
	enum status st = daemon_config_load(&alone, a, &own, why);

	if (st != ST_OK)
		return st;
	dir = config_text(own, "default-log-dir", "");
	data = config_text(own, "default-data-dir", "");
	t->apart = dir.len != 0 || config_at(own, "outputs") != NULL;
	t->exports = t->apart && config_at(own, "flow-export") != NULL;
	t->dir = daemon_path_from(a, station->dir, dir.len != 0 ? dir : name);
	t->data_dir = daemon_path_from(a, station->data_dir, data.len != 0 ? data : name);
	if (t->dir.ptr == NULL || t->data_dir.ptr == NULL)
		return fail_set(why, ST_NOMEM, "no memory for a tenant");
	t->rules.none = config_at(own, "rule-files") == NULL;
	return ST_OK;
}

static enum status tenant_read(const struct daemon_station *s, const struct tenant_map *m,
			       size_t place, struct daemon_tenants *all, struct arena *a,
			       struct fail *why)
{
	struct daemon_tenant *t = &all->list[place];
	enum status st;

	t->id = m->tenants[place].id;
	t->file = file_of(s, m, m->tenants[place].yaml, a);
	st = source_of(s, t, a, why);
	if (st == ST_OK)
		st = daemon_tenant_config(t, a, &t->config, why);
	if (st == ST_OK)
		st = places_of(&all->list[0], t, a, why);
	if (st != ST_OK)
		return fail_wrap(why, "tenant %u", t->id);
	t->rules.config = t->config;
	t->rules.data_dir = t->data_dir;
	t->rules.always = true;
	t->rules.none |= s->rules.none;
	t->says = t->apart ? t : &all->list[0];
	return ST_OK;
}

/* ---- outputs ---- */

static enum status tenant_open(struct daemon_tenant *t, const struct daemon_station *s,
			       struct arena *a, struct fail *why)
{
	enum status st;

	if (t->says != t)
		return ST_OK;
	st = os_dir_make(NULL, t->dir, NULL, why);
	if (st == ST_OK)
		st = daemon_outputs_open(t->config, t->dir, s->patient, a, &t->outputs, why);
	if (st == ST_OK)
		daemon_outputs_mended(&t->outputs, s->ctx, s->say);
	if (st == ST_OK)
		st = daemon_store_open(t->config, t->dir, a, &t->store, why);
	t->store.sink.ctx = &t->store;
	if (st == ST_OK)
		st = daemon_packets_open(t->config, t->dir, s->patient, NULL, a, &t->packets, why);
	return st == ST_OK || t->id == 0 ? st : fail_wrap(why, "tenant %u", t->id);
}

/* A guest's packets are kept with those of its host, unless its own file says no. */
static enum status keeps(struct daemon_tenant *t, struct arena *a, struct fail *why)
{
	struct packets_settings set;
	enum status st = daemon_packets_settings(t->config, t->dir, a, &set, why);

	t->keeps = st == ST_OK && set.on && t->says->packets != NULL;
	return st;
}

static bool same_file(const struct daemon_eve *a, const struct daemon_eve *b)
{
	return a->o.wire == NULL && b->o.wire == NULL && !a->o.nowhere && !b->o.nowhere &&
	       slice_equal(a->path, b->path);
}

/* What two would both write. */
static struct slice meet(const struct daemon_tenant *x, const struct daemon_tenant *y)
{
	for (size_t i = 0; i < x->outputs.count; i++)
		for (size_t k = 0; k < y->outputs.count; k++)
			if (same_file(&x->outputs.eves[i], &y->outputs.eves[k]))
				return x->outputs.eves[i].path;
	if (x->outputs.has_stats && y->outputs.has_stats &&
	    same_file(&x->outputs.stats, &y->outputs.stats))
		return x->outputs.stats.path;
	if (x->store.on && y->store.on && slice_equal(x->store.dir, y->store.dir))
		return x->store.dir;
	if (x->packets != NULL && y->packets != NULL &&
	    slice_equal(x->packets->set.dir, y->packets->set.dir))
		return x->packets->set.dir;
	return SLICE("");
}

/* A file that an absolute name, said once for the station, would make common. */
static enum status keep_apart(const struct daemon_tenants *all, struct fail *why)
{
	for (size_t i = 0; i < all->count; i++)
		for (size_t k = i + 1; k < all->count; k++) {
			struct slice both = SLICE("");

			if (all->list[i].says == &all->list[i] &&
			    all->list[k].says == &all->list[k])
				both = meet(&all->list[i], &all->list[k]);
			if (both.len != 0 && i == 0)
				return fail_set(why, ST_REFUSED,
						"the station and tenant %u would both write %.*s: "
						"give it a name without a slash, or one of its own",
						all->list[k].id, SLICE_ARG(both));
			if (both.len != 0)
				return fail_set(why, ST_REFUSED,
						"tenants %u and %u would both write %.*s: give it "
						"a name without a slash, or one of its own",
						all->list[i].id, all->list[k].id, SLICE_ARG(both));
		}
	return ST_OK;
}

enum status daemon_tenants_open(const struct daemon_station *s, struct arena *a,
				struct daemon_tenants *out, struct fail *why)
{
	struct daemon_tenant *station;
	enum status st = tenant_map_read(s->config, a, &out->map, why);

	if (st != ST_OK)
		return st;
	out->list = ARENA_ARRAY(a, struct daemon_tenant, out->map->count);
	if (out->list == NULL)
		return fail_set(why, ST_NOMEM, "no memory for tenants");
	out->count = out->map->count;
	station = &out->list[0];
	*station = (struct daemon_tenant){.source = s->source,
					  .config = s->config,
					  .dir = daemon_log_dir(s->config, s->dir),
					  .apart = true,
					  .exports = true,
					  .rules = s->rules,
					  .says = station};
	station->data_dir = daemon_data_dir(s->config, s->rules.data_dir, station->dir);
	station->rules.data_dir = station->data_dir;
	for (size_t i = 1; st == ST_OK && i < out->count; i++)
		st = tenant_read(s, out->map, i, out, a, why);
	for (size_t i = 0; st == ST_OK && i < out->count; i++)
		st = tenant_open(&out->list[i], s, a, why);
	for (size_t i = 0; st == ST_OK && i < out->count; i++)
		st = keeps(&out->list[i], a, why);
	return st == ST_OK ? keep_apart(out, why) : st;
}

/* ---- all ---- */

uint64_t daemon_tenants_records(const struct daemon_tenants *t)
{
	uint64_t n = 0;

	for (size_t i = 0; i < t->count; i++)
		n += daemon_outputs_records(&t->list[i].outputs);
	return n;
}

uint64_t daemon_tenants_lost(const struct daemon_tenants *t)
{
	uint64_t n = 0;

	for (size_t i = 0; i < t->count; i++)
		n += daemon_outputs_lost(&t->list[i].outputs);
	return n;
}

enum status daemon_tenants_flush(struct daemon_tenants *t, struct fail *why)
{
	enum status st = ST_OK;

	for (size_t i = 0; i < t->count; i++) { /* the others' are durable all the same */
		struct fail one;
		enum status s = daemon_outputs_flush(&t->list[i].outputs, &one);

		if (s != ST_OK && st == ST_OK) {
			st = s;
			*why = one;
		}
	}
	return st;
}

void daemon_tenants_close(struct daemon_tenants *t)
{
	for (size_t i = 0; i < t->count; i++) {
		daemon_outputs_close(&t->list[i].outputs);
		daemon_packets_close(t->list[i].packets);
	}
}

struct config **daemon_tenants_configs(const struct daemon_tenants *t, struct arena *a,
				       size_t *out_count)
{
	struct config **list = ARENA_ARRAY(a, struct config *, t->count + 1);

	*out_count = 0;
	for (size_t i = 1; list != NULL && i < t->count; i++)
		if (t->list[i].config != NULL)
			list[(*out_count)++] = t->list[i].config;
	return list;
}
