/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as a text table; the other forms are not what this target is for. */
#include "assess/origin/table_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice bytes = {data, size};

	table_fuzz(bytes,
		   slice_find(bytes, SLICE("MaxMind.com")) == SIZE_MAX &&
			   !slice_starts(bytes, SLICE("LOCDBXX")),
		   SLICE("t.csv"));
	return 0;
}
