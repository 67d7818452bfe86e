/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/crypto.h"

#include <sodium.h>

/* libsodium's secret key is the seed followed by the public key. */
_Static_assert(sizeof(struct crypto_signer) == crypto_sign_SECRETKEYBYTES, "layout of a signer");

enum status crypto_init(struct fail *why)
{
	if (sodium_init() < 0)
		return fail_set(why, ST_IO, "the system gives no random bytes (libsodium)");
	return ST_OK;
}

void crypto_signer_from_seed(const uint8_t seed[CRYPTO_SEED_BYTES], struct crypto_signer *out)
{
	uint8_t secret[crypto_sign_SECRETKEYBYTES];

	ASSERT(crypto_sign_seed_keypair(out->key, secret, seed) == 0);
	memcpy(out->seed, secret, sizeof out->seed);
	sodium_memzero(secret, sizeof secret);
}

void crypto_signer_new(struct crypto_signer *out)
{
	uint8_t seed[CRYPTO_SEED_BYTES];

	randombytes_buf(seed, sizeof seed);
	crypto_signer_from_seed(seed, out);
	sodium_memzero(seed, sizeof seed);
}

void crypto_signer_sign(const struct crypto_signer *s, struct slice message,
			uint8_t out[CRYPTO_SIGNATURE_BYTES])
{
	ASSERT(crypto_sign_detached(out, NULL, message.ptr, message.len, (const uint8_t *)s) == 0);
}

bool crypto_signature_verify(const uint8_t key[CRYPTO_KEY_BYTES], struct slice message,
			     const uint8_t signature[CRYPTO_SIGNATURE_BYTES])
{
	return crypto_sign_verify_detached(signature, message.ptr, message.len, key) == 0;
}

void crypto_random_fill(const struct crypto_random *from, uint8_t *out, size_t n)
{
	if (from != NULL && from->fill != NULL)
		from->fill(from->ctx, out, n);
	else
		randombytes_buf(out, n);
}

bool crypto_equal(const uint8_t *a, const uint8_t *b, size_t n)
{
	return n == 0 || sodium_memcmp(a, b, n) == 0;
}

void crypto_wipe(void *secret, size_t n)
{
	sodium_memzero(secret, n);
}

uint64_t crypto_sip(const uint8_t key[CRYPTO_SIP_BYTES], struct slice bytes)
{
	uint8_t out[crypto_shorthash_siphash24_BYTES];
	uint64_t h = 0;

	_Static_assert(CRYPTO_SIP_BYTES == crypto_shorthash_siphash24_KEYBYTES, "SipHash's key");
	(void)crypto_shorthash_siphash24(out, bytes.ptr, bytes.len, key); /* cannot fail */
	for (unsigned i = 0; i < sizeof out; i++)
		h |= (uint64_t)out[i] << 8 * i;
	return h;
}
