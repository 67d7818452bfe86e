/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/crypto.h"
#include "test.h"

static void random_of_test(void *ctx, uint8_t *out, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)test_rand(ctx);
}

/* By hand: coefficient 0x53 at x = 0xca would be 0x01 (FIPS 197's own inverse pair), so a secret of
 * 0x00 and this line give y = 0x53 * x; times 2 and 3 as in MixColumns. */
static void constant(void *ctx, uint8_t *out, size_t n)
{
	memset(out, *(const uint8_t *)ctx, n);
}

static void a_line_is_computed_as_by_hand(struct test *t)
{
	uint8_t slope = 0xd4, secret[CRYPTO_SECRET_BYTES] = {0x00, 0xff};
	uint8_t shares[3][CRYPTO_SHARE_BYTES];

	crypto_share_split(secret, 2, 3, &(struct crypto_random){&slope, constant}, shares);
	EXPECT(t, shares[0][0] == 1 && shares[1][0] == 2 && shares[2][0] == 3);
	EXPECT_UINT(t, shares[0][1], 0xd4);
	EXPECT_UINT(t, shares[1][1], 0xb3); /* d4 * 02 = b3: FIPS 197, example of MixColumns */
	EXPECT_UINT(t, shares[2][1], 0xd4 ^ 0xb3);
	EXPECT_UINT(t, shares[1][2], 0xb3 ^ 0xff);
}

static void any_k_of_n_give_the_secret(struct test *t)
{
	static const unsigned cases[][2] = {{1, 1}, {1, 3},  {2, 2},   {2, 3},
					    {3, 5}, {5, 16}, {64, 64}, {33, 64}};

	for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++)
		for (unsigned round = 0; round < 20; round++) {
			uint8_t secret[CRYPTO_SECRET_BYTES], got[CRYPTO_SECRET_BYTES];
			uint8_t shares[CRYPTO_SHARES_MAX][CRYPTO_SHARE_BYTES];
			unsigned k = cases[c][0], n = cases[c][1];
			struct crypto_random random = {t, random_of_test};

			random_of_test(t, secret, sizeof secret);
			crypto_share_split(secret, k, n, &random, shares);
			for (unsigned i = n; i-- > 1;) { /* shuffled: the first k are any k */
				unsigned j = (unsigned)(test_rand(t) % (i + 1));
				uint8_t other[CRYPTO_SHARE_BYTES];

				memcpy(other, shares[i], sizeof other);
				memcpy(shares[i], shares[j], sizeof other);
				memcpy(shares[j], other, sizeof other);
			}
			EXPECT(t, crypto_share_join((const uint8_t(*)[33])shares, k, got));
			EXPECT(t, memcmp(got, secret, sizeof got) == 0);
			if (k == 1)
				continue;
			EXPECT(t, crypto_share_join((const uint8_t(*)[33])shares, k - 1, got));
			EXPECT(t, memcmp(got, secret, sizeof got) != 0);
			shares[0][1 + test_rand(t) % CRYPTO_SECRET_BYTES] ^= 1;
			EXPECT(t, crypto_share_join((const uint8_t(*)[33])shares, k, got));
			EXPECT(t, memcmp(got, secret, sizeof got) != 0);
		}
}

/* With one share fewer than needed, every secret is as good as any other: for each value of a byte
 * there is a polynomial through what is known. Counted over all 256 of them for k = 2. */
static void fewer_than_k_say_nothing(struct test *t)
{
	uint8_t shares[2][CRYPTO_SHARE_BYTES], secret[CRYPTO_SECRET_BYTES] = {0x42};
	struct crypto_random random = {t, random_of_test};
	bool seen[256] = {false};
	unsigned values = 0;

	crypto_share_split(secret, 2, 2, &random, shares);
	for (unsigned y = 0; y < 256; y++) {
		uint8_t got[CRYPTO_SECRET_BYTES];

		shares[1][1] = (uint8_t)y;
		EXPECT(t, crypto_share_join((const uint8_t(*)[33])shares, 2, got));
		values += !seen[got[0]];
		seen[got[0]] = true;
	}
	EXPECT_UINT(t, values, 256);
}

static void shares_that_cannot_be_joined_are_refused(struct test *t)
{
	uint8_t shares[3][CRYPTO_SHARE_BYTES], secret[CRYPTO_SECRET_BYTES] = {7}, got[32] = {9};

	crypto_share_split(secret, 3, 3, NULL, shares);
	memcpy(shares[2], shares[0], sizeof shares[0]);
	EXPECT(t, !crypto_share_join((const uint8_t(*)[33])shares, 3, got));
	shares[2][0] = 0;
	EXPECT(t, !crypto_share_join((const uint8_t(*)[33])shares, 3, got));
	EXPECT(t, got[0] == 9);
}

TESTS(T(a_line_is_computed_as_by_hand), T(any_k_of_n_give_the_secret), T(fewer_than_k_say_nothing),
      T(shares_that_cannot_be_joined_are_refused))
