/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/decode/decode_priv.h"

static bool etag(struct decode_state *s, struct slice bytes)
{
	struct cursor c = cursor_of(bytes);
	uint16_t type;

	(void)cursor_take(&c, 6);
	type = cursor_be16(&c);
	if (!cursor_ok(&c))
		return decode_broken(s, ETAG_HEADER_TOO_SMALL);
	if (!decode_ether_type(s, type, cursor_take(&c, cursor_left(&c))))
		return decode_broken(s, ETAG_UNKNOWN_TYPE);
	return true;
}

DECODER(etag) = {
	.name = "etag",
	.spec = "IEEE 802.1BR 12",
	.keys = {{DECODE_ETHER, 0x893f}},
	.decode = etag,
};
