/* SPDX-License-Identifier: Apache-2.0
 *
 * Policies and actions, turned into what becomes of packets and flows.
 *
 * 1. The first who drops a packet names the reason and the rule.
 * 2. The first action that a flow is given stays: a flow that passes is not dropped later, nor the
 *    other way round. An exception policy may still overrule what a rule said.
 */
#include "sensor/pipeline/verdict.h"

#include "sensor/config/config.h"
#include "sensor/detect/detect.h"

static const char *const reasons[VERDICT_REASONS] = {
	[VERDICT_DECODE_ERROR] = "decode error",
	[VERDICT_DEFRAG_ERROR] = "defrag error",
	[VERDICT_DEFRAG_MEMCAP] = "defrag memcap",
	[VERDICT_FLOW_MEMCAP] = "flow memcap",
	[VERDICT_FLOW_DROP] = "flow drop",
	[VERDICT_STREAM_ERROR] = "stream error",
	[VERDICT_STREAM_MEMCAP] = "stream memcap",
	[VERDICT_STREAM_MIDSTREAM] = "stream midstream",
	[VERDICT_STREAM_REASSEMBLY] = "stream reassembly",
	[VERDICT_STREAM_URGENT] = "stream urgent",
	[VERDICT_APPLAYER_ERROR] = "applayer error",
	[VERDICT_APPLAYER_MEMCAP] = "applayer memcap",
	[VERDICT_RULES] = "rules",
	[VERDICT_RULES_THRESHOLD] = "threshold detection_filter",
	[VERDICT_POLICY_FLOW_DROP] = "exception policy flow drop",
};

/* In the configuration with '-', in EVE with '_'. */
static const char *const policy_names[VERDICT_POLICIES] = {
	[VERDICT_IGNORE] = "ignore",	       [VERDICT_DROP_FLOW] = "drop_flow",
	[VERDICT_PASS_FLOW] = "pass_flow",     [VERDICT_BYPASS] = "bypass",
	[VERDICT_DROP_PACKET] = "drop_packet", [VERDICT_PASS_PACKET] = "pass_packet",
	[VERDICT_REJECT] = "reject",
};

static const struct {
	const char *eve, *key;
	enum verdict_reason reason;
	bool packets_only; /* there is no flow yet */
} targets[VERDICT_TARGETS] = {
	[VERDICT_TARGET_DEFRAG] = {"defrag_memcap", "defrag.memcap-policy", VERDICT_DEFRAG_MEMCAP,
				   true},
	[VERDICT_TARGET_SESSION] = {"stream_memcap", "stream.memcap-policy", VERDICT_STREAM_MEMCAP,
				    false},
	[VERDICT_TARGET_REASSEMBLY] = {"stream_reassembly_memcap",
				       "stream.reassembly.memcap-policy", VERDICT_STREAM_REASSEMBLY,
				       false},
	[VERDICT_TARGET_FLOW] = {"flow_memcap", "flow.memcap-policy", VERDICT_FLOW_MEMCAP, true},
	[VERDICT_TARGET_MIDSTREAM] = {"stream_midstream", "stream.midstream-policy",
				      VERDICT_STREAM_MIDSTREAM, false},
	[VERDICT_TARGET_APP] = {"app_layer_error", "app-layer.error-policy", VERDICT_APPLAYER_ERROR,
				false},
};

const char *verdict_reason_name(enum verdict_reason r)
{
	return reasons[r];
}

const char *verdict_policy_name(enum verdict_policy p)
{
	return policy_names[p];
}

const char *verdict_target_name(enum verdict_target t)
{
	return targets[t].eve;
}

/* ---- configuration ---- */

enum { POLICY_AUTO = VERDICT_POLICIES, POLICY_UNKNOWN };

static unsigned policy_word(struct slice s)
{
	char word[16];

	if (s.len >= sizeof word)
		return POLICY_UNKNOWN;
	for (size_t i = 0; i < s.len; i++)
		word[i] = s.ptr[i] == '-' ? '_' : (char)s.ptr[i];
	for (unsigned p = 0; p < VERDICT_POLICIES; p++)
		if (slice_equal(slice_of(policy_names[p]),
				(struct slice){(const uint8_t *)word, s.len}))
			return p;
	return slice_equal(s, SLICE("auto")) ? POLICY_AUTO : POLICY_UNKNOWN;
}

static enum verdict_policy packets_only(unsigned p)
{
	switch (p) {
	case VERDICT_DROP_FLOW:
		return VERDICT_DROP_PACKET;
	case VERDICT_PASS_FLOW:
		return VERDICT_PASS_PACKET;
	case VERDICT_BYPASS:
		return VERDICT_IGNORE;
	default:
		return (enum verdict_policy)p;
	}
}

static enum status word_at(struct config *c, const char *key, unsigned *out, struct fail *why)
{
	struct slice s = config_text(c, key, NULL);

	*out = policy_word(s);
	if (*out == POLICY_UNKNOWN)
		return fail_set(why, ST_INVALID,
				"%s: \"%.*s\" is none of drop-flow, pass-flow, bypass, reject, "
				"drop-packet, pass-packet, ignore, auto",
				key, SLICE_ARG(s));
	return ST_OK;
}

