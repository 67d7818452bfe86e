/* SPDX-License-Identifier: Apache-2.0
 *
 * The session, as somebody between the two ends sees it (RFC 9293 3.10, passive).
 *
 * 1. Offsets, not sequence numbers: they are turned into each other in stream_offset() only.
 * 2. released <= acked for as long as the session lives, but at its end all is released.
 * 3. eof comes once a direction, after its last byte, and nothing comes after it.
 * 4. What a receiver would drop (out of window, invalid acknowledgement or time stamp) changes
 *    nothing but anomalies.
 *
 * States behind the handshake (closer: who sent the first FIN):
 *   established  FIN, in window                    -> fin_wait    take_fin
 *   fin_wait     both FINs acknowledged            -> closed      close_if_done
 *   any          valid RST                         -> closed      stream_reset
 */
#include "sensor/stream/stream.h"

#include "sensor/decode/decode.h"
#include "sensor/stream/stream_priv.h"

enum {
	TS_OLD_S = 24 * 86400,	   /* RFC 7323 5.5: then TS.Recent no longer holds */
	ACK_UNKNOWN_MAX = 1 << 30, /* bytes an ACK may be ahead if no window is known */
};

const char *const stream_anomalies[] = {
#define X(id, name) [STREAM_##id] = name,
	STREAM_ANOMALIES(X)
#undef X
		NULL};

/* What an anomaly is called depends on how far the close has come, as in Suricata. */
enum closing { OPEN, CLOSE_WAIT, LAST_ACK, FIN_WAIT1, FIN_WAIT2, CLOSING, TIME_WAIT, CLOSINGS };

static enum closing closing_of(const struct stream_session *s)
{
	const struct stream_side *first = &s->side[s->closer];
	const struct stream_side *second = &s->side[stream_other(s->closer)];

	if (s->state != STREAM_FIN_WAIT && s->state != STREAM_CLOSED)
		return OPEN;
	if (s->closer == FLOW_TO_SERVER)
		return second->fin == STREAM_NEVER ? CLOSE_WAIT : LAST_ACK;
	if (second->fin == STREAM_NEVER)
		return first->fin_acked ? FIN_WAIT2 : FIN_WAIT1;
	return first->fin_acked ? TIME_WAIT : CLOSING;
}

static const uint64_t invalid_ack[CLOSINGS] = {
	[OPEN] = STREAM_BIT(EST_INVALID_ACK),
	[CLOSE_WAIT] = STREAM_BIT(CLOSEWAIT_INVALID_ACK),
	[LAST_ACK] = STREAM_BIT(LASTACK_INVALID_ACK),
	[FIN_WAIT1] = STREAM_BIT(FIN1_INVALID_ACK),
	[FIN_WAIT2] = STREAM_BIT(FIN2_INVALID_ACK),
	[CLOSING] = STREAM_BIT(CLOSING_INVALID_ACK),
	[TIME_WAIT] = STREAM_BIT(TIMEWAIT_INVALID_ACK),
};

static const uint64_t wrong_seq[CLOSINGS] = {
	[OPEN] = STREAM_BIT(EST_PACKET_OUT_OF_WINDOW),
	[CLOSE_WAIT] = STREAM_BIT(CLOSEWAIT_OUT_OF_WINDOW),
	[LAST_ACK] = STREAM_BIT(LASTACK_WRONG_SEQ),
	[FIN_WAIT1] = STREAM_BIT(FIN1_WRONG_SEQ),
	[FIN_WAIT2] = STREAM_BIT(FIN2_WRONG_SEQ),
	[CLOSING] = STREAM_BIT(CLOSING_WRONG_SEQ),
	[TIME_WAIT] = STREAM_BIT(TIMEWAIT_WRONG_SEQ),
};

/* ---- what the ends tell each other ---- */

static void window_of(struct stream_step *x, bool syn)
{
	bool scaled = !syn && x->from->has_wscale && x->to->has_wscale;
	uint64_t window = (uint64_t)x->p->tcp.window << (scaled ? x->from->wscale : 0);
	uint64_t edge = x->to->acked + window;

	if (edge > x->to->edge || !x->to->edge_known)
		x->to->edge = edge;
	/* Without the SYNs the scale is a guess: then no window is believed. */
	x->to->edge_known = !x->s->midstream && !x->s->async;
}

void stream_learn(struct stream_step *x)
{
	const struct packet_tcp *t = &x->p->tcp;

	x->from->wscale = t->wscale;
	x->from->has_wscale = t->has_wscale;
	x->from->has_ts = t->has_ts;
	x->from->ts = t->ts_val;
	x->from->ts_at = x->p->at;
	window_of(x, true);
}

