/* SPDX-License-Identifier: Apache-2.0
 *
 * The guardian.
 *
 * 1. A line is the guardian's or the worker's (source.h); the guardian takes it without asking, and
 *    gives it only to a worker that asks.
 * 2. The guardian reads no byte of a packet, opens nothing, touches no disk but at its end, and
 *    waits for nobody but in poll().
 * 3. Its state is what it was when it forked first: a sensor that is started again begins from
 *    there.
 * 4. The sensor does not outlive its guardian: whoever lets pass must be there first. Without both,
 *    the kernel lets pass (`bypass` of the queue's rule).
 * 5. It runs ahead of all others on the processor, so it never waits for what is always ready.
 */
#include "daemon/guard.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/guard_mark.h"
#include "daemon/guard_orders.h"
#include "os/clock.h"
#include "os/signals.h"

enum {
	ROUNDS = 16, /* batches of one line before the next is looked at */
	FIXED_FDS = 3,
	ASK_MS = 5000,
	SENSOR_NICE = -10,
	GUARD_NICE = -20,
	SEEN_MOST_MS = 2 * GUARD_TICK_MS,
	SOON_MS = 1000, /* a sensor that lived longer is started again at once */
	WAIT_MOST_MS = 30000,
	FAILED = 2, /* exit code, where a signal ended the sensor for good */
};

/* What the guardian remembers of a line. */
struct watched {
	uint64_t turns;
	struct mono_ns moved; /* when turns grew */
	int64_t still_ns;     /* since then, as far as we were there to see */
	struct pipeline_gap gap;
	bool ours, broken; /* broken: its source failed, which was said */
};

struct guard {
	struct guard_line *lines; /* shared, one a worker */
	int channel;		  /* to the other process; -1: none */
	/* The guardian's own. */
	struct watched *watched;
	struct pollfd *fds;
	pid_t child;  /* 0: none */
	pid_t parent; /* in the child */
	int pidfd, signals;
	bool ending, was_ready;
	struct guard_orders *orders;
	struct guard_mark mark;
	struct throttle_answer *answer;	    /* being written */
	struct mono_ns born, again, looked; /* again: when to start a sensor */
	int64_t wait_ms;
	uint64_t starts;
};

/* --- lines --- */

static void gap_begin(struct guard *g, size_t i, struct wall_ns from, const char *reason)
{
	g->watched[i].ours = true;
	g->watched[i].gap =
		(struct pipeline_gap){.from = from, .reason = reason, .counter = "guardian"};
	atomic_store(&g->lines[i].open_since, from.ns);
}

/* The worker finds it when it has the line. */
static void gap_end(struct guard *g, size_t i)
{
	struct guard_line *line = &g->lines[i];
	struct watched *w = &g->watched[i];
	uint64_t n = atomic_load(&line->gaps);

	w->ours = false;
	w->gap.to = os_clock_wall();
	line->ended[n % GUARD_GAPS] = w->gap;
	atomic_store(&line->gaps, n + 1);
	atomic_store(&line->open_since, 0);
}

/* A message, unless who reads them does not: then it is not worth waiting for. */
#define SAY(l, ...)                                                                                \
	do {                                                                                       \
		if (can_say())                                                                     \
			daemon_live_say(l, __VA_ARGS__);                                           \
	} while (0)

static bool can_say(void)
{
	struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};

	return poll(&p, 1, 0) > 0 && (p.revents & POLLOUT) != 0;
}

static void moved(struct watched *w, uint64_t turns, struct mono_ns now)
{
	w->turns = turns;
	w->moved = now;
	w->still_ns = 0;
}

static void seize(struct live *l, size_t i, const char *reason)
{
	struct guard *g = l->guard;
	int64_t still = os_clock_mono().ns - g->watched[i].moved.ns;

	if (g->watched[i].ours)
		return;
	if (!source_seize(l->workers[i].source))
		reason = "end"; /* the worker left */
	gap_begin(g, i, (struct wall_ns){os_clock_wall().ns - still}, reason);
	SAY(l, "%.*s: not inspected (%s): packets pass", SLICE_ARG(l->workers[i].interface),
	    reason);
}

