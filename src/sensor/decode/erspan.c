/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/decode/decode_priv.h"

enum { ERSPAN_VERSION_2 = 1 };

static bool erspan(struct decode_state *s, struct slice bytes)
{
	struct packet *p = s->p;
	struct cursor c = cursor_of(bytes);
	uint16_t version_vlan = cursor_be16(&c), vlan = version_vlan & 0x0fff;

	(void)cursor_take(&c, 6); /* session, port index */
	if (!cursor_ok(&c)) {
		packet_anomaly(p, ERSPAN_HEADER_TOO_SMALL);
		return false;
	}
	if (version_vlan >> 12 != ERSPAN_VERSION_2) {
		packet_anomaly(p, ERSPAN_UNSUPPORTED_VERSION);
		return false;
	}
	if (vlan != 0 && p->vlans == PACKET_VLANS_MAX) {
		packet_anomaly(p, ERSPAN_TOO_MANY_VLAN_LAYERS);
		return false;
	}
	if (vlan != 0)
		p->vlan[p->vlans++] = vlan;
	return decode_next(s, DECODE_ETHER, ETHER_BRIDGED, cursor_take(&c, cursor_left(&c))) ==
	       DECODE_DONE;
}

DECODER(erspan) = {
	.name = "erspan",
	.spec = "draft-foschiano-erspan-03 4.2, type II; type I is a plain Ethernet frame in GRE",
	.keys = {{DECODE_ETHER, ETHER_ERSPAN_2}},
	.decode = erspan,
};
