/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/app/mime_priv.h"
#include "test.h"

enum { BUDGET = 4 << 20, PARTS_MAX = 8 };

struct seen {
	struct arena_pool pool;
	struct arena arena;
	struct app_mime mime;
	struct app_mime_options options;
	struct slice name[PARTS_MAX];
	struct buf part[PARTS_MAX];
	size_t opened, closed;
};

static void part_open(void *ctx, struct slice name)
{
	struct seen *s = ctx;

	ASSERT(s->opened < PARTS_MAX && s->opened == s->closed);
	s->part[s->opened] = buf_in(&s->arena);
	s->name[s->opened++] = arena_copy(&s->arena, name);
}

static void part_data(void *ctx, struct slice bytes)
{
	struct seen *s = ctx;

	ASSERT(s->opened == s->closed + 1);
	buf_add(&s->part[s->opened - 1], bytes);
}

static void part_close(void *ctx)
{
	struct seen *s = ctx;

	ASSERT(s->opened == s->closed + 1);
	s->closed++;
}

static void seen_start(struct seen *s)
{
	static const struct slice http[] = {{(const uint8_t *)"http://", 7}};

	*s = (struct seen){.pool = {.budget = BUDGET},
			   .options = {.base64 = true,
				       .quoted_printable = true,
				       .urls = true,
				       .url_schemes_kept = true,
				       .body_md5 = true,
				       .schemes = http,
				       .scheme_count = 1}};
	s->arena.pool = &s->pool;
	app_mime_start(&s->mime, &s->options,
		       (struct app_mime_sink){s, part_open, part_data, part_close}, &s->arena);
}

static void seen_done(struct seen *s)
{
	arena_reset(&s->arena);
	arena_pool_drain(&s->pool);
}

/* Lines end in CR LF or LF; pieces of lines have `cut` bytes, 0: whole lines. */
static void say(struct seen *s, struct slice text, size_t cut)
{
	while (text.len != 0) {
		size_t lf = slice_find(text, SLICE("\n"));
		struct slice line = slice_part(text, 0, lf == SIZE_MAX ? lf : lf + 1);
		uint8_t end = lf == SIZE_MAX ? 0 : lf > 0 && line.ptr[lf - 1] == '\r' ? 2 : 1;
		struct slice left = {line.ptr, line.len - end};

		text = slice_from(text, line.len);
		while (cut != 0 && left.len > cut) {
			app_mime_line(&s->mime, slice_part(left, 0, cut), 0);
			left = slice_from(left, cut);
		}
		if (left.ptr == NULL)
			left.ptr = line.ptr;
		app_mime_line(&s->mime, left, end);
	}
}

static void a_message_is_taken_apart(struct test *t)
{
	struct seen s;

	seen_start(&s);
	say(&s,
	    SLICE("From: a@b\r\nTo: c@d,\r\n\te@f\r\nSubject: x\r\n"
		  "Content-Type: multipart/mixed; boundary=\"=-1\"\r\n\r\npreamble\r\n"
		  "--=-1\r\nContent-Type: text/plain\r\n\r\nsee http://a.b/c?d now\r\n"
		  "--=-1\r\nContent-Type: application/pdf; name=\"x.pdf\"\r\n"
		  "Content-Transfer-Encoding: base64\r\n\r\naGVsbG8g\r\nd29ybGQ=\r\n"
		  "--=-1\r\nContent-Disposition: attachment; filename=y.txt\r\n\r\n"
		  "one\r\ntwo\r\n--=-1--\r\nepilogue\r\n"),
	    0);
	app_mime_end(&s.mime);
	EXPECT_UINT(t, s.opened, 2);
	EXPECT_UINT(t, s.closed, 2);
	EXPECT_SLICE(t, s.name[0], SLICE("x.pdf"));
	EXPECT_SLICE(t, buf_slice(&s.part[0]), SLICE("hello world"));
	EXPECT_SLICE(t, s.name[1], SLICE("y.txt"));
	EXPECT_SLICE(t, buf_slice(&s.part[1]), SLICE("one\r\ntwo"));
	EXPECT_SLICE(t, app_mime_header(&s.mime, SLICE("FROM"), 0), SLICE("a@b"));
	EXPECT_SLICE(t, app_mime_header(&s.mime, SLICE("to"), 0), SLICE("c@d,e@f"));
	EXPECT(t, app_mime_header(&s.mime, SLICE("to"), 1).ptr == NULL);
	EXPECT_UINT(t, s.mime.url_count, 1);
	EXPECT_SLICE(t, s.mime.urls[0], SLICE("http://a.b/c?d"));
	EXPECT_UINT(t, s.mime.anomalies, 0);
	seen_done(&s);
}

