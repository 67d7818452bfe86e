/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/decode/decode_priv.h"

enum { VXLAN_HEADER = 8, ETHERNET_HEADER = 14, TYPE_AT = 12, FLAG_VNI = 0x08 };

/* RFC 7348 5: the I flag set, all else that is reserved zero; but 802.1ad's group policy
 * (draft-smith-vxlan-group-policy) uses some of it, so only the last byte must be by default. */
static bool vxlan(struct decode_state *s, struct slice bytes)
{
	bool strict = !decode_options_of(s)->vxlan_permissive;
	uint16_t type;

	if (bytes.len < VXLAN_HEADER + ETHERNET_HEADER || (bytes.ptr[0] & FLAG_VNI) == 0 ||
	    (strict && bytes.ptr[7] != 0))
		return false;
	type = (uint16_t)(bytes.ptr[VXLAN_HEADER + TYPE_AT] << 8 |
			  bytes.ptr[VXLAN_HEADER + TYPE_AT + 1]);
	if (type == ETHER_ARP)
		return true;
	if (!decode_knows_ether(s, type)) {
		(void)decode_broken(s, VXLAN_UNKNOWN_PAYLOAD_TYPE);
		return true; /* VXLAN all the same */
	}
	(void)decode_tunnel(s, PACKET_IN_VXLAN, DECODE_ETHER, ETHER_BRIDGED,
			    slice_from(bytes, VXLAN_HEADER));
	return true;
}

DECODER(vxlan) = {
	.name = "vxlan",
	.spec = "RFC 7348",
	.keys = {{DECODE_UDP, DECODE_VXLAN}},
	.udp_port = 4789,
	.decode = vxlan,
};
