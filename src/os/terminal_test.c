/* SPDX-License-Identifier: Apache-2.0 */
#include "os/terminal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "test.h"

static void a_pipe_is_no_terminal(struct test *t)
{
	int fds[2];

	EXPECT(t, pipe(fds) == 0);
	EXPECT(t, !os_terminal_is(fds[1]) && os_terminal_width(fds[1], 77) == 77);
	EXPECT(t, close(fds[0]) == 0 && close(fds[1]) == 0);
	EXPECT(t, !os_terminal_is(-1) && os_terminal_width(-1, 80) == 80);
}

static void a_terminal_says_its_width(struct test *t)
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY);
	struct winsize size = {.ws_col = 132};

	if (fd < 0)
		return; /* no pseudo terminals in this sandbox: nothing to ask */
	EXPECT(t, os_terminal_is(fd));
	EXPECT_UINT(t, os_terminal_width(fd, 80), 80); /* not set: 0 columns */
	EXPECT(t, ioctl(fd, TIOCSWINSZ, &size) == 0);
	EXPECT_UINT(t, os_terminal_width(fd, 80), 132);
	EXPECT(t, close(fd) == 0);
}

TESTS(T(a_pipe_is_no_terminal), T(a_terminal_says_its_width))
