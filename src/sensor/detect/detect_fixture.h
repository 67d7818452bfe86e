/* SPDX-License-Identifier: Apache-2.0
 *
 * For tests and the fuzz target: rules from text, packets and flows made by hand, hits counted.
 */
#ifndef DEW_SENSOR_DETECT_FIXTURE_H
#define DEW_SENSOR_DETECT_FIXTURE_H

#include "sensor/detect/detect_priv.h"
#include "sensor/stream/stream.h"

enum { FIXTURE_HITS_MAX = 256 };

struct fixture {
	struct arena_pool pool, fixed;
	struct arena process;
	struct rule_set set;
	struct detect_rules *rules;
	struct detect_worker *worker;
	struct flow flow;
	uint64_t hit[FIXTURE_HITS_MAX]; /* sids in order */
	uint32_t hits;
	bool streamed[2], ended[2];
	uint32_t seq[2]; /* next to send */
	struct wall_ns now;
	uint64_t packets;
};

static void fixture_hit(void *ctx, const struct detect_hit *h)
{
	struct fixture *x = ctx;

	if (x->hits < FIXTURE_HITS_MAX)
		x->hit[x->hits] = h->rule->sid;
	x->hits++;
}

static void fixture_stream_data(void *ctx, struct flow *f, enum flow_dir dir, uint64_t offset,
				struct slice bytes)
{
	struct fixture *x = ctx;

	x->streamed[dir] = true;
	if (f->app != NULL)
		app_data(f->app, (enum app_dir)dir, bytes);
}

static void fixture_stream_gap(void *ctx, struct flow *f, enum flow_dir dir, uint64_t offset,
			       uint64_t missing)
{
	struct fixture *x = ctx;

	if (f->app == NULL)
		return;
	detect_hole(x->worker, NULL, f, dir);
	app_gap(f->app, (enum app_dir)dir, missing);
}

static void fixture_stream_eof(void *ctx, struct flow *f, enum flow_dir dir)
{
	struct fixture *x = ctx;

	x->streamed[dir] = x->ended[dir] = true;
	if (f->app != NULL)
		app_eof(f->app, (enum app_dir)dir);
}

/* Compiles the rules; problems are in x->set. False: no memory, nothing is left behind. */
static inline bool fixture_rules(struct fixture *x, struct slice text, size_t fixed_blocks)
{
	struct fail f = {0};
	enum status st;

	*x = (struct fixture){.pool = {.budget = 64U << 20},
			      .fixed = {.budget = 256U << 20, .fail_after = fixed_blocks}};
	x->process.pool = &x->fixed;
	st = rule_set_init(&x->set, &x->process, &f);
	if (st == ST_OK)
		st = rule_set_load(&x->set, SLICE("test.rules"), text, &f);
	if (st == ST_OK)
		st = detect_compile(&x->set, NULL, &x->process, &x->rules, &f);
	if (st == ST_OK)
		st = detect_worker_new(x->rules, NULL, &x->process, &x->pool,
				       (struct detect_sink){x, fixture_hit, NULL}, &x->worker, &f);
	if (st == ST_OK)
		detect_worker_alerts_max(x->worker, DETECT_ALERTS_MAX);
	return st == ST_OK;
}

/* A flow 10.0.0.1:40000 -> 192.0.2.1:port (or any other server port of the test). */
static inline void fixture_flow(struct fixture *x, uint8_t proto, uint16_t port)
{
	x->flow = (struct flow){.id = 1,
				.client = addr_v4((const uint8_t[]){10, 0, 0, 1}),
				.server = addr_v4((const uint8_t[]){192, 0, 2, 1}),
				.client_port = 40000,
				.server_port = port,
				.proto = proto,
				.state = FLOW_ESTABLISHED,
				.arena = {.pool = &x->pool}};
	x->seq[0] = 1000;
	x->seq[1] = 5000;
}

static inline void fixture_app(struct fixture *x, uint8_t transport)
{
	struct app_setup *setup = app_setup_new(NULL, &x->flow.arena);

	if (setup != NULL && detect_rules_want_frames(x->rules))
		setup->frames = APP_FRAMES_FOR_RULES;
	x->flow.app = app_flow_new(&x->flow.arena, &x->pool, setup, transport, x->flow.client_port,
				   x->flow.server_port);
}

static inline struct packet fixture_packet(struct fixture *x, enum flow_dir dir,
					   struct slice payload)
{
	const struct flow *f = &x->flow;
	bool up = dir == FLOW_TO_SERVER;
	static const uint8_t zeros[20];

	return (struct packet){.at = x->now,
			       .number = ++x->packets,
			       .ip_version = 4,
			       .proto = f->proto,
			       .ttl = 64,
			       .src = up ? f->client : f->server,
			       .dst = up ? f->server : f->client,
			       .sport = up ? f->client_port : f->server_port,
			       .dport = up ? f->server_port : f->client_port,
			       .ip_header = {zeros, sizeof zeros},
			       .l4_header = {zeros, f->proto == IP_PROTO_TCP ? 20 : 8},
			       .payload = payload};
}

