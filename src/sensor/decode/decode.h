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
#include "base/status.h"
#include "base/time.h"

struct config;

enum {
	PACKET_VLANS_MAX = 3,
	PACKET_SACKS_MAX = 4, /* more do not fit into a header */
	PACKET_ANOMALIES_MAX = 192,
	PACKET_ODD_MAX = 15,	  /* anomalies of one packet in their order, as Suricata */
	DECODE_LAYERS_MAX = 255,  /* decode_options.layers_max at most */
	DECODE_PACKETS_MAX = 24,  /* of one frame; a tunnel too many is not looked into */
	DECODE_REBUILDS_MAX = 4,  /* packets of one frame that the defragmenter made */
	DECODE_PORTS_MAX = 16,	  /* of one tunnel over UDP */
	DECODE_LINKTYPE_RAW = 12, /* DLT_RAW: what a tunnel carries starts with an IP header */
};

enum { /* IANA protocol numbers that code compares with */
       IP_PROTO_ICMP = 1,
       IP_PROTO_IGMP = 2,
       IP_PROTO_TCP = 6,
       IP_PROTO_UDP = 17,
       IP_PROTO_ESP = 50,
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
	bool has_fastopen; /* RFC 7413, or its experimental form */
	bool is_signed;	   /* RFC 2385, RFC 5925 */
	uint8_t sacks;	   /* RFC 2018 */
	struct packet_sack {
		uint32_t start, end;
	} sack[PACKET_SACKS_MAX];
	uint32_t ts_val, ts_ecr;
};

/* What a packet is: as captured, or carried by another one. */
enum packet_source {
	PACKET_CAPTURED,
	PACKET_IN_GRE, /* ERSPAN and PPTP too */
	PACKET_IN_IPV4,
	PACKET_IN_IPV6,
	PACKET_IN_TEREDO,
	PACKET_IN_VXLAN,
	PACKET_IN_GENEVE,
	PACKET_DEFRAGMENTED,
	PACKET_SOURCES
};

struct packet {
	struct wall_ns at;
	uint64_t number;     /* in its capture, from 1 */
	struct slice frame;  /* the packet from its link header on: as captured, as it lies in its
			      * tunnel, or as rebuilt (with the link header of its first piece) */
	uint32_t wire_bytes; /* as sent; frame.len unless it is as captured */
	uint32_t linktype;   /* of `frame`, a DLT_ value */
	enum packet_source source;
	const struct packet *root; /* the captured packet that carries it; NULL: it is that one */
	uint8_t depth;		   /* how many tunnels carry it; 0: none */
	bool carries;	    /* what it carries is a packet of its own: rules look at headers only */
	bool trusted;	    /* its checksums count as right (-k none) */
	bool flowless;	    /* of a protocol that has no flows (as GRE) */
	struct slice ether; /* its innermost Ethernet header, 14 bytes, or empty */
	struct slice arp;   /* its ARP message for IPv4 on Ethernet, 28 bytes, or empty */
	uint16_t vlan[PACKET_VLANS_MAX]; /* ids, outermost first */
	uint8_t vlans;
	uint8_t ip_version; /* 4, 6, or 0: no IP in it */
	uint8_t proto;	    /* of the last header read, after IPv6 extension headers */
	uint8_t ttl, tos;
	uint16_t ip_id;
	uint8_t ip_flags;	     /* IPv4: the three flag bits, MF = 1, DF = 2, reserved = 4 */
	uint16_t ip_fragment_offset; /* bytes; 0 for a whole or rebuilt packet */
	uint32_t given_up; /* of a piece: datagrams that had waited longest and made room for it */
	bool no_room;  /* a piece that the defragmenter had no memory for (defrag.memcap-policy) */
	bool fragment; /* a piece of a packet: has no ports, no payload for flows */
	bool rebuilt;  /* made by the defragmenter from several frames */
	bool broken;   /* a header lies about its length: what was read before it is set, and the
			* packet belongs to no flow (Suricata's "invalid") */
	struct addr src, dst;
	uint16_t sport, dport;	/* 0 if the protocol has none */
	struct slice ip_header; /* with options, or with extension headers */
	struct slice l4;	/* all that follows ip_header: what checksums are about */
	struct slice l4_header; /* TCP, UDP or ICMP header with options; empty if none */
	struct slice payload;	/* of the innermost protocol read */
	struct packet_tcp tcp;	/* if proto is TCP and l4_header.len > 0 */
	uint8_t icmp_type, icmp_code;
	uint16_t icmp_id, icmp_seq;
	uint32_t spi;				       /* of ESP */
	uint64_t anomalies[PACKET_ANOMALIES_MAX / 64]; /* bit i: decode_anomalies[i] */
	uint8_t odd_count;
	uint8_t odd[PACKET_ODD_MAX]; /* the same in the order in which they were met; what can be
					wrong more than once is there as often */
};

