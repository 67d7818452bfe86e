/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as a sheet of standards: numbers that can be used, or errors that say where. */
#include "assess/treaty/treaty.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena_pool pool = {.budget = 4 << 20};
	struct arena a = {.pool = &pool};
	struct buf problems = buf_in(&a);
	struct treaty_sheet s;
	struct fail why = {0};
	enum status st =
		treaty_sheet_parse(SLICE("f"), (struct slice){data, size}, &a, &s, &problems, &why);

	if (st == ST_OK) {
		ASSERT(problems.len == 0 && s.party.len > 0);
		ASSERT(s.count > 0 && s.count <= TREATY_STANDARDS_MAX);
		ASSERT(s.until.ns == 0 || s.until.ns > s.from.ns);
		for (size_t i = 0; i < s.count; i++)
			ASSERT(s.standards[i].milli > 0 && s.standards[i].milli <= CLAIM_CERTAIN);
	} else {
		ASSERT(why.status == st);
		ASSERT(st != ST_INVALID || problems.len > 0);
	}
	arena_reset(&a);
	arena_pool_drain(&pool);
	return 0;
}
