/* SPDX-License-Identifier: Apache-2.0 */
#include "assess/dossier/dossier.h"

#include <stdio.h>

#include "test.h"

struct rig {
	struct arena_pool pool;
	struct arena arena;
	struct prior prior;
	struct dossier dossier;
	struct dossier_finding found;
	struct fail why;
};

static void rig_open(struct rig *r)
{
	*r = (struct rig){.pool = {.budget = 64 << 20}};
	r->arena.pool = &r->pool;
	ASSERT(prior_parse(prior_builtin_name(), prior_builtin_text(), &r->prior, &r->why) ==
	       ST_OK);
}

static size_t rig_close(struct rig *r)
{
	arena_reset(&r->arena);
	arena_pool_drain(&r->pool);
	return r->pool.out;
}

static enum status read_then(struct rig *r, struct slice text, struct wall_ns then)
{
	return dossier_read(SLICE("case.json"), text, &r->prior, then, &r->arena, &r->dossier,
			    &r->why);
}

static enum status judge(struct rig *r, struct slice text)
{
	enum status st = read_then(r, text, (struct wall_ns){0});

	return st == ST_OK ? dossier_judge(&r->dossier, &r->arena, &r->found, &r->why) : st;
}

#define HEAD                                                                                       \
	"{\"format\":\"dewline-evidence/1\",\"case\":\"c\",\"title\":\"A case\",\"at\":"           \
	"\"2018-03-01\","
#define SIDES                                                                                      \
	"\"hypotheses\":["                                                                         \
	"{\"id\":\"a\",\"name\":\"A\",\"operator\":\"state organ\",\"relation\":"                  \
	"\"state-executed\",\"state\":\"XA\"},"                                                    \
	"{\"id\":\"b\",\"name\":\"B\",\"operator\":\"directed proxy\",\"relation\":"               \
	"\"state-ordered\",\"state\":\"XB\"},"                                                     \
	"{\"id\":\"c\",\"name\":\"C\",\"operator\":\"criminal\"}],"
#define ITEM(id, title, more)                                                                      \
	"{\"id\":\"" id "\",\"title\":\"" title "\",\"source\":\"s" id "\",\"grade\":\"B2\","      \
	"\"at\":\"2018-02-01\"" more "}"
#define MALWARE ",\"kind\":\"malware\",\"supports\":[\"a\"]"

static void a_dossier_is_read_as_it_stands(struct test *t)
{
	static struct rig r;
	const struct fuse_item *e;

	rig_open(&r);
	EXPECT_UINT(
		t,
		judge(&r, SLICE(HEAD SIDES "\"items\":[" ITEM("1", "one", MALWARE) "," ITEM(
				  "2", "two",
				  ",\"kind\":\"legal\",\"against\":[\"a\",\"none\"],\"lr\":[2,3.5],"
				  "\"forging\":\"moderate\",\"kin\":\"binary\",\"group\":\"g\","
				  "\"sealed\":true,\"unchecked\":true,\"about\":\"x\"") "]}")),
		ST_OK);
	EXPECT_UINT(t, r.dossier.item_count, 2);
	EXPECT_UINT(t, r.dossier.hypothesis_count, 4);
	EXPECT_SLICE(t, r.dossier.hypotheses[3].id, SLICE("none"));
	e = &r.dossier.evidence[0];
	EXPECT(t, e->supports == 1 && e->technical && !e->sealed && e->lr_lo == 2000 &&
			  e->lr_hi == 6000 && e->forging == FUSE_CHEAP && e->letter == 1 &&
			  e->digit == 1 && e->kin == FUSE_CAMPAIGN && e->label == 0);
	e = &r.dossier.evidence[1];
	EXPECT(t, e->supports == 6 && !e->technical && e->sealed && e->lr_lo == 2000 &&
			  e->lr_hi == 3500 && e->forging == FUSE_MODERATE &&
			  e->kin == FUSE_BINARY && e->label != 0);
	EXPECT(t, e->source != r.dossier.evidence[0].source && r.dossier.items[1].unchecked);
	EXPECT(t, r.found.attributed[DOSSIER_OPERATOR] && r.found.attributed[DOSSIER_RELATION] &&
			  r.found.attributed[DOSSIER_STATE]);
	EXPECT_UINT(t, rig_close(&r), 0);
}

