/* SPDX-License-Identifier: Apache-2.0
 * Where there are no vectors that we know of. */
#include "sensor/detect/literals_priv.h"

struct literal_lookers detect_literals_here(void)
{
	return detect_literals_plain;
}
