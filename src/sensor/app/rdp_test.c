/* SPDX-License-Identifier: Apache-2.0
 * RDP's first two messages. */
#include "sensor/app/rdp_priv.h"

#include "sensor/app/app_check.h"
#include "test.h"

extern const struct app_protocol app_rdp;

#define REQUEST "\3\0\0\x27\x22\xe0\0\0\0\0\0Cookie: mstshash=me\r\n\1\0\x08\0\1\0\0"
#define CONFIRM "\3\0\0\x13\x0e\xd0\0\0\x12\x34\0\2\1\x08\0\2\0\0\0"

static struct slice logged(struct app_tx *tx)
{
	struct record r = {0};

	return app_rdp.log(tx, 0, &tx->arena, &r) ? r.more[0].json : SLICE("");
}

static const struct app_says says[] = {
	{APP_TO_SERVER, {(const uint8_t *)REQUEST, 39}, 0}, /* with the byte that ends the text */
	{APP_TO_CLIENT, SLICE(CONFIRM), 0},
	{APP_TO_SERVER, SLICE("\x16\3\1"), 0},
};

static void a_request_and_its_answer(struct test *t)
{
	struct app_talk k;

	ASSERT(app_talk_open(&k, APP_TCP, 3389, 0));
	for (size_t i = 0; i < sizeof says / sizeof says[0]; i++)
		app_talk_say(&k, says[i].dir, says[i].bytes, 0);
	EXPECT_SLICE(t, logged(app_talk_tx(&k, 0)),
		     SLICE("{\"tx_id\":0,\"event_type\":\"initial_request\",\"cookie\":\"me\"}"));
	EXPECT_SLICE(t, logged(app_talk_tx(&k, 1)),
		     SLICE("{\"tx_id\":1,\"event_type\":\"initial_response\",\"server_supports\":["
			   "\"extended_client_data\"],\"protocol\":\"hybrid\"}"));
	app_talk_close(&k);
}

static void any_cut_and_any_shortage_is_survived(struct test *t)
{
	(void)t;
	app_check_all(&app_rdp, says, sizeof says / sizeof says[0], 12);
}

/* A connect request with a core block of n bytes behind its header, and two channels. */
static size_t connect_request(uint8_t *out, size_t core)
{
	static const uint8_t fixed[] = {
		4, 0, 8, 0, 0,	  5,	0, 3, 1,   0xca, 3,   0xaa,
		9, 4, 0, 0, 0xb1, 0x1d, 0, 0, 'p', 0,	 'c', 0,
	};
	static const uint8_t optional[] = {
		1, 0xca, 1, 0, 7, 0, 0, 0, 24, 0, 15, 0, 9, 0, 'i', 0, 'd', 0,
	};
	static const uint8_t net[] = {3,   0xc0, 32,  0,   2,	0, 0, 0, 'r', 'd', 'p',
				      'd', 'r',	 0,   0,   0,	0, 0, 0, 0,   'c', 'l',
				      'i', 'p',	 'r', 'd', 'r', 0, 0, 0, 0,   0};
	size_t n = 7, blocks = 4 + core + sizeof net;
	uint8_t *p;

	memset(out, 0, 512);
	memcpy(out, "\3\0\0\0\2\xf0\x80", 7);
	memcpy(out + n, "\x7f\x65\x82\1\1??Duca", 11);
	n += 11;
	out[n++] = (uint8_t)(0x80 | blocks >> 8);
	out[n++] = (uint8_t)blocks;
	p = out + n;
	p[0] = 1;
	p[1] = 0xc0;
	p[2] = (uint8_t)(4 + core);
	memcpy(p + 4, fixed, sizeof fixed < core ? sizeof fixed : core);
	if (core >= 56)
		p[4 + 52] = 4; /* an enhanced keyboard */
	if (core >= 128 + sizeof optional)
		memcpy(p + 4 + 128, optional, sizeof optional);
	memcpy(p + 4 + core, net, sizeof net);
	n += blocks;
	out[2] = (uint8_t)(n >> 8);
	out[3] = (uint8_t)n;
	return n;
}

