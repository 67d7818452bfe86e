/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ber.h"
#include "test.h"

static struct cursor over(const char *bytes, size_t n)
{
	return cursor_of((struct slice){(const uint8_t *)bytes, n});
}
#define OVER(lit) over(lit, sizeof(lit) - 1)

static void reads_elements_in_order(struct test *t)
{
	struct cursor c = OVER("\x30\x03\x02\x01\x05\x04\x02hi");
	struct ber e;
	struct cursor inner;

	EXPECT(t, ber_next(&c, &e) && e.id == BER_SEQUENCE && e.tag == 16 && e.content.len == 3);
	inner = cursor_of(e.content);
	EXPECT(t, ber_integer(&inner) == 5 && cursor_ok(&inner) && cursor_left(&inner) == 0);
	EXPECT(t, ber_is(&c, BER_OCTETS));
	EXPECT(t, slice_equal(ber_take(&c, BER_OCTETS), SLICE("hi")));
	EXPECT(t, !ber_next(&c, &e) && cursor_ok(&c));
}

static void longer_and_indefinite_lengths_are_bad(struct test *t)
{
	struct cursor four = OVER("\x04\x84\x00\x00\x00\x02hi"),
		      five = OVER("\x04\x85\x00\x00\x00\x00\x02hi"),
		      open = OVER("\x30\x80\x04\x00\x00\x00"), none = OVER("\x04");
	struct ber e;

	EXPECT(t, ber_next(&four, &e) && slice_equal(e.content, SLICE("hi")));
	EXPECT(t, !ber_next(&five, &e) && !cursor_ok(&five));
	EXPECT(t, !ber_next(&open, &e) && !cursor_ok(&open));
	EXPECT(t, !ber_next(&none, &e) && !cursor_ok(&none));
}

static void what_just_fits_is_read(struct test *t)
{
	struct cursor fits = OVER("\x04\x02hi"), cut = OVER("\x04\x03hi");
	struct ber e;

	EXPECT(t, ber_next(&fits, &e));
	EXPECT(t, !ber_next(&cut, &e) && !cursor_ok(&cut));
}

static void high_tags_take_up_to_four_more_octets(struct test *t)
{
	struct cursor c = OVER("\x7f\x81\x00\x01x"), most = OVER("\x7f\x81\x80\x80\x01\x00"),
		      more = OVER("\x7f\x81\x80\x80\x80\x01\x00");
	struct ber e;

	EXPECT(t, ber_next(&c, &e) && e.tag == 128 && e.id == 0x7f && e.content.len == 1);
	EXPECT(t, ber_next(&most, &e) && e.tag == (1u << 21 | 1));
	EXPECT(t, !ber_next(&more, &e) && !cursor_ok(&more));
}

static void integers_are_signed_and_at_most_eight_bytes(struct test *t)
{
	int64_t v = 7;

	EXPECT(t, ber_i64((struct slice){(const uint8_t *)"\xff", 1}, &v) && v == -1);
	EXPECT(t, ber_i64((struct slice){(const uint8_t *)"\x00\xff", 2}, &v) && v == 255);
	EXPECT(t, ber_i64((struct slice){(const uint8_t *)"\x7f\xff\xff\xff\xff\xff\xff\xff", 8},
			  &v) &&
			  v == INT64_MAX);
	EXPECT(t,
	       !ber_i64((struct slice){(const uint8_t *)"\x00\x7f\xff\xff\xff\xff\xff\xff\xff", 9},
			&v));
	EXPECT(t, !ber_i64((struct slice){NULL, 0}, &v));
}

static void another_element_makes_both_cursors_bad(struct test *t)
{
	struct cursor c = OVER("\x02\x01\x05"), inner = ber_expect(&c, BER_SEQUENCE);

	EXPECT(t, !cursor_ok(&c) && !cursor_ok(&inner));
	EXPECT(t, ber_integer(&inner) == 0);
}

static void object_identifiers_are_dotted(struct test *t)
{
	static const struct {
		const char *oid;
		size_t n;
		const char *text;
	} cases[] = {
		{"\x2b\x06\x01\x05\x05\x02", 6, "1.3.6.1.5.5.2"},
		{"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02", 9, "1.2.840.113554.1.2.2"},
		{"\x88\x37\x03", 3, "2.999.3"},
		{"", 0, ""},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct arena_pool pool = {.budget = 1 << 16};
		struct arena a = {.pool = &pool};
		struct buf b = buf_in(&a);

		ber_oid_text(&b, (struct slice){(const uint8_t *)cases[i].oid, cases[i].n});
		EXPECT(t, slice_equal(buf_slice(&b), slice_of(cases[i].text)));
		arena_reset(&a);
		arena_pool_drain(&pool);
	}
}

TESTS(T(reads_elements_in_order), T(longer_and_indefinite_lengths_are_bad),
      T(what_just_fits_is_read), T(high_tags_take_up_to_four_more_octets),
      T(integers_are_signed_and_at_most_eight_bytes), T(another_element_makes_both_cursors_bad),
      T(object_identifiers_are_dotted))
