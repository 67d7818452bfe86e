/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/config/config.h"
#include "test.h"

struct fixture {
	struct arena_pool pool;
	struct arena arena;
	struct config *root;
};

static void open_tree(struct fixture *x)
{
	*x = (struct fixture){.pool = {.budget = 1 << 20}};
	x->arena.pool = &x->pool;
	x->root = config_new(&x->arena);
}

static void close_tree(struct fixture *x)
{
	arena_reset(&x->arena);
	arena_pool_drain(&x->pool);
}

static void without_a_tree_every_answer_is_the_default(struct test *t)
{
	EXPECT(t, config_at(NULL, "stream") == NULL);
	EXPECT(t, config_bool(NULL, "stream.midstream", true));
	EXPECT(t, config_u64(NULL, "a", 0, 9, 7) == 7);
	EXPECT(t, config_size(NULL, "a", 5) == 5);
}

static void what_is_set_is_what_is_answered(struct test *t)
{
	struct fixture x;
	struct fail why;

	open_tree(&x);
	EXPECT(t, config_set(x.root, SLICE("stream.midstream"), SLICE("Yes"), &why) == ST_OK);
	EXPECT(t, config_set(x.root, SLICE("stream.depth"), SLICE("2mb"), &why) == ST_OK);
	EXPECT(t, config_set(x.root, SLICE("stream.many"), SLICE("10"), &why) == ST_OK);
	EXPECT(t, config_bool(x.root, "stream.midstream", false));
	EXPECT(t, config_size(x.root, "stream.depth", 0) == 2 << 20);
	EXPECT(t, config_u64(x.root, "stream.many", 0, 10, 3) == 10);
	EXPECT(t, config_u64(x.root, "stream.many", 0, 9, 3) == 3);
	EXPECT(t, config_at(x.root, "stream.depth")->asked);
	EXPECT(t, config_set(x.root, SLICE(""), SLICE("1"), &why) == ST_INVALID);
	close_tree(&x);
}

TESTS(T(without_a_tree_every_answer_is_the_default), T(what_is_set_is_what_is_answered))
