/* SPDX-License-Identifier: Apache-2.0
 *
 * One worker looks at packets and streams. txs.c looks at transactions.
 *
 * 1. A packet rule is asked once for a packet, a stream rule once for a chunk.
 * 2. detect_flow.raw[dir] only grows; bytes before it are never looked at again.
 * 3. What matched waits in the queue (queue.c) until the packet is through.
 */
#include "sensor/detect/detect_priv.h"
#include "sensor/stream/stream.h"

enum status detect_worker_new(const struct detect_rules *r, struct detect_shared *shared,
			      struct arena *process, struct arena_pool *pool,
			      struct detect_sink sink, struct detect_worker **out, struct fail *why)
{
	struct detect_worker *w = ARENA_NEW(process, struct detect_worker);
	struct detect_gear *gear;
	enum status st;

	if (w == NULL ||
	    (shared == NULL && !detect_memory_init(&w->memory, process, DETECT_MEMORY_MAX)))
		return fail_set(why, ST_NOMEM, "no memory for a worker");
	w->shared = shared;
	w->sink = sink;
	w->alerts_max = DETECT_ALERTS;
	w->work_left = DETECT_WORK_PACKET;
	w->scratch.pool = pool;
	w->packet_arena.pool = pool;
	if (!detect_dataset_changes_new(&w->changes, process, pool))
		return fail_set(why, ST_NOMEM, "no memory for a worker");
	st = detect_gear_new(r, false, &gear, why);
	if (st != ST_OK)
		return st;
	detect_worker_equip(w, gear);
	*out = w;
	return ST_OK;
}

void detect_worker_free(struct detect_worker *w)
{
	if (w == NULL)
		return;
	detect_gear_free(w->gear);
	w->gear = NULL;
	arena_reset(&w->scratch);
	arena_reset(&w->packet_arena);
	arena_reset(&w->changes.arena);
}

const struct detect_counters *detect_worker_counters(const struct detect_worker *w)
{
	return &w->counters;
}

void detect_stream_events(struct detect_worker *w, const struct stream_events *events)
{
	w->stream_events = *events;
}

/* Suricata's meaning: TCP after the handshake; else once both sides have sent. */
static bool established(const struct flow *f)
{
	if (f->proto == IP_PROTO_TCP)
		return stream_was_established(f);
	return f->side[FLOW_TO_SERVER].pkts != 0 && f->side[FLOW_TO_CLIENT].pkts != 0;
}

void detect_view_of(struct detect_view *v, struct detect_worker *w, const struct packet *p,
		    struct flow *f, enum flow_dir dir)
{
	*v = (struct detect_view){.worker = w, .packet = p, .flow = f, .dir = dir};
	w->views++; /* wraps after 2^32 views: an answer that old is of the same place by then */
	if (f != NULL) {
		bool up = dir == FLOW_TO_SERVER;

		/* without memory it keeps what it has: rules look no further than that */
		if (f->detect != NULL && f->detect->version != w->rules->version &&
		    !detect_flow_fit(f->detect, w->rules, &f->arena))
			f->detect->version = w->rules->version;
		v->src = up ? &f->client : &f->server;
		v->dst = up ? &f->server : &f->client;
		v->sport = up ? f->client_port : f->server_port;
		v->dport = up ? f->server_port : f->client_port;
		v->proto = f->proto;
		v->now = f->last;
		v->established = established(f);
	}
	/* an ICMP error is of the flow that it is about, but no packet between its ends */
	if (p != NULL && p->ip_version != 0 && (f == NULL || p->proto != f->proto)) {
		v->src = &p->src;
		v->dst = &p->dst;
		v->sport = p->sport;
		v->dport = p->dport;
		v->proto = p->proto;
	}
	if (p != NULL)
		v->now = p->at;
}

