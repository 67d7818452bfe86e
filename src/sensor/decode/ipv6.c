/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/decode/decode_priv.h"

enum {
	IPV6_HEADER = 40,
	NEXT_HEADER_AT = 6,
	EXTENSIONS_MAX = 16,	/* headers; RFC 8200 4.1 knows seven, attackers more */
	UNFRAGMENTED_MAX = 512, /* bytes repeated in front of a rebuilt packet */

	NH_HOPOPTS = 0,
	NH_ROUTING = 43,
	NH_FRAGMENT = 44,
	NH_AH = 51,
	NH_NONE = 59,
	NH_DSTOPTS = 60,
	NH_MOBILITY = 135,
	NH_HIP = 139,
	NH_SHIM6 = 140,

	SEEN_DSTOPTS_TWICE = 32, /* beside the bits of seen_bit() */

	OPT_PAD1 = 0,
	OPT_PADN = 1,
	OPT_ROUTER_ALERT = 5,
	OPT_JUMBO = 0xc2,
	OPT_HOME_ADDRESS = 0xc9,
};

/* The chain of headers as it is walked. */
struct chain {
	struct slice packet; /* from the IPv6 header on, as long as its payload length says */
	struct cursor c;
	size_t next_at; /* where in packet the number of the next header stands */
	uint8_t next;
	uint16_t seen; /* bit of seen_bit() */
};

static unsigned seen_bit(uint8_t header)
{
	switch (header) {
	case NH_HOPOPTS:
		return 1;
	case NH_ROUTING:
		return 2;
	case NH_FRAGMENT:
		return 4;
	case NH_AH:
		return 8;
	case NH_DSTOPTS:
		return 16; /* may stand twice: before a routing header, and last */
	default:
		return 0;
	}
}

static void seen_twice(struct packet *p, uint8_t header)
{
	switch (header) {
	case NH_HOPOPTS:
		packet_anomaly_again(p, IPV6_EXTHDR_DUPL_HH);
		break;
	case NH_ROUTING:
		packet_anomaly_again(p, IPV6_EXTHDR_DUPL_RH);
		break;
	case NH_FRAGMENT:
		packet_anomaly_again(p, IPV6_EXTHDR_DUPL_FH);
		break;
	case NH_AH:
		packet_anomaly_again(p, IPV6_EXTHDR_DUPL_AH);
		break;
	case NH_DSTOPTS:
		packet_anomaly_again(p, IPV6_EXTHDR_DUPL_DH);
		break;
	default:
		break;
	}
}

/* What options must hold at least: RFC 2711, RFC 2675, RFC 6275. */
static size_t option_least(uint8_t type)
{
	switch (type) {
	case OPT_ROUTER_ALERT:
		return 2;
	case OPT_JUMBO:
		return 4;
	case OPT_HOME_ADDRESS:
		return 16;
	default:
		return 0;
	}
}

static void options(struct decode_state *s, struct cursor c, bool hop)
{
	struct packet *p = s->p;
	unsigned real = 0, padding = 0;

	while (cursor_left(&c) > 0) {
		uint8_t type = cursor_u8(&c), len;

		if (type == OPT_PAD1) {
			padding++;
			continue;
		}
		len = cursor_u8(&c);
		(void)cursor_take(&c, len);
		if (!cursor_ok(&c) || len < option_least(type)) {
			(void)decode_broken(s, IPV6_EXTHDR_INVALID_OPTLEN);
			return;
		}
		if (type == OPT_PADN) {
			padding++;
			if (len == 0)
				packet_anomaly_again(p, IPV6_ZERO_LEN_PADN);
			continue;
		}
		real++;
		if (option_least(type) == 0)
			packet_anomaly_again(p, hop ? IPV6_HOPOPTS_UNKNOWN_OPT
						    : IPV6_DSTOPTS_UNKNOWN_OPT);
	}
	if (padding > 0 && real == 0)
		packet_anomaly(p, hop ? IPV6_HOPOPTS_ONLY_PADDING : IPV6_DSTOPTS_ONLY_PADDING);
}

