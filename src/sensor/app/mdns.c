/* SPDX-License-Identifier: Apache-2.0
 *
 * Multicast DNS: RFC 6762. Its messages are DNS's, but nobody is asked and nobody answers: each is
 * a transaction of the direction in which it went, a query or a response by its own word.
 */
#include "sensor/app/dns_priv.h"

/* A response is a direction's own word, too: it says nothing about who began. */
static enum app_probe probe(const struct app_flow *f, enum app_dir dir, struct slice in,
			    bool port_hint)
{
	enum app_probe r = app_dns_probe(f, dir, in, port_hint);

	return r == APP_YES_OTHER ? APP_YES : r;
}

static const uint16_t ports[] = {5353, 0};

APP_PROTOCOL(mdns) = {
	.name = "mdns",
	.spec = "RFC 6762, RFC 1035",
	.transports = APP_UDP,
	.ports = ports,
	.fields = app_mdns_fields,
	.anomalies = app_dns_anomalies,
	.frames = app_dns_frames,
	.complete = {1, 1},
	.probe = probe,
	.parse = app_dns_parse,
	.log = app_mdns_log,
};
