/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/decode/decode_priv.h"

enum {
	ICMP_HEADER = 8,
	EMBEDDED_IPV6 = 40,
	TYPE_ERROR_MOST = 127, /* below: errors, RFC 4443 2.1 */
	TYPE_PARAMETER = 4,
	TYPE_ECHO = 128,
	TYPE_ECHO_REPLY = 129,
	TYPE_MLD_QUERY = 130,
	TYPE_MLD_DONE = 132,
	TYPE_MLD2_REPORT = 143,
	TYPE_LAST = 161, /* IANA "ICMPv6 type numbers", 2024 */
};

/* The highest code of each error that RFC 4443 and 7112 know; -1: no such error. */
static int error_code_most(uint8_t type)
{
	switch (type) {
	case 1:
		return 8;
	case 2:
		return 0;
	case 3:
		return 1;
	case TYPE_PARAMETER:
		return 10;
	default:
		return -1;
	}
}

static void error(struct packet *p)
{
	int most = error_code_most(p->icmp_type);

	if (most < 0) {
		packet_anomaly(p, p->icmp_type == 100 || p->icmp_type == 101 ||
						  p->icmp_type == TYPE_ERROR_MOST
					  ? ICMPV6_EXPERIMENTATION_TYPE
					  : ICMPV6_UNASSIGNED_TYPE);
		return;
	}
	if (p->icmp_code > most)
		packet_anomaly(p, ICMPV6_UNKNOWN_CODE);
	if (p->payload.len < EMBEDDED_IPV6)
		packet_anomaly(p, ICMPV6_IPV6_TRUNC_PKT);
	else if (p->payload.ptr[0] >> 4 != 6)
		packet_anomaly(p, ICMPV6_IPV6_UNKNOWN_VER);
}

static void information(struct packet *p)
{
	uint8_t type = p->icmp_type;

	if (type == 200 || type == 201 || type == 255)
		packet_anomaly(p, ICMPV6_EXPERIMENTATION_TYPE);
	else if (type > TYPE_LAST)
		packet_anomaly(p, ICMPV6_UNKNOWN_TYPE);
	/* Multicast listeners are on this link: RFC 2710 3, RFC 3810 5. */
	if (((type >= TYPE_MLD_QUERY && type <= TYPE_MLD_DONE) || type == TYPE_MLD2_REPORT) &&
	    p->ttl != 1)
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
	if (type <= TYPE_ERROR_MOST)
		error(p);
	else
		information(p);
	return true;
}

DECODER(icmp6) = {
	.name = "icmp6",
	.spec = "RFC 4443",
	.keys = {{DECODE_IP, IP_PROTO_ICMP6}},
	.leaf = true,
	.decode = icmp6,
};
