/* SPDX-License-Identifier: Apache-2.0
 * Stages 1 and 2 alone. */
#include "daemon/daemon_priv.h"
#include "daemon/export.h"
#include "daemon/sealing.h"
#include "daemon/tenants.h"
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

/* The rules of one tenant, what they put into sets, and whom its flows are told. */
struct policy {
	struct daemon_rules rules;
	struct detect_saved *saved; /* NULL: they keep nothing */
	struct export *export;	    /* NULL: nobody, or whom those who it says things to tell */
};

struct job {
	const struct daemon_sensor_options *o;
	struct daemon_tenants tenants;
	struct policy *policies; /* by place */
	struct daemon_sense_lane *lanes;
	struct sealing *sealing;			      /* NULL: nothing is sealed */
	struct pipeline_output outputs[PIPELINE_OUTPUTS_MAX]; /* of the station, with that one */
	size_t output_count;
	struct arena *arena;
};

static enum status policy_load(struct job *j, size_t place, struct fail *why)
{
	struct policy *p = &j->policies[place];
	enum status st = daemon_rules_load(&j->tenants.list[place].rules, &j->o->progress, j->arena,
					   &p->rules, why);
	size_t bad = rule_set_failed(&p->rules.set);

	if (st == ST_OK && j->o->init_errors_fatal && bad != 0)
		st = fail_set(why, ST_REFUSED, "%zu rules do not load", bad);
	if (st == ST_OK && detect_rules_save(p->rules.compiled)) {
		p->saved = detect_saved_new(p->rules.compiled, j->arena);
		if (p->saved == NULL)
			st = fail_set(why, ST_NOMEM, "no memory for what sets hold");
	}
	return st == ST_OK || place == 0 ? st
					 : fail_wrap(why, "tenant %u", j->tenants.list[place].id);
}

/* Rings of packets: a queue for each tenant whose frames go there. */
static enum status packets_start(struct job *j, struct fail *why)
{
	struct slice name =
		j->o->capture_count == 1 ? daemon_base_name(j->o->captures[0]) : SLICE("captures");
	enum status st = ST_OK;

	for (size_t i = 0; st == ST_OK && i < j->tenants.count; i++) {
		struct daemon_packets *p = j->tenants.list[i].packets;

		if (p == NULL)
			continue;
		st = daemon_packets_lanes(p, j->tenants.count, why);
		for (size_t k = 0; st == ST_OK && k < j->tenants.count; k++)
			daemon_packets_name(p, k, name);
		if (st == ST_OK)
			st = daemon_packets_start(p, why);
	}
	return st;
}

static bool packets_stop(struct job *j)
{
	bool all = true;

	for (size_t i = 0; i < j->tenants.count; i++)
		all &= daemon_packets_stop(j->tenants.list[i].packets);
	return all;
}

static void alerted(void *ctx, uint64_t flow, struct wall_ns at)
{
	struct daemon_sense_lane *lane = ctx;

	daemon_packets_alert(lane->packets, lane->packets_lane, flow, at);
}

/* All lanes of a capture are read by one thread, so that one ring does. */
static enum status export_start(struct job *j, size_t place, struct fail *why)
{
	const struct daemon_tenant *t = &j->tenants.list[place];
	struct export_options o = {
		.config = t->exports ? t->config : NULL, .workers = 1, .patient = true};
	enum status st = daemon_export_open(&o, j->arena, &j->policies[place].export, why);

	return st == ST_OK ? daemon_export_start(j->policies[place].export, why) : st;
}

static enum status prepare(struct job *j, struct fail *why)
{
	struct daemon_station station = {.source = j->o->source,
					 .config = j->o->config,
					 .rules = j->o->rules,
					 .dir = j->o->dir,
					 .patient = true,
					 .ctx = j->o->ctx,
					 .say = j->o->say};
	enum status st = daemon_tenants_open(&station, j->arena, &j->tenants, why);
	size_t n = j->tenants.count;

