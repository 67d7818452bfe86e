/* SPDX-License-Identifier: Apache-2.0
 * Handshakes of RFB. */
#include "sensor/app/app_check.h"
#include "test.h"

extern const struct app_protocol app_rfb;

#define VERSION_3 "RFB 003.003\n"
#define VERSION_8 "RFB 003.008\n"
#define SECRET "0123456789abcdef"
#define SCREEN                                                                                     \
	"\x05\0\x03\x20\x20\x18\0\1\0\xff\0\xff\0\xff\x10\x08\0\0\0\0\0\0\0\4desk" /* 1280 x 800   \
										    */

static const struct app_says with_password[] = {
	{APP_TO_CLIENT, SLICE(VERSION_8), 0},  {APP_TO_SERVER, SLICE(VERSION_8), 0},
	{APP_TO_CLIENT, SLICE("\1\2"), 0},     {APP_TO_SERVER, SLICE("\2"), 0},
	{APP_TO_CLIENT, SLICE(SECRET), 0},     {APP_TO_SERVER, SLICE(SECRET), 0},
	{APP_TO_CLIENT, SLICE("\0\0\0\0"), 0}, {APP_TO_SERVER, SLICE("\1"), 0},
	{APP_TO_CLIENT, SLICE(SCREEN), 0},     {APP_TO_SERVER, SLICE("\3\0\0\0"), 0},
};

static bool talk(struct app_talk *k, const struct app_says *says, size_t n)
{
	if (!app_talk_open(k, APP_TCP, 5900, 0))
		return false;
	for (size_t i = 0; i < n; i++)
		app_talk_say(k, says[i].dir, says[i].bytes, 0);
	return true;
}

static struct slice logged(struct app_tx *tx)
{
	struct record r = {0};

	return app_rfb.log(tx, 0, &tx->arena, &r) ? r.more[0].json : SLICE("");
}

static uint32_t number(struct app_tx *tx, enum app_dir dir, const char *name)
{
	struct slice s = app_talk_field(tx, dir, slice_of(name), 0);
	uint64_t v = UINT64_MAX;

	memcpy(&v, s.ptr, s.len < sizeof v ? s.len : sizeof v);
	return (uint32_t)v;
}

static void a_desktop_is_shown_to_who_knows_the_password(struct test *t)
{
	struct app_talk k;
	struct app_tx *tx;

	ASSERT(talk(&k, with_password, sizeof with_password / sizeof with_password[0]));
	tx = app_talk_tx(&k, 0);
	EXPECT(t, tx != NULL && tx->next == NULL && tx->anomalies == 0);
	EXPECT(t, tx->progress[0] == 1 && tx->progress[1] == 1);
	EXPECT_SLICE(t, app_talk_field(tx, APP_TO_CLIENT, SLICE("rfb.name"), 0), SLICE("desk"));
	EXPECT_UINT(t, number(tx, APP_TO_SERVER, "rfb.sectype"), 2);
	EXPECT_UINT(t, number(tx, APP_TO_CLIENT, "rfb.secresult"), 0);
	EXPECT_SLICE(t, logged(tx),
		     SLICE("{\"server_protocol_version\":{\"major\":\"003\",\"minor\":\"008\"},"
			   "\"client_protocol_version\":{\"major\":\"003\",\"minor\":\"008\"},"
			   "\"authentication\":{\"security_type\":2,\"vnc\":{"
			   "\"challenge\":\"30313233343536373839616263646566\","
			   "\"response\":\"30313233343536373839616263646566\"},"
			   "\"security_result\":\"OK\"},\"screen_shared\":true,"
			   "\"framebuffer\":{\"width\":1280,\"height\":800,\"name\":\"desk\","
			   "\"pixel_format\":{\"bits_per_pixel\":32,\"depth\":24,"
			   "\"big_endian\":false,\"true_color\":true,\"red_max\":255,"
			   "\"green_max\":255,\"blue_max\":255,\"red_shift\":16,\"green_shift\":8,"
			   "\"blue_shift\":0}}}"));
	app_talk_close(&k);
}

static void a_refusal_has_its_reason(struct test *t)
{
	static const struct app_says says[] = {
		{APP_TO_CLIENT, SLICE(VERSION_3), 0},
		{APP_TO_SERVER, SLICE(VERSION_3), 0},
		{APP_TO_CLIENT, SLICE("\0\0\0\0\0\0\0\4full"), 0},
	};
	struct app_talk k;
	struct app_tx *tx;

	ASSERT(talk(&k, says, sizeof says / sizeof says[0]));
	tx = app_talk_tx(&k, 0);
	EXPECT(t, tx != NULL && tx->anomalies == 0);
	EXPECT_SLICE(t, logged(tx),
		     SLICE("{\"server_protocol_version\":{\"major\":\"003\",\"minor\":\"003\"},"
			   "\"client_protocol_version\":{\"major\":\"003\",\"minor\":\"003\"},"
			   "\"authentication\":{\"security_type\":0},"
			   "\"server_security_failure_reason\":\"full\"}"));
	app_talk_close(&k);
}

static void what_is_odd_has_a_name(struct test *t)
{
	static const struct {
		struct app_says says[5];
		size_t n;
		const char *anomaly;
	} cases[] = {
		{{{APP_TO_CLIENT, SLICE(VERSION_3), 0}, {APP_TO_SERVER, SLICE("GET / HTTP/1"), 0}},
		 2,
		 "malformed_message"},
		{{{APP_TO_CLIENT, SLICE(VERSION_3), 0},
		  {APP_TO_SERVER, SLICE(VERSION_3), 0},
		  {APP_TO_CLIENT, SLICE("\0\0\0\x13"), 0}},
		 3,
		 "unimplemented_security_type"},
		{{{APP_TO_CLIENT, SLICE(VERSION_3), 0},
		  {APP_TO_SERVER, SLICE(VERSION_3), 0},
		  {APP_TO_CLIENT, SLICE("\0\0\0\2" SECRET), 0},
		  {APP_TO_SERVER, SLICE(SECRET), 0},
		  {APP_TO_CLIENT, SLICE("\0\0\0\7"), 0}},
		 5,
		 "unknown_security_result"},
		{{{APP_TO_CLIENT, SLICE(VERSION_3 "\0\0\0\2"), 0}}, 1, "confused_state"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct app_talk k;
		struct app_tx *tx;

		ASSERT(talk(&k, cases[i].says, cases[i].n));
		tx = app_talk_tx(&k, 0);
		if (tx == NULL || !app_talk_anomaly(&k, tx, slice_of(cases[i].anomaly)))
			test_fail(t, __FILE__, __LINE__, "case %zu: not %s", i, cases[i].anomaly);
		app_talk_close(&k);
	}
}

static void any_cut_and_any_shortage_is_survived(struct test *t)
{
	(void)t;
	app_check_all(&app_rfb, with_password, sizeof with_password / sizeof with_password[0], 20);
}

TESTS(T(a_desktop_is_shown_to_who_knows_the_password), T(a_refusal_has_its_reason),
      T(what_is_odd_has_a_name), T(any_cut_and_any_shortage_is_survived))
