/* SPDX-License-Identifier: Apache-2.0
 * A journal from anywhere: what is accepted is made of whole entries, as many as it says. */
#include "evidence/ledger/ledger_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice bytes = {data, size}, entry;
	struct cursor c = cursor_of(bytes);
	struct ledger_record r;
	uint8_t body[4096 + CRYPTO_SHA256_BYTES];
	bool signed_again = false;

	/* no fuzzer finds a SHA-256: what is in front of one is given the right one, too */
	if (size >= CRYPTO_SHA256_BYTES && size <= sizeof body) {
		size_t n = size - CRYPTO_SHA256_BYTES;

		memcpy(body, data, n);
		crypto_sha256_of((struct slice){body, n}, body + n);
		c = cursor_of((struct slice){body, size});
		signed_again = true;
	}
	for (;;) {
		size_t before = cursor_left(&c), sum = 0;
		uint64_t count = 0;

		if (!ledger_journal_next(&c, &r))
			break;
		ASSERT(cursor_left(&c) < before);
		while (ledger_record_entry(&r.entries, &entry)) {
			ASSERT(entry.len <= LEDGER_ENTRY_MAX);
			sum += 3 + entry.len;
			count++;
		}
		ASSERT(count > 0 && r.to - r.from == count);
		ASSERT(sum + r.note.len < before || signed_again);
	}
	return 0;
}
