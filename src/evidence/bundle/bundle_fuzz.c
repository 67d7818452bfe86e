/* SPDX-License-Identifier: Apache-2.0
 * What is parsed and encoded again is the same, but for sums that were wrong. */
#include "evidence/bundle/bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena_pool pool = {.budget = 64 << 20};
	struct arena a = {.pool = &pool};
	struct slice bytes = {data, size};
	const struct bundle_trust trust = {0};
	struct bundle_report report;
	struct buf again = buf_in(&a);
	struct bundle b;
	struct fail why;

	if (bundle_parse(bytes, &a, &b, &why) == ST_OK) {
		bool sums = true;

		for (size_t i = 0; i < BUNDLE_PARTS; i++)
			sums = sums && b.parts[i].sum_ok;
		ASSERT(bundle_encode(&b, &a, &again, &why) == ST_OK || a.exhausted);
		ASSERT(again.full || again.len == size);
		ASSERT(again.full || !sums || slice_equal(buf_slice(&again), bytes));
		if (bundle_verify(&b, &trust, &a, &report, &why) == ST_OK)
			ASSERT(report.count > 0 && report.record_count <= b.fact_count);
	}
	arena_reset(&a);
	arena_pool_drain(&pool);
	return 0;
}
