/* SPDX-License-Identifier: Apache-2.0
 *
 * OpenSSL's low-level hash calls: a context is a plain value (EVP's is on the heap and needs an
 * algorithm fetched into a global), and they are the same SHA-NI code. OpenSSL 3 calls them
 * deprecated, hence the API level below; if they go, this file is all that changes.
 */
#define OPENSSL_API_COMPAT 10100
#include "crypto/crypto.h"

#include <openssl/md5.h>
#include <openssl/sha.h>

_Static_assert(sizeof(struct crypto_sha256) >= sizeof(SHA256_CTX) &&
		       _Alignof(struct crypto_sha256) >= _Alignof(SHA256_CTX),
	       "struct crypto_sha256 holds the library's context");

static SHA256_CTX *context(struct crypto_sha256 *s)
{
	return (SHA256_CTX *)(void *)s->state;
}

void crypto_sha256_init(struct crypto_sha256 *s)
{
	ASSERT(SHA256_Init(context(s)) == 1);
}

void crypto_sha256_add(struct crypto_sha256 *s, struct slice bytes)
{
	if (bytes.len != 0)
		ASSERT(SHA256_Update(context(s), bytes.ptr, bytes.len) == 1);
}

void crypto_sha256_end(struct crypto_sha256 *s, uint8_t out[CRYPTO_SHA256_BYTES])
{
	ASSERT(SHA256_Final(out, context(s)) == 1);
}

void crypto_sha256_of(struct slice bytes, uint8_t out[CRYPTO_SHA256_BYTES])
{
	struct crypto_sha256 s;

	crypto_sha256_init(&s);
	crypto_sha256_add(&s, bytes);
	crypto_sha256_end(&s, out);
}

void crypto_sha1_of(struct slice bytes, uint8_t out[CRYPTO_SHA1_BYTES])
{
	SHA_CTX c;

	ASSERT(SHA1_Init(&c) == 1);
	if (bytes.len != 0)
		ASSERT(SHA1_Update(&c, bytes.ptr, bytes.len) == 1);
	ASSERT(SHA1_Final(out, &c) == 1);
}

void crypto_md5_of(struct slice bytes, uint8_t out[CRYPTO_MD5_BYTES])
{
	MD5_CTX c;

	ASSERT(MD5_Init(&c) == 1);
	if (bytes.len != 0)
		ASSERT(MD5_Update(&c, bytes.ptr, bytes.len) == 1);
	ASSERT(MD5_Final(out, &c) == 1);
}
