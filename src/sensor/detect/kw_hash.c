/* SPDX-License-Identifier: Apache-2.0
 * Transforms to a digest: the buffer's hash, as bytes, is what the steps look at. */
#include "crypto/crypto.h"
#include "sensor/detect/detect_priv.h"

static struct slice kept(const uint8_t *digest, size_t n, struct arena *a)
{
	struct slice s = arena_copy(a, (struct slice){digest, n});

	return s.len == n ? s : (struct slice){NULL, 0};
}

static struct slice to_md5(const void *operand, struct slice in, struct arena *a)
{
	uint8_t out[CRYPTO_MD5_BYTES];

	crypto_md5_of(in, out);
	return kept(out, sizeof out, a);
}

static struct slice to_sha1(const void *operand, struct slice in, struct arena *a)
{
	uint8_t out[CRYPTO_SHA1_BYTES];

	crypto_sha1_of(in, out);
	return kept(out, sizeof out, a);
}

static struct slice to_sha256(const void *operand, struct slice in, struct arena *a)
{
	uint8_t out[CRYPTO_SHA256_BYTES];

	crypto_sha256_of(in, out);
	return kept(out, sizeof out, a);
}

static enum status compile_hash(struct detect_compiler *c, const struct detect_keyword *kw,
				struct slice value, struct fail *why)
{
	struct detect_transform t = {.kw = kw,
				     .run = kw->which == 0   ? to_md5
					    : kw->which == 1 ? to_sha1
							     : to_sha256};

	if (value.ptr != NULL)
		return fail_set(why, ST_INVALID, "%s takes no value", kw->name);
	return detect_add_transform(c, &t, value, why);
}

KEYWORD(hash) = {
	{.name = "to_md5",
	 .kind = KIND_TRANSFORM,
	 .bare = true,
	 .which = 0,
	 .compile = compile_hash,
	 .doc = "MD5 of the buffer"},
	{.name = "to_sha1",
	 .kind = KIND_TRANSFORM,
	 .bare = true,
	 .which = 1,
	 .compile = compile_hash,
	 .doc = "SHA-1 of the buffer"},
	{.name = "to_sha256",
	 .kind = KIND_TRANSFORM,
	 .bare = true,
	 .which = 2,
	 .compile = compile_hash,
	 .doc = "SHA-256 of the buffer"},
	{0},
};