static void eof(struct stream_step *x, enum flow_dir dir)
{
	struct stream_side *d = &x->s->side[dir];

	if (d->eof)
		return;
	d->eof = true;
	x->sink->eof(x->sink->ctx, x->f, dir);
}

/* The sender of the packet has all of the other end's bytes before offset `end`. */
void stream_acknowledge(struct stream_step *x, uint64_t end)
{
	struct stream_side *d = x->to;
	enum flow_dir dir = stream_other(x->dir);

	if (d->fin != STREAM_NEVER && end > d->fin) {
		d->fin_acked = true;
		end = d->fin;
	}
	if (end > d->acked)
		d->acked = end;
	if (d->acked > d->next)
		d->next = d->acked; /* bytes that we have not seen: a gap */
	if (x->s->state >= STREAM_ESTABLISHED)
		stream_bytes_release(&d->bytes, d->acked, x->f, dir, x->sink, &x->anomalies);
	if (d->fin_acked)
		eof(x, dir);
}

void stream_established(struct stream_step *x)
{
	x->s->state = STREAM_ESTABLISHED;
	x->f->state = FLOW_ESTABLISHED;
}

/* Everything that is held, then eof, in both directions. */
static void finish(struct stream_step *x)
{
	for (enum flow_dir dir = FLOW_TO_SERVER; dir <= FLOW_TO_CLIENT; dir++) {
		if (x->s->state >= STREAM_ESTABLISHED && !x->s->side[dir].eof)
			stream_bytes_flush(&x->s->side[dir].bytes, x->f, dir, x->sink,
					   &x->anomalies);
		eof(x, dir);
	}
}

/* ---- closing ---- */

/* RFC 9293 3.10.7.3 and RFC 5961 3: the number must be what the receiver waits for. We know it
 * only as between what it has acknowledged and what was sent. */
bool stream_reset(struct stream_step *x)
{
	const struct packet_tcp *t = &x->p->tcp;
	bool syn_sent = x->s->state == STREAM_SYN_SENT;
	bool answer = syn_sent && x->dir != x->s->opener;
	int64_t seq = x->from->seen ? stream_offset(x->from, t->seq) : 0;
	int64_t ack = stream_offset(x->to, t->ack);

	if (answer ? (t->flags & TCP_ACK) == 0 || ack < 0 || ack > (int64_t)x->to->next
		   : (t->flags & TCP_ACK) != 0 && !syn_sent && x->to->seen && t->ack != 0 &&
			     ack > (int64_t)x->to->next + 1) {
		x->anomalies |= STREAM_BIT(RST_INVALID_ACK);
		return false;
	}
	if (!answer && (seq < (int64_t)x->from->acked || seq > (int64_t)x->from->next + 1))
		return false; /* the receiver ignores it, and so do we */
	finish(x);
	x->s->closer = x->dir;
	x->s->reset = true;
	x->s->rst_seq = t->seq;
	x->s->state = STREAM_CLOSED;
	x->f->state = FLOW_CLOSED;
	return true;
}

static void close_if_done(struct stream_step *x)
{
	enum closing c = closing_of(x->s);

	if (x->s->side[0].fin_acked && x->s->side[1].fin_acked) {
		finish(x);
		x->s->state = STREAM_CLOSED;
	}
	if (c == LAST_ACK || c == TIME_WAIT || x->s->state == STREAM_CLOSED)
		x->f->state = FLOW_CLOSED;
}

static void take_fin(struct stream_step *x, uint64_t at)
{
	if (x->from->fin != STREAM_NEVER)
		return;		  /* again, or another one: the first holds */
	if (at < x->from->next) { /* bytes behind it were already seen */
		x->anomalies |= STREAM_BIT(FIN_OUT_OF_WINDOW);
		return;
	}
	x->from->fin = at;
	if (x->s->state != STREAM_FIN_WAIT) {
		x->s->closer = x->dir;
		x->s->state = STREAM_FIN_WAIT;
	}
}

/* ---- the established session ---- */

static void syn_late(struct stream_step *x)
{
	const struct packet_tcp *t = &x->p->tcp;
	bool opener = x->dir == x->s->opener;

	if (x->s->state == STREAM_FIN_WAIT) {
		x->anomalies |= STREAM_BIT(SHUTDOWN_SYN_RESEND);
		return;
	}
	if ((t->flags & TCP_ACK) != 0) {
		if (opener)
			x->anomalies |= STREAM_BIT(EST_SYNACK_TOSERVER);
		else if (t->seq != x->from->isn)
			x->anomalies |= STREAM_BIT(EST_SYNACK_RESEND_WITH_DIFF_SEQ);
		else if (stream_offset(x->to, t->ack) > (int64_t)x->to->next)
			x->anomalies |= STREAM_BIT(EST_SYNACK_RESEND_WITH_DIFFERENT_ACK);
		else
			x->anomalies |= STREAM_BIT(EST_SYNACK_RESEND);
	} else if (!opener) {
		x->anomalies |= STREAM_BIT(EST_SYN_TOCLIENT);
	} else {
		x->anomalies |= t->seq == x->from->isn ? STREAM_BIT(EST_SYN_RESEND)
						       : STREAM_BIT(EST_SYN_RESEND_DIFF_SEQ);
	}
}

