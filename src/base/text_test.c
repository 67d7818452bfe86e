/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include "base/buf.h"
#include "test.h"

static void numbers_keep_their_limits(struct test *t)
{
	uint64_t u = 7;
	int64_t i = 7;

	EXPECT(t, text_u64(SLICE("0"), 0, 0, &u) && u == 0);
	EXPECT(t, text_u64(SLICE("18446744073709551615"), 0, UINT64_MAX, &u) && u == UINT64_MAX);
	EXPECT(t, !text_u64(SLICE("18446744073709551616"), 0, UINT64_MAX, &u));
	EXPECT(t, text_u64(SLICE("0xFf"), 0, 255, &u) && u == 255);
	EXPECT(t, !text_u64(SLICE(""), 0, 9, &u) && !text_u64(SLICE("0x"), 0, 9, &u));
	EXPECT(t, !text_u64(SLICE("1 "), 0, 9, &u) && !text_u64(SLICE("-1"), 0, 9, &u));
	EXPECT(t, !text_u64(SLICE("10"), 0, 9, &u) && u == 255);
	EXPECT(t, text_i64(SLICE("-5"), -5, 5, &i) && i == -5);
	EXPECT(t, !text_i64(SLICE("-6"), -5, 5, &i) && !text_i64(SLICE("--5"), -9, 9, &i));
	EXPECT(t, text_i64(SLICE("+5"), -5, 5, &i) && i == 5);
}

static void utf8_is_the_shortest_form_only(struct test *t)
{
	EXPECT(t, text_is_utf8(SLICE("plain \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80")));
	EXPECT(t, !text_is_utf8(SLICE("\xc0\x80")));	     /* overlong NUL */
	EXPECT(t, !text_is_utf8(SLICE("\xed\xa0\x80")));     /* surrogate */
	EXPECT(t, !text_is_utf8(SLICE("\xf4\x90\x80\x80"))); /* past U+10FFFF */
	EXPECT(t, !text_is_utf8(SLICE("\xe2\x82")));	     /* cut short */
	EXPECT(t, !text_is_utf8(SLICE("\x80")));
}

static void utf8_is_written_in_its_shortest_form(struct test *t)
{
	static const uint32_t chars[] = {0, 0x7f, 0x80, 0x7ff, 0x800, 0xffff, 0x10000, 0x10ffff};
	struct arena_pool pool = {.budget = 1 << 16};
	struct arena a = {.pool = &pool};
	struct buf b = buf_in(&a);

	for (size_t i = 0; i < sizeof chars / sizeof chars[0]; i++)
		text_utf8_add(&b, chars[i]);
	EXPECT_SLICE(t, buf_slice(&b),
		     SLICE("\0\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80"
			   "\xf4\x8f\xbf\xbf"));
	EXPECT(t, text_is_utf8(buf_slice(&b)));
	arena_reset(&a);
	arena_pool_drain(&pool);
}

static void characters(struct test *t)
{
	EXPECT_UINT(t, text_lower('Z'), 'z');
	EXPECT_UINT(t, text_lower('['), '[');
	EXPECT(t, text_hex('f') == 15 && text_hex('A') == 10 && text_hex('g') == -1);
	EXPECT(t, text_is_space('\v') && !text_is_space(0));
	EXPECT(t, text_is_alpha('q') && !text_is_alpha('@') && text_is_digit('9'));
}

static void text_for_people_holds_nothing_that_acts_on_a_terminal(struct test *t)
{
	static const struct {
		const char *text;
		size_t at;
	} rows[] = {{"plain, \xc3\xa9 \xe2\x80\x93", 13},
		    {"\x1b[31m", 0},
		    {"a\x7f", 1},
		    {"a\xc2\x9b", 1},
		    {"a\xc2\xa0", 3},
		    {"a\xe2\x80\xa9", 4},
		    {"a\xe2\x80\xaa", 1},
		    {"a\xe2\x80\xae", 1},
		    {"a\xe2\x80\xaf", 4},
		    {"a\xe2\x81\xa5", 4},
		    {"a\xe2\x81\xa6", 1},
		    {"a\xe2\x81\xa9", 1},
		    {"a\xe2\x81\xaa", 4},
		    {"ab\xff", 2},
		    {"ab\xe2\x80", 2}};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		EXPECT_UINT(t, text_unfit(slice_of(rows[i].text), false), rows[i].at);
	EXPECT_UINT(t, text_unfit(SLICE("a\tb"), false), 1);
	EXPECT_UINT(t, text_unfit(SLICE("a\tb"), true), 3);
}

TESTS(T(text_for_people_holds_nothing_that_acts_on_a_terminal), T(numbers_keep_their_limits),
      T(utf8_is_the_shortest_form_only), T(utf8_is_written_in_its_shortest_form), T(characters))
