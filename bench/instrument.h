/* SPDX-License-Identifier: Apache-2.0
 *
 * bench/instrument.h - from here on instructions count, where valgrind's callgrind counts them:
 * what is before (loading rules) then runs some ten times faster. instrument_none.c without its
 * headers.
 */
#ifndef DEW_BENCH_INSTRUMENT_H
#define DEW_BENCH_INSTRUMENT_H

#include <stdbool.h>

void bench_instrument(bool on);

#endif