/* Protection against wrapped sequences, RFC 7323 5.3. */
static bool timestamp_right(struct stream_step *x, int64_t seq)
{
	const struct packet_tcp *t = &x->p->tcp;
	struct stream_side *d = x->from;
	bool old = x->p->at.ns - d->ts_at.ns > TS_OLD_S * TIME_NS_PER_S;

	if (!t->has_ts || !d->has_ts || !x->to->has_ts)
		return true;
	if ((int32_t)(t->ts_val - d->ts) < 0 && !old) {
		x->anomalies |= STREAM_BIT(PKT_INVALID_TIMESTAMP);
		return false;
	}
	if (seq <= (int64_t)d->acked) {
		d->ts = t->ts_val;
		d->ts_at = x->p->at;
	}
	return true;
}

/* RFC 9293 3.4: some of it must lie in the window. A byte past it is a probe. */
static bool in_window(struct stream_step *x, int64_t seq)
{
	struct stream_side *d = x->from;
	int64_t end = seq + (int64_t)x->p->payload.len;

	if (seq < -(int64_t)ACK_UNKNOWN_MAX || end < (int64_t)d->acked - ACK_UNKNOWN_MAX) {
		x->anomalies |= STREAM_BIT(EST_PKT_BEFORE_LAST_ACK);
		return false;
	}
	if ((d->edge_known && end > (int64_t)d->edge + 1 && end > (int64_t)d->next) ||
	    (d->fin != STREAM_NEVER && end > (int64_t)d->fin && x->p->payload.len > 0) ||
	    (seq > (int64_t)d->next + ACK_UNKNOWN_MAX)) {
		x->anomalies |= wrong_seq[closing_of(x->s)];
		if ((x->p->tcp.flags & TCP_FIN) != 0)
			x->anomalies |= STREAM_BIT(FIN_OUT_OF_WINDOW);
		return false;
	}
	return true;
}

/* An acknowledgement of what was never sent, nor could have been, ends the packet (RFC 5961 5). */
static bool ack_right(struct stream_step *x, int64_t ack)
{
	const struct stream_side *d = x->to;
	int64_t most = (int64_t)d->next + (d->fin != STREAM_NEVER ? 1 : 0);

	if (!d->edge_known)
		most += ACK_UNKNOWN_MAX;
	else if ((int64_t)d->edge + 1 > most)
		most = (int64_t)d->edge + 1;
	if (ack <= most && ack >= (int64_t)d->acked - ACK_UNKNOWN_MAX)
		return true;
	x->anomalies |= invalid_ack[closing_of(x->s)] | STREAM_BIT(PKT_INVALID_ACK);
	if ((x->p->tcp.flags & TCP_FIN) != 0)
		x->anomalies |= STREAM_BIT(FIN_INVALID_ACK);
	return false;
}

/* RFC 9293 3.8.4: one byte (or none) before what is next, to hear whether the other end lives. */
static bool keep_alive(const struct stream_step *x, int64_t seq)
{
	return x->p->payload.len <= 1 && (x->p->tcp.flags & (TCP_FIN | TCP_SYN | TCP_RST)) == 0 &&
	       seq + 1 == (int64_t)x->from->next && seq + 1 == (int64_t)x->from->acked;
}

static void take_payload(struct stream_step *x, int64_t seq)
{
	struct slice payload = x->p->payload;
	uint64_t end;

	if (keep_alive(x, seq)) {
		x->s->took_payload = true;
		return;
	}
	if (seq < 0) { /* begins before the first byte */
		x->anomalies |= STREAM_BIT(SEGMENT_BEFORE_BASE_SEQ);
		payload = slice_from(payload, (size_t)-seq);
		seq = 0;
	}
	end = (uint64_t)seq + payload.len;
	if (payload.len > 0)
		x->s->took_payload = stream_bytes_add(&x->from->bytes, (uint64_t)seq, payload,
						      &x->anomalies) == STREAM_TAKEN;
	if (end > x->from->next)
		x->from->next = end;
}

