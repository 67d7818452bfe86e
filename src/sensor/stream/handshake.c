/* SPDX-License-Identifier: Apache-2.0
 *
 * From nothing to an established session.
 *
 *   none      SYN                                   -> syn_sent     on_none
 *   none      SYN/ACK, if picked up midstream       -> syn_recv     on_none
 *   none      data or ACK, if picked up midstream   -> established  on_none
 *   syn_sent  SYN/ACK that acknowledges a SYN seen  -> syn_recv     on_syn_sent
 *   syn_sent  SYN of the other end (simultaneous)   -> syn_sent     on_syn_sent
 *   syn_sent  ACK of the opener, if one-sided       -> established  on_syn_sent
 *   syn_recv  ACK, or data of the answerer          -> established  on_syn_recv
 *   syn_*     valid RST                             -> closed       stream_reset
 */
#include "sensor/decode/decode.h"
#include "sensor/stream/stream_priv.h"

static bool is_syn(const struct packet *p)
{
	return (p->tcp.flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

static bool is_synack(const struct packet *p)
{
	return (p->tcp.flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK);
}

static void side_init(struct stream_side *d, const struct stream_limits *limits, struct flow *f)
{
	enum { DEPTH = 1 << 20, HELD = 2 << 20 };

	d->fin = STREAM_NEVER;
	d->bytes.depth = limits->depth ? limits->depth : DEPTH;
	d->bytes.store = (struct stream_store){
		.pool = limits->pool,
		.nodes = &f->arena,
		.most = limits->held_max ? limits->held_max : HELD,
	};
}

/* x->s, x->from and x->to; false if the budget is spent. */
static bool session_new(struct stream_step *x)
{
	struct stream_session *s = ARENA_NEW(&x->f->arena, struct stream_session);

	if (s == NULL)
		return false;
	side_init(&s->side[FLOW_TO_SERVER], x->limits, x->f);
	side_init(&s->side[FLOW_TO_CLIENT], x->limits, x->f);
	s->opener = x->dir;
	x->f->stream = x->s = s;
	x->from = &s->side[x->dir];
	x->to = &s->side[stream_other(x->dir)];
	return true;
}

static struct stream_syn syn_of(const struct packet *p)
{
	return (struct stream_syn){.isn = p->tcp.seq,
				   .window = p->tcp.window,
				   .ts = p->tcp.ts_val,
				   .wscale = p->tcp.wscale,
				   .has_wscale = p->tcp.has_wscale,
				   .has_ts = p->tcp.has_ts};
}

/* The numbers of a SYN as the opener's. */
static void syn_adopt(struct stream_step *x, struct stream_side *d, const struct stream_syn *syn,
		      struct stream_side *other)
{
	d->isn = syn->isn;
	d->seen = true;
	d->wscale = syn->wscale;
	d->has_wscale = syn->has_wscale;
	d->has_ts = syn->has_ts;
	d->ts = syn->ts;
	d->ts_at = x->p->at;
	other->edge = syn->window; /* a SYN's window is never scaled, RFC 7323 2.2 */
	other->edge_known = true;
}

/* Data on a SYN (RFC 7413) is kept until the SYN/ACK says whether it was taken. */
static void syn_data(struct stream_step *x)
{
	struct stream_side *d = x->from;

	if (x->p->payload.len == 0 || d->next != 0)
		return;
	x->s->took_payload =
		stream_bytes_add(&d->bytes, 0, x->p->payload, &x->anomalies) == STREAM_TAKEN;
	d->next = x->p->payload.len;
}

static void syn_data_refused(struct stream_side *d)
{
	stream_bytes_done(&d->bytes);
	d->next = 0;
}

static bool pick_up(struct stream_step *x)
{
	const struct packet *p = x->p;

	if ((!x->limits->midstream && !x->limits->async) || !session_new(x))
		return false;
	x->s->midstream = true;
	x->s->async = x->limits->async;
	x->from->isn = is_synack(p) ? p->tcp.seq : p->tcp.seq - 1;
	x->from->seen = true;
	x->to->isn = p->tcp.ack - 1;
	x->to->seen = (p->tcp.flags & TCP_ACK) != 0;
	if (!is_synack(p)) {
		stream_established(x);
		return true;
	}
	x->s->opener = stream_other(x->dir);
	x->s->state = STREAM_SYN_RECV;
	stream_learn(x);
	return false;
}

static bool on_none(struct stream_step *x)
{
	const struct packet *p = x->p;
	struct stream_syn syn = syn_of(p);

	if ((p->tcp.flags & TCP_RST) != 0) {
		x->anomalies |= STREAM_BIT(RST_BUT_NO_SESSION);
		return false;
	}
	if (is_syn(p)) {
		if ((p->tcp.flags & TCP_FIN) != 0)
			x->anomalies |= STREAM_BIT(FIN_SYN);
		if (!session_new(x))
			return false;
		x->s->state = STREAM_SYN_SENT;
		x->s->syns[x->s->syn_count++] = syn;
		syn_adopt(x, x->from, &syn, x->to);
		syn_data(x);
		return false;
	}
	if ((p->tcp.flags & TCP_FIN) != 0) {
		x->anomalies |= STREAM_BIT(FIN_BUT_NO_SESSION);
		return false;
	}
	return pick_up(x);
}

/* Another SYN before an answer: a repetition, a new try, a flood, or somebody else's. Which of them
 * counts, the SYN/ACK will say. */
static void syn_again(struct stream_step *x)
{
	struct stream_session *s = x->s;

	for (unsigned i = 0; i < s->syn_count; i++)
		if (s->syns[i].isn == x->p->tcp.seq)
			return;
	if (s->syn_count == STREAM_SYNS_MAX) {
		x->anomalies |= STREAM_BIT(SYN_FLOOD);
		return;
	}
	s->syns[s->syn_count++] = syn_of(x->p);
}

/* Finds the SYN that this SYN/ACK answers, and makes it the opener's. */
static bool synack_answers(struct stream_step *x)
{
	struct stream_session *s = x->s;
	struct stream_side *opener = &s->side[s->opener];
	uint32_t ack = x->p->tcp.ack;

	if (ack - (opener->isn + 1) <= opener->next) { /* some or none of a SYN's data */
		if (ack - (opener->isn + 1) < opener->next)
			syn_data_refused(opener);
		return true;
	}
	for (unsigned i = 0; i < s->syn_count; i++)
		if (ack == s->syns[i].isn + 1) {
			syn_data_refused(opener);
			syn_adopt(x, opener, &s->syns[i], &s->side[stream_other(s->opener)]);
			return true;
		}
	return false;
}

static void synack(struct stream_step *x)
{
	struct stream_syn syn = syn_of(x->p);
	struct stream_side *opener = x->to;
	uint64_t taken;

	if (!synack_answers(x)) {
		x->anomalies |= x->s->fourway ? STREAM_BIT(FOURWAY_SYNACK_WITH_WRONG_ACK)
					      : STREAM_BIT(SYNACK_WITH_WRONG_ACK);
		return;
	}
	taken = x->p->tcp.ack - (opener->isn + 1);
	syn_adopt(x, x->from, &syn, opener);
	opener->edge += taken;
	x->s->state = STREAM_SYN_RECV;
	stream_acknowledge(x, taken);
	syn_data(x);
}

static bool on_syn_sent(struct stream_step *x)
{
	struct stream_session *s = x->s;
	const struct packet *p = x->p;
	bool opener = x->dir == s->opener;
	struct stream_syn syn = syn_of(p);

	if ((p->tcp.flags & TCP_RST) != 0) {
		(void)stream_reset(x); /* says itself what was wrong */
		return false;
	}
	if (is_synack(p) && (!opener || s->fourway)) {
		if (opener) { /* simultaneous open: both answer */
			s->opener = stream_other(s->opener);
			s->syn_count = 0;
		}
		synack(x);
		return false;
	}
	if (is_synack(p)) {
		x->anomalies |= STREAM_BIT(SYNACK_IN_WRONG_DIRECTION);
		return false;
	}
	if (is_syn(p) && opener) {
		syn_again(x);
		return false;
	}
	if (is_syn(p)) {
		if (!x->from->seen)
			syn_adopt(x, x->from, &syn, x->to);
		s->fourway = true;
		return false;
	}
	if (opener && x->limits->async && (p->tcp.flags & TCP_ACK) != 0) {
		s->async = true;
		x->to->isn = p->tcp.ack - 1;
		x->to->seen = true;
		x->to->edge_known = x->from->edge_known = false;
		stream_established(x);
		return true;
	}
	return false;
}

/* SYN and SYN/ACK again: what they say now is ignored, that they differ is said. */
static void handshake_again(struct stream_step *x)
{
	const struct packet *p = x->p;
	bool opener = x->dir == x->s->opener;

	if (is_synack(p)) {
		if (opener)
			x->anomalies |= STREAM_BIT(SYNACK_TOSERVER_ON_SYN_RECV);
		else if (p->tcp.seq != x->from->isn)
			x->anomalies |= STREAM_BIT(SYNACK_RESEND_WITH_DIFF_SEQ);
		else if (stream_offset(x->to, p->tcp.ack) != (int64_t)x->to->acked)
			x->anomalies |= STREAM_BIT(SYNACK_RESEND_WITH_DIFFERENT_ACK);
	} else if (!opener) {
		x->anomalies |= STREAM_BIT(SYN_TOCLIENT_ON_SYN_RECV);
	} else if (p->tcp.seq != x->from->isn) {
		x->anomalies |= STREAM_BIT(SYN_RESEND_DIFF_SEQ_ON_SYN_RECV);
	}
}

static bool on_syn_recv(struct stream_step *x)
{
	const struct packet *p = x->p;
	int64_t seq = stream_offset(x->from, p->tcp.seq), ack = stream_offset(x->to, p->tcp.ack);

	if ((p->tcp.flags & TCP_RST) != 0) {
		(void)stream_reset(x); /* says itself what was wrong */
		return false;
	}
	if ((p->tcp.flags & TCP_SYN) != 0) {
		if (x->s->fourway && is_synack(p) && p->tcp.seq == x->from->isn && ack == 0)
			stream_established(x); /* the second answer of a simultaneous open */
		else
			handshake_again(x);
		return false;
	}
	if ((p->tcp.flags & TCP_ACK) == 0)
		return false;
	if (x->s->midstream && !x->from->edge_known) { /* the opener's first packet */
		stream_established(x);
		return true;
	}
	if (ack < 0 ||
	    ack > (int64_t)x->to->next) { /* nothing but the SYN/ACK can be acknowledged */
		x->anomalies |= seq == 0 ? STREAM_BIT(RIGHT_SEQ_WRONG_ACK)
					 : STREAM_BIT(WRONG_SEQ_WRONG_ACK);
		return false;
	}
	stream_established(x);
	return true;
}

bool stream_handshake(struct stream_step *x)
{
	if (x->s == NULL)
		return on_none(x);
	return x->s->state == STREAM_SYN_SENT ? on_syn_sent(x) : on_syn_recv(x);
}