/* What is wrong is said with its place, and what was expected. */
static void what_is_wrong_is_named(struct test *t)
{
	static const struct {
		const char *text, *said;
	} tries[] = {
		{"", "case.json:"},
		{"[]", "an object"},
		{"{\"format\":\"dewline-evidence/2\"}", "\"format\": \"dewline-evidence/1\""},
		{"{\"format\":\"a\",\"format\":\"b\"}", "duplicate object key"},
		{HEAD SIDES "\"items\":3}", "a list in \"items\""},
		{HEAD "\"hypotheses\":[],\"items\":[]}", "3 to 11 \"hypotheses\""},
		{HEAD SIDES "\"items\":[],\"more\":1}", "only the keys"},
		{HEAD SIDES "\"items\":[" ITEM("1", "one", MALWARE ",\"lr\":[0,3]") "]}",
		 "item 1 \"1\": expected in \"lr\" a range"},
		{HEAD SIDES "\"items\":[" ITEM("1", "one", MALWARE ",\"lr\":[1,1e308]") "]}",
		 "from 0.001 to 1000"},
		{HEAD SIDES "\"items\":[" ITEM("1", "one", MALWARE ",\"lr\":[1,1e999]") "]}",
		 "real number overflow"},
		{HEAD SIDES "\"items\":[" ITEM("1", "one", MALWARE ",\"lr\":[-1,3]") "]}",
		 "from 0.001 to 1000"},
		{HEAD SIDES "\"items\":[" ITEM("1", "one", MALWARE ",\"lr\":[3,2]") "]}",
		 "[least, most]"},
		{HEAD SIDES "\"items\":[" ITEM("1", "one", MALWARE ",\"lr\":[1.2345,2]") "]}",
		 "three decimals"},
		{HEAD SIDES "\"items\":[" ITEM("1", "one", MALWARE ",\"lr\":[\"1\",2]") "]}",
		 "a range"},
		{HEAD SIDES "\"items\":[" ITEM("1", "one", MALWARE ",\"against\":[\"a\"]") "]}",
		 "not in both"},
		{HEAD SIDES "\"items\":[" ITEM("1", "one", ",\"kind\":\"malware\"") "]}",
		 "not in both"},
		{HEAD SIDES "\"items\":[" ITEM(
			 "1", "one", ",\"kind\":\"malware\",\"supports\":[\"a\",\"a\"]") "]}",
		 "each hypothesis once"},
		{HEAD SIDES
		 "\"items\":[" ITEM("1", "one", ",\"kind\":\"malware\",\"supports\":[\"d\"]") "]}",
		 "ids of hypotheses"},
		{HEAD SIDES
		 "\"items\":[" ITEM("1", "one", ",\"kind\":\"malware\",\"supports\":[]") "]}",
		 "some of the hypotheses, not all"},
		{HEAD SIDES "\"items\":[" ITEM(
			 "1", "one",
			 ",\"kind\":\"malware\",\"supports\":[\"a\",\"b\",\"c\",\"none\"]") "]}",
		 "some of the hypotheses, not all"},
		{HEAD SIDES "\"items\":[" ITEM(
			 "1", "one", ",\"kind\":\"perception\",\"supports\":[\"a\"]") "]}",
		 "kept apart from it"},
		{HEAD SIDES
		 "\"items\":[" ITEM("1", "one", ",\"kind\":\"rumour\",\"supports\":[\"a\"]") "]}",
		 "dewline attrib kinds"},
		{HEAD SIDES
		 "\"items\":[" ITEM("1", "one", MALWARE ",\"forging\":\"cryptographic\"") "]}",
		 "at path-proof only"},
		{HEAD SIDES
		 "\"items\":[" ITEM("1", "one", MALWARE ",\"since\":\"2018-02-02\"") "]}",
		 "beside a \"status\""},
		{HEAD SIDES
		 "\"items\":[" ITEM("1", "one", MALWARE) "," ITEM("1", "two", MALWARE) "]}",
		 "that no other item has"},
		{HEAD SIDES "\"items\":[" ITEM("1", "a\\u001bb", MALWARE) "]}",
		 "without control characters"},
		{HEAD SIDES "\"items\":[{\"id\":\"1\",\"title\":\"one\",\"source\":\"s\","
			    "\"grade\":\"B2\",\"at\":\"2018-03-02\"" MALWARE "}]}",
		 "item 1 \"1\": expected an item that is not later than the assessment itself"},
		{HEAD SIDES "\"items\":[{\"id\":\"1\",\"title\":\"one\",\"source\":\"s\","
			    "\"grade\":\"B7\",\"at\":\"2018-02-02\"" MALWARE "}]}",
		 "Admiralty grade"},
		{HEAD SIDES "\"items\":[{\"id\":\"1\",\"title\":\"one\",\"source\":\"s\","
			    "\"grade\":\"B2\",\"at\":\"2018-02-30\"" MALWARE "}]}",
		 "a day, as 2018-02-12"},
		{HEAD "\"hypotheses\":[{\"id\":\"a\",\"name\":\"A\",\"state\":\"XA\"},1,2],"
		      "\"items\":[]}",
		 "a state cannot be named without who acted"},
		{HEAD "\"hypotheses\":[{\"id\":\"a\",\"name\":\"A\",\"operator\":\"criminal\","
		      "\"state\":\"XA\"},1,2],\"items\":[]}",
		 "a \"relation\" beside the \"state\""},
		{HEAD
		 "\"hypotheses\":[{\"id\":\"a\",\"name\":\"A\",\"operator\":\"state organ\"},1,"
		 "2],\"items\":[]}",
		 "the \"state\" whose organ"},
		{HEAD
		 "\"hypotheses\":[{\"id\":\"none\",\"name\":\"A\",\"operator\":\"criminal\"},1,"
		 "2],\"items\":[]}",
		 "that is not none"},
		{HEAD SIDES "\"items\":[],\"unknowns\":[{\"id\":\"u\",\"title\":\"u\",\"kind\":"
			    "\"denial\"}]}",
		 "above 1"},
	};

	for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
		static struct rig r;

		rig_open(&r);
		EXPECT_UINT(t, read_then(&r, slice_of(tries[i].text), (struct wall_ns){0}),
			    ST_INVALID);
		if (strstr(r.why.text, tries[i].said) == NULL)
			printf("# %zu: %s\n", i, r.why.text);
		EXPECT(t, strstr(r.why.text, tries[i].said) != NULL);
		EXPECT_UINT(t, rig_close(&r), 0);
	}
}

