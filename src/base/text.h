/* SPDX-License-Identifier: Apache-2.0
 *
 * base/text.h - small things about characters and numbers in text. ASCII only, no locale.
 */
#ifndef DEW_BASE_TEXT_H
#define DEW_BASE_TEXT_H

#include "base/slice.h"
#include "base/status.h"

struct buf;

static inline uint8_t text_lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

static inline bool text_is_space(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static inline bool text_is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static inline bool text_is_alpha(uint8_t c)
{
	return text_lower(c) >= 'a' && text_lower(c) <= 'z';
}

/* 0..15, or -1 if c is no hexadecimal digit. */
static inline int text_hex(uint8_t c)
{
	if (text_is_digit(c))
		return c - '0';
	c = text_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The whole of s as an unsigned decimal number (or 0x hexadecimal) in least..most; false otherwise:
 * no sign, no space, no empty text. *out is written on success only. */
MUST_USE bool text_u64(struct slice s, uint64_t least, uint64_t most, uint64_t *out);

/* The whole of s as a signed decimal number in least..most. */
MUST_USE bool text_i64(struct slice s, int64_t least, int64_t most, int64_t *out);

/* Appends c, below 0x110000, as UTF-8; half a surrogate pair as if it were a character. */
void text_utf8_add(struct buf *out, uint32_t c);

/* True if s is well-formed UTF-8 (RFC 3629: shortest form, no surrogates, <= U+10FFFF). */
bool text_is_utf8(struct slice s);

/* Position of the first byte of s that text for people may not hold, or s.len: what is not UTF-8,
 * control characters (but for tabs, if `tabs`; C1 as well, on which terminals act), and what turns
 * the direction of writing (U+202A..U+202E, U+2066..U+2069): what is read must be what is meant. */
size_t text_unfit(struct slice s, bool tabs);

#endif
