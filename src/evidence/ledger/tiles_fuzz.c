/* SPDX-License-Identifier: Apache-2.0
 * Entry bundles from anywhere: the first byte is the width less one. What is accepted covers all of
 * its bytes. */
#include "evidence/ledger/ledger_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice entries[MERKLE_WIDTH], bytes = {data, size};
	struct fail why;
	size_t sum = 0;
	unsigned width;

	if (size == 0)
		return 0;
	width = data[0] + 1u;
	bytes = slice_from(bytes, 1);
	if (ledger_bundle_parse(bytes, width, entries, &why) != ST_OK)
		return 0;
	for (unsigned i = 0; i < width; i++) {
		ASSERT(entries[i].len <= LEDGER_ENTRY_MAX);
		ASSERT(entries[i].ptr == bytes.ptr + sum + 2);
		sum += 2 + entries[i].len;
	}
	ASSERT(sum == bytes.len);
	return 0;
}
