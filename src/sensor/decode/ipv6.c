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
		packet_anomaly(p, IPV6_EXTHDR_DUPL_HH);
		break;
	case NH_ROUTING:
		packet_anomaly(p, IPV6_EXTHDR_DUPL_RH);
		break;
	case NH_FRAGMENT:
		packet_anomaly(p, IPV6_EXTHDR_DUPL_FH);
		break;
	case NH_AH:
		packet_anomaly(p, IPV6_EXTHDR_DUPL_AH);
		break;
	default:
		break;
	}
}

static void options(struct packet *p, struct cursor c, bool hop)
{
	unsigned real = 0, count = 0;

	while (cursor_left(&c) > 0) {
		uint8_t type = cursor_u8(&c), len;

		count++;
		if (type == OPT_PAD1)
			continue;
		len = cursor_u8(&c);
		(void)cursor_take(&c, len);
		if (!cursor_ok(&c)) {
			packet_anomaly(p, IPV6_EXTHDR_INVALID_OPTLEN);
			return;
		}
		if (type == OPT_PADN) {
			if (len == 0)
				packet_anomaly(p, IPV6_ZERO_LEN_PADN);
			continue;
		}
		real++;
		if (type != OPT_ROUTER_ALERT && type != OPT_JUMBO && type != OPT_HOME_ADDRESS)
			packet_anomaly(p,
				       hop ? IPV6_HOPOPTS_UNKNOWN_OPT : IPV6_DSTOPTS_UNKNOWN_OPT);
	}
	if (count > 0 && real == 0)
		packet_anomaly(p, hop ? IPV6_HOPOPTS_ONLY_PADDING : IPV6_DSTOPTS_ONLY_PADDING);
}

/* One extension header other than a fragment's. False if it is cut short. */
static bool extension(struct packet *p, struct chain *x)
{
	size_t at = x->packet.len - cursor_left(&x->c);
	uint8_t header = x->next, next = cursor_u8(&x->c), units = cursor_u8(&x->c);
	size_t bytes = header == NH_AH ? (units + 2u) * 4 : (units + 1u) * 8;
	struct cursor body = cursor_sub(&x->c, bytes > 2 ? bytes - 2 : 0);

	if (!cursor_ok(&x->c))
		return false;
	if (header == NH_HOPOPTS || header == NH_DSTOPTS)
		options(p, body, header == NH_HOPOPTS);
	if (header == NH_ROUTING && cursor_u8(&body) == 0)
		packet_anomaly(p, IPV6_RH_TYPE_0);
	if (header == NH_AH && cursor_be16(&body) != 0)
		packet_anomaly(p, IPV6_EXTHDR_AH_RES_NOT_NULL);
	x->next_at = at;
	x->next = next;
	return true;
}

static void ipv6(struct decode_state *s, struct slice bytes);

enum piece_verdict { PIECE_WHOLE, PIECE_CUT, PIECE_FRAGMENT };

/* The fragment header, RFC 8200 4.5. PIECE_WHOLE: an atomic fragment (RFC 6946), walk on. */
static enum piece_verdict fragment(struct decode_state *s, struct chain *x)
{
	struct packet *p = s->p;
	size_t at = x->packet.len - cursor_left(&x->c);
	uint8_t next = cursor_u8(&x->c), reserved = cursor_u8(&x->c);
	uint16_t offset = cursor_be16(&x->c);
	struct defrag_piece piece = {.id = cursor_be32(&x->c)};
	struct slice whole;

	if (!cursor_ok(&x->c))
		return PIECE_CUT;
	if (reserved != 0 || (offset & 6) != 0)
		packet_anomaly(p, IPV6_FH_NON_ZERO_RES_FIELD);
	if ((offset & ~6u) == 0) {
		packet_anomaly(p, IPV6_EXTHDR_USELESS_FH);
		x->next_at = at;
		x->next = next;
		return PIECE_WHOLE;
	}
	p->ip_fragment_offset = offset & 0xfff8;
	p->proto = next;
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
	piece.data = cursor_take(&x->c, cursor_left(&x->c));
	whole = defrag_add(s, &piece);
	p->fragment = whole.len == 0;
	if (whole.len != 0) {
		s->rebuilds++;
		p->rebuilt = true;
		p->ip_fragment_offset = 0;
		if (++s->layers > PACKET_LAYERS_MAX)
			packet_anomaly(p, TOO_MANY_LAYERS);
		else
			ipv6(s, whole);
	}
	return PIECE_FRAGMENT;
}

