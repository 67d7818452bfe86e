/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/fast.h - an alert as a line of text, as Suricata's fast.log has it:
 *
 *	11/22/2026-03:04:05.678901  [**] [1:2:3] message [**] [Classification: c]
 *		[Priority: 3] {TCP} a:1 -> b:2
 *
 * in one line. Private to the module; any thread. Times are UTC.
 */
#ifndef DEW_DAEMON_FAST_H
#define DEW_DAEMON_FAST_H

#include "base/buf.h"
#include "record/record.h"

/* Without a line feed. r is as pipeline_output.alerts makes it: its type says "Drop" where the rule
 * stopped the packet, "wDrop" where it would have done so in line. */
void daemon_fast_line(const struct record *r, struct buf *out);

#endif
