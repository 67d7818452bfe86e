/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/decode/decode_priv.h"

/* AF_INET6 of the BSDs, Darwin and Linux; AF_INET is 2 everywhere. */
enum { AF_V4 = 2, AF_V6_NETBSD = 24, AF_V6_FREEBSD = 28, AF_V6_DARWIN = 30, AF_V6_LINUX = 10 };

static bool null(struct decode_state *s, struct slice bytes)
{
	struct cursor c = cursor_of(bytes);
	uint32_t family = cursor_be32(&c);
	struct slice rest = cursor_take(&c, cursor_left(&c));

	if (!cursor_ok(&c))
		return decode_broken(s, LTNULL_PKT_TOO_SMALL);
	if ((family & 0xffff) == 0) /* LINKTYPE_NULL has the order of the machine that captured */
		family = __builtin_bswap32(family);
	switch (family) {
	case AF_V4:
		return decode_next(s, DECODE_ETHER, ETHER_IPV4, rest) == DECODE_DONE;
	case AF_V6_NETBSD:
	case AF_V6_FREEBSD:
	case AF_V6_DARWIN:
	case AF_V6_LINUX:
		return decode_next(s, DECODE_ETHER, ETHER_IPV6, rest) == DECODE_DONE;
	default:
		packet_anomaly(s->p, LTNULL_UNSUPPORTED_TYPE);
		return false;
	}
}

DECODER(null) = {
	.name = "null",
	.spec = "LINKTYPE_NULL, LINKTYPE_LOOP",
	.keys = {{DECODE_LINK, 0}, {DECODE_LINK, 108}},
	.decode = null,
};
