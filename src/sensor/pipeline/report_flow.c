/* SPDX-License-Identifier: Apache-2.0
 * "flow" and "netflow" events: a flow ended. */
#include "sensor/pipeline/report_priv.h"

static struct slice bins_text(struct pipeline *p, const struct flow_side *side)
{
	size_t most = side->bin_count < FLOW_BINS_MAX ? side->bin_count : FLOW_BINS_MAX, n = 0;
	uint8_t *text = most != 0 ? ARENA_ARRAY(&p->scratch, uint8_t, most) : NULL;

	for (size_t i = 0; text != NULL && i < most; i++) {
		text[i] = (uint8_t) "0123456789abcdefghijklmnopqrstuvwxyz"[side->bins[i] < 35
										   ? side->bins[i]
										   : 35];
		if (side->bins[i] != 0)
			n = i + 1;
	}
	return (struct slice){text, n};
}

static struct slice flags_text(struct pipeline *p, uint8_t flags)
{
	return buf_text(&p->scratch, "%02x", flags);
}

static const char *state_name(const struct flow *f)
{
	static const char *const states[] = {"new", "established", "closed"};

	return f->bypassed ? "bypassed" : states[f->state];
}

/* Which exception policies were asked, and what they said. */
static void add_policies(struct pipeline *p, const struct flow *f)
{
	struct buf b = buf_in(&p->scratch);
	struct json j = json_in(&b);

	json_array(&j);
	for (unsigned t = 0; t < VERDICT_TARGETS; t++) {
		if ((f->policies >> t & 1) == 0)
			continue;
		json_object(&j);
		json_key(&j, "target");
		json_z(&j, verdict_target_name((enum verdict_target)t));
		json_key(&j, "policy");
		json_z(&j, verdict_policy_name(p->policies.of[t]));
		json_end(&j);
	}
	json_end(&j);
	report_add_json(p, "flow", "exception_policy", &b);
}

static void add_tcp(struct pipeline *p, const struct flow *f)
{
	uint8_t all = f->stream != NULL ? f->side[0].tcp_flags | f->side[1].tcp_flags : 0;
	static const struct {
		uint8_t bit;
		const char *name;
	} names[] = {{TCP_SYN, "syn"}, {TCP_FIN, "fin"}, {TCP_RST, "rst"}, {TCP_PSH, "psh"},
		     {TCP_ACK, "ack"}, {TCP_URG, "urg"}, {TCP_ECE, "ecn"}, {TCP_CWR, "cwr"}};

	report_add_text(p, "tcp", "tcp_flags", flags_text(p, all));
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if ((all & names[i].bit) != 0)
			report_add_bool(p, "tcp", names[i].name, true);
	if (f->stream == NULL)
		return;
	if (stream_has_gap(f, FLOW_TO_SERVER))
		report_add_bool(p, "tcp", "ts_gap", true);
	if (stream_has_gap(f, FLOW_TO_CLIENT))
		report_add_bool(p, "tcp", "tc_gap", true);
	report_add_u64(p, "tcp", "ts_max_regions", stream_regions(f, FLOW_TO_SERVER));
	report_add_u64(p, "tcp", "tc_max_regions", stream_regions(f, FLOW_TO_CLIENT));
}

static void add_spi(struct pipeline *p, const struct flow *f)
{
	if (f->proto == IP_PROTO_ESP)
		report_add_u64(p, "", "spi", (uint32_t)f->client_port << 16 | f->server_port);
}

/* Beside the table's fields: those of EVE that no verdict rests on. */
static void add_flow(struct pipeline *p, const struct report_output *o, struct record *r,
		     const struct flow *f)
{
	static const char *const actions[] = {NULL, "pass", "drop"};

	if (f->bypassed)
		report_add_z(p, "flow", "bypass", "local");
	if (f->emergency)
		report_add_bool(p, "flow", "emergency", true);
	if (f->action != FLOW_NO_ACTION)
		report_add_z(p, "flow", "action", actions[f->action]);
	if (f->policies != 0 && o->settings->flow_policies)
		add_policies(p, f);
	if (f->app != NULL && f->app->next_tx_id != 0)
		report_add_u64(p, "flow", "tx_cnt", f->app->next_tx_id);
	if (f->proto == IP_PROTO_TCP)
		add_tcp(p, f);
	add_spi(p, f);
	if (r->has_icmp && f->side[FLOW_TO_CLIENT].pkts != 0 && f->icmp_answer != FLOW_ICMP_NONE) {
		report_add_u64(p, "", "response_icmp_type", f->icmp_answer);
		report_add_u64(p, "", "response_icmp_code", 0);
	}
}

