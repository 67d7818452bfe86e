/* SPDX-License-Identifier: Apache-2.0
 *
 * Invariants
 *  1  A flow is in exactly one hash chain and one queue, or on the free list.
 *  2  Queues are ordered by `seen`, which never falls: the head is always the next to expire.
 *  3  `now` is the latest packet time ever given. A clock that jumps back changes nothing; one that
 *     jumps ahead expires what would have expired.
 *
 *  4  A flow is in the queue of its state, but for the one given out last (`given`): its state may
 *     be changed by who asked for it, and is looked at again before the table is used next.
 *  5  While the table grows there are two arrays of buckets: the chains of the old one's first
 *     `moved` are in the new one, the others are still where they were. Each flow that is added
 *     moves a few, so that no packet waits for all, and the old array is gone long before the new
 *     one is full.
 *
 * States (function `advance`; TCP with a session: sensor/stream says)
 *   NEW         -> ESTABLISHED  both sides spoke; TCP: a SYN/ACK was acknowledged
 *   any         -> CLOSED       TCP only: a RST, or a FIN from both sides
 *   CLOSED      -> a new flow   TCP: a bare SYN with the same addresses and ports
 */
#include "sensor/flow/flow.h"

#include "sensor/decode/decode.h"
#include "sensor/flow/flow_priv.h"

enum {
	FLOWS_MAX_DEFAULT = 1000000,
	RECOVERY_DEFAULT = 30, /* per cent */
	BUCKETS_FIRST = 4096,  /* doubled when there are more flows than buckets */
	BUCKETS_MOVED = 2,     /* with each new flow: all, when half as many flows have come */
	SLAB_FLOWS = 16,
	SLOT_ROOM = 600, /* bytes: a TCP session and what describes its first bytes, or what
			    is known of a datagram's protocol */
	BINS_FIRST = 8,
	QUEUES = FLOW_CLASSES * FLOW_STATES,
};

struct flow_key {
	const struct addr *a, *b; /* the packet's source and destination */
	uint16_t ap, bp;
	uint16_t vlan[PACKET_VLANS_MAX];
	uint8_t proto, vlans, depth;
	uint8_t request; /* ICMP: the type that began it, the same in both directions */
	bool any_vlan;	 /* flows of other VLANs are the same */
};

/* A flow and the first bytes of its arena: most flows are scans, lookups and other short things
 * that never need a block of the pool. */
struct slot {
	struct flow flow;
	_Alignas(8) uint8_t room[SLOT_ROOM];
};

struct queue {
	struct flow *head, *tail; /* oldest, newest */
	uint32_t count;
};

struct flow_table {
	struct flow_limits limits;
	struct flow_sink sink;
	struct arena slabs; /* flows; given back with the table */
	struct buckets {
		struct arena arena;
		struct flow **heads;
		uint32_t count; /* power of two; 0: there are none */
	} buckets, old;		/* old: invariant 5 */
	uint32_t moved;
	uint32_t count;
	struct flow *free; /* through hash_next */
	struct queue queues[QUEUES];
	struct flow *given; /* by the last flow_table_packet() */
	int64_t timeout_ns[QUEUES], emergency_ns[QUEUES];
	bool emergency;
	int64_t next_end_ns; /* no timeout passes before: queues need no look until then */
	struct wall_ns now;
	struct flow_counters counters;
};

/* ---- keys ---- */

/* The type that an ICMP answer answers, so that both fall into one flow; others stay as they are.
 */
static uint8_t icmp_request(uint8_t proto, uint8_t type)
{
	static const uint8_t v4[][2] = {{0, 8}, {14, 13}, {16, 15}, {18, 17}}; /* RFC 792, 950 */
	static const uint8_t v6[][2] = {{129, 128}, {140, 139}};	       /* RFC 4443, 4620 */

	for (size_t i = 0; proto == IP_PROTO_ICMP && i < sizeof v4 / sizeof v4[0]; i++)
		if (type == v4[i][0])
			return v4[i][1];
	for (size_t i = 0; proto == IP_PROTO_ICMP6 && i < sizeof v6 / sizeof v6[0]; i++)
		if (type == v6[i][0])
			return v6[i][1];
	return type;
}

static bool is_icmp(uint8_t proto)
{
	return proto == IP_PROTO_ICMP || proto == IP_PROTO_ICMP6;
}

/* The type that answers an ICMP message of this type, or is answered by it; FLOW_ICMP_NONE: there
 * is none, so nothing comes back in its flow. */
