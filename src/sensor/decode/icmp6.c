/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/decode/decode_priv.h"

enum {
	ICMP_HEADER = 8,
	EMBEDDED_IPV6 = 40,
	TYPE_ERROR_MOST = 4, /* RFC 4443 2.1: errors that are defined */
	TYPE_ECHO = 128,
	TYPE_ECHO_REPLY = 129,
	TYPE_MLD_QUERY = 130,
	TYPE_MLD_DONE = 132,
};

/* Types and the codes that each may have, as Suricata knows them: IANA "ICMPv6 type numbers" up to
 * RFC 7731. */
static const struct icmp6_type {
	uint8_t first, last; /* types */
	uint8_t code_most;
	uint8_t also_first, also_last; /* further codes; 0: none */
} types[] = {
	{1, 1, 6, 0, 0},     {2, 2, 0, 0, 0},	      {3, 3, 1, 0, 0},	       {4, 4, 2, 0, 0},
	{128, 137, 0, 0, 0}, {138, 138, 2, 255, 255}, {139, 140, 2, 0, 0},     {141, 149, 0, 0, 0},
	{154, 154, 0, 0, 0}, {156, 159, 0, 0, 0},     {155, 155, 3, 128, 132},
};

static const struct icmp6_type *type_find(uint8_t type)
{
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (types[i].first <= type && type <= types[i].last)
			return &types[i];
	return NULL;
}

static enum decode_anomaly of_unknown(uint8_t type)
{
	if (type == 100 || type == 101 || type == 200 || type == 201)
		return ICMPV6_EXPERIMENTATION_TYPE;
	if ((type > TYPE_ERROR_MOST && type < 127) || type >= 160)
		return ICMPV6_UNASSIGNED_TYPE;
	return ICMPV6_UNKNOWN_TYPE;
}

static void check(struct packet *p)
{
	const struct icmp6_type *t = type_find(p->icmp_type);

	if (t == NULL) {
		packet_anomaly(p, of_unknown(p->icmp_type));
		return;
	}
	if (p->icmp_code > t->code_most &&
	    (t->also_last == 0 || p->icmp_code < t->also_first || p->icmp_code > t->also_last))
		packet_anomaly(p, ICMPV6_UNKNOWN_CODE);
	else if (p->icmp_type <= TYPE_ERROR_MOST && p->payload.len < EMBEDDED_IPV6)
		packet_anomaly(p, ICMPV6_IPV6_TRUNC_PKT);
	else if (p->icmp_type <= TYPE_ERROR_MOST && p->payload.ptr[0] >> 4 != 6)
		packet_anomaly(p, ICMPV6_IPV6_UNKNOWN_VER);
	/* multicast listeners are on this link: RFC 2710 3 */
	if (p->icmp_type >= TYPE_MLD_QUERY && p->icmp_type <= TYPE_MLD_DONE && p->ttl != 1)
		packet_anomaly(p, ICMPV6_MLD_MESSAGE_WITH_INVALID_HL);
}

static bool icmp6(struct decode_state *s, struct slice bytes)
{
	struct packet *p = s->p;
	struct cursor c = cursor_of(bytes);
	uint8_t type = cursor_u8(&c), code = cursor_u8(&c);
	uint16_t id, seq;

	(void)cursor_be16(&c); /* checksum: packet_checksum_l4() */
	id = cursor_be16(&c);
	seq = cursor_be16(&c);
	if (!cursor_ok(&c))
		return decode_broken(s, ICMPV6_PKT_TOO_SMALL);
	p->icmp_type = type;
	p->icmp_code = code;
	p->l4_header = slice_part(bytes, 0, ICMP_HEADER);
	p->payload = slice_from(bytes, ICMP_HEADER);
	if (type == TYPE_ECHO || type == TYPE_ECHO_REPLY) {
		p->icmp_id = id;
		p->icmp_seq = seq;
	}
	check(p);
	return true;
}

DECODER(icmp6) = {
	.name = "icmp6",
	.spec = "RFC 4443",
	.keys = {{DECODE_IP, IP_PROTO_ICMP6}},
	.leaf = true,
	.decode = icmp6,
};