/* One extension header other than a fragment's. False if it is cut short. */
static bool extension(struct decode_state *s, struct chain *x, bool again)
{
	struct packet *p = s->p;
	size_t at = x->packet.len - cursor_left(&x->c);
	uint8_t header = x->next, next = cursor_u8(&x->c), units = cursor_u8(&x->c);
	size_t bytes = header == NH_AH ? (units + 2u) * 4 : (units + 1u) * 8;
	struct cursor body = cursor_sub(&x->c, bytes > 2 ? bytes - 2 : 0);

	if (!cursor_ok(&x->c))
		return false;
	if (header == NH_AH && cursor_be16(&body) != 0)
		packet_anomaly(p, IPV6_EXTHDR_AH_RES_NOT_NULL);
	if (!again && (header == NH_HOPOPTS || header == NH_DSTOPTS))
		options(s, body, header == NH_HOPOPTS);
	if (!again && header == NH_ROUTING && cursor_u8(&body) == 0)
		packet_anomaly(p, IPV6_RH_TYPE_0);
	x->next_at = at;
	x->next = next;
	return true;
}

enum piece_verdict { PIECE_WHOLE, PIECE_CUT, PIECE_FRAGMENT };

/* The fragment header, RFC 8200 4.5. PIECE_WHOLE: an atomic fragment (RFC 6946), or a second
 * header: walk on. */
static enum piece_verdict fragment(struct decode_state *s, struct chain *x, bool again)
{
	struct packet *p = s->p;
	size_t at = x->packet.len - cursor_left(&x->c), rest;
	uint8_t next = cursor_u8(&x->c), reserved = cursor_u8(&x->c);
	uint16_t offset = cursor_be16(&x->c);
	struct defrag_piece piece = {.id = cursor_be32(&x->c)};

	if (!cursor_ok(&x->c))
		return PIECE_CUT;
	if (reserved != 0)
		packet_anomaly(p, IPV6_FH_NON_ZERO_RES_FIELD);
	x->next = next;
	if (again)
		return PIECE_WHOLE;
	if ((offset & ~6u) == 0) {
		packet_anomaly(p, IPV6_EXTHDR_USELESS_FH);
		x->next_at = at;
		return PIECE_WHOLE;
	}
	rest = cursor_left(&x->c);
	p->ip_fragment_offset = offset & 0xfff8;
	p->ip_id = (uint16_t)piece.id;
	p->flowless = true;
	p->payload = (struct slice){NULL, 0};
	if ((offset & 1) != 0 && rest % 8 != 0)
		packet_anomaly(p, IPV6_FRAG_INVALID_LENGTH);
	p->proto = NH_FRAGMENT;
	if (at > UNFRAGMENTED_MAX) {
		packet_anomaly(p, IPV6_FRAG_IGNORED);
		p->fragment = true;
		return PIECE_FRAGMENT;
	}
	piece.unfragmented = slice_part(x->packet, 0, at);
	piece.next_header_at = x->next_at;
	piece.next_header = next;
	piece.offset = p->ip_fragment_offset;
	piece.more = (offset & 1) != 0;
	piece.data = cursor_take(&x->c, rest);
	decode_piece(s, ETHER_IPV6, &piece);
	return PIECE_FRAGMENT;
}

/* Says that a header stands there too often; destination options may stand twice. */
static bool header_again(struct packet *p, struct chain *x)
{
	unsigned bit = seen_bit(x->next);
	bool again = (x->seen & bit) != 0;

	if (again && x->next == NH_DSTOPTS && (x->seen & SEEN_DSTOPTS_TWICE) == 0) {
		x->seen |= SEEN_DSTOPTS_TWICE;
		return false;
	}
	x->seen = (uint16_t)(x->seen | bit);
	if (again)
		seen_twice(p, x->next);
	return again;
}

