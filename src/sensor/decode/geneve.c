/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/decode/decode_priv.h"

enum { GENEVE_HEADER = 8 };

/* The options fill the header exactly: RFC 8926 3.5. */
static bool options_fit(struct cursor c)
{
	while (cursor_left(&c) > 0) {
		(void)cursor_take(&c, 3); /* class, type */
		(void)cursor_take(&c, (cursor_u8(&c) & 0x1fu) * 4);
		if (!cursor_ok(&c))
			return false;
	}
	return true;
}

/* Version 0, reserved bits zero, options that fit: RFC 8926 3.4. */
static bool geneve(struct decode_state *s, struct slice bytes)
{
	struct cursor c = cursor_of(bytes);
	uint8_t first = cursor_u8(&c), flags = cursor_u8(&c), reserved;
	uint16_t type = cursor_be16(&c);
	struct slice rest;

	(void)cursor_take(&c, 3); /* network */
	reserved = cursor_u8(&c);
	if (!cursor_ok(&c) || first >> 6 != 0 || (flags & 0x3f) != 0 || reserved != 0 ||
	    !options_fit(cursor_sub(&c, (first & 0x3fu) * 4)) || !cursor_ok(&c))
		return false;
	rest = cursor_take(&c, cursor_left(&c));
	if (type == ETHER_IPV4 || type == ETHER_IPV6 || type == ETHER_BRIDGED)
		(void)decode_tunnel(s, PACKET_IN_GENEVE, DECODE_ETHER, type, rest); /* or empty */
	else if (type != ETHER_ARP)
		(void)decode_broken(s, GENEVE_UNKNOWN_PAYLOAD_TYPE);
	return true;
}

DECODER(geneve) = {
	.name = "geneve",
	.spec = "RFC 8926",
	.keys = {{DECODE_UDP, DECODE_GENEVE}},
	.udp_port = 6081,
	.decode = geneve,
};
