/* SPDX-License-Identifier: Apache-2.0
 * The Internet's checksum: the complement of the sum of 16-bit words in ones' complement
 * (RFC 1071). A message with its checksum in it sums to 0xffff. */
#include "sensor/decode/decode_priv.h"

#include <endian.h>

/* Four bytes at a time: carries out of 16 bits are put back at the end (RFC 1071 2), so it does not
 * matter how wide the words are. A sum of less than 2^32 of them fits. */
static uint32_t sum(uint32_t start, struct slice s)
{
	uint64_t all = start;
	uint32_t word;
	size_t i = 0;

	for (; i + sizeof word <= s.len; i += sizeof word) {
		memcpy(&word, s.ptr + i, sizeof word);
		all += be32toh(word);
	}
	for (; i + 1 < s.len; i += 2)
		all += (uint32_t)s.ptr[i] << 8 | s.ptr[i + 1];
	if (s.len % 2 != 0)
		all += (uint32_t)s.ptr[s.len - 1] << 8;
	while (all >> 16 != 0)
		all = (all & 0xffff) + (all >> 16);
	return (uint32_t)all;
}

static enum packet_checksum verdict(const struct packet *p, uint32_t all)
{
	return p->trusted || all == 0xffff ? PACKET_CHECKSUM_RIGHT : PACKET_CHECKSUM_WRONG;
}

enum packet_checksum packet_checksum_ip(const struct packet *p)
{
	if (p->ip_version != 4 || p->ip_header.len == 0)
		return PACKET_CHECKSUM_NONE;
	return verdict(p, sum(0, p->ip_header));
}

static uint32_t sum_pseudo(const struct packet *p, size_t len)
{
	size_t bytes = p->ip_version == 4 ? 4 : 16;
	uint32_t all = sum(p->proto, (struct slice){p->src.b, bytes});
	uint8_t length[4] = {(uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8),
			     (uint8_t)len};

	all = sum(all, (struct slice){p->dst.b, bytes});
	return sum(all, (struct slice){length, sizeof length});
}

enum packet_checksum packet_checksum_l4(const struct packet *p)
{
	struct slice message = p->l4;

	if (p->ip_version == 0 || p->fragment || p->l4_header.len == 0)
		return PACKET_CHECKSUM_NONE;
	switch (p->proto) {
	case IP_PROTO_ICMP:
		return verdict(p, sum(0, message));
	case IP_PROTO_UDP:
		message = slice_part(p->l4, 0, p->l4_header.len + p->payload.len);
		if (p->ip_version == 4 && p->l4_header.ptr[6] == 0 && p->l4_header.ptr[7] == 0)
			return PACKET_CHECKSUM_NONE; /* RFC 768: sent without */
		break;
	case IP_PROTO_TCP:
	case IP_PROTO_ICMP6:
		break;
	default:
		return PACKET_CHECKSUM_NONE;
	}
	return verdict(p, sum(sum_pseudo(p, message.len), message));
}

void packet_checksum_restart(uint8_t *ip, size_t header)
{
	uint32_t all;

	ip[6] = ip[7] = 0;
	ip[10] = ip[11] = 0;
	all = ~sum(0, (struct slice){ip, header}) & 0xffff;
	ip[10] = (uint8_t)(all >> 8);
	ip[11] = (uint8_t)all;
}
