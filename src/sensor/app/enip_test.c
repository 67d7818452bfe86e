/* SPDX-License-Identifier: Apache-2.0
 * Packets of EtherNet/IP, built here byte by byte. */
#include "sensor/app/app_check.h"
#include "sensor/app/enip_priv.h"
#include "test.h"

extern const struct app_protocol app_enip;

#define B(lit) SLICE(lit)
#define HEADER(cmd, len) cmd len "\1\0\0\0\0\0\0\0contextx\0\0\0\0"

/* A multiple service packet of two requests, as connected data number 5 (sequence). */
static const char request[] =
	HEADER("\x70\0", "\x2a\0") "\0\0\0\0\0\0\2\0\xa1\0\4\0\1\2\3\4\xb1\0\x16\0"
				   "\5\0\x0a\2\x20\2\x24\1\2\0\6\0\x0a\0\x01\1\x20\1\x0e\1\x20\x6b";
static const char answer[] =
	HEADER("\x70\0", "\x20\0") "\0\0\0\0\0\0\2\0\xa1\0\4\0\1\2\3\4\xb1\0\x0c\0"
				   "\5\0\x8a\0\x1e\1\7\1\0\0\0\0";

static void an_answer_finds_its_request(struct test *t)
{
	struct app_says says[] = {
		{.dir = APP_TO_SERVER, .bytes = {(const uint8_t *)request, sizeof request - 1}},
		{.dir = APP_TO_CLIENT, .bytes = {(const uint8_t *)answer, sizeof answer - 1}}};
	struct record r = {0};
	struct app_talk k;
	struct app_tx *tx;

	app_check_all(&app_enip, says, 2, 20);
	ASSERT(app_talk_open(&k, APP_TCP, 44818, 0));
	app_talk_say(&k, APP_TO_SERVER, says[0].bytes, 0);
	app_talk_say(&k, APP_TO_SERVER, says[0].bytes, 0);
	app_talk_say(&k, APP_TO_CLIENT, says[1].bytes, 0);
	tx = app_talk_tx(&k, 0);
	EXPECT(t, tx != NULL && tx->next != NULL && tx->next->next == NULL);
	EXPECT(t, tx->progress[1] == 1 && tx->next->progress[1] == 0);
	EXPECT_UINT(t, app_talk_number(tx, APP_TO_SERVER, "enip_command", 0), 0x70);
	EXPECT_UINT(t, app_talk_number(tx, APP_TO_SERVER, "enip.cip_class", 0), 2);
	EXPECT_UINT(t, app_talk_number(tx, APP_TO_SERVER, "enip.cip_class", 1), 1);
	EXPECT_UINT(t, app_talk_number(tx, APP_TO_SERVER, "enip.cip_class", 2), 0x6b);
	EXPECT_UINT(t, app_talk_number(tx, APP_TO_SERVER, "enip.cip_instance", 0), 1);
	EXPECT_UINT(t, app_talk_number(tx, APP_TO_CLIENT, "enip.cip_status", 0), 0x1e);
	EXPECT_UINT(t, app_talk_number(tx, APP_TO_CLIENT, "enip.cip_extendedstatus", 0), 0x107);
	EXPECT(t, app_enip.log(tx, 0, &tx->arena, &r));
	EXPECT_SLICE(
		t, r.more[0].json,
		SLICE("{\"request\":{\"command\":\"send_unit_data\",\"status\":\"success\",\"cip\":"
		      "{"
		      "\"service\":\"Multiple Service "
		      "Packet\",\"path\":[{\"segment_type\":\"class\","
		      "\"value\":2},{\"segment_type\":\"instance\",\"value\":1}],\"class_name\":"
		      "\"Message Router\",\"multiple\":[{\"service\":\"Get Attributes "
		      "All\",\"path\":[{"
		      "\"segment_type\":\"class\",\"value\":1}],\"class_name\":\"Identity\"},{"
		      "\"service\":\"Get Attributes Single\",\"path\":[{\"segment_type\":\"class\","
		      "\"value\":107}],\"class_name\":\"unknown-107\"}]}},\"response\":{"
		      "\"command\":"
		      "\"send_unit_data\",\"status\":\"success\",\"cip\":{\"service\":\"Multiple "
		      "Service "
		      "Packet\",\"status\":\"Embedded Service Error\",\"status_extended_meaning\":"
		      "\"Target connection not found\"}}}"));
	app_talk_close(&k);
}

static void a_broken_item_is_an_anomaly(struct test *t)
{
	static const char broken[] = HEADER("\x6f\0", "\x0c\0") "\0\0\0\0\0\0\1\0\xb2\0\x0c\0";
	struct app_says says[] = {{.bytes = {(const uint8_t *)broken, sizeof broken - 1}}};
	struct app_talk k;

	app_check_all(&app_enip, says, 1, 6);
	ASSERT(app_talk_open(&k, APP_UDP, 44818, 0));
	app_talk_say(&k, APP_TO_SERVER, says[0].bytes, 0);
	EXPECT(t, app_talk_anomaly(&k, app_talk_tx(&k, 0), SLICE("invalid_pdu")));
	app_talk_close(&k);
}

static void only_commands_that_exist_are_enip(struct test *t)
{
	static const struct {
		struct slice bytes;
		enum app_probe answer;
	} rows[] = {
		{B(HEADER("\x65\0", "\4\0")), APP_YES}, {B(HEADER("\x65\0", "\5\0")), APP_NO},
		{B(HEADER("\x67\0", "\4\0")), APP_NO},	{B(HEADER("\x66\0", "\0\0")), APP_YES},
		{B("\x65\0\4\0"), APP_NEED_MORE},
	};
	struct app_flow f = {.transport = APP_TCP, .server_port = 44818};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		EXPECT_UINT(t, app_enip.probe(&f, APP_TO_SERVER, rows[i].bytes, true),
			    rows[i].answer);
		EXPECT_UINT(t, app_enip.probe(&f, APP_TO_SERVER, rows[i].bytes, false), APP_NO);
	}
}

TESTS(T(an_answer_finds_its_request), T(a_broken_item_is_an_anomaly),
      T(only_commands_that_exist_are_enip))
