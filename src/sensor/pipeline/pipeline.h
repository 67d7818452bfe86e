/* SPDX-License-Identifier: Apache-2.0
 *
 * sensor/pipeline/pipeline.h - one worker: frames in, records out. docs/life-of-a-packet.md walks
 * through it.
 *
 * A worker owns all it needs and shares only the immutable detect_rules. Same frames, same rules:
 * same records in the same order, whatever the machine.
 */
#ifndef DEW_SENSOR_PIPELINE_H
#define DEW_SENSOR_PIPELINE_H

#include "base/arena.h"
#include "base/slice.h"
#include "base/status.h"
#include "base/time.h"
#include "record/record.h"

struct detect_rules;
struct pipeline;

struct pipeline_options {
	const struct detect_rules *rules; /* NULL: no signatures */
	size_t memory_bytes;		  /* budget for flows, streams, transactions; 0 = 1 GiB */
	struct slice party, station;	  /* written into each record */
	struct record_sink sink;
	bool midstream;
};

struct pipeline_counters {
	uint64_t packets, bytes, undecoded, flows, records, alerts, anomalies;
};

MUST_USE enum status pipeline_new(const struct pipeline_options *o, struct pipeline **out,
				  struct fail *why);

/* One frame in capture order. */
void pipeline_frame(struct pipeline *p, uint32_t linktype, struct slice frame, uint32_t wire_bytes,
		    struct wall_ns at, uint64_t number);

/* Ends all flows and writes what is still to be said. */
void pipeline_finish(struct pipeline *p);

const struct pipeline_counters *pipeline_counters(const struct pipeline *p);
void pipeline_free(struct pipeline *p); /* NULL is fine */

#endif
