/* SPDX-License-Identifier: Apache-2.0
 * Transforms that undo encodings, and what pcre captures. HTTP lends its buffers. */
#include <stdio.h>
#include <zlib.h>

#include "sensor/detect/detect_fixture.h"
#include "test.h"

/* Hits of one request on one rule; -1: the rule does not compile. */
static int hits_of(const char *options, const char *request, struct fixture *x)
{
	char text[512];

	(void)snprintf(text, sizeof text, "alert http any any -> any any (%s sid:1;)\n", options);
	if (!fixture_rules(x, slice_of(text), 0) || detect_rules_count(x->rules) != 1)
		return -1;
	fixture_flow(x, IP_PROTO_TCP, 80);
	fixture_app(x, APP_TCP);
	fixture_handshake(x);
	fixture_say(x, FLOW_TO_SERVER, slice_of(request));
	return (int)x->hits;
}

static void each_transform_gives_what_it_says(struct test *t)
{
	static const char get[] = "GET /?a=Zm9v&b=Zm%209v HTTP/1.1\r\nHost: www.shop.co.uk\r\n\r\n";
	static const struct {
		const char *options;
		int hits;
	} rows[] = {
		{"http.uri; from_base64:offset 4, bytes 4; content:\"foo\"; bsize:3;", 1},
		{"http.uri; from_base64:offset 4; content:\"foo\"; bsize:3;", 1}, /* & ends it */
		{"http.uri; from_base64:offset 11, mode rfc2045; content:\"foo\"; bsize:3;", 1},
		{"http.uri; from_base64:offset 11, mode rfc4648; content:\"foo\";", 0},
		{"http.uri; from_base64:offset 4, mode strict; content:\"foo\";", 0},
		{"http.uri; from_base64:offset 4, bytes 4, mode strict; content:\"foo\";", 1},
		{"http.uri; from_base64:offset 4, bytes 3, mode strict; content:\"fo\";", 0},
		{"http.host; domain; content:\"shop.co.uk\"; bsize:10;", 1},
		{"http.host; tld; content:\"co.uk\"; bsize:5;", 1},
		{"http.uri; pcrexform:\"a=([A-Z]+)\"; content:\"Z\"; bsize:1;", 1},
		{"http.uri; pcrexform:\"b(o+)gus\"; content:\"/?a=\"; startswith;", 1},
		{"http.uri; gunzip; content:\"a\";", 0},
		{"http.uri; from_base64:mode bogus; content:\"a\";", -1},
		{"http.uri; from_base64:bytes 0; content:\"a\";", -1},
		{"http.uri; gunzip:max-size 0; content:\"a\";", -1},
		{"http.uri; gunzip:max-size 65537; content:\"a\";", -1},
		{"http.uri; domain:x; content:\"a\";", -1},
		{"http.uri; pcrexform:x; content:\"a\";", -1},
		{"http.uri; pcrexform:\"(\"; content:\"a\";", -1},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct fixture x;
		int hits = hits_of(rows[i].options, get, &x);

		if (hits != rows[i].hits)
			test_fail(t, __FILE__, __LINE__, "%s: %d, want %d", rows[i].options, hits,
				  rows[i].hits);
		fixture_done(&x);
	}
}

/* A body that is the zlib form of text of `n` bytes, given to a rule. */
static int hits_of_packed(const char *options, size_t n, int window)
{
	static uint8_t plain[1 << 17], packed[1 << 17];
	static char request[1 << 17];
	z_stream z = {.next_in = plain, .avail_in = (uInt)n, .next_out = packed};
	struct fixture x;
	char text[512];
	int head, hits = -1;

	memset(plain, 'a', n);
	z.avail_out = sizeof packed;
	if (deflateInit2(&z, 9, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY) != Z_OK ||
	    deflate(&z, Z_FINISH) != Z_STREAM_END)
		return -2;
	head = snprintf(request, sizeof request,
			"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %lu\r\n\r\n", z.total_out);
	memcpy(request + head, packed, z.total_out);
	(void)snprintf(text, sizeof text, "alert http any any -> any any (%s sid:1;)\n", options);
	if (fixture_rules(&x, slice_of(text), 0) && detect_rules_count(x.rules) == 1) {
		fixture_flow(&x, IP_PROTO_TCP, 80);
		fixture_app(&x, APP_TCP);
		fixture_handshake(&x);
		fixture_say(&x, FLOW_TO_SERVER,
			    (struct slice){(const uint8_t *)request,
					   (size_t)head + (size_t)z.total_out});
		hits = (int)x.hits;
	}
	(void)deflateEnd(&z);
	fixture_done(&x);
	return hits;
}

