/* SPDX-License-Identifier: Apache-2.0
 *
 * One question a run, the answer as one JSON object on stdout. tools/bench asks them.
 *
 *	corpus OUT BYTES CAPTURE... [-- CAPTURE...]  merges captures, see bench.h
 *	synthetic OUT FLOWS PACKETS BYTES            makes traffic
 *	run ROUNDS CAPTURE [NAME=RULES]...           everything in turns, ROUNDS times
 *	load RULES CAPTURE                           what loading costs, memory of one pass
 *	pass RULES CAPTURE [EVE]                     one pass
 *	flood KIND FLOWS TOGETHER BUDGET PER_S [RULES]   many flows: cost, what became of them;
 *	                                             TOGETHER at a time speak (0: all)
 *	rooms CAPTURE                                decode, flow, stream alone: for callgrind
 *
 * RULES may be "-": none.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bench.h"

enum { SETS_MAX = 8, ROUNDS_MAX = 99 };

void bench_die(const char *fmt, ...)
{
	va_list ap;

	(void)fputs("bench: ", stderr);
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
	exit(2);
}

double bench_cpu_s(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t); /* always there */
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

uint64_t bench_peak_bytes(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	unsigned long long kib = 0;
	char line[256];

	while (f != NULL && fgets(line, sizeof line, f) != NULL)
		if (sscanf(line, "RssAnon: %llu", &kib) == 1)
			break;
	if (f != NULL)
		(void)fclose(f); /* only read */
	return kib << 10;
}

struct os_map bench_map(const char *path)
{
	struct os_map map;
	struct fail why;

	if (os_file_map(slice_of(path), &map, &why) != ST_OK)
		bench_die("%s", why.text);
	return map;
}

/* --- run --- */

struct series {
	char name[48];
	double s[ROUNDS_MAX];
};

struct run {
	struct series all[5 + 4 * SETS_MAX];
	size_t count, rounds;
};

static void note(struct run *r, size_t round, const char *kind, const char *set, double s)
{
	char name[48];
	size_t i = 0;

	(void)snprintf(name, sizeof name, "%s%s%s", kind, set[0] ? "/" : "", set);
	while (i < r->count && strcmp(r->all[i].name, name) != 0)
		i++;
	if (i == r->count) {
		memcpy(r->all[i].name, name, sizeof name);
		r->count++;
	}
	r->all[i].s[round] = s;
}

static void seconds_write(struct json *j, const struct run *r)
{
	json_key(j, "seconds");
	json_object(j);
	for (size_t i = 0; i < r->count; i++) {
		json_key(j, r->all[i].name);
		json_array(j);
		for (size_t k = 0; k < r->rounds; k++)
			json_fixed(j, (int64_t)(r->all[i].s[k] * 1e6), 6);
		json_end(j);
	}
	json_end(j);
}

struct set {
	struct bench_rules rules;
	struct bench_matcher *all, *long_ones;
	struct bench_pass pass;
};

static void pass_write(struct json *j, const struct set *s)
{
	json_key(j, s->rules.name);
	json_object(j);
	json_member_u64(
		j, "rules",
		s->rules.rules.compiled == NULL ? 0 : detect_rules_count(s->rules.rules.compiled));
	json_member_u64(j, "patterns", s->all == NULL ? 0 : bench_matcher_patterns(s->all));
	json_member_u64(j, "alerts", s->pass.alerts);
	json_member_u64(j, "candidates", s->pass.candidates);
	json_member_u64(j, "evaluated", s->pass.evaluated);
	json_end(j);
}

static void sets_load(struct set *sets, size_t count, char **args, struct config *config,
		      struct arena *a)
{
	bench_rules_load("none", NULL, config, a, &sets[0].rules);
	for (size_t i = 1; i < count; i++) {
		char *path = strchr(args[i - 1], '=');

		if (path == NULL)
			bench_die("%s: NAME=RULES", args[i - 1]);
		*path = '\0';
		bench_rules_load(args[i - 1], path + 1, config, a, &sets[i].rules);
		sets[i].all = bench_matcher_new(&sets[i].rules.rules.set, 1, a);
		sets[i].long_ones = bench_matcher_new(&sets[i].rules.rules.set, 4, a);
	}
}

static void round_all(struct run *r, size_t round, const char *path, struct slice capture,
		      const struct bench_payloads *payloads, struct set *sets, size_t count,
		      struct config *config, struct arena *a)
{
	note(r, round, "y1", "", bench_y1(path));
	note(r, round, "y3", "", bench_y3(capture));
	note(r, round, "decode", "", bench_rooms(capture, BENCH_DECODE));
	note(r, round, "decode+flow", "", bench_rooms(capture, BENCH_FLOW));
	note(r, round, "decode+flow+stream", "", bench_rooms(capture, BENCH_STREAM));
	for (size_t i = 0; i < count; i++) {
		const char *name = sets[i].rules.name;

		if (sets[i].all != NULL) {
			note(r, round, "y2", name, bench_y2(sets[i].all, payloads));
			note(r, round, "y2-long", name, bench_y2(sets[i].long_ones, payloads));
		}
		sets[i].pass = bench_pipeline(capture, &sets[i].rules, config, NULL, false, a);
		note(r, round, "sensor", name, sets[i].pass.seconds);
	}
}

