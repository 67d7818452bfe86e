/* SPDX-License-Identifier: Apache-2.0
 * requires: what an engine must be, know or have for a rule to be meant for it. Follows
 * docs.suricata.io/en/suricata-8.0.6/rules/meta.html, "requires".
 *
 *	requires    = requirement *("," requirement)
 *	requirement = "version" range *("|" range) | "feature" NAME | "keyword" NAME
 *	range       = 1*(("<" | "<=" | ">" | ">=") MAJOR ["." MINOR ["." PATCH]]) */
#include "base/text.h"
#include "sensor/rule/rule_priv.h"

/* The engine whose language this is. */
enum { MAJOR = 8, MINOR = 0, PATCH = 6 };

static void skip_space(struct slice *s)
{
	while (s->len != 0 && text_is_space(s->ptr[0]))
		*s = slice_from(*s, 1);
}

/* "8", "8.0" or "8.0.6" to one number that orders them. */
static bool version_take(struct slice *s, uint64_t *out)
{
	struct slice text;
	size_t n = 0;

	skip_space(s);
	while (n < s->len && (text_is_digit(s->ptr[n]) || s->ptr[n] == '.'))
		n++;
	text = slice_part(*s, 0, n);
	*s = slice_from(*s, n);
	*out = 0;
	for (unsigned i = 0; i < 3; i++) {
		uint64_t part = 0;

		if (text.ptr != NULL && !text_u64(slice_split(&text, '.'), 0, UINT8_MAX, &part))
			return false;
		*out = *out << 8 | part;
	}
	return n != 0 && text.ptr == NULL;
}

static bool compare_take(struct slice *s, bool *out_holds)
{
	const uint64_t ours = MAJOR << 16 | MINOR << 8 | PATCH;
	bool less, equal;
	uint64_t theirs;

	if (s->len == 0 || (s->ptr[0] != '<' && s->ptr[0] != '>'))
		return false;
	less = s->ptr[0] == '<';
	equal = s->len > 1 && s->ptr[1] == '=';
	*s = slice_from(*s, equal ? 2 : 1);
	if (!version_take(s, &theirs))
		return false;
	*out_holds = (less ? ours < theirs : ours > theirs) || (equal && ours == theirs);
	return true;
}

static bool version_read(struct slice value, bool *out_met)
{
	*out_met = false;
	do {
		struct slice range = slice_trim(slice_split(&value, '|'));
		bool all = true;

		do {
			bool holds;

			if (!compare_take(&range, &holds))
				return false;
			all = all && holds;
			skip_space(&range);
		} while (range.len != 0);
		*out_met = *out_met || all;
	} while (value.ptr != NULL);
	return true;
}

enum status rule_requires_check(const struct rule_set *s, struct slice value, bool *out_met,
				struct fail *why)
{
	bool met = true, versioned = false;

	while (value.ptr != NULL) {
		struct slice rest = slice_trim(slice_split(&value, ','));
		struct slice word = slice_split(&rest, ' ');
		bool one = true;

		rest = slice_trim(rest);
		if (slice_equal(word, SLICE("version"))) {
			if (versioned || !version_read(rest, &one))
				return fail_set(why, ST_INVALID,
						"requires: expected one version, such as "
						"\"version >= 7.0.3 < 8 | >= 8.0.1\"");
			versioned = true;
		} else if (slice_equal(word, SLICE("keyword"))) {
			one = s->knows_keyword == NULL || s->knows_keyword(rest);
		} else {
			/* "feature output::file-store", or what a later language brings */
			one = slice_equal(word, SLICE("feature")) &&
			      slice_equal(rest, SLICE("output::file-store"));
		}
		met = met && one;
	}
	*out_met = met;
	return ST_OK;
}
