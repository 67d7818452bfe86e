/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/throttle.h"

#include <stdio.h>

#include "test.h"

static struct throttle_exempt health[2];

static struct throttle_settings settings(void)
{
	struct throttle_settings s = {.exempt = health,
				      .exempt_count = 2,
				      .least_bits_per_s = 64000,
				      .most_seconds = 3600};

	ASSERT(addr_prefix_parse(SLICE("10.2.0.0/16"), &health[0].network) &&
	       addr_prefix_parse(SLICE("2001:db8:9::/48"), &health[1].network));
	health[0].class = health[1].class = SLICE("health");
	return s;
}

static enum status check(const char *target, uint64_t rate, uint32_t seconds, const char *basis,
			 struct throttle_order *o)
{
	struct throttle_settings s = settings();
	struct fail why;

	*o = (struct throttle_order){.bits_per_s = rate, .seconds = seconds};
	(void)snprintf(o->target, sizeof o->target, "%s", target);
	(void)snprintf(o->basis, sizeof o->basis, "%s", basis);
	return daemon_throttle_check(&s, o, &why);
}

static void test_rates_and_times_are_read_with_their_units_and_nothing_else_is(struct test *t)
{
	static const struct {
		const char *text;
		uint64_t rate;
	} rates[] = {{"64000", 64000},
		     {"64kbit", 64000},
		     {"2mbit", 2000000},
		     {"1gbit", 1000000000},
		     {"1bit", 1},
		     {"1000gbit", 1000000000000},
		     {"1001gbit", 0},
		     {"0kbit", 0},
		     {"kbit", 0},
		     {"", 0},
		     {"-1", 0},
		     {"1 mbit", 0},
		     {"1mbits", 0},
		     {"1.5mbit", 0},
		     {"99999999999999999999", 0}};
	static const struct {
		const char *text;
		uint32_t seconds;
	} times[] = {{"90", 90},  {"90s", 90}, {"10m", 600}, {"2h", 7200}, {"366d", 366 * 86400},
		     {"367d", 0}, {"0s", 0},   {"1w", 0},    {"s", 0},	   {"", 0}};

	for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
		uint64_t v = 0;

		EXPECT(t,
		       daemon_throttle_rate(slice_of(rates[i].text), &v) == (rates[i].rate != 0));
		EXPECT_UINT(t, v, rates[i].rate);
	}
	for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
		uint32_t v = 0;

		EXPECT(t, daemon_throttle_time(slice_of(times[i].text), &v) ==
				  (times[i].seconds != 0));
		EXPECT_UINT(t, v, times[i].seconds);
	}
}

static void test_an_order_within_its_limits_passes_and_one_beyond_does_not(struct test *t)
{
	struct throttle_order o;

	EXPECT(t, check("198.51.100.7/24", 64000, 3600, "why, 12", &o) == ST_OK);
	EXPECT(t, strcmp(o.target, "198.51.100.0/24") == 0);
	EXPECT(t, check("198.51.100.7", 64000, 1, "", &o) == ST_OK);
	EXPECT(t, strcmp(o.target, "198.51.100.7/32") == 0);
	EXPECT(t, check("2001:db8::/16", 64000, 1, "", &o) == ST_OK);
	EXPECT(t, check("198.51.100.7", 63999, 1, "", &o) == ST_LIMIT);
	EXPECT(t, check("198.51.100.7", 64000, 0, "", &o) == ST_LIMIT);
	EXPECT(t, check("198.51.100.7", 64000, 3601, "", &o) == ST_LIMIT);
	EXPECT(t, check("10.0.0.0/7", 64000, 1, "", &o) == ST_LIMIT);
	EXPECT(t, check("11.0.0.0/8", 64000, 1, "", &o) == ST_OK);
	EXPECT(t, check("2001::/15", 64000, 1, "", &o) == ST_LIMIT);
}

static void test_words_that_could_be_commands_are_refused(struct test *t)
{
	struct throttle_order o;

	EXPECT(t, check("10.9.0.1 } drop", 64000, 1, "", &o) == ST_INVALID);
	EXPECT(t, check("", 64000, 1, "", &o) == ST_INVALID);
	EXPECT(t, check("@exempt4", 64000, 1, "", &o) == ST_INVALID);
	EXPECT(t, check("10.9.0.1", 64000, 1, "a\" drop", &o) == ST_INVALID);
	EXPECT(t, check("10.9.0.1", 64000, 1, "a\nflush ruleset", &o) == ST_INVALID);
	EXPECT(t, check("10.9.0.1", 64000, 1, "a\\", &o) == ST_INVALID);
	memset(o.target, '1',
	       sizeof o.target); /* from a sensor that is not ours any more: no NUL */
	{
		struct throttle_settings s = settings();
		struct fail why;

		EXPECT(t, daemon_throttle_check(&s, &o, &why) == ST_INVALID);
		(void)snprintf(o.target, sizeof o.target, "10.9.0.1");
		memset(o.basis, 'x', sizeof o.basis);
		EXPECT(t, daemon_throttle_check(&s, &o, &why) == ST_INVALID);
	}
}

