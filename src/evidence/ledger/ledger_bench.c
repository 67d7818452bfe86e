/* SPDX-License-Identifier: Apache-2.0
 *
 * What a log costs.   evidence_ledger_ledger_bench FOLDER LEAVES BATCH
 *
 * Appends LEAVES entries of 300 bytes, a checkpoint signed and durable after each BATCH, to a log
 * in FOLDER, which must be new; before that, in a second folder FOLDER-floor, as many batches of
 * the same bytes are written over a file and made durable, which is the least that any log can do
 * on this disk. Then random leaves are proved, each twice, and in FOLDER-alone ALONE entries are
 * committed one by one: from the entry to the durable checkpoint that covers it. One line of JSON;
 * times in nanoseconds.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "evidence/ledger/ledger.h"
#include "os/clock.h"
#include "os/file.h"

enum { ENTRY = 300, PROOFS = 20000, ALONE = 1000, FLOOR_BATCHES_MAX = 400 };

struct bench {
	struct arena_pool pool;
	struct arena a;
	struct fail why;
	struct slice dir;
	uint64_t leaves, batch;
	int64_t *times; /* of commits */
	size_t count;
};

/* Of some times: the median, the 99th of a hundred, the longest. */
struct spread {
	int64_t p50, p99, most;
};

static int by_time(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static struct spread spread_of(int64_t *times, size_t n)
{
	if (n == 0)
		return (struct spread){0};
	qsort(times, n, sizeof *times, by_time);
	return (struct spread){times[(n - 1) / 2], times[(n - 1) * 99 / 100], times[n - 1]};
}

static struct slice entry_of(uint64_t i, char buf[512])
{
	int n = snprintf(buf, 512, "entry %" PRIu64 " ", i);

	memset(buf + n, 'x', (size_t)(ENTRY - n));
	return (struct slice){(const uint8_t *)buf, ENTRY};
}

/* Nanoseconds for a leaf of writing a batch's bytes and waiting for the disk; the median. */
static enum status floor_of(struct bench *b, int64_t *out)
{
	struct slice path = buf_text(&b->a, "%.*s-floor", SLICE_ARG(b->dir));
	uint64_t n = b->leaves / b->batch;
	size_t bytes = b->batch * (ENTRY + 3);
	uint8_t *block = arena_bytes(&b->a, bytes);
	struct os_out file;
	enum status st = block == NULL ? ST_NOMEM : os_out_over(NULL, path, 0600, &file, &b->why);

	n = n < FLOOR_BATCHES_MAX ? n : FLOOR_BATCHES_MAX;
	if (st == ST_OK)
		memset(block, 'x', bytes);
	for (uint64_t i = 0; i < n && st == ST_OK; i++) {
		int64_t from = os_clock_mono().ns;

		if (file.bytes > 64 << 20)
			st = os_out_rewind(&file, &b->why);
		if (st == ST_OK)
			st = os_out_write(NULL, &file, (struct slice){block, bytes}, &b->why);
		if (st == ST_OK)
			st = os_out_sync(NULL, &file, &b->why);
		b->times[i] = os_clock_mono().ns - from;
	}
	*out = spread_of(b->times, n).p50 / (int64_t)b->batch;
	if (st == ST_OK)
		st = os_out_close(&file, &b->why);
	return st == ST_OK ? os_file_remove(NULL, path, &b->why) : st;
}

static enum status append_all(struct bench *b, struct ledger *l, int64_t *out_wall,
			      int64_t *out_cpu)
{
	int64_t wall = os_clock_mono().ns, cpu = os_clock_cpu().ns;
	enum status st = ST_OK;
	char buf[512];

	b->count = 0;
	for (uint64_t i = 0; i < b->leaves && st == ST_OK; i++) {
		uint64_t leaf;

		st = ledger_append(l, entry_of(i, buf), &leaf, &b->why);
		if (st == ST_OK && (i + 1) % b->batch == 0) {
			int64_t from = os_clock_mono().ns;

			st = ledger_commit(l, &b->why);
			b->times[b->count++] = os_clock_mono().ns - from;
		}
	}
	if (st == ST_OK)
		st = ledger_commit(l, &b->why);
	*out_wall = os_clock_mono().ns - wall;
	*out_cpu = os_clock_cpu().ns - cpu;
	return st;
}

/* Each leaf twice: the second time its tiles are kept. */
static enum status prove_some(struct bench *b, struct ledger *l, struct spread *out,
			      struct spread *out_again)
{
	static int64_t times[2][PROOFS];
	uint8_t proof[MERKLE_PROOF_MAX][MERKLE_BYTES];
	uint64_t at = 1;
	size_t count;
	enum status st = ST_OK;

	for (size_t i = 0; i < 2 * PROOFS && st == ST_OK; i++) {
		int64_t from = os_clock_mono().ns;

		if (i % 2 == 0)
			at = at * 6364136223846793005u + 1442695040888963407u; /* Knuth's MMIX */
		st = ledger_prove_inclusion(l, (at >> 16) % b->leaves, proof, &count, &b->why);
		times[i % 2][i / 2] = os_clock_mono().ns - from;
	}
	*out = spread_of(times[0], PROOFS);
	*out_again = spread_of(times[1], PROOFS);
	return st;
}

/* In a log of its own: each leaves a partial tile, which would count in the other's size. */
static enum status append_alone(struct bench *b, const struct ledger_options *options,
				struct spread *out)
{
	static int64_t times[ALONE];
	struct ledger_options o = *options;
	struct ledger *l = NULL;
	char buf[512];
	enum status st;

	o.folder = buf_text(&b->a, "%.*s-alone", SLICE_ARG(b->dir));
	st = ledger_open(&o, &b->a, &l, &b->why);
	for (uint64_t i = 0; i < ALONE && st == ST_OK; i++) {
		int64_t from = os_clock_mono().ns;
		uint64_t leaf;

		st = ledger_append(l, entry_of(i, buf), &leaf, &b->why);
		if (st == ST_OK)
			st = ledger_commit(l, &b->why);
		times[i] = os_clock_mono().ns - from;
	}
	ledger_close(l);
	*out = spread_of(times, ALONE);
	return st;
}

/* The most memory that this program had, in KiB. getrusage() would tell that of who started it. */
static uint64_t memory(struct bench *b)
{
	struct slice text, rest;
	uint64_t kib = 0;

	if (os_file_read(SLICE("/proc/self/status"), 1 << 16, &b->a, &text, &b->why) != ST_OK)
		return 0;
	rest = slice_from(text, slice_find(text, SLICE("VmHWM:")));
	rest = slice_trim(slice_from(slice_split(&rest, '\n'), 6));
	return text_u64(slice_split(&rest, ' '), 0, UINT32_MAX, &kib) ? kib : 0;
}

static void print_spread(const char *what, struct spread s)
{
	printf(",\"%s_p50_ns\":%" PRId64 ",\"%s_p99_ns\":%" PRId64 ",\"%s_max_ns\":%" PRId64, what,
	       s.p50, what, s.p99, what, s.most);
}

static int run(struct bench *b)
{
	static const uint8_t seed[CRYPTO_SEED_BYTES] = {4, 2};
	struct crypto_signer signer;
	struct ledger_options o = {
		.folder = b->dir, .origin = SLICE("log.bench/a"), .signer = &signer};
	struct spread commit, proof = {0}, again = {0}, alone = {0};
	int64_t least = 0, wall = 0, cpu = 0;
	struct ledger *l = NULL;
	enum status st = floor_of(b, &least);

	crypto_signer_from_seed(seed, &signer);
	if (st == ST_OK)
		st = ledger_open(&o, &b->a, &l, &b->why);
	if (st == ST_OK)
		st = append_all(b, l, &wall, &cpu);
	if (st == ST_OK)
		st = prove_some(b, l, &proof, &again);
	ledger_close(l);
	if (st == ST_OK)
		st = append_alone(b, &o, &alone);
	if (st != ST_OK) {
		(void)fprintf(stderr, "%s\n", b->why.text);
		return 2;
	}
	commit = spread_of(b->times, b->count);
	printf("{\"leaves\":%" PRIu64 ",\"batch\":%" PRIu64 ",\"leaves_per_s\":%.0f,"
	       "\"leaf_ns\":%" PRId64 ",\"leaf_cpu_ns\":%" PRId64 ",\"floor_leaf_ns\":%" PRId64
	       ",\"ratio_to_floor\":%.2f,\"rss_kib\":%" PRIu64,
	       b->leaves, b->batch, (double)b->leaves * 1e9 / (double)wall,
	       wall / (int64_t)b->leaves, cpu / (int64_t)b->leaves, least,
	       least != 0 ? (double)wall / (double)b->leaves / (double)least : 0.0, memory(b));
	print_spread("commit", commit);
	print_spread("proof", proof);
	print_spread("again", again);
	print_spread("alone", alone);
	printf("}\n");
	return 0;
}

int main(int argc, char **argv)
{
	struct bench b = {.pool = {.budget = (size_t)1 << 30}};
	int code;

	b.a.pool = &b.pool;
	if (argc != 4 || !text_u64(slice_of(argv[2]), 1, UINT32_MAX, &b.leaves) ||
	    !text_u64(slice_of(argv[3]), 1, 1 << 20, &b.batch) || b.batch > b.leaves ||
	    crypto_init(&b.why) != ST_OK) {
		(void)fprintf(stderr, "usage: %s FOLDER LEAVES BATCH\n", argv[0]);
		return 2;
	}
	b.dir = slice_of(argv[1]);
	b.times = calloc(b.leaves / b.batch + 1, sizeof *b.times);
	if (b.times == NULL)
		return 2;
	code = run(&b);
	free(b.times);
	arena_reset(&b.a);
	arena_pool_drain(&b.pool);
	return code;
}
