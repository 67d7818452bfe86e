/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/decode/decode_priv.h"

static bool raw(struct decode_state *s, struct slice bytes)
{
	struct cursor c = cursor_of(bytes);

	switch (cursor_u8(&c) >> 4) {
	case 4:
		return decode_next(s, DECODE_ETHER, ETHER_IPV4, bytes) == DECODE_DONE;
	case 6:
		return decode_next(s, DECODE_ETHER, ETHER_IPV6, bytes) == DECODE_DONE;
	default:
		packet_anomaly(s->p, IPRAW_INVALID_IP_VERSION);
		return false;
	}
}

DECODER(raw) = {
	.name = "raw",
	.spec = "LINKTYPE_RAW, _IPV4, _IPV6; 12 and 14 are DLT_RAW as BSDs number it; "
		"778 DLT_GRE_OVER_IP",
	.keys = {{DECODE_LINK, 12},
		 {DECODE_LINK, 14},
		 {DECODE_LINK, 101},
		 {DECODE_LINK, 228},
		 {DECODE_LINK, 229},
		 {DECODE_LINK, 778}},
	.decode = raw,
};
