/* SPDX-License-Identifier: Apache-2.0
 *
 * RDP, recognised: MS-RDPBCGR 2.2.1.1 and 2.2.1.2, an X.224 connection request or confirm in a TPKT
 * (RFC 1006). Others use those too (S7), so it must hold what only RDP sends, or use RDP's port.
 */
#include "base/cursor.h"
#include "sensor/app/app.h"

enum { TPKT_VERSION = 3, HEADER_BYTES = 11, X224_REQUEST = 0xe0, X224_CONFIRM = 0xd0 };
enum { NEGOTIATION_REQUEST = 1, NEGOTIATION_RESPONSE = 2, NEGOTIATION_FAILURE = 3 };

static enum app_probe probe(const struct app_flow *f, enum app_dir dir, struct slice in,
			    bool port_hint)
{
	struct cursor c = cursor_of(in);
	uint8_t version = cursor_u8(&c), reserved = cursor_u8(&c), kind;
	size_t length = cursor_be16(&c), x224 = cursor_u8(&c);
	struct slice rest;

	(void)f;
	if ((in.len >= 1 && version != TPKT_VERSION) || (in.len >= 2 && reserved != 0))
		return APP_NO;
	if (in.len >= 5 && (length < HEADER_BYTES || x224 + 5 != length))
		return APP_NO;
	if (in.len < 5 || in.len < length)
		return APP_NEED_MORE;
	if (cursor_u8(&c) != (dir == APP_TO_SERVER ? X224_REQUEST : X224_CONFIRM))
		return APP_NO;
	if (port_hint)
		return APP_YES;
	rest = slice_part(in, HEADER_BYTES, length - HEADER_BYTES);
	if (slice_starts(rest, SLICE("Cookie: mstshash=")))
		return APP_YES;
	kind = rest.len >= 8 ? rest.ptr[rest.len - 8] : 0; /* the negotiation stands at the end */
	if (rest.len < 8 || rest.ptr[rest.len - 6] != 8 || rest.ptr[rest.len - 5] != 0)
		return APP_NO;
	if (dir == APP_TO_SERVER)
		return kind == NEGOTIATION_REQUEST ? APP_YES : APP_NO;
	return kind == NEGOTIATION_RESPONSE || kind == NEGOTIATION_FAILURE ? APP_YES : APP_NO;
}

static const uint16_t ports[] = {3389, 0};

APP_PROTOCOL(rdp) = {
	.name = "rdp",
	.spec = "MS-RDPBCGR",
	.transports = APP_TCP,
	.ports = ports,
	.probe = probe,
};
