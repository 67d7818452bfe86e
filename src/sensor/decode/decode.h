/* SPDX-License-Identifier: Apache-2.0
 *
 * sensor/decode/decode.h - from a captured frame to layers, addresses and ports.
 *
 * One row of a table per link type, ether type and IP protocol; adding an encapsulation is one file
 * and one word (meson.build). Malformed input never fails: it sets an anomaly, and what was right
 * stays. All slices point into the frame, or into the defragmenter's memory until the next call.
 * Pure, one worker's thread.
 */
#ifndef DEW_SENSOR_DECODE_H
#define DEW_SENSOR_DECODE_H

#include "base/addr.h"
#include "base/arena.h"
#include "base/slice.h"
#include "base/time.h"

enum {
	PACKET_VLANS_MAX = 3,
	PACKET_LAYERS_MAX =
		16, /* encapsulations in one frame; Suricata's packet.max-layer default */
	PACKET_ANOMALIES_MAX = 128,
};

enum { /* IANA protocol numbers that code compares with */
       IP_PROTO_ICMP = 1,
       IP_PROTO_TCP = 6,
       IP_PROTO_UDP = 17,
       IP_PROTO_ICMP6 = 58,
       IP_PROTO_SCTP = 132,
};

enum { /* TCP flags, RFC 9293 3.1 */
       TCP_FIN = 0x01,
       TCP_SYN = 0x02,
       TCP_RST = 0x04,
       TCP_PSH = 0x08,
       TCP_ACK = 0x10,
       TCP_URG = 0x20,
       TCP_ECE = 0x40,
       TCP_CWR = 0x80,
};

struct packet_tcp {
	uint32_t seq, ack;
	uint16_t window, urgent;
	uint8_t flags;
	uint16_t mss;	/* 0: option absent */
	uint8_t wscale; /* valid if has_wscale */
	bool has_wscale, sack_ok, has_ts;
	uint32_t ts_val, ts_ecr;
};

struct packet {
	struct wall_ns at;
	uint64_t number;		 /* in its capture, from 1 */
	struct slice frame;		 /* as captured, from the link header on */
	uint32_t wire_bytes;		 /* as sent */
	uint16_t vlan[PACKET_VLANS_MAX]; /* ids, outermost first */
	uint8_t vlans;
	uint8_t ip_version; /* 4, 6, or 0: no IP in it */
	uint8_t proto;	    /* of the last header read, after IPv6 extension headers */
	uint8_t ttl, tos;
	uint16_t ip_id;
	uint8_t ip_flags;	     /* IPv4: the three flag bits, MF = 1, DF = 2, reserved = 4 */
	uint16_t ip_fragment_offset; /* bytes; 0 for a whole or rebuilt packet */
	bool fragment; /* a piece that is not rebuilt: has no ports, no payload for flows */
	bool rebuilt;  /* made by the defragmenter from several frames */
	bool broken;   /* a header lies about its length: what was read before it is set, and the
			* packet belongs to no flow (Suricata's "invalid") */
	struct addr src, dst;
	uint16_t sport, dport;	/* 0 if the protocol has none */
	struct slice ip_header; /* with options, or with extension headers */
	struct slice l4_header; /* TCP, UDP or ICMP header with options; empty if none */
	struct slice payload;	/* of the innermost protocol read */
	struct packet_tcp tcp;	/* if proto is TCP and l4_header.len > 0 */
	uint8_t icmp_type, icmp_code;
	uint16_t icmp_id, icmp_seq;
	uint64_t anomalies[PACKET_ANOMALIES_MAX / 64]; /* bit i: decode_anomalies[i] */
};

/* Names in Suricata's form without "decoder.": "ipv4.trunc_pkt". NULL-terminated, <
 * PACKET_ANOMALIES_MAX. */
extern const char *const decode_anomalies[];

static inline void packet_anomaly(struct packet *p, unsigned i)
{
	p->anomalies[i / 64] |= UINT64_C(1) << i % 64;
}

static inline bool packet_has_anomaly(const struct packet *p, unsigned i)
{
	return (p->anomalies[i / 64] >> i % 64 & 1) != 0;
}

/* One worker's decoding state: which decoder has which number, and the fragments that wait for the
 * rest, in memory from the pool, within DEFRAG_BYTES_MAX and the pool's budget. */
struct defrag;

enum {
	DEFRAG_TRACKERS_MAX = 4096,  /* packets waiting at once; the oldest is given up */
	DEFRAG_BYTES_MAX = 32 << 20, /* Suricata's defrag.memcap */
	DEFRAG_TIMEOUT_S = 60,	     /* Suricata's defrag.timeout, in packet time */
};

/* NULL if the budget is spent. */
MUST_USE struct defrag *defrag_new(struct arena *process, struct arena_pool *pool);
void defrag_free(struct defrag *d); /* gives all pieces back to the pool */

/* Decodes one frame into *p: p->at, p->number and p->wire_bytes are the caller's, set before the
 * call (the defragmenter's timeout reads `at`); all other fields are set. linktype is a LINKTYPE_
 * value (tcpdump.org). Of a tunnel, the innermost packet that made sense is given. If the frame
 * completes a fragmented packet, *p is the rebuilt packet (its slices live until the next call). */
void decode_frame(struct defrag *d, uint32_t linktype, struct slice frame, struct packet *p);

/* True if the link type can be decoded at all: said once when a capture is opened, not per packet.
 */
bool decode_knows_link(uint32_t linktype);

#endif