static void multiparts_and_messages_stand_in_each_other(struct test *t)
{
	struct seen s;

	seen_start(&s);
	say(&s,
	    SLICE("Content-Type: multipart/mixed; boundary=a\n\n--a\n"
		  "Content-Type: multipart/related; boundary=b\n\n--b\n"
		  "Content-Disposition: inline; filename=1\n\nx\n--b--\n--a\n"
		  "Content-Type: message/rfc822\n\nSubject: inner\n"
		  "Content-Disposition: attachment; filename=2\n\ny\n--a--\n"),
	    0);
	app_mime_end(&s.mime);
	EXPECT_UINT(t, s.closed, 2);
	EXPECT_SLICE(t, s.name[0], SLICE("1"));
	EXPECT_SLICE(t, buf_slice(&s.part[0]), SLICE("x"));
	EXPECT_SLICE(t, s.name[1], SLICE("2"));
	EXPECT_SLICE(t, buf_slice(&s.part[1]), SLICE("y"));
	EXPECT(t, app_mime_header(&s.mime, SLICE("subject"), 0).ptr == NULL);
	seen_done(&s);
}

static void parameters_are_found(struct test *t)
{
	static const struct {
		const char *value, *want; /* want NULL: none */
	} rows[] = {
		{"a; name=b", "b"},
		{"a; NAME=b ; x=y", "b"},
		{"a;name=\"b;c\\\"d\"", "b;c\\\"d"},
		{"a; name=\"open", "\"open"},
		{"a; name=1; name=2", "2"},
		{"a; name*0=one; name*1=\"two\"", "onetwo"},
		{"a; name*=utf-8'en'%e2%82%ac%2", "\xe2\x82\xac%2"},
		{"a; name*0*=''%41; name*1=B; name*3=C", "AB"},
		{"a; name=", ""},
		{"a; other=b", NULL},
		{"name=b", NULL},
		{"", NULL},
	};
	struct arena_pool pool = {.budget = BUDGET};
	struct arena a = {.pool = &pool};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct slice got = app_mime_param(slice_of(rows[i].value), SLICE("name"), &a);

		EXPECT(t, (got.ptr == NULL) == (rows[i].want == NULL));
		EXPECT_SLICE(t, got, slice_of(rows[i].want));
	}
	arena_reset(&a);
	arena_pool_drain(&pool);
}

static void encodings_say_what_is_wrong(struct test *t)
{
	static const struct {
		const char *encoding, *body, *want;
		uint32_t anomalies;
	} rows[] = {
		{"base64", "QUJD\r\nRA==\r\n", "ABCD", 0},
		{"base64", "Q U\tJD\r\n", "ABC", 0},
		{"BASE64", "QU!JD\r\n", "ABC", MIME_INVALID_BASE64},
		{"base64", "QUI=QUJD\r\n", "ABABC", 0},
		{"base64", "QQ=x=\r\n", "A", MIME_INVALID_BASE64},
		{"quoted-printable", "a=3Db=\r\nc\r\nd", "a=bc\r\nd", 0},
		{"quoted-printable", "a=3d=zz\r\n", "a=", MIME_INVALID_QP},
		{"quoted-printable", "a\r\nb\r\n", "a\r\nb", 0},
		{"base64", "YWI\r\n", "ab", 0}, /* without its padding */
		{"base64", "YWJjZ\r\n", "abc", 0},
		{"quoted-printable", "a=3\r\nb", "ab", MIME_INVALID_QP},
		{"8bit", "a=3D\r\n", "a=3D", 0},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct seen s;
		struct buf text;

		seen_start(&s);
		text = buf_in(&s.arena);
		buf_add_fmt(&text,
			    "Content-Disposition: x; filename=f\r\n"
			    "Content-Transfer-Encoding: %s\r\n\r\n%s",
			    rows[i].encoding, rows[i].body);
		say(&s, buf_slice(&text), 0);
		app_mime_end(&s.mime);
		EXPECT_UINT(t, s.closed, 1);
		EXPECT_SLICE(t, buf_slice(&s.part[0]), slice_of(rows[i].want));
		EXPECT_UINT(t, s.mime.anomalies, rows[i].anomalies);
		seen_done(&s);
	}
}

