/* SPDX-License-Identifier: Apache-2.0
 *
 * Who sees to it that somebody seals. Between the sensor and the process that seals there is one
 * that only waits: if who seals dies, it makes another, who goes on where the last commit ended and
 * says that there was a silence. It was made with all that it may need, before the first packet and
 * before there was a key; it reads nothing from anybody but how its child ended.
 *
 *	the child ends by itself	nobody holds us any more, or it cannot begin: the end
 *	the child dies			another, at once; each that dies young makes it later
 *	it dies, and nobody holds us	another, LAST_TRIES at most: for what is in the queues
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/sealing_priv.h"
#include "os/clock.h"

enum {
	YOUNG_MS = 10000, /* who lived so long may be followed at once */
	WAIT_MOST_MS = 30000,
	LAST_TRIES = 3,
};

static bool is_held(int held)
{
	struct pollfd p = {.fd = held, .events = POLLIN};

	return poll(&p, 1, 0) <= 0 || (p.revents & (POLLHUP | POLLERR | POLLNVAL)) == 0;
}

static void speak(const struct sealing *s, int status, int64_t wait_ms)
{
	char text[160];

	if (s->o.say == NULL)
		return;
	if (WIFSIGNALED(status))
		(void)snprintf(text, sizeof text,
			       "who seals has died (signal %d); another begins in %lld ms",
			       WTERMSIG(status), (long long)wait_ms);
	else
		(void)snprintf(text, sizeof text,
			       "who seals has ended (status %d); another begins in %lld ms",
			       WEXITSTATUS(status), (long long)wait_ms);
	s->o.say(s->o.ctx, text);
}

/* The pause before the next one, in ms; or, with nobody there any more, less and less use. */
static int64_t pause_of(int64_t lived_ms, int64_t last_ms)
{
	if (lived_ms >= YOUNG_MS)
		return 0;
	if (last_ms == 0)
		return 100;
	return last_ms * 2 < WAIT_MOST_MS ? last_ms * 2 : WAIT_MOST_MS;
}

/* Waits so long, or until nobody holds us. */
static void linger(int held, int64_t ms)
{
	struct pollfd p = {.fd = held, .events = 0};

	if (ms > 0)
		(void)poll(&p, 1, (int)ms); /* at most WAIT_MOST_MS */
}

/* How the child ended. */
static int wait_for(pid_t child)
{
	int status = 0;

	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

int daemon_sealing_keep(struct sealing *s, int held, int ready)
{
	int64_t pause_ms = 0;
	unsigned last = 0;

	for (bool again = false;; again = true) {
		struct mono_ns born = os_clock_mono();
		pid_t child = fork();
		int status;

		if (child == 0) {
			(void)prctl(PR_SET_NAME, "dewline-seal");
			atomic_store(&s->shared->sealer, getpid());
			_exit(daemon_sealing_work(s, held, ready, again));
		}
		if (child < 0 && !again)
			return daemon_sealing_work(s, held, ready,
						   false); /* then without a keeper */
		status = child < 0 ? 0 : wait_for(child);
		if (child > 0 && WIFEXITED(status) && (WEXITSTATUS(status) == 0 || !again))
			return WEXITSTATUS(status);
		if (!is_held(held) && ++last > LAST_TRIES)
			return 2;
		atomic_fetch_add(&s->shared->deaths, 1);
		pause_ms = pause_of((os_clock_mono().ns - born.ns) / TIME_NS_PER_MS, pause_ms);
		speak(s, status, pause_ms);
		linger(held, pause_ms);
	}
}
