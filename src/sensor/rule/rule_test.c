/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/rule/rule.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "test.h"

struct fixture {
	struct arena_pool pool;
	struct arena arena;
	struct rule_set set;
	struct fail why;
};

static void start(struct fixture *f)
{
	*f = (struct fixture){.pool = {.budget = 256 << 20}};
	f->arena.pool = &f->pool;
	ASSERT(rule_set_init(&f->set, &f->arena, &f->why) == ST_OK);
}

static void load(struct fixture *f, const char *text)
{
	start(f);
	ASSERT(rule_set_load(&f->set, SLICE("dir/test.rules"), slice_of(text), &f->why) == ST_OK);
}

static void stop(struct fixture *f)
{
	arena_reset(&f->arena);
	ASSERT(f->pool.out == 0);
	arena_pool_drain(&f->pool);
}

static void a_rule_becomes_its_parts(struct test *t)
{
	const struct rule *r;
	struct fixture f;

	load(&f, "\n# a comment\n"
		 "alert  http $HOME_NET any <> [192.0.2.0/24, !192.0.2.9] [80, 443] "
		 "( msg:\"say \\\"hi\\\"\\; all\"; content:\"a\\;b|3b|\" ; http.uri;nocase; "
		 "classtype: trojan-activity; sid: 7;rev:3; gid:2; )  \n");
	EXPECT_UINT(t, f.set.problem_count, 0);
	EXPECT_UINT(t, f.set.count, 1);
	EXPECT_UINT(t, f.set.lines, 3);
	r = &f.set.rules[0];
	EXPECT(t, r->action == RULE_ALERT && r->both_ways);
	EXPECT_SLICE(t, r->proto, SLICE("http"));
	EXPECT(t, r->src->count == 3 && r->dst->count == 2 && r->dport->count == 2);
	EXPECT(t, r->sport->any && !r->dport->any);
	EXPECT_SLICE(t, r->msg, SLICE("say \"hi\"; all"));
	EXPECT_SLICE(t, r->classtype, SLICE("trojan-activity"));
	EXPECT_SLICE(t, r->category, SLICE("A Network Trojan was detected"));
	EXPECT(t, r->sid == 7 && r->rev == 3 && r->gid == 2 && r->priority == 1);
	EXPECT_SLICE(t, r->file, SLICE("test.rules"));
	EXPECT_UINT(t, r->line, 3);
	EXPECT_UINT(t, r->option_count, 8);
	EXPECT_SLICE(t, r->options[1].keyword, SLICE("content"));
	EXPECT_SLICE(t, r->options[1].value, SLICE("\"a\\;b|3b|\""));
	EXPECT_SLICE(t, r->options[2].keyword, SLICE("http.uri"));
	EXPECT(t, r->options[2].value.ptr == NULL && r->options[3].value.ptr == NULL);
	EXPECT(t, slice_starts(r->text, SLICE("alert  http")) && slice_ends(r->text, SLICE("; )")));
	stop(&f);
}

static void defaults_are_suricatas(struct test *t)
{
	struct fixture f;

	load(&f, "pass ip any any -> any any (sid:1;)\n"
		 "drop tcp any any -> any any (sid:2; classtype:no-such;)\n"
		 "rejectboth tcp any any -> any any (sid:3; priority:9; classtype:misc-attack;)\n"
		 "reject udp any any -> any any (sid:4; classtype:tcp-connection;)");
	EXPECT_UINT(t, f.set.problem_count, 0);
	EXPECT_UINT(t, f.set.count, 4);
	EXPECT(t, f.set.rules[0].rev == 0 && f.set.rules[0].gid == 1);
	EXPECT(t, f.set.rules[0].priority == 3 && f.set.rules[0].msg.len == 0);
	EXPECT(t, f.set.rules[1].priority == 3 && f.set.rules[1].category.len == 0);
	EXPECT(t, f.set.rules[2].priority == 9 && f.set.rules[2].category.len > 0);
	EXPECT(t, f.set.rules[3].priority == 4);
	EXPECT(t, f.set.rules[0].action == RULE_PASS && f.set.rules[1].action == RULE_DROP &&
			  f.set.rules[2].action == RULE_REJECT_BOTH &&
			  f.set.rules[3].action == RULE_REJECT);
	EXPECT(t, f.set.rules[0].src == f.set.rules[3].dst);
	stop(&f);
}

