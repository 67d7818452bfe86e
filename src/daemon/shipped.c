/* SPDX-License-Identifier: Apache-2.0
 * All treaties that ship, for `dewline treaty`. Written by tools/embed.py from treaties/. */
#include "daemon/daemon.h"

#include "shipped.inc"

size_t daemon_shipped_treaties(const struct bulletin_file **out)
{
	*out = embedded;
	return sizeof embedded / sizeof embedded[0];
}
