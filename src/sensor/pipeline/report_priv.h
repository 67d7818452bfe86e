/* SPDX-License-Identifier: Apache-2.0
 *
 * sensor/pipeline/report_priv.h - what is written about the traffic, and how: one file a kind of
 * event (report_<kind>.c), one struct report_output a place where events go.
 *
 * An output is either an eve-log of a suricata.yaml, which gets what that asks for in the form of
 * Suricata 8's EVE, or the evidence: the kinds that verdicts rest on, and of them no more than
 * verdicts need. Each output gets its own record of an event, made for it; its memory is
 * pipeline.scratch, given back when the record was put.
 */
#ifndef DEW_SENSOR_PIPELINE_REPORT_PRIV_H
#define DEW_SENSOR_PIPELINE_REPORT_PRIV_H

#include "sensor/config/config.h"
#include "sensor/file/file.h"
#include "sensor/pipeline/pipeline_priv.h"

/* Members of `types:` of an eve-log that are no protocol; the order is that of the names in
 * report_settings.c. */
enum report_type {
	REPORT_ALERT,
	REPORT_ANOMALY,
	REPORT_DROP,
	REPORT_FILES,
	REPORT_FLOW,
	REPORT_NETFLOW,
	REPORT_STATS,
	REPORT_METADATA,
	REPORT_FRAME,
	REPORT_STREAM,
	REPORT_ARP,
	REPORT_TYPES
};

/* What an alert says beside the signature: bits of report_settings.alert. */
enum {
	REPORT_WITH_FLOW = 1 << 0,
	REPORT_WITH_APP = 1 << 1,  /* the transaction's object */
	REPORT_WITH_META = 1 << 2, /* the rule's metadata, and the transaction's files */
	REPORT_WITH_RULE = 1 << 3,
	REPORT_WITH_REFERENCES = 1 << 4,
	REPORT_WITH_PAYLOAD = 1 << 5, /* base64 */
	REPORT_WITH_PAYLOAD_TEXT = 1 << 6,
	REPORT_WITH_PAYLOAD_LENGTH = 1 << 7,
	REPORT_WITH_PACKET = 1 << 8,
	REPORT_WITH_TAGGED = 1 << 9, /* packets that a tag marked are events of their own */
	REPORT_WITH_BODY = 1 << 10,  /* HTTP bodies, base64 */
	REPORT_WITH_BODY_TEXT = 1 << 11,
	REPORT_WITH_VERDICT = 1 << 12,
	REPORT_WITH_WEBSOCKET = 1 << 13,
	REPORT_WITH_WEBSOCKET_TEXT = 1 << 14,
};

enum report_xff { REPORT_XFF_OFF, REPORT_XFF_EXTRA, REPORT_XFF_OVERWRITE };

struct report_xff_settings {
	enum report_xff mode;
	bool forward; /* the first address of the header, not the last */
	struct slice header;
};

/* One eve-log; immutable once made. */
struct report_settings {
	bool evidence;
	bool plain;				  /* pipeline_output.alerts */
	uint32_t types;				  /* bit enum report_type */
	uint64_t protocols;			  /* bit i: events of app_protocols[i] */
	const void *how[APP_PROTOCOLS_MAX];	  /* what its log_configure() made */
	const void *alert_how[APP_PROTOCOLS_MAX]; /* the same, for objects in alerts; or NULL */
	struct slice host;			  /* sensor-name; "" for none */
	bool metadata, ethernet, community, has_sensor;
	bool says_version, says_capture; /* suricata-version, pcap-file */
	uint16_t community_seed;
	uint64_t sensor;     /* sensor-id, if has_sensor */
	uint32_t alert;	     /* bits REPORT_WITH_ */
	size_t payload_most; /* bytes of a stream in an alert */
	struct report_xff_settings alert_xff, xff;
	struct {
		bool decode, stream, app, behaviour, header;
	} anomaly;
	struct {
		bool alerts, all, verdict; /* all: every packet of a dropped flow */
	} drop;
	struct {
		bool all;	/* every TCP packet */
		uint16_t marks; /* bit enum stream_mark: those with one of them */
	} stream;
	struct {
		bool totals, threads, deltas, zeros;
	} stats;
	bool flow_policies; /* flow events say which exception policies were asked */
};

/* What stats events were about, and when the next is due. */
struct report_stats {
	struct pipeline_stats now, before;
	struct wall_ns due; /* 0: not known yet */
	int64_t interval_ns;
};

struct report_output {
	struct record_sink sink;
	struct report_settings *settings;
};

