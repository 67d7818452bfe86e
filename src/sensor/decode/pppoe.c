/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/decode/decode_priv.h"

enum { PPPOE_HEADER = 6 };

static bool session(struct decode_state *s, struct slice bytes)
{
	struct cursor c = cursor_of(bytes);
	uint16_t len;

	(void)cursor_take(&c, 4); /* version and type, code, session */
	len = cursor_be16(&c);
	(void)cursor_u8(&c); /* at least a compressed protocol number */
	if (!cursor_ok(&c))
		return decode_broken(s, PPPOE_PKT_TOO_SMALL);
	if (len == 0)
		return true;
	/* The frame may be padded, and the capture may be cut: the shorter one holds. */
	return decode_next(s, DECODE_PPP, 0, slice_part(slice_from(bytes, PPPOE_HEADER), 0, len)) ==
	       DECODE_DONE;
}

DECODER(pppoe) = {
	.name = "pppoe",
	.spec = "RFC 2516 4, session stage",
	.keys = {{DECODE_ETHER, 0x8864}},
	.decode = session,
};
