/* SPDX-License-Identifier: Apache-2.0
 *
 * os/nft.h - the kernel's packet filter, in the words of nft(8). By libnftables, whose memory is
 * its own; one thread. Needs CAP_NET_ADMIN at each call.
 */
#ifndef DEW_OS_NFT_H
#define DEW_OS_NFT_H

#include "base/slice.h"
#include "base/status.h"

struct os_nft;

MUST_USE enum status os_nft_open(bool json, struct os_nft **out, struct fail *why);

/* Lines of commands: all of them are done, or none. *out (may be NULL) is what they print, until
 * the next call. ST_NOTFOUND: they name what is not there; ST_REFUSED: we may not, or the kernel
 * lacks it. */
MUST_USE enum status os_nft_run(struct os_nft *n, const char *commands, struct slice *out,
				struct fail *why);
void os_nft_close(struct os_nft *n); /* NULL is fine */

#endif
