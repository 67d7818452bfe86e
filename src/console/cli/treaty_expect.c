/* SPDX-License-Identifier: Apache-2.0
 * dewline treaty pairs --expect: whether a text still says of cases what was signed. */
#include "console/cli/treaty.h"

#include <jansson.h>

#include "os/file.h"

enum { FILE_MAX = 16 << 20 };

enum { BROKEN, KEPT, SIDES }; /* the two cases of a pair: worlds 0 and 1 */

struct signed_pairs {
	struct cli *c;
	const struct cmd_treaties *treaties;
	const struct treaty_law *law;
	struct slice file;
	size_t line, wrong;
	struct buf *out;
	struct fail *why;
};

static enum status bad_line(const struct signed_pairs *x, const char *what)
{
	return fail_set(x->why, ST_INVALID, "%.*s:%zu: %s", SLICE_ARG(x->file), x->line, what);
}

/* {"term": true, ...} of one case into its world. */
static enum status read_facts(const struct signed_pairs *x, const struct treaty *t, json_t *facts,
			      unsigned world, struct treaty_lanes *terms)
{
	const char *name;
	json_t *holds;

	if (!json_is_object(facts))
		return bad_line(x, "expected facts in \"breach\" and in \"no-breach\"");
	json_object_foreach(facts, name, holds)
	{
		size_t i = 0;

		while (i < treaty_term_count(t) &&
		       !slice_equal(treaty_term_name(t, i), slice_of(name)))
			i++;
		if (i == treaty_term_count(t) || !json_is_boolean(holds))
			return bad_line(x, "expected each fact to be a term of the treaty, true or "
					   "false");
		terms[i].shown |= (uint64_t)json_is_true(holds) << world;
		terms[i].excluded |= (uint64_t)json_is_false(holds) << world;
	}
	return ST_OK;
}

static enum status check_pair(struct signed_pairs *x, const struct treaty *t, size_t clause,
			      json_t *pair)
{
	static const char *const keys[SIDES] = {"breach", "no-breach"};
	static const char *const words[] = {"no breach", "neither", "a breach"};
	struct treaty_lanes *terms =
		ARENA_ARRAY(x->c->arena, struct treaty_lanes, treaty_term_count(t) + 1);
	struct treaty_lanes v;

	if (terms == NULL)
		return fail_set(x->why, ST_NOMEM, "%.*s: no memory", SLICE_ARG(x->file));
	for (unsigned side = 0; side < SIDES; side++) {
		enum status st = read_facts(x, t, json_object_get(pair, keys[side]), side, terms);

		if (st != ST_OK)
			return st;
	}
	v = treaty_clause_eval(t, clause, x->law, terms);
	for (unsigned side = 0; side < SIDES; side++) {
		enum treaty_value is = (v.shown >> side & 1) != 0      ? TREATY_TRUE
				       : (v.excluded >> side & 1) != 0 ? TREATY_FALSE
								       : TREATY_UNDETERMINED;

		if (is == (side == BROKEN ? TREATY_TRUE : TREATY_FALSE))
			continue;
		x->wrong++;
		buf_add_fmt(x->out, "%.*s:%zu: %.*s: signed as %s, and now it is %s\n",
			    SLICE_ARG(x->file), x->line, SLICE_ARG(treaty_clause_id(t, clause)),
			    side == BROKEN ? "a breach" : "no breach", words[is]);
	}
	return ST_OK;
}

static enum status check_line(struct signed_pairs *x, json_t *pair)
{
	struct slice id = slice_of(json_string_value(json_object_get(pair, "clause")));

	for (size_t k = 0; id.len != 0 && k < x->treaties->count; k++) {
		const struct treaty *t = x->treaties->list[k];
		size_t clause = treaty_clause_find(t, id);

		if (clause != SIZE_MAX && treaty_clause_judged(t, clause))
			return check_pair(x, t, clause, pair);
	}
	return bad_line(x, "expected a clause of the treaty files in \"clause\"");
}

/* Every line of a file that `pairs --json` wrote. */
static enum status check_file(struct signed_pairs *x)
{
	struct slice text;
	enum status st = os_file_read(x->file, FILE_MAX, x->c->arena, &text, x->why);

	while (st == ST_OK && text.len != 0) {
		struct slice line = slice_trim(slice_split(&text, '\n'));
		json_error_t error;
		json_t *pair;

		x->line++;
		if (line.len == 0)
			continue;
		pair = json_loadb((const char *)line.ptr, line.len, JSON_REJECT_DUPLICATES, &error);
		st = pair ? check_line(x, pair) : bad_line(x, "no JSON: expected a pair a line");
		json_decref(pair);
	}
	return st;
}

int cmd_treaty_expect(struct cli *c, const struct cmd_treaties *treaties,
		      const struct treaty_law *law, struct slice file)
{
	struct buf out = buf_in(c->arena);
	struct fail why = {0};
	struct signed_pairs x = {
		.c = c, .treaties = treaties, .law = law, .file = file, .out = &out, .why = &why};

	if (check_file(&x) != ST_OK)
		return cli_cannot(c, &why);
	if (x.wrong == 0)
		buf_add_fmt(&out, "%.*s: all cases are as they were signed\n", SLICE_ARG(file));
	if (!cli_print(c, buf_slice(&out)))
		return CLI_CANNOT;
	return x.wrong == 0 ? CLI_DONE : CLI_NO;
}