static bool flow_holds(uint16_t flags, const struct detect_view *v)
{
	if ((flags & FLOWKW_TO_SERVER) != 0 && (v->flow == NULL || v->dir != FLOW_TO_SERVER))
		return false;
	if ((flags & FLOWKW_TO_CLIENT) != 0 && (v->flow == NULL || v->dir != FLOW_TO_CLIENT))
		return false;
	if ((flags & FLOWKW_ONLY_STREAM) != 0 && v->proto == IP_PROTO_TCP && !v->stream)
		return false; /* a payload that the stream did not take is none */
	if ((flags & FLOWKW_ESTABLISHED) != 0 && !v->established)
		return false;
	if ((flags & (FLOWKW_ONLY_FRAG | FLOWKW_NO_FRAG)) != 0 && v->packet != NULL &&
	    v->packet->rebuilt != ((flags & FLOWKW_ONLY_FRAG) != 0))
		return false;
	return (flags & FLOWKW_NOT_ESTABLISHED) == 0 || !v->established;
}

static bool addrs_hold(const struct rule_addr_set *s, const struct addr *a,
		       const struct detect_view *v)
{
	struct detect_worker *w = v->worker;
	struct detect_held *h = &w->held[((uintptr_t)s >> 5) % DETECT_HELD_MAX];
	unsigned side = a == v->dst;

	if (s->any)
		return true;
	if (h->set != s)
		*h = (struct detect_held){.set = s, .asked = {w->views - 1, w->views - 1}};
	if (h->asked[side] != w->views) {
		h->asked[side] = w->views;
		h->holds[side] = rule_addrs_hold(s, a);
	}
	return h->holds[side];
}

/* `turned`: the view's source as destination. */
static bool ends_hold(const struct rule *r, const struct detect_view *v, bool turned)
{
	uint16_t sport = turned ? v->dport : v->sport, dport = turned ? v->sport : v->dport;

	return (r->dport->any || rule_ports_hold(r->dport, dport)) &&
	       (r->sport->any || rule_ports_hold(r->sport, sport)) &&
	       addrs_hold(r->dst, turned ? v->src : v->dst, v) &&
	       addrs_hold(r->src, turned ? v->dst : v->src, v);
}

static bool app_holds(const struct detect_rule *r, const struct detect_view *v)
{
	int i = v->flow == NULL || v->flow->app == NULL || v->flow->app->protocol == NULL
			? -1
			: detect_protocol_index(v->flow->app->protocol);

	return i >= 0 && (r->apps >> i & 1) != 0;
}

static bool packet_list_holds(const struct detect_rule *r, const struct detect_list *l,
			      const struct detect_view *v)
{
	struct arena *scratch = &v->worker->scratch;
	struct slice s = l->buffer->packet->bytes(v, scratch);

	if (s.ptr == NULL)
		return l->if_absent;
	s = detect_buffer_transform(l->buffer, s, v->worker);
	return s.ptr != NULL && detect_inspect_list(r, l, s, v);
}

bool detect_header_holds(const struct detect_rule *r, const struct detect_view *v)
{
	if (v->worker->costs != NULL)
		v->worker->costs[r->order].asked++;
	if (v->src == NULL) { /* no IP: only a rule about the decoder can mean it */
		if (!r->any_proto || r->test_count == 0)
			return false;
	} else {
		if (!r->any_proto && (r->protos[v->proto / 64] >> v->proto % 64 & 1) == 0)
			return false;
		if (r->ip_version != 0 && r->ip_version != v->src->family)
			return false;
		if (r->flow_flags != 0 && !flow_holds(r->flow_flags, v))
			return false;
		if (r->app_only && !app_holds(r, v))
			return false;
		if (r->rule->transactional && v->dir == FLOW_TO_CLIENT) {
			if (!ends_hold(r->rule, v, true))
				return false;
		} else if (!ends_hold(r->rule, v, false) &&
			   !(r->rule->both_ways && ends_hold(r->rule, v, true)))
			return false;
	}
	for (uint32_t i = 0; i < r->test_count; i++)
		if (!r->tests[i].kw->test(r->tests[i].operand, v))
			return false;
	if (r->has_vars) /* one buffer's may be another's limit */
		memset(v->worker->numbers, 0, sizeof v->worker->numbers);
	for (uint32_t i = 0; i < r->packet_list_count; i++)
		if (!packet_list_holds(r, &r->packet_lists[i], v))
			return false;
	return true;
}

