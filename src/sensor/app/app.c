/* SPDX-License-Identifier: Apache-2.0
 *
 * The life of a flow's application layer.
 *
 *	PROBING --start()--> PARSING --give_up()--> GIVEN_UP
 *	 | \________________give_up()________________/
 *	 \__start_over(), after app_change()__/
 *
 * Invariants:
 *  1. While probing, held[d] is every byte direction d has sent (since its last gap), turns say in
 *     which order; no parser has seen any of them. A datagram is never held.
 *  2. The protocol chosen is the first of the table that says YES while all before it say NO, so
 *     it does not depend on how the bytes were cut.
 *  3. Each byte is given to the parser until it is eaten, in order, and never after.
 *  4. A tx is freed by app_tx_sweep() or app_flow_end() only, never while a direction of it is
 *     incomplete in the former. A parser therefore keeps pointers to incomplete txs only, and to
 *     pinned ones, which it is asked to let go of.
 *     Those that were held while probing it gets as if they came only now, turn by turn.
 *  5. A direction that ended, or a flow that was given up, has no incomplete tx in it, and no
 *     open file.
 */
#include "sensor/app/app_priv.h"

enum {
	PIECE_BYTES = 64 << 10, /* larger inputs are cut: bounds what is held, changes nothing */
	TURNS_FIRST = 2,
	HELD_FEW = 512,	 /* bytes that are held in one block with what describes them */
	HELD_LEAST = 32, /* room there: who sends byte by byte does not have it grow each time */
};

const char *const app_events[] = {
	[APP_EVENT_MISMATCH] = "APPLAYER_MISMATCH_PROTOCOL_BOTH_DIRECTIONS",
	[APP_EVENT_WRONG_DIRECTION] = "APPLAYER_WRONG_DIRECTION_FIRST_DATA",
	[APP_EVENT_ONE_DIRECTION] = "APPLAYER_DETECT_PROTOCOL_ONLY_ONE_DIRECTION",
	[APP_EVENT_SKIPPED] = "APPLAYER_PROTO_DETECTION_SKIPPED",
	[APP_EVENT_NO_TLS] = "APPLAYER_NO_TLS_AFTER_STARTTLS",
	[APP_EVENT_UNEXPECTED] = "APPLAYER_UNEXPECTED_PROTOCOL",
	[APP_EVENTS] = NULL,
};

static void say(struct app_flow *f, enum app_event e)
{
	f->events |= (uint8_t)(1u << e);
}

static bool is_port_of(const struct app_protocol *p, const struct app_flow *f)
{
	const struct app_ports *ports =
		f->setup->ports[app_protocol_index(p)][f->transport == APP_UDP];

	if (ports != NULL)
		return app_ports_have(ports, f->server_port) ||
		       app_ports_have(ports, f->client_port);
	for (const uint16_t *port = p->ports; port != NULL && *port != 0; port++)
		if (*port == f->server_port || *port == f->client_port)
			return true;
	return false;
}

static enum app_dir other_dir(enum app_dir d)
{
	return d == APP_TO_SERVER ? APP_TO_CLIENT : APP_TO_SERVER;
}

/* YES or YES_OTHER: *out is what it is. */
static enum app_probe probe_all(const struct app_flow *f, enum app_dir dir, struct slice input,
				bool last, const struct app_protocol **out)
{
	if (input.len >= APP_PROBE_BYTES_MAX)
		last = true;
	input = slice_part(input, 0, APP_PROBE_BYTES_MAX);
	for (size_t i = 0; app_protocols[i] != NULL; i++) {
		const struct app_protocol *p = app_protocols[i];
		enum app_probe r;

		if ((p->transports & f->transport) == 0 || (f->setup->off >> i & 1) != 0 ||
		    (f->setup->off_over[f->transport == APP_UDP] >> i & 1) != 0)
			continue;
		r = p->probe(f, dir, input, is_port_of(p, f));
		if (r == APP_YES || r == APP_YES_OTHER) {
			*out = p;
			return r;
		}
		if (r == APP_NEED_MORE && !last)
			return APP_NEED_MORE;
	}
	return APP_NO;
}

/* What direction dir says. Where nobody saw how the flow began, words of the other direction are
 * asked for, too. */
