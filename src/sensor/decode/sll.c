/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/decode/decode_priv.h"

static bool sll(struct decode_state *s, struct slice bytes)
{
	struct cursor c = cursor_of(bytes);
	uint16_t type;

	(void)cursor_take(&c, 14); /* packet type, ARPHRD, address length, address */
	type = cursor_be16(&c);
	if (!cursor_ok(&c))
		return decode_broken(s, SLL_PKT_TOO_SMALL);
	(void)decode_ether_type(s, type, cursor_take(&c, cursor_left(&c))); /* still a frame */
	return true;
}

DECODER(sll) = {
	.name = "sll",
	.spec = "LINKTYPE_LINUX_SLL",
	.keys = {{DECODE_LINK, 113}},
	.decode = sll,
};
