/* SPDX-License-Identifier: Apache-2.0
 *
 * The session, as somebody between the two ends sees it (RFC 9293 3.10, passive).
 *
 * 1. Offsets, not sequence numbers: they are turned into each other in stream_offset() only.
 * 2. On a tap nothing is released that was not acknowledged, until the session's end.
 * 3. eof comes once a direction, after its last byte, and nothing comes after it.
 * 4. What a receiver would refuse (out of window, invalid acknowledgement or time stamp) changes
 *    nothing but anomalies.
 *
 * The transitions are in handshake.c and close.c.
 */
#include "sensor/stream/stream.h"

#include "sensor/stream/stream_priv.h"

const char *const stream_anomalies[] = {
#define X(id, name) [STREAM_##id] = name,
	STREAM_ANOMALIES(X)
#undef X
		NULL};

/* ---- what the ends tell each other ---- */

void stream_state_set(struct stream_step *x, enum stream_state state)
{
	struct stream_session *s = x->s;

	if (s->state == state)
		return;
	s->before = s->state;
	s->state = state;
	stream_mark(x, STREAM_MARK_STATE_UPDATE);
	switch (state) {
	case STREAM_ESTABLISHED:
	case STREAM_FIN_WAIT1:
	case STREAM_FIN_WAIT2:
	case STREAM_CLOSING:
	case STREAM_CLOSE_WAIT:
		x->f->state = FLOW_ESTABLISHED;
		break;
	case STREAM_LAST_ACK:
	case STREAM_TIME_WAIT:
	case STREAM_CLOSED:
		x->f->state = FLOW_CLOSED;
		break;
	default:
		break;
	}
}

void stream_next_set(struct stream_step *x, struct stream_side *d, int64_t next)
{
	d->next = next;
	if (x->s->async && d->next > d->acked)
		d->acked = d->next; /* nobody else will say so */
}

void stream_acked_raise(struct stream_side *d, int64_t acked)
{
	if (acked <= d->acked)
		return;
	d->acked = acked;
	if (d->sacks.count != 0)
		stream_sack_prune(d);
}

void stream_window_set(struct stream_step *x)
{
	x->to->window = (uint32_t)x->p->tcp.window << x->to->wscale;
}

void stream_edge_raise(struct stream_step *x)
{
	struct stream_side *d = x->to;
	int64_t edge = d->acked + (int64_t)d->window + (int64_t)stream_sack_bytes(d);

	if (edge > d->edge)
		d->edge = edge;
}

/* ---- bytes ---- */

static void eof(struct stream_session *s, struct flow *f, enum flow_dir dir,
		const struct stream_sink *sink)
{
	struct stream_side *d = &s->side[dir];

	if (d->eof)
		return;
	d->eof = true;
	sink->eof(sink->ctx, f, dir);
}

/* Gives a direction's readers what they may have by now. */
static void update(struct stream_step *x, enum flow_dir dir)
{
	struct stream_session *s = x->s;
	struct stream_side *d = &s->side[dir];
	int64_t acked = stream_urgent_place(d, d->acked - (s->state >= STREAM_FIN_WAIT1));
	uint64_t known = acked < 0 ? 0 : (uint64_t)acked, end;

	if (d->eof)
		return;
	acked = stream_urgent_place(d, d->acked);
	end = x->config->in_line ? STREAM_NEVER : acked < 0 ? 0 : (uint64_t)acked;
	if (stream_bytes_release(&d->bytes, end, known, x->f, dir, x->sink)) {
		(void)stream_odd(x, STREAM_SEQ_GAP);
		d->gap = true;
	}
	if (s->state >= STREAM_CLOSING && d->bytes.released >= d->bytes.right)
		eof(s, x->f, dir, x->sink);
}

