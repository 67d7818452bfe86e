/* SPDX-License-Identifier: Apache-2.0
 * "stream_tcp" events: a TCP packet and what it made of its session. */
#include "sensor/pipeline/report_priv.h"

struct word { /* of an array of those that hold */
	bool holds;
	const char *text;
};

static void put_words(struct json *j, const char *key, const struct word *words, size_t n)
{
	json_key(j, key);
	json_array(j);
	for (size_t i = 0; i < n; i++)
		if (words[i].holds)
			json_z(j, words[i].text);
	json_end(j);
}

static void put_packet(struct json *j, const struct packet *packet, uint16_t marks)
{
	json_key(j, "packet");
	json_object(j);
	report_packet_headers(j, packet);
	json_key(j, "flags");
	json_array(j);
	for (unsigned i = 0; stream_marks[i] != NULL; i++)
		if ((marks >> i & 1) != 0)
			json_z(j, stream_marks[i]);
	json_end(j);
	json_end(j);
}

static void put_end(struct json *j, const char *key, const struct flow *f, enum flow_dir dir,
		    const struct stream_end_view *e)
{
	const struct app_flow *app = f->app;
	bool told = app != NULL &&
		    (app->told[dir] != NULL || app->protocol != NULL || app->state == APP_GIVEN_UP);
	const struct word flags[] = {{e->gap, "has_gap"},
				     {e->depth_reached, "noreassembly"},
				     {e->keep_alive, "keepalive"},
				     {e->depth_reached, "depth_reached"},
				     {e->timestamp, "timestamp"},
				     {e->zero_timestamp, "zero_timestamp"},
				     {told, "appproto_detection_completed"},
				     {e->reset, "rst_recv"}};

	json_key(j, key);
	json_object(j);
	json_member_u64(j, "isn", e->isn);
	json_member_u64(j, "next_seq", e->next_seq);
	json_member_u64(j, "last_ack", e->last_ack);
	json_member_u64(j, "next_win", e->next_win);
	if (!e->depth_reached) {
		json_member_u64(j, "base_seq", e->base_seq);
		json_member_u64(j, "segs_right_edge", e->right_edge);
	}
	json_member_u64(j, "window", e->window);
	json_member_u64(j, "wscale", e->wscale);
	put_words(j, "flags", flags, sizeof flags / sizeof flags[0]);
	json_member_u64(j, "seg_cnt", e->segments);
	json_member_u64(j, "sb_region_size", e->held_bytes);
	json_end(j);
}

static void put_session(struct json *j, const struct flow *f, bool changed)
{
	struct stream_view v;

	json_key(j, "session");
	json_object(j);
	if (f != NULL && stream_view(f, &v)) {
		const struct word flags[] = {
			{v.midstream, "midstream"},
			{v.midstream_established, "midstream_established"},
			{v.midstream_synack, "midstream_synack"},
			{v.timestamps, "timestamp"},
			{v.client_wscale, "server_wscale"}, /* so it is called */
			{v.reset, "closed_by_rst"},
			{v.fourway, "4whs"},
			{v.evasion, "detect_evasion_attempt"},
			{v.client_sack_ok, "client_sackok"},
			{v.sack_ok, "sackok"},
			{v.confirmed, "3whs_confirmed"},
			{f->app != NULL && f->app->state == APP_GIVEN_UP, "app_layer_disabled"},
			{f->bypassed, "bypass"},
			{v.fastopen, "tcp_fast_open"},
			{v.fastopen_refused, "tfo_data_ignored"}};

		json_key(j, "state");
		json_z(j, stream_state_name(f));
		if (changed) {
			json_key(j, "pstate");
			json_z(j, stream_state_text(v.before));
		}
		json_key(j, "flags");
		json_object(j);
		put_words(j, "flags", flags, sizeof flags / sizeof flags[0]);
		json_end(j);
		put_end(j, "client", f, FLOW_TO_SERVER, &v.client);
		put_end(j, "server", f, FLOW_TO_CLIENT, &v.server);
	}
	json_end(j);
}

static void put_events(struct pipeline *p, struct json *j, const struct stream_events *events)
{
	if (!stream_events_any(events))
		return;
	json_key(j, "events");
	json_array(j);
	for (unsigned i = 0; stream_anomalies[i] != NULL; i++)
		if (stream_events_has(events, i))
			json_str(j, buf_text(&p->scratch, "stream.%s", stream_anomalies[i]));
	json_end(j);
}

static void say_stream(struct pipeline *p, const struct report_output *o, struct flow *f,
		       const struct stream_result *said)
{
	struct record *r = report_of_packet(p, o, RECORD_OBJECT, f);
	const char *why = p->verdict.drop ? verdict_reason_name(p->verdict.reason) : NULL;
	struct buf b = buf_in(&p->scratch);
	struct json j = json_in(&b);

	r->type = SLICE("stream_tcp");
	if (f != NULL)
		r->direction =
			p->packet_dir == FLOW_TO_SERVER ? SLICE("to_server") : SLICE("to_client");
	json_object(&j);
	put_packet(&j, &p->packet, said->marks);
	put_session(&j, f, (said->marks >> STREAM_MARK_STATE_UPDATE & 1) != 0);
	put_events(p, &j, &said->events);
	if (why != NULL) {
		json_key(&j, "reason");
		json_z(&j, why);
	}
	json_end(&j);
	report_add_json(p, "", "stream_tcp", &b);
	report_emit(p, o, r);
}

void pipeline_report_stream(struct pipeline *p, struct flow *f)
{
	static const struct stream_result nothing;
	const struct stream_result *said = f != NULL ? &p->tcp : &nothing;

	if (p->packet.proto != IP_PROTO_TCP || p->packet.l4_header.len == 0)
		return;
	REPORT_EACH(p, o, REPORT_STREAM)
	{
		if (o->settings->stream.all || (said->marks & o->settings->stream.marks) != 0)
			say_stream(p, o, f, said);
	}
}