/* Walks the extension headers. False if there is nothing to decode behind them. */
static bool extensions(struct decode_state *s, struct chain *x)
{
	struct packet *p = s->p;

	for (unsigned i = 0; i < EXTENSIONS_MAX; i++) {
		bool cut = false;

		if (x->next == NH_NONE) {
			p->proto = NH_NONE;
			p->flowless = true;
			if (cursor_left(&x->c) > 0)
				packet_anomaly(p, IPV6_DATA_AFTER_NONE_HEADER);
			return false;
		}
		/* behind an extension header a header is missing, whichever it is */
		if (i > 0 && cursor_left(&x->c) < 2) {
			p->flowless = true;
			return decode_broken(s, IPV6_TRUNC_EXTHDR);
		}
		switch (x->next) {
		case NH_HOPOPTS:
		case NH_ROUTING:
		case NH_AH:
		case NH_DSTOPTS:
		case NH_MOBILITY:
		case NH_HIP:
		case NH_SHIM6:
			cut = !extension(s, x, header_again(p, x));
			break;
		case NH_FRAGMENT:
			switch (fragment(s, x, header_again(p, x))) {
			case PIECE_FRAGMENT:
				return false;
			case PIECE_CUT:
				cut = true;
				break;
			case PIECE_WHOLE:
				break;
			}
			break;
		default:
			return true;
		}
		if (cut) {
			p->flowless = true;
			return decode_broken(s, IPV6_TRUNC_EXTHDR);
		}
	}
	return decode_broken(s, TOO_MANY_LAYERS);
}

/* A packet in an IPv6 packet. */
static void carried(struct decode_state *s, uint8_t version, struct slice data)
{
	bool v4 = version == 4;

	if (data.len < (v4 ? 20 : IPV6_HEADER))
		(void)decode_broken(s, v4 ? IPV4_IN_IPV6_TOO_SMALL : IPV6_IN_IPV6_TOO_SMALL);
	else if (data.ptr[0] >> 4 != version)
		(void)decode_broken(s,
				    v4 ? IPV4_IN_IPV6_WRONG_VERSION : IPV6_IN_IPV6_WRONG_VERSION);
	else
		(void)decode_tunnel(s, PACKET_IN_IPV6, DECODE_ETHER, v4 ? ETHER_IPV4 : ETHER_IPV6,
				    data);
}

static void upper(struct decode_state *s, struct chain *x)
{
	struct packet *p = s->p;
	struct slice data = cursor_take(&x->c, cursor_left(&x->c));

	p->proto = x->next;
	p->ip_header = slice_part(x->packet, 0, x->packet.len - data.len);
	p->l4 = p->payload = data;
	if (x->next == PROTO_IPV4) {
		carried(s, 4, data);
	} else if (x->next == PROTO_IPV6) {
		carried(s, 6, data);
	} else if (x->next == IP_PROTO_ICMP) {
		p->flowless = true;
		packet_anomaly(p, IPV6_ICMPV4);
	} else if (decode_next(s, DECODE_IP, x->next, data) == DECODE_UNKNOWN) {
		p->flowless = true;
		packet_anomaly(p, IPV6_UNKNOWN_NEXT_HEADER);
	}
}

static bool ipv6(struct decode_state *s, struct slice bytes)
{
	struct packet *p = s->p;
	struct cursor c = cursor_of(bytes);
	uint32_t first = cursor_be32(&c);
	uint16_t payload = cursor_be16(&c);
	uint8_t next = cursor_u8(&c), hops = cursor_u8(&c);
	struct slice src = cursor_take(&c, 16), dst = cursor_take(&c, 16);
	struct chain x;

	if (!cursor_ok(&c))
		return decode_not_ip(s, IPV6_PKT_TOO_SMALL);
	if (first >> 28 != 6)
		return decode_not_ip(s, IPV6_WRONG_IP_VERSION);
	if (payload > cursor_left(&c))
		return decode_not_ip(s, IPV6_TRUNC_PKT);
	p->ip_version = 6;
	p->src = addr_v6(src.ptr);
	p->dst = addr_v6(dst.ptr);
	p->proto = next;
	p->ttl = hops;
	p->tos = (uint8_t)(first >> 20 & 0xff);
	p->ip_header = slice_part(bytes, 0, IPV6_HEADER);
	p->l4 = p->payload = slice_part(bytes, IPV6_HEADER, payload);
	x = (struct chain){
		.packet = slice_part(bytes, 0, IPV6_HEADER + (size_t)payload),
		.c = cursor_sub(&c, payload),
		.next_at = NEXT_HEADER_AT,
		.next = next,
	};
	if (extensions(s, &x))
		upper(s, &x);
	return true;
}

DECODER(ipv6) = {
	.name = "ipv6",
	.spec = "RFC 8200",
	.keys = {{DECODE_ETHER, ETHER_IPV6}},
	.decode = ipv6,
};
