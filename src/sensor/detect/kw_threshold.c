/* SPDX-License-Identifier: Apache-2.0
 * threshold and detection_filter: how often a match becomes an alert. state.c does the counting. */
#include "base/text.h"
#include "sensor/detect/detect_priv.h"

static bool word_of(struct slice s, const char *const *list, size_t n, unsigned *out)
{
	for (unsigned i = 0; i < n; i++) {
		if (slice_equal_nocase(s, slice_of(list[i]))) {
			*out = i;
			return true;
		}
	}
	return false;
}

enum { HAS_KIND = 1, HAS_TRACK = 2, HAS_COUNT = 4, HAS_SECONDS = 8, HAS_MULTIPLIER = 16 };

/* One "word value" of the list; 0: not understood. */
static unsigned part_parse(struct slice part, struct detect_threshold *o)
{
	static const char *const kinds[] = {"limit", "threshold", "both", "backoff"};
	static const char *const tracks[] = {"by_src", "by_dst", "by_both", "by_rule", "by_flow"};
	size_t space = 0;
	struct slice word, v;
	unsigned i;
	uint64_t n;

	while (space < part.len && !text_is_space(part.ptr[space]))
		space++;
	word = slice_part(part, 0, space);
	v = slice_trim(slice_from(part, space));
	if (slice_equal(word, SLICE("type")) && word_of(v, kinds, 4, &i)) {
		o->kind = THRESHOLD_LIMIT + i;
		return HAS_KIND;
	}
	if (slice_equal(word, SLICE("track")) && word_of(v, tracks, 5, &i)) {
		o->track = TRACK_BY_SRC + i;
		return HAS_TRACK;
	}
	if (slice_equal(word, SLICE("count")) && text_u64(v, 1, UINT32_MAX, &n)) {
		o->count = (uint32_t)n;
		return HAS_COUNT;
	}
	if (slice_equal(word, SLICE("seconds")) && text_u64(v, 1, UINT32_MAX, &n)) {
		o->seconds = (uint32_t)n;
		return HAS_SECONDS;
	}
	if (slice_equal(word, SLICE("multiplier")) && text_u64(v, 1, UINT32_MAX, &n)) {
		o->multiplier = (uint32_t)n;
		return HAS_MULTIPLIER;
	}
	return 0;
}

static enum status compile_threshold(struct detect_compiler *c, const struct detect_keyword *kw,
				     struct slice value, struct fail *why)
{
	struct detect_threshold *o = ARENA_NEW(c->arena, struct detect_threshold);
	struct slice rest = value;
	bool filter = kw->which == 1;
	unsigned has = filter ? HAS_KIND : 0, want;

	if (o == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %s", kw->name);
	while (rest.ptr != NULL) {
		struct slice part = slice_trim(slice_split(&rest, ','));
		unsigned one = part_parse(part, o);

		if (one == 0 || (has & one) != 0)
			return fail_set(why, ST_INVALID, "%s does not know \"%.*s\"", kw->name,
					SLICE_ARG(part));
		has |= one;
	}
	if (filter)
		o->kind = THRESHOLD_FILTER;
	want = HAS_KIND | HAS_TRACK | HAS_COUNT |
	       (o->kind == THRESHOLD_BACKOFF ? HAS_MULTIPLIER : HAS_SECONDS);
	if ((has & want) != want || (!filter && c->out->threshold != NULL) ||
	    (filter && c->out->filter != NULL))
		return fail_set(why, ST_INVALID, "%s wants track, count and seconds, once",
				kw->name);
	if (filter)
		c->out->filter = o;
	else
		c->out->threshold = o;
	return ST_OK;
}

KEYWORD(threshold) = {
	{.name = "threshold",
	 .which = 0,
	 .compile = compile_threshold,
	 .doc = "at most, or only every, so many alerts in a time"},
	{.name = "detection_filter",
	 .which = 1,
	 .compile = compile_threshold,
	 .doc = "no alert before so many matches in a time"},
	{0},
};
