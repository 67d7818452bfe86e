/* SPDX-License-Identifier: Apache-2.0
 *
 * bench/bench.h - how fast, against what the machine can do at all.
 *
 *	main.c       one subcommand a question; answers as JSON on stdout, tools/bench reads them
 *	corpus.c     many small captures to one large; traffic made from nothing
 *	yardstick.c  y1 libpcap reads and nothing more, y2 the matcher alone, y3 memcpy
 *	sensor.c     the sensor's own rooms, one after the other
 *	flood.c      very many flows at once: memory, and what does not fit
 *
 * Times are processor time of the calling thread (CLOCK_THREAD_CPUTIME_ID), in seconds. Not part of
 * the product: errors end the process with a sentence.
 */
#ifndef DEW_BENCH_H
#define DEW_BENCH_H

#include "base/arena.h"
#include "base/json.h"
#include "base/slice.h"
#include "daemon/daemon.h"
#include "os/file.h"

_Noreturn void bench_die(const char *fmt, ...) PRINTF_LIKE(1, 2);
double bench_cpu_s(void);	 /* of this thread */
uint64_t bench_peak_bytes(void); /* resident memory of its own (no files), now */
struct os_map bench_map(const char *path);

/* --- corpus.c --- */

/* Merges captures of Ethernet or IP into `out`, each several times with other addresses, until it
 * has about `bytes`. Groups of captures, with "--" between them, get equal shares. */
void bench_corpus(const char *out, uint64_t bytes, char **paths, size_t count, struct json *j);

/* TCP sessions, all open at once, that take turns: `flows` of them, `packets` in all, each with
 * `payload` bytes. */
void bench_synthetic(const char *out, uint32_t flows, uint32_t packets, uint32_t payload);

/* --- yardstick.c --- */

struct bench_payloads { /* of every packet that has one */
	struct slice *all;
	size_t count, room;
	uint64_t bytes;
};

void bench_payloads_read(struct slice capture, struct arena *a, struct bench_payloads *out);
struct bench_matcher; /* the longest content of every rule */
/* least: patterns of fewer bytes are left out. */
struct bench_matcher *bench_matcher_new(const struct rule_set *set, size_t least, struct arena *a);
size_t bench_matcher_patterns(const struct bench_matcher *m);
double bench_y1(const char *path);
double bench_y2(const struct bench_matcher *m, const struct bench_payloads *p);
double bench_y3(struct slice bytes);

/* --- sensor.c --- */

struct bench_rules {
	const char *name;
	struct daemon_rules rules; /* rules.compiled NULL: none */
	int64_t load_cpu_ns;	   /* of all threads */
	int64_t load_wall_ns;
};

struct bench_pass {
	double seconds;
	uint64_t packets, bytes, flows, alerts, candidates, evaluated;
	uint64_t peak_bytes; /* resident, sampled; 0: not asked for */
};

/* path NULL: no rules. */
void bench_rules_load(const char *name, const char *path, struct config *config, struct arena *a,
		      struct bench_rules *out);
/* file NULL: what dewline does without one. */
struct config *bench_config(const char *file, struct arena *a);

/* Decoding alone; with flows; with streams. */
enum bench_room { BENCH_DECODE, BENCH_FLOW, BENCH_STREAM };
double bench_rooms(struct slice capture, enum bench_room until);

/* The whole worker, alerts written to `eve` (NULL: to /dev/null) as EVE JSON. */
struct bench_pass bench_pipeline(struct slice capture, const struct bench_rules *r,
				 struct config *config, const char *eve, bool memory,
				 struct arena *a);

/* --- flood.c --- */

/* `flows` of a kind (flood.h), all open at once, of which `together` say what they say at the same
 * time (0: all), `per_s` packets a second in their time, within `budget` bytes. rules NULL: none.
 */
void bench_flood(const char *kind, uint32_t flows, uint32_t together, uint64_t budget,
		 uint32_t per_s, const char *rules, struct config *config, struct json *j,
		 struct arena *a);

#endif
