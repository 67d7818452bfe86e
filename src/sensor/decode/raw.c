/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/decode/decode_priv.h"

static void raw(struct decode_state *s, struct slice bytes)
{
	struct cursor c = cursor_of(bytes);
	uint8_t version = cursor_u8(&c) >> 4;

	if (version == 4)
		(void)decode_next(s, DECODE_ETHER, ETHER_IPV4, bytes); /* always known */
	else if (version == 6)
		(void)decode_next(s, DECODE_ETHER, ETHER_IPV6, bytes);
	else
		packet_anomaly(s->p, IPRAW_INVALID_IP_VERSION);
}

DECODER(raw) = {
	.name = "raw",
	.spec = "LINKTYPE_RAW; 12 and 14 are DLT_RAW as BSDs number it",
	.keys = {{DECODE_LINK, 12}, {DECODE_LINK, 14}, {DECODE_LINK, 101}},
	.decode = raw,
};
