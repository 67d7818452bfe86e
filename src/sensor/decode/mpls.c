/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/decode/decode_priv.h"

enum {
	LABEL_IPV4_NULL = 0,
	LABEL_ROUTER_ALERT = 1,
	LABEL_IPV6_NULL = 2,
	LABEL_IMPLICIT_NULL = 3,
	LABEL_RESERVED_MOST = 14, /* of RFC 3032 2.1's fifteen: as Suricata counts them */
	CONTROL_WORD = 4,
};

/* What follows the last label is not named; routers guess by the first four bits (RFC 4928). */
static bool below(struct decode_state *s, struct slice rest)
{
	if (rest.len < CONTROL_WORD)
		return decode_broken(s, MPLS_PKT_TOO_SMALL);
	switch (rest.ptr[0] >> 4) {
	case 4:
		(void)decode_next(s, DECODE_ETHER, ETHER_IPV4, rest);
		return true;
	case 6:
		(void)decode_next(s, DECODE_ETHER, ETHER_IPV6, rest);
		return true;
	case 0: /* a pseudowire's control word, RFC 4385 3 */
		(void)decode_next(s, DECODE_ETHER, ETHER_BRIDGED, slice_from(rest, CONTROL_WORD));
		return true;
	default:
		(void)decode_broken(s, MPLS_UNKNOWN_PAYLOAD_TYPE);
		return true;
	}
}

static bool mpls(struct decode_state *s, struct slice bytes)
{
	struct cursor c = cursor_of(bytes);
	struct slice rest;
	uint32_t entry;

	do {
		entry = cursor_be32(&c);
	} while (cursor_ok(&c) && (entry & 0x100) == 0); /* until the bottom of the stack */
	if (!cursor_ok(&c))
		return decode_broken(s, MPLS_HEADER_TOO_SMALL);
	rest = cursor_take(&c, cursor_left(&c));
	switch (entry >> 12) {
	case LABEL_IPV4_NULL:
		return decode_next(s, DECODE_ETHER, ETHER_IPV4, rest) == DECODE_DONE;
	case LABEL_IPV6_NULL:
		return decode_next(s, DECODE_ETHER, ETHER_IPV6, rest) == DECODE_DONE;
	case LABEL_ROUTER_ALERT:
		packet_anomaly(s->p, MPLS_BAD_LABEL_ROUTER_ALERT);
		return true;
	case LABEL_IMPLICIT_NULL:
		packet_anomaly(s->p, MPLS_BAD_LABEL_IMPLICIT_NULL);
		return true;
	default:
		if (entry >> 12 > LABEL_RESERVED_MOST)
			return below(s, rest);
		packet_anomaly(s->p, MPLS_BAD_LABEL_RESERVED);
		return true;
	}
}

DECODER(mpls) = {
	.name = "mpls",
	.spec = "RFC 3032",
	.keys = {{DECODE_ETHER, ETHER_MPLS}, {DECODE_ETHER, 0x8848}},
	.decode = mpls,
};
