/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include "base/buf.h"

bool text_u64(struct slice s, uint64_t least, uint64_t most, uint64_t *out)
{
	uint64_t base = 10, v = 0;

	if (s.len > 2 && s.ptr[0] == '0' && text_lower(s.ptr[1]) == 'x') {
		base = 16;
		s = slice_from(s, 2);
	}
	if (s.len == 0)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		int d = text_hex(s.ptr[i]);

		if (d < 0 || (uint64_t)d >= base || __builtin_mul_overflow(v, base, &v) ||
		    __builtin_add_overflow(v, (uint64_t)d, &v))
			return false;
	}
	if (v < least || v > most)
		return false;
	*out = v;
	return true;
}

bool text_i64(struct slice s, int64_t least, int64_t most, int64_t *out)
{
	bool minus = s.len > 0 && s.ptr[0] == '-';
	uint64_t v;
	int64_t n;

	if (minus || (s.len > 0 && s.ptr[0] == '+'))
		s = slice_from(s, 1);
	if (s.len == 0 || !text_is_digit(s.ptr[0]) || !text_u64(s, 0, INT64_MAX, &v))
		return false;
	n = minus ? -(int64_t)v : (int64_t)v;
	if (n < least || n > most)
		return false;
	*out = n;
	return true;
}

/* Length of the well-formed sequence at s.ptr[0], or 0. */
static size_t utf8_step(struct slice s)
{
	uint8_t a = s.ptr[0];
	size_t n = a < 0x80 ? 1 : a < 0xc2 ? 0 : a < 0xe0 ? 2 : a < 0xf0 ? 3 : a < 0xf5 ? 4 : 0;

	if (n == 0 || n > s.len)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s.ptr[i] & 0xc0) != 0x80)
			return 0;
	if ((a == 0xe0 && s.ptr[1] < 0xa0) || (a == 0xed && s.ptr[1] > 0x9f) ||
	    (a == 0xf0 && s.ptr[1] < 0x90) || (a == 0xf4 && s.ptr[1] > 0x8f))
		return 0;
	return n;
}

void text_utf8_add(struct buf *out, uint32_t c)
{
	if (c < 0x80) {
		buf_add_byte(out, (uint8_t)c);
	} else if (c < 0x800) {
		buf_add_byte(out, (uint8_t)(0xc0 | c >> 6));
		buf_add_byte(out, (uint8_t)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		buf_add_byte(out, (uint8_t)(0xe0 | c >> 12));
		buf_add_byte(out, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
		buf_add_byte(out, (uint8_t)(0x80 | (c & 0x3f)));
	} else {
		buf_add_byte(out, (uint8_t)(0xf0 | c >> 18));
		buf_add_byte(out, (uint8_t)(0x80 | (c >> 12 & 0x3f)));
		buf_add_byte(out, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
		buf_add_byte(out, (uint8_t)(0x80 | (c & 0x3f)));
	}
}

bool text_is_utf8(struct slice s)
{
	while (s.len > 0) {
		size_t n = utf8_step(s);

		if (n == 0)
			return false;
		s = slice_from(s, n);
	}
	return true;
}

size_t text_unfit(struct slice s, bool tabs)
{
	for (size_t i = 0, n; i < s.len; i += n) {
		const uint8_t *c = s.ptr + i;

		n = utf8_step(slice_from(s, i));
		if (n == 0 || (c[0] < 0x20 && (c[0] != '\t' || !tabs)) || c[0] == 0x7f ||
		    (c[0] == 0xc2 && c[1] < 0xa0))
			return i;
		if (c[0] == 0xe2 && ((c[1] == 0x80 && c[2] >= 0xaa && c[2] <= 0xae) ||
				     (c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9)))
			return i;
	}
	return s.len;
}
