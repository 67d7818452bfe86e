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

#include "base/addr.h"
#include "base/arena.h"
#include "base/slice.h"
#include "base/status.h"
#include "base/time.h"
#include "record/record.h"

struct config;
struct detect_cost;
struct detect_rules;
struct detect_shared;
struct file_store;
struct meter_options;
struct pipeline;
struct pipeline_stats;

enum { PIPELINE_OUTPUTS_MAX = 8 };

/* An eve-log of a suricata.yaml: where its events go, and its node, which says which. */
struct pipeline_output {
	struct record_sink sink;
	struct config *node; /* NULL: those of the suricata.yaml that Suricata ships */
	/* A line of text for each alert instead (fast.log): only what the record's table has of it,
	 * and type is "Drop" where the rule stops the packet, "wDrop" where it would in line. */
	bool alerts;
};

struct pipeline_options {
	const struct detect_rules *rules; /* NULL: no signatures; must outlive the pipeline */
	/* Budget for flows, streams, fragments and transactions; 0 = 1 GiB. What does not fit is
	 * left out and counted; the tables that are made once (some MiB) come on top. */
	size_t memory_bytes;
	struct slice capture;	     /* the file as it was named, for eve-log.pcap-file */
	struct slice party, station; /* written into each record; must outlive the pipeline */
	/* Where events go. Without outputs, sink gets the records that evidence is made of; without
	 * that, too, nothing is said. */
	struct record_sink sink;
	const struct pipeline_output *outputs; /* read by pipeline_new() only */
	size_t output_count;		       /* at most PIPELINE_OUTPUTS_MAX */
	bool midstream; /* pick up TCP sessions whose handshake was not seen */
	/* suricata.yaml, or NULL for Suricata's defaults; read by pipeline_new() only, which hands
	 * it to every module that has settings. */
	struct config *config;
	/* Where files go that rules want stored; NULL: nowhere. file_ids: the last number given to
	 * one, shared by the pipelines of one store. */
	const struct file_store *store;
	uint32_t *file_ids;
	bool simulate_ips;   /* inline mode on a capture: verdicts are made, and obeyed */
	bool skip_checksums; /* -k none */
	bool profile;	     /* count what each rule costs */
	bool stats;	     /* count for pipeline_stats_read() (stats.h), whatever eve-logs want */
	uint64_t rules_failed, rules_skipped; /* that stats speak of: not loaded, not for us */
	struct detect_shared *shared;	      /* what rules remember about hosts; NULL: by itself */
	/* Of several workers one says stats events, and is given before what the others counted,
	 * and what only their owner knows (capture.*). */
	bool stats_silent; /* another says them */
	void *stats_ctx;
	void (*stats_gather)(void *ctx, struct pipeline_stats *sum); /* NULL: it is alone */
	/* There is an alert about this flow (0: about a packet without one), at this time of
	 * packets: called before the frame's pipeline_seen() is complete. NULL: nobody wants to
	 * know. */
	void *alerted_ctx;
	void (*alerted)(void *ctx, uint64_t flow, struct wall_ns at);
	struct slice interface; /* written into each event, if not empty: in_iface */
	uint32_t tenant;	/* its number, written into each event; 0: the station itself */
	uint64_t hash_seed;	/* of the table of flows; live capture gives a random one */
	/* Whom flow records are told; NULL: nobody. Read by pipeline_new() only; `app` is its own.
	 */
	const struct meter_options *meter;
};

enum { PIPELINE_SEEN_MAX = 4 };

/* What a frame was part of, for who keeps frames. */
struct pipeline_seen {
	uint64_t flows[PIPELINE_SEEN_MAX]; /* ids; of what a tunnel carries first */
	uint8_t count;
	bool passed; /* a rule passes one of these flows */
};

enum {
	PIPELINE_DECODE_SAID_MAX = 1000, /* records about one kind of malformed packet */
};

struct pipeline_counters {
	uint64_t packets, bytes; /* frames and their bytes on the wire */
	uint64_t undecoded;	 /* frames without an IP packet in them */
	uint64_t flows;
	uint64_t records, alerts, anomalies; /* written; alerts and anomalies are records too */
	uint64_t muted;			     /* decode anomalies past PIPELINE_DECODE_SAID_MAX */
	uint64_t no_memory; /* flows that could not be followed or read for want of memory */
	uint64_t forgotten; /* subjects of anomaly detection that made room for newer ones */
	uint64_t candidates,
		evaluated;   /* rules that the prefilter named; whose whole was then asked */
	uint64_t suppressed; /* matches that a threshold kept silent */
	uint64_t flows_now;  /* that have not ended */
	/* Of those that have: the sum is what is missing between flows and flows_now. */
	uint64_t flows_timed_out, flows_replaced, flows_shut_down; /* as they should */
	uint64_t flows_hurried, flows_evicted; /* sooner, for want of room: flow.h */
	uint64_t flows_refused;		       /* packets that would have begun one */
	uint64_t memory;		       /* bytes of the budget that are in use */
	uint64_t memory_streams;	       /* of them, by the bytes of streams */
	uint64_t memory_flows;	/* by flows, and what rules and parsers hang on them */
	uint64_t memory_app;	/* by transactions */
	uint64_t memory_detect; /* by what rules remember beside flows */
	uint64_t memory_fragments;
	uint64_t memory_most;  /* the budget */
	uint64_t memory_fixed; /* bytes of tables that were made once */
	uint64_t stopped;      /* frames that a verdict would keep from passing */
};

