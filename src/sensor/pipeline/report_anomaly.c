/* SPDX-License-Identifier: Apache-2.0
 * "anomaly" events: malformed packets, odd sessions, broken protocols, and behaviour. */
#include "sensor/pipeline/report_priv.h"

enum { HEADER_BYTES = 32 /* of the frame, with packethdr */ };

static struct slice event_name(struct pipeline *p, const char *layer, const char *name)
{
	return buf_text(&p->scratch, "%s%s", layer, name);
}

/* Evidence hears of one kind of malformed packet PIPELINE_DECODE_SAID_MAX times. */
static bool is_muted(struct pipeline *p, unsigned i)
{
	if (p->decode_said[i] == PIPELINE_DECODE_SAID_MAX) {
		p->counters.muted++;
		return true;
	}
	p->decode_said[i]++;
	return false;
}

static void say_decode(struct pipeline *p, struct flow *f, unsigned i)
{
	bool said = false;

	REPORT_EACH(p, o, REPORT_ANOMALY)
	{
		struct record *r;

		if (!o->settings->anomaly.decode || (o->settings->evidence && is_muted(p, i)))
			continue;
		r = report_of_packet(p, o, RECORD_ANOMALY, f);
		r->u.anomaly.type = SLICE("decode");
		r->u.anomaly.event = event_name(p, "decoder.", decode_anomalies[i]);
		if (o->settings->anomaly.header)
			report_add_packet(p, HEADER_BYTES);
		report_emit(p, o, r);
		said = true;
	}
	p->counters.anomalies += said;
}

/* first: the flow had it not before; evidence needs it once. */
static void say_stream(struct pipeline *p, struct flow *f, unsigned i, bool first)
{
	bool said = false;

	REPORT_EACH(p, o, REPORT_ANOMALY)
	{
		struct record *r;

		if (!o->settings->anomaly.stream || (o->settings->evidence && !first))
			continue;
		r = report_of_packet(p, o, RECORD_ANOMALY, f);
		if (o->settings->evidence)
			r->app_proto = slice_of(report_app_name(f));
		r->u.anomaly.type = SLICE("stream");
		r->u.anomaly.event = event_name(p, "stream.", stream_anomalies[i]);
		if (o->settings->anomaly.header)
			report_add_packet(p, HEADER_BYTES);
		report_emit(p, o, r);
		said = true;
	}
	p->counters.anomalies += said;
}

void pipeline_report_packet(struct pipeline *p, struct flow *f, const struct stream_events *stream)
{
	for (unsigned i = 0; i < p->packet.odd_count; i++)
		say_decode(p, f, p->packet.odd[i]);
	if (f == NULL || !stream_events_any(stream))
		return;
	for (unsigned i = 0; stream_anomalies[i] != NULL; i++)
		if (stream_events_has(stream, i)) {
			uint64_t *logged = &f->anomalies_logged[i / 64];
			uint64_t bit = UINT64_C(1) << i % 64;

			say_stream(p, f, i, (*logged & bit) == 0);
			*logged |= bit;
		}
}

/* layer: who says so. "proto_detect": it is about which protocol it is, and may have none; many
 * servers answer in what no probe knows, so evidence does not hear of that. */
static void say_app(struct pipeline *p, struct flow *f, const struct app_tx *tx, struct slice event,
		    const char *layer)
{
	const char *name = report_app_name(f);
	bool said = false, detecting = strcmp(layer, "proto_detect") == 0;

	REPORT_EACH(p, o, REPORT_ANOMALY)
	{
		bool evidence = o->settings->evidence;
		struct record *r;

		if (!o->settings->anomaly.app || (evidence && detecting))
			continue;
		r = report_of_flow(p, o, RECORD_ANOMALY, f, p->packet_dir);
		if (evidence)
			r->app_proto = slice_of(name);
		else if (name != NULL)
			report_add_z(p, "anomaly", "app_proto", name);
		if (!evidence && tx != NULL)
			report_add_u64(p, "", "tx_id", tx->id);
		r->u.anomaly.type = SLICE("applayer");
		r->u.anomaly.event = event;
		r->u.anomaly.layer = slice_of(layer);
		report_emit(p, o, r);
		said = true;
	}
	p->counters.anomalies += said;
}

/* tx NULL: of the flow. Each bit is said once. */
static void say_new(struct pipeline *p, struct flow *f, const struct app_tx *tx, uint64_t anomalies,
		    uint64_t *said)
{
	const char *const *names = f->app->protocol->anomalies;
	uint64_t fresh = anomalies & ~*said;

	*said |= anomalies;
	for (unsigned i = 0; fresh != 0 && names != NULL && names[i] != NULL; i++)
		if ((fresh >> i & 1) != 0)
			say_app(p, f, tx, slice_of(names[i]), "proto_parser");
}

void pipeline_report_app(struct pipeline *p, struct flow *f)
{
	for (struct app_tx *tx = f->app->first; tx != NULL; tx = tx->next)
		if (tx->anomalies != tx->anomalies_said)
			say_new(p, f, tx, tx->anomalies, &tx->anomalies_said);
	say_new(p, f, NULL, f->app->anomalies, &f->app->anomalies_said);
}

void pipeline_report_protocols(struct pipeline *p, struct flow *f)
{
	if (f->app == NULL || f->app->events == 0)
		return;
	for (unsigned i = 0; i < APP_EVENTS; i++)
		if ((f->app->events >> i & 1) != 0)
			say_app(p, f, NULL, slice_of(app_events[i]), "proto_detect");
	f->app->events = 0;
}

bool pipeline_wants_behaviour(const struct pipeline *p)
{
	REPORT_EACH(p, o, REPORT_ANOMALY)
	if (o->settings->anomaly.behaviour)
		return true;
	return false;
}

void pipeline_report_behaviour(void *ctx, const struct record *r)
{
	struct pipeline *p = ctx;

	p->counters.anomalies++;
	REPORT_EACH(p, o, REPORT_ANOMALY)
	{
		if (!o->settings->anomaly.behaviour)
			continue;
		p->record = *r;
		report_emit(p, o, &p->record);
	}
}
