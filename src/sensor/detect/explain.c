/* SPDX-License-Identifier: Apache-2.0
 * What a rule asks, in sentences, and what asking it costs: for people who write rules. */
#include "base/text.h"
#include "sensor/detect/detect_priv.h"

static const struct detect_rule *find(const struct detect_rules *r, uint64_t gid, uint64_t sid)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->rules[i].rule->gid == gid && r->rules[i].rule->sid == sid)
			return &r->rules[i];
	return NULL;
}

void detect_rules_loaded(const struct detect_rules *r, const struct rule_set *set, bool *loaded)
{
	for (size_t i = 0; r != NULL && i < r->count; i++)
		loaded[r->rules[i].rule - set->rules] = true;
}

/* "Ab|0d 0a|" as a rule would have it. */
static void content_add(struct slice s, struct buf *out)
{
	bool hex = false;

	buf_add_byte(out, '"');
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.ptr[i];
		bool plain = c >= ' ' && c < 0x7f && c != '"' && c != '|' && c != ';' && c != '\\';

		if (plain == hex)
			buf_add_byte(out, '|');
		else if (hex)
			buf_add_byte(out, ' ');
		hex = !plain;
		if (plain)
			buf_add_byte(out, c);
		else
			buf_add_fmt(out, "%02x", (unsigned)c);
	}
	buf_add_z(out, hex ? "|\"" : "\"");
}

static void num_add(const char *name, const struct detect_num *n, struct buf *out)
{
	if (n->var != 0)
		buf_add_fmt(out, ", %s by variable %d", name, (int)n->var);
	else
		buf_add_fmt(out, ", %s %lld", name, (long long)n->value);
}

static void content_step(const struct detect_content *c, struct buf *out)
{
	buf_add_z(out, c->negated ? "without " : "");
	content_add(c->bytes, out);
	buf_add_z(out, c->nocase ? ", in either case" : "");
	buf_add_z(out, c->starts ? ", at the start" : "");
	buf_add_z(out, c->ends ? ", at the end" : "");
	if (c->has_offset)
		num_add("offset", &c->offset, out);
	if (c->has_depth)
		num_add("depth", &c->depth, out);
	if (c->has_distance)
		num_add("distance", &c->distance, out);
	if (c->has_within)
		num_add("within", &c->within, out);
}

static void list_add(const struct detect_list *l, struct buf *out)
{
	buf_add_fmt(out, "  in %.*s", SLICE_ARG(l->buffer->name));
	for (uint8_t i = 0; i < l->buffer->transforms; i++)
		buf_add_fmt(out, ", %s", l->buffer->transform[i].kw->name);
	buf_add_z(out, l->if_absent ? " (holds also if there is none):\n" : ":\n");
	for (uint32_t i = 0; i < l->count; i++) {
		const struct detect_step *s = &l->steps[i];

		buf_add_fmt(out, "    %s", s->kw->name);
		if (s->kw == detect_content_keyword) {
			buf_add_byte(out, ' ');
			content_step(s->operand, out);
		} else {
			buf_add_fmt(out, ": %s", s->kw->doc);
		}
		buf_add_z(out, s->relative ? ", from where the one before stopped\n" : "\n");
	}
}

static void tests_add(const char *what, const struct detect_test *tests, size_t n, struct buf *out)
{
	for (size_t i = 0; i < n; i++) {
		buf_add_fmt(out, "  %s %s", what, tests[i].kw->name);
		if (tests[i].value.len != 0)
			buf_add_fmt(out, ":%.*s", SLICE_ARG(tests[i].value));
		buf_add_fmt(out, " (%s)\n", tests[i].kw->doc);
	}
}

static void looks_add(const struct detect_rule *r, struct buf *out)
{
	static const struct {
		uint8_t bit;
		const char *text;
	} looks[] = {{LOOK_ADDRESS, "the addresses, once a flow and direction"},
		     {LOOK_PACKET, "each packet"},
		     {LOOK_STREAM, "the reassembled stream"},
		     {LOOK_TX, "transactions"}};
	bool first = true;

	buf_add_z(out, "  looks at ");
	for (size_t i = 0; i < sizeof looks / sizeof looks[0]; i++) {
		if ((r->look & looks[i].bit) == 0)
			continue;
		buf_add_fmt(out, "%s%s", first ? "" : " and ", looks[i].text);
		first = false;
	}
	first = true;
	for (size_t i = 0; r->app_only && app_protocols[i] != NULL; i++) {
		if ((r->apps >> i & 1) == 0)
			continue;
		buf_add_fmt(out, "%s%s", first ? " of " : ", ", app_protocols[i]->name);
		first = false;
	}
	buf_add_fmt(out, ", %s\n",
		    r->dirs == 1U << FLOW_TO_SERVER   ? "to the server"
		    : r->dirs == 1U << FLOW_TO_CLIENT ? "to the client"
						      : "both ways");
}

