/* SPDX-License-Identifier: Apache-2.0
 * What must hold for a table made of any bytes; shared by the targets of its forms. */
#ifndef DEW_ASSESS_ORIGIN_TABLE_FUZZ_H
#define DEW_ASSESS_ORIGIN_TABLE_FUZZ_H

#include "assess/origin/origin.h"

static inline void table_fuzz_ask(struct origin_table *t, const struct addr *address,
				  struct arena *a)
{
	struct record r = {0};

	if (!origin_table_ask(t, address, a, &r))
		return;
	ASSERT(r.kind == RECORD_LOCATION && addr_equal(&r.u.location.address, address));
	ASSERT(addr_prefix_holds(&r.u.location.net, address));
	ASSERT(r.u.location.territory.len == 0 || r.u.location.territory.len == 2);
}

/* Opens the bytes as a table if `ours` says that they are of the target's form, then asks it about
 * addresses out of those bytes and some fixed ones. */
static inline void table_fuzz(struct slice bytes, bool ours, struct slice name)
{
	struct arena_pool pool = {.budget = 64 << 20};
	struct arena a = {.pool = &pool};
	struct fail why = {0};
	struct origin_table *t = NULL;

	if (ours && origin_table_open(name, NULL, bytes, &a, &t, &why) == ST_OK) {
		for (size_t i = 0; i + 16 <= bytes.len && i < 256; i++) {
			struct addr four = addr_v4(bytes.ptr + i), six = addr_v6(bytes.ptr + i);

			table_fuzz_ask(t, &four, &a);
			table_fuzz_ask(t, &six, &a);
		}
		for (unsigned i = 0; i < 256; i++) {
			struct addr low = addr_v4((const uint8_t[]){(uint8_t)i, 0, 0, (uint8_t)i});

			table_fuzz_ask(t, &low, &a);
		}
	} else {
		ASSERT(t == NULL);
	}
	origin_table_close(t);
	arena_reset(&a);
	arena_pool_drain(&pool);
}

#endif
