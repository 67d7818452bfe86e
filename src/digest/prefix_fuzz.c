/* SPDX-License-Identifier: Apache-2.0
 * A packet has a prefix of its own bytes or none; what a hop changes changes nothing; and what
 * passed is known. */
#include "digest/digest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void key(void *ctx, uint8_t k[CRYPTO_SIP_BYTES])
{
	memset(k, *(const uint8_t *)ctx, CRYPTO_SIP_BYTES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena_pool pool = {.budget = 1 << 16};
	struct arena a = {.pool = &pool};
	struct digest_prefix p = {.len = 0}, hop = {.len = 0};
	uint8_t other[2048], seed = size != 0 ? data[size - 1] : 0;
	struct digest_limits limits = {3, 1, &seed, key};
	struct wall_ns at = {seed};
	struct digest_store *s;
	struct fail why;

	if (size > sizeof other || !digest_prefix_of((struct slice){data, size}, &p))
		return 0;
	ASSERT(p.len >= 21 && p.len <= DIGEST_PREFIX_MAX);
	memcpy(other, data, size);
	other[data[0] >> 4 == 4 ? 8 : 7] ^= seed; /* one hop fewer */
	ASSERT(digest_prefix_of((struct slice){other, size}, &hop));
	ASSERT(hop.len == p.len && memcmp(hop.bytes, p.bytes, p.len) == 0);
	ASSERT(digest_store_new(&limits, &a, &s, &why) == ST_OK);
	digest_store_add(s, at, &p);
	ASSERT(digest_store_ask(s, &hop, at, at, NULL, 0).yes == 1);
	digest_store_free(s);
	arena_reset(&a);
	arena_pool_drain(&pool);
	return 0;
}
