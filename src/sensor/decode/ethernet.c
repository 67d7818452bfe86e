/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/decode/decode_priv.h"

enum { ETHERNET_HEADER = 14 };

static bool ethernet(struct decode_state *s, struct slice bytes)
{
	struct cursor c = cursor_of(bytes);
	uint16_t type;

	(void)cursor_take(&c, 12); /* destination, source */
	type = cursor_be16(&c);
	if (!cursor_ok(&c))
		return decode_broken(s, ETHERNET_PKT_TOO_SMALL);
	s->p->ether = slice_part(bytes, 0, ETHERNET_HEADER);
	(void)decode_ether_type(s, type, cursor_take(&c, cursor_left(&c))); /* still a frame */
	return true;
}

DECODER(ethernet) = {
	.name = "ethernet",
	.spec = "IEEE 802.3",
	.keys = {{DECODE_LINK, 1}, {DECODE_ETHER, ETHER_BRIDGED}},
	.decode = ethernet,
};
