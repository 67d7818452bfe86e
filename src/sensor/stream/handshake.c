/* SPDX-License-Identifier: Apache-2.0
 *
 * From nothing to an established session.
 *
 *   none      SYN                                    -> syn_sent     on_syn
 *   none      SYN/ACK, if picked up midstream        -> syn_recv     pick_up_synack
 *   none      data or ACK, if picked up midstream    -> established  pick_up
 *   none      data with FIN, if picked up midstream  -> fin_wait1    pick_up
 *   syn_sent  SYN/ACK that acknowledges a SYN seen   -> syn_recv     on_synack
 *   syn_sent  the same of a session with fast open   -> established  on_synack
 *   syn_sent  SYN of the other end (simultaneous)    -> syn_sent     syn_of_server
 *   syn_sent  SYN/ACK of the client, after that      -> syn_recv     synack_of_client
 *   syn_sent  ACK of the client, if one-sided        -> established  one_sided
 *   syn_recv  ACK                                    -> established  stream_on_syn_recv
 *   syn_*     a RST that the receiver takes          -> closed
 *
 * The client is who sent the SYN: the flow knows, and is turned around where a SYN/ACK came first.
 * SYNs (and SYN/ACKs) that differ are kept, up to a limit: which of them counts, the answer says.
 */
#include "sensor/stream/stream_priv.h"

enum { WSCALE_MOST = 14 }; /* RFC 7323 2.3 */

static void side_init(struct stream_side *d, const struct stream_step *x)
{
	const struct stream_config *c = x->config;

	d->bytes.depth = c->depth ? c->depth : STREAM_DEPTH;
	d->bytes.store = (struct stream_store){
		.pool = c->pool,
		.nodes = &x->f->arena,
		.most = c->held_max ? c->held_max : STREAM_HELD,
	};
}

/* x->s, x->from and x->to; false if the budget is spent. */
static bool session_new(struct stream_step *x)
{
	struct stream_session *s = NULL;

	if (!x->config->sessions_full)
		s = ARENA_NEW(&x->f->arena, struct stream_session);
	if (s == NULL) {
		x->out->no_session = true;
		return false;
	}
	x->f->stream = x->s = s;
	x->from = &s->side[x->dir];
	x->to = &s->side[stream_other(x->dir)];
	side_init(x->from, x);
	side_init(x->to, x);
	x->to->isn = UINT32_MAX; /* not known: a RST that answers a SYN has the number 0 */
	x->from->policy = stream_hosts_find(x->config->hosts, &x->p->dst);
	x->to->policy = stream_hosts_find(x->config->hosts, &x->p->src);
	return true;
}

/* ---- what a SYN or SYN/ACK says ---- */

static struct stream_syn syn_of(const struct packet *p)
{
	return (struct stream_syn){.seq = p->tcp.seq,
				   .ack = p->tcp.ack,
				   .ts = p->tcp.ts_val,
				   .at_s = p->at.ns / TIME_NS_PER_S,
				   .window = p->tcp.window,
				   .wscale = p->tcp.wscale,
				   .has_wscale = p->tcp.has_wscale,
				   .has_ts = p->tcp.has_ts,
				   .sack_ok = p->tcp.sack_ok};
}

static bool syn_equal(const struct stream_syn *a, const struct stream_syn *b)
{
	return a->seq == b->seq && a->ack == b->ack && a->ts == b->ts && a->window == b->window &&
	       a->wscale == b->wscale && a->has_wscale == b->has_wscale && a->has_ts == b->has_ts &&
	       a->sack_ok == b->sack_ok;
}

/* Keeps it, unless it is known. False: there is no more room. */
static bool syn_keep(struct stream_step *x, const struct stream_syn *syn, unsigned most)
{
	struct stream_syn *k;

	for (k = x->s->syns; k != NULL; k = k->next)
		if (syn_equal(k, syn))
			return true;
	if (x->s->syn_count >= most)
		return false;
	k = ARENA_NEW(&x->f->arena, struct stream_syn);
	if (k == NULL)
		return false;
	*k = *syn;
	k->next = x->s->syns;
	x->s->syns = k;
	x->s->syn_count++;
	return true;
}

