/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/decode/decode_priv.h"

enum { ARP_MINIMUM = 8, ARP_IPV4 = 28, HARDWARE_ETHERNET = 1, OPCODE_MOST = 4 };

static bool arp(struct decode_state *s, struct slice bytes)
{
	struct cursor c = cursor_of(bytes);
	uint16_t hardware = cursor_be16(&c), type = cursor_be16(&c);
	uint8_t hardware_bytes = cursor_u8(&c), protocol_bytes = cursor_u8(&c);
	uint16_t opcode = cursor_be16(&c);

	if (bytes.len < ARP_MINIMUM)
		return decode_broken(s, ARP_PKT_TOO_SMALL);
	if (hardware != HARDWARE_ETHERNET)
		return decode_broken(s, ARP_UNSUPPORTED_HARDWARE);
	if (type != ETHER_IPV4)
		return decode_broken(s, ARP_UNSUPPORTED_PROTOCOL);
	if (bytes.len < ARP_IPV4)
		return decode_broken(s, ARP_INVALID_PKT);
	if (hardware_bytes != 6)
		return decode_broken(s, ARP_INVALID_HARDWARE_SIZE);
	if (protocol_bytes != 4)
		return decode_broken(s, ARP_INVALID_PROTOCOL_SIZE);
	if (opcode == 0 || opcode > OPCODE_MOST)
		return decode_broken(s, ARP_UNSUPPORTED_OPCODE);
	s->p->arp = slice_part(bytes, 0, ARP_IPV4);
	return true;
}

DECODER(arp) = {
	.name = "arp",
	.spec = "RFC 826, RFC 903",
	.keys = {{DECODE_ETHER, ETHER_ARP}},
	.decode = arp,
};
