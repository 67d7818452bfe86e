/* SPDX-License-Identifier: Apache-2.0
 * Messages of Kerberos (RFC 4120), encoded here. */
#include "sensor/app/app_check.h"
#include "test.h"

extern const struct app_protocol app_krb5;

#define BYTES(array) ((struct slice){(const uint8_t *)(array), sizeof(array) - 1})

static const char request[] =
	"\x00\x00\x00\x4e\x6a\x4c\x30\x4a\xa1\x03\x02\x01\x05\xa2\x03\x02\x01\x0a\xa4\x3e\x30\x3c"
	"\xa0\x07\x03\x05\x00\x00\x00\x00\x00\xa1\x10\x30\x0e\xa0\x03\x02\x01\x01\xa1\x07\x30\x05"
	"\x1b\x03\x62\x6f\x62\xa2\x05\x1b\x03\x52\x2e\x58\xa3\x18\x30\x16\xa0\x03\x02\x01\x01\xa1"
	"\x0f\x30\x0d\x1b\x06\x6b\x72\x62\x74\x67\x74\x1b\x03\x52\x2e\x58";
static const char reply[] =
	"\x00\x00\x00\x6f\x6b\x6d\x30\x6b\xa0\x03\x02\x01\x05\xa1\x03\x02\x01\x0b\xa3\x05\x1b\x03"
	"\x52\x2e\x58\xa4\x10\x30\x0e\xa0\x03\x02\x01\x01\xa1\x07\x30\x05\x1b\x03\x62\x6f\x62\xa5"
	"\x38\x61\x36\x30\x34\xa0\x03\x02\x01\x05\xa1\x05\x1b\x03\x52\x2e\x58\xa2\x18\x30\x16\xa0"
	"\x03\x02\x01\x01\xa1\x0f\x30\x0d\x1b\x06\x6b\x72\x62\x74\x67\x74\x1b\x03\x52\x2e\x58\xa3"
	"\x0c\x30\x0a\xa0\x03\x02\x01\x12\xa2\x03\x04\x01\x78\xa6\x0c\x30\x0a\xa0\x03\x02\x01\x17"
	"\xa2\x03\x04\x01\x78";
static const char error[] =
	"\x00\x00\x00\x34\x7e\x32\x30\x30\xa0\x03\x02\x01\x05\xa1\x03\x02\x01\x1e\xa6\x03\x02\x01"
	"\x19\xa9\x05\x1b\x03\x52\x2e\x58\xaa\x18\x30\x16\xa0\x03\x02\x01\x01\xa1\x0f\x30\x0d\x1b"
	"\x06\x6b\x72\x62\x74\x67\x74\x1b\x03\x52\x2e\x58";

static void each_message_is_a_transaction(struct test *t)
{
	struct app_says says[] = {
		{.dir = APP_TO_SERVER, .bytes = BYTES(request)},
		{.dir = APP_TO_CLIENT, .bytes = BYTES(error)},
		{.dir = APP_TO_SERVER, .bytes = BYTES(request)},
		{.dir = APP_TO_CLIENT, .bytes = BYTES(reply)},
	};
	struct app_talk k;
	struct app_tx *tx;

	app_check_all(&app_krb5, says, 4, 12);
	ASSERT(app_talk_open(&k, APP_TCP, 88, 0));
	for (size_t i = 0; i < 4; i++)
		app_talk_say(&k, says[i].dir, says[i].bytes, 0);
	tx = app_talk_tx(&k, 0);
	EXPECT_UINT(t, app_talk_number(tx, APP_TO_SERVER, "krb5_msg_type", 0), 10);
	EXPECT(t, app_talk_field(tx, APP_TO_CLIENT, SLICE("krb5_msg_type"), 0).ptr == NULL);
	EXPECT_SLICE(t, app_talk_event(&app_krb5, tx),
		     SLICE("{\"msg_type\":\"KRB_AS_REQ\",\"cname\":\"bob\",\"realm\":\"R.X\","
			   "\"sname\":\"krbtgt/R.X\",\"encryption\":\"<none>\","
			   "\"weak_encryption\":false}"));
	tx = app_talk_tx(&k, 1);
	EXPECT_UINT(t, app_talk_number(tx, APP_TO_CLIENT, "krb5_err_code", 0), 25);
	EXPECT_SLICE(t, app_talk_event(&app_krb5, tx),
		     SLICE("{\"msg_type\":\"KRB_ERROR\",\"failed_request\":\"KRB_AS_REQ\","
			   "\"error_code\":\"KDC_ERR_PREAUTH_REQUIRED\",\"cname\":\"<empty>\","
			   "\"realm\":\"<empty>\",\"sname\":\"krbtgt/R.X\",\"encryption\":"
			   "\"<none>\",\"weak_encryption\":false}"));
	tx = app_talk_tx(&k, 3);
	EXPECT(t, tx != NULL && app_talk_anomaly(&k, tx, SLICE("weak_encryption")));
	EXPECT_SLICE(t, app_talk_field(tx, APP_TO_CLIENT, SLICE("krb5.sname"), 1), SLICE("R.X"));
	EXPECT_SLICE(t, app_talk_field(tx, APP_TO_CLIENT, SLICE("krb5.ticket_encryption"), 0),
		     SLICE("\0\0\0\x12"));
	EXPECT(t, slice_find(app_talk_event(&app_krb5, tx),
			     SLICE("\"encryption\":\"RC4_HMAC\",\"weak_encryption\":true,"
				   "\"ticket_encryption\":\"AES256_CTS_HMAC_SHA1_96\","
				   "\"ticket_weak_encryption\":false")) != SIZE_MAX);
	app_talk_close(&k);
}

static void a_broken_message_is_told(struct test *t)
{
	uint8_t bytes[sizeof request - 1 - 4];
	struct app_talk k;

	memcpy(bytes, request + 4, sizeof bytes);
	bytes[sizeof bytes - 4] = 0x7f; /* a part of the server's name would be longer */
	ASSERT(app_talk_open(&k, APP_UDP, 88, 0));
	app_talk_say(&k, APP_TO_SERVER, (struct slice){bytes, sizeof bytes}, 0);
	EXPECT(t, app_talk_anomaly(&k, app_talk_tx(&k, 0), SLICE("malformed_data")));
	app_talk_close(&k);
}

TESTS(T(each_message_is_a_transaction), T(a_broken_message_is_told))
