/* SPDX-License-Identifier: Apache-2.0
 *
 * Which rule goes to which group of patterns.
 *
 * Rules of packets and streams: by protocol, direction and, where a rule is bound to few ports, by
 * port, or else, where it is bound to applications, by application. A packet then meets four small
 * groups (any port, its source port, its destination port, its flow's application) instead of one
 * large. Rules of transactions: by protocol, direction and buffer.
 *
 * 1. A rule is in every group in which a packet, chunk or transaction that it matches is looked
 * for.
 * 2. Groups list rules in ascending order, each once for a pattern.
 */
#include <stdlib.h>

#include "base/text.h"
#include "sensor/detect/detect_priv.h"

enum {
	NARROW_PORTS = 1024, /* a set of more ports counts as any port */
	SHORT_RULES = 8,     /* so many with short patterns are cheaper asked for every packet */
};

/* A group while rules are added: one item a rule. */
struct item {
	struct slice bytes; /* of the pattern; len 0: none */
	bool nocase;
	struct detect_entry entry;
};

struct draft {
	struct item *items;
	size_t count, room;
	bool packets; /* rules are asked by their headers first: not those of transactions */
};

struct builder {
	struct detect_rules *rules;
	struct detect_prefilter *out;
	struct arena *arena, scratch; /* scratch: of the group at hand */
	bool full;		      /* memory is spent */
};

/* --- patterns --- */

/* The DETECT_PATTERN_MAX bytes of a longer content that differ most. */
static size_t window_of(struct slice s)
{
	size_t best = 0, best_n = 0;

	for (size_t at = 0; at + DETECT_PATTERN_MAX <= s.len && at < 256; at += 8) {
		uint64_t seen[4] = {0};
		size_t n = 0;

		for (size_t i = at; i < at + DETECT_PATTERN_MAX; i++)
			seen[s.ptr[i] / 64] |= UINT64_C(1) << s.ptr[i] % 64;
		for (unsigned i = 0; i < 4; i++)
			n += (size_t)__builtin_popcountll(seen[i]);
		if (n > best_n) {
			best = at;
			best_n = n;
		}
	}
	return best;
}

static struct item item_of(const struct detect_rule *r)
{
	const struct detect_content *c = r->fast;
	struct item it = {.entry = {.rule = r->order, .max_to = UINT32_MAX}};
	size_t at = 0, len;
	int64_t offset;

	if (c == NULL)
		return it;
	len = c->bytes.len;
	if (c->chop_len != 0) {
		at = c->chop_at;
		len = c->chop_len;
	}
	if (len > DETECT_PATTERN_MAX) {
		at += window_of(slice_part(c->bytes, at, len));
		len = DETECT_PATTERN_MAX;
	}
	while (len > 1 &&
	       c->bytes.ptr[at] == 0) { /* the matcher refuses a literal that starts so */
		at++;
		len--;
	}
	it.bytes = slice_part(c->bytes, at, len);
	it.nocase = c->nocase;
	if (c->has_distance || c->has_within || c->offset.var != 0 || c->depth.var != 0)
		return it;
	offset = c->has_offset ? c->offset.value : 0;
	if (c->has_offset)
		it.entry.min_to = (uint32_t)((size_t)offset + at + len);
	if (c->has_depth)
		it.entry.max_to =
			(uint32_t)((size_t)(offset + c->depth.value) - (c->bytes.len - at - len));
	return it;
}

static void draft_add(struct builder *b, struct draft *d, const struct detect_rule *r)
{
	struct item it = item_of(r);

	if (!ARENA_PUSH(b->arena, d->items, d->count, d->room, it))
		b->full = true;
}

static bool is_near(const struct item *it)
{
	return it->bytes.len != 0 && it->entry.max_to <= DETECT_REACH;
}

static bool is_short(const struct item *it)
{
	return it->bytes.len != 0 && it->bytes.len < DETECT_SHORT && !is_near(it);
}

/* Takes short patterns, if they are few, out of the matcher. */
static void shorts_drop(struct item *items, size_t n)
{
	size_t shorts = 0;

	for (size_t i = 0; i < n; i++)
		shorts += is_short(&items[i]);
	for (size_t i = 0; i < n && shorts <= SHORT_RULES; i++)
		if (is_short(&items[i]))
			items[i].bytes.len = 0;
}

