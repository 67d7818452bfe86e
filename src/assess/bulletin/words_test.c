/* SPDX-License-Identifier: Apache-2.0 */
#include "assess/bulletin/bulletin_priv.h"
#include "assess/bulletin/sample_test.h"
#include "test.h"

struct fixture {
	struct arena_pool pool;
	struct arena a;
	struct buf out;
};

static void setup(struct fixture *f)
{
	*f = (struct fixture){.pool = {.budget = 64 << 20}};
	f->a.pool = &f->pool;
	f->out = buf_in(&f->a);
}

static void done(struct fixture *f)
{
	arena_reset(&f->a);
	arena_pool_drain(&f->pool);
}

static void a_span_has_its_two_largest_units(struct test *t)
{
	static const struct {
		int64_t seconds;
		const char *want;
	} rows[] = {{0, "within a second"}, {1, "1 s"},		 {59, "59 s"},
		    {60, "1 min"},	    {61, "1 min 1 s"},	 {3599, "59 min 59 s"},
		    {3600, "1 h"},	    {3661, "1 h 1 min"}, {86399, "23 h 59 min"},
		    {86400, "1 d"},	    {90000, "1 d 1 h"},	 {86400 * 400 + 59, "400 d"},
		    {3600 + 59, "1 h"}};
	struct fixture f;

	setup(&f);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		f.out = buf_in(&f.a);
		bulletin_write_span(sample_at(0), sample_at(rows[i].seconds), &f.out);
		EXPECT_SLICE(t, buf_slice(&f.out), slice_of(rows[i].want));
	}
	done(&f);
}

static void a_period_says_the_day_once(struct test *t)
{
	struct fixture f;

	setup(&f);
	bulletin_write_period(sample_at(0), sample_at(0), &f.out);
	EXPECT_SLICE(t, buf_slice(&f.out), SLICE("2026-10-21 08:06:40 UTC"));
	f.out = buf_in(&f.a);
	bulletin_write_period(sample_at(0), sample_at(60), &f.out);
	EXPECT_SLICE(t, buf_slice(&f.out), SLICE("2026-10-21 08:06:40 to 08:07:40 UTC (1 min)"));
	f.out = buf_in(&f.a);
	bulletin_write_period(sample_at(0), sample_at(86400), &f.out);
	EXPECT_SLICE(t, buf_slice(&f.out),
		     SLICE("2026-10-21 08:06:40 to 2026-10-22 08:06:40 UTC (1 d)"));
	done(&f);
}

static void clauses_are_named_once_and_not_without_end(struct test *t)
{
	static const char names[] = "abcdefghijkl";
	struct treaty_finding *many;
	struct bulletin_case *cases;
	struct bulletin b = {.case_count = 1};
	struct fixture f;

	setup(&f);
	many = ARENA_ARRAY(&f.a, struct treaty_finding, 12);
	b.cases = cases = ARENA_ARRAY(&f.a, struct bulletin_case, 2);
	EXPECT(t, many != NULL && cases != NULL);
	cases[0].findings = cases[1].findings = many;
	for (size_t i = 0; i < 12; i++) {
		many[i].clause = (struct slice){(const uint8_t *)names + i, 1};
		many[i].value = TREATY_TRUE;
	}
	cases[0].finding_count = 6;
	bulletin_write_clauses(&b, TREATY_TRUE, &f.out);
	EXPECT_SLICE(t, buf_slice(&f.out), SLICE("a, b, c, d, e, f"));
	b.case_count = 2; /* the second says the first six again */
	cases[1].finding_count = 6;
	f.out = buf_in(&f.a);
	bulletin_write_clauses(&b, TREATY_TRUE, &f.out);
	EXPECT_SLICE(t, buf_slice(&f.out), SLICE("a, b, c, d, e, f"));
	cases[1].finding_count = 12;
	many[0].not_applicable = true;
	f.out = buf_in(&f.a);
	bulletin_write_clauses(&b, TREATY_TRUE, &f.out);
	EXPECT_SLICE(t, buf_slice(&f.out), SLICE("b, c, d, e, f, g and more"));
	f.out = buf_in(&f.a);
	bulletin_write_clauses(&b, TREATY_FALSE, &f.out);
	EXPECT_UINT(t, f.out.len, 0);
	done(&f);
}

