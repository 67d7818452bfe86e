/* SPDX-License-Identifier: Apache-2.0
 *
 * POP3, recognised: RFC 1939 4. "+OK" alone is said by others too, so it must come from POP3's port
 * or name the protocol.
 */
#include "sensor/app/probe_priv.h"

static enum app_probe probe(const struct app_flow *f, enum app_dir dir, struct slice in,
			    bool port_hint)
{
	static const char *const commands[] = {"USER ",	   "APOP ", "CAPA\r\n",
					       "STLS\r\n", "AUTH ", NULL};
	static const char *const greeting[] = {"+OK ", "+OK\r\n", NULL};

	(void)f;
	if (dir == APP_TO_SERVER)
		return port_hint ? app_probe_words(in, commands) : APP_NO;
	return app_probe_greeting(in, greeting, port_hint, SLICE("POP3"));
}

static const uint16_t ports[] = {110, 0};

APP_PROTOCOL(pop3) = {
	.name = "pop3",
	.spec = "RFC 1939",
	.transports = APP_TCP,
	.ports = ports,
	.probe = probe,
};
