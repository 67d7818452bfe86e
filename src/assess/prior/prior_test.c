/* SPDX-License-Identifier: Apache-2.0 */
#include "assess/prior/prior.h"

#include "test.h"

struct rig {
	struct arena_pool pool;
	struct arena a;
	struct fail why;
	struct prior p;
	struct buf text;
};

static void rig_open(struct rig *r)
{
	*r = (struct rig){.pool = {.budget = 4 << 20}};
	r->a.pool = &r->pool;
	ASSERT(prior_parse(prior_builtin_name(), prior_builtin_text(), &r->p, &r->why) == ST_OK);
	r->text = buf_in(&r->a);
	prior_write(&r->p, &r->text);
}

static void rig_close(struct rig *r)
{
	arena_reset(&r->a);
	arena_pool_drain(&r->pool);
}

static void what_ships_has_the_numbers_that_it_says(struct test *t)
{
	static struct rig r;

	rig_open(&r);
	EXPECT_SLICE(t, prior_builtin_name(), SLICE("eurepoc-1.1.prior"));
	EXPECT_SLICE(t, r.p.name, SLICE("eurepoc-1.1"));
	/* 818, 770 and 570 of 2,501 coded attributions */
	EXPECT_UINT(t, (unsigned)r.p.operators[PRIOR_AFFILIATED], (818000u + 1250) / 2501);
	EXPECT_UINT(t, (unsigned)r.p.operators[PRIOR_NON_STATE], (770000u + 1250) / 2501);
	EXPECT_UINT(t, (unsigned)r.p.operators[PRIOR_STATE], (570000u + 1250) / 2501);
	EXPECT(t, r.p.real[1][2].lo == 880 && r.p.real[1][2].hi == 990);
	EXPECT(t, r.p.beyond[PRIOR_RELAY] == 950 && r.p.beyond[PRIOR_NO_MATCH] == 200);
	EXPECT(t,
	       r.p.flags[PRIOR_HOSTING].feared == 850 && r.p.flags[PRIOR_HOSTING].claimed == 1000);
	EXPECT(t, r.p.weigh == 3 && r.p.table_count == 10);
	rig_close(&r);
}

static void the_longest_head_of_a_table_s_name_counts(struct test *t)
{
	static struct rig r;

	rig_open(&r);
	EXPECT_SLICE(t, prior_table_of(&r.p, SLICE("GeoLite2-Country.mmdb"))->source,
		     SLICE("MaxMind"));
	EXPECT_SLICE(t, prior_table_of(&r.p, SLICE("geoip2-city"))->source, SLICE("MaxMind"));
	EXPECT_SLICE(t, prior_table_of(&r.p, SLICE("geoip6"))->source, SLICE("IPFire Location"));
	EXPECT(t, prior_table_of(&r.p, SLICE("mine.csv")) == &r.p.unknown);
	EXPECT(t, prior_table_of(&r.p, SLICE("")) == &r.p.unknown);
	rig_close(&r);
}

static void one_form_is_written_and_read_back(struct test *t)
{
	static struct rig r;
	struct buf again, differences;
	struct prior p;

	rig_open(&r);
	again = buf_in(&r.a);
	differences = buf_in(&r.a);
	EXPECT(t, prior_parse(SLICE("x"), buf_slice(&r.text), &p, &r.why) == ST_OK);
	prior_write(&p, &again);
	EXPECT_SLICE(t, buf_slice(&again), buf_slice(&r.text));
	EXPECT_UINT(t, prior_compare(&p, &r.p, &r.a, &differences), 0);
	EXPECT_UINT(t, differences.len, 0);
	rig_close(&r);
}

static void where_two_differ_is_said(struct test *t)
{
	static struct rig r;
	struct buf said;
	struct prior p;

	rig_open(&r);
	said = buf_in(&r.a);
	p = r.p;
	p.operators[PRIOR_STATE] = 300;
	EXPECT_UINT(t, prior_compare(&p, &r.p, &r.a, &said), 1);
	EXPECT_SLICE(t, buf_slice(&said),
		     SLICE("`operator state 0.300`, ours `operator state 0.228`"));
	said = buf_in(&r.a);
	p.table_count--;
	EXPECT_UINT(t, prior_compare(&p, &r.p, &r.a, &said), 2);
	EXPECT(t, slice_find(buf_slice(&said), SLICE("ours alone `table ip2location")) != SIZE_MAX);
	for (size_t i = 0; i < PRIOR_STOPS; i++)
		p.beyond[i] = 1;
	said = buf_in(&r.a);
	EXPECT_UINT(t, prior_compare(&p, &r.p, &r.a, &said), 6); /* and three are shown */
	EXPECT(t, slice_find(buf_slice(&said), SLICE("beyond no-match")) != SIZE_MAX);
	EXPECT(t, slice_find(buf_slice(&said), SLICE("beyond limit")) == SIZE_MAX);
	rig_close(&r);
}

