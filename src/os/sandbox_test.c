/* SPDX-License-Identifier: Apache-2.0
 * What is given up is given up for good, so each test does it in a child and looks at how that
 * ends. */
#include "os/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

#ifdef __SANITIZE_THREAD__
#define THREAD_SANITIZER true
#else
#define THREAD_SANITIZER false
#endif

enum { FINE = 0, MISSING = 77 };

/* Runs f(arg) in a child; its exit code, or 128 and more if it was killed. */
static int in_child(int (*f)(const char *arg), const char *arg)
{
	int status = 0;
	pid_t child;

	(void)fflush(NULL);
	child = fork();
	if (child == 0)
		_exit(f(arg));
	(void)waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

#define STEP(cond)                                                                                 \
	do {                                                                                       \
		if (!(cond))                                                                       \
			return __LINE__ % 76 + 1;                                                  \
	} while (0)

static bool opens(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd >= 0)
		(void)close(fd);
	return fd >= 0;
}

static int paths(const char *folder)
{
	struct slice read = SLICE("/usr"), write = slice_of(folder);
	char inside[128], moved[160];
	struct fail why;
	enum status st;

	(void)snprintf(inside, sizeof inside, "%s/x", folder);
	(void)snprintf(moved, sizeof moved, "%s/y", folder);
	STEP(opens("/etc/passwd", O_RDONLY));
	st = os_sandbox_paths(&read, 1, &write, 1, &why);
	if (st == ST_NOTFOUND)
		return MISSING;
	STEP(st == ST_OK);
	STEP(!opens("/etc/passwd", O_RDONLY) && errno == EACCES);
	STEP(!opens("/etc/shadow", O_RDONLY) && errno == EACCES);
	STEP(opens("/usr/bin/env", O_RDONLY));
	STEP(!opens("/usr/dewline-test", O_WRONLY | O_CREAT) && errno == EACCES);
	STEP(opens(inside, O_WRONLY | O_CREAT));
	STEP(opens(inside, O_RDONLY));
	STEP(rename(inside, moved) == 0);
	STEP(unlink(moved) == 0);
	(void)execl("/usr/bin/env", "env", (char *)NULL);
	STEP(errno == EACCES);
	return FINE;
}

static void test_paths_that_are_not_named_cannot_be_opened_any_more(struct test *t)
{
	int end = in_child(paths, test_folder(t));

	if (end == MISSING)
		test_skip(t, "this kernel has no Landlock");
	else
		EXPECT_UINT(t, (unsigned)end, FINE);
}

static int syscalls(const char *unused)
{
	char *const args[] = {(char *)(uintptr_t) "true", NULL};
	struct fail why;
	enum status st;
	void *memory;

	if (os_sandbox_capabilities(OS_SANDBOX_NOTHING, &why) != ST_OK)
		return 1;
	st = os_sandbox_calls(&why);
	if (st == ST_NOTFOUND)
		return MISSING;
	STEP(st == ST_OK);
	(void)execv("/bin/true", args);
	STEP(errno == EPERM);
	STEP(fork() < 0);
	STEP(socket(AF_INET, SOCK_STREAM, 0) < 0 && errno == EPERM);
	STEP(setuid(0) < 0 && errno == EPERM);
	STEP(chroot("/") < 0 && errno == EPERM);
	STEP(opens("/", O_RDONLY)); /* which, is not a matter of this */
	memory = malloc(1 << 20);
	STEP(memory != NULL);
	free(memory);
	return FINE;
}

static void test_no_program_no_process_and_no_socket_can_be_made_any_more(struct test *t)
{
	int end;

	if (THREAD_SANITIZER) {
		test_skip(t, "ThreadSanitizer aborts when calls are refused");
		return;
	}
	end = in_child(syscalls, NULL);
	if (end == MISSING)
		test_skip(t, "this kernel has no seccomp");
	else
		EXPECT_UINT(t, (unsigned)end, FINE);
}

