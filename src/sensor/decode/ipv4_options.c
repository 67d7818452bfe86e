/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/decode/decode_priv.h"

enum {
	OPT_EOL = 0,
	OPT_NOP = 1,
	OPT_RECORD_ROUTE = 7,
	OPT_QUICK_START = 25,
	OPT_TIME_STAMP = 68,
	OPT_SECURITY = 130,
	OPT_LOOSE_ROUTE = 131,
	OPT_CIPSO = 134,
	OPT_STREAM = 136,
	OPT_STRICT_ROUTE = 137,
	OPT_ROUTER_ALERT = 148,

	OPTION_RIGHT = DECODE_ANOMALY_COUNT,
};

/* RFC 791 3.1: a pointer from 1 behind type, length and itself, in steps of an address. */
static enum decode_anomaly route(struct slice body)
{
	if (body.len < 1)
		return IPV4_OPT_INVALID_LEN;
	if (body.ptr[0] < 4 || body.ptr[0] % 4 != 0 || body.ptr[0] > body.len + 3)
		return IPV4_OPT_MALFORMED;
	return (enum decode_anomaly)OPTION_RIGHT;
}

/* RFC 791 3.1: records of a time, or of an address and a time. */
static enum decode_anomaly time_stamp(struct slice body)
{
	unsigned record;

	if (body.len < 3)
		return IPV4_OPT_INVALID_LEN;
	if (body.ptr[0] < 5)
		return IPV4_OPT_MALFORMED;
	record = body.len > 3 && (body.ptr[3] == 1 || body.ptr[3] == 3) ? 8 : 4;
	if ((body.ptr[0] - 5u) % record != 0 || body.ptr[0] > body.len + 3)
		return IPV4_OPT_MALFORMED;
	return (enum decode_anomaly)OPTION_RIGHT;
}

/* draft-ietf-cipso-ipsecurity-01 and FIPS 188: a domain, then tags. */
static enum decode_anomaly cipso(struct slice body)
{
	struct cursor c = cursor_of(body);

	if (body.len < 8)
		return IPV4_OPT_INVALID_LEN;
	(void)cursor_be32(&c);
	while (cursor_left(&c) > 0) {
		uint8_t tag = cursor_u8(&c), len = cursor_u8(&c), alignment;

		if ((tag != 1 && tag != 2 && tag != 5 && tag != 6 && tag != 7) || len < 4)
			return IPV4_OPT_MALFORMED;
		alignment = cursor_u8(&c);
		(void)cursor_take(&c, len - 3u);
		if (!cursor_ok(&c) || (tag != 7 && alignment != 0))
			return IPV4_OPT_MALFORMED;
	}
	return (enum decode_anomaly)OPTION_RIGHT;
}

static enum decode_anomaly length_is(struct slice body, size_t len)
{
	return body.len == len ? (enum decode_anomaly)OPTION_RIGHT : IPV4_OPT_INVALID_LEN;
}

static enum decode_anomaly option(uint8_t type, struct slice body)
{
	switch (type) { /* IANA "IP option numbers" */
	case OPT_RECORD_ROUTE:
	case OPT_LOOSE_ROUTE:
	case OPT_STRICT_ROUTE:
		return route(body);
	case OPT_TIME_STAMP:
		return time_stamp(body);
	case OPT_CIPSO:
		return cipso(body);
	case OPT_QUICK_START: /* RFC 4782 3.1 */
		return body.len >= 6 ? (enum decode_anomaly)OPTION_RIGHT : IPV4_OPT_INVALID_LEN;
	case OPT_SECURITY: /* RFC 1108 */
		return length_is(body, 9);
	case OPT_STREAM:       /* RFC 791 */
	case OPT_ROUTER_ALERT: /* RFC 2113 */
		return length_is(body, 2);
	default:
		return IPV4_OPT_INVALID;
	}
}

void decode_ipv4_options(struct decode_state *s, struct slice bytes)
{
	struct packet *p = s->p;
	struct cursor c = cursor_of(bytes);
	uint64_t seen[4] = {0};

	if (bytes.len % 8 != 0)
		packet_anomaly(p, IPV4_OPT_PAD_REQUIRED);
	while (cursor_left(&c) > 0) {
		uint8_t type = cursor_u8(&c), len;
		enum decode_anomaly wrong;
		struct slice body;

		if (type == OPT_EOL)
			return;
		if (type == OPT_NOP)
			continue;
		if (cursor_left(&c) == 0) {
			packet_anomaly(p, IPV4_OPT_EOL_REQUIRED);
			return;
		}
		len = cursor_u8(&c);
		body = cursor_take(&c, len < 2 ? SIZE_MAX : len - 2u);
		if (!cursor_ok(&c)) {
			packet_anomaly_again(p, IPV4_OPT_INVALID_LEN);
			return;
		}
		if ((seen[type / 64] >> type % 64 & 1) != 0) {
			packet_anomaly_again(p, IPV4_OPT_DUPLICATE);
			continue;
		}
		wrong = option(type, body);
		if (wrong != (enum decode_anomaly)OPTION_RIGHT)
			packet_anomaly_again(p, wrong);
		else
			seen[type / 64] |= UINT64_C(1) << type % 64;
	}
}
