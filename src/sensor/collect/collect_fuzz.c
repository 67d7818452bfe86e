/* SPDX-License-Identifier: Apache-2.0
 * Messages of any version, each behind two bytes of its length and one of the seconds that passed,
 * to records, in little room; and the same again: the second time must say what the first said. */
#include "base/cursor.h"
#include "sensor/collect/collect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct ear {
	struct arena_pool pool;
	struct arena arena;
	uint64_t hash, records;
};

static void hear(void *ctx, const struct record *r)
{
	struct ear *ear = ctx;
	struct buf line = buf_in(&ear->arena);

	record_encode(r, &ear->arena, &line);
	ASSERT(!line.full && (r->kind == RECORD_OBJECT || r->source.len != 0));
	for (size_t i = 0; i < line.len; i++)
		ear->hash = (ear->hash ^ line.ptr[i]) * UINT64_C(0x100000001b3);
	ear->records++;
	arena_reset(&ear->arena);
}

static void run(struct slice bytes, struct ear *ear)
{
	struct arena_pool pool = {.budget = SIZE_MAX};
	struct arena arena = {.pool = &pool};
	struct cursor c = cursor_of(bytes);
	struct wall_ns now = {INT64_C(1700000000) * TIME_NS_PER_S};
	struct collect_options o = {.sink = {ear, hear}, .flows_max = 16};
	struct collect *collect;
	struct fail why;

	ear->pool.budget = 64 << 20;
	ear->arena.pool = &ear->pool;
	ASSERT(collect_new(&o, &arena, &collect, &why) == ST_OK);
	while (cursor_left(&c) > 3) {
		size_t n = cursor_be16(&c);
		struct ipfix_origin from = {.reliable = (n & 0x8000) != 0,
					    .port = (uint16_t)(n >> 13)};

		now.ns += cursor_u8(&c) * TIME_NS_PER_S;
		n &= 0x1fff;
		n = n < cursor_left(&c) ? n : cursor_left(&c);
		collect_message(collect, &from, cursor_take(&c, n), now);
	}
	collect_finish(collect);
	ASSERT(collect_counters(collect)->flows <= collect_reader_counters(collect)->flows);
	arena_reset(&arena);
	arena_pool_drain(&pool);
	arena_pool_drain(&ear->pool);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ear first = {0}, second = {0};

	run((struct slice){data, size}, &first);
	run((struct slice){data, size}, &second);
	ASSERT(first.hash == second.hash && first.records == second.records);
	return 0;
}
