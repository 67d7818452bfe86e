/* SPDX-License-Identifier: Apache-2.0
 *
 * sensor/collect/collect.h - flows that others saw: records of flow export to flow events.
 *
 * Exporters tell a flow in pieces: each direction by itself, and a long flow again and again.
 * Pieces are put together here (join.c) until the flow is over, or nothing more came of it for a
 * while; then it becomes what a flow of our own becomes: a `flow` record, and something for the
 * detectors of sensor/anomaly. Each record says that it was told and not seen (`source`), by whom,
 * and what the sequence numbers and the exporter's own word say was lost.
 *
 * Flows of an exporter that samples are not given to the detectors: what it left out looks like
 * silence, and silence is what they go by.
 *
 * One thread; no clock, no socket. Memory is fixed: IPFIX_SESSIONS_MAX and flows_max bound it.
 */
#ifndef DEW_SENSOR_COLLECT_H
#define DEW_SENSOR_COLLECT_H

#include "base/addr.h"
#include "base/arena.h"
#include "base/status.h"
#include "record/record.h"
#include "sensor/ipfix/ipfix.h"

enum {
	COLLECT_FLOWS_DEFAULT =
		65536, /* that are being put together; the oldest is said as it is */
	COLLECT_ALLOWED_MAX = 64,
};

struct collect;
struct config;

struct collect_options {
	struct slice party, station;
	struct record_sink sink;
	uint32_t flows_max;    /* 0: COLLECT_FLOWS_DEFAULT */
	uint64_t hash_seed;    /* live, a random one */
	struct config *config; /* of the detectors; NULL: their defaults. Read by collect_new() */
	/* Whose messages are taken; none: everybody's. */
	const struct addr_prefix *allowed;
	size_t allowed_count; /* at most COLLECT_ALLOWED_MAX */
};

struct collect_counters {
	uint64_t messages;
	uint64_t refused; /* messages of whoever is not allowed */
	uint64_t flows;	  /* said */
	uint64_t anomalies;
	uint64_t not_judged; /* flows of exporters that sample */
	uint64_t early;	     /* flows that had to make room */
};

MUST_USE enum status collect_new(const struct collect_options *o, struct arena *process,
				 struct collect **out, struct fail *why);
/* A message as ipfix_read() takes it. */
void collect_message(struct collect *c, const struct ipfix_origin *from, struct slice message,
		     struct wall_ns now);
void collect_connection_ended(struct collect *c, const struct ipfix_origin *from);
/* Says flows of which no more is expected. */
void collect_tick(struct collect *c, struct wall_ns now);
/* An `exporter` record of each that was heard since the last time. */
void collect_say_exporters(struct collect *c, struct wall_ns now);
/* All flows, and then all exporters. Memory that records took goes: nothing may follow. */
void collect_finish(struct collect *c);

const struct collect_counters *collect_counters(struct collect *c);
const struct ipfix_reader_counters *collect_reader_counters(const struct collect *c);

#endif
