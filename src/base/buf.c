/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <stdio.h>

enum { BUF_FIRST = 64 }; /* bytes of the first piece of memory */

uint8_t *buf_reserve_more(struct buf *b, size_t n)
{
	size_t want, room = b->room ? b->room : BUF_FIRST;
	uint8_t *p;

	if (b->full || __builtin_add_overflow(b->len, n, &want) ||
	    (b->most != 0 && want > b->most) || want > SIZE_MAX / 4) {
		b->full = true;
		return NULL;
	}
	if (want <= b->room)
		return b->len == 0 ? b->ptr : b->ptr + b->len; /* ptr may be NULL */
	while (room < want)
		room *= 2;
	p = arena_bytes(b->arena, room);
	if (p == NULL) {
		b->full = true;
		return NULL;
	}
	if (b->len != 0)
		memcpy(p, b->ptr, b->len);
	b->ptr = p;
	b->room = room;
	return p + b->len;
}

void buf_add(struct buf *b, struct slice s)
{
	uint8_t *p = s.len ? buf_reserve(b, s.len) : NULL;

	if (p == NULL)
		return;
	memcpy(p, s.ptr, s.len);
	b->len += s.len;
}

void buf_add_label(struct buf *b, struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] == '\\' || s.ptr[i] == '"')
			buf_add_byte(b, '\\');
		if (s.ptr[i] == '\n')
			buf_add_z(b, "\\n");
		else
			buf_add_byte(b, s.ptr[i]);
	}
}

void buf_add_u64(struct buf *b, uint64_t v)
{
	uint8_t digits[20];
	size_t at = sizeof digits;

	do {
		digits[--at] = (uint8_t)('0' + v % 10);
		v /= 10;
	} while (v != 0);
	buf_add(b, (struct slice){digits + at, sizeof digits - at});
}

void buf_add_i64(struct buf *b, int64_t v)
{
	if (v < 0)
		buf_add_byte(b, '-');
	buf_add_u64(b, v < 0 ? -(uint64_t)v : (uint64_t)v);
}

void buf_add_vfmt(struct buf *b, const char *fmt, va_list ap)
{
	char small[512];
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(small, sizeof small, fmt, ap);
	if (n >= 0 && (size_t)n < sizeof small) {
		buf_add(b, (struct slice){(const uint8_t *)small, (size_t)n});
	} else if (n > 0) {
		uint8_t *p = buf_reserve(b, (size_t)n + 1);

		if (p != NULL && vsnprintf((char *)p, (size_t)n + 1, fmt, again) == n)
			b->len += (size_t)n;
	}
	va_end(again);
}

void buf_add_fmt(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_add_vfmt(b, fmt, ap);
	va_end(ap);
}

struct slice buf_text(struct arena *a, const char *fmt, ...)
{
	struct buf b = buf_in(a);
	va_list ap;

	va_start(ap, fmt);
	buf_add_vfmt(&b, fmt, ap);
	va_end(ap);
	return b.full ? (struct slice){NULL, 0} : buf_slice(&b);
}
