/* SPDX-License-Identifier: Apache-2.0
 *
 * SMTP, recognised: RFC 5321 4.1.1.1 (the client's first command), 4.2 (the greeting, which FTP
 * shares: it must say so or come from a mail port).
 */
#include "sensor/app/probe_priv.h"

static enum app_probe probe(const struct app_flow *f, enum app_dir dir, struct slice in,
			    bool port_hint)
{
	static const char *const commands[] = {"EHLO ", "HELO ", "LHLO ", NULL};
	static const char *const greeting[] = {"220 ", "220-", NULL};

	(void)f;
	if (dir == APP_TO_SERVER)
		return app_probe_words(in, commands);
	return app_probe_greeting(in, greeting, port_hint, SLICE("SMTP"));
}

static const uint16_t ports[] = {25, 465, 587, 2525, 0};

APP_PROTOCOL(smtp) = {
	.name = "smtp",
	.spec = "RFC 5321",
	.transports = APP_TCP,
	.ports = ports,
	.probe = probe,
};
