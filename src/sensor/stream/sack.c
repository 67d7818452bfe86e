/* SPDX-License-Identifier: Apache-2.0
 *
 * What the receiver says it holds behind a hole (RFC 2018). Only its size is of use here: the
 * window reaches so much further.
 *
 * 1. Ranges are in order, do not touch each other, and lie behind `acked`.
 * 2. There are at most STREAM_SACKS_MAX.
 */
#include "sensor/stream/stream_priv.h"

struct stream_sack {
	int64_t start, end;
};

static void add(struct stream_side *d, struct arena *a, int64_t start, int64_t end)
{
	struct stream_sacks *k = &d->sacks;
	uint32_t i = 0, n;

	if (k->ranges == NULL)
		k->ranges = ARENA_ARRAY(a, struct stream_sack, STREAM_SACKS_MAX);
	if (k->ranges == NULL)
		return;
	while (i < k->count && k->ranges[i].end < start)
		i++;
	for (n = i; n < k->count && k->ranges[n].start <= end; n++) { /* joins */
		if (k->ranges[n].start < start)
			start = k->ranges[n].start;
		if (k->ranges[n].end > end)
			end = k->ranges[n].end;
	}
	if (n == i && k->count == STREAM_SACKS_MAX)
		return;
	memmove(k->ranges + i + 1, k->ranges + n, (k->count - n) * sizeof *k->ranges);
	k->count = k->count - (n - i) + 1;
	k->ranges[i] = (struct stream_sack){start, end};
}

void stream_sack_take(struct stream_step *x)
{
	const struct packet_tcp *t = &x->p->tcp;
	struct stream_side *d = x->to;

	for (unsigned i = 0; x->s->sack_ok && i < t->sacks; i++) {
		int64_t start = stream_offset(d, t->sack[i].start);
		int64_t end = stream_offset(d, t->sack[i].end);

		if (start < d->acked)
			start = d->acked;
		/* of what was never sent, nothing can be held */
		if (start < end && end <= d->edge)
			add(d, &x->f->arena, start, end);
	}
}

void stream_sack_prune(struct stream_side *d)
{
	struct stream_sacks *k = &d->sacks;
	uint32_t n = 0;

	while (n < k->count && k->ranges[n].end <= d->acked)
		n++;
	if (n != 0) {
		memmove(k->ranges, k->ranges + n, (k->count - n) * sizeof *k->ranges);
		k->count -= n;
	}
	if (k->count != 0 && k->ranges[0].start < d->acked)
		k->ranges[0].start = d->acked;
}

uint32_t stream_sack_bytes(const struct stream_side *d)
{
	int64_t sum = 0;

	for (uint32_t i = 0; i < d->sacks.count; i++)
		sum += d->sacks.ranges[i].end - d->sacks.ranges[i].start;
	return sum > UINT32_MAX ? UINT32_MAX : (uint32_t)sum;
}

bool stream_sack_outdated(const struct stream_step *x)
{
	const struct packet_tcp *t = &x->p->tcp;
	const struct stream_side *d = x->to;

	for (unsigned i = 0; i < t->sacks; i++) {
		int64_t start = stream_offset(d, t->sack[i].start);
		int64_t end = stream_offset(d, t->sack[i].end);
		bool known = start >= end || end <= d->acked;

		for (uint32_t k = 0; !known && k < d->sacks.count; k++)
			known = d->sacks.ranges[k].start <= start && end <= d->sacks.ranges[k].end;
		if (!known)
			return false;
	}
	return true;
}
