/* SPDX-License-Identifier: Apache-2.0 */
#include "base/addr.h"

#include <arpa/inet.h>

#include "base/text.h"

int addr_compare(const struct addr *a, const struct addr *b)
{
	uint64_t x[2], y[2];

	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	memcpy(x, a->b, sizeof x); /* two loads and no call: rules ask this millions of times */
	memcpy(y, b->b, sizeof y);
	if (x[0] != y[0])
		return __builtin_bswap64(x[0]) < __builtin_bswap64(y[0]) ? -1 : 1;
	if (x[1] != y[1])
		return __builtin_bswap64(x[1]) < __builtin_bswap64(y[1]) ? -1 : 1;
	return 0;
}

struct addr addr_v4(const uint8_t bytes[4])
{
	struct addr a = {.family = 4};

	memcpy(a.b, bytes, 4);
	return a;
}

struct addr addr_v6(const uint8_t bytes[16])
{
	struct addr a = {.family = 6};

	memcpy(a.b, bytes, 16);
	return a;
}

bool addr_parse(struct slice s, struct addr *out)
{
	char z[ADDR_TEXT_MAX];
	struct addr a = {0};

	if (s.len == 0 || s.len >= sizeof z || memchr(s.ptr, '\0', s.len) != NULL)
		return false;
	memcpy(z, s.ptr, s.len);
	z[s.len] = '\0';
	a.family = memchr(z, ':', s.len) ? 6 : 4;
	if (inet_pton(a.family == 6 ? AF_INET6 : AF_INET, z, a.b) != 1)
		return false;
	*out = a;
	return true;
}

static void mask(struct addr *a, size_t bits)
{
	for (size_t i = 0; i < sizeof a->b; i++) {
		size_t keep = bits > i * 8 ? bits - i * 8 : 0;

		if (keep < 8)
			a->b[i] &= (uint8_t)(0xff00u >> keep);
	}
}

bool addr_prefix_parse(struct slice s, struct addr_prefix *out)
{
	struct slice host = slice_split(&s, '/');
	struct addr_prefix p;
	uint64_t bits;

	if (!addr_parse(host, &p.addr))
		return false;
	bits = addr_bytes(&p.addr) * 8;
	if (s.ptr != NULL && (!text_u64(s, 0, bits, &bits) || s.len > 3))
		return false;
	p.bits = (uint8_t)bits;
	mask(&p.addr, p.bits);
	*out = p;
	return true;
}

bool addr_prefix_holds(const struct addr_prefix *p, const struct addr *a)
{
	struct addr cut = *a;

	if (a->family != p->addr.family || a->family == 0)
		return false;
	mask(&cut, p->bits);
	return addr_equal(&cut, &p->addr);
}

/* Nearly every address of every record; inet_ntop() would go through sprintf(). */
static struct slice format_v4(const struct addr *a, char *buf)
{
	size_t n = 0;

	for (size_t i = 0; i < 4; i++) {
		uint8_t v = a->b[i];

		if (i != 0)
			buf[n++] = '.';
		if (v >= 100)
			buf[n++] = (char)('0' + v / 100);
		if (v >= 10)
			buf[n++] = (char)('0' + v / 10 % 10);
		buf[n++] = (char)('0' + v % 10);
	}
	buf[n] = '\0';
	return (struct slice){(const uint8_t *)buf, n};
}

struct slice addr_format(const struct addr *a, char buf[ADDR_TEXT_MAX])
{
	if (a->family == 4)
		return format_v4(a, buf);
	buf[0] = '\0';
	if (a->family != 0 && inet_ntop(AF_INET6, a->b, buf, ADDR_TEXT_MAX) == NULL)
		buf[0] = '\0';
	return slice_of(buf);
}

struct slice addr_format_full(const struct addr *a, char buf[ADDR_TEXT_MAX])
{
	size_t n = 0;

	if (a->family != 6)
		return addr_format(a, buf);
	for (size_t i = 0; i < 16; i++) {
		if (i != 0 && i % 2 == 0)
			buf[n++] = ':';
		buf[n++] = "0123456789abcdef"[a->b[i] >> 4];
		buf[n++] = "0123456789abcdef"[a->b[i] & 15];
	}
	buf[n] = '\0';
	return (struct slice){(const uint8_t *)buf, n};
}
