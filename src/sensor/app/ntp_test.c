/* SPDX-License-Identifier: Apache-2.0
 * Datagrams of NTP. */
#include "sensor/app/app_check.h"
#include "test.h"

extern const struct app_protocol app_ntp;

static const uint8_t request[48] = {0x23}, answer[48] = {0x24, 2}; /* version 4, client, server */

static const struct app_says says[] = {
	{APP_TO_SERVER, {request, sizeof request}, 0},
	{APP_TO_CLIENT, {answer, sizeof answer}, 0},
	{APP_TO_CLIENT, {answer, 20}, 0},
};

static void a_short_datagram_is_malformed(struct test *t)
{
	struct app_talk k;

	ASSERT(app_talk_open(&k, APP_UDP, 123, 0));
	for (size_t i = 0; i < sizeof says / sizeof says[0]; i++)
		app_talk_say(&k, says[i].dir, says[i].bytes, 0);
	EXPECT(t, app_talk_anomaly(&k, app_talk_tx(&k, 0), SLICE("")));
	EXPECT(t, app_talk_anomaly(&k, app_talk_tx(&k, 1), SLICE("")));
	EXPECT(t, app_talk_anomaly(&k, app_talk_tx(&k, 2), SLICE("malformed_data")));
	app_talk_close(&k);
}

static void any_cut_and_any_shortage_is_survived(struct test *t)
{
	(void)t;
	app_check_all(&app_ntp, says, sizeof says / sizeof says[0], 10);
}

TESTS(T(a_short_datagram_is_malformed), T(any_cut_and_any_shortage_is_survived))