/* Walks the extension headers. False if there is nothing to decode behind them. */
static bool extensions(struct decode_state *s, struct chain *x)
{
	struct packet *p = s->p;

	for (unsigned i = 0; i < EXTENSIONS_MAX; i++) {
		unsigned bit = seen_bit(x->next);
		bool cut = false;

		switch (x->next) {
		case NH_HOPOPTS:
		case NH_ROUTING:
		case NH_AH:
		case NH_DSTOPTS:
		case NH_MOBILITY:
		case NH_HIP:
		case NH_SHIM6:
			if ((x->seen & bit) != 0) {
				if (x->next == NH_DSTOPTS && (x->seen & 32) == 0)
					x->seen |= 32;
				else if (x->next == NH_DSTOPTS)
					packet_anomaly(p, IPV6_EXTHDR_DUPL_DH);
				else
					seen_twice(p, x->next);
			}
			x->seen = (uint16_t)(x->seen | bit);
			cut = !extension(p, x);
			break;
		case NH_FRAGMENT:
			if ((x->seen & bit) != 0)
				seen_twice(p, x->next);
			x->seen = (uint16_t)(x->seen | bit);
			switch (fragment(s, x)) {
			case PIECE_FRAGMENT:
				return false;
			case PIECE_CUT:
				cut = true;
				break;
			case PIECE_WHOLE:
				break;
			}
			break;
		case NH_NONE:
			p->proto = NH_NONE;
			if (cursor_left(&x->c) > 0)
				packet_anomaly(p, IPV6_DATA_AFTER_NONE_HEADER);
			return false;
		default:
			return true;
		}
		if (cut) {
			decode_broken(s, IPV6_TRUNC_EXTHDR);
			return false;
		}
	}
	packet_anomaly(p, TOO_MANY_LAYERS);
	return false;
}

static void upper(struct decode_state *s, struct chain *x)
{
	struct packet *p = s->p;
	struct slice data = cursor_take(&x->c, cursor_left(&x->c));

	p->proto = x->next;
	p->ip_header = slice_part(x->packet, 0, x->packet.len - data.len);
	p->payload = data;
	if (x->next == IP_PROTO_ICMP)
		packet_anomaly(p, IPV6_ICMPV4);
	else if (!decode_next(s, DECODE_IP, x->next, data))
		packet_anomaly(p, IPV6_UNKNOWN_NEXT_HEADER);
}

static void ipv6(struct decode_state *s, struct slice bytes)
{
	struct packet *p = s->p;
	struct cursor c = cursor_of(bytes);
	uint32_t first = cursor_be32(&c);
	uint16_t payload = cursor_be16(&c);
	uint8_t next = cursor_u8(&c), hops = cursor_u8(&c);
	struct slice src = cursor_take(&c, 16), dst = cursor_take(&c, 16);
	struct chain x;

	if (!cursor_ok(&c)) {
		decode_broken(s, IPV6_PKT_TOO_SMALL);
		return;
	}
	if (first >> 28 != 6) {
		decode_broken(s, IPV6_WRONG_IP_VERSION);
		return;
	}
	p->ip_version = 6;
	p->src = addr_v6(src.ptr);
	p->dst = addr_v6(dst.ptr);
	p->proto = next;
	p->ttl = hops;
	p->tos = (uint8_t)(first >> 20 & 0xff);
	if (payload > cursor_left(&c)) {
		decode_broken(s, IPV6_TRUNC_PKT);
		return;
	}
	p->ip_header = slice_part(bytes, 0, IPV6_HEADER);
	x = (struct chain){
		.packet = slice_part(bytes, 0, IPV6_HEADER + (size_t)payload),
		.c = cursor_sub(&c, payload),
		.next_at = NEXT_HEADER_AT,
		.next = next,
	};
	if (extensions(s, &x))
		upper(s, &x);
}

DECODER(ipv6) = {
	.name = "ipv6",
	.spec = "RFC 8200",
	.keys = {{DECODE_ETHER, ETHER_IPV6},
		 {DECODE_IP, PROTO_IPV6},
		 {DECODE_LINK, 229},
		 {DECODE_PPP, 0x0057}},
	.network = true,
	.decode = ipv6,
};
