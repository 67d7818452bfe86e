/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/decode/decode_priv.h"

enum { /* of the first two bytes */
       GRE_CHECKSUM = 0x8000,
       GRE_ROUTING = 0x4000,
       GRE_KEY = 0x2000,
       GRE_SEQUENCE = 0x1000,
       GRE_STRICT = 0x0800,
       GRE_RECURSION = 0x0700,
       GRE_ACK = 0x0080, /* version 1 only */
       GRE_VERSION = 0x0007,
};

/* Source routes, RFC 1701. */
static bool routes(struct cursor *c)
{
	for (;;) {
		uint16_t family = cursor_be16(c);
		uint8_t len;

		(void)cursor_u8(c); /* offset */
		len = cursor_u8(c);
		if (cursor_ok(c) && family == 0 && len == 0)
			return true;
		(void)cursor_take(c, len);
		if (!cursor_ok(c))
			return false;
	}
}

static bool version0(struct decode_state *s, uint16_t flags, struct cursor *c)
{
	if ((flags & GRE_RECURSION) != 0)
		return decode_broken(s, GRE_VERSION0_RECUR);
	if ((flags & 0x00f8) != 0)
		return decode_broken(s, GRE_VERSION0_FLAGS);
	if ((flags & (GRE_CHECKSUM | GRE_ROUTING)) != 0)
		(void)cursor_take(c, 4);
	if ((flags & GRE_KEY) != 0)
		(void)cursor_take(c, 4);
	if ((flags & GRE_SEQUENCE) != 0)
		(void)cursor_take(c, 4);
	if (!cursor_ok(c))
		return decode_broken(s, GRE_VERSION0_HDR_TOO_BIG);
	if ((flags & GRE_ROUTING) != 0 && !routes(c))
		return decode_broken(s, GRE_VERSION0_MALFORMED_SRE_HDR);
	return true;
}

/* The enhanced form of PPTP, RFC 2637 4.1. */
static bool version1(struct decode_state *s, uint16_t flags, uint16_t type, struct cursor *c)
{
	static const struct {
		uint16_t bits;
		enum decode_anomaly anomaly;
	} forbidden[] = {
		{GRE_CHECKSUM, GRE_VERSION1_CHKSUM}, {GRE_ROUTING, GRE_VERSION1_ROUTE},
		{GRE_STRICT, GRE_VERSION1_SSR},	     {GRE_RECURSION, GRE_VERSION1_RECUR},
		{0x0078, GRE_VERSION1_FLAGS},
	};

	for (size_t i = 0; i < sizeof forbidden / sizeof forbidden[0]; i++)
		if ((flags & forbidden[i].bits) != 0)
			return decode_broken(s, forbidden[i].anomaly);
	if (type != ETHER_PPP)
		return decode_broken(s, GRE_VERSION1_WRONG_PROTOCOL);
	if ((flags & GRE_KEY) == 0)
		return decode_broken(s, GRE_VERSION1_NO_KEY);
	(void)cursor_take(c, 4u + ((flags & GRE_SEQUENCE) != 0 ? 4u : 0u) +
				     ((flags & GRE_ACK) != 0 ? 4u : 0u));
	if (!cursor_ok(c))
		return decode_broken(s, GRE_VERSION1_HDR_TOO_BIG);
	return cursor_left(c) > 0; /* else a bare acknowledgement */
}

static void inside(struct decode_state *s, uint16_t flags, uint16_t type, struct slice bytes)
{
	switch (type) {
	case ETHER_ERSPAN_2:
		if ((flags & GRE_SEQUENCE) == 0) /* type I has no sequence number, and no header */
			type = ETHER_BRIDGED;
		break;
	case ETHER_IPV4:
	case ETHER_IPV6:
	case ETHER_PPP:
	case ETHER_VLAN:
	case ETHER_BRIDGED:
	case ETHER_ARP:
		break;
	default:
		return;
	}
	(void)decode_tunnel(s, PACKET_IN_GRE, DECODE_ETHER, type, bytes); /* or the outer only */
}

static bool gre(struct decode_state *s, struct slice bytes)
{
	struct cursor c = cursor_of(bytes);
	uint16_t flags = cursor_be16(&c), type = cursor_be16(&c);
	bool right;

	s->p->flowless = true;
	if (!cursor_ok(&c))
		return decode_broken(s, GRE_PKT_TOO_SMALL);
	if ((flags & GRE_VERSION) > 1) {
		(void)decode_broken(s, GRE_WRONG_VERSION);
		return true;
	}
	right = (flags & GRE_VERSION) == 0 ? version0(s, flags, &c) : version1(s, flags, type, &c);
	if (right)
		inside(s, flags, type, cursor_take(&c, cursor_left(&c)));
	return true;
}

DECODER(gre) = {
	.name = "gre",
	.spec = "RFC 2784, RFC 2890, RFC 1701; RFC 2637 4.1",
	.keys = {{DECODE_IP, 47}},
	.decode = gre,
};
