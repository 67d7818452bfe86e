/* SPDX-License-Identifier: Apache-2.0
 *
 * sensor/meter/meter.h - what flow export tells of a flow, and when: RFC 7011's metering process.
 *
 * A flow record is about packets since the last record of that flow. It is due when the flow ends,
 * when the oldest of them was active_ns ago (so that a long flow is told while it lives), or when
 * there was no packet for idle_ns, which may be less than the time that the table of flows keeps
 * it. The records of one flow have one id, and add up to its `flow` event.
 *
 * One worker's; packet time. Its memory is in the flows' arenas: a flow without room for it is not
 * told, and counted.
 */
#ifndef DEW_SENSOR_METER_H
#define DEW_SENSOR_METER_H

#include "base/arena.h"
#include "base/time.h"
#include "sensor/flow/flow.h"
#include "sensor/ipfix/ipfix.h"

struct meter;

struct meter_sink {
	void *ctx;
	void (*tell)(void *ctx, const struct ipfix_flow *f);
};

struct meter_options {
	int64_t active_ns, idle_ns; /* 0: 60 s, 15 s */
	struct meter_sink sink;
	const char *(*app)(const struct flow *f); /* its application's name; NULL: not known */
};

MUST_USE struct meter *meter_new(const struct meter_options *o, struct arena *process);

/* A packet of f, which is counted in it already. */
void meter_packet(struct meter *m, struct flow *f, const struct packet *p, enum flow_dir dir);
/* Client and server of f changed places. */
void meter_swap(struct flow *f);
/* Tells what is due at `now`. Cheap when nothing is. */
void meter_expire(struct meter *m, struct wall_ns now);
/* f ends: what was not told yet. */
void meter_end(struct meter *m, struct flow *f, enum flow_end why);

struct meter_counters {
	uint64_t flows;	    /* that began */
	uint64_t records;   /* told */
	uint64_t no_memory; /* packets of flows without room */
};
const struct meter_counters *meter_counters(const struct meter *m);

#endif
