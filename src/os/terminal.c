/* SPDX-License-Identifier: Apache-2.0 */
#include "os/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

bool os_terminal_is(int fd)
{
	return isatty(fd) == 1;
}

unsigned os_terminal_width(int fd, unsigned otherwise)
{
	struct winsize size;

	if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
		return otherwise;
	return size.ws_col;
}
