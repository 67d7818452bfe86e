/* SPDX-License-Identifier: Apache-2.0
 *
 * os/clock.h - the only clock. Any thread.
 */
#ifndef DEW_OS_CLOCK_H
#define DEW_OS_CLOCK_H

#include "base/time.h"

struct wall_ns os_clock_wall(void); /* CLOCK_REALTIME: may jump */
struct mono_ns os_clock_mono(void); /* CLOCK_MONOTONIC: only grows; stands still while suspended */
struct mono_ns os_clock_boot(void); /* CLOCK_BOOTTIME: the same with the time suspended */
struct mono_ns os_clock_cpu(void);  /* processor time of this process: for benches */

/* Nothing for at least so long (0 to a second), but for a signal, which ends it. */
void os_clock_pause(int64_t ns);

#endif