/* What the kernel says of this process, as "CapEff:\t0000000000000000". */
static bool kernel_says(const char *what)
{
	char text[4096];
	FILE *f = fopen("/proc/self/status", "re");
	size_t n = f != NULL ? fread(text, 1, sizeof text - 1, f) : 0;

	if (f != NULL)
		(void)fclose(f);
	text[n] = '\0';
	return strstr(text, what) != NULL;
}

static int capabilities(const char *unused)
{
	struct fail why;

	STEP(os_sandbox_capabilities(OS_SANDBOX_NOTHING, &why) == ST_OK);
	STEP(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	STEP(kernel_says("CapPrm:\t0000000000000000"));
	STEP(kernel_says("CapEff:\t0000000000000000"));
	STEP(kernel_says("CapInh:\t0000000000000000"));
	STEP(kernel_says("CapAmb:\t0000000000000000"));
	return FINE;
}

static void test_no_capability_is_left(struct test *t)
{
	EXPECT_UINT(t, (unsigned)in_child(capabilities, NULL), FINE);
}

static int one_capability(const char *unused)
{
	struct fail why;

	STEP(os_sandbox_user(SLICE("nobody"), SLICE(""), OS_SANDBOX_NET_ADMIN, &why) == ST_OK);
	STEP(os_sandbox_capabilities(OS_SANDBOX_NET_ADMIN, &why) == ST_OK);
	STEP(setuid(0) != 0);
	STEP(kernel_says("CapPrm:\t0000000000001000")); /* bit 12 */
	STEP(kernel_says("CapEff:\t0000000000001000"));
	STEP(kernel_says("CapInh:\t0000000000000000"));
	STEP(kernel_says("CapAmb:\t0000000000000000"));
	return FINE;
}

/* In a process that may become nobody. */
static void fine_where_it_may(struct test *t, int (*run)(const char *unused))
{
	unsigned uid, gid;
	struct fail why;

	if (os_sandbox_find(SLICE("nobody"), SLICE(""), &uid, &gid, &why) != ST_OK)
		test_skip(t, "%s", why.text);
	else if (geteuid() != 0)
		test_skip(t, "only root becomes another user");
	else
		EXPECT_UINT(t, (unsigned)in_child(run, NULL), FINE);
}

static void test_one_capability_can_be_kept_by_another_user(struct test *t)
{
	fine_where_it_may(t, one_capability);
}

static int user(const char *unused)
{
	struct fail why;

	STEP(os_sandbox_user(SLICE("nobody"), SLICE(""), OS_SANDBOX_NOTHING, &why) == ST_OK);
	STEP(getuid() != 0 && geteuid() == getuid() && getgid() != 0 && getegid() == getgid());
	STEP(getgroups(0, NULL) == 1);
	STEP(setuid(0) != 0 && seteuid(0) != 0);
	STEP(!opens("/etc/shadow", O_RDONLY) && errno == EACCES);
	return FINE;
}

static void test_another_user_is_another_user_for_good(struct test *t)
{
	fine_where_it_may(t, user);
}

static void test_users_and_groups_that_are_not_there_are_named(struct test *t)
{
	unsigned uid, gid;
	struct fail why;

	EXPECT(t, os_sandbox_find(SLICE("no-such-user-here"), SLICE(""), &uid, &gid, &why) ==
			  ST_INVALID);
	EXPECT(t, strstr(why.text, "no-such-user-here") != NULL);
	EXPECT(t,
	       os_sandbox_find(SLICE(""), SLICE("no-such-group"), &uid, &gid, &why) == ST_INVALID);
	EXPECT(t, os_sandbox_find(SLICE(""), SLICE("4321"), &uid, &gid, &why) == ST_OK);
	EXPECT_UINT(t, gid, 4321);
	EXPECT_UINT(t, uid, getuid());
}

TESTS(T(test_paths_that_are_not_named_cannot_be_opened_any_more),
      T(test_no_program_no_process_and_no_socket_can_be_made_any_more),
      T(test_no_capability_is_left), T(test_one_capability_can_be_kept_by_another_user),
      T(test_another_user_is_another_user_for_good),
      T(test_users_and_groups_that_are_not_there_are_named))