/* Suricata's words for where a packet comes from: "wire/pcap", "gre tunnel". */
const char *packet_source_name(enum packet_source s);

/* Names in Suricata's form without "decoder.": "ipv4.trunc_pkt". NULL-terminated, <
 * PACKET_ANOMALIES_MAX. */
extern const char *const decode_anomalies[];

/* One more time that anomaly i was met. */
static inline void packet_anomaly_again(struct packet *p, unsigned i)
{
	p->anomalies[i / 64] |= UINT64_C(1) << i % 64;
	if (p->odd_count < PACKET_ODD_MAX)
		p->odd[p->odd_count++] = (uint8_t)i;
}

/* Anomaly i, which counts once. */
static inline void packet_anomaly(struct packet *p, unsigned i)
{
	if ((p->anomalies[i / 64] >> i % 64 & 1) == 0)
		packet_anomaly_again(p, i);
}

static inline bool packet_has_anomaly(const struct packet *p, unsigned i)
{
	return (p->anomalies[i / 64] >> i % 64 & 1) != 0;
}

/* ---- checksums, on demand ---- */

enum packet_checksum {
	PACKET_CHECKSUM_NONE, /* there is none: not IP, a piece, UDP that was sent without */
	PACKET_CHECKSUM_RIGHT,
	PACKET_CHECKSUM_WRONG,
};

/* Of the IPv4 header (RFC 791 3.1). */
enum packet_checksum packet_checksum_ip(const struct packet *p);

/* Of the TCP, UDP, ICMP or ICMPv6 message with its pseudo header (RFC 9293 3.1, RFC 768, RFC 792,
 * RFC 4443 2.3). */
enum packet_checksum packet_checksum_l4(const struct packet *p);

/* ---- settings ---- */

/* What runs on a host, as host-os-policy names it: it decides whose bytes count where fragments, or
 * TCP segments, overlap. */
enum decode_os {
	DECODE_OS_BSD,
	DECODE_OS_BSD_RIGHT,
	DECODE_OS_OLD_LINUX,
	DECODE_OS_LINUX,
	DECODE_OS_OLD_SOLARIS,
	DECODE_OS_SOLARIS,
	DECODE_OS_HPUX10,
	DECODE_OS_HPUX11,
	DECODE_OS_IRIX,
	DECODE_OS_MACOS,
	DECODE_OS_WINDOWS,
	DECODE_OS_VISTA,
	DECODE_OS_WINDOWS2K3,
	DECODE_OS_FIRST,
	DECODE_OS_LAST,
	DECODE_OSES
};

enum { DECODE_HOSTS_MAX = 4096 }; /* networks of one table */

/* Networks and a number for each; the longest prefix counts. Zero: empty. Immutable once made. */
struct decode_hosts {
	struct decode_host {
		struct addr_prefix net;
		uint32_t value;
	} * list; /* by falling length of the prefix */
	size_t count, room;
};

/* The value for a, or fallback. */
uint32_t decode_hosts_find(const struct decode_hosts *h, const struct addr *a, uint32_t fallback);

