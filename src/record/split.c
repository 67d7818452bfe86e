/* SPDX-License-Identifier: Apache-2.0
 *
 * A line back into its fields, each value as its bytes stand there. No tree is built and no value
 * is looked into: where it ends is all that is asked, and strings and brackets tell that.
 */
#include "base/cursor.h"
#include "record/record.h"

struct splitter {
	struct cursor c;
	struct record_field *out;
	size_t count;
	bool many; /* more than RECORD_FIELDS_MAX */
};

static bool next_is(struct splitter *s, uint8_t want)
{
	return cursor_left(&s->c) != 0 && *s->c.at == want;
}

static bool eat(struct splitter *s, uint8_t want)
{
	if (!next_is(s, want))
		return false;
	(void)cursor_take(&s->c, 1); /* it is there */
	return true;
}

/* What is between two quotes, escapes as they are. */
static bool eat_string(struct splitter *s, struct slice *out)
{
	struct slice rest;

	if (!eat(s, '"'))
		return false;
	rest = cursor_rest(&s->c);
	for (size_t i = 0; i < rest.len; i++) {
		if (rest.ptr[i] == '\\') {
			i++;
		} else if (rest.ptr[i] == '"') {
			*out = slice_part(rest, 0, i);
			(void)cursor_take(&s->c, i + 1); /* it is there */
			return true;
		}
	}
	return false;
}

/* One value: up to the comma or bracket behind it. */
static bool eat_value(struct splitter *s, struct slice *out)
{
	struct slice rest = cursor_rest(&s->c);
	size_t depth = 0, i = 0;
	bool quoted = false;

	for (; i < rest.len; i++) {
		uint8_t c = rest.ptr[i];

		if (quoted) {
			i += c == '\\';
			quoted = c != '"';
		} else if (c == '"') {
			quoted = true;
		} else if (c == '{' || c == '[') {
			depth++;
		} else if ((c == '}' || c == ']') && depth-- == 0) {
			break;
		} else if (c == ',' && depth == 0) {
			break;
		}
	}
	if (i == 0 || i >= rest.len)
		return false;
	*out = cursor_take(&s->c, i);
	return true;
}

static void put(struct splitter *s, struct slice group, struct slice name, struct slice json)
{
	if (s->count == RECORD_FIELDS_MAX)
		s->many = true;
	else
		s->out[s->count++] = (struct record_field){group, name, json};
}

static bool member(struct splitter *s, struct slice group)
{
	struct slice name, json;

	if (!eat_string(s, &name) || !eat(s, ':') || !eat_value(s, &json))
		return false;
	put(s, group, name, json);
	return true;
}

static bool members(struct splitter *s, struct slice group)
{
	if (!eat(s, '{'))
		return false;
	if (eat(s, '}'))
		return true;
	do {
		if (!member(s, group))
			return false;
	} while (eat(s, ','));
	return eat(s, '}');
}

static bool listed(struct slice name, const struct slice *groups, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (slice_equal(groups[i], name))
			return true;
	return false;
}

static bool line_split(struct splitter *s, const struct slice *groups, size_t n)
{
	if (!eat(s, '{'))
		return false;
	do {
		struct slice name, json;

		if (!eat_string(s, &name) || !eat(s, ':'))
			return false;
		if (listed(name, groups, n)) {
			if (!members(s, name))
				return false;
		} else {
			if (!eat_value(s, &json))
				return false;
			put(s, (struct slice){NULL, 0}, name, json);
		}
	} while (eat(s, ','));
	return eat(s, '}') && cursor_left(&s->c) == 0;
}

enum status record_split(struct slice line, const struct slice *groups, size_t group_count,
			 struct record_field out[RECORD_FIELDS_MAX], size_t *out_count,
			 struct fail *why)
{
	struct splitter s = {.c = cursor_of(line), .out = out};

	if (!line_split(&s, groups, group_count))
		return fail_set(why, ST_INVALID, "a line that no record was joined to");
	if (s.many)
		return fail_set(why, ST_LIMIT, "a line of more than %d fields", RECORD_FIELDS_MAX);
	*out_count = s.count;
	return ST_OK;
}
