/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/sealed/sealed.h"

#include <stdio.h>

#include "test.h"

enum { READERS = 5, NEEDED = 3, NOW = 1795316645 };

struct room {
	struct arena_pool pool;
	struct arena a;
	struct fail why;
	struct crypto_signer who[READERS], stranger;
	struct note_verifier keys[READERS];
	struct slice text, shares[READERS];
	struct sealed s;
	uint8_t key[CRYPTO_SECRET_BYTES];
};

#define PLAIN SLICE("what may not be shown\0 yet")

static bool room_init(struct room *r)
{
	static const char *const names[READERS] = {"a.test", "b.test", "c.test", "d.test",
						   "e.test"};
	struct slice plain;

	memset(r, 0, sizeof *r);
	r->pool.budget = 64 << 20;
	r->a.pool = &r->pool;
	if (crypto_init(&r->why) != ST_OK)
		return false;
	crypto_signer_new(&r->stranger);
	for (size_t i = 0; i < READERS; i++) {
		crypto_signer_new(&r->who[i]);
		if (note_verifier_of(slice_of(names[i]), NOTE_ED25519, r->who[i].key, &r->keys[i],
				     &r->why) != ST_OK)
			return false;
	}
	if (sealed_make(SLICE("the third sensor"), PLAIN, r->keys, READERS, NEEDED, NULL, &r->a,
			&r->text, &r->why) != ST_OK ||
	    sealed_parse(r->text, &r->a, &r->s, &r->why) != ST_OK)
		return false;
	for (size_t i = 0; i < READERS; i++)
		if (sealed_share(&r->s, &r->who[i], &r->a, &r->shares[i], &r->why) != ST_OK)
			return false;
	return sealed_open(&r->s, r->shares, NEEDED, &r->a, &plain, r->key, &r->why) == ST_OK &&
	       slice_equal(plain, PLAIN);
}

static void room_done(struct room *r)
{
	arena_reset(&r->a);
	arena_pool_drain(&r->pool);
}

static void any_k_readers_open_it_and_fewer_do_not(struct test *t)
{
	static struct room r;
	struct slice plain;
	unsigned opened = 0;

	EXPECT(t, room_init(&r));
	EXPECT_SLICE(t, r.s.title, SLICE("the third sensor"));
	EXPECT(t, r.s.needed == NEEDED && r.s.reader_count == READERS);
	EXPECT(t, slice_find(r.text, SLICE("what may not")) == SIZE_MAX);
	for (unsigned mask = 0; mask < 1u << READERS; mask++) {
		struct slice some[READERS];
		uint8_t key[CRYPTO_SECRET_BYTES];
		size_t n = 0;

		for (unsigned i = 0; i < READERS; i++)
			if ((mask >> i & 1) != 0)
				some[n++] = r.shares[i];
		if (n < NEEDED) {
			EXPECT(t,
			       sealed_open(&r.s, some, n, &r.a, &plain, key, &r.why) == ST_REFUSED);
			continue;
		}
		EXPECT(t, sealed_open(&r.s, some, n, &r.a, &plain, key, &r.why) == ST_OK);
		EXPECT_SLICE(t, plain, PLAIN);
		EXPECT(t, memcmp(key, r.key, sizeof key) == 0);
		opened++;
	}
	EXPECT_UINT(t, opened, 10 + 5 + 1);
	room_done(&r);
}

static void a_letter_is_for_its_reader(struct test *t)
{
	static struct room r;
	struct slice share;

	EXPECT(t, room_init(&r));
	EXPECT(t, sealed_share(&r.s, &r.stranger, &r.a, &share, &r.why) == ST_REFUSED);
	/* letters exchanged between two readers */
	r.s.readers[0].letter = r.s.readers[1].letter;
	EXPECT(t, sealed_share(&r.s, &r.who[0], &r.a, &share, &r.why) == ST_REFUSED);
	EXPECT(t, strstr(r.why.text, "letter to a.test") != NULL);
	room_done(&r);
}

