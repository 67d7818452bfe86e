/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/merkle/merkle.h"
#include "test.h"

#define ROOT "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

static void what_is_written_is_read_back(struct test *t)
{
	struct arena_pool pool = {.budget = 1 << 20};
	struct arena a = {.pool = &pool};
	struct buf b = buf_in(&a);
	struct merkle_checkpoint c = {.origin = SLICE("log.example/a"), .size = INT64_MAX}, d;
	struct fail why;

	merkle_empty(c.root);
	merkle_checkpoint_add(&c, &b);
	EXPECT_SLICE(t, buf_slice(&b), SLICE("log.example/a\n9223372036854775807\n" ROOT "\n"));
	EXPECT(t, merkle_checkpoint_parse(buf_slice(&b), &d, &why) == ST_OK);
	EXPECT_SLICE(t, d.origin, c.origin);
	EXPECT(t, d.size == c.size && memcmp(d.root, c.root, sizeof d.root) == 0);
	EXPECT(t, merkle_checkpoint_parse(SLICE("a\n0\n" ROOT "\nextension\n"), &d, &why) == ST_OK);
	EXPECT_UINT(t, d.size, 0);
	arena_reset(&a);
	arena_pool_drain(&pool);
}

static void malformed_checkpoints_are_refused(struct test *t)
{
	static const char *const bad[] = {
		"",
		"\n",
		"a\n1\n" ROOT,
		"\n1\n" ROOT "\n",
		"a\n01\n" ROOT "\n",
		"a\n\n" ROOT "\n",
		"a\n+1\n" ROOT "\n",
		"a\n-1\n" ROOT "\n",
		"a\n0x1\n" ROOT "\n",
		"a\n1 \n" ROOT "\n",
		"a\n9223372036854775808\n" ROOT "\n",
		"a\n1\n47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU\n",
		"a\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuA==\n",
		"a\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFUA\n",
		"a\n1\n",
		"a\n1\n" ROOT "\n\n",
		"a\n1\n" ROOT "\nx\n\ny\n",
	};
	struct merkle_checkpoint c;
	struct fail why;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		EXPECT(t, merkle_checkpoint_parse(slice_of(bad[i]), &c, &why) == ST_INVALID);
}

static void a_checkpoint_is_signed_by_its_own_log(struct test *t)
{
	struct arena_pool pool = {.budget = 1 << 20};
	struct arena a = {.pool = &pool};
	struct crypto_signer s, other;
	struct note_verifier log, stranger;
	struct merkle_checkpoint c;
	struct fail why;
	const struct slice mine = SLICE("log.example/a\n0\n" ROOT "\n");
	const struct slice foreign = SLICE("log.example/b\n0\n" ROOT "\n");
	struct buf b = buf_in(&a);

	crypto_signer_new(&s);
	crypto_signer_new(&other);
	EXPECT(t,
	       note_verifier_of(SLICE("log.example/a"), NOTE_ED25519, s.key, &log, &why) == ST_OK);
	EXPECT(t, note_verifier_of(SLICE("log.example/a"), NOTE_ED25519, other.key, &stranger,
				   &why) == ST_OK);
	EXPECT(t, note_write(mine, &b, &why) == ST_OK);
	note_sign(mine, &log, &s, 0, &b);
	EXPECT(t, merkle_checkpoint_open(buf_slice(&b), &log, &a, &c, &why) == ST_OK);
	EXPECT(t, merkle_checkpoint_open(buf_slice(&b), &stranger, &a, &c, &why) == ST_REFUSED);
	b = buf_in(&a);
	EXPECT(t, note_write(foreign, &b, &why) == ST_OK);
	note_sign(foreign, &log, &s, 0, &b);
	EXPECT(t, merkle_checkpoint_open(buf_slice(&b), &log, &a, &c, &why) == ST_REFUSED);
	b = buf_in(&a);
	EXPECT(t, note_write(SLICE("no checkpoint\n"), &b, &why) == ST_OK);
	note_sign(SLICE("no checkpoint\n"), &log, &s, 0, &b);
	EXPECT(t, merkle_checkpoint_open(buf_slice(&b), &log, &a, &c, &why) == ST_INVALID);
	EXPECT(t, merkle_checkpoint_open(mine, &log, &a, &c, &why) == ST_INVALID);
	arena_reset(&a);
	arena_pool_drain(&pool);
}

TESTS(T(what_is_written_is_read_back), T(malformed_checkpoints_are_refused),
      T(a_checkpoint_is_signed_by_its_own_log))
