/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/anomaly/anomaly.h"

#include "sensor/anomaly/anomaly_priv.h"
#include "sensor/decode/decode.h"

enum { DETECTORS_MAX = 8 };

struct anomaly_worker {
	struct record_sink out;
	struct anomaly_table tables[DETECTORS_MAX]; /* of anomaly_detectors[i] */
};

struct anomaly_worker *anomaly_worker_new(struct arena *process, struct record_sink out)
{
	struct anomaly_worker *w = ARENA_NEW(process, struct anomaly_worker);

	if (w == NULL)
		return NULL;
	w->out = out;
	for (size_t i = 0; anomaly_detectors[i] != NULL; i++) {
		ASSERT(i < DETECTORS_MAX);
		if (!anomaly_table_init(&w->tables[i], process,
					anomaly_detectors[i]->subject_bytes))
			return NULL;
	}
	return w;
}

void anomaly_flow_new(struct anomaly_worker *w, const struct flow *f)
{
	for (size_t i = 0; anomaly_detectors[i] != NULL; i++)
		if (anomaly_detectors[i]->flow_new != NULL)
			anomaly_detectors[i]->flow_new(&w->tables[i], f, &w->out);
}

void anomaly_flow_end(struct anomaly_worker *w, const struct flow *f)
{
	for (size_t i = 0; anomaly_detectors[i] != NULL; i++)
		if (anomaly_detectors[i]->flow_end != NULL)
			anomaly_detectors[i]->flow_end(&w->tables[i], f, &w->out);
}

void anomaly_logged(struct anomaly_worker *w, const struct flow *f, const struct record *r)
{
	for (size_t i = 0; anomaly_detectors[i] != NULL; i++)
		if (anomaly_detectors[i]->logged != NULL)
			anomaly_detectors[i]->logged(&w->tables[i], f, r, &w->out);
}

uint64_t anomaly_forgotten(const struct anomaly_worker *w)
{
	uint64_t n = 0;

	for (size_t i = 0; anomaly_detectors[i] != NULL; i++)
		n += w->tables[i].forgotten;
	return n;
}

void anomaly_text_add(struct anomaly_text *t, struct slice s)
{
	s = slice_part(s, 0, sizeof t->z - t->len);
	if (s.len != 0)
		memcpy(t->z + t->len, s.ptr, s.len);
	t->len += s.len;
}

void anomaly_text_z(struct anomaly_text *t, const char *z)
{
	anomaly_text_add(t, slice_of(z));
}

/* A number of thousands or more gets commas, as people read them. */
void anomaly_text_number(struct anomaly_text *t, uint64_t v)
{
	char digits[27];
	size_t at = sizeof digits, n = 0;

	do {
		if (n != 0 && n % 3 == 0)
			digits[--at] = ',';
		digits[--at] = (char)('0' + v % 10);
		v /= 10;
		n++;
	} while (v != 0);
	anomaly_text_add(t, (struct slice){(const uint8_t *)digits + at, sizeof digits - at});
}

void anomaly_text_seconds(struct anomaly_text *t, int64_t ns)
{
	uint64_t tenths = ns < 0 ? 0 : ((uint64_t)ns + 50000000) / 100000000;
	uint8_t digit = (uint8_t)('0' + tenths % 10);

	anomaly_text_number(t, tenths / 10);
	anomaly_text_z(t, ".");
	anomaly_text_add(t, (struct slice){&digit, 1});
}

void anomaly_text_addr(struct anomaly_text *t, const struct addr *a)
{
	char text[ADDR_TEXT_MAX];

	anomaly_text_add(t, addr_format(a, text));
}

void anomaly_text_port(struct anomaly_text *t, uint16_t port)
{
	char digits[5];
	size_t at = sizeof digits;

	do
		digits[--at] = (char)('0' + port % 10);
	while ((port /= 10) != 0);
	anomaly_text_add(t, (struct slice){(const uint8_t *)digits + at, sizeof digits - at});
}

void anomaly_text_peer(struct anomaly_text *t, const struct addr *a, uint16_t port)
{
	anomaly_text_z(t, a->family == 6 ? "[" : "");
	anomaly_text_addr(t, a);
	anomaly_text_z(t, a->family == 6 ? "]:" : ":");
	anomaly_text_port(t, port);
}

void anomaly_say(const struct record_sink *out, const struct flow *f,
		 const struct anomaly_finding *finding)
{
	bool ports = finding->dport != 0 && (f->proto == IP_PROTO_TCP || f->proto == IP_PROTO_UDP);
	struct record r = {
		.kind = RECORD_ANOMALY,
		.at = finding->at,
		.flow_id = f->id,
		.src = f->client,
		.dst = f->server,
		.has_ports = ports,
		.sport = ports ? f->client_port : 0,
		.dport = ports ? finding->dport : 0,
		.proto = f->proto,
		.vlans = f->vlans,
		.direction = SLICE("to_server"),
		.u.anomaly = {.type = SLICE("behaviour"),
			      .event = slice_of(finding->event),
			      .summary = {(const uint8_t *)finding->summary->z,
					  finding->summary->len},
			      .score_milli = finding->score_milli,
			      .observations = finding->observations,
			      .first = finding->first,
			      .last = finding->last},
	};

	for (size_t i = 0; i < f->vlans && i < RECORD_VLANS_MAX; i++)
		r.vlan[i] = f->vlan[i];
	out->put(out->ctx, &r);
}