	if (st != ST_OK)
		return st;
	j->policies = ARENA_ARRAY(j->arena, struct policy, n);
	j->lanes = ARENA_ARRAY(j->arena, struct daemon_sense_lane, n);
	if (j->policies == NULL || j->lanes == NULL)
		return fail_set(why, ST_NOMEM, "no memory for tenants");
	for (size_t i = 0; st == ST_OK && i < n; i++)
		st = policy_load(j, i, why);
	for (size_t i = 0; st == ST_OK && i < n; i++)
		st = export_start(j, i, why);
	return st == ST_OK ? packets_start(j, why) : st;
}

/* --- the station's log --- */

static enum status sealing_open(struct job *j, struct slice dir, struct fail *why)
{
	struct sealing_options o = {.config = j->o->config,
				    .dir = dir,
				    .station = config_text(j->o->config, "sensor-name", "sensor"),
				    .lanes = 1,
				    .patient = true,
				    .mode = "captures",
				    .ctx = j->o->ctx,
				    .say = j->o->say};

	return daemon_sealing_open(&o, j->arena, &j->sealing, why);
}

static enum status outputs_make(struct job *j, struct fail *why)
{
	const struct daemon_outputs *o = &j->tenants.list[0].outputs;

	memcpy(j->outputs, o->outputs, o->count * sizeof o->outputs[0]);
	j->output_count = o->count;
	if (j->sealing == NULL)
		return ST_OK;
	if (o->count == PIPELINE_OUTPUTS_MAX)
		return fail_set(why, ST_LIMIT, "more than %d outputs beside the station's log",
				PIPELINE_OUTPUTS_MAX - 1);
	j->output_count += daemon_sealing_output(j->sealing, 0, &j->outputs[o->count]);
	return ST_OK;
}

static void sealing_begin(struct job *j)
{
	const struct daemon_rules *r = &j->policies[0].rules;

	daemon_sealing_begin(j->sealing, 0);
	for (size_t i = 0; i < r->file_count; i++) {
		struct sealing_input in = {.what = SLICE("rules"),
					   .name = r->files[i].name,
					   .bytes = r->files[i].text.len};

		memcpy(in.sha256, r->files[i].sha256, sizeof in.sha256);
		daemon_sealing_input(j->sealing, 0, &in);
	}
}

static void sealing_capture(struct job *j, const struct daemon_capture *k)
{
	struct sealing_input in = {.what = SLICE("capture"),
				   .name = k->name,
				   .bytes = k->bytes,
				   .packets = k->packets,
				   .first = k->first,
				   .last = k->last};

	memcpy(in.sha256, k->sha256, sizeof in.sha256);
	daemon_sealing_input(j->sealing, 0, &in);
}

/* --- captures --- */

/* What tenant `place` brings to a capture. */
static void lane_fill(struct job *j, size_t place, struct slice capture)
{
	struct daemon_tenant *t = &j->tenants.list[place];
	struct policy *p = &j->policies[place];
	bool station = t->says == j->tenants.list; /* says it, or its guest */

	j->lanes[place] = (struct daemon_sense_lane){
		.saved = p->saved,
		.packets = t->keeps ? t->says->packets : NULL,
		.packets_lane = place,
		.options = {.rules = p->rules.compiled,
			    .capture = capture,
			    .tenant = t->id,
			    .memory_bytes = config_size(t->config, "memory.worker", 0),
			    .rules_failed = rule_set_failed(&p->rules.set),
			    .rules_skipped = p->rules.set.skipped,
			    .stats = t->apart && t->outputs.has_stats,
			    .station = daemon_stem(daemon_base_name(capture)),
			    .outputs = station ? j->outputs : t->says->outputs.outputs,
			    .output_count = station ? j->output_count : t->says->outputs.count,
			    .config = t->config,
			    .store = t->says->store.on ? &t->says->store.sink : NULL,
			    .file_ids = &t->says->store.ids,
			    .midstream = config_bool(t->config, "stream.midstream", false),
			    .simulate_ips = j->o->simulate_ips,
			    .skip_checksums = j->o->skip_checksums,
			    .profile = j->o->profile && place == 0,
			    .alerted_ctx = &j->lanes[place],
			    .alerted = t->keeps ? alerted : NULL,
			    .meter = daemon_export_meter(
				    j->policies[t->says - j->tenants.list].export, 0)}};
}

