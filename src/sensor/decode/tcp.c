/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/decode/decode_priv.h"

enum {
	TCP_HEADER = 20,
	OPT_EOL = 0,
	OPT_NOP = 1,
	OPT_MSS = 2,
	OPT_WSCALE = 3,
	OPT_SACK_OK = 4,
	OPT_SACK = 5,
	OPT_TS = 8,
	OPT_MD5 = 19,
	OPT_AO = 29,
	OPT_FASTOPEN = 34,
	OPT_EXPERIMENT = 253, /* and 254; RFC 6994 */
	FASTOPEN_MAGIC = 0xf989,
	WSCALE_MAX = 14, /* RFC 7323 2.3 */
};

static bool length_right(uint8_t type, size_t body)
{
	switch (type) {
	case OPT_MSS:
		return body == 2;
	case OPT_WSCALE:
		return body == 1;
	case OPT_SACK_OK:
		return body == 0;
	case OPT_SACK:
		return body % 8 == 0; /* an empty one is useless, but common */
	case OPT_TS:
		return body == 8;
	default:
		return true;
	}
}

/* The first of its kind counts, as in Suricata. */
static void option(struct packet_tcp *t, uint8_t type, struct cursor body)
{
	switch (type) {
	case OPT_MSS:
		t->mss = cursor_be16(&body);
		break;
	case OPT_WSCALE:
		t->wscale = cursor_u8(&body);
		if (t->wscale > WSCALE_MAX)
			t->wscale = WSCALE_MAX;
		t->has_wscale = true;
		break;
	case OPT_SACK_OK:
		t->sack_ok = true;
		break;
	case OPT_SACK:
		while (t->sacks < PACKET_SACKS_MAX && cursor_left(&body) > 0) {
			t->sack[t->sacks].start = cursor_be32(&body);
			t->sack[t->sacks++].end = cursor_be32(&body);
		}
		break;
	case OPT_TS:
		t->ts_val = cursor_be32(&body);
		t->ts_ecr = cursor_be32(&body);
		t->has_ts = true;
		break;
	default:
		break;
	}
}

static void rare_option(struct packet_tcp *t, uint8_t type, struct cursor body)
{
	if (type == OPT_MD5 || type == OPT_AO)
		t->is_signed = true;
	else if (type == OPT_FASTOPEN)
		t->has_fastopen = true;
	else if (type >= OPT_EXPERIMENT && cursor_left(&body) >= 2)
		t->has_fastopen = t->has_fastopen || cursor_be16(&body) == FASTOPEN_MAGIC;
}

static void options(struct packet *p, struct slice bytes)
{
	struct cursor c = cursor_of(bytes);
	uint16_t seen = 0;

	while (cursor_left(&c) > 0) {
		uint8_t type = cursor_u8(&c), len;
		struct cursor body;

		if (type == OPT_EOL)
			return;
		if (type == OPT_NOP)
			continue;
		if (cursor_left(&c) == 0)
			return;
		len = cursor_u8(&c);
		if (len < 2 || len - 2u > cursor_left(&c)) {
			packet_anomaly_again(p, TCP_OPT_INVALID_LEN);
			return;
		}
		body = cursor_sub(&c, len - 2u);
		if (!length_right(type, cursor_left(&body))) {
			packet_anomaly_again(p, TCP_OPT_INVALID_LEN);
			continue;
		}
		if (type > OPT_TS) {
			rare_option(&p->tcp, type, body);
			continue;
		}
		if ((seen >> type & 1) != 0)
			packet_anomaly_again(p, TCP_OPT_DUPLICATE);
		else
			option(&p->tcp, type, body);
		seen = (uint16_t)(seen | 1u << type);
	}
}

static bool tcp(struct decode_state *s, struct slice bytes)
{
	struct packet *p = s->p;
	struct cursor c = cursor_of(bytes);
	uint16_t sport = cursor_be16(&c), dport = cursor_be16(&c), offset_flags;
	struct packet_tcp t = {.seq = cursor_be32(&c)};
	size_t header;

	t.ack = cursor_be32(&c);
	offset_flags = cursor_be16(&c);
	t.window = cursor_be16(&c);
	(void)cursor_be16(&c); /* checksum: packet_checksum_l4() */
	t.urgent = cursor_be16(&c);
	if (!cursor_ok(&c))
		return decode_broken(s, TCP_PKT_TOO_SMALL);
	header = (size_t)(offset_flags >> 12) * 4;
	if (header > bytes.len)
		return decode_broken(s, TCP_HLEN_TOO_SMALL);
	if (header < TCP_HEADER)
		return decode_broken(s, TCP_INVALID_OPTLEN);
	t.flags = (uint8_t)(offset_flags & 0xff);
	p->sport = sport;
	p->dport = dport;
	p->tcp = t;
	p->l4_header = slice_part(bytes, 0, header);
	p->payload = slice_from(bytes, header);
	options(p, slice_part(bytes, TCP_HEADER, header - TCP_HEADER));
	return true;
}

DECODER(tcp) = {
	.name = "tcp",
	.spec = "RFC 9293 3.1, RFC 7323, RFC 2018",
	.keys = {{DECODE_IP, IP_PROTO_TCP}},
	.leaf = true,
	.decode = tcp,
};
