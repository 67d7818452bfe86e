/* SPDX-License-Identifier: Apache-2.0
 * The header fields are those of RFC 7541 appendix C; connections are made of frames here. */
#include "sensor/app/http2_priv.h"

#include "sensor/app/app_check.h"
#include "test.h"

#include <stdio.h>
#include <zlib.h>

extern const struct app_protocol app_http2;

#define B(lit) ((struct slice){(const uint8_t *)(lit), sizeof(lit) - 1})
#define CLIENT(lit)                                                                                \
	{                                                                                          \
		.dir = APP_TO_SERVER, .bytes = {(const uint8_t *)(lit), sizeof(lit) - 1 }          \
	}
#define SERVER(lit)                                                                                \
	{                                                                                          \
		.dir = APP_TO_CLIENT, .bytes = {(const uint8_t *)(lit), sizeof(lit) - 1 }          \
	}
#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define TO_SERVER(tx, name) app_talk_field((tx), APP_TO_SERVER, SLICE(name), 0)
#define TO_CLIENT(tx, name) app_talk_field((tx), APP_TO_CLIENT, SLICE(name), 0)

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define SETTINGS "\0\0\6\4\0\0\0\0\0\0\3\0\0\0\x64"
/* C.4.1: GET http www.example.com /, Huffman coded; 17 bytes */
#define GET_FIELDS "\x82\x86\x84\x41\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff"
#define GET_ON_1 "\0\0\x11\1\5\0\0\0\1" GET_FIELDS
#define OK_ON_1 "\0\0\1\1\4\0\0\0\1\x88" /* :status 200, more comes */

/* Says all, ends both directions, and leaves the flow open to be looked at. */
static void talk(struct app_talk *t, const struct app_says *says, size_t n)
{
	app_check_all(&app_http2, says, n, 40);
	if (!app_talk_open(t, APP_TCP, 80, 0))
		return;
	for (size_t i = 0; i < n; i++) {
		app_gap(t->f, says[i].dir, says[i].gap);
		app_talk_say(t, says[i].dir, says[i].bytes, 0);
	}
}

static bool flow_anomaly(const struct app_talk *t, const char *name)
{
	for (unsigned i = 0; app_http2.anomalies[i] != NULL; i++)
		if (slice_equal(slice_of(app_http2.anomalies[i]), slice_of(name)))
			return t->f->anomalies == UINT64_C(1) << i;
	return false;
}

/* --- header fields --- */

struct fields {
	struct arena_pool pool;
	struct arena flow, scratch;
	struct hpack_table table;
	char text[512];
};

static void fields_open(struct fields *d)
{
	*d = (struct fields){.pool = {.budget = 4 << 20}};
	d->flow.pool = d->scratch.pool = &d->pool;
}

static void fields_close(struct fields *d)
{
	arena_reset(&d->scratch);
	arena_reset(&d->flow);
	APP_CHECK(d->pool.out == 0);
	arena_pool_drain(&d->pool);
}

/* All fields of a block as lines "name=value"; how it ended. */
static enum hpack_result decode(struct fields *d, struct slice block)
{
	struct cursor c = cursor_of(block);
	struct hpack_field h;
	enum hpack_result r;
	size_t n = 0;

	d->text[0] = '\0';
	while ((r = app_hpack_next(&d->table, &c, &d->flow, &d->scratch, &h)) == HPACK_FIELD)
		n += (size_t)snprintf(d->text + n, sizeof d->text - n, "%.*s=%.*s\n",
				      SLICE_ARG(h.name), SLICE_ARG(h.value));
	return r;
}

