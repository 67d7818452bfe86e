/* SPDX-License-Identifier: Apache-2.0
 *
 * sensor/stream/stream.h - TCP sessions and their bytes in order.
 *
 * A session as a passive observer sees it (RFC 9293), with Suricata's states, tolerances and
 * events; reassembly with overlaps by the policy of the receiver's system, gaps, retransmissions,
 * wrap-around, mid-stream pick-up and urgent data. On a tap, bytes are released to readers when the
 * receiver has acknowledged them (what the receiver's application can have read), or at the end of
 * the session; inline, when they come. Memory: the flow's arena for the session, the pool for data,
 * each with a budget; past the reassembly depth (1 MiB a direction by default) bytes are counted
 * and skipped.
 *
 * Nothing here fails on input: what is odd sets a bit in the result's events (stream_anomalies[]
 * has the names, Suricata's without "stream."), and `refused` says that the receiver would not take
 * the packet.
 */
#ifndef DEW_SENSOR_STREAM_H
#define DEW_SENSOR_STREAM_H

#include "base/slice.h"
#include "base/status.h"
#include "sensor/flow/flow.h"

struct config;
struct packet;

enum stream_state { /* of the session; docs/life-of-a-packet.md draws the transitions. Those from
		     * LAST_ACK on may make room for a new session of the same addresses. */
		    STREAM_NONE,
		    STREAM_SYN_SENT,
		    STREAM_SYN_RECV,
		    STREAM_ESTABLISHED,
		    STREAM_FIN_WAIT1,
		    STREAM_FIN_WAIT2,
		    STREAM_TIME_WAIT,
		    STREAM_LAST_ACK,
		    STREAM_CLOSE_WAIT,
		    STREAM_CLOSING,
		    STREAM_CLOSED,
};

/* How a system reads what can be read in two ways: overlaps, resets, time stamps of 0. */
enum stream_policy {
	STREAM_BSD,
	STREAM_OLD_LINUX,
	STREAM_LINUX,
	STREAM_SOLARIS,
	STREAM_HPUX10,
	STREAM_HPUX11,
	STREAM_IRIX,
	STREAM_MACOS,
	STREAM_WINDOWS,
	STREAM_VISTA,
	STREAM_WINDOWS2K3,
	STREAM_FIRST,
	STREAM_LAST,
	STREAM_POLICIES
};

/* What is done with the byte that an urgent pointer points at (RFC 6093 3.1). */
enum stream_urgent {
	STREAM_URGENT_OOB,    /* it is no part of the stream */
	STREAM_URGENT_INLINE, /* it is */
	STREAM_URGENT_DROP,   /* inline the packet is dropped, on a tap it stays in */
	STREAM_URGENT_GAP,    /* the segment counts as lost */
};

enum {
	STREAM_ANOMALIES_MAX = 128,
	STREAM_DEPTH = 1 << 20,	   /* bytes a direction, by default */
	STREAM_HELD = 2 << 20,	   /* bytes held a direction, by default */
	STREAM_URGENT_MAX = 65535, /* urgent bytes of a direction that are taken out */
};

struct stream_hosts; /* which policy is whose */

/* Zero is Suricata's default on a tap, but for the pool. */
struct stream_config {
	uint64_t depth;	   /* bytes a direction; 0 = STREAM_DEPTH, UINT64_MAX: no limit */
	uint32_t held_max; /* bytes held out of order or unread a direction; 0 = STREAM_HELD */
	struct arena_pool *pool;
	const struct stream_hosts *hosts;
	bool midstream;		/* pick up sessions without a handshake */
	bool midstream_refused; /* but the policy for them says no */
	bool async;		/* one direction only may be seen */
	bool in_line;		/* bytes are released when they come, and what came first stays */
	bool compare_overlaps;	/* say when a repetition differs */
	bool strict_timestamps; /* off by one is wrong, too */
	bool checksums;		/* a packet with a wrong checksum is not the session's */
	bool bypass;		/* nothing is looked at any more past the depth */
	bool sessions_full;	/* no new session: its memory is spent */
	bool marks;		/* stream_result.marks is asked for */
	enum stream_urgent urgent, urgent_limit; /* limit: past STREAM_URGENT_MAX */
	uint8_t syns_max, synacks_max;		 /* that differ; 0: 10 and 5 */
	bool no_syns, no_synacks;		 /* the limit is 0 */
};

