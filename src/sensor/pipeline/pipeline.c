/* SPDX-License-Identifier: Apache-2.0
 *
 *  1. A packet goes through in one order: expire, decode, flow, stream, app, detect, log, sweep. A
 *     rule therefore sees what its packet completed, and a transaction is logged after its alerts.
 *     Rules look at the direction in which the packet travels; what its acknowledgement released
 *     of the other direction waits for a packet of that direction (flow.to_look), or the end.
 *  2. A flow ends in one order: what the stream held, the end of both directions, the last look of
 *     detection, its transactions, behaviour, its record, its memory.
 *  3. Nothing depends on addresses in memory, on the clock or on chance: same frames, same bytes.
 *  4. A missing piece of memory leaves out what it was for, never more: the packet goes on. */
#include "sensor/pipeline/pipeline.h"

#include "sensor/config/config.h"
#include "sensor/pipeline/pipeline_priv.h"

/* 2261-12-31T23:59:59.999999999Z: what a record can say */
#define PIPELINE_TIME_LAST INT64_C(9214646399999999999)

#define PIPELINE_MEMORY_DEFAULT ((size_t)1 << 30)

/* flow.to_look: shifted by a direction */
enum {
	LOOK_STREAM = 1, /* bytes, a gap or the end were released to readers */
	LOOK_ENDED = 4,	 /* no more will come; stays */
	LOOK_APP = 16,	 /* the application got something, from either side */
	LOOK_APPS = LOOK_APP | LOOK_APP << 1,
	LOOK_GAP = 64, /* bytes before a gap wait */
};

enum {
	PIPELINE_FLOWS_MOST = 1000000,
	PIPELINE_FLOWS_LEAST = 64,
	PIPELINE_FLOW_BYTES = 2048, /* budget that a flow is taken to need on average */
};

/* ---- between stream and app ---- */

/* Its protocol, or that nobody will tell. */
static bool is_known(const struct app_flow *app)
{
	return app->protocol != NULL || app->state == APP_GIVEN_UP;
}

/* Datagrams alone never show who began. */
static enum app_swap may_swap(const struct pipeline *p, const struct flow *f)
{
	if (f->proto == IP_PROTO_UDP)
		return p->stream.midstream ? APP_SWAP_PICKED : APP_SWAP_SURE;
	return stream_is_picked_up(f) ? APP_SWAP_PICKED : APP_SWAP_NEVER;
}

/* After bytes went to the application: did they show that the flow's client is its server? Then
 * all that knows two directions is swapped, and direction dir has another name. */
static enum flow_dir swap(struct pipeline *p, struct flow *f, enum flow_dir dir)
{
	unsigned look = f->to_look, first = LOOK_STREAM | LOOK_ENDED | LOOK_APP | LOOK_GAP;

	if (f->app == NULL || !app_swap_take(f->app))
		return dir;
	dir = dir == FLOW_TO_SERVER ? FLOW_TO_CLIENT : FLOW_TO_SERVER;
	flow_swap(f);
	stream_swap(f);
	detect_flow_swap(f);
	pipeline_report_swap(f);
	meter_swap(f);
	f->to_look = (uint8_t)((look & first) << 1 | (look >> 1 & first));
	p->packet_dir = dir;
	return dir;
}

/* The flow's protocol state, made when its first bytes come. */
static struct app_flow *app_of(struct pipeline *p, struct flow *f)
{
	if (f->app == NULL) {
		f->app = app_flow_new(&f->arena, &p->app_pool, p->app,
				      f->proto == IP_PROTO_TCP ? APP_TCP : APP_UDP, f->client_port,
				      f->server_port);
		p->counters.no_memory += f->app == NULL;
		if (f->app != NULL) {
			f->app->swap = may_swap(p, f);
			pipeline_expect_begin(p, f);
		}
		if (p->stats != NULL && f->app != NULL && is_known(f->app))
			pipeline_count_app(p, f, PIPELINE_APP_KNOWN);
	}
	return f->app;
}

