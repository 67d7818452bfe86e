/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/app/app_check.h"
#include "sensor/app/http_priv.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

extern const struct app_protocol app_http;

#define REQ(text)                                                                                  \
	{                                                                                          \
		.dir = APP_TO_SERVER, .bytes = {(const uint8_t *)(text), sizeof(text) - 1 }        \
	}
#define RES(text)                                                                                  \
	{                                                                                          \
		.dir = APP_TO_CLIENT, .bytes = {(const uint8_t *)(text), sizeof(text) - 1 }        \
	}
#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define TO_SERVER(tx, name) app_talk_field((tx), APP_TO_SERVER, SLICE(name), 0)
#define TO_CLIENT(tx, name) app_talk_field((tx), APP_TO_CLIENT, SLICE(name), 0)

/* Says all, ends both directions, and leaves the flow open to be looked at. */
static void talk(struct app_talk *t, const struct app_says *says, size_t n)
{
	app_check_all(&app_http, says, n, 40);
	if (!app_talk_open(t, APP_TCP, 80, 0))
		return;
	for (size_t i = 0; i < n; i++) {
		app_gap(t->f, says[i].dir, says[i].gap);
		app_talk_say(t, says[i].dir, says[i].bytes, 0);
	}
	app_talk_eof(t);
}

static void a_request_and_its_response_fill_the_buffers(struct test *t)
{
	static const struct app_says says[] = {
		REQ("POST /a%20b/../c?x=%41 HTTP/1.1\r\nHost: Example.COM:80\r\nUser-Agent: ua "
		    "1\r\n"
		    "Cookie: k=v\r\nReferer: http://r/\r\nAccept: */*\r\nAccept-Encoding: gzip\r\n"
		    "Accept-Language: et\r\nConnection: close\r\nContent-Type: text/plain\r\n"
		    "Content-Length: 4\r\n\r\nbody"),
		RES("HTTP/1.1 302 Moved away\r\nServer: s/1\r\nLocation: /there\r\nSet-Cookie: "
		    "a=b\r\n"
		    "Content-Type: text/html; charset=x\r\nContent-Length: 2\r\n\r\nok"),
	};
	struct app_talk k;
	struct app_tx *tx;
	struct record r = {0};

	talk(&k, says, COUNT(says));
	tx = app_talk_tx(&k, 0);
	EXPECT(t, tx != NULL && tx->next == NULL);
	EXPECT(t, app_talk_anomaly(&k, tx, SLICE("")));
	EXPECT_SLICE(t, TO_SERVER(tx, "http.method"), SLICE("POST"));
	EXPECT_SLICE(t, TO_SERVER(tx, "http.uri"), SLICE("/c?x=A"));
	EXPECT_SLICE(t, TO_SERVER(tx, "http.uri.raw"), SLICE("/a%20b/../c?x=%41"));
	EXPECT_SLICE(t, TO_SERVER(tx, "http.request_line"),
		     SLICE("POST /a%20b/../c?x=%41 HTTP/1.1"));
	EXPECT_SLICE(t, TO_SERVER(tx, "http.protocol"), SLICE("HTTP/1.1"));
	EXPECT_SLICE(t, TO_SERVER(tx, "http.host"), SLICE("example.com"));
	EXPECT_SLICE(t, TO_SERVER(tx, "http.host.raw"), SLICE("Example.COM:80"));
	EXPECT_SLICE(t, TO_SERVER(tx, "http.user_agent"), SLICE("ua 1"));
	EXPECT_SLICE(t, TO_SERVER(tx, "http.referer"), SLICE("http://r/"));
	EXPECT_SLICE(t, TO_SERVER(tx, "http.cookie"), SLICE("k=v"));
	EXPECT_SLICE(t, TO_SERVER(tx, "http.accept"), SLICE("*/*"));
	EXPECT_SLICE(t, TO_SERVER(tx, "http.accept_enc"), SLICE("gzip"));
	EXPECT_SLICE(t, TO_SERVER(tx, "http.accept_lang"), SLICE("et"));
	EXPECT_SLICE(t, TO_SERVER(tx, "http.connection"), SLICE("close"));
	EXPECT_SLICE(t, TO_SERVER(tx, "http.content_type"), SLICE("text/plain"));
	EXPECT_SLICE(t, TO_SERVER(tx, "http.content_len"), SLICE("4"));
	EXPECT_SLICE(t, TO_SERVER(tx, "http.request_body"), SLICE("body"));
	EXPECT_SLICE(t, TO_SERVER(tx, "file.data"), SLICE("body"));
	EXPECT_SLICE(t, TO_SERVER(tx, "http.request_header"), SLICE("Host: Example.COM:80"));
	EXPECT_SLICE(t, TO_CLIENT(tx, "http.stat_code"), SLICE("302"));
	EXPECT_SLICE(t, TO_CLIENT(tx, "http.stat_msg"), SLICE("Moved away"));
	EXPECT_SLICE(t, TO_CLIENT(tx, "http.response_line"), SLICE("HTTP/1.1 302 Moved away"));
	EXPECT_SLICE(t, TO_CLIENT(tx, "http.server"), SLICE("s/1"));
	EXPECT_SLICE(t, TO_CLIENT(tx, "http.location"), SLICE("/there"));
	EXPECT_SLICE(t, TO_CLIENT(tx, "http.cookie"), SLICE("a=b"));
	EXPECT_SLICE(t, TO_CLIENT(tx, "http.protocol"), SLICE("HTTP/1.1"));
	EXPECT_SLICE(t, TO_CLIENT(tx, "http.response_body"), SLICE("ok"));
	EXPECT_SLICE(t, TO_CLIENT(tx, "http.header"),
		     SLICE("Server: s/1\r\nLocation: /there\r\n"
			   "Content-Type: text/html; charset=x\r\nContent-Length: 2\r\n"));
	EXPECT_SLICE(t, TO_CLIENT(tx, "http.header_names"),
		     SLICE("\r\nServer\r\nLocation\r\nSet-Cookie\r\nContent-Type\r\n"
			   "Content-Length\r\n\r\n"));
	EXPECT_SLICE(t, TO_CLIENT(tx, "http.start"),
		     SLICE("HTTP/1.1 302 Moved away\r\nServer: s/1\r\nLocation: /there\r\n"
			   "Set-Cookie: a=b\r\nContent-Type: text/html; charset=x\r\n"
			   "Content-Length: 2\r\n\r\n"));
	EXPECT(t, slice_ends(TO_CLIENT(tx, "http.header.raw"), SLICE("Length: 2\r\n\r\n")));
	EXPECT(t, app_http.log(tx, 0, &tx->arena, &r) && !app_http.log(tx, 1, &tx->arena, &r));
	EXPECT_UINT(t, r.kind, RECORD_HTTP);
	EXPECT_SLICE(t, r.u.http.hostname, SLICE("example.com"));
	EXPECT_SLICE(t, r.u.http.url, SLICE("/a%20b/../c?x=%41"));
	EXPECT_SLICE(t, r.u.http.content_type, SLICE("text/html"));
	EXPECT_SLICE(t, r.u.http.redirect, SLICE("/there"));
	EXPECT_UINT(t, r.u.http.status, 302);
	EXPECT_UINT(t, r.u.http.length, 2);
	app_talk_close(&k);
}

