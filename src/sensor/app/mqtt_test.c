/* SPDX-License-Identifier: Apache-2.0
 * Messages of MQTT, built here byte by byte. */
#include "sensor/app/mqtt_priv.h"

#include "sensor/app/app_check.h"
#include "test.h"

extern const struct app_protocol app_mqtt;

#define CONNECT_5                                                                                  \
	"\x10\x2c\0\4MQTT\5\xc6\0\x3c\3\x21\0\x14\0\2me\5\x18\0\0\0\7\0\1t\0\3bye\0\4user\0\4pass"
#define CONNACK_5 "\x20\6\0\0\3\x22\0\x0a"
#define CONNECT_3 "\x10\x0e\0\4MQTT\4\2\0\x3c\0\2me"
#define CONNACK_3 "\x20\2\1\0"

static bool open_with(struct app_talk *k, struct slice connect, struct slice connack)
{
	if (!app_talk_open(k, APP_TCP, 1883, 0))
		return false;
	app_talk_say(k, APP_TO_SERVER, connect, 0);
	app_talk_say(k, APP_TO_CLIENT, connack, 0);
	return true;
}

static struct slice logged(struct app_tx *tx)
{
	struct record r = {0};

	return app_mqtt.log(tx, 0, &tx->arena, &r) ? r.more[0].json : SLICE("");
}

static void a_session_begins(struct test *t)
{
	struct app_talk k;
	struct app_tx *tx;

	ASSERT(open_with(&k, SLICE(CONNECT_5), SLICE(CONNACK_5)));
	tx = app_talk_tx(&k, 0);
	EXPECT(t, tx != NULL && tx->next == NULL && tx->anomalies == 0);
	EXPECT(t, tx->progress[0] == 2 && tx->progress[1] == 2);
	EXPECT_SLICE(t, app_talk_field(tx, 0, SLICE("mqtt.connect.clientid"), 0), SLICE("me"));
	EXPECT_SLICE(t, app_talk_field(tx, 0, SLICE("mqtt.connect.username"), 0), SLICE("user"));
	EXPECT_SLICE(t, app_talk_field(tx, 0, SLICE("mqtt.connect.password"), 0), SLICE("pass"));
	EXPECT_SLICE(t, app_talk_field(tx, 0, SLICE("mqtt.connect.willtopic"), 0), SLICE("t"));
	EXPECT_SLICE(t, app_talk_field(tx, 0, SLICE("mqtt.connect.willmessage"), 0), SLICE("bye"));
	EXPECT(t, app_talk_field(tx, 1, SLICE("mqtt.connect.clientid"), 0).ptr == NULL);
	EXPECT_UINT(t, app_talk_number(tx, 0, "mqtt.type", 0), MQTT_CONNECT);
	EXPECT_UINT(t, app_talk_number(tx, 0, "mqtt.type", 1), MQTT_CONNACK);
	EXPECT_UINT(t, app_talk_number(tx, 0, "mqtt.protocol_version", 0), 5);
	EXPECT_UINT(t, app_talk_number(tx, 0, "mqtt.connect.flags", 0), 0xc6);
	EXPECT_UINT(t, app_talk_number(tx, 0, "mqtt.reason_code", 0), 0);
	EXPECT_UINT(t, app_talk_number(tx, 0, "mqtt.connack.session_present", 0), 0);
	EXPECT_SLICE(
		t, logged(tx),
		SLICE("{\"connect\":{\"qos\":0,\"retain\":false,\"dup\":false,"
		      "\"protocol_string\":\"MQTT\",\"protocol_version\":5,\"client_id\":\"me\","
		      "\"flags\":{\"username\":true,\"password\":true,\"will_retain\":false,"
		      "\"will\":true,\"clean_session\":true},\"username\":\"user\","
		      "\"password\":\"pass\",\"will\":{\"topic\":\"t\",\"message\":\"bye\","
		      "\"properties\":{\"will_delay_interval\":7}},"
		      "\"properties\":{\"receive_maximum\":20}},"
		      "\"connack\":{\"qos\":0,\"retain\":false,\"dup\":false,"
		      "\"session_present\":false,\"return_code\":0,"
		      "\"properties\":{\"topic_alias_maximum\":10}}}"));
	app_talk_close(&k);
}

