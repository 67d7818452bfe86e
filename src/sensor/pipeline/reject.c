/* SPDX-License-Identifier: Apache-2.0
 *
 * What a rejected packet is answered with: a TCP reset (RFC 9293, 3.10.7) to either end, or "it is
 * prohibited" by ICMP to who sent it (RFC 1812 5.2.7.1, RFC 4443 3.1). Bytes only; who stands in
 * the line sends them.
 *
 * 1. Only a packet as it was captured is answered: what came in a tunnel or in pieces is not.
 * 2. No answer is longer than what it answers by more than headers, and there is none to a reset,
 * to an ICMP error, or to many at once: so two of us do not talk to each other for ever.
 */
#include "sensor/pipeline/pipeline_priv.h"

#include "base/cursor.h"

enum {
	LINK_MAX = 64, /* bytes of a link header with its tags */
	MACS = 12,
	TTL = 64,
	QUOTE_V4 = 28,	/* an IP header and eight bytes; options are left to who has them */
	QUOTE_MAX = 68, /* with the longest options */
	QUOTE_V6 = 68,
	PROHIBITED_V4 = 3 << 8 | 13, /* type and code */
	PROHIBITED_V6 = 1 << 8 | 1,
	ETHERNET = 1, /* link type */
};

static uint8_t *put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
	return p + 2;
}

static uint8_t *put32(uint8_t *p, uint32_t v)
{
	return put16(put16(p, v >> 16), v & 0xffff);
}

static uint8_t *put(uint8_t *p, const void *bytes, size_t n)
{
	memcpy(p, bytes, n);
	return p + n;
}

static uint32_t sum(uint32_t s, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		s += (uint32_t)p[i] << (i % 2 == 0 ? 8 : 0);
	return s;
}

static uint16_t folded(uint32_t s)
{
	s = (s & 0xffff) + (s >> 16);
	s = (s & 0xffff) + (s >> 16);
	return (uint16_t)~s;
}

/* The checksum at `at` of n bytes between two ends, which count as well unless it is ICMPv4's. */
static void checksum(uint8_t *l4, size_t n, uint8_t *at, const struct addr *src,
		     const struct addr *dst, uint8_t proto)
{
	uint32_t s = 0;

	if (proto != IP_PROTO_ICMP) {
		s = sum(s, src->b, addr_bytes(src));
		s = sum(s, dst->b, addr_bytes(dst));
		s += (uint32_t)n + proto;
	}
	(void)put16(at, folded(sum(s, l4, n)));
}

static uint8_t *put_ip(uint8_t *p, const struct addr *src, const struct addr *dst, uint8_t proto,
		       size_t n)
{
	uint8_t *begin = p;

	if (src->family == 6) {
		p = put32(p, 6U << 28);
		p = put16(p, (uint32_t)n);
		p = put16(p, (uint32_t)proto << 8 | TTL);
		p = put(p, src->b, 16);
		return put(p, dst->b, 16);
	}
	p = put16(p, 0x4500);
	p = put16(p, (uint32_t)n + 20);
	p = put32(p, 0x4000); /* no name; not to be cut */
	p = put32(p, (uint32_t)TTL << 24 | (uint32_t)proto << 16);
	p = put(p, src->b, 4);
	p = put(p, dst->b, 4);
	(void)put16(begin + 10, folded(sum(0, begin, 20)));
	return p;
}

/* Bytes of the frame before its IP header, or SIZE_MAX: we do not know how to put them before ours.
 */
static size_t link_bytes(const struct packet *k)
{
	size_t n = (size_t)(k->ip_header.ptr - k->frame.ptr);

	if (k->linktype == ETHERNET)
		return n >= MACS && n <= LINK_MAX ? n : SIZE_MAX;
	return n == 0 ? 0 : SIZE_MAX;
}

/* The link header, to where the packet came from if `back`. */
static uint8_t *put_link(uint8_t *p, const struct packet *k, size_t n, bool back)
{
	if (n == 0)
		return p;
	memcpy(p, k->frame.ptr, n);
	if (back) {
		memcpy(p, k->frame.ptr + MACS / 2, MACS / 2);
		memcpy(p + MACS / 2, k->frame.ptr, MACS / 2);
	}
	return p + n;
}

