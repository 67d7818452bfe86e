/* SPDX-License-Identifier: Apache-2.0
 * Sets: what a file may hold, what rules change, what is written back. */
#include "sensor/detect/detect_priv.h"

#include <stdio.h>

#include "base/addr.h"
#include "sensor/config/config.h"
#include "test.h"

struct room {
	struct arena_pool pool;
	struct arena a;
	struct rule_set set;
	struct detect_rules *rules;
	struct detect_worker *worker;
	struct fail why;
	struct slice file;  /* what any file holds; ptr NULL: there is none */
	struct slice asked; /* the last that was asked for */
	bool asked_by_rule; /* and that a rule named */
	struct buf written; /* "name: text" of what was written */
};

static enum status read_file(void *ctx, const struct rule *rule, struct slice name, struct arena *a,
			     struct slice *out, struct fail *why)
{
	struct room *r = ctx;

	r->asked = arena_copy(&r->a, name);
	r->asked_by_rule = rule != NULL;
	*out = r->file;
	return r->file.ptr != NULL ? ST_OK : fail_set(why, ST_NOTFOUND, "no such file");
}

/* One rule with these words behind dns.query; yaml may be NULL. Its problem, or empty. */
static struct slice room_open(struct room *r, const char *words, const char *file, const char *yaml)
{
	struct detect_options o = {.read = read_file, .read_ctx = r};
	struct detect_sink sink = {0};

	*r = (struct room){.pool = {.budget = 64 << 20}};
	r->a.pool = &r->pool;
	r->written = buf_in(&r->a);
	if (file != NULL)
		r->file = slice_of(file);
	if (yaml != NULL) {
		o.config = config_new(&r->a);
		ASSERT(config_load(o.config, SLICE("t"),
				   buf_text(&r->a, "%%YAML 1.1\n---\n%s\n", yaml), NULL,
				   &r->why) == ST_OK);
	}
	ASSERT(rule_set_init(&r->set, &r->a, &r->why) == ST_OK);
	ASSERT(rule_set_load(&r->set, SLICE("t.rules"),
			     buf_text(&r->a,
				      "alert dns any any -> any any (dns.query; %s sid:1;)\n",
				      words),
			     &r->why) == ST_OK);
	ASSERT(detect_compile(&r->set, &o, &r->a, &r->rules, &r->why) == ST_OK);
	ASSERT(detect_worker_new(r->rules, NULL, &r->a, &r->pool, sink, &r->worker, &r->why) ==
	       ST_OK);
	return r->set.problem_count == 0 ? SLICE("") : r->set.problems[0].text;
}

static void room_close(struct room *r)
{
	detect_worker_free(r->worker);
	detect_rules_free(r->rules);
	arena_reset(&r->a);
	ASSERT(r->pool.out == 0);
	arena_pool_drain(&r->pool);
}

static bool holds(const struct room *r, struct slice value)
{
	return detect_dataset_holds(&r->worker->changes, r->rules->datasets, value);
}

static bool has(struct slice text, const char *part)
{
	return slice_find(text, slice_of(part)) != SIZE_MAX;
}

/* ---- files ---- */

static void each_type_reads_its_values(struct test *t)
{
	static const uint8_t v4[4] = {192, 0, 2, 1}, v6[16] = {0x20, 1, 0xd, 0xb8, [15] = 1},
			     md5[16] = {0xd4, 0x1d, 0x8c, 0xd9, 0x8f, 0x00, 0xb2, 0x04,
					0xe9, 0x80, 0x09, 0x98, 0xec, 0xf8, 0x42, 0x7e};
	static const struct {
		const char *type, *file;
		struct slice in, out;
	} rows[] = {
		{"string", "YQ==\n\nYmM=", {(const uint8_t *)"bc", 2}, {(const uint8_t *)"b", 1}},
		{"md5", "D41D8CD98F00B204E9800998ECF8427E\n", {md5, 16}, {v6, 16}},
		{"ipv4", "192.0.2.1\n", {v4, 4}, {v6, 4}},
		{"ip", "2001:db8::1\n192.0.2.1\n", {v6, 16}, {md5, 16}},
		{"ip", "::ffff:192.0.2.1\n", {v4, 4}, {v6, 16}},
		{"ipv6", "192.0.2.1\n", {v4, 4}, {v6, 4}},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct room r;
		char words[128];

		(void)snprintf(words, sizeof words, "dataset:isset,s,type %s,load f;",
			       rows[i].type);
		EXPECT_SLICE(t, room_open(&r, words, rows[i].file, NULL), SLICE(""));
		if (!holds(&r, rows[i].in) || holds(&r, rows[i].out))
			test_fail(t, __FILE__, __LINE__, "row %zu", i);
		EXPECT(t, r.asked_by_rule);
		room_close(&r);
	}
}

