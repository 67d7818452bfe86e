/* SPDX-License-Identifier: Apache-2.0
 * A capture file's bytes through the whole worker, with rules of every kind of look, and then the
 * same again: the second run must write what the first wrote. Both run in little memory, so that
 * budgets are spent now and then. */
#include "sensor/capture/capture.h"
#include "sensor/detect/detect.h"
#include "sensor/pipeline/pipeline.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PACKETS_MAX = 2000, MEMORY = 4 << 20 };

static const char rules_text[] =
	"alert http any any -> any any (msg:\"uri\"; flow:established,to_server; http.uri; "
	"content:\"/evil\"; nocase; pcre:\"/x=[0-9]+/\"; sid:1;)\n"
	"alert http any any -> any any (msg:\"body\"; flow:to_client; file.data; "
	"content:\"hello\"; sid:2;)\n"
	"alert dns any any -> any any (msg:\"dns\"; dns.query; content:\"example\"; "
	"bsize:>3; sid:3;)\n"
	"alert tls any any -> any any (msg:\"tls\"; tls.sni; content:\"example\"; endswith; "
	"sid:4;)\n"
	"alert tcp any any -> any any (msg:\"stream\"; content:\"|0d 0a|\"; "
	"flowbits:set,line; sid:5;)\n"
	"alert tcp any any -> any any (msg:\"bit\"; flowbits:isset,line; dsize:>0; sid:6;)\n"
	"alert udp any any -> any any (msg:\"often\"; content:\"a\"; threshold:type limit, "
	"track by_src, count 1, seconds 60; sid:7;)\n"
	"alert ip any any -> any any (msg:\"ttl\"; ttl:<5; sid:8;)\n"
	"alert icmp any any -> any any (msg:\"icmp\"; itype:8; sid:9;)\n";

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
		ASSERT(rule_set_load(
			       &set, SLICE("fuzz.rules"),
			       (struct slice){(const uint8_t *)rules_text, sizeof rules_text - 1},
			       &why) == ST_OK);
		ASSERT(detect_compile(&set, &(struct detect_options){0}, &arena, &compiled, &why) ==
		       ST_OK);
		ASSERT(set.problem_count == 0);
	}
	return compiled;
}

struct ear {
	struct arena arena;
	uint64_t hash, records;
};

static void hear(void *ctx, const struct record *r)
{
	struct ear *ear = ctx;
	struct buf line = buf_in(&ear->arena);

	record_encode(r, &ear->arena, &line);
	ASSERT(!line.full);
	for (size_t i = 0; i < line.len; i++)
		ear->hash = (ear->hash ^ line.ptr[i]) * UINT64_C(0x100000001b3);
	ear->records++;
	arena_reset(&ear->arena);
}

static struct ear run(struct slice bytes)
{
	static struct capture capture; /* large */
	struct arena_pool pool = {.budget = 64 << 20};
	struct ear ear = {.arena = {.pool = &pool}};
	struct pipeline_options options = {
		.rules = rules(), .memory_bytes = MEMORY, .sink = {&ear, hear}, .midstream = true};
	struct capture_packet packet;
	struct pipeline *p;
	struct fail why = {0};

	ASSERT(pipeline_new(&options, &p, &why) == ST_OK);
	if (capture_open(&capture, bytes, &why) == ST_OK)
		for (unsigned i = 0; i < PACKETS_MAX; i++) {
			if (capture_next(&capture, &packet, &why) != ST_OK)
				break;
			pipeline_frame(p, packet.linktype, packet.data, packet.wire_bytes,
				       packet.at, packet.number);
		}
	pipeline_finish(p);
	ASSERT(pipeline_counters(p)->records == ear.records);
	pipeline_free(p);
	arena_pool_drain(&pool);
	return ear;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ear once = run((struct slice){data, size}), twice = run((struct slice){data, size});

	ASSERT(once.hash == twice.hash && once.records == twice.records);
	return 0;
}
