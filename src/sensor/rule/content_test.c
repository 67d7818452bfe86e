/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/rule/rule.h"
#include "test.h"

static void bytes_come_out_as_written(struct test *t)
{
	static const struct {
		struct slice in, out;
		bool negated;
	} cases[] = {
		{SLICE("\"abc\""), SLICE("abc"), false},
		{SLICE("!\"abc\""), SLICE("abc"), true},
		{SLICE(" ! \"a\" "), SLICE("a"), true},
		{SLICE("\"|00 ff|\""), SLICE("\0\xff"), false},
		{SLICE("\"a|0D0a|b|7C|\""), SLICE("a\r\nb|"), false},
		{SLICE("\"|  41 42  |\""), SLICE("AB"), false},
		{SLICE("\"|3 a20|\""), SLICE(": "), false},
		{SLICE("\"||a\""), SLICE("a"), false},
		{SLICE("\"\\\"\\;\\:\\\\\""), SLICE("\";:\\"), false},
		{SLICE("\"a b:c\""), SLICE("a b:c"), false},
		{SLICE("\"\xc3\xa9\""), SLICE("\xc3\xa9"), false},
	};
	struct arena_pool pool = {.budget = 1 << 20};
	struct arena a = {.pool = &pool};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct fail why;
		struct slice out = SLICE("unset");
		bool negated = !cases[i].negated;

		EXPECT(t, rule_content_parse(cases[i].in, &a, &negated, &out, &why) == ST_OK);
		EXPECT_SLICE(t, out, cases[i].out);
		EXPECT(t, negated == cases[i].negated);
	}
	arena_reset(&a);
	arena_pool_drain(&pool);
}

static void what_is_wrong_is_refused(struct test *t)
{
	static const struct slice cases[] = {
		SLICE(""),	   SLICE("abc"),     SLICE("\""),	 SLICE("\"\""),
		SLICE("\"||\""),   SLICE("\"|4|\""), SLICE("\"|41\""),	 SLICE("\"|4x|\""),
		SLICE("\"a\"b\""), SLICE("\"a;b\""), SLICE("\"a\\\""),	 SLICE("\"\\n\""),
		SLICE("\"\\|\""),  SLICE("!!\"a\""), SLICE("\"|414|\""),
	};
	struct arena_pool pool = {.budget = 1 << 20};
	struct arena a = {.pool = &pool};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct fail why = {0};
		struct slice out = SLICE("unset");
		bool negated;

		if (rule_content_parse(cases[i], &a, &negated, &out, &why) != ST_INVALID)
			test_fail(t, __FILE__, __LINE__, "%.*s was taken", SLICE_ARG(cases[i]));
		EXPECT_SLICE(t, out, SLICE("unset"));
		EXPECT(t, why.text[0] != '\0');
	}
	arena_reset(&a);
	arena_pool_drain(&pool);
}

static void any_bytes_survive_being_written_in_hex(struct test *t)
{
	struct arena_pool pool = {.budget = 1 << 20};
	struct arena a = {.pool = &pool};

	for (int round = 0; round < 500; round++) {
		static const char digits[] = "0123456789abcdef";
		uint8_t bytes[16], text[64] = "\"|";
		size_t n = 1 + test_rand(t) % 16, len = 2;
		struct slice out;
		struct fail why;
		bool negated;

		for (size_t i = 0; i < n; i++) {
			bytes[i] = (uint8_t)test_rand(t);
			text[len++] = (uint8_t)digits[bytes[i] >> 4];
			text[len++] = (uint8_t)digits[bytes[i] & 15];
			if (test_rand(t) % 2)
				text[len++] = ' ';
		}
		text[len++] = '|';
		text[len++] = '"';
		EXPECT(t, rule_content_parse((struct slice){text, len}, &a, &negated, &out, &why) ==
				  ST_OK);
		EXPECT_SLICE(t, out, ((struct slice){bytes, n}));
	}
	arena_reset(&a);
	pool.fail_after = 1;
	struct slice out;
	struct fail why;
	bool negated;

	EXPECT(t, rule_content_parse(SLICE("\"a\""), &a, &negated, &out, &why) == ST_NOMEM);
	arena_reset(&a);
	arena_pool_drain(&pool);
}

TESTS(T(bytes_come_out_as_written), T(what_is_wrong_is_refused),
      T(any_bytes_survive_being_written_in_hex))
