/* SPDX-License-Identifier: Apache-2.0
 *
 * meter.h - how much work a piece of code did, the same on every machine and in every run.
 *
 * A unit is a basic block that was entered, or 16 bytes that libc copied, compared or searched.
 * Only modules built for a test that is named in m_metered of a meson.build count (they are
 * compiled once more, with the compiler's trace at each block); shared libraries do not. A
 * quadratic loop shows as a ratio of units to bytes that grows with the input, which no clock could
 * say in a test.
 */
#ifndef DEW_METER_H
#define DEW_METER_H

#include <stdint.h>

uint64_t meter_units(void); /* since the process began */

#endif