MUST_USE enum status pipeline_new(const struct pipeline_options *o, struct pipeline **out,
				  struct fail *why);

/* One frame in capture order. A time before 1970 or after 2261 is brought to that limit. */
void pipeline_frame(struct pipeline *p, uint32_t linktype, struct slice frame, uint32_t wire_bytes,
		    struct wall_ns at, uint64_t number);

/* Whether checksums count as right, whatever they are, from the next frame on: those of packets
 * that this host sends are written by its card, later. */
void pipeline_trust_checksums(struct pipeline *p, bool trusted);

/* Where frames come in from the next one on: options.interface. */
void pipeline_interface(struct pipeline *p, struct slice name);

/* Shall the last frame not pass? Asked only in the line. */
bool pipeline_stops(const struct pipeline *p);

/* In the line: the bytes that shall pass instead of the last frame, as many as it has; len 0: it
 * passes as it is. Until the next frame. */
struct slice pipeline_instead(const struct pipeline *p);

/* Of the last frame; until the next. */
const struct pipeline_seen *pipeline_seen(const struct pipeline *p);

/* What the last frame is answered with, by a rule's reject; until the next frame. */
enum { PIPELINE_REPLIES_MAX = 2, PIPELINE_REPLY_MAX = 192 /* bytes */ };
struct pipeline_reply {
	bool back; /* to where the frame came from; else to where it was going */
	struct addr to;
	uint16_t link_bytes; /* a link header as the frame's; the IP packet is behind it */
	uint16_t count;	     /* bytes in all */
	uint8_t bytes[PIPELINE_REPLY_MAX];
};
size_t pipeline_replies(const struct pipeline *p, const struct pipeline_reply **out);

/* It is `now`: on the wire, called between packets and when there are none, so that flows time out
 * and what is due by the clock is said (stats events, each stats.interval seconds). A time before
 * that of a frame ends nothing. A capture needs none: its stats are said at its end. */
void pipeline_tick(struct pipeline *p, struct wall_ns now);

/* Traffic passed and nobody looked. */
struct pipeline_gap {
	struct wall_ns from, to;
	uint64_t packets, bytes; /* bytes 0: not known */
	const char *reason;	 /* "hang"; docs/formats/eve.md lists them; static */
	const char *counter;	 /* who counted; NULL: nobody, and packets is not known; static */
};

/* Between two packets: a "gap" event, in every eve-log. */
void pipeline_report_gap(struct pipeline *p, const struct pipeline_gap *g);

/* Between two packets: until that time some were not seen. Of flows that are older, a packet that
 * does not fit to what was seen of the stream is no reason to drop it. */
void pipeline_missed(struct pipeline *p, struct wall_ns until);

/* Ends all flows and writes what is still to be said. No frame may follow. */
void pipeline_finish(struct pipeline *p);

/* What a pipeline needs to go over to other rules, made in any thread; the rules were compiled with
 * detect_options.before those that it has. */
struct pipeline_kit;
MUST_USE enum status pipeline_kit_new(const struct detect_rules *rules, bool profile,
				      struct slice magic_path, struct pipeline_kit **out,
				      struct fail *why);
/* By the worker, between two frames: flows go on, the rules are the kit's. Returns what it had. The
 * pipeline was made with rules. */
MUST_USE struct pipeline_kit *pipeline_exchange(struct pipeline *p, struct pipeline_kit *kit);
void pipeline_kit_free(struct pipeline_kit *k); /* before its rules; NULL is fine */

/* The counters of several are added up, one by one. */
void pipeline_counters_add(struct pipeline_counters *sum, const struct pipeline_counters *one);
/* As of now; valid until the next call. */
const struct pipeline_counters *pipeline_counters(struct pipeline *p);
/* What each rule cost, if options.profile; *out_count 0 otherwise. Until pipeline_free(). */
const struct detect_cost *pipeline_costs(const struct pipeline *p, size_t *out_count);

struct detect_saved;
/* What rules changed in sets that are written back is taken, after pipeline_finish() or between two
 * frames. */
void pipeline_take_sets(const struct pipeline *p, struct detect_saved *out);

/* Ends without a word what pipeline_finish() did not. NULL is fine. */
void pipeline_free(struct pipeline *p);

#endif