static void a_bad_file_is_named_with_its_line(struct test *t)
{
	static const struct {
		const char *words, *file, *problem;
	} rows[] = {
		{"dataset:isset,s,type string,load f.lst;", "YQ==\nYQ=\n",
		 "f.lst:2: no value of type string"},
		{"dataset:isset,s,type md5,load f.lst;", "\n\nd41d\n",
		 "f.lst:3: no value of type md5"},
		{"dataset:isset,s,type ipv4,load f.lst;", "192.0.2.256",
		 "f.lst:1: no value of type ipv4"},
		{"datarep:s,>,1,type ipv4,load f.lst;", "192.0.2.1,65536",
		 "f.lst:1: no value of type ipv4"},
		{"dataset:isset,s,type ipv4,load f.lst,format ndjson,value_key a,context_key c;",
		 "{\"a\":\"192.0.2.1\"}\n{\n", "f.lst:2: "},
		{"dataset:isset,s,type ipv4,load f.lst,format ndjson,value_key a,context_key c;",
		 "{\"a\":\"192.0.2.1\"}\n{\"a\":\"x\"}\n", "f.lst:2: no value of type ipv4"},
		{"dataset:isset,s,type ipv4,load f.lst,format json,value_key a,context_key c;",
		 "[\n{\"a\":]\n", "f.lst:2: "},
		{"dataset:isset,s,type ipv4,load f.lst,format json,value_key a,context_key c;",
		 "{}", "f.lst: no JSON array"},
		{"dataset:isset,s,type ipv4,load f.lst,format json,value_key a,context_key c;",
		 "[{\"b\":1}]", "f.lst: nothing has \"a\""},
		{"dataset:isset,s,type ipv4,load f.lst,memcap 100;",
		 "192.0.2.1\n192.0.2.2\n192.0.2.3\n", "f.lst: more than its memcap of 100 bytes"},
		{"dataset:isset,s,type ipv4,load f.lst;", NULL, "no such file"},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct room r;
		struct slice problem = room_open(&r, rows[i].words, rows[i].file, NULL);

		if (!has(problem, rows[i].problem))
			test_fail(t, __FILE__, __LINE__, "row %zu: %.*s", i, SLICE_ARG(problem));
		room_close(&r);
	}
}

static void a_json_set_has_something_to_say_with_the_alert(struct test *t)
{
	static const char *const file = "{\"x\":{\"y\":[{\"n\":{\"host\":\"a\"},\"w\":1},"
					"{\"n\":{\"host\":\"b\"}}]}}";
	const struct detect_dataset_entry *e;
	struct room r;

	EXPECT_SLICE(t,
		     room_open(&r,
			       "dataset:isset,s,type string,load f,format json,array_key x.y,"
			       "value_key n.host,context_key c;",
			       file, NULL),
		     SLICE(""));
	e = detect_dataset_find(r.rules->datasets, SLICE("a"));
	EXPECT(t, e != NULL);
	EXPECT_SLICE(t, e->json, SLICE("{\"n\":{\"host\":\"a\"},\"w\":1}"));
	EXPECT(t, detect_dataset_find(r.rules->datasets, SLICE("c")) == NULL);
	room_close(&r);
	EXPECT_SLICE(t,
		     room_open(&r,
			       "dataset:isset,s,type string,load f,format ndjson,value_key host,"
			       "context_key c,remove_key;",
			       "{\"host\":\"a\",\"w\":1}\n", NULL),
		     SLICE(""));
	e = detect_dataset_find(r.rules->datasets, SLICE("a"));
	EXPECT(t, e != NULL);
	EXPECT_SLICE(t, e->json, SLICE("{\"w\":1}"));
	room_close(&r);
}

/* ---- changes ---- */

static void a_change_wins_over_the_file(struct test *t)
{
	struct room r;
	struct detect_dataset_changes *c;
	const struct detect_dataset *d;

	EXPECT_SLICE(t, room_open(&r, "dataset:set,s,type string,load f;", "YQ==\n", NULL),
		     SLICE(""));
	c = &r.worker->changes;
	d = r.rules->datasets;
	EXPECT(t, !detect_dataset_change(c, d, SLICE("a"), true)); /* is in */
	EXPECT(t, detect_dataset_change(c, d, SLICE("a"), false));
	EXPECT(t, !holds(&r, SLICE("a")));
	EXPECT(t, !detect_dataset_change(c, d, SLICE("a"), false));
	EXPECT(t, detect_dataset_change(c, d, SLICE("a"), true));
	EXPECT(t, detect_dataset_change(c, d, SLICE(""), true));
	EXPECT(t, holds(&r, SLICE("a")) && holds(&r, SLICE("")));
	room_close(&r);
}

