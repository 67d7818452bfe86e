/* SPDX-License-Identifier: Apache-2.0
 *
 * 1. A flow with packets that were not told is in both lists, any other in none.
 * 2. `waiting` is ordered by when the first of those packets came, `moving` by the last: heads are
 *    due first. Both times are the meter's clock, which never falls.
 */
#include "sensor/meter/meter.h"

#include "sensor/decode/decode.h"

#define ACTIVE_DEFAULT_NS (60 * TIME_NS_PER_S)
#define IDLE_DEFAULT_NS (15 * TIME_NS_PER_S)

enum { WAITING, MOVING, LISTS };

struct meter_flow {
	struct flow *flow;
	struct ipfix_side side[2]; /* packets that were not told */
	struct wall_ns due_from[LISTS];
	struct meter_flow *prev[LISTS], *next[LISTS];
	bool listed;
};

struct meter {
	struct meter_options o;
	struct meter_flow *head[LISTS], *tail[LISTS];
	int64_t timeout_ns[LISTS];
	struct wall_ns now;
	struct meter_counters counters;
};

/* ---- lists ---- */

static void list_add(struct meter *m, struct meter_flow *x, unsigned l)
{
	x->due_from[l] = m->now;
	x->next[l] = NULL;
	x->prev[l] = m->tail[l];
	*(m->tail[l] != NULL ? &m->tail[l]->next[l] : &m->head[l]) = x;
	m->tail[l] = x;
}

static void list_remove(struct meter *m, struct meter_flow *x, unsigned l)
{
	*(x->prev[l] != NULL ? &x->prev[l]->next[l] : &m->head[l]) = x->next[l];
	*(x->next[l] != NULL ? &x->next[l]->prev[l] : &m->tail[l]) = x->prev[l];
}

static void unlist(struct meter *m, struct meter_flow *x)
{
	if (!x->listed)
		return;
	for (unsigned l = 0; l < LISTS; l++)
		list_remove(m, x, l);
	x->listed = false;
}

/* ---- telling ---- */

static bool is_icmp(uint8_t proto)
{
	return proto == IP_PROTO_ICMP || proto == IP_PROTO_ICMP6;
}

static void put_app(const struct meter *m, const struct flow *f, struct ipfix_flow *out)
{
	struct slice name =
		slice_part(slice_of(m->o.app != NULL ? m->o.app(f) : NULL), 0, IPFIX_APP_MAX);

	if (name.len != 0)
		memcpy(out->app, name.ptr, name.len);
	out->app_len = (uint8_t)name.len;
}

static void tell(struct meter *m, struct meter_flow *x, enum ipfix_end end)
{
	const struct flow *f = x->flow;
	struct ipfix_flow out = {.src = f->client,
				 .dst = f->server,
				 .vlan = f->vlans > 0 ? f->vlan[0] : 0,
				 .vlan_inner = f->vlans > 1 ? f->vlan[1] : 0,
				 .proto = f->proto,
				 .end = (uint8_t)end,
				 .direction = IPFIX_DIRECTION_INITIATOR,
				 .id = f->id,
				 .side = {x->side[0], x->side[1]}};

	if (is_icmp(f->proto)) {
		out.icmp = (uint16_t)(f->client_port << 8 | (f->server_port & 0xff));
	} else if (f->proto != IP_PROTO_ESP) { /* whose "ports" are halves of its SPI */
		out.sport = f->client_port;
		out.dport = f->server_port;
	}
	put_app(m, f, &out);
	unlist(m, x);
	x->side[0] = x->side[1] = (struct ipfix_side){0};
	m->counters.records++;
	m->o.sink.tell(m->o.sink.ctx, &out);
}

/* ---- packets ---- */

static void count(struct ipfix_side *s, const struct packet *p)
{
	if (s->packets == 0) {
		s->first = s->last = p->at;
		s->ttl_least = p->ttl;
	}
	if (p->at.ns < s->first.ns)
		s->first = p->at;
	if (p->at.ns > s->last.ns)
		s->last = p->at;
	if (p->ttl < s->ttl_least)
		s->ttl_least = p->ttl;
	if (p->ttl > s->ttl_most)
		s->ttl_most = p->ttl;
	s->packets++;
	s->octets += p->ip_header.len + p->l4.len;
	s->frame_octets += p->wire_bytes;
	if (p->proto == IP_PROTO_TCP)
		s->tcp_flags |= p->tcp.flags;
}

void meter_packet(struct meter *m, struct flow *f, const struct packet *p, enum flow_dir dir)
{
	struct meter_flow *x = f->meter;

	if (p->at.ns > m->now.ns)
		m->now = p->at;
	if (x == NULL) {
		x = f->meter = ARENA_NEW(&f->arena, struct meter_flow);
		if (x == NULL) {
			m->counters.no_memory++;
			return;
		}
		x->flow = f;
		m->counters.flows++;
	}
	count(&x->side[dir], p);
	if (!x->listed) {
		list_add(m, x, WAITING);
		list_add(m, x, MOVING);
		x->listed = true;
	} else if (m->tail[MOVING] == x) {
		x->due_from[MOVING] = m->now;
	} else {
		list_remove(m, x, MOVING);
		list_add(m, x, MOVING);
	}
}

void meter_swap(struct flow *f)
{
	struct ipfix_side side;

	if (f->meter == NULL)
		return;
	side = f->meter->side[0];
	f->meter->side[0] = f->meter->side[1];
	f->meter->side[1] = side;
}

static bool due(const struct meter *m, unsigned l)
{
	return m->head[l] != NULL && m->now.ns - m->head[l]->due_from[l].ns >= m->timeout_ns[l];
}

void meter_expire(struct meter *m, struct wall_ns now)
{
	if (now.ns > m->now.ns)
		m->now = now;
	while (due(m, MOVING))
		tell(m, m->head[MOVING], IPFIX_END_IDLE);
	while (due(m, WAITING))
		tell(m, m->head[WAITING], IPFIX_END_ACTIVE);
}

void meter_end(struct meter *m, struct flow *f, enum flow_end why)
{
	struct meter_flow *x = f->meter;
	enum ipfix_end end = why == FLOW_END_SHUTDOWN  ? IPFIX_END_FORCED
			     : why == FLOW_END_FORCED  ? IPFIX_END_MEMORY
			     : f->state == FLOW_CLOSED ? IPFIX_END_SEEN
						       : IPFIX_END_IDLE;

	if (x != NULL && x->listed)
		tell(m, x, end);
	f->meter = NULL;
}

const struct meter_counters *meter_counters(const struct meter *m)
{
	return &m->counters;
}

struct meter *meter_new(const struct meter_options *o, struct arena *process)
{
	struct meter *m = ARENA_NEW(process, struct meter);

	if (m == NULL)
		return NULL;
	m->o = *o;
	m->timeout_ns[WAITING] = o->active_ns != 0 ? o->active_ns : ACTIVE_DEFAULT_NS;
	m->timeout_ns[MOVING] = o->idle_ns != 0 ? o->idle_ns : IDLE_DEFAULT_NS;
	return m;
}
