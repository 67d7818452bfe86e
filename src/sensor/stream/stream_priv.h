/* SPDX-License-Identifier: Apache-2.0
 *
 * stream_priv.h - the layers of the module, lowest first:
 *
 *   store.c       bytes of one direction by offset, with holes
 *   reassemble.c  segments in, by overlap policy; bytes out, in order, with gaps
 *   sack.c        what the receiver says it holds behind a hole
 *   check.c       is this packet what the receiver would take: numbers, time stamps, windows,
 * resets handshake.c   how a session begins close.c       how it ends stream.c      the session in
 * between; the module's functions
 *
 * Offsets are 64 bits, signed, and count from the first byte behind the SYN; sequence numbers are
 * turned into them in stream_offset() only.
 */
#ifndef DEW_SENSOR_STREAM_PRIV_H
#define DEW_SENSOR_STREAM_PRIV_H

#include "base/arena.h"
#include "sensor/decode/decode.h"
#include "sensor/stream/stream.h"

/* enumerator, Suricata's name. The order is the order of bits. */
#define STREAM_ANOMALIES(X)                                                                        \
	X(ACK_IN_WRONG_DIR, "3whs_ack_in_wrong_dir")                                               \
	X(ASYNC_WRONG_SEQ, "3whs_async_wrong_seq")                                                 \
	X(RIGHT_SEQ_WRONG_ACK, "3whs_right_seq_wrong_ack_evasion")                                 \
	X(SYNACK_IN_WRONG_DIRECTION, "3whs_synack_in_wrong_direction")                             \
	X(SYNACK_RESEND_WITH_DIFFERENT_ACK, "3whs_synack_resend_with_different_ack")               \
	X(SYNACK_RESEND_WITH_DIFF_SEQ, "3whs_synack_resend_with_diff_seq")                         \
	X(SYNACK_TOSERVER_ON_SYN_RECV, "3whs_synack_toserver_on_syn_recv")                         \
	X(SYNACK_WITH_WRONG_ACK, "3whs_synack_with_wrong_ack")                                     \
	X(SYNACK_FLOOD, "3whs_synack_flood")                                                       \
	X(SYN_RESEND_DIFF_SEQ_ON_SYN_RECV, "3whs_syn_resend_diff_seq_on_syn_recv")                 \
	X(SYN_TOCLIENT_ON_SYN_RECV, "3whs_syn_toclient_on_syn_recv")                               \
	X(WRONG_SEQ_WRONG_ACK, "3whs_wrong_seq_wrong_ack")                                         \
	X(ACK_DATA_INJECT, "3whs_ack_data_inject")                                                 \
	X(SYN_FLOOD, "3whs_syn_flood")                                                             \
	X(TFO_DATA_IGNORED, "3whs_synack_tfo_data_ignored")                                        \
	X(FOURWAY_SYNACK_WITH_WRONG_ACK, "4whs_synack_with_wrong_ack")                             \
	X(FOURWAY_SYNACK_WITH_WRONG_SYN, "4whs_synack_with_wrong_syn")                             \
	X(FOURWAY_WRONG_SEQ, "4whs_wrong_seq")                                                     \
	X(FOURWAY_INVALID_ACK, "4whs_invalid_ack")                                                 \
	X(CLOSEWAIT_ACK_OUT_OF_WINDOW, "closewait_ack_out_of_window")                              \
	X(CLOSEWAIT_FIN_OUT_OF_WINDOW, "closewait_fin_out_of_window")                              \
	X(CLOSEWAIT_PKT_BEFORE_LAST_ACK, "closewait_pkt_before_last_ack")                          \
	X(CLOSEWAIT_INVALID_ACK, "closewait_invalid_ack")                                          \
	X(CLOSING_WRONG_SEQ, "closing_ack_wrong_seq")                                              \
	X(CLOSING_INVALID_ACK, "closing_invalid_ack")                                              \
	X(EST_PACKET_OUT_OF_WINDOW, "est_packet_out_of_window")                                    \
	X(EST_PKT_BEFORE_LAST_ACK, "est_pkt_before_last_ack")                                      \
	X(EST_SYNACK_RESEND, "est_synack_resend")                                                  \
	X(EST_SYNACK_RESEND_WITH_DIFFERENT_ACK, "est_synack_resend_with_different_ack")            \
	X(EST_SYNACK_RESEND_WITH_DIFF_SEQ, "est_synack_resend_with_diff_seq")                      \
	X(EST_SYNACK_TOSERVER, "est_synack_toserver")                                              \
	X(EST_SYN_RESEND, "est_syn_resend")                                                        \
	X(EST_SYN_RESEND_DIFF_SEQ, "est_syn_resend_diff_seq")                                      \
	X(EST_SYN_TOCLIENT, "est_syn_toclient")                                                    \
	X(EST_INVALID_ACK, "est_invalid_ack")                                                      \
	X(EST_ACK_ZWP_DATA, "est_ack_zwp_data")                                                    \
	X(FIN_INVALID_ACK, "fin_invalid_ack")                                                      \
	X(FIN1_WRONG_SEQ, "fin1_ack_wrong_seq")                                                    \
	X(FIN1_FIN_WRONG_SEQ, "fin1_fin_wrong_seq")                                                \
	X(FIN1_INVALID_ACK, "fin1_invalid_ack")                                                    \
	X(FIN2_WRONG_SEQ, "fin2_ack_wrong_seq")                                                    \
	X(FIN2_FIN_WRONG_SEQ, "fin2_fin_wrong_seq")                                                \
	X(FIN2_INVALID_ACK, "fin2_invalid_ack")                                                    \
	X(FIN_BUT_NO_SESSION, "fin_but_no_session")                                                \
	X(FIN_OUT_OF_WINDOW, "fin_out_of_window")                                                  \
	X(FIN_SYN, "fin_syn")                                                                      \
	X(LASTACK_WRONG_SEQ, "lastack_ack_wrong_seq")                                              \
	X(LASTACK_INVALID_ACK, "lastack_invalid_ack")                                              \
	X(RST_BUT_NO_SESSION, "rst_but_no_session")                                                \
	X(TIMEWAIT_WRONG_SEQ, "timewait_ack_wrong_seq")                                            \
	X(TIMEWAIT_INVALID_ACK, "timewait_invalid_ack")                                            \
	X(SHUTDOWN_SYN_RESEND, "shutdown_syn_resend")                                              \
	X(PKT_INVALID_TIMESTAMP, "pkt_invalid_timestamp")                                          \
	X(PKT_INVALID_ACK, "pkt_invalid_ack")                                                      \
	X(PKT_BROKEN_ACK, "pkt_broken_ack")                                                        \
	X(RST_INVALID_ACK, "rst_invalid_ack")                                                      \
	X(PKT_RETRANSMISSION, "pkt_retransmission")                                                \
	X(PKT_SPURIOUS_RETRANSMISSION, "pkt_spurious_retransmission")                              \
	X(PKT_BAD_WINDOW_UPDATE, "pkt_bad_window_update")                                          \
	X(SUSPECTED_RST_INJECT, "suspected_rst_inject")                                            \
	X(WRONG_THREAD, "wrong_thread") /* never: a flow has one worker */                         \
	X(RST_WITH_DATA, "rst_with_data")                                                          \
	X(SEGMENT_BEFORE_BASE_SEQ, "reassembly_segment_before_base_seq")                           \
	X(NO_SEGMENT, "reassembly_no_segment")                                                     \
	X(SEQ_GAP, "reassembly_seq_gap")                                                           \
	X(OVERLAP_DIFFERENT_DATA, "reassembly_overlap_different_data")                             \
	X(DEPTH_REACHED, "reassembly_depth_reached")                                               \
	X(INSERT_MEMCAP, "reassembly_insert_memcap")                                               \
	X(INSERT_LIMIT, "reassembly_insert_limit")                                                 \
	X(INSERT_INVALID, "reassembly_insert_invalid")                                             \
	X(URGENT_LIMIT, "reassembly_urgent_oob_limit_reached")