/* Bytes for the application. That it gives up what it had recognised is an error of it. */
static void give_app(struct pipeline *p, struct flow *f, enum flow_dir dir, struct slice bytes)
{
	struct app_flow *app = app_of(p, f);
	bool parsing, known;

	if (app == NULL || (p->policies.ips && f->action == FLOW_DROP))
		return;
	parsing = app->protocol != NULL && app->state != APP_GIVEN_UP;
	f->to_look |= LOOK_APPS;
	known = is_known(app);
	app_data(app, (enum app_dir)dir, bytes);
	pipeline_expect_take(p, f);
	if (p->stats != NULL && !known && is_known(app))
		pipeline_count_app(p, f, PIPELINE_APP_KNOWN);
	if (p->stats != NULL && parsing && app->state == APP_GIVEN_UP)
		pipeline_count_app(p, f, PIPELINE_APP_ERROR);
	if (parsing && app->state == APP_GIVEN_UP && p->in_packet)
		verdict_exception(&p->verdict, &p->policies, VERDICT_TARGET_APP, f);
}

static void stream_data(void *ctx, struct flow *f, enum flow_dir dir, uint64_t offset,
			struct slice bytes)
{
	struct pipeline *p = ctx;
	f->to_look |= (uint8_t)(LOOK_STREAM << dir);
	give_app(p, f, dir, bytes);
}

/* `last`: what was released so far will not be continued. */
static void look_at_stream(struct pipeline *p, const struct packet *packet, struct flow *f,
			   enum flow_dir dir, bool last)
{
	bool plain = f->proto == IP_PROTO_TCP && (f->app == NULL || !f->app->stop_inspecting);

	if (p->detect != NULL && !f->no_inspect && plain)
		detect_stream(p->detect, packet, f, dir, last);
}

static void stream_gap(void *ctx, struct flow *f, enum flow_dir dir, uint64_t offset,
		       uint64_t missing)
{
	struct pipeline *p = ctx;
	struct app_flow *app = app_of(p, f);

	/* What came before the hole is no part of what comes after. Rules look at it with the next
	 * packet of the direction, as long as the stream surely still has it then. */
	if (!stream_is_inline(f) &&
	    ((f->to_look & LOOK_GAP << dir) != 0 || stream_bytes(f, dir) - offset > STREAM_WINDOW))
		look_at_stream(p, p->in_packet ? &p->packet : NULL, f, dir, true);
	else
		f->to_look |= (uint8_t)(LOOK_GAP << dir);
	f->to_look |= (uint8_t)(LOOK_STREAM << dir);
	if (app == NULL)
		return;
	f->to_look |= LOOK_APPS;
	if (p->stats != NULL)
		pipeline_count_app(p, f, PIPELINE_APP_GAP);
	if (p->detect != NULL && !f->no_inspect)
		detect_hole(p->detect, p->in_packet ? &p->packet : NULL, f, dir);
	app_gap(app, (enum app_dir)dir, missing);
}

static bool tx_logged(const struct app_tx *tx)
{
	return tx->logged && pipeline_files_logged(tx);
}

static bool tx_logged_and_looked_at(const struct app_tx *tx)
{
	return tx_logged(tx) && detect_tx_done(tx);
}

/* What of a direction rules have not looked at yet. packet is NULL at the end of the flow. */
static void look(struct pipeline *p, const struct packet *packet, struct flow *f, enum flow_dir dir)
{
	unsigned bits = (unsigned)f->to_look >> dir;
	bool last = (bits & LOOK_ENDED) != 0;

	f->to_look &= (uint8_t) ~((LOOK_STREAM | LOOK_APP | LOOK_GAP) << dir);
	if (p->detect == NULL || f->no_inspect)
		return;
	if ((bits & LOOK_STREAM) != 0 || (packet != NULL && stream_is_inline(f)))
		look_at_stream(p, packet, f, dir, last);
	if ((bits & LOOK_APP) != 0 && f->app != NULL && f->app->protocol != NULL)
		detect_txs(p->detect, packet, f, dir, last);
}

