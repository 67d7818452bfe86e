/* SPDX-License-Identifier: Apache-2.0
 *
 * NTP, recognised on its port: RFC 5905 7.3 (the fixed header), RFC 9327 (control messages, mode
 * 6).
 */
#include "sensor/app/app.h"

enum { HEADER_BYTES = 48, CONTROL_BYTES = 12, MODE_CONTROL = 6, MODE_PRIVATE = 7 };

static enum app_probe probe(const struct app_flow *f, enum app_dir dir, struct slice in,
			    bool port_hint)
{
	unsigned version, mode;

	(void)f;
	(void)dir;
	if (!port_hint || in.len < CONTROL_BYTES)
		return APP_NO;
	version = in.ptr[0] >> 3 & 7;
	mode = in.ptr[0] & 7;
	if (version < 1 || version > 4 || mode == 0 || mode == MODE_PRIVATE)
		return APP_NO;
	return mode == MODE_CONTROL || in.len >= HEADER_BYTES ? APP_YES : APP_NO;
}

static const uint16_t ports[] = {123, 0};

APP_PROTOCOL(ntp) = {
	.name = "ntp",
	.spec = "RFC 5905",
	.transports = APP_UDP,
	.ports = ports,
	.probe = probe,
};
