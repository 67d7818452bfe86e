/* SPDX-License-Identifier: Apache-2.0
 *
 * sensor/keep/keep.h - packets kept for a while, and found again: the bytes of it, no files.
 *
 *	keep_encode_*	blocks of a segment: pcapng (draft-ietf-opsawg-pcapng), little-endian
 *	keep_reader_*	a segment read again, as far as it is whole
 *	keep_index_*	which packets of a segment are whose: beside it, made from it, only a hint
 *	keep_query_*	whose packets are wanted
 *
 * A segment is one section of pcapng that any reader of the format takes. Each packet names the
 * flows that it was part of in a comment ("flow=1234") and carries the CRC-32 of its bytes
 * (epb_hash), so that what a power cut left half written, or full of zeros, is told from what was
 * written. What the index says is checked against the packet: an index that is lost is made again,
 * one that lies finds nothing that is wrong. docs/formats/packets.md has the bytes.
 *
 * Pure; all bytes read are hostile. Any thread, each object one thread's.
 */
#ifndef DEW_SENSOR_KEEP_H
#define DEW_SENSOR_KEEP_H

#include "base/addr.h"
#include "base/arena.h"
#include "base/slice.h"
#include "base/status.h"
#include "base/time.h"

enum {
	KEEP_SECTION_BYTES = 16, /* what a segment is called, so that an index knows its own */
	KEEP_INTERFACES_MAX = 256,
	KEEP_NAME_MAX = 64,	       /* bytes of an interface's name */
	KEEP_PACKET_MAX = 256 << 10,   /* bytes; as sensor/capture */
	KEEP_SEGMENT_MOST = 256 << 20, /* bytes: offsets fit into 32 bits */
	KEEP_PACKETS_MAX = 1 << 20,    /* of a segment: bounds what an index takes */
	KEEP_FLOWS_MAX = 4,	       /* that one frame names: it may carry others */
	KEEP_HEAD_BYTES = 256,	       /* at most: keep_encode_head() */
	KEEP_INTERFACE_BYTES = 256,    /* at most: keep_encode_interface() */
	KEEP_COUNTS_BYTES = 128,       /* at most: keep_encode_counts() */
	KEEP_PACKET_OVER = 192,	       /* at most: a packet's block without its bytes */
};

struct keep_interface {
	struct slice name; /* cut to KEEP_NAME_MAX */
	uint32_t linktype, snaplen;
};

struct keep_packet {
	struct slice data;
	uint32_t wire_bytes;
	uint32_t interface; /* in the order in which a segment describes them */
	struct wall_ns at;  /* before 1970: 1970 */
	uint64_t lost;	    /* packets that the ring had no room for, just before this one */
	uint64_t flows[KEEP_FLOWS_MAX]; /* ids; those of tunnels' insides first */
	uint8_t flow_count;
	bool stopped; /* the sensor did not let it pass */
};

struct keep_counts {
	uint32_t interface;
	struct wall_ns at;
	/* Since the capture began: came in, of them lost by the kernel, given to the ring. */
	uint64_t received, kernel_drops, kept;
};

/* --- writing: each returns how many bytes it wrote --- */

size_t keep_encode_head(const uint8_t section[KEEP_SECTION_BYTES], uint8_t out[KEEP_HEAD_BYTES]);
size_t keep_encode_interface(const struct keep_interface *i, uint8_t out[KEEP_INTERFACE_BYTES]);
size_t keep_encode_counts(const struct keep_counts *c, uint8_t out[KEEP_COUNTS_BYTES]);

/* out has room for p->data.len + KEEP_PACKET_OVER; p->data has KEEP_PACKET_MAX at most. */
size_t keep_encode_packet(const struct keep_packet *p, uint8_t *out);

/* --- reading --- */

struct keep_reader {
	struct slice bytes; /* borrowed */
	size_t at;	    /* all before it is whole and ours */
	uint8_t section[KEEP_SECTION_BYTES];
	struct keep_interface interfaces[KEEP_INTERFACES_MAX];
	uint32_t interface_at[KEEP_INTERFACES_MAX]; /* where they are described */
	uint32_t interface_count;
};

/* ST_CORRUPT: it does not begin as a segment does; then nothing of it is ours. Sets all of *r. */
MUST_USE enum status keep_reader_open(struct keep_reader *r, struct slice bytes, struct fail *why);

/* The next packet and where its block begins. ST_END behind the last; ST_CORRUPT: what follows
 * r->at is not whole, or not ours. Both repeat. */
