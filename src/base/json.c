/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include "base/text.h"

static void before_value(struct json *j)
{
	if (j->after_key) {
		j->after_key = false;
		return;
	}
	if (j->depth != 0 && (j->more & 1u << (j->depth - 1)) != 0)
		buf_add_byte(j->out, ',');
	if (j->depth != 0)
		j->more |= 1u << (j->depth - 1);
}

static void open_level(struct json *j, bool array)
{
	before_value(j);
	ASSERT(j->depth < JSON_DEPTH_MAX);
	j->more &= ~(1u << j->depth);
	j->array = array ? j->array | 1u << j->depth : j->array & ~(1u << j->depth);
	j->depth++;
	buf_add_byte(j->out, array ? '[' : '{');
}

void json_object(struct json *j)
{
	open_level(j, false);
}

void json_array(struct json *j)
{
	open_level(j, true);
}

void json_end(struct json *j)
{
	ASSERT(j->depth > 0 && !j->after_key);
	j->depth--;
	buf_add_byte(j->out, j->array & 1u << j->depth ? ']' : '}');
}

/* Bytes of the well-formed UTF-8 sequence at s, or 0. */
static size_t utf8_at(struct slice s)
{
	size_t n = s.ptr[0] < 0x80 ? 1 : s.ptr[0] < 0xe0 ? 2 : s.ptr[0] < 0xf0 ? 3 : 4;

	return n <= s.len && text_is_utf8(slice_part(s, 0, n)) ? n : 0;
}

static void escape(struct buf *out, uint8_t c)
{
	static const char hex[] = "0123456789abcdef";
	static const char from[] = "\b\t\n\f\r\"\\", to[] = "btnfr\"\\";
	const char *at = c ? strchr(from, c) : NULL;

	buf_add_byte(out, '\\');
	if (at != NULL) {
		buf_add_byte(out, (uint8_t)to[at - from]);
		return;
	}
	buf_add_z(out, "u00");
	buf_add_byte(out, (uint8_t)hex[c >> 4]);
	buf_add_byte(out, (uint8_t)hex[c & 15]);
}

/* Whether eight bytes may hold one that does not stand for itself: below a space, a quotation mark,
 * a backslash, or above '~'. In each lane the top bit says so; a borrow between lanes only begins
 * where one is found, so none is missed. */
static bool eight_odd(uint64_t x)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);

	return ((x | (x - ones * 0x20) | ((x ^ ones * '"') - ones) | ((x ^ ones * '\\') - ones) |
		 (x + ones)) &
		ones * 0x80) != 0;
}

/* Bytes at the beginning of s that stand for themselves. */
static size_t plain(struct slice s)
{
	uint64_t eight;
	size_t n = 0;

	for (; n + sizeof eight <= s.len; n += sizeof eight) {
		memcpy(&eight, s.ptr + n, sizeof eight);
		if (eight_odd(eight))
			break;
	}
	while (n < s.len && s.ptr[n] >= 0x20 && s.ptr[n] < 0x7f && s.ptr[n] != '"' &&
	       s.ptr[n] != '\\')
		n++;
	return n;
}

/* Text between quotation marks and `after` behind it, in one piece: what nearly all text is. */
static bool quoted_plain(struct buf *out, struct slice s, struct slice after)
{
	uint8_t *p;

	if (plain(s) != s.len)
		return false;
	p = buf_reserve(out, s.len + 2 + after.len);
	if (p == NULL)
		return true;
	*p++ = '"';
	if (s.len != 0)
		memcpy(p, s.ptr, s.len);
	p[s.len] = '"';
	if (after.len != 0)
		memcpy(p + s.len + 1, after.ptr, after.len);
	buf_grew(out, s.len + 2 + after.len);
	return true;
}

static void quoted(struct buf *out, struct slice s)
{
	if (quoted_plain(out, s, (struct slice){NULL, 0}))
		return;
	buf_add_byte(out, '"');
	while (s.len > 0) {
		size_t run = plain(s), n;

		buf_add(out, slice_part(s, 0, run));
		s = slice_from(s, run);
		if (s.len == 0)
			break;
		n = 1;
		if (s.ptr[0] < 0x20 || s.ptr[0] == '"' || s.ptr[0] == '\\') {
			escape(out, s.ptr[0]);
		} else {
			n = utf8_at(s);
			buf_add(out, n ? slice_part(s, 0, n) : SLICE("\xef\xbf\xbd"));
			n = n ? n : 1;
		}
		s = slice_from(s, n);
	}
	buf_add_byte(out, '"');
}

void json_key_slice(struct json *j, struct slice key)
{
	ASSERT(j->depth > 0 && !j->after_key);
	before_value(j);
	if (!quoted_plain(j->out, key, SLICE(":"))) {
		quoted(j->out, key);
		buf_add_byte(j->out, ':');
	}
	j->after_key = true;
}

void json_str(struct json *j, struct slice s)
{
	before_value(j);
	quoted(j->out, s);
}

void json_z(struct json *j, const char *z)
{
	json_str(j, slice_of(z));
}

void json_u64(struct json *j, uint64_t v)
{
	before_value(j);
	buf_add_u64(j->out, v);
}

void json_i64(struct json *j, int64_t v)
{
	before_value(j);
	buf_add_i64(j->out, v);
}

void json_bool(struct json *j, bool v)
{
	before_value(j);
	buf_add_z(j->out, v ? "true" : "false");
}

void json_null(struct json *j)
{
	before_value(j);
	buf_add_z(j->out, "null");
}

void json_fixed(struct json *j, int64_t num, unsigned digits)
{
	uint64_t v = num < 0 ? -(uint64_t)num : (uint64_t)num, scale = 1;

	ASSERT(digits <= 18);
	for (unsigned i = 0; i < digits; i++)
		scale *= 10;
	before_value(j);
	if (num < 0)
		buf_add_byte(j->out, '-');
	buf_add_u64(j->out, v / scale);
	v %= scale;
	if (v == 0)
		return;
	buf_add_byte(j->out, '.');
	for (; v != 0; v = v % scale) {
		scale /= 10;
		buf_add_byte(j->out, (uint8_t)('0' + v / scale));
	}
}

void json_raw(struct json *j, struct slice value)
{
	before_value(j);
	buf_add(j->out, value);
}