/* The keys of `stream:` and `host-os-policy:`. Memory: a. */
MUST_USE enum status stream_config_read(struct stream_config *out, struct config *c, bool ips,
					struct arena *a, struct fail *why);

/* STREAM_BSD without hosts, or for one that is not among them. */
enum stream_policy stream_hosts_find(const struct stream_hosts *h, const struct addr *a);

/* Receives each direction's bytes in order. offset counts from the first byte of the direction. */
struct stream_sink {
	void *ctx;
	void (*data)(void *ctx, struct flow *f, enum flow_dir dir, uint64_t offset,
		     struct slice bytes);
	void (*gap)(void *ctx, struct flow *f, enum flow_dir dir, uint64_t offset,
		    uint64_t missing);
	void (*eof)(void *ctx, struct flow *f,
		    enum flow_dir dir); /* FIN, RST or end; once a direction */
	/* The RST that ended it was not its sender's: more comes, and another eof. NULL: for all
	 * the sink cares it stays ended. */
	void (*again)(void *ctx, struct flow *f, enum flow_dir dir);
};

extern const char *const stream_anomalies[]; /* NULL-terminated, < STREAM_ANOMALIES_MAX */

struct stream_events {
	uint64_t word[STREAM_ANOMALIES_MAX / 64]; /* bit i: stream_anomalies[i] */
};

static inline bool stream_events_has(const struct stream_events *e, unsigned i)
{
	return (e->word[i / 64] >> i % 64 & 1) != 0;
}

static inline bool stream_events_any(const struct stream_events *e)
{
	return (e->word[0] | e->word[1]) != 0;
}

/* What kind of packet it was: enumerator, EVE's word in stream_tcp.packet.flags. The order is the
 * order of bits. */
#define STREAM_MARKS(X)                                                                            \
	X(RETRANSMISSION, "retransmission")                                                        \
	X(SPURIOUS_RETRANSMISSION, "spurious_retransmission")                                      \
	X(KEEP_ALIVE, "keepalive")                                                                 \
	X(KEEP_ALIVE_ACK, "keepalive_ack")                                                         \
	X(WINDOW_UPDATE, "window_update")                                                          \
	X(EVENT_SET, "event_set")                                                                  \
	X(STATE_UPDATE, "state_update")                                                            \
	X(DUP_ACK, "dup_ack")                                                                      \
	X(DSACK, "dsack")                                                                          \
	X(ACK_UNSEEN_DATA, "ack_unseen_data")                                                      \
	X(ZERO_WINDOW_PROBE, "zero_window_probe")                                                  \
	X(ZERO_WINDOW_PROBE_ACK, "zero_window_probe_ack")

enum stream_mark {
#define X(id, name) STREAM_MARK_##id,
	STREAM_MARKS(X)
#undef X
};

extern const char *const stream_marks[]; /* NULL-terminated */

/* What one packet did. */
struct stream_result {
	struct stream_events events;
	uint16_t marks;	 /* bit enum stream_mark, if config.marks */
	bool refused;	 /* the receiver would not take it */
	bool midstream;	 /* it is of a session whose handshake was not seen */
	bool picked_up;	 /* and that begins with it here */
	bool no_session; /* no memory for a session */
	bool no_memory;	 /* no memory for its bytes */
	bool urgent;	 /* it is to be dropped for its urgent byte */
	bool past_depth; /* a direction has reached its depth */
	bool rewrite;	 /* inline: other bytes came first in the place of its payload */
};

/* Is p, of a flow that is there, the first packet of a new session of the same addresses? */
bool stream_begins_anew(const struct stream_config *config, const struct flow *f,
			const struct packet *p, enum flow_dir dir);

/* Takes one TCP packet of flow f. Calls the sink zero or more times, for either direction. Sets
 * f->state once a session is tracked (its handshake was seen, or midstream allows it to be picked
 * up): before, f->stream is NULL and costs nothing. */
void stream_packet(const struct stream_config *config, struct flow *f, const struct packet *p,
		   enum flow_dir dir, const struct stream_sink *sink, struct stream_result *out);

/* The flow ends: releases what is held in a direction, then its eof. */
void stream_flush(struct flow *f, enum flow_dir dir, const struct stream_sink *sink);

