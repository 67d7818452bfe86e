/* SPDX-License-Identifier: Apache-2.0
 * A hostile station that has a key: the input is a payload, a line feed, and disclosures, one a
 * line. The payload is signed here, so that what lies behind the signature is reached. */
#include "evidence/disclose/disclose.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct slice encoded(struct slice plain, struct arena *a)
{
	struct buf b = buf_in(a);

	crypto_base64_add(CRYPTO_BASE64URL, plain, &b);
	return buf_slice(&b);
}

/* Where the input writes "#k", the digest of disclosure k goes. */
static struct slice filled(struct slice payload, const struct slice *shown, size_t n,
			   struct arena *a)
{
	struct buf b = buf_in(a);

	for (size_t i = 0; i < payload.len; i++) {
		uint8_t hash[CRYPTO_SHA256_BYTES];
		size_t k = i + 1 < payload.len ? (size_t)payload.ptr[i + 1] - '0' : SIZE_MAX;

		if (payload.ptr[i] != '#' || k >= n) {
			buf_add_byte(&b, payload.ptr[i]);
			continue;
		}
		crypto_sha256_of(shown[k], hash);
		crypto_base64_add(CRYPTO_BASE64URL, (struct slice){hash, sizeof hash}, &b);
		i++;
	}
	return buf_slice(&b);
}

/* The same as a presentation: all of RFC 9901. Every disclosure was used, and nobody is bound who
 * did not sign. */
static void read_all(struct slice jwt, const struct slice *shown, size_t n,
		     const struct disclose_keys *keys, struct arena *a)
{
	struct disclose_demand d = {.keys = keys, .now_s = 1};
	struct disclose_presented p;
	struct buf b = buf_in(a);
	struct fail why;

	buf_add(&b, jwt);
	buf_add_byte(&b, '~');
	for (size_t i = 0; i < n; i++) {
		buf_add(&b, shown[i]);
		buf_add_byte(&b, '~');
	}
	if (b.full || disclose_read(buf_slice(&b), &d, a, &p, &why) != ST_OK)
		return;
	ASSERT(p.shown == n && p.claims.len >= 2 && p.claims.ptr[0] == '{');
	d.bound = true;
	ASSERT(disclose_read(buf_slice(&b), &d, a, &p, &why) != ST_OK); /* there is no binding */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t seed[CRYPTO_SEED_BYTES] = {1};
	struct arena_pool pool = {.budget = 8 << 20};
	struct arena a = {.pool = &pool};
	struct slice rest = {data, size}, payload = slice_split(&rest, '\n'), shown[10];
	uint8_t sig[CRYPTO_SIGNATURE_BYTES];
	struct crypto_signer s;
	struct disclose_issuer issuer;
	struct disclose_opened o;
	struct disclose_keys keys, none = {0};
	struct disclose_key key;
	struct buf jwt = buf_in(&a);
	struct fail why;
	size_t n = 0;

	crypto_signer_from_seed(seed, &s);
	key = disclose_key_of(s.key);
	keys = (struct disclose_keys){&key, 1};
	ASSERT(disclose_issuer_init(&issuer, SLICE("x"), &s, (struct crypto_random){0}, &why) ==
	       ST_OK);
	while (rest.ptr != NULL && n < 10)
		shown[n++] = encoded(slice_split(&rest, '\n'), &a);
	buf_add(&jwt, (struct slice){(const uint8_t *)issuer.header, issuer.header_len});
	buf_add_byte(&jwt, '.');
	buf_add(&jwt, encoded(filled(payload, shown, n, &a), &a));
	crypto_signer_sign(&s, buf_slice(&jwt), sig);
	buf_add_byte(&jwt, '.');
	crypto_base64_add(CRYPTO_BASE64URL, (struct slice){sig, sizeof sig}, &jwt);
	if (!jwt.full && disclose_open(buf_slice(&jwt), shown, n, &keys, &a, &o, &why) == ST_OK) {
		ASSERT(o.count == n && o.issuer.len > 0);
		for (size_t i = 0; i < o.count; i++)
			ASSERT(o.fields[i].name.len > 0 && o.fields[i].json.len > 0);
	}
	read_all(buf_slice(&jwt), shown, n, &keys, &a);
	ASSERT(disclose_open((struct slice){data, size}, NULL, 0, &none, &a, &o, &why) != ST_OK);
	if (disclose_keys_parse((struct slice){data, size}, &a, &keys, &why) == ST_OK)
		ASSERT(keys.count <= size);
	arena_reset(&a);
	arena_pool_drain(&pool);
	return 0;
}
