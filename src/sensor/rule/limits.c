/* SPDX-License-Identifier: Apache-2.0
 * threshold.config: how often rules may speak, told beside them. Follows
 * docs.suricata.io/en/suricata-8.0.6/configuration/global-thresholds.html. A line that ends in a
 * backslash goes on in the next. */
#include "base/text.h"
#include "sensor/rule/rule_priv.h"

/* Words in the order of their enum. */
static const char *const types[] = {"limit", "threshold", "both", NULL};
static const char *const tracks[] = {"by_src",	"by_dst",    "by_both", "by_rule",
				     "by_flow", "by_either", NULL};
static const char *const actions[] = {"alert", "drop", "reject", "pass", NULL};

enum { /* what a line has said */
       HAS_GID = 1,
       HAS_SID = 2,
       HAS_TYPE = 4,
       HAS_TRACK = 8,
       HAS_COUNT = 16,
       HAS_SECONDS = 32,
       HAS_ACTION = 64,
       HAS_TIMEOUT = 128,
       HAS_IP = 256,
       HAS_WHO = HAS_GID | HAS_SID,
       HAS_RATE = HAS_COUNT | HAS_SECONDS | HAS_TRACK,
};

static const struct {
	const char *word;
	enum rule_limit_kind kind;
	unsigned must, may;
	unsigned tracks; /* bits of enum rule_limit_track */
	const char *form;
} kinds[] = {
	{"suppress", RULE_LIMIT_SUPPRESS, HAS_WHO, HAS_TRACK | HAS_IP,
	 1 << RULE_TRACK_SRC | 1 << RULE_TRACK_DST | 1 << RULE_TRACK_EITHER,
	 "suppress gen_id G, sig_id S[, track by_src|by_dst|by_either, ip ADDRESSES]"},
	{"threshold", RULE_LIMIT_THRESHOLD, HAS_WHO | HAS_TYPE | HAS_RATE, 0,
	 ~(1U << RULE_TRACK_EITHER),
	 "threshold gen_id G, sig_id S, type limit|threshold|both, track "
	 "by_src|by_dst|by_both|by_rule|by_flow, count N, seconds T"},
	{"event_filter", RULE_LIMIT_THRESHOLD, HAS_WHO | HAS_TYPE | HAS_RATE, 0,
	 ~(1U << RULE_TRACK_EITHER),
	 "event_filter gen_id G, sig_id S, type limit|threshold|both, track "
	 "by_src|by_dst|by_both|by_rule|by_flow, count N, seconds T"},
	{"rate_filter", RULE_LIMIT_RATE, HAS_WHO | HAS_RATE | HAS_ACTION | HAS_TIMEOUT, 0,
	 ~(1U << RULE_TRACK_EITHER),
	 "rate_filter gen_id G, sig_id S, track by_src|by_dst|by_both|by_rule|by_flow, count N, "
	 "seconds T, new_action alert|drop|reject|pass, timeout T"},
};

static bool word_read(struct slice v, const char *const *words, unsigned *out)
{
	for (unsigned i = 0; words[i] != NULL; i++)
		if (slice_equal(v, slice_of(words[i]))) {
			*out = i;
			return true;
		}
	return false;
}

static bool u32_read(struct slice v, uint32_t *out)
{
	uint64_t n;

	if (!text_u64(v, 0, UINT32_MAX, &n))
		return false;
	*out = (uint32_t)n;
	return true;
}

/* One "word value"; 0: not understood. ip is read later: it may hold commas. */
static unsigned part_read(struct slice word, struct slice v, struct rule_limit *l)
{
	unsigned i;

	if (slice_equal(word, SLICE("gen_id")))
		return u32_read(v, &l->gid) ? HAS_GID : 0;
	if (slice_equal(word, SLICE("sig_id")))
		return u32_read(v, &l->sid) ? HAS_SID : 0;
	if (slice_equal(word, SLICE("count")))
		return u32_read(v, &l->count) && l->count != 0 ? HAS_COUNT : 0;
	if (slice_equal(word, SLICE("seconds")))
		return u32_read(v, &l->seconds) && l->seconds != 0 ? HAS_SECONDS : 0;
	if (slice_equal(word, SLICE("timeout")))
		return u32_read(v, &l->timeout) ? HAS_TIMEOUT : 0;
	if (slice_equal(word, SLICE("type")) && word_read(v, types, &i)) {
		l->type = (enum rule_limit_type)i;
		return HAS_TYPE;
	}
	if (slice_equal(word, SLICE("track")) && word_read(v, tracks, &i)) {
		l->track = (enum rule_limit_track)i;
		return HAS_TRACK;
	}
	if (slice_equal(word, SLICE("new_action")) && word_read(v, actions, &i)) {
		static const enum rule_action meant[] = {RULE_ALERT, RULE_DROP, RULE_REJECT,
							 RULE_PASS};

		l->action = meant[i];
		return HAS_ACTION;
	}
	return 0;
}

