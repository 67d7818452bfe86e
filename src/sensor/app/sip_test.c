/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/app/sip_priv.h"

#include "sensor/app/app_check.h"
#include "test.h"

extern const struct app_protocol app_sip;

#define SDP                                                                                        \
	"v=0\r\no=a 1 2 IN IP4 192.0.2.1\r\ns=call\r\nc=IN IP4 192.0.2.1\r\nb=AS:64\r\n"           \
	"t=0 0\r\nr=7d 1h 0 25h\r\na=tool:x\r\nm=audio 5004 RTP/AVP 0 "                            \
	"8\r\ni=voice\r\na=ptime:20\r\n"                                                           \
	"a=sendrecv\r\nm=video 0 RTP/AVP 31\r\n"
#define SDP_BYTES "181"
#define INVITE                                                                                     \
	"INVITE sip:bob@example.org SIP/2.0\r\nVia: SIP/2.0/UDP a\r\nv: SIP/2.0/UDP b\r\n"         \
	"f: <sip:alice@example.org>\r\nTo: <sip:bob@example.org>\r\nUser-Agent: phone\r\n"         \
	"Subject: one\r\n  two\r\nContent-Type: application/sdp\r\nContent-Length: " SDP_BYTES     \
	"\r\n\r\n" SDP
#define TRYING "SIP/2.0 100 Trying to find\r\nVia: SIP/2.0/UDP a\r\nl: 0\r\n\r\n"

static struct slice field(struct app_tx *tx, enum app_dir dir, const char *name, unsigned n)
{
	return app_talk_field(tx, dir, slice_of(name), n);
}

static void messages_are_read(struct test *t)
{
	for (uint8_t transport = APP_TCP; transport <= APP_UDP; transport++) {
		struct app_talk k;
		struct app_tx *tx;

		ASSERT(app_talk_open(&k, transport, 5060, 0));
		app_talk_say(&k, APP_TO_SERVER, SLICE(INVITE), 0);
		app_talk_say(&k, APP_TO_CLIENT, SLICE(TRYING), 0);
		tx = app_talk_tx(&k, 0);
		EXPECT(t, tx != NULL && tx->anomalies == 0 && tx->blind == 1 << APP_TO_CLIENT);
		EXPECT_SLICE(t, field(tx, 0, "sip.method", 0), SLICE("INVITE"));
		EXPECT_SLICE(t, field(tx, 0, "sip.uri", 0), SLICE("sip:bob@example.org"));
		EXPECT_SLICE(t, field(tx, 0, "sip.request_line", 0),
			     SLICE("INVITE sip:bob@example.org SIP/2.0"));
		EXPECT_SLICE(t, field(tx, 0, "sip.protocol", 0), SLICE("SIP/2.0"));
		EXPECT_SLICE(t, field(tx, 0, "sip.via", 1), SLICE("SIP/2.0/UDP b")); /* compact */
		EXPECT(t, field(tx, 0, "sip.via", 2).ptr == NULL);
		EXPECT_SLICE(t, field(tx, 0, "sip.from", 0), SLICE("<sip:alice@example.org>"));
		EXPECT_SLICE(t, field(tx, 0, "sip.user_agent", 0), SLICE("phone"));
		EXPECT_SLICE(t, field(tx, 0, "sdp.origin", 0), SLICE("a 1 2 IN IP4 192.0.2.1"));
		EXPECT_SLICE(t, field(tx, 0, "sdp.repeat_time", 0), SLICE("7d 1h 0 25h"));
		EXPECT_SLICE(t, field(tx, 0, "sdp.attribute", 0), SLICE("tool:x"));
		EXPECT_SLICE(t, field(tx, 0, "sdp.media.media", 1), SLICE("video 0 RTP/AVP 31"));
		EXPECT_SLICE(t, field(tx, 0, "sdp.media.media_info", 0), SLICE("voice"));
		tx = app_talk_tx(&k, 1);
		EXPECT(t, tx != NULL && tx->next == NULL);
		EXPECT_SLICE(t, field(tx, 1, "sip.stat_code", 0), SLICE("100"));
		EXPECT_SLICE(t, field(tx, 1, "sip.stat_msg", 0), SLICE("Trying to find"));
		EXPECT_SLICE(t, field(tx, 1, "sip.response_line", 0),
			     SLICE("SIP/2.0 100 Trying to find"));
		EXPECT_SLICE(t, field(tx, 1, "sip.content_length", 0), SLICE("0"));
		app_talk_close(&k);
	}
}

