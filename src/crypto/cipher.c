/* SPDX-License-Identifier: Apache-2.0
 * HKDF on HMAC-SHA-256, and AES-128 as QUIC's Initial packets use it. */
#include "crypto/crypto.h"

#include <openssl/evp.h>

enum { BLOCK_BYTES = 64, LABEL_MAX = 64 };

static void hmac(struct slice key, const struct slice *parts, size_t n,
		 uint8_t out[CRYPTO_SHA256_BYTES])
{
	uint8_t pad[BLOCK_BYTES] = {0}, inner[CRYPTO_SHA256_BYTES];
	struct crypto_sha256 h;

	if (key.len > sizeof pad)
		crypto_sha256_of(key, pad);
	else if (key.len != 0)
		memcpy(pad, key.ptr, key.len);
	for (size_t i = 0; i < sizeof pad; i++)
		pad[i] ^= 0x36;
	crypto_sha256_init(&h);
	crypto_sha256_add(&h, (struct slice){pad, sizeof pad});
	for (size_t i = 0; i < n; i++)
		crypto_sha256_add(&h, parts[i]);
	crypto_sha256_end(&h, inner);
	for (size_t i = 0; i < sizeof pad; i++)
		pad[i] ^= 0x36 ^ 0x5c;
	crypto_sha256_init(&h);
	crypto_sha256_add(&h, (struct slice){pad, sizeof pad});
	crypto_sha256_add(&h, (struct slice){inner, sizeof inner});
	crypto_sha256_end(&h, out);
}

void crypto_hkdf_extract(struct slice salt, struct slice secret, uint8_t out[CRYPTO_SHA256_BYTES])
{
	hmac(salt, &secret, 1, out);
}

void crypto_hkdf_label(const uint8_t secret[CRYPTO_SHA256_BYTES], struct slice label, uint8_t *out,
		       size_t n)
{
	uint8_t info[2 + 1 + 6 + LABEL_MAX + 1], block[CRYPTO_SHA256_BYTES];
	static const uint8_t one[] = {1};
	size_t len = 0;

	ASSERT(n <= CRYPTO_SHA256_BYTES && label.len <= LABEL_MAX);
	info[len++] = 0;
	info[len++] = (uint8_t)n;
	info[len++] = (uint8_t)(6 + label.len);
	memcpy(info + len, "tls13 ", 6);
	len += 6;
	memcpy(info + len, label.ptr, label.len);
	len += label.len;
	info[len++] = 0;
	hmac((struct slice){secret, CRYPTO_SHA256_BYTES},
	     (const struct slice[]){{info, len}, {one, 1}}, 2, block);
	memcpy(out, block, n);
}

bool crypto_aes128_block(const uint8_t key[CRYPTO_AES128_BYTES],
			 const uint8_t in[CRYPTO_AES128_BYTES], uint8_t out[CRYPTO_AES128_BYTES])
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int n = 0;
	bool done = c != NULL && EVP_EncryptInit_ex(c, EVP_aes_128_ecb(), NULL, key, NULL) == 1 &&
		    EVP_CIPHER_CTX_set_padding(c, 0) == 1 &&
		    EVP_EncryptUpdate(c, out, &n, in, CRYPTO_AES128_BYTES) == 1 &&
		    n == CRYPTO_AES128_BYTES;

	EVP_CIPHER_CTX_free(c);
	return done;
}

bool crypto_aes128_gcm_open(const uint8_t key[CRYPTO_AES128_BYTES],
			    const uint8_t nonce[CRYPTO_GCM_NONCE_BYTES], struct slice header,
			    struct slice sealed, uint8_t *out)
{
	uint8_t tag[CRYPTO_GCM_TAG_BYTES];
	EVP_CIPHER_CTX *c;
	int n = 0, rest = 0;
	size_t len;
	bool done;

	if (sealed.len < sizeof tag || sealed.len > CRYPTO_GCM_MAX || header.len > CRYPTO_GCM_MAX)
		return false;
	len = sealed.len - sizeof tag;
	memcpy(tag, sealed.ptr + len, sizeof tag);
	c = EVP_CIPHER_CTX_new();
	done = c != NULL && EVP_DecryptInit_ex(c, EVP_aes_128_gcm(), NULL, key, nonce) == 1 &&
	       EVP_DecryptUpdate(c, NULL, &n, header.ptr, (int)header.len) == 1 &&
	       EVP_DecryptUpdate(c, out, &n, sealed.ptr, (int)len) == 1 &&
	       EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, sizeof tag, tag) == 1 &&
	       EVP_DecryptFinal_ex(c, out + n, &rest) == 1;
	EVP_CIPHER_CTX_free(c);
	return done;
}
