/* SPDX-License-Identifier: Apache-2.0
 *
 * sensor/pipeline/pipeline_priv.h - the worker, and what report.c writes about it.
 */
#ifndef DEW_SENSOR_PIPELINE_PIPELINE_PRIV_H
#define DEW_SENSOR_PIPELINE_PIPELINE_PRIV_H

#include "base/json.h"
#include "sensor/anomaly/anomaly.h"
#include "sensor/app/app.h"
#include "sensor/decode/decode.h"
#include "sensor/detect/detect.h"
#include "sensor/flow/flow.h"
#include "sensor/pipeline/pipeline.h"
#include "sensor/pipeline/verdict.h"
#include "sensor/stream/stream.h"

struct pipeline {
	struct arena_pool fixed_pool; /* of `fixed` */
	struct arena fixed;	      /* tables made once, and this struct itself */
	struct arena_pool pool;	      /* within the budget: all that comes and goes */
	struct pipeline_options options;
	struct pipeline_counters counters;
	struct decode_worker *decode;
	struct flow_table *flows;
	struct detect_worker *detect; /* NULL: no rules */
	struct anomaly_worker *anomaly;
	struct app_setup *app;
	struct stream_limits stream;
	struct packet packet; /* of a frame's packets, the one being worked on */
	bool in_packet;	      /* `packet` is the one being worked on; false at the end of a flow */
	bool finished;
	struct verdict_policies policies;
	struct verdict verdict; /* on `packet`, so far; nothing at the end of a flow */
	uint32_t decode_said[PACKET_ANOMALIES_MAX];
	struct record record; /* being built */
	struct record said;   /* a copy of what a detector said, to be signed with our name */
	char bins[2][FLOW_BINS_MAX];
};

/* Rule hits, as detect's sink calls it; ctx is the pipeline. */
void pipeline_report_hit(void *ctx, const struct detect_hit *hit);

/* What anomaly detectors say, as their sink calls it; ctx is the pipeline. */
void pipeline_report_behaviour(void *ctx, const struct record *r);

/* Malformed packets and odd sessions: `stream` has the bits of stream_packet(). f may be NULL. */
void pipeline_report_packet(struct pipeline *p, struct flow *f, enum flow_dir dir, uint64_t stream);

/* Finished transactions of f that were not logged yet. */
void pipeline_report_txs(struct pipeline *p, struct flow *f);

/* Files of f's transactions that are over and were not logged yet (report_file.c). */
void pipeline_report_files(struct pipeline *p, struct flow *f);
/* The members of EVE's fileinfo object, into an open object. */
void pipeline_file_json(struct json *j, const struct file *file, uint64_t tx_id);

/* A fresh record about flow f, its sender the one who sends in direction dir; and its way out. */
struct record *pipeline_record_of_flow(struct pipeline *p, const struct flow *f, enum flow_dir dir);
void pipeline_emit(struct pipeline *p, struct record *r);

/* A flow that ended: the anomalies of its protocol, and the flow itself. */
void pipeline_report_flow(struct pipeline *p, struct flow *f, enum flow_end why);

#endif
