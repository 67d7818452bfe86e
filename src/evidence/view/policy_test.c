/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/view/view.h"

#include "test.h"

enum { KEYS = 9 };

/* A log ("log.test/a") and eight witnesses ("w1" to "w8"), and checkpoints that they sign. */
struct room {
	struct arena_pool pool;
	struct arena a;
	struct fail why;
	struct crypto_signer signer[KEYS];
	struct note_verifier key[KEYS];
	struct slice vkey[KEYS];
};

static bool room_init(struct room *r)
{
	*r = (struct room){.pool = {.budget = 64 << 20}};
	r->a.pool = &r->pool;
	for (unsigned i = 0; i < KEYS; i++) {
		uint8_t seed[CRYPTO_SEED_BYTES] = {7, (uint8_t)i};
		struct buf b = buf_in(&r->a);
		struct slice name =
			i == 0 ? SLICE("log.test/a") : buf_text(&r->a, "witness.test/%u", i);

		crypto_signer_from_seed(seed, &r->signer[i]);
		if (note_verifier_of(name, i == 0 ? NOTE_ED25519 : NOTE_COSIGNATURE,
				     r->signer[i].key, &r->key[i], &r->why) != ST_OK)
			return false;
		note_verifier_add(&r->key[i], &b);
		r->vkey[i] = buf_slice(&b);
	}
	return true;
}

static void room_done(struct room *r)
{
	arena_reset(&r->a);
	arena_pool_drain(&r->pool);
}

/* A checkpoint of `size` leaves, signed by those whose bit is set. */
static struct slice checkpoint(struct room *r, uint64_t size, unsigned signers)
{
	struct merkle_checkpoint c = {.origin = SLICE("log.test/a"), .size = size};
	struct buf text = buf_in(&r->a), note = buf_in(&r->a);

	c.root[0] = (uint8_t)size;
	merkle_checkpoint_add(&c, &text);
	if (note_write(buf_slice(&text), &note, &r->why) != ST_OK)
		return (struct slice){NULL, 0};
	for (unsigned i = 0; i < KEYS; i++)
		if ((signers >> i & 1) != 0)
			note_sign(buf_slice(&text), &r->key[i], &r->signer[i], 1234, &note);
	return buf_slice(&note);
}

/* %K is the key of the log, %1 to %8 those of witnesses. */
static struct slice text_of(struct room *r, const char *form)
{
	struct buf b = buf_in(&r->a);

	for (const char *p = form; *p != '\0'; p++) {
		if (*p != '%') {
			buf_add_byte(&b, (uint8_t)*p);
			continue;
		}
		p++;
		buf_add(&b, r->vkey[*p == 'K' ? 0 : *p - '0']);
	}
	return buf_slice(&b);
}

/* The form of the specification's example: two of three and any of three, then both. */
static const char both[] = "# a policy\n"
			   "log %K https://log.test/a\n"
			   "\n"
			   "  witness X1 %1 https://w1.test/\n"
			   "witness\tX2 \t%2\n"
			   "witness X3 %3\n"
			   "group X 2 X1 X2 X3\n"
			   "witness Y1 %4\n"
			   "witness Y2 %5\n"
			   "witness Y3 %6\n"
			   "group Y any Y1 Y2 Y3\n"
			   "\t# all of them\n"
			   "group X-and-Y all X Y\n"
			   "quorum X-and-Y\n"
			   "witness later %7";

static void a_quorum_is_met_by_exactly_those_who_meet_it(struct test *t)
{
	struct room r;
	struct view_policy p;

	EXPECT(t, room_init(&r));
	EXPECT(t, view_policy_parse(text_of(&r, both), &r.a, &p, &r.why) == ST_OK);
	EXPECT(t, p.log_count == 1 && p.name_count == 10);
	EXPECT_SLICE(t, p.logs[0].url, SLICE("https://log.test/a"));
	EXPECT_SLICE(t, p.names[0].url, SLICE("https://w1.test/"));
	for (unsigned who = 0; who < 128; who++) {
		struct merkle_checkpoint c;
		size_t cosigned = 99;
		unsigned x = (who & 1) + (who >> 1 & 1) + (who >> 2 & 1);
		bool met = x >= 2 && (who >> 3 & 7) != 0;
		enum status st = view_policy_open(&p, checkpoint(&r, 9, who << 1 | 1), &r.a, &c,
						  NULL, &cosigned, &r.why);

		EXPECT(t, st == (met ? ST_OK : ST_REFUSED));
		if (met) {
			EXPECT_UINT(t, c.size, 9);
			EXPECT_UINT(t, cosigned, (unsigned)__builtin_popcount(who));
		} else {
			EXPECT(t, strstr(r.why.text, "X-and-Y") != NULL);
		}
	}
	room_done(&r);
}

