/* SPDX-License-Identifier: Apache-2.0
 *
 * DHCP, recognised: RFC 2131 2 and RFC 2132 2, BOOTP's fixed part and the magic cookie behind it.
 */
#include "base/cursor.h"
#include "sensor/app/app.h"

enum { OP_REQUEST = 1, OP_REPLY = 2, COOKIE_AT = 236, HARDWARE_ADDRESS_MAX = 16 };

static enum app_probe probe(const struct app_flow *f, enum app_dir dir, struct slice in,
			    bool port_hint)
{
	struct cursor c = cursor_of(in);
	uint8_t op = cursor_u8(&c), length;

	(void)f;
	(void)dir;
	(void)port_hint;
	(void)cursor_u8(&c); /* hardware type */
	length = cursor_u8(&c);
	(void)cursor_take(&c, COOKIE_AT - 3);
	return slice_equal(cursor_take(&c, 4), SLICE("\x63\x82\x53\x63")) &&
			       (op == OP_REQUEST || op == OP_REPLY) &&
			       length <= HARDWARE_ADDRESS_MAX
		       ? APP_YES
		       : APP_NO;
}

APP_PROTOCOL(dhcp) = {
	.name = "dhcp",
	.spec = "RFC 2131",
	.transports = APP_UDP,
	.probe = probe,
};
