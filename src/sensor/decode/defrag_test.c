/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/decode/decode.h"
#include "test.h"

static void an_empty_defragmenter_gives_its_memory_back(struct test *t)
{
	struct arena_pool pool = {.budget = 1 << 20};
	struct arena process = {.pool = &pool};
	struct defrag *d = defrag_new(&process, &pool);

	EXPECT(t, d != NULL);
	defrag_free(d);
	defrag_free(NULL);
	arena_reset(&process);
	EXPECT_UINT(t, pool.out, 0);
	arena_pool_drain(&pool);
}

TESTS(T(an_empty_defragmenter_gives_its_memory_back))