static struct slice word_take(struct slice *rest)
{
	struct slice word;
	size_t n = 0;

	*rest = slice_trim(*rest);
	while (n < rest->len && !text_is_space(rest->ptr[n]))
		n++;
	word = slice_part(*rest, 0, n);
	*rest = slice_trim(slice_from(*rest, n));
	return word;
}

static enum status parts_read(struct rule_set *s, struct slice rest, struct rule_limit *l,
			      unsigned *has, struct fail *why)
{
	while (rest.ptr != NULL) {
		struct slice all = rest, part = slice_split(&rest, ','), word = word_take(&part);
		unsigned one;

		if (slice_equal(word, SLICE("ip"))) {
			enum status st;

			(void)word_take(&all);
			st = rule_addrs_parse(s, all, &l->addrs, why);
			*has |= HAS_IP;
			return st;
		}
		one = part_read(word, part, l);
		if (one == 0 || (*has & one) != 0)
			return fail_set(why, ST_INVALID, "\"%.*s %.*s\" is not understood",
					RULE_SHOW(word), RULE_SHOW(part));
		*has |= one;
	}
	return ST_OK;
}

static enum status limit_parse(struct rule_set *s, struct slice line, struct rule_limit *l,
			       struct fail *why)
{
	struct slice word = word_take(&line);
	unsigned has = 0, allowed;
	size_t k = 0;
	enum status st;

	while (k < sizeof kinds / sizeof kinds[0] && !slice_equal(word, slice_of(kinds[k].word)))
		k++;
	if (k == sizeof kinds / sizeof kinds[0])
		return fail_set(why, ST_INVALID,
				"expected suppress, threshold, event_filter or rate_filter, not "
				"\"%.*s\"",
				RULE_SHOW(word));
	l->kind = kinds[k].kind;
	st = parts_read(s, line, l, &has, why);
	if (st != ST_OK)
		return st;
	allowed = kinds[k].must | kinds[k].may;
	if ((has & kinds[k].must) != kinds[k].must || (has & ~allowed) != 0 ||
	    ((has & HAS_TRACK) != 0 && (kinds[k].tracks >> l->track & 1) == 0) ||
	    (l->kind == RULE_LIMIT_SUPPRESS && !(has & HAS_TRACK) != !(has & HAS_IP)))
		return fail_set(why, ST_INVALID, "expected \"%s\"", kinds[k].form);
	if (l->sid != 0 && l->gid == 0)
		return fail_set(why, ST_INVALID, "sig_id %u wants a gen_id", l->sid);
	return ST_OK;
}

enum status rule_set_limits(struct rule_set *s, struct slice file, struct slice text,
			    struct fail *why)
{
	struct slice name = arena_copy(s->arena, file), rest = arena_copy(s->arena, text);
	uint32_t lines = 0;

	if (rest.len != text.len || name.len != file.len)
		return fail_set(why, ST_NOMEM, "no memory for %.*s", RULE_SHOW(file));
	while (rest.len > 0) {
		struct rule_limit l = {.file = name, .line = lines + 1};
		struct slice line = slice_trim(rule_line_take(s, &rest, &lines));
		struct fail bad;
		enum status st;

		if (line.len == 0 || line.ptr[0] == '#')
			continue;
		st = limit_parse(s, line, &l, &bad);
		if (st == ST_NOMEM || s->arena->exhausted)
			return fail_set(why, ST_NOMEM, "no memory for %.*s", RULE_SHOW(file));
		if (st != ST_OK)
			rule_set_warn(s, name, l.line, "%s", bad.text);
		else if (!ARENA_PUSH(s->arena, s->limits, s->limit_count, s->limit_room, l))
			return fail_set(why, ST_NOMEM, "no memory for %.*s", RULE_SHOW(file));
	}
	return ST_OK;
}
