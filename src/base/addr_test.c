/* SPDX-License-Identifier: Apache-2.0 */
#include "base/addr.h"
#include "test.h"

static void text_round_trips(struct test *t)
{
	static const char *const texts[] = {"0.0.0.0",	       "192.0.2.255", "9.10.99.100",
					    "199.101.109.110", "::",	      "2001:db8::1",
					    "::ffff:192.0.2.1"};
	char buf[ADDR_TEXT_MAX];
	struct addr a;

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		EXPECT(t, addr_parse(slice_of(texts[i]), &a));
		EXPECT_SLICE(t, addr_format(&a, buf), slice_of(texts[i]));
	}
	EXPECT(t, !addr_parse(SLICE("1.2.3"), &a) && !addr_parse(SLICE("1.2.3.256"), &a));
	EXPECT(t, !addr_parse(SLICE(""), &a) && !addr_parse(SLICE("1.2.3.4\0"), &a));
	a.family = 0;
	EXPECT_UINT(t, addr_format(&a, buf).len, 0);
}

static void prefixes_hold_what_they_should(struct test *t)
{
	struct addr_prefix p;
	struct addr in, out;

	EXPECT(t, addr_prefix_parse(SLICE("10.77.13.9/20"), &p) && p.bits == 20);
	EXPECT(t, addr_parse(SLICE("10.77.15.255"), &in) && addr_parse(SLICE("10.77.16.0"), &out));
	EXPECT(t, addr_prefix_holds(&p, &in) && !addr_prefix_holds(&p, &out));
	EXPECT(t, addr_prefix_parse(SLICE("::/0"), &p) && !addr_prefix_holds(&p, &in));
	EXPECT(t, addr_prefix_parse(SLICE("192.0.2.1"), &p) && p.bits == 32);
	EXPECT(t, !addr_prefix_parse(SLICE("192.0.2.1/33"), &p));
	EXPECT(t, !addr_prefix_parse(SLICE("192.0.2.1/"), &p));
	EXPECT(t, addr_prefix_parse(SLICE("0.0.0.0/0"), &p) && addr_prefix_holds(&p, &in));
}

static void order_is_total(struct test *t)
{
	struct addr a = addr_v4((const uint8_t[]){10, 0, 0, 1}), b = a, six = {.family = 6};

	b.b[3] = 2;
	EXPECT(t, addr_compare(&a, &b) < 0 && addr_compare(&b, &a) > 0);
	EXPECT(t, addr_compare(&a, &a) == 0 && addr_equal(&a, &a));
	EXPECT(t, addr_compare(&b, &six) < 0);
	six = addr_v6((const uint8_t[16]){0x20, 1});
	EXPECT(t, six.b[0] == 0x20 && addr_bytes(&six) == 16 && addr_bytes(&a) == 4);
}

TESTS(T(text_round_trips), T(prefixes_hold_what_they_should), T(order_is_total))
