/* SPDX-License-Identifier: Apache-2.0 */
#include "os/clock.h"

#include <time.h>

#include "test.h"

static void wall_agrees_with_the_c_library(struct test *t)
{
	time_t before = time(NULL);
	struct wall_ns now = os_clock_wall();
	time_t after = time(NULL);

	/* time() may lag by a tick of the kernel's coarse clock */
	EXPECT(t, now.ns / TIME_NS_PER_S >= before && now.ns / TIME_NS_PER_S <= after + 1);
}

static void mono_and_cpu_only_grow(struct test *t)
{
	struct mono_ns last = os_clock_mono(), cpu = os_clock_cpu();

	for (int i = 0; i < 1000; i++) {
		struct mono_ns now = os_clock_mono(), used = os_clock_cpu();

		EXPECT(t, now.ns >= last.ns && used.ns >= cpu.ns);
		last = now;
		cpu = used;
	}
	EXPECT(t, cpu.ns > 0);
}

static void a_pause_is_not_shorter_than_it_was_to_be(struct test *t)
{
	struct mono_ns before = os_clock_mono();

	os_clock_pause(0);
	os_clock_pause(2 * TIME_NS_PER_MS);
	EXPECT(t, os_clock_mono().ns - before.ns >= 2 * TIME_NS_PER_MS);
}

TESTS(T(wall_agrees_with_the_c_library), T(mono_and_cpu_only_grow),
      T(a_pause_is_not_shorter_than_it_was_to_be))