MUST_USE enum status keep_reader_next(struct keep_reader *r, struct keep_packet *out,
				      size_t *out_at, struct fail *why);

struct keep_index;
/* r, which was just opened, knows the interfaces that x says it has. False: x is of another
 * segment, or lies. */
MUST_USE bool keep_reader_describe(struct keep_reader *r, const struct keep_index *x);

/* The packet whose block begins at `at`; r knows its interface. False: there is none. */
MUST_USE bool keep_reader_get(const struct keep_reader *r, size_t at, struct keep_packet *out);

/* --- whose packets --- */

/* A packet's ends, from its own headers. */
struct keep_tuple {
	struct addr src, dst;
	uint16_t sport, dport; /* ICMP: type and code */
	uint8_t proto;
	bool fragment; /* its ports are not known: it is part of any flow of its two hosts */
};

enum {
	KEEP_TUPLES_MAX = 4,	   /* of one frame: what tunnels carry, too */
	KEEP_QUERY_TUPLES_MAX = 64 /* flows that one query may be about */
};

struct keep_query {
	uint64_t flow; /* 0: any */
	/* Any direction; family 0: any address, has_sport/has_dport false: any port, proto 0: any.
	 */
	struct keep_query_tuple {
		struct keep_tuple ends;
		bool has_sport, has_dport;
	} tuples[KEEP_QUERY_TUPLES_MAX]; /* one of them is enough */
	size_t tuple_count;
	struct slice community; /* "1:...", 30 bytes; empty: any */
	uint16_t community_seed;
	struct wall_ns from, until; /* both ends belong; until 0: no end */
};

/* "10.0.0.1:80-10.0.0.2:1234", "10.0.0.1-[2001:db8::1]:53", with "tcp ", "udp ", "icmp ",
 * "icmpv6 ", "sctp " or a number in front or without. ST_INVALID: what is wrong with it. */
MUST_USE enum status keep_query_tuple_parse(struct keep_query *q, struct slice text,
					    struct fail *why);

/* Decoding, for ends: a room of its own. */
struct keep_matcher;
MUST_USE struct keep_matcher *keep_matcher_new(struct arena *a, struct arena_pool *pool);
void keep_matcher_free(struct keep_matcher *m); /* what is in pool; NULL is fine */

/* The ends of p, which came by `linktype`; at most KEEP_TUPLES_MAX. */
size_t keep_matcher_tuples(struct keep_matcher *m, const struct keep_packet *p, uint32_t linktype,
			   struct keep_tuple out[KEEP_TUPLES_MAX]);

/* Is p wanted? */
bool keep_matcher_wants(struct keep_matcher *m, const struct keep_query *q,
			const struct keep_packet *p, uint32_t linktype);

/* --- the index --- */

/* A flow of a segment. */
struct keep_row {
	uint64_t flow; /* 0: the packets name none */
	struct keep_tuple ends;
	uint32_t begin, count; /* in keep_index.offsets */
};

struct keep_index {
	uint8_t section[KEEP_SECTION_BYTES];
	uint64_t bytes; /* of the segment that it is about */
	struct wall_ns first, last;
	uint32_t packets, row_count, offset_count, interface_count;
	const struct keep_row *rows;
	const uint32_t *offsets; /* of packets' blocks, rising within a row */
	const uint32_t *interface_at;
};

/* Of all that r still gives, which is all of a segment when r was just opened: to its end or its
 * damage (r->at says which). In a. `seed`: so that nobody can aim at one chain. */
MUST_USE enum status keep_index_build(struct keep_reader *r, struct keep_matcher *m, uint64_t seed,
				      struct arena *a, struct keep_index *out, struct fail *why);

MUST_USE enum status keep_index_encode(const struct keep_index *x, struct arena *a,
				       struct slice *out, struct fail *why);

/* Rows and offsets in a. ST_CORRUPT: it is no index, or not whole. */
MUST_USE enum status keep_index_decode(struct slice bytes, struct arena *a, struct keep_index *out,
				       struct fail *why);

/* Only what the head says: section, bytes, times, counts. Whether the rest is whole is not known.
 */
MUST_USE enum status keep_index_peek(struct slice bytes, struct keep_index *out, struct fail *why);

/* Can packets of this row be wanted? */
bool keep_index_may(const struct keep_row *row, const struct keep_query *q);

/* The row is of the flow that q wants by its number: its fragments, which have no number, are
 * wanted, too. False: q is about too many flows. */
MUST_USE bool keep_query_companions(struct keep_query *q, const struct keep_row *row);

#endif