static void syns_forget(struct stream_step *x)
{
	x->s->syns = NULL; /* in the flow's arena */
	x->s->syn_count = 0;
}

static void number(struct stream_side *d, uint32_t isn)
{
	d->isn = isn;
	d->next = 0;
}

static void ts_of(struct stream_side *d, const struct stream_syn *syn)
{
	d->ts = syn->ts;
	d->ts_at_s = syn->at_s;
	d->zero_ts = syn->ts == 0;
}

/* The numbers of a SYN as the client's. */
static void syn_apply(struct stream_step *x, const struct stream_syn *syn)
{
	struct stream_side *client = &x->s->side[FLOW_TO_SERVER];
	struct stream_side *server = &x->s->side[FLOW_TO_CLIENT];

	if (client->isn != syn->seq)
		number(client, syn->seq);
	if (syn->has_ts) {
		ts_of(client, syn);
		client->has_ts = true;
	}
	server->window = syn->window; /* a SYN's window is never scaled, RFC 7323 2.2 */
	x->s->client_wscale = syn->has_wscale;
	server->wscale = syn->has_wscale ? syn->wscale : 0;
	x->s->client_sack_ok = syn->sack_ok;
}

/* What syn_apply() made of the SYN before. */
static struct stream_syn syn_applied(const struct stream_session *s)
{
	const struct stream_side *client = &s->side[FLOW_TO_SERVER];
	const struct stream_side *server = &s->side[FLOW_TO_CLIENT];

	return (struct stream_syn){.seq = client->isn,
				   .ts = client->has_ts ? client->ts : 0,
				   .at_s = client->ts_at_s,
				   .window = (uint16_t)server->window,
				   .wscale = server->wscale,
				   .has_wscale = s->client_wscale,
				   .has_ts = client->has_ts,
				   .sack_ok = s->client_sack_ok};
}

/* ---- none ---- */

static bool on_syn(struct stream_step *x)
{
	struct stream_syn syn = syn_of(x->p);

	if (!session_new(x))
		return false;
	stream_state_set(x, STREAM_SYN_SENT);
	x->s->async = x->config->async;
	x->from->isn = syn.seq;
	syn_apply(x, &syn);
	x->s->fastopen = x->p->tcp.has_fastopen;
	if (!x->s->fastopen || x->p->payload.len == 0)
		return true;
	stream_next_set(x, x->from, (int64_t)x->p->payload.len);
	return stream_take(x);
}

/* Of a session that is picked up, both ends' time stamps are known from one packet. */
static void pick_up_timestamps(struct stream_step *x)
{
	const struct packet_tcp *t = &x->p->tcp;

	if (!t->has_ts)
		return;
	x->from->ts = t->ts_val;
	x->from->ts_at_s = x->p->at.ns / TIME_NS_PER_S;
	x->from->zero_ts = t->ts_val == 0;
	x->to->ts = t->ts_ecr;
	x->to->zero_ts = t->ts_ecr == 0;
	x->s->timestamps = true;
}

/* May a session be picked up at this packet? */
static bool pick_up_new(struct stream_step *x, bool allowed)
{
	x->out->midstream = true;
	if (!allowed || x->config->midstream_refused || !session_new(x))
		return false;
	x->out->picked_up = true;
	x->s->midstream = true;
	x->s->async = x->config->async;
	return true;
}

static bool pick_up_synack(struct stream_step *x)
{
	if (!pick_up_new(x, x->config->midstream || x->config->async))
		return !x->out->no_session;
	stream_state_set(x, STREAM_SYN_RECV);
	x->s->midstream_synack = true;
	number(x->from, x->p->tcp.seq);
	number(x->to, x->p->tcp.ack - 1);
	x->from->acked = -1;
	x->from->window = x->p->tcp.window;
	x->from->edge = x->from->acked + (int64_t)x->from->window;
	if (x->p->tcp.has_wscale) {
		x->to->wscale = x->p->tcp.wscale;
		x->from->wscale = WSCALE_MOST;
	}
	pick_up_timestamps(x);
	x->s->sack_ok = x->p->tcp.sack_ok;
	return true;
}