static void lines_go_on_behind_a_backslash_and_end_in_crlf(struct test *t)
{
	struct fixture f;

	load(&f, "alert tcp any any -> any any \\\r\n  (msg:\"one\"; \\\r\n   sid:1;)\r\n"
		 "# not a rule \\\nalert tcp any any -> any any (sid:2;)\n"
		 "\r\n"
		 "alert tcp any any -> any any (sid:3;)\r\n"
		 "alert tcp any any -> any any (sid:4;)\\");
	EXPECT_UINT(t, f.set.problem_count, 0);
	EXPECT_UINT(t, f.set.count, 3);
	EXPECT_UINT(t, f.set.lines, 8);
	EXPECT(t, f.set.rules[0].sid == 1 && f.set.rules[0].line == 1);
	EXPECT_SLICE(t, f.set.rules[0].text,
		     SLICE("alert tcp any any -> any any   (msg:\"one\";    sid:1;)"));
	EXPECT(t, f.set.rules[1].sid == 3 && f.set.rules[1].line == 7);
	EXPECT(t, f.set.rules[2].sid == 4 && f.set.rules[2].line == 8);
	stop(&f);
}

/* Every wrong line is told with what was expected, and the rule behind it still loads. */
static void wrong_lines_become_problems(struct test *t)
{
	static const struct {
		const char *line, *says, *keyword;
	} cases[] = {
		{"alarm tcp any any -> any any (sid:1;)", "expected alert, pass", NULL},
		{"accept tcp any any -> any any (sid:1;)", "not supported", "accept"},
		{"accept:hook tcp any any -> any any (sid:1;)", "not supported", "accept:hook"},
		{"drop:flow tcp any any -> any any (sid:1;)", "not supported", "drop:flow"},
		{"alert", "expected a protocol", NULL},
		{"alert tcp", "source address", NULL},
		{"alert tcp any", "source port", NULL},
		{"alert tcp any any", "expected ->, => or <>", NULL},
		{"alert tcp any any <- any any (sid:1;)", "expected ->, => or <>", NULL},
		{"alert tcp any any -> any (sid:1;)", "destination port", NULL},
		{"alert tcp any any -> any any", "expected (options)", NULL},
		{"alert tcp any any -> any any sid:1;)", "expected (options)", NULL},
		{"alert tcp any any -> any any (sid:1;", "expected (options)", NULL},
		{"alert tcp any any -> any any (sid:1;) x", "expected (options)", NULL},
		{"alert tcp any any -> any any ()", "expected sid", NULL},
		{"alert tcp any any -> any any (sid:1)", "expected ; behind \"sid:1\"", NULL},
		{"alert tcp any any -> any any (;sid:1;)", "expected a keyword", NULL},
		{"alert tcp any any -> any any (a b; sid:1;)", "expected a keyword", NULL},
		{"alert tcp any any -> any any (sid:1; content:;)", "value behind \"content:\"",
		 NULL},
		{"alert tcp any any -> any any (content:\"a;b\"; sid:1;)", "is written \\;", NULL},
		{"alert tcp any any -> any any (content:\"a\\\"; sid:1;)", "is written \\;", NULL},
		{"alert tcp any any -> any any (content:\"; sid:1;)", "is written \\;", NULL},
		{"alert tcp any any -> any any (msg:\"x\";)", "expected sid", NULL},
		{"alert tcp any any -> any any (msg:x; sid:1;)", "msg in double quotes", NULL},
		{"alert tcp any any -> any any (msg:\"\"; msg:\"x\"; sid:1;)", "one msg", NULL},
		{"alert tcp any any -> any any (sid:0;)", "1 to 4294967295", NULL},
		{"alert tcp any any -> any any (sid:4294967296;)", "1 to 4294967295", NULL},
		{"alert tcp any any -> any any (sid;)", "expected a number", NULL},
		{"alert tcp any any -> any any (sid:1; sid:2;)", "expected one sid", NULL},
		{"alert tcp any any -> any any (sid:1; rev:-1;)", "expected a number", NULL},
		{"alert tcp any any -> any any (sid:1; priority:0;)", "1 to 255", NULL},
		{"alert tcp any any -> any any (sid:1; priority:256;)", "1 to 255", NULL},
		{"alert tcp any any -> any any (sid:1; classtype:a b;)", "one classtype", NULL},
		{"alert tcp $NOPE any -> any any (sid:1;)", "$NOPE", NULL},
		{"alert tcp any 80:70 -> any any (sid:1;)", "source port", NULL},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char text[256];
		const struct rule_problem *p;
		struct fixture f;

		(void)snprintf(text, sizeof text, "\n%s\nalert tcp any any -> any any (sid:99;)\n",
			       cases[i].line);
		load(&f, text);
		EXPECT_UINT(t, f.set.count, 1);
		EXPECT_UINT(t, f.set.rules[0].sid, 99);
		EXPECT_UINT(t, f.set.problem_count, 1);
		p = &f.set.problems[0];
		EXPECT_SLICE(t, p->file, SLICE("test.rules"));
		EXPECT_UINT(t, p->line, 2);
		EXPECT_SLICE(t, p->keyword, slice_of(cases[i].keyword));
		if (slice_find(p->text, slice_of(cases[i].says)) == SIZE_MAX)
			test_fail(t, __FILE__, __LINE__, "%s: \"%.*s\"", cases[i].line,
				  SLICE_ARG(p->text));
		stop(&f);
	}
}