/* n items of n sources, all alike but for their names. */
static struct slice many(struct arena *a, size_t n)
{
	struct buf b = buf_in(a);

	buf_add_z(&b, HEAD SIDES "\"items\":[");
	for (size_t i = 0; i < n; i++)
		buf_add_fmt(&b,
			    "%s{\"id\":\"i%zu\",\"title\":\"mark  %zu\",\"source\":\"s%zu\","
			    "\"grade\":\"A1\",\"at\":\"2018-02-01\"" MALWARE "}",
			    i ? "," : "", i, i, i);
	buf_add_z(&b, "]}");
	return buf_slice(&b);
}

static void the_number_of_items_is_limited(struct test *t)
{
	static const size_t counts[] = {0, 1, FUSE_ITEMS_MAX, FUSE_ITEMS_MAX + 1, 100000};

	for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
		static struct rig r;
		struct slice text;
		enum status st;

		rig_open(&r);
		text = many(&r.arena, counts[i]);
		st = read_then(&r, text, (struct wall_ns){0});
		EXPECT_UINT(t, st, counts[i] <= FUSE_ITEMS_MAX ? ST_OK : ST_LIMIT);
		EXPECT(t, st == ST_OK || strstr(r.why.text, "at most 4096 are weighed") != NULL);
		EXPECT(t, st != ST_OK || r.dossier.item_count == counts[i]);
		EXPECT_UINT(t, rig_close(&r), 0);
	}
}

static void the_same_under_another_name_counts_once(struct test *t)
{
	static struct rig a, b;

	rig_open(&a);
	rig_open(&b);
	EXPECT_UINT(t, judge(&a, SLICE(HEAD SIDES "\"items\":[" ITEM("1", "A mark", MALWARE) "]}")),
		    ST_OK);
	EXPECT_UINT(t,
		    judge(&b, SLICE(HEAD SIDES "\"items\":[" ITEM("1", "A mark", MALWARE) "," ITEM(
				      "2", " a  MARK ",
				      MALWARE
				      ",\"lr\":[10,20]") "," ITEM("3", "a mark",
								  MALWARE
								  ",\"about\":\"A Mark\"") "]}")),
		    ST_OK);
	EXPECT(t,
	       fuse_duplicate_of(b.found.fuse, 1) == 0 && fuse_duplicate_of(b.found.fuse, 2) == 0);
	for (size_t k = 0; k < 4; k++)
		EXPECT(t, a.found.rungs[0].of[k].lo == b.found.rungs[0].of[k].lo &&
				  a.found.rungs[0].of[k].mid == b.found.rungs[0].of[k].mid &&
				  a.found.rungs[0].of[k].hi == b.found.rungs[0].of[k].hi);
	EXPECT(t, rig_close(&a) == 0 && rig_close(&b) == 0);
}

