/* SPDX-License-Identifier: Apache-2.0
 *
 * sensor/flow/flow.h - which packets belong together.
 *
 * A flow is a 5-tuple with VLAN ids and tunnel depth and a life: first packet to timeout, TCP
 * close, or eviction. Time is the packets' time, so a replay is repeatable; a clock that jumps back
 * never ends or revives a flow early (times are clamped to what was seen). The table belongs to one
 * worker; a flow's memory is its arena, given back when the flow ends. Modules above hang their own
 * state on a flow as pointers into that arena.
 */
#ifndef DEW_SENSOR_FLOW_H
#define DEW_SENSOR_FLOW_H

#include "base/addr.h"
#include "base/arena.h"
#include "base/time.h"

struct packet;
struct stream_session; /* sensor/stream */
struct app_flow;       /* sensor/app */
struct detect_flow;    /* sensor/detect: flowbits and the like */
struct meter_flow;     /* sensor/meter: what flow export has not told yet */

enum flow_dir {
	FLOW_TO_SERVER,
	FLOW_TO_CLIENT
}; /* the server is who did not send the first packet */

enum flow_state { FLOW_NEW, FLOW_ESTABLISHED, FLOW_CLOSED };
enum flow_action { FLOW_NO_ACTION, FLOW_PASS, FLOW_DROP }; /* for all of its packets to come */
enum flow_end { FLOW_END_TIMEOUT, FLOW_END_SHUTDOWN, FLOW_END_FORCED };

enum { FLOW_ICMP_NONE = 256 };

enum { FLOW_BINS_MAX = 512 }; /* seconds of the fingerprint; = RECORD_BINS_MAX */

/* There are as many flows as a worker's memory holds: members are in an order without holes. */
struct flow_side {
	uint64_t pkts, bytes; /* bytes as on the wire */
	uint8_t *bins;	      /* payload packets in each second, saturating; NULL until the first */
	uint16_t bin_count;
	uint8_t tcp_flags; /* all flags seen, or-ed */
	uint8_t ttl_least, ttl_most;
};

struct report_macs; /* sensor/pipeline's */

struct flow {
	uint64_t id; /* < 2^53, the same in every replay: hash of the tuple and the first packet's
			time */
	struct addr client, server;
	uint16_t client_port, server_port; /* ICMP: type and code of the first packet;
					    * ESP: the halves of its SPI */
	uint16_t icmp_answer;		   /* type that comes back, or FLOW_ICMP_NONE */
	uint16_t vlan[3];
	uint8_t proto, vlans;
	uint8_t depth;	   /* tunnels around it, unless limits.any_depth */
	uint8_t queue;	   /* the table's own */
	uint8_t policies;  /* bit i: exception policy i was asked (sensor/pipeline/verdict.h) */
	uint8_t drop_said; /* bit: a drop in that direction was logged */
	uint8_t to_look;   /* bits of sensor/pipeline: what rules have not looked at yet */
	bool alerted, no_inspect; /* no_inspect: passed or given up, headers are still counted */
	bool emergency;		  /* the table was in one when it ended */
	bool policy_dropped;	  /* action is FLOW_DROP because of an exception policy */
	bool bypassed;		  /* nothing looks at it any more; packets are counted */
	uint32_t hash;		  /* the table's own */
	enum flow_state state;
	enum flow_action action;
	struct wall_ns first, last;
	struct flow_side side[2]; /* indexed by the direction the packets travel */
	uint64_t parent;	  /* id of the flow that announced this one; 0: none */
	struct arena arena;	  /* everything that lives as long as the flow */
	struct stream_session *stream;
	struct app_flow *app;
	struct detect_flow *detect;
	struct meter_flow *meter;     /* NULL: flows are not exported, or not yet */
	struct report_macs *macs;     /* seen at either end, when an eve-log asks for them */
	uint64_t anomalies_logged[2]; /* bit i of the stream module's anomalies: logged once a flow
				       */
	struct flow *hash_next, *old_prev, *old_next; /* the table's own, as what follows */
	struct wall_ns
		seen; /* the latest packet time of the whole table at this flow's last packet */
};

