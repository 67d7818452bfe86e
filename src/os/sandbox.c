/* SPDX-License-Identifier: Apache-2.0 */
#include "os/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <pwd.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include "os/file.h"

enum { NAME_MAX_BYTES = 64 };

static enum status failed(enum status st, const char *what, struct fail *why)
{
	int err = errno;

	(void)fail_set(why, st, "cannot %s: %s", what, strerrordesc_np(err));
	why->sys_errno = err;
	return st;
}

/* --- user and group --- */

static bool name_of(struct slice s, char out[NAME_MAX_BYTES])
{
	if (s.len == 0 || s.len >= NAME_MAX_BYTES || memchr(s.ptr, 0, s.len) != NULL)
		return false;
	memcpy(out, s.ptr, s.len);
	out[s.len] = '\0';
	return true;
}

static bool number_of(const char *name, unsigned *out)
{
	char *end;
	unsigned long v = strtoul(name, &end, 10);

	if (*end != '\0' || end == name || v >= UINT32_MAX)
		return false;
	*out = (unsigned)v;
	return true;
}

static bool user_find(const char *name, uid_t *uid, gid_t *gid)
{
	const struct passwd *p = getpwnam(name);

	if (p == NULL && number_of(name, uid))
		p = getpwuid(*uid);
	if (p == NULL)
		return false;
	*uid = p->pw_uid;
	*gid = p->pw_gid;
	return true;
}

static bool group_find(const char *name, gid_t *gid)
{
	const struct group *g = getgrnam(name);

	if (g == NULL)
		return number_of(name, gid);
	*gid = g->gr_gid;
	return true;
}

enum status os_sandbox_find(struct slice user, struct slice group, unsigned *out_uid,
			    unsigned *out_gid, struct fail *why)
{
	char user_z[NAME_MAX_BYTES], group_z[NAME_MAX_BYTES];
	uid_t uid = getuid();
	gid_t gid = getgid();

	if (user.len != 0 && (!name_of(user, user_z) || !user_find(user_z, &uid, &gid)))
		return fail_set(why, ST_INVALID, "there is no user %.*s", SLICE_ARG(user));
	if (group.len != 0 && (!name_of(group, group_z) || !group_find(group_z, &gid)))
		return fail_set(why, ST_INVALID, "there is no group %.*s", SLICE_ARG(group));
	*out_uid = uid;
	*out_gid = gid;
	return ST_OK;
}

enum status os_sandbox_user(struct slice user, struct slice group, enum os_sandbox_kept kept,
			    struct fail *why)
{
	uid_t uid;
	gid_t gid;
	enum status st = os_sandbox_find(user, group, &uid, &gid, why);

	if (st != ST_OK)
		return st;
	if (setgroups(1, &gid) != 0 || setresgid(gid, gid, gid) != 0)
		return failed(ST_REFUSED, "change the group", why);
	if (kept != OS_SANDBOX_NOTHING && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0)
		return failed(ST_REFUSED, "keep a capability", why);
	if (setresuid(uid, uid, uid) != 0)
		return failed(ST_REFUSED, "change the user", why);
	if (uid != 0 && (setuid(0) == 0 || geteuid() != uid || getegid() != gid))
		return fail_set(why, ST_REFUSED, "the user could be changed back");
	return ST_OK;
}

/* --- capabilities --- */

enum status os_sandbox_capabilities(enum os_sandbox_kept kept, struct fail *why)
{
	struct __user_cap_header_struct h = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct left[_LINUX_CAPABILITY_U32S_3] = {{0}};

	if (kept == OS_SANDBOX_NET_ADMIN)
		left[0].permitted = left[0].effective = 1U << CAP_NET_ADMIN;

	/* what may come back by exec; without CAP_SETPCAP there is nothing to take */
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0 && errno != EPERM)
			return failed(ST_IO, "bound capabilities", why);
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 && errno != EINVAL)
		return failed(ST_IO, "clear ambient capabilities", why);
	if (syscall(SYS_capset, &h, left) != 0)
		return failed(ST_IO, "give up capabilities", why);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return failed(ST_IO, "set no_new_privs", why);
	return ST_OK;
}

/* --- paths --- */

#define READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITE                                                                                      \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |                             \
	 LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |                            \
	 LANDLOCK_ACCESS_FS_REMOVE_DIR)
/* all that version 1 of the interface knows: what is not allowed of these is forbidden */
#define HANDLED_V1 (LANDLOCK_ACCESS_FS_MAKE_SYM * 2 - 1)

static enum status path_allow(int rules, struct slice path, uint64_t access, struct fail *why)
{
	char z[OS_PATH_MAX];
	struct landlock_path_beneath_attr a = {.allowed_access = access};
	struct stat st;
	int result;

	if (path.len == 0)
		path = SLICE(".");
	if (path.len >= sizeof z)
		return fail_set(why, ST_LIMIT, "a path has more than %d bytes", OS_PATH_MAX - 1);
	memcpy(z, path.ptr, path.len);
	z[path.len] = '\0';
	a.parent_fd = open(z, O_PATH | O_CLOEXEC);
	if (a.parent_fd < 0)
		return ST_OK; /* not there */
	if (fstat(a.parent_fd, &st) == 0 && !S_ISDIR(st.st_mode))
		a.allowed_access &= LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE;
	result = (int)syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &a, 0);
	(void)close(a.parent_fd); /* nothing was written to it */
	return result == 0 ? ST_OK : failed(ST_IO, "allow a path", why);
}