/* A14 */
static void technical_items_do_not_move_the_relation_to_a_state(struct test *t)
{
	static struct rig none, some;

	rig_open(&none);
	rig_open(&some);
	EXPECT_UINT(t, judge(&none, SLICE(HEAD SIDES "\"items\":[]}")), ST_OK);
	EXPECT_UINT(t,
		    judge(&some, SLICE(HEAD SIDES "\"items\":[" ITEM("1", "one", MALWARE) "," ITEM(
					 "2", "two",
					 ",\"kind\":\"secret\",\"supports\":["
					 "\"a\"]") "," ITEM("3", "three",
							    ",\"kind\":\"path-"
							    "proof\",\"supports\":["
							    "\"a\"]") "]}")),
		    ST_OK);
	EXPECT(t, some.found.rungs[DOSSIER_OPERATOR].of[0].mid >
			  none.found.rungs[DOSSIER_OPERATOR].of[0].mid + 200);
	EXPECT(t, !some.found.attributed[DOSSIER_RELATION] &&
			  !some.found.attributed[DOSSIER_STATE] &&
			  some.found.attributed[DOSSIER_OPERATOR] &&
			  !none.found.attributed[DOSSIER_OPERATOR]);
	EXPECT_UINT(t, some.found.rungs[DOSSIER_RELATION].counted, 0);
	for (size_t k = 0; k < none.found.rungs[DOSSIER_RELATION].count; k++)
		EXPECT(t, some.found.rungs[DOSSIER_RELATION].of[k].mid ==
				  none.found.rungs[DOSSIER_RELATION].of[k].mid);
	EXPECT(t, rig_close(&none) == 0 && rig_close(&some) == 0);
}

static void only_what_was_known_by_then_counts(struct test *t)
{
	static struct rig r;
	static const struct slice text = SLICE(HEAD SIDES "\"items\":[" ITEM(
		"1", "one",
		MALWARE
		",\"status\":\"forged\",\"since\":\"2018-02-10\"") ","
								   "{\"id\":\"2\",\"title\":"
								   "\"two\",\"source\":\"s\","
								   "\"grade\":\"B2\",\"at\":"
								   "\"2018-02-20\"" MALWARE "}]}");
	struct wall_ns then;

	rig_open(&r);
	EXPECT(t, time_parse(SLICE("2018-02-09T23:59:59Z"), &then));
	EXPECT_UINT(t, read_then(&r, text, then), ST_OK);
	EXPECT(t, r.dossier.item_count == 1 && r.dossier.later == 1 &&
			  r.dossier.evidence[0].status == FUSE_STANDS);
	EXPECT(t, time_parse(SLICE("2018-02-20T00:00:00Z"), &then));
	EXPECT_UINT(t, read_then(&r, text, then), ST_OK);
	EXPECT(t, r.dossier.item_count == 2 && r.dossier.later == 0 &&
			  r.dossier.evidence[0].status == FUSE_SHOWN_FORGED);
	EXPECT(t, time_parse(SLICE("2018-03-02T00:00:00Z"), &then));
	EXPECT_UINT(t, read_then(&r, text, then), ST_INVALID);
	EXPECT_UINT(t, rig_close(&r), 0);
}

static bool says(const struct rig *r, struct buf *b, const char *what)
{
	b->len = 0;
	dossier_write_words(&r->found, b);
	return slice_find(buf_slice(b), slice_of(what)) != SIZE_MAX;
}

