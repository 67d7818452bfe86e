/* SPDX-License-Identifier: Apache-2.0
 * RDP's first two messages. */
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

TESTS(T(a_request_and_its_answer), T(any_cut_and_any_shortage_is_survived))
