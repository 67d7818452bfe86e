/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/decode/decode_priv.h"

enum { GENEVE_HEADER = 8 };

static size_t header_bytes(struct slice bytes)
{
	return GENEVE_HEADER + (bytes.ptr[0] & 0x3fu) * 4;
}

/* Version 0, reserved bits zero, options that fit: RFC 8926 3.4. */
static bool geneve_probe(struct slice bytes)
{
	return bytes.len > GENEVE_HEADER && (bytes.ptr[0] & 0xc0) == 0 &&
	       (bytes.ptr[1] & 0x3f) == 0 && bytes.ptr[7] == 0 && bytes.len > header_bytes(bytes);
}

static void geneve(struct decode_state *s, struct slice bytes)
{
	struct cursor c = cursor_of(slice_from(bytes, 2));
	uint16_t type = cursor_be16(&c);

	if (!decode_next(s, DECODE_ETHER, type, slice_from(bytes, header_bytes(bytes))))
		packet_anomaly(s->p, GENEVE_UNKNOWN_PAYLOAD_TYPE);
}

DECODER(geneve) = {
	.name = "geneve",
	.spec = "RFC 8926",
	.keys = {{DECODE_UDP, 6081}},
	.probe = geneve_probe,
	.decode = geneve,
};
