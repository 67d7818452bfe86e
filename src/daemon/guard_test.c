/* SPDX-License-Identifier: Apache-2.0
 * The guardian alone, with sources of the test's own: what it does is counted by how often it looks
 * at them. The tests with packets are tests/integration/inline_test.py. */
#include "daemon/guard.h"

#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/clock.h"
#include "test.h"

enum {
	LINES = 2,
	LOOKED_AT_MS = 300,
	AT_MOST_MS = 20000,
	SLOW_MS = 3 * GUARD_TICK_MS,
};

/* In memory that all processes of a test have. */
struct seen {
	_Atomic uint64_t looks; /* at the first line, by the guardian */
	_Atomic bool deaf, over;
	_Atomic bool given, taken; /* the second line: to the worker, and from it again */
};

struct line {
	struct source source;
	struct seen *seen; /* NULL: nobody counts */
	int slow_ms;	   /* to look at it takes so long */
};

static enum status take(struct source *s, int timeout_ms, struct source_batch *out,
			struct fail *why)
{
	const struct line *line = (const struct line *)s;

	(void)timeout_ms;
	(void)out;
	(void)why;
	if (line->seen != NULL)
		atomic_fetch_add(&line->seen->looks, 1);
	(void)poll(NULL, 0, line->slow_ms); /* as far as it comes */
	return ST_OK;
}

static void leave(struct source *s)
{
	(void)s;
}

static const struct source_ops ops = {.take = take, .close = leave};

static void pause_ms(int ms)
{
	(void)poll(NULL, 0, ms);
}

/* Does it come to be, in time? */
static bool comes(const _Atomic bool *what)
{
	int64_t until = os_clock_mono().ns + AT_MOST_MS * TIME_NS_PER_MS;

	while (!atomic_load(what) && os_clock_mono().ns < until)
		pause_ms(1);
	return atomic_load(what);
}

/* The sensor: closes the channel, and is long in dying. */
static void die_slowly(const struct live *l, struct seen *seen)
{
	(void)close(daemon_guard_fd(l));
	atomic_store(&seen->deaf, true);
	(void)comes(&seen->over);
}

/* The sensor: asks for the second line, and once it has it, does nothing more with it. */
static void stand_still(const struct live *l, struct seen *seen)
{
	int64_t until = os_clock_mono().ns + AT_MOST_MS * TIME_NS_PER_MS;

	while (!atomic_load(&seen->taken) && os_clock_mono().ns < until) {
		bool ours =
			atomic_load(&seen->given)
				? atomic_load(&l->workers[1].guarded->line.owner) == SOURCE_WORKER
				: source_owned(l->workers[1].source);

		if (ours)
			atomic_store(&seen->given, true);
		else if (atomic_load(&seen->given))
			atomic_store(&seen->taken, true);
		pause_ms(1);
	}
}

/* The guardian, in a process of its own: it changes what signals and the scheduler do. */
static pid_t guardian_start(struct test *t, struct seen *seen, size_t lines, int slow_ms,
			    void (*sensor)(const struct live *l, struct seen *seen))
{
	const char *dir = test_folder(t);
	pid_t pid = fork();
	struct arena_pool pool = {.budget = 1 << 20};
	struct arena arena = {.pool = &pool};
	struct daemon_live_options o = {.dir = slice_of(dir)};
	static struct line line[LINES];
	static struct live_worker workers[LINES];
	static struct live l;
	struct fail why;
	bool over;
	int code = 1;

	if (pid != 0)
		return pid;
	line[0] = (struct line){.seen = seen, .slow_ms = slow_ms};
	for (size_t i = 0; i < LINES; i++) {
		line[i].source.ops = &ops;
		workers[i].source = &line[i].source;
	}
	l = (struct live){.o = &o, .arena = &arena, .workers = workers, .worker_count = lines};
	if (daemon_guard_split(&l, &over, &code, &why) != ST_OK)
		_exit(99);
	if (!over) {
		sensor(&l, seen);
		_exit(0);
	}
	_exit(code);
}

static struct seen *seen_new(void)
{
	struct seen *s =
		mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	ASSERT(s != MAP_FAILED);
	return s;
}

static int code_of(pid_t pid)
{
	int status = 0;

	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Invariant 5. It had looked thousands of times, ahead of all others on its processor: of those who
 * send packets, and of the sensor that was to die. */
static void a_sensor_that_is_long_in_dying_does_not_make_the_guardian_run_for_ever(struct test *t)
{
	struct seen *seen = seen_new();
	pid_t pid = guardian_start(t, seen, 1, 0, die_slowly);
	uint64_t looks;
	int64_t took;

	EXPECT(t, pid > 0 && comes(&seen->deaf));
	looks = atomic_load(&seen->looks);
	took = os_clock_mono().ns;
	pause_ms(LOOKED_AT_MS);
	looks = atomic_load(&seen->looks) - looks;
	took = (os_clock_mono().ns - took) / TIME_NS_PER_MS;
	atomic_store(&seen->over, true);
	EXPECT(t, code_of(pid) == 0);
	EXPECT(t, looks >= 1);
	EXPECT(t, looks <= 2 * (uint64_t)took / GUARD_TICK_MS + 5);
	EXPECT(t, munmap(seen, sizeof *seen) == 0);
}

/* On a processor that it has to share with too many. */
static void a_guardian_that_is_never_in_time_sees_that_a_worker_stands_still(struct test *t)
{
	struct seen *seen = seen_new();
	pid_t pid = guardian_start(t, seen, 2, SLOW_MS, stand_still);

	EXPECT(t, pid > 0);
	EXPECT(t, code_of(pid) == 0);
	EXPECT(t, atomic_load(&seen->given));
	EXPECT(t, atomic_load(&seen->taken));
	EXPECT(t, munmap(seen, sizeof *seen) == 0);
}

TESTS(T(a_sensor_that_is_long_in_dying_does_not_make_the_guardian_run_for_ever),
      T(a_guardian_that_is_never_in_time_sees_that_a_worker_stands_still))
