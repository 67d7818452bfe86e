/* SPDX-License-Identifier: Apache-2.0
 * The tree and the questions it answers. */
#include "sensor/config/config.h"

#include "base/text.h"
#include "sensor/config/config_priv.h"

struct config *config_new(struct arena *a)
{
	struct config *c = ARENA_NEW(a, struct config);
	struct config_tree *tree = ARENA_NEW(a, struct config_tree);

	if (c == NULL || tree == NULL)
		return NULL;
	tree->arena = a;
	c->kind = CONFIG_MAP;
	c->tree = tree;
	return c;
}

/* ---- making ---- */

struct config *config_child(struct config *c, struct slice name)
{
	for (struct config *n = c->first; n != NULL; n = n->next)
		if (slice_equal(n->name, name))
			return n;
	return NULL;
}

static void append(struct config *c, struct config *n)
{
	n->next = NULL;
	if (c->last != NULL)
		c->last->next = n;
	else
		c->first = n;
	c->last = n;
	c->count++;
}

static void unlink_child(struct config *c, struct config *n)
{
	struct config **at = &c->first, *before = NULL;

	while (*at != n) {
		before = *at;
		at = &before->next;
	}
	*at = n->next;
	if (c->last == n)
		c->last = before;
	c->count--;
}

void config_child_move_last(struct config *n)
{
	unlink_child(n->parent, n);
	append(n->parent, n);
}

struct config *config_child_add(struct config *c, struct slice name)
{
	struct config_tree *tree = c->tree;
	struct config *n;

	if (tree->nodes == CONFIG_NODES_MAX || c->depth == CONFIG_PATH_MAX ||
	    (c->kind != CONFIG_LIST && c->count == CONFIG_KEYS_MAX))
		return NULL;
	n = ARENA_NEW(tree->arena, struct config);
	if (n == NULL)
		return NULL;
	n->name = arena_copy(tree->arena, name);
	if (n->name.len != name.len)
		return NULL;
	n->tree = tree;
	n->parent = c;
	n->depth = (uint8_t)(c->depth + 1);
	tree->nodes++;
	append(c, n);
	if (c->kind == CONFIG_SCALAR)
		c->kind = CONFIG_MAP;
	return n;
}

struct config *config_child_make(struct config *c, struct slice path)
{
	while (c != NULL && path.ptr != NULL) {
		struct slice name = slice_split(&path, '.');
		struct config *n = config_child(c, name);

		c = n != NULL ? n : config_child_add(c, name);
	}
	return c;
}

/* Every node on the way down gets its turn twice: when it is met, and when all below it is done. */
void config_prune(struct config *c)
{
	struct config *n = c->first;

	c->value = (struct slice){NULL, 0};
	while (n != NULL && n != c) {
		if (!n->set && n->first != NULL) {
			n->value = (struct slice){NULL, 0};
			n = n->first;
			continue;
		}
		for (;;) { /* n is done: on to its sibling, or back to its parent */
			struct config *next = n->next, *parent = n->parent;

			if (!n->set && n->first == NULL)
				unlink_child(parent, n);
			n = next;
			if (n != NULL || parent == c)
				break;
			n = parent;
		}
	}
}

enum status config_set(struct config *root, struct slice path, struct slice value, struct fail *why)
{
	struct config *c;

	if (path.len == 0)
		return fail_set(why, ST_INVALID, "--set: no key before the '='");
	c = config_child_make(root, path);
	if (c == NULL)
		return fail_set(why, ST_LIMIT, "--set %.*s: too deep or too much", SLICE_ARG(path));
	c->value = arena_copy(root->tree->arena, value);
	if (c->value.len != value.len)
		return fail_set(why, ST_NOMEM, "--set: no memory");
	if (c->value.ptr == NULL) /* set to nothing is not the same as not set */
		c->value = SLICE("");
	c->file = SLICE("--set");
	c->line = c->column = 0;
	c->set = true;
	return ST_OK;
}

/* ---- asking ---- */

/* The child, also of a list by the one key or word of a member. */
static struct config *find(struct config *c, struct slice name)
{
	struct config *n = config_child(c, name);

