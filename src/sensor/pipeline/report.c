/* SPDX-License-Identifier: Apache-2.0
 * Records of what the worker saw, with the values that Suricata 8 writes. */
#include "sensor/pipeline/pipeline_priv.h"
#include "sensor/rule/rule.h"

static void emit(struct pipeline *p, struct record *r)
{
	r->party = p->options.party;
	r->station = p->options.station;
	p->counters.records++;
	p->counters.alerts += r->kind == RECORD_ALERT;
	p->counters.anomalies += r->kind == RECORD_ANOMALY;
	p->options.sink.put(p->options.sink.ctx, r);
}

static bool proto_has_ports(uint8_t proto)
{
	return proto == IP_PROTO_TCP || proto == IP_PROTO_UDP || proto == IP_PROTO_SCTP;
}

static bool proto_is_icmp(uint8_t proto)
{
	return proto == IP_PROTO_ICMP || proto == IP_PROTO_ICMP6;
}

static const char *app_name(const struct flow *f)
{
	if (f->app == NULL)
		return NULL;
	if (f->app->protocol != NULL)
		return f->app->protocol->name;
	return f->app->state == APP_GIVEN_UP ? "failed" : NULL;
}

/* A fresh record about the packet being worked on. */
static struct record *record_of_packet(struct pipeline *p, enum record_kind kind)
{
	const struct packet *packet = &p->packet;
	struct record *r = &p->record;

	*r = (struct record){.kind = kind,
			     .at = packet->at,
			     .pcap_cnt = packet->number,
			     .src = packet->src,
			     .dst = packet->dst,
			     .proto = packet->ip_version ? packet->proto : 0,
			     .vlans = packet->vlans};
	memcpy(r->vlan, packet->vlan, sizeof r->vlan);
	if (packet->l4_header.len == 0)
		return r;
	if (proto_has_ports(packet->proto)) {
		r->has_ports = true;
		r->sport = packet->sport;
		r->dport = packet->dport;
	} else if (proto_is_icmp(packet->proto)) {
		r->has_icmp = true;
		r->icmp_type = packet->icmp_type;
		r->icmp_code = packet->icmp_code;
	}
	return r;
}

/* A fresh record about flow f, its sender the one who sends in direction dir. */
static struct record *record_of_flow(struct pipeline *p, enum record_kind kind,
				     const struct flow *f, enum flow_dir dir)
{
	bool forth = dir == FLOW_TO_SERVER;
	struct record *r = &p->record;

	*r = (struct record){.kind = kind,
			     .at = p->in_packet ? p->packet.at : f->last,
			     .flow_id = f->id,
			     .pcap_cnt = p->in_packet ? p->packet.number : 0,
			     .src = forth ? f->client : f->server,
			     .dst = forth ? f->server : f->client,
			     .proto = f->proto,
			     .vlans = f->vlans};
	memcpy(r->vlan, f->vlan, sizeof r->vlan);
	if (proto_has_ports(f->proto)) {
		r->has_ports = true;
		r->sport = forth ? f->client_port : f->server_port;
		r->dport = forth ? f->server_port : f->client_port;
	} else if (proto_is_icmp(f->proto)) {
		r->has_icmp = true;
		/* ICMP flows keep type and code of the request in the ports */
		r->icmp_type = p->in_packet ? p->packet.icmp_type : (uint8_t)f->client_port;
		r->icmp_code = p->in_packet ? p->packet.icmp_code : (uint8_t)f->server_port;
	}
	return r;
}

/* ---- alerts ---- */

/* "key value, key value" behind the first n of out: a pair without a value keeps its key alone.
 * Returns how many there are then. (Read at the alert, not kept with the rule: it costs less than
 * 1 % of sealing the alert, and few of the rules ever fire.) */
static size_t metadata_add(struct slice text, struct record_pair out[RECORD_META_MAX], size_t n)
{
	while (text.ptr != NULL && n < RECORD_META_MAX) {
		struct slice pair = slice_trim(slice_split(&text, ','));
		struct slice key = slice_split(&pair, ' ');

		if (key.len != 0)
			out[n++] = (struct record_pair){key, slice_trim(pair)};
	}
	return n;
}