/* The canonical text with one line replaced. */
static struct slice with_line(struct rig *r, const char *head, const char *line)
{
	struct slice rest = buf_slice(&r->text);
	struct buf out = buf_in(&r->a);

	while (rest.len != 0) {
		struct slice l = slice_split(&rest, '\n');

		buf_add(&out, slice_starts(l, slice_of(head)) ? slice_of(line) : l);
		buf_add_byte(&out, '\n');
	}
	return buf_slice(&out);
}

static void what_is_no_prior_is_refused_with_its_line(struct test *t)
{
	static const struct {
		const char *head, *line, *says;
	} rows[] = {
		{"doubt", "", "there is no line \"doubt\""},
		{"real 2", "# gone", "there is no line \"real 2\""},
		{"table *", "", "there is no line \"table *\""},
		{"weigh", "weigh 0", "expected a number from 1 to 16, found \"0\""},
		{"weigh", "weigh 17", "expected a number from 1 to 16"},
		{"weigh", "weigh 3 4", "so many words"},
		{"weigh", "weigh 3\nweigh 3", "not there before"},
		{"weigh", "gravity 3", "found \"gravity\""},
		{"doubt", "doubt 1.001", "found \"1.001\""},
		{"doubt", "doubt 0.1000", "found \"0.1000\""},
		{"doubt", "doubt .1", "expected a share"},
		{"doubt", "doubt 0.", "expected a share"},
		{"doubt", "doubt -0.1", "expected a share"},
		{"operator state", "operator state 0.366", "above 1"},
		{"operator state", "operator king 0.1", "found \"king\""},
		{"flag proxy", "flag proxy 0.9 0.5", "not below what is feared"},
		{"real 1", "real 1 0.5-0.4 0.6-0.9 0.7-0.9", "expected an interval"},
		{"real 1", "real 1 0.5 0.6-0.9 0.7-0.9", "expected an interval"},
		{"table dbip", "table libloc registry 0.1 0.2 \"x\"", "not there before"},
		{"table dbip", "table LIBLOC registry 0.1 0.2 \"x\"", "not there before"},
		{"table dbip", "table dbip rumour 0.1 0.2 \"x\"", "registry or measured"},
		{"table dbip", "table dbip measured 0.1 0.2 \"\"", "whose table"},
		{"table dbip", "table dbip measured 0.1 0.2 \"x", "in quotes"},
		{"table dbip", "table dbip measured 0.1 0.2 \"x\" y", "in quotes"},
		{"table *", "table * registry 0.1 0.2 \"x\"", "whose table"},
		{"prior", "prior x", "in quotes"},
		{"prior", "prior x/y \"z\"", "expected a name"},
		{"prior", "prior x \"a\x1b[31m\"", "control characters"},
		{"prior", "prior x \"\xff\"", "UTF-8"},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		static struct rig r;
		struct prior p;

		rig_open(&r);
		EXPECT(t, prior_parse(SLICE("my.prior"), with_line(&r, rows[i].head, rows[i].line),
				      &p, &r.why) == ST_INVALID);
		EXPECT(t, slice_starts(slice_of(r.why.text), SLICE("my.prior:")));
		if (slice_find(slice_of(r.why.text), slice_of(rows[i].says)) == SIZE_MAX)
			test_fail(t, __FILE__, __LINE__, "row %zu: %s", i, r.why.text);
		rig_close(&r);
	}
}

static void so_many_tables_and_no_more(struct test *t)
{
	for (unsigned more = 53; more <= 55; more++) { /* beside the ten that ship */
		static struct rig r;
		struct prior p;
		enum status st;

		rig_open(&r);
		for (unsigned i = 0; i < more; i++)
			buf_add_fmt(&r.text, "table t%u registry 0.1 0.2 \"t%u\"\n", i, i);
		st = prior_parse(SLICE("x"), buf_slice(&r.text), &p, &r.why);
		EXPECT(t, (st == ST_OK) == (more + 10 <= PRIOR_TABLES_MAX));
		rig_close(&r);
	}
}

static void a_text_that_is_too_long_is_not_read(struct test *t)
{
	static struct rig r;
	struct prior p;

	rig_open(&r);
	buf_add_byte(&r.text, '#');
	while (r.text.len < PRIOR_TEXT_MAX)
		buf_add_byte(&r.text, '-');
	EXPECT(t, prior_parse(SLICE("x"), buf_slice(&r.text), &p, &r.why) == ST_OK);
	buf_add_byte(&r.text, '-');
	EXPECT(t, prior_parse(SLICE("x"), buf_slice(&r.text), &p, &r.why) == ST_LIMIT);
	rig_close(&r);
}

TESTS(T(what_ships_has_the_numbers_that_it_says), T(the_longest_head_of_a_table_s_name_counts),
      T(one_form_is_written_and_read_back), T(where_two_differ_is_said),
      T(what_is_no_prior_is_refused_with_its_line), T(so_many_tables_and_no_more),
      T(a_text_that_is_too_long_is_not_read))
