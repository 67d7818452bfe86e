/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/decode/decode_priv.h"

enum { SCTP_HEADER = 12 };

static bool sctp(struct decode_state *s, struct slice bytes)
{
	struct cursor c = cursor_of(bytes);
	uint16_t sport = cursor_be16(&c), dport = cursor_be16(&c);

	(void)cursor_take(&c, 8); /* verification tag, checksum */
	if (!cursor_ok(&c))
		return decode_broken(s, SCTP_PKT_TOO_SMALL);
	s->p->sport = sport;
	s->p->dport = dport;
	s->p->l4_header = slice_part(bytes, 0, SCTP_HEADER);
	s->p->payload = cursor_take(&c, cursor_left(&c));
	return true;
}

DECODER(sctp) = {
	.name = "sctp",
	.spec = "RFC 9260 3.1",
	.keys = {{DECODE_IP, IP_PROTO_SCTP}},
	.leaf = true,
	.decode = sctp,
};