static void alternatives_stand_first_where_nobody_has_half(struct test *t)
{
	static struct rig r;
	struct buf b;

	rig_open(&r);
	b = buf_in(&r.arena);
	EXPECT_UINT(t, judge(&r, SLICE(HEAD SIDES "\"items\":[" ITEM("1", "one", MALWARE) "]}")),
		    ST_OK);
	EXPECT(t, r.found.rungs[0].of[r.found.rungs[0].leader].mid < 500);
	EXPECT(t, says(&r, &b, "No answer is more likely than not. All of them:"));
	EXPECT(t, says(&r, &b, "unlikely (20-45 %)"));
	EXPECT(t, says(&r, &b, "No state is named"));
	EXPECT(t, !says(&r, &b, "onfidence") && !says(&r, &b, "verif"));
	EXPECT_UINT(t,
		    judge(&r, SLICE(HEAD SIDES "\"items\":[" ITEM("1", "one", MALWARE) "," ITEM(
				      "2", "two",
				      ",\"kind\":\"secret\",\"supports\":["
				      "\"a\"]") "," ITEM("3", "three",
							 ",\"kind\":\"legal\","
							 "\"supports\":["
							 "\"a\"]") "]}")),
		    ST_OK);
	EXPECT(t, says(&r, &b, "It is very likely (80-95 %) that it was A: "));
	EXPECT(t, says(&r, &b, "The alternatives:") && says(&r, &b, "XA: very likely"));
	EXPECT_UINT(t, rig_close(&r), 0);
}

static bool inserted(struct rig *r, struct slice before, const char *after)
{
	struct buf b = buf_in(&r->arena);

	return dossier_insert(before, SLICE("{}"), &b) &&
	       slice_equal(buf_slice(&b), slice_of(after));
}

static void an_item_is_added_and_nothing_else_changes(struct test *t)
{
	static struct rig r;
	struct buf b;

	rig_open(&r);
	EXPECT(t, inserted(&r, SLICE("{\"items\":[]}"), "{\"items\":[\n  {}\n ]}"));
	EXPECT(t, inserted(&r, SLICE("{\"items\": [\n ],\"a\":[]}"),
			   "{\"items\": [\n  {}\n ],\"a\":[]}"));
	EXPECT(t, inserted(&r, SLICE("{\"items\" :[{\"items\":[]}]}"),
			   "{\"items\" :[{\"items\":[]},\n  {}\n ]}"));
	EXPECT(t, inserted(&r, SLICE("{\"a\":\"items\",\"b\":[\"\\\"items\"],\"items\":[1 \n]}"),
			   "{\"a\":\"items\",\"b\":[\"\\\"items\"],\"items\":[1,\n  {} \n]}"));
	b = buf_in(&r.arena);
	EXPECT(t, !dossier_insert(SLICE("{\"a\":{\"items\":[]}}"), SLICE("{}"), &b));
	EXPECT(t, !dossier_insert(SLICE("{\"items\":\"[\"}"), SLICE("{}"), &b));
	EXPECT(t, !dossier_insert(SLICE("{\"a\\"), SLICE("{}"), &b));
	EXPECT_UINT(t, rig_close(&r), 0);
}

static void no_memory_is_an_error(struct test *t)
{
	for (size_t after = 1; after < 40; after++) {
		static struct rig r;
		enum status st;

		rig_open(&r);
		r.pool.fail_after = after;
		st = judge(&r, SLICE(HEAD SIDES "\"items\":[" ITEM("1", "one", MALWARE) "]}"));
		EXPECT(t, st == ST_NOMEM || (st == ST_OK && after > 3));
		EXPECT(t, st == ST_OK || after < 39);
		EXPECT_UINT(t, rig_close(&r), 0);
	}
}

static void kinds_have_numbers_that_may_be(struct test *t)
{
	for (const struct dossier_kind *k = dossier_kinds; k->name != NULL; k++) {
		EXPECT(t, k->lr_lo >= 1 && k->lr_lo <= k->lr_hi && k->lr_hi <= FUSE_LR_MAX);
		EXPECT(t, k->level >= 3 && k->level <= 5 && k->doc[0] != 0);
		EXPECT(t,
		       (k->forging == FUSE_CRYPTOGRAPHIC) == (strcmp(k->name, "path-proof") == 0));
		for (const struct dossier_kind *o = dossier_kinds; o < k; o++)
			EXPECT(t, strcmp(o->name, k->name) != 0);
	}
}

TESTS(T(a_dossier_is_read_as_it_stands), T(what_is_wrong_is_named),
      T(the_number_of_items_is_limited), T(the_same_under_another_name_counts_once),
      T(technical_items_do_not_move_the_relation_to_a_state), T(only_what_was_known_by_then_counts),
      T(alternatives_stand_first_where_nobody_has_half),
      T(an_item_is_added_and_nothing_else_changes), T(no_memory_is_an_error),
      T(kinds_have_numbers_that_may_be))