static void a_client_says_who_it_is(struct test *t)
{
	static uint8_t pdu[512];
	struct app_says talk[] = {
		{APP_TO_SERVER, {(const uint8_t *)REQUEST, 39}, 0},
		{APP_TO_SERVER, {pdu, connect_request(pdu, 210)}, 0},
		{APP_TO_CLIENT, {(const uint8_t *)"\3\0\0\x09\2\xf0\x80\x7f\x66", 9}, 0},
	};
	struct app_talk k;

	app_check_all(&app_rdp, talk, 3, 12);
	ASSERT(app_talk_open(&k, APP_TCP, 3389, 0));
	for (size_t i = 0; i < 3; i++)
		app_talk_say(&k, talk[i].dir, talk[i].bytes, 0);
	EXPECT_SLICE(
		t, logged(app_talk_tx(&k, 1)),
		SLICE("{\"tx_id\":1,\"event_type\":\"connect_request\",\"client\":{"
		      "\"version\":\"v5\",\"desktop_width\":1280,\"desktop_height\":768,"
		      "\"color_depth\":24,\"keyboard_layout\":\"en-US\",\"build\":"
		      "\"Windows 7 SP1\",\"client_name\":\"pc\",\"keyboard_type\":\"enhanced\","
		      "\"product_id\":1,\"serial_number\":7,\"capabilities\":["
		      "\"support_errinfo_pdf\",\"strong_asymmetric_keys\"],\"id\":\"id\"},"
		      "\"channels\":[\"rdpdr\",\"cliprdr\"]}"));
	EXPECT_SLICE(t, logged(app_talk_tx(&k, 2)),
		     SLICE("{\"tx_id\":2,\"event_type\":\"connect_response\"}"));
	app_talk_close(&k);
}

/* 128 bytes of the core block must be there; the rest may be. */
static void a_core_block_that_is_too_short_is_left_out(struct test *t)
{
	static uint8_t pdu[512];

	for (size_t core = 127; core <= 129; core++) {
		struct app_says talk = {APP_TO_SERVER, {pdu, connect_request(pdu, core)}, 0};
		struct app_talk k;

		ASSERT(app_talk_open(&k, APP_TCP, 3389, 0));
		app_talk_say(&k, APP_TO_SERVER, (struct slice){(const uint8_t *)REQUEST, 39}, 0);
		app_talk_say(&k, talk.dir, talk.bytes, 0);
		EXPECT_UINT(t, slice_find(logged(app_talk_tx(&k, 1)), SLICE("client")) != SIZE_MAX,
			    core >= 128);
		EXPECT(t, slice_find(logged(app_talk_tx(&k, 1)), SLICE("rdpdr")) != SIZE_MAX);
		app_talk_close(&k);
	}
}

/* A chain of one certificate that ends behind its serial number, over two records. */
static void certificates_of_tls_are_told_by_their_serials(struct test *t)
{
	static const char first[] = "\x16\3\1\0\x0a\x0b\0\0\x12\0\0\x0f\0\0\x0c";
	static const char second[] = "\x16\3\1\0\x0c\x30\x0a\x30\x08\xa0\1\0\2\3\0\x9b\1";
	struct app_says talk[] = {
		{APP_TO_SERVER, {(const uint8_t *)REQUEST, 39}, 0},
		{APP_TO_CLIENT, SLICE(CONFIRM), 0},
		{APP_TO_CLIENT, {(const uint8_t *)first, sizeof first - 1}, 0},
		{APP_TO_CLIENT, {(const uint8_t *)second, sizeof second - 1}, 0},
	};
	struct app_talk k;

	app_check_all(&app_rdp, talk, 4, 12);
	ASSERT(app_talk_open(&k, APP_TCP, 3389, 0));
	for (size_t i = 0; i < 4; i++)
		app_talk_say(&k, talk[i].dir, talk[i].bytes, 0);
	EXPECT_SLICE(t, logged(app_talk_tx(&k, 2)),
		     SLICE("{\"tx_id\":2,\"event_type\":\"tls_handshake\",\"x509_serials\":["
			   "\"9b01\"]}"));
	app_talk_close(&k);
}

static void tables_are_sorted(struct test *t)
{
	EXPECT_SLICE(t, slice_of(app_rdp_layout_name(1)), SLICE("ar"));
	EXPECT_SLICE(t, slice_of(app_rdp_layout_name(0x7c92)), SLICE("ku-Arab"));
	EXPECT_SLICE(t, slice_of(app_rdp_layout_name(0x0807)), SLICE("de-CH"));
	EXPECT(t, app_rdp_layout_name(0) == NULL && app_rdp_layout_name(0xffff) == NULL);
	EXPECT_SLICE(t, slice_of(app_rdp_build_name(528)), SLICE("Windows NT 3.1"));
	EXPECT_SLICE(t, slice_of(app_rdp_build_name(17763)), SLICE("Windows 10 RS5"));
}

TESTS(T(a_client_says_who_it_is), T(a_core_block_that_is_too_short_is_left_out),
      T(certificates_of_tls_are_told_by_their_serials), T(tables_are_sorted),
      T(a_request_and_its_answer), T(any_cut_and_any_shortage_is_survived))
