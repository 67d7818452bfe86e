/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/decode/decode_priv.h"

enum { PADI = 0x09, PADO = 0x07, PADR = 0x19, PADS = 0x65, PADT = 0xa7 };

static bool discovery(struct decode_state *s, struct slice bytes)
{
	struct cursor c = cursor_of(bytes);
	uint8_t code;
	uint16_t len;

	(void)cursor_u8(&c); /* version and type */
	code = cursor_u8(&c);
	(void)cursor_be16(&c); /* session */
	len = cursor_be16(&c);
	if (!cursor_ok(&c))
		return decode_broken(s, PPPOE_PKT_TOO_SMALL);
	if (code != PADI && code != PADO && code != PADR && code != PADS && code != PADT)
		return decode_broken(s, PPPOE_WRONG_CODE);
	if (len > cursor_left(&c))
		return decode_broken(s, PPPOE_MALFORMED_TAGS);
	return true; /* its tags say nothing about packets of users */
}

DECODER(pppoe_discovery) = {
	.name = "pppoe_discovery",
	.spec = "RFC 2516 5",
	.keys = {{DECODE_ETHER, 0x8863}},
	.decode = discovery,
};
