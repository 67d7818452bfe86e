/* SPDX-License-Identifier: Apache-2.0 */
#include "base/slice.h"

#include "base/text.h"

int slice_compare(struct slice a, struct slice b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int c = n ? memcmp(a.ptr, b.ptr, n) : 0;

	return c ? c : (a.len > b.len) - (a.len < b.len);
}

bool slice_equal_nocase(struct slice a, struct slice b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (text_lower(a.ptr[i]) != text_lower(b.ptr[i]))
			return false;
	return true;
}

size_t slice_find(struct slice s, struct slice needle)
{
	const uint8_t *at;

	if (needle.len == 0)
		return 0;
	if (needle.len > s.len)
		return SIZE_MAX;
	at = memmem(s.ptr, s.len, needle.ptr, needle.len);
	return at ? (size_t)(at - s.ptr) : SIZE_MAX;
}

struct slice slice_trim(struct slice s)
{
	while (s.len > 0 && text_is_space(s.ptr[0]))
		s = slice_from(s, 1);
	while (s.len > 0 && text_is_space(s.ptr[s.len - 1]))
		s.len--;
	return s;
}

struct slice slice_split(struct slice *rest, uint8_t sep)
{
	const uint8_t *at = rest->len ? memchr(rest->ptr, sep, rest->len) : NULL;
	struct slice part = *rest;

	if (at == NULL) {
		*rest = (struct slice){NULL, 0};
		return part;
	}
	part.len = (size_t)(at - rest->ptr);
	*rest = (struct slice){at + 1, rest->len - part.len - 1};
	return part;
}