static void other_quorums(struct test *t)
{
	static const struct {
		const char *text;
		unsigned signers;
		enum status want;
	} cases[] = {
		{"log %K\nquorum none\n", 1, ST_OK},
		{"log %K\nquorum none", 1, ST_OK},
		{"log %K\nquorum none\n", 2, ST_REFUSED},
		{"quorum none\n", 1, ST_REFUSED},
		{"log %K\nwitness a %1\nquorum a\n", 3, ST_OK},
		{"log %K\nwitness a %1\nquorum a\n", 1, ST_REFUSED},
		{"log %K\nwitness a %1\nquorum a\n", 5, ST_REFUSED}, /* a stranger cosigned */
		{"log %K\nwitness a %1\nwitness b %2\ngroup g 2 a b\nquorum g\n", 7, ST_OK},
		{"log %K\nwitness a %1\nwitness b %2\ngroup g 1 a b\nquorum g\n", 5, ST_OK},
		{"log %K\nwitness a %1\nquorum none\nwitness b %2\n", 2, ST_REFUSED},
		/* cosigned by all, and not signed by the log */
		{"log %K\nwitness a %1\nquorum a\n", 2, ST_REFUSED},
	};
	struct room r;

	EXPECT(t, room_init(&r));
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct view_policy p;
		struct merkle_checkpoint c;

		EXPECT(t, view_policy_parse(text_of(&r, cases[i].text), &r.a, &p, &r.why) == ST_OK);
		EXPECT_UINT(t,
			    view_policy_open(&p, checkpoint(&r, 3, cases[i].signers), &r.a, &c,
					     NULL, NULL, &r.why),
			    cases[i].want);
	}
	room_done(&r);
}

static void what_is_wrong_is_said_with_its_line(struct test *t)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"", "no quorum line"},
		{"log %K\n", "no quorum line"},
		{"quorum none\nquorum none\n", "line 2: a second"},
		{"quorum x\n", "line 1: \"x\" is not defined"},
		{"\nsome thing\n", "line 2: \"some\""},
		{"log\nquorum none\n", "line 1: expected: log"},
		{"log %K a b\nquorum none\n", "line 1: expected: log"},
		{"log %1\nquorum none\n", "line 1: a key of type 4"},
		{"log %K\nlog %K\nquorum none\n", "line 2: the same key"},
		{"witness a %K\nquorum a\n", "line 1: a key of type 1"},
		{"witness a\nquorum a\n", "line 1: expected: witness"},
		{"witness a %1 u x\nquorum a\n", "line 1: expected: witness"},
		{"witness a %1\nwitness b %1\nquorum a\n", "line 2: the same key is that of \"a\""},
		{"witness a %1\nwitness a %2\nquorum a\n", "line 2: \"a\" is defined twice"},
		{"witness none %1\nquorum none\n", "line 1: \"none\" cannot"},
		{"witness a %1\ngroup a 1 a\nquorum a\n", "line 2: \"a\" is defined twice"},
		{"witness a %1\ngroup g 0 a\nquorum g\n", "line 2: \"0\" of 1 members"},
		{"witness a %1\ngroup g 2 a\nquorum g\n", "line 2: \"2\" of 1 members"},
		{"witness a %1\ngroup g 01 a\nquorum g\n", "line 2: \"01\" of 1"},
		{"witness a %1\ngroup g most a\nquorum g\n", "line 2: \"most\" of 1"},
		{"witness a %1\ngroup g 1\nquorum g\n", "line 2: expected: group"},
		{"witness a %1\ngroup g any a a\nquorum g\n", "line 2: \"a\" is a member already"},
		{"witness a %1\ngroup g any a\ngroup h any a\nquorum h\n",
		 "line 3: \"a\" is a mem"},
		{"witness a %1\ngroup g any a none\nquorum g\n", "line 2: \"none\" is not defined"},
		{"group g any g\nquorum g\n", "line 1: \"g\" is not defined"},
		{"log %K\r\nquorum none\n", "control characters"},
		{"log not+a+key\nquorum none\n", "line 1: not a verifier key"},
	};
	struct room r;

	EXPECT(t, room_init(&r));
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct view_policy p;

		EXPECT(t, view_policy_parse(text_of(&r, cases[i].text), &r.a, &p, &r.why) ==
				  ST_INVALID);
		if (strstr(r.why.text, cases[i].says) == NULL)
			test_fail(t, __FILE__, __LINE__, "%s: %s", cases[i].says, r.why.text);
	}
	room_done(&r);
}

