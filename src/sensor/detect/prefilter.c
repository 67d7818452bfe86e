/* SPDX-License-Identifier: Apache-2.0
 * From bytes to candidate rules: which of a group's patterns are in them. */
#include <stdlib.h>

#include "sensor/detect/detect_priv.h"

enum { SORT_SMALL = 24 };

/* --- candidates --- */

bool detect_candidates_init(struct detect_candidates *c, size_t rules, struct arena *a)
{
	*c = (struct detect_candidates){.items = ARENA_ARRAY(a, uint32_t, rules + 1),
					.mark = ARENA_ARRAY(a, uint32_t, rules + 1),
					.generation = 1};
	return c->items != NULL && c->mark != NULL;
}

void detect_candidates_reset(struct detect_candidates *c)
{
	c->count = 0;
	c->generation++; /* wraps after 2^32 packets: a stale mark then hides one rule once at most
			  */
}

void detect_candidates_add(struct detect_candidates *c, uint32_t rule)
{
	if (c->mark[rule] == c->generation)
		return;
	c->mark[rule] = c->generation;
	c->items[c->count++] = rule;
}

int detect_rule_number_compare(const void *pa, const void *pb)
{
	uint32_t a = *(const uint32_t *)pa, b = *(const uint32_t *)pb;

	return a < b ? -1 : a > b;
}

void detect_candidates_sort(struct detect_candidates *c)
{
	if (c->count > SORT_SMALL) {
		qsort(c->items, c->count, sizeof c->items[0], detect_rule_number_compare);
		return;
	}
	for (size_t i = 1; i < c->count; i++) {
		uint32_t v = c->items[i];
		size_t k = i;

		for (; k > 0 && c->items[k - 1] > v; k--)
			c->items[k] = c->items[k - 1];
		c->items[k] = v;
	}
}

/* --- scanning --- */

struct scan {
	const struct detect_group *group;
	struct detect_candidates *out;
};

static void on_match(void *ctx, uint32_t pattern, uint64_t to)
{
	const struct scan *s = ctx;
	const struct detect_pattern *p = &s->group->patterns[pattern];
	const struct detect_entry *e = &s->group->entries[p->first];

	for (uint32_t i = 0; i < p->count; i++)
		if (to >= e[i].min_to && (to <= e[i].max_to || e[i].max_to == UINT32_MAX))
			detect_candidates_add(s->out, e[i].rule);
}

void detect_group_scan(const struct detect_group *g, struct slice bytes, size_t base,
		       struct detect_seen *seen, struct detect_candidates *out)
{
	struct scan s = {g, out};

	if (g->literals != NULL)
		detect_literals_scan(g->literals, bytes, base, seen, on_match, &s);
}

static void group_ask(const struct detect_group *g, struct slice bytes, struct detect_seen *seen,
		      struct detect_candidates *out)
{
	if (g == NULL)
		return;
	for (uint32_t i = 0; i < g->plain_count; i++)
		detect_candidates_add(out, g->plain[i]);
	if (bytes.len == 0)
		return;
	for (uint32_t i = 0; i < g->loaded_count; i++)
		detect_candidates_add(out, g->loaded[i]);
	detect_group_scan(g, bytes, 0, seen, out);
}

static const struct detect_group *port_group(const struct detect_ports *p, uint16_t port)
{
	uint16_t class = p->class == NULL ? 0 : p->class[port];

	return class == 0 ? NULL : p->groups[class - 1];
}

static enum detect_layer layer_of(uint8_t proto)
{
	switch (proto) {
	case IP_PROTO_TCP:
		return LAYER_TCP;
	case IP_PROTO_UDP:
		return LAYER_UDP;
	case IP_PROTO_ICMP:
	case IP_PROTO_ICMP6:
		return LAYER_ICMP;
	default:
		return LAYER_OTHER;
	}
}

/* What the flow's application is, in the order of the protocol table; -1: not known. */
static int app_of(const struct detect_view *v)
{
	const struct app_flow *app = v->flow != NULL ? v->flow->app : NULL;

	return app == NULL || app->protocol == NULL ? -1 : detect_protocol_index(app->protocol);
}

void detect_prefilter_payload(const struct detect_prefilter *p, bool stream, uint8_t proto,
			      const struct detect_view *v, struct detect_seen *seen,
			      struct detect_candidates *out)
{
	const struct detect_port_groups *g = &p->packet[layer_of(proto)][stream][v->dir];
	int app = app_of(v);

	group_ask(g->any, v->payload, seen, out);
	if (app >= 0)
		group_ask(g->by_app[app], v->payload, seen, out);
	group_ask(port_group(&g->by_dport, v->dport), v->payload, seen, out);
	group_ask(port_group(&g->by_sport, v->sport), v->payload, seen, out);
}