static bool pick_up(struct stream_step *x)
{
	bool fin = stream_has(x, TCP_FIN);

	if (!pick_up_new(x, x->config->midstream && (!fin || x->p->payload.len != 0))) {
		if (fin)
			return stream_odd(x, STREAM_FIN_BUT_NO_SESSION);
		return !x->out->no_session;
	}
	stream_state_set(x, fin ? STREAM_FIN_WAIT1 : STREAM_ESTABLISHED);
	x->s->midstream_fresh = true;
	/* the scale was said in a handshake that nobody saw: the most it can be */
	x->from->wscale = x->to->wscale = WSCALE_MOST;
	number(x->from, x->p->tcp.seq - 1);
	number(x->to, x->p->tcp.ack - 1);
	x->from->next = (int64_t)x->p->payload.len + fin;
	x->from->window = (uint32_t)x->p->tcp.window << WSCALE_MOST;
	x->from->edge = (int64_t)x->from->window;
	pick_up_timestamps(x);
	x->s->sack_ok = true;
	return stream_take(x);
}

bool stream_on_none(struct stream_step *x)
{
	if (stream_has(x, TCP_RST))
		return stream_odd(x, STREAM_RST_BUT_NO_SESSION);
	if (stream_has(x, TCP_FIN))
		return pick_up(x);
	if (stream_is_synack(x->p))
		return pick_up_synack(x);
	if (stream_is_syn(x->p))
		return on_syn(x);
	return !stream_has(x, TCP_ACK) || pick_up(x);
}

/* ---- syn_sent ---- */

/* Does a packet of the server echo a time stamp that the client sent? */
static bool echo_right(const struct stream_step *x)
{
	const struct packet_tcp *t = &x->p->tcp;
	const struct stream_side *client = &x->s->side[FLOW_TO_SERVER];

	if (x->dir == FLOW_TO_SERVER || !t->has_ts || t->ts_ecr == 0)
		return true;
	return client->has_ts ? client->ts == 0 || t->ts_ecr == client->ts : client->ts != 0;
}

/* The session as the SYN/ACK has it: the packet's, or one that was kept. */
static void synack_apply(struct stream_step *x, const struct stream_syn *q)
{
	struct stream_session *s = x->s;
	struct stream_side *client = &s->side[FLOW_TO_SERVER];
	struct stream_side *server = &s->side[FLOW_TO_CLIENT];

	if (s->state != STREAM_SYN_RECV)
		stream_state_set(x, STREAM_SYN_RECV);
	number(server, q->seq);
	client->window = q->window;
	if (q->has_ts && client->has_ts) {
		ts_of(server, q);
		s->timestamps = true;
	} else {
		client->ts = server->ts = 0;
		client->zero_ts = false;
	}
	client->acked = stream_offset(client, q->ack);
	server->acked = 0;
	client->wscale = s->client_wscale && q->has_wscale ? q->wscale : 0;
	s->sack_ok = s->client_sack_ok && q->sack_ok;
	server->edge = server->acked + (int64_t)server->window;
	client->edge = client->acked + (int64_t)client->window;
	s->fourway = false;
}

/* Of the SYNs that were kept, the one whose number, or whose time stamp, is acknowledged. */
static const struct stream_syn *syn_answered(const struct stream_step *x, bool by_number)
{
	const struct packet_tcp *t = &x->p->tcp;

	for (const struct stream_syn *k = x->s->syns; k != NULL; k = k->next)
		if (by_number ? t->ack == k->seq + 1
			      : k->has_ts == t->has_ts && k->ts == (t->has_ts ? t->ts_ecr : 0))
			return k;
	return NULL;
}

/* Data of the SYN that the server has not taken comes again. */
static void fastopen_refused(struct stream_step *x)
{
	struct stream_side *client = &x->s->side[FLOW_TO_SERVER];

	(void)stream_odd(x, STREAM_TFO_DATA_IGNORED);
	x->s->fastopen_refused = true;
	stream_bytes_done(&client->bytes);
	side_init(client, x);
	client->next = 0;
}

