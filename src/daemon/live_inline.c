/* SPDX-License-Identifier: Apache-2.0
 * In the line: queues of the kernel's packet filter (the nfq section of suricata.yaml), and bridges
 * of two interfaces that copy to each other (copy-mode and copy-iface of its af-packet section). */
#include "base/text.h"
#include "daemon/live.h"

enum {
	BATCH = 20,		  /* packets of one verdict, as Suricata advises */
	RECEIVE_BYTES = 16 << 20, /* of one queue */
	QUEUE_MOST = UINT16_MAX,
};

static void read_mode(struct config *c, struct source_queue_options *q)
{
	static const char *const words[] = {"accept", "repeat", "route", NULL};
	static const enum source_queue_mode modes[] = {SOURCE_QUEUE_ACCEPT, SOURCE_QUEUE_REPEAT,
						       SOURCE_QUEUE_ROUTE};

	q->mode = modes[config_word(c, "mode", words, 0)];
	q->mark = (uint32_t)config_u64(c, "repeat-mark", 0, UINT32_MAX, 1);
	q->mark_mask = (uint32_t)config_u64(c, "repeat-mask", 1, UINT32_MAX, 1);
	q->route = (uint16_t)config_u64(c, "route-queue", 0, QUEUE_MOST, 0);
}

/* "3", "0:3". */
static bool read_range(struct slice s, uint64_t *out_first, uint64_t *out_last)
{
	size_t colon = 0;

	while (colon < s.len && s.ptr[colon] != ':')
		colon++;
	if (!text_u64(slice_part(s, 0, colon), 0, QUEUE_MOST, out_first))
		return false;
	*out_last = *out_first;
	return colon == s.len || text_u64(slice_from(s, colon + 1), 0, QUEUE_MOST, out_last);
}

static enum status add(struct live *l, struct slice range, struct fail *why)
{
	struct config *c = config_at(l->o->config, "nfq");
	struct live_interface *i = &l->interfaces[l->interface_count];
	uint64_t first, last;

	if (!read_range(range, &first, &last) || last < first || last - first >= SOURCE_SOCKETS_MAX)
		return fail_set(
			why, ST_INVALID,
			"-q %.*s: a queue is a number from 0 to 65535, queues are first:last, "
			"at most %d",
			SLICE_ARG(range), SOURCE_SOCKETS_MAX);
	if (l->interface_count == LIVE_INTERFACES_MAX)
		return fail_set(why, ST_LIMIT, "more than %d -q", LIVE_INTERFACES_MAX);
	for (size_t k = 0; k < l->interface_count; k++)
		if (first < l->interfaces[k].queue.number + l->interfaces[k].threads &&
		    last >= l->interfaces[k].queue.number)
			return fail_set(why, ST_INVALID, "-q %.*s: a queue is named twice",
					SLICE_ARG(range));
	l->interface_count++;
	i->kind = LIVE_QUEUE;
	i->name = buf_text(l->arena, "queue %.*s", SLICE_ARG(range));
	i->threads = (unsigned)(last - first + 1);
	i->queue.number = (uint16_t)first;
	i->queue.batch = (unsigned)config_u64(c, "batchcount", 1, SOURCE_BATCH, BATCH);
	i->queue.receive_bytes =
		(unsigned)config_u64(c, "receive-buffer", 1 << 16, 1 << 30, RECEIVE_BYTES);
	i->queue.fail_open = config_bool(c, "fail-open", true);
	i->queue.gso = config_bool(c, "gso", true);
	read_mode(c, &i->queue);
	return ST_OK;
}

enum status daemon_live_queues(struct live *l, struct fail *why)
{
	enum status st = ST_OK;

	if (l->o->interface_count != 0)
		return fail_set(why, ST_INVALID, "-i and -q: one of them");
	l->in_line = true;
	for (size_t i = 0; st == ST_OK && i < l->o->queue_count; i++)
		st = add(l, l->o->queues[i], why);
	return st;
}

static struct live_interface *named(struct live *l, struct slice name)
{
	for (size_t i = 0; i < l->interface_count; i++)
		if (slice_equal(l->interfaces[i].name, name))
			return &l->interfaces[i];
	return NULL;
}

/* a is the one with the workers. */
static enum status pair(struct live *l, struct live_interface *a, struct fail *why)
{
	struct live_interface *b = named(l, a->copy_to);

	if (b == NULL || b == a || b->kind != LIVE_BRIDGE || !slice_equal(b->copy_to, a->name))
		return fail_set(why, ST_INVALID,
				"%.*s copies to \"%.*s\", which does not copy back: both are "
				"named, each with the other as its copy-iface",
				SLICE_ARG(a->name), SLICE_ARG(a->copy_to));
	if (a->copies_all != b->copies_all)
		return fail_set(why, ST_INVALID, "%.*s and %.*s have different copy-modes",
				SLICE_ARG(a->name), SLICE_ARG(b->name));
	a->peer = b;
	b->tap.seed = a->tap.seed; /* so that both directions meet */
	b->tap.spread = a->tap.spread;
	b->tap.sockets = a->tap.sockets;
	b->threads = 0;
	return ST_OK;
}

enum status daemon_live_bridges(struct live *l, struct fail *why)
{
	size_t bridged = 0;
	enum status st = ST_OK;

	for (size_t i = 0; i < l->interface_count; i++)
		bridged += l->interfaces[i].kind == LIVE_BRIDGE;
	if (bridged == 0)
		return ST_OK;
	if (bridged != l->interface_count)
		return fail_set(why, ST_INVALID,
				"some interfaces copy and some do not: they want a sensor each");
	l->in_line = true;
	for (size_t i = 0; st == ST_OK && i < l->interface_count; i++)
		if (l->interfaces[i].threads != 0 && l->interfaces[i].peer == NULL)
			st = pair(l, &l->interfaces[i], why);
	return st;
}
