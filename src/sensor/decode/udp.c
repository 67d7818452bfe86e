/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/decode/decode_priv.h"

enum { UDP_HEADER = 8 };

static void udp(struct decode_state *s, struct slice bytes)
{
	struct cursor c = cursor_of(bytes);
	uint16_t sport = cursor_be16(&c), dport = cursor_be16(&c), len = cursor_be16(&c);

	(void)cursor_be16(&c); /* checksum: not looked at */
	if (!cursor_ok(&c) || len > bytes.len) {
		decode_broken(s, UDP_PKT_TOO_SMALL);
		return;
	}
	if (len < UDP_HEADER) {
		decode_broken(s, UDP_LEN_INVALID);
		return;
	}
	s->p->sport = sport;
	s->p->dport = dport;
	s->p->l4_header = slice_part(bytes, 0, UDP_HEADER);
	s->p->payload = slice_part(bytes, UDP_HEADER, (size_t)len - UDP_HEADER);
	if (!decode_next(s, DECODE_UDP, dport, s->p->payload))
		(void)decode_next(s, DECODE_UDP, sport, s->p->payload); /* mostly: no tunnel */
}

DECODER(udp) = {
	.name = "udp",
	.spec = "RFC 768",
	.keys = {{DECODE_IP, IP_PROTO_UDP}},
	.decode = udp,
};