/* A part of the payload, at an offset among the numbers. */
static bool add(struct stream_step *x, int64_t at, struct slice bytes)
{
	struct stream_side *d = x->from;
	struct stream_overlap how = {.policy = d->policy,
				     .compare = x->config->compare_overlaps || x->config->in_line,
				     .first = x->config->in_line};
	bool reached = d->bytes.depth_reached, differs = false;
	enum stream_verdict verdict;

	at = stream_urgent_place(d, at);
	if (at < 0) { /* begins before the first byte */
		bytes = slice_from(bytes, (uint64_t)-at < bytes.len ? (size_t)-at : bytes.len);
		at = 0;
	}
	if (bytes.len == 0)
		return true;
	verdict = stream_bytes_add(&d->bytes, (uint64_t)at, bytes, how, &differs);
	if (verdict == STREAM_NO_MEMORY) {
		(void)stream_odd(x, STREAM_NO_SEGMENT);
		x->out->no_memory = true;
		return false;
	}
	x->out->rewrite = x->out->rewrite || (differs && how.first);
	if (verdict == STREAM_TAKEN || (differs && how.first)) {
		x->s->took_payload = true;
		x->s->took_at = (uint64_t)at;
		x->s->took_len = (uint32_t)bytes.len; /* of a packet */
		x->s->took_from = (uint32_t)(bytes.ptr - x->p->payload.ptr);
	}
	if (differs && x->config->compare_overlaps)
		(void)stream_odd(x, STREAM_OVERLAP_DIFFERENT_DATA);
	if (d->bytes.depth_reached && !reached)
		(void)stream_odd(x, STREAM_DEPTH_REACHED);
	return true;
}

static bool take_payload(struct stream_step *x)
{
	/* the number of a SYN's first byte is one behind the SYN's */
	int64_t seq = stream_seq(x) + stream_has(x, TCP_SYN);
	struct slice parts[2];

	if (x->p->payload.len == 0 || x->from->eof || stream_has(x, TCP_RST) ||
	    !stream_urgent_take(x, parts))
		return true;
	return add(x, seq, parts[0]) &&
	       (parts[1].len == 0 || add(x, seq + (int64_t)parts[0].len + 1, parts[1]));
}

bool stream_take(struct stream_step *x)
{
	bool own = false, other = false, reached = x->from->bytes.depth_reached;

	if (x->config->in_line || stream_has(x, TCP_RST)) {
		own = true;
	} else if (stream_has(x, TCP_FIN) && x->s->state > STREAM_TIME_WAIT) {
		own = true;
		other = stream_has(x, TCP_ACK);
	} else {
		other = true;
		own = x->s->state == STREAM_CLOSED;
	}
	if (other)
		update(x, stream_other(x->dir));
	if (!take_payload(x))
		return false;
	if (own || (x->from->bytes.depth_reached && !reached))
		update(x, x->dir);
	return true;
}

/* ---- the established session ---- */

static bool synack_late(struct stream_step *x)
{
	if (x->dir == FLOW_TO_SERVER)
		return stream_odd(x, STREAM_EST_SYNACK_TOSERVER);
	if (stream_ack(x) != x->to->acked)
		return stream_odd(x, STREAM_EST_SYNACK_RESEND_WITH_DIFFERENT_ACK);
	if (x->p->tcp.seq != x->from->isn)
		return stream_odd(x, STREAM_EST_SYNACK_RESEND_WITH_DIFF_SEQ);
	if (x->s->confirmed)
		return stream_odd(x, STREAM_EST_SYNACK_RESEND);
	return true; /* the server has not got the last ACK */
}

static bool syn_late(struct stream_step *x)
{
	if (x->dir == FLOW_TO_CLIENT)
		return stream_odd(x, STREAM_EST_SYN_TOCLIENT);
	if (x->p->tcp.seq != x->from->isn)
		return stream_odd(x, STREAM_EST_SYN_RESEND_DIFF_SEQ);
	return stream_odd(x, STREAM_EST_SYN_RESEND);
}

/* All of it lies before what was acknowledged. May it be taken all the same? */
static bool before_acked(struct stream_step *x)
{
	struct stream_side *d = x->from;
	int64_t seq = stream_seq(x);

	if (x->s->async ||
	    (x->config->async && x->s->midstream && (seq == d->next || d->acked == 0))) {
		x->s->async = true;
		stream_acked_raise(d, seq);
		return true;
	}
	/* acknowledged, but not seen before */
	return d->acked > d->next && stream_seq_end(x) > d->next;
}