void detect_fire(const struct detect_rule *r, const struct detect_view *v)
{
	for (uint32_t i = 0; i < r->after_count; i++)
		r->after[i].kw->after(r->after[i].operand, v);
	if (r->after_count != 0 || v->worker->captured_count != 0)
		v->worker->remembered = true;
	if (v->worker->captured_count != 0)
		detect_captures_keep(v);
	detect_queue_add(v->worker, r, v);
}

struct slice detect_buffer_transform(const struct detect_buffer *b, struct slice bytes,
				     struct detect_worker *w)
{
	for (uint8_t i = 0; i < b->transforms && bytes.ptr != NULL; i++) {
		const struct detect_transform *t = &b->transform[i];

		bytes = t->pcre != NULL ? detect_pcre_group(t->pcre, w->pcre, bytes)
					: t->run(t->operand, bytes, &w->scratch);
	}
	return bytes;
}

static void rule_ask(struct detect_worker *w, const struct detect_rule *r,
		     const struct detect_view *v)
{
	w->captured_count = 0;
	if (!detect_header_holds(r, v))
		return;
	if (r->payload_list >= 0) {
		w->counters.evaluated++;
		if (v->payload.len == 0 ||
		    !detect_inspect_list(r, &r->lists[r->payload_list], v->payload, v))
			return;
	}
	detect_fire(r, v);
}

/* Asks each candidate; they are about v's packet or stream bytes. */
static void candidates_ask(struct detect_worker *w, const struct detect_view *v)
{
	detect_candidates_sort(&w->candidates);
	w->counters.candidates += w->candidates.count;
	for (size_t i = 0; i < w->candidates.count; i++)
		rule_ask(w, &w->rules->rules[w->candidates.items[i]], v);
	arena_reset(&w->scratch);
}

static bool reads(uint8_t use)
{
	return use == USE_READ || use == USE_READ_SET;
}

static bool has_matched(const struct detect_worker *w, const struct detect_rule *r)
{
	for (size_t i = 0; i < w->queued; i++)
		if (w->queue[i].rule == r)
			return true;
	return false;
}

/* A rule on the stream has set a bit: those on the packet that ask for bits, and have not matched,
 * are asked again. Which of the two is about packets does not change their order. */
static void packet_ask_again(struct detect_worker *w, const struct packet *p, struct flow *f,
			     enum flow_dir dir)
{
	struct detect_view v;

	detect_view_of(&v, w, p, f, dir);
	v.payload = p->payload;
	detect_candidates_reset(&w->candidates);
	detect_prefilter_payload(w->rules->prefilter, false, v.proto, &v, &w->seen, &w->candidates);
	detect_candidates_sort(&w->candidates);
	for (size_t i = 0; i < w->candidates.count; i++) {
		const struct detect_rule *r = &w->rules->rules[w->candidates.items[i]];

		if ((reads(r->bit_use) || reads(r->int_use) || reads(r->var_use) ||
		     reads(r->packet_var_use) || reads(r->host_use) || reads(r->pair_use)) &&
		    !has_matched(w, r))
			rule_ask(w, r, &v);
	}
	arena_reset(&w->scratch);
}

/* Rules about addresses alone are asked at the first packet of each direction. */
static void addresses_add(struct detect_worker *w, const struct detect_view *v)
{
	const struct detect_prefilter *p = w->rules->prefilter;
	struct detect_flow *d;

	if (v->src == NULL)
		return;
	if (v->flow != NULL) {
		d = detect_flow_state(v);
		if (d == NULL || (d->addresses_done >> v->dir & 1) != 0)
			return;
		d->addresses_done |= (uint8_t)(1U << v->dir);
	}
	detect_addresses_ask(&p->address, v->src, v->dst, &w->candidates);
}

/* The application said that what follows is not worth looking at (encrypted). */
static bool opaque(const struct flow *f)
{
	return f != NULL && f->app != NULL && f->app->stop_inspecting;
}

void detect_packet(struct detect_worker *w, const struct packet *p, struct flow *f,
		   enum flow_dir dir)
{
	const struct detect_prefilter *pre = w->rules->prefilter;
	struct detect_view v;

