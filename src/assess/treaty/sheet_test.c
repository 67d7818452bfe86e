/* SPDX-License-Identifier: Apache-2.0 */
#include "assess/treaty/treaty_priv.h"
#include "base/time.h"
#include "test.h"

#include <stdio.h>

struct fixture {
	struct arena_pool pool;
	struct arena a;
	struct treaty_sheet s;
	struct buf problems;
	struct fail why;
	enum status st;
};

static void read_sheet(struct fixture *f, const char *text)
{
	*f = (struct fixture){.pool = {.budget = 8 << 20}};
	f->a.pool = &f->pool;
	f->problems = buf_in(&f->a);
	f->st = treaty_sheet_parse(SLICE("s"), slice_of(text), &f->a, &f->s, &f->problems, &f->why);
}

static void done(struct fixture *f)
{
	arena_reset(&f->a);
	arena_pool_drain(&f->pool);
}

static void a_sheet_says_whose_standards_and_since_when(struct test *t)
{
	struct fixture f;

	read_sheet(&f, "standards KR \"Republic of Korea\" from 2018-01-01 until 2024-01-01\n"
		       "# a remark\n\n"
		       "  standard balance 0.6 ; a decision of 3 May 2017\n"
		       "standard some-basis 0.1\n");
	EXPECT_UINT(t, f.st, ST_OK);
	EXPECT_SLICE(t, f.s.party, SLICE("KR"));
	EXPECT_SLICE(t, f.s.name, SLICE("Republic of Korea"));
	EXPECT(t, f.s.from.ns == INT64_C(1514764800) * TIME_NS_PER_S);
	EXPECT(t, f.s.until.ns == INT64_C(1704067200) * TIME_NS_PER_S);
	EXPECT_UINT(t, f.s.count, 2);
	EXPECT_SLICE(t, f.s.standards[0].name, SLICE("balance"));
	EXPECT(t, f.s.standards[0].milli == 600 && f.s.standards[1].milli == 100);
	done(&f);
	read_sheet(&f, "standards A\nstandard x 1");
	EXPECT(t, f.st == ST_OK && f.s.from.ns == 0 && f.s.until.ns == 0 && f.s.name.len == 0);
	done(&f);
}

static void each_error_is_said_with_its_place(struct test *t)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"", "s:1:1: expected \"standards\" and the party"},
		{"# nothing\n", "s:1:1: expected \"standards\" and the party"},
		{"standards A\n", "s:1:1: it has no standard"},
		{"party A\nstandard x 0.6\n", "s:1:1: expected \"standards\""},
		{"standards\n", "s:1:10: expected the party's id"},
		{"standards A B\nstandard x 0.6\n", "s:1:13: expected the end of the line"},
		{"standards A from never\n", "s:1:18: expected a date"},
		{"standards A from 2020-01-01 until 2020-01-01\n", "s:1:35: expected a day after"},
		{"standards A\nclause x\n", "s:2:1: expected \"standard\""},
		{"standards A\nstandard\n", "s:2:9: expected the name of the standard"},
		{"standards A\nstandard x\n", "s:2:11: expected a number above 0"},
		{"standards A\nstandard x 0\n", "s:2:12: expected a number above 0"},
		{"standards A\nstandard x 1.001\n", "s:2:12: expected a number above 0"},
		{"standards A\nstandard x 0.6 because\n", "s:2:16: expected \";\""},
		{"standards A\nstandard x 0.6\nstandard x 0.7\n",
		 "s:3:10: the standard \"x\" stands"},
		{"standards A\nstandard x 0.6\x1b\n", "s:2:15: byte 0x1b cannot stand here"},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct fixture f;

		read_sheet(&f, rows[i].text);
		EXPECT_UINT(t, f.st, ST_INVALID);
		EXPECT(t, slice_starts(buf_slice(&f.problems), slice_of(rows[i].want)));
		if (!slice_starts(buf_slice(&f.problems), slice_of(rows[i].want)))
			printf("# %.*s\n", SLICE_ARG(buf_slice(&f.problems)));
		done(&f);
	}
	{ /* and all of them */
		struct fixture f;

		read_sheet(&f, "standards A\nstandard x\nstandard y\n");
		EXPECT(t, slice_find(buf_slice(&f.problems), SLICE("s:3:11:")) != SIZE_MAX);
		done(&f);
	}
}

static void a_sheet_is_bounded(struct test *t)
{
	static char text[TREATY_SHEET_MAX + 2];

	for (int n = TREATY_STANDARDS_MAX - 1; n <= TREATY_STANDARDS_MAX + 1; n++) {
		size_t at = (size_t)snprintf(text, sizeof text, "standards A\n");
		struct fixture f;

		for (int i = 0; i < n; i++)
			at += (size_t)snprintf(text + at, sizeof text - at, "standard s%d 0.6\n",
					       i);
		read_sheet(&f, text);
		EXPECT(t, (f.st == ST_OK) == (n <= TREATY_STANDARDS_MAX));
		done(&f);
	}
	for (size_t n = TREATY_SHEET_MAX - 1; n <= TREATY_SHEET_MAX + 1; n++) {
		static const char head[] = "standards A\nstandard x 0.6\n#";
		struct fixture f;

		memset(text, ' ', n);
		text[n] = 0;
		memcpy(text, head, sizeof head - 1);
		read_sheet(&f, text);
		EXPECT(t, (f.st == ST_OK) == (n <= TREATY_SHEET_MAX));
		EXPECT(t, n <= TREATY_SHEET_MAX || f.st == ST_LIMIT);
		done(&f);
	}
}

static void it_applies_where_the_treaty_names_one_of_its_standards(struct test *t)
{
	static const char text[] = "instrument x \"X\"\nsource \"s\" mark V\nin-force 2000-01-01\n"
				   "standard high 0.75\nterm a \"A\"\nclause x.1 \"C\"\n"
				   "proof high\nwhen a\n";
	struct treaty *treaty;
	struct fixture f;

	read_sheet(&f, "standards A\nstandard low 0.6\n");
	EXPECT(t, treaty_compile(SLICE("x"), slice_of(text), &f.a, &treaty, NULL, &f.why) == ST_OK);
	EXPECT(t, !treaty_sheet_applies(&f.s, treaty));
	f.s.standards[0].name = SLICE("high");
	EXPECT(t, treaty_sheet_applies(&f.s, treaty));
	done(&f);
}

static void memory_may_end_anywhere(struct test *t)
{
	bool enough = false;

	for (size_t after = 1; !enough; after++) {
		struct arena_pool pool = {.budget = 1 << 20, .fail_after = after};
		struct arena a = {.pool = &pool};
		struct treaty_sheet s;
		struct fail why;
		enum status st = treaty_sheet_parse(
			SLICE("s"), SLICE("standards A\nstandard x 0.6\nstandard y 0.7\n"), &a, &s,
			NULL, &why);

		EXPECT(t, st == ST_OK || st == ST_NOMEM);
		enough = st == ST_OK;
		arena_reset(&a);
		arena_pool_drain(&pool);
		EXPECT_UINT(t, pool.out, 0);
	}
}

TESTS(T(a_sheet_says_whose_standards_and_since_when), T(each_error_is_said_with_its_place),
      T(a_sheet_is_bounded), T(it_applies_where_the_treaty_names_one_of_its_standards),
      T(memory_may_end_anywhere))
