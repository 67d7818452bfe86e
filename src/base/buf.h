/* SPDX-License-Identifier: Apache-2.0
 *
 * base/buf.h - bytes that grow, in an arena.
 *
 * Appending may move the bytes; what was there before stays readable until the arena is reset.
 * When the arena's budget is spent, or `most` would be passed, the append does nothing, `full`
 * is set and stays set: a writer asks once, at its end.
 */
#ifndef DEW_BASE_BUF_H
#define DEW_BASE_BUF_H

#include "base/arena.h"
#include "base/slice.h"

#include <stdarg.h>

struct buf {
	struct arena *arena; /* borrowed: must outlive the buf */
	uint8_t *ptr;
	size_t len, room; /* bytes used, bytes held */
	size_t most;	  /* never grow past this; 0 = only the arena's budget limits */
	bool full;
};

static inline struct buf buf_in(struct arena *a)
{
	return (struct buf){.arena = a};
}

static inline struct slice buf_slice(const struct buf *b)
{
	return (struct slice){b->ptr, b->len};
}

/* The same as buf_reserve(), which asks it where the room there is does not do. */
uint8_t *buf_reserve_more(struct buf *b, size_t n);

/* Room for n more bytes at the end, or NULL with `full` set; commit with buf_grew(). Inline, as the
 * next two are: every byte of every record goes through them. */
static inline uint8_t *buf_reserve(struct buf *b, size_t n)
{
	bool fits = n <= b->room - b->len && (b->most == 0 || n <= b->most - b->len);

	return fits && n != 0 && !b->full ? b->ptr + b->len : buf_reserve_more(b, n);
}

static inline void buf_grew(struct buf *b, size_t n)
{
	b->len += n;
}

void buf_add(struct buf *b, struct slice s);

static inline void buf_add_byte(struct buf *b, uint8_t c)
{
	uint8_t *p = buf_reserve(b, 1);

	if (p == NULL)
		return;
	*p = c;
	b->len++;
}

static inline void buf_add_z(struct buf *b, const char *z)
{
	buf_add(b, slice_of(z));
}

/* The value of a label in Prometheus's text format 0.0.4: backslash, quote and line feed escaped.
 */
void buf_add_label(struct buf *b, struct slice s);

void buf_add_u64(struct buf *b, uint64_t v); /* decimal */
void buf_add_i64(struct buf *b, int64_t v);
void buf_add_fmt(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_add_vfmt(struct buf *b, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);

/* One formatted text in a; the empty slice if the budget is spent. */
struct slice buf_text(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
