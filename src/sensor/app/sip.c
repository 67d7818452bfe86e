/* SPDX-License-Identifier: Apache-2.0
 *
 * SIP, recognised: RFC 3261 7.1 and 7.2, on datagrams or streams.
 */
#include "sensor/app/probe_priv.h"

static enum app_probe probe(const struct app_flow *f, enum app_dir dir, struct slice in,
			    bool port_hint)
{
	/* "sip:" also begins "sips:" up to the last letter: both schemes are listed */
	static const char *const starts[] = {
		"INVITE sip:",
		"INVITE sips:",
		"REGISTER sip:",
		"REGISTER sips:",
		"OPTIONS sip:",
		"OPTIONS sips:",
		"SUBSCRIBE sip:",
		"NOTIFY sip:",
		"MESSAGE sip:",
		"PUBLISH sip:",
		"ACK sip:",
		"BYE sip:",
		"CANCEL sip:",
		"PRACK sip:",
		"INFO sip:",
		"UPDATE sip:",
		"REFER sip:",
		"SIP/2.0 ",
		NULL,
	};

	(void)f;
	(void)dir;
	(void)port_hint;
	return app_probe_words(in, starts);
}

APP_PROTOCOL(sip) = {
	.name = "sip",
	.spec = "RFC 3261",
	.transports = APP_TCP | APP_UDP,
	.probe = probe,
};