static void a_publication_ends_with_its_last_acknowledgement(struct test *t)
{
	struct app_talk k;
	struct app_tx *tx;

	ASSERT(open_with(&k, SLICE(CONNECT_3), SLICE(CONNACK_3)));
	app_talk_say(&k, APP_TO_SERVER, SLICE("\x3d\7\0\1a\0\7hi"), 0); /* dup, QoS 2, retain */
	tx = app_talk_tx(&k, 1);
	EXPECT(t, tx != NULL && tx->progress[APP_TO_SERVER] == 1);
	app_talk_say(&k, APP_TO_CLIENT, SLICE("\x50\2\0\7"), 0);
	app_talk_say(&k, APP_TO_SERVER, SLICE("\x62\2\0\7"), 0);
	EXPECT_UINT(t, tx->progress[APP_TO_SERVER], 1);
	app_talk_say(&k, APP_TO_CLIENT, SLICE("\x70\2\0\7"), 0);
	EXPECT(t, tx->progress[APP_TO_SERVER] == 2 && tx->next == NULL);
	EXPECT_UINT(t, app_talk_number(tx, 0, "mqtt.type", 3), MQTT_PUBCOMP);
	EXPECT_UINT(t, app_talk_number(tx, 0, "mqtt.qos", 0), 2);
	EXPECT_UINT(t, app_talk_number(tx, 0, "mqtt.flags", 0), 9);
	EXPECT(t, app_talk_field(tx, 0, SLICE("mqtt.reason_code"), 0).ptr == NULL); /* not in 3 */
	EXPECT_SLICE(t, app_talk_field(tx, 0, SLICE("mqtt.publish.topic"), 0), SLICE("a"));
	EXPECT_SLICE(t, app_talk_field(tx, 0, SLICE("mqtt.publish.message"), 0), SLICE("hi"));
	app_talk_say(&k, APP_TO_CLIENT, SLICE("\x40\2\0\7"), 0); /* nobody waits any more */
	EXPECT(t, app_talk_anomaly(&k, app_talk_tx(&k, 2), SLICE("missing_publish")));
	app_talk_close(&k);
}

static void topics_are_listed_and_their_texts_limited(struct test *t)
{
	struct arena_pool pool = {.budget = 1 << 20};
	struct arena a = {.pool = &pool};
	struct record r = {.making = {.asked = app_mqtt.log_configure(NULL, NULL, &a)}};
	struct app_talk k;
	struct app_tx *tx;

	ASSERT(open_with(&k, SLICE(CONNECT_3), SLICE(CONNACK_3)));
	app_talk_say(&k, APP_TO_SERVER, SLICE("\x82\x0a\0\1\0\1x\1\0\1y\2"), 0);
	app_talk_say(&k, APP_TO_CLIENT, SLICE("\x90\4\0\1\1\x80"), 0);
	app_talk_say(&k, APP_TO_SERVER, SLICE("\xa2\5\0\2\0\1x"), 0);
	tx = app_talk_tx(&k, 1);
	EXPECT_SLICE(t, app_talk_field(tx, 0, SLICE("mqtt.subscribe.topic"), 1), SLICE("y"));
	EXPECT(t, app_talk_field(tx, 0, SLICE("mqtt.subscribe.topic"), 2).ptr == NULL);
	EXPECT_UINT(t, app_talk_number(tx, 0, "mqtt.reason_code", 1), 0x80);
	EXPECT(t, app_mqtt.log(tx, 0, &tx->arena, &r));
	EXPECT_SLICE(t, r.more[0].json,
		     SLICE("{\"subscribe\":{\"qos\":1,\"retain\":false,\"dup\":false,"
			   "\"message_id\":1,\"topics\":[{\"topic\":\"x\",\"qos\":1},"
			   "{\"topic\":\"y\",\"qos\":2}]},\"suback\":{\"qos\":0,\"retain\":false,"
			   "\"dup\":false,\"message_id\":1,\"qos_granted\":[1,128]}}"));
	EXPECT_SLICE(t, app_talk_field(app_talk_tx(&k, 2), 0, SLICE("mqtt.unsubscribe.topic"), 0),
		     SLICE("x"));
	app_talk_close(&k);
	arena_reset(&a);
	arena_pool_drain(&pool);
}

