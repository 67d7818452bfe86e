/* SPDX-License-Identifier: Apache-2.0 */
#include "os/stop.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "os/signals.h"

static const int ends[] = {SIGINT, SIGTERM};

enum { ENDS = sizeof ends / sizeof ends[0] };

enum status os_stop_open(struct os_stop *out, struct fail *why)
{
	int fd;
	enum status st = os_signals_open(ends, ENDS, &fd, why);

	if (st == ST_OK)
		out->fd_plus_1 = fd + 1;
	return st;
}

bool os_stop_wait(struct os_stop *s, int milliseconds)
{
	struct pollfd p = {.fd = s->fd_plus_1 - 1, .events = POLLIN};

	return poll(&p, 1, milliseconds) == 1;
}

void os_stop_close(struct os_stop *s)
{
	sigset_t set;

	if (s->fd_plus_1 == 0)
		return;
	while (os_signals_take(s->fd_plus_1 - 1) != 0)
		;		       /* what was told is not told again */
	(void)close(s->fd_plus_1 - 1); /* it holds nothing */
	s->fd_plus_1 = 0;
	(void)sigemptyset(&set); /* none of these fails with these numbers */
	for (size_t i = 0; i < ENDS; i++)
		(void)sigaddset(&set, ends[i]);
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
}