static void where_a_chain_ends_is_never_called_an_origin(struct test *t)
{
	static const struct {
		enum trace_stop stop;
		const char *want;
	} rows[] = {
		{TRACE_UNOBSERVED, "machine 192.0.2.1, beyond which nobody saw"},
		{TRACE_RELAY, "machine 192.0.2.1, a relay that hides who is behind it"},
		{TRACE_NO_MATCH,
		 "machine 192.0.2.1, into which nothing was seen to come that explains it"},
		{TRACE_LIMIT, "machine 192.0.2.1, where the search stopped at its limit"},
	};
	struct bulletin_case c = {.incident = {.actor = sample_addr("192.0.2.1")}};
	struct fixture f;

	setup(&f);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		c.chain.stop = rows[i].stop;
		f.out = buf_in(&f.a);
		bulletin_write_reach(&c, &f.out);
		EXPECT_SLICE(t, buf_slice(&f.out), slice_of(rows[i].want));
	}
	done(&f);
}

static void the_gravest_is_what_was_done_before_what_was_tried(struct test *t)
{
	struct bulletin b = {.case_count = 3};
	struct fixture f;

	setup(&f);
	b.cases = ARENA_ARRAY(&f.a, struct bulletin_case, 3);
	EXPECT(t, b.cases != NULL);
	b.cases[0].incident.gravest = INCIDENT_POLICY;
	b.cases[1].incident.gravest = INCIDENT_EXFILTRATION;
	b.cases[2].incident.gravest = INCIDENT_SCAN;
	EXPECT(t, bulletin_count(&b).gravest == &b.cases[1]);
	b.cases[1].incident.gravest = INCIDENT_OTHER;
	EXPECT(t, bulletin_count(&b).gravest == &b.cases[2]);
	b.case_count = 0;
	EXPECT(t, bulletin_count(&b).gravest == NULL);
	done(&f);
}

static void what_acts_on_a_terminal_becomes_a_sign(struct test *t)
{
	static const struct {
		const char *in;
		uint32_t want;
	} rows[] = {{"a", 'a'},
		    {"\t", '\t'},
		    {"\x1b", 0xfffd},
		    {"\x7f", 0xfffd},
		    {"\xc2\x9b", 0xfffd},     /* CSI as one character */
		    {"\xe2\x80\xae", 0xfffd}, /* right to left from here */
		    {"\xe2\x81\xa9", 0xfffd},
		    {"\xef\xbb\xbf", 0xfffd},
		    {"\xc3\xa9", 0xe9},
		    {"\xf0\x9f\x98\x80", 0x1f600},
		    {"\xed\xa0\x80", 0xfffd}, /* a surrogate */
		    {"\xe2\x82", 0xfffd}};    /* cut short */

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct slice s = slice_of(rows[i].in), bytes;

		EXPECT_UINT(t, bulletin_char_take(&s, &bytes), rows[i].want);
		EXPECT(t, bytes.len > 0 && s.len < strlen(rows[i].in));
	}
}

static void wide_characters_take_two_columns(struct test *t)
{
	struct fixture f;
	struct bulletin b;
	size_t longest = 0, n = 0;

	setup(&f);
	sample_bulletin(&f.a, &b);
	b.case_count = 1;
	/* "data" in Chinese, fourteen times over, without a space */
	b.cases[0].incident.title = SLICE("\xe6\x95\xb0\xe6\x8d\xae\xe6\x95\xb0\xe6\x8d\xae\xe6\x95"
					  "\xb0\xe6\x8d\xae\xe6\x95\xb0"
					  "\xe6\x8d\xae\xe6\x95\xb0\xe6\x8d\xae\xe6\x95\xb0\xe6\x8d"
					  "\xae\xe6\x95\xb0\xe6\x8d\xae"
					  "\xe6\x95\xb0\xe6\x8d\xae\xe6\x95\xb0\xe6\x8d\xae\xe6\x95"
					  "\xb0\xe6\x8d\xae\xe6\x95\xb0"
					  "\xe6\x8d\xae\xe6\x95\xb0\xe6\x8d\xae\xe6\x95\xb0\xe6\x8d"
					  "\xae\xe6\x95\xb0\xe6\x8d\xae");
	bulletin_write_text(&b, 40, false, &f.out);
	for (struct slice s = buf_slice(&f.out), bytes; s.len > 0;) {
		uint32_t c = bulletin_char_take(&s, &bytes);

		n = c == '\n' ? 0 : n + (c >= 0x4e00 && c < 0xa000 ? 2 : 1);
		longest = n > longest ? n : longest;
	}
	EXPECT_UINT(t, longest, 40);
	done(&f);
}

TESTS(T(a_span_has_its_two_largest_units), T(a_period_says_the_day_once),
      T(clauses_are_named_once_and_not_without_end),
      T(where_a_chain_ends_is_never_called_an_origin),
      T(the_gravest_is_what_was_done_before_what_was_tried),
      T(what_acts_on_a_terminal_becomes_a_sign), T(wide_characters_take_two_columns))