	if (n != NULL || c->kind != CONFIG_LIST)
		return n;
	for (n = c->first; n != NULL; n = n->next) {
		if (n->kind == CONFIG_SCALAR && n->value.len != 0 && slice_equal(n->value, name))
			return n;
		if (n->kind == CONFIG_MAP && n->first != NULL && n->first->next == NULL &&
		    slice_equal(n->first->name, name))
			return n->first;
	}
	return NULL;
}

struct config *config_at(struct config *c, const char *path)
{
	struct slice rest = slice_of(path);

	while (c != NULL && rest.ptr != NULL && *path != '\0')
		c = find(c, slice_split(&rest, '.'));
	if (c != NULL)
		c->asked = true;
	return c;
}

struct config *config_first(struct config *c)
{
	if (c == NULL)
		return NULL;
	c->asked = true;
	if (c->first != NULL)
		c->first->asked = true;
	return c->first;
}

struct config *config_next(struct config *n)
{
	if (n->next != NULL)
		n->next->asked = true;
	return n->next;
}

static struct config *scalar_at(struct config *c, const char *path)
{
	struct config *n = config_at(c, path);

	return n != NULL && n->value.ptr != NULL ? n : NULL;
}

struct slice config_text(struct config *c, const char *path, const char *fallback)
{
	struct config *n = scalar_at(c, path);

	return n != NULL ? n->value : slice_of(fallback);
}

bool config_bool(struct config *c, const char *path, bool fallback)
{
	static const char *const yes[] = {"yes", "true", "on", "1"};
	static const char *const no[] = {"no", "false", "off", "0"};
	struct config *n = scalar_at(c, path);

	if (n == NULL || slice_equal_nocase(n->value, SLICE("auto")))
		return fallback;
	for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++) {
		if (slice_equal_nocase(n->value, slice_of(yes[i])))
			return true;
		if (slice_equal_nocase(n->value, slice_of(no[i])))
			return false;
	}
	config_problem(n, "expected yes or no; taken as %s", fallback ? "yes" : "no");
	return fallback;
}

uint64_t config_u64(struct config *c, const char *path, uint64_t least, uint64_t most,
		    uint64_t fallback)
{
	struct config *n = scalar_at(c, path);
	uint64_t v;

	if (n == NULL)
		return fallback;
	if (text_u64(n->value, least, most, &v))
		return v;
	config_problem(n, "expected a number from %llu to %llu; taken as %llu",
		       (unsigned long long)least, (unsigned long long)most,
		       (unsigned long long)fallback);
	return fallback;
}

int64_t config_i64(struct config *c, const char *path, int64_t least, int64_t most,
		   int64_t fallback)
{
	struct config *n = scalar_at(c, path);
	int64_t v;

	if (n == NULL)
		return fallback;
	if (text_i64(n->value, least, most, &v))
		return v;
	config_problem(n, "expected a number from %lld to %lld; taken as %lld", (long long)least,
		       (long long)most, (long long)fallback);
	return fallback;
}

bool config_size_parse(struct slice s, uint64_t *out)
{
	static const struct {
		const char *unit;
		unsigned shift;
	} units[] = {{"", 0},	  {"kb", 10},  {"mb", 20}, {"gb", 30},
		     {"kib", 10}, {"mib", 20}, {"gib", 30}};
	uint64_t whole, tenths = 0, scale = 1, sum;
	struct slice unit, fraction;
	size_t n = 0;

	s = slice_trim(s);
	while (n < s.len && (text_is_digit(s.ptr[n]) || s.ptr[n] == '.'))
		n++;
	unit = slice_trim(slice_from(s, n));
	fraction = slice_part(s, 0, n);
	s = slice_split(&fraction, '.');
	fraction = slice_part(fraction, 0, 9); /* what is behind that is less than a byte */
	for (size_t i = 0; i < fraction.len; i++)
		scale *= 10;
	if (fraction.len != 0 && !text_u64(fraction, 0, scale, &tenths))
		return false;
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		if (!slice_equal_nocase(unit, slice_of(units[i].unit)))
			continue;
		if (!text_u64(s, 0, UINT64_MAX >> units[i].shift, &whole))
			return false;
		if (__builtin_add_overflow(whole << units[i].shift,
					   (tenths << units[i].shift) / scale, &sum))
			return false;
		*out = sum;
		return true;
	}
	return false;
}