static void limits_hold(struct test *t)
{
	static const size_t name[] = {MIME_HEADER_NAME_LONG, MIME_HEADER_NAME_LONG + 1};
	static const size_t value[] = {MIME_HEADER_VALUE_LONG, MIME_HEADER_VALUE_LONG + 1};
	static const size_t line[] = {MIME_LINE_LONG, MIME_LINE_LONG + 1};
	static const size_t file[] = {MIME_NAME_MAX, MIME_NAME_MAX + 1};

	for (uint32_t over = 0; over < 2; over++) {
		struct seen s;
		struct buf text;

		seen_start(&s);
		text = buf_in(&s.arena);
		for (size_t i = 0; i < name[over]; i++)
			buf_add_byte(&text, 'n');
		buf_add_z(&text, ": v\r\nv: ");
		for (size_t i = 0; i < value[over] / 2; i++)
			buf_add_byte(&text, 'v');
		buf_add_z(&text, "\r\n ");
		for (size_t i = 0; i < value[over] - value[over] / 2; i++)
			buf_add_byte(&text, 'w');
		buf_add_z(&text, "\r\nContent-Disposition: x; filename=");
		for (size_t i = 0; i < file[over]; i++)
			buf_add_byte(&text, 'f');
		buf_add_z(&text, "\r\n\r\n");
		for (size_t i = 0; i < line[over]; i++)
			buf_add_byte(&text, 'x');
		say(&s, buf_slice(&text), 600);
		app_mime_end(&s.mime);
		/* values may be long without a line that is: they are folded */
		EXPECT_UINT(t, s.mime.anomalies & MIME_LONG_HEADER_NAME,
			    over * MIME_LONG_HEADER_NAME);
		EXPECT_UINT(t, s.mime.anomalies & MIME_LONG_HEADER_VALUE,
			    over * MIME_LONG_HEADER_VALUE);
		EXPECT_UINT(t, s.mime.anomalies & MIME_LONG_FILENAME, over * MIME_LONG_FILENAME);
		EXPECT_UINT(t, s.name[0].len, MIME_NAME_MAX);
		EXPECT_UINT(t, s.part[0].len, line[over]);
		seen_done(&s);
	}
}

/* What a header says must not depend on where its line was cut; nor does a line without a colon in
 * its first piece belong to the header before it. */
static void headers_come_in_pieces(struct test *t)
{
	static const size_t names[] = {
		MIME_PIECE_MIN - 1,	  MIME_PIECE_MIN,	MIME_PIECE_MIN + 1,	 600,
		MIME_HEADER_NAME_MAX - 1, MIME_HEADER_NAME_MAX, MIME_HEADER_NAME_MAX + 1};
	static const size_t cuts[] = {0, MIME_PIECE_MIN, MIME_PIECE_MIN + 1, 1000};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		for (size_t k = 0; k < sizeof cuts / sizeof cuts[0]; k++) {
			bool kept = names[i] <= MIME_HEADER_NAME_MAX;
			struct seen s;
			struct buf text;
			struct slice name;

			seen_start(&s);
			text = buf_in(&s.arena);
			buf_add_z(&text, "From: a\r\n");
			for (size_t n = 0; n < names[i]; n++)
				buf_add_byte(&text, 'n');
			name = arena_copy(&s.arena, slice_from(buf_slice(&text), 9));
			buf_add_z(&text, ":  \t v: w\r\n x\r\n");
			for (size_t n = 0; n < names[i]; n++)
				buf_add_byte(&text, 'm');
			buf_add_z(&text, "\r\n\r\n");
			say(&s, buf_slice(&text), cuts[k]);
			app_mime_end(&s.mime);
			EXPECT_UINT(t, s.mime.header_count, kept ? 2 : 1);
			EXPECT_SLICE(t, app_mime_header(&s.mime, SLICE("from"), 0),
				     kept ? SLICE("a") : SLICE("ax"));
			EXPECT_SLICE(t, app_mime_header(&s.mime, name, 0),
				     kept ? SLICE("v: wx") : SLICE(""));
			EXPECT_UINT(t, s.mime.anomalies & MIME_LONG_HEADER_NAME,
				    kept ? MIME_LONG_HEADER_NAME : 0);
			seen_done(&s);
		}
}

