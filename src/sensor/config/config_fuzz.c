/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as a configuration, which may include itself: either a tree whose links and limits
 * hold, or a reason. */
#include "sensor/config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum status read_same(void *ctx, struct slice name, struct slice *out, struct fail *why)
{
	*out = *(const struct slice *)ctx;
	return ST_OK;
}

static size_t check(struct config *c, unsigned depth)
{
	size_t n = 0, below = 0;

	ASSERT(depth <= CONFIG_PATH_MAX && c->depth == depth);
	for (struct config *k = c->first; k != NULL; k = k->next, n++) {
		ASSERT(k->parent == c && k->tree == c->tree && (k->next != NULL || c->last == k));
		below += check(k, depth + 1);
	}
	ASSERT(n == c->count);
	return n + below;
}

static void count(void *ctx, const struct config *n)
{
	ASSERT(!n->asked);
	++*(size_t *)ctx;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena_pool pool = {.budget = 64 << 20};
	struct arena a = {.pool = &pool};
	struct slice text = {data, size};
	struct config_reader reader = {&text, read_same};
	struct fail why = {0};
	size_t ignored = 0;
	struct config *root = config_new(&a);
	enum status st;

	ASSERT(root != NULL);
	ASSERT(config_set(root, SLICE("a.1.b"), SLICE("set"), &why) == ST_OK);
	st = config_load(root, SLICE("f"), text, &reader, &why);
	ASSERT((st == ST_OK) == (why.text[0] == '\0'));
	ASSERT(check(root, 0) <= CONFIG_NODES_MAX);
	ASSERT(slice_equal(config_text(root, "a.1.b", ""), SLICE("set")));
	(void)config_bool(root, "a", true);
	(void)config_size(root, "b", 1);
	(void)config_percent(root, "c", 1);
	(void)config_i64(root, "d", -1, 1, 0);
	config_ignored(root, count, &ignored);
	ASSERT(ignored <= root->tree->nodes);
	config_take(root);
	ignored = 0;
	config_ignored(root, count, &ignored);
	ASSERT(ignored == 0);
	arena_reset(&a);
	arena_pool_drain(&pool);
	return 0;
}
