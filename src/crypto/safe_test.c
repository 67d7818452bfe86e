/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/crypto.h"
#include "test.h"

struct room {
	struct arena_pool pool;
	struct arena a;
	struct crypto_signer reader;
};

static void room_init(struct room *r)
{
	struct fail why;

	ASSERT(crypto_init(&why) == ST_OK);
	*r = (struct room){.pool = {.budget = 1 << 20}};
	r->a.pool = &r->pool;
	crypto_signer_new(&r->reader);
}

static void room_done(struct room *r)
{
	arena_reset(&r->a);
	arena_pool_drain(&r->pool);
}

static void letters_are_read_by_their_reader_only(struct test *t)
{
	static const struct slice said[] = {{(const uint8_t *)"", 0},
					    {(const uint8_t *)"a", 1},
					    {(const uint8_t *)"twelve bytes", 12}};
	struct room r;
	struct crypto_signer other;

	room_init(&r);
	crypto_signer_new(&other);
	for (size_t i = 0; i < sizeof said / sizeof said[0]; i++) {
		struct buf letter = buf_in(&r.a), plain = buf_in(&r.a), no = buf_in(&r.a);

		EXPECT(t, crypto_letter_add(r.reader.key, said[i], &letter));
		EXPECT_UINT(t, letter.len, said[i].len + CRYPTO_LETTER_EXTRA);
		EXPECT(t, crypto_letter_open(&r.reader, buf_slice(&letter), &plain));
		EXPECT_SLICE(t, buf_slice(&plain), said[i]);
		EXPECT(t, !crypto_letter_open(&other, buf_slice(&letter), &no) && no.len == 0);
		for (size_t k = 0; k < letter.len; k++) {
			letter.ptr[k] ^= 1;
			EXPECT(t, !crypto_letter_open(&r.reader, buf_slice(&letter), &no));
			letter.ptr[k] ^= 1;
			EXPECT(t, !crypto_letter_open(&r.reader,
						      slice_part(buf_slice(&letter), 0, k), &no));
		}
	}
	room_done(&r);
}

/* A point of small order: whoever could be written to under it is everybody. */
static void nobody_is_written_to_under_a_weak_key(struct test *t)
{
	static const uint8_t weak[CRYPTO_KEY_BYTES] = {1};
	struct room r;
	struct buf letter;

	room_init(&r);
	letter = buf_in(&r.a);
	EXPECT(t, !crypto_letter_add(weak, SLICE("x"), &letter) && letter.len == 0);
	room_done(&r);
}

static void safes_open_with_their_key_and_label_only(struct test *t)
{
	uint8_t key[CRYPTO_SECRET_BYTES] = {1, 2, 3};
	struct buf safe, again, plain, no;
	struct room r;

	room_init(&r);
	safe = buf_in(&r.a);
	again = buf_in(&r.a);
	plain = buf_in(&r.a);
	no = buf_in(&r.a);
	EXPECT(t, crypto_safe_add(key, SLICE("label"), SLICE("what is in it"), &safe));
	EXPECT(t, crypto_safe_add(key, SLICE("label"), SLICE("what is in it"), &again));
	EXPECT_UINT(t, safe.len, 13 + CRYPTO_SAFE_EXTRA);
	EXPECT(t, !slice_equal(buf_slice(&safe), buf_slice(&again))); /* another nonce */
	EXPECT(t, crypto_safe_open(key, SLICE("label"), buf_slice(&safe), &plain));
	EXPECT_SLICE(t, buf_slice(&plain), SLICE("what is in it"));
	EXPECT(t, !crypto_safe_open(key, SLICE("labels"), buf_slice(&safe), &no));
	key[31] ^= 1;
	EXPECT(t, !crypto_safe_open(key, SLICE("label"), buf_slice(&safe), &no));
	key[31] ^= 1;
	for (size_t k = 0; k < safe.len; k++) {
		safe.ptr[k] ^= 0x80;
		EXPECT(t, !crypto_safe_open(key, SLICE("label"), buf_slice(&safe), &no));
		safe.ptr[k] ^= 0x80;
		EXPECT(t, !crypto_safe_open(key, SLICE("label"), slice_part(buf_slice(&safe), 0, k),
					    &no));
	}
	EXPECT_UINT(t, no.len, 0);
	room_done(&r);
}

TESTS(T(letters_are_read_by_their_reader_only), T(nobody_is_written_to_under_a_weak_key),
      T(safes_open_with_their_key_and_label_only))