static enum app_probe probe_first(const struct app_flow *f, enum app_dir dir, struct slice input,
				  bool last, const struct app_protocol **out)
{
	enum app_probe r = probe_all(f, dir, input, last, out);

	if (r != APP_NO || f->swap != APP_SWAP_PICKED)
		return r;
	r = probe_all(f, other_dir(dir), input, last, out);
	return r == APP_YES ? APP_YES_OTHER : r == APP_YES_OTHER ? APP_YES : r;
}

void app_exchange_silence(struct app_flow *f, uint64_t exchange)
{
	if (f->silenced == NULL)
		f->silenced = ARENA_ARRAY(f->arena, uint64_t, APP_SILENCED_MAX);
	if (f->silenced == NULL)
		return; /* it will be said */
	memmove(&f->silenced[1], &f->silenced[0], (APP_SILENCED_MAX - 1) * sizeof *f->silenced);
	f->silenced[0] = exchange;
}

void app_tx_exchange(struct app_flow *f, struct app_tx *tx, uint64_t exchange)
{
	tx->exchange = exchange;
	for (size_t i = 0; f->silenced != NULL && i < APP_SILENCED_MAX; i++) {
		if (f->silenced[i] != exchange)
			continue;
		f->silenced[i] = 0;
		tx->logged = true;
		return;
	}
}

void app_tx_advance(struct app_tx *tx, enum app_dir dir, uint8_t progress)
{
	if (tx->progress[dir] < progress)
		tx->progress[dir] = progress;
}

static void complete(struct app_flow *f, enum app_dir dir)
{
	for (struct app_tx *tx = f->first; tx != NULL; tx = tx->next) {
		file_set_close(&tx->files[dir], FILE_TRUNCATED);
		app_tx_advance(tx, dir, f->protocol->complete[dir]);
	}
}

static struct slice held(const struct app_flow *f, enum app_dir dir)
{
	return f->held[dir] != NULL ? buf_slice(&f->held[dir]->bytes) : (struct slice){NULL, 0};
}

static void held_free(struct app_held *h)
{
	struct arena a;

	if (h == NULL)
		return;
	a = h->arena; /* h lies in it */
	arena_reset(&a);
}

static void drop_held(struct app_flow *f, enum app_dir dir)
{
	held_free(f->held[dir]);
	f->held[dir] = NULL;
	f->want[dir] = 0;
}

/* Memory for what is held, with the first bytes beside it if they are few. NULL: none. */
static struct app_held *held_new(struct app_flow *f, struct slice bytes)
{
	struct arena a = {.pool = f->pool};
	size_t few = bytes.len > HELD_LEAST ? bytes.len : HELD_LEAST;
	size_t room = few <= HELD_FEW ? few : 0;
	struct app_held *h = arena_alloc(&a, sizeof *h + room, _Alignof(struct app_held), 1);

	if (h == NULL)
		return NULL;
	h->arena = a;
	h->bytes = (struct buf){.arena = &h->arena,
				.ptr = room != 0 ? (uint8_t *)(h + 1) : NULL,
				.room = room,
				.most = APP_HELD_BYTES_MAX};
	return h;
}

/* False: there is no room for all of them; the flow is to be given up. */
static bool hold(struct app_flow *f, enum app_dir dir, struct slice bytes)
{
	struct app_held *h = f->held[dir];

	if (bytes.len == 0)
		return true;
	if (h == NULL)
		h = f->held[dir] = held_new(f, bytes);
	if (h == NULL)
		return false;
	buf_add(&h->bytes, bytes);
	return !h->bytes.full;
}

/* Would the parser say once more that it needs more? `in` is all it has not eaten, of which `bytes`
 * are new. Without this, a message that comes byte by byte is read as often as it has bytes. */
static bool is_waiting(const struct app_flow *f, enum app_dir dir, struct slice in,
		       struct slice bytes)
{
	if (in.len >= f->want[dir])
		return false;
	return !f->or_line[dir] || (memchr(bytes.ptr, '\n', bytes.len) == NULL &&
				    memchr(bytes.ptr, '\r', bytes.len) == NULL);
}

/* The protocol, or that there is none, is known: is it what was agreed on? */
static void compare_expected(struct app_flow *f)
{
	if (f->before == NULL || f->expected == NULL ||
	    (f->protocol != NULL && strcmp(f->expected, f->protocol->name) == 0))
		return;
	if (strcmp(f->expected, "tls") == 0)
		say(f, APP_EVENT_NO_TLS);
	if (f->protocol != NULL)
		say(f, APP_EVENT_UNEXPECTED);
}

