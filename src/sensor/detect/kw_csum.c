/* SPDX-License-Identifier: Apache-2.0
 * Checksums, computed when a rule asks. Suricata 8.0.6 rules/header-keywords. */
#include "sensor/detect/detect_priv.h"

enum { CSUM_IP = 0, CSUM_V6 = 0x80 }; /* detect_keyword.which: else the protocol, | for IPv6 */

struct csum_operand {
	enum packet_checksum want;
	uint8_t which;
};

static bool csum(const void *operand, const struct detect_view *v)
{
	const struct csum_operand *o = operand;
	const struct packet *p = v->packet;

	if (p == NULL || p->ip_version != ((o->which & CSUM_V6) != 0 ? 6 : 4))
		return false;
	if (o->which == CSUM_IP)
		return packet_checksum_ip(p) == o->want;
	return p->proto == (o->which & ~CSUM_V6) && packet_checksum_l4(p) == o->want;
}

static enum status compile_csum(struct detect_compiler *c, const struct detect_keyword *kw,
				struct slice value, struct fail *why)
{
	struct csum_operand *o = ARENA_NEW(c->arena, struct csum_operand);
	struct slice word = slice_trim(value);

	if (o == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %s", kw->name);
	if (word.len >= 2 && word.ptr[0] == '"' && word.ptr[word.len - 1] == '"')
		word = slice_trim(slice_part(word, 1, word.len - 2));
	o->which = kw->which;
	if (slice_equal_nocase(word, SLICE("valid")))
		o->want = PACKET_CHECKSUM_RIGHT;
	else if (slice_equal_nocase(word, SLICE("invalid")))
		o->want = PACKET_CHECKSUM_WRONG;
	else
		return fail_set(why, ST_INVALID, "%s is valid or invalid, not \"%.*s\"", kw->name,
				SLICE_ARG(value));
	c->wants_packet = true;
	return detect_add_test(c, kw, o, why);
}

#define CSUM(keyword, number, text)                                                                \
	{                                                                                          \
		.name = keyword, .which = (number), .compile = compile_csum, .test = csum,         \
		.cost = 4, .doc = text                                                             \
	}

KEYWORD(csum) = {
	CSUM("ipv4-csum", CSUM_IP, "the IPv4 header's checksum: valid or invalid"),
	CSUM("tcpv4-csum", IP_PROTO_TCP, "the checksum of TCP in IPv4"),
	CSUM("udpv4-csum", IP_PROTO_UDP, "the checksum of UDP in IPv4, if there is one"),
	CSUM("icmpv4-csum", IP_PROTO_ICMP, "the checksum of ICMP"),
	CSUM("tcpv6-csum", CSUM_V6 | IP_PROTO_TCP, "the checksum of TCP in IPv6"),
	CSUM("udpv6-csum", CSUM_V6 | IP_PROTO_UDP, "the checksum of UDP in IPv6"),
	CSUM("icmpv6-csum", CSUM_V6 | IP_PROTO_ICMP6, "the checksum of ICMPv6"),
	{0},
};