/* Names and groups up to the limit, and one more. */
static void a_policy_has_a_largest_size(struct test *t)
{
	struct room r;

	EXPECT(t, room_init(&r));
	for (unsigned n = VIEW_NAMES_MAX - 1; n <= VIEW_NAMES_MAX + 1; n++) {
		struct buf b = buf_in(&r.a);
		struct view_policy p;
		enum status st;

		buf_add(&b, text_of(&r, "log %K\nwitness n1 %1\n"));
		for (unsigned i = 2; i <= n; i++)
			buf_add_fmt(&b, "group n%u all n%u\n", i, i - 1);
		buf_add_fmt(&b, "quorum n%u\n", n);
		st = view_policy_parse(buf_slice(&b), &r.a, &p, &r.why);
		EXPECT(t, st == (n <= VIEW_NAMES_MAX ? ST_OK : ST_LIMIT));
		if (st == ST_OK) {
			struct merkle_checkpoint c;

			EXPECT(t, view_policy_open(&p, checkpoint(&r, 1, 3), &r.a, &c, NULL, NULL,
						   &r.why) == ST_OK);
			EXPECT(t, view_policy_open(&p, checkpoint(&r, 1, 1), &r.a, &c, NULL, NULL,
						   &r.why) == ST_REFUSED);
		}
	}
	room_done(&r);
}

static void a_wrong_cosignature_refuses_the_checkpoint(struct test *t)
{
	struct room r;
	struct view_policy p;
	struct merkle_checkpoint c;
	struct buf note;
	struct slice good, other;

	EXPECT(t, room_init(&r));
	EXPECT(t, view_policy_parse(text_of(&r, "log %K\nwitness a %1\nwitness b %2\n"
						"group g any a b\nquorum g\n"),
				    &r.a, &p, &r.why) == ST_OK);
	/* b's line is that of another checkpoint; a's would do */
	good = checkpoint(&r, 5, 3);
	other = checkpoint(&r, 6, 4);
	note = buf_in(&r.a);
	buf_add(&note, good);
	buf_add(&note, slice_from(other, slice_find(other, SLICE("\n\n")) + 2));
	EXPECT(t, view_policy_open(&p, good, &r.a, &c, NULL, NULL, &r.why) == ST_OK);
	EXPECT(t,
	       view_policy_open(&p, buf_slice(&note), &r.a, &c, NULL, NULL, &r.why) == ST_REFUSED);
	EXPECT(t, strstr(r.why.text, "witness.test/2") != NULL);
	room_done(&r);
}

static void every_allocation_may_fail(struct test *t)
{
	enum status st = ST_NOMEM;

	for (size_t after = 1; st != ST_OK; after++) {
		struct arena_pool pool = {.budget = 1 << 20, .fail_after = after};
		struct arena a = {.pool = &pool};
		struct merkle_checkpoint c;
		struct view_policy p;
		struct room r;
		struct slice note;

		EXPECT(t, room_init(&r) && after < 200);
		note = checkpoint(&r, 9, 0xff);
		st = view_policy_parse(text_of(&r, both), &a, &p, &r.why);
		if (st == ST_OK)
			st = view_policy_open(&p, note, &a, &c, NULL, NULL, &r.why);
		EXPECT(t, st == ST_OK || st == ST_NOMEM);
		arena_reset(&a);
		EXPECT_UINT(t, pool.out, 0);
		arena_pool_drain(&pool);
		room_done(&r);
	}
}

/* A verifier key of type 6 (ML-DSA-44): 1,312 bytes after the type. */
static struct slice reserved(struct room *r, const char *name, uint8_t fill, bool id_ok, size_t len)
{
	uint8_t *raw = ARENA_ARRAY(&r->a, uint8_t, 1 + len), hash[CRYPTO_SHA256_BYTES];
	struct buf b = buf_in(&r->a);
	struct crypto_sha256 s;

