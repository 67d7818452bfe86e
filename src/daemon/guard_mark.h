/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/guard_mark.h - that all lines are inspected: what is left on disk, so that who comes next
 * knows of a time in which they were not, and that nobody could tell of. Private to the module.
 *
 * The sensor writes it while it inspects, for a disk may keep its writer waiting, and the guardian
 * must not wait; the guardian opens it, and says at last that it was told to end. What became of a
 * gap that was not over when all died is told so, too: from the last mark on.
 *
 * The file is line.mark in the log folder, one line of decimal numbers, written anew each second:
 *
 *	1 <when, ns since 1970> <ended: 0 or 1> <packets that the bridge's interfaces have received,
 *	and 1; 0: not known>
 */
#ifndef DEW_DAEMON_GUARD_MARK_H
#define DEW_DAEMON_GUARD_MARK_H

#include "base/time.h"
#include "daemon/live.h"

struct guard_mark {
	int fd;	 /* -1: there is none */
	int dev; /* /proc/self/net/dev, opened while it could be; -1: there is no bridge */
	struct mono_ns written;
};

/* True: *out is the time since the last mark, in which packets passed unseen. Reasons: "absent"
 * (who was here died), "stopped" (it was told to end). A folder that cannot be written to is said.
 */
MUST_USE bool daemon_mark_open(struct live *l, struct guard_mark *m, struct pipeline_gap *out);
/* If it is time. ended: told to end; now, and for the last time. */
void daemon_mark_write(const struct live *l, struct guard_mark *m, bool ended);

/* Of the text of a mark; received: as the last number there, by now. False: it is none. */
MUST_USE bool daemon_mark_read(struct slice text, struct wall_ns now, uint64_t received,
			       struct pipeline_gap *out);
/* Packets received by an interface, in the text of /proc/net/dev. */
MUST_USE bool daemon_mark_received(struct slice text, struct slice name, uint64_t *out);

#endif