static void on_established(struct stream_step *x)
{
	const struct packet_tcp *t = &x->p->tcp;
	int64_t seq, ack;

	if (!x->from->seen) { /* the other end of a session that was picked up */
		x->from->isn = t->seq - 1;
		x->from->seen = true;
	}
	seq = stream_offset(x->from, t->seq);
	if ((t->flags & TCP_RST) != 0) {
		(void)stream_reset(x); /* says itself what was wrong */
		return;
	}
	if ((t->flags & TCP_SYN) != 0) {
		syn_late(x);
		return;
	}
	if ((t->flags & TCP_ACK) == 0) {
		if (t->ack != 0)
			x->anomalies |= STREAM_BIT(PKT_BROKEN_ACK);
		return; /* RFC 9293 3.10.7.4, fifth: dropped */
	}
	if (!x->to->seen) {
		x->to->isn = t->ack - 1;
		x->to->seen = true;
	}
	ack = stream_offset(x->to, t->ack);
	if (!timestamp_right(x, seq) || !in_window(x, seq) || !ack_right(x, ack))
		return;
	if (ack > 0)
		stream_acknowledge(x, (uint64_t)ack);
	window_of(x, false);
	take_payload(x, seq);
	if ((t->flags & TCP_FIN) != 0 && seq + (int64_t)x->p->payload.len >= 0)
		take_fin(x, (uint64_t)(seq + (int64_t)x->p->payload.len));
	if (x->s->state == STREAM_FIN_WAIT)
		close_if_done(x);
}

/* Closed: nothing is taken. Data that goes on behind a RST says that the RST was not the sender's.
 */
static void on_closed(struct stream_step *x)
{
	if (x->s->reset && x->dir == x->s->closer && x->p->payload.len > 0 &&
	    x->p->tcp.seq == x->s->rst_seq)
		x->anomalies |= STREAM_BIT(SUSPECTED_RST_INJECT);
}

/* ---- the module's functions ---- */

uint64_t stream_packet(const struct stream_limits *limits, struct flow *f, const struct packet *p,
		       enum flow_dir dir, const struct stream_sink *sink)
{
	struct stream_step x = {
		.limits = limits, .f = f, .s = f->stream, .p = p, .sink = sink, .dir = dir};
	bool go_on = true;

	if (x.s != NULL) {
		x.s->took_payload = false;
		x.from = &x.s->side[dir];
		x.to = &x.s->side[stream_other(dir)];
	}
	if (x.s == NULL || x.s->state < STREAM_ESTABLISHED)
		go_on = stream_handshake(&x);
	if (go_on && x.s != NULL) {
		if (x.s->state == STREAM_CLOSED)
			on_closed(&x);
		else
			on_established(&x);
	}
	return x.anomalies;
}

void stream_end(struct flow *f, const struct stream_sink *sink)
{
	struct stream_step x = {.f = f, .s = f->stream, .sink = sink};

	if (x.s == NULL || x.s->ended)
		return;
	finish(&x);
	x.s->ended = true;
	stream_bytes_done(&x.s->side[0].bytes);
	stream_bytes_done(&x.s->side[1].bytes);
}

bool stream_is_midstream(const struct flow *f, const struct packet *p)
{
	uint8_t flags = p->tcp.flags;

	return f->stream == NULL && (flags & TCP_RST) == 0 &&
	       ((flags & TCP_FIN) != 0 || (flags & TCP_ACK) != 0);
}

enum stream_state stream_state_of(const struct flow *f)
{
	return f->stream == NULL ? STREAM_NONE : f->stream->state;
}

const char *stream_state_name(const struct flow *f)
{
	static const char *const closing[CLOSINGS] = {
		[OPEN] = "established",	   [CLOSE_WAIT] = "close_wait", [LAST_ACK] = "last_ack",
		[FIN_WAIT1] = "fin_wait1", [FIN_WAIT2] = "fin_wait2",	[CLOSING] = "closing",
		[TIME_WAIT] = "time_wait",
	};

	switch (stream_state_of(f)) {
	case STREAM_NONE:
		return "none";
	case STREAM_SYN_SENT:
		return "syn_sent";
	case STREAM_SYN_RECV:
		return "syn_recv";
	case STREAM_CLOSED:
		return "closed";
	case STREAM_ESTABLISHED:
	case STREAM_FIN_WAIT:
		break;
	}
	return closing[closing_of(f->stream)];
}

bool stream_took_payload(const struct flow *f)
{
	return f->stream != NULL && f->stream->took_payload;
}

uint64_t stream_bytes(const struct flow *f, enum flow_dir dir)
{
	return f->stream == NULL ? 0 : f->stream->side[dir].next;
}

struct slice stream_window(const struct flow *f, enum flow_dir dir, uint64_t *out_offset)
{
	*out_offset = 0;
	if (f->stream == NULL)
		return (struct slice){NULL, 0};
	return stream_store_before(&f->stream->side[dir].bytes.store,
				   f->stream->side[dir].bytes.released, out_offset);
}