static void any_changed_byte_of_an_item_is_noticed(struct test *t)
{
	static struct room r;
	uint8_t *bytes;

	EXPECT(t, room_init(&r));
	bytes = ARENA_ARRAY(&r.a, uint8_t, r.text.len);
	EXPECT(t, bytes != NULL);
	memcpy(bytes, r.text.ptr, r.text.len);
	for (size_t i = 0; i < r.text.len; i++) {
		struct arena a = {.pool = &r.pool};
		struct slice shares[NEEDED], plain;
		uint8_t key[CRYPTO_SECRET_BYTES];
		struct sealed s;
		enum status st;

		bytes[i] ^= 1;
		st = sealed_parse((struct slice){bytes, r.text.len}, &a, &s, &r.why);
		if (st == ST_OK) { /* it has another name in any case, and does not open */
			EXPECT(t, memcmp(s.id, r.s.id, sizeof s.id) != 0);
			for (size_t k = 0; k < NEEDED && st == ST_OK; k++)
				st = sealed_share(&s, &r.who[k], &a, &shares[k], &r.why);
			if (st == ST_OK)
				st = sealed_open(&s, shares, NEEDED, &a, &plain, key, &r.why);
		}
		EXPECT(t, st == ST_INVALID || st == ST_REFUSED);
		bytes[i] ^= 1;
		EXPECT(t, sealed_parse((struct slice){bytes, i}, &a, &s, &r.why) == ST_INVALID);
		arena_reset(&a);
	}
	room_done(&r);
}

static void shares_that_do_not_fit_are_refused_each_with_its_reason(struct test *t)
{
	static struct room r, other;
	struct slice some[READERS + 1], plain;
	uint8_t key[CRYPTO_SECRET_BYTES] = {5};
	struct buf forged;

	EXPECT(t, room_init(&r) && room_init(&other));
	memcpy(some, r.shares, sizeof r.shares);
	some[1] = some[0];
	EXPECT(t, sealed_open(&r.s, some, NEEDED, &r.a, &plain, key, &r.why) == ST_REFUSED);
	EXPECT(t, strstr(r.why.text, "twice") != NULL);
	some[1] = other.shares[1];
	EXPECT(t, sealed_open(&r.s, some, NEEDED, &r.a, &plain, key, &r.why) == ST_REFUSED);
	EXPECT(t, strstr(r.why.text, "share 2: a share of another item") != NULL);
	some[1] = SLICE("dewline-share/1\nitem 00\nshare AA==\n");
	EXPECT(t, sealed_open(&r.s, some, NEEDED, &r.a, &plain, key, &r.why) == ST_INVALID);
	/* a reader who gives the others a wrong share */
	forged = buf_in(&r.a);
	buf_add(&forged, r.shares[1]);
	forged.ptr[forged.len - 10] = forged.ptr[forged.len - 10] == 'A' ? 'B' : 'A';
	some[1] = buf_slice(&forged);
	EXPECT(t, sealed_open(&r.s, some, NEEDED, &r.a, &plain, key, &r.why) == ST_REFUSED);
	EXPECT(t, strstr(r.why.text, "do not open it") != NULL);
	memcpy(some, r.shares, sizeof r.shares);
	some[READERS] = r.shares[0];
	EXPECT(t, sealed_open(&r.s, some, READERS + 1, &r.a, &plain, key, &r.why) == ST_REFUSED);
	EXPECT(t, sealed_open(&r.s, some, 0, &r.a, &plain, key, &r.why) == ST_REFUSED);
	EXPECT_UINT(t, key[0], 5);
	room_done(&r);
	room_done(&other);
}

static void what_cannot_be_sealed_is_refused(struct test *t)
{
	static struct room r;
	struct note_verifier twice[2], weak;
	uint8_t low[CRYPTO_KEY_BYTES] = {1};
	struct slice out, title = SLICE("t");
	uint8_t long_title[SEALED_TITLE_MAX + 1];

	EXPECT(t, room_init(&r));
	memset(long_title, 'x', sizeof long_title);
	EXPECT(t, sealed_make((struct slice){long_title, SEALED_TITLE_MAX}, PLAIN, r.keys, 1, 1,
			      NULL, &r.a, &out, &r.why) == ST_OK);
	EXPECT(t, sealed_make((struct slice){long_title, SEALED_TITLE_MAX + 1}, PLAIN, r.keys, 1, 1,
			      NULL, &r.a, &out, &r.why) == ST_INVALID);
	EXPECT(t,
	       sealed_make(SLICE(""), PLAIN, r.keys, 1, 1, NULL, &r.a, &out, &r.why) == ST_INVALID);
	EXPECT(t, sealed_make(SLICE("a\nb"), PLAIN, r.keys, 1, 1, NULL, &r.a, &out, &r.why) ==
			  ST_INVALID);
	EXPECT(t, sealed_make(SLICE("\xff"), PLAIN, r.keys, 1, 1, NULL, &r.a, &out, &r.why) ==
			  ST_INVALID);
	EXPECT(t, sealed_make(title, PLAIN, r.keys, 0, 0, NULL, &r.a, &out, &r.why) == ST_INVALID);
	EXPECT(t, sealed_make(title, PLAIN, r.keys, 2, 3, NULL, &r.a, &out, &r.why) == ST_INVALID);
	EXPECT(t, sealed_make(title, PLAIN, r.keys, 2, 0, NULL, &r.a, &out, &r.why) == ST_INVALID);
	twice[0] = twice[1] = r.keys[0];
	EXPECT(t, sealed_make(title, PLAIN, twice, 2, 1, NULL, &r.a, &out, &r.why) == ST_INVALID);
	EXPECT(t, note_verifier_of(SLICE("w"), NOTE_ED25519, low, &weak, &r.why) == ST_OK);
	EXPECT(t, sealed_make(title, PLAIN, &weak, 1, 1, NULL, &r.a, &out, &r.why) == ST_INVALID);
	EXPECT(t, strstr(r.why.text, "written to under the key of w") != NULL);
	EXPECT(t, sealed_make(title, (struct slice){low, SEALED_PLAIN_MAX + 1}, r.keys, 1, 1, NULL,
			      &r.a, &out, &r.why) == ST_LIMIT);
	/* nothing can be sealed, too */
	EXPECT(t, sealed_make(title, SLICE(""), r.keys, 1, 1, NULL, &r.a, &out, &r.why) == ST_OK);
	EXPECT(t, sealed_parse(out, &r.a, &r.s, &r.why) == ST_OK);
	room_done(&r);
}