static void give_up(struct app_flow *f)
{
	f->turns = (struct app_turns){0};
	if (f->protocol == NULL)
		compare_expected(f);
	f->state = APP_GIVEN_UP;
	for (enum app_dir d = APP_TO_SERVER; d <= APP_TO_CLIENT; d++) {
		drop_held(f, d);
		if (f->protocol != NULL)
			complete(f, d);
	}
}

/* Of what is held only the last `left` bytes, at least one, stay. */
static void held_eaten(struct app_held *h, size_t left)
{
	if (left == h->bytes.len)
		return;
	memmove(h->bytes.ptr, h->bytes.ptr + (h->bytes.len - left), left);
	h->bytes.len = left;
}

/* Gives the parser what is held and `bytes` behind it; holds what it leaves. */
static void feed(struct app_flow *f, enum app_dir dir, struct slice bytes, bool eof)
{
	struct slice in = bytes;
	struct app_result r;

	if (f->protocol->parse == NULL || f->detect_only || f->stop_inspecting) {
		f->consumed[dir] += app_held_bytes(f, dir) + bytes.len;
		drop_held(f, dir);
		return;
	}
	if (f->held[dir] != NULL) {
		if (!hold(f, dir, bytes)) {
			give_up(f);
			return;
		}
		in = held(f, dir);
	}
	app_frames_take(f, dir, in);
	if (!eof && f->want[dir] != 0 && is_waiting(f, dir, in, bytes))
		return; /* want is only set while something is held */
	f->want[APP_TO_SERVER] = f->want[APP_TO_CLIENT] =
		0; /* what is read here may matter there */
	r = f->protocol->parse(f, dir, in, eof);
	ASSERT(r.used <= in.len);
	f->consumed[dir] += r.used;
	if (f->changing && r.verdict == APP_OK) {
		complete(f, APP_TO_SERVER);
		complete(f, APP_TO_CLIENT);
	}
	if (r.verdict == APP_STUCK) {
		give_up(f);
		return;
	}
	for (enum app_dir d = APP_TO_SERVER; d <= APP_TO_CLIENT; d++)
		if (f->eof[d] && (d != dir || eof))
			complete(f, d);
	if (r.used != 0)
		f->joined[dir] = false;
	if (r.used == in.len || eof) {
		if (f->held[dir] != NULL)
			drop_held(f, dir);
		return;
	}
	if (f->held[dir] == NULL && !hold(f, dir, slice_from(in, r.used))) {
		give_up(f);
		return;
	}
	held_eaten(f->held[dir], in.len - r.used);
	f->want[dir] = r.want < UINT32_MAX ? (uint32_t)r.want : UINT32_MAX;
	f->or_line[dir] = r.or_line;
}

static void end_direction(struct app_flow *f, enum app_dir dir)
{
	if (f->state != APP_PARSING)
		return;
	if (f->changing) { /* nothing of the next protocol came */
		complete(f, dir);
		return;
	}
	feed(f, dir, (struct slice){NULL, 0}, true);
	complete(f, dir); /* feed() does not ask a parser that wants no more */
}

/* NULL: no memory. Most flows are known after one turn of each side. */
static struct app_turn *turn_new(struct app_flow *f, enum app_dir dir)
{
	struct app_turns *s = &f->turns;
	size_t room = s->room;

	if (s->items == NULL) {
		s->items = ARENA_ARRAY(f->arena, struct app_turn, TURNS_FIRST);
		room = s->items != NULL ? TURNS_FIRST : 0;
	}
	if (!ARENA_PUSH(f->arena, s->items, s->count, room,
			((struct app_turn){.dir = (uint8_t)dir})))
		return NULL;
	s->room = (uint32_t)room; /* at most twice APP_TURNS_MAX */
	return &s->items[s->count - 1];
}

/* The turn of direction dir that is still going on, or a new one. Past APP_TURNS_MAX its last one.
 * NULL: no memory. */
static struct app_turn *turn_of(struct app_flow *f, enum app_dir dir)
{
	struct app_turns *s = &f->turns;
	size_t i = s->count;

	if (i != 0 && s->items[i - 1].dir == dir && !s->items[i - 1].eof)
		return &s->items[i - 1];
	if (i < APP_TURNS_MAX)
		return turn_new(f, dir);
	while (s->items[i - 1].dir != dir)
		i--;
	return &s->items[i - 1];
}

