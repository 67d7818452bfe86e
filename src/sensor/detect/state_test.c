/* SPDX-License-Identifier: Apache-2.0
 * Thresholds and the worker's memory. */
#include "sensor/detect/detect_fixture.h"
#include "test.h"

struct memory {
	struct arena_pool pool;
	struct arena arena;
	struct detect_memory m;
};

static bool memory_begin(struct memory *x)
{
	*x = (struct memory){.pool = {.budget = 64U << 20}};
	x->arena.pool = &x->pool;
	return detect_memory_init(&x->m, &x->arena, DETECT_MEMORY_MAX);
}

static void memory_end(struct memory *x)
{
	arena_reset(&x->arena);
	arena_pool_drain(&x->pool);
}

struct sequence {
	struct detect_threshold t;
	int at_s[12]; /* seconds of matches, ended by -1 */
	const char *passes;
};

static const struct sequence sequences[] = {
	{{.kind = THRESHOLD_LIMIT, .count = 2, .seconds = 10},
	 {0, 1, 2, 10, 11, 12, 13, -1},
	 "yyssyys"},
	{{.kind = THRESHOLD_LIMIT, .count = 1, .seconds = 10}, {0, 10, 11, 12, 22, -1}, "ysysy"},
	{{.kind = THRESHOLD_EVERY, .count = 3, .seconds = 10},
	 {0, 1, 2, 3, 4, 5, 6, -1},
	 "nnynnyn"},
	{{.kind = THRESHOLD_EVERY, .count = 3, .seconds = 10}, {0, 5, 11, 12, 13, -1}, "nnnny"},
	{{.kind = THRESHOLD_EVERY, .count = 1, .seconds = 10}, {0, 1, 20, -1}, "yyy"},
	{{.kind = THRESHOLD_BOTH, .count = 2, .seconds = 10},
	 {0, 1, 2, 3, 11, 12, 13, -1},
	 "nyssnys"},
	{{.kind = THRESHOLD_BOTH, .count = 1, .seconds = 10}, {0, 1, 11, 12, -1}, "ysys"},
	{{.kind = THRESHOLD_FILTER, .count = 2, .seconds = 10},
	 {0, 1, 2, 3, 11, 12, 13, -1},
	 "nnyynny"},
	{{.kind = THRESHOLD_BACKOFF, .count = 1, .multiplier = 2},
	 {0, 1, 2, 3, 4, 5, 6, 7, -1},
	 "yysysssy"},
	/* the third match within 10 s makes another action of it and of what follows, for 5 s */
	{{.kind = THRESHOLD_RATE, .count = 2, .seconds = 10, .timeout = 5},
	 {0, 1, 2, 3, 7, 8, 9, 20, 21, 22, -1},
	 "yynnnynyyy"},
};

static void each_threshold_passes_what_its_definition_says(struct test *t)
{
	for (size_t i = 0; i < sizeof sequences / sizeof sequences[0]; i++) {
		const struct sequence *s = &sequences[i];
		struct detect_view v = {0};
		struct memory x;

		EXPECT(t, memory_begin(&x));
		for (size_t k = 0; s->at_s[k] >= 0; k++) {
			enum detect_passage got;

			v.now.ns = s->at_s[k] * TIME_NS_PER_S;
			got = detect_threshold_passes(&x.m, &s->t, 7, &v);
			if ("nsy"[got] != s->passes[k]) {
				test_fail(t, __FILE__, __LINE__, "row %zu, match %zu: %u", i, k,
					  got);
				return;
			}
		}
		memory_end(&x);
	}
}

static void thresholds_count_what_they_track(struct test *t)
{
	static const uint8_t bytes[2][4] = {{10, 0, 0, 1}, {10, 0, 0, 2}};
	struct addr one = addr_v4(bytes[0]), two = addr_v4(bytes[1]);
	struct flow f = {.id = 1}, g = {.id = 2};
	struct detect_view up = {.src = &one, .dst = &two, .flow = &f};
	struct detect_view down = {.src = &two, .dst = &one, .flow = &g};
	/* does a match the other way, in another flow, count for the same? */
	static const bool same[] = {[TRACK_BY_SRC] = false,
				    [TRACK_BY_DST] = false,
				    [TRACK_BY_BOTH] = true,
				    [TRACK_BY_RULE] = true,
				    [TRACK_BY_FLOW] = false};

	for (unsigned track = TRACK_BY_SRC; track <= TRACK_BY_FLOW; track++) {
		struct detect_threshold limit = {.kind = THRESHOLD_LIMIT,
						 .track = TRACK_BY_SRC + track,
						 .count = 1,
						 .seconds = 60};
		struct memory x;

		EXPECT(t, memory_begin(&x));
		EXPECT(t, detect_threshold_passes(&x.m, &limit, 1, &up) == PASSAGE_YES);
		EXPECT(t, detect_threshold_passes(&x.m, &limit, 1, &up) == PASSAGE_SILENT);
		EXPECT(t, (detect_threshold_passes(&x.m, &limit, 1, &down) == PASSAGE_YES) !=
				  same[track]);
		/* another rule */
		EXPECT(t, detect_threshold_passes(&x.m, &limit, 2, &up) == PASSAGE_YES);
		memory_end(&x);
	}
}