/* Groups that hold the rule, and the largest of them by patterns. */
static void groups_add(const struct detect_rules *all, const struct detect_rule *r, struct buf *out)
{
	const struct detect_prefilter *p = all->prefilter;
	uint32_t most = 0;
	size_t n = 0;

	for (size_t i = 0; i < p->group_count; i++) {
		const struct detect_group *g = p->groups[i];
		uint32_t entries = 0;
		bool here = false;

		for (uint32_t k = 0; k < g->pattern_count; k++)
			entries += g->patterns[k].count;
		for (uint32_t k = 0; k < entries && !here; k++)
			here = g->entries[k].rule == r->order;
		for (uint32_t k = 0; k < g->plain_count && !here; k++)
			here = g->plain[k] == r->order;
		for (uint32_t k = 0; k < g->loaded_count && !here; k++)
			here = g->loaded[k] == r->order;
		n += here;
		if (here && g->pattern_count > most)
			most = g->pattern_count;
	}
	if (r->fast != NULL) {
		buf_add_z(out, "  fast pattern ");
		content_add(r->fast->bytes, out);
		buf_add_fmt(out, " in %.*s", SLICE_ARG(r->lists[r->fast_list].buffer->name));
	} else {
		buf_add_z(out, "  no fast pattern: asked wherever its protocol, direction and "
			       "ports fit");
	}
	buf_add_fmt(out, "; in %zu groups, the largest of %u patterns\n", n, most);
}

static void threshold_add(const struct detect_threshold *t, struct buf *out)
{
	static const char *const kinds[] = {
		[THRESHOLD_LIMIT] = "at most %u alerts",
		[THRESHOLD_EVERY] = "one alert for every %u matches",
		[THRESHOLD_BOTH] = "one alert after %u matches",
		[THRESHOLD_BACKOFF] = "ever fewer alerts after %u matches",
		[THRESHOLD_FILTER] = "no match counts before there were %u",
		[THRESHOLD_RATE] = "another action after %u matches",
	};
	static const char *const tracks[] = {
		[TRACK_BY_SRC] = "by source",	  [TRACK_BY_DST] = "by destination",
		[TRACK_BY_BOTH] = "by both ends", [TRACK_BY_RULE] = "in all",
		[TRACK_BY_FLOW] = "in each flow",
	};
	const char *form = kinds[t->kind], *at = strstr(form, "%u");

	buf_add_z(out, "  ");
	buf_add(out, (struct slice){(const uint8_t *)form, (size_t)(at - form)});
	buf_add_u64(out, t->count);
	buf_add_z(out, at + 2);
	if (t->seconds != 0)
		buf_add_fmt(out, " in %u s", t->seconds);
	buf_add_fmt(out, ", counted %s\n", tracks[t->track]);
}

bool detect_rule_explain(const struct detect_rules *all, uint64_t gid, uint64_t sid,
			 struct buf *out)
{
	const struct detect_rule *r = all != NULL ? find(all, gid, sid) : NULL;

	if (r == NULL)
		return false;
	looks_add(r, out);
	tests_add("wants", r->tests, r->test_count, out);
	tests_add("of the transaction wants", r->tx_tests, r->tx_test_count, out);
	for (uint32_t i = 0; i < r->packet_list_count; i++)
		list_add(&r->packet_lists[i], out);
	for (uint32_t i = 0; i < r->list_count; i++)
		list_add(&r->lists[i], out);
	groups_add(all, r, out);
	buf_add_fmt(out, "  is rule %u of %zu in the order of asking\n", r->order + 1, all->count);
	tests_add("then", r->after, r->after_count, out);
	if (r->filter != NULL)
		threshold_add(r->filter, out);
	if (r->threshold != NULL)
		threshold_add(r->threshold, out);
	for (const struct detect_threshold *t = r->rate; t != NULL; t = t->next)
		threshold_add(t, out);
	if (r->suppress != NULL)
		buf_add_z(out, "  is silent for addresses that threshold.config suppresses\n");
	if (r->noalert)
		buf_add_z(out, "  makes no alert\n");
	return true;
}

bool detect_worker_profile(struct detect_worker *w, struct arena *a)
{
	size_t n = w->rules->count;

	w->costs = ARENA_ARRAY(a, struct detect_cost, n + 1);
	for (size_t i = 0; w->costs != NULL && i < n; i++)
		w->costs[i].rule = w->rules->rules[i].rule;
	return w->costs != NULL;
}

const struct detect_cost *detect_worker_costs(const struct detect_worker *w, size_t *out_count)
{
	*out_count = w->costs != NULL ? w->rules->count : 0;
	return w->costs;
}
