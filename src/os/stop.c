/* SPDX-License-Identifier: Apache-2.0 */
#include "os/stop.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

static sigset_t ends(void)
{
	sigset_t set;

	(void)sigemptyset(&set); /* none of these fails with these numbers */
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	return set;
}

enum status os_stop_open(struct os_stop *out, struct fail *why)
{
	sigset_t set = ends();
	int fd;

	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return fail_set(why, ST_IO, "cannot block signals: %m");
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return fail_set(why, ST_IO, "cannot wait for signals: %m");
	out->fd_plus_1 = fd + 1;
	return ST_OK;
}

bool os_stop_wait(struct os_stop *s, int milliseconds)
{
	struct pollfd p = {.fd = s->fd_plus_1 - 1, .events = POLLIN};

	return poll(&p, 1, milliseconds) == 1;
}

void os_stop_close(struct os_stop *s)
{
	struct signalfd_siginfo told;
	sigset_t set = ends();

	if (s->fd_plus_1 == 0)
		return;
	/* what was told is not told again */
	while (read(s->fd_plus_1 - 1, &told, sizeof told) == sizeof told)
		;
	(void)close(s->fd_plus_1 - 1); /* it holds nothing */
	s->fd_plus_1 = 0;
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL); /* cannot fail with this set */
}
