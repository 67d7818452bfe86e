/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of decoders, the walk from one to the next, and the packets of a frame.
 *
 * 1. decode_next() goes at most layers_max layers deep: the recursion is bounded.
 * 2. Slices of a packet point into the frame or into the worker's `memory`, never elsewhere.
 * 3. packets[0] is the captured packet; `result` lists all that made sense, it last.
 */
#include "sensor/decode/decode.h"

#include "sensor/decode/decode_priv.h"

enum { LAYERS_DEFAULT = 16, LINKTYPE_RAW = 101 };

const char *const decode_anomalies[] = {
#define X(id, name) [id] = name,
	DECODE_ANOMALIES(X)
#undef X
		NULL};

struct decode_worker {
	struct decode_index index;
	struct decode_options options;
	struct defrag *defrag;
	struct arena memory; /* of the frame: what was rebuilt */
	unsigned rebuilds;
	size_t used; /* of packets[] */
	struct decode_packets result;
	struct packet packets[DECODE_PACKETS_MAX];
};

#define X(name) extern const struct decoder decode_##name;
#include "sensor/decode/decode_table.inc"
#undef X

static const struct decoder *const decoders[] = {
#define X(name) &decode_##name,
#include "sensor/decode/decode_table.inc"
#undef X
};

enum { DECODERS = sizeof decoders / sizeof decoders[0] };

/* ---- which decoder has which number ---- */

static void index_add(struct decode_index *x, enum decode_space space, uint16_t number,
		      const struct decoder *row)
{
	size_t n = 0;

	while (x->others[space][n].row != NULL)
		n++;
	ASSERT(n < DECODE_ENTRIES_MAX - 1);
	x->others[space][n] = (struct decode_entry){number, row};
}

static void index_add_udp(struct decode_index *x, const struct decode_options *o,
			  enum decode_udp kind, const struct decoder *row)
{
	if (o->udp[kind].off)
		return;
	if (o->udp[kind].any)
		x->udp_any[kind] = row;
	else if (o->udp[kind].port_count == 0)
		index_add(x, DECODE_UDP, row->udp_port, row);
	for (size_t i = 0; i < o->udp[kind].port_count && i < DECODE_PORTS_MAX; i++)
		index_add(x, DECODE_UDP, o->udp[kind].ports[i], row);
}

static void index_init(struct decode_index *x, const struct decode_options *o)
{
	for (size_t i = 0; i < DECODERS; i++)
		for (size_t k = 0; k < DECODER_KEYS_MAX; k++) {
			enum decode_space space = decoders[i]->keys[k].space;
			uint16_t number = decoders[i]->keys[k].number;

			if (space == DECODE_NONE)
				break;
			if (space == DECODE_IP)
				x->ip[number & 0xff] = decoders[i];
			else if (space == DECODE_UDP)
				index_add_udp(x, o, (enum decode_udp)number, decoders[i]);
			else
				index_add(x, space, number, decoders[i]);
		}
}

static const struct decoder *decoder_find(const struct decode_index *x, enum decode_space space,
					  uint16_t number)
{
	if (space == DECODE_IP)
		return x->ip[number & 0xff];
	for (const struct decode_entry *e = x->others[space]; e->row != NULL; e++)
		if (e->number == number)
			return e->row;
	return NULL;
}

bool decode_knows_link(uint32_t linktype)
{
	for (size_t i = 0; i < DECODERS; i++)
		for (size_t k = 0; k < DECODER_KEYS_MAX; k++)
			if (decoders[i]->keys[k].space == DECODE_LINK &&
			    decoders[i]->keys[k].number == linktype)
				return true;
	return false;
}

const char *packet_source_name(enum packet_source s)
{
	static const char *const names[PACKET_SOURCES] = {
		[PACKET_CAPTURED] = "wire/pcap",
		[PACKET_IN_GRE] = "gre tunnel",
		[PACKET_IN_IPV4] = "ipv4 tunnel",
		[PACKET_IN_IPV6] = "ipv6 tunnel",
		[PACKET_IN_TEREDO] = "teredo tunnel",
		[PACKET_IN_VXLAN] = "vxlan encapsulation",
		[PACKET_IN_GENEVE] = "geneve encapsulation",
		[PACKET_DEFRAGMENTED] = "defrag",
	};

	return names[s < PACKET_SOURCES ? s : PACKET_CAPTURED];
}