enum status os_sandbox_paths(const struct slice *read, size_t read_count, const struct slice *write,
			     size_t write_count, struct fail *why)
{
	long version =
		syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	/* since version 2 a file may move from folder to folder, if both allow it */
	uint64_t move = version >= 2 ? LANDLOCK_ACCESS_FS_REFER : 0;
	struct landlock_ruleset_attr attr = {.handled_access_fs = HANDLED_V1 | move};
	int rules = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
	enum status st = ST_OK;

	if (rules < 0)
		return failed(errno == ENOSYS || errno == EOPNOTSUPP ? ST_NOTFOUND : ST_IO,
			      "confine paths (Landlock)", why);
	for (size_t i = 0; st == ST_OK && i < read_count; i++)
		st = path_allow(rules, read[i], READ, why);
	for (size_t i = 0; st == ST_OK && i < write_count; i++)
		st = path_allow(rules, write[i], READ | WRITE | move, why);
	if (st == ST_OK && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
			    syscall(SYS_landlock_restrict_self, rules, 0) != 0))
		st = failed(ST_IO, "confine paths (Landlock)", why);
	(void)close(rules); /* nothing was written to it */
	return st;
}

/* --- system calls --- */

static const int calls[] = {
	/* files: which ones, Landlock says */
	SCMP_SYS(read),
	SCMP_SYS(pread64),
	SCMP_SYS(readv),
	SCMP_SYS(write),
	SCMP_SYS(pwrite64),
	SCMP_SYS(writev),
	SCMP_SYS(open),
	SCMP_SYS(openat),
	SCMP_SYS(close),
	SCMP_SYS(lseek),
	SCMP_SYS(stat),
	SCMP_SYS(fstat),
	SCMP_SYS(lstat),
	SCMP_SYS(newfstatat),
	SCMP_SYS(statx),
	SCMP_SYS(access),
	SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2),
	SCMP_SYS(getdents64),
	SCMP_SYS(fsync),
	SCMP_SYS(fdatasync),
	SCMP_SYS(syncfs),
	SCMP_SYS(flock),
	SCMP_SYS(sync_file_range),
	SCMP_SYS(statfs),
	SCMP_SYS(fstatfs),
	SCMP_SYS(ftruncate),
	SCMP_SYS(mkdir),
	SCMP_SYS(mkdirat),
	SCMP_SYS(rename),
	SCMP_SYS(renameat),
	SCMP_SYS(renameat2),
	SCMP_SYS(unlink),
	SCMP_SYS(unlinkat),
	SCMP_SYS(rmdir),
	SCMP_SYS(readlink),
	SCMP_SYS(readlinkat),
	SCMP_SYS(getcwd),
	SCMP_SYS(umask),
	SCMP_SYS(fcntl),
	SCMP_SYS(fadvise64),
	SCMP_SYS(fchmod),
	SCMP_SYS(link),
	SCMP_SYS(linkat),
	/* sockets that are open, and answers to who asks */
	SCMP_SYS(accept4),
	SCMP_SYS(connect),
	SCMP_SYS(recvfrom),
	SCMP_SYS(recvmsg),
	SCMP_SYS(recvmmsg),
	SCMP_SYS(sendto),
	SCMP_SYS(sendmsg),
	SCMP_SYS(sendmmsg),
	SCMP_SYS(shutdown),
	SCMP_SYS(getsockopt),
	SCMP_SYS(getsockname),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(eventfd2),
	/* memory */
	SCMP_SYS(mmap),
	SCMP_SYS(munmap),
	SCMP_SYS(mprotect),
	SCMP_SYS(mremap),
	SCMP_SYS(madvise),
	SCMP_SYS(brk),
	SCMP_SYS(membarrier),
	/* threads */
	SCMP_SYS(futex),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(get_robust_list),
	SCMP_SYS(rseq),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(sched_setaffinity),
	SCMP_SYS(sched_yield),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	SCMP_SYS(gettid),
	SCMP_SYS(getpid),
	SCMP_SYS(set_tid_address),
	SCMP_SYS(restart_syscall),
	/* signals, within the process (ASSERT and abort), and time */
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(tgkill),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_getres),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(time),
	SCMP_SYS(nanosleep),
	SCMP_SYS(clock_nanosleep),
	/* who and what */
	SCMP_SYS(getrandom),
	SCMP_SYS(uname),
	SCMP_SYS(sysinfo),
	SCMP_SYS(getuid),
	SCMP_SYS(geteuid),
	SCMP_SYS(getgid),
	SCMP_SYS(getegid),
	SCMP_SYS(getrusage),
	SCMP_SYS(prlimit64),
	SCMP_SYS(getcpu),
};

enum status os_sandbox_calls(struct fail *why)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int err = f == NULL ? -ENOMEM : 0;

	for (size_t i = 0; err == 0 && i < sizeof calls / sizeof calls[0]; i++)
		err = seccomp_rule_add(f, SCMP_ACT_ALLOW, calls[i], 0);
	/* threads, no processes: clone3 hides its flags from us, and libc knows how to do without
	 */
	if (err == 0)
		err = seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	if (err == 0)
		err = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
				       SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
	/* a reader of this machine that went away is dialled again */
	if (err == 0)
		err = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
				       SCMP_A0(SCMP_CMP_EQ, AF_UNIX));
	/* whether a stream is a terminal */
	if (err == 0)
		err = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
				       SCMP_A1(SCMP_CMP_EQ, TCGETS));
	if (err == 0)
		err = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
				       SCMP_A1(SCMP_CMP_EQ, TIOCGWINSZ));
	if (err == 0)
		err = seccomp_load(f);
	seccomp_release(f);
	if (err == 0)
		return ST_OK;
	errno = -err;
	return failed(errno == ENOSYS || errno == EINVAL ? ST_NOTFOUND : ST_IO,
		      "confine system calls (seccomp)", why);
}
