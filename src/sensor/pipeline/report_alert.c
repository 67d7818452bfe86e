/* SPDX-License-Identifier: Apache-2.0
 * "alert" events: a signature matched. */
#include "sensor/pipeline/report_priv.h"

#include "crypto/crypto.h"
#include "sensor/rule/rule.h"

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

static struct slice option(const struct rule *rule, struct slice keyword)
{
	for (size_t i = 0; i < rule->option_count; i++)
		if (slice_equal(rule->options[i].keyword, keyword))
			return rule->options[i].value;
	return (struct slice){NULL, 0};
}

/* ---- members of "alert" ---- */

static void add_end(struct pipeline *p, const char *name, const struct record *r, bool source)
{
	const struct addr *a = source ? &r->src : &r->dst;
	struct buf b = buf_in(&p->scratch);
	struct json j = json_in(&b);
	char text[ADDR_TEXT_MAX];

	json_object(&j);
	json_key(&j, "ip");
	json_str(&j, addr_format_full(a, text));
	if (r->has_ports) {
		json_key(&j, "port");
		json_u64(&j, source ? r->sport : r->dport);
	}
	json_end(&j);
	report_add_json(p, "alert", name, &b);
}

/* "target:src_ip;": which end suffers. */
static void add_target(struct pipeline *p, const struct record *r, const struct rule *rule)
{
	struct slice target = slice_trim(option(rule, SLICE("target")));

	if (target.ptr == NULL || r->src.family == 0)
		return;
	add_end(p, "source", r, slice_equal(target, SLICE("dest_ip")));
	add_end(p, "target", r, slice_equal(target, SLICE("src_ip")));
}

static void add_references(struct pipeline *p, const struct rule *rule)
{
	struct buf b = buf_in(&p->scratch);
	struct json j = json_in(&b);

	if (rule->reference_count == 0)
		return;
	json_array(&j);
	for (size_t i = 0; i < rule->reference_count; i++)
		json_str(&j, rule->references[i]);
	json_end(&j);
	report_add_json(p, "alert", "references", &b);
}

/* alert.action: did the rule stop the packet? A reset is sent on a tap, too. */
static bool is_blocked(const struct pipeline *p, const struct detect_hit *hit)
{
	if (hit->action == RULE_DROP)
		return p->policies.ips;
	return hit->action != RULE_ALERT && hit->action != RULE_PASS;
}

/* The members of the "alert" object of rule; r is its record. */
static void add_alert(struct pipeline *p, const struct report_output *o, struct record *r,
		      const struct detect_hit *hit, bool whole)
{
	const struct rule *rule = hit->rule;
	uint32_t with = whole ? o->settings->alert : 0;

	r->u.alert = (struct record_alert){
		.gid = rule->gid,
		.sid = rule->sid,
		.rev = rule->rev,
		.signature = rule->msg,
		.category = rule->category,
		.classtype = rule->classtype,
		.severity = rule->priority,
		.action = is_blocked(p, hit) ? SLICE("blocked") : SLICE("allowed"),
		.has_tx = hit->tx != NULL || (hit->frame != NULL && hit->frame->has_tx),
		.tx_id = hit->tx != NULL      ? hit->tx->id
			 : hit->frame != NULL ? hit->frame->tx_id
					      : 0,
	};
	if ((with & REPORT_WITH_META) != 0) {
		struct record_pair *meta =
			ARENA_ARRAY(&p->scratch, struct record_pair, RECORD_META_MAX);

		r->u.alert.meta = meta;
		for (size_t i = 0; meta != NULL && i < rule->option_count; i++)
			if (slice_equal(rule->options[i].keyword, SLICE("metadata")))
				r->u.alert.metas = metadata_add(rule->options[i].value, meta,
								r->u.alert.metas);
	}
	if (o->settings->evidence)
		return;
	r->u.alert.classtype = (struct slice){NULL, 0}; /* not in Suricata's */
	if (rule->msg.len == 0) /* the table leaves empty texts out; Suricata says them */
		report_add_text(p, "alert", "signature", SLICE(""));
	if (rule->category.len == 0)
		report_add_text(p, "alert", "category", SLICE(""));
	if (p->options.tenant != 0)
		report_add_u64(p, "alert", "tenant_id", p->options.tenant);
	add_target(p, r, rule);
	if ((with & REPORT_WITH_REFERENCES) != 0)
		add_references(p, rule);
	if ((with & REPORT_WITH_RULE) != 0)
		report_add_text(p, "alert", "rule", rule->text);
}

/* ---- beside it ---- */

static void add_flow(struct pipeline *p, const struct record *r, const struct flow *f,
		     enum flow_dir dir)
{
	bool forth = dir == FLOW_TO_SERVER;
	struct buf b = buf_in(&p->scratch);
	struct json j = json_in(&b);
	char text[ADDR_TEXT_MAX];

