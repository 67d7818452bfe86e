/* SPDX-License-Identifier: Apache-2.0
 * A checkpoint that is accepted and has no extensions is the one that its values are written as. */
#include "evidence/merkle/merkle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena_pool pool = {.budget = 1 << 20};
	struct arena a = {.pool = &pool};
	struct slice text = {data, size};
	struct merkle_checkpoint c;
	struct fail why;

	if (merkle_checkpoint_parse(text, &c, &why) == ST_OK) {
		struct buf b = buf_in(&a);

		merkle_checkpoint_add(&c, &b);
		ASSERT(b.full || slice_starts(text, buf_slice(&b)));
	}
	arena_reset(&a);
	arena_pool_drain(&pool);
	return 0;
}