static void test_who_is_exempt_is_refused_and_a_wider_network_is_not(struct test *t)
{
	struct throttle_order o;

	EXPECT(t, check("10.2.0.0/16", 64000, 1, "", &o) == ST_REFUSED);
	EXPECT(t, check("10.2.255.255", 64000, 1, "", &o) == ST_REFUSED);
	EXPECT(t, check("2001:db8:9:1::/64", 64000, 1, "", &o) == ST_REFUSED);
	EXPECT(t,
	       check("10.2.0.0/15", 64000, 1, "", &o) == ST_OK); /* they are spared all the same */
	EXPECT(t, check("10.3.0.0/16", 64000, 1, "", &o) == ST_OK);
}

static void test_what_the_kernel_lists_is_read_as_orders(struct test *t)
{
	static const char listed[] =
		"{\"nftables\":[{\"metainfo\":{\"version\":\"1.0.6\"}},"
		"{\"limit\":{\"name\":\"l7\",\"rate\":125000,\"per\":\"second\"}},"
		"{\"counter\":{\"name\":\"exempted\",\"packets\":9,\"bytes\":9}},"
		"{\"counter\":{\"name\":\"s7\",\"packets\":5,\"bytes\":500}},"
		"{\"counter\":{\"name\":\"d7\",\"packets\":2,\"bytes\":200}},"
		"{\"map\":{\"name\":\"targets4\",\"elem\":["
		"[{\"elem\":{\"val\":{\"prefix\":{\"addr\":\"10.1.0.0\",\"len\":24}},\"timeout\":"
		"60,"
		"\"expires\":53}},{\"jump\":{\"target\":\"c7\"}}],"
		"[{\"elem\":{\"val\":\"10.5.0.1\",\"timeout\":60,\"expires\":0}},"
		"{\"jump\":{\"target\":\"c3\"}}],"
		"[{\"elem\":{\"val\":\"10.5.0.2\",\"timeout\":60,\"expires\":5}},"
		"{\"jump\":{\"target\":\"c99\"}}],"
		"[{\"elem\":{\"val\":\"10.5.0.3\",\"timeout\":60,\"expires\":5}},{\"drop\":null}]]}"
		"},"
		"{\"chain\":{\"name\":\"orders\"}},{\"chain\":{\"name\":\"c7\"}},"
		"{\"chain\":{\"name\":\"c5\"}},{\"chain\":{\"name\":\"c3\"}},{\"chain\":{\"name\":"
		"\"c03\"}},"
		"{\"rule\":{\"chain\":\"c7\",\"comment\":\"flood\"}}]}";
	static struct throttle_order orders[THROTTLE_ORDERS_MAX];
	uint32_t over[THROTTLE_ORDERS_MAX];
	size_t gone = 0, n = daemon_throttle_read(slice_of(listed), orders, over, &gone);

	EXPECT_UINT(t, n, 2);
	EXPECT_UINT(t, orders[0].id, 3);
	EXPECT_UINT(t, orders[0].seconds, 1);
	EXPECT(t, strcmp(orders[0].target, "10.5.0.1/32") == 0);
	EXPECT_UINT(t, orders[1].id, 7);
	EXPECT_UINT(t, orders[1].bits_per_s, 1000000);
	EXPECT_UINT(t, orders[1].seconds, 53);
	EXPECT_UINT(t, orders[1].seen_bytes, 500);
	EXPECT_UINT(t, orders[1].dropped, 2);
	EXPECT(t, strcmp(orders[1].target, "10.1.0.0/24") == 0);
	EXPECT(t, strcmp(orders[1].basis, "flood") == 0);
	EXPECT_UINT(t, gone, 1);
	EXPECT_UINT(t, over[0], 5);
	for (size_t cut = 0; cut < sizeof listed - 1; cut++) /* half of it is nothing */
		EXPECT_UINT(t,
			    daemon_throttle_read((struct slice){(const uint8_t *)listed, cut},
						 orders, over, &gone),
			    0);
}

static void test_commands_name_what_is_exempt_before_what_is_slowed(struct test *t)
{
	struct throttle_settings s = settings();
	struct arena_pool pool = {.budget = 1 << 20};
	struct arena a = {.pool = &pool};
	struct buf b = buf_in(&a);
	const char *text, *spared, *slowed;

	daemon_throttle_table(&s, &b);
	EXPECT(t, !b.full);
	text = (const char *)b.ptr;
	EXPECT(t, strstr(text, "add element inet dewline exempt4 { 10.2.0.0/16 }") != NULL);
	EXPECT(t, strstr(text, "add element inet dewline exempt6 { 2001:db8:9::/48 }") != NULL);
	spared = strstr(text, "ip daddr @exempt4");
	slowed = strstr(text, "ip saddr vmap @targets4");
	EXPECT(t, spared != NULL && slowed != NULL && spared < slowed);
	spared = strstr(text, "ip6 daddr @exempt6");
	EXPECT(t, spared != NULL && slowed != NULL && spared < slowed);
	arena_reset(&a);
	arena_pool_drain(&pool);
}

TESTS(T(test_rates_and_times_are_read_with_their_units_and_nothing_else_is),
      T(test_an_order_within_its_limits_passes_and_one_beyond_does_not),
      T(test_words_that_could_be_commands_are_refused),
      T(test_who_is_exempt_is_refused_and_a_wider_network_is_not),
      T(test_what_the_kernel_lists_is_read_as_orders),
      T(test_commands_name_what_is_exempt_before_what_is_slowed))
