/* SPDX-License-Identifier: Apache-2.0
 * Other rules while flows are open. Rules that were replaced are freed at once, with their memory:
 * what still reads them is found by AddressSanitizer. */
#include "sensor/detect/detect_fixture.h"
#include "test.h"

/* Rules that came later, with memory of their own. */
struct later {
	struct arena_pool pool;
	struct arena arena;
	struct rule_set set;
	struct detect_rules *rules;
};

static bool later_compile(struct later *l, const struct detect_rules *before, struct slice text,
			  size_t fail_after)
{
	struct detect_options options = {.before = before};
	struct fail why;

	*l = (struct later){.pool = {.budget = 256U << 20, .fail_after = fail_after}};
	l->arena.pool = &l->pool;
	return rule_set_init(&l->set, &l->arena, &why) == ST_OK &&
	       rule_set_load(&l->set, SLICE("later.rules"), text, &why) == ST_OK &&
	       detect_compile(&l->set, &options, &l->arena, &l->rules, &why) == ST_OK;
}

static void later_free(struct later *l)
{
	detect_rules_free(l->rules);
	arena_reset(&l->arena);
	arena_pool_drain(&l->pool);
}

/* The worker goes over to l; what it had goes, the very first rules but live with the fixture. */
static bool exchange(struct fixture *x, struct later *l, struct later *was)
{
	struct detect_gear *gear;
	struct fail why;

	if (detect_gear_new(l->rules, true, &gear, &why) != ST_OK)
		return false;
	detect_gear_free(detect_worker_exchange(x->worker, gear));
	if (was != NULL)
		later_free(was);
	return true;
}

static bool begin(struct fixture *x, const char *rules, uint8_t proto, uint16_t port)
{
	if (!fixture_rules(x, slice_of(rules), 0))
		return false;
	fixture_flow(x, proto, port);
	return true;
}

static void bits_and_integers_of_a_flow_stay_when_their_numbers_would_change(struct test *t)
{
	struct fixture x;
	struct later a, b;

	EXPECT(t, begin(&x,
			"alert udp any any -> any any (content:\"s\"; flowbits:set,seen; "
			"flowint:n,+,7; noalert; sid:1;)\n",
			IP_PROTO_UDP, 9));
	fixture_datagram(&x, FLOW_TO_SERVER, SLICE("s"));
	EXPECT(t, later_compile(&a, x.rules,
				SLICE("alert udp any any -> any any (content:\"o\"; "
				      "flowbits:set,other; flowint:m,=,1; noalert; sid:2;)\n"),
				0));
	EXPECT(t, exchange(&x, &a, NULL));
	fixture_datagram(&x, FLOW_TO_SERVER, SLICE("o"));
	/* a hundred names in front of the old one: more than one word of bits */
	struct arena_pool pool = {.budget = 1 << 20};
	struct arena arena = {.pool = &pool};
	struct buf text = buf_in(&arena);

	for (unsigned i = 0; i < 100; i++)
		buf_add_fmt(&text,
			    "alert udp any any -> any any (content:\"z\"; flowbits:set,n%u; "
			    "flowint:i%u,=,1; sid:%u;)\n",
			    i, i, 100 + i);
	buf_add_z(&text,
		  "alert udp any any -> any any (content:\"a\"; flowbits:isset,seen; "
		  "flowint:n,==,7; sid:3;)\n"
		  "alert udp any any -> any any (content:\"a\"; flowbits:isset,other; "
		  "flowint:m,==,1; sid:4;)\n"
		  "alert udp any any -> any any (content:\"a\"; flowbits:isset,n99; sid:5;)\n"
		  "alert udp any any -> any any (content:\"a\"; flowint:i99,isset; sid:6;)\n");
	EXPECT(t, later_compile(&b, a.rules, buf_slice(&text), 0));
	EXPECT(t, exchange(&x, &b, &a));
	fixture_datagram(&x, FLOW_TO_SERVER, SLICE("a"));
	EXPECT_UINT(t, x.hits, 2);
	EXPECT_UINT(t, fixture_count(&x, 3), 1);
	EXPECT_UINT(t, fixture_count(&x, 4), 1);
	fixture_datagram(&x, FLOW_TO_SERVER, SLICE("z"));
	fixture_datagram(&x, FLOW_TO_SERVER, SLICE("a"));
	EXPECT_UINT(t, fixture_count(&x, 5), 1);
	EXPECT_UINT(t, fixture_count(&x, 6), 1);
	fixture_done(&x);
	later_free(&b);
	arena_reset(&arena);
	arena_pool_drain(&pool);
}