enum stream_anomaly {
#define X(id, name) STREAM_##id,
	STREAM_ANOMALIES(X)
#undef X
		STREAM_ANOMALY_COUNT
};
_Static_assert((int)STREAM_ANOMALY_COUNT <= STREAM_ANOMALIES_MAX, "a bit for each anomaly");

#define STREAM_NEVER UINT64_MAX /* no such offset */

/* ---- store.c ---- */

struct stream_run; /* bytes without a hole */

struct stream_store {
	struct arena_pool *pool;  /* for bytes */
	struct arena *nodes;	  /* for what describes them: the flow's */
	struct stream_run *first; /* by offset; never touching each other */
	struct stream_run *spare;
	uint64_t base; /* bytes before it were given back: of holes there nothing is known */
	uint32_t held; /* bytes of memory for bytes */
	uint32_t most; /* never hold more */
};

/* Bytes at an offset, over what is there. Bytes before `keep` may be forgotten to make room. False
 * if memory or `most` does not allow it: then nothing has changed. */
bool stream_store_write(struct stream_store *s, uint64_t at, struct slice bytes, uint64_t keep);

/* What is there from an offset up to a hole or to `end`. Valid until the next write or forget. */
struct slice stream_store_read(const struct stream_store *s, uint64_t at, uint64_t end);