static bool ack_of_probe(struct stream_step *x)
{
	if (!x->s->probed[stream_other(x->dir)] || stream_ack(x) != x->to->next + 1)
		return false;
	(void)stream_odd(x, STREAM_EST_ACK_ZWP_DATA);
	return true;
}

static bool on_data(struct stream_step *x)
{
	struct stream_side *d = x->from;
	int64_t seq = stream_seq(x), end = stream_seq_end(x);
	bool short_one = x->p->payload.len <= 1;

	if (!ack_of_probe(x) && !stream_check_ack(x))
		return stream_odd(x, STREAM_EST_INVALID_ACK);
	if (x->dir == FLOW_TO_CLIENT && x->s->midstream_fresh) {
		x->s->midstream_fresh = false;
		d->window = (uint32_t)x->p->tcp.window << d->wscale;
		d->edge = d->acked + (int64_t)d->window;
	}
	if (!(short_one && seq == d->next - 1) && end < d->acked && !before_acked(x))
		return stream_odd(x, STREAM_EST_PKT_BEFORE_LAST_ACK);
	if (x->p->payload.len == 1 && seq == d->next && d->window == 0) { /* a probe */
		x->s->probed[x->dir] = true;
		stream_mark(x, STREAM_MARK_ZERO_WINDOW_PROBE);
		return stream_take(x);
	}
	if (end >= d->next)
		stream_next_set(x, d, end);
	if (!stream_in_window(x))
		return stream_odd(x, STREAM_EST_PACKET_OUT_OF_WINDOW);
	stream_window_set(x);
	stream_acked_raise(x->to, stream_ack(x));
	stream_take_timestamp(x);
	stream_sack_take(x);
	stream_edge_raise(x);
	return stream_take(x);
}

static bool on_established(struct stream_step *x)
{
	if (stream_has(x, TCP_FIN))
		return stream_on_fin(x);
	if (stream_is_synack(x->p))
		return synack_late(x);
	if (stream_has(x, TCP_SYN))
		return syn_late(x);
	if (!stream_has(x, TCP_ACK))
		return true; /* RFC 9293 3.10.7.4, fifth: dropped */
	if (!stream_check_timestamp(x))
		return false;
	x->s->confirmed = x->s->confirmed || x->dir == FLOW_TO_CLIENT;
	(void)on_data(x); /* Suricata does not count what is odd here as an error */
	return true;
}

static bool dispatch(struct stream_step *x, enum stream_state state);

/* Closed. Packets of an end that was only told to be gone go on where it was before. */
static bool on_closed(struct stream_step *x)
{
	if (stream_has(x, TCP_RST))
		return true;
	if (x->from->reset || !x->to->reset)
		return true;
	if (!dispatch(x, x->s->before == STREAM_CLOSED ? STREAM_ESTABLISHED : x->s->before))
		return false;
	if (x->s->state == STREAM_CLOSED)
		x->s->state = x->s->before;
	return true;
}

static bool dispatch(struct stream_step *x, enum stream_state state)
{
	if (state >= STREAM_ESTABLISHED && state != STREAM_CLOSED && stream_has(x, TCP_RST))
		return stream_on_reset(x);
	switch (state) {
	case STREAM_NONE:
		return stream_on_none(x);
	case STREAM_SYN_SENT:
		return stream_on_syn_sent(x);
	case STREAM_SYN_RECV:
		return stream_on_syn_recv(x);
	case STREAM_ESTABLISHED:
		return on_established(x);
	case STREAM_FIN_WAIT1:
		return stream_on_fin_wait1(x);
	case STREAM_FIN_WAIT2:
		return stream_on_fin_wait2(x);
	case STREAM_CLOSING:
		return stream_on_closing(x);
	case STREAM_CLOSE_WAIT:
		return stream_on_close_wait(x);
	case STREAM_LAST_ACK:
		return stream_on_last_ack(x);
	case STREAM_TIME_WAIT:
		return stream_on_time_wait(x);
	case STREAM_CLOSED:
		return on_closed(x);
	}
	return true;
}