/* alert.action: did the rule stop the packet? A reset is sent on a tap, too. */
static bool is_blocked(const struct pipeline *p, const struct detect_hit *hit)
{
	if (hit->action == RULE_DROP)
		return p->policies.ips;
	return hit->action != RULE_ALERT && hit->action != RULE_PASS;
}

void pipeline_report_hit(void *ctx, const struct detect_hit *hit)
{
	struct pipeline *p = ctx;
	const struct rule *rule = hit->rule;
	struct record_pair meta[RECORD_META_MAX];
	struct record *r;

	if (hit->flow != NULL) {
		r = record_of_flow(p, RECORD_ALERT, hit->flow, hit->dir);
		r->app_proto = slice_of(app_name(hit->flow));
		r->direction = hit->dir == FLOW_TO_SERVER ? SLICE("to_server") : SLICE("to_client");
		hit->flow->alerted = true;
	} else {
		r = record_of_packet(p, RECORD_ALERT);
	}
	r->u.alert = (struct record_alert){.gid = rule->gid,
					   .sid = rule->sid,
					   .rev = rule->rev,
					   .signature = rule->msg,
					   .category = rule->category,
					   .classtype = rule->classtype,
					   .severity = rule->priority,
					   .action = is_blocked(p, hit) ? SLICE("blocked")
									: SLICE("allowed"),
					   .has_tx = hit->tx != NULL,
					   .tx_id = hit->tx != NULL ? hit->tx->id : 0,
					   .meta = meta};
	for (size_t i = 0; i < rule->option_count; i++)
		if (slice_equal(rule->options[i].keyword, SLICE("metadata")))
			r->u.alert.metas =
				metadata_add(rule->options[i].value, meta, r->u.alert.metas);
	emit(p, r);
}

/* ---- anomalies ---- */

void pipeline_report_behaviour(void *ctx, const struct record *r)
{
	struct pipeline *p = ctx;

	p->said = *r;
	emit(p, &p->said);
}

static void say_decode(struct pipeline *p, const struct flow *f, unsigned i)
{
	struct record *r;

	if (p->decode_said[i] == PIPELINE_DECODE_SAID_MAX) {
		p->counters.muted++;
		return;
	}
	p->decode_said[i]++;
	r = record_of_packet(p, RECORD_ANOMALY);
	r->flow_id = f != NULL ? f->id : 0;
	r->u.anomaly.type = SLICE("decode");
	r->u.anomaly.event = slice_of(decode_anomalies[i]);
	emit(p, r);
}

void pipeline_report_packet(struct pipeline *p, struct flow *f, enum flow_dir dir, uint64_t stream)
{
	uint64_t decode = 0;

	for (unsigned i = 0; i < PACKET_ANOMALIES_MAX / 64; i++)
		decode |= p->packet.anomalies[i];
	for (unsigned i = 0; decode != 0 && decode_anomalies[i] != NULL; i++)
		if (packet_has_anomaly(&p->packet, i))
			say_decode(p, f, i);
	if (f == NULL || stream == 0)
		return;
	stream &= ~f->anomalies_logged;
	f->anomalies_logged |= stream;
	for (unsigned i = 0; stream_anomalies[i] != NULL; i++) {
		struct record *r;

		if ((stream >> i & 1) == 0)
			continue;
		r = record_of_flow(p, RECORD_ANOMALY, f, dir);
		r->app_proto = slice_of(app_name(f));
		r->u.anomaly.type = SLICE("stream");
		r->u.anomaly.event = slice_of(stream_anomalies[i]);
		emit(p, r);
	}
}

static void say_app(struct pipeline *p, const struct flow *f, uint64_t anomalies)
{
	const struct app_protocol *protocol = f->app->protocol;

	for (unsigned i = 0; protocol->anomalies != NULL && protocol->anomalies[i] != NULL; i++) {
		struct record *r;

		if ((anomalies >> i & 1) == 0)
			continue;
		r = record_of_flow(p, RECORD_ANOMALY, f, FLOW_TO_SERVER);
		r->app_proto = slice_of(protocol->name);
		r->u.anomaly.type = SLICE("applayer");
		r->u.anomaly.event = slice_of(protocol->anomalies[i]);
		r->u.anomaly.layer = SLICE("proto_parser");
		emit(p, r);
	}
}

