/* SPDX-License-Identifier: Apache-2.0
 *
 * sensor/source/source.h - where a worker's packets come from, and where its verdicts go.
 *
 *	source_file_open	a capture file
 *	source_tap_open		a network interface, listened to (AF_PACKET, TPACKET_V3)
 *	source_queue_open	a queue of the kernel's packet filter, in the line (NFQUEUE)
 *	source_bridge_open	two interfaces, in the line between them (AF_PACKET, TPACKET_V2)
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

#include <stdatomic.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/histogram.h"
#include "base/slice.h"
#include "base/status.h"
#include "base/time.h"

struct capture;

enum {
	SOURCE_BATCH = 64, /* packets */
	SOURCE_FDS = 2,	   /* that become readable when packets come */
};

struct source;

/* Of a source in the line two processes share the descriptors, and the memory of this struct: the
 * worker, who inspects, and a guardian, who lets all pass while the worker does not (it died, it
 * hangs, it has yet to start). Each has its own struct source, and packets are for the owner:
 *
 *	from	to		by whom
 *	GUARD	WORKER		the guardian, if `wanted`: source_give()
 *	WORKER	GUARD		the guardian, when `turns` stands still: source_seize();
 *				the worker, when it ends: source_leave()
 *
 * Who is no owner any more finds out when it takes or gives verdicts; these are then void. A worker
 * that lost the line while it was sending may have sent what the guardian sends again: of one batch
 * packets may then be there twice, and none is lost. */
enum source_owner { SOURCE_GUARD, SOURCE_WORKER };

struct source_line {
	_Atomic uint32_t owner;	 /* enum source_owner; zeroed: the guardian */
	_Atomic uint32_t wanted; /* by the worker */
	_Atomic uint64_t turns;	 /* of the worker: it takes */
	_Atomic uint64_t at[2];	 /* of the source: how far its owner has come */
};

/* By the guardian. seize: it is the owner from here on, and may take; false if it was already.
 * give: what it took is answered, and the worker is the owner. */
bool source_seize(struct source *s);
void source_give(struct source *s);
/* By the worker, whose last batch is answered: the guardian is the owner. */
void source_leave(struct source *s);
/* Is the line ours? True where there is none. Asked by the worker, it asks for it. */
bool source_owned(struct source *s);
/* Descriptors for who waits for packets of several sources. */
void source_fds(const struct source *s, int out[SOURCE_FDS]);

struct source_packet {
	struct slice data;
	uint32_t wire_bytes, linktype;
	struct wall_ns at;
	uint64_t number; /* in a file, from 1; 0: of an interface */
	bool unsummed;	 /* sent by this host: its card has yet to write the checksums */
	bool drop;	 /* set by the taker */
	bool changed;	 /* by source_packet_change() */
	uint8_t side;	 /* of a bridge: at which of its two interfaces it came in */
};

/* In the line: the packet goes on with these as its first bytes; no more than it has. */
void source_packet_change(struct source_packet *p, struct slice bytes);

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
	uint64_t passed; /* in the line: packets that the kernel let pass, for want of room here */
	uint64_t unsent; /* in the line: packets that should pass and that nobody took */
};

struct source_ops {
	enum status (*start)(struct source *s, struct fail *why);
	enum status (*take)(struct source *s, int timeout_ms, struct source_batch *out,
			    struct fail *why);
	void (*answer)(struct source *s); /* NULL: it only listens */
	void (*seize)(struct source *s);  /* see source_seize(); NULL: nothing to do */
	/* Of a bridge: sends a frame by one of its interfaces. */
	bool (*send)(struct source *s, unsigned side, struct slice frame);
	void (*fds)(const struct source *s, int out[SOURCE_FDS]); /* -1: none */
	void (*count)(struct source *s);			  /* NULL: nothing to ask for */
	void (*wake)(struct source *s);				  /* NULL: it never waits */
	void (*close)(struct source *s);
};