static void the_requests_of_rfc_7541_c_4_decode(struct test *t)
{
	struct fields d;

	fields_open(&d);
	EXPECT(t, decode(&d, B(GET_FIELDS)) == HPACK_END);
	EXPECT_SLICE(t, slice_of(d.text),
		     SLICE(":method=GET\n:scheme=http\n:path=/\n:authority=www.example.com\n"));
	EXPECT(t, d.table.size == 57 && d.table.count == 1);
	EXPECT(t, decode(&d, B("\x82\x86\x84\xbe\x58\x86\xa8\xeb\x10\x64\x9c\xbf")) == HPACK_END);
	EXPECT_SLICE(t, slice_of(d.text),
		     SLICE(":method=GET\n:scheme=http\n:path=/\n:authority=www.example.com\n"
			   "cache-control=no-cache\n"));
	EXPECT(t, d.table.size == 110 && d.table.count == 2);
	EXPECT(t, decode(&d, B("\x82\x87\x85\xbf\x40\x88\x25\xa8\x49\xe9\x5b\xa9\x7d\x7f"
			       "\x89\x25\xa8\x49\xe9\x5b\xb8\xe8\xb4\xbf")) == HPACK_END);
	EXPECT_SLICE(t, slice_of(d.text),
		     SLICE(":method=GET\n:scheme=https\n:path=/index.html\n"
			   ":authority=www.example.com\ncustom-key=custom-value\n"));
	EXPECT(t, d.table.size == 164 && d.table.count == 3);
	fields_close(&d);
}

/* C.5, with the table's size of 256 told as 6.3 tells it: the third answer evicts. */
static void the_answers_of_rfc_7541_c_5_evict(struct test *t)
{
	struct fields d;

	fields_open(&d);
	EXPECT(t, decode(&d, B("\x3f\xe1\x01\x48\x03"
			       "302\x58\x07private\x61\x1dMon, 21 Oct 2013 20:13:21 GMT\x6e\x17"
			       "https://www.example.com")) == HPACK_END);
	EXPECT_SLICE(t, slice_of(d.text),
		     SLICE(":status=302\ncache-control=private\ndate=Mon, 21 Oct 2013 20:13:21 "
			   "GMT\nlocation=https://www.example.com\n"));
	EXPECT(t, d.table.size == 222 && d.table.count == 4);
	EXPECT(t, decode(&d, B("\x48\x03"
			       "307\xc1\xc0\xbf")) == HPACK_END);
	EXPECT_SLICE(t, slice_of(d.text),
		     SLICE(":status=307\ncache-control=private\ndate=Mon, 21 Oct 2013 20:13:21 "
			   "GMT\nlocation=https://www.example.com\n"));
	EXPECT(t, d.table.size == 222 && d.table.count == 4); /* :status 302 went */
	fields_close(&d);
}

static void a_field_larger_than_the_table_empties_it(struct test *t)
{
	struct fields d;

	fields_open(&d);
	EXPECT(t, decode(&d, B("\x3f\x07\x40\1a\5bcdef")) == HPACK_END); /* 38 bytes fit in 38 */
	EXPECT(t, d.table.count == 1 && d.table.size == 38);
	EXPECT(t, decode(&d, B("\xbe\x40\1a\6bcdefg")) == HPACK_END); /* 39 do not */
	EXPECT_SLICE(t, slice_of(d.text), SLICE("a=bcdef\na=bcdefg\n"));
	EXPECT(t, d.table.count == 0 && d.table.size == 0);
	EXPECT(t, decode(&d, B("\xbe")) == HPACK_INVALID);
	fields_close(&d);
}

static void what_is_not_hpack_is_refused(struct test *t)
{
	static const struct {
		struct slice block;
		enum hpack_result want;
	} cases[] = {
		{B("\x80"), HPACK_INVALID},			     /* number 0 */
		{B("\xbe"), HPACK_INVALID},			     /* nothing there yet */
		{B("\xff\x80\x80\x80\x80\x80\x01"), HPACK_OVERFLOW}, /* a sixth byte */
		{B("\xff\xff\xff\xff\xff\x7f"), HPACK_OVERFLOW},     /* more than 32 bits */
		{B("\xff"), HPACK_INVALID},			     /* cut off in a number */
		{B("\0\1a\2b"), HPACK_INVALID},			     /* and in a string */
		{B("\0\1a"), HPACK_INVALID},			     /* no value */
		{B("\0\1a\x81\x07"), HPACK_END},		     /* '0', padded with 111 */
		{B("\0\1a\x81\x06"), HPACK_INVALID},		     /* '0', padded with 110 */
		{B("\0\1a\x84\xff\xff\xff\xff"), HPACK_INVALID},     /* the end of string itself */
		{B("\0\1a\x82\x07\xff"), HPACK_INVALID},	     /* a whole byte of padding */
		{B("\x3f\xe1\xff\x03"), HPACK_END},		     /* size 65,536 */
		{B("\x3f\xe2\xff\x03"), HPACK_OVERFLOW},	     /* 65,537 */
		{B("\0\1a\1b"), HPACK_END},
		{B("\x10\1a\1b"), HPACK_END}, /* never to be indexed: 6.2.3 */
		{B(""), HPACK_END},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct fields d;

		fields_open(&d);
		EXPECT_UINT(t, decode(&d, cases[i].block), cases[i].want);
		fields_close(&d);
	}
}

