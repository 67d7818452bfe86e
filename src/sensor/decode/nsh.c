/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/decode/decode_priv.h"

enum {
	NSH_BASE = 8,
	NSH_MD1_BYTES = 24,
	NSH_MD_RESERVED = 0,
	NSH_MD_1 = 1,
	NSH_MD_2 = 2,
	NSH_MD_EXPERIMENT = 15,

	NEXT_IPV4 = 1,
	NEXT_IPV6 = 2,
	NEXT_ETHERNET = 3,
	NEXT_MPLS = 5,
};

static bool next(struct decode_state *s, uint8_t protocol, struct slice bytes)
{
	uint16_t type = 0;

	switch (protocol) {
	case NEXT_IPV4:
		type = ETHER_IPV4;
		break;
	case NEXT_IPV6:
		type = ETHER_IPV6;
		break;
	case NEXT_ETHERNET:
		type = ETHER_BRIDGED;
		break;
	case NEXT_MPLS:
		type = ETHER_MPLS;
		break;
	default:
		packet_anomaly(s->p, NSH_UNKNOWN_PAYLOAD);
		return true;
	}
	return decode_next(s, DECODE_ETHER, type, bytes) == DECODE_DONE;
}

static bool nsh(struct decode_state *s, struct slice bytes)
{
	struct cursor c = cursor_of(bytes);
	uint16_t first = cursor_be16(&c);
	uint8_t md = cursor_u8(&c) & 0x0f, protocol = cursor_u8(&c);
	size_t header = (first & 0x3fu) * 4;

	if (bytes.len < NSH_BASE)
		return decode_broken(s, NSH_HEADER_TOO_SMALL);
	if (first >> 14 != 0) {
		packet_anomaly(s->p, NSH_UNSUPPORTED_VERSION);
		return true;
	}
	if (header >= bytes.len || (md == NSH_MD_1 && header != NSH_MD1_BYTES))
		return decode_broken(s, NSH_BAD_HEADER_LENGTH);
	if (md == NSH_MD_RESERVED || md == NSH_MD_EXPERIMENT) {
		packet_anomaly(s->p, NSH_RESERVED_TYPE);
		return true;
	}
	if (md != NSH_MD_1 && md != NSH_MD_2) {
		packet_anomaly(s->p, NSH_UNSUPPORTED_TYPE);
		return true;
	}
	return next(s, protocol, slice_from(bytes, header));
}

DECODER(nsh) = {
	.name = "nsh",
	.spec = "RFC 8300 2",
	.keys = {{DECODE_ETHER, 0x894f}},
	.decode = nsh,
};
