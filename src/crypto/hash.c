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

/* Our struct holds the library's context. */
#define HOLDS(ours, theirs)                                                                        \
	_Static_assert(sizeof(struct ours) >= sizeof(theirs) &&                                    \
			       _Alignof(struct ours) >= _Alignof(theirs),                          \
		       #ours)
HOLDS(crypto_sha256, SHA256_CTX);
HOLDS(crypto_sha1, SHA_CTX);
HOLDS(crypto_md5, MD5_CTX);

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

static SHA_CTX *sha1_context(struct crypto_sha1 *s)
{
	return (SHA_CTX *)(void *)s->state;
}

void crypto_sha1_init(struct crypto_sha1 *s)
{
	ASSERT(SHA1_Init(sha1_context(s)) == 1);
}

void crypto_sha1_add(struct crypto_sha1 *s, struct slice bytes)
{
	if (bytes.len != 0)
		ASSERT(SHA1_Update(sha1_context(s), bytes.ptr, bytes.len) == 1);
}

void crypto_sha1_end(struct crypto_sha1 *s, uint8_t out[CRYPTO_SHA1_BYTES])
{
	ASSERT(SHA1_Final(out, sha1_context(s)) == 1);
}

void crypto_sha1_of(struct slice bytes, uint8_t out[CRYPTO_SHA1_BYTES])
{
	struct crypto_sha1 s;

	crypto_sha1_init(&s);
	crypto_sha1_add(&s, bytes);
	crypto_sha1_end(&s, out);
}

static MD5_CTX *md5_context(struct crypto_md5 *s)
{
	return (MD5_CTX *)(void *)s->state;
}

void crypto_md5_init(struct crypto_md5 *s)
{
	ASSERT(MD5_Init(md5_context(s)) == 1);
}

void crypto_md5_add(struct crypto_md5 *s, struct slice bytes)
{
	if (bytes.len != 0)
		ASSERT(MD5_Update(md5_context(s), bytes.ptr, bytes.len) == 1);
}

void crypto_md5_end(struct crypto_md5 *s, uint8_t out[CRYPTO_MD5_BYTES])
{
	ASSERT(MD5_Final(out, md5_context(s)) == 1);
}

void crypto_md5_of(struct slice bytes, uint8_t out[CRYPTO_MD5_BYTES])
{
	struct crypto_md5 s;

	crypto_md5_init(&s);
	crypto_md5_add(&s, bytes);
	crypto_md5_end(&s, out);
}
