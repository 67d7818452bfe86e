/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/decode/decode_priv.h"

enum { ERSPAN_VERSION_2 = 1 };

static void erspan(struct decode_state *s, struct slice bytes)
{
	struct cursor c = cursor_of(bytes);
	uint16_t version_vlan = cursor_be16(&c);

	(void)cursor_take(&c, 6); /* session, port index */
	if (!cursor_ok(&c)) {
		packet_anomaly(s->p, ERSPAN_HEADER_TOO_SMALL);
		return;
	}
	if (version_vlan >> 12 != ERSPAN_VERSION_2) {
		packet_anomaly(s->p, ERSPAN_UNSUPPORTED_VERSION);
		return;
	}
	(void)decode_next(s, DECODE_ETHER, ETHER_BRIDGED, cursor_take(&c, cursor_left(&c)));
}

DECODER(erspan) = {
	.name = "erspan",
	.spec = "draft-foschiano-erspan-03 4.2, type II",
	.keys = {{DECODE_ETHER, 0x88be}},
	.decode = erspan,
};
