/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/decode/decode_priv.h"

enum {
	PPP_IP4 = 0x0021,
	PPP_VJ_UNCOMPRESSED = 0x002f,
	PPP_IP6 = 0x0057,
	IPV4_HEADER = 20,
	IPV6_HEADER = 40,
};

/* IANA "PPP DLL protocol numbers" that Suricata knows and does not look into: those of users'
 * packets, then those that negotiate. */
static const uint16_t network_protocols[] = {0x0023, 0x0025, 0x0027, 0x0029, 0x002b, 0x002d,
					     0x0031, 0x0033, 0x0035, 0x004b, 0x004d, 0x0051,
					     0x0231, 0x0201, 0x0281, 0x0283};
static const uint16_t control_protocols[] = {0x8021, 0x8023, 0x8025, 0x8027, 0x8029, 0x802b, 0x8031,
					     0x8033, 0x8035, 0x8053, 0x8057, 0x8071, 0x80f3, 0x80fb,
					     0x80fd, 0x8281, 0xc021, 0xc023, 0xc025, 0xc223};

static bool known(const uint16_t *numbers, size_t n, uint16_t protocol)
{
	for (size_t i = 0; i < n; i++)
		if (numbers[i] == protocol)
			return true;
	return false;
}

#define KNOWN(numbers, protocol) known(numbers, sizeof(numbers) / sizeof(numbers)[0], protocol)

/* What the protocol number names. */
static bool inside(struct decode_state *s, uint16_t protocol, struct slice bytes)
{
	switch (protocol) {
	case PPP_VJ_UNCOMPRESSED:
		if (bytes.len < IPV4_HEADER)
			return decode_broken(s, PPP_VJU_PKT_TOO_SMALL);
		s->van_jacobson = true;
		(void)decode_next(s, DECODE_ETHER, ETHER_IPV4, bytes);
		s->van_jacobson = false;
		return true;
	case PPP_IP4:
		if (bytes.len < IPV4_HEADER)
			return decode_broken(s, PPP_IP4_PKT_TOO_SMALL);
		return decode_next(s, DECODE_ETHER, ETHER_IPV4, bytes) == DECODE_DONE;
	case PPP_IP6:
		if (bytes.len < IPV6_HEADER)
			return decode_broken(s, PPP_IP6_PKT_TOO_SMALL);
		return decode_next(s, DECODE_ETHER, ETHER_IPV6, bytes) == DECODE_DONE;
	default:
		if (KNOWN(control_protocols, protocol))
			return true;
		if (!KNOWN(network_protocols, protocol))
			return decode_broken(s, PPP_WRONG_TYPE);
		packet_anomaly(s->p, PPP_UNSUP_PROTO);
		return true;
	}
}

static bool ppp(struct decode_state *s, struct slice bytes)
{
	struct cursor c = cursor_of(bytes);
	uint16_t protocol;

	if (slice_starts(bytes, SLICE("\xff\x03"))) /* HDLC framing, RFC 1662 3.1 */
		(void)cursor_take(&c, 2);
	protocol = cursor_u8(&c);
	if ((protocol & 1) == 0) /* an odd first byte is a compressed number, RFC 1661 6.5 */
		protocol = (uint16_t)(protocol << 8 | cursor_u8(&c));
	if (!cursor_ok(&c))
		return decode_broken(s, PPP_PKT_TOO_SMALL);
	return inside(s, protocol, cursor_take(&c, cursor_left(&c)));
}

DECODER(ppp) = {
	.name = "ppp",
	.spec = "RFC 1661, RFC 1662",
	.keys = {{DECODE_LINK, 9}, {DECODE_LINK, 50}, {DECODE_ETHER, ETHER_PPP}, {DECODE_PPP, 0}},
	.decode = ppp,
};
