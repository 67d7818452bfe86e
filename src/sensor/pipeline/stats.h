/* SPDX-License-Identifier: Apache-2.0
 *
 * sensor/pipeline/stats.h - what a worker has counted, by the names that Suricata's counters have
 * (docs.suricata.io, performance/statistics.html). Only what somebody really counts is listed.
 *
 * A worker counts if one of its eve-logs has the type stats, or if pipeline_options.stats says so.
 * Its owner reads them between two packets; those of several workers add up. What the kernel counts
 * of an interface (capture.*) its owner adds; of a file it is 0.
 */
#ifndef DEW_SENSOR_PIPELINE_STATS_H
#define DEW_SENSOR_PIPELINE_STATS_H

#include "sensor/app/app.h"
#include "sensor/decode/decode.h"
#include "sensor/pipeline/verdict.h"

struct json;
struct pipeline;

/* enumerator, name, ONE or what it has a row for each of. In the order in which they are written:
 * members of one group follow each other. */
#define PIPELINE_STATS(X)                                                                          \
	X(CAPTURE_PACKETS, "capture.kernel_packets", ONE)                                          \
	X(CAPTURE_DROPS, "capture.kernel_drops", ONE)                                              \
	X(DECODER_PKTS, "decoder.pkts", ONE)                                                       \
	X(DECODER_BYTES, "decoder.bytes", ONE)                                                     \
	X(DECODER_INVALID, "decoder.invalid", ONE)                                                 \
	X(DECODER_IPV4, "decoder.ipv4", ONE)                                                       \
	X(DECODER_IPV6, "decoder.ipv6", ONE)                                                       \
	X(DECODER_ETHERNET, "decoder.ethernet", ONE)                                               \
	X(DECODER_ARP, "decoder.arp", ONE)                                                         \
	X(DECODER_CHDLC, "decoder.chdlc", ONE)                                                     \
	X(DECODER_RAW, "decoder.raw", ONE)                                                         \
	X(DECODER_NULL, "decoder.null", ONE)                                                       \
	X(DECODER_SLL, "decoder.sll", ONE)                                                         \
	X(DECODER_SLL2, "decoder.sll2", ONE)                                                       \
	X(DECODER_TCP, "decoder.tcp", ONE)                                                         \
	X(DECODER_UDP, "decoder.udp", ONE)                                                         \
	X(DECODER_SCTP, "decoder.sctp", ONE)                                                       \
	X(DECODER_ESP, "decoder.esp", ONE)                                                         \
	X(DECODER_ICMPV4, "decoder.icmpv4", ONE)                                                   \
	X(DECODER_ICMPV6, "decoder.icmpv6", ONE)                                                   \
	X(DECODER_PPP, "decoder.ppp", ONE)                                                         \
	X(DECODER_GENEVE, "decoder.geneve", ONE)                                                   \
	X(DECODER_GRE, "decoder.gre", ONE)                                                         \
	X(DECODER_VLAN, "decoder.vlan", ONE)                                                       \
	X(DECODER_VLAN_QINQ, "decoder.vlan_qinq", ONE)                                             \
	X(DECODER_VLAN_QINQINQ, "decoder.vlan_qinqinq", ONE)                                       \
	X(DECODER_VXLAN, "decoder.vxlan", ONE)                                                     \
	X(DECODER_IPV4_IN_IPV4, "decoder.ipv4_in_ipv4", ONE)                                       \
	X(DECODER_IPV6_IN_IPV4, "decoder.ipv6_in_ipv4", ONE)                                       \
	X(DECODER_IPV4_IN_IPV6, "decoder.ipv4_in_ipv6", ONE)                                       \
	X(DECODER_IPV6_IN_IPV6, "decoder.ipv6_in_ipv6", ONE)                                       \
	X(DECODER_TEREDO, "decoder.teredo", ONE)                                                   \
	X(DECODER_AVG, "decoder.avg_pkt_size", ONE)                                                \
	X(DECODER_MAX, "decoder.max_pkt_size", ONE)                                                \
	X(DECODER_EVENTS, "decoder.event", EVENTS)                                                 \
	X(FLOW_TOTAL, "flow.total", ONE)                                                           \
	X(FLOW_ACTIVE, "flow.active", ONE)                                                         \
	X(FLOW_TCP, "flow.tcp", ONE)                                                               \
	X(FLOW_UDP, "flow.udp", ONE)                                                               \
	X(FLOW_ICMPV4, "flow.icmpv4", ONE)                                                         \
	X(FLOW_ICMPV6, "flow.icmpv6", ONE)                                                         \
	X(FLOW_GET_USED, "flow.get_used", ONE)                                                     \
	X(FLOW_MEMCAP, "flow.memcap", ONE)                                                         \
	X(FLOW_MEMUSE, "flow.memuse", ONE)                                                         \
	X(FLOW_EMERGENCY, "flow.emerg_mode_entered", ONE)                                          \
	X(FLOW_EMERGENCY_OVER, "flow.emerg_mode_over", ONE)                                        \
	X(FLOW_END_NEW, "flow.end.state.new", ONE)                                                 \
	X(FLOW_END_ESTABLISHED, "flow.end.state.established", ONE)                                 \
	X(FLOW_END_CLOSED, "flow.end.state.closed", ONE)                                           \
	X(FLOW_END_BYPASSED, "flow.end.state.local_bypassed", ONE)                                 \
	X(FLOW_END_TCP, "flow.end.tcp_state", TCP_STATES)                                          \
	X(DEFRAG_FRAGMENTS4, "defrag.ipv4.fragments", ONE)                                         \
	X(DEFRAG_REBUILT4, "defrag.ipv4.reassembled", ONE)                                         \
	X(DEFRAG_FRAGMENTS6, "defrag.ipv6.fragments", ONE)                                         \
	X(DEFRAG_REBUILT6, "defrag.ipv6.reassembled", ONE)                                         \
	X(DEFRAG_MEMCAP, "defrag.max_frags_reached", ONE)                                          \
	X(DEFRAG_REUSED, "defrag.tracker_hard_reuse", ONE)                                         \
	X(TCP_SESSIONS, "tcp.sessions", ONE)                                                       \
	X(TCP_NO_SESSION, "tcp.ssn_memcap_drop", ONE)                                              \
	X(TCP_CHECKSUM, "tcp.invalid_checksum", ONE)                                               \
	X(TCP_MIDSTREAM, "tcp.midstream_pickups", ONE)                                             \
	X(TCP_SYN, "tcp.syn", ONE)                                                                 \
	X(TCP_SYNACK, "tcp.synack", ONE)                                                           \
	X(TCP_RST, "tcp.rst", ONE)                                                                 \
	X(TCP_URG, "tcp.urg", ONE)                                                                 \
	X(TCP_NO_SEGMENT, "tcp.segment_memcap_drop", ONE)                                          \
	X(TCP_DEPTH, "tcp.stream_depth_reached", ONE)                                              \
	X(TCP_GAP, "tcp.reassembly_gap", ONE)                                                      \
	X(TCP_OVERLAP_DIFF, "tcp.overlap_diff_data", ONE)                                          \
	X(TCP_REASSEMBLY_MEMUSE, "tcp.reassembly_memuse", ONE)                                     \
	X(DETECT_ALERT, "detect.alert", ONE)                                                       \
	X(DETECT_OVERFLOW, "detect.alert_queue_overflow", ONE)                                     \
	X(DETECT_SUPPRESSED, "detect.alerts_suppressed", ONE)                                      \
	X(DETECT_GIVEN_UP, "detect.packets_given_up", ONE)                                         \
	X(DETECT_EXPLODED, "detect.pcre_limit_reached", ONE)                                       \
	X(APP_FLOWS, "app_layer.flow", FLOWS)                                                      \
	X(APP_ERRORS, "app_layer.error", ERRORS)                                                   \
	X(APP_TXS, "app_layer.tx", TXS)                                                            \
	X(IPS_ACCEPTED, "ips.accepted", ONE)                                                       \
	X(IPS_BLOCKED, "ips.blocked", ONE)                                                         \
	X(IPS_REJECTED, "ips.rejected", ONE)                                                       \
	X(IPS_REASONS, "ips.drop_reason", REASONS)

