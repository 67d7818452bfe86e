/* SPDX-License-Identifier: Apache-2.0
 *
 * DCE/RPC on TCP, recognised: C706 12.6.3.1, the common header of a connection-oriented PDU.
 */
#include "base/cursor.h"
#include "sensor/app/app.h"

enum { HEADER_BYTES = 16, TYPES = 20 };

static enum app_probe probe(const struct app_flow *f, enum app_dir dir, struct slice in,
			    bool port_hint)
{
	static const uint8_t version = 5;
	struct cursor c = cursor_of(in);
	uint8_t type, order;
	size_t length;

	(void)f;
	(void)dir;
	(void)port_hint;
	if ((in.len >= 1 && in.ptr[0] != version) || (in.len >= 2 && in.ptr[1] > 1))
		return APP_NO;
	if (in.len < HEADER_BYTES)
		return APP_NEED_MORE;
	(void)cursor_be16(&c);
	type = cursor_u8(&c);
	(void)cursor_u8(&c); /* flags */
	order = cursor_u8(&c);
	if (type > TYPES || (order != 0x10 && order != 0x00) || cursor_u8(&c) > 3 ||
	    cursor_be16(&c) != 0)
		return APP_NO;
	length = cursor_be16(&c);
	if (order == 0x10)
		length = (length & 0xff) << 8 | length >> 8;
	return length >= HEADER_BYTES ? APP_YES : APP_NO;
}

APP_PROTOCOL(dcerpc) = {
	.name = "dcerpc",
	.spec = "C706 12.6",
	.transports = APP_TCP,
	.probe = probe,
};