static void what_is_unpacked_is_bounded(struct test *t)
{
	const char *exact = "http.request_body; zlib_deflate; bsize:1023;";

	EXPECT(t, hits_of_packed(exact, 1023, 15) == 1);
	EXPECT(t, hits_of_packed("http.request_body; zlib_deflate; bsize:1024;", 1024, 15) == 1);
	EXPECT(t, hits_of_packed("http.request_body; zlib_deflate; bsize:1024;", 1025, 15) == 1);
	EXPECT(t, hits_of_packed("http.request_body; gunzip; bsize:1024;", 100000, 31) == 1);
	EXPECT(t, hits_of_packed("http.request_body; gunzip:max-size 65536; bsize:65536;", 100000,
				 31) == 1);
	EXPECT(t, hits_of_packed("http.request_body; gunzip; bsize:>0;", 1000, 15) == 0);
}

static void what_pcre_captures_has_a_name(struct test *t)
{
	static const char get[] = "GET /one/two HTTP/1.1\r\nHost: a\r\n\r\n";
	struct slice name, value;
	struct fixture x;

	EXPECT(t, hits_of("pcre:\"/^.([a-z]+).([a-z]+)/U,flow:first/part,pkt:second\";", get, &x) ==
			  1);
	EXPECT(t, detect_flow_var(&x.flow, 0, &name, &value));
	EXPECT_SLICE(t, name, SLICE("first/part"));
	EXPECT_SLICE(t, value, SLICE("one"));
	EXPECT(t, !detect_flow_var(&x.flow, 1, &name, &value));
	fixture_done(&x);
	EXPECT(t, hits_of("http.uri; pcre:\"/^.(?P<flow_a>[a-z]+).(?P<flow_b>[a-z]+)/\";", get,
			  &x) == 1);
	EXPECT(t, detect_flow_var(&x.flow, 1, &name, &value));
	EXPECT_SLICE(t, name, SLICE("b"));
	EXPECT_SLICE(t, value, SLICE("two"));
	fixture_done(&x);
	EXPECT(t, hits_of("pcre:\"/a/U,flow:x\";", get, &x) == -1); /* no such group */
	fixture_done(&x);
	EXPECT(t, hits_of("pcre:\"/(a)/U,host:x\";", get, &x) == -1);
	fixture_done(&x);
}

static void variables_are_bounded(struct test *t)
{
	struct arena_pool pool = {.budget = 1 << 20};
	struct arena a = {.pool = &pool};
	struct detect_var *list = NULL;
	uint8_t bytes[DETECT_CAPTURE_MAX + 1] = {0};
	uint32_t used = 0;

	detect_var_set(&list, &a, &used, SLICE("v"), (struct slice){bytes, sizeof bytes});
	EXPECT_UINT(t, detect_var_find(list, SLICE("v"))->value.len, DETECT_CAPTURE_MAX);
	for (uint8_t i = 0; i < 100; i++) {
		bytes[0] = i;
		detect_var_set(&list, &a, &used, SLICE("v"), (struct slice){bytes, sizeof bytes});
	}
	EXPECT(t, used <= DETECT_VAR_BYTES_MAX && list->next == NULL);
	EXPECT(t, detect_var_find(list, SLICE("w")) == NULL);
	arena_reset(&a);
	arena_pool_drain(&pool);
}

TESTS(T(each_transform_gives_what_it_says), T(what_is_unpacked_is_bounded),
      T(what_pcre_captures_has_a_name), T(variables_are_bounded))