static void a_problem_names_the_sid_when_it_can(struct test *t)
{
	struct fixture f;

	load(&f, "alert tcp $NOPE any -> any any (msg:\"(x)\"; sid:77;)\n");
	EXPECT_UINT(t, f.set.problem_count, 1);
	EXPECT_UINT(t, f.set.problems[0].sid, 77);
	rule_set_problem(&f.set, &(struct rule){.sid = 5, .line = 6}, false, SLICE("lua"), "no %s",
			 "scripts");
	EXPECT_UINT(t, f.set.problem_count, 2);
	EXPECT_UINT(t, f.set.problems[1].sid, 5);
	EXPECT_SLICE(t, f.set.problems[1].keyword, SLICE("lua"));
	EXPECT_SLICE(t, f.set.problems[1].text, SLICE("no scripts"));
	stop(&f);
}

static void of_one_sid_the_higher_rev_stays(struct test *t)
{
	struct fixture f;

	load(&f, "alert tcp any any -> any any (sid:1; rev:2;)\n"
		 "alert tcp any any -> any any (sid:2; rev:1;)\n"
		 "alert udp any any -> any any (sid:1; rev:3;)\n"
		 "alert icmp any any -> any any (sid:1; rev:3;)\n"
		 "alert ip any any -> any any (sid:1; rev:1;)\n"
		 "alert ip any any -> any any (sid:1; gid:7;)\n");
	EXPECT_UINT(t, f.set.count, 3);
	EXPECT_SLICE(t, f.set.rules[0].proto, SLICE("udp"));
	EXPECT_UINT(t, f.set.rules[0].line, 3);
	EXPECT(t, f.set.rules[1].sid == 2 && f.set.rules[2].gid == 7);
	EXPECT_UINT(t, f.set.problem_count, 3);
	EXPECT_UINT(t, f.set.problems[0].line, 1);
	EXPECT_UINT(t, f.set.problems[1].line, 4);
	EXPECT_UINT(t, f.set.problems[2].line, 5);
	for (size_t i = 0; i < 3; i++)
		EXPECT_UINT(t, f.set.problems[i].sid, 1);
	stop(&f);
}

static void classifications_replace_the_defaults(struct test *t)
{
	struct fixture f;

	start(&f);
	EXPECT(t, rule_set_classes(&f.set, SLICE("classification.config"),
				   SLICE("# comment\r\n\n"
					 "config classification: mine,One, two, three, 2\r\n"
					 "  config  classification : misc-attack , Other ,5\n"
					 "config classification: none\n"
					 "config classification: none,x,0\n"
					 "config classification: none,,1\n"
					 "config reference: none,x,1\n"),
				   &f.why) == ST_OK);
	EXPECT_UINT(t, f.set.problem_count, 4);
	for (uint32_t i = 0; i < 4; i++)
		EXPECT_UINT(t, f.set.problems[i].line, 5 + i);
	EXPECT(t,
	       rule_set_load(&f.set, SLICE("x"),
			     SLICE("alert ip any any -> any any (sid:1; classtype:mine;)\n"
				   "alert ip any any -> any any (sid:2; classtype:misc-attack;)\n"
				   "alert ip any any -> any any (sid:3; classtype:none;)\n"),
			     &f.why) == ST_OK);
	EXPECT_SLICE(t, f.set.rules[0].category, SLICE("One, two, three"));
	EXPECT_UINT(t, f.set.rules[0].priority, 2);
	EXPECT_SLICE(t, f.set.rules[1].category, SLICE("Other"));
	EXPECT_UINT(t, f.set.rules[1].priority, 5);
	EXPECT_UINT(t, f.set.rules[2].category.len, 0);
	stop(&f);
}

