/* SPDX-License-Identifier: Apache-2.0
 * Numbers of a packet, one row each: name, getter, sentence. A getter says false where the packet
 * has no such number; then the rule does not match. */
#include "base/cursor.h"
#include "sensor/detect/detect_priv.h"

struct uint_operand {
	struct detect_range range;
	bool (*get)(const struct detect_view *v, uint64_t *out);
};

static bool holds(const void *operand, const struct detect_view *v)
{
	const struct uint_operand *o = operand;
	uint64_t n;

	return o->get(v, &n) && detect_range_holds(&o->range, n);
}

const struct detect_range *detect_uint_range(const void *operand)
{
	return &((const struct uint_operand *)operand)->range;
}

static enum status compile_uint(struct detect_compiler *c, const struct detect_keyword *kw,
				struct slice value, struct fail *why)
{
	struct uint_operand *o = ARENA_NEW(c->arena, struct uint_operand);

	if (o == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %s", kw->name);
	o->get = kw->get;
	if (!detect_range_parse(value, UINT64_MAX >> (64 - kw->which), &o->range))
		return fail_set(why, ST_INVALID, "%s wants a number or a range, not \"%.*s\"",
				kw->name, SLICE_ARG(value));
	c->wants_packet = c->packet_only = true;
	return detect_add_test(c, kw, o, why);
}

#define GETTER(name, cond, expr)                                                                   \
	static bool name(const struct detect_view *v, uint64_t *out)                               \
	{                                                                                          \
		const struct packet *p = v->packet;                                                \
                                                                                                   \
		if (p == NULL || !(cond))                                                          \
			return false;                                                              \
		*out = (expr);                                                                     \
		return true;                                                                       \
	}

static uint32_t be32(struct slice s, size_t at)
{
	struct cursor c = cursor_of(slice_from(s, at));

	return cursor_be32(&c);
}

#define IS_TCP (p->proto == IP_PROTO_TCP && p->l4_header.len != 0)
#define IS_ICMP ((p->proto == IP_PROTO_ICMP || p->proto == IP_PROTO_ICMP6) && p->l4_header.len != 0)

GETTER(get_dsize, p->ip_version != 0, p->payload.len)
GETTER(get_ttl, p->ip_version != 0, p->ttl)
GETTER(get_id, p->ip_version == 4, p->ip_id)
GETTER(get_tos, p->ip_version == 4, p->tos)
GETTER(get_fragoffset, p->ip_version != 0, p->ip_fragment_offset)
GETTER(get_seq, IS_TCP, p->tcp.seq)
GETTER(get_ack, IS_TCP, p->tcp.ack)
GETTER(get_window, IS_TCP, p->tcp.window)
GETTER(get_mss, IS_TCP && p->tcp.mss != 0, p->tcp.mss)
GETTER(get_wscale, IS_TCP && p->tcp.has_wscale, p->tcp.wscale)
GETTER(get_itype, IS_ICMP, p->icmp_type)
GETTER(get_icode, IS_ICMP, p->icmp_code)
GETTER(get_icmp_id, IS_ICMP, p->icmp_id)
GETTER(get_icmp_seq, IS_ICMP, p->icmp_seq)

/* RFC 4443 3.2: Packet Too Big */
#define IS_TOO_BIG (p->proto == IP_PROTO_ICMP6 && p->l4_header.len != 0 && p->icmp_type == 2)
GETTER(get_mtu, IS_TOO_BIG && p->l4.len >= 8, be32(p->l4, 4))
#define IS_IGMP (p->ip_version == 4 && p->proto == IP_PROTO_IGMP && p->l4.len >= 8)
GETTER(get_igmp_type, IS_IGMP, p->l4.ptr[0])

#define UINT(word, bits, getter, text)                                                             \
	{                                                                                          \
		.name = (word), .which = (bits), .get = (getter), .compile = compile_uint,         \
		.test = holds, .cost = 1, .doc = (text)                                            \
	}

KEYWORD(uint) = {
	{.name = "dsize",
	 .which = 16,
	 .get = get_dsize,
	 .limits_size = true,
	 .compile = compile_uint,
	 .test = holds,
	 .cost = 1,
	 .doc = "bytes of the packet's payload"},
	UINT("ttl", 8, get_ttl, "IP time to live or hop limit"),
	UINT("id", 16, get_id, "IPv4 identification"),
	UINT("tos", 8, get_tos, "IPv4 type of service"),
	UINT("fragoffset", 16, get_fragoffset, "IP fragment offset in bytes"),
	UINT("seq", 32, get_seq, "TCP sequence number"),
	UINT("tcp.seq", 32, get_seq, "TCP sequence number"),
	UINT("ack", 32, get_ack, "TCP acknowledgment number"),
	UINT("tcp.ack", 32, get_ack, "TCP acknowledgment number"),
	UINT("window", 16, get_window, "TCP window"),
	UINT("tcp.window", 16, get_window, "TCP window"),
	UINT("tcp.mss", 16, get_mss, "TCP maximum segment size option"),
	UINT("tcp.wscale", 8, get_wscale, "TCP window scale option"),
	UINT("itype", 8, get_itype, "ICMP type"),
	UINT("icode", 8, get_icode, "ICMP code"),
	UINT("icmp_id", 16, get_icmp_id, "ICMP identifier"),
	UINT("icmp_seq", 16, get_icmp_seq, "ICMP sequence number"),
	UINT("icmpv6.mtu", 32, get_mtu, "the MTU that an ICMPv6 Packet Too Big names"),
	UINT("igmp.type", 8, get_igmp_type, "IGMP type"),
	{0},
};
