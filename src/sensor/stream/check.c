/* SPDX-License-Identifier: Apache-2.0
 *
 * Is this packet one that the receiver would take? As Suricata asks it, so that both see the same
 * sessions: what it refuses changes nothing but anomalies.
 *
 * A check that may set an anomaly says so by being given a step that is not const.
 */
#include "sensor/stream/stream_priv.h"

enum { TS_OLD_S = 24 * 86400 }; /* RFC 7323 5.5: then TS.Recent no longer holds */

static bool plain_ack(const struct packet *p)
{
	return p->payload.len == 0 &&
	       (p->tcp.flags & (TCP_ACK | TCP_SYN | TCP_FIN | TCP_RST)) == TCP_ACK;
}

/* The window of the packet as its receiver understands it. */
static uint32_t window_of(const struct stream_step *x)
{
	return (uint32_t)x->p->tcp.window << x->to->wscale;
}

/* ---- time stamps: protection against wrapped sequences, RFC 7323 5.3 ---- */

static bool zero_is_fine(enum stream_policy os)
{
	switch (os) {
	case STREAM_OLD_LINUX:
	case STREAM_WINDOWS:
	case STREAM_WINDOWS2K3:
	case STREAM_VISTA:
	case STREAM_SOLARIS:
		return true;
	default:
		return false;
	}
}

/* The handshake said 0. False: no more is to be checked of this packet. */
static bool after_zero(struct stream_step *x, bool next, bool update)
{
	struct stream_side *d = x->from;

	switch (d->policy) {
	case STREAM_LINUX:
	case STREAM_WINDOWS2K3: /* as if there had been no time stamp */
		if (update)
			x->s->timestamps = false;
		return false;
	case STREAM_OLD_LINUX:
	case STREAM_WINDOWS:
	case STREAM_VISTA: /* begins with the next one */
		if (update) {
			d->zero_ts = false;
			if (next)
				d->ts = x->p->tcp.ts_val;
		}
		return !next;
	default:
		return true;
	}
}

static bool timestamp(struct stream_step *x, bool update)
{
	const struct packet_tcp *t = &x->p->tcp;
	struct stream_side *d = x->from;
	int64_t now = x->p->at.ns / TIME_NS_PER_S, at = d->ts_at_s;
	bool next = stream_seq(x) == d->next, stale;
	int32_t ahead;

	if (!t->has_ts) {
		if (update && d->policy == STREAM_SOLARIS)
			x->s->timestamps = false;
		return true;
	}
	if (d->zero_ts && !after_zero(x, next, update))
		return true;
	if (t->ts_val == 0 && !zero_is_fine(d->policy))
		return update || stream_odd(x, STREAM_PKT_INVALID_TIMESTAMP);
	if (d->policy == STREAM_HPUX11 && !next)
		return true;
	if (at == 0 && x->s->midstream)
		at = now;
	ahead = (int32_t)(t->ts_val - d->ts);
	if (ahead == -1 && (d->policy == STREAM_LINUX || !x->config->strict_timestamps))
		ahead = 0;
	stale = now > at + TS_OLD_S;
	if ((ahead < 0 || (d->ts != 0 && stale)) && !(next && stale))
		return update || stream_odd(x, STREAM_PKT_INVALID_TIMESTAMP);
	if (update) {
		if (next)
			d->ts = t->ts_val;
		d->ts_at_s = now;
	}
	return true;
}

bool stream_check_timestamp(struct stream_step *x)
{
	return !x->s->timestamps || timestamp(x, false);
}

void stream_take_timestamp(struct stream_step *x)
{
	if (x->s->timestamps)
		(void)timestamp(x, true); /* was checked before */
}

/* ---- numbers ---- */

/* An acknowledgement of what was never sent, nor could have been, ends the packet (RFC 5961 5). */
bool stream_check_ack(struct stream_step *x)
{
	const struct stream_side *d = x->to;
	int64_t ack = stream_ack(x);

	if (!stream_has(x, TCP_ACK) || ack == d->acked || (ack > d->acked && ack <= d->edge))
		return true;
	if (ack < d->acked) {
		if (d->window == 0 || ack >= d->acked - (int64_t)d->window)
			return true;
	} else if (x->s->async) {
		return true;
	} else if (x->s->state == STREAM_SYN_SENT && x->dir == FLOW_TO_CLIENT &&
		   stream_has(x, TCP_RST) && ack == 0) {
		return true; /* the answer to a SYN */
	}
	return stream_odd(x, STREAM_PKT_INVALID_ACK);
}

bool stream_in_window(const struct stream_step *x)
{
	return stream_seq_end(x) <= x->from->edge || x->s->midstream || x->s->async;
}

