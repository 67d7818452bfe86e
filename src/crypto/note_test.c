/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/note.h"
#include "test.h"

/* The example that C2SP's signed-note prints. */
#define EXAMPLE_KEY SLICE("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")
#define EXAMPLE_TEXT "This is an example message.\n"
#define EXAMPLE_LINE                                                                               \
	"\xe2\x80\x94 example.com/foo "                                                            \
	"Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72Iney" \
	"a"                                                                                        \
	"QM=\n"
#define EXAMPLE SLICE(EXAMPLE_TEXT "\n" EXAMPLE_LINE)

struct room {
	struct arena_pool pool;
	struct arena a;
	struct fail why;
};

static void room_init(struct room *r)
{
	*r = (struct room){.pool = {.budget = 8 << 20}};
	r->a.pool = &r->pool;
}

static void room_done(struct room *r)
{
	arena_reset(&r->a);
	arena_pool_drain(&r->pool);
}

static struct note_verifier verifier(struct test *t, const char *name, enum note_type type,
				     struct crypto_signer *s)
{
	struct note_verifier v = {0};
	struct fail why;

	crypto_signer_new(s);
	if (note_verifier_of(slice_of(name), type, s->key, &v, &why) != ST_OK)
		test_fail(t, __FILE__, __LINE__, "%s", why.text);
	return v;
}

static void the_specification_s_example_verifies(struct test *t)
{
	struct room r;
	struct note_verifier v;
	struct note note;
	struct buf b;
	bool good = false;

	room_init(&r);
	b = buf_in(&r.a);
	EXPECT(t, note_verifier_parse(EXAMPLE_KEY, &v, &r.why) == ST_OK);
	EXPECT_SLICE(t, v.name, SLICE("example.com/foo"));
	note_verifier_add(&v, &b);
	EXPECT_SLICE(t, buf_slice(&b), EXAMPLE_KEY);
	EXPECT(t, note_parse(EXAMPLE, &r.a, &note, &r.why) == ST_OK);
	EXPECT_SLICE(t, note.text, SLICE(EXAMPLE_TEXT));
	EXPECT_UINT(t, note.count, 1);
	EXPECT(t, note_verify(&note, &v, 1, &good, &r.a, &r.why) == ST_OK && good);
	room_done(&r);
}

static void unknown_keys_are_ignored_and_known_ones_must_be_right(struct test *t)
{
	struct room r;
	struct crypto_signer sa, sb, sc;
	struct note_verifier known[3];
	struct note note;
	struct buf b;
	bool good[3];
	const struct slice text = SLICE("origin\n7\nhash\n\nparagraph after an empty line\n");

	room_init(&r);
	known[0] = verifier(t, "log.example/a", NOTE_ED25519, &sa);
	known[1] = verifier(t, "witness.example", NOTE_COSIGNATURE, &sb);
	known[2] = verifier(t, "log.example/other", NOTE_ED25519, &sc);
	b = buf_in(&r.a);
	EXPECT(t, note_write(text, &b, &r.why) == ST_OK);
	note_sign(text, &known[0], &sa, 0, &b);
	note_sign(text, &known[1], &sb, 1795316645, &b);
	EXPECT(t, !b.full && note_parse(buf_slice(&b), &r.a, &note, &r.why) == ST_OK);
	EXPECT_SLICE(t, note.text, text);
	EXPECT_UINT(t, note.count, 2);
	EXPECT(t, note_verify(&note, known, 3, good, &r.a, &r.why) == ST_OK);
	EXPECT(t, good[0] && good[1] && !good[2]);
	EXPECT(t, note_verify(&note, known, 1, good, &r.a, &r.why) == ST_OK && good[0]);
	EXPECT(t, note_verify(&note, known + 2, 1, good, &r.a, &r.why) == ST_REFUSED && !good[0]);
	EXPECT(t, note_verify(&note, NULL, 0, NULL, &r.a, &r.why) == ST_REFUSED);

	note.signatures[1].bytes[7] ^= 1; /* the cosignature's time */
	EXPECT(t, note_verify(&note, known, 1, NULL, &r.a, &r.why) == ST_OK);
	EXPECT(t, note_verify(&note, known, 3, NULL, &r.a, &r.why) == ST_REFUSED);
	EXPECT(t, strstr(r.why.text, "witness.example") != NULL);
	note.signatures[1].bytes[7] ^= 1;
	note.signatures[1].bytes[0] |= 0x80; /* a time past 2^63 */
	EXPECT(t, note_verify(&note, known, 3, NULL, &r.a, &r.why) == ST_REFUSED);
	note.signatures[1].bytes[0] = 0;
	note.signatures[0].len--;
	EXPECT(t, note_verify(&note, known, 1, NULL, &r.a, &r.why) == ST_REFUSED);
	room_done(&r);
}