static struct slice review(struct room *r, const struct crypto_signer *who, enum sealed_finding f,
			   uint64_t at)
{
	struct slice out = {NULL, 0};

	ASSERT(sealed_review(&r->s, who, r->key, f, at, &r->a, &out, &r->why) == ST_OK);
	return out;
}

static void reviews_are_counted_by_reader_and_the_latest_counts(struct test *t)
{
	static struct room r;
	struct sealed_tally tally;
	struct slice reviews[9];

	EXPECT(t, room_init(&r));
	reviews[0] = review(&r, &r.who[0], SEALED_CONCURS, NOW);
	reviews[1] = review(&r, &r.who[1], SEALED_WITHDRAWN, NOW + 9);
	reviews[2] = review(&r, &r.who[1], SEALED_CONCURS, NOW); /* earlier, in whatever order */
	reviews[3] = review(&r, &r.who[2], SEALED_CONCURS, NOW);
	reviews[4] = review(&r, &r.who[2], SEALED_DIFFERS, NOW + 1);
	reviews[5] = review(&r, &r.who[3], SEALED_CONCURS, NOW);
	reviews[6] = review(&r, &r.who[3], SEALED_DIFFERS, NOW);
	reviews[7] = reviews[0]; /* the same again is nothing new */
	EXPECT(t, sealed_tally(&r.s, reviews, 8, r.key, &r.a, &tally, &r.why) == ST_OK);
	EXPECT_UINT(t, tally.refused, 0);
	EXPECT(t, tally.of[0] == SEALED_CONCURS && tally.of[1] == SEALED_WITHDRAWN &&
			  tally.of[2] == SEALED_DIFFERS && tally.of[3] == SEALED_TORN &&
			  tally.of[4] == SEALED_SILENT);
	for (unsigned f = 0; f < SEALED_FINDINGS; f++)
		EXPECT_UINT(t, tally.counts[f], 1);
	EXPECT(t, sealed_tally(&r.s, NULL, 0, NULL, &r.a, &tally, &r.why) == ST_OK);
	EXPECT_UINT(t, tally.counts[SEALED_SILENT], READERS);
	room_done(&r);
}