static void a_set_takes_no_more_than_its_memcap(struct test *t)
{
	struct room r;
	unsigned n = 0;

	EXPECT_SLICE(t, room_open(&r, "dataset:set,s,type string,memcap 1kb;", NULL, NULL),
		     SLICE(""));
	for (char name[8] = "a"; name[0] <= 'z'; name[0]++)
		n += detect_dataset_change(&r.worker->changes, r.rules->datasets, slice_of(name),
					   true);
	EXPECT_UINT(t, n, 1024 / (sizeof(struct detect_dataset_change) + 1));
	room_close(&r);
	EXPECT_SLICE(t,
		     room_open(&r, "dataset:set,s,type string;", NULL,
			       "datasets:\n  defaults: {memcap: 1kb, hashsize: 5}"),
		     SLICE(""));
	EXPECT_UINT(t, r.rules->datasets->memcap, 1024);
	room_close(&r);
	EXPECT_SLICE(t,
		     room_open(&r, "dataset:set,s;", NULL,
			       "datasets:\n  defaults: {memcap: 1kb}\n"
			       "  s: {type: md5, memcap: 2kb, state: x.lst}"),
		     SLICE(""));
	EXPECT_UINT(t, r.rules->datasets->memcap, 2048);
	EXPECT_UINT(t, r.rules->datasets->type, DATASET_MD5);
	EXPECT_SLICE(t, r.rules->datasets->save, SLICE("x.lst"));
	EXPECT(t, !r.asked_by_rule);
	room_close(&r);
}

/* ---- writing back ---- */

static enum status write_file(void *ctx, struct slice name, struct slice text, struct fail *why)
{
	struct room *r = ctx;

	buf_add_fmt(&r->written, "%.*s: %.*s", SLICE_ARG(name), SLICE_ARG(text));
	return slice_equal(name, SLICE("full")) ? fail_set(why, ST_IO, "no space") : ST_OK;
}

static enum status save(struct room *r)
{
	struct detect_saved *s = detect_saved_new(r->rules, &r->a);
	struct detect_writer w = {r, write_file};
	enum status st;

	detect_saved_take(s, r->worker);
	st = detect_saved_write(s, &r->a, &w, &r->why);
	detect_saved_done(s);
	return st;
}

static void what_is_written_is_what_the_set_holds(struct test *t)
{
	struct room r;

	EXPECT_SLICE(
		t,
		room_open(&r, "dataset:set,s,type string,state s.lst;", "Yg==\nYQ==\nYQ==\n", NULL),
		SLICE(""));
	EXPECT(t, detect_rules_save(r.rules));
	EXPECT(t, !r.asked_by_rule);
	EXPECT(t, detect_dataset_change(&r.worker->changes, r.rules->datasets, SLICE("c"), true));
	EXPECT(t, detect_dataset_change(&r.worker->changes, r.rules->datasets, SLICE("b"), false));
	EXPECT(t, save(&r) == ST_OK);
	EXPECT_SLICE(t, buf_slice(&r.written), SLICE("s.lst: YQ==\nYw==\n"));
	room_close(&r);
	/* nothing yet, and nothing to be loaded */
	EXPECT_SLICE(t, room_open(&r, "dataset:set,s,type string,state s.lst;", NULL, NULL),
		     SLICE(""));
	EXPECT(t, save(&r) == ST_OK);
	EXPECT_SLICE(t, buf_slice(&r.written), SLICE("s.lst: "));
	room_close(&r);
	EXPECT_SLICE(t, room_open(&r, "dataset:isset,s,type string,load s.lst;", "", NULL),
		     SLICE(""));
	EXPECT(t, !detect_rules_save(r.rules));
	EXPECT(t, save(&r) == ST_OK);
	EXPECT_SLICE(t, buf_slice(&r.written), SLICE(""));
	room_close(&r);
	EXPECT_SLICE(t, room_open(&r, "dataset:set,s,type string,save full;", NULL, NULL),
		     SLICE(""));
	EXPECT(t, save(&r) == ST_IO);
	EXPECT(t, has(slice_of(r.why.text), "set s: no space"));
	room_close(&r);
}

