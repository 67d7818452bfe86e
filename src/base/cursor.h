/* SPDX-License-Identifier: Apache-2.0
 *
 * base/cursor.h - the only way to read untrusted bytes.
 *
 * A cursor walks a slice front to back. The first read past the end makes it bad, and it
 * stays bad: every later read yields 0 or an empty slice and moves nothing. So a parser reads
 * a whole header and asks cursor_ok() once; a value read before that question is asked must
 * not be used for anything but another read.
 */
#ifndef DEW_BASE_CURSOR_H
#define DEW_BASE_CURSOR_H

#include "base/slice.h"

struct cursor {
	const uint8_t *at, *end;
	bool bad;
};

static inline struct cursor cursor_of(struct slice s)
{
	return (struct cursor){s.ptr, s.len ? s.ptr + s.len : s.ptr, false};
}

static inline bool cursor_ok(const struct cursor *c)
{
	return !c->bad;
}

static inline size_t cursor_left(const struct cursor *c)
{
	return c->bad || c->at == c->end ? 0 : (size_t)(c->end - c->at);
}

/* The next n bytes, consumed; empty and bad if there are not that many. */
static inline struct slice cursor_take(struct cursor *c, size_t n)
{
	struct slice s = {c->at, n};

	if (n > cursor_left(c)) {
		c->bad = true;
		return (struct slice){NULL, 0};
	}
	if (n != 0)
		c->at += n;
	return s;
}

/* A child over the next n bytes, consumed here. A bad parent makes a bad child. */
static inline struct cursor cursor_sub(struct cursor *c, size_t n)
{
	struct cursor sub = cursor_of(cursor_take(c, n));

	sub.bad = c->bad;
	return sub;
}

/* Big-endian unsigned integer of n bytes, 1 <= n <= 8. */
static inline uint64_t cursor_be(struct cursor *c, size_t n)
{
	struct slice s = cursor_take(c, n);
	uint64_t v = 0;

	for (size_t i = 0; i < s.len; i++)
		v = v << 8 | s.ptr[i];
	return v;
}

static inline uint8_t cursor_u8(struct cursor *c)
{
	struct slice s = cursor_take(c, 1);

	return s.len ? s.ptr[0] : 0;
}

/* The common widths, without a loop: headers are read with these. */
static inline uint16_t cursor_be16(struct cursor *c)
{
	struct slice s = cursor_take(c, 2);

	return s.len ? (uint16_t)((unsigned)s.ptr[0] << 8 | s.ptr[1]) : (uint16_t)0;
}
static inline uint32_t cursor_be32(struct cursor *c)
{
	struct slice s = cursor_take(c, 4);

	/* compilers see one load and a swap */
	return s.len ? (uint32_t)s.ptr[0] << 24 | (uint32_t)s.ptr[1] << 16 |
			       (uint32_t)s.ptr[2] << 8 | s.ptr[3]
		     : 0;
}
static inline uint64_t cursor_be64(struct cursor *c)
{
	return cursor_be(c, 8);
}

/* The same, least significant byte first. */
static inline uint64_t cursor_le(struct cursor *c, size_t n)
{
	struct slice s = cursor_take(c, n);
	uint64_t v = 0;

	for (size_t i = s.len; i-- > 0;)
		v = v << 8 | s.ptr[i];
	return v;
}

static inline uint16_t cursor_le16(struct cursor *c)
{
	return (uint16_t)cursor_le(c, 2);
}
static inline uint32_t cursor_le32(struct cursor *c)
{
	return (uint32_t)cursor_le(c, 4);
}
static inline uint64_t cursor_le64(struct cursor *c)
{
	return cursor_le(c, 8);
}

/* What is left, without reading it. */
static inline struct slice cursor_rest(const struct cursor *c)
{
	return (struct slice){cursor_left(c) != 0 ? c->at : NULL, cursor_left(c)};
}

#endif