static void a_rule_has_a_longest_length(struct test *t)
{
	for (int more = -1; more <= 1; more++) {
		static char text[RULE_BYTES_MAX + 64];
		size_t want = (size_t)(RULE_BYTES_MAX + more), n;
		struct fixture f;

		n = (size_t)snprintf(text, sizeof text,
				     "alert ip any any -> any any (sid:1; msg:\"");
		memset(text + n, 'x', want - n - 3);
		memcpy(text + want - 3, "\";)", 4);
		load(&f, text);
		EXPECT_UINT(t, f.set.count, more <= 0 ? 1 : 0);
		EXPECT_UINT(t, f.set.problem_count, more <= 0 ? 0 : 1);
		stop(&f);
	}
}

/* One run with a pool that refuses its n-th block, behind `shift` bytes in the first one, so that
 * the refusal meets another allocation. */
static enum status starved_run(struct fixture *f, size_t n, size_t shift)
{
	static const char text[] =
		"alert tcp [192.0.2.1,$HOME_NET] any -> !10.0.0.0/8 [80,!$HTTP_PORTS] \\\n"
		"(msg:\"a \\; b\"; sid:1; classtype:mine; rev:1;)\n"
		"alert tcp any any -> any any (sid:1; rev:2;)\nwrong\n";
	enum status st = ST_NOMEM;

	*f = (struct fixture){.pool = {.budget = 1 << 24, .fail_after = n}};
	f->arena.pool = &f->pool;
	if (arena_alloc(&f->arena, 1, 1, shift) != NULL)
		st = rule_set_init(&f->set, &f->arena, &f->why);
	if (st == ST_OK)
		st = rule_set_var(&f->set, SLICE("MINE"), SLICE("[192.0.2.0/24,10.0.0.1]"),
				  &f->why);
	if (st == ST_OK)
		st = rule_set_classes(&f->set, SLICE("c"),
				      SLICE("config classification: mine,x,1\nwrong\n"), &f->why);
	if (st == ST_OK)
		st = rule_set_load(&f->set, SLICE("r"), slice_of(text), &f->why);
	return st;
}

static void every_allocation_may_fail(struct test *t)
{
	for (size_t shift = 16; shift < ARENA_BLOCK; shift += 48) {
		enum status st = ST_NOMEM;

		for (size_t n = 1; st != ST_OK; n++) {
			struct fixture f;

			st = starved_run(&f, n, shift);
			EXPECT(t, n < 100 && (st == ST_OK || st == ST_NOMEM));
			if (st == ST_OK)
				EXPECT(t, f.set.count == 1 && f.set.problem_count == 3);
			arena_reset(&f.arena);
			EXPECT_UINT(t, f.pool.out, 0);
			arena_pool_drain(&f.pool);
		}
	}
}

static void a_nul_is_no_text(struct test *t)
{
	struct fixture f;

	start(&f);
	EXPECT(t, rule_set_load(&f.set, SLICE("x"),
				SLICE("alert ip any any -> any any (msg:\"a\0b\"; sid:1;)\n"),
				&f.why) == ST_OK);
	EXPECT(t, f.set.count == 0 && f.set.problem_count == 1);
	EXPECT(t, slice_find(f.set.problems[0].text, SLICE("NUL")) != SIZE_MAX);
	stop(&f);
}

/* ---- the rules that ship ---- */

static char *read_file(const char *name, size_t *out_len)
{
	const char *root = getenv("DEW_SOURCE_ROOT");
	size_t room = 1 << 20;
	char path[2048], *text = malloc(room);
	FILE *f;

	(void)snprintf(path, sizeof path, "%s/%s", root ? root : ".", name);
	f = fopen(path, "rbe");
	*out_len = f != NULL && text != NULL ? fread(text, 1, room, f) : 0;
	if (f != NULL)
		(void)fclose(f);
	return text;
}

/* Whether a rule has `keyword` with a value that holds `word`. */
static bool says(const struct rule *r, struct slice keyword, struct slice word)
{
	for (size_t i = 0; i < r->option_count; i++)
		if (slice_equal(r->options[i].keyword, keyword) &&
		    slice_find(r->options[i].value, word) != SIZE_MAX)
			return true;
	return false;
}

