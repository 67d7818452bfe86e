/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/config/config.h"
#include "test.h"

#define HEAD "%YAML 1.1\n---\n"

struct fixture {
	struct arena_pool pool;
	struct arena arena;
	struct config *root;
	struct fail why;
};

static void open_tree(struct fixture *x)
{
	*x = (struct fixture){.pool = {.budget = 256 << 20}};
	x->arena.pool = &x->pool;
	x->root = config_new(&x->arena);
}

static void close_tree(struct fixture *x)
{
	arena_reset(&x->arena);
	arena_pool_drain(&x->pool);
}

static enum status load(struct fixture *x, const char *text)
{
	return config_load(x->root, SLICE("my.yaml"), slice_of(text), NULL, &x->why);
}

static struct slice text_at(struct fixture *x, const char *path)
{
	return config_text(x->root, path, "(none)");
}

static void maps_and_lists_become_a_tree_with_places(struct test *t)
{
	struct fixture x;

	open_tree(&x);
	EXPECT(t, load(&x, HEAD "outputs:\n"
				"  - fast:\n"
				"      enabled: no\n"
				"  - eve-log:\n"
				"      enabled: yes\n"
				"      types:\n"
				"        - alert:\n"
				"            payload: yes\n"
				"        - flow\n"
				"flow: {memcap: 128mb, \"hash-size\": 65536}\n") == ST_OK);
	EXPECT_SLICE(t, text_at(&x, "outputs.1.eve-log.enabled"), SLICE("yes"));
	EXPECT_SLICE(t, text_at(&x, "outputs.eve-log.types.alert.payload"), SLICE("yes"));
	EXPECT_SLICE(t, text_at(&x, "outputs.eve-log.types.flow"), SLICE("flow"));
	EXPECT(t, config_at(x.root, "outputs.eve-log.types.http") == NULL);
	EXPECT(t, config_size(x.root, "flow.memcap", 0) == 128 << 20);
	EXPECT_UINT(t, config_at(x.root, "outputs.1.eve-log.types.1")->line, 11);
	EXPECT_UINT(t, config_at(x.root, "outputs.1.eve-log.types.1")->column, 11);
	EXPECT_SLICE(t, config_at(x.root, "flow.memcap")->file, SLICE("my.yaml"));
	EXPECT(t, config_at(x.root, "outputs")->kind == CONFIG_LIST);
	close_tree(&x);
}

static void nothing_is_not_the_empty_text(struct test *t)
{
	struct fixture x;

	open_tree(&x);
	EXPECT(t, load(&x, HEAD "a: ~\nb: null\nc:\nd: \"\"\ne: \"~\"\n") == ST_OK);
	EXPECT_SLICE(t, text_at(&x, "a"), SLICE("(none)"));
	EXPECT_SLICE(t, text_at(&x, "b"), SLICE("(none)"));
	EXPECT_SLICE(t, text_at(&x, "c"), SLICE("(none)"));
	EXPECT_SLICE(t, text_at(&x, "d"), SLICE(""));
	EXPECT_SLICE(t, text_at(&x, "e"), SLICE("~"));
	EXPECT(t, config_at(x.root, "c") != NULL);
	close_tree(&x);
}

static void underscores_are_hyphens_but_in_variables(struct test *t)
{
	struct fixture x;

	open_tree(&x);
	EXPECT(t, load(&x, HEAD "default_rule_path: /r\n"
				"vars:\n  address_groups:\n    HOME_NET: any\n") == ST_OK);
	EXPECT_SLICE(t, text_at(&x, "default-rule-path"), SLICE("/r"));
	EXPECT_SLICE(t, text_at(&x, "vars.address-groups.HOME_NET"), SLICE("any"));
	close_tree(&x);
}

static void a_key_given_again_replaces_and_is_a_problem(struct test *t)
{
	struct fixture x;

	open_tree(&x);
	EXPECT(t, load(&x, HEAD "a:\n  - x\n  - y\n  - z\nb: 1\na:\n  - w\n") == ST_OK);
	EXPECT_SLICE(t, text_at(&x, "a.0"), SLICE("w"));
	EXPECT_UINT(t, config_at(x.root, "a")->count, 1);
	EXPECT_UINT(t, x.root->tree->problem_count, 1);
	EXPECT_UINT(t, x.root->tree->problems[0].line, 3);
	EXPECT_SLICE(t, x.root->tree->problems[0].path, SLICE("a"));
	close_tree(&x);
}

static void a_dotted_key_is_a_path(struct test *t)
{
	struct fixture x;

	open_tree(&x);
	EXPECT(t, load(&x, HEAD "stream.midstream: yes\nstream.inline: no\n") == ST_OK);
	EXPECT_SLICE(t, text_at(&x, "stream.midstream"), SLICE("yes"));
	EXPECT_SLICE(t, text_at(&x, "stream.inline"), SLICE("no"));
	EXPECT_UINT(t, x.root->count, 1);
	close_tree(&x);
}