static enum status midstream_fits(unsigned p, bool given, bool ips, bool midstream,
				  struct fail *why)
{
	if (p == VERDICT_PASS_PACKET || p == VERDICT_DROP_PACKET)
		return fail_set(why, ST_INVALID, "stream.midstream-policy is about flows, not %s",
				policy_names[p]);
	if (given && midstream && p != VERDICT_IGNORE && p != VERDICT_PASS_FLOW)
		return fail_set(why, ST_INVALID,
				"stream.midstream-policy with midstream is pass-flow or ignore");
	if (given && !ips && p == VERDICT_DROP_FLOW)
		return fail_set(why, ST_INVALID,
				"stream.midstream-policy: drop-flow needs inline mode");
	return ST_OK;
}

static enum status policy_read(struct verdict_policies *out, enum verdict_target t,
			       struct config *c, unsigned otherwise, bool midstream,
			       struct fail *why)
{
	bool on_midstream = t == VERDICT_TARGET_MIDSTREAM && midstream;
	struct config *at = config_at(c, targets[t].key);
	bool given = at != NULL && at->value.ptr != NULL;
	unsigned p = otherwise;
	enum status st = ST_OK;

	if (given)
		st = word_at(c, targets[t].key, &p, why);
	if (st != ST_OK)
		return st;
	if (p == POLICY_AUTO) {
		p = out->ips && !on_midstream ? VERDICT_DROP_FLOW : VERDICT_IGNORE;
		given = false;
	}
	if (t == VERDICT_TARGET_MIDSTREAM)
		st = midstream_fits(p, given, out->ips, midstream, why);
	out->of[t] = targets[t].packets_only ? packets_only(p) : (enum verdict_policy)p;
	return st;
}

enum status verdict_policies_read(struct verdict_policies *out, struct config *c, bool ips,
				  bool midstream, struct fail *why)
{
	struct config *at = config_at(c, "exception-policy");
	unsigned master = POLICY_AUTO;
	enum status st = ST_OK;

	*out = (struct verdict_policies){
		.ips = ips, .drop_invalid = config_bool(c, "stream.drop-invalid", true)};
	if (at != NULL && at->value.ptr != NULL)
		st = word_at(c, "exception-policy", &master, why);
	if (!ips && (master == VERDICT_DROP_FLOW || master == VERDICT_DROP_PACKET))
		master = VERDICT_IGNORE;
	for (unsigned t = 0; st == ST_OK && t < VERDICT_TARGETS; t++)
		st = policy_read(out, (enum verdict_target)t, c, master, midstream, why);
	return st;
}

/* ---- one packet ---- */

void verdict_drop(struct verdict *v, enum verdict_reason reason)
{
	v->drop = true;
	if (v->reason == VERDICT_NO_REASON)
		v->reason = reason;
}

static void flow_act(struct flow *f, enum flow_action a)
{
	f->action = a;
	f->no_inspect = true;
}

void verdict_exception(struct verdict *v, const struct verdict_policies *p, enum verdict_target t,
		       struct flow *f)
{
	enum verdict_policy policy = p->of[t];

	if (f != NULL)
		f->policies |= (uint8_t)(1U << t);
	switch (policy) {
	case VERDICT_IGNORE:
	case VERDICT_POLICIES:
		return;
	case VERDICT_REJECT:
		v->reject = VERDICT_REJECT_SRC;
		verdict_drop(v, targets[t].reason);
		if (!p->ips)
			return;
		__attribute__((fallthrough));
	case VERDICT_DROP_FLOW:
		if (f != NULL) {
			flow_act(f, FLOW_DROP);
			f->policy_dropped = true;
		}
		__attribute__((fallthrough));
	case VERDICT_DROP_PACKET:
		verdict_drop(v, targets[t].reason);
		break;
	case VERDICT_BYPASS:
		if (f != NULL)
			f->bypassed = true;
		__attribute__((fallthrough));
	case VERDICT_PASS_FLOW:
		if (f != NULL)
			flow_act(f, FLOW_PASS);
		break;
	case VERDICT_PASS_PACKET:
		break;
	}
	v->skip = v->skip_payload = true;
}

static enum verdict_reject reject_of(enum rule_action a)
{
	switch (a) {
	case RULE_REJECT:
	case RULE_REJECT_SRC:
		return VERDICT_REJECT_SRC;
	case RULE_REJECT_DST:
		return VERDICT_REJECT_DST;
	case RULE_REJECT_BOTH:
		return VERDICT_REJECT_BOTH;
	default:
		return VERDICT_REJECT_NONE;
	}
}

void verdict_rule(struct verdict *v, const struct detect_hit *hit)
{
	struct flow *f = hit->flow;

	if (hit->action == RULE_ALERT || (hit->action == RULE_PASS && v->drop))
		return;
	if (hit->action == RULE_PASS) {
		v->pass = true;
	} else {
		if (v->rule == NULL)
			v->rule = hit->rule;
		if (v->reject == VERDICT_REJECT_NONE)
			v->reject = reject_of(hit->action);
		verdict_drop(v, hit->action != hit->rule->action ? VERDICT_RULES_THRESHOLD
								 : VERDICT_RULES);
	}
	if (f == NULL || !hit->to_flow || f->action != FLOW_NO_ACTION)
		return;
	f->action = v->drop ? FLOW_DROP : FLOW_PASS;
	if (f->action == FLOW_PASS)
		f->no_inspect = true;
}