static void log_txs(struct pipeline *p, struct flow *f)
{
	if (f->app == NULL || f->app->protocol == NULL)
		return;
	pipeline_report_frames(p, f);
	pipeline_report_files(p, f);
	pipeline_report_txs(p, f);
	app_tx_sweep(f->app,
		     p->detect == NULL || f->no_inspect ? tx_logged : tx_logged_and_looked_at);
}

static void stream_eof(void *ctx, struct flow *f, enum flow_dir dir)
{
	f->to_look |= (uint8_t)((LOOK_STREAM | LOOK_ENDED) << dir);
	if (f->app == NULL)
		return;
	f->to_look |= LOOK_APPS;
	app_eof(f->app, (enum app_dir)dir);
}

static void stream_again(void *ctx, struct flow *f, enum flow_dir dir)
{
	f->to_look &= (uint8_t) ~(LOOK_ENDED << dir);
	if (f->app != NULL)
		app_again(f->app, (enum app_dir)dir);
}

static struct stream_sink stream_sink(struct pipeline *p)
{
	return (struct stream_sink){p, stream_data, stream_gap, stream_eof, stream_again};
}

/* Logs what is complete. Where the protocol changes within a packet, what follows is looked at by
 * itself: the transactions of before are gone by then. */
static void log_and_sweep(struct pipeline *p, struct flow *f)
{
	const struct packet *packet = p->in_packet ? &p->packet : NULL;

	log_txs(p, f);
	if (f->app == NULL || !app_change_due(f->app))
		return;
	app_change_now(f->app);
	f->to_look |= LOOK_APPS;
	look(p, packet, f, p->packet_dir);
	if (p->detect != NULL)
		detect_finish(p->detect, packet, f);
	log_txs(p, f);
}

/* A direction of a flow that ends: a last packet that was never sent. Returns the direction's name
 * by now. */
static enum flow_dir direction_ended(struct pipeline *p, struct flow *f, enum flow_dir dir)
{
	struct stream_sink sink = stream_sink(p);

	stream_flush(f, dir, &sink);
	dir = swap(p, f, dir);
	f->to_look |= (uint8_t)((LOOK_STREAM | LOOK_ENDED) << dir | LOOK_APPS);
	if (f->app != NULL && !f->app->eof[dir])
		app_eof(f->app, (enum app_dir)dir);
	look(p, NULL, f, dir);
	if (p->detect != NULL)
		detect_finish(p->detect, NULL, f);
	p->packet_dir = dir; /* its files are said now, after its rules; the other's are not */
	log_and_sweep(p, f);
	return dir;
}

/* The end of the client's side may be what tells the protocol: then transactions come to be that
 * rules have not seen from the server's side, which ended before. */
static void look_again(struct pipeline *p, struct flow *f)
{
	if (f->app == NULL || f->app->first == NULL)
		return;
	look(p, NULL, f, FLOW_TO_SERVER);
	if (p->detect != NULL)
		detect_finish(p->detect, NULL, f);
	log_and_sweep(p, f);
}

static void flow_ended(void *ctx, struct flow *f, enum flow_end why)
{
	struct pipeline *p = ctx;
	bool in_packet = p->in_packet, dropped = f->proto == IP_PROTO_TCP && f->action == FLOW_DROP;

	if (p->finished) { /* pipeline_free() without pipeline_finish(): memory only */
		stream_end(f);
		if (f->app != NULL)
			app_flow_end(f->app);
		return;
	}
	p->in_packet = false;
	p->verdict = (struct verdict){0};
	if (!f->bypassed && !dropped) {
		enum flow_dir first = direction_ended(p, f, FLOW_TO_SERVER);

		(void)direction_ended(p, f,
				      first == FLOW_TO_SERVER ? FLOW_TO_CLIENT : FLOW_TO_SERVER);
		look_again(p, f);
	}
	stream_end(f);
	if (p->stats != NULL)
		pipeline_count_flow_end(p, f);
	if (p->anomaly != NULL)
		anomaly_flow_end(p->anomaly, f);
	pipeline_report_flow(p, f, why);
	if (p->meter != NULL)
		meter_end(p->meter, f, why);
	if (f->app != NULL)
		app_flow_end(f->app);
	f->app = NULL;
	p->in_packet = in_packet;
}

