/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/decode/decode_priv.h"

enum { VXLAN_HEADER = 8 };

/* Only the I flag set, and the reserved bytes zero: RFC 7348 5. */
static bool vxlan_probe(struct slice bytes)
{
	return bytes.len > VXLAN_HEADER && slice_starts(bytes, SLICE("\x08\0\0\0")) &&
	       bytes.ptr[7] == 0;
}

static void vxlan(struct decode_state *s, struct slice bytes)
{
	(void)decode_next(s, DECODE_ETHER, ETHER_BRIDGED, slice_from(bytes, VXLAN_HEADER));
}

DECODER(vxlan) = {
	.name = "vxlan",
	.spec = "RFC 7348",
	.keys = {{DECODE_UDP, 4789}},
	.probe = vxlan_probe,
	.decode = vxlan,
};
