/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/decode/decode_priv.h"

enum { ETHER_TYPE_LEAST = 0x0600 }; /* below: a length, and no type (IEEE 802.3 3.2.6) */

static void ethernet(struct decode_state *s, struct slice bytes)
{
	struct cursor c = cursor_of(bytes);
	uint16_t type;

	(void)cursor_take(&c, 12);
	type = cursor_be16(&c);
	if (!cursor_ok(&c)) {
		packet_anomaly(s->p, ETHERNET_PKT_TOO_SMALL);
		return;
	}
	if (!decode_next(s, DECODE_ETHER, type, cursor_take(&c, cursor_left(&c))) &&
	    type >= ETHER_TYPE_LEAST && type != ETHER_ARP)
		packet_anomaly(s->p, ETHERNET_UNKNOWN_ETHERTYPE);
}

DECODER(ethernet) = {
	.name = "ethernet",
	.spec = "IEEE 802.3",
	.keys = {{DECODE_LINK, 1}, {DECODE_ETHER, ETHER_BRIDGED}},
	.network = true,
	.decode = ethernet,
};
