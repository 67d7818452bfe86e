/* SPDX-License-Identifier: Apache-2.0
 *
 * The byte that an urgent pointer points at. Most receivers give it to their application out of
 * band (RFC 6093 3.1), so it is no part of the stream: all bytes behind it move up by one.
 *
 * 1. Places are in order, each once; those that no longer fit are counted in `before`, and nothing
 *    that comes again before them finds its old place: it was released long ago.
 */
#include "sensor/stream/stream_priv.h"

enum { CUTS_KEPT = 64 };

struct stream_cuts {
	int64_t at[CUTS_KEPT];
	uint32_t count;
	int64_t before; /* cuts that are no longer kept */
};

int64_t stream_urgent_place(const struct stream_side *d, int64_t at)
{
	const struct stream_cuts *k = d->cuts;
	uint32_t n;

	if (k == NULL)
		return at;
	for (n = k->count; n > 0 && k->at[n - 1] >= at; n--)
		;
	return at - k->before - (int64_t)n;
}

/* False: no more are taken out, or there is no memory. */
static bool cut(struct stream_step *x, int64_t at)
{
	struct stream_cuts *k = x->from->cuts;
	uint32_t i;

	if (k == NULL)
		k = x->from->cuts = ARENA_NEW(&x->f->arena, struct stream_cuts);
	if (k == NULL)
		return false;
	for (i = k->count; i > 0 && k->at[i - 1] >= at; i--)
		if (k->at[i - 1] == at)
			return true; /* it comes again */
	if (k->before + (int64_t)k->count >= STREAM_URGENT_MAX)
		return false;
	if (k->count == CUTS_KEPT) {
		memmove(k->at, k->at + 1, (CUTS_KEPT - 1) * sizeof k->at[0]);
		k->count--;
		k->before++;
		i -= i > 0;
	}
	memmove(k->at + i + 1, k->at + i, (k->count - i) * sizeof k->at[0]);
	k->at[i] = at;
	k->count++;
	return true;
}

bool stream_urgent_take(struct stream_step *x, struct slice parts[2])
{
	enum stream_urgent how = x->config->urgent;
	struct slice payload = x->p->payload;
	size_t at = x->p->tcp.urgent;

	parts[0] = payload;
	parts[1] = (struct slice){NULL, 0};
	if (!stream_has(x, TCP_URG) || at == 0 || at > payload.len)
		return true;
	at--; /* the pointer is behind the byte, RFC 1122 4.2.2.4 */
	if (how == STREAM_URGENT_OOB && !cut(x, stream_seq(x) + (int64_t)at)) {
		(void)stream_odd(x, STREAM_URGENT_LIMIT);
		how = x->config->urgent_limit;
		x->out->urgent = how == STREAM_URGENT_DROP;
	}
	if (how == STREAM_URGENT_OOB) {
		parts[0] = slice_part(payload, 0, at);
		parts[1] = slice_from(payload, at + 1);
	}
	return how != STREAM_URGENT_GAP;
}
