/* SPDX-License-Identifier: Apache-2.0
 * DNS over HTTP/2; fields are literals without Huffman's code or the table (RFC 7541 6.2.2). */
#include "sensor/app/app_check.h"
#include "sensor/app/http2_priv.h"
#include "test.h"

extern const struct app_protocol app_doh2, app_http2;

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define CLIENT(lit)                                                                                \
	{                                                                                          \
		.dir = APP_TO_SERVER, .bytes = {(const uint8_t *)(lit), sizeof(lit) - 1 }          \
	}
#define SERVER(lit)                                                                                \
	{                                                                                          \
		.dir = APP_TO_CLIENT, .bytes = {(const uint8_t *)(lit), sizeof(lit) - 1 }          \
	}
#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
/* :path /dns-query?dns=..., accept application/dns-message: 92 bytes */
#define ASK                                                                                        \
	"\x00\x05:path\x33/dns-query?dns=AAABAAABAAAAAAAAAWEHZXhhbXBsZQAAAQAB"                     \
	"\x00\x06"                                                                                 \
	"accept\x17"                                                                               \
	"application/dns-message"
#define GET_ON_1 "\0\0\x5c\1\5\0\0\0\1\x82" ASK
#define TYPE                                                                                       \
	"\x00\x0c"                                                                                 \
	"content-type\x17"                                                                         \
	"application/dns-message"
#define OK_ON_1 "\0\0\x27\1\4\0\0\0\1\x88" TYPE
#define ANSWER                                                                                     \
	"\0\0\x81\x80\0\1\0\1\0\0\0\0\1a\7example\0\0\1\0\1"                                       \
	"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1"

static void talk(struct app_talk *k, const struct app_says *says, size_t n)
{
	app_check_all(&app_http2, says, n, 20);
	ASSERT(app_talk_open(k, APP_TCP, 80, 0));
	for (size_t i = 0; i < n; i++)
		app_talk_say(k, says[i].dir, says[i].bytes, 0);
}

static bool said(struct app_tx *tx, struct record *r)
{
	*r = (struct record){0};
	return app_doh2.log(tx, 0, &tx->arena, r);
}

static void a_query_in_the_target_and_its_answer_are_dns(struct test *t)
{
	static const struct app_says says[] = {CLIENT(PREFACE GET_ON_1), SERVER(OK_ON_1),
					       SERVER("\0\0\x2b\0\1\0\0\0\1" ANSWER)};
	struct app_talk k;
	struct app_tx *tx;
	struct record r;

	talk(&k, says, COUNT(says));
	tx = app_talk_tx(&k, 0);
	EXPECT(t, k.f->protocol == &app_doh2 && k.f->before == &app_http2);
	EXPECT(t, tx != NULL && tx->progress[APP_TO_CLIENT] == HTTP_DONE);
	EXPECT_SLICE(t, app_talk_field(tx, APP_TO_SERVER, SLICE("dns.query"), 0),
		     SLICE("a.example"));
	EXPECT_SLICE(t, app_talk_field(tx, APP_TO_CLIENT, SLICE("dns.answers.rrname"), 0),
		     SLICE("a.example"));
	EXPECT(t, said(tx, &r) && r.kind == RECORD_OBJECT && r.mores == 2);
	EXPECT_SLICE(t, r.type, SLICE("dns"));
	EXPECT_SLICE(t, r.more[0].name, SLICE("http"));
	EXPECT(t, slice_find(r.more[0].json, SLICE("\"stream_id\":1")) != SIZE_MAX);
	EXPECT(t, slice_find(r.more[1].json, SLICE("\"rdata\":\"192.0.2.1\"")) != SIZE_MAX);
	app_talk_close(&k);
}

static void a_query_may_be_the_body(struct test *t)
{
	static const struct app_says says[] = {
		CLIENT(PREFACE "\0\0\x27\1\4\0\0\0\1\x83" TYPE),
		CLIENT("\0\0\x1b\0\1\0\0\0\1\0\0\1\0\0\1\0\0\0\0\0\0\1a\7example\0\0\1\0\1")};
	struct app_talk k;

	talk(&k, says, COUNT(says));
	EXPECT(t, k.f->protocol == &app_doh2);
	EXPECT_SLICE(
		t,
		app_talk_field(app_talk_tx(&k, 0), APP_TO_SERVER, SLICE("dns.queries.rrname"), 0),
		SLICE("a.example"));
	app_talk_close(&k);
}

static void what_is_not_dns_stays_http2(struct test *t)
{
	/* the body is not DNS; the parameter is no base64url */
	static const struct app_says body[] = {CLIENT(PREFACE "\0\0\x27\1\4\0\0\0\1\x83" TYPE),
					       CLIENT("\0\0\3\0\1\0\0\0\1???")};
	static const struct app_says target[] = {
		CLIENT(PREFACE "\0\0\x39\1\5\0\0\0\1\x82\0\5:path\x10/dns-query?dns=!"
			       "\0\6accept\x17"
			       "application/dns-message")};
	struct app_talk k;
	struct record r;

	talk(&k, body, COUNT(body));
	EXPECT(t, k.f->protocol == &app_http2 && k.f->before == NULL);
	EXPECT(t, said(app_talk_tx(&k, 0), &r) && r.kind == RECORD_HTTP);
	app_talk_close(&k);
	talk(&k, target, COUNT(target));
	EXPECT(t, k.f->protocol == &app_http2 && app_talk_tx(&k, 0) != NULL);
	EXPECT(t, app_talk_tx(&k, 0)->carried[APP_TO_SERVER] == NULL);
	app_talk_close(&k);
}

/* RFC 1035 4.2.2: 65535 bytes at most. */
static void a_message_has_a_limit(struct test *t)
{
	static uint8_t frame[9 + 16384];

	for (size_t n = 65535; n <= 65536; n++) {
		struct app_says first = CLIENT(PREFACE "\0\0\x27\1\4\0\0\0\1\x83" TYPE);
		struct app_talk k;

		ASSERT(app_talk_open(&k, APP_TCP, 80, 0));
		app_talk_say(&k, APP_TO_SERVER, first.bytes, 0);
		for (size_t left = n, piece; left != 0; left -= piece) {
			piece = left < 16384 ? left : 16384;
			frame[1] = (uint8_t)(piece >> 8);
			frame[2] = (uint8_t)piece;
			frame[4] = left == piece;
			frame[8] = 1;
			app_talk_say(&k, APP_TO_SERVER, (struct slice){frame, 9 + piece}, 0);
		}
		EXPECT(t, app_talk_anomaly(&k, app_talk_tx(&k, 0),
					   slice_of(n > 65535 ? "dns_request_too_long" : "")));
		app_talk_close(&k);
	}
}

TESTS(T(a_query_in_the_target_and_its_answer_are_dns), T(a_query_may_be_the_body),
      T(what_is_not_dns_stays_http2), T(a_message_has_a_limit))