static bool on_synack(struct stream_step *x)
{
	struct stream_side *client = &x->s->side[FLOW_TO_SERVER];
	struct stream_syn synack = syn_of(x->p);
	const struct stream_syn *kept;
	int64_t ack = stream_ack(x);

	if (x->p->tcp.has_fastopen || x->s->fastopen) {
		if (ack != client->next && ack != 0)
			return stream_odd(x, STREAM_SYNACK_WITH_WRONG_ACK);
		if (ack != client->next)
			fastopen_refused(x);
		x->s->fastopen = true;
	} else if (ack != 0) {
		kept = syn_answered(x, true);
		if (kept == NULL)
			return stream_odd(x, STREAM_SYNACK_WITH_WRONG_ACK);
		syn_apply(x, kept);
	}
	if (!echo_right(x)) {
		kept = syn_answered(x, false);
		if (kept == NULL)
			return stream_odd(x, STREAM_PKT_INVALID_TIMESTAMP);
		syn_apply(x, kept);
	}
	syns_forget(x);
	synack_apply(x, &synack);
	return true;
}

/* Both ends have sent a SYN, and the client answers that of the server. */
static bool synack_of_client(struct stream_step *x)
{
	struct stream_side *client = x->from, *server = x->to;
	struct stream_syn synack = syn_of(x->p);

	if (!x->s->fourway)
		return stream_odd(x, STREAM_SYNACK_IN_WRONG_DIRECTION);
	if (stream_ack(x) != 0)
		return stream_odd(x, STREAM_FOURWAY_SYNACK_WITH_WRONG_ACK);
	if (synack.seq != client->isn)
		return stream_odd(x, STREAM_FOURWAY_SYNACK_WITH_WRONG_SYN);
	stream_state_set(x, STREAM_SYN_RECV);
	number(client, synack.seq);
	server->window = synack.window;
	if (synack.has_ts && server->has_ts) {
		ts_of(client, &synack);
		x->s->timestamps = true;
	} else {
		client->ts = server->ts = 0;
		server->zero_ts = false;
	}
	server->acked = client->acked = 0;
	server->wscale = x->s->client_wscale && synack.has_wscale ? synack.wscale : 0;
	x->s->sack_ok = x->s->sack_ok || (x->s->client_sack_ok && synack.sack_ok);
	client->edge = (int64_t)client->window;
	server->edge = (int64_t)server->window;
	return true;
}

static void syn_of_server(struct stream_step *x)
{
	struct stream_side *server = x->from;
	struct stream_syn syn = syn_of(x->p);

	x->s->fourway = true;
	number(server, syn.seq);
	if (syn.has_ts) {
		ts_of(server, &syn);
		server->has_ts = true;
	}
	server->window = x->to->window = syn.window;
	x->to->edge = (int64_t)x->to->window;
	x->s->client_wscale = syn.has_wscale;
	server->wscale = syn.has_wscale ? syn.wscale : 0;
	x->s->client_sack_ok = syn.sack_ok;
}

/* A repetition, a new try, a flood: the last one counts until the answer says otherwise. */
static void syn_again(struct stream_step *x)
{
	struct stream_syn now = syn_of(x->p), before = syn_applied(x->s);

	now.ack = 0;
	if (!now.has_ts)
		now.ts = 0;
	if (!syn_equal(&now, &before) && !syn_keep(x, &before, stream_syns_max(x->config)))
		(void)stream_odd(x, STREAM_SYN_FLOOD);
	syn_apply(x, &now);
}