/* Gives memory back. State and stream_bytes() stay readable until the flow's arena goes; a second
 * call does nothing. */
void stream_end(struct flow *f);

/* A session as it is, for those who write about it (describe.c). */
struct stream_end_view { /* what one end has sent; numbers as they are on the wire */
	uint32_t isn, next_seq;
	uint32_t last_ack, next_win;   /* what the other end has, and how far it would take */
	uint32_t base_seq, right_edge; /* what was given to readers, what is held */
	uint32_t window;	       /* of the other end, scaled */
	uint32_t segments;	       /* held and not read */
	size_t held_bytes;	       /* of memory */
	uint8_t wscale;
	bool gap, depth_reached, keep_alive, timestamp, zero_timestamp, reset;
};

struct stream_view {
	enum stream_state before; /* its last change */
	bool midstream, midstream_established, midstream_synack;
	bool timestamps, client_wscale, client_sack_ok, sack_ok;
	bool reset, fourway, evasion, confirmed, fastopen, fastopen_refused;
	struct stream_end_view client, server;
};

/* False: there is no session. */
bool stream_view(const struct flow *f, struct stream_view *out);

enum stream_state stream_state_of(const struct flow *f);
const char *stream_state_text(enum stream_state state);
const char *
stream_state_name(const struct flow *f); /* EVE's tcp.state: "syn_sent", "established", ... */

/* Was the session established before the packet just given to stream_packet()? Or does that packet
 * show, by its data, that it must have been. True at the end of a session that ever was. */
bool stream_was_established(const struct flow *f);

/* Was the payload of the packet just given to stream_packet() taken into the stream (in window,
 * session known), or is it a repetition of what was? If not, signatures look at it by itself. */
bool stream_took_payload(const struct flow *f);

/* A packet of the flow that is not given to stream_packet(): nothing of it was taken. */
void stream_pass_over(struct flow *f);

/* Bytes of a direction so far: where the furthest one seen or acknowledged ends, without the SYN.
 * For stream_size and the like. */
uint64_t stream_bytes(const struct flow *f, enum flow_dir dir);

/* Was a part of a direction never seen, though the receiver has it? */
bool stream_has_gap(const struct flow *f, enum flow_dir dir);

/* The most regions, holes of 256 KiB and more between them, that a direction ever was in: EVE's
 * tcp.ts_max_regions. */
uint32_t stream_regions(const struct flow *f, enum flow_dir dir);

/* Was the session's beginning not seen, nor who answered whom? */
bool stream_is_picked_up(const struct flow *f);

/* The flow was swapped (flow_swap()): the two directions change places. Not within a call of the
 * sink. */
void stream_swap(struct flow *f);

/* Are bytes released when they come? */
bool stream_is_inline(const struct flow *f);

/* Inline: the bytes without a hole around the payload that the last stream_packet() took, no more
 * than it and a third of `chunk` beside it, or `chunk`. Empty if it took none. */
struct slice stream_around(const struct flow *f, enum flow_dir dir, size_t chunk);

/* Inline, after a stream_packet() that said `rewrite`: puts the bytes that came first over those of
 * its payload, `payload` being a copy of it: what the receiver is to get. */
void stream_rewrite(const struct flow *f, enum flow_dir dir, uint8_t *payload);

/* The most recent released bytes of a direction, without a gap, for signatures that look at the
 * stream: all that the last stream_packet() released behind its last gap, and at least
 * STREAM_WINDOW bytes before (or all there were). *out_offset is the offset of the first. The slice
 * is valid until the next stream_packet() or stream_end() of this flow. */
enum { STREAM_WINDOW = 8192 };
struct slice stream_window(const struct flow *f, enum flow_dir dir, uint64_t *out_offset);

/* Walks what is still held of a direction's released bytes, across holes: the first piece at or
 * behind offset `at`, up to a hole; *out_at is where it begins. ptr NULL: there is no more. Valid
 * as the window is. */
struct slice stream_held(const struct flow *f, enum flow_dir dir, uint64_t at, uint64_t *out_at);
/* The offset before which bytes were given back, holes or not: where such a walk should begin. */
uint64_t stream_held_from(const struct flow *f, enum flow_dir dir);

#endif
