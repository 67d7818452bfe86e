/* SPDX-License-Identifier: Apache-2.0
 *
 * stream_priv.h - the three layers of the module, lowest first:
 *
 *   store.c       bytes of one direction by offset, with holes
 *   reassemble.c  segments in, by overlap policy; bytes out, in order, with gaps
 *   handshake.c   how a session begins
 *   stream.c      the session: windows, acknowledgements, closing; the module's functions
 *
 * Offsets are 64 bits and count from the first byte behind the SYN; sequence numbers stay in
 * stream.c.
 */
#ifndef DEW_SENSOR_STREAM_PRIV_H
#define DEW_SENSOR_STREAM_PRIV_H

#include "base/arena.h"
#include "sensor/stream/stream.h"

/* enumerator, Suricata's name. The order is the order of bits. */
#define STREAM_ANOMALIES(X)                                                                        \
	X(SYNACK_IN_WRONG_DIRECTION, "3whs_synack_in_wrong_direction")                             \
	X(SYNACK_WITH_WRONG_ACK, "3whs_synack_with_wrong_ack")                                     \
	X(SYNACK_RESEND_WITH_DIFFERENT_ACK, "3whs_synack_resend_with_different_ack")               \
	X(SYNACK_RESEND_WITH_DIFF_SEQ, "3whs_synack_resend_with_diff_seq")                         \
	X(SYNACK_TOSERVER_ON_SYN_RECV, "3whs_synack_toserver_on_syn_recv")                         \
	X(SYN_RESEND_DIFF_SEQ_ON_SYN_RECV, "3whs_syn_resend_diff_seq_on_syn_recv")                 \
	X(SYN_TOCLIENT_ON_SYN_RECV, "3whs_syn_toclient_on_syn_recv")                               \
	X(SYN_FLOOD, "3whs_syn_flood")                                                             \
	X(WRONG_SEQ_WRONG_ACK, "3whs_wrong_seq_wrong_ack")                                         \
	X(RIGHT_SEQ_WRONG_ACK, "3whs_right_seq_wrong_ack_evasion")                                 \
	X(FOURWAY_SYNACK_WITH_WRONG_ACK, "4whs_synack_with_wrong_ack")                             \
	X(EST_SYN_RESEND, "est_syn_resend")                                                        \
	X(EST_SYN_RESEND_DIFF_SEQ, "est_syn_resend_diff_seq")                                      \
	X(EST_SYN_TOCLIENT, "est_syn_toclient")                                                    \
	X(EST_SYNACK_RESEND, "est_synack_resend")                                                  \
	X(EST_SYNACK_RESEND_WITH_DIFFERENT_ACK, "est_synack_resend_with_different_ack")            \
	X(EST_SYNACK_RESEND_WITH_DIFF_SEQ, "est_synack_resend_with_diff_seq")                      \
	X(EST_SYNACK_TOSERVER, "est_synack_toserver")                                              \
	X(EST_PACKET_OUT_OF_WINDOW, "est_packet_out_of_window")                                    \
	X(EST_PKT_BEFORE_LAST_ACK, "est_pkt_before_last_ack")                                      \
	X(EST_INVALID_ACK, "est_invalid_ack")                                                      \
	X(FIN_INVALID_ACK, "fin_invalid_ack")                                                      \
	X(FIN_OUT_OF_WINDOW, "fin_out_of_window")                                                  \
	X(FIN_BUT_NO_SESSION, "fin_but_no_session")                                                \
	X(FIN_SYN, "fin_syn")                                                                      \
	X(CLOSEWAIT_INVALID_ACK, "closewait_invalid_ack")                                          \
	X(CLOSEWAIT_OUT_OF_WINDOW, "closewait_ack_out_of_window")                                  \
	X(FIN1_INVALID_ACK, "fin1_invalid_ack")                                                    \
	X(FIN1_WRONG_SEQ, "fin1_ack_wrong_seq")                                                    \
	X(FIN2_INVALID_ACK, "fin2_invalid_ack")                                                    \
	X(FIN2_WRONG_SEQ, "fin2_ack_wrong_seq")                                                    \
	X(CLOSING_INVALID_ACK, "closing_invalid_ack")                                              \
	X(CLOSING_WRONG_SEQ, "closing_ack_wrong_seq")                                              \
	X(LASTACK_INVALID_ACK, "lastack_invalid_ack")                                              \
	X(LASTACK_WRONG_SEQ, "lastack_ack_wrong_seq")                                              \
	X(TIMEWAIT_INVALID_ACK, "timewait_invalid_ack")                                            \
	X(TIMEWAIT_WRONG_SEQ, "timewait_ack_wrong_seq")                                            \
	X(SHUTDOWN_SYN_RESEND, "shutdown_syn_resend")                                              \
	X(RST_BUT_NO_SESSION, "rst_but_no_session")                                                \
	X(RST_INVALID_ACK, "rst_invalid_ack")                                                      \
	X(SUSPECTED_RST_INJECT, "suspected_rst_inject")                                            \
	X(PKT_INVALID_TIMESTAMP, "pkt_invalid_timestamp")                                          \
	X(PKT_INVALID_ACK, "pkt_invalid_ack")                                                      \
	X(PKT_BROKEN_ACK, "pkt_broken_ack")                                                        \
	X(PKT_SPURIOUS_RETRANSMISSION, "pkt_spurious_retransmission")                              \
	X(SEGMENT_BEFORE_BASE_SEQ, "reassembly_segment_before_base_seq")                           \
	X(NO_SEGMENT, "reassembly_no_segment")                                                     \
	X(SEQ_GAP, "reassembly_seq_gap")                                                           \
	X(OVERLAP_DIFFERENT_DATA, "reassembly_overlap_different_data")                             \
	X(DEPTH_REACHED, "reassembly_depth_reached")

