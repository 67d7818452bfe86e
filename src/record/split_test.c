/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "record/record.h"
#include "test.h"

static const struct record_field some[] = {
	{SLICE(""), SLICE("timestamp"), SLICE("\"2026-11-22T03:04:05.678901+0000\"")},
	{SLICE(""), SLICE("vlan"), SLICE("[1,2]")},
	{SLICE(""), SLICE("odd"), SLICE("{\"a\":[{\"b\":\"}],{\\\"\"}],\"c\":{}}")},
	{SLICE(""), SLICE("port"), SLICE("443")},
	{SLICE("alert"), SLICE("signature"), SLICE("\"a \\\"quoted\\\" one, {\\\\\"")},
	{SLICE("alert"), SLICE("metadata"), SLICE("{\"a\":[\"b\",null]}")},
	{SLICE("tls"), SLICE("ja3"), SLICE("{\"hash\":\"x\"}")},
};
enum { SOME = sizeof some / sizeof some[0] };

static void what_was_joined_is_split_the_same(struct test *t)
{
	static const struct slice groups[] = {{(const uint8_t *)"tls", 3},
					      {(const uint8_t *)"alert", 5}};
	struct arena_pool pool = {.budget = 1 << 20};
	struct arena a = {.pool = &pool};
	struct record_field got[RECORD_FIELDS_MAX];
	struct buf line = buf_in(&a);
	struct fail why;
	size_t n;

	record_join(some, SOME, &line);
	EXPECT(t, record_split(buf_slice(&line), groups, 2, got, &n, &why) == ST_OK);
	EXPECT_UINT(t, n, SOME);
	for (size_t i = 0; i < SOME; i++) {
		EXPECT_SLICE(t, got[i].group, some[i].group);
		EXPECT_SLICE(t, got[i].name, some[i].name);
		EXPECT_SLICE(t, got[i].json, some[i].json);
	}
	/* which members are groups is the caller's to say */
	EXPECT(t, record_split(buf_slice(&line), groups, 1, got, &n, &why) == ST_OK);
	EXPECT(t, n == 6 && got[4].group.len == 0 && slice_equal(got[4].name, SLICE("alert")));
	EXPECT(t, record_split(buf_slice(&line), NULL, 0, got, &n, &why) == ST_OK && n == 6);
	/* every cut is noticed */
	for (size_t i = 0; i < line.len; i++)
		EXPECT(t, record_split(slice_part(buf_slice(&line), 0, i), groups, 2, got, &n,
				       &why) == ST_INVALID);
	arena_reset(&a);
	arena_pool_drain(&pool);
}

static void what_is_no_line_of_ours_is_refused(struct test *t)
{
	static const char *const bad[] = {"",
					  "{",
					  "[]",
					  "{\"a\"}",
					  "{\"a\":}",
					  "{\"a\":1,}",
					  "{\"a\":1}}",
					  "{\"a\":1} ",
					  "{a:1}",
					  "{\"a\":\"",
					  "{\"a\":[1}",
					  "{\"g\":1}",
					  "{\"g\":{\"a\"}}",
					  "{\"g\":{\"a\":1,}}",
					  "{\"g\":{\"a\":1}"};
	static const struct slice group = {(const uint8_t *)"g", 1};
	struct record_field got[RECORD_FIELDS_MAX];
	struct fail why;
	size_t n = 7;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		EXPECT(t, record_split(slice_of(bad[i]), &group, 1, got, &n, &why) == ST_INVALID);
	EXPECT(t, record_split(SLICE("{\"g\":{},\"a\":1}"), &group, 1, got, &n, &why) == ST_OK);
	EXPECT_UINT(t, n, 1);
}

static void fields_are_counted(struct test *t)
{
	static char line[16 * (RECORD_FIELDS_MAX + 1)];
	struct record_field got[RECORD_FIELDS_MAX];
	struct fail why;

	for (int more = 0; more <= 1; more++) {
		int at = 0, fields = RECORD_FIELDS_MAX + more;
		size_t n = 0;

		for (int i = 0; i < fields; i++)
			at += snprintf(line + at, sizeof line - (size_t)at, "%c\"f%d\":%d",
				       i ? ',' : '{', i, i);
		line[at] = '}';
		EXPECT_UINT(t,
			    record_split((struct slice){(uint8_t *)line, (size_t)at + 1}, NULL, 0,
					 got, &n, &why),
			    more ? ST_LIMIT : ST_OK);
		EXPECT_UINT(t, n, more ? 0 : RECORD_FIELDS_MAX);
	}
}

TESTS(T(what_was_joined_is_split_the_same), T(what_is_no_line_of_ours_is_refused),
      T(fields_are_counted))