static bool one_sided(struct stream_step *x)
{
	struct stream_side *client = x->from, *server = x->to;

	if (!x->config->async || x->dir != FLOW_TO_SERVER)
		return true;
	if (stream_seq(x) != client->next)
		return stream_odd(x, STREAM_ASYNC_WRONG_SEQ);
	x->s->async = true;
	stream_state_set(x, STREAM_ESTABLISHED);
	syns_forget(x);
	client->window = x->p->tcp.window;
	client->acked = stream_seq(x);
	client->edge = client->acked + (int64_t)client->window;
	number(server, x->p->tcp.ack - 1);
	server->acked = server->edge = 0;
	if (x->s->client_wscale)
		client->wscale = WSCALE_MOST;
	if (x->p->tcp.has_ts && client->has_ts) {
		x->s->timestamps = true;
		client->ts_at_s = x->p->at.ns / TIME_NS_PER_S;
	} else {
		client->ts = 0;
		client->zero_ts = false;
	}
	x->s->sack_ok = x->s->client_sack_ok;
	return stream_take(x);
}

static bool reset_of_syn(struct stream_step *x)
{
	if (!stream_check_reset(x))
		return false;
	if (x->dir == FLOW_TO_SERVER &&
	    (stream_seq(x) != -1 || x->p->tcp.window != 0 || x->p->tcp.ack != x->from->isn + 1))
		return true;
	x->to->reset = true;
	x->s->reset = true;
	syns_forget(x);
	stream_state_set(x, STREAM_CLOSED);
	return true;
}

bool stream_on_syn_sent(struct stream_step *x)
{
	if (stream_is_synack(x->p))
		return x->dir == FLOW_TO_CLIENT ? on_synack(x) : synack_of_client(x);
	if (!echo_right(x))
		return stream_odd(x, STREAM_PKT_INVALID_TIMESTAMP);
	if (stream_has(x, TCP_RST))
		return reset_of_syn(x);
	if (stream_has(x, TCP_FIN))
		return true;
	if (stream_has(x, TCP_SYN)) {
		if (x->dir == FLOW_TO_CLIENT)
			syn_of_server(x);
		else
			syn_again(x);
		return true;
	}
	return !stream_has(x, TCP_ACK) || one_sided(x);
}

/* ---- syn_recv ---- */

static bool reset_of_handshake(struct stream_step *x)
{
	enum stream_policy os = x->from->policy;

	if (!stream_check_reset(x))
		return false;
	/* these systems take a RST behind such an ACK for a stray packet */
	if (x->s->evasion && (os == STREAM_LINUX || os == STREAM_OLD_LINUX || os == STREAM_SOLARIS))
		return true;
	x->s->reset = true;
	stream_state_set(x, STREAM_CLOSED);
	stream_take_timestamp(x);
	return true;
}

static bool synack_again(struct stream_step *x)
{
	struct stream_syn synack = syn_of(x->p);

	if (x->dir == FLOW_TO_SERVER)
		return stream_odd(x, STREAM_SYNACK_TOSERVER_ON_SYN_RECV);
	if (stream_ack(x) != x->to->acked)
		return stream_odd(x, STREAM_SYNACK_RESEND_WITH_DIFFERENT_ACK);
	if (synack.seq != x->from->isn && !syn_keep(x, &synack, stream_synacks_max(x->config)))
		return stream_odd(x, STREAM_SYNACK_FLOOD);
	return true;
}

static bool syn_late(struct stream_step *x)
{
	if (x->dir == FLOW_TO_CLIENT)
		return stream_odd(x, STREAM_SYN_TOCLIENT_ON_SYN_RECV);
	if (x->p->tcp.seq != x->from->isn)
		return stream_odd(x, STREAM_SYN_RESEND_DIFF_SEQ_ON_SYN_RECV);
	return true;
}

static const struct stream_syn *synack_acknowledged(const struct stream_step *x)
{
	for (const struct stream_syn *k = x->s->syns; k != NULL; k = k->next)
		if (x->p->tcp.ack - 1 == k->seq && x->p->tcp.seq == k->ack)
			return k;
	return NULL;
}