/* A packet of an end that sent a RST before: the RST was not its own. */
static void after_reset(struct stream_step *x)
{
	if (stream_has(x, TCP_RST) || !x->to->reset)
		return;
	x->to->reset = false;
	x->s->reset = false;
	(void)stream_odd(x, STREAM_SUSPECTED_RST_INJECT);
}

/* All of it was acknowledged before. If it says the same again, rules have seen it. */
static void repeated(struct stream_step *x)
{
	int64_t at = stream_urgent_place(x->from, stream_seq(x));

	(void)stream_odd(x, STREAM_PKT_SPURIOUS_RETRANSMISSION);
	x->s->took_payload =
		at >= 0 && stream_bytes_same(&x->from->bytes, (uint64_t)at, x->p->payload);
}

static bool is_window_update(struct stream_step *x)
{
	if (!stream_is_window_update(x))
		return false;
	stream_mark(x, STREAM_MARK_WINDOW_UPDATE);
	return true;
}

/* Bytes of an end that sent a signed RST (RFC 2385 2.0): the receiver did not believe that. */
static void go_on_after_reset(struct stream_step *x)
{
	if (!x->to->reset || !x->from->eof || stream_has(x, TCP_RST) || x->p->payload.len == 0 ||
	    x->sink->again == NULL)
		return;
	x->from->eof = false;
	x->sink->again(x->sink->ctx, x->f, x->dir);
}

/* A packet of a session that is there. */
static bool on_session(struct stream_step *x)
{
	bool probe_ack, right;

	if (x->config->marks)
		stream_mark_before(x);
	if (stream_is_keep_alive(x)) {
		stream_mark(x, STREAM_MARK_KEEP_ALIVE);
		x->s->took_payload = true;
		return true;
	}
	if (stream_is_keep_alive_ack(x)) {
		stream_mark(x, STREAM_MARK_KEEP_ALIVE_ACK);
		return true;
	}
	x->from->keep_alive = false;
	probe_ack = stream_is_probe_ack(x);
	if (probe_ack)
		stream_mark(x, STREAM_MARK_ZERO_WINDOW_PROBE_ACK);
	if (!probe_ack && !stream_is_last_ack(x) && !is_window_update(x) &&
	    (stream_is_bad_window_update(x) || stream_is_outdated_ack(x)))
		probe_ack = true; /* nothing more to be learned from it */
	if (probe_ack) {
		x->s->probed[stream_other(x->dir)] = false;
		after_reset(x);
		return true;
	}
	if (x->p->payload.len != 0 && stream_seq_end(x) <= x->from->acked)
		repeated(x);
	go_on_after_reset(x);
	right = dispatch(x, x->s->state);
	x->s->probed[stream_other(x->dir)] = false;
	if (right)
		after_reset(x);
	return right;
}

/* ---- the module's functions ---- */

static void seen(struct stream_step *x)
{
	struct stream_session *s = x->s;

	s->seen[x->dir] = true;
	if (s->async && s->seen[0] && s->seen[1])
		s->async = false;
	s->took_payload = false;
	s->took_len = 0;
	s->packet_established = s->state >= STREAM_ESTABLISHED;
	x->from = &s->side[x->dir];
	x->to = &s->side[stream_other(x->dir)];
}

void stream_packet(const struct stream_config *config, struct flow *f, const struct packet *p,
		   enum flow_dir dir, const struct stream_sink *sink, struct stream_result *out)
{
	struct stream_step x = {.config = config,
				.f = f,
				.s = f->stream,
				.p = p,
				.sink = sink,
				.dir = dir,
				.out = out};

	*out = (struct stream_result){0};
	if (x.s != NULL)
		seen(&x);
	if (!stream_has(&x, TCP_ACK) && p->tcp.ack != 0)
		(void)stream_odd(&x, STREAM_PKT_BROKEN_ACK);
	if (stream_has(&x, TCP_URG) && config->in_line && config->urgent == STREAM_URGENT_DROP) {
		out->urgent = true;
		return;
	}
	if (x.s == NULL) {
		out->refused = !stream_on_none(&x);
		if (x.s != NULL) {
			x.s->seen[dir] = true;
			x.s->in_line = config->in_line;
		}
	} else {
		out->refused = !on_session(&x);
	}
	if (config->marks)
		stream_mark_after(&x);
	out->past_depth = x.s != NULL &&
			  (x.s->side[0].bytes.depth_reached || x.s->side[1].bytes.depth_reached);
}

