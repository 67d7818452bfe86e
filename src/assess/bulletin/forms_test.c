/* SPDX-License-Identifier: Apache-2.0
 * The three forms of one bulletin: canonical, safe against what came from outside, and such that a
 * person can read them. */
#include "assess/bulletin/bulletin_priv.h"
#include "assess/bulletin/sample_test.h"
#include "base/text.h"
#include "test.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

struct fixture {
	struct arena_pool pool;
	struct arena a;
	struct bulletin b;
	struct buf out;
	struct fail why;
};

static void setup(struct fixture *f)
{
	*f = (struct fixture){.pool = {.budget = 64 << 20}};
	f->a.pool = &f->pool;
	sample_bulletin(&f->a, &f->b);
	f->out = buf_in(&f->a);
}

static void done(struct fixture *f)
{
	arena_reset(&f->a);
	arena_pool_drain(&f->pool);
}

static bool holds(const struct buf *b, const char *part)
{
	return slice_find(buf_slice(b), slice_of(part)) != SIZE_MAX;
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static void json_is_canonical(struct test *t)
{
	struct fixture f;
	json_error_t e;
	json_t *doc;
	char *again;

	setup(&f);
	/* RFC 8785 writes \u001b in lower case, jansson in upper: the title without it */
	f.b.cases[1].incident.title = SLICE("<\"\\/> caf\xc3\xa9 \xf0\x9f\x98\x80");
	EXPECT(t, bulletin_write_json(&f.b, &f.a, &f.out, &f.why) == ST_OK);
	doc = json_loadb((const char *)f.out.ptr, f.out.len, JSON_REJECT_DUPLICATES, &e);
	EXPECT(t, doc != NULL);
	again = json_dumps(doc, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(12));
	EXPECT_SLICE(t, slice_of(again), buf_slice(&f.out));
	EXPECT(t, json_array_size(json_object_get(doc, "incidents")) == 2);
	free(again);
	json_decref(doc);
	done(&f);
}

/* The id is made of the public verdict: what withheld evidence says is not in it. */
static void the_id_is_made_of_all_but_itself_and_what_is_withheld(struct test *t)
{
	static const char id[] = "\"id\":\"B1-0123456789abcdef\",";
	struct fixture f;
	struct buf bare, cut, again;
	size_t at, all;

	setup(&f);
	bare = buf_in(&f.a);
	cut = buf_in(&f.a);
	again = buf_in(&f.a);
	EXPECT(t, bulletin_write_json(&f.b, &f.a, &f.out, &f.why) == ST_OK);
	EXPECT(t, bulletin_write_json_form(&f.b, false, &f.a, &bare, &f.why) == ST_OK);
	at = slice_find(buf_slice(&f.out), slice_of(id));
	all = slice_find(buf_slice(&f.out), SLICE(",\"counting\":"));
	EXPECT(t, slice_starts(buf_slice(&f.out), SLICE("{\"all_evidence\":{")));
	EXPECT(t, at != SIZE_MAX && all < at);
	buf_add_byte(&cut, '{');
	buf_add(&cut, slice_part(buf_slice(&f.out), all + 1, at - all - 1));
	buf_add(&cut, slice_from(buf_slice(&f.out), at + sizeof id - 1));
	EXPECT_SLICE(t, buf_slice(&cut), buf_slice(&bare));
	f.b.all.counted++;
	f.b.all.views[0].rungs[0].lo = 0;
	EXPECT(t, bulletin_write_json_form(&f.b, false, &f.a, &again, &f.why) == ST_OK);
	EXPECT_SLICE(t, buf_slice(&again), buf_slice(&bare));
	done(&f);
}

/* The value of "all_evidence" in the sample's JSON. */
static struct slice all_of(struct fixture *f)
{
	struct slice json = buf_slice(&f->out);
	size_t end = slice_find(json, SLICE(",\"counting\":"));

	return slice_part(json, 16, end - 16); /* behind {"all_evidence": */
}

/* The same, written anew from what was read. */
static struct slice written(struct fixture *f, const struct bulletin_all *all, struct arena *a)
{
	f->b.all = *all;
	f->out = buf_in(a);
	ASSERT(bulletin_write_json(&f->b, a, &f->out, &f->why) == ST_OK);
	return all_of(f);
}

static void what_all_evidence_says_is_read_back_and_nothing_else(struct test *t)
{
	struct fixture f;
	struct bulletin_all all;
	struct slice said;
	uint8_t *copy;

	setup(&f);
	EXPECT(t, bulletin_write_json(&f.b, &f.a, &f.out, &f.why) == ST_OK);
	said = all_of(&f);
	EXPECT(t, bulletin_read_all(said, &f.a, &all, &f.why) == ST_OK);
	EXPECT(t, all.withheld && all.counted == 3 && bulletin_all_fits(&f.b, &all));
	EXPECT_SLICE(t, written(&f, &all, &f.a), said);
	for (size_t i = 0; i < said.len; i++)
		EXPECT(t,
		       bulletin_read_all(slice_part(said, 0, i), &f.a, &all, &f.why) == ST_INVALID);
	copy = ARENA_ARRAY(&f.a, uint8_t, said.len);
	EXPECT(t, copy != NULL);
	memcpy(copy, said.ptr, said.len);
	for (size_t i = 0; i < said.len; i++) { /* another byte: refused, or read as it stands */
		struct arena a = {.pool = &f.pool};

		copy[i] ^= (uint8_t)(1u << test_rand(t) % 8);
		if (bulletin_read_all((struct slice){copy, said.len}, &a, &all, &f.why) == ST_OK)
			EXPECT(t, !slice_equal(written(&f, &all, &a), said));
		copy[i] = said.ptr[i];
		arena_reset(&a);
	}
	EXPECT(t, bulletin_read_all(said, &f.a, &all, &f.why) == ST_OK);
	all.count--;
	EXPECT(t, !bulletin_all_fits(&f.b, &all));
	done(&f);
}

static void both_verdicts_stand_side_by_side_in_every_form(struct test *t)
{
	static const struct {
		bool withheld, said;
		const char *words;
	} rows[] = {{false, false, "Both rest on the same facts"},
		    {true, false, "both were computed"},
		    {true, true, "cannot be computed from what was released"}};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct fixture f;
		struct buf page;

		setup(&f);
		page = buf_in(&f.a);
		f.b.all.withheld = rows[i].withheld;
		f.b.all_said = rows[i].said;
		bulletin_write_text(&f.b, 500, false, &f.out);
		bulletin_write_html(&f.b, &page);
		EXPECT(t, holds(&f.out, rows[i].words) && holds(&page, rows[i].words));
		EXPECT(t, holds(&f.out, "all evidence  public only"));
		EXPECT(t, holds(&f.out, "0.79-0.93     0.68-0.85"));
		EXPECT(t, holds(&page, "<b>0.79-0.93</b></td><td>0.68-0.85</td>"));
		EXPECT(t, holds(&f.out, "is withheld; all of it counts 3 incidents") ==
				  rows[i].withheld);
		done(&f);
	}
}

