/* SPDX-License-Identifier: Apache-2.0
 * Messages of BEP 5, with the ids of its examples. */
#include "sensor/app/app_check.h"
#include "test.h"

extern const struct app_protocol app_bittorrent_dht;

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define PING "d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe"
#define ID "\"id\":\"6162636465666768696a30313233343536373839\""

static void datagrams(struct app_talk *k, struct slice first, struct slice second)
{
	const struct app_says says[] = {{APP_TO_SERVER, first, 0}, {APP_TO_CLIENT, second, 0}};

	app_check_all(&app_bittorrent_dht, says, 2, 12);
	ASSERT(app_talk_open(k, APP_UDP, 6881, 0));
	app_talk_say(k, APP_TO_SERVER, first, 0);
	app_talk_say(k, APP_TO_CLIENT, second, 0);
}

static void queries_and_responses_are_told(struct test *t)
{
	struct slice answer = SLICE("d1:rd2:id20:abcdefghij01234567895:nodes26:"
				    "mnopqrstuvwxyz123456\x7f\x01\x01\x02\x1a\xe1"
				    "5:token2:xy6:valuesl6:\xc0\x02\x01\x07\x1a\xe2"
				    "ee1:t2:aa1:v2:LT1:y1:re");
	struct app_talk k;

	datagrams(&k, SLICE(PING), answer);
	EXPECT(t, k.f->protocol == &app_bittorrent_dht);
	EXPECT_SLICE(t, app_talk_event(&app_bittorrent_dht, app_talk_tx(&k, 0)),
		     SLICE("{\"transaction_id\":\"6161\",\"request_type\":\"ping\","
			   "\"request\":{" ID "}}"));
	EXPECT_SLICE(
		t, app_talk_event(&app_bittorrent_dht, app_talk_tx(&k, 1)),
		SLICE("{\"transaction_id\":\"6161\",\"client_version\":\"4c54\",\"response\":{" ID
		      ",\"nodes\":[{\"id\":\"6d6e6f707172737475767778797a313233343536\","
		      "\"ip\":\"127.1.1.2\",\"port\":6881}],\"values\":[{\"ip\":\"192.2.1.7\","
		      "\"port\":6882}],\"token\":\"7879\"}}"));
	app_talk_close(&k);
}

static void an_announcement_has_a_port_and_an_error_a_text(struct test *t)
{
	struct slice announce =
		SLICE("d1:ad2:id20:abcdefghij012345678912:implied_porti1e9:info_hash"
		      "20:mnopqrstuvwxyz1234564:porti6881e5:token2:xye1:q13:announce_"
		      "peer1:t2:aa1:y1:qe");
	struct app_talk k;

	datagrams(&k, announce, SLICE("d1:eli201e5:Oops!e1:t2:aa1:y1:ee"));
	EXPECT(t, slice_find(app_talk_event(&app_bittorrent_dht, app_talk_tx(&k, 0)),
			     SLICE("\"token\":\"7879\",\"implied_port\":1,\"port\":6881}")) !=
			  SIZE_MAX);
	EXPECT_SLICE(
		t, app_talk_event(&app_bittorrent_dht, app_talk_tx(&k, 1)),
		SLICE("{\"transaction_id\":\"6161\",\"error\":{\"num\":201,\"msg\":\"Oops!\"}}"));
	app_talk_close(&k);
}

static void what_is_not_well_formed_is_an_anomaly(struct test *t)
{
	static const char *const bad[] = {
		"d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:q",  /* no end */
		"d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:y1:qe",	    /* no t */
		"d1:ad2:id20:abcdefghij0123456789e1:t2:aa1:y1:qe",	    /* no q */
		"d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:xe", /* no kind */
		"d1:ad2:id20:abcdefghij0123456789e1:t2:aa1:q4:ping1:y1:qe", /* no order */
		"d1:ad2:id20:abcdefghij01234567894:porti65536ee1:q1:a1:t1:a1:y1:qe",
		"d1:rd5:token1:xe1:t2:aa1:y1:re",				 /* no id */
		"d1:ad2:id20:abcdefghij01234567891:zllleeee1:q1:a1:t1:a1:y1:qe", /* too deep */
		"d1:ad2:id99999999999999999999:",
	};

	for (size_t i = 0; i < COUNT(bad); i++) {
		struct app_talk k;

		datagrams(&k, SLICE(PING), slice_of(bad[i]));
		EXPECT(t, app_talk_anomaly(&k, app_talk_tx(&k, 1), SLICE("malformed_packet")));
		EXPECT_SLICE(t, app_talk_event(&app_bittorrent_dht, app_talk_tx(&k, 1)),
			     SLICE("none"));
		app_talk_close(&k);
	}
}

static void other_datagrams_are_passed_over(struct test *t)
{
	struct app_talk k;

	datagrams(&k, SLICE(PING), SLICE("\x21\x00\x01\x02 uTP"));
	EXPECT(t, app_talk_tx(&k, 1) == NULL && k.f->state == APP_PARSING);
	app_talk_close(&k);
}

TESTS(T(queries_and_responses_are_told), T(an_announcement_has_a_port_and_an_error_a_text),
      T(what_is_not_well_formed_is_an_anomaly), T(other_datagrams_are_passed_over))
