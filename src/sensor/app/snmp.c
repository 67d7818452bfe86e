/* SPDX-License-Identifier: Apache-2.0
 *
 * SNMP, recognised on its ports: RFC 1157 4, RFC 3416, RFC 3412 6: a BER sequence that starts with
 * the version.
 */
#include "base/cursor.h"
#include "sensor/app/app.h"

enum { BER_SEQUENCE = 0x30, BER_INTEGER = 0x02, VERSION_MAX = 3 };

static enum app_probe probe(const struct app_flow *f, enum app_dir dir, struct slice in,
			    bool port_hint)
{
	struct cursor c = cursor_of(in);
	uint8_t tag = cursor_u8(&c);
	size_t length = cursor_u8(&c);

	(void)f;
	(void)dir;
	if (!port_hint || tag != BER_SEQUENCE)
		return APP_NO;
	if (length >= 0x81 && length <= 0x84)
		length = (size_t)cursor_be(&c, length & 0x7f);
	else if (length >= 0x80)
		return APP_NO;
	if (length != cursor_left(&c) || cursor_u8(&c) != BER_INTEGER || cursor_u8(&c) != 1 ||
	    cursor_u8(&c) > VERSION_MAX)
		return APP_NO;
	return cursor_ok(&c) ? APP_YES : APP_NO;
}

static const uint16_t ports[] = {161, 162, 0};

APP_PROTOCOL(snmp) = {
	.name = "snmp",
	.spec = "RFC 3416, RFC 3412",
	.transports = APP_UDP,
	.ports = ports,
	.probe = probe,
};