/* All that was held goes through app_data() and its like once more, now that the protocol is known:
 * each turn behind the one before it, so that the parser sees what it would have seen. */
static void replay(struct app_flow *f)
{
	struct app_turns turns = f->turns;
	struct app_held *memory[2] = {f->held[0], f->held[1]};
	struct slice left[2] = {held(f, APP_TO_SERVER), held(f, APP_TO_CLIENT)};
	bool swapped = f->swapped;

	f->turns = (struct app_turns){0};
	f->swapped = false; /* its directions are the new ones */
	f->replays++;
	f->again = true;
	for (enum app_dir d = APP_TO_SERVER; d <= APP_TO_CLIENT; d++) {
		f->held[d] = NULL;
		f->want[d] = 0;
	}
	for (size_t i = 0; i < turns.count; i++)
		if (turns.items[i].eof)
			f->eof[turns.items[i].dir] = false;
	for (enum app_dir d = APP_TO_SERVER; d <= APP_TO_CLIENT; d++)
		if (f->eof[d]) /* before anything was said */
			end_direction(f, d);
	for (size_t i = 0; i < turns.count; i++) {
		const struct app_turn *t = &turns.items[i];

		app_gap(f, t->dir, t->lost);
		app_data(f, t->dir, slice_part(left[t->dir], 0, t->bytes));
		left[t->dir] = slice_from(left[t->dir], t->bytes);
		if (t->eof)
			app_eof(f, t->dir);
	}
	f->swapped = swapped;
	f->replays--;
	f->again = false; /* what is left of a replay around this one is not heard yet */
	for (enum app_dir d = APP_TO_SERVER; d <= APP_TO_CLIENT; d++)
		held_free(memory[d]);
}

/* The protocol is known: its parser gets what was held. */
static void start(struct app_flow *f, const struct app_protocol *p)
{
	f->protocol = p;
	f->own = f->setup->of[app_protocol_index(p)];
	f->detect_only = (f->setup->detect_only >> app_protocol_index(p) & 1) != 0;
	f->state = APP_PARSING;
	if (p->parser_bytes != 0)
		f->parser = arena_alloc(f->arena, p->parser_bytes, _Alignof(max_align_t), 1);
	if ((p->parser_bytes != 0 && f->parser == NULL) || f->replays == APP_REPLAYS_MAX)
		give_up(f);
	else
		replay(f);
}

/* The first bytes of who is asked, kept for more. False: no memory, so nobody is asked. */
static bool hear(struct app_flow *f, struct slice bytes)
{
	f->heard = ARENA_NEW(f->arena, struct buf);
	if (f->heard == NULL)
		return false;
	*f->heard = buf_in(f->arena);
	f->heard->most = (size_t)2 * APP_PROBE_BYTES_MAX;
	buf_add(f->heard, bytes);
	return true;
}

/* First bytes of the direction that has not told its protocol: they go to the parser all the same,
 * for data went there already. */
static void listen(struct app_flow *f, enum app_dir dir, struct slice bytes, bool last)
{
	const struct app_protocol *p = f->protocol;
	struct slice in = bytes;
	enum app_probe r;

	if (f->heard != NULL) {
		buf_add(f->heard, slice_part(bytes, 0, APP_PROBE_BYTES_MAX));
		in = buf_slice(f->heard);
		last = last || f->heard->full;
	}
	in = slice_part(in, 0, APP_PROBE_BYTES_MAX);
	last = last || in.len == APP_PROBE_BYTES_MAX;
	r = p->probe(f, dir, in, is_port_of(p, f));
	if (r == APP_NO)
		r = probe_all(f, dir, in, last, &p);
	if (r == APP_NEED_MORE && !last) {
		if (f->heard == NULL)
			f->listening = hear(f, in);
		return;
	}
	f->listening = false;
	if (r != APP_YES && r != APP_YES_OTHER) {
		if (in.len != 0)
			say(f, APP_EVENT_ONE_DIRECTION);
		return;
	}
	f->told[dir] = p;
	if (p != f->protocol)
		say(f, APP_EVENT_MISMATCH);
}

static void swap_held(struct app_flow *f)
{
	struct app_held *first = f->held[0];

	f->held[0] = f->held[1];
	f->held[1] = first;
}

