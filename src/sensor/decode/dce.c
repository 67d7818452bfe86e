/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/decode/decode_priv.h"

/* Cisco's fabric path: two bytes, then another Ethernet header. */
static bool dce(struct decode_state *s, struct slice bytes)
{
	if (bytes.len < 14) /* as Suricata counts it */
		return decode_broken(s, DCE_PKT_TOO_SMALL);
	return decode_next(s, DECODE_ETHER, ETHER_BRIDGED, slice_from(bytes, 2)) == DECODE_DONE;
}

DECODER(dce) = {
	.name = "dce",
	.spec = "Cisco FabricPath",
	.keys = {{DECODE_ETHER, 0x8903}},
	.decode = dce,
};
