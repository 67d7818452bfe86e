/* SPDX-License-Identifier: Apache-2.0
 * Sticky buffers whose bytes are the packet's own: headers and addresses. Suricata 8.0.6
 * rules/header-keywords, rules/ipaddr. They exist or not, as the packet has such a header. */
#include "sensor/detect/detect_priv.h"

static const struct slice none = {NULL, 0};

static struct slice address(const struct addr *a)
{
	return a == NULL ? none : (struct slice){a->b, addr_bytes(a)};
}

static struct slice ip_src(const struct detect_view *v, struct arena *scratch)
{
	return address(v->src);
}

static struct slice ip_dst(const struct detect_view *v, struct arena *scratch)
{
	return address(v->dst);
}

static struct slice ip_header(const struct detect_view *v, unsigned version)
{
	return v->packet != NULL && v->packet->ip_version == version ? v->packet->ip_header : none;
}

static struct slice ipv4_hdr(const struct detect_view *v, struct arena *scratch)
{
	return ip_header(v, 4);
}

static struct slice ipv6_hdr(const struct detect_view *v, struct arena *scratch)
{
	return ip_header(v, 6);
}

static struct slice l4_header(const struct detect_view *v, uint8_t proto)
{
	return v->packet != NULL && v->packet->proto == proto && v->packet->l4_header.len != 0
		       ? v->packet->l4_header
		       : none;
}

static struct slice tcp_hdr(const struct detect_view *v, struct arena *scratch)
{
	return l4_header(v, IP_PROTO_TCP);
}

static struct slice udp_hdr(const struct detect_view *v, struct arena *scratch)
{
	return l4_header(v, IP_PROTO_UDP);
}

static struct slice icmpv4_hdr(const struct detect_view *v, struct arena *scratch)
{
	return l4_header(v, IP_PROTO_ICMP);
}

static struct slice icmpv6_hdr(const struct detect_view *v, struct arena *scratch)
{
	return l4_header(v, IP_PROTO_ICMP6);
}

static struct slice igmp_hdr(const struct detect_view *v, struct arena *scratch)
{
	const struct packet *p = v->packet;

	return p != NULL && p->ip_version == 4 && p->proto == IP_PROTO_IGMP && p->l4.len >= 8
		       ? p->l4
		       : none;
}

static enum status compile_packet(struct detect_compiler *c, const struct detect_keyword *kw,
				  struct slice value, struct fail *why)
{
	if (kw->which != 0)
		c->wants_packet = true;
	return detect_stick(c, slice_of(kw->name), why);
}

/* which: 1 if there must be a packet */
#define PACKET(word, needs, get, text)                                                             \
	{                                                                                          \
		.name = (word), .which = (needs), .kind = KIND_BUFFER, .bare = true,               \
		.compile = compile_packet, .bytes = (get), .doc = (text)                           \
	}

KEYWORD(packet) = {
	PACKET("ip.src", 0, ip_src, "the source address: 4 or 16 bytes"),
	PACKET("ip.dst", 0, ip_dst, "the destination address: 4 or 16 bytes"),
	PACKET("ipv4.hdr", 1, ipv4_hdr, "the IPv4 header with its options"),
	PACKET("ipv6.hdr", 1, ipv6_hdr, "the IPv6 header with its extension headers"),
	PACKET("tcp.hdr", 1, tcp_hdr, "the TCP header with its options"),
	PACKET("udp.hdr", 1, udp_hdr, "the UDP header"),
	PACKET("icmpv4.hdr", 1, icmpv4_hdr, "the ICMP header"),
	PACKET("icmpv6.hdr", 1, icmpv6_hdr, "the ICMPv6 header"),
	PACKET("igmp.hdr", 1, igmp_hdr, "the IGMP message"),
	{0},
};
