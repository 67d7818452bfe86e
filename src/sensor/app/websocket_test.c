/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/app/app_check.h"
#include "test.h"

extern const struct app_protocol app_websocket;

#define SAYS(way, text)                                                                            \
	{                                                                                          \
		.dir = (way), .bytes = {(const uint8_t *)(text), sizeof(text) - 1 }                \
	}
#define PAYLOAD(k, n, dir)                                                                         \
	app_talk_field(app_talk_tx((k), (n)), (dir), SLICE("websocket.payload"), 0)
#define UPGRADE                                                                                    \
	SAYS(APP_TO_SERVER, "GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n"),        \
		SAYS(APP_TO_CLIENT, "HTTP/1.1 101 x\r\nUpgrade: WebSocket\r\n\r\n")

static bool talk(struct app_talk *k, const struct app_says *says, size_t n, size_t cut)
{
	if (!app_talk_open(k, APP_TCP, 80, 0))
		return false;
	for (size_t i = 0; i < n; i++)
		app_talk_say(k, says[i].dir, says[i].bytes, cut);
	app_talk_eof(k);
	return k->f->protocol == &app_websocket;
}

static void messages_are_unmasked_and_joined_around_control_frames(struct test *t)
{
	static const struct app_says says[] = {
		UPGRADE,
		SAYS(APP_TO_SERVER, "\x01\x83\1\2\3\4\x60\x60\x60" /* abc */
				    "\x89\x81\0\0\0\0p"
				    "\x80\x02yz"),
		SAYS(APP_TO_CLIENT, "\x8a\x01p\x82\x7e\0\3xyz"),
	};

	for (size_t cut = 0; cut < 8; cut++) {
		struct app_talk k;
		struct record r = {0};
		struct buf line;

		EXPECT(t, talk(&k, says, 4, cut));
		EXPECT_SLICE(t, PAYLOAD(&k, 0, APP_TO_SERVER), SLICE("abc"));
		EXPECT(t, PAYLOAD(&k, 0, APP_TO_CLIENT).ptr == NULL);
		EXPECT_SLICE(t, PAYLOAD(&k, 1, APP_TO_SERVER), SLICE("p"));
		EXPECT_SLICE(t, PAYLOAD(&k, 2, APP_TO_SERVER), SLICE("abcyz"));
		EXPECT_SLICE(t, PAYLOAD(&k, 3, APP_TO_CLIENT), SLICE("p"));
		EXPECT_SLICE(t, PAYLOAD(&k, 4, APP_TO_CLIENT), SLICE("xyz"));
		line = buf_in(&app_talk_tx(&k, 0)->arena);
		EXPECT(t, app_websocket.log(app_talk_tx(&k, 0), 0, line.arena, &r));
		record_encode(&r, line.arena, &line);
		EXPECT(t, slice_find(buf_slice(&line),
				     SLICE("\"websocket\":{\"fin\":false,\"mask\":16909060,"
					   "\"opcode\":\"text\"}")) != SIZE_MAX);
		app_talk_close(&k);
	}
}

static void a_compressed_message_is_inflated(struct test *t)
{
	/* RFC 7692 7.2.3.1: "Hello" in one frame, then in two */
	static const struct app_says says[] = {
		UPGRADE,
		SAYS(APP_TO_SERVER, "\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\0"
				    "\x41\x03\xf2\x48\xcd\x80\x04\xc9\xc9\x07\0"),
	};
	struct app_talk k;

	EXPECT(t, talk(&k, says, 3, 0));
	EXPECT_SLICE(t, PAYLOAD(&k, 0, APP_TO_SERVER), SLICE("Hello"));
	EXPECT_SLICE(t, PAYLOAD(&k, 2, APP_TO_SERVER), SLICE("Hello"));
	app_talk_close(&k);
}

static void a_payload_past_the_limit_is_skipped(struct test *t)
{
	static uint8_t frame[0x10000 + 12] = {0x82, 127};
	struct app_says says[] = {UPGRADE, {.dir = APP_TO_CLIENT}};

	for (size_t n = 0xfffe; n <= 0x10000; n++) {
		struct app_talk k;

		frame[7] = (uint8_t)(n >> 16);
		frame[8] = (uint8_t)(n >> 8);
		frame[9] = (uint8_t)n;
		memcpy(frame + 10 + n, "\x89\0", 2);
		says[2].bytes = (struct slice){frame, n + 12};
		EXPECT(t, talk(&k, says, 3, 0));
		EXPECT_UINT(t, PAYLOAD(&k, 0, APP_TO_CLIENT).len, n < 0xffff ? n : 0xffff);
		EXPECT_UINT(t,
			    app_talk_anomaly(&k, app_talk_tx(&k, 0), SLICE("skip_end_of_payload")),
			    n > 0xffff);
		EXPECT_UINT(t, PAYLOAD(&k, 1, APP_TO_CLIENT).len, 0);
		app_talk_close(&k);
		memset(frame + 10, 0, sizeof frame - 10);
	}
}

TESTS(T(messages_are_unmasked_and_joined_around_control_frames),
      T(a_compressed_message_is_inflated), T(a_payload_past_the_limit_is_skipped))