static uint16_t icmp_counterpart(uint8_t proto, uint8_t type)
{
	uint8_t request = icmp_request(proto, type);

	if (request != type)
		return request;
	for (unsigned answer = 0; answer <= UINT8_MAX; answer++)
		if (answer != type && icmp_request(proto, (uint8_t)answer) == type)
			return (uint16_t)answer;
	return FLOW_ICMP_NONE;
}

static struct flow_key key_of(const struct flow_limits *limits, const struct packet *p)
{
	struct flow_key k = {.a = &p->src,
			     .b = &p->dst,
			     .ap = p->sport,
			     .bp = p->dport,
			     .proto = p->proto,
			     .vlans = p->vlans,
			     .depth = limits->any_depth ? 0 : p->depth,
			     .any_vlan = limits->any_vlan};

	if (is_icmp(p->proto)) {
		k.ap = p->icmp_type;
		k.bp = p->icmp_code;
		k.request = icmp_request(p->proto, p->icmp_type);
	} else if (p->proto == IP_PROTO_ESP) {
		k.ap = (uint16_t)(p->spi >> 16);
		k.bp = (uint16_t)p->spi;
	}
	for (unsigned i = 0; i < PACKET_VLANS_MAX && i < p->vlans; i++)
		k.vlan[i] = p->vlan[i];
	return k;
}

static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * UINT64_C(0x9fb21c651e98df25);
	return (h ^ h >> 32) * UINT64_C(0xd6e8feb86659fd93);
}

static uint64_t mix_addr(uint64_t h, const struct addr *a)
{
	for (unsigned i = 0; i < sizeof a->b; i += 8) {
		uint64_t v;

		memcpy(&v, a->b + i, sizeof v);
		h = mix(h, v);
	}
	return mix(h, a->family);
}