/* Lets all pass that is there, and gives the line to a worker who wants it. */
static void serve(struct live *l, size_t i)
{
	struct guard *g = l->guard;
	struct guard_line *line = &g->lines[i];
	struct watched *w = &g->watched[i];
	struct source *s = l->workers[i].source;

	for (unsigned round = 0; round < ROUNDS; round++) {
		struct source_batch b;
		struct fail why;
		uint64_t bytes = 0;

		if (source_take(s, 0, &b, &why) != ST_OK) {
			if (!w->broken)
				SAY(l, "%s", why.text);
			w->broken = true;
			return;
		}
		for (size_t k = 0; k < b.count; k++)
			bytes += b.packets[k].wire_bytes;
		w->gap.packets += b.count;
		w->gap.bytes += bytes;
		atomic_fetch_add(&line->passed, b.count);
		atomic_fetch_add(&line->passed_bytes, bytes);
		if (b.count == 0)
			break;
	}
	source_answer(s);
	if (atomic_load(&line->line.wanted) == 0 || g->child == 0)
		return;
	gap_end(g, i);
	moved(w, atomic_load(&line->line.turns), os_clock_mono());
	g->was_ready = true;
	source_give(s);
	SAY(l, "%.*s: inspected again; %llu packets passed in %lld ms (%s)",
	    SLICE_ARG(l->workers[i].interface), (unsigned long long)w->gap.packets,
	    (long long)((w->gap.to.ns - w->gap.from.ns) / TIME_NS_PER_MS), w->gap.reason);
}

/* seen_ns: since the look before, but no more than if we had come in time. Who was not on the
 * processor knows little of what others did meanwhile; but who is never in time must see at last
 * that nobody moves. */
static void watch(struct live *l, size_t i, struct mono_ns now, int64_t seen_ns)
{
	struct guard_line *line = &l->guard->lines[i];
	struct watched *w = &l->guard->watched[i];
	uint64_t turns = atomic_load(&line->line.turns);

	if (atomic_load(&line->line.owner) == SOURCE_GUARD) {
		moved(w, turns, now);
		seize(l, i, "end");
		return;
	}
	if (turns != w->turns)
		moved(w, turns, now);
	else
		w->still_ns += seen_ns;
	if (w->still_ns >= GUARD_HANG_MS * TIME_NS_PER_MS)
		seize(l, i, "hang");
}

static void lines_look(struct live *l)
{
	struct guard *g = l->guard;
	struct mono_ns now = os_clock_mono();
	int64_t since = g->looked.ns != 0 ? now.ns - g->looked.ns : 0;

	if ((uint64_t)since > atomic_load(&g->lines[0].late_ns))
		atomic_store(&g->lines[0].late_ns, (uint64_t)since);
	g->looked = now;
	if (since > SEEN_MOST_MS * TIME_NS_PER_MS)
		since = SEEN_MOST_MS * TIME_NS_PER_MS;
	for (size_t i = 0; i < l->worker_count; i++) {
		if (!g->watched[i].ours)
			watch(l, i, now, since);
		if (g->watched[i].ours)
			serve(l, i);
	}
}

/* --- the sensor --- */

/* In the child: what is the guardian's alone goes. */
static void become_sensor(struct live *l, int channel, pid_t parent)
{
	struct guard *g = l->guard;

	g->parent = parent;
	daemon_guard_bind(l);
	(void)setpriority(PRIO_PROCESS, 0, SENSOR_NICE); /* where we may: all the traffic waits */
	(void)close(g->signals);
	daemon_orders_close(g->orders);
	g->channel = channel;
	g->pidfd = g->signals = -1;
	for (size_t i = 0; i < l->worker_count; i++) {
		l->workers[i].source->role = SOURCE_WORKER;
		l->workers[i].guarded = &g->lines[i];
		atomic_store(&g->lines[i].line.wanted, 0);
	}
}