static void malformed_notes_are_refused(struct test *t)
{
	static const struct slice bad[] = {
		{(const uint8_t *)"", 0},
		SLICE(EXAMPLE_TEXT),
		SLICE(EXAMPLE_TEXT "\n"),
		SLICE("\n" EXAMPLE_LINE),
		SLICE(EXAMPLE_TEXT "\n" EXAMPLE_LINE "x"),
		SLICE(EXAMPLE_TEXT "\r\n" EXAMPLE_LINE),
		SLICE("a\tb\n\n" EXAMPLE_LINE),
		SLICE("a\xff\n\n" EXAMPLE_LINE),
		SLICE("a\0\n\n" EXAMPLE_LINE),
		SLICE(EXAMPLE_TEXT "\n- example.com/foo Uw2QOkn8srV1\n"),
		SLICE(EXAMPLE_TEXT "\n\xe2\x80\x94 a+b Uw2QOkn8srV1\n"),
		SLICE(EXAMPLE_TEXT "\n\xe2\x80\x94 a Uw2QOg==\n"),
		SLICE(EXAMPLE_TEXT "\n\xe2\x80\x94 a Uw2QOkn8srV\n"),
		SLICE(EXAMPLE_TEXT "\n\xe2\x80\x94 a\n"),
		SLICE(EXAMPLE_TEXT "\n\xe2\x80\x94  Uw2QOkn8srV1\n"),
	};
	struct room r;
	struct note note;

	room_init(&r);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		EXPECT(t, note_parse(bad[i], &r.a, &note, &r.why) == ST_INVALID);
	room_done(&r);
}

static void a_note_holds_a_hundred_signatures(struct test *t)
{
	struct room r;
	struct note note;
	struct buf b;

	room_init(&r);
	b = buf_in(&r.a);
	buf_add(&b, SLICE(EXAMPLE_TEXT "\n"));
	for (int i = 0; i < NOTE_SIGNATURES_MAX; i++)
		buf_add(&b, SLICE(EXAMPLE_LINE));
	EXPECT(t, note_parse(buf_slice(&b), &r.a, &note, &r.why) == ST_OK);
	EXPECT_UINT(t, note.count, NOTE_SIGNATURES_MAX);
	buf_add(&b, SLICE(EXAMPLE_LINE));
	EXPECT(t, note_parse(buf_slice(&b), &r.a, &note, &r.why) == ST_LIMIT);
	room_done(&r);
}

static void long_signatures_belong_to_keys_we_do_not_know(struct test *t)
{
	struct room r;
	struct note_verifier v;
	struct note note;
	struct buf b;
	uint8_t raw[NOTE_ID_BYTES + NOTE_SIGNATURE_MAX + 1] = {0x53, 0x0d, 0x90, 0x3a};

	room_init(&r);
	b = buf_in(&r.a);
	EXPECT(t, note_verifier_parse(EXAMPLE_KEY, &v, &r.why) == ST_OK);
	buf_add(&b, SLICE(EXAMPLE_TEXT "\n\xe2\x80\x94 example.com/bar "));
	crypto_base64_add(CRYPTO_BASE64, (struct slice){raw, sizeof raw}, &b);
	buf_add(&b, SLICE("\n" EXAMPLE_LINE));
	EXPECT(t, note_parse(buf_slice(&b), &r.a, &note, &r.why) == ST_OK);
	EXPECT_UINT(t, note.signatures[0].len, 0);
	EXPECT(t, note_verify(&note, &v, 1, NULL, &r.a, &r.why) == ST_OK);
	room_done(&r);
}

static void verifier_keys_are_checked(struct test *t)
{
	static const struct slice bad[] = {
		SLICE(""),
		SLICE("example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"),
		SLICE("example.com/fop+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"),
		SLICE("example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"),
		SLICE("example.com/foo+530d903a+BukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"),
		SLICE("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2"),
		SLICE("example.com/foo+530d903a"),
		SLICE("+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"),
		SLICE("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k\n"),
	};
	struct fail why;
	struct note_verifier v, w;
	uint8_t key[32] = {1};
	static const char *const names[] = {"",	    "a b",  "a+b",   "a\xc2\xa0",   "\xe2\x80\x83",
					    "\xff", "a\nb", "a\x7f", "\xe3\x80\x80"};

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		EXPECT(t, note_verifier_parse(bad[i], &v, &why) == ST_INVALID);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		EXPECT(t, note_verifier_of(slice_of(names[i]), NOTE_ED25519, key, &v, &why) ==
				  ST_INVALID);
	EXPECT(t,
	       note_verifier_of(SLICE("\xc3\xa9t\xc3\xa9"), NOTE_ED25519, key, &v, &why) == ST_OK);
	w = v;
	EXPECT(t, note_verifier_equal(&v, &w));
	w.key[31] ^= 1;
	EXPECT(t, !note_verifier_equal(&v, &w));
}

static void names_have_a_longest_length(struct test *t)
{
	char name[NOTE_NAME_MAX + 1];
	uint8_t key[32] = {1};
	struct note_verifier v;
	struct fail why;

	memset(name, 'n', sizeof name);
	EXPECT(t, note_verifier_of((struct slice){(uint8_t *)name, NOTE_NAME_MAX}, NOTE_ED25519,
				   key, &v, &why) == ST_OK);
	EXPECT(t, note_verifier_of((struct slice){(uint8_t *)name, NOTE_NAME_MAX + 1}, NOTE_ED25519,
				   key, &v, &why) == ST_INVALID);
}

