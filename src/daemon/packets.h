/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/packets.h - a ring of packets on disk. Private to the module; docs/decisions/0016 says why
 * it is so, docs/formats/packets.md what its files are.
 *
 *	packets_settings.c	packet-ring, and outputs.pcap-log
 *	packets_files.c		the list of segments: found at the start, bounded, indexed
 *	packets.c		workers' side; the writer's thread
 *	packets_alert.c		the helper's thread: indexes, and the flows of alerts cut out
 *	packets_cut.c		whose packets are wanted, out of segments into one file
 *
 * A worker copies each frame into a queue of its own, and goes on; where there is no room the frame
 * is lost for the ring and counted. One thread makes blocks of pcapng of them and writes those in
 * large pieces; another one, which may be slow, does the rest.
 *
 *	<folder>/000000000001.pcapng	a segment; the last one grows
 *	<folder>/000000000001.index	which packets of it are whose
 *	<folder>/cuts/<time>-<flow>.pcapng	the flow of an alert
 */
#ifndef DEW_DAEMON_PACKETS_H
#define DEW_DAEMON_PACKETS_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/queue.h"
#include "daemon/daemon_priv.h"
#include "os/file.h"
#include "sensor/keep/keep.h"
#include "sensor/source/source.h"

enum {
	PACKETS_QUEUE_BYTES = 16 << 20, /* of one lane; a power of two */
	PACKETS_BUFFER_BYTES = 1 << 20, /* written at once */
	PACKETS_SEGMENTS_MAX = 16384,
	PACKETS_SEGMENT_LEAST = 1 << 20, /* bytes: any packet fits in */
	PACKETS_PENDING_MAX = 1024,	 /* flows of alerts that wait to be cut out */
	PACKETS_CUTS_AT_ONCE = 64,	 /* in one walk through the segments */
	PACKETS_END_MS = 20000,
};

struct packets_settings {
	bool on;
	struct slice dir;
	uint64_t bytes;		/* of all segments and indexes, at most */
	uint64_t segment_bytes; /* of one, at most */
	uint64_t reserve_bytes; /* that the disk has free, or old segments go */
	int64_t age_ns;		/* of the oldest packet, at most; 0: no bound */
	uint32_t snaplen;	/* bytes kept of a packet; 0: all */
	bool skip_passed;	/* no packets of flows that a rule passes */
	bool alerts;		/* flows of alerts are cut out */
	int64_t before_ns, after_ns;
	uint64_t cuts_bytes; /* of all that was cut out, at most */
	int64_t cuts_age_ns; /* 0: no bound */
};

struct packets_segment {
	uint64_t number;
	uint64_t bytes, index_bytes; /* index_bytes 0: there is none yet */
	struct wall_ns first, last;
};

struct packets_pending {
	uint64_t flow;
	struct wall_ns at, due;
};

/* Where a worker puts frames. */
struct packets_lane {
	struct queue queue;
	struct slice interface;
	uint64_t lost_since;   /* the worker's: frames lost since the last one that was put */
	_Atomic uint64_t lost; /* for want of room */
	_Atomic uint64_t seen; /* frames given to it */
};

struct packets_described {
	struct slice interface;
	uint32_t linktype;
};

struct daemon_packets {
	struct packets_settings set;
	struct os_disk *disk; /* NULL but in tests */
	struct arena *arena;
	struct os_lock held;
	bool patient; /* a capture: who finds no room waits, and packets' time is the time */
	struct packets_lane *lanes;
	size_t lane_count;

	/* The writer's. */
	struct os_out out;
	char path[OS_PATH_MAX]; /* of the segment that grows */
	struct packets_segment now;
	uint32_t now_packets, buffered; /* buffered: of them that are not written yet */
	struct mono_ns flushed, tried;
	uint8_t *buffer;
	size_t used;
	struct packets_described *described; /* of this segment: KEEP_INTERFACES_MAX */
	uint32_t described_count;

	/* Under the lock. */
	pthread_mutex_t lock;
	pthread_cond_t work;		  /* for the helper */
	struct packets_segment *segments; /* oldest first; whole */
	size_t segment_count;
	uint64_t total; /* their bytes and their indexes' */
	uint64_t next_number;
	struct packets_pending *pending;
	size_t pending_count;
	bool help_stop;
	bool ended; /* no segment will be begun any more */

	pthread_t writer, helper;
	bool writing, helping; /* started, and not joined */
	int wake;	       /* an eventfd; -1: none */
	_Atomic bool asleep, stop;
	_Atomic bool ready;	  /* the writer knows what is there: the helper may look */
	_Atomic int64_t clock_ns; /* the newest packet's, if patient */
	int64_t covered_ns; /* the writer's: what came before this is in the buffer at least */
	_Atomic int64_t settled_ns; /* what came before this is in a file */

