/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/decode/decode_priv.h"

/* A backbone frame's tag (I-TAG): flags and service, then the customer's Ethernet header. */
static bool pbb(struct decode_state *s, struct slice bytes)
{
	struct cursor c = cursor_of(bytes);
	uint16_t type;

	(void)cursor_take(&c, 4 + 12);
	type = cursor_be16(&c);
	if (!cursor_ok(&c))
		return decode_broken(s, IEEE8021AH_HEADER_TOO_SMALL);
	(void)decode_ether_type(s, type, cursor_take(&c, cursor_left(&c))); /* still a frame */
	return true;
}

DECODER(pbb) = {
	.name = "pbb",
	.spec = "IEEE 802.1ah",
	.keys = {{DECODE_ETHER, 0x88e7}},
	.decode = pbb,
};