/* Fields of random sizes, added to a table of any size: what it answers is what a list would. */
static void a_table_answers_as_a_list_would(struct test *t)
{
	enum { ROUNDS = 3000, NAMES = 600 };
	static uint32_t lengths[ROUNDS];
	struct fields d;
	uint8_t block[8 + NAMES];

	fields_open(&d);
	for (uint32_t i = 0; i < ROUNDS; i++) {
		uint32_t len = (uint32_t)(test_rand(t) % NAMES), size = 0, live = 0, k;
		size_t n = 0;
		struct cursor c;
		struct hpack_field h;

		lengths[i] = len;
		block[n++] = 0x40; /* into the table: name "", value `len` times the byte i */
		block[n++] = 0;
		if (len < 127) {
			block[n++] = (uint8_t)len;
		} else {
			block[n++] = 127;
			block[n++] = (uint8_t)(0x80 | ((len - 127) & 0x7f));
			block[n++] = (uint8_t)((len - 127) >> 7);
		}
		memset(block + n, (int)(i & 0xff), len);
		c = cursor_of((struct slice){block, n + len});
		EXPECT(t, app_hpack_next(&d.table, &c, &d.flow, &d.scratch, &h) == HPACK_FIELD);
		while (live <= i && size + lengths[i - live] + 32 <= HPACK_TABLE_FIRST)
			size += lengths[i - live++] + 32;
		EXPECT(t, d.table.count == live && d.table.size == size);
		k = (uint32_t)(test_rand(t) % live);
		block[0] = (uint8_t)(0x80 | (62 + k < 127 ? 62 + k : 127));
		block[1] = (uint8_t)(62 + k - 127); /* live is at most 128 */
		c = cursor_of((struct slice){block, 62 + k < 127 ? 1 : 2});
		EXPECT(t, app_hpack_next(&d.table, &c, &d.flow, &d.scratch, &h) == HPACK_FIELD);
		EXPECT(t, h.value.len == lengths[i - k]);
		EXPECT(t, h.value.len == 0 || (h.value.ptr[0] == ((i - k) & 0xff) &&
					       h.value.ptr[h.value.len - 1] == ((i - k) & 0xff)));
		arena_reset(&d.scratch);
	}
	/* memory is bounded by the table's size, however many fields went through */
	EXPECT(t, d.table.byte_room <= 4 * HPACK_TABLE_FIRST);
	fields_close(&d);
}

/* --- frames --- */

