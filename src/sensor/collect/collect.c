/* SPDX-License-Identifier: Apache-2.0
 * Messages in, records out: reader, join, detectors, in this order. */
#include "sensor/collect/collect.h"

#include "base/buf.h"
#include "base/json.h"
#include "sensor/anomaly/anomaly.h"
#include "sensor/collect/join.h"
#include "sensor/decode/decode.h"

enum { SCRATCH_BUDGET = 4 << 20 };

struct collect {
	struct collect_options o;
	struct addr_prefix allowed[COLLECT_ALLOWED_MAX];
	struct collect_counters counters;
	struct ipfix_reader *reader;
	struct join *join;
	struct anomaly_worker *anomaly;
	const struct join_flow *judged; /* whose behaviour is being said */
	struct wall_ns now, said;	/* said: when exporters were, last */
	struct arena_pool pool;		/* of scratch: of one record */
	struct arena scratch;
};

static const struct slice told = {(const uint8_t *)"flow export", 11};

/* ---- records ---- */

static void emit(struct collect *c, struct record *r)
{
	r->party = c->o.party;
	r->station = c->o.station;
	c->o.sink.put(c->o.sink.ctx, r);
	arena_reset(&c->scratch);
}

static void add(struct collect *c, struct record *r, const char *group, const char *name,
		const struct buf *b)
{
	if (!b->full) /* without memory the record is without it */
		(void)record_more(r, &c->scratch, slice_of(group), slice_of(name), buf_slice(b));
}

static void add_u64(struct collect *c, struct record *r, const char *name, uint64_t v)
{
	struct buf b = buf_in(&c->scratch);
	struct json j = json_in(&b);

	json_u64(&j, v);
	add(c, r, "exporter", name, &b);
}

static const char *protocol_name(uint16_t version)
{
	return version == 5 ? "netflow5" : version == 9 ? "netflow9" : "ipfix";
}

/* Who told it, and how much of what it told did not come. */
static void add_teller(struct collect *c, struct record *r, const struct join_flow *f)
{
	struct buf address = buf_in(&c->scratch), protocol = buf_in(&c->scratch);
	struct json j = json_in(&address), k = json_in(&protocol);
	char text[ADDR_TEXT_MAX];

	json_str(&j, addr_format_full(&f->teller.exporter, text));
	add(c, r, "exporter", "address", &address);
	add_u64(c, r, "domain", f->teller.domain);
	json_z(&k, protocol_name(f->teller.version));
	add(c, r, "exporter", "protocol", &protocol);
	add_u64(c, r, "records", f->teller.records);
	add_u64(c, r, "lost", f->teller.lost);
	if (f->flow.sampling > 1)
		add_u64(c, r, "sampling", f->flow.sampling);
}

static bool has_ports(uint8_t proto)
{
	return proto == IP_PROTO_TCP || proto == IP_PROTO_UDP || proto == IP_PROTO_SCTP;
}

static const char *reason_of(const struct ipfix_flow *f)
{
	return f->end == IPFIX_END_FORCED   ? "shutdown"
	       : f->end == IPFIX_END_MEMORY ? "forced"
					    : "timeout";
}

static struct slice flags_text(struct collect *c, const struct anomaly_flow *f, unsigned d)
{
	return f->proto == IP_PROTO_TCP ? buf_text(&c->scratch, "%02x", f->side[d].tcp_flags)
					: SLICE("");
}

static const char *state_of(const struct ipfix_flow *f)
{
	uint8_t flags = f->side[0].tcp_flags | f->side[1].tcp_flags;

	if (f->proto == IP_PROTO_TCP && (flags & (TCP_FIN | TCP_RST)) != 0)
		return "closed";
	return f->side[0].packets != 0 && f->side[1].packets != 0 ? "established" : "new";
}

static void say_flow(struct collect *c, const struct join_flow *j, const struct anomaly_flow *f)
{
	const struct anomaly_side *ts = &f->side[0], *tc = &f->side[1];
	bool icmp = f->proto == IP_PROTO_ICMP || f->proto == IP_PROTO_ICMP6;
	struct record r = {.kind = RECORD_FLOW,
			   .at = f->last,
			   .flow_id = f->id,
			   .src = f->client,
			   .dst = f->server,
			   .sport = f->client_port,
			   .dport = f->server_port,
			   .has_ports = has_ports(f->proto),
			   .has_icmp = icmp,
			   .icmp_type = icmp ? (uint8_t)(j->flow.icmp >> 8) : 0,
			   .icmp_code = icmp ? (uint8_t)j->flow.icmp : 0,
			   .proto = f->proto,
			   .vlans = f->vlans,
			   .app_proto = {(const uint8_t *)j->flow.app, j->flow.app_len},
			   .source = told,
			   .u.flow = {.to_server = {ts->pkts, ts->bytes},
				      .to_client = {tc->pkts, tc->bytes},
				      .start = f->first,
				      .end = f->last,
				      .age_s = (uint64_t)(f->last.ns / TIME_NS_PER_S -
							  f->first.ns / TIME_NS_PER_S),
				      .state = slice_of(state_of(&j->flow)),
				      .reason = slice_of(reason_of(&j->flow)),
				      .tcp_flags_ts = flags_text(c, f, 0),
				      .tcp_flags_tc = flags_text(c, f, 1)}};

	memcpy(r.vlan, f->vlan, sizeof r.vlan);
	add_teller(c, &r, j);
	c->counters.flows++;
	emit(c, &r);
}