/* Client and server change places, before any parser has seen a byte. */
static void swap(struct app_flow *f)
{
	uint64_t consumed = f->consumed[0];
	uint16_t port = f->client_port;
	bool eof = f->eof[0], probed = f->probed[0];

	swap_held(f);
	for (size_t i = 0; i < f->turns.count; i++)
		f->turns.items[i].dir = (uint8_t)other_dir(f->turns.items[i].dir);
	f->consumed[0] = f->consumed[1];
	f->consumed[1] = consumed;
	f->client_port = f->server_port;
	f->server_port = port;
	f->eof[0] = f->eof[1];
	f->eof[1] = eof;
	f->probed[0] = f->probed[1];
	f->probed[1] = probed;
	f->first_dir = other_dir(f->first_dir);
	f->files_wanted = (uint8_t)((f->files_wanted & 1) << 1 | (f->files_wanted >> 1 & 1));
	f->swapped = true;
}

/* The direction, as it is called from now on, whose bytes probing said yes to. */
static enum app_dir swapped_by(struct app_flow *f, enum app_dir dir, enum app_probe said)
{
	if (said != APP_YES_OTHER || f->swap == APP_SWAP_NEVER)
		return dir;
	swap(f);
	return other_dir(dir);
}

/* The protocol is known from what direction dir said; what the other one says may differ. */
static void recognise(struct app_flow *f, enum app_dir dir, const struct app_protocol *p)
{
	enum app_dir other = other_dir(dir);

	f->swap = APP_SWAP_NEVER;
	f->protocol = p;
	compare_expected(f);
	f->told[dir] = p;
	f->listening = f->transport == APP_TCP;
	if (f->transport == APP_TCP && !f->swapped && p->speaks_first != 0 &&
	    (p->speaks_first >> f->first_dir & 1) == 0)
		say(f, APP_EVENT_WRONG_DIRECTION);
	if (f->listening && f->held[other] != NULL)
		listen(f, other, held(f, other), f->probed[other]);
	start(f, p);
}

static void probe_datagram(struct app_flow *f, enum app_dir dir, struct slice bytes)
{
	const struct app_protocol *p;
	enum app_probe r;

	if (f->probed[dir])
		return;
	r = probe_first(f, dir, bytes, true, &p);
	if (r == APP_YES || r == APP_YES_OTHER) {
		dir = swapped_by(f, dir, r);
		recognise(f, dir, p);
		if (f->state == APP_PARSING)
			feed(f, dir, bytes, false);
		return;
	}
	f->probed[dir] = true;
	if (f->probed[APP_TO_SERVER] && f->probed[APP_TO_CLIENT])
		give_up(f);
}

static void probe_stream(struct app_flow *f, enum app_dir dir, struct slice bytes)
{
	enum app_dir other = other_dir(dir);
	const struct app_protocol *p;
	struct app_turn *turn = turn_of(f, dir);
	enum app_probe r;

	if (f->held[other] == NULL && f->held[dir] == NULL)
		f->first_dir = dir;
	if (!hold(f, dir, bytes) || turn == NULL) {
		give_up(f);
		return;
	}
	turn->bytes += (uint32_t)bytes.len; /* a piece, on top of APP_PROBE_HELD_MAX */
	turn->eof = f->eof[dir];
	if (!f->probed[dir]) {
		r = probe_first(f, dir, held(f, dir), f->eof[dir], &p);
		if (r == APP_YES || r == APP_YES_OTHER) {
			recognise(f, swapped_by(f, dir, r), p);
			return;
		}
		f->probed[dir] = r == APP_NO;
		if (r == APP_NO && dir == APP_TO_SERVER && f->swap == APP_SWAP_PICKED) {
			give_up(f); /* a request that began before: no answer would make sense */
			return;
		}
	}
	if (app_held_bytes(f, dir) > APP_PROBE_HELD_MAX && !f->probed[other])
		say(f, APP_EVENT_SKIPPED);
	if ((f->probed[APP_TO_SERVER] && f->probed[APP_TO_CLIENT]) ||
	    app_held_bytes(f, dir) > APP_PROBE_HELD_MAX)
		give_up(f);
}

