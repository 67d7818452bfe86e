/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/status.h - what a running sensor knows about itself, for the two forms in which it says
 * so: status.c (JSON) and prometheus.c. Private to the module; main thread. A new counter is a
 * value of enum live_counter and a row of daemon_status_rows.
 */
#ifndef DEW_DAEMON_STATUS_H
#define DEW_DAEMON_STATUS_H

#include "daemon/live.h"

struct status_row {
	const char *name; /* in JSON; nanoseconds end in _ns, bytes in bytes */
	bool gauge;	  /* goes up and down */
	const char *doc;
	bool source; /* counted where packets come from: of a worker, not of a tenant */
};
extern const struct status_row daemon_status_rows[LIVE_COUNTERS];

uint64_t daemon_status_of(const struct live_worker *w, unsigned counter);

/* Bytes of the process in memory, as the kernel counts them; 0: it does not say. */
uint64_t daemon_status_resident(const struct live *l);

/* Who has how much of it. The first row is all of traffic, those named traffic_* are shares of it.
 */
enum { STATUS_MEMORY_MAX = 16 };
struct status_memory {
	const char *owner, *doc;
	uint64_t bytes, most; /* most: the budget; 0: it has none of its own */
};
size_t daemon_status_memory(const struct live *l, struct status_memory out[STATUS_MEMORY_MAX]);

/* Lines of all who have a writer of their own. */
struct status_lines {
	uint64_t written, lost, refused;
};
struct status_lines daemon_status_lines(const struct live *l);

/* Of all workers, in a; NULL: there is no memory, or nobody gives verdicts. */
const struct histogram *daemon_status_verdicts(struct live *l, struct arena *a);

/* The dearest of the station's rules, over all workers; NULL: nobody counts, or rules are being
 * exchanged. Waits for workers, for at most a third of a second each. */
struct detect_cost *daemon_status_costs(struct live *l, struct arena *a, size_t *out_count);

#endif