/* What is there without a hole up to offset `end`: all of it. */
struct slice stream_store_before(const struct stream_store *s, uint64_t end, uint64_t *out_at);

/* All that is there without a hole around an offset. */
struct slice stream_store_around(const struct stream_store *s, uint64_t at, uint64_t *out_at);

/* Where the first bytes after a hole at `at` begin; STREAM_NEVER if there are none. */
uint64_t stream_store_after_hole(const struct stream_store *s, uint64_t at);

/* What is there from the first byte at or behind `at` up to a hole; *out_at is where that begins.
 * ptr NULL, and *out_at as it was: nothing is. */
struct slice stream_store_next(const struct stream_store *s, uint64_t at, uint64_t *out_at);

/* Gives back runs that end before `at` with a hole behind them: those `window` and more bytes
 * before it, and all but the last few. */
void stream_store_forget(struct stream_store *s, uint64_t at, uint64_t window);

void stream_store_done(struct stream_store *s);

/* ---- reassemble.c ---- */

struct stream_piece; /* a segment that is not released yet */

struct stream_bytes {
	struct stream_store store;
	struct stream_piece *oldest, *newest, *spare; /* by offset of their first byte */
	uint64_t right;				      /* where the furthest piece ends */
	uint64_t depth;				      /* nothing from here on is kept */
	uint64_t released;  /* all before it was given to the sink, or reported as a gap */
	uint32_t far_holes; /* holes of FAR and more, when they were made */
	uint16_t pieces;
	bool depth_reached;
};

enum stream_verdict { STREAM_TAKEN, STREAM_NOT_TAKEN, STREAM_NO_MEMORY };

struct stream_overlap {
	enum stream_policy policy;
	bool compare; /* *differs is asked for */
	bool first;   /* inline: what was accepted is never changed, whatever the policy */
};

/* A segment, not empty, at an offset. TAKEN: these bytes are, or were, in the stream as they are
 * here. *differs: other bytes were there before. */
enum stream_verdict stream_bytes_add(struct stream_bytes *b, uint64_t at, struct slice segment,
				     struct stream_overlap how, bool *differs);

bool stream_bytes_same(const struct stream_bytes *b, uint64_t at, struct slice bytes);

/* Gives the sink what lies before `end` without a hole, and passes over holes before `acked`
 * that have bytes behind them. True if a gap was passed over. */
bool stream_bytes_release(struct stream_bytes *b, uint64_t end, uint64_t acked, struct flow *f,
			  enum flow_dir dir, const struct stream_sink *sink);