static void no_data(void *ctx, struct flow *f, enum flow_dir dir, uint64_t offset,
		    struct slice bytes)
{
}

static void no_gap(void *ctx, struct flow *f, enum flow_dir dir, uint64_t offset, uint64_t missing)
{
}

static const struct stream_sink nobody = {.data = no_data, .gap = no_gap};

/* A closed session is not continued: of what is behind a hole the application gets only what the
 * receiver said that it has; without a RST it gets nothing else. */
static void flush_closed(struct stream_session *s, struct flow *f, enum flow_dir dir,
			 const struct stream_sink *sink)
{
	struct stream_side *d = &s->side[dir];
	int64_t acked = stream_urgent_place(d, d->acked);
	uint64_t known = acked < 0 ? 0 : (uint64_t)acked;
	uint64_t end = s->reset || known > d->bytes.right ? d->bytes.right : known;

	(void)stream_bytes_release(&d->bytes, end, known, f, dir, sink);
	stream_bytes_flush(&d->bytes, f, dir, &nobody); /* signatures look at the rest */
}

void stream_flush(struct flow *f, enum flow_dir dir, const struct stream_sink *sink)
{
	struct stream_session *s = f->stream;

	if (s == NULL || s->ended)
		return;
	s->packet_established = s->packet_established || s->state >= STREAM_ESTABLISHED;
	if (!s->side[dir].eof && s->state == STREAM_CLOSED)
		flush_closed(s, f, dir, sink);
	else if (!s->side[dir].eof && s->state >= STREAM_ESTABLISHED)
		stream_bytes_flush(&s->side[dir].bytes, f, dir, sink);
	eof(s, f, dir, sink);
}

void stream_end(struct flow *f)
{
	struct stream_session *s = f->stream;

	if (s == NULL || s->ended)
		return;
	s->ended = true;
	stream_bytes_done(&s->side[0].bytes);
	stream_bytes_done(&s->side[1].bytes);
}

bool stream_begins_anew(const struct stream_config *config, const struct flow *f,
			const struct packet *p, enum flow_dir dir)
{
	const struct stream_session *s = f->stream;
	bool synack = stream_is_synack(p);

	if ((p->tcp.flags & (TCP_RST | TCP_FIN)) != 0 ||
	    (!stream_is_syn(p) && !(synack && (config->midstream || config->async))))
		return false;
	if (s == NULL)
		return !synack || dir == FLOW_TO_SERVER;
	if (!synack && dir == FLOW_TO_SERVER && s->fastopen_refused)
		return true;
	/* a repetition of what it began with */
	if (dir == (synack ? FLOW_TO_CLIENT : FLOW_TO_SERVER) && s->side[dir].isn == p->tcp.seq)
		return false;
	return s->state >= STREAM_LAST_ACK;
}

enum stream_state stream_state_of(const struct flow *f)
{
	return f->stream == NULL ? STREAM_NONE : f->stream->state;
}

const char *stream_state_text(enum stream_state state)
{
	static const char *const names[] = {
		[STREAM_NONE] = "none",
		[STREAM_SYN_SENT] = "syn_sent",
		[STREAM_SYN_RECV] = "syn_recv",
		[STREAM_ESTABLISHED] = "established",
		[STREAM_FIN_WAIT1] = "fin_wait1",
		[STREAM_FIN_WAIT2] = "fin_wait2",
		[STREAM_TIME_WAIT] = "time_wait",
		[STREAM_LAST_ACK] = "last_ack",
		[STREAM_CLOSE_WAIT] = "close_wait",
		[STREAM_CLOSING] = "closing",
		[STREAM_CLOSED] = "closed",
	};

	return names[state];
}

const char *stream_state_name(const struct flow *f)
{
	return stream_state_text(stream_state_of(f));
}

bool stream_was_established(const struct flow *f)
{
	return f->stream != NULL && f->stream->packet_established;
}

bool stream_took_payload(const struct flow *f)
{
	return f->stream != NULL && f->stream->took_payload;
}

