/* SPDX-License-Identifier: Apache-2.0
 * A rule file. The first byte says what is in it: 'c' classifications, 'r' references, 't'
 * thresholds, 'v' a variable's value, else rules. Whatever loads keeps what the header promises. */
#include "sensor/rule/rule.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_ports(const struct rule_port_set *s)
{
	ASSERT(s->count > 0);
	for (size_t i = 0; i < s->count; i++) {
		ASSERT(s->ranges[i].lo <= s->ranges[i].hi);
		ASSERT(i == 0 || s->ranges[i].lo > s->ranges[i - 1].hi + 1);
		ASSERT(rule_ports_hold(s, s->ranges[i].lo) && rule_ports_hold(s, s->ranges[i].hi));
	}
}

static void check_addrs(const struct rule_addr_set *s)
{
	ASSERT(s->count > 0);
	for (size_t i = 0; i < s->count; i++) {
		const struct rule_addr_range *r = &s->ranges[i];

		ASSERT(r->lo.family == r->hi.family && addr_compare(&r->lo, &r->hi) <= 0);
		ASSERT(i == 0 || addr_compare(&s->ranges[i - 1].hi, &r->lo) < 0);
		ASSERT(rule_addrs_hold(s, &r->lo) && rule_addrs_hold(s, &r->hi));
	}
}

static void check_rule(const struct rule *r, struct arena *a)
{
	ASSERT(r->sid >= 1 && r->sid <= UINT32_MAX && r->line >= 1 && r->text.len > 0);
	ASSERT(r->priority >= 1 && r->priority <= RULE_PRIORITY_MAX);
	check_addrs(r->src);
	check_addrs(r->dst);
	check_ports(r->sport);
	check_ports(r->dport);
	for (size_t i = 0; i < r->option_count; i++) {
		struct slice bytes;
		struct fail why;
		bool negated;

		ASSERT(r->options[i].keyword.len > 0);
		if (rule_content_parse(r->options[i].value, a, &negated, &bytes, &why) == ST_OK)
			ASSERT(bytes.len > 0 && bytes.len <= r->options[i].value.len);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena_pool pool = {.budget = 8 << 20};
	struct arena arena = {.pool = &pool};
	struct slice text = {data, size};
	struct rule_set set;
	struct fail why;

	if (rule_set_init(&set, &arena, &why) != ST_OK)
		__builtin_trap();
	if (size > 0 && data[0] == 'c' &&
	    rule_set_classes(&set, SLICE("fuzz"), text, &why) != ST_OK)
		ASSERT(arena.exhausted);
	if (size > 0 && data[0] == 'r' &&
	    rule_set_references(&set, SLICE("fuzz"), slice_from(text, 1), &why) != ST_OK)
		ASSERT(arena.exhausted);
	if (size > 0 && data[0] == 't' &&
	    rule_set_limits(&set, SLICE("fuzz"), slice_from(text, 1), &why) != ST_OK)
		ASSERT(arena.exhausted);
	if (size > 0 && data[0] == 'v' &&
	    rule_set_var(&set, SLICE("HTTP_PORTS"), slice_from(text, 1), &why) != ST_OK)
		ASSERT(why.text[0] != '\0');
	if (rule_set_load(&set, SLICE("fuzz"), text, &why) != ST_OK)
		ASSERT(arena.exhausted);
	for (size_t i = 0; i < set.problem_count; i++)
		ASSERT(set.problems[i].line >= 1 && set.problems[i].text.len > 0);
	for (size_t i = 0; i < set.count; i++)
		check_rule(&set.rules[i], &arena);
	arena_reset(&arena);
	ASSERT(pool.out == 0);
	arena_pool_drain(&pool);
	return 0;
}