/* ---- the walk ---- */

bool decode_broken(struct decode_state *s, enum decode_anomaly a)
{
	packet_anomaly(s->p, a);
	s->p->broken = true;
	return false;
}

bool decode_not_ip(struct decode_state *s, enum decode_anomaly a)
{
	struct packet *p = s->p;

	p->ip_version = p->proto = 0;
	p->src = p->dst = (struct addr){0};
	p->ip_header = p->payload = (struct slice){NULL, 0};
	return decode_broken(s, a);
}

static unsigned layers_max(const struct decode_state *s)
{
	return s->w->options.layers_max != 0 ? s->w->options.layers_max : LAYERS_DEFAULT;
}

static enum decode_verdict decode_by(struct decode_state *s, const struct decoder *row,
				     struct slice bytes)
{
	bool right;

	if (row == NULL)
		return DECODE_UNKNOWN;
	if (!row->leaf && ++s->layers >= layers_max(s)) {
		s->layers--;
		(void)decode_broken(s, TOO_MANY_LAYERS);
		return DECODE_REFUSED;
	}
	right = row->decode(s, bytes);
	if (!row->leaf)
		s->layers--;
	return right ? DECODE_DONE : DECODE_REFUSED;
}

enum decode_verdict decode_next(struct decode_state *s, enum decode_space space, uint16_t number,
				struct slice bytes)
{
	return decode_by(s, decoder_find(&s->w->index, space, number), bytes);
}

bool decode_udp_tunnel(struct decode_state *s, uint16_t sport, uint16_t dport, struct slice bytes)
{
	for (enum decode_udp k = 0; k < DECODE_UDPS; k++)
		if (s->w->index.udp_any[k] != NULL &&
		    decode_by(s, s->w->index.udp_any[k], bytes) == DECODE_DONE)
			return true;
	return decode_next(s, DECODE_UDP, dport, bytes) == DECODE_DONE ||
	       decode_next(s, DECODE_UDP, sport, bytes) == DECODE_DONE;
}

bool decode_knows_ether(const struct decode_state *s, uint16_t type)
{
	return decoder_find(&s->w->index, DECODE_ETHER, type) != NULL;
}

bool decode_ether_type(struct decode_state *s, uint16_t type, struct slice bytes)
{
	if (decode_next(s, DECODE_ETHER, type, bytes) != DECODE_UNKNOWN)
		return true;
	packet_anomaly(s->p, ETHERNET_UNKNOWN_ETHERTYPE);
	return false;
}

const struct decode_options *decode_options_of(const struct decode_state *s)
{
	return &s->w->options;
}

/* ---- packets in a packet ---- */

/* A packet carried by packet s->p; NULL if there are too many. */
static struct packet *packet_new(struct decode_state *s, enum packet_source source,
				 struct slice frame, uint32_t linktype)
{
	struct decode_worker *w = s->w;
	struct packet *outer = s->p, *p;

	if (w->used == DECODE_PACKETS_MAX || s->layers + 1 >= layers_max(s)) {
		(void)decode_broken(s, TOO_MANY_LAYERS);
		return NULL;
	}
	p = &w->packets[w->used++];
	*p = (struct packet){.at = outer->at,
			     .number = outer->number,
			     .frame = frame,
			     .wire_bytes = (uint32_t)frame.len,
			     .linktype = linktype,
			     .source = source,
			     .root = outer->root != NULL ? outer->root : outer,
			     .trusted = outer->trusted,
			     .depth = outer->depth};
	return p;
}

/* Takes p out of the frame's packets again: it is the newest, unless it carries some itself. */
static void packet_forget(struct decode_worker *w, const struct packet *p)
{
	if (p == &w->packets[w->used - 1])
		w->used--;
}

static void packet_done(struct decode_worker *w, struct packet *p)
{
	ASSERT(w->result.count < DECODE_PACKETS_MAX);
	w->result.list[w->result.count++] = p;
}

