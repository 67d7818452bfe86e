/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as a text table; then it is asked about addresses out of those bytes. */
#include "assess/origin/origin.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(struct origin_table *t, const struct addr *address, struct arena *a)
{
	struct record r = {0};

	if (!origin_table_ask(t, address, a, &r))
		return;
	ASSERT(r.kind == RECORD_LOCATION && addr_equal(&r.u.location.address, address));
	ASSERT(addr_prefix_holds(&r.u.location.net, address));
	ASSERT(r.u.location.territory.len == 0 || r.u.location.territory.len == 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena_pool pool = {.budget = 64 << 20};
	struct arena a = {.pool = &pool};
	struct fail why = {0};
	struct slice bytes = {data, size};
	struct origin_table *t = NULL;

	/* The other forms are not what this target is for. */
	if (slice_find(bytes, SLICE("MaxMind.com")) == SIZE_MAX &&
	    !slice_starts(bytes, SLICE("LOCDBXX")) &&
	    origin_table_open(SLICE("t.csv"), NULL, bytes, &a, &t, &why) == ST_OK) {
		for (size_t i = 0; i + 16 <= size && i < 256; i++) {
			struct addr four = addr_v4(data + i), six = addr_v6(data + i);

			ask(t, &four, &a);
			ask(t, &six, &a);
		}
		for (unsigned i = 0; i < 256; i++) {
			struct addr low = addr_v4((const uint8_t[]){(uint8_t)i, 0, 0, (uint8_t)i});

			ask(t, &low, &a);
		}
	} else {
		ASSERT(t == NULL);
	}
	origin_table_close(t);
	arena_reset(&a);
	arena_pool_drain(&pool);
	return 0;
}
