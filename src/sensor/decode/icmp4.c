/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/decode/decode_priv.h"

enum { ICMP_HEADER = 8, EMBEDDED_IPV4 = 20 };

/* IANA "ICMP type numbers": the highest code of each type, and whether the packet that caused it is
 * repeated behind the header, or the header has an identifier and a sequence number. */
struct icmp_type {
	uint8_t type, code_most;
	bool embeds, counts;
};

static const struct icmp_type types[] = {
	{0, 0, false, true},  {3, 15, true, false},  {4, 0, true, false},   {5, 3, true, false},
	{8, 0, false, true},  {9, 16, false, false}, {10, 0, false, false}, {11, 1, true, false},
	{12, 2, true, false}, {13, 0, false, true},  {14, 0, false, true},  {15, 0, false, true},
	{16, 0, false, true}, {17, 0, false, true},  {18, 0, false, true},
};

static const struct icmp_type *type_find(uint8_t type)
{
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (types[i].type == type)
			return &types[i];
	return NULL;
}

static bool icmp4(struct decode_state *s, struct slice bytes)
{
	struct packet *p = s->p;
	struct cursor c = cursor_of(bytes);
	uint8_t type = cursor_u8(&c), code = cursor_u8(&c);
	uint16_t id, seq;
	const struct icmp_type *t;

	(void)cursor_be16(&c); /* checksum: packet_checksum_l4() */
	id = cursor_be16(&c);
	seq = cursor_be16(&c);
	if (!cursor_ok(&c))
		return decode_broken(s, ICMPV4_PKT_TOO_SMALL);
	p->icmp_type = type;
	p->icmp_code = code;
	p->l4_header = slice_part(bytes, 0, ICMP_HEADER);
	p->payload = slice_from(bytes, ICMP_HEADER);
	t = type_find(type);
	if (t == NULL) {
		packet_anomaly(p, ICMPV4_UNKNOWN_TYPE);
		return true;
	}
	if (code > t->code_most || (type == 9 && code != 0 && code != 16))
		packet_anomaly(p, ICMPV4_UNKNOWN_CODE);
	else if (t->embeds && p->payload.len > 0 && p->payload.len < EMBEDDED_IPV4)
		packet_anomaly(p, ICMPV4_IPV4_TRUNC_PKT);
	else if (t->embeds && p->payload.len > 0 && p->payload.ptr[0] >> 4 != 4)
		packet_anomaly(p, ICMPV4_IPV4_UNKNOWN_VER);
	if (t->counts) {
		p->icmp_id = id;
		p->icmp_seq = seq;
	}
	return true;
}

DECODER(icmp4) = {
	.name = "icmp4",
	.spec = "RFC 792, RFC 1256",
	.keys = {{DECODE_IP, IP_PROTO_ICMP}},
	.leaf = true,
	.decode = icmp4,
};