static void what_was_set_wins_before_and_after(struct test *t)
{
	struct fixture x;

	open_tree(&x);
	EXPECT(t, config_set(x.root, SLICE("outputs.1.eve-log.enabled"), SLICE("no"), &x.why) ==
			  ST_OK);
	EXPECT(t, config_set(x.root, SLICE("l.1"), SLICE("B"), &x.why) == ST_OK);
	EXPECT(t, load(&x, HEAD "outputs:\n  - fast:\n  - eve-log:\n      enabled: yes\n"
				"      filename: e\nl: [a, b, c]\nm: 1\n") == ST_OK);
	EXPECT(t, config_set(x.root, SLICE("m"), SLICE("2"), &x.why) == ST_OK);
	EXPECT_SLICE(t, text_at(&x, "outputs.1.eve-log.enabled"), SLICE("no"));
	EXPECT_SLICE(t, text_at(&x, "outputs.1.eve-log.filename"), SLICE("e"));
	EXPECT_SLICE(t, config_at(x.root, "outputs")->first->name, SLICE("0"));
	EXPECT_SLICE(t, config_at(x.root, "l")->first->value, SLICE("a"));
	EXPECT_SLICE(t, config_at(x.root, "l")->first->next->value, SLICE("B"));
	EXPECT_SLICE(t, config_at(x.root, "l")->last->value, SLICE("c"));
	EXPECT_SLICE(t, text_at(&x, "m"), SLICE("2"));
	close_tree(&x);
}

static enum status read_named(void *ctx, struct slice name, struct slice *out, struct fail *why)
{
	if (slice_equal(name, SLICE("loop.yaml")))
		*out = SLICE(HEAD "include: loop.yaml\n");
	else if (slice_equal(name, SLICE("bad.yaml")))
		*out = SLICE(HEAD "a: [1\n");
	else if (slice_equal(name, SLICE("b.yaml")))
		*out = SLICE(HEAD "b: 2\nlist:\n  - x\n");
	else
		return fail_set(why, ST_NOTFOUND, "no file %.*s", SLICE_ARG(name));
	return ST_OK;
}

static enum status load_with_files(struct fixture *x, const char *text)
{
	struct config_reader reader = {NULL, read_named};

	return config_load(x->root, SLICE("my.yaml"), slice_of(text), &reader, &x->why);
}

static void includes_go_where_they_stand(struct test *t)
{
	struct fixture x;

	open_tree(&x);
	EXPECT(t, load_with_files(&x, HEAD "include: b.yaml\nlist:\n  - y\n"
					   "sub:\n  include:\n    - b.yaml\n"
					   "other: !include b.yaml\n") == ST_OK);
	EXPECT_SLICE(t, text_at(&x, "b"), SLICE("2"));
	EXPECT_SLICE(t, text_at(&x, "list.0"), SLICE("y"));
	EXPECT_SLICE(t, text_at(&x, "sub.list.0"), SLICE("x"));
	EXPECT_SLICE(t, text_at(&x, "other.b"), SLICE("2"));
	EXPECT_SLICE(t, config_at(x.root, "other.b")->file, SLICE("b.yaml"));
	close_tree(&x);
}

static void an_include_that_fails_says_where(struct test *t)
{
	static const struct {
		const char *text, *says;
	} cases[] = {{HEAD "\ninclude: none.yaml\n", "my.yaml:4: no file none.yaml"},
		     {HEAD "include: bad.yaml\n", "my.yaml:3: bad.yaml:"},
		     {HEAD "include: loop.yaml\n", "too many files within one another"},
		     {HEAD "include: {a: b}\n", "my.yaml:3:10: include wants"}};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct fixture x;

		open_tree(&x);
		EXPECT(t, load_with_files(&x, cases[i].text) != ST_OK);
		EXPECT(t, strstr(x.why.text, cases[i].says) != NULL);
		close_tree(&x);
	}
}

static void what_is_no_configuration_is_refused_with_its_place(struct test *t)
{
	static const struct {
		const char *text, *says;
	} cases[] = {{"a: b\n", "my.yaml:1:1: the file must begin"},
		     {"%YAML 1.2\n---\na: b\n", "YAML 1.1"},
		     {HEAD "- a\n- b\n", "my.yaml:3:1: expected keys"},
		     {HEAD "word\n", "my.yaml:3:1: expected keys"},
		     {HEAD "a: &x [1]\nb: *x\n", "my.yaml:4:4: aliases"},
		     {HEAD "? [a, b]\n: c\n", "my.yaml:3:3: a key must be a plain word"},
		     {HEAD "a: \"b\n", "my.yaml:"},
		     {HEAD "a: b\n\tc: d\n", "my.yaml:4:"},
		     {HEAD "include: b.yaml\n", "my.yaml:3:10: no file can be included"}};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct fixture x;

		open_tree(&x);
		EXPECT(t, load(&x, cases[i].text) == ST_INVALID);
		EXPECT(t, strstr(x.why.text, cases[i].says) != NULL);
		close_tree(&x);
	}
}