/* ---- golden --------------------------------------------------------------------------------- */

static bool same_as_golden(struct fixture *f, const char *name)
{
	const char *root = getenv("DEW_SOURCE_ROOT"), *build = getenv("DEW_BUILD_ROOT");
	uint8_t *text = ARENA_ARRAY(&f->a, uint8_t, 1 << 20);
	char path[4096];
	size_t n = 0;
	FILE *file;

	(void)snprintf(path, sizeof path, "%s/tests/golden/bulletin/%s", root ? root : ".", name);
	file = fopen(path, "rbe");
	if (file != NULL && text != NULL) {
		n = fread(text, 1, 1 << 20, file);
		(void)fclose(file);
	}
	if (slice_equal((struct slice){text, n}, buf_slice(&f->out)))
		return true;
	(void)snprintf(path, sizeof path, "%s/%s", build ? build : "/tmp", name);
	file = fopen(path, "wbe");
	if (file != NULL) {
		(void)fwrite(f->out.ptr, 1, f->out.len, file);
		(void)fclose(file);
	}
	printf("# differs; what came out is in %s\n", path);
	return false;
}

static void forms_are_as_agreed(struct test *t)
{
	struct fixture f;

	setup(&f);
	EXPECT(t, bulletin_write_json(&f.b, &f.a, &f.out, &f.why) == ST_OK);
	EXPECT(t, same_as_golden(&f, "expect.json"));
	f.out = buf_in(&f.a);
	bulletin_write_text(&f.b, 80, false, &f.out);
	EXPECT(t, same_as_golden(&f, "expect.txt"));
	done(&f);
}