uint64_t config_size(struct config *c, const char *path, uint64_t fallback)
{
	struct config *n = scalar_at(c, path);
	uint64_t v;

	if (n == NULL)
		return fallback;
	if (config_size_parse(n->value, &v))
		return v;
	config_problem(n, "expected a size such as 512, 32kb or 1.5mb; taken as %llu",
		       (unsigned long long)fallback);
	return fallback;
}

unsigned config_percent(struct config *c, const char *path, unsigned fallback)
{
	struct config *n = scalar_at(c, path);
	struct slice s;
	uint64_t v;

	if (n == NULL)
		return fallback;
	s = slice_trim(n->value);
	if (s.len != 0 && s.ptr[s.len - 1] == '%')
		s = slice_trim(slice_part(s, 0, s.len - 1));
	if (text_u64(s, 0, 100, &v))
		return (unsigned)v;
	config_problem(n, "expected a percentage; taken as %u", fallback);
	return fallback;
}

unsigned config_word(struct config *c, const char *path, const char *const *words,
		     unsigned fallback)
{
	struct config *n = scalar_at(c, path);
	struct buf list = {0};

	if (n == NULL)
		return fallback;
	for (unsigned i = 0; words[i] != NULL; i++)
		if (slice_equal_nocase(n->value, slice_of(words[i])))
			return i;
	list.arena = n->tree->arena;
	for (unsigned i = 0; words[i] != NULL; i++)
		buf_add_fmt(&list, "%s%s", i ? ", " : "", words[i]);
	config_problem(n, "\"%.*s\" is none of %.*s", SLICE_ARG(slice_part(n->value, 0, 40)),
		       SLICE_ARG(buf_slice(&list)));
	return fallback;
}

/* ---- problems and what was not asked ---- */

void config_path(const struct config *c, struct buf *out)
{
	const struct config *way[CONFIG_PATH_MAX];
	size_t n = 0;

	for (; c != NULL && c->parent != NULL; c = c->parent)
		way[n++] = c;
	while (n-- > 0) {
		buf_add(out, way[n]->name);
		if (n > 0)
			buf_add_byte(out, '.');
	}
}

void config_problem(struct config *c, const char *fmt, ...)
{
	struct buf text, path;
	struct config_problem p;
	va_list ap;

	if (c == NULL)
		return;
	if (c->tree->problem_count == CONFIG_PROBLEMS_MAX) {
		c->tree->problems_lost++;
		return;
	}
	text = buf_in(c->tree->arena);
	path = buf_in(c->tree->arena);
	va_start(ap, fmt);
	buf_add_vfmt(&text, fmt, ap);
	va_end(ap);
	config_path(c, &path);
	p = (struct config_problem){.file = c->file,
				    .line = c->line,
				    .column = c->column,
				    .path = buf_slice(&path),
				    .text = buf_slice(&text)};
	if (!ARENA_PUSH(c->tree->arena, c->tree->problems, c->tree->problem_count,
			c->tree->problem_room, p))
		c->tree->problems_lost++;
}

/* The node after n in the order of the file, within top; NULL: that was the last. `deeper`: its
 * children come first. */
static struct config *after(const struct config *top, struct config *n, bool deeper)
{
	if (deeper && n->first != NULL)
		return n->first;
	while (n != top && n->next == NULL)
		n = n->parent;
	return n == top ? NULL : n->next;
}

void config_take(struct config *c)
{
	for (struct config *n = c; n != NULL; n = after(c, n, true))
		n->asked = true;
}

static bool any_asked(struct config *c)
{
	for (struct config *n = c; n != NULL; n = after(c, n, true))
		if (n->asked)
			return true;
	return false;
}

void config_ignored(struct config *c, void (*each)(void *ctx, const struct config *n), void *ctx)
{
	bool asked = true;

	for (struct config *n = c; n != NULL; n = after(c, n, asked)) {
		asked = n == c || any_asked(n);
		if (!asked)
			each(ctx, n);
	}
}
