/* SPDX-License-Identifier: Apache-2.0
 * Any bytes that begin like a dump of routes. */
#include "assess/origin/table_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t head[] = {0, 0, 0, 0, 0, 13, 0, 1};
	struct slice bytes = {data, size};

	table_fuzz(bytes,
		   size > sizeof head && memcmp(data + 4, head + 4, 4) == 0 &&
			   slice_find(bytes, SLICE("MaxMind.com")) == SIZE_MAX,
		   SLICE("rib"));
	return 0;
}
