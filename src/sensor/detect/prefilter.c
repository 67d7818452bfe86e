/* SPDX-License-Identifier: Apache-2.0
 * From bytes to candidate rules: Vectorscan over a group's literal patterns. */
#include <stdlib.h>

#include "base/text.h"
#include "sensor/detect/detect_priv.h"

#include <hs/hs.h>

enum { SORT_SMALL = 24 };

/* --- databases --- */

struct literals { /* as the library wants them */
	const char **text;
	size_t *len;
	unsigned *flags, *ids;
};

static bool literals_compile(struct detect_group *g, unsigned distance, const struct literals *l)
{
	uint32_t first = distance == DETECT_NEAR ? 0 : g->near_count;
	uint32_t n = distance == DETECT_NEAR ? g->near_count : g->pattern_count - g->near_count;
	hs_compile_error_t *error = NULL;

	for (uint32_t i = 0; i < n; i++) {
		const struct detect_pattern *p = &g->patterns[first + i];

		l->text[i] = (const char *)p->bytes.ptr;
		l->len[i] = p->bytes.len;
		l->ids[i] = first + i;
		l->flags[i] = (p->nocase ? HS_FLAG_CASELESS : 0U) |
			      (p->anywhere ? HS_FLAG_SINGLEMATCH : 0U);
	}
	if (n == 0 || hs_compile_lit_multi(l->text, l->flags, l->ids, l->len, n, HS_MODE_BLOCK,
					   NULL, &g->db[distance], &error) == HS_SUCCESS)
		return true;
	hs_free_compile_error(error);
	g->db[distance] = NULL;
	return false;
}

bool detect_group_compile(struct detect_group *g)
{
	struct arena_pool pool = {.budget = SIZE_MAX / 2};
	struct arena a = {.pool = &pool};
	size_t n = g->pattern_count + 1;
	struct literals l = {ARENA_ARRAY(&a, const char *, n), ARENA_ARRAY(&a, size_t, n),
			     ARENA_ARRAY(&a, unsigned, n), ARENA_ARRAY(&a, unsigned, n)};
	bool ok = l.text != NULL && l.len != NULL && l.flags != NULL && l.ids != NULL;

	for (unsigned d = 0; d < DETECT_DISTANCES; d++)
		ok = ok && literals_compile(g, d, &l);
	arena_reset(&a);
	arena_pool_drain(&pool);
	return ok;
}

void detect_prefilter_free(struct detect_prefilter *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->group_count; i++) {
		for (unsigned d = 0; d < DETECT_DISTANCES; d++) {
			(void)hs_free_database(p->groups[i]->db[d]); /* NULL is fine */
			p->groups[i]->db[d] = NULL;
		}
	}
}

enum status detect_scratch_new(const struct detect_prefilter *p, void **out, struct fail *why)
{
	hs_scratch_t *s = NULL;

	for (size_t i = 0; i < p->group_count * DETECT_DISTANCES; i++) {
		const hs_database_t *db = p->groups[i / DETECT_DISTANCES]->db[i % DETECT_DISTANCES];

		if (db != NULL && hs_alloc_scratch(db, &s) != HS_SUCCESS) {
			(void)hs_free_scratch(s);
			return fail_set(why, ST_NOMEM, "no memory for the matcher");
		}
	}
	*out = s;
	return ST_OK;
}

void detect_scratch_free(void *scratch)
{
	(void)hs_free_scratch(scratch); /* NULL is fine, and it cannot fail outside of a scan */
}

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
	size_t base;
};

static int on_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
		    void *ctx)
{
	const struct scan *s = ctx;
	const struct detect_pattern *p = &s->group->patterns[id];
	const struct detect_entry *e = &s->group->entries[p->first];

	to += s->base;
	for (uint32_t i = 0; i < p->count; i++)
		if (to >= e[i].min_to && (to <= e[i].max_to || e[i].max_to == UINT32_MAX))
			detect_candidates_add(s->out, e[i].rule);
	return 0;
}

void detect_group_scan(const struct detect_group *g, struct slice bytes, size_t base, void *scratch,
		       struct detect_candidates *out)
{
	struct scan s = {g, out, base};

	if (bytes.len == 0 || bytes.len > UINT32_MAX)
		return;
	if (g->db[DETECT_NEAR] != NULL && base < g->reach)
		(void)hs_scan(g->db[DETECT_NEAR], (const char *)bytes.ptr,
			      (unsigned)(bytes.len < g->reach ? bytes.len : g->reach), 0, scratch,
			      on_match, &s); /* fails only on misuse */
	if (g->db[DETECT_FAR] != NULL)
		(void)hs_scan(g->db[DETECT_FAR], (const char *)bytes.ptr, (unsigned)bytes.len, 0,
			      scratch, on_match, &s); /* as above */
}

static void group_ask(const struct detect_group *g, struct slice bytes, void *scratch,
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
	detect_group_scan(g, bytes, 0, scratch, out);
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
			      const struct detect_view *v, void *scratch,
			      struct detect_candidates *out)
{
	const struct detect_port_groups *g = &p->packet[layer_of(proto)][stream][v->dir];
	int app = app_of(v);

	group_ask(g->any, v->payload, scratch, out);
	if (app >= 0)
		group_ask(g->by_app[app], v->payload, scratch, out);
	group_ask(port_group(&g->by_dport, v->dport), v->payload, scratch, out);
	group_ask(port_group(&g->by_sport, v->sport), v->payload, scratch, out);
}