static int item_compare(const void *pa, const void *pb)
{
	const struct item *a = pa, *b = pb;
	int d;

	if (is_near(a) != is_near(b))
		return is_near(a) ? -1 : 1;
	if (a->nocase != b->nocase)
		return a->nocase ? 1 : -1;
	d = slice_compare(a->bytes, b->bytes);
	if (d != 0)
		return d;
	return a->entry.rule < b->entry.rule ? -1 : a->entry.rule > b->entry.rule;
}

static bool same_pattern(const struct item *a, const struct item *b)
{
	return a->nocase == b->nocase && slice_equal(a->bytes, b->bytes) &&
	       is_near(a) == is_near(b);
}

static bool needs_bytes(const struct builder *b, const struct draft *d, uint32_t rule)
{
	return d->packets && b->rules->rules[rule].payload_list >= 0;
}

static void literal_widen(struct detect_literal *l, const struct detect_entry *e)
{
	if (e->min_to < l->min_to)
		l->min_to = e->min_to;
	if (e->max_to > l->max_to)
		l->max_to = e->max_to;
	if (e->min_to != 0 || e->max_to != UINT32_MAX)
		l->once = false;
}

static void patterns_fill(const struct builder *b, const struct draft *d, struct detect_group *g)
{
	const struct item *items = d->items;
	uint32_t entries = 0;

	for (size_t i = 0; i < d->count; i++) {
		if (items[i].bytes.len == 0) {
			if (needs_bytes(b, d, items[i].entry.rule))
				g->loaded[g->loaded_count++] = items[i].entry.rule;
			else
				g->plain[g->plain_count++] = items[i].entry.rule;
			continue;
		}
		if (i == 0 || !same_pattern(&items[i - 1], &items[i])) {
			g->bytes[g->pattern_count] =
				(struct detect_literal){.bytes = items[i].bytes,
							.nocase = items[i].nocase,
							.once = true,
							.min_to = UINT32_MAX};
			g->patterns[g->pattern_count++].first = entries;
		}
		g->patterns[g->pattern_count - 1].count++;
		literal_widen(&g->bytes[g->pattern_count - 1], &items[i].entry);
		g->entries[entries++] = items[i].entry;
	}
	qsort(g->plain, g->plain_count, sizeof g->plain[0], detect_rule_number_compare);
	qsort(g->loaded, g->loaded_count, sizeof g->loaded[0], detect_rule_number_compare);
}

static void literals_make(struct builder *b, struct detect_group *g)
{
	if (g->pattern_count == 0)
		return;
	g->literals = detect_literals_new(g->bytes, g->pattern_count, b->arena, &b->scratch);
	b->full = b->full || g->literals == NULL;
	arena_reset(&b->scratch);
	if (g->pattern_count > b->out->patterns_most)
		b->out->patterns_most = g->pattern_count;
}

/* NULL: no rules in it, or no memory (b->full). */
static struct detect_group *group_finish(struct builder *b, struct draft *d)
{
	struct detect_group *g;

	if (d->count == 0)
		return NULL;
	g = ARENA_NEW(b->arena, struct detect_group);
	if (d->packets)
		shorts_drop(d->items, d->count);
	qsort(d->items, d->count, sizeof d->items[0], item_compare);
	if (g != NULL) {
		g->patterns = ARENA_ARRAY(b->arena, struct detect_pattern, d->count);
		g->bytes = ARENA_ARRAY(b->arena, struct detect_literal, d->count);
		g->entries = ARENA_ARRAY(b->arena, struct detect_entry, d->count);
		g->plain = ARENA_ARRAY(b->arena, uint32_t, d->count);
		g->loaded = ARENA_ARRAY(b->arena, uint32_t, d->count);
	}
	if (g == NULL || g->patterns == NULL || g->bytes == NULL || g->entries == NULL ||
	    g->plain == NULL || g->loaded == NULL ||
	    !ARENA_PUSH(b->arena, b->out->groups, b->out->group_count, b->out->group_room, g)) {
		b->full = true;
		return NULL;
	}
	patterns_fill(b, d, g);
	literals_make(b, g);
	return g;
}

/* --- packets and streams --- */

