/* SPDX-License-Identifier: Apache-2.0
 *
 * 1. A flow that is there is in one chain and in one of the lists of `waits`; each list is ordered
 *    by when the flow's last piece came, so its head is due first.
 * 2. `now` never falls.
 * 3. side[0] of a flow that is there goes the way of its first piece; who is the client is decided
 *    when it is over.
 */
#include "sensor/collect/join.h"

#include "sensor/decode/decode.h"

enum { WAIT_OTHER, WAIT_MORE, WAIT_LONG, WAITS };

/* How long more of a flow is waited for. Exporters tell a long flow each minute or two, or (Cisco's
 * default) each half hour; the other direction of one that ended comes with it or soon after. */
static const int64_t waits[WAITS] = {5 * TIME_NS_PER_S, 150 * TIME_NS_PER_S, 2100 * TIME_NS_PER_S};

#define PIECE_MORE_NS                                                                              \
	(45 * TIME_NS_PER_S) /* a piece that lasts longer was perhaps cut by a timeout */
#define PIECE_LONG_NS (100 * TIME_NS_PER_S)

struct place {
	struct join_flow f;
	struct wall_ns came;
	bool ended[2], both; /* both: its exporter tells both directions in one record */
	uint8_t wait;
	uint32_t hash;
	struct place *chain, *prev, *next;
};

struct join {
	struct join_sink sink;
	struct place **buckets, *places, *free;
	uint32_t bucket_count; /* power of two */
	uint32_t room, used;
	struct place *head[WAITS], *tail[WAITS];
	struct wall_ns now;
	uint64_t early;
	uint64_t seed; /* so that nobody can aim at one chain */
};

/* ---- finding ---- */

static uint64_t mix(uint64_t h, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		h = (h ^ bytes[i]) * UINT64_C(0x100000001b3);
	return h;
}

static uint64_t end_hash(const struct addr *a, uint16_t port, uint64_t seed)
{
	uint8_t p[2] = {(uint8_t)(port >> 8), (uint8_t)port};

	return mix(mix(UINT64_C(0xcbf29ce484222325) ^ seed, a->b, sizeof a->b), p, sizeof p);
}

/* The same for both directions. */
static uint32_t hash_of(const struct join *j, const struct join_teller *by,
			const struct ipfix_flow *f)
{
	uint64_t h = end_hash(&f->src, f->sport, j->seed) + end_hash(&f->dst, f->dport, j->seed);

	h = (h ^ h >> 29) * UINT64_C(0x9fb21c651e98df25);
	h ^= mix((uint64_t)f->proto << 32 | by->domain, by->exporter.b, sizeof by->exporter.b);
	return (uint32_t)(h ^ h >> 32);
}

static bool same_ends(const struct ipfix_flow *a, const struct ipfix_flow *b, bool back)
{
	return addr_equal(&a->src, back ? &b->dst : &b->src) &&
	       addr_equal(&a->dst, back ? &b->src : &b->dst) &&
	       a->sport == (back ? b->dport : b->sport) && a->dport == (back ? b->sport : b->dport);
}

/* *out_back: the piece goes the other way. */
static struct place *find(const struct join *j, uint32_t hash, const struct join_teller *by,
			  const struct ipfix_flow *f, bool *out_back)
{
	for (struct place *p = j->buckets[hash & (j->bucket_count - 1)]; p != NULL; p = p->chain) {
		const struct ipfix_flow *g = &p->f.flow;

		if (p->hash != hash || g->proto != f->proto || p->f.teller.domain != by->domain ||
		    p->f.teller.version != by->version ||
		    !addr_equal(&p->f.teller.exporter, &by->exporter))
			continue;
		*out_back = !same_ends(g, f, false);
		if (!*out_back || same_ends(g, f, true))
			return p;
	}
	return NULL;
}

/* ---- lists ---- */

static void list_add(struct join *j, struct place *p, uint8_t wait)
{
	p->wait = wait;
	p->came = j->now;
	p->next = NULL;
	p->prev = j->tail[wait];
	*(p->prev != NULL ? &p->prev->next : &j->head[wait]) = p;
	j->tail[wait] = p;
}