/* ---- one packet ---- */

/* What the stream made of a TCP packet, as a verdict. */
static void judge_stream(struct pipeline *p, struct flow *f)
{
	const struct stream_result *r = &p->tcp;

	if (r->midstream)
		verdict_exception(&p->verdict, &p->policies, VERDICT_TARGET_MIDSTREAM, f);
	if (r->no_session)
		verdict_exception(&p->verdict, &p->policies, VERDICT_TARGET_SESSION, f);
	if (r->no_memory)
		verdict_exception(&p->verdict, &p->policies, VERDICT_TARGET_REASSEMBLY, f);
	if (r->past_depth && p->stream.bypass)
		f->bypassed = true;
	if (!p->policies.ips)
		return;
	if (r->urgent)
		verdict_drop(&p->verdict, VERDICT_STREAM_URGENT);
	if (r->refused && p->policies.drop_invalid && f->first.ns > p->missed.ns) {
		p->verdict.skip_payload = true;
		verdict_drop(&p->verdict, VERDICT_STREAM_ERROR);
	}
}

/* Hands the payload on. */
static void read_payload(struct pipeline *p, struct flow *f, enum flow_dir dir)
{
	const struct packet *packet = &p->packet;
	struct stream_sink sink = stream_sink(p);

	if (packet->l4_header.len == 0 || packet->proto != f->proto)
		return;
	if (packet->proto == IP_PROTO_TCP) {
		bool tracked = f->stream != NULL;

		if (p->stream.checksums && packet_checksum_l4(packet) == PACKET_CHECKSUM_WRONG) {
			if (p->stats != NULL)
				p->stats->at[PIPELINE_TCP_CHECKSUM]++;
			stream_pass_over(f); /* the receiver does not see it */
			return;
		}
		stream_packet(&p->stream, f, packet, dir, &sink, &p->tcp);
		if (p->stats != NULL)
			pipeline_count_stream(p, !tracked && f->stream != NULL);
		if (p->tcp.rewrite)
			pipeline_rewrite(p, f, dir);
		judge_stream(p, f);
	} else if (packet->proto == IP_PROTO_UDP && packet->payload.len != 0) {
		give_app(p, f, dir, packet->payload);
	}
}

/* Of a flow of which one side only is seen (its answers go another way), transactions that are over
 * would wait for rules to look from the other side until there is room for no more. */
static void look_without(struct pipeline *p, struct flow *f, enum flow_dir dir)
{
	enum flow_dir other = dir == FLOW_TO_SERVER ? FLOW_TO_CLIENT : FLOW_TO_SERVER;

	if (f->app != NULL && f->app->open_txs > APP_TXS_MAX / 2 && f->side[other].pkts == 0)
		look(p, NULL, f, other);
}

/* Rules, unless something said that they have no say. */
static void inspect(struct pipeline *p, struct flow *f, enum flow_dir dir)
{
	struct slice payload = p->packet.payload;

	if (p->detect == NULL || p->verdict.skip || f->no_inspect)
		return;
	if (f->action == FLOW_DROP) {
		verdict_drop(&p->verdict, VERDICT_FLOW_DROP);
		return;
	}
	if (p->verdict.skip_payload)
		p->packet.payload = (struct slice){NULL, 0};
	detect_stream_events(p->detect, &p->tcp.events);
	detect_packet(p->detect, &p->packet, f, dir);
	p->packet.payload = payload;
	look(p, &p->packet, f, dir);
	look_without(p, f, dir);
	detect_finish(p->detect, &p->packet, f);
}

