/* SPDX-License-Identifier: Apache-2.0 */
#include "os/signals.h"

#include <signal.h>
#include <unistd.h>

#include "test.h"

static void what_was_asked_for_is_read_once_and_kills_nobody(struct test *t)
{
	static const int numbers[] = {SIGUSR1, SIGTERM};
	struct fail why;
	int fd = -1;

	EXPECT(t, os_signals_open(numbers, 2, &fd, &why) == ST_OK);
	EXPECT_UINT(t, (unsigned)os_signals_take(fd), 0);
	EXPECT(t, raise(SIGTERM) == 0 && raise(SIGUSR1) == 0 && raise(SIGTERM) == 0);
	/* the lower number first; what waits already waits once */
	EXPECT_UINT(t, (unsigned)os_signals_take(fd), SIGUSR1);
	EXPECT_UINT(t, (unsigned)os_signals_take(fd), SIGTERM);
	EXPECT_UINT(t, (unsigned)os_signals_take(fd), 0);
	EXPECT(t, close(fd) == 0);
	EXPECT_UINT(t, (unsigned)os_signals_take(fd), 0);
}

static void what_is_no_signal_is_named(struct test *t)
{
	static const int numbers[] = {SIGUSR1, 4711};
	struct fail why;
	int fd = -1;

	EXPECT(t, os_signals_open(numbers, 2, &fd, &why) == ST_INVALID && fd == -1);
	EXPECT(t, slice_find(slice_of(why.text), SLICE("4711")) != SIZE_MAX);
}

TESTS(T(what_was_asked_for_is_read_once_and_kills_nobody), T(what_is_no_signal_is_named))
