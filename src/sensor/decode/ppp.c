/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/decode/decode_priv.h"

/* Control protocols (8000 and up: RFC 1661 2) carry no packets of users. */
enum { PPP_CONTROL_LEAST = 0x8000 };

static void ppp(struct decode_state *s, struct slice bytes)
{
	struct cursor c = cursor_of(bytes);
	uint16_t proto;

	if (slice_starts(bytes, SLICE("\xff\x03"))) /* HDLC framing, RFC 1662 3.1 */
		(void)cursor_take(&c, 2);
	proto = cursor_u8(&c);
	if ((proto & 1) == 0) /* an odd first byte is a compressed number, RFC 1661 6.5 */
		proto = (uint16_t)(proto << 8 | cursor_u8(&c));
	if (!cursor_ok(&c)) {
		packet_anomaly(s->p, PPP_PKT_TOO_SMALL);
		return;
	}
	if (!decode_next(s, DECODE_PPP, proto, cursor_take(&c, cursor_left(&c))))
		packet_anomaly(s->p, proto < PPP_CONTROL_LEAST ? PPP_WRONG_TYPE : PPP_UNSUP_PROTO);
}

DECODER(ppp) = {
	.name = "ppp",
	.spec = "RFC 1661, RFC 1662",
	.keys = {{DECODE_LINK, 9}, {DECODE_LINK, 50}, {DECODE_ETHER, 0x880b}},
	.decode = ppp,
};
