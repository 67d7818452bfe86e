/* SPDX-License-Identifier: Apache-2.0
 *
 * How a session ends (RFC 9293 3.6), with the states of the end that did not begin it.
 *
 *   established  FIN of the client              -> close_wait   stream_on_fin
 *   established  FIN of the server              -> fin_wait1    stream_on_fin
 *   close_wait   FIN of the server              -> last_ack     stream_on_close_wait
 *   last_ack     ACK of the client              -> closed       stream_on_last_ack
 *   fin_wait1    FIN and ACK                    -> time_wait    on_fin_wait1_fin
 *   fin_wait1    FIN alone                      -> closing      on_fin_wait1_fin
 *   fin_wait1    ACK of the FIN                 -> fin_wait2    stream_on_fin_wait1
 *   fin_wait2    FIN of the other               -> time_wait    stream_on_fin_wait2
 *   closing      ACK                            -> time_wait    stream_on_closing
 *   time_wait    ACK                            -> closed       stream_on_time_wait
 *   any          a RST that the receiver takes  -> closed       stream_on_reset
 *
 * The server's FIN counts as a byte of its numbers as soon as it is seen, the client's when it is
 * acknowledged: so does Suricata, whose states and events these are.
 */
#include "sensor/stream/stream_priv.h"

/* What the acknowledgement says of the other end, beyond how far it goes. */
static void other_end_moves(struct stream_step *x)
{
	int64_t ack = stream_ack(x);

	if (stream_has(x, TCP_ACK) && x->to->next < ack)
		x->to->next = ack;
}

static void acknowledge(struct stream_step *x)
{
	if (stream_has(x, TCP_ACK))
		stream_acked_raise(x->to, stream_ack(x));
}

/* The end of every packet that was taken while the session closes. */
static bool taken(struct stream_step *x)
{
	stream_take_timestamp(x);
	other_end_moves(x);
	if (stream_seq(x) == x->from->next)
		stream_next_set(x, x->from, stream_seq_end(x));
	acknowledge(x);
	return stream_take(x);
}

/* Behind the window that the other end last offered. */
static bool past_window(const struct stream_step *x)
{
	return stream_seq(x) > x->from->acked + (int64_t)x->from->window;
}

static bool syn_in_shutdown(struct stream_step *x)
{
	return stream_odd(x, STREAM_SHUTDOWN_SYN_RESEND);
}

bool stream_on_reset(struct stream_step *x)
{
	bool client = x->dir == FLOW_TO_SERVER;

	if (!stream_check_reset(x))
		return false;
	x->s->reset = true;
	stream_state_set(x, STREAM_CLOSED);
	if (x->s->before == STREAM_ESTABLISHED) {
		x->from->next = stream_seq_end(x) + !client;
		x->to->next = stream_ack(x);
	}
	if (stream_has(x, TCP_ACK) && stream_check_ack(x))
		acknowledge(x);
	stream_acked_raise(x->from, stream_seq(x));
	stream_take_timestamp(x);
	return stream_take(x);
}

bool stream_on_fin(struct stream_step *x)
{
	bool client = x->dir == FLOW_TO_SERVER;

	if (!stream_check_timestamp(x))
		return false;
	if (!stream_check_ack(x))
		return stream_odd(x, STREAM_FIN_INVALID_ACK);
	if (stream_seq(x) < x->from->acked || stream_seq_end(x) > x->from->edge)
		return stream_odd(x, STREAM_FIN_OUT_OF_WINDOW);
	if (stream_has(x, TCP_SYN) && client)
		return stream_odd(x, STREAM_FIN_SYN);
	stream_state_set(x, client ? STREAM_CLOSE_WAIT : STREAM_FIN_WAIT1);
	x->from->next = stream_seq_end(x) + !client;
	stream_window_set(x);
	stream_take_timestamp(x);
	other_end_moves(x);
	acknowledge(x);
	return stream_take(x);
}

static bool on_fin_wait1_fin(struct stream_step *x)
{
	bool again = stream_retransmitted(x);

	if (!again && x->dir == FLOW_TO_CLIENT && stream_has(x, TCP_ACK) &&
	    stream_seq(x) == x->from->next - 1 && stream_ack(x) == x->to->acked)
		again = true; /* the FIN itself */
	if (!again && (stream_seq(x) < x->from->next - 1 || past_window(x)))
		return stream_odd(x, STREAM_FIN1_FIN_WRONG_SEQ);
	if (!stream_check_ack(x))
		return stream_odd(x, STREAM_FIN1_INVALID_ACK);
	if (!again) {
		stream_state_set(x, stream_has(x, TCP_ACK) ? STREAM_TIME_WAIT : STREAM_CLOSING);
		stream_window_set(x);
	}
	return taken(x);
}

bool stream_on_fin_wait1(struct stream_step *x)
{
	bool server = x->dir == FLOW_TO_CLIENT, again;

	if (stream_has(x, TCP_SYN) && !stream_has(x, TCP_FIN))
		return syn_in_shutdown(x);
	if (!stream_has(x, TCP_FIN | TCP_ACK))
		return true;
	if (!stream_check_timestamp(x))
		return false;
	if (stream_has(x, TCP_FIN))
		return on_fin_wait1_fin(x);
	again = stream_retransmitted(x);
	if (!stream_check_ack(x))
		return stream_odd(x, STREAM_FIN1_INVALID_ACK);
	if (!again && (server || stream_ack(x) == x->to->next)) {
		if (!stream_in_window(x))
			return stream_odd(x, STREAM_FIN1_WRONG_SEQ);
		if (stream_seq(x) == x->from->next - server)
			stream_state_set(x, STREAM_FIN_WAIT2);
		stream_window_set(x);
	}
	stream_sack_take(x);
	stream_edge_raise(x);
	return taken(x);
}

