/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/config/config.h"
#include "test.h"

struct fixture {
	struct arena_pool pool;
	struct arena arena;
	struct config *root;
	struct buf said; /* by config_ignored() */
};

static void open_tree(struct fixture *x)
{
	*x = (struct fixture){.pool = {.budget = 8 << 20}};
	x->arena.pool = &x->pool;
	x->root = config_new(&x->arena);
	x->said = buf_in(&x->arena);
}

static void close_tree(struct fixture *x)
{
	arena_reset(&x->arena);
	arena_pool_drain(&x->pool);
}

static bool set(struct fixture *x, const char *path, const char *value)
{
	struct fail why;

	return config_set(x->root, slice_of(path), slice_of(value), &why) == ST_OK;
}

static void without_a_tree_every_answer_is_the_default(struct test *t)
{
	EXPECT(t, config_at(NULL, "stream") == NULL && config_first(NULL) == NULL);
	EXPECT(t, config_bool(NULL, "stream.midstream", true));
	EXPECT(t, config_u64(NULL, "a", 0, 9, 7) == 7);
	EXPECT(t, config_i64(NULL, "a", -9, 9, -7) == -7);
	EXPECT(t, config_size(NULL, "a", 5) == 5);
	EXPECT(t, config_percent(NULL, "a", 50) == 50);
	EXPECT_SLICE(t, config_text(NULL, "a", "b"), SLICE("b"));
	config_problem(NULL, "nobody hears this");
	config_take(NULL);
}

static void what_is_set_is_what_is_answered(struct test *t)
{
	static const char *const words[] = {"bsd", "linux", NULL};
	struct fixture x;
	struct fail why;

	open_tree(&x);
	EXPECT(t, set(&x, "stream.midstream", "Yes") && set(&x, "stream.depth", "2mb") &&
			  set(&x, "stream.many", "10") && set(&x, "policy", "LINUX"));
	EXPECT(t, config_bool(x.root, "stream.midstream", false));
	EXPECT(t, set(&x, "inline", "Auto") && config_bool(x.root, "inline", true) &&
			  !config_bool(x.root, "inline", false));
	EXPECT(t, config_size(x.root, "stream.depth", 0) == 2 << 20);
	EXPECT(t, config_u64(x.root, "stream.many", 0, 10, 3) == 10);
	EXPECT(t, config_word(x.root, "policy", words, 0) == 1);
	EXPECT(t, config_at(x.root, "stream.depth")->asked);
	EXPECT_UINT(t, x.root->tree->problem_count, 0);
	EXPECT(t, config_u64(x.root, "stream.many", 0, 9, 3) == 3);
	EXPECT_UINT(t, x.root->tree->problem_count, 1);
	EXPECT(t, config_set(x.root, SLICE(""), SLICE("1"), &why) == ST_INVALID);
	close_tree(&x);
}

static void sizes_have_units_and_fractions(struct test *t)
{
	static const struct {
		const char *text;
		uint64_t bytes; /* 7: no size */
	} cases[] = {{"0", 0},
		     {"512", 512},
		     {" 512 ", 512},
		     {"1kb", 1024},
		     {"1 KB", 1024},
		     {"1.5Mb", 3 << 19},
		     {"10gb", UINT64_C(10) << 30},
		     {"2kib", 2048},
		     {"0.9999999999999kb", 1023},
		     {"18446744073709551615", UINT64_MAX},
		     {"18446744073709551616", 7},
		     {"17179869184gb", 7},
		     {"17179869183gb", UINT64_C(17179869183) << 30},
		     {"", 7},
		     {"kb", 7},
		     {"1tb", 7},
		     {"-1", 7},
		     {"1.2.3mb", 7},
		     {"1mb2", 7}};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct fixture x;

		open_tree(&x);
		EXPECT(t, set(&x, "a", cases[i].text));
		EXPECT_UINT(t, config_size(x.root, "a", 7), cases[i].bytes);
		EXPECT_UINT(t, x.root->tree->problem_count, cases[i].bytes == 7);
		close_tree(&x);
	}
}

