/* SPDX-License-Identifier: Apache-2.0
 *
 * SMB, recognised: RFC 1002 4.3 (session service in front), MS-CIFS 2.2.3.1 and MS-SMB2 2.2.1 (the
 * four bytes that every message starts with; \xfd is an encrypted one).
 */
#include "base/cursor.h"
#include "sensor/app/app.h"

enum { NBSS_MESSAGE = 0x00, NBSS_REQUEST = 0x81 };

static enum app_probe probe(const struct app_flow *f, enum app_dir dir, struct slice in,
			    bool port_hint)
{
	struct cursor c = cursor_of(in);
	uint8_t type = cursor_u8(&c), mark;
	size_t length = cursor_be(&c, 3);

	(void)f;
	if (in.len == 0)
		return APP_NEED_MORE;
	if (type == NBSS_REQUEST && port_hint && dir == APP_TO_SERVER) {
		if (in.len < 5)
			return APP_NEED_MORE;
		/* RFC 1001 14.1: two names of 32 letters, each with a length in front */
		return length == 68 && in.ptr[4] == 32 ? APP_YES : APP_NO;
	}
	if (type != NBSS_MESSAGE)
		return APP_NO;
	mark = cursor_u8(&c);
	if (cursor_ok(&c) && mark < 0xfd)
		return APP_NO;
	if (in.len < 8)
		return APP_NEED_MORE;
	return slice_equal(cursor_take(&c, 3), SLICE("SMB")) ? APP_YES : APP_NO;
}

static const uint16_t ports[] = {445, 139, 0};

APP_PROTOCOL(smb) = {
	.name = "smb",
	.spec = "MS-CIFS, MS-SMB2, RFC 1002",
	.transports = APP_TCP,
	.ports = ports,
	.probe = probe,
};
