/* SPDX-License-Identifier: Apache-2.0
 *
 * MQTT, recognised: MQTT 5.0 3.1 (and 3.1.1, 3.1), a CONNECT packet.
 */
#include "base/cursor.h"
#include "sensor/app/app.h"

enum { CONNECT = 0x10, LENGTH_BYTES_MAX = 4 };

static enum app_probe probe(const struct app_flow *f, enum app_dir dir, struct slice in,
			    bool port_hint)
{
	struct cursor c = cursor_of(in);
	struct slice name;

	(void)f;
	(void)port_hint;
	if (in.len == 0)
		return APP_NEED_MORE;
	if (dir == APP_TO_CLIENT || cursor_u8(&c) != CONNECT)
		return APP_NO;
	for (unsigned i = 0; cursor_u8(&c) & 0x80; i++)
		if (i + 1 == LENGTH_BYTES_MAX)
			return APP_NO;
	name = cursor_take(&c, cursor_be16(&c) & 7);
	if (!cursor_ok(&c))
		return APP_NEED_MORE;
	return slice_equal(name, SLICE("MQTT")) || slice_equal(name, SLICE("MQIsdp")) ? APP_YES
										      : APP_NO;
}

APP_PROTOCOL(mqtt) = {
	.name = "mqtt",
	.spec = "MQTT 5.0, MQTT 3.1.1",
	.transports = APP_TCP,
	.probe = probe,
};