static void a_request_and_its_answer_fill_the_buffers_of_http(struct test *t)
{
	static const struct app_says says[] = {
		CLIENT(PREFACE SETTINGS),
		SERVER(SETTINGS),
		CLIENT("\0\0\x28\1\5\0\0\0\1\x82\x86\4\7/a%20.b\x41\x0eus@Example:123\x0f\x2b\4Go/1"
		       "\x0f\x11\3k=v"),
		SERVER("\0\0\x09\1\4\0\0\0\1\x88\x0f\x27\5nginx"),
		SERVER("\0\0\x04\0\1\0\0\0\1body"),
	};
	struct app_talk k;
	struct app_tx *tx;
	struct record r = {.making = {.judged = true}};

	talk(&k, says, COUNT(says));
	tx = app_talk_tx(&k, 2); /* behind the settings of both */
	EXPECT(t, tx != NULL && ((struct http_tx *)tx->data)->stream == 1);
	if (tx == NULL)
		return;
	EXPECT(t, tx->progress[0] == HTTP_DONE && tx->progress[1] == HTTP_DONE);
	EXPECT(t, app_talk_anomaly(&k, tx, SLICE("userinfo_in_uri")));
	EXPECT_SLICE(t, TO_SERVER(tx, "http.method"), SLICE("GET"));
	EXPECT_SLICE(t, TO_SERVER(tx, "http.uri"), SLICE("/a%20.b"));
	EXPECT_SLICE(t, TO_SERVER(tx, "http.uri.raw"), SLICE("/a%20.b"));
	EXPECT_SLICE(t, TO_SERVER(tx, "http.host"), SLICE("example"));
	EXPECT_SLICE(t, TO_SERVER(tx, "http.host.raw"), SLICE("us@Example:123"));
	EXPECT_SLICE(t, TO_SERVER(tx, "http.request_line"), SLICE("GET /a%20.b HTTP/2\r\n"));
	EXPECT_SLICE(t, TO_SERVER(tx, "http.protocol"), SLICE("HTTP/2"));
	EXPECT_SLICE(t, TO_SERVER(tx, "http.user_agent"), SLICE("Go/1"));
	EXPECT_SLICE(t, TO_SERVER(tx, "http.cookie"), SLICE("k=v"));
	EXPECT_SLICE(t, TO_SERVER(tx, "http.header"),
		     SLICE(":method: GET\r\n:scheme: http\r\n:path: /a%20.b\r\n:authority: "
			   "us@Example:123\r\nuser-agent: Go/1\r\n"));
	EXPECT_SLICE(t, TO_SERVER(tx, "http.header_names"),
		     SLICE("\r\n:method\r\n:scheme\r\n:path\r\n:authority\r\nuser-agent\r\n"
			   "cookie\r\n\r\n"));
	EXPECT(t, TO_SERVER(tx, "http.start").ptr == NULL);
	EXPECT_SLICE(t, TO_CLIENT(tx, "http.stat_code"), SLICE("200"));
	EXPECT_SLICE(t, TO_CLIENT(tx, "http.response_line"), SLICE("HTTP/2 200\r\n"));
	EXPECT_SLICE(t, TO_CLIENT(tx, "http.server"), SLICE("nginx"));
	EXPECT_SLICE(t, TO_CLIENT(tx, "file.data"), SLICE("body"));
	EXPECT(t, app_http2.log(tx, 0, &tx->arena, &r) && r.kind == RECORD_HTTP);
	EXPECT(t, r.u.http.status == 200 && r.u.http.length == 4);
	EXPECT_SLICE(t, r.u.http.protocol, SLICE("HTTP/2"));
	EXPECT_SLICE(t, r.u.http.hostname, SLICE("example"));
	app_talk_close(&k);
}

static void streams_run_beside_each_other(struct test *t)
{
	static const struct app_says says[] = {
		CLIENT(PREFACE GET_ON_1 "\0\0\4\1\5\0\0\0\3\x82\x86\x85\xbe"),
		SERVER("\0\0\1\1\4\0\0\0\3\x8d"	      /* 404 on 3, first */
		       "\0\0\2\0\0\0\0\0\3no" OK_ON_1 /* between: the head of 1 */
		       "\0\0\3\0\1\0\0\0\1yes"
		       "\0\0\3\0\1\0\0\0\3 no"),
	};
	struct app_talk k;

	talk(&k, says, COUNT(says));
	EXPECT(t, k.f->open_txs == 2);
	EXPECT_SLICE(t, TO_SERVER(app_talk_tx(&k, 0), "http.uri"), SLICE("/"));
	EXPECT_SLICE(t, TO_CLIENT(app_talk_tx(&k, 0), "file.data"), SLICE("yes"));
	EXPECT_SLICE(t, TO_SERVER(app_talk_tx(&k, 1), "http.uri"), SLICE("/index.html"));
	EXPECT_SLICE(t, TO_SERVER(app_talk_tx(&k, 1), "http.host"), SLICE("www.example.com"));
	EXPECT_SLICE(t, TO_CLIENT(app_talk_tx(&k, 1), "http.stat_code"), SLICE("404"));
	EXPECT_SLICE(t, TO_CLIENT(app_talk_tx(&k, 1), "file.data"), SLICE("no no"));
	app_talk_close(&k);
}

