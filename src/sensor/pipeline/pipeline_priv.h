/* SPDX-License-Identifier: Apache-2.0
 *
 * sensor/pipeline/pipeline_priv.h - the worker, and what report*.c write about it.
 */
#ifndef DEW_SENSOR_PIPELINE_PIPELINE_PRIV_H
#define DEW_SENSOR_PIPELINE_PIPELINE_PRIV_H

#include "base/json.h"
#include "sensor/anomaly/anomaly.h"
#include "sensor/app/app.h"
#include "sensor/decode/decode.h"
#include "sensor/detect/detect.h"
#include "sensor/flow/flow.h"
#include "sensor/meter/meter.h"
#include "sensor/pipeline/pipeline.h"
#include "sensor/pipeline/stats.h"
#include "sensor/pipeline/verdict.h"
#include "sensor/stream/stream.h"

struct report_output;

struct pipeline {
	struct arena_pool fixed_pool;  /* of `fixed` */
	struct arena fixed;	       /* tables made once, and this struct itself */
	struct arena_pool pool;	       /* within the budget: all that comes and goes */
	struct arena_pool stream_pool; /* of it: streams' bytes, stream.reassembly.memcap at most */
	/* Of it, so that it is known who has how much: flows and what hangs on them; transactions;
	 * what rules remember; fragments. */
	struct arena_pool flow_pool, app_pool, detect_pool, fragment_pool;
	struct pipeline_options options;
	struct pipeline_counters counters;
	struct decode_worker *decode;
	struct flow_table *flows;
	struct detect_worker *detect;	/* NULL: no rules */
	struct anomaly_worker *anomaly; /* NULL: nobody wants to know */
	struct meter *meter;		/* NULL: flows are not exported */
	struct app_setup *app;
	struct pipeline_kit *kit;     /* kit.c: memory of what rules need */
	struct file_magic *own_types; /* libmagic's table, if it was wanted from the beginning */
	struct pipeline_expects *expects; /* NULL: none yet */
	struct stream_config stream;
	struct packet packet; /* of a frame's packets, the one being worked on */
	bool in_packet;	      /* `packet` is the one being worked on; false at the end of a flow */
	bool finished;
	bool guess_tx;	       /* alerts on a stream name the one transaction that is open */
	uint8_t guess_tx_most; /* alerts that name one transaction so */
	struct verdict_policies policies;
	struct stream_result tcp; /* what the stream made of `packet` */
	struct verdict verdict;	  /* on `packet`, so far; nothing at the end of a flow */
	bool stops;		  /* the frame: one of its packets was dropped */
	struct slice instead;	  /* of it: what passes in its place, if len != 0 */
	struct pipeline_reply replies[PIPELINE_REPLIES_MAX]; /* to the frame */
	size_t reply_count;
	struct wall_ns missed;	   /* pipeline_missed() */
	struct pipeline_seen seen; /* the frame: what it was part of */
	uint32_t decode_said[PACKET_ANOMALIES_MAX];
	enum flow_dir packet_dir; /* of the packet in its flow; to server without one */
	struct report_output *outputs;
	struct report_output *store_info; /* how a file-store's write-fileinfo says it */
	size_t output_count;
	struct pipeline_stats *stats;	  /* NULL: nobody wants to know */
	struct report_stats *stats_said;  /* NULL: no stats events */
	struct flow_counters flow_counts; /* as of pipeline_counters() */
	struct wall_ns earliest, latest;  /* packets, or ticks, if counted; 0: none */
	bool of_end; /* what is being said is about the end of a flow, not about a packet */
	struct record record;	/* being built */
	struct arena scratch;	/* its memory */
	struct arena rewritten; /* the frame at hand, with the bytes that came first */
};

/* The outputs of p->options, in p->fixed. */
MUST_USE enum status pipeline_outputs_new(struct pipeline *p, struct fail *why);