static void the_event_has_the_session(struct test *t)
{
	struct record r = {0};
	struct app_talk k;
	struct app_tx *tx;

	ASSERT(app_talk_open(&k, APP_UDP, 5060, 0));
	app_talk_say(&k, APP_TO_SERVER, SLICE(INVITE), 0);
	tx = app_talk_tx(&k, 0);
	EXPECT(t, tx != NULL && app_sip.log(tx, 0, &tx->arena, &r));
	EXPECT_SLICE(t, r.more[0].json,
		     SLICE("{\"method\":\"INVITE\",\"uri\":\"sip:bob@example.org\","
			   "\"version\":\"SIP/2.0\","
			   "\"request_line\":\"INVITE sip:bob@example.org SIP/2.0\",\"sdp\":{"
			   "\"origin\":\"a 1 2 IN IP4 192.0.2.1\",\"session_name\":\"call\","
			   "\"connection_data\":\"IN IP4 192.0.2.1\",\"bandwidths\":[\"AS:64\"],"
			   "\"time_descriptions\":[{\"time\":\"0 0\","
			   "\"repeat_time\":\"7d 1h 0 25h\"}],\"attributes\":[\"tool:x\"],"
			   "\"media_descriptions\":[{\"media\":\"audio 5004 RTP/AVP 0 8\","
			   "\"media_info\":\"voice\",\"attributes\":[\"ptime:20\",\"sendrecv\"]},"
			   "{\"media\":\"video 0 RTP/AVP 31\"}]}}"));
	app_talk_close(&k);
}

static void what_is_no_message_is_said(struct test *t)
{
	struct app_talk k;

	ASSERT(app_talk_open(&k, APP_UDP, 5060, 0));
	app_talk_say(&k, APP_TO_SERVER, SLICE(INVITE), 0);
	app_talk_say(&k, APP_TO_SERVER, SLICE("BYE sip:b SIP/2.0\r\nVia: x\r\n"), 0);
	EXPECT(t, app_talk_anomaly(&k, app_talk_tx(&k, 0), SLICE("incomplete_data")));
	app_talk_say(&k, APP_TO_SERVER, SLICE("\0\0\0\0"), 0);
	EXPECT(t, app_talk_anomaly(&k, app_talk_tx(&k, 0), SLICE("invalid_data")));
	app_talk_say(&k, APP_TO_SERVER, SLICE("BYE sip:b SIP/2.0\r\nno header\r\n\r\n"), 0);
	EXPECT(t, app_talk_anomaly(&k, app_talk_tx(&k, 1), SLICE("invalid_data")));
	app_talk_say(&k, APP_TO_SERVER, SLICE("BYE sip:b SIP/2.0\r\nVia: x\r\n\r\n"), 0);
	EXPECT_SLICE(t, field(app_talk_tx(&k, 2), 0, "sip.method", 0), SLICE("BYE"));
	app_talk_close(&k);
	ASSERT(app_talk_open(&k, APP_TCP, 5060, 0)); /* a stream is given up */
	app_talk_say(&k, APP_TO_SERVER, SLICE("BYE sip:b SIP/2.0\r\nno header\r\n\r\n"), 0);
	EXPECT_UINT(t, k.f->state, APP_GIVEN_UP);
	app_talk_close(&k);
}

static void sessions_that_are_none_are_left_out(struct test *t)
{
	static const struct slice bodies[] = {
		SLICE(""), SLICE("v=1\r\n"), SLICE("v=0\r\ns=a\r\n"),
		SLICE("v=0\r\no=a\r\ns=a\r\n"), /* no time */
	};
	struct arena_pool pool = {.budget = 1 << 20};
	struct arena a = {.pool = &pool};

	for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
		EXPECT(t, app_sip_sdp_parse(&a, bodies[i]) == NULL);
	EXPECT(t, app_sip_sdp_parse(&a, SLICE("v=0\no=a\ns=\nt=0 0")) != NULL);
	arena_reset(&a);
	arena_pool_drain(&pool);
}

static void any_cut_and_any_shortage_is_survived(struct test *t)
{
	static const struct app_says says[] = {
		{APP_TO_SERVER, SLICE(INVITE "\r\n"), 0},
		{APP_TO_CLIENT, SLICE(TRYING), 0},
		{APP_TO_SERVER, SLICE("ACK sip:b SIP/2.0\nv: x\n\n"), 0},
	};

	(void)t;
	app_check_all(&app_sip, says, sizeof says / sizeof says[0], 30);
}

TESTS(T(messages_are_read), T(the_event_has_the_session), T(what_is_no_message_is_said),
      T(sessions_that_are_none_are_left_out), T(any_cut_and_any_shortage_is_survived))
