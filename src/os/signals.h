/* SPDX-License-Identifier: Apache-2.0
 *
 * os/signals.h - signals that are read, as anything else that comes: from a descriptor, by one
 * thread, between two pieces of work. No handler runs anywhere (signalfd(2)).
 */
#ifndef DEW_OS_SIGNALS_H
#define DEW_OS_SIGNALS_H

#include <stddef.h>

#include "base/status.h"

/* From here on they wait in *out_fd, for this thread and those that it makes: call it before there
 * are others. Each is a number of signal(7). Close it with close(). */
MUST_USE enum status os_signals_open(const int *numbers, size_t n, int *out_fd, struct fail *why);

/* The next that came, 0 if none did. Never waits. */
int os_signals_take(int fd);

#endif
