/* SPDX-License-Identifier: Apache-2.0
 * Stages 1 and 2 alone. */
#include "daemon/daemon_priv.h"
#include "daemon/outputs.h"
#include "daemon/store.h"
#include "os/file.h"

enum status daemon_sensor(const struct daemon_sensor_options *o, struct arena *a,
			  struct daemon_sensor_result *out, struct fail *why)
{
	struct slice dir =
		o->dir.len != 0 ? o->dir : config_text(o->config, "default-log-dir", ".");
	struct daemon_sensor_result r = {.eve_path = daemon_path(a, dir, SLICE("eve.json"))};
	struct daemon_outputs outputs = {0};
	struct daemon_store store = {0};
	enum status st = os_dir_make(NULL, dir, NULL, why);
	size_t bad;

	if (st == ST_OK)
		st = daemon_outputs_open(o->config, dir, true, a, &outputs, why);
	if (st == ST_OK)
		st = daemon_store_open(o->config, dir, a, &store, why);
	store.sink.ctx = &store;
	if (st == ST_OK)
		st = daemon_rules_load(&o->rules, &o->progress, a, &r.rules, why);
	bad = r.rules.set.problem_count - r.rules.set.warning_count;
	if (st == ST_OK && o->init_errors_fatal && bad != 0)
		st = fail_set(why, ST_REFUSED, "%zu rules do not load", bad);
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

		st = daemon_sense(o->captures[i], &po, &o->progress, a, &r.captures[i], why);
		r.capture_count += st == ST_OK;
		if (st == ST_OK && r.captures[i].stats != NULL)
			daemon_outputs_stats(&outputs, r.captures[i].stats, r.captures[i].last);
	}
	r.records = daemon_outputs_records(&outputs);
	if (r.sensing && st == ST_OK)
		st = daemon_outputs_flush(&outputs, why);
	r.lost = daemon_outputs_lost(&outputs);
	daemon_outputs_close(&outputs);
	*out = r;
	return st;
}
