/* SPDX-License-Identifier: Apache-2.0
 * Stages 1 and 2 alone. */
#include "daemon/daemon_priv.h"
#include "daemon/outputs.h"
#include "daemon/store.h"
#include "os/file.h"

/* The sets that rules changed, in their files. */
struct keeping {
	struct slice dir;
	struct arena *arena;
};

static enum status keep_set(void *ctx, struct slice name, struct slice text, struct fail *why)
{
	const struct keeping *k = ctx;
	struct slice path = daemon_path_from(k->arena, k->dir, name);

	return os_file_replace(NULL, path, text, why);
}

enum status daemon_sets_write(const struct detect_saved *saved, struct slice dir, struct arena *a,
			      struct fail *why)
{
	struct keeping k = {dir, a};
	struct detect_writer writer = {&k, keep_set};
	enum status st = os_dir_make(NULL, dir, NULL, why);

	return st == ST_OK ? detect_saved_write(saved, a, &writer, why) : st;
}

enum status daemon_sensor(const struct daemon_sensor_options *o, struct arena *a,
			  struct daemon_sensor_result *out, struct fail *why)
{
	struct slice dir = daemon_log_dir(o->config, o->dir);
	struct daemon_sensor_result r = {.eve_path = daemon_path(a, dir, SLICE("eve.json"))};
	struct daemon_outputs outputs = {0};
	struct daemon_store store = {0};
	struct daemon_rules_source source = o->rules;
	struct detect_saved *saved = NULL;
	enum status st = os_dir_make(NULL, dir, NULL, why);
	size_t bad;

	if (st == ST_OK)
		st = daemon_outputs_open(o->config, dir, true, a, &outputs, why);
	if (st == ST_OK)
		st = daemon_store_open(o->config, dir, a, &store, why);
	store.sink.ctx = &store;
	source.data_dir = daemon_data_dir(o->config, source.data_dir, dir);
	if (st == ST_OK)
		st = daemon_rules_load(&source, &o->progress, a, &r.rules, why);
	bad = rule_set_failed(&r.rules.set);
	if (st == ST_OK && o->init_errors_fatal && bad != 0)
		st = fail_set(why, ST_REFUSED, "%zu rules do not load", bad);
	if (st == ST_OK && detect_rules_save(r.rules.compiled)) {
		saved = detect_saved_new(r.rules.compiled, a);
		if (saved == NULL)
			st = fail_set(why, ST_NOMEM, "no memory for what sets hold");
	}
	r.captures = ARENA_ARRAY(a, struct daemon_capture, o->capture_count + 1);
	if (st == ST_OK && r.captures == NULL)
		st = fail_set(why, ST_NOMEM, "no memory for %zu captures", o->capture_count);
	r.sensing = st == ST_OK;
	for (size_t i = 0; st == ST_OK && i < o->capture_count; i++) {
		struct pipeline_options po = {
			.rules = r.rules.compiled,
			.capture = o->captures[i],
			.rules_failed = bad,
			.rules_skipped = r.rules.set.skipped,
			.stats = outputs.has_stats,
			.station = daemon_stem(daemon_base_name(o->captures[i])),
			.outputs = outputs.outputs,
			.output_count = outputs.count,
			.config = o->config,
			.store = store.on ? &store.sink : NULL,
			.file_ids = &store.ids,
			.midstream = config_bool(o->config, "stream.midstream", false),
			.simulate_ips = o->simulate_ips,
			.skip_checksums = o->skip_checksums,
			.profile = o->profile};

		st = daemon_sense(o->captures[i], &po, &o->progress, saved, a, &r.captures[i], why);
		r.capture_count += st == ST_OK;
		if (st == ST_OK && r.captures[i].stats != NULL)
			daemon_outputs_stats(&outputs, r.captures[i].stats, r.captures[i].last);
	}
	if (st == ST_OK && saved != NULL && r.capture_count != 0)
		st = daemon_sets_write(saved, source.data_dir, a, why);
	detect_saved_done(saved);
	r.records = daemon_outputs_records(&outputs);
	if (r.sensing && st == ST_OK)
		st = daemon_outputs_flush(&outputs, why);
	r.lost = daemon_outputs_lost(&outputs);
	daemon_outputs_close(&outputs);
	*out = r;
	return st;
}