static void an_empty_document_is_an_empty_tree(struct test *t)
{
	struct fixture x;

	open_tree(&x);
	EXPECT(t, load(&x, HEAD) == ST_OK);
	EXPECT(t, load(&x, HEAD "# only words\n") == ST_OK);
	EXPECT_UINT(t, x.root->count, 0);
	close_tree(&x);
}

static enum status load_nested(struct fixture *x, unsigned depth)
{
	struct buf b = buf_in(&x->arena);

	buf_add_z(&b, HEAD "a: ");
	for (unsigned i = 0; i < depth; i++)
		buf_add_byte(&b, '[');
	for (unsigned i = 0; i < depth; i++)
		buf_add_byte(&b, ']');
	buf_add_byte(&b, '\n');
	return config_load(x->root, SLICE("n"), buf_slice(&b), NULL, &x->why);
}

static void depth_is_bounded(struct test *t)
{
	struct fixture x;

	open_tree(&x); /* the map around them all counts */
	EXPECT(t, load_nested(&x, CONFIG_DEPTH_MAX - 2) == ST_OK);
	EXPECT(t, load_nested(&x, CONFIG_DEPTH_MAX - 1) == ST_OK);
	EXPECT(t, load_nested(&x, CONFIG_DEPTH_MAX) == ST_LIMIT);
	EXPECT(t, load_nested(&x, 1 << 20) == ST_LIMIT);
	close_tree(&x);
}

static enum status load_keys(struct fixture *x, unsigned n)
{
	struct buf b = buf_in(&x->arena);

	buf_add_z(&b, HEAD);
	for (unsigned i = 0; i < n; i++)
		buf_add_fmt(&b, "k%u: 1\n", i);
	return config_load(x->root, SLICE("k"), buf_slice(&b), NULL, &x->why);
}

static void keys_of_a_map_are_bounded(struct test *t)
{
	for (unsigned n = CONFIG_KEYS_MAX - 1; n <= CONFIG_KEYS_MAX + 1; n++) {
		struct fixture x;

		open_tree(&x);
		EXPECT(t, load_keys(&x, n) == (n <= CONFIG_KEYS_MAX ? ST_OK : ST_LIMIT));
		close_tree(&x);
	}
}

static void a_line_of_ten_megabytes_is_read_and_a_huge_file_is_not(struct test *t)
{
	enum { LINE = 10 << 20 };
	struct fixture x;
	struct buf b;
	uint8_t *room;

	open_tree(&x);
	b = buf_in(&x.arena);
	buf_add_z(&b, HEAD "a: ");
	room = buf_reserve(&b, LINE);
	EXPECT(t, room != NULL);
	memset(room, 'x', LINE);
	buf_grew(&b, LINE);
	buf_add_byte(&b, '\n');
	EXPECT(t, config_load(x.root, SLICE("l"), buf_slice(&b), NULL, &x.why) == ST_OK);
	EXPECT_UINT(t, text_at(&x, "a").len, LINE);
	b.len = 0;
	EXPECT(t,
	       config_load(x.root, SLICE("l"), (struct slice){b.ptr, (size_t)CONFIG_BYTES_MAX + 1},
			   NULL, &x.why) == ST_LIMIT);
	close_tree(&x);
}

static void every_refused_block_of_memory_is_a_reason(struct test *t)
{
	for (size_t n = 1; n < 12; n++) {
		struct fixture x;
		enum status st = ST_NOMEM;

		open_tree(&x);
		arena_reset(&x.arena);
		arena_pool_drain(&x.pool);
		x.pool.fail_after = n;
		x.root = config_new(&x.arena);
		if (x.root != NULL)
			st = load_keys(&x, 100);
		EXPECT(t, st == ST_OK || st == ST_NOMEM || st == ST_LIMIT || st == ST_INVALID);
		close_tree(&x);
		EXPECT_UINT(t, x.pool.out, 0);
	}
}

TESTS(T(maps_and_lists_become_a_tree_with_places), T(nothing_is_not_the_empty_text),
      T(underscores_are_hyphens_but_in_variables), T(a_key_given_again_replaces_and_is_a_problem),
      T(a_dotted_key_is_a_path), T(what_was_set_wins_before_and_after),
      T(includes_go_where_they_stand), T(an_include_that_fails_says_where),
      T(what_is_no_configuration_is_refused_with_its_place), T(an_empty_document_is_an_empty_tree),
      T(depth_is_bounded), T(keys_of_a_map_are_bounded),
      T(a_line_of_ten_megabytes_is_read_and_a_huge_file_is_not),
      T(every_refused_block_of_memory_is_a_reason))