static void a_target_has_one_normal_form(struct test *t)
{
	static const struct {
		const char *raw, *normal;
	} rows[] = {
		{"/", "/"},
		{"/a//b///c", "/a/b/c"},
		{"/a\\b\\\\c", "/a/b/c"},
		{"/a%2fb%5Cc", "/a/b/c"},
		{"/a/./b/../c", "/a/c"},
		{"/a/b/..", "/a"},
		{"/..", ""},
		{"/a/.", "/a"},
		{"/a/./", "/a"},
		{"one/..", ""},
		{"/...", "/..."},
		{"/..a/.b", "/..a/.b"},
		{"foo:bar/baz", "/baz"},
		{"/../../etc", "/etc"},
		{"./a", "a"},
		{"../a", "a"},
		{".", ""},
		{"/%u0041%uff21%u4e00", "/AA?"},
		{"/%zz%4%", "/%zz%4%"},
		{"/%u00", "/%u00"},
		{"/\xc3\xa9\xe4\xb8\x80\xff", "/\xe9??"},
		{"/\xe2\x82", "/?"},
		{"/\xf0\x90\x28\xbc", "/?(?"},
		{"/\xc0\xaf\xc4\x80", "//A"},
		{"/\xf0\x9f\x98\x80x", "/?x"},
		{"/a?b=%2e%2E/../c+d", "/a?b=../../c+d"},
		{"/a?b?c#d%41", "/a?b?c#dA"},
		{"/a#", "/a#"},
		{"?q", "?q"},
		{"http://u:p@h:80/x/../y?z", "/y?z"},
		{"http://h?q", "?q"},
		{"//index.php", "/index.php"},
		{"*", "*"},
		{"/x://y", "/x:/y"},
	};
	struct arena_pool pool = {.budget = 1 << 20};
	struct arena a = {.pool = &pool};
	const struct http_setup *s = app_http_configure(NULL, &a);
	bool twice;

	for (size_t i = 0; i < COUNT(rows); i++)
		EXPECT_SLICE(t, app_http_uri_normal(slice_of(rows[i].raw), s, &a, &twice),
			     slice_of(rows[i].normal));
	EXPECT(t, app_http_uri_normal(SLICE("http://h"), s, &a, &twice).ptr == NULL);
	EXPECT(t, app_http_uri_normal(SLICE(""), s, &a, &twice).ptr == NULL);
	a.at = a.end; /* the next object needs a block */
	pool.fail_after = 1;
	EXPECT(t, app_http_uri_normal(SLICE("/"), s, &a, &twice).ptr == NULL);
	arena_reset(&a);
	arena_pool_drain(&pool);
}

static void a_host_has_one_normal_form(struct test *t)
{
	static const struct {
		const char *raw, *host, *port;
		bool ok;
	} rows[] = {
		{"Example.COM.", "example.com", NULL, true},
		{" a:8080 ", "a", "8080", true},
		{"[2001:DB8::1]:443", "[2001:db8::1]", "443", true},
		{"a:0", "a", "0", false},
		{"a:65535", "a", "65535", true},
		{"a:65536", "a", "65536", false},
		{"", "", NULL, false},
		{"a b", "a b", NULL, false},
		{"a/b", "a/b", NULL, false},
	};
	struct arena_pool pool = {.budget = 1 << 20};
	struct arena a = {.pool = &pool};
	struct slice host, port;

	for (size_t i = 0; i < COUNT(rows); i++) {
		EXPECT_UINT(t, app_http_host_normal(slice_of(rows[i].raw), &a, &host, &port),
			    rows[i].ok);
		EXPECT_SLICE(t, host, slice_of(rows[i].host));
		EXPECT_SLICE(t, port, slice_of(rows[i].port));
	}
	arena_reset(&a);
	arena_pool_drain(&pool);
}

static void headers_are_folded_joined_and_forgiven(struct test *t)
{
	static const struct app_says says[] = {
		REQ("GET / HTTP/1.1\nHost: a\n folded\n\tmore\nX: 1\r\nY : 2\nX: 3\r\nno colon\nX: "
		    "4\n\n"),
	};
	struct app_talk k;
	struct app_tx *tx;

	talk(&k, says, COUNT(says));
	tx = app_talk_tx(&k, 0);
	EXPECT_SLICE(t, TO_SERVER(tx, "http.header"),
		     SLICE("Host: a folded\tmore\r\nX: 1, 3, 4\r\nY: 2\r\n: no colon\r\n"));
	EXPECT(t, app_talk_anomaly(&k, tx, SLICE("request_header_repetition")));
	EXPECT(t, app_talk_anomaly(&k, tx, SLICE("request_field_missing_colon")));
	EXPECT(t, !app_talk_anomaly(&k, tx, SLICE("request_header_invalid")));
	EXPECT(t, app_talk_field(tx, APP_TO_SERVER, SLICE("http.request_header"), 3).ptr != NULL);
	EXPECT(t, app_talk_field(tx, APP_TO_SERVER, SLICE("http.request_header"), 4).ptr == NULL);
	app_talk_close(&k);
}

