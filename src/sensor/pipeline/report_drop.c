/* SPDX-License-Identifier: Apache-2.0
 * "drop" events: a packet that was stopped; and what became of a packet, for any event. */
#include "sensor/pipeline/report_priv.h"

#include "base/cursor.h"
#include "sensor/rule/rule.h"

/* ---- verdict ---- */

static void add_reject(struct json *j, enum verdict_reject reject, uint8_t proto)
{
	static const char *const whom[] = {[VERDICT_REJECT_SRC] = "to_client",
					   [VERDICT_REJECT_DST] = "to_server",
					   [VERDICT_REJECT_BOTH] = "both"};

	json_key(j, "reject-target");
	json_z(j, whom[reject]);
	json_key(j, "reject");
	json_array(j);
	json_z(j, proto == IP_PROTO_TCP ? "tcp-reset" : "icmp-prohib");
	json_end(j);
}

void report_add_verdict(struct pipeline *p)
{
	const struct verdict *v = &p->verdict;
	struct buf b = buf_in(&p->scratch);
	struct json j = json_in(&b);

	json_object(&j);
	json_key(&j, "action");
	if (v->reject != VERDICT_REJECT_NONE) { /* on a tap, too */
		json_z(&j, "drop");
		add_reject(&j, v->reject, p->packet.proto);
	} else {
		json_z(&j, v->drop && p->policies.ips ? "drop" : v->pass ? "pass" : "alert");
	}
	json_end(&j);
	report_add_json(p, "", "verdict", &b);
}

/* ---- drop ---- */

static void add_ip(struct json *j, const struct packet *p)
{
	struct cursor c = cursor_of(p->ip_header);
	uint32_t word = cursor_be32(&c);

	if (p->ip_version == 4) {
		json_member_u64(j, "len", word & 0xffff);
		json_member_u64(j, "tos", p->tos);
		json_member_u64(j, "ttl", p->ttl);
		json_member_u64(j, "ipid", p->ip_id);
	} else if (p->ip_version == 6) {
		json_member_u64(j, "len", cursor_be16(&c));
		json_member_u64(j, "tc", p->tos);
		json_member_u64(j, "hoplimit", p->ttl);
		json_member_u64(j, "flowlbl", word & 0xfffff);
	}
}

static void add_tcp(struct json *j, const struct packet *p)
{
	static const struct {
		const char *name;
		uint8_t bit;
	} flags[] = {{"syn", TCP_SYN}, {"ack", TCP_ACK}, {"psh", TCP_PSH},
		     {"rst", TCP_RST}, {"urg", TCP_URG}, {"fin", TCP_FIN}};
	struct cursor c = cursor_of(slice_from(p->l4_header, 12));

	json_member_u64(j, "tcpseq", p->tcp.seq);
	json_member_u64(j, "tcpack", p->tcp.ack);
	json_member_u64(j, "tcpwin", p->tcp.window);
	for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
		json_member_bool(j, flags[i].name, (p->tcp.flags & flags[i].bit) != 0);
	json_member_u64(j, "tcpres", cursor_u8(&c) & 0x0f);
	json_member_u64(j, "tcpurgp", p->tcp.urgent);
}

static void add_l4(struct json *j, const struct packet *p)
{
	struct cursor c = cursor_of(slice_from(p->l4_header, 4));

	if (p->l4_header.len == 0)
		return;
	switch (p->proto) {
	case IP_PROTO_TCP:
		add_tcp(j, p);
		break;
	case IP_PROTO_UDP:
		json_member_u64(j, "udplen", cursor_be16(&c));
		break;
	case IP_PROTO_ICMP:
	case IP_PROTO_ICMP6:
		json_member_u64(j, "icmp_id", p->icmp_id);
		json_member_u64(j, "icmp_seq", p->icmp_seq);
		break;
	default:
		break;
	}
}

void report_packet_headers(struct json *j, const struct packet *p)
{
	add_ip(j, p);
	add_l4(j, p);
}

/* The rule that dropped it. */
static void add_alert(struct pipeline *p, const struct rule *rule)
{
	struct buf b = buf_in(&p->scratch);
	struct json j = json_in(&b);

	json_object(&j);
	json_key(&j, "action");
	json_z(&j, "blocked");
	json_member_u64(&j, "gid", rule->gid);
	json_member_u64(&j, "signature_id", rule->sid);
	json_member_u64(&j, "rev", rule->rev);
	json_key(&j, "signature");
	json_str(&j, rule->msg);
	json_key(&j, "category");
	json_str(&j, rule->category);
	json_member_u64(&j, "severity", rule->priority);
	json_end(&j);
	report_add_json(p, "", "alert", &b);
}

static void say_drop(struct pipeline *p, const struct report_output *o, struct flow *f)
{
	struct record *r = report_of_packet(p, o, RECORD_OBJECT, f);
	const char *why = verdict_reason_name(p->verdict.reason);
	struct buf b = buf_in(&p->scratch);
	struct json j = json_in(&b);

	r->type = SLICE("drop");
	if (f != NULL) {
		report_add_app_proto(p, r, f);
		r->direction =
			p->packet_dir == FLOW_TO_SERVER ? SLICE("to_server") : SLICE("to_client");
	}
	json_object(&j);
	report_packet_headers(&j, &p->packet);
	if (why != NULL) {
		json_key(&j, "reason");
		json_z(&j, why);
	}
	json_end(&j);
	report_add_json(p, "", "drop", &b);
	if (o->settings->drop.alerts && p->verdict.rule != NULL)
		add_alert(p, p->verdict.rule);
	if (o->settings->drop.verdict)
		report_add_verdict(p);
	report_emit(p, o, r);
}

/* Of a flow that is dropped, one packet of each direction is enough, unless all are asked for; but
 * what a rule dropped is always said. */
static bool worth_it(const struct pipeline *p, const struct report_output *o, const struct flow *f)
{
	if (f == NULL || o->settings->drop.all || p->verdict.rule != NULL)
		return true;
	return f->action == FLOW_DROP && (f->drop_said >> p->packet_dir & 1) == 0;
}

void pipeline_report_drop(struct pipeline *p, struct flow *f)
{
	if (!p->policies.ips || !p->verdict.drop)
		return;
	REPORT_EACH(p, o, REPORT_DROP)
	{
		if (worth_it(p, o, f))
			say_drop(p, o, f);
	}
	if (f != NULL && f->action == FLOW_DROP)
		f->drop_said |= (uint8_t)(1U << p->packet_dir);
}