bool stream_retransmitted(struct stream_step *x)
{
	const struct stream_side *d = x->from;
	int64_t seq = stream_seq(x), end = stream_seq_end(x);

	if (x->p->payload.len == 0)
		return false;
	if ((seq < d->acked && end > d->acked) || end <= d->acked || end <= d->next) {
		(void)stream_odd(x, STREAM_PKT_RETRANSMISSION);
		return true;
	}
	return false;
}

/* ---- resets: what the receiver's system takes for one ---- */

static bool reset_number_right(const struct stream_step *x)
{
	const struct stream_side *d = x->from;
	int64_t seq = stream_seq(x);

	if (x->s->async)
		return seq >= d->next;
	switch (d->policy) {
	case STREAM_HPUX11:
		return seq >= d->next;
	case STREAM_OLD_LINUX:
	case STREAM_LINUX:
	case STREAM_SOLARIS:
		return stream_seq_end(x) >= d->acked && seq < d->next + (int64_t)d->window;
	default:
		return seq == d->next;
	}
}

bool stream_check_reset(struct stream_step *x)
{
	if (!stream_check_timestamp(x))
		return false;
	if (x->p->payload.len != 0)
		(void)stream_odd(x, STREAM_RST_WITH_DATA);
	if (x->p->tcp.ack != 0 && !stream_check_ack(x))
		return stream_odd(x, STREAM_RST_INVALID_ACK);
	if (x->p->tcp
		    .is_signed) /* RFC 2385, 5925: we cannot know; what the sender does will tell */
		x->to->reset = true;
	return reset_number_right(x);
}

/* ---- kinds of packets ---- */

/* RFC 9293 3.8.4: one byte (or none) before what is next, to hear whether the other end lives. */
bool stream_is_keep_alive(struct stream_step *x)
{
	if (x->p->payload.len > 1 || stream_has(x, TCP_SYN | TCP_FIN | TCP_RST) ||
	    stream_ack(x) != x->to->acked || stream_seq(x) != x->from->next - 1)
		return false;
	x->from->keep_alive = true;
	return true;
}

bool stream_is_keep_alive_ack(struct stream_step *x)
{
	bool is = x->to->keep_alive && x->p->payload.len == 0 &&
		  !stream_has(x, TCP_SYN | TCP_FIN | TCP_RST) && x->p->tcp.window != 0 &&
		  window_of(x) == x->to->window && stream_ack(x) == x->to->acked &&
		  stream_seq(x) == x->from->next;

	if (is)
		x->to->keep_alive = false;
	return is;
}

/* The answer to a byte past a closed window: it is still closed. */
bool stream_is_probe_ack(const struct stream_step *x)
{
	return x->s->state >= STREAM_ESTABLISHED && plain_ack(x->p) &&
	       x->s->probed[stream_other(x->dir)] && x->p->tcp.window == 0 && x->to->window == 0 &&
	       stream_seq(x) == x->from->next && stream_ack(x) == x->to->acked;
}

bool stream_is_window_update(const struct stream_step *x)
{
	return x->s->state >= STREAM_ESTABLISHED && x->p->payload.len == 0 &&
	       !stream_has(x, TCP_SYN | TCP_FIN | TCP_RST) && x->p->tcp.window != 0 &&
	       window_of(x) != x->to->window && stream_ack(x) == x->to->acked &&
	       stream_seq(x) == x->from->next;
}

bool stream_is_last_ack(const struct stream_step *x)
{
	enum stream_state s = x->s->state;

	return (s == STREAM_TIME_WAIT || s == STREAM_CLOSE_WAIT || s == STREAM_LAST_ACK) &&
	       x->p->tcp.flags == TCP_ACK && x->p->payload.len == 0 &&
	       stream_seq(x) == x->from->next + 1 && stream_ack(x) == x->to->next + 1;
}

/* Nobody's packet that closes the window, so that the real ones would fall out of it: further on
 * than both ends are, and shrinking the window by more than it acknowledges. */
bool stream_is_bad_window_update(struct stream_step *x)
{
	enum { MARGIN = 32, SMALL = 1024 };
	uint32_t window = window_of(x), less;
	int64_t more = stream_ack(x) - x->to->acked;

	if (x->s->state < STREAM_ESTABLISHED || x->s->state == STREAM_CLOSED ||
	    stream_has(x, TCP_SYN | TCP_FIN | TCP_RST) || window >= x->to->window)
		return false;
	less = x->to->window - window;
	if (less <= x->p->payload.len || stream_ack(x) <= x->to->next ||
	    stream_seq(x) <= x->from->next || (int64_t)less <= more + (window > SMALL ? MARGIN : 0))
		return false;
	(void)stream_odd(x, STREAM_PKT_BAD_WINDOW_UPDATE);
	return true;
}

/* Says nothing that was not said before. */
bool stream_is_outdated_ack(const struct stream_step *x)
{
	return x->s->state >= STREAM_ESTABLISHED && plain_ack(x->p) &&
	       stream_seq(x) == x->from->next && stream_ack(x) < x->to->acked &&
	       stream_sack_outdated(x);
}