static bool narrow(const struct rule_port_set *s)
{
	uint32_t ports = 0;

	if (s->any)
		return false;
	for (size_t i = 0; i < s->count; i++)
		ports += (uint32_t)s->ranges[i].hi - s->ranges[i].lo + 1;
	return ports <= NARROW_PORTS;
}

enum side { SIDE_ANY, SIDE_SPORT, SIDE_DPORT };

static enum side side_of(const struct detect_rule *r)
{
	if (r->rule->both_ways)
		return SIDE_ANY;
	if (narrow(r->rule->dport))
		return SIDE_DPORT;
	return narrow(r->rule->sport) ? SIDE_SPORT : SIDE_ANY;
}

static const struct rule_port_set *ports_of(const struct detect_rule *r, enum side side)
{
	return side == SIDE_DPORT ? r->rule->dport : r->rule->sport;
}

static int ports_compare(const void *pa, const void *pb)
{
	uint32_t a = *(const uint32_t *)pa, b = *(const uint32_t *)pb;

	return a < b ? -1 : a > b;
}

struct rule_list {
	const struct detect_rule **items;
	size_t count, room;
};

/* The rules of the list that are bound to a port. */
static void rules_at(struct builder *b, const struct rule_list *l, enum side side, uint16_t port,
		     struct rule_list *out)
{
	out->count = 0;
	for (size_t i = 0; i < l->count; i++)
		if (rule_ports_hold(ports_of(l->items[i], side), port) &&
		    !ARENA_PUSH(b->arena, out->items, out->count, out->room, l->items[i]))
			b->full = true;
}

static bool same_rules(const struct rule_list *a, const struct rule_list *b)
{
	return a->count == b->count &&
	       (a->count == 0 || memcmp(a->items, b->items, a->count * sizeof a->items[0]) == 0);
}

/* Every port at which the set of rules may change, ascending, each once. */
static uint32_t *edges_of(struct builder *b, const struct rule_list *l, enum side side,
			  size_t *out_count)
{
	uint32_t *edges = NULL;
	size_t n = 0, room = 0, kept = 0;

	for (size_t i = 0; i < l->count; i++) {
		const struct rule_port_set *s = ports_of(l->items[i], side);

		for (size_t k = 0; k < s->count; k++)
			if (!ARENA_PUSH(b->arena, edges, n, room, s->ranges[k].lo) ||
			    !ARENA_PUSH(b->arena, edges, n, room, s->ranges[k].hi + 1U))
				b->full = true;
	}
	if (n != 0)
		qsort(edges, n, sizeof edges[0], ports_compare);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || edges[kept - 1] != edges[i])
			edges[kept++] = edges[i];
	*out_count = kept;
	return edges;
}

/* The class of these rules, made if new; 0 for none. */
static uint16_t class_of(struct builder *b, struct detect_ports *out, struct rule_list *classes,
			 size_t most, const struct rule_list *now)
{
	struct draft d = {.packets = true};
	struct rule_list *copy;

	if (now->count == 0)
		return 0;
	for (uint32_t i = 0; i < out->group_count; i++)
		if (same_rules(&classes[i], now))
			return (uint16_t)(i + 1);
	ASSERT(out->group_count < most);
	copy = &classes[out->group_count];
	for (size_t i = 0; i < now->count; i++) {
		draft_add(b, &d, now->items[i]);
		if (!ARENA_PUSH(b->arena, copy->items, copy->count, copy->room, now->items[i]))
			b->full = true;
	}
	if (b->full)
		return 0;
	out->groups[out->group_count] = group_finish(b, &d);
	out->group_count++;
	return (uint16_t)out->group_count;
}

static void ports_build(struct builder *b, const struct rule_list *l, enum side side,
			struct detect_ports *out)
{
	size_t edges_n = 0;
	uint32_t *edges;
	struct rule_list *classes, now = {0};

