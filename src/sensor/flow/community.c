/* SPDX-License-Identifier: Apache-2.0
 * The community id, version 1 (github.com/corelight/community-id-spec). */
#include "base/buf.h"
#include "crypto/crypto.h"
#include "sensor/decode/decode.h"
#include "sensor/flow/flow.h"

/* ICMP has types in the place of ports: those of a request and its answer belong together. */
static uint16_t icmp_answer(uint8_t proto, uint8_t type, bool *out_pair)
{
	static const uint8_t v4[][2] = {{8, 0}, {13, 14}, {15, 16}, {17, 18}, {10, 9}};
	static const uint8_t v6[][2] = {{128, 129}, {133, 134}, {135, 136},
					{130, 131}, {139, 140}, {144, 145}};
	const uint8_t(*table)[2] = proto == IP_PROTO_ICMP ? v4 : v6;
	size_t n = proto == IP_PROTO_ICMP ? sizeof v4 / 2 : sizeof v6 / 2;

	*out_pair = true;
	for (size_t i = 0; i < n; i++)
		for (int k = 0; k < 2; k++)
			if (table[i][k] == type)
				return table[i][1 - k];
	*out_pair = false;
	return 0;
}

static void add_be16(struct buf *b, uint16_t v)
{
	buf_add_byte(b, (uint8_t)(v >> 8));
	buf_add_byte(b, (uint8_t)v);
}

void flow_community_id(uint16_t seed, uint8_t proto, const struct addr *a, uint16_t a_port,
		       const struct addr *b, uint16_t b_port, uint8_t out[FLOW_COMMUNITY_BYTES])
{
	uint8_t room[2 + 2 * 16 + 2 + 4], hash[CRYPTO_SHA1_BYTES];
	struct buf in = {.ptr = room, .room = sizeof room, .most = sizeof room};
	struct buf text = {.ptr = out, .room = FLOW_COMMUNITY_BYTES, .most = FLOW_COMMUNITY_BYTES};
	bool swap, icmp = proto == IP_PROTO_ICMP || proto == IP_PROTO_ICMP6, pair = true;
	int order;

	if (icmp) {
		uint8_t type = (uint8_t)a_port, code = (uint8_t)b_port;

		a_port = type;
		b_port = icmp_answer(proto, type, &pair);
		if (!pair)
			b_port = code;
	}
	order = memcmp(a->b, b->b, addr_bytes(a));
	swap = pair && (order > 0 || (order == 0 && a_port > b_port));
	add_be16(&in, seed);
	buf_add(&in, (struct slice){swap ? b->b : a->b, addr_bytes(a)});
	buf_add(&in, (struct slice){swap ? a->b : b->b, addr_bytes(a)});
	buf_add_byte(&in, proto);
	buf_add_byte(&in, 0);
	add_be16(&in, swap ? b_port : a_port);
	add_be16(&in, swap ? a_port : b_port);
	ASSERT(!in.full);
	crypto_sha1_of(buf_slice(&in), hash);
	buf_add_z(&text, "1:");
	crypto_base64_add(CRYPTO_BASE64, (struct slice){hash, sizeof hash}, &text);
	ASSERT(!text.full && text.len == FLOW_COMMUNITY_BYTES);
}