/* True in the child. */
static bool sensor_start(struct live *l, struct fail *why)
{
	struct guard *g = l->guard;
	int pair[2];
	pid_t self = getpid(), child;

	why->status = ST_OK;
	g->born = os_clock_mono();
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
		(void)fail_set(why, ST_IO, "cannot make a channel: %m");
		return false;
	}
	g->starts++;
	child = fork();
	if (child == 0) {
		(void)close(pair[0]);
		become_sensor(l, pair[1], self);
		return true;
	}
	(void)close(pair[1]);
	if (child < 0) {
		(void)fail_set(why, ST_NOMEM, "cannot start a process: %m");
		(void)close(pair[0]);
		g->starts--;
		return false;
	}
	g->channel = pair[0];
	g->child = child;
	g->pidfd = (int)syscall(SYS_pidfd_open, child, 0);
	return false;
}

static void plan_again(struct live *l, const char *what)
{
	struct guard *g = l->guard;
	struct mono_ns now = os_clock_mono();

	if (now.ns - g->born.ns > SOON_MS * TIME_NS_PER_MS)
		g->wait_ms = 0;
	g->again.ns = now.ns + g->wait_ms * TIME_NS_PER_MS;
	SAY(l, "%s; another is started in %lld ms", what, (long long)g->wait_ms);
	g->wait_ms = g->wait_ms == 0		     ? SOON_MS
		     : g->wait_ms * 2 > WAIT_MOST_MS ? WAIT_MOST_MS
						     : g->wait_ms * 2;
}

static void forget(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd); /* it is ours, and nothing is on its way */
	*fd = -1;
}

