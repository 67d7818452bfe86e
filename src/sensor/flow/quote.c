/* SPDX-License-Identifier: Apache-2.0
 * An ICMP error belongs to the flow of the packet that it quotes (RFC 792). */
#include "base/cursor.h"
#include "sensor/decode/decode.h"
#include "sensor/flow/flow_priv.h"

enum { UNREACHABLE = 3, QUENCH = 4, REDIRECT = 5, EXCEEDED = 11, PARAMETER = 12 };

bool flow_icmp_error(const struct packet *p)
{
	if (p->proto != IP_PROTO_ICMP || p->l4_header.len == 0)
		return false;
	switch (p->icmp_type) {
	case UNREACHABLE:
	case QUENCH:
	case REDIRECT:
	case EXCEEDED:
	case PARAMETER:
		return true;
	default:
		return false;
	}
}

bool flow_quoted(const struct packet *p, struct packet *out)
{
	struct cursor c = cursor_of(p->payload), rest;
	uint8_t first = cursor_u8(&c), fragment_high;
	struct slice src, dst;

	if (p->icmp_type != UNREACHABLE || first >> 4 != 4 || (first & 15) < 5)
		return false;
	(void)cursor_take(&c, 5);
	fragment_high = cursor_u8(&c);
	(void)cursor_take(&c, 2);
	out->proto = cursor_u8(&c);
	(void)cursor_take(&c, 2);
	src = cursor_take(&c, 4);
	dst = cursor_take(&c, 4);
	(void)cursor_take(&c, ((size_t)(first & 15) - 5) * 4);
	rest = cursor_sub(&c, 4);
	out->sport = cursor_be16(&rest);
	out->dport = cursor_be16(&rest);
	if (!cursor_ok(&c) || !cursor_ok(&rest) || (fragment_high & 0x1f) != 0 ||
	    (out->proto != IP_PROTO_TCP && out->proto != IP_PROTO_UDP))
		return false;
	out->src = addr_v4(src.ptr);
	out->dst = addr_v4(dst.ptr);
	out->vlans = p->vlans;
	memcpy(out->vlan, p->vlan, sizeof out->vlan);
	out->depth = p->depth;
	return true;
}
