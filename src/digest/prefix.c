/* SPDX-License-Identifier: Apache-2.0
 *
 * RFC 791 3.1, RFC 8200 3: which bytes of a header may change on the way, and which may not.
 */
#include "base/cursor.h"
#include "digest/digest.h"

enum {
	PAYLOAD_4 = 12,
	PAYLOAD_6 = 20,
	UDP_LEAST = 12, /* header and four bytes */
	FRAGMENT_MASK = 0x1fff,
	TCP = 6,
	UDP = 17,
	ESP = 50,
	SCTP = 132,
};

/* Is there enough in the first bytes behind the IP header that cannot be guessed? TCP: sequence
 * numbers; ESP and SCTP: index or tag; UDP: port, checksum and four bytes of what it carries. */
static bool is_hard_to_guess(uint8_t proto, struct slice payload)
{
	return (proto == UDP && payload.len >= UDP_LEAST) ||
	       ((proto == TCP || proto == ESP || proto == SCTP) && payload.len >= 8);
}

static void put(struct digest_prefix *out, struct slice s)
{
	memcpy(out->bytes + out->len, s.ptr, s.len);
	out->len = (uint8_t)(out->len + s.len);
}

static bool version_4(struct cursor *c, struct digest_prefix *out)
{
	struct cursor header = *c;
	uint8_t first = cursor_u8(c), proto;
	size_t options = (first & 15u) * 4;
	uint32_t total, fragment;
	struct slice addresses, payload;

	(void)cursor_u8(c); /* type of service */
	total = cursor_be16(c);
	(void)cursor_be16(c);
	fragment = cursor_be16(c);
	(void)cursor_u8(c); /* time to live */
	proto = cursor_u8(c);
	(void)cursor_be16(c); /* checksum */
	addresses = cursor_take(c, 8);
	if (options < 20 || total < options)
		return false;
	(void)cursor_take(c, options - 20);
	/* What is behind the packet, such as Ethernet's padding, is not of it. */
	payload = slice_part(cursor_rest(c), 0, total - options);
	if (!cursor_ok(c) || (fragment & FRAGMENT_MASK) != 0 || !is_hard_to_guess(proto, payload))
		return false;
	put(out, cursor_take(&header, 1));
	(void)cursor_u8(&header);
	put(out, cursor_take(&header, 6)); /* length, identification, fragment */
	put(out, (struct slice){&proto, 1});
	put(out, addresses);
	put(out, slice_part(payload, 0, PAYLOAD_4));
	return true;
}

static bool version_6(struct cursor *c, struct digest_prefix *out)
{
	static const uint8_t version = 0x60;
	struct slice length, addresses, payload;
	uint8_t next;

	(void)cursor_be32(c); /* version, traffic class, flow label */
	length = cursor_take(c, 2);
	next = cursor_u8(c);
	(void)cursor_u8(c); /* hop limit */
	addresses = cursor_take(c, 32);
	if (!cursor_ok(c))
		return false;
	payload = slice_part(cursor_rest(c), 0, (size_t)length.ptr[0] << 8 | length.ptr[1]);
	if (!is_hard_to_guess(next, payload))
		return false;
	put(out, (struct slice){&version, 1});
	put(out, length);
	put(out, (struct slice){&next, 1});
	put(out, addresses);
	put(out, slice_part(payload, 0, PAYLOAD_6));
	return true;
}

bool digest_prefix_of(struct slice packet, struct digest_prefix *out)
{
	struct digest_prefix p = {.len = 0};
	struct cursor c = cursor_of(packet);
	bool ok = packet.len != 0 && ((packet.ptr[0] >> 4 == 4 && version_4(&c, &p)) ||
				      (packet.ptr[0] >> 4 == 6 && version_6(&c, &p)));

	if (ok)
		*out = p;
	return ok;
}