	json_object(&j);
	report_flow_counts(&j, f);
	json_key(&j, "src_ip");
	json_str(&j, addr_format_full(forth ? &r->src : &r->dst, text));
	json_key(&j, "dest_ip");
	json_str(&j, addr_format_full(forth ? &r->dst : &r->src, text));
	if (r->has_ports) {
		json_key(&j, "src_port");
		json_u64(&j, forth ? r->sport : r->dport);
		json_key(&j, "dest_port");
		json_u64(&j, forth ? r->dport : r->sport);
	}
	json_end(&j);
	report_add_json(p, "", "flow", &b);
}

/* What the stream holds of the direction, from its beginning as far as it is kept; holes are noted.
 */
static struct slice stream_payload(struct pipeline *p, const struct report_output *o,
				   const struct detect_hit *hit)
{
	uint64_t end;

	return report_stream_bytes(p, hit->flow, hit->dir, stream_held_from(hit->flow, hit->dir),
				   UINT64_MAX, o->settings->payload_most, &end);
}

static void add_payload(struct pipeline *p, const struct report_output *o,
			const struct detect_hit *hit)
{
	bool stream = hit->flow != NULL && hit->flow->proto == IP_PROTO_TCP &&
		      (hit->stream || hit->tx != NULL || hit->frame != NULL);
	struct slice bytes = {NULL, 0};
	uint32_t with = o->settings->alert;
	struct buf b = buf_in(&p->scratch);

	if ((with &
	     (REPORT_WITH_PAYLOAD | REPORT_WITH_PAYLOAD_TEXT | REPORT_WITH_PAYLOAD_LENGTH)) == 0)
		return;
	if (stream)
		bytes = stream_payload(p, o, hit);
	if (bytes.len == 0 && p->in_packet)
		bytes = p->packet.payload;
	if ((with & REPORT_WITH_PAYLOAD) != 0) {
		crypto_base64_add(CRYPTO_BASE64, bytes, &b);
		report_add_text(p, "", "payload", buf_slice(&b));
	}
	if ((with & REPORT_WITH_PAYLOAD_LENGTH) != 0)
		report_add_u64(p, "", "payload_length", bytes.len);
	if ((with & REPORT_WITH_PAYLOAD_TEXT) != 0)
		report_add_text(p, "", "payload_printable", report_printable(p, bytes));
	report_add_u64(p, "", "stream", stream);
}

/* Who the proxy says it speaks for stands in "alert" or in the place of the address. */
static void add_xff(struct pipeline *p, const struct report_output *o, struct record *r,
		    const struct detect_hit *hit)
{
	const struct report_xff_settings *x = &o->settings->alert_xff;
	struct slice who;
	struct addr addr;

	if (x->mode == REPORT_XFF_OFF || hit->flow == NULL)
		return;
	who = report_xff(x, hit->flow, hit->tx);
	if (who.len == 0)
		return;
	if (x->mode == REPORT_XFF_EXTRA)
		report_add_text(p, "alert", "xff", who);
	else if (addr_parse(who, &addr))
		*(hit->dir == FLOW_TO_SERVER ? &r->src : &r->dst) = addr;
}

/* The captured packet around the one that the alert is about. */
static void add_tunnel(struct pipeline *p)
{
	const struct packet *root = p->packet.root;
	struct buf b = buf_in(&p->scratch);
	struct json j = json_in(&b);
	char text[ADDR_TEXT_MAX], proto[4];

	if (!p->in_packet || root == NULL)
		return;
	json_object(&j);
	json_key(&j, "src_ip");
	json_str(&j, addr_format_full(&root->src, text));
	json_key(&j, "src_port");
	json_u64(&j, root->sport);
	json_key(&j, "dest_ip");
	json_str(&j, addr_format_full(&root->dst, text));
	json_key(&j, "dest_port");
	json_u64(&j, root->dport);
	json_key(&j, "proto");
	json_str(&j, record_proto_name(root->proto, proto));
	json_key(&j, "depth");
	json_u64(&j, p->packet.depth);
	json_key(&j, "pcap_cnt");
	json_u64(&j, root->number);
	json_key(&j, "pkt_src");
	json_z(&j, packet_source_name(root->source));
	json_end(&j);
	report_add_json(p, "", "tunnel", &b);
}

static void add_rest(struct pipeline *p, const struct report_output *o, struct record *r,
		     const struct detect_hit *hit)
{
	uint32_t with = o->settings->alert;

	add_tunnel(p);

	if (hit->flow != NULL) {
		if (hit->tx != NULL && (with & REPORT_WITH_APP) != 0)
			(void)report_add_tx(p, o, hit->flow, hit->tx);
		if (hit->tx != NULL && (with & REPORT_WITH_META) != 0)
			report_add_files(p, hit->tx, hit->dir);
		if ((with & REPORT_WITH_FLOW) != 0)
			add_flow(p, r, hit->flow, hit->dir);
	}
	if (hit->frame != NULL)
		report_add_frame(p, hit->flow, hit->dir, hit->frame, o->settings->payload_most);
	add_payload(p, o, hit);
	if ((with & REPORT_WITH_PACKET) != 0 && p->in_packet)
		report_add_packet(p, 0);
	else if ((with & REPORT_WITH_PACKET) != 0) /* there is none to show */
		report_add_link(p);
	if ((with & REPORT_WITH_VERDICT) != 0)
		report_add_verdict(p);
}

