/* SPDX-License-Identifier: Apache-2.0 */
#include "os/signals.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum status os_signals_open(const int *numbers, size_t n, int *out_fd, struct fail *why)
{
	sigset_t set;
	int fd;

	(void)sigemptyset(&set); /* it cannot fail */
	for (size_t i = 0; i < n; i++)
		if (sigaddset(&set, numbers[i]) != 0)
			return fail_set(why, ST_INVALID, "%d is no signal", numbers[i]);
	if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0)
		return fail_set(why, ST_IO, "cannot block signals");
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return fail_set(why, ST_IO, "cannot wait for signals: %m");
	*out_fd = fd;
	return ST_OK;
}

int os_signals_take(int fd)
{
	struct signalfd_siginfo s;

	return read(fd, &s, sizeof s) == (ssize_t)sizeof s ? (int)s.ssi_signo : 0;
}