enum stream_anomaly {
#define X(id, name) STREAM_##id,
	STREAM_ANOMALIES(X)
#undef X
		STREAM_ANOMALY_COUNT
};
_Static_assert((int)STREAM_ANOMALY_COUNT <= 64, "a bit for each anomaly");

#define STREAM_BIT(id) (UINT64_C(1) << STREAM_##id)

#define STREAM_NEVER UINT64_MAX /* no such offset */

/* ---- store.c ---- */

struct stream_run; /* bytes without a hole */

struct stream_store {
	struct arena_pool *pool;  /* for bytes */
	struct arena *nodes;	  /* for what describes them: the flow's */
	struct stream_run *first; /* by offset; never touching each other */
	struct stream_run *spare;
	size_t held; /* bytes of memory for bytes */
	size_t most; /* never hold more */
};

/* Bytes at an offset, over what is there. Bytes before `keep` may be forgotten to make room. False
 * if memory or `most` does not allow it: then nothing has changed. */
bool stream_store_write(struct stream_store *s, uint64_t at, struct slice bytes, uint64_t keep);

/* What is there from an offset up to a hole or to `end`. Valid until the next write or forget. */
struct slice stream_store_read(const struct stream_store *s, uint64_t at, uint64_t end);

/* What is there without a hole up to offset `end`: all of it. */
struct slice stream_store_before(const struct stream_store *s, uint64_t end, uint64_t *out_at);

/* Where the first bytes after a hole at `at` begin; STREAM_NEVER if there are none. */
uint64_t stream_store_after_hole(const struct stream_store *s, uint64_t at);

/* Gives back what lies before `at` behind a hole. */
void stream_store_forget(struct stream_store *s, uint64_t at);

void stream_store_done(struct stream_store *s);

/* ---- reassemble.c ---- */

struct stream_piece; /* a segment that is not released yet */

