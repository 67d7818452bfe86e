/* SPDX-License-Identifier: Apache-2.0
 *
 * base/slice.h - a run of bytes owned by somebody else.
 *
 * Everything that came off a wire or out of a file travels as a slice, by value. A slice
 * is never NUL-terminated and never freed; it lives exactly as long as the arena, packet or
 * literal it points into. {NULL, 0} is the empty slice and is always valid to pass.
 */
#ifndef DEW_BASE_SLICE_H
#define DEW_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
	const uint8_t *ptr;
	size_t len; /* bytes */
};

#define SLICE(lit) ((struct slice){(const uint8_t *)("" lit), sizeof(lit) - 1})

/* For printf("%.*s", SLICE_ARG(s)); only for lengths that a person would read (< 2 GiB). */
#define SLICE_ARG(s) ((int)(s).len), ((const char *)(s).ptr)

/* A NUL-terminated string as a slice (without its NUL). NULL gives the empty slice. */
static inline struct slice slice_of(const char *z)
{
	return z ? (struct slice){(const uint8_t *)z, strlen(z)} : (struct slice){NULL, 0};
}

static inline bool slice_equal(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* Bytes [from, from+n) of s, cut to what s has; never out of bounds. */
static inline struct slice slice_part(struct slice s, size_t from, size_t n)
{
	if (from >= s.len)
		return (struct slice){NULL, 0};
	return (struct slice){s.ptr + from, n < s.len - from ? n : s.len - from};
}

static inline struct slice slice_from(struct slice s, size_t from)
{
	return slice_part(s, from, SIZE_MAX);
}

static inline bool slice_starts(struct slice s, struct slice head)
{
	return s.len >= head.len && slice_equal(slice_part(s, 0, head.len), head);
}

static inline bool slice_ends(struct slice s, struct slice tail)
{
	return s.len >= tail.len && slice_equal(slice_from(s, s.len - tail.len), tail);
}

/* <0, 0, >0: byte order, a prefix sorts first. */
int slice_compare(struct slice a, struct slice b);

/* ASCII letters compare equal in either case. */
bool slice_equal_nocase(struct slice a, struct slice b);

/* Offset of the first `needle` in s, or SIZE_MAX. An empty needle is found at 0. */
size_t slice_find(struct slice s, struct slice needle);

/* s without ASCII white space (space, \t, \r, \n, \f, \v) at both ends. */
struct slice slice_trim(struct slice s);

/* Cuts the part before the first `sep` off the front of *rest and returns it, without the sep.
 * Without a sep, all of *rest is returned and *rest becomes empty with ptr NULL. A loop over
 * `while (rest.ptr)` therefore sees every part, empty ones too. */
struct slice slice_split(struct slice *rest, uint8_t sep);

#endif