static void run(int argc, char **argv, struct json *j, struct arena *a)
{
	size_t rounds = (size_t)strtoul(argv[0], NULL, 10), count = (size_t)argc - 1;
	struct bench_payloads payloads = {0};
	struct config *config = bench_config(NULL, a);
	struct set *sets = ARENA_ARRAY(a, struct set, SETS_MAX);
	struct run *r = ARENA_NEW(a, struct run);
	struct os_map map = bench_map(argv[1]);

	if (rounds < 1 || rounds > ROUNDS_MAX || count > SETS_MAX || sets == NULL || r == NULL)
		bench_die("1 to %d rounds, at most %d sets of rules", ROUNDS_MAX, SETS_MAX - 1);
	r->rounds = rounds;
	sets_load(sets, count, argv + 2, config, a);
	bench_payloads_read(map.bytes, a, &payloads);
	for (size_t i = 0; i < rounds; i++)
		round_all(r, i, argv[1], map.bytes, &payloads, sets, count, config, a);
	json_member_u64(j, "packets", sets[0].pass.packets);
	json_member_u64(j, "bytes", sets[0].pass.bytes);
	json_member_u64(j, "flows", sets[0].pass.flows);
	json_member_u64(j, "file_bytes", map.bytes.len);
	json_member_u64(j, "payload_bytes", payloads.bytes);
	json_member_u64(j, "payloads", payloads.count);
	seconds_write(j, r);
	json_key(j, "sets");
	json_object(j);
	for (size_t i = 0; i < count; i++)
		pass_write(j, &sets[i]);
	json_end(j);
}

/* --- the others --- */

static void pass(const char *rules, const char *capture, const char *eve, bool memory,
		 struct json *j, struct arena *a)
{
	struct config *config = bench_config(NULL, a);
	struct bench_rules r;
	struct bench_pass p;
	uint64_t loaded;

	bench_rules_load("rules", strcmp(rules, "-") == 0 ? NULL : rules, config, a, &r);
	loaded = bench_peak_bytes();
	p = bench_pipeline(bench_map(capture).bytes, &r, config, eve, memory, a);
	json_key(j, "load_cpu_s");
	json_fixed(j, r.load_cpu_ns / 1000, 6);
	json_key(j, "load_wall_s");
	json_fixed(j, r.load_wall_ns / 1000, 6);
	json_member_u64(j, "loaded_bytes", loaded);
	json_member_u64(j, "peak_bytes", p.peak_bytes > loaded ? p.peak_bytes : loaded);
	json_key(j, "seconds");
	json_fixed(j, (int64_t)(p.seconds * 1e6), 6);
	json_member_u64(j, "packets", p.packets);
	json_member_u64(j, "flows", p.flows);
	json_member_u64(j, "alerts", p.alerts);
	json_member_u64(j, "candidates", p.candidates);
	json_member_u64(j, "evaluated", p.evaluated);
}

static uint32_t number(const char *z)
{
	return (uint32_t)strtoul(z, NULL, 10);
}

static bool answer(int argc, char **argv, struct json *j, struct arena *a)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (argc >= 5 && strcmp(what, "corpus") == 0)
		bench_corpus(argv[2], strtoull(argv[3], NULL, 10), argv + 4, (size_t)argc - 4, j);
	else if (argc == 6 && strcmp(what, "synthetic") == 0)
		bench_synthetic(argv[2], number(argv[3]), number(argv[4]), number(argv[5]));
	else if (argc >= 4 && strcmp(what, "run") == 0)
		run(argc - 2, argv + 2, j, a);
	else if (argc == 4 && strcmp(what, "load") == 0)
		pass(argv[2], argv[3], NULL, true, j, a);
	else if ((argc == 4 || argc == 5) && strcmp(what, "pass") == 0)
		pass(argv[2], argv[3], argc == 5 ? argv[4] : NULL, false, j, a);
	else if ((argc == 7 || argc == 8) && strcmp(what, "flood") == 0)
		bench_flood(argv[2], number(argv[3]), number(argv[4]), strtoull(argv[5], NULL, 10),
			    number(argv[6]), argc == 8 ? argv[7] : NULL, bench_config(NULL, a), j,
			    a);
	else if (argc == 3 && strcmp(what, "rooms") == 0)
		(void)bench_rooms(bench_map(argv[2]).bytes, BENCH_STREAM);
	else
		return false;
	return true;
}

int main(int argc, char **argv)
{
	struct arena_pool pool = {.budget = SIZE_MAX / 2};
	struct arena a = {.pool = &pool};
	struct buf text = buf_in(&a);
	struct json j = json_in(&text);

	json_object(&j);
	if (!answer(argc, argv, &j, &a))
		bench_die("corpus, synthetic, run, load, pass, flood or rooms; see bench/main.c");
	json_end(&j);
	(void)printf("%.*s\n", SLICE_ARG(buf_slice(&text)));
	return 0;
}
