/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/app/app_check.h"
#include "test.h"

extern const struct app_protocol app_dhcp;

enum { FIXED_BYTES = 240, MESSAGE_MAX = 400 };

/* The fixed part (an answer of 10.0.0.1 to 10.0.0.9, 02:00:00:00:00:01) and these options. */
static struct slice message(uint8_t op, struct slice options, uint8_t out[MESSAGE_MAX])
{
	static const uint8_t addresses[16] = {0, 0, 0, 0, 10, 0, 0, 9, 10, 0, 0, 1};
	static const uint8_t start[12] = {0, 1, 6, 0, 0xde, 0xad, 0xbe, 0xef};
	static const uint8_t mac[6] = {2, 0, 0, 0, 0, 1};

	memset(out, 0, FIXED_BYTES);
	memcpy(out, start, sizeof start);
	out[0] = op;
	memcpy(out + 12, addresses, sizeof addresses);
	memcpy(out + 28, mac, sizeof mac);
	memcpy(out + 236, "\x63\x82\x53\x63", 4);
	memcpy(out + FIXED_BYTES, options.ptr, options.len);
	return (struct slice){out, FIXED_BYTES + options.len};
}

static bool said(struct app_talk *k, bool extended, struct record *r)
{
	struct arena_pool pool = {.budget = 1 << 20};
	struct arena a = {.pool = &pool};
	struct config *c = config_new(&a);
	struct app_tx *tx = app_talk_tx(k, 0);
	struct fail why;
	bool any;

	ASSERT(config_set(c, SLICE("outputs.eve-log.types.dhcp.extended"),
			  extended ? SLICE("yes") : SLICE("no"), &why) == ST_OK);
	*(const void **)tx->data = app_dhcp.configure(c, &a); /* the settings stand first */
	*r = (struct record){0};
	any = app_dhcp.log(tx, 0, &tx->arena, r);
	arena_reset(&a);
	arena_pool_drain(&pool);
	return any;
}

static void an_acknowledgement_says_what_was_leased(struct test *t)
{
	static const char options[] = "\x35\1\5\x33\4\0\0\x0e\x10\x3a\4\0\0\7\x08\x3b\4\0\0\x0c\x4e"
				      "\1\4\xff\xff\xff\0\3\4\x0a\0\0\1\6\x08\x0a\0\0\1\x0a\0\0\2"
				      "\x0c\4nas1\x35\1\6\xff";
	uint8_t bytes[MESSAGE_MAX];
	struct app_says says[] = {
		{.dir = APP_TO_CLIENT,
		 .bytes = message(2, (struct slice){(const uint8_t *)options, sizeof options - 1},
				  bytes)}};
	struct record r;
	struct app_talk k;

	app_check_all(&app_dhcp, says, 1, 8);
	ASSERT(app_talk_open(&k, APP_UDP, 67, 0));
	app_talk_say(&k, APP_TO_CLIENT, says[0].bytes, 0);
	EXPECT_UINT(
		t,
		app_talk_field(app_talk_tx(&k, 0), APP_TO_CLIENT, SLICE("dhcp.leasetime"), 0).len,
		8);
	EXPECT(t, said(&k, true, &r));
	EXPECT_SLICE(
		t, r.more[0].json,
		SLICE("{\"type\":\"reply\",\"id\":3735928559,\"client_mac\":\"02:00:00:00:00:01\","
		      "\"assigned_ip\":\"10.0.0.9\",\"client_ip\":\"0.0.0.0\",\"relay_ip\":\"0.0.0."
		      "0\","
		      "\"next_server_ip\":\"10.0.0.1\",\"dhcp_type\":\"nak\",\"lease_time\":3600,"
		      "\"renewal_time\":1800,\"rebinding_time\":3150,\"subnet_mask\":\"255.255.255."
		      "0\","
		      "\"routers\":[\"10.0.0.1\"],\"dns_servers\":[\"10.0.0.1\",\"10.0.0.2\"],"
		      "\"hostname\":\"nas1\"}"));
	EXPECT(t, !said(&k, false, &r)); /* no acknowledgement after all: the last type counts */
	app_talk_close(&k);
}

static void options_without_an_end_are_an_anomaly(struct test *t)
{
	static const struct {
		const char *options;
		size_t bytes;
		const char *anomaly;
	} rows[] = {
		{"\x35\1\1\xff", 4, ""},
		{"\x35\1\1", 3, "truncated_options"},
		{"\x35\2\1", 3, "truncated_options"},
		{"\x35\2\1\1\xff", 5, "malformed_options"},
		{"\x33\3\1\1\1\xff", 6, "malformed_options"},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		uint8_t bytes[MESSAGE_MAX];
		struct slice options = {(const uint8_t *)rows[i].options, rows[i].bytes};
		struct app_talk k;

		ASSERT(app_talk_open(&k, APP_UDP, 67, 0));
		app_talk_say(&k, APP_TO_SERVER, message(1, options, bytes), 0);
		EXPECT(t, app_talk_anomaly(&k, app_talk_tx(&k, 0), slice_of(rows[i].anomaly)));
		app_talk_close(&k);
	}
}

TESTS(T(an_acknowledgement_says_what_was_leased), T(options_without_an_end_are_an_anomaly))
