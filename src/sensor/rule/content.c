/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include "sensor/rule/rule_priv.h"

/* The bytes between two bars: pairs of hexadecimal digits, spaces anywhere. Returns
 * the offset of the closing bar in s, or SIZE_MAX. */
static size_t hex_run(struct slice s, size_t at, uint8_t *out, size_t *n, struct fail *why)
{
	int high = -1;

	for (; at < s.len && s.ptr[at] != '|'; at++) {
		int digit = text_hex(s.ptr[at]);

		if (s.ptr[at] == ' ')
			continue;
		if (digit < 0)
			break;
		if (high >= 0)
			out[(*n)++] = (uint8_t)(high << 4 | digit);
		high = high >= 0 ? -1 : digit;
	}
	if (at < s.len && s.ptr[at] == '|' && high < 0)
		return at;
	if (at == s.len)
		(void)fail_set(why, ST_INVALID, "expected | to end the hexadecimal bytes");
	else
		(void)fail_set(why, ST_INVALID, "expected pairs of hexadecimal digits between ||");
	return SIZE_MAX;
}

/* The text between the quotes to at most as many bytes. SIZE_MAX: failed. */
static size_t decode(struct slice s, uint8_t *out, struct fail *why)
{
	size_t n = 0;

	for (size_t at = 0; at < s.len; at++) {
		uint8_t c = s.ptr[at];

		if (c == '|') {
			at = hex_run(s, at + 1, out, &n, why);
			if (at == SIZE_MAX)
				return SIZE_MAX;
			continue;
		}
		if (c == '"' || c == ';') {
			(void)fail_set(why, ST_INVALID, "expected \\ in front of %c in content", c);
			return SIZE_MAX;
		}
		if (c == '\\') {
			if (++at == s.len || memchr("\"\\:;", s.ptr[at], 4) == NULL) {
				(void)fail_set(why, ST_INVALID,
					       "expected \", ;, : or \\ behind \\ in content");
				return SIZE_MAX;
			}
			c = s.ptr[at];
		}
		out[n++] = c;
	}
	return n;
}

enum status rule_content_parse(struct slice value, struct arena *a, bool *out_negated,
			       struct slice *out, struct fail *why)
{
	struct slice s = slice_trim(value);
	bool negated = slice_starts(s, SLICE("!"));
	uint8_t *bytes;
	size_t n;

	if (negated)
		s = slice_trim(slice_from(s, 1));
	if (s.len < 2 || s.ptr[0] != '"' || s.ptr[s.len - 1] != '"')
		return fail_set(why, ST_INVALID, "expected content in double quotes");
	s = slice_part(s, 1, s.len - 2);
	if (s.len == 0)
		return fail_set(why, ST_INVALID, "expected at least one byte of content");
	bytes = ARENA_ARRAY(a, uint8_t, s.len);
	if (bytes == NULL)
		return fail_set(why, ST_NOMEM, "no memory for content");
	n = decode(s, bytes, why);
	if (n == SIZE_MAX)
		return ST_INVALID;
	if (n == 0)
		return fail_set(why, ST_INVALID, "expected at least one byte of content");
	*out_negated = negated;
	*out = (struct slice){bytes, n};
	return ST_OK;
}