static void a_percentage_is_0_to_100(struct test *t)
{
	static const struct {
		const char *text;
		unsigned percent; /* 7: none */
	} cases[] = {{"0", 0}, {"99%", 99}, {"100 %", 100}, {"101", 7}, {"%", 7}, {"-1", 7}};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct fixture x;

		open_tree(&x);
		EXPECT(t, set(&x, "a", cases[i].text));
		EXPECT_UINT(t, config_percent(x.root, "a", 7), cases[i].percent);
		close_tree(&x);
	}
}

static void a_value_that_does_not_fit_is_named(struct test *t)
{
	static const char *const words[] = {"first", "last", NULL};
	struct fixture x;

	open_tree(&x);
	EXPECT(t, set(&x, "a.b", "perhaps"));
	EXPECT(t, config_bool(x.root, "a.b", true));
	EXPECT(t, config_word(x.root, "a.b", words, 1) == 1);
	EXPECT_UINT(t, x.root->tree->problem_count, 2);
	EXPECT_SLICE(t, x.root->tree->problems[0].path, SLICE("a.b"));
	EXPECT_SLICE(t, x.root->tree->problems[0].file, SLICE("--set"));
	EXPECT_SLICE(t, x.root->tree->problems[1].text,
		     SLICE("\"perhaps\" is none of first, last"));
	for (unsigned i = 2; i < CONFIG_PROBLEMS_MAX + 3; i++)
		(void)config_bool(x.root, "a.b", true);
	EXPECT_UINT(t, x.root->tree->problem_count, CONFIG_PROBLEMS_MAX);
	EXPECT_UINT(t, x.root->tree->problems_lost, 3);
	close_tree(&x);
}

static void note(void *ctx, const struct config *n)
{
	struct fixture *x = ctx;

	config_path(n, &x->said);
	buf_add_byte(&x->said, ' ');
}

static void what_nobody_asked_is_ignored(struct test *t)
{
	struct fixture x;

	open_tree(&x);
	EXPECT(t, set(&x, "a.b", "1") && set(&x, "a.c.d", "1") && set(&x, "a.c.e", "1") &&
			  set(&x, "f.g.h", "1") && set(&x, "i", "1") && set(&x, "j.k", "1"));
	(void)config_bool(x.root, "a.c.d", false);
	config_take(config_at(x.root, "j"));
	config_ignored(x.root, note, &x);
	EXPECT_SLICE(t, buf_slice(&x.said), SLICE("a.b a.c.e f i "));
	close_tree(&x);
}

static void walking_a_list_asks_for_it(struct test *t)
{
	struct fixture x;
	unsigned n = 0;

	open_tree(&x);
	EXPECT(t, set(&x, "l.0", "a") && set(&x, "l.1", "b"));
	for (struct config *c = config_first(config_at(x.root, "l")); c != NULL; c = config_next(c))
		n++;
	EXPECT_UINT(t, n, 2);
	config_ignored(x.root, note, &x);
	EXPECT_UINT(t, x.said.len, 0);
	close_tree(&x);
}

static void a_path_is_bounded(struct test *t)
{
	struct fixture x;
	struct buf path;

	open_tree(&x);
	path = buf_in(&x.arena);
	buf_add_byte(&path, 'a');
	for (unsigned i = 1; i < CONFIG_PATH_MAX; i++)
		buf_add_z(&path, ".a");
	for (unsigned n = CONFIG_PATH_MAX; n <= CONFIG_PATH_MAX + 1; n++) {
		struct fail why;
		enum status st = config_set(x.root, buf_slice(&path), SLICE("1"), &why);

		EXPECT(t, st == (n <= CONFIG_PATH_MAX ? ST_OK : ST_LIMIT));
		buf_add_z(&path, ".a");
	}
	close_tree(&x);
}

TESTS(T(without_a_tree_every_answer_is_the_default), T(what_is_set_is_what_is_answered),
      T(sizes_have_units_and_fractions), T(a_percentage_is_0_to_100),
      T(a_value_that_does_not_fit_is_named), T(what_nobody_asked_is_ignored),
      T(walking_a_list_asks_for_it), T(a_path_is_bounded))
