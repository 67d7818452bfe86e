/* SPDX-License-Identifier: Apache-2.0
 *
 * RFB (VNC), recognised: RFC 6143 7.1.1, "RFB 003.008" from either side.
 */
#include "base/text.h"
#include "sensor/app/app.h"

static enum app_probe probe(const struct app_flow *f, enum app_dir dir, struct slice in,
			    bool port_hint)
{
	static const char form[] = "RFB ddd.ddd\n"; /* d: a digit */

	(void)f;
	(void)dir;
	(void)port_hint;
	for (size_t i = 0; i < sizeof form - 1; i++) {
		if (i == in.len)
			return APP_NEED_MORE;
		if (form[i] == 'd' ? !text_is_digit(in.ptr[i]) : in.ptr[i] != (uint8_t)form[i])
			return APP_NO;
	}
	return APP_YES;
}

APP_PROTOCOL(rfb) = {
	.name = "rfb",
	.spec = "RFC 6143",
	.transports = APP_TCP,
	.probe = probe,
};