struct source {
	const struct source_ops *ops;
	struct source_counters counters;
	struct source_line *line;  /* NULL: only one process has the source */
	enum source_owner role;	   /* of this process */
	struct source_batch batch; /* given, and not answered */
	size_t ring_bytes;	   /* memory that the kernel puts packets into */
	/* Nanoseconds from when a packet was received until its verdict was given to the kernel,
	 * or, where it only listens, until the worker was done with its batch; one value a packet.
	 * The source adds, its owner copies now and then. */
	struct histogram verdict_ns;
};

/* Lets packets in: call it when all that share the traffic are open. */
MUST_USE enum status source_start(struct source *s, struct fail *why);

/* The next packets, after at most timeout_ms if none came. ST_END: there will be none; else a
 * failure, of which all packets before it were given. A file's damage repeats. */
MUST_USE enum status source_take(struct source *s, int timeout_ms, struct source_batch *out,
				 struct fail *why);

/* In the line: the verdicts of the last batch are given, now instead of by the next take. */
void source_answer(struct source *s);

/* Of a bridge: a frame of our own goes out by that side's interface. False: it is none, or nobody
 * took it. */
bool source_send(struct source *s, unsigned side, struct slice frame);

/* A take that waits for packets ends, or the next one does: by any thread. */
void source_wake(struct source *s);

/* Brings s->counters up to date: by the owner, now and then. */
void source_count(struct source *s);
void source_close(struct source *s); /* NULL is fine */

/* --- packets of our own --- */

struct source_raw {
	bool open;
	int v4, v6; /* -1: not there */
};

/* Needs CAP_NET_RAW. */
MUST_USE enum status source_raw_open(struct source_raw *out, struct fail *why);
/* An IP packet with its header, without waiting. Any thread. */
bool source_raw_send(const struct source_raw *r, struct slice packet, const struct addr *to);
void source_raw_close(struct source_raw *r);

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

/* --- a queue of the kernel's packet filter --- */

enum source_queue_mode {
	SOURCE_QUEUE_ACCEPT, /* what passes, passes */
	SOURCE_QUEUE_REPEAT, /* and goes through the filter again, with a mark that says so */
	SOURCE_QUEUE_ROUTE   /* and goes to another queue */
};

struct source_queue_options {
	uint16_t number;
	enum source_queue_mode mode;
	uint16_t route;		  /* ROUTE: the other queue */
	uint32_t mark, mark_mask; /* REPEAT: bits, and which of them */
	unsigned batch;		  /* packets a verdict is given for at once, 1..SOURCE_BATCH */
	unsigned receive_bytes;	  /* memory for packets that wait here */
	bool fail_open;		  /* what finds no room passes; else it is dropped */
	bool gso;		  /* packets come as the host put them together, not cut again */
};

/* Packets are IP packets (link type 101). Its owner sets `line`, if it has a guardian. The rule
 * that sends them here should say `bypass`, so that they pass where no process listens. Needs
 * CAP_NET_ADMIN until started. ST_REFUSED: not allowed, or another program listens at that queue
 * (told by start). */
MUST_USE enum status source_queue_open(const struct source_queue_options *o, struct arena *a,
				       struct source **out, struct fail *why);

/* --- a bridge of two interfaces --- */

struct source_bridge_options {
	/* Of each side: interface, sockets, group, spread (PAIR or FLOW), seed (the same), defrag
	 * (no), promiscuous, sums. */
	struct source_tap_options side[2];
	size_t ring_packets; /* of each side; 0: what fits into 16 MiB */
	bool tap;	     /* what rules stop passes as well */
};

/* What comes in at one interface and is not stopped goes out at the other, as it is: with what its
 * card, or that of the host behind it, has yet to do (checksums, cutting into packets). Both
 * directions are taken by one worker, in the order of their times. A `line` has to be set before
 * the start. Errors as of a tap. */
MUST_USE enum status source_bridge_open(const struct source_bridge_options *o, struct arena *a,
					struct source **out, struct fail *why);

#endif