struct app_flow *app_flow_new(struct arena *flow, struct arena_pool *pool,
			      const struct app_setup *setup, uint8_t transport,
			      uint16_t client_port, uint16_t server_port)
{
	struct app_flow *f = ARENA_NEW(flow, struct app_flow);

	if (f == NULL)
		return NULL;
	f->setup = setup;
	f->transport = transport;
	f->client_port = client_port;
	f->server_port = server_port;
	f->arena = flow;
	f->pool = pool;
	return f;
}

void app_begin(struct app_flow *f, const struct app_expected *e)
{
	const struct app_protocol *p = app_find(slice_of(e->protocol));

	f->given = arena_copy(f->arena, (struct slice){e->data, e->bytes});
	if (p != NULL && f->state == APP_PROBING && f->given.len == e->bytes &&
	    (f->setup->off >> app_protocol_index(p) & 1) == 0)
		start(f, p);
}

void app_expect(struct app_flow *f, const char *protocol, uint16_t port, struct slice data)
{
	struct app_expected *e;

	if (f->expects == NULL)
		f->expects = ARENA_NEW(f->arena, struct app_expects);
	if (f->expects == NULL || f->expects->count == APP_EXPECTED_MAX)
		return;
	ASSERT(data.len <= APP_EXPECTED_BYTES);
	e = &f->expects->items[f->expects->count++];
	e->protocol = protocol;
	e->port = port;
	e->bytes = (uint16_t)data.len;
	memcpy(e->data, data.ptr, data.len);
}

static void tx_free(struct app_tx *tx)
{
	struct arena a = tx->arena; /* tx lives in it */

	arena_reset(&a);
}

bool app_change(struct app_flow *f, const char *expected)
{
	if (f->changing)
		return false;
	f->changing = true;
	f->expected = expected;
	return true;
}

void app_change_to(struct app_flow *f, const char *name)
{
	f->agreed = app_find(slice_of(name));
	if (f->agreed != NULL)
		(void)app_change(f, name); /* the first change counts */
	else
		f->stop_inspecting = true;
}

bool app_become(struct app_flow *f, const char *name)
{
	const struct app_protocol *p = app_find(slice_of(name));

	ASSERT(p != NULL && p->parse == f->protocol->parse);
	if ((f->setup->off >> app_protocol_index(p) & 1) != 0)
		return false;
	f->before = f->protocol;
	f->protocol = p;
	for (enum app_dir d = APP_TO_SERVER; d <= APP_TO_CLIENT; d++)
		if (f->told[d] == f->before)
			f->told[d] = p;
	return true;
}

static void txs_free(struct app_flow *f)
{
	for (struct app_tx *tx = f->first, *next; tx != NULL; tx = next) {
		next = tx->next;
		tx_free(tx);
	}
	f->first = f->last = NULL;
	f->open_txs = 0;
}

/* What a protocol that is over did not eat is the next one's. */
static void left_over(struct app_flow *f, enum app_dir dir)
{
	struct app_turn *turn;

	if (f->held[dir] == NULL || f->state == APP_GIVEN_UP)
		return;
	turn = turn_of(f, dir);
	if (turn == NULL) {
		give_up(f);
		return;
	}
	turn->bytes = (uint32_t)app_held_bytes(f, dir); /* at most APP_HELD_BYTES_MAX */
	turn->eof = f->eof[dir];
}

/* The first bytes after app_change(): all transactions were complete, and looked at, before. */
static void start_over(struct app_flow *f, enum app_dir dir)
{
	txs_free(f);
	app_frames_free(f);
	f->changing = false;
	f->before = f->protocol;
	f->protocol = NULL;
	f->own = NULL;
	f->parser = NULL;
	f->state = APP_PROBING;
	f->detect_only = f->stop_inspecting = false;
	f->anomalies = 0;
	f->next_tx_id = 0;
	f->told[0] = f->told[1] = NULL;
	f->listening = false;
	f->heard = NULL;
	f->probed[0] = f->eof[0];
	f->probed[1] = f->eof[1];
	f->first_dir = dir;
	left_over(f, other_dir(dir));
	left_over(f, dir);
	if (f->state == APP_PROBING && f->agreed != NULL)
		start(f, f->agreed);
	f->agreed = NULL;
}

static void take_piece(struct app_flow *f, enum app_dir dir, struct slice bytes)
{
	if (f->changing && f->state == APP_PARSING)
		start_over(f, dir);
	switch (f->state) {
	case APP_PROBING:
		if (f->transport == APP_UDP)
			probe_datagram(f, dir, bytes);
		else
			probe_stream(f, dir, bytes);
		break;
	case APP_PARSING:
		if (f->listening && f->told[dir] == NULL && !f->again)
			listen(f, dir, bytes, false);
		feed(f, dir, bytes, false);
		break;
	case APP_GIVEN_UP:
		break;
	}
}

