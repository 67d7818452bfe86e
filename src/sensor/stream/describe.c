/* SPDX-License-Identifier: Apache-2.0
 *
 * A session in words, for whoever writes about it. Not on the packet path: a packet's marks are
 * looked for only if the configuration asks for them.
 */
#include "sensor/stream/stream_priv.h"

const char *const stream_marks[] = {
#define X(id, name) [STREAM_MARK_##id] = name,
	STREAM_MARKS(X)
#undef X
		NULL};

/* RFC 5681 2: says again that something is missing. */
static bool is_repeated_ack(const struct stream_step *x)
{
	return x->s->state >= STREAM_ESTABLISHED && x->p->payload.len == 0 &&
	       x->p->tcp.flags == TCP_ACK && stream_ack(x) == x->to->acked &&
	       x->to->next > x->to->acked && stream_seq(x) == x->from->next &&
	       x->p->tcp.window != 0 &&
	       (uint32_t)x->p->tcp.window << x->to->wscale == x->to->window;
}

/* RFC 2883: the first block tells of bytes that came twice. */
static bool is_repeated_sack(const struct stream_step *x)
{
	return x->p->tcp.sacks != 0 && stream_has(x, TCP_ACK) &&
	       stream_offset(x->to, x->p->tcp.sack[0].end) <= stream_ack(x);
}

void stream_mark_before(struct stream_step *x)
{
	if (is_repeated_ack(x))
		stream_mark(x, STREAM_MARK_DUP_ACK);
	if (is_repeated_sack(x))
		stream_mark(x, STREAM_MARK_DSACK);
	if (stream_has(x, TCP_ACK) && stream_ack(x) > x->to->next + 1) /* + 1: a FIN */
		stream_mark(x, STREAM_MARK_ACK_UNSEEN_DATA);
}

void stream_mark_after(struct stream_step *x)
{
	if (stream_events_has(&x->out->events, STREAM_PKT_RETRANSMISSION))
		stream_mark(x, STREAM_MARK_RETRANSMISSION);
	if (stream_events_has(&x->out->events, STREAM_PKT_SPURIOUS_RETRANSMISSION))
		stream_mark(x, STREAM_MARK_SPURIOUS_RETRANSMISSION);
	if (stream_events_any(&x->out->events))
		stream_mark(x, STREAM_MARK_EVENT_SET);
}

static uint32_t number(const struct stream_side *d, int64_t offset)
{
	return d->isn + 1 + (uint32_t)offset;
}

static struct stream_end_view end_view(const struct stream_session *s, enum flow_dir dir)
{
	const struct stream_side *d = &s->side[dir];

	if (!s->seen[dir]) /* it has no numbers yet */
		return (struct stream_end_view){.window = d->window, .wscale = d->wscale};
	return (struct stream_end_view){.isn = d->isn,
					.next_seq = number(d, d->next),
					.last_ack = number(d, d->acked),
					.next_win = number(d, d->edge),
					.base_seq = number(d, (int64_t)d->bytes.released),
					.right_edge = number(d, (int64_t)d->bytes.right),
					.window = d->window,
					.wscale = d->wscale,
					.segments = d->bytes.pieces,
					.held_bytes = d->bytes.store.held,
					.gap = d->gap,
					.depth_reached = d->bytes.depth_reached,
					.keep_alive = d->keep_alive,
					.timestamp = d->has_ts,
					.zero_timestamp = d->zero_ts,
					.reset = d->reset};
}

bool stream_view(const struct flow *f, struct stream_view *out)
{
	const struct stream_session *s = f->stream;

	if (s == NULL)
		return false;
	*out = (struct stream_view){.before = s->before,
				    .midstream = s->midstream,
				    .midstream_established = s->midstream && s->midstream_fresh,
				    .midstream_synack = s->midstream_synack,
				    .timestamps = s->timestamps,
				    .client_wscale = s->client_wscale,
				    .reset = s->reset,
				    .fourway = s->fourway,
				    .evasion = s->evasion,
				    .client_sack_ok = s->client_sack_ok,
				    .sack_ok = s->sack_ok,
				    .confirmed = s->confirmed,
				    .fastopen = s->fastopen,
				    .fastopen_refused = s->fastopen_refused};
	out->client = end_view(s, FLOW_TO_SERVER);
	out->server = end_view(s, FLOW_TO_CLIENT);
	return true;
}