/* Both halves of a product of 128 bits. */
static uint64_t fold(uint64_t a, uint64_t b)
{
	unsigned __int128 m = (unsigned __int128)a * b;

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static uint64_t end_hash(const struct addr *a, uint16_t port, uint64_t seed)
{
	uint64_t w[2];

	memcpy(w, a->b, sizeof w);
	return fold(w[0] ^ seed ^ UINT64_C(0xa0761d6478bd642f),
		    w[1] ^ port ^ (seed << 32 | seed >> 32) ^ UINT64_C(0xe7037ed1a0b428db));
}

/* Where a flow is in the table: once for every packet, so quick; the same for both directions,
 * since a sum does not know which end was first. */
static uint32_t key_bucket(const struct flow_key *k, uint64_t seed)
{
	bool icmp = is_icmp(k->proto); /* its "ports" do not belong to ends */
	uint64_t ends =
		end_hash(k->a, icmp ? 0 : k->ap, seed) + end_hash(k->b, icmp ? 0 : k->bp, seed);
	uint64_t rest = (uint64_t)k->depth << 56 | (uint64_t)k->proto << 48 |
			(k->any_vlan ? 0 : (uint64_t)k->vlan[0] << 32) |
			(icmp ? (uint64_t)k->request << 16 | k->bp : 0);

	return (uint32_t)fold(ends ^ UINT64_C(0x8ebc6af09c88c6e3),
			      rest ^ seed ^ UINT64_C(0x589965cc75374cc3));
}

/* What a flow's id is made of. The same for both directions: the smaller end goes first. */
static uint64_t key_hash(const struct flow_key *k, uint64_t seed)
{
	int c = addr_compare(k->a, k->b);
	bool swap = !is_icmp(k->proto) ? c > 0 || (c == 0 && k->ap > k->bp) : c > 0;
	uint64_t h = mix(seed, k->proto);

	h = mix_addr(h, swap ? k->b : k->a);
	h = mix_addr(h, swap ? k->a : k->b);
	if (swap && !is_icmp(k->proto))
		h = mix(h, (uint64_t)k->bp << 16 | k->ap);
	else
		h = mix(h, (uint64_t)k->ap << 16 | k->bp);
	for (unsigned i = 0; i < k->vlans; i++)
		h = mix(h, k->vlan[i]);
	if (k->depth != 0)
		h = mix(h, k->depth);
	h ^= h >> 29;
	return h;
}

static bool key_is(const struct flow *f, const struct flow_key *k, enum flow_dir *out_dir)
{
	bool icmp = is_icmp(k->proto);

	if (f->proto != k->proto || f->depth != k->depth)
		return false;
	if (!k->any_vlan && (f->vlans != k->vlans || memcmp(f->vlan, k->vlan, sizeof f->vlan) != 0))
		return false;
	if (f->client_port == k->ap && f->server_port == k->bp && addr_equal(&f->client, k->a) &&
	    addr_equal(&f->server, k->b)) {
		*out_dir = FLOW_TO_SERVER;
		return true;
	}
	if (k->proto == IP_PROTO_ESP) /* RFC 4301 4.1: an association has one direction */
		return false;
	if ((icmp ? f->icmp_answer == k->ap && f->server_port == k->bp
		  : f->client_port == k->bp && f->server_port == k->ap) &&
	    addr_equal(&f->client, k->b) && addr_equal(&f->server, k->a)) {
		*out_dir = FLOW_TO_CLIENT;
		return true;
	}
	return false;
}

/* ---- queues ---- */

static uint8_t queue_of(const struct flow *f)
{
	enum flow_class class = f->proto == IP_PROTO_TCP   ? FLOW_CLASS_TCP
				: f->proto == IP_PROTO_UDP ? FLOW_CLASS_UDP
				: is_icmp(f->proto)	   ? FLOW_CLASS_ICMP
							   : FLOW_CLASS_OTHER;
	unsigned state = f->bypassed ? FLOW_BYPASSED : f->state;

	return (uint8_t)(class * FLOW_STATES + state);
}

/* When the timeout of a flow passes. */
static int64_t end_ns(const struct flow_table *t, const struct flow *f)
{
	int64_t timeout = t->emergency ? t->emergency_ns[f->queue] : t->timeout_ns[f->queue];

	return f->seen.ns > INT64_MAX - timeout ? INT64_MAX : f->seen.ns + timeout;
}

static void queue_remove(struct flow_table *t, struct flow *f)
{
	struct queue *q = &t->queues[f->queue];

	*(f->old_prev ? &f->old_prev->old_next : &q->head) = f->old_next;
	*(f->old_next ? &f->old_next->old_prev : &q->tail) = f->old_prev;
	q->count--;
}

static void queue_add(struct flow_table *t, struct flow *f)
{
	struct queue *q;

	f->queue = queue_of(f);
	f->seen = t->now;
	q = &t->queues[f->queue];
	f->old_next = NULL;
	f->old_prev = q->tail;
	*(q->tail ? &q->tail->old_next : &q->head) = f;
	q->tail = f;
	q->count++;
	if (q->head == f && end_ns(t, f) < t->next_end_ns)
		t->next_end_ns = end_ns(t, f);
}

/* Invariant 4. Nothing has moved the clock since, so the end of its new queue is its place. */
static void settle(struct flow_table *t)
{
	struct flow *f = t->given;

	if (f != NULL && f->queue != queue_of(f)) {
		queue_remove(t, f);
		queue_add(t, f);
	}
	t->given = NULL;
}

/* Of all flows, or of those that are new. NULL: there is none. */
static struct flow *oldest(const struct flow_table *t, bool of_new)
{
	struct flow *f = NULL;

	for (unsigned i = 0; i < QUEUES; i++)
		if (t->queues[i].head != NULL && (!of_new || i % FLOW_STATES == FLOW_NEW) &&
		    (f == NULL || t->queues[i].head->seen.ns < f->seen.ns))
			f = t->queues[i].head;
	return f;
}

/* ---- the table ---- */

/* False: no memory. */
static bool buckets_new(struct buckets *b, struct arena_pool *pool, uint32_t count)
{
	b->arena = (struct arena){.pool = pool};
	b->heads = ARENA_ARRAY(&b->arena, struct flow *, count);
	b->count = count;
	return b->heads != NULL;
}

static void buckets_free(struct buckets *b)
{
	if (b->count != 0)
		arena_reset(&b->arena);
	*b = (struct buckets){0};
}

/* Where the chain of such flows begins. */
static struct flow **chain(struct flow_table *t, uint32_t hash)
{
	uint32_t old = hash & (t->old.count - 1);

	if (t->old.count != 0 && old >= t->moved)
		return &t->old.heads[old];
	return &t->buckets.heads[hash & (t->buckets.count - 1)];
}

static void end(struct flow_table *t, struct flow *f, enum flow_end why)
{
	struct flow **at = chain(t, f->hash);

	f->emergency = t->emergency && why != FLOW_END_SHUTDOWN;
	t->sink.ended(t->sink.ctx, f, why);
	while (*at != f)
		at = &(*at)->hash_next;
	*at = f->hash_next;
	if (t->given == f)
		t->given = NULL;
	queue_remove(t, f);
	arena_reset(&f->arena);
	*f = (struct flow){.hash_next = t->free};
	t->free = f;
	t->count--;
	t->counters.ended++;
}

/* Moves the chains of a few old buckets to where they belong. */
static void move_some(struct flow_table *t)
{
	for (unsigned i = 0; i < BUCKETS_MOVED && t->old.count != 0; i++) {
		for (struct flow *f = t->old.heads[t->moved], *next; f != NULL; f = next) {
			struct flow **head = &t->buckets.heads[f->hash & (t->buckets.count - 1)];

			next = f->hash_next;
			f->hash_next = *head;
			*head = f;
		}
		if (++t->moved == t->old.count)
			buckets_free(&t->old);
	}
}

/* Twice the buckets. Without memory the chains grow longer, nothing else changes. */
static void grow(struct flow_table *t)
{
	struct buckets fresh;

	if (t->old.count != 0)
		return;
	if (!buckets_new(&fresh, t->limits.pool, t->buckets.count * 2)) {
		buckets_free(&fresh);
		return;
	}
	t->old = t->buckets;
	t->buckets = fresh;
	t->moved = 0;
}

static struct flow *take_free(struct flow_table *t)
{
	struct flow *f;

	if (t->free == NULL) {
		struct slot *slab = ARENA_ARRAY(&t->slabs, struct slot, SLAB_FLOWS);

		for (unsigned i = 0; slab != NULL && i < SLAB_FLOWS; i++) {
			slab[i].flow.hash_next = t->free;
			t->free = &slab[i].flow;
		}
	}
	f = t->free;
	if (f != NULL)
		t->free = f->hash_next;
	return f;
}

void flow_swap(struct flow *f)
{
	struct addr a = f->client;
	uint16_t port = f->client_port;
	struct flow_side side = f->side[0];

	f->client = f->server;
	f->server = a;
	if (!is_icmp(f->proto)) {
		f->client_port = f->server_port;
		f->server_port = port;
	}
	f->side[0] = f->side[1];
	f->side[1] = side;
	f->drop_said = (uint8_t)((f->drop_said & 1) << 1 | (f->drop_said >> 1 & 1));
}

/* There is no room for a new flow: the oldest makes some, and from now on flows end sooner. */
static void evict(struct flow_table *t)
{
	uint32_t news = 0;

	if (!t->emergency) {
		t->emergency = true;
		t->counters.emergencies++;
		t->next_end_ns = INT64_MIN; /* timeouts are others now */
	}
	for (unsigned i = FLOW_NEW; i < QUEUES; i += FLOW_STATES)
		news += t->queues[i].count;
	t->counters.evicted++;
	end(t, oldest(t, news > t->count / 2), FLOW_END_FORCED);
}

static void recover(struct flow_table *t)
{
	uint32_t most = t->limits.flows_max;

	if (!t->emergency || most - t->count < (uint64_t)most * t->limits.recovery / 100)
		return;
	t->emergency = false;
	t->counters.emergencies_over++;
}

static struct flow *add(struct flow_table *t, const struct packet *p, const struct flow_key *k,
			uint32_t hash)
{
	bool answer_first = p->proto == IP_PROTO_TCP && !t->limits.as_they_come &&
			    (p->tcp.flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK);
	struct flow *f, **head;
	uint8_t *room;

	if (t->count >= t->limits.flows_max)
		evict(t);
	f = take_free(t);
	if (f == NULL && t->count != 0) {
		evict(t);
		f = take_free(t);
	}
	if (f == NULL) {
		t->counters.no_memory++;
		return NULL;
	}
	room = (uint8_t *)f + offsetof(struct slot, room); /* free flows are slots' */
	*f = (struct flow){.client = *k->a,
			   .server = *k->b,
			   .client_port = k->ap,
			   .server_port = k->bp,
			   .proto = k->proto,
			   .vlans = k->vlans,
			   .depth = k->depth,
			   .icmp_answer = is_icmp(k->proto)
						  ? icmp_counterpart(k->proto, (uint8_t)k->ap)
						  : FLOW_ICMP_NONE,
			   .first = p->at,
			   .last = p->at,
			   .hash = hash};
	arena_start(&f->arena, t->limits.pool, room, SLOT_ROOM);
	memcpy(f->vlan, k->vlan, sizeof f->vlan);
	f->id = mix(key_hash(k, UINT64_C(0x64657761)), (uint64_t)p->at.ns) >> 11; /* 53 bits */
	f->id += f->id == 0;
	if (answer_first)
		flow_swap(f);
	if (t->count >= t->buckets.count)
		grow(t);
	move_some(t);
	head = chain(t, hash);
	f->hash_next = *head;
	*head = f;
	queue_add(t, f);
	t->count++;
	t->counters.flows++;
	return f;
}

static struct flow *find(struct flow_table *t, const struct flow_key *k, uint32_t hash,
			 enum flow_dir *out_dir)
{
	for (struct flow *f = *chain(t, hash); f != NULL; f = f->hash_next)
		if (f->hash == hash && key_is(f, k, out_dir))
			return f;
	return NULL;
}

/* ---- one packet ---- */

static void count_bin(struct flow *f, struct flow_side *side, const struct packet *p)
{
	int64_t second = (p->at.ns - f->first.ns) / TIME_NS_PER_S;
	uint32_t want = side->bin_count ? side->bin_count : BINS_FIRST;
	uint8_t *bins;

	if (p->payload.len == 0 || p->at.ns < f->first.ns || second >= FLOW_BINS_MAX)
		return;
	while (want <= second)
		want *= 2;
	if (want != side->bin_count) {
		bins = ARENA_ARRAY(&f->arena, uint8_t, want);
		if (bins == NULL)
			return; /* a fingerprint with a hole is still a fingerprint */
		if (side->bin_count != 0)
			memcpy(bins, side->bins, side->bin_count);
		side->bins = bins;
		side->bin_count = (uint16_t)want; /* at most FLOW_BINS_MAX */
	}
	side->bins[second] = (uint8_t)(side->bins[second] + (side->bins[second] < UINT8_MAX));
}

static void advance(const struct flow_table *t, struct flow *f, const struct packet *p,
		    enum flow_dir dir)
{
	const struct flow_side *s = f->side;
	uint8_t ts = s[FLOW_TO_SERVER].tcp_flags, tc = s[FLOW_TO_CLIENT].tcp_flags;
	bool both = s[FLOW_TO_SERVER].pkts != 0 && s[FLOW_TO_CLIENT].pkts != 0;

	if (p->proto != IP_PROTO_TCP) {
		if (both)
			f->state = FLOW_ESTABLISHED;
		return;
	}
	if (f->stream != NULL || t->limits.begins_anew != NULL)
		return; /* who follows sessions knows better: it looks at numbers, too */
	if (f->state == FLOW_NEW &&
	    ((ts | tc) & TCP_SYN
		     ? (tc & TCP_SYN) && dir == FLOW_TO_SERVER && (p->tcp.flags & TCP_ACK)
		     : both))
		f->state = FLOW_ESTABLISHED;
	if (((ts | tc) & TCP_RST) || (ts & tc & TCP_FIN))
		f->state = FLOW_CLOSED;
}

static bool reuses_tuple(const struct flow_table *t, const struct flow *f, const struct packet *p,
			 enum flow_dir dir)
{
	if (f->proto == IP_PROTO_TCP && t->limits.begins_anew != NULL)
		return t->limits.begins_anew(t->limits.begins_ctx, f, p, dir);
	return f->proto == IP_PROTO_TCP && f->state == FLOW_CLOSED &&
	       (p->tcp.flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

static void count(struct flow_side *side, const struct packet *p)
{
	if (side->pkts == 0 || p->ttl < side->ttl_least)
		side->ttl_least = p->ttl;
	if (p->ttl > side->ttl_most)
		side->ttl_most = p->ttl;
	side->pkts++;
	side->bytes += p->wire_bytes;
	if (p->proto == IP_PROTO_TCP)
		side->tcp_flags |= p->tcp.flags;
}

/* Counts a packet of flow f. */
static void seen(struct flow_table *t, struct flow *f, const struct packet *p, enum flow_dir dir)
{
	count(&f->side[dir], p);
	if (p->at.ns > f->last.ns)
		f->last = p->at;
	count_bin(f, &f->side[dir], p);
	if (p->proto == f->proto)
		advance(t, f, p, dir);
	if (f->queue == queue_of(f) && t->queues[f->queue].tail == f) {
		f->seen = t->now; /* where it belongs already */
	} else {
		queue_remove(t, f);
		queue_add(t, f);
	}
	t->given = f;
}

/* The flow that an ICMP error is about, and which of its ends sent the error. */
static struct flow *quoted_flow(struct flow_table *t, const struct packet *p,
				enum flow_dir *out_dir)
{
	struct packet quoted = {.ip_version = 4};
	struct flow_key k;
	struct flow *f;

	if (!flow_quoted(p, &quoted))
		return NULL;
	k = key_of(&t->limits, &quoted);
	f = find(t, &k, key_bucket(&k, t->limits.hash_seed), out_dir);
	if (f != NULL)
		*out_dir = addr_equal(&f->client, &p->src) ? FLOW_TO_SERVER : FLOW_TO_CLIENT;
	return f;
}

struct flow *flow_table_packet(struct flow_table *t, const struct packet *p, enum flow_dir *out_dir)
{
	struct flow_key k;
	struct flow *f;
	uint32_t hash;

	if (p->ip_version == 0 || p->fragment || p->flowless || p->broken || p->src.family == 0)
		return NULL;
	settle(t);
	if (p->at.ns > t->now.ns)
		t->now = p->at;
	*out_dir = FLOW_TO_SERVER;
	if (flow_icmp_error(p)) {
		f = quoted_flow(t, p, out_dir);
		if (f != NULL)
			seen(t, f, p, *out_dir);
		return f;
	}
	k = key_of(&t->limits, p);
	hash = key_bucket(&k, t->limits.hash_seed);
	f = find(t, &k, hash, out_dir);
	if (f != NULL && reuses_tuple(t, f, p, *out_dir)) {
		t->counters.replaced++;
		end(t, f, FLOW_END_TIMEOUT);
		f = NULL;
	}
	if (f == NULL) {
		f = add(t, p, &k, hash);
		if (f == NULL || !key_is(f, &k, out_dir))
			return NULL;
	}
	seen(t, f, p, *out_dir);
	return f;
}

void flow_table_expire(struct flow_table *t, struct wall_ns now)
{
	settle(t);
	if (now.ns > t->now.ns)
		t->now = now;
	if (t->now.ns < t->next_end_ns)
		return;
	t->next_end_ns = INT64_MAX;
	for (unsigned i = 0; i < QUEUES; i++) {
		struct flow *f;

		while ((f = t->queues[i].head) != NULL && end_ns(t, f) <= t->now.ns) {
			if (t->emergency && t->now.ns - f->seen.ns < t->timeout_ns[i])
				t->counters.hurried++;
			else
				t->counters.timed_out++;
			end(t, f, FLOW_END_TIMEOUT);
		}
		if (f != NULL && end_ns(t, f) < t->next_end_ns)
			t->next_end_ns = end_ns(t, f);
	}
	recover(t);
}

struct flow_table *flow_table_new(struct arena *process, const struct flow_limits *limits,
				  struct flow_sink sink)
{
	struct flow_table *t = ARENA_NEW(process, struct flow_table);

	if (t == NULL)
		return NULL;
	t->limits = *limits;
	for (unsigned i = 0; i < QUEUES; i++) {
		enum flow_class class = (enum flow_class)(i / FLOW_STATES);
		unsigned state = i % FLOW_STATES;

		t->timeout_ns[i] = TIME_NS_PER_S * (int64_t)flow_timeout_s(limits, class, state);
		t->emergency_ns[i] =
			TIME_NS_PER_S * (int64_t)flow_emergency_s(limits, class, state);
	}
	t->sink = sink;
	t->slabs = (struct arena){.pool = limits->pool};
	t->now = (struct wall_ns){INT64_MIN / 2};
	t->next_end_ns = INT64_MAX;
	if (t->limits.flows_max == 0)
		t->limits.flows_max = FLOWS_MAX_DEFAULT;
	if (limits->memcap != 0 && limits->memcap / sizeof(struct slot) < t->limits.flows_max)
		t->limits.flows_max = (uint32_t)(limits->memcap / sizeof(struct slot)) + 1;
	if (t->limits.recovery == 0)
		t->limits.recovery = RECOVERY_DEFAULT;
	if (!buckets_new(&t->buckets, limits->pool, BUCKETS_FIRST)) {
		buckets_free(&t->buckets);
		return NULL;
	}
	return t;
}

void flow_table_free(struct flow_table *t)
{
	struct flow *f;

	if (t == NULL)
		return;
	while ((f = oldest(t, false)) != NULL) {
		t->counters.shut_down++;
		end(t, f, FLOW_END_SHUTDOWN);
	}
	arena_reset(&t->slabs);
	buckets_free(&t->buckets);
	buckets_free(&t->old);
}

const struct flow_counters *flow_table_counters(const struct flow_table *t)
{
	return &t->counters;
}