/* What an eve-log's alert has beside the evidence's. */
static void add_eve(struct pipeline *p, const struct report_output *o, struct record *r,
		    const struct detect_hit *hit, bool guessed)
{
	if (hit->context.ptr != NULL)
		(void)record_more(r, &p->scratch, SLICE("alert"), SLICE("context"),
				  hit->context); /* without memory it goes without */
	if (guessed)
		report_add_bool(p, "", "tx_guessed", true);
	add_rest(p, o, r, hit);
}

/* What a line of text says of it in front. */
static struct slice drop_word(const struct pipeline *p, const struct detect_hit *hit)
{
	if (hit->action == RULE_ALERT || hit->action == RULE_PASS)
		return SLICE("");
	return p->policies.ips ? SLICE("Drop") : SLICE("wDrop");
}

/* One alert, for every output that wants it. */
static void say_hit(struct pipeline *p, const struct detect_hit *hit, bool guessed)
{
	if (hit->flow != NULL)
		hit->flow->alerted = true;
	p->counters.alerts++;
	if (p->options.alerted != NULL)
		p->options.alerted(p->options.alerted_ctx, hit->flow != NULL ? hit->flow->id : 0,
				   p->in_packet ? p->packet.at : hit->flow->last);
	REPORT_EACH(p, o, REPORT_ALERT)
	{
		struct record *r = hit->flow != NULL
					   ? report_of_flow(p, o, RECORD_ALERT, hit->flow, hit->dir)
					   : report_of_packet(p, o, RECORD_ALERT, NULL);

		if (hit->flow != NULL) {
			report_add_app_proto(p, r, hit->flow);
			r->direction = hit->dir == FLOW_TO_SERVER ? SLICE("to_server")
								  : SLICE("to_client");
		}
		if (!o->settings->evidence)
			add_xff(p, o, r, hit);
		add_alert(p, o, r, hit, true);
		if (o->settings->plain)
			r->type = drop_word(p, hit);
		else if (!o->settings->evidence)
			add_eve(p, o, r, hit, guessed);
		report_emit(p, o, r);
	}
}

/* The transaction that a packet of direction dir is most probably about: the newest of those that a
 * client began, the oldest that waits for its server. NULL: none is open. */
static struct app_tx *likely_tx(const struct app_flow *app, enum flow_dir dir)
{
	struct app_tx *found = NULL;

	for (struct app_tx *tx = app->first; tx != NULL; tx = tx->next) {
		if (tx->dirs != 0 && (tx->dirs >> dir & 1) == 0)
			continue;
		found = tx;
		if (dir == FLOW_TO_CLIENT && tx->progress[dir] < app->protocol->complete[dir])
			break;
	}
	return found;
}

/* A match in a datagram or a stream, not in a transaction. What it is about is known of a datagram
 * whose rule names the protocol; of others it is guessed where the configuration wants it and only
 * one transaction is open. */
static struct app_tx *tx_of_payload(const struct pipeline *p, const struct detect_hit *hit,
				    bool *out_guessed)
{
	const struct app_flow *app = hit->flow != NULL ? hit->flow->app : NULL;
	bool datagram;
	struct app_tx *tx;

	if (app == NULL || app->protocol == NULL)
		return NULL;
	datagram = hit->flow->proto == IP_PROTO_UDP && app_find(hit->rule->proto) != NULL;
	if (!datagram && !p->guess_tx)
		return NULL;
	tx = likely_tx(app, hit->dir);
	if (tx == NULL || (!datagram && tx->id + 1 != app->next_tx_id) ||
	    tx->named_by_alerts >= p->guess_tx_most)
		return NULL;
	tx->named_by_alerts++;
	*out_guessed = hit->flow->proto == IP_PROTO_TCP;
	return tx;
}

/* A frame's transaction is the alert's. */
void pipeline_report_hit(void *ctx, const struct detect_hit *hit)
{
	struct pipeline *p = ctx;
	struct detect_hit h = *hit;
	bool guessed = false;

	if (h.frame != NULL && h.tx == NULL)
		h.tx = report_frame_tx(h.flow, h.frame);
	else if (h.tx == NULL)
		h.tx = tx_of_payload(p, &h, &guessed);
	say_hit(p, &h, guessed);
}

void pipeline_report_tagged(struct pipeline *p, struct flow *f)
{
	REPORT_EACH(p, o, REPORT_ALERT)
	{
		struct record *r;

		if ((o->settings->alert & REPORT_WITH_TAGGED) == 0)
			continue;
		r = report_of_packet(p, o, RECORD_OBJECT, f);
		r->type = SLICE("packet");
		report_add_packet(p, 0);
		report_emit(p, o, r);
	}
}
