/* SPDX-License-Identifier: Apache-2.0
 *
 * Shamir's scheme over GF(2^8) with AES's polynomial x^8 + x^4 + x^3 + x + 1 (FIPS 197 4.2). No
 * tables and no branches on secrets: time and cache say nothing of them.
 */
#include "crypto/crypto.h"

static uint8_t times(uint8_t a, uint8_t b)
{
	unsigned x = a, product = 0;

	for (unsigned i = 0; i < 8; i++) {
		product ^= x & -(unsigned)(b >> i & 1);
		x = (x << 1 ^ (0x11bu & -(x >> 7 & 1))) & 0x1ff;
	}
	return (uint8_t)(product & 0xff);
}

/* a^254, which is 1 / a. */
static uint8_t inverse(uint8_t a)
{
	uint8_t result = 1, power = a;

	for (unsigned i = 1; i < 8; i++) { /* 254 = 2 + 4 + ... + 128 */
		power = times(power, power);
		result = times(result, power);
	}
	return result;
}

void crypto_share_split(const uint8_t secret[CRYPTO_SECRET_BYTES], unsigned k, unsigned n,
			const struct crypto_random *random, uint8_t (*out)[CRYPTO_SHARE_BYTES])
{
	uint8_t more[CRYPTO_SHARES_MAX]; /* coefficients of x, x^2, ... x^(k - 1) */

	ASSERT(k >= 1 && k <= n && n <= CRYPTO_SHARES_MAX);
	for (unsigned i = 0; i < n; i++)
		out[i][0] = (uint8_t)(i + 1);
	for (unsigned byte = 0; byte < CRYPTO_SECRET_BYTES; byte++) {
		if (k > 1)
			crypto_random_fill(random, more, k - 1);
		for (unsigned i = 0; i < n; i++) {
			uint8_t y = 0;

			for (unsigned c = k - 1; c-- > 0;) /* Horner's rule */
				y = times((uint8_t)(y ^ more[c]), out[i][0]);
			out[i][1 + byte] = y ^ secret[byte];
		}
	}
	crypto_wipe(more, sizeof more);
}

/* The polynomial through the shares, at 0 (Lagrange). */
bool crypto_share_join(const uint8_t (*shares)[CRYPTO_SHARE_BYTES], unsigned k,
		       uint8_t out[CRYPTO_SECRET_BYTES])
{
	uint8_t secret[CRYPTO_SECRET_BYTES] = {0};

	ASSERT(k >= 1 && k <= CRYPTO_SHARES_MAX);
	for (unsigned i = 0; i < k; i++) {
		uint8_t weight = 1, xi = shares[i][0];

		for (unsigned j = 0; j < k; j++) {
			uint8_t xj = shares[j][0], apart = xi ^ xj;

			if (j == i)
				continue;
			if (apart == 0)
				return false;
			weight = times(weight, times(xj, inverse(apart)));
		}
		if (xi == 0)
			return false;
		for (unsigned byte = 0; byte < CRYPTO_SECRET_BYTES; byte++)
			secret[byte] ^= times(weight, shares[i][1 + byte]);
	}
	memcpy(out, secret, sizeof secret);
	crypto_wipe(secret, sizeof secret);
	return true;
}
