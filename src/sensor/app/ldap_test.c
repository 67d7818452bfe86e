/* SPDX-License-Identifier: Apache-2.0
 * Messages of LDAP (RFC 4511), encoded here. */
#include "sensor/app/app_check.h"
#include "test.h"

extern const struct app_protocol app_ldap;

#define BYTES(array) ((struct slice){(const uint8_t *)(array), sizeof(array) - 1})

static const char bind[] =
	"\x30\x12\x02\x01\x01\x60\x0d\x02\x01\x03\x04\x04\x63\x6e\x3d\x61\x80\x02\x70\x77";
static const char bind_ok[] = "\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00";
static const char search[] =
	"\x30\x42\x02\x01\x02\x63\x2c\x04\x04\x64\x63\x3d\x78\x0a\x01\x02\x0a\x01\x00\x02\x01\x00"
	"\x02\x01\x05\x01\x01\xff\x87\x0b\x6f\x62\x6a\x65\x63\x74\x43\x6c\x61\x73\x73\x30\x08\x04"
	"\x02\x63\x6e\x04\x02\x73\x6e\xa0\x0f\x30\x0d\x04\x05\x31\x2e\x32\x2e\x33\x01\x01\xff\x04"
	"\x01\xab";
static const char entry[] =
	"\x30\x20\x02\x01\x02\x64\x1b\x04\x09\x63\x6e\x3d\x62\x2c\x64\x63\x3d\x78\x30\x0e\x30\x0c"
	"\x04\x02\x63\x6e\x31\x06\x04\x01\x62\x04\x01\x63";
static const char done[] =
	"\x30\x14\x02\x01\x02\x65\x0f\x0a\x01\x04\x04\x00\x04\x08\x74\x6f\x6f\x20\x6d\x61\x6e\x79";
static const char modify[] =
	"\x30\x1f\x02\x01\x03\x66\x1a\x04\x04\x63\x6e\x3d\x62\x30\x12\x30\x10\x0a\x01\x02\x30\x0b"
	"\x04\x04\x6d\x61\x69\x6c\x31\x03\x04\x01\x6d";
static const char start_tls[] =
	"\x30\x1d\x02\x01\x04\x77\x18\x80\x16\x31\x2e\x33\x2e\x36\x2e\x31\x2e\x34\x2e\x31\x2e\x31"
	"\x34\x36\x36\x2e\x32\x30\x30\x33\x37";
static const char tls_ok[] = "\x30\x0c\x02\x01\x04\x78\x07\x0a\x01\x00\x04\x00\x04\x00";
static const char lonely[] = "\x30\x0e\x02\x01\x09\x61\x09\x0a\x01\x31\x04\x00\x04\x02\x6e\x6f";

