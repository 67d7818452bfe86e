/* SPDX-License-Identifier: Apache-2.0
 *
 * Modbus/TCP, recognised on its port: MODBUS Messaging on TCP/IP V1.0b 3.1.3 (header), MODBUS
 * Application Protocol V1.1b3 4.1 (a PDU is 1..253 bytes).
 */
#include "base/cursor.h"
#include "sensor/app/app.h"

enum { LENGTH_LEAST = 2, LENGTH_MOST = 254 }; /* of unit id and PDU */

static enum app_probe probe(const struct app_flow *f, enum app_dir dir, struct slice in,
			    bool port_hint)
{
	struct cursor c = cursor_of(in);
	uint16_t protocol, length;

	(void)f;
	(void)dir;
	if (!port_hint)
		return APP_NO;
	(void)cursor_be16(&c); /* transaction id */
	protocol = cursor_be16(&c);
	length = cursor_be16(&c);
	if (!cursor_ok(&c))
		return APP_NEED_MORE;
	return protocol == 0 && length >= LENGTH_LEAST && length <= LENGTH_MOST ? APP_YES : APP_NO;
}

static const uint16_t ports[] = {502, 0};

APP_PROTOCOL(modbus) = {
	.name = "modbus",
	.spec = "MODBUS Messaging on TCP/IP V1.0b",
	.transports = APP_TCP,
	.ports = ports,
	.probe = probe,
};
