/* SPDX-License-Identifier: Apache-2.0
 *
 * FTP's control connection, recognised: RFC 959 4.1.1, 4.2. Its greeting looks like SMTP's, so it
 * must say so or come from FTP's port; its first command is shared with POP3, which has a port.
 */
#include "sensor/app/probe_priv.h"

static enum app_probe probe(const struct app_flow *f, enum app_dir dir, struct slice in,
			    bool port_hint)
{
	static const char *const commands[] = {"USER ",	   "PASS ",    "PORT ",
					       "AUTH SSL", "AUTH TLS", NULL};
	static const char *const greeting[] = {"220 ", "220-", NULL};

	(void)f;
	if (dir == APP_TO_SERVER)
		return app_probe_words(in, commands);
	return app_probe_greeting(in, greeting, port_hint, SLICE("FTP"));
}

static const uint16_t ports[] = {21, 0};

APP_PROTOCOL(ftp) = {
	.name = "ftp",
	.spec = "RFC 959",
	.transports = APP_TCP,
	.ports = ports,
	.probe = probe,
};
