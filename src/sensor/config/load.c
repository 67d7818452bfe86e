/* SPDX-License-Identifier: Apache-2.0
 * YAML to a tree, by libyaml's events.
 *
 * 1. `open` has one entry for each map and list that has begun and not ended: its depth is bounded,
 *    and so is all that libyaml keeps for it.
 * 2. key is set in a map between a key and its value, and only there. */
#include <yaml.h>

#include "sensor/config/config_priv.h"

struct open {
	struct config *node; /* the map or list; in a list of includes, whose it is */
	struct config *key;  /* waits for its value */
	bool is_list;
	bool includes; /* names of files to include are awaited, not members */
	uint32_t set;  /* members at the front of a list that --set made, still to take their turn
			*/
	uint32_t next; /* index of the next member */
};

struct loading {
	yaml_parser_t parser;
	const struct config_reader *reader;
	struct slice file;
	struct config *base; /* where the file's content goes */
	unsigned includes;   /* files around this one */
	struct open open[CONFIG_DEPTH_MAX];
	size_t depth;
	struct fail *why;
};

static enum status load_file(struct config *base, struct slice file, struct slice text,
			     const struct config_reader *reader, unsigned includes,
			     struct fail *why);

static enum status refuse(const struct loading *l, const yaml_mark_t *at, enum status st,
			  const char *text)
{
	return fail_set(l->why, st, "%.*s:%zu:%zu: %s", SLICE_ARG(slice_part(l->file, 0, 100)),
			at->line + 1, at->column + 1, text);
}

static enum status too_much(const struct loading *l, const yaml_mark_t *at)
{
	return refuse(l, at, ST_LIMIT, "too many keys for one map or one configuration");
}

static void place(const struct loading *l, struct config *n, const yaml_mark_t *at)
{
	if (n->set)
		return;
	n->file = l->file;
	n->line = at->line < UINT32_MAX ? (uint32_t)at->line + 1 : UINT32_MAX;
	n->column = at->column < UINT32_MAX ? (uint32_t)at->column + 1 : UINT32_MAX;
}

static struct slice text_of(const yaml_event_t *e)
{
	return (struct slice){e->data.scalar.value, e->data.scalar.length};
}

/* A plain scalar that stands for no value at all. */
static bool is_null(const yaml_event_t *e)
{
	static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};

	if (e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return false;
	for (size_t i = 0; i < sizeof nulls / sizeof nulls[0]; i++)
		if (slice_equal(text_of(e), slice_of(nulls[i])))
			return true;
	return false;
}

static enum status include(struct loading *l, struct config *into, const yaml_event_t *e)
{
	struct config_tree *tree = into->tree;
	struct slice name = arena_copy(tree->arena, text_of(e)), text;
	enum status st;

	if (name.len == 0)
		return refuse(l, &e->start_mark, ST_INVALID, "include wants the name of a file");
	if (l->reader == NULL)
		return refuse(l, &e->start_mark, ST_INVALID, "no file can be included here");
	if (l->includes == CONFIG_INCLUDE_DEPTH_MAX || tree->includes == CONFIG_INCLUDES_MAX)
		return refuse(l, &e->start_mark, ST_LIMIT, "too many files within one another");
	tree->includes++;
	st = l->reader->read(l->reader->ctx, name, &text, l->why);
	if (st == ST_OK)
		st = load_file(into, name, text, l->reader, l->includes + 1, l->why);
	return st == ST_OK ? ST_OK
			   : fail_wrap(l->why, "%.*s:%zu", SLICE_ARG(slice_part(l->file, 0, 100)),
				       e->start_mark.line + 1);
}

/* "_" is "-" in a key, but in the name of a variable. */
static struct slice key_name(const struct config *parent, struct slice key)
{
	uint8_t *copy;

	if (memchr(key.ptr, '_', key.len) == NULL ||
	    slice_equal(parent->name, SLICE("address-groups")) ||
	    slice_equal(parent->name, SLICE("port-groups")))
		return key;
	copy = ARENA_ARRAY(parent->tree->arena, uint8_t, key.len);
	if (copy == NULL)
		return (struct slice){NULL, 0};
	for (size_t i = 0; i < key.len; i++)
		copy[i] = key.ptr[i] == '_' ? '-' : key.ptr[i];
	return (struct slice){copy, key.len};
}

static enum status key(struct loading *l, struct open *o, const yaml_event_t *e)
{
	struct slice name = text_of(e);
	struct config *n;

	if (name.len == 0) /* an empty document */
		return ST_OK;
	if (slice_equal(name, SLICE("include"))) {
		o->includes = true;
		return ST_OK;
	}
	name = key_name(o->node, name);
	n = memchr(name.ptr, '.', name.len) != NULL ? NULL : config_child(o->node, name);
	if (n != NULL && !n->set) {
		if (n->line != 0)
			config_problem(n, "replaced by line %zu of %.*s", e->start_mark.line + 1,
				       SLICE_ARG(l->file));
		config_prune(n);
	}
	if (n == NULL)
		n = config_child_make(o->node, name);
	if (n == NULL)
		return too_much(l, &e->start_mark);
	place(l, n, &e->start_mark);
	o->key = n;
	return ST_OK;
}

/* The next member of a list; one that was set before takes its turn in the order. */
static struct config *member(struct loading *l, struct open *o, const yaml_mark_t *at)
{
	struct buf name = buf_in(o->node->tree->arena);
	struct config *n = o->node->first;
	uint32_t i = 0;

