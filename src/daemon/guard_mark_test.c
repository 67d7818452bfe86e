/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/guard_mark.h"

#include "test.h"

static void test_what_an_interface_received_is_found_by_its_name_alone(struct test *t)
{
	static const char dev[] =
		"Inter-|   Receive                                                |  Transmit\n"
		" face |bytes    packets errs drop fifo frame compressed multicast|bytes\n"
		"    lo:     100       7    0    0    0     0          0         0      100\n"
		"  eth0: 1234567    4321    0    0    0     0          0         0     9999\n"
		" eth01:55 66 0 0\n";
	struct slice text = slice_of(dev);
	uint64_t v = 0;

	EXPECT(t, daemon_mark_received(text, SLICE("eth0"), &v));
	EXPECT_UINT(t, v, 4321);
	EXPECT(t, daemon_mark_received(text, SLICE("eth01"), &v));
	EXPECT_UINT(t, v, 66);
	EXPECT(t, !daemon_mark_received(text, SLICE("eth"), &v));
	EXPECT(t, !daemon_mark_received(text, SLICE("eth0:"), &v));
	EXPECT(t, !daemon_mark_received(text, SLICE(""), &v));
	EXPECT(t, !daemon_mark_received(SLICE("eth0:"), SLICE("eth0"), &v));
}

static void test_a_mark_tells_of_the_time_since(struct test *t)
{
	struct wall_ns now = {5000};
	struct pipeline_gap g = {0};

	EXPECT(t, daemon_mark_read(SLICE("1 3000 0 40   \n"), now, 100, &g));
	EXPECT(t, g.from.ns == 3000);
	EXPECT(t, g.to.ns == 5000);
	EXPECT_UINT(t, g.packets, 60);
	EXPECT(t, strcmp(g.reason, "absent") == 0 && strcmp(g.counter, "interfaces") == 0);
	EXPECT(t, daemon_mark_read(SLICE("1 3000 1 40"), now, 39, &g)); /* counts began anew */
	EXPECT(t, strcmp(g.reason, "stopped") == 0 && g.counter == NULL);
	EXPECT(t, daemon_mark_read(SLICE("1 3000 0 0"), now, 100, &g));
	EXPECT(t, g.counter == NULL);
}

static void test_what_is_no_mark_tells_nothing(struct test *t)
{
	static const char *const texts[] = {
		"",	      "1",	    "1 3000",	"1 3000 0",   "2 3000 0 40", "1 5000 0 0",
		"1 9000 0 0", "1 3000 2 0", "1 -5 0 0", "x 3000 0 0", "1 3000 0 x"};
	struct pipeline_gap g;

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		EXPECT(t, !daemon_mark_read(slice_of(texts[i]), (struct wall_ns){5000}, 9, &g));
}

TESTS(T(test_what_an_interface_received_is_found_by_its_name_alone),
      T(test_a_mark_tells_of_the_time_since), T(test_what_is_no_mark_tells_nothing))
