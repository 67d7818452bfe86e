/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/metrics.h - Prometheus's text over HTTP on this machine's own address, for those who
 * scrape. Off unless `metrics.enabled`. Private to the module; main thread.
 */
#ifndef DEW_DAEMON_METRICS_H
#define DEW_DAEMON_METRICS_H

#include "daemon/live.h"

enum { METRICS_FDS_MAX = 9 };
struct pollfd;

/* Listens where the configuration says, if it does. ST_INVALID: not an address of this machine
 * alone.
 */
MUST_USE enum status daemon_metrics_open(struct live *l, struct fail *why);
size_t daemon_metrics_fds(const struct live *l, struct pollfd *out);
void daemon_metrics_step(struct live *l, const struct pollfd *fds, size_t n);
void daemon_metrics_close(struct live *l);

/* What a request gets; `text` is the metrics' own. For tests. */
struct slice daemon_metrics_answer(struct slice request, struct slice text, struct buf *out);

#endif
