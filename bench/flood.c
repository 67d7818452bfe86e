/* SPDX-License-Identifier: Apache-2.0
 * Very many flows at once: what each costs, and what becomes of those for which there is no room.
 */
#include "flood.h"

#include <stdio.h>

#include "bench.h"
#include "sensor/pipeline/pipeline.h"

static void nowhere(void *ctx, const struct record *r)
{
	++*(uint64_t *)ctx;
}

static enum flood_kind kind_of(const char *name)
{
	for (unsigned i = 0; i < FLOOD_KINDS; i++)
		if (strcmp(name, flood_names[i]) == 0)
			return (enum flood_kind)i;
	bench_die("%s: syn, tcp, http, dns, text or tls", name);
}

/* No share of the budget is less than all of it: what is measured is what flows take. */
static void budget_is_all(struct config *config, uint64_t budget)
{
	static const char *const keys[] = {"flow.memcap", "stream.memcap",
					   "stream.reassembly.memcap"};
	char text[32];
	struct fail why;

	(void)snprintf(text, sizeof text, "%llu", (unsigned long long)budget);
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		if (config_set(config, slice_of(keys[i]), slice_of(text), &why) != ST_OK)
			bench_die("%s", why.text);
}

/* All flows, `together` at a time; returns the most memory that was seen. */
static uint64_t open_all(struct flood *f, enum flood_kind k, uint32_t flows, uint32_t together)
{
	uint64_t most = 0;

	for (uint32_t first = 0; first < flows; first += together) {
		uint32_t n = flows - first < together ? flows - first : together;

		for (unsigned step = 0; step < flood_steps(k); step++)
			for (uint32_t i = 0; i < n; i++) {
				flood_step(f, k, first + i, step);
				if (i % 256 == 0 && pipeline_counters(f->p)->memory > most)
					most = pipeline_counters(f->p)->memory;
			}
	}
	return most;
}

void bench_flood(const char *kind, uint32_t flows, uint32_t together, uint64_t budget,
		 uint32_t per_s, const char *rules_path, struct config *config, struct json *j,
		 struct arena *a)
{
	enum flood_kind k = kind_of(kind);
	struct bench_rules rules;
	uint64_t records = 0, before, most;
	struct pipeline_options o = {
		.memory_bytes = budget, .skip_checksums = true, .sink = {&records, nowhere}};
	struct flood f = {.at = 1700000000 * TIME_NS_PER_S, .gap_ns = TIME_NS_PER_S / per_s};
	const struct pipeline_counters *c;
	struct pipeline_output out = {.sink = o.sink};
	struct fail why;
	double begin, s;

	budget_is_all(config, budget);
	bench_rules_load("rules", rules_path, config, a, &rules);
	o.rules = rules.rules.compiled;
	o.config = config;
	o.outputs = &out;
	o.output_count = 1;
	if (pipeline_new(&o, &f.p, &why) != ST_OK)
		bench_die("%s", why.text);
	before = bench_peak_bytes();
	begin = bench_cpu_s();
	most = open_all(&f, k, flows, together != 0 ? together : flows);
	s = bench_cpu_s() - begin;
	c = pipeline_counters(f.p);
	json_member_str(j, "kind", slice_of(kind));
	json_member_u64(j, "together", together);
	json_member_u64(j, "flows", c->flows);
	json_member_u64(j, "open", c->flows_now);
	json_member_u64(j, "packets", c->packets);
	json_member_u64(j, "alerts", c->alerts);
	json_member_u64(j, "records", records);
	json_member_u64(j, "refused", c->flows_refused);
	json_member_u64(j, "no_memory", c->no_memory);
	json_key(j, "ended");
	json_object(j);
	json_member_u64(j, "timed_out", c->flows_timed_out);
	json_member_u64(j, "replaced", c->flows_replaced);
	json_member_u64(j, "hurried", c->flows_hurried);
	json_member_u64(j, "evicted", c->flows_evicted);
	json_end(j);
	json_member_u64(j, "memory_most", most);
	json_member_u64(j, "memory", c->memory);
	json_member_u64(j, "memory_streams", c->memory_streams);
	json_member_u64(j, "memory_flows", c->memory_flows);
	json_member_u64(j, "memory_app", c->memory_app);
	json_member_u64(j, "memory_fixed", c->memory_fixed);
	json_member_u64(j, "resident", bench_peak_bytes() - before);
	json_member_u64(j, "bytes_a_flow", c->flows_now ? c->memory / c->flows_now : 0);
	json_key(j, "seconds");
	json_fixed(j, (int64_t)(s * 1e6), 6);
	pipeline_finish(f.p);
	pipeline_free(f.p);
}
