/* SPDX-License-Identifier: Apache-2.0
 *
 * os/sandbox.h - a process gives up what it does not need, for good.
 *
 * In the order of this file, once everything is open and before there is a second thread: what is
 * given up by a thread is inherited by those it starts. Each of the four can be missing in a kernel
 * (or refused to us); then ST_NOTFOUND, with what is missing, and the process may go on with the
 * others. Main thread only.
 */
#ifndef DEW_OS_SANDBOX_H
#define DEW_OS_SANDBOX_H

#include "base/slice.h"
#include "base/status.h"

/* The numbers of a user (a name or number; "": who we are) and group ("": the user's own).
 * ST_INVALID: no such user or group. */
MUST_USE enum status os_sandbox_find(struct slice user, struct slice group, unsigned *out_uid,
				     unsigned *out_gid, struct fail *why);

/* What is not given up: nothing; or the administration of the network of our namespace, which
 * verdicts on queued packets take each time (netlink looks at who sends, not at who opened). */
enum os_sandbox_kept { OS_SANDBOX_NOTHING, OS_SANDBOX_NET_ADMIN };

/* Becomes them, with no other groups. ST_REFUSED: we may not. Unless NOTHING is kept,
 * os_sandbox_capabilities() has to follow. */
MUST_USE enum status os_sandbox_user(struct slice user, struct slice group,
				     enum os_sandbox_kept kept, struct fail *why);

/* No other capability is left in any set, and exec gives none back (no_new_privs). */
MUST_USE enum status os_sandbox_capabilities(enum os_sandbox_kept kept, struct fail *why);

/* Files may be read below `read`, and made, written and removed below `write`, both lists of
 * folders or files; what is not there is left out. Nothing else of the file system can be opened.
 * By Landlock (Linux 5.13). Descriptors that are open stay. */
MUST_USE enum status os_sandbox_paths(const struct slice *read, size_t read_count,
				      const struct slice *write, size_t write_count,
				      struct fail *why);

/* Only the system calls of a sensor at work are left; all others fail with EPERM: no exec, no new
 * process, no socket but to this machine's own programs, no change of rights. By seccomp. */
MUST_USE enum status os_sandbox_calls(struct fail *why);

#endif