/* What a detector found, said with whose word it rests on. */
static void say_behaviour(void *ctx, const struct record *found)
{
	struct collect *c = ctx;
	struct record r = *found;
	char address[ADDR_TEXT_MAX];
	struct slice who = addr_format(&c->judged->teller.exporter, address);
	const struct join_teller *by = &c->judged->teller;
	uint64_t all = by->records + by->lost;

	r.source = told;
	r.u.anomaly.summary = buf_text(
		&c->scratch, "%.*s (told by %.*s; %llu in 1,000 of its records did not come)",
		SLICE_ARG(found->u.anomaly.summary), SLICE_ARG(who),
		(unsigned long long)(all != 0 && by->lost < UINT64_MAX / 1000
					     ? (by->lost * 1000 + all - 1) / all
					     : 0));
	if (r.u.anomaly.summary.len == 0)
		r.u.anomaly.summary = found->u.anomaly.summary;
	add_teller(c, &r, c->judged);
	c->counters.anomalies++;
	emit(c, &r);
}

/* ---- flows ---- */

/* A header of IPv6 is 20 bytes longer. */
static bool carried(const struct ipfix_side *s, uint8_t family)
{
	uint64_t longer = family == 6 ? s->packets * 20 : 0;

	return s->packets < UINT64_MAX / 20 && s->octets > longer &&
	       anomaly_payload_likely(s->packets, s->octets - longer);
}

static void side_fill(struct anomaly_side *to, const struct ipfix_side *s, uint8_t family)
{
	*to = (struct anomaly_side){.pkts = s->packets,
				    .bytes = s->frame_octets != 0 ? s->frame_octets : s->octets,
				    .tcp_flags = s->tcp_flags,
				    .payload = carried(s, family)};
}

static uint64_t id_of(const struct join_flow *j)
{
	const struct ipfix_flow *f = &j->flow;
	uint64_t h = UINT64_C(0xcbf29ce484222325) ^ (uint64_t)f->side[0].first.ns ^
		     (uint64_t)f->side[1].first.ns << 1;
	uint8_t ends[40];

	if (f->id != 0)
		return f->id;
	memcpy(ends, f->src.b, 16);
	memcpy(ends + 16, f->dst.b, 16);
	ends[32] = (uint8_t)(f->sport >> 8);
	ends[33] = (uint8_t)f->sport;
	ends[34] = (uint8_t)(f->dport >> 8);
	ends[35] = (uint8_t)f->dport;
	ends[36] = f->proto;
	memcpy(ends + 37, "dwl", 3);
	for (size_t i = 0; i < sizeof ends; i++)
		h = (h ^ ends[i]) * UINT64_C(0x100000001b3);
	h >>= 11;
	return h != 0 ? h : 1;
}

static struct wall_ns earlier(const struct ipfix_flow *f)
{
	const struct ipfix_side *a = &f->side[0], *b = &f->side[1];

	return a->packets == 0 || (b->packets != 0 && b->first.ns < a->first.ns) ? b->first
										 : a->first;
}

static struct wall_ns later(const struct ipfix_flow *f)
{
	const struct ipfix_side *a = &f->side[0], *b = &f->side[1];

	return a->packets == 0 || (b->packets != 0 && b->last.ns > a->last.ns) ? b->last : a->last;
}

static void over(void *ctx, const struct join_flow *j)
{
	struct collect *c = ctx;
	const struct ipfix_flow *f = &j->flow;
	char app[IPFIX_APP_MAX + 1] = "";
	struct anomaly_flow flow = {
		.id = id_of(j),
		.client = f->src,
		.server = f->dst,
		.client_port = f->sport,
		.server_port = f->dport,
		.proto = f->proto,
		.vlans = (uint8_t)((f->vlan != 0) + (f->vlan != 0 && f->vlan_inner != 0)),
		.vlan = {f->vlan, f->vlan != 0 ? f->vlan_inner : 0},
		.first = earlier(f),
		.last = later(f),
		.app = f->app_len != 0 ? app : NULL,
		.ongoing = f->end == IPFIX_END_ACTIVE};

	memcpy(app, f->app, f->app_len);
	for (unsigned d = 0; d < 2; d++)
		side_fill(&flow.side[d], &f->side[d], f->src.family);
	if (f->proto == IP_PROTO_ICMP || f->proto == IP_PROTO_ICMP6) {
		flow.client_port = f->icmp >> 8;
		flow.server_port = f->icmp & 0xff;
	}
	if (f->sampling > 1) {
		c->counters.not_judged++;
	} else {
		c->judged = j;
		anomaly_flow_record(c->anomaly, &flow);
		c->judged = NULL;
	}
	say_flow(c, j, &flow);
}