static void the_same_facts_give_the_same_bytes(struct test *t)
{
	struct fixture f, g;

	setup(&f);
	setup(&g);
	EXPECT(t, arena_alloc(&g.a, 77, 1, 1) != NULL); /* other addresses */
	g.out = buf_in(&g.a);
	bulletin_write_html(&f.b, &f.out);
	bulletin_write_html(&g.b, &g.out);
	EXPECT(t, !f.out.full && slice_equal(buf_slice(&f.out), buf_slice(&g.out)));
	done(&f);
	done(&g);
}

/* ---- text ----------------------------------------------------------------------------------- */

/* Columns of the longest line; the sample has no wide characters. */
static size_t widest(const struct buf *b)
{
	size_t most = 0, n = 0;

	for (size_t i = 0; i < b->len; i++) {
		if (b->ptr[i] == '\n')
			n = 0;
		else if ((b->ptr[i] & 0xc0) != 0x80)
			n++;
		most = n > most ? n : most;
	}
	return most;
}

static void text_keeps_its_width(struct test *t)
{
	for (unsigned width = 1; width <= 140; width++) {
		struct fixture f;

		setup(&f);
		bulletin_write_text(&f.b, width, false, &f.out);
		EXPECT(t, !f.out.full);
		EXPECT_UINT(t, widest(&f.out),
			    width < BULLETIN_WIDTH_MIN ? BULLETIN_WIDTH_MIN : width);
		done(&f);
	}
}

static void a_person_finds_the_answer_in_the_first_lines(struct test *t)
{
	static const char *const parts[] = {"2 incidents",	    "data taken out",
					    "no state is named",    "breach shown: budapest.2",
					    "undetermined: cwlt.4", "1 station of 3 gave nothing"};
	struct fixture f;

	setup(&f);
	bulletin_write_text(&f.b, 100, false, &f.out);
	f.out.len = slice_find(buf_slice(&f.out), SLICE("\xe2\x94\x80"));
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		EXPECT(t, holds(&f.out, parts[i]));
	done(&f);
}

static void text_says_what_would_change_a_verdict(struct test *t)
{
	struct fixture f;

	setup(&f);
	bulletin_write_text(&f.b, 200, false, &f.out);
	EXPECT(t, holds(&f.out, "attributed_to_state, now unknown; if not, there is no breach"));
	EXPECT(t,
	       holds(&f.out, "shooting_war_between_them, now unknown; if so, there is no breach"));
	EXPECT(t, holds(&f.out, "not judged: cwlt.2 Obligation to assist"));
	EXPECT(t, holds(&f.out, "unverifiable"));
	EXPECT(t, holds(&f.out, "a relay: never an origin"));
	EXPECT(t, holds(&f.out, "silent, cause unknown"));
	done(&f);
}

static void what_nobody_checked_is_marked_in_both_pages(struct test *t)
{
	struct fixture f;

	setup(&f);
	bulletin_write_text(&f.b, 200, false, &f.out);
	EXPECT(t, !holds(&f.out, "unchecked:"));
	for (size_t i = 0; i < f.b.cases[0].finding_count; i++)
		f.b.cases[0].findings[i].unchecked = true;
	f.out = buf_in(&f.a);
	bulletin_write_text(&f.b, 200, false, &f.out);
	EXPECT(t, holds(&f.out, "unchecked: nobody compared its text with the official one"));
	f.out = buf_in(&f.a);
	bulletin_write_html(&f.b, &f.out);
	EXPECT(t, holds(&f.out, "Unchecked: nobody compared its text with the official one."));
	done(&f);
}

