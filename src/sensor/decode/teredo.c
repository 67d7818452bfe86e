/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/decode/decode_priv.h"

enum { IPV6_HEADER = 40 };

/* Behind an authentication and an origin indication, both optional (RFC 4380 5.1.1); bytes.len if
 * one is cut short. */
static size_t ipv6_at(struct slice bytes)
{
	struct cursor c = cursor_of(bytes);

	if (slice_starts(bytes, SLICE("\0\1"))) {
		size_t id, auth;

		(void)cursor_be16(&c);
		id = cursor_u8(&c);
		auth = cursor_u8(&c);
		(void)cursor_take(&c, id + auth + 9); /* + nonce and confirmation */
	}
	if (slice_starts(slice_from(bytes, bytes.len - cursor_left(&c)), SLICE("\0\0")))
		(void)cursor_take(&c, 8);
	return bytes.len - cursor_left(&c);
}

/* Exactly one IPv6 packet: anything else on this port is not Teredo. */
static bool teredo(struct decode_state *s, struct slice bytes)
{
	struct slice inside = slice_from(bytes, ipv6_at(bytes));
	struct cursor c = cursor_of(inside);
	uint32_t first = cursor_be32(&c);
	uint16_t payload = cursor_be16(&c);

	if (inside.len < IPV6_HEADER || first >> 28 != 6 || payload != inside.len - IPV6_HEADER)
		return false;
	return decode_tunnel(s, PACKET_IN_TEREDO, DECODE_ETHER, ETHER_IPV6, inside);
}

DECODER(teredo) = {
	.name = "teredo",
	.spec = "RFC 4380",
	.keys = {{DECODE_UDP, DECODE_TEREDO}},
	.udp_port = 3544,
	.decode = teredo,
};
