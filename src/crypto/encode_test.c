/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/crypto.h"
#include "test.h"

static struct slice encoded(struct arena *a, enum crypto_alphabet alphabet, struct slice bytes)
{
	struct buf b = buf_in(a);

	crypto_base64_add(alphabet, bytes, &b);
	return buf_slice(&b);
}

/* RFC 4648 10. */
static void base64_known_answers(struct test *t)
{
	static const char *const rows[][3] = {
		{"", "", ""},
		{"f", "Zg==", "Zg"},
		{"fo", "Zm8=", "Zm8"},
		{"foo", "Zm9v", "Zm9v"},
		{"foob", "Zm9vYg==", "Zm9vYg"},
		{"fooba", "Zm9vYmE=", "Zm9vYmE"},
		{"foobar", "Zm9vYmFy", "Zm9vYmFy"},
		{"\xfb\xef\xff", "++//", "--__"},
	};
	struct arena_pool pool = {.budget = 1 << 20};
	struct arena a = {.pool = &pool};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct slice raw = slice_of(rows[i][0]), got;

		for (enum crypto_alphabet k = CRYPTO_BASE64; k <= CRYPTO_BASE64URL; k++) {
			struct slice text = slice_of(rows[i][1 + k]);

			EXPECT_SLICE(t, encoded(&a, k, raw), text);
			EXPECT_UINT(t, crypto_base64_length(k, raw.len), text.len);
			EXPECT(t, crypto_base64_take(k, text, &a, &got) == ST_OK);
			EXPECT_SLICE(t, got, raw);
		}
	}
	arena_reset(&a);
	arena_pool_drain(&pool);
}

static void base64_has_one_text_for_each_value(struct test *t)
{
	static const char *const bad[] = {"Zg",	      "Zg=",   "Zg===", "Zh==", "Zm9=",	   " Zg==",
					  "Zg==\n",   "Z===",  "====",	"=",	"Zm-v",	   "Zm_v",
					  "Zg==Zg==", "Zm 9v", "Zm9v=", "Z",	"Zm9v\xc3"};
	static const char *const bad_url[] = {"Zg==", "Zh", "Zm9",   "Z",     "Zm+v",
					      "Zm/v", " ",  "Zm9vZ", "Zm9v\n"};
	uint8_t out[32];
	size_t n = 77;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		EXPECT(t,
		       !crypto_base64_parse(CRYPTO_BASE64, slice_of(bad[i]), sizeof out, out, &n));
	for (size_t i = 0; i < sizeof bad_url / sizeof bad_url[0]; i++)
		EXPECT(t, !crypto_base64_parse(CRYPTO_BASE64URL, slice_of(bad_url[i]), sizeof out,
					       out, &n));
	EXPECT_UINT(t, n, 77);
}

static void base64_keeps_to_its_room(struct test *t)
{
	uint8_t out[3] = {0};
	size_t n;

	EXPECT(t, !crypto_base64_parse(CRYPTO_BASE64, SLICE("Zm9v"), 2, out, &n));
	EXPECT(t, crypto_base64_parse(CRYPTO_BASE64, SLICE("Zm9v"), 3, out, &n) && n == 3);
	EXPECT(t, !crypto_base64_parse(CRYPTO_BASE64, SLICE("Zm9vYg=="), 3, out, &n));
	EXPECT(t, !crypto_base64_parse(CRYPTO_BASE64URL, SLICE("Zm8"), 1, out, &n));
	EXPECT(t, crypto_base64_parse(CRYPTO_BASE64URL, SLICE("Zm8"), 2, out, &n) && n == 2);
}

/* Any text that is accepted is the one that its value is written as. */
static void base64_accepts_only_what_it_writes(struct test *t)
{
	static const char some[] = "AQgw/+-_=Zz09";
	struct arena_pool pool = {.budget = 1 << 20};
	struct arena a = {.pool = &pool};
	size_t accepted = 0;

	for (int round = 0; round < 50000; round++) {
		enum crypto_alphabet k = test_rand(t) % 2 ? CRYPTO_BASE64 : CRYPTO_BASE64URL;
		uint8_t text[8], out[8];
		size_t n = test_rand(t) % sizeof text, got;

		for (size_t i = 0; i < n; i++)
			text[i] = (uint8_t)some[test_rand(t) % (sizeof some - 1)];
		if (!crypto_base64_parse(k, (struct slice){text, n}, sizeof out, out, &got))
			continue;
		accepted++;
		EXPECT_SLICE(t, encoded(&a, k, (struct slice){out, got}),
			     ((struct slice){text, n}));
		arena_reset(&a);
	}
	EXPECT(t, accepted > 100);
	arena_reset(&a);
	arena_pool_drain(&pool);
}

static void hex_is_lower_case_and_exact(struct test *t)
{
	uint8_t out[2] = {1, 2};
	char text[8];

	EXPECT_SLICE(t, crypto_hex_write(SLICE("\x00\xfe\x7f"), text), SLICE("00fe7f"));
	EXPECT(t, crypto_hex_parse(SLICE("0aff"), 2, out) && out[0] == 10 && out[1] == 255);
	EXPECT(t,
	       !crypto_hex_parse(SLICE("0AFF"), 2, out) && !crypto_hex_parse(SLICE("0af"), 2, out));
	EXPECT(t,
	       !crypto_hex_parse(SLICE("0aff0"), 2, out) && !crypto_hex_parse(SLICE("0a"), 2, out));
	EXPECT(t, !crypto_hex_parse(SLICE("0agg"), 2, out) && out[0] == 10);
}

static void no_memory_is_said(struct test *t)
{
	struct arena_pool pool = {.budget = 0};
	struct arena a = {.pool = &pool};
	struct buf b = buf_in(&a);
	struct slice got;

	EXPECT(t, crypto_base64_take(CRYPTO_BASE64, SLICE("Zm9v"), &a, &got) == ST_NOMEM);
	crypto_base64_add(CRYPTO_BASE64, SLICE("abc"), &b);
	EXPECT(t, b.full && b.len == 0);
	b = buf_in(&a);
	crypto_hex_add(SLICE("abc"), &b);
	EXPECT(t, b.full && b.len == 0);
}

TESTS(T(base64_known_answers), T(base64_has_one_text_for_each_value), T(base64_keeps_to_its_room),
      T(base64_accepts_only_what_it_writes), T(hex_is_lower_case_and_exact), T(no_memory_is_said))