/* Both sides of f have agreed to it: TCP's handshake is over, or an answer came. */
static bool is_answered(const struct flow *f)
{
	return f->proto == IP_PROTO_TCP ? f->state == FLOW_ESTABLISHED
					: f->side[FLOW_TO_CLIENT].pkts != 0;
}

static void packet_in_flow(struct pipeline *p, struct flow *f, enum flow_dir dir)
{
	/* what the packet counted for, before the stream looks at it */
	bool first = f->side[0].pkts + f->side[1].pkts == 1;
	bool answered = f->proto == IP_PROTO_TCP
				? f->state == FLOW_ESTABLISHED
				: dir != FLOW_TO_CLIENT || f->side[FLOW_TO_CLIENT].pkts != 1;

	p->tcp = (struct stream_result){0};
	pipeline_report_macs(p, f);
	if (p->meter != NULL)
		meter_packet(p->meter, f, &p->packet, dir);
	if (first) {
		if (p->anomaly != NULL)
			anomaly_flow_new(p->anomaly, f);
		if (p->stats != NULL)
			pipeline_count_flow(p, f);
	}
	if (f->bypassed)
		return;
	if (p->policies.ips && f->action == FLOW_DROP)
		verdict_drop(&p->verdict,
			     f->policy_dropped ? VERDICT_POLICY_FLOW_DROP : VERDICT_FLOW_DROP);
	else
		read_payload(p, f, dir);
	if (p->anomaly != NULL && !answered && is_answered(f))
		anomaly_flow_answered(p->anomaly, f);
	dir = swap(p, f, dir);
	inspect(p, f, dir);
	pipeline_report_packet(p, f, &p->tcp.events);
	if (p->stream.marks)
		pipeline_report_stream(p, f);
	pipeline_report_protocols(p, f);
	pipeline_report_drop(p, f);
	log_and_sweep(p, f);
}

/* What a rule does, before it is reported. */
static void rule_acts(void *ctx, const struct detect_hit *hit)
{
	struct pipeline *p = ctx;

	verdict_rule(&p->verdict, hit);
}

/* Takes p->packet through the rooms. */
static void packet_through(struct pipeline *p)
{
	enum flow_dir dir = FLOW_TO_SERVER;
	struct flow *f = NULL;
	uint64_t refused;

	p->in_packet = true;
	arena_reset(&p->rewritten);
	refused = flow_table_counters(p->flows)->no_memory;
	if (!p->packet.broken)
		f = flow_table_packet(p->flows, &p->packet, &dir);
	if (f != NULL && p->seen.count < PIPELINE_SEEN_MAX)
		p->seen.flows[p->seen.count++] = f->id;
	p->packet_dir = dir;
	p->verdict = (struct verdict){.skip_payload = p->packet.carries};
	if (flow_table_counters(p->flows)->no_memory != refused)
		verdict_exception(&p->verdict, &p->policies, VERDICT_TARGET_FLOW, NULL);
	if (p->packet.no_room)
		verdict_exception(&p->verdict, &p->policies, VERDICT_TARGET_DEFRAG, f);
	if (f != NULL) {
		packet_in_flow(p, f, dir);
		p->seen.passed |= f->action == FLOW_PASS;
	} else {
		if (p->detect != NULL && !p->verdict.skip) {
			detect_packet(p->detect, &p->packet, NULL, dir);
			detect_finish(p->detect, &p->packet, NULL);
		}
		pipeline_report_packet(p, NULL, NULL);
		if (p->stream.marks)
			pipeline_report_stream(p, NULL);
		pipeline_report_drop(p, NULL);
	}
	if (p->packet.arp.len != 0)
		pipeline_report_arp(p);
	if (p->detect != NULL && detect_tagged(p->detect, &p->packet, f))
		pipeline_report_tagged(p, f);
	if (p->stats != NULL)
		pipeline_count_packet(p);
	p->in_packet = false;
}

void pipeline_frame(struct pipeline *p, uint32_t linktype, struct slice frame, uint32_t wire_bytes,
		    struct wall_ns at, uint64_t number)
{
	struct decode_input in = {
		.linktype = linktype, .bytes = frame, .wire_bytes = wire_bytes, .number = number};
	const struct decode_packets *packets;

