/* SPDX-License-Identifier: Apache-2.0
 *
 * IMAP, recognised: RFC 9051 7.1, the server's greeting.
 */
#include "sensor/app/probe_priv.h"

static enum app_probe probe(const struct app_flow *f, enum app_dir dir, struct slice in,
			    bool port_hint)
{
	static const char *const greeting[] = {"* OK ", "* PREAUTH ", "* BYE ", NULL};

	(void)f;
	(void)port_hint;
	return dir == APP_TO_CLIENT ? app_probe_words(in, greeting) : APP_NO;
}

static const uint16_t ports[] = {143, 0};

APP_PROTOCOL(imap) = {
	.name = "imap",
	.spec = "RFC 9051",
	.transports = APP_TCP,
	.ports = ports,
	.probe = probe,
};
