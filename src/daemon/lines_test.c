/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/lines.h"

#include <pthread.h>
#include <stdio.h>

#include "base/buf.h"
#include "os/file.h"
#include "test.h"

enum { WORKERS = 3, EACH = 20000 };

struct bench {
	struct arena_pool pool;
	struct arena arena;
	struct daemon_eve eve;
	struct slice path;
	struct lines *lines;
};

static bool bench_open(struct bench *b, struct test *t, size_t workers)
{
	struct fail why;

	*b = (struct bench){.pool = {.budget = 256 << 20}};
	b->arena.pool = &b->pool;
	b->path = buf_text(&b->arena, "%s/eve.json", test_folder(t));
	return daemon_eve_open(&b->eve, b->path, &b->arena, &why) == ST_OK &&
	       daemon_lines_new(&b->eve, 1, workers, &b->arena, &b->lines, &why) == ST_OK;
}

static void bench_close(struct bench *b)
{
	daemon_eve_close(&b->eve);
	arena_reset(&b->arena);
	arena_pool_drain(&b->pool);
}

static struct record record_of(uint64_t worker, uint64_t n)
{
	return (struct record){.kind = RECORD_FLOW,
			       .at = {INT64_C(1700000000) * TIME_NS_PER_S},
			       .flow_id = worker * EACH + n + 1};
}

struct worker {
	struct lines *lines;
	size_t index;
};

static void *work(void *arg)
{
	const struct worker *w = arg;
	struct record_sink sink = daemon_lines_sink(w->lines, w->index, 0);

	for (uint64_t n = 0; n < EACH; n++) {
		struct record r = record_of(w->index, n);

		sink.put(sink.ctx, &r);
		if (n % 64 == 0)
			daemon_lines_poke(w->lines);
	}
	return NULL;
}

/* The flow_id of each line, in the order of the file. */
static size_t ids_read(struct bench *b, uint64_t *ids, size_t room)
{
	struct slice text;
	struct fail why;
	size_t n = 0;

	if (os_file_read(b->path, 1 << 30, &b->arena, &text, &why) != ST_OK)
		return 0;
	while (text.len != 0 && n < room) {
		struct slice line = slice_split(&text, '\n');
		struct record r;
		struct arena arena = {.pool = &b->pool};

		if (record_parse(line, &arena, &r, &why) != ST_OK)
			return 0;
		ids[n++] = r.flow_id;
		arena_reset(&arena);
	}
	return n;
}

static void test_lines_of_each_worker_are_whole_and_in_its_order(struct test *t)
{
	static uint64_t ids[WORKERS * EACH + 1];
	pthread_t threads[WORKERS];
	struct worker workers[WORKERS];
	uint64_t next[WORKERS] = {0}, lost;
	struct bench b;
	struct fail why;
	size_t n;

	EXPECT(t, bench_open(&b, t, WORKERS));
	EXPECT(t, daemon_lines_start(b.lines, &why) == ST_OK);
	for (size_t i = 0; i < WORKERS; i++) {
		workers[i] = (struct worker){b.lines, i};
		EXPECT(t, pthread_create(&threads[i], NULL, work, &workers[i]) == 0);
	}
	for (size_t i = 0; i < WORKERS; i++)
		(void)pthread_join(threads[i], NULL);
	lost = daemon_lines_lost(b.lines);
	EXPECT(t, daemon_lines_stop(b.lines));
	EXPECT(t, daemon_eve_flush(&b.eve, &why) == ST_OK);
	n = ids_read(&b, ids, WORKERS * EACH + 1);
	EXPECT_UINT(t, n + lost, WORKERS * EACH);
	EXPECT_UINT(t, b.lines->written, n);
	for (size_t i = 0; i < n; i++) {
		size_t w = (size_t)((ids[i] - 1) / EACH);

		EXPECT(t, w < WORKERS && ids[i] > next[w]);
		next[w] = ids[i];
	}
	bench_close(&b);
}

static void test_a_full_ring_loses_lines_and_says_how_many_and_goes_on_afterwards(struct test *t)
{
	static uint64_t ids[LINES_RING_BYTES / 64];
	struct bench b;
	struct record_sink sink;
	uint64_t put = 0, lost;
	struct fail why;
	size_t n;

	/* nobody writes yet */
	EXPECT(t, bench_open(&b, t, 1));
	sink = daemon_lines_sink(b.lines, 0, 0);
	while (daemon_lines_lost(b.lines) < 3) {
		struct record r = record_of(0, put++);

		sink.put(sink.ctx, &r);
		EXPECT(t, put < sizeof ids / sizeof ids[0]);
	}
	lost = daemon_lines_lost(b.lines);
	EXPECT(t, daemon_lines_start(b.lines, &why) == ST_OK);
	daemon_lines_poke(b.lines);
	while (atomic_load(&b.lines->written) + lost < put)
		;
	for (unsigned i = 0; i < 100; i++) { /* around the end of the ring */
		struct record r = record_of(0, put++);

		sink.put(sink.ctx, &r);
	}
	EXPECT(t, daemon_lines_stop(b.lines));
	EXPECT(t, daemon_eve_flush(&b.eve, &why) == ST_OK);
	EXPECT_UINT(t, daemon_lines_lost(b.lines), lost);
	n = ids_read(&b, ids, sizeof ids / sizeof ids[0]);
	EXPECT_UINT(t, n, put - lost);
	EXPECT_UINT(t, ids[n - 1], put);
	bench_close(&b);
}

static void test_the_end_writes_what_nobody_was_told_of(struct test *t)
{
	struct bench b;
	struct record_sink sink;
	struct record r = record_of(0, 6);
	uint64_t id = 0;
	struct fail why;

	EXPECT(t, bench_open(&b, t, 2));
	EXPECT(t, daemon_lines_start(b.lines, &why) == ST_OK);
	sink = daemon_lines_sink(b.lines, 1, 0);
	sink.put(sink.ctx, &r);
	EXPECT(t, daemon_lines_stop(b.lines));
	EXPECT(t, daemon_eve_flush(&b.eve, &why) == ST_OK);
	EXPECT_UINT(t, ids_read(&b, &id, 1), 1);
	EXPECT_UINT(t, id, 7);
	EXPECT(t, daemon_lines_stop(NULL));
	bench_close(&b);
}

TESTS(T(test_lines_of_each_worker_are_whole_and_in_its_order),
      T(test_a_full_ring_loses_lines_and_says_how_many_and_goes_on_afterwards),
      T(test_the_end_writes_what_nobody_was_told_of))
