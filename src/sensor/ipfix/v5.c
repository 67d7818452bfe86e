/* SPDX-License-Identifier: Apache-2.0
 * NetFlow version 5: a header of 24 bytes and up to 30 records of 48, all of one form (Cisco,
 * "NetFlow Export Datagram Format", tables B-3 and B-4). */
#include "sensor/ipfix/ipfix_priv.h"

enum { V5_RECORD = 48, V5_RECORDS_MAX = 30 };

bool ipfix_v5_head(struct cursor *c, struct ipfix_v5_head *out)
{
	uint32_t uptime_ms, s, ns;
	uint16_t engine, sampling;

	(void)cursor_be16(c); /* the version */
	out->count = cursor_be16(c);
	uptime_ms = cursor_be32(c);
	s = cursor_be32(c);
	ns = cursor_be32(c);
	out->sequence = cursor_be32(c);
	engine = cursor_be16(c);
	sampling = cursor_be16(c);
	out->domain = engine;
	out->sampling = sampling & 0x3fff; /* below two bits of mode */
	out->clock.export_ns = (int64_t)s * TIME_NS_PER_S + (ns < TIME_NS_PER_S ? ns : 0);
	out->clock.begin_ns = out->clock.export_ns - uptime_ms * TIME_NS_PER_MS;
	return cursor_ok(c) && out->count != 0 && out->count <= V5_RECORDS_MAX;
}

void ipfix_v5_record(struct cursor *c, const struct ipfix_v5_head *h, struct ipfix_flow *out)
{
	struct cursor r = cursor_sub(c, V5_RECORD);
	struct ipfix_record x = {0};
	struct slice src = cursor_take(&r, 4), dst = cursor_take(&r, 4), first, last;
	struct ipfix_side *side = &x.flow.side[0];

	(void)cursor_take(&r, 8); /* next hop, interfaces */
	if (!cursor_ok(&r))
		return;
	x.flow.src = addr_v4(src.ptr);
	x.flow.dst = addr_v4(dst.ptr);
	side->packets = cursor_be32(&r);
	side->octets = cursor_be32(&r);
	first = cursor_take(&r, 4);
	last = cursor_take(&r, 4);
	ipfix_element_get(&ipfix_elements[ipfix_element_find(22)], false, first, &h->clock, &x);
	ipfix_element_get(&ipfix_elements[ipfix_element_find(21)], false, last, &h->clock, &x);
	x.flow.sport = cursor_be16(&r);
	x.flow.dport = cursor_be16(&r);
	(void)cursor_u8(&r); /* padding */
	side->tcp_flags = cursor_u8(&r);
	x.flow.proto = cursor_u8(&r);
	*out = x.flow;
}