static void a_full_memory_forgets_the_oldest(struct test *t)
{
	struct memory x;

	EXPECT(t, memory_begin(&x));
	for (uint64_t i = 0; i < DETECT_MEMORY_MAX; i++)
		EXPECT(t, detect_memory_add(&x.m, &(struct detect_memory_key){.id = i}) != NULL);
	EXPECT_UINT(t, x.m.evicted, 0);
	EXPECT(t, detect_memory_find(&x.m, &(struct detect_memory_key){.id = 0}) != NULL);
	EXPECT(t, detect_memory_add(&x.m, &(struct detect_memory_key){.id = DETECT_MEMORY_MAX}) !=
			  NULL);
	EXPECT_UINT(t, x.m.evicted, 1);
	EXPECT(t, detect_memory_find(&x.m, &(struct detect_memory_key){.id = 0}) == NULL);
	EXPECT(t, detect_memory_find(&x.m, &(struct detect_memory_key){.id = 1}) != NULL);
	detect_memory_remove(&x.m, &(struct detect_memory_key){.id = 1});
	EXPECT(t, detect_memory_find(&x.m, &(struct detect_memory_key){.id = 1}) == NULL);
	EXPECT(t, detect_memory_add(&x.m, &(struct detect_memory_key){.id = 5000000}) != NULL);
	EXPECT_UINT(t, x.m.evicted, 1); /* its place was free */
	memory_end(&x);
}

static void memory_finds_what_a_list_would_find(struct test *t)
{
	enum { IDS = 50 };
	bool have[IDS] = {false};
	struct memory x;

	EXPECT(t, memory_begin(&x));
	for (int round = 0; round < 20000; round++) {
		uint64_t id = test_rand(t) % IDS;
		struct detect_memory_key k = {.id = id, .kind = (uint8_t)(id % 3)};
		bool found = detect_memory_find(&x.m, &k) != NULL;

		EXPECT(t, found == have[id]);
		if (found)
			detect_memory_remove(&x.m, &k);
		else
			EXPECT(t, detect_memory_add(&x.m, &k) != NULL);
		have[id] = !found;
	}
	memory_end(&x);
}

/* Addresses chosen so that all fall into one bucket: its oldest goes, others stay. */
static void a_chain_of_the_memory_does_not_grow_without_end(struct test *t)
{
	struct memory x;
	uint64_t ids[DETECT_MEMORY_CHAIN_MAX + 1], id = 0;

	EXPECT(t, memory_begin(&x));
	for (size_t n = 0; n < DETECT_MEMORY_CHAIN_MAX + 1; id++) {
		struct detect_memory_key k = {.id = id};
		struct detect_memory_entry *e = detect_memory_add(&x.m, &k);

		EXPECT(t, e != NULL);
		if (e->hash % (x.m.room / 4) == 0) {
			ids[n++] = id;
		} else {
			detect_memory_remove(&x.m, &k);
			x.m.used--; /* as if it had not been */
		}
		if (n == DETECT_MEMORY_CHAIN_MAX)
			EXPECT_UINT(t, x.m.evicted, 0);
	}
	EXPECT_UINT(t, x.m.evicted, 1);
	for (size_t n = 0; n < DETECT_MEMORY_CHAIN_MAX + 1; n++)
		EXPECT(t, (detect_memory_find(&x.m, &(struct detect_memory_key){.id = ids[n]}) !=
			   NULL) == (n != 0));
	memory_end(&x);
}

TESTS(T(each_threshold_passes_what_its_definition_says), T(thresholds_count_what_they_track),
      T(a_full_memory_forgets_the_oldest), T(a_chain_of_the_memory_does_not_grow_without_end),
      T(memory_finds_what_a_list_would_find))
