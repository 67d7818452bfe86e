/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/stream/stream_priv.h"
#include "test.h"

enum { SPACE = 30000 };

/* The store against an array of bytes and an array of what is there: any writes, any sliding. */
static void a_store_is_an_array_with_holes(struct test *t)
{
	static uint8_t bytes[SPACE], there[SPACE], piece[4000];

	for (unsigned round = 0; round < 40; round++) {
		struct arena_pool pool = {.budget = 1 << 22};
		struct arena nodes = {.pool = &pool};
		struct stream_store s = {.pool = &pool, .nodes = &nodes, .most = 1 << 20};
		uint64_t keep = 0, lost = 0;

		memset(there, 0, sizeof there);
		for (unsigned i = 0; i < 200; i++) {
			size_t n = test_rand(t) % sizeof piece, at = keep + test_rand(t) % 8000;

			if (at + n > SPACE)
				break;
			for (size_t k = 0; k < n; k++)
				piece[k] = (uint8_t)test_rand(t);
			EXPECT(t, stream_store_write(&s, at, (struct slice){piece, n}, keep));
			memcpy(bytes + at, piece, n);
			memset(there + at, 1, n);
			EXPECT(t, s.held <= s.most);
			if (test_rand(t) % 4 == 0)
				keep += test_rand(t) % 600;
			if (lost < keep)
				lost = keep; /* before it, anything may be gone */
			for (uint64_t o = lost; o < SPACE;) {
				struct slice got = stream_store_read(&s, o, SPACE);
				uint64_t next = stream_store_after_hole(&s, o);

				EXPECT(t, (got.len > 0) == (there[o] != 0));
				EXPECT(t, slice_equal(got, (struct slice){bytes + o, got.len}));
				if (got.len == 0 && next == STREAM_NEVER)
					break;
				for (uint64_t k = o + got.len; got.len == 0 && k < next; k++)
					EXPECT_UINT(t, there[k], 0);
				o = got.len ? o + got.len : next;
			}
		}
		stream_store_done(&s);
		EXPECT_UINT(t, s.held, 0);
		arena_reset(&nodes);
		EXPECT_UINT(t, pool.out, 0);
		arena_pool_drain(&pool);
	}
}

static void a_full_store_refuses_and_stays_as_it_was(struct test *t)
{
	static uint8_t big[9000];
	struct arena_pool pool = {.budget = 1 << 20};
	struct arena nodes = {.pool = &pool};
	struct stream_store s = {.pool = &pool, .nodes = &nodes, .most = 8192};

	EXPECT(t, stream_store_write(&s, 0, SLICE("abc"), 0));
	EXPECT(t, !stream_store_write(&s, 3, (struct slice){big, 8190}, 0));
	EXPECT_SLICE(t, stream_store_read(&s, 0, 100), SLICE("abc"));
	EXPECT(t, stream_store_write(&s, 3, (struct slice){big, 8189}, 0));
	EXPECT_UINT(t, stream_store_read(&s, 0, 9000).len, 8192);
	EXPECT(t, !stream_store_write(&s, 9000, SLICE("d"), 0));
	EXPECT_UINT(t, stream_store_after_hole(&s, 8192), STREAM_NEVER);
	stream_store_done(&s);
	arena_reset(&nodes);
	EXPECT_UINT(t, pool.out, 0);
	arena_pool_drain(&pool);
}

TESTS(T(a_store_is_an_array_with_holes), T(a_full_store_refuses_and_stays_as_it_was))
