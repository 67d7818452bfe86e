/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/decode/decode_priv.h"

enum { UDP_HEADER = 8 };

static bool udp(struct decode_state *s, struct slice bytes)
{
	struct cursor c = cursor_of(bytes);
	uint16_t sport = cursor_be16(&c), dport = cursor_be16(&c), len = cursor_be16(&c);

	(void)cursor_be16(&c); /* checksum: packet_checksum_l4() */
	if (!cursor_ok(&c))
		return decode_broken(s, UDP_HLEN_TOO_SMALL);
	if (len > bytes.len)
		return decode_broken(s, UDP_PKT_TOO_SMALL);
	if (len < UDP_HEADER)
		return decode_broken(s, UDP_LEN_INVALID);
	s->p->sport = sport;
	s->p->dport = dport;
	s->p->l4_header = slice_part(bytes, 0, UDP_HEADER);
	s->p->payload = slice_part(bytes, UDP_HEADER, (size_t)len - UDP_HEADER);
	(void)decode_udp_tunnel(s, sport, dport, s->p->payload); /* mostly: none */
	return true;
}

DECODER(udp) = {
	.name = "udp",
	.spec = "RFC 768",
	.keys = {{DECODE_IP, IP_PROTO_UDP}},
	.leaf = true,
	.decode = udp,
};