/* Gives the sink all that is held, holes as gaps. */
void stream_bytes_flush(struct stream_bytes *b, struct flow *f, enum flow_dir dir,
			const struct stream_sink *sink);

void stream_bytes_done(struct stream_bytes *b);

/* ---- urgent.c ---- */

struct stream_step;
struct stream_side;

/* The offset in the stream of what has this offset among the numbers. */
int64_t stream_urgent_place(const struct stream_side *d, int64_t at);

/* The packet's payload without its urgent byte, in two parts; the second may be empty. False: none
 * of it is to be taken. */
bool stream_urgent_take(struct stream_step *x, struct slice parts[2]);

/* ---- sack.c ---- */

enum { STREAM_SACKS_MAX = 64 }; /* ranges a direction; more are not counted */

struct stream_sacks {
	struct stream_sack *ranges; /* in the flow's arena; made with the first */
	uint32_t count;
};

void stream_sack_take(struct stream_step *x);		 /* the packet's, of x->to */
void stream_sack_prune(struct stream_side *d);		 /* what is acknowledged by now */
uint32_t stream_sack_bytes(const struct stream_side *d); /* held behind a hole */
bool stream_sack_outdated(const struct stream_step *x);	 /* says nothing new */

/* ---- the session ---- */

struct stream_syn { /* of a SYN or SYN/ACK that may turn out to be the one that counts */
	struct stream_syn *next;
	uint32_t seq, ack, ts;
	int64_t at_s;
	uint16_t window;
	uint8_t wscale;
	bool has_wscale, has_ts, sack_ok;
};

/* What one end has sent, and what the other end thinks of it. There are as many sessions as a
 * worker's memory holds: members of the two are in an order without holes. */
struct stream_side {
	struct stream_bytes bytes;
	struct stream_sacks sacks;
	uint32_t isn;
	uint32_t window;	   /* bytes that the other end would take */
	uint32_t ts;		   /* RFC 7323's TS.Recent of the receiver */
	enum stream_policy policy; /* of the receiver's system */
	int64_t ts_at_s;
	int64_t next;		  /* offset behind the last byte seen */
	int64_t acked;		  /* offset up to which the other end has it */
	int64_t edge;		  /* offset up to which the other end would have it */
	struct stream_cuts *cuts; /* urgent bytes that were taken out; NULL: none */
	uint8_t wscale;
	bool has_ts, zero_ts; /* the SYN had a time stamp; it was 0 */
	bool reset;	      /* this end was told that the other one is gone */
	bool keep_alive;
	bool gap; /* a part of it was never seen */
	bool eof;
};

struct stream_session {
	struct stream_side side[2]; /* by the direction it sends to */
	struct stream_syn *syns;    /* SYNs, then SYN/ACKs, that differ */
	uint64_t took_at;	    /* where the payload that was taken begins */
	uint32_t took_len;
	uint32_t took_from;		 /* its offset in the packet's payload */
	enum stream_state state, before; /* before: the state before the last change */
	uint8_t syn_count;
	bool timestamps; /* both ends use them */
	bool client_wscale, client_sack_ok, sack_ok;
	bool midstream, midstream_synack, midstream_fresh;
	bool async;
	bool fourway; /* both sent a SYN */
	bool fastopen, fastopen_refused;
	bool evasion;		 /* the third packet acknowledged what nobody sent */
	bool reset;		 /* closed by a RST */
	bool confirmed;		 /* the server has answered the handshake */
	bool probed[2];		 /* a byte past a closed window, by direction */
	bool seen[2];		 /* packets of that direction */
	bool packet_established; /* the session was, before the packet at hand */
	bool took_payload, ended;
	bool in_line;
};

/* One packet on its way through the module. */
struct stream_step {
	const struct stream_config *config;
	struct flow *f;
	struct stream_session *s;
	const struct packet *p;
	const struct stream_sink *sink;
	enum flow_dir dir;
	struct stream_side *from, *to; /* s->side of the sender and of the other end */
	struct stream_result *out;
};