/* Called once for each flow just before its memory goes. */
struct flow_sink {
	void *ctx;
	void (*ended)(void *ctx, struct flow *f, enum flow_end why);
};

struct flow_table;

struct config;

enum flow_class { FLOW_CLASS_TCP, FLOW_CLASS_UDP, FLOW_CLASS_ICMP, FLOW_CLASS_OTHER, FLOW_CLASSES };

enum { FLOW_BYPASSED = FLOW_CLOSED + 1, FLOW_STATES }; /* rows of timeouts */

struct flow_limits {
	uint32_t timeout_s[FLOW_CLASSES][FLOW_STATES]; /* 0: Suricata's default */
	bool as_they_come; /* who sends first is the client, even if it is a SYN/ACK */
	/* Does p, of a flow that is there, begin a new one of the same addresses? NULL: a bare SYN
	 * does, behind a close. */
	bool (*begins_anew)(void *ctx, const struct flow *f, const struct packet *p,
			    enum flow_dir dir);
	void *begins_ctx;
	bool any_vlan, any_depth; /* packets of one flow may differ in VLANs, in tunnels around them
				   */
	/* 0 = 1,000,000. Past it the oldest is evicted (forced): of those that nobody has answered,
	 * while they are more than half of all, so that a flood of openings makes room for itself.
	 */
	uint32_t flows_max;
	size_t memcap; /* bytes of all flows, which bound flows_max, too; 0: no such bound */
	/* While flows_max is reached, and until recovery per cent of it are free again (0: 30),
	 * these timeouts apply where they are shorter. */
	uint32_t emergency_s[FLOW_CLASSES][FLOW_STATES]; /* 0: Suricata's default */
	uint32_t recovery;
	uint64_t hash_seed; /* live capture gives a random one, so that nobody can aim at one chain
			     */
	struct arena_pool *pool;
};

/* The keys of `flow-timeouts:`, and what else of a suricata.yaml is about flows. */
void flow_limits_read(struct flow_limits *out, struct config *c);

MUST_USE struct flow_table *flow_table_new(struct arena *process, const struct flow_limits *limits,
					   struct flow_sink sink);
void flow_table_free(
	struct flow_table *t); /* ends all flows with FLOW_END_SHUTDOWN, in order of age */

/* The flow of packet p and the direction it travels; made if new. An ICMP error is of the flow
 * whose packet it quotes. NULL for what has no flow (not IP, a fragment, broken, an ICMP error
 * about no flow, no memory: counted). Updates counters, bins and last. The caller may change the
 * flow's state (the stream module does) until it next calls the table. */
struct flow *flow_table_packet(struct flow_table *t, const struct packet *p,
			       enum flow_dir *out_dir);

enum { FLOW_COMMUNITY_BYTES = 30 };

/* The name that others have for it, from either side: "1:LQU9qZlK+B5F3KDmev6m5PMibrg=" (Community
 * ID, version 1). Of ICMP the ports are type and code. Both addresses of one family. */
void flow_community_id(uint16_t seed, uint8_t proto, const struct addr *a, uint16_t a_port,
		       const struct addr *b, uint16_t b_port, uint8_t out[FLOW_COMMUNITY_BYTES]);

/* Client and server change places: the flow's first packet was its server's. */
void flow_swap(struct flow *f);

/* Ends flows whose timeout passed at `now` (packet time). Cheap when none did: call it per packet.
 */
void flow_table_expire(struct flow_table *t, struct wall_ns now);

/* Every flow has one cause: flows = those that are open + ended, and ended is the sum of what is
 * said of it. */
struct flow_counters {
	uint64_t flows, ended;
	uint64_t timed_out; /* nothing came for its timeout */
	uint64_t hurried;   /* nothing came for an emergency's timeout, and its own was longer */
	uint64_t replaced;  /* by another of the same addresses and ports */
	uint64_t evicted;   /* made room for a newer one */
	uint64_t shut_down; /* with the table */
	uint64_t no_memory; /* packets that would have begun one: not even an eviction made room */
	uint64_t emergencies, emergencies_over;
};
const struct flow_counters *flow_table_counters(const struct flow_table *t);

#endif
