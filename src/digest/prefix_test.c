/* SPDX-License-Identifier: Apache-2.0 */
#include "digest/digest.h"
#include "test.h"

enum { IP4 = 20, IP6 = 40 };

static struct digest_prefix of(const uint8_t *packet, size_t n)
{
	struct digest_prefix p = {.len = 0};

	if (!digest_prefix_of((struct slice){packet, n}, &p))
		p.len = 0;
	return p;
}

static bool same(const struct digest_prefix *a, const struct digest_prefix *b)
{
	return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

static void ip4(uint8_t p[64], uint8_t proto, uint8_t total)
{
	memset(p, 0, 64);
	for (uint8_t i = 0; i < 64; i++)
		p[i] = i;
	p[0] = 0x45;
	p[2] = 0;
	p[3] = total;
	p[6] = p[7] = 0;
	p[9] = proto;
}

static void ip6(uint8_t p[80], uint8_t next, uint8_t length)
{
	for (uint8_t i = 0; i < 80; i++)
		p[i] = i;
	p[0] = 0x60;
	p[4] = 0;
	p[5] = length;
	p[6] = next;
}

static void what_routers_change_does_not_count_and_all_else_does(struct test *t)
{
	static const uint8_t may4[] = {1, 8, 10, 11}, may6[] = {1, 2, 3, 7};
	uint8_t p[80], q[80];
	struct digest_prefix a, b;

	ip4(p, 6, 60);
	a = of(p, 60);
	EXPECT_UINT(t, a.len, 28);
	for (size_t i = 0; i < 60; i++) {
		bool may = i >= IP4 + 12 || memchr(may4, (int)i, sizeof may4) != NULL;

		memcpy(q, p, 60);
		q[i] ^= i == 0 || i == 9 ? 0 : 0x80; /* header length and protocol: below */
		b = of(q, 60);
		if (i != 0 && i != 9 && i != 2 &&
		    i != 6) /* these end it, or make it a fragment's */
			EXPECT(t, same(&a, &b) == may);
	}
	ip6(p, 17, 40);
	a = of(p, 80);
	EXPECT_UINT(t, a.len, 56);
	for (size_t i = 1; i < 80; i++) {
		bool may = i >= IP6 + 20 || memchr(may6, (int)i, sizeof may6) != NULL;

		memcpy(q, p, 80);
		q[i] ^= 0x41;
		b = of(q, 80);
		EXPECT(t, i == 6 || same(&a, &b) == may);
	}
}

static void options_are_passed_over(struct test *t)
{
	uint8_t p[64], q[64];
	struct digest_prefix a, b;

	ip4(p, 6, 48);
	p[0] = 0x47; /* eight bytes of options, such as a recorded route */
	memcpy(q, p, 64);
	q[22] ^= 0xff;
	a = of(p, 48);
	b = of(q, 48);
	EXPECT(t, a.len == 28 && same(&a, &b));
	EXPECT(t, memcmp(a.bytes + 16, p + 28, 12) == 0);
	p[0] = 0x44;
	EXPECT_UINT(t, of(p, 48).len, 0);
	p[0] = 0x4f; /* longer than the packet */
	EXPECT_UINT(t, of(p, 48).len, 0);
}

static void what_can_be_guessed_is_neither_kept_nor_answered(struct test *t)
{
	uint8_t p[80];

	for (unsigned proto = 0; proto < 256; proto++) {
		bool ok = proto == 6 || proto == 17 || proto == 50 || proto == 132;

		ip4(p, (uint8_t)proto, 60);
		EXPECT(t, (of(p, 60).len != 0) == ok);
		p[7] = 1; /* a later fragment */
		EXPECT_UINT(t, of(p, 60).len, 0);
		p[7] = 0;
		p[6] = 0x20; /* the first */
		EXPECT(t, (of(p, 60).len != 0) == ok);
		ip6(p, (uint8_t)proto, 40);
		EXPECT(t, (of(p, 80).len != 0) == ok);
	}
	ip4(p, 17, IP4 + 11);
	EXPECT_UINT(t, of(p, 60).len, 0);
	ip4(p, 17, IP4 + 12);
	EXPECT_UINT(t, of(p, 60).len, 28);
	ip4(p, 6, IP4 + 7);
	EXPECT_UINT(t, of(p, 60).len, 0);
	ip4(p, 6, IP4 + 8);
	EXPECT_UINT(t, of(p, 60).len, 24);
}

static void what_is_behind_a_packet_is_not_of_it(struct test *t)
{
	uint8_t p[80];
	struct digest_prefix a, b;

	ip4(p, 6, IP4 + 9);
	a = of(p, IP4 + 9);
	b = of(p, 46);
	EXPECT(t, a.len == 25 && same(&a, &b));
	ip6(p, 6, 10);
	a = of(p, IP6 + 10);
	b = of(p, 80);
	EXPECT(t, a.len == 46 && same(&a, &b));
}

static void any_cut_is_survived(struct test *t)
{
	uint8_t p[80];

	ip4(p, 6, 60);
	for (size_t n = 0; n < IP4 + 8; n++)
		EXPECT_UINT(t, of(p, n).len, 0);
	EXPECT(t, of(p, IP4 + 8).len != 0);
	ip6(p, 6, 40);
	for (size_t n = 0; n < IP6 + 8; n++)
		EXPECT_UINT(t, of(p, n).len, 0);
	for (unsigned v = 0; v < 256; v++) {
		p[0] = (uint8_t)v;
		EXPECT(t, v >> 4 == 4 || v >> 4 == 6 || of(p, 80).len == 0);
	}
}

TESTS(T(what_routers_change_does_not_count_and_all_else_does), T(options_are_passed_over),
      T(what_can_be_guessed_is_neither_kept_nor_answered), T(what_is_behind_a_packet_is_not_of_it),
      T(any_cut_is_survived))