	w->counters.packets++;
	w->vars = NULL;
	w->var_bytes = 0;
	if (w->packet_arena.blocks != NULL)
		arena_reset(&w->packet_arena);
	if (f == NULL || !f->no_inspect) {
		detect_view_of(&v, w, p, f, dir);
		if (!opaque(f))
			v.payload = p->payload;
		detect_candidates_reset(&w->candidates);
		addresses_add(w, &v);
		detect_prefilter_payload(pre, false, v.proto, &v, &w->seen, &w->candidates);
		if (v.proto == IP_PROTO_TCP && v.payload.len != 0 &&
		    (f == NULL || !stream_took_payload(f)))
			detect_prefilter_payload(pre, true, v.proto, &v, &w->seen, &w->candidates);
		candidates_ask(w, &v);
	}
	w->stream_events = (struct stream_events){0};
}

/* Has a transaction been completed since the last look? Then the stream is looked at now
 * rather than when a chunk is full, as Suricata's parsers trigger it. */
static bool tx_progressed(struct detect_flow *d, const struct flow *f, enum flow_dir dir)
{
	const struct app_flow *a = f->app;
	uint64_t seen;

	if (a == NULL || a->protocol == NULL || a->protocol->stream_in_chunks)
		return false;
	seen = a->next_tx_id;
	if (a->last != NULL && a->last->progress[dir] < a->protocol->complete[dir])
		seen--;
	if (seen == d->txs_seen[dir])
		return false;
	d->txs_seen[dir] = seen;
	return true;
}

static void stream_ask(struct detect_worker *w, struct detect_view *v, struct slice bytes)
{
	v->stream = true;
	v->payload = bytes;
	detect_candidates_reset(&w->candidates);
	detect_prefilter_payload(w->rules->prefilter, true, IP_PROTO_TCP, v, &w->seen,
				 &w->candidates);
	candidates_ask(w, v);
}

/* Inline, every packet is looked at with what is around it: it may be the one to stop. */
static void inline_look(struct detect_worker *w, struct detect_view *v)
{
	struct slice bytes = stream_around(v->flow, v->dir, w->rules->bounds.chunk[v->dir]);

	if (bytes.len != 0 && !opaque(v->flow))
		stream_ask(w, v, bytes);
}

/* Bytes before a gap, up to offset `to`, that were not looked at: piece by piece. */
static void pieces_ask(struct detect_worker *w, struct detect_view *v, uint64_t at, uint64_t to)
{
	uint64_t begin;

	for (;;) {
		struct slice piece = stream_held(v->flow, v->dir, at, &begin);

		if (piece.ptr == NULL || begin >= to)
			return;
		piece = slice_part(piece, 0,
				   to - begin < piece.len ? (size_t)(to - begin) : piece.len);
		stream_ask(w, v, piece);
		at = begin + piece.len;
	}
}

void detect_stream(struct detect_worker *w, const struct packet *p, struct flow *f,
		   enum flow_dir dir, bool last)
{
	struct detect_flow *d;
	struct detect_view v;
	struct slice bytes;
	uint64_t from;
	bool now;

	if (f->no_inspect || f->stream == NULL)
		return;
	detect_view_of(&v, w, p, f, dir);
	d = detect_flow_state(&v);
	if (d == NULL)
		return;
	w->remembered = false;
	if (stream_is_inline(f)) {
		if (p != NULL)
			inline_look(w, &v);
		if (p != NULL && w->remembered)
			packet_ask_again(w, p, f, dir);
		return;
	}
	bytes = stream_window(f, dir, &from);
	if (d->raw[dir] > from) {
		bytes = slice_from(bytes, (size_t)(d->raw[dir] - from));
	} else {
		if (!opaque(f))
			pieces_ask(w, &v, d->raw[dir], from);
		d->raw[dir] = from;
	}
	now = tx_progressed(d, f, dir) || last || bytes.len >= w->rules->bounds.chunk[dir];
	if (bytes.len == 0 || !now)
		return;
	d->raw[dir] += bytes.len;
	if (opaque(f))
		return;
	stream_ask(w, &v, bytes);
	if (p != NULL && w->remembered)
		packet_ask_again(w, p, f, dir);
}