/* Of every type: what is written is read as the same. */
static void what_is_written_reads_back(struct test *t)
{
	static const struct {
		const char *type;
		size_t bytes;
	} types[] = {{"string", 37}, {"md5", 16}, {"sha256", 32},
		     {"ipv4", 4},    {"ip", 16},  {"ip", 4}};

	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		struct room r, again;
		char words[128], text[4096];
		uint8_t values[20][40];
		struct slice written;

		(void)snprintf(words, sizeof words, "dataset:set,s,type %s,state f;",
			       types[i].type);
		EXPECT_SLICE(t, room_open(&r, words, NULL, NULL), SLICE(""));
		for (unsigned n = 0; n < 20; n++) {
			for (size_t k = 0; k < types[i].bytes; k++)
				values[n][k] = (uint8_t)test_rand(t);
			EXPECT(t, detect_dataset_change(&r.worker->changes, r.rules->datasets,
							(struct slice){values[n], types[i].bytes},
							true));
		}
		EXPECT(t, save(&r) == ST_OK);
		written = slice_from(buf_slice(&r.written), 3); /* "f: " */
		EXPECT(t, written.len < sizeof text);
		memcpy(text, written.ptr, written.len);
		text[written.len] = '\0';
		EXPECT_SLICE(t, room_open(&again, words, text, NULL), SLICE(""));
		EXPECT_UINT(t, again.rules->datasets->count, 20);
		for (unsigned n = 0; n < 20; n++)
			EXPECT(t, holds(&again, (struct slice){values[n], types[i].bytes}));
		room_close(&again);
		room_close(&r);
	}
}

static void changes_of_later_workers_win(struct test *t)
{
	struct room r;
	struct detect_worker *second;
	struct detect_sink sink = {0};
	struct detect_saved *s;
	struct detect_writer w = {&r, write_file};

	EXPECT_SLICE(t, room_open(&r, "dataset:set,s,type string,state s;", "YQ==\n", NULL),
		     SLICE(""));
	EXPECT(t, detect_worker_new(r.rules, NULL, &r.a, &r.pool, sink, &second, &r.why) == ST_OK);
	EXPECT(t, detect_dataset_change(&r.worker->changes, r.rules->datasets, SLICE("b"), true));
	EXPECT(t, detect_dataset_change(&r.worker->changes, r.rules->datasets, SLICE("c"), true));
	EXPECT(t, detect_dataset_change(&second->changes, r.rules->datasets, SLICE("d"), true));
	EXPECT(t, detect_dataset_change(&second->changes, r.rules->datasets, SLICE("a"), false));
	s = detect_saved_new(r.rules, &r.a);
	detect_saved_take(s, r.worker);
	detect_saved_take(s, second);
	EXPECT(t, detect_saved_write(s, &r.a, &w, &r.why) == ST_OK);
	EXPECT_SLICE(t, buf_slice(&r.written), SLICE("s: Yg==\nYw==\nZA==\n"));
	detect_saved_done(s);
	detect_saved_done(NULL);
	detect_worker_free(second);
	room_close(&r);
}

static void rules_do_not_write_where_they_like(struct test *t)
{
	static const char *const trusting = "datasets:\n  rules: {allow-absolute-filenames: yes}";
	static const char *const never = "datasets:\n  rules: {allow-write: no}";
	static const struct {
		const char *file, *yaml;
		bool fine;
	} rows[] = {
		{"s.lst", NULL, true},	    {"sub/s.lst", NULL, true},	  {"/etc/s", NULL, false},
		{"../s", NULL, false},	    {"sub/../../s", NULL, false}, {"..s", NULL, true},
		{"/tmp/s", trusting, true}, {"../s", trusting, true},	  {"s.lst", never, false}};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		for (unsigned save = 0; save < 2; save++) {
			struct room r;
			char words[128];
			struct slice problem;

			(void)snprintf(words, sizeof words, "dataset:set,s,type string,%s %s;",
				       save ? "save" : "state", rows[i].file);
			problem = room_open(&r, words, NULL, rows[i].yaml);
			if ((problem.len == 0) != rows[i].fine)
				test_fail(t, __FILE__, __LINE__, "row %zu: %.*s", i,
					  SLICE_ARG(problem));
			room_close(&r);
		}
}

TESTS(T(each_type_reads_its_values), T(a_bad_file_is_named_with_its_line),
      T(a_json_set_has_something_to_say_with_the_alert), T(a_change_wins_over_the_file),
      T(a_set_takes_no_more_than_its_memcap), T(what_is_written_is_what_the_set_holds),
      T(what_is_written_reads_back), T(changes_of_later_workers_win),
      T(rules_do_not_write_where_they_like))
