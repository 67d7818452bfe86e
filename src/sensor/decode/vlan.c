/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/decode/decode_priv.h"

static bool vlan(struct decode_state *s, struct slice bytes)
{
	struct cursor c = cursor_of(bytes);
	uint16_t tag = cursor_be16(&c), type = cursor_be16(&c);

	if (s->p->vlans == PACKET_VLANS_MAX) {
		packet_anomaly(s->p, VLAN_TOO_MANY_LAYERS);
		return false;
	}
	if (!cursor_ok(&c))
		return decode_broken(s, VLAN_HEADER_TOO_SMALL);
	s->p->vlan[s->p->vlans++] = tag & 0x0fff;
	if (!decode_ether_type(s, type, cursor_take(&c, cursor_left(&c))))
		return decode_broken(s, VLAN_UNKNOWN_TYPE);
	return true;
}

DECODER(vlan) = {
	.name = "vlan",
	.spec = "IEEE 802.1Q",
	.keys = {{DECODE_ETHER, ETHER_VLAN}, {DECODE_ETHER, 0x88a8}, {DECODE_ETHER, 0x9100}},
	.decode = vlan,
};
