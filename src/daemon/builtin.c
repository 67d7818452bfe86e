/* SPDX-License-Identifier: Apache-2.0
 * The treaties that ship, so that a lone binary can judge. Written by tools/embed.py from
 * treaties/. */
#include "daemon/daemon.h"

#include "embedded.inc"

size_t daemon_builtin_treaties(const struct bulletin_file **out)
{
	*out = embedded;
	return sizeof embedded / sizeof embedded[0];
}