/* What rules want of the application's parsers is switched on. */
void pipeline_rules_ask(struct pipeline *p, const struct detect_rules *rules);

/* The kit of the rules that p was made with. False: no memory. */
MUST_USE bool pipeline_kit_first(struct pipeline *p);

/* Rule hits, as detect's sink calls it; ctx is the pipeline. */
void pipeline_report_hit(void *ctx, const struct detect_hit *hit);

/* Does some output say what detectors of behaviour find? */
bool pipeline_wants_behaviour(const struct pipeline *p);

/* What anomaly detectors say, as their sink calls it; ctx is the pipeline. */
void pipeline_report_behaviour(void *ctx, const struct record *r);

/* Malformed packets and odd sessions: `stream` has the bits of stream_packet(). f may be NULL. */
void pipeline_report_packet(struct pipeline *p, struct flow *f, const struct stream_events *stream);

/* What is odd about the flow's transactions and was not said yet. */
void pipeline_report_app(struct pipeline *p, struct flow *f);
/* app_flow.events, which are taken. */
void pipeline_report_protocols(struct pipeline *p, struct flow *f);

/* The MAC addresses of the packet at hand, at the ends of its flow f. */
void pipeline_report_macs(struct pipeline *p, struct flow *f);

/* The flow was swapped. */
void pipeline_report_swap(struct flow *f);

/* Finished transactions of f that were not logged yet. */
void pipeline_report_txs(struct pipeline *p, struct flow *f);

/* Flows that f's bytes announced are remembered; is the new flow f one of them? (expect.c) */
void pipeline_expect_take(struct pipeline *p, struct flow *f);
void pipeline_expect_begin(struct pipeline *p, struct flow *f);

/* Frames of f in the packet's direction that were not logged yet. */
void pipeline_report_frames(struct pipeline *p, struct flow *f);

/* Files of f's transactions that are over and were not logged yet. */
void pipeline_report_files(struct pipeline *p, struct flow *f);
bool pipeline_files_logged(const struct app_tx *tx); /* all that tx carries */

/* Inline: p->packet, of which the stream says `rewrite`, gets the bytes that came first in the
 * place of its own, its checksum follows (rewrite.c). Without memory it stays as it is. */
void pipeline_rewrite(struct pipeline *p, const struct flow *f, enum flow_dir dir);

/* p->packet, which a rule or a policy rejects, is answered (reject.c). */
void pipeline_reject(struct pipeline *p);

/* A packet that was stopped, of flow f (NULL: of none). */
void pipeline_report_drop(struct pipeline *p, struct flow *f);

/* A TCP packet, and its session; f may be NULL. */
void pipeline_report_stream(struct pipeline *p, struct flow *f);

/* What was counted, to those outputs that want it. */
void pipeline_report_stats(struct pipeline *p);

/* stats.c: only if p->stats. A frame; a packet that went through; a flow that is new; what the
 * stream said of a packet, which may begin a session; a flow that ends; what happened to its
 * application. */
void pipeline_count_time(struct pipeline *p, struct wall_ns at);
void pipeline_count_frame(struct pipeline *p, uint32_t linktype, uint32_t bytes);
void pipeline_count_packet(struct pipeline *p);
void pipeline_count_flow(struct pipeline *p, const struct flow *f);
void pipeline_count_stream(struct pipeline *p, bool begins);
void pipeline_count_flow_end(struct pipeline *p, const struct flow *f);
void pipeline_count_app(struct pipeline *p, const struct flow *f, enum pipeline_app_event what);

/* The packet, which a rule's tag marked. */
void pipeline_report_tagged(struct pipeline *p, struct flow *f);

/* A message of ARP. */
void pipeline_report_arp(struct pipeline *p);

/* p->meter, if flows are exported. False: no memory. */
MUST_USE bool pipeline_meter_make(struct pipeline *p);

/* A flow that ended. */
void pipeline_report_flow(struct pipeline *p, struct flow *f, enum flow_end why);

#endif