static void text_that_cannot_be_a_note_is_not_written(struct test *t)
{
	static const char *const bad[] = {"", "a", "a\r\n", "\xff\n"};
	struct room r;
	struct buf b;

	room_init(&r);
	b = buf_in(&r.a);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		EXPECT(t, note_write(slice_of(bad[i]), &b, &r.why) == ST_INVALID);
	EXPECT_UINT(t, b.len, 0);
	room_done(&r);
}

static void signing_keys_are_read_as_they_are_written(struct test *t)
{
	static const char *const bad[] = {
		"",
		"PRIVATE+KEY+",
		"PRIVATE+KEY+w+00000000+AQ==",
		"w+530d903a+AekyeRrm",
		"PRIVATE+KEY+w+00000000+AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB",
		"PRIVATE+KEY+w+zz+AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB",
		"PRIVATE+KEY+w+00000000+BgEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"};
	static const enum note_type types[] = {NOTE_ED25519, NOTE_COSIGNATURE};
	struct crypto_signer s, again;
	struct note_verifier v, read;
	struct room r;

	room_init(&r);
	for (size_t i = 0; i < 2; i++) {
		struct buf b = buf_in(&r.a);

		v = verifier(t, "log.test/a", types[i], &s);
		note_signer_add(&v, &s, &b);
		EXPECT(t, note_signer_parse(buf_slice(&b), &read, &again, &r.why) == ST_OK);
		EXPECT(t, note_verifier_equal(&v, &read) && memcmp(&s, &again, sizeof s) == 0);
		b.ptr[b.len - 3] ^= 1; /* another key, or no base64: not that of the id */
		EXPECT(t, note_signer_parse(buf_slice(&b), &read, &again, &r.why) == ST_INVALID);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		EXPECT(t, note_signer_parse(slice_of(bad[i]), &read, &again, &r.why) == ST_INVALID);
	room_done(&r);
}

static void a_signature_line_is_taken_over_as_it_was(struct test *t)
{
	struct crypto_signer s, other;
	struct note_verifier v = verifier(t, "w", NOTE_COSIGNATURE, &s), none = v;
	struct note note;
	struct buf b, line;
	struct room r;

	room_init(&r);
	crypto_signer_new(&other);
	none.name = SLICE("x");
	b = buf_in(&r.a);
	line = buf_in(&r.a);
	EXPECT(t, note_write(SLICE(EXAMPLE_TEXT), &b, &r.why) == ST_OK);
	note_sign(SLICE(EXAMPLE_TEXT), &v, &s, 1679315147, &b);
	EXPECT(t, note_parse(buf_slice(&b), &r.a, &note, &r.why) == ST_OK);
	EXPECT(t, note_signature_find(&note, &none) == NULL);
	EXPECT(t, note_signature_find(&note, &v) == &note.signatures[0]);
	EXPECT_UINT(t, note_signature_time(&note.signatures[0]), 1679315147);
	note_signature_add(&note.signatures[0], &line);
	EXPECT(t, slice_ends(buf_slice(&b), buf_slice(&line)));
	EXPECT_UINT(t, b.len, strlen(EXAMPLE_TEXT) + 1 + line.len);
	note.signatures[0].len = 0; /* longer than any that we know */
	line.len = 0;
	note_signature_add(&note.signatures[0], &line);
	EXPECT(t, line.len == 0 && note_signature_time(&note.signatures[0]) == 0);
	room_done(&r);
}

static void every_allocation_may_fail(struct test *t)
{
	struct crypto_signer s;
	struct note_verifier v = verifier(t, "w", NOTE_COSIGNATURE, &s);
	bool done = false;

	for (size_t after = 1; !done; after++) {
		struct room r;
		struct note note;
		struct buf b;
		enum status st;

		EXPECT(t, after < 20);
		room_init(&r);
		r.pool.fail_after = after;
		b = buf_in(&r.a);
		st = note_write(SLICE(EXAMPLE_TEXT), &b, &r.why);
		note_sign(SLICE(EXAMPLE_TEXT), &v, &s, 5, &b);
		if (st == ST_OK && !b.full)
			st = note_parse(buf_slice(&b), &r.a, &note, &r.why);
		if (st == ST_OK && !b.full)
			st = note_verify(&note, &v, 1, NULL, &r.a, &r.why);
		EXPECT(t, st == ST_OK || st == ST_NOMEM);
		done = st == ST_OK && !b.full;
		arena_reset(&r.a);
		EXPECT_UINT(t, r.pool.out, 0);
		room_done(&r);
	}
}

TESTS(T(the_specification_s_example_verifies),
      T(unknown_keys_are_ignored_and_known_ones_must_be_right), T(malformed_notes_are_refused),
      T(a_note_holds_a_hundred_signatures), T(long_signatures_belong_to_keys_we_do_not_know),
      T(verifier_keys_are_checked), T(names_have_a_longest_length),
      T(text_that_cannot_be_a_note_is_not_written), T(signing_keys_are_read_as_they_are_written),
      T(a_signature_line_is_taken_over_as_it_was), T(every_allocation_may_fail))
