/* SPDX-License-Identifier: Apache-2.0
 *
 * What a rule as a whole asks must be possible: a rule that can never match, or whose parts speak
 * of different things, is a slip of the pen, and its author should hear of it when the rule is
 * loaded. Suricata refuses the same (SigValidate and the validators of its keywords).
 */
#include "sensor/detect/detect_priv.h"

/* --- contents --- */

static bool literal(bool has, const struct detect_num *n)
{
	return has && n->var == 0;
}

/* One content and the words behind it. */
static enum status content_check(const struct detect_content *o, struct fail *why)
{
	int64_t len = (int64_t)o->bytes.len;
	bool relative = o->has_distance || o->has_within;
	bool placed = (o->has_depth || o->has_offset) && !o->starts;

	if (relative && (placed || o->starts))
		return fail_set(why, ST_INVALID,
				"distance and within do not go with depth, offset or startswith");
	if (literal(o->has_depth, &o->depth) && o->depth.value < len)
		return fail_set(why, ST_INVALID,
				"depth is %lld, less than the content's %lld bytes",
				(long long)o->depth.value, (long long)len);
	if (literal(o->has_within, &o->within) && o->within.value < len)
		return fail_set(why, ST_INVALID,
				"within is %lld, less than the content's %lld bytes",
				(long long)o->within.value, (long long)len);
	if (o->fast_chosen && o->negated && (relative || placed || o->starts || o->fast_only))
		return fail_set(why, ST_INVALID,
				"fast_pattern does not go with a negated content that has a place");
	if (o->fast_only && (relative || placed || o->starts))
		return fail_set(why, ST_INVALID,
				"fast_pattern:only is for a content without a place");
	return ST_OK;
}

/* The largest number that r lets through. */
static uint64_t most_of(const struct detect_range *r)
{
	switch (r->op) {
	case CMP_EQ:
	case CMP_LE:
		return r->a;
	case CMP_LT:
		return r->a - 1;
	case CMP_IN:
		return r->b - 1;
	default:
		return UINT64_MAX;
	}
}

/* How many bytes a buffer must have for all contents of the list to be in it. */
static uint64_t least_of(const struct detect_draft_list *d, bool places)
{
	uint64_t least = 0;

	for (uint32_t i = 0; i < d->count; i++) {
		const struct detect_content *o = d->steps[i].operand;
		uint64_t need;

		if (d->steps[i].kw != detect_content_keyword || o->negated)
			continue;
		need = o->bytes.len;
		if (places && literal(o->has_offset, &o->offset) && o->offset.value > 0)
			need += (uint64_t)o->offset.value;
		if (need > least)
			least = need;
	}
	return least;
}

static enum status size_check(const char *word, const struct detect_range *r,
			      const struct detect_draft_list *d, struct fail *why)
{
	/* urilen, an old word, does not ask where in the URI */
	uint64_t need = least_of(d, strcmp(word, "urilen") != 0);

	if (need <= most_of(r))
		return ST_OK;
	return fail_set(why, ST_INVALID, "%s is at most %llu, but the contents need %llu bytes",
			word, (unsigned long long)most_of(r), (unsigned long long)need);
}

static enum status list_check(const struct detect_draft_list *d, uint32_t *fast, struct fail *why)
{
	enum status st = ST_OK;

	for (uint32_t i = 0; i < d->count && st == ST_OK; i++) {
		const struct detect_content *o = d->steps[i].operand;
		const struct detect_keyword *kw = d->steps[i].kw;

		if (kw == detect_content_keyword) {
			*fast += o->fast_chosen;
			st = content_check(o, why);
		} else if (kw->limits_size) {
			st = size_check(kw->name, d->steps[i].operand, d, why);
		}
	}
	return st;
}

static enum status lists_check(const struct detect_compiler *c, struct fail *why)
{
	enum status st = ST_OK;
	uint32_t fast = 0;

	for (uint32_t i = 0; i < c->list_count && st == ST_OK; i++) {
		const struct detect_draft_list *d = c->lists[i];

		if (d->count == 0 && !d->transformed && !d->buffer->payload)
			return fail_set(why, ST_INVALID, "nothing is asked of the buffer \"%.*s\"",
					SLICE_ARG(d->buffer->name));
		st = list_check(d, &fast, why);
		if (st != ST_OK)
			return d->buffer->payload
				       ? st
				       : fail_wrap(why, "%.*s", SLICE_ARG(d->buffer->name));
	}
	for (uint32_t i = 0; i < c->test_count && st == ST_OK; i++)
		if (c->tests[i].kw->limits_size)
			st = size_check(c->tests[i].kw->name,
					detect_uint_range(c->tests[i].operand), c->lists[0], why);
	if (st == ST_OK && fast > 1)
		return fail_set(why, ST_INVALID, "fast_pattern %u times in one rule", fast);
	return st;
}

/* --- what the rule is about --- */

/* The directions in which some protocol of apps has the buffer; 0: it is of numbers, which are
 * known of the transaction. */
static unsigned dirs_of(const struct detect_buffer *b, uint64_t apps)
{
	unsigned dirs = 0;

	for (unsigned p = 0; p < DETECT_PROTOCOLS_MAX; p++)
		if ((apps >> p & 1) != 0 && b->field[p] != NULL && b->field[p]->kind == APP_BYTES)
			dirs |= b->field[p]->dirs;
	return dirs;
}

static enum status directions_check(const struct detect_compiler *c, struct fail *why)
{
	const struct detect_rule *o = c->out;
	unsigned all = 3;
	struct slice first = {NULL, 0};

	if (c->rule->transactional)
		return ST_OK;
	for (uint32_t i = 0; i < o->list_count; i++) {
		const struct detect_buffer *b = o->lists[i].buffer;
		unsigned dirs = dirs_of(b, o->apps);

		if (dirs == 0 || dirs == 3)
			continue;
		if ((dirs & all) == 0)
			return fail_set(why, ST_INVALID,
					"\"%.*s\" and \"%.*s\" are of different directions (a rule "
					"with => may ask for both)",
					SLICE_ARG(first), SLICE_ARG(b->name));
		all = dirs;
		first = b->name;
		if ((dirs & o->dirs) == 0)
			return fail_set(
				why, ST_INVALID,
				"\"%.*s\" is what the %s says, the rule's flow is the other "
				"direction",
				SLICE_ARG(b->name),
				dirs == 1U << FLOW_TO_SERVER ? "client" : "server");
	}
	return ST_OK;
}

static enum status subjects_check(const struct detect_compiler *c, struct fail *why)
{
	const struct detect_rule *o = c->out;
	bool of_packet = c->packet_only;

	if (of_packet && (o->flow_flags & FLOWKW_ONLY_STREAM) != 0)
		return fail_set(
			why, ST_INVALID,
			"what is asked of one packet's header does not go with only_stream");
	if (of_packet && (o->look & (LOOK_TX | LOOK_FRAME)) != 0)
		return fail_set(why, ST_INVALID,
				"what is asked of one packet's header does not go with buffers of "
				"an application");
	if (o->filter != NULL && o->threshold != NULL)
		return fail_set(why, ST_INVALID, "threshold does not go with detection_filter");
	return ST_OK;
}

enum status detect_rule_check(const struct detect_compiler *c, struct fail *why)
{
	enum status st = lists_check(c, why);

	if (st == ST_OK)
		st = subjects_check(c, why);
	if (st == ST_OK && (c->out->look & LOOK_TX) != 0)
		st = directions_check(c, why);
	return st;
}