static void window_both(struct stream_step *x)
{
	x->to->window = (uint32_t)x->p->tcp.window << x->to->wscale;
	x->to->edge = x->to->acked + (int64_t)x->to->window;
	if (!x->s->midstream)
		return;
	x->from->window = (uint32_t)x->p->tcp.window << x->from->wscale;
	x->from->edge = x->from->acked + (int64_t)x->from->window;
	if (!x->s->midstream_synack) {
		x->from->wscale = x->to->wscale = WSCALE_MOST;
		x->s->sack_ok = true;
	}
}

static bool established(struct stream_step *x)
{
	stream_state_set(x, STREAM_ESTABLISHED);
	return stream_take(x);
}

static bool ack_of_server_in_fourway(struct stream_step *x)
{
	if (stream_seq(x) != x->from->next)
		return stream_odd(x, STREAM_FOURWAY_WRONG_SEQ);
	if (!stream_check_ack(x))
		return stream_odd(x, STREAM_FOURWAY_INVALID_ACK);
	stream_take_timestamp(x);
	stream_acked_raise(x->to, stream_ack(x));
	stream_next_set(x, x->from, stream_seq_end(x));
	window_both(x);
	return established(x);
}

/* A packet of the server where the client's ACK should be: was it lost? Inline none is. */
static bool server_first(struct stream_step *x)
{
	int64_t seq = stream_seq(x), ack = stream_ack(x);

	if (!x->s->fastopen && x->config->in_line) {
		if (x->p->payload.len != 0 && ack == x->to->acked && seq == x->from->next)
			return stream_odd(x, STREAM_ACK_DATA_INJECT);
		return stream_odd(x, STREAM_ACK_IN_WRONG_DIR);
	}
	if (ack == x->to->acked && seq == x->from->next) { /* fits */
		stream_next_set(x, x->from, stream_seq_end(x));
		return established(x);
	}
	if (!x->config->in_line && ack > x->to->acked) { /* more was lost */
		stream_take_timestamp(x);
		stream_acked_raise(x->to, ack);
		x->from->next = stream_seq_end(x);
		window_both(x);
		return established(x);
	}
	return stream_odd(x, STREAM_WRONG_SEQ_WRONG_ACK);
}

static bool on_ack(struct stream_step *x)
{
	bool to_client = x->dir == FLOW_TO_CLIENT;
	int64_t seq, ack;

	if (!stream_check_timestamp(x))
		return false;
	if (to_client && x->s->fourway)
		return ack_of_server_in_fourway(x);
	seq = stream_seq(x);
	ack = stream_ack(x);
	if (to_client && !x->s->midstream_synack)
		return server_first(x);
	if (to_client ? seq == x->from->next : seq == x->from->next && ack == x->to->next) {
		stream_take_timestamp(x);
		stream_acked_raise(x->to, ack);
		stream_next_set(x, x->from, stream_seq_end(x));
		window_both(x);
		/* data with the ACK: the ACK itself may have been lost */
		x->s->packet_established = x->p->payload.len != 0;
		return established(x);
	}
	if (seq == x->from->next) {
		x->s->evasion = true;
		return stream_odd(x, STREAM_RIGHT_SEQ_WRONG_ACK);
	}
	if (seq > x->from->next && seq <= x->from->edge && ack == x->to->next) { /* a loss */
		stream_take_timestamp(x);
		x->from->next = stream_seq_end(x);
		stream_acked_raise(x->to, ack);
		window_both(x);
		return established(x);
	}
	if (x->s->fastopen && ack == x->to->acked && seq <= x->from->next) {
		window_both(x);
		return established(x);
	}
	return stream_odd(x, STREAM_WRONG_SEQ_WRONG_ACK);
}

bool stream_on_syn_recv(struct stream_step *x)
{
	const struct stream_syn *kept;

	if (stream_has(x, TCP_RST))
		return reset_of_handshake(x);
	if (stream_has(x, TCP_FIN))
		return stream_on_fin(x);
	if (stream_is_synack(x->p))
		return synack_again(x);
	if (stream_has(x, TCP_SYN))
		return syn_late(x);
	if (!stream_has(x, TCP_ACK))
		return true;
	kept = synack_acknowledged(x);
	if (kept != NULL)
		synack_apply(x, kept);
	return on_ack(x);
}