static void colour_is_only_for_those_who_ask(struct test *t)
{
	struct fixture f;
	struct buf plain;
	size_t n = 0;

	setup(&f);
	plain = buf_in(&f.a);
	bulletin_write_text(&f.b, 90, false, &plain);
	bulletin_write_text(&f.b, 90, true, &f.out);
	EXPECT(t, !holds(&plain, "\x1b"));
	EXPECT(t, holds(&f.out, "\x1b[1;31m"));
	/* without the codes it is the same text */
	for (size_t i = 0; i < f.out.len; i++) {
		if (f.out.ptr[i] == '\x1b') {
			while (f.out.ptr[i] != 'm')
				i++;
			continue;
		}
		EXPECT(t, n < plain.len && plain.ptr[n] == f.out.ptr[i]);
		n++;
	}
	EXPECT_UINT(t, n, plain.len);
	done(&f);
}

static void random_bytes_reach_no_terminal(struct test *t)
{
	for (int i = 0; i < 200; i++) {
		struct fixture f;
		uint8_t junk[64];

		setup(&f);
		for (size_t k = 0; k < sizeof junk; k++)
			junk[k] = (uint8_t)test_rand(t);
		f.b.cases[0].incident.title = (struct slice){junk, sizeof junk};
		bulletin_write_text(&f.b, 60, false, &f.out);
		EXPECT(t, text_is_utf8(buf_slice(&f.out)));
		for (size_t k = 0; k < f.out.len; k++)
			EXPECT(t, f.out.ptr[k] >= 0x20 || f.out.ptr[k] == '\n');
		done(&f);
	}
}

/* ---- HTML ----------------------------------------------------------------------------------- */

/* Every element is closed in order; returns how many there are, 0 if not. */
static size_t elements(struct slice s)
{
	static const char *const empty[] = {"meta", "br", "!doctype"};
	struct slice open[64];
	size_t depth = 0, count = 0;

	while (s.len > 0) {
		size_t lt = slice_find(s, SLICE("<")), gt, n = 0;
		struct slice tag;
		bool none = false;

		if (lt == SIZE_MAX)
			break;
		s = slice_from(s, lt + 1);
		gt = slice_find(s, SLICE(">"));
		if (gt == SIZE_MAX)
			return 0;
		tag = slice_part(s, 0, gt);
		s = slice_from(s, gt + 1);
		if (slice_find(tag, SLICE("<")) != SIZE_MAX)
			return 0;
		while (n < tag.len && tag.ptr[n] != ' ' && (n == 0 || tag.ptr[n] != '/'))
			n++;
		if (tag.len > 0 && tag.ptr[0] == '/') {
			if (depth == 0 || !slice_equal(open[--depth], slice_from(tag, 1)))
				return 0;
			continue;
		}
		count++;
		for (size_t i = 0; i < 3; i++)
			none |= slice_equal(slice_part(tag, 0, n), slice_of(empty[i]));
		if (none || slice_ends(tag, SLICE("/")))
			continue;
		if (depth == 64)
			return 0;
		open[depth++] = slice_part(tag, 0, n);
	}
	return depth == 0 ? count : 0;
}

static void the_page_is_well_formed_and_needs_nothing(struct test *t)
{
	static const char *const never[] = {"<script", "http:",	     "https:", "url(",
					    "@import", "<link",	     "<img",   "onload",
					    "onclick", "javascript", "\x1b",   "\xe2\x80\xae"};
	struct fixture f;

	setup(&f);
	bulletin_write_html(&f.b, &f.out);
	EXPECT(t, !f.out.full && elements(buf_slice(&f.out)) > 200);
	for (size_t i = 0; i < sizeof never / sizeof *never; i++)
		EXPECT(t, !holds(&f.out, never[i]));
	EXPECT(t, holds(&f.out,
			"&lt;script&gt;alert(&#39;&quot;x&quot;&#39;)&lt;/script&gt;&amp;amp;"));
	EXPECT(t, holds(&f.out, "<svg class=\"chain\""));
	EXPECT(t, holds(&f.out, "<title>2 of 13 events: scan</title>"));
	EXPECT(t, holds(&f.out, "prefers-color-scheme:dark"));
	EXPECT(t, holds(&f.out, "@media print"));
	done(&f);
}