bool app_swap_take(struct app_flow *f)
{
	bool swapped = f->swapped;

	f->swapped = false;
	return swapped;
}

/* The direction that the worker means: see app_swap_take(). */
static enum app_dir meant(const struct app_flow *f, enum app_dir dir)
{
	return f->swapped ? other_dir(dir) : dir;
}

void app_again(struct app_flow *f, enum app_dir dir)
{
	bool silent = f->held[dir] == NULL;

	for (size_t i = 0; i < f->turns.count; i++)
		silent = silent && f->turns.items[i].dir != dir;
	if (f->state != APP_PROBING || !silent)
		return;
	f->eof[dir] = false;
	f->probed[dir] = false;
}

bool app_change_due(const struct app_flow *f)
{
	return f->changing && f->state == APP_PARSING &&
	       (f->held[APP_TO_SERVER] != NULL || f->held[APP_TO_CLIENT] != NULL);
}

void app_change_now(struct app_flow *f)
{
	enum app_dir dir = f->held[APP_TO_SERVER] != NULL ? APP_TO_SERVER : APP_TO_CLIENT;

	start_over(f, dir);
	if (f->state == APP_PROBING)
		probe_stream(f, dir, (struct slice){NULL, 0});
}

void app_data(struct app_flow *f, enum app_dir dir, struct slice bytes)
{
	dir = meant(f, dir);
	if (f->eof[dir] || bytes.len == 0)
		return;
	if (f->transport == APP_UDP) {
		take_piece(f, dir, bytes);
		return;
	}
	while (bytes.len != 0) {
		bool before = f->swapped;

		take_piece(f, dir, slice_part(bytes, 0, PIECE_BYTES));
		if (f->swapped != before)
			dir = other_dir(dir);
		bytes = slice_from(bytes, PIECE_BYTES);
	}
}

/* A gap before the protocol is known: what the other direction says may still tell. */
static void lose_held(struct app_flow *f, enum app_dir dir, uint64_t missing)
{
	struct app_turn *turn = turn_of(f, dir);

	for (size_t i = 0; i < f->turns.count; i++)
		if (f->turns.items[i].dir == dir) {
			missing += f->turns.items[i].lost + f->turns.items[i].bytes;
			f->turns.items[i].lost = f->turns.items[i].bytes = 0;
		}
	drop_held(f, dir);
	f->probed[dir] = true;
	if (turn == NULL || (f->probed[APP_TO_SERVER] && f->probed[APP_TO_CLIENT]))
		give_up(f);
	else
		turn->lost = missing;
}

void app_gap(struct app_flow *f, enum app_dir dir, uint64_t missing)
{
	dir = meant(f, dir);
	if (f->state == APP_GIVEN_UP || f->eof[dir] || missing == 0)
		return;
	if (f->state == APP_PROBING) {
		lose_held(f, dir, missing);
		return;
	}
	if (f->protocol->gap_joins != NULL && f->protocol->gap_joins(f, dir)) {
		f->consumed[dir] += missing;
		f->joined[dir] = f->held[dir] != NULL;
		app_frames_cut(f, dir);
		return;
	}
	if (f->protocol->parse != NULL && !f->detect_only && !f->stop_inspecting &&
	    (f->protocol->gap == NULL || !f->protocol->gap(f, dir, missing))) {
		/* for the parser this direction ends here; the other one goes on */
		f->eof[dir] = true;
		end_direction(f, dir);
		return;
	}
	f->consumed[dir] += app_held_bytes(f, dir) + missing;
	drop_held(f, dir);
	app_frames_cut(f, dir);
}

/* A direction ends that has not told its protocol, and will not. */
static void end_unknown(struct app_flow *f, enum app_dir dir)
{
	struct app_turn *turn;

	f->probed[dir] = true;
	if (f->turns.count == 0) /* nothing was said */
		return;
	turn = turn_of(f, dir);
	if (turn != NULL)
		turn->eof = true;
	else
		give_up(f);
}

