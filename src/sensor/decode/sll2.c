/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/decode/decode_priv.h"

static bool sll2(struct decode_state *s, struct slice bytes)
{
	struct cursor c = cursor_of(bytes);
	uint16_t type = cursor_be16(&c);

	(void)cursor_take(&c, 18); /* reserved, interface, ARPHRD, packet type, address */
	if (!cursor_ok(&c))
		return decode_broken(s, SLL2_PKT_TOO_SMALL);
	(void)decode_ether_type(s, type, cursor_take(&c, cursor_left(&c))); /* still a frame */
	return true;
}

DECODER(sll2) = {
	.name = "sll2",
	.spec = "LINKTYPE_LINUX_SLL2",
	.keys = {{DECODE_LINK, 276}},
	.decode = sll2,
};