static void what_is_odd_has_a_name(struct test *t)
{
	static const struct {
		struct slice server, client; /* said by the client, then by the server */
		const char *anomaly;	     /* of the last transaction */
		bool stuck;
	} cases[] = {
		{SLICE("\xc0\0"), SLICE(""), "unintroduced_message", false},
		{SLICE(CONNECT_3 CONNECT_3), SLICE(CONNACK_3), "", false},
		{SLICE(""), SLICE(CONNACK_3), "missing_connect", false},
		{SLICE(""), SLICE("\x90\3\0\1\0"), "missing_subscribe", false},
		{SLICE(""), SLICE("\xb0\2\0\1"), "missing_unsubscribe", false},
		{SLICE("\x36\5\0\1a\0\1"), SLICE(""), "invalid_qos_level", false},
		{SLICE(CONNECT_3 "\0\0"), SLICE(""), "unassigned_msg_type", false},
		{SLICE("\xc0\xff\xff\xff\xff"), SLICE(""), "malformed_traffic", true},
		{SLICE("\x10\x0e\0\x14MQTT\4\2\0\x3c\0\2me"), SLICE(""), "malformed_traffic", true},
		{SLICE("\x10\x0f\0\4MQTT\5\2\0\x3c\x14\0\2me"), SLICE(""), "malformed_traffic",
		 true}, /* properties longer than the message */
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct app_talk k;
		struct app_tx *tx;

		ASSERT(app_talk_open(&k, APP_TCP, 1883, 0));
		app_talk_say(&k, APP_TO_SERVER, SLICE("\xc0\0\xc0\0\xc0\0\xc0\0\xc0\0\xc0\0"),
			     0); /* enough for every probe to say that it is MQTT */
		app_talk_say(&k, APP_TO_SERVER, cases[i].server, 0);
		app_talk_say(&k, APP_TO_CLIENT, cases[i].client, 0);
		tx = app_talk_tx(&k, 0);
		while (tx != NULL && tx->next != NULL)
			tx = tx->next;
		if (tx == NULL || !app_talk_anomaly(&k, tx, slice_of(cases[i].anomaly)) ||
		    (k.f->state == APP_GIVEN_UP) != cases[i].stuck)
			test_fail(t, __FILE__, __LINE__, "case %zu: not %s", i, cases[i].anomaly);
		app_talk_close(&k);
	}
}

static void a_message_too_long_is_skipped(struct test *t)
{
	static uint8_t big[(1 << 20) + 100];
	struct app_talk k;
	struct app_tx *tx;

	ASSERT(open_with(&k, SLICE(CONNECT_3), SLICE(CONNACK_3)));
	app_talk_say(&k, APP_TO_SERVER, SLICE("\x30\x81\x80\x40"), 0); /* 1 MiB + 1 */
	app_talk_say(&k, APP_TO_SERVER, (struct slice){big, (1 << 20) + 1}, 9000);
	app_talk_say(&k, APP_TO_SERVER, SLICE("\xe0\0"), 0);
	tx = app_talk_tx(&k, 1);
	EXPECT_SLICE(t, logged(tx),
		     SLICE("{\"publish\":{\"qos\":0,\"retain\":false,\"dup\":false,"
			   "\"truncated\":true,\"skipped_length\":1048581}}"));
	EXPECT(t,
	       tx->next != NULL && app_talk_number(tx->next, 0, "mqtt.type", 0) == MQTT_DISCONNECT);
	app_talk_close(&k);
}

static void any_cut_and_any_shortage_is_survived(struct test *t)
{
	static const struct app_says says[] = {
		{APP_TO_SERVER, SLICE(CONNECT_5), 0},
		{APP_TO_CLIENT, SLICE(CONNACK_5), 0},
		{APP_TO_SERVER, SLICE("\x32\x0e\0\1a\0\7\5\x26\0\1k\0\1vhi"), 0},
		{APP_TO_CLIENT, SLICE("\x40\3\0\7\x10"), 0},
		{APP_TO_SERVER, SLICE("\x82\7\0\1\0\0\1x\1\xc0\0"), 0},
		{APP_TO_CLIENT, SLICE("\x90\4\0\1\0\1\xd0\0\xf0\2\x18\0"), 0},
		{APP_TO_SERVER, SLICE("\xe0\2\4\0"), 0},
	};

	(void)t;
	app_check_all(&app_mqtt, says, sizeof says / sizeof says[0], 40);
}

TESTS(T(a_session_begins), T(a_publication_ends_with_its_last_acknowledgement),
      T(topics_are_listed_and_their_texts_limited), T(what_is_odd_has_a_name),
      T(a_message_too_long_is_skipped), T(any_cut_and_any_shortage_is_survived))
