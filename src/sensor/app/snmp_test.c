/* SPDX-License-Identifier: Apache-2.0
 * Messages of SNMP (RFC 1157, RFC 3416, RFC 3414), encoded here. */
#include "sensor/app/app_check.h"
#include "test.h"

extern const struct app_protocol app_snmp;

#define BYTES(array) ((struct slice){(const uint8_t *)(array), sizeof(array) - 1})

static const char get[] =
	"\x30\x23\x02\x01\x01\x04\x06\x70\x75\x62\x6c\x69\x63\xa0\x16\x02\x01\x07\x02\x01\x00\x02"
	"\x01\x00\x30\x0b\x30\x09\x06\x05\x2b\x06\x01\x02\x01\x05\x00";
static const char response[] =
	"\x30\x23\x02\x01\x01\x04\x06\x70\x75\x62\x6c\x69\x63\xa2\x16\x02\x01\x07\x02\x01\x02\x02"
	"\x01\x01\x30\x0b\x30\x09\x06\x05\x2b\x06\x01\x02\x01\x05\x00";
static const char trap[] =
	"\x30\x20\x02\x01\x00\x04\x01\x63\xa4\x18\x06\x05\x2b\x06\x01\x02\x01\x40\x04\x0a\x00\x00"
	"\x01\x02\x01\x03\x02\x01\x00\x43\x01\x01\x30\x00";
static const char version3[] =
	"\x30\x3d\x02\x01\x03\x30\x0c\x02\x01\x01\x02\x01\x10\x04\x01\x04\x02\x01\x03\x04\x16\x30"
	"\x14\x04\x01\x65\x02\x01\x00\x02\x01\x00\x04\x05\x61\x6c\x69\x63\x65\x04\x00\x04\x00\x30"
	"\x12\x04\x01\x65\x04\x00\xa0\x0b\x02\x01\x07\x02\x01\x00\x02\x01\x00\x30\x00";

static void each_message_is_a_transaction(struct test *t)
{
	struct app_says says[] = {
		{.dir = APP_TO_SERVER, .bytes = BYTES(get)},
		{.dir = APP_TO_CLIENT, .bytes = BYTES(response)},
	};
	struct app_talk k;
	struct app_tx *tx;

	app_check_all(&app_snmp, says, 2, 10);
	ASSERT(app_talk_open(&k, APP_UDP, 161, 0));
	app_talk_say(&k, APP_TO_SERVER, BYTES(get), 0);
	app_talk_say(&k, APP_TO_CLIENT, BYTES(response), 0);
	tx = app_talk_tx(&k, 0);
	EXPECT_UINT(t, app_talk_number(tx, APP_TO_SERVER, "snmp.version", 0), 2);
	EXPECT_UINT(t, app_talk_number(tx, APP_TO_SERVER, "snmp.pdu_type", 0), 0);
	EXPECT_SLICE(t, app_talk_field(tx, APP_TO_SERVER, SLICE("snmp.community"), 0),
		     SLICE("public"));
	EXPECT_SLICE(t, app_talk_event(&app_snmp, tx),
		     SLICE("{\"version\":2,\"pdu_type\":\"get_request\",\"vars\":[\"1.3.6.1.2.1\"],"
			   "\"community\":\"public\"}"));
	tx = app_talk_tx(&k, 1);
	EXPECT(t, app_talk_field(tx, APP_TO_SERVER, SLICE("snmp.community"), 0).ptr == NULL);
	EXPECT_SLICE(t, app_talk_event(&app_snmp, tx),
		     SLICE("{\"version\":2,\"pdu_type\":\"response\",\"error\":\"NoSuchName\","
			   "\"vars\":[\"1.3.6.1.2.1\"],\"community\":\"public\"}"));
	app_talk_close(&k);
}

static void traps_and_users_are_read(struct test *t)
{
	struct app_talk k;
	struct app_tx *tx;

	ASSERT(app_talk_open(&k, APP_UDP, 162, 0));
	app_talk_say(&k, APP_TO_SERVER, BYTES(trap), 0);
	tx = app_talk_tx(&k, 0);
	EXPECT_SLICE(t, app_talk_event(&app_snmp, tx),
		     SLICE("{\"version\":1,\"pdu_type\":\"trap_v1\",\"trap_type\":\"LinkUp\","
			   "\"trap_oid\":\"1.3.6.1.2.1\",\"trap_address\":\"10.0.0.1\","
			   "\"community\":\"c\"}"));
	app_talk_say(&k, APP_TO_SERVER, BYTES(version3), 0);
	tx = app_talk_tx(&k, 1);
	EXPECT(t, app_talk_anomaly(&k, tx, SLICE("version_mismatch")));
	EXPECT_SLICE(t, app_talk_field(tx, APP_TO_SERVER, SLICE("snmp.usm"), 0), SLICE("alice"));
	EXPECT_SLICE(t, app_talk_event(&app_snmp, tx),
		     SLICE("{\"version\":3,\"pdu_type\":\"get_request\",\"usm\":\"alice\"}"));
	app_talk_say(&k, APP_TO_SERVER, slice_part(BYTES(version3), 0, 30), 0);
	EXPECT(t, app_talk_anomaly(&k, app_talk_tx(&k, 2), SLICE("malformed_data")));
	app_talk_close(&k);
}

TESTS(T(each_message_is_a_transaction), T(traps_and_users_are_read))
