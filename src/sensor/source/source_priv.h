/* SPDX-License-Identifier: Apache-2.0
 *
 * source_priv.h - what the files of this module share.
 */
#ifndef DEW_SENSOR_SOURCE_PRIV_H
#define DEW_SENSOR_SOURCE_PRIV_H

#include <linux/filter.h>

#include "sensor/source/source.h"

enum { SOURCE_SPREAD_MAX = 160 /* instructions */ };

/* Writes the program that spreads packets by pair of addresses; how many instructions it has. */
uint16_t source_spread_program(uint32_t seed, struct sock_filter out[SOURCE_SPREAD_MAX]);

#endif