	ASSERT(!p->finished);
	p->counters.packets++;
	p->counters.bytes += wire_bytes;
	in.at.ns = at.ns < 0 ? 0 : at.ns > PIPELINE_TIME_LAST ? PIPELINE_TIME_LAST : at.ns;
	if (p->stats != NULL) {
		pipeline_count_time(p, in.at);
		pipeline_count_frame(p, linktype, wire_bytes);
	}
	flow_table_expire(p->flows, in.at);
	if (p->meter != NULL)
		meter_expire(p->meter, in.at);
	app_ranges_expire(p->app->ranges, in.at.ns);
	packets = decode_frame(p->decode, &in);
	p->counters.undecoded += packets->list[packets->count - 1]->ip_version == 0;
	p->stops = false;
	p->instead = (struct slice){NULL, 0};
	p->reply_count = 0;
	p->seen = (struct pipeline_seen){0};
	for (size_t i = 0; i < packets->count; i++) {
		p->packet = *packets->list[i];
		packet_through(p);
		p->stops |= p->verdict.drop;
		pipeline_reject(p);
		/* the last packet of a frame: those before it only carried it */
		if (p->packet.frame.ptr != packets->list[i]->frame.ptr &&
		    packets->list[i]->frame.ptr == frame.ptr)
			p->instead = p->packet.frame;
	}
	p->counters.stopped += p->stops;
}

void pipeline_trust_checksums(struct pipeline *p, bool trusted)
{
	decode_worker_trust(p->decode, trusted || p->options.skip_checksums);
}

void pipeline_missed(struct pipeline *p, struct wall_ns until)
{
	if (until.ns > p->missed.ns)
		p->missed = until;
}

void pipeline_interface(struct pipeline *p, struct slice name)
{
	p->options.interface = name;
}

bool pipeline_stops(const struct pipeline *p)
{
	return p->stops;
}

struct slice pipeline_instead(const struct pipeline *p)
{
	return p->instead;
}

const struct pipeline_seen *pipeline_seen(const struct pipeline *p)
{
	return &p->seen;
}

/* ---- life ---- */

/* Of the stream, and of what is done where it cannot be read. */
static enum status stream_settings(struct pipeline *p, struct fail *why)
{
	const struct pipeline_options *o = &p->options;
	enum verdict_policy midstream;
	enum status st;

	st = stream_config_read(&p->stream, o->config, o->simulate_ips, &p->fixed, why);
	if (st != ST_OK)
		return st;
	p->stream_pool = (struct arena_pool){.whole = &p->pool, .budget = SIZE_MAX};
	if (config_size(o->config, "stream.reassembly.memcap", 0) != 0)
		p->stream_pool.budget = config_size(o->config, "stream.reassembly.memcap", 0);
	p->stream.pool = &p->stream_pool;
	p->stream.checksums = p->stream.checksums && !o->skip_checksums;
	if (o->config == NULL) { /* our own defaults: what differs is evidence */
		p->stream.midstream = o->midstream;
		p->stream.compare_overlaps = true;
		p->stream.checksums = false; /* a capture taken on the sender has none yet */
	}
	st = verdict_policies_read(&p->policies, o->config, o->simulate_ips, p->stream.midstream,
				   why);
	midstream = p->policies.of[VERDICT_TARGET_MIDSTREAM];
	p->stream.midstream_refused = midstream != VERDICT_IGNORE && midstream != VERDICT_PASS_FLOW;
	return st;
}

static bool begins_anew(void *ctx, const struct flow *f, const struct packet *p, enum flow_dir dir)
{
	const struct pipeline *pipeline = ctx;

	return stream_begins_anew(&pipeline->stream, f, p, dir);
}

