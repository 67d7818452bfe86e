/* SPDX-License-Identifier: Apache-2.0
 * Messages of PostgreSQL, built here. */
#include "sensor/app/app_check.h"
#include "test.h"

extern const struct app_protocol app_pgsql;

#define BYTES(array) ((struct slice){(const uint8_t *)(array), sizeof(array) - 1})

static const char ssl_request[] = "\x00\x00\x00\x08\x04\xd2\x16\x2f";
static const char start[] =
	"\x00\x00\x00\x2b\x00\x03\x00\x00\x75\x73\x65\x72\x00\x6d\x65\x00\x64\x61\x74\x61\x62\x61"
	"\x73\x65\x00\x64\x62\x00\x44\x61\x74\x65\x53\x74\x79\x6c\x65\x00\x49\x53\x4f\x00\x00";
static const char ask_md5[] = "\x52\x00\x00\x00\x0c\x00\x00\x00\x05\x9f\x01\x61\x62";
static const char password[] = "\x70\x00\x00\x00\x09\x6d\x64\x35\x78\x00";
static const char welcome[] =
	"\x52\x00\x00\x00\x08\x00\x00\x00\x00\x53\x00\x00\x00\x11\x54\x69\x6d\x65\x5a\x6f\x6e\x65"
	"\x00\x55\x54\x43\x00\x4b\x00\x00\x00\x0c\x00\x00\x00\x07\x00\x00\x00\x09\x5a\x00\x00\x00"
	"\x05\x49";
static const char query[] = "\x51\x00\x00\x00\x0e\x53\x45\x4c\x45\x43\x54\x20\x31\x3b\x00";
static const char rows[] =
	"\x54\x00\x00\x00\x07\x00\x01\x78\x44\x00\x00\x00\x11\x00\x02\x00\x00\x00\x03\x61\x62\x63"
	"\xff\xff\xff\xff\x44\x00\x00\x00\x0b\x00\x01\x00\x00\x00\x01\x7a\x43\x00\x00\x00\x0d\x53"
	"\x45\x4c\x45\x43\x54\x20\x32\x00\x5a\x00\x00\x00\x05\x49";
static const char copy[] =
	"\x51\x00\x00\x00\x16\x43\x4f\x50\x59\x20\x74\x20\x46\x52\x4f\x4d\x20\x53\x54\x44\x49\x4e"
	"\x00";
static const char copy_go[] = "\x47\x00\x00\x00\x0b\x00\x00\x02\x00\x00\x00\x00";
static const char copy_data[] =
	"\x64\x00\x00\x00\x09\x31\x32\x33\x34\x35\x64\x00\x00\x00\x06\x36\x37\x63\x00\x00\x00\x04";
static const char copy_ok[] =
	"\x43\x00\x00\x00\x0b\x43\x4f\x50\x59\x20\x32\x00\x5a\x00\x00\x00\x05\x49";
static const char end[] = "\x58\x00\x00\x00\x04";
static const char unknown[] = "\x21\x00\x00\x00\x06\x78\x79";

