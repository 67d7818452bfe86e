/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/decode/decode_priv.h"

enum {
	LABEL_IPV4_NULL = 0,
	LABEL_ROUTER_ALERT = 1,
	LABEL_IPV6_NULL = 2,
	LABEL_IMPLICIT_NULL = 3,
	LABEL_RESERVED_MAX = 15, /* of RFC 3032 2.1, as Suricata counts them */
};

/* What follows the last label is not named; routers guess by the first four bits (RFC 4928). */
static void below(struct decode_state *s, uint32_t label, struct cursor *c)
{
	struct slice rest = cursor_take(c, cursor_left(c));
	unsigned nibble;

	if (rest.len == 0) {
		packet_anomaly(s->p, MPLS_PKT_TOO_SMALL);
		return;
	}
	nibble = rest.ptr[0] >> 4;
	switch (label) {
	case LABEL_ROUTER_ALERT:
		packet_anomaly(s->p, MPLS_BAD_LABEL_ROUTER_ALERT);
		break;
	case LABEL_IMPLICIT_NULL:
		packet_anomaly(s->p, MPLS_BAD_LABEL_IMPLICIT_NULL);
		break;
	case LABEL_IPV4_NULL:
	case LABEL_IPV6_NULL:
		nibble = label == LABEL_IPV4_NULL ? 4 : 6;
		break;
	default:
		if (label <= LABEL_RESERVED_MAX)
			packet_anomaly(s->p, MPLS_BAD_LABEL_RESERVED);
		break;
	}
	if (nibble == 4)
		(void)decode_next(s, DECODE_ETHER, ETHER_IPV4, rest); /* always known */
	else if (nibble == 6)
		(void)decode_next(s, DECODE_ETHER, ETHER_IPV6, rest);
	else if (nibble == 0) /* a pseudowire's control word, RFC 4385 3 */
		(void)decode_next(s, DECODE_ETHER, ETHER_BRIDGED, slice_from(rest, 4));
	else
		packet_anomaly(s->p, MPLS_UNKNOWN_PAYLOAD_TYPE);
}

static void mpls(struct decode_state *s, struct slice bytes)
{
	struct cursor c = cursor_of(bytes);
	uint32_t entry;

	do {
		entry = cursor_be32(&c);
	} while (cursor_ok(&c) && (entry & 0x100) == 0); /* until the bottom of the stack */
	if (!cursor_ok(&c))
		packet_anomaly(s->p, MPLS_HEADER_TOO_SMALL);
	else
		below(s, entry >> 12, &c);
}

DECODER(mpls) = {
	.name = "mpls",
	.spec = "RFC 3032",
	.keys = {{DECODE_ETHER, 0x8847}, {DECODE_ETHER, 0x8848}, {DECODE_PPP, 0x0281}},
	.decode = mpls,
};