bool stream_on_fin_wait2(struct stream_step *x)
{
	bool fin = stream_has(x, TCP_FIN), again;

	if (stream_has(x, TCP_SYN) && !fin)
		return syn_in_shutdown(x);
	if (!stream_has(x, TCP_FIN | TCP_ACK))
		return true;
	if (!stream_check_timestamp(x))
		return false;
	again = (fin && stream_seq(x) == x->from->next - 1 && stream_ack(x) == x->to->acked) ||
		stream_retransmitted(x);
	if (fin && !again && (stream_seq(x) < x->from->next || past_window(x)))
		return stream_odd(x, STREAM_FIN2_FIN_WRONG_SEQ);
	if (!stream_check_ack(x))
		return stream_odd(x, STREAM_FIN2_INVALID_ACK);
	if (!fin && !again && !stream_in_window(x))
		return stream_odd(x, STREAM_FIN2_WRONG_SEQ);
	if (!again) {
		if (fin)
			stream_state_set(x, STREAM_TIME_WAIT);
		stream_window_set(x);
	}
	if (!fin) {
		stream_sack_take(x);
		stream_edge_raise(x);
	}
	return taken(x);
}

bool stream_on_closing(struct stream_step *x)
{
	bool again;

	if (stream_has(x, TCP_SYN))
		return syn_in_shutdown(x);
	if (!stream_has(x, TCP_ACK))
		return true;
	if (!stream_check_timestamp(x))
		return false;
	again = stream_retransmitted(x);
	if (stream_seq(x) != x->from->next)
		return stream_odd(x, STREAM_CLOSING_WRONG_SEQ);
	if (!stream_check_ack(x))
		return stream_odd(x, STREAM_CLOSING_INVALID_ACK);
	if (!again) {
		stream_state_set(x, STREAM_TIME_WAIT);
		stream_window_set(x);
	}
	return taken(x);
}

bool stream_on_close_wait(struct stream_step *x)
{
	bool fin = stream_has(x, TCP_FIN), again;

	if (stream_has(x, TCP_SYN) && !fin)
		return syn_in_shutdown(x);
	if (!stream_has(x, TCP_FIN | TCP_ACK))
		return true;
	if (!stream_check_timestamp(x))
		return false;
	again = stream_retransmitted(x);
	if (fin && !again && (stream_seq(x) < x->from->next || past_window(x)))
		return stream_odd(x, STREAM_CLOSEWAIT_FIN_OUT_OF_WINDOW);
	if (!fin && x->p->payload.len != 0 && stream_seq_end(x) <= x->from->acked)
		return stream_odd(x, STREAM_CLOSEWAIT_PKT_BEFORE_LAST_ACK);
	if (!fin && past_window(x))
		return stream_odd(x, STREAM_CLOSEWAIT_ACK_OUT_OF_WINDOW);
	if (!stream_check_ack(x))
		return stream_odd(x, STREAM_CLOSEWAIT_INVALID_ACK);
	if (!again) {
		if (fin && x->dir == FLOW_TO_CLIENT)
			stream_state_set(x, STREAM_LAST_ACK);
		stream_window_set(x);
	}
	return taken(x);
}

bool stream_on_last_ack(struct stream_step *x)
{
	int64_t seq = stream_seq(x);
	bool again;

	if (stream_has(x, TCP_FIN))
		return true;
	if (stream_has(x, TCP_SYN))
		return syn_in_shutdown(x);
	if (!stream_has(x, TCP_ACK))
		return true;
	if (!stream_check_timestamp(x))
		return false;
	if (x->dir == FLOW_TO_CLIENT)
		return true;
	again = stream_retransmitted(x);
	if (!stream_check_ack(x))
		return stream_odd(x, STREAM_LASTACK_INVALID_ACK);
	if (!again && seq > x->from->next + 1)
		return stream_odd(x, STREAM_LASTACK_WRONG_SEQ);
	if (!again) {
		if (seq >= x->from->next)
			stream_state_set(x, STREAM_CLOSED);
		stream_window_set(x);
	}
	return taken(x);
}

bool stream_on_time_wait(struct stream_step *x)
{
	bool client = x->dir == FLOW_TO_SERVER, again;
	int64_t first; /* of the two numbers that are right */

	if (stream_has(x, TCP_FIN))
		return true;
	if (stream_has(x, TCP_SYN))
		return syn_in_shutdown(x);
	if (!stream_has(x, TCP_ACK))
		return true;
	if (!stream_check_timestamp(x))
		return false;
	again = stream_retransmitted(x);
	first = x->from->next - !client;
	if (!again && stream_seq(x) != first && stream_seq(x) != first + 1) {
		if (!client && x->p->payload.len != 0 && stream_seq(x) == x->from->acked)
			return true;
		return stream_odd(x, STREAM_TIMEWAIT_WRONG_SEQ);
	}
	if (!stream_check_ack(x))
		return stream_odd(x, STREAM_TIMEWAIT_INVALID_ACK);
	if (!again) {
		stream_state_set(x, STREAM_CLOSED);
		stream_window_set(x);
	}
	return taken(x);
}