static void forged_reviews_are_not_counted(struct test *t)
{
	static struct room r, other;
	static const uint8_t guessed[CRYPTO_SECRET_BYTES] = {1};
	struct sealed_tally tally;
	struct slice one, blind = {NULL, 0};
	uint8_t *bytes;

	EXPECT(t, room_init(&r) && room_init(&other));
	/* any changed byte; a stranger; another item; not having opened it; nonsense; too long */
	one = review(&r, &r.who[0], SEALED_CONCURS, NOW);
	bytes = ARENA_ARRAY(&r.a, uint8_t, one.len);
	EXPECT(t, bytes != NULL);
	memcpy(bytes, one.ptr, one.len);
	for (size_t i = 0; i < one.len; i++) {
		struct slice changed = {bytes, one.len};

		bytes[i] ^= 1;
		EXPECT(t, sealed_tally(&r.s, &changed, 1, NULL, &r.a, &tally, &r.why) == ST_OK);
		EXPECT(t, tally.refused == 1 && tally.counts[SEALED_SILENT] == READERS);
		EXPECT(t, tally.first.text[0] != 0);
		bytes[i] ^= 1;
	}
	EXPECT(t, sealed_review(&r.s, &r.stranger, r.key, SEALED_CONCURS, NOW, &r.a, &one,
				&r.why) == ST_REFUSED);
	one = review(&other, &other.who[0], SEALED_CONCURS, NOW);
	EXPECT(t, sealed_tally(&r.s, &one, 1, NULL, &r.a, &tally, &r.why) == ST_OK);
	EXPECT_UINT(t, tally.refused, 1);
	EXPECT(t, sealed_review(&r.s, &r.who[0], guessed, SEALED_CONCURS, NOW, &r.a, &blind,
				&r.why) == ST_OK);
	EXPECT(t, sealed_tally(&r.s, &blind, 1, NULL, &r.a, &tally, &r.why) == ST_OK);
	EXPECT_UINT(t, tally.refused, 0); /* only claimed: who has no key cannot tell */
	EXPECT(t, sealed_tally(&r.s, &blind, 1, r.key, &r.a, &tally, &r.why) == ST_OK);
	EXPECT(t, tally.refused == 1 && strstr(tally.first.text, "a.test did not open") != NULL);
	one = SLICE("concur");
	EXPECT(t, sealed_tally(&r.s, &one, 1, NULL, &r.a, &tally, &r.why) == ST_OK);
	EXPECT_UINT(t, tally.refused, 1);
	room_done(&r);
	room_done(&other);
}

/* A note that two readers signed is nobody's review: whose finding would it be? */
static void a_review_has_one_signature(struct test *t)
{
	static struct room r;
	struct sealed_tally tally;
	struct slice one, text;
	struct buf two;

	EXPECT(t, room_init(&r));
	one = review(&r, &r.who[0], SEALED_CONCURS, NOW);
	text = slice_part(one, 0, slice_find(one, SLICE("\n\n")) + 1);
	two = buf_in(&r.a);
	buf_add(&two, one);
	note_sign(text, &r.keys[1], &r.who[1], 0, &two);
	one = buf_slice(&two);
	EXPECT(t, sealed_tally(&r.s, &one, 1, NULL, &r.a, &tally, &r.why) == ST_OK);
	EXPECT(t, tally.refused == 1 && strstr(tally.first.text, "one signature, not 2") != NULL);
	room_done(&r);
}

static void every_allocation_may_fail(struct test *t)
{
	static struct room r;
	enum status st = ST_NOMEM;
	struct slice reviews[1];

	EXPECT(t, room_init(&r));
	reviews[0] = review(&r, &r.who[0], SEALED_CONCURS, NOW);
	for (size_t after = 1; st != ST_OK; after++) {
		struct arena_pool pool = {.budget = 1 << 20, .fail_after = after};
		struct arena a = {.pool = &pool};
		uint8_t key[CRYPTO_SECRET_BYTES];
		struct sealed_tally tally;
		struct slice text, share[1], plain;
		struct sealed s;

		EXPECT(t, after < 300);
		st = sealed_make(SLICE("t"), PLAIN, r.keys, 2, 1, NULL, &a, &text, &r.why);
		if (st == ST_OK)
			st = sealed_parse(text, &a, &s, &r.why);
		if (st == ST_OK)
			st = sealed_share(&s, &r.who[0], &a, share, &r.why);
		if (st == ST_OK)
			st = sealed_open(&s, share, 1, &a, &plain, key, &r.why);
		if (st == ST_OK)
			st = sealed_review(&s, &r.who[0], key, SEALED_CONCURS, NOW, &a, &plain,
					   &r.why);
		if (st == ST_OK)
			st = sealed_tally(&r.s, reviews, 1, r.key, &a, &tally, &r.why);
		EXPECT(t, st == ST_OK || st == ST_NOMEM);
		arena_reset(&a);
		EXPECT_UINT(t, pool.out, 0);
		arena_pool_drain(&pool);
	}
	room_done(&r);
}

TESTS(T(any_k_readers_open_it_and_fewer_do_not), T(a_letter_is_for_its_reader),
      T(any_changed_byte_of_an_item_is_noticed),
      T(shares_that_do_not_fit_are_refused_each_with_its_reason),
      T(what_cannot_be_sealed_is_refused), T(reviews_are_counted_by_reader_and_the_latest_counts),
      T(forged_reviews_are_not_counted), T(a_review_has_one_signature),
      T(every_allocation_may_fail))