static void list_remove(struct join *j, struct place *p)
{
	*(p->prev != NULL ? &p->prev->next : &j->head[p->wait]) = p->next;
	*(p->next != NULL ? &p->next->prev : &j->tail[p->wait]) = p->prev;
}

/* ---- over ---- */

static bool has_ports(uint8_t proto)
{
	return proto == IP_PROTO_TCP || proto == IP_PROTO_UDP || proto == IP_PROTO_SCTP;
}

/* Is dst the client? The exporter may know; else who was first, and where that is not known or only
 * one direction was told, a port that servers have. */
static bool is_backwards(const struct ipfix_flow *f)
{
	const struct ipfix_side *a = &f->side[0], *b = &f->side[1];
	bool served = has_ports(f->proto) && f->sport < 1024 && f->sport < f->dport;

	if (f->direction == IPFIX_DIRECTION_INITIATOR)
		return false;
	if (a->packets == 0 || b->packets == 0)
		return served;
	if (a->first.ns != b->first.ns)
		return b->first.ns < a->first.ns;
	return has_ports(f->proto) && f->sport < f->dport;
}

static void over(struct join *j, struct place *p)
{
	struct place **at = &j->buckets[p->hash & (j->bucket_count - 1)];

	if (is_backwards(&p->f.flow))
		ipfix_flow_swap(&p->f.flow);
	j->sink.over(j->sink.ctx, &p->f);
	while (*at != p)
		at = &(*at)->chain;
	*at = p->chain;
	list_remove(j, p);
	p->chain = j->free;
	j->free = p;
}

void join_expire(struct join *j, struct wall_ns now)
{
	if (now.ns > j->now.ns)
		j->now = now;
	for (unsigned w = 0; w < WAITS; w++)
		while (j->head[w] != NULL && j->now.ns - j->head[w]->came.ns >= waits[w])
			over(j, j->head[w]);
}

static struct place *oldest(const struct join *j)
{
	struct place *p = NULL;

	for (unsigned w = 0; w < WAITS; w++)
		if (j->head[w] != NULL && (p == NULL || j->head[w]->came.ns < p->came.ns))
			p = j->head[w];
	return p;
}

void join_finish(struct join *j)
{
	struct place *p;

	while ((p = oldest(j)) != NULL)
		over(j, p);
}

/* ---- pieces ---- */