static void random_bytes_break_no_page(struct test *t)
{
	for (int i = 0; i < 100; i++) {
		struct fixture f;
		uint8_t junk[96];
		struct slice s = {junk, sizeof junk};

		setup(&f);
		for (size_t k = 0; k < sizeof junk; k++)
			junk[k] = test_rand(t) % 2 ? (uint8_t)test_rand(t)
						   : (uint8_t) "<>&\"'/=- a"[test_rand(t) % 10];
		f.b.cases[0].incident.title = f.b.cases[0].chain.stop_why = s;
		f.b.cases[0].ladder.limit = f.b.cases[0].incident.family = s;
		f.b.cases[0].chain.hops[0].how = f.b.cases[1].respondent_why = s;
		bulletin_write_html(&f.b, &f.out);
		EXPECT(t, elements(buf_slice(&f.out)) > 200);
		EXPECT(t, text_is_utf8(buf_slice(&f.out)));
		done(&f);
	}
}

/* ---- all ------------------------------------------------------------------------------------ */

static void what_the_charter_forbids_is_never_printed(struct test *t)
{
	static const char *const never[] = {"high confidence", "confidence"};

	for (int form = 0; form < 3; form++) {
		struct fixture f;

		setup(&f);
		if (form == 0)
			bulletin_write_text(&f.b, 80, false, &f.out);
		else if (form == 1)
			bulletin_write_html(&f.b, &f.out);
		else
			EXPECT(t, bulletin_write_json(&f.b, &f.a, &f.out, &f.why) == ST_OK);
		for (size_t i = 0; i < sizeof never / sizeof *never; i++)
			EXPECT(t, !holds(&f.out, never[i]));
		done(&f);
	}
}

static void a_quiet_day_is_said_so(struct test *t)
{
	struct fixture f;

	setup(&f);
	f.b.case_count = f.b.counted.count = 0;
	bulletin_write_text(&f.b, 80, false, &f.out);
	EXPECT(t, holds(&f.out, "0 incidents in 16 events"));
	f.out = buf_in(&f.a);
	bulletin_write_html(&f.b, &f.out);
	EXPECT(t, elements(buf_slice(&f.out)) > 40);
	EXPECT(t, holds(&f.out, "No incident in what the stations saw"));
	done(&f);
}

static void memory_may_end_anywhere(struct test *t)
{
	struct fixture f;

	setup(&f);
	for (int form = 0; form < 3; form++) {
		bool enough = false;

		for (size_t after = 1; !enough; after++) {
			struct arena_pool pool = {.budget = 8 << 20, .fail_after = after};
			struct arena a = {.pool = &pool};
			struct buf out = buf_in(&a);
			enum status st = ST_OK;

			if (form == 0)
				bulletin_write_text(&f.b, 80, true, &out);
			else if (form == 1)
				bulletin_write_html(&f.b, &out);
			else
				st = bulletin_write_json(&f.b, &a, &out, &f.why);
			EXPECT(t, form != 2 || (st == ST_OK) == !out.full);
			EXPECT(t, st == ST_OK || st == ST_NOMEM);
			enough = !out.full;
			arena_reset(&a);
			arena_pool_drain(&pool);
			EXPECT_UINT(t, pool.out, 0);
		}
	}
	done(&f);
}

TESTS(T(json_is_canonical), T(the_id_is_made_of_all_but_itself_and_what_is_withheld),
      T(what_all_evidence_says_is_read_back_and_nothing_else),
      T(both_verdicts_stand_side_by_side_in_every_form), T(forms_are_as_agreed),
      T(the_same_facts_give_the_same_bytes), T(text_keeps_its_width),
      T(a_person_finds_the_answer_in_the_first_lines), T(text_says_what_would_change_a_verdict),
      T(what_nobody_checked_is_marked_in_both_pages), T(colour_is_only_for_those_who_ask),
      T(random_bytes_reach_no_terminal), T(the_page_is_well_formed_and_needs_nothing),
      T(random_bytes_break_no_page), T(what_the_charter_forbids_is_never_printed),
      T(a_quiet_day_is_said_so), T(memory_may_end_anywhere))