/* What stands behind a boundary on its line, in a piece of its own, went on with the last line of
 * the headers before it: here to a header that opens an attachment. */
static void the_rest_of_a_boundary_line_is_no_header(struct test *t)
{
	static const size_t cuts[] = {0, MIME_PIECE_MIN, MIME_PIECE_MIN + 1};

	for (size_t k = 0; k < sizeof cuts / sizeof cuts[0]; k++) {
		struct seen s;
		struct buf text;

		seen_start(&s);
		text = buf_in(&s.arena);
		buf_add_z(&text, "Content-Type: multipart/mixed; boundary=a\r\n\r\n"
				 "--a\r\nContent-\r\n\r\n--a");
		for (size_t n = strlen("--a"); n < MIME_PIECE_MIN; n++)
			buf_add_byte(&text, 'x');
		buf_add_z(&text, "Disposition: x; filename=f\r\n\r\nnobody's\r\n--a\r\n"
				 "Content-Disposition: x; filename=g\r\n\r\nbody\r\n--a--\r\n");
		say(&s, buf_slice(&text), cuts[k]);
		app_mime_end(&s.mime);
		EXPECT_UINT(t, s.closed, 1);
		EXPECT_SLICE(t, s.name[0], SLICE("g"));
		EXPECT_SLICE(t, buf_slice(&s.part[0]), SLICE("body"));
		EXPECT_UINT(t, s.mime.anomalies, 0);
		seen_done(&s);
	}
}

/* The last boundary is told from the others by the two bytes behind it: a piece must hold them. */
static void the_longest_boundary_ends_its_multipart(struct test *t)
{
	static const size_t cuts[] = {0, MIME_PIECE_MIN, MIME_PIECE_MIN + 1};

	for (size_t k = 0; k < sizeof cuts / sizeof cuts[0]; k++) {
		uint8_t room[MIME_BOUNDARY_MAX];
		struct slice boundary = {room, sizeof room};
		struct seen s;
		struct buf text;

		memset(room, 'b', sizeof room);
		seen_start(&s);
		text = buf_in(&s.arena);
		buf_add_z(&text, "Content-Type: multipart/mixed; boundary=");
		buf_add(&text, boundary);
		buf_add_z(&text, "\r\n\r\n--");
		buf_add(&text, boundary);
		buf_add_z(&text, "\r\n\r\nbody\r\n--");
		buf_add(&text, boundary);
		buf_add_z(&text, "-- and more\r\n"
				 "Content-Disposition: x; filename=f\r\n\r\nepilogue\r\n");
		say(&s, buf_slice(&text), cuts[k]);
		app_mime_end(&s.mime);
		EXPECT_UINT(t, s.opened, 0);
		EXPECT_UINT(t, s.mime.anomalies, 0);
		seen_done(&s);
	}
}

static void memory_is_bounded(struct test *t)
{
	struct seen s;
	static const char head[] = "Content-Type: multipart/mixed; boundary=a\n\n";

	seen_start(&s);
	say(&s, slice_of(head), 0);
	for (int i = 0; i < 20000; i++)
		say(&s,
		    SLICE("--a\nX: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\n\n"),
		    0);
	app_mime_end(&s.mime);
	EXPECT(t, s.pool.out < (size_t)2 << 20);
	seen_done(&s);
}

static void the_body_is_hashed(struct test *t)
{
	uint8_t want[CRYPTO_MD5_BYTES];
	struct seen s;

	seen_start(&s);
	say(&s, SLICE("A: b\r\n\r\nline\r\n\r\n"), 0);
	app_mime_end(&s.mime);
	crypto_md5_of(SLICE("line\r\n\r\n"), want);
	EXPECT(t, s.mime.md5_state == MIME_MD5_DONE);
	EXPECT(t, memcmp(want, s.mime.body_md5, sizeof want) == 0);
	seen_done(&s);
}

TESTS(T(a_message_is_taken_apart), T(multiparts_and_messages_stand_in_each_other),
      T(parameters_are_found), T(encodings_say_what_is_wrong), T(limits_hold),
      T(headers_come_in_pieces), T(the_rest_of_a_boundary_line_is_no_header),
      T(the_longest_boundary_ends_its_multipart), T(memory_is_bounded), T(the_body_is_hashed))