static void our_own_rules_are_complete(struct test *t)
{
	size_t len, strrat = 0;
	char *text = read_file("rules/dewline.rules", &len);
	struct fixture f;

	start(&f);
	EXPECT(t, len > 0);
	EXPECT(t, rule_set_load(&f.set, SLICE("dewline.rules"),
				(struct slice){(uint8_t *)text, len}, &f.why) == ST_OK);
	free(text);
	for (size_t i = 0; i < f.set.problem_count; i++)
		test_fail(t, __FILE__, __LINE__, "%u: %.*s", f.set.problems[i].line,
			  SLICE_ARG(f.set.problems[i].text));
	EXPECT(t, f.set.count >= 10);
	for (size_t i = 0; i < f.set.count; i++) {
		const struct rule *r = &f.set.rules[i];

		EXPECT(t, r->sid > 9000000 && r->sid < 9100000 && r->rev > 0);
		EXPECT(t, slice_starts(r->msg, SLICE("DEWLINE ")) && r->category.len > 0);
		EXPECT(t, says(r, SLICE("metadata"), SLICE("dewline_act ")));
		EXPECT(t, says(r, SLICE("metadata"), SLICE("mitre_technique_id T1")));
		strrat += says(r, SLICE("metadata"), SLICE("malware_family STRRAT"));
	}
	EXPECT(t, strrat >= 1);
	stop(&f);
}

/* ---- the rule sets that are shared beside the tree ---- */

static char *read_xz(const char *name, size_t *out_len)
{
	const char *root = getenv("DEW_SOURCE_ROOT");
	size_t len = 0, room = 32 << 20;
	char path[2048], command[2100], *text;
	FILE *f;

	(void)snprintf(path, sizeof path, "%s/../shared/rules/%s.rules.xz", root ? root : ".",
		       name);
	f = fopen(path, "rbe");
	if (f == NULL)
		return NULL;
	(void)fclose(f);
	(void)snprintf(command, sizeof command, "xz -dc '%s'", path);
	f = popen(command, "r");
	text = malloc(room);
	if (f != NULL && text != NULL)
		len = fread(text, 1, room, f);
	if (f == NULL || pclose(f) != 0 || len == room) {
		free(text);
		return NULL;
	}
	*out_len = len;
	return text;
}

static void whole_file_loads(struct test *t, const char *name, size_t least)
{
	size_t len, contents = 0;
	char *text = read_xz(name, &len);
	struct timespec from, to;
	struct fixture f;

	if (text == NULL) {
		test_skip(t, "no ../shared/rules/%s.rules.xz", name);
		return;
	}
	start(&f);
	(void)clock_gettime(CLOCK_MONOTONIC, &from);
	EXPECT(t, rule_set_load(&f.set, slice_of(name), (struct slice){(uint8_t *)text, len},
				&f.why) == ST_OK);
	(void)clock_gettime(CLOCK_MONOTONIC, &to);
	printf("# %s: %zu rules in %ld ms, %zu KiB\n", name, f.set.count,
	       (to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000,
	       f.pool.out >> 10);
	free(text);
	for (size_t i = 0; i < f.set.problem_count; i++)
		test_fail(t, __FILE__, __LINE__, "%s:%u: %.*s", name, f.set.problems[i].line,
			  SLICE_ARG(f.set.problems[i].text));
	EXPECT(t, f.set.count >= least);
	for (size_t i = 0; i < f.set.count; i++)
		for (size_t k = 0; k < f.set.rules[i].option_count; k++) {
			const struct rule_option *o = &f.set.rules[i].options[k];
			struct slice bytes;
			bool negated;

			if (!slice_equal(o->keyword, SLICE("content")))
				continue;
			contents++;
			if (rule_content_parse(o->value, &f.arena, &negated, &bytes, &f.why) !=
			    ST_OK)
				test_fail(t, __FILE__, __LINE__, "%s:%u: %.*s: %s", name,
					  f.set.rules[i].line, SLICE_ARG(o->value), f.why.text);
		}
	EXPECT(t, contents > least);
	stop(&f);
}

static void a_large_set_of_2014_loads_without_a_problem(struct test *t)
{
	whole_file_loads(t, "et-old", 19000);
}

static void a_large_set_of_today_loads_without_a_problem(struct test *t)
{
	whole_file_loads(t, "et-recent", 24000);
}

TESTS(T(a_rule_becomes_its_parts), T(defaults_are_suricatas),
      T(lines_go_on_behind_a_backslash_and_end_in_crlf), T(wrong_lines_become_problems),
      T(a_problem_names_the_sid_when_it_can), T(of_one_sid_the_higher_rev_stays),
      T(classifications_replace_the_defaults), T(a_rule_has_a_longest_length),
      T(every_allocation_may_fail), T(a_nul_is_no_text), T(our_own_rules_are_complete),
      T(a_large_set_of_2014_loads_without_a_problem),
      T(a_large_set_of_today_loads_without_a_problem))
