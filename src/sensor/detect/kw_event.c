/* SPDX-License-Identifier: Apache-2.0
 * Anomalies as rules name them: app-layer-event, decode-event, stream-event. */
#include "sensor/detect/detect_priv.h"
#include "sensor/stream/stream.h"

struct event_operand {
	uint32_t bit;
	uint64_t apps;
	uint8_t bit_of[DETECT_PROTOCOLS_MAX]; /* + 1; 0: the protocol has no such anomaly */
};

static int index_of(const char *const *names, struct slice name)
{
	for (int i = 0; names != NULL && names[i] != NULL; i++)
		if (slice_equal_nocase(name, slice_of(names[i])))
			return i;
	return -1;
}

/* The bit of an anomaly of protocol p, under any of its names; -1: it has none so called. */
static int app_index(const struct app_protocol *p, struct slice name)
{
	for (const struct app_word *w = p->synonyms; w != NULL && w->name != NULL; w++)
		if (slice_equal(name, slice_of(w->name)))
			return (int)w->value;
	return index_of(p->anomalies, name);
}

static bool app_event(const void *operand, const struct detect_view *v)
{
	const struct event_operand *o = operand;
	int i = detect_protocol_index(v->flow->app->protocol);

	return i >= 0 && o->bit_of[i] != 0 &&
	       ((v->tx->anomalies | v->flow->app->anomalies) >> (o->bit_of[i] - 1) & 1) != 0;
}

/* What the packet made known about who speaks what in its flow. */
static bool protocol_event(const void *operand, const struct detect_view *v)
{
	const struct event_operand *o = operand;

	return v->flow != NULL && v->flow->app != NULL && (v->flow->app->events >> o->bit & 1) != 0;
}

/* The row of names without a protocol. */
static const struct detect_keyword of_protocols = {
	.name = "app-layer-event", .test = protocol_event, .cost = 1};

static bool decode_event(const void *operand, const struct detect_view *v)
{
	const struct event_operand *o = operand;

	return v->packet != NULL && packet_has_anomaly(v->packet, o->bit);
}

static bool stream_event(const void *operand, const struct detect_view *v)
{
	const struct event_operand *o = operand;

	return stream_events_has(&v->worker->stream_events, o->bit);
}

static enum status compile_app(struct detect_compiler *c, const struct detect_keyword *kw,
			       struct slice value, struct fail *why)
{
	struct event_operand *o = ARENA_NEW(c->arena, struct event_operand);
	struct slice rest = value, proto = slice_split(&rest, '.');

	if (o == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %s", kw->name);
	if (rest.ptr == NULL || rest.len == 0) {
		int event = index_of(app_events, proto);

		if (event < 0)
			return fail_set(why, ST_NOTFOUND, "no event \"%.*s\"", SLICE_ARG(value));
		o->bit = (uint32_t)event;
		c->wants_packet = true;
		return detect_add_test(c, &of_protocols, o, why);
	}
	for (unsigned i = 0; app_protocols[i] != NULL && i < DETECT_PROTOCOLS_MAX; i++) {
		int bit = (detect_apps_named(proto) >> i & 1) != 0
				  ? app_index(app_protocols[i], rest)
				  : -1;

		if (bit >= 0 && bit < APP_ANOMALIES_MAX) {
			o->bit_of[i] = (uint8_t)(bit + 1);
			o->apps |= UINT64_C(1) << i;
		}
	}
	if (o->apps == 0 && detect_apps_named(proto) != 0) /* a protocol's events come and go */
		return fail_set(why, ST_REFUSED, "no event \"%.*s\"", SLICE_ARG(value));
	if (o->apps == 0)
		return fail_set(why, ST_NOTFOUND, "no event \"%.*s\"", SLICE_ARG(value));
	c->event_apps |= o->apps;
	return detect_add_tx_test(c, kw, o, why);
}

static enum status compile_packet(struct detect_compiler *c, const struct detect_keyword *kw,
				  struct slice value, struct fail *why)
{
	struct event_operand *o = ARENA_NEW(c->arena, struct event_operand);
	int i = index_of(kw->which == 0 ? decode_anomalies : stream_anomalies, value);

	if (o == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %s", kw->name);
	if (i < 0)
		return fail_set(why, ST_NOTFOUND, "no event \"%.*s\"", SLICE_ARG(value));
	o->bit = (uint32_t)i;
	c->wants_packet = true;
	return detect_add_test(c, kw, o, why);
}

KEYWORD(event) = {
	{.name = "app-layer-event",
	 .compile = compile_app,
	 .test = app_event,
	 .cost = 1,
	 .doc = "an application parser's anomaly: protocol.name"},
	{.name = "decode-event",
	 .which = 0,
	 .compile = compile_packet,
	 .test = decode_event,
	 .cost = 1,
	 .doc = "a decoder's anomaly"},
	{.name = "engine-event",
	 .which = 0,
	 .compile = compile_packet,
	 .test = decode_event,
	 .cost = 1,
	 .doc = "older name of decode-event"},
	{.name = "stream-event",
	 .which = 1,
	 .compile = compile_packet,
	 .test = stream_event,
	 .cost = 1,
	 .doc = "an anomaly of the TCP session"},
	{0},
};
