/* SPDX-License-Identifier: Apache-2.0
 *
 * sensor/anomaly/anomaly.h - attacks that no signature names (A05).
 *
 * Detectors watch flows and transactions, not content. Each is one file and one word in
 * meson.build; each has a switch and its thresholds in the configuration (docs/detectors.md), and
 * says what it measured, against which threshold, over which time, and how strong that is
 * (0..1000): at first, then after half an hour, and each time after twice as long (to 32 hours).
 *
 * A worker's own; packet time; no clock and no random number, so the same flows give the same
 * events. Memory is bounded by `anomaly.memory` whatever comes (subjects make room for others and
 * are counted), work by a constant for each flow and transaction. What strangers choose is hashed
 * with a key.
 *
 * Flows come from packets (anomaly_flow_new, _answered, _end) or whole, from somebody else's
 * records such as NetFlow and IPFIX (anomaly_flow_record).
 */
#ifndef DEW_SENSOR_ANOMALY_H
#define DEW_SENSOR_ANOMALY_H

#include "base/arena.h"
#include "record/record.h"
#include "sensor/config/config.h"
#include "sensor/flow/flow.h"

struct app_protocol;
struct anomaly_worker;
struct anomaly_room; /* what a detector keeps (anomaly_priv.h) */

struct anomaly_side {
	uint64_t pkts, bytes;
	uint8_t tcp_flags;   /* or-ed; 0: the exporter does not tell */
	bool payload;	     /* bytes were carried */
	const uint8_t *bins; /* payload packets in each second; NULL: not known */
	uint32_t bin_count;
};

/* What detectors hear of a flow. */
struct anomaly_flow {
	uint64_t id;
	struct addr client, server;	   /* the client sent the first packet */
	uint16_t client_port, server_port; /* ICMP: type and code */
	uint8_t proto, vlans;
	uint16_t vlan[RECORD_VLANS_MAX];
	struct wall_ns first, last;
	struct anomaly_side side[2]; /* indexed by enum flow_dir */
	const char *app;	     /* protocol as rules write it; NULL: none or not known */
	bool ongoing; /* anomaly_flow_record(): the exporter cut it, it has parts before or behind
		       */
};

struct anomaly_setting {
	const char *name; /* "hosts": the key is anomaly.<detector>.<name> */
	uint64_t fallback, least, most;
	const char *unit; /* "", "s", "bytes", "thousandths" */
	const char *doc;  /* one sentence */
};

struct anomaly_detector {
	const char *name;			/* "scan" */
	const char *events;			/* "scan.hosts scan.ports": what it says, by name */
	const char *doc;			/* what it measures and what the score means */
	const struct anomaly_setting *settings; /* ended by name NULL */
	size_t subject_bytes;			/* of one entry of its table */
	size_t state_bytes;			/* of what it keeps beside, zeroed */
	uint8_t share;				/* of the memory, in hundredths; all: 100 */
	/* Makes what state needs in memory of `a`; false: none. NULL: nothing. */
	bool (*start)(struct anomaly_room *r, struct arena *a);
	void (*flow_new)(struct anomaly_room *r, const struct anomaly_flow *f);
	void (*flow_answered)(struct anomaly_room *r, const struct anomaly_flow *f);
	void (*flow_end)(struct anomaly_room *r, const struct anomaly_flow *f);
	/* a finished transaction, as it was logged */
	void (*logged)(struct anomaly_room *r, const struct anomaly_flow *f,
		       const struct record *record);
};

/* Opens the definition of detector `name`; the file is name.c and the word in meson.build name. */
#define ANOMALY_DETECTOR(name)                                                                     \
	extern const struct anomaly_detector anomaly_##name;                                       \
	const struct anomaly_detector anomaly_##name

extern const struct anomaly_detector *const anomaly_detectors[]; /* NULL-terminated */

/* What holds for all detectors: enabled, memory, home, exempt. Ended by name NULL; only for people,
 * values are text. */
struct anomaly_common {
	const char *name, *fallback, *doc;
};
extern const struct anomaly_common anomaly_common[];

/* config: the whole suricata.yaml, or NULL for defaults; read here only. hash_seed: secret where
 * traffic is live, so that nobody can aim at what collides; any number where runs shall repeat.
 * NULL if the budget is spent; `process` must outlive the worker, whose tables grow in it. Records
 * go to `out`, complete but for party and station. */
MUST_USE struct anomaly_worker *anomaly_worker_new(struct config *config, uint64_t hash_seed,
						   struct arena *process, struct record_sink out);
/* A flow began; call it with the flow's first packet counted. */
void anomaly_flow_new(struct anomaly_worker *w, const struct flow *f);
/* The flow is one to which both sides have agreed: TCP's handshake is over, or of what has none the
 * server sent its first packet. Once a flow, between the other two. */
void anomaly_flow_answered(struct anomaly_worker *w, const struct flow *f);
/* A flow ends; f->app, if any, is still whole. */
void anomaly_flow_end(struct anomaly_worker *w, const struct flow *f);
void anomaly_logged(struct anomaly_worker *w, const struct flow *f, const struct record *r);
/* Does some detector want what p logs? */
bool anomaly_wants(const struct app_protocol *p);

/* A flow of which only this is known: the same as its begin, its answer and its end. Any order of
 * time within the detectors' windows. */
void anomaly_flow_record(struct anomaly_worker *w, const struct anomaly_flow *f);
/* A guess for exporters that count IP bytes and packets and no more: has a side of `bytes` in
 * `pkts` packets carried payload? Headers without it are at most 60 bytes of IPv4 and TCP. */
bool anomaly_payload_likely(uint64_t pkts, uint64_t bytes);

struct anomaly_counters {
	uint64_t forgotten; /* subjects that had to make room for others: they count anew */
	uint64_t subjects;  /* that are known now */
	uint64_t memory;    /* bytes that tables may grow to, all detectors */
	uint64_t findings;  /* that were said */
};
struct anomaly_counters anomaly_worker_counters(const struct anomaly_worker *w);

#endif
