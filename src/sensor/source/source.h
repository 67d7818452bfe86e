/* SPDX-License-Identifier: Apache-2.0
 *
 * sensor/source/source.h - where a worker's packets come from, and where its verdicts go.
 *
 *	source_file_open	a capture file
 *	source_tap_open		a network interface, listened to (AF_PACKET, TPACKET_V3)
 *
 * A worker takes a batch, looks at its packets, marks those that shall not pass (`drop`), and takes
 * the next: only then may the source let go of the packets, or let them pass. So packets are never
 * copied, and a source that stands in the line can answer for many at once. Sources that only
 * listen do not read the marks.
 *
 * A source belongs to one thread; source_wake() is for any. This is the
 * only room between the wire and the records that asks the system for anything.
 */
#ifndef DEW_SENSOR_SOURCE_H
#define DEW_SENSOR_SOURCE_H

#include "base/arena.h"
#include "base/histogram.h"
#include "base/slice.h"
#include "base/status.h"
#include "base/time.h"

struct capture;

enum { SOURCE_BATCH = 64 /* packets */ };

struct source_packet {
	struct slice data;
	uint32_t wire_bytes, linktype;
	struct wall_ns at;
	uint64_t number; /* in a file, from 1; 0: of an interface */
	bool unsummed;	 /* sent by this host: its card has yet to write the checksums */
	bool drop;	 /* set by the taker */
};

struct source_batch {
	struct source_packet *packets; /* the source's, until the next take */
	size_t count;		       /* 0: time passed without a packet */
	bool border; /* no packet that follows is in memory yet: a good moment for other things */
};

/* The owner's, as all of struct source. */
struct source_counters {
	uint64_t taken;	  /* packets given */
	uint64_t dropped; /* packets that the kernel had no room for */
	uint64_t frozen;  /* times that a ring was full */
	uint64_t cut;	  /* packets of which the end is missing */
	uint64_t outages; /* times that the interface went away */
	/* In the line only: traffic that passed without being looked at. */
	uint64_t gaps, gap_packets, gap_ns; /* times; packets, as far as known; how long in all */
};

struct source;

struct source_ops {
	enum status (*start)(struct source *s, struct fail *why);
	enum status (*take)(struct source *s, int timeout_ms, struct source_batch *out,
			    struct fail *why);
	void (*count)(struct source *s); /* NULL: nothing to ask for */
	void (*wake)(struct source *s);	 /* NULL: it never waits */
	void (*close)(struct source *s);
};

struct source {
	const struct source_ops *ops;
	struct source_counters counters;
	/* In the line: nanoseconds from when a packet was received until its verdict was given to
	 * the kernel, one value a packet. The source adds, its owner copies now and then. */
	struct histogram verdict_ns;
};

/* Lets packets in: call it when all that share the traffic are open. */
MUST_USE enum status source_start(struct source *s, struct fail *why);

/* The next packets, after at most timeout_ms if none came. ST_END: there will be none; else a
 * failure, of which all packets before it were given. A file's damage repeats. */
MUST_USE enum status source_take(struct source *s, int timeout_ms, struct source_batch *out,
				 struct fail *why);

/* A take that waits for packets ends, or the next one does: by any thread. */
void source_wake(struct source *s);

/* Brings s->counters up to date: by the owner, now and then. */
void source_count(struct source *s);
void source_close(struct source *s); /* NULL is fine */

/* --- a capture file --- */

/* c is opened already and outlives the source. */
MUST_USE enum status source_file_open(struct capture *c, struct arena *a, struct source **out,
				      struct fail *why);

/* --- an interface --- */

enum source_spread {			  /* how sockets on one interface share its packets */
		     SOURCE_SPREAD_PAIR,  /* by the pair of addresses, fragments as they come */
		     SOURCE_SPREAD_FLOW,  /* by the kernel's hash of addresses and ports */
		     SOURCE_SPREAD_QUEUE, /* by the card's queue */
		     SOURCE_SPREAD_CPU	  /* by the core that the card interrupted */
};

enum source_sums {		       /* packets whose checksums are believed without looking */
		   SOURCE_SUMS_KERNEL, /* those that the kernel says have none yet */
		   SOURCE_SUMS_ALL,
		   SOURCE_SUMS_NONE
};

enum {
	SOURCE_SOCKETS_MAX = 64,
	SOURCE_NAME_MAX = 16, /* bytes of an interface's name with a NUL: IFNAMSIZ */
};

/* Sockets that share an interface; one for all of them. */
struct source_group {
	uint16_t id;
	bool known; /* the operator's number, or the first socket's */
};

struct source_tap_options {
	struct slice interface;
	unsigned sockets;	    /* that share it, 1..SOURCE_SOCKETS_MAX; this is one of them */
	struct source_group *group; /* NULL: one socket alone */
	enum source_spread spread;
	uint32_t seed; /* PAIR: odd; so that nobody outside can aim at one worker */
	bool defrag;   /* FLOW: the kernel puts IPv4 fragments together */
	bool promiscuous;
	size_t block_bytes; /* a power of two, a page at least */
	size_t blocks;
	unsigned block_timeout_ms; /* after which a block that is not full is given */
	uint32_t snaplen;	   /* bytes kept of a packet; 0: all */
	struct slice filter;	   /* pcap-filter(7); "": all packets */
	enum source_sums sums;
};

/* Needs CAP_NET_RAW, and CAP_NET_ADMIN where promiscuous. ST_NOTFOUND: no such interface;
 * ST_REFUSED: not allowed; ST_INVALID: the filter, or an interface without IP in it. */
MUST_USE enum status source_tap_open(const struct source_tap_options *o, struct arena *a,
				     struct source **out, struct fail *why);

#endif