	_Atomic uint64_t kept, kept_bytes;   /* packets written, and their blocks */
	_Atomic uint64_t failed;	     /* packets that the disk did not take */
	_Atomic uint64_t errors;	     /* times that it said no, to either thread */
	_Atomic uint64_t cuts, cuts_skipped; /* files made; alerts for which there was no room */
	_Atomic uint64_t growing;	     /* bytes of the segment that grows */
	/* Of the list, for who may not wait for the lock: a disk may be slow. */
	_Atomic uint64_t shown_bytes, shown_segments;
	_Atomic int64_t shown_oldest;
	struct fail why; /* the newest error, under the lock */
	/* What came in by an interface, and what of it the kernel lost; NULL: nobody knows. */
	void *ask_ctx;
	void (*ask)(void *ctx, struct slice interface, uint64_t *out_received, uint64_t *out_lost);
};

/* What `dewline status` says of it. */
struct packets_counters {
	uint64_t seen, kept, kept_bytes, lost, failed, errors, cuts, cuts_skipped;
	uint64_t segments, bytes, bytes_most, queue_bytes, queued;
	struct wall_ns oldest; /* packet; 0: none */
	char error[248];       /* the newest; "": none */
};

/* packets_settings.c: packet-ring, else outputs.pcap-log; relative names below logs. root may be
 * NULL. */
MUST_USE enum status daemon_packets_settings(struct config *root, struct slice logs,
					     struct arena *a, struct packets_settings *out,
					     struct fail *why);

/* packets_files.c: finds what is there: torn ends go, missing indexes are made. *out is NULL if it
 * is not wanted. ST_REFUSED: another process keeps packets there. */
MUST_USE enum status daemon_packets_open(struct config *root, struct slice logs, bool patient,
					 struct os_disk *disk, struct arena *a,
					 struct daemon_packets **out, struct fail *why);
/* By the writer, when it starts: if another process has written here since (the sensor before this
 * one in the line, docs/decisions/0014), what it left is looked at now. */
MUST_USE enum status daemon_packets_again(struct daemon_packets *p, struct fail *why);
MUST_USE enum status daemon_packets_give(const struct daemon_packets *p, unsigned uid, unsigned gid,
					 struct fail *why);
void daemon_packets_close(struct daemon_packets *p); /* without threads; NULL is fine */

/* The lock is held for these. */
void daemon_packets_show(struct daemon_packets *p); /* the list has changed */
void daemon_packets_trim(struct daemon_packets *p, uint64_t room, struct wall_ns now);
void daemon_packets_error(struct daemon_packets *p, const struct fail *why);
/* The lock is not held. Makes the index of segment `number`, and keeps it within the bound. */
void daemon_packets_index(struct daemon_packets *p, uint64_t number);
struct wall_ns daemon_packets_clock(const struct daemon_packets *p);
/* "<dir>/000000000001.pcapng" */
struct slice daemon_packets_path(struct slice dir, uint64_t number, const char *ending,
				 char out[OS_PATH_MAX]);
bool daemon_packets_number(struct slice name, const char *ending, uint64_t *out);

/* packets.c: as many lanes as workers. */
MUST_USE enum status daemon_packets_lanes(struct daemon_packets *p, size_t lanes, struct fail *why);
/* Whose frames come by that lane from now on: before its first. */
void daemon_packets_name(struct daemon_packets *p, size_t lane, struct slice interface);
MUST_USE enum status daemon_packets_start(struct daemon_packets *p, struct fail *why);
/* By the lane's worker: a frame, with what its pipeline saw; an alert; the end of a batch. */
void daemon_packets_put(struct daemon_packets *p, size_t lane, const struct source_packet *k,
			const struct pipeline_seen *seen);
void daemon_packets_alert(struct daemon_packets *p, size_t lane, uint64_t flow, struct wall_ns at);
void daemon_packets_publish(struct daemon_packets *p, size_t lane);
void daemon_packets_count(struct daemon_packets *p, struct packets_counters *out);
/* Writes what is there, cuts what is due, ends the threads. False: the disk does not come to an
 * end; then all is left as it is. NULL is fine. */
MUST_USE bool daemon_packets_stop(struct daemon_packets *p);

/* packets_alert.c: the helper. */
void *daemon_packets_help(void *packets); /* a thread's function */

/* packets_cut.c */
struct packets_job {
	struct keep_query query;
	struct slice out; /* path; "": into `memory` */
	struct arena *memory;
	struct slice file; /* then: the bytes */
	uint64_t packets, bytes;
	struct wall_ns first, last;
	void *state; /* packets_cut.c's */
};

/* Several queries in one walk: each gets its file, private, if it found anything. disk may be NULL.
 */
MUST_USE enum status daemon_packets_cut_jobs(struct slice dir, struct os_disk *disk,
					     struct packets_job *jobs, size_t n, struct fail *why);

#endif