static uint64_t plus(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static void side_add(struct ipfix_side *to, const struct ipfix_side *s)
{
	if (s->packets == 0)
		return;
	if (to->packets == 0) {
		*to = *s;
		return;
	}
	to->packets = plus(to->packets, s->packets);
	to->octets = plus(to->octets, s->octets);
	to->frame_octets = plus(to->frame_octets, s->frame_octets);
	to->tcp_flags |= s->tcp_flags;
	if (s->first.ns < to->first.ns)
		to->first = s->first;
	if (s->last.ns > to->last.ns)
		to->last = s->last;
	if (s->ttl_least < to->ttl_least)
		to->ttl_least = s->ttl_least;
	if (s->ttl_most > to->ttl_most)
		to->ttl_most = s->ttl_most;
}

static bool closes(const struct ipfix_flow *f)
{
	return f->proto == IP_PROTO_TCP &&
	       ((f->side[0].tcp_flags | f->side[1].tcp_flags) & (TCP_FIN | TCP_RST)) != 0;
}

/* What a piece lets expect: nothing more of its directions (WAIT_OTHER), or another one. */
static uint8_t wait_after(const struct ipfix_flow *f)
{
	const struct ipfix_side *s = f->side[0].packets != 0 ? &f->side[0] : &f->side[1];
	int64_t lasted = s->last.ns - s->first.ns;

	if (f->end == IPFIX_END_ACTIVE)
		return lasted > PIECE_LONG_NS ? WAIT_LONG : WAIT_MORE;
	if (f->end != IPFIX_END_UNKNOWN || closes(f) || lasted < PIECE_MORE_NS)
		return WAIT_OTHER;
	return lasted > PIECE_LONG_NS ? WAIT_LONG : WAIT_MORE;
}

/* A direction that ended and begins later: other packets of the same ends. */
static bool is_another(const struct place *p, const struct ipfix_flow *f)
{
	for (unsigned d = 0; d < 2; d++)
		if (f->side[d].packets != 0 && p->ended[d] &&
		    f->side[d].first.ns > p->f.flow.side[d].last.ns)
			return true;
	return false;
}

static struct place *place_take(struct join *j)
{
	struct place *p;

	if (j->free == NULL && j->used == j->room) {
		j->early++;
		over(j, oldest(j));
	}
	p = j->free;
	if (p == NULL)
		return &j->places[j->used++];
	j->free = p->chain;
	return p;
}

static struct place *place_new(struct join *j, uint32_t hash, const struct join_teller *by,
			       const struct ipfix_flow *f)
{
	struct place *p = place_take(j);
	struct place **bucket = &j->buckets[hash & (j->bucket_count - 1)];

	*p = (struct place){.f = {.flow = *f, .teller = *by}, .hash = hash, .chain = *bucket};
	p->f.flow.side[0] = p->f.flow.side[1] = (struct ipfix_side){0};
	*bucket = p;
	list_add(j, p, WAIT_OTHER);
	return p;
}

static void piece_add(struct place *p, const struct join_teller *by, const struct ipfix_flow *f,
		      uint8_t wait)
{
	struct ipfix_flow *g = &p->f.flow;

	for (unsigned d = 0; d < 2; d++) {
		side_add(&g->side[d], &f->side[d]);
		p->ended[d] |= wait == WAIT_OTHER && f->side[d].packets != 0;
	}
	g->end = f->end;
	if (f->app_len != 0) {
		g->app_len = f->app_len;
		memcpy(g->app, f->app, sizeof g->app);
	}
	if (g->id == 0)
		g->id = f->id;
	if (f->direction == IPFIX_DIRECTION_INITIATOR)
		g->direction = f->direction;
	if (f->sampling > g->sampling)
		g->sampling = f->sampling;
	p->f.teller.lost = by->lost;
	p->f.teller.records = by->records;
	p->f.pieces += p->f.pieces < UINT32_MAX;
	p->both |= (f->side[0].packets != 0 && f->side[1].packets != 0) ||
		   f->direction == IPFIX_DIRECTION_INITIATOR;
}

void join_piece(struct join *j, const struct join_teller *by, const struct ipfix_flow *f,
		struct wall_ns now)
{
	struct ipfix_flow piece = *f;
	uint32_t hash = hash_of(j, by, f);
	uint8_t wait = wait_after(f);
	bool back = false;
	struct place *p;

	join_expire(j, now);
	p = find(j, hash, by, f, &back);
	if (back && p != NULL) {
		ipfix_flow_swap(&piece);
		piece.direction = IPFIX_DIRECTION_ARBITRARY;
	}
	if (p != NULL && is_another(p, &piece)) {
		over(j, p);
		p = NULL;
		piece = *f;
	}
	if (p == NULL)
		p = place_new(j, hash, by, f);
	piece_add(p, by, &piece, wait);
	if (wait == WAIT_OTHER && (p->both || (p->ended[0] && p->ended[1]))) {
		over(j, p);
		return;
	}
	list_remove(j, p);
	list_add(j, p, wait);
}

uint64_t join_early(const struct join *j)
{
	return j->early;
}

struct join *join_new(uint32_t flows_max, uint64_t seed, struct join_sink sink,
		      struct arena *process)
{
	struct join *j = ARENA_NEW(process, struct join);

	if (j == NULL)
		return NULL;
	j->sink = sink;
	j->seed = seed;
	j->room = flows_max;
	j->bucket_count = 1;
	while (j->bucket_count < flows_max)
		j->bucket_count *= 2;
	j->buckets = ARENA_ARRAY(process, struct place *, j->bucket_count);
	j->places = ARENA_ARRAY(process, struct place, flows_max);
	return j->buckets != NULL && j->places != NULL ? j : NULL;
}
