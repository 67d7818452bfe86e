/* SPDX-License-Identifier: Apache-2.0
 * Messages of Modbus. */
#include "sensor/app/modbus.h"

#include "sensor/app/app_check.h"
#include "test.h"

extern const struct app_protocol app_modbus;

#define READ_COILS "\0\1\0\0\0\6\x0a\1\0\1\0\3" /* 2, 3 and 4 */
#define COILS "\0\1\0\0\0\4\x0a\1\1\5"
#define WRITE_TWO "\0\2\0\0\0\x0b\x0a\x10\0\7\0\2\4\0\1\x02\x03"
#define TWO_WRITTEN "\0\2\0\0\0\6\x0a\x10\0\7\0\2"
#define RESTART "\0\3\0\0\0\6\x0a\x08\0\1\xff\0"
#define REFUSED "\0\3\0\0\0\3\x0a\x88\1"

static const struct app_says all[] = {
	{APP_TO_SERVER, SLICE(READ_COILS), 0}, {APP_TO_CLIENT, SLICE(COILS), 0},
	{APP_TO_SERVER, SLICE(WRITE_TWO), 0},  {APP_TO_CLIENT, SLICE(TWO_WRITTEN), 0},
	{APP_TO_SERVER, SLICE(RESTART), 0},    {APP_TO_CLIENT, SLICE(REFUSED), 0},
};

static bool talk(struct app_talk *k, const struct app_says *says, size_t n)
{
	if (!app_talk_open(k, APP_TCP, 502, 0))
		return false;
	for (size_t i = 0; i < n; i++)
		app_talk_say(k, says[i].dir, says[i].bytes, 0);
	return true;
}

static struct slice logged(struct app_tx *tx)
{
	struct record r = {0};

	return app_modbus.log(tx, 0, &tx->arena, &r) ? r.more[0].json : SLICE("");
}

static uint64_t asked(struct app_tx *tx, unsigned i)
{
	struct slice s = app_talk_field(tx, APP_TO_SERVER, SLICE("modbus.request"), 0);
	uint64_t v = UINT64_MAX;

	if ((i + 1) * sizeof v <= s.len)
		memcpy(&v, s.ptr + i * sizeof v, sizeof v);
	return v;
}

static void requests_have_responses(struct test *t)
{
	struct app_talk k;
	struct app_tx *tx;

	ASSERT(talk(&k, all, sizeof all / sizeof all[0]));
	tx = app_talk_tx(&k, 0);
	EXPECT(t, tx != NULL && tx->anomalies == 0 && tx->progress[1] == 1);
	EXPECT_SLICE(t, logged(tx),
		     SLICE("{\"id\":1,\"request\":{\"transaction_id\":1,\"protocol_id\":0,"
			   "\"unit_id\":10,\"function_raw\":1,\"function_code\":\"RdCoils\","
			   "\"access_type\":\"READ | COILS\",\"category\":\"PUBLIC_ASSIGNED\","
			   "\"error_flags\":\"NONE\",\"read\":{\"address\":1,\"quantity\":3}},"
			   "\"response\":{\"transaction_id\":1,\"protocol_id\":0,\"unit_id\":10,"
			   "\"function_raw\":1,\"function_code\":\"RdCoils\","
			   "\"access_type\":\"READ | COILS\",\"category\":\"PUBLIC_ASSIGNED\","
			   "\"error_flags\":\"NONE\",\"read\":{\"data\":\"\\u0005\"}}}"));
	EXPECT_UINT(t, asked(tx, MODBUS_ASK_UNIT), 10);
	EXPECT_UINT(t, asked(tx, MODBUS_ASK_READ_FIRST), 2);
	EXPECT_UINT(t, asked(tx, MODBUS_ASK_READ_LAST), 4);
	tx = app_talk_tx(&k, 1);
	EXPECT(t, tx != NULL && tx->anomalies == 0 && tx->progress[1] == 1);
	EXPECT_UINT(t, asked(tx, MODBUS_ASK_WRITE_FIRST), 8);
	EXPECT_UINT(t, asked(tx, MODBUS_ASK_VALUES + 1), 0x203);
	EXPECT_UINT(t, asked(tx, MODBUS_ASK_VALUES + 2), UINT64_MAX);
	tx = app_talk_tx(&k, 2);
	EXPECT(t, tx != NULL && tx->anomalies == 0 && tx->progress[1] == 1);
	EXPECT_UINT(t, asked(tx, MODBUS_ASK_SUBFUNCTION), 1);
	app_talk_close(&k);
}

static void what_is_odd_has_a_name(struct test *t)
{
	static const struct {
		struct app_says says[2];
		const char *anomaly;
	} cases[] = {
		{{{APP_TO_CLIENT, SLICE(COILS), 0}}, "unsolicited_response"},
		{{{APP_TO_SERVER, SLICE("\0\1\0\0\0\2\1\x50"), 0}}, "invalid_function_code"},
		{{{APP_TO_SERVER, SLICE("\0\1\0\0\0\5\1\1\0\0\0"), 0}}, "invalid_length"},
		{{{APP_TO_SERVER, SLICE("\0\1\0\0\0\6\1\1\0\0\0\0"), 0}}, "invalid_value"},
		{{{APP_TO_SERVER, SLICE(RESTART), 0},
		  {APP_TO_CLIENT, SLICE("\0\3\0\0\0\3\x0a\x88\x20"), 0}},
		 "invalid_exception_code"},
		{{{APP_TO_SERVER, SLICE(READ_COILS), 0},
		  {APP_TO_CLIENT, SLICE("\0\1\0\0\0\5\x0a\1\2\5\5"), 0}},
		 "value_mismatch"},
		{{{APP_TO_SERVER, SLICE(READ_COILS "\0\1\0\1\0\6\x0a\1\0\1\0\3"), 0}},
		 "invalid_protocol_id"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct app_talk k;
		struct app_tx *tx;

		ASSERT(talk(&k, cases[i].says, 2));
		tx = app_talk_tx(&k, 0);
		while (tx != NULL && tx->next != NULL)
			tx = tx->next;
		if (tx == NULL || !app_talk_anomaly(&k, tx, slice_of(cases[i].anomaly)))
			test_fail(t, __FILE__, __LINE__, "case %zu: not %s", i, cases[i].anomaly);
		app_talk_close(&k);
	}
}

static void a_flood_is_said_once(struct test *t)
{
	struct app_talk k;
	unsigned n = 0;

	ASSERT(talk(&k, all, 0));
	for (unsigned i = 0; i < 700; i++)
		app_talk_say(&k, APP_TO_SERVER, SLICE(READ_COILS), 0);
	for (struct app_tx *tx = app_talk_tx(&k, 0); tx != NULL; tx = tx->next)
		n += app_talk_anomaly(&k, tx, SLICE("flooded"));
	EXPECT_UINT(t, n, 1);
	app_talk_close(&k);
}

static void any_cut_and_any_shortage_is_survived(struct test *t)
{
	(void)t;
	app_check_all(&app_modbus, all, sizeof all / sizeof all[0], 20);
}

TESTS(T(requests_have_responses), T(what_is_odd_has_a_name), T(a_flood_is_said_once),
      T(any_cut_and_any_shortage_is_survived))