struct stream_bytes {
	struct stream_store store;
	struct stream_piece *oldest, *newest, *spare; /* by offset; never overlapping */
	uint32_t pieces;
	uint64_t depth;	   /* nothing from here on is kept */
	uint64_t released; /* all before it was given to the sink, or reported as a gap */
};

enum stream_verdict { STREAM_TAKEN, STREAM_NOT_TAKEN };

/* A segment at an offset. *anomalies gets bits. TAKEN: these bytes are, or were, in the stream as
 * they are here. */
enum stream_verdict stream_bytes_add(struct stream_bytes *b, uint64_t at, struct slice segment,
				     uint64_t *anomalies);

/* The receiver has read up to `end`: gives the sink all before it, holes as gaps. */
void stream_bytes_release(struct stream_bytes *b, uint64_t end, struct flow *f, enum flow_dir dir,
			  const struct stream_sink *sink, uint64_t *anomalies);

/* Gives the sink all that is held. */
void stream_bytes_flush(struct stream_bytes *b, struct flow *f, enum flow_dir dir,
			const struct stream_sink *sink, uint64_t *anomalies);

void stream_bytes_done(struct stream_bytes *b);

/* ---- handshake.c and stream.c ---- */

enum { STREAM_SYNS_MAX = 4 }; /* SYNs with different numbers that a SYN/ACK may answer */

struct stream_syn {
	uint32_t isn, window, ts;
	uint8_t wscale;
	bool has_wscale, has_ts;
};

/* What one end has sent, and what the other end thinks of it. */
struct stream_side {
	struct stream_bytes bytes;
	uint32_t isn;
	uint64_t next;	/* offset behind the last byte seen */
	uint64_t acked; /* offset up to which the other end has it */
	uint64_t edge;	/* offset up to which the other end would have it: its window */
	uint64_t fin;	/* offset of the FIN, or STREAM_NEVER */
	uint32_t ts;	/* RFC 7323's TS.Recent of the receiver */
	struct wall_ns ts_at;
	uint8_t wscale;
	bool seen;	 /* isn is known */
	bool edge_known; /* a window of the other end was seen */
	bool has_wscale, has_ts;
	bool fin_acked, eof;
};

struct stream_session {
	struct stream_side side[2]; /* by the direction it sends to */
	struct stream_syn syns[STREAM_SYNS_MAX];
	uint32_t rst_seq; /* of the RST that closed it */
	enum stream_state state;
	enum flow_dir opener; /* who sent the SYN */
	enum flow_dir closer; /* who sent the first FIN, or the RST */
	uint8_t syn_count;
	bool fourway; /* both sent a SYN */
	bool reset;   /* closed by a RST */
	bool midstream, async;
	bool took_payload, ended;
};

/* One packet on its way through the module. */
struct stream_step {
	const struct stream_limits *limits;
	struct flow *f;
	struct stream_session *s;
	const struct packet *p;
	const struct stream_sink *sink;
	enum flow_dir dir;
	struct stream_side *from, *to; /* s->side of the sender and of the other end */
	uint64_t anomalies;
};

static inline enum flow_dir stream_other(enum flow_dir d)
{
	return d == FLOW_TO_SERVER ? FLOW_TO_CLIENT : FLOW_TO_SERVER;
}

/* The offset that a sequence number of this end means, next to what was seen; below 0: before the
 * first byte. */
static inline int64_t stream_offset(const struct stream_side *s, uint32_t seq)
{
	return (int64_t)s->next + (int32_t)(seq - (s->isn + 1 + (uint32_t)s->next));
}

/* handshake.c: no session yet, or not established. True if the packet goes on to the established
 * session's rules. */
bool stream_handshake(struct stream_step *x);

/* stream.c, for the handshake. */
void stream_learn(struct stream_step *x); /* window, scale, time stamp of a SYN */
void stream_acknowledge(struct stream_step *x, uint64_t end);
void stream_established(struct stream_step *x);
bool stream_reset(struct stream_step *x);

#endif
