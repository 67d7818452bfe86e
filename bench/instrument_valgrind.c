/* SPDX-License-Identifier: Apache-2.0 */
#include "instrument.h"

#include <valgrind/callgrind.h>

void bench_instrument(bool on)
{
	if (on)
		CALLGRIND_START_INSTRUMENTATION;
	else
		CALLGRIND_STOP_INSTRUMENTATION;
}
