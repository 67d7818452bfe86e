/* SPDX-License-Identifier: Apache-2.0
 * A line of EVE that somebody else wrote: what is split and joined again is the same bytes. */
#include "record/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct slice groups[] = {{(const uint8_t *)"alert", 5},
					      {(const uint8_t *)"a", 1}};
	struct record_field fields[RECORD_FIELDS_MAX];
	struct slice line = {data, size};
	struct fail why;
	size_t n, bytes = 0;

	for (size_t g = 0; g <= 2; g++) {
		if (record_split(line, groups, g, fields, &n, &why) != ST_OK)
			continue;
		ASSERT(n <= RECORD_FIELDS_MAX);
		for (size_t i = 0; i < n; i++) { /* each borrowed from the line, and none empty */
			ASSERT(fields[i].json.len > 0 && fields[i].json.ptr > data &&
			       fields[i].json.ptr + fields[i].json.len < data + size);
			bytes += fields[i].json.len;
		}
		ASSERT(bytes < 3 * size);
	}
	return 0;
}
