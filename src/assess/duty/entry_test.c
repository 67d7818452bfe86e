/* SPDX-License-Identifier: Apache-2.0 */
#include "assess/duty/ledger_test.h"

struct file {
	struct arena_pool pool;
	struct arena a;
	struct buf problems;
	struct duty_ledger l;
	struct fail why;
	enum status st;
};

static void read_text(struct file *f, struct slice text)
{
	*f = (struct file){.pool = {.budget = 64 << 20}};
	f->a.pool = &f->pool;
	f->problems = buf_in(&f->a);
	f->st = duty_read(SLICE("l"), text, &f->a, &f->l, &f->problems, &f->why);
}

static void end(struct file *f)
{
	arena_reset(&f->a);
	arena_pool_drain(&f->pool);
}

#define AT "{\"at\":\"2026-01-01T00:00:00Z\",\"entry\":"

/* One line; the problem it makes, or "". */
static bool says(const char *line, const char *want)
{
	struct file f;
	bool good;

	read_text(&f, slice_of(line));
	good = *want == '\0' ? f.st == ST_OK && f.l.count == 1
			     : f.st == ST_INVALID && slice_find(buf_slice(&f.problems),
								slice_of(want)) != SIZE_MAX;
	end(&f);
	return good;
}

static void what_is_wrong_is_said_with_its_place(struct test *t)
{
	static const struct {
		const char *line, *want;
	} rows[] = {
		{AT "\"join\",\"party\":\"A\",\"instrument\":\"x\"}", ""},
		{AT "\"joins\",\"party\":\"A\"}", "l:1: expected in \"entry\" what it is"},
		{"{\"entry\":\"join\"}", "l:1: expected the time of the entry in \"at\""},
		{AT "\"join\",\"party\":\"A\"}", "a join: expected the key \"instrument\""},
		{AT "\"unable\",\"party\":\"A\",\"request\":\"r\"}", "an unable: expected the key"},
		{AT "\"join\",\"party\":\"A\",\"party\":\"B\",\"instrument\":\"x\"}",
		 "no JSON: dupl"},
		{AT "\"join\",\"party\":\"A b\",\"instrument\":\"x\"}",
		 "\"party\": expected a name"},
		{AT "\"join\",\"party\":\"all\",\"instrument\":\"x\"}", "\"all\" is everybody"},
		{AT "\"join\",\"party\":\"A\",\"instrument\":\"x\",\"to\":\"B\"}",
		 "\"join\" knows no key \"to\""},
		{AT "\"request\",\"id\":\"r\",\"kind\":\"obey\",\"from\":\"A\",\"to\":\"B\"}",
		 "\"kind\": expected preserve"},
		{AT "\"request\",\"id\":\"r\",\"kind\":\"stop\",\"from\":\"A\",\"to\":\"A\"}",
		 "\"to\": expected another party"},
		{AT "\"request\",\"id\":\"r\",\"kind\":\"stop\",\"from\":\"A\",\"to\":\"all\"}",
		 ""},
		{AT "\"request\",\"id\":\"r\",\"kind\":\"stop\",\"from\":\"A\",\"to\":\"B\",\"as\":"
		    "\"king\"}",
		 "\"as\": expected origin, transit"},
		{AT "\"request\",\"id\":\"r\",\"kind\":\"stop\",\"from\":\"A\",\"to\":\"B\","
		    "\"suspicion\":[0.5,0.4]}",
		 "\"suspicion\": expected [low, high]"},
		{AT "\"request\",\"id\":\"r\",\"kind\":\"stop\",\"from\":\"A\",\"to\":\"B\","
		    "\"suspicion\":[0.1234,1]}",
		 "at most three decimals"},
		{AT "\"request\",\"id\":\"r\",\"kind\":\"stop\",\"from\":\"A\",\"to\":\"B\","
		    "\"claims\":[{\"atom\":\"a\",\"probability\":[0,1]},{\"atom\":\"a\","
		    "\"probability\":[0,1]}]}",
		 "\"a\" is claimed twice"},
		{AT "\"vote\",\"party\":\"A\",\"for\":true}", "either \"request\" or \"order\""},
		{AT "\"vote\",\"party\":\"A\",\"for\":true,\"request\":\"r\",\"order\":\"o\"}",
		 "either \"request\" or \"order\""},
		{AT "\"vote\",\"party\":\"A\",\"for\":1,\"request\":\"r\"}",
		 "expected true or false"},
		{AT "\"grant\",\"party\":\"A\",\"request\":\"r\",\"by\":\"2weeks\"}",
		 "\"by\": expected a span"},
		{AT "\"calendar\",\"party\":\"A\",\"holidays\":[\"2026-02-30\"]}", "dates as YYYY"},
		{AT "\"calendar\",\"party\":\"A\",\"week\":[]}", "\"week\": expected a list"},
		{AT "\"calendar\",\"party\":\"A\",\"week\":[\"mon\",\"mon\"]}",
		 "\"week\": expected"},
		{AT "\"calendar\",\"party\":\"A\",\"zone\":\"+15:00\"}", "\"zone\": expected"},
		{AT "\"calendar\",\"party\":\"A\",\"zone\":[\"+01:00\",\"+02:00\"]}",
		 "earliest first"},
		{AT "\"calendar\",\"party\":\"A\",\"zone\":\"-14:00\"}", ""},
		{AT "\"order\",\"id\":\"o\",\"request\":\"r\",\"party\":\"A\",\"target\":\"here\","
		    "\"bits_per_s\":1,\"seconds\":1}",
		 "\"target\": expected an address or a network"},
		{AT "\"order\",\"id\":\"o\",\"request\":\"r\",\"party\":\"A\",\"target\":\"::/0\","
		    "\"bits_per_s\":0,\"seconds\":1}",
		 "\"bits_per_s\": expected a number from 1"},
		{AT "\"refuse\",\"party\":\"A\",\"request\":\"r\",\"ground\":\"\\u001b[2J\"}",
		 "without control characters"},
		{AT "\"refuse\",\"party\":\"A\",\"request\":\"r\",\"ground\":\"\xe2\x80\xae\"}",
		 "control characters"},
		{AT "\"refuse\",\"party\":\"A\",\"request\":\"r\",\"ground\":\"\xc3\xa9tat\"}", ""},
		{"[1]", "expected one JSON object"},
		{"{", "no JSON"},
		{"\x1b[2J", "control characters"},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (!says(rows[i].line, rows[i].want))
			test_fail(t, __FILE__, __LINE__, "row %zu: want %s", i, rows[i].want);
}

static void names_and_phrases_end_at_their_limits(struct test *t)
{
	struct arena_pool pool = {.budget = 1 << 20};
	struct arena a = {.pool = &pool};

	for (int d = -1; d <= 1; d++) {
		struct buf name = buf_in(&a), phrase = buf_in(&a), list = buf_in(&a);

		buf_add_z(&name, AT "\"join\",\"instrument\":\"x\",\"party\":\"");
		for (int i = 0; i < TREATY_NAME_MAX + d; i++)
			buf_add_byte(&name, 'a');
		buf_add_z(&name, "\"}");
		buf_add_byte(&name, 0);
		EXPECT(t, says((const char *)name.ptr, d <= 0 ? "" : "expected a name"));
		buf_add_z(&phrase, AT "\"unable\",\"party\":\"A\",\"request\":\"r\",\"lacks\":\"");
		for (int i = 0; i < DUTY_PHRASE_MAX + d; i++)
			buf_add_byte(&phrase, 'a');
		buf_add_z(&phrase, "\"}");
		buf_add_byte(&phrase, 0);
		EXPECT(t, says((const char *)phrase.ptr, d <= 0 ? "" : "expected 1 to 500 bytes"));
		buf_add_z(&list, AT "\"done\",\"party\":\"A\",\"request\":\"r\",\"step\":[\"s\"");
		for (int i = 1; i < DUTY_NAMES_MAX + d; i++)
			buf_add_z(&list, ",\"s\"");
		buf_add_z(&list, "]}");
		buf_add_byte(&list, 0);
		EXPECT(t, says((const char *)list.ptr, d <= 0 ? "" : "a list of 1 to 64"));
	}
	arena_end(a, pool);
}

static void a_line_ends_at_its_limit(struct test *t)
{
	struct arena_pool pool = {.budget = 1 << 20};
	struct arena a = {.pool = &pool};

	for (int d = -1; d <= 1; d++) {
		struct buf line = buf_in(&a);

		buf_add_z(&line, AT "\"join\",\"party\":\"A\",\"instrument\":\"x\"");
		while (line.len < (size_t)(DUTY_LINE_MAX + d - 1))
			buf_add_byte(&line, ' ');
		buf_add_byte(&line, '}');
		buf_add_byte(&line, 0);
		EXPECT(t, says((const char *)line.ptr, d <= 0 ? "" : "at most 16384 bytes"));
	}
	arena_end(a, pool);
}

static void a_file_of_nothing_but_errors_costs_what_fifty_cost(struct test *t)
{
	struct arena_pool pool = {.budget = 8 << 20};
	struct arena a = {.pool = &pool};
	struct buf many = buf_in(&a);
	struct file f;

	for (int i = 0; i < 20000; i++)
		buf_add_z(&many, "{}\n");
	read_text(&f, buf_slice(&many));
	EXPECT(t, f.st == ST_INVALID && f.l.count == 0 && f.pool.out < 64 << 10);
	EXPECT(t, slice_ends(buf_slice(&f.problems), SLICE("l: 19950 more errors\n")));
	end(&f);
	arena_end(a, pool);
}

static void entries_have_one_order_and_none_stands_twice(struct test *t)
{
	static const char text[] =
		AT "\"withdraw\",\"party\":\"A\",\"request\":\"r\"}\n" AT
		   "\"done\",\"party\":\"B\",\"request\":\"r\",\"step\":\"s\"}\n"
		   "# a comment\n\n" AT
		   "\"done\",\"party\":\"B\",\"request\":\"r\",\"step\":\"s\"}\r\n"
		   "{\"at\":\"2025-12-31T23:59:60Z\",\"entry\":\"leave\",\"party\":\"B\","
		   "\"instrument\":\"x\"}\n" AT
		   "\"done\",\"party\":\"A\",\"request\":\"r\",\"step\":\"s\"}\n" AT
		   "\"join\",\"party\":\"B\",\"instrument\":\"x\"}";
	static const enum duty_word want[] = {DUTY_JOIN, DUTY_LEAVE, DUTY_DONE, DUTY_DONE,
					      DUTY_WITHDRAW};
	struct file f;

	read_text(&f, slice_of(text));
	EXPECT_UINT(t, f.st, ST_OK);
	EXPECT_UINT(t, f.l.count, 5);
	for (size_t i = 0; i < 5; i++)
		EXPECT_UINT(t, f.l.entries[i].word, want[i]);
	EXPECT_SLICE(t, f.l.entries[2].party, SLICE("A"));
	end(&f);
}

static void each_word_has_one_name_and_its_row_in_the_format(struct test *t)
{
	for (unsigned i = 0; i < DUTY_WORDS; i++) {
		EXPECT(t, duty_word_names[i] != NULL);
		for (unsigned k = 0; k < i; k++)
			EXPECT(t, strcmp(duty_word_names[i], duty_word_names[k]) != 0);
	}
	for (unsigned i = 0; i < DUTY_OUTCOMES; i++)
		EXPECT(t, duty_outcome_names[i] != NULL &&
				  duty_will_names[duty_will_of((enum duty_outcome)i)] != NULL);
}

static void memory_may_end_anywhere(struct test *t)
{
	static const char text[] =
		AT "\"request\",\"id\":\"r\",\"kind\":\"stop\",\"from\":\"A\",\"to\":\"B\","
		   "\"as\":[\"origin\"],\"claims\":[{\"atom\":\"a\",\"probability\":[0,1]}]}\n" AT
		   "\"calendar\",\"party\":\"A\",\"holidays\":[\"2026-02-03\"],\"zone\":\"+01:00\"}"
		   "\n{}\n";
	bool enough = false;

	for (size_t budget = 0; !enough && budget < 64 << 10; budget += 64) {
		struct arena_pool pool = {.budget = budget};
		struct arena a = {.pool = &pool};
		struct buf problems = buf_in(&a);
		struct duty_ledger l;
		struct fail why = {0};
		enum status st = duty_read(SLICE("l"), slice_of(text), &a, &l, &problems, &why);

		EXPECT(t, st == ST_NOMEM || st == ST_INVALID);
		enough = st == ST_INVALID;
		arena_reset(&a);
		EXPECT_UINT(t, pool.out, 0);
		arena_pool_drain(&pool);
	}
	EXPECT(t, enough);
}

TESTS(T(what_is_wrong_is_said_with_its_place), T(names_and_phrases_end_at_their_limits),
      T(a_line_ends_at_its_limit), T(a_file_of_nothing_but_errors_costs_what_fifty_cost),
      T(entries_have_one_order_and_none_stands_twice),
      T(each_word_has_one_name_and_its_row_in_the_format), T(memory_may_end_anywhere))
