/* SPDX-License-Identifier: Apache-2.0
 * The sensor as it stands in a worker: frames from a mapped file, events to a file. */
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include "instrument.h"
#include "os/clock.h"
#include "sensor/capture/capture.h"
#include "sensor/decode/decode.h"
#include "sensor/flow/flow.h"
#include "sensor/stream/stream.h"

enum { MEMORY_PACKETS = 1 << 14 /* how often resident memory is looked at */ };

struct config *bench_config(const char *file, struct arena *a)
{
	struct slice path = slice_of(file);
	struct daemon_config_source src = {.files = &path, .file_count = file != NULL};
	struct config *c;
	struct fail why;

	if (daemon_config_load(&src, a, &c, &why) != ST_OK)
		bench_die("%s", why.text);
	return c;
}

static struct config *alerts_only(struct arena *a)
{
	struct config *c = bench_config(BENCH_FOLDER "/alerts.yaml", a);

	return config_at(config_first(config_at(c, "outputs")), "eve-log");
}

void bench_rules_load(const char *name, const char *path, struct config *config, struct arena *a,
		      struct bench_rules *out)
{
	struct slice file = slice_of(path);
	struct daemon_rules_source src = {.config = config, .files = &file, .file_count = 1};
	struct daemon_progress nobody = {0};
	int64_t cpu = os_clock_cpu().ns;
	int64_t wall = os_clock_mono().ns;
	struct fail why;

	*out = (struct bench_rules){.name = name};
	if (path == NULL)
		return;
	if (daemon_rules_load(&src, &nobody, a, &out->rules, &why) != ST_OK)
		bench_die("%s: %s", path, why.text);
	out->load_cpu_ns = os_clock_cpu().ns - cpu;
	out->load_wall_ns = os_clock_mono().ns - wall;
}

/* --- rooms --- */

static void on_data(void *ctx, struct flow *f, enum flow_dir dir, uint64_t offset,
		    struct slice bytes)
{
	*(uint64_t *)ctx += bytes.len;
}

static void on_gap(void *ctx, struct flow *f, enum flow_dir dir, uint64_t offset, uint64_t missing)
{
}

static void on_eof(void *ctx, struct flow *f, enum flow_dir dir)
{
}

static void on_ended(void *ctx, struct flow *f, enum flow_end why)
{
	struct stream_sink sink = {ctx, on_data, on_gap, on_eof};

	for (int d = 0; d < 2; d++)
		stream_flush(f, (enum flow_dir)d, &sink);
	stream_end(f);
}

double bench_rooms(struct slice capture, enum bench_room until)
{
	struct arena_pool pool = {.budget = SIZE_MAX / 2};
	struct arena process = {.pool = &pool};
	uint64_t released = 0;
	struct stream_sink sink = {&released, on_data, on_gap, on_eof};
	struct stream_config config = {.pool = &pool};
	struct flow_limits limits = {.pool = &pool};
	struct decode_worker *w = decode_worker_new(NULL, &process, &pool);
	struct flow_table *table =
		flow_table_new(&process, &limits, (struct flow_sink){&released, on_ended});
	struct capture *c = ARENA_NEW(&process, struct capture);
	double start = bench_cpu_s();
	struct capture_packet p;
	struct fail why;

	if (w == NULL || table == NULL || c == NULL || capture_open(c, capture, &why) != ST_OK)
		bench_die("no memory, or no capture");
	while (capture_next(c, &p, &why) == ST_OK) {
		struct decode_input in = {p.linktype, p.data, p.wire_bytes, p.at, p.number};
		const struct decode_packets *packets = decode_frame(w, &in);

		for (size_t i = 0; until != BENCH_DECODE && i < packets->count; i++) {
			const struct packet *k = packets->list[i];
			struct stream_result result;
			enum flow_dir dir;
			struct flow *f;

			flow_table_expire(table, k->at);
			f = flow_table_packet(table, k, &dir);
			if (until == BENCH_STREAM && f != NULL && k->proto == IP_PROTO_TCP)
				stream_packet(&config, f, k, dir, &sink, &result);
		}
	}
	flow_table_free(table);
	start = bench_cpu_s() - start;
	decode_worker_free(w);
	arena_reset(&process);
	arena_pool_drain(&pool);
	return start;
}

/* --- the whole worker --- */

struct out {
	FILE *file;
	struct arena_pool pool;
	uint64_t alerts;
};

static void on_record(void *ctx, const struct record *r)
{
	struct out *o = ctx;
	struct record_field fields[RECORD_FIELDS_MAX];
	struct arena arena = {.pool = &o->pool};
	struct buf line = buf_in(&arena);

	record_join(fields, record_fields(r, &arena, fields), &line);
	buf_add_byte(&line, '\n');
	if (fwrite(line.ptr, 1, line.len, o->file) != line.len)
		bench_die("cannot write events: %m");
	arena_reset(&arena);
}

static void frames_all(struct capture *c, struct pipeline *p, bool memory, struct bench_pass *out)
{
	struct capture_packet k;
	struct fail why;

	while (capture_next(c, &k, &why) == ST_OK) {
		pipeline_frame(p, k.linktype, k.data, k.wire_bytes, k.at, k.number);
		if (memory && k.number % MEMORY_PACKETS == 0) {
			uint64_t now = bench_peak_bytes();

			out->peak_bytes = now > out->peak_bytes ? now : out->peak_bytes;
		}
	}
}

struct bench_pass bench_pipeline(struct slice capture, const struct bench_rules *r,
				 struct config *config, const char *eve, bool memory,
				 struct arena *a)
{
	struct out o = {.file = fopen(eve == NULL ? "/dev/null" : eve, "w"),
			.pool = {.budget = 64 << 20}};
	struct pipeline_output to = {{&o, on_record}, alerts_only(a)};
	struct pipeline_options options = {.rules = r->rules.compiled,
					   .station = SLICE("bench"),
					   .outputs = &to,
					   .output_count = 1,
					   .config = config,
					   .skip_checksums = true};
	struct capture *c = ARENA_NEW(a, struct capture);
	const struct pipeline_counters *n;
	struct bench_pass pass = {0};
	struct pipeline *p;
	struct fail why;

	if (o.file == NULL || c == NULL || capture_open(c, capture, &why) != ST_OK)
		bench_die("cannot begin: %m");
	if (pipeline_new(&options, &p, &why) != ST_OK)
		bench_die("%s", why.text);
	bench_instrument(true);
	pass.seconds = bench_cpu_s();
	frames_all(c, p, memory, &pass);
	pipeline_finish(p);
	pass.seconds = bench_cpu_s() - pass.seconds;
	bench_instrument(false);
	n = pipeline_counters(p);
	pass.packets = n->packets;
	pass.bytes = n->bytes;
	pass.flows = n->flows;
	pass.alerts = n->alerts;
	pass.candidates = n->candidates;
	pass.evaluated = n->evaluated;
	pipeline_free(p);
	(void)fclose(o.file); /* nobody reads it */
	arena_pool_drain(&o.pool);
	return pass;
}
