/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ber.h"

enum { LENGTH_BYTES_MAX = 4, TAG_BYTES_MAX = 4 };

bool ber_next(struct cursor *c, struct ber *out)
{
	struct ber e = {0};
	size_t n;

	if (cursor_left(c) == 0)
		return false;
	e.id = cursor_u8(c);
	e.tag = e.id & BER_TAG;
	if (e.tag == BER_TAG) {
		uint8_t more = 0x80;

		e.tag = 0;
		for (unsigned i = 0; (more & 0x80) != 0; i++) {
			if (i == TAG_BYTES_MAX)
				c->bad = true;
			more = cursor_u8(c);
			e.tag = e.tag << 7 | (more & 0x7f);
		}
	}
	n = cursor_u8(c);
	if (n == 0x80 || n > 0x80 + LENGTH_BYTES_MAX)
		c->bad = true;
	else if (n > 0x80)
		n = (size_t)cursor_be(c, n & 0x7f);
	e.content = cursor_take(c, n);
	if (!cursor_ok(c))
		return false;
	*out = e;
	return true;
}

struct slice ber_take(struct cursor *c, uint8_t id)
{
	struct ber e;

	if (ber_next(c, &e) && e.id == id)
		return e.content;
	c->bad = true;
	return (struct slice){NULL, 0};
}

struct cursor ber_expect(struct cursor *c, uint8_t id)
{
	struct cursor content = cursor_of(ber_take(c, id));

	content.bad = c->bad;
	return content;
}

bool ber_is(const struct cursor *c, uint8_t id)
{
	return cursor_left(c) != 0 && *c->at == id;
}

bool ber_i64(struct slice content, int64_t *out)
{
	uint64_t v;

	if (content.len == 0 || content.len > 8)
		return false;
	v = (content.ptr[0] & 0x80) != 0 ? UINT64_MAX : 0;
	for (size_t i = 0; i < content.len; i++)
		v = v << 8 | content.ptr[i];
	*out = (int64_t)v;
	return true;
}

int64_t ber_integer(struct cursor *c)
{
	int64_t v = 0;

	if (!ber_i64(ber_take(c, BER_INTEGER), &v))
		c->bad = true;
	return v;
}

void ber_oid_text(struct buf *out, struct slice oid)
{
	uint64_t v = 0;
	bool first = true;

	for (size_t i = 0; i < oid.len; i++) {
		v = v << 7 | (oid.ptr[i] & 0x7f);
		if ((oid.ptr[i] & 0x80) != 0)
			continue;
		if (first) { /* the first two arcs are one number */
			uint64_t top = v < 80 ? v / 40 : 2;

			buf_add_u64(out, top);
			v -= top * 40;
		}
		buf_add_byte(out, '.');
		buf_add_u64(out, v);
		first = false;
		v = 0;
	}
}