static void say_flow(struct pipeline *p, const struct report_output *o, struct flow *f,
		     enum flow_end why)
{
	static const char *const reasons[] = {"timeout", "shutdown", "forced"};
	const struct flow_side *ts = &f->side[FLOW_TO_SERVER], *tc = &f->side[FLOW_TO_CLIENT];
	struct record *r = report_of_flow(p, o, RECORD_FLOW, f, FLOW_TO_SERVER);

	report_add_app_proto(p, r, f);
	r->u.flow = (struct record_flow){
		.to_server = {ts->pkts, ts->bytes},
		.to_client = {tc->pkts, tc->bytes},
		.start = f->first,
		.end = f->last,
		.age_s = (uint64_t)(f->last.ns / TIME_NS_PER_S - f->first.ns / TIME_NS_PER_S),
		.state = slice_of(state_name(f)),
		.reason = slice_of(reasons[why]),
		.alerted = f->alerted};
	if (f->proto == IP_PROTO_TCP) {
		bool tracked = f->stream != NULL || o->settings->evidence;

		r->u.flow.tcp_flags_ts = flags_text(p, tracked ? ts->tcp_flags : 0);
		r->u.flow.tcp_flags_tc = flags_text(p, tracked ? tc->tcp_flags : 0);
		r->u.flow.tcp_state = slice_of(tracked ? stream_state_name(f) : "");
	}
	if (o->settings->evidence) {
		r->u.flow.bins_ts = bins_text(p, ts);
		r->u.flow.bins_tc = bins_text(p, tc);
	} else {
		add_flow(p, o, r, f);
	}
	report_emit(p, o, r);
}

/* One direction of the flow. */
static void say_netflow(struct pipeline *p, const struct report_output *o, struct flow *f,
			enum flow_dir dir)
{
	const struct flow_side *side = &f->side[dir];
	struct record *r = report_of_flow(p, o, RECORD_OBJECT, f, dir);
	struct buf b = buf_in(&p->scratch), tcp = buf_in(&p->scratch);
	struct json j = json_in(&b), t = json_in(&tcp);
	char text[TIME_TEXT_MAX];

	r->type = SLICE("netflow");
	report_add_app_proto(p, r, f);
	add_spi(p, f);
	json_object(&j);
	json_key(&j, "pkts");
	json_u64(&j, side->pkts);
	json_key(&j, "bytes");
	json_u64(&j, side->bytes);
	json_key(&j, "start");
	json_str(&j, time_format_eve(f->first, text));
	json_key(&j, "end");
	json_str(&j, time_format_eve(f->last, text));
	json_key(&j, "age");
	json_u64(&j, (uint64_t)(f->last.ns / TIME_NS_PER_S - f->first.ns / TIME_NS_PER_S));
	json_key(&j, "min_ttl");
	json_u64(&j, side->ttl_least);
	json_key(&j, "max_ttl");
	json_u64(&j, side->ttl_most);
	json_end(&j);
	report_add_json(p, "", "netflow", &b);
	if (f->proto == IP_PROTO_TCP) {
		json_object(&t);
		json_key(&t, "tcp_flags");
		json_str(&t, flags_text(p, side->tcp_flags));
		report_tcp_flags(&t, side->tcp_flags);
		json_end(&t);
		report_add_json(p, "", "tcp", &tcp);
	}
	report_emit(p, o, r);
}

void pipeline_report_flow(struct pipeline *p, struct flow *f, enum flow_end why)
{
	p->of_end = true;
	REPORT_EACH(p, o, REPORT_FLOW)
	say_flow(p, o, f, why);
	REPORT_EACH(p, o, REPORT_NETFLOW)
	for (int d = FLOW_TO_SERVER; d <= FLOW_TO_CLIENT; d++)
		if (d == FLOW_TO_SERVER || f->side[d].pkts != 0)
			say_netflow(p, o, f, (enum flow_dir)d);
	p->of_end = false;
}

bool pipeline_meter_make(struct pipeline *p)
{
	struct meter_options o;

	if (p->options.meter == NULL)
		return true;
	o = *p->options.meter;
	o.app = report_app_name;
	p->meter = meter_new(&o, &p->fixed);
	return p->meter != NULL;
}