/* ---- transactions ---- */

static bool tx_complete(const struct app_protocol *protocol, const struct app_tx *tx)
{
	return tx->progress[APP_TO_SERVER] >= protocol->complete[APP_TO_SERVER] &&
	       tx->progress[APP_TO_CLIENT] >= protocol->complete[APP_TO_CLIENT];
}

static void log_tx(struct pipeline *p, struct flow *f, struct app_tx *tx)
{
	const struct app_protocol *protocol = f->app->protocol;
	struct record *r = record_of_flow(p, RECORD_NONE, f, FLOW_TO_SERVER);

	for (unsigned n = 0; protocol->log != NULL && protocol->log(tx, n, &tx->arena, r); n++) {
		emit(p, r);
		anomaly_logged(p->anomaly, f, r);
		r = record_of_flow(p, RECORD_NONE, f, FLOW_TO_SERVER);
	}
	say_app(p, f, tx->anomalies);
	tx->logged = true;
}

void pipeline_report_txs(struct pipeline *p, struct flow *f)
{
	for (struct app_tx *tx = f->app->first; tx != NULL; tx = tx->next)
		if (!tx->logged && tx_complete(f->app->protocol, tx))
			log_tx(p, f, tx);
}

/* ---- flows ---- */

static struct slice bins_text(const struct flow_side *side, char text[FLOW_BINS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < side->bin_count && i < FLOW_BINS_MAX; i++) {
		text[i] = "0123456789abcdefghijklmnopqrstuvwxyz"[side->bins[i] < 35 ? side->bins[i]
										    : 35];
		if (side->bins[i] != 0)
			n = i + 1;
	}
	return (struct slice){(const uint8_t *)text, n};
}

static struct slice flags_text(uint8_t flags, char text[2])
{
	text[0] = "0123456789abcdef"[flags >> 4];
	text[1] = "0123456789abcdef"[flags & 15];
	return (struct slice){(const uint8_t *)text, 2};
}

void pipeline_report_flow(struct pipeline *p, struct flow *f, enum flow_end why)
{
	static const char *const states[] = {"new", "established", "closed"};
	static const char *const reasons[] = {"timeout", "shutdown", "forced"};
	const struct flow_side *ts = &f->side[FLOW_TO_SERVER], *tc = &f->side[FLOW_TO_CLIENT];
	char flags[2][2];
	struct record *r;

	if (f->app != NULL && f->app->protocol != NULL)
		say_app(p, f, f->app->anomalies);
	r = record_of_flow(p, RECORD_FLOW, f, FLOW_TO_SERVER);
	r->app_proto = slice_of(app_name(f));
	r->u.flow = (struct record_flow){
		.to_server = {ts->pkts, ts->bytes},
		.to_client = {tc->pkts, tc->bytes},
		.start = f->first,
		.end = f->last,
		.age_s = (uint64_t)(f->last.ns / TIME_NS_PER_S - f->first.ns / TIME_NS_PER_S),
		.state = slice_of(states[f->state]),
		.reason = slice_of(reasons[why]),
		.alerted = f->alerted,
		.bins_ts = bins_text(ts, p->bins[0]),
		.bins_tc = bins_text(tc, p->bins[1])};
	if (f->proto == IP_PROTO_TCP) {
		r->u.flow.tcp_flags_ts = flags_text(ts->tcp_flags, flags[0]);
		r->u.flow.tcp_flags_tc = flags_text(tc->tcp_flags, flags[1]);
		r->u.flow.tcp_state = slice_of(stream_state_name(f));
	}
	emit(p, r);
}

/* ---- files ---- */

/* What report_file.c needs of the above. */
struct record *pipeline_record_of_flow(struct pipeline *p, const struct flow *f, enum flow_dir dir)
{
	struct record *r = record_of_flow(p, RECORD_NONE, f, dir);

	r->app_proto = slice_of(app_name(f));
	return r;
}

void pipeline_emit(struct pipeline *p, struct record *r)
{
	emit(p, r);
}