/* host-os-policy of the configuration's root: values are enum decode_os. In arena a. */
MUST_USE enum status decode_hosts_os(struct config *root, struct arena *a, struct decode_hosts *out,
				     struct fail *why);

enum decode_udp { /* tunnels over UDP, in the order in which they are tried */
		  DECODE_TEREDO,
		  DECODE_GENEVE,
		  DECODE_VXLAN,
		  DECODE_UDPS
};

struct defrag_options {
	struct decode_hosts os;	      /* enum decode_os of the receiver; none: DECODE_OS_BSD */
	struct decode_hosts timeouts; /* seconds that pieces for a receiver wait */
	uint32_t timeout_s;	      /* of all others; 0: DEFRAG_TIMEOUT_S */
	uint32_t trackers;	      /* packets that may wait at once; 0: DEFRAG_TRACKERS_MAX */
	uint32_t pieces_max;	      /* of one worker; 0: DEFRAG_PIECES_MAX */
	size_t bytes_max;	      /* 0: DEFRAG_BYTES_MAX */
};

/* Zero: Suricata's defaults. */
struct decode_options {
	uint8_t layers_max; /* encapsulations in one frame; 0: 16 */
	struct decode_udp_options {
		bool off, any;	    /* any: on every port */
		uint8_t port_count; /* 0: the IANA port */
		uint16_t ports[DECODE_PORTS_MAX];
	} udp[DECODE_UDPS];
	bool trust_checksums;  /* -k none */
	bool vxlan_permissive; /* do not look at VXLAN's reserved bits */
	struct defrag_options defrag;
};

/* decoder, defrag and host-os-policy of suricata.yaml's root (NULL: defaults); in arena a. A key
 * whose value cannot be is an error that names it. */
MUST_USE enum status decode_options_read(struct config *root, struct arena *a,
					 struct decode_options *out, struct fail *why);

enum {
	DEFRAG_TRACKERS_MAX = 65535, /* packets waiting at once; the oldest is given up */
	DEFRAG_PIECES_MAX = 65535,   /* Suricata's defrag.max-frags */
	DEFRAG_BYTES_MAX = 32 << 20, /* Suricata's defrag.memcap */
	DEFRAG_TIMEOUT_S = 60,	     /* Suricata's defrag.timeout, in packet time */
	DEFRAG_TIMEOUT_MAX_S = 86400,
	DEFRAG_TRACKERS_MOST = 1 << 20, /* that can be asked for */
};

/* ---- decoding ---- */

/* One worker's decoding state: which decoder has which number, the packets of a frame, and the
 * fragments that wait for the rest, in memory from the pool. */
struct decode_worker;

/* NULL if the budget is spent. o may be NULL: the defaults. */
MUST_USE struct decode_worker *decode_worker_new(const struct decode_options *o,
						 struct arena *process, struct arena_pool *pool);
void decode_worker_free(struct decode_worker *w); /* gives all pieces back to the pool */

struct decode_input {
	uint32_t linktype; /* LINKTYPE_ value (tcpdump.org) */
	struct slice bytes;
	uint32_t wire_bytes;
	struct wall_ns at;
	uint64_t number;
};

/* The packets of one frame, in the order in which they are to be looked at (Suricata's): what a
 * tunnel carries before what carries it, a rebuilt packet before its last piece, the captured
 * packet last. A tunnel whose inside makes no sense is its outer packet only. */
struct decode_packets {
	struct packet *list[DECODE_PACKETS_MAX];
	size_t count; /* >= 1 */
};

/* Valid until the next call: *result is the worker's, slices point into the frame or into the
 * worker's memory. */
const struct decode_packets *decode_frame(struct decode_worker *w, const struct decode_input *in);

/* Whether checksums count as right from the next frame on. */
void decode_worker_trust(struct decode_worker *w, bool trusted);

/* True if the link type can be decoded at all: said once when a capture is opened, not per packet.
 */
bool decode_knows_link(uint32_t linktype);

#endif