static inline enum flow_dir stream_other(enum flow_dir d)
{
	return d == FLOW_TO_SERVER ? FLOW_TO_CLIENT : FLOW_TO_SERVER;
}

/* The offset that a sequence number of this end means, next to what was seen; below 0: before the
 * first byte. */
static inline int64_t stream_offset(const struct stream_side *s, uint32_t seq)
{
	return s->next + (int32_t)(seq - (s->isn + 1 + (uint32_t)s->next));
}

static inline int64_t stream_seq(const struct stream_step *x)
{
	return stream_offset(x->from, x->p->tcp.seq);
}

static inline int64_t stream_seq_end(const struct stream_step *x)
{
	return stream_seq(x) + (int64_t)x->p->payload.len;
}

static inline int64_t stream_ack(const struct stream_step *x)
{
	return stream_offset(x->to, x->p->tcp.ack);
}

static inline bool stream_has(const struct stream_step *x, uint8_t flag)
{
	return (x->p->tcp.flags & flag) != 0;
}

static inline bool stream_is_syn(const struct packet *p)
{
	return (p->tcp.flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

static inline bool stream_is_synack(const struct packet *p)
{
	return (p->tcp.flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK);
}

/* Sets an anomaly; false, so that a check can say what is wrong and give up in one line. */
static inline bool stream_odd(struct stream_step *x, enum stream_anomaly a)
{
	x->out->events.word[a / 64] |= UINT64_C(1) << a % 64;
	return false;
}

static inline void stream_mark(struct stream_step *x, enum stream_mark m)
{
	x->out->marks = (uint16_t)(x->out->marks | 1U << m);
}

/* describe.c: marks of a packet of a session, before and after it was taken. */
void stream_mark_before(struct stream_step *x);
void stream_mark_after(struct stream_step *x);

/* hosts.c */
unsigned stream_syns_max(const struct stream_config *c);
unsigned stream_synacks_max(const struct stream_config *c);

/* check.c */
bool stream_check_timestamp(struct stream_step *x);
void stream_take_timestamp(struct stream_step *x);
bool stream_check_ack(struct stream_step *x);
bool stream_check_reset(struct stream_step *x);
bool stream_retransmitted(struct stream_step *x);
bool stream_is_keep_alive(struct stream_step *x);
bool stream_is_keep_alive_ack(struct stream_step *x);
bool stream_is_probe_ack(const struct stream_step *x);
bool stream_is_window_update(const struct stream_step *x);
bool stream_is_last_ack(const struct stream_step *x);
bool stream_is_bad_window_update(struct stream_step *x);
bool stream_is_outdated_ack(const struct stream_step *x);
bool stream_in_window(const struct stream_step *x); /* or no window is believed */

/* handshake.c, close.c: one packet in a state. False: it is not one that the receiver would take.
 */
bool stream_on_none(struct stream_step *x);
bool stream_on_syn_sent(struct stream_step *x);
bool stream_on_syn_recv(struct stream_step *x);
bool stream_on_fin(struct stream_step *x); /* the first, in syn_recv or established */
bool stream_on_fin_wait1(struct stream_step *x);
bool stream_on_fin_wait2(struct stream_step *x);
bool stream_on_closing(struct stream_step *x);
bool stream_on_close_wait(struct stream_step *x);
bool stream_on_last_ack(struct stream_step *x);
bool stream_on_time_wait(struct stream_step *x);
bool stream_on_reset(struct stream_step *x); /* in any state behind the handshake */

/* stream.c, for them */
void stream_state_set(struct stream_step *x, enum stream_state state);
void stream_next_set(struct stream_step *x, struct stream_side *d, int64_t next);
void stream_acked_raise(struct stream_side *d, int64_t acked);
void stream_window_set(struct stream_step *x); /* of x->to, from the packet */
void stream_edge_raise(struct stream_step *x); /* of x->to */
bool stream_take(struct stream_step *x);       /* acknowledgement and payload, to the readers */

#endif