/* Detectors of behaviour, if somebody is told what they find. */
static enum status detectors_new(struct pipeline *p, struct fail *why)
{
	if (!pipeline_wants_behaviour(p))
		return ST_OK;
	p->anomaly = anomaly_worker_new(p->options.config, p->options.hash_seed, &p->fixed,
					(struct record_sink){p, pipeline_report_behaviour});
	return p->anomaly != NULL ? ST_OK : fail_set(why, ST_NOMEM, "no memory for detectors");
}

static enum status parts_new(struct pipeline *p, struct fail *why)
{
	struct decode_options decode;
	size_t flows = p->pool.budget / PIPELINE_FLOW_BYTES;
	struct flow_limits limits = {.flows_max = flows > PIPELINE_FLOWS_MOST ? PIPELINE_FLOWS_MOST
						  : flows < PIPELINE_FLOWS_LEAST
							  ? PIPELINE_FLOWS_LEAST
							  : (uint32_t)flows,
				     .begins_anew = begins_anew,
				     .begins_ctx = p,
				     .hash_seed = p->options.hash_seed,
				     .pool = &p->flow_pool};
	enum status st;

	st = stream_settings(p, why);
	if (st != ST_OK)
		return st;
	p->app = app_setup_new(p->options.config, &p->fixed);
	if (p->app != NULL)
		p->app->ranges = app_ranges_new(p->options.config, &p->app_pool, &p->fixed);
	flow_limits_read(&limits, p->options.config);
	p->flows = flow_table_new(&p->fixed, &limits, (struct flow_sink){p, flow_ended});
	if (decode_options_read(p->options.config, &p->fixed, &decode, why) != ST_OK)
		return fail_wrap(why, "configuration");
	decode.trust_checksums = p->options.skip_checksums;
	p->decode = decode_worker_new(&decode, &p->fixed, &p->fragment_pool);
	if (!pipeline_meter_make(p))
		return fail_set(why, ST_NOMEM, "no memory for flow export");
	p->scratch.pool = &p->pool;
	p->rewritten.pool = &p->pool;
	if (p->app == NULL || p->app->ranges == NULL || p->flows == NULL || p->decode == NULL)
		return fail_set(why, ST_NOMEM, "no memory for a sensor's tables");
	st = pipeline_outputs_new(p, why);
	if (st == ST_OK)
		st = detectors_new(p, why);
	if (st != ST_OK)
		return st;
	if (p->options.rules != NULL)
		pipeline_rules_ask(p, p->options.rules);
	p->app->files.sink = p->options.store;
	p->app->files.ids = p->options.file_ids;
	if (p->app->files.magic || p->app->files.types_wanted) {
		p->app->files.types = file_magic_open(p->app->files.types_path, &p->fixed);
		if (p->app->files.types == NULL)
			return fail_set(why, ST_IO, "cannot read libmagic's table \"%.*s\"",
					SLICE_ARG(p->app->files.types_path));
	}
	if (!pipeline_kit_first(p))
		return fail_set(why, ST_NOMEM, "no memory for a sensor");
	if (p->options.rules == NULL)
		return ST_OK;
	st = detect_worker_new(p->options.rules, p->options.shared, &p->fixed, &p->detect_pool,
			       (struct detect_sink){p, pipeline_report_hit, rule_acts}, &p->detect,
			       why);
	if (st == ST_OK)
		detect_worker_alerts_max(
			p->detect, config_u64(p->options.config, "packet-alert-max", 1, 255, 15));
	if (st == ST_OK && p->options.profile && !detect_worker_profile(p->detect, &p->fixed))
		st = fail_set(why, ST_NOMEM, "no memory to count what rules cost");
	return st;
}

enum status pipeline_new(const struct pipeline_options *o, struct pipeline **out, struct fail *why)
{
	struct arena_pool pool = {.budget = SIZE_MAX};
	struct arena arena = {.pool = &pool};
	struct pipeline *p = ARENA_NEW(&arena, struct pipeline);
	enum status st;