	if (l->count == 0)
		return;
	edges = edges_of(b, l, side, &edges_n);
	out->class = ARENA_ARRAY(b->arena, uint16_t, 65536);
	out->groups = ARENA_ARRAY(b->arena, struct detect_group *, edges_n + 1);
	classes = ARENA_ARRAY(b->arena, struct rule_list, edges_n + 1);
	if (b->full || out->class == NULL || out->groups == NULL || classes == NULL) {
		b->full = true;
		return;
	}
	for (size_t i = 0; i < edges_n && edges[i] <= UINT16_MAX; i++) {
		uint32_t end = i + 1 < edges_n ? edges[i + 1] : 65536;
		uint16_t class;

		rules_at(b, l, side, (uint16_t)edges[i], &now);
		class = class_of(b, out, classes, edges_n + 1, &now);
		for (uint32_t port = edges[i]; port < end; port++)
			out->class[port] = class;
	}
}

/* No test of it speaks against packets of that IP protocol. */
static bool allows(const struct detect_rule *r, uint8_t proto)
{
	for (uint32_t i = 0; i < r->test_count; i++)
		if (!detect_test_allows(&r->tests[i], proto))
			return false;
	return true;
}

static bool tests_allow(const struct detect_rule *r, enum detect_layer layer)
{
	switch (layer) {
	case LAYER_TCP:
		return allows(r, IP_PROTO_TCP);
	case LAYER_UDP:
		return allows(r, IP_PROTO_UDP);
	case LAYER_ICMP:
		return allows(r, IP_PROTO_ICMP) || allows(r, IP_PROTO_ICMP6);
	default:
		return true;
	}
}

static bool covers(const struct detect_rule *r, enum detect_layer layer)
{
	uint64_t others;

	if (!tests_allow(r, layer))
		return false;
	if (r->any_proto)
		return true;
	switch (layer) {
	case LAYER_TCP:
		return (r->protos[0] >> IP_PROTO_TCP & 1) != 0;
	case LAYER_UDP:
		return (r->protos[0] >> IP_PROTO_UDP & 1) != 0;
	case LAYER_ICMP:
		return (r->protos[0] &
			(UINT64_C(1) << IP_PROTO_ICMP | UINT64_C(1) << IP_PROTO_ICMP6)) != 0;
	default:
		others = r->protos[0] &
			 ~(UINT64_C(1) << IP_PROTO_TCP | UINT64_C(1) << IP_PROTO_UDP |
			   UINT64_C(1) << IP_PROTO_ICMP | UINT64_C(1) << IP_PROTO_ICMP6);
		return (others | r->protos[1] | r->protos[2] | r->protos[3]) != 0;
	}
}

/* Is the rule one of packets (or of streams) of the layer? Only TCP has streams; elsewhere rules
 * of streams look at packets. */
static bool belongs(const struct detect_rule *r, enum detect_layer layer, bool stream)
{
	if (!covers(r, layer))
		return false;
	if (layer == LAYER_TCP)
		return (r->look & (stream ? LOOK_STREAM : LOOK_PACKET)) != 0;
	return !stream && (r->look & (LOOK_PACKET | LOOK_STREAM)) != 0;
}

/* To the drafts of the applications that it is bound to. */
static void apps_add(struct builder *b, struct draft *apps, const struct detect_rule *r)
{
	for (size_t i = 0; i < DETECT_PROTOCOLS_MAX; i++) {
		if ((r->apps >> i & 1) == 0)
			continue;
		apps[i].packets = true;
		draft_add(b, &apps[i], r);
	}
}

static void layer_build(struct builder *b, enum detect_layer layer, bool stream, unsigned dir)
{
	struct detect_port_groups *out = &b->out->packet[layer][stream][dir];
	struct rule_list lists[2] = {{0}, {0}};
	bool ports = layer == LAYER_TCP || layer == LAYER_UDP;
	struct draft *apps = ARENA_ARRAY(b->arena, struct draft, DETECT_PROTOCOLS_MAX);
	struct draft any = {.packets = true};

	if (apps == NULL) {
		b->full = true;
		return;
	}

	for (size_t i = 0; i < b->rules->count; i++) {
		const struct detect_rule *r = &b->rules->rules[i];
		enum side side = ports ? side_of(r) : SIDE_ANY;
		struct rule_list *l = &lists[side == SIDE_SPORT];

		if (!belongs(r, layer, stream) || (r->dirs >> dir & 1) == 0)
			continue;
		if (side == SIDE_ANY && r->app_only)
			apps_add(b, apps, r);
		else if (side == SIDE_ANY)
			draft_add(b, &any, r);
		else if (!ARENA_PUSH(b->arena, l->items, l->count, l->room, r))
			b->full = true;
	}
	out->any = group_finish(b, &any);
	for (size_t i = 0; i < DETECT_PROTOCOLS_MAX; i++)
		out->by_app[i] = group_finish(b, &apps[i]);
	ports_build(b, &lists[0], SIDE_DPORT, &out->by_dport);
	ports_build(b, &lists[1], SIDE_SPORT, &out->by_sport);
}

