/* SPDX-License-Identifier: Apache-2.0
 *
 * HTTP/2 without TLS, recognised: RFC 9113 3.4, the client's preface.
 */
#include "sensor/app/app.h"

static enum app_probe probe(const struct app_flow *f, enum app_dir dir, struct slice in,
			    bool port_hint)
{
	static const struct slice preface = {(const uint8_t *)"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
					     24};

	(void)f;
	(void)port_hint;
	if (dir == APP_TO_CLIENT)
		return APP_NO;
	if (slice_starts(in, preface))
		return APP_YES;
	return slice_starts(preface, in) ? APP_NEED_MORE : APP_NO;
}

APP_PROTOCOL(http2) = {
	.name = "http2",
	.spec = "RFC 9113",
	.transports = APP_TCP,
	.probe = probe,
};
