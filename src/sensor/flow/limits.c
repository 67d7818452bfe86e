/* SPDX-License-Identifier: Apache-2.0
 * Settings: after how many seconds without a packet a flow ends. */
#include "base/buf.h"
#include "sensor/config/config.h"
#include "sensor/flow/flow_priv.h"

/* Suricata's, so that flow records match: of suricata.yaml as it is shipped. */
static const uint32_t timeouts_s[FLOW_CLASSES][FLOW_STATES] = {
	[FLOW_CLASS_TCP] = {60, 600, 60, 100},
	[FLOW_CLASS_UDP] = {30, 300, 30, 100},
	[FLOW_CLASS_ICMP] = {30, 300, 30, 100},
	[FLOW_CLASS_OTHER] = {30, 300, 30, 100},
};

/* What it takes where a suricata.yaml does not say. Only TCP differs. */
static const uint32_t silent_tcp_s[FLOW_STATES] = {30, 300, 10, 100};

/* Suricata's own, which its suricata.yaml repeats, but for a TCP session that was closed: 0. */
static const uint32_t emergency_s[FLOW_STATES] = {10, 100, 0, 50};

uint32_t flow_emergency_s(const struct flow_limits *l, enum flow_class class, unsigned state)
{
	uint32_t s = l->emergency_s[class][state], usual = flow_timeout_s(l, class, state);

	s = s != 0 ? s : emergency_s[state];
	return s < usual ? s : usual;
}

uint32_t flow_timeout_s(const struct flow_limits *l, enum flow_class class, unsigned state)
{
	uint32_t s = l->timeout_s[class][state];

	return s != 0 ? s : timeouts_s[class][state];
}

void flow_limits_read(struct flow_limits *out, struct config *c)
{
	static const char *const classes[] = {[FLOW_CLASS_TCP] = "tcp",
					      [FLOW_CLASS_UDP] = "udp",
					      [FLOW_CLASS_ICMP] = "icmp",
					      [FLOW_CLASS_OTHER] = "default"};
	static const char *const states[] = {"new", "established", "closed", "bypassed"};
	static const char *const emergency[] = {"emergency-new", "emergency-established",
						"emergency-closed", "emergency-bypassed"};
	struct config *all = config_at(c, "flow-timeouts");

	for (unsigned k = 0; c != NULL && k < FLOW_CLASSES; k++) {
		struct config *of = config_at(all, classes[k]);

		for (unsigned s = 0; s < FLOW_STATES; s++) {
			out->timeout_s[k][s] =
				(uint32_t)config_u64(of, states[s], 0, UINT32_MAX,
						     k == FLOW_CLASS_TCP ? silent_tcp_s[s] : 0);
			out->emergency_s[k][s] =
				(uint32_t)config_u64(of, emergency[s], 0, UINT32_MAX, 0);
		}
	}
	/* a flow has room in it for its TCP session */
	out->memcap = config_size(c, "flow.memcap", 0);
	if (out->memcap != 0)
		out->memcap += config_size(c, "stream.memcap", 0);
	out->recovery = (uint32_t)config_u64(c, "flow.emergency-recovery", 1, 100, 30);
	out->any_vlan = !config_bool(c, "vlan.use-for-tracking", true);
	out->any_depth = !config_bool(c, "decoder.recursion-level.use-for-tracking", true);
	/* a SYN/ACK that comes first is an answer only to who may pick sessions up */
	out->as_they_come = c != NULL && !config_bool(c, "stream.midstream", false) &&
			    !config_bool(c, "stream.async-oneside", false);
}
