/* SPDX-License-Identifier: Apache-2.0
 *
 * Is this one compact JSON object (RFC 8259)? Answered without a tree: a bulletin of 200 MB may be
 * somebody's bomb, and a tree of it would take twenty times that. A key that is there twice is not
 * looked for: a bulletin must be the one that follows from the facts byte by byte, and key sets
 * have one form.
 */
#include "base/cursor.h"
#include "base/text.h"
#include "evidence/bundle/bundle_priv.h"

enum { DEPTH_MAX = 64 }; /* what we write has 32 at most */

static bool eat(struct cursor *c, uint8_t want)
{
	if (cursor_left(c) == 0 || *c->at != want)
		return false;
	(void)cursor_take(c, 1); /* it is there */
	return true;
}

static bool eat_word(struct cursor *c, struct slice word)
{
	return slice_equal(cursor_take(c, word.len), word);
}

static size_t eat_digits(struct cursor *c)
{
	struct slice rest = cursor_rest(c);
	size_t n = 0;

	while (n < rest.len && text_is_digit(rest.ptr[n]))
		n++;
	(void)cursor_take(c, n); /* they are there */
	return n;
}

/* Behind its first quote. */
static bool eat_string(struct cursor *c)
{
	struct slice digits;

	for (;;) {
		uint8_t b = cursor_u8(c);

		if (!cursor_ok(c) || b < ' ')
			return false;
		if (b == '"')
			return true;
		if (b != '\\')
			continue;
		b = cursor_u8(c);
		if (b == 0 || strchr("\"\\/bfnrtu", b) == NULL)
			return false;
		digits = b == 'u' ? cursor_take(c, 4) : (struct slice){NULL, 0};
		for (size_t i = 0; i < digits.len; i++)
			if (text_hex(digits.ptr[i]) < 0)
				return false;
	}
}

static bool eat_number(struct cursor *c)
{
	(void)eat(c, '-'); /* may be absent */
	if (!eat(c, '0') && eat_digits(c) == 0)
		return false;
	if (eat(c, '.') && eat_digits(c) == 0)
		return false;
	if (!eat(c, 'e') && !eat(c, 'E'))
		return true;
	if (!eat(c, '+'))
		(void)eat(c, '-'); /* neither is fine, too */
	return eat_digits(c) != 0;
}

static bool eat_value(struct cursor *c, unsigned depth);

/* Members up to and with `end`; behind the opening bracket. */
static bool eat_members(struct cursor *c, uint8_t end, unsigned depth)
{
	if (eat(c, end))
		return true;
	do {
		if (end == '}' && !(eat(c, '"') && eat_string(c) && eat(c, ':')))
			return false;
		if (!eat_value(c, depth + 1))
			return false;
	} while (eat(c, ','));
	return eat(c, end);
}

/* Recursion ends at DEPTH_MAX. */
static bool eat_value(struct cursor *c, unsigned depth)
{
	if (depth > DEPTH_MAX)
		return false;
	if (eat(c, '{'))
		return eat_members(c, '}', depth);
	if (eat(c, '['))
		return eat_members(c, ']', depth);
	if (eat(c, '"'))
		return eat_string(c);
	if (eat(c, 't'))
		return eat_word(c, SLICE("rue"));
	if (eat(c, 'f'))
		return eat_word(c, SLICE("alse"));
	if (eat(c, 'n'))
		return eat_word(c, SLICE("ull"));
	return eat_number(c);
}

bool bundle_object_ok(struct slice json)
{
	struct cursor c = cursor_of(json);

	return eat(&c, '{') && eat_members(&c, '}', 1) && cursor_ok(&c) && cursor_left(&c) == 0 &&
	       text_is_utf8(json);
}
