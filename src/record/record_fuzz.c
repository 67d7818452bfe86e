/* SPDX-License-Identifier: Apache-2.0
 * Whatever a line holds: it is refused, or its record encodes to a line that reads back to the same
 * bytes. */
#include "record/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena_pool pool = {.budget = 16 << 20};
	struct arena a = {.pool = &pool};
	struct buf once = buf_in(&a), twice = buf_in(&a);
	struct fail why = {0};
	struct record r, again;

	if (record_parse((struct slice){data, size}, &a, &r, &why) == ST_OK) {
		record_encode(&r, &a, &once);
		if (!once.full) {
			ASSERT(record_parse(buf_slice(&once), &a, &again, &why) == ST_OK);
			record_encode(&again, &a, &twice);
			ASSERT(twice.full || slice_equal(buf_slice(&once), buf_slice(&twice)));
		}
	} else {
		ASSERT(why.text[0] != '\0');
	}
	arena_reset(&a);
	arena_pool_drain(&pool);
	ASSERT(pool.out == 0);
	return 0;
}
