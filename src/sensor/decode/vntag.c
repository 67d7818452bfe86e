/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/decode/decode_priv.h"

static bool vntag(struct decode_state *s, struct slice bytes)
{
	struct cursor c = cursor_of(bytes);
	uint16_t type;

	(void)cursor_take(&c, 4);
	type = cursor_be16(&c);
	if (!cursor_ok(&c))
		return decode_broken(s, VNTAG_HEADER_TOO_SMALL);
	if (!decode_ether_type(s, type, cursor_take(&c, cursor_left(&c))))
		return decode_broken(s, VNTAG_UNKNOWN_TYPE);
	return true;
}

DECODER(vntag) = {
	.name = "vntag",
	.spec = "IEEE 802.1Qbh draft; Cisco VN-Tag",
	.keys = {{DECODE_ETHER, 0x8926}},
	.decode = vntag,
};