enum pipeline_stat {
#define X(id, name, how) PIPELINE_##id,
	PIPELINE_STATS(X)
#undef X
		PIPELINE_STAT_COUNT
};

/* What happened to a flow's application. */
enum pipeline_app_event {
	PIPELINE_APP_KNOWN, /* the protocol, or that it will not be known */
	PIPELINE_APP_TX,    /* a transaction is over */
	PIPELINE_APP_GAP,   /* bytes of it were lost */
	PIPELINE_APP_ERROR, /* the parser gave up */
	PIPELINE_APP_EVENTS
};

/* Where the groups of PIPELINE_STATS begin that have a row for each of something. */
enum {
	PIPELINE_TCP_STATES = 11,		    /* of enum stream_state */
	PIPELINE_APP_ROWS = APP_PROTOCOLS_MAX + 1,  /* the last: of no known protocol */
	PIPELINE_SLOT_EVENTS = PIPELINE_STAT_COUNT, /* decode_anomalies */
	PIPELINE_SLOT_TCP = PIPELINE_SLOT_EVENTS + PACKET_ANOMALIES_MAX,
	PIPELINE_SLOT_REASONS = PIPELINE_SLOT_TCP + PIPELINE_TCP_STATES,
	PIPELINE_SLOT_APP = PIPELINE_SLOT_REASONS + VERDICT_REASONS, /* row, TCP or UDP, event */
	PIPELINE_SLOTS = PIPELINE_SLOT_APP + PIPELINE_APP_ROWS * 2 * PIPELINE_APP_EVENTS
};

struct pipeline_stats {
	uint64_t at[PIPELINE_SLOTS];
	uint64_t uptime_s; /* of packet time; the longest of several workers */
	/* Of detection: how many rules there are, how many do not load, when that was. */
	uint64_t rules_loaded, rules_failed, rules_skipped;
	struct wall_ns last_reload;
};

/* As of now. All zero if the worker does not count. */
void pipeline_stats_read(struct pipeline *p, struct pipeline_stats *out);
void pipeline_stats_add(struct pipeline_stats *sum, const struct pipeline_stats *one);

/* Walks all by name, in an order in which what begins with the same words is together. grown: how
 * much since `before` (NULL: since nothing). */
void pipeline_stats_each(const struct pipeline_stats *s, const struct pipeline_stats *before,
			 void (*each)(void *ctx, struct slice name, uint64_t value, int64_t grown),
			 void *ctx);

enum { PIPELINE_STATS_ZEROS = 1, PIPELINE_STATS_DELTAS = 2 }; /* bits */

/* Members of an object that is open: "decoder":{"pkts":7,...},... ZEROS: those that are 0, too;
 * DELTAS: each followed by what it grew since `before` ("pkts_delta"). */
void pipeline_stats_json(const struct pipeline_stats *s, const struct pipeline_stats *before,
			 unsigned how, struct json *j);

#endif