static enum status one_capture(struct job *j, struct slice path, struct daemon_capture *out,
			       struct fail *why)
{
	enum status st;

	for (size_t i = 0; i < j->tenants.count; i++)
		lane_fill(j, i, path);
	st = daemon_sense_lanes(path, j->tenants.map, j->lanes, j->tenants.count, &j->o->progress,
				j->arena, out, why);
	if (st == ST_OK)
		sealing_capture(j, out);
	for (size_t i = 0; st == ST_OK && i < j->tenants.count; i++)
		if (j->lanes[i].stats != NULL)
			daemon_outputs_stats(&j->tenants.list[i].outputs, j->lanes[i].stats,
					     out->last);
	return st;
}

static enum status sets_keep(struct job *j, struct fail *why)
{
	enum status st = ST_OK;

	for (size_t i = 0; st == ST_OK && i < j->tenants.count; i++)
		if (j->policies[i].saved != NULL)
			st = daemon_sets_write(j->policies[i].saved, j->tenants.list[i].data_dir,
					       j->arena, why);
	return st;
}

/* The station's rules go to the caller, who may still say something about them. */
static void job_end(struct job *j, struct daemon_sensor_result *r)
{
	for (size_t i = 0; j->policies != NULL && i < j->tenants.count; i++) {
		detect_saved_done(j->policies[i].saved);
		daemon_export_stop(j->policies[i].export);
		if (i == 0)
			daemon_export_counters(j->policies[i].export, &r->export);
		daemon_export_close(j->policies[i].export);
		if (i != 0)
			daemon_rules_close(&j->policies[i].rules);
	}
	if (j->policies != NULL)
		r->rules = j->policies[0].rules;
	daemon_tenants_close(&j->tenants);
}

enum status daemon_sensor(const struct daemon_sensor_options *o, struct arena *a,
			  struct daemon_sensor_result *out, struct fail *why)
{
	struct slice dir = daemon_log_dir(o->config, o->dir);
	struct daemon_sensor_result r = {.eve_path = daemon_path(a, dir, SLICE("eve.json"))};
	struct job job = {.o = o, .arena = a};
	enum status st = sealing_open(&job, dir, why);

	if (st == ST_OK)
		st = prepare(&job, why);
	if (st == ST_OK)
		st = outputs_make(&job, why);
	r.tenants = daemon_tenants_configs(&job.tenants, a, &r.tenant_count);
	r.captures = ARENA_ARRAY(a, struct daemon_capture, o->capture_count + 1);
	if (st == ST_OK && r.captures == NULL)
		st = fail_set(why, ST_NOMEM, "no memory for %zu captures", o->capture_count);
	r.sensing = st == ST_OK;
	if (r.sensing)
		sealing_begin(&job);
	for (size_t i = 0; st == ST_OK && i < o->capture_count; i++) {
		st = one_capture(&job, o->captures[i], &r.captures[i], why);
		r.capture_count += st == ST_OK;
	}
	if (st == ST_OK && r.capture_count != 0)
		st = sets_keep(&job, why);
	if (r.sensing && !daemon_sealing_end(job.sealing, 0) && st == ST_OK)
		st = fail_set(why, ST_IO, "not all events are in the station's log");
	daemon_sealing_close(job.sealing);
	r.records = daemon_tenants_records(&job.tenants);
	if (r.sensing && st == ST_OK)
		st = daemon_tenants_flush(&job.tenants, why);
	r.lost = daemon_tenants_lost(&job.tenants);
	for (size_t i = 0; i < job.tenants.count; i++) {
		const struct daemon_store *s = &job.tenants.list[i].store;

		r.store_errors += atomic_load(&s->errors);
		if (atomic_load(&s->error) != 0)
			r.store_error = atomic_load(&s->error);
	}
	r.stuck = !packets_stop(&job);
	if (r.stuck && st == ST_OK)
		st = fail_set(why, ST_IO,
			      "packets could not be written: the disk does not take them");
	if (!r.stuck)
		job_end(&job, &r);
	*out = r;
	return st;
}
