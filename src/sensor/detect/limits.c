/* SPDX-License-Identifier: Apache-2.0
 * threshold.config applied to compiled rules. As in Suricata: what it says about all rules, or all
 * of a gid, does not touch a rule that has a threshold of its own; what it says about one rule
 * replaces that. */
#include "sensor/detect/detect_priv.h"

static enum detect_track track_of(enum rule_limit_track t)
{
	static const enum detect_track same[] = {
		[RULE_TRACK_SRC] = TRACK_BY_SRC,   [RULE_TRACK_DST] = TRACK_BY_DST,
		[RULE_TRACK_BOTH] = TRACK_BY_BOTH, [RULE_TRACK_RULE] = TRACK_BY_RULE,
		[RULE_TRACK_FLOW] = TRACK_BY_FLOW, [RULE_TRACK_EITHER] = TRACK_BY_BOTH,
	};

	return same[t];
}

static struct detect_threshold *threshold_of(const struct rule_limit *l, struct arena *a)
{
	static const unsigned kinds[] = {[RULE_TYPE_LIMIT] = THRESHOLD_LIMIT,
					 [RULE_TYPE_THRESHOLD] = THRESHOLD_EVERY,
					 [RULE_TYPE_BOTH] = THRESHOLD_BOTH};
	struct detect_threshold *t = ARENA_NEW(a, struct detect_threshold);

	if (t == NULL)
		return NULL;
	t->kind = l->kind == RULE_LIMIT_RATE ? THRESHOLD_RATE : kinds[l->type];
	t->track = track_of(l->track);
	t->count = l->count;
	t->seconds = l->seconds;
	t->timeout = l->timeout;
	t->action = l->action;
	return t;
}

/* One limit for one rule. False: no memory. */
static bool apply(struct detect_rule *r, const struct rule_limit *l, struct arena *a)
{
	struct detect_threshold *t;

	if (l->kind == RULE_LIMIT_SUPPRESS && l->addrs == NULL) {
		r->noalert = true;
		return true;
	}
	if (l->kind == RULE_LIMIT_SUPPRESS) {
		struct detect_suppress *s = ARENA_NEW(a, struct detect_suppress);

		if (s == NULL)
			return false;
		*s = (struct detect_suppress){l, r->suppress};
		r->suppress = s;
		return true;
	}
	t = threshold_of(l, a);
	if (t == NULL)
		return false;
	if (l->kind == RULE_LIMIT_RATE) {
		t->next = r->rate;
		r->rate = t;
	} else if (l->sid != 0 || (r->threshold == NULL && r->filter == NULL)) {
		r->threshold = t;
		r->filter = NULL;
	}
	return true;
}

enum status detect_limits_apply(struct detect_rules *r, struct rule_set *set, struct fail *why)
{
	for (size_t i = 0; i < set->limit_count; i++) {
		const struct rule_limit *l = &set->limits[i];
		bool known = l->sid == 0;

		for (size_t k = 0; k < r->count; k++) {
			const struct rule *rule = r->rules[k].rule;

			if ((l->gid != 0 && rule->gid != l->gid) ||
			    (l->sid != 0 && rule->sid != l->sid))
				continue;
			known = true;
			if (!apply(&r->rules[k], l, r->arena))
				return fail_set(why, ST_NOMEM, "no memory for thresholds");
		}
		if (!known)
			rule_set_warn(set, l->file, l->line, "there is no rule with gid %u, sid %u",
				      l->gid, l->sid);
	}
	return ST_OK;
}

bool detect_suppressed(const struct detect_rule *r, const struct detect_view *v)
{
	if (v->src == NULL)
		return false;
	for (const struct detect_suppress *s = r->suppress; s != NULL; s = s->next) {
		enum rule_limit_track track = s->limit->track;

		if (track != RULE_TRACK_DST && rule_addrs_hold(s->limit->addrs, v->src))
			return true;
		if (track != RULE_TRACK_SRC && rule_addrs_hold(s->limit->addrs, v->dst))
			return true;
	}
	return false;
}