	if (p == NULL)
		return fail_set(why, ST_NOMEM, "no memory for a sensor");
	p->fixed_pool = pool;
	p->fixed = arena;
	p->fixed.pool = &p->fixed_pool;
	p->options = *o;
	p->pool.budget = o->memory_bytes ? o->memory_bytes : PIPELINE_MEMORY_DEFAULT;
	p->flow_pool = p->app_pool = p->detect_pool = p->fragment_pool =
		(struct arena_pool){.whole = &p->pool, .budget = SIZE_MAX};
	st = parts_new(p, why);
	if (st != ST_OK) {
		pipeline_free(p);
		return st;
	}
	*out = p;
	return ST_OK;
}

void pipeline_finish(struct pipeline *p)
{
	(void)pipeline_counters(p);
	flow_table_free(p->flows);
	p->flow_counts.shut_down = flow_table_counters(p->flows)->shut_down; /* it lies in fixed */
	p->flows = NULL;
	pipeline_report_stats(p);
	p->finished = true;
}

const struct detect_cost *pipeline_costs(const struct pipeline *p, size_t *out_count)
{
	*out_count = 0;
	return p->detect != NULL ? detect_worker_costs(p->detect, out_count) : NULL;
}

void pipeline_take_sets(const struct pipeline *p, struct detect_saved *out)
{
	if (p->detect != NULL)
		detect_saved_take(out, p->detect);
}

const struct pipeline_counters *pipeline_counters(struct pipeline *p)
{
	if (p->flows != NULL)
		p->flow_counts = *flow_table_counters(p->flows);
	p->counters.flows = p->flow_counts.flows;
	p->counters.flows_now = p->flows != NULL ? p->flow_counts.flows - p->flow_counts.ended : 0;
	p->counters.flows_timed_out = p->flow_counts.timed_out;
	p->counters.flows_replaced = p->flow_counts.replaced;
	p->counters.flows_shut_down = p->flow_counts.shut_down;
	p->counters.flows_hurried = p->flow_counts.hurried;
	p->counters.flows_evicted = p->flow_counts.evicted;
	p->counters.flows_refused = p->flow_counts.no_memory;
	p->counters.memory = p->pool.out;
	p->counters.memory_streams = p->stream_pool.out;
	p->counters.memory_flows = p->flow_pool.out;
	p->counters.memory_app = p->app_pool.out;
	p->counters.memory_detect = p->detect_pool.out;
	p->counters.memory_fragments = p->fragment_pool.out;
	p->counters.memory_most = p->pool.budget;
	p->counters.memory_fixed = p->fixed_pool.out;
	if (p->anomaly != NULL)
		p->counters.forgotten = anomaly_worker_counters(p->anomaly).forgotten;
	if (p->detect != NULL) {
		const struct detect_counters *d = detect_worker_counters(p->detect);

		p->counters.candidates = d->candidates;
		p->counters.evaluated = d->evaluated;
		p->counters.suppressed = d->suppressed;
	}
	return &p->counters;
}

void pipeline_counters_add(struct pipeline_counters *sum, const struct pipeline_counters *one)
{
	uint64_t *to = (uint64_t *)sum; /* there is nothing else in them */
	const uint64_t *from = (const uint64_t *)one;

	_Static_assert(sizeof *sum % sizeof *to == 0, "counters are 64 bits each");
	for (size_t i = 0; i < sizeof *sum / sizeof *to; i++)
		to[i] += from[i];
}

void pipeline_free(struct pipeline *p)
{
	if (p == NULL)
		return;
	p->finished = true;
	flow_table_free(p->flows);
	decode_worker_free(p->decode);
	if (p->detect != NULL)
		detect_worker_free(p->detect);
	arena_reset(&p->scratch);
	arena_reset(&p->rewritten);
	if (p->app != NULL)
		app_ranges_free(p->app->ranges);
	ASSERT(p->pool.out == 0);
	pipeline_kit_free(p->kit);
	if (p->app != NULL && p->kit == NULL) /* it was not made whole */
		file_magic_close(p->app->files.types);
	file_magic_close(p->own_types);
	arena_pool_drain(&p->pool);
	arena_end(p->fixed, p->fixed_pool); /* p lies in it */
}
