/* SPDX-License-Identifier: Apache-2.0
 * What is read is written in one form, which gives the same numbers. */
#include "assess/prior/prior.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena_pool pool = {.budget = 4 << 20};
	struct arena a = {.pool = &pool};
	struct buf text = buf_in(&a), differences = buf_in(&a);
	struct prior p, again;
	struct fail why;

	if (prior_parse(SLICE("f"), (struct slice){data, size}, &p, &why) == ST_OK) {
		int32_t sum = 0;

		for (size_t i = 0; i < PRIOR_OPERATORS; i++)
			sum += p.operators[i];
		ASSERT(sum <= CLAIM_CERTAIN && p.weigh >= 1);
		prior_write(&p, &text);
		ASSERT(!text.full);
		ASSERT(prior_parse(SLICE("g"), buf_slice(&text), &again, &why) == ST_OK);
		ASSERT(prior_compare(&p, &again, &a, &differences) == 0 && differences.len == 0);
		ASSERT(prior_table_of(&p, SLICE("libloc")) != NULL);
	}
	arena_reset(&a);
	arena_pool_drain(&pool);
	return 0;
}