/* True: it has ended, and so do we, with *out_code. */
static bool sensor_look(struct live *l, int *out_code)
{
	struct guard *g = l->guard;
	char what[64];
	int status;
	bool clean;

	if (g->child == 0 || waitpid(g->child, &status, WNOHANG) != g->child)
		return false;
	g->child = 0;
	for (size_t i = 0; i < l->worker_count; i++) {
		seize(l, i, "death");
		g->watched[i].gap.reason = "death"; /* it may have stood still before we heard */
	}
	forget(&g->channel);
	forget(&g->pidfd);
	/* it was told to end, or could not begin: that is a person's to mend */
	clean = WIFEXITED(status) && (WEXITSTATUS(status) == 0 || !g->was_ready);
	if (clean || g->ending) {
		*out_code = WIFEXITED(status) ? WEXITSTATUS(status) : FAILED;
		return true;
	}
	(void)snprintf(what, sizeof what, "the sensor has ended (%s %d)",
		       WIFEXITED(status) ? "exit" : "signal",
		       WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
	plan_again(l, what);
	return false;
}

/* What we are sent is for the sensor. */
static void signals_pass(struct guard *g)
{
	for (int n; (n = os_signals_take(g->signals)) != 0;) {
		if (n == SIGCHLD)
			continue;
		g->ending |= n == SIGTERM || n == SIGINT;
		if (g->child != 0)
			(void)kill(g->child, n); /* it may have ended just now */
	}
}

/* The sensor asks for something; one request at a time, and it waits. Who has closed the channel is
 * not listened to any more (invariant 5): it may be long in dying, and only when others let it. */
static void hear(struct guard *g)
{
	struct throttle_request r;
	ssize_t n;

	if (g->channel < 0)
		return;
	n = recv(g->channel, &r, sizeof r, MSG_DONTWAIT);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		forget(&g->channel);
	if (n != (ssize_t)sizeof r)
		return;
	daemon_orders_answer(g->orders, &r, g->answer);
	/* who does not read it does not need it */
	(void)send(g->channel, g->answer, sizeof *g->answer, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static size_t wait_for(struct live *l)
{
	struct guard *g = l->guard;
	size_t n = FIXED_FDS;

	g->fds[0] = (struct pollfd){.fd = g->signals, .events = POLLIN};
	g->fds[1] = (struct pollfd){.fd = g->pidfd, .events = POLLIN};
	g->fds[2] = (struct pollfd){.fd = g->channel, .events = POLLIN};
	for (size_t i = 0; i < l->worker_count; i++) {
		int fds[SOURCE_FDS];

		if (!g->watched[i].ours || g->watched[i].broken)
			continue;
		source_fds(l->workers[i].source, fds);
		for (size_t k = 0; k < SOURCE_FDS; k++)
			g->fds[n++] = (struct pollfd){.fd = fds[k], .events = POLLIN};
	}
	if (poll(g->fds, n, GUARD_TICK_MS) < 0 && errno != EINTR)
		return 0;
	return n;
}

/* Returns in the child with *out_over false, in the guardian with the exit code. */
static enum status guard(struct live *l, bool *out_over, int *out_code, struct fail *why)
{
	struct guard *g = l->guard;

	for (;;) {
		if (g->child == 0 && g->ending) {
			*out_code = 0;
			break;
		}
		if (g->child == 0 && os_clock_mono().ns >= g->again.ns) {
			*out_over = !sensor_start(l, why);
			/* that there is no process for the first is a person's to mend */
			if (!*out_over || (why->status != ST_OK && !g->was_ready))
				return why->status;
			if (why->status != ST_OK)
				plan_again(l, why->text);
		}
		if (wait_for(l) == 0)
			return fail_set(why, ST_IO, "cannot wait: %m");
		daemon_orders_alive(g->orders);
		hear(g);
		signals_pass(g);
		if (sensor_look(l, out_code))
			break;
		lines_look(l);
	}
	*out_over = true;
	return ST_OK;
}

/* --- life --- */

static enum status prepare(struct live *l, struct fail *why)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR2, SIGCHLD};
	struct guard *g = l->guard;

	g->lines = mmap(NULL, l->worker_count * sizeof *g->lines, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (g->lines == MAP_FAILED)
		return fail_set(why, ST_NOMEM, "no memory to share");
	return os_signals_open(numbers, sizeof numbers / sizeof numbers[0], &g->signals, why);
}

/* Ahead of others on the processor: it needs little, and that at once. Where real time is not given
 * (a control group without any), as far ahead as there is; where we may not, not. */
static void hurry(void)
{
	struct sched_param first = {.sched_priority = 1};

	if (sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &first) != 0)
		(void)setpriority(PRIO_PROCESS, 0, GUARD_NICE);
}

enum status daemon_guard_split(struct live *l, bool *out_over, int *out_code, struct fail *why)
{
	struct guard *g = ARENA_NEW(l->arena, struct guard);
	enum status st = ST_OK;

	*out_over = true;
	if (g == NULL)
		return fail_set(why, ST_NOMEM, "no memory for a guardian");
	l->guard = g;
	g->watched = ARENA_ARRAY(l->arena, struct watched, l->worker_count);
	g->fds = ARENA_ARRAY(l->arena, struct pollfd, FIXED_FDS + l->worker_count * SOURCE_FDS);
	g->channel = g->pidfd = g->signals = -1;
	g->answer = ARENA_NEW(l->arena, struct throttle_answer);
	if (g->watched == NULL || g->fds == NULL || g->answer == NULL)
		return fail_set(why, ST_NOMEM, "no memory for a guardian");
	st = prepare(l, why);
	if (st == ST_OK)
		st = daemon_orders_new(l, &g->orders, why);
	for (size_t i = 0; st == ST_OK && i < l->worker_count; i++) {
		l->workers[i].source->line = &g->lines[i].line;
		gap_begin(g, i, os_clock_wall(), "start");
		st = source_start(l->workers[i].source, why);
	}
	if (st != ST_OK)
		return st;
	/* told by the first worker, as all that the guardian knows */
	if (daemon_mark_open(l, &g->mark, &g->lines[0].ended[0]))
		atomic_store(&g->lines[0].gaps, 1);
	hurry();
	st = guard(l, out_over, out_code, why);
	if (!*out_over)
		return st;
	for (size_t i = 0; i < l->worker_count; i++) {
		source_close(l->workers[i].source); /* the kernel's from here on: we may wait */
		l->workers[i].source = NULL;
	}
	if (g->was_ready) /* else nobody has told yet of the time before us */
		daemon_mark_write(l, &g->mark, true);
	return st;
}

void daemon_guard_mark(const struct live *l)
{
	if (l->guard != NULL && daemon_guard_report(l).open == 0)
		daemon_mark_write(l, &l->guard->mark, false);
}

void daemon_guard_bind(const struct live *l)
{
	if (l->guard == NULL)
		return;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* it takes a number that is one */
	if (getppid() != l->guard->parent)
		(void)raise(SIGKILL); /* it died before we asked */
}

int daemon_guard_fd(const struct live *l)
{
	return l->guard != NULL ? l->guard->channel : -1;
}

struct guard_report daemon_guard_report(const struct live *l)
{
	const struct guard *g = l->guard;
	struct guard_report r = {.pid = (uint64_t)g->parent,
				 .starts = g->starts,
				 .late_ns = atomic_load(&g->lines[0].late_ns)};

	for (size_t i = 0; i < l->worker_count; i++) {
		const struct guard_line *line = &g->lines[i];

		r.gaps += atomic_load(&line->gaps);
		r.open += atomic_load(&line->open_since) != 0;
		r.passed += atomic_load(&line->passed);
		r.passed_bytes += atomic_load(&line->passed_bytes);
	}
	return r;
}

enum status daemon_guard_ask(const struct live *l, const struct throttle_request *r,
			     struct throttle_answer *out, struct fail *why)
{
	struct pollfd p = {.fd = daemon_guard_fd(l), .events = POLLIN};
	ssize_t n = -1;

	if (p.fd < 0)
		return fail_set(why, ST_NOTFOUND,
				"this sensor only listens: nothing that passes is in its hands");
	if (send(p.fd, r, sizeof *r, MSG_NOSIGNAL) == (ssize_t)sizeof *r && poll(&p, 1, ASK_MS) > 0)
		n = recv(p.fd, out, sizeof *out, MSG_DONTWAIT);
	if (n != (ssize_t)sizeof *out || out->count > THROTTLE_ORDERS_MAX)
		return fail_set(why, ST_IO, "the guardian does not answer");
	out->text[sizeof out->text - 1] = '\0';
	if (out->status == ST_OK)
		return ST_OK;
	return fail_set(why, out->status == ST_NOTFOUND ? ST_NOTFOUND : ST_REFUSED, "%s",
			out->text);
}

bool daemon_guard_gone(const struct live *l)
{
	struct pollfd p = {.fd = daemon_guard_fd(l), .events = POLLIN};

	return p.fd >= 0 && poll(&p, 1, 0) > 0 && (p.revents & POLLHUP) != 0;
}

bool daemon_guard_said(const struct live_worker *w)
{
	return atomic_load_explicit(&w->guarded->gaps, memory_order_acquire) == w->guarded->said;
}

void daemon_guard_say(struct live_worker *w)
{
	struct guard_line *line = w->guarded;
	uint64_t ended = atomic_load(&line->gaps);

	if (ended - line->said > GUARD_GAPS)
		line->said = ended - GUARD_GAPS;
	for (; line->said != ended; line->said++)
		daemon_live_gap(w, &line->ended[line->said % GUARD_GAPS]);
}