static void without_memory_for_more_bits_a_flow_keeps_those_it_has(struct test *t)
{
	struct fixture x;
	struct later a;
	struct arena_pool pool = {.budget = 1 << 20};
	struct arena arena = {.pool = &pool};
	struct buf text = buf_in(&arena);

	EXPECT(t, begin(&x,
			"alert udp any any -> any any (content:\"s\"; flowbits:set,seen; noalert; "
			"sid:1;)\n",
			IP_PROTO_UDP, 9));
	fixture_datagram(&x, FLOW_TO_SERVER, SLICE("s"));
	for (unsigned i = 0; i < 20000; i++)
		buf_add_fmt(&text,
			    "alert udp any any -> any any (content:\"z\"; flowbits:set,n%u; "
			    "flowbits:isset,n%u; flowint:i%u,=,1; flowint:i%u,isset; sid:%u;)\n",
			    i, i, i, i, 100 + i);
	buf_add_z(&text,
		  "alert udp any any -> any any (content:\"a\"; flowbits:isset,seen; sid:3;)\n");
	EXPECT(t, !text.full || text.len != 0);
	EXPECT(t, later_compile(&a, x.rules, buf_slice(&text), 0));
	EXPECT(t, exchange(&x, &a, NULL));
	x.pool.fail_after = 1;
	fixture_datagram(&x, FLOW_TO_SERVER, SLICE("z"));
	fixture_datagram(&x, FLOW_TO_SERVER, SLICE("a"));
	x.pool.fail_after = 0;
	EXPECT_UINT(t, fixture_count(&x, 3), text.full ? 0 : 1);
	fixture_done(&x);
	later_free(&a);
	arena_reset(&arena);
	arena_pool_drain(&pool);
}

static void thresholds_and_bits_of_hosts_go_by_names_and_numbers_that_stay(struct test *t)
{
	struct fixture x;
	struct later a, b;
	const char *same =
		"alert udp any any -> any any (content:\"a\"; threshold:type limit, track "
		"by_src, count 2, seconds 600; sid:9;)\n";

	EXPECT(t, begin(&x,
			"alert udp any any -> any any (content:\"h\"; xbits:set,host,track "
			"ip_src,expire 600; noalert; sid:1;)\n"
			"alert udp any any -> any any (content:\"a\"; threshold:type limit, track "
			"by_src, count 2, seconds 600; sid:9;)\n",
			IP_PROTO_UDP, 9));
	fixture_datagram(&x, FLOW_TO_SERVER, SLICE("h"));
	fixture_datagram(&x, FLOW_TO_SERVER, SLICE("a"));
	EXPECT(t, later_compile(&a, x.rules, slice_of(same), 0));
	EXPECT(t, exchange(&x, &a, NULL));
	fixture_datagram(&x, FLOW_TO_SERVER, SLICE("a"));
	EXPECT(t, later_compile(&b, a.rules,
				SLICE("alert udp any any -> any any (content:\"x\"; "
				      "xbits:set,first,track ip_src; noalert; sid:2;)\n"
				      "alert udp any any -> any any (content:\"h\"; "
				      "xbits:isset,host,track ip_src; sid:3;)\n"
				      "alert udp any any -> any any (content:\"a\"; threshold:type "
				      "limit, track by_src, count 2, seconds 600; sid:9;)\n"),
				0));
	EXPECT(t, exchange(&x, &b, &a));
	fixture_datagram(&x, FLOW_TO_SERVER, SLICE("a"));
	fixture_datagram(&x, FLOW_TO_SERVER, SLICE("h"));
	EXPECT_UINT(t, fixture_count(&x, 9), 2);
	EXPECT_UINT(t, fixture_count(&x, 3), 1);
	fixture_done(&x);
	later_free(&b);
}

