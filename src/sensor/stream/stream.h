/* SPDX-License-Identifier: Apache-2.0
 *
 * sensor/stream/stream.h - TCP sessions and their bytes in order.
 *
 * RFC 9293 states as a passive observer sees them; reassembly with overlaps by policy (default: as
 * Suricata's default "bsd": first data wins except where a later segment starts earlier), gaps,
 * retransmissions, wrap-around, and mid-stream pick-up; urgent bytes stay in line. Bytes are
 * released to readers when the receiver has acknowledged them (what the receiver's application can
 * have read), or at the end of the session. Memory: the flow's arena for the session, the pool for
 * data, each with a budget; past the reassembly depth (1 MiB a direction by default) bytes are
 * counted and skipped.
 *
 * Nothing here fails on input: what is odd sets a bit in `anomalies` (stream_anomalies[] has the
 * names, Suricata's without "stream.").
 */
#ifndef DEW_SENSOR_STREAM_H
#define DEW_SENSOR_STREAM_H

#include "base/slice.h"
#include "sensor/flow/flow.h"

struct packet;

enum stream_state { /* of the session; docs/life-of-a-packet.md draws the transitions */
		    STREAM_NONE,
		    STREAM_SYN_SENT,
		    STREAM_SYN_RECV,
		    STREAM_ESTABLISHED,
		    STREAM_FIN_WAIT,
		    STREAM_CLOSED,
};

struct stream_limits {
	uint64_t depth;	   /* bytes a direction; 0 = 1 MiB */
	uint32_t held_max; /* bytes held out of order or unread a direction; 0 = 2 MiB */
	struct arena_pool *pool;
	bool midstream; /* pick up sessions without a handshake; Suricata's default is no */
	bool async;	/* one direction only is seen */
};

/* Receives each direction's bytes in order. offset counts from the first byte of the direction. */
struct stream_sink {
	void *ctx;
	void (*data)(void *ctx, struct flow *f, enum flow_dir dir, uint64_t offset,
		     struct slice bytes);
	void (*gap)(void *ctx, struct flow *f, enum flow_dir dir, uint64_t offset,
		    uint64_t missing);
	void (*eof)(void *ctx, struct flow *f,
		    enum flow_dir dir); /* FIN, RST or end; once a direction */
};

extern const char *const stream_anomalies[]; /* NULL-terminated, at most 64 */

/* Takes one TCP packet of flow f. Calls the sink zero or more times, for either direction. Sets
 * f->state once a session is tracked (its handshake was seen, or midstream allows it to be picked
 * up): before, f->stream is NULL and costs nothing. Returns the anomalies of this packet as bits.
 */
uint64_t stream_packet(const struct stream_limits *limits, struct flow *f, const struct packet *p,
		       enum flow_dir dir, const struct stream_sink *sink);

/* Is p of a session whose handshake was not seen? Before it is given to stream_packet(). */
bool stream_is_midstream(const struct flow *f, const struct packet *p);

/* The flow ends: releases what is held, then eof in both directions, then gives memory back. State
 * and stream_bytes() stay readable until the flow's arena goes; a second call does nothing. */
void stream_end(struct flow *f, const struct stream_sink *sink);

enum stream_state stream_state_of(const struct flow *f);
const char *
stream_state_name(const struct flow *f); /* EVE's tcp.state: "syn_sent", "established", ... */

/* Was the payload of the packet just given to stream_packet() taken into the stream (in window,
 * session known), or is it a repetition of what was? If not, signatures look at it by itself. */
bool stream_took_payload(const struct flow *f);

/* Bytes of a direction so far: where the furthest one seen or acknowledged ends, without SYN and
 * FIN. For stream_size and the like. */
uint64_t stream_bytes(const struct flow *f, enum flow_dir dir);

/* The most recent released bytes of a direction, without a gap, for signatures that look at the
 * stream: all that the last stream_packet() released behind its last gap, and at least
 * STREAM_WINDOW bytes before (or all there were). *out_offset is the offset of the first. The slice
 * is valid until the next stream_packet() or stream_end() of this flow. */
enum { STREAM_WINDOW = 8192 };
struct slice stream_window(const struct flow *f, enum flow_dir dir, uint64_t *out_offset);

#endif
