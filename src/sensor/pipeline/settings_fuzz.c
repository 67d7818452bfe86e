/* SPDX-License-Identifier: Apache-2.0
 * A suricata.yaml up to the first line that is "--", behind it a capture file's bytes: a worker
 * with these settings and these eve-logs either refuses with a reason or writes events that read
 * back, and ends. Little memory, so that budgets are spent now and then. */
#include "sensor/capture/capture.h"
#include "sensor/config/config.h"
#include "sensor/detect/detect.h"
#include "sensor/pipeline/pipeline.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PACKETS_MAX = 500, MEMORY = 2 << 20 };

static const char rules_text[] =
	"alert http any any -> any any (msg:\"uri\"; flow:established,to_server; http.uri; "
	"content:\"/\"; metadata:a b; reference:url,a.example; tag:session,5,packets; sid:1;)\n"
	"alert http any any -> any any (msg:\"file\"; file.data; content:\"e\"; sid:2;)\n"
	"alert dns any any -> any any (msg:\"dns\"; dns.query; content:\"e\"; sid:3;)\n"
	"alert tcp any any -> any any (msg:\"stream\"; content:\"|0d 0a|\"; sid:5;)\n"
	"drop udp any any -> any any (msg:\"udp\"; content:\"b\"; sid:7;)\n"
	"alert ip any any -> any any (msg:\"ttl\"; ttl:<5; sid:8;)\n";

/* Compiled once: the matcher takes longer than a whole input. */
static const struct detect_rules *rules(void)
{
	static struct arena_pool pool = {.budget = 256 << 20};
	static struct arena arena = {.pool = &pool};
	static struct rule_set set;
	static struct detect_rules *compiled;
	struct fail why = {0};

	if (compiled == NULL) {
		ASSERT(rule_set_init(&set, &arena, &why) == ST_OK);
		ASSERT(rule_set_load(&set, SLICE("fuzz.rules"), slice_of(rules_text), &why) ==
		       ST_OK);
		ASSERT(detect_compile(&set, &(struct detect_options){0}, &arena, &compiled, &why) ==
		       ST_OK);
		ASSERT(set.problem_count == 0);
	}
	return compiled;
}

static void hear(void *ctx, const struct record *r)
{
	struct arena arena = {.pool = ctx};
	struct buf line = buf_in(&arena);
	struct fail why = {0};
	struct record back;

	record_encode(r, &arena, &line);
	ASSERT(!line.full);
	/* only the older form of DNS events, which must be asked for, is not for us to read */
	ASSERT(record_parse(buf_slice(&line), &arena, &back, &why) == ST_OK ||
	       slice_equal(slice_of(why.text), SLICE("dns.version is no 3")));
	arena_reset(&arena);
}

static void run(struct pipeline_options *options, struct slice bytes)
{
	static struct capture capture; /* large */
	struct capture_packet packet;
	struct fail why = {0};
	struct pipeline *p;

	if (pipeline_new(options, &p, &why) != ST_OK) {
		ASSERT(why.text[0] != '\0');
		return;
	}
	if (capture_open(&capture, bytes, &why) == ST_OK)
		for (unsigned i = 0; i < PACKETS_MAX; i++) {
			if (capture_next(&capture, &packet, &why) != ST_OK)
				break;
			pipeline_frame(p, packet.linktype, packet.data, packet.wire_bytes,
				       packet.at, packet.number);
		}
	pipeline_finish(p);
	pipeline_free(p);
}

/* The eve-logs below "outputs", as the daemon takes them. */
static void take_outputs(struct config *root, struct pipeline_output *outputs,
			 struct pipeline_options *options, struct arena_pool *pool)
{
	struct config *list = config_at(root, "outputs");

	for (struct config *m = config_first(list); m != NULL; m = config_next(m)) {
		struct config *node = config_at(m, "eve-log");

		if (node != NULL && options->output_count < PIPELINE_OUTPUTS_MAX)
			outputs[options->output_count++] =
				(struct pipeline_output){{pool, hear}, node};
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice all = {data, size};
	size_t cut = slice_find(all, SLICE("\n--\n"));
	struct slice text = slice_part(all, 0, cut == SIZE_MAX ? size : cut + 1);
	struct slice bytes = cut == SIZE_MAX ? (struct slice){NULL, 0} : slice_from(all, cut + 4);
	struct arena_pool pool = {.budget = 64 << 20}, lines = {.budget = 64 << 20};
	struct arena a = {.pool = &pool};
	struct config *root = config_new(&a);
	struct pipeline_output outputs[PIPELINE_OUTPUTS_MAX];
	struct pipeline_options options = {.rules = rules(),
					   .memory_bytes = MEMORY,
					   .sink = {&lines, hear},
					   .outputs = outputs,
					   .midstream = size % 2 == 0,
					   .simulate_ips = size % 3 == 0,
					   .config = root};
	struct fail why = {0};

	ASSERT(root != NULL);
	/* whose files are not ours to open */
	ASSERT(config_set(root, SLICE("magic-file"), SLICE(""), &why) == ST_OK);
	if (config_load(root, SLICE("f"), text, NULL, &why) == ST_OK) {
		take_outputs(root, outputs, &options, &lines);
		run(&options, bytes);
	}
	arena_reset(&a);
	ASSERT(pool.out == 0 && lines.out == 0);
	arena_pool_drain(&pool);
	arena_pool_drain(&lines);
	return 0;
}