/* Gives a packet to everything that looks, as the pipeline does. */
static inline void fixture_look(struct fixture *x, struct packet *p, enum flow_dir dir)
{
	const struct stream_config config = {.pool = &x->pool};
	struct stream_result result;
	const struct stream_sink sink = {x, fixture_stream_data, fixture_stream_gap,
					 fixture_stream_eof};
	struct flow *f = &x->flow;

	x->streamed[0] = x->streamed[1] = x->ended[0] = x->ended[1] = false;
	f->side[dir].pkts++;
	f->last = p->at;
	if (f->proto == IP_PROTO_TCP) {
		stream_packet(&config, f, p, dir, &sink, &result);
		detect_stream_events(x->worker, &result.events);
	} else if (f->app != NULL && p->payload.len != 0) {
		app_data(f->app, (enum app_dir)dir, p->payload);
	}
	detect_packet(x->worker, p, f, dir);
	for (int d = 0; d < 2; d++)
		if (x->streamed[d])
			detect_stream(x->worker, p, f, (enum flow_dir)d, x->ended[d]);
	for (int d = 0; d < 2; d++)
		detect_txs(x->worker, p, f, (enum flow_dir)d, x->ended[d]);
	detect_finish(x->worker, p, f);
	if (f->app != NULL && f->app->protocol != NULL)
		app_tx_sweep(f->app, detect_tx_done);
}

static inline void fixture_tcp(struct fixture *x, enum flow_dir dir, uint8_t flags,
			       struct slice payload)
{
	struct packet p = fixture_packet(x, dir, payload);

	p.tcp = (struct packet_tcp){.seq = x->seq[dir],
				    .ack = (flags & TCP_ACK) != 0 ? x->seq[!dir] : 0,
				    .window = 65535,
				    .flags = flags};
	x->seq[dir] += (uint32_t)payload.len + ((flags & (TCP_SYN | TCP_FIN)) != 0);
	fixture_look(x, &p, dir);
}

static inline void fixture_handshake(struct fixture *x)
{
	fixture_tcp(x, FLOW_TO_SERVER, TCP_SYN, (struct slice){NULL, 0});
	fixture_tcp(x, FLOW_TO_CLIENT, TCP_SYN | TCP_ACK, (struct slice){NULL, 0});
	fixture_tcp(x, FLOW_TO_SERVER, TCP_ACK, (struct slice){NULL, 0});
}

/* Data and the receiver's acknowledgment of it. */
static inline void fixture_say(struct fixture *x, enum flow_dir dir, struct slice payload)
{
	fixture_tcp(x, dir, TCP_ACK | TCP_PSH, payload);
	fixture_tcp(x, dir == FLOW_TO_SERVER ? FLOW_TO_CLIENT : FLOW_TO_SERVER, TCP_ACK,
		    (struct slice){NULL, 0});
}

static inline void fixture_datagram(struct fixture *x, enum flow_dir dir, struct slice payload)
{
	struct packet p = fixture_packet(x, dir, payload);

	fixture_look(x, &p, dir);
}

static inline uint32_t fixture_count(const struct fixture *x, uint64_t sid)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < x->hits && i < FIXTURE_HITS_MAX; i++)
		n += x->hit[i] == sid;
	return n;
}

static inline void fixture_flow_end(struct fixture *x)
{
	const struct stream_sink sink = {x, fixture_stream_data, fixture_stream_gap,
					 fixture_stream_eof};
	struct flow *f = &x->flow;

	for (int d = 0; d < 2; d++) {
		stream_flush(f, (enum flow_dir)d, &sink);
		if (f->stream != NULL)
			detect_stream(x->worker, NULL, f, (enum flow_dir)d, true);
	}
	stream_end(f);
	for (int d = 0; d < 2 && f->app != NULL; d++)
		if (!f->app->eof[d])
			app_eof(f->app, (enum app_dir)d);
	for (int d = 0; d < 2; d++)
		detect_txs(x->worker, NULL, f, (enum flow_dir)d, true);
	detect_finish(x->worker, NULL, f);
	if (f->app != NULL)
		app_flow_end(f->app);
	f->app = NULL;
	f->stream = NULL;
	f->detect = NULL;
	arena_reset(&f->arena);
}

static inline void fixture_done(struct fixture *x)
{
	if (x->worker != NULL)
		fixture_flow_end(x);
	detect_worker_free(x->worker);
	detect_rules_free(x->rules);
	arena_reset(&x->process);
	arena_pool_drain(&x->pool);
	arena_pool_drain(&x->fixed);
}

#endif