/* One conversation, and an anomaly that its first transaction must have. */
static void what_is_odd_is_an_anomaly(struct test *t)
{
#define GET "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
	static const struct {
		const char *request, *response, *anomaly;
	} rows[] = {
		{"GET / HTTP/1.1\r\n\r\n", "", "missing_host_header"},
		{"GET / HTTP/1.1\r\n x: y\r\nHost: a\r\n\r\n", "", "invalid_request_field_folding"},
		{"GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", "", "host_header_ambiguous"},
		{"GET http://a:81/ HTTP/1.1\r\nHost: a\r\n\r\n", "",
		 "request_server_port_tcp_port_mismatch"},
		{"GET http://a:x/ HTTP/1.1\r\nHost: a\r\n\r\n", "",
		 "invalid_server_port_in_request"},
		{"GET http://a:x/ HTTP/1.1\r\nHost: a\r\n\r\n", "", "request_uri_host_invalid"},
		{"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "", "request_header_host_invalid"},
		{"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", "", "method_delim_non_compliant"},
		{"GET /\tHTTP/1.1\r\nHost: a\r\n\r\n", "", "uri_delim_non_compliant"},
		{"POST / HTTP/1.1\r\nHost: a\r\n\r\nx=y\r\n", "", "request_body_unexpected"},
		{"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: x\r\n\r\n", "",
		 "request_auth_unrecognized"},
		{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
		 "", "duplicate_content_length_field_in_request"},
		{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\nx", "",
		 "content_length_extra_data_start"},
		{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1;\r\n\r\nx", "",
		 "content_length_extra_data_end"},
		{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\nx", "",
		 "invalid_content_length_field_in_request"},
		{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x\r\n\r\n", "",
		 "invalid_transfer_encoding_value_in_request"},
		{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
		 "chunked\r\n\r\n1;e=f\r\nx\r\n0\r\n\r\n",
		 "", "request_chunk_extension"},
		{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", "",
		 "invalid_request_chunk_len"},
		{"GET /\r\nHost: a\r\n\r\n", "", "request_line_missing_protocol"},
		{"GET / HTTP/1.1", "", "request_line_incomplete"},
		{GET, "HTTP/1.1 abc\r\n\r\n", "response_invalid_status"},
		{GET, "HTTP/7 200 OK\r\n\r\n", "response_invalid_protocol"},
		{GET, "HTTP/1.0 200\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		 "response_chunked_old_proto"},
		{GET, "HTTP/1.1 200\r\nTransfer-Encoding: x, chunked\r\n\r\n0\r\n\r\n",
		 "response_abnormal_transfer_encoding"},
		{GET, "HTTP/1.1 204 x\r\nContent-Length: 0\r\n\r\n", "response_body_unexpected"},
		{GET, "HTTP/1.1 101 x\r\nContent-Length: 0\r\n\r\n",
		 "switching_proto_with_content_length"},
		{GET, "HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n1;a=b\r\nx\r\n0\r\n\r\n",
		 "response_chunk_extension"},
		{GET, "HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nmore",
		 "invalid_response_chunk_len"},
		{GET, "HTTP/1.1 200\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
		 "duplicate_content_length_field_in_response"},
		{GET, "HTTP/1.1 200\r\nContent-Length: -\r\n\r\nx",
		 "invalid_content_length_field_in_response"},
		{GET, "HTTP/1.1 200\r\n x: y\r\n\r\n", "invalid_response_field_folding"},
		{GET, "HTTP/1.1 200\r\nx\r\n\r\n", "response_field_missing_colon"},
		{GET, "HTTP/1.1 200\r\na b: c\r\n\r\n", "response_header_invalid"},
		{GET, "HTTP/1.1 200\r\na: c\r\na: d\r\n\r\n", "response_header_repetition"},
		{GET, "HTTP/1.1 206\r\nContent-Type: multipart/byteranges; boundary=x\r\n\r\n",
		 "response_multipart_byteranges"},
		{GET, "HTTP/1.1 200\r\nContent-Encoding: zstd\r\n\r\nx", "abnormal_ce_header"},
		{GET, "HTTP/1.1 200\r\nContent-Encoding: gzip, gzip, gzip\r\n\r\nx",
		 "too_many_encoding_layers"},
		{GET, "HTTP/1.1 200\r\nContent-Encoding: gzip\r\n\r\nplain",
		 "gzip_decompression_failed"},
		{GET, "HTTP/1.1 100 C\r\n\r\nHTTP/1.1 100 C\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
		 "100_continue_already_seen"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct app_says says[] = {
			{.bytes = slice_of(rows[i].request)},
			{.dir = APP_TO_CLIENT, .bytes = slice_of(rows[i].response)}};
		struct app_talk k;

		talk(&k, says, 2);
		EXPECT(t, app_talk_tx(&k, 0) != NULL);
		if (!app_talk_anomaly(&k, app_talk_tx(&k, 0), slice_of(rows[i].anomaly)))
			test_fail(t, __FILE__, __LINE__, "no %s", rows[i].anomaly);
		app_talk_close(&k);
	}
}

static void leading_space_is_seen_once_the_flow_is_http(struct test *t)
{
	static const struct app_says says[] = {
		REQ(GET "\r\n\r\n GET /2 HTTP/1.1\r\nHost: a\r\n\r\n")};
	struct app_talk k;

	talk(&k, says, COUNT(says));
	EXPECT(t,
	       app_talk_anomaly(&k, app_talk_tx(&k, 1), SLICE("request_line_leading_whitespace")));
	EXPECT_SLICE(t, TO_SERVER(app_talk_tx(&k, 1), "http.uri"), SLICE("/2"));
	app_talk_close(&k);
}

static void responses_answer_requests_in_order(struct test *t)
{
	static const struct app_says says[] = {
		REQ("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nHEAD /2 HTTP/1.1\r\nHost: a\r\n\r\n"
		    "GET /3 HTTP/1.1\r\nHost: a\r\n\r\n"),
		RES("HTTP/1.1 100 Continue\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: "
		    "3\r\n\r\none"
		    "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nHTTP/1.1 304 Not\r\n\r\n\r\n"
		    "HTTP/1.1 200 OK\r\n\r\nunasked"),
	};
	struct app_talk k;

	talk(&k, says, COUNT(says));
	EXPECT_SLICE(t, TO_CLIENT(app_talk_tx(&k, 0), "http.response_body"), SLICE("one"));
	EXPECT(t, TO_CLIENT(app_talk_tx(&k, 1), "http.response_body").ptr == NULL);
	EXPECT_SLICE(t, TO_CLIENT(app_talk_tx(&k, 1), "http.stat_code"), SLICE("200"));
	EXPECT_SLICE(t, TO_CLIENT(app_talk_tx(&k, 2), "http.stat_code"), SLICE("304"));
	EXPECT_SLICE(t, TO_CLIENT(app_talk_tx(&k, 3), "http.response_body"), SLICE("unasked"));
	EXPECT(t, app_talk_anomaly(&k, app_talk_tx(&k, 3),
				   SLICE("unable_to_match_response_to_request")));
	EXPECT(t, app_talk_tx(&k, 4) == NULL);
	app_talk_close(&k);
}

static bool always(const struct app_tx *tx)
{
	(void)tx;
	return true;
}

static void finished_transactions_are_swept(struct test *t)
{
	struct app_talk k;

	EXPECT(t, app_talk_open(&k, APP_TCP, 80, 0));
	for (unsigned i = 0; i < 3 * APP_TXS_MAX; i++) {
		app_talk_say(&k, APP_TO_SERVER, SLICE(GET), 0);
		app_tx_sweep(k.f, always);
		EXPECT_UINT(t, k.f->open_txs, 1);
		app_tx_sweep(k.f, always);
		EXPECT_UINT(t, k.f->open_txs, 1); /* not answered */
		app_talk_say(&k, APP_TO_CLIENT, SLICE("HTTP/1.1 204 No\r\n\r\n"), 0);
		app_tx_sweep(k.f, always);
		EXPECT_UINT(t, k.f->open_txs, 1); /* its answer may be longer than it said */
	}
	for (unsigned i = 0; i < APP_TXS_MAX - 1; i++)
		app_talk_say(&k, APP_TO_SERVER, SLICE(GET), 0);
	EXPECT_UINT(t, k.f->state, APP_PARSING);
	app_talk_say(&k, APP_TO_SERVER, SLICE(GET), 0);
	EXPECT_UINT(t, k.f->state, APP_GIVEN_UP);
	app_talk_close(&k);
}

static void a_tunnel_ends_the_parsing(struct test *t)
{
	static const struct app_says open[] = {
		REQ("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n"),
		RES("HTTP/1.1 200 OK\r\n\r\n"),
		REQ("GET /inside HTTP/1.1\r\nHost: a\r\n\r\n"),
	};
	static const struct app_says refused[] = {
		REQ("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n"),
		RES("HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n"),
		REQ("GET /2 HTTP/1.1\r\nHost: a\r\n\r\n"),
	};
	static const struct app_says upgrade[] = {
		REQ("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\n\r\n"),
		RES("HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\nbinary"),
	};
	struct app_talk k;

	talk(&k, open, COUNT(open));
	EXPECT(t, k.f->before == &app_http && app_talk_tx(&k, 1) == NULL);
	EXPECT_SLICE(t, TO_SERVER(app_talk_tx(&k, 0), "http.uri"), SLICE("/inside"));
	app_talk_close(&k);
	talk(&k, open, 2);
	EXPECT(t, k.f->changing);
	EXPECT_SLICE(t, TO_SERVER(app_talk_tx(&k, 0), "http.host"), SLICE("h"));
	EXPECT(t, TO_SERVER(app_talk_tx(&k, 0), "http.uri").ptr == NULL);
	app_talk_close(&k);
	talk(&k, refused, COUNT(refused));
	EXPECT(t, !k.f->stop_inspecting);
	EXPECT_SLICE(t, TO_SERVER(app_talk_tx(&k, 1), "http.uri"), SLICE("/2"));
	app_talk_close(&k);
	talk(&k, upgrade, COUNT(upgrade));
	EXPECT(t, k.f->stop_inspecting);
	EXPECT_SLICE(t, TO_CLIENT(app_talk_tx(&k, 0), "http.stat_code"), SLICE("101"));
	app_talk_close(&k);
}

static void a_simple_request_gets_a_bare_body(struct test *t)
{
	static const struct app_says says[] = {REQ("GET /old\r\n"), RES("<p>no head</p>"),
					       REQ("rubbish")};
	struct app_talk k;

	talk(&k, says, COUNT(says));
	EXPECT(t, app_talk_anomaly(&k, app_talk_tx(&k, 0), SLICE("")));
	EXPECT_SLICE(t, TO_SERVER(app_talk_tx(&k, 0), "http.uri"), SLICE("/old"));
	EXPECT_SLICE(t, TO_CLIENT(app_talk_tx(&k, 0), "http.response_body"),
		     SLICE("<p>no head</p>"));
	app_talk_close(&k);
}

static void chunks_are_joined_and_trailers_kept_raw(struct test *t)
{
	static const struct app_says says[] = {
		REQ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
		    "3\r\nabc\r\n0a\r\n0123456789\r\n0\r\nT: trailer\r\n\r\n" GET),
		RES("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\nxy\n0\n\nHTTP/1.1 204 "
		    "x\r\n\r\n"),
	};
	struct app_talk k;
	struct app_tx *tx;

	talk(&k, says, COUNT(says));
	tx = app_talk_tx(&k, 0);
	EXPECT_SLICE(t, TO_SERVER(tx, "http.request_body"), SLICE("abc0123456789"));
	EXPECT(t,
	       slice_ends(TO_SERVER(tx, "http.header.raw"), SLICE("\r\n\r\nT: trailer\r\n\r\n")));
	EXPECT_SLICE(t, TO_CLIENT(tx, "http.response_body"), SLICE("xy"));
	EXPECT_SLICE(t, TO_CLIENT(app_talk_tx(&k, 1), "http.stat_code"), SLICE("204"));
	app_talk_close(&k);
}

enum coding { GZIP = 31, ZLIB = 15, RAW = -15 };

/* in packed into out; returns the bytes written. */
static size_t pack(enum coding c, const uint8_t *in, size_t n, uint8_t *out, size_t room)
{
	z_stream z = {.next_in = (uint8_t *)(uintptr_t)in,
		      .avail_in = (unsigned)n,
		      .next_out = out,
		      .avail_out = (unsigned)room};

	ASSERT(deflateInit2(&z, 9, Z_DEFLATED, c, 8, Z_DEFAULT_STRATEGY) == Z_OK);
	ASSERT(deflate(&z, Z_FINISH) == Z_STREAM_END);
	ASSERT(deflateEnd(&z) == Z_OK);
	return room - z.avail_out;
}

/* A response with that coding and body; NULL coding: none. */
static void respond(struct app_talk *k, const char *coding, struct slice body, bool check)
{
	static uint8_t room[1 << 20];
	int n = snprintf((char *)room, sizeof room,
			 "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nContent-Encoding: %s\r\n\r\n",
			 body.len, coding);
	struct app_says says[] = {REQ(GET), {.dir = APP_TO_CLIENT}};

	memcpy(room + n, body.ptr, body.len);
	says[1].bytes = (struct slice){room, (size_t)n + body.len};
	if (check) {
		talk(k, says, 2);
	} else {
		ASSERT(app_talk_open(k, APP_TCP, 80, 0));
		app_talk_say(k, APP_TO_SERVER, says[0].bytes, 0);
		app_talk_say(k, APP_TO_CLIENT, says[1].bytes, 0);
		app_talk_eof(k);
	}
}

static void codings_are_undone(struct test *t)
{
	static const struct slice text = {(const uint8_t *)"what was really said, said", 26};
	static const struct {
		const char *name;
		enum coding first, second;
	} rows[] = {
		{"gzip", GZIP, 0},
		{"x-gzip", GZIP, 0},
		{"deflate", ZLIB, 0},
		{"deflate", RAW, 0},
		{"gzip", ZLIB, 0},
		{"deflate", GZIP, 0},
		{"deflate, gzip", RAW, GZIP},
		{"gzip, gzip", GZIP, GZIP},
		{"gzip", RAW, 0},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		uint8_t one[256], two[256];
		struct slice body = {one, pack(rows[i].first, text.ptr, text.len, one, sizeof one)};
		struct app_talk k;

		if (rows[i].second != 0)
			body = (struct slice){two,
					      pack(rows[i].second, one, body.len, two, sizeof two)};
		respond(&k, rows[i].name, body, true);
		EXPECT_SLICE(t, TO_CLIENT(app_talk_tx(&k, 0), "file.data"), text);
		EXPECT(t, app_talk_anomaly(&k, app_talk_tx(&k, 0), SLICE("")));
		app_talk_close(&k);
	}
}

static void a_broken_coding_keeps_what_was_right(struct test *t)
{
	uint8_t packed[4096], text[1000];
	struct slice body = {packed, 0}, got;
	struct app_talk k;

	for (size_t i = 0; i < sizeof text; i++)
		text[i] = (uint8_t)test_rand(t);
	body.len = pack(GZIP, text, sizeof text, packed, sizeof packed);
	memset(packed + body.len - 8, 0xee, 8); /* the checksum */
	respond(&k, "gzip", body, true);
	got = TO_CLIENT(app_talk_tx(&k, 0), "file.data");
	EXPECT_SLICE(t, got, ((struct slice){text, sizeof text}));
	EXPECT(t, app_talk_anomaly(&k, app_talk_tx(&k, 0), SLICE(""))); /* nobody looks at it */
	app_talk_close(&k);
	body.len /= 2;
	respond(&k, "gzip", body, true);
	got = TO_CLIENT(app_talk_tx(&k, 0), "file.data");
	EXPECT(t, got.len > 0 && slice_starts((struct slice){text, sizeof text}, got));
	app_talk_close(&k);
	respond(&k, "gzip", SLICE("not gzip"), true);
	EXPECT_SLICE(t, TO_CLIENT(app_talk_tx(&k, 0), "file.data"), SLICE("not gzip"));
	EXPECT(t, app_talk_anomaly(&k, app_talk_tx(&k, 0), SLICE("gzip_decompression_failed")));
	app_talk_close(&k);
}

static void only_the_beginning_of_a_body_is_kept(struct test *t)
{
	static const size_t sizes[] = {HTTP_BODY_KEPT - 1, HTTP_BODY_KEPT, HTTP_BODY_KEPT + 1};
	uint8_t *text = calloc(1, HTTP_BODY_KEPT + 1), packed[1024];

	for (size_t i = 0; i < COUNT(sizes); i++) {
		size_t kept = sizes[i] < HTTP_BODY_KEPT ? sizes[i] : HTTP_BODY_KEPT;
		struct app_talk k;
		struct record r = {0};

		respond(&k, "identity", (struct slice){text, sizes[i]}, false);
		EXPECT_UINT(t, TO_CLIENT(app_talk_tx(&k, 0), "file.data").len, kept);
		EXPECT(t, app_http.log(app_talk_tx(&k, 0), 0, &app_talk_tx(&k, 0)->arena, &r) &&
				  r.u.http.length == sizes[i]);
		app_talk_close(&k);
		respond(&k, "gzip",
			(struct slice){packed, pack(GZIP, text, sizes[i], packed, sizeof packed)},
			false);
		EXPECT_UINT(t, TO_CLIENT(app_talk_tx(&k, 0), "file.data").len, kept);
		app_talk_close(&k);
	}
	free(text);
}

static void a_bomb_is_defused(struct test *t)
{
	size_t n = 64 << 20, one_len, two_len;
	uint8_t *zeros = calloc(1, n), *one = malloc(1 << 20), two[4096];
	struct app_talk k;

	one_len = pack(GZIP, zeros, n, one, 1 << 20);
	two_len = pack(GZIP, one, one_len, two, sizeof two);
	respond(&k, "gzip, gzip", (struct slice){two, two_len}, true);
	EXPECT_UINT(t, TO_CLIENT(app_talk_tx(&k, 0), "file.data").len, HTTP_BODY_KEPT);
	EXPECT(t, k.pool.budget == 64 << 20);
	app_talk_close(&k);
	/* an inner layer that swallows all: the outer one stops at its own limit */
	for (size_t i = 0; i + 5 <= n / 8; i += 5)
		memcpy(zeros + i, "\x00\x00\x00\xff\xff", 5); /* empty stored blocks */
	one_len = pack(GZIP, zeros, n / 8, one, 1 << 20);
	respond(&k, "deflate, gzip", (struct slice){one, one_len}, true);
	EXPECT(t, app_talk_anomaly(&k, app_talk_tx(&k, 0), SLICE("compression_bomb")));
	app_talk_close(&k);
	free(zeros);
	free(one);
}

static void a_gap_is_survived_in_bodies_and_heads(struct test *t)
{
	static const struct app_says in_body[] = {
		REQ(GET GET),
		RES("HTTP/1.1 200 OK\r\nContent-Length: 110\r\n\r\nabcd"),
		{.dir = APP_TO_CLIENT, .gap = 100, .bytes = {(const uint8_t *)"012345", 6}},
		RES("HTTP/1.1 204 No\r\n\r\n"),
	};
	static const struct app_says to_end[] = {
		REQ(GET),
		RES("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n"),
		{.dir = APP_TO_CLIENT,
		 .gap = 100,
		 .bytes = {(const uint8_t *)"\r\n2\r\nxy\r\n0\r\n\r\n", 14}},
	};
	static const struct app_says exact[] = {
		REQ(GET),
		RES("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n"),
		{.dir = APP_TO_CLIENT,
		 .gap = 7,
		 .bytes = {(const uint8_t *)"HTTP/1.1 200 x\r\n\r\n", 18}},
	};
	static const struct app_says too_much[] = {
		REQ(GET GET),
		RES("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n"),
		{.dir = APP_TO_CLIENT,
		 .gap = 8,
		 .bytes = {(const uint8_t *)"x\nHTTP/1.1 204 No\r\n\r\n", 22}},
	};
	static const struct app_says in_head[] = {
		REQ("GET / HTTP/1.1\r\nHo"),
		{.dir = APP_TO_SERVER, .gap = 9, .bytes = {(const uint8_t *)"x", 1}},
	};
	static const struct app_says to_close[] = {
		REQ("GET /\r\n"),
		RES("abc"),
		{.dir = APP_TO_CLIENT, .gap = 9, .bytes = {(const uint8_t *)"x", 1}},
		{.dir = APP_TO_SERVER, .bytes = {(const uint8_t *)"xx\r\n", 4}},
		{.dir = APP_TO_SERVER, .gap = 1, .bytes = {(const uint8_t *)"x", 1}},
	};
	struct app_talk k;

	talk(&k, in_body, COUNT(in_body));
	EXPECT_SLICE(t, TO_CLIENT(app_talk_tx(&k, 0), "http.response_body"), SLICE("abcd012345"));
	EXPECT_SLICE(t, TO_CLIENT(app_talk_tx(&k, 1), "http.stat_code"), SLICE("204"));
	app_talk_close(&k);
	talk(&k, to_end, COUNT(to_end));
	EXPECT_SLICE(t, TO_CLIENT(app_talk_tx(&k, 0), "http.response_body"), SLICE("xy"));
	app_talk_close(&k);
	talk(&k, exact, COUNT(exact));
	EXPECT(t, app_talk_tx(&k, 1) != NULL);
	app_talk_close(&k);
	talk(&k, too_much, COUNT(too_much));
	EXPECT_UINT(t, k.f->state, APP_PARSING);
	EXPECT_SLICE(t, TO_CLIENT(app_talk_tx(&k, 1), "http.stat_code"), SLICE("204"));
	app_talk_close(&k);
	EXPECT(t, app_talk_open(&k, APP_TCP, 80, 0));
	app_talk_say(&k, APP_TO_SERVER, in_head[0].bytes, 0);
	app_gap(k.f, APP_TO_SERVER, in_head[1].gap);
	app_talk_say(&k, APP_TO_SERVER, SLICE("st: a\r\n\r\n"), 0); /* as if nothing were missing */
	EXPECT_SLICE(t, TO_SERVER(app_talk_tx(&k, 0), "http.host"), SLICE("a"));
	app_talk_close(&k);
	EXPECT(t, app_talk_open(&k, APP_TCP, 80, 0));
	app_talk_say(&k, APP_TO_SERVER, SLICE("GET /mal"), 3);
	app_gap(k.f, APP_TO_SERVER, 1);
	app_talk_say(&k, APP_TO_SERVER, SLICE("icious HTTP/1.1\r\n\r\n"), 3);
	EXPECT_SLICE(t, TO_SERVER(app_talk_tx(&k, 0), "http.uri"), SLICE("/malicious"));
	app_talk_close(&k);
	EXPECT(t, app_talk_open(&k, APP_TCP, 80, 0));
	app_talk_say(&k, APP_TO_SERVER,
		     SLICE("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"), 0);
	app_gap(k.f, APP_TO_SERVER, 1);
	EXPECT(t, k.f->eof[APP_TO_SERVER]); /* it hides a chunk's size */
	app_talk_close(&k);
	talk(&k, to_close, COUNT(to_close));
	EXPECT_SLICE(t, TO_CLIENT(app_talk_tx(&k, 0), "http.response_body"), SLICE("abcx"));
	EXPECT_UINT(t, k.f->state, APP_PARSING);
	app_talk_close(&k);
}

static void lines_have_a_limit(struct test *t)
{
	static uint8_t line[HTTP_LINE_MAX + 64];

	for (size_t n = HTTP_LINE_MAX - 1; n <= HTTP_LINE_MAX + 1; n++) {
		struct app_talk k;
		bool fits = n <= HTTP_LINE_MAX;

		memset(line, 'a', sizeof line);
		memcpy(line, "GET /", 5);
		memcpy(line + n - 11, " HTTP/1.1\r\n", 11);
		ASSERT(app_talk_open(&k, APP_TCP, 80, 0));
		app_talk_say(&k, APP_TO_SERVER, (struct slice){line, n}, 1000);
		EXPECT_UINT(t, k.f->state, fits ? APP_PARSING : APP_GIVEN_UP);
		EXPECT(t, app_talk_anomaly(&k, app_talk_tx(&k, 0),
					   SLICE("request_field_too_long")) == !fits);
		app_talk_close(&k);

		ASSERT(app_talk_open(&k, APP_TCP, 80, 0));
		app_talk_say(&k, APP_TO_SERVER, SLICE(GET), 0);
		memset(line, 'a', sizeof line);
		line[n - 1] = '\n';
		app_talk_say(&k, APP_TO_CLIENT, SLICE("HTTP/1.1 200 OK\r\n"), 0);
		app_talk_say(&k, APP_TO_CLIENT, (struct slice){line, n}, 0);
		EXPECT(t, app_talk_anomaly(&k, app_talk_tx(&k, 0),
					   SLICE("response_field_too_long")) == !fits);
		app_talk_close(&k);

		ASSERT(app_talk_open(&k, APP_TCP, 80, 0));
		memcpy(line, "HTTP/1.1 ", 9);
		app_talk_say(&k, APP_TO_CLIENT, (struct slice){line, n}, 0);
		EXPECT(t, app_talk_anomaly(&k, app_talk_tx(&k, 0),
					   SLICE("response_field_too_long")) == !fits);
		app_talk_close(&k);
	}
}

static void headers_have_a_limit(struct test *t)
{
	for (unsigned n = HTTP_HEADERS_MAX - 1; n <= HTTP_HEADERS_MAX + 1; n++) {
		struct app_talk k;
		char line[32];

		ASSERT(app_talk_open(&k, APP_TCP, 80, 0));
		app_talk_say(&k, APP_TO_SERVER, SLICE("GET / HTTP/1.0\r\n"), 0);
		for (unsigned i = 0; i < n; i++) {
			int len = snprintf(line, sizeof line, "h%u: v\r\n", i);

			app_talk_say(&k, APP_TO_SERVER,
				     (struct slice){(const uint8_t *)line, (size_t)len}, 0);
		}
		app_talk_say(&k, APP_TO_SERVER, SLICE("\r\n"), 0);
		EXPECT(t, app_talk_anomaly(&k, app_talk_tx(&k, 0),
					   SLICE("request_too_many_headers")) ==
				  (n > HTTP_HEADERS_MAX));
		app_talk_close(&k);
		/* repetitions of one header are joined up to a limit of their own */
		ASSERT(app_talk_open(&k, APP_TCP, 80, 0));
		app_talk_say(&k, APP_TO_SERVER, SLICE("GET / HTTP/1.0\r\n"), 0);
		for (unsigned i = 0; i < n; i++)
			app_talk_say(&k, APP_TO_SERVER, SLICE("a: b\r\n"), 0);
		app_talk_say(&k, APP_TO_SERVER, SLICE("\r\n"), 0);
		EXPECT_UINT(t, TO_SERVER(app_talk_tx(&k, 0), "http.header").len,
			    3 + 1 + 3 * (HTTP_REPEATS_MAX + 1) + 2);
		app_talk_close(&k);
	}
}

static void a_response_may_be_longer_than_it_says(struct test *t)
{
	static const struct app_says says[] = {
		REQ(GET GET),
		RES("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and\r\nmore\r\n"
		    "HTTP/1.1 204 No\r\n\r\n"),
	};
	struct app_talk k;

	talk(&k, says, COUNT(says));
	EXPECT_SLICE(t, TO_CLIENT(app_talk_tx(&k, 0), "http.response_body"),
		     SLICE("ok and\r\nmore\r\n"));
	EXPECT(t, app_talk_anomaly(&k, app_talk_tx(&k, 0), SLICE("response_body_unexpected")));
	EXPECT(t, app_talk_tx(&k, 0)->files[APP_TO_CLIENT].first->size == 14);
	EXPECT_SLICE(t, TO_CLIENT(app_talk_tx(&k, 1), "http.stat_code"), SLICE("204"));
	app_talk_close(&k);
}

static bool never(const struct app_tx *tx)
{
	(void)tx;
	return false;
}

/* Says it, answers with `res`, and sweeps with `done`: is the transaction still there? */
static bool stays(struct app_talk *k, const char *res, bool (*done)(const struct app_tx *tx))
{
	app_talk_say(k, APP_TO_SERVER, SLICE(GET), 0);
	app_talk_say(k, APP_TO_CLIENT, slice_of(res), 0);
	for (enum app_dir d = APP_TO_SERVER; d <= APP_TO_CLIENT; d++)
		if (k->f->frames[d] != NULL)
			k->f->frames[d]->count = 0; /* rules and the log are through with them */
	app_tx_sweep(k->f, done);
	return k->f->first != NULL;
}

#define OK_2 "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

/* Http's invariant 1: what is over for all goes, though the connection stays. */
static void the_last_transaction_is_let_go_of_and_remembered(struct test *t)
{
	struct app_talk k;
	struct app_tx *tx;

	EXPECT(t, app_talk_open(&k, APP_TCP, 80, 0));
	EXPECT(t, stays(&k, OK_2, never));
	app_tx_sweep(k.f, always);
	EXPECT(t, k.f->first == NULL && k.f->open_txs == 0);
	EXPECT(t, !stays(&k, OK_2, always));
	/* its answer was longer than it said: it is named, and no rule looks at it again */
	app_talk_say(&k, APP_TO_CLIENT, SLICE("more\r\n"), 0);
	tx = k.f->first;
	EXPECT(t, tx != NULL && tx->id == 1 && tx->logged && tx->blind == 3 && tx->next == NULL);
	EXPECT(t, app_talk_anomaly(&k, tx, SLICE("response_body_unexpected")));
	app_tx_sweep(k.f, always);
	EXPECT(t, k.f->first == NULL);
	app_talk_say(&k, APP_TO_CLIENT, SLICE("and more\r\n"), 0);
	EXPECT(t, k.f->first == NULL); /* once */
	/* before a request that is under way, and then never again */
	EXPECT(t, !stays(&k, OK_2, always));
	app_talk_say(&k, APP_TO_SERVER, SLICE("GET /"), 0);
	app_talk_say(&k, APP_TO_CLIENT, SLICE("more\r\n"), 0);
	EXPECT(t, k.f->first != NULL && k.f->first->id == 2 && k.f->open_txs == 1);
	app_tx_sweep(k.f, always);
	app_talk_say(&k, APP_TO_SERVER, SLICE(" HTTP/1.1\r\nHost: a\r\n\r\n"), 0);
	EXPECT(t, k.f->first != NULL && k.f->first->id == 3);
	app_talk_say(&k, APP_TO_CLIENT, SLICE(OK_2 "HTTP/1.1 204 No\r\n\r\n"), 0);
	EXPECT(t, app_talk_anomaly(&k, app_talk_tx(&k, 1),
				   SLICE("unable_to_match_response_to_request")));
	app_talk_close(&k);
}

/* What may yet change of it is a reason to keep it. */
static void what_may_be_added_to_is_not_let_go_of(struct test *t)
{
	static const char *const kept[] = {
		"HTTP/1.1 204 No\r\n\r\n",			/* a file may begin */
		"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", /* the same */
		"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b",
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok",
	};
	struct app_talk k;

	for (size_t i = 0; i < COUNT(kept); i++) {
		EXPECT(t, app_talk_open(&k, APP_TCP, 80, 0));
		EXPECT(t, stays(&k, kept[i], always));
		app_talk_close(&k);
	}
	for (unsigned why = 0; why < 3; why++) { /* a rule waits; a frame is open; alerts name it */
		EXPECT(t, app_talk_open(&k, APP_TCP, 80, 0));
		((struct app_setup *)(uintptr_t)k.f->setup)->keep_last = why == 2;
		EXPECT(t, stays(&k, OK_2, never));
		k.f->first->awaited = why == 0;
		if (why == 1)
			k.f->frames[APP_TO_CLIENT]->count = 1;
		app_tx_sweep(k.f, always);
		EXPECT(t, k.f->first != NULL);
		app_talk_eof(&k);
		app_tx_sweep(k.f, always);
		EXPECT(t, k.f->first == NULL); /* nothing more can come */
		app_talk_close(&k);
	}
}

static struct file *uploaded(const struct app_talk *k, unsigned n)
{
	struct file *f = app_talk_tx(k, 0)->files[APP_TO_SERVER].first;

	while (f != NULL && n-- != 0)
		f = f->next;
	return f;
}

static void a_form_holds_files(struct test *t)
{
	static const struct app_says says[] = {
		REQ("POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 330\r\n"
		    "Content-Type: multipart/form-data; boundary=\"--b\"\r\n\r\n"
		    "----b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\nno file\r\n"
		    "----b\r\nContent-Disposition: form-data; name=y; filename=\"a;b.txt\"\r\n"
		    "Content-Type: text/plain\r\n\r\n\r\n--one\r\r\n----\r\n\r\n"
		    "----b\r\nContent-Disposition: form-data; name=z; filename=two\r\n\r\n"
		    "\r\n----b\r\nContent-Disposition: form-data; filename=three\r\n\r\n33"
		    "\r\n----b--\r\nbehind"),
	};
	struct app_talk k;

	talk(&k, says, COUNT(says));
	EXPECT(t, uploaded(&k, 2) != NULL && uploaded(&k, 3) == NULL);
	EXPECT_SLICE(t, uploaded(&k, 0)->name, SLICE("a;b.txt"));
	EXPECT_SLICE(t, buf_slice(&uploaded(&k, 0)->kept), SLICE("\r\n--one\r\r\n----\r\n"));
	EXPECT_SLICE(t, uploaded(&k, 1)->name, SLICE("two"));
	EXPECT_UINT(t, uploaded(&k, 1)->size, 0);
	EXPECT_SLICE(t, buf_slice(&uploaded(&k, 2)->kept), SLICE("33"));
	EXPECT_UINT(t, uploaded(&k, 2)->state, FILE_CLOSED);
	EXPECT(t, app_talk_anomaly(&k, app_talk_tx(&k, 0), SLICE("multipart_no_filedata")));
	app_talk_close(&k);
}

/* What stands behind the end of the request is a body that nobody announced: none of a form that
 * was announced, but a form of its own, in whatever pieces it comes. */
static void a_form_ends_where_its_length_says(struct test *t)
{
#define FORM(length)                                                                               \
	REQ("POST /up HTTP/1.1\r\nHost: a\r\n" length                                              \
	    "Content-Type: multipart/form-data; boundary=b\r\n\r\n"                                \
	    "--b\r\nContent-Disposition: form-data; filename=x\r\n\r\nda\r\nta\r\n--b--\r\n")
	static const struct app_says announced[] = {FORM("Content-Length: 28\r\n")},
				     not_announced[] = {FORM("")};
#undef FORM
	struct app_talk k;

	app_check_all(&app_http, announced, 1, 0);
	talk(&k, announced, 1);
	EXPECT(t, app_talk_anomaly(&k, app_talk_tx(&k, 0), SLICE("request_body_unexpected")));
	EXPECT(t, uploaded(&k, 0) == NULL);
	app_talk_close(&k);
	app_check_all(&app_http, not_announced, 1, 0);
	talk(&k, not_announced, 1);
	EXPECT(t, app_talk_anomaly(&k, app_talk_tx(&k, 0), SLICE("request_body_unexpected")));
	EXPECT_SLICE(t, buf_slice(&uploaded(&k, 0)->kept), SLICE("da\r\nta"));
	EXPECT_UINT(t, uploaded(&k, 0)->state, FILE_CLOSED);
	app_talk_close(&k);
}

static void probing_knows_methods_and_responses(struct test *t)
{
	static const struct {
		const char *text;
		enum app_dir dir;
		enum app_probe want;
	} rows[] = {
		{"GET / HTTP/1.1\r\n", APP_TO_SERVER, APP_YES},
		{"GET\t/", APP_TO_SERVER, APP_YES},
		{"GET", APP_TO_SERVER, APP_NEED_MORE},
		{"GETX /", APP_TO_SERVER, APP_NO},
		{"get / HTTP/1.1", APP_TO_SERVER, APP_NO},
		{"PROP", APP_TO_SERVER, APP_NEED_MORE},
		{"PROPFIND /", APP_TO_SERVER, APP_YES},
		{"OPTIONS sip:a@b SIP/2.0", APP_TO_SERVER, APP_NO},
		{"OPTIONS si", APP_TO_SERVER, APP_NEED_MORE},
		{"OPTIONS *", APP_TO_SERVER, APP_YES},
		{"OPTIONS /abc", APP_TO_SERVER, APP_YES},
		{"HTTP/1.1 200 OK", APP_TO_CLIENT, APP_YES},
		{"HTTP/0.9 200 OK", APP_TO_CLIENT, APP_YES},
		{"HTTP/", APP_TO_CLIENT, APP_NEED_MORE},
		{"HTTP/2", APP_TO_CLIENT, APP_NO},
		{"HTTP/1.1 200 OK", APP_TO_SERVER, APP_NO},
		{"", APP_TO_SERVER, APP_NEED_MORE},
	};
	struct app_flow f = {.transport = APP_TCP};

	for (size_t i = 0; i < COUNT(rows); i++)
		EXPECT_UINT(t, app_http.probe(&f, rows[i].dir, slice_of(rows[i].text), false),
			    rows[i].want);
}

static void any_mix_of_messages_says_the_same_in_any_cut(struct test *t)
{
	static const char *const parts[] = {
		"GET /a HTTP/1.1\r\n",
		"Host: a\r\n",
		"\r\n",
		"Content-Length: 5\r\n",
		"hello",
		"5\r\nhello\r\n",
		"0\r\n\r\n",
		"Transfer-Encoding: chunked\r\n",
		" folded\r\n",
		"HTTP/1.1 200 OK\r\n",
		"\n",
		"Content-Encoding: gzip\r\n",
		"POST /b HTTP/1.0\r\n",
		"HTTP/1.1 100 C\r\n\r\n",
		"\x1f\x8b\x08",
		"CONNECT a:1 HTTP/1.1\r\n",
		"GET /\r\n",
	};

	for (int round = 0; round < 400; round++) {
		char text[8][256] = {{0}};
		struct app_says says[8] = {{0}};

		for (size_t i = 0; i < COUNT(says); i++) {
			size_t n = test_rand(t) % 8, len = 0;

			for (size_t k = 0; k < n; k++) {
				const char *p = parts[test_rand(t) % COUNT(parts)];

				memcpy(text[i] + len, p, strlen(p));
				len += strlen(p);
			}
			says[i] = (struct app_says){.dir = i % 2 ? APP_TO_CLIENT : APP_TO_SERVER,
						    .bytes = {(const uint8_t *)text[i], len},
						    .gap = test_rand(t) % 16 == 0};
		}
		says[0].bytes = SLICE("GET /a HTTP/1.1\r\n");
		app_check_all(&app_http, says, COUNT(says), 0);
	}
}

TESTS(T(a_request_and_its_response_fill_the_buffers), T(a_target_has_one_normal_form),
      T(a_host_has_one_normal_form), T(headers_are_folded_joined_and_forgiven),
      T(what_is_odd_is_an_anomaly), T(leading_space_is_seen_once_the_flow_is_http),
      T(responses_answer_requests_in_order), T(finished_transactions_are_swept),
      T(a_tunnel_ends_the_parsing), T(a_simple_request_gets_a_bare_body),
      T(chunks_are_joined_and_trailers_kept_raw), T(codings_are_undone),
      T(a_broken_coding_keeps_what_was_right), T(only_the_beginning_of_a_body_is_kept),
      T(a_bomb_is_defused), T(a_gap_is_survived_in_bodies_and_heads), T(lines_have_a_limit),
      T(headers_have_a_limit), T(a_response_may_be_longer_than_it_says),
      T(the_last_transaction_is_let_go_of_and_remembered), T(what_may_be_added_to_is_not_let_go_of),
      T(a_form_holds_files), T(a_form_ends_where_its_length_says),
      T(probing_knows_methods_and_responses), T(any_mix_of_messages_says_the_same_in_any_cut))
