/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/app/probe_priv.h"

enum { LINE_MAX_BYTES = 512 }; /* RFC 5321 4.5.3.1.5, and more than the others allow */

enum app_probe app_probe_words(struct slice in, const char *const *words)
{
	enum app_probe best = APP_NO;

	for (; *words != NULL; words++) {
		struct slice word = slice_of(*words);

		if (in.len >= word.len) {
			if (slice_equal_nocase(slice_part(in, 0, word.len), word))
				return APP_YES;
		} else if (slice_equal_nocase(in, slice_part(word, 0, in.len))) {
			best = APP_NEED_MORE;
		}
	}
	return best;
}

static bool first_line(struct slice in, struct slice *out)
{
	struct slice head = slice_part(in, 0, LINE_MAX_BYTES);
	size_t n = slice_find(head, SLICE("\n"));

	if (n == SIZE_MAX && head.len < LINE_MAX_BYTES)
		return false;
	*out = slice_part(head, 0, n);
	return true;
}

static bool has(struct slice s, struct slice word)
{
	for (size_t i = 0; i + word.len <= s.len; i++)
		if (slice_equal_nocase(slice_part(s, i, word.len), word))
			return true;
	return false;
}

enum app_probe app_probe_greeting(struct slice in, const char *const *words, bool port_hint,
				  struct slice name)
{
	enum app_probe r = app_probe_words(in, words);
	struct slice line;

	if (r != APP_YES || port_hint)
		return r;
	if (!first_line(in, &line))
		return APP_NEED_MORE;
	return has(line, name) ? APP_YES : APP_NO;
}
