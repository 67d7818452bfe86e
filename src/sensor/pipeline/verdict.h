/* SPDX-License-Identifier: Apache-2.0
 *
 * sensor/pipeline/verdict.h - what becomes of a packet, and of the rest of its flow.
 *
 * Inline (`simulate_ips`) a verdict is obeyed: a dropped packet is in no stream, and of a dropped
 * flow every packet is dropped. On a tap it is only said. What may decide: a rule's action, an
 * exception policy (what to do where the sensor cannot look: no memory, no handshake seen, bytes
 * that the protocol's parser does not understand), the stream (a packet that the receiver would not
 * take), the flow (that was dropped before). Who is first names the reason. Suricata's words.
 */
#ifndef DEW_SENSOR_PIPELINE_VERDICT_H
#define DEW_SENSOR_PIPELINE_VERDICT_H

#include "base/slice.h"
#include "base/status.h"
#include "sensor/flow/flow.h"

struct config;
struct detect_hit;
struct rule;

enum verdict_reason {
	VERDICT_NO_REASON,
	VERDICT_DECODE_ERROR,
	VERDICT_DEFRAG_ERROR,
	VERDICT_DEFRAG_MEMCAP,
	VERDICT_FLOW_MEMCAP,
	VERDICT_FLOW_DROP,
	VERDICT_STREAM_ERROR,
	VERDICT_STREAM_MEMCAP,
	VERDICT_STREAM_MIDSTREAM,
	VERDICT_STREAM_REASSEMBLY,
	VERDICT_STREAM_URGENT,
	VERDICT_APPLAYER_ERROR,
	VERDICT_APPLAYER_MEMCAP,
	VERDICT_RULES,
	VERDICT_RULES_THRESHOLD,  /* a rate filter made a drop of it */
	VERDICT_POLICY_FLOW_DROP, /* an exception policy dropped the flow before */
	VERDICT_REASONS
};

/* "rules", "stream error": EVE's drop.reason; NULL for VERDICT_NO_REASON. */
const char *verdict_reason_name(enum verdict_reason r);

enum verdict_reject {
	VERDICT_REJECT_NONE,
	VERDICT_REJECT_SRC,
	VERDICT_REJECT_DST,
	VERDICT_REJECT_BOTH
};

struct verdict {
	bool drop, pass;
	enum verdict_reject reject; /* and drop */
	enum verdict_reason reason; /* of the drop */
	const struct rule *rule;    /* the first rule that dropped it, or NULL */
	bool skip_payload;	    /* rules do not look at what it carries */
	bool skip;		    /* no rule looks at it at all */
};

enum verdict_policy {
	VERDICT_IGNORE,
	VERDICT_DROP_FLOW,
	VERDICT_PASS_FLOW,
	VERDICT_BYPASS,
	VERDICT_DROP_PACKET,
	VERDICT_PASS_PACKET,
	VERDICT_REJECT,
	VERDICT_POLICIES
};

/* "drop_flow": as EVE writes it. */
const char *verdict_policy_name(enum verdict_policy p);

/* What a policy may be about, in EVE's order of flow.exception_policy. */
enum verdict_target {
	VERDICT_TARGET_DEFRAG,
	VERDICT_TARGET_SESSION,
	VERDICT_TARGET_REASSEMBLY,
	VERDICT_TARGET_FLOW,
	VERDICT_TARGET_MIDSTREAM,
	VERDICT_TARGET_APP,
	VERDICT_TARGETS
};

/* "stream_midstream": EVE's flow.exception_policy[].target. Flow.policies has a bit for each. */
const char *verdict_target_name(enum verdict_target t);

struct verdict_policies {
	enum verdict_policy of[VERDICT_TARGETS];
	bool ips;
	bool drop_invalid; /* stream.drop-invalid */
};

/* Reads exception-policy and what may override it. Fails where Suricata does: a word it does not
 * know, a policy that does not go with midstream or without inline mode. */
MUST_USE enum status verdict_policies_read(struct verdict_policies *out, struct config *c, bool ips,
					   bool midstream, struct fail *why);

/* The packet is dropped. The first reason stays. */
void verdict_drop(struct verdict *v, enum verdict_reason reason);

/* What policy t says is done to the packet and to its flow (NULL: it has none). */
void verdict_exception(struct verdict *v, const struct verdict_policies *p, enum verdict_target t,
		       struct flow *f);

/* What a rule that matched says is done. */
void verdict_rule(struct verdict *v, const struct detect_hit *hit);

#endif