static void a_block_in_pieces_padding_and_priority_is_the_same_block(struct test *t)
{
	static const struct app_says says[] = {
		/* padded by 3, with a priority: 1 + 5 + 2 + 3 bytes; then the rest in two frames */
		CLIENT(PREFACE "\0\0\x0b\1\x29\0\0\0\1\3\0\0\0\0\x10\x82\x86\0\0\0"
			       "\0\0\1\x09\0\0\0\0\1\x84"
			       "\0\0\x0e\x09\4\0\0\0\1"
			       "\x41\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff"),
		SERVER(OK_ON_1 "\0\0\7\0\x09\0\0\0\1\2body\0\0"), /* padded data */
	};
	struct app_talk k;
	struct app_tx *tx;

	talk(&k, says, COUNT(says));
	tx = app_talk_tx(&k, 0);
	EXPECT(t, tx != NULL && tx->progress[0] == HTTP_DONE && tx->progress[1] == HTTP_DONE);
	EXPECT(t, k.f->anomalies == 0 && app_talk_anomaly(&k, tx, SLICE("")));
	EXPECT_SLICE(t, TO_SERVER(tx, "http.host"), SLICE("www.example.com"));
	EXPECT_SLICE(t, TO_CLIENT(tx, "file.data"), SLICE("body"));
	app_talk_close(&k);
}

static void an_interim_answer_and_a_trailer_are_not_the_answer(struct test *t)
{
	static const struct app_says says[] = {
		CLIENT(PREFACE GET_ON_1),
		SERVER("\0\0\5\1\4\0\0\0\1\x08\3"
		       "103" OK_ON_1 "\0\0\2\0\0\0\0\0\1ok"
		       "\0\0\5\1\5\0\0\0\1\0\1t\1u"),
	};
	struct app_talk k;
	struct app_tx *tx;

	talk(&k, says, COUNT(says));
	tx = app_talk_tx(&k, 0);
	EXPECT_SLICE(t, TO_CLIENT(tx, "http.stat_code"), SLICE("200"));
	EXPECT_SLICE(t, TO_CLIENT(tx, "http.header_names"), SLICE("\r\n:status\r\n\r\n"));
	EXPECT_SLICE(t, TO_CLIENT(tx, "file.data"), SLICE("ok"));
	EXPECT(t, tx->progress[1] == HTTP_DONE);
	app_talk_close(&k);
}

/* A promise feeds the server's table of fields, but is no answer to the stream it comes on. */
static void a_pushed_request_only_feeds_the_table(struct test *t)
{
	static const struct app_says says[] = {
		CLIENT(PREFACE GET_ON_1),
		SERVER("\0\0\x0c\5\4\0\0\0\1\0\0\0\2\x82\x40\1a\3xyz"
		       "\0\0\2\1\5\0\0\0\1\x88\xbe"),
	};
	struct app_talk k;
	struct app_tx *tx;

	talk(&k, says, COUNT(says));
	tx = app_talk_tx(&k, 0);
	EXPECT(t, k.f->open_txs == 1);
	EXPECT_SLICE(t, TO_CLIENT(tx, "http.header"), SLICE(":status: 200\r\na: xyz\r\n"));
	app_talk_close(&k);
}

static void a_reset_ends_a_stream_and_its_data_is_nobodys(struct test *t)
{
	static const struct app_says says[] = {
		CLIENT(PREFACE GET_ON_1),
		SERVER(OK_ON_1 "\0\0\4\0\0\0\0\0\1body"),
		CLIENT("\0\0\4\3\0\0\0\0\1\0\0\0\x08"),
		SERVER("\0\0\4\0\1\0\0\0\1more"),
		CLIENT("\0\0\3\1\5\0\0\0\1\x82\x86\x84"), /* and cannot be used again */
	};
	struct app_talk k;
	struct app_tx *tx;

	talk(&k, says, COUNT(says));
	tx = app_talk_tx(&k, 0);
	EXPECT(t, k.f->open_txs == 1 && tx->progress[0] == HTTP_DONE);
	EXPECT(t, tx->progress[1] == HTTP_DONE);
	EXPECT_SLICE(t, TO_CLIENT(tx, "file.data"), SLICE("body"));
	app_tx_sweep(k.f, app_check_swept);
	app_talk_say(&k, APP_TO_SERVER, B("\0\0\3\1\5\0\0\0\1\x82\x86\x84"), 0);
	EXPECT(t, k.f->open_txs == 0 && flow_anomaly(&k, "stream_id_reuse"));
	app_talk_close(&k);
}