	ASSERT(raw != NULL);
	memset(raw, fill, 1 + len);
	raw[0] = NOTE_COSIGNATURE_MLDSA44;
	crypto_sha256_init(&s);
	crypto_sha256_add(&s, slice_of(name));
	crypto_sha256_add(&s, SLICE("\n"));
	crypto_sha256_add(&s, (struct slice){raw, 1 + len});
	crypto_sha256_end(&s, hash);
	hash[0] ^= id_ok ? 0 : 1;
	buf_add_fmt(&b, "%s+", name);
	crypto_hex_add((struct slice){hash, NOTE_ID_BYTES}, &b);
	buf_add_byte(&b, '+');
	crypto_base64_add(CRYPTO_BASE64, (struct slice){raw, 1 + len}, &b);
	return buf_slice(&b);
}

static void a_witness_of_a_type_that_is_only_reserved_never_counts(struct test *t)
{
	static const struct {
		const char *need;
		bool ok;
	} rows[] = {{"any", true}, {"1", true}, {"2", false}, {"all", false}};
	struct merkle_checkpoint c;
	struct view_policy p;
	struct room r;
	struct slice pq;
	size_t cosigned;

	EXPECT(t, room_init(&r));
	pq = reserved(&r, "pq.test/w", 7, true, 1312);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct slice text = buf_text(
			&r.a,
			"log %.*s\nwitness q %.*s\nwitness w %.*s\ngroup g %s q w\nquorum g\n",
			SLICE_ARG(r.vkey[0]), SLICE_ARG(pq), SLICE_ARG(r.vkey[1]), rows[i].need);

		EXPECT(t, view_policy_parse(text, &r.a, &p, &r.why) == ST_OK);
		EXPECT(t, p.names[0].key.type == NOTE_COSIGNATURE_MLDSA44);
		EXPECT_SLICE(t, p.names[0].key.name, SLICE("pq.test/w"));
		EXPECT(t, (view_policy_open(&p, checkpoint(&r, 9, 3), &r.a, &c, NULL, &cosigned,
					    &r.why) == ST_OK) == rows[i].ok);
		EXPECT(t, !rows[i].ok || cosigned == 1);
	}
	/* the same key twice, under another name too; no such key; a log of that type */
	EXPECT(t, view_policy_parse(buf_text(&r.a, "witness q %.*s\nwitness w %.*s\nquorum none\n",
					     SLICE_ARG(pq),
					     SLICE_ARG(reserved(&r, "pq.test/v", 7, true, 1312))),
				    &r.a, &p, &r.why) == ST_INVALID);
	EXPECT(t, view_policy_parse(buf_text(&r.a, "witness q %.*s\nwitness w %.*s\nquorum none\n",
					     SLICE_ARG(pq),
					     SLICE_ARG(reserved(&r, "pq.test/v", 8, true, 1312))),
				    &r.a, &p, &r.why) == ST_OK);
	EXPECT(t, view_policy_parse(buf_text(&r.a, "witness q %.*s\nquorum none\n",
					     SLICE_ARG(reserved(&r, "a.test/b", 7, false, 1312))),
				    &r.a, &p, &r.why) == ST_INVALID);
	for (size_t len = 1311; len <= 1313; len += 2)
		EXPECT(t, view_policy_parse(
				  buf_text(&r.a, "witness q %.*s\nquorum none\n",
					   SLICE_ARG(reserved(&r, "a.test/b", 7, true, len))),
				  &r.a, &p, &r.why) == ST_INVALID);
	EXPECT(t, view_policy_parse(buf_text(&r.a, "log %.*s\nquorum none\n", SLICE_ARG(pq)), &r.a,
				    &p, &r.why) == ST_INVALID);
	room_done(&r);
}

TESTS(T(a_witness_of_a_type_that_is_only_reserved_never_counts),
      T(a_quorum_is_met_by_exactly_those_who_meet_it), T(other_quorums),
      T(what_is_wrong_is_said_with_its_line), T(a_policy_has_a_largest_size),
      T(a_wrong_cosignature_refuses_the_checkpoint), T(every_allocation_may_fail))
