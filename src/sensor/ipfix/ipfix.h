/* SPDX-License-Identifier: Apache-2.0
 *
 * sensor/ipfix/ipfix.h - flow records as routers and sensors tell them to one another.
 *
 * The writer makes IPFIX messages (RFC 7011, information elements of RFC 7012 and IANA's registry,
 * both directions of a flow in one record by RFC 5103). The reader takes IPFIX, NetFlow version 9
 * (RFC 3954) and version 5 (Cisco's). What is written, and which limits the reader keeps, is drawn
 * in docs/formats/flow-export.md. Both are pure: no socket, no clock; time is handed in.
 *
 * A reader's input is hostile: whoever can send a datagram can claim to be an exporter. So its
 * tables have a fixed size, the work for a message is linear in its bytes, and what could not be
 * read is counted, never guessed.
 */
#ifndef DEW_SENSOR_IPFIX_H
#define DEW_SENSOR_IPFIX_H

#include "base/addr.h"
#include "base/arena.h"
#include "base/slice.h"
#include "base/status.h"
#include "base/time.h"

enum {
	IPFIX_PORT = 4739,	    /* IANA: ipfix, TCP and UDP */
	IPFIX_MESSAGE_MAX = 65535,  /* bytes: a 16-bit length (RFC 7011 3.1) */
	IPFIX_MESSAGE_LEAST = 512,  /* that a writer can be held to (RFC 7011 10.3.3) */
	IPFIX_APP_MAX = 24,	    /* bytes of an application's name that are kept */
	IPFIX_SESSIONS_MAX = 256,   /* exporters x domains that are known; the quietest goes */
	IPFIX_TEMPLATES_MAX = 2048, /* of all of them; the one not used for longest goes */
	IPFIX_FIELDS_MAX = 128,	    /* of one template; routers use up to about 60 */
	IPFIX_WAITING_MAX = 128,    /* sets whose template has not come yet */
	IPFIX_WAITING_BYTES = 2048, /* of one; longer ones are lost at once */
	IPFIX_SAMPLERS_MAX = 8,	    /* sampling rates of one session */
};

/* flowEndReason, IANA's numbers (IE 136). */
enum ipfix_end {
	IPFIX_END_UNKNOWN,
	IPFIX_END_IDLE,	  /* no packet for the idle timeout */
	IPFIX_END_ACTIVE, /* it goes on: only its time in one record is over */
	IPFIX_END_SEEN,	  /* FIN, RST */
	IPFIX_END_FORCED, /* the metering ended */
	IPFIX_END_MEMORY, /* room for others */
};

/* biflowDirection (IE 239): what the order of the two ends means. */
enum ipfix_direction { IPFIX_DIRECTION_ARBITRARY, IPFIX_DIRECTION_INITIATOR };

/* One direction of a flow, since it was last told. */
struct ipfix_side {
	uint64_t packets;
	uint64_t octets;	    /* of IP packets: from the IP header on */
	uint64_t frame_octets;	    /* of frames, as EVE counts; 0: not told */
	struct wall_ns first, last; /* packets; 0: none */
	uint8_t tcp_flags;	    /* or-ed */
	uint8_t ttl_least, ttl_most;
};

/* A plain value: it is copied from thread to thread. side[0]: from src to dst. */
struct ipfix_flow {
	struct addr src, dst;
	uint16_t sport, dport;	   /* 0 for ICMP */
	uint16_t icmp;		   /* type x 256 + code of the first packet */
	uint16_t vlan, vlan_inner; /* 0: none */
	uint8_t proto;
	uint8_t end;	   /* enum ipfix_end */
	uint8_t direction; /* enum ipfix_direction */
	uint8_t app_len;
	char app[IPFIX_APP_MAX]; /* applicationName: "http" */
	uint64_t id;		 /* flowId: the flow_id of EVE; 0: none */
	uint64_t sampling; /* read: each packet stands for so many, and counts are scaled; 0, 1: all
			      were counted */
	struct ipfix_side side[2];
};

/* The same flow, told from its other end. */
void ipfix_flow_swap(struct ipfix_flow *f);

/* What an exporter says about itself in options data. */
struct ipfix_account {
	uint64_t observed; /* flows that began (observedFlowTotalCount) */
	uint64_t ignored;  /* packets that were not counted (ignoredPacketTotalCount) */
	uint64_t messages, octets, records;		      /* that were sent */
	uint64_t not_sent, not_sent_packets, not_sent_octets; /* flows that were not, and what was
								 in them */
	struct wall_ns lost_first, lost_last; /* when flows were lost; 0: none was */
	struct wall_ns begin;		      /* systemInitTimeMilliseconds; 0: not told */
};

/* ---- writing ---- */