bool decode_tunnel(struct decode_state *s, enum packet_source source, enum decode_space space,
		   uint16_t number, struct slice bytes)
{
	struct packet *outer = s->p;
	struct packet *inner = packet_new(s, source, bytes, DECODE_LINKTYPE_RAW);
	bool right;

	if (inner == NULL)
		return false;
	inner->depth = (uint8_t)(outer->depth + 1); /* <= layers_max */
	s->p = inner;
	s->layers++;
	right = decode_next(s, space, number, bytes) == DECODE_DONE;
	s->layers--;
	s->p = outer;
	if (!right || (source == PACKET_IN_TEREDO && inner->broken)) {
		packet_forget(s->w, inner);
		return false;
	}
	packet_done(s->w, inner);
	outer->carries = true;
	return true;
}

/* The packet that the defragmenter made: on the level of its pieces, with their link header. */
static void rebuilt(struct decode_state *s, uint16_t ether_type, struct slice whole, size_t ip_at)
{
	struct packet *piece = s->p;
	struct packet *p = packet_new(s, PACKET_DEFRAGMENTED, whole, piece->linktype);

	if (p == NULL)
		return;
	p->rebuilt = true;
	p->vlans = piece->vlans;
	memcpy(p->vlan, piece->vlan, sizeof p->vlan);
	s->p = p;
	s->layers++;
	if (decode_next(s, DECODE_ETHER, ether_type, slice_from(whole, ip_at)) == DECODE_DONE) {
		packet_done(s->w, p);
		piece->carries = true;
	} else {
		packet_forget(s->w, p);
	}
	s->layers--;
	s->p = piece;
}

void decode_piece(struct decode_state *s, uint16_t ether_type, const struct defrag_piece *piece)
{
	struct slice whole;
	size_t ip_at;

	s->p->fragment = true;
	if (s->w->rebuilds == DECODE_REBUILDS_MAX) {
		packet_anomaly(s->p,
			       ether_type == ETHER_IPV6 ? IPV6_FRAG_IGNORED : IPV4_FRAG_IGNORED);
		return;
	}
	whole = defrag_add(s->w->defrag, s->p, piece, &s->w->memory, &ip_at);
	if (whole.len == 0)
		return;
	s->w->rebuilds++;
	rebuilt(s, ether_type, whole, ip_at);
}

const struct decode_packets *decode_frame(struct decode_worker *w, const struct decode_input *in)
{
	struct packet *p = &w->packets[0];
	struct decode_state s = {.w = w, .p = p};

	if (w->rebuilds != 0)
		arena_reset(&w->memory);
	w->rebuilds = 0;
	w->used = 1;
	w->result.count = 0;
	*p = (struct packet){
		.at = in->at,
		.number = in->number,
		.frame = in->bytes,
		.wire_bytes = in->wire_bytes,
		.trusted = w->options.trust_checksums,
		.linktype = in->linktype == LINKTYPE_RAW ? DECODE_LINKTYPE_RAW : in->linktype,
	};
	if (in->linktype <= UINT16_MAX) /* unknown: no IP */
		(void)decode_next(&s, DECODE_LINK, (uint16_t)in->linktype, in->bytes);
	packet_done(w, p);
	return &w->result;
}

void decode_worker_trust(struct decode_worker *w, bool trusted)
{
	w->options.trust_checksums = trusted;
}

/* ---- life ---- */

struct decode_worker *decode_worker_new(const struct decode_options *o, struct arena *process,
					struct arena_pool *pool)
{
	struct decode_worker *w = ARENA_NEW(process, struct decode_worker);

	if (w == NULL)
		return NULL;
	if (o != NULL)
		w->options = *o;
	w->memory.pool = pool;
	index_init(&w->index, &w->options);
	w->defrag = defrag_new(&w->options.defrag, process, pool);
	return w->defrag != NULL ? w : NULL;
}

void decode_worker_free(struct decode_worker *w)
{
	if (w == NULL)
		return;
	arena_reset(&w->memory);
	defrag_free(w->defrag);
}