void stream_pass_over(struct flow *f)
{
	if (f->stream != NULL)
		f->stream->took_payload = false;
}

uint64_t stream_bytes(const struct flow *f, enum flow_dir dir)
{
	int64_t next = f->stream == NULL ? 0 : f->stream->side[dir].next;

	return next < 0 ? 0 : (uint64_t)next;
}

uint32_t stream_regions(const struct flow *f, enum flow_dir dir)
{
	return f->stream == NULL ? 0 : f->stream->side[dir].bytes.far_holes + 1;
}

bool stream_has_gap(const struct flow *f, enum flow_dir dir)
{
	return f->stream != NULL && f->stream->side[dir].gap;
}

bool stream_is_picked_up(const struct flow *f)
{
	return f->stream != NULL && f->stream->midstream && !f->stream->midstream_synack;
}

void stream_swap(struct flow *f)
{
	struct stream_session *s = f->stream;
	struct stream_side side;
	bool probed, seen_first;

	if (s == NULL)
		return;
	side = s->side[0];
	s->side[0] = s->side[1];
	s->side[1] = side;
	probed = s->probed[0];
	s->probed[0] = s->probed[1];
	s->probed[1] = probed;
	seen_first = s->seen[0];
	s->seen[0] = s->seen[1];
	s->seen[1] = seen_first;
}

bool stream_is_inline(const struct flow *f)
{
	return f->stream != NULL && f->stream->in_line;
}

struct slice stream_around(const struct flow *f, enum flow_dir dir, size_t chunk)
{
	const struct stream_session *s = f->stream;
	struct slice run;
	uint64_t at;
	size_t before, after, most;

	if (s == NULL || s->took_len == 0)
		return (struct slice){NULL, 0};
	run = stream_store_around(&s->side[dir].bytes.store, s->took_at, &at);
	before = (size_t)(s->took_at - at);
	if (run.len < before + s->took_len)
		return (struct slice){NULL, 0};
	after = run.len - before - s->took_len;
	most = s->took_len > chunk / 3 * 2 ? chunk / 3 : chunk - s->took_len;
	if (before + after > most) { /* evenly, but what one side does not need is the other's */
		size_t half = most / 2;

		if (after < half)
			before = most - after;
		else if (before < half)
			after = most - before;
		else
			before = after = half;
	}
	return slice_part(run, (size_t)(s->took_at - at) - before, before + s->took_len + after);
}

void stream_rewrite(const struct flow *f, enum flow_dir dir, uint8_t *payload)
{
	const struct stream_session *s = f->stream;
	uint64_t at = s->took_at, end = s->took_at + s->took_len, begin;
	struct slice have;

	while (at < end) {
		have = stream_store_next(&s->side[dir].bytes.store, at, &begin);
		if (have.ptr == NULL || begin >= end)
			return;
		have = slice_part(have, 0, (size_t)(end - begin));
		memcpy(payload + s->took_from + (begin - s->took_at), have.ptr, have.len);
		at = begin + have.len;
	}
}

struct slice stream_window(const struct flow *f, enum flow_dir dir, uint64_t *out_offset)
{
	*out_offset = 0;
	if (f->stream == NULL)
		return (struct slice){NULL, 0};
	return stream_store_before(&f->stream->side[dir].bytes.store,
				   f->stream->side[dir].bytes.released, out_offset);
}

struct slice stream_held(const struct flow *f, enum flow_dir dir, uint64_t at, uint64_t *out_at)
{
	const struct stream_bytes *b;
	struct slice bytes;

	if (f->stream == NULL)
		return (struct slice){NULL, 0};
	b = &f->stream->side[dir].bytes;
	bytes = stream_store_next(&b->store, at, &at);
	if (bytes.ptr == NULL || at >= b->released)
		return (struct slice){NULL, 0};
	*out_at = at;
	return slice_part(bytes, 0,
			  b->released - at < bytes.len ? (size_t)(b->released - at) : bytes.len);
}

uint64_t stream_held_from(const struct flow *f, enum flow_dir dir)
{
	return f->stream == NULL ? 0 : f->stream->side[dir].bytes.store.base;
}
