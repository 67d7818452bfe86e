/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/crypto.h"
#include "test.h"

/* FIPS 180-4 and RFC 1321 examples. */
static void known_answers(struct test *t)
{
	static const struct {
		const char *text, *sha256, *sha1, *md5;
	} rows[] = {
		{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		 "da39a3ee5e6b4b0d3255bfef95601890afd80709", "d41d8cd98f00b204e9800998ecf8427e"},
		{"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		 "a9993e364706816aba3e25717850c26c9cd0d89d", "900150983cd24fb0d6963f7d28e17f72"},
		{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		 "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
		 "84983e441c3bd26ebaae4aa1f95129e5e54670f1", "8215ef0796a20bcaaae116d3876c664a"},
	};
	char hex[64];
	uint8_t out[32];

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct slice text = slice_of(rows[i].text);

		crypto_sha256_of(text, out);
		EXPECT_SLICE(t, crypto_hex_write((struct slice){out, 32}, hex),
			     slice_of(rows[i].sha256));
		crypto_sha1_of(text, out);
		EXPECT_SLICE(t, crypto_hex_write((struct slice){out, 20}, hex),
			     slice_of(rows[i].sha1));
		crypto_md5_of(text, out);
		EXPECT_SLICE(t, crypto_hex_write((struct slice){out, 16}, hex),
			     slice_of(rows[i].md5));
	}
}

static void any_chunking_gives_the_same_hash(struct test *t)
{
	uint8_t bytes[500], whole[32], parts[32], sha1[2][20], md5[2][16];

	for (int round = 0; round < 500; round++) {
		size_t n = test_rand(t) % sizeof bytes;
		struct slice rest = {bytes, n};
		struct crypto_sha256 s, fork;
		struct crypto_sha1 s1;
		struct crypto_md5 m5;

		for (size_t i = 0; i < n; i++)
			bytes[i] = (uint8_t)test_rand(t);
		crypto_sha256_of(rest, whole);
		crypto_sha1_of(rest, sha1[0]);
		crypto_md5_of(rest, md5[0]);
		crypto_sha256_init(&s);
		crypto_sha1_init(&s1);
		crypto_md5_init(&m5);
		while (rest.len > 0) {
			size_t k = test_rand(t) % (rest.len + 1);

			crypto_sha256_add(&s, slice_part(rest, 0, k));
			crypto_sha1_add(&s1, slice_part(rest, 0, k));
			crypto_md5_add(&m5, slice_part(rest, 0, k));
			rest = slice_from(rest, k);
			fork = s; /* a value: going on with a copy changes nothing */
			crypto_sha256_add(&fork, SLICE("other"));
		}
		crypto_sha256_end(&s, parts);
		crypto_sha1_end(&s1, sha1[1]);
		crypto_md5_end(&m5, md5[1]);
		EXPECT(t, memcmp(whole, parts, sizeof whole) == 0);
		EXPECT(t, memcmp(sha1[0], sha1[1], sizeof sha1[0]) == 0);
		EXPECT(t, memcmp(md5[0], md5[1], sizeof md5[0]) == 0);
	}
}

/* The first and the last of the vectors in the reference implementation's vectors.h: the key is the
 * bytes 0..15, the input the bytes 0..n-1. */
static void siphash_gives_the_reference_s_answers(struct test *t)
{
	uint8_t bytes[16];

	for (uint8_t i = 0; i < 16; i++)
		bytes[i] = i;
	EXPECT(t, crypto_sip(bytes, SLICE("")) == UINT64_C(0x726fdb47dd0e0e31));
	/* Appendix A of the paper: 15 bytes */
	EXPECT(t, crypto_sip(bytes, (struct slice){bytes, 15}) == UINT64_C(0xa129ca6149be45e5));
}

TESTS(T(siphash_gives_the_reference_s_answers), T(known_answers),
      T(any_chunking_gives_the_same_hash))
