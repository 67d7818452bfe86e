/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "base/text.h"
#include "test.h"

static void commas_and_nesting(struct test *t)
{
	struct arena_pool pool = {.budget = 1 << 16};
	struct arena arena = {.pool = &pool};
	struct buf b = buf_in(&arena);
	struct json j = json_in(&b);

	json_object(&j);
	json_key(&j, "a");
	json_array(&j);
	json_u64(&j, 1);
	json_object(&j);
	json_end(&j);
	json_i64(&j, -2);
	json_end(&j);
	json_key(&j, "b");
	json_null(&j);
	json_key_slice(&j, SLICE("c"));
	json_bool(&j, true);
	json_key(&j, "d");
	json_raw(&j, SLICE("[]"));
	json_end(&j);
	EXPECT_SLICE(t, buf_slice(&b), SLICE("{\"a\":[1,{},-2],\"b\":null,\"c\":true,\"d\":[]}"));
	arena_reset(&arena);
	arena_pool_drain(&pool);
}

static void strings_are_always_valid(struct test *t)
{
	struct arena_pool pool = {.budget = 1 << 16};
	struct arena arena = {.pool = &pool};
	struct buf b = buf_in(&arena);
	struct json j = json_in(&b);

	json_str(&j, SLICE("\"\\/\n\x01\x00\x7f\xc3\xa9\xff\xe2\x82"));
	EXPECT_SLICE(t, buf_slice(&b),
		     SLICE("\"\\\"\\\\/"
			   "\\n\\u0001\\u0000\x7f\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""));
	for (int i = 0; i < 2000; i++) {
		uint8_t junk[16];

		for (size_t k = 0; k < sizeof junk; k++)
			junk[k] = (uint8_t)test_rand(t);
		b.len = 0;
		j = json_in(&b);
		json_str(&j, (struct slice){junk, sizeof junk});
		EXPECT(t, text_is_utf8(buf_slice(&b)));
		arena_reset(&arena);
		b = buf_in(&arena);
		j = json_in(&b);
	}
	arena_reset(&arena);
	arena_pool_drain(&pool);
}

static void plain_text_is_kept_whole_and_none_is_half_written(struct test *t)
{
	struct arena_pool pool = {.budget = 1 << 16};
	struct arena arena = {.pool = &pool};
	struct buf b = {.arena = &arena, .most = 11};
	struct json j = json_in(&b);

	json_object(&j);
	json_key(&j, "ab");
	json_str(&j, SLICE("cd"));
	json_end(&j);
	EXPECT_SLICE(t, buf_slice(&b), SLICE("{\"ab\":\"cd\"}"));
	EXPECT(t, !b.full);
	b = (struct buf){.arena = &arena, .most = 9};
	j = json_in(&b);
	json_object(&j);
	json_key(&j, "ab");
	json_str(&j, SLICE("cd"));
	EXPECT_SLICE(t, buf_slice(&b), SLICE("{\"ab\":"));
	EXPECT(t, b.full);
	b = buf_in(&arena);
	j = json_in(&b);
	json_str(&j, SLICE(""));
	EXPECT_SLICE(t, buf_slice(&b), SLICE("\"\""));
	arena_reset(&arena);
	arena_pool_drain(&pool);
}

/* Every byte at every place, beside every kind of neighbour, against what RFC 8259 7 says. */
static void each_byte_is_escaped_wherever_it_stands(struct test *t)
{
	static const uint8_t fill[] = {'a', ' ', '~', 0x00, 0x1f, '"'};
	struct arena_pool pool = {.budget = 1 << 16};
	struct arena arena = {.pool = &pool};

	for (unsigned c = 0; c < 0x80; c++) {
		for (size_t at = 0; at < 19 * sizeof fill; at++) {
			struct buf b = buf_in(&arena), want = buf_in(&arena);
			struct json j = json_in(&b);
			uint8_t text[19], neighbour = fill[at / sizeof text];

			memset(text, neighbour, sizeof text);
			text[at % sizeof text] = (uint8_t)c;
			json_str(&j, (struct slice){text, sizeof text});
			buf_add_byte(&want, '"');
			for (size_t i = 0; i < sizeof text; i++) {
				static const char names[] = "\b\t\n\f\r\"\\", as[] = "btnfr\"\\";
				const char *named = text[i] ? strchr(names, text[i]) : NULL;

				if (named != NULL)
					buf_add_fmt(&want, "\\%c", as[named - names]);
				else if (text[i] < 0x20)
					buf_add_fmt(&want, "\\u%04x", text[i]);
				else
					buf_add_byte(&want, text[i]);
			}
			buf_add_byte(&want, '"');
			EXPECT_SLICE(t, buf_slice(&b), buf_slice(&want));
			arena_reset(&arena);
		}
	}
	arena_pool_drain(&pool);
}

static void fractions_have_one_form(struct test *t)
{
	struct arena_pool pool = {.budget = 1 << 16};
	struct arena arena = {.pool = &pool};
	struct buf b = buf_in(&arena);
	struct json j = json_in(&b);

	json_array(&j);
	json_fixed(&j, 380, 3);
	json_fixed(&j, -5, 3);
	json_fixed(&j, 1000, 3);
	json_fixed(&j, 0, 3);
	json_fixed(&j, 1050, 3);
	json_end(&j);
	EXPECT_SLICE(t, buf_slice(&b), SLICE("[0.38,-0.005,1,0,1.05]"));
	arena_reset(&arena);
	arena_pool_drain(&pool);
}

TESTS(T(commas_and_nesting), T(strings_are_always_valid),
      T(each_byte_is_escaped_wherever_it_stands),
      T(plain_text_is_kept_whole_and_none_is_half_written), T(fractions_have_one_form))
