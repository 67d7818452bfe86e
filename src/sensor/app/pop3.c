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
	struct slice line;
	enum app_probe r;

	(void)f;
	if (dir == APP_TO_SERVER)
		return port_hint ? app_probe_words(in, commands) : APP_NO;
	r = app_probe_words(in, greeting);
	if (r != APP_YES || port_hint)
		return r;
	if (!app_probe_line(in, &line))
		return APP_NEED_MORE;
	return app_probe_has(line, SLICE("POP3")) ? APP_YES : APP_NO;
}

static const uint16_t ports[] = {110, 0};

APP_PROTOCOL(pop3) = {
	.name = "pop3",
	.spec = "RFC 1939",
	.transports = APP_TCP,
	.ports = ports,
	.probe = probe,
};