static void a_compressed_body_is_unpacked(struct test *t)
{
	static const uint8_t head[] = "\0\0\5\1\4\0\0\0\1\x88\x0f\x0b\4gzip"; /* length below */
	uint8_t packed[128], said[256];
	struct app_says says[2] = {CLIENT(PREFACE GET_ON_1), {.dir = APP_TO_CLIENT}};
	z_stream z = {0};
	struct app_talk k;
	size_t n = sizeof head - 1, bytes;

	EXPECT(t, deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
	z.next_in = (uint8_t *)(uintptr_t) "nothing to hide";
	z.avail_in = 15;
	z.next_out = packed;
	z.avail_out = sizeof packed;
	EXPECT(t, deflate(&z, Z_FINISH) == Z_STREAM_END);
	bytes = sizeof packed - z.avail_out;
	(void)deflateEnd(&z);
	memcpy(said, head, n);
	said[2] = (uint8_t)(n - 9);
	memcpy(said + n, "\0\0\0\0\1\0\0\0\1", 9);
	said[n + 2] = (uint8_t)bytes;
	memcpy(said + n + 9, packed, bytes);
	says[1].bytes = (struct slice){said, n + 9 + bytes};
	talk(&k, says, 2);
	EXPECT_SLICE(t, TO_CLIENT(app_talk_tx(&k, 0), "file.data"), SLICE("nothing to hide"));
	EXPECT(t, app_talk_anomaly(&k, app_talk_tx(&k, 0), SLICE("")));
	app_talk_close(&k);
	said[n + 9 + 10] = 7; /* a block of no type, behind gzip's header */
	talk(&k, says, 2);
	EXPECT(t, app_talk_anomaly(&k, app_talk_tx(&k, 0), SLICE("failed_decompression")));
	app_talk_close(&k);
}

static void what_is_not_http2_is_given_up_with_its_name(struct test *t)
{
	static const struct {
		struct slice bytes;
		const char *anomaly;
	} cases[] = {
		{B("\0\0\1\1\5\0\0\0\1\x80"), "invalid_header"},
		{B("\0\0\7\1\5\0\0\0\1\xff\x80\x80\x80\x80\x80\1"), "header_integer_overflow"},
		{B("\0\0\1\1\5\0\0\0\0\x82"), "invalid_frame_data"},  /* on stream 0 */
		{B("\0\0\1\0\0\0\0\0\0x"), "data_stream_zero"},	      /* data on stream 0 */
		{B("\0\0\2\0\x08\0\0\0\1\2x"), "invalid_frame_data"}, /* more padding than frame */
		{B("\0\0\2\1\x0d\0\0\0\1\2\x82"), "invalid_frame_data"}, /* the same of a head */
		{B("\0\0\1\x09\4\0\0\0\1\x82"), "invalid_frame_data"},	 /* continues nothing */
		{B("\0\0\1\1\1\0\0\0\1\x82\0\0\0\x09\4\0\0\0\3"), "invalid_frame_data"},
		{B("\0\0\1\1\1\0\0\0\1\x82\0\0\0\0\4\0\0\0\1"), "invalid_frame_data"},
		{B("\1\0\1\1\5\0\0\0\1"), "reassembly_limit_reached"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct app_says says[2] = {CLIENT(PREFACE SETTINGS),
					   {.dir = APP_TO_SERVER, .bytes = cases[i].bytes}};
		struct app_talk k;

		talk(&k, says, 2);
		EXPECT(t, k.f->state == APP_GIVEN_UP && flow_anomaly(&k, cases[i].anomaly));
		app_talk_close(&k);
	}
}

static void a_block_may_have_so_many_bytes_and_no_more(struct test *t)
{
	for (size_t more = 0; more < 2; more++) {
		size_t frames = HTTP2_BLOCK_MAX / 9 - 1 + more;
		struct app_talk k;

		EXPECT(t, app_talk_open(&k, APP_TCP, 80, 0));
		app_talk_say(&k, APP_TO_SERVER, B(PREFACE), 0);
		app_talk_say(&k, APP_TO_SERVER, B("\0\0\1\1\1\0\0\0\1\x82"), 0);
		for (size_t i = 0; i < frames; i++) /* empty ones count too */
			app_talk_say(&k, APP_TO_SERVER,
				     i + 1 == frames ? B("\0\0\0\x09\4\0\0\0\1")
						     : B("\0\0\0\x09\0\0\0\0\1"),
				     0);
		EXPECT(t, (k.f->state == APP_PARSING) == (more == 0));
		EXPECT(t, more == 0 || flow_anomaly(&k, "reassembly_limit_reached"));
		EXPECT(t, k.f->open_txs == (more == 0));
		app_talk_close(&k);
	}
}

/* A few bytes that name a large field again and again cannot make us keep much more. */
static void a_bomb_of_fields_is_given_up(struct test *t)
{
	static uint8_t said[24 + 9 + 4 + 4000 + 70];
	size_t n = 0;
	struct app_talk k;

	memcpy(said, PREFACE, n = 24);
	said[n + 1] = (uint8_t)((4 + 4000 + 70) >> 8);
	said[n + 2] = (uint8_t)((4 + 4000 + 70) & 0xff);
	said[n + 3] = 1;
	said[n + 4] = 5;
	said[n + 8] = 1;
	n += 9;
	memcpy(said + n, "\x40\0\x7f\xa1\x1e", 5); /* a value of 4,000 bytes, into the table */
	said[n + 3] = (uint8_t)(0x80 | ((4000 - 127) & 0x7f));
	said[n + 4] = (uint8_t)((4000 - 127) >> 7);
	memset(said + n + 5, 'x', 4000);
	memset(said + n + 5 + 4000, 0xbe, 69);
	EXPECT(t, app_talk_open(&k, APP_TCP, 80, 0));
	app_talk_say(&k, APP_TO_SERVER, (struct slice){said, sizeof said}, 0);
	EXPECT(t, k.f->state == APP_GIVEN_UP && flow_anomaly(&k, "reassembly_limit_reached"));
	app_talk_close(&k);
}

static void a_gap_inside_data_is_counted_and_elsewhere_ends_the_flow(struct test *t)
{
	static const struct app_says inside[] = {
		CLIENT(PREFACE GET_ON_1),
		SERVER(OK_ON_1 "\0\0\x68\0\1\0\0\0\1ab"),
		{.dir = APP_TO_CLIENT, .bytes = {(const uint8_t *)"yz", 2}, .gap = 100},
	};
	static const struct app_says outside[] = {
		CLIENT(PREFACE GET_ON_1),
		{.dir = APP_TO_CLIENT, .bytes = {(const uint8_t *)OK_ON_1, 10}, .gap = 1},
	};
	struct app_talk k;

	talk(&k, inside, COUNT(inside));
	EXPECT(t, http_side(app_talk_tx(&k, 0), APP_TO_CLIENT)->body_bytes == 104);
	EXPECT_SLICE(t, TO_CLIENT(app_talk_tx(&k, 0), "file.data"), SLICE("abyz"));
	EXPECT(t, app_talk_tx(&k, 0)->progress[1] == HTTP_DONE);
	app_talk_close(&k);
	EXPECT(t, app_talk_open(&k, APP_TCP, 80, 0));
	app_talk_say(&k, APP_TO_SERVER, outside[0].bytes, 0);
	app_gap(k.f, APP_TO_CLIENT, outside[1].gap);
	EXPECT(t, k.f->eof[APP_TO_CLIENT]); /* for the parser */
	app_talk_close(&k);
}

static void frames_are_numbers_and_said(struct test *t)
{
	static const struct app_says says[] = {
		CLIENT(PREFACE SETTINGS GET_ON_1
		       "\0\0\5\2\0\0\0\0\1\0\0\0\0\x63"
		       "\0\0\4\x08\0\0\0\0\1\x80\0\1\0\0\0\4\3\0\0\0\0\1\0\0\0\x0d"),
		SERVER("\0\0\x08\7\0\0\0\0\0\0\0\0\1\0\0\0\x63"),
	};
	struct app_talk k;
	struct app_tx *tx;
	struct record r = {0};
	struct buf line;

	talk(&k, says, COUNT(says));
	tx = app_talk_tx(&k, 0);
	EXPECT_UINT(t, app_talk_number(tx, APP_TO_SERVER, "http2.frametype", 0), HTTP2_SETTINGS);
	EXPECT_UINT(t, app_talk_number(tx, APP_TO_SERVER, "http2.settings.pairs", 0), 3);
	EXPECT_UINT(t, app_talk_number(tx, APP_TO_SERVER, "http2.settings.pairs", 1), 100);
	line = buf_in(&tx->arena);
	EXPECT(t, app_http2.log(tx, 0, &tx->arena, &r));
	record_encode(&r, &tx->arena, &line);
	EXPECT(t,
	       slice_find(buf_slice(&line),
			  SLICE("\"http2\":{\"stream_id\":0,\"request\":{\"settings\":[{\"settings_"
				"id\":\"SETTINGSMAXCONCURRENTSTREAMS\",\"settings_value\":100}]},"
				"\"response\":{}}")) != SIZE_MAX);
	tx = app_talk_tx(&k, 1);
	EXPECT_UINT(t, app_talk_number(tx, APP_TO_SERVER, "http2.priority", 0), 99);
	EXPECT_UINT(t, app_talk_number(tx, APP_TO_SERVER, "http2.window", 0), 256);
	EXPECT_UINT(t, app_talk_number(tx, APP_TO_SERVER, "http2.errorcode", 0), 13);
	EXPECT_UINT(t, app_talk_number(tx, APP_TO_SERVER, "http2.frametype", 3), HTTP2_RST_STREAM);
	EXPECT_UINT(t, app_talk_number(tx, APP_TO_SERVER, "http2.frametype", 4), UINT64_MAX);
	r = (struct record){0};
	line.len = 0;
	EXPECT(t, app_http2.log(app_talk_tx(&k, 2), 0, &tx->arena, &r));
	record_encode(&r, &tx->arena, &line);
	EXPECT(t, slice_find(buf_slice(&line), SLICE("\"error_code\":\"99\"")) != SIZE_MAX);
	app_talk_close(&k);
}

static void an_answer_without_its_request_is_a_transaction(struct test *t)
{
	static const struct app_says says[] = {
		CLIENT(PREFACE SETTINGS),
		SERVER("\0\0\1\1\5\0\0\0\5\x88"
		       "\0\0\1\1\5\0\0\0\2\x88"), /* an even stream is the server's own */
	};
	struct app_talk k;

	talk(&k, says, COUNT(says));
	EXPECT(t, k.f->open_txs == 2); /* the settings are one */
	EXPECT_SLICE(t, TO_CLIENT(app_talk_tx(&k, 1), "http.stat_code"), SLICE("200"));
	EXPECT(t, TO_SERVER(app_talk_tx(&k, 1), "http.uri").ptr == NULL);
	app_talk_close(&k);
}

static void hosts_that_differ_are_an_anomaly(struct test *t)
{
	static const struct app_says says[] = {
		CLIENT(PREFACE "\0\0\x0a\1\5\0\0\0\1\x82\x86\x84\1\1a\x0f\x17\1b")};
	struct app_talk k;

	talk(&k, says, 1);
	EXPECT_SLICE(t, TO_SERVER(app_talk_tx(&k, 0), "http.host"), SLICE("a"));
	EXPECT(t, app_talk_anomaly(&k, app_talk_tx(&k, 0), SLICE("authority_host_mismatch")));
	app_talk_close(&k);
}

TESTS(T(the_requests_of_rfc_7541_c_4_decode), T(the_answers_of_rfc_7541_c_5_evict),
      T(a_field_larger_than_the_table_empties_it), T(what_is_not_hpack_is_refused),
      T(a_table_answers_as_a_list_would), T(a_request_and_its_answer_fill_the_buffers_of_http),
      T(streams_run_beside_each_other), T(a_block_in_pieces_padding_and_priority_is_the_same_block),
      T(an_interim_answer_and_a_trailer_are_not_the_answer),
      T(a_pushed_request_only_feeds_the_table), T(a_reset_ends_a_stream_and_its_data_is_nobodys),
      T(a_compressed_body_is_unpacked), T(what_is_not_http2_is_given_up_with_its_name),
      T(a_block_may_have_so_many_bytes_and_no_more), T(a_bomb_of_fields_is_given_up),
      T(a_gap_inside_data_is_counted_and_elsewhere_ends_the_flow), T(frames_are_numbers_and_said),
      T(an_answer_without_its_request_is_a_transaction), T(hosts_that_differ_are_an_anomaly))
