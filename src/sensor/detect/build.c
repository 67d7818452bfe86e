/* SPDX-License-Identifier: Apache-2.0
 *
 * All rules of a set: compile, put in order, group.
 *
 * The order is Suricata's: pass, drop, reject, alert, unless action-order says otherwise; rules
 * that set a bit before those that ask for it; urgent before less urgent; then by sid.
 */
#include <stdlib.h>

#include "sensor/config/config.h"
#include "sensor/detect/detect_priv.h"

enum { PCRES_A_JOB = 256 };

/* Words of action-order, in Suricata's order. */
static const char *const kinds[] = {"pass", "drop", "reject", "alert", NULL};

enum { KINDS = 4 };

static unsigned kind_of(enum rule_action a)
{
	switch (a) {
	case RULE_PASS:
		return 0;
	case RULE_DROP:
		return 1;
	case RULE_ALERT:
		return 3;
	default:
		return 2; /* the kinds of reject */
	}
}

/* Places of the kinds by action-order, which has to name each once. */
static void ranks_read(struct config *config, uint8_t ranks[KINDS])
{
	struct config *order = config_at(config, "action-order");
	uint8_t at = 0, given[KINDS] = {0};
	bool seen[KINDS] = {false}, good = true;

	for (int i = 0; i < KINDS; i++)
		ranks[i] = (uint8_t)i;
	for (struct config *n = config_first(order); n != NULL; n = config_next(n)) {
		unsigned k = config_word(n, "", kinds, KINDS);

		good = good && k < KINDS && !seen[k];
		if (!good)
			break;
		seen[k] = true;
		given[k] = at++;
	}
	if (order == NULL)
		return;
	if (good && at == KINDS)
		memcpy(ranks, given, sizeof given);
	else
		config_problem(order, "expected pass, drop, reject and alert, each once");
}

static int before(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int rule_compare(const void *pa, const void *pb)
{
	const struct detect_rule *a = pa, *b = pb;
	int d = before(a->rank, b->rank);

	d = d != 0 ? d : before(b->bit_use, a->bit_use);
	d = d != 0 ? d : before(b->int_use, a->int_use);
	d = d != 0 ? d : before(b->var_use, a->var_use);
	d = d != 0 ? d : before(b->packet_var_use, a->packet_var_use);
	d = d != 0 ? d : before(b->host_use, a->host_use);
	d = d != 0 ? d : before(b->pair_use, a->pair_use);
	d = d != 0 ? d : before(a->rule->priority, b->rule->priority);
	d = d != 0 ? d : before(a->rule->sid, b->rule->sid);
	return d != 0 ? d : before(a->rule->gid, b->rule->gid);
}

static enum status rules_compile(struct detect_rules *r, struct rule_set *set,
				 const struct detect_options *options, struct fail *why)
{
	struct detect_compiler *c = ARENA_NEW(r->arena, struct detect_compiler);

	r->rules = ARENA_ARRAY(r->arena, struct detect_rule, set->count + 1);
	r->buffers = ARENA_ARRAY(r->arena, struct detect_buffer *, DETECT_BUFFERS_MAX);
	if (c == NULL || r->rules == NULL || r->buffers == NULL)
		return fail_set(why, ST_NOMEM, "no memory for rules");
	c->rules = r;
	c->options = options;
	c->arena = r->arena;
	for (size_t i = 0; i < set->count; i++) {
		struct fail f = {0};
		struct slice keyword;
		enum status st =
			detect_rule_compile(c, &set->rules[i], &r->rules[r->count], &keyword, &f);

		if (st == ST_NOMEM || r->arena->exhausted)
			return fail_set(why, ST_NOMEM, "no memory for rules");
		if (st == ST_OK)
			r->count++;
		else
			rule_set_problem(set, &set->rules[i], st == ST_REFUSED, keyword, "%s",
					 f.text);
	}
	return ST_OK;
}

/* --- jobs: the just-in-time compiler's --- */

static void job(void *ctx, size_t i)
{
	struct detect_rules *r = ctx;

	i *= PCRES_A_JOB;
	for (size_t k = i; k < r->pcre_count && k < i + PCRES_A_JOB; k++)
		detect_pcre_jit(r->pcres[k]);
}

static void run_jobs(struct detect_rules *r, const struct detect_options *options)
{
	size_t n = (r->pcre_count + PCRES_A_JOB - 1) / PCRES_A_JOB;

	if (options != NULL && options->parallel != NULL) {
		options->parallel(options->parallel_ctx, n, job, r);
		return;
	}
	for (size_t i = 0; i < n; i++)
		job(r, i);
}

enum status detect_compile(struct rule_set *set, const struct detect_options *options,
			   struct arena *process, struct detect_rules **out, struct fail *why)
{
	struct detect_rules *r = ARENA_NEW(process, struct detect_rules);
	enum status st;

	if (r == NULL)
		return fail_set(why, ST_NOMEM, "no memory for rules");
	detect_bounds_read(options != NULL ? options->config : NULL, &r->bounds);
	r->arena = process;
	if (options != NULL && !detect_names_inherit(r, options->before))
		return fail_set(why, ST_NOMEM, "no memory for rules");
	st = rules_compile(r, set, options, why);
	if (st == ST_OK)
		st = detect_limits_apply(r, set, why);
	if (st == ST_OK)
		st = detect_fast_choose(r, why);
	if (st == ST_OK) {
		uint8_t ranks[KINDS];

		ranks_read(options != NULL ? options->config : NULL, ranks);
		for (size_t i = 0; i < r->count; i++)
			r->rules[i].rank = ranks[kind_of(r->rules[i].rule->action)];
		qsort(r->rules, r->count, sizeof r->rules[0], rule_compare);
		for (size_t i = 0; i < r->count; i++)
			r->rules[i].order = (uint32_t)i;
		if (!detect_keys_build(r))
			st = fail_set(why, ST_NOMEM, "no memory for rules");
	}
	if (st == ST_OK)
		st = detect_prefilter_build(r, why);
	if (st == ST_OK)
		run_jobs(r, options);
	if (st != ST_OK) {
		detect_rules_free(r);
		return st;
	}
	*out = r;
	return ST_OK;
}

void detect_rules_free(struct detect_rules *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->pcre_count; i++)
		detect_pcre_free(r->pcres[i]);
	r->pcre_count = 0;
}

size_t detect_rules_count(const struct detect_rules *r)
{
	return r->count;
}