struct ipfix_writer_options {
	uint32_t domain;    /* observationDomainId */
	size_t message_max; /* bytes of a message, IPFIX_MESSAGE_LEAST.. */
	bool one_way;	    /* two records a flow, for collectors without RFC 5103 */
	bool nanoseconds;   /* times as flowStartNanoseconds instead of milliseconds */
	/* Templates again after so much time, and so many messages; 0: once a session, as over TCP
	 * and in a file. */
	int64_t template_ns;
	uint32_t template_messages;
};

/* What a message holds: if it is lost, these are. */
struct ipfix_load {
	uint64_t flows, packets, octets;
	struct wall_ns first, last; /* of its flows; 0: none */
};

struct ipfix_writer_sink {
	void *ctx;
	/* A whole message. False: it cannot be sent; its flows are lost, and no sequence number is
	 * used for them. */
	bool (*put)(void *ctx, struct slice message, const struct ipfix_load *load);
};

struct ipfix_writer;

/* NULL: no memory. message_max is brought into its limits. */
MUST_USE struct ipfix_writer *ipfix_writer_new(const struct ipfix_writer_options *o,
					       struct ipfix_writer_sink sink, struct arena *a);
/* Adds a record (two, if one_way), and puts the message before it when that is full. `now`: wall
 * time, of which templates' age is reckoned and messages get their export time. */
void ipfix_writer_flow(struct ipfix_writer *w, const struct ipfix_flow *f, struct wall_ns now);
/* Adds options data. */
void ipfix_writer_account(struct ipfix_writer *w, const struct ipfix_account *c,
			  struct wall_ns now);
/* Puts what is there, if there is anything. */
void ipfix_writer_flush(struct ipfix_writer *w, struct wall_ns now);
/* Another transport session begins: templates are said again, sequence numbers begin with 0, what
 * was not put is forgotten into *lost. */
void ipfix_writer_restart(struct ipfix_writer *w, struct ipfix_load *lost);
/* messages, octets and records of c: those that were put, of this session and those before. */
void ipfix_writer_count(const struct ipfix_writer *w, struct ipfix_account *c);

/* ---- reading ---- */

/* Who tells: one transport session and observation domain (NetFlow 9: source id, 5: engine). */
struct ipfix_session {
	struct addr exporter;
	uint16_t port;
	uint32_t domain;
	uint16_t version; /* 5, 9, 10 */
	uint64_t messages, records, flows;
	uint64_t lost; /* records (version 9: messages) that its sequence numbers say were sent */
	uint64_t restarts;	      /* sequence numbers that began anew */
	uint64_t sampling;	      /* the latest rate that it said; 0: none */
	struct ipfix_account account; /* what it last said of itself */
	struct wall_ns heard;	      /* last */
};

struct ipfix_reader_counters {
	uint64_t messages;
	uint64_t malformed; /* messages of which something could not be read; what was before it
			       counts */
	uint64_t versions;  /* datagrams of a version that is none */
	uint64_t templates, templates_refused, templates_expired;
	uint64_t records, flows;
	uint64_t others;      /* records that are about no flow */
	uint64_t waiting;     /* sets that came before their template */
	uint64_t undecodable; /* of them and others: sets that were lost for want of it */
	uint64_t forgotten;   /* sessions that made room */
	uint64_t lost;	      /* records by the sequence numbers of all sessions */
};

struct ipfix_reader_sink {
	void *ctx;
	void (*flow)(void *ctx, const struct ipfix_session *s, const struct ipfix_flow *f);
	void (*gone)(void *ctx, const struct ipfix_session *s); /* makes room; NULL: no matter */
};

struct ipfix_reader;

/* Some 4 MiB of a. NULL: no memory. */
MUST_USE struct ipfix_reader *ipfix_reader_new(struct ipfix_reader_sink sink, struct arena *a);

/* Who sent a message, and how. */
struct ipfix_origin {
	struct addr exporter;
	uint16_t port;
	/* A connection or a file: nothing is lost on the way, and templates may be taken away (RFC
	 * 7011 8.1: not over UDP, where anybody could). */
	bool reliable;
};

/* One message of any version, as a datagram or as ipfix_message_bytes() cut it out of a stream.
 * now: when it came; never falls (a time before the last counts as that). */
void ipfix_read(struct ipfix_reader *r, const struct ipfix_origin *from, struct slice message,
		struct wall_ns now);
/* The connection is over: what it said of templates is forgotten. */
void ipfix_reader_end(struct ipfix_reader *r, const struct ipfix_origin *from);

/* Length of the IPFIX message that a stream begins with; 0: not enough of it yet. SIZE_MAX: it
 * begins with none, and nothing that follows can be found. */
size_t ipfix_message_bytes(struct slice stream);
/* Its export time; 0 if that cannot be. */
struct wall_ns ipfix_message_time(struct slice message);

const struct ipfix_reader_counters *ipfix_reader_counters(struct ipfix_reader *r);
/* The i-th session, the most recently heard first; NULL behind the last. */
const struct ipfix_session *ipfix_reader_session(const struct ipfix_reader *r, size_t i);

#endif
