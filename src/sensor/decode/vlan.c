/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/decode/decode_priv.h"

static void vlan(struct decode_state *s, struct slice bytes)
{
	struct cursor c = cursor_of(bytes);
	uint16_t tag = cursor_be16(&c), type = cursor_be16(&c);

	if (!cursor_ok(&c)) {
		packet_anomaly(s->p, VLAN_HEADER_TOO_SMALL);
		return;
	}
	if (s->p->vlans == PACKET_VLANS_MAX) {
		packet_anomaly(s->p, VLAN_TOO_MANY_LAYERS);
		return;
	}
	s->p->vlan[s->p->vlans++] = tag & 0x0fff;
	if (!decode_next(s, DECODE_ETHER, type, cursor_take(&c, cursor_left(&c))) &&
	    type != ETHER_ARP)
		packet_anomaly(s->p, VLAN_UNKNOWN_TYPE);
}

DECODER(vlan) = {
	.name = "vlan",
	.spec = "IEEE 802.1Q",
	.keys = {{DECODE_ETHER, 0x8100},
		 {DECODE_ETHER, 0x88a8},
		 {DECODE_ETHER, 0x9100},
		 {DECODE_ETHER, 0x9200},
		 {DECODE_ETHER, 0x9300}},
	.decode = vlan,
};