	buf_add_u64(&name, o->next++);
	if (name.full)
		return NULL;
	while (i < o->set && !slice_equal(n->name, buf_slice(&name))) {
		n = n->next;
		i++;
	}
	if (i < o->set) {
		o->set--;
		config_child_move_last(n);
	} else {
		n = config_child_add(o->node, buf_slice(&name));
	}
	if (n != NULL)
		place(l, n, at);
	return n;
}

static enum status give_value(struct loading *l, struct config *n, const yaml_event_t *e)
{
	if (n->set || is_null(e))
		return ST_OK;
	n->value = arena_copy(n->tree->arena, text_of(e));
	if (n->value.len != e->data.scalar.length)
		return refuse(l, &e->start_mark, ST_NOMEM, "no memory");
	if (n->value.ptr == NULL) /* "" is a value */
		n->value = SLICE("");
	return ST_OK;
}

static enum status scalar(struct loading *l, const yaml_event_t *e)
{
	struct open *o = &l->open[l->depth - 1];
	struct config *n = o->key;

	if (o->includes) {
		o->includes = o->is_list; /* a list goes on */
		return is_null(e) ? ST_OK : include(l, o->node, e);
	}
	if (o->is_list) {
		n = member(l, o, &e->start_mark);
		return n != NULL ? give_value(l, n, e) : too_much(l, &e->start_mark);
	}
	if (n == NULL)
		return key(l, o, e);
	o->key = NULL;
	if (e->data.scalar.tag != NULL && strcmp((const char *)e->data.scalar.tag, "!include") == 0)
		return include(l, n, e);
	return give_value(l, n, e);
}

static enum status begin(struct loading *l, bool is_list, const yaml_mark_t *at)
{
	struct open *o = l->depth ? &l->open[l->depth - 1] : NULL;
	bool includes = o != NULL && o->includes;
	struct config *n;

	if (l->depth == CONFIG_DEPTH_MAX)
		return refuse(l, at, ST_LIMIT, "nested too deep");
	if (o == NULL && is_list)
		return refuse(l, at, ST_INVALID, "expected keys with values, not a list");
	if (includes && !is_list)
		return refuse(l, at, ST_INVALID, "include wants the name of a file, or a list");
	if (o == NULL)
		n = l->base;
	else if (includes)
		n = o->node;
	else if (o->is_list)
		n = member(l, o, at);
	else
		n = o->key;
	if (n == NULL)
		return o != NULL && !o->is_list
			       ? refuse(l, at, ST_INVALID, "a key must be a plain word")
			       : too_much(l, at);
	if (o != NULL) {
		o->key = NULL;
		o->includes = o->is_list && includes;
	}
	if (!includes)
		n->kind = is_list ? CONFIG_LIST : CONFIG_MAP;
	l->open[l->depth++] =
		(struct open){.node = n, .is_list = is_list, .includes = includes, .set = n->count};
	return ST_OK;
}

static enum status document(const struct loading *l, const yaml_event_t *e)
{
	const yaml_version_directive_t *v = e->data.document_start.version_directive;

	if (v == NULL)
		return refuse(l, &e->start_mark, ST_INVALID,
			      "the file must begin with the lines \"%YAML 1.1\" and \"---\"");
	if (v->major != 1 || v->minor != 1)
		return refuse(l, &e->start_mark, ST_INVALID, "expected %YAML 1.1");
	return ST_OK;
}

static enum status event(struct loading *l, const yaml_event_t *e)
{
	switch (e->type) {
	case YAML_DOCUMENT_START_EVENT:
		return document(l, e);
	case YAML_ALIAS_EVENT:
		return refuse(l, &e->start_mark, ST_INVALID, "aliases are not read");
	case YAML_SCALAR_EVENT:
		if (l->depth != 0)
			return scalar(l, e);
		return is_null(e)
			       ? ST_OK
			       : refuse(l, &e->start_mark, ST_INVALID, "expected keys with values");
	case YAML_SEQUENCE_START_EVENT:
		return begin(l, true, &e->start_mark);
	case YAML_MAPPING_START_EVENT:
		return begin(l, false, &e->start_mark);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		l->depth--;
		return ST_OK;
	default:
		return ST_OK;
	}
}

static enum status load_file(struct config *base, struct slice file, struct slice text,
			     const struct config_reader *reader, unsigned includes,
			     struct fail *why)
{
	struct loading *l = ARENA_NEW(base->tree->arena, struct loading);
	enum status st = ST_OK;
	bool more = true;

	if (text.len > CONFIG_BYTES_MAX)
		return fail_set(why, ST_LIMIT, "%.*s: %zu bytes, more than %d", SLICE_ARG(file),
				text.len, CONFIG_BYTES_MAX);
	if (l == NULL || !yaml_parser_initialize(&l->parser))
		return fail_set(why, ST_NOMEM, "no memory to read %.*s", SLICE_ARG(file));
	l->reader = reader;
	l->file = arena_copy(base->tree->arena, file);
	l->base = base;
	l->includes = includes;
	l->why = why;
	yaml_parser_set_input_string(&l->parser, text.ptr ? text.ptr : (const uint8_t *)"",
				     text.len);
	while (st == ST_OK && more) {
		yaml_event_t e;

		if (!yaml_parser_parse(&l->parser, &e)) {
			st = refuse(l, &l->parser.problem_mark, ST_INVALID,
				    l->parser.problem != NULL ? l->parser.problem : "no memory");
			break;
		}
		st = event(l, &e);
		more = e.type != YAML_STREAM_END_EVENT;
		yaml_event_delete(&e);
	}
	yaml_parser_delete(&l->parser);
	return st;
}

enum status config_load(struct config *root, struct slice file, struct slice text,
			const struct config_reader *reader, struct fail *why)
{
	return load_file(root, file, text, reader, 0, why);
}
