/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/decode/decode_priv.h"

enum {
	IPV4_HEADER = 20,
	FLAG_MF = 1,
	OPT_EOL = 0,
	OPT_NOP = 1,
};

static bool option_known(uint8_t type)
{
	switch (type) { /* IANA "IP option numbers" that RFC 791, 1108, 2113 and CIPSO define */
	case 7:
	case 68:
	case 130:
	case 131:
	case 133:
	case 134:
	case 136:
	case 137:
	case 148:
		return true;
	default:
		return false;
	}
}

static void options(struct packet *p, struct slice bytes)
{
	struct cursor c = cursor_of(bytes);
	uint64_t seen[4] = {0};

	if (bytes.len % 8 != 0)
		packet_anomaly(p, IPV4_OPT_PAD_REQUIRED);
	while (cursor_left(&c) > 0) {
		uint8_t type = cursor_u8(&c), len;

		if (type == OPT_EOL)
			return;
		if (type == OPT_NOP)
			continue;
		if (cursor_left(&c) == 0) {
			packet_anomaly(p, IPV4_OPT_EOL_REQUIRED);
			return;
		}
		len = cursor_u8(&c);
		if (len < 2 || len - 2u > cursor_left(&c)) {
			packet_anomaly(p, IPV4_OPT_INVALID_LEN);
			packet_anomaly(p, IPV4_OPT_MALFORMED);
			return;
		}
		(void)cursor_take(&c, len - 2u);
		if (!option_known(type))
			packet_anomaly(p, IPV4_OPT_UNKNOWN);
		else if ((seen[type / 64] >> type % 64 & 1) != 0)
			packet_anomaly(p, IPV4_OPT_DUPLICATE);
		seen[type / 64] |= UINT64_C(1) << type % 64;
	}
}

static void ipv4(struct decode_state *s, struct slice bytes);

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
	struct slice whole = defrag_add(s, &piece);

	p->fragment = whole.len == 0;
	p->payload = (struct slice){NULL, 0};
	if (whole.len != 0) {
		s->rebuilds++;
		p->rebuilt = true;
		ipv4(s, whole); /* no fragment: ends here */
	}
}

static void ipv4(struct decode_state *s, struct slice bytes)
{
	struct packet *p = s->p;
	struct cursor c = cursor_of(bytes);
	uint8_t first = cursor_u8(&c), tos = cursor_u8(&c), ttl, proto;
	uint16_t total = cursor_be16(&c), id = cursor_be16(&c), frag = cursor_be16(&c);
	size_t header = (first & 0x0fu) * 4;
	struct slice src, dst, data;

	ttl = cursor_u8(&c);
	proto = cursor_u8(&c);
	(void)cursor_be16(&c); /* checksum: not looked at */
	src = cursor_take(&c, 4);
	dst = cursor_take(&c, 4);
	if (!cursor_ok(&c)) {
		decode_broken(s, IPV4_PKT_TOO_SMALL);
		return;
	}
	if (first >> 4 != 4) {
		decode_broken(s, IPV4_WRONG_IP_VERSION);
		return;
	}
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
	if (header < IPV4_HEADER) {
		decode_broken(s, IPV4_HLEN_TOO_SMALL);
		return;
	}
	if (total < header) {
		decode_broken(s, IPV4_IPLEN_SMALLER_THAN_HLEN);
		return;
	}
	if (total > bytes.len) {
		decode_broken(s, IPV4_TRUNC_PKT);
		return;
	}
	p->ip_header = slice_part(bytes, 0, header);
	options(p, slice_part(bytes, IPV4_HEADER, header - IPV4_HEADER));
	data = slice_part(bytes, header, total - header);
	p->payload = data;
	if (p->ip_fragment_offset != 0 || (p->ip_flags & FLAG_MF) != 0)
		fragment(s, data);
	else if (proto == IP_PROTO_ICMP6)
		packet_anomaly(p, IPV4_ICMPV6);
	else
		(void)decode_next(s, DECODE_IP, proto, data); /* unknown: payload stays */
}

DECODER(ipv4) = {
	.name = "ipv4",
	.spec = "RFC 791",
	.keys = {{DECODE_ETHER, ETHER_IPV4},
		 {DECODE_IP, PROTO_IPV4},
		 {DECODE_LINK, 228},
		 {DECODE_PPP, 0x0021}},
	.network = true,
	.decode = ipv4,
};
