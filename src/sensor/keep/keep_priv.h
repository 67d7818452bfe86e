/* SPDX-License-Identifier: Apache-2.0
 *
 * keep_priv.h - numbers of pcapng (draft-ietf-opsawg-pcapng 3.5, 4.1 to 4.6) and our words in it.
 */
#ifndef DEW_SENSOR_KEEP_PRIV_H
#define DEW_SENSOR_KEEP_PRIV_H

#include "base/buf.h"
#include "base/cursor.h"
#include "sensor/keep/keep.h"

enum {
	KEEP_BLOCK_SECTION = 0x0a0d0d0a,
	KEEP_BLOCK_INTERFACE = 1,
	KEEP_BLOCK_COUNTS = 5,
	KEEP_BLOCK_PACKET = 6,
	KEEP_BLOCK_LEAST = 12, /* bytes: type and two lengths */
	KEEP_ORDER_MAGIC = 0x1a2b3c4d,
	KEEP_OPT_END = 0,
	KEEP_OPT_COMMENT = 1,
	KEEP_SHB_USERAPPL = 4,
	KEEP_IF_NAME = 2,
	KEEP_IF_TSRESOL = 9,
	KEEP_EPB_HASH = 3,
	KEEP_EPB_DROPCOUNT = 4,
	KEEP_HASH_CRC32 = 2,
	KEEP_ISB_RECEIVED = 4,
	KEEP_ISB_OSDROP = 7,
	KEEP_ISB_USRDELIV = 8,
	KEEP_COMMENT_MAX = 112, /* bytes: four times "flow=" and 20 digits, and "stopped" */
};

#define KEEP_HEAD_WORDS "dewline packets 1 "
#define KEEP_FLOW_WORD "flow="
#define KEEP_STOPPED_WORD "stopped"

#endif
