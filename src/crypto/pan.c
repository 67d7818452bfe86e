/* SPDX-License-Identifier: Apache-2.0
 *
 * Invariant: block i is the pad with its first i bits replaced by those of the address, so it
 * depends on the address alone, and all blocks of one address are encrypted in one call. The way
 * back knows bit i only after block i, and must go block by block.
 */
#include <openssl/evp.h>

#include "crypto/crypto.h"

enum { BLOCK = CRYPTO_AES128_BYTES, ADDRESS_MAX = 16 };

static EVP_CIPHER_CTX *cipher(const uint8_t key[BLOCK])
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();

	if (c != NULL && EVP_EncryptInit_ex(c, EVP_aes_128_ecb(), NULL, key, NULL) == 1 &&
	    EVP_CIPHER_CTX_set_padding(c, 0) == 1)
		return c;
	EVP_CIPHER_CTX_free(c);
	return NULL;
}

static bool encrypt(EVP_CIPHER_CTX *c, const uint8_t *in, size_t blocks, uint8_t *out)
{
	int n = 0, want = (int)(blocks * BLOCK); /* at most 128 blocks */

	return EVP_EncryptUpdate(c, out, &n, in, want) == 1 && n == want;
}

bool crypto_pan_init(const uint8_t key[CRYPTO_PAN_BYTES], struct crypto_pan *out)
{
	struct crypto_pan p;

	memcpy(p.key, key, sizeof p.key);
	if (!crypto_aes128_block(p.key, key + sizeof p.key, p.pad))
		return false;
	*out = p;
	return true;
}

/* The pad, its first `bits` bits those of the address. */
static void block_of(const struct crypto_pan *p, const uint8_t *address, size_t bits,
		     uint8_t out[BLOCK])
{
	size_t whole = bits / 8;
	uint8_t mask = (uint8_t)(0xff00u >> bits % 8); /* the bits of the byte that is cut */

	memcpy(out, p->pad, BLOCK);
	memcpy(out, address, whole);
	if (mask != 0)
		out[whole] = (uint8_t)((address[whole] & mask) | (p->pad[whole] & ~mask));
}

bool crypto_pan_hide_in(const struct crypto_pan *p, const uint8_t *address, size_t n, size_t keep,
			uint8_t *out)
{
	uint8_t blocks[8 * ADDRESS_MAX][BLOCK], flips[ADDRESS_MAX] = {0};
	EVP_CIPHER_CTX *c = cipher(p->key);
	bool done;

	ASSERT((n == 4 || n == ADDRESS_MAX) && keep <= 8 * n);
	for (size_t i = 0; i < 8 * n; i++)
		block_of(p, address, i, blocks[i]);
	done = c != NULL && encrypt(c, blocks[0], 8 * n, blocks[0]);
	EVP_CIPHER_CTX_free(c);
	if (!done)
		return false;
	for (size_t i = keep; i < 8 * n; i++)
		flips[i / 8] |= (uint8_t)((blocks[i][0] & 0x80) >> i % 8);
	for (size_t i = 0; i < n; i++)
		out[i] = address[i] ^ flips[i];
	return true;
}

bool crypto_pan_hide(const struct crypto_pan *p, const uint8_t *address, size_t n, uint8_t *out)
{
	return crypto_pan_hide_in(p, address, n, 0, out);
}

bool crypto_pan_show_in(const struct crypto_pan *p, const uint8_t *pseudonym, size_t n, size_t keep,
			uint8_t *out)
{
	uint8_t address[ADDRESS_MAX], block[BLOCK];
	EVP_CIPHER_CTX *c = cipher(p->key);
	bool done = c != NULL;

	ASSERT((n == 4 || n == ADDRESS_MAX) && keep <= 8 * n);
	memcpy(address, pseudonym, n);
	for (size_t i = keep; i < 8 * n && done; i++) {
		block_of(p, address, i, block); /* bits before i are the address's by now */
		done = encrypt(c, block, 1, block);
		address[i / 8] ^= (uint8_t)((block[0] & 0x80) >> i % 8);
	}
	EVP_CIPHER_CTX_free(c);
	if (done)
		memcpy(out, address, n);
	return done;
}

bool crypto_pan_show(const struct crypto_pan *p, const uint8_t *pseudonym, size_t n, uint8_t *out)
{
	return crypto_pan_show_in(p, pseudonym, n, 0, out);
}