static void piece(void *ctx, const struct ipfix_session *s, const struct ipfix_flow *f)
{
	struct collect *c = ctx;
	struct join_teller by = {.exporter = s->exporter,
				 .domain = s->domain,
				 .version = s->version,
				 .lost = s->lost + s->account.not_sent,
				 .records = s->records};

	join_piece(c->join, &by, f, c->now);
}

/* ---- exporters ---- */

static void say_exporter(struct collect *c, const struct ipfix_session *s)
{
	struct buf b = buf_in(&c->scratch);
	struct json j = json_in(&b);
	struct record r = {.at = s->heard};
	char text[ADDR_TEXT_MAX];

	json_object(&j);
	json_key(&j, "address");
	json_str(&j, addr_format_full(&s->exporter, text));
	json_member_u64(&j, "port", s->port);
	json_member_u64(&j, "domain", s->domain);
	json_key(&j, "protocol");
	json_z(&j, protocol_name(s->version));
	json_member_u64(&j, "messages", s->messages);
	json_member_u64(&j, "records", s->records);
	json_member_u64(&j, "lost", s->lost);
	json_member_u64(&j, "restarts", s->restarts);
	json_member_u64(&j, "sampling", s->sampling != 0 ? s->sampling : 1);
	json_member_u64(&j, "not_sent", s->account.not_sent);
	json_member_u64(&j, "ignored_packets", s->account.ignored);
	json_end(&j);
	if (!b.full && record_object(&r, &c->scratch, "exporter", buf_slice(&b)))
		emit(c, &r);
	arena_reset(&c->scratch);
}

static void gone(void *ctx, const struct ipfix_session *s)
{
	say_exporter(ctx, s);
}

void collect_say_exporters(struct collect *c, struct wall_ns now)
{
	const struct ipfix_session *s;

	/* the most recently heard come first */
	for (size_t i = 0; (s = ipfix_reader_session(c->reader, i)) != NULL; i++) {
		if (s->heard.ns <= c->said.ns)
			break;
		say_exporter(c, s);
	}
	c->said = now.ns > c->now.ns ? now : c->now;
}

/* ---- in ---- */

static bool is_allowed(const struct collect *c, const struct addr *a)
{
	for (size_t i = 0; i < c->o.allowed_count; i++)
		if (addr_prefix_holds(&c->allowed[i], a))
			return true;
	return c->o.allowed_count == 0;
}

void collect_tick(struct collect *c, struct wall_ns now)
{
	if (now.ns > c->now.ns)
		c->now = now;
	join_expire(c->join, c->now);
}

void collect_message(struct collect *c, const struct ipfix_origin *from, struct slice message,
		     struct wall_ns now)
{
	collect_tick(c, now);
	c->counters.messages++;
	if (!is_allowed(c, &from->exporter)) {
		c->counters.refused++;
		return;
	}
	ipfix_read(c->reader, from, message, c->now);
}

void collect_connection_ended(struct collect *c, const struct ipfix_origin *from)
{
	ipfix_reader_end(c->reader, from);
}

void collect_finish(struct collect *c)
{
	join_finish(c->join);
	collect_say_exporters(c, c->now);
	arena_pool_drain(&c->pool);
}

const struct collect_counters *collect_counters(struct collect *c)
{
	c->counters.early = join_early(c->join);
	return &c->counters;
}

const struct ipfix_reader_counters *collect_reader_counters(const struct collect *c)
{
	return ipfix_reader_counters(c->reader);
}

enum status collect_new(const struct collect_options *o, struct arena *process,
			struct collect **out, struct fail *why)
{
	struct collect *c = ARENA_NEW(process, struct collect);
	uint32_t most = o->flows_max != 0 ? o->flows_max : COLLECT_FLOWS_DEFAULT;

	if (c == NULL)
		return fail_set(why, ST_NOMEM, "no memory for a collector");
	if (o->allowed_count > COLLECT_ALLOWED_MAX)
		return fail_set(why, ST_LIMIT, "more than %d networks of exporters",
				COLLECT_ALLOWED_MAX);
	c->o = *o;
	if (o->allowed_count != 0)
		memcpy(c->allowed, o->allowed, o->allowed_count * sizeof *o->allowed);
	c->pool.budget = SCRATCH_BUDGET;
	c->scratch.pool = &c->pool;
	c->reader = ipfix_reader_new((struct ipfix_reader_sink){c, piece, gone}, process);
	c->join = join_new(most, o->hash_seed, (struct join_sink){c, over}, process);
	c->anomaly = anomaly_worker_new(o->config, o->hash_seed, process,
					(struct record_sink){c, say_behaviour});
	if (c->reader == NULL || c->join == NULL || c->anomaly == NULL)
		return fail_set(why, ST_NOMEM, "no memory for a collector's tables");
	*out = c;
	return ST_OK;
}
