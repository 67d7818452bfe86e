/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as libloc's database. */
#include "assess/origin/table_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice bytes = {data, size};

	table_fuzz(bytes, slice_starts(bytes, SLICE("LOCDBXX")), SLICE("t.db"));
	return 0;
}
