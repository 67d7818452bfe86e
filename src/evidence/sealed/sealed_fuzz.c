/* SPDX-License-Identifier: Apache-2.0
 * Anybody's sealed item, share and review: the input is all three, cut at lines of "%". What is
 * read as an item is asked everything that can be asked of one. */
#include "evidence/sealed/sealed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct slice next(struct slice *rest)
{
	size_t at = slice_find(*rest, SLICE("%\n"));
	struct slice head = slice_part(*rest, 0, at);

	*rest = at == SIZE_MAX ? (struct slice){NULL, 0} : slice_from(*rest, at + 2);
	return head;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t seed[CRYPTO_SEED_BYTES] = {1};
	struct arena_pool pool = {.budget = 8 << 20};
	struct arena a = {.pool = &pool};
	struct slice rest = {data, size}, item = next(&rest), others[2];
	uint8_t key[CRYPTO_SECRET_BYTES] = {0};
	struct crypto_signer me;
	struct sealed_tally tally;
	struct slice out;
	struct sealed s;
	struct fail why;

	others[0] = next(&rest);
	others[1] = rest;
	crypto_signer_from_seed(seed, &me);
	if (sealed_parse(item, &a, &s, &why) == ST_OK) {
		unsigned sum = 0;

		ASSERT(s.needed >= 1 && s.needed <= s.reader_count && s.title.len > 0);
		(void)(sealed_share(&s, &me, &a, &out, &why) == ST_OK);
		if (sealed_open(&s, others, 2, &a, &out, key, &why) == ST_OK)
			ASSERT(out.len < size);
		ASSERT(sealed_tally(&s, others, 2, key, &a, &tally, &why) == ST_OK);
		for (unsigned i = 0; i < SEALED_FINDINGS; i++)
			sum += tally.counts[i];
		ASSERT(sum == s.reader_count && tally.refused <= 2);
	}
	arena_reset(&a);
	arena_pool_drain(&pool);
	return 0;
}