static void
what_fired_for_a_transaction_does_not_fire_again_and_the_rest_is_asked_anew(struct test *t)
{
	struct fixture x;
	struct later a, b;
	const char *rules = "alert http any any -> any any (http.uri; content:\"/evil\"; sid:1;)\n"
			    "alert http any any -> any any (http.uri; content:\"/evil\"; "
			    "http.method; content:\"GET\"; sid:2;)\n";

	EXPECT(t, begin(&x, rules, IP_PROTO_TCP, 80));
	fixture_app(&x, APP_TCP);
	fixture_handshake(&x);
	fixture_say(&x, FLOW_TO_SERVER, SLICE("GET /evil HTTP/1.1\r\nHost: a\r\n\r\n"));
	EXPECT_UINT(t, x.hits, 2);
	/* sid 2 is renumbered, sid 1 is gone, sid 3 is new and about what was there before */
	EXPECT(t, later_compile(&a, x.rules,
				SLICE("alert http any any -> any any (http.host; content:\"zzz\"; "
				      "sid:8; priority:1;)\n"
				      "alert http any any -> any any (http.uri; content:\"/evil\"; "
				      "http.method; content:\"GET\"; sid:2;)\n"
				      "alert http any any -> any any (http.uri; content:\"evil\"; "
				      "sid:3;)\n"),
				0));
	EXPECT(t, exchange(&x, &a, NULL));
	fixture_say(&x, FLOW_TO_SERVER, SLICE("GET /evil2 HTTP/1.1\r\nHost: a\r\n\r\n"));
	/* of the second request both; of the first only what is new */
	EXPECT_UINT(t, fixture_count(&x, 1), 1);
	EXPECT_UINT(t, fixture_count(&x, 2), 2);
	EXPECT_UINT(t, fixture_count(&x, 3), 2);
	EXPECT(t, later_compile(&b, a.rules, slice_of(rules), 0));
	EXPECT(t, exchange(&x, &b, &a));
	fixture_say(&x, FLOW_TO_CLIENT, SLICE("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
	fixture_flow_end(&x);
	EXPECT_UINT(t, fixture_count(&x, 2), 2);
	EXPECT_UINT(t, fixture_count(&x, 8), 0);
	fixture_done(&x);
	later_free(&b);
}

/* A rule about files is asked again for each: that it does not hold for the second does not undo
 * that it fired for the first. */
static void
a_file_that_fired_is_known_after_an_exchange_though_others_came_behind_it(struct test *t)
{
	static const char rules[] =
		"alert smtp any any -> any any (msg:\"m\"; filename:\"a.txt\"; sid:1;)\n";
	struct app_setup *setup;
	struct fixture x;
	struct later a;

	EXPECT(t, begin(&x, rules, IP_PROTO_TCP, 25));
	fixture_app(&x, APP_TCP);
	setup = app_setup_new(NULL, &x.flow.arena);
	EXPECT(t, setup != NULL);
	detect_rules_files(x.rules, &setup->files);
	x.flow.app->setup = setup;
	fixture_handshake(&x);
	fixture_say(&x, FLOW_TO_CLIENT, SLICE("220 ESMTP\r\n"));
	fixture_say(&x, FLOW_TO_SERVER, SLICE("EHLO a\r\n"));
	fixture_say(&x, FLOW_TO_CLIENT, SLICE("250 ok\r\n"));
	fixture_say(&x, FLOW_TO_SERVER, SLICE("DATA\r\n"));
	fixture_say(&x, FLOW_TO_CLIENT, SLICE("354 go\r\n"));
	fixture_say(&x, FLOW_TO_SERVER,
		    SLICE("Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n"
			  "Content-Disposition: attachment; filename=a.txt\r\n\r\none\r\n--x\r\n"));
	EXPECT_UINT(t, fixture_count(&x, 1), 1);
	x.flow.app->last->files[APP_TO_SERVER].first->logged = true; /* its event was written */
	fixture_say(&x, FLOW_TO_SERVER,
		    SLICE("Content-Disposition: attachment; filename=b.txt\r\n\r\ntwo\r\n--x\r\n"));
	EXPECT_UINT(t, fixture_count(&x, 1), 1);
	EXPECT(t, later_compile(&a, x.rules, slice_of(rules), 0));
	EXPECT(t, exchange(&x, &a, NULL));
	fixture_say(&x, FLOW_TO_SERVER,
		    SLICE("Content-Disposition: attachment; filename=c.txt\r\n\r\nthree\r\n"
			  "--x\r\n"));
	EXPECT_UINT(t, fixture_count(&x, 1), 1);
	fixture_say(&x, FLOW_TO_SERVER,
		    SLICE("Content-Disposition: attachment; filename=a.txt\r\n\r\nfour\r\n"
			  "--x--\r\n.\r\n"));
	fixture_flow_end(&x);
	EXPECT_UINT(t, fixture_count(&x, 1), 2);
	fixture_done(&x);
	later_free(&a);
}

static void variables_and_tags_outlive_the_rule_that_made_them(struct test *t)
{
	struct fixture x;
	struct later a, b;
	struct slice name, value;
	struct packet p;

	EXPECT(t, begin(&x, "alert udp any any -> any any (content:\"none\"; sid:1;)\n",
			IP_PROTO_UDP, 9));
	EXPECT(t, later_compile(&a, x.rules,
				SLICE("alert udp any any -> any any (content:\"key\"; "
				      "pcre:\"/key=(\\w+)/, flow:found\"; "
				      "tag:session,5,packets; sid:2;)\n"),
				0));
	EXPECT(t, exchange(&x, &a, NULL));
	fixture_datagram(&x, FLOW_TO_SERVER, SLICE("key=abc"));
	p = fixture_packet(&x, FLOW_TO_SERVER, SLICE("key=abc"));
	(void)detect_tagged(x.worker, &p, &x.flow); /* the packet that made it */
	EXPECT(t,
	       later_compile(&b, a.rules,
			     SLICE("alert udp any any -> any any (content:\"new\"; sid:3;)\n"), 0));
	EXPECT(t, exchange(&x, &b, &a));
	fixture_datagram(&x, FLOW_TO_SERVER, SLICE("next"));
	EXPECT(t, detect_flow_var(&x.flow, 0, &name, &value));
	EXPECT_SLICE(t, name, SLICE("found"));
	EXPECT_SLICE(t, value, SLICE("abc"));
	p = fixture_packet(&x, FLOW_TO_SERVER, SLICE("next"));
	EXPECT(t, detect_tagged(x.worker, &p, &x.flow));
	fixture_done(&x);
	later_free(&b);
}

static void every_allocation_of_other_rules_may_fail(struct test *t)
{
	struct fixture x;
	struct later a;
	bool done = false;

	EXPECT(t,
	       begin(&x, "alert udp any any -> any any (content:\"a\"; flowbits:set,one; sid:1;)\n",
		     IP_PROTO_UDP, 9));
	for (size_t n = 1; !done && n < 2000; n++) {
		done = later_compile(&a, x.rules,
				     SLICE("alert udp any any -> any any (content:\"b\"; "
					   "flowbits:set,two; sid:2;)\n"),
				     n);
		later_free(&a);
		EXPECT_UINT(t, a.pool.out, 0);
	}
	EXPECT(t, done);
	fixture_datagram(&x, FLOW_TO_SERVER, SLICE("a"));
	EXPECT_UINT(t, x.hits, 1);
	fixture_done(&x);
}

TESTS(T(bits_and_integers_of_a_flow_stay_when_their_numbers_would_change),
      T(without_memory_for_more_bits_a_flow_keeps_those_it_has),
      T(thresholds_and_bits_of_hosts_go_by_names_and_numbers_that_stay),
      T(what_fired_for_a_transaction_does_not_fire_again_and_the_rest_is_asked_anew),
      T(a_file_that_fired_is_known_after_an_exchange_though_others_came_behind_it),
      T(variables_and_tags_outlive_the_rule_that_made_them),
      T(every_allocation_of_other_rules_may_fail))
