/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/guard.h - in the line: the process that lets traffic pass while the sensor does not.
 * Private to the module. docs/decisions/0014-inline.md says why it is so.
 *
 * `dewline sensor` in the line is two processes. The guardian opens the sources, and starts the
 * sensor as its child with the same descriptors. It inspects nothing: it looks every GUARD_TICK_MS
 * whether each worker has moved, and takes a line whose worker has not for GUARD_HANG_MS, or whose
 * process has died; then it gives every packet the verdict "pass" and counts it. A sensor that died
 * is started again. What passed so is a gap, which the worker writes when it has the line back.
 */
#ifndef DEW_DAEMON_GUARD_H
#define DEW_DAEMON_GUARD_H

#include "base/time.h"
#include "daemon/live.h"

enum {
	GUARD_TICK_MS = 10,
	GUARD_HANG_MS = 40,
	GUARD_GAPS = 16, /* that can wait to be written, of one line */
};

/* In shared memory, one a worker. */
struct guard_line {
	struct source_line line;
	/* By the guardian. */
	_Atomic uint64_t passed, passed_bytes; /* by it, ever */
	_Atomic uint64_t gaps;		       /* that have ended, ever */
	_Atomic int64_t open_since;	       /* wall_ns; 0: the worker has the line */
	struct pipeline_gap ended[GUARD_GAPS]; /* gap i is in i % GUARD_GAPS */
	_Atomic uint64_t late_ns;	       /* of the first line: guard_report.late_ns */
	/* By the worker. */
	uint64_t said; /* gaps that were written, or that there was no room for */
};

/* Makes the shared memory, lets packets in, and divides the process. Returns in the child, with
 * *out_over false; in the guardian only when all is over, with *out_over true and the process's
 * exit code. Before there are threads. The workers' sources are open. */
MUST_USE enum status daemon_guard_split(struct live *l, bool *out_over, int *out_code,
					struct fail *why);

/* Of the sensor: it dies with its guardian, from here on; what makes it so is lost with powers. */
void daemon_guard_bind(const struct live *l);

/* Of the sensor: a descriptor that becomes readable when the guardian is gone; -1: there is none.
 */
int daemon_guard_fd(const struct live *l);
bool daemon_guard_gone(const struct live *l);

/* Of the sensor: what the guardian has done so far, of all lines. */
struct guard_report {
	uint64_t pid, starts;	       /* starts: of sensors, this one among them */
	uint64_t gaps, open;	       /* that ended; lines that are not inspected now */
	uint64_t passed, passed_bytes; /* packets that it let pass */
	uint64_t late_ns; /* the longest that it was kept from looking; a tick is GUARD_TICK_MS */
};
struct guard_report daemon_guard_report(const struct live *l);

/* Of the sensor, its main thread: the guardian is asked, and its answer waited for. ST_REFUSED: no;
 * ST_NOTFOUND: there is none, this sensor only listens. */
struct throttle_request;
struct throttle_answer;
MUST_USE enum status daemon_guard_ask(const struct live *l, const struct throttle_request *r,
				      struct throttle_answer *out, struct fail *why);

/* Of the sensor, its main thread, now and then: leaves its mark if all lines are inspected. */
void daemon_guard_mark(const struct live *l);

/* Of a worker, between two batches: is there no gap that has to be written? They are written. */
bool daemon_guard_said(const struct live_worker *w);
void daemon_guard_say(struct live_worker *w);

#endif
