/* SPDX-License-Identifier: Apache-2.0
 *
 * os/stop.h - being told to end: SIGINT and SIGTERM as something that can be waited for.
 *
 * For a program of one thread that waits for work. From os_stop_open() on the two signals no longer
 * end the process. Main thread, before there is a second one.
 */
#ifndef DEW_OS_STOP_H
#define DEW_OS_STOP_H

#include <stdbool.h>

#include "base/status.h"

struct os_stop {
	int fd_plus_1; /* 0: not open; readable once we were told */
};

MUST_USE enum status os_stop_open(struct os_stop *out, struct fail *why);
/* Waits until we are told to end, at most that long. True: we were. */
bool os_stop_wait(struct os_stop *s, int milliseconds);
void os_stop_close(struct os_stop *s); /* the signals end the process again */

#endif