/* Walks the outputs that want a type: `o` is the pointer to use. */
#define REPORT_EACH(p, o, type)                                                                    \
	for (const struct report_output *o = (p)->outputs; o < (p)->outputs + (p)->output_count;   \
	     o++)                                                                                  \
		if (((o)->settings->types >> (type)&1) != 0)

/* A fresh record for output o: about the packet being worked on, of flow f if it has one. */
struct record *report_of_packet(struct pipeline *p, const struct report_output *o,
				enum record_kind kind, struct flow *f);
/* The same about flow f, its sender the one who sends in direction dir. */
struct record *report_of_flow(struct pipeline *p, const struct report_output *o,
			      enum record_kind kind, struct flow *f, enum flow_dir dir);
/* Signs the record and puts it; its memory is gone after. */
void report_emit(struct pipeline *p, const struct report_output *o, struct record *r);

/* Fields beside the table's. Those of group "" are members of the event. */
void report_add_text(struct pipeline *p, const char *group, const char *name, struct slice text);
void report_add_z(struct pipeline *p, const char *group, const char *name, const char *text);
void report_add_u64(struct pipeline *p, const char *group, const char *name, uint64_t v);
void report_add_bool(struct pipeline *p, const char *group, const char *name, bool v);
/* An object or array that was written into b, which is in p->scratch. Nothing if b is full. */
void report_add_json(struct pipeline *p, const char *group, const char *name, const struct buf *b);

/* app_proto and what became of it: app_proto_ts, app_proto_tc, app_proto_orig, ... */
void report_add_app_proto(struct pipeline *p, struct record *r, const struct flow *f);
const char *report_app_name(const struct flow *f); /* NULL: not known yet */
/* pkts_toserver ... start, into an open object. */
void report_flow_counts(struct json *j, const struct flow *f);
/* "syn":true ... into an open object, those that are set. */
void report_tcp_flags(struct json *j, uint8_t flags);
/* What an IP packet's headers say ("len", "ttl", "tcpseq", ...), into an open object. */
void report_packet_headers(struct json *j, const struct packet *p);
/* "00:11:22:33:44:55" as a value. */
void report_mac(struct json *j, const uint8_t bytes[6]);
/* "packet" and "packet_info": the frame, or its first `most` bytes (0: all). */
void report_add_packet(struct pipeline *p, size_t most);
/* "packet_info" alone: how packets of this capture begin. */
void report_add_link(struct pipeline *p);
/* Printable ASCII, CR and LF as they are, a dot for the rest: in p->scratch. */
struct slice report_printable(struct pipeline *p, struct slice bytes);
/* A key with a base64 text, into an open object. */
void report_base64(struct pipeline *p, struct json *j, const char *key, struct slice bytes);
/* The objects of a transaction's event ("http":{...}, "email":{...}) as fields of the record being
 * made; in an alert of output o with what o asks of those (o NULL: it is none). False: the protocol
 * says nothing. */
bool report_add_tx(struct pipeline *p, const struct report_output *o, struct flow *f,
		   struct app_tx *tx);
/* What became of the packet at hand, as "verdict":{...}. */
void report_add_verdict(struct pipeline *p);
/* Its files in direction dir as "files":[...]. */
void report_add_files(struct pipeline *p, const struct app_tx *tx, enum flow_dir dir);
/* report_frame.c: the object "frame" about a frame of flow f, with at most `most` of its bytes. */
void report_add_frame(struct pipeline *p, const struct flow *f, enum flow_dir dir,
		      const struct app_frame *frame, size_t most);
/* The open transaction that the frame belongs to; NULL: it has none, or it is over. */
struct app_tx *report_frame_tx(const struct flow *f, const struct app_frame *frame);
/* What is held of a direction's stream between two offsets, with a note in the place of each hole,
 * in p->scratch; at most `most` bytes. *out_at: where the last byte of it lay. */
struct slice report_stream_bytes(struct pipeline *p, const struct flow *f, enum flow_dir dir,
				 uint64_t from, uint64_t to, size_t most, uint64_t *out_at);

/* The address in the header that says who a proxy speaks for; len 0: none. */
struct slice report_xff(const struct report_xff_settings *x, const struct flow *f,
			struct app_tx *tx);

/* report_meta.c: what every event of an eve-log says: flow variables, MACs, community id. */
void report_add_common(struct pipeline *p, const struct report_output *o, struct flow *f,
		       enum flow_dir dir, bool of_packet);

#endif
