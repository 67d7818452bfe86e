/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of decoders, and the walk from one to the next.
 *
 * 1. decode_next() is entered at most PACKET_LAYERS_MAX times a frame: the recursion is bounded.
 * 2. Slices of *p point into the frame or into the defragmenter's memory, never elsewhere.
 */
#include "sensor/decode/decode.h"

#include "sensor/decode/decode_priv.h"

const char *const decode_anomalies[] = {
#define X(id, name) [id] = name,
	DECODE_ANOMALIES(X)
#undef X
		NULL};

#define X(name) extern const struct decoder decode_##name;
#include "sensor/decode/decode_table.inc"
#undef X

static const struct decoder *const decoders[] = {
#define X(name) &decode_##name,
#include "sensor/decode/decode_table.inc"
#undef X
};

enum { DECODERS = sizeof decoders / sizeof decoders[0] };

void decode_index_init(struct decode_index *x)
{
	size_t n[DECODE_SPACES] = {0};

	for (size_t i = 0; i < DECODERS; i++)
		for (size_t k = 0; k < DECODER_KEYS_MAX; k++) {
			enum decode_space space = decoders[i]->keys[k].space;
			uint16_t number = decoders[i]->keys[k].number;

			if (space == DECODE_NONE)
				break;
			if (space == DECODE_IP) {
				x->ip[number & 0xff] = decoders[i];
				continue;
			}
			ASSERT(n[space] < DECODE_ENTRIES_MAX - 1);
			x->others[space][n[space]++] = (struct decode_entry){number, decoders[i]};
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

void decode_broken(struct decode_state *s, enum decode_anomaly a)
{
	packet_anomaly(s->p, a);
	s->p->broken = true;
}

/* Forgets all that is about the packet, not about the frame it came in. */
static void packet_begin(struct packet *p, const struct packet *frame)
{
	memset(p, 0, sizeof *p);
	p->at = frame->at;
	p->number = frame->number;
	p->frame = frame->frame;
	p->wire_bytes = frame->wire_bytes;
	p->vlans = frame->vlans;
	memcpy(p->vlan, frame->vlan, sizeof p->vlan);
	p->rebuilt = frame->rebuilt;
}

/* A packet in a packet. The outer one comes back if the inner one is nothing; unless the outer was
 * rebuilt and the inner was too, in the same memory. */
static void tunnel(struct decode_state *s, const struct decoder *row, struct slice bytes)
{
	struct packet outer = *s->p;
	unsigned rebuilds = s->rebuilds;

	packet_begin(s->p, &outer);
	row->decode(s, bytes);
	for (size_t i = 0; i < PACKET_ANOMALIES_MAX / 64; i++)
		outer.anomalies[i] |= s->p->anomalies[i];
	if ((s->p->ip_version == 0 || s->p->broken) && rebuilds == s->rebuilds)
		*s->p = outer;
	else
		memcpy(s->p->anomalies, outer.anomalies, sizeof outer.anomalies);
}

bool decode_next(struct decode_state *s, enum decode_space space, uint16_t number,
		 struct slice bytes)
{
	const struct decoder *row = decoder_find(defrag_index(s->d), space, number);

	if (row == NULL || (space == DECODE_UDP && !row->probe(bytes)))
		return false;
	if (++s->layers > PACKET_LAYERS_MAX) {
		packet_anomaly(s->p, TOO_MANY_LAYERS);
		return true;
	}
	if (row->network && s->p->ip_version != 0)
		tunnel(s, row, bytes);
	else
		row->decode(s, bytes);
	return true;
}

void decode_frame(struct defrag *d, uint32_t linktype, struct slice frame, struct packet *p)
{
	struct wall_ns at = p->at;
	uint64_t number = p->number;
	uint32_t wire_bytes = p->wire_bytes;
	struct decode_state s = {.p = p, .d = d};

	memset(p, 0, sizeof *p);
	p->at = at;
	p->number = number;
	p->wire_bytes = wire_bytes;
	p->frame = frame;
	if (linktype <= UINT16_MAX)
		(void)decode_next(&s, DECODE_LINK, (uint16_t)linktype, frame); /* unknown: no IP */
}
