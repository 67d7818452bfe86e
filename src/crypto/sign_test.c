/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/crypto.h"
#include "test.h"

/* RFC 8032 7.1, tests 1 to 3. */
static void known_answers(struct test *t)
{
	static const struct {
		const char *seed, *key, *message, *signature;
	} rows[] = {
		{"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
		 "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
		 "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
		 "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
		{"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
		 "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
		 "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
		 "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
		{"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
		 "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
		 "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
		 "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"},
	};
	struct fail why;

	EXPECT(t, crypto_init(&why) == ST_OK);
	EXPECT(t, crypto_init(&why) == ST_OK);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		uint8_t seed[32], key[32], message[2], want[64], got[64];
		size_t n = slice_of(rows[i].message).len / 2;
		struct crypto_signer s;

		EXPECT(t, crypto_hex_parse(slice_of(rows[i].seed), 32, seed));
		EXPECT(t, crypto_hex_parse(slice_of(rows[i].key), 32, key));
		EXPECT(t, crypto_hex_parse(slice_of(rows[i].message), n, message));
		EXPECT(t, crypto_hex_parse(slice_of(rows[i].signature), 64, want));
		crypto_signer_from_seed(seed, &s);
		EXPECT(t, crypto_equal(s.key, key, 32) && crypto_equal(s.seed, seed, 32));
		crypto_signer_sign(&s, (struct slice){message, n}, got);
		EXPECT(t, memcmp(got, want, sizeof want) == 0);
		EXPECT(t, crypto_signature_verify(key, (struct slice){message, n}, got));
	}
}

static void any_changed_bit_is_refused(struct test *t)
{
	struct crypto_signer s;
	uint8_t sig[64], key[32], message[] = "what was seen";

	crypto_signer_new(&s);
	crypto_signer_sign(&s, (struct slice){message, sizeof message}, sig);
	memcpy(key, s.key, sizeof key);
	for (size_t bit = 0; bit < 8 * sizeof sig; bit++) {
		sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
		EXPECT(t,
		       !crypto_signature_verify(key, (struct slice){message, sizeof message}, sig));
		sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	message[3] ^= 1;
	EXPECT(t, !crypto_signature_verify(key, (struct slice){message, sizeof message}, sig));
	message[3] ^= 1;
	EXPECT(t, crypto_signature_verify(key, (struct slice){message, sizeof message}, sig));
	memset(key, 0, sizeof key); /* a point of small order signs everything */
	memset(sig, 0, sizeof sig);
	EXPECT(t, !crypto_signature_verify(key, (struct slice){message, sizeof message}, sig));
}

static void counting(void *ctx, uint8_t *out, size_t n)
{
	uint8_t *next = ctx;

	for (size_t i = 0; i < n; i++)
		out[i] = (*next)++;
}

static void random_bytes_come_from_where_told(struct test *t)
{
	uint8_t next = 7, a[16] = {0}, b[16] = {0};
	struct crypto_random from = {&next, counting};

	crypto_random_fill(&from, a, 3);
	EXPECT(t, a[0] == 7 && a[2] == 9 && a[3] == 0);
	crypto_random_fill(NULL, a, sizeof a);
	crypto_random_fill(&(struct crypto_random){0}, b, sizeof b);
	EXPECT(t, !crypto_equal(a, b, sizeof a) && crypto_equal(a, a, sizeof a));
	EXPECT(t, crypto_equal(a, b, 0));
	crypto_wipe(a, sizeof a);
	EXPECT(t, a[0] == 0 && a[15] == 0);
}

TESTS(T(known_answers), T(any_changed_bit_is_refused), T(random_bytes_come_from_where_told))