void app_eof(struct app_flow *f, enum app_dir dir)
{
	dir = meant(f, dir);
	if (f->eof[dir])
		return;
	f->eof[dir] = true;
	if (f->state == APP_PROBING) {
		if (f->held[dir] != NULL && !f->probed[dir])
			probe_stream(f, dir, (struct slice){NULL, 0});
		else
			end_unknown(f, dir);
		if (f->state == APP_PROBING && f->eof[APP_TO_SERVER] && f->eof[APP_TO_CLIENT])
			give_up(f);
		return;
	}
	end_direction(f, dir);
}

void app_flow_end(struct app_flow *f)
{
	f->state = APP_GIVEN_UP;
	txs_free(f);
	app_frames_free(f);
	drop_held(f, APP_TO_SERVER);
	drop_held(f, APP_TO_CLIENT);
}

/* Does a frame that is not done speak of a transaction? */
static bool frames_wait(const struct app_flow *f)
{
	for (enum app_dir d = APP_TO_SERVER; d <= APP_TO_CLIENT; d++)
		if (f->frames[d] != NULL && f->frames[d]->count != 0)
			return true;
	return false;
}

/* tx is complete and through; what its parser might still add matters to nobody. */
static bool is_free(struct app_flow *f, const struct app_tx *tx)
{
	bool over = f->state == APP_GIVEN_UP || (f->eof[APP_TO_SERVER] && f->eof[APP_TO_CLIENT]);

	if (!tx->pinned || over)
		return true;
	return f->protocol->let_go != NULL && !tx->awaited && !f->setup->keep_last &&
	       !frames_wait(f) && f->protocol->let_go(f, tx);
}

void app_tx_sweep(struct app_flow *f, bool (*done)(const struct app_tx *tx))
{
	struct app_tx *tx;

	while ((tx = f->first) != NULL &&
	       tx->progress[APP_TO_SERVER] >= f->protocol->complete[APP_TO_SERVER] &&
	       tx->progress[APP_TO_CLIENT] >= f->protocol->complete[APP_TO_CLIENT] && done(tx) &&
	       is_free(f, tx)) {
		f->first = tx->next;
		if (f->first == NULL)
			f->last = NULL;
		f->open_txs--;
		tx_free(tx);
	}
	for (enum app_dir d = APP_TO_SERVER; d <= APP_TO_CLIENT; d++)
		app_frames_sweep(f, d);
}

/* In no list yet. NULL: no memory, or too many are open. */
static struct app_tx *tx_make(struct app_flow *f, size_t data_bytes)
{
	struct arena a = {.pool = f->pool};
	struct app_tx *tx;

	if (f->open_txs >= APP_TXS_MAX)
		return NULL;
	tx = ARENA_NEW(&a, struct app_tx);
	if (tx != NULL && data_bytes != 0)
		tx->data = arena_alloc(&a, data_bytes, _Alignof(max_align_t), 1);
	if (tx == NULL || (data_bytes != 0 && tx->data == NULL)) {
		arena_reset(&a);
		return NULL;
	}
	tx->arena = a;
	f->open_txs++;
	return tx;
}

struct app_tx *app_tx_new(struct app_flow *f, size_t data_bytes)
{
	struct app_tx *tx = tx_make(f, data_bytes);

	if (tx == NULL)
		return NULL;
	tx->id = f->next_tx_id++;
	if (f->last != NULL)
		f->last->next = tx;
	else
		f->first = tx;
	f->last = tx;
	return tx;
}

struct app_tx *app_tx_again(struct app_flow *f, uint64_t id, size_t data_bytes)
{
	struct app_tx *tx = tx_make(f, data_bytes);

	if (tx == NULL)
		return NULL;
	tx->id = id;
	memcpy(tx->progress, f->protocol->complete, sizeof tx->progress);
	tx->logged = true;
	tx->blind = 1u << APP_TO_SERVER | 1u << APP_TO_CLIENT;
	tx->named_by_alerts = UINT8_MAX;
	tx->next = f->first;
	f->first = tx;
	if (f->last == NULL)
		f->last = tx;
	return tx;
}

struct file *app_file_open(struct app_flow *f, struct app_tx *tx, enum app_dir dir,
			   struct slice name)
{
	struct file *file = file_open(&tx->files[dir], &f->setup->files, &tx->arena, name);

	if (file != NULL && (tx->files[dir].wanted || (f->files_wanted >> dir & 1) != 0))
		file_want(file, 0);
	return file;
}
