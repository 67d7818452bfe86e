/* SPDX-License-Identifier: Apache-2.0 */
#include "os/clock.h"

#include <time.h>

static int64_t now(clockid_t id)
{
	struct timespec t;

	ASSERT(clock_gettime(id, &t) == 0); /* fails only for a clock that does not exist */
	return t.tv_sec * TIME_NS_PER_S + t.tv_nsec;
}

struct wall_ns os_clock_wall(void)
{
	return (struct wall_ns){now(CLOCK_REALTIME)};
}

struct mono_ns os_clock_mono(void)
{
	return (struct mono_ns){now(CLOCK_MONOTONIC)};
}

struct mono_ns os_clock_boot(void)
{
	return (struct mono_ns){now(CLOCK_BOOTTIME)};
}

struct mono_ns os_clock_cpu(void)
{
	return (struct mono_ns){now(CLOCK_PROCESS_CPUTIME_ID)};
}

void os_clock_pause(int64_t ns)
{
	struct timespec t = {.tv_sec = ns / TIME_NS_PER_S, .tv_nsec = ns % TIME_NS_PER_S};

	(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL); /* a signal: then that was all */
}
