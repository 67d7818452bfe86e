/* SPDX-License-Identifier: Apache-2.0
 * The tree and the questions it answers. */
#include "sensor/config/config.h"

#include "base/text.h"

struct config *config_new(struct arena *a)
{
	struct config *c = ARENA_NEW(a, struct config);

	if (c != NULL) {
		c->kind = CONFIG_MAP;
		c->arena = a;
	}
	return c;
}

static struct config *child(struct config *c, struct slice name)
{
	for (struct config *n = c->first; n != NULL; n = n->next) {
		if (slice_equal(n->name, name))
			return n;
		if (c->kind == CONFIG_LIST && n->kind == CONFIG_MAP && n->first != NULL &&
		    n->first->next == NULL && slice_equal(n->first->name, name))
			return n->first;
	}
	return NULL;
}

static struct config *child_add(struct config *c, struct slice name)
{
	struct config *n = ARENA_NEW(c->arena, struct config);

	if (n == NULL)
		return NULL;
	n->name = arena_copy(c->arena, name);
	n->arena = c->arena;
	n->parent = c;
	if (c->last != NULL)
		c->last->next = n;
	else
		c->first = n;
	c->last = n;
	if (c->kind == CONFIG_SCALAR)
		c->kind = CONFIG_MAP;
	return n;
}

enum status config_set(struct config *root, struct slice path, struct slice value, struct fail *why)
{
	struct config *c = root;

	if (path.len == 0)
		return fail_set(why, ST_INVALID, "--set: no key before the '='");
	while (path.ptr != NULL) {
		struct slice name = slice_split(&path, '.');
		struct config *n = child(c, name);

		if (n == NULL)
			n = child_add(c, name);
		if (n == NULL)
			return fail_set(why, ST_NOMEM, "--set: no memory");
		c = n;
	}
	c->kind = CONFIG_SCALAR;
	c->first = c->last = NULL;
	c->value = arena_copy(c->arena, value);
	c->file = SLICE("--set");
	c->set = true;
	return ST_OK;
}

struct config *config_at(struct config *c, const char *path)
{
	struct slice rest = slice_of(path);

	while (c != NULL && rest.ptr != NULL)
		c = child(c, slice_split(&rest, '.'));
	if (c != NULL)
		c->asked = true;
	return c;
}

struct slice config_text(struct config *c, const char *path, const char *fallback)
{
	struct config *n = config_at(c, path);

	return n != NULL && n->value.ptr != NULL ? n->value : slice_of(fallback);
}

bool config_bool(struct config *c, const char *path, bool fallback)
{
	static const char *const yes[] = {"yes", "true", "on", "1"};
	static const char *const no[] = {"no", "false", "off", "0"};
	struct slice s = config_text(c, path, NULL);

	for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++) {
		if (slice_equal_nocase(s, slice_of(yes[i])))
			return true;
		if (slice_equal_nocase(s, slice_of(no[i])))
			return false;
	}
	return fallback;
}

uint64_t config_u64(struct config *c, const char *path, uint64_t least, uint64_t most,
		    uint64_t fallback)
{
	uint64_t v;

	return text_u64(config_text(c, path, NULL), least, most, &v) ? v : fallback;
}

uint64_t config_size(struct config *c, const char *path, uint64_t fallback)
{
	static const struct {
		const char *unit;
		unsigned shift;
	} units[] = {{"kb", 10}, {"mb", 20}, {"gb", 30}, {"kib", 10}, {"mib", 20}, {"gib", 30}};
	struct slice s = config_text(c, path, NULL), number = s;
	unsigned shift = 0;
	uint64_t v;

	while (number.len != 0 && !text_is_digit(number.ptr[number.len - 1]))
		number.len--;
	s = slice_trim(slice_from(s, number.len));
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
		if (slice_equal_nocase(s, slice_of(units[i].unit)))
			shift = units[i].shift;
	if ((s.len != 0 && shift == 0) || !text_u64(number, 0, UINT64_MAX >> shift, &v))
		return fallback;
	return v << shift;
}
