/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/decode/decode_priv.h"

static bool chdlc(struct decode_state *s, struct slice bytes)
{
	struct cursor c = cursor_of(bytes);
	uint16_t type;

	(void)cursor_take(&c, 2); /* address, control */
	type = cursor_be16(&c);
	if (!cursor_ok(&c))
		return decode_broken(s, CHDLC_PKT_TOO_SMALL);
	(void)decode_ether_type(s, type, cursor_take(&c, cursor_left(&c))); /* still a frame */
	return true;
}

DECODER(chdlc) = {
	.name = "chdlc",
	.spec = "LINKTYPE_C_HDLC; RFC 1547 4.3",
	.keys = {{DECODE_LINK, 104}},
	.decode = chdlc,
};