static uint8_t *put_reset(uint8_t *p, const struct packet *k, bool back)
{
	uint32_t spans = (uint32_t)k->payload.len + ((k->tcp.flags & TCP_SYN) != 0) +
			 ((k->tcp.flags & TCP_FIN) != 0);
	bool acked = (k->tcp.flags & TCP_ACK) != 0;
	const struct addr *src = back ? &k->dst : &k->src, *dst = back ? &k->src : &k->dst;
	uint8_t *l4;

	p = l4 = put_ip(p, src, dst, IP_PROTO_TCP, 20);
	p = put16(p, back ? k->dport : k->sport);
	p = put16(p, back ? k->sport : k->dport);
	/* back: what the sender waits for; on: what it would have begun with */
	p = put32(p, back ? (acked ? k->tcp.ack : 0) : k->tcp.seq);
	p = put32(p, back ? k->tcp.seq + spans : acked ? k->tcp.ack : 0);
	p = put16(p, 5U << 12 | TCP_RST | (back || acked ? TCP_ACK : 0U));
	p = put16(p, 0);
	p = put32(p, 0);
	checksum(l4, 20, l4 + 16, src, dst, IP_PROTO_TCP);
	return p;
}

static uint8_t *put_prohibited(uint8_t *p, const struct packet *k)
{
	struct slice quote = {k->ip_header.ptr, k->ip_header.len + k->l4.len};
	bool v6 = k->ip_version == 6;
	size_t most = v6 ? QUOTE_V6 : k->ip_header.len + 8;
	uint8_t proto = v6 ? IP_PROTO_ICMP6 : IP_PROTO_ICMP, *l4;

	if (most > QUOTE_MAX)
		most = QUOTE_MAX;
	quote = slice_part(quote, 0, quote.len < most ? quote.len : most);
	p = l4 = put_ip(p, &k->dst, &k->src, proto, 8 + quote.len);
	p = put16(p, v6 ? PROHIBITED_V6 : PROHIBITED_V4);
	p = put16(p, 0);
	p = put32(p, 0);
	p = put(p, quote.ptr, quote.len);
	checksum(l4, 8 + quote.len, l4 + 2, &k->dst, &k->src, proto);
	return p;
}

static bool for_many(const struct addr *a)
{
	static const uint8_t none[16];

	if (a->family == 6)
		return a->b[0] == 0xff || memcmp(a->b, none, 16) == 0;
	return a->b[0] >= 224 || memcmp(a->b, none, 4) == 0;
}

/* Invariants 1 and 2. */
static bool answerable(const struct packet *k)
{
	if (k->ip_version == 0 || k->root != NULL || k->depth != 0 || k->rebuilt || k->fragment ||
	    k->broken || for_many(&k->src) || for_many(&k->dst))
		return false;
	if (k->proto == IP_PROTO_TCP)
		return k->l4_header.len != 0 && (k->tcp.flags & TCP_RST) == 0;
	if (k->proto == IP_PROTO_ICMP) /* queries only, RFC 1122 3.2.2 */
		return k->icmp_type == 8 || k->icmp_type == 13 || k->icmp_type == 15;
	return k->proto != IP_PROTO_ICMP6 || (k->icmp_type & 0x80) != 0;
}

static void reply(struct pipeline *p, bool back)
{
	const struct packet *k = &p->packet;
	struct pipeline_reply *r = &p->replies[p->reply_count];
	size_t link = link_bytes(k);
	uint8_t *ip, *end;

	_Static_assert(LINK_MAX + 40 + 8 + QUOTE_MAX <= PIPELINE_REPLY_MAX, "the longest fits");
	if (link == SIZE_MAX)
		return;
	ip = put_link(r->bytes, k, link, back);
	end = k->proto == IP_PROTO_TCP ? put_reset(ip, k, back) : put_prohibited(ip, k);
	r->back = back;
	r->to = back ? k->src : k->dst;
	r->link_bytes = (uint16_t)link;
	r->count = (uint16_t)(end - r->bytes);
	p->reply_count++;
}

void pipeline_reject(struct pipeline *p)
{
	enum verdict_reject to = p->verdict.reject;

	if (to == VERDICT_REJECT_NONE || p->reply_count != 0 || !answerable(&p->packet))
		return;
	if (to != VERDICT_REJECT_DST)
		reply(p, true);
	/* by ICMP the other end would hear of a packet that it never sent */
	if (to != VERDICT_REJECT_SRC && p->packet.proto == IP_PROTO_TCP)
		reply(p, false);
}

size_t pipeline_replies(const struct pipeline *p, const struct pipeline_reply **out)
{
	*out = p->replies;
	return p->reply_count;
}