/* --- transactions --- */

static void tx_build(struct builder *b, size_t protocol, unsigned dir)
{
	struct detect_tx_groups *out = &b->out->tx[protocol][dir];
	struct draft *drafts = ARENA_ARRAY(b->arena, struct draft, b->rules->buffer_count + 1);
	struct draft plain = {0};

	out->engines = ARENA_ARRAY(b->arena, struct detect_engine, DETECT_ENGINES_MAX);
	if (drafts == NULL || out->engines == NULL) {
		b->full = true;
		return;
	}
	for (size_t i = 0; i < b->rules->count; i++) {
		const struct detect_rule *r = &b->rules->rules[i];
		const struct detect_buffer *buf =
			r->fast == NULL ? NULL : r->lists[r->fast_list].buffer;

		if (r->look != LOOK_TX || (r->apps >> protocol & 1) == 0 ||
		    (r->dirs >> dir & 1) == 0)
			continue;
		if (buf == NULL)
			draft_add(b, &plain, r);
		else if ((buf->field[protocol]->dirs >> dir & 1) != 0)
			draft_add(b, &drafts[buf->index], r);
	}
	for (size_t i = 0; i < b->rules->buffer_count; i++) {
		const struct detect_buffer *buf = b->rules->buffers[i];

		if (drafts[i].count == 0)
			continue;
		if (out->engine_count ==
		    DETECT_ENGINES_MAX) { /* more buffers than bits: no prefilter */
			for (size_t k = 0; k < drafts[i].count; k++) {
				drafts[i].items[k].bytes = (struct slice){NULL, 0};
				if (!ARENA_PUSH(b->arena, plain.items, plain.count, plain.room,
						drafts[i].items[k]))
					b->full = true;
			}
			continue;
		}
		out->engines[out->engine_count++] = (struct detect_engine){
			buf, buf->field[protocol], group_finish(b, &drafts[i])};
	}
	out->plain = group_finish(b, &plain);
	out->any = out->engine_count != 0 || out->plain != NULL;
}

/* --- frames --- */

static void frames_build(struct builder *b, size_t protocol, unsigned dir)
{
	struct detect_frame_rules *out = &b->out->frame[protocol][dir];

	for (size_t i = 0; i < b->rules->count; i++) {
		const struct detect_rule *r = &b->rules->rules[i];

		if (r->look == LOOK_FRAME && (r->apps >> protocol & 1) != 0 &&
		    (r->dirs >> dir & 1) != 0 &&
		    !ARENA_PUSH(b->arena, out->items, out->count, out->room, r->order))
			b->full = true;
	}
}

enum status detect_prefilter_build(struct detect_rules *r, struct fail *why)
{
	struct arena_pool pool = {.budget = SIZE_MAX};
	struct builder b = {.rules = r,
			    .out = ARENA_NEW(r->arena, struct detect_prefilter),
			    .arena = r->arena,
			    .scratch = {.pool = &pool}};

	if (b.out == NULL)
		return fail_set(why, ST_NOMEM, "no memory for the prefilter");
	r->prefilter = b.out;
	for (unsigned dir = 0; dir < 2; dir++) {
		for (enum detect_layer l = 0; l < LAYER_COUNT; l++)
			layer_build(&b, l, false, dir);
		layer_build(&b, LAYER_TCP, true, dir);
		for (size_t p = 0; app_protocols[p] != NULL && p < DETECT_PROTOCOLS_MAX; p++) {
			tx_build(&b, p, dir);
			frames_build(&b, p, dir);
		}
	}
	arena_pool_drain(&pool);
	if (b.full || !detect_addresses_build(&b.out->address, r))
		return fail_set(why, ST_NOMEM, "no memory for the prefilter");
	return ST_OK;
}