static void a_session_is_followed(struct test *t)
{
	struct app_says says[] = {
		{.dir = APP_TO_SERVER, .bytes = BYTES(ssl_request)},
		{.dir = APP_TO_CLIENT, .bytes = SLICE("N")},
		{.dir = APP_TO_SERVER, .bytes = BYTES(start)},
		{.dir = APP_TO_CLIENT, .bytes = BYTES(ask_md5)},
		{.dir = APP_TO_SERVER, .bytes = BYTES(password)},
		{.dir = APP_TO_CLIENT, .bytes = BYTES(welcome)},
		{.dir = APP_TO_SERVER, .bytes = BYTES(query)},
		{.dir = APP_TO_CLIENT, .bytes = BYTES(rows)},
		{.dir = APP_TO_SERVER, .bytes = BYTES(copy)},
		{.dir = APP_TO_CLIENT, .bytes = BYTES(copy_go)},
		{.dir = APP_TO_SERVER, .bytes = BYTES(copy_data)},
		{.dir = APP_TO_CLIENT, .bytes = BYTES(copy_ok)},
		{.dir = APP_TO_SERVER, .bytes = BYTES(end)},
	};
	static const char *const want[] = {
		"{\"tx_id\":1,\"request\":{\"message\":\"SSL Request\"},\"response\":{"
		"\"ssl_accepted\":false}}",
		"{\"tx_id\":2,\"request\":{\"protocol_version\":\"3.0\",\"startup_parameters\":{"
		"\"user\":\"me\",\"optional_parameters\":[{\"database\":\"db\"},{\"date_style\":"
		"\"ISO\"}]}},\"response\":{\"authentication_md5_password\":"
		"\"\\\\x9f\\u0001ab\"}}",
		"{\"tx_id\":3,\"request\":{\"password_redacted\":true},\"response\":{\"message\":"
		"\"authentication_ok\",\"process_id\":7,\"secret_key\":9,\"parameter_status\":[{"
		"\"time_zone\":\"UTC\"}]}}",
		"{\"tx_id\":4,\"request\":{\"simple_query\":\"SELECT 1;\"},\"response\":{"
		"\"field_count\":1,\"data_rows\":2,\"data_size\":4,\"command_completed\":"
		"\"SELECT 2\"}}",
		"{\"tx_id\":5,\"request\":{\"simple_query\":\"COPY t FROM STDIN\"},\"response\":{"
		"\"copy_in_response\":{\"columns\":2}}}",
		"{\"tx_id\":6,\"request\":{\"copy_data_in\":{\"msg_count\":2,\"data_size\":7},"
		"\"message\":\"copy_done\"},\"response\":{\"command_completed\":\"COPY 2\"}}",
		"{\"tx_id\":7,\"request\":{\"message\":\"termination_message\"}}",
	};
	struct app_talk k;

	app_check_all(&app_pgsql, says, sizeof says / sizeof says[0], 20);
	ASSERT(app_talk_open(&k, APP_TCP, 5432, 0));
	for (size_t i = 0; i < sizeof says / sizeof says[0]; i++)
		app_talk_say(&k, says[i].dir, says[i].bytes, 0);
	for (unsigned i = 0; i < sizeof want / sizeof want[0]; i++) {
		struct app_tx *tx = app_talk_tx(&k, i);

		EXPECT(t, tx != NULL && tx->progress[1] == 1);
		EXPECT_SLICE(t, app_talk_event(&app_pgsql, tx), slice_of(want[i]));
	}
	EXPECT(t, app_talk_tx(&k, sizeof want / sizeof want[0]) == NULL);
	EXPECT_SLICE(t, app_talk_field(app_talk_tx(&k, 3), APP_TO_SERVER, SLICE("pgsql.query"), 0),
		     SLICE("SELECT 1;"));
	app_talk_close(&k);
}

static void unknown_messages_are_told_and_passed_over(struct test *t)
{
	struct app_says says[] = {
		{.dir = APP_TO_SERVER, .bytes = BYTES(start)},
		{.dir = APP_TO_SERVER, .bytes = BYTES(unknown)},
		{.dir = APP_TO_SERVER, .bytes = BYTES(query)},
	};
	struct app_talk k;

	app_check_all(&app_pgsql, says, 3, 8);
	ASSERT(app_talk_open(&k, APP_TCP, 5432, 0));
	for (size_t i = 0; i < 3; i++)
		app_talk_say(&k, says[i].dir, says[i].bytes, 0);
	EXPECT(t, app_talk_anomaly(&k, app_talk_tx(&k, 1), SLICE("malformed_request")));
	EXPECT_SLICE(t, app_talk_field(app_talk_tx(&k, 2), APP_TO_SERVER, SLICE("pgsql.query"), 0),
		     SLICE("SELECT 1;"));
	app_talk_close(&k);
}

static void tls_follows_when_the_server_agrees(struct test *t)
{
	struct app_talk k;

	ASSERT(app_talk_open(&k, APP_TCP, 5432, 0));
	app_talk_say(&k, APP_TO_SERVER, BYTES(ssl_request), 0);
	app_talk_say(&k, APP_TO_CLIENT, SLICE("S"), 0);
	EXPECT(t, k.f->changing);
	app_talk_close(&k);
}

TESTS(T(a_session_is_followed), T(unknown_messages_are_told_and_passed_over),
      T(tls_follows_when_the_server_agrees))