static void requests_have_their_responses(struct test *t)
{
	struct app_says says[] = {
		{.dir = APP_TO_SERVER, .bytes = BYTES(bind)},
		{.dir = APP_TO_SERVER, .bytes = BYTES(search)},
		{.dir = APP_TO_CLIENT, .bytes = BYTES(bind_ok)},
		{.dir = APP_TO_CLIENT, .bytes = BYTES(entry)},
		{.dir = APP_TO_SERVER, .bytes = BYTES(modify)},
		{.dir = APP_TO_CLIENT, .bytes = BYTES(done)},
	};
	struct app_talk k;
	struct app_tx *tx;

	app_check_all(&app_ldap, says, 6, 20);
	ASSERT(app_talk_open(&k, APP_TCP, 389, 0));
	for (size_t i = 0; i < 6; i++)
		app_talk_say(&k, says[i].dir, says[i].bytes, 0);
	tx = app_talk_tx(&k, 0);
	EXPECT(t, tx != NULL && tx->progress[1] == 1);
	EXPECT_SLICE(t, app_talk_event(&app_ldap, tx),
		     SLICE("{\"request\":{\"message_id\":1,\"operation\":\"bind_request\","
			   "\"bind_request\":{\"version\":3,\"name\":\"cn=a\"}},\"responses\":[{"
			   "\"operation\":\"bind_response\",\"bind_response\":{\"result_code\":"
			   "\"success\",\"matched_dn\":\"\",\"message\":\"\"}}]}"));
	tx = app_talk_tx(&k, 1);
	EXPECT(t, tx != NULL && tx->progress[1] == 1);
	EXPECT_UINT(t, app_talk_number(tx, APP_TO_SERVER, "ldap.request.operation", 0), 3);
	EXPECT_UINT(t, app_talk_number(tx, APP_TO_CLIENT, "ldap.responses.operation", 1), 5);
	EXPECT_UINT(t, app_talk_number(tx, APP_TO_CLIENT, "ldap.responses.result_code", 1), 4);
	EXPECT_UINT(t, app_talk_number(tx, APP_TO_CLIENT, "ldap.responses.count", 0), 2);
	EXPECT_SLICE(t, app_talk_field(tx, APP_TO_SERVER, SLICE("ldap.request.dn"), 0),
		     SLICE("dc=x"));
	EXPECT_SLICE(t, app_talk_field(tx, APP_TO_SERVER, SLICE("ldap.request.attribute_type"), 1),
		     SLICE("sn"));
	EXPECT_SLICE(t,
		     app_talk_field(tx, APP_TO_CLIENT, SLICE("ldap.responses.attribute_type"), 0),
		     SLICE("cn"));
	EXPECT_SLICE(t, app_talk_field(tx, APP_TO_CLIENT, SLICE("ldap.responses.message"), 0),
		     SLICE("too many"));
	EXPECT_SLICE(t, app_talk_field(tx, APP_TO_CLIENT, SLICE("ldap.responses.dn"), 0),
		     SLICE("cn=b,dc=x"));
	EXPECT(t, slice_find(app_talk_event(&app_ldap, tx),
			     SLICE("\"types_only\":true,\"filter\":{\"type\":\"present\","
				   "\"value\":\"objectClass\"}")) != SIZE_MAX);
	EXPECT(t, slice_find(app_talk_event(&app_ldap, tx),
			     SLICE("\"controls\":[{\"control_type\":\"1.2.3\","
				   "\"criticality\":true,\"control_value\":\"ab\"}]")) != SIZE_MAX);
	tx = app_talk_tx(&k, 2);
	EXPECT(t, tx != NULL && tx->progress[1] == 0);
	EXPECT(t, slice_find(app_talk_event(&app_ldap, tx),
			     SLICE("\"changes\":[{\"operation\":\"replace\","
				   "\"modification\":{\"attribute_type\":\"mail\","
				   "\"attribute_values\":[\"m\"]}}]")) != SIZE_MAX);
	app_talk_close(&k);
}

static void tls_follows_when_both_agree(struct test *t)
{
	struct app_talk k;

	ASSERT(app_talk_open(&k, APP_TCP, 389, 0));
	app_talk_say(&k, APP_TO_SERVER, BYTES(start_tls), 0);
	EXPECT(t, !k.f->changing);
	app_talk_say(&k, APP_TO_CLIENT, BYTES(tls_ok), 0);
	EXPECT(t, k.f->changing);
	app_talk_close(&k);
}

static void what_nobody_asked_for_is_told(struct test *t)
{
	struct app_says says[] = {{.dir = APP_TO_CLIENT, .bytes = BYTES(lonely)}};
	struct app_talk k;
	struct app_tx *tx;

	app_check_all(&app_ldap, says, 1, 8);
	ASSERT(app_talk_open(&k, APP_UDP, 389, 0));
	app_talk_say(&k, APP_TO_CLIENT, BYTES(lonely), 0);
	tx = app_talk_tx(&k, 0);
	EXPECT(t, tx != NULL && app_talk_anomaly(&k, tx, SLICE("request_not_found")));
	EXPECT(t, slice_find(app_talk_event(&app_ldap, tx),
			     SLICE("\"message_id\":9,\"bind_response\":{\"result_code\":"
				   "\"invalid_credentials\"")) != SIZE_MAX);
	app_talk_say(&k, APP_TO_CLIENT, slice_part(BYTES(lonely), 0, 9), 0);
	EXPECT(t, app_talk_anomaly(&k, tx, SLICE("incomplete_data")));
	EXPECT(t, k.f->state == APP_GIVEN_UP);
	app_talk_close(&k);
}

TESTS(T(requests_have_their_responses), T(tls_follows_when_both_agree),
      T(what_nobody_asked_for_is_told))
