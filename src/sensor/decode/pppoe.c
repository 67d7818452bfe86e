/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/decode/decode_priv.h"

static void pppoe(struct decode_state *s, struct slice bytes)
{
	struct cursor c = cursor_of(bytes);
	uint8_t code;
	uint16_t len, proto;

	(void)cursor_u8(&c); /* version and type */
	code = cursor_u8(&c);
	(void)cursor_be16(&c); /* session */
	len = cursor_be16(&c);
	proto = cursor_be16(&c);
	if (!cursor_ok(&c) || len < 2) {
		packet_anomaly(s->p, PPPOE_PKT_TOO_SMALL);
		return;
	}
	if (code != 0) {
		packet_anomaly(s->p, PPPOE_WRONG_CODE);
		return;
	}
	/* The frame may be padded, and the capture may be cut: the shorter one holds. */
	if (!decode_next(s, DECODE_PPP, proto, slice_part(slice_from(bytes, 8), 0, len - 2u)))
		packet_anomaly(s->p, PPP_UNSUP_PROTO);
}

DECODER(pppoe) = {
	.name = "pppoe",
	.spec = "RFC 2516 4, session stage",
	.keys = {{DECODE_ETHER, 0x8864}},
	.decode = pppoe,
};
