/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/decode/decode_priv.h"

enum { IPV4_HEADER = 20, FLAG_MF = 1, PROTO_HOP = 0 };

/* The header as the rebuilt packet's: without the fragment's marks, with the flags it had. */
static void fragment(struct decode_state *s, struct slice data)
{
	struct packet *p = s->p;
	struct defrag_piece piece = {
		.unfragmented = p->ip_header,
		.id = p->ip_id,
		.offset = p->ip_fragment_offset,
		.more = (p->ip_flags & FLAG_MF) != 0,
		.data = data,
	};

	p->payload = (struct slice){NULL, 0};
	p->flowless = true;
	decode_piece(s, ETHER_IPV4, &piece);
}

static void upper(struct decode_state *s, uint8_t proto, struct slice data)
{
	switch (proto) {
	case PROTO_IPV4:
		(void)decode_tunnel(s, PACKET_IN_IPV4, DECODE_ETHER, ETHER_IPV4, data);
		break;
	case PROTO_IPV6:
		(void)decode_tunnel(s, PACKET_IN_IPV4, DECODE_ETHER, ETHER_IPV6, data);
		break;
	case IP_PROTO_ICMP6:
		s->p->flowless = true;
		(void)decode_broken(s, IPV4_ICMPV6);
		break;
	case PROTO_HOP:
		if (s->van_jacobson)
			(void)decode_next(s, DECODE_IP, IP_PROTO_TCP, data);
		else
			s->p->flowless = true;
		break;
	default:
		if (decode_next(s, DECODE_IP, proto, data) == DECODE_UNKNOWN)
			s->p->flowless = true; /* payload stays */
	}
}

static bool ipv4(struct decode_state *s, struct slice bytes)
{
	struct packet *p = s->p;
	struct cursor c = cursor_of(bytes);
	uint8_t first = cursor_u8(&c), tos = cursor_u8(&c), ttl, proto;
	uint16_t total = cursor_be16(&c), id = cursor_be16(&c), frag = cursor_be16(&c);
	size_t header = (first & 0x0fu) * 4;
	struct slice src, dst, data;

	ttl = cursor_u8(&c);
	proto = cursor_u8(&c);
	(void)cursor_be16(&c); /* checksum: packet_checksum_ip() */
	src = cursor_take(&c, 4);
	dst = cursor_take(&c, 4);
	if (!cursor_ok(&c))
		return decode_not_ip(s, IPV4_PKT_TOO_SMALL);
	if (first >> 4 != 4)
		return decode_not_ip(s, IPV4_WRONG_IP_VERSION);
	if (header < IPV4_HEADER)
		return decode_not_ip(s, IPV4_HLEN_TOO_SMALL);
	if (total < header)
		return decode_not_ip(s, IPV4_IPLEN_SMALLER_THAN_HLEN);
	if (total > bytes.len)
		return decode_not_ip(s, IPV4_TRUNC_PKT);
	p->ip_version = 4;
	p->src.family = p->dst.family = 4; /* as addr_v4(); the rest of *p is zeroed already */
	memcpy(p->src.b, src.ptr, 4);
	memcpy(p->dst.b, dst.ptr, 4);
	p->proto = proto;
	p->ttl = ttl;
	p->tos = tos;
	p->ip_id = id;
	p->ip_flags = (uint8_t)(frag >> 13);
	p->ip_fragment_offset = (uint16_t)((frag & 0x1fff) * 8);
	p->ip_header = slice_part(bytes, 0, header);
	decode_ipv4_options(s, slice_part(bytes, IPV4_HEADER, header - IPV4_HEADER));
	data = slice_part(bytes, header, total - header);
	p->l4 = p->payload = data;
	if (p->ip_fragment_offset != 0 || (p->ip_flags & FLAG_MF) != 0)
		fragment(s, data);
	else
		upper(s, proto, data);
	return true;
}

DECODER(ipv4) = {
	.name = "ipv4",
	.spec = "RFC 791",
	.keys = {{DECODE_ETHER, ETHER_IPV4}},
	.decode = ipv4,
};
